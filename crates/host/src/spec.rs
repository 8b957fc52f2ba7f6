//! What to start, and how long to wait for it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// A program to start as a handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// The caller's number for the instance; every event carries it.
    pub instance: u64,
    /// The program.
    pub program: PathBuf,
    /// Its arguments. Never secrets: other users can read them.
    pub args: Vec<OsString>,
    /// Environment variables that are added to those of this process.
    pub env: Vec<(OsString, OsString)>,
    /// Its working directory; that of this process when absent.
    pub cwd: Option<PathBuf>,
}

/// How long each wait lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// From the start to the answer to `initialize`.
    pub handshake: Duration,
    /// From being asked to end to being terminated.
    pub ask: Duration,
    /// From being terminated to being killed.
    pub terminate: Duration,
    /// From being killed to being given up; only a process stuck in the kernel takes that long.
    pub reap: Duration,
    /// How long a pipe may stay silent after the process has ended; somebody else holds it then.
    pub drain: Duration,
    /// How long one message may wait for the handler to read it.
    pub write: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            // The grace that the specification gives a stop (M-111).
            ask: Duration::from_secs(30),
            terminate: Duration::from_secs(5),
            reap: Duration::from_secs(5),
            drain: Duration::from_millis(500),
            write: Duration::from_secs(30),
        }
    }
}

/// Why an instance is to end, from the mildest to the strongest; a later, milder reason changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopReason {
    /// Its work is done and shown.
    Finished,
    /// It was idle for too long.
    Idle,
    /// Nobody holds its [`Handle`](crate::Handle) any more.
    Unwanted,
    /// It broke the contract, or the handshake failed.
    Broken,
    /// Somebody stopped its session.
    Stopped,
    /// The manager ends.
    Shutdown,
}

/// The rungs of the ladder by which an instance is ended; it is only ever climbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rung {
    /// `release` was sent and standard input closed.
    Asked,
    /// Its process group was told to terminate; on Windows this is the same as being killed.
    Terminated,
    /// Its process group was killed.
    Killed,
}
