//! The second door: who is let in, by what, and what browsers are kept from.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test fails by panicking"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request as Http, Response, StatusCode, header};
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use http_body_util::BodyExt as _;
use syncmgr_center::door::{
    BODY_LIMIT, ENTRY_LIFE, Hosts, MAX_ENTRIES, MAX_FAILURES, MAX_VISITS, Pass, Secret, Stranger,
    VISIT_LIFE, Verify, WINDOW,
};
use syncmgr_center::{Center, Door, router_behind};
use syncmgr_control::method::{Access, METHODS};
use syncmgr_control::{Caller, Changes, Refusal, Reply, Request, Service};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

const HOST: &str = "127.0.0.1:8384";
const ORIGIN: &str = "http://127.0.0.1:8384";
const PASS: &str = "a-token-of-a-program";

/// A manager that does whatever it is asked.
struct Willing;

impl Service for Willing {
    fn call(&self, caller: Caller, _: Request) -> BoxFuture<'_, Result<Reply, Refusal>> {
        let names = vec![caller.name];
        std::future::ready(Ok(Reply::Done { names })).boxed()
    }

    fn changes(&self) -> BoxFuture<'_, Result<Changes, Refusal>> {
        // Nothing happens, and nothing ends.
        std::future::ready(Ok(futures::stream::pending().boxed())).boxed()
    }
}

struct Place {
    door: Arc<Door>,
    router: Router,
    seconds: Arc<AtomicU64>,
}

impl Place {
    fn new() -> Self {
        Self::with(Hosts::loopback(8384, false), false)
    }

    fn with(hosts: Hosts, with_password: bool) -> Self {
        let seconds = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&seconds);
        let pass = |name: &str, scope, token: &str| Pass {
            name: name.to_owned(),
            scope,
            token: Secret::known(token),
        };
        let passes = vec![
            pass("a program", Access::Admin, PASS),
            pass("a panel", Access::Read, "a-token-that-looks"),
        ];
        let clock = Arc::new(move || Duration::from_secs(clock.load(Ordering::Relaxed)));
        let password: Verify = Arc::new(|text| text == "open sesame, please");
        let door = Door::new(hosts, 8384, passes, clock);
        let door = Arc::new(door.with_password(with_password.then_some(password)));
        let center = Center::new(Arc::new(Willing), 1, "a test", CancellationToken::new());
        Self {
            router: router_behind(Arc::clone(&door), center),
            door,
            seconds,
        }
    }

    fn later(&self, by: Duration) {
        self.seconds.fetch_add(by.as_secs(), Ordering::Relaxed);
    }

    async fn ask(&self, request: Http<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn enter(&self, token: &str) -> Response<Body> {
        self.ask(get(&format!("/enter?token={token}"))).await
    }

    /// Enters, and gives the cookie.
    async fn entered(&self, scope: Access) -> String {
        let token = self.door.entry(scope).unwrap();
        let response = self.enter(token.reveal()).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        assert_eq!(response.headers()[header::LOCATION], "/");
        let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
        assert!(
            cookie.ends_with("; HttpOnly; SameSite=Strict; Path=/"),
            "{cookie}"
        );
        cookie.split(';').next().unwrap().to_owned()
    }
}

fn get(address: &str) -> Http<Body> {
    with(Http::get(address).header("host", HOST), &[])
}

fn with(mut request: axum::http::request::Builder, headers: &[(&str, &str)]) -> Http<Body> {
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

fn look(cookie: &str) -> Http<Body> {
    with(
        Http::get("/v1/needs").header("host", HOST),
        &[("cookie", cookie)],
    )
}

fn post(address: &str, headers: &[(&str, &str)]) -> Http<Body> {
    with(Http::post(address).header("host", HOST), headers)
}

async fn text(response: Response<Body>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

async fn refusal(response: Response<Body>) -> (StatusCode, String) {
    let status = response.status();
    let text = text(response).await;
    let refusal: Refusal =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    (status, refusal.code)
}

#[tokio::test]
async fn an_entry_is_good_once_and_soon() {
    let place = Place::new();
    let cookie = place.entered(Access::Run).await;
    assert_eq!(place.ask(look(&cookie)).await.status(), StatusCode::OK);

    let used = place.door.entry(Access::Run).unwrap();
    assert_eq!(
        place.enter(used.reveal()).await.status(),
        StatusCode::SEE_OTHER
    );
    let (status, code) = refusal(place.enter(used.reveal()).await).await;
    assert_eq!(
        (status, &*code),
        (StatusCode::UNAUTHORIZED, "center::no-entry")
    );

    let old = place.door.entry(Access::Run).unwrap();
    place.later(ENTRY_LIFE);
    assert_eq!(
        place.enter(old.reveal()).await.status(),
        StatusCode::UNAUTHORIZED
    );
    // Only so many wait: the oldest goes.
    let first = place.door.entry(Access::Run).unwrap();
    for _ in 0..MAX_ENTRIES {
        place.door.entry(Access::Run).unwrap();
    }
    assert_eq!(
        place.enter(first.reveal()).await.status(),
        StatusCode::UNAUTHORIZED
    );
    for nothing in ["/enter", "/enter?token=", "/enter?token=%zz"] {
        assert_eq!(
            place.ask(get(nothing)).await.status(),
            StatusCode::UNAUTHORIZED
        );
    }
}

#[tokio::test]
async fn looking_at_an_entry_does_not_use_it() {
    let place = Place::new();
    let token = place.door.entry(Access::Run).unwrap();
    let address = format!("/enter?token={}", token.reveal());
    let head = with(Http::head(&address).header("host", HOST), &[]);
    assert_eq!(
        place.ask(head).await.status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
    assert_eq!(
        place.enter(token.reveal()).await.status(),
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn a_browser_that_comes_from_elsewhere_is_led_on_by_a_page_of_ours() {
    let place = Place::new();
    let token = place.door.entry(Access::Run).unwrap();
    let address = format!("/enter?token={}", token.reveal());
    let headers = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
    ];
    let response = place
        .ask(with(Http::get(&address).header("host", HOST), &headers))
        .await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.headers().contains_key(header::SET_COOKIE));
    assert!(text(response).await.contains("url=/"));
}

#[tokio::test]
async fn going_back_to_a_used_entry_leads_to_the_page() {
    let place = Place::new();
    let token = place.door.entry(Access::Run).unwrap();
    let address = format!("/enter?token={}", token.reveal());
    let response = place.ask(get(&address)).await;
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let again = with(
        Http::get(&address).header("host", HOST),
        &[("cookie", &cookie)],
    );
    assert_eq!(place.ask(again).await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_browser_stays_in_for_a_while_and_not_in_another_life() {
    let place = Place::new();
    let cookie = place.entered(Access::Run).await;
    place.later(VISIT_LIFE.saturating_sub(Duration::from_secs(1)));
    assert_eq!(place.ask(look(&cookie)).await.status(), StatusCode::OK);
    place.later(Duration::from_secs(1));
    assert_eq!(
        place.ask(look(&cookie)).await.status(),
        StatusCode::UNAUTHORIZED
    );

    let first = place.entered(Access::Run).await;
    let mut last = String::new();
    for _ in 0..MAX_VISITS {
        last = place.entered(Access::Run).await;
    }
    assert_eq!(
        place.ask(look(&first)).await.status(),
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(place.ask(look(&last)).await.status(), StatusCode::OK);

    // A daemon that began anew tells the way in, as a page to a person and as data to a program.
    let anew = Place::new();
    let (status, code) = refusal(anew.ask(look(&last)).await).await;
    assert_eq!(
        (status, &*code),
        (StatusCode::UNAUTHORIZED, "center::no-entry")
    );
    let headers = [("cookie", &*last), ("accept", "text/html")];
    let page = anew
        .ask(with(Http::get("/").header("host", HOST), &headers))
        .await;
    assert_eq!(page.status(), StatusCode::UNAUTHORIZED);
    assert!(text(page).await.contains("syncmgr center"));
    let headers = [
        ("cookie", &*last),
        ("accept", "text/html"),
        ("accept-language", "fr"),
    ];
    let page = anew
        .ask(with(Http::get("/").header("host", HOST), &headers))
        .await;
    let page = text(page).await;
    assert!(
        page.contains("<html lang=\"fr\">") && page.contains("Ce navigateur n’est pas admis"),
        "{page}"
    );
}

#[tokio::test]
async fn who_leaves_is_forgotten() {
    let place = Place::new();
    let cookie = place.entered(Access::Run).await;
    let foreign = [("cookie", &*cookie), ("origin", "http://evil.example")];
    assert_eq!(
        place.ask(post("/leave", &foreign)).await.status(),
        StatusCode::FORBIDDEN
    );
    assert_eq!(place.ask(look(&cookie)).await.status(), StatusCode::OK);
    let headers = [("cookie", &*cookie), ("origin", ORIGIN)];
    assert_eq!(
        place.ask(post("/leave", &headers)).await.status(),
        StatusCode::SEE_OTHER
    );
    assert_eq!(
        place.ask(look(&cookie)).await.status(),
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn foreign_names_and_pages_are_refused() {
    let place = Place::new();
    let cookie = place.entered(Access::Admin).await;
    let of = |host: &str| {
        with(
            Http::get("/v1/needs").header("host", host),
            &[("cookie", &cookie)],
        )
    };
    let (status, code) = refusal(place.ask(of("evil.example:8384")).await).await;
    assert_eq!(
        (status, &*code),
        (StatusCode::MISDIRECTED_REQUEST, "center::foreign-host")
    );
    assert_eq!(
        place.ask(of("localhost:8384")).await.status(),
        StatusCode::OK
    );
    for (headers, status) in [
        (&[("origin", ORIGIN)][..], StatusCode::OK),
        (&[("sec-fetch-site", "same-origin")], StatusCode::OK),
        (&[("origin", "http://evil.example")], StatusCode::FORBIDDEN),
        (&[("origin", "null")], StatusCode::FORBIDDEN),
        (&[("sec-fetch-site", "cross-site")], StatusCode::FORBIDDEN),
        (&[], StatusCode::FORBIDDEN),
    ] {
        let mut all = vec![("cookie", &*cookie)];
        all.extend(headers);
        let response = place.ask(post("/v1/stop", &all)).await;
        assert_eq!(response.status(), status, "{headers:?}");
    }
}

#[tokio::test]
async fn each_scope_does_what_it_may_and_no_more() {
    let place = Place::new();
    for scope in [Access::Read, Access::Run, Access::Admin] {
        let cookie = place.entered(scope).await;
        for method in METHODS {
            let path = format!("/v1/{}", method.name);
            let headers = [("cookie", &*cookie), ("origin", ORIGIN)];
            let response = place.ask(post(&path, &headers)).await;
            let refused = response.status() == StatusCode::FORBIDDEN;
            assert_eq!(refused, method.access > scope, "{scope:?} {path}");
            if refused {
                assert_eq!(refusal(response).await.1, "center::not-allowed");
            }
        }
    }
}

#[tokio::test]
async fn a_program_shows_its_token() {
    let place = Place::new();
    let by = |token: &str| {
        post(
            "/v1/stop",
            &[("authorization", &*format!("Bearer {token}"))],
        )
    };
    let response = place.ask(by(PASS)).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(text(response).await.contains("a program"));
    assert_eq!(
        place.ask(by("a-token-that-looks")).await.status(),
        StatusCode::FORBIDDEN
    );
    for _ in 0..MAX_FAILURES {
        assert_eq!(
            place.ask(by("wrong")).await.status(),
            StatusCode::UNAUTHORIZED
        );
    }
    let (status, code) = refusal(place.ask(by("wrong")).await).await;
    assert_eq!(
        (status, &*code),
        (StatusCode::TOO_MANY_REQUESTS, "center::too-many")
    );
    // What is right is let in all the same: nobody can shut others out.
    assert_eq!(place.ask(by(PASS)).await.status(), StatusCode::OK);
    place.entered(Access::Read).await;
    place.later(WINDOW);
    assert_eq!(
        place.ask(by("wrong")).await.status(),
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn every_answer_tells_browsers_what_to_keep_to() {
    let place = Place::new();
    let cookie = place.entered(Access::Read).await;
    for request in [
        look(&cookie),
        look("nothing"),
        get("/enter.css"),
        get("/nowhere"),
    ] {
        let response = place.ask(request).await;
        let said = |name: &str| {
            response.headers()[name]
                .to_str()
                .unwrap_or_default()
                .to_owned()
        };
        let policy = said("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(said("x-content-type-options"), "nosniff");
        assert_eq!(said("referrer-policy"), "same-origin");
        assert_eq!(said("cache-control"), "no-store");
        assert!(
            !response
                .headers()
                .contains_key("access-control-allow-origin")
        );
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_or_never_ends_is_refused() {
    let place = Place::new();
    let of = |body: Body| {
        let request = Http::post("/v1/sync").header("host", HOST);
        let request = request.header("authorization", format!("Bearer {PASS}"));
        request.body(body).unwrap()
    };
    let long = of(Body::from(vec![b' '; (2 << 20) + 1]));
    let (status, code) = refusal(place.ask(long).await).await;
    assert_eq!(
        (status, &*code),
        (StatusCode::PAYLOAD_TOO_LARGE, "control::too-large")
    );
    // The clock leaps as soon as nothing else is to be done.
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let never = futures::stream::pending::<Result<Vec<u8>, std::io::Error>>();
    let response = place.ask(of(Body::from_stream(never))).await;
    assert_eq!(response.headers()[header::CONNECTION], "close");
    assert_eq!(
        refusal(response).await,
        (StatusCode::REQUEST_TIMEOUT, "center::too-slow".to_owned())
    );
    assert!((BODY_LIMIT..2 * BODY_LIMIT).contains(&began.elapsed()));
}

#[tokio::test]
async fn a_password_lets_a_person_in_where_there_is_one() {
    let place = Place::with(Hosts::loopback(8384, true), true);
    let html = ("accept", "text/html");
    let ours = ("origin", "https://127.0.0.1:8384");
    let page = |address: &str| with(Http::get(address).header("host", HOST), &[html]);
    let led = place.ask(page("/")).await;
    assert_eq!(led.status(), StatusCode::SEE_OTHER);
    assert_eq!(led.headers()[header::LOCATION], "/enter");
    let form = text(place.ask(page("/enter")).await).await;
    assert!(form.contains("type=\"password\""), "{form}");
    let knock = |password: &str, headers: &[(&str, &str)]| {
        let mut request = Http::post("/enter").header("host", HOST);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request
            .body(Body::from(format!("password={password}")))
            .unwrap()
    };
    let right = "open+sesame%2C+please";
    let let_in = place.ask(knock(right, &[ours])).await;
    assert_eq!(let_in.status(), StatusCode::SEE_OTHER);
    let cookie = let_in.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.ends_with("; Secure"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    assert_eq!(place.ask(look(&cookie)).await.status(), StatusCode::OK);
    // Nobody else's page may try one.
    let foreign = [("origin", "https://evil.example")];
    assert_eq!(
        place.ask(knock(right, &foreign)).await.status(),
        StatusCode::FORBIDDEN
    );
    for attempt in 0..MAX_FAILURES {
        let (language, says) = if attempt == 0 {
            ("fr", "Ce n’est pas le mot de passe.")
        } else {
            ("de", "This is not the password.")
        };
        let headers = [ours, html, ("accept-language", language)];
        let wrong = place.ask(knock("open", &headers)).await;
        assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
        let wrong = text(wrong).await;
        assert!(wrong.contains(says), "{wrong}");
    }
    let (status, code) = refusal(place.ask(knock(right, &[ours])).await).await;
    assert_eq!(
        (status, &*code),
        (StatusCode::TOO_MANY_REQUESTS, "center::too-many")
    );
    place.later(WINDOW);
    assert_eq!(
        place.ask(knock(right, &[ours])).await.status(),
        StatusCode::SEE_OTHER
    );
    // Without one nothing is tried.
    let none = Place::new();
    let ours = ("origin", ORIGIN);
    assert_eq!(
        none.ask(knock(right, &[ours])).await.status(),
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn another_user_of_the_machine_needs_a_token_of_a_program() {
    let place = Place::new();
    let cookie = place.entered(Access::Run).await;
    let token = place.door.entry(Access::Run).unwrap();
    let marked = |mut request: Http<Body>| {
        request.extensions_mut().insert(Stranger);
        request
    };
    for request in [
        look(&cookie),
        get(&format!("/enter?token={}", token.reveal())),
    ] {
        let (status, code) = refusal(place.ask(marked(request)).await).await;
        assert_eq!(
            (status, &*code),
            (StatusCode::FORBIDDEN, "center::not-yours")
        );
    }
    let bearer = [("authorization", &*format!("Bearer {PASS}"))];
    let by_token = marked(post("/v1/stop", &bearer));
    assert_eq!(place.ask(by_token).await.status(), StatusCode::OK);
    // The way in was not used up by it.
    assert_eq!(
        place.enter(token.reveal()).await.status(),
        StatusCode::SEE_OTHER
    );
}

/// What a stream says until it ends.
async fn followed(place: &Place, name: &str, value: &str) -> BoxFuture<'static, ()> {
    let request = Http::get("/v1/changes").header("host", HOST);
    let response = place.ask(with(request, &[(name, value)])).await;
    assert_eq!(response.status(), StatusCode::OK);
    let body = response.into_body().collect();
    async { drop(body.await.unwrap()) }.boxed()
}

// The clock leaps to the next wait that ends as soon as nothing else is to be done.
#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_the_visit_that_it_is_of() {
    let place = Place::new();
    let limit = Duration::from_secs(60);
    // Who leaves is told nothing any more, and others are.
    let (leaves, stays) = (
        place.entered(Access::Read).await,
        place.entered(Access::Read).await,
    );
    let of_leaving = followed(&place, "cookie", &leaves).await;
    let mut of_staying = followed(&place, "cookie", &stays).await;
    let mut of_program = followed(&place, "authorization", &format!("Bearer {PASS}")).await;
    let leave = Http::post("/leave").header("host", HOST);
    let leave = with(leave, &[("cookie", &leaves), ("origin", ORIGIN)]);
    assert_eq!(place.ask(leave).await.status(), StatusCode::SEE_OTHER);
    let ended = tokio::time::timeout(limit, of_leaving).await;
    ended.unwrap();
    assert!(tokio::time::timeout(limit, &mut of_staying).await.is_err());
    // Who is the oldest of too many must enter again.
    for _ in 0..MAX_VISITS {
        place.entered(Access::Read).await;
    }
    tokio::time::timeout(limit, of_staying).await.unwrap();
    // A visit has an end by itself, also for whoever does nothing else.
    let late = place.entered(Access::Read).await;
    let of_late = followed(&place, "cookie", &late).await;
    let began = tokio::time::Instant::now();
    of_late.await;
    assert!(began.elapsed() >= VISIT_LIFE);
    // A token is good as long as its door is there.
    assert!(tokio::time::timeout(limit, &mut of_program).await.is_err());
}
