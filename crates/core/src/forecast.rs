//! What comes: when items start by themselves, and what would hold them back as things stand.

use crate::hindrance::Hindrance;
use crate::id::ItemRef;
use crate::manager::Manager;
use crate::record::PauseRow;
use crate::request::Trigger;
use crate::rule::{Cause, Rule};
use crate::schedule::Zone;
use crate::time::Timestamp;
use crate::triggering::RuleState;

/// Most coming starts of one item.
pub const MAX_COMING: usize = 100;

/// A coming start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coming {
    /// When.
    pub at: Timestamp,
    /// The rule; absent: a retry.
    pub rule: Option<String>,
    /// What would hold it back if nothing else changes.
    pub held_by: Option<Hindrance>,
}

impl Manager {
    /// The zone of the machine.
    #[must_use]
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The rules, in the order of the configuration, with when time alone starts each next.
    pub fn rules(&self) -> impl Iterator<Item = (&Rule, Option<Timestamp>)> {
        self.rules
            .iter()
            .map(|state| (&state.rule, self.next_of(state)))
    }

    /// When time alone starts a rule next; without a daemon, when it would.
    fn next_of(&self, state: &RuleState) -> Option<Timestamp> {
        if self.settings.automatic {
            return state.due.iter().flatten().min().copied();
        }
        let after = self.now.max(state.considered);
        state
            .rule
            .schedules()
            .filter_map(|schedule| schedule.next_after(after, &self.zone))
            .min()
    }

    /// The items that a rule is about now, in listing order.
    #[must_use]
    pub fn rule_items(&self, rule: &Rule) -> Vec<ItemRef> {
        self.items_of_rule(rule)
    }

    /// What holds back all items of a rule as things stand; absent while one of them may start.
    #[must_use]
    pub fn rule_held(&self, rule: &Rule) -> Option<Hindrance> {
        let mut held = None;
        for item in self.items_of_rule(rule) {
            let handler = self.handlers.get(&item.handler)?;
            let slot = handler.items.get(&item.item)?;
            held = Some(self.hindrance(handler, slot, Trigger::Schedule, false, false)?);
        }
        held
    }

    /// Whether a rule would, through "after", start itself again; it then does not start after its item.
    #[must_use]
    pub fn is_circular(&self, rule: &str) -> bool {
        let after = |cause: &Cause| matches!(cause, Cause::After { .. });
        self.rules
            .iter()
            .position(|state| state.rule.name == rule && state.rule.on.iter().any(after))
            .is_some_and(|at| self.starts_itself(at))
    }

    /// When an item starts by itself between now and `until`, oldest first, at most [`MAX_COMING`] times.
    #[must_use]
    pub fn coming(&self, item: &ItemRef, now: Timestamp, until: Timestamp) -> Vec<Coming> {
        let Some((handler, slot)) = self
            .handlers
            .get(&item.handler)
            .and_then(|handler| Some((handler, handler.items.get(&item.item)?)))
        else {
            return Vec::new();
        };
        let held = self.hindrance(handler, slot, Trigger::Schedule, false, false);
        let mut coming = Vec::new();
        for state in &self.rules {
            if !state.rule.selects(&handler.row, &slot.row) {
                continue;
            }
            for (cause, due) in state.rule.on.iter().zip(&state.due) {
                let Cause::Schedule(schedule) = cause else {
                    continue;
                };
                let mut next = *due;
                for _ in 0..MAX_COMING {
                    let Some(at) = next.filter(|at| *at <= until) else {
                        break;
                    };
                    coming.push(Coming {
                        at,
                        rule: Some(state.rule.name.clone()),
                        held_by: held.clone().filter(|held| !is_over(held, at)),
                    });
                    next = schedule.next_after(at, &self.zone);
                }
            }
        }
        if let Some(retry) = slot.row.retry.filter(|retry| retry.due <= until) {
            let at = retry.due.max(now);
            coming.push(Coming {
                at,
                rule: None,
                held_by: held.filter(|held| !is_over(held, at)),
            });
        }
        coming.sort_by_key(|coming| coming.at);
        coming.truncate(MAX_COMING);
        coming
    }
}

/// Whether time alone has ended a hindrance by then.
fn is_over(hindrance: &Hindrance, at: Timestamp) -> bool {
    match hindrance {
        Hindrance::Paused(PauseRow { until, .. }) => until.is_some_and(|until| until <= at),
        Hindrance::Condition(_, evaluation) => evaluation.due().is_some_and(|due| due <= at),
        Hindrance::Inactive
        | Hindrance::HandlerDisabled
        | Hindrance::Disabled
        | Hindrance::HandlerDisconnected
        | Hindrance::Disconnected
        | Hindrance::Policy => false,
    }
}
