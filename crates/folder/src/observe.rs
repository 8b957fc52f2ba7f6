//! What a run tells while it works, and how it is asked to stop.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::name::Shown;
use crate::plan::Action;
use crate::tree::Side;

/// The part of a run that is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Both trees are being read and compared with the archive.
    Scan,
    /// Changes are being carried out.
    Apply,
    /// What happened is being made durable and remembered.
    Finish,
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Changes done so far, failed ones included.
    pub done: u64,
    /// Changes that the plan holds; zero while it is not known.
    pub total: u64,
    /// Bytes copied so far.
    pub bytes: u64,
    /// Bytes that the plan copies.
    pub bytes_total: u64,
}

/// A step that is about to change something on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// A temporary file is created for this path.
    Stage(Side, &'a [u8]),
    /// The entry at this path is created or replaced.
    Commit(Side, &'a [u8]),
    /// The entry at this path was replaced and its old version is moved to the versions.
    Keep(Side, &'a [u8]),
    /// The entry at this path is deleted.
    Delete(Side, &'a [u8]),
    /// Permission bits or times at this path are set.
    Meta(Side, &'a [u8]),
    /// The journal is made durable.
    Journal,
    /// The archive is replaced.
    Archive,
}

/// Something wrong with one path; data, never an error of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The path below the roots; empty for the root itself.
    pub path: Box<[u8]>,
    /// The side where it happened, if it has one.
    pub side: Option<Side>,
    /// What happened, in words that stand alone.
    pub what: &'static str,
    /// The cause that the system gave.
    pub cause: Option<String>,
    /// Whether something that should have been done was not.
    pub failed: bool,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Shown(&self.path))?;
        if let Some(side) = self.side {
            write!(f, " ({side})")?;
        }
        write!(f, ": {}", self.what)?;
        if let Some(cause) = &self.cause {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

/// Hears what a run does; called from several threads, so it must be quick and throttles what it passes on.
pub trait Observer: Sync {
    /// A phase begins.
    fn phase(&self, phase: Phase) {
        let _ = phase;
    }
    /// The run has come further; called often.
    fn progress(&self, progress: Progress) {
        let _ = progress;
    }
    /// Something is wrong with one path.
    fn finding(&self, finding: &Finding) {
        let _ = finding;
    }
    /// An entry of a folder was changed; called for each one.
    fn changed(&self, side: Side, action: Action, path: &[u8]) {
        let _ = (side, action, path);
    }
    /// A change on disk is about to happen.
    fn step(&self, step: Step<'_>) {
        let _ = step;
    }
}

/// An observer that hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {}

/// A flag that asks a run to stop; it is looked at between files and between blocks of a large file.
#[derive(Clone, Default)]
pub struct Cancel {
    flag: Arc<AtomicBool>,
    probe: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancel")
            .field("flag", &self.flag)
            .finish_non_exhaustive()
    }
}

impl Cancel {
    /// Makes a flag that is not raised.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a flag that also looks at something else each time; `probe` must be quick.
    #[must_use]
    pub fn watching(probe: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self {
            flag: Arc::default(),
            probe: Some(Arc::new(probe)),
        }
    }

    /// Raises the flag; it cannot be lowered.
    pub fn cancel(&self) {
        self.flag.store(true, Ordering::Relaxed);
    }

    /// Says whether the run is to stop; once it was, it stays so.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        if self.flag.load(Ordering::Relaxed) {
            return true;
        }
        let stops = self.probe.as_ref().is_some_and(|probe| probe());
        if stops {
            self.cancel();
        }
        stops
    }
}
