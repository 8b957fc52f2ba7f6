//! Handlers and items, their four independent axes, and the status of an item in a run.

use std::time::Duration;

use crate::id::{HandlerId, ItemRef, RunId};
use crate::lane::Lane;
use crate::marks::Marks;
use crate::problem::HandlerProblem;
use crate::request::Trigger;
use crate::seldom::Seldom;
use crate::time::Timestamp;

/// Whether a thing was set up (Sync Center 3.4). First of four axes; never folded into one enum with the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Activation {
    /// Waits to be set up.
    Inactive,
    /// Takes part.
    #[default]
    Active,
}

/// Whether it can be reached. Third axis.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Connected {
    /// It answers that it can.
    Yes,
    /// It answers that it cannot.
    No,
    /// Nobody knows; counts as connected (Sync Center 3.2).
    #[default]
    Unknown,
}

/// What it is doing. Fourth axis.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum RunState {
    /// Nothing.
    #[default]
    Idle,
    /// Waits in the queue.
    Pending,
    /// Synchronizes.
    Syncing,
    /// Was asked to stop and has not yet.
    Stopping,
}

/// What a handler can do (Sync Center 2.5, `SYNCMGR_HANDLER_CAPABILITIES`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HandlerCapability {
    /// Keeps conflicts.
    ConflictStore,
    /// Keeps its own events.
    EventStore,
    /// Several sessions at once.
    ConcurrentSessions,
    /// Shows its content.
    Browse,
    /// Shows a schedule.
    Schedule,
    /// Asks before activation.
    QueryBeforeActivate,
    /// Asks before deactivation.
    QueryBeforeDeactivate,
    /// Asks before enabling.
    QueryBeforeEnable,
    /// Asks before disabling.
    QueryBeforeDisable,
    /// Has properties.
    Properties,
    /// Says what it would do.
    Plan,
    /// Brings back what a run replaced.
    Undo,
    /// Lets the user add items.
    DefineItems,
    /// May ask for connections (`SYNCMGRHANDLER_MAYESTABLISHCONNECTION`).
    Connection,
    /// Shows what the versions of a conflict contain.
    ReadConflicts,
}

/// What is not allowed with a handler now (`SYNCMGR_HANDLER_POLICIES`). Prevent hides the task, disable greys it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HandlerPolicy {
    /// No set-up.
    PreventActivate,
    /// No ending of the partnership.
    PreventDeactivate,
    /// No enabling.
    PreventEnable,
    /// No disabling.
    PreventDisable,
    /// No start by the manager.
    PreventStartSync,
    /// No stop by the manager.
    PreventStopSync,
    /// Enabling is greyed.
    DisableEnable,
    /// Disabling is greyed.
    DisableDisable,
    /// Start is greyed.
    DisableStartSync,
    /// Stop is greyed.
    DisableStopSync,
    /// Browse is greyed.
    DisableBrowse,
    /// Schedule is greyed.
    DisableSchedule,
    /// Not shown at first.
    HiddenByDefault,
    /// Its items are started by their own programs alone, which report what they do; start is greyed. Ours.
    OwnProgram,
}

/// What an item can do (`SYNCMGR_ITEM_CAPABILITIES`); never the same set as a handler's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemCapability {
    /// Keeps conflicts.
    ConflictStore,
    /// Keeps its own events.
    EventStore,
    /// Can be deleted.
    Delete,
    /// Shows its content.
    Browse,
    /// Asks before enabling.
    QueryBeforeEnable,
    /// Asks before disabling.
    QueryBeforeDisable,
    /// Asks before deleting.
    QueryBeforeDelete,
    /// Has properties.
    Properties,
}

/// What is not allowed with an item now (`SYNCMGR_ITEM_POLICIES`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemPolicy {
    /// No enabling.
    PreventEnable,
    /// No disabling.
    PreventDisable,
    /// No start.
    PreventStartSync,
    /// No stop.
    PreventStopSync,
    /// Enabling is greyed.
    DisableEnable,
    /// Disabling is greyed.
    DisableDisable,
    /// Start is greyed.
    DisableStartSync,
    /// Stop is greyed.
    DisableStopSync,
    /// Browse is greyed.
    DisableBrowse,
    /// Delete is greyed.
    DisableDelete,
    /// Not shown at first.
    HiddenByDefault,
}

crate::marks::marks! {
    HandlerCapability {
        ConflictStore,
        EventStore,
        ConcurrentSessions,
        Browse,
        Schedule,
        QueryBeforeActivate,
        QueryBeforeDeactivate,
        QueryBeforeEnable,
        QueryBeforeDisable,
        Properties,
        Plan,
        Undo,
        DefineItems,
        Connection,
        ReadConflicts,
    }
    HandlerPolicy {
        PreventActivate,
        PreventDeactivate,
        PreventEnable,
        PreventDisable,
        PreventStartSync,
        PreventStopSync,
        DisableEnable,
        DisableDisable,
        DisableStartSync,
        DisableStopSync,
        DisableBrowse,
        DisableSchedule,
        HiddenByDefault,
        OwnProgram,
    }
    ItemCapability {
        ConflictStore,
        EventStore,
        Delete,
        Browse,
        QueryBeforeEnable,
        QueryBeforeDisable,
        QueryBeforeDelete,
        Properties,
    }
    ItemPolicy {
        PreventEnable,
        PreventDisable,
        PreventStartSync,
        PreventStopSync,
        DisableEnable,
        DisableDisable,
        DisableStartSync,
        DisableStopSync,
        DisableBrowse,
        DisableDelete,
        HiddenByDefault,
    }
}

/// A handler as it is remembered, shown without loading it (cache first).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandlerRow {
    /// Its identity.
    pub id: HandlerId,
    /// Display name; the registration's description until the handler says otherwise (M-44).
    pub name: String,
    /// One line about it.
    pub comment: String,
    /// Its version, for people.
    pub version: String,
    /// First axis.
    pub activation: Activation,
    /// Second axis.
    pub enabled: bool,
    /// Third axis.
    pub connected: Connected,
    /// Stays in lists without items (M-59).
    pub always_list: bool,
    /// Not displayed (M-60).
    pub hidden: bool,
    /// What it can do.
    pub capabilities: Marks<HandlerCapability>,
    /// What is not allowed now.
    pub policies: Marks<HandlerPolicy>,
    /// It was asked for its items and answered at least once.
    pub asked: bool,
    /// It failed before it listed its items, and did not list them since.
    pub problem: Option<HandlerProblem>,
}

/// An item as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemRow {
    /// Its identity.
    pub at: ItemRef,
    /// Display name.
    pub name: String,
    /// One line about it.
    pub comment: String,
    /// Labels that the user gave it.
    pub labels: Seldom<String>,
    /// Takes part in a plain `sync`: the user's tick, else as the handler says (M-58).
    pub checked: bool,
    /// The user's own tick; absent: as the handler says.
    pub tick: Option<bool>,
    /// Second axis (items have no activation of their own).
    pub enabled: bool,
    /// Third axis.
    pub connected: Connected,
    /// No preference is kept (M-57).
    pub temporary: bool,
    /// Not displayed (M-60).
    pub hidden: bool,
    /// What it can do.
    pub capabilities: Marks<ItemCapability>,
    /// What is not allowed now.
    pub policies: Marks<ItemPolicy>,
    /// What its handler says that nobody else works with while it runs.
    pub lanes: Seldom<Lane>,
    /// When it became known.
    pub since: Timestamp,
    /// How old the last good run may be before the item is late; absent: never late.
    pub expected_freshness: Option<Duration>,
    /// When the last run ended, whatever became of it.
    pub last_attempt: Option<Timestamp>,
    /// When the last good run ended; what is shown (Sync Center A-45).
    pub last_good: Option<Timestamp>,
    /// The last run that it took part in.
    pub last_run: Option<RunId>,
    /// What became of it there.
    pub last_status: Option<ItemStatus>,
    /// Why it failed, as the run said.
    pub last_problem: Option<String>,
    /// The coming retry after a soft failure.
    pub retry: Option<Retry>,
    /// Where its runs ended since the last good one.
    pub stall: Option<Box<crate::stuck::Stall>>,
    /// It would have run by itself, but for conditions or a pause, and is caught up once.
    pub held: Option<Held>,
}

/// A run that was held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// What was to start it.
    pub trigger: Trigger,
    /// When it was to start first.
    pub since: Timestamp,
}

/// A retry that waits for its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How many retries came before this one.
    pub attempt: u32,
    /// When it is due.
    pub due: Timestamp,
    /// Its handler said when; a network that comes back changes nothing about that.
    pub told: bool,
}

/// Status of an item in a run (classic `SYNCMGRSTATUS`, Sync Center `SYNCMGR_PROGRESS_STATUS`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ItemStatus {
    /// Not begun.
    #[default]
    Pending,
    /// At work.
    Updating,
    /// At work, with nothing to measure it by.
    UpdatingIndeterminate,
    /// Paused by the handler.
    Paused,
    /// Going on after a pause.
    Resuming,
    /// Done well.
    Succeeded,
    /// Failed.
    Failed,
    /// Skipped by the user.
    Skipped,
    /// Stopped by the user.
    Stopped,
    /// Could not be reached.
    Disconnected,
    /// Is no more.
    Deleted,
    /// Held back by a question that a person must answer; nothing was applied. Ours: neither contract has it, and to
    /// their faces it is `Failed`.
    Held,
}

impl ItemStatus {
    /// Whether nothing more is expected for the item in this run.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        match self {
            Self::Pending
            | Self::Updating
            | Self::UpdatingIndeterminate
            | Self::Paused
            | Self::Resuming => false,
            Self::Succeeded
            | Self::Failed
            | Self::Skipped
            | Self::Stopped
            | Self::Disconnected
            | Self::Deleted
            | Self::Held => true,
        }
    }
}

/// Whether trying again by itself may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// It may; retried with backoff, and at once when a network comes.
    Soft,
    /// It will not, until somebody does something.
    Hard,
}

/// What was moved, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
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
