//! rdiff-backup: a mirror with a history.

use std::fs;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::world::{Case, GOOD, NEEDS_YOU, Said, World, equal, wait_for};
use crate::run;

/// Every case.
pub(super) const CASES: &[Case] = &[("backup, a change, verified; an emptied source", mirror)];

fn item(world: &World, more: &Value) -> Result<()> {
    world.no_items()?;
    let mut definition = json!({
        "recipe": "rdiff-backup", "source": world.text("source"), "target": world.text("target"), "verify": true,
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        definition[name] = value.clone();
    }
    world.item("mirror", &definition)
}

/// Its backups are named by seconds, and two of the same one are refused.
#[expect(
    clippy::disallowed_methods,
    reason = "the program takes its names from the wall clock"
)]
fn sync(world: &World, code: i32) -> Result<Said> {
    let second = || {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())
    };
    let before = second();
    wait_for("the next second", || second() > before)?;
    world.sync("mirror", code)
}

fn verify(world: &World) -> Result<()> {
    run::check(
        world
            .command("rdiff-backup")
            .args(["verify", &world.text("target")]),
    )
}

fn mirror(world: &World) -> Result<String> {
    world.fill("source", "file", 10)?;
    item(world, &json!({}))?;
    sync(world, GOOD)?.counted("createdFar", 10)?;
    world.write("source/file-3", "changed it")?;
    fs::remove_file(world.at("source/file-4"))?;
    sync(world, GOOD)?.counted("deletedFar", 1)?;
    equal(
        "the mirror",
        &world.read("target/file-3")?,
        &"changed it".to_owned(),
    )?;
    verify(world)?;
    fs::rename(world.at("source"), world.at("elsewhere"))?;
    world.directory("source")?;
    sync(world, NEEDS_YOU)?.status("held")?;
    fs::remove_dir(world.at("source"))?;
    let run = world.run(&["sync", "mirror"])?;
    if run.code == GOOD || !world.at("target/file-3").exists() {
        bail!("a source that vanished was mirrored");
    }
    Ok("10 new, 1 changed, 1 deleted; held when emptied".to_owned())
}
