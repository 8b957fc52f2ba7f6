//! The page against a manager that answers what it is told to, with names and messages of a hostile handler.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test fails by panicking"
)]

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{Request as Http, Response};
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use syncmgr_center::{Center, router};
use syncmgr_control::{Caller, Changes, Refusal, Reply, Request, Service};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// A name that wants to be markup, an attribute, an address and another language at once.
const HOSTILE: &str = "\"><script>alert(1)</script>'&amp;\u{202e}\u{1b}[31m";

struct Manager {
    asked: Mutex<Vec<Request>>,
    items: u64,
}

impl Service for Manager {
    fn call(&self, _: Caller, request: Request) -> BoxFuture<'_, Result<Reply, Refusal>> {
        self.asked.lock().unwrap().push(request.clone());
        std::future::ready(answer(self.items, &request)).boxed()
    }

    fn changes(&self) -> BoxFuture<'_, Result<Changes, Refusal>> {
        std::future::ready(Ok(futures::stream::pending().boxed())).boxed()
    }
}

fn answer(items: u64, request: &Request) -> Result<Reply, Refusal> {
    Ok(match request {
        Request::Browse(browse) => reply("page", page(items, browse.limit)),
        Request::Needs => reply("needs", json!([need()])),
        Request::Log { .. } => reply("log", json!({ "entries": [entry()], "before": 7 })),
        Request::Conflicts { .. } => reply(
            "conflicts",
            json!({ "conflicts": [conflict("c1"), conflict("c2")], "total": 2 }),
        ),
        Request::Show { .. } => reply(
            "item",
            json!({
                "item": item(1), "handlerName": HOSTILE, "definition": null, "runs": [], "needs": [need()], "tasks": [],
                "policies": [{ "setting": "time_limit", "value": "1 h", "policy": null }],
            }),
        ),
        Request::Why { .. } => reply(
            "why",
            json!({
                "name": HOSTILE, "sentence": HOSTILE, "suggestion": null,
                "reasons": [{ "about": "network", "blocks": true, "wanted": "x", "now": HOSTILE, "sinceMs": 1, "unblockedBy": HOSTILE }],
                "coming": [{ "atMs": 2_000_000_000_000_u64, "rule": HOSTILE, "heldBy": HOSTILE }],
                "conditions": [{ "condition": "unmetered", "rules": [], "stands": "unmet", "wanted": "x", "now": HOSTILE,
                    "because": null, "sinceMs": null, "untilMs": null, "unblockedBy": null }],
                "history": [{ "sinceMs": 1, "untilMs": 2, "wantedBy": "schedule", "text": HOSTILE }],
            }),
        ),
        Request::Runs { .. } => reply("runs", json!([run(2, "failed"), run(1, "succeeded")])),
        Request::Run { .. } => reply(
            "run",
            json!({
                "run": run(1, "succeeded"), "log": [entry()], "stderr": HOSTILE,
                "items": [{ "item": "a", "name": HOSTILE, "status": "succeeded", "text": HOSTILE, "counts": {} }],
            }),
        ),
        Request::Rules { .. } => reply(
            "rules",
            json!([{
                "name": HOSTILE, "items": [], "on": ["daily at 02:00"], "when": ["unmetered"], "ask": true,
                "stopWhenLost": false, "freshWithin": null, "catchUp": null, "jitter": null, "ifRunning": null,
                "written": true, "count": 1, "names": [HOSTILE], "nextMs": 5, "heldBy": HOSTILE, "warnings": [HOSTILE],
            }]),
        ),
        Request::Offer { need } => reply(
            "offer",
            json!({
                "need": need, "text": need.map(|_| HOSTILE), "deadlineMs": 9, "close": HOSTILE,
                "handlers": [{ "handler": "mail", "name": HOSTILE,
                    "rows": [{ "pick": HOSTILE, "name": HOSTILE, "ticked": true, "lastGoodMs": 5, "count": 1 }],
                    "rest": { "pick": "mail/", "name": "", "ticked": false, "count": 7 } }],
            }),
        ),
        Request::RequestState { .. } => reply(
            "request-state",
            json!({ "outcome": "open", "runs": [1], "waits": HOSTILE }),
        ),
        Request::Explain { .. } => reply(
            "schedule",
            json!({ "written": "x", "normalised": HOSTILE, "nextMs": [5, 6] }),
        ),
        Request::Forecast { .. } => reply(
            "forecast",
            json!({ "starts": [{ "handler": "h", "item": "i", "name": HOSTILE, "atMs": 5, "rule": HOSTILE, "heldBy": null }], "cutMs": 9 }),
        ),
        Request::Handlers => reply(
            "handlers",
            json!({ "handlers": [{
                "id": HOSTILE, "name": HOSTILE, "comment": HOSTILE, "version": HOSTILE, "builtIn": false, "active": true,
                "enabled": true, "items": 1, "capabilities": [HOSTILE],
            }] }),
        ),
        Request::Plan { .. } => reply(
            "plan",
            json!({ "exit": "good", "items": [{
                "handler": "h", "item": "i", "name": HOSTILE, "counts": {}, "total": 2, "held": HOSTILE, "problem": HOSTILE,
                "actions": [{ "action": "add", "to": "left", "name": HOSTILE, "bytes": 5, "reason": HOSTILE }],
            }] }),
        ),
        Request::Properties { .. } => reply(
            "properties",
            json!({
                "handler": "mail", "item": HOSTILE, "name": HOSTILE, "effect": "unchanged",
                "schema": { "required": [HOSTILE], "properties": {
                    HOSTILE: { "type": "string", "title": HOSTILE, "description": HOSTILE },
                    "choice": { "enum": [HOSTILE, "b"] }, "secret": { "format": "password" }, "lines": { "type": "array",
                    "items": { "type": "string" } }, "number": { "type": "integer" }, "flag": { "type": "boolean" },
                    "fixed": { "readOnly": true, "type": "string" },
                } },
                "values": { HOSTILE: HOSTILE, "choice": HOSTILE, "secret": "hunter2", "lines": [HOSTILE], "fixed": HOSTILE },
            }),
        ),
        Request::Answer { need: 99, .. } => {
            return Err(Refusal::new(
                "need::unknown",
                "question 99 is not open",
                HOSTILE,
            ));
        }
        Request::Sync { .. } | Request::Resolve { .. } => Reply::Accepted { request: 1 },
        _ => Reply::Done { names: Vec::new() },
    })
}

fn reply(kind: &str, value: Value) -> Reply {
    serde_json::from_value(json!({ "reply": kind, "value": value })).unwrap()
}

fn item(number: u64) -> Value {
    json!({
        "handler": "mail", "handlerName": HOSTILE, "id": format!("{number}{HOSTILE}"), "name": HOSTILE, "comment": HOSTILE,
        "labels": [HOSTILE], "shown": "failed", "state": HOSTILE, "checked": true, "enabled": true, "runState": "idle",
        "freshness": "overdue", "lastGoodMs": 1_500, "lastAttemptMs": null, "lastRun": null, "problem": HOSTILE,
        "conflicts": 2, "needs": [], "progress": null,
        "strip": [{ "run": 1, "atMs": 1, "status": "succeeded" }, { "run": 2, "atMs": 2, "status": "failed" }],
        "nextMs": null, "waits": { "text": HOSTILE, "sinceMs": 5 },
    })
}

fn page(items: u64, limit: u32) -> Value {
    let rows: Vec<Value> = (0..items.min(u64::from(limit))).map(item).collect();
    json!({
        "nowMs": 1_700_000_000_000_u64,
        "status": {
            "verdict": { "sentence": "x", "exit": "failed" }, "items": [], "total": items, "needs": 1, "conflicts": 2,
            "running": [], "daemon": true,
            "next": { "atMs": 1_700_000_900_000_u64, "rule": HOSTILE, "names": [HOSTILE], "count": 3 },
            "remarks": [{ "about": "configuration", "text": HOSTILE }],
        },
        "worst": { "shown": "failed", "count": 1, "names": [HOSTILE], "held": 0, "busy": 0, "lastGoodMs": 5 },
        "rows": rows, "matching": items, "groups": [{ "shown": "failed", "count": items }], "labels": [HOSTILE],
        "handlers": [{ "id": HOSTILE, "name": HOSTILE }, { "id": "b", "name": "b" }], "atWork": [],
        "upcoming": [{ "atMs": 1_700_000_900_000_u64, "rule": HOSTILE, "names": [HOSTILE], "count": 1, "heldBy": HOSTILE }],
    })
}

fn need() -> Value {
    json!({
        "id": 3, "handler": "mail", "handlerName": HOSTILE, "item": HOSTILE, "kind": "guard", "text": HOSTILE,
        "detail": HOSTILE, "choices": [{ "name": HOSTILE, "label": HOSTILE }, { "name": "later", "label": "later" }],
        "default": "later", "deadlineMs": 9, "openedMs": 5,
        "fields": [
            { "name": "user", "label": HOSTILE, "kind": "text", "default": HOSTILE, "required": true },
            { "name": "word", "label": "word", "kind": "secret" },
            { "name": "way", "label": "way", "kind": "choice", "choices": [
                { "name": HOSTILE, "label": HOSTILE }, { "name": "nameless", "label": "" }] },
            { "name": "tick", "label": "tick", "kind": "boolean", "default": true },
        ],
    })
}

fn entry() -> Value {
    json!({
        "id": 8, "atMs": 5, "level": "error", "handler": "mail", "handlerName": HOSTILE, "item": HOSTILE, "run": 1,
        "text": HOSTILE, "detail": HOSTILE, "link": true,
    })
}

fn conflict(id: &str) -> Value {
    json!({
        "id": id, "handler": "mail", "item": HOSTILE, "name": HOSTILE, "summary": HOSTILE, "foundMs": 5,
        "versions": [
            { "place": "left", "location": HOSTILE, "deleted": false, "kind": HOSTILE, "size": 5, "modifiedMs": 6 },
            { "place": HOSTILE, "location": HOSTILE, "deleted": true, "kind": "file", "size": null, "modifiedMs": null },
        ],
        "choices": [{ "name": "left", "label": HOSTILE }, { "name": HOSTILE, "label": HOSTILE }],
    })
}

fn run(id: u64, outcome: &str) -> Value {
    json!({
        "id": id, "handler": "mail", "kind": "synchronize", "trigger": "manual", "openedMs": 1_699_999_000_000_u64,
        "closedMs": 1_699_999_100_000_u64, "outcome": outcome, "counts": { "sent": 3, "bytes": 1_000 },
        "items": [HOSTILE], "itemCount": 4, "problem": HOSTILE,
    })
}

fn serving(items: u64) -> (Router, Arc<Manager>) {
    let manager = Arc::new(Manager {
        asked: Mutex::default(),
        items,
    });
    let service: Arc<dyn Service> = manager.clone();
    let center = Center::new(service, 1, "a test", CancellationToken::new());
    (router(center), manager)
}

async fn send(router: &Router, request: Http<Body>) -> (u16, Response<()>, String) {
    let response = router.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8(body.to_vec()).unwrap();
    (head.status.as_u16(), Response::from_parts(head, ()), text)
}

async fn get(router: &Router, address: &str, language: &str) -> String {
    let request = Http::get(address)
        .header("accept-language", language)
        .body(Body::empty())
        .unwrap();
    let (status, head, text) = send(router, request).await;
    assert_eq!(status, 200, "{address}: {text}");
    assert_eq!(head.headers()["cache-control"], "no-store", "{address}");
    text
}

fn post(address: &str, body: &str) -> Http<Body> {
    Http::post(address)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(body.to_owned()))
        .unwrap()
}

const SCREENS: &[&str] = &[
    "/",
    "/?text=a&shown=failed&sort=name&offset=50&label=&handler=mail",
    "/item?name=mail%2F1",
    "/item?name=mail%2F1&schedule=daily+while+%3Cscript%3E;+logon+%3Cscript%3E&when=%22%3E%3Cscript%3E",
    "/item?name=mail%2F1&did=added&which=%3Cscript%3Ealert(1)%3C/script%3E",
    "/item?name=mail%2F1&did=removed&which=%7B%22name%22:%22%3Cscript%3Ealert(1)%3C/script%3E%22,%22on%22:[%22%3Cscript%3E%22]%7D",
    "/plan?name=mail%2F1",
    "/properties?name=mail%2F1&said=saved",
    "/run?id=1",
    "/inbox",
    "/choose",
    "/choose?need=3",
    "/progress?request=1&begun=yes",
    "/log?atLeast=warning&name=x",
    "/timetable",
    "/handlers",
    "/handlers?registered=%7B%22handlers%22:[%7B%22id%22:%22%3Cscript%3E%22,%22name%22:%22%3Cscript%3E%22,%22replaced%22:true%7D]%7D",
    "/settings",
];

/// The tags of a document, in order, once every one was closed as it must be.
fn well_formed(address: &str, document: &str) {
    const EMPTY: [&str; 4] = ["meta", "link", "input", "br"];
    let mut open: Vec<String> = Vec::new();
    for tag in document.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap();
        let name: String = tag
            .trim_start_matches('/')
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '!')
            .collect();
        if name.starts_with('!') || EMPTY.contains(&name.as_str()) {
            continue;
        }
        if tag.starts_with('/') {
            assert_eq!(open.pop().as_deref(), Some(name.as_str()), "{address}");
        } else {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{address}: {open:?}");
}

/// Every id of a document, each once.
fn ids(address: &str, document: &str) -> Vec<String> {
    let mut ids: Vec<String> = document
        .split(" id=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all, "{address}: an id stands twice");
    ids
}

#[tokio::test]
async fn every_screen_stands_in_both_languages_whatever_a_handler_calls_itself() {
    let (router, _) = serving(3);
    for address in SCREENS {
        for (language, tag) in [("en", "lang=\"en\""), ("fr-CA,en;q=0.1", "lang=\"fr\"")] {
            let text = get(&router, address, language).await;
            assert!(text.starts_with("<!DOCTYPE html>"), "{address}");
            assert!(text.contains(tag), "{address} {language}");
            well_formed(address, &text);
            let ids = ids(address, &text);
            // Nothing of a name becomes markup, and nothing is inline that the policy of the door forbids.
            assert!(!text.contains("<script>"), "{address}");
            assert!(!text.contains("style="), "{address}");
            assert!(!text.contains(" onclick"), "{address}");
            assert!(!text.contains("alert(1)</script>"), "{address}");
            assert_eq!(text.matches("<h1").count(), 1, "{address}");
            assert!(text.contains("<main id=\"main\""), "{address}");
            // What is said to belong together does.
            for attribute in ["aria-labelledby=\"", "href=\"#"] {
                for rest in text.split(attribute).skip(1) {
                    let id = rest.split('"').next().unwrap();
                    assert!(ids.iter().any(|is| is == id), "{address}: {id}");
                }
            }
        }
    }
}

#[tokio::test]
async fn what_changes_is_made_as_the_document_was() {
    let (router, _) = serving(3);
    for (screen, address) in [
        ("first", "/"),
        ("item", "/item?name=a"),
        ("run", "/run?id=1"),
        ("inbox", "/inbox"),
        ("log", "/log"),
        ("timetable", "/timetable"),
        ("handlers", "/handlers"),
    ] {
        let document = get(&router, address, "en").await;
        let named = document.split(" data-fragment=\"").nth(1).unwrap();
        let named = named.split('"').next().unwrap().replace("&amp;", "&");
        assert!(named.starts_with(&format!("/fragment/{screen}")), "{named}");
        let parts = get(&router, &named, "en").await;
        well_formed(&named, &parts);
        assert!(!parts.contains("<html"), "{named}");
        let of_document = ids(address, &document);
        for id in ids(&named, &parts) {
            assert!(of_document.contains(&id), "{named}: {id} has no place");
        }
    }
}

#[tokio::test]
async fn an_act_is_done_once_and_leads_back() {
    let (router, manager) = serving(3);
    let (status, head, _) = send(
        &router,
        post(
            "/act/sync",
            "names=mail%2F1&mayBotherUser=true&back=%2F%3Ftext%3Da",
        ),
    )
    .await;
    assert_eq!(status, 303);
    assert_eq!(head.headers()["location"], "/?text=a");
    assert_eq!(
        manager.asked.lock().unwrap().as_slice(),
        [Request::Sync {
            names: vec!["mail/1".to_owned()],
            may_bother_user: true
        }]
    );
    // Elsewhere it leads nobody.
    let (_, head, _) = send(
        &router,
        post(
            "/act/sync",
            "names=mail%2F1&back=https%3A%2F%2Fevil.example",
        ),
    )
    .await;
    assert_eq!(head.headers()["location"], "/");
    // Going to it is no act.
    let (status, _, _) = send(&router, Http::get("/act/sync").body(Body::empty()).unwrap()).await;
    assert_eq!(status, 405);
}

/// A value without a title is called by its name, and nothing is chosen for a person where the handler chose nothing.
#[tokio::test]
async fn each_value_of_a_choice_can_be_read_and_none_is_chosen_beforehand() {
    let (router, _) = serving(3);
    let document = get(&router, "/inbox", "en").await;
    assert!(document.contains("<option value=\"nameless\">nameless</option>"));
    let (_, select) = document.split_once("name=\"fields.way\"").unwrap();
    assert!(select.starts_with("><option value=\"\">"), "{select:.80}");
}

#[tokio::test]
async fn a_question_that_somebody_answered_says_so() {
    let (router, _) = serving(3);
    let answer = "need=99&choice=yes&back=%2Finbox";
    let (status, _, text) = send(&router, post("/act/answer", answer)).await;
    assert_eq!(status, 409);
    assert!(text.contains("This was answered already"), "{text}");
    assert!(text.contains("href=\"/inbox\""), "{text}");
    well_formed("/act/answer", &text);
    let mut by_script = post("/act/answer", answer);
    let yes = axum::http::HeaderValue::from_static("1");
    by_script.headers_mut().insert("x-syncmgr-script", yes);
    let (status, head, text) = send(&router, by_script).await;
    assert_eq!(status, 409);
    assert!(
        head.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
    assert!(text.starts_with("question 99 is not open"), "{text}");
}

#[tokio::test]
async fn what_cannot_be_shown_is_refused_with_a_reason() {
    let (router, _) = serving(3);
    for (address, status) in [
        ("/?sort=age", 400),
        ("/?text=%zz", 400),
        ("/item", 400),
        ("/run?id=many", 400),
        ("/log?atLeast=loud", 400),
        ("/fragment/nowhere", 404),
        ("/assets/style-0.css", 404),
        ("/nowhere", 404),
    ] {
        let request = Http::get(address).body(Body::empty()).unwrap();
        assert_eq!(send(&router, request).await.0, status, "{address}");
    }
}

#[tokio::test]
async fn files_are_kept_by_browsers_under_names_that_change_with_them() {
    let (router, _) = serving(0);
    let text = get(&router, "/", "en").await;
    for start in [
        "href=\"/assets/style-",
        "src=\"/assets/script-",
        "href=\"/assets/icon-",
    ] {
        let at = text.find(start).unwrap();
        let address = text[at..].split('"').nth(1).unwrap();
        let (status, head, body) =
            send(&router, Http::get(address).body(Body::empty()).unwrap()).await;
        assert_eq!(status, 200);
        assert!(
            !body.contains("http://") || address.contains("icon"),
            "{address}"
        );
        let etag = head.headers()["etag"].clone();
        let again = Http::get(address).header("if-none-match", etag);
        assert_eq!(
            send(&router, again.body(Body::empty()).unwrap()).await.0,
            304
        );
    }
}

#[tokio::test]
async fn a_page_of_a_hundred_thousand_items_is_no_larger_than_one_of_fifty() {
    let (router, manager) = serving(100_000);
    let text = get(&router, "/", "en").await;
    assert_eq!(text.matches("class=\"row\"").count(), 50);
    assert!(text.contains("rel=\"next\" href=\"/?offset=50\""));
    let asked = manager.asked.lock().unwrap();
    assert!(
        asked
            .iter()
            .all(|request| !matches!(request, Request::List { .. } | Request::Status))
    );
}

#[tokio::test]
async fn whoever_begins_is_told_what_to_do() {
    let (router, _) = serving(0);
    let text = get(&router, "/", "en").await;
    assert!(text.contains("Keep two folders in sync"), "{text}");
    well_formed("/", &text);
}
