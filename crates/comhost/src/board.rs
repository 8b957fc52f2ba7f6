//! Joins the desk and the queue under one lock, so that what is decided and what is sent have one order.
//!
//! The lock is held for a decision and never across a call into the handler (M-13).

use std::io::Write;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use syncmgr_handler::Callback;
use syncmgr_handler::callback::Breach;

use crate::desk::{Desk, Operation};
use crate::queue::Queue;

/// How long a handler may give no sign of life before a line about it goes to standard error.
const WATCHDOG: Duration = Duration::from_secs(60);

/// How many lines the watchdog writes for one instance.
const MAX_BARKS: u32 = 30;

/// What all threads share.
#[derive(Debug, Default)]
pub(crate) struct Board {
    held: Mutex<Held>,
    /// Tells the writer that there is something to do.
    work: Condvar,
    /// Tells the others that something ended or became shorter.
    changed: Condvar,
}

/// What the lock protects.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pub(crate) desk: Desk,
    pub(crate) queue: Queue,
    /// The writer has bytes in hand.
    writing: bool,
    finish: bool,
    /// Nobody reads any more.
    gone: bool,
    /// Nothing is outstanding that only the apartment could end.
    pub(crate) released: bool,
    /// The handler could not be used at all.
    pub(crate) failed: bool,
    /// The manager was asked for a verdict and gave none.
    pub(crate) unjudged: bool,
    heard: Option<Instant>,
    barks: u32,
    asked: Option<Instant>,
}

impl Held {
    /// Whether nobody reads any more.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone
    }

    /// An operation begins: silence counts from now.
    pub(crate) fn enter(&mut self, now: Instant, operation: Operation) {
        self.heard = Some(now);
        self.barks = 0;
        self.desk.enter(operation);
    }

    /// Whether the manager may be asked again, when it is asked no more often than so.
    pub(crate) fn may_ask(&mut self, now: Instant, pace: Duration) -> bool {
        let soon = self
            .asked
            .is_some_and(|asked| now.saturating_duration_since(asked) < pace);
        if soon || self.unjudged {
            return false;
        }
        self.asked = Some(now);
        true
    }

    /// Queues a breach, if there is one to tell.
    pub(crate) fn report(&mut self, now: Instant, breach: Option<Breach>) {
        if let Some(breach) = breach {
            self.queue.tell(now, &Callback::Violation(breach));
        }
    }
}

impl Board {
    /// Decides and queues without waiting for room: for answers, and for what the manager said.
    pub(crate) fn at_once<T>(&self, decide: impl FnOnce(&mut Held, Instant) -> T) -> T {
        let mut held = enter(&self.held);
        let answer = decide(&mut held, clock());
        drop(held);
        self.work.notify_one();
        self.changed.notify_all();
        answer
    }

    /// Looks and changes nothing that anybody waits for.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&mut Held) -> T) -> T {
        look(&mut enter(&self.held))
    }

    /// Decides and queues for a thread of the handler, which waits while the queue is full.
    pub(crate) fn in_turn<T>(&self, decide: impl FnOnce(&mut Held, Instant) -> T) -> T {
        let mut held = self.with_room();
        let now = clock();
        held.heard = Some(now);
        let answer = decide(&mut held, now);
        drop(held);
        self.work.notify_one();
        self.changed.notify_all();
        answer
    }

    /// As [`in_turn`](Self::in_turn), for reports of progress: nobody is woken when there is nothing new.
    pub(crate) fn report<T>(&self, decide: impl FnOnce(&mut Held, Instant) -> (T, bool)) -> T {
        let mut held = self.with_room();
        let now = clock();
        held.heard = Some(now);
        let (answer, news) = decide(&mut held, now);
        drop(held);
        if news {
            self.work.notify_one();
        }
        answer
    }

    fn with_room(&self) -> MutexGuard<'_, Held> {
        self.changed
            .wait_while(enter(&self.held), |held| {
                !held.gone && !held.queue.has_room()
            })
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something is so, at most until the given time; whether it is.
    pub(crate) fn wait_until(&self, end: Instant, is: impl Fn(&Held) -> bool) -> bool {
        let wait = end.saturating_duration_since(clock());
        let (held, _) = self
            .changed
            .wait_timeout_while(enter(&self.held), wait, |held| !is(held))
            .unwrap_or_else(PoisonError::into_inner);
        is(&held)
    }

    /// Waits until all is written, at most for the given time, and ends the writer.
    pub(crate) fn finish(&self, at_most: Duration) {
        self.at_once(|held, now| {
            held.queue.flush(now);
            held.finish = true;
        });
        self.wait_until(clock() + at_most, |held| {
            held.gone || (!held.writing && held.queue.is_empty())
        });
    }

    /// Writes what is queued, until the end or until nobody reads any more.
    pub(crate) fn write_to(&self, mut out: impl Write) {
        let mut batch = Vec::new();
        while self.next_batch(&mut batch) {
            if out.write_all(&batch).and_then(|()| out.flush()).is_err() {
                self.at_once(|held, _| held.gone = true);
                return;
            }
        }
    }

    /// Takes the queued bytes, waiting for some; false at the end.
    fn next_batch(&self, batch: &mut Vec<u8>) -> bool {
        batch.clear();
        let mut held = enter(&self.held);
        held.writing = false;
        loop {
            let now = clock();
            held.queue.flush_due(now);
            if held.gone {
                return false;
            }
            if !held.queue.is_empty() {
                held.queue.take(batch);
                held.writing = true;
                drop(held);
                self.changed.notify_all();
                return true;
            }
            if held.finish {
                drop(held);
                self.changed.notify_all();
                return false;
            }
            let bark = held.watch(now);
            let tick = held.queue.tick();
            let wait = tick.map_or(WATCHDOG, |tick| tick.saturating_duration_since(now));
            if let Some((operation, silence)) = bark {
                drop(held);
                crate::say(format_args!(
                    "the handler gave no sign of life for {} s in {}",
                    silence.as_secs(),
                    operation.method()
                ));
                held = enter(&self.held);
                continue;
            }
            self.changed.notify_all();
            held = self
                .work
                .wait_timeout(held, wait)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

impl Held {
    /// The watchdog: an operation that is outstanding while nothing is heard. Handlers that fail to marshal the callback
    /// fall silent, and silence is the only symptom.
    fn watch(&mut self, now: Instant) -> Option<(Operation, Duration)> {
        let operation = self.desk.outstanding()?;
        let heard = *self.heard.get_or_insert(now);
        let silence = now.saturating_duration_since(heard);
        let next = WATCHDOG * (self.barks + 1);
        if silence < WATCHDOG {
            self.barks = 0;
            return None;
        }
        if silence < next || self.barks >= MAX_BARKS {
            return None;
        }
        self.barks += 1;
        Some((operation, silence))
    }
}

/// Enters a lock also after a panic of another holder: what it protects is consistent between statements.
pub(crate) fn enter<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The clock of pacing and of waiting.
#[expect(
    clippy::disallowed_methods,
    reason = "pacing and waiting are about real time in this process; nothing of the contract is decided by it"
)]
pub(crate) fn clock() -> Instant {
    Instant::now()
}
