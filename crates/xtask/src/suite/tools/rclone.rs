//! rclone: mirrors one way, and bisync both ways; the same with Debian's and with the newest.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::super::sides::{listing, walk};
use super::ssh::{Network, answers};
use super::world::{Case, FAILED, GOOD, NEEDS_YOU, WARNINGS, World, equal, wait_for};

/// Every case.
pub(super) const CASES: &[Case] = &[
    ("a mirror: plan, run, nothing new, many deletions", mirror),
    (
        "bisync: what differs at first is held, and chosen",
        first_differs,
    ),
    (
        "bisync: what is lost of its listings is compared anew",
        lost_listings,
    ),
    (
        "bisync: both sides changed: each choice, and taken back",
        both_changed,
    ),
    ("bisync: deletions on both sides are held", deletions),
    ("bisync: locks: of a killed one, of a living one", locks),
    ("a server that goes away, and no network", server_gone),
    ("a network that is lost in the midst", network_lost),
    ("killed in the midst", killed),
    ("no room on the target", no_room),
    ("bisync: no room on the target", no_room_both_ways),
    ("remotes found", found),
    ("stopped in the midst", stopped),
];

fn item(world: &World, mode: &str, more: &[(&str, Value)]) -> Result<()> {
    world.no_items()?;
    let mut definition = json!({
        "recipe": "rclone", "mode": mode, "source": world.text("source"), "target": world.text("target"),
    });
    for (name, value) in more {
        definition[*name] = value.clone();
    }
    world.item("cloud", &definition)
}

/// The names on a side.
fn names(world: &World, side: &str) -> Result<Vec<String>> {
    Ok(listing(&world.at(side))?.into_keys().collect())
}

/// The large file is on the target as the source has it.
fn whole(world: &World) -> Result<()> {
    equal(
        "the file",
        &fs::read(world.at("target/large"))?,
        &fs::read(world.at("source/large"))?,
    )
}

fn mirror(world: &World) -> Result<String> {
    world.fill("source", "file", 40)?;
    world.write("source/half.partial", "x")?;
    world.directory("target")?;
    item(world, "sync", &[])?;
    let planned = world.plan("cloud")?.ended(GOOD)?.actions();
    equal("what is planned", &planned.len(), &40)?;
    equal(
        "the target after the plan",
        &names(world, "target")?.len(),
        &0,
    )?;
    world.sync("cloud", GOOD)?.counted("sent", 40)?;
    equal("the target", &names(world, "target")?.len(), &40)?;
    equal(
        "the plan of nothing",
        &world.plan("cloud")?.actions(),
        &Vec::new(),
    )?;
    world.sync("cloud", GOOD)?.counted("sent", 0)?;
    for number in 0..30 {
        fs::remove_file(world.at(&format!("source/file-{number}")))?;
    }
    world.sync("cloud", NEEDS_YOU)?.status("held")?;
    equal(
        "the target while it is held",
        &names(world, "target")?.len(),
        &40,
    )?;
    world.answer("apply")?;
    world.sync("cloud", GOOD)?;
    equal(
        "the target after the deletions",
        &names(world, "target")?.len(),
        &10,
    )?;
    Ok("40 sent, 30 held and then deleted, what is partial is left out".to_owned())
}

/// Both sides as they are after a first good run.
fn both_ways(world: &World) -> Result<()> {
    world.fill("source", "file", 5)?;
    world.fill("target", "other", 5)?;
    world.write("source/equal", "equal")?;
    world.write("target/equal", "equal")?;
    item(world, "bisync", &[])?;
    world.sync("cloud", GOOD)?;
    equal(
        "both sides",
        &names(world, "source")?,
        &names(world, "target")?,
    )
}

fn first_differs(world: &World) -> Result<String> {
    for choice in ["source", "target"] {
        world.write(&format!("source/{choice}"), "from source")?;
        world.write(&format!("target/{choice}"), "the target has this")?;
    }
    world.write("source/alone", "x")?;
    item(world, "bisync", &[])?;
    world
        .sync("cloud", FAILED)?
        .says("were never synchronized")?;
    equal(
        "a file that differs",
        &world.read("target/source")?,
        &"the target has this".to_owned(),
    )?;
    equal("open conflicts", &world.conflicts()?.len(), &2)?;
    for choice in ["source", "target"] {
        world
            .run(&["resolve", "--all", choice, "--match", choice])?
            .ended(GOOD)?;
    }
    equal("conflicts afterwards", &world.conflicts()?.len(), &0)?;
    world.sync("cloud", GOOD)?;
    for side in ["source", "target"] {
        equal(
            side,
            &world.read(&format!("{side}/source"))?,
            &"from source".to_owned(),
        )?;
        equal(
            side,
            &world.read(&format!("{side}/target"))?,
            &"the target has this".to_owned(),
        )?;
    }
    equal(
        "both sides",
        &names(world, "source")?,
        &names(world, "target")?,
    )?;
    Ok("2 held, one chosen from each side, then both are the same".to_owned())
}

fn lost_listings(world: &World) -> Result<String> {
    both_ways(world)?;
    let mut lost = 0;
    for path in walk(&world.at("home"))? {
        if path.extension().is_some_and(|ending| ending == "lst") {
            fs::remove_file(path)?;
            lost += 1;
        }
    }
    if lost == 0 {
        bail!("there are no listings to lose");
    }
    world.write("source/later", "x")?;
    world.sync("cloud", FAILED)?.says("is lost")?;
    world.failed_softly(true)?;
    world.sync("cloud", GOOD)?;
    equal(
        "both sides",
        &names(world, "source")?,
        &names(world, "target")?,
    )?;
    equal(
        "what came later",
        &world.read("target/later")?,
        &"x".to_owned(),
    )?;
    Ok(format!("{lost} listings lost: soft, and compared anew"))
}

/// What is said of a file on both sides.
fn on_both_sides(world: &World, name: &str, content: Option<&str>) -> Result<()> {
    for side in ["source", "target"] {
        let found = world.read(&format!("{side}/{name}")).ok();
        equal(&format!("{side}/{name}"), &found.as_deref(), &content)?;
    }
    Ok(())
}

fn both_changed(world: &World) -> Result<String> {
    let choices = ["source", "target", "both"];
    for choice in choices {
        world.write(&format!("source/{choice}.txt"), "before")?;
    }
    both_ways(world)?;
    for choice in choices {
        for side in ["source", "target"] {
            let content = format!("{choice}, as the {side} has it");
            world.write(&format!("{side}/{choice}.txt"), content)?;
        }
    }
    world.sync("cloud", NEEDS_YOU)?;
    let open = world.conflicts()?;
    equal("open conflicts", &open.len(), &3)?;
    let decide = |choice: &str| -> Result<String> {
        let name = format!("{choice}.txt");
        let said = world.run(&["resolve", &name, choice])?.ended(GOOD)?;
        let run = said.lines.iter().find_map(|line| line["run"].as_u64());
        Ok(run.unwrap_or_default().to_string())
    };
    let mut runs = Vec::new();
    for choice in choices {
        runs.push(decide(choice)?);
    }
    for run in runs.iter().rev() {
        world.run(&["undo", run])?.ended(GOOD)?;
    }
    let again = world.conflicts()?.len();
    equal("conflicts after all was taken back", &again, &3)?;
    for choice in choices {
        decide(choice)?;
    }
    equal("conflicts afterwards", &world.conflicts()?.len(), &0)?;
    world.sync("cloud", GOOD)?;
    on_both_sides(world, "source.txt", Some("source, as the source has it"))?;
    on_both_sides(world, "target.txt", Some("target, as the target has it"))?;
    on_both_sides(world, "both.txt", Some("both, as the source has it"))?;
    on_both_sides(
        world,
        "both (other).txt",
        Some("both, as the target has it"),
    )?;
    equal(
        "both sides",
        &names(world, "source")?,
        &names(world, "target")?,
    )?;
    equal("files", &names(world, "source")?.len(), &(4 + 11))?;
    Ok("3 decided, taken back, and decided again".to_owned())
}

fn deletions(world: &World) -> Result<String> {
    world.fill("source", "many", 24)?;
    both_ways(world)?;
    let remove = |side: &str, from: usize, to: usize| -> Result<()> {
        for number in from..to {
            fs::remove_file(world.at(&format!("{side}/many-{number}")))?;
        }
        Ok(())
    };
    let counted = |what: &str, wanted: usize| -> Result<()> {
        for side in ["source", "target"] {
            equal(
                &format!("{side} {what}"),
                &names(world, side)?.len(),
                &wanted,
            )?;
        }
        Ok(())
    };
    remove("source", 0, 6)?;
    remove("target", 6, 12)?;
    world
        .sync("cloud", NEEDS_YOU)?
        .status("held")?
        .says("12 things on both sides")?;
    counted("while it is held", 35 - 6)?;
    world.answer("bring-back")?;
    world.sync("cloud", GOOD)?;
    counted("with what was brought back", 35)?;
    // More than a half, and of one side only.
    remove("target", 0, 24)?;
    world
        .sync("cloud", NEEDS_YOU)?
        .status("held")?
        .says("24 things on the source")?;
    world.answer("apply")?;
    world.sync("cloud", GOOD)?;
    counted("after the deletions", 11)?;
    // Few are nobody's question, also where they are most of what is there.
    for number in 0..5 {
        fs::remove_file(world.at(&format!("source/file-{number}")))?;
    }
    for number in 0..4 {
        fs::remove_file(world.at(&format!("source/other-{number}")))?;
    }
    world.sync("cloud", GOOD)?;
    counted("after few deletions", 2)?;
    Ok("12 on both sides brought back, 24 on one deleted when told so".to_owned())
}

/// The lock that bisync holds now, and the directory that it is in.
fn lock_of(world: &World) -> Option<PathBuf> {
    let found = walk(&world.at("home")).ok()?;
    found
        .into_iter()
        .find(|path| path.extension().is_some_and(|ending| ending == "lck"))
}

fn locks(world: &World) -> Result<String> {
    both_ways(world)?;
    world.noise("source/large", 3 << 20)?;
    item(world, "bisync", &[("bwlimit", json!("300k"))])?;
    world.sigkill_when(&["sync", "cloud"], "rclone", || {
        lock_of(world).is_some()
            && fs::read_dir(world.at("target")).is_ok_and(|entries| entries.count() > 11)
    })?;
    world.nothing_runs("rclone")?;
    let Some(lock) = lock_of(world) else {
        bail!("it was killed too late: there is no lock");
    };
    // While another one works, its lock is left alone.
    let mut other = world.command("rclone");
    other
        .args(["bisync", "--bwlimit=100k", "--workdir"])
        .arg(lock.parent().unwrap_or(&lock))
        .args([world.at("source"), world.at("target")]);
    fs::remove_file(&lock)?;
    let process = world.beside(&mut other)?;
    wait_for("the lock of the other one", || lock.exists())?;
    item(world, "bisync", &[])?;
    world.sync("cloud", NEEDS_YOU)?.status("held")?;
    let asked = world.need()?["text"].to_string();
    if !asked.contains(&process.to_string()) || !lock.exists() {
        bail!("the living lock was not left alone: {asked}");
    }
    // Killed: it has no time to take its lock away.
    world.end_beside();
    let again = world
        .run(&["sync", "cloud"])?
        .says("a lock was taken away whose owner is gone")?;
    if ![WARNINGS, NEEDS_YOU].contains(&again.code) {
        bail!("it ended with {}", again.code);
    }
    equal("whether there is a lock", &lock.exists(), &false)?;
    equal("open questions", &world.needs()?.len(), &0)?;
    // What a killed one left half on the target is a version of its own for an rclone that writes in place.
    for _ in world.conflicts()? {
        world.run(&["resolve", "--all", "source"])?.ended(GOOD)?;
    }
    world.sync("cloud", GOOD)?;
    whole(world)?;
    Ok(format!("{asked}; then taken away, code {}", again.code))
}

fn server_gone(world: &World) -> Result<String> {
    // Few files: once it could not connect, the newest waits longer before each.
    world.write("source/file", "x")?;
    world.directory("served")?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let address = format!("127.0.0.1:{port}");
    let mut serve = world.command("rclone");
    serve
        .args(["serve", "webdav", "--addr", &address])
        .arg(world.at("served"));
    world.beside(&mut serve)?;
    answers(None, port)?;
    let remote = format!(":webdav,url='http://{address}':");
    let quick = json!(["--retries=1", "--low-level-retries=1", "--contimeout=3s"]);
    item(
        world,
        "copy",
        &[("target", json!(remote)), ("extra", quick)],
    )?;
    world.sync("cloud", GOOD)?;
    equal("what the server has", &names(world, "served")?.len(), &1)?;
    world.write("source/later", "x")?;
    world
        .finish(&mut world.no_network(&["sync", "cloud"]))?
        .ended(FAILED)?
        .says("network is unreachable")?;
    world.failed_softly(true)?;
    world.end_beside();
    let gone = world.sync("cloud", FAILED)?.says("refused")?;
    world.failed_softly(true)?;
    world.beside(&mut serve)?;
    answers(None, port)?;
    world.sync("cloud", GOOD)?.counted("sent", 1)?;
    equal("what the server has", &names(world, "served")?.len(), &2)?;
    Ok(format!("good, soft, soft, good: {}", gone.end()?["text"]))
}

fn no_room(world: &World) -> Result<String> {
    world.noise("source/large", 600 * 1024)?;
    world.fill_disk("target", 256)?;
    item(
        world,
        "copy",
        &[("extra", json!(["--retries=1", "--low-level-retries=1"]))],
    )?;
    world.sync("cloud", FAILED)?.says("there is no room left")?;
    world.failed_softly(false)?;
    world.make_room("target", 4096)?;
    world.sync("cloud", GOOD)?;
    whole(world)?;
    Ok("failed with what to do; with more room it was done".to_owned())
}

fn stopped(world: &World) -> Result<String> {
    world.noise("source/large", 3 << 20)?;
    world.directory("target")?;
    item(world, "copy", &[("bwlimit", json!("300k"))])?;
    let running = world.start(&["sync", "cloud"])?;
    wait_for("the copy", || {
        fs::read_dir(world.at("target")).is_ok_and(|entries| entries.count() > 0)
    })?;
    running.interrupt()?;
    let ended = running.end()?.status("stopped")?;
    world.nothing_runs("rclone")?;
    item(world, "copy", &[])?;
    world.sync("cloud", GOOD)?;
    whole(world)?;
    Ok(format!("code {}, nothing runs, then whole", ended.code))
}

/// The target has a part of what is copied slowly, under whatever name.
fn is_copying(world: &World) -> bool {
    let entries = fs::read_dir(world.at("target")).into_iter().flatten();
    entries
        .flatten()
        .any(|entry| entry.metadata().is_ok_and(|about| about.len() > 0))
}

fn network_lost(world: &World) -> Result<String> {
    world.noise("served/large", 3 << 20)?;
    world.directory("target")?;
    let network = Network::new(world)?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let address = format!("127.0.0.1:{port}");
    let mut serve = network.command_of(world, "rclone");
    serve
        .args(["serve", "webdav", "--addr", &address])
        .arg(world.at("served"));
    world.beside(&mut serve)?;
    answers(Some(&network), port)?;
    let remote = json!(format!(":webdav,url='http://{address}':"));
    let copy = |more: &[(&str, Value)]| -> Result<()> {
        let quick = json!([
            "--retries=1",
            "--low-level-retries=1",
            "--contimeout=2s",
            "--timeout=2s"
        ]);
        let all: Vec<(&str, Value)> = [("source", remote.clone()), ("extra", quick)]
            .into_iter()
            .chain(more.iter().cloned())
            .collect();
        item(world, "copy", &all)
    };
    copy(&[("bwlimit", json!("300k"))])?;
    let running = world.start_command(&mut network.manager(world, &["sync", "cloud"]))?;
    wait_for("the copy", || is_copying(world))?;
    network.goes("down")?;
    let lost = running.end()?.ended(FAILED)?;
    world.failed_softly(true)?;
    world.nothing_runs("rclone")?;
    network.goes("up")?;
    copy(&[])?;
    world
        .finish(&mut network.manager(world, &["sync", "cloud"]))?
        .ended(GOOD)?
        .counted("sent", 1)?;
    equal(
        "the file",
        &fs::read(world.at("target/large"))?,
        &fs::read(world.at("served/large"))?,
    )?;
    Ok(format!("soft: {}; then whole", lost.end()?["text"]))
}

fn killed(world: &World) -> Result<String> {
    world.noise("source/large", 3 << 20)?;
    world.directory("target")?;
    item(world, "copy", &[("bwlimit", json!("300k"))])?;
    let killed = world
        .sigkill_when(&["sync", "cloud"], "rclone", || is_copying(world))?
        .ended(FAILED)?;
    world.nothing_runs("rclone")?;
    item(world, "copy", &[])?;
    world.sync("cloud", GOOD)?;
    whole(world)?;
    Ok(format!("{}; then whole", killed.end()?["text"]))
}

fn no_room_both_ways(world: &World) -> Result<String> {
    world.fill_disk("target", 256)?;
    both_ways(world)?;
    world.noise("source/large", 600 * 1024)?;
    world.sync("cloud", FAILED)?.says("there is no room left")?;
    equal(
        "the file that did not fit",
        &world.at("source/large").exists(),
        &true,
    )?;
    world.make_room("target", 4096)?;
    // One that lost what it knew says so, and compares both sides anew in the next run. One that writes in place left half
    // a file, which is then a version of its own.
    let mut codes = Vec::new();
    while codes.last() != Some(&GOOD) && codes.len() < 4 {
        if !world.conflicts()?.is_empty() {
            world.run(&["resolve", "--all", "source"])?.ended(GOOD)?;
        }
        codes.push(world.run(&["sync", "cloud"])?.code);
    }
    equal("how the last run ended", &codes.last(), &Some(&GOOD))?;
    whole(world)?;
    equal(
        "both sides",
        &names(world, "source")?,
        &names(world, "target")?,
    )?;
    Ok(format!(
        "failed with what to do; with room: codes {codes:?}"
    ))
}

fn found(world: &World) -> Result<String> {
    world.write(
        "rclone.conf",
        format!(
            "[near]\ntype = alias\nremote = {0}\n[far]\ntype = alias\nremote = {1}\n",
            world.text("near"),
            world.text("far")
        ),
    )?;
    world.fill("near", "file", 2)?;
    world.fill("far", "file", 3)?;
    let (config, target) = (world.text("rclone.conf"), world.text("target"));
    let words = ["rclone", "--config", &config, "--target", &target];
    equal("remotes found", &world.add_found(&words)?, &2)?;
    world.run(&["sync"])?.ended(GOOD)?;
    for (remote, files) in [("near", 2), ("far", 3)] {
        let below = format!("target/{remote}");
        equal(remote, &names(world, &below)?.len(), &files)?;
    }
    Ok("2 remotes are 2 items, each with a directory of its own".to_owned())
}
