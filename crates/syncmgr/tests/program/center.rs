//! Sync Center's door on real TCP: who is let in, and what becomes of those who are not.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::process::Signal;
use serde_json::Value;
use tokio_rustls::rustls;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use crate::world::{FOR_EVER, Running, World};

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The cookie that it sets, as it is sent back.
    pub(crate) fn cookie(&self) -> String {
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
pub(crate) fn ask(host: &str, line: &str, head: &[&str]) -> Answer {
    let stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(FOR_EVER)).unwrap();
    ask_on(stream, host, line, head, "")
}

/// Asks on a connection.
pub(crate) fn ask_on(
    mut stream: impl Read + Write,
    host: &str,
    line: &str,
    head: &[&str],
    body: &str,
) -> Answer {
    let named = head.iter().any(|line| line.starts_with("host:"));
    let name = if named {
        String::new()
    } else {
        format!("host: {host}\r\n")
    };
    let head: String = head.iter().map(|line| format!("{line}\r\n")).collect();
    write!(
        stream,
        "{line} HTTP/1.1\r\n{name}{head}connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
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
pub(crate) fn way_in(world: &World, scope: &str) -> (String, String) {
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

/// Asks as somebody else: whoever owns a connection is known from the one who made it.
#[test]
fn a_browser_of_another_user_is_refused() {
    if !rustix::process::geteuid().is_root() {
        return; // Nobody else can be started.
    }
    let Some(world) = World::with_folders().of_an_ordinary_user() else {
        return;
    };
    let daemon = daemon(&world);
    let (host, path) = way_in(&world, "run");
    let fetch = |user: u32| {
        let (name, port) = host.rsplit_once(':').unwrap();
        let text = format!(
            "exec 3<>/dev/tcp/{name}/{port}; printf 'GET {path} HTTP/1.1\\r\\nhost: {host}\\r\\nconnection: close\\r\\n\\r\\n' >&3; cat <&3"
        );
        let mut other = std::process::Command::new("bash");
        let said = other.args(["-c", &text]).uid(user).output().unwrap();
        String::from_utf8_lossy(&said.stdout).into_owned()
    };
    let said = fetch(65_533);
    assert!(
        said.starts_with("HTTP/1.1 403") && said.contains("center::not-yours"),
        "{said}"
    );
    let said = fetch(65_534);
    assert!(said.starts_with("HTTP/1.1 303"), "{said}");
    daemon.signal(Signal::TERM);
    daemon.end().exits(0);
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

/// A connection by TLS, to a server whom the root of the tests has signed.
fn sealed(host: &str) -> impl Read + Write {
    let root = certificates().join("root.pem");
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(root).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "127.0.0.1".try_into().unwrap();
    let client = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(FOR_EVER)).unwrap();
    rustls::StreamOwned::new(client, stream)
}

fn certificates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/program/certificates")
}

#[test]
fn nothing_but_loopback_is_served_in_the_open() {
    let world = World::with_pair(1);
    let config = world.read("home/config/config.toml");
    let center = "[center]\nlisten = \"0.0.0.0:0\"\n";
    world.configure(&format!("{config}\n{center}"));
    world.run(["daemon"]).exits(4).says("center::exposed");
    // By TLS with a password it is.
    let (pem, key) = (
        certificates().join("server.pem"),
        certificates().join("server.key"),
    );
    let tls = format!(
        "tls_certificate = \"{}\"\ntls_key = \"{}\"\n",
        pem.display(),
        key.display()
    );
    world.configure(&format!("{config}\n{center}{tls}"));
    world.run(["daemon"]).exits(4).says("center::exposed");
    let file = world.path("password");
    let mut set = world.command(["center", "--set-password", "password"]);
    let mut set = set.stdin(std::process::Stdio::piped()).spawn().unwrap();
    set.stdin
        .take()
        .unwrap()
        .write_all(b"correct horse battery\n")
        .unwrap();
    assert!(set.wait().unwrap().success());
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let password = format!("password_file = \"{}\"\n", file.display());
    world.configure(&format!("{config}\n{center}{tls}{password}"));
    let daemon = daemon(&world);
    let enter = world.json(["center"])[0]["enter"]
        .as_str()
        .unwrap()
        .to_owned();
    let host = enter
        .strip_prefix("https://")
        .unwrap()
        .split_once('/')
        .unwrap()
        .0;
    let host = host.to_owned();
    let origin = format!("origin: https://{host}");
    let knock = |password: &str| {
        let body = format!("password={password}");
        ask_on(sealed(&host), &host, "POST /enter", &[&origin], &body)
    };
    assert_eq!(knock("wrong").status, 401);
    let entered = knock("correct+horse+battery");
    assert_eq!(entered.status, 303, "{entered:?}");
    assert!(entered.head.contains("; Secure"), "{entered:?}");
    let cookie = format!("cookie: {}", entered.cookie());
    let status = ask_on(sealed(&host), &host, "GET /v1/status", &[&cookie], "");
    assert_eq!(status.status, 200, "{status:?}");
    // Without TLS nothing is said.
    let mut open = TcpStream::connect(&host).unwrap();
    open.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut said = Vec::new();
    drop(open.read_to_end(&mut said));
    assert!(!said.starts_with(b"HTTP"), "{said:?}");
    daemon.signal(Signal::TERM);
    daemon.end().exits(0);
}

#[test]
fn a_proxy_carries_the_requests_of_others_under_the_names_that_are_configured() {
    let world = World::with_pair(1);
    let config = world.read("home/config/config.toml");
    let proxy = "trusted_proxy = [\"192.0.2.1\"]";
    world.configure(&format!(
        "{config}\n[center]\nlisten = \"127.0.0.1:0\"\n{proxy}\n"
    ));
    world
        .run(["daemon"])
        .exits(4)
        .says("`trusted_proxy` needs `hosts`");
    world.configure(&format!(
        "{config}\n[center]\nlisten = \"127.0.0.1:0\"\n{proxy}\nhosts = [\"sync.example\"]\n"
    ));
    let daemon = daemon(&world);
    let entry = world.json(["center"]).remove(0);
    let path = entry["enter"]
        .as_str()
        .unwrap()
        .strip_prefix("https://sync.example");
    // Where it listens in truth is found out by asking everybody.
    let port = listening(daemon.id());
    let host = format!("127.0.0.1:{port}");
    let named = "host: sync.example";
    let entered = ask(&host, &format!("GET {}", path.unwrap()), &[named]);
    assert_eq!(entered.status, 303, "{entered:?}");
    assert!(entered.head.contains("; Secure"), "{entered:?}");
    let cookie = format!("cookie: {}", entered.cookie());
    for (origin, status) in [("https://sync.example", 200), ("http://sync.example", 403)] {
        let origin = format!("origin: {origin}");
        let paused = ask(&host, "POST /v1/pause", &[named, &cookie, &origin]);
        assert_eq!(paused.status, status, "{origin}");
    }
    daemon.signal(Signal::TERM);
    daemon.end().exits(0);
}

/// The port of 127.0.0.1 at which a process listens.
fn listening(process: u32) -> u16 {
    let sockets: Vec<String> = std::fs::read_dir(format!("/proc/{process}/fd"))
        .unwrap()
        .filter_map(|fd| std::fs::read_link(fd.unwrap().path()).ok())
        .filter_map(|target| {
            Some(
                target
                    .to_str()?
                    .strip_prefix("socket:[")?
                    .strip_suffix(']')?
                    .to_owned(),
            )
        })
        .collect();
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let mut ports = table.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_its = fields[3] == "0A" && sockets.iter().any(|socket| socket == fields[9]);
        let port = fields[1].strip_prefix("0100007F:")?;
        is_its.then(|| u16::from_str_radix(port, 16).unwrap())
    });
    ports.next().unwrap()
}
