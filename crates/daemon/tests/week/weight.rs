//! What this process weighs, read from `/proc`: the daemon lives in it.

use std::fmt;
use std::fs;
use std::path::Path;

/// Memory, open handles, threads, and the database.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weight {
    pub(crate) own_kib: u64,
    pub(crate) handles: usize,
    pub(crate) threads: u64,
    pub(crate) database: u64,
    /// The write-ahead log of the database.
    pub(crate) ahead: u64,
}

impl Weight {
    /// Reads it now.
    pub(crate) fn of(state: &Path) -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        Self {
            own_kib: number(&status, "RssAnon:"),
            handles: fs::read_dir("/proc/self/fd").unwrap().count(),
            threads: number(&status, "Threads:"),
            database: length(&state.join("syncmgr.db")),
            ahead: length(&state.join("syncmgr.db-wal")),
        }
    }

    /// Both of a day: the most of the database, and the least of what comes and goes with each run. What is left behind
    /// makes even the least of a later day larger.
    pub(crate) fn and(self, other: Option<Self>) -> Self {
        let other = other.unwrap_or(self);
        Self {
            own_kib: self.own_kib.min(other.own_kib),
            handles: self.handles.min(other.handles),
            threads: self.threads.min(other.threads),
            database: self.database.max(other.database),
            ahead: self.ahead.max(other.ahead),
        }
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} KiB of its own, {} handles, {} threads, database of {} KiB and {} KiB ahead of it",
            self.own_kib,
            self.handles,
            self.threads,
            self.database / 1024,
            self.ahead / 1024
        )
    }
}

/// How many processes this one started that are not over yet.
pub(crate) fn children() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .map(|text| text.split_whitespace().count())
        .sum()
}

fn number(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap()
        .split_whitespace()
        .next()
        .unwrap()
        .parse()
        .unwrap()
}

fn length(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |file| file.len())
}
