//! Rules: what starts by itself, and when it may.

use serde::{Deserialize, Serialize};

/// A rule in the words of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct RuleText {
    /// What it is called; derived from its items when empty.
    pub name: String,
    /// Items, handlers or labels; everything ticked when none is named.
    pub items: Vec<String>,
    /// What starts them, such as `daily at 02:00`, `logon` or `idle 15m`.
    pub on: Vec<String>,
    /// What must hold for them to start by themselves, such as `unmetered`.
    pub when: Vec<String>,
    /// A person is asked first.
    pub ask: bool,
    /// A run that started by itself is skipped when a condition is lost.
    pub stop_when_lost: bool,
    /// A run that started by itself is skipped when the machine wakes from a sleep in its middle.
    pub stop_on_wake: bool,
    /// How old the last good run may be, such as `2d`; as the schedule promises when absent.
    pub fresh_within: Option<String>,
    /// How old a missed time may be to be caught up, such as `7d`; `0s` catches nothing up.
    pub catch_up: Option<String>,
    /// By how much scheduled starts are moved later at most, such as `10m`.
    pub jitter: Option<String>,
    /// What becomes of items that run already: `ignore` or `again`; as what starts them asks for when absent.
    pub if_running: Option<String>,
    /// The connection that scheduled starts open first, and that is closed after their last run.
    #[serde(default)]
    pub connect: Option<String>,
}

/// A rule with what it means now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RuleView {
    /// What it says, as it was written.
    #[serde(flatten)]
    pub rule: RuleText,
    /// It stands in the configuration; otherwise a handler's registration asks for it.
    pub written: bool,
    /// How many items it is about now.
    pub count: u64,
    /// The names of the first of them.
    pub names: Vec<String>,
    /// When it is due next by time alone.
    pub next_ms: Option<i64>,
    /// What holds back all of its items as things stand, as a fragment.
    #[serde(default)]
    pub held_by: Option<String>,
    /// What that is made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_said: Option<crate::said::Said>,
    /// Conditions that other rules say and that hold for its items too, each with the rule that says it.
    #[serde(default)]
    pub also: Vec<AlsoView>,
    /// What keeps it from doing what it says on this machine, as sentences without their ends.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Other rules whose items its conditions hold back as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<String>,
    /// The zones that its schedules name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<String>,
}

/// A condition that another rule says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AlsoView {
    /// The condition, as a rule writes it.
    pub condition: String,
    /// The rule.
    pub rule: String,
}

/// What a schedule means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ScheduleView {
    /// As it was written.
    pub written: String,
    /// In its normalised form.
    pub normalised: String,
    /// The next times, oldest first.
    pub next_ms: Vec<i64>,
    /// The zones that it names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<String>,
    /// The next times as starts of the item that it is meant for, with what would hold them back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub starts: Vec<crate::view::ComingView>,
    /// Starts of other items within ten minutes of one of them, the first few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<crate::view::ForecastView>,
}
