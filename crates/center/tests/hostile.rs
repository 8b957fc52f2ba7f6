//! Requests that nobody honest sends: each is refused with a reason, and the page is never broken by them.
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
use axum::http::{Request as Http, StatusCode};
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use http_body_util::BodyExt as _;
use syncmgr_center::door::{Hosts, Pass, Secret};
use syncmgr_center::{Center, Door, router_behind};
use syncmgr_control::method::Access;
use syncmgr_control::{Caller, Changes, Refusal, Reply, Request, Service};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

const TOKEN: &str = "a-token-of-a-program";
/// What a person, or a program, may have mangled.
const MANGLED: &[&str] = &[
    "",
    "0",
    "-1",
    "18446744073709551615",
    "18446744073709551616",
    "1e9",
    "NaN",
    "%00",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "%ff%fe",
    "%",
    "%zz",
    "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
    "%22%3E%3Cimg%20src%3Dx%3E",
    "%E2%80%AE",
    "%1B%5B2J",
    "a&a&a&a",
    "%0d%0aset-cookie:%20x=y",
];
/// Every screen, with the parameter that says of what it is.
const SCREENS: &[&str] = &[
    "/?page=",
    "/?filter=",
    "/item?name=",
    "/item?name=a&schedule=",
    "/item?name=a&did=changed&which=",
    "/plan?name=",
    "/properties?name=",
    "/run?id=",
    "/inbox?need=",
    "/log?item=",
    "/log?before=",
    "/timetable?hours=",
    "/handlers?id=",
    "/handlers?registered=",
    "/settings?tab=",
    "/fragment/",
    "/fragment/item?name=",
    "/fragment/run?id=",
    "/assets/",
    "/v1/",
    "/v1/run?id=",
    "/v1/show?name=",
    "/v1/log?before=",
];

/// A manager that knows nothing and refuses it.
struct Ignorant;

impl Service for Ignorant {
    fn call(&self, _: Caller, _: Request) -> BoxFuture<'_, Result<Reply, Refusal>> {
        let refusal = Refusal::new(
            "control::unknown-name",
            "nothing is called that",
            "look at the list",
        );
        std::future::ready(Err(refusal)).boxed()
    }

    fn changes(&self) -> BoxFuture<'_, Result<Changes, Refusal>> {
        std::future::ready(Ok(futures::stream::empty().boxed())).boxed()
    }
}

fn router() -> Router {
    let pass = Pass {
        name: "a program".to_owned(),
        scope: Access::Admin,
        token: Secret::known(TOKEN),
    };
    let hosts = Hosts::loopback(8384, false);
    let door = Door::new(hosts, 8384, vec![pass], Arc::new(|| Duration::ZERO));
    let center = Center::new(Arc::new(Ignorant), 1, "a test", CancellationToken::new());
    router_behind(Arc::new(door), center)
}

/// The status, whether it is a page, and the text.
async fn said(request: Http<Body>) -> (StatusCode, bool, String) {
    let response = router().oneshot(request).await.unwrap();
    let status = response.status();
    assert!(!response.headers().contains_key("set-cookie"));
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    let media_type = response.headers().get("content-type");
    let is_page = media_type.is_some_and(|is| is.to_str().unwrap().starts_with("text/html"));
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, is_page, String::from_utf8(bytes.to_vec()).unwrap())
}

fn asked(address: &str, accept: &str) -> Option<Http<Body>> {
    let request = Http::get(address)
        .header("host", "127.0.0.1:8384")
        .header("accept", accept)
        .header("authorization", format!("Bearer {TOKEN}"));
    // What is no address at all is refused before us.
    request.body(Body::empty()).ok()
}

#[tokio::test]
async fn whatever_a_screen_is_asked_for_is_answered_or_refused_whole() {
    let mut addresses: Vec<String> = Vec::new();
    for screen in SCREENS {
        addresses.extend(MANGLED.iter().map(|value| format!("{screen}{value}")));
        addresses.push(format!("{screen}{}", "x".repeat(10_000)));
    }
    for path in [
        "/%2e%2e/etc/passwd",
        "/..%2f..",
        "//",
        "/%00",
        "/item%00",
        "/\\",
        "/item/..",
        "/v1/%2e%2e",
    ] {
        addresses.push(path.to_owned());
    }
    let mut asked_for = 0;
    for address in &addresses {
        for accept in ["text/html", "application/json"] {
            let Some(request) = asked(address, accept) else {
                continue;
            };
            asked_for += 1;
            let (status, is_page, text) = said(request).await;
            assert!(!status.is_server_error(), "{address}: {status} {text}");
            assert!(!text.is_empty(), "{address}: {status} says nothing");
            let (any, of_page) = (
                ["\u{202e}", "\u{1b}", "\0", "root:"],
                ["<script>alert", "<img src=x"],
            );
            let breaches = any.iter().chain(of_page.iter().filter(|_| is_page));
            for breach in breaches {
                assert!(!text.contains(breach), "{address}: {breach:?} in {text}");
            }
            if text.starts_with("<!DOCTYPE") {
                assert!(text.trim_end().ends_with("</html>"), "{address}: {text}");
            }
        }
    }
    assert!(asked_for > 600, "{asked_for}");
}

#[tokio::test]
async fn forms_that_are_no_forms_do_nothing() {
    for (address, body) in [
        ("/act/", ""),
        ("/act/sync", "%%%"),
        ("/act/sync", "names=%ff"),
        ("/act/nothing", "a=b"),
        ("/act/answer", "need=x&choice="),
        ("/act/answer", "need=-1&choice=yes"),
        ("/resolve-all", "x"),
        ("/v1/answer", "{\"need\":1e99}"),
        ("/v1/sync", "{\"names\":[\"\\u0000\"]}"),
        ("/enter", "password=%00"),
        ("/leave?x", "y"),
    ] {
        let request = Http::post(address)
            .header("host", "127.0.0.1:8384")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", format!("Bearer {TOKEN}"));
        let response = router()
            .oneshot(request.body(Body::from(body)).unwrap())
            .await
            .unwrap();
        let status = response.status();
        assert!(
            !status.is_server_error() && !status.is_success(),
            "{address} {body}: {status}"
        );
    }
}
