//! Sync Center's door on real TCP: who is let in, and what becomes of those who are not.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;

use rustix::process::Signal;
use serde_json::Value;

use crate::world::{FOR_EVER, Running, World};

/// An answer.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    /// The cookie that it sets, as it is sent back.
    fn cookie(&self) -> String {
        let line = self
            .head
            .lines()
            .find_map(|line| line.strip_prefix("set-cookie: "));
        line.unwrap().split(';').next().unwrap().to_owned()
    }

    fn code(&self) -> String {
        let refusal: Value = serde_json::from_str(&self.body).unwrap();
        refusal["code"].as_str().unwrap().to_owned()
    }
}

/// Asks `host` for `line`, such as `GET /v1/status`, with further lines of the head.
fn ask(host: &str, line: &str, head: &[&str]) -> Answer {
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(FOR_EVER)).unwrap();
    let named = head.iter().any(|line| line.starts_with("host:"));
    let name = if named {
        String::new()
    } else {
        format!("host: {host}\r\n")
    };
    let head: String = head.iter().map(|line| format!("{line}\r\n")).collect();
    write!(
        stream,
        "{line} HTTP/1.1\r\n{name}{head}connection: close\r\ncontent-length: 0\r\n\r\n"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

/// A way in: the host, and the path with the token.
fn way_in(world: &World, scope: &str) -> (String, String) {
    let objects = world.json(["center", "--scope", scope]);
    let enter = objects[0]["enter"].as_str().unwrap();
    let (host, path) = enter
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    (host.to_owned(), format!("/{path}"))
}

fn daemon(world: &World) -> Running {
    let mut daemon = world.start(["daemon"]);
    daemon.wait_for("serves every command");
    daemon
}

#[test]
fn a_browser_enters_once_and_does_what_it_may() {
    let world = World::with_pair(1);
    let daemon = daemon(&world);
    let (host, path) = way_in(&world, "run");
    let entered = ask(&host, &format!("GET {path}"), &[]);
    assert_eq!(entered.status, 303, "{entered:?}");
    assert!(entered.head.contains("HttpOnly; SameSite=Strict; Path=/"));
    let cookie = format!("cookie: {}", entered.cookie());
    let origin = format!("origin: http://{host}");
    let look = || ask(&host, "GET /v1/status", &[&cookie]);
    assert_eq!(look().status, 200);
    let paused = ask(&host, "POST /v1/pause", &[&cookie, &origin]);
    assert_eq!(paused.status, 200, "{paused:?}");
    world.run(["status"]).says("paused");
    let may_not = ask(&host, "POST /v1/enter", &[&cookie, &origin]);
    assert_eq!(
        (may_not.status, &*may_not.code()),
        (403, "center::not-allowed")
    );
    // Everybody else stays outside.
    for (line, head, status) in [
        (format!("GET {path}"), &[][..], 401),
        ("GET /v1/status".to_owned(), &[], 401),
        ("GET /v1/changes".to_owned(), &[], 401),
        ("GET /metrics".to_owned(), &[], 401),
        ("GET /openapi.json".to_owned(), &[], 401),
        (
            "GET /v1/status".to_owned(),
            &["host: evil.example", &*cookie],
            421,
        ),
        (
            "POST /v1/pause".to_owned(),
            &[&*cookie, "origin: http://evil.example"],
            403,
        ),
        ("POST /v1/pause".to_owned(), &[&*cookie], 403),
    ] {
        assert_eq!(ask(&host, &line, head).status, status, "{line} {head:?}");
    }
    // A program shows the token of the user, which the file keeps from others.
    let file = world.path("home/run/center.token");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let bearer = format!("authorization: Bearer {}", world.read(&file));
    assert_eq!(ask(&host, "POST /v1/resume", &[&bearer]).status, 200);
    daemon.signal(Signal::TERM);
    daemon.end().exits(0);
    assert!(!file.exists());
}

#[test]
fn a_cookie_of_an_old_life_is_told_the_way_in() {
    let world = World::with_pair(1);
    world.configure(&format!(
        "{}\n[center]\nlisten = \"127.0.0.1:0\"\n",
        world.read("home/config/config.toml")
    ));
    let first = daemon(&world);
    let (host, path) = way_in(&world, "admin");
    let cookie = format!(
        "cookie: {}",
        ask(&host, &format!("GET {path}"), &[]).cookie()
    );
    first.signal(Signal::TERM);
    first.end().exits(0);
    let port = host.rsplit_once(':').unwrap().1.to_owned();
    let config = world.read("home/config/config.toml");
    world.configure(&config.replace("127.0.0.1:0", &format!("127.0.0.1:{port}")));
    // Nobody asked for it: it is open because the configuration says so.
    let mut second = daemon(&world);
    let told = ask(&host, "GET /", &[&cookie, "accept: text/html"]);
    assert_eq!(told.status, 401, "{told:?}");
    assert!(told.body.contains("syncmgr center"), "{told:?}");
    let told = ask(&host, "GET /v1/status", &[&cookie]);
    assert_eq!((told.status, &*told.code()), (401, "center::no-entry"));
    let bearer = format!(
        "authorization: Bearer {}",
        world.read("home/run/center.token")
    );
    assert_eq!(ask(&host, "GET /v1/status", &[&bearer]).status, 200);
    second.wait_for("serves every command");
    second.signal(Signal::TERM);
    second.end().exits(0);
}

#[test]
fn without_a_daemon_the_command_serves_the_page_until_it_is_interrupted() {
    let world = World::with_pair(1);
    let mut center = world.start(["center"]);
    center.wait_for("Ctrl-C ends it");
    let (host, path) = way_in_of(&world);
    assert_eq!(ask(&host, &format!("GET {path}"), &[]).status, 303);
    center.signal(Signal::INT);
    center.end().exits(0).says("/enter?token=");
    world.is_quiet();
    assert!(TcpStream::connect(&host).is_err());
}

/// A way in by the token of the user, as a command that stays tells it to nobody else.
fn way_in_of(world: &World) -> (String, String) {
    let mut asked = world.start(["center", "--print"]);
    asked.wait_for("/enter?token=");
    asked.signal(Signal::INT);
    let done = asked.end();
    let line = done
        .out
        .lines()
        .find_map(|line| line.strip_prefix("http://"));
    let (host, path) = line.unwrap().split_once('/').unwrap();
    (host.to_owned(), format!("/{path}"))
}

#[test]
fn tokens_of_programs_do_what_their_scope_says() {
    let world = World::with_pair(1);
    world.write("panel.token", "a-token-that-nobody-guesses\n");
    let text = format!(
        "{}\n[center]\nlisten = \"127.0.0.1:0\"\n[[center.token]]\nname = \"panel\"\nfile = \"{}\"\nscope = \"read\"\n",
        world.read("home/config/config.toml"),
        world.path("panel.token").display()
    );
    world.configure(&text);
    let readable = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(world.path("panel.token"), readable).unwrap();
    world.run(["daemon"]).exits(4).says("others may read it");
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(world.path("panel.token"), private).unwrap();
    let daemon = daemon(&world);
    let (host, _) = way_in(&world, "read");
    let bearer = "authorization: Bearer a-token-that-nobody-guesses";
    assert_eq!(ask(&host, "GET /v1/status", &[bearer]).status, 200);
    assert_eq!(ask(&host, "POST /v1/pause", &[bearer]).status, 403);
    daemon.signal(Signal::TERM);
    daemon.end().exits(0);
}

#[test]
fn a_port_that_somebody_has_keeps_no_daemon_from_its_work() {
    let world = World::with_pair(1);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let config = world.read("home/config/config.toml");
    world.configure(&format!(
        "{config}\n[center]\nlisten = \"127.0.0.1:{port}\"\n"
    ));
    let daemon = daemon(&world);
    world.run(["log"]).says("Sync Center cannot listen");
    world.run(["center"]).exits(4).says("center::listen");
    daemon.signal(Signal::TERM);
    daemon.end().exits(0);
}

#[test]
fn nothing_but_loopback_is_served_in_the_open() {
    let world = World::with_pair(1);
    let config = world.read("home/config/config.toml");
    world.configure(&format!("{config}\n[center]\nlisten = \"0.0.0.0:0\"\n"));
    world.run(["daemon"]).exits(4).says("center::exposed");
}
