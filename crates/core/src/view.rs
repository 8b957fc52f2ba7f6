//! What may be looked at.

use crate::catalog::ItemSlot;
use crate::command::Verdict;
use crate::condition::Condition;
use crate::id::{HandlerId, InstanceId, ItemId, ItemRef, LogId, RequestId, RunId, SessionId};
use crate::instance::{Instance, LiveItem, LiveRun, StopLevel};
use crate::item::{Counts, HandlerRow, ItemRow, ItemStatus, RunState};
use crate::manager::Manager;
use crate::need::{NeedRow, NeedState};
use crate::phase::Phase;
use crate::record::PauseRow;
use crate::request::{Queued, Trigger};
use crate::run::RunRow;
use crate::time::Timestamp;

/// A session that is open.
#[derive(Debug, Clone)]
pub struct SessionView<'a> {
    /// Its number.
    pub id: SessionId,
    /// The requests that end with it.
    pub requests: &'a [RequestId],
    /// Why it began.
    pub trigger: Trigger,
    /// When it began.
    pub opened: Timestamp,
    /// It was asked to stop.
    pub stopping: bool,
    /// Its instances, in listing order.
    pub instances: Vec<InstanceView<'a>>,
}

/// A live instance.
#[derive(Debug, Clone, Copy)]
pub struct InstanceView<'a> {
    /// Its number.
    pub id: InstanceId,
    /// Its handler.
    pub handler: &'a HandlerId,
    /// Where it stands.
    pub phase: Phase,
    run: Option<&'a LiveRun>,
}

/// An item in an open run.
#[derive(Debug, Clone, Copy)]
pub struct LiveItemView<'a> {
    /// It.
    pub item: &'a ItemId,
    /// Its status.
    pub status: ItemStatus,
    /// What it is doing now.
    pub text: &'a str,
    /// How far.
    pub value: u64,
    /// How far it goes; 0: nobody knows.
    pub max: u64,
    /// What was moved so far.
    pub counts: Counts,
    /// It is to be skipped.
    pub skip: bool,
}

impl<'a> InstanceView<'a> {
    /// Its open run.
    #[must_use]
    pub fn run(&self) -> Option<&'a RunRow> {
        self.run.map(|run| &run.row)
    }

    /// The items of its open run, in listing order.
    pub fn items(&self) -> impl Iterator<Item = LiveItemView<'a>> {
        self.run
            .into_iter()
            .flat_map(|run| run.items.iter().map(live_item))
    }

    /// One item of its open run.
    #[must_use]
    pub fn item(&self, id: &ItemId) -> Option<LiveItemView<'a>> {
        self.run?.item(id).map(live_item)
    }
}

fn live_item(item: &LiveItem) -> LiveItemView<'_> {
    LiveItemView {
        item: &item.id,
        status: item.status,
        text: &item.text,
        value: item.value,
        max: item.max,
        counts: item.counts,
        skip: item.skip,
    }
}

fn instance_view(instance: &Instance) -> InstanceView<'_> {
    InstanceView {
        id: instance.id,
        handler: &instance.handler,
        phase: instance.phase(),
        run: instance.run.as_deref(),
    }
}

impl Manager {
    /// Every handler, by identity.
    pub fn handlers(&self) -> impl Iterator<Item = &HandlerRow> {
        self.handlers.values().map(|slot| &slot.row)
    }

    /// The conditions of every item and rule.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let items = self.conditioned.iter().filter_map(|item| self.slot(item));
        let of_rules = self.rules.iter().flat_map(|state| &state.rule.when);
        items
            .filter_map(|item| item.holding())
            .flat_map(|holding| &holding.own_conditions)
            .chain(of_rules)
    }

    /// One handler.
    #[must_use]
    pub fn handler(&self, id: &HandlerId) -> Option<&HandlerRow> {
        self.handlers.get(id).map(|slot| &slot.row)
    }

    /// The name of a handler; its id when it is gone.
    #[must_use]
    pub fn handler_name(&self, id: &HandlerId) -> String {
        self.handler(id)
            .map_or_else(|| id.to_string(), |row| row.name.clone())
    }

    /// What people call a handler: by its id, which somebody chose, unless it is the identifier of a class.
    #[must_use]
    pub fn called(&self, id: &HandlerId) -> String {
        if id.as_str().starts_with('{') {
            self.handler_name(id)
        } else {
            id.to_string()
        }
    }

    /// Every item: by handler, then in listing order.
    pub fn items(&self) -> impl Iterator<Item = &ItemRow> {
        self.handlers.values().flat_map(|slot| {
            slot.order
                .iter()
                .filter_map(|id| slot.items.get(id))
                .map(|item| &item.row)
        })
    }

    /// One item.
    #[must_use]
    pub fn item(&self, item: &ItemRef) -> Option<&ItemRow> {
        self.slot(item).map(|slot| &slot.row)
    }

    /// Needs that are open or answered and not yet used, oldest first.
    pub fn needs(&self) -> impl Iterator<Item = &NeedRow> {
        self.needs.values()
    }

    /// Needs that wait for a person, of one item.
    pub fn open_needs_of<'a>(&'a self, item: &'a ItemRef) -> impl Iterator<Item = &'a NeedRow> {
        self.needs.values().filter(move |need| {
            need.state == NeedState::Open
                && need.handler == item.handler
                && need.item.as_ref() == Some(&item.item)
        })
    }

    /// Requests that wait, in the order in which they are looked at.
    pub fn queue(&self) -> impl Iterator<Item = Queued> {
        self.waiting.iter().map(|waiting| Queued {
            id: waiting.id,
            request: waiting.request.clone(),
            since: waiting.since,
        })
    }

    /// Whether a request is not over yet.
    #[must_use]
    pub fn is_alive(&self, request: RequestId) -> bool {
        self.alive.contains(&request)
    }

    /// Whether nothing waits and nothing works, but for what outlives this manager.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty()
            && self.sessions.keys().all(|id| self.outlives(*id))
            && self.hooks.is_empty()
    }

    /// Whether every instance has exited.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.instances.is_empty()
    }

    /// Open sessions, oldest first.
    pub fn sessions(&self) -> impl Iterator<Item = SessionView<'_>> {
        self.sessions.values().map(|session| SessionView {
            id: session.row.id,
            requests: &session.requests,
            trigger: session.row.trigger,
            opened: session.row.opened,
            stopping: session.stopped,
            instances: session
                .instances
                .iter()
                .filter_map(|id| self.instances.get(id))
                .map(|instance| instance_view(instance))
                .collect(),
        })
    }

    /// What is waited for or works, of one handler: every live instance.
    #[must_use]
    pub fn instance(&self, id: InstanceId) -> Option<InstanceView<'_>> {
        self.instances
            .get(&id)
            .map(|instance| instance_view(instance))
    }

    /// The progress of an item in its open run.
    #[must_use]
    pub fn live(&self, item: &ItemRef) -> Option<(InstanceView<'_>, LiveItemView<'_>)> {
        let view = self.instance(self.slot(item)?.live?)?;
        Some((view, view.item(&item.item)?))
    }

    /// Whether the handler of an open run shows a window of its own (M-119).
    #[must_use]
    pub fn has_window(&self, run: RunId) -> bool {
        self.token
            .and_then(|(holder, _)| self.instances.get(&holder))
            .and_then(|instance| instance.run.as_ref())
            .is_some_and(|held| held.row.id == run)
    }

    /// The request that an item runs for, or waits for; of several the first.
    #[must_use]
    pub fn request_of(&self, item: &ItemRef) -> Option<RequestId> {
        let slot = self.slot(item)?;
        let live = slot.live.and_then(|id| self.instances.get(&id));
        match live
            .map(|instance| &**instance)
            .or_else(|| self.starting(slot, item))
        {
            Some(instance) => {
                let session = self.sessions.get(&instance.session)?;
                session.requests.first().copied()
            }
            None => {
                let waits = self.waiting.iter().find(|waiting| {
                    let want = waiting.wants.get(&item.handler);
                    want.is_some_and(|want| Self::wanted(slot, want))
                });
                waits.map(|waiting| waiting.id)
            }
        }
    }

    /// The instance that has not come as far as to work on an item that it is wanted for.
    fn starting(&self, slot: &ItemSlot, item: &ItemRef) -> Option<&Instance> {
        let mut instances = self.instances.values().map(|instance| &**instance);
        instances.find(|instance| {
            instance.handler == item.handler
                && instance.work == crate::request::Work::Synchronize
                && matches!(
                    instance.phase(),
                    Phase::New | Phase::Initialized | Phase::Listed
                )
                && Self::wanted(slot, &instance.want)
        })
    }

    /// What an item is doing: the fourth axis, derived here alone.
    #[must_use]
    pub fn run_state(&self, item: &ItemRef) -> RunState {
        let Some(slot) = self.slot(item) else {
            return RunState::Idle;
        };
        if let Some(instance) = slot.live.and_then(|id| self.instances.get(&id)) {
            let marked = instance
                .run
                .as_ref()
                .and_then(|run| run.item(&item.item))
                .is_some_and(|item| item.skip);
            return if marked || instance.stop > StopLevel::None {
                RunState::Stopping
            } else {
                RunState::Syncing
            };
        }
        let begins = self.starting(slot, item).is_some();
        let waits = self.waiting.iter().any(|waiting| {
            waiting
                .wants
                .get(&item.handler)
                .is_some_and(|want| Self::wanted(slot, want))
        });
        if begins || waits {
            RunState::Pending
        } else {
            RunState::Idle
        }
    }

    /// Pauses in force.
    pub fn pauses(&self) -> impl Iterator<Item = &PauseRow> {
        self.pauses.values()
    }

    /// How many conflicts of an item are open, as its handler said last.
    #[must_use]
    pub fn conflict_count(&self, item: &ItemRef) -> u64 {
        self.slot(item).map_or(0, |slot| slot.conflicts)
    }

    /// The live instance whose action the link of a log entry leads to, with the handler's name for the error.
    #[must_use]
    pub fn link(&self, log: LogId) -> Option<(InstanceId, &str)> {
        self.instances.values().find_map(|instance| {
            let entry = instance.log.get(&log)?;
            let error = entry.error.as_deref()?;
            (entry.jump && instance.phase() == Phase::Done).then_some((instance.id, error))
        })
    }

    /// What an instance is to do with an item now, as a report of it would be answered.
    #[must_use]
    pub fn verdict_on(&self, instance: InstanceId, item: Option<&ItemId>) -> Verdict {
        match self.instances.get(&instance) {
            Some(instance) => crate::progress::verdict(instance, item),
            None => Verdict::CancelAll,
        }
    }
}
