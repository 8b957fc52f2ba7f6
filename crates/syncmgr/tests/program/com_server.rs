//! The COM server, called by another program as programs do, with a daemon and without (mobsync 3.9, 3.10).

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::world::{PROGRAM, Running, World, until};

const CLASS: &str = "{12345678-9ABC-DEF0-1234-56789ABCDEF0}";
const OTHER: &str = "{22345678-9ABC-DEF0-1234-56789ABCDEF0}";
const OK: &str = "00000000";
const FALSE: &str = "00000001";
const INVALID: &str = "80070057";
const FAIL: &str = "80004005";

/// A world whose `comhost` is the recording handler: what it is told goes into `told`.
fn world() -> World {
    let world = World::new();
    let examples = Path::new(PROGRAM).parent().unwrap().join("examples");
    let handler = examples.join("hostile-handler");
    world.executable(
        "comhost",
        &format!(
            "#!/bin/sh\nexec '{}' records '{}'\n",
            handler.display(),
            world.path("told").display()
        ),
    );
    world.write("told", "");
    world.write("lib.so", "a stand-in");
    world
}

fn command(world: &World, words: &[&str]) -> std::process::Command {
    let mut command = world.command(words);
    command.env("SYNCMGR_COMHOST", world.path("comhost"));
    command
}

fn register(world: &World, class: &str) {
    let words = ["register", "./lib.so", "--class", class, "--name", "Notes"];
    Running::start(command(world, &words)).end().exits(0);
    world.write("told", "");
}

fn daemon(world: &World) -> Running {
    let mut daemon = Running::start(command(world, &["daemon"]));
    daemon.wait_for("serves every command");
    daemon
}

/// Calls the COM server in a process of its own, and gives what it printed.
#[track_caller]
fn call(world: &World, words: &[&str]) -> String {
    let caller = Path::new(PROGRAM)
        .parent()
        .unwrap()
        .join("examples/com-caller");
    let mut command = std::process::Command::new(caller);
    command.args(words).current_dir(world.root());
    world.environment(&mut command);
    command
        .env("SYNCMGR_COMHOST", world.path("comhost"))
        .env("SYNCMGR_PROGRAM", PROGRAM);
    let done = Running::start(command).end();
    done.exits(0);
    done.out.clone()
}

#[track_caller]
fn answers(world: &World, words: &[&str], expected: &str) {
    let said = call(world, words);
    assert!(
        said.lines().any(|line| line == expected),
        "{words:?}: {said}"
    );
}

fn messages(world: &World, method: &str) -> Vec<Value> {
    let told = world.read("told");
    let messages = told
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap_or_default());
    messages
        .filter(|message| message["method"] == method)
        .map(|message| message["params"].clone())
        .collect()
}

fn registering(world: &World) {
    // M-27
    let said = call(world, &["info", CLASS]);
    assert!(said.contains("flags 0\n00000001"), "{said}");
    // M-16, M-17, M-18: a name and flags are not needed.
    answers(world, &["register", CLASS, "0"], OK);
    assert!(call(world, &["info", CLASS]).contains("flags 0\n00000000"));
    // M-20, M-26
    answers(world, &["register", CLASS, "5", "My notes"], OK);
    assert!(call(world, &["info", CLASS]).contains("flags 5\n00000000"));
    world
        .run(["handlers"])
        .says("My notes")
        .says("connect, idle");
    // M-19: and nothing is changed.
    answers(world, &["register", CLASS, "8"], INVALID);
    answers(
        world,
        &["register", "{00000000-0000-0000-0000-000000000000}", "0"],
        INVALID,
    );
    assert!(call(world, &["info", CLASS]).contains("flags 5\n00000000"));
    // M-21: nothing was started.
    assert_eq!(world.read("told"), "");
    // M-23, M-24
    answers(world, &["unregister", CLASS], OK);
    answers(world, &["unregister", CLASS], OK);
    answers(world, &["info", CLASS], FALSE);
    let done = world.run(["handlers"]);
    done.says_not(CLASS);
}

// M-16, M-17, M-18, M-19, M-20, M-21, M-23, M-24, M-26, M-27
#[test]
fn registering_through_a_daemon() {
    let world = world();
    let _daemon = daemon(&world);
    registering(&world);
}

#[test]
fn registering_without_a_daemon() {
    // M-22: each call is answered by a manager of its own.
    registering(&world());
}

#[test]
fn a_class_registered_by_its_identifier_keeps_its_library() {
    let world = world();
    register(&world, CLASS);
    answers(&world, &["register", CLASS, "1", "Renamed"], OK);
    let config = world.read("home/config/config.toml");
    assert!(
        config.contains("lib.so") && config.contains("identity"),
        "{config}"
    );
    Running::start(command(&world, &["sync", CLASS]))
        .end()
        .exits(0);
}

#[test]
fn update_items_starts_the_handler_within_a_moment() {
    let world = world();
    let _daemon = daemon(&world);
    register(&world, CLASS);
    register(&world, OTHER);
    let began = Instant::now();
    answers(&world, &["update", CLASS, "2", "a cookie"], OK);
    until("it starts", || !messages(&world, "initialize").is_empty());
    let started = began.elapsed();
    assert!(started < Duration::from_secs(5), "{started:?}");
    until("it works", || !messages(&world, "prepare").is_empty());
    // M-148: that handler alone, with its event; M-38: its cookie byte for byte; M-35.
    let first = &messages(&world, "initialize")[0];
    assert_eq!(messages(&world, "initialize").len(), 1);
    assert_eq!(first["event"], "invoke");
    assert_eq!(first["cookie"], "YSBjb29raWU=");
    assert_eq!(first["mayBotherUser"], true);
    // M-149: what it ticks.
    assert_eq!(
        messages(&world, "prepare")[0]["items"],
        serde_json::json!(["item-1", "item-2"])
    );
    // M-153
    answers(&world, &["update", CLASS, "1"], INVALID);
    answers(
        &world,
        &["update", "{32345678-9ABC-DEF0-1234-56789ABCDEF0}", "2"],
        INVALID,
    );
    assert_eq!(messages(&world, "initialize").len(), 1);
}

#[test]
fn update_items_without_a_manager_works_in_another_process() {
    let world = world();
    register(&world, CLASS);
    answers(&world, &["update", CLASS, "2", "x"], OK);
    // M-154: the caller ended, and the work is done all the same.
    until("it is released", || !messages(&world, "release").is_empty());
    assert_eq!(messages(&world, "prepare").len(), 1);
    world.is_quiet();
}

/// What the log tells of programs that broke the contract.
fn broken(world: &World) -> Vec<String> {
    let rows = world.json(["log"]);
    assert!(rows.iter().all(|row| row["error"].is_null()), "{rows:?}");
    let texts = rows.iter().filter_map(|row| row["text"].as_str());
    let told = texts.filter(|text| text.contains(" broke M-"));
    told.map(str::to_owned).collect()
}

fn breaking(world: &World) {
    const NO_MEMORY: &str = "8007000E";
    let unknown = "{32345678-9ABC-DEF0-1234-56789ABCDEF0}";
    let cases: [(&[&str], &str, &str); 6] = [
        (&["update", unknown, "2"], INVALID, "M-153: it asked for {3"),
        (&["update", CLASS, "1"], INVALID, "the unknown flags 0x1"),
        (
            &["update-nothing", CLASS, "7"],
            INVALID,
            "a cookie of 7 bytes at no address",
        ),
        (
            &["update-nobody"],
            INVALID,
            "without a handler's identifier",
        ),
        (
            &["update-large", CLASS, "1048577"],
            NO_MEMORY,
            "M-38: it called UpdateItems with a cookie of 1048577 bytes",
        ),
        (&["register", CLASS, "8"], INVALID, "M-19"),
    ];
    for (number, (words, code, told)) in cases.iter().enumerate() {
        answers(world, words, code);
        let log = broken(world);
        assert_eq!(log.len(), number + 1, "{words:?}: {log:?}");
        let newest = log.iter().any(|text| text.contains(told));
        assert!(newest, "{words:?}: {log:?}");
    }
    // Nothing was started, and the manager goes on: with a cookie of no bytes, which is none, and with the largest.
    assert_eq!(world.read("told"), "");
    answers(world, &["update-nothing", CLASS, "0"], OK);
    until("it was released", || messages(world, "release").len() == 1);
    answers(world, &["update-large", CLASS, "1048576"], OK);
    until("it was released", || messages(world, "release").len() == 2);
    let cookies: Vec<Value> = messages(world, "initialize")
        .iter()
        .map(|first| first["cookie"].clone())
        .collect();
    assert_eq!(cookies[0], Value::Null);
    // M-38: all of it, byte for byte.
    let large = cookies[1].as_str().unwrap();
    assert_eq!(large.len(), 1_398_104);
    assert!(large.starts_with("Y2Nj") && large.ends_with("Yw=="));
    assert_eq!(broken(world).len(), cases.len());
}

// M-19, M-38, M-153
#[test]
fn what_a_program_does_wrong_is_recorded_by_a_daemon() {
    let world = world();
    let _daemon = daemon(&world);
    register(&world, CLASS);
    breaking(&world);
}

#[test]
fn what_a_program_does_wrong_is_recorded_without_a_daemon() {
    let world = world();
    register(&world, CLASS);
    breaking(&world);
}

#[test]
fn without_start_a_person_is_asked() {
    let world = world();
    let _daemon = daemon(&world);
    register(&world, CLASS);
    // M-150, M-151
    answers(&world, &["update", CLASS, "4", "x"], OK);
    world.run(["needs"]).says("a program asks to synchronize");
    // M-155: one question, however many handlers there are.
    answers(&world, &["update-all"], OK);
    answers(&world, &["update-all"], OK);
    let needs = world.json(["needs"]);
    assert_eq!(
        needs
            .iter()
            .filter(|need| need["choices"].is_array())
            .count(),
        2
    );
    assert_eq!(messages(&world, "initialize").len(), 0);
}

#[test]
fn requests_during_a_session_are_queued() {
    let world = world();
    let _daemon = daemon(&world);
    register(&world, CLASS);
    // M-156: each of them is another wish, and none is lost.
    let cookies = ["one", "two", "three"];
    for cookie in cookies {
        answers(&world, &["update", CLASS, "2", cookie], OK);
    }
    until("all were served", || {
        messages(&world, "prepare").len() == cookies.len()
    });
    assert_eq!(messages(&world, "initialize").len(), cookies.len());
}

#[test]
fn what_cannot_be_reached_fails() {
    let world = world();
    let caller = Path::new(PROGRAM)
        .parent()
        .unwrap()
        .join("examples/com-caller");
    let mut command = std::process::Command::new(caller);
    command
        .args(["register", CLASS, "0"])
        .current_dir(world.root());
    world.environment(&mut command);
    command.env("SYNCMGR_PROGRAM", "/nonexistent/syncmgr");
    let done = Running::start(command).end();
    done.exits(0).says(FAIL);
    // The library can leave the process: nothing of it is left at work.
    done.says("unload 0");
}

#[test]
fn the_hidden_command_takes_what_programs_may_ask_alone() {
    let world = world();
    for text in ["", "{", "{\"method\":\"stop\",\"params\":{}}", "\"status\""] {
        world.write("request", text);
        let mut command = command(&world, &["ask"]);
        command.stdin(fs::File::open(world.path("request")).unwrap());
        let done = Running::start(command).end();
        done.exits(4).says("cli::not-a-request");
    }
}
