//! Handlers and items as they are known, and what the user decided about them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use crate::absent::Absent;
use crate::condition::{Condition, Fact, FactKind, MAX_CONDITIONS};
use crate::cut;
use crate::event::EventKind;
use crate::hindrance::Hindrance;
use crate::id::{HandlerId, InstanceId, ItemId, ItemRef};
use crate::input::{HandlerFacts, ListedItem};
use crate::item::{
    Activation, Connected, HandlerCapability, HandlerPolicy, HandlerRow, ItemPolicy, ItemRow,
    ItemStatus,
};
use crate::lane::Lane;
use crate::manager::{Manager, Timer};
use crate::marks::Marks;
use crate::queue::Want;
use crate::record::{PauseRow, PauseScope, Record, Remembered};
use crate::request::RequestOutcome;
use crate::retry::next_retry;
use crate::run::RunOutcome;
use crate::seldom::Seldom;
use crate::time::Timestamp;

/// Most items of a handler; further ones are not taken.
pub const MAX_ITEMS: usize = 1 << 20;
/// Events that one list tells of new items; the rows of further ones are recorded without.
pub const LARGE_LIST: usize = 1_000;
/// One in so many items is few: it is found sooner by its name than by a look at all.
const FEW_OF: usize = 8;
/// Most labels of an item.
pub const MAX_LABELS: usize = 64;

/// Where an item comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The user, or a commit, says that it exists.
    Defined,
    /// The handler's list.
    List,
    /// The handler's list, which told of [`LARGE_LIST`] new items already.
    LargeList,
}

/// What an instance listed so far.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    seen: HashSet<ItemId>,
    order: Vec<ItemId>,
    /// How many of them were new.
    added: usize,
}

/// A handler with its items.
#[derive(Debug)]
pub(crate) struct HandlerSlot {
    pub(crate) row: HandlerRow,
    pub(crate) description: String,
    /// Boxed: a table of a million items must not move them when it grows.
    pub(crate) items: HashMap<ItemId, Box<ItemSlot>>,
    /// In listing order.
    pub(crate) order: Vec<ItemId>,
    /// Left out by the last list, with what a person chose of them.
    pub(crate) absent: HashMap<ItemId, Absent>,
    /// Items that have lanes; mostly none.
    pub(crate) laned: BTreeSet<ItemId>,
}

/// An item with what is not stored of it.
#[derive(Debug)]
pub(crate) struct ItemSlot {
    pub(crate) row: ItemRow,
    pub(crate) conflicts: u64,
    /// The instance whose run it is in.
    pub(crate) live: Option<InstanceId>,
    /// What holds it back and did so before; most items have nothing of it.
    holding: Option<Box<Holding>>,
    /// Its handler's own tick in its last list (`dwItemState`).
    pub(crate) offered: bool,
    /// When it is looked at because it may be late then.
    pub(crate) awaited: Option<Timestamp>,
    /// The turn in which it became known: a list begun before says nothing about it.
    pub(crate) born: u64,
}

/// What holds an item back and did so before.
#[derive(Debug, Default)]
pub(crate) struct Holding {
    /// To be met before it runs by itself: its own, and those of the rules that select it.
    pub(crate) conditions: Vec<Condition>,
    /// Its own.
    pub(crate) own_conditions: Vec<Condition>,
    /// How fresh the user wants it, whatever rules say.
    pub(crate) own_freshness: Option<Duration>,
    /// Its lanes as policies say; absent: as its handler does.
    pub(crate) lanes: Option<BTreeSet<Lane>>,
    /// A run that started by itself is skipped when a condition is lost.
    pub(crate) stop_when_lost: bool,
    /// Nothing held it back any more, and it waits for its turn: what was found by looking does not grow old meanwhile.
    pub(crate) released: bool,
    /// What holds it back, as far as that is stored; the history of it is kept nowhere else.
    pub(crate) held: Option<Hindrance>,
}

impl Listing {
    /// Whether nothing of it could be taken so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

impl HandlerSlot {
    pub(crate) fn has(&self, capability: HandlerCapability) -> bool {
        self.row.capabilities.contains(&capability)
    }

    fn new(row: HandlerRow, description: String) -> Self {
        Self {
            row,
            description,
            items: HashMap::new(),
            order: Vec::new(),
            absent: HashMap::new(),
            laned: BTreeSet::new(),
        }
    }

    /// The items that a want selects: in listing order, but few of many, which are looked up.
    pub(crate) fn wanted<'a>(
        &'a self,
        want: &'a Want,
    ) -> Box<dyn Iterator<Item = &'a ItemSlot> + 'a> {
        let few = want.items.len().saturating_mul(FEW_OF) < self.order.len();
        if few && !want.all && !want.checked {
            let named = want.items.iter().filter(|id| !want.except.contains(id));
            return Box::new(
                named
                    .filter_map(|id| self.items.get(id))
                    .map(|slot| &**slot),
            );
        }
        let listed = self.order.iter().filter_map(|id| self.items.get(id));
        Box::new(
            listed
                .map(|slot| &**slot)
                .filter(move |slot| Manager::wanted(slot, want)),
        )
    }

    /// Keeps in mind whether an item has lanes.
    pub(crate) fn note_lanes(&mut self, item: &ItemId) {
        match self.items.get(item) {
            Some(slot) if !slot.lanes().is_empty() => drop(self.laned.insert(item.clone())),
            Some(_) | None => drop(self.laned.remove(item)),
        }
    }
}

impl ItemSlot {
    fn new(row: ItemRow, born: u64) -> Self {
        Self {
            // What lies under the user's tick is learned from the next list; until then an item takes part.
            offered: row.tick.is_some() || row.checked,
            row,
            conflicts: 0,
            live: None,
            holding: None,
            awaited: None,
            born,
        }
    }

    pub(crate) fn holding(&self) -> Option<&Holding> {
        self.holding.as_deref()
    }

    pub(crate) fn holding_mut(&mut self) -> &mut Holding {
        self.holding.get_or_insert_default()
    }

    /// What nobody else works with while it runs: as the user says, else as its handler does.
    pub(crate) fn lanes(&self) -> &BTreeSet<Lane> {
        self.holding()
            .and_then(|holding| holding.lanes.as_ref())
            .unwrap_or(&self.row.lanes)
    }

    pub(crate) fn conditions(&self) -> &[Condition] {
        self.holding().map_or(&[], |holding| &holding.conditions)
    }
}

impl Manager {
    pub(crate) fn slot(&self, item: &ItemRef) -> Option<&ItemSlot> {
        let slot = self.handlers.get(&item.handler)?.items.get(&item.item)?;
        Some(slot)
    }

    pub(crate) fn slot_mut(&mut self, item: &ItemRef) -> Option<&mut ItemSlot> {
        self.handlers
            .get_mut(&item.handler)?
            .items
            .get_mut(&item.item)
            .map(|slot| &mut **slot)
    }

    /// Records an item, unless no preference of it is kept (M-57).
    pub(crate) fn record_item(&mut self, item: &ItemRef) {
        if let Some(slot) = self.slot(item)
            && !slot.row.temporary
        {
            let row = slot.row.clone();
            self.record(Record::Item(row));
        }
    }

    pub(crate) fn record_handler(&mut self, id: &HandlerId) {
        if let Some(slot) = self.handlers.get(id) {
            let row = slot.row.clone();
            self.record(Record::Handler(row));
        }
    }

    pub(crate) fn remember(&mut self, remembered: Remembered) {
        let Remembered {
            handlers,
            items,
            absent,
            open_runs,
            open_sessions,
            outside,
            needs,
            conflicts,
            pauses,
            rules,
            last: _,
        } = remembered;
        for row in handlers {
            // What the registration calls it is told again at each start; which of both gave the stored name is unknown.
            self.handlers
                .insert(row.id.clone(), HandlerSlot::new(row, String::new()));
        }
        for mut row in items {
            if let Some(handler) = self.handlers.get_mut(&row.at.handler)
                && handler.items.len() < MAX_ITEMS
            {
                // One spelling for all of its items.
                row.at.handler = handler.row.id.clone();
                let id = row.at.item.clone();
                let retry = row.retry;
                let at = row.at.clone();
                if row.held.is_some() && self.settings.automatic {
                    self.deferred.insert(at.clone());
                }
                if handler
                    .items
                    .insert(id.clone(), Box::new(ItemSlot::new(row, 0)))
                    .is_none()
                {
                    handler.order.push(id.clone());
                }
                handler.note_lanes(&id);
                if let Some(retry) = retry
                    && self.settings.automatic
                {
                    self.set_timer(retry.due, Timer::Retry(at));
                }
            }
        }
        for row in absent {
            self.keep_absent(Absent {
                row,
                conditions: Vec::new(),
            });
        }
        for (item, count) in conflicts {
            if let Some(slot) = self.slot_mut(&item) {
                slot.conflicts = count;
            }
        }
        for pause in pauses {
            if let Some(until) = pause.until {
                self.set_timer(until, Timer::Pause(pause.scope.clone()));
            }
            self.pauses.insert(pause.scope.clone(), pause);
        }
        self.considered = rules.into_iter().collect();
        self.remember_needs(needs);
        let (open_runs, open_sessions) = self.adopt(open_runs, open_sessions, outside);
        self.interrupt(open_runs, open_sessions);
    }

    /// Something changed by which rules select items.
    pub(crate) fn catalog_changed(&mut self) {
        self.catalog = self.catalog.wrapping_add(1);
    }

    fn interrupt(
        &mut self,
        runs: Vec<(crate::run::RunRow, Vec<crate::run::RunItemRow>)>,
        sessions: Vec<crate::run::SessionRow>,
    ) {
        const WHY: &str = "the manager ended meanwhile";
        for (mut run, items) in runs {
            for mut item in items {
                if item.status.is_terminal() {
                    continue;
                }
                item.status = ItemStatus::Failed;
                item.failure = Some(crate::item::Failure::Soft);
                item.text = WHY.to_owned();
                let (now, policy, automatic) =
                    (self.now, self.settings.retry, self.settings.automatic);
                if let Some(slot) = self.slot_mut(&item.item) {
                    slot.row.last_attempt = Some(now);
                    slot.row.last_run = Some(run.id);
                    slot.row.last_status = Some(ItemStatus::Failed);
                    slot.row.last_problem = Some(WHY.to_owned());
                    if automatic {
                        slot.row.retry = next_retry(policy, &item.item, None, now);
                        if let Some(retry) = slot.row.retry {
                            self.set_timer(retry.due, Timer::Retry(item.item.clone()));
                        }
                    }
                }
                self.record_item(&item.item);
                self.record(Record::RunItem(item));
            }
            run.closed = Some(self.now);
            run.outcome = RunOutcome::Interrupted;
            run.problem.get_or_insert_with(|| WHY.to_owned());
            let id = run.id;
            self.record(Record::Run(run));
            self.event(EventKind::RunInterrupted(id));
        }
        for mut session in sessions {
            session.closed = Some(self.now);
            session.outcome = Some(RequestOutcome::Failed);
            let id = session.id;
            self.record(Record::Session(session));
            self.event(EventKind::SessionClosed {
                session: id,
                outcome: RequestOutcome::Failed,
            });
        }
    }

    pub(crate) fn register(&mut self, id: HandlerId, description: String) {
        let description = cut::chars(description, cut::MAX_NAME);
        if let Some(slot) = self.handlers.get_mut(&id) {
            // M-20; a name that the handler gave itself stays.
            let unnamed = slot.row.name == slot.description;
            slot.description = description.clone();
            if unnamed && slot.row.name != description {
                slot.row.name = description;
                self.record_handler(&id);
                self.catalog_changed();
            }
            return;
        }
        let row = HandlerRow {
            id: id.clone(),
            name: description.clone(),
            comment: String::new(),
            version: String::new(),
            activation: Activation::Active,
            enabled: true,
            connected: Connected::Unknown,
            always_list: false,
            hidden: false,
            capabilities: [].into(),
            policies: [].into(),
            asked: false,
            problem: None,
        };
        self.record(Record::Handler(row.clone()));
        self.handlers
            .insert(id.clone(), HandlerSlot::new(row, description));
        self.event(EventKind::HandlerRegistered(id));
        self.pump = true;
    }

    /// Forgets a handler with its preferences (M-25); what runs goes on.
    pub(crate) fn unregister(&mut self, id: &HandlerId) {
        let Some(slot) = self.handlers.remove(id) else {
            return; // M-24
        };
        for item in slot.order.into_iter().chain(slot.absent.into_keys()) {
            self.forget_item(&ItemRef {
                handler: id.clone(),
                item,
            });
        }
        self.catalog_changed();
        self.rehome_invocations(id);
        self.withdraw_needs(id, None);
        self.record(Record::HandlerGone(id.clone()));
        self.event(EventKind::HandlerUnregistered(id.clone()));
        self.drop_wants(id, None);
    }

    /// What lies beside an item's slot and goes with it.
    pub(crate) fn forget_item(&mut self, item: &ItemRef) {
        self.forget_work(item);
        let scope = PauseScope::Item(item.clone());
        if let Some(until) = self.pauses.remove(&scope).and_then(|pause| pause.until) {
            self.clear_timer(until, Timer::Pause(scope));
        }
    }

    /// What lies beside an item's slot, except what a person chose.
    pub(crate) fn forget_work(&mut self, item: &ItemRef) {
        self.catalog_changed();
        self.deferred.remove(item);
        self.conditioned.remove(item);
        self.budget.forget(item);
        if let Some(handler) = self.handlers.get_mut(&item.handler) {
            handler.note_lanes(&item.item);
        }
        self.timers.retain(|timer| match timer {
            Timer::Retry(at) | Timer::Condition(at) | Timer::Stale(at) => at != item,
            Timer::Pause(_)
            | Timer::Rule { .. }
            | Timer::Need(_)
            | Timer::Instance(_)
            | Timer::Awake
            | Timer::Watch(_)
            | Timer::Summary
            | Timer::Digest
            | Timer::Leaving
            | Timer::Pulse => true,
        });
    }

    pub(crate) fn define_item(&mut self, handler: &HandlerId, item: ListedItem) {
        if self.take_item(handler, item, Source::Defined) {
            self.pump = true;
        }
    }

    pub(crate) fn remove_item(&mut self, item: &ItemRef) {
        let Some(handler) = self.handlers.get_mut(&item.handler) else {
            return;
        };
        if handler.items.remove(&item.item).is_none() {
            self.forget_absent(item);
            return;
        }
        handler.order.retain(|id| *id != item.item);
        self.item_gone(item);
    }

    pub(crate) fn item_gone(&mut self, item: &ItemRef) {
        self.forget_item(item);
        self.withdraw_needs(&item.handler, Some(&item.item));
        self.record(Record::ItemGone(item.clone()));
        self.event(EventKind::ItemRemoved(item.clone()));
        self.drop_wants(&item.handler, Some(&item.item));
    }

    /// Takes one listed item in; true when it is new. An unchanged one costs no record.
    pub(crate) fn take_item(
        &mut self,
        handler_id: &HandlerId,
        item: ListedItem,
        source: Source,
    ) -> bool {
        let (now, turn) = (self.now, self.turn);
        let Some(handler) = self.handlers.get_mut(handler_id) else {
            return false;
        };
        let name = cut::chars(item.name, cut::MAX_NAME);
        let comment = cut::chars(item.comment, cut::MAX_LINE);
        let capabilities = item.capabilities.into_iter().collect::<Marks<_>>();
        let policies = item.policies.into_iter().collect::<Marks<_>>();
        if let Some(slot) = handler.items.get_mut(&item.id) {
            let mut row = slot.row.clone();
            row.name = name;
            if source == Source::Defined {
                // A definition says that the item is there and what it is called. Of the rest the handler's last list
                // knows more than a definition that is silent about it.
                slot.born = turn;
                if !comment.is_empty() {
                    row.comment = comment;
                }
                if !capabilities.is_empty() {
                    row.capabilities = capabilities;
                }
                if !policies.is_empty() {
                    row.policies = policies;
                }
                if !item.lanes.is_empty() {
                    row.lanes = item.lanes.into();
                }
            } else {
                row.comment = comment;
                slot.offered = item.checked;
                row.checked = row.tick.unwrap_or(item.checked);
                row.connected = item.connected;
                row.temporary = item.temporary;
                // `HIDDEN_BY_DEFAULT` counts only the first time (Sync Center 3.3).
                row.hidden = item.hidden;
                row.capabilities = capabilities;
                row.policies = policies;
                row.lanes = item.lanes.into();
            }
            if row.last_run.is_none() && item.last_update.is_some() {
                row.last_good = item.last_update.filter(|at| *at <= now); // M-53
            }
            if row.temporary && row.tick.is_some() {
                row.tick = None;
                row.checked = item.checked;
            }
            if row != slot.row {
                let was_temporary = slot.row.temporary;
                let selects = |row: &ItemRow| (row.checked, row.temporary);
                let same = slot.row.name == row.name && selects(&slot.row) == selects(&row);
                slot.row = row;
                handler.note_lanes(&item.id);
                self.catalog = self.catalog.wrapping_add(u64::from(!same));
                let Some(slot) = handler.items.get(&item.id) else {
                    return false;
                };
                let at = slot.row.at.clone();
                if slot.row.temporary && !was_temporary {
                    self.record(Record::ItemGone(at)); // M-57: stored ones are deleted
                } else {
                    self.record_item(&at);
                }
            }
            return false;
        }
        if handler.items.len() >= MAX_ITEMS {
            return false;
        }
        let at = ItemRef {
            handler: handler_id.clone(),
            item: item.id.clone(),
        };
        let kept = self.come_back(handler_id, &item.id, item.temporary);
        let (kept, conditions) = kept.map_or((None, Vec::new()), |absent| {
            (Some(absent.row), absent.conditions)
        });
        let Some(handler) = self.handlers.get_mut(handler_id) else {
            return false;
        };
        let row = ItemRow {
            at: at.clone(),
            name,
            comment,
            labels: kept
                .as_ref()
                .map_or_else(Seldom::new, |kept| kept.labels.clone()),
            checked: item.checked,
            tick: None,
            enabled: kept.as_ref().is_none_or(|kept| kept.enabled),
            connected: item.connected,
            temporary: item.temporary,
            hidden: item.hidden || policies.contains(&ItemPolicy::HiddenByDefault),
            capabilities,
            policies,
            lanes: item.lanes.into(),
            since: now,
            expected_freshness: kept.as_ref().and_then(|kept| kept.expected_freshness),
            last_attempt: None,
            last_good: item.last_update.filter(|at| *at <= now),
            last_run: None,
            last_status: None,
            last_problem: None,
            retry: None,
            stall: None,
            held: None,
        };
        // It may have been removed while it runs, and come back: it is still in that run.
        let live = self
            .instances
            .values()
            .find(|instance| {
                instance.handler == *handler_id
                    && instance
                        .run
                        .as_ref()
                        .is_some_and(|run| run.index.contains_key(&item.id))
            })
            .map(|instance| instance.id);
        let mut slot = Box::new(ItemSlot::new(row, turn));
        slot.live = live;
        if !conditions.is_empty() {
            self.conditioned.insert(at.clone());
        }
        self.catalog = self.catalog.wrapping_add(1);
        let own_freshness = kept.and_then(|kept| kept.expected_freshness);
        if !conditions.is_empty() || own_freshness.is_some() {
            let holding = slot.holding_mut();
            holding.own_conditions = conditions;
            holding.own_freshness = own_freshness;
        }
        handler.order.push(item.id.clone());
        handler.items.insert(item.id, slot);
        handler.note_lanes(&at.item);
        self.record_item(&at);
        self.follow_rules(&at);
        if source != Source::LargeList {
            self.event(EventKind::ItemAdded(at));
        }
        true
    }

    /// Takes a part of a list in (3.4.3). Answers with how many items of it were listed before, and the first of them.
    pub(crate) fn take_page(
        &mut self,
        handler: &HandlerId,
        items: Vec<ListedItem>,
        listing: &mut Listing,
    ) -> Option<(usize, ItemId)> {
        let mut twice: Option<(usize, ItemId)> = None;
        for item in items {
            if listing.order.len() >= MAX_ITEMS {
                continue;
            }
            if !listing.seen.insert(item.id.clone()) {
                // M-52: a duplicate is dropped
                twice.get_or_insert((0, item.id)).0 += 1;
                continue;
            }
            listing.order.push(item.id.clone());
            let source = if listing.added < LARGE_LIST {
                Source::List
            } else {
                Source::LargeList
            };
            if self.take_item(handler, item, source) {
                listing.added += 1;
            }
        }
        twice
    }

    /// Ends a list. `purge` is false for incomplete lists and sessions with a cookie (M-56); one that was to be of `only`
    /// some items says nothing of others, nor of their order. Answers with the listed items in their order.
    pub(crate) fn end_list(
        &mut self,
        handler: &HandlerId,
        listing: Listing,
        purge: bool,
        born: u64,
        only: Option<&BTreeSet<ItemId>>,
    ) -> Vec<ItemId> {
        let Listing { seen, order, .. } = listing;
        let Some(slot) = self.handlers.get_mut(handler) else {
            return order;
        };
        // An item defined after the instance began, or at work elsewhere, is not in this list for good reason.
        let items = &slot.items;
        let may_go = |id: &ItemId| {
            let item = items.get(id);
            purge && item.is_some_and(|item| item.born < born && item.live.is_none())
        };
        let gone: Vec<ItemId>;
        if let Some(only) = only {
            let unseen = only.iter().filter(|id| !seen.contains(*id));
            // In their order, as `only` is.
            gone = unseen.filter(|id| may_go(id)).cloned().collect();
            if !gone.is_empty() {
                slot.order.retain(|id| gone.binary_search(id).is_err());
                self.catalog = self.catalog.wrapping_add(1);
            }
        } else {
            let same = slot.order == order;
            self.catalog = self.catalog.wrapping_add(u64::from(!same));
            let kept: Vec<ItemId>;
            (gone, kept) = std::mem::take(&mut slot.order)
                .into_iter()
                .filter(|id| !seen.contains(id))
                .partition(may_go);
            slot.order = order.iter().cloned().chain(kept).collect();
        }
        let gone: Vec<(ItemId, Option<Box<ItemSlot>>)> = gone
            .into_iter()
            .map(|id| {
                let item = slot.items.remove(&id);
                (id, item)
            })
            .collect();
        for (item, slot) in gone {
            let at = ItemRef {
                handler: handler.clone(),
                item,
            };
            match slot {
                Some(slot) => self.item_unlisted(&at, *slot),
                None => self.item_gone(&at),
            }
        }
        order
    }

    /// Takes in what a handler says of itself. An instance that `knows_some` of the items says what it can do with these: what
    /// it can do with others it can still do.
    pub(crate) fn take_facts(&mut self, id: &HandlerId, facts: HandlerFacts, knows_some: bool) {
        let Some(slot) = self.handlers.get_mut(id) else {
            return;
        };
        let name = cut::chars(facts.name, cut::MAX_NAME);
        let others = knows_some.then(|| slot.row.capabilities.iter().copied());
        let capabilities = facts.capabilities.into_iter();
        let capabilities = capabilities.chain(others.into_iter().flatten()).collect();
        let row = HandlerRow {
            name: if name.is_empty() {
                slot.description.clone() // M-44
            } else {
                name
            },
            comment: cut::chars(facts.comment, cut::MAX_LINE),
            version: cut::chars(facts.version, cut::MAX_NAME),
            always_list: facts.always_list,
            hidden: facts.hidden,
            capabilities,
            policies: facts.policies.into_iter().collect(),
            ..slot.row.clone()
        };
        if row != slot.row {
            slot.row = row;
            self.record_handler(id);
            self.catalog_changed();
        }
    }

    pub(crate) fn set_preferences(
        &mut self,
        item: &ItemRef,
        labels: Vec<String>,
        checked: Option<bool>,
        expected_freshness: Option<Duration>,
    ) {
        let Some(slot) = self.slot_mut(item) else {
            return;
        };
        let before = slot.row.clone();
        slot.row.labels = labels
            .into_iter()
            .take(MAX_LABELS)
            .map(|label| cut::chars(label, cut::MAX_NAME))
            .collect();
        slot.row.tick = checked;
        if let Some(checked) = checked {
            slot.row.checked = checked;
        } else if before.tick.is_some() {
            slot.row.checked = slot.offered;
        }
        if expected_freshness.is_some() || slot.holding().is_some() {
            slot.holding_mut().own_freshness = expected_freshness;
        }
        if slot.row != before {
            self.record_item(item);
            self.catalog_changed();
        }
        self.follow_rules(item);
    }

    /// Takes the user's tick; of a temporary item none is kept (M-57).
    pub(crate) fn check(&mut self, item: &ItemRef, checked: bool) {
        let Some(slot) = self.slot_mut(item) else {
            return;
        };
        if slot.row.temporary || slot.row.tick == Some(checked) {
            return;
        }
        slot.row.tick = Some(checked);
        slot.row.checked = checked;
        self.record_item(item);
        self.catalog_changed();
    }

    pub(crate) fn set_conditions(&mut self, item: &ItemRef, mut conditions: Vec<Condition>) {
        conditions.truncate(MAX_CONDITIONS);
        if let Some(slot) = self.slot_mut(item) {
            let any = !conditions.is_empty();
            slot.holding_mut().own_conditions = conditions;
            if any {
                self.conditioned.insert(item.clone());
            } else {
                self.conditioned.remove(item);
            }
            self.follow_rules(item);
            self.reconsider();
        }
    }

    pub(crate) fn enable(&mut self, handler: &HandlerId, item: Option<ItemId>, enabled: bool) {
        match item {
            None => {
                let Some(slot) = self.handlers.get_mut(handler) else {
                    return;
                };
                if std::mem::replace(&mut slot.row.enabled, enabled) == enabled {
                    return;
                }
                self.record_handler(handler);
                self.event(EventKind::EnabledChanged {
                    handler: handler.clone(),
                    item: None,
                    enabled,
                });
            }
            Some(item) => {
                let at = ItemRef {
                    handler: handler.clone(),
                    item,
                };
                let Some(slot) = self.slot_mut(&at) else {
                    return;
                };
                if std::mem::replace(&mut slot.row.enabled, enabled) == enabled {
                    return;
                }
                self.record_item(&at);
                self.event(EventKind::EnabledChanged {
                    handler: handler.clone(),
                    item: Some(at),
                    enabled,
                });
            }
        }
        self.pump = true;
    }

    /// Sets a handler up or ends its partnership (Sync Center 3.4): what waits for it is cancelled, its items stay.
    pub(crate) fn activate(&mut self, handler: &HandlerId, active: bool) {
        let Some(slot) = self.handlers.get_mut(handler) else {
            return;
        };
        let (wanted, forbidden) = if active {
            (Activation::Active, HandlerPolicy::PreventActivate)
        } else {
            (Activation::Inactive, HandlerPolicy::PreventDeactivate)
        };
        if slot.row.activation == wanted || slot.row.policies.contains(&forbidden) {
            return;
        }
        slot.row.activation = wanted;
        self.record_handler(handler);
        self.event(EventKind::EnabledChanged {
            handler: handler.clone(),
            item: None,
            enabled: active,
        });
        if active {
            self.pump = true;
        } else {
            self.drop_wants(handler, None);
        }
    }

    pub(crate) fn pause(&mut self, scope: PauseScope, until: Option<Timestamp>) {
        let known = match &scope {
            PauseScope::All => true,
            PauseScope::Handler(handler) => self.handlers.contains_key(handler),
            PauseScope::Item(item) => self.slot(item).is_some(),
        };
        if !known || until.is_some_and(|until| until <= self.now) {
            return;
        }
        let since = match self.pauses.get(&scope) {
            Some(before) => {
                let (since, until) = (before.since, before.until);
                if let Some(until) = until {
                    self.clear_timer(until, Timer::Pause(scope.clone()));
                }
                since
            }
            None => self.now,
        };
        let row = PauseRow {
            scope: scope.clone(),
            since,
            until,
        };
        if let Some(until) = until {
            self.set_timer(until, Timer::Pause(scope.clone()));
        }
        self.record(Record::Pause(row.clone()));
        self.pauses.insert(scope.clone(), row);
        if let Some(item) = pause_event(scope) {
            self.event(EventKind::Paused(item));
        }
    }

    pub(crate) fn resume(&mut self, scope: &PauseScope) {
        let Some(row) = self.pauses.remove(scope) else {
            return;
        };
        if let Some(until) = row.until {
            self.clear_timer(until, Timer::Pause(scope.clone()));
        }
        self.record(Record::PauseGone(scope.clone()));
        if let Some(item) = pause_event(scope.clone()) {
            self.event(EventKind::Resumed(item));
        }
        self.reconsider();
    }

    pub(crate) fn learn(&mut self, facts: Vec<Fact>) {
        let mut any = false;
        let mut network_came = false;
        let mut idle_changed = false;
        let knew_network = self.facts.knows_network();
        for fact in facts {
            let of_idleness = matches!(
                fact,
                Fact::Idle { .. }
                    | Fact::Unknown {
                        kind: FactKind::Idle,
                        ..
                    }
            );
            let changed = self.facts.learn(fact, self.now);
            any |= changed.any;
            network_came |= changed.network_came;
            idle_changed |= of_idleness && changed.any;
        }
        if any {
            self.reconsider();
            self.stop_unmet();
            self.power_changed();
        }
        if idle_changed {
            self.idle_changed();
        }
        // One that was there when somebody first looked did not come up.
        if network_came && knew_network {
            self.network_came();
        }
        if network_came && self.settings.automatic {
            // A new network clears the backoff: every retry is due at once.
            let due: Vec<(Timestamp, Timer)> = self
                .timers
                .iter()
                .filter(|(_, timer)| match timer {
                    // What a handler asked to leave alone until then is left alone.
                    Timer::Retry(item) => !self
                        .item(item)
                        .and_then(|row| row.retry)
                        .is_some_and(|retry| retry.told),
                    Timer::Pause(_)
                    | Timer::Need(_)
                    | Timer::Instance(_)
                    | Timer::Watch(_)
                    | Timer::Awake
                    | Timer::Condition(_)
                    | Timer::Stale(_)
                    | Timer::Summary
                    | Timer::Digest
                    | Timer::Pulse
                    | Timer::Leaving
                    | Timer::Rule { .. } => false,
                })
                .cloned()
                .collect();
            for (at, timer) in due {
                self.timers.remove(at, timer.clone());
                self.timers.insert(self.now, timer);
            }
        }
    }

    /// Whether a want selects an item, apart from what hinders it.
    pub(crate) fn wanted(slot: &ItemSlot, want: &Want) -> bool {
        let id = &slot.row.at.item;
        (want.all || (want.checked && slot.row.checked) || want.items.contains(id))
            && !want.except.contains(id)
    }
}

/// What the event of a pause names: an item, or everything; a handler's pause is told by its record alone.
fn pause_event(scope: PauseScope) -> Option<Option<ItemRef>> {
    match scope {
        PauseScope::All => Some(None),
        PauseScope::Item(item) => Some(Some(item)),
        PauseScope::Handler(_) => None,
    }
}
