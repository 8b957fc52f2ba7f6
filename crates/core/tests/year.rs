//! A simulated year of a laptop: it sleeps, travels, runs flat and loses its network, and every item is fresh whenever its
//! conditions allowed it. Seeded; a failure names its seed.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use syncmgr_core::command::Command;
use syncmgr_core::condition::{Condition, Fact};
use syncmgr_core::input::{Began, Completed, Input, InstanceInput, Progress};
use syncmgr_core::item::{Failure, ItemStatus};
use syncmgr_core::policy::NO_PROGRESS;
use syncmgr_core::request::Trigger;
use syncmgr_core::rule::{Cause, Lost, Rule, Select};
use syncmgr_core::schedule::{Schedule, Zone};
use syncmgr_core::watchdog::ANSWER_WITHIN;
use syncmgr_core::{HandlerId, ItemId, Timestamp};
use world::{World, at};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// 2026-01-01T00:00:00Z, and a year of it: both changes of the clocks lie within.
const BEGIN: i64 = 1_767_225_600_000;

const ITEMS: [(&str, &[&str]); 3] = [
    ("mail", &["inbox", "sent"]),
    ("folder", &["notes", "photos"]),
    ("backup", &["home"]),
];

fn rules() -> Vec<Rule> {
    let schedule = |text: &str| Cause::Schedule(Schedule::parse(text).unwrap());
    let rule = |name: &str, item: &str, cause: Cause, when: Vec<Condition>| Rule {
        when,
        ..world::rule(name, &[item], vec![cause])
    };
    let mains = Condition::Power {
        at_least_percent: 101,
    };
    let idle = Cause::Idle {
        after: Duration::from_secs(15 * 60),
        repeat: Some(Duration::from_secs(60 * 60)),
        stop_on_return: false,
        on_battery: false,
    };
    let after = Cause::After {
        item: Select::named("inbox"),
        changed: false,
    };
    vec![
        rule(
            "often",
            "inbox",
            schedule("every 15m"),
            vec![Condition::AnyNetwork],
        ),
        rule("then", "sent", after, Vec::new()),
        rule(
            "evening",
            "notes",
            schedule("every weekday at 18:30"),
            Vec::new(),
        ),
        rule("came", "notes", Cause::Connect(None), Vec::new()),
        rule("rest", "photos", idle, Vec::new()),
        Rule {
            lost: Lost::Stop,
            ..rule(
                "nightly",
                "home",
                schedule("daily at 02:00"),
                vec![Condition::UnmeteredNetwork, mains],
            )
        },
    ]
}

/// The laptop with its handlers.
struct Laptop {
    w: World,
    seed: u64,
    random: u64,
    awake: bool,
    usable: bool,
    metered: bool,
    mains: bool,
    /// Handlers at work, and when they will be done.
    working: BTreeMap<u64, (HandlerId, Vec<ItemId>, Timestamp)>,
    /// Handlers that hang, and since when they do while the machine is awake.
    hung: BTreeMap<u64, Timestamp>,
    /// How many of them were ended.
    ended: usize,
    /// Handlers that caught something up since the machine woke.
    caught_up: BTreeMap<HandlerId, usize>,
    /// Since when nothing keeps the backup from its time.
    backup_may: Option<Timestamp>,
    runs: BTreeMap<String, usize>,
}

impl Laptop {
    fn new(seed: u64) -> Self {
        let mut w = World::defined(&ITEMS);
        w.now = Timestamp(BEGIN);
        w.input(Input::Zone(Zone::named("Europe/Berlin").unwrap()));
        w.input(Input::Rules(rules()));
        Self {
            w,
            seed,
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            awake: true,
            usable: false,
            metered: false,
            mains: true,
            working: BTreeMap::new(),
            hung: BTreeMap::new(),
            ended: 0,
            caught_up: BTreeMap::new(),
            backup_may: None,
            runs: BTreeMap::new(),
        }
    }

    fn below(&mut self, most: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % most
    }

    fn input(&mut self, input: Input) {
        self.w.input(input);
        self.serve();
    }

    fn hear(&mut self, instance: u64, said: InstanceInput) {
        self.w.hear(instance, said);
    }

    /// Handlers do what they are told.
    fn serve(&mut self) {
        while let Some(command) = self.w.commands.pop_front() {
            match command {
                Command::Start {
                    instance,
                    handler,
                    trigger,
                    ..
                } => {
                    *self
                        .runs
                        .entry(format!("{handler} {trigger:?}"))
                        .or_default() += 1;
                    if trigger == Trigger::CatchUp {
                        let count = self.caught_up.entry(handler.clone()).or_default();
                        *count += 1;
                        assert!(*count <= 1, "seed {}: {handler} caught up twice", self.seed);
                    }
                    self.hear(instance.0, InstanceInput::Initialized(world::facts(&[])));
                }
                Command::ListItems(instance) => {
                    let handler = self.w.manager.instance(instance).unwrap().handler.clone();
                    let (_, items) = ITEMS
                        .iter()
                        .find(|(name, _)| handler.as_str() == *name)
                        .unwrap();
                    self.w.listed(instance.0, items);
                }
                Command::Prepare {
                    instance, items, ..
                } => {
                    let handler = self.w.manager.instance(instance).unwrap().handler.clone();
                    for (other, busy, _) in self.working.values() {
                        let twice = *other == handler && items.iter().any(|i| busy.contains(i));
                        assert!(!twice, "seed {}: the same item twice at once", self.seed);
                    }
                    let takes = MINUTE + i64::try_from(self.below(9 * 60_000)).unwrap();
                    // A mail server never answers, now and then.
                    let hangs = handler.as_str() == "mail" && self.below(200) == 0;
                    let takes = if hangs { 10 * 365 * DAY } else { takes };
                    if hangs {
                        self.hung.insert(instance.0, self.w.now);
                    }
                    let done = Timestamp(self.w.now.0 + takes);
                    self.working.insert(instance.0, (handler, items, done));
                    self.w.prepared(instance.0);
                }
                Command::Synchronize(instance) => {
                    self.hear(instance.0, InstanceInput::SynchronizeReturned(Began::Yes));
                }
                Command::ItemStatus {
                    instance,
                    item: Some(item),
                    ..
                } => {
                    // A condition was lost: what was stopped goes on once it is met, and that is no second time.
                    let handler = self.w.manager.instance(instance).unwrap().handler.clone();
                    self.caught_up.remove(&handler);
                    self.hear(
                        instance.0,
                        InstanceInput::Progress(
                            Progress {
                                item: Some(item),
                                status: Some(ItemStatus::Skipped),
                                ..Progress::default()
                            },
                            None,
                        ),
                    );
                }
                Command::Release(instance) => {
                    if self.hung.remove(&instance.0).is_some() {
                        self.working.remove(&instance.0);
                        self.ended += 1;
                    }
                    self.w.exit(instance.0);
                }
                _ => {}
            }
        }
        self.w.lines.clear();
        self.w.records.clear();
        self.w.ended.clear();
    }

    /// The handlers that are done by now end their work; a mail server fails now and then.
    fn complete(&mut self) {
        let done: Vec<u64> = self
            .working
            .iter()
            .filter(|(_, (_, _, done))| *done <= self.w.now)
            .map(|(instance, _)| *instance)
            .collect();
        for instance in done {
            let (handler, items, _) = self.working.remove(&instance).unwrap();
            if handler.as_str() == "mail" && self.below(20) == 0 {
                self.hear(
                    instance,
                    InstanceInput::Progress(
                        Progress {
                            item: items.first().cloned(),
                            status: Some(ItemStatus::Failed),
                            failure: Some(Failure::Soft),
                            ..Progress::default()
                        },
                        None,
                    ),
                );
            }
            self.hear(
                instance,
                InstanceInput::SynchronizeCompleted(Completed::Done),
            );
            self.serve();
        }
    }

    fn facts(&mut self) {
        let facts = vec![
            Fact::Network {
                usable: self.usable,
                metered: self.metered,
                wifi: None,
                vpn: false,
            },
            Fact::Power {
                mains: self.mains,
                battery_percent: Some(50),
            },
        ];
        self.input(Input::Facts(facts));
        let may = self.awake && self.usable && !self.metered && self.mains;
        self.backup_may = match (may, self.backup_may) {
            (true, since) => since.or(Some(self.w.now)),
            (false, _) => None,
        };
    }

    /// Something happens to the laptop.
    fn live(&mut self) {
        match self.below(10) {
            0 | 1 => {
                self.usable = !self.usable;
                self.metered = self.below(4) == 0;
                self.facts();
            }
            2 => {
                self.mains = !self.mains;
                self.facts();
            }
            3 | 4 => {
                let since = (self.below(2) == 0).then_some(self.w.now);
                self.input(Input::Facts(vec![Fact::Idle { since }]));
            }
            5 => {
                // It sleeps, mostly a night, sometimes a holiday. Whatever works is frozen with it.
                self.awake = false;
                let hours = if self.below(20) == 0 { 24 * 9 } else { 10 };
                let sleep = HOUR + i64::try_from(self.below(hours)).unwrap() * HOUR;
                self.w.now = Timestamp(self.w.now.0 + sleep);
                for (_, _, done) in self.working.values_mut() {
                    *done = Timestamp(done.0 + sleep);
                }
                for since in self.hung.values_mut() {
                    *since = self.w.now;
                }
                self.awake = true;
                self.backup_may = None;
                self.caught_up.clear();
                self.input(Input::ClockJumped);
                self.usable = false; // after a wake nobody is connected yet
                self.facts();
                self.input(Input::Facts(vec![Fact::Idle { since: None }]));
                self.usable = true;
            }
            _ => {
                self.usable = true;
                self.facts();
            }
        }
    }

    /// What must always hold.
    fn hold(&self) {
        let seed = self.seed;
        let queue: Vec<_> = self.w.manager.queue().collect();
        assert!(queue.len() <= 10, "seed {seed}: the queue grows: {queue:?}");
        for waiting in &queue {
            let waits = self.w.now.since(waiting.since);
            let asleep = Duration::from_secs(12 * 24 * 3600);
            assert!(waits < asleep, "seed {seed}: it starves: {waiting:?}");
        }
        // Nothing hangs for longer than it may be silent, the question about it may wait, and it may take to stop.
        for (instance, since) in &self.hung {
            let hangs = self.w.now.since(*since);
            let most = NO_PROGRESS + ANSWER_WITHIN + Duration::from_secs(60);
            assert!(hangs < most, "seed {seed}: {instance} hangs for {hangs:?}");
        }
        // The backup: nothing has kept it from its last time for an hour, and it was made since.
        let home = at("backup", "home");
        if let Some(since) = self.backup_may
            && self.w.now.since(since) > Duration::from_secs(3600)
        {
            let nightly = Schedule::parse("daily at 02:00").unwrap();
            let zone = Zone::named("Europe/Berlin").unwrap();
            let an_hour_ago = Timestamp(self.w.now.0 - HOUR);
            let due = nightly.last_before(an_hour_ago, &zone).unwrap();
            let good = self.w.manager.item(&home).unwrap().last_good;
            assert!(
                due.0 < BEGIN || good.is_some_and(|good| good >= due),
                "seed {seed}: at {:?} the backup of {due:?} is missing; the last is of {good:?}",
                self.w.now,
            );
        }
    }

    fn year(&mut self) {
        self.usable = true;
        self.facts();
        let mut next_event = self.w.now;
        while self.w.now.0 < BEGIN + 365 * DAY {
            let done = self.working.values().map(|(_, _, done)| *done).min();
            let next = [self.w.manager.next_deadline(), done, Some(next_event)]
                .into_iter()
                .flatten()
                .min()
                .unwrap();
            self.w.now = self.w.now.max(next);
            self.complete();
            self.input(Input::Tick);
            if self.w.now >= next_event {
                self.live();
                let pause = 10 * MINUTE + i64::try_from(self.below(4 * 3_600_000)).unwrap();
                next_event = Timestamp(self.w.now.0 + pause);
            }
            self.hold();
        }
    }
}

#[test]
fn a_laptop_lives_through_a_year() {
    for seed in 1..=3 {
        let mut laptop = Laptop::new(seed);
        laptop.year();
        let kinds: BTreeSet<&str> = laptop.runs.keys().map(String::as_str).collect();
        for kind in [
            "mail Schedule",
            "mail After",
            "mail Retry",
            "folder Schedule",
            "folder CatchUp",
            "folder Connect",
            "folder Idle",
            "backup Schedule",
            "backup CatchUp",
        ] {
            assert!(
                kinds.contains(kind),
                "seed {seed}: no {kind}: {:?}",
                laptop.runs
            );
        }
        assert!(laptop.ended > 10, "seed {seed}: {}", laptop.ended);
        let backups: usize = ["backup Schedule", "backup CatchUp"]
            .iter()
            .filter_map(|kind| laptop.runs.get(*kind))
            .sum();
        assert!(backups <= 2 * 365, "seed {seed}: {:?}", laptop.runs);
    }
}
