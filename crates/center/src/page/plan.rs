//! What a run of an item would do; nothing is written.

use std::collections::BTreeMap;

use maud::{Markup, html};
use syncmgr_control::view::{ActionView, ItemPlanView, PlanView};

use super::moment::Told;
use super::words::Value;
use super::{address, mark, sides};

/// Actions that are shown; totals count all.
pub(crate) const ACTIONS: u32 = 500;

/// The plan.
pub(crate) fn plan(told: &Told, view: &PlanView) -> Markup {
    html! {
        h1 { (told.words.say("item-plan")) }
        p { (told.words.say("plan-text")) }
        @for item in &view.items { (one(told, item)) }
    }
}

fn one(told: &Told, item: &ItemPlanView) -> Markup {
    let words = told.words;
    let shown = item.actions.len() as u64;
    let full = format!("{}/{}", item.handler, item.item);
    html! {
        section.card {
            h2 { a href=(address::item(&full)) { (mark::short(&item.name)) } }
            @if let Some(problem) = &item.problem { p.row-problem { (mark::quoted_whole(words, problem)) } }
            @if let Some(held) = &item.held { p { span.chip { (mark::quoted(words, held)) } } }
            (sides::sides(told, item.counts))
            @if item.total == 0 && item.problem.is_none() { p { (words.say("plan-nothing")) } }
            @if item.total > shown {
                p { (words.with("plan-first", &[("shown", Value::Number(shown)), ("total", Value::Number(item.total))])) }
            }
            @if shown > 0 {
                (kinds(told, &item.actions))
                @for (at, (side, actions)) in by_side(&item.actions).into_iter().enumerate() {
                    (one_side(told, &address::element(&format!("plan-{at}"), &full), side, &actions))
                }
            }
        }
    }
}

/// How much of each kind goes where: the nearest side first, and what goes nowhere last.
fn kinds(told: &Told, actions: &[ActionView]) -> Markup {
    let words = told.words;
    let mut kinds: BTreeMap<&str, BTreeMap<Option<&str>, (u64, u64)>> = BTreeMap::new();
    for action in actions {
        let of_kind = kinds.entry(&action.action).or_default();
        let (count, bytes) = of_kind.entry(action.to.as_deref()).or_default();
        *count += 1;
        *bytes = bytes.saturating_add(action.bytes);
    }
    html! {
        table.kinds {
            caption.unseen { (words.say("plan-kinds")) }
            thead { tr { th scope="col" { (words.say("plan-kind")) } th scope="col" { (words.say("plan-side")) }
                th scope="col" { (words.say("plan-count")) } th scope="col" { (words.say("plan-size")) } } }
            tbody {
                @for (kind, sides) in &kinds { @for (side, (count, bytes)) in sides {
                    tr { th scope="row" { (kind_word(told, kind)) } td { (side_word(told, *side)) } td { (count) }
                        td { @if *bytes > 0 { (told.size(*bytes)) } } }
                } }
            }
        }
    }
}

fn by_side(actions: &[ActionView]) -> BTreeMap<Option<&str>, Vec<&ActionView>> {
    let mut sides: BTreeMap<Option<&str>, Vec<&ActionView>> = BTreeMap::new();
    for action in actions {
        sides.entry(action.to.as_deref()).or_default().push(action);
    }
    sides
}

/// What goes to one side; each can be put away.
fn one_side(told: &Told, id: &str, side: Option<&str>, actions: &[&ActionView]) -> Markup {
    let words = told.words;
    html! {
        details id=(id) open {
            summary { (side_word(told, side)) " (" (actions.len()) ")" }
            ul.plain {
                @for action in actions {
                    li { span.kind { (kind_word(told, &action.action)) } " " bdi { (mark::cut(&action.name)) }
                        @if action.bytes > 0 { " " span.faint { (told.size(action.bytes)) } }
                        @if let Some(reason) = &action.reason { " " span.faint { (mark::quoted(words, reason)) } } }
                }
            }
        }
    }
}

/// What is done, in words where it is one of the usual ones.
fn kind_word(told: &Told, kind: &str) -> Markup {
    let id = match kind {
        "add" => "plan-add",
        "update" => "plan-update",
        "delete" => "plan-delete",
        "metadata" => "plan-metadata",
        "conflict" => "plan-conflict",
        "skip" => "plan-skip",
        other => return mark::quoted(told.words, other),
    };
    html! { (told.words.say(id)) }
}

fn side_word(told: &Told, side: Option<&str>) -> Markup {
    match side {
        Some("left") => html! { "← " (told.words.say("side-near")) },
        Some("right") => html! { "→ " (told.words.say("side-far")) },
        Some(other) => html! { "→ " (mark::quoted(told.words, other)) },
        None => html! { (told.words.say("plan-nowhere")) },
    }
}
