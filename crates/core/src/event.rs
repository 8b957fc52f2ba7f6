//! Numbered events: the append-only history that views follow.

use crate::id::{EventNumber, HandlerId, ItemRef, NeedId, RequestId, RunId, SessionId};
use crate::item::ItemStatus;
use crate::request::{RequestOutcome, Trigger};
use crate::run::RunOutcome;
use crate::time::Timestamp;

/// Something that happened, numbered without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its number.
    pub number: EventNumber,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
}

/// What can have happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// A handler was registered.
    HandlerRegistered(HandlerId),
    /// A handler was unregistered.
    HandlerUnregistered(HandlerId),
    /// An item appeared.
    ItemAdded(ItemRef),
    /// An item went.
    ItemRemoved(ItemRef),
    /// A request was taken.
    RequestQueued {
        /// It.
        request: RequestId,
        /// Why.
        trigger: Trigger,
    },
    /// A request joined one that waits already.
    RequestMerged {
        /// The newcomer.
        request: RequestId,
        /// The one that waits.
        into: RequestId,
    },
    /// A request is over.
    RequestEnded {
        /// It.
        request: RequestId,
        /// How.
        outcome: RequestOutcome,
    },
    /// A session began.
    SessionOpened(SessionId),
    /// A session ended.
    SessionClosed {
        /// It.
        session: SessionId,
        /// How.
        outcome: RequestOutcome,
    },
    /// A run began.
    RunOpened {
        /// It.
        run: RunId,
        /// Whose.
        handler: HandlerId,
    },
    /// A run ended.
    RunClosed {
        /// It.
        run: RunId,
        /// How.
        outcome: RunOutcome,
    },
    /// An item reached a terminal status in a run.
    ItemFinished {
        /// The run.
        run: RunId,
        /// The item.
        item: ItemRef,
        /// Its status.
        status: ItemStatus,
    },
    /// Somebody asked to stop a session.
    StopRequested(SessionId),
    /// Somebody asked to skip an item.
    SkipRequested(ItemRef),
    /// A handler broke the contract.
    ProtocolViolation {
        /// Whose.
        handler: HandlerId,
        /// What it did.
        text: String,
    },
    /// An instance did not end in its grace period and was left (M-111).
    InstanceAbandoned(HandlerId),
    /// A question was opened.
    NeedOpened(NeedId),
    /// A question was answered, withdrawn, used or expired.
    NeedClosed(NeedId),
    /// The list of conflicts of an item changed.
    ConflictsChanged {
        /// The item.
        item: ItemRef,
        /// How many there are.
        open: u64,
    },
    /// Something was paused.
    Paused(Option<ItemRef>),
    /// Something was resumed.
    Resumed(Option<ItemRef>),
    /// A stale lock of a dead manager was taken over.
    LockTakenOver {
        /// Its process number.
        pid: u32,
    },
    /// A run was found open at start and became interrupted.
    RunInterrupted(RunId),
    /// An item or handler was enabled or disabled.
    EnabledChanged {
        /// The handler.
        handler: HandlerId,
        /// The item; absent: the handler itself.
        item: Option<ItemRef>,
        /// The new state.
        enabled: bool,
    },
}
