//! Asks the manager for what a screen shows, and answers with it.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use serde_json::{Map, Value};
use syncmgr_control::Refusal;
use syncmgr_control::browse::PageView;

use super::frame::{self, Screen};
use super::moment::Told;
use super::words::{Language, Words};
use super::{address, load, refusal};
use crate::api::Center;
use crate::refused;
use crate::visitor::Visitor;

/// What somebody looks at.
pub(crate) struct Looked {
    pub(crate) screen: Screen,
    pub(crate) title: String,
    pub(crate) told: Told,
    pub(crate) page: PageView,
    pub(crate) content: Markup,
    /// Where the parts that change are read; absent: nothing of it does.
    pub(crate) fragment: Option<String>,
}

/// What somebody wants to look at.
pub(crate) struct Look<'a> {
    pub(crate) center: &'a Center,
    pub(crate) visitor: &'a Visitor,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) words: Words,
    pub(crate) params: Map<String, Value>,
    /// Only what changes is wanted.
    pub(crate) only_changing: bool,
    /// Where it stands.
    pub(crate) back: String,
}

impl<'a> Look<'a> {
    /// A look at a whole screen without parameters, such as one that a form comes back with.
    pub(crate) fn new(
        center: &'a Center,
        visitor: &'a Visitor,
        headers: &'a HeaderMap,
        back: String,
    ) -> Self {
        Self {
            center,
            visitor,
            headers,
            words: words(headers),
            params: Map::new(),
            only_changing: false,
            back,
        }
    }
}

/// A screen as a whole document.
pub(crate) async fn document(
    center: &Center,
    visitor: &Visitor,
    headers: &HeaderMap,
    screen: &str,
    query: Option<&str>,
) -> Response {
    match look(center, visitor, headers, screen, query, false).await {
        Ok(looked) => whole(StatusCode::OK, &looked),
        Err(refusal) => refused(headers, &refusal, "/"),
    }
}

/// What somebody looks at as a whole document.
pub(crate) fn whole(status: StatusCode, looked: &Looked) -> Response {
    let document = frame::document(
        &looked.told,
        &looked.page,
        looked.screen,
        &looked.title,
        looked.fragment.as_deref(),
        &looked.content,
    );
    markup(status, document)
}

/// The parts of a screen that change by themselves.
pub(crate) async fn fragment(
    center: &Center,
    visitor: &Visitor,
    headers: &HeaderMap,
    screen: &str,
    query: Option<&str>,
) -> Response {
    match look(center, visitor, headers, screen, query, true).await {
        Ok(looked) => {
            let parts = html! {
                (frame::changing(&looked.told, &looked.page, &looked.title))
                (looked.content)
            };
            markup(StatusCode::OK, parts)
        }
        Err(refusal) => plain(
            refused::status(&refusal),
            &refusal::text(words(headers), &refusal),
        ),
    }
}

/// Why something was not done, as a document of its own.
pub(crate) fn refused(headers: &HeaderMap, refusal: &Refusal, back: &str) -> Response {
    let words = words(headers);
    let is_over = matches!(refusal.code.as_str(), "need::unknown" | "need::answered");
    let title = words.say(if is_over {
        "refused-answered"
    } else {
        "refused-title"
    });
    let content = html! {
        section.card.refusal {
            h1 { (title) }
            (refusal::lines(words, refusal))
            p { a href=(back) { (words.say("refused-back")) } }
        }
    };
    markup(
        refused::status(refusal),
        frame::bare(words, &title, &content),
    )
}

/// The words of whoever asks.
pub(crate) fn words(headers: &HeaderMap) -> Words {
    let wanted = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok());
    Words::of(Language::preferred(wanted.unwrap_or_default()))
}

/// A text as it is.
pub(crate) fn plain(status: StatusCode, text: &str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, text.to_owned()).into_response()
}

fn markup(status: StatusCode, markup: Markup) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        // What was true a moment ago is not shown again by going back.
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "accept-language"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, markup.into_string()).into_response()
}

async fn look(
    center: &Center,
    visitor: &Visitor,
    headers: &HeaderMap,
    screen: &str,
    query: Option<&str>,
    only_changing: bool,
) -> Result<Looked, Refusal> {
    let found = super::SCREENS.iter().find(|(name, _)| *name == screen);
    let Some((name, path)) = found else {
        return Err(load::unknown_address());
    };
    let query = query.unwrap_or_default();
    let here = if query.is_empty() {
        (*path).to_owned()
    } else {
        format!("{path}?{query}")
    };
    let look = Look {
        center,
        visitor,
        headers,
        words: words(headers),
        params: load::params(query)?,
        only_changing,
        back: address::back(Some(&here)).to_owned(),
    };
    look.screen(name).await
}
