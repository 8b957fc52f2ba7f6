//! A command of the user's own, as `wrap` makes an item of it.

use anyhow::Result;

use super::world::{Case, FAILED, GOOD, WARNINGS, World, equal, wait_for};

/// Every case.
pub(super) const CASES: &[Case] = &[
    ("good, changed, its exit codes", ends),
    ("killed, stopped, and what it started", gone),
    ("no room on its disk, no network", without),
];

/// Makes an item of a script.
fn wrap(world: &World, more: &[&str], script: &str) -> Result<()> {
    world.no_items()?;
    world.program("copy-it", &format!("#!/bin/sh\n{script}\n"))?;
    let program = world.text("bin/copy-it");
    let words: Vec<&str> = ["wrap", "--name", "copy"]
        .iter()
        .chain(more)
        .chain(&["--", program.as_str()])
        .copied()
        .collect();
    world.run(&words)?.ended(GOOD).map(drop)
}

fn ends(world: &World) -> Result<String> {
    world.write("from", "one")?;
    let (from, to) = (world.text("from"), world.text("to"));
    wrap(world, &[], &format!("cp '{from}' '{to}'"))?;
    for content in ["one", "two"] {
        world.write("from", content)?;
        world.sync("copy", GOOD)?;
        equal("the copy", &world.read("to")?, &content.to_owned())?;
    }
    wrap(world, &[], "echo it may pass; exit 75")?;
    world.sync("copy", FAILED)?.says("it may pass")?;
    world.failed_softly(true)?;
    wrap(world, &[], "echo it does not; exit 9")?;
    world.sync("copy", FAILED)?.says("it does not")?;
    world.failed_softly(false)?;
    wrap(world, &["--exit", "9=warning"], "exit 9")?;
    world.sync("copy", WARNINGS)?;
    Ok("good, good, soft, hard, warnings".to_owned())
}

fn gone(world: &World) -> Result<String> {
    let script = format!("sleep 600 & echo begun > '{}'; wait", world.text("begun"));
    let begun = || world.at("begun").exists();
    wrap(world, &[], &script)?;
    world
        .sigkill_when(&["sync", "copy"], "copy-it", begun)?
        .ended(FAILED)?
        .says("signal 9")?;
    world.nothing_runs("sleep 600")?;
    std::fs::remove_file(world.at("begun"))?;
    // One that does not listen is ended all the same.
    wrap(world, &[], &format!("trap '' TERM INT; {script}"))?;
    let running = world.start(&["sync", "copy"])?;
    wait_for("the command", begun)?;
    running.interrupt()?;
    let ended = running.end()?.status("stopped")?;
    world.nothing_runs("sleep 600")?;
    world.nothing_runs("copy-it")?;
    Ok(format!("failed; code {}; nothing runs", ended.code))
}

fn without(world: &World) -> Result<String> {
    world.fill_disk("disk", 64)?;
    let to = world.text("disk/large");
    wrap(
        world,
        &[],
        &format!("head -c 200000 /dev/zero > '{to}' || exit 1"),
    )?;
    world.sync("copy", FAILED)?.says("no space left")?;
    world.make_room("disk", 1024)?;
    world.sync("copy", GOOD)?;
    wrap(world, &[], "exec bash -c 'echo > /dev/tcp/192.0.2.1/1'")?;
    let lost = world.finish(&mut world.no_network(&["sync", "copy"]))?;
    lost.ended(FAILED)?.says("unreachable")?;
    world.nothing_runs("bash")?;
    Ok("each failed with its own last line; with room it was done".to_owned())
}
