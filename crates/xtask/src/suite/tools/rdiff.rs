//! rdiff-backup: a mirror with a history.

use std::fs;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::ssh::{Network, Server};
use super::world::{Case, FAILED, GOOD, NEEDS_YOU, Said, WARNINGS, World, equal, wait_for};
use crate::run;

/// Every case.
pub(super) const CASES: &[Case] = &[
    ("backup, a change, verified; an emptied source", mirror),
    ("killed: the first, the second, the third backup", killed),
    ("another one works there, or seems to", another),
    ("no room on the target", full),
    ("stopped in the midst", stopped),
    ("by ssh: the server is gone, no network", gone),
    (
        "by ssh: good, the network is lost in the midst",
        network_lost,
    ),
    ("the command line of before 2.1", old),
];

/// A file of this size is copied for long enough to be seen.
const LARGE: usize = 64 << 20;

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
fn next_second() -> Result<()> {
    let second = || {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())
    };
    let before = second();
    wait_for("the next second", || second() > before)
}

fn sync(world: &World, code: i32) -> Result<Said> {
    next_second()?;
    world.sync("mirror", code)
}

fn large(world: &World) -> Result<()> {
    world.write("source/large", vec![b'x'; LARGE])
}

fn verify(world: &World, target: &str) -> Result<()> {
    // Not what a case put in its place.
    run::check(
        world
            .command("/usr/bin/rdiff-backup")
            .args(["-v1", "verify", &world.text(target)]),
    )
}

fn mirror(world: &World) -> Result<String> {
    world.fill("source", "file", 10)?;
    item(world, &json!({ "keep": "4W" }))?;
    sync(world, GOOD)?.counted("createdFar", 10)?;
    world.write("source/file-3", "changed it")?;
    fs::remove_file(world.at("source/file-4"))?;
    sync(world, GOOD)?.counted("deletedFar", 1)?;
    equal(
        "the mirror",
        &world.read("target/file-3")?,
        &"changed it".to_owned(),
    )?;
    whole(world, "target")?;
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

/// Whether a large file is on its way to a target.
fn is_copying(world: &World, target: &str) -> bool {
    let entries = fs::read_dir(world.at(target)).into_iter().flatten();
    entries.flatten().any(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with("rdiff-backup.tmp") && entry.metadata().is_ok_and(|about| about.len() > 0)
    })
}

/// The target is right by its own checksums, and has what the source has, and nothing else.
fn whole(world: &World, target: &str) -> Result<()> {
    verify(world, target)?;
    let names = |below: &str| -> Result<Vec<String>> {
        let mut names: Vec<String> = fs::read_dir(world.at(below))?
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| name != "rdiff-backup-data")
            .collect();
        names.sort();
        Ok(names)
    };
    equal("the mirror", &names(target)?, &names("source")?)
}

fn killed(world: &World) -> Result<String> {
    world.fill("source", "file", 5)?;
    for (before, recovers) in [
        (0, "is begun anew"),
        (1, "is taken back"),
        (2, "is taken back"),
    ] {
        let target = format!("target-{before}");
        let verified = before == 0;
        item(
            world,
            &json!({ "target": world.text(&target), "verify": verified }),
        )?;
        for at in 0..before {
            world.write(&format!("source/file-{at}"), format!("changed {before}"))?;
            sync(world, GOOD)?;
        }
        large(world)?;
        next_second()?;
        world
            .sigkill_when(&["sync", "mirror"], "rdiff-backup", || {
                is_copying(world, &target)
            })?
            .ended(FAILED)?;
        if !is_copying(world, &target) {
            bail!("it was killed too late");
        }
        fs::remove_file(world.at("source/large"))?;
        // Of what the first one brought there are no checksums, which is told once.
        let code = if verified { WARNINGS } else { GOOD };
        sync(world, code)?.says(recovers)?;
        whole(world, &target)?;
        sync(world, code)?.silent_on(recovers)?;
    }
    equal("open questions", &world.needs()?.len(), &0)?;
    Ok("begun anew, taken back, taken back; each then whole".to_owned())
}

/// The one that is called the last is that of a living process.
fn another(world: &World) -> Result<String> {
    world.fill("source", "file", 3)?;
    item(world, &json!({ "verify": false }))?;
    sync(world, GOOD)?;
    world.write("source/file-0", "changed")?;
    sync(world, GOOD)?;
    large(world)?;
    next_second()?;
    let other = world.beside(world.command("rdiff-backup").args([
        "backup",
        &world.text("source"),
        &world.text("target"),
    ]))?;
    wait_for("the other one", || is_copying(world, "target"))?;
    run::check(run::command("kill").args(["-STOP", &other.to_string()]))?;
    sync(world, NEEDS_YOU)?.says(&format!("by process {other}"))?;
    world.answer("wait")?;
    run::check(run::command("kill").args(["-KILL", &other.to_string()]))?;
    world.end_beside();
    // Now the number belongs to somebody else, as after the machine was started anew.
    let sleeper = world.beside(world.command("sleep").arg("600"))?;
    for entry in fs::read_dir(world.at("target/rdiff-backup-data"))? {
        let path = entry?.path();
        if fs::read(&path).is_ok_and(|text| text == format!("PID {other}\n").into_bytes()) {
            fs::write(&path, format!("PID {sleeper}\n"))?;
        }
    }
    sync(world, NEEDS_YOU)?.says(&format!("by process {sleeper}"))?;
    world.answer("remove")?;
    fs::remove_file(world.at("source/large"))?;
    sync(world, GOOD)?;
    whole(world, "target")?;
    equal("open questions", &world.needs()?.len(), &0)?;
    Ok("asked, waited; asked, and taken back when told so".to_owned())
}

fn full(world: &World) -> Result<String> {
    for before in [0, 1] {
        let target = format!("target-{before}");
        world.fill_disk(&target, 1024)?;
        item(
            world,
            &json!({ "target": world.text(&target), "verify": false }),
        )?;
        world.fill("source", "file", 3)?;
        for at in 0..before {
            world.write(&format!("source/file-{at}"), format!("changed {before}"))?;
            sync(world, GOOD)?;
        }
        world.noise("source/large", 3 << 20)?;
        sync(world, FAILED)?.says("no room left")?;
        world.failed_softly(false)?;
        // There is not even room to look what the file system can do.
        sync(world, FAILED)?;
        world.make_room(&target, 16 << 10)?;
        sync(world, GOOD)?;
        whole(world, &target)?;
        fs::remove_file(world.at("source/large"))?;
    }
    Ok("the first, the second: failed, with room well".to_owned())
}

fn stopped(world: &World) -> Result<String> {
    world.fill("source", "file", 3)?;
    item(world, &json!({ "verify": false }))?;
    sync(world, GOOD)?;
    large(world)?;
    next_second()?;
    let running = world.start(&["sync", "mirror"])?;
    wait_for("the copy", || is_copying(world, "target"))?;
    running.interrupt()?;
    let ended = running.end()?.status("stopped")?;
    world.nothing_runs("rdiff-backup")?;
    sync(world, GOOD)?;
    whole(world, "target")?;
    Ok(format!(
        "code {}, nothing runs, the next one is whole",
        ended.code
    ))
}

fn gone(world: &World) -> Result<String> {
    world.fill("source", "file", 3)?;
    item(
        world,
        &json!({ "target": "192.0.2.1::/nowhere", "verify": false }),
    )?;
    let lost = world.finish(&mut world.no_network(&["sync", "mirror"]))?;
    lost.ended(FAILED)?.says("unreachable")?;
    world.failed_softly(true)?;
    // Whom it asks for a connection listens nowhere.
    world.program(
        "ssh",
        "#!/bin/sh\nexec /usr/bin/ssh -F none -p 1 -o BatchMode=yes 127.0.0.1 true\n",
    )?;
    world.sync("mirror", FAILED)?.says("refused")?;
    world.failed_softly(true)?;
    world.nothing_runs("ssh")?;
    Ok("soft: no route, refused".to_owned())
}

fn network_lost(world: &World) -> Result<String> {
    world.fill("source", "file", 3)?;
    world.directory("target")?;
    let network = Network::new(world)?;
    let server = Server::new(world)?;
    server.make_known(world)?;
    server.start(world, Some(&network))?;
    // It asks for its server as `ssh -C HOST rdiff-backup server`.
    world.program(
        "ssh",
        &format!("#!/bin/sh\nexec /usr/bin/{} \"$@\"\n", server.shell(world)),
    )?;
    let place = format!("root@127.0.0.1::{}", world.text("target"));
    item(world, &json!({ "target": place, "verify": false }))?;
    let sync = || network.manager(world, &["sync", "mirror"]);
    next_second()?;
    world
        .finish(&mut sync())?
        .ended(GOOD)?
        .counted("createdFar", 3)?;
    world.write("source/file-0", "changed")?;
    next_second()?;
    world.finish(&mut sync())?.ended(GOOD)?;
    world.noise("source/large", LARGE)?;
    next_second()?;
    let running = world.start_command(&mut sync())?;
    wait_for("the copy", || is_copying(world, "target"))?;
    network.goes("down")?;
    let lost = running.end()?.ended(FAILED)?;
    world.failed_softly(true)?;
    network.goes("up")?;
    fs::remove_file(world.at("source/large"))?;
    // Until the other machine has noticed too, the one that was lost works there, and nobody here may say that it does not.
    let mut again = None;
    wait_for("the other side to notice", || {
        let said = next_second().and_then(|()| world.finish(&mut sync()));
        let works = said
            .as_ref()
            .is_ok_and(|said| said.text.contains("another rdiff-backup works"));
        again = Some(said);
        !works
    })?;
    again
        .context("it was tried")??
        .ended(GOOD)?
        .silent_on("a lock was taken away")?
        .says("is taken back")?;
    whole(world, "target")?;
    Ok(format!(
        "good, soft: {}; taken back, and whole",
        lost.end()?["text"]
    ))
}

/// It takes the old command line too, and here it says that it knows no other.
fn old(world: &World) -> Result<String> {
    world.program(
        "rdiff-backup",
        "#!/bin/sh\n\
         case $1 in\n\
         --version) echo rdiff-backup 2.0.5 ;;\n\
         backup|verify|regress|remove) echo \"Fatal Error: Bad command: $1\" >&2; exit 1 ;;\n\
         *) exec /usr/bin/rdiff-backup \"$@\" ;;\n\
         esac\n",
    )?;
    world.fill("source", "file", 5)?;
    item(
        world,
        &json!({ "keep": "4W", "exclude": ["**/file-4"], "extra": ["-v3"] }),
    )?;
    sync(world, GOOD)?.counted("createdFar", 4)?;
    large(world)?;
    next_second()?;
    world
        .sigkill_when(&["sync", "mirror"], "rdiff-backup", || {
            is_copying(world, "target")
        })?
        .ended(FAILED)?;
    fs::remove_file(world.at("source/large"))?;
    sync(world, GOOD)?.says("is taken back")?;
    fs::remove_file(world.at("source/file-4"))?;
    whole(world, "target")?;
    Ok("backed up, killed, taken back, verified".to_owned())
}
