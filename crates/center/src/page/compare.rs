//! What the versions of a conflict contain: texts line by line, pictures side by side, and what nobody can look at by its size.

use maud::{Markup, html};
use syncmgr_control::compare::{
    ComparisonView, Content, ContentView, DifferenceView, HunkView, Of,
};
use syncmgr_control::view::ConflictView;

use super::moment::Told;
use super::words::Value;
use super::{address, conflict, mark};

/// Where the versions of a conflict are compared.
pub(crate) fn address(conflict: &str) -> String {
    format!("/compare?conflict={}", address::encoded(conflict))
}

fn picture_address(conflict: &ConflictView, place: &str) -> String {
    let (conflict, place) = (address::encoded(&conflict.id), address::encoded(place));
    format!("/picture?conflict={conflict}&place={place}")
}

/// The versions compared, below the conflict with its buttons.
pub(crate) fn compare(told: &Told, view: &ComparisonView) -> Markup {
    let words = told.words;
    html! {
        h1 { (words.say("compare-title")) }
        ul.cards { (conflict::card(told, &view.conflict, "/inbox#conflicts", true)) }
        @if view.versions.iter().any(|version| version.content != Content::Text || version.changed) {
            section aria-labelledby="contents-title" {
                h2 #contents-title { (words.say("compare-contents")) }
                div.versions { @for version in &view.versions { (content(told, &view.conflict, version)) } }
            }
        }
        @for (at, difference) in view.differences.iter().enumerate() { (one_difference(told, difference, at)) }
        p { a href="/inbox#conflicts" { (words.say("compare-back")) } }
    }
}

/// One version by its content.
fn content(told: &Told, conflict: &ConflictView, version: &ContentView) -> Markup {
    let words = told.words;
    let place = conflict::place_word(told, &version.place);
    html! {
        div.version {
            p { b { bdi { (place) } } @if let Some(size) = version.size { " " span.faint { (told.size(size)) } } }
            @match &version.content {
                Content::Text => p { (words.say("compare-text")) },
                Content::Picture { .. } => {
                    img.picture src=(picture_address(conflict, &version.place)) loading="lazy"
                        alt=(words.with("compare-picture", &[("place", Value::Text(&place))]));
                }
                Content::Binary => p { (words.say("compare-binary")) },
                Content::TooLarge => p { (words.say("compare-too-large")) },
                Content::Deleted => p { (words.say("version-deleted")) },
                Content::Unreadable { why, hint } => {
                    p.row-problem { (mark::quoted(words, why)) }
                    @if let Some(hint) = hint { p.faint { (mark::quoted(words, hint)) } }
                }
            }
            @if version.changed { p { span.chip { (words.say("compare-changed")) } } }
        }
    }
}

fn one_difference(told: &Told, difference: &DifferenceView, at: usize) -> Markup {
    let words = told.words;
    let id = format!("difference-{at}");
    let to = conflict::place_word(told, &difference.to);
    html! {
        section.card aria-labelledby=(id) {
            @if let Some(from) = &difference.from {
                @let from = conflict::place_word(told, from);
                h2 id=(id) { (words.with("compare-two", &[("from", Value::Text(&from)), ("to", Value::Text(&to))])) }
                @if difference.hunks.is_empty() && difference.more == 0 { p { (words.say("compare-same")) } } @else {
                    p.faint {
                        "− " bdi { (from) } " (" (words.count("compare-lines", difference.removed)) ") · + " bdi { (to) }
                        " (" (words.count("compare-lines", difference.added)) ")"
                    }
                }
            } @else {
                h2 id=(id) { (words.with("compare-whole", &[("place", Value::Text(&to))])) }
                @if difference.hunks.is_empty() { p.empty { (words.say("compare-empty")) } }
            }
            @if !difference.hunks.is_empty() {
                // Long lines are moved sideways, also by keys.
                div.lines tabindex="0" role="group" aria-labelledby=(id) {
                    @for hunk in &difference.hunks { (one_hunk(told, hunk)) }
                }
            }
            @if difference.more > 0 { p { (words.count("compare-more", difference.more)) } }
        }
    }
}

fn one_hunk(told: &Told, hunk: &HunkView) -> Markup {
    let (mut old, mut new) = (hunk.from_line, hunk.to_line);
    html! {
        table.hunk { tbody {
            @for line in &hunk.lines {
                @let number = if line.of == Of::Removed { old } else { new };
                ({
                    old += u64::from(line.of != Of::Added);
                    new += u64::from(line.of != Of::Removed);
                    one_line(told, line.of, number, &line.text)
                })
            }
        } }
    }
}

/// A line with its number; which version has it is told by a sign for who sees, and by a word for who listens.
fn one_line(told: &Told, of: Of, number: u64, text: &str) -> Markup {
    let words = told.words;
    let (class, sign, word) = match of {
        Of::Both => (None, "", None),
        Of::Removed => (Some("removed"), "−", Some("compare-removed")),
        Of::Added => (Some("added"), "+", Some("compare-added")),
    };
    html! {
        tr class=[class] {
            td.number { (number) }
            td.sign { span aria-hidden="true" { (sign) } @if let Some(word) = word { span.unseen { (words.say(word)) } } }
            td { bdi { (text) } }
        }
    }
}
