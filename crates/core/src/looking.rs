//! What somebody has to look at, because an item waits for nothing else: nobody looks for its own sake.

use std::collections::BTreeSet;

use crate::catalog::ItemSlot;
use crate::condition::{Condition, Evaluation, Look, MAX_LOOKS};
use crate::hindrance::Hindrance;
use crate::id::ItemRef;
use crate::manager::{Manager, Timer};
use crate::queue::is_automatic;

impl Manager {
    /// Counts whatever may change [`Self::looks`].
    #[must_use]
    pub fn waits(&self) -> u64 {
        self.waits
    }

    /// Everything that has to be looked at for the conditions of an item.
    #[must_use]
    pub fn looks_of(&self, item: &ItemRef) -> BTreeSet<Look> {
        let conditions = self.slot(item).map_or(&[][..], |slot| slot.conditions());
        conditions.iter().filter_map(Condition::look).collect()
    }

    /// What is to be looked at now, and again for as long as it is told here: what items that would start by themselves
    /// wait for, and what running items must not lose.
    #[must_use]
    pub fn looks(&self) -> BTreeSet<Look> {
        let mut looks = BTreeSet::new();
        if !self.settings.automatic || !self.conditions().any(|it| it.look().is_some()) {
            return looks;
        }
        for item in &self.deferred {
            let Some((handler, slot)) = self
                .handlers
                .get(&item.handler)
                .and_then(|handler| Some((handler, handler.items.get(&item.item)?)))
            else {
                continue;
            };
            let Some(waits) = slot.row.held else {
                continue;
            };
            let held = self.hindrance(handler, slot, waits.trigger, false, false);
            if let Some(Hindrance::Condition(..)) = held
                && self.waits_for_looks_alone(slot)
            {
                let unmet = |condition: &&Condition| {
                    self.evaluate(slot, condition, self.now) != Evaluation::Met
                };
                looks.extend(
                    slot.conditions()
                        .iter()
                        .filter(unmet)
                        .filter_map(Condition::look),
                );
            }
        }
        for slot in self.not_to_be_lost() {
            looks.extend(slot.conditions().iter().filter_map(Condition::look));
        }
        while looks.len() > MAX_LOOKS {
            looks.pop_last();
        }
        looks
    }

    fn waits_for_looks_alone(&self, slot: &ItemSlot) -> bool {
        slot.conditions().iter().all(|condition| {
            condition.look().is_some()
                || self.evaluate(slot, condition, self.now) == Evaluation::Met
        })
    }

    /// Items that run by themselves and are to stop when a condition is lost.
    fn not_to_be_lost(&self) -> impl Iterator<Item = &ItemSlot> {
        self.instances
            .values()
            .filter(|instance| is_automatic(instance.trigger))
            .filter_map(|instance| {
                Some((
                    self.handlers.get(&instance.handler)?,
                    instance.run.as_ref()?,
                ))
            })
            .flat_map(|(handler, run)| {
                run.items
                    .iter()
                    .filter(|live| !live.status.is_terminal())
                    .filter_map(|live| handler.items.get(&live.id))
            })
            .map(|slot| &**slot)
            .filter(|slot| slot.holding().is_some_and(|holding| holding.stop_when_lost))
    }

    /// Time alone may take a condition away from items that just began to run: it is looked at then.
    pub(crate) fn watch_time(&mut self, items: &[ItemRef]) {
        let mut timers = Vec::new();
        for item in items {
            let Some(slot) = self
                .slot(item)
                .filter(|slot| slot.holding().is_some_and(|holding| holding.stop_when_lost))
            else {
                continue;
            };
            for condition in slot.conditions() {
                if let Condition::Hours(hours) | Condition::NotHours(hours) = condition
                    && let Some(due) = hours.change_after(self.now, &self.zone)
                {
                    timers.push((due, item.clone()));
                }
            }
        }
        for (due, item) in timers {
            self.set_timer(due, Timer::Condition(item));
        }
    }
}
