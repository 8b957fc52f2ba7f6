//! What is known of the world, as sources tell it, with the moment each fact became so.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock_set::Shift;
use crate::condition::Look;
use crate::time::Timestamp;

/// Most paths whose mounting is remembered; further ones are not, and their conditions wait.
pub const MAX_MOUNT_FACTS: usize = 1_000;
/// Most things that are looked at; further ones are not, and their conditions wait.
pub const MAX_LOOKS: usize = 1_000;
/// Most bytes of the reason for which a fact is not known; the rest is cut.
pub const MAX_REASON: usize = 300;
/// What was found by looking is believed for so long when something is to start.
pub const LOOK_HOLDS: Duration = Duration::from_secs(30);

/// A fact about the world, reported by a source. A condition on a fact that nobody reports waits, and says so.
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
    /// There is a network, but it is not usable yet: it just came, or the machine just woke up.
    NetworkSettles {
        /// What is missing, as a fragment.
        because: String,
    },
    /// Somebody looked.
    Looked {
        /// At what.
        look: Look,
        /// What was found.
        found: Found,
    },
    /// Of the network only this is known: nothing of its cost, its name, and private networks.
    Route {
        /// Usable: route and names.
        usable: bool,
        /// Why no more is known, as a fragment.
        because: String,
    },
    /// Somebody can tell from now on, once he is asked.
    Askable(FactKind),
    /// Nobody can tell (any more).
    Unknown {
        /// What.
        kind: FactKind,
        /// Why not, as a fragment.
        because: String,
    },
}

/// What facts are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactKind {
    /// [`Fact::Network`], [`Fact::Route`] and [`Fact::NetworkSettles`].
    Network,
    /// [`Fact::Power`].
    Power,
    /// [`Fact::Idle`].
    Idle,
    /// [`Fact::Mounted`], of all paths.
    Mounted,
    /// [`Fact::Looked`], of all things that are looked at.
    Looked,
}

/// What was found by looking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// So much room there is.
    Room {
        /// Bytes that the user may still write.
        free: u64,
        /// Bytes in all.
        total: u64,
    },
    /// So much the machine has to do.
    Load {
        /// The average of the last minute, in hundredths.
        hundredths: u32,
        /// On so many processors.
        cores: u32,
    },
    /// It answers.
    Reachable,
    /// It could not be found out, or it does not answer, for this reason, as a fragment.
    Not(String),
}

/// What is known of the world, with the moment each fact became so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    network: Option<(Network, Timestamp)>,
    power: Option<(bool, Option<u8>, Timestamp)>,
    idle: Option<(Option<Timestamp>, Timestamp)>,
    mounted: BTreeMap<String, (bool, Timestamp)>,
    looked: BTreeMap<Look, Looked>,
    /// What is missing to a network that just came.
    settling: Option<String>,
    /// Why something is not known.
    reasons: BTreeMap<FactKind, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Network {
    pub(crate) usable: bool,
    /// Absent: only the route is known.
    pub(crate) more: Option<NetworkDetail>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NetworkDetail {
    pub(crate) metered: bool,
    pub(crate) wifi: Option<String>,
    pub(crate) vpn: bool,
}

/// What was found when somebody looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Looked {
    pub(crate) found: Found,
    /// Since when the same was found.
    pub(crate) since: Timestamp,
    /// When somebody looked last.
    pub(crate) at: Timestamp,
}

impl Looked {
    /// Whether it is recent enough to start something. A clock that went back makes it old.
    pub(crate) fn is_recent(&self, now: Timestamp) -> bool {
        self.at <= now && now.since(self.at) <= LOOK_HOLDS
    }
}

/// What a change of facts means beyond the conditions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FactsChanged {
    /// Something is different from before.
    pub any: bool,
    /// A usable network is there that was not: retries are due at once.
    pub network_came: bool,
}

impl Facts {
    /// The clock was set: everything is so for as long as before.
    pub(crate) fn shift(&mut self, shift: Shift) {
        let past = |at: &mut Timestamp| *at = shift.past(*at);
        if let Some((_, since)) = &mut self.network {
            past(since);
        }
        if let Some((.., since)) = &mut self.power {
            past(since);
        }
        if let Some((idle, since)) = &mut self.idle {
            idle.iter_mut().for_each(past);
            past(since);
        }
        for (_, since) in self.mounted.values_mut() {
            past(since);
        }
        for looked in self.looked.values_mut() {
            past(&mut looked.since);
            past(&mut looked.at);
        }
    }

    /// Takes a fact in.
    pub fn learn(&mut self, fact: Fact, now: Timestamp) -> FactsChanged {
        match fact {
            Fact::Network {
                usable,
                metered,
                wifi,
                vpn,
            } => {
                let more = NetworkDetail { metered, wifi, vpn };
                self.reasons.remove(&FactKind::Network);
                self.settling = None;
                self.learn_network(
                    Network {
                        usable,
                        more: Some(more),
                    },
                    now,
                )
            }
            Fact::Route { usable, because } => {
                self.explain(FactKind::Network, because);
                self.settling = None;
                self.learn_network(Network { usable, more: None }, now)
            }
            Fact::NetworkSettles { because } => {
                let because = crate::cut::bytes(because, MAX_REASON);
                let mut any = self.settling.as_ref() != Some(&because);
                self.settling = Some(because);
                if let Some((network, since)) = &mut self.network
                    && network.usable
                {
                    network.usable = false;
                    *since = now;
                    any = true;
                }
                FactsChanged {
                    any,
                    network_came: false,
                }
            }
            Fact::Askable(kind) => FactsChanged {
                any: self.reasons.remove(&kind).is_some(),
                network_came: false,
            },
            Fact::Looked { look, found } => self.learn_look(look, found, now),
            Fact::Unknown { kind, because } => {
                self.explain(kind, because);
                let any = match kind {
                    FactKind::Network => {
                        self.settling = None;
                        self.network.take().is_some()
                    }
                    FactKind::Looked => !std::mem::take(&mut self.looked).is_empty(),
                    FactKind::Power => self.power.take().is_some(),
                    FactKind::Idle => self.idle.take().is_some(),
                    FactKind::Mounted => !std::mem::take(&mut self.mounted).is_empty(),
                };
                FactsChanged {
                    any,
                    network_came: false,
                }
            }
            Fact::Power {
                mains,
                battery_percent,
            } => {
                let before = self.power.map(|(mains, percent, _)| (mains, percent));
                let any = before != Some((mains, battery_percent));
                if any {
                    self.power = Some((mains, battery_percent, now));
                }
                FactsChanged {
                    any,
                    network_came: false,
                }
            }
            Fact::Idle { since } => {
                let any = self.idle.map(|(since, _)| since) != Some(since);
                if any {
                    self.idle = Some((since, now));
                }
                FactsChanged {
                    any,
                    network_came: false,
                }
            }
            Fact::Mounted { path, mounted } => {
                let before = self.mounted.get(&path).map(|(mounted, _)| *mounted);
                let room = before.is_some() || self.mounted.len() < MAX_MOUNT_FACTS;
                let any = room && before != Some(mounted);
                if any {
                    self.mounted.insert(path, (mounted, now));
                }
                FactsChanged {
                    any,
                    network_came: false,
                }
            }
        }
    }

    fn learn_network(&mut self, network: Network, now: Timestamp) -> FactsChanged {
        let before = self.network.as_ref().map(|(network, _)| network);
        let any = before != Some(&network);
        let network_came = network.usable && !before.is_some_and(|network| network.usable);
        if any {
            self.network = Some((network, now));
        }
        FactsChanged { any, network_came }
    }

    fn learn_look(&mut self, look: Look, found: Found, now: Timestamp) -> FactsChanged {
        let found = match found {
            Found::Not(because) => Found::Not(crate::cut::bytes(because, MAX_REASON)),
            Found::Room { .. } | Found::Load { .. } | Found::Reachable => found,
        };
        self.reasons.remove(&FactKind::Looked);
        let before = self.looked.get(&look);
        let since = before
            .filter(|before| before.found == found)
            .map_or(now, |before| before.since);
        if before.is_none() && self.looked.len() >= MAX_LOOKS {
            let oldest = self.looked.iter().min_by_key(|(_, looked)| looked.at);
            if let Some(oldest) = oldest.map(|(look, _)| look.clone()) {
                self.looked.remove(&oldest);
            }
        }
        let at = now;
        self.looked.insert(look, Looked { found, since, at });
        // Also when it is as it was: somebody waited for it to be looked at.
        FactsChanged {
            any: true,
            network_came: false,
        }
    }

    fn explain(&mut self, kind: FactKind, because: String) {
        let because = crate::cut::bytes(because, MAX_REASON);
        self.reasons.insert(kind, because);
    }

    pub(crate) fn reason(&self, kind: FactKind) -> Option<&str> {
        self.reasons.get(&kind).map(String::as_str)
    }

    pub(crate) fn network(&self) -> Option<&(Network, Timestamp)> {
        self.network.as_ref()
    }

    pub(crate) fn settling(&self) -> Option<&str> {
        self.settling.as_deref()
    }

    pub(crate) fn power(&self) -> Option<(bool, Option<u8>, Timestamp)> {
        self.power
    }

    pub(crate) fn idle(&self) -> Option<(Option<Timestamp>, Timestamp)> {
        self.idle
    }

    pub(crate) fn mounted(&self, path: &str) -> Option<(bool, Timestamp)> {
        self.mounted.get(path).copied()
    }

    pub(crate) fn looked(&self, look: &Look) -> Option<&Looked> {
        self.looked.get(look)
    }

    /// Whether anybody can tell if there is a network.
    #[must_use]
    pub fn knows_network(&self) -> bool {
        self.network.is_some()
    }

    /// Whether somebody tells that there is no usable network.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.network
            .as_ref()
            .is_some_and(|(network, _)| !network.usable)
    }

    /// The Wi-Fi, when the usable network is one.
    #[must_use]
    pub fn wifi(&self) -> Option<&str> {
        let (network, _) = self.network.as_ref()?;
        let more = network.more.as_ref().filter(|_| network.usable)?;
        more.wifi.as_deref()
    }

    /// Whether the machine runs on battery, as far as anybody can tell.
    #[must_use]
    pub fn on_battery(&self) -> bool {
        self.power.is_some_and(|(mains, ..)| !mains)
    }

    /// Since when nobody used the machine; absent: in use, or nobody can tell.
    #[must_use]
    pub fn idle_since(&self) -> Option<Timestamp> {
        self.idle?.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(usable: bool, metered: bool, wifi: Option<&str>, vpn: bool) -> Fact {
        Fact::Network {
            usable,
            metered,
            wifi: wifi.map(str::to_owned),
            vpn,
        }
    }

    #[test]
    fn a_reason_is_bounded() {
        let because = "ä".repeat(MAX_REASON);
        let kind = FactKind::Power;
        let mut facts = Facts::default();
        facts.learn(Fact::Unknown { kind, because }, Timestamp(0));
        assert!(facts.reasons[&kind].len() <= MAX_REASON);
    }

    #[test]
    fn a_new_network_is_told_once() {
        let mut facts = Facts::default();
        let now = Timestamp(0);
        assert!(
            facts
                .learn(network(true, false, None, false), now)
                .network_came
        );
        assert!(
            !facts
                .learn(network(true, true, None, false), now)
                .network_came
        );
        assert!(
            !facts
                .learn(network(false, true, None, false), now)
                .network_came
        );
        assert!(
            facts
                .learn(network(true, true, None, false), now)
                .network_came
        );
        assert!(!facts.learn(network(true, true, None, false), now).any);
    }

    #[test]
    fn a_network_that_settles_comes_once_it_is_usable() {
        let mut facts = Facts::default();
        let settles = || Fact::NetworkSettles {
            because: "names are not resolved yet".into(),
        };
        assert!(facts.learn(settles(), Timestamp(0)).any);
        assert!(!facts.learn(settles(), Timestamp(1)).any, "told once");
        assert!(!facts.knows_network(), "the first one did not come up");
        assert!(
            facts
                .learn(network(true, false, None, false), Timestamp(2))
                .network_came
        );
        assert_eq!(facts.settling(), None);
        assert!(facts.learn(settles(), Timestamp(3)).any);
        assert!(!facts.network().unwrap().0.usable && facts.knows_network());
        assert!(
            facts
                .learn(network(true, false, None, false), Timestamp(4))
                .network_came
        );
    }

    #[test]
    fn what_is_looked_at_is_bounded_and_grows_old() {
        let mut facts = Facts::default();
        for number in 0..=MAX_LOOKS {
            let look = Look::Room(number.to_string());
            let at = i64::try_from(number).unwrap();
            let found = Found::Not("it is not there".into());
            assert!(facts.learn(Fact::Looked { look, found }, Timestamp(at)).any);
        }
        assert_eq!(facts.looked.len(), MAX_LOOKS);
        assert!(
            facts.looked(&Look::Room("0".into())).is_none(),
            "the oldest goes"
        );
        let looked = facts.looked(&Look::Room("7".into())).unwrap();
        assert!(looked.is_recent(Timestamp(30_007)) && !looked.is_recent(Timestamp(30_008)));
        assert!(!looked.is_recent(Timestamp(6)), "the clock went back");
    }
}
