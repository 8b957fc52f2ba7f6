//! Everything that waits for a decision: questions, and conflicts with their versions side by side.

use maud::{Markup, html};
use syncmgr_control::method::Access;
use syncmgr_control::view::{ConflictView, ConflictsView, NeedView, VersionView};

use super::moment::Told;
use super::{address, mark, need};

/// Conflicts of one page.
pub(crate) const CONFLICTS: u32 = 25;

/// What the inbox is made of.
pub(crate) struct Inbox<'a> {
    pub(crate) needs: &'a [NeedView],
    pub(crate) conflicts: &'a ConflictsView,
    pub(crate) offset: u32,
}

/// The inbox.
pub(crate) fn inbox(told: &Told, view: &Inbox<'_>) -> Markup {
    html! {
        h1 { (told.words.say("nav-inbox")) }
        (changing(told, view))
    }
}

/// The parts of it that change by themselves.
pub(crate) fn changing(told: &Told, view: &Inbox<'_>) -> Markup {
    let words = told.words;
    let conflicts = view.conflicts;
    html! {
        section #questions aria-labelledby="questions-title" {
            h2 #questions-title { (words.say("inbox-questions")) }
            @if view.needs.is_empty() { p.empty { (words.say("inbox-none")) } }
            ul #question-list.cards data-keyed { @for asked in view.needs { (need::card(told, asked)) } }
        }
        section #conflicts aria-labelledby="conflicts-title" {
            h2 #conflicts-title { (words.count("inbox-conflicts", conflicts.total)) }
            @if conflicts.conflicts.is_empty() { p.empty { (words.say("inbox-no-conflicts")) } }
            @for of_item in conflicts.conflicts.chunk_by(|a, b| a.handler == b.handler && a.item == b.item) {
                (of_one_item(told, of_item))
            }
            (pager(told, view))
        }
    }
}

/// The conflicts of one item, with what decides all of them at once.
fn of_one_item(told: &Told, conflicts: &[ConflictView]) -> Markup {
    let words = told.words;
    let Some(first) = conflicts.first() else {
        return html! {};
    };
    html! {
        section.conflict-group {
            h3 { a href=(address::item(&first.item)) { (mark::short(&first.item)) } }
            @if conflicts.len() > 1 && told.may(Access::Run) {
                form.answers method="post" action="/resolve-all" {
                    (told.form())
                    @for conflict in conflicts { input type="hidden" name="conflicts" value=(conflict.id); }
                    span { (words.count("inbox-all", conflicts.len() as u64)) }
                    @for choice in &first.choices { button name="choice" value=(choice.name) { (choice_word(told, &choice.name)) } }
                }
            }
            ul.cards { @for conflict in conflicts { (card(told, conflict)) } }
        }
    }
}

/// The short word for a choice that handlers of folders offer; that of others is their own.
fn choice_word(told: &Told, name: &str) -> String {
    match name {
        "left" => told.words.say("choice-left"),
        "right" => told.words.say("choice-right"),
        "both" => told.words.say("choice-both"),
        other => mark::cut(other),
    }
}

fn card(told: &Told, conflict: &ConflictView) -> Markup {
    let words = told.words;
    let id = address::element("conflict", &conflict.id);
    html! {
        li.card.need id=(id) {
            h4 #{ (id) "-name" } { (mark::short(&conflict.name)) }
            p.card-about { (mark::quoted(words, &conflict.summary)) " · " (told.ago(conflict.found_ms)) }
            div.versions { @for version in &conflict.versions { (one_version(told, version, conflict)) } }
            @if told.may(Access::Run) {
                form.answers method="post" action="/act/resolve" data-live aria-labelledby={ (id) "-name" } {
                    (told.form())
                    input type="hidden" name="conflict" value=(conflict.id);
                    @for choice in &conflict.choices {
                        button name="choice" value=(choice.name) {
                            b { (choice_word(told, &choice.name)) } ": " (mark::quoted(words, &choice.label))
                        }
                    }
                }
            }
        }
    }
}

/// The word for a side of a pair; other places are called as their handler calls them.
fn place_word(told: &Told, place: &str) -> String {
    match place {
        "left" => told.words.say("place-left"),
        "right" => told.words.say("place-right"),
        other => mark::cut(other),
    }
}

/// When the one version was modified that is younger than all others.
fn newest(conflict: &ConflictView) -> Option<i64> {
    let times = || {
        conflict
            .versions
            .iter()
            .filter_map(|version| version.modified_ms)
    };
    let newest = times().max()?;
    (times().filter(|at| *at == newest).count() == 1).then_some(newest)
}

fn one_version(told: &Told, version: &VersionView, conflict: &ConflictView) -> Markup {
    let words = told.words;
    let newest = newest(conflict);
    html! {
        div.version {
            p { b { (place_word(told, &version.place)) }
                @if version.modified_ms.is_some() && version.modified_ms == newest { " " span.kind { (words.say("version-newest")) } } }
            p.location { bdi { (mark::cut(&version.location)) } }
            @if version.deleted { p { (words.say("version-deleted")) } } @else {
                p.faint { (mark::quoted(words, &version.kind))
                    @if let Some(size) = version.size { " · " (told.size(size)) }
                    @if let Some(at) = version.modified_ms { " · " (told.clock(at)) } }
            }
        }
    }
}

fn pager(told: &Told, view: &Inbox<'_>) -> Markup {
    let words = told.words;
    let shown = view.offset.saturating_add(CONFLICTS);
    html! {
        nav.pager aria-label=(words.say("pager-label")) hidden[view.offset == 0 && view.conflicts.total <= u64::from(CONFLICTS)] {
            @if view.offset > 0 { a rel="prev" href={ "/inbox?offset=" (view.offset.saturating_sub(CONFLICTS)) "#conflicts" } { (words.say("pager-back")) } }
            @if view.conflicts.total > u64::from(shown) { a rel="next" href={ "/inbox?offset=" (shown) "#conflicts" } { (words.say("pager-on")) } }
        }
    }
}
