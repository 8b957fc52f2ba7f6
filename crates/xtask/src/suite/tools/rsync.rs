//! rsync: one way copies, here and by ssh.

use std::fs;

use anyhow::{Result, bail};
use serde_json::json;

use super::super::sides::{listing, same};
use super::ssh::{Network, Server};
use super::world::{Case, FAILED, GOOD, NEEDS_YOU, World, equal, wait_for};
use crate::run;

/// Every case.
pub(super) const CASES: &[Case] = &[
    ("plan, first copy, nothing new, one changed", copies),
    ("many deletions are held, applied, brought back", guarded),
    (
        "a source that is gone or empty, a target that is empty",
        emptied,
    ),
    ("a file that may not be read", unreadable),
    ("no room on the target", no_room),
    ("stopped in the midst", stopped),
    (
        "by ssh: unknown host, good, no network, server gone",
        by_ssh,
    ),
    ("a network that goes away in the midst", network_lost),
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
    // Of another size: within one second rsync sees no other change.
    world.write("source/deep/er/file-3", "changed it")?;
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
    Ok("50 of 60 held, brought back, held, deleted".to_owned())
}

fn emptied(world: &World) -> Result<String> {
    world.fill("source", "file", 20)?;
    copy(world, &[])?;
    world.sync("copy", GOOD)?;
    fs::rename(world.at("source"), world.at("away"))?;
    let gone = world
        .run(&["sync", "copy"])?
        .says("is its disk connected")?;
    world.directory("source")?;
    world
        .sync("copy", NEEDS_YOU)?
        .says("is empty")?
        .status("held")?;
    equal("the target", &listing(&world.at("target"))?.len(), &20)?;
    fs::remove_dir(world.at("source"))?;
    fs::rename(world.at("away"), world.at("source"))?;
    world.sync("copy", GOOD)?;
    equal("open questions", &world.needs()?.len(), &0)?;
    fs::rename(world.at("target"), world.at("disk"))?;
    world.directory("target")?;
    world
        .sync("copy", NEEDS_YOU)?
        .says("fill it anew")?
        .status("held")?;
    equal("the empty target", &listing(&world.at("target"))?.len(), &0)?;
    world.answer("apply")?;
    world.sync("copy", GOOD)?;
    same(&world.at("source"), &world.at("target"))?;
    Ok(format!(
        "gone: code {}; empty: held; filled anew when told",
        gone.code
    ))
}

fn unreadable(world: &World) -> Result<String> {
    world.fill("source", "file", 3)?;
    world.write("source/closed", "x")?;
    world.directory("target")?;
    copy(world, &[])?;
    run::check(
        run::command("chmod")
            .arg("000")
            .arg(world.at("source/closed")),
    )?;
    world
        .finish(&mut world.as_nobody(&["sync", "copy"])?)?
        .ended(FAILED)?
        .says("some files could not be copied")?
        .says("closed")?;
    world.failed_softly(false)?;
    equal("what was copied", &listing(&world.at("target"))?.len(), &3)?;
    Ok("code 23: the others are copied, the log names the file".to_owned())
}

fn no_room(world: &World) -> Result<String> {
    world.noise("source/large", 600 * 1024)?;
    world.fill_disk("target", 256)?;
    copy(world, &[])?;
    world.sync("copy", FAILED)?.says("there is no room left")?;
    world.failed_softly(false)?;
    world.make_room("target", 4096)?;
    world.sync("copy", GOOD)?;
    same(&world.at("source"), &world.at("target"))?;
    Ok("failed with what to do; with more room it was done".to_owned())
}

fn stopped(world: &World) -> Result<String> {
    world.noise("source/large", 3 << 20)?;
    copy(world, &[("bwlimit", json!("300k"))])?;
    let running = world.start(&["sync", "copy"])?;
    let written = || {
        let entries = fs::read_dir(world.at("target")).into_iter().flatten();
        entries
            .flatten()
            .any(|entry| entry.metadata().is_ok_and(|about| about.len() > 100_000))
    };
    wait_for("the first bytes", written)?;
    running.interrupt()?;
    let ended = running.end()?.status("stopped")?;
    world.nothing_runs("rsync")?;
    let kept = fs::metadata(world.at("target/.rsync-partial/large"))?.len();
    if kept == 0 || world.at("target/large").exists() {
        bail!("{kept} bytes were kept");
    }
    copy(world, &[])?;
    world.sync("copy", GOOD)?;
    same(&world.at("source"), &world.at("target"))?;
    Ok(format!(
        "code {}, nothing runs, {kept} bytes kept, then whole",
        ended.code
    ))
}

fn by_ssh(world: &World) -> Result<String> {
    world.fill("source", "file", 5)?;
    let server = Server::new(world)?;
    let shell = server.shell(world);
    let source = json!(format!("root@127.0.0.1:{}", world.text("source")));
    copy(
        world,
        &[("source", source), ("extra", json!(["-e", shell]))],
    )?;
    server.start(world, None)?;
    world
        .sync("copy", FAILED)?
        .says("try `ssh` to that host by hand")?;
    world.failed_softly(false)?;
    equal("questions about an unknown host", &world.needs()?.len(), &0)?;
    server.make_known(world)?;
    world.sync("copy", GOOD)?.counted("sent", 5)?;
    same(&world.at("source"), &world.at("target"))?;
    world
        .finish(&mut world.no_network(&["sync", "copy"]))?
        .ended(FAILED)?;
    world.failed_softly(true)?;
    world.end_beside();
    let gone = world.sync("copy", FAILED)?;
    world.failed_softly(true)?;
    world.nothing_runs("rsync")?;
    Ok(format!("hard, good, soft, soft: {}", gone.end()?["text"]))
}

/// How many bytes of what was kept rsync used again, by its own account.
fn matched(output: &str) -> u64 {
    let (_, rest) = output.rsplit_once("Matched data: ").unwrap_or_default();
    let digits = rest.chars().filter(|letter| *letter != ',');
    let number: String = digits.take_while(char::is_ascii_digit).collect();
    number.parse().unwrap_or(0)
}

fn network_lost(world: &World) -> Result<String> {
    world.noise("source/large", 3 << 20)?;
    let network = Network::new(world)?;
    let server = Server::new(world)?;
    server.make_known(world)?;
    server.start(world, Some(&network))?;
    let shell = server.shell(world);
    let source = json!(format!("root@127.0.0.1:{}", world.text("source")));
    let far = |more: &[&str]| -> Result<()> {
        let extra: Vec<&str> = ["-e", &shell]
            .into_iter()
            .chain(more.iter().copied())
            .collect();
        copy(
            world,
            &[("source", source.clone()), ("extra", json!(extra))],
        )
    };
    far(&["--bwlimit=600k", "--timeout=3"])?;
    let running = world.start_command(&mut network.manager(world, &["sync", "copy"]))?;
    let written = || {
        let entries = fs::read_dir(world.at("target")).into_iter().flatten();
        entries
            .flatten()
            .any(|entry| entry.metadata().is_ok_and(|about| about.len() > 500_000))
    };
    wait_for("the first bytes", written)?;
    network.goes("down")?;
    let lost = running.end()?.ended(FAILED)?;
    world.failed_softly(true)?;
    let kept = fs::metadata(world.at("target/.rsync-partial/large"))?.len();
    network.goes("up")?;
    far(&[])?;
    let again = world.finish(&mut network.manager(world, &["sync", "copy"]))?;
    let again = again.ended(GOOD)?.counted("sent", 1)?;
    same(&world.at("source"), &world.at("target"))?;
    let used = matched(&again.text);
    if used == 0 || used > kept {
        bail!("of {kept} bytes that were kept {used} were used");
    }
    Ok(format!(
        "soft: {}; of {kept} bytes that were kept {used} were used",
        lost.end()?["text"]
    ))
}
