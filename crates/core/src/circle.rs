//! Rules that would, through "after", start themselves again and again.

use std::collections::VecDeque;

use crate::manager::Manager;
use crate::rule::{Cause, Rule};

impl Manager {
    /// The rules of the circle that this one closes through "after", in their order, itself first; absent: it closes none.
    /// A rule of its name that is there already is taken as replaced.
    #[must_use]
    pub fn circle_of(&self, rule: &Rule) -> Option<Vec<String>> {
        if !rule.on.iter().any(|on| matches!(on, Cause::After { .. })) {
            return None;
        }
        let mut rules = vec![rule];
        rules.extend(
            self.rules
                .iter()
                .map(|state| &state.rule)
                .filter(|other| other.name != rule.name),
        );
        // By which rule each was reached; the first is the beginning.
        let mut reached: Vec<Option<usize>> = vec![None; rules.len()];
        let mut ahead = VecDeque::from([0]);
        while let Some(from) = ahead.pop_front() {
            for (to, next) in rules.iter().enumerate() {
                let seen = to != 0 && reached.get(to).is_some_and(Option::is_some);
                if seen || !rules.get(from).is_some_and(|from| self.follows(from, next)) {
                    continue;
                }
                if let Some(slot) = reached.get_mut(to) {
                    *slot = Some(from);
                }
                if to != 0 {
                    ahead.push_back(to);
                    continue;
                }
                let mut names = Vec::new();
                let mut at = from;
                while at != 0 {
                    names.push(rules.get(at)?.name.clone());
                    at = reached.get(at).copied().flatten()?;
                }
                names.push(rule.name.clone());
                names.reverse();
                return Some(names);
            }
        }
        None
    }

    /// Whether the second rule starts after an item that the first one starts.
    fn follows(&self, first: &Rule, second: &Rule) -> bool {
        second.on.iter().any(|cause| match cause {
            Cause::After { item, .. } => self.handlers.values().any(|handler| {
                handler.items.values().any(|slot| {
                    item.matches(&handler.row, &slot.row) && first.selects(&handler.row, &slot.row)
                })
            }),
            Cause::Schedule(_)
            | Cause::Happening(_)
            | Cause::Idle { .. }
            | Cause::Connect(_)
            | Cause::Changed(_)
            | Cause::Volume(_) => false,
        })
    }

    /// The other rules whose items the conditions of this rule hold back as well: conditions belong to items.
    #[must_use]
    pub fn rules_held_by(&self, rule: &Rule) -> Vec<String> {
        if rule.when.is_empty() {
            return Vec::new();
        }
        let items = self.items_of_rule(rule);
        let others = self
            .rules
            .iter()
            .map(|state| &state.rule)
            .filter(|other| other.name != rule.name && !other.on.is_empty());
        others
            .filter(|other| {
                items.iter().any(|item| {
                    let handler = self.handlers.get(&item.handler);
                    let slot = handler.and_then(|handler| handler.items.get(&item.item));
                    handler
                        .zip(slot)
                        .is_some_and(|(handler, slot)| other.selects(&handler.row, &slot.row))
                })
            })
            .map(|other| other.name.clone())
            .collect()
    }
}
