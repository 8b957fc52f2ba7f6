//! Registering a handler: what runs is said, known and consented to before it is started once, and reported after.

use maud::{Markup, html};
use serde_json::{Map, Value};
use syncmgr_control::Refusal;
use syncmgr_control::method::Access;
use syncmgr_control::registration::Registered;

use super::moment::Told;
use super::words::Value as Filled;
use super::{mark, refusal};

/// What came of a registration.
#[derive(Debug)]
pub(crate) enum Enrolled {
    Done(Registered),
    Refused(Rejected),
}

/// What was typed and not registered.
#[derive(Debug)]
pub(crate) struct Rejected {
    /// The `runs` of the request, as it was typed.
    pub(crate) runs: Map<String, Value>,
    /// Why; absent where nobody said that he knows it.
    pub(crate) refusal: Option<Refusal>,
}

/// The ways to say what runs: its kind, what it is called, and its fields.
const WAYS: [(&str, &str, &[Field]); 3] = [
    ("command", "kind-command", &[Field::Words, Field::Directory]),
    ("library", "kind-library", &[Field::Path, Field::Classes]),
    ("class", "kind-class", &[Field::Class]),
];

#[derive(Debug, Clone, Copy)]
enum Field {
    Words,
    Directory,
    Path,
    Classes,
    Class,
}

impl Field {
    fn name(self) -> &'static str {
        match self {
            Self::Words => "words",
            Self::Directory => "directory",
            Self::Path => "path",
            Self::Classes => "classes",
            Self::Class => "class",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Words => "register-words",
            Self::Directory => "register-directory",
            Self::Path => "register-path",
            Self::Classes => "register-classes",
            Self::Class => "register-class",
        }
    }

    fn is_long(self) -> bool {
        matches!(self, Self::Words | Self::Classes)
    }

    /// What it holds before anything was typed.
    fn start(self) -> &'static str {
        match self {
            Self::Directory => "/",
            Self::Words | Self::Path | Self::Classes | Self::Class => "",
        }
    }
}

/// What came of it, above everything else.
pub(crate) fn report(told: &Told, enrolled: Option<&Enrolled>) -> Markup {
    let words = told.words;
    let Some(Enrolled::Done(done)) = enrolled else {
        return html! {};
    };
    html! {
        section.card.done role="status" {
            @for handler in &done.handlers {
                p { (mark::Tone::Good.glyph()) " " (words.with("register-done", &[("name", Filled::Text(&mark::cut(&handler.name)))]))
                    " " code { bdi { (mark::cut(&handler.id)) } }
                    @if handler.replaced { " " (words.say("register-replaced")) } }
                @if !handler.offers.is_empty() { p { (words.say("handler-can")) ": " @for offer in &handler.offers { code { bdi { (mark::cut(offer)) } } " " } } }
                form.acts-left method="post" action="/act/refresh" { (told.form_to("/handlers"))
                    input type="hidden" name="handler" value=(handler.id);
                    button { (words.say("setup-handler-ask")) } }
            }
            @for path in &done.absolute { p.faint { code { (mark::cut(&path.given)) } " → " code { (mark::cut(&path.path)) } } }
            @for word in &done.relative { p.row-problem { code { (mark::cut(word)) } " " (words.say("register-relative")) } }
        }
    }
}

/// Registering starts a program of somebody's choice, so it says so and asks for consent.
pub(crate) fn form(told: &Told, enrolled: Option<&Enrolled>) -> Markup {
    let words = told.words;
    let rejected = match enrolled {
        Some(Enrolled::Refused(rejected)) => Some(rejected),
        Some(Enrolled::Done(_)) | None => None,
    };
    html! {
        section.card #register aria-labelledby="register-title" {
            h2 #register-title { (words.say("register-title")) }
            @if told.may(Access::Admin) {
                p { (words.say("register-text")) }
                @for (kind, title, fields) in WAYS { (way(told, kind, title, fields, rejected)) }
            } @else { p.faint { (words.say("needs-admin")) } }
        }
    }
}

fn way(
    told: &Told,
    kind: &str,
    title: &'static str,
    fields: &[Field],
    rejected: Option<&Rejected>,
) -> Markup {
    let words = told.words;
    let typed_kind = rejected
        .and_then(|rejected| rejected.runs.get("kind"))
        .and_then(Value::as_str);
    let rejected = rejected.filter(|_| typed_kind == Some(kind));
    let is_open = typed_kind.map_or(kind == "command", |typed| typed == kind);
    html! {
        details #{ "register-" (kind) } open[is_open] {
            summary { (words.say(title)) }
            @if let Some(rejected) = rejected { (why_not(told, rejected)) }
            form.fields method="post" action="/register" {
                (told.form_to("/handlers#register"))
                input type="hidden" name="runs.kind" value=(kind);
                input type="hidden" name="check" value="true";
                @for field in fields { (one_field(told, *field, rejected)) }
                label.check { input type="checkbox" name="consent" value="true" required; span { (words.say("register-consent")) } }
                button.primary { (words.say("register-do")) }
            }
        }
    }
}

fn one_field(told: &Told, field: Field, rejected: Option<&Rejected>) -> Markup {
    let typed = rejected.and_then(|rejected| rejected.runs.get(field.name()));
    let text = match typed {
        Some(Value::Array(lines)) => {
            let lines: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
            lines.join("\n")
        }
        Some(Value::String(text)) => text.clone(),
        Some(_) | None => field.start().to_owned(),
    };
    let name = format!("runs.{}", field.name());
    let required = !matches!(field, Field::Classes);
    html! {
        label { span { (told.words.say(field.label())) }
            @if field.is_long() { textarea name=(name) rows="3" required[required] spellcheck="false" { "\n" (text) } }
            @else { input name=(name) value=(text) required[required] spellcheck="false" autocomplete="off"; } }
    }
}

/// What the check found.
fn why_not(told: &Told, rejected: &Rejected) -> Markup {
    let words = told.words;
    html! {
        div role="alert" {
            p.row-problem { (mark::Tone::Bad.glyph()) " " (words.say("register-not-done")) }
            @match &rejected.refusal {
                Some(refusal) => (refusal::lines(words, refusal)),
                None => p { (words.say("register-no-consent")) },
            }
        }
    }
}
