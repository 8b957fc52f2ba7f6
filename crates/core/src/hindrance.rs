//! What keeps an item from running, in the order in which it is told.
//!
//! Set-up, switches, reachability and policies hold every request back (Sync Center 3.3, A-19). A pause holds back all
//! but a person who names the item or its handler: a plain `sync` leaves paused items out and says so. Conditions hold
//! back only what runs by itself; a person or a program that asks overrides them.

use crate::condition::{Condition, Evaluation};
use crate::record::PauseRow;
use crate::rule::Moment;
use crate::saying::{Obstacle, Saying};

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
    /// Its own program starts it, and nobody else.
    OwnProgram,
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
    pub fn saying(&self) -> Saying {
        match self {
            Self::Inactive => Obstacle::NotSetUp,
            Self::HandlerDisabled => Obstacle::HandlerOff,
            Self::Disabled => Obstacle::Off,
            Self::HandlerDisconnected => Obstacle::HandlerAway,
            Self::Disconnected => Obstacle::Away,
            Self::Policy => Obstacle::Policy,
            Self::OwnProgram => Obstacle::OwnProgram,
            Self::Paused(_) => Obstacle::Paused,
            Self::Leaving(moment) => leaving(*moment),
            Self::Condition(
                condition,
                Evaluation::Waiting {
                    wanted,
                    looking: true,
                    ..
                },
            ) => {
                let wanted = wanted.clone();
                match condition.look() {
                    Some(look) => Obstacle::LookedAt {
                        wanted,
                        look: look.saying(),
                    },
                    None => Obstacle::NotLookedAt { wanted },
                }
            }
            Self::Condition(_, Evaluation::Waiting { wanted, now, .. }) => Obstacle::Waits {
                wanted: wanted.clone(),
                now: now.clone(),
            },
            Self::Condition(_, Evaluation::Met) => Obstacle::Met,
        }
        .into()
    }

    /// The same in the few words of a chip.
    #[must_use]
    pub fn chip(&self) -> Saying {
        match self {
            Self::Condition(_, Evaluation::Waiting { wanted, now, .. }) => Obstacle::Chip {
                wanted: wanted.clone(),
                now: now.clone(),
            }
            .into(),
            Self::Inactive
            | Self::HandlerDisabled
            | Self::Disabled
            | Self::HandlerDisconnected
            | Self::Disconnected
            | Self::Policy
            | Self::OwnProgram
            | Self::Paused(_)
            | Self::Leaving(_)
            | Self::Condition(_, Evaluation::Met) => self.saying(),
        }
    }

    /// [`Self::saying`] in its words.
    #[must_use]
    pub fn fragment(&self) -> String {
        self.saying().into()
    }
}

fn leaving(moment: Moment) -> Obstacle {
    if moment == Moment::Suspend {
        Obstacle::Sleep
    } else {
        Obstacle::Leaving
    }
}

/// The moment as what a run is stopped for, as a fragment.
pub(crate) fn because(moment: Moment) -> Saying {
    leaving(moment).into()
}
