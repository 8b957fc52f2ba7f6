//! restic: backups, what becomes of snapshots, and locks.

use std::fs;
use std::process::Command;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::super::sides::{listing, same, walk};
use super::ssh::{Network, Server};
use super::world::{Case, FAILED, GOOD, WARNINGS, World, command_line, equal, wait_for};
use crate::{run, sys};

/// Every case.
pub(super) const CASES: &[Case] = &[
    ("plan, backup, nothing new, back again", backup),
    ("a file that may not be read", unreadable),
    ("wrong password, no repository, no password", refused),
    ("a password that is asked for", asked),
    ("forget, check, copy", keep),
    ("a lock whose owner was killed", dead_lock),
    ("a lock of another machine", foreign_lock),
    ("a lock of a process that lives", living_lock),
    (
        "by sftp: no network, then one; lost in the midst",
        network_lost,
    ),
    ("forget without a policy forgets nothing", no_policy),
    ("no room in the repository", no_room),
    (
        "stopped in the midst, and where the password stands",
        stopped,
    ),
];

/// The password of every repository here.
const PASSWORD: &str = "throw-away-4711";

fn restic(world: &World, words: &[&str]) -> Command {
    let mut command = world.command("restic");
    command
        .env("RESTIC_PASSWORD", PASSWORD)
        .env("RESTIC_REPOSITORY", world.at("repo"))
        .args(words);
    command
}

fn item(world: &World, more: &[(&str, Value)]) -> Result<()> {
    world.no_items()?;
    let mut definition = json!({
        "recipe": "restic", "repository": world.text("repo"), "password": format!("file:{}", world.text("password")),
    });
    for (name, value) in more {
        definition[*name] = value.clone();
    }
    if definition.get("mode").is_none() {
        definition["path"] = json!([world.text("source")]);
    }
    world.item("backup", &definition)
}

fn ready(world: &World) -> Result<()> {
    world.write("password", PASSWORD)?;
    run::output(&mut restic(world, &["init"])).map(drop)
}

fn snapshots(world: &World) -> Result<usize> {
    let said = run::output(&mut restic(world, &["snapshots", "--json", "--no-lock"]))?;
    Ok(serde_json::from_slice::<Value>(&said)?
        .as_array()
        .map_or(0, Vec::len))
}

/// How many locks there are. One that restic still writes has another name, and is none yet.
fn locks(world: &World) -> usize {
    let entries = fs::read_dir(world.at("repo/locks")).into_iter().flatten();
    let written = entries
        .flatten()
        .filter(|entry| entry.file_name().len() == 64);
    written.count()
}

fn backup(world: &World) -> Result<String> {
    ready(world)?;
    world.fill("source", "file", 12)?;
    item(world, &[])?;
    let before = listing(&world.at("repo/data"))?;
    let planned = world.plan("backup")?.ended(GOOD)?.actions();
    if !planned
        .iter()
        .any(|action| action.ends_with("source/file-3"))
    {
        bail!("the plan does not name a new file");
    }
    equal(
        "data after the plan",
        &listing(&world.at("repo/data"))?,
        &before,
    )?;
    equal("snapshots after the plan", &snapshots(world)?, &0)?;
    world.sync("backup", GOOD)?.counted("sent", 12)?;
    world
        .sync("backup", GOOD)?
        .counted("sent", 0)?
        .says("12 unchanged")?;
    world.write("source/file-1", "changed and longer")?;
    world.sync("backup", GOOD)?.counted("sent", 1)?;
    equal("snapshots", &snapshots(world)?, &3)?;
    let back = world.text("back");
    run::output(&mut restic(
        world,
        &["restore", "latest", "--target", &back],
    ))?;
    let below = format!("back{}", world.text("source"));
    same(&world.at("source"), &world.at(&below))?;
    Ok("12, 0 and 1 files; what was restored is the same".to_owned())
}

fn unreadable(world: &World) -> Result<String> {
    ready(world)?;
    world.fill("source", "file", 3)?;
    world.write("source/closed", "x")?;
    item(world, &[])?;
    run::check(
        run::command("chmod")
            .arg("000")
            .arg(world.at("source/closed")),
    )?;
    world
        .finish(&mut world.as_nobody(&["sync", "backup"])?)?
        .ended(WARNINGS)?
        .says("closed")?;
    equal("snapshots", &snapshots(world)?, &1)?;
    Ok("code 3: a snapshot of the others, and a warning".to_owned())
}

fn refused(world: &World) -> Result<String> {
    world.write("password", PASSWORD)?;
    world.fill("source", "file", 2)?;
    item(world, &[])?;
    world.sync("backup", FAILED)?.says("restic init --repo")?;
    world.failed_softly(false)?;
    ready(world)?;
    world.write("password", "wrong")?;
    world
        .sync("backup", FAILED)?
        .says("does not take this password")?
        .says("look at `password`")?;
    world.failed_softly(false)?;
    item(world, &[("password", json!("ask"))])?;
    world.sync("backup", FAILED)?.says("nobody gave")?;
    item(world, &[("password", json!(PASSWORD))])?;
    let plain = world.run(&["sync", "backup"])?;
    if plain.code == GOOD || plain.text.contains(PASSWORD) {
        bail!("a password in the definition is taken, or repeated");
    }
    item(
        world,
        &[("password", json!(format!("command:echo {PASSWORD}")))],
    )?;
    world.sync("backup", GOOD)?;
    equal("snapshots", &snapshots(world)?, &1)?;
    Ok("each is told with what to do; one in plain words is refused".to_owned())
}

fn keep(world: &World) -> Result<String> {
    ready(world)?;
    item(world, &[])?;
    for number in 0..3 {
        world.fill("source", &format!("file{number}"), 2)?;
        world.sync("backup", GOOD)?;
    }
    item(
        world,
        &[
            ("mode", json!("forget")),
            ("keep-last", json!(1)),
            ("prune", json!(true)),
        ],
    )?;
    equal(
        "the plan",
        &world.plan("backup")?.ended(GOOD)?.actions(),
        &vec!["delete 2 snapshots".to_owned()],
    )?;
    equal("snapshots after the plan", &snapshots(world)?, &3)?;
    world.sync("backup", GOOD)?.counted("deleted", 2)?;
    equal("snapshots", &snapshots(world)?, &1)?;
    item(world, &[("mode", json!("check"))])?;
    world.sync("backup", GOOD)?.says("no errors were found")?;
    let other = world.text("other");
    run::output(restic(world, &["init"]).env("RESTIC_REPOSITORY", &other))?;
    let password = json!(format!("file:{}", world.text("password")));
    item(
        world,
        &[
            ("mode", json!("copy")),
            ("repository", json!(other)),
            ("from", json!(world.text("repo"))),
            ("from-password", password),
        ],
    )?;
    world.sync("backup", GOOD)?;
    let said =
        run::output(restic(world, &["snapshots", "--json"]).env("RESTIC_REPOSITORY", &other))?;
    let copied = serde_json::from_slice::<Value>(&said)?
        .as_array()
        .map_or(0, Vec::len);
    equal("copied snapshots", &copied, &1)?;
    Ok("3 snapshots became 1; checked; copied".to_owned())
}

/// Answered by what a service is given; without that nobody gets in.
fn asked(world: &World) -> Result<String> {
    ready(world)?;
    world.fill("source", "file", 2)?;
    item(world, &[("password", json!("ask"))])?;
    world.write("given/syncmgr-tools-backup-secret_password", PASSWORD)?;
    let mut given = world.manager(&["sync", "backup"]);
    given.env("CREDENTIALS_DIRECTORY", world.at("given"));
    world.finish(&mut given)?.ended(GOOD)?.says("2 new")?;
    equal("snapshots", &snapshots(world)?, &1)?;
    world.sync("backup", FAILED)?.says("nobody gave")?;
    world.home_without(PASSWORD)?;
    Ok("taken from a credential; without it refused; kept nowhere".to_owned())
}

/// Data whose backup takes some time.
fn slow(world: &World) -> Result<()> {
    ready(world)?;
    world.noise("source/large", 24 << 20)?;
    item(
        world,
        &[(
            "extra",
            json!(["--limit-upload=400", "--option=local.connections=8"]),
        )],
    )
}

fn is_at_work(world: &World) -> bool {
    locks(world) > 0 && fs::read_dir(world.at("source")).is_ok()
}

fn dead_lock(world: &World) -> Result<String> {
    slow(world)?;
    let killed = world.sigkill_when(&["sync", "backup"], "restic", || is_at_work(world))?;
    world.nothing_runs("restic")?;
    equal("locks that were left", &locks(world), &1)?;
    item(world, &[("mode", json!("check"))])?;
    world
        .sync("backup", WARNINGS)?
        .says("a lock was taken away whose owner is gone")?
        .says("no errors were found")?;
    equal("locks", &locks(world), &0)?;
    equal("open questions", &world.needs()?.len(), &0)?;
    Ok(format!(
        "killed: code {}; the next run took the lock away and ended well",
        killed.code
    ))
}

fn foreign_lock(world: &World) -> Result<String> {
    slow(world)?;
    let line = format!(
        "hostname elsewhere; exec restic backup --limit-upload=400 {}",
        world.text("source")
    );
    let mut command = world.command("unshare");
    command
        .env("RESTIC_PASSWORD", PASSWORD)
        .env("RESTIC_REPOSITORY", world.at("repo"))
        .args(["--uts", "sh", "-c", &line]);
    world.beside(&mut command)?;
    wait_for("the lock", || is_at_work(world))?;
    // Without the time to take its lock away.
    world.end_beside();
    equal("locks that were left", &locks(world), &1)?;
    item(world, &[("mode", json!("check"))])?;
    decided(world, "elsewhere")
}

fn living_lock(world: &World) -> Result<String> {
    slow(world)?;
    let source = world.text("source");
    let process = world.beside(&mut restic(
        world,
        &["backup", "--limit-upload=400", &source],
    ))?;
    wait_for("the lock", || is_at_work(world))?;
    item(world, &[("mode", json!("check"))])?;
    let told = decided(world, &process.to_string())?;
    sys::kill(process);
    Ok(told)
}

/// A question about a lock: to wait keeps it, to remove it ends it.
fn decided(world: &World, owner: &str) -> Result<String> {
    let asked = world.run(&["sync", "backup"])?;
    let text = world.need()?["text"].to_string();
    if !text.contains(owner) || !text.contains("since 20") {
        bail!("the question does not name {owner} and since when: {text}");
    }
    if locks(world) != 1 {
        bail!("the lock was not left alone");
    }
    world.answer("wait")?;
    world.run(&["sync", "backup"])?;
    equal("locks after waiting", &locks(world), &1)?;
    world.answer("remove")?;
    if locks(world) != 0 || asked.code == GOOD {
        world.sync("backup", GOOD)?;
    }
    equal("locks after it was given up", &locks(world), &0)?;
    equal("open questions", &world.needs()?.len(), &0)?;
    Ok(format!("code {}, {text}", asked.code))
}

fn network_lost(world: &World) -> Result<String> {
    ready(world)?;
    world.noise("source/large", 1 << 20)?;
    let network = Network::new(world)?;
    let server = Server::new(world)?;
    server.make_known(world)?;
    server.start(world, Some(&network))?;
    let place = format!("sftp:root@127.0.0.1:{}", world.text("repo"));
    let by = format!(
        "sftp.command={} root@127.0.0.1 -s sftp",
        server.shell(world)
    );
    item(
        world,
        &[("repository", json!(place)), ("option", json!([by]))],
    )?;
    network.goes("down")?;
    let lost = world.finish(&mut network.manager(world, &["sync", "backup"]))?;
    let lost = lost.ended(FAILED)?;
    world.failed_softly(true)?;
    equal("snapshots without a network", &snapshots(world)?, &0)?;
    network.goes("up")?;
    world
        .finish(&mut network.manager(world, &["sync", "backup"]))?
        .ended(GOOD)?;
    equal("snapshots", &snapshots(world)?, &1)?;
    world.noise("source/larger", 3 << 20)?;
    let slowly = json!(["--limit-upload=300"]);
    item(
        world,
        &[
            ("repository", json!(place)),
            ("option", json!([by])),
            ("extra", slowly),
        ],
    )?;
    let before = data(world);
    let running = world.start_command(&mut network.manager(world, &["sync", "backup"]))?;
    wait_for("the backup", || data(world) > before)?;
    network.goes("down")?;
    let midst = running.end()?.ended(FAILED)?;
    world.failed_softly(true)?;
    world.nothing_runs("restic")?;
    network.goes("up")?;
    let again = world.finish(&mut network.manager(world, &["sync", "backup"]))?;
    let again = again.ended(GOOD)?;
    equal("snapshots", &snapshots(world)?, &2)?;
    // The one that was lost left its lock, which a backup does not mind.
    run::output(&mut restic(world, &["unlock"]))?;
    run::output(&mut restic(world, &["check"]))?;
    Ok(format!(
        "soft, good: {}; in the midst soft: {}; then code {}",
        lost.end()?["text"],
        midst.end()?["text"],
        again.code
    ))
}

/// How many files hold data.
fn data(world: &World) -> usize {
    let found = walk(&world.at("repo/data")).unwrap_or_default();
    found.iter().filter(|path| path.is_file()).count()
}

fn no_policy(world: &World) -> Result<String> {
    ready(world)?;
    world.fill("source", "file", 2)?;
    item(world, &[])?;
    world.sync("backup", GOOD)?;
    item(world, &[("mode", json!("forget"))])?;
    equal("the plan", &world.plan("backup")?.actions(), &Vec::new())?;
    let ended = world.run(&["sync", "backup"])?;
    equal("snapshots", &snapshots(world)?, &1)?;
    Ok(format!("code {}, the snapshot is there", ended.code))
}

fn no_room(world: &World) -> Result<String> {
    world.fill_disk("repo", 2048)?;
    ready(world)?;
    world.noise("source/large", 6 << 20)?;
    item(world, &[])?;
    world
        .sync("backup", FAILED)?
        .says("there is no room left")?;
    world.failed_softly(false)?;
    world.make_room("repo", 32_768)?;
    world.sync("backup", GOOD)?;
    Ok("failed with what to do; with more room it was done".to_owned())
}

fn stopped(world: &World) -> Result<String> {
    slow(world)?;
    let running = world.start(&["sync", "backup"])?;
    // A lock that it has only just written is none that it takes away yet: its data come later.
    wait_for("the backup", || {
        walk(&world.at("repo/data")).is_ok_and(|found| found.iter().any(|path| path.is_file()))
    })?;
    for process in world.processes("restic") {
        if command_line(process).contains(PASSWORD) {
            bail!("the password stands in a command line");
        }
    }
    running.interrupt()?;
    let ended = running.end()?.status("stopped")?.silent_on(PASSWORD)?;
    world.nothing_runs("restic")?;
    equal("locks", &locks(world), &0)?;
    world.home_without(PASSWORD)?;
    Ok(format!(
        "code {}, no lock stays, no password in arguments, log or home",
        ended.code
    ))
}
