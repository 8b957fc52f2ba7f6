//! mbsync: a channel between a Maildir and dovecot on loopback.

use std::fs;
use std::net::{TcpListener, TcpStream};

use anyhow::{Result, bail};
use serde_json::json;

use super::super::sides::walk;
use super::ssh::{Network, answers};
use super::world::{Case, FAILED, GOOD, World, equal, wait_for};
use crate::run;

/// Every case.
pub(super) const CASES: &[Case] = &[
    ("both ways, changed, deleted; found", both_ways),
    (
        "a wrong password, no channel, the server is gone, no network",
        refusals,
    ),
    ("killed, and its lock", killed),
    ("stopped in the midst", stopped),
    ("a network that is lost in the midst", network_lost),
    ("another one works there", another),
    ("the server numbers its messages anew", renumbered),
    ("no room here, no room there", full),
    ("a mailbox that vanished here", vanished),
];

fn serve(world: &World) -> Result<u16> {
    serve_in(world, None)
}

fn serve_in(world: &World, network: Option<&Network>) -> Result<u16> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    for below in ["run", "state", "mail"] {
        world.directory(below)?;
    }
    run::check(run::command("chmod").arg("755").arg(world.at("")))?;
    run::check(
        run::command("chown")
            .arg("nobody:nogroup")
            .arg(world.at("mail")),
    )?;
    world.write("users", "u:{PLAIN}p::::::\n")?;
    world.write(
        "dovecot.conf",
        format!(
            "base_dir = {0}/run\nstate_dir = {0}/state\nlog_path = {0}/dovecot.log\nprotocols = imap\nssl = no\ndisable_plaintext_auth = no\nservice imap-login {{\n  inet_listener imap {{\n    address = 127.0.0.1\n    port = {port}\n  }}\n  inet_listener imaps {{\n    port = 0\n  }}\n}}\npassdb {{\n  driver = passwd-file\n  args = {0}/users\n}}\nuserdb {{\n  driver = static\n  args = uid=nobody gid=nogroup home={0}/mail/%u\n}}\nmail_location = maildir:{0}/mail/%u/Maildir\n",
            world.text("").trim_end_matches('/')
        ),
    )?;
    let config = world.text("dovecot.conf");
    let mut command = match network {
        Some(network) => network.command_of(world, "/usr/sbin/dovecot"),
        None => world.command("/usr/sbin/dovecot"),
    };
    world.beside(command.args(["-F", "-c", &config]))?;
    answers(network, port)?;
    Ok(port)
}

fn configure(world: &World, port: u16, password: &str) -> Result<()> {
    world.directory("box")?;
    world.write(
        "mbsyncrc",
        format!(
            "IMAPAccount a\nHost 127.0.0.1\nPort {port}\nUser u\nPass {password}\nSSLType None\nAuthMechs LOGIN\nPipelineDepth 1\n\nIMAPStore far\nAccount a\n\nMaildirStore near\nPath {0}/\nInbox {0}/INBOX\n\nChannel mail\nFar :far:\nNear :near:\nCreate Both\nExpunge Both\nSyncState *\n",
            world.text("box")
        ),
    )
}

fn message(subject: &str) -> String {
    format!(
        "From: a@example.org\r\nSubject: {subject}\r\nMessage-ID: <{subject}@example.org>\r\n\r\n{subject}\r\n"
    )
}

fn ready(world: &World) -> Result<u16> {
    let port = serve(world)?;
    configure(world, port, "p")?;
    item(world, "mail")?;
    world.sync("mail", GOOD)?.counted("sent", 0)?;
    Ok(port)
}

fn item(world: &World, channel: &str) -> Result<()> {
    world.item(
        channel,
        &json!({ "recipe": "mbsync", "channel": channel, "config": world.text("mbsyncrc") }),
    )
}

const HERE: &str = "box/INBOX";
const THERE: &str = "mail/u/Maildir";

/// A new message there, as another program of the server's would deliver it.
fn deliver(world: &World, subject: &str) -> Result<()> {
    let path = format!("{THERE}/new/{subject}.x");
    world.write(&path, message(subject))?;
    run::check(
        run::command("chown")
            .arg("nobody:nogroup")
            .arg(world.at(&path)),
    )
}

/// The subjects of all messages below a directory, sorted.
fn subjects(world: &World, below: &str) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for name in ["cur", "new"] {
        let place = world.at(&format!("{below}/{name}"));
        for path in walk(&place)?.iter().filter(|path| path.is_file()) {
            let text = String::from_utf8_lossy(&fs::read(path)?).into_owned();
            let subject = text
                .lines()
                .find_map(|line| line.strip_prefix("Subject: "))
                .unwrap_or_default();
            all.push(subject.to_owned());
        }
    }
    all.sort();
    Ok(all)
}

/// Both sides have the same messages, each once; how many.
fn same(world: &World) -> Result<usize> {
    let here = subjects(world, HERE)?;
    equal(
        "messages of here and there",
        &here,
        &subjects(world, THERE)?,
    )?;
    let mut once = here.clone();
    once.dedup();
    equal("messages that are there once", &here, &once)?;
    Ok(here.len())
}

/// Nothing is lost, and at most the one message is there twice that was under way when mbsync ended: its server may take it
/// after the next mbsync looked for it.
fn none_lost(world: &World) -> Result<()> {
    let mut there = subjects(world, THERE)?;
    let all = there.len();
    there.dedup();
    let mut here = subjects(world, HERE)?;
    here.dedup();
    equal("messages of here and there", &here.len(), &there.len())?;
    equal("messages", &there.len(), &MANY)?;
    if all > MANY + 1 {
        bail!("{all} messages are there instead of {MANY}");
    }
    Ok(())
}

/// The file of a message here.
fn file_of(world: &World, subject: &str) -> Result<std::path::PathBuf> {
    let wanted = format!("Subject: {subject}\r");
    for path in walk(&world.at(HERE))? {
        if path.is_file() && String::from_utf8_lossy(&fs::read(&path)?).contains(&wanted) {
            return Ok(path);
        }
    }
    bail!("there is no message {subject}")
}

fn both_ways(world: &World) -> Result<String> {
    ready(world)?;
    for subject in ["one", "two", "three"] {
        world.write(&format!("{HERE}/new/{subject}.x"), message(subject))?;
    }
    world
        .sync("mail", GOOD)?
        .counted("sent", 3)?
        .counted("createdFar", 3)?;
    deliver(world, "four")?;
    world
        .sync("mail", GOOD)?
        .counted("received", 1)?
        .counted("createdNear", 1)?;
    equal("messages", &same(world)?, &4)?;
    // Here one is deleted, there another one; a third one is flagged here.
    fs::remove_file(file_of(world, "one")?)?;
    let two = file_of(world, "two")?;
    let name = two
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let flagged = name.split(":2,").next().unwrap_or_default().to_owned() + ":2,FS";
    fs::rename(&two, world.at(&format!("{HERE}/cur/{flagged}")))?;
    for path in walk(&world.at(THERE))? {
        if path.is_file() && fs::read(&path)?.starts_with(message("four").as_bytes()) {
            fs::remove_file(&path)?;
        }
    }
    let ended = world.sync("mail", GOOD)?;
    let deleted = [ended.count("deletedFar")?, ended.count("deletedNear")?];
    equal("messages", &same(world)?, &2)?;
    let there: Vec<String> = walk(&world.at(THERE))?
        .iter()
        .map(|path| path.to_string_lossy().into_owned())
        .collect();
    if !there.iter().any(|path| path.ends_with(":2,FS")) {
        bail!("the flag did not go there: {there:?}");
    }
    // What only 1.5 can tell is refused, and nothing is guessed.
    let plan = world.plan("mail")?;
    world.no_items()?;
    world
        .run(&[
            "add",
            "mbsync",
            "--found",
            "--config",
            &world.text("mbsyncrc"),
        ])?
        .ended(GOOD)?;
    let listed = world.run(&["list"])?;
    if !listed.text.contains("\"mail\"") {
        bail!("the channel was not found");
    }
    Ok(format!(
        "3 went, 1 came; deleted there and here: {deleted:?}; plan: code {}; 1 channel found",
        plan.code
    ))
}

fn refusals(world: &World) -> Result<String> {
    let port = ready(world)?;
    item(world, "none")?;
    world.sync("none", FAILED)?.says("knows no channel")?;
    world.failed_softly(false)?;
    configure(world, port, "wrong")?;
    world
        .sync("mail", FAILED)?
        .says("refused the name or the password")?;
    world.failed_softly(false)?;
    configure(world, port, "p")?;
    world
        .finish(&mut world.no_network(&["sync", "mail"]))?
        .ended(FAILED)?
        .says("unreachable")?;
    world.failed_softly(true)?;
    world.end_beside();
    wait_for("the end of the server", || {
        TcpStream::connect(("127.0.0.1", port)).is_err()
    })?;
    world.sync("mail", FAILED)?.says("refused")?;
    world.failed_softly(true)?;
    world.nothing_runs("mbsync")?;
    Ok("hard, hard, soft, soft".to_owned())
}

/// So many messages take their time.
const MANY: usize = 300;

fn many(world: &World) -> Result<()> {
    for number in 0..MANY {
        let subject = format!("m{number}");
        world.write(&format!("{HERE}/new/{subject}.x"), message(&subject))?;
    }
    Ok(())
}

/// Whether some messages went, and others did not.
fn is_sending(world: &World) -> bool {
    let count =
        |name: &str| fs::read_dir(world.at(&format!("{THERE}/{name}"))).map_or(0, Iterator::count);
    let there = count("cur") + count("new");
    (1..MANY / 2).contains(&there)
}

fn killed(world: &World) -> Result<String> {
    ready(world)?;
    many(world)?;
    world
        .sigkill_when(&["sync", "mail"], "mbsync", || is_sending(world))?
        .ended(FAILED)?;
    if !world.at(&format!("{HERE}/.mbsyncstate.lock")).exists() {
        bail!("there is no lock");
    }
    world.sync("mail", GOOD)?.says("are taken up again")?;
    none_lost(world)?;
    equal("open questions", &world.needs()?.len(), &0)?;
    Ok("the lock stood in nobody's way, and no message is lost".to_owned())
}

fn stopped(world: &World) -> Result<String> {
    ready(world)?;
    many(world)?;
    let running = world.start(&["sync", "mail"])?;
    wait_for("the first messages", || is_sending(world))?;
    running.interrupt()?;
    let ended = running.end()?.status("stopped")?;
    world.nothing_runs("mbsync")?;
    world.sync("mail", GOOD)?.says("are taken up again")?;
    none_lost(world)?;
    Ok(format!(
        "code {}, nothing runs; then no message is lost",
        ended.code
    ))
}

fn network_lost(world: &World) -> Result<String> {
    let network = Network::new(world)?;
    let port = serve_in(world, Some(&network))?;
    configure(world, port, "p")?;
    let impatient = world
        .read("mbsyncrc")?
        .replace("PipelineDepth", "Timeout 3\nPipelineDepth");
    world.write("mbsyncrc", impatient)?;
    item(world, "mail")?;
    let sync = || network.manager(world, &["sync", "mail"]);
    world.finish(&mut sync())?.ended(GOOD)?;
    many(world)?;
    let running = world.start_command(&mut sync())?;
    wait_for("the first messages", || is_sending(world))?;
    network.goes("down")?;
    let lost = running.end()?.ended(FAILED)?;
    world.failed_softly(true)?;
    world.nothing_runs("mbsync")?;
    network.goes("up")?;
    world.finish(&mut sync())?.ended(GOOD)?;
    none_lost(world)?;
    Ok(format!(
        "soft: {}; then no message is lost",
        lost.end()?["text"]
    ))
}

fn another(world: &World) -> Result<String> {
    ready(world)?;
    many(world)?;
    let other = world.beside(world.command("mbsync").args([
        "--config",
        &world.text("mbsyncrc"),
        "mail",
    ]))?;
    wait_for("the other one", || is_sending(world))?;
    run::check(run::command("kill").args(["-STOP", &other.to_string()]))?;
    world
        .sync("mail", FAILED)?
        .says("another mbsync works with")?;
    world.failed_softly(true)?;
    equal("open questions", &world.needs()?.len(), &0)?;
    Ok("soft, and nobody is asked: such a lock never stays".to_owned())
}

fn renumbered(world: &World) -> Result<String> {
    let port = ready(world)?;
    for subject in ["one", "two"] {
        world.write(&format!("{HERE}/new/{subject}.x"), message(subject))?;
    }
    world.sync("mail", GOOD)?.counted("sent", 2)?;
    // The same messages under other numbers are recognised.
    let list = world.read(&format!("{THERE}/dovecot-uidlist"))?;
    let (first, rest) = list.split_once('\n').unwrap_or_default();
    let words: Vec<&str> = first
        .split(' ')
        .map(|word| if word.starts_with('V') { "V4711" } else { word })
        .collect();
    world.write(
        &format!("{THERE}/dovecot-uidlist"),
        format!("{}\n{rest}", words.join(" ")),
    )?;
    for path in walk(&world.at(THERE))? {
        if path.to_string_lossy().contains("dovecot.index") {
            fs::remove_file(path)?;
        }
    }
    world.sync("mail", GOOD)?.says("Recovered from change")?;
    equal("messages", &same(world)?, &2)?;
    // Others in their place are not.
    world.end_beside();
    wait_for("the end of the server", || {
        TcpStream::connect(("127.0.0.1", port)).is_err()
    })?;
    fs::remove_dir_all(world.at(THERE))?;
    let port = serve(world)?;
    configure(world, port, "p")?;
    for name in ["new", "cur", "tmp"] {
        world.directory(&format!("{THERE}/{name}"))?;
    }
    run::check(
        run::command("chown")
            .args(["-R", "nobody:nogroup"])
            .arg(world.at("mail")),
    )?;
    for subject in ["three", "four", "five"] {
        deliver(world, subject)?;
    }
    world
        .sync("mail", FAILED)?
        .says("numbered its messages anew")?
        .says(".mbsyncstate")?;
    world.failed_softly(false)?;
    equal("messages of here", &subjects(world, HERE)?.len(), &2)?;
    equal("messages of there", &subjects(world, THERE)?.len(), &3)?;
    // What the hint says.
    fs::remove_file(world.at(&format!("{HERE}/.mbsyncstate")))?;
    world.sync("mail", GOOD)?;
    equal("messages", &same(world)?, &5)?;
    Ok("the same ones are recognised, others refused, nothing lost".to_owned())
}

fn full(world: &World) -> Result<String> {
    world.fill_disk("mail", 1024)?;
    let port = serve(world)?;
    configure(world, port, "p")?;
    item(world, "mail")?;
    world.sync("mail", GOOD)?;
    let large =
        |subject: &str| message(subject) + &"x".repeat(70) + &"\r\nyyyyyyyyyyyy".repeat(200_000);
    world.write(&format!("{HERE}/new/large.x"), large("large"))?;
    world.sync("mail", FAILED)?.says("takes no message")?;
    world.failed_softly(false)?;
    world.make_room("mail", 32 << 10)?;
    // What the hint says: under a new name it is a new message.
    let refused = file_of(world, "large")?;
    fs::rename(refused, world.at(&format!("{HERE}/new/large.y")))?;
    world.sync("mail", GOOD)?;
    equal("messages", &same(world)?, &1)?;
    world.fill_disk("box", 1024)?;
    world.sync("mail", FAILED)?.says("no room left")?;
    world.failed_softly(false)?;
    world.make_room("box", 32 << 10)?;
    world.sync("mail", GOOD)?;
    equal("messages", &same(world)?, &1)?;
    Ok("there: refused; here: no room left; each with room well".to_owned())
}

fn vanished(world: &World) -> Result<String> {
    ready(world)?;
    for subject in ["one", "two"] {
        deliver(world, subject)?;
    }
    world.sync("mail", GOOD)?.counted("received", 2)?;
    fs::remove_dir_all(world.at("box"))?;
    let gone = world.run(&["sync", "mail"])?;
    equal("messages of there", &subjects(world, THERE)?.len(), &2)?;
    world.directory("box")?;
    let emptied = world.run(&["sync", "mail"])?;
    equal("messages of there", &subjects(world, THERE)?.len(), &2)?;
    Ok(format!(
        "gone: code {}, emptied: code {}; nothing was deleted there",
        gone.code, emptied.code
    ))
}
