//! mbsync: a channel between a Maildir and dovecot on loopback.

use std::fs;
use std::net::{TcpListener, TcpStream};

use anyhow::Result;
use serde_json::json;

use super::world::{Case, FAILED, GOOD, World, equal, wait_for};
use crate::run;

/// Every case.
pub(super) const CASES: &[Case] = &[(
    "both ways, a wrong password, no channel, the server is gone",
    channel,
)];

fn serve(world: &World) -> Result<u16> {
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
    world.beside(
        world
            .command("/usr/sbin/dovecot")
            .args(["-F", "-c", &config]),
    )?;
    wait_for("dovecot", || {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    })?;
    Ok(port)
}

fn configure(world: &World, port: u16, password: &str) -> Result<()> {
    world.directory("box")?;
    world.write(
        "mbsyncrc",
        format!(
            "IMAPAccount a\nHost 127.0.0.1\nPort {port}\nUser u\nPass {password}\nSSLType None\nAuthMechs LOGIN\n\nIMAPStore far\nAccount a\n\nMaildirStore near\nPath {0}/\nInbox {0}/INBOX\n\nChannel mail\nFar :far:\nNear :near:\nCreate Both\nExpunge Both\nSyncState *\n",
            world.text("box")
        ),
    )
}

fn message(subject: &str) -> String {
    format!(
        "From: a@example.org\r\nSubject: {subject}\r\nMessage-ID: <{subject}@example.org>\r\n\r\n{subject}\r\n"
    )
}

fn channel(world: &World) -> Result<String> {
    let port = serve(world)?;
    configure(world, port, "p")?;
    for channel in ["mail", "none"] {
        world.item(
            channel,
            &json!({ "recipe": "mbsync", "channel": channel, "config": world.text("mbsyncrc") }),
        )?;
    }
    world.sync("mail", GOOD)?.counted("sent", 0)?;
    world.write("box/INBOX/new/1.x", message("one"))?;
    world.write("box/INBOX/new/2.x", message("two"))?;
    world.sync("mail", GOOD)?.counted("sent", 2)?;
    let there = |below: &str| fs::read_dir(world.at(below)).map_or(0, Iterator::count);
    let all = there("mail/u/Maildir/cur") + there("mail/u/Maildir/new");
    equal("messages of the server", &all, &2)?;
    world.write("mail/u/Maildir/new/3.x", message("three"))?;
    run::check(
        run::command("chown")
            .arg("nobody:nogroup")
            .arg(world.at("mail/u/Maildir/new/3.x")),
    )?;
    world.sync("mail", GOOD)?.counted("received", 1)?;
    world.sync("none", FAILED)?.says("knows no channel")?;
    configure(world, port, "wrong")?;
    world
        .sync("mail", FAILED)?
        .says("refused the name or the password")?;
    configure(world, port, "p")?;
    world.end_beside();
    wait_for("the end of the server", || {
        TcpStream::connect(("127.0.0.1", port)).is_err()
    })?;
    world.sync("mail", FAILED)?;
    world.nothing_runs("mbsync")?;
    Ok("2 went, 1 came; all three refused in words".to_owned())
}
