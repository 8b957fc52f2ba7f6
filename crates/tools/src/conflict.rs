//! Conflicts that a program told of, and what is done about them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use syncmgr_handler::call::{ResolveConflict, Resolved, Undone};
use syncmgr_handler::contract::MAX_PAGE;

use crate::clock::now_ms;
use crate::item::{ItemValues, ToolItem};
use crate::keep;
use crate::operation::{Unheard, carry_out};
use crate::read::FoundConflict;
use crate::recipe::{Class, OperationKind};
use crate::refused::Refused;
use crate::template::Either;

/// The file in which open conflicts are kept.
const FILE: &str = "conflicts.json";
/// The file in which choices are kept that can be taken back.
const RESOLVED: &str = "resolved.json";
/// So many choices of an item can be taken back, the last ones.
const RESOLVED_MAX: usize = 1000;

/// An open conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) conflict: FoundConflict,
    /// When it was first seen, in milliseconds since 1970-01-01T00:00:00Z.
    pub(crate) found_ms: i64,
}

/// A choice that can be taken back.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Taken {
    run: String,
    choice: String,
    kept: Kept,
    facts: BTreeMap<String, String>,
}

fn kept(item: &ToolItem) -> Vec<Kept> {
    keep::read(&item.state, FILE)
}

fn keep(item: &ToolItem, open: &[Kept]) -> Result<(), Refused> {
    write(item, FILE, &open)
}

fn write<T: Serialize>(item: &ToolItem, name: &str, value: &T) -> Result<(), Refused> {
    keep::write(&item.state, name, value).map_err(|error| {
        Refused::new(
            "tools::state",
            format!(
                "conflicts could not be kept in {}: {error}",
                item.state.display()
            ),
            "make room on the disk, and look whose the directory is",
        )
    })
}

/// Takes what is in conflict now in place of what was; what was known before keeps its time.
pub(crate) fn replace(item: &ToolItem, found: Vec<FoundConflict>) -> Result<Vec<Kept>, Refused> {
    let before = kept(item);
    let now = now_ms();
    let open: Vec<Kept> = found
        .into_iter()
        .map(|conflict| {
            let known = before.iter().find(|kept| kept.conflict.id == conflict.id);
            Kept {
                found_ms: known.map_or(now, |kept| kept.found_ms),
                conflict,
            }
        })
        .collect();
    if open != before {
        keep(item, &open)?;
    }
    Ok(open)
}

/// What is in conflict: asked of the program where it can tell, else what its last run told.
pub(crate) fn open(
    item: &ToolItem,
    secrets: &BTreeMap<String, String>,
) -> Result<Vec<Kept>, Refused> {
    if item.recipe.conflicts.is_empty() {
        return Ok(kept(item));
    }
    let work = item.work(secrets);
    let finished = carry_out(
        &work,
        OperationKind::Conflicts,
        &item.recipe.conflicts,
        BTreeMap::new(),
        &ItemValues(item),
        &Unheard,
    );
    if finished.outcome.class >= Class::Soft {
        return Err(failed(finished.outcome.say, finished.outcome.hint));
    }
    replace(item, finished.outcome.conflicts)
}

fn failed(say: Option<String>, hint: Option<String>) -> Refused {
    Refused::new(
        "tools::failed",
        say.unwrap_or_else(|| "the program failed".to_owned()),
        hint.unwrap_or_else(|| "start it by hand and look at what it says".to_owned()),
    )
}

/// Carries out a choice, step by step. The conflict is over when all steps ended well and none told of it again.
pub(crate) fn resolve(
    item: &ToolItem,
    secrets: &BTreeMap<String, String>,
    wanted: &ResolveConflict,
) -> Result<Resolved, Refused> {
    let mut all = open(item, secrets)?;
    let Some(at) = all
        .iter()
        .position(|kept| kept.conflict.id == wanted.conflict)
    else {
        return Ok(Resolved::Refresh);
    };
    let Some(chosen) = all.get(at).cloned() else {
        return Ok(Resolved::Refresh);
    };
    let mut facts = chosen.conflict.keep.clone();
    facts.insert("conflict".to_owned(), chosen.conflict.id.clone());
    facts.insert("conflict_name".to_owned(), chosen.conflict.name.clone());
    for (place, location, _) in &chosen.conflict.versions {
        facts.insert(format!("at_{place}"), location.clone());
    }
    let values = ItemValues(item);
    let choice = item
        .recipe
        .choices
        .iter()
        .filter(|choice| choice.condition.holds(&Either(&facts, &values)))
        .find(|choice| choice.name == wanted.choice);
    let Some(choice) = choice else {
        let known: Vec<&str> = item
            .recipe
            .choices
            .iter()
            .map(|choice| choice.name.as_str())
            .collect();
        return Err(Refused::new(
            "tools::choice",
            "that is no choice of this conflict",
            format!("choose {}", known.join(", ")),
        ));
    };
    let finished = carry_out(
        &item.work(secrets),
        OperationKind::Resolve,
        &choice.steps,
        facts,
        &values,
        &Unheard,
    );
    if finished.outcome.class >= Class::Soft {
        return Err(failed(finished.outcome.say, finished.outcome.hint));
    }
    if finished
        .outcome
        .conflicts
        .iter()
        .any(|conflict| conflict.id == chosen.conflict.id)
    {
        return Err(Refused::new(
            "tools::unresolved",
            "it is in conflict still: that choice came to nothing, and changed nothing",
            "choose another one, or decide in the program itself",
        ));
    }
    all.remove(at);
    for conflict in finished.outcome.conflicts {
        all.push(Kept {
            conflict,
            found_ms: now_ms(),
        });
    }
    keep(item, &all)?;
    if !choice.undo.is_empty() {
        let mut taken: Vec<Taken> = keep::read(&item.state, RESOLVED);
        taken.push(Taken {
            run: wanted.as_run.clone(),
            choice: choice.name.clone(),
            kept: chosen,
            facts: finished.outcome.facts.clone(),
        });
        let old = taken.len().saturating_sub(RESOLVED_MAX);
        taken.drain(..old);
        write(item, RESOLVED, &taken)?;
    }
    let kept = choice
        .kept
        .as_ref()
        .map(|kept| kept.fill(&Either(&finished.outcome.facts, &values)));
    Ok(Resolved::Continue {
        kept,
        until_ms: None,
        counts: Some(finished.outcome.counts),
    })
}

/// Whether a choice of this run can be taken back.
pub(crate) fn can_undo(item: &ToolItem, run: &str) -> bool {
    let taken: Vec<Taken> = keep::read(&item.state, RESOLVED);
    taken.iter().any(|taken| taken.run == run)
}

/// Takes back the choices of a run, the last one first. Those that fail stay, and are told. Blocks.
pub(crate) fn undo(
    item: &ToolItem,
    secrets: &BTreeMap<String, String>,
    run: &str,
) -> Result<Undone, Refused> {
    let mut taken: Vec<Taken> = keep::read(&item.state, RESOLVED);
    let mut open = kept(item);
    let mut undone = Undone {
        restored: 0,
        removed: 0,
        kept: Vec::new(),
        counts: None,
    };
    let of_run: Vec<usize> = (0..taken.len())
        .rev()
        .filter(|at| taken.get(*at).is_some_and(|taken| taken.run == run))
        .collect();
    for at in of_run {
        let Some(one) = taken.get(at).cloned() else {
            continue;
        };
        match take_back(item, secrets, &one) {
            Ok(()) => {
                undone.restored += 1;
                open.retain(|kept| kept.conflict.id != one.kept.conflict.id);
                open.push(one.kept);
                taken.remove(at);
            }
            Err(why) if undone.kept.len() < MAX_PAGE => {
                undone
                    .kept
                    .push(format!("{} stays as it is: {why}", one.kept.conflict.name));
            }
            Err(_) => {}
        }
    }
    keep(item, &open)?;
    write(item, RESOLVED, &taken)?;
    Ok(undone)
}

fn take_back(
    item: &ToolItem,
    secrets: &BTreeMap<String, String>,
    taken: &Taken,
) -> Result<(), String> {
    let values = ItemValues(item);
    let known = Either(&taken.facts, &values);
    let choice = item
        .recipe
        .choices
        .iter()
        .filter(|choice| choice.condition.holds(&known))
        .find(|choice| choice.name == taken.choice)
        .ok_or("its recipe changed")?;
    let finished = carry_out(
        &item.work(secrets),
        OperationKind::Resolve,
        &choice.undo,
        taken.facts.clone(),
        &values,
        &Unheard,
    );
    match finished.outcome.class {
        Class::Good | Class::Warning => Ok(()),
        Class::Soft | Class::Hard => Err(finished
            .outcome
            .say
            .unwrap_or_else(|| "the program failed".to_owned())),
    }
}
