//! What is to be stored: rows that replace those of the same identity, and events that are appended. All records of one
//! turn of the loop belong into one transaction.

use std::time::Duration;

use crate::absent::AbsentRow;
use crate::command::Verdict;
use crate::conflict::ConflictRow;
use crate::event::Event;
use crate::id::{HandlerId, InstanceId, ItemId, ItemRef, LogId, RunId, SessionId};
use crate::item::{HandlerRow, ItemRow};
use crate::log::LogRow;
use crate::need::NeedRow;
use crate::paged::Paged;
use crate::request::Trigger;
use crate::run::{RunItemRow, RunRow, SessionRow};
use crate::time::Timestamp;

/// One change of the stored state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// Insert or replace a handler.
    Handler(HandlerRow),
    /// Remove a handler with its items, preferences and needs (M-25); runs and log stay.
    HandlerGone(HandlerId),
    /// Insert or replace an item.
    Item(ItemRow),
    /// These items ended a run well: their last attempt, last good run and last run are this one, and no problem and no
    /// retry remain. One record for a whole run; rows of 100,000 items would be held in memory at once.
    ItemsSucceeded {
        /// Their handler.
        handler: HandlerId,
        /// The run.
        run: RunId,
        /// When it ended.
        at: Timestamp,
        /// The items.
        items: Vec<ItemId>,
    },
    /// The clock was set: what is stored of items moves with it, so that all of it is as long ago, or as far ahead, as
    /// before. Rows of pauses, needs and rules follow by themselves; runs and log stay as they were dated.
    ClockSet {
        /// How far, in milliseconds.
        by_ms: i64,
        /// Only what is dated later than this moves.
        after: Timestamp,
    },
    /// Remove an item with its preferences, conflicts and needs; runs and log stay.
    ItemGone(ItemRef),
    /// As [`Self::ItemGone`], but its pause stays, and these of its preferences.
    Absent(AbsentRow),
    /// An absent item is there again: remove what was kept of it, except its pause.
    AbsentGone(ItemRef),
    /// Insert or replace a session; what is kept of who reports into it goes when it is closed.
    Session(SessionRow),
    /// Keep who reports into an open session from outside, so that it outlives the manager.
    Outside(OutsideRow),
    /// Insert or replace a run.
    Run(RunRow),
    /// Insert or replace one item's part of a run.
    RunItem(RunItemRow),
    /// Append to the log.
    Log(LogRow),
    /// Give a log entry this detail.
    LogDetail {
        /// Which.
        log: LogId,
        /// The cause and what to do.
        detail: String,
    },
    /// Remove log entries (M-127).
    LogDeleted(Vec<LogId>),
    /// Insert or replace a need.
    Need(NeedRow),
    /// Replace the conflicts of an item.
    Conflicts {
        /// The item.
        item: ItemRef,
        /// All of them, at most [`crate::conflict::MAX_CONFLICTS_PER_ITEM`].
        conflicts: Vec<ConflictRow>,
    },
    /// Insert or replace a pause; `until` absent means until resumed.
    Pause(PauseRow),
    /// Remove a pause.
    PauseGone(PauseScope),
    /// Something held an item back from now on; whatever did before does so no more. At most [`MAX_HELD`] are kept.
    Held(HeldRow),
    /// Nothing holds an item back any more.
    HeldUntil {
        /// The item.
        item: ItemRef,
        /// Since when.
        until: Timestamp,
    },
    /// Up to when the schedules of a rule were looked at; what was missed since then is caught up once.
    RuleSeen {
        /// Its name.
        rule: String,
        /// Up to when.
        considered: Timestamp,
    },
    /// Forget a rule.
    RuleGone(String),
    /// Append an event.
    Event(Event),
}

/// A session from outside that outlives the manager, beside its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideRow {
    /// The session.
    pub session: SessionId,
    /// How long nothing may be heard of it.
    pub within: Duration,
    /// When it is given up; not later than `within` after what was heard last, and at most a minute older than that.
    pub until: Timestamp,
    /// Its owner holds a connection for it, and is dead when that is gone.
    pub attended: bool,
    /// Its log has a warning or an error.
    pub warned: bool,
    /// What a person asked of it.
    pub asked: Verdict,
}

/// What a pause covers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PauseScope {
    /// Everything.
    All,
    /// A handler.
    Handler(HandlerId),
    /// An item.
    Item(ItemRef),
}

/// A pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PauseRow {
    /// What it covers.
    pub scope: PauseScope,
    /// Since when.
    pub since: Timestamp,
    /// Until when; absent: until resumed.
    pub until: Option<Timestamp>,
}

/// Everything that the manager remembers between two lives, as the store hands it over at start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remembered {
    /// Handlers.
    pub handlers: Vec<HandlerRow>,
    /// Items.
    pub items: Paged<ItemRow>,
    /// Items that are absent from the lists of their handlers.
    pub absent: Vec<AbsentRow>,
    /// Runs still open, with their items.
    pub open_runs: Vec<(RunRow, Vec<RunItemRow>)>,
    /// Sessions still open.
    pub open_sessions: Vec<SessionRow>,
    /// Who reports into open sessions from outside.
    pub outside: Vec<OutsideRow>,
    /// Needs that are open or answered.
    pub needs: Vec<NeedRow>,
    /// How many conflicts each item has.
    pub conflicts: Vec<(ItemRef, u64)>,
    /// Pauses in force.
    pub pauses: Vec<PauseRow>,
    /// Up to when the schedules of each rule were looked at.
    pub rules: Vec<(String, Timestamp)>,
    /// The highest number used so far of each kind.
    pub last: LastNumbers,
}

/// The highest numbers used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LastNumbers {
    /// Of requests.
    pub request: u64,
    /// Of sessions.
    pub session: u64,
    /// Of runs.
    pub run: u64,
    /// Of needs.
    pub need: u64,
    /// Of log entries.
    pub log: u64,
    /// Of events.
    pub event: u64,
    /// Of instances (not stored; numbering starts again with each life).
    pub instance: InstanceId,
}

/// So many times that an item was held back are kept of each.
pub const MAX_HELD: usize = 32;

/// What held an item back when something wanted to start it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRow {
    /// The item.
    pub item: ItemRef,
    /// Since when.
    pub since: Timestamp,
    /// Until when; absent: it still does, or nothing wanted to start it since.
    pub until: Option<Timestamp>,
    /// What wanted to start it.
    pub wanted_by: Trigger,
    /// What held it back, as a fragment.
    pub text: String,
}
