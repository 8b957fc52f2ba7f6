//! Sessions that somebody outside opens and reports into (Sync Center 3.6, `CreateSession`).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::command::Verdict;
use crate::ending::End;
use crate::event::EventKind;
use crate::id::{HandlerId, InstanceId, ItemId, ItemRef, RunId, SessionId};
use crate::input::ExternalInput;
use crate::instance::{Instance, LiveRun, Session, StopLevel, Wait};
use crate::item::{Activation, Connected, Failure, HandlerCapability, HandlerPolicy};
use crate::log::Level;
use crate::manager::Manager;
use crate::phase::Kind;
use crate::queue::Want;
use crate::record::{OutsideRow, Record};
use crate::request::{RequestOutcome, Trigger, Work};
use crate::run::{RunItemRow, RunKind, RunRow, SessionRow};

/// Most items of one session from outside.
pub const MAX_OUTSIDE_ITEMS: usize = 10_000;

/// Longest silence that a session from outside may ask for.
pub const MAX_WITHIN: Duration = Duration::from_secs(30 * 24 * 3600);

/// Who held a connection for a session and lost it has so long to come back; its manager may have been the one that went.
pub const COME_BACK: Duration = Duration::from_secs(30);

/// How far what is stored of a session may lag behind what was heard of it, at most.
const KEEP_EVERY: Duration = Duration::from_secs(60);

/// What becomes of a session of which nothing is heard.
pub(crate) const SILENT: &str = "it was never heard of again";

/// What becomes of a session whose owner began another one in its place.
const ANEW: &str = "its program began anew without ending it";

/// Who reports into a session that outlives the manager.
#[derive(Debug)]
pub(crate) struct Reporter {
    within: Duration,
    attended: bool,
    /// What is stored.
    kept: Option<OutsideRow>,
}

/// Why a session from outside is not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefusedSession {
    /// No such handler or item, or no item at all (`E_INVALIDARG`).
    #[error("nothing of that name is registered")]
    Unknown,
    /// The handler is not set up (A-47, `E_ACCESSDENIED`).
    #[error("the handler is not set up")]
    Inactive,
    /// The handler is at work and takes one session at a time (A-15, `ERROR_BUSY`).
    #[error("the handler is at work already")]
    Busy,
    /// Too many items.
    #[error("a session from outside has at most {MAX_OUTSIDE_ITEMS} items")]
    TooManyItems,
}

impl Manager {
    /// Whether a session from outside would be opened. Ask before applying it; one that is applied all the same is not
    /// opened, and its reports are not heard.
    ///
    /// # Errors
    /// [`RefusedSession`] says why it would not.
    pub fn check_outside(
        &self,
        handler: &HandlerId,
        items: &[ItemId],
    ) -> Result<(), RefusedSession> {
        let slot = self.handlers.get(handler).ok_or(RefusedSession::Unknown)?;
        if slot.row.activation == Activation::Inactive {
            return Err(RefusedSession::Inactive);
        }
        if items.is_empty() {
            return Err(RefusedSession::Unknown);
        }
        if items.len() > MAX_OUTSIDE_ITEMS {
            return Err(RefusedSession::TooManyItems);
        }
        let busy = self
            .instances
            .values()
            .any(|instance| instance.handler == *handler && instance.is_busy());
        if busy && !slot.has(HandlerCapability::ConcurrentSessions) {
            return Err(RefusedSession::Busy);
        }
        for item in items {
            let item = slot.items.get(item).ok_or(RefusedSession::Unknown)?;
            if item.live.is_some() {
                return Err(RefusedSession::Busy);
            }
        }
        Ok(())
    }

    pub(crate) fn hear_outside(&mut self, said: ExternalInput) {
        match said {
            ExternalInput::Open {
                session,
                handler,
                items,
                within,
            } => self.open_outside(session, handler, items, within),
            ExternalInput::Progress(session, progress) => {
                self.with_outside(session, |manager, instance| {
                    manager.progress(instance, progress, None);
                    manager.heard_outside(instance);
                });
            }
            ExternalInput::Log {
                session,
                item,
                level,
                text,
                detail,
            } => self.with_outside(session, |manager, instance| {
                manager.log(instance, level, text, item, detail, None, false);
                manager.heard_outside(instance);
            }),
            ExternalInput::Attended(session, attended) => {
                self.with_outside(session, |manager, instance| {
                    if let Some(reporter) = &mut instance.reporter {
                        reporter.attended = attended;
                    }
                    let span = (!attended).then_some(COME_BACK);
                    manager.wait_for_report(instance, span);
                });
            }
            ExternalInput::Superseded(session) => {
                self.with_outside(session, |manager, instance| {
                    manager.give_up_outside(instance, ANEW);
                });
                self.end_outside(session);
            }
            ExternalInput::Connected(item, connected) => self.outside_connected(&item, connected),
            ExternalInput::Close(session) => {
                // Whatever nothing was reported on failed (3.6).
                self.with_outside(session, |manager, instance| {
                    manager.give_up_outside(instance, "nothing was reported of it");
                });
                self.end_outside(session);
            }
        }
    }

    fn with_outside(&mut self, session: SessionId, work: impl FnOnce(&mut Self, &mut Instance)) {
        if let Some(id) = self.outside(session) {
            self.with(id, work);
        }
    }

    /// Ends a session now, not with the turn: what comes next may be another one of the same items.
    fn end_outside(&mut self, session: SessionId) {
        if self.sessions.contains_key(&session) {
            self.advance_session(session);
        }
    }

    /// Whatever of it has no final status failed, and it is over.
    pub(crate) fn give_up_outside(&mut self, instance: &mut Instance, why: &str) {
        let all_ended = instance
            .run
            .as_ref()
            .is_some_and(|run| run.items.iter().all(|item| item.status.is_terminal()));
        let end = if all_ended {
            End::Done
        } else {
            End::Failed {
                reason: why.to_owned(),
                failure: Failure::Soft,
                retry_after: None,
            }
        };
        self.settle(instance, end);
        self.wait_for(instance, None);
        instance.over = true;
        self.pump = true;
    }

    fn outside_connected(&mut self, item: &ItemRef, connected: Connected) {
        let Some(slot) = self.slot_mut(item) else {
            return;
        };
        if slot.row.connected != connected {
            slot.row.connected = connected;
            self.record_item(item);
            self.reconsider();
        }
    }

    /// Something was heard: it has its whole time again.
    fn heard_outside(&mut self, instance: &mut Instance) {
        self.wait_for_report(instance, None);
        if self.settings.automatic {
            return;
        }
        // The next report is heard by another manager, and whoever looks in between by a third one.
        if let Some(run) = &instance.run {
            let rows: Vec<RunItemRow> = run
                .items
                .iter()
                .filter(|item| !item.status.is_terminal())
                .map(|item| run.item_row(item))
                .collect();
            self.effects
                .records
                .extend(rows.into_iter().map(Record::RunItem));
        }
    }

    /// Waits for the next report: for `span`, or as long as was asked for.
    fn wait_for_report(&mut self, instance: &mut Instance, span: Option<Duration>) {
        let Some(reporter) = &instance.reporter else {
            return;
        };
        if instance.over || instance.run.is_none() {
            return;
        }
        let span = span.map_or(reporter.within, |span| span.min(reporter.within));
        let until = self.now.plus(span);
        self.wait_for(instance, Some((until, Wait::Report)));
        self.keep_reporter(instance);
    }

    /// Stores who reports, as far as that differs from what is stored.
    pub(crate) fn keep_reporter(&mut self, instance: &mut Instance) {
        let asked = asked_of(instance);
        let (Some(reporter), Some((until, Wait::Report))) = (&mut instance.reporter, instance.wait)
        else {
            return;
        };
        let row = OutsideRow {
            session: instance.session,
            within: reporter.within,
            until,
            attended: reporter.attended,
            warned: instance.run.as_ref().is_some_and(|run| run.warned),
            asked,
        };
        let lag = if self.settings.automatic {
            KEEP_EVERY.min(reporter.within / 8)
        } else {
            Duration::ZERO
        };
        let near_enough = |kept: &OutsideRow| {
            let as_before = OutsideRow {
                until: kept.until,
                ..row.clone()
            };
            as_before == *kept && kept.until <= until && until.since(kept.until) <= lag
        };
        if !reporter.kept.as_ref().is_some_and(near_enough) {
            reporter.kept = Some(row.clone());
            self.record(Record::Outside(row));
        }
    }

    /// The same for all: the clock was set.
    pub(crate) fn keep_reporters(&mut self) {
        let reporting: Vec<InstanceId> = self
            .instances
            .values()
            .filter(|instance| instance.reporter.is_some())
            .map(|instance| instance.id)
            .collect();
        for id in reporting {
            self.with(id, |manager, instance| manager.keep_reporter(instance));
        }
    }

    /// Whether a session outlives this manager, because its owner does not depend on it.
    pub(crate) fn outlives(&self, session: SessionId) -> bool {
        self.outside(session)
            .and_then(|id| self.instances.get(&id))
            .is_some_and(|instance| instance.reporter.is_some())
    }

    /// The session from outside that an item is in, its run, and whether its owner holds a connection for it.
    #[must_use]
    pub fn outside_of(&self, item: &ItemRef) -> Option<(SessionId, RunId, bool)> {
        let instance = self.instances.get(&self.slot(item)?.live?)?;
        self.outside(instance.session)?;
        let attended = instance.reporter.as_ref().is_some_and(|it| it.attended);
        Some((instance.session, instance.run.as_ref()?.row.id, attended))
    }

    /// Whether the items of a handler are started by their own programs alone.
    #[must_use]
    pub fn reports_only(&self, handler: &HandlerId) -> bool {
        let slot = self.handlers.get(handler);
        slot.is_some_and(|slot| slot.row.policies.contains(&HandlerPolicy::OwnProgram))
    }

    /// What is known of a handler that only has reports, which nobody can ask.
    pub(crate) fn only_reports(&mut self, id: &HandlerId) {
        self.all_defined.insert(id.clone());
        let Some(slot) = self.handlers.get_mut(id) else {
            return;
        };
        let mut row = slot.row.clone();
        row.capabilities = [HandlerCapability::ConcurrentSessions].into();
        row.policies = [HandlerPolicy::OwnProgram].into();
        row.asked = true;
        if row != slot.row {
            slot.row = row;
            self.record_handler(id);
            self.catalog_changed();
        }
    }

    /// Goes on with the sessions from outside that were open when the last manager ended. Answers what nobody goes on with.
    pub(crate) fn adopt(
        &mut self,
        runs: Vec<(RunRow, Vec<RunItemRow>)>,
        sessions: Vec<SessionRow>,
        outside: Vec<OutsideRow>,
    ) -> (Vec<(RunRow, Vec<RunItemRow>)>, Vec<SessionRow>) {
        let mut kept: BTreeMap<SessionId, OutsideRow> =
            outside.into_iter().map(|row| (row.session, row)).collect();
        let (mut runs_left, mut sessions_left) = (Vec::new(), Vec::new());
        let mut of_session: BTreeMap<SessionId, Vec<(RunRow, Vec<RunItemRow>)>> = BTreeMap::new();
        for run in runs {
            of_session.entry(run.0.session).or_default().push(run);
        }
        for session in sessions {
            let mut runs = of_session.remove(&session.id).unwrap_or_default();
            let known = |run: &RunRow| self.handlers.contains_key(&run.handler);
            match (kept.remove(&session.id), runs.pop()) {
                (Some(row), Some((run, items)))
                    if runs.is_empty() && session.trigger == Trigger::External && known(&run) =>
                {
                    self.adopt_one(session, run, items, row);
                }
                (_, last) => {
                    runs_left.extend(runs);
                    runs_left.extend(last);
                    sessions_left.push(session);
                }
            }
        }
        runs_left.extend(of_session.into_values().flatten());
        (runs_left, sessions_left)
    }

    fn adopt_one(
        &mut self,
        row: SessionRow,
        run: RunRow,
        items: Vec<RunItemRow>,
        kept: OutsideRow,
    ) {
        let session = row.id;
        let mut instance = self.outside_instance(session, run.handler.clone());
        let ids = items.iter().map(|item| item.item.item.clone()).collect();
        let mut live = Box::new(LiveRun::new(run, ids));
        live.warned = kept.warned;
        for (item, row) in live.items.iter_mut().zip(items) {
            item.status = row.status;
            item.failure = row.failure;
            item.text = row.text;
            item.counts = row.counts;
            item.dirty = false;
            item.skip = kept.asked == Verdict::CancelItem && !row.status.is_terminal();
            live.marked |= item.skip;
        }
        for item in &live.items {
            let lanes = self.slot(&instance.item(&item.id)).map(|slot| slot.lanes());
            instance.lanes.extend(lanes.into_iter().flatten().cloned());
            if let Some(slot) = self.slot_mut(&instance.item(&item.id))
                && !item.status.is_terminal()
            {
                slot.live = Some(instance.id);
            }
        }
        instance.run = Some(live);
        if kept.asked == Verdict::CancelAll {
            instance.stop = StopLevel::Asked;
        }
        // Whoever held a connection lost it with the manager; nobody could report while there was none.
        let soonest = self.now.plus(COME_BACK);
        let until = if kept.attended {
            kept.until.min(soonest)
        } else if self.settings.automatic {
            kept.until.max(soonest)
        } else {
            kept.until
        };
        instance.reporter = Some(Box::new(Reporter {
            within: kept.within,
            attended: kept.attended,
            kept: Some(kept),
        }));
        self.wait_for(&mut instance, Some((until, Wait::Report)));
        self.keep_reporter(&mut instance);
        let stopped = instance.stop > StopLevel::None;
        self.insert_outside(row, instance, stopped);
    }

    fn outside_instance(&mut self, session: SessionId, handler: HandlerId) -> Box<Instance> {
        let mut instance = Box::new(Instance::new(
            self.next_instance(),
            handler,
            session,
            Work::Synchronize,
            Trigger::External,
            false,
            self.turn,
            Want::default(),
        ));
        instance.mute = true;
        // Whoever opens a session is at work already: the phases before were its own affair.
        for kind in [
            Kind::Initialized,
            Kind::Listed,
            Kind::Prepare,
            Kind::FinishPrepare,
            Kind::Synchronize,
        ] {
            instance.enter(kind);
        }
        instance
    }

    fn insert_outside(&mut self, row: SessionRow, instance: Box<Instance>, stopped: bool) {
        self.sessions.insert(
            row.id,
            Session {
                row,
                requests: Vec::new(),
                instances: vec![instance.id],
                interactive: false,
                stopped,
                worst: RequestOutcome::Nothing,
                notes: Vec::new(),
            },
        );
        self.instances.insert(instance.id, instance);
    }

    /// What a session from outside is to do with an item, or with all (`CanContinue`).
    #[must_use]
    pub fn outside_verdict(&self, session: SessionId, item: Option<&ItemId>) -> Verdict {
        match self.outside(session).and_then(|id| self.instances.get(&id)) {
            Some(instance) => crate::progress::verdict(instance, item),
            None => Verdict::CancelAll,
        }
    }

    fn outside(&self, session: SessionId) -> Option<InstanceId> {
        let session = self.sessions.get(&session)?;
        let id = *session.instances.first()?;
        (session.row.trigger == Trigger::External && session.row.request.is_none()).then_some(id)
    }

    fn open_outside(
        &mut self,
        session: SessionId,
        handler: HandlerId,
        mut items: Vec<ItemId>,
        within: Option<Duration>,
    ) {
        items.sort();
        items.dedup();
        if let Err(refused) = self.check_outside(&handler, &items) {
            let handler = self.handlers.contains_key(&handler).then_some(handler);
            self.warn(
                handler,
                None,
                Level::Warning,
                format!("a session from outside was not opened: {refused}"),
            );
            return;
        }
        if self.sessions.contains_key(&session) {
            return;
        }
        self.last.session = self.last.session.max(session.0);
        let row = SessionRow {
            id: session,
            request: None,
            trigger: Trigger::External,
            opened: self.now,
            closed: None,
            outcome: None,
        };
        self.record(Record::Session(row.clone()));
        self.event(EventKind::SessionOpened(session));
        self.end_lingering(&handler);
        let mut instance = self.outside_instance(session, handler);
        for item in &items {
            // It cannot be made to wait, but others wait for it.
            let lanes = self.slot(&instance.item(item)).map(|slot| slot.lanes());
            instance.lanes.extend(lanes.into_iter().flatten().cloned());
        }
        self.open_run(&mut instance, RunKind::Synchronize, items);
        if let Some(within) = within {
            instance.reporter = Some(Box::new(Reporter {
                within: within.min(MAX_WITHIN),
                attended: false,
                kept: None,
            }));
            self.wait_for_report(&mut instance, None);
        }
        self.insert_outside(row, instance, false);
    }
}

/// What a person asked of a session, as far as it is kept.
fn asked_of(instance: &Instance) -> Verdict {
    let skipped = |run: &LiveRun| run.items.iter().any(|item| item.skip);
    if instance.stop > StopLevel::None {
        Verdict::CancelAll
    } else if instance.run.as_ref().is_some_and(|run| skipped(run)) {
        Verdict::CancelItem
    } else {
        Verdict::Continue
    }
}
