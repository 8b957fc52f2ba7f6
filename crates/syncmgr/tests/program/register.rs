//! Registering handlers and starting them as a program would (mobsync 3.9, 3.10).

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::world::{Done, PROGRAM, Running, World, until};

const CLASS: &str = "{12345678-9ABC-DEF0-1234-56789ABCDEF0}";

/// The handler that misbehaves on demand, under a name of its own.
fn program(world: &World, name: &str) -> PathBuf {
    let from = Path::new(PROGRAM).parent().unwrap();
    let path = world.path(name);
    std::os::unix::fs::symlink(from.join("examples/hostile-handler"), &path).unwrap();
    path
}

fn daemon(world: &World) -> Running {
    let mut daemon = world.start(["daemon"]);
    daemon.wait_for("serves every command");
    daemon
}

/// Registers the recording handler as `mail`; what it is told goes into `told`.
fn register_mail(world: &World) -> Done {
    let path = world.path("mail");
    if !world.has("mail") {
        program(world, "mail");
    }
    let words = [path.to_str().unwrap(), "records", "told"];
    fs::write(world.path("told"), "").unwrap();
    let all = ["register", "--"].into_iter().chain(words);
    world.run(all)
}

fn config(world: &World) -> String {
    world.read("home/config/config.toml")
}

fn listed(world: &World, id: &str) -> Option<Value> {
    let all = world.json(["handlers"]);
    all.into_iter().find(|handler| handler["id"] == id)
}

/// The cookies that the recording handler received, in base 64.
fn cookies(world: &World) -> Vec<(String, Value)> {
    world
        .read("told")
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| {
            message["method"] == "initialize" && message["params"]["settings"] != true
        })
        .map(|message| {
            let params = &message["params"];
            (
                params["event"].as_str().unwrap_or_default().to_owned(),
                params["cookie"].clone(),
            )
        })
        .collect()
}

fn prepared(world: &World) -> Vec<Value> {
    world
        .read("told")
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["method"] == "prepare")
        .map(|message| message["params"]["items"].clone())
        .collect()
}

#[test]
fn a_program_is_registered_used_and_forgotten() {
    let world = World::new();
    world.configure("# mine\n[manager]\nparallel = 2 # two\n");
    register_mail(&world).exits(0).says("Registered: mail");
    let text = config(&world);
    for part in [
        "# mine",
        "# two",
        "identity = \"blake3:",
        "registered = \"20",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let mail = listed(&world, "mail").unwrap();
    assert_eq!(mail["registration"]["kind"], "command");
    assert_eq!(mail["registration"]["changedMs"], Value::Null);
    assert!(mail["registration"]["registeredMs"].is_i64());
    world.run(["sync", "mail"]).exits(0);
    // M-22: it is there in every later command. M-23, M-25: then it is gone, with its items.
    world.run(["list"]).exits(0).says("Item 1");
    world
        .run(["unregister", "MAIL"])
        .exits(0)
        .says("Unregistered");
    world.run(["list"]).says_not("Item 1");
    assert!(listed(&world, "mail").is_none());
    assert!(!config(&world).contains("mail"), "{}", config(&world));
    world
        .run(["unregister", "mail"])
        .exits(4)
        .says("handler::not-registered");
    world.run(["sync", "mail"]).exits(4).says("name::unknown");
}

#[test]
fn a_running_daemon_takes_it_at_once() {
    let world = World::new();
    let _daemon = daemon(&world);
    register_mail(&world).exits(0);
    world.run(["sync", "mail"]).exits(0);
    world.run(["unregister", "mail"]).exits(0);
    world.run(["sync", "mail"]).exits(4);
}

#[test]
fn registering_again_replaces() {
    let world = World::new();
    let path = program(&world, "mail");
    let path = path.to_str().unwrap();
    let register = |more: &[&str], mode: &str| {
        let command = ["--", path, mode];
        world.run(["register"].iter().chain(more).chain(&command))
    };
    register(&["--name", "One", "--events", "connect,idle"], "good").exits(0);
    assert_eq!(
        listed(&world, "mail").unwrap()["registration"]["events"],
        serde_json::json!(["connect", "idle"])
    );
    // The same again accepts it; the events stay when none are named.
    register(&[], "good")
        .exits(0)
        .says("in the place of an earlier registration");
    assert_eq!(
        listed(&world, "mail").unwrap()["registration"]["events"],
        serde_json::json!(["connect", "idle"])
    );
    // Another command under an id that nobody chose is another handler.
    register(&[], "other").exits(4).says("handler::id-taken");
    register(&["--id", "mail", "--events", "idle"], "other").exits(0);
    let mail = listed(&world, "mail").unwrap();
    assert!(
        mail["registration"]["runs"]
            .as_str()
            .unwrap()
            .ends_with("other")
    );
    assert_eq!(mail["registration"]["events"], serde_json::json!(["idle"]));
    assert_eq!(config(&world).matches("[[handler]]").count(), 1);
}

#[test]
fn a_change_is_told_once_and_registering_accepts_it() {
    let world = World::new();
    let handler = program(&world, "real");
    let script = |comment: &str| format!("{comment}\nexec '{}' good\n", handler.display());
    let register = || world.run(["register", "--id", "mail", "--", "sh", "mail.sh"]);
    world.write("mail.sh", script("# first"));
    register().exits(0);
    world.run(["sync", "mail"]).exits(0);
    world.run(["log"]).says_not("no longer what was registered");
    world.write("mail.sh", script("# another one"));
    for _ in 0..3 {
        world.run(["sync", "mail"]).exits(0);
    }
    let told = || {
        let entries = world.json(["log", "--warnings"]);
        let text = |entry: &Value| entry["text"].as_str().unwrap_or_default().to_owned();
        entries
            .iter()
            .filter(|entry| text(entry).contains("no longer what was registered"))
            .count()
    };
    assert_eq!(told(), 1);
    world
        .run(["handlers"])
        .exits(0)
        .says("changed")
        .says("syncmgr register --id mail --");
    register().exits(0);
    let changed = || listed(&world, "mail").unwrap()["registration"]["changedMs"].clone();
    assert_eq!(changed(), Value::Null);
    world.run(["sync", "mail"]).exits(0);
    assert_eq!(told(), 1);
    // `handlers` looks for itself, also when nothing was started since.
    world.write("mail.sh", script("# a third one"));
    assert!(changed().is_i64());
}

#[test]
fn a_program_that_went_away_is_shown() {
    let world = World::new();
    register_mail(&world).exits(0);
    fs::remove_file(world.path("mail")).unwrap();
    let problem = listed(&world, "mail").unwrap()["registration"]["problem"].clone();
    assert!(
        problem.as_str().unwrap().contains("does not exist"),
        "{problem}"
    );
}

#[test]
fn a_script_is_named_after_its_file_and_watched() {
    let world = World::new();
    // `sh` runs the script that starts the handler.
    let handler = program(&world, "real");
    world.write("my mail.sh", format!("exec '{}' good\n", handler.display()));
    world.run(["register", "--", "sh", "my mail.sh"]).exits(0);
    let mail = listed(&world, "my-mail").unwrap();
    let runs = mail["registration"]["runs"].as_str().unwrap();
    assert!(
        runs.starts_with('/') && runs.ends_with("my mail.sh"),
        "{runs}"
    );
    world.write(
        "my mail.sh",
        format!("# changed\nexec '{}' good\n", handler.display()),
    );
    assert!(listed(&world, "my-mail").unwrap()["registration"]["changedMs"].is_i64());
}

#[test]
fn what_does_not_work_is_refused_with_its_reason() {
    let world = World::new();
    world.configure("[manager]\nhandshake = \"2s\"\n");
    let before = config(&world);
    let path = program(&world, "bad");
    let path = path.to_str().unwrap();
    for (mode, why) in [
        ("other-version", "versions"),
        ("crash-start", "signal"),
        ("hang-initialize", "did not answer"),
    ] {
        let done = world.run(["register", "--", path, mode]);
        done.exits(4).says("handler::does-not-work").says(why);
        assert_eq!(config(&world), before, "{mode}");
    }
    world.executable(
        "lost",
        "#!/bin/sh\necho 'mail.conf: not found' >&2\nexit 3\n",
    );
    world
        .run(["register", "--", "./lost"])
        .exits(4)
        .says("exit status 3")
        .says("it wrote: mail.conf: not found");
    world.executable("silent", "#!/bin/sh\n");
    world
        .run(["register", "--", "./silent"])
        .exits(4)
        .says("handler::does-not-work");
    // Whoever insists gets it, and a run of it fails alone.
    world
        .run(["register", "--unchecked", "--", "./silent"])
        .exits(0);
    assert!(listed(&world, "silent").is_some());
    world.is_quiet();
}

#[test]
fn bad_words_get_a_clear_answer() {
    let world = World::new();
    world.write("plain", "text");
    world.write("lib.so", "no library");
    world.write("home/config/config.toml", "# untouched\n");
    let long = "x".repeat(64);
    let long_name = "x".repeat(128);
    let plain = world.path("plain").display().to_string();
    let mail = program(&world, "mail").display().to_string();
    let cases: &[(&[&str], &str)] = &[
        (&["register"], "required"),
        (&["register", "./gone.so"], "handler::no-file"),
        (&["register", "."], "handler::not-a-file"),
        (&["register", "/dev/null"], "handler::not-a-file"),
        (&["register", "./lib.so"], "handler::no"),
        (&["register", "{1234}"], "handler::bad-class"),
        (&["register", CLASS], "handler::class-without-library"),
        (&["register", CLASS, "--class", CLASS], "cli::usage"),
        (
            &["register", "./lib.so", "--class", "x"],
            "handler::bad-class",
        ),
        (&["register", "--", "./gone"], "handler::no-file"),
        (&["register", "--", "."], "handler::program-not-found"),
        (&["register", "--", "./"], "handler::not-a-file"),
        (
            &["register", "--", "no-such-program-anywhere"],
            "handler::program-not-found",
        ),
        (&["register", "--", ""], "handler::program-not-found"),
        (&["register", "--", &plain], "handler::not-executable"),
        (
            &["register", "--id", "folder", "--", &mail],
            "handler::built-in",
        ),
        (
            &["register", "--id", "FOLDER", "--", &mail],
            "handler::built-in",
        ),
        (&["register", "--id", &long, "--", &mail], "handler::bad-id"),
        (&["register", "--id", "", "--", &mail], "handler::bad-id"),
        (
            &["register", "--id", ".mail", "--", &mail],
            "handler::bad-id",
        ),
        (
            &["register", "--id", "~mail", "--", &mail],
            "handler::bad-id",
        ),
        (
            &["register", "--id", "a\u{1b}[31mb", "--", &mail],
            "handler::bad-id",
        ),
        (
            &["register", "--id", "../x", "--", &mail],
            "handler::bad-id",
        ),
        (&["register", "--id", CLASS, "--", &mail], "handler::bad-id"),
        (
            &["register", "--name", &long_name, "--", &mail],
            "handler::bad-name",
        ),
        (&["register", "--events", "sunrise", "--", &mail], "sunrise"),
        (&["unregister", "folder"], "handler::built-in"),
        (&["unregister", CLASS], "handler::not-registered"),
        (&["unregister", "a\u{7}b"], "handler::not-registered"),
        (&["invoke", "nobody"], "handler::not-registered"),
        (
            &["invoke", "folder", "--cookie-file", "./gone"],
            "cli::cookie",
        ),
        (&["invoke"], "required"),
    ];
    for (words, code) in cases {
        let done = world.run(*words);
        done.exits(4).says(code).says_not("\u{1b}");
    }
    fs::write(world.path("large"), vec![0; 1024 * 1024 + 1]).unwrap();
    world
        .run(["invoke", "folder", "--cookie-file", "large"])
        .exits(4)
        .says("request::cookie-too-large");
    // M-38, M-153: what `invoke` asks for as a program would is recorded when it breaks the contract.
    world
        .run(["log"])
        .says("broke M-38: it gave a cookie of more than 1048576 bytes")
        .says("broke M-153: it asked for nobody, which nobody registered");
    assert_eq!(config(&world), "# untouched\n");
}

#[test]
fn a_library_needs_the_program_that_runs_it() {
    let world = World::new();
    world.write("lib.so", "no library");
    let mut command = world.command(["register", "./lib.so"]);
    command.env("SYNCMGR_COMHOST", "/nonexistent/comhost");
    Running::start(command)
        .end()
        .exits(4)
        .says("handler::no-comhost");
    let mut command = world.command(["register", "./lib.so", "--class", CLASS]);
    command.env("SYNCMGR_COMHOST", "/nonexistent/comhost");
    Running::start(command)
        .end()
        .exits(4)
        .says("is not installed");
    // A stand-in tells what comhost would: two classes, one with a name that is not harmless.
    world.executable(
        "host",
        &format!(
            "#!/bin/sh\n[ \"$1\" = --list ] && printf '[{{\"class\":\"{CLASS}\",\"name\":\"a\\\\u001bb\"}},{{\"class\":\"{{22345678-9ABC-DEF0-1234-56789ABCDEF0}}\"}}]'\n"
        ),
    );
    let register = |more: &[&str]| {
        let mut command = world.command(["register", "--unchecked", "./lib.so"].iter().chain(more));
        command.env("SYNCMGR_COMHOST", world.path("host"));
        Running::start(command).end()
    };
    register(&["--name", "both"])
        .exits(4)
        .says("handler::several-classes");
    register(&[]).exits(0).says(CLASS).says_not("\u{1b}");
    let one = listed(&world, CLASS).unwrap();
    assert_eq!(one["registration"]["kind"], "library");
    assert_eq!(one["name"], "a\\u{1b}b");
    register(&["--class", CLASS, "--name", "mine"]).exits(0);
    assert_eq!(listed(&world, CLASS).unwrap()["name"], "mine"); // M-20
    world.run(["unregister", &CLASS.to_lowercase()]).exits(0);
    assert!(listed(&world, CLASS).is_none());
}

#[test]
fn a_class_that_cannot_be_made_is_left_out_silently() {
    // M-30: others are not disturbed, and nothing is shown.
    let world = World::with_pair(1);
    let before = config(&world);
    world.configure(&format!(
        "{before}\n[[handler]]\nid = \"{CLASS}\"\nclass = \"{CLASS}\"\n"
    ));
    let done = world.run(["sync"]);
    done.exits(0).says_not(CLASS);
    assert!(!done.err.contains("comhost"), "{done}");
    world.run(["log", "--warnings"]).says_not(CLASS);
    let problem = listed(&world, CLASS).unwrap()["registration"]["problem"].clone();
    assert!(problem.as_str().unwrap().contains("--class"), "{problem}");
}

#[test]
fn where_only_such_a_class_is_registered_nothing_is_set_up() {
    // M-30
    let world = World::new();
    world.configure(&format!(
        "[[handler]]\nid = \"{CLASS}\"\nclass = \"{CLASS}\"\n"
    ));
    world.run(["status"]).exits(0).says_not(CLASS);
    world.run(["sync"]).says_not(CLASS);
    world.run(["status"]).exits(0).says_not(CLASS);
    // Who names it is told that nothing became of it.
    world.run(["sync", CLASS]).exits(1).says("was skipped");
    world.run(["doctor"]).exits(2).says(CLASS);
}

#[test]
fn an_invocation_carries_its_cookie_to_what_the_handler_ticks() {
    let world = World::new();
    let _daemon = daemon(&world);
    register_mail(&world).exits(0);
    world.run(["sync", "mail"]).exits(0);
    fs::write(world.path("cookie"), [0, 1, 0xff, b'\n']).unwrap();
    world
        .run(["invoke", "mail", "--cookie-file", "cookie"])
        .exits(0);
    until("it was invoked", || prepared(&world).len() == 2);
    // M-37, M-38, M-148: byte for byte, with its event; nothing elsewhere.
    assert_eq!(
        cookies(&world),
        [
            ("manual".to_owned(), Value::Null),
            ("invoke".to_owned(), Value::from("AAH/Cg=="))
        ]
    );
    // M-149: a person's `sync` of the handler names all of it, the invocation what is ticked.
    let all = prepared(&world);
    assert_eq!(all[0], serde_json::json!(["item-1", "item-2", "item-3"]));
    assert_eq!(all[1], serde_json::json!(["item-1", "item-2"]));
    // The largest cookie, and none.
    fs::write(world.path("large"), vec![7; 1024 * 1024]).unwrap();
    world
        .run(["invoke", "mail", "--cookie-file", "large"])
        .exits(0);
    until("it was invoked", || prepared(&world).len() == 3);
    assert_eq!(cookies(&world)[2].1.as_str().unwrap().len(), 1_398_104);
    world.run(["invoke", "mail", "--cookie", ""]).exits(0);
    until("it was invoked", || prepared(&world).len() == 4);
    assert_eq!(cookies(&world)[3].1, Value::Null);
}

/// M-150, M-171: what is ticked of the list starts, is ticked the next time, and what is gone meanwhile is told.
#[test]
fn what_is_ticked_of_a_question_starts_and_nothing_else() {
    let world = World::new();
    let _daemon = daemon(&world);
    register_mail(&world).exits(0);
    world.run(["refresh", "mail"]).exits(0);
    world
        .run(["invoke", "mail", "--ask", "--cookie", "a"])
        .exits(0);
    let needs = world.json(["needs"]);
    assert_eq!(needs[0]["kind"], "invoke");
    let id = needs[0]["id"].to_string();
    let answer = |items: &str| world.run(["answer", &id, "start", "--items", items]);
    answer("mail/item-1,mail/gone")
        .exits(4)
        .says("choice::gone")
        .says("mail/gone");
    assert!(prepared(&world).is_empty());
    answer("mail/item-3").exits(0);
    assert_eq!(prepared(&world), [serde_json::json!(["item-3"])]);
    assert_eq!(
        cookies(&world),
        [("invoke".to_owned(), Value::from("YQ=="))]
    );
    answer("mail/item-3").exits(4).says("need::answered");
    world.run(["sync"]).exits(0);
    assert_eq!(prepared(&world)[1], serde_json::json!(["item-3"]));
}

#[test]
fn a_question_comes_first_when_nobody_said_start() {
    let world = World::new();
    let _daemon = daemon(&world);
    register_mail(&world).exits(0);
    let invoke = || world.run(["invoke", "mail", "--ask", "--cookie", "a"]);
    invoke().exits(0).says("Question");
    invoke().exits(0); // the same again is the same question
    world.run(["needs"]).says("a program asks to synchronize");
    let needs = || -> Vec<Value> {
        let mut all = world.json(["needs"]);
        all.retain(|need| need["choices"].is_array());
        all
    };
    assert_eq!(needs().len(), 1);
    assert!(cookies(&world).is_empty());
    let id = needs()[0]["id"].to_string();
    world.run(["answer", &id, "start"]).exits(0);
    until("it was invoked", || prepared(&world).len() == 1);
    assert_eq!(
        cookies(&world),
        [("invoke".to_owned(), Value::from("YQ=="))]
    );
    assert!(needs().is_empty());
    // M-155: one list over all handlers.
    world.run(["invoke", "--all"]).exits(0).says("Question");
    world.run(["needs"]).says("everything");
    let id = needs()[0]["id"].to_string();
    world.run(["answer", &id, "dismiss"]).exits(0);
    assert!(needs().is_empty());
    assert_eq!(prepared(&world).len(), 1);
}
