//! Versions of a conflict on the page: hostile lines, pictures at an address of their own, and who may see them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test fails by panicking"
)]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request as Http};
use base64::Engine as _;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use syncmgr_center::door::{Hosts, Pass, Secret};
use syncmgr_center::{Center, Door, router, router_behind};
use syncmgr_control::method::Access;
use syncmgr_control::{Caller, Changes, Refusal, Reply, Request, Service};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

const HOSTILE: &str = "\"><script>alert(1)</script>'&amp;\u{202e}\u{1b}[31m";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

/// A manager with one conflict, whose versions are what it is told.
struct Manager {
    comparison: Value,
    picture: Vec<u8>,
}

impl Service for Manager {
    fn call(&self, _: Caller, request: Request) -> BoxFuture<'_, Result<Reply, Refusal>> {
        let answer = match request {
            Request::Browse(_) => Ok(reply("page", page())),
            Request::Needs => Ok(reply("needs", json!([]))),
            Request::Conflicts { .. } => Ok(reply(
                "conflicts",
                json!({ "conflicts": [self.comparison["conflict"]], "total": 1 }),
            )),
            Request::Compare { conflict } if conflict == "c&1" => {
                Ok(reply("comparison", self.comparison.clone()))
            }
            Request::Picture { conflict, .. } if conflict == "c&1" => {
                let content = base64::engine::general_purpose::STANDARD.encode(&self.picture);
                // What a handler, or a manager of another version, calls it is not believed.
                Ok(reply(
                    "picture",
                    json!({ "mediaType": "text/html", "content": content }),
                ))
            }
            Request::Compare { .. } | Request::Picture { .. } => Err(Refusal::new(
                "conflict::unknown",
                format!("there is no open conflict {HOSTILE}"),
                "",
            )),
            _ => Ok(Reply::Done { names: Vec::new() }),
        };
        std::future::ready(answer).boxed()
    }

    fn changes(&self) -> BoxFuture<'_, Result<Changes, Refusal>> {
        std::future::ready(Ok(futures::stream::pending().boxed())).boxed()
    }
}

fn reply(kind: &str, value: Value) -> Reply {
    serde_json::from_value(json!({ "reply": kind, "value": value })).unwrap()
}

fn page() -> Value {
    json!({
        "nowMs": 1_700_000_000_000_u64,
        "status": {
            "verdict": { "sentence": "x", "exit": "needs-you" }, "items": [], "total": 1, "needs": 0, "conflicts": 1,
            "running": [], "daemon": true, "next": null, "remarks": [],
        },
        "worst": { "shown": "conflicts", "count": 1, "names": ["notes"], "held": 0, "busy": 0, "lastGoodMs": 5 },
        "rows": [], "matching": 1, "groups": [], "labels": [], "handlers": [], "atWork": [], "upcoming": [],
    })
}

fn comparison(contents: &[(&str, Value)], differences: &Value, comparable: bool) -> Value {
    let versions: Vec<Value> = contents
        .iter()
        .map(|(place, _)| {
            json!({ "place": place, "location": HOSTILE, "deleted": false, "kind": "file", "size": 5, "modifiedMs": 6 })
        })
        .collect();
    let contents: Vec<Value> = contents
        .iter()
        .map(|(place, content)| json!({ "place": place, "size": 5, "changed": *place == "right", "content": content }))
        .collect();
    json!({
        "conflict": {
            "id": "c&1", "handler": "folder", "item": "notes", "itemId": "N", "name": HOSTILE, "summary": HOSTILE, "foundMs": 5,
            "versions": versions, "choices": [{ "name": "left", "label": HOSTILE }], "comparable": comparable,
        },
        "versions": contents,
        "differences": differences,
    })
}

fn texts() -> Value {
    let differences = json!([{
        "from": "left", "to": "right", "added": 1, "removed": 2, "more": 7,
        "hunks": [{ "fromLine": 9, "toLine": 12, "lines": [
            { "of": "both", "text": "the same" },
            { "of": "removed", "text": HOSTILE },
            { "of": "removed", "text": "x".repeat(1_000) },
            { "of": "added", "text": "\ta new line" },
        ] }],
    }]);
    let text = json!({ "is": "text" });
    comparison(
        &[("left", text.clone()), ("right", text)],
        &differences,
        true,
    )
}

fn serving(comparison: Value, picture: &[u8]) -> Router {
    let manager = Manager {
        comparison,
        picture: picture.to_vec(),
    };
    router(Center::new(
        Arc::new(manager),
        1,
        "a test",
        CancellationToken::new(),
    ))
}

async fn get(
    router: &Router,
    address: &str,
    headers: &[(&str, &str)],
) -> (u16, HeaderMap, Vec<u8>) {
    let mut request = Http::get(address).header("accept-language", "en");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router
        .clone()
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status.as_u16(), head.headers, body.to_vec())
}

async fn document(router: &Router, address: &str) -> String {
    let (status, _, body) = get(router, address, &[]).await;
    let text = String::from_utf8(body).unwrap();
    assert_eq!(status, 200, "{text}");
    assert!(!text.contains("<script>alert"), "{text}");
    text.replace(['\u{2068}', '\u{2069}'], "")
}

#[tokio::test]
async fn a_conflict_leads_to_its_versions_where_they_can_be_read() {
    let inbox = document(&serving(texts(), PNG), "/inbox").await;
    assert!(
        inbox.contains("href=\"/compare?conflict=c%261\""),
        "{inbox}"
    );
    let mut closed = texts();
    closed["conflict"]["comparable"] = json!(false);
    let inbox = document(&serving(closed, PNG), "/inbox").await;
    assert!(!inbox.contains("/compare"), "{inbox}");
}

#[tokio::test]
async fn lines_are_told_apart_by_signs_and_words_and_numbers() {
    let page = document(&serving(texts(), PNG), "/compare?conflict=c%261").await;
    assert!(page.contains("Left against Right"), "{page}");
    let row = |class: &str, number: u32, sign: &str, word: &str, text: &str| {
        format!(
            "<tr class=\"{class}\"><td class=\"number\">{number}</td><td class=\"sign\"><span aria-hidden=\"true\">{sign}</span>\
             <span class=\"unseen\">{word}</span></td><td><bdi>{text}"
        )
    };
    assert!(
        page.contains(&row("removed", 10, "−", "missing:", "&quot;&gt;&lt;script")),
        "{page}"
    );
    assert!(
        page.contains(&row("removed", 11, "−", "missing:", "xxx")),
        "{page}"
    );
    assert!(
        page.contains(&row("added", 13, "+", "new:", "\ta new line")),
        "{page}"
    );
    assert!(page.contains("7 more lines are not shown"), "{page}");
    // It is decided right there, and what follows is the inbox: this conflict is no more.
    assert!(page.contains("action=\"/decide\""), "{page}");
    assert!(
        page.contains("name=\"back\" value=\"/inbox#conflicts\""),
        "{page}"
    );
    // Nothing asks for it again and again: each time a handler works.
    assert!(!page.contains("/fragment/compare"), "{page}");
}

#[tokio::test]
async fn what_is_no_text_says_so() {
    let contents = [
        ("left", json!({ "is": "picture", "mediaType": "image/png" })),
        ("middle", json!({ "is": "binary" })),
        ("other", json!({ "is": "too-large" })),
        ("gone", json!({ "is": "deleted" })),
        (
            "right",
            json!({ "is": "unreadable", "why": HOSTILE, "hint": HOSTILE }),
        ),
    ];
    let view = comparison(&contents, &json!([]), true);
    let page = document(&serving(view, PNG), "/compare?conflict=c%261").await;
    assert!(
        page.contains("src=\"/picture?conflict=c%261&amp;place=left\""),
        "{page}"
    );
    for said in [
        "alt=\"Picture of ",
        "Neither a text nor a picture",
        "Too large to compare.",
        "Deleted here",
        "changed since the conflict was found",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
}

#[tokio::test]
async fn a_picture_is_nothing_but_a_picture() {
    let router = serving(texts(), PNG);
    let (status, headers, body) = get(&router, "/picture?conflict=c%261&place=left", &[]).await;
    assert_eq!((status, body.as_slice()), (200, PNG));
    for (name, value) in [
        ("content-type", "image/png"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(headers.get(name).unwrap(), value, "{name}");
    }
    for no_picture in [
        &b"<html><script>alert(1)</script>"[..],
        b"<svg onload='x'/>",
        b"",
    ] {
        let router = serving(texts(), no_picture);
        let (status, headers, body) = get(&router, "/picture?conflict=c%261&place=left", &[]).await;
        assert_ne!(status, 200);
        assert_eq!(headers["content-type"], "application/json");
        assert!(!String::from_utf8(body).unwrap().contains("<script"));
    }
    for wrong in [
        "/picture",
        "/picture?conflict=c%261",
        "/picture?conflict=x&place=left",
    ] {
        assert_ne!(get(&router, wrong, &[]).await.0, 200, "{wrong}");
    }
}

#[tokio::test]
async fn who_only_looks_sees_no_contents() {
    let token = Secret::random().unwrap();
    let pass = |scope| Pass {
        name: "a screen in the hall".to_owned(),
        scope,
        token: token.clone(),
    };
    let behind = |scope| {
        let clock = Arc::new(|| Duration::ZERO);
        let door = Door::new(Hosts::loopback(1, false), 1, vec![pass(scope)], clock);
        let manager = Manager {
            comparison: texts(),
            picture: PNG.to_vec(),
        };
        let center = Center::new(Arc::new(manager), 1, "a test", CancellationToken::new());
        router_behind(Arc::new(door), center)
    };
    let bearer = format!("Bearer {}", token.reveal());
    let headers = [("host", "127.0.0.1:1"), ("authorization", bearer.as_str())];
    let addresses = [
        "/compare?conflict=c%261",
        "/picture?conflict=c%261&place=left",
    ];
    for address in addresses {
        let (status, ..) = get(&behind(Access::Read), address, &headers).await;
        assert_eq!(status, 403, "{address}");
        let (status, answer, _) = get(&behind(Access::Run), address, &headers).await;
        assert_eq!(status, 200, "{address}");
        // What the door keeps everything to does not loosen what a picture is kept to.
        let policy = answer["content-security-policy"].to_str().unwrap();
        assert_eq!(
            policy.starts_with("sandbox"),
            address.starts_with("/picture"),
            "{policy}"
        );
    }
}
