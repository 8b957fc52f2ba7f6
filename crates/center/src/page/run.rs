//! One run: what became of each item, and everything that was told of it.

use maud::{Markup, html};
use syncmgr_control::view::{ItemStatus, ProgressView, RunDetail, RunItemView, RunView, Shown};

use super::moment::Told;
use super::words::Value;
use super::{address, first, log, mark, sides, undo};

/// The run.
pub(crate) fn run(told: &Told, detail: &RunDetail) -> Markup {
    let words = told.words;
    let run = &detail.run;
    html! {
        (head(told, run))
        section #run-items.card {
            h2 { (words.say("items-title")) }
            ul.entries { @for item in &detail.items { (one(told, run, item)) } }
        }
        section #run-log.card {
            h2 { (words.say("nav-log")) }
            (log::tail(told, "run-entries", &detail.log))
        }
        section #run-stderr.card hidden[detail.stderr.is_empty()] {
            details #stderr { summary { (words.say("run-stderr")) } pre { bdi { (detail.stderr) } } }
        }
    }
}

fn head(told: &Told, run: &RunView) -> Markup {
    let words = told.words;
    html! {
        section #run.card {
            h1 { (words.count("run-number", run.id)) }
            p { (mark::outcome(words, run.outcome)) " · " (told.clock(run.opened_ms)) " · " (told.length(took(told, run))) " · "
                @for (at, name) in run.items.iter().enumerate() { @if at > 0 { ", " } (mark::short(name)) }
                @if run.item_count > run.items.len() as u64 { " " (words.count("and-more", run.item_count - run.items.len() as u64)) }
            }
            @if let Some(problem) = &run.problem { p.row-problem { (mark::quoted(words, problem)) } }
            (sides::sides(told, run.counts))
            (undo::one(told, run))
        }
    }
}

fn one(told: &Told, run: &RunView, item: &RunItemView) -> Markup {
    let words = told.words;
    let full = format!("{}/{}", run.handler, item.item);
    html! {
        li.entry {
            span.entry-level {
                @if item.progress.is_none() && item.status == ItemStatus::Succeeded && item.counts.conflicts > 0 {
                    (mark::state(words, Shown::Conflicts))
                } @else {
                    (mark::item_status(words, item.progress.as_ref().map_or(item.status, |progress| progress.status)))
                }
            }
            div {
                p { a href=(address::item(&full)) { (mark::short(&item.name)) } " "
                    @if item.progress.is_none() { (mark::quoted(words, &item.text)) } }
                @if let Some(progress) = &item.progress {
                    (first::progress_of(told, &item.name, progress))
                    p.faint { (pace(told, run, progress)) }
                    (sides::line(told, progress.counts))
                } @else { (sides::line(told, item.counts)) }
            }
        }
    }
}

/// How long a run took, or takes so far.
pub(crate) fn took(told: &Told, run: &RunView) -> u64 {
    let until = run.closed_ms.unwrap_or(told.now_ms);
    u64::try_from(until.saturating_sub(run.opened_ms)).unwrap_or(0)
}

/// How fast it goes and how long it still takes, from what was done since the run began.
pub(crate) fn pace(told: &Told, run: &RunView, progress: &ProgressView) -> Markup {
    let words = told.words;
    let elapsed = took(told, run);
    let rate = (progress.counts.bytes.saturating_mul(1_000))
        .checked_div(elapsed)
        .unwrap_or(0);
    let left = progress.max.saturating_sub(progress.value);
    let rest = elapsed.saturating_mul(left).checked_div(progress.value);
    html! {
        (told.length(elapsed))
        @if rate > 0 { " · " (words.with("item-rate", &[("size", Value::Text(&told.size(rate)))])) }
        @if let Some(rest) = rest && left > 0 { " · " (words.with("item-rest", &[("rest", Value::Text(&told.length(rest)))])) }
    }
}
