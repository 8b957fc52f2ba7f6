//! Why an item is as it is, and when it starts by itself.

use serde::{Deserialize, Serialize};

use crate::said::Said;

/// Answer to `why`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct WhyView {
    /// The item's name.
    pub name: String,
    /// The whole answer in a sentence.
    pub sentence: String,
    /// What its sentences are made of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<Said>,
    /// Everything that holds it back, or that was looked at.
    pub reasons: Vec<ReasonView>,
    /// When it starts by itself in the next 24 hours, oldest first.
    #[serde(default)]
    pub coming: Vec<ComingView>,
    /// All its conditions, met or not.
    #[serde(default)]
    pub conditions: Vec<ConditionView>,
    /// What held it back the last times that something wanted to start it, youngest first.
    #[serde(default)]
    pub history: Vec<HeldView>,
    /// What a person can do.
    pub suggestion: Option<String>,
}

/// A coming start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ComingView {
    /// When.
    pub at_ms: i64,
    /// The rule that starts it; absent: another try after a failure.
    pub rule: Option<String>,
    /// What would hold it back if nothing else changes, as a fragment. What time alone decides, such as hours and the end
    /// of a pause, is looked at as it will be.
    pub held_by: Option<String>,
    /// What that is made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_said: Option<Said>,
    /// When it starts after all, if time alone lets it.
    #[serde(default)]
    pub then_ms: Option<i64>,
}

/// What starts by itself within a span.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Forecast {
    /// The starts, oldest first.
    pub starts: Vec<ForecastView>,
    /// There are too many to tell: these are all up to this moment, and none beyond it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_ms: Option<i64>,
}

/// A coming start of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ForecastView {
    /// Handler id.
    pub handler: String,
    /// Item id.
    pub item: String,
    /// Its name.
    pub name: String,
    /// When, by what, and what would hold it back.
    #[serde(flatten)]
    pub coming: ComingView,
}

/// A condition of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ConditionView {
    /// As a rule writes it.
    pub condition: String,
    /// The rules that say it; none: it is the item's own.
    pub rules: Vec<String>,
    /// How it stands.
    pub stands: Standing,
    /// What is wanted.
    pub wanted: String,
    /// What is.
    pub now: String,
    /// What that is made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now_said: Option<Said>,
    /// Why nobody can tell.
    pub because: Option<String>,
    /// Since when.
    pub since_ms: Option<i64>,
    /// When time alone changes it.
    pub until_ms: Option<i64>,
    /// What would change it.
    pub unblocked_by: Option<String>,
}

/// What held an item back for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct HeldView {
    /// Since when.
    pub since_ms: i64,
    /// Until when; absent: it still does, or nothing wanted to start it since.
    pub until_ms: Option<i64>,
    /// What wanted to start it, such as `schedule`.
    pub wanted_by: String,
    /// What held it back, as a fragment.
    pub text: String,
    /// What that is made of, where it is still known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<Said>,
}

/// How a condition stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It is met.
    Met,
    /// It is not.
    Unmet,
    /// It is looked at when the item is about to start.
    NotLookedAt,
    /// Nobody here can tell.
    Unknown,
}

/// One thing that `why` looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReasonView {
    /// What was looked at, such as `pause`, `last run`, `network`.
    pub about: String,
    /// It stands in the way.
    pub blocks: bool,
    /// What is wanted.
    pub wanted: String,
    /// What is.
    pub now: String,
    /// What that is made of; absent: somebody else's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now_said: Option<Said>,
    /// Since when.
    pub since_ms: Option<i64>,
    /// What would change it.
    pub unblocked_by: Option<String>,
    /// What that is made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unblocked_said: Option<Said>,
}
