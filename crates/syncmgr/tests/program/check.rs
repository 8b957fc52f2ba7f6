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
    // Only the scenarios that are about these numbers were played, of some forty.
    assert!(rows[3]["instances"].as_u64().unwrap() <= 8, "{}", rows[3]);
    nothing_is_left(&world);
}

#[test]
fn what_is_no_handler_is_told_at_once() {
    let world = world();
    world.write("plain.txt", "no program");
    for missing in ["./missing", "/dev/null"] {
        check(&world, &[missing]).end().exits(4).says("check::n");
    }
    // What could not be checked did not fail.
    check(&world, &["{00000000-1111-2222-3333-444444444444}"])
        .end()
        .exits(4)
        .says("check::no-class")
        .says("nobody registered the class");
    let mut command = world.command(["check", "./plain.txt"]);
    command.env("SYNCMGR_COMHOST", "/bin/false");
    Running::start(command)
        .end()
        .exits(4)
        .says("check::no-class")
        .says("chmod +x");
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
    for nonsense in ["tomorrow", "0s", "soon", "2d", "5"] {
        check(&world, &["--timeout", nonsense, "--", "true"])
            .end()
            .exits(4)
            .says("cli::duration")
            .says("write it as 90s");
    }
    check(&world, &["{1234}"])
        .end()
        .exits(4)
        .says("handler::bad-class");
    check(&world, &["./plain.txt", "--class", "{1234}"])
        .end()
        .exits(4)
        .says("handler::bad-class");
    nothing_is_left(&world);
}

/// Whoever asks is told two classes, and so knows that it was asked.
fn two_classes(world: &World) -> std::path::PathBuf {
    let list = r#"[{"class":"{A}"},{"class":"{B}"}]"#;
    world.executable("comhost", &format!("#!/bin/sh\necho '{list}'\n"));
    world.path("comhost")
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
    let comhost = two_classes(&world);
    let mut command = world.command(["check", "./libnotes.so"]);
    command.env("SYNCMGR_COMHOST", &comhost);
    Running::start(command)
        .end()
        .exits(4)
        .says("check::no-class")
        .says("{A}, {B}");
}

/// The head of a shared object for a machine of 64 bits.
fn shared_object() -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    bytes[16] = 3;
    bytes
}

#[test]
fn what_a_file_is_says_its_content_and_not_its_name() {
    let world = world();
    let comhost = two_classes(&world);
    world.write("libnotes.so.1", shared_object());
    fs::set_permissions(
        world.path("libnotes.so.1"),
        fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    world.executable("mail.so", "#!/bin/sh\necho 'it was started' >&2\nexit 3\n");
    let of = |verb: &str, path: &str| {
        let mut command = world.command([verb, path]);
        command.env("SYNCMGR_COMHOST", &comhost);
        command.env("TMPDIR", world.path("tmp"));
        Running::start(command).end()
    };
    of("check", "./libnotes.so.1").exits(4).says("{A}, {B}");
    of("check", "libnotes.so.1").exits(4).says("{A}, {B}");
    of("check", "./mail.so").exits(2).says("it was started");
    of("check", "mail.so").exits(2).says("it was started");
    // Those classes are none, and that script is no handler: each was asked for what it is.
    of("register", "./libnotes.so.1")
        .exits(4)
        .says("handler::bad-class");
    of("register", "./mail.so")
        .exits(4)
        .says("handler::does-not-work")
        .says("it was started");
    nothing_is_left(&world);
}

#[test]
fn a_registered_handler_is_checked_by_its_name() {
    let world = world();
    let words = ["--only", "J-01"];
    let of = |name: &str| check(&world, &[&[name], &words[..]].concat()).end();
    of("folder").exits(0).says("Folders keeps the contract");
    of("mail")
        .exits(4)
        .says("handler::not-registered")
        .says("syncmgr handlers");
    let handler = World::hostile();
    world
        .run([
            "register",
            "--id",
            "mail",
            "--",
            &handler,
            "completes-twice",
        ])
        .exits(0);
    let done = check(&world, &["MAIL", "--only", "H-34"]).end();
    done.exits(2).says("was completed 2 times");
    // A path is never a name, and a file with the name of a handler is reached by its path.
    world.executable("mail", "#!/bin/sh\necho hello\n");
    of("./mail").exits(2).says("printed `hello`");
    of("mail").exits(0);
    // A configuration that nobody can read is no reason to check no file.
    world.configure("[[handler]\n");
    world.executable("post", "#!/bin/sh\necho hello\n");
    of("post").exits(2).says("printed `hello`");
    of("nobody").exits(4).says("config::");
    nothing_is_left(&world);
}

/// A handler that writes to its scratch home as long as it lives, and what tells that it does.
fn writing(world: &World) -> (String, std::path::PathBuf) {
    let started = world.path("started");
    let shown = started.display();
    let script = format!(
        "i=0; while :; do i=$((i+1)); mkdir -p \"$HOME/d$i/e\"; : > \"$HOME/d$i/e/f\"; \
         [ $i = 5 ] && {{ echo $$ >'{shown}.new'; mv '{shown}.new' '{shown}'; }}; done"
    );
    (script, started)
}

#[test]
fn an_interrupted_check_leaves_nothing() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let world = world();
        let (script, started) = writing(&world);
        // Whoever runs the tests may ignore a signal, as `nohup` does, and what is ignored stays so.
        let mut command = std::process::Command::new("env");
        world.environment(&mut command);
        command
            .current_dir(world.root())
            .env("TMPDIR", world.path("tmp"))
            .args(["--default-signal=INT,TERM,HUP", PROGRAM, "check"])
            .args(["--", "sh", "-c", &script]);
        let running = Running::start(command);
        until("the handler was started", || started.exists());
        let pid = world.read("started");
        running.signal(signal);
        running.end().exits(4).says("check::interrupted");
        let process = std::path::Path::new("/proc").join(pid.trim());
        until("the handler is gone", || !process.exists());
        nothing_is_left(&world);
    }
}

#[test]
fn a_signal_that_is_ignored_stays_so() {
    let world = world();
    let handler = World::hostile();
    let script = format!("echo >> started; exec '{handler}' completes-twice");
    let mut command = std::process::Command::new("sh");
    world.environment(&mut command);
    command.current_dir(world.root()).args([
        "-c",
        "trap '' HUP; exec \"$@\"",
        "nohup",
        PROGRAM,
        "check",
        "--",
        "sh",
        "-c",
        &script,
    ]);
    command.env("TMPDIR", world.path("tmp"));
    let running = Running::start(command);
    let starts = || {
        let told = fs::read_to_string(world.path("started"));
        told.map_or(0, |told| told.lines().count())
    };
    until("the handler was started", || starts() > 0);
    running.signal(Signal::HUP);
    let before = starts();
    until("it goes on", || starts() > before + 2);
    running.signal(Signal::TERM);
    running.end().exits(4).says("check::interrupted");
    nothing_is_left(&world);
}
