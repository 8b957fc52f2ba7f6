//! What is in the way of an item.

use super::Saying;
use crate::sayings;

sayings! {
    /// What is in the way, as a fragment that completes "it did not run: ".
    pub(crate) enum Obstacle {
        "held-not-set-up" NotSetUp = "its handler is not set up";
        "held-handler-off" HandlerOff = "its handler is turned off";
        "held-off" Off = "it is turned off";
        "held-handler-away" HandlerAway = "its handler cannot be reached";
        "held-away" Away = "it cannot be reached";
        "held-policy" Policy = "a policy of its handler forbids it";
        "held-own-program" OwnProgram = "its own program decides when";
        "held-paused" Paused = "it is paused";
        "held-sleep" Sleep = "the machine is about to sleep";
        "held-leaving" Leaving = "the session is about to end";
        "held-looked-at" LookedAt { wanted: Saying, look: Saying } = "it waits for {wanted}; {look} is being looked at";
        "held-not-looked-at" NotLookedAt { wanted: Saying } = "it waits for {wanted}";
        "held-waits" Waits { wanted: Saying, now: Saying } = "it waits for {wanted}; now: {now}";
        "held-met" Met = "its condition is met";
        "chip-waits" Chip { wanted: Saying, now: Saying } = "{wanted}; now: {now}";
        "look-room" LookRoom { path: String } = "the room at {path}";
        "look-load" LookLoad = "the load";
        "look-endpoint" LookEndpoint { endpoint: String } = "{endpoint}";
    }
}
