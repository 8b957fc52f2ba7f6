//! Items behind the contract: a manager played by hand over the in-memory connection, with shell scripts as programs.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "a manager that cannot be played ends the test"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a process that surely ended is one that the test started"
)]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use syncmgr_handler::link::LineReader;
use syncmgr_handler::{Connection, serve};
use syncmgr_tools::{Surroundings, Tools};

struct Manager {
    lines: LineReader,
    to: Box<dyn std::io::Write + Send>,
    next: u64,
    told: Vec<Value>,
    /// What prompts are answered with.
    reply: Value,
}

impl Manager {
    fn send(&mut self, message: &Value) {
        writeln!(self.to, "{message}").unwrap();
        self.to.flush().unwrap();
    }

    fn read(&mut self) -> Value {
        let line = self
            .lines
            .next_line()
            .unwrap()
            .expect("the handler is there");
        let message: Value = serde_json::from_str(line).unwrap();
        if let (Some(id), Some(_)) = (message.get("id"), message.get("method")) {
            let answer = json!({"jsonrpc": "2.0", "id": id, "result": self.reply});
            self.send(&answer);
        }
        message
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let message = self.read();
            if message.get("method").is_none() && message["id"] == id {
                return message.get("result").unwrap_or(&message["error"]).clone();
            }
            self.told.push(message);
        }
    }

    /// Waits for a message of the handler that fits.
    fn wait(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            if let Some(at) = self.told.iter().position(&fits) {
                return self.told.remove(at)["params"].clone();
            }
            let message = self.read();
            self.told.push(message);
        }
    }

    fn begin(&mut self, items: &[&str], answers: Value) {
        self.told.clear();
        let prepare = json!({"items": items, "run": "7", "answers": answers});
        assert_eq!(self.ask("prepare", prepare)["started"], "yes");
        self.wait(|m| m["method"] == "prepare/completed");
        assert_eq!(self.ask("synchronize", json!({}))["started"], "yes");
    }

    /// Runs items and returns everything that was told.
    fn run(&mut self, items: &[&str], answers: Value) -> Told {
        self.begin(items, answers);
        self.wait(|m| m["method"] == "synchronize/completed");
        Told(std::mem::take(&mut self.told))
    }
}

struct Told(Vec<Value>);

impl Told {
    /// The last status of an item, with all that was told of it since.
    fn last(&self, item: &str) -> Value {
        let mut last = json!({});
        for told in self
            .0
            .iter()
            .filter(|m| m["method"] == "progress" && m["params"]["item"] == item)
        {
            for (key, value) in told["params"].as_object().unwrap() {
                last[key] = value.clone();
            }
        }
        last
    }

    fn logs(&self) -> String {
        let logs = self.0.iter().filter(|m| m["method"] == "log");
        logs.map(|m| m["params"].to_string() + "\n").collect()
    }

    fn prompts(&self) -> Vec<&Value> {
        self.0
            .iter()
            .filter(|m| m["method"] == "prompt")
            .map(|m| &m["params"])
            .collect()
    }
}

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("recipes")).unwrap();
        Self(home)
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn recipe(&self, text: &str) {
        fs::write(self.at("recipes/made.toml"), text).unwrap();
    }

    fn manager(&self, definitions: &Value) -> Manager {
        self.manager_with(definitions, true)
    }

    fn manager_with(&self, definitions: &Value, may_bother: bool) -> Manager {
        let (here, there) = Connection::memory();
        let surroundings = Surroundings {
            recipes: self.at("recipes"),
            home: Some(self.0.path().to_owned()),
            host: Some("here".to_owned()),
        };
        std::thread::spawn(move || serve(Tools::new(surroundings), there));
        let (lines, to) = here.split();
        let reply = if may_bother {
            json!({"answer": "deferred"})
        } else {
            json!({"answer": "refused"})
        };
        let mut manager = Manager {
            lines,
            to,
            next: 0,
            told: Vec::new(),
            reply,
        };
        let hello = manager.ask(
            "initialize",
            json!({"contract": [1], "features": ["plan", "undo", "conflicts", "item/define"], "event": "manual",
                   "mayBotherUser": may_bother, "stateDir": self.at("state"), "definitions": definitions}),
        );
        assert_eq!(hello["contract"], 1, "{hello}");
        manager
    }
}

fn shell(line: &str) -> Value {
    json!({"recipe": "command", "command": ["sh", "-c", line]})
}

fn is_gone(path: &Path) -> bool {
    let pid = fs::read_to_string(path).unwrap();
    !Path::new(&format!("/proc/{}/stat", pid.trim())).exists()
}

#[test]
fn what_a_command_ends_with_is_what_becomes_of_it() {
    let home = Home::new();
    let mut overruled = shell("exit 3");
    overruled["exit"] = json!({"3": "warning"});
    let mut expecting = shell("echo nothing");
    expecting["expect"] = json!("backup of [0-9]+ files");
    let mut late = shell("sleep 100");
    late["time_limit"] = json!("100ms");
    let mut loud = shell("yes");
    loud["output_limit"] = json!("100k");
    let mut manager = home.manager(&json!({
        "good": shell("echo 3/4; echo done"), "soft": shell("echo later >&2; exit 75"), "hard": shell("echo no >&2; exit 3"),
        "overruled": overruled, "expecting": expecting, "late": late, "loud": loud,
        "killed": shell("kill -9 $$"), "killed-parent": shell("sleep 100 & kill -9 $$"), "forks": shell("setsid sleep 100 & exit 0"),
        "missing": {"recipe": "command", "command": ["/no/such/program"]},
        "garbage": shell("head -c 100000 /dev/urandom"),
    }));
    let items = [
        "good",
        "soft",
        "hard",
        "overruled",
        "expecting",
        "late",
        "loud",
        "killed",
        "killed-parent",
        "forks",
        "missing",
        "garbage",
    ];
    let told = manager.run(&items, json!([]));
    for (item, status, failure, says) in [
        ("good", "succeeded", Value::Null, ""),
        ("soft", "failed", json!("soft"), "exit code 75: later"),
        ("hard", "failed", json!("hard"), "exit code 3: no"),
        ("overruled", "succeeded", Value::Null, ""),
        (
            "expecting",
            "failed",
            json!("hard"),
            "never printed what was expected",
        ),
        (
            "late",
            "failed",
            json!("soft"),
            "longer than its time limit",
        ),
        (
            "loud",
            "failed",
            json!("hard"),
            "more than its output limit",
        ),
        ("killed", "failed", json!("hard"), "ended by signal 9"),
        (
            "killed-parent",
            "failed",
            json!("hard"),
            "ended by signal 9",
        ),
        ("forks", "failed", json!("hard"), "left programs behind"),
        ("missing", "failed", json!("hard"), "/no/such/program"),
        ("garbage", "succeeded", Value::Null, ""),
    ] {
        let last = told.last(item);
        assert_eq!(
            (&last["status"], &last["failure"]),
            (&json!(status), &failure),
            "{item}: {last}"
        );
        assert!(
            last["text"].as_str().unwrap_or_default().contains(says),
            "{item}: {last}"
        );
    }
    assert_eq!(
        (&told.last("good")["value"], &told.last("good")["max"]),
        (&json!(3), &json!(4))
    );
    assert!(told.logs().contains("3/4\\ndone"), "{}", told.logs());
}

#[test]
fn an_item_is_defined_by_words_and_refused_with_what_is_wrong() {
    let home = Home::new();
    let mut manager = home.manager(&json!({}));
    let define = |manager: &mut Manager, recipe: &str, words: &[&str]| {
        let arguments = json!({"recipe": recipe, "words": words, "cwd": "/some/where"});
        manager.ask("item/define", json!({ "arguments": arguments }))
    };
    let good = define(
        &mut manager,
        "command",
        &["--nice", "10", "--", "sh", "-c", "echo a | cat"],
    );
    assert_eq!(good["item"]["name"], "echo", "{good}");
    assert_eq!(
        good["definition"]["command"],
        json!(["sh", "-c", "echo a | cat"])
    );
    assert_eq!(good["definition"]["nice"], 10);
    let again = define(&mut manager, "command", &["--", "sh", "-c", "echo a | cat"]);
    assert_eq!(again["item"]["id"], good["item"]["id"]);
    for (recipe, words, name, says) in [
        (
            "nonsense",
            vec!["a"],
            "tools::recipe-unknown",
            "no recipe `nonsense`",
        ),
        (
            "command",
            vec!["--", "no-such-program"],
            "tools::missing",
            "no-such-program",
        ),
        ("command", vec![], "tools::argument", "needs `command`"),
        (
            "command",
            vec!["--nice", "99", "sh"],
            "tools::setting",
            "nice",
        ),
        (
            "command",
            vec!["--wrong", "x", "sh"],
            "tools::argument",
            "no `wrong`",
        ),
        (
            "command",
            vec!["--nice"],
            "tools::argument",
            "needs a value",
        ),
        (
            "restic",
            vec!["/r", "/a", "--password", "hunter2"],
            "tools::secret",
            "not where a secret is",
        ),
        (
            "git",
            vec!["a", "b"],
            "tools::argument",
            "one word too many",
        ),
    ] {
        let refused = define(&mut manager, recipe, &words);
        assert_eq!(refused["data"]["name"], name, "{refused}");
        assert!(
            refused["message"].as_str().unwrap().contains(says),
            "{refused}"
        );
        assert!(!refused.to_string().contains("hunter2"), "{refused}");
        assert!(
            refused["data"]["hint"]
                .as_str()
                .is_some_and(|hint| !hint.is_empty()),
            "{refused}"
        );
    }
}

const GUARDED: &str = r#"
recipe = 1
id = "made"
name = "Made"
about = "a script"
[[argument]]
name = "there"
kind = "path"
about = "a directory"
[item]
name = "{there|base}"
[guard]
count = 2
[[plan]]
command = ["sh", "-c", "for f in 1 2 3 4; do echo delete $f; done; echo total 10"]
[[run]]
command = ["sh", "-c", "echo ran >> \"$1\"/ran; echo ran", "sh", "{there}"]
[[restore]]
command = ["sh", "-c", "echo back >> \"$1\"/ran", "sh", "{there}"]
[[read]]
in = ["plan"]
text = '^delete (\d)$'
action = { do = "delete", name = "{1}" }
[[read]]
text = '^total (\d+)$'
set = { total = "{1}" }
[[read]]
in = ["run"]
text = '^ran$'
proof = true
result = "it ran"
"#;

#[test]
fn many_deletions_are_held_and_each_answer_does_what_it_says() {
    let home = Home::new();
    home.recipe(GUARDED);
    let item = json!({"m": {"recipe": "made", "there": home.0.path()}});
    let ran = || fs::read_to_string(home.at("ran")).unwrap_or_default();
    let mut manager = home.manager(&item);
    let plan = manager.ask("plan", json!({"items": ["m"], "answers": []}));
    assert_eq!(
        plan["items"][0]["held"],
        "it would delete 4 things on the target, of 10 that are there"
    );
    let told = manager.run(&["m"], json!([]));
    assert_eq!(told.last("m")["status"], "skipped");
    let prompt = told.prompts()[0].clone();
    assert_eq!(
        (&prompt["kind"], &prompt["durable"]),
        (&json!("guard"), &json!(true))
    );
    assert_eq!(prompt["choices"].as_array().unwrap().len(), 3);
    assert_eq!(ran(), "");
    let answer = |choice: &str, context: Value| json!([{"item": "m", "key": prompt["key"], "choice": choice, "context": context}]);
    // An answer to fewer deletions than there are now does not count.
    let told = manager.run(&["m"], answer("apply", json!({"lost": 3})));
    assert_eq!(
        (told.last("m")["status"].clone(), ran()),
        (json!("skipped"), String::new())
    );
    let told = manager.run(&["m"], answer("later", prompt["context"].clone()));
    assert_eq!(
        (told.last("m")["status"].clone(), ran()),
        (json!("skipped"), String::new())
    );
    let told = manager.run(&["m"], answer("bring-back", prompt["context"].clone()));
    assert_eq!(
        (told.last("m")["status"].clone(), ran()),
        (json!("succeeded"), "back\nran\n".to_owned())
    );
    let told = manager.run(&["m"], answer("apply", prompt["context"].clone()));
    assert_eq!(
        (told.last("m")["text"].clone(), ran()),
        (json!("it ran"), "back\nran\nran\n".to_owned())
    );
}

#[test]
fn a_source_that_became_empty_or_vanished_is_a_question() {
    let home = Home::new();
    let text = GUARDED.replace("count = 2", "count = 99\nsources = [\"{there}/source\"]");
    home.recipe(&text);
    let item = json!({"m": {"recipe": "made", "there": home.0.path()}});
    let mut manager = home.manager(&item);
    fs::create_dir(home.at("source")).unwrap();
    let status = |manager: &mut Manager| manager.run(&["m"], json!([])).last("m");
    assert_eq!(status(&mut manager)["status"], "succeeded"); // It was empty always.
    fs::write(home.at("source/a"), "a").unwrap();
    assert_eq!(status(&mut manager)["status"], "succeeded");
    fs::remove_file(home.at("source/a")).unwrap();
    let last = status(&mut manager);
    assert_eq!(last["status"], "skipped", "{last}");
    assert!(
        last["text"]
            .as_str()
            .unwrap()
            .contains("is empty, and was not before"),
        "{last}"
    );
    fs::remove_dir(home.at("source")).unwrap();
    let last = status(&mut manager);
    assert!(last["text"].as_str().unwrap().contains("is gone"), "{last}");
}

const LOCKED: &str = r#"
recipe = 1
id = "made"
name = "Made"
about = "a script"
[[argument]]
name = "lock"
kind = "path"
about = "the lock"
[item]
name = "locked"
[[run]]
command = ["sh", "-c", "if test -e \"$1\"; then echo \"locked by $(cat \"$1\")\"; exit 9; fi; echo free", "sh", "{lock}"]
[[unlock]]
command = ["rm", "{lock}"]
[[read]]
text = '^locked by (\d+) on (\S+)$'
lock = { pid = "{1}", host = "{2}" }
"#;

#[test]
fn a_lock_whose_owner_is_gone_is_taken_away_and_any_other_is_a_question() {
    let home = Home::new();
    home.recipe(LOCKED);
    let lock = home.at("lock");
    let mut manager = home.manager(&json!({"m": {"recipe": "made", "lock": lock}}));
    // A process that surely is no more.
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let dead = child.id();
    child.wait().unwrap();
    fs::write(&lock, format!("{dead} on here")).unwrap();
    let told = manager.run(&["m"], json!([]));
    assert_eq!(told.last("m")["status"], "succeeded", "{}", told.logs());
    assert!(
        told.logs().contains("whose owner is gone"),
        "{}",
        told.logs()
    );
    for held in [
        format!("{} on here", std::process::id()),
        format!("{dead} on elsewhere"),
    ] {
        fs::write(&lock, &held).unwrap();
        let told = manager.run(&["m"], json!([]));
        assert_eq!(told.last("m")["failure"], "soft", "{}", told.logs());
        let prompt = told.prompts()[0].clone();
        assert_eq!(prompt["kind"], "stale-lock");
        assert!(lock.exists());
        let waits =
            json!([{"item": "m", "key": "lock", "choice": "wait", "context": prompt["context"]}]);
        assert_eq!(manager.run(&["m"], waits).last("m")["status"], "failed");
        let removes =
            json!([{"item": "m", "key": "lock", "choice": "remove", "context": prompt["context"]}]);
        assert_eq!(
            manager.run(&["m"], removes).last("m")["status"],
            "succeeded"
        );
    }
}

const CONFLICTING: &str = r#"
recipe = 1
id = "made"
name = "Made"
about = "a script"
[[argument]]
name = "file"
kind = "path"
about = "a file"
[item]
name = "conflicting"
[[run]]
command = ["sh", "-c", "test -e \"$1\" || (echo conflict x; exit 1)", "sh", "{file}"]
exit = { 1 = "warning" }
[[choice]]
name = "make"
label = "make {conflict_name}"
kept = "/kept/{name}"
[[choice.step]]
command = ["touch", "{file}"]
[[choice.undo]]
command = ["rm", "{file}"]
[[choice]]
name = "nothing"
label = "do nothing"
[[choice.step]]
command = ["echo", "conflict x"]
[[choice]]
name = "fails"
label = "fail"
[[choice.step]]
command = ["sh", "-c", "echo broken; exit 1"]
[[read]]
text = '^conflict (\w+)$'
conflict = { name = "{1}", summary = "twice", versions = [{ place = "near", location = "/n/{1}" }, { place = "far", location = "/f/{1}" }], keep = { name = "{1}" } }
"#;

#[test]
fn conflicts_of_a_run_are_listed_until_they_are_resolved() {
    let home = Home::new();
    home.recipe(CONFLICTING);
    let mut manager = home.manager(&json!({"m": {"recipe": "made", "file": home.at("file")}}));
    let told = manager.run(&["m"], json!([]));
    assert_eq!(told.last("m")["counts"]["conflicts"], 1);
    let listed = manager.ask("conflicts/list", json!({}));
    let conflict = listed["conflicts"][0].clone();
    assert_eq!(
        (&conflict["name"], &conflict["summary"]),
        (&json!("x"), &json!("twice"))
    );
    assert_eq!(conflict["versions"][1]["location"], "/f/x");
    let resolve = |manager: &mut Manager, choice: &str| {
        let wanted =
            json!({"item": "m", "conflict": conflict["id"], "choice": choice, "asRun": "8"});
        manager.ask("conflicts/resolve", wanted)
    };
    assert_eq!(
        resolve(&mut manager, "nothing")["data"]["name"],
        "tools::unresolved"
    );
    assert_eq!(
        resolve(&mut manager, "fails")["data"]["name"],
        "tools::failed"
    );
    assert_eq!(
        resolve(&mut manager, "else")["data"]["name"],
        "tools::choice"
    );
    assert_eq!(
        manager.ask("conflicts/list", json!({}))["conflicts"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let done = resolve(&mut manager, "make");
    assert_eq!(
        (&done["feedback"], &done["kept"]),
        (&json!("continue"), &json!("/kept/x"))
    );
    assert!(home.at("file").exists());
    assert!(
        manager.ask("conflicts/list", json!({}))["conflicts"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert_eq!(resolve(&mut manager, "make")["feedback"], "refresh");
    let undo =
        |manager: &mut Manager| manager.ask("undo", json!({"item": "m", "run": "8", "asRun": "9"}));
    fs::rename(home.at("file"), home.at("away")).unwrap();
    let failed = undo(&mut manager);
    assert_eq!(
        (
            &failed["restored"],
            failed["kept"].as_array().unwrap().len()
        ),
        (&json!(0), 1)
    );
    fs::rename(home.at("away"), home.at("file")).unwrap();
    assert_eq!(undo(&mut manager)["restored"], 1);
    assert!(!home.at("file").exists());
    assert_eq!(
        manager.ask("conflicts/list", json!({}))["conflicts"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(undo(&mut manager)["data"]["name"], "tools::no-undo");
}

#[test]
fn a_question_on_the_terminal_is_answered_by_a_person_or_ends_the_run() {
    let home = Home::new();
    let mut asking =
        shell("printf 'Go on? [y/N] '; read answer; echo got $answer; test \"$answer\" = y");
    asking["terminal"] = json!(true);
    let items = json!({ "m": asking });
    let mut manager = home.manager_with(&items, false);
    let told = manager.run(&["m"], json!([]));
    let last = told.last("m");
    assert_eq!(
        (&last["status"], &last["failure"]),
        (&json!("failed"), &json!("hard"))
    );
    assert!(
        last["text"].as_str().unwrap().contains("Go on? [y/N]"),
        "{last}"
    );
    let mut manager = home.manager(&items);
    manager.reply = json!({"answer": "chosen", "choice": "ok", "fields": {"answer": "y"}});
    let told = manager.run(&["m"], json!([]));
    assert_eq!(told.last("m")["status"], "succeeded", "{}", told.logs());
    assert_eq!(told.prompts()[0]["text"], "it asks: Go on? [y/N]");
}

#[test]
fn a_secret_is_asked_for_and_told_to_nobody_else() {
    let home = Home::new();
    home.recipe(
        r#"
recipe = 1
id = "made"
name = "Made"
about = "a script"
[[argument]]
name = "password"
kind = "secret"
about = "its password"
[item]
name = "secret"
[environment]
MADE_PASSWORD = "{password.text}"
MADE_FILE = "{password.file}"
[[run]]
command = ["sh", "-c", "test \"$MADE_PASSWORD$MADE_FILE\" = 'hunter2' || test -e \"$MADE_FILE\""]
"#,
    );
    let asked = json!({"m": {"recipe": "made", "password": "ask"}});
    let mut manager = home.manager_with(&asked, false);
    let last = manager.run(&["m"], json!([])).last("m");
    assert!(
        last["text"]
            .as_str()
            .unwrap()
            .contains("nobody gave its password"),
        "{last}"
    );
    let mut manager = home.manager(&asked);
    manager.reply = json!({"answer": "chosen", "choice": "ok", "fields": {"password": "hunter2"}});
    let told = manager.run(&["m"], json!([]));
    assert_eq!(told.last("m")["status"], "succeeded", "{}", told.logs());
    assert!(
        !told
            .0
            .iter()
            .any(|told| told.to_string().contains("hunter2"))
    );
    fs::write(home.at("pw"), "hunter2").unwrap();
    let mut manager = home.manager(
        &json!({"m": {"recipe": "made", "password": format!("file:{}", home.at("pw").display())}}),
    );
    assert_eq!(
        manager.run(&["m"], json!([])).last("m")["status"],
        "succeeded"
    );
}

#[test]
fn what_is_stopped_ends_with_all_that_it_started() {
    let home = Home::new();
    let (leader, child) = (home.at("leader"), home.at("child"));
    let line = format!(
        "echo $$ > {}; sleep 100 & echo $! > {}; echo ready; wait",
        leader.display(),
        child.display()
    );
    let mut manager = home
        .manager(&json!({"m": shell(&line), "other": shell("echo other; echo 1/2; sleep 100")}));
    manager.begin(&["m", "other"], json!([]));
    manager.wait(|m| {
        m["method"] == "progress" && m["params"]["item"] == "other" && m["params"]["max"] == 2
    });
    while !fs::read_to_string(&child).is_ok_and(|text| text.ends_with('\n')) {
        std::thread::yield_now();
    }
    manager.send(&json!({"jsonrpc": "2.0", "method": "item/status", "params": {"item": "m", "verdict": "cancel-item"}}));
    manager.wait(|m| {
        m["method"] == "progress"
            && m["params"]["item"] == "m"
            && m["params"]["status"] == "skipped"
    });
    assert!(is_gone(&leader) && is_gone(&child));
    manager.send(
        &json!({"jsonrpc": "2.0", "method": "item/status", "params": {"verdict": "cancel-all"}}),
    );
    let completed = manager.wait(|m| m["method"] == "synchronize/completed");
    assert_eq!(completed["outcome"], "cancelled");
}

#[test]
fn items_of_one_lane_take_turns_and_others_work_at_once() {
    let home = Home::new();
    home.recipe(
        r#"
recipe = 1
id = "made"
name = "Made"
about = "a script"
[[argument]]
name = "there"
about = "a lane"
[[argument]]
name = "script"
about = "what it does"
[item]
name = "{there}"
lanes = ["{there}"]
[[run]]
command = ["sh", "-c", "{script}"]
"#,
    );
    let at = home.0.path().display();
    // Two that wait for one another can only end when they work at once.
    let meet = |mine: &str, other: &str| {
        format!("touch {at}/{mine}; until test -e {at}/{other}; do :; done")
    };
    // Whoever has the lane finds nobody else in it.
    let alone = format!(
        "mkdir {at}/in || exit 1; for i in 1 2 3 4 5 6 7 8 9; do true; done; rmdir {at}/in"
    );
    let item =
        |there: &str, script: &str| json!({"recipe": "made", "there": there, "script": script});
    let mut manager = home.manager(&json!({
        "a": item("/a", &meet("a", "b")), "b": item("/b", &meet("b", "a")),
        "c": item("/c", &alone), "d": item("/c/below", &alone), "e": item("/c", &alone),
    }));
    let told = manager.run(&["a", "b", "c", "d", "e"], json!([]));
    for id in ["a", "b", "c", "d", "e"] {
        assert_eq!(told.last(id)["status"], "succeeded", "{id} {}", told.logs());
    }
}

#[test]
fn a_broken_recipe_breaks_its_own_items_only() {
    let home = Home::new();
    home.recipe("recipe = 1\nid = \"made\"\n[[run]]\ncommand = [1]\n");
    let mut manager = home.manager(&json!({"m": {"recipe": "made"}, "good": shell("true")}));
    let told = manager.run(&["m", "good"], json!([]));
    assert_eq!(told.last("good")["status"], "succeeded");
    let last = told.last("m");
    assert!(
        last["text"]
            .as_str()
            .unwrap()
            .contains("made.toml cannot be used"),
        "{last}"
    );
    assert_eq!(
        manager.ask("items/list", json!({}))["items"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}
