//! Conditions of an item: data, evaluated against facts, with a "why" for every one that is not met.

use std::fmt;
use std::time::Duration;

use crate::amount::{exact_size, hundredths, size_text};
use crate::rule::Select;
use crate::saying::{Change, HoursText, Hundredths, Obstacle, Saying, Size, Span, Want, Wish};
use crate::schedule::Hours;

pub use crate::evaluation::{Circumstances, Evaluation, Holds, State};
pub use crate::facts::{
    Fact, FactKind, Facts, FactsChanged, Found, LOOK_HOLDS, MAX_LOOKS, MAX_MOUNT_FACTS, MAX_REASON,
};

/// Most conditions of one item; further ones are dropped.
pub const MAX_CONDITIONS: usize = 32;
/// No battery has more, so only mains will do.
pub const MAINS_ONLY: u8 = 101;

/// What must hold before an item runs by itself. A person's or a program's request overrides them; see
/// [`crate::hindrance`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Any usable network.
    AnyNetwork,
    /// A network that does not cost by volume.
    UnmeteredNetwork,
    /// The named Wi-Fi.
    Wifi(String),
    /// A private network.
    Vpn,
    /// Mains, or at least so many percent of battery; [`MAINS_ONLY`]: mains.
    Power {
        /// Percent.
        at_least_percent: u8,
    },
    /// Nobody used the machine for so long.
    IdleFor(Duration),
    /// The path is mounted.
    Mounted(String),
    /// What is called so is not running; the item itself does not count.
    NotRunning(Select),
    /// It is one of these hours.
    Hours(Hours),
    /// It is none of these hours.
    NotHours(Hours),
    /// There is room where the path is.
    Free {
        /// The path.
        path: String,
        /// So much.
        at_least: Room,
    },
    /// The machine has little else to do: its load of the last minute is not above this.
    Load {
        /// In hundredths.
        at_most_hundredths: u32,
        /// It is divided by the number of processors first.
        per_core: bool,
    },
    /// Somebody answers there.
    Reachable(Endpoint),
}

/// How much room is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// So many bytes.
    Bytes(u64),
    /// So much of the whole.
    Percent(u8),
}

/// A place in a network.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// Name or address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// Something that nobody tells of itself: somebody has to look, and does so only while it is waited for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Look {
    /// How much room there is where a path is.
    Room(String),
    /// How much the machine has to do.
    Load,
    /// Whether somebody answers.
    Reachable(Endpoint),
}

impl Condition {
    /// Which facts it is about; absent: about none of the world.
    #[must_use]
    pub fn fact(&self) -> Option<FactKind> {
        match self {
            Self::AnyNetwork | Self::UnmeteredNetwork | Self::Wifi(_) | Self::Vpn => {
                Some(FactKind::Network)
            }
            Self::Power { .. } => Some(FactKind::Power),
            Self::IdleFor(_) => Some(FactKind::Idle),
            Self::Mounted(_) => Some(FactKind::Mounted),
            Self::Free { .. } | Self::Load { .. } | Self::Reachable(_) => Some(FactKind::Looked),
            Self::NotRunning(_) | Self::Hours(_) | Self::NotHours(_) => None,
        }
    }

    /// What has to be looked at for it.
    #[must_use]
    pub fn look(&self) -> Option<Look> {
        match self {
            Self::Free { path, .. } => Some(Look::Room(path.clone())),
            Self::Load { .. } => Some(Look::Load),
            Self::Reachable(endpoint) => Some(Look::Reachable(endpoint.clone())),
            Self::AnyNetwork
            | Self::UnmeteredNetwork
            | Self::Wifi(_)
            | Self::Vpn
            | Self::Power { .. }
            | Self::IdleFor(_)
            | Self::Mounted(_)
            | Self::NotRunning(_)
            | Self::Hours(_)
            | Self::NotHours(_) => None,
        }
    }

    /// Whether it can never be met, whatever comes, and why, as a fragment.
    #[must_use]
    pub fn never(&self) -> Option<&'static str> {
        if let Self::NotHours(hours) = self
            && hours.are_always()
        {
            Some("these hours are the whole week, and nothing is ever outside of them")
        } else {
            None
        }
    }

    /// What is wanted, as a fragment.
    #[must_use]
    pub fn wanted(&self) -> Saying {
        match self {
            Self::AnyNetwork => Want::Network,
            Self::UnmeteredNetwork => Want::Unmetered,
            Self::Wifi(name) => Want::Wifi { name: name.clone() },
            Self::Vpn => Want::Vpn,
            Self::Power {
                at_least_percent: MAINS_ONLY..,
            } => Want::Mains,
            Self::Power { at_least_percent } => Want::Battery {
                percent: u64::from(*at_least_percent),
            },
            Self::IdleFor(span) => Want::Idle { span: Span(*span) },
            Self::Mounted(path) => Want::Mounted { path: path.clone() },
            Self::NotRunning(select) => Want::Rest {
                what: select.saying(),
            },
            Self::Hours(hours) => Want::Hours {
                hours: HoursText(hours.to_string()),
            },
            Self::NotHours(hours) => Want::OtherHours {
                hours: HoursText(hours.to_string()),
            },
            Self::Free { path, at_least } => match at_least {
                Room::Bytes(bytes) => Want::Room {
                    size: Size(*bytes),
                    path: path.clone(),
                },
                Room::Percent(percent) => Want::Share {
                    percent: u64::from(*percent),
                    path: path.clone(),
                },
            },
            Self::Load {
                at_most_hundredths,
                per_core: false,
            } => Want::Load {
                load: Hundredths(*at_most_hundredths),
            },
            Self::Load {
                at_most_hundredths,
                per_core: true,
            } => Want::LoadEach {
                load: Hundredths(*at_most_hundredths),
            },
            Self::Reachable(endpoint) => Want::Reachable {
                endpoint: endpoint.to_string(),
            },
        }
        .into()
    }

    /// What would have to be, as the end of "it would run, if …".
    #[must_use]
    pub fn wish(&self) -> Saying {
        match self {
            Self::AnyNetwork => Wish::Network,
            Self::UnmeteredNetwork => Wish::Unmetered,
            Self::Wifi(name) => Wish::Wifi { name: name.clone() },
            Self::Vpn => Wish::Vpn,
            Self::Power {
                at_least_percent: MAINS_ONLY..,
            } => Wish::Mains,
            Self::Power { at_least_percent } => Wish::Battery {
                percent: u64::from(*at_least_percent),
            },
            Self::IdleFor(span) => Wish::Idle { span: Span(*span) },
            Self::Mounted(path) => Wish::Mounted { path: path.clone() },
            Self::NotRunning(select) => Wish::Rest {
                what: select.saying(),
            },
            Self::Hours(hours) => Wish::Hours {
                hours: HoursText(hours.to_string()),
            },
            Self::NotHours(hours) => Wish::OtherHours {
                hours: HoursText(hours.to_string()),
            },
            Self::Free { path, at_least } => match at_least {
                Room::Bytes(bytes) => Wish::Room {
                    size: Size(*bytes),
                    path: path.clone(),
                },
                Room::Percent(percent) => Wish::Share {
                    percent: u64::from(*percent),
                    path: path.clone(),
                },
            },
            Self::Load { .. } => Wish::Load {
                wanted: self.wanted(),
            },
            Self::Reachable(endpoint) => Wish::Reachable {
                endpoint: endpoint.to_string(),
            },
        }
        .into()
    }

    /// What would change it when it is not met, as a fragment.
    pub(crate) fn change(&self) -> Saying {
        match self {
            Self::AnyNetwork => Change::Network,
            Self::UnmeteredNetwork => Change::Unmetered,
            Self::Wifi(_) => Change::Wifi,
            Self::Vpn => Change::Vpn,
            Self::Power { .. } => Change::Power,
            Self::IdleFor(_) => Change::Idle,
            Self::Mounted(_) => Change::Mounted,
            Self::NotRunning(_) => Change::Rest,
            Self::Hours(_) | Self::NotHours(_) => Change::Hours,
            Self::Free { .. } => Change::Room,
            Self::Load { .. } => Change::Load,
            Self::Reachable(_) => Change::Reachable,
        }
        .into()
    }
}

impl fmt::Display for Condition {
    /// Writes it as rules do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnyNetwork => f.write_str("network"),
            Self::UnmeteredNetwork => f.write_str("unmetered"),
            Self::Wifi(name) => write!(f, "wifi {name}"),
            Self::Vpn => f.write_str("vpn"),
            Self::Power {
                at_least_percent: MAINS_ONLY..,
            } => f.write_str("mains"),
            Self::Power { at_least_percent } => write!(f, "battery {at_least_percent}"),
            Self::IdleFor(span) => write!(f, "idle {}s", span.as_secs()),
            Self::Mounted(path) => write!(f, "mounted {path}"),
            Self::NotRunning(select) => write!(f, "not running {select}"),
            Self::Hours(hours) => write!(f, "hours {hours}"),
            Self::NotHours(hours) => write!(f, "not hours {hours}"),
            Self::Free { path, at_least } => match at_least {
                Room::Bytes(bytes) => write!(f, "free {path} {}", exact_size(*bytes)),
                Room::Percent(percent) => write!(f, "free {path} {percent}%"),
            },
            Self::Load {
                at_most_hundredths,
                per_core,
            } => write!(
                f,
                "load {}{}",
                hundredths(*at_most_hundredths),
                if *per_core { "/core" } else { "" }
            ),
            Self::Reachable(endpoint) => write!(f, "reachable {endpoint}"),
        }
    }
}

impl Look {
    /// What is looked at, as a fragment.
    pub(crate) fn saying(&self) -> Saying {
        match self {
            Self::Room(path) => Obstacle::LookRoom { path: path.clone() },
            Self::Load => Obstacle::LookLoad,
            Self::Reachable(endpoint) => Obstacle::LookEndpoint {
                endpoint: endpoint.to_string(),
            },
        }
        .into()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => f.write_str(&size_text(*bytes)),
            Self::Percent(percent) => write!(f, "{percent} %"),
        }
    }
}
