//! The manager's end of the connection to a handler that lives in this process.

use std::collections::HashMap;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::thread::ThreadId;

use serde::Serialize;

use crate::call::Notice;
use crate::frame::{self, Answered, Envelope, RpcError};
use crate::link::{LineReader, enter};

/// Why a call got no answer.
#[derive(Debug)]
pub(super) enum NoAnswer {
    /// The handler refused.
    Refused(RpcError),
    /// It cannot be said: too long for a line.
    Unsayable,
    /// The handler's side has ended.
    Gone,
    /// It was called from inside a callback, which the contract forbids (M-14) and which could never be answered.
    Reentrant,
}

/// Sends calls and waits for their answers; shared by whoever calls.
///
/// A wait ends with the answer or with the handler's side. There is no time limit: the method of the contract that
/// waits here is itself watched by the manager.
pub(super) struct Wire {
    writer: Mutex<Option<Box<dyn Write + Send>>>,
    waiting: Mutex<Waiting>,
    changed: Condvar,
    next: AtomicU64,
    reader: OnceLock<ThreadId>,
}

#[derive(Default)]
struct Waiting {
    answers: HashMap<u64, Option<Result<String, RpcError>>>,
    gone: bool,
}

impl Wire {
    pub(super) fn new(writer: Box<dyn Write + Send>) -> Self {
        Self {
            writer: Mutex::new(Some(writer)),
            waiting: Mutex::default(),
            changed: Condvar::new(),
            next: AtomicU64::new(1),
            reader: OnceLock::new(),
        }
    }

    /// Asks, and waits for the answer.
    pub(super) fn call<P: Answered>(&self, params: &P) -> Result<P::Answer, NoAnswer> {
        if self.is_reader() {
            return Err(NoAnswer::Reentrant);
        }
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut line = Vec::new();
        frame::ask(&mut line, Some(id), P::METHOD, params).map_err(|_| NoAnswer::Unsayable)?;
        enter(&self.waiting).answers.insert(id, None);
        let sent = self.send(&line);
        let mut waiting = enter(&self.waiting);
        if sent {
            waiting = self
                .changed
                .wait_while(waiting, |waiting| {
                    !waiting.gone && matches!(waiting.answers.get(&id), Some(None))
                })
                .unwrap_or_else(PoisonError::into_inner);
        }
        let answer = waiting.answers.remove(&id).flatten();
        drop(waiting);
        match answer {
            Some(Ok(text)) => serde_json::from_str(&text).map_err(|_| NoAnswer::Gone),
            Some(Err(error)) => Err(NoAnswer::Refused(error)),
            None => Err(NoAnswer::Gone),
        }
    }

    /// Tells without waiting; nobody listens once the handler's side has ended.
    pub(super) fn notify(&self, notice: &Notice) {
        let mut line = Vec::new();
        if notice.encode(&mut line, None).is_ok() {
            self.send(&line);
        }
    }

    /// Answers a question of the handler's.
    pub(super) fn answer<A: Serialize>(&self, id: u64, answer: &A) {
        let mut line = Vec::new();
        if frame::answer(&mut line, id, answer).is_ok() {
            self.send(&line);
        }
    }

    /// Refuses a question of the handler's.
    pub(super) fn refuse(&self, id: u64, error: &RpcError) {
        let mut line = Vec::new();
        if frame::refuse(&mut line, Some(id), error).is_ok() {
            self.send(&line);
        }
    }

    /// Reads until the handler's side ends, and hands over what the handler says on its own: a notification or, with a
    /// number, a question. One thread does this.
    pub(super) fn read(&self, mut lines: LineReader, hear: impl Fn(&str, &Envelope<'_>)) {
        self.reader.get_or_init(|| std::thread::current().id());
        while let Ok(Some(line)) = lines.next_line() {
            // Both sides are this crate: a line that cannot be read is not sent.
            let Ok(mut envelope) = Envelope::parse(line) else {
                continue;
            };
            match (envelope.method.take(), envelope.id) {
                (Some(method), _) => hear(&method, &envelope),
                (None, Some(id)) => {
                    let answer = match envelope.error {
                        Some(error) => Err(error),
                        None => {
                            let text = envelope.result.map_or("{}", |result| result.get());
                            Ok(text.to_owned())
                        }
                    };
                    if let Some(slot) = enter(&self.waiting).answers.get_mut(&id) {
                        *slot = Some(answer);
                    }
                    self.changed.notify_all();
                }
                (None, None) => {}
            }
        }
        enter(&self.waiting).gone = true;
        self.changed.notify_all();
    }

    /// Whether this is the thread that reads, and must therefore not wait for anything that is read.
    pub(super) fn is_reader(&self) -> bool {
        self.reader.get() == Some(&std::thread::current().id())
    }

    /// Ends the handler's input.
    pub(super) fn close(&self) {
        enter(&self.writer).take();
    }

    fn send(&self, line: &[u8]) -> bool {
        enter(&self.writer)
            .as_mut()
            .is_some_and(|writer| writer.write_all(line).is_ok())
    }
}
