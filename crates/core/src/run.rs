//! Sessions and runs as they are remembered.

use crate::id::{HandlerId, ItemRef, RequestId, RunId, SessionId};
use crate::item::{Counts, Failure, ItemStatus};
use crate::request::{RequestOutcome, Trigger};
use crate::time::Timestamp;

/// A session: everything done for one trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Its number.
    pub id: SessionId,
    /// The request that opened it; absent when somebody outside did.
    pub request: Option<RequestId>,
    /// Why it began.
    pub trigger: Trigger,
    /// When it began.
    pub opened: Timestamp,
    /// When it ended.
    pub closed: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<RequestOutcome>,
}

/// The kind of work of a run, for history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunKind {
    /// Synchronized.
    Synchronize,
    /// Undid another run.
    Undo(RunId),
    /// Resolved a conflict.
    Resolve,
}

/// How a run stands or ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunOutcome {
    /// Still open.
    Open,
    /// All items good.
    Succeeded,
    /// Good, with warnings.
    Warnings,
    /// Every item skipped.
    Skipped,
    /// Stopped; an outcome, not an error.
    Stopped,
    /// Held back by a question, or left with open conflicts.
    NeedsYou,
    /// Failed.
    Failed,
    /// The manager died meanwhile; a plain run heals it.
    Interrupted,
}

/// A run: one handler's part of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    /// The number that people type.
    pub id: RunId,
    /// Its session.
    pub session: SessionId,
    /// Its handler.
    pub handler: HandlerId,
    /// The kind of work.
    pub kind: RunKind,
    /// Why.
    pub trigger: Trigger,
    /// When it began.
    pub opened: Timestamp,
    /// When it ended.
    pub closed: Option<Timestamp>,
    /// How it stands.
    pub outcome: RunOutcome,
    /// Sum over its items.
    pub counts: Counts,
    /// The handler process: pid and start time, to know it again after our own death.
    pub process: Option<(u32, u64)>,
    /// What the handler wrote on standard error, the last 64 KiB.
    pub stderr: String,
    /// Why the run as a whole failed.
    pub problem: Option<String>,
}

/// One item's part of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunItemRow {
    /// The run.
    pub run: RunId,
    /// The item.
    pub item: ItemRef,
    /// Its status.
    pub status: ItemStatus,
    /// Whether trying again may help, when it failed.
    pub failure: Option<Failure>,
    /// The last text it reported, or why it failed.
    pub text: String,
    /// What was moved.
    pub counts: Counts,
}
