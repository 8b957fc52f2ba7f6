//! What stands before every address behind the door: names, pages, tokens, limits and what browsers are told to keep to.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{RawQuery, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use syncmgr_control::Refusal;
use syncmgr_control::request::MAX_REQUEST_BYTES;

use super::{Door, Hosts, NO_ENTRY, Secret, Stranger, no_entry, stranger};
use crate::visitor::Visitor;
use crate::{query, refused};

/// How long the body of a request may take to arrive.
pub const BODY_LIMIT: Duration = Duration::from_secs(30);

/// Longest form with a password.
const MAX_FORM_BYTES: usize = 8 * 1024;

/// What whoever is not yet let in may look at.
const OPEN: &[&str] = &["/enter", "/enter.css"];

/// Said with every answer: nothing from elsewhere, nothing inline, in no frame, kept nowhere.
const KEPT_TO: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // With less, a browser says of our own forms that they come from nowhere (`Origin: null`).
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

/// How the page looks that only says why there is no other.
const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;margin:0}\
main{max-width:36rem;margin:15vh auto;padding:0 1.5rem}h1{font-size:1.35rem;font-weight:600}\
code,input,button{font:inherit}code{font-family:ui-monospace,monospace;font-weight:600}\
input,button{padding:.4rem .7rem;min-height:2rem}\n";

/// The addresses of a router, behind a door.
pub(crate) fn guarded(router: Router, door: Arc<Door>) -> Router {
    let enter = Router::new()
        .route("/enter", get(enter).post(knock))
        .route("/enter.css", get(style))
        .route("/leave", post(leave))
        .with_state(Arc::clone(&door));
    router
        .merge(enter)
        .layer(middleware::from_fn_with_state(door, guard))
        .layer(middleware::map_response(keep_to))
}

async fn keep_to(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in KEPT_TO {
        // What is kept to less may say so itself.
        let kept = headers.entry(name);
        kept.or_insert(HeaderValue::from_static(value));
    }
    // What never changes may say so itself.
    let kept = headers.entry(header::CACHE_CONTROL);
    kept.or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn guard(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let page = refused::wants_page(&parts);
    match look_at(&door, &parts) {
        Ok(Some(visitor)) => {
            parts.extensions.insert(visitor);
        }
        Ok(None) => {}
        Err(refusal) if page.is_some() && refusal.code == NO_ENTRY && door.asks_password() => {
            return (StatusCode::SEE_OTHER, [(header::LOCATION, "/enter")]).into_response();
        }
        Err(refusal) => return refused::to(page, &refusal),
    }
    // Whole and in time, or not at all: nobody holds up what waits for it.
    let body = match tokio::time::timeout(BODY_LIMIT, to_bytes(body, MAX_REQUEST_BYTES)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return refused::to(page, &crate::api::too_large()),
        Err(_) => return closing(refused::to(page, &too_slow())),
    };
    next.run(Request::from_parts(parts, Body::from(body))).await
}

/// Who asks, when that is somebody, and may ask so.
fn look_at(door: &Door, parts: &Parts) -> Result<Option<Visitor>, Refusal> {
    let host = door.hosts.host(parts)?;
    let token = bearer(parts);
    Hosts::check(parts, host, token.is_some())?;
    let is_stranger = parts.extensions.get::<Stranger>().is_some();
    if is_stranger && token.is_none() && !door.asks_password() {
        return Err(stranger());
    }
    if OPEN.contains(&parts.uri.path()) {
        return Ok(None);
    }
    if let Some(token) = token {
        return door.program(token).map(Some);
    }
    let visitor = cookie(door, parts).and_then(|cookie| door.visit(cookie));
    visitor.map(Some).ok_or_else(|| no_entry(false))
}

fn bearer(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

fn cookie<'a>(door: &Door, parts: &'a Parts) -> Option<&'a str> {
    let lines = parts.headers.get_all(header::COOKIE).iter();
    let mut pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(name, value)| (name == door.cookie).then_some(value))
}

/// `GET /enter?token=…`: an entry against a cookie.
async fn enter(
    State(door): State<Arc<Door>>,
    RawQuery(text): RawQuery,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let page = refused::wants_page(&parts);
    if parts.method != Method::GET {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let brought = query::value(text.as_deref().unwrap_or_default(), "token");
    let Some(brought) = brought else {
        if let Some(words) = page.filter(|_| door.asks_password()) {
            return refused::ask_password(words, None);
        }
        return refused::to(page, &no_entry(false));
    };
    match door.enter(&brought) {
        Ok(given) => (
            [(header::SET_COOKIE, set(&door, &parts, &given))],
            onward(&parts),
        )
            .into_response(),
        // Who goes back in the browser is in already.
        Err(_) if cookie(&door, &parts).is_some_and(|cookie| door.visit(cookie).is_some()) => {
            onward(&parts)
        }
        Err(refusal) => refused::to(page, &refusal),
    }
}

/// `POST /enter`: a password against a cookie.
async fn knock(State(door): State<Arc<Door>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let page = refused::wants_page(&parts);
    let form = to_bytes(body, MAX_FORM_BYTES).await.unwrap_or_default();
    let brought = query::value(&String::from_utf8_lossy(&form), "password");
    match door.knock(brought.unwrap_or_default()).await {
        Ok(given) => (
            [(header::SET_COOKIE, set(&door, &parts, &given))],
            onward(&parts),
        )
            .into_response(),
        Err(refusal) => match page {
            Some(words) => refused::ask_password(words, Some(&refusal)),
            None => refused::json(&refusal),
        },
    }
}

/// The cookie that a browser is given.
fn set(door: &Door, parts: &Parts, given: &Secret) -> String {
    let secure = door.hosts.host(parts).is_ok_and(|host| host.secure);
    let secure = if secure { "; Secure" } else { "" };
    let (name, value) = (&door.cookie, given.reveal());
    format!("{name}={value}; HttpOnly; SameSite=Strict; Path=/{secure}")
}

/// To the first screen. A browser that came from elsewhere would not bring the cookie along a redirection, so a page of our
/// own sends it there.
fn onward(parts: &Parts) -> Response {
    let site = parts.headers.get("sec-fetch-site");
    if site.is_none_or(|site| site == "none" || site == "same-origin") {
        return (StatusCode::SEE_OTHER, [(header::LOCATION, "/")]).into_response();
    }
    let text = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>syncmgr</title>\
                <meta http-equiv=\"refresh\" content=\"0;url=/\"></head><body><a href=\"/\">Sync Center</a></body></html>\n";
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response()
}

/// `POST /leave`: the browser is to be forgotten.
async fn leave(State(door): State<Arc<Door>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    if let Some(cookie) = cookie(&door, &parts) {
        door.leave(cookie);
    }
    let cookie = format!("{}=; Max-Age=0; Path=/", door.cookie);
    let headers = [
        (header::SET_COOKIE, cookie),
        (header::LOCATION, "/enter".to_owned()),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css")], STYLE).into_response()
}

fn too_slow() -> Refusal {
    Refusal::new(
        "center::too-slow",
        format!(
            "the request did not arrive within {} s",
            BODY_LIMIT.as_secs()
        ),
        "send it at once",
    )
}

/// The rest of what is sent must not be taken for another request.
fn closing(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
