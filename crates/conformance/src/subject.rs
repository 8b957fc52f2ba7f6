//! What is checked, and how long it may take.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

/// How the handler speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speech {
    /// The handler contract itself.
    Messages,
    /// The COM contract, behind an adapter that reports breaches of it by their numbers.
    Class,
}

/// The handler that is checked.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// How it speaks.
    pub speech: Speech,
    /// Arguments for `item/define`, one set an item; `{scratch}` in a text stands for the scratch directory.
    pub define: Vec<Map<String, Value>>,
    /// Only these checks, with the scenarios that they need; all when empty.
    pub only: Vec<&'static str>,
    /// Keep the scratch directory.
    pub keep: bool,
    /// The wall clock in milliseconds since 1970-01-01T00:00:00Z, to judge times by.
    pub now_ms: i64,
    /// How long each wait lasts.
    pub limits: Limits,
}

/// How long each wait lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the start to the answer to `initialize` (docs/handlers.md).
    pub initialize: Duration,
    /// For an answer that must come "quickly" (H-26, H-32, H-45); the specification gives no number, this is ours.
    pub quick: Duration,
    /// For work: listing, preparing, synchronizing, planning.
    pub work: Duration,
    /// From a skip, a stop or a question about it to its effect (H-37, H-38, H-41); ours as well.
    pub react: Duration,
    /// From `release` or the end of input to the end of the process (docs/handlers.md).
    pub exit: Duration,
    /// For what is expected not to come.
    pub linger: Duration,
    /// Messages of one instance that are listened to, reports of progress without a new status left out.
    pub messages: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            initialize: Duration::from_secs(10),
            quick: Duration::from_secs(5),
            work: Duration::from_secs(60),
            react: Duration::from_secs(5),
            exit: Duration::from_secs(5),
            linger: Duration::from_millis(100),
            messages: 200_000,
        }
    }
}
