//! How runs, instances and sessions end.

use std::time::Duration;

use crate::command::Command;
use crate::event::EventKind;
use crate::id::{HandlerId, InstanceId, ItemRef};
use crate::input::Completed;
use crate::instance::{Instance, LARGE_RUN, LiveRun, StopLevel, Wait};
use crate::item::{Counts, Failure, HandlerCapability, ItemStatus};
use crate::log::Level;
use crate::manager::{Manager, Show, Timer};
use crate::phase::{Kind, Phase};
use crate::problem::{FailedStep, step_of};
use crate::queue::is_person;
use crate::record::Record;
use crate::request::{RequestOutcome, Work};
use crate::retry::{next_retry, told_retry};
use crate::run::{RunKind, RunOutcome, RunRow};
use crate::saying::{Ending, Saying};
use crate::watchdog::Cut;
use crate::{cut, id::ItemId, outside};

/// How the work of an instance came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// As it should (`S_OK`).
    Done,
    /// It did not begin: somebody would have to be asked (M-76).
    NeedsUser,
    /// It did not begin, or was completed with a failure.
    Failed {
        reason: String,
        failure: Failure,
        retry_after: Option<Duration>,
    },
    /// The handler gave up without being asked to, or because it was.
    Cancelled,
    /// The process is gone.
    Died { how: String },
    /// It did not stop in time and is left alone (3.14).
    Abandoned,
}

impl From<Completed> for End {
    fn from(completed: Completed) -> Self {
        match completed {
            Completed::Done => Self::Done,
            Completed::Failed {
                reason,
                failure,
                retry_after,
            } => Self::Failed {
                reason: cut::bytes(reason, cut::MAX_LINE),
                failure,
                retry_after,
            },
            Completed::Cancelled => Self::Cancelled,
        }
    }
}

impl End {
    /// What an item takes that has no final status of its own (3.4.8), apart from the marks.
    fn rest(&self) -> (ItemStatus, Option<Failure>, String) {
        let said = |ending: Ending| Saying::from(ending).into();
        match self {
            Self::Done => (ItemStatus::Succeeded, None, String::new()),
            Self::NeedsUser => (
                ItemStatus::Failed,
                Some(Failure::Hard),
                said(Ending::NeedsUser),
            ),
            Self::Failed {
                reason, failure, ..
            } => (ItemStatus::Failed, Some(*failure), reason.clone()),
            Self::Cancelled => (
                ItemStatus::Failed,
                Some(Failure::Soft),
                said(Ending::GaveUp),
            ),
            Self::Died { how } => (ItemStatus::Failed, Some(Failure::Soft), how.clone()),
            Self::Abandoned => (ItemStatus::Stopped, None, said(Ending::Slow)),
        }
    }

    /// The failure of the run as a whole.
    fn problem(&self) -> Option<String> {
        match self {
            Self::Done | Self::Cancelled => None,
            Self::NeedsUser | Self::Failed { .. } => Some(self.rest().2),
            Self::Died { how } => Some(format!("the handler ended by itself: {how}")),
            Self::Abandoned => Some(Saying::from(Ending::Left).into()),
        }
    }
}

impl Manager {
    /// Works on an instance that is taken out of the table meanwhile.
    pub(crate) fn with(&mut self, id: InstanceId, work: impl FnOnce(&mut Self, &mut Instance)) {
        if let Some(mut instance) = self.instances.remove(&id) {
            self.touched.insert(instance.session);
            work(self, &mut instance);
            self.instances.insert(id, instance);
        }
    }

    /// Opens the run of an instance.
    pub(crate) fn open_run(&mut self, instance: &mut Instance, kind: RunKind, items: Vec<ItemId>) {
        let row = RunRow {
            id: self.next_run(),
            session: instance.session,
            handler: instance.handler.clone(),
            kind,
            trigger: instance.trigger,
            opened: self.now,
            closed: None,
            outcome: RunOutcome::Open,
            counts: Counts::default(),
            process: instance.process,
            stderr: String::new(),
            problem: None,
        };
        let mut run = Box::new(LiveRun::new(row.clone(), items));
        self.record(Record::Run(row));
        self.event(EventKind::RunOpened {
            run: run.row.id,
            handler: instance.handler.clone(),
        });
        let (mut watched, mut held) = (Vec::new(), Vec::new());
        self.waits = self.waits.wrapping_add(1);
        for item in &run.items {
            if let Some(slot) = self
                .handlers
                .get_mut(&instance.handler)
                .and_then(|handler| handler.items.get_mut(&item.id))
            {
                slot.live = Some(instance.id);
                if slot.holding().is_some() {
                    let holding = slot.holding_mut();
                    holding.released = false;
                    if holding.held.is_some() {
                        held.push(item.id.clone());
                    }
                    if holding.stop_when_lost {
                        watched.push(slot.row.at.clone());
                    }
                }
            }
            self.forget_held(&instance.item(&item.id));
        }
        for item in held {
            let item = ItemRef {
                handler: instance.handler.clone(),
                item,
            };
            self.tell_free(&item);
        }
        if crate::queue::is_automatic(instance.trigger) {
            self.watch_time(&watched);
        }
        if run.items.len() <= LARGE_RUN {
            for at in 0..run.items.len() {
                let Some(item) = run.items.get(at) else {
                    continue;
                };
                self.effects
                    .records
                    .push(Record::RunItem(run.item_row(item)));
                if let Some(item) = run.items.get_mut(at) {
                    item.dirty = false;
                }
            }
        }
        self.watch(instance, &mut run);
        instance.run = Some(run);
    }

    /// The work is over: every item takes its final status. Then the conflicts are read, or the run is closed.
    pub(crate) fn settle(&mut self, instance: &mut Instance, end: End) {
        instance.prepare.abandon();
        instance.synchronize.abandon();
        self.end_before(instance);
        let Some(mut run) = instance.run.take() else {
            self.finish(instance);
            return;
        };
        if !run.settled {
            run.settled = true;
            self.unwatch(instance.id, &mut run);
            self.settle_items(instance, &mut run, &end);
        }
        let reviewed = match &end {
            End::Died { .. } | End::Abandoned => false,
            End::Done | End::NeedsUser | End::Failed { .. } | End::Cancelled => true,
        } && instance.stop < StopLevel::Insisted
            && !instance.mute
            && instance.phase() != Phase::Reviewing
            && self.keeps_conflicts(&instance.handler);
        self.free_token(instance.id);
        self.cancel_prompts(instance);
        if reviewed && instance.enter(Kind::Review) {
            self.command(
                false,
                Command::ListConflicts {
                    instance: instance.id,
                    items: run.items.iter().map(|item| item.id.clone()).collect(),
                },
            );
            instance.run = Some(run);
            return;
        }
        let unread = run.conflicts_changed;
        instance.run = Some(run);
        self.close_run(instance);
        if unread {
            self.read_again(instance);
        }
        self.finish(instance);
    }

    pub(crate) fn keeps_conflicts(&self, handler: &HandlerId) -> bool {
        self.handlers
            .get(handler)
            .is_some_and(|slot| slot.has(HandlerCapability::ConflictStore))
    }

    fn settle_items(&mut self, instance: &Instance, run: &mut LiveRun, end: &End) {
        let stopping = instance.stop > StopLevel::None;
        let (rest, failure, reason) = end.rest();
        run.failed = !stopping
            && match end {
                End::Done => false,
                End::NeedsUser
                | End::Failed { .. }
                | End::Cancelled
                | End::Died { .. }
                | End::Abandoned => true,
            };
        if !stopping || matches!(end, End::Died { .. } | End::Abandoned) {
            run.row.problem = end.problem();
        }
        if let Some(cut) = run.items.iter().find_map(|item| item.cut()) {
            run.row.problem = Some(cut.reason());
        }
        for at in 0..run.items.len() {
            let Some(item) = run.items.get_mut(at) else {
                continue;
            };
            let was = item.status;
            if !item.status.is_terminal() {
                // 3.4.8, with our own `Held` for an item that a question holds back.
                item.status = if item.asked {
                    ItemStatus::Held
                } else if let Some(cut) = item.cut() {
                    let (status, failure) = cut.status();
                    item.failure = failure;
                    item.text = cut.reason();
                    status
                } else if stopping {
                    ItemStatus::Stopped
                } else if item.skip {
                    ItemStatus::Skipped
                } else {
                    item.failure = failure;
                    if let End::Failed { retry_after, .. } = end {
                        item.set_retry_after(*retry_after);
                    }
                    // What it was doing last says nothing once it is done.
                    if !reason.is_empty() || rest == ItemStatus::Succeeded {
                        item.text = reason.to_owned();
                    }
                    rest
                };
            } else if item.status == ItemStatus::Failed && item.asked {
                item.status = ItemStatus::Held;
            }
            if item.status == ItemStatus::Failed && item.failure.is_none() {
                item.failure = Some(Failure::Hard);
            }
            let changed = was != item.status;
            item.dirty |= changed;
            let recorded = !item.dirty;
            if run.explain(at, false)
                && recorded
                && let Some(item) = run.items.get(at)
            {
                self.record(Record::RunItem(run.item_row(item)));
            }
            if changed {
                self.show_item(instance, run, at);
            }
        }
    }

    /// Records every status, tells the items what became of them and says how the run ended.
    pub(crate) fn close_run(&mut self, instance: &mut Instance) {
        let Some(mut run) = instance.run.take() else {
            return;
        };
        self.unwatch(instance.id, &mut run);
        let mut counts = Counts::default();
        let mut tally = Tally::default();
        let large = run.items.len() > LARGE_RUN;
        let mut good = Vec::new();
        for at in 0..run.items.len() {
            let Some(item) = run.items.get(at) else {
                continue;
            };
            add(&mut counts, &item.counts);
            let at_ref = instance.item(&item.id);
            let open = self.slot(&at_ref).map_or(0, |slot| slot.conflicts);
            // Undoing and resolving are judged by what they were to do, not by the conflicts beside it.
            let conflicts =
                run.row.kind == RunKind::Synchronize && (open > 0 || item.counts.conflicts > 0);
            tally.count(item.status, conflicts);
            if item.dirty {
                let row = run.item_row(item);
                self.record(Record::RunItem(row));
                if !large {
                    self.event(EventKind::ItemFinished {
                        run: run.row.id,
                        item: at_ref.clone(),
                        status: item.status,
                    });
                }
            }
            if self.close_item(&run, item, &at_ref) {
                good.push(item.id.clone());
            }
        }
        if !good.is_empty() {
            self.record(Record::ItemsSucceeded {
                handler: instance.handler.clone(),
                run: run.row.id,
                at: self.now,
                items: good,
            });
        }
        tally.warned |= run.warned;
        tally.failed |= run.failed;
        run.row.counts = counts;
        run.row.closed = Some(self.now);
        run.row.process = run.row.process.or(instance.process);
        run.row.outcome = tally.run_outcome(instance.stop > StopLevel::None);
        let outcome = run.row.outcome;
        self.record(Record::Run(run.row.clone()));
        self.event(EventKind::RunClosed {
            run: run.row.id,
            outcome,
        });
        if let Some(session) = self.sessions.get_mut(&instance.session) {
            session.fold(tally.request_outcome(instance.stop > StopLevel::None));
            if let Some(problem) = &run.row.problem
                && !session.notes.iter().any(|note| note.ends_with(problem))
            {
                session.note(problem.clone());
            }
        }
        self.run_after(instance, &run);
        self.tell_ended(instance, &run);
        self.run_ended(&run, instance.trigger);
        instance.closed_run = Some(run.row);
        self.pump = true;
    }

    /// Brings the item's row up to date with what became of it, and records that; true when it ended well, which the
    /// caller records for all such items at once.
    fn close_item(
        &mut self,
        run: &LiveRun,
        item: &crate::instance::LiveItem,
        at: &ItemRef,
    ) -> bool {
        let (now, policy) = (self.now, self.settings.retry);
        // Nobody but its own program tries again what only reports.
        let automatic = self.settings.automatic && !self.reports_only(&at.handler);
        let Some(slot) = self.slot_mut(at) else {
            return false;
        };
        slot.live = None;
        if item.status == ItemStatus::Deleted {
            self.remove_item(at);
            return false;
        }
        match run.row.kind {
            RunKind::Synchronize => {}
            RunKind::Resolve => {
                // The run before did everything but what was decided now; anything less says nothing about freshness.
                if item.status == ItemStatus::Succeeded
                    && slot.conflicts == 0
                    && slot.row.last_status == Some(ItemStatus::Succeeded)
                {
                    slot.row.last_good = Some(now);
                    self.record_item(at);
                }
                return false;
            }
            RunKind::Undo(_) if run.untouched => return false,
            RunKind::Undo(undone) => {
                // Both ends may differ again until the next run; a failure is told before that.
                let failed = matches!(
                    slot.row.last_status,
                    Some(ItemStatus::Failed | ItemStatus::Disconnected)
                );
                if !failed {
                    slot.row.last_status = Some(ItemStatus::Stopped);
                    slot.row.last_problem = Some(if item.status == ItemStatus::Succeeded {
                        format!("run {undone} was undone; the next sync carries that on")
                    } else {
                        format!("undoing run {undone} was not finished")
                    });
                    self.record_item(at);
                }
                return false;
            }
        }
        let row = &mut slot.row;
        let before = row.retry.take();
        row.last_attempt = Some(now);
        row.last_run = Some(run.row.id);
        row.last_status = Some(item.status);
        let mut soft = false;
        match item.status {
            ItemStatus::Succeeded => {
                row.last_good = Some(now);
                row.last_problem = None;
            }
            ItemStatus::Failed | ItemStatus::Disconnected => {
                row.last_problem = Some(if item.text.is_empty() {
                    Saying::from(Ending::Silent).into()
                } else {
                    item.text.clone()
                });
                // Who says when to try again says that it helps.
                soft = item.status == ItemStatus::Disconnected
                    || item.failure == Some(Failure::Soft)
                    || item.retry_after().is_some();
            }
            ItemStatus::Pending
            | ItemStatus::Updating
            | ItemStatus::UpdatingIndeterminate
            | ItemStatus::Paused
            | ItemStatus::Resuming
            | ItemStatus::Skipped
            | ItemStatus::Stopped
            | ItemStatus::Held
            | ItemStatus::Deleted => row.last_problem = item.cut().map(Cut::reason),
        }
        if soft && automatic {
            row.retry = match item.retry_after() {
                Some(after) => told_retry(policy, after, before, now),
                None => next_retry(policy, at, before, now),
            };
        }
        let retry = row.retry;
        let kept = !row.temporary; // M-57
        if let Some(before) = before {
            self.clear_timer(before.due, Timer::Retry(at.clone()));
        }
        if let Some(retry) = retry {
            self.set_timer(retry.due, Timer::Retry(at.clone()));
        }
        let good = item.status == ItemStatus::Succeeded;
        if good && matches!(item.cut(), Some(Cut::Leaving(_))) {
            self.tell_free(at); // it was quick enough
            self.forget_held(at);
        }
        self.take_place(at, item);
        if !good {
            self.record_item(at);
        } else if !item.asked {
            self.withdraw_stale(at);
        }
        good && kept
    }

    /// The work of an instance is over: it is kept for its links, or told to end (3.7).
    pub(crate) fn finish(&mut self, instance: &mut Instance) {
        if instance.phase() == Phase::Released {
            return;
        }
        instance.enter(Kind::Finish);
        if instance.phase() == Phase::Done
            && instance.stop < StopLevel::Insisted
            && !instance.mute
            && self.settings.linger > std::time::Duration::ZERO
            && instance.has_jump()
        {
            instance.over = true;
            instance.stop = StopLevel::None; // the mark goes with the run (3.6, M-116)
            let until = self.now.plus(self.settings.linger);
            self.wait_for(instance, Some((until, Wait::Linger)));
        } else {
            self.release(instance);
        }
    }

    /// Tells an instance to end; nothing it says counts any more, and no command but `Insist` follows.
    pub(crate) fn release(&mut self, instance: &mut Instance) {
        self.let_go(instance);
        self.cancel_prompts(instance);
        let follower = instance.follower.take();
        self.end_following(follower, RequestOutcome::Stopped, None);
        if !instance.enter(Kind::Release) {
            return;
        }
        self.command(instance.mute, Command::Release(instance.id));
        if instance.over || instance.mute {
            self.wait_for(instance, None);
        } else {
            let until = self.now.plus(self.settings.release_grace);
            self.wait_for(instance, Some((until, Wait::Exit)));
        }
        self.pump = true;
    }

    pub(crate) fn wait_for(
        &mut self,
        instance: &mut Instance,
        wait: Option<(crate::time::Timestamp, Wait)>,
    ) {
        if let Some((at, _)) = instance.wait.take() {
            self.clear_timer(at, Timer::Instance(instance.id));
        }
        if let Some((at, _)) = wait {
            self.set_timer(at, Timer::Instance(instance.id));
        }
        instance.wait = wait;
    }

    pub(crate) fn instance_deadline(&mut self, id: InstanceId) {
        self.with(id, |manager, instance| {
            let Some((_, wait)) = instance.wait.take() else {
                return;
            };
            match wait {
                Wait::Linger => {
                    if instance.phase() == Phase::Done {
                        manager.release(instance);
                    }
                }
                Wait::Exit => {
                    instance.over = true;
                    manager.pump = true;
                }
                Wait::Stop => manager.abandon(instance),
                Wait::Report => manager.give_up_outside(instance, outside::SILENT),
            }
        });
    }

    /// It did not stop in time (3.14, M-111): the session ends without it; the host ends the process.
    fn abandon(&mut self, instance: &mut Instance) {
        if instance.run.is_some() {
            self.settle(instance, End::Abandoned);
        } else {
            self.release(instance);
        }
        self.command(instance.mute, Command::Insist(instance.id));
        self.event(EventKind::InstanceAbandoned(instance.handler.clone()));
        let run = instance.closed_run.as_ref().map(|run| run.id);
        self.warn(
            Some(instance.handler.clone()),
            run,
            Level::Warning,
            Saying::from(Ending::LeftItself).into(),
        );
        self.wait_for(instance, None);
        instance.over = true;
    }

    /// A newer session of the handler replaces what was kept for its links (3.7).
    pub(crate) fn end_lingering(&mut self, handler: &HandlerId) {
        let lingering: Vec<InstanceId> = self
            .instances
            .values()
            .filter(|instance| {
                instance.handler == *handler && instance.phase() == Phase::Done && instance.over
            })
            .map(|instance| instance.id)
            .collect();
        for id in lingering {
            self.with(id, |manager, instance| manager.release(instance));
        }
    }

    /// The process is gone: whatever it worked on is over (the last input of an instance).
    pub(crate) fn exited(&mut self, id: InstanceId, how: String, requested: bool, stderr: String) {
        let Some(mut instance) = self.instances.remove(&id) else {
            return;
        };
        let how = cut::bytes(how, cut::MAX_LINE);
        let stderr = cut::tail(stderr, cut::MAX_STDERR);
        self.touched.insert(instance.session);
        self.pump = true;
        self.wait_for(&mut instance, None);
        self.explain_failure(&mut instance, &stderr);
        if instance.phase() == Phase::Released {
            if let Some(mut row) = instance.closed_run.take()
                && !stderr.is_empty()
            {
                row.stderr = stderr;
                self.record(Record::Run(row));
            }
            return;
        }
        instance.mute = true;
        // Ended by the host for what it did, or by itself.
        let how = match instance.last_violation.take() {
            Some(violation) if requested => format!("{violation} ({how})"),
            Some(_) | None => how,
        };
        let follower = instance.follower.take();
        let why = format!("the handler ended by itself: {how}");
        self.end_following(follower, RequestOutcome::Failed, Some(&why));
        if let Some(run) = &mut instance.run {
            // Of one that ended by itself, what it wrote last says most.
            let said = crate::hook::last_line(&stderr).filter(|_| !requested);
            let how = said.map_or(how.clone(), |said| {
                cut::bytes(format!("{how}: {said}"), cut::MAX_LINE)
            });
            run.row.stderr = stderr;
            self.settle(&mut instance, End::Died { how });
        } else if !matches!(instance.phase(), Phase::Done | Phase::ErrorUi)
            || matches!(instance.work, Work::Properties(_)) && !instance.over
        {
            let step = step_of(&instance);
            let why = match step {
                Some(FailedStep::Start) => how,
                Some(FailedStep::Initialize | FailedStep::List) | None => {
                    format!("the handler ended by itself: {how}")
                }
            };
            self.fail_without_run(&mut instance, step, &why, stderr);
        }
        self.let_go(&instance);
        self.cancel_prompts(&mut instance);
        if let Some((at, _)) = instance.wait {
            self.clear_timer(at, Timer::Instance(id));
        }
    }

    /// An instance came to nothing before its run began. What it was wanted for failed, and is recorded so: a run that
    /// nobody can see is worse than one that failed. `step` says what failed when its items are not known either.
    pub(crate) fn fail_without_run(
        &mut self,
        instance: &mut Instance,
        step: Option<FailedStep>,
        why: &str,
        stderr: String,
    ) {
        if instance.stop > StopLevel::None {
            return;
        }
        if let Some(step) = step {
            self.handler_failed(instance, step, why, &stderr);
        }
        let why = match step {
            Some(FailedStep::List) => format!("its items cannot be read: {why}"),
            Some(FailedStep::Start | FailedStep::Initialize) | None => why.to_owned(),
        };
        let why = cut::bytes(why, cut::MAX_LINE);
        // M-40, and who asks without a terminal reads the log all the same.
        if instance.interactive || is_person(instance.trigger) {
            let detail = (!stderr.is_empty()).then(|| stderr.clone());
            // M-40 says how grave it is that one refuses to begin; one that cannot be used at all is an error.
            let level = match step {
                Some(FailedStep::Start | FailedStep::List) => Level::Error,
                Some(FailedStep::Initialize) | None => Level::Warning,
            };
            let entry = self.warn_in_detail(
                Some(instance.handler.clone()),
                None,
                level,
                why.clone(),
                detail,
            );
            instance.failure_entry = Some(entry);
        }
        let called = self.called(&instance.handler);
        if let Some(session) = self.sessions.get_mut(&instance.session) {
            session.fold(RequestOutcome::Failed);
            session.note(format!("{called}: {why}"));
        }
        let kind = match &instance.work {
            Work::Synchronize => RunKind::Synchronize,
            Work::Undo { run } => RunKind::Undo(*run),
            Work::Resolve { .. } => RunKind::Resolve,
            Work::List | Work::Properties(_) => return,
        };
        let listed: Vec<ItemId> = self
            .handlers
            .get(&instance.handler)
            .map(|handler| handler.order.clone())
            .unwrap_or_default();
        if instance.selected.is_empty() {
            self.select(instance, &listed);
        }
        let items = std::mem::take(&mut instance.selected);
        let items = self.not_live(instance, items);
        if items.is_empty() {
            return;
        }
        self.open_run(instance, kind, items);
        if let Some(run) = &mut instance.run {
            run.settled = true;
            run.failed = true;
            run.row.problem = Some(why.clone());
            run.row.stderr = stderr;
            for item in &mut run.items {
                item.status = ItemStatus::Failed;
                item.failure = Some(Failure::Soft);
                item.text.clone_from(&why);
                item.dirty = true;
            }
        }
        self.close_run(instance);
    }

    pub(crate) fn show_item(&mut self, instance: &Instance, run: &LiveRun, at: usize) {
        let Some(item) = run.items.get(at) else {
            return;
        };
        let show = Show::Progress {
            run: run.row.id,
            item: instance.item(&item.id),
            status: item.status,
            text: item.text.clone(),
            value: item.value,
            max: item.max,
            counts: item.counts,
            stopping: !item.status.is_terminal() && (item.skip || instance.stop > StopLevel::None),
        };
        // Of a large run nobody sees a step that the next one follows at once.
        match self.effects.shows.last_mut() {
            Some(last) if run.items.len() > LARGE_RUN && last.is_of(run.row.id, &item.id) => {
                *last = show;
            }
            Some(_) | None => self.effects.shows.push(show),
        }
    }
}

/// How many items ended how.
#[derive(Debug, Default)]
struct Tally {
    succeeded: bool,
    skipped: bool,
    stopped: bool,
    held: bool,
    failed: bool,
    warned: bool,
}

impl Tally {
    fn count(&mut self, status: ItemStatus, conflicts: bool) {
        match status {
            ItemStatus::Succeeded | ItemStatus::Deleted => self.succeeded = true,
            ItemStatus::Skipped => self.skipped = true,
            ItemStatus::Stopped => self.stopped = true,
            ItemStatus::Held => self.held = true,
            ItemStatus::Failed | ItemStatus::Disconnected => self.failed = true,
            ItemStatus::Pending
            | ItemStatus::Updating
            | ItemStatus::UpdatingIndeterminate
            | ItemStatus::Paused
            | ItemStatus::Resuming => self.failed = true,
        }
        // An open conflict waits for a person, as a question does: `verdict` says the same.
        self.held |= conflicts;
    }

    /// The worst wins: failed, then a person is needed, then stopped; skipped only when nothing was done (3.6).
    fn run_outcome(&self, stopping: bool) -> RunOutcome {
        if self.failed {
            RunOutcome::Failed
        } else if self.held {
            RunOutcome::NeedsYou
        } else if self.stopped || (stopping && !self.succeeded) {
            RunOutcome::Stopped
        } else if self.succeeded || !self.skipped {
            if self.warned {
                RunOutcome::Warnings
            } else {
                RunOutcome::Succeeded
            }
        } else {
            RunOutcome::Skipped
        }
    }

    fn request_outcome(&self, stopping: bool) -> RequestOutcome {
        match self.run_outcome(stopping) {
            RunOutcome::Open | RunOutcome::Failed | RunOutcome::Interrupted => {
                RequestOutcome::Failed
            }
            RunOutcome::Succeeded => RequestOutcome::Succeeded,
            RunOutcome::Warnings => RequestOutcome::Warnings,
            RunOutcome::Skipped => RequestOutcome::Skipped,
            RunOutcome::Stopped => RequestOutcome::Stopped,
            RunOutcome::NeedsYou => RequestOutcome::NeedsYou,
        }
    }
}

pub(crate) fn add(sum: &mut Counts, counts: &Counts) {
    sum.sent = sum.sent.saturating_add(counts.sent);
    sum.received = sum.received.saturating_add(counts.received);
    sum.deleted = sum.deleted.saturating_add(counts.deleted);
    sum.conflicts = sum.conflicts.saturating_add(counts.conflicts);
    sum.failed = sum.failed.saturating_add(counts.failed);
    sum.bytes = sum.bytes.saturating_add(counts.bytes);
    sum.created_near = sum.created_near.saturating_add(counts.created_near);
    sum.created_far = sum.created_far.saturating_add(counts.created_far);
    sum.deleted_near = sum.deleted_near.saturating_add(counts.deleted_near);
    sum.deleted_far = sum.deleted_far.saturating_add(counts.deleted_far);
}
