//! A handler that breaks one obligation, the one that its argument names; with `well` it breaks none and does everything
//! that the kit can see. It writes its messages by hand, so that nothing keeps it from writing wrong ones.
//!
//! Which mode breaks which obligation stands in `tests/broken.rs`.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test program with a clock of its own; what goes wrong in it should end it"
)]

mod work;

use std::collections::BTreeSet;
use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

/// How long the synchronization of an item takes.
const ITEM: Duration = Duration::from_millis(30);
/// Longer than any limit of the tests for something quick.
const LONG: Duration = Duration::from_millis(1800);
/// Longer than any limit of the tests at all.
const FOR_EVER: Duration = Duration::from_secs(600);
/// A PNG as far as anybody looks.
const ICON: &str = "iVBORw0KGgo=";

struct Broken {
    mode: String,
    state: PathBuf,
    attended: bool,
    settings: bool,
    /// It began after a kill that it did not bear.
    damaged: bool,
    definitions: Map<String, Value>,
    speed: Value,
    prepared: Vec<String>,
    preparing: Option<Instant>,
    work: Option<work::Work>,
    skipped: BTreeSet<String>,
    stopped: Option<Instant>,
    prepares: u32,
    unlisted: bool,
    next: u64,
}

fn main() {
    let mode = std::env::args().nth(1).unwrap_or_else(|| "well".to_owned());
    if mode == "exits-at-once" {
        std::process::exit(7);
    }
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    let mut broken = Broken {
        mode,
        state: PathBuf::new(),
        attended: true,
        settings: false,
        damaged: false,
        definitions: Map::new(),
        speed: json!(3),
        prepared: Vec::new(),
        preparing: None,
        work: None,
        skipped: BTreeSet::new(),
        stopped: None,
        prepares: 0,
        unlisted: false,
        next: 1,
    };
    loop {
        let due = broken.due().map_or(FOR_EVER, |due| {
            due.saturating_duration_since(Instant::now())
        });
        match lines.recv_timeout(due) {
            Ok(line) => {
                let message: Value = serde_json::from_str(&line).unwrap();
                if broken.hear(&message) {
                    return;
                }
            }
            Err(RecvTimeoutError::Timeout) => broken.go_on(),
            Err(RecvTimeoutError::Disconnected) => {
                if broken.is("ignores-end-of-input") {
                    std::thread::sleep(FOR_EVER);
                }
                broken.clean();
                return;
            }
        }
    }
}

impl Broken {
    fn is(&self, mode: &str) -> bool {
        self.mode == mode
    }

    fn raw(&self, line: &[u8]) {
        let mut out = std::io::stdout().lock();
        // Nobody reads any more.
        if out.write_all(line).and_then(|()| out.flush()).is_err() {
            std::process::exit(0);
        }
    }

    fn send(&self, mut message: Value) {
        message["jsonrpc"] = json!("2.0");
        self.raw(format!("{message}\n").as_bytes());
    }

    fn answer(&self, id: &Value, result: Value) {
        self.send(json!({"id": id, "result": result}));
    }

    fn refuse(&self, id: &Value, code: i64, text: &str) {
        self.send(json!({"id": id, "error": {"code": code, "message": text}}));
    }

    fn tell(&self, method: &str, params: Value) {
        self.send(json!({"method": method, "params": params}));
    }

    fn ask(&mut self, method: &str, params: Value) {
        self.next += 1;
        self.send(json!({"id": self.next, "method": method, "params": params}));
    }

    fn prompt(&mut self, default: bool) {
        let mut params = json!({
            "key": "k", "kind": "question", "text": "which way?",
            "choices": [{"name": "left", "label": "Left"}],
        });
        if default {
            params["default"] = json!("left");
        }
        self.ask("prompt", params);
    }

    /// Takes a message; true at the end.
    fn hear(&mut self, message: &Value) -> bool {
        let id = message.get("id").cloned();
        let params = message.get("params").cloned().unwrap_or(json!({}));
        match (message.get("method").and_then(Value::as_str), id) {
            (Some(method), Some(id)) => return self.call(method, &id, &params),
            (Some("item/status"), None) => self.status(&params),
            (Some(_), None) if self.is("answers-notifications") => {
                self.refuse(&Value::Null, -32601, "what is that?");
            }
            _ => {}
        }
        false
    }

    fn call(&mut self, method: &str, id: &Value, params: &Value) -> bool {
        match method {
            "initialize" => self.initialize(id, params),
            "items/list" => self.list(id, params),
            "item/define" => self.define(id, params),
            "prepare" => self.prepare(id, params),
            "synchronize" => self.synchronize(id),
            "plan" => self.plan(id, params),
            "properties" => self.properties(id, params),
            "properties/show" => {
                self.refuse(id, -31002, "there is no such item");
                if self.is("shows-refused") {
                    self.tell("properties/completed", json!({"effect": "unchanged"}));
                }
            }
            "error/show" => {
                self.answer(id, json!({"started": "yes"}));
                if !self.is("error-never-completes") {
                    let retry = if self.is("retries-foreign") {
                        "nobody"
                    } else {
                        "item-2"
                    };
                    self.tell("error/completed", json!({"retry": [retry]}));
                }
            }
            "conflicts/list" if self.is("no-items") => self.answer(id, json!({"conflicts": []})),
            "conflicts/list" => {
                let mut versions = vec![json!({"place": "left", "location": "/l"})];
                if !self.is("one-version") {
                    versions.push(json!({"place": "right", "location": "/r"}));
                }
                self.answer(
                    id,
                    json!({"conflicts": [{
                        "id": "c", "item": "item-1", "name": "n", "summary": "both changed",
                        "foundMs": 1_700_000_000_000_i64, "versions": versions,
                        "choices": [{"name": "left", "label": "Left"}],
                    }]}),
                );
            }
            "conflicts/resolve" if self.is("resolves-anything") => {
                self.answer(id, json!({"feedback": "continue"}));
            }
            "conflicts/resolve" => self.refuse(id, -31002, "there is no such conflict"),
            "release" => return self.release(id),
            _ if self.is("knows-everything") => self.answer(id, json!({})),
            _ => self.refuse(id, -32601, "no such method"),
        }
        false
    }

    fn initialize(&mut self, id: &Value, params: &Value) {
        if params["contract"] != json!([1]) && !self.is("takes-any-version") {
            return self.send(json!({"id": id, "error": {
                "code": -31001, "message": "only version 1", "data": {"supported": [1]},
            }}));
        }
        if self.is("slow-initialize") {
            return;
        }
        if self.is("garbage") {
            return self.raw(b"Hello, I am a handler!\n");
        }
        if self.is("refuses-unknown") && params.get("checkUnknownField").is_some() {
            return self.refuse(id, -32602, "what is checkUnknownField?");
        }
        self.state = PathBuf::from(params["stateDir"].as_str().unwrap());
        self.attended = params["mayBotherUser"] == json!(true);
        self.settings = params["settings"] == json!(true);
        self.definitions = params["definitions"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        self.damaged = self.busy().exists();
        if self.is("asks-in-initialize") {
            self.prompt(true);
        }
        if self.is("prints") {
            self.raw(b"initialized!\n");
        }
        if self.is("not-utf8") {
            self.raw(b"\xff\xfe\n");
        }
        if self.is("reports-breach") {
            self.tell(
                "violation",
                json!({"obligation": "H-15", "text": "Next gave two of one"}),
            );
        }
        if self.is("bad-callback") {
            self.tell("log/delete", json!({"error": 5}));
        }
        let mut features = vec![
            "plan",
            "conflicts",
            "properties",
            "error/show",
            "item/define",
            "connection",
        ];
        if self.is("undeclared-connection") {
            features.pop();
        }
        let mut info = json!({"name": "Broken", "version": "1", "icon": ICON});
        if self.is("no-name") {
            info["name"] = json!("");
        }
        let version = if self.is("other-version") { 2 } else { 1 };
        let part = if self.is("odd-takes-part") {
            json!("perhaps")
        } else {
            json!(true)
        };
        self.answer(
            id,
            json!({"contract": version, "features": features, "takesPart": part, "handler": info}),
        );
    }

    fn items(&self) -> Vec<Value> {
        if self.is("no-items") {
            return Vec::new();
        }
        let mut ids: Vec<String> = (1..=3).map(|number| format!("item-{number}")).collect();
        ids.extend(self.definitions.keys().cloned());
        if self.is("new-ids") {
            ids.push(format!("item-{}", std::process::id()));
        }
        if self.is("same-ids") {
            ids.push("ITEM-1".to_owned());
        }
        let mut items: Vec<Value> = ids
            .iter()
            .map(|id| json!({"id": id, "name": format!("Item {id}"), "icon": ICON}))
            .collect();
        items[0]["hasProperties"] = json!(true);
        items[0]["lastUpdateMs"] = json!(1_700_000_000_000_i64);
        if self.is("future") {
            items[0]["lastUpdateMs"] = json!(32_503_680_000_000_i64);
        }
        if self.is("odd-item") {
            items[2]["id"] = json!(7);
        }
        if self.is("nameless-item") {
            items[1]["name"] = json!("");
        }
        items
    }

    fn list(&mut self, id: &Value, params: &Value) {
        if self.is("refuses-list") || (self.is("sulks") && self.unlisted) {
            return self.refuse(id, -32603, "not today");
        }
        let items = self.items();
        let (first, second) = items.split_at(items.len().min(2));
        let page = match params.get("cursor") {
            None if self.is("odd-page") => json!({"items": items, "next": 5}),
            _ if self.is("endless-pages") => json!({"items": [], "next": "again"}),
            None => json!({"items": first, "next": "more"}),
            Some(_) => json!({"items": second, "incomplete": false}),
        };
        self.answer(id, page.clone());
        if self.is("answers-twice") {
            self.answer(id, page);
        }
        if self.settings && self.is("works-in-settings") {
            self.tell("progress", json!({"item": "item-1", "status": "succeeded"}));
        }
    }

    fn define(&self, id: &Value, params: &Value) {
        match params["arguments"].get("path") {
            Some(path) => self.answer(
                id,
                json!({"item": {"id": "defined", "name": "Defined"}, "definition": {"path": path}}),
            ),
            None if self.is("defines-nonsense") => self.answer(
                id,
                json!({"item": {"id": "nonsense", "name": "Nonsense"}, "definition": {}}),
            ),
            None => self.refuse(id, -31002, "a path is needed"),
        }
    }

    fn plan(&self, id: &Value, params: &Value) {
        if self.is("feature-absent") {
            return self.refuse(id, -32601, "no such method");
        }
        if self.is("plan-writes") {
            std::fs::write(self.state.join("planned"), "oops").unwrap();
        }
        let ids = params["items"].as_array().unwrap();
        let mut items: Vec<Value> = ids
            .iter()
            .map(|id| json!({"item": id, "counts": {"sent": 1}}))
            .collect();
        if self.is("odd-plan") {
            items[2]["counts"] = json!("many");
        }
        if self.is("plan-of-others") {
            items.push(json!({"item": "nobody", "counts": {}}));
        }
        self.answer(id, json!({"items": items}));
    }

    fn properties(&mut self, id: &Value, params: &Value) {
        let own = params.get("item").is_none();
        if self.is("no-sheet") && !own {
            return self.refuse(id, -31002, "it has none");
        }
        if self.is("odd-sheet") && own {
            return self.answer(id, json!({"values": {}, "effect": "magic"}));
        }
        if let Some(values) = params.get("values") {
            self.speed = values["speed"].clone();
            if self.is("drifting-properties") {
                self.speed = json!(4);
            }
        }
        self.answer(
            id,
            json!({"schema": {"type": "object"}, "values": {"speed": self.speed}}),
        );
    }

    fn status(&mut self, params: &Value) {
        match params.get("item").and_then(Value::as_str) {
            Some(item) => {
                self.skipped.insert(item.to_owned());
                if self.is("skip-stops-all") {
                    self.stopped = Some(Instant::now());
                }
            }
            None => self.stopped = Some(Instant::now()),
        }
        self.hurry();
    }

    fn release(&mut self, id: &Value) -> bool {
        self.stopped = Some(Instant::now());
        if self.preparing.take().is_some() {
            self.tell("prepare/completed", json!({"outcome": "cancelled"}));
        }
        if self.work.take().is_some() {
            self.tell("synchronize/completed", json!({"outcome": "cancelled"}));
        }
        self.clean();
        self.answer(id, json!({}));
        if self.is("speaks-after-release") {
            self.tell("log", json!({"level": "information", "text": "good bye"}));
        }
        if self.is("half-line") {
            self.raw(b"{\"jsonrpc\":");
        }
        if self.is("never-exits") {
            std::thread::sleep(FOR_EVER);
        }
        if self.is("exits-badly") {
            std::process::exit(3);
        }
        true
    }
}
