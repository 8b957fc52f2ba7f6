//! What every screen stands in.

use maud::{DOCTYPE, Markup, html};
use syncmgr_control::browse::PageView;

use super::moment::Told;
use super::words::{Value, Words};
use super::{asset, mark};

/// A screen of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Screen {
    First,
    Inbox,
    Log,
    Timetable,
    Handlers,
    Settings,
    /// One that no link of the frame leads to.
    Other,
}

impl Screen {
    /// Those that the frame links to.
    const LINKED: [(Self, &'static str); 6] = [
        (Self::First, "/"),
        (Self::Inbox, "/inbox"),
        (Self::Log, "/log"),
        (Self::Timetable, "/timetable"),
        (Self::Handlers, "/handlers"),
        (Self::Settings, "/settings"),
    ];

    fn title(self) -> &'static str {
        match self {
            Self::First | Self::Other => "nav-first",
            Self::Inbox => "nav-inbox",
            Self::Log => "nav-log",
            Self::Timetable => "nav-timetable",
            Self::Handlers => "nav-handlers",
            Self::Settings => "nav-settings",
        }
    }
}

/// How many decisions wait for a person.
pub(crate) fn waiting(page: &PageView) -> u64 {
    page.status.needs + page.status.conflicts
}

/// A whole document around a screen. `fragment` is where the script reads the parts of it that change.
pub(crate) fn document(
    told: &Told,
    page: &PageView,
    screen: Screen,
    title: &str,
    fragment: Option<&str>,
    content: &Markup,
) -> Markup {
    let words = told.words;
    html! {
        (DOCTYPE)
        html lang=(words.language.tag()) {
            (head(&document_title(told, page, title)))
            body data-fragment=[fragment] data-lost=(words.say("connection-lost"))
                data-failed=(words.say("act-failed")) data-settled=(words.say("settled-elsewhere")) {
                a.skip href="#main" { (words.say("skip-to-content")) }
                header.top {
                    a.brand href="/" { (asset::logo()) "syncmgr" }
                    nav aria-label=(words.say("nav-label")) {
                        ul {
                            @for (is, address) in Screen::LINKED {
                                li {
                                    a href=(address) aria-current=[(is == screen).then_some("page")] {
                                        (words.say(is.title()))
                                        @if is == Screen::Inbox { (badge(told, page)) }
                                    }
                                }
                            }
                        }
                    }
                }
                p #said role="alert" hidden {}
                main #main tabindex="-1" { (content) }
                footer { p { (words.say("footer")) } }
            }
        }
    }
}

/// The number of open decisions beside the link to the inbox.
fn badge(told: &Told, page: &PageView) -> Markup {
    let count = waiting(page);
    html! {
        span #badge {
            @if count > 0 {
                " " span.badge aria-hidden="true" { (count) }
                span.unseen { (told.words.count("badge-label", count)) }
            }
        }
    }
}

/// What the tab of the browser says: how things stand first, because nothing else of it may be seen.
fn document_title(told: &Told, page: &PageView, title: &str) -> String {
    let state = mark::state_word(told.words, page.worst.shown);
    let values = [
        ("state", Value::Text(&state)),
        ("title", Value::Text(title)),
    ];
    // Marks that keep directions apart are no part of a title.
    let title = told.words.with("document-title", &values);
    title.replace(['\u{2068}', '\u{2069}'], "")
}

fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            (title_element(title))
            link rel="icon" href=(asset::ICON.address()) type="image/svg+xml";
            link rel="stylesheet" href=(asset::STYLE.address());
            script type="module" src=(asset::SCRIPT.address()) {}
        }
    }
}

fn title_element(title: &str) -> Markup {
    html! { title #title { (title) } }
}

/// What of the frame changes by itself.
pub(crate) fn changing(told: &Told, page: &PageView, title: &str) -> Markup {
    html! {
        (title_element(&document_title(told, page, title)))
        (badge(told, page))
    }
}

/// A document that needs nothing of the manager: why there is no other.
pub(crate) fn bare(words: Words, title: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(words.language.tag()) {
            (head(title))
            body {
                header.top { a.brand href="/" { (asset::logo()) "syncmgr" } }
                main #main { (content) }
            }
        }
    }
}
