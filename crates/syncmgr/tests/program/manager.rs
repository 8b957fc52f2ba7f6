//! Who manages a home: one command, several at once, the daemon.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;

use std::path::Path;
use std::thread::JoinHandle;

use rustix::process::Signal;

use crate::world::{Running, World, until};

fn daemon(world: &World) -> Running {
    let mut daemon = world.start(["daemon"]);
    daemon.wait_for("serves every command");
    daemon
}

// Shows M-169.
#[test]
fn a_second_command_is_a_client_of_the_first() {
    let world = World::with_pair(1);
    let config = world.read("home/config/config.toml");
    world.configure(&(config + &World::handler("slow", "hang-synchronize")));
    world.write("left/new", "new");
    let mut first = world.start(["sync", "--json"]);
    first
        .wait_for("\"item\":\"item-3\"")
        .wait_for("\"name\":\"left\",\"status\":\"succeeded\"");
    let status = world.run(["status"]);
    status.says("synchronizing");
    let runs = world.run(["runs"]);
    runs.exits(0).says("runs");
    // What it asks for is done by the first, while that works.
    world.write("left/newer", "newer");
    world.run(["sync", "left"]).exits(0);
    assert!(world.has("right/newer"));
    // And it stops what the first began.
    world.run(["stop"]).exits(0);
    world.run(["stop"]).exits(0);
    let done = first.end();
    done.exits(2);
    world.is_quiet();
}

// Shows M-156 and M-169.
#[test]
fn commands_at_once_wait_for_each_other() {
    let world = World::with_pair(20);
    world.write("left/new", "new");
    let all: Vec<Running> = (0..6)
        .map(|number| match number % 3 {
            0 => world.start(["sync"]),
            1 => world.start(["status"]),
            _ => world.start(["runs"]),
        })
        .collect();
    for one in all {
        let done = one.end();
        done.exits(0);
        assert!(done.err.is_empty(), "{done}");
    }
    assert_eq!(world.content("left"), world.content("right"));
}

/// Manages a home only to end: refuses so many requests, then goes.
fn ending_manager(socket: &Path, requests: usize) -> JoinHandle<()> {
    let listener = UnixListener::bind(socket).unwrap();
    let socket = socket.to_owned();
    std::thread::spawn(move || {
        let mut refused = 0;
        while refused < requests {
            let (stream, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(&stream).lines();
            let asked = |line: &String| line.starts_with("POST") || line.starts_with("GET");
            // Whoever only looks whether somebody listens says nothing.
            if !lines
                .next()
                .is_some_and(|line| line.is_ok_and(|line| asked(&line)))
            {
                continue;
            }
            let headers = lines.by_ref().map_while(Result::ok);
            headers.take_while(|line| !line.is_empty()).for_each(drop);
            let body = r#"{"code":"control::ending","message":"the manager is just ending","exit":"failed"}"#;
            let answer = format!(
                "HTTP/1.1 500 -\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            refused += usize::from((&stream).write_all(answer.as_bytes()).is_ok());
        }
        fs::remove_file(socket).unwrap();
    })
}

#[test]
fn a_manager_that_is_long_in_ending_is_waited_for() {
    let world = World::with_pair(1);
    for (number, command) in ["sync", "status", "pause"].into_iter().enumerate() {
        world.write(format!("left/new-{number}"), "new");
        let ending = ending_manager(&world.home().join("run/control.sock"), 20);
        world.run([command]).exits(0);
        ending.join().unwrap();
    }
    assert!(world.has("right/new-0"));
}

#[test]
fn a_command_watches_nothing_and_says_so() {
    let world = World::with_folders();
    let doctor = world.run(["doctor"]);
    doctor.exits(0);
    for subject in ["sessions", "network", "power", "file changes"] {
        let line = format!("{subject}: not watched: only the daemon watches it");
        assert!(doctor.out.contains(&line), "{doctor}");
    }
}

#[test]
fn the_daemon_serves_the_same_commands() {
    let world = World::with_folders();
    world.write("left/a", "a");
    let daemon = daemon(&world);
    world
        .run(["sync", "./left", "./right"])
        .exits(0)
        .says("added left");
    assert_eq!(world.read("right/a"), "a");
    world.write("left/b", "b");
    world.run(["sync", "left"]).exits(0).says("↑1 ↓0 ✗0");
    world.run(["plan"]).exits(0);
    world.run(["doctor"]).exits(0).says("daemon");
    world.run(["undo", "2"]).exits(0);
    assert!(!world.has("right/b"));
    world.run(["sync", "nobody"]).exits(4).says("name::unknown");

    let run = fs::metadata(world.home().join("run")).unwrap();
    assert_eq!(run.permissions().mode() & 0o777, 0o700);
    assert_eq!(run.uid(), rustix::process::geteuid().as_raw());
    let socket = fs::read_dir(world.home().join("run"))
        .unwrap()
        .flatten()
        .find(|entry| entry.file_type().unwrap().is_socket())
        .unwrap();
    let mode = socket.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");

    // A second one is refused.
    let second = world.run(["daemon"]);
    second
        .exits(4)
        .says("daemon::running")
        .says(&daemon.id().to_string());

    daemon.signal(Signal::TERM);
    daemon.end().exits(0);
    assert!(!socket.path().exists(), "the socket goes with the daemon");
    assert_eq!(world.json(["status"]).last().unwrap()["daemon"], false);
    world.is_quiet();
}

#[test]
fn a_daemon_that_is_told_to_end_stops_what_works() {
    let world = World::new();
    let config = "[manager]\nstop_grace = \"1s\"\n".to_owned();
    world.configure(&(config + &World::handler("slow", "hang-synchronize")));
    let daemon = daemon(&world);
    let mut sync = world.start(["sync", "--json"]);
    sync.wait_for("\"status\":\"updating\"");
    daemon.signal(Signal::TERM);
    sync.end().exits(2);
    daemon.end().exits(0);
    world.is_quiet();
}

#[test]
fn after_a_kill_the_next_command_takes_over() {
    let world = World::with_pair(1);
    let daemon = daemon(&world);
    let pid = daemon.id();
    daemon.signal(Signal::KILL);
    let killed = daemon.end();
    assert_eq!(killed.code, None);
    assert!(world.has("home/run/lock"));
    // The socket is still there, and nobody behind it.
    world.write("left/new", "new");
    world.run(["sync"]).exits(0).says(&format!("process {pid}"));
    assert!(world.has("right/new"));
    world.run(["status"]).exits(0);
    world.run(["log"]).exits(0).says(&pid.to_string());
}

#[test]
fn a_killed_command_leaves_an_interrupted_run() {
    let world = World::new();
    let sync = held_up(&world);
    sync.signal(Signal::KILL);
    assert_eq!(sync.end().code, None);
    // Whoever comes next ends what the killed one left at work.
    world.run(["runs"]).exits(0).says("interrupted");
    until("its handler is gone too", || world.processes().is_empty());
    world.run(["run", "1"]).exits(0).says("interrupted");
}

/// Begins a `sync` that its handler holds up until it is stopped.
fn held_up(world: &World) -> Running {
    world.configure(&World::handler("slow", "hang-synchronize"));
    let mut sync = world.start(["sync", "--json"]);
    sync.wait_for("\"status\":\"updating\"");
    sync
}

#[test]
fn a_home_that_cannot_be_used_is_refused() {
    let world = World::new();
    world.write("file", "not a directory");
    let mut command = world.command(["status"]);
    command.env("SYNCMGR_HOME", world.path("file"));
    Running::start(command)
        .end()
        .exits(4)
        .says("home::")
        .says("help: ");
    let mut command = world.command(["sync", "./left", "./right"]);
    command.env("SYNCMGR_HOME", world.path("x".repeat(120)));
    fs::create_dir(world.path("left")).unwrap();
    fs::create_dir(world.path("right")).unwrap();
    let done = Running::start(command).end();
    // Too long for a socket: said so, or done without one.
    assert!(matches!(done.code, Some(0 | 4)), "{done}");
    if done.code == Some(4) {
        done.says("control::socket").says("SYNCMGR_HOME");
    }
}
