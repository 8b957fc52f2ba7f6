//! Snapshots: what views are shown. Times are milliseconds since 1970-01-01T00:00:00Z, durations milliseconds. All
//! texts from handlers come with control characters neutralised.

use serde::{Deserialize, Serialize};

use crate::exit::ExitCode;
use crate::field::FieldView;
use crate::report::FailureClass;
use crate::said::Said;
pub use crate::why::{
    ComingView, ConditionView, Forecast, ForecastView, HeldView, ReasonView, Standing, WhyView,
};

/// How something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Still open.
    Open,
    /// Nothing had to be done.
    Nothing,
    /// All good.
    Succeeded,
    /// Good, with warnings or open conflicts.
    Warnings,
    /// Skipped.
    Skipped,
    /// Stopped by somebody.
    Stopped,
    /// Waits for a person.
    NeedsYou,
    /// Failed.
    Failed,
    /// The manager died meanwhile.
    Interrupted,
}

impl Outcome {
    /// The exit code of a command whose work ended so.
    #[must_use]
    pub fn exit(self) -> ExitCode {
        match self {
            Self::Open | Self::Nothing | Self::Succeeded => ExitCode::Good,
            Self::Warnings | Self::Skipped => ExitCode::Warnings,
            Self::Stopped | Self::Failed | Self::Interrupted => ExitCode::Failed,
            Self::NeedsYou => ExitCode::NeedsYou,
        }
    }
}

/// Status of an item in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ItemStatus {
    /// Not begun.
    Pending,
    /// At work.
    Updating,
    /// At work, with nothing to measure it by.
    UpdatingIndeterminate,
    /// Paused by its handler.
    Paused,
    /// Going on after a pause.
    Resuming,
    /// Done well.
    Succeeded,
    /// Failed.
    Failed,
    /// Skipped.
    Skipped,
    /// Stopped.
    Stopped,
    /// Could not be reached.
    Disconnected,
    /// Is no more.
    Deleted,
    /// Held back by a question.
    Held,
}

/// Severity of a log entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Worth knowing.
    Information,
    /// Something is not as it should be.
    Warning,
    /// Something failed.
    Error,
}

/// What was moved, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Counts {
    /// Sent from near (left) to far (right).
    pub sent: u64,
    /// Received from far (right) on near (left).
    pub received: u64,
    /// Deleted on either side.
    pub deleted: u64,
    /// Conflicts found open.
    pub conflicts: u64,
    /// Things that could not be synchronized.
    pub failed: u64,
    /// Bytes moved.
    pub bytes: u64,
    /// Of what was received, what was not there before, as far as the handler says.
    pub created_near: u64,
    /// Of what was sent, what was not there before, as far as the handler says.
    pub created_far: u64,
    /// Of what was deleted, what was deleted on the near (left) side, as far as the handler says.
    pub deleted_near: u64,
    /// Of what was deleted, what was deleted on the far (right) side, as far as the handler says.
    pub deleted_far: u64,
}

/// How fresh an item is, from its last good run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Freshness {
    /// Never had a good run.
    New,
    /// As fresh as expected.
    Fresh,
    /// Older than expected.
    Late,
    /// Much older than expected.
    Overdue,
}

/// What an item is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// Nothing.
    Idle,
    /// Waits in the queue.
    Pending,
    /// Synchronizes.
    Syncing,
    /// Was asked to stop.
    Stopping,
}

/// What a person sees of an item, derived from its axes in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Shown {
    /// Its handler waits to be set up.
    NotSetUp,
    /// Turned off.
    Disabled,
    /// Paused.
    Paused,
    /// Cannot be reached.
    Disconnected,
    /// Waits for a person.
    NeedsYou,
    /// Has open conflicts.
    Conflicts,
    /// The last run failed.
    Failed,
    /// Waits in the queue.
    Pending,
    /// Runs.
    Syncing,
    /// Was asked to stop.
    Stopping,
    /// Never ran well.
    New,
    /// Its last run did not finish it, or was undone.
    Unfinished,
    /// Older than expected.
    Late,
    /// In sync.
    Fresh,
}

/// An item in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ItemView {
    /// Handler id.
    pub handler: String,
    /// What the handler is called.
    #[serde(default)]
    pub handler_name: String,
    /// Item id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// One line about it, such as its two folders.
    pub comment: String,
    /// Labels.
    pub labels: Vec<String>,
    /// What a person sees.
    pub shown: Shown,
    /// The same as a short phrase, such as `in sync`, `paused until 17:00`.
    pub state: String,
    /// Takes part in a plain `sync`.
    pub checked: bool,
    /// Turned on.
    pub enabled: bool,
    /// What it is doing.
    pub run_state: RunState,
    /// How fresh.
    pub freshness: Freshness,
    /// The last good run's end.
    pub last_good_ms: Option<i64>,
    /// The last run's end.
    pub last_attempt_ms: Option<i64>,
    /// The last run.
    pub last_run: Option<u64>,
    /// Why the last run failed.
    pub problem: Option<String>,
    /// What that is made of, where the manager itself says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem_said: Option<Said>,
    /// Why it is late or overdue, as a fragment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late: Option<String>,
    /// How old the last good run may become.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_ms: Option<u64>,
    /// Where several runs in a row ended, as a fragment such as `the same 3 of 120 in 3 runs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stuck: Option<String>,
    /// How many conflicts are open.
    pub conflicts: u64,
    /// Open questions about it, by number.
    pub needs: Vec<u64>,
    /// How far it is, while it runs.
    pub progress: Option<ProgressView>,
    /// The request that it runs or waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<u64>,
    /// A window of its handler's is open: until it is closed, its run can be stopped and nothing else (M-119).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub window: bool,
    /// It has properties.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub properties: bool,
}

/// How far an item is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProgressView {
    /// The run.
    pub run: u64,
    /// Its status.
    pub status: ItemStatus,
    /// What it is doing now.
    pub text: String,
    /// How far.
    pub value: u64,
    /// How far it goes; 0: nobody knows.
    pub max: u64,
    /// What was moved so far.
    pub counts: Counts,
}

/// The verdict: one sentence, one exit code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct VerdictView {
    /// Such as `Everything is in sync.`
    pub sentence: String,
    /// What `status` exits with.
    pub exit: ExitCode,
    /// One command that would help most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
    /// When all is well: the end of the oldest last good run, since nothing is known of what changed later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of_ms: Option<i64>,
}

/// Answer to `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StatusView {
    /// The verdict.
    pub verdict: VerdictView,
    /// The items, worst first; at most [`crate::request::MAX_PAGE`].
    pub items: Vec<ItemView>,
    /// How many items there are.
    pub total: u64,
    /// How many questions are open.
    pub needs: u64,
    /// How many conflicts are open.
    pub conflicts: u64,
    /// Runs that are open now.
    pub running: Vec<u64>,
    /// A daemon answers, not the command's own process.
    pub daemon: bool,
    /// What starts by itself next, where a daemon starts it.
    #[serde(default)]
    pub next: Option<NextView>,
    /// Handlers that failed before they listed their items, at most [`crate::request::MAX_PAGE`].
    #[serde(default)]
    pub problems: Vec<HandlerProblemView>,
    /// Handlers that have no items and were never asked for any.
    #[serde(default)]
    pub unasked: Vec<String>,
    /// Handlers that were asked and have no items.
    #[serde(default)]
    pub empty: Vec<String>,
    /// What a person should know of the manager itself, gravest first.
    #[serde(default)]
    pub remarks: Vec<RemarkView>,
}

/// What a person should know of the manager itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RemarkView {
    /// What it is about, such as `configuration`.
    pub about: String,
    /// What must be known, as a fragment.
    pub text: String,
    /// What that is made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<Said>,
    /// What to do.
    #[serde(default)]
    pub hint: Option<String>,
    /// It is a problem.
    #[serde(default)]
    pub problem: bool,
}

/// What starts by itself next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct NextView {
    /// When.
    pub at_ms: i64,
    /// The rule.
    pub rule: String,
    /// The names of its first items.
    pub names: Vec<String>,
    /// How many items there are.
    pub count: u64,
    /// What holds all of them back as things stand, as a fragment.
    #[serde(default)]
    pub held_by: Option<String>,
    /// What that is made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_said: Option<Said>,
}

/// How far a handler came that failed before it listed its items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum FailedStep {
    /// It could not be started.
    Start,
    /// It could not be initialized.
    Initialize,
    /// Its items could not be read.
    List,
}

impl FailedStep {
    /// What is wrong, as the end of a sentence that begins with the handler.
    #[must_use]
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Start => "cannot be started",
            Self::Initialize => "cannot be initialized",
            Self::List => "cannot list its items",
        }
    }
}

/// A handler that failed before it listed its items; nothing is known of them until it lists them again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct HandlerProblemView {
    /// The handler.
    pub handler: String,
    /// What it is called, where that is known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What failed last.
    pub step: FailedStep,
    /// Why, one line.
    pub text: String,
    /// The end of what it wrote on standard error.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// When it failed first without a good list since.
    pub since_ms: i64,
    /// When it failed last.
    pub last_ms: i64,
    /// How often it failed in a row.
    pub times: u32,
}

/// Answer to `show`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ItemDetail {
    /// The item.
    pub item: ItemView,
    /// Its handler's name.
    pub handler_name: String,
    /// Its definition in the configuration.
    pub definition: Option<serde_json::Value>,
    /// The latest runs it took part in.
    pub runs: Vec<RunView>,
    /// Open questions about it.
    pub needs: Vec<NeedView>,
    /// Tasks offered for it: name, and why it is greyed when it is.
    pub tasks: Vec<TaskView>,
    /// What holds during and after its runs.
    #[serde(default)]
    pub policies: Vec<PolicyView>,
}

/// A setting that holds for an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PolicyView {
    /// Its key in the configuration, such as `time_limit`.
    pub setting: String,
    /// Its value, as people read it.
    pub value: String,
    /// The policy that says so; absent: no policy does, and it holds all the same.
    pub policy: Option<String>,
}

/// A task and whether it is offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TaskView {
    /// Such as `start-sync`.
    pub task: String,
    /// Why it is greyed; absent when it is offered.
    pub greyed: Option<String>,
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RunView {
    /// Its number.
    pub id: u64,
    /// Handler id.
    pub handler: String,
    /// `synchronize`, `undo` or `resolve`.
    pub kind: String,
    /// Why it began, such as `manual`.
    pub trigger: String,
    /// When it began.
    pub opened_ms: i64,
    /// When it ended.
    pub closed_ms: Option<i64>,
    /// How.
    pub outcome: Outcome,
    /// What was moved.
    pub counts: Counts,
    /// What of it was moved for the item whose runs were asked for; absent when no item was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Counts>,
    /// Names of its items, the first few.
    pub items: Vec<String>,
    /// How many items took part.
    pub item_count: u64,
    /// Why it failed as a whole.
    pub problem: Option<String>,
}

/// Answer to `run`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RunDetail {
    /// The run.
    pub run: RunView,
    /// Its items; at most [`crate::request::MAX_PAGE`].
    pub items: Vec<RunItemView>,
    /// Its log, oldest first; at most [`crate::request::MAX_PAGE`].
    pub log: Vec<LogView>,
    /// What the handler wrote on standard error.
    pub stderr: String,
    /// A window of the handler's is open: until it is closed, the run can be stopped and nothing else (M-119).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub window: bool,
}

/// One item's part of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RunItemView {
    /// Item id.
    pub item: String,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: ItemStatus,
    /// The last text, or why it failed.
    pub text: String,
    /// Whether trying again by itself may help; absent: it did not fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureClass>,
    /// What was moved.
    pub counts: Counts,
    /// How far it is, while the run is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<ProgressView>,
}

/// A log entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LogView {
    /// Its number.
    pub id: u64,
    /// When.
    pub at_ms: i64,
    /// How grave.
    pub level: Level,
    /// Handler id; absent: the manager's own.
    pub handler: Option<String>,
    /// What the handler is called.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub handler_name: String,
    /// Item name.
    pub item: Option<String>,
    /// Item id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_id: Option<String>,
    /// The run.
    pub run: Option<u64>,
    /// What.
    pub text: String,
    /// The cause and what to do.
    pub detail: Option<String>,
    /// It leads to an action of its handler now (`OpenLink`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub link: bool,
}

/// Answer to `log`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LogPage {
    /// Newest first.
    pub entries: Vec<LogView>,
    /// Older ones exist: ask with `before` set to this.
    pub before: Option<u64>,
}

/// An open question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct NeedView {
    /// The number to answer with.
    pub id: u64,
    /// Handler id.
    pub handler: String,
    /// What the handler is called.
    #[serde(default)]
    pub handler_name: String,
    /// Item name.
    pub item: Option<String>,
    /// Item id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_id: Option<String>,
    /// `prompt`, `login`, `guard`, `stale-lock`, `conflict`; `invoke` where a program asked and `confirm` where a rule
    /// asks: these two have a list (`Offer`).
    pub kind: String,
    /// The question.
    pub text: String,
    /// What that is made of, where the manager itself asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<Said>,
    /// What one must know to answer.
    pub detail: Option<String>,
    /// The answers.
    pub choices: Vec<ChoiceView>,
    /// Taken at the deadline.
    pub default: Option<String>,
    /// When.
    pub deadline_ms: Option<i64>,
    /// Since when.
    pub opened_ms: i64,
    /// The run that asked.
    #[serde(default)]
    pub run: Option<u64>,
    /// The handler waits for the answer now; otherwise it gets it with its next run.
    #[serde(default)]
    pub waits: bool,
    /// What is to be filled in, in this order, with the first of the choices; the other choices go without. A question
    /// that offers no choices takes any name for "here it is".
    #[serde(default)]
    pub fields: Vec<FieldView>,
}

impl NeedView {
    /// Whether a list is to be ticked (`Offer`, `Choose`).
    #[must_use]
    pub fn has_list(&self) -> bool {
        matches!(self.kind.as_str(), "invoke" | "confirm")
    }
}

/// One answer offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChoiceView {
    /// What to answer with.
    pub name: String,
    /// What it does.
    pub label: String,
    /// What that is made of, where the manager itself offers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<Said>,
}

/// Answer to `conflicts`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ConflictsView {
    /// One page.
    pub conflicts: Vec<ConflictView>,
    /// How many there are.
    pub total: u64,
}

/// A conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ConflictView {
    /// Its id.
    pub id: String,
    /// Handler id.
    pub handler: String,
    /// Item name.
    pub item: String,
    /// Item id.
    #[serde(default)]
    pub item_id: String,
    /// What is in conflict.
    pub name: String,
    /// Why.
    pub summary: String,
    /// When it was found.
    pub found_ms: i64,
    /// The versions.
    pub versions: Vec<VersionView>,
    /// The answers.
    pub choices: Vec<ChoiceView>,
    /// What its versions contain can be asked for (`Compare`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub comparable: bool,
}

/// One version of a conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct VersionView {
    /// Such as `left`.
    pub place: String,
    /// Full location.
    pub location: String,
    /// Deleted there.
    pub deleted: bool,
    /// What it is.
    pub kind: String,
    /// Size in bytes.
    pub size: Option<u64>,
    /// When it was modified.
    pub modified_ms: Option<i64>,
}

/// Answer to `handlers`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HandlersView {
    /// The handlers.
    pub handlers: Vec<HandlerView>,
}

/// A handler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct HandlerView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// One line about it.
    pub comment: String,
    /// Its version.
    pub version: String,
    /// Part of this program.
    pub built_in: bool,
    /// Set up.
    pub active: bool,
    /// Turned on.
    pub enabled: bool,
    /// How many items it has.
    pub items: u64,
    /// What it can do.
    pub capabilities: Vec<String>,
    /// Stays in lists although it has no items (`SYNCMGRHANDLER_ALWAYSLISTHANDLER`).
    #[serde(default)]
    pub always_list: bool,
    /// Wishes not to be displayed, with its items (`SYNCMGRHANDLER_HIDDEN`).
    #[serde(default)]
    pub hidden: bool,
    /// What is known of its registration.
    #[serde(default)]
    pub registration: crate::registration::RegistrationView,
    /// It was asked for its items and answered at least once.
    #[serde(default)]
    pub asked: bool,
    /// It failed before it listed its items, and did not list them since.
    #[serde(default)]
    pub problem: Option<HandlerProblemView>,
}

/// Answer to `properties`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PropertiesView {
    /// The handler.
    pub handler: String,
    /// The item's id; absent: the handler itself.
    pub item: Option<String>,
    /// What it is called.
    pub name: String,
    /// JSON Schema of the values; null when they were shown in a window.
    pub schema: serde_json::Value,
    /// The values in force.
    pub values: serde_json::Map<String, serde_json::Value>,
    /// What became of the list of items.
    pub effect: PropertiesEffect,
}

/// What became of the list of items when properties were shown or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PropertiesEffect {
    /// Nothing.
    Unchanged,
    /// The item is gone.
    ItemDeleted,
    /// The items were listed again.
    ItemsListed,
}

/// Answer to `plan`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PlanView {
    /// One for each item.
    pub items: Vec<ItemPlanView>,
    /// The worst of them as the command's exit code: `good` also when there is much to do.
    pub exit: ExitCode,
}

/// What would be done with one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ItemPlanView {
    /// Handler id.
    pub handler: String,
    /// Item id.
    pub item: String,
    /// Its name.
    pub name: String,
    /// Totals.
    pub counts: Counts,
    /// The actions, as many as were asked for.
    pub actions: Vec<ActionView>,
    /// How many actions there are.
    pub total: u64,
    /// Why a guard would hold it.
    pub held: Option<String>,
    /// Why nothing can be said.
    pub problem: Option<String>,
}

/// One thing that would be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ActionView {
    /// Such as `add`, `update`, `delete`, `conflict`.
    pub action: String,
    /// `left`, `right` or nothing.
    pub to: Option<String>,
    /// On what.
    pub name: String,
    /// How many bytes it moves.
    pub bytes: u64,
    /// Why.
    pub reason: Option<String>,
}

/// Answer to `add`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Added {
    /// The item's name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// Its handler.
    pub handler: String,
    /// It was there already.
    pub existing: bool,
}

/// How a request stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RequestState {
    /// How it ended, or `open`.
    pub outcome: Outcome,
    /// Its runs so far.
    pub runs: Vec<u64>,
    /// What it waits for, as a sentence without its end; absent once one of its runs is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<String>,
}

/// Answer to `doctor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DoctorView {
    /// What was checked.
    pub checks: Vec<CheckView>,
    /// The worst of them.
    pub exit: ExitCode,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CheckView {
    /// What was checked.
    pub name: String,
    /// What was found: `good`, `warnings` or `failed`.
    pub result: ExitCode,
    /// In words.
    pub text: String,
    /// What to do.
    pub hint: Option<String>,
}
