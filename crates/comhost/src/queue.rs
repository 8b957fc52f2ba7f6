//! What is sent to the manager: lines in order, with progress coalesced to the latest of an item.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde::Serialize;
use syncmgr_com::GUID;
use syncmgr_handler::Callback;
use syncmgr_handler::callback::{Progress, Status};
use syncmgr_handler::frame::{self, Answered as _, EncodeError, RpcError};

/// How many bytes wait for the writer before threads of the handler wait too.
pub(crate) const MAX_QUEUED_BYTES: usize = 256 << 10;

/// Shortest time between two reports of one item that change no status: 20 a second is more than an eye can follow.
const PACE: Duration = Duration::from_millis(50);

/// Most items whose reports are coalesced at once; those of further items are sent as they come.
const MAX_PACED: usize = 4096;

/// Lines that wait for the writer, and reports that wait for their time.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    bytes: Vec<u8>,
    paced: HashMap<GUID, Paced>,
    /// When held reports are sent; set exactly while there are some.
    tick: Option<Instant>,
}

/// The last report of an item.
#[derive(Debug)]
struct Paced {
    sent: Instant,
    status: Option<Status>,
    held: Option<Progress>,
}

impl Queue {
    /// Whether there is room for a further message of the handler's threads.
    pub(crate) fn has_room(&self) -> bool {
        self.bytes.len() < MAX_QUEUED_BYTES
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// When held reports are due.
    pub(crate) fn tick(&self) -> Option<Instant> {
        self.tick
    }

    /// Takes the lines, for the writer.
    pub(crate) fn take(&mut self, into: &mut Vec<u8>) {
        std::mem::swap(&mut self.bytes, into);
    }

    /// Queues a report, or holds it for a moment when the item has just reported the same status. True: there is
    /// something new for the writer.
    pub(crate) fn progress(&mut self, now: Instant, item: GUID, report: Progress) -> bool {
        let room = self.paced.len() < MAX_PACED;
        let Some(paced) = self.paced.get_mut(&item) else {
            if room {
                let paced = Paced {
                    sent: now,
                    status: report.status,
                    held: None,
                };
                self.paced.insert(item, paced);
            }
            self.put(&report);
            return true;
        };
        let turned = report.status.is_some() && report.status != paced.status;
        if !turned && now.saturating_duration_since(paced.sent) < PACE {
            merge(&mut paced.held, report);
            let due = paced.sent + PACE;
            if self.tick.is_some_and(|tick| tick <= due) {
                return false;
            }
            self.tick = Some(due);
            return true;
        }
        let held = paced.held.take();
        paced.sent = now;
        paced.status = report.status.or(paced.status);
        if let (true, Some(held)) = (turned, &held) {
            // What was said under the status before is said before the turn.
            self.put(held);
            self.put(&report);
        } else {
            let mut whole = held;
            merge(&mut whole, report);
            if let Some(whole) = whole {
                self.put(&whole);
            }
        }
        true
    }

    /// Queues every held report that is due. One whose item was heard of since then waits for its own time.
    pub(crate) fn flush_due(&mut self, now: Instant) {
        if self.tick.is_some_and(|tick| now >= tick) {
            self.tick = self.send_held(now, |paced| now >= paced.sent + PACE);
        }
    }

    /// Queues every held report, so that what follows comes after them.
    pub(crate) fn flush(&mut self, now: Instant) {
        if self.tick.is_some() {
            self.tick = self.send_held(now, |_| true);
        }
    }

    /// Queues the held reports that are wanted; answers when the first of the others is due.
    fn send_held(&mut self, now: Instant, wanted: impl Fn(&Paced) -> bool) -> Option<Instant> {
        let mut next: Option<Instant> = None;
        for paced in self.paced.values_mut() {
            if !wanted(paced) {
                let due = paced.held.as_ref().map(|_| paced.sent + PACE);
                next = next.into_iter().chain(due).min();
            } else if let Some(report) = paced.held.take() {
                paced.sent = now;
                // A report has no part that JSON could not express, and its text is cut before.
                drop(frame::ask(&mut self.bytes, None, Progress::METHOD, &report));
            }
        }
        next
    }

    /// Forgets the items of a run that is over.
    pub(crate) fn settle(&mut self, now: Instant) {
        self.flush(now);
        self.paced.clear();
    }

    fn put(&mut self, report: &Progress) {
        drop(frame::ask(&mut self.bytes, None, Progress::METHOD, report));
    }

    /// Queues a notification behind every report that came before it.
    pub(crate) fn tell(&mut self, now: Instant, callback: &Callback) {
        self.flush(now);
        // Texts and lists are bounded before, so that no line is too long.
        drop(callback.encode(&mut self.bytes, None));
    }

    /// Queues a question behind every report that came before it.
    pub(crate) fn ask<P: Serialize>(
        &mut self,
        now: Instant,
        id: u64,
        method: &str,
        params: &P,
    ) -> Result<(), EncodeError> {
        self.flush(now);
        frame::ask(&mut self.bytes, Some(id), method, params)
    }

    /// Queues an answer, or what kept it from being one.
    pub(crate) fn reply<A: Serialize>(&mut self, id: u64, result: Result<&A, &RpcError>) {
        let error = match result {
            Ok(answer) => match frame::answer(&mut self.bytes, id, answer) {
                Ok(()) => return,
                Err(cause) => RpcError::new(RpcError::INTERNAL, cause.to_string()),
            },
            Err(error) => error.clone(),
        };
        self.refuse(Some(id), &error);
    }

    /// Queues an error answer.
    pub(crate) fn refuse(&mut self, id: Option<u64>, error: &RpcError) {
        if frame::refuse(&mut self.bytes, id, error).is_err() {
            let short = RpcError::new(error.code, "the error is too long to be told");
            drop(frame::refuse(&mut self.bytes, id, &short));
        }
    }
}

/// Later fields win; absent ones leave what was said before.
fn merge(held: &mut Option<Progress>, later: Progress) {
    let Some(earlier) = held else {
        *held = Some(later);
        return;
    };
    earlier.status = later.status.or(earlier.status);
    earlier.value = later.value.or(earlier.value);
    earlier.max = later.max.or(earlier.max);
    if later.text.is_some() {
        earlier.text = later.text;
    }
}

#[cfg(test)]
mod tests {
    use syncmgr_handler::callback::{Level, Log};
    use syncmgr_handler::item::ItemId;

    use super::*;

    fn report(item: u128, status: Option<Status>, value: u64) -> (GUID, Progress) {
        let progress = Progress {
            item: Some(ItemId::new(item.to_string()).unwrap()),
            status,
            value: Some(value),
            ..Progress::default()
        };
        (GUID::from_u128(item), progress)
    }

    fn lines(queue: &mut Queue) -> Vec<String> {
        let mut bytes = Vec::new();
        queue.take(&mut bytes);
        let text = String::from_utf8(bytes).unwrap();
        text.lines()
            .map(|line| {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                let params = &line["params"];
                format!(
                    "{} {} {} {}",
                    line["method"], params["item"], params["status"], params["value"]
                )
                .replace('"', "")
            })
            .collect()
    }

    #[test]
    fn only_the_latest_report_is_kept_and_no_status_is_lost() {
        let mut queue = Queue::default();
        let start = crate::board::clock();
        let at = |ms| start + Duration::from_millis(ms);
        let send = |queue: &mut Queue, ms, (item, report)| queue.progress(at(ms), item, report);
        send(&mut queue, 0, report(1, Some(Status::Updating), 0));
        for value in 1..40 {
            send(&mut queue, value, report(1, Some(Status::Updating), value));
        }
        assert_eq!(lines(&mut queue), ["progress 1 updating 0"]);
        send(&mut queue, 41, report(1, Some(Status::Succeeded), 41));
        send(&mut queue, 42, report(1, Some(Status::Failed), 42));
        // A handler that repeats its last word floods nobody.
        for value in 43..60 {
            send(&mut queue, value, report(1, Some(Status::Failed), value));
        }
        assert_eq!(
            lines(&mut queue),
            [
                "progress 1 updating 39",
                "progress 1 succeeded 41",
                "progress 1 failed 42"
            ]
        );
        // The item was heard of at 42: its next turn is a whole pace later, although its first was due at 50.
        assert_eq!(queue.tick(), Some(at(50)));
        queue.flush_due(at(50));
        assert!(lines(&mut queue).is_empty());
        assert_eq!(queue.tick(), Some(at(92)));
        queue.flush_due(at(91));
        assert!(lines(&mut queue).is_empty());
        queue.flush_due(at(92));
        assert_eq!(lines(&mut queue), ["progress 1 failed 59"]);
        assert_eq!(queue.tick(), None);
    }

    #[test]
    fn whatever_follows_a_held_report_comes_after_it() {
        let mut queue = Queue::default();
        let start = crate::board::clock();
        for value in 0..3 {
            let (item, report) = report(1, Some(Status::Updating), value);
            queue.progress(start, item, report);
        }
        let log = Log {
            level: Level::Warning,
            text: "late".into(),
            item: None,
            detail: None,
            error: None,
            jump: false,
        };
        queue.tell(start, &Callback::Log(log));
        assert_eq!(
            lines(&mut queue),
            [
                "progress 1 updating 0",
                "progress 1 updating 2",
                "log null null null"
            ]
        );
    }

    #[test]
    fn items_beyond_the_bound_are_sent_as_they_come() {
        let mut queue = Queue::default();
        let start = crate::board::clock();
        for item in 0..=u128::try_from(MAX_PACED).unwrap() {
            let (item, report) = report(item + 1, Some(Status::Updating), 0);
            queue.progress(start, item, report);
        }
        lines(&mut queue);
        assert_eq!(queue.paced.len(), MAX_PACED);
        let (item, last) = report(u128::try_from(MAX_PACED).unwrap() + 1, None, 9);
        assert!(queue.progress(start, item, last));
        assert_eq!(lines(&mut queue).len(), 1);
    }
}
