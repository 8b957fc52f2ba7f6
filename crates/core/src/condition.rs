//! Conditions of an item: data, evaluated against facts, with a "why" for every one that is not met.

use std::collections::BTreeMap;

use crate::id::ItemRef;
use crate::time::Timestamp;

/// Most paths whose mounting is remembered; further ones are not, and their conditions wait.
pub const MAX_MOUNT_FACTS: usize = 1_000;
/// Most conditions of one item; further ones are dropped.
pub const MAX_CONDITIONS: usize = 32;
/// Most bytes of the reason for which a fact is not known; the rest is cut.
pub const MAX_REASON: usize = 300;

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
    /// Of the network only this is known: nothing of its cost, its name, and private networks.
    Route {
        /// Usable: route and names.
        usable: bool,
        /// Why no more is known, as a fragment.
        because: String,
    },
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
    /// [`Fact::Network`] and [`Fact::Route`].
    Network,
    /// [`Fact::Power`].
    Power,
    /// [`Fact::Idle`].
    Idle,
    /// [`Fact::Mounted`], of all paths.
    Mounted,
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
            Self::NotRunning(_) => None,
        }
    }
}

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

/// What is known of the world, with the moment each fact became so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    network: Option<(Network, Timestamp)>,
    power: Option<(bool, Option<u8>, Timestamp)>,
    idle: Option<(Option<Timestamp>, Timestamp)>,
    mounted: BTreeMap<String, (bool, Timestamp)>,
    /// Why something is not known.
    reasons: BTreeMap<FactKind, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Network {
    usable: bool,
    /// Absent: only the route is known.
    more: Option<NetworkDetail>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct NetworkDetail {
    metered: bool,
    wifi: Option<String>,
    vpn: bool,
}

/// What a change of facts means beyond the conditions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FactsChanged {
    /// Something is different from before.
    pub any: bool,
    /// A usable network is there that was not: retries are due at once.
    pub network_came: bool,
}

/// Whether a condition is met, and if not, what is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evaluation {
    /// It is.
    Met,
    /// It is not.
    Waiting {
        /// What is wanted, as a fragment.
        wanted: String,
        /// What is, as a fragment.
        now: String,
        /// Since when it is so; absent: nobody knows.
        since: Option<Timestamp>,
        /// What would change it, as a fragment.
        unblocked_by: String,
        /// When time alone changes it.
        due: Option<Timestamp>,
    },
}

impl Evaluation {
    /// When time alone makes it met.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        match self {
            Self::Met => None,
            Self::Waiting { due, .. } => *due,
        }
    }
}

impl Facts {
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
                self.learn_network(Network { usable, more: None }, now)
            }
            Fact::Unknown { kind, because } => {
                self.explain(kind, because);
                let any = match kind {
                    FactKind::Network => self.network.take().is_some(),
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

    fn explain(&mut self, kind: FactKind, because: String) {
        let because = crate::cut::bytes(because, MAX_REASON);
        self.reasons.insert(kind, because);
    }

    fn unknown(&self, kind: FactKind, wanted: String) -> Evaluation {
        Evaluation::Waiting {
            wanted,
            now: self.reasons.get(&kind).map_or_else(
                || "nobody here can tell".to_owned(),
                |because| format!("nobody here can tell: {because}"),
            ),
            since: None,
            unblocked_by: "a source for it, or a sync by hand".to_owned(),
            due: None,
        }
    }

    /// Whether anybody can tell if there is a network.
    #[must_use]
    pub fn knows_network(&self) -> bool {
        self.network.is_some()
    }

    /// The Wi-Fi, when the usable network is one.
    #[must_use]
    pub fn wifi(&self) -> Option<&str> {
        let (network, _) = self.network.as_ref()?;
        let more = network.more.as_ref().filter(|_| network.usable)?;
        more.wifi.as_deref()
    }

    /// Since when nobody used the machine; absent: in use, or nobody can tell.
    #[must_use]
    pub fn idle_since(&self) -> Option<Timestamp> {
        self.idle?.0
    }

    /// Evaluates a condition. `running` says whether an item runs now, and since when.
    #[must_use]
    pub fn evaluate(
        &self,
        condition: &Condition,
        now: Timestamp,
        running: impl FnOnce(&ItemRef) -> Option<Timestamp>,
    ) -> Evaluation {
        match condition {
            Condition::AnyNetwork => {
                self.network("a network", "a network comes up", |n| Some(n.usable))
            }
            Condition::UnmeteredNetwork => self.network(
                "a network that does not cost by volume",
                "an unmetered network comes up",
                |n| detail(n, |more| !more.metered),
            ),
            Condition::Wifi(name) => {
                self.network(&format!("the Wi-Fi {name}"), "that Wi-Fi is joined", |n| {
                    detail(n, |more| more.wifi.as_ref() == Some(name))
                })
            }
            Condition::Vpn => {
                self.network("a VPN", "the VPN is up", |n| detail(n, |more| more.vpn))
            }
            Condition::Power { at_least_percent } => {
                let wanted = format!("mains or at least {at_least_percent} % of battery");
                let unblocked_by = "the charger is plugged in".to_owned();
                match self.power {
                    Some((true, _, _)) => Evaluation::Met,
                    Some((false, Some(percent), _)) if percent >= *at_least_percent => {
                        Evaluation::Met
                    }
                    Some((false, percent, since)) => Evaluation::Waiting {
                        wanted,
                        now: percent.map_or_else(
                            || "on battery".to_owned(),
                            |percent| format!("on battery with {percent} %"),
                        ),
                        since: Some(since),
                        unblocked_by,
                        due: None,
                    },
                    None => self.unknown(FactKind::Power, wanted),
                }
            }
            Condition::IdleFor(span) => {
                let wanted = format!("nobody at the machine for {} s", span.as_secs());
                match self.idle {
                    Some((Some(since), _)) if now.since(since) >= *span => Evaluation::Met,
                    Some((Some(since), _)) => Evaluation::Waiting {
                        wanted,
                        now: format!("for {} s", now.since(since).as_secs()),
                        since: Some(since),
                        unblocked_by: "time, while nobody comes".to_owned(),
                        due: Some(since.plus(*span)),
                    },
                    Some((None, at)) => Evaluation::Waiting {
                        wanted,
                        now: "in use".to_owned(),
                        since: Some(at),
                        unblocked_by: "the machine is left alone".to_owned(),
                        due: None,
                    },
                    None => self.unknown(FactKind::Idle, wanted),
                }
            }
            Condition::Mounted(path) => {
                let wanted = format!("{path} mounted");
                match self.mounted.get(path) {
                    Some((true, _)) => Evaluation::Met,
                    Some((false, since)) => Evaluation::Waiting {
                        wanted,
                        now: "not mounted".to_owned(),
                        since: Some(*since),
                        unblocked_by: "it is mounted".to_owned(),
                        due: None,
                    },
                    None => self.unknown(FactKind::Mounted, wanted),
                }
            }
            Condition::NotRunning(item) => match running(item) {
                None => Evaluation::Met,
                Some(since) => Evaluation::Waiting {
                    wanted: format!("{item} at rest"),
                    now: "it runs".to_owned(),
                    since: Some(since),
                    unblocked_by: "its run ends".to_owned(),
                    due: None,
                },
            },
        }
    }

    /// `met` answers nothing where that cannot be told.
    fn network(
        &self,
        wanted: &str,
        unblocked_by: &str,
        met: impl FnOnce(&Network) -> Option<bool>,
    ) -> Evaluation {
        let Some((network, since)) = &self.network else {
            return self.unknown(FactKind::Network, wanted.to_owned());
        };
        let now = match (met(network), &network.more) {
            (Some(true), _) => return Evaluation::Met,
            (None, _) => return self.unknown(FactKind::Network, wanted.to_owned()),
            _ if !network.usable => "no usable network".to_owned(),
            (
                _,
                Some(NetworkDetail {
                    wifi: Some(wifi), ..
                }),
            ) => format!("the Wi-Fi {wifi}"),
            (_, Some(NetworkDetail { metered: true, .. })) => "a metered network".to_owned(),
            _ => "another network".to_owned(),
        };
        Evaluation::Waiting {
            wanted: wanted.to_owned(),
            now,
            since: Some(*since),
            unblocked_by: unblocked_by.to_owned(),
            due: None,
        }
    }
}

/// Whether the network is usable and such; nothing where it is usable and no more is known of it.
fn detail(network: &Network, such: impl FnOnce(&NetworkDetail) -> bool) -> Option<bool> {
    if network.usable {
        network.more.as_ref().map(such)
    } else {
        Some(false)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::id::{HandlerId, ItemId};

    fn network(usable: bool, metered: bool, wifi: Option<&str>, vpn: bool) -> Fact {
        Fact::Network {
            usable,
            metered,
            wifi: wifi.map(str::to_owned),
            vpn,
        }
    }

    fn check(facts: Vec<Fact>, condition: &Condition, expected: Option<&str>) {
        let mut known = Facts::default();
        for fact in facts {
            known.learn(fact, Timestamp(5_000));
        }
        let got = known.evaluate(condition, Timestamp(10_000), |_| Some(Timestamp(1)));
        match (got, expected) {
            (Evaluation::Met, None) => {}
            (Evaluation::Waiting { now, .. }, Some(expected)) => assert_eq!(now, expected),
            (got, expected) => panic!("{condition:?}: {got:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn conditions() {
        use Condition as C;
        let battery = |percent| {
            vec![Fact::Power {
                mains: false,
                battery_percent: percent,
            }]
        };
        let idle = |since| vec![Fact::Idle { since }];
        check(vec![], &C::AnyNetwork, Some("nobody here can tell"));
        check(vec![network(true, true, None, false)], &C::AnyNetwork, None);
        check(
            vec![network(false, false, None, false)],
            &C::AnyNetwork,
            Some("no usable network"),
        );
        check(
            vec![network(true, true, None, false)],
            &C::UnmeteredNetwork,
            Some("a metered network"),
        );
        check(
            vec![network(true, false, Some("cafe"), false)],
            &C::Wifi("home".into()),
            Some("the Wi-Fi cafe"),
        );
        check(
            vec![network(true, false, Some("home"), false)],
            &C::Wifi("home".into()),
            None,
        );
        check(
            vec![network(true, false, None, false)],
            &C::Vpn,
            Some("another network"),
        );
        let power = C::Power {
            at_least_percent: 50,
        };
        check(battery(Some(49)), &power, Some("on battery with 49 %"));
        check(battery(Some(50)), &power, None);
        check(battery(None), &power, Some("on battery"));
        let rest = C::IdleFor(Duration::from_secs(4));
        check(idle(None), &rest, Some("in use"));
        check(idle(Some(Timestamp(6_000))), &rest, None);
        check(idle(Some(Timestamp(7_000))), &rest, Some("for 3 s"));
        let mounted = |mounted| {
            vec![Fact::Mounted {
                path: "/mnt/a".into(),
                mounted,
            }]
        };
        check(mounted(true), &C::Mounted("/mnt/a".into()), None);
        check(
            mounted(false),
            &C::Mounted("/mnt/a".into()),
            Some("not mounted"),
        );
        let other = ItemRef {
            handler: HandlerId::new("h").unwrap(),
            item: ItemId::new("i").unwrap(),
        };
        check(vec![], &C::NotRunning(other), Some("it runs"));
    }

    #[test]
    fn what_nobody_can_tell_says_why() {
        use Condition as C;
        let route = |usable| {
            vec![Fact::Route {
                usable,
                because: "NetworkManager does not run".into(),
            }]
        };
        check(route(true), &C::AnyNetwork, None);
        check(route(false), &C::Vpn, Some("no usable network"));
        let why = "nobody here can tell: NetworkManager does not run";
        for condition in [C::UnmeteredNetwork, C::Wifi("home".into()), C::Vpn] {
            check(route(true), &condition, Some(why));
        }
        let lost = |known: Fact, kind| {
            let because = "the bus went".to_owned();
            vec![known, Fact::Unknown { kind, because }]
        };
        let gone = Some("nobody here can tell: the bus went");
        let on_mains = Fact::Power {
            mains: true,
            battery_percent: None,
        };
        let power = C::Power {
            at_least_percent: 5,
        };
        let mounted = Fact::Mounted {
            path: "/mnt/a".into(),
            mounted: true,
        };
        let idle = Fact::Idle {
            since: Some(Timestamp(0)),
        };
        let rest = C::IdleFor(Duration::from_secs(4));
        check(lost(on_mains, FactKind::Power), &power, gone);
        check(lost(idle, FactKind::Idle), &rest, gone);
        check(
            lost(mounted, FactKind::Mounted),
            &C::Mounted("/mnt/a".into()),
            gone,
        );
        check(
            lost(network(true, false, None, false), FactKind::Network),
            &C::AnyNetwork,
            gone,
        );
        // Known again, it is believed again, and the reason is forgotten.
        let mut facts = lost(route(true).remove(0), FactKind::Network);
        facts.push(network(true, false, None, true));
        check(facts, &C::Vpn, None);
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
}
