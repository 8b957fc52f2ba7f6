//! How the run of an item ends: what is kept of it, and what is told.

use syncmgr_handler::call::Verdict;
use syncmgr_handler::callback::{Failure, Level, Log, Progress, Status};
use syncmgr_handler::item::Counts;

use super::{Worker, error};
use crate::beside;
use crate::conflict;
use crate::copies::Cut;
use crate::item::GOOD;
use crate::operation::Finished;
use crate::recipe::Class;

/// The value that a rule sets when the next run is to begin as if there had been none.
const BEGIN_ANEW: &str = "begin_anew";

impl Worker<'_> {
    /// Tells how it ended.
    pub(super) fn end(&self, finished: &Finished) {
        let outcome = &finished.outcome;
        // Said by the run, or by the plan that its guard asked for.
        if outcome.facts.contains_key(BEGIN_ANEW) {
            self.begin_anew();
        }
        let tail = finished.tail.trim();
        if !tail.is_empty() {
            self.run.log(Log {
                level: Level::Information,
                text: format!("output of {}", self.item.recipe.name),
                item: Some(self.id().clone()),
                detail: Some(tail.to_owned()),
                error: None,
                jump: false,
            });
        }
        let mut counts = outcome.counts;
        // A wrapped command has no conflicts of its own.
        if self.item.recipe.conflicts.is_empty()
            && !finished.cancelled
            && outcome.class < Class::Hard
        {
            match conflict::replace(self.item, outcome.conflicts.clone()) {
                Ok(open) => counts.conflicts = open.len() as u64,
                Err(refused) => self.run.note(Level::Warning, Some(self.id()), refused.text),
            }
        }
        let mut cancelled = finished.cancelled;
        if !cancelled && outcome.class < Class::Hard {
            let (found, stopped) = self.copies();
            counts.conflicts += found;
            cancelled = stopped;
        }
        self.run.conflicts_changed(Some(self.id().clone()));
        if cancelled {
            let skipped = self.run.verdict(self.id()) == Verdict::CancelItem;
            let status = if skipped {
                Status::Skipped
            } else {
                Status::Stopped
            };
            return self.terminal(status, None, counts, None);
        }
        let say = || {
            outcome
                .say
                .clone()
                .unwrap_or_else(|| "it failed".to_owned())
        };
        match outcome.class {
            Class::Good => self.terminal(
                Status::Succeeded,
                Some(outcome.result.clone().unwrap_or_default()),
                counts,
                None,
            ),
            Class::Warning => {
                if let Some(text) = &outcome.say {
                    let mut entry = Log {
                        level: Level::Warning,
                        text: text.clone(),
                        item: Some(self.id().clone()),
                        detail: None,
                        error: None,
                        jump: false,
                    };
                    entry.detail.clone_from(&outcome.hint);
                    self.run.log(entry);
                }
                let text = outcome.result.clone().or_else(|| outcome.say.clone());
                self.terminal(
                    Status::Succeeded,
                    Some(text.unwrap_or_default()),
                    counts,
                    None,
                );
            }
            Class::Soft | Class::Hard => {
                error(
                    self.run,
                    self.id(),
                    &say(),
                    outcome.hint.clone(),
                    Some("tools::failed"),
                );
                let failure = if outcome.class == Class::Soft {
                    Failure::Soft
                } else {
                    Failure::Hard
                };
                self.terminal(Status::Failed, Some(say()), counts, Some(failure));
            }
        }
    }

    /// Tells its last status.
    pub(super) fn terminal(
        &self,
        status: Status,
        text: Option<String>,
        counts: Counts,
        failure: Option<Failure>,
    ) {
        self.run.progress(Progress {
            item: Some(self.id().clone()),
            status: Some(status),
            text,
            counts: Some(counts),
            failure,
            ..Progress::default()
        });
    }

    /// The next run begins as if there had been none.
    fn begin_anew(&self) {
        match std::fs::remove_file(self.item.state.join(GOOD)) {
            Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => {
                let text = format!("that it begins anew could not be kept: {fault}");
                self.run.note(Level::Warning, Some(self.id()), text);
            }
            _ => {}
        }
    }

    /// Keeps what later runs compare with.
    pub(super) fn remember(&self) {
        self.remember_sources();
        let good = self.item.state.join(GOOD);
        let kept = if good.exists() {
            Ok(())
        } else {
            std::fs::create_dir_all(&self.item.state).and_then(|()| std::fs::write(&good, ""))
        };
        if let Err(fault) = kept {
            let text = format!("that it ended well could not be kept: {fault}");
            self.run.note(Level::Warning, Some(self.id()), text);
        }
    }

    /// Looks for copies beside the files, and tells what was not looked at. How many there are, and whether the look was
    /// stopped before its end.
    fn copies(&self) -> (u64, bool) {
        let warn = |text: String| self.run.note(Level::Warning, Some(self.id()), text);
        let cancelled = || self.run.verdict(self.id()) != Verdict::Continue;
        let copies = match beside::look(self.item, &cancelled) {
            Ok(Some(copies)) => copies,
            Ok(None) => return (0, false),
            Err(refused) => {
                warn(refused.text);
                return (0, false);
            }
        };
        if let Some(cut) = copies.cut {
            warn(format!("not everything was looked through: {cut}"));
        }
        for (path, why) in &copies.unreadable {
            warn(format!("{} was not looked into: {why}", path.display()));
        }
        if copies.not_text > 0 {
            warn(format!(
                "{} names that are no text were not looked at",
                copies.not_text
            ));
        }
        let stopped = copies.cut == Some(Cut::Cancelled);
        let found = u64::try_from(copies.found.len()).unwrap_or(u64::MAX);
        (found, stopped)
    }
}
