//! Listens to a handler and turns its lines into events and answers.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::value::RawValue;
use syncmgr_handler::callback::Progress;
use syncmgr_handler::frame::{self, DecodeError, Envelope, RpcError};
use syncmgr_handler::item::ItemId;
use syncmgr_handler::{Callback, Question};
use tokio::io::{AsyncRead, BufReader};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::event::{HostEvent, Violation, What};
use crate::handle::{Reply, Shared};
use crate::lines::{Lines, excerpt};

/// How many bytes are read from the pipe at once.
const READ_BUFFER: usize = 64 << 10;

/// Most small breaches of one instance; one more ends it.
const MAX_BREACHES: u32 = 100;

/// Most items whose progress is held back while nobody takes events; for a further one the handler waits.
const MAX_HELD: usize = 1024;

/// Nobody takes events any more.
struct Unheard;

/// Listens to one instance.
pub(crate) struct Reader {
    pub(crate) instance: u64,
    pub(crate) events: mpsc::Sender<HostEvent>,
    pub(crate) shared: Arc<Shared>,
    held: Held,
    breaches: u32,
}

impl Reader {
    pub(crate) fn new(instance: u64, events: mpsc::Sender<HostEvent>, shared: Arc<Shared>) -> Self {
        Self {
            instance,
            events,
            shared,
            held: Held::default(),
            breaches: 0,
        }
    }

    /// Tells that the instance runs, then listens to the end of its output, or to a breach that must end it.
    pub(crate) async fn listen(mut self, from: impl AsyncRead + Unpin) -> Option<Violation> {
        let identity = self.shared.identity.get().copied();
        let started = What::Started {
            pid: identity.map(|identity| identity.pid),
            start_time: identity.and_then(|identity| identity.start_time),
        };
        if self.send(started).await.is_err() {
            return None;
        }
        let mut lines = Lines::new(BufReader::with_capacity(READ_BUFFER, from));
        let violation = loop {
            let filled = tokio::select! {
                biased;
                room = self.events.reserve(), if !self.held.is_empty() => {
                    let Ok(room) = room else { return None };
                    if let Some(progress) = self.held.pop() {
                        room.send(event(self.instance, progress));
                    }
                    continue;
                }
                filled = lines.fill() => filled,
            };
            match filled.and_then(|more| {
                if more {
                    lines.line().map(Some)
                } else {
                    Ok(None)
                }
            }) {
                Ok(Some(line)) => {
                    self.shared.heard(line.len());
                    match self.hear(line).await {
                        Ok(None) => {}
                        Ok(Some(violation)) => break Some(violation),
                        Err(Unheard) => return None,
                    }
                }
                Ok(None) => break None,
                Err(violation) => break Some(violation),
            }
        };
        // Whether anybody still listens makes no difference at the end.
        drop(self.flush().await);
        violation
    }

    /// Takes one line; gives a breach that must end the instance.
    async fn hear(&mut self, line: &str) -> Result<Option<Violation>, Unheard> {
        let Ok(envelope) = Envelope::parse(line) else {
            let excerpt = excerpt(line);
            return Ok(Some(Violation::NotAMessage { excerpt }));
        };
        match (envelope.method, envelope.id) {
            (Some(method), None) => match Callback::decode(&method, envelope.params) {
                Ok(Callback::Progress(progress)) => self.progress(progress).await.map(|()| None),
                Ok(callback) => self.send(What::Callback(callback)).await.map(|()| None),
                // A notification of a later version of the contract is a feature that this side does not have.
                Err(DecodeError::UnknownMethod(_)) => Ok(None),
                Err(error) => self.breach(wrong(error)).await,
            },
            (Some(method), Some(id)) => match Question::decode(&method, envelope.params) {
                Ok(question) => self.question(id, question).await,
                Err(error) => {
                    let code = match error {
                        DecodeError::UnknownMethod(_) => RpcError::METHOD_NOT_FOUND,
                        _ => RpcError::INVALID_PARAMS,
                    };
                    self.refuse(id, &RpcError::new(code, error.to_string()));
                    match error {
                        DecodeError::UnknownMethod(_) => Ok(None),
                        error => self.breach(wrong(error)).await,
                    }
                }
            },
            (None, Some(id)) => {
                let answer = match envelope.error {
                    Some(error) => Err(error),
                    None => Ok(envelope.result.map_or("{}", RawValue::get).to_owned()),
                };
                if self.shared.answered(id, answer) {
                    Ok(None)
                } else {
                    self.breach(Violation::UnknownAnswer(id)).await
                }
            }
            (None, None) => match envelope.error {
                Some(error) => self.breach(Violation::RefusedLine(error)).await,
                None => {
                    let excerpt = excerpt(line);
                    Ok(Some(Violation::NotAMessage { excerpt }))
                }
            },
        }
    }

    async fn question(
        &mut self,
        id: u64,
        question: Question,
    ) -> Result<Option<Violation>, Unheard> {
        match Arc::clone(&self.shared.questions).try_acquire_owned() {
            Ok(permit) => {
                let reply = Reply::new(id, self.shared.outgoing.clone(), permit);
                let what = What::Question { question, reply };
                self.send(what).await.map(|()| None)
            }
            Err(_) => {
                let text = Violation::TooManyQuestions.to_string();
                self.refuse(id, &RpcError::refused("host::busy", text, None));
                self.breach(Violation::TooManyQuestions).await
            }
        }
    }

    /// Passes a report on, or holds it while nobody takes events: the latest of each item wins.
    async fn progress(&mut self, progress: Progress) -> Result<(), Unheard> {
        let progress = if self.held.is_empty() {
            match self.events.try_reserve() {
                Ok(room) => {
                    room.send(event(self.instance, progress));
                    return Ok(());
                }
                Err(TrySendError::Closed(())) => return Err(Unheard),
                Err(TrySendError::Full(())) => progress,
            }
        } else {
            progress
        };
        match self.held.offer(progress) {
            None => Ok(()),
            Some(progress) => {
                self.send(What::Callback(Callback::Progress(progress)))
                    .await
            }
        }
    }

    async fn breach(&mut self, violation: Violation) -> Result<Option<Violation>, Unheard> {
        self.breaches += 1;
        if self.breaches > MAX_BREACHES {
            return Ok(Some(Violation::TooMany));
        }
        self.send(What::Violation(violation)).await.map(|()| None)
    }

    /// Sends an event after everything that is held.
    async fn send(&mut self, what: What) -> Result<(), Unheard> {
        self.flush().await?;
        let event = HostEvent {
            instance: self.instance,
            what,
        };
        self.put(event).await
    }

    async fn flush(&mut self) -> Result<(), Unheard> {
        while let Some(progress) = self.held.pop() {
            self.put(event(self.instance, progress)).await?;
        }
        Ok(())
    }

    async fn put(&self, event: HostEvent) -> Result<(), Unheard> {
        match self.events.try_send(event) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(_)) => Err(Unheard),
            Err(TrySendError::Full(event)) => {
                self.shared.stalled.store(true, Ordering::Relaxed);
                let sent = self.events.send(event).await;
                self.shared.stalled.store(false, Ordering::Relaxed);
                sent.map_err(|_| Unheard)
            }
        }
    }

    fn refuse(&self, id: u64, error: &RpcError) {
        let mut line = Vec::new();
        if frame::refuse(&mut line, Some(id), error).is_ok() {
            // A handler that does not read is ended anyway.
            drop(self.shared.outgoing.try_send(line));
        }
    }
}

fn event(instance: u64, progress: Progress) -> HostEvent {
    HostEvent {
        instance,
        what: What::Callback(Callback::Progress(progress)),
    }
}

fn wrong(error: DecodeError) -> Violation {
    match error {
        DecodeError::Params { method, cause } => Violation::Params {
            method,
            cause: excerpt(&cause.to_string()),
        },
        DecodeError::Envelope(_) | DecodeError::Shape | DecodeError::UnknownMethod(_) => {
            Violation::NotAMessage {
                excerpt: excerpt(&error.to_string()),
            }
        }
    }
}

/// Reports that wait for room, at most one an item, in the order of their first coming.
#[derive(Debug, Default)]
struct Held(VecDeque<(Option<ItemId>, Progress)>);

impl Held {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn pop(&mut self) -> Option<Progress> {
        self.0.pop_front().map(|(_, progress)| progress)
    }

    /// Takes a report, or gives it back when that would drop a status or hold too many items.
    fn offer(&mut self, later: Progress) -> Option<Progress> {
        let Some((_, held)) = self.0.iter_mut().find(|(item, _)| *item == later.item) else {
            if self.0.len() >= MAX_HELD {
                return Some(later);
            }
            self.0.push_back((later.item.clone(), later));
            return None;
        };
        if held.status.is_some() && later.status.is_some() && held.status != later.status {
            return Some(later);
        }
        held.status = later.status.or(held.status);
        held.value = later.value.or(held.value);
        held.max = later.max.or(held.max);
        held.counts = later.counts.or(held.counts);
        held.failure = later.failure.or(held.failure);
        if later.text.is_some() {
            held.text = later.text;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use syncmgr_handler::callback::Status;

    use super::*;

    fn report(item: &str, status: Option<Status>, value: u64) -> Progress {
        Progress {
            item: Some(ItemId::new(item).unwrap()),
            status,
            value: Some(value),
            ..Progress::default()
        }
    }

    #[test]
    fn held_reports_merge_but_statuses_do_not() {
        let mut held = Held::default();
        assert_eq!(held.offer(report("a", None, 1)), None);
        assert_eq!(held.offer(report("b", Some(Status::Updating), 1)), None);
        assert_eq!(held.offer(report("a", Some(Status::Updating), 2)), None);
        assert_eq!(held.offer(report("a", Some(Status::Updating), 3)), None);
        assert_eq!(held.offer(report("a", None, 4)), None);
        assert!(
            held.offer(report("a", Some(Status::Succeeded), 5))
                .is_some()
        );
        assert_eq!(held.pop(), Some(report("a", Some(Status::Updating), 4)));
        assert_eq!(held.pop(), Some(report("b", Some(Status::Updating), 1)));
        assert_eq!(held.pop(), None);
        for number in 0..MAX_HELD {
            assert_eq!(held.offer(report(&format!("i{number}"), None, 0)), None);
        }
        assert!(held.offer(report("one more", None, 0)).is_some());
    }
}
