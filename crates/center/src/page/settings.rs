//! What starts by itself, on the tabs that SyncMgr had: at logon and logoff, on idleness, on a schedule, with a connection.

use maud::{Markup, html};
use syncmgr_control::method::Access;
use syncmgr_control::rule::RuleView;

use super::mark;
use super::moment::Told;
use super::said;
use super::words::Value;

/// A tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tab {
    Logon,
    Idle,
    Scheduled,
    Connection,
    Other,
}

impl Tab {
    const ALL: [Self; 5] = [
        Self::Logon,
        Self::Idle,
        Self::Scheduled,
        Self::Connection,
        Self::Other,
    ];

    /// The tab of a cause, by its first word.
    pub(crate) fn of(cause: &str) -> Self {
        match cause.split_whitespace().next().unwrap_or_default() {
            "logon" | "logoff" | "lock" | "unlock" | "suspend" | "resume" => Self::Logon,
            "idle" => Self::Idle,
            "network" | "wifi" | "disconnect" => Self::Connection,
            "volume" | "change" | "after" | "" => Self::Other,
            _ => Self::Scheduled,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Logon => "tab-logon",
            Self::Idle => "tab-idle",
            Self::Scheduled => "tab-scheduled",
            Self::Connection => "tab-connection",
            Self::Other => "tab-other",
        }
    }

    fn id(self) -> &'static str {
        match self {
            Self::Logon => "logon",
            Self::Idle => "idle",
            Self::Scheduled => "scheduled",
            Self::Connection => "connection",
            Self::Other => "other",
        }
    }

    /// What a new rule of it starts with.
    fn example(self) -> &'static str {
        match self {
            Self::Logon => "logon",
            Self::Idle => "idle 15m",
            Self::Scheduled => "daily at 02:00",
            Self::Connection => "network",
            Self::Other => "volume BACKUP",
        }
    }
}

/// The settings.
pub(crate) fn settings(told: &Told, rules: &[RuleView]) -> Markup {
    let words = told.words;
    html! {
        h1 { (words.say("nav-settings")) }
        p { (words.say("settings-text")) }
        nav.tabs aria-label=(words.say("settings-tabs")) {
            ul { @for tab in Tab::ALL { li { a href={ "#" (tab.id()) } { (words.say(tab.title())) } } } }
        }
        @for tab in Tab::ALL { (one(told, tab, rules)) }
        @if !told.may(Access::Admin) { p.faint { (words.say("needs-admin")) } }
    }
}

fn one(told: &Told, tab: Tab, rules: &[RuleView]) -> Markup {
    let words = told.words;
    let of_tab: Vec<&RuleView> = rules
        .iter()
        .filter(|rule| {
            rule.rule.on.iter().any(|cause| Tab::of(cause) == tab)
                || (tab == Tab::Other && rule.rule.on.is_empty())
        })
        .collect();
    let title = format!("{}-title", tab.id());
    html! {
        section.card id=(tab.id()) aria-labelledby=(title) {
            h2 id=(title) { (words.say(tab.title())) }
            @if of_tab.is_empty() { p.empty { (words.say("tab-none")) } }
            ul.plain { @for rule in of_tab { (row(told, rule)) } }
            @if told.may(Access::Admin) { (add(told, tab)) }
        }
    }
}

fn row(told: &Told, rule: &RuleView) -> Markup {
    let words = told.words;
    html! {
        li.rule {
            p { b { (mark::short(&rule.rule.name)) } " · "
                @if rule.count == 0 { (words.say("rule-nothing")) }
                @for (at, name) in rule.names.iter().enumerate() { @if at > 0 { ", " } (mark::short(name)) }
                @if rule.count > rule.names.len() as u64 { " " (words.count("and-more", rule.count - rule.names.len() as u64)) } }
            p { @for cause in &rule.rule.on { code { (cause) } " " }
                @if !rule.rule.when.is_empty() { (words.say("rule-when")) " " @for condition in &rule.rule.when { code { (condition) } " " } }
                @if rule.rule.ask { " " (words.say("rule-asks")) }
                @if let Some(next) = rule.next_ms { " · " (words.say("row-next")) " " (told.clock(next)) }
                @if let Some(held) = &rule.held_by { " " span.chip { (said::quoted(told, held, rule.held_said.as_ref())) } } }
            @for warning in &rule.warnings { p.row-problem { (mark::quoted(words, warning)) } }
            @if !rule.written { p.faint { (words.say("rule-registered")) } }
            @if rule.written && told.may(Access::Admin) {
                form method="post" action="/act/remove-rule" { (told.form())
                    input type="hidden" name="name" value=(rule.rule.name);
                    button aria-label=(words.with("rule-remove-label", &[("name", Value::Text(&mark::cut(&rule.rule.name)))])) { (words.say("rule-remove")) } }
            }
        }
    }
}

fn add(told: &Told, tab: Tab) -> Markup {
    let words = told.words;
    html! {
        details { summary { (words.say("rule-new")) }
            form.fields method="post" action="/act/add-rule" { (told.form())
                label { span { (words.say("rule-on")) } input name="on" value=(tab.example()) required autocomplete="off"; }
                label { span { (words.say("rule-items")) } input name="items" autocomplete="off"; }
                label { span { (words.say("rule-condition")) } input name="when" autocomplete="off"; }
                @if tab == Tab::Scheduled { label { span { (words.say("rule-connect")) } input name="connect" autocomplete="off"; } }
                label.check { input type="checkbox" name="ask" value="true"; span { (words.say("rule-ask")) } }
                button.primary { (words.say("rule-save")) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_its_tab() {
        for (cause, tab) in [
            ("logon", Tab::Logon),
            ("idle 15m stop", Tab::Idle),
            ("daily at 02:00", Tab::Scheduled),
            ("every 5 min", Tab::Scheduled),
            ("wifi Home", Tab::Connection),
            ("volume X", Tab::Other),
            ("", Tab::Other),
        ] {
            assert!(Tab::of(cause) == tab, "{cause}");
            assert!(
                Tab::ALL
                    .iter()
                    .filter(|tab| Tab::of(tab.example()) == **tab)
                    .count()
                    == 5
            );
        }
    }
}
