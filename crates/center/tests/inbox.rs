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
    /// How what was decided ended.
    outcome: &'static str,
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
    fn run(&self, id: u64, kind: &str) -> Value {
        json!({
            "id": id, "handler": "folder", "kind": kind, "trigger": "manual", "openedMs": 5, "closedMs": 6,
            "outcome": self.outcome, "counts": {}, "items": ["notes"], "itemCount": 1, "problem": null,
        })
    }

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
            Request::Resolve { .. } => Reply::Accepted { request: 7 },
            Request::Decide { preview, .. } => reply(
                "decided",
                json!({
                    "item": HOSTILE, "decides": 7, "of": 9, "later": 0, "request": (!preview).then_some(7),
                    "first": [{ "name": HOSTILE, "choice": "left" }],
                    "stays": [{ "why": "equal-times", "count": 2 }],
                }),
            ),
            Request::RequestState { id: 7 } => {
                // A request that is over does not tell its runs any more.
                let runs = if self.outcome == "open" {
                    vec![12]
                } else {
                    Vec::new()
                };
                reply(
                    "request-state",
                    json!({ "outcome": self.outcome, "runs": runs }),
                )
            }
            Request::RequestState { .. } => {
                reply("request-state", json!({ "outcome": "open", "runs": [] }))
            }
            Request::Runs { name, .. } => {
                assert_eq!(name.as_deref(), Some("folder/N"));
                reply(
                    "runs",
                    json!([
                        self.run(14, "synchronize"),
                        self.run(12, "resolve"),
                        self.run(11, "resolve")
                    ]),
                )
            }
            Request::Run { id: 12 } => reply(
                "run",
                json!({
                    "run": self.run(12, "resolve"),
                    "items": [], "stderr": "",
                    "log": [{
                        "id": 8, "atMs": 5, "level": "information", "handler": "folder", "handlerName": "Folders", "item": "notes",
                        "run": 12, "text": format!("{HOSTILE}: left was chosen"),
                        "detail": format!("the other version rests at /kept/{HOSTILE} until 2026-12-23"), "link": false,
                    }],
                }),
            ),
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
        "id": id, "handler": "folder", "item": "notes", "itemId": "N", "name": format!("{id}{HOSTILE}"), "summary": HOSTILE, "foundMs": 5,
        "versions": versions, "choices": choices,
    })
}

fn two(id: &str) -> Value {
    conflict(id, &[version("left", false), version("right", false)])
}

fn serving(conflicts: Vec<Value>) -> (Router, Arc<Manager>) {
    ending(conflicts, "succeeded")
}

fn ending(conflicts: Vec<Value>, outcome: &'static str) -> (Router, Arc<Manager>) {
    let manager = Arc::new(Manager {
        asked: Mutex::default(),
        conflicts,
        outcome,
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
    // What is filled into a sentence is kept apart by marks that nobody sees.
    text.replace(['\u{2068}', '\u{2069}'], "")
}

fn post(body: &str, by_script: bool) -> Http<Body> {
    let mut request =
        Http::post("/decide").header("content-type", "application/x-www-form-urlencoded");
    if by_script {
        request = request.header("x-syncmgr-script", "1");
    }
    request.body(Body::from(body.to_owned())).unwrap()
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

const ONE: &str = "conflict=c1&name=folder%2FN&choice=left&back=%2Finbox";
const RULE: &str = "name=folder%2FN&choice=newest&matching=*.txt&back=%2Finbox";

#[tokio::test]
async fn a_decision_leads_to_what_came_of_it() {
    let resolve = Request::Resolve {
        conflict: "c1".to_owned(),
        choice: "left".to_owned(),
    };
    let decide = Request::Decide {
        name: "folder/N".to_owned(),
        choice: "newest".to_owned(),
        matching: Some("*.txt".to_owned()),
        preview: false,
    };
    let leads = [
        "/inbox?name=folder%2FN&choice=left&request=7#decided",
        "/inbox?name=folder%2FN&choice=newest&matching=%2A.txt&request=7#decided",
    ];
    for (form, asked, leads) in [(ONE, resolve, leads[0]), (RULE, decide, leads[1])] {
        for (by_script, wanted) in [(false, 303), (true, 204)] {
            let (router, manager) = serving(vec![two("c1")]);
            let (status, head, _) = send(&router, post(form, by_script)).await;
            assert_eq!(status, wanted, "{form}");
            assert_eq!(head.headers()["location"], leads);
            assert_eq!(*manager.asked.lock().unwrap(), std::slice::from_ref(&asked));
        }
    }
}

#[tokio::test]
async fn what_came_of_a_decision_says_where_the_other_version_rests_and_offers_the_rest() {
    let (router, manager) = serving(vec![two("c1")]);
    let text = get(&router, "/inbox?name=folder%2FN&choice=left&request=7").await;
    let decided =
        &text[text.find("id=\"decided\"").unwrap()..text.find("id=\"questions\"").unwrap()];
    assert!(
        decided.contains("the other version rests at /kept/"),
        "{decided}"
    );
    assert!(decided.contains("name=\"run\" value=\"12\""), "{decided}");
    assert!(
        decided.contains("Keep left for the remaining 7"),
        "{decided}"
    );
    let preview = Request::Decide {
        name: "folder/N".to_owned(),
        choice: "left".to_owned(),
        matching: None,
        preview: true,
    };
    assert!(manager.asked.lock().unwrap().contains(&preview));
    // What nobody changed is no form that somebody fills in: it is made anew with what is around it.
    let (many, _) = serving(vec![two("c1"), two("c2")]);
    let open = get(&many, "/inbox").await;
    assert!(
        open.contains("<option value=\"newest\" selected>"),
        "{open}"
    );
    // While it is carried out nothing is offered: what it decides is still among the open ones.
    let (router, _) = ending(vec![two("c1")], "open");
    let text = get(&router, "/inbox?name=folder%2FN&choice=left&request=7").await;
    assert!(text.contains("Being carried out"));
    assert!(!text.contains("Do this for the remaining"));
    assert!(!text.contains("/act/undo"));
    // What keeps itself current asks for the same.
    assert!(text.contains(
        "data-fragment=\"/fragment/inbox?request=7&amp;name=folder%2FN&amp;choice=left\""
    ));
}

#[tokio::test]
async fn a_rule_is_looked_at_before_it_decides() {
    let (router, manager) = serving(vec![two("c1"), two("c2")]);
    let text = get(
        &router,
        "/inbox?rule=folder%2FN&choice=newest&matching=*.txt",
    )
    .await;
    assert!(text.contains("Decides 7 of 9."));
    assert!(text.contains("2 stay: equal times."));
    assert!(text.contains("Decide these 7"));
    let asked = manager.asked.lock().unwrap();
    let decides = asked
        .iter()
        .filter(|asked| matches!(asked, Request::Decide { preview: false, .. }));
    assert_eq!(decides.count(), 0, "looking decides nothing");
}

/// What the folder handler says is French on a French page, and what is filled into it stays text of others.
#[tokio::test]
async fn a_conflict_of_folders_is_french_on_a_french_page() {
    let mut told = two("c1");
    told["summary"] = json!("changed on both sides");
    told["choices"][0]["label"] =
        json!("the left version goes to the right folder; the right one is kept for 30 days");
    told["choices"][2]["label"] = json!(format!(
        "keep both versions, in both folders; the left one gets a name like {HOSTILE}"
    ));
    let (router, _) = serving(vec![told]);
    let request = Http::get("/inbox").header("accept-language", "fr");
    let (status, _, text) = send(&router, request.body(Body::empty()).unwrap()).await;
    let text = text.replace(['\u{2068}', '\u{2069}'], "");
    assert_eq!(status, 200, "{text}");
    for french in [
        "modifié des deux côtés",
        "la version du côté gauche va dans le dossier droit",
        "celle du côté gauche prend un nom comme",
        // Whatever nobody knows is marked as of another language.
        "<bdi lang=\"en\">what right does",
    ] {
        assert!(text.contains(french), "{french} is not in {text}");
    }
    assert!(!text.contains("<script>alert"), "{text}");
}
