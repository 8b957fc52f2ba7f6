//! Requests: what somebody wants, before anybody works.

use crate::conflict::Decision;
use crate::id::{HandlerId, ItemRef, RequestId, RunId};
use crate::time::Timestamp;

/// Most bytes of a cookie: in base 64 it still fits into the first line to a handler.
pub const MAX_COOKIE_BYTES: usize = 1024 * 1024;
/// Most bytes of the cookies of all requests that wait; beyond it a request is refused.
pub const MAX_WAITING_COOKIES: usize = 64 * 1024 * 1024;

/// What made synchronization start (mobsync 3.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// A person asked.
    Manual,
    /// A schedule fired.
    Schedule,
    /// A scheduled time was missed and is caught up, once.
    CatchUp,
    /// The user logged on.
    Logon,
    /// The user logs off.
    Logoff,
    /// The screen was locked.
    Lock,
    /// The screen was unlocked.
    Unlock,
    /// The machine is about to sleep.
    Suspend,
    /// The machine woke up.
    Resume,
    /// The machine is idle.
    Idle,
    /// A network came up.
    Connect,
    /// A network is about to go.
    PendingDisconnect,
    /// A program asked (`UpdateItems`).
    Invoke,
    /// Files changed.
    FileChange,
    /// A volume or device appeared.
    Device,
    /// Another item ended its run.
    After,
    /// Somebody outside works already and reports.
    External,
    /// The manager tries again after a soft failure.
    Retry,
    /// A question was answered.
    Answered,
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everything checked.
    Checked,
    /// All items of a handler.
    Handler(HandlerId),
    /// These items.
    Items(Vec<ItemRef>),
}

/// The work to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Synchronize.
    Synchronize,
    /// Bring back what a run replaced; scope is the items of that run.
    Undo {
        /// The run.
        run: RunId,
    },
    /// Carry out choices on conflicts, in one run; scope is their one item.
    Resolve {
        /// What was chosen for which, at most [`crate::conflict::MAX_DECISIONS`].
        decisions: Vec<Decision>,
    },
    /// Read the lists of items and conflicts again (settings session: nothing is synchronized).
    List,
    /// The properties of an item or a handler; scope is that one.
    Properties(PropertyAsk),
}

/// What is asked of properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PropertyAsk {
    /// What they are.
    Read,
    /// Change these values, JSON text of an object.
    Write(String),
    /// The handler shows a window of its own (`ShowProperties`).
    Show,
}

/// What to do when an item is running already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum IfRunning {
    /// Run it again afterwards (Sync Center's behaviour without a flag).
    #[default]
    Again,
    /// Leave it out (`SYNCMGR_SCF_IGNORE_IF_ALREADY_SYNCING`).
    Ignore,
}

/// A request in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What is wanted.
    pub scope: Scope,
    /// The work.
    pub work: Work,
    /// Why.
    pub trigger: Trigger,
    /// A person is there and may be asked.
    pub may_bother_user: bool,
    /// The caller's private bytes; such requests are merged with their equal alone.
    pub cookie: Option<Vec<u8>>,
    /// When an item runs already.
    pub if_running: IfRunning,
}

/// How a request ended: the worst of its items, in the order of the variants' severity (mobsync 3.6, Sync Center 3.5).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestOutcome {
    /// Nothing had to be done.
    #[default]
    Nothing,
    /// All good.
    Succeeded,
    /// Some items were skipped.
    Skipped,
    /// Done, with warnings.
    Warnings,
    /// It was stopped.
    Stopped,
    /// Something waits for a person: a question or an open conflict.
    NeedsYou,
    /// Something failed.
    Failed,
}

/// Why a request was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefusedRequest {
    /// No such handler or item.
    #[error("nothing of that name is registered")]
    Unknown,
    /// The handler was not set up.
    #[error("the handler is not set up")]
    Inactive,
    /// A policy forbids it (Sync Center A-19: `E_ACCESSDENIED`).
    #[error("a policy of the handler forbids it")]
    Forbidden,
    /// Its own program starts it, and nobody else.
    #[error("its own program decides when")]
    OwnProgram,
    /// The handler cannot do that.
    #[error("the handler does not offer it")]
    NotOffered,
    /// Properties of the handler are open already (M-137).
    #[error("properties of this handler are open already")]
    PropertiesOpen,
    /// The queue is full.
    #[error("too many requests wait already")]
    QueueFull,
    /// The cookie is too large.
    #[error("the cookie is larger than {MAX_COOKIE_BYTES} bytes")]
    CookieTooLarge,
}

/// A request that waits or runs, for views.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// Its number.
    pub id: RequestId,
    /// The request.
    pub request: Request,
    /// Since when.
    pub since: Timestamp,
}
