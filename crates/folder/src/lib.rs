//! Two-way folder synchronization as an ordinary handler.
//!
//! A [`Pair`] is two folders and a directory of its own. A run reads both trees and the archive of what was last in sync,
//! decides purely about every path that differs, asks the guards, and only then changes anything: copies are staged
//! complete and durable beside their places, what they replace or what is deleted moves to the kept versions, and the
//! archive advances by what really happened. Killed anywhere, a plain run heals it.
//!
//! The library is synchronous and knows nothing of daemons, stores or schedules.
//!
//! What is synchronized: regular files with content, modification time and the nine permission bits; symbolic links as
//! links; directories with their permission bits, empty ones included (their times only when they are created). Special
//! files and other file systems below a root are skipped with a finding.

mod apply;
mod archive;
mod beside;
mod check;
mod compact;
mod conflict;
mod content;
mod definition;
mod fs;
mod guard;
mod handler;
mod journal;
mod leftover;
mod marker;
mod metas;
mod name;
mod observe;
mod pair;
mod plan;
mod policy;
mod question;
mod reconcile;
mod resolve;
mod rules;
mod scan;
#[cfg(all(test, target_os = "linux"))]
mod simulated;
mod stage;
#[cfg(unix)]
mod sys_unix;
#[cfg(windows)]
mod sys_windows;
mod tree;
mod undo;
mod unit;
mod versions;
mod workbench;

pub use archive::LoadArchiveError;
pub use check::{Checked, PairRefusal, check};
pub use conflict::{Choice, Conflict, ConflictSide};
pub use content::ContentFault;
pub use definition::DefinitionError;
pub use guard::{GuardAnswer, GuardChoice, GuardHold, GuardKind, GuardLimits};
pub use handler::{Folders, serve};
pub use name::{MARKER, STORE, Shown, is_ours, shown};
pub use observe::{Cancel, Finding, Observer, Phase, Progress, Silent, Step};
pub use pair::{KEEP_VERSIONS, Outcome, Pair, Settings, SyncFault};
pub use plan::{Action, Change, Plan};
pub use policy::{Mode, Policy, Resolution};
pub use reconcile::ConflictKind;
pub use resolve::ResolveFault;
pub use rules::{IGNORE, PatternError, Rules};
pub use tree::{Hash, Kind, MODE_MASK, Meta, Side, Time};
pub use undo::{UndoFault, UndoOutcome};
pub use versions::{KeptVersion, VERSIONS_RUNS_MAX, is_run_name};
pub use workbench::Counts;
