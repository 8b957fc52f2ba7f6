//! "Choose what to synchronize", and what is seen of it while it goes on, against a manager that answers what it is told to.
#![allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test fails by panicking"
)]

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::Request as Http;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use syncmgr_center::{Center, router};
use syncmgr_control::{Caller, Changes, Refusal, Reply, Request, Service};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

const HOSTILE: &str = "\"><script>alert(1)</script>'&amp;\u{202e}\u{1b}[31m";

/// How what was started stands, and its run.
struct Manager {
    asked: Mutex<Vec<Request>>,
    outcome: &'static str,
    run: Value,
}

impl Service for Manager {
    fn call(&self, _: Caller, request: Request) -> BoxFuture<'_, Result<Reply, Refusal>> {
        self.asked.lock().unwrap().push(request.clone());
        let reply = |kind: &str, value: Value| {
            Ok(serde_json::from_value(json!({ "reply": kind, "value": value })).unwrap())
        };
        let answer = match request {
            Request::Browse(_) => reply("page", page()),
            Request::Needs => reply("needs", json!([])),
            Request::Log { .. } => reply("log", json!({ "entries": [] })),
            Request::Runs { .. } => reply("runs", json!([])),
            Request::Offer { need } => reply("offer", offer(need)),
            Request::RequestState { .. } => reply(
                "request-state",
                json!({ "outcome": self.outcome, "runs": [7] }),
            ),
            Request::Run { .. } => reply("run", self.run.clone()),
            Request::Choose { items, .. } if items.is_empty() => Err(Refusal::new(
                "choice::nothing-ticked",
                "nothing is ticked",
                HOSTILE,
            )),
            Request::Answer { need: 9, .. } => reply("answered", json!({})),
            Request::Answer { .. } => reply("answered", json!({ "request": 5 })),
            Request::Choose { .. } => reply("answered", json!({ "request": 5 })),
            Request::Sync { .. } => Ok(Reply::Accepted { request: 5 }),
            _ => Ok(Reply::Done { names: Vec::new() }),
        };
        std::future::ready(answer).boxed()
    }

    fn changes(&self) -> BoxFuture<'_, Result<Changes, Refusal>> {
        std::future::ready(Ok(futures::stream::pending().boxed())).boxed()
    }
}

fn page() -> Value {
    json!({
        "nowMs": 1_700_000_000_000_u64,
        "status": {
            "verdict": { "sentence": "x", "exit": "good" }, "items": [], "total": 1, "needs": 0, "conflicts": 0,
            "running": [], "daemon": true,
            "remarks": [{ "about": "ticks", "text": "1 item is only synchronized by name: a",
                "said": { "code": "by-name-one", "parts": { "name": { "is": "text", "value": HOSTILE } } } }],
        },
        "worst": { "shown": "fresh", "count": 0, "names": [], "held": 0, "byName": 1, "busy": 0 },
        "rows": [], "matching": 0, "groups": [], "labels": [], "handlers": [], "atWork": [], "upcoming": [],
    })
}

fn offer(need: Option<u64>) -> Value {
    let row = |pick: &str, ticked: bool| json!({ "pick": pick, "name": HOSTILE, "ticked": ticked, "count": 1, "properties": ticked });
    json!({
        "need": need, "close": need.map(|_| "dismiss"), "lasts": need.is_none(),
        "handlers": [{ "handler": "mail", "name": HOSTILE, "rows": [row("mail/a&b", true), row("mail/c", false)],
            "rest": { "pick": "mail/", "name": "", "ticked": true, "count": 0 } }],
    })
}

/// A run with one item that is done and one that is half done; without a measure there is none.
fn run(levels: &[&str], window: bool, max: u64) -> Value {
    let log: Vec<Value> = levels
        .iter()
        .zip(1..)
        .map(|(level, id)| json!({ "id": id, "atMs": id, "level": level, "text": HOSTILE }))
        .collect();
    json!({
        "run": {
            "id": 7, "handler": "mail", "kind": "synchronize", "trigger": "manual", "openedMs": 5, "closedMs": null,
            "outcome": "open", "counts": {}, "items": [HOSTILE], "itemCount": 2, "problem": null,
        },
        "items": [
            { "item": "a", "name": "done", "status": if max == 0 { "pending" } else { "succeeded" }, "text": HOSTILE, "counts": {} },
            { "item": "b", "name": HOSTILE, "status": "pending", "text": "", "counts": {},
              "progress": { "run": 7, "status": "updating", "text": HOSTILE, "value": 5, "max": max, "counts": {} } },
        ],
        "log": log, "stderr": "", "window": window,
    })
}

fn serving(outcome: &'static str, run: Value) -> (Router, Arc<Manager>) {
    let manager = Arc::new(Manager {
        asked: Mutex::default(),
        outcome,
        run,
    });
    let service: Arc<dyn Service> = manager.clone();
    let center = Center::new(service, 1, "a test", CancellationToken::new());
    (router(center), manager)
}

/// What an address shows a browser that brings this cookie.
async fn shown(router: &Router, address: &str, cookie: &str) -> String {
    let request = Http::get(address)
        .header("cookie", cookie)
        .body(Body::empty())
        .unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200, "{address}");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert!(!text.contains("<script>alert"), "{address}");
    text
}

/// A form that is sent: the status, where it leads, and what it sets.
async fn sent(router: &Router, address: &str, body: &str) -> (u16, String, String) {
    let request = Http::post(address)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(body.to_owned()))
        .unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let header = |name: &str| {
        let value = response.headers().get(name);
        value.map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
    };
    (
        response.status().as_u16(),
        header("location"),
        header("set-cookie"),
    )
}

/// M-171: items under their handler with ticks. What is ticked and what was shown are sent by a plain form, which leads to
/// what goes on.
#[tokio::test]
async fn a_list_is_a_form_that_needs_no_script() {
    let (router, manager) = serving("open", run(&[], false, 10));
    let text = shown(&router, "/choose?need=3", "").await;
    for part in [
        "name=\"items\" value=\"mail/a&amp;b\" checked",
        "name=\"items\" value=\"mail/c\">",
        "name=\"offered\" value=\"mail/c\"",
        "name=\"items\" value=\"mail/\" checked",
        "name=\"choice\" value=\"dismiss\"",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // Ticks that last are said to last; those of this list alone are not.
    let lasts = "What you untick stays out";
    assert!(!text.contains(lasts), "{text}");
    assert!(shown(&router, "/choose", "").await.contains(lasts));
    let body = "need=3&offered=mail%2Fa&items=mail%2Fa&offered=mail%2Fc&back=%2Fchoose";
    let (status, location, _) = sent(&router, "/act/choose", body).await;
    assert_eq!(
        (status, location.as_str()),
        (303, "/progress?request=5&begun=yes")
    );
    let asked = manager.asked.lock().unwrap().pop().unwrap();
    let wanted = Request::Choose {
        need: Some(3),
        items: vec!["mail/a".to_owned()],
        offered: vec!["mail/a".to_owned(), "mail/c".to_owned()],
    };
    assert_eq!(asked, wanted);
    // With nothing ticked nothing begins, and that is said.
    let (status, location, _) = sent(&router, "/act/choose", "offered=mail%2Fa").await;
    assert_eq!((status, location.as_str()), (409, ""));
}

/// What a plain sync leaves out is told beside the verdict, in the reader's language, and a name is only a name there.
#[tokio::test]
async fn what_is_only_synchronized_by_name_is_told() {
    let (router, _) = serving("open", run(&[], false, 10));
    let text = shown(&router, "/", "").await;
    assert!(
        text.contains("Everything that is ticked is in sync."),
        "{text}"
    );
    assert!(
        text.contains("1 item is only synchronized by name"),
        "{text}"
    );
    assert!(!text.contains("<script>alert"), "{text}");
}

/// M-173, M-100: one bar for all of it, terminal items counting as complete; what nobody can measure moves.
#[tokio::test]
async fn the_overall_bar_adds_the_items_up() {
    let (router, _) = serving("open", run(&[], false, 10));
    let text = shown(&router, "/progress?request=5", "").await;
    assert!(
        text.contains("class=\"overall\" max=\"2000\" value=\"1500\""),
        "{text}"
    );
    assert!(text.contains("action=\"/act/stop\""));
    assert_eq!(
        text.matches("action=\"/act/skip\"").count(),
        1,
        "of what goes on alone"
    );
    let (router, _) = serving("open", run(&[], false, 0));
    let text = shown(&router, "/progress?request=5", "").await;
    assert!(
        text.contains("<progress class=\"overall\" aria-label"),
        "{text}"
    );
}

/// M-119: while a window of the handler's is open, only stopping works.
#[tokio::test]
async fn an_open_window_leaves_only_stopping() {
    for window in [false, true] {
        let (router, _) = serving("open", run(&[], window, 10));
        let text = shown(&router, "/progress?request=5", "").await;
        assert_eq!(text.contains("<button disabled"), window);
        assert_eq!(text.contains("a window of its own"), window);
        assert!(text.contains("action=\"/act/stop\""));
    }
}

/// M-174, M-175: what ended well closes by itself where it was started here, unless it is kept open; after errors and
/// warnings it stays, with the results in front.
#[tokio::test]
async fn only_what_ended_well_and_is_not_kept_closes() {
    let begun = "/progress?request=5&begun=yes";
    let kept = "a=b; syncmgr-keep-open=true";
    for (outcome, levels, address, cookie, closes, in_front) in [
        ("succeeded", &["information"][..], begun, "", true, false),
        ("succeeded", &[], begun, kept, false, false),
        (
            "succeeded",
            &[],
            begun,
            "syncmgr-keep-open=false",
            true,
            false,
        ),
        ("succeeded", &[], "/progress?request=5", "", false, false),
        ("succeeded", &["warning"], begun, "", false, true),
        ("failed", &["information"], begun, "", false, true),
        ("stopped", &[], begun, "", false, true),
        ("open", &["error"], begun, "", false, false),
    ] {
        let (router, _) = serving(outcome, run(levels, false, 10));
        let text = shown(&router, address, cookie).await;
        assert_eq!(
            text.contains("data-closes=\"3000\""),
            closes,
            "{outcome} {levels:?} {cookie}"
        );
        assert_eq!(
            text.contains("results-first"),
            in_front,
            "{outcome} {levels:?}"
        );
    }
    let (router, _) = serving("open", run(&[], false, 10));
    let (status, location, cookie) = sent(
        &router,
        "/keep-open",
        "keep=true&back=%2Fprogress%3Frequest%3D5",
    )
    .await;
    assert_eq!((status, location.as_str()), (303, "/progress?request=5"));
    assert!(cookie.starts_with("syncmgr-keep-open=true;") && cookie.contains("SameSite=Strict"));
}

/// What starts everything leads to the view of it; one item goes on where its button stands.
#[tokio::test]
async fn everything_that_is_started_is_looked_at() {
    let (router, _) = serving("open", run(&[], false, 10));
    for (body, leads) in [
        (
            "mayBotherUser=true&back=%2F",
            "/progress?request=5&begun=yes",
        ),
        ("names=mail%2Fa&mayBotherUser=true&back=%2F", "/"),
    ] {
        let (status, location, _) = sent(&router, "/act/sync", body).await;
        assert_eq!((status, location.as_str()), (303, leads));
    }
}

/// M-171: what has properties leads to them, by a name that only their own handler has.
#[tokio::test]
async fn what_has_properties_leads_to_them() {
    let (router, _) = serving("open", run(&[], false, 10));
    let text = shown(&router, "/choose?need=3", "").await;
    assert_eq!(
        text.matches("href=\"/properties?name=").count(),
        1,
        "{text}"
    );
    assert!(
        text.contains("href=\"/properties?name=mail%2Fa%26b\""),
        "{text}"
    );
}

/// What an answer begins is looked at, with what takes it back once it is over; one that begins nothing leads back.
#[tokio::test]
async fn what_an_answer_begins_is_looked_at_and_can_be_taken_back() {
    let (router, _) = serving("open", run(&[], false, 10));
    let answered = |need: u64| format!("need={need}&choice=apply&back=%2Finbox");
    let (status, location, _) = sent(&router, "/act/answer", &answered(3)).await;
    assert_eq!((status, location.as_str()), (303, "/progress?request=5"));
    let (status, location, _) = sent(&router, "/act/answer", &answered(9)).await;
    assert_eq!((status, location.as_str()), (303, "/inbox"));
    let mut done = run(&["information"], false, 10);
    done["run"]["outcome"] = json!("succeeded");
    done["run"]["counts"] = json!({ "deleted": 412 });
    let undo = "action=\"/act/undo\"";
    let (router, _) = serving("succeeded", done.clone());
    let text = shown(&router, "/progress?request=5", "").await;
    assert!(text.contains(undo), "{text}");
    let (router, _) = serving("open", done);
    let text = shown(&router, "/progress?request=5", "").await;
    assert!(!text.contains(undo), "{text}");
}
