//! A refusal as it is answered: JSON for programs, a short page for people.

use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use syncmgr_control::{ExitCode, Refusal};

/// What begins every address of the API.
const API: &str = syncmgr_control::method::ROOT;

/// Whether whoever asks this wants to read a page.
pub(crate) fn wants_page(parts: &Parts) -> bool {
    let accepts = parts.headers.get_all(header::ACCEPT).iter();
    let mut accepts = accepts.filter_map(|value| value.to_str().ok());
    !parts.uri.path().starts_with(API)
        && parts.method != Method::OPTIONS
        && accepts.any(|accept| accept.contains("text/html"))
}

/// A refusal for whoever wants a page, or does not.
pub(crate) fn to(page: bool, refusal: &Refusal) -> Response {
    if !page {
        return json(refusal);
    }
    let hint = refusal.hint.as_deref().unwrap_or_default();
    let text = format!(
        "<h1>{}</h1><p>{}</p><p><a href=\"/\">Try again</a></p>",
        escaped(&sentence(&refusal.message)),
        advice(hint),
    );
    frame(status(refusal), &text)
}

/// The page that asks for the password, after a wrong one with the refusal.
pub(crate) fn ask_password(refusal: Option<&Refusal>) -> Response {
    let wrong = refusal.map_or_else(String::new, |refusal| {
        let text = escaped(&sentence(&refusal.message));
        format!("<p role=\"alert\">{text}</p>")
    });
    let text = format!(
        "<h1>Sync Center</h1>{wrong}<form method=\"post\" action=\"/enter\"><label for=\"password\">Password</label> \
         <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" required autofocus> \
         <button>Enter</button></form>"
    );
    frame(refusal.map_or(StatusCode::OK, status), &text)
}

fn frame(status: StatusCode, main: &str) -> Response {
    let text = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Sync Center</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\">\
         <link rel=\"stylesheet\" href=\"/enter.css\"></head><body><main>{main}</main></body></html>\n"
    );
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (status, headers, text).into_response()
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
        ("center::no-entry", _) => StatusCode::UNAUTHORIZED,
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
        (_, ExitCode::Failed) => StatusCode::INTERNAL_SERVER_ERROR,
        (_, ExitCode::Good | ExitCode::Warnings | ExitCode::NeedsYou | ExitCode::CouldNotStart) => {
            StatusCode::CONFLICT
        }
    }
}

/// A hint as a sentence; the command that it ends with can be copied as it is.
fn advice(hint: &str) -> String {
    match hint.split_once(": syncmgr ") {
        Some((what, words)) => {
            let what = sentence(what);
            let what = escaped(what.trim_end_matches('.'));
            format!("{what}: <code>syncmgr {}</code>", escaped(words))
        }
        None => escaped(&sentence(hint)),
    }
}

/// A fragment as a sentence.
fn sentence(fragment: &str) -> String {
    let mut letters = fragment.chars();
    let Some(first) = letters.next() else {
        return String::new();
    };
    let end = if fragment.ends_with(['.', '?', '!']) {
        ""
    } else {
        "."
    };
    format!("{}{}{end}", first.to_uppercase(), letters.as_str())
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            letter => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_become_sentences_and_harm_nothing() {
        assert_eq!(sentence("nothing is here"), "Nothing is here.");
        assert_eq!(sentence("what?"), "What?");
        assert_eq!(sentence(""), "");
        assert_eq!(
            advice("open it with: syncmgr center <x>"),
            "Open it with: <code>syncmgr center &lt;x&gt;</code>"
        );
        assert_eq!(advice("try again"), "Try again.");
        assert_eq!(
            escaped("<b a=\"'\">&"),
            "&lt;b a=&quot;&#39;&quot;&gt;&amp;"
        );
    }
}
