//! rdiff-backup: a mirror with a history.

use std::fs;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::world::{Case, FAILED, GOOD, NEEDS_YOU, Said, World, equal, wait_for};
use crate::run;

/// Every case.
pub(super) const CASES: &[Case] = &[
    ("backup, a change, verified; an emptied source", mirror),
    ("killed, stopped, locked by another one", interrupted),
    ("no room on the disk", full),
];

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

fn interrupted(world: &World) -> Result<String> {
    world.fill("source", "file", 10)?;
    item(world, &json!({}))?;
    sync(world, GOOD)?;
    world.noise("source/large", 96 << 20)?;
    let begun = || {
        fs::read_dir(world.at("target")).is_ok_and(|entries| {
            entries.flatten().any(|entry| {
                entry
                    .file_name()
                    .to_string_lossy()
                    .starts_with("rdiff-backup.tmp")
            })
        })
    };
    world.sigkill_when(&["sync", "mirror"], "rdiff-backup", begun)?;
    sync(world, GOOD)?;
    verify(world)?;
    world.noise("source/large", 95 << 20)?;
    let running = world.start(&["sync", "mirror"])?;
    wait_for("the backup", begun)?;
    // Another one at the same time.
    let other = world
        .command("rdiff-backup")
        .args(["backup", &world.text("source"), &world.text("target")])
        .output()?;
    if other.status.success() {
        bail!("two of them worked at once");
    }
    running.interrupt()?;
    running.end()?;
    world.nothing_runs("rdiff-backup")?;
    sync(world, GOOD)?;
    verify(world)?;
    Ok("regressed and completed after a kill and after a stop".to_owned())
}

fn full(world: &World) -> Result<String> {
    world.write("source/file", "x")?;
    world.fill_disk("target", 2 << 10)?;
    item(world, &json!({}))?;
    sync(world, GOOD)?;
    world.noise("source/large", 8 << 20)?;
    sync(world, FAILED)?.says("room")?;
    world.make_room("target", 64 << 10)?;
    sync(world, GOOD)?;
    verify(world)?;
    Ok("failed, then with room well and verified".to_owned())
}
