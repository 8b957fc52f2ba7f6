//! What the owner of a manager decides once for its life.

use std::time::Duration;

use crate::awake::{KEEP_AWAKE_FOR, KeepAwake};
use crate::retry::RetryPolicy;

/// Settings of a [`Manager`](crate::Manager).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The manager starts work by itself: retries, and what waited for conditions or a pause. Off for one-shot use
    /// inside a command.
    pub automatic: bool,
    /// How many handlers work at once. A single session may exceed it: its barrier needs all its handlers (M-77).
    pub parallel_handlers: usize,
    /// How long an instance is kept for the links of its log entries (3.7); zero: not at all.
    pub linger: Duration,
    /// How long an instance may take to stop before it is abandoned (3.14, `stop_grace_seconds`).
    pub stop_grace: Duration,
    /// How long a session waits for the process of a finished instance to end before it ends without it.
    pub release_grace: Duration,
    /// When runs keep the machine awake, unless a policy says otherwise.
    pub keep_awake: KeepAwake,
    /// How long a run keeps it awake at most.
    pub keep_awake_for: Duration,
    /// When a soft failure is tried again.
    pub retry: RetryPolicy,
    /// What tells this machine from others with the same rules, for jitter.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            automatic: true,
            parallel_handlers: 4,
            linger: Duration::from_secs(5 * 60),
            stop_grace: Duration::from_secs(30),
            release_grace: Duration::from_secs(2),
            keep_awake: KeepAwake::Never,
            keep_awake_for: KEEP_AWAKE_FOR,
            retry: RetryPolicy::default(),
            seed: 0,
        }
    }
}

impl Settings {
    /// For a manager that lives as long as one command: nothing starts by itself, nothing is kept for later.
    #[must_use]
    pub fn embedded() -> Self {
        Self {
            automatic: false,
            linger: Duration::ZERO,
            ..Self::default()
        }
    }
}
