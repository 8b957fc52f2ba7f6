//! What keeps an item from running, in the order in which it is told.
//!
//! Set-up, switches, reachability and policies hold every request back (Sync Center 3.3, A-19). A pause holds back all
//! but a person who names the item or its handler: a plain `sync` leaves paused items out and says so. Conditions hold
//! back only what runs by itself; a person or a program that asks overrides them.

use crate::condition::{Condition, Evaluation};
use crate::leaving::because;
use crate::record::PauseRow;
use crate::rule::Moment;

/// One thing in the way of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hindrance {
    /// The handler waits to be set up.
    Inactive,
    /// The handler is turned off.
    HandlerDisabled,
    /// The item is turned off.
    Disabled,
    /// The handler cannot be reached.
    HandlerDisconnected,
    /// The item cannot be reached.
    Disconnected,
    /// A policy forbids it.
    Policy,
    /// It is paused.
    Paused(PauseRow),
    /// The machine is about to leave, and what works was asked to stop.
    Leaving(Moment),
    /// A condition is not met.
    Condition(Condition, Evaluation),
}

impl Hindrance {
    /// Whether it is the same thing in the way, however it stands now.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Condition(one, _), Self::Condition(other, _)) => one == other,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// Whether nothing stands in the way but that somebody has to look first.
    #[must_use]
    pub fn is_look(&self) -> bool {
        matches!(
            self,
            Self::Condition(_, Evaluation::Waiting { looking: true, .. })
        )
    }

    /// The reason as a fragment that completes "it did not run: ".
    #[must_use]
    pub fn fragment(&self) -> String {
        match self {
            Self::Inactive => "its handler is not set up".to_owned(),
            Self::HandlerDisabled => "its handler is turned off".to_owned(),
            Self::Disabled => "it is turned off".to_owned(),
            Self::HandlerDisconnected => "its handler cannot be reached".to_owned(),
            Self::Disconnected => "it cannot be reached".to_owned(),
            Self::Policy => "a policy of its handler forbids it".to_owned(),
            Self::Paused(_) => "it is paused".to_owned(),
            Self::Leaving(moment) => because(*moment).to_owned(),
            Self::Condition(
                condition,
                Evaluation::Waiting {
                    wanted,
                    looking: true,
                    ..
                },
            ) => match condition.look() {
                Some(look) => format!("it waits for {wanted}; {look} is being looked at"),
                None => format!("it waits for {wanted}"),
            },
            Self::Condition(_, Evaluation::Waiting { wanted, now, .. }) => {
                format!("it waits for {wanted}; now: {now}")
            }
            Self::Condition(_, Evaluation::Met) => "its condition is met".to_owned(),
        }
    }
}
