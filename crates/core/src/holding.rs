//! Holding items back: what hinders them, and how what passes is caught up once.

use std::collections::BTreeMap;

use crate::catalog::{HandlerSlot, ItemSlot};
use crate::condition::{Circumstances, Condition, Evaluation, State};
use crate::hindrance::Hindrance;
use crate::id::{ItemId, ItemRef};
use crate::item::{Activation, Connected, HandlerPolicy, HandlerRow, Held, ItemPolicy};
use crate::leaving;
use crate::manager::{Manager, Timer};
use crate::queue::{is_automatic, is_person};
use crate::record::{HeldRow, PauseRow, PauseScope, Record};
use crate::request::Trigger;
use crate::rule::Select;
use crate::time::Timestamp;
use crate::triggering::LATE;

/// Most items of which one turn keeps what held them back: a rule may be about very many.
const MAX_HELD_AT_ONCE: usize = 1_000;

impl Manager {
    /// The pause that covers an item, the narrowest first.
    #[must_use]
    pub fn pause_of(&self, item: &ItemRef) -> Option<&PauseRow> {
        if self.pauses.is_empty() {
            return None;
        }
        self.pauses
            .get(&PauseScope::Item(item.clone()))
            .or_else(|| self.pauses.get(&PauseScope::Handler(item.handler.clone())))
            .or_else(|| self.pauses.get(&PauseScope::All))
    }

    /// What keeps an item from being run for a trigger; `want` says whether it was named. `fresh` is true when the
    /// handler listed it just now, so that its reachability can be believed.
    pub(crate) fn hindrance(
        &self,
        handler: &HandlerSlot,
        slot: &ItemSlot,
        trigger: Trigger,
        named: bool,
        fresh: bool,
    ) -> Option<Hindrance> {
        if let Some(hindrance) = handler_hindrance(&handler.row) {
            return Some(hindrance);
        }
        let row = &slot.row;
        if !row.enabled {
            return Some(Hindrance::Disabled);
        }
        if fresh && row.connected == Connected::No {
            return Some(Hindrance::Disconnected);
        }
        if row.policies.contains(&ItemPolicy::PreventStartSync)
            || row.policies.contains(&ItemPolicy::DisableStartSync)
        {
            return Some(Hindrance::Policy);
        }
        let overrides = named && is_person(trigger);
        if !overrides && let Some(pause) = self.pause_of(&row.at) {
            return Some(Hindrance::Paused(pause.clone()));
        }
        if is_automatic(trigger) {
            if let Some(leaves) = self.leaves() {
                return Some(leaves);
            }
            // It was decided that it starts; whether anything speaks against it since is all that counts.
            let released = slot.holding().is_some_and(|holding| holding.released);
            return if fresh || released {
                self.lost(slot)
            } else {
                self.unmet(slot)
            };
        }
        None
    }

    /// The first condition of an item that is not met. What still has to be looked at comes last: nobody looks for what
    /// is held back anyway.
    pub(crate) fn unmet(&self, slot: &ItemSlot) -> Option<Hindrance> {
        let mut unlooked = None;
        for condition in slot.conditions() {
            let evaluation = self.evaluate(slot, condition, self.now);
            match evaluation {
                Evaluation::Met => {}
                Evaluation::Waiting { looking: true, .. } => {
                    unlooked.get_or_insert((condition, evaluation));
                }
                Evaluation::Waiting { .. } => {
                    return Some(Hindrance::Condition(condition.clone(), evaluation));
                }
            }
        }
        unlooked.map(|(condition, evaluation)| Hindrance::Condition(condition.clone(), evaluation))
    }

    /// The first condition that speaks against an item that was let start already: what was found by looking does not
    /// grow old meanwhile.
    pub(crate) fn lost(&self, slot: &ItemSlot) -> Option<Hindrance> {
        self.unmet(slot).filter(|hindrance| !hindrance.is_look())
    }

    /// How a condition of an item stands at a moment.
    pub(crate) fn evaluate(
        &self,
        slot: &ItemSlot,
        condition: &Condition,
        now: Timestamp,
    ) -> Evaluation {
        if matches!(condition, Condition::AnyNetwork | Condition::Vpn)
            && self.connections.serve(&slot.row.at)
        {
            return Evaluation::Met; // it was opened for this item
        }
        self.asked(slot, now, |asked| self.facts.evaluate(condition, asked))
    }

    /// Everything that there is to say of a condition of an item at a moment.
    pub(crate) fn condition_state(
        &self,
        slot: &ItemSlot,
        condition: &Condition,
        now: Timestamp,
    ) -> State {
        self.asked(slot, now, |asked| self.facts.state(condition, asked))
    }

    fn asked<T>(
        &self,
        slot: &ItemSlot,
        now: Timestamp,
        ask: impl FnOnce(Circumstances<'_>) -> T,
    ) -> T {
        ask(Circumstances {
            now,
            zone: &self.zone,
            running: &|select| self.runs(select, &slot.row.at),
        })
    }

    pub(crate) fn running_since(&self, item: &ItemRef) -> Option<Timestamp> {
        let instance = self.instances.get(&self.slot(item)?.live?)?;
        Some(instance.run.as_ref()?.row.opened)
    }

    /// What runs, or is chosen to, of what is meant, other than one item, and since when.
    fn runs(&self, select: &Select, but: &ItemRef) -> Option<(String, Timestamp)> {
        self.instances.values().find_map(|instance| {
            let handler = self.handlers.get(&instance.handler)?;
            let meant = |id: &ItemId| {
                let slot = handler.items.get(id)?;
                let meant = slot.row.at != *but && select.matches(&handler.row, &slot.row);
                meant.then_some(&slot.row)
            };
            if let Some(row) = instance.selected.iter().find_map(meant) {
                let since = self.sessions.get(&instance.session);
                let since = since.map_or(self.now, |session| session.row.opened);
                return Some((row.name.clone(), since));
            }
            let run = instance.run.as_ref()?;
            let live = run.items.iter().filter(|live| !live.status.is_terminal());
            let running = live.map(|live| &live.id).find_map(meant)?;
            Some((running.name.clone(), run.row.opened))
        })
    }

    /// Remembers why an item did not run, and, when it would have run by itself, that it is to be caught up once.
    pub(crate) fn hold_back(&mut self, item: &ItemRef, trigger: Trigger, hindrance: Hindrance) {
        let (now, automatic) = (self.now, self.settings.automatic);
        self.tell_held(item, trigger, &hindrance);
        let Some(slot) = self.slot_mut(item) else {
            return;
        };
        slot.holding_mut().released = false;
        let passes = match &hindrance {
            Hindrance::Paused(_) | Hindrance::Leaving(_) | Hindrance::Condition(..) => true,
            Hindrance::Inactive
            | Hindrance::HandlerDisabled
            | Hindrance::Disabled
            | Hindrance::HandlerDisconnected
            | Hindrance::Disconnected
            | Hindrance::Policy
            | Hindrance::OwnProgram => false,
        };
        if !(automatic && is_automatic(trigger)) {
            return;
        }
        if !passes {
            self.forget_held(item);
            return;
        }
        if slot.row.held.is_none() {
            slot.row.held = Some(Held {
                trigger,
                since: now,
            });
            self.record_item(item);
        }
        self.deferred.insert(item.clone());
        self.waits = self.waits.wrapping_add(1);
        if let Hindrance::Condition(_, Evaluation::Waiting { due: Some(due), .. }) = hindrance {
            self.set_timer(due, Timer::Condition(item.clone()));
        }
    }

    /// Keeps what holds an item back from now on. That somebody looks first holds nothing back.
    fn tell_held(&mut self, item: &ItemRef, trigger: Trigger, hindrance: &Hindrance) {
        let now = self.now;
        let room = self.held_told < MAX_HELD_AT_ONCE;
        let Some(slot) = self.slot_mut(item) else {
            return;
        };
        let held = &mut slot.holding_mut().held;
        if hindrance.is_look() || held.as_ref().is_some_and(|held| held.is_like(hindrance)) {
            return;
        }
        *held = Some(hindrance.clone());
        if slot.row.temporary || !room {
            return;
        }
        self.held_told += 1;
        self.record(Record::Held(HeldRow {
            item: item.clone(),
            since: now,
            until: None,
            wanted_by: trigger,
            text: crate::cut::bytes(hindrance.fragment(), crate::cut::MAX_LINE),
        }));
    }

    /// What keeps an item from starting although something wanted it to, and since when.
    #[must_use]
    pub fn waits_for(&self, item: &ItemRef) -> Option<(Hindrance, Timestamp)> {
        let handler = self.handlers.get(&item.handler)?;
        let slot = handler.items.get(&item.item)?;
        let held = slot.row.held?;
        let hindrance = self.hindrance(handler, slot, held.trigger, false, false)?;
        Some((hindrance, held.since))
    }

    /// Nothing holds an item back any more.
    pub(crate) fn tell_free(&mut self, item: &ItemRef) {
        let until = self.now;
        let held = self
            .slot_mut(item)
            .filter(|slot| slot.holding().is_some_and(|holding| holding.held.is_some()));
        let Some(slot) = held else {
            return;
        };
        slot.holding_mut().held = None;
        if !slot.row.temporary {
            let item = item.clone();
            self.record(Record::HeldUntil { item, until });
        }
    }

    /// It runs, or cannot: nothing of it is to be caught up.
    pub(crate) fn forget_held(&mut self, item: &ItemRef) {
        self.deferred.remove(item);
        let held = self.slot_mut(item).and_then(|slot| slot.row.held.take());
        if held.is_some() {
            self.record_item(item);
        }
    }

    /// Looks at everything that was held back, and queues what may run now: once, however often it was missed.
    pub(crate) fn reconsider(&mut self) {
        self.waits = self.waits.wrapping_add(1);
        if self.deferred.is_empty() {
            return;
        }
        let mut ready: BTreeMap<u8, (Trigger, Vec<ItemRef>)> = BTreeMap::new();
        let mut later = Vec::new();
        let mut still = Vec::new();
        let mut caught_up = Vec::new();
        for item in &self.deferred {
            let Some((handler, slot)) = self
                .handlers
                .get(&item.handler)
                .and_then(|handler| Some((handler, handler.items.get(&item.item)?)))
            else {
                continue;
            };
            let Some(Held { trigger, since }) = slot.row.held else {
                continue;
            };
            let hindrance = self.hindrance(handler, slot, trigger, false, false);
            if let Some(Hindrance::Condition(_, Evaluation::Waiting { due: Some(due), .. })) =
                &hindrance
            {
                later.push((*due, item.clone()));
            }
            match hindrance {
                Some(hindrance) => {
                    let held = slot.holding().and_then(|holding| holding.held.as_ref());
                    if !held.is_some_and(|held| held.is_like(&hindrance)) {
                        still.push((item.clone(), trigger, hindrance));
                    }
                }
                None => {
                    // The moment that it was to start at is over.
                    let held = slot.holding().and_then(|holding| holding.held.as_ref());
                    let was_paused = matches!(held, Some(Hindrance::Paused(_)));
                    let is_missed =
                        was_paused && trigger == Trigger::Schedule && self.now.since(since) > LATE;
                    let trigger = if is_missed || leaving::named(trigger).is_some() {
                        caught_up.push((item.clone(), trigger, since));
                        Trigger::CatchUp
                    } else {
                        trigger
                    };
                    ready
                        .entry(trigger_rank(trigger))
                        .or_insert_with(|| (trigger, Vec::new()))
                        .1
                        .push(item.clone());
                }
            }
        }
        for (due, item) in later {
            self.set_timer(due, Timer::Condition(item));
        }
        for (item, trigger, hindrance) in still {
            self.tell_held(&item, trigger, &hindrance);
        }
        self.tell_caught_up(&caught_up);
        for (trigger, items) in ready.into_values() {
            for item in &items {
                self.tell_free(item);
                // Until its run opens it is kept in mind: the manager may end before.
                self.deferred.remove(item);
                if let Some(slot) = self.slot_mut(item) {
                    slot.holding_mut().released = true;
                }
            }
            self.enqueue_own(items, trigger);
        }
    }
}

pub(crate) fn handler_hindrance(row: &HandlerRow) -> Option<Hindrance> {
    if row.activation == Activation::Inactive {
        Some(Hindrance::Inactive)
    } else if row.policies.contains(&HandlerPolicy::OwnProgram) {
        Some(Hindrance::OwnProgram)
    } else if !row.enabled {
        Some(Hindrance::HandlerDisabled)
    } else if row.connected == Connected::No {
        Some(Hindrance::HandlerDisconnected)
    } else if row.policies.contains(&HandlerPolicy::PreventStartSync)
        || row.policies.contains(&HandlerPolicy::DisableStartSync)
    {
        Some(Hindrance::Policy)
    } else {
        None
    }
}

fn trigger_rank(trigger: Trigger) -> u8 {
    match trigger {
        Trigger::Manual => 0,
        Trigger::Answered => 1,
        Trigger::Invoke => 2,
        Trigger::External => 3,
        Trigger::Logon => 4,
        Trigger::Logoff => 5,
        Trigger::Unlock => 6,
        Trigger::Lock => 7,
        Trigger::Resume => 8,
        Trigger::Suspend => 9,
        Trigger::Connect => 10,
        Trigger::PendingDisconnect => 11,
        Trigger::Device => 12,
        Trigger::FileChange => 13,
        Trigger::After => 14,
        Trigger::Schedule => 15,
        Trigger::CatchUp => 16,
        Trigger::Idle => 17,
        Trigger::Retry => 18,
    }
}
