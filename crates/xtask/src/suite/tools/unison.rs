//! Unison: profiles, both ways.

use std::fs;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::super::sides::walk;
use super::ssh::{Network, Server};
use super::world::{Case, FAILED, GOOD, NEEDS_YOU, World, equal, wait_for};

/// Every case.
pub(super) const CASES: &[Case] = &[
    ("both ways, nothing new, deletions", both_ways),
    ("conflicts, and both contents stay", conflicts),
    ("a lock that stayed is asked about", locked),
    ("an emptied root, a vanished one, no profile", vanished),
    ("the server is gone", gone),
    ("no room on the disk", full),
    ("stopped in the midst", stopped),
    ("killed in the midst", killed),
    (
        "by ssh: good, the network is lost in the midst",
        network_lost,
    ),
    ("profiles found", found),
];

fn profile(world: &World, roots: [&str; 2]) -> Result<()> {
    world.write(
        "unison/p.prf",
        format!("root = {}\nroot = {}\n", roots[0], roots[1]),
    )?;
    world.no_items()?;
    world.item(
        "both",
        &json!({ "recipe": "unison", "profile": "p", "folder": world.text("unison") }),
    )
}

fn roots(world: &World) -> Result<()> {
    world.directory("left")?;
    world.directory("right")?;
    profile(world, [&world.text("left"), &world.text("right")])
}

/// Names and contents below a directory.
fn contents(world: &World, below: &str) -> Result<Vec<(String, Vec<u8>)>> {
    let root = world.at(below);
    let mut all = Vec::new();
    for path in walk(&root)? {
        if path.is_file() {
            let name = path.strip_prefix(&root)?.to_string_lossy().into_owned();
            all.push((name, fs::read(&path)?));
        }
    }
    all.sort();
    Ok(all)
}

fn same(world: &World) -> Result<usize> {
    let left = contents(world, "left")?;
    equal("left and right", &left, &contents(world, "right")?)?;
    Ok(left.len())
}

fn both_ways(world: &World) -> Result<String> {
    roots(world)?;
    world.fill("left/deep er", "mine", 20)?;
    world.fill("right", "yours", 10)?;
    world
        .sync("both", GOOD)?
        .counted("sent", 1)?
        .counted("received", 10)?;
    equal("files", &same(world)?, &30)?;
    world.sync("both", GOOD)?.counted("sent", 0)?;
    world.write("left/deep er/mine-3", "changed it")?;
    fs::remove_file(world.at("right/yours-4"))?;
    world
        .sync("both", GOOD)?
        .counted("sent", 1)?
        .counted("deletedNear", 1)?;
    equal("files", &same(world)?, &29)?;
    Ok("one directory and 10 files, nothing, one changed and one deleted".to_owned())
}

fn conflicts(world: &World) -> Result<String> {
    roots(world)?;
    let names = ["first", "second", "newer", "older"];
    for name in names {
        world.write(&format!("left/{name}"), "base")?;
    }
    world.sync("both", GOOD)?;
    for name in names {
        world.write(&format!("left/{name}"), format!("{name} of the left"))?;
        world.write(
            &format!("right/{name}"),
            format!("{name} of the right side"),
        )?;
        // The left one is the newer one.
        let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
        fs::File::options()
            .write(true)
            .open(world.at(&format!("right/{name}")))?
            .set_modified(old)?;
    }
    world.sync("both", NEEDS_YOU)?.counted("conflicts", 4)?;
    let open: Vec<Value> = world.conflicts()?;
    equal("open conflicts", &open.len(), &4)?;
    for name in names {
        world.run(&["resolve", name, name])?.ended(GOOD)?;
        let side = if matches!(name, "first" | "newer") {
            "left"
        } else {
            "right side"
        };
        let wanted = format!("{name} of the {side}");
        for root in ["left", "right"] {
            equal("what won", &world.read(&format!("{root}/{name}"))?, &wanted)?;
        }
        let everywhere: Vec<Vec<u8>> = contents(world, "left")?
            .into_iter()
            .chain(contents(world, "right")?)
            .map(|(_, content)| content)
            .collect();
        for side in ["left", "right side"] {
            let content = format!("{name} of the {side}").into_bytes();
            if !everywhere.contains(&content) {
                bail!("the {side} of {name} is lost");
            }
        }
    }
    equal("open conflicts", &world.conflicts()?.len(), &0)?;
    world.sync("both", GOOD)?;
    equal("files", &same(world)?, &8)?;
    Ok("4 resolved each its way, 8 contents of 8 there".to_owned())
}

/// How many files are added for each try to kill unison within its lock.
const LOCKED_FILES: usize = 6000;
/// How often that is tried.
const LOCKED_TRIES: usize = 4;

fn lock_file(world: &World) -> Option<std::path::PathBuf> {
    let entries = fs::read_dir(world.at("unison")).ok()?;
    entries.flatten().map(|entry| entry.path()).find(|path| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("lk"))
    })
}

fn locked(world: &World) -> Result<String> {
    roots(world)?;
    // Unison locks its archives only while it writes them: with many files that takes a moment, which a kill can still miss.
    let mut files = 0;
    while lock_file(world).is_none() {
        if files == LOCKED_FILES * LOCKED_TRIES {
            bail!("it was killed too late {LOCKED_TRIES} times: there is no lock");
        }
        for number in files..files + LOCKED_FILES {
            fs::write(world.at(&format!("left/many-{number}")), number.to_string())?;
        }
        files += LOCKED_FILES;
        world.sigkill_when(&["sync", "both"], "unison", || lock_file(world).is_some())?;
    }
    world
        .sync("both", NEEDS_YOU)?
        .status("held")?
        .says("locked")?;
    world.answer("remove")?;
    world.sync("both", GOOD)?;
    equal("files", &same(world)?, &files)?;
    if let Some(lock) = lock_file(world) {
        bail!("the lock is still there: {}", lock.display());
    }
    equal("open questions", &world.needs()?.len(), &0)?;
    Ok("killed within its lock, asked, taken away when told so".to_owned())
}

fn vanished(world: &World) -> Result<String> {
    roots(world)?;
    world.fill("left", "file", 5)?;
    world.sync("both", GOOD)?;
    fs::rename(world.at("left"), world.at("elsewhere"))?;
    world.sync("both", FAILED)?.says("empty or gone")?;
    world.directory("left")?;
    world.sync("both", FAILED)?.says("empty or gone")?;
    equal("files that stay", &contents(world, "right")?.len(), &5)?;
    world.no_items()?;
    world.item(
        "none",
        &json!({ "recipe": "unison", "profile": "none", "folder": world.text("unison") }),
    )?;
    world.sync("none", FAILED)?.says("knows no profile")?;
    Ok("hard, and nothing was deleted".to_owned())
}

fn gone(world: &World) -> Result<String> {
    world.fill("left", "file", 2)?;
    profile(
        world,
        [&world.text("left"), "socket://127.0.0.1:1//nowhere"],
    )?;
    world.run(&["sync", "both"])?.says("refused")?;
    profile(
        world,
        [&world.text("left"), "socket://192.0.2.1:1//nowhere"],
    )?;
    let lost = world.finish(&mut world.no_network(&["sync", "both"]))?;
    lost.says("unreachable")?;
    Ok("refused, and without a route".to_owned())
}

fn full(world: &World) -> Result<String> {
    roots(world)?;
    world.fill_disk("right", 512)?;
    // As the other root has it, so that only the file is to do.
    crate::run::check(
        crate::run::command("chmod")
            .arg("755")
            .args([world.at("left"), world.at("right")]),
    )?;
    world.noise("left/large", 2 << 20)?;
    world.sync("both", FAILED)?;
    world.make_room("right", 8 << 10)?;
    world.sync("both", GOOD)?;
    equal("files", &same(world)?, &1)?;
    Ok("failed, then with room well".to_owned())
}

fn stopped(world: &World) -> Result<String> {
    roots(world)?;
    world.noise("left/large", 64 << 20)?;
    let running = world.start(&["sync", "both"])?;
    wait_for("the copy", || {
        fs::read_dir(world.at("right")).is_ok_and(|mut entries| entries.next().is_some())
    })?;
    running.interrupt()?;
    running.end()?;
    world.nothing_runs("unison")?;
    world.sync("both", GOOD)?;
    equal("files", &same(world)?, &1)?;
    Ok("nothing was left running, and the next run completes it".to_owned())
}

/// Whether a file is on its way into a root.
fn is_copying(world: &World, root: &str) -> bool {
    let entries = fs::read_dir(world.at(root)).into_iter().flatten();
    entries.flatten().any(|entry| {
        entry.file_name().to_string_lossy().starts_with(".unison.")
            && entry.metadata().is_ok_and(|about| about.len() > 0)
    })
}

fn killed(world: &World) -> Result<String> {
    roots(world)?;
    world.noise("left/large", 64 << 20)?;
    let killed = world
        .sigkill_when(&["sync", "both"], "unison", || is_copying(world, "right"))?
        .ended(FAILED)?;
    world.nothing_runs("unison")?;
    if world.at("right/large").exists() {
        bail!("it was killed too late");
    }
    world.sync("both", GOOD)?;
    equal(
        "the file",
        &(fs::read(world.at("right/large"))? == fs::read(world.at("left/large"))?),
        &true,
    )?;
    equal("open questions", &world.needs()?.len(), &0)?;
    Ok(format!("{}; then whole", killed.end()?["text"]))
}

/// The root `right` is behind ssh. What it sends stands still after so many blocks of 4 KiB at most.
fn far(world: &World, server: &Server, blocks: Option<u64>) -> Result<()> {
    world.directory("left")?;
    world.directory("right")?;
    // It keeps its archives with the case.
    let then = blocks.map_or_else(String::new, |blocks| {
        format!(" | {{ dd bs=4096 count={blocks} status=none; exec sleep 20; }}")
    });
    world.program(
        "unison-there",
        &format!(
            "#!/bin/sh\nexport UNISON='{}'\nunison \"$@\"{then}\n",
            world.text("unison-there")
        ),
    )?;
    let shell = server.shell(world);
    let right = format!("ssh://root@127.0.0.1/{}", world.text("right"));
    profile(world, [&world.text("left"), &right])?;
    let profile = world.read("unison/p.prf")?;
    world.write(
        "unison/p.prf",
        format!(
            "{profile}sshargs = {}\nservercmd = {}\n",
            shell.trim_start_matches("ssh "),
            world.text("bin/unison-there")
        ),
    )
}

fn network_lost(world: &World) -> Result<String> {
    let network = Network::new(world)?;
    let server = Server::new(world)?;
    server.make_known(world)?;
    server.start(world, Some(&network))?;
    far(world, &server, None)?;
    world.fill("left", "mine", 3)?;
    world.fill("right", "yours", 3)?;
    let sync = || world.finish(&mut network.manager(world, &["sync", "both"]));
    sync()?
        .ended(GOOD)?
        .counted("sent", 3)?
        .counted("received", 3)?;
    equal("files", &same(world)?, &6)?;
    world.noise("right/large", 6 << 20)?;
    far(world, &server, Some(500))?;
    let running = world.start_command(&mut network.manager(world, &["sync", "both"]))?;
    wait_for("the copy", || is_copying(world, "left"))?;
    network.goes("down")?;
    let lost = running.end()?.ended(FAILED)?;
    world.failed_softly(true)?;
    network.goes("up")?;
    far(world, &server, None)?;
    sync()?.ended(GOOD)?;
    equal("files", &same(world)?, &7)?;
    Ok(format!("good, soft: {}; then whole", lost.end()?["text"]))
}

fn found(world: &World) -> Result<String> {
    roots(world)?;
    world.fill("left", "file", 2)?;
    fs::copy(world.at("unison/p.prf"), world.at("unison/with-hyphen.prf"))?;
    world.write("unison/ar0", "no profile")?;
    let folder = world.text("unison");
    let found = world.add_found(&["unison", "--folder", &folder])?;
    equal("profiles found", &found, &2)?;
    world.sync("p", GOOD)?;
    equal("files", &same(world)?, &2)?;
    Ok("2 profiles are 2 items".to_owned())
}
