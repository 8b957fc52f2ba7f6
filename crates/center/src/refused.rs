//! A refusal as it is answered: JSON for programs, a short page for people.

use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use maud::{DOCTYPE, Markup, html};
use syncmgr_control::{ExitCode, Refusal};

use crate::page::words::Words;
use crate::page::{refusal, show};

/// What begins every address of the API.
const API: &str = syncmgr_control::method::ROOT;

/// The words of whoever asks this and wants to read a page; nothing for a program.
pub(crate) fn wants_page(parts: &Parts) -> Option<Words> {
    let accepts = parts.headers.get_all(header::ACCEPT).iter();
    let mut accepts = accepts.filter_map(|value| value.to_str().ok());
    let wants = !parts.uri.path().starts_with(API)
        && parts.method != Method::OPTIONS
        && accepts.any(|accept| accept.contains("text/html"));
    wants.then(|| show::words(&parts.headers))
}

/// A refusal for whoever wants a page, or does not.
pub(crate) fn to(page: Option<Words>, refusal: &Refusal) -> Response {
    let Some(words) = page else {
        return json(refusal);
    };
    let main = html! {
        h1 { (words.say("refused-title")) }
        (refusal::lines(words, refusal))
        p { a href="/" { (words.say("enter-again")) } }
    };
    frame(words, status(refusal), &main)
}

/// The page that asks for the password, after a wrong one with the refusal.
pub(crate) fn ask_password(words: Words, refusal: Option<&Refusal>) -> Response {
    let main = html! {
        h1 { "Sync Center" }
        @if let Some(refusal) = refusal {
            p role="alert" {
                (words.refusal(&refusal.code).map_or_else(|| refusal::sentence(&refusal.message), |(what, _)| what))
            }
        }
        form method="post" action="/enter" {
            label for="password" { (words.say("enter-password")) } " "
            input #password name="password" type="password" autocomplete="current-password" required autofocus;
            " " button { (words.say("enter-do")) }
        }
    };
    frame(words, refusal.map_or(StatusCode::OK, status), &main)
}

/// A document that whoever is not let in may see, with a style sheet of its own.
fn frame(words: Words, status: StatusCode, main: &Markup) -> Response {
    let document = html! {
        (DOCTYPE)
        html lang=(words.language.tag()) {
            head {
                meta charset="utf-8";
                title { "Sync Center" }
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                link rel="stylesheet" href="/enter.css";
            }
            body { main { (main) } }
        }
    };
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::VARY, "accept, accept-language"),
    ];
    (status, headers, document.into_string()).into_response()
}

/// A refusal with the status that fits it.
pub(crate) fn json(refusal: &Refusal) -> Response {
    match serde_json::to_vec(refusal) {
        Ok(bytes) => {
            let headers = [(header::CONTENT_TYPE, "application/json")];
            (status(refusal), headers, bytes).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The status that fits a refusal.
pub(crate) fn status(refusal: &Refusal) -> StatusCode {
    match (refusal.code.as_str(), refusal.exit) {
        ("control::unknown-method" | "control::unknown-address", _) => StatusCode::NOT_FOUND,
        ("control::not-so", _) => StatusCode::METHOD_NOT_ALLOWED,
        ("control::too-large", _) => StatusCode::PAYLOAD_TOO_LARGE,
        ("control::invalid-request", _) => StatusCode::BAD_REQUEST,
        ("center::no-entry" | "center::wrong-password", _) => StatusCode::UNAUTHORIZED,
        (
            "center::not-allowed"
            | "center::not-yours"
            | "center::foreign-origin"
            | "center::stale-form",
            _,
        ) => StatusCode::FORBIDDEN,
        ("center::foreign-host", _) => StatusCode::MISDIRECTED_REQUEST,
        ("center::too-many", _) => StatusCode::TOO_MANY_REQUESTS,
        ("center::too-slow", _) => StatusCode::REQUEST_TIMEOUT,
        // A report that comes too late is no fault of anybody's here.
        ("report::not-open", _) => StatusCode::CONFLICT,
        (_, ExitCode::Failed) => StatusCode::INTERNAL_SERVER_ERROR,
        (_, ExitCode::Good | ExitCode::Warnings | ExitCode::NeedsYou | ExitCode::CouldNotStart) => {
            StatusCode::CONFLICT
        }
    }
}
