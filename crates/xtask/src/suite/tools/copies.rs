//! Copies that other programs leave beside a file, as a person finds and settles them by commands.

use std::fs;
use std::io::Write as _;

use anyhow::{Context as _, Result, bail};

use super::world::{Case, GOOD, NEEDS_YOU, World, equal, wait_for};

/// Every case.
pub(super) const CASES: &[Case] = &[
    ("added, found, settled each way, taken back", settled),
    ("the directory is gone; no room to settle", refusals),
    ("stopped in the midst", stopped),
];

/// A file, the name of its copy, and how that is settled.
const COPIES: &[(&str, &str, &str)] = &[
    (
        "a.txt",
        "a.sync-conflict-20260102-030405-ABCDEF7.txt",
        "original",
    ),
    ("b.txt", "b (Ada's conflicted copy 2026-01-02).txt", "copy"),
    ("c.txt", "c (conflicted copy 2026-01-02 030405).txt", "both"),
    ("d.txt", "d.txt.conflict1", "copy"),
];

fn ready(world: &World) -> Result<()> {
    for (file, copy, _) in COPIES {
        world.write(&format!("tree/deeper/{file}"), format!("{file} itself"))?;
        world.write(&format!("tree/deeper/{copy}"), format!("copy of {file}"))?;
    }
    world.write("tree/plain.txt", "x")?;
    let tree = world.text("tree");
    let words = ["add", "copies", &tree, "--name", "look"];
    world.run(&words)?.ended(GOOD).map(drop)
}

/// Names and contents, sorted.
fn contents(world: &World) -> Result<Vec<(String, String)>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(world.at("tree/deeper"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let content = world.read(&format!("tree/deeper/{name}"))?;
        all.push((name, content));
    }
    all.sort();
    Ok(all)
}

/// Settles one, and answers the run in which that was done.
fn settle(world: &World, file: &str, choice: &str) -> Result<String> {
    let all = world.conflicts()?;
    let one = all
        .iter()
        .find(|one| one["name"].as_str().is_some_and(|name| name.contains(file)))
        .with_context(|| format!("{file} is no conflict: {all:?}"))?;
    let id = one["id"].as_str().unwrap_or_default();
    let said = world.run(&["resolve", id, choice])?.ended(GOOD)?;
    let run = said.lines.iter().find_map(|line| line["run"].as_u64());
    Ok(run.context("it was no run")?.to_string())
}

fn settled(world: &World) -> Result<String> {
    ready(world)?;
    let before = contents(world)?;
    world.sync("look", NEEDS_YOU)?;
    equal("conflicts", &world.conflicts()?.len(), &COPIES.len())?;
    equal("what a look changed", &contents(world)?, &before)?;
    let mut runs = Vec::new();
    for (file, _, choice) in COPIES {
        runs.push(settle(world, file, choice)?);
    }
    equal("conflicts afterwards", &world.conflicts()?.len(), &0)?;
    for (file, copy, choice) in COPIES {
        let content = world.read(&format!("tree/deeper/{file}"))?;
        let wanted = match *choice {
            "copy" => format!("copy of {file}"),
            _ => format!("{file} itself"),
        };
        equal(file, &content, &wanted)?;
        let stays = world.at(&format!("tree/deeper/{copy}")).exists();
        equal("whether the copy is still called so", &stays, &false)?;
    }
    let both = contents(world)?;
    if !both.iter().any(|(_, content)| content == "copy of c.txt") {
        bail!("of both one is gone: {both:?}");
    }
    world.sync("look", GOOD)?;
    for run in runs.iter().rev() {
        world.run(&["undo", run])?.ended(GOOD)?;
    }
    equal("what was taken back", &contents(world)?, &before)?;
    world.sync("look", NEEDS_YOU)?;
    equal("conflicts again", &world.conflicts()?.len(), &COPIES.len())?;
    Ok("4 found, settled by 3 choices, taken back to the byte".to_owned())
}

fn refusals(world: &World) -> Result<String> {
    world.fill_disk("tree", 64)?;
    ready(world)?;
    let mut filler = fs::File::create(world.at("tree/filler"))?;
    while filler.write_all(&[b'x'; 1024]).is_ok() {}
    drop(filler);
    let before = contents(world)?;
    world.sync("look", NEEDS_YOU)?;
    equal("conflicts", &world.conflicts()?.len(), &COPIES.len())?;
    let mut settled = 0;
    for (file, _, choice) in COPIES {
        let told = settle(world, file, choice);
        if let Ok(run) = told {
            settled += 1;
            world.run(&["undo", &run])?.ended(GOOD)?;
        }
        equal("what is there after it", &contents(world)?, &before)?;
    }
    let tree = world.text("no such tree");
    let words = ["add", "copies", &tree, "--name", "gone"];
    world.run(&words)?;
    let gone = world.run(&["sync", "gone"])?;
    if gone.code == GOOD {
        bail!("a directory that is not there was looked through");
    }
    Ok(format!(
        "gone: code {}; without room {settled} of 4 settled and taken back, nothing lost",
        gone.code
    ))
}

fn stopped(world: &World) -> Result<String> {
    for directory in 0..200 {
        world.fill(&format!("tree/{directory}"), "file", 50)?;
    }
    ready(world)?;
    let running = world.start(&["sync", "look"])?;
    wait_for("the run", || running.printed().contains("run-opened"))?;
    running.interrupt()?;
    let ended = running.end()?.status("stopped")?;
    world.sync("look", NEEDS_YOU)?;
    equal("conflicts", &world.conflicts()?.len(), &COPIES.len())?;
    Ok(format!("code {}; the next look finds all", ended.code))
}
