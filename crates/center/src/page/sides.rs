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
            (number(told, "count-deleted-near", counts.deleted_near)) (number(told, "count-deleted-far", counts.deleted_far))
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
    let (near, far) = ("count-received", "count-sent");
    html! {
        dl.sides {
            div { dt { (words.say("side-near")) } dd { (side(told, near, counts.received, counts.created_near, counts.deleted_near)) } }
            div { dt { (words.say("side-far")) } dd { (side(told, far, counts.sent, counts.created_far, counts.deleted_far)) } }
            div { dt { (words.say("side-both")) } dd { (rest(told, counts)) } }
        }
    }
}

/// What was created, changed and deleted on one side, as far as its handler tells them apart.
fn side(told: &Told, all_id: &'static str, all: u64, created: u64, deleted: u64) -> Markup {
    if created == 0 && deleted == 0 {
        return html! { (told.words.count(all_id, all)) };
    }
    html! {
        (number(told, "count-created", created))
        (number(told, "count-changed", all.saturating_sub(created)))
        (number(told, "count-deleted", deleted))
    }
}

/// What is of no side.
fn rest(told: &Told, counts: Counts) -> Markup {
    let of_sides = counts.deleted_near.saturating_add(counts.deleted_far);
    let of_no_side = counts.deleted.saturating_sub(of_sides);
    let size = told.size(counts.bytes);
    html! {
        (number(told, "count-deleted", of_no_side))
        (number(told, "count-conflicts", counts.conflicts))
        (number(told, "count-failed", counts.failed))
        @if counts.bytes > 0 { span.count { (told.words.with("count-bytes", &[("size", Value::Text(&size))])) } }
    }
}

fn number(told: &Told, id: &'static str, count: u64) -> Markup {
    html! { @if count > 0 { span.count { (told.words.count(id, count)) } " " } }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::page::words::{Language, Words};
    use crate::visitor::Visitor;

    /// The numbers as text alone.
    fn shown(counts: Counts) -> String {
        let told = Told {
            words: Words::of(Language::English),
            zone: TimeZone::UTC,
            now_ms: 0,
            visitor: Visitor::owner("a test"),
            back: "/".to_owned(),
        };
        let page = sides(&told, counts).into_string();
        let text = page.replace("</dt>", ": ").replace("</div>", "; ");
        let mut inside = true;
        text.chars()
            .filter(|c| match c {
                '<' => {
                    inside = false;
                    false
                }
                '>' => {
                    inside = true;
                    false
                }
                '\u{2068}' | '\u{2069}' => false,
                _ => inside,
            })
            .collect()
    }

    #[test]
    fn each_side_tells_what_was_created_changed_and_deleted() {
        let counts = Counts {
            sent: 5,
            received: 2,
            deleted: 4,
            created_far: 3,
            deleted_near: 4,
            ..Counts::default()
        };
        let text = shown(counts);
        assert!(text.contains("2 changed 4 deleted"), "{text}");
        assert!(text.contains("3 created 2 changed"), "{text}");
        assert_eq!(text.matches("deleted").count(), 1, "{text}");
    }

    #[test]
    fn who_does_not_tell_the_sides_apart_is_told_as_before() {
        let counts = Counts {
            sent: 5,
            deleted: 4,
            ..Counts::default()
        };
        let text = shown(counts);
        assert!(text.contains("5 sent"), "{text}");
        assert!(text.contains("0 received"), "{text}");
        assert!(text.contains("4 deleted"), "{text}");
    }
}
