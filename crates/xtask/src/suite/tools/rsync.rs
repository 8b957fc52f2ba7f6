//! rsync: one way copies, here and by ssh.

use std::fs;

use anyhow::{Result, bail};
use serde_json::json;

use super::super::sides::{listing, same};
use super::world::{Case, FAILED, GOOD, NEEDS_YOU, World, equal};

/// Every case.
pub(super) const CASES: &[Case] = &[
    ("plan, first copy, nothing new, one changed", copies),
    ("many deletions are held, applied, brought back", guarded),
];

fn copy(world: &World, more: &[(&str, serde_json::Value)]) -> Result<()> {
    world.no_items()?;
    let mut definition = json!({
        "recipe": "rsync", "source": world.text("source"), "target": world.text("target"), "delete": true,
    });
    for (name, value) in more {
        definition[*name] = value.clone();
    }
    world.item("copy", &definition)
}

fn copies(world: &World) -> Result<String> {
    world.fill("source/deep/er", "file", 20)?;
    world.write("source/with a space | and a bar", "x")?;
    world.directory("target")?;
    copy(world, &[])?;
    let planned = world.plan("copy")?.ended(GOOD)?.actions();
    if !listing(&world.at("target"))?.is_empty() {
        bail!("the plan wrote something");
    }
    let first = world.sync("copy", GOOD)?.status("succeeded")?;
    equal("what was planned and done", &first.done(), &planned)?;
    same(&world.at("source"), &world.at("target"))?;
    let before = listing(&world.at("target"))?;
    equal(
        "the plan of nothing",
        &world.plan("copy")?.ended(GOOD)?.actions(),
        &Vec::new(),
    )?;
    world
        .sync("copy", GOOD)?
        .counted("sent", 0)?
        .counted("deleted", 0)?;
    equal(
        "the target after nothing",
        &listing(&world.at("target"))?,
        &before,
    )?;
    world.write("source/deep/er/file-3", "changed")?;
    fs::remove_file(world.at("source/deep/er/file-4"))?;
    let planned = world.plan("copy")?.ended(GOOD)?.actions();
    let wanted = ["delete deep/er/file-4", "update deep/er/file-3"].map(str::to_owned);
    equal("the plan of a change", &planned, &wanted.to_vec())?;
    let run = world
        .sync("copy", GOOD)?
        .counted("sent", 1)?
        .counted("deleted", 1)?;
    equal("what was done of it", &run.done(), &planned)?;
    same(&world.at("source"), &world.at("target"))?;
    Ok(format!("{} entries", first.done().len()))
}

fn guarded(world: &World) -> Result<String> {
    world.fill("source", "file", 60)?;
    copy(world, &[])?;
    world.sync("copy", GOOD)?;
    for number in 0..50 {
        fs::remove_file(world.at(&format!("source/file-{number}")))?;
    }
    if world.plan("copy")?.text.contains("\"held\":null") {
        bail!("the plan does not say that it would be held");
    }
    world.sync("copy", NEEDS_YOU)?.status("held")?;
    world.answer("later")?;
    world.sync("copy", NEEDS_YOU)?.status("held")?;
    equal(
        "the target while it is held",
        &listing(&world.at("target"))?.len(),
        &60,
    )?;
    world.answer("bring-back")?.ended(GOOD)?;
    world.sync("copy", GOOD)?;
    equal(
        "the source with what was brought back",
        &same(&world.at("source"), &world.at("target"))?.len(),
        &60,
    )?;
    for number in 0..50 {
        fs::remove_file(world.at(&format!("source/file-{number}")))?;
    }
    world.sync("copy", NEEDS_YOU)?.status("held")?;
    world.answer("apply")?.ended(GOOD)?;
    world.sync("copy", GOOD)?;
    equal(
        "the target after the deletions",
        &same(&world.at("source"), &world.at("target"))?.len(),
        &10,
    )?;
    equal("open questions", &world.needs()?.len(), &0)?;
    // Another one of them has to be asked for again.
    let _ = FAILED;
    Ok("50 of 60 held, brought back, held, deleted".to_owned())
}
