//! "Items to Synchronize": the list that a person ticks before a run, and what is started of it (mobsync 4.1).
//!
//! A list is never kept: it is made from the items there are whenever somebody looks at it, or answers it.

use std::collections::BTreeSet;

use crate::catalog::HandlerSlot;
use crate::confirm;
use crate::hindrance::Hindrance;
use crate::holding::handler_hindrance;
use crate::id::{HandlerId, ItemRef, NeedId};
use crate::invocation;
use crate::manager::Manager;
use crate::need::NeedRow;
use crate::request::{IfRunning, Request, Scope, Trigger, Work};

/// Most items that a list shows one by one; of each handler, the others are one row together.
pub const MAX_OFFERED: usize = 500;

/// A list to choose from: handlers by name, each with its items as it listed them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offer {
    /// The handlers.
    pub handlers: Vec<OfferedHandler>,
}

/// A handler in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedHandler {
    /// It.
    pub handler: HandlerId,
    /// Its items.
    pub items: Vec<OfferedItem>,
    /// What of it has no row of its own.
    pub rest: Option<Rest>,
}

/// An item in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedItem {
    /// It.
    pub at: ItemRef,
    /// How it is ticked when nobody changes it.
    pub ticked: bool,
}

/// What of a handler has no row of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rest {
    /// So many items; none: they are not known yet, and it is asked for them.
    pub count: u64,
    /// How it is ticked when nobody changes it; those of its items start that are.
    pub ticked: bool,
}

/// One row of a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pick {
    /// An item.
    Item(ItemRef),
    /// What of a handler has no row of its own.
    Rest(HandlerId),
}

/// What a person chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The question that it answers; absent: the person asked.
    pub of: Option<NeedId>,
    /// What is to start.
    pub ticked: Vec<Pick>,
    /// What was shown, and is not to start.
    pub unticked: Vec<Pick>,
}

/// What a list is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum About {
    Everything,
    Handler(HandlerId),
    Rule(String),
}

impl Offer {
    /// Every row with its tick.
    pub fn rows(&self) -> impl Iterator<Item = (Pick, bool)> + '_ {
        self.handlers.iter().flat_map(|handler| {
            let items = handler
                .items
                .iter()
                .map(|item| (Pick::Item(item.at.clone()), item.ticked));
            let rest = handler
                .rest
                .map(|rest| (Pick::Rest(handler.handler.clone()), rest.ticked));
            items.chain(rest)
        })
    }

    /// The rows that are ticked when nobody changes them.
    #[must_use]
    pub fn ticked(&self) -> Vec<Pick> {
        self.rows()
            .filter_map(|(pick, ticked)| ticked.then_some(pick))
            .collect()
    }
}

impl Manager {
    /// The list that a question is about; nothing where it is no list (M-150, M-155, mobsync 4.4).
    #[must_use]
    pub fn offer_of(&self, need: &NeedRow) -> Option<Offer> {
        Some(self.offer_about(&about(need)?))
    }

    /// Whether the ticks of a question's list are kept: those of a rule's are about this time alone (M-171).
    #[must_use]
    pub fn keeps_ticks(&self, need: &NeedRow) -> bool {
        matches!(about(need), Some(About::Everything | About::Handler(_)))
    }

    /// The list of everything that can be synchronized (M-171).
    #[must_use]
    pub fn offer(&self) -> Offer {
        self.offer_about(&About::Everything)
    }

    fn offer_about(&self, about: &About) -> Offer {
        let mut handlers: Vec<(String, OfferedHandler)> = Vec::new();
        let mut room = MAX_OFFERED;
        for (slot, mut items, known) in self.rows_about(about) {
            let hidden = items.split_off(items.len().min(room));
            room = room.saturating_sub(items.len());
            let rest = if !known {
                Some(Rest {
                    count: 0,
                    ticked: true,
                })
            } else if hidden.is_empty() {
                None
            } else {
                Some(Rest {
                    count: hidden.len() as u64,
                    ticked: hidden.iter().any(|item| item.ticked),
                })
            };
            let handler = OfferedHandler {
                handler: slot.row.id.clone(),
                items,
                rest,
            };
            handlers.push((slot.row.name.to_lowercase(), handler));
        }
        handlers.sort_by(|a, b| (&a.0, &a.1.handler).cmp(&(&b.0, &b.1.handler)));
        Offer {
            handlers: handlers.into_iter().map(|(_, handler)| handler).collect(),
        }
    }

    /// Each handler with all that is offered of it, and whether its items are known.
    fn rows_about(&self, about: &About) -> Vec<(&HandlerSlot, Vec<OfferedItem>, bool)> {
        let rule = match about {
            About::Rule(name) => self.rules.iter().find(|state| state.rule.name == *name),
            About::Everything | About::Handler(_) => None,
        };
        let mut found = Vec::new();
        for slot in self.handlers.values() {
            let is_meant = match about {
                About::Everything => !slot.row.hidden,
                About::Handler(handler) => slot.row.id == *handler,
                About::Rule(_) => true,
            };
            let can_start = !matches!(
                handler_hindrance(&slot.row),
                Some(
                    Hindrance::Inactive
                        | Hindrance::HandlerDisabled
                        | Hindrance::Policy
                        | Hindrance::OwnProgram
                )
            );
            if !is_meant || !can_start {
                continue;
            }
            let rows = slot.order.iter().filter_map(|id| slot.items.get(id));
            let (shown, hidden): (Vec<_>, Vec<_>) = rows
                .map(|item| &item.row)
                .filter(|row| row.enabled)
                .filter(|row| match about {
                    About::Rule(_) => rule.is_some_and(|state| state.rule.selects(&slot.row, row)),
                    About::Everything | About::Handler(_) => true,
                })
                .partition(|row| !row.hidden && !slot.row.hidden);
            // What is hidden is left out (M-60), unless somebody asked for nothing else.
            let rows = if shown.is_empty() && *about != About::Everything {
                hidden
            } else {
                shown
            };
            let known = match about {
                About::Rule(_) => true,
                About::Everything | About::Handler(_) => {
                    slot.row.asked
                        || !slot.items.is_empty()
                        || self.all_defined.contains(&slot.row.id)
                }
            };
            let items: Vec<OfferedItem> = rows
                .into_iter()
                .map(|row| OfferedItem {
                    at: row.at.clone(),
                    ticked: matches!(about, About::Rule(_)) || row.checked,
                })
                .collect();
            if !items.is_empty() || !known {
                found.push((slot, items, known));
            }
        }
        found
    }

    /// Starts what a person chose of a list, and keeps his ticks where they are his own (mobsync 4.1).
    pub(crate) fn take_choice(&mut self, chosen: Chosen) {
        let Some(id) = chosen.of else {
            self.keep_ticks(&chosen);
            return self.start_picks(&About::Everything, chosen.ticked, &by_hand());
        };
        let Some(need) = self.needs.get(&id).filter(|need| need.durable).cloned() else {
            return;
        };
        match about(&need) {
            Some(About::Rule(name)) => self.confirm(id, &name, chosen.ticked),
            Some(about @ (About::Everything | About::Handler(_))) => {
                self.keep_ticks(&chosen);
                let Some(wanted) = self.close_invocation(&need) else {
                    return;
                };
                self.start_picks(&about, chosen.ticked, &wanted);
            }
            None => {}
        }
    }

    /// The ticks for what a person starts himself.
    fn keep_ticks(&mut self, chosen: &Chosen) {
        for (picks, ticked) in [(&chosen.ticked, true), (&chosen.unticked, false)] {
            for pick in picks {
                if let Pick::Item(item) = pick {
                    self.check(item, ticked);
                }
            }
        }
    }

    /// The items that picks of a rule's list mean, as far as they are still its own.
    pub(crate) fn items_of_picks(&self, rule: &str, picks: Vec<Pick>) -> Vec<ItemRef> {
        self.meant(&About::Rule(rule.to_owned()), picks).0
    }

    /// The items that picks mean, and the handlers whose items are not known.
    fn meant(&self, about: &About, picks: Vec<Pick>) -> (Vec<ItemRef>, Vec<HandlerId>) {
        let picks: BTreeSet<Pick> = picks.into_iter().collect();
        let (mut items, mut handlers) = (Vec::new(), Vec::new());
        let mut room = MAX_OFFERED;
        for (slot, offered, known) in self.rows_about(about) {
            let with_rest = picks.contains(&Pick::Rest(slot.row.id.clone()));
            if !known && with_rest {
                handlers.push(slot.row.id.clone());
            }
            let shown = offered.len().min(room);
            room = room.saturating_sub(shown);
            for (at, item) in offered.into_iter().enumerate() {
                let is_meant = if at < shown {
                    picks.contains(&Pick::Item(item.at.clone()))
                } else {
                    with_rest && item.ticked
                };
                if is_meant {
                    items.push(item.at);
                }
            }
        }
        (items, handlers)
    }

    /// One session for all items, and one for each handler that has to be asked for its items first.
    fn start_picks(&mut self, about: &About, picks: Vec<Pick>, wanted: &Request) {
        let (items, handlers) = self.meant(about, picks);
        let items = (!items.is_empty()).then_some(Scope::Items(items));
        for scope in items
            .into_iter()
            .chain(handlers.into_iter().map(Scope::Handler))
        {
            let request = self.next_request();
            let wanted = Request {
                scope,
                ..wanted.clone()
            };
            self.enqueue(request, wanted);
        }
    }
}

/// What a question's list is about.
fn about(need: &NeedRow) -> Option<About> {
    if let Some(rule) = need.key.strip_prefix(confirm::MARK) {
        return Some(About::Rule(rule.to_owned()));
    }
    invocation::is_about_all(need).map(|all| {
        if all {
            About::Everything
        } else {
            About::Handler(need.handler.clone())
        }
    })
}

/// What a person starts himself.
fn by_hand() -> Request {
    Request {
        scope: Scope::Checked,
        work: Work::Synchronize,
        trigger: Trigger::Manual,
        may_bother_user: true,
        cookie: None,
        if_running: IfRunning::Again,
    }
}
