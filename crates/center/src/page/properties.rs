//! The properties of an item or a handler as a form, with what is wrong beside the field that it is about.

use std::collections::BTreeMap;

use maud::{Markup, html};
use syncmgr_control::Refusal;
use syncmgr_control::view::PropertiesView;

use super::moment::Told;
use super::property::{Fault, Kind, Property, Range};
use super::words::Value;
use super::{address, mark, refusal};

/// What became of the last change, as the address says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    Saved,
    Listed,
    Unchanged,
}

impl Said {
    const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::Saved, "saved", "properties-saved"),
        (Self::Listed, "listed", "properties-listed"),
        (Self::Unchanged, "unchanged", "properties-unchanged"),
    ];

    /// What an address says.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let found = Self::ALL.into_iter().find(|(_, name, _)| *name == text);
        found.map(|(said, ..)| said)
    }

    /// Where a change leads, with what became of it.
    pub(crate) fn address(self, name: &str) -> String {
        let said = Self::ALL.into_iter().find(|(said, ..)| *said == self);
        let said = said.map_or("", |(_, name, _)| name);
        format!("{}&said={said}", address::properties(name))
    }

    fn id(self) -> &'static str {
        let said = Self::ALL.into_iter().find(|(said, ..)| *said == self);
        said.map_or("properties-saved", |(.., id)| id)
    }
}

/// What was typed and not taken.
#[derive(Debug, Default)]
pub(crate) struct Rejected {
    pub(crate) typed: BTreeMap<String, String>,
    pub(crate) faults: BTreeMap<String, Fault>,
    /// Why the handler did not take it.
    pub(crate) refusal: Option<Refusal>,
}

/// What the screen is made of.
pub(crate) struct Sheet<'a> {
    pub(crate) view: &'a PropertiesView,
    pub(crate) properties: &'a [Property],
    pub(crate) rejected: Option<&'a Rejected>,
    pub(crate) said: Option<Said>,
}

/// The form.
pub(crate) fn properties(told: &Told, sheet: &Sheet<'_>) -> Markup {
    let words = told.words;
    let view = sheet.view;
    let name = match &view.item {
        Some(item) => format!("{}/{item}", view.handler),
        None => view.handler.clone(),
    };
    html! {
        section.card {
            p.card-about { (words.say("properties-title")) }
            h1 { @if view.item.is_some() { a href=(address::item(&name)) { (mark::short(&view.name)) } } @else { (mark::short(&view.name)) } }
            @if let Some(said) = sheet.said { p.is-good role="status" { (mark::Tone::Good.glyph()) " " (words.say(said.id())) } }
            @if let Some(rejected) = sheet.rejected { (not_saved(told, rejected)) }
            @if view.schema.is_null() { p { (words.say("properties-window")) } }
            @else if sheet.properties.is_empty() { p.empty { (words.say("properties-none")) } }
            @else {
                form.fields method="post" action="/properties" novalidate {
                    (told.form())
                    input type="hidden" name="name" value=(name);
                    @for (at, property) in sheet.properties.iter().enumerate() { (field(told, at, property, sheet)) }
                    button.primary { (words.say("rule-save")) }
                }
            }
        }
    }
}

fn not_saved(told: &Told, rejected: &Rejected) -> Markup {
    html! {
        div role="alert" {
            p.row-problem { (mark::Tone::Bad.glyph()) " " (told.words.say("properties-not-saved")) }
            @if let Some(refusal) = &rejected.refusal { (refusal::lines(told.words, refusal)) }
        }
    }
}

fn field(told: &Told, at: usize, property: &Property, sheet: &Sheet<'_>) -> Markup {
    let words = told.words;
    let typed = sheet
        .rejected
        .and_then(|rejected| rejected.typed.get(&property.name));
    let text = typed.unwrap_or(&property.value);
    let fault = sheet
        .rejected
        .and_then(|rejected| beside(told, property, sheet.properties, rejected));
    let (id, why) = (format!("property-{at}"), format!("property-{at}-why"));
    let described = fault.as_ref().map(|_| why.as_str());
    let invalid = fault.as_ref().map(|_| "true");
    let name = format!("of.{}", property.name);
    html! {
        div.field {
            label for=(id) { span { (mark::short(&property.label)) @if property.required { " *" } } }
            @if let Some(detail) = &property.detail { p.faint { (mark::quoted(words, detail)) } }
            @if property.fixed { p #(id) { bdi { (mark::cut(&property.value)) } } }
            @else {
                @match &property.kind {
                    Kind::Text => input #(id) name=(name) value=(text) autocomplete="off" aria-invalid=[invalid] aria-describedby=[described];,
                    Kind::Secret => input #(id) type="password" name=(name) autocomplete="new-password"
                        placeholder=(words.say("properties-secret")) aria-invalid=[invalid] aria-describedby=[described];,
                    Kind::Number(range) => (number(&id, &name, text, *range, invalid, described)),
                    Kind::Flag => select #(id) name=(name) aria-invalid=[invalid] aria-describedby=[described] {
                        @if !property.required { option value="" selected[text.is_empty()] {} }
                        option value="true" selected[text == "true"] { (words.say("field-yes")) }
                        option value="false" selected[text == "false"] { (words.say("field-no")) }
                    },
                    Kind::Choice(offered) => select #(id) name=(name) aria-invalid=[invalid] aria-describedby=[described] {
                        @if !property.required || text.is_empty() { option value="" selected[text.is_empty()] {} }
                        @for (value, label) in offered {
                            @let value = super::property::shown(value);
                            option value=(value) selected[*text == value] { (mark::cut(label)) }
                        }
                    },
                    // A browser takes the first line break of a text area away.
                    Kind::Lines | Kind::Json => textarea #(id) name=(name) rows="4" spellcheck="false" aria-invalid=[invalid] aria-describedby=[described] { "\n" (text) },
                }
                @if property.kind == Kind::Lines { p.faint { (words.say("properties-lines")) } }
                @if property.kind != Kind::Secret { input type="hidden" name={ "was." (property.name) } value=(property.value); }
            }
            @if let Some(fault) = fault { p.row-problem #(why) { (fault) } }
        }
    }
}

fn number(
    id: &str,
    name: &str,
    text: &str,
    range: Range,
    invalid: Option<&str>,
    described: Option<&str>,
) -> Markup {
    html! {
        input #(id) name=(name) value=(text) inputmode=(if range.whole { "numeric" } else { "decimal" }) autocomplete="off"
            aria-invalid=[invalid] aria-describedby=[described];
    }
}

/// What stands beside a field: what is wrong with what was typed, or what its handler says of it.
fn beside(
    told: &Told,
    property: &Property,
    all: &[Property],
    rejected: &Rejected,
) -> Option<Markup> {
    if let Some(fault) = rejected.faults.get(&property.name) {
        return Some(html! { (fault_text(told, fault)) });
    }
    let refusal = rejected.refusal.as_ref()?;
    let said = refusal.causes.iter().chain([&refusal.message]);
    let mut about = said.filter(|text| {
        super::property::named(all, text).is_some_and(|named| named.name == property.name)
    });
    about.next().map(|text| mark::quoted(told.words, text))
}

fn fault_text(told: &Told, fault: &Fault) -> String {
    let words = told.words;
    let bound = |id, bound: f64| words.with(id, &[("bound", Value::Text(&bound.to_string()))]);
    match fault {
        Fault::Missing => words.say("property-missing"),
        Fault::NoNumber => words.say("property-no-number"),
        Fault::NotWhole => words.say("property-not-whole"),
        Fault::TooSmall(least) => bound("property-too-small", *least),
        Fault::TooLarge(most) => bound("property-too-large", *most),
        Fault::NotOffered => words.say("property-not-offered"),
        Fault::NoJson => words.say("property-no-json"),
    }
}
