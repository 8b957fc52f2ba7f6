//! What starts an item: its rules, and one that is tried in words, times and obstacles before it is saved.

use maud::{Markup, html};
use syncmgr_control::method::Access;
use syncmgr_control::rule::{RuleText, RuleView, ScheduleView};
use syncmgr_control::view::ComingView;

use super::item::Item;
use super::moment::Told;
use super::wish::{TICKS, Wish};
use super::words::Value;
use super::{address, mark, said};

/// Coming starts that are listed.
const COMING: usize = 5;
/// Longest words that are typed.
const MAX_WORDS: &str = "1024";

/// A wish that is tried.
pub(crate) struct Tried {
    pub(crate) wish: Wish,
    /// What each of its schedules means, or why it means nothing.
    pub(crate) means: Vec<Result<ScheduleView, String>>,
}

/// What was done to a rule, as the address says it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Did {
    /// One of this name was added.
    Added(String),
    /// This one was, and is no more as it was.
    Changed(RuleText),
    Removed(RuleText),
    /// The last change was taken back.
    Undone,
}

/// What starts it by itself now.
pub(crate) fn starts(told: &Told, view: &Item<'_>) -> Markup {
    let words = told.words;
    html! {
        section #item-starts.card {
            h2 { (words.say("starts-title")) }
            @if view.why.coming.is_empty() { p.empty { (words.say("next-none")) } }
            (times(told, view.why.coming.iter().take(COMING)))
            @for rule in view.rules { (one_rule(told, view, rule)) }
        }
    }
}

fn times<'a>(told: &Told, starts: impl Iterator<Item = &'a ComingView>) -> Markup {
    html! {
        ul.plain {
            @for coming in starts {
                li { (told.clock(coming.at_ms)) @if let Some(rule) = &coming.rule { " · " (mark::short(rule)) }
                    @if let Some(held) = &coming.held_by { " " span.chip { (said::quoted(told, held, coming.held_said.as_ref())) }
                        @if let Some(then) = coming.then_ms { " → " (told.clock(then)) } } }
            }
        }
    }
}

fn one_rule(told: &Told, view: &Item<'_>, rule: &RuleView) -> Markup {
    let words = told.words;
    let full = address::full_name(&view.detail.item);
    let name = mark::cut(&rule.rule.name);
    let label = |id| words.with(id, &[("name", Value::Text(&name))]);
    html! {
        div.rule {
            h3 { (mark::short(&rule.rule.name)) }
            p { @for cause in &rule.rule.on { code { (cause) } " " }
                @if !rule.rule.when.is_empty() { (words.say("rule-when")) " " @for condition in &rule.rule.when { code { (condition) } " " } }
                @if rule.rule.ask { " " (words.say("rule-asks")) } }
            @for warning in &rule.warnings { p.row-problem { (mark::quoted(words, warning)) } }
            @if !rule.written { p.faint { (words.say("rule-registered")) } }
            @if rule.written && told.may(Access::Admin) {
                div.acts-left {
                    a href={ (address::item(&full)) "&rule=" (address::encoded(&rule.rule.name)) "#try" } aria-label=(label("rule-change-label")) {
                        (words.say("rule-change"))
                    }
                    form method="post" action="/schedule" {
                        (told.form_to(&address::item(&full)))
                        input type="hidden" name="remove" value=(rule.rule.name);
                        (was(&rule.rule))
                        button aria-label=(label("rule-remove-label")) { (words.say("rule-remove")) }
                    }
                }
            }
        }
    }
}

/// How a rule is now, so that what is done to it can be taken back.
fn was(rule: &RuleText) -> Markup {
    let text = serde_json::to_string(rule).ok();
    html! { @if let Some(text) = text { input type="hidden" name="was" value=(text); } }
}

/// A wish is tried, which says in words and times what it means, before it becomes a rule.
pub(crate) fn editor(told: &Told, view: &Item<'_>) -> Markup {
    let words = told.words;
    let full = address::full_name(&view.detail.item);
    let edited = view.edited;
    let written = Wish {
        on: edited.map(|rule| rule.rule.on.clone()).unwrap_or_default(),
        when: edited
            .map(|rule| rule.rule.when.clone())
            .unwrap_or_default(),
    };
    let wish = view.tried.as_ref().map_or(&written, |tried| &tried.wish);
    let causes = wish.on.join("; ");
    let rest: Vec<&str> = wish.unticked().map(String::as_str).collect();
    html! {
        section.card #try {
            h2 {
                @if let Some(rule) = edited { (words.with("rule-change-title", &[("name", Value::Text(&mark::cut(&rule.rule.name)))])) }
                @else { (words.say("rule-add-title")) }
            }
            @if let Some(rule) = edited && rule.count > 1 { p.row-problem { (words.count("rule-of-many", rule.count)) } }
            form.fields method="get" action="/item#try" {
                input type="hidden" name="name" value=(full);
                @if let Some(rule) = edited { input type="hidden" name="rule" value=(rule.rule.name); }
                label { span { (words.say("rule-schedule")) }
                    input name="schedule" value=(causes) maxlength=(MAX_WORDS) placeholder=(words.say("rule-example")) autocomplete="off"; }
                fieldset {
                    legend { (words.say("rule-condition")) }
                    @for (tick, id) in TICKS {
                        label.check { input type="checkbox" name="when" value=(tick) checked[wish.when.iter().any(|is| is == tick)];
                            span { (words.say(id)) } }
                    }
                    label { span { (words.say("rule-condition-other")) }
                        input name="when" value=(rest.join("; ")) maxlength=(MAX_WORDS) autocomplete="off" placeholder="battery 50; hours 22:00-06:00"; }
                }
                button { (words.say("rule-try")) }
            }
            @if let Some(tried) = &view.tried { (answer(told, &full, tried, edited)) }
        }
    }
}

fn answer(told: &Told, full: &str, tried: &Tried, edited: Option<&RuleView>) -> Markup {
    let words = told.words;
    let fits = !(tried.wish.on.is_empty() && tried.wish.when.is_empty())
        && tried.means.iter().all(Result::is_ok);
    html! {
        div.answer role="status" {
            @for meant in &tried.means {
                @match meant {
                    Ok(schedule) => {
                        @let spoken = super::spoken::spoken(words, &schedule.normalised);
                        p { (words.say("rule-means")) " " @if let Some(spoken) = &spoken { (spoken) " " } code { (schedule.normalised) } }
                        (coming(told, schedule))
                    }
                    Err(why) => p.row-problem role="alert" { (mark::quoted_whole(words, why)) },
                }
            }
            @for cause in tried.wish.on.iter().filter(|cause| !super::wish::is_schedule(cause)) {
                p { code { (cause) } " " (words.say("rule-no-clock")) }
            }
            @if tried.wish.on.is_empty() && !tried.wish.when.is_empty() { p { (words.say("rule-only-conditions")) } }
            @if fits { (save(told, full, tried, edited)) }
        }
    }
}

/// The next times, with what would hold them back and what starts beside them.
fn coming(told: &Told, schedule: &ScheduleView) -> Markup {
    let words = told.words;
    html! {
        @if schedule.starts.is_empty() { ul.plain { @for at in &schedule.next_ms { li { (told.clock(*at)) } } } }
        (times(told, schedule.starts.iter()))
        @if !schedule.beside.is_empty() {
            p.faint { (words.say("rule-beside")) }
            ul.plain { @for other in &schedule.beside {
                li { (told.clock(other.coming.at_ms)) " "
                    a href=(address::of_item(Some(&other.handler), Some(&other.item), &other.name)) { (mark::short(&other.name)) } }
            } }
        }
    }
}

fn save(told: &Told, full: &str, tried: &Tried, edited: Option<&RuleView>) -> Markup {
    let words = told.words;
    if !told.may(Access::Admin) {
        return html! { p.faint { (words.say("needs-admin")) } };
    }
    // What the editor does not show stays as it is.
    let rule = RuleText {
        on: tried.wish.on.clone(),
        when: tried.wish.when.clone(),
        ..edited.map_or_else(
            || RuleText {
                items: vec![full.to_owned()],
                ..RuleText::default()
            },
            |edited| edited.rule.clone(),
        )
    };
    html! {
        form.acts-left method="post" action="/schedule" {
            (told.form_to(&address::item(full)))
            (fields(&rule))
            @if let Some(edited) = edited { (was(&edited.rule)) }
            button.primary { (words.say("rule-save")) }
            @if edited.is_some() { a href={ (address::item(full)) "#item-starts" } { (words.say("rule-leave")) } }
        }
    }
}

/// A rule as the hidden fields of a form.
fn fields(rule: &RuleText) -> Markup {
    let lists = [
        ("items", &rule.items),
        ("on", &rule.on),
        ("when", &rule.when),
    ];
    let texts = [
        ("freshWithin", &rule.fresh_within),
        ("catchUp", &rule.catch_up),
        ("jitter", &rule.jitter),
        ("ifRunning", &rule.if_running),
        ("connect", &rule.connect),
    ];
    let flags = [
        ("ask", rule.ask),
        ("stopWhenLost", rule.stop_when_lost),
        ("stopOnWake", rule.stop_on_wake),
    ];
    html! {
        @if !rule.name.is_empty() { input type="hidden" name="name" value=(rule.name); }
        @for (name, list) in lists { @for value in list { input type="hidden" name=(name) value=(value); } }
        @for (name, text) in texts { @if let Some(text) = text { input type="hidden" name=(name) value=(text); } }
        @for (name, flag) in flags { @if flag { input type="hidden" name=(name) value="true"; } }
    }
}

/// What was done, and the way back.
pub(crate) fn did(told: &Told, full: &str, did: &Did) -> Markup {
    let words = told.words;
    let (id, name) = match did {
        Did::Added(name) => ("rule-added", name),
        Did::Changed(was) => ("rule-changed", &was.name),
        Did::Removed(was) => ("rule-removed", &was.name),
        Did::Undone => {
            return html! { section.card.done role="status" { p { (mark::Tone::Good.glyph()) " " (words.say("rule-undone")) } } };
        }
    };
    html! {
        section.card.done role="status" {
            p { (mark::Tone::Good.glyph()) " " (words.with(id, &[("name", Value::Text(&mark::cut(name)))])) }
            @if let Did::Changed(was) | Did::Removed(was) = did {
                p.faint { (words.say("rule-was")) " " @for cause in &was.on { code { (cause) } " " }
                    @if !was.when.is_empty() { (words.say("rule-when")) " " @for condition in &was.when { code { (condition) } " " } } }
            }
            @if told.may(Access::Admin) {
                form method="post" action="/schedule" {
                    (told.form_to(&address::item(full)))
                    @match did {
                        Did::Added(name) => input type="hidden" name="remove" value=(name);,
                        Did::Changed(was) | Did::Removed(was) => (fields(was)),
                        Did::Undone => {}
                    }
                    input type="hidden" name="undo" value="true";
                    button { (words.say("rule-take-back")) }
                }
            }
        }
    }
}
