//! Which items a rule selects.

use crate::id::ItemRef;
use crate::manager::Manager;
use crate::rule::Rule;
use crate::triggering::RuleState;

/// A rule with more items than this looks for them each time.
const MAX_CHOSEN: usize = 1_024;

/// The items of a rule, found once: a rule that is due every second must not look at every item there is.
#[derive(Debug)]
pub(crate) struct Chosen {
    /// The state of the catalog.
    catalog: u64,
    items: Vec<ItemRef>,
}

impl Manager {
    /// The items of a rule, in listing order.
    pub(crate) fn items_of_rule(&self, rule: &Rule) -> Vec<ItemRef> {
        self.handlers
            .values()
            .flat_map(|handler| {
                handler
                    .order
                    .iter()
                    .filter_map(|id| handler.items.get(id))
                    .filter(|slot| rule.selects(&handler.row, &slot.row))
                    .map(|slot| slot.row.at.clone())
            })
            .collect()
    }

    /// Finds the items of a rule, unless they are known.
    pub(crate) fn choose(&mut self, at: usize) -> Vec<ItemRef> {
        let Some(state) = self.rules.get(at) else {
            return Vec::new();
        };
        if let Some(chosen) = self.chosen(state) {
            debug_assert_eq!(
                chosen,
                self.items_of_rule(&state.rule),
                "the catalog changed"
            );
            return chosen.to_vec();
        }
        let items = self.items_of_rule(&state.rule);
        let catalog = self.catalog;
        if let Some(state) = self.rules.get_mut(at) {
            state.chosen = (items.len() <= MAX_CHOSEN).then(|| Chosen {
                catalog,
                items: items.clone(),
            });
        }
        items
    }

    /// The items of a rule, where they are known.
    pub(crate) fn chosen<'a>(&self, state: &'a RuleState) -> Option<&'a [ItemRef]> {
        let chosen = state.chosen.as_ref()?;
        (chosen.catalog == self.catalog).then_some(&chosen.items)
    }
}
