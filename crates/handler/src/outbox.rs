//! What a handler sends: batches lines into few writes and paces progress.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::callback::{Progress, Status};
use crate::frame::{self, Answered as _, EncodeError, RpcError};
use crate::item::ItemId;
use crate::link::enter;

/// How many bytes wait for the writer before authors' threads wait too.
const MAX_QUEUED_BYTES: usize = 256 << 10;

/// How long reports gather before they are written together. Nobody waits for them, and a write for each would wake the
/// manager for each.
const GATHER: Duration = Duration::from_millis(1);

/// So many gathered bytes are written at once.
const FULL_BYTES: usize = 16 << 10;

/// Shortest time between two reports of one item that change no status: 20 a second is more than an eye can follow.
const PACE: Duration = Duration::from_millis(50);

/// Most items whose reports are paced at once; those of further items are sent as they come.
const MAX_PACED: usize = 4096;

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// The manager is gone.
    #[error("the manager is gone")]
    Gone,
    /// It cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// The queue between all threads of a handler and the one that writes.
#[derive(Default)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    /// Tells the writer that there is something to do.
    work: Condvar,
    /// Tells the others that the queue became shorter.
    room: Condvar,
}

#[derive(Default)]
struct Queue {
    bytes: Vec<u8>,
    /// When the reports among the bytes have gathered long enough; absent: the bytes are written at once.
    gathered: Option<Instant>,
    /// The writer waits, and is told of whatever changes when it is to wake.
    asleep: bool,
    paced: HashMap<Option<ItemId>, Paced>,
    /// When held reports are sent.
    tick: Option<Instant>,
    /// The writer has bytes in hand.
    writing: bool,
    finish: bool,
    gone: bool,
}

/// The last report of an item.
struct Paced {
    sent: Instant,
    status: Option<Status>,
    held: Option<Progress>,
}

impl Outbox {
    /// Queues a request or notification; waits while the queue is full.
    pub(crate) fn ask<P: Serialize>(
        &self,
        id: Option<u64>,
        method: &str,
        params: &P,
    ) -> Result<(), SendError> {
        let mut queue = self.with_room()?;
        frame::ask(&mut queue.bytes, id, method, params)?;
        self.write_now(&mut queue);
        Ok(())
    }

    /// Queues an answer, without waiting: there are never more than requests in flight.
    pub(crate) fn answer<A: Serialize>(&self, id: u64, result: &A) -> Result<(), SendError> {
        let mut queue = enter(&self.queue);
        frame::answer(&mut queue.bytes, id, result)?;
        self.write_now(&mut queue);
        Ok(())
    }

    /// Queues an error answer, without waiting.
    pub(crate) fn refuse(&self, id: Option<u64>, error: &RpcError) {
        let mut queue = enter(&self.queue);
        if frame::refuse(&mut queue.bytes, id, error).is_err() {
            let short = RpcError::new(error.code, "the error is too long to be told");
            drop(frame::refuse(&mut queue.bytes, id, &short));
        }
        self.write_now(&mut queue);
    }

    /// Queues a report, or holds it for a moment when the item has just reported and its status is the same.
    pub(crate) fn progress(&self, now: Instant, report: Progress) -> Result<(), SendError> {
        let mut queue = self.with_room()?;
        let known = queue.paced.len();
        let report = match queue.paced.get_mut(&report.item) {
            None => report,
            Some(paced) => {
                let turned = report.status.is_some() && report.status != paced.status;
                let report = merged(paced.held.take(), report);
                if !turned && now.saturating_duration_since(paced.sent) < PACE {
                    paced.held = Some(report);
                    if queue.tick.is_none() {
                        queue.tick = Some(now + PACE);
                        self.wake(&mut queue);
                    }
                    return Ok(());
                }
                report
            }
        };
        let was_empty = queue.bytes.is_empty();
        frame::ask(&mut queue.bytes, None, Progress::METHOD, &report)?;
        if was_empty {
            queue.gathered = Some(now + GATHER);
        }
        if report.status.is_some_and(Status::is_terminal) {
            queue.paced.remove(&report.item);
        } else if let Some(paced) = queue.paced.get_mut(&report.item) {
            paced.sent = now;
            paced.status = report.status.or(paced.status);
        } else if known < MAX_PACED {
            let paced = Paced {
                sent: now,
                status: report.status,
                held: None,
            };
            queue.paced.insert(report.item, paced);
        }
        if was_empty || queue.bytes.len() >= FULL_BYTES {
            self.wake(&mut queue);
        }
        Ok(())
    }

    /// Sends every held report and forgets the items; called before a completion.
    pub(crate) fn settle(&self) {
        let mut queue = enter(&self.queue);
        queue.flush_held();
        queue.paced.clear();
        self.write_now(&mut queue);
    }

    /// Waits until all is written, at most for the given time, and ends the writer.
    pub(crate) fn finish(&self, at_most: Duration) {
        let mut queue = enter(&self.queue);
        queue.flush_held();
        queue.finish = true;
        self.write_now(&mut queue);
        let (queue, _) = self
            .room
            .wait_timeout_while(queue, at_most, |queue| {
                !queue.gone && (queue.writing || !queue.bytes.is_empty())
            })
            .unwrap_or_else(PoisonError::into_inner);
        drop(queue);
    }

    /// Nobody reads any more: every later message is dropped with [`SendError::Gone`].
    pub(crate) fn gone(&self) {
        let mut queue = enter(&self.queue);
        queue.gone = true;
        self.wake(&mut queue);
        drop(queue);
        self.room.notify_all();
    }

    /// Writes what is queued until [`finish`](Self::finish) or until nobody reads any more.
    pub(crate) fn write_to(&self, mut out: impl Write) {
        let mut batch = Vec::new();
        while self.next_batch(&mut batch) {
            if out.write_all(&batch).and_then(|()| out.flush()).is_err() {
                self.gone();
                return;
            }
        }
    }

    /// Swaps the queued bytes into `batch`, waiting for some; false at the end.
    fn next_batch(&self, batch: &mut Vec<u8>) -> bool {
        batch.clear();
        let mut queue = enter(&self.queue);
        queue.writing = false;
        loop {
            if queue.tick.is_some_and(|tick| clock() >= tick) {
                queue.flush_held();
            }
            if queue.gone {
                return false;
            }
            if queue.is_due() {
                queue.gathered = None;
                std::mem::swap(&mut queue.bytes, batch);
                queue.writing = true;
                self.room.notify_all();
                return true;
            }
            self.room.notify_all();
            if queue.finish {
                return false;
            }
            queue.asleep = true;
            queue = match queue.tick.into_iter().chain(queue.gathered).min() {
                None => self
                    .work
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(tick) => {
                    let wait = tick.saturating_duration_since(clock());
                    let woken = self.work.wait_timeout(queue, wait);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
            queue.asleep = false;
        }
    }

    /// Has the bytes written without gathering any more: somebody may wait for them.
    fn write_now(&self, queue: &mut Queue) {
        queue.gathered = None;
        self.wake(queue);
    }

    /// Wakes the writer when it sleeps: waking nobody costs a system call as well.
    fn wake(&self, queue: &mut Queue) {
        if std::mem::take(&mut queue.asleep) {
            self.work.notify_one();
        }
    }

    fn with_room(&self) -> Result<MutexGuard<'_, Queue>, SendError> {
        let queue = self
            .room
            .wait_while(enter(&self.queue), |queue| {
                !queue.gone && queue.bytes.len() >= MAX_QUEUED_BYTES
            })
            .unwrap_or_else(PoisonError::into_inner);
        if queue.gone {
            return Err(SendError::Gone);
        }
        Ok(queue)
    }
}

impl Queue {
    /// Whether the bytes are to be written now.
    fn is_due(&self) -> bool {
        !self.bytes.is_empty()
            && (self.bytes.len() >= FULL_BYTES
                || self.gathered.is_none_or(|gathered| clock() >= gathered))
    }

    fn flush_held(&mut self) {
        if self.tick.take().is_none() {
            return;
        }
        let now = clock();
        for paced in self.paced.values_mut() {
            if let Some(report) = paced.held.take() {
                paced.sent = now;
                // A report has no part that JSON could not express, and its text is cut before.
                drop(frame::ask(&mut self.bytes, None, Progress::METHOD, &report));
            }
        }
    }
}

/// Later fields win; absent ones leave what was said before.
fn merged(earlier: Option<Progress>, later: Progress) -> Progress {
    let Some(earlier) = earlier else { return later };
    Progress {
        item: later.item,
        status: later.status.or(earlier.status),
        text: later.text.or(earlier.text),
        value: later.value.or(earlier.value),
        max: later.max.or(earlier.max),
        counts: later.counts.or(earlier.counts),
        failure: later.failure.or(earlier.failure),
        retry_after: later.retry_after.or(earlier.retry_after),
    }
}

/// The clock of the pacing.
#[expect(
    clippy::disallowed_methods,
    reason = "pacing is about real time in the handler's own process; nothing is decided by it"
)]
pub(crate) fn clock() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(item: &str, status: Option<Status>, value: u64) -> Progress {
        Progress {
            item: Some(ItemId::new(item).unwrap()),
            status,
            value: Some(value),
            ..Progress::default()
        }
    }

    /// What was queued, as item, status and value.
    fn queued(outbox: &Outbox) -> Vec<String> {
        let bytes = std::mem::take(&mut enter(&outbox.queue).bytes);
        String::from_utf8(bytes)
            .unwrap()
            .lines()
            .map(|line| {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                let params = &line["params"];
                format!(
                    "{} {} {}",
                    params["item"], params["status"], params["value"]
                )
                .replace('"', "")
            })
            .collect()
    }

    #[test]
    fn reports_are_paced_but_no_status_is_lost() {
        let outbox = Outbox::default();
        let start = clock();
        let at = |ms| start + Duration::from_millis(ms);
        let send = |ms, report| outbox.progress(at(ms), report).unwrap();
        send(0, report("a", Some(Status::Updating), 0));
        for value in 1..40 {
            send(value, report("a", Some(Status::Updating), value));
        }
        send(40, report("b", Some(Status::Updating), 7));
        assert_eq!(queued(&outbox), ["a updating 0", "b updating 7"]);
        send(41, report("a", None, 41));
        send(60, report("a", None, 60));
        assert_eq!(queued(&outbox), ["a updating 60"]);
        send(61, report("a", Some(Status::Paused), 61));
        send(62, report("a", Some(Status::Resuming), 62));
        send(63, report("a", None, 63));
        assert_eq!(queued(&outbox), ["a paused 61", "a resuming 62"]);
        outbox.settle();
        assert_eq!(queued(&outbox), ["a null 63"]);
    }

    #[test]
    fn reports_gather_until_something_is_waited_for() {
        let outbox = Outbox::default();
        let start = clock() + Duration::from_secs(3_600);
        let status = Some(Status::Updating);
        outbox.progress(start, report("a", status, 1)).unwrap();
        outbox.progress(start, report("b", status, 2)).unwrap();
        assert!(!enter(&outbox.queue).is_due());
        outbox.answer(1, &()).unwrap();
        assert!(enter(&outbox.queue).is_due());
        let mut batch = Vec::new();
        assert!(outbox.next_batch(&mut batch));
        assert_eq!(batch.iter().filter(|byte| **byte == b'\n').count(), 3);
        for number in 0_u64.. {
            let item = format!("c{number}");
            outbox.progress(start, report(&item, status, 1)).unwrap();
            let queue = enter(&outbox.queue);
            assert_eq!(queue.is_due(), queue.bytes.len() >= FULL_BYTES);
            if queue.is_due() {
                break;
            }
        }
    }

    #[test]
    fn a_held_report_is_sent_without_a_further_one() {
        let outbox = std::sync::Arc::new(Outbox::default());
        let (here, there) = crate::link::Connection::memory();
        let (_, writer) = here.split();
        let thread = std::thread::spawn({
            let outbox = std::sync::Arc::clone(&outbox);
            move || outbox.write_to(writer)
        });
        outbox
            .progress(clock(), report("a", Some(Status::Updating), 1))
            .unwrap();
        outbox.progress(clock(), report("a", None, 2)).unwrap();
        let (mut reader, _writer) = there.split();
        assert!(reader.next_line().unwrap().unwrap().contains("\"value\":1"));
        assert!(reader.next_line().unwrap().unwrap().contains("\"value\":2"));
        outbox.finish(Duration::from_secs(60));
        thread.join().unwrap();
    }
}
