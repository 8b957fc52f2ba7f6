//! Runs the example handlers in C++, C and Rust under `comhost`, with nothing but lines of JSON.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests: programs are started, and the suite tells in the environment where the libraries are"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

/// Far longer than anything here takes; only a hang reaches it.
const LIMIT: Duration = Duration::from_secs(120);

const MIRROR: &str = "{5C1D5E0B-8B6A-4B0E-9C3E-52B7B1B64C01}";
const STAMP: &str = "{2B0B7B6C-5C0C-4D53-8C49-6D0F3C8E7D02}";
const TRIVIAL: &str = "{0D0D6E4B-6E0F-4C8F-9C2B-7A0C1B6E5A05}";

fn library(name: &str) -> PathBuf {
    let told = std::env::var_os("SYNCMGR_COM_FIXTURES");
    let directory = PathBuf::from(told.expect("`cargo xtask suite com` says where they are"));
    let file = if cfg!(windows) {
        format!("{name}.dll")
    } else {
        format!("lib{name}.so")
    };
    directory.join(file)
}

fn comhost() -> Command {
    let program = std::env::var_os("SYNCMGR_COMHOST")
        .map_or_else(|| env!("CARGO_BIN_EXE_comhost").into(), PathBuf::from);
    Command::new(program)
}

/// The manager's side, as small as it gets.
struct Manager {
    child: Child,
    to: Option<ChildStdin>,
    from: Receiver<Value>,
    /// What came while something else was waited for.
    told: Vec<Value>,
    next: u64,
}

impl Manager {
    fn start(name: &str, class: &str, state: &Path, env: &[(&str, &Path)]) -> Self {
        let mut child = comhost()
            .arg("--library")
            .arg(library(name))
            .arg(class)
            .envs(env.iter().copied())
            .env("SYNCMGR_HOME", state)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (tell, from) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let value = serde_json::from_str(&line).expect("a line of JSON");
                if tell.send(value).is_err() {
                    break;
                }
            }
        });
        let mut manager = Self {
            to: child.stdin.take(),
            child,
            from,
            told: Vec::new(),
            next: 0,
        };
        manager.call(
            "initialize",
            json!({"contract": [1], "event": "manual", "mayBotherUser": true, "stateDir": state}),
        );
        manager
    }

    fn receive(&mut self) -> Value {
        let message = self.from.recv_timeout(LIMIT).expect("an answer");
        if message["method"] == "progress" && message["id"].is_number() {
            let result = json!({"verdict": "continue"});
            let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": result});
            writeln!(self.to.as_mut().unwrap(), "{answer}").unwrap();
        }
        message
    }

    fn call(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let message =
            json!({"jsonrpc": "2.0", "id": self.next, "method": method, "params": params});
        writeln!(self.to.as_mut().unwrap(), "{message}").unwrap();
        loop {
            let mut message = self.receive();
            if message["method"].is_null() && message["id"] == self.next {
                assert!(message["error"].is_null(), "{message}");
                return message["result"].take();
            }
            self.told.push(message);
        }
    }

    fn completed(&mut self, method: &str) -> Value {
        loop {
            if let Some(at) = self.told.iter().position(|one| one["method"] == method) {
                return self.told.remove(at)["params"].take();
            }
            let message = self.receive();
            self.told.push(message);
        }
    }

    fn items(&mut self) -> Vec<(String, Value)> {
        let page = self.call("items/list", json!({}));
        let items = page["items"].as_array().unwrap();
        let pair = |item: &Value| {
            (
                item["name"].as_str().unwrap().to_owned(),
                item["id"].clone(),
            )
        };
        items.iter().map(pair).collect()
    }

    /// Runs the items and answers the last status of each, in order.
    fn run(&mut self, items: &[Value]) -> Vec<String> {
        self.told.clear();
        let begun = self.call("prepare", json!({"items": items, "run": "1"}));
        assert_eq!(begun["started"], "yes");
        assert_eq!(self.completed("prepare/completed")["outcome"], "done");
        self.call("synchronize", json!({}));
        assert_eq!(self.completed("synchronize/completed")["outcome"], "done");
        let last = |item: &Value| {
            let told = self.told.iter().rev().map(|message| &message["params"]);
            let mut told = told.filter(|params| params["item"] == *item);
            let status = told.find_map(|params| params["status"].as_str());
            status.unwrap_or("nothing").to_owned()
        };
        items.iter().map(last).collect()
    }

    fn release(mut self) {
        self.call("release", json!({}));
        drop(self.to.take());
        assert!(self.child.wait().unwrap().success());
    }
}

fn ids(items: &[(String, Value)]) -> Vec<Value> {
    items.iter().map(|(_, id)| id.clone()).collect()
}

#[test]
#[ignore = "needs a C++ compiler: cargo xtask suite com"]
fn each_example_names_its_class() {
    for (name, class) in [
        ("mirror", MIRROR),
        ("stamp", STAMP),
        ("com_trivial", TRIVIAL),
    ] {
        let output = comhost().arg("--list").arg(library(name)).output().unwrap();
        let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(listed[0]["class"], class, "{name}");
        assert_eq!(listed.as_array().unwrap().len(), 1);
    }
}

#[test]
#[ignore = "needs a C++ compiler: cargo xtask suite com"]
fn the_example_in_cpp_mirrors_logs_and_tries_again() {
    let home = tempfile::tempdir().unwrap();
    let (from, to) = (home.path().join("from"), home.path().join("to"));
    std::fs::create_dir_all(from.join("one/deep")).unwrap();
    std::fs::create_dir_all(from.join("two")).unwrap();
    std::fs::create_dir_all(&to).unwrap();
    std::fs::write(from.join("one/deep/ä"), "first").unwrap();
    std::fs::write(from.join("two/b"), "second").unwrap();
    std::fs::write(to.join("two"), "in the way").unwrap();
    let env = [("MIRROR_FROM", from.as_path()), ("MIRROR_TO", to.as_path())];
    let mut manager = Manager::start("mirror", MIRROR, home.path(), &env);
    let items = manager.items();
    assert_eq!((&*items[0].0, &*items[1].0), ("one", "two"));
    let ids = ids(&items);
    assert_eq!(manager.run(&ids), ["succeeded", "failed"]);
    assert_eq!(
        std::fs::read_to_string(to.join("one/deep/ä")).unwrap(),
        "first"
    );

    // G-12: the error is a link, following it asks for the one item again.
    let entry = manager.completed("log");
    assert_eq!((&entry["item"], &entry["jump"]), (&ids[1], &json!(true)));
    std::fs::remove_file(to.join("two")).unwrap();
    manager.call("error/show", json!({"error": entry["error"]}));
    let retry = manager.completed("error/completed")["retry"].take();
    assert_eq!(retry, json!([ids[1]]));
    assert_eq!(manager.run(retry.as_array().unwrap()), ["succeeded"]);
    assert_eq!(std::fs::read_to_string(to.join("two/b")).unwrap(), "second");
    manager.release();

    // H-16: another instance gives the same identities.
    let mut again = Manager::start("mirror", MIRROR, home.path(), &env);
    assert_eq!(again.items(), items);
    assert_eq!(again.run(&ids), ["succeeded", "succeeded"]);
    again.release();
}

/// A sparse file that takes long to copy whole.
const LARGE_BYTES: u64 = 1 << 30;

#[test]
#[ignore = "needs a C++ compiler: cargo xtask suite com"]
fn the_example_in_cpp_is_skipped_inside_a_file() {
    // H-36, H-41
    let home = tempfile::tempdir().unwrap();
    let (from, to) = (home.path().join("from"), home.path().join("to"));
    std::fs::create_dir_all(from.join("one")).unwrap();
    std::fs::create_dir_all(&to).unwrap();
    let large = std::fs::File::create(from.join("one/film")).unwrap();
    large.set_len(LARGE_BYTES).unwrap();
    let env = [("MIRROR_FROM", from.as_path()), ("MIRROR_TO", to.as_path())];
    let mut manager = Manager::start("mirror", MIRROR, home.path(), &env);
    let items = ids(&manager.items());
    manager.call("prepare", json!({"items": items, "run": "1"}));
    manager.completed("prepare/completed");
    manager.call("synchronize", json!({}));
    while manager.completed("progress")["text"] != "film" {}
    let skip = json!({"item": items[0], "verdict": "cancel-item"});
    let skip = json!({"jsonrpc": "2.0", "method": "item/status", "params": skip});
    writeln!(manager.to.as_mut().unwrap(), "{skip}").unwrap();
    manager.completed("synchronize/completed");
    let last = manager.told.iter().rev().find_map(|message| {
        let status = message["params"]["status"].as_str()?;
        (message["method"] == "progress").then(|| status.to_owned())
    });
    assert_eq!(last.as_deref(), Some("skipped"));
    let left: Vec<_> = std::fs::read_dir(to.join("one")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    manager.release();
}

#[test]
#[ignore = "needs a C++ compiler: cargo xtask suite com"]
fn the_example_in_c_works_inside_its_methods() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("stamp");
    let mut manager = Manager::start("stamp", STAMP, home.path(), &[("STAMP_FILE", &file)]);
    let ids = ids(&manager.items());
    assert_eq!(manager.run(&ids), ["succeeded"]);
    let time: u64 = std::fs::read_to_string(&file)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    assert!(time > 1_700_000_000);
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    assert_eq!(manager.run(&ids), ["failed"]);
    assert_eq!(manager.completed("log")["level"], "error");
    manager.release();
}

#[test]
#[ignore = "needs the example library: cargo xtask suite com"]
fn the_handler_in_rust_is_a_class_too() {
    let home = tempfile::tempdir().unwrap();
    let mut manager = Manager::start("com_trivial", TRIVIAL, home.path(), &[]);
    let items = manager.items();
    let names: Vec<&str> = items.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Item 0", "Item 1", "Item 2"]);
    assert_eq!(manager.run(&ids(&items)), ["succeeded"; 3]);
    assert_eq!(manager.run(&ids(&items[1..])), ["succeeded"; 2]);
    manager.release();
    let state = home.path().join("state/handlers").join(TRIVIAL);
    assert!(
        state.is_dir(),
        "the directory that the manager would give it"
    );
}
