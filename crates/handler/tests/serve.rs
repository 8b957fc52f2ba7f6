//! A manager played by hand over the in-memory connection: what `serve` answers, in which order, and how it ends.

use std::io::Write;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use serde_json::{Value, json};
use syncmgr_handler::call::{Choice, ItemPlan, PlanItems, Started, Verdict};
use syncmgr_handler::callback::{Level, PlanAction, Progress, Prompt, PromptKind, Status};
use syncmgr_handler::contract::{MAX_LINE_BYTES, MAX_PAGE, feature};
use syncmgr_handler::frame::{Answered as _, RpcError};
use syncmgr_handler::item::{Counts, HandlerInfo, Item, ItemId};
use syncmgr_handler::link::LineReader;
use syncmgr_handler::{
    ActionSink, AskError, Connection, Handler, Introduction, ItemList, Run, ServeError, Start,
    Unfinished, serve,
};

/// What the handler under test does in `synchronize`.
#[derive(Clone, Copy, PartialEq)]
enum Does {
    Nothing,
    WaitsUntilCancelled,
    Asks,
    Counts,
    Panics,
    NeedsUser,
}

struct Scripted {
    does: Does,
    items: usize,
    seen: Sender<String>,
    started: Mutex<Option<Start>>,
}

fn id(number: usize) -> ItemId {
    ItemId::new(format!("item-{number}")).unwrap_or_else(|_| unreachable!())
}

impl Handler for Scripted {
    fn features(&self) -> Vec<&'static str> {
        vec![feature::PLAN]
    }

    fn initialize(&self, start: &Start) -> Result<Introduction, RpcError> {
        drop(
            self.seen
                .send(format!("{} definitions", start.definitions.len())),
        );
        *self.started.lock().expect("lock") = Some(start.clone());
        Ok(Introduction {
            info: HandlerInfo {
                name: "scripted".into(),
                ..HandlerInfo::default()
            },
            stays_out: false,
        })
    }

    fn items(&self) -> Result<ItemList, RpcError> {
        Ok(ItemList {
            items: (0..self.items).map(|n| Item::new(id(n), "x")).collect(),
            incomplete: false,
        })
    }

    fn can_start(&self, run: &Run) -> Started {
        if self.does == Does::NeedsUser && !run.may_bother_user() {
            return Started::NeedsUser;
        }
        Started::Yes
    }

    fn synchronize(&self, run: &Run) -> Result<(), Unfinished> {
        match self.does {
            Does::Nothing | Does::NeedsUser => {}
            Does::Panics => panic!("on purpose"),
            Does::Counts => {
                for value in 0..=99 {
                    run.progress(Progress {
                        item: run.items().first().cloned(),
                        value: Some(value),
                        ..Progress::default()
                    });
                }
                return Ok(());
            }
            Does::WaitsUntilCancelled => {
                run.note(Level::Information, None, "waiting");
                while !run.is_cancelled() {
                    for item in run.items() {
                        if run.verdict(item) == Verdict::CancelItem {
                            run.status(item, Status::Skipped);
                        }
                    }
                    std::thread::yield_now();
                }
                return Err(Unfinished::Cancelled);
            }
            Does::Asks => {
                let answer = run.ask(Prompt {
                    item: None,
                    key: "k".into(),
                    kind: PromptKind::Question,
                    text: "really?".into(),
                    detail: None,
                    choices: vec![Choice {
                        name: "yes".into(),
                        label: "Yes".into(),
                    }],
                    default: None,
                    fields: None,
                    deadline_ms: None,
                    durable: false,
                    context: Value::Null,
                    wrong: false,
                });
                drop(self.seen.send(format!("{answer:?}")));
                if answer == Err(AskError::Cancelled) {
                    return Err(Unfinished::Cancelled);
                }
            }
        }
        for item in run.items() {
            run.progress(Progress {
                item: Some(item.clone()),
                text: Some("é".repeat(5000)),
                ..Progress::default()
            });
            run.succeeded(item, Counts::default());
        }
        Ok(())
    }

    fn plan(&self, run: &Run, actions: &mut ActionSink<'_>) -> Result<Vec<ItemPlan>, RpcError> {
        for number in 0..1200 {
            let action = PlanAction {
                action: "add".into(),
                to: None,
                name: format!("file {number}"),
                bytes: 1,
                reason: None,
            };
            actions.action(&run.items()[0], action);
        }
        Ok(Vec::new())
    }
}

struct Manager {
    lines: LineReader,
    writer: Box<dyn Write + Send>,
    handler: JoinHandle<Result<(), ServeError>>,
    seen: Receiver<String>,
    next: u64,
}

impl Manager {
    fn new(does: Does, items: usize) -> Self {
        let (sender, seen) = channel();
        let (here, there) = Connection::memory();
        let handler = Scripted {
            does,
            items,
            seen: sender,
            started: Mutex::new(None),
        };
        let (lines, writer) = here.split();
        Self {
            lines,
            writer,
            handler: std::thread::spawn(move || serve(handler, there)),
            seen,
            next: 0,
        }
    }

    fn initialized(does: Does, items: usize) -> Self {
        let mut manager = Self::new(does, items);
        let answer = manager.call("initialize", &json!({"contract": [1], "event": "manual"}));
        assert_eq!(answer["contract"], 1);
        assert_eq!(answer["features"], json!(["plan"]));
        manager
    }

    fn send(&mut self, line: &Value) {
        writeln!(self.writer, "{line}").expect("the handler reads");
    }

    fn request(&mut self, method: &str, params: &Value) -> u64 {
        self.next += 1;
        let id = self.next;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    fn notice(&mut self, method: &str, params: &Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn next(&mut self) -> Value {
        let line = self
            .lines
            .next_line()
            .expect("a line")
            .expect("not the end");
        assert!(line.len() <= MAX_LINE_BYTES);
        serde_json::from_str(line).expect("JSON")
    }

    /// Sends a request and gives its result, with what came before as notifications dropped.
    fn call(&mut self, method: &str, params: &Value) -> Value {
        let id = self.request(method, params);
        loop {
            let line = self.next();
            if line["id"] == id {
                return if line["error"].is_null() {
                    line["result"].clone()
                } else {
                    line["error"]["code"].clone()
                };
            }
        }
    }

    /// Reads up to a notification of this method and gives its parameters.
    fn until(&mut self, method: &str) -> Value {
        loop {
            let line = self.next();
            if line["method"] == method {
                return line["params"].clone();
            }
        }
    }

    fn prepared(does: Does, items: usize) -> Self {
        let mut manager = Self::initialized(does, items);
        let ids: Vec<_> = (0..items).map(id).collect();
        let started = manager.call("prepare", &json!({"items": ids, "run": "r1"}));
        assert_eq!(started, json!({"started": "yes"}));
        assert_eq!(
            manager.until("prepare/completed"),
            json!({"outcome": "done"})
        );
        manager
    }

    fn ends(mut self) -> Vec<Value> {
        let mut rest = Vec::new();
        while let Some(line) = self.lines.next_line().expect("a line") {
            rest.push(serde_json::from_str(line).expect("JSON"));
        }
        self.handler.join().expect("no panic").expect("a good end");
        rest
    }
}

#[test]
fn a_whole_run_and_release() {
    let mut manager = Manager::prepared(Does::Nothing, 2);
    assert_eq!(
        manager.call("synchronize", &json!({})),
        json!({"started": "yes"})
    );
    let first = manager.until("progress");
    assert_eq!(first["text"].as_str().unwrap().encode_utf16().count(), 259);
    assert_eq!(
        manager.until("synchronize/completed"),
        json!({"outcome": "done"})
    );
    // M-47: a retry prepares again on the same instance.
    let again = manager.call("prepare", &json!({"items": ["item-1"], "run": "r2"}));
    assert_eq!(again, json!({"started": "yes"}));
    let id = manager.request("release", &json!({}));
    let rest = manager.ends();
    assert_eq!(rest.last().unwrap()["id"], id);
}

#[test]
fn versions_phases_and_features_are_checked() {
    let mut manager = Manager::new(Does::Nothing, 1);
    assert_eq!(
        manager.call("items/list", &json!({})),
        RpcError::OUT_OF_PHASE
    );
    let future = json!({"contract": [7], "event": "manual", "more": {"unknown": true}});
    let id = manager.request("initialize", &future);
    let refused = manager.next();
    assert_eq!(refused["id"], id);
    assert_eq!(refused["error"]["code"], RpcError::VERSION);
    assert_eq!(refused["error"]["data"]["supported"], json!([1]));
    manager.call("initialize", &json!({"contract": [7, 1], "event": "idle"}));
    let again = manager.call("initialize", &json!({"contract": [1], "event": "idle"}));
    assert_eq!(again, RpcError::OUT_OF_PHASE);
    assert_eq!(
        manager.call("synchronize", &json!({})),
        RpcError::OUT_OF_PHASE
    );
    assert_eq!(
        manager.call("undo", &json!({"item": "a", "run": "r", "asRun": "s"})),
        RpcError::METHOD_NOT_FOUND
    );
    assert_eq!(
        manager.call("no/such", &json!({})),
        RpcError::METHOD_NOT_FOUND
    );
    assert_eq!(
        manager.call("plan", &json!({"items": 7})),
        RpcError::INVALID_PARAMS
    );
    manager.notice("no/such", &json!({}));
    manager.send(&json!("not an object"));
    assert_eq!(manager.next()["error"]["code"], RpcError::PARSE);
    drop(manager.writer);
    manager.handler.join().unwrap().unwrap();
}

#[test]
fn lists_and_definitions_come_in_pages() {
    let mut manager = Manager::new(Does::Nothing, 1201);
    let begin = json!({"contract": [1], "event": "manual", "definitions": {"a": 1}, "moreDefinitions": true});
    let id = manager.request("initialize", &begin);
    manager.notice(
        "item/definitions",
        &json!({"definitions": {"b": 2}, "more": true}),
    );
    manager.notice("item/definitions", &json!({"definitions": {"c": 3}}));
    assert_eq!(manager.next()["id"], id);
    assert_eq!(manager.seen.recv().unwrap(), "3 definitions");
    let mut ids = Vec::new();
    let mut cursor = json!({});
    loop {
        let page = manager.call("items/list", &cursor);
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= MAX_PAGE);
        ids.extend(items.iter().map(|item| item["id"].clone()));
        if page["next"].is_null() {
            break;
        }
        cursor = json!({"cursor": page["next"]});
    }
    assert_eq!(ids.len(), 1201);
    for page in ids.chunks(MAX_PAGE) {
        let more = page.len() == MAX_PAGE;
        let started = manager.call("prepare", &json!({"items": page, "more": more}));
        assert_eq!(started, json!({"started": "yes"}));
    }
    assert_eq!(
        manager.until("prepare/completed"),
        json!({"outcome": "done"})
    );
    manager.call("synchronize", &json!({}));
    let mut succeeded = 0;
    loop {
        let line = manager.next();
        if line["method"] == "synchronize/completed" {
            break;
        }
        succeeded += usize::from(line["params"]["status"] == "succeeded");
    }
    assert_eq!(succeeded, 1201);
}

#[test]
fn skip_and_stop_are_heard_during_work() {
    let mut manager = Manager::prepared(Does::WaitsUntilCancelled, 2);
    manager.call("synchronize", &json!({}));
    manager.notice(
        "item/status",
        &json!({"item": "item-1", "verdict": "cancel-item"}),
    );
    let progress = manager.until("progress");
    assert_eq!(
        (&progress["item"], &progress["status"]),
        (&json!("item-1"), &json!("skipped"))
    );
    assert_eq!(
        manager.call("prepare", &json!({"items": []})),
        RpcError::OUT_OF_PHASE
    );
    manager.notice("item/status", &json!({"verdict": "cancel-all"}));
    assert_eq!(
        manager.until("synchronize/completed"),
        json!({"outcome": "cancelled"})
    );
}

// Shows H-34.
#[test]
fn release_completes_what_runs_and_is_answered_last() {
    let mut manager = Manager::prepared(Does::WaitsUntilCancelled, 1);
    manager.call("synchronize", &json!({}));
    let id = manager.request("release", &json!({}));
    let rest = manager.ends();
    let count = rest.len();
    assert_eq!(rest[count - 2]["method"], "synchronize/completed");
    assert_eq!(rest[count - 1]["id"], id);
}

#[test]
fn the_end_of_the_manager_ends_a_question_and_the_handler() {
    let mut manager = Manager::prepared(Does::Asks, 1);
    manager.call("synchronize", &json!({}));
    assert_eq!(manager.next()["method"], "prompt");
    let Manager {
        writer,
        lines,
        handler,
        seen,
        ..
    } = manager;
    drop((writer, lines));
    handler.join().unwrap().unwrap();
    assert_eq!(seen.iter().last().unwrap(), "Err(Cancelled)");
}

#[test]
fn a_question_is_answered_or_refused() {
    let answers = [
        (
            json!({"result": {"answer": "chosen", "choice": "yes"}}),
            "Ok(Chosen { choice: \"yes\", fields: {} })",
        ),
        (
            json!({"error": {"code": 1, "message": "no", "data": "theirs"}}),
            "Err(Refused(RpcError { code: 1, message: \"no\", data: None }))",
        ),
        (json!({"result": 7}), "Err(Malformed)"),
    ];
    for (answer, expected) in answers {
        let mut manager = Manager::prepared(Does::Asks, 1);
        manager.call("synchronize", &json!({}));
        let question = manager.next();
        let mut line = answer;
        line["jsonrpc"] = json!("2.0");
        line["id"] = question["id"].clone();
        manager.send(&line);
        manager.until("synchronize/completed");
        drop(manager.writer);
        manager.handler.join().unwrap().unwrap();
        assert_eq!(manager.seen.iter().last().unwrap(), expected);
    }
}

#[test]
fn a_panic_costs_only_its_run() {
    let mut manager = Manager::prepared(Does::Panics, 1);
    manager.call("synchronize", &json!({}));
    let outcome = manager.until("synchronize/completed");
    assert_eq!(outcome["outcome"], "failed");
    assert_eq!(outcome["reason"], "the handler panicked: on purpose");
    assert_eq!(
        manager.call("items/list", &json!({}))["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

// Shows H-27 and H-28.
#[test]
fn a_handler_that_needs_the_user_does_not_start() {
    let mut manager = Manager::initialized(Does::NeedsUser, 1);
    let started = manager.call("prepare", &json!({"items": ["item-0"]}));
    assert_eq!(started, json!({"started": "needs-user"}));
    assert_eq!(
        manager.call("synchronize", &json!({})),
        RpcError::OUT_OF_PHASE
    );
}

#[test]
fn the_actions_of_a_plan_come_before_its_answer() {
    let mut manager = Manager::initialized(Does::Nothing, 1);
    let id = manager.request(PlanItems::METHOD, &json!({"items": ["item-0"]}));
    let mut actions = 0;
    loop {
        let line = manager.next();
        if line["id"] == id {
            break;
        }
        let page = line["params"]["actions"].as_array().unwrap().len();
        assert!(page <= MAX_PAGE);
        actions += page;
    }
    assert_eq!(actions, 1200);
}

#[test]
fn a_line_without_end_ends_the_handler() {
    let manager = Manager::new(Does::Nothing, 1);
    let mut writer = manager.writer;
    let chunk = vec![b'x'; 64 << 10];
    while writer.write_all(&chunk).is_ok() {}
    let end = manager.handler.join().unwrap();
    assert!(matches!(end, Err(ServeError::Line(_))), "{end:?}");
}

#[test]
fn the_last_report_comes_before_the_completion() {
    let mut manager = Manager::prepared(Does::Counts, 1);
    manager.call("synchronize", &json!({}));
    let mut last = Value::Null;
    loop {
        let line = manager.next();
        if line["method"] == "synchronize/completed" {
            break;
        }
        last = line["params"]["value"].clone();
    }
    assert_eq!(last, 99);
}
