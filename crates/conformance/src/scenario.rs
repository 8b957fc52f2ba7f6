//! What is done with the handler: one scenario is one instance of it.

use std::fmt;

use syncmgr_handler::call::Event;

/// Where in the life of an instance something is done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Initialize,
    List,
    Prepare,
    /// Prepared, and not yet synchronizing.
    Between,
    /// Just after `synchronize` was answered.
    Early,
    /// With the first report about an item.
    Midway,
    /// When it has begun the last item.
    Late,
}

impl Phase {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Initialize => "in initialize",
            Self::List => "in items/list",
            Self::Prepare => "in prepare",
            Self::Between => "between prepare and synchronize",
            Self::Early => "early in synchronize",
            Self::Midway => "midway in synchronize",
            Self::Late => "late in synchronize",
        }
    }
}

/// One scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// List, prepare, synchronize everything; a person asked.
    Plain,
    /// The same again, with nothing changed meanwhile.
    Again,
    /// Started for the settings dialog.
    Settings,
    /// Started by another event; only listed.
    Other(Event),
    /// Started with contract versions that nobody speaks.
    Version,
    /// Started with fields, features and messages that nobody knows.
    Unknown,
    /// A whole run by a schedule, nobody may be bothered.
    Unattended,
    /// A run of one item alone.
    Subset,
    /// Two runs of one instance.
    Retry,
    /// An item that was never listed.
    Unlisted,
    /// One item is skipped.
    Skip,
    /// Everything is stopped.
    Stop(Phase),
    /// Released without waiting.
    Leave(Phase),
    /// Its input ends.
    Unplug(Phase),
    /// Killed.
    Kill(Phase),
    /// The plain run after a kill.
    Heal(Phase),
    /// `plan`, with pictures before and after.
    Plan,
    /// `item/define` with what it cannot understand.
    Define,
    /// `properties`.
    Properties,
    /// `conflicts/list` and `conflicts/resolve`.
    Conflicts,
}

/// All scenarios in the order in which they are played.
pub(crate) const ORDER: &[Scenario] = &[
    Scenario::Plain,
    Scenario::Again,
    Scenario::Version,
    Scenario::Unknown,
    Scenario::Settings,
    Scenario::Other(Event::Connect),
    Scenario::Other(Event::PendingDisconnect),
    Scenario::Other(Event::Idle),
    Scenario::Other(Event::Invoke),
    Scenario::Define,
    Scenario::Properties,
    Scenario::Plan,
    Scenario::Unattended,
    Scenario::Subset,
    Scenario::Retry,
    Scenario::Unlisted,
    Scenario::Skip,
    Scenario::Stop(Phase::Prepare),
    Scenario::Stop(Phase::Early),
    Scenario::Stop(Phase::Midway),
    Scenario::Stop(Phase::Late),
    Scenario::Leave(Phase::Initialize),
    Scenario::Leave(Phase::List),
    Scenario::Leave(Phase::Between),
    Scenario::Leave(Phase::Midway),
    Scenario::Unplug(Phase::List),
    Scenario::Unplug(Phase::Midway),
    Scenario::Kill(Phase::Initialize),
    Scenario::Heal(Phase::Initialize),
    Scenario::Kill(Phase::List),
    Scenario::Heal(Phase::List),
    Scenario::Kill(Phase::Prepare),
    Scenario::Heal(Phase::Prepare),
    Scenario::Kill(Phase::Early),
    Scenario::Heal(Phase::Early),
    Scenario::Kill(Phase::Midway),
    Scenario::Heal(Phase::Midway),
    Scenario::Kill(Phase::Late),
    Scenario::Heal(Phase::Late),
    Scenario::Conflicts,
];

impl Scenario {
    /// Whether it begins paired work.
    pub(crate) fn works(self) -> bool {
        match self {
            Self::Plain
            | Self::Again
            | Self::Unattended
            | Self::Subset
            | Self::Retry
            | Self::Unlisted
            | Self::Skip
            | Self::Stop(_)
            | Self::Heal(_) => true,
            Self::Leave(phase) | Self::Unplug(phase) | Self::Kill(phase) => {
                !matches!(phase, Phase::Initialize | Phase::List)
            }
            Self::Settings
            | Self::Other(_)
            | Self::Version
            | Self::Unknown
            | Self::Plan
            | Self::Define
            | Self::Properties
            | Self::Conflicts => false,
        }
    }

    /// Whether every item should end as it would without the kit's interference.
    pub(crate) fn undisturbed(self) -> bool {
        matches!(
            self,
            Self::Plain
                | Self::Again
                | Self::Unattended
                | Self::Subset
                | Self::Retry
                | Self::Heal(_)
        )
    }

    /// Whether people may be asked.
    pub(crate) fn attended(self) -> bool {
        !matches!(self, Self::Unattended | Self::Other(Event::Idle))
    }

    /// The event that the instance is started for.
    pub(crate) fn event(self) -> Event {
        match self {
            Self::Other(event) => event,
            Self::Unattended => Event::Scheduled,
            _ => Event::Manual,
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::Plain => "plain run",
            Self::Again => "second run",
            Self::Settings => "settings session",
            Self::Other(Event::Connect) => "event connect",
            Self::Other(Event::PendingDisconnect) => "event pending-disconnect",
            Self::Other(Event::Idle) => "event idle",
            Self::Other(Event::Invoke) => "event invoke with a cookie",
            Self::Other(Event::Manual) => "event manual",
            Self::Other(Event::Scheduled) => "event scheduled",
            Self::Version => "unknown contract version",
            Self::Unknown => "unknown fields and messages",
            Self::Unattended => "unattended run",
            Self::Subset => "run of one item",
            Self::Retry => "two runs of one instance",
            Self::Unlisted => "item that was never listed",
            Self::Skip => "skip of one item",
            Self::Plan => "plan",
            Self::Define => "definition of items",
            Self::Properties => "properties",
            Self::Conflicts => "conflicts",
            Self::Stop(phase) => return write!(f, "stop {}", phase.words()),
            Self::Leave(phase) => return write!(f, "release {}", phase.words()),
            Self::Unplug(phase) => return write!(f, "end of input {}", phase.words()),
            Self::Kill(phase) => return write!(f, "kill {}", phase.words()),
            Self::Heal(phase) => return write!(f, "run after the kill {}", phase.words()),
        };
        f.write_str(words)
    }
}
