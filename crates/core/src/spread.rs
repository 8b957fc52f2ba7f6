//! Jitter: the scheduled times of a rule, moved a little later, so that not all machines and rules start at once.

use std::time::Duration;

use crate::rule::Rule;
use crate::schedule::{Zone, jitter};
use crate::time::Timestamp;

/// Most that a start is moved; more is taken as this.
pub const MAX_JITTER: Duration = Duration::from_secs(24 * 3600);

/// When a cause of a rule is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    /// When it starts.
    pub(crate) at: Timestamp,
    /// The time that it starts for; not after `at`.
    pub(crate) time: Timestamp,
    /// That time was missed, and is made up for.
    pub(crate) missed: bool,
}

impl Due {
    /// Due at its very time.
    pub(crate) fn at(time: Timestamp) -> Self {
        Self {
            at: time,
            time,
            missed: false,
        }
    }
}

impl Rule {
    /// When the rule starts what is due at a time: later by the part of its jitter that belongs to it on this machine.
    ///
    /// Always before the next time of all its schedules: no start passes another, and none is lost.
    pub(crate) fn spread(&self, time: Timestamp, seed: u64, zone: &Zone) -> Timestamp {
        if self.jitter.is_zero() {
            return time;
        }
        let room = self
            .schedules()
            .filter_map(|schedule| schedule.next_after(time, zone))
            .map(|next| next.since(time).saturating_sub(Duration::from_millis(1)))
            .min();
        let most = room.map_or(self.jitter, |room| room.min(self.jitter));
        time.plus(jitter(&format!("{seed:016x} {}", self.name), most))
    }

    /// When the rule starts what is due at a time that comes.
    pub(crate) fn due(&self, time: Timestamp, seed: u64, zone: &Zone) -> Due {
        Due {
            at: self.spread(time, seed, zone),
            time,
            missed: false,
        }
    }
}
