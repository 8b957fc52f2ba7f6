//! Copies that lie beside the files of an item: its `[copies]`, as conflicts of the item.

use std::path::PathBuf;

use syncmgr_handler::call::{
    Conflict, ReadVersion, ResolveConflict, Resolved, Undo, Undone, VersionPiece,
};

use crate::clock::now_ms;
use crate::copies::{self, Bounds, Copies, Rules};
use crate::item::{ItemValues, ToolItem};
use crate::refused::Refused;

/// By which names copies of an item are known: those that its recipe names, else those of programs that are known.
fn rules(item: &ToolItem) -> Rules {
    match &item.recipe.copies {
        Some(copies) if !copies.names.is_empty() => Rules::new(
            copies
                .names
                .iter()
                .map(|pattern| (item.recipe.name.clone(), pattern.clone())),
            copies.without.clone(),
        ),
        _ => Rules::of_others(),
    }
}

/// Below which directories an item has copies.
fn below(item: &ToolItem) -> Vec<PathBuf> {
    let values = ItemValues(item);
    let copies = item.recipe.copies.iter();
    copies
        .flat_map(|copies| &copies.below)
        .map(|template| PathBuf::from(template.fill(&values)))
        .filter(|path| path.is_absolute())
        .collect()
}

/// Looks for copies anew, where an item can have some. Blocks.
pub(crate) fn look(
    item: &ToolItem,
    cancelled: &dyn Fn() -> bool,
) -> Result<Option<Copies>, Refused> {
    if item.recipe.copies.is_none() {
        return Ok(None);
    }
    let bounds = Bounds::default();
    copies::find(
        &item.state,
        &below(item),
        &rules(item),
        &bounds,
        now_ms(),
        cancelled,
    )
    .map(Some)
}

/// The copies that the last look found and that are still there.
pub(crate) fn open(item: &ToolItem) -> Result<Vec<Conflict>, Refused> {
    if item.recipe.copies.is_none() {
        return Ok(Vec::new());
    }
    let open = copies::still_there(&item.state)?;
    Ok(open.iter().map(|copy| copy.conflict(&item.id)).collect())
}

/// Whether a conflict is about a copy.
pub(crate) fn is_one(item: &ToolItem, conflict: &str) -> bool {
    let is = |copy: &copies::Copy| copy.id == conflict;
    item.recipe.copies.is_some() && copies::listed(&item.state).iter().any(is)
}

/// Carries out a choice.
pub(crate) fn resolve(item: &ToolItem, wanted: &ResolveConflict) -> Result<Resolved, Refused> {
    let ResolveConflict {
        conflict,
        choice,
        as_run,
        ..
    } = wanted;
    copies::resolve(
        &item.state,
        &rules(item),
        conflict,
        choice,
        as_run,
        now_ms(),
    )
}

/// Takes decisions back, and looks what is there again.
pub(crate) fn undo(item: &ToolItem, what: &Undo) -> Result<Undone, Refused> {
    if item.recipe.copies.is_none() {
        return Err(Refused::new(
            "tools::no-undo",
            format!("what {} did cannot be taken back here", item.recipe.name),
            "the program itself may have a way",
        ));
    }
    let undone = copies::undo(&item.state, what)?;
    look(item, &|| false)?;
    Ok(undone)
}

/// Reads a piece of a version.
pub(crate) fn read(item: &ToolItem, what: &ReadVersion) -> Result<VersionPiece, Refused> {
    if !is_one(item, &what.conflict) {
        return Err(Refused::new(
            "tools::not-readable",
            format!(
                "{} does not show what its versions contain",
                item.recipe.name
            ),
            "open them where they are",
        ));
    }
    copies::read(&item.state, what)
}
