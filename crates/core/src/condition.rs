//! Conditions of an item: data, evaluated against facts, with a "why" for every one that is not met.

use crate::id::ItemRef;
use crate::time::Timestamp;

/// A fact about the world, reported by a source. Nobody reports most of them yet; a condition on a fact that nobody
/// reports waits, and says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// Whether there is a usable network, and whether it costs.
    Network {
        /// Usable: route and names.
        usable: bool,
        /// It costs by volume.
        metered: bool,
        /// The name of the Wi-Fi, when it is one.
        wifi: Option<String>,
        /// A private network is up.
        vpn: bool,
    },
    /// Where the power comes from.
    Power {
        /// Mains.
        mains: bool,
        /// Charge of the battery in percent, when there is one.
        battery_percent: Option<u8>,
    },
    /// Since when nobody used the machine; absent: in use.
    Idle {
        /// Since when.
        since: Option<Timestamp>,
    },
    /// Whether a path is mounted.
    Mounted {
        /// The path, as the condition spells it.
        path: String,
        /// It is.
        mounted: bool,
    },
}

/// What must hold before an item runs by itself. A person's request overrides all but pauses of nothing: see
/// [`crate::why`].
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
    /// Mains, or at least so many percent of battery.
    Power {
        /// Percent.
        at_least_percent: u8,
    },
    /// Nobody used the machine for so long.
    IdleFor(std::time::Duration),
    /// The path is mounted.
    Mounted(String),
    /// The other item is not running.
    NotRunning(ItemRef),
}
