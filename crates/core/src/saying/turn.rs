//! Whose turn it is.

use super::{Saying, Span};
use crate::sayings;

sayings! {
    /// What a request waits for, as a sentence without its end.
    pub(crate) enum TurnText {
        "turn-run" Run { run: u64, name: String } = "run {run} ({name})";
        "turn-earlier" Earlier { name: String } = "an earlier run of {name}";
        "turn-lane" Lane { what: Saying, lane: String } = "{what} has the lane {lane}";
        "turn-before" Before { what: Saying } = "{what} goes before it";
        "turn-stopping" Stopping { what: Saying } = "{what}, and is being stopped";
        "turn-stopping-until" StoppingUntil { what: Saying, span: Span } =
            "{what}, and is being stopped; it is ended by force in {span} unless it ends before";
        "turn-hook" Hook { name: String } = "a command that comes after an earlier run of {name} has not ended";
        "turn-behind-one" BehindOne = "one request waits before it";
        "turn-behind" Behind { count: u64 } = "{count} requests wait before it";
        "turn-room-one" RoomOne = "another handler is at work, and no more may be at once";
        "turn-room" Room { count: u64 } = "{count} handlers are at work, and no more may be at once";
        "turn-starting" Starting { name: String } = "{name} is starting";
        "turn-listing" Listing { name: String } = "{name} lists its items";
    }
}
