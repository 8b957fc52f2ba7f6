//! `check` from outside: a good handler, bad ones, and programs that are no handlers.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use rustix::process::Signal;

use crate::world::{PROGRAM, Running, World, until};

/// A world whose temporary files lie in it, so that what is left behind is seen.
fn world() -> World {
    let world = World::new();
    fs::create_dir(world.path("tmp")).unwrap();
    world
}

fn check(world: &World, words: &[&str]) -> Running {
    let mut command = world.command(std::iter::once("check").chain(words.iter().copied()));
    command.env("TMPDIR", world.path("tmp"));
    Running::start(command)
}

fn nothing_is_left(world: &World) {
    let left: Vec<_> = fs::read_dir(world.path("tmp")).unwrap().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_folder_handler_keeps_the_contract() {
    let world = world();
    let pair = r#"{"left": "{scratch}/a", "right": "{scratch}/b"}"#;
    let done = check(
        &world,
        &["--define", pair, "--", PROGRAM, "handler", "folder"],
    )
    .end();
    done.exits(0)
        .says("Folders keeps the contract")
        .says("H-34")
        .says_not("✗");
    nothing_is_left(&world);
}

#[test]
fn a_handler_that_breaks_the_contract_is_told_how() {
    let world = world();
    // It completes everything twice.
    let handler = World::hostile();
    let words = [
        "--json",
        "--only",
        "h-34,H-26,J-01",
        "--",
        &handler,
        "completes-twice",
    ];
    let done = check(&world, &words).end();
    done.exits(2);
    let rows: Vec<serde_json::Value> = done
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len(), 4, "{rows:?}");
    let outcome = |index: usize| (rows[index]["id"].as_str(), rows[index]["outcome"].as_str());
    assert_eq!(outcome(0), (Some("H-26"), Some("failed")));
    assert_eq!(outcome(1), (Some("H-34"), Some("failed")));
    assert_eq!(outcome(2), (Some("J-01"), Some("passed")));
    assert_eq!(rows[3]["exit"], 2);
    assert_eq!(rows[3]["failed"], 2);
    nothing_is_left(&world);
}

#[test]
fn what_is_no_handler_is_told_at_once() {
    let world = world();
    world.write("plain.txt", "no program");
    check(&world, &["./missing"])
        .end()
        .exits(4)
        .says("check::not-started");
    check(&world, &["./plain.txt"])
        .end()
        .exits(4)
        .says("check::not-started");
    check(&world, &["--", "true"])
        .end()
        .exits(2)
        .says("J-22")
        .says("ended by itself, with code 0");
    check(&world, &["--", "echo", "hello"])
        .end()
        .exits(2)
        .says("printed `hello`");
    check(&world, &["--only", "H-99", "--", "true"])
        .end()
        .exits(4)
        .says("check::no-such-number");
    check(&world, &["--define", "[]", "--", "true"])
        .end()
        .exits(4)
        .says("cli::usage");
    nothing_is_left(&world);
}

#[test]
fn a_library_needs_the_program_that_runs_classes() {
    let world = world();
    world.write("libnotes.so", "no library");
    let mut command = world.command(["check", "./libnotes.so"]);
    command.env("SYNCMGR_COMHOST", world.path("nothing"));
    Running::start(command)
        .end()
        .exits(4)
        .says("check::no-comhost");
    // One that names two classes, for whoever asks.
    let comhost = world.path("comhost");
    world.write(
        "comhost",
        "#!/bin/sh\necho '[{\"class\":\"{A}\"},{\"class\":\"{B}\"}]'\n",
    );
    fs::set_permissions(&comhost, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = world.command(["check", "./libnotes.so"]);
    command.env("SYNCMGR_COMHOST", &comhost);
    Running::start(command)
        .end()
        .exits(4)
        .says("check::no-class")
        .says("{A}, {B}");
}

#[test]
fn an_interrupted_check_leaves_nothing() {
    let world = world();
    // It never answers.
    let started = world.path("started");
    let shown = started.display();
    let script = format!("echo $$ >'{shown}.new'; mv '{shown}.new' '{shown}'; exec sleep 600");
    let running = check(&world, &["--", "sh", "-c", &script]);
    until("the handler was started", || started.exists());
    let pid = world.read("started");
    running.signal(Signal::INT);
    running.end().exits(4).says("check::interrupted");
    let process = std::path::Path::new("/proc").join(pid.trim());
    until("the handler is gone", || !process.exists());
    nothing_is_left(&world);
}
