//! Webhooks and pings: what a server hears of runs, and what people see when it does not listen.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use crate::world::{FOR_EVER, World};

/// A server that answers everything with one status line, and what it hears.
fn server(status: &'static str) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, heard) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut bytes = Vec::new();
            let mut piece = [0_u8; 4096];
            while !is_whole(&bytes) {
                match stream.read(&mut piece) {
                    Ok(0) | Err(_) => break,
                    Ok(count) => bytes.extend_from_slice(&piece[..count]),
                }
            }
            drop(write!(
                stream,
                "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n"
            ));
            if sender
                .send(String::from_utf8_lossy(&bytes).into_owned())
                .is_err()
            {
                return;
            }
        }
    });
    (url, heard)
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
