//! Preparing and synchronizing.

use std::collections::VecDeque;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use serde_json::{Value, json};

use crate::{Broken, FOR_EVER, ITEM, LONG};

/// A synchronization that goes on.
pub(crate) struct Work {
    waiting: VecDeque<String>,
    /// The item at work.
    current: Option<String>,
    due: Instant,
}

impl Broken {
    /// When something is to be done next.
    pub(crate) fn due(&self) -> Option<Instant> {
        let work = self.work.as_ref().map(|work| work.due);
        work.into_iter().chain(self.preparing).min()
    }

    pub(crate) fn busy(&self) -> PathBuf {
        self.state.join("busy")
    }

    /// Leaves nothing behind.
    pub(crate) fn clean(&self) {
        if self.is("breaks-when-killed") {
            drop(std::fs::remove_file(self.busy()));
        }
    }

    pub(crate) fn prepare(&mut self, id: &Value, params: &Value) {
        let ids = params["items"].as_array().unwrap();
        let ids: Vec<String> = ids
            .iter()
            .map(|id| id.as_str().unwrap().to_owned())
            .collect();
        self.prepares += 1;
        let known: Vec<String> = self
            .items()
            .iter()
            .filter_map(|item| item["id"].as_str().map(str::to_owned))
            .collect();
        let no = ids.iter().any(|id| !known.contains(id));
        self.unlisted |= no;
        if no || (self.is("once-only") && self.prepares > 1) {
            self.answer(id, json!({"started": "no", "reason": "no such item"}));
            if self.is("prepare-refused-completes") {
                self.tell("prepare/completed", json!({"outcome": "done"}));
            }
            return;
        }
        if self.is("prepare-slow") {
            std::thread::sleep(LONG);
        }
        self.prepared = ids;
        self.skipped.clear();
        self.stopped = None;
        self.answer(id, json!({"started": "yes"}));
        if self.attended || self.is("window-unattended") {
            self.ask("modeless/enable", json!({"enable": true}));
        }
        if self.attended && !self.is("window-stays") {
            self.ask("modeless/enable", json!({"enable": false}));
        }
        if !self.attended && self.is("asks-unattended") {
            self.prompt(false);
        }
        self.ask("connection/establish", json!({}));
        if !self.is("prepare-never-completes") {
            self.preparing = Some(Instant::now() + ITEM);
        }
    }

    pub(crate) fn synchronize(&mut self, id: &Value) {
        if self.prepared.is_empty() {
            self.refuse(id, -31003, "nothing is prepared");
            if self.is("sync-refused-completes") {
                self.tell("synchronize/completed", json!({"outcome": "done"}));
            }
            return;
        }
        if self.is("refuses-sync") {
            return self.refuse(id, -32603, "not today");
        }
        if self.is("sync-slow") {
            std::thread::sleep(LONG);
        }
        self.answer(id, json!({"started": "yes"}));
        if self.is("crashes") {
            std::io::stderr()
                .write_all(b"broken: cannot go on\n")
                .unwrap();
            std::process::exit(3);
        }
        if self.is("breaks-when-killed") {
            std::fs::write(self.busy(), "").unwrap();
        }
        if self.is("floods") {
            loop {
                self.tell("log", json!({"level": "information", "text": "once more"}));
            }
        }
        if self.is("giant-line") {
            self.raw(&vec![b'x'; 2 << 20]);
            self.raw(b"\n");
        }
        if self.is("asks-at-work") && self.attended {
            self.prompt(false);
        }
        if self.is("other-items") && self.prepared.len() == 1 {
            self.tell("progress", json!({"item": "item-3", "status": "succeeded"}));
        }
        if self.is("bad-progress") {
            self.tell("progress", json!({"item": "item-1", "status": "nearly"}));
        }
        if self.is("bad-level") {
            self.tell("log", json!({"level": "fatal", "text": "oh"}));
        }
        let mut link = json!({"level": "warning", "text": "see here", "item": "item-2",
            "error": "e-1", "jump": true});
        if self.is("link-without-error") {
            link.as_object_mut().unwrap().remove("error");
        }
        self.tell("log", link);
        self.work = Some(Work {
            waiting: self.prepared.drain(..).collect(),
            current: None,
            due: Instant::now(),
        });
        if self.is("sync-never-completes") {
            self.work = None;
        }
    }

    /// Something was skipped or stopped.
    pub(crate) fn hurry(&mut self) {
        let now = Instant::now();
        if self.preparing.is_some() && self.stopped.is_some() {
            self.preparing = Some(now);
        }
        let slow = self.is("ignores-stop") && self.stopped.is_some();
        let lazy = self.is("ignores-skip") && self.stopped.is_none();
        let dead = self.is("stop-never-completes") && self.stopped.is_some();
        if let Some(work) = &mut self.work {
            work.due = if dead {
                now + FOR_EVER
            } else if slow || lazy {
                now + LONG
            } else {
                now
            };
        }
    }

    /// Does what is due.
    pub(crate) fn go_on(&mut self) {
        let now = Instant::now();
        if self.preparing.is_some_and(|due| due <= now) {
            self.preparing = None;
            let outcome = if self.stopped.is_some() {
                "cancelled"
            } else {
                "done"
            };
            self.tell("prepare/completed", json!({"outcome": outcome}));
            if self.is("prepare-twice") {
                self.tell("prepare/completed", json!({"outcome": outcome}));
            }
        }
        if self.work.as_ref().is_some_and(|work| work.due <= now) {
            self.next_item();
        }
    }

    fn next_item(&mut self) {
        let Some(mut work) = self.work.take() else {
            return;
        };
        if let Some(item) = work.current.take() {
            self.end_item(&item);
        }
        if self.stopped.is_some() {
            return self.complete("cancelled");
        }
        while let Some(item) = work.waiting.pop_front() {
            if self.skipped.contains(&item) && !self.is("ignores-skip") {
                self.tell("progress", json!({"item": item, "status": "skipped"}));
                continue;
            }
            let quiet = self.is("mute") || (self.is("quiet-unattended") && !self.attended);
            if !quiet {
                self.tell("progress", json!({"item": item, "status": "updating"}));
            }
            work.current = Some(item);
            work.due = Instant::now() + ITEM;
            self.work = Some(work);
            return;
        }
        self.complete("done");
    }

    fn end_item(&self, item: &str) {
        if self.is("no-terminal") && item == "item-2" {
            return;
        }
        let lazy = self.is("ignores-skip");
        let status = if self.stopped.is_some() {
            "stopped"
        } else if self.skipped.contains(item) && !lazy {
            "skipped"
        } else if self.damaged {
            "failed"
        } else {
            "succeeded"
        };
        let sent = if item == "defined" && !self.is("always-moves") {
            self.news()
        } else {
            1
        };
        let counts = json!({"sent": sent});
        self.tell(
            "progress",
            json!({"item": item, "status": status, "counts": counts}),
        );
    }

    /// How many files came since the last run.
    fn news(&self) -> usize {
        let path = self.definitions["defined"]["path"].as_str().unwrap();
        let now = std::fs::read_dir(path).unwrap().count();
        let note = self.state.join("seen");
        let then = std::fs::read_to_string(&note).unwrap_or_default();
        std::fs::write(note, now.to_string()).unwrap();
        now.saturating_sub(then.parse().unwrap_or(0))
    }

    fn complete(&self, outcome: &str) {
        self.clean();
        self.tell("synchronize/completed", json!({"outcome": outcome}));
        if self.is("sync-twice") {
            self.tell("synchronize/completed", json!({"outcome": outcome}));
        }
        if self.is("late-report") {
            self.tell("progress", json!({"item": "item-1", "status": "updating"}));
        }
    }
}
