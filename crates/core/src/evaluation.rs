//! How conditions stand, and everything that there is to say of it.

use std::fmt;

use crate::condition::{Condition, Room};
use crate::facts::{FactKind, Facts, Found, NetworkDetail};
use crate::rule::Select;
use crate::saying::{Change, Circumstance, Hundredths, Moment, Saying, Size, Span};
use crate::schedule::Zone;
use crate::time::Timestamp;

/// How a condition stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// It is met.
    Yes,
    /// It is not.
    No,
    /// Nothing speaks against it, but somebody has to look first.
    Unlooked,
    /// Nobody can tell.
    Unknown,
}

/// When and where a condition is asked about.
#[derive(Clone, Copy)]
pub struct Circumstances<'a> {
    /// The moment.
    pub now: Timestamp,
    /// The zone of the machine.
    pub zone: &'a Zone,
    /// Whether something that is called so runs, what, and since when.
    pub running: &'a dyn Fn(&Select) -> Option<(String, Timestamp)>,
}

impl fmt::Debug for Circumstances<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Circumstances")
            .field("now", &self.now)
            .field("zone", &self.zone)
            .finish_non_exhaustive()
    }
}

/// A condition with everything that there is to say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// How it stands.
    pub holds: Holds,
    /// What is wanted, as a fragment.
    pub wanted: Saying,
    /// What is, as a fragment.
    pub now: Saying,
    /// Why nobody can tell, as a fragment.
    pub because: Option<String>,
    /// Since when it is so; absent: nobody knows.
    pub since: Option<Timestamp>,
    /// What would change it, as a fragment.
    pub unblocked_by: Saying,
    /// When time alone changes it.
    pub due: Option<Timestamp>,
}

/// Whether a condition is met, and if not, what is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evaluation {
    /// It is.
    Met,
    /// It is not.
    Waiting {
        /// What is wanted, as a fragment.
        wanted: Saying,
        /// What is, as a fragment.
        now: Saying,
        /// Since when it is so; absent: nobody knows.
        since: Option<Timestamp>,
        /// What would change it, as a fragment.
        unblocked_by: Saying,
        /// When time alone changes it.
        due: Option<Timestamp>,
        /// Nothing speaks against it: it is only looked at first.
        looking: bool,
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
    /// Evaluates a condition.
    #[must_use]
    pub fn evaluate(&self, condition: &Condition, asked: Circumstances<'_>) -> Evaluation {
        let holds = self.holds(condition, asked);
        if holds == Holds::Yes {
            return Evaluation::Met;
        }
        let State {
            wanted,
            now,
            since,
            unblocked_by,
            due,
            ..
        } = self.state_of(condition, holds, asked);
        Evaluation::Waiting {
            wanted,
            now,
            since,
            unblocked_by,
            due,
            looking: holds == Holds::Unlooked,
        }
    }

    /// Everything that there is to say of a condition, also when it is met.
    #[must_use]
    pub fn state(&self, condition: &Condition, asked: Circumstances<'_>) -> State {
        self.state_of(condition, self.holds(condition, asked), asked)
    }

    /// How a condition stands.
    #[must_use]
    pub fn holds(&self, condition: &Condition, asked: Circumstances<'_>) -> Holds {
        let met = match condition {
            Condition::AnyNetwork => self.network_holds(|_| true, true),
            Condition::UnmeteredNetwork => self.network_holds(|more| !more.metered, false),
            Condition::Wifi(name) => {
                self.network_holds(|more| more.wifi.as_ref() == Some(name), false)
            }
            Condition::Vpn => self.network_holds(|more| more.vpn, false),
            Condition::Power { at_least_percent } => self.power().map(|(mains, percent, _)| {
                mains || percent.is_some_and(|percent| percent >= *at_least_percent)
            }),
            Condition::IdleFor(span) => self
                .idle()
                .map(|(since, _)| since.is_some_and(|since| asked.now.since(since) >= *span)),
            Condition::Mounted(path) => self.mounted(path).map(|(mounted, _)| mounted),
            Condition::NotRunning(select) => Some((asked.running)(select).is_none()),
            Condition::Hours(hours) => Some(hours.contain(asked.now, asked.zone)),
            Condition::NotHours(hours) => Some(!hours.contain(asked.now, asked.zone)),
            Condition::Free { .. } | Condition::Load { .. } | Condition::Reachable(_) => {
                return self.look_holds(condition, asked.now);
            }
        };
        match met {
            Some(true) => Holds::Yes,
            Some(false) => Holds::No,
            None => Holds::Unknown,
        }
    }

    /// Nothing where that cannot be told; `bare` is what is told of a usable network of which no more is known.
    fn network_holds(&self, such: impl FnOnce(&NetworkDetail) -> bool, bare: bool) -> Option<bool> {
        let Some((network, _)) = self.network() else {
            return self.settling().map(|_| false);
        };
        if !network.usable {
            return Some(false);
        }
        match &network.more {
            Some(more) => Some(such(more)),
            None => bare.then_some(true),
        }
    }

    /// What was found speaks against it for ever, until somebody looks again; for it only for a while.
    fn look_holds(&self, condition: &Condition, now: Timestamp) -> Holds {
        let Some(looked) = condition
            .look()
            .and_then(|look| self.looked(&look).cloned())
        else {
            return if self.reason(FactKind::Looked).is_some() {
                Holds::Unknown
            } else {
                Holds::Unlooked
            };
        };
        let met = match (condition, &looked.found) {
            (Condition::Free { at_least, .. }, Found::Room { free, total }) => match at_least {
                Room::Bytes(bytes) => free >= bytes,
                Room::Percent(percent) => {
                    u128::from(*free) * 100 >= u128::from(*total) * u128::from(*percent)
                }
            },
            (
                Condition::Load {
                    at_most_hundredths,
                    per_core,
                },
                Found::Load { hundredths, cores },
            ) => {
                let cores = if *per_core { (*cores).max(1) } else { 1 };
                u64::from(*hundredths) <= u64::from(*at_most_hundredths) * u64::from(cores)
            }
            (Condition::Reachable(_), Found::Reachable) => true,
            (_, Found::Not(_) | Found::Room { .. } | Found::Load { .. } | Found::Reachable) => {
                false
            }
        };
        match (met, looked.is_recent(now)) {
            (true, true) => Holds::Yes,
            (true, false) => Holds::Unlooked,
            (false, _) => Holds::No,
        }
    }

    fn state_of(&self, condition: &Condition, holds: Holds, asked: Circumstances<'_>) -> State {
        let mut state = State {
            holds,
            wanted: condition.wanted(),
            now: Circumstance::Unknown.into(),
            because: None,
            since: None,
            unblocked_by: condition.change(),
            due: None,
        };
        if holds == Holds::Unknown {
            let reason = condition.fact().and_then(|kind| self.reason(kind));
            state.because = reason.map(str::to_owned);
            state.unblocked_by = Change::Source.into();
            return state;
        }
        match condition {
            Condition::AnyNetwork
            | Condition::UnmeteredNetwork
            | Condition::Wifi(_)
            | Condition::Vpn => self.tell_network(&mut state),
            Condition::Power { .. } => {
                if let Some((mains, percent, since)) = self.power() {
                    state.since = Some(since);
                    state.now = match (mains, percent) {
                        (true, _) => Circumstance::Mains,
                        (false, Some(percent)) => Circumstance::BatteryWith {
                            percent: u64::from(percent),
                        },
                        (false, None) => Circumstance::Battery,
                    }
                    .into();
                }
            }
            Condition::IdleFor(wanted) => match self.idle() {
                Some((Some(since), _)) => {
                    state.since = Some(since);
                    let span = Span(asked.now.since(since));
                    state.now = Circumstance::Idle { span }.into();
                    if holds == Holds::No {
                        state.unblocked_by = Change::NobodyComes.into();
                        state.due = Some(since.plus(*wanted));
                    }
                }
                Some((None, at)) => {
                    state.since = Some(at);
                    state.now = Circumstance::InUse.into();
                }
                None => {}
            },
            Condition::Mounted(path) => {
                if let Some((mounted, since)) = self.mounted(path) {
                    state.since = Some(since);
                    state.now = if mounted {
                        Circumstance::Mounted.into()
                    } else {
                        Circumstance::NotMounted.into()
                    };
                }
            }
            Condition::NotRunning(select) => match (asked.running)(select) {
                None => state.now = Circumstance::Rest.into(),
                Some((name, since)) => {
                    state.since = Some(since);
                    state.now = Circumstance::Runs { name }.into();
                }
            },
            Condition::Hours(hours) | Condition::NotHours(hours) => {
                let within = hours.contain(asked.now, asked.zone);
                state.due = hours.change_after(asked.now, asked.zone);
                state.now = match (state.due, within) {
                    (Some(due), true) => Circumstance::Until {
                        at: Moment::new(due, asked.zone),
                    },
                    (Some(due), false) => Circumstance::NotBefore {
                        at: Moment::new(due, asked.zone),
                    },
                    (None, true) => Circumstance::Always,
                    (None, false) => Circumstance::Never,
                }
                .into();
            }
            Condition::Free { .. } | Condition::Load { .. } | Condition::Reachable(_) => {
                self.tell_look(condition, &mut state, asked.now);
            }
        }
        state
    }

    fn tell_network(&self, state: &mut State) {
        let Some((network, since)) = self.network() else {
            state.now = self.no_network();
            return;
        };
        state.since = Some(*since);
        state.now = match &network.more {
            _ if !network.usable => self.no_network(),
            Some(NetworkDetail {
                wifi: Some(name),
                metered,
                ..
            }) => {
                let name = name.clone();
                if *metered {
                    Circumstance::WifiMetered { name }.into()
                } else {
                    Circumstance::Wifi { name }.into()
                }
            }
            Some(NetworkDetail { metered: true, .. }) => Circumstance::Metered.into(),
            Some(NetworkDetail { vpn: true, .. }) => Circumstance::Vpn.into(),
            Some(_) | None if state.holds == Holds::Yes => Circumstance::Network.into(),
            Some(_) | None => Circumstance::OtherNetwork.into(),
        };
        if self.settling().is_some() {
            state.unblocked_by = Change::Settles.into();
        }
    }

    /// That there is none, or what is still found out of one.
    fn no_network(&self) -> Saying {
        match self.settling() {
            Some(words) => Circumstance::Told {
                words: words.to_owned(),
            },
            None => Circumstance::NoNetwork,
        }
        .into()
    }

    fn tell_look(&self, condition: &Condition, state: &mut State, now: Timestamp) {
        let Some(looked) = condition
            .look()
            .and_then(|look| self.looked(&look).cloned())
        else {
            state.now = Circumstance::LookedAtLater.into();
            state.unblocked_by = Change::Look.into();
            return;
        };
        let found = match &looked.found {
            Found::Room { free, total } => Circumstance::Room {
                free: Size(*free),
                total: Size(*total),
            },
            Found::Load {
                hundredths: of_all,
                cores,
            } => {
                let load = Hundredths(*of_all);
                match cores {
                    1 => Circumstance::LoadOne { load },
                    cores => Circumstance::Load {
                        load,
                        cores: u64::from(*cores),
                    },
                }
            }
            Found::Reachable => Circumstance::Answers,
            Found::Not(because) => Circumstance::Told {
                words: because.clone(),
            },
        };
        let found = found.into();
        state.since = Some(looked.since);
        state.now = if looked.is_recent(now) {
            found
        } else {
            state.since = None;
            let ago = Span(now.since(looked.at));
            Circumstance::Ago { found, ago }.into()
        };
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::condition::{Endpoint, Look};
    use crate::facts::{Fact, LOOK_HOLDS};
    use crate::id::{HandlerId, ItemId, ItemRef};
    use crate::schedule::Hours;

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
        let zone = Zone::utc();
        let asked = Circumstances {
            now: Timestamp(10_000),
            zone: &zone,
            running: &|_| Some(("notes".to_owned(), Timestamp(1))),
        };
        let got = known.evaluate(condition, asked);
        let state = known.state(condition, asked);
        assert_eq!(state.holds == Holds::Yes, got == Evaluation::Met);
        assert!(!state.now.as_str().is_empty(), "{condition:?}");
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
        check(
            vec![],
            &C::NotRunning(Select::Item(other)),
            Some("notes runs"),
        );
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
        let why = "nobody here can tell";
        for condition in [C::UnmeteredNetwork, C::Wifi("home".into()), C::Vpn] {
            check(route(true), &condition, Some(why));
        }
        let lost = |known: Fact, kind| {
            let because = "the bus went".to_owned();
            vec![known, Fact::Unknown { kind, because }]
        };
        let gone = Some("nobody here can tell");
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
    fn hours_end_by_time_alone() {
        let zone = Zone::utc();
        let hours = Hours::parse("00:00-06:00").unwrap();
        let facts = Facts::default();
        let at = |hour: i64| Circumstances {
            now: Timestamp(hour * 3_600_000),
            zone: &zone,
            running: &|_| None,
        };
        let (allowed, blocked) = (Condition::Hours(hours.clone()), Condition::NotHours(hours));
        assert_eq!(facts.evaluate(&allowed, at(1)), Evaluation::Met);
        assert_eq!(facts.evaluate(&blocked, at(7)), Evaluation::Met);
        assert_eq!(facts.evaluate(&allowed, at(6)).due(), Some(at(24).now));
        assert_eq!(facts.evaluate(&blocked, at(5)).due(), Some(at(6).now));
        assert_eq!(facts.state(&allowed, at(1)).now, "until 1970-01-01 06:00");
    }

    #[test]
    fn what_has_to_be_looked_at() {
        use Condition as C;
        const GIB: u64 = 1 << 30;
        let free = |at_least| C::Free {
            path: "/mnt/a".into(),
            at_least,
        };
        let room = |free| {
            vec![Fact::Looked {
                look: Look::Room("/mnt/a".into()),
                found: Found::Room {
                    free,
                    total: 100 * GIB,
                },
            }]
        };
        check(
            vec![],
            &free(Room::Percent(1)),
            Some("looked at when it is about to start"),
        );
        check(room(10 * GIB), &free(Room::Bytes(10 * GIB)), None);
        let nearly = 10 * GIB - 1;
        check(
            room(nearly),
            &free(Room::Bytes(10 * GIB)),
            Some("9.9 GiB of 100 GiB free"),
        );
        check(room(10 * GIB), &free(Room::Percent(10)), None);
        check(
            room(nearly),
            &free(Room::Percent(10)),
            Some("9.9 GiB of 100 GiB free"),
        );
        let busy = || {
            vec![Fact::Looked {
                look: Look::Load,
                found: Found::Load {
                    hundredths: 205,
                    cores: 2,
                },
            }]
        };
        let load = |at_most_hundredths, per_core| C::Load {
            at_most_hundredths,
            per_core,
        };
        check(busy(), &load(205, false), None);
        check(busy(), &load(204, false), Some("2.05 on 2 processors"));
        check(busy(), &load(103, true), None);
        check(busy(), &load(102, true), Some("2.05 on 2 processors"));
        let endpoint = Endpoint {
            host: "::1".into(),
            port: 22,
        };
        let answers = |found| {
            vec![Fact::Looked {
                look: Look::Reachable(endpoint.clone()),
                found,
            }]
        };
        let reachable = C::Reachable(endpoint.clone());
        assert_eq!(reachable.to_string(), "reachable [::1]:22");
        check(answers(Found::Reachable), &reachable, None);
        check(
            answers(Found::Not("it refuses".into())),
            &reachable,
            Some("it refuses"),
        );
        let kind = FactKind::Looked;
        let because = "only a daemon looks".to_owned();
        let blind = Fact::Unknown { kind, because };
        check(
            vec![blind.clone()],
            &reachable,
            Some("nobody here can tell"),
        );
        check(
            vec![blind, Fact::Askable(kind)],
            &reachable,
            Some("looked at when it is about to start"),
        );
    }

    #[test]
    fn what_was_found_long_ago_is_looked_at_again() {
        let zone = Zone::utc();
        let reachable = Condition::Reachable(Endpoint {
            host: "nas".into(),
            port: 22,
        });
        let asked = |now: Timestamp| Circumstances {
            now,
            zone: &zone,
            running: &|_| None,
        };
        let mut facts = Facts::default();
        let look = reachable.look().unwrap();
        let learn = |facts: &mut Facts, found, at| {
            let look = look.clone();
            facts.learn(Fact::Looked { look, found }, Timestamp(at));
        };
        learn(&mut facts, Found::Reachable, 0);
        let later = Timestamp(0).plus(LOOK_HOLDS);
        assert_eq!(facts.holds(&reachable, asked(later)), Holds::Yes);
        let later = Timestamp(later.0 + 1);
        assert_eq!(facts.holds(&reachable, asked(later)), Holds::Unlooked);
        // What speaks against it does so until somebody looks again.
        learn(&mut facts, Found::Not("it refuses".into()), 0);
        assert_eq!(facts.holds(&reachable, asked(later)), Holds::No);
        assert_eq!(
            facts.state(&reachable, asked(later)).now,
            "it refuses, 30 s ago"
        );
    }
}
