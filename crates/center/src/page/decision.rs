//! Deciding the conflicts of an item by a rule, and what came of a decision.

use maud::{Markup, html};
use syncmgr_control::decide::{DecisionView, NEWEST, Stay};
use syncmgr_control::method::Access;
use syncmgr_control::view::{ConflictView, Level, Outcome, RunDetail};

use super::moment::Told;
use super::words::Value;
use super::{address, conflict, mark};

/// Most entries of a decision that are told; its run has all.
const TOLD: usize = 12;

/// What is chosen for the conflicts of an item.
#[derive(Debug)]
pub(crate) struct Ruling {
    /// What names the item alone.
    pub(crate) name: String,
    /// A choice, or the newest version.
    pub(crate) choice: String,
    /// Only what has a name like this.
    pub(crate) matching: Option<String>,
}

/// A decision that was made.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) chosen: Ruling,
    pub(crate) outcome: Outcome,
    /// The run that carries it out, once there is one.
    pub(crate) run: Option<RunDetail>,
    /// How many more of the item could be decided the same way.
    pub(crate) remaining: u64,
}

/// What is inside of every form that decides.
fn fields(told: &Told, chosen: &Ruling) -> Markup {
    html! {
        (told.form_to("/inbox"))
        input type="hidden" name="name" value=(chosen.name);
        input type="hidden" name="choice" value=(chosen.choice);
        @if let Some(matching) = &chosen.matching { input type="hidden" name="matching" value=(matching); }
    }
}

/// What came of a decision: where the other version rests, how to take it back, and the same for the rest.
pub(crate) fn made(told: &Told, made: &Made) -> Markup {
    let words = told.words;
    let open = made.outcome == Outcome::Open;
    let run = made.run.as_ref();
    html! {
        section.card #decided aria-labelledby="decided-title" {
            h2 #decided-title { (words.say(if open { "decided-open" } else { "decided-title" })) " " (mark::outcome(words, made.outcome)) }
            @if let Some(detail) = run {
                ul.entries {
                    @for entry in detail.log.iter().take(TOLD) {
                        li.entry {
                            span.entry-level { (mark::level(words, entry.level)) }
                            div {
                                p { (mark::quoted(words, &entry.text)) }
                                @if let Some(detail) = &entry.detail { (mark::long(words, &format!("decided-{}", entry.id), detail)) }
                            }
                        }
                    }
                }
                @if detail.log.len() > TOLD { p { a href=(address::run(detail.run.id)) { (words.count("and-more", (detail.log.len() - TOLD) as u64)) } } }
            }
            @if !open && told.may(Access::Run) {
                div.answers {
                    @if let Some(detail) = run.filter(|detail| changed(detail)) {
                        form method="post" action="/act/undo" {
                            (told.form_to("/inbox"))
                            input type="hidden" name="run" value=(detail.run.id);
                            button { (words.say("decided-undo")) }
                        }
                    }
                    @if made.remaining > 0 {
                        form method="post" action="/decide" data-live {
                            (fields(told, &made.chosen))
                            @let what = conflict::ruling_word(told, &made.chosen.choice);
                            @let values = [("count", Value::Number(made.remaining)), ("what", Value::Text(&what))];
                            button.primary { (words.with("decide-remaining", &values)) }
                        }
                    }
                }
            }
        }
    }
}

/// Something of it was carried out, which can be taken back.
fn changed(detail: &RunDetail) -> bool {
    detail.run.outcome != Outcome::Open
        && detail
            .log
            .iter()
            .any(|entry| entry.level == Level::Information)
}

/// The rule that decides all conflicts of an item, which is looked at before it is used.
pub(crate) fn rule(told: &Told, first: &ConflictView, name: &str) -> Markup {
    let words = told.words;
    let id = address::element("rule", name);
    html! {
        form.answers method="get" action="/inbox#rule" {
            input type="hidden" name="rule" value=(name);
            label for={ (id) "-choice" } { (words.say("ruling-all")) }
            select #{ (id) "-choice" } name="choice" {
                option value=(NEWEST) selected { (words.say("ruling-newest")) }
                @for choice in &first.choices { option value=(choice.name) { (conflict::side_word(told, &choice.name)) } }
            }
            label for={ (id) "-matching" } { (words.say("ruling-matching")) }
            input #{ (id) "-matching" } name="matching" placeholder="*.txt" maxlength="256" size="10" autocomplete="off";
            button { (words.say("ruling-preview")) }
        }
    }
}

/// What a rule would decide, and the button that has it decided.
pub(crate) fn preview(told: &Told, chosen: &Ruling, view: &DecisionView) -> Markup {
    let words = told.words;
    let values = [
        ("decides", Value::Number(view.decides)),
        ("of", Value::Number(view.of)),
    ];
    html! {
        section.card #rule aria-labelledby="rule-title" {
            h2 #rule-title { (mark::short(&view.item)) }
            p { b { (words.with("ruling-decides", &values)) } }
            ul {
                @for decided in &view.first { li { (mark::short(&decided.name)) " – " (conflict::side_word(told, &decided.choice)) } }
                @if view.decides > view.first.len() as u64 { li { (words.count("and-more", view.decides - view.first.len() as u64)) } }
            }
            @for stay in &view.stays { p { (words.count(stay_word(stay.why), stay.count)) } }
            @if view.later > 0 { p { (words.count("ruling-later", view.later)) } }
            div.answers {
                @if view.decides > 0 && told.may(Access::Run) {
                    form method="post" action="/decide" data-live {
                        (fields(told, chosen))
                        button.primary { (words.count("ruling-do", view.decides)) }
                    }
                }
                a.button href="/inbox" { (words.say("ruling-leave")) }
            }
        }
    }
}

fn stay_word(why: Stay) -> &'static str {
    match why {
        Stay::NotOffered => "stay-not-offered",
        Stay::EqualTimes => "stay-equal-times",
        Stay::UnknownTimes => "stay-unknown-times",
    }
}
