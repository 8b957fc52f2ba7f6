//! Everything that waits for a decision: questions, and conflicts with their versions side by side.

use maud::{Markup, html};
use syncmgr_control::decide::DecisionView;
use syncmgr_control::method::Access;
use syncmgr_control::view::{ConflictView, ConflictsView, NeedView};

use super::decision::{self, Made, Ruling};
use super::moment::Told;
use super::{address, conflict, mark, need};

/// Conflicts of one page.
pub(crate) const CONFLICTS: u32 = 25;

/// What the inbox is made of.
pub(crate) struct Inbox<'a> {
    pub(crate) needs: &'a [NeedView],
    pub(crate) conflicts: &'a ConflictsView,
    pub(crate) offset: u32,
    /// What came of the decision that was made just before.
    pub(crate) made: Option<&'a Made>,
    /// What a rule would decide, before it does.
    pub(crate) preview: Option<(&'a Ruling, &'a DecisionView)>,
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
        @if let Some(made) = view.made { (decision::made(told, made)) }
        @if let Some((chosen, preview)) = view.preview { (decision::preview(told, chosen, preview)) }
        section #questions aria-labelledby="questions-title" {
            h2 #questions-title { (words.count("inbox-questions", view.needs.len() as u64)) }
            @if view.needs.is_empty() { p.empty { (words.say("inbox-none")) } }
            ul #question-list.cards data-keyed { @for asked in view.needs { (need::card(told, asked)) } }
        }
        section #conflicts aria-labelledby="conflicts-title" {
            h2 #conflicts-title { (words.count("inbox-conflicts", conflicts.total)) }
            @if conflicts.conflicts.is_empty() { p.empty { (words.say("inbox-no-conflicts")) } }
            @for of_item in conflicts.conflicts.chunk_by(|a, b| a.handler == b.handler && a.item == b.item) {
                (of_one_item(told, view, of_item))
            }
            (pager(told, view))
        }
    }
}

/// The conflicts of one item, with what decides all of them at once.
fn of_one_item(told: &Told, view: &Inbox<'_>, conflicts: &[ConflictView]) -> Markup {
    let Some(first) = conflicts.first() else {
        return html! {};
    };
    html! {
        section.conflict-group {
            h3 { a href=(address::of_item(Some(&first.handler), Some(&first.item_id), &first.item)) { (mark::short(&first.item)) } }
            @if view.conflicts.total > 1 && told.may(Access::Run) {
                (decision::rule(told, first, &conflict::item_name(first)))
            }
            ul.cards { @for conflict in conflicts { (conflict::card(told, conflict, &after(view, conflict), false)) } }
        }
    }
}

/// Where skipping a conflict leads: to the one after it, after the last one to the next page, and then to the first again.
fn after(view: &Inbox<'_>, conflict: &ConflictView) -> String {
    let conflicts = &view.conflicts.conflicts;
    let mut rest = conflicts.iter().skip_while(|other| other.id != conflict.id);
    match rest.nth(1) {
        Some(next) => format!("#{}", conflict::element(next)),
        None => match next_page(view) {
            Some(address) => address,
            None if view.offset > 0 => "/inbox#conflicts".to_owned(),
            None => "#conflicts".to_owned(),
        },
    }
}

fn next_page(view: &Inbox<'_>) -> Option<String> {
    let shown = view.offset.saturating_add(CONFLICTS);
    let more = view.conflicts.total > u64::from(shown);
    more.then(|| format!("/inbox?offset={shown}#conflicts"))
}

fn pager(told: &Told, view: &Inbox<'_>) -> Markup {
    let words = told.words;
    html! {
        nav.pager aria-label=(words.say("pager-label")) hidden[view.offset == 0 && view.conflicts.total <= u64::from(CONFLICTS)] {
            @if view.offset > 0 { a rel="prev" href={ "/inbox?offset=" (view.offset.saturating_sub(CONFLICTS)) "#conflicts" } { (words.say("pager-back")) } }
            @if let Some(next) = next_page(view) { a rel="next" href=(next) { (words.say("pager-on")) } }
        }
    }
}
