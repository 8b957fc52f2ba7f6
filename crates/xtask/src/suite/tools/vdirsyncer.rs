//! vdirsyncer: a pair of a directory and radicale on loopback.

use std::net::TcpListener;

use anyhow::{Result, bail};
use serde_json::json;

use super::super::sides::walk;
use super::ssh::{Network, answers};
use super::world::{Case, FAILED, GOOD, NEEDS_YOU, World, equal, wait_for};

/// Every case.
pub(super) const CASES: &[Case] = &[
    (
        "asked for collections; both ways; conflicts one by one",
        pair,
    ),
    (
        "a wrong password, an emptied side, a server that is gone",
        refusals,
    ),
    ("answers to what discover asks: no, then yes; found", asked),
    ("killed in the midst", killed),
    ("stopped in the midst", stopped),
    ("no room on the disk", full),
    ("no network, then one", network_lost),
];

/// So many events take a while.
const MANY: usize = 60;

/// Where the server keeps the collection.
const THERE: &str = "server/collection-root/u/work";

fn event(id: &str, summary: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:{id}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260102T100000Z\r\nSUMMARY:{summary}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

fn serve(world: &World) -> Result<u16> {
    serve_in(world, None)
}

fn serve_in(world: &World, network: Option<&Network>) -> Result<u16> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    world.write("users", "u:p\n")?;
    world.write(
        "radicale.conf",
        format!(
            "[server]\nhosts = 127.0.0.1:{port}\n[auth]\ntype = htpasswd\nhtpasswd_filename = {}\nhtpasswd_encryption = plain\n[storage]\nfilesystem_folder = {}\n",
            world.text("users"),
            world.text("server")
        ),
    )?;
    let config = world.text("radicale.conf");
    let mut command = match network {
        Some(network) => network.command_of(world, "radicale"),
        None => world.command("radicale"),
    };
    world.beside(command.args(["--config", &config]))?;
    answers(network, port)?;
    Ok(port)
}

fn configure(world: &World, port: u16, password: &str) -> Result<()> {
    world.write(
        "vdirsyncer.conf",
        format!(
            "[general]\nstatus_path = \"{0}/status/\"\n[pair cal]\na = \"near\"\nb = \"far\"\ncollections = [\"from a\"]\n[storage near]\ntype = \"filesystem\"\npath = \"{0}/near/\"\nfileext = \".ics\"\n[storage far]\ntype = \"caldav\"\nurl = \"http://127.0.0.1:{port}/\"\nusername = \"u\"\npassword = \"{password}\"\n",
            world.text("")
        ),
    )?;
    world.no_items()?;
    world.item(
        "cal",
        &json!({ "recipe": "vdirsyncer", "pair": "cal", "config": world.text("vdirsyncer.conf") }),
    )
}

/// Makes the collection there without the item.
fn discover(world: &World) -> Result<()> {
    discover_by(world, &mut world.command("sh"))
}

fn discover_by(world: &World, shell: &mut std::process::Command) -> Result<()> {
    let line = format!(
        "yes | vdirsyncer -c {} discover cal",
        world.text("vdirsyncer.conf")
    );
    crate::run::output(shell.args(["-c", &line])).map(drop)
}

/// An event that the server gets from somebody else.
fn put(world: &World, port: u16, id: &str, summary: &str) -> Result<()> {
    world.write("event", event(id, summary))?;
    let from = format!("@{}", world.text("event"));
    crate::run::check(
        world
            .command("curl")
            .args(["--silent", "--fail", "--user", "u:p", "--request", "PUT"])
            .args(["--data-binary", &from])
            .arg(format!("http://127.0.0.1:{port}/u/work/{id}.ics")),
    )
}

/// Everything below a directory, as one text.
fn all(world: &World, below: &str) -> Result<String> {
    let mut text = String::new();
    for path in walk(&world.at(below))? {
        if path.is_file() {
            text.push_str(&String::from_utf8_lossy(&std::fs::read(path)?));
        }
    }
    Ok(text)
}

fn pair(world: &World) -> Result<String> {
    let port = serve(world)?;
    configure(world, port, "p")?;
    for id in ["e1", "e2", "e3"] {
        world.write(&format!("near/work/{id}.ics"), event(id, "base"))?;
    }
    world
        .sync("cal", FAILED)?
        .says("Should vdirsyncer attempt to create it")?;
    discover(world)?;
    world.sync("cal", GOOD)?.counted("sent", 3)?;
    for id in ["e1", "e2"] {
        world.write(
            &format!("near/work/{id}.ics"),
            event(id, &format!("{id} of here")),
        )?;
        put(world, port, id, &format!("{id} of there"))?;
    }
    world.sync("cal", NEEDS_YOU)?.counted("conflicts", 2)?;
    world.run(&["resolve", "work/e1", "a"]).map(drop)?;
    let ids: Vec<String> = world
        .conflicts()?
        .iter()
        .map(|one| one["id"].as_str().unwrap_or_default().to_owned())
        .collect();
    let of = |id: &str| ids.iter().find(|one| one.ends_with(id)).cloned();
    if let Some(first) = of("e1") {
        world.run(&["resolve", &first, "a"])?.ended(GOOD)?;
    }
    if all(world, THERE)?.contains("e1 of there") || !all(world, THERE)?.contains("e2 of there") {
        bail!("one choice decided about more or less than its item");
    }
    let Some(second) = of("e2") else {
        bail!("the second conflict is gone")
    };
    world.run(&["resolve", &second, "b"])?.ended(GOOD)?;
    world.sync("cal", GOOD)?.counted("sent", 0)?;
    for place in [THERE, "near"] {
        let text = all(world, place)?;
        if !text.contains("e1 of here") || !text.contains("e2 of there") {
            bail!("what was chosen is not at {place}");
        }
    }
    let home = all(world, "home")?;
    if !home.contains("e1 of there") || !home.contains("e2 of here") {
        bail!("what gave way is not kept");
    }
    equal("open conflicts", &world.conflicts()?.len(), &0)?;
    Ok("the question shown; 2 conflicts decided alone, what gave way kept".to_owned())
}

fn refusals(world: &World) -> Result<String> {
    let port = serve(world)?;
    configure(world, port, "p")?;
    for id in ["e1", "e2"] {
        world.write(&format!("near/work/{id}.ics"), event(id, "base"))?;
    }
    discover(world)?;
    world.sync("cal", GOOD)?;
    for id in ["e1", "e2"] {
        std::fs::remove_file(world.at(&format!("near/work/{id}.ics")))?;
    }
    world
        .sync("cal", FAILED)?
        .says("is empty, and was not before")?;
    if !all(world, "server")?.contains("UID:e2") {
        bail!("an emptied side was synchronized");
    }
    world.end_beside();
    world.sync("cal", FAILED)?.says("does not answer")?;
    Ok("nothing deleted; the server does not answer".to_owned())
}

fn asked(world: &World) -> Result<String> {
    let port = serve(world)?;
    configure(world, port, "p")?;
    world.write("near/work/e1.ics", event("e1", "base"))?;
    let question = "is it to be created there?";
    world
        .typed(&["sync", "cal"], question, "no")?
        .ended(FAILED)?
        .says("was not created")?;
    if world.at(THERE).exists() {
        bail!("the collection was made although the answer was no");
    }
    world
        .typed(&["sync", "cal"], question, "yes")?
        .ended(GOOD)?;
    if !all(world, THERE)?.contains("UID:e1") {
        bail!("the server has no event");
    }
    world.sync("cal", GOOD)?.counted("sent", 0)?;
    equal("open questions", &world.needs()?.len(), &0)?;
    let config = world.text("vdirsyncer.conf");
    let found = world.add_found(&["vdirsyncer", "--config", &config])?;
    equal("pairs found", &found, &1)?;
    world.sync("cal", GOOD)?.counted("sent", 0)?;
    Ok("no: nothing was made; yes: made and filled; found: the same pair".to_owned())
}

/// A pair with much to do.
fn much(world: &World) -> Result<()> {
    let port = serve(world)?;
    configure(world, port, "p")?;
    for number in 0..MANY {
        let id = format!("many-{number}");
        world.write(&format!("near/work/{id}.ics"), event(&id, "base"))?;
    }
    discover(world)
}

/// How many events a side has. What the server keeps beside them is not counted.
fn events(world: &World, below: &str) -> usize {
    let entries = std::fs::read_dir(world.at(below)).into_iter().flatten();
    let names = entries.flatten().map(|entry| entry.file_name());
    names
        .filter(|name| name.to_string_lossy().ends_with(".ics"))
        .count()
}

/// Each event is on both sides, once.
fn complete(world: &World) -> Result<()> {
    world.sync("cal", GOOD)?;
    equal("events of there", &events(world, THERE), &MANY)?;
    equal("events of here", &events(world, "near/work"), &MANY)?;
    equal("open conflicts", &world.conflicts()?.len(), &0)?;
    world.sync("cal", GOOD)?.counted("sent", 0)?;
    equal("open questions", &world.needs()?.len(), &0)
}

fn killed(world: &World) -> Result<String> {
    much(world)?;
    let killed = world
        .sigkill_when(&["sync", "cal"], "vdirsyncer", || events(world, THERE) > 5)?
        .ended(FAILED)?;
    world.nothing_runs("vdirsyncer")?;
    let then = events(world, THERE);
    if then >= MANY {
        bail!("it was killed too late");
    }
    complete(world)?;
    Ok(format!(
        "{then} of {MANY} had arrived: {}; then each is there once, and no lock stays",
        killed.end()?["text"]
    ))
}

fn stopped(world: &World) -> Result<String> {
    much(world)?;
    let running = world.start(&["sync", "cal"])?;
    wait_for("the first events", || events(world, THERE) > 5)?;
    running.interrupt()?;
    let ended = running.end()?.status("stopped")?;
    world.nothing_runs("vdirsyncer")?;
    let then = events(world, THERE);
    if then >= MANY {
        bail!("it was stopped too late");
    }
    complete(world)?;
    Ok(format!(
        "code {}, nothing runs, {then} of {MANY} had arrived; then all",
        ended.code
    ))
}

fn full(world: &World) -> Result<String> {
    world.fill_disk("near", 64)?;
    let port = serve(world)?;
    configure(world, port, "p")?;
    world.write("near/work/e1.ics", event("e1", "base"))?;
    discover(world)?;
    world.sync("cal", GOOD)?.counted("sent", 1)?;
    put(world, port, "large", &"x".repeat(200 * 1024))?;
    world.sync("cal", FAILED)?.says("there is no room left")?;
    world.failed_softly(false)?;
    if !all(world, THERE)?.contains("UID:large") {
        bail!("what did not fit here was deleted there");
    }
    world.make_room("near", 4096)?;
    world.sync("cal", GOOD)?;
    if !all(world, "near")?.contains("UID:large") {
        bail!("with room it did not come");
    }
    Ok("failed with why, nothing deleted; with more room it came".to_owned())
}

fn network_lost(world: &World) -> Result<String> {
    let network = Network::new(world)?;
    let port = serve_in(world, Some(&network))?;
    configure(world, port, "p")?;
    world.write("near/work/e1.ics", event("e1", "base"))?;
    discover_by(world, &mut network.command_of(world, "sh"))?;
    let sync = || world.finish(&mut network.manager(world, &["sync", "cal"]));
    sync()?.ended(GOOD)?.counted("sent", 1)?;
    world.write("near/work/e2.ics", event("e2", "base"))?;
    network.goes("down")?;
    sync()?.ended(FAILED)?.says("does not answer")?;
    world.failed_softly(true)?;
    network.goes("up")?;
    sync()?.ended(GOOD)?.counted("sent", 1)?;
    if !all(world, THERE)?.contains("UID:e2") {
        bail!("the event did not arrive");
    }
    Ok("good, soft, good".to_owned())
}
