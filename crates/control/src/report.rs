//! Reports of programs that synchronize by themselves, into sessions that the manager only shows.

use serde::{Deserialize, Serialize};

use crate::view::{Counts, Level};

/// The handler whose items nobody starts but their own programs.
pub const REPORTS: &str = "reports";

/// Longest text of a log line, in bytes; what is longer is cut.
pub const MAX_LINE: usize = 4_096;

/// How the work of an item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ReportState {
    /// It begins; one that was never ended before failed.
    Start,
    /// It goes on.
    Progress,
    /// It ended well.
    Done,
    /// It failed.
    Failed,
    /// It was skipped: there was nothing to do, or a person wanted it so.
    Skipped,
    /// It stopped, because a person wanted it so.
    Stopped,
    /// The other end cannot be reached. A run that is open ends with it.
    Disconnected,
    /// The other end can be reached. Begins and ends nothing.
    Connected,
}

/// Whether trying again may help.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// It may.
    Soft,
    /// It will not, until somebody does something.
    #[default]
    Hard,
}

/// A report of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Report {
    /// The item's name.
    pub name: String,
    /// How it stands.
    pub state: ReportState,
    /// Of which run; absent: the one that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<u64>,
    /// What it is doing now, or how it ended; absent: as before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// How far it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<u64>,
    /// How far it goes; 0: nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
    /// What was moved so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
    /// Of a failure: whether trying again may help.
    #[serde(default)]
    pub failure: FailureClass,
    /// With `start`: how long nothing may be heard of it, in milliseconds; at most 30 days. Absent: as its definition says,
    /// else a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_ms: Option<u64>,
}

impl Report {
    /// A report that says nothing but how it stands.
    #[must_use]
    pub fn new(name: impl Into<String>, state: ReportState) -> Self {
        Self {
            name: name.into(),
            state,
            run: None,
            text: None,
            value: None,
            max: None,
            counts: None,
            failure: FailureClass::default(),
            within_ms: None,
        }
    }
}

/// A line for the results log, of an item whose run is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReportedLine {
    /// The item's name.
    pub name: String,
    /// Of which run; absent: the one that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<u64>,
    /// How grave.
    pub level: Level,
    /// What.
    pub text: String,
    /// The cause and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Hold the connection for the run of an item: answered once something else than `heard` is wanted of it, or it is over. A run
/// whose connection is lost is given up after 30 seconds, unless it is held again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AttendReport {
    /// The item's name.
    pub name: String,
    /// Of which run; absent: the one that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<u64>,
    /// What the program knows to be wanted of it.
    #[serde(default)]
    pub heard: Wanted,
}

/// What a person wants of a run that a program reports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Wanted {
    /// Nothing: go on.
    #[default]
    GoOn,
    /// That this item is skipped.
    Skip,
    /// That it stops.
    Stop,
}

/// Answer to a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReportedView {
    /// The item's name.
    pub name: String,
    /// The run that it belongs to; absent where none is open, and none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<u64>,
    /// What a person wants of it.
    pub wanted: Wanted,
    /// The run is over.
    pub over: bool,
}
