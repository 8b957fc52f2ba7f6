//! Borg: archives of a directory.

use std::fs;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::ssh::{Network, Server};
use super::world::{Case, FAILED, GOOD, NEEDS_YOU, WARNINGS, World, equal, wait_for};
use crate::run;

/// Every case.
pub(super) const CASES: &[Case] = &[
    ("backup, prune, check, and what borg says of it", archives),
    (
        "a wrong passphrase, no repository, an unreadable file",
        refusals,
    ),
    (
        "locks: of a killed borg, of a living one, of elsewhere",
        locks,
    ),
    ("the server is gone", gone),
    (
        "by ssh: good, the network is lost in the midst",
        network_lost,
    ),
    (
        "no room on the disk, and stopped in the midst",
        full_and_stopped,
    ),
];

const PASSPHRASE: &str = "not to be seen 4711";

fn borg(world: &World, words: &[&str]) -> Result<String> {
    let output = world
        .command("borg")
        .env("BORG_PASSPHRASE", PASSPHRASE)
        // It was reached by another way before.
        .env("BORG_RELOCATED_REPO_ACCESS_IS_OK", "yes")
        .args(words)
        .output()?;
    if !output.status.success() {
        bail!(
            "borg {words:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn item(world: &World, mode: &str, more: &Value) -> Result<()> {
    let mut definition = json!({
        "recipe": "borg", "repository": world.text("repository"), "mode": mode,
        "passphrase": format!("file:{}", world.text("pass phrase")), "archive": "{hostname}-{now:%s.%f}",
    });
    if mode == "backup" {
        definition["path"] = json!([world.text("source")]);
    }
    for (name, value) in more.as_object().into_iter().flatten() {
        definition[name] = value.clone();
    }
    world.item(mode, &definition)
}

fn repository(world: &World) -> Result<()> {
    world.write("pass phrase", format!("{PASSPHRASE}\n"))?;
    world.fill("source", "file", 20)?;
    borg(
        world,
        &["init", "--encryption=repokey", &world.text("repository")],
    )?;
    item(world, "backup", &json!({}))
}

fn count(world: &World) -> Result<usize> {
    let list = borg(world, &["list", "--short", &world.text("repository")])?;
    Ok(list.lines().count())
}

fn archives(world: &World) -> Result<String> {
    repository(world)?;
    world.sync("backup", GOOD)?.says("20 files")?;
    world.write("source/file-3", "changed")?;
    world.sync("backup", GOOD)?;
    equal("archives", &count(world)?, &2)?;
    world.plan("backup")?.ended(GOOD)?.says("file-3")?;
    equal("archives after a plan", &count(world)?, &2)?;
    item(world, "prune", &json!({ "keep-last": 1 }))?;
    let planned = world.plan("prune")?.ended(GOOD)?.actions();
    equal("planned deletions", &planned.len(), &1)?;
    equal("archives after a plan", &count(world)?, &2)?;
    world.sync("prune", GOOD)?.counted("deletedFar", 1)?;
    equal("archives", &count(world)?, &1)?;
    item(world, "check", &json!({}))?;
    world.sync("check", GOOD)?;
    if world.log()?.contains(PASSPHRASE) {
        bail!("the passphrase stands in the log");
    }
    Ok("2 archives, 1 pruned, checked".to_owned())
}

fn refusals(world: &World) -> Result<String> {
    repository(world)?;
    world.write("pass phrase", "another\n")?;
    world.sync("backup", FAILED)?.says("passphrase is wrong")?;
    world.write("pass phrase", format!("{PASSPHRASE}\n"))?;
    fs::rename(world.at("repository"), world.at("elsewhere"))?;
    world.sync("backup", FAILED)?.says("no repository")?;
    fs::rename(world.at("elsewhere"), world.at("repository"))?;
    world.no_items()?;
    item(
        world,
        "backup",
        &json!({ "path": [world.text("source"), world.text("not there")] }),
    )?;
    world.sync("backup", WARNINGS)?.says("not there")?;
    equal("archives", &count(world)?, &1)?;
    Ok("hard, hard, warnings".to_owned())
}

fn locks(world: &World) -> Result<String> {
    repository(world)?;
    world.no_items()?;
    item(world, "backup", &json!({ "extra": ["--lock-wait=1"] }))?;
    world.noise("source/large", 64 << 20)?;
    let lock = world.at("repository/lock.exclusive");
    world.sigkill_when(&["sync", "backup"], "borg", || {
        fs::read_dir(&lock).is_ok_and(|mut entries| entries.next().is_some())
    })?;
    if !lock.exists() {
        bail!("it was killed too late: there is no lock");
    }
    // Borg knows by itself that its owner is gone, and says so.
    world.sync("backup", WARNINGS)?.says("stale")?;
    let before = count(world)?;
    world.beside(
        world
            .command("borg")
            .env("BORG_PASSPHRASE", PASSPHRASE)
            .args(["with-lock", &world.text("repository"), "sleep", "600"]),
    )?;
    wait_for("the lock", || lock.exists())?;
    world.sync("backup", NEEDS_YOU)?.says("by process")?;
    world.answer("wait")?;
    equal("archives", &count_locked(world)?, &before)?;
    for process in world.processes("sleep") {
        run::check(run::command("kill").arg(process.to_string()))?;
    }
    world.end_beside();
    fs::remove_dir_all(&lock).ok();
    // Of a machine that nobody here knows.
    fs::create_dir(&lock)?;
    world.write("repository/lock.exclusive/elsewhere@1.4711-0", "")?;
    world.sync("backup", NEEDS_YOU)?.says("elsewhere")?;
    world.answer("remove")?;
    world.sync("backup", GOOD)?;
    equal("open questions", &world.needs()?.len(), &0)?;
    Ok("taken away by itself; asked; asked and taken away".to_owned())
}

/// Without borg, which would wait for the lock: nothing was added when the index is the same.
fn count_locked(world: &World) -> Result<usize> {
    let list = borg(
        world,
        &[
            "--bypass-lock",
            "list",
            "--short",
            &world.text("repository"),
        ],
    )?;
    Ok(list.lines().count())
}

fn gone(world: &World) -> Result<String> {
    world.write("pass phrase", PASSPHRASE)?;
    world.write("source/file", "x")?;
    item(
        world,
        "backup",
        &json!({ "repository": "ssh://127.0.0.1:1/nowhere" }),
    )?;
    world
        .sync("backup", FAILED)?
        .says("connection to the repository")?;
    world
        .finish(&mut world.no_network(&["sync", "backup"]))?
        .ended(FAILED)?
        .says("connection to the repository")?;
    Ok("refused, and without a network".to_owned())
}

fn full_and_stopped(world: &World) -> Result<String> {
    world.fill_disk("repository", 4 << 10)?;
    repository(world)?;
    world.noise("source/large", 16 << 20)?;
    world.sync("backup", FAILED)?.says("room")?;
    world.make_room("repository", 128 << 10)?;
    world.noise("source/large", 48 << 20)?;
    let running = world.start(&["sync", "backup"])?;
    wait_for("the backup", || {
        world.at("repository/lock.exclusive").exists()
    })?;
    running.interrupt()?;
    running.end()?;
    world.nothing_runs("borg")?;
    // One that is stopped while it still takes its lock leaves it; the next one knows that its owner is gone, and says so.
    world
        .run(&["sync", "backup"])?
        .ended_well_or_found("stale")?;
    borg(world, &["check", &world.text("repository")])?;
    Ok("failed with no room; stopped, nothing left running; then well, and checked".to_owned())
}

fn network_lost(world: &World) -> Result<String> {
    world.write("pass phrase", format!("{PASSPHRASE}\n"))?;
    world.fill("source", "file", 20)?;
    let network = Network::new(world)?;
    let server = Server::new(world)?;
    server.make_known(world)?;
    server.start(world, Some(&network))?;
    // What it keeps there stays with the case.
    world.program(
        "borg-there",
        &format!(
            "#!/bin/sh\nexport HOME='{}'\nexec borg \"$@\"\n",
            world.text("there")
        ),
    )?;
    // Borg asks about a repository that it knows by another place.
    let place = format!("ssh://root@127.0.0.1{}", world.text("repository"));
    let there = format!("--remote-path={}", world.text("bin/borg-there"));
    let backup = |more: &[&str]| -> Result<()> {
        let extra: Vec<&str> = [there.as_str()].iter().chain(more).copied().collect();
        world.no_items()?;
        item(
            world,
            "backup",
            &json!({
                "repository": place, "extra": extra,
            }),
        )
    };
    let sync = || {
        let mut command = network.manager(world, &["sync", "backup"]);
        command.env("BORG_RSH", server.shell(world));
        command
    };
    let mut init = network.command_of(world, "borg");
    init.env("BORG_PASSPHRASE", PASSPHRASE)
        .env("BORG_RSH", server.shell(world))
        .args(["init", "--encryption=repokey", &there, &place]);
    run::output(&mut init)?;
    backup(&[])?;
    world.finish(&mut sync())?.ended(GOOD)?.says("20 files")?;
    world.noise("source/large", 6 << 20)?;
    backup(&["--upload-ratelimit=400"])?;
    let lock = world.at("repository/lock.exclusive");
    let running = world.start_command(&mut sync())?;
    wait_for("the backup", || lock.exists())?;
    network.goes("down")?;
    let lost = running.end()?.ended(FAILED)?;
    world.failed_softly(true)?;
    world.nothing_runs("borg")?;
    network.goes("up")?;
    backup(&[])?;
    let again = world.finish(&mut sync())?;
    if ![GOOD, WARNINGS].contains(&again.code) {
        bail!("with the network again it ended with {}", again.code);
    }
    equal("archives", &count(world)?, &2)?;
    borg(world, &["check", &world.text("repository")])?;
    equal("open questions", &world.needs()?.len(), &0)?;
    Ok(format!(
        "good, soft: {}; then code {}, and checked",
        lost.end()?["text"],
        again.code
    ))
}
