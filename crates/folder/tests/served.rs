//! The folder pairs behind the contract: a manager played by hand over the in-memory connection.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "a manager that cannot be played ends the test"
)]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use syncmgr_folder::Folders;
use syncmgr_handler::link::LineReader;
use syncmgr_handler::{Connection, serve};

struct Manager {
    lines: LineReader,
    to: Box<dyn std::io::Write + Send>,
    next: u64,
    /// Notifications and questions since they were taken last.
    told: Vec<Value>,
    /// What a prompt is answered with.
    reply: Value,
}

impl Manager {
    fn new(home: &Path, definitions: &Value) -> Self {
        let (here, there) = Connection::memory();
        std::thread::spawn(move || serve(Folders::default(), there));
        let (lines, to) = here.split();
        let reply = json!({"answer": "deferred"});
        let mut manager = Self {
            lines,
            to,
            next: 0,
            told: Vec::new(),
            reply,
        };
        let hello = manager.ask(
            "initialize",
            json!({"contract": [1], "features": ["plan", "undo", "conflicts", "item/define"], "event": "manual",
                   "stateDir": home.join("state"), "definitions": definitions}),
        );
        assert_eq!(hello["contract"], 1, "{hello}");
        manager
    }

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

    /// Sends a request and returns its result or its error.
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

    /// Waits for a notification of this method.
    fn wait(&mut self, method: &str) -> Value {
        loop {
            if let Some(at) = self.told.iter().position(|m| m["method"] == method) {
                return self.told.remove(at)["params"].clone();
            }
            let message = self.read();
            self.told.push(message);
        }
    }

    /// Runs an item and returns its last status with everything else that was told.
    fn run(&mut self, item: &str, run: &str, answers: Value) -> (Value, Vec<Value>) {
        self.told.clear();
        let started = self.ask(
            "prepare",
            json!({"items": [item], "run": run, "answers": answers}),
        );
        assert_eq!(started["started"], "yes", "{started}");
        assert_eq!(self.wait("prepare/completed")["outcome"], "done");
        assert_eq!(self.ask("synchronize", json!({}))["started"], "yes");
        self.wait("synchronize/completed");
        let told = std::mem::take(&mut self.told);
        let is = |m: &&Value| m["method"] == "progress" && m["params"].get("status").is_some();
        let last = told.iter().rev().find(is).unwrap()["params"].clone();
        (last, told)
    }
}

struct Folder {
    home: tempfile::TempDir,
}

impl Folder {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("left")).unwrap();
        fs::create_dir(home.path().join("right")).unwrap();
        Self { home }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.home.path().join(path)
    }

    /// Defines the pair and starts a manager that has it.
    fn manager(&self) -> (Manager, String) {
        let mut first = Manager::new(self.home.path(), &json!({}));
        let arguments = json!({"left": self.at("left"), "right": self.at("right")});
        let defined = first.ask("item/define", json!({ "arguments": arguments }));
        let id = defined["item"]["id"].as_str().unwrap().to_owned();
        assert_eq!(defined["item"]["name"], "left");
        let manager = Manager::new(
            self.home.path(),
            &json!({ id.clone(): defined["definition"] }),
        );
        (manager, id)
    }
}

#[test]
fn a_pair_is_defined_listed_planned_synchronized_and_undone() {
    let f = Folder::new();
    fs::write(f.at("left/a"), "a").unwrap();
    fs::write(f.at("right/n\nl"), "b").unwrap();
    let (mut m, id) = f.manager();
    let items = m.ask("items/list", json!({}));
    assert_eq!(items["items"][0]["id"], id.as_str());
    let plan = m.ask("plan", json!({"items": [id], "answers": []}));
    assert_eq!(
        (
            &plan["items"][0]["counts"]["sent"],
            &plan["items"][0]["counts"]["received"]
        ),
        (&json!(1), &json!(1))
    );
    let actions = m.wait("plan/actions");
    assert_eq!(
        actions["actions"][0],
        json!({"action": "add", "to": "right", "name": "a", "bytes": 1})
    );
    assert_eq!(actions["actions"][1]["name"], "n\\nl");
    assert!(!f.at("right/a").exists());
    let (last, _) = m.run(&id, "7", json!([]));
    assert_eq!(last["status"], "succeeded", "{last}");
    assert_eq!(
        (&last["counts"]["sent"], &last["counts"]["bytes"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(fs::read(f.at("right/a")).unwrap(), b"a");
    let undone = m.ask("undo", json!({"item": id, "run": "7", "asRun": "8"}));
    assert_eq!(undone["removed"], 2);
    assert_eq!(undone["counts"]["deleted"], 2);
    assert!(!f.at("right/a").exists());
    let refused = m.ask("undo", json!({"item": id, "run": "never", "asRun": "9"}));
    assert_eq!(refused["data"]["name"], "folder::nothing-kept");
}

#[test]
fn two_folders_are_one_pair_in_whichever_order_they_are_named() {
    let f = Folder::new();
    let (mut m, id) = f.manager();
    let arguments = json!({"left": f.at("right"), "right": f.at("left")});
    let turned = m.ask("item/define", json!({ "arguments": arguments }));
    assert_eq!(turned["item"]["id"], id.as_str());
    let left = fs::canonicalize(f.at("left")).unwrap();
    assert_eq!(turned["definition"]["left"], left.to_str().unwrap());
}

#[test]
fn a_run_says_which_entries_it_changed_and_counts_those_that_are_too_many() {
    let texts = |told: &[Value]| -> Vec<String> {
        let logs = told.iter().filter(|t| t["method"] == "log");
        logs.map(|t| t["params"]["text"].as_str().unwrap().to_owned())
            .collect()
    };
    let f = Folder::new();
    for name in ["a", "n\nl"] {
        fs::write(f.at("left").join(name), "a").unwrap();
    }
    fs::write(f.at("right/b"), "b").unwrap();
    let (mut m, id) = f.manager();
    let (_, told) = m.run(&id, "1", json!([]));
    assert_eq!(
        texts(&told),
        ["→ created a", "← created b", "→ created n\\nl"]
    );
    fs::write(f.at("left/a"), "edited").unwrap();
    fs::remove_file(f.at("right/b")).unwrap();
    let (_, told) = m.run(&id, "2", json!([]));
    assert_eq!(texts(&told), ["→ updated a", "← deleted b"]);
    m.told.clear();
    let counts = m.ask("undo", json!({"item": id, "run": "2", "asRun": "3"}))["counts"].clone();
    assert_eq!(
        (&counts["sent"], &counts["received"]),
        (&json!(1), &json!(1))
    );
    let undone = texts(&m.told);
    assert_eq!(undone[..2], ["← created b", "→ updated a"]);
    assert!(undone[2].starts_with("the next synchronization"));
    for n in 0..203 {
        fs::write(f.at("left").join(format!("many-{n}")), "a").unwrap();
    }
    let (_, told) = m.run(&id, "4", json!([]));
    let texts = texts(&told);
    assert_eq!(texts.len(), 201);
    assert_eq!(texts[200], "and 4 more");
}

#[test]
fn what_cannot_be_a_pair_is_refused_with_name_and_hint() {
    let f = Folder::new();
    let mut m = Manager::new(f.home.path(), &json!({}));
    let mut refused = |left: &str, right: &str| {
        let arguments = json!({"left": f.at(left), "right": f.at(right)});
        let answer = m.ask("item/define", json!({ "arguments": arguments }));
        assert!(answer["data"]["hint"].is_string(), "{answer}");
        answer["data"]["name"].as_str().unwrap().to_owned()
    };
    assert_eq!(refused("left", "left"), "folder::same-directory");
    assert_eq!(refused("left", "none"), "folder::root-missing");
    fs::create_dir(f.at("left/in")).unwrap();
    assert_eq!(refused("left/in", "left"), "folder::nested");
    let answer = m.ask(
        "item/define",
        json!({"arguments": {"left": "relative", "right": "/x"}}),
    );
    assert_eq!(answer["data"]["name"], "folder::definition");
}

#[test]
fn conflicts_are_listed_and_resolved() {
    let f = Folder::new();
    fs::write(f.at("left/a"), "left").unwrap();
    fs::write(f.at("right/a"), "right one").unwrap();
    let (mut m, id) = f.manager();
    let (last, _) = m.run(&id, "1", json!([]));
    assert_eq!(
        (&last["status"], &last["counts"]["conflicts"]),
        (&json!("succeeded"), &json!(1))
    );
    let page = m.ask("conflicts/list", json!({}));
    let conflict = &page["conflicts"][0];
    assert_eq!(conflict["name"], "a");
    assert_eq!(conflict["versions"][1]["size"], 9);
    assert_eq!(
        conflict["choices"][2]["label"],
        "keep both versions, in both folders; the right one gets a name like a (conflict right)"
    );
    let choose =
        |choice| json!({"item": id, "conflict": conflict["id"], "choice": choice, "asRun": "2"});
    assert_eq!(
        m.ask("conflicts/resolve", choose("sideways"))["data"]["name"],
        "folder::choice"
    );
    let resolved = m.ask("conflicts/resolve", choose("right"));
    assert_eq!(resolved["feedback"], "continue", "{resolved}");
    assert_eq!(fs::read(f.at("left/a")).unwrap(), b"right one");
    assert_eq!(
        fs::read(resolved["kept"].as_str().unwrap()).unwrap(),
        b"left",
        "the loser is kept"
    );
    assert_eq!(m.ask("conflicts/list", json!({}))["conflicts"], json!([]));
    assert_eq!(
        m.ask("conflicts/resolve", choose("right"))["feedback"],
        "refresh"
    );
}

#[test]
fn a_guard_becomes_a_question_whose_answer_holds_for_one_run() {
    let f = Folder::new();
    fs::write(f.at("left/a"), "a").unwrap();
    let (mut m, id) = f.manager();
    m.run(&id, "1", json!([]));
    fs::remove_file(f.at("right/a")).unwrap();
    let (last, told) = m.run(&id, "2", json!([]));
    assert_eq!(last["status"], "skipped", "{last}");
    let prompt = &told.iter().find(|t| t["method"] == "prompt").unwrap()["params"];
    assert_eq!(
        (&prompt["kind"], &prompt["durable"]),
        (&json!("guard"), &json!(true))
    );
    let names: Vec<&str> = prompt["choices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["apply", "bring-back", "later"]);
    assert!(f.at("left/a").exists());
    let answer = json!([{"item": id, "key": prompt["key"], "choice": "bring-back", "context": prompt["context"]}]);
    let (last, _) = m.run(&id, "3", answer);
    assert_eq!(last["status"], "succeeded");
    assert_eq!(fs::read(f.at("right/a")).unwrap(), b"a");
}

#[test]
fn a_missing_folder_is_to_be_connected_and_is_brought_back_only_where_it_can_be() {
    let f = Folder::new();
    fs::create_dir(f.at("disk")).unwrap();
    fs::rename(f.at("right"), f.at("disk/right")).unwrap();
    fs::write(f.at("left/a"), "a").unwrap();
    let pair = json!({"left": f.at("left"), "right": f.at("disk/right")});
    let mut m = Manager::new(f.home.path(), &json!({ "p": pair }));
    m.run("p", "1", json!([]));
    fs::rename(f.at("disk"), f.at("off")).unwrap();
    for (run, names) in [("2", vec!["later"]), ("3", vec!["bring-back", "later"])] {
        let (_, told) = m.run("p", run, json!([]));
        let prompt = &told.iter().find(|t| t["method"] == "prompt").unwrap()["params"];
        let text = prompt["text"].as_str().unwrap();
        assert!(text.contains("connect it and run sync again"), "{text}");
        let offered: Vec<&str> = prompt["choices"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["name"].as_str().unwrap())
            .collect();
        assert_eq!(offered, names);
        if run == "2" {
            fs::create_dir(f.at("disk")).unwrap();
        }
    }
}

#[test]
fn a_pair_that_cannot_run_says_why_and_the_others_run() {
    let f = Folder::new();
    fs::write(f.at("left/a"), "a").unwrap();
    let good = json!({"left": f.at("left"), "right": f.at("right")});
    let definitions = json!({"bad": {"left": 5}, "gone": {"left": f.at("none"), "right": f.at("right")}, "good": good});
    let mut m = Manager::new(f.home.path(), &definitions);
    assert_eq!(
        m.ask("items/list", json!({}))["items"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    let (last, _) = m.run("bad", "1", json!([]));
    assert_eq!(
        (&last["status"], &last["failure"]),
        (&json!("failed"), &json!("hard"))
    );
    let (last, told) = m.run("gone", "1", json!([]));
    assert_eq!(last["status"], "failed");
    let log = told.iter().find(|t| t["method"] == "log").unwrap();
    assert_eq!(log["params"]["error"], "folder::root-missing");
    assert!(log["params"]["detail"].is_string());
    let (last, _) = m.run("good", "1", json!([]));
    assert_eq!(last["status"], "succeeded");
}
