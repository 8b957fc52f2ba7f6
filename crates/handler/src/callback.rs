//! What a handler says to the manager.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::call::{Choice, Done, PropertiesEffect, Verdict, messages};
use crate::item::{Counts, Item, ItemId};

/// The status of an item (classic `SYNCMGRSTATUS`; Sync Center `SYNCMGR_PROGRESS_STATUS`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Stopped; terminal.
    Stopped,
    /// Skipped; terminal.
    Skipped,
    /// Not begun.
    Pending,
    /// At work.
    Updating,
    /// At work, with nothing to measure it by.
    UpdatingIndeterminate,
    /// Paused.
    Paused,
    /// Going on after a pause.
    Resuming,
    /// Done well; terminal.
    Succeeded,
    /// Failed; terminal.
    Failed,
    /// Could not be reached (`SYNCMGR_PS_DISCONNECTED`); terminal.
    Disconnected,
    /// The item is no more; terminal.
    Deleted,
}

impl Status {
    /// Whether nothing but `failed` may follow within the run (3.6).
    #[must_use]
    pub fn is_terminal(self) -> bool {
        match self {
            Self::Stopped
            | Self::Skipped
            | Self::Succeeded
            | Self::Failed
            | Self::Disconnected
            | Self::Deleted => true,
            Self::Pending
            | Self::Updating
            | Self::UpdatingIndeterminate
            | Self::Paused
            | Self::Resuming => false,
        }
    }
}

/// Whether trying again by itself may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// It may: the network, a lock, a file in use.
    Soft,
    /// It will not, until somebody does something.
    Hard,
}

/// Tells how far an item is. Absent fields leave what was said before. Classic: `Progress` with its mask. Sync Center:
/// `ReportProgress`, and `SetHandlerProgressText` when no item is named.
///
/// As a notification it costs least, and the verdict comes as `item/status`; as a request it is answered by
/// [`ProgressVerdict`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Progress {
    /// The item; absent for the handler itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemId>,
    /// The status. After a terminal one only `failed` may follow (Sync Center 3.6) unless the run is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// What it is doing now, for people; empty clears it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// How far; clamped to 0..=`max`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<u64>,
    /// How far it goes; 0 means nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
    /// What was moved so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
    /// With `failed`: whether trying again may help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// With `failed` or `disconnected`: trying again before so many seconds have passed is in vain. From 1 second to a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

/// Answer to [`Progress`] sent as a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProgressVerdict {
    /// What to do from now on; a level, repeated on every later call.
    pub verdict: Verdict,
}

/// How paired work ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum Completion {
    /// `S_OK`.
    Done,
    /// Any failure code.
    Failed {
        /// Why, as a fragment.
        reason: String,
        /// Whether trying again may help.
        failure: Failure,
        /// Trying again before so many seconds have passed is in vain. From 1 second to a day.
        #[serde(
            default,
            rename = "retryAfter",
            skip_serializing_if = "Option::is_none"
        )]
        retry_after: Option<u64>,
    },
    /// It ended because it was asked to.
    Cancelled,
}

/// How `properties/show` ended (`ShowPropertiesCompleted`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PropertiesCompleted {
    /// What became of the list of items.
    pub effect: PropertiesEffect,
}

/// How `error/show` ended (`ShowErrorCompleted`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ErrorCompleted {
    /// Items to run again on this instance (`S_SYNCMGR_RETRYSYNC`); empty for none.
    pub retry: Vec<ItemId>,
}

/// Severity of a log entry (`SYNCMGRLOGLEVEL`, `SYNCMGR_EVENT_LEVEL`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Worth knowing.
    Information,
    /// Something is not as it should be.
    Warning,
    /// Something failed.
    Error,
}

/// Adds an entry to the results. Classic: `LogError`. Sync Center: `ReportEvent`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Log {
    /// Its severity.
    pub level: Level,
    /// What happened, for people; one line, control characters neutralised.
    pub text: String,
    /// The item; absent for the handler itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemId>,
    /// The cause and what to do, at length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The handler's name for this error, for `error/show` and `log/delete`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Offer it as a link that leads to `error/show` (`SYNCMGRERRORFLAG_ENABLEJUMPTEXT`).
    #[serde(default)]
    pub jump: bool,
}

/// Reports a breach of the contract by the program behind this handler. For adapters, which speak for a program that
/// does not speak this protocol: `comhost` reports what a COM class does wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Breach {
    /// The obligation that was broken, such as `H-15`.
    pub obligation: String,
    /// What was seen, as a fragment.
    pub text: String,
}

/// Removes entries of this instance. Classic: `DeleteLogError`. Sync Center: `RemoveEvent`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct DeleteLog {
    /// Those of this name; absent for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Actions of a plan, at most [`crate::contract::MAX_PAGE`] a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanActions {
    /// The item.
    pub item: ItemId,
    /// In the order in which they would be done.
    pub actions: Vec<PlanAction>,
}

/// One thing that a run would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanAction {
    /// What: `add`, `update`, `delete`, `metadata`, `replace`, `conflict`, `skip` or the handler's own word.
    pub action: String,
    /// Towards which side: `left`, `right`, or absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// On what, for people; control characters neutralised.
    pub name: String,
    /// How many bytes it moves.
    #[serde(default)]
    pub bytes: u64,
    /// Why, when that is not plain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Says that lists changed and should be read again; a hint, never a carrier of state. Sync Center:
/// `ISyncMgrControl::UpdateHandler`, `UpdateConflicts`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Changed {
    /// Only of this item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemId>,
}

/// What kind of question it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PromptKind {
    /// A plain question.
    Question,
    /// A login or another secret.
    Login,
    /// A guard holds a suspicious plan.
    Guard,
    /// A lock that nobody may hold any more.
    StaleLock,
}

/// Asks a person. Classic: `EnableModeless(TRUE)` and a window of the handler's own. Sync Center: a UI operation.
///
/// With `durable` the question is kept until somebody answers, the run goes on or ends without it, and the answer comes
/// with the next `prepare`; the reply is then [`Prompted::Deferred`] at once. Without it the reply waits for a person
/// until the deadline, at most for an hour. A question with a secret may be answered at once with what a person had
/// remembered; who asks it again on the same instance says that this was wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Prompt {
    /// The item; absent for the handler itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemId>,
    /// The handler's name for the question; asking again under the same key replaces it.
    pub key: String,
    /// Its kind.
    pub kind: PromptKind,
    /// The question, one line.
    pub text: String,
    /// What a person must know to answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The answers offered.
    pub choices: Vec<Choice>,
    /// The answer taken at the deadline; absent: none is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Fields to fill in, as a JSON Schema of an object; secrets are marked `"format": "password"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Value>,
    /// Milliseconds until the default is taken or the question given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
    /// Keep it beyond this run.
    #[serde(default)]
    pub durable: bool,
    /// Private to the handler, handed back with the answer.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub context: Value,
    /// The answer that was given before, here or with `prepare`, is wrong: what was remembered of it is forgotten, and a
    /// person is asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub wrong: bool,
}

/// Answer to [`Prompt`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "answer")]
pub enum Prompted {
    /// A person chose, or the default was taken.
    Chosen {
        /// The name of the choice.
        choice: String,
        /// What was typed, by field name.
        #[serde(default)]
        fields: Map<String, Value>,
    },
    /// It is kept in the inbox; the answer comes with a later run.
    Deferred {
        /// Milliseconds until the default is taken or the question given up; absent: it waits until it is answered.
        #[serde(
            default,
            rename = "deadlineMs",
            skip_serializing_if = "Option::is_none"
        )]
        deadline_ms: Option<u64>,
    },
    /// Nobody may be bothered, and there is no default.
    Refused,
}

/// Withdraws a question that no longer matters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WithdrawPrompt {
    /// The item; absent for the handler itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemId>,
    /// The key it was asked under.
    pub key: String,
}

/// Asks whether a window may be shown, or says that it is gone. Classic: `EnableModeless`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnableModeless {
    /// True: may I? False: it is gone.
    pub enable: bool,
}

/// Answer to [`EnableModeless`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Allowed {
    /// Whether it is allowed (`S_OK`) or not (`S_FALSE`).
    pub allowed: bool,
}

/// Asks for a network connection. Classic: `EstablishConnection`. Answered by [`Connected`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct EstablishConnection {
    /// Its name; absent for the default one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Answer to [`EstablishConnection`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Connected {
    /// Whether it is up.
    pub connected: bool,
    /// Why not, as a fragment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Asks which items wait for this handler. Sync Center: `QueryForAdditionalItems`. Answered by [`LateItems`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QueryLateItems {}

/// Items that wait in the queue for this handler.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct LateItems {
    /// Their identities.
    pub items: Vec<ItemId>,
}

/// Takes an item into the running session. Sync Center: `AddItemToSession`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddItem {
    /// The item.
    pub item: ItemId,
}

/// Makes a new item known to the session but not yet visible. Sync Center: `ProposeItem`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProposeItem {
    /// The item.
    pub item: Item,
}

/// Makes a proposed item part of the handler's set. Sync Center: `CommitItem`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommitItem {
    /// The item.
    pub item: ItemId,
}

messages! {
    /// A notification of the handler; not answered.
    Callback {
        "progress" => Progress(Progress);
        "log" => Log(Log);
        "log/delete" => DeleteLog(DeleteLog);
        "violation" => Violation(Breach);
        "prepare/completed" => PrepareCompleted(Completion);
        "synchronize/completed" => SynchronizeCompleted(Completion);
        "properties/completed" => PropertiesCompleted(PropertiesCompleted);
        "error/completed" => ErrorCompleted(ErrorCompleted);
        "plan/actions" => PlanActions(PlanActions);
        "items/changed" => ItemsChanged(Changed);
        "conflicts/changed" => ConflictsChanged(Changed);
        "prompt/withdraw" => WithdrawPrompt(WithdrawPrompt);
    }
}

messages! {
    /// A request of the handler; the manager answers each.
    Question {
        "progress" => Progress(Progress) -> ProgressVerdict;
        "prompt" => Prompt(Prompt) -> Prompted;
        "modeless/enable" => EnableModeless(EnableModeless) -> Allowed;
        "connection/establish" => EstablishConnection(EstablishConnection) -> Connected;
        "items/late" => QueryLateItems(QueryLateItems) -> LateItems;
        "items/add" => AddItem(AddItem) -> Done;
        "items/propose" => ProposeItem(ProposeItem) -> Done;
        "items/commit" => CommitItem(CommitItem) -> Done;
    }
}
