//! State and events in one SQLite database.
//!
//! One [`Store`] writes: all records of one turn of the loop in one transaction ([`Store::write`]). Any number of
//! [`Reader`]s look on meanwhile, for views. After a crash the database holds exactly the transactions that were
//! acknowledged; with [`Durability::Normal`] a loss of power may take back the youngest of them, whole and in order.
//!
//! Everything here blocks on files and is synchronous. Nothing is ever overwritten to repair it: a damaged database is
//! refused with [`OpenStoreError`], and only [`set_aside_damaged`] moves it out of the way when a person asks for that.

mod absent;
mod backup;
mod columns;
mod event;
mod fault;
mod held;
mod integrity;
#[cfg(test)]
mod model;
mod names;
mod numbers;
mod open;
mod outside;
mod prune;
mod reader;
mod remember;
mod rows;
#[cfg(test)]
mod sample;
mod schema;
mod set_aside;
#[cfg_attr(unix, path = "sys_unix.rs")]
#[cfg_attr(windows, path = "sys_windows.rs")]
mod sys;
mod texts;
mod words;
mod write;

pub use backup::BackupError;
pub use fault::{DatabaseError, ReadError};
pub use integrity::{Finding, MAX_FINDINGS};
pub use open::{BUSY_WAIT, Durability, OpenOptions, OpenStoreError, Store};
pub use prune::{PRUNE_STEP_ROWS, PruneError, Pruned};
pub use reader::{HistoryRow, LogFilter, MAX_PAGE, Reader, RunFilter, RunPage};
pub use set_aside::{MAX_SET_ASIDE, SetAside, SetAsideError, set_aside_damaged};
pub use write::WriteError;
