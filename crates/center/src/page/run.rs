//! One run: what became of each item, and everything that was told of it.

use maud::{Markup, html};
use syncmgr_control::method::Access;
use syncmgr_control::view::{Counts, Outcome, RunDetail};

use super::moment::Told;
use super::words::Value;
use super::{address, log, mark};

/// The run.
pub(crate) fn run(told: &Told, detail: &RunDetail) -> Markup {
    let words = told.words;
    let run = &detail.run;
    let took = run
        .closed_ms
        .unwrap_or(told.now_ms)
        .saturating_sub(run.opened_ms);
    html! {
        div #run {
            h1 { (words.count("run-number", run.id)) }
            p { (mark::outcome(words, run.outcome)) " · " (told.clock(run.opened_ms)) " · "
                (told.length(u64::try_from(took).unwrap_or(0))) " · "
                @for (at, name) in run.items.iter().enumerate() { @if at > 0 { ", " } (mark::short(name)) }
                @if run.item_count > run.items.len() as u64 { " " (words.count("and-more", run.item_count - run.items.len() as u64)) }
            }
            @if let Some(problem) = &run.problem { p.row-problem { (mark::quoted(words, problem)) } }
            (counts(told, run.counts))
            @if can_be_undone(detail) && told.may(Access::Run) {
                form method="post" action="/act/undo" data-live {
                    (told.form())
                    input type="hidden" name="run" value=(run.id);
                    button { (words.say("run-undo")) }
                }
            }
            section {
                h2 { (words.say("items-title")) }
                ul.entries {
                    @for item in &detail.items {
                        li.entry {
                            span.entry-level { (mark::item_status(words, item.status)) }
                            div {
                                p { a href=(address::item(&format!("{}/{}", run.handler, item.item))) { (mark::short(&item.name)) } " "
                                    (mark::quoted(words, &item.text)) }
                                (counts(told, item.counts))
                            }
                        }
                    }
                }
            }
            section {
                h2 { (words.say("nav-log")) }
                @if detail.log.is_empty() { p.empty { (words.say("feed-none")) } }
                (log::entries(told, &detail.log))
            }
            @if !detail.stderr.is_empty() {
                details #stderr { summary { (words.say("run-stderr")) } pre { bdi { (detail.stderr) } } }
            }
        }
    }
}

/// Only a synchronization that ended and moved something can be taken back.
fn can_be_undone(detail: &RunDetail) -> bool {
    let counts = detail.run.counts;
    detail.run.kind == "synchronize"
        && detail.run.outcome != Outcome::Open
        && counts.sent + counts.received + counts.deleted > 0
}

/// What was moved, in numbers; nothing where nothing was.
pub(crate) fn counts(told: &Told, counts: Counts) -> Markup {
    let words = told.words;
    let told_counts = [
        ("count-sent", counts.sent),
        ("count-received", counts.received),
        ("count-deleted", counts.deleted),
        ("count-conflicts", counts.conflicts),
        ("count-failed", counts.failed),
    ];
    if counts == Counts::default() {
        return html! {};
    }
    let size = told.size(counts.bytes);
    html! {
        p.faint {
            @for (id, count) in told_counts {
                @if count > 0 { span.count { (words.count(id, count)) } " " }
            }
            @if counts.bytes > 0 { span.count { (words.with("count-bytes", &[("size", Value::Text(&size))])) } }
        }
    }
}
