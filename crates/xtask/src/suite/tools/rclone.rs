//! rclone: mirrors one way, and bisync both ways; the same with Debian's and with the newest.

use std::fs;
use std::net::{TcpListener, TcpStream};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::super::sides::{listing, walk};
use super::world::{Case, FAILED, GOOD, NEEDS_YOU, World, equal, wait_for};

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
    ("a server that goes away", server_gone),
    ("no room on the target", no_room),
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

fn server_gone(world: &World) -> Result<String> {
    world.fill("source", "file", 5)?;
    world.directory("served")?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let address = format!("127.0.0.1:{port}");
    let mut serve = world.command("rclone");
    serve
        .args(["serve", "webdav", "--addr", &address])
        .arg(world.at("served"));
    world.beside(&mut serve)?;
    wait_for("the server", || {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    })?;
    let remote = format!(":webdav,url='http://{address}':");
    let quick = json!(["--retries=1", "--low-level-retries=1", "--contimeout=3s"]);
    item(
        world,
        "copy",
        &[("target", json!(remote)), ("extra", quick)],
    )?;
    world.sync("cloud", GOOD)?;
    equal("what the server has", &names(world, "served")?.len(), &5)?;
    world.end_beside();
    world.write("source/later", "x")?;
    let gone = world.sync("cloud", FAILED)?;
    world.failed_softly(true)?;
    Ok(format!("good, then soft: {}", gone.end()?["text"]))
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
    equal(
        "the file",
        &fs::read(world.at("target/large"))?,
        &fs::read(world.at("source/large"))?,
    )?;
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
    equal(
        "the file",
        &fs::read(world.at("target/large"))?,
        &fs::read(world.at("source/large"))?,
    )?;
    Ok(format!("code {}, nothing runs, then whole", ended.code))
}
