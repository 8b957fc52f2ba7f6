//! What a run of an item would do; nothing is written.

use maud::{Markup, html};
use syncmgr_control::view::{ItemPlanView, PlanView};

use super::moment::Told;
use super::{mark, sides};

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
    html! {
        section.card {
            h2 { (mark::short(&item.name)) }
            @if let Some(problem) = &item.problem { p.row-problem { (mark::quoted_whole(words, problem)) } }
            @if let Some(held) = &item.held { p { span.chip { (mark::quoted(words, held)) } } }
            (sides::sides(told, item.counts))
            @if item.total == 0 && item.problem.is_none() { p { (words.say("plan-nothing")) } }
            ul.plain {
                @for action in &item.actions {
                    li { span.kind { (mark::quoted(words, &action.action)) }
                        @if let Some(to) = &action.to { " → " (mark::quoted(words, to)) }
                        " " bdi { (mark::cut(&action.name)) }
                        @if action.bytes > 0 { " " span.faint { (told.size(action.bytes)) } }
                        @if let Some(reason) = &action.reason { " " span.faint { (mark::quoted(words, reason)) } } }
                }
            }
            @if item.total > item.actions.len() as u64 { p { (words.count("and-more", item.total - item.actions.len() as u64)) } }
        }
    }
}
