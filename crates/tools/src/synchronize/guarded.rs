//! Holds a run back whose guard finds its plan or its sources suspicious, until a person answers.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use syncmgr_handler::callback::{Level, Progress, Status};
use syncmgr_handler::item::Counts;

use super::Worker;
use super::teller::Teller;
use crate::guard::{self, Decision, Hold, Planned, Sources, decision, measure};
use crate::item::ItemValues;
use crate::keep;
use crate::operation::{Far, Finished, Listener, carry_out};
use crate::read::{Action, Asked};
use crate::recipe::{Class, LevelOf, OperationKind, QuestionOf};

/// The file in which entries of sources are kept.
const SOURCES: &str = "sources.json";
/// Entries of a source that are counted; more is as good as all.
const ENTRIES_MAX: usize = 1000;

impl Worker<'_> {
    /// Whether a guard holds it. `Err`: it cannot be told; it ended.
    pub(super) fn held(
        &self,
        facts: &mut BTreeMap<String, String>,
    ) -> Result<Option<Hold>, Box<Finished>> {
        let values = ItemValues(self.item);
        let Some(guard) = self
            .item
            .recipe
            .guard
            .as_ref()
            .filter(|guard| guard.condition.holds(&values))
        else {
            return Ok(None);
        };
        let mut holds = Vec::new();
        let before: Sources = keep::read(&self.item.state, SOURCES);
        for (side, templates) in [
            (guard::Side::Source, &guard.sources),
            (guard::Side::Target, &guard.targets),
        ] {
            for path in templates.iter().map(|template| template.fill(&values)) {
                if Path::new(&path).is_absolute() {
                    let known = before.get(&path).copied();
                    holds.extend(guard::vanished(side, &path, known, entries(&path)));
                }
            }
        }
        let (count, percent) = self.item.definition.settings.guard(guard);
        if holds.is_empty() && !self.item.recipe.plan.is_empty() && percent < 100 {
            let counting = Counting::new(self);
            let work = self.item.work(self.secrets);
            let finished = carry_out(
                &work,
                OperationKind::Plan,
                &self.item.recipe.plan,
                BTreeMap::new(),
                &values,
                &counting,
            );
            if finished.cancelled || finished.outcome.class >= Class::Soft {
                return Err(Box::new(finished));
            }
            let mut planned = counting
                .planned
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner);
            planned.total = finished
                .outcome
                .facts
                .get("total")
                .and_then(|total| crate::read::number(total));
            holds.extend(measure(&planned, count, percent));
        }
        let Some(hold) = holds.into_iter().next() else {
            for key in [guard::DELETIONS, guard::SOURCE] {
                if self.run.answer(Some(self.id()), key).is_some() {
                    self.run.withdraw(Some(self.id().clone()), key);
                }
            }
            return Ok(None);
        };
        match decision(&hold, self.run.answer(Some(self.id()), hold.key())) {
            Some(Decision::Apply) => {
                facts.insert("approved".to_owned(), "1".to_owned());
                self.run.withdraw(Some(self.id().clone()), hold.key());
                Ok(None)
            }
            Some(Decision::BringBack) if !self.item.recipe.restore.is_empty() => {
                let finished = self.carry_out(
                    OperationKind::Restore,
                    &self.item.recipe.restore,
                    BTreeMap::new(),
                );
                if finished.cancelled || finished.outcome.class >= Class::Soft {
                    return Err(Box::new(finished));
                }
                self.run.withdraw(Some(self.id().clone()), hold.key());
                Ok(None)
            }
            _ => Ok(Some(hold)),
        }
    }

    /// Asks a person, and ends the item for now.
    pub(super) fn hold(&self, hold: &Hold) {
        let prompt = hold.prompt(self.id(), !self.item.recipe.restore.is_empty());
        if let Err(fault) = self.run.ask(prompt) {
            self.run.note(
                Level::Warning,
                Some(self.id()),
                format!("the question could not be asked: {fault}"),
            );
        }
        self.terminal(
            Status::Skipped,
            Some(format!("held: {hold}")),
            Counts::default(),
            None,
        );
    }

    /// Keeps how much its sources held.
    pub(super) fn remember_sources(&self) {
        let Some(guard) = &self.item.recipe.guard else {
            return;
        };
        let values = ItemValues(self.item);
        let sources: Sources = guard
            .sources
            .iter()
            .chain(&guard.targets)
            .map(|path| path.fill(&values))
            .filter_map(|path| Some((path.clone(), entries(&path)?)))
            .collect();
        if !sources.is_empty()
            && sources != keep::read::<Sources>(&self.item.state, SOURCES)
            && let Err(fault) = keep::write(&self.item.state, SOURCES, &sources)
        {
            let text = format!("what its sources held could not be kept: {fault}");
            self.run.note(Level::Warning, Some(self.id()), text);
        }
    }
}

/// How many entries a directory has, up to [`ENTRIES_MAX`]; `None` where there is none.
fn entries(path: &str) -> Option<u64> {
    let entries = std::fs::read_dir(path).ok()?.take(ENTRIES_MAX).count();
    u64::try_from(entries).ok()
}

/// Counts what a plan would delete, before a run.
struct Counting<'a> {
    teller: Teller<'a>,
    planned: Mutex<Planned>,
}

impl<'a> Counting<'a> {
    fn new(worker: &Worker<'a>) -> Self {
        Self {
            teller: Teller::new(worker.run, worker.item, OperationKind::Plan),
            planned: Mutex::default(),
        }
    }
}

impl Listener for Counting<'_> {
    fn is_cancelled(&self) -> bool {
        self.teller.is_cancelled()
    }

    fn progress(&self, _: Far<'_>) {
        self.teller.run.progress(Progress {
            item: Some(self.teller.item.id.clone()),
            text: Some("looking at what it would delete".to_owned()),
            ..Progress::default()
        });
    }

    fn log(&self, _: LevelOf, _: &str) {}

    fn action(&self, action: &Action) {
        self.planned
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(action);
    }

    fn answer(&self, asked: &Asked, how: &QuestionOf) -> Option<String> {
        self.teller.answer(asked, how)
    }

    fn answer_unknown(&self, text: &str) -> Option<String> {
        self.teller.answer_unknown(text)
    }
}
