//! A conflict as a card: its versions side by side, each with what keeps it.

use maud::{Markup, html};
use syncmgr_control::decide::NEWEST;
use syncmgr_control::method::Access;
use syncmgr_control::view::{ChoiceView, ConflictView, VersionView};

use super::moment::Told;
use super::{address, compare, mark};

/// The identifier of a conflict's card.
pub(crate) fn element(conflict: &ConflictView) -> String {
    address::element("conflict", &conflict.id)
}

/// What names the item of a conflict alone.
pub(crate) fn item_name(conflict: &ConflictView) -> String {
    format!("{}/{}", conflict.handler, conflict.item_id)
}

/// The conflict as a card; skipping it leads to `next`, and it stays. In a list it leads to the page where it stands `alone`,
/// above what its versions contain.
pub(crate) fn card(told: &Told, conflict: &ConflictView, next: &str, alone: bool) -> Markup {
    let words = told.words;
    let id = element(conflict);
    let may = told.may(Access::Run);
    html! {
        li.card.need id=(id) {
            @if alone { h2 #{ (id) "-name" } { (mark::short(&conflict.name)) } }
            @else { h4 #{ (id) "-name" } { (mark::short(&conflict.name)) } }
            p.card-about { (mark::quoted(words, &conflict.summary)) " · " (told.ago(conflict.found_ms)) }
            @if may {
                form method="post" action="/decide" data-live aria-labelledby={ (id) "-name" } {
                    (told.form())
                    input type="hidden" name="conflict" value=(conflict.id);
                    input type="hidden" name="name" value=(item_name(conflict));
                    (versions(told, conflict, &id, true))
                    div.answers {
                        @for choice in of_no_version(conflict) {
                            button name="choice" value=(choice.name) title=(mark::quoted_text(words, &choice.label)) { (choice_word(told, conflict, choice)) }
                        }
                        a.button href=(next) { (words.say("conflict-skip")) }
                        @if conflict.comparable && !alone { a.button.compare href=(compare::address(&conflict.id)) { (words.say("conflict-compare")) } }
                    }
                }
            } @else { (versions(told, conflict, &id, false)) }
        }
    }
}

fn versions(told: &Told, conflict: &ConflictView, id: &str, may: bool) -> Markup {
    html! {
        div.versions {
            @for (at, version) in conflict.versions.iter().enumerate() {
                (one_version(told, conflict, version, &format!("{id}-version-{at}"), may))
            }
        }
    }
}

/// What keeps this version alone.
fn keeps<'a>(conflict: &'a ConflictView, version: &VersionView) -> Option<&'a ChoiceView> {
    let mut choices = conflict.choices.iter();
    choices.find(|choice| choice.name == version.place)
}

/// The choices that keep no single version. To keep both, where one was deleted, is to keep the other.
fn of_no_version(conflict: &ConflictView) -> impl Iterator<Item = &ChoiceView> {
    let deleted = conflict.versions.iter().any(|version| version.deleted);
    conflict.choices.iter().filter(move |choice| {
        let of_version = |version: &VersionView| version.place == choice.name;
        let same_as_other = deleted && choice.name == "both";
        !same_as_other && !conflict.versions.iter().any(of_version)
    })
}

/// A few words for a choice: those of handlers of folders are known, what others offer is their own.
fn choice_word(told: &Told, conflict: &ConflictView, choice: &ChoiceView) -> Markup {
    let words = told.words;
    match choice.name.as_str() {
        "both" if conflict.versions.len() > 2 => html! { (words.say("choice-all")) },
        "both" => html! { (words.say("choice-both")) },
        "all" => html! { (words.say("choice-all")) },
        _ if choice.label.is_empty() => html! { bdi { (mark::cut(&choice.name)) } },
        _ => mark::quoted(words, &choice.label),
    }
}

/// The same for choices of many conflicts, which name a side and not a version.
pub(crate) fn side_word(told: &Told, name: &str) -> String {
    match name {
        "left" => told.words.say("choice-left"),
        "right" => told.words.say("choice-right"),
        "both" => told.words.say("choice-both"),
        other => mark::cut(other),
    }
}

/// The same for what a rule keeps.
pub(crate) fn ruling_word(told: &Told, choice: &str) -> String {
    match choice {
        NEWEST => told.words.say("ruling-newest"),
        side => side_word(told, side),
    }
}

/// The word for a side of a pair; other places are called as their handler calls them.
pub(crate) fn place_word(told: &Told, place: &str) -> String {
    match place {
        "left" => told.words.say("place-left"),
        "right" => told.words.say("place-right"),
        other => mark::cut(other),
    }
}

/// When the one version was modified that is younger than all others, as the rule that keeps the newest finds it: where it
/// is not known when one was modified or deleted, none is.
fn newest(conflict: &ConflictView) -> Option<i64> {
    let is_known = |version: &VersionView| version.modified_ms.is_some();
    if !conflict.versions.iter().all(is_known) {
        return None;
    }
    let times = || {
        conflict
            .versions
            .iter()
            .filter_map(|version| version.modified_ms)
    };
    let newest = times().max()?;
    (times().filter(|at| *at == newest).count() == 1).then_some(newest)
}

fn one_version(
    told: &Told,
    conflict: &ConflictView,
    version: &VersionView,
    id: &str,
    may: bool,
) -> Markup {
    let words = told.words;
    let newest = newest(conflict);
    let keeps = keeps(conflict, version).filter(|_| may);
    html! {
        div.version {
            p id=(id) { b { (place_word(told, &version.place)) }
                @if version.modified_ms.is_some() && version.modified_ms == newest { " " span.kind { (words.say("version-newest")) } } }
            p.location { bdi { (mark::cut(&version.location)) } }
            @if version.deleted { p { (words.say("version-deleted")) } } @else {
                p.faint { (mark::quoted(words, &version.kind))
                    @if let Some(size) = version.size { " · " (told.size(size)) }
                    @if let Some(at) = version.modified_ms { " · " (words.say("version-modified")) " " (told.clock(at)) } }
            }
            @if let Some(choice) = keeps {
                button name="choice" value=(choice.name) aria-describedby=(id) {
                    (words.say(if version.deleted { "choice-deleted" } else { "choice-this" }))
                }
                p.faint { (mark::quoted(words, &choice.label)) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_newest_is_the_one_that_the_rule_keeps() {
        for (left, right, wanted) in [
            (Some(5), Some(6), Some(6)),
            (Some(6), Some(6), None),
            (Some(5), None, None),
        ] {
            let version = |place: &str, at: Option<i64>| json!({ "place": place, "location": "/x", "deleted": at.is_none(), "kind": "file", "size": 1, "modifiedMs": at });
            let conflict = serde_json::from_value(json!({
                "id": "c", "handler": "folder", "itemId": "N", "item": "n", "name": "x", "summary": "s", "foundMs": 1,
                "choices": [], "versions": [version("left", left), version("right", right)],
            }))
            .unwrap();
            assert_eq!(newest(&conflict), wanted, "{left:?} {right:?}");
        }
    }
}
