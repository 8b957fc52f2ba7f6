//! Webhooks and pings: what a server hears of runs, and what people see when it does not listen.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned, crypto};

use crate::world::{Done, FOR_EVER, Running, World};

/// A server that answers everything with one status line, and what it hears.
fn server(status: &'static str) -> (String, Receiver<String>) {
    serve("http://127.0.0.1", move |mut stream| {
        answer(&mut stream, status)
    })
}

/// The same, which proves that it is the one at this address to whoever trusts the certificate `root.pem`.
fn secure_server(host: &str) -> (String, Receiver<String>) {
    let chain = CertificateDer::pem_file_iter(certificate("server.pem")).unwrap();
    let chain = chain.map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(certificate("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let config = Arc::new(config);
    serve(&format!("https://{host}"), move |stream| {
        let secure = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = StreamOwned::new(secure, stream);
        let heard = answer(&mut stream, "200 OK");
        stream.conn.send_close_notify();
        drop(stream.flush());
        heard
    })
}

fn certificate(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/program/certificates")
        .join(name)
}

/// Takes connections for as long as somebody wants to know what is heard.
fn serve(
    at: &str,
    mut hear: impl FnMut(TcpStream) -> String + Send + 'static,
) -> (String, Receiver<String>) {
    let (scheme, host) = at.split_once("://").unwrap();
    let listener = TcpListener::bind((host, 0)).unwrap();
    let url = format!("{scheme}://{}", listener.local_addr().unwrap());
    let (sender, heard) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if sender.send(hear(stream)).is_err() {
                return;
            }
        }
    });
    (url, heard)
}

/// Hears a request and answers it.
fn answer(stream: &mut (impl Read + Write), status: &str) -> String {
    let mut bytes = Vec::new();
    let mut piece = [0_u8; 4096];
    while !is_whole(&bytes) {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => break,
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
        }
    }
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
    drop(stream.write_all(head.as_bytes()));
    drop(stream.flush());
    String::from_utf8_lossy(&bytes).into_owned()
}

fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

fn add(world: &World, text: &str) {
    let before = world.read("home/config/config.toml");
    world.configure(&format!("{before}\n{text}\n"));
}

#[test]
fn a_command_tells_before_it_ends() {
    let world = World::with_pair(1);
    let (url, heard) = server("200 OK");
    world.write("key", "Bearer hidden\n");
    add(
        &world,
        &format!(
            "[[policy]]\nping = \"{url}/id\"\n\n[policy.webhook]\nurl = \"{url}/hook-secret\"\non = [\"done\", \"failed\"]\n\
             headers = {{ Authorization = \"file:{}\" }}",
            world.path("key").display()
        ),
    );
    world.write("left/new", "new\n");
    world.run(["sync"]).exits(0);
    let all: Vec<String> = heard.try_iter().collect();
    let begins = |with: &str| all.iter().any(|one| one.starts_with(with));
    assert_eq!(all.len(), 3, "{all:?}");
    assert!(begins("POST /id/start "), "{all:?}");
    assert!(begins("POST /id "), "{all:?}");
    let hook = all.iter().find(|one| one.starts_with("POST /hook-secret "));
    let hook = hook.unwrap();
    assert!(hook.contains(r#""occasion":"done""#), "{hook}");
    assert!(hook.contains("Bearer hidden"), "{hook}");
    // What is as good as a password is shown nowhere.
    world
        .run(["show", "left"])
        .says("/… on done, failed")
        .says_not("hook-secret")
        .says_not("hidden");
    world.run(["log"]).says_not("hook-secret");
}

#[test]
fn a_failure_is_told_and_a_server_that_fails_is_seen_in_the_log() {
    let world = World::with_pair(1);
    let (url, heard) = server("500 Internal Server Error");
    add(
        &world,
        &format!("[[policy]]\nbefore = [\"false\"]\nping = \"{url}/secret-id\""),
    );
    world.run(["sync"]).exits(2);
    let ping = heard.recv_timeout(FOR_EVER).unwrap();
    assert!(ping.starts_with("POST /secret-id/fail "), "{ping}");
    assert!(
        ping.contains("left failed: the command `before` failed"),
        "{ping}"
    );
    world
        .run(["log"])
        .says("the ping `fail` to http://127.0.0.1")
        .says("was given up: it answered 500")
        .says_not("secret-id");
}

#[test]
fn a_daemon_says_that_it_lives_and_what_does_not_arrive_is_seen() {
    let world = World::with_pair(1);
    let (url, heard) = server("200 OK");
    let (broken, tried) = server("503 Busy");
    add(
        &world,
        &format!(
            "[manager]\nping = {{ url = \"{url}/alive\", every = \"30s\" }}\n\n[[policy]]\nping = \"{broken}/id\""
        ),
    );
    let mut daemon = world.start(["daemon"]);
    daemon.wait_for("serves every command");
    let alive = heard.recv_timeout(FOR_EVER).unwrap();
    assert!(alive.starts_with("POST /alive "), "{alive}");
    assert!(alive.contains("Everything is in sync"), "{alive}");
    // Whoever waits for the run does not wait for a server that is busy.
    world.run(["sync"]).exits(0);
    tried.recv_timeout(FOR_EVER).unwrap();
    crate::world::until("the doctor sees it", || {
        let done = world.run(["doctor"]);
        done.out.contains("it answered 503") || done.err.contains("it answered 503")
    });
    daemon.signal(rustix::process::Signal::INT);
    daemon.end().exits(0);
}

/// Synchronizes where only this certificate is trusted.
fn sync_trusting(world: &World, root: &str) -> Done {
    let mut command = world.command(["sync"]);
    command.env("SSL_CERT_FILE", certificate(root));
    Running::start(command).end()
}

#[test]
fn a_webhook_goes_over_tls_to_whom_the_system_trusts_and_to_nobody_else() {
    let world = World::with_pair(1);
    let (url, heard) = secure_server("127.0.0.1");
    let policy =
        format!("[[policy]]\n[policy.webhook]\nurl = \"{url}/hook-secret\"\non = [\"done\"]");
    add(&world, &policy);
    world.write("left/new", "new\n");
    sync_trusting(&world, "root.pem").exits(0);
    let hook = heard.recv_timeout(FOR_EVER).unwrap();
    assert!(hook.starts_with("POST /hook-secret "), "{hook}");
    assert!(hook.contains(r#""occasion":"done""#), "{hook}");
    world.run(["log"]).says_not("given up");

    world.write("left/newer", "newer\n");
    sync_trusting(&world, "other-root.pem").exits(0);
    // It came as far as the handshake, and learned nothing.
    assert_eq!(heard.recv_timeout(FOR_EVER).unwrap(), "");
    world
        .run(["log"])
        .says("was given up: its certificate is not trusted")
        .says("SSL_CERT_FILE")
        .says_not("hook-secret");
}

#[cfg(target_os = "linux")]
#[test]
fn a_certificate_of_another_host_is_refused() {
    let world = World::with_pair(1);
    // Its certificate is of 127.0.0.1.
    let (url, heard) = secure_server("127.0.0.2");
    let policy = format!("[[policy]]\n[policy.webhook]\nurl = \"{url}/id\"\non = [\"done\"]");
    add(&world, &policy);
    sync_trusting(&world, "root.pem").exits(0);
    assert_eq!(heard.recv_timeout(FOR_EVER).unwrap(), "");
    world
        .run(["log"])
        .says("was given up: its certificate is not trusted")
        .says("not valid for name");
}

#[test]
fn nobody_waits_for_a_server_that_never_answers() {
    let world = World::with_pair(1);
    let mut kept = Vec::new();
    let (url, heard) = serve("http://127.0.0.1", move |stream| {
        kept.push(stream);
        String::new()
    });
    add(
        &world,
        &format!("[[policy]]\n[policy.webhook]\nurl = \"{url}/id\"\non = [\"done\"]"),
    );
    let mut daemon = world.start(["daemon"]);
    daemon.wait_for("serves every command");
    for name in ["left/one", "left/two"] {
        world.write(name, "new\n");
        let began = Instant::now();
        world.run(["sync"]).exits(0);
        // An attempt takes 15 seconds.
        assert!(
            began.elapsed() < Duration::from_secs(14),
            "{:?}",
            began.elapsed()
        );
    }
    heard.recv_timeout(FOR_EVER).unwrap();
    crate::world::until("the doctor sees it", || {
        let done = world.run(["doctor"]);
        done.out.contains("there was no answer within 15 s")
    });
    daemon.signal(rustix::process::Signal::INT);
    daemon.end().exits(0);
}
