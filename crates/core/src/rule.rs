//! Rules: which items start by themselves, on what, and what must hold meanwhile.
//!
//! A rule is what the three tabs of the classic settings are (mobsync 4.4 to 4.6), written down once: a list of items, the
//! causes that start them, and whether somebody is asked first. The causes of a rule belong to the rule; its conditions
//! belong to the items, whatever starts them.

use std::fmt;
use std::time::Duration;

use crate::condition::Condition;
use crate::id::{HandlerId, ItemRef};
use crate::item::{HandlerRow, ItemRow};
use crate::request::{IfRunning, Trigger};
use crate::saying::{Saying, Want};
use crate::schedule::Schedule;
use crate::spread::MAX_JITTER;

/// Most rules; further ones are dropped.
pub const MAX_RULES: usize = 1_000;
/// Most causes of one rule; further ones are dropped.
pub const MAX_CAUSES: usize = 32;
/// Most that one rule selects by; further ones are dropped.
pub const MAX_SELECTED: usize = 1_000;

/// A rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// What it is called; what is remembered of it is remembered under this name.
    pub name: String,
    /// The items it is about.
    pub items: Vec<Select>,
    /// What starts them.
    pub on: Vec<Cause>,
    /// What must hold for them to start by themselves.
    pub when: Vec<Condition>,
    /// What becomes of a run that started by itself when a condition is lost.
    pub lost: Lost,
    /// A run that started by itself and slept with the machine is skipped when it wakes (synccenter C-115).
    pub stop_on_wake: bool,
    /// A person is asked first (mobsync 4.4).
    pub ask: bool,
    /// How old the last good run may be; absent: as the schedule promises.
    pub fresh_within: Option<Duration>,
    /// A scheduled time that was missed is caught up once if it is not older than this; zero: never.
    pub catch_up: Duration,
    /// Scheduled starts are moved later by a part of this, the same every day; see [`MAX_JITTER`].
    pub jitter: Duration,
    /// What becomes of items that run already; absent: as what starts them asks for.
    pub if_running: Option<IfRunning>,
    /// Scheduled starts open this connection first, and it is closed after their last run (mobsync 4.6).
    pub connect: Option<String>,
    /// Nobody wrote it: a registration asks for it. It starts what the handler itself ticks, and yields to the rules that
    /// people wrote for the same event (mobsync 3.11).
    pub of_registration: bool,
}

/// Which items a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Select {
    /// Whatever is ticked.
    Checked,
    /// All items of a handler.
    Handler(HandlerId),
    /// This item.
    Item(ItemRef),
    /// Whatever is called so: items by name or identity, handlers, labels. In lower case; see [`Select::named`].
    Named(String),
}

/// What starts the items of a rule.
#[derive(Debug, Clone, PartialEq)]
pub enum Cause {
    /// Time.
    Schedule(Schedule),
    /// Something that happens on the machine.
    Happening(Moment),
    /// Nobody used the machine for so long (mobsync 4.5).
    Idle {
        /// How long.
        after: Duration,
        /// Again so long after the last such run ended, while nobody comes; absent: once.
        repeat: Option<Duration>,
        /// A run ends when somebody comes back; otherwise it finishes.
        stop_on_return: bool,
        /// Also while the machine runs on battery; otherwise it starts once the charger is plugged in.
        on_battery: bool,
    },
    /// A usable network came up: any, or the Wi-Fi of this name (mobsync 4.4).
    Connect(Option<String>),
    /// Something changed below a path.
    Changed(String),
    /// A volume appeared, by label or UUID.
    Volume(String),
    /// Another item ended well; with `changed` only when something was moved.
    After {
        /// Which.
        item: Select,
        /// Only when its run moved something.
        changed: bool,
    },
}

/// A moment that has no parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moment {
    /// The user logged on.
    Logon,
    /// The user is about to log off, or the machine to power off.
    Logoff,
    /// The screen was locked.
    Lock,
    /// The screen was unlocked.
    Unlock,
    /// The machine is about to sleep.
    Suspend,
    /// The machine woke up.
    Resume,
    /// The network is about to go.
    PendingDisconnect,
}

/// What becomes of a run when a condition is lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Lost {
    /// It goes on to its end.
    #[default]
    Finish,
    /// It is skipped, and starts again once the condition is met.
    Stop,
}

/// Something that happened on the machine, as a source tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// A moment without parameters.
    Moment(Moment),
    /// Something changed below a path that is watched, spelled as the rule does.
    Changed(String),
    /// A volume appeared, with what it is called by.
    Volume {
        /// Its label.
        label: Option<String>,
        /// Its UUID.
        uuid: Option<String>,
    },
}

impl Select {
    /// Whatever is called so, compared without case.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self::Named(name.to_lowercase())
    }

    /// Whether an item is meant.
    #[must_use]
    pub fn matches(&self, handler: &HandlerRow, item: &ItemRow) -> bool {
        match self {
            Self::Checked => item.checked,
            Self::Handler(id) => handler.id == *id,
            Self::Item(at) => item.at == *at,
            Self::Named(name) => {
                // Every item is asked each time that a rule is due, so the usual answer must cost no memory.
                let same = |text: &str| {
                    if text.is_ascii() {
                        text.eq_ignore_ascii_case(name)
                    } else {
                        text.to_lowercase() == *name
                    }
                };
                same(&item.name)
                    || same(item.at.item.as_str())
                    || (name.contains('/') && same(&item.at.to_string()))
                    || same(handler.id.as_str())
                    || same(&handler.name)
                    || item.labels.iter().any(|label| same(label))
            }
        }
    }
}

impl Select {
    /// What is meant, as a fragment.
    pub(crate) fn saying(&self) -> Saying {
        match self {
            Self::Checked => Want::Ticked,
            Self::Handler(id) => Want::Named {
                name: id.to_string(),
            },
            Self::Item(at) => Want::Named {
                name: at.to_string(),
            },
            Self::Named(name) => Want::Named { name: name.clone() },
        }
        .into()
    }
}

impl fmt::Display for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checked => f.write_str("everything ticked"),
            Self::Handler(id) => id.fmt(f),
            Self::Item(at) => at.fmt(f),
            Self::Named(name) => f.write_str(name),
        }
    }
}

impl Cause {
    /// Whether what starts so may have been started by this. A retry may follow anything.
    pub(crate) fn gives(&self, trigger: Trigger) -> bool {
        match trigger {
            Trigger::Retry => true,
            Trigger::Schedule | Trigger::CatchUp => matches!(self, Self::Schedule(_)),
            Trigger::Idle => matches!(self, Self::Idle { .. }),
            Trigger::Connect => matches!(self, Self::Connect(_)),
            Trigger::FileChange => matches!(self, Self::Changed(_)),
            Trigger::Device => matches!(self, Self::Volume(_)),
            Trigger::After => matches!(self, Self::After { .. }),
            Trigger::Logon
            | Trigger::Logoff
            | Trigger::Lock
            | Trigger::Unlock
            | Trigger::Suspend
            | Trigger::Resume
            | Trigger::PendingDisconnect => {
                matches!(self, Self::Happening(moment) if crate::triggering::of_moment(*moment) == trigger)
            }
            Trigger::Manual | Trigger::Invoke | Trigger::External | Trigger::Answered => false,
        }
    }
}

impl Rule {
    /// Whether an item is one of its items. Temporary items never start by themselves (mobsync 4.6).
    #[must_use]
    pub fn selects(&self, handler: &HandlerRow, item: &ItemRow) -> bool {
        !item.temporary
            && self
                .items
                .iter()
                .any(|select| select.matches(handler, item))
    }

    /// The schedules among its causes.
    pub fn schedules(&self) -> impl Iterator<Item = &Schedule> {
        self.on.iter().filter_map(|cause| match cause {
            Cause::Schedule(schedule) => Some(schedule),
            Cause::Happening(_)
            | Cause::Idle { .. }
            | Cause::Connect(_)
            | Cause::Changed(_)
            | Cause::Volume(_)
            | Cause::After { .. } => None,
        })
    }

    /// Keeps what the bounds allow.
    pub(crate) fn bounded(mut self) -> Self {
        self.items.truncate(MAX_SELECTED);
        self.on.truncate(MAX_CAUSES);
        self.when.truncate(crate::condition::MAX_CONDITIONS);
        self.jitter = self.jitter.min(MAX_JITTER);
        self
    }
}
