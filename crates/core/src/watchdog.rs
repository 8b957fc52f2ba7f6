//! Watching runs: whether anything is heard of them, and whether they keep within the time that a policy gives them.
//!
//! A handler that says nothing is asked about, and stopped when nobody answers. A run that takes too long is stopped at
//! once. Time that the machine slept, and time that a handler waits for somebody else, is never counted.

use std::time::Duration;

use crate::id::{InstanceId, ItemId, ItemRef, NeedId};
use crate::instance::{Instance, LiveRun, StopLevel};
use crate::item::{Failure, ItemStatus};
use crate::log::Level;
use crate::manager::{Manager, Timer};
use crate::need::{NeedKind, NeedRow, NeedState};
use crate::own_question::{self, choice};
use crate::phase::Phase;
use crate::policy::NO_PROGRESS;
use crate::rule::Moment;
use crate::run::RunKind;
use crate::saying::Question;
use crate::time::{Timestamp, spell};
use crate::triggering::LATE;

/// How the keys of these questions begin; no handler's key may.
pub const MARK: char = '\u{3}';
/// The choice that goes on waiting.
pub const WAIT: &str = "wait";
/// The choice that stops the run; taken when nobody answers.
pub const STOP: &str = "stop";
/// Longest time that the question waits; it waits no longer than the handler was silent.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(10 * 60);

/// Why an item is ended although its handler did not end it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// It took longer than this.
    TimeLimit(Duration),
    /// Nothing was heard for so long.
    Silent(Duration),
    /// The machine leaves.
    Leaving(Moment),
}

impl Cut {
    /// What the item becomes. A hang is a failure that may pass; a limit is what somebody wanted.
    pub(crate) fn status(self) -> (ItemStatus, Option<Failure>) {
        match self {
            Self::TimeLimit(_) | Self::Leaving(_) => (ItemStatus::Stopped, None),
            Self::Silent(_) => (ItemStatus::Failed, Some(Failure::Soft)),
        }
    }

    /// Why, as a fragment.
    pub(crate) fn reason(self) -> String {
        match self {
            Self::TimeLimit(limit) => {
                format!(
                    "stopped, because its time limit of {} was over",
                    spell(limit)
                )
            }
            Self::Leaving(moment) => format!(
                "stopped, because {}; it is caught up afterwards",
                crate::hindrance::because(moment)
            ),
            Self::Silent(span) => {
                format!(
                    "stopped, because nothing was heard of it for {}",
                    spell(span)
                )
            }
        }
    }
}

/// What is watched of an open run.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// When it began, without the time that the machine slept.
    began: Timestamp,
    /// When its handler was heard last, or last waited for somebody else.
    heard: Timestamp,
    /// How long it may be silent.
    patience: Option<Duration>,
    /// The next time limit of an item, from its beginning.
    limit: Option<Duration>,
    /// The question about its silence.
    asked: Option<NeedId>,
    /// When it is looked at next.
    due: Option<Timestamp>,
}

impl Watch {
    /// The clock was set: it is as old as before. Nobody has to have measured it: what is watched goes along with every step
    /// of the clock, also with those that look like sleep.
    pub(crate) fn shift(&mut self, shift: crate::clock_set::Shift) {
        self.began = shift.coming(self.began);
        self.heard = shift.coming(self.heard);
        self.due = self.due.map(|due| shift.coming(due));
    }
}

impl Instance {
    /// Something was heard of it; true when it was asked about meanwhile.
    pub(crate) fn heard(&mut self, now: Timestamp) -> bool {
        self.run.as_mut().is_some_and(|run| {
            run.watch.heard = now;
            run.watch.asked.is_some()
        })
    }

    /// It waits for somebody else, or has nothing to do: its silence says nothing.
    fn may_be_silent(&self) -> bool {
        !self.prompts.is_empty()
            || match self.phase() {
                Phase::Preparing
                | Phase::Syncing
                | Phase::Undoing
                | Phase::Resolving
                | Phase::Reviewing => false,
                Phase::New
                | Phase::Initialized
                | Phase::Listed
                | Phase::Prepared
                | Phase::Done
                | Phase::Properties
                | Phase::ErrorUi
                | Phase::Released => true,
            }
    }
}

impl Manager {
    /// A run was opened: it is watched until it is over. What is outside cannot be stopped, and is not.
    pub(crate) fn watch(&mut self, instance: &Instance, run: &mut LiveRun) {
        if instance.mute {
            return;
        }
        *run.watch = Watch {
            began: self.now,
            heard: self.now,
            patience: self.patience(run),
            limit: self.next_limit(run, Duration::ZERO),
            asked: None,
            due: None,
        };
        self.watch_again(instance.id, run);
    }

    /// How long the handler of a run may be silent: as long as the most patient of its items allows.
    fn patience(&self, run: &LiveRun) -> Option<Duration> {
        let mut longest = Duration::ZERO;
        if self.policies().is_empty() {
            longest = NO_PROGRESS;
        } else {
            for item in run.items.iter().filter(|item| !item.status.is_terminal()) {
                let said = self
                    .policies_of(&of(run, &item.id))
                    .value(|policy| policy.no_progress);
                match said.unwrap_or(NO_PROGRESS) {
                    Duration::ZERO => return None,
                    span => longest = longest.max(span),
                }
            }
        }
        (longest > Duration::ZERO).then_some(longest)
    }

    fn limit_of(&self, run: &LiveRun, item: &ItemId) -> Option<Duration> {
        if run.row.kind != RunKind::Synchronize {
            return None;
        }
        self.policies_of(&of(run, item))
            .value(|policy| policy.time_limit)
    }

    /// The shortest time limit of an unfinished item that is longer than `spent`.
    fn next_limit(&self, run: &LiveRun, spent: Duration) -> Option<Duration> {
        if !self
            .policies()
            .iter()
            .any(|policy| policy.time_limit.is_some())
        {
            return None;
        }
        run.items
            .iter()
            .filter(|item| !item.status.is_terminal())
            .filter_map(|item| self.limit_of(run, &item.id))
            .filter(|limit| *limit > spent)
            .min()
    }

    /// Sets the timer of a run's watch anew.
    fn watch_again(&mut self, id: InstanceId, run: &mut LiveRun) {
        let watch = &mut run.watch;
        let silent = watch
            .patience
            .filter(|_| watch.asked.is_none())
            .map(|patience| watch.heard.plus(patience));
        let limit = watch.limit.map(|limit| watch.began.plus(limit));
        // What was told to skip and still works is looked at again: once nothing else works, it is stopped.
        let cut = run
            .items
            .iter()
            .any(|item| item.cut().is_some() && !item.status.is_terminal())
            .then(|| self.now.plus(self.settings.stop_grace));
        let due = [silent, limit, cut].into_iter().flatten().min();
        let before = std::mem::replace(&mut watch.due, due);
        if let Some(before) = before {
            self.clear_timer(before, Timer::Watch(id));
        }
        if let Some(due) = due {
            self.set_timer(due, Timer::Watch(id));
        }
    }

    /// A run is over, or everything about it is decided.
    pub(crate) fn unwatch(&mut self, id: InstanceId, run: &mut LiveRun) {
        if let Some(due) = run.watch.due.take() {
            self.clear_timer(due, Timer::Watch(id));
        }
        run.watch.patience = None;
        run.watch.limit = None;
        if let Some(need) = run.watch.asked.take() {
            self.close_need(need, NeedState::Withdrawn);
        }
    }

    /// A run is to be looked at.
    pub(crate) fn watch_due(&mut self, id: InstanceId) {
        self.with(id, Self::look_at_run);
    }

    fn look_at_run(&mut self, instance: &mut Instance) {
        let Some(mut run) = instance.run.take() else {
            return;
        };
        let due = run.watch.due.take();
        if run.settled || instance.mute || instance.stop > StopLevel::None {
            instance.run = Some(run);
            return;
        }
        // Timers are late by hours only when nobody was there to hear anything either.
        let asleep = due.map_or(Duration::ZERO, |due| self.now.since(due));
        if asleep > LATE {
            run.watch.began = run.watch.began.plus(asleep);
            run.watch.heard = self.now;
        }
        if instance.may_be_silent() {
            run.watch.heard = self.now;
        }
        let spent = self.now.since(run.watch.began);
        let cut = self.cut_late_items(&mut run, spent);
        run.watch.limit = self.next_limit(&run, spent);
        let silent = self.now.since(run.watch.heard);
        if run.watch.asked.is_none()
            && let Some(patience) = run.watch.patience.filter(|patience| silent >= *patience)
        {
            self.ask_about(instance, &mut run, patience);
        }
        self.watch_again(instance.id, &mut run);
        let mut unfinished = run.items.iter().filter(|item| !item.status.is_terminal());
        let all_cut = unfinished.clone().next().is_some() && unfinished.all(|i| i.cut().is_some());
        let marked = !cut.is_empty();
        if marked && !all_cut {
            run.marked = true;
            for at in cut {
                if let Some(item) = run.items.get_mut(at) {
                    item.skip = true;
                }
                self.show_item(instance, &run, at);
            }
        }
        instance.run = Some(run);
        if all_cut {
            self.stop_instance(instance);
        } else if marked {
            self.tell_marks(instance);
        }
    }

    /// Marks the items whose time is over, and says so; which they are.
    fn cut_late_items(&mut self, run: &mut LiveRun, spent: Duration) -> Vec<usize> {
        if run.watch.limit.is_none_or(|limit| limit > spent) {
            return Vec::new();
        }
        let late: Vec<(usize, Duration)> = run
            .items
            .iter()
            .enumerate()
            .filter(|(_, item)| !item.status.is_terminal() && item.cut().is_none())
            .filter_map(|(at, item)| Some((at, self.limit_of(run, &item.id)?)))
            .filter(|(_, limit)| *limit <= spent)
            .collect();
        for (at, limit) in &late {
            if let Some(item) = run.items.get_mut(*at) {
                item.mishap_mut().cut = Some(Cut::TimeLimit(*limit));
            }
        }
        if let Some((first, limit)) = late.first() {
            let named = run.items.get(*first).map(|item| of(run, &item.id));
            let name = named
                .as_ref()
                .and_then(|item| Some(self.item(item)?.name.clone()))
                .unwrap_or_default();
            let more = late.len().saturating_sub(1);
            let grace = spell(self.settings.stop_grace);
            let (handler, number) = (run.row.handler.clone(), Some(run.row.id));
            let limit = spell(*limit);
            if let (0, Some(item)) = (more, named) {
                let text = format!(
                    "its time limit of {limit} is over: it is asked to stop, and ended by force after another {grace}"
                );
                self.warn_of(&item, number, Level::Warning, text);
            } else {
                let text = format!(
                    "{name} and {more} more: their time limit is over; they are asked to stop, and ended by force after another {grace}"
                );
                self.warn(Some(handler), number, Level::Warning, text);
            }
        }
        late.into_iter().map(|(at, _)| at).collect()
    }

    /// Asks whether to wait on; without an answer the run is stopped.
    fn ask_about(&mut self, instance: &Instance, run: &mut LiveRun, patience: Duration) {
        let id = self.next_need();
        let mut unfinished = run.items.iter().filter(|item| !item.status.is_terminal());
        let only = match (unfinished.next(), unfinished.next()) {
            (Some(only), None) => Some(only.id.clone()),
            _ => None,
        };
        let called = self.called(&instance.handler);
        let about = only
            .as_ref()
            .and_then(|item| self.item(&of(run, item)))
            .map(|row| row.name.clone());
        let within = patience.min(ANSWER_WITHIN);
        let text = own_question::of_silence(called, patience, about);
        let told = format!(
            "nothing was heard of it for {}; question {id} asks what to do, and without an answer it is stopped in {}",
            spell(patience),
            spell(within)
        );
        self.warn_about(run, only.as_ref(), Level::Warning, told);
        run.watch.asked = Some(id);
        self.open_need(NeedRow {
            id,
            handler: instance.handler.clone(),
            item: only,
            key: format!("{MARK}{}", instance.id),
            kind: NeedKind::Prompt,
            durable: true,
            text: crate::cut::bytes(text.into(), crate::cut::MAX_LINE),
            detail: None,
            choices: vec![
                choice(WAIT, Question::SilentWait),
                choice(STOP, Question::SilentStop),
            ],
            default: Some(STOP.to_owned()),
            deadline: Some(self.now.plus(within)),
            fields: None,
            context: String::new(),
            opened: self.now,
            run: Some(run.row.id),
            state: NeedState::Open,
        });
    }

    /// For how long nothing was heard of the run that such a question is about, and the only item that it works on.
    pub(crate) fn silence_of(&self, row: &NeedRow) -> Option<(Duration, Option<String>)> {
        let runs = self.instances.values().filter_map(|is| is.run.as_ref());
        let mut runs = runs.filter(|run| row.run == Some(run.row.id));
        let patience = runs.next()?.watch.patience?;
        let item = row.item.clone().map(|item| ItemRef {
            handler: row.handler.clone(),
            item,
        });
        let name = item.and_then(|item| Some(self.item(&item)?.name.clone()));
        Some((patience, name))
    }

    /// It was heard again after it was asked about: the question has no point any more.
    pub(crate) fn heard_again(&mut self, instance: &mut Instance) {
        if let Some(mut run) = instance.run.take() {
            if let Some(need) = run.watch.asked.take() {
                self.close_need(need, NeedState::Withdrawn);
            }
            self.watch_again(instance.id, &mut run);
            instance.run = Some(run);
        }
    }

    /// Carries out the answer to such a question, or its default; false for every other question.
    pub(crate) fn answer_watch(&mut self, need: NeedId, choice: &str) -> bool {
        let Some(row) = self
            .needs
            .get(&need)
            .filter(|row| row.key.starts_with(MARK))
        else {
            return false;
        };
        let run = row.run;
        let asked = |instance: &Instance| {
            let run = instance.run.as_ref();
            run.is_some_and(|run| run.watch.asked == Some(need))
        };
        let instance = self
            .instances
            .values()
            .find(|instance| asked(instance))
            .map(|instance| instance.id);
        let state = match run {
            Some(run) => NeedState::Used {
                choice: choice.to_owned(),
                run,
            },
            None => NeedState::Withdrawn,
        };
        self.close_need(need, state);
        let stop = choice == STOP;
        if let Some(id) = instance {
            self.with(id, |manager, instance| {
                manager.waited(instance, stop);
            });
        }
        true
    }

    fn waited(&mut self, instance: &mut Instance, stop: bool) {
        let Some(mut run) = instance.run.take() else {
            return;
        };
        run.watch.asked = None;
        let silent = self.now.since(run.watch.heard);
        if !stop {
            run.watch.heard = self.now;
            self.watch_again(instance.id, &mut run);
            instance.run = Some(run);
            return;
        }
        let mut cut = Vec::new();
        for item in &mut run.items {
            if !item.status.is_terminal() {
                item.mishap_mut().cut = Some(Cut::Silent(silent));
                cut.push(item.id.clone());
            }
        }
        let only = Some(&cut).and_then(|cut| match cut.as_slice() {
            [only] => Some(only),
            _ => None,
        });
        self.warn_about(&run, only, Level::Error, Cut::Silent(silent).reason());
        instance.run = Some(run);
        self.stop_instance(instance);
    }

    /// Tells the log something about a run, under the item that alone it is about.
    fn warn_about(&mut self, run: &LiveRun, only: Option<&ItemId>, level: Level, text: String) {
        let number = Some(run.row.id);
        match only {
            Some(item) => self.warn_of(&of(run, item), number, level, text),
            None => self.warn(Some(run.row.handler.clone()), number, level, text),
        };
    }

    /// The clock was set, or the machine slept: runs are as old as before.
    pub(crate) fn move_watches(&mut self, before: Timestamp) {
        let (forward, back) = (self.now.since(before), before.since(self.now));
        let ids: Vec<InstanceId> = self
            .instances
            .values()
            .filter(|instance| instance.run.is_some() && !instance.mute)
            .map(|instance| instance.id)
            .collect();
        for id in ids {
            self.with(id, |manager, instance| {
                let now = manager.now;
                if let Some(mut run) = instance.run.take() {
                    let began = run.watch.began.plus(forward).0;
                    let back = i64::try_from(back.as_millis()).unwrap_or(i64::MAX);
                    run.watch.began = Timestamp(began.saturating_sub(back)).min(now);
                    run.watch.heard = now;
                    manager.watch_again(id, &mut run);
                    instance.run = Some(run);
                }
            });
        }
    }

    /// Since when nothing was heard of the handler that works on an item, when it is asked about unless it was already, and
    /// when its time is over.
    pub(crate) fn watched(
        &self,
        item: &ItemRef,
    ) -> Option<(Timestamp, Option<Timestamp>, Option<Timestamp>)> {
        let run = self.instances.get(&self.slot(item)?.live?)?.run.as_ref()?;
        let limit = self.limit_of(run, &item.item);
        let patience = run.watch.patience.filter(|_| run.watch.asked.is_none());
        Some((
            run.watch.heard,
            patience.map(|patience| run.watch.heard.plus(patience)),
            limit.map(|limit| run.watch.began.plus(limit)),
        ))
    }
}

fn of(run: &LiveRun, item: &ItemId) -> ItemRef {
    ItemRef {
        handler: run.row.handler.clone(),
        item: item.clone(),
    }
}
