//! Lists to choose from, and what persons choose of them (mobsync 4.1).

use std::collections::{BTreeMap, BTreeSet};

use syncmgr_control::offer::{OfferView, OfferedHandlerView, OfferedRow};
use syncmgr_control::{Caller, Refusal, Reply};
use syncmgr_core::input::Input;
use syncmgr_core::item::ItemCapability;
use syncmgr_core::need::{NeedRow, NeedState};
use syncmgr_core::offer::{Chosen, Offer, Pick};
use syncmgr_core::{NeedId, confirm, invocation};

use crate::adapt::text;
use crate::answering::First;
use crate::run::Loop;

/// So many items that are gone are told; the others are not even looked for.
const MAX_TOLD: usize = 10;

impl Loop {
    /// The list of a question, or of everything.
    pub(crate) fn offer(&self, need: Option<u64>) -> Result<OfferView, Refusal> {
        let Some(id) = need else {
            return Ok(OfferView {
                lasts: true,
                ..self.offer_view(&self.manager.offer())
            });
        };
        let need = self.open_need(NeedId(id))?;
        let offer = self.manager.offer_of(need).ok_or_else(|| no_list(id))?;
        Ok(OfferView {
            need: Some(id),
            text: Some(need.text.clone()),
            deadline_ms: need.deadline.map(|at| at.0),
            close: need.choices.get(1).map(|choice| choice.name.clone()),
            lasts: self.manager.keeps_ticks(need),
            ..self.offer_view(&offer)
        })
    }

    /// Starts what was ticked. What was ticked and is no more is told, and nothing starts without it.
    pub(crate) fn choose(
        &mut self,
        caller: &Caller,
        need: Option<u64>,
        items: &[String],
        offered: &[String],
    ) -> Result<Reply, Refusal> {
        self.read_system();
        let of = need.map(NeedId);
        let (offer, begins) = match of {
            None => (self.manager.offer(), None),
            Some(id) => {
                let need = self.open_need(id)?;
                let offer = self.manager.offer_of(need);
                let begins = need.choices.first().map(|choice| choice.name.clone());
                (offer.ok_or_else(|| no_list(id.0))?, begins)
            }
        };
        let ticked = self.picked(&offer, items)?;
        if ticked.is_empty() {
            return Err(nothing_ticked());
        }
        let by_name = by_name(&offer);
        let shown: BTreeSet<Pick> = if offered.is_empty() {
            by_name.into_values().collect()
        } else {
            // What is gone since has no tick to lose.
            let known = offered.iter().filter_map(|name| by_name.get(name).cloned());
            known.collect()
        };
        let unticked = shown.into_iter().filter(|pick| !ticked.contains(pick));
        let chosen = Chosen {
            of,
            unticked: unticked.collect(),
            ticked,
        };
        let before = self.due_records();
        self.apply(Input::Choose(chosen));
        if let Some(need) = of {
            self.answered.add(First {
                need,
                by: text::line(&caller.name),
                choice: begins.unwrap_or_default(),
                at: self.manager.zone().wall_text(self.now()),
            });
        }
        Ok(Reply::Answered {
            request: self.request_since(before),
            forgotten: None,
        })
    }

    /// Whoever starts a list as it is ticked, without ticking anything himself, must find something ticked in it.
    pub(crate) fn may_begin(&self, need: &NeedRow, choice: &str) -> Result<(), Refusal> {
        let begins = choice == invocation::START || choice == confirm::YES;
        match self.manager.offer_of(need) {
            Some(offer) if begins && offer.ticked().is_empty() => Err(nothing_ticked()),
            Some(_) | None => Ok(()),
        }
    }

    fn open_need(&self, id: NeedId) -> Result<&NeedRow, Refusal> {
        self.manager
            .needs()
            .find(|need| need.id == id && need.state == NeedState::Open)
            .ok_or_else(|| self.answered.refusal(id))
    }

    /// What names mean in a list: as it calls its rows, or as people call items.
    fn picked(&self, offer: &Offer, names: &[String]) -> Result<Vec<Pick>, Refusal> {
        let by_name = by_name(offer);
        let (mut picks, mut gone) = (BTreeSet::new(), Vec::new());
        for name in names {
            let pick = match by_name.get(name) {
                Some(pick) => pick.clone(),
                None => match self.one(name) {
                    Ok(item) => Pick::Item(item),
                    Err(_) => {
                        gone.push(text::line(name));
                        if gone.len() >= MAX_TOLD {
                            break;
                        }
                        continue;
                    }
                },
            };
            if !by_name.values().any(|offered| *offered == pick) {
                return Err(Refusal::new(
                    "choice::not-offered",
                    format!("`{}` is not in this list", text::line(name)),
                    "it was turned off meanwhile, or belongs to something else; nothing was started",
                ));
            }
            picks.insert(pick);
        }
        if gone.is_empty() {
            return Ok(picks.into_iter().collect());
        }
        Err(Refusal::new(
            "choice::gone",
            format!("`{}` is not there any more", gone.join("`, `")),
            "the list changed meanwhile and nothing was started; look at it again and choose anew",
        ))
    }

    fn offer_view(&self, offer: &Offer) -> OfferView {
        let handlers = offer.handlers.iter().map(|offered| {
            let rows = offered.items.iter().map(|item| {
                let row = self.manager.item(&item.at);
                OfferedRow {
                    pick: name_of(&Pick::Item(item.at.clone())),
                    name: row.map_or_else(|| item.at.item.to_string(), |row| row.name.clone()),
                    ticked: item.ticked,
                    last_good_ms: row.and_then(|row| row.last_good).map(|at| at.0),
                    count: 1,
                    properties: row
                        .is_some_and(|row| row.capabilities.contains(&ItemCapability::Properties)),
                }
            });
            OfferedHandlerView {
                handler: offered.handler.to_string(),
                name: self.manager.handler_name(&offered.handler),
                rows: rows.collect(),
                rest: offered.rest.map(|rest| OfferedRow {
                    pick: name_of(&Pick::Rest(offered.handler.clone())),
                    name: String::new(),
                    ticked: rest.ticked,
                    last_good_ms: None,
                    count: rest.count,
                    properties: false,
                }),
            }
        });
        OfferView {
            handlers: handlers.collect(),
            ..OfferView::default()
        }
    }
}

/// What a row of a list is called: no item has an empty identity, so none is called as the rest of its handler.
fn name_of(pick: &Pick) -> String {
    match pick {
        Pick::Item(item) => format!("{}/{}", item.handler, item.item),
        Pick::Rest(handler) => format!("{handler}/"),
    }
}

fn by_name(offer: &Offer) -> BTreeMap<String, Pick> {
    offer
        .rows()
        .map(|(pick, _)| (name_of(&pick), pick))
        .collect()
}

fn nothing_ticked() -> Refusal {
    Refusal::new(
        "choice::nothing-ticked",
        "nothing is ticked, so nothing was started",
        "tick at least one item, or close the list",
    )
}

fn no_list(need: u64) -> Refusal {
    Refusal::new(
        "choice::no-list",
        format!("question {need} has no list to choose from"),
        "`syncmgr answer ID` answers it",
    )
}
