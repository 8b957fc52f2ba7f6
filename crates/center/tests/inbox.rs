//! The inbox against a manager with conflicts of a hostile handler: what is decided by which button, and what is told of it.
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

/// Answers with these conflicts and no question.
struct Manager {
    asked: Mutex<Vec<Request>>,
    conflicts: Vec<Value>,
}

impl Service for Manager {
    fn call(&self, _: Caller, request: Request) -> BoxFuture<'_, Result<Reply, Refusal>> {
        self.asked.lock().unwrap().push(request.clone());
        std::future::ready(Ok(self.answer(&request))).boxed()
    }

    fn changes(&self) -> BoxFuture<'_, Result<Changes, Refusal>> {
        std::future::ready(Ok(futures::stream::pending().boxed())).boxed()
    }
}

impl Manager {
    fn answer(&self, request: &Request) -> Reply {
        match request {
            Request::Browse(_) => reply("page", page(self.conflicts.len())),
            Request::Needs => reply("needs", json!([])),
            Request::Conflicts { offset, limit, .. } => {
                let shown = self.conflicts.iter().skip(*offset as usize);
                let shown: Vec<_> = shown.take(*limit as usize).collect();
                reply(
                    "conflicts",
                    json!({ "conflicts": shown, "total": self.conflicts.len() }),
                )
            }
            Request::Resolve { .. } => Reply::Accepted { request: 1 },
            _ => Reply::Done { names: Vec::new() },
        }
    }
}

fn reply(kind: &str, value: Value) -> Reply {
    serde_json::from_value(json!({ "reply": kind, "value": value })).unwrap()
}

fn page(conflicts: usize) -> Value {
    json!({
        "nowMs": 1_700_000_000_000_u64,
        "status": {
            "verdict": { "sentence": "x", "exit": "needs-you" }, "items": [], "total": 1, "needs": 0, "conflicts": conflicts,
            "running": [], "daemon": true, "next": null, "remarks": [],
        },
        "worst": { "shown": "conflicts", "count": 1, "names": ["notes"], "held": 0, "busy": 0, "lastGoodMs": 5 },
        "rows": [], "matching": 1, "groups": [], "labels": [], "handlers": [], "atWork": [], "upcoming": [],
    })
}

fn version(place: &str, deleted: bool) -> Value {
    json!({
        "place": place, "location": format!("/{place}/{HOSTILE}"), "deleted": deleted, "kind": "file",
        "size": 5, "modifiedMs": 6,
    })
}

fn conflict(id: &str, versions: &[Value]) -> Value {
    let choice =
        |name: &str| json!({ "name": name, "label": format!("what {name} does {HOSTILE}") });
    let mut choices: Vec<Value> = versions
        .iter()
        .map(|version| choice(version["place"].as_str().unwrap()))
        .collect();
    choices.push(choice("both"));
    json!({
        "id": id, "handler": "folder", "item": "notes", "name": format!("{id}{HOSTILE}"), "summary": HOSTILE, "foundMs": 5,
        "versions": versions, "choices": choices,
    })
}

fn two(id: &str) -> Value {
    conflict(id, &[version("left", false), version("right", false)])
}

fn serving(conflicts: Vec<Value>) -> (Router, Arc<Manager>) {
    let manager = Arc::new(Manager {
        asked: Mutex::default(),
        conflicts,
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

async fn get(router: &Router, address: &str) -> String {
    let request = Http::get(address).header("accept-language", "en");
    let (status, _, text) = send(router, request.body(Body::empty()).unwrap()).await;
    assert_eq!(status, 200, "{address}: {text}");
    assert!(!text.contains("<script>alert"), "{address}");
    text
}

/// The words of all buttons and of what looks like one, in order.
fn buttons(document: &str) -> Vec<String> {
    let conflicts = &document[document.find("id=\"conflicts\"").unwrap()..];
    let starts = ["<button", "<a class=\"button\""];
    let mut found: Vec<(usize, String)> = Vec::new();
    for start in starts {
        for (at, _) in conflicts.match_indices(start) {
            let words = conflicts[at..].split('>').nth(1).unwrap();
            let words = words.split('<').next().unwrap();
            found.push((at, words.to_owned()));
        }
    }
    found.sort();
    found.into_iter().map(|(_, words)| words).collect()
}

#[tokio::test]
async fn each_version_has_the_button_that_keeps_it() {
    let check = |versions: Vec<Value>, wanted: &'static [&'static str]| async move {
        let (router, _) = serving(vec![conflict("c1", &versions)]);
        let text = get(&router, "/inbox").await;
        assert_eq!(buttons(&text), wanted, "{versions:?}");
    };
    let there = |place| version(place, false);
    check(
        vec![there("left"), there("right")],
        &["Keep this", "Keep this", "Keep both", "Skip"],
    )
    .await;
    check(
        vec![there("left"), there("right"), there("phone")],
        &["Keep this", "Keep this", "Keep this", "Keep all", "Skip"],
    )
    .await;
    // What is left is what keeping both would come to.
    check(
        vec![version("left", true), there("right")],
        &["Keep it deleted", "Keep this", "Skip"],
    )
    .await;
}

#[tokio::test]
async fn skipping_decides_nothing_and_leads_on() {
    let (router, manager) = serving((0..26).map(|at| two(&format!("c{at}"))).collect());
    let text = get(&router, "/inbox").await;
    let ids: Vec<&str> = text
        .split("<li class=\"card need\" id=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    let skips: Vec<&str> = text
        .split("<a class=\"button\" href=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert_eq!((ids.len(), skips.len()), (25, 25));
    for (skip, next) in skips.iter().zip(&ids[1..]) {
        assert_eq!(*skip, format!("#{next}"));
    }
    assert_eq!(skips[24], "/inbox?offset=25#conflicts");
    let last = get(&router, "/inbox?offset=25").await;
    assert!(last.contains("<a class=\"button\" href=\"/inbox#conflicts\""));
    let asked = manager.asked.lock().unwrap();
    assert!(
        !asked
            .iter()
            .any(|asked| matches!(asked, Request::Resolve { .. }))
    );
}
