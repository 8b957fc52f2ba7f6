//! What comes: when items start by themselves, and what would hold them back as things stand.

use std::collections::BTreeSet;

use crate::catalog::{HandlerSlot, ItemSlot};
use crate::condition::{Condition, Evaluation, Holds};
use crate::hindrance::Hindrance;
use crate::id::ItemRef;
use crate::manager::Manager;
use crate::record::PauseRow;
use crate::request::Trigger;
use crate::rule::{Cause, Rule};
use crate::saying::Saying;
use crate::schedule::{Schedule, Zone};
use crate::time::Timestamp;
use crate::triggering::RuleState;

/// Most coming starts of one item.
pub const MAX_COMING: usize = 100;

/// Most coming starts of one forecast.
pub const MAX_FORECAST: usize = 1_000;
/// So often time alone may change what holds a start back before nobody can say any more when it comes.
const MAX_CHANGES: usize = 32;

/// What comes within a span.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forecast {
    /// The starts, oldest first.
    pub starts: Vec<(ItemRef, Coming)>,
    /// There are more than [`MAX_FORECAST`]: all are told up to this moment, and none beyond it.
    pub cut: Option<Timestamp>,
}

/// A coming start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coming {
    /// When.
    pub at: Timestamp,
    /// The rule; absent: a retry.
    pub rule: Option<String>,
    /// What would hold it back then: what time alone decides is looked at as it will be, all else as it is now.
    pub held_by: Option<Hindrance>,
    /// What would have to be for it to start all the same, as ends of "if …"; empty where no condition holds it back.
    pub wishes: Vec<Saying>,
    /// When it starts after all, if time alone lets it; absent also when nothing holds it back.
    pub then: Option<Timestamp>,
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
            let causes = state.rule.on.iter().zip(&state.due);
            return causes
                .filter(|(cause, _)| !self.counts_from_end(cause, &state.rule))
                .filter_map(|(_, due)| Some((*due)?.at))
                .min();
        }
        let after = self.now.max(state.considered);
        state
            .rule
            .schedules()
            .filter_map(|schedule| schedule.next_after(after, &self.zone))
            .min()
            .map(|time| state.rule.spread(time, self.settings.seed, &self.zone))
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
            let hindrance = self.hindrance(handler, slot, Trigger::Schedule, false, false)?;
            // Whether anything speaks against it is found out when it is about to start.
            if hindrance.is_look() {
                return None;
            }
            held = Some(hindrance);
        }
        held
    }

    /// The conditions that hold for items of a rule although others say them, each once with the first who does.
    #[must_use]
    pub fn conditions_beside(&self, rule: &Rule) -> Vec<(String, Condition)> {
        let items = self.items_of_rule(rule);
        let mut beside: Vec<(String, Condition)> = Vec::new();
        for state in self
            .rules
            .iter()
            .filter(|state| state.rule.name != rule.name)
        {
            let shared = || {
                items.iter().any(|item| {
                    self.handlers.get(&item.handler).is_some_and(|handler| {
                        handler
                            .items
                            .get(&item.item)
                            .is_some_and(|slot| state.rule.selects(&handler.row, &slot.row))
                    })
                })
            };
            if state.rule.when.is_empty() || !shared() {
                continue;
            }
            for condition in &state.rule.when {
                let known = rule.when.contains(condition)
                    || beside.iter().any(|(_, known)| known == condition);
                if !known && beside.len() < crate::condition::MAX_CONDITIONS {
                    beside.push((state.rule.name.clone(), condition.clone()));
                }
            }
        }
        beside
    }

    /// Why nobody here can tell whether a condition is met; absent while somebody can.
    #[must_use]
    pub fn untellable(&self, condition: &Condition) -> Option<String> {
        let state = self.facts.state(
            condition,
            crate::condition::Circumstances {
                now: self.now,
                zone: &self.zone,
                running: &|_| None,
            },
        );
        (state.holds == Holds::Unknown).then(|| state.because.unwrap_or(state.now.into()))
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

    /// A start of an item at a moment, as it would be if these conditions held for it besides its own.
    #[must_use]
    pub fn start_if(&self, item: &ItemRef, at: Timestamp, also: &[Condition]) -> Option<Coming> {
        let handler = self.handlers.get(&item.handler)?;
        let slot = handler.items.get(&item.item)?;
        let mut start = self.start(handler, slot, at, None);
        if start.held_by.is_none() {
            start.held_by = also.iter().find_map(|condition| {
                let evaluation = self.evaluate(slot, condition, at);
                // What is looked at when it starts is no hindrance yet.
                let holds = matches!(
                    evaluation,
                    Evaluation::Met | Evaluation::Waiting { looking: true, .. }
                );
                (!holds).then(|| Hindrance::Condition(condition.clone(), evaluation))
            });
        }
        Some(start)
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
        let mut coming = Vec::new();
        for state in &self.rules {
            if !state.rule.selects(&handler.row, &slot.row) {
                continue;
            }
            let (times, _) = self.times(state, now, until, MAX_COMING);
            coming.extend(times.into_iter().map(|at| (at, Some(&state.rule.name))));
        }
        if let Some(retry) = slot.row.retry.filter(|retry| retry.due <= until) {
            coming.push((retry.due.max(now), None));
        }
        coming.sort_by_key(|(at, _)| *at);
        coming.truncate(MAX_COMING);
        coming
            .into_iter()
            .map(|(at, rule)| self.start(handler, slot, at, rule.cloned()))
            .collect()
    }

    /// When these items start by themselves between now and `until`, oldest first, at most [`MAX_FORECAST`] times.
    #[must_use]
    pub fn forecast(
        &self,
        items: &BTreeSet<ItemRef>,
        now: Timestamp,
        until: Timestamp,
    ) -> Forecast {
        let mut cut: Option<Timestamp> = None;
        let mut cut_at = |at: Timestamp| cut = Some(cut.map_or(at, |before| before.min(at)));
        let mut coming: Vec<(Timestamp, ItemRef, Option<&String>)> = Vec::new();
        let mut of_retries = |at: &ItemRef, due: Timestamp| {
            if due <= until {
                coming.push((due.max(now), at.clone(), None));
            }
        };
        for row in self.items() {
            if let Some(retry) = row.retry.filter(|_| items.contains(&row.at)) {
                of_retries(&row.at, retry.due);
            }
        }
        for state in &self.rules {
            let items: Vec<ItemRef> = self
                .items_of_rule(&state.rule)
                .into_iter()
                .filter(|item| items.contains(item))
                .collect();
            if items.is_empty() {
                continue;
            }
            let (times, more) = self.times(state, now, until, MAX_FORECAST);
            if let Some(last) = times.last().filter(|_| more) {
                cut_at(*last);
            }
            for item in items {
                let starts = times.iter();
                coming.extend(starts.map(|at| (*at, item.clone(), Some(&state.rule.name))));
                // Never much more than can be told, however many rules and items there are.
                if coming.len() > 2 * MAX_FORECAST {
                    cut_at(first_only(&mut coming));
                }
            }
        }
        if coming.len() > MAX_FORECAST {
            cut_at(first_only(&mut coming));
        }
        coming.sort_by_key(|(at, ..)| *at);
        coming.retain(|(at, ..)| cut.is_none_or(|cut| *at <= cut));
        let starts = coming
            .into_iter()
            .filter_map(|(at, item, rule)| {
                let handler = self.handlers.get(&item.handler)?;
                let slot = handler.items.get(&item.item)?;
                let start = self.start(handler, slot, at, rule.cloned());
                Some((item, start))
            })
            .collect();
        Forecast { starts, cut }
    }

    /// When time alone starts a rule between now and `until`, at most `most` times, and whether there are more; without
    /// a daemon, when it would.
    fn times(
        &self,
        state: &RuleState,
        now: Timestamp,
        until: Timestamp,
        most: usize,
    ) -> (Vec<Timestamp>, bool) {
        let mut times = Vec::new();
        let mut more = false;
        for (at, cause) in state.rule.on.iter().enumerate() {
            let Cause::Schedule(schedule) = cause else {
                continue;
            };
            if self.counts_from_end(cause, &state.rule) {
                continue;
            }
            let mut next = if self.settings.automatic {
                state.due.get(at).copied().flatten()
            } else {
                schedule
                    .next_after(now.max(state.considered), &self.zone)
                    .map(|time| state.rule.due(time, self.settings.seed, &self.zone))
            };
            let mut found = 0;
            while let Some(due) = next.filter(|due| due.at <= until) {
                if found == most {
                    more = true;
                    break;
                }
                found += 1;
                times.push(due.at);
                // An interval counts from the end of a run: nobody knows more than its next time.
                next = match schedule {
                    Schedule::Every(_) => None,
                    Schedule::Calendar(_) => schedule
                        .next_after(due.time, &self.zone)
                        .map(|time| state.rule.due(time, self.settings.seed, &self.zone)),
                };
            }
        }
        times.sort_unstable();
        more |= times.len() > most;
        times.truncate(most);
        (times, more)
    }

    /// Whether a cause is an interval from the end of a run that is still going on: nobody knows when it is due.
    fn counts_from_end(&self, cause: &Cause, rule: &Rule) -> bool {
        matches!(cause, Cause::Schedule(Schedule::Every(_)))
            && self.instances.values().any(|instance| {
                let (Some(run), Some(handler)) =
                    (&instance.run, self.handlers.get(&instance.handler))
                else {
                    return false;
                };
                run.items.iter().any(|live| {
                    handler
                        .items
                        .get(&live.id)
                        .is_some_and(|slot| rule.selects(&handler.row, &slot.row))
                })
            })
    }

    fn start(
        &self,
        handler: &HandlerSlot,
        slot: &ItemSlot,
        at: Timestamp,
        rule: Option<String>,
    ) -> Coming {
        let held_by = self.hindrance_at(handler, slot, at);
        Coming {
            at,
            rule,
            wishes: self.wishes(slot, at),
            then: held_by
                .is_some()
                .then(|| self.released_at(handler, slot, at))
                .flatten(),
            held_by,
        }
    }

    /// What the conditions of an item lack at a moment, as ends of "if …".
    pub(crate) fn wishes(&self, slot: &ItemSlot, at: Timestamp) -> Vec<Saying> {
        slot.conditions()
            .iter()
            .filter(|condition| self.lacks(slot, condition, at).is_some())
            .map(Condition::wish)
            .collect()
    }

    /// What holds a start back at a moment to come, as far as that can be said now.
    fn hindrance_at(
        &self,
        handler: &HandlerSlot,
        slot: &ItemSlot,
        at: Timestamp,
    ) -> Option<Hindrance> {
        let now = self.hindrance(handler, slot, Trigger::Manual, false, false);
        let lasting = now.filter(|hindrance| !is_over(hindrance, at));
        lasting.or_else(|| {
            slot.conditions().iter().find_map(|condition| {
                let evaluation = self.lacks(slot, condition, at)?;
                Some(Hindrance::Condition(condition.clone(), evaluation))
            })
        })
    }

    /// When time alone lets an item start that is held back at a moment; absent when more is needed than time.
    fn released_at(
        &self,
        handler: &HandlerSlot,
        slot: &ItemSlot,
        at: Timestamp,
    ) -> Option<Timestamp> {
        let mut moment = at;
        for _ in 0..MAX_CHANGES {
            let next = match self.hindrance_at(handler, slot, moment) {
                None => return Some(moment),
                Some(Hindrance::Paused(pause)) => pause.until?,
                Some(Hindrance::Condition(_, evaluation)) => evaluation.due()?,
                Some(
                    Hindrance::Inactive
                    | Hindrance::HandlerDisabled
                    | Hindrance::Disabled
                    | Hindrance::HandlerDisconnected
                    | Hindrance::Disconnected
                    | Hindrance::Leaving(_)
                    | Hindrance::Policy
                    | Hindrance::OwnProgram,
                ) => return None,
            };
            if next <= moment {
                return None;
            }
            moment = next;
        }
        None
    }

    /// How a condition is not met at a moment to come. What only has to be looked at is not known to be lacking, and what
    /// runs now will have ended.
    fn lacks(&self, slot: &ItemSlot, condition: &Condition, at: Timestamp) -> Option<Evaluation> {
        if at > self.now && matches!(condition, Condition::NotRunning(_)) {
            return None;
        }
        // What was found by looking is as old as it is now.
        let at = if condition.look().is_some() {
            self.now
        } else {
            at
        };
        match self.evaluate(slot, condition, at) {
            Evaluation::Met | Evaluation::Waiting { looking: true, .. } => None,
            lacking @ Evaluation::Waiting { .. } => Some(lacking),
        }
    }
}

/// Whether time alone has ended a hindrance by then.
fn is_over(hindrance: &Hindrance, at: Timestamp) -> bool {
    match hindrance {
        Hindrance::Paused(PauseRow { until, .. }) => until.is_some_and(|until| until <= at),
        // Conditions are looked at as they will be.
        Hindrance::Condition(..) => true,
        Hindrance::Inactive
        | Hindrance::HandlerDisabled
        | Hindrance::Disabled
        | Hindrance::HandlerDisconnected
        | Hindrance::Disconnected
        | Hindrance::Leaving(_)
        | Hindrance::Policy
        | Hindrance::OwnProgram => false,
    }
}

/// Keeps the first [`MAX_FORECAST`], all of each moment or none, and tells up to when that is.
fn first_only(coming: &mut Vec<(Timestamp, ItemRef, Option<&String>)>) -> Timestamp {
    coming.sort_by_key(|(at, ..)| *at);
    let Some(beyond) = coming.get(MAX_FORECAST).map(|(at, ..)| *at) else {
        return coming.last().map_or(Timestamp(0), |(at, ..)| *at);
    };
    let fit = coming.partition_point(|(at, ..)| *at < beyond);
    // So many at one moment are told in part: nothing else could be said of it.
    coming.truncate(if fit == 0 { MAX_FORECAST } else { fit });
    coming.last().map_or(beyond, |(at, ..)| *at)
}
