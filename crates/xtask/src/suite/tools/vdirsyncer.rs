//! vdirsyncer: a pair of a directory and radicale on loopback.

use std::net::{TcpListener, TcpStream};

use anyhow::{Result, bail};
use serde_json::json;

use super::super::sides::walk;
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
];

fn event(id: &str, summary: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:{id}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260102T100000Z\r\nSUMMARY:{summary}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

fn serve(world: &World) -> Result<u16> {
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
    world.beside(world.command("radicale").args(["--config", &config]))?;
    wait_for("radicale", || {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    })?;
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
    let line = format!(
        "yes | vdirsyncer -c {} discover cal",
        world.text("vdirsyncer.conf")
    );
    crate::run::check(world.command("sh").args(["-c", &line]))
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
    let there = "server/collection-root/u/work";
    for id in ["e1", "e2"] {
        world.write(
            &format!("near/work/{id}.ics"),
            event(id, &format!("{id} of here")),
        )?;
        let output = world
            .command("curl")
            .args([
                "--silent",
                "--fail",
                "-u",
                "u:p",
                "-X",
                "PUT",
                "--data-binary",
                &event(id, &format!("{id} of there")),
            ])
            .arg(format!("http://127.0.0.1:{port}/u/work/{id}.ics"))
            .status()?;
        if !output.success() {
            bail!("the server took no event");
        }
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
    if all(world, there)?.contains("e1 of there") || !all(world, there)?.contains("e2 of there") {
        bail!("one choice decided about more or less than its item");
    }
    let Some(second) = of("e2") else {
        bail!("the second conflict is gone")
    };
    world.run(&["resolve", &second, "b"])?.ended(GOOD)?;
    world.sync("cal", GOOD)?.counted("sent", 0)?;
    for place in [there, "near"] {
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
