//! Sessions and their lanes: taken all at once when a session opens, and free again with the end of each handler's work.

use std::collections::BTreeSet;

use crate::id::{HandlerId, InstanceId, ItemId, ItemRef, SessionId};
use crate::instance::Instance;
use crate::lane::{Lane, Taken};
use crate::manager::Manager;
use crate::phase::Phase;
use crate::policy::Effective;
use crate::queue::{Waiting, Want, Wants, is_person};
use crate::request::{IfRunning, Request, RequestOutcome, Scope, Work};
use crate::time::Timestamp;

/// A lane that is taken, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenLane {
    /// It.
    pub lane: Lane,
    /// Whose handler has it.
    pub handler: HandlerId,
    /// The item for which it has it; absent when its run has not begun, or it is gone from the list.
    pub item: Option<ItemRef>,
    /// Since when.
    pub since: Timestamp,
}

impl Manager {
    /// The lanes of an item, as they are in force.
    pub fn lanes(&self, item: &ItemRef) -> impl Iterator<Item = &Lane> {
        self.slot(item).into_iter().flat_map(|slot| slot.lanes())
    }

    /// Every lane that is taken now, with what has it.
    pub fn taken(&self) -> impl Iterator<Item = (&Lane, InstanceId)> {
        self.instances
            .values()
            .filter(|instance| instance.is_busy())
            .flat_map(|instance| instance.lanes.iter().map(|lane| (lane, instance.id)))
    }

    /// The lanes of an item as policies say; absent: as its handler does. What runs keeps what it took.
    pub(crate) fn set_lanes(&mut self, item: &ItemRef, lanes: Option<BTreeSet<Lane>>) {
        let before = self
            .slot(item)
            .and_then(|slot| slot.holding()?.lanes.clone());
        if before == lanes {
            return;
        }
        if let Some(slot) = self.slot_mut(item) {
            slot.holding_mut().lanes = lanes;
        }
        if let Some(handler) = self.handlers.get_mut(&item.handler) {
            handler.note_lanes(&item.item);
        }
        self.pump = true;
    }

    /// How many sessions of a handler may work at once, with these items in one of them.
    pub(crate) fn most_sessions<'a>(
        &self,
        handler: &HandlerId,
        items: impl Iterator<Item = &'a ItemId>,
    ) -> usize {
        if self
            .policies()
            .iter()
            .all(|policy| policy.parallel.is_none())
        {
            return usize::MAX;
        }
        items
            .filter_map(|item| {
                let at = ItemRef {
                    handler: handler.clone(),
                    item: item.clone(),
                };
                self.policies_of(&at).value(|policy| policy.parallel)
            })
            .min()
            .unwrap_or(usize::MAX)
    }

    /// Which of what waits a request is: that of its most urgent item.
    pub(crate) fn priority_of(&self, wants: &Wants) -> i8 {
        let policies = self.policies();
        if policies.iter().all(|policy| policy.priority.is_none()) {
            return 0;
        }
        let mut highest = None;
        for (handler, want) in wants {
            let Some(slot) = self.handlers.get(handler) else {
                continue;
            };
            for item in slot.wanted(want) {
                let said = Effective::of(policies, &slot.row, &item.row);
                let priority = said.value(|policy| policy.priority).unwrap_or(0);
                highest = highest.max(Some(priority));
            }
        }
        highest.unwrap_or(0)
    }

    /// The lanes that others than a session have.
    pub(crate) fn taken_lanes(&self, except: Option<SessionId>) -> Taken<InstanceId> {
        let mut taken = Taken::new();
        for instance in self.instances.values() {
            if instance.is_busy() && Some(instance.session) != except {
                taken.take(&instance.lanes, instance.id);
            }
        }
        taken
    }

    /// The lanes that a handler's part of a request needs, as far as its items are known.
    pub(crate) fn lanes_of(
        &self,
        handler: &HandlerId,
        want: &Want,
        request: &Request,
    ) -> BTreeSet<Lane> {
        let mut lanes = BTreeSet::new();
        if matches!(request.work, Work::List | Work::Properties(_)) {
            return lanes; // nothing is worked on
        }
        let Some(slot) = self
            .handlers
            .get(handler)
            .filter(|slot| !slot.laned.is_empty())
        else {
            return lanes;
        };
        let mut take = |item: &ItemId| {
            let Some(item) = slot.items.get(item) else {
                return;
            };
            let named = want.names(&item.row.at.item);
            // What is held back anyway keeps nobody waiting.
            if Self::wanted(item, want)
                && (request.work != Work::Synchronize
                    || self
                        .hindrance(slot, item, request.trigger, named, false)
                        .is_none())
            {
                lanes.extend(item.lanes().iter().cloned());
            }
        };
        if want.all || want.checked {
            slot.laned.iter().for_each(&mut take);
        } else {
            for item in &want.items {
                if slot.laned.contains(item) {
                    take(item);
                }
            }
        }
        lanes
    }

    /// The lanes that a request needs.
    pub(crate) fn lanes_wanted(&self, waiting: &Waiting) -> BTreeSet<Lane> {
        waiting
            .wants
            .iter()
            .flat_map(|(handler, want)| self.lanes_of(handler, want, &waiting.request))
            .collect()
    }

    /// After a list: takes the lanes of items that were not known before, and leaves out those that others have. It never
    /// waits for them, because it has some already; the items wait as a request of their own.
    pub(crate) fn take_more_lanes(&mut self, instance: &mut Instance) {
        let Some(handler) = self.handlers.get(&instance.handler) else {
            return;
        };
        let missing = |id: &ItemId| {
            let item = handler.items.get(id)?;
            let more = item
                .lanes()
                .iter()
                .any(|lane| !instance.lanes.contains(lane));
            more.then_some(item)
        };
        if handler.laned.is_empty() || !instance.selected.iter().any(|id| missing(id).is_some()) {
            return;
        }
        let taken = self.taken_lanes(Some(instance.session));
        let mut more = BTreeSet::new();
        let mut later = Vec::new();
        for id in &instance.selected {
            let Some(item) = missing(id) else { continue };
            match taken.clash(item.lanes()) {
                None => more.extend(item.lanes().iter().cloned()),
                Some((lane, _)) => later.push((item.row.at.clone(), item.row.name.clone(), lane)),
            }
        }
        instance.lanes.extend(more);
        if later.is_empty() {
            return;
        }
        instance
            .selected
            .retain(|id| !later.iter().any(|(at, ..)| at.item == *id));
        if let Some(session) = self.sessions.get_mut(&instance.session) {
            for (_, name, lane) in &later {
                session.note(format!(
                    "{name}: it runs later, when the lane {lane} is free"
                ));
            }
            if is_person(instance.trigger) && !instance.selected.is_empty() {
                session.fold(RequestOutcome::Warnings);
            }
        }
        let request = Request {
            scope: Scope::Items(later.into_iter().map(|(at, ..)| at).collect()),
            work: Work::Synchronize,
            trigger: instance.trigger,
            may_bother_user: instance.interactive,
            cookie: None,
            if_running: IfRunning::Again,
        };
        let id = self.next_request();
        self.enqueue(id, request);
    }

    /// Takes the lanes of items that are to be tried again by an instance whose lanes are free since its run ended; leaves
    /// out those that others have meanwhile.
    pub(crate) fn take_lanes_again(&self, instance: &mut Instance, item: &ItemRef) -> bool {
        let Some(slot) = self.slot(item).filter(|slot| !slot.lanes().is_empty()) else {
            return true;
        };
        // The others of its session too: its retry has a session of its own.
        let free = self.taken_lanes(None).clash(slot.lanes()).is_none();
        if free {
            instance.lanes.extend(slot.lanes().iter().cloned());
        }
        free
    }

    /// The lanes in which handlers of a session are at work this moment: within one session those that share a lane take
    /// turns.
    pub(crate) fn lanes_at_work(&self, session: &[InstanceId]) -> Taken<InstanceId> {
        let mut taken = Taken::new();
        for instance in session.iter().filter_map(|id| self.instances.get(id)) {
            if matches!(
                instance.phase(),
                Phase::Preparing | Phase::Syncing | Phase::Undoing | Phase::Resolving
            ) {
                taken.take(&instance.lanes, instance.id);
            }
        }
        taken
    }

    /// The lane for which a request waits.
    pub(crate) fn lane_in_the_way(&self, waiting: &Waiting) -> Option<TakenLane> {
        let lanes = self.lanes_wanted(waiting);
        let (lane, by) = self.taken_lanes(None).clash(&lanes)?;
        let holder = self.instances.get(&by)?;
        let mut exactly = Taken::new();
        exactly.take([&lane], ());
        let items = holder.run.iter().flat_map(|run| &run.items);
        let item = items.map(|item| holder.item(&item.id)).find(|item| {
            self.slot(item)
                .is_some_and(|slot| exactly.clash(slot.lanes()).is_some())
        });
        Some(TakenLane {
            since: self.sessions.get(&holder.session)?.row.opened,
            handler: holder.handler.clone(),
            item,
            lane,
        })
    }

    /// What people call whoever has a lane.
    #[must_use]
    pub fn holder(&self, taken: &crate::TakenLane) -> String {
        let item = taken.item.as_ref().and_then(|item| self.item(item));
        item.map_or_else(|| self.called(&taken.handler), |row| row.name.clone())
    }

    /// The lane for which an item waits in the queue.
    #[must_use]
    pub fn waits_for_lane(&self, item: &ItemRef) -> Option<crate::TakenLane> {
        let slot = self.slot(item)?;
        let waiting = self.waiting.iter().find(|waiting| {
            let want = waiting.wants.get(&item.handler);
            want.is_some_and(|want| Self::wanted(slot, want))
        })?;
        self.lane_in_the_way(waiting)
    }
}
