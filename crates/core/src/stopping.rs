//! Skip and stop: marks first, told to the handler in the windows where it may be told (mobsync 3.6, Sync Center 3.7).
//!
//! To stop, one `item/status` for all is sent; the adapter of a classic handler sends `SYNCMGRSTATUS_SKIPPED` for every
//! item that is not over (M-104, M-109). Asking again insists: the instance is told to end and goes up its stop ladder.

use std::collections::BTreeSet;

use crate::command::{Command, Verdict};
use crate::ending::End;
use crate::event::EventKind;
use crate::id::{HandlerId, InstanceId, ItemRef, RunId, SessionId};
use crate::input::StopScope;
use crate::instance::{Instance, StopLevel, Wait};
use crate::item::{HandlerPolicy, ItemPolicy};
use crate::manager::Manager;
use crate::phase::Phase;
use crate::queue::{Waiting, Want, Wants};
use crate::request::RequestOutcome;

/// What stops the runs of some items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopOf {
    /// These; empty: nothing of them runs or waits.
    Scopes(Vec<StopScope>),
    /// Nothing: the run of one of them works on something else as well.
    Shared {
        /// The item.
        item: ItemRef,
        /// Its run; absent before it is open.
        run: Option<RunId>,
        /// Something else that it works on.
        with: ItemRef,
    },
}

impl Manager {
    /// What is to be stopped so that nothing of these items runs or waits to run, and nothing else is stopped.
    #[must_use]
    pub fn stop_of(&self, items: &BTreeSet<ItemRef>) -> StopOf {
        let mut scopes = Vec::new();
        for waiting in &self.waiting {
            let wanted = self.wanted_by(&waiting.wants);
            let Some(item) = wanted.iter().find(|item| items.contains(item)) else {
                continue;
            };
            if let Some(with) = wanted.iter().find(|item| !items.contains(item)) {
                return StopOf::Shared {
                    item: item.clone(),
                    run: None,
                    with: with.clone(),
                };
            }
            let requests = waiting.merged.iter().chain([&waiting.id]);
            scopes.extend(requests.map(|request| StopScope::Request(*request)));
        }
        for (id, session) in &self.sessions {
            let mut working = Vec::new();
            for instance in session
                .instances
                .iter()
                .filter_map(|id| self.instances.get(id))
            {
                if let Some(run) = &instance.run {
                    let live = run.items.iter().filter(|item| !item.status.is_terminal());
                    let number = Some(run.row.id);
                    working.extend(live.map(|item| (instance.item(&item.id), number)));
                } else if instance.is_busy() {
                    let want = [(instance.handler.clone(), instance.want.clone())];
                    let wanted = self.wanted_by(&want.into());
                    working.extend(wanted.into_iter().map(|item| (item, None)));
                }
            }
            let Some((item, run)) = working.iter().find(|(item, _)| items.contains(item)) else {
                continue;
            };
            if let Some((with, _)) = working.iter().find(|(item, _)| !items.contains(item)) {
                return StopOf::Shared {
                    item: item.clone(),
                    run: *run,
                    with: with.clone(),
                };
            }
            scopes.push(StopScope::Session(*id));
        }
        StopOf::Scopes(scopes)
    }

    /// The known items that are wanted.
    fn wanted_by(&self, wants: &Wants) -> Vec<ItemRef> {
        let of = |(handler, want): (&HandlerId, &Want)| {
            let slots = self.handlers.get(handler).into_iter();
            let slots = slots.flat_map(|handler| handler.items.values());
            let wanted = slots.filter(|slot| Self::wanted(slot, want));
            wanted.map(|slot| slot.row.at.clone()).collect::<Vec<_>>()
        };
        wants.iter().flat_map(of).collect()
    }

    pub(crate) fn stop(&mut self, scope: &StopScope) {
        match scope {
            StopScope::All => {
                let waiting = std::mem::take(&mut self.waiting);
                for waiting in waiting {
                    self.end_waiting(waiting, RequestOutcome::Stopped, None);
                }
                // What outlives this manager is not stopped by its end.
                let ends = self.ends;
                let sessions: Vec<SessionId> = self
                    .sessions
                    .keys()
                    .filter(|id| !(ends && self.outlives(**id)))
                    .copied()
                    .collect();
                for session in sessions {
                    self.stop_session(session);
                }
                let handlers: Vec<HandlerId> = self.handlers.keys().cloned().collect();
                for handler in handlers {
                    self.end_lingering(&handler);
                }
                self.stop_deferred(None);
                self.stop_hooks();
            }
            StopScope::Session(session) => self.stop_session(*session),
            StopScope::Request(request) => {
                self.stop_deferred(Some(*request));
                if let Some(at) = self.waiting.iter().position(|w| w.id == *request) {
                    // Those that joined it still wait: the eldest takes its place.
                    if let Some(waiting) = self.waiting.get_mut(at) {
                        if waiting.merged.is_empty() {
                            let waiting = self.waiting.remove(at);
                            self.end_waiting(waiting, RequestOutcome::Stopped, None);
                        } else {
                            waiting.id = waiting.merged.remove(0);
                            self.end_request(*request, RequestOutcome::Stopped, None);
                        }
                    }
                    self.pump = true;
                    return;
                }
                let joined = self.waiting.iter_mut().find_map(|waiting| {
                    let at = waiting.merged.iter().position(|id| id == request)?;
                    Some(waiting.merged.remove(at))
                });
                if joined.is_some() {
                    self.end_request(*request, RequestOutcome::Stopped, None);
                    return;
                }
                let session = self
                    .sessions
                    .iter()
                    .find(|(_, session)| session.requests.contains(request))
                    .map(|(id, _)| *id);
                if let Some(session) = session {
                    self.stop_session(session);
                    return;
                }
                // What shows a link belongs to no session any more.
                let showing = self
                    .instances
                    .values()
                    .find(|instance| instance.follower == Some(*request))
                    .map(|instance| instance.id);
                if let Some(id) = showing.filter(|id| self.may_stop(*id)) {
                    self.with(id, |manager, instance| manager.stop_instance(instance));
                }
            }
        }
    }

    fn stop_session(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else {
            return;
        };
        let instances = session.instances.clone();
        let (stopped, _): (Vec<InstanceId>, Vec<InstanceId>) = instances
            .into_iter()
            .partition(|instance| self.may_stop(*instance));
        if stopped.is_empty() {
            return;
        }
        if let Some(session) = self.sessions.get_mut(&id) {
            session.stopped = true;
        }
        self.event(EventKind::StopRequested(id));
        for instance in stopped {
            self.with(instance, |manager, instance| {
                manager.stop_instance(instance)
            });
        }
        self.touched.insert(id);
    }

    /// A policy of the handler may forbid it (Sync Center 3.7).
    fn may_stop(&self, instance: InstanceId) -> bool {
        self.instances
            .get(&instance)
            .and_then(|instance| self.handlers.get(&instance.handler))
            .is_none_or(|handler| {
                !handler
                    .row
                    .policies
                    .contains(&HandlerPolicy::PreventStopSync)
                    && !handler
                        .row
                        .policies
                        .contains(&HandlerPolicy::DisableStopSync)
            })
    }

    pub(crate) fn stop_instance(&mut self, instance: &mut Instance) {
        let again = instance.stop > StopLevel::None;
        if again {
            instance.stop = StopLevel::Insisted;
            match instance.phase() {
                Phase::Released => self.command(instance.mute, Command::Insist(instance.id)),
                Phase::New
                | Phase::Initialized
                | Phase::Listed
                | Phase::Preparing
                | Phase::Prepared
                | Phase::Syncing
                | Phase::Undoing
                | Phase::Resolving
                | Phase::Reviewing
                | Phase::Done
                | Phase::Properties
                | Phase::ErrorUi => {
                    if instance.run.is_some() {
                        self.settle(instance, End::Cancelled);
                    } else {
                        self.release(instance);
                    }
                    self.command(instance.mute, Command::Insist(instance.id));
                    instance.over |= instance.mute; // there is no process whose exit would be told
                }
            }
            return;
        }
        match instance.phase() {
            Phase::Released => instance.stop = StopLevel::Insisted, // the next one goes up its ladder
            Phase::Done => {}
            Phase::New | Phase::Initialized | Phase::Listed => {
                instance.stop = StopLevel::Asked;
                if let Some(session) = self.sessions.get_mut(&instance.session) {
                    session.fold(RequestOutcome::Stopped);
                }
                self.release(instance);
            }
            Phase::Prepared => {
                instance.stop = StopLevel::Asked;
                self.settle(instance, End::Cancelled); // M-110
            }
            Phase::Reviewing => {
                instance.stop = StopLevel::Asked;
                self.close_run(instance);
                self.finish(instance);
            }
            Phase::Preparing
            | Phase::Syncing
            | Phase::Undoing
            | Phase::Resolving
            | Phase::Properties
            | Phase::ErrorUi => {
                instance.stop = StopLevel::Asked;
                self.cancel_prompts(instance);
                self.stop_waiting(instance.id, Some("it was stopped"));
                self.tell_marks(instance);
                self.stop_before(instance);
                // C-83: whoever is outside hears of it with the next report, and is never interrupted.
                if instance.mute {
                    self.keep_reporter(instance);
                } else {
                    let until = self.now.plus(self.settings.stop_grace);
                    self.wait_for(instance, Some((until, Wait::Stop)));
                }
                if let Some(run) = instance.run.take() {
                    for at in 0..run.items.len() {
                        if run.items.get(at).is_some_and(|i| !i.status.is_terminal()) {
                            self.show_item(instance, &run, at);
                        }
                    }
                    instance.run = Some(run);
                }
            }
        }
    }

    /// Tells the handler what it was not told yet, when a window is open (M-105 to M-107, M-109).
    pub(crate) fn tell_marks(&mut self, instance: &mut Instance) {
        if instance.mute || !instance.is_window() {
            return;
        }
        if instance.stop > StopLevel::None {
            self.command(
                false,
                Command::ItemStatus {
                    instance: instance.id,
                    item: None,
                    verdict: Verdict::CancelAll,
                },
            );
            return;
        }
        let Some(run) = instance.run.as_mut().filter(|run| run.marked) else {
            return;
        };
        let mut told = Vec::new();
        for item in &mut run.items {
            if item.skip && !item.told && !item.status.is_terminal() {
                item.told = true;
                told.push(item.id.clone());
            }
        }
        for item in told {
            self.command(
                false,
                Command::ItemStatus {
                    instance: instance.id,
                    item: Some(item),
                    verdict: Verdict::CancelItem,
                },
            );
        }
    }

    /// Takes an item out of what waits or is about to begin; a request that wanted nothing else is over.
    fn skip_waiting(&mut self, item: &ItemRef) {
        let Some(slot) = self
            .handlers
            .get(&item.handler)
            .and_then(|handler| handler.items.get(&item.item))
        else {
            return;
        };
        let mut any = false;
        for waiting in &mut self.waiting {
            if let Some(want) = waiting.wants.get_mut(&item.handler)
                && Self::wanted(slot, want)
            {
                any = true;
                if !want.leave_out(&item.item) {
                    waiting.wants.remove(&item.handler);
                }
            }
        }
        for instance in self.instances.values_mut() {
            if instance.handler == item.handler
                && instance.work == crate::request::Work::Synchronize
                && matches!(
                    instance.phase(),
                    Phase::New | Phase::Initialized | Phase::Listed
                )
                && Self::wanted(slot, &instance.want)
            {
                any = true;
                instance.want.leave_out(&item.item);
                instance.selected.retain(|id| *id != item.item);
                if let Some(session) = self.sessions.get_mut(&instance.session) {
                    session.fold(RequestOutcome::Skipped);
                }
                self.touched.insert(instance.session);
            }
        }
        if !any {
            return;
        }
        self.event(EventKind::SkipRequested(item.clone()));
        let (over, rest): (Vec<Waiting>, Vec<Waiting>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|waiting| waiting.wants.is_empty());
        self.waiting = rest;
        for waiting in over {
            self.end_waiting(waiting, RequestOutcome::Skipped, None);
        }
    }

    /// Skips an item: in its run, or out of what waits.
    pub(crate) fn skip(&mut self, item: &ItemRef) {
        let Some(slot) = self.slot(item) else {
            return;
        };
        if slot.row.policies.contains(&ItemPolicy::PreventStopSync)
            || slot.row.policies.contains(&ItemPolicy::DisableStopSync)
        {
            return;
        }
        let Some(id) = slot.live else {
            self.skip_waiting(item);
            return;
        };
        self.with(id, |manager, instance| {
            let marked = instance.run.as_mut().is_some_and(|run| {
                if run.settled {
                    return false;
                }
                let fresh = run.item_mut(&item.item).is_some_and(|item| {
                    let fresh = !item.status.is_terminal() && !item.skip;
                    item.skip |= fresh;
                    fresh
                });
                run.marked |= fresh;
                fresh
            });
            if !marked {
                return;
            }
            manager.event(EventKind::SkipRequested(item.clone()));
            manager.cancel_item_prompts(instance, &item.item);
            manager.tell_marks(instance);
            manager.keep_reporter(instance);
            if let Some(run) = instance.run.take() {
                if let Some(at) = run.index.get(&item.item) {
                    manager.show_item(instance, &run, *at);
                }
                instance.run = Some(run);
            }
        });
    }
}
