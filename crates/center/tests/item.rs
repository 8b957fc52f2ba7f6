//! The page of an item and what belongs to it, against a manager that answers what it is told to.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{Request as Http, Response};
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use syncmgr_center::{Center, router};
use syncmgr_control::{Caller, Changes, Refusal, Reply, Request, Service, method};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// Answers each method with what it was given for it.
#[derive(Default)]
struct Manager {
    answers: Mutex<BTreeMap<String, Result<Reply, Refusal>>>,
    asked: Mutex<Vec<Request>>,
    /// Why properties are read, and not written.
    refuses_writing: Mutex<Option<Refusal>>,
}

impl Manager {
    fn answers(&self, name: &str, kind: &str, value: &Value) {
        let reply = serde_json::from_value(json!({ "reply": kind, "value": value })).unwrap();
        self.answers
            .lock()
            .unwrap()
            .insert(name.to_owned(), Ok(reply));
    }
}

impl Service for Manager {
    fn call(&self, _: Caller, request: Request) -> BoxFuture<'_, Result<Reply, Refusal>> {
        let (name, _) = method::parts(&request).unwrap();
        let writes = matches!(
            request,
            Request::Properties {
                values: Some(_),
                ..
            }
        );
        self.asked.lock().unwrap().push(request);
        let refusal = self.refuses_writing.lock().unwrap().clone();
        if let Some(refusal) = refusal.filter(|_| writes) {
            return std::future::ready(Err(refusal)).boxed();
        }
        let answer = self.answers.lock().unwrap().get(&name).cloned();
        std::future::ready(answer.unwrap_or_else(|| panic!("nobody answers {name}"))).boxed()
    }

    fn changes(&self) -> BoxFuture<'_, Result<Changes, Refusal>> {
        std::future::ready(Ok(futures::stream::pending().boxed())).boxed()
    }
}

const NOW_MS: u64 = 1_700_000_000_000;

fn item() -> Value {
    json!({
        "handler": "mail", "handlerName": "Mail", "id": "IN", "name": "inbox", "comment": "", "labels": [], "shown": "syncing",
        "state": "", "checked": true, "enabled": true, "runState": "syncing", "freshness": "fresh", "lastGoodMs": 1_500,
        "lastAttemptMs": null, "lastRun": null, "problem": null, "conflicts": 0, "needs": [],
        "progress": {
            "run": 4, "status": "updating", "text": "Trash", "value": 25, "max": 100,
            "counts": { "sent": 2, "received": 3, "deleted": 1, "bytes": 38_000_000 },
        },
    })
}

fn run(id: u64, outcome: &str, minutes: Option<u64>) -> Value {
    let opened = NOW_MS - 38 * 60_000;
    json!({
        "id": id, "handler": "mail", "kind": "synchronize", "trigger": "manual", "openedMs": opened,
        "closedMs": minutes.map(|minutes| opened + minutes * 60_000), "outcome": outcome,
        "counts": { "sent": 40, "bytes": 9_000 }, "part": { "sent": 4, "deleted": 1, "bytes": 1_000 }, "items": ["inbox"],
        "itemCount": 3, "problem": null,
    })
}

fn entry(id: u64, text: &str) -> Value {
    json!({
        "id": id, "atMs": 5, "level": "information", "handler": "mail", "handlerName": "Mail", "item": "inbox", "itemId": "IN",
        "run": 4, "text": text, "detail": null,
    })
}

fn serving() -> (Router, Arc<Manager>) {
    let manager = Arc::new(Manager::default());
    manager.answers(
        "browse",
        "page",
        &json!({
            "nowMs": NOW_MS, "rows": [], "matching": 1, "groups": [], "labels": [], "handlers": [], "atWork": [], "upcoming": [],
            "status": { "verdict": { "sentence": "x", "exit": "good" }, "items": [], "total": 1, "needs": 0, "conflicts": 0,
                "running": [4], "daemon": true, "remarks": [] },
            "worst": { "shown": "fresh", "count": 1, "names": ["inbox"], "held": 0, "busy": 0, "lastGoodMs": 5 },
        }),
    );
    manager.answers(
        "show",
        "item",
        &json!({
            "item": item(), "handlerName": "Mail", "definition": null, "runs": [], "needs": [], "policies": [],
            "tasks": [{ "task": "undo", "greyed": null }],
        }),
    );
    manager.answers(
        "why",
        "why",
        &json!({ "name": "inbox", "sentence": "It runs.", "suggestion": null, "reasons": [] }),
    );
    manager.answers(
        "runs",
        "runs",
        &json!([
            run(4, "open", None),
            run(3, "succeeded", Some(4)),
            run(2, "succeeded", Some(4))
        ]),
    );
    manager.answers("rules", "rules", &json!([]));
    manager.answers(
        "log",
        "log",
        &json!({ "entries": [entry(9, "the newest"), entry(8, "the oldest")], "before": null }),
    );
    let service: Arc<dyn Service> = manager.clone();
    let center = Center::new(service, 1, "a test", CancellationToken::new());
    (router(center), manager)
}

async fn send(router: &Router, request: Http<Body>) -> (u16, Response<()>, String) {
    let response = router.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    // The marks that keep directions apart are in the way of reading.
    let text = String::from_utf8(body.to_vec()).unwrap();
    let text = text.replace(['\u{2068}', '\u{2069}'], "");
    (head.status.as_u16(), Response::from_parts(head, ()), text)
}

async fn get(router: &Router, address: &str) -> String {
    let request = Http::get(address).body(Body::empty()).unwrap();
    let (status, _, text) = send(router, request).await;
    assert_eq!(status, 200, "{address}: {text}");
    text
}

#[tokio::test]
async fn a_run_under_way_says_how_fast_it_is_and_how_long_it_takes() {
    let (router, _) = serving();
    let text = get(&router, "/item?name=mail%2FIN").await;
    for said in [
        "max=\"100\" value=\"25\"",
        // 38 MB in 38 min, a quarter of it done.
        "38 min · 16 kB/s · about 1 h 54 min left",
        "Usually 4 min, now 38 min.",
        "Usually 1.0 kB, now 38 MB.",
        "Usually 5 changes, now 6 changes.",
        // Side by side.
        "<dd>3 received</dd>",
        "<dd>2 sent</dd>",
    ] {
        assert!(text.contains(said), "{said} is not in {text}");
    }
}

#[tokio::test]
async fn the_end_of_the_log_stands_on_the_page_of_the_item_and_leads_to_it_by_its_id() {
    let (router, manager) = serving();
    let text = get(&router, "/item?name=mail%2FIN").await;
    let (oldest, newest) = (
        text.find("the oldest").unwrap(),
        text.find("the newest").unwrap(),
    );
    assert!(oldest < newest);
    assert!(text.contains("href=\"/item?name=mail%2FIN\""), "{text}");
    let parts = get(&router, "/fragment/item?name=mail%2FIN").await;
    assert!(parts.contains("id=\"item-entries\" data-keyed"), "{parts}");
    let wanted = manager.asked.lock().unwrap().iter().any(|asked| {
        matches!(asked, Request::Log { name: Some(name), limit: 50, .. } if name == "mail/IN")
    });
    assert!(wanted);
}

#[tokio::test]
async fn the_latest_run_that_changed_something_is_undone_once_it_was_said_what_that_means() {
    let (router, manager) = serving();
    let text = get(&router, "/item?name=mail%2FIN").await;
    let undo = text
        .split("id=\"undo-3\"")
        .nth(1)
        .unwrap()
        .split("</details>")
        .next()
        .unwrap();
    assert!(undo.contains("It made 40 changes in 3 items"), "{undo}");
    assert!(undo.contains("name=\"run\" value=\"3\""), "{undo}");
    assert!(!text.contains("id=\"undo-2\""), "{text}");
    // Not where the handler cannot, or may not now.
    for tasks in [
        json!([]),
        json!([{ "task": "undo", "greyed": "it is turned off" }]),
    ] {
        let detail = json!({
            "item": item(), "handlerName": "Mail", "definition": null, "runs": [], "needs": [], "tasks": tasks,
        });
        manager.answers("show", "item", &detail);
        let text = get(&router, "/item?name=mail%2FIN").await;
        assert!(!text.contains("id=\"undo-"), "{text}");
    }
}

fn properties(effect: &str) -> Value {
    json!({
        "handler": "mail", "item": "IN", "name": "inbox", "effect": effect,
        "schema": { "required": ["server"], "properties": {
            "keep": { "type": "integer", "minimum": 1, "description": "days that mail is kept" },
            "server": { "type": "string", "title": "Server" },
            "password": { "type": "string", "format": "password" },
        } },
        // A manager does not tell it; the page would not show it either.
        "values": { "keep": 7, "server": "a.example.org", "password": "hunter2" },
    })
}

fn save(body: &str) -> Http<Body> {
    Http::post("/properties")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(body.to_owned()))
        .unwrap()
}

#[tokio::test]
async fn properties_are_a_form_and_only_what_was_changed_is_saved() {
    let (router, manager) = serving();
    manager.answers("properties", "properties", &properties("items-listed"));
    let text = get(&router, "/properties?name=mail%2FIN").await;
    assert!(text.contains("days that mail is kept"), "{text}");
    assert!(text.contains("value=\"a.example.org\""), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    manager.asked.lock().unwrap().clear();
    let form = "name=mail%2FIN&of.keep=30&was.keep=7&of.server=a.example.org&was.server=a.example.org&of.password=";
    let (status, head, _) = send(&router, save(form)).await;
    assert_eq!(status, 303);
    assert_eq!(
        head.headers()["location"],
        "/properties?name=mail%2FIN&said=listed"
    );
    let written: Vec<Value> = manager
        .asked
        .lock()
        .unwrap()
        .iter()
        .filter_map(|asked| match asked {
            Request::Properties { values, .. } => values.clone().map(Value::Object),
            _ => None,
        })
        .collect();
    assert_eq!(written, [json!({ "keep": 30 })]);
    // Nothing typed, nothing asked for.
    let form = "name=mail%2FIN&of.keep=7&was.keep=7&of.password=";
    let (_, head, _) = send(&router, save(form)).await;
    assert_eq!(
        head.headers()["location"],
        "/properties?name=mail%2FIN&said=unchanged"
    );
    let text = get(&router, "/properties?name=mail%2FIN&said=unchanged").await;
    assert!(text.contains("Nothing was changed."), "{text}");
}

#[tokio::test]
async fn what_a_property_does_not_take_stands_beside_it_and_what_was_typed_stays() {
    let (router, manager) = serving();
    manager.answers("properties", "properties", &properties("unchanged"));
    let form = "name=mail%2FIN&of.keep=0&was.keep=7&of.server=b&was.server=a&of.password=secret";
    let (status, _, text) = send(&router, save(form)).await;
    assert_eq!(status, 422);
    assert!(text.contains("At least 1."), "{text}");
    assert_eq!(text.matches("aria-invalid=\"true\"").count(), 1);
    assert!(text.contains("value=\"b\""), "{text}");
    assert!(!text.contains("secret\""), "{text}");
    let asked = manager.asked.lock().unwrap();
    assert!(asked.iter().all(|asked| !matches!(
        asked,
        Request::Properties {
            values: Some(_),
            ..
        }
    )));
}

#[tokio::test]
async fn what_a_handler_refuses_stands_beside_the_property_that_it_names() {
    let (router, manager) = serving();
    let mut refusal = Refusal::new(
        "properties::failed",
        "the handler did not give its properties",
        "",
    );
    refusal
        .causes
        .push("keep is more than the server allows".to_owned());
    manager.answers("properties", "properties", &properties("unchanged"));
    *manager.refuses_writing.lock().unwrap() = Some(refusal);
    let form = "name=mail%2FIN&of.keep=30&was.keep=7";
    let (status, _, text) = send(&router, save(form)).await;
    assert_eq!(status, 422);
    let field = text.split("name=\"of.keep\"").nth(1).unwrap();
    let field = field.split("class=\"field\"").next().unwrap();
    assert!(
        field.contains("keep is more than the server allows"),
        "{text}"
    );
    assert!(text.contains("Nothing was saved."), "{text}");
    assert!(text.contains("value=\"30\""), "{text}");
}

fn rule() -> Value {
    json!({
        "name": "nightly", "items": ["mail/IN"], "on": ["daily at 02:00"], "when": ["mains", "load 2"], "ask": true, "jitter": "10m",
        "written": true, "count": 2, "names": ["inbox"], "nextMs": 5, "heldBy": null,
    })
}

/// A page where one rule stands and words mean something.
fn scheduling() -> (Router, Arc<Manager>) {
    let (router, manager) = serving();
    manager.answers("rules", "rules", &json!([rule()]));
    manager.answers(
        "explain",
        "schedule",
        &json!({
            "written": "x", "normalised": "every 15 min", "nextMs": [NOW_MS + 900_000],
            "starts": [{ "atMs": NOW_MS + 900_000, "rule": null, "heldBy": "the network is metered" }],
            "beside": [{ "handler": "mail", "item": "OUT", "name": "outbox", "atMs": NOW_MS + 1_000_000, "rule": "x", "heldBy": null }],
        }),
    );
    manager.answers(
        "add-rule",
        "rule",
        &json!({ "name": "inbox-2", "written": true, "count": 1, "names": [], "nextMs": null }),
    );
    manager.answers("remove-rule", "done", &json!({ "names": ["nightly"] }));
    (router, manager)
}

fn post(address: &str, fields: &[(&str, &str)]) -> Http<Body> {
    let encoded = |text: &str| {
        text.bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect::<String>()
    };
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    Http::post(address)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(pairs.join("&")))
        .unwrap()
}

#[tokio::test]
async fn words_are_answered_with_times_obstacles_and_what_runs_beside() {
    let (router, manager) = scheduling();
    let text = get(
        &router,
        "/item?name=mail%2FIN&schedule=every+15+min+while+unmetered;+logon&when=vpn&when=load+2",
    )
    .await;
    for said in [
        "every 15 min, counted from the end of the last run <code>every 15 min</code>",
        "the network is metered",
        "href=\"/item?name=mail%2FOUT\"",
        "<code>logon</code> starts it when that happens.",
        "name=\"on\" value=\"logon\"",
        "value=\"vpn\" checked",
        "name=\"when\" value=\"load 2\"",
    ] {
        assert!(text.contains(said), "{said} is not in {text}");
    }
    let asked = manager.asked.lock().unwrap();
    let explained: Vec<_> = asked
        .iter()
        .filter(|asked| matches!(asked, Request::Explain { .. }))
        .collect();
    assert_eq!(
        explained,
        [&Request::Explain {
            schedule: "every 15 min".to_owned(),
            count: 5,
            item: Some("mail/IN".to_owned()),
            when: ["unmetered", "vpn", "load 2"].map(str::to_owned).to_vec(),
        }]
    );
}

#[tokio::test]
async fn a_rule_is_changed_without_losing_what_the_editor_does_not_show() {
    let (router, manager) = scheduling();
    let text = get(&router, "/item?name=mail%2FIN&rule=nightly").await;
    assert!(text.contains("This rule is about 2 items"), "{text}");
    assert!(
        text.contains("name=\"schedule\" value=\"daily at 02:00\""),
        "{text}"
    );
    assert!(text.contains("value=\"mains\" checked"), "{text}");
    let text = get(
        &router,
        "/item?name=mail%2FIN&rule=nightly&schedule=hourly&when=mains",
    )
    .await;
    let form = text.split("id=\"try\"").nth(1).unwrap();
    let form = form.split("action=\"/schedule\"").nth(1).unwrap();
    for kept in [
        "name=\"name\" value=\"nightly\"",
        "name=\"jitter\" value=\"10m\"",
        "name=\"ask\" value=\"true\"",
    ] {
        assert!(form.contains(kept), "{kept} is not in {form}");
    }
    // The way back is kept by the address alone.
    let was = serde_json::to_string(
        &json!({ "name": "nightly", "on": ["daily at 02:00"], "when": ["mains"] }),
    )
    .unwrap();
    let (status, head, _) = send(
        &router,
        post(
            "/schedule",
            &[
                ("name", "nightly"),
                ("on", "hourly"),
                ("was", &was),
                ("back", "/item?name=mail%2FIN"),
            ],
        ),
    )
    .await;
    assert_eq!(status, 303);
    let to = head.headers()["location"].to_str().unwrap().to_owned();
    assert!(
        to.starts_with("/item?name=mail%2FIN&did=changed&which=%7B"),
        "{to}"
    );
    let text = get(&router, &to).await;
    let done = text
        .split("class=\"card done\"")
        .nth(1)
        .unwrap()
        .split("</section>")
        .next()
        .unwrap();
    assert!(done.contains("nightly was changed."), "{done}");
    assert!(
        done.contains("name=\"on\" value=\"daily at 02:00\""),
        "{done}"
    );
    // Undoing it leads to where nothing more is offered.
    let fields = [
        ("name", "nightly"),
        ("on", "daily at 02:00"),
        ("undo", "true"),
        ("back", "/item?name=mail%2FIN"),
    ];
    let (_, head, _) = send(&router, post("/schedule", &fields)).await;
    assert_eq!(
        head.headers()["location"],
        "/item?name=mail%2FIN&did=undone"
    );
    let added: Vec<String> = manager
        .asked
        .lock()
        .unwrap()
        .iter()
        .filter_map(|asked| match asked {
            Request::AddRule(rule) => Some(rule.on.join(";")),
            _ => None,
        })
        .collect();
    assert_eq!(added, ["hourly", "daily at 02:00"]);
}

#[tokio::test]
async fn what_is_added_or_removed_can_be_taken_back() {
    let (router, manager) = scheduling();
    let new = [
        ("items", "mail/IN"),
        ("on", "hourly"),
        ("back", "/item?name=mail%2FIN"),
    ];
    let (_, head, _) = send(&router, post("/schedule", &new)).await;
    // The name is the one that the manager gave it.
    let to = head.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(to, "/item?name=mail%2FIN&did=added&which=inbox-2");
    let text = get(&router, &to).await;
    assert!(text.contains("name=\"remove\" value=\"inbox-2\""), "{text}");
    let was = serde_json::to_string(&json!({ "name": "nightly", "on": ["hourly"] })).unwrap();
    let gone = [
        ("remove", "nightly"),
        ("was", was.as_str()),
        ("back", "/item?name=mail%2FIN"),
    ];
    let (_, head, _) = send(&router, post("/schedule", &gone)).await;
    let to = head.headers()["location"].to_str().unwrap().to_owned();
    assert!(get(&router, &to).await.contains("nightly was removed."));
    let removed = Request::RemoveRule {
        name: "nightly".to_owned(),
    };
    assert!(manager.asked.lock().unwrap().contains(&removed));
    // What is too long for an address is done all the same.
    let long = format!(
        "{{\"name\":\"nightly\",\"on\":[\"{}\"]}}",
        "x".repeat(3_000)
    );
    let gone = [
        ("remove", "nightly"),
        ("was", long.as_str()),
        ("back", "/item?name=mail%2FIN"),
    ];
    let (_, head, _) = send(&router, post("/schedule", &gone)).await;
    assert_eq!(head.headers()["location"], "/item?name=mail%2FIN");
}

#[tokio::test]
async fn a_plan_is_told_by_kind_and_by_side_with_sizes() {
    let (router, manager) = serving();
    let action = |kind: &str, to: Option<&str>, name: &str, bytes: u64| json!({ "action": kind, "to": to, "name": name, "bytes": bytes, "reason": null });
    manager.answers(
        "plan",
        "plan",
        &json!({ "exit": "good", "items": [{
            "handler": "mail", "item": "IN", "name": "inbox", "counts": { "sent": 2 }, "total": 900, "held": null, "problem": null,
            "actions": [action("add", Some("right"), "a.txt", 1_000), action("add", Some("right"), "b.txt", 500),
                action("delete", Some("left"), "c.txt", 0), action("conflict", None, "d.txt", 0), action("<b>", Some("<i>"), "e", 0)],
        }] }),
    );
    let text = get(&router, "/plan?name=mail%2FIN").await;
    for said in [
        "The first 5 of 900:",
        "<th scope=\"row\">create</th><td>→ There (right)</td><td>2</td><td>1.5 kB</td>",
        "<summary>← Here (left) (1)</summary>",
        "<summary>Stays as it is (1)</summary>",
        "&lt;b&gt;",
        "href=\"/item?name=mail%2FIN\"",
    ] {
        assert!(text.contains(said), "{said} is not in {text}");
    }
}

#[tokio::test]
async fn a_handler_is_registered_with_consent_and_the_report_of_its_check() {
    let (router, manager) = serving();
    manager.answers("handlers", "handlers", &json!({ "handlers": [] }));
    manager.answers(
        "register",
        "registered",
        &json!({ "handlers": [{ "id": "backup", "name": "Backup", "replaced": true, "offers": ["plan", "<b>"] }],
            "absolute": [{ "given": "./x", "path": "/opt/x" }], "relative": ["y"] }),
    );
    let text = get(&router, "/handlers").await;
    for kind in ["command", "library", "class"] {
        assert!(
            text.contains(&format!("name=\"runs.kind\" value=\"{kind}\"")),
            "{text}"
        );
    }
    let fields = [
        ("runs.kind", "library"),
        ("runs.path", "/opt/x.so"),
        ("runs.classes", "{A}\r\n{B}"),
        ("check", "true"),
        ("consent", "true"),
    ];
    // Nobody said that he knows it.
    let (status, _, text) = send(&router, post("/register", &fields[..4])).await;
    assert_eq!(status, 422);
    assert!(text.contains("Say first that you know it."), "{text}");
    assert!(text.contains("value=\"/opt/x.so\""), "{text}");
    assert!(
        manager
            .asked
            .lock()
            .unwrap()
            .iter()
            .all(|asked| !matches!(asked, Request::Register(_)))
    );
    let (status, head, _) = send(&router, post("/register", &fields)).await;
    assert_eq!(status, 303);
    let to = head.headers()["location"].to_str().unwrap().to_owned();
    let text = get(&router, &to).await;
    for said in [
        "Backup was started once, answered, and is registered.",
        "replaced an earlier",
        "/opt/x",
        "may have been meant",
        "<bdi>&lt;b&gt;</bdi>",
    ] {
        assert!(text.contains(said), "{said} is not in {text}");
    }
    // What the check found stands by the form, and what was typed stays.
    let mut refusal = Refusal::new(
        "register::no-answer",
        "the handler did not answer",
        "is it a handler?",
    );
    refusal.causes.push("it ended with code 1".to_owned());
    manager
        .answers
        .lock()
        .unwrap()
        .insert("register".to_owned(), Err(refusal));
    let (status, _, text) = send(&router, post("/register", &fields)).await;
    assert_eq!(status, 422);
    for said in [
        "Nothing was registered.",
        "It ended with code 1.",
        "Is it a handler?",
        "{A}\n{B}",
    ] {
        assert!(text.contains(said), "{said} is not in {text}");
    }
    // A report that somebody made up is only text.
    assert!(
        !get(&router, "/handlers?registered=%7B%22")
            .await
            .contains("card done")
    );
}
