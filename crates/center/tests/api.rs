//! The addresses against a manager that answers what it is told to.
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
use axum::http::{Request as Http, Response, StatusCode};
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use syncmgr_center::{Center, router};
use syncmgr_control::view::StatusView;
use syncmgr_control::{Caller, Change, Changes, ExitCode, Refusal, Reply, Request, Service, What};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// A manager that keeps what it was asked.
struct Manager {
    asked: Mutex<Vec<(String, Request)>>,
    refuses: bool,
    changes: broadcast::Sender<Change>,
}

impl Manager {
    fn new() -> Arc<Self> {
        Self::with(false)
    }

    fn with(refuses: bool) -> Arc<Self> {
        Arc::new(Self {
            asked: Mutex::default(),
            refuses,
            changes: broadcast::channel(4_096).0,
        })
    }

    fn tell(&self, number: u64) {
        let change = Change {
            number,
            at_ms: 5,
            what: What::ItemsChanged,
        };
        drop(self.changes.send(change));
    }

    fn last_asked(&self) -> (String, Request) {
        self.asked.lock().unwrap().last().unwrap().clone()
    }
}

impl Service for Manager {
    fn call(&self, caller: Caller, request: Request) -> BoxFuture<'_, Result<Reply, Refusal>> {
        self.asked
            .lock()
            .unwrap()
            .push((caller.name, request.clone()));
        let reply = if self.refuses {
            Err(Refusal {
                exit: ExitCode::Failed,
                ..Refusal::new("a::test", "it will not", "try another")
            })
        } else if request == Request::Status {
            Ok(Reply::Status(Box::new(status())))
        } else {
            Ok(Reply::Done { names: Vec::new() })
        };
        std::future::ready(reply).boxed()
    }

    fn changes(&self) -> BoxFuture<'_, Result<Changes, Refusal>> {
        let receiver = self.changes.subscribe();
        let gap = Change {
            number: 0,
            at_ms: 0,
            what: What::Gap,
        };
        let rest = futures::stream::unfold(receiver, |mut receiver| async move {
            Some((receiver.recv().await.ok()?, receiver))
        });
        let changes = futures::stream::once(async move { gap })
            .chain(rest)
            .boxed();
        std::future::ready(Ok(changes)).boxed()
    }
}

fn status() -> StatusView {
    serde_json::from_value(json!({
        "verdict": { "sentence": "One item failed.", "exit": "failed" },
        "items": [{
            "handler": "mail", "id": "a\"b", "name": "</script>\n\"x\\", "comment": "", "labels": [],
            "shown": "failed", "state": "failed", "checked": true, "enabled": true, "runState": "idle",
            "freshness": "overdue", "lastGoodMs": 1_500, "lastAttemptMs": null, "lastRun": null,
            "problem": "no", "conflicts": 2, "needs": [], "progress": null,
        }],
        "total": 1, "needs": 3, "conflicts": 2, "running": [7], "daemon": true,
    }))
    .unwrap()
}

/// What serves this manager in this life, until the token is cancelled.
fn serving(manager: &Arc<Manager>, life: u64) -> (Router, CancellationToken) {
    let closing = CancellationToken::new();
    let service: Arc<dyn Service> = manager.clone();
    let center = Center::new(service, life, "a test", closing.clone());
    (router(center), closing)
}

fn get(address: &str) -> Http<Body> {
    Http::get(address).body(Body::empty()).unwrap()
}

fn post(address: &str, body: &str) -> Http<Body> {
    Http::post(address)
        .body(Body::from(body.to_owned()))
        .unwrap()
}

async fn text(response: Response<Body>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

async fn refusal(router: &Router, request: Http<Body>) -> (StatusCode, Refusal) {
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let text = text(response).await;
    let refusal = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    (status, refusal)
}

#[tokio::test]
async fn a_method_is_asked_with_parameters_in_the_body_or_in_the_address() {
    let manager = Manager::new();
    let (router, _closing) = serving(&manager, 1);
    let named = |name: &str| Request::Show {
        name: name.to_owned(),
    };
    for (request, wanted) in [
        (get("/v1/status"), Request::Status),
        (post("/v1/status", ""), Request::Status),
        (post("/v1/status", "{}"), Request::Status),
        (get("/v1/show?name=caf%C3%A9"), named("café")),
        (post("/v1/show", r#"{"name":"12"}"#), named("12")),
        (get("/v1/show?name=12"), named("12")),
        (
            get("/v1/list?names=a&names=b&hidden=true"),
            Request::List {
                names: vec!["a".to_owned(), "b".to_owned()],
                hidden: true,
            },
        ),
        (
            post("/v1/sync", ""),
            Request::Sync {
                names: Vec::new(),
                may_bother_user: false,
            },
        ),
    ] {
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{wanted:?}");
        assert_eq!(manager.last_asked(), ("a test".to_owned(), wanted));
    }
    let mut request = post("/v1/stop", "");
    let name = "ada\t at\u{7f} home".as_bytes();
    request.headers_mut().insert(
        "x-syncmgr-caller",
        axum::http::HeaderValue::from_bytes(&name[..7]).unwrap(),
    );
    router.clone().oneshot(request).await.unwrap();
    assert_eq!(manager.last_asked().0, "ada  at");
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_a_reason_and_asks_nothing() {
    let manager = Manager::new();
    let (router, _closing) = serving(&manager, 1);
    for (request, status, code) in [
        (get("/v1/frobnicate"), 404, "control::unknown-method"),
        (post("/v1/", "{}"), 404, "control::unknown-address"),
        (get("/nowhere"), 404, "control::unknown-address"),
        (get("/v1/sync"), 405, "control::not-so"),
        (
            Http::delete("/v1/status").body(Body::empty()).unwrap(),
            405,
            "control::not-so",
        ),
        (get("/v1/show"), 400, "control::invalid-request"),
        (get("/v1/runs?limit=many"), 400, "control::invalid-request"),
        (
            post("/v1/sync", r#"{"nmes":["x"]}"#),
            400,
            "control::invalid-request",
        ),
        (post("/v1/show", "{"), 400, "control::invalid-request"),
        (post("/v1/show", "[1]"), 400, "control::invalid-request"),
        (
            post("/v1/browse", "[null,null]"),
            400,
            "control::invalid-request",
        ),
        (post("/v1/status", "7"), 400, "control::invalid-request"),
        (post("/v1/show", "\u{0}"), 400, "control::invalid-request"),
    ] {
        let what = format!("{} {}", request.method(), request.uri());
        let (got, refusal) = refusal(&router, request).await;
        assert_eq!(
            (got.as_u16(), refusal.code.as_str()),
            (status, code),
            "{what}"
        );
        assert!(refusal.hint.is_some(), "{what}");
    }
    let large = "x".repeat(syncmgr_control::request::MAX_REQUEST_BYTES + 1);
    let (status, refusal) = refusal(&router, post("/v1/show", &large)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(refusal.code, "control::too-large");
    assert!(manager.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_refusal_of_the_manager_is_told_as_it_is() {
    let manager = Manager::with(true);
    let (router, _closing) = serving(&manager, 1);
    let (status, refusal) = refusal(&router, get("/v1/needs")).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(refusal.code, "a::test");
    let response = router.clone().oneshot(get("/healthz")).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(text(response).await, "it will not\n");
}

#[tokio::test]
async fn measures_are_open_metrics_whatever_an_item_is_called() {
    let manager = Manager::new();
    let (router, _closing) = serving(&manager, 1);
    let response = router.clone().oneshot(get("/metrics")).await.unwrap();
    let text = text(response).await;
    assert!(text.ends_with("\n# EOF\n"), "{text}");
    for line in [
        "syncmgr_verdict 2",
        "syncmgr_needs 3",
        "syncmgr_runs_open 1",
        r#"syncmgr_item_overdue{handler="mail",item="a\"b",name="</script>\n\"x\\"} 1"#,
        r#"syncmgr_item_last_good_seconds{handler="mail",item="a\"b",name="</script>\n\"x\\"} 1.5"#,
    ] {
        assert!(
            text.lines().any(|is| is == line),
            "{line} is not in\n{text}"
        );
    }
    assert!(!text.contains("last_attempt_seconds{"), "{text}");
    let health = router.clone().oneshot(get("/healthz")).await.unwrap();
    assert_eq!(health.status(), StatusCode::OK);
}

/// A stream of events.
struct Ear(Body, String);

impl Ear {
    async fn follow(router: &Router, last: Option<&str>) -> Self {
        let mut request = Http::get("/v1/changes").header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self(response.into_body(), String::new())
    }

    /// The id and the kind of the next event.
    async fn next(&mut self) -> (Option<String>, String) {
        loop {
            if let Some((event, rest)) = self.1.split_once("\n\n") {
                let field = |name: &str| {
                    let mut lines = event.lines();
                    lines.find_map(|line| line.strip_prefix(name).map(str::to_owned))
                };
                let data: Value = serde_json::from_str(&field("data: ").unwrap()).unwrap();
                let told = (field("id: "), data["change"].as_str().unwrap().to_owned());
                self.1 = rest.to_owned();
                return told;
            }
            let frame = self.0.frame().await.unwrap().unwrap();
            let data = frame.into_data().unwrap();
            self.1.push_str(std::str::from_utf8(&data).unwrap());
        }
    }
}

fn item_change(id: &str) -> (Option<String>, String) {
    (Some(id.to_owned()), "items-changed".to_owned())
}

fn gap() -> (Option<String>, String) {
    (None, "gap".to_owned())
}

#[tokio::test]
async fn who_comes_back_is_told_what_it_missed_or_of_a_gap() {
    let manager = Manager::new();
    let (router, _closing) = serving(&manager, 7);
    let mut first = Ear::follow(&router, None).await;
    assert_eq!(first.next().await, gap());
    for number in 1..=3 {
        manager.tell(number);
    }
    assert_eq!(first.next().await, item_change("7.1"));
    assert_eq!(first.next().await, item_change("7.2"));
    assert_eq!(first.next().await, item_change("7.3"));
    // All three are kept now.
    let mut back = Ear::follow(&router, Some("7.1")).await;
    assert_eq!(back.next().await, item_change("7.2"));
    assert_eq!(back.next().await, item_change("7.3"));
    drop(first);
    manager.tell(4);
    assert_eq!(back.next().await, item_change("7.4"));
    let mut same = Ear::follow(&router, Some("7.4")).await;
    for last in [
        "6.3",
        "7.99",
        "7",
        "nonsense",
        "7.-1",
        "7.18446744073709551615",
    ] {
        let mut ear = Ear::follow(&router, Some(last)).await;
        assert_eq!(ear.next().await, gap(), "{last}");
    }
    manager.tell(5);
    assert_eq!(same.next().await, item_change("7.5"), "nothing was missed");
}

// The clock leaps over the moments for which changes are gathered.
#[tokio::test(start_paused = true)]
async fn what_is_too_long_ago_is_a_gap_and_a_slow_reader_is_told_of_one() {
    let manager = Manager::new();
    let (router, _closing) = serving(&manager, 1);
    let mut quick = Ear::follow(&router, None).await;
    let mut slow = Ear::follow(&router, None).await;
    assert_eq!(quick.next().await, gap());
    assert_eq!(slow.next().await, gap());
    for number in 1..=12_000 {
        manager.tell(number);
        if number % 20 == 0 {
            while quick.next().await != item_change(&format!("1.{number}")) {}
        }
    }
    assert_eq!(slow.next().await, gap());
    let mut late = Ear::follow(&router, Some("1.5")).await;
    assert_eq!(late.next().await, gap());
    let mut recent = Ear::follow(&router, Some("1.11999")).await;
    assert_eq!(recent.next().await, item_change("1.12000"));
}

#[tokio::test]
async fn a_stream_ends_with_the_manager_once_everything_was_told() {
    let manager = Manager::new();
    let (router, closing) = serving(&manager, 1);
    let response = router.clone().oneshot(get("/v1/changes")).await.unwrap();
    for number in 1..=100 {
        manager.tell(number);
    }
    closing.cancel();
    let text = text(response).await;
    let numbers: Vec<u64> = text
        .lines()
        .map(|line| serde_json::from_str::<Change>(line).unwrap().number)
        .collect();
    let wanted: Vec<u64> = (0..=100).collect();
    assert_eq!(numbers, wanted, "a gap, and each of them");
}

#[tokio::test]
async fn long_answers_are_compressed_for_who_wants_it_and_streams_never() {
    let manager = Manager::new();
    let (router, _closing) = serving(&manager, 1);
    let ask = async |path: &str, accepted: &str| {
        let request = Http::get(path).header("accept-encoding", accepted);
        let request = request.body(Body::empty()).unwrap();
        router.clone().oneshot(request).await.unwrap()
    };
    let encoding = |response: &Response<Body>| {
        let value = response.headers().get("content-encoding");
        value.map(|value| value.to_str().unwrap().to_owned())
    };
    for path in ["/openapi.json"] {
        let plain = ask(path, "br").await;
        assert_eq!(encoding(&plain), None, "{path}");
        assert_eq!(plain.headers()["vary"], "accept-encoding", "{path}");
        let plain = plain.into_body().collect().await.unwrap().to_bytes();
        let short = ask(path, "br, gzip").await;
        assert_eq!(encoding(&short).as_deref(), Some("gzip"), "{path}");
        let short = short.into_body().collect().await.unwrap().to_bytes();
        assert!(3 * short.len() < plain.len(), "{path}: {}", short.len());
        let mut read = Vec::new();
        let mut gzip = flate2::read::GzDecoder::new(&short[..]);
        std::io::Read::read_to_end(&mut gzip, &mut read).unwrap();
        assert!(read == plain, "{path}");
    }
    for path in ["/healthz", "/v1/changes"] {
        assert_eq!(encoding(&ask(path, "gzip").await), None, "{path}");
    }
}
