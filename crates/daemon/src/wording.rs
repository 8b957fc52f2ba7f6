//! What the daemon says of items, rules and itself, as data beside its English words.

use std::fmt;
use std::time::Duration;

use syncmgr_core::saying::{Joined, Moment, Part, Saying, Span};
use syncmgr_core::sayings;

/// Every sentence of the daemon: its code, and its words with the names of its parts in braces.
pub const ALL: &[&[(&str, &str)]] = &[State::ALL, Whole::ALL, Standing::ALL];

sayings! {
    /// What an item is, in a few words.
    pub(crate) enum State {
        "state-not-set-up" NotSetUp = "not set up";
        "state-off" Off = "turned off";
        "state-paused" Paused = "paused";
        "state-paused-for" PausedFor { rest: Rest } = "paused for another {rest}";
        "state-away" Away = "cannot be reached";
        "state-needs-you" NeedsYou = "needs you";
        "state-conflict" Conflict = "1 conflict";
        "state-conflicts" Conflicts { count: u64 } = "{count} conflicts";
        "state-told" Told { what: Saying } = "{what}";
        "state-failed" Failed = "failed";
        "state-waits" Waits = "waits";
        "state-waits-lane" WaitsLane { lane: String, holder: String } = "waits for the lane {lane}, held by {holder}";
        "state-syncing" Syncing = "synchronizing";
        "state-stopping" Stopping = "stopping";
        "state-new" New = "never synchronized";
        "state-unfinished" Unfinished = "not finished";
        "state-late" Late = "late";
        "state-overdue" Overdue = "overdue";
        "state-fresh" Fresh = "in sync";
    }
}

sayings! {
    /// The whole answer to why an item is as it is.
    pub(crate) enum Whole {
        "whole-gone" Gone { name: String } = "{name} is gone.";
        "whole-state" State { name: String, state: Saying } = "{name}: {state}";
        "whole-because" Because { what: Saying, why: Saying } = "{what}; {why}";
        "whole-waits" Waits { what: Saying, wanted: Saying, now: Saying } =
            "{what}; to start by itself it waits for {wanted}; now: {now}";
        "whole-end" End { what: Saying } = "{what}.";
        "whole-change" Change { what: Saying, by: Saying } = "{what} (what would change it: {by}).";
        "whole-free" Free { what: Saying } = "{what}; nothing holds it back.";
        "whole-waits-too" WaitsToo { wishes: Joined } = "It waits to start by itself, for this too: if {wishes}.";
        "whole-would-now" WouldNow { wishes: Joined } = "It would start by itself now, if {wishes}.";
        "whole-starts" Starts { at: Moment } = "It starts by itself at {at}.";
        "whole-would-if" WouldIf { at: Moment, wishes: Joined } = "It would start by itself at {at}, if {wishes}.";
        "whole-would-if-then" WouldIfThen { at: Moment, wishes: Joined, then: Moment } =
            "It would start by itself at {at}, if {wishes}; time alone lets it start at {then}.";
        "whole-would-but" WouldBut { at: Moment, held: Saying } = "It would start by itself at {at}, but {held}.";
        "whole-would-but-then" WouldButThen { at: Moment, held: Saying, then: Moment } =
            "It would start by itself at {at}, but {held}; time alone lets it start at {then}.";
        "whole-clock-back" ClockBack { span: Span } = "The clock was set back by {span}.";
        "whole-clock-forward" ClockForward { span: Span } = "The clock was set forward by {span}.";
        "whole-no-daemon" NoDaemon = "No daemon runs, and without one nothing starts by itself.";
    }
}

sayings! {
    /// How the manager itself and its rules stand, as a fragment.
    pub(crate) enum Standing {
        "rule-circle" Circle { rules: String } = "it would start itself again and again: {rules}";
        "by-name-one" OneByName { name: String } = "1 item is only synchronized by name: {name}";
        "by-name" ByName { count: u64, names: String } = "{count} items are only synchronized by name: {names}";
        "machine-awake" Awake { at: Moment } = "the machine is kept awake, until {at} at most";
        "machine-not-awake" NotAwake { why: String } = "the machine could not be kept awake: {why}";
    }
}

/// How long something still lasts, in one unit, rounded up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rest(pub(crate) Duration);

impl fmt::Display for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HOUR: u64 = 60;
        const DAY: u64 = 24 * HOUR;
        match self.minutes() {
            minutes @ ..=90 => write!(f, "{minutes} min"),
            minutes @ ..=2880 => write!(f, "{} h", minutes.div_ceil(HOUR)),
            minutes => write!(f, "{} d", minutes.div_ceil(DAY)),
        }
    }
}

impl Rest {
    fn minutes(self) -> u64 {
        self.0.as_secs().div_ceil(60).max(1)
    }
}

impl From<Rest> for Part {
    fn from(rest: Rest) -> Self {
        Self::Span(Duration::from_secs(rest.minutes().saturating_mul(60)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_a_pause_is_told_in_one_unit() {
        for (seconds, told) in [
            (0, "1 min"),
            (61, "2 min"),
            (5400, "90 min"),
            (5401, "2 h"),
            (172_800, "48 h"),
            (172_801, "3 d"),
        ] {
            assert_eq!(
                Rest(Duration::from_secs(seconds)).to_string(),
                told,
                "{seconds}"
            );
        }
    }
}
