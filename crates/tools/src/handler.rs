//! The items as a handler: translates between the contract and the operations, and decides nothing by itself.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};
use syncmgr_handler::call::{
    Choice, Conflict, ConflictVersion, DefineItem, ItemDefinition, ItemPlan, ReadVersion,
    ResolveConflict, Resolved, Undo, Undone, Verdict, VersionPiece,
};
use syncmgr_handler::callback::PlanAction;
use syncmgr_handler::contract::feature;
use syncmgr_handler::frame::RpcError;
use syncmgr_handler::item::{HandlerInfo, Item, ItemId};
use syncmgr_handler::{ActionSink, Handler, Introduction, ItemList, Run, Start, Unfinished};

use crate::arguments::parse;
use crate::beside;
use crate::catalogue::Catalogue;
use crate::conflict::{self, Kept};
use crate::guard::{Planned, measure};
use crate::item::{Held, ItemValues, Surroundings, ToolItem, recipe_of};
use crate::operation::{Far, Listener, Unheard, carry_out};
use crate::read::{Action, Asked, FoundConflict};
use crate::recipe::{Class, LevelOf, OperationKind, QuestionOf, Recipe};
use crate::refused::Refused;
use crate::secret;
use crate::synchronize::synchronize;
use crate::template::Either;

/// The items of one manager.
#[derive(Debug)]
pub struct Tools {
    surroundings: Surroundings,
    started: Mutex<Started>,
}

#[derive(Debug, Default)]
struct Started {
    state_dir: PathBuf,
    catalogue: Arc<Catalogue>,
    items: BTreeMap<String, Held>,
    /// Secrets that a person gave for this instance, by item and argument.
    secrets: BTreeMap<String, BTreeMap<String, String>>,
}

/// Serves the items over standard input and output until the manager is done with them.
///
/// Blocks. What ends it early is told on standard error, which the manager keeps.
pub fn serve(surroundings: Surroundings) {
    if let Err(error) = crate::process::adopt_orphans() {
        // What goes away from its program is then not found; all else works.
        drop(writeln!(
            std::io::stderr(),
            "orphans cannot be adopted: {error}"
        ));
    }
    if let Err(error) = syncmgr_handler::serve_stdio(Tools::new(surroundings)) {
        // Nobody is left to tell if this fails too.
        drop(writeln!(
            std::io::stderr(),
            "the handler of tools ended early: {error}"
        ));
    }
}

impl Tools {
    /// A handler that knows nothing yet.
    #[must_use]
    pub fn new(surroundings: Surroundings) -> Self {
        Self {
            surroundings,
            started: Mutex::default(),
        }
    }

    fn started(&self) -> MutexGuard<'_, Started> {
        self.started.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn item(&self, id: &ItemId) -> Result<Arc<ToolItem>, Refused> {
        match self.started().items.get(id.as_str()) {
            Some(held) => held.clone(),
            None => Err(Refused::new(
                "tools::unknown",
                "there is no such item",
                "`syncmgr list` shows the items",
            )),
        }
    }

    fn secrets(&self, id: &ItemId) -> BTreeMap<String, String> {
        self.started()
            .secrets
            .get(id.as_str())
            .cloned()
            .unwrap_or_default()
    }

    fn read_words(
        &self,
        wish: &DefineItem,
        catalogue: &Catalogue,
    ) -> Result<Map<String, Value>, Refused> {
        let arguments = &wish.arguments;
        let Some(words) = arguments.get("words").and_then(Value::as_array) else {
            return Ok(arguments.clone());
        };
        let recipe = catalogue.get(recipe_of(arguments)?)?;
        let words: Vec<String> = words
            .iter()
            .filter_map(|word| word.as_str().map(str::to_owned))
            .collect();
        let cwd = arguments.get("cwd").and_then(Value::as_str).unwrap_or("/");
        parse(
            recipe,
            &words,
            cwd.as_ref(),
            self.surroundings.home.as_deref(),
        )
    }
}

impl Handler for Tools {
    fn features(&self) -> Vec<&'static str> {
        let mut features = vec![feature::PLAN, feature::CONFLICTS, feature::DEFINE];
        // Where nothing can be taken back or read, nobody is to be offered it.
        let started = self.started();
        let mut recipes = started.items.values().flatten().map(|item| &item.recipe);
        if recipes.clone().any(|recipe| recipe.copies.is_some()) {
            features.push(feature::READ_CONFLICTS);
        }
        let has_undo = |recipe: &Arc<Recipe>| {
            recipe.copies.is_some() || recipe.choices.iter().any(|choice| !choice.undo.is_empty())
        };
        if recipes.any(has_undo) {
            features.push(feature::UNDO);
        }
        features
    }

    fn initialize(&self, start: &Start) -> Result<Introduction, RpcError> {
        let catalogue = Arc::new(Catalogue::load(&self.surroundings.recipes));
        let mut started = self.started();
        started.state_dir = start.state_dir.clone();
        started.items = start
            .definitions
            .iter()
            .filter_map(|(id, stored)| Some((ItemId::new(id.clone()).ok()?, stored)))
            .map(|(id, stored)| {
                let key = id.as_str().to_owned();
                let read =
                    ToolItem::read(id, stored, &catalogue, &start.state_dir, &self.surroundings);
                (key, read.map(Arc::new))
            })
            .collect();
        started.catalogue = catalogue;
        let info = HandlerInfo {
            name: "Tools".to_owned(),
            comment: "programs that synchronize, such as rclone and restic".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            capabilities: ["conflict-store", "concurrent-sessions"]
                .map(str::to_owned)
                .into(),
            ..HandlerInfo::default()
        };
        Ok(Introduction {
            info,
            stays_out: false,
        })
    }

    fn items(&self) -> Result<ItemList, RpcError> {
        let started = self.started();
        let mut list = ItemList::default();
        for (id, held) in &started.items {
            let Ok(id) = ItemId::new(id.clone()) else {
                list.incomplete = true;
                continue;
            };
            // One that cannot be read is listed all the same, so that its run can say why.
            list.items.push(match held {
                Ok(item) => item.listed(None),
                Err(refused) => {
                    let name = id.as_str().to_owned();
                    Item {
                        comment: refused.text.clone(),
                        ..Item::new(id, name)
                    }
                }
            });
        }
        Ok(list)
    }

    fn define(&self, wish: &DefineItem) -> Result<ItemDefinition, RpcError> {
        let (catalogue, state_dir) = {
            let started = self.started();
            (started.catalogue.clone(), started.state_dir.clone())
        };
        let stored = self.read_words(wish, &catalogue)?;
        let recipe = catalogue.get(recipe_of(&stored)?)?;
        let definition = crate::arguments::Definition::read(recipe, &stored)?;
        let id = ItemId::new(definition.identity(recipe))
            .map_err(|error| RpcError::new(RpcError::INTERNAL, error.to_string()))?;
        let stored = Value::Object(stored);
        let item = ToolItem::read(id, &stored, &catalogue, &state_dir, &self.surroundings)?;
        crate::version::check(&item)?;
        Ok(ItemDefinition {
            item: item.listed(wish.name.clone()),
            definition: stored,
        })
    }

    fn prepare(&self, run: &Run) -> Result<(), Unfinished> {
        for id in run.items() {
            let Ok(item) = self.item(id) else { continue };
            // Who gives no secret gets no run; its items say so then.
            let given = secret::ask(run, &item);
            self.started().secrets.insert(id.as_str().to_owned(), given);
            if run.is_cancelled() {
                return Err(Unfinished::Cancelled);
            }
        }
        Ok(())
    }

    fn synchronize(&self, run: &Run) -> Result<(), Unfinished> {
        let items = run
            .items()
            .iter()
            .map(|id| (id.clone(), self.item(id), self.secrets(id)))
            .collect();
        synchronize(run, items, self.surroundings.host.as_deref());
        if run.is_cancelled() {
            Err(Unfinished::Cancelled)
        } else {
            Ok(())
        }
    }

    fn plan(&self, run: &Run, actions: &mut ActionSink<'_>) -> Result<Vec<ItemPlan>, RpcError> {
        let mut plans = Vec::new();
        for id in run.items() {
            let mut plan = ItemPlan {
                item: id.clone(),
                counts: syncmgr_handler::item::Counts::default(),
                held: None,
                error: None,
            };
            match self.item(id) {
                Ok(item) if item.recipe.plan.is_empty() => {
                    plan.error = Some(cannot_tell(&item));
                }
                Ok(item) => {
                    let teller = PlanTeller {
                        run,
                        item: id,
                        sink: RefCell::new(&mut *actions),
                        planned: RefCell::default(),
                    };
                    let secrets = self.secrets(id);
                    let work = item.work(&secrets);
                    let finished = carry_out(
                        &work,
                        OperationKind::Plan,
                        &item.recipe.plan,
                        BTreeMap::new(),
                        &ItemValues(&item),
                        &teller,
                    );
                    let mut planned = teller.planned.into_inner();
                    plan.counts = planned.counts;
                    let outcome = finished.outcome;
                    planned.planned.total = outcome
                        .facts
                        .get("total")
                        .and_then(|total| crate::read::number(total));
                    if let Some(guard) = &item.recipe.guard {
                        let (count, percent) = item.definition.settings.guard(guard);
                        plan.held =
                            measure(&planned.planned, count, percent).map(|hold| hold.to_string());
                    }
                    plan.error = match outcome.class {
                        _ if finished.cancelled => {
                            Some("it was stopped before it was complete".to_owned())
                        }
                        Class::Soft | Class::Hard => Some(with_hint(outcome.say, outcome.hint)),
                        _ if outcome.started == 0 => Some(cannot_tell(&item)),
                        Class::Good | Class::Warning => None,
                    };
                }
                Err(refused) => {
                    plan.error = Some(with_hint(Some(refused.text), Some(refused.hint)))
                }
            }
            plans.push(plan);
        }
        Ok(plans)
    }

    fn conflicts(&self, item: Option<&ItemId>) -> Result<Vec<Conflict>, RpcError> {
        let ids: Vec<ItemId> = match item {
            Some(item) => vec![item.clone()],
            None => self
                .started()
                .items
                .keys()
                .filter_map(|id| ItemId::new(id.clone()).ok())
                .collect(),
        };
        let mut all = Vec::new();
        for id in ids {
            let found = match self.item(&id) {
                Ok(found) => found,
                // One item that is defined wrongly must not hide the others' conflicts.
                Err(_) if item.is_none() => continue,
                Err(refused) => return Err(refused.into()),
            };
            let secrets = self.secrets(&id);
            all.extend(
                conflict::open(&found, &secrets)?
                    .iter()
                    .map(|kept| told(&found, kept)),
            );
            all.extend(beside::open(&found)?);
        }
        Ok(all)
    }

    fn resolve(&self, choice: &ResolveConflict) -> Result<Resolved, RpcError> {
        let item = self.item(&choice.item)?;
        if beside::is_one(&item, &choice.conflict) {
            return Ok(beside::resolve(&item, choice)?);
        }
        let secrets = self.secrets(&choice.item);
        Ok(conflict::resolve(&item, &secrets, choice)?)
    }

    fn read_version(&self, what: &ReadVersion) -> Result<VersionPiece, RpcError> {
        let item = self.item(&what.item)?;
        Ok(beside::read(&item, what)?)
    }

    fn undo(&self, what: &Undo, run: &Run) -> Result<Undone, RpcError> {
        let item = self.item(&what.item)?;
        let undone = if conflict::can_undo(&item, &what.run) {
            conflict::undo(&item, &self.secrets(&what.item), &what.run)?
        } else {
            beside::undo(&item, what)?
        };
        run.conflicts_changed(Some(what.item.clone()));
        Ok(undone)
    }
}

fn cannot_tell(item: &ToolItem) -> String {
    format!(
        "{} cannot tell beforehand what it would do",
        item.recipe.name
    )
}

fn with_hint(say: Option<String>, hint: Option<String>) -> String {
    let say = say.unwrap_or_else(|| "it failed".to_owned());
    match hint {
        Some(hint) => format!("{say}; {hint}"),
        None => say,
    }
}

fn told(item: &ToolItem, kept: &Kept) -> Conflict {
    let FoundConflict {
        id,
        name,
        summary,
        versions,
        ..
    } = &kept.conflict;
    Conflict {
        id: id.clone(),
        item: item.id.clone(),
        name: name.clone(),
        summary: summary.clone(),
        found_ms: kept.found_ms,
        versions: versions
            .iter()
            .map(|(place, location, deleted)| ConflictVersion {
                place: place.clone(),
                location: location.clone(),
                deleted: *deleted,
                kind: String::new(),
                size: None,
                modified_ms: None,
            })
            .collect(),
        choices: item
            .recipe
            .choices
            .iter()
            .filter(|choice| {
                choice
                    .condition
                    .holds(&Either(&kept.conflict.keep, ItemValues(item)))
            })
            .map(|choice| Choice {
                name: choice.name.clone(),
                label: choice
                    .label
                    .fill(&Either(&kept.conflict.keep, ItemValues(item))),
            })
            .collect(),
    }
}

/// What a plan told, for its totals.
#[derive(Debug, Default)]
struct Counted {
    planned: Planned,
    counts: syncmgr_handler::item::Counts,
}

struct PlanTeller<'a, 'b, 'c> {
    run: &'a Run,
    item: &'a ItemId,
    sink: RefCell<&'b mut ActionSink<'c>>,
    planned: RefCell<Counted>,
}

impl Listener for PlanTeller<'_, '_, '_> {
    fn is_cancelled(&self) -> bool {
        self.run.verdict(self.item) != Verdict::Continue
    }

    fn progress(&self, _: Far<'_>) {}

    fn log(&self, _: LevelOf, _: &str) {}

    fn action(&self, action: &Action) {
        let mut counted = self.planned.borrow_mut();
        counted.planned.take(action);
        let left = action.to.as_deref() == Some("left");
        let counts = &mut counted.counts;
        match action.verb.as_str() {
            "delete" => {
                counts.deleted += 1;
                *(if left {
                    &mut counts.deleted_near
                } else {
                    &mut counts.deleted_far
                }) += 1;
            }
            "conflict" => counts.conflicts += 1,
            "skip" => {}
            verb => {
                let (moved, created) = if left {
                    (&mut counts.received, &mut counts.created_near)
                } else {
                    (&mut counts.sent, &mut counts.created_far)
                };
                *moved += 1;
                if verb == "add" {
                    *created += 1;
                }
                counts.bytes = counts.bytes.saturating_add(action.bytes);
            }
        }
        self.sink.borrow_mut().action(
            self.item,
            PlanAction {
                action: action.verb.clone(),
                to: action.to.clone(),
                name: action.name.clone(),
                bytes: action.bytes,
                reason: action.reason.clone(),
            },
        );
    }

    fn answer(&self, asked: &Asked, how: &QuestionOf) -> Option<String> {
        // A plan asks nobody.
        Unheard.answer(asked, how)
    }

    fn answer_unknown(&self, _: &str) -> Option<String> {
        None
    }
}
