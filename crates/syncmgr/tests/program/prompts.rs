//! Questions of handlers end to end: who is asked, what is typed, what is remembered, and that no secret is told.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::world::{Done, Running, World};

const SECRET: &str = "correct horse 42";
/// As the handler writes it down: a test that looks for the secret must not find it there.
const SECRET_BACKWARDS: &str = "24 esroh tcerroc";

/// A world whose handler asks for a login; `more` is added to its question.
fn world(manager: &str, more: &Value) -> World {
    let world = World::new();
    let handler = Path::new(env!("CARGO_BIN_EXE_syncmgr"))
        .parent()
        .unwrap()
        .join("examples/asking-handler");
    assert!(handler.exists(), "{} is not built", handler.display());
    world.configure(&format!(
        "[manager]\n{manager}\n[[handler]]\nid = \"mail\"\ncommand = [\"{}\"]\n",
        handler.display()
    ));
    let mut question = json!({
        "item": "inbox", "key": "login", "kind": "login", "text": "sign in to mail.example.org",
        "choices": [{"name": "login", "label": "sign in"}, {"name": "cancel", "label": "not now"}],
        "fields": {"type": "object", "required": ["user", "password"], "properties": {
            "user": {"type": "string", "title": "User name", "default": "ada"},
            "password": {"type": "string", "format": "password", "title": "Password"},
            "server": {"enum": ["imap", "pop"], "default": "imap"},
            "keep": {"type": "boolean"}}}
    });
    for (name, value) in more.as_object().unwrap() {
        question[name] = value.clone();
    }
    world.write(
        "home/state/handlers/mail/question.json",
        question.to_string(),
    );
    world
}

/// What the handler was answered, oldest first.
fn answered(world: &World) -> Vec<Value> {
    let path = "home/state/handlers/mail/answered";
    if !world.has(path) {
        return Vec::new();
    }
    let text = world.read(path);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The fields of a good answer, as the handler writes them down.
fn good() -> Value {
    json!({"user": "ada", "password": SECRET_BACKWARDS, "server": "pami", "keep": false})
}

fn typing(world: &World, words: &[&str], input: &str) -> Done {
    let mut command = world.command(words);
    command.stdin(Stdio::piped());
    let mut running = Running::start(command);
    running.type_in(input);
    running.end()
}

fn daemon(world: &World) -> Running {
    let mut daemon = world.start(["daemon"]);
    daemon.wait_for("serves every command");
    daemon
}

fn end(daemon: Running) -> Done {
    daemon.signal(rustix::process::Signal::INT);
    daemon.end()
}

/// Everything that a view is told until the daemon ends.
fn changes(world: &World) -> std::thread::JoinHandle<String> {
    let mut stream = UnixStream::connect(world.path("home/run/control.sock")).unwrap();
    write!(stream, "GET /v1/changes HTTP/1.1\r\nhost: syncmgr\r\n\r\n").unwrap();
    std::thread::spawn(move || {
        let mut told = Vec::new();
        // It ends with the daemon, however that closes it.
        drop(stream.read_to_end(&mut told));
        String::from_utf8_lossy(&told).into_owned()
    })
}

/// No file of the home holds the secret, but for the one that is there for it.
fn holds_no_secret(world: &World, but: Option<&str>) {
    for (path, entry) in world.tree("home") {
        let mut parts = entry.content.windows(SECRET.len());
        let found = parts.any(|part| part == SECRET.as_bytes());
        let allowed = but.is_some_and(|but| path.ends_with(but));
        assert!(!found || allowed, "{} holds it", path.display());
    }
}

#[test]
fn a_login_waits_in_the_inbox_and_its_answer_is_told_to_nobody_but_the_handler() {
    // M-113, H-11
    let world = world("", &json!({"durable": true, "deadlineMs": 7_200_000}));
    let daemon = daemon(&world);
    let changes = changes(&world);
    world.run(["sync", "mail"]).exits(3);
    // The handler is told how long it may take.
    let within = answered(&world)[0]["deferred"].as_u64().unwrap();
    assert!((7_100_000..=7_200_000).contains(&within), "{within}");
    let needs = world.json(["needs"]);
    let fields = needs[0]["fields"].as_array().unwrap();
    let names: Vec<&Value> = fields.iter().map(|field| &field["name"]).collect();
    assert_eq!(names, ["user", "password", "keep", "server"]);
    let id = needs[0]["id"].to_string();
    // What is missing, does not fit or was given where others read it is refused, and nothing is lost.
    for (words, refusal) in [
        (&["login"][..], "need::field-missing"),
        (&["login", "--field", "password=x"], "cli::secret-in-words"),
        (&["login", "--field", "server=smtp"], "need::wrong-value"),
        (&["login", "--field", "port=1"], "need::no-such-field"),
        (&["sign-in"], "answer::not-offered"),
    ] {
        let words: Vec<&str> = ["answer", &id].iter().chain(words).copied().collect();
        world.run(&words).exits(4).says(refusal);
    }
    let words = ["answer", &id, "login", "--stdin", "--field", "user=ada"];
    typing(&world, &words, &format!("{SECRET}\nno\n\n"))
        .exits(0)
        .says("inbox is in sync")
        .says_not(SECRET);
    let last = answered(&world).pop().unwrap();
    assert_eq!(last, json!({"later": "login", "fields": good()}));
    // Who comes second is told who was first.
    world
        .run(["answer", &id, "cancel"])
        .exits(4)
        .says("need::answered")
        .says("with `login` by");
    for words in [
        &["log"][..],
        &["needs"],
        &["runs"],
        &["show", "inbox"],
        &["why", "inbox"],
        &["doctor"],
    ] {
        let mut command = world.command(words);
        command.arg("--json");
        Running::start(command).end().says_not(SECRET);
    }
    end(daemon).exits(0).says_not(SECRET);
    let told = changes.join().unwrap();
    assert!(told.contains("need-closed"), "{told}");
    assert!(!told.contains(SECRET) && !told.contains(SECRET_BACKWARDS));
    holds_no_secret(&world, None);
    world.is_quiet();
}

#[test]
fn a_remembered_login_is_used_once_and_forgotten_when_it_is_wrong() {
    let world = world("remember = \"file\"", &json!({"durable": true}));
    let daemon = daemon(&world);
    world.run(["sync", "mail"]).exits(3);
    let answer = |world: &World| {
        let id = world.json(["needs"])[0]["id"].to_string();
        let words = ["answer", &id, "login", "--stdin", "--remember"];
        typing(world, &words, &format!("ada\n{SECRET}\n\n\n"))
            .exits(0)
            .says_not("not remembered");
    };
    answer(&world);
    let kept = world.path("home/config/secrets.json");
    let mode = std::fs::metadata(&kept).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // The next run asks nobody.
    world.run(["sync", "mail"]).exits(0);
    let last = answered(&world).pop().unwrap();
    assert_eq!(last, json!({"choice": "login", "fields": good()}));
    assert_eq!(world.json(["needs"]).len(), 1, "only the verdict");
    // It is wrong: the handler asks once more, it is forgotten, and a person is asked.
    world.write("home/state/handlers/mail/wrong", "");
    world.run(["sync", "mail"]).exits(3);
    let before = answered(&world);
    let last = &before[before.len() - 2..];
    assert_eq!(last[0]["choice"], "login");
    assert_eq!(last[1], json!({"deferred": null}));
    assert!(!world.read("home/config/secrets.json").contains(SECRET));
    std::fs::remove_file(world.path("home/state/handlers/mail/wrong")).unwrap();
    answer(&world);
    holds_no_secret(&world, Some("secrets.json"));
    // A file that others can read is none.
    std::fs::set_permissions(&kept, PermissionsExt::from_mode(0o644)).unwrap();
    world.run(["sync", "mail"]).exits(3);
    world.run(["log"]).says("others can read");
    std::fs::set_permissions(&kept, PermissionsExt::from_mode(0o600)).unwrap();
    world.run(["forget", "mail"]).exits(0).says("is forgotten");
    world
        .run(["forget", "inbox"])
        .exits(0)
        .says("Nothing was remembered");
    holds_no_secret(&world, None);
    end(daemon).exits(0);
    world.is_quiet();
}

#[test]
fn where_nothing_can_remember_the_answer_counts_all_the_same() {
    // No session bus, and none wanted.
    for (manager, refusal) in [
        ("", "secret::no-keyring"),
        ("remember = \"nowhere\"", "secret::nowhere"),
    ] {
        let world = world(manager, &json!({"durable": true}));
        world.run(["sync", "mail"]).exits(3);
        let words = ["answer", "1", "login", "--stdin", "--remember"];
        typing(&world, &words, &format!("ada\n{SECRET}\n\n\n"))
            .exits(0)
            .says("it is not remembered")
            .says(refusal);
        let last = answered(&world).pop().unwrap();
        assert_eq!(last, json!({"later": "login", "fields": good()}));
        holds_no_secret(&world, None);
    }
}

/// Who says no, and to remember it all the same, has nothing remembered: a later run would be refused in silence.
#[test]
fn a_no_is_never_remembered() {
    let world = world("remember = \"file\"", &json!({"durable": true}));
    world.run(["sync", "mail"]).exits(3);
    world.run(["answer", "1", "cancel", "--remember"]).exits(0);
    assert!(!world.has("home/config/secrets.json"));
    world.run(["sync", "mail"]).exits(3);
    assert_eq!(world.json(["needs"]).len(), 2, "a question and the verdict");
}

#[test]
fn what_systemd_hands_over_answers_and_is_never_written() {
    let world = world("remember = \"nowhere\"", &json!({}));
    world.write(
        "credentials/syncmgr-mail-inbox-login",
        format!("{SECRET}\n"),
    );
    let mut command = world.command(["sync", "mail"]);
    command.env("CREDENTIALS_DIRECTORY", world.path("credentials"));
    Running::start(command).end().exits(0).says_not(SECRET);
    let expected = json!({"choice": "login", "fields": good()});
    assert_eq!(answered(&world), [expected]);
    holds_no_secret(&world, None);
}

#[test]
fn where_nobody_is_the_default_answers_and_without_one_the_question_is_refused() {
    // M-113, H-11
    for (more, expected) in [
        (json!({}), json!("refused")),
        (
            json!({"default": "cancel"}),
            json!({"choice": "cancel", "fields": {}}),
        ),
    ] {
        let world = world("", &more);
        // No terminal: nobody can be asked.
        world.run(["sync", "mail"]).exits(2);
        assert_eq!(answered(&world), [expected]);
        assert_eq!(world.json(["needs"]).len(), 1, "only the verdict");
    }
}
