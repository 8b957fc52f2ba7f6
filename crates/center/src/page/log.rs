//! Results and log, with the links that lead to a handler's own action.

use maud::{Markup, html};
use syncmgr_control::method::Access;
use syncmgr_control::view::{Level, LogPage, LogView};

use super::moment::Told;
use super::{address, mark};

/// Entries of one page.
pub(crate) const ENTRIES: u32 = 100;

/// What of the log was chosen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chosen {
    pub(crate) name: Option<String>,
    pub(crate) at_least: Option<Level>,
}

impl Chosen {
    /// As a query, from before an entry on.
    pub(crate) fn query(&self, before: Option<u64>) -> String {
        let mut parts = Vec::new();
        if let Some(name) = &self.name {
            parts.push(format!("name={}", address::encoded(name)));
        }
        match self.at_least {
            Some(Level::Warning) => parts.push("atLeast=warning".to_owned()),
            Some(Level::Error) => parts.push("atLeast=error".to_owned()),
            Some(Level::Information) | None => {}
        }
        if let Some(before) = before {
            parts.push(format!("before={before}"));
        }
        parts.join("&")
    }
}

/// The log, newest first.
pub(crate) fn log(told: &Told, page: &LogPage, chosen: &Chosen) -> Markup {
    let words = told.words;
    html! {
        h1 { (words.say("nav-log")) }
        form.filter method="get" action="/log" role="search" aria-label=(words.say("filter-label")) {
            label { span { (words.say("log-name")) } input type="search" name="name" value=[chosen.name.as_deref()] maxlength="200"; }
            label { span { (words.say("log-level")) }
                select name="atLeast" {
                    @for (value, level, id) in [
                        ("", None, "filter-any"),
                        ("warning", Some(Level::Warning), "log-warnings"),
                        ("error", Some(Level::Error), "log-errors"),
                    ] {
                        option value=(value) selected[chosen.at_least == level] { (words.say(id)) }
                    }
                } }
            button { (words.say("filter-go")) }
        }
        (changing(told, page, chosen))
    }
}

/// The entries.
pub(crate) fn changing(told: &Told, page: &LogPage, chosen: &Chosen) -> Markup {
    let words = told.words;
    html! {
        div #log {
            @if page.entries.is_empty() { p.empty { (words.say("feed-none")) } }
            (entries(told, &page.entries))
            @if let Some(before) = page.before {
                nav.pager aria-label=(words.say("pager-label")) {
                    a rel="next" href={ "/log?" (chosen.query(Some(before))) } { (words.say("log-older")) }
                }
            }
        }
    }
}

/// Entries as a list.
pub(crate) fn entries(told: &Told, entries: &[LogView]) -> Markup {
    html! {
        ul.entries { @for entry in entries { (one(told, entry)) } }
    }
}

/// The end of a log in a box of its own, oldest first: it follows what comes, unless somebody reads further up.
pub(crate) fn tail(told: &Told, id: &str, entries: &[LogView]) -> Markup {
    html! {
        @if entries.is_empty() { p.empty { (told.words.say("tail-none")) } }
        @else {
            div.tail data-tail tabindex="0" role="region" aria-label=(told.words.say("nav-log")) {
                ul.entries id=(id) data-keyed { @for entry in entries { (one(told, entry)) } }
            }
        }
    }
}

fn one(told: &Told, entry: &LogView) -> Markup {
    let words = told.words;
    html! {
        li.entry #{ "log-" (entry.id) } {
            span.entry-when { (told.clock(entry.at_ms)) }
            span.entry-level { (mark::level(words, entry.level)) }
            div {
                p {
                    @if let Some(item) = &entry.item {
                        a href=(address::of_item(entry.handler.as_deref(), entry.item_id.as_deref(), item)) { (mark::short(item)) }
                        " "
                    }
                    @if !entry.handler_name.is_empty() { (mark::short(&entry.handler_name)) " " }
                    @if let Some(run) = entry.run { a href=(address::run(run)) { (words.count("run-number", run)) } " " }
                    (mark::quoted(words, &entry.text))
                }
                @if let Some(detail) = &entry.detail { (mark::long(words, &format!("log-{}-detail", entry.id), detail)) }
                @if entry.link && told.may(Access::Run) {
                    form.acts-left method="post" data-live {
                        (told.form())
                        input type="hidden" name="entry" value=(entry.id);
                        button formaction="/act/open-link" { (words.say("link-open")) }
                        button formaction="/act/dismiss-link" { (words.say("link-dismiss")) }
                    }
                }
            }
        }
    }
}
