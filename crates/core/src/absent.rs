//! Items that a complete list left out, with what a person chose of them. M-55 lets the ticks go; a pause, a switch or a
//! label is not the handler's to take away by leaving an item out once.

use std::time::Duration;

use crate::catalog::ItemSlot;
use crate::condition::Condition;
use crate::event::EventKind;
use crate::id::{HandlerId, ItemId, ItemRef};
use crate::manager::Manager;
use crate::record::{PauseScope, Record};
use crate::time::Timestamp;

/// Most absent items of a handler of which choices are kept; the one that is absent longest is forgotten first.
pub const MAX_ABSENT: usize = 1_000;

/// What is kept of an absent item; its pause is kept beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbsentRow {
    /// It.
    pub at: ItemRef,
    /// Whether it is turned on.
    pub enabled: bool,
    /// Labels that the user gave it.
    pub labels: crate::seldom::Seldom<String>,
    /// How old the last good run may be.
    pub expected_freshness: Option<Duration>,
    /// Since when it is absent.
    pub since: Timestamp,
}

/// An absent item with what is not stored of it.
#[derive(Debug)]
pub(crate) struct Absent {
    pub(crate) row: AbsentRow,
    pub(crate) conditions: Vec<Condition>,
}

impl Manager {
    /// Takes an item out that its handler no longer lists, and keeps what a person chose of it.
    pub(crate) fn item_unlisted(&mut self, at: &ItemRef, slot: ItemSlot) {
        // What rules say of it is said again when it is there again.
        let (conditions, expected_freshness) =
            slot.holding().map_or((Vec::new(), None), |holding| {
                (holding.own_conditions.clone(), holding.own_freshness)
            });
        let row = slot.row;
        let chosen = !row.enabled
            || !row.labels.is_empty()
            || expected_freshness.is_some()
            || !conditions.is_empty()
            || self.pauses.contains_key(&PauseScope::Item(at.clone()));
        // M-57: of a temporary item nothing is kept.
        if row.temporary || !chosen {
            self.item_gone(at);
            return;
        }
        let row = AbsentRow {
            at: at.clone(),
            enabled: row.enabled,
            labels: row.labels,
            expected_freshness,
            since: self.now,
        };
        self.forget_work(at);
        self.withdraw_needs(&at.handler, Some(&at.item));
        self.record(Record::Absent(row.clone()));
        self.event(EventKind::ItemRemoved(at.clone()));
        self.drop_wants(&at.handler, Some(&at.item));
        self.keep_absent(Absent { row, conditions });
    }

    /// Puts an absent item among those of its handler.
    pub(crate) fn keep_absent(&mut self, absent: Absent) {
        let Some(handler) = self.handlers.get_mut(&absent.row.at.handler) else {
            return;
        };
        let id = absent.row.at.item.clone();
        handler.absent.insert(id, absent);
        if handler.absent.len() <= MAX_ABSENT {
            return;
        }
        let longest = handler
            .absent
            .values()
            .min_by_key(|absent| absent.row.since)
            .map(|absent| absent.row.at.clone());
        if let Some(at) = longest {
            handler.absent.remove(&at.item);
            self.forget_item(&at);
            self.record(Record::ItemGone(at));
        }
    }

    /// What was kept of an item that is there again; nothing is of a temporary one (M-57).
    pub(crate) fn come_back(
        &mut self,
        handler: &HandlerId,
        item: &ItemId,
        temporary: bool,
    ) -> Option<Absent> {
        let absent = self.handlers.get_mut(handler)?.absent.remove(item)?;
        let at = absent.row.at.clone();
        if temporary {
            self.forget_item(&at);
            self.record(Record::ItemGone(at));
            return None;
        }
        self.record(Record::AbsentGone(at));
        Some(absent)
    }

    /// Forgets an absent item for good; true when there was one.
    pub(crate) fn forget_absent(&mut self, at: &ItemRef) -> bool {
        let known = self
            .handlers
            .get_mut(&at.handler)
            .is_some_and(|handler| handler.absent.remove(&at.item).is_some());
        if known {
            self.forget_item(at);
            self.record(Record::ItemGone(at.clone()));
        }
        known
    }
}
