//! What was moved, in numbers: for a line of a list, and side by side.

use maud::{Markup, html};
use syncmgr_control::view::Counts;

use super::moment::Told;
use super::words::Value;

/// In a line; nothing where nothing was moved.
pub(crate) fn line(told: &Told, counts: Counts) -> Markup {
    if counts == Counts::default() {
        return html! {};
    }
    html! {
        p.faint {
            (number(told, "count-sent", counts.sent)) (number(told, "count-received", counts.received))
            (rest(told, counts))
        }
    }
}

/// Side by side: the near one, which is left and here, and the far one.
pub(crate) fn sides(told: &Told, counts: Counts) -> Markup {
    if counts == Counts::default() {
        return html! {};
    }
    let words = told.words;
    html! {
        dl.sides {
            div { dt { (words.say("side-near")) } dd { (words.count("count-received", counts.received)) } }
            div { dt { (words.say("side-far")) } dd { (words.count("count-sent", counts.sent)) } }
            div { dt { (words.say("side-both")) } dd { (rest(told, counts)) } }
        }
    }
}

/// What is of no side.
fn rest(told: &Told, counts: Counts) -> Markup {
    let size = told.size(counts.bytes);
    html! {
        (number(told, "count-deleted", counts.deleted))
        (number(told, "count-conflicts", counts.conflicts))
        (number(told, "count-failed", counts.failed))
        @if counts.bytes > 0 { span.count { (told.words.with("count-bytes", &[("size", Value::Text(&size))])) } }
    }
}

fn number(told: &Told, id: &'static str, count: u64) -> Markup {
    html! { @if count > 0 { span.count { (told.words.count(id, count)) } " " } }
}
