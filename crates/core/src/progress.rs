//! Progress reports: constant work for each, however many items a run has.

use crate::command::{Reply, ReplyId, Verdict};
use crate::cut;
use crate::event::EventKind;
use crate::id::ItemId;
use crate::input::Progress;
use crate::instance::{Instance, LARGE_RUN, StopLevel};
use crate::item::{Failure, ItemStatus};
use crate::manager::Manager;
use crate::phase::{Kind, Phase, Step, step};
use crate::record::Record;
use crate::status::{ItemStep, item_step};

/// The verdict on a report: the table of mobsync 3.5.6, first match. A level, repeated on every later report.
pub(crate) fn verdict(instance: &Instance, item: Option<&ItemId>) -> Verdict {
    match instance.phase() {
        Phase::Released | Phase::Done | Phase::ErrorUi | Phase::Reviewing => {
            return Verdict::CancelAll;
        }
        Phase::New
        | Phase::Initialized
        | Phase::Listed
        | Phase::Preparing
        | Phase::Prepared
        | Phase::Syncing
        | Phase::Undoing
        | Phase::Resolving => {}
        Phase::Properties if instance.has_worked() => return Verdict::CancelAll,
        Phase::Properties => {}
    }
    if instance.stop > StopLevel::None {
        return Verdict::CancelAll; // M-93: outranks the item
    }
    let (Some(run), Some(item)) = (&instance.run, item) else {
        return Verdict::Continue;
    };
    match run.item(item) {
        Some(item) if item.skip => Verdict::CancelItem, // M-92
        Some(_) => Verdict::Continue,
        None if instance.proposed.contains_key(item) => Verdict::Continue,
        None => Verdict::CancelItem, // M-101
    }
}

impl Manager {
    /// Takes a report in and answers it when it was a question.
    pub(crate) fn progress(
        &mut self,
        instance: &mut Instance,
        report: Progress,
        reply: Option<ReplyId>,
    ) {
        // As things stood before the report; most are no questions.
        let answer = reply.map(|to| (to, verdict(instance, report.item.as_ref())));
        match step(instance.phase(), Kind::Progress) {
            Step::Stay => self.take_report(instance, report),
            Step::To(_) | Step::Late | Step::Repeat | Step::Illegal => {}
        }
        if let Some((to, answer)) = answer {
            self.reply(instance.id, to, Reply::Verdict(answer));
        }
    }

    fn take_report(&mut self, instance: &mut Instance, mut report: Progress) {
        let Some(mut run) = instance.run.take() else {
            return;
        };
        let at = match &report.item {
            Some(item) => run.index.get(item).copied(),
            None => None, // the handler's own row: text for nobody's item
        };
        let Some(at) = at else {
            let unknown = report
                .item
                .filter(|item| !instance.proposed.contains_key(item));
            instance.run = Some(run);
            if let Some(item) = unknown {
                self.violation(
                    instance,
                    format!("H-31: progress of {item}, which is not in the run"),
                );
            }
            return;
        };
        let mut refused = None;
        let mut finished = false;
        let mut closing_words = report.text.as_ref().is_some_and(|text| !text.is_empty());
        if let Some(item) = run.items.get_mut(at) {
            let said = report.text.is_some();
            if let Some(text) = report.text {
                item.text = cut::chars(text, cut::MAX_PROGRESS_TEXT);
            }
            if let Some(max) = report.max {
                item.max = max;
            }
            if let Some(value) = report.value {
                item.value = value;
            }
            item.value = item.value.min(item.max); // M-99
            if let Some(counts) = report.counts {
                item.dirty |= item.counts != counts;
                item.counts = counts;
            }
            if let Some(mut status) = report.status {
                // A handler that asked and leaves the item out, by whatever word, is held by its question.
                let left_out = matches!(status, ItemStatus::Failed | ItemStatus::Skipped);
                if left_out && item.asked && !item.skip {
                    status = ItemStatus::Held;
                }
                // One that was stopped by the watch says no more than that it stopped.
                let cut = item
                    .cut()
                    .filter(|_| matches!(status, ItemStatus::Skipped | ItemStatus::Stopped));
                if let Some(cut) = cut {
                    status = cut.status().0;
                    report.failure = cut.status().1;
                    item.text = cut.reason();
                    closing_words = true;
                }
                match item_step(item.status, status) {
                    ItemStep::Take => {
                        item.status = status;
                        item.dirty = true;
                        finished = status.is_terminal();
                        item.failure = match status {
                            ItemStatus::Failed => Some(report.failure.unwrap_or(Failure::Hard)),
                            ItemStatus::Disconnected => Some(Failure::Soft),
                            ItemStatus::Pending
                            | ItemStatus::Updating
                            | ItemStatus::UpdatingIndeterminate
                            | ItemStatus::Paused
                            | ItemStatus::Resuming
                            | ItemStatus::Succeeded
                            | ItemStatus::Skipped
                            | ItemStatus::Stopped
                            | ItemStatus::Deleted
                            | ItemStatus::Held => None,
                        };
                        item.set_retry_after(report.retry_after.filter(|_| item.failure.is_some()));
                        if status == ItemStatus::Succeeded {
                            if !said {
                                item.text.clear(); // what it was doing last is over
                            }
                            item.value = item.max; // M-99: success fills the bar
                        }
                    }
                    ItemStep::Same => {}
                    ItemStep::Refuse => refused = Some((item.status, status)),
                }
            }
        }
        if finished && !closing_words {
            run.explain(at, true); // what it was doing is no reason, what its log says is
        }
        if finished && let Some(item) = run.items.get_mut(at) {
            item.dirty = false;
            let status = item.status;
            if let Some(item) = run.items.get(at) {
                let row = run.item_row(item);
                let at = row.item.clone();
                self.record(Record::RunItem(row));
                if run.items.len() <= LARGE_RUN {
                    self.event(EventKind::ItemFinished {
                        run: run.row.id,
                        item: at,
                        status,
                    });
                }
            }
        }
        self.show_item(instance, &run, at);
        instance.run = Some(run);
        if let Some((now, status)) = refused {
            let item = report
                .item
                .map_or_else(String::new, |item| item.to_string());
            self.violation(
                instance,
                format!("H-39: {status:?} of {item} after {now:?}"),
            );
        }
    }
}
