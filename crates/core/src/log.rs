//! The results log.

use crate::id::HandlerId;
use crate::id::{ItemRef, LogId, RunId};
use crate::time::Timestamp;

/// Severity (`SYNCMGRLOGLEVEL`, `SYNCMGR_EVENT_LEVEL`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Worth knowing.
    Information,
    /// Something is not as it should be.
    Warning,
    /// Something failed.
    Error,
}

/// One entry of the results log (M-120).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRow {
    /// Its number.
    pub id: LogId,
    /// When.
    pub at: Timestamp,
    /// How grave.
    pub level: Level,
    /// Whose, or the manager's own.
    pub handler: Option<HandlerId>,
    /// About which item.
    pub item: Option<ItemRef>,
    /// In which run.
    pub run: Option<RunId>,
    /// What, one line.
    pub text: String,
    /// The cause and what to do.
    pub detail: Option<String>,
    /// The handler's name for the error.
    pub error: Option<String>,
    /// It may be followed to the handler's own action (M-124).
    pub jump: bool,
}
