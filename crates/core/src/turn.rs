//! Whose turn it is: what goes before a request that waits, and what its handlers do before a run of it is open.

use crate::id::{HandlerId, InstanceId, ItemRef, RequestId, RunId};
use crate::instance::{Instance, Wait};
use crate::lane::Lane;
use crate::manager::Manager;
use crate::phase::Phase;
use crate::queue::Waiting;
use crate::saying::{Saying, Span, TurnText};
use crate::time::Timestamp;

/// What a request waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// What runs goes before it.
    Run(Earlier),
    /// What comes after an earlier run of this handler has not ended.
    Hook(HandlerId),
    /// So many requests wait before it.
    Behind(usize),
    /// As many handlers are at work as may be.
    Room(usize),
    /// A handler of it is starting.
    Starting(HandlerId),
    /// A handler of it lists its items.
    Listing(HandlerId),
}

/// What runs and goes before a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// Whose.
    pub handler: HandlerId,
    /// Its run; absent before it has one, and once it has none any more.
    pub run: Option<RunId>,
    /// What it works on, or worked on.
    pub item: Option<ItemRef>,
    /// The lane that both need.
    pub lane: Option<Lane>,
    /// It was asked to stop.
    pub stopping: bool,
    /// When it is ended by force.
    pub until: Option<Timestamp>,
}

impl Manager {
    /// What a request waits for; absent once a run of it is open, and when it is not alive.
    #[must_use]
    pub fn turn_of(&self, request: RequestId) -> Option<Turn> {
        let waiting = self
            .waiting
            .iter()
            .find(|waiting| waiting.id == request || waiting.merged.contains(&request));
        if let Some(waiting) = waiting {
            return Some(self.turn_in_queue(waiting));
        }
        let session = self
            .sessions
            .values()
            .find(|session| session.requests.contains(&request))?;
        let of_it = || {
            let instances = session.instances.iter();
            instances.filter_map(|id| self.instances.get(id))
        };
        if of_it().any(|instance| instance.run.is_some() || instance.closed_run.is_some()) {
            return None;
        }
        of_it().find_map(|instance| match instance.phase() {
            Phase::New => Some(Turn::Starting(instance.handler.clone())),
            Phase::Initialized | Phase::Listed => Some(Turn::Listing(instance.handler.clone())),
            Phase::Preparing
            | Phase::Prepared
            | Phase::Syncing
            | Phase::Undoing
            | Phase::Resolving
            | Phase::Reviewing
            | Phase::Done
            | Phase::ErrorUi
            | Phase::Properties
            | Phase::Released => None,
        })
    }

    /// What a request that waits in the queue waits for.
    pub(crate) fn turn_in_queue(&self, waiting: &Waiting) -> Turn {
        let lanes = self.lanes_wanted(waiting);
        if let Some((lane, by)) = self.taken_lanes(None).clash(&lanes)
            && let Some(earlier) = self.earlier(by, Some(lane))
        {
            return Turn::Run(earlier);
        }
        // What is about to end is what is waited for.
        let busy = || self.instances.values().filter(|other| other.is_busy());
        let same = busy()
            .filter(|other| waiting.wants.contains_key(&other.handler))
            .max_by_key(|other| other.stop)
            .and_then(|other| self.earlier(other.id, None));
        if let Some(earlier) = same {
            return Turn::Run(earlier);
        }
        let tidying = self
            .hooks
            .values()
            .find(|hook| waiting.wants.contains_key(&hook.handler));
        if let Some(hook) = tidying {
            return Turn::Hook(hook.handler.clone());
        }
        let before = self
            .waiting
            .iter()
            .take_while(|other| other.id != waiting.id)
            .count();
        match before {
            0 => Turn::Room(busy().count()),
            before => Turn::Behind(before),
        }
    }

    fn earlier(&self, id: InstanceId, lane: Option<Lane>) -> Option<Earlier> {
        let instance: &Instance = self.instances.get(&id)?;
        let run = instance.run.as_ref();
        let item = run.and_then(|run| {
            let live = run.items.iter().find(|item| !item.status.is_terminal());
            live.or_else(|| run.items.first())
        });
        let stopping = instance.stop > crate::instance::StopLevel::None;
        Some(Earlier {
            handler: instance.handler.clone(),
            run: run.map(|run| run.row.id),
            item: item.map(|item| instance.item(&item.id)),
            lane,
            stopping,
            until: instance
                .wait
                .filter(|(_, wait)| stopping && matches!(wait, Wait::Stop | Wait::Exit))
                .map(|(at, _)| at),
        })
    }

    /// When the run of an item that was asked to stop is ended by force.
    pub(crate) fn ended_by_force(&self, item: &ItemRef) -> Option<Timestamp> {
        let live = self.slot(item)?.live?;
        self.earlier(live, None)?.until
    }

    /// What a request waits for, as a sentence without its end.
    #[must_use]
    pub fn turn_text(&self, turn: &Turn, now: Timestamp) -> Saying {
        match turn {
            Turn::Run(earlier) => return self.earlier_text(earlier, now),
            Turn::Hook(handler) => TurnText::Hook {
                name: self.called(handler),
            },
            Turn::Behind(1) => TurnText::BehindOne,
            Turn::Behind(before) => TurnText::Behind {
                count: *before as u64,
            },
            Turn::Room(1) => TurnText::RoomOne,
            Turn::Room(working) => TurnText::Room {
                count: *working as u64,
            },
            Turn::Starting(handler) => TurnText::Starting {
                name: self.called(handler),
            },
            Turn::Listing(handler) => TurnText::Listing {
                name: self.called(handler),
            },
        }
        .into()
    }

    fn earlier_text(&self, earlier: &Earlier, now: Timestamp) -> Saying {
        let item = earlier.item.as_ref();
        let name = item
            .and_then(|item| Some(self.item(item)?.name.clone()))
            .unwrap_or_else(|| self.called(&earlier.handler));
        let what = Saying::from(match earlier.run {
            Some(run) => TurnText::Run { run: run.0, name },
            None => TurnText::Earlier { name },
        });
        let what = Saying::from(match &earlier.lane {
            Some(lane) => TurnText::Lane {
                what,
                lane: lane.to_string(),
            },
            None => TurnText::Before { what },
        });
        match (earlier.stopping, earlier.until) {
            (false, _) => what,
            (true, None) => TurnText::Stopping { what }.into(),
            (true, Some(until)) => {
                let span = Span(until.since(now));
                TurnText::StoppingUntil { what, span }.into()
            }
        }
    }
}
