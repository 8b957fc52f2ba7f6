//! One item: how it stands and why, what it did, and what starts it.

use maud::{Markup, html};
use syncmgr_control::method::Access;
use syncmgr_control::rule::RuleView;
use syncmgr_control::view::{ItemDetail, LogView, ReasonView, RunView, Standing, WhyView};

use super::moment::Told;
use super::schedule::{Did, Tried};
use super::{address, first, log, mark, need, run, said, schedule, sides, steer, trend, undo};

/// Runs of the trend.
pub(crate) const RUNS: u32 = 30;
/// Runs that are listed.
const LISTED: usize = 10;
/// Entries of its log that are shown.
pub(crate) const ENTRIES: u32 = 50;

/// What the screen of an item is made of.
pub(crate) struct Item<'a> {
    pub(crate) detail: &'a ItemDetail,
    pub(crate) why: &'a WhyView,
    /// Newest first.
    pub(crate) runs: &'a [RunView],
    pub(crate) rules: &'a [RuleView],
    /// Its latest entries of the log, oldest first.
    pub(crate) log: &'a [LogView],
    /// The rule that somebody changes.
    pub(crate) edited: Option<&'a RuleView>,
    /// What somebody tries, and what it means.
    pub(crate) tried: Option<Tried>,
    /// What was done last, before this was shown.
    pub(crate) did: Option<Did>,
}

/// The screen of an item.
pub(crate) fn item(told: &Told, view: &Item<'_>) -> Markup {
    html! {
        @if let Some(did) = &view.did { (schedule::did(told, &address::full_name(&view.detail.item), did)) }
        (head(told, view))
        div.columns {
            div { (needs(told, view)) (why(told, view)) (runs(told, view)) (tail(told, view)) }
            div { (schedule::starts(told, view)) (schedule::editor(told, view)) (settings(told, view)) }
        }
    }
}

/// The parts of it that change by themselves.
pub(crate) fn changing(told: &Told, view: &Item<'_>) -> Markup {
    html! {
        (head(told, view)) (needs(told, view)) (why(told, view)) (runs(told, view)) (tail(told, view)) (schedule::starts(told, view)) (settings(told, view))
    }
}

fn head(told: &Told, view: &Item<'_>) -> Markup {
    let words = told.words;
    let item = &view.detail.item;
    html! {
        section #item-head.card {
            p.card-about { (mark::short(&view.detail.handler_name)) @if !item.comment.is_empty() { " · " (mark::quoted(words, &item.comment)) } }
            h1 { (mark::short(&item.name)) }
            p { (mark::state(words, item.shown)) " · " (words.say("row-last-good")) " "
                @match item.last_good_ms { Some(at) => (told.ago(at)), None => (words.say("never")) } }
            @if let Some(problem) = item.problem.as_ref().or(item.stuck.as_ref()).or(item.late.as_ref()) {
                p.row-problem { (said::quoted(told, problem, item.problem_said.as_ref())) }
            }
            @if let Some(progress) = &item.progress {
                (first::progress(told, item))
                @if let Some(under_way) = view.runs.iter().find(|run| run.id == progress.run) {
                    p.faint { a href=(address::run(progress.run)) { (words.count("run-number", progress.run)) } " · " (run::pace(told, under_way, progress)) }
                }
                (sides::sides(told, progress.counts))
            }
            (steer::buttons(told, item))
            @if item.conflicts > 0 { p { a href="/inbox#conflicts" { (words.count("needs-conflicts", item.conflicts)) } } }
            p { a href={ "/log?name=" (address::encoded(&address::full_name(item))) } { (words.say("item-log")) }
                @if told.may(Access::Run) && view.detail.tasks.iter().any(|task| task.task == "plan") {
                    " · " a href={ "/plan?name=" (address::encoded(&address::full_name(item))) } { (words.say("item-plan")) }
                }
                @if told.may(Access::Admin) && view.detail.tasks.iter().any(|task| task.task == "properties") {
                    " · " a href=(address::properties(&address::full_name(item))) { (words.say("properties-title")) }
                } }
        }
    }
}

fn needs(told: &Told, view: &Item<'_>) -> Markup {
    html! {
        section #item-needs hidden[view.detail.needs.is_empty()] {
            ul.cards { @for asked in &view.detail.needs { (need::card(told, asked)) } }
        }
    }
}

fn why(told: &Told, view: &Item<'_>) -> Markup {
    let words = told.words;
    let why = view.why;
    html! {
        section #item-why.card {
            h2 { (words.say("why-title")) }
            p { (said::whole(told, &why.sentence, &why.said)) }
            @if why.reasons.iter().any(is_worth_telling) {
                ul.plain {
                    @for reason in why.reasons.iter().filter(|reason| is_worth_telling(reason)) {
                        li {
                            @if reason.blocks { (mark::Tone::Attention.glyph()) " " }
                            (said::quoted(told, &reason.now, reason.now_said.as_ref()))
                            @if let Some(since) = reason.since_ms { " · " (told.ago(since)) }
                            @if let Some(by) = &reason.unblocked_by { span.faint { " → " (said::quoted(told, by, reason.unblocked_said.as_ref())) } }
                        }
                    }
                }
            }
            @if !why.conditions.is_empty() {
                h3 { (words.say("why-conditions")) }
                ul.plain {
                    @for condition in &why.conditions {
                        @let (tone, id) = match condition.stands {
                            Standing::Met => (mark::Tone::Good, "condition-met"),
                            Standing::Unmet => (mark::Tone::Attention, "condition-unmet"),
                            Standing::NotLookedAt => (mark::Tone::Quiet, "condition-later"),
                            Standing::Unknown => (mark::Tone::Attention, "condition-unknown"),
                        };
                        li { span.state.{ "is-" (tone.class()) } { (tone.glyph()) (words.say(id)) } " "
                            code { (condition.condition) } " " span.faint { (said::quoted(told, &condition.now, condition.now_said.as_ref())) } }
                    }
                }
            }
            @if !why.history.is_empty() {
                details #why-history { summary { (words.say("why-history")) }
                    ul.plain { @for held in &why.history { li { (told.clock(held.since_ms))
                        @if let Some(until) = held.until_ms { "–" (told.clock(until)) } " " (said::quoted(told, &held.text, held.said.as_ref())) } } } }
            }
        }
    }
}

/// What neither holds it back nor went wrong is in the sentence already.
fn is_worth_telling(reason: &ReasonView) -> bool {
    reason.blocks || reason.about == "log"
}

fn runs(told: &Told, view: &Item<'_>) -> Markup {
    let words = told.words;
    html! {
        section #item-runs.card {
            h2 { (words.say("runs-title")) }
            @if view.runs.is_empty() { p.empty { (words.say("strip-none")) } }
            (trend::trends(told, view.runs, view.detail.item.progress.as_ref()))
            (undo::latest(told, view.detail, view.runs))
            ul.plain {
                @for run in view.runs.iter().take(LISTED) {
                    li { a href=(address::run(run.id)) { (words.count("run-number", run.id)) } " "
                        (mark::outcome(words, run.outcome)) " " (told.ago(run.opened_ms))
                        @if run.closed_ms.is_some() { " · " (told.length(run::took(told, run))) }
                        (sides::line(told, trend::moved(run))) }
                }
            }
        }
    }
}

fn tail(told: &Told, view: &Item<'_>) -> Markup {
    html! {
        section #item-log.card {
            h2 { (told.words.say("nav-log")) }
            (log::tail(told, "item-entries", view.log))
        }
    }
}

fn settings(told: &Told, view: &Item<'_>) -> Markup {
    let words = told.words;
    let item = &view.detail.item;
    html! {
        section #item-settings.card {
            h2 { (words.say("nav-settings")) }
            @if !view.detail.policies.is_empty() {
                dl.pairs { @for policy in &view.detail.policies { div { dt { (setting_word(told, &policy.setting)) code.faint { (policy.setting) } } dd { (mark::quoted(words, &policy.value)) } } } }
            }
            @if !item.labels.is_empty() {
                p { (words.say("filter-by-label")) ": " @for label in &item.labels { a href={ "/?label=" (address::encoded(label)) } { (mark::short(label)) } " " } }
            }
            form.acts-left method="post" data-live {
                (told.form())
                input type="hidden" name="names" value=(address::full_name(item));
                @if told.may(Access::Run) {
                    button formaction="/act/check" name="checked" value=(if item.checked { "false" } else { "true" }) {
                        (words.say(if item.checked { "item-untick" } else { "item-tick" }))
                    }
                }
                @if told.may(Access::Admin) {
                    button formaction="/act/enable" name="enabled" value=(if item.enabled { "false" } else { "true" }) {
                        (words.say(if item.enabled { "item-disable" } else { "act-enable" }))
                    }
                }
            }
        }
    }
}

/// What a setting of policies is about; a new one is its key alone until it has words.
fn setting_word(told: &Told, key: &str) -> Markup {
    let id = match key {
        "time_limit" => "policy-time-limit",
        "no_progress" => "policy-no-progress",
        "stuck_after" => "policy-stuck-after",
        "keep_awake" => "policy-keep-awake",
        "fresh_within" => "policy-fresh-within",
        "before" => "policy-before",
        "after" => "policy-after",
        "failed" => "policy-failed",
        "hook_limit" => "policy-hook-limit",
        "webhook" => "policy-webhook",
        "ping" => "policy-ping",
        "lanes" => "policy-lanes",
        "parallel" => "policy-parallel",
        "priority" => "policy-priority",
        "notices" => "policy-notices",
        _ => return html! {},
    };
    html! { (told.words.say(id)) " " }
}
