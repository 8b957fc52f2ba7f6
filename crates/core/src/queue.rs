//! The queue of requests, kept apart from the sessions that serve them (Sync Center 3.5).
//!
//! Requests that wait for the same items are merged, those with a cookie only with their equal, so that an item is at most once running and, for
//! each kind of asker, once waiting. A merged request ends together with the one that it joined.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{HandlerId, ItemId, ItemRef, RequestId};
use crate::request::{Request, Scope, Trigger, Work};
use crate::time::Timestamp;

/// Most requests alive at once: waiting, merged or running. Beyond it a request is refused.
pub const MAX_QUEUE: usize = 10_000;

/// What a request wants of one handler.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Want {
    /// Its checked items, as a plain `sync` does.
    pub(crate) checked: bool,
    /// All its items, because the handler was named.
    pub(crate) all: bool,
    /// These items, because they were named.
    pub(crate) items: BTreeSet<ItemId>,
    /// But not these, because they ran when it was asked for.
    pub(crate) except: BTreeSet<ItemId>,
}

impl Want {
    fn absorb(&mut self, other: Self) {
        // What either still wants is wanted.
        self.except.retain(|item| other.except.contains(item));
        self.checked |= other.checked;
        self.all |= other.all;
        self.items.extend(other.items);
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.checked || self.all || other.checked || other.all || {
            let (small, large) = if self.items.len() < other.items.len() {
                (&self.items, &other.items)
            } else {
                (&other.items, &self.items)
            };
            small.iter().any(|item| large.contains(item))
        }
    }

    fn covers(&self, other: &Self) -> bool {
        self.except.is_empty()
            && (self.all
                || ((self.checked || !other.checked)
                    && !other.all
                    && other.items.iter().all(|item| self.items.contains(item))))
    }

    /// Leaves an item out; false when nothing is wanted any more.
    pub(crate) fn leave_out(&mut self, item: &ItemId) -> bool {
        self.items.remove(item);
        if self.all || self.checked {
            self.except.insert(item.clone());
        }
        self.all || self.checked || !self.items.is_empty()
    }

    /// Whether the item, or its handler, was named.
    pub(crate) fn names(&self, item: &ItemId) -> bool {
        self.all || self.items.contains(item)
    }
}

/// What a request wants of each handler.
pub(crate) type Wants = BTreeMap<HandlerId, Want>;

/// A request that waits.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    pub(crate) id: RequestId,
    pub(crate) request: Request,
    pub(crate) wants: Wants,
    pub(crate) since: Timestamp,
    /// Requests that joined it.
    pub(crate) merged: Vec<RequestId>,
    /// Which of those that nobody waits for goes first.
    pub(crate) priority: i8,
    /// How many sessions were opened for requests that came later.
    pub(crate) overtaken: u32,
}

/// After so many later requests were served before one, it goes before everything else, persons included, and what it
/// needs is kept for it.
pub const MAX_OVERTAKEN: u32 = 8;

impl Waiting {
    /// Whether its turn was passed over often enough.
    pub(crate) fn is_aged(&self) -> bool {
        self.overtaken >= MAX_OVERTAKEN
    }

    /// Where it stands: what was passed over too often, persons, then by priority.
    fn rank(&self) -> (bool, bool, i8) {
        let person = is_person(self.request.trigger);
        // Among persons, and among what waited too long, who came first goes first.
        let priority = if person || self.is_aged() {
            0
        } else {
            self.priority
        };
        (self.is_aged(), person && !self.is_aged(), priority)
    }
}

/// Whether somebody waits for it; such requests go first and name what they want.
#[must_use]
pub fn is_person(trigger: Trigger) -> bool {
    match trigger {
        Trigger::Manual | Trigger::Answered => true,
        Trigger::Schedule
        | Trigger::CatchUp
        | Trigger::Logon
        | Trigger::Logoff
        | Trigger::Lock
        | Trigger::Unlock
        | Trigger::Suspend
        | Trigger::Resume
        | Trigger::Idle
        | Trigger::Connect
        | Trigger::PendingDisconnect
        | Trigger::Invoke
        | Trigger::FileChange
        | Trigger::Device
        | Trigger::After
        | Trigger::External
        | Trigger::Retry => false,
    }
}

/// Whether conditions and pauses hold the trigger back until they are met (a person and a program decide themselves).
#[must_use]
pub fn is_automatic(trigger: Trigger) -> bool {
    match trigger {
        Trigger::Manual | Trigger::Answered | Trigger::Invoke | Trigger::External => false,
        Trigger::Schedule
        | Trigger::CatchUp
        | Trigger::Logon
        | Trigger::Logoff
        | Trigger::Lock
        | Trigger::Unlock
        | Trigger::Suspend
        | Trigger::Resume
        | Trigger::Idle
        | Trigger::Connect
        | Trigger::PendingDisconnect
        | Trigger::FileChange
        | Trigger::Device
        | Trigger::After
        | Trigger::Retry => true,
    }
}

/// Whether `Initialize` may carry `SYNCMGRFLAG_MAYBOTHERUSER` for the trigger (M-35): never when nobody is known to be
/// there.
#[must_use]
pub fn may_bother(trigger: Trigger) -> bool {
    match trigger {
        Trigger::Manual
        | Trigger::Logon
        | Trigger::Logoff
        | Trigger::Unlock
        | Trigger::Connect
        | Trigger::PendingDisconnect
        | Trigger::Invoke
        | Trigger::Answered => true,
        Trigger::Schedule
        | Trigger::CatchUp
        | Trigger::Lock
        | Trigger::Suspend
        | Trigger::Resume
        | Trigger::Idle
        | Trigger::FileChange
        | Trigger::Device
        | Trigger::After
        | Trigger::External
        | Trigger::Retry => false,
    }
}

/// The handlers that a scope names; `Checked` names all that are given.
pub(crate) fn wants<'a>(scope: &Scope, known: impl Iterator<Item = &'a HandlerId>) -> Wants {
    let mut wants = Wants::new();
    match scope {
        Scope::Checked => {
            for handler in known {
                wants.entry(handler.clone()).or_default().checked = true;
            }
        }
        Scope::Handler(handler) => wants.entry(handler.clone()).or_default().all = true,
        Scope::Items(items) => {
            for ItemRef { handler, item } in items {
                let want = wants.entry(handler.clone()).or_default();
                want.items.insert(item.clone());
            }
        }
    }
    wants
}

/// What a newcomer does with the requests that wait already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coalesce {
    /// It waits for itself.
    Wait,
    /// It joins this one, which then wants both.
    Join(usize),
}

/// Decides whether a newcomer joins one that waits (mobsync 3.9, Sync Center 3.5, L10).
pub(crate) fn coalesce(newcomer: &Waiting, waiting: &[Waiting]) -> Coalesce {
    let found = waiting.iter().position(|other| {
        if other.request.work != newcomer.request.work {
            return false;
        }
        if other.request.cookie.is_some() || newcomer.request.cookie.is_some() {
            // M-156: the bytes are the program's own, so only the very same request is the same.
            return other.request == newcomer.request;
        }
        match newcomer.request.work {
            Work::Synchronize => {
                let same_asker = class(newcomer.request.trigger) == class(other.request.trigger);
                let covered = newcomer.wants.iter().all(|(handler, want)| {
                    other
                        .wants
                        .get(handler)
                        .is_some_and(|other| other.covers(want))
                });
                let overlap = newcomer.wants.iter().any(|(handler, want)| {
                    other
                        .wants
                        .get(handler)
                        .is_some_and(|other| other.overlaps(want))
                });
                (same_asker && (overlap || covered))
                    || (covered && is_person(other.request.trigger))
            }
            Work::List | Work::Undo { .. } | Work::Resolve { .. } => other.wants == newcomer.wants,
            Work::Properties(_) => false,
        }
    });
    found.map_or(Coalesce::Wait, Coalesce::Join)
}

/// Joins: the one that waits now wants both.
pub(crate) fn join(into: &mut Waiting, newcomer: Waiting) {
    for (handler, want) in newcomer.wants {
        into.wants.entry(handler).or_default().absorb(want);
    }
    into.request.may_bother_user |= newcomer.request.may_bother_user;
    into.priority = into.priority.max(newcomer.priority);
    into.merged.push(newcomer.id);
    into.merged.extend(newcomer.merged);
}

/// Where one stands among others: behind every one of its rank or a higher one.
pub(crate) fn place(newcomer: &Waiting, waiting: &[Waiting]) -> usize {
    waiting
        .iter()
        .position(|other| other.rank() < newcomer.rank())
        .unwrap_or(waiting.len())
}

/// A session was opened for a request: those that came before it and still wait were overtaken. What was overtaken too often
/// goes to the front, in the order in which it came; true when that changed the order.
pub(crate) fn overtake(waiting: &mut Vec<Waiting>, by: RequestId) -> bool {
    let mut aged = Vec::new();
    for other in waiting.iter_mut().filter(|other| other.id < by) {
        let before = other.is_aged();
        other.overtaken = other.overtaken.saturating_add(1);
        if other.is_aged() && !before {
            aged.push(other.id);
        }
    }
    let changed = !aged.is_empty();
    for id in aged {
        if let Some(at) = waiting.iter().position(|other| other.id == id) {
            let one = waiting.remove(at);
            let at = waiting
                .iter()
                .position(|other| !other.is_aged() || other.id > id)
                .unwrap_or(waiting.len());
            waiting.insert(at, one);
        }
    }
    changed
}

fn class(trigger: Trigger) -> (bool, bool) {
    (is_person(trigger), is_automatic(trigger))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::IfRunning;

    fn waiting(id: u64, trigger: Trigger, wanted: &str) -> Waiting {
        let handler = |text: &str| HandlerId::new(text).unwrap();
        let scope = match wanted.split_once('/') {
            None if wanted == "*" => Scope::Checked,
            None => Scope::Handler(handler(wanted)),
            Some((h, items)) => Scope::Items(
                items
                    .split(',')
                    .map(|item| ItemRef {
                        handler: handler(h),
                        item: ItemId::new(item).unwrap(),
                    })
                    .collect(),
            ),
        };
        let known = [handler("a"), handler("b")];
        Waiting {
            id: RequestId(id),
            wants: wants(&scope, known.iter()),
            request: Request {
                scope,
                work: Work::Synchronize,
                trigger,
                may_bother_user: false,
                cookie: None,
                if_running: IfRunning::Again,
            },
            since: Timestamp(0),
            merged: Vec::new(),
            priority: 0,
            overtaken: 0,
        }
    }

    #[test]
    fn who_joins_whom() {
        use Trigger::{FileChange, Manual, Schedule};
        for (new, old, joins) in [
            ((Manual, "a/1"), (Manual, "a/1"), true),
            ((Manual, "a/1"), (Manual, "A/1"), true),
            ((Manual, "a/2"), (Manual, "a/1,2"), true),
            ((Manual, "a/2,3"), (Manual, "a/1,2"), true), // the union waits
            ((Manual, "a/2"), (Manual, "a/1"), false),
            ((Manual, "b/1"), (Manual, "a/1"), false),
            ((Manual, "a"), (Manual, "a/1"), true),
            ((Manual, "*"), (Manual, "*"), true),
            ((Manual, "a/1"), (Manual, "*"), true),
            ((FileChange, "a/1"), (Schedule, "a/1"), true),
            ((FileChange, "a/1"), (Manual, "a/1"), true), // served by what a person asked
            ((FileChange, "a/1,2"), (Manual, "a/1"), false), // more than the person named
            ((Manual, "a/1"), (FileChange, "a/1"), false), // a person names it, and goes first
        ] {
            let newcomer = waiting(2, new.0, new.1);
            let queue = [waiting(1, old.0, old.1)];
            let expected = if joins {
                Coalesce::Join(0)
            } else {
                Coalesce::Wait
            };
            assert_eq!(coalesce(&newcomer, &queue), expected, "{new:?} {old:?}");
        }
    }

    #[test]
    fn a_cookie_is_merged_with_its_equal_alone() {
        let queue = [waiting(1, Trigger::Invoke, "a/1")];
        let mut newcomer = waiting(2, Trigger::Invoke, "a/1");
        assert_eq!(coalesce(&newcomer, &queue), Coalesce::Join(0));
        newcomer.request.cookie = Some(vec![1]);
        assert_eq!(coalesce(&newcomer, &queue), Coalesce::Wait);
        let mut older = newcomer.clone();
        let mut queue = [older.clone()];
        assert_eq!(coalesce(&newcomer, &queue), Coalesce::Join(0));
        older.request.cookie = Some(vec![2]);
        queue[0] = older;
        assert_eq!(coalesce(&newcomer, &queue), Coalesce::Wait);
    }

    #[test]
    fn persons_go_first() {
        let queue = [
            waiting(1, Trigger::Manual, "a/1"),
            waiting(2, Trigger::Schedule, "a/2"),
        ];
        assert_eq!(place(&waiting(3, Trigger::Manual, "b"), &queue), 1);
        assert_eq!(place(&waiting(3, Trigger::Idle, "b"), &queue), 2);
        // Priorities are for what nobody waits for.
        let with = |trigger, priority| Waiting {
            priority,
            ..waiting(3, trigger, "b")
        };
        assert_eq!(place(&with(Trigger::Idle, 1), &queue), 1);
        assert_eq!(place(&with(Trigger::Idle, -1), &queue), 2);
        assert_eq!(place(&with(Trigger::Manual, 10), &queue), 1);
    }

    #[test]
    fn what_is_overtaken_too_often_goes_first() {
        let mut queue = vec![
            waiting(30, Trigger::Manual, "a/1"),
            waiting(2, Trigger::Schedule, "a/2"),
            waiting(1, Trigger::Idle, "b"),
        ];
        queue[2].priority = -10;
        for round in 1..MAX_OVERTAKEN {
            overtake(&mut queue, RequestId(20 + u64::from(round)));
            assert_eq!(queue[0].id, RequestId(30), "{round}");
        }
        overtake(&mut queue, RequestId(2)); // passes 1 alone, which is aged before 2
        assert_eq!(queue[0].id, RequestId(1));
        assert_eq!(queue[1].id, RequestId(30));
        overtake(&mut queue, RequestId(29));
        let order: Vec<u64> = queue.iter().map(|waiting| waiting.id.0).collect();
        assert_eq!(order, [1, 2, 30]);
        // Nobody gets before it any more.
        assert_eq!(place(&waiting(40, Trigger::Manual, "b"), &queue), 3);
    }
}
