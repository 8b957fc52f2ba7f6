//! Lanes, priorities and fairness: what waits for what, and that nothing waits for ever.

#![allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod world;

use std::collections::BTreeMap;

use syncmgr_core::command::Command;
use syncmgr_core::input::{Began, Completed, Input, InstanceInput, ListedItem};
use syncmgr_core::item::HandlerCapability;
use syncmgr_core::lane::{self, Lane};
use syncmgr_core::policy::Policy;
use syncmgr_core::queue::MAX_OVERTAKEN;
use syncmgr_core::request::{RequestOutcome, Scope, Trigger};
use syncmgr_core::rule::Select;
use syncmgr_core::why::About;
use syncmgr_core::{RequestId, Settings};
use world::{World, at, facts, handler, listed};

fn with_lanes(item: &str, lanes: &[&str]) -> ListedItem {
    ListedItem {
        lanes: lane::read(lanes.iter().copied()),
        ..listed(item)
    }
}

fn world(items: &[(&str, &str, &[&str])]) -> World {
    let mut handlers: Vec<&str> = items.iter().map(|(handler, ..)| *handler).collect();
    handlers.dedup();
    let mut w = World::with(Settings::default(), &handlers);
    for (name, item, lanes) in items {
        w.input(Input::ItemDefined(handler(name), with_lanes(item, lanes)));
    }
    w
}

fn items(items: &[(&str, &str)]) -> Scope {
    Scope::Items(items.iter().map(|(h, i)| at(h, i)).collect())
}

fn list(w: &mut World, instance: u64, items: &[ListedItem]) {
    w.hear(instance, InstanceInput::Initialized(facts(&[])));
    w.hear(
        instance,
        InstanceInput::ItemsListed {
            items: items.to_vec(),
            incomplete: false,
        },
    );
}

#[test]
fn a_lane_is_held_by_one_at_a_time_and_who_waits_says_for_what() {
    let mut w = world(&[
        ("mail", "inbox", &["Server", "/srv/mail"]),
        ("folder", "notes", &["/srv"]),
        ("git", "repo", &["/home/repo"]),
    ]);
    w.sync(items(&[("mail", "inbox")]));
    let waits = w.sync(items(&[("folder", "notes")]));
    w.sync(items(&[("git", "repo")]));
    w.expect("1 start mail Manual user\n2 start git Manual user");
    list(&mut w, 1, &[with_lanes("inbox", &["server", "/srv/mail"])]);
    w.prepared(1);

    let why = w.manager.why(&at("folder", "notes"), w.now).unwrap();
    let lane = why.reasons.iter().find(|r| r.about == About::Lane).unwrap();
    assert!(lane.blocks);
    assert_eq!(lane.now, "it waits for the lane /srv/mail, held by inbox");
    assert_eq!(lane.since, Some(w.now));
    let taken = w.manager.waits_for_lane(&at("folder", "notes")).unwrap();
    assert_eq!(taken.item, Some(at("mail", "inbox")));

    w.lines.clear();
    w.completed(1);
    w.expect("1 release");
    w.exit(1);
    assert!(w.lines.concat().contains("3 start folder"), "{:?}", w.lines);
    assert!(w.manager.is_alive(waits));
    assert!(w.manager.waits_for_lane(&at("folder", "notes")).is_none());
}

#[test]
fn a_session_takes_all_its_lanes_or_none() {
    let mut w = world(&[
        ("a", "1", &["x"]),
        ("b", "2", &["y"]),
        ("c", "3", &["x"]),
        ("d", "4", &["y"]),
    ]);
    w.sync(items(&[("a", "1")]));
    // It waits for `x`, and so does not hold `y` meanwhile.
    w.sync(items(&[("c", "3"), ("d", "4")]));
    w.sync(items(&[("b", "2")]));
    w.expect("1 start a Manual user\n2 start b Manual user");
    w.run_well(1, &["1"]);
    w.lines.clear();
    list(&mut w, 2, &[with_lanes("2", &["y"])]);
    w.prepared(2);
    w.completed(2);
    w.lines.clear();
    w.exit(2);
    w.expect("3 start c Manual user\n4 start d Manual user");
}

#[test]
fn handlers_of_one_session_take_turns_in_a_lane() {
    let mut w = world(&[("a", "1", &["x"]), ("b", "2", &["x"]), ("c", "3", &["y"])]);
    w.ask(world::request(Scope::Checked, Trigger::Schedule));
    w.lines.clear();
    list(&mut w, 1, &[with_lanes("1", &["x"])]);
    list(&mut w, 2, &[with_lanes("2", &["x"])]);
    list(&mut w, 3, &[with_lanes("3", &["y"])]);
    w.expect("1 list\n1 prepare 1\n2 list\n3 list\n3 prepare 3");
    w.prepared(1);
    w.prepared(3);
    w.expect("2 prepare 2");
    // M-77: nobody synchronizes before all are prepared.
    w.prepared(2);
    w.expect("1 synchronize\n3 synchronize");
    w.completed(1);
    w.expect("1 release\n2 synchronize");
    w.completed(2);
    w.completed(3);
    w.exit(1);
    w.exit(2);
    w.exit(3);
    assert!(w.manager.is_idle());
}

#[test]
fn what_a_fresh_list_adds_is_taken_when_free_and_else_runs_later() {
    let mut w = world(&[("a", "1", &["x"]), ("b", "2", &[]), ("b", "3", &[])]);
    w.sync(items(&[("a", "1")]));
    let both = w.sync(items(&[("b", "2"), ("b", "3")]));
    w.lines.clear();
    list(&mut w, 1, &[with_lanes("1", &["x"])]);
    list(
        &mut w,
        2,
        &[with_lanes("2", &["x"]), with_lanes("3", &["y"])],
    );
    w.expect("1 list\n1 prepare 1\n2 list\n2 prepare 3");
    assert!(
        w.manager
            .taken()
            .any(|(lane, by)| by.0 == 2 && lane.as_str() == "y")
    );
    w.prepared(2);
    w.completed(2);
    w.exit(2);
    // Who named it is told that it is not done yet.
    assert_eq!(w.outcome(both), Some(RequestOutcome::Warnings));
    let (_, _, note) = w.ended.iter().find(|(id, ..)| *id == both).unwrap();
    assert_eq!(
        note.as_deref(),
        Some("2: it runs later, when the lane x is free")
    );
    w.lines.clear();
    w.prepared(1);
    w.completed(1);
    w.exit(1);
    assert!(
        w.lines.concat().contains("3 start b Manual"),
        "{:?}",
        w.lines
    );
}

#[test]
fn a_policy_replaces_lanes_and_takes_them_away() {
    let mut w = world(&[("a", "1", &["x"]), ("b", "2", &["x"]), ("c", "3", &[])]);
    let policy = |item: &str, lanes: &[&str]| Policy {
        items: vec![Select::named(item)],
        lanes: Some(lane::read(lanes.iter().copied())),
        ..Policy::default()
    };
    w.sync(items(&[("a", "1")]));
    w.sync(items(&[("b", "2")]));
    w.expect("1 start a Manual user");
    w.input(Input::Policies(vec![policy("b", &[]), policy("c", &["X"])]));
    w.expect("2 start b Manual user"); // it is in nobody's way any more
    w.sync(items(&[("c", "3")]));
    w.expect("");
    let lanes: Vec<Lane> = w.manager.lanes(&at("c", "3")).cloned().collect();
    assert_eq!(lanes, [Lane::new("x").unwrap()]);
    w.input(Input::Policies(Vec::new()));
    w.expect("3 start c Manual user");
}

#[test]
fn what_somebody_outside_works_on_is_waited_for() {
    let mut w = world(&[("a", "1", &["x"]), ("b", "2", &["x"])]);
    let session = w.manager.next_session();
    w.input(Input::External(syncmgr_core::input::ExternalInput::Open {
        session,
        handler: handler("a"),
        items: vec![world::id("1")],
        within: None,
    }));
    w.sync(items(&[("b", "2")]));
    w.expect("");
    w.input(Input::External(syncmgr_core::input::ExternalInput::Close(
        session,
    )));
    w.expect("2 start b Manual user");
}

#[test]
fn a_handler_works_on_as_many_sessions_as_its_policy_says() {
    for (parallel, started) in [(None, 4), (Some(1), 1), (Some(3), 3)] {
        let mut w = world(&[
            ("a", "1", &[]),
            ("a", "2", &[]),
            ("a", "3", &[]),
            ("a", "4", &[]),
        ]);
        w.input(Input::Policies(vec![Policy {
            items: vec![Select::named("a")],
            parallel,
            ..Policy::default()
        }]));
        w.sync(Scope::Handler(handler("a")));
        w.hear(
            1,
            InstanceInput::Initialized(facts(&[HandlerCapability::ConcurrentSessions])),
        );
        w.listed(1, &["1", "2", "3", "4"]);
        w.prepared(1);
        w.completed(1);
        w.exit(1);
        w.commands.clear();
        for item in ["1", "2", "3", "4"] {
            w.sync(items(&[("a", item)]));
        }
        // One begins after the other: each lists before the next is started.
        let mut working = 0;
        while let Some(command) = w.commands.pop_front() {
            if let Command::Start { instance, .. } = command {
                working += 1;
                w.hear(
                    instance.0,
                    InstanceInput::Initialized(facts(&[HandlerCapability::ConcurrentSessions])),
                );
                w.listed(instance.0, &["1", "2", "3", "4"]);
            }
        }
        assert_eq!(working, started, "{parallel:?}");
    }
}

#[test]
fn what_waits_for_a_lane_keeps_nobody_from_a_handler_that_takes_several() {
    let concurrent = || InstanceInput::Initialized(facts(&[HandlerCapability::ConcurrentSessions]));
    let known: [(&str, &str, &[&str]); 4] = [
        ("a", "1", &["x"]),
        ("a", "2", &["x"]),
        ("a", "3", &["y"]),
        ("a", "4", &["x", "z"]),
    ];
    let mut w = world(&known);
    let begin = |w: &mut World, instance| {
        w.hear(instance, concurrent());
        let items = known.iter().map(|(_, item, lanes)| with_lanes(item, lanes));
        w.hear(
            instance,
            InstanceInput::ItemsListed {
                items: items.collect(),
                incomplete: false,
            },
        );
    };
    w.sync(items(&[("a", "1")]));
    begin(&mut w, 1);
    w.prepared(1);
    let waits = w.sync(items(&[("a", "2")]));
    // Nothing of it is kept for what waits for the lane x, however often it is overtaken.
    for instance in 2..20 {
        w.sync(items(&[("a", "3")]));
        w.lines.clear();
        begin(&mut w, instance);
        w.expect(&format!("{instance} list\n{instance} prepare 3"));
        w.prepared(instance);
        w.completed(instance);
        w.exit(instance);
    }
    assert_eq!(w.outcome(waits), None);
    // But its lane is kept: who came later and wants it waits behind it.
    w.sync(items(&[("a", "4")]));
    w.lines.clear();
    w.completed(1);
    w.exit(1);
    begin(&mut w, 20);
    assert!(
        w.lines.contains(&"20 prepare 2".to_owned()),
        "{:?}",
        w.lines
    );
    assert!(
        !w.lines.iter().any(|line| line.starts_with("21 ")),
        "{:?}",
        w.lines
    );
}

#[test]
fn what_waits_goes_by_priority_and_persons_first() {
    let names = ["busy", "low", "none", "high", "person"];
    let mut w = World::with(
        Settings {
            parallel_handlers: 1,
            ..Settings::default()
        },
        &names,
    );
    for name in names {
        w.input(Input::ItemDefined(handler(name), listed("1")));
    }
    let policy = |item: &str, priority| Policy {
        items: vec![Select::named(item)],
        priority: Some(priority),
        ..Policy::default()
    };
    w.input(Input::Policies(vec![policy("low", -5), policy("high", 5)]));
    w.sync(items(&[("busy", "1")]));
    for name in ["low", "none", "high"] {
        w.ask(world::request(items(&[(name, "1")]), Trigger::Schedule));
    }
    w.sync(items(&[("person", "1")]));
    w.lines.clear();
    let mut order = Vec::new();
    for instance in 1..=5 {
        w.run_well(instance, &["1"]);
        order.extend(
            w.lines
                .drain(..)
                .filter(|line| line.contains("start"))
                .map(|line| line.split(' ').nth(2).unwrap().to_owned()),
        );
    }
    assert_eq!(order, ["person", "high", "none", "low"]);
}

/// A load of requests with random items, lanes, lengths, priorities and askers.
struct Load {
    w: World,
    random: u64,
    seed: u64,
    /// Instances at work, with the rounds that they still take.
    working: BTreeMap<u64, u32>,
    /// Requests that wait: how many waited before them, and how many sessions were opened since.
    waiting: BTreeMap<RequestId, (usize, usize)>,
    longest: usize,
}

const HANDLERS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const LANES: [&str; 5] = ["x", "y", "/z", "/z/1", "/z/2"];
const ROUNDS: u32 = 4;
const PARALLEL: usize = 3;

impl Load {
    fn new(seed: u64) -> Self {
        let mut load = Self {
            w: World::with(
                Settings {
                    parallel_handlers: PARALLEL,
                    ..Settings::default()
                },
                &HANDLERS,
            ),
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            seed,
            working: BTreeMap::new(),
            waiting: BTreeMap::new(),
            longest: 0,
        };
        for name in HANDLERS {
            for item in ["1", "2"] {
                let item = load.item(item);
                load.w.input(Input::ItemDefined(handler(name), item));
            }
        }
        let policies = HANDLERS.map(|name| Policy {
            items: vec![Select::named(name)],
            priority: Some(i8::try_from(load.below(21)).unwrap() - 10),
            ..Policy::default()
        });
        load.w.input(Input::Policies(policies.to_vec()));
        load
    }

    fn below(&mut self, most: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % most
    }

    /// An item in some lanes, which change from list to list.
    fn item(&mut self, item: &str) -> ListedItem {
        let some: Vec<&str> = LANES.into_iter().filter(|_| self.below(4) == 0).collect();
        with_lanes(item, &some)
    }

    fn ask(&mut self) {
        let count = 1 + self.below(4);
        let wanted: Vec<_> = (0..count)
            .map(|_| {
                let name = HANDLERS[usize::try_from(self.below(6)).unwrap()];
                at(name, ["1", "2"][usize::try_from(self.below(2)).unwrap()])
            })
            .collect();
        let trigger = [Trigger::Manual, Trigger::Schedule, Trigger::FileChange]
            [usize::try_from(self.below(3)).unwrap()];
        let before = self.w.manager.queue().count();
        let id = self.w.ask(world::request(Scope::Items(wanted), trigger));
        if self.w.manager.queue().any(|waiting| waiting.id == id) {
            self.waiting.insert(id, (before, 0));
        }
        self.serve();
    }

    fn serve(&mut self) {
        while let Some(command) = self.w.commands.pop_front() {
            match command {
                Command::Start { instance, .. } => {
                    self.w
                        .hear(instance.0, InstanceInput::Initialized(facts(&[])));
                }
                Command::ListItems(instance) => {
                    let items = vec![self.item("1"), self.item("2")];
                    self.w.hear(
                        instance.0,
                        InstanceInput::ItemsListed {
                            items,
                            incomplete: false,
                        },
                    );
                }
                Command::Prepare { instance, .. } => self.w.prepared(instance.0),
                Command::Synchronize(instance) => {
                    let rounds = u32::try_from(self.below(u64::from(ROUNDS))).unwrap();
                    self.working.insert(instance.0, rounds);
                    self.w
                        .hear(instance.0, InstanceInput::SynchronizeReturned(Began::Yes));
                }
                Command::Release(instance) => self.w.exit(instance.0),
                _ => {}
            }
            self.hold();
        }
    }

    /// What must always hold.
    fn hold(&mut self) {
        let seed = self.seed;
        // No two sessions in one lane, nor in folders within one another.
        let session_of: BTreeMap<_, _> = self
            .w
            .manager
            .sessions()
            .flat_map(|session| {
                let id = session.id;
                session.instances.into_iter().map(move |i| (i.id, id))
            })
            .collect();
        let taken: Vec<_> = self.w.manager.taken().collect();
        for (lane, by) in &taken {
            for (other, whose) in &taken {
                let within = other.as_str() == lane.as_str()
                    || other.as_str().starts_with(&format!("{lane}/")) && lane.as_str() == "/z";
                let one = session_of.get(by) == session_of.get(whose);
                assert!(!within || one, "seed {seed}: {lane} and {other} at once");
            }
        }
        // Within a session, those that share a lane take turns.
        for instance in self.working.keys() {
            for other in self.working.keys() {
                let of = |id: u64| taken.iter().filter(move |(_, by)| by.0 == id);
                let shared = of(*instance).any(|(lane, _)| of(*other).any(|(l, _)| l == lane));
                assert!(
                    instance == other || !shared,
                    "seed {seed}: {instance} and {other} work in one lane"
                );
            }
        }
        assert!(
            self.w.manager.sessions().count() <= PARALLEL.max(1) + 1,
            "seed {seed}: more at once than allowed"
        );
        self.count_sessions();
    }

    /// Every waiting request starts before a bounded number of sessions were opened since it came: those for requests
    /// that came before it, those that may overtake it, and what works and frees what it needs.
    fn count_sessions(&mut self) {
        let opened = self
            .w
            .records
            .drain(..)
            .filter(|record| {
                matches!(record, syncmgr_core::Record::Session(row) if row.closed.is_none())
            })
            .count();
        let queue: Vec<RequestId> = self.w.manager.queue().map(|waiting| waiting.id).collect();
        self.waiting.retain(|id, _| queue.contains(id));
        let most = usize::try_from(MAX_OVERTAKEN).unwrap() + 2 * PARALLEL * ROUNDS as usize;
        for (id, (before, since)) in &mut self.waiting {
            *since += opened;
            self.longest = self.longest.max(*since);
            assert!(
                *since <= *before + most,
                "seed {}: request {id} waits since {since} sessions, and {before} came before it",
                self.seed
            );
        }
    }

    fn round(&mut self) {
        let done: Vec<u64> = self
            .working
            .iter_mut()
            .filter_map(|(instance, rounds)| {
                *rounds = rounds.saturating_sub(1);
                (*rounds == 0).then_some(*instance)
            })
            .collect();
        for instance in done {
            self.working.remove(&instance);
            self.w.hear(
                instance,
                InstanceInput::SynchronizeCompleted(Completed::Done),
            );
            self.serve();
        }
    }
}

#[test]
fn nothing_starves_nothing_deadlocks_and_no_lane_has_two() {
    let mut longest = 0;
    for seed in 1..=12 {
        let mut load = Load::new(seed);
        for _ in 0..300 {
            for _ in 0..load.below(3) {
                load.ask();
            }
            load.w.now = load.w.now.plus(std::time::Duration::from_secs(1));
            load.round();
        }
        longest = longest.max(load.longest);
        // Nothing more comes: everything ends.
        for _ in 0..4_000 {
            if load.w.manager.is_idle() {
                break;
            }
            load.round();
        }
        assert!(
            load.w.manager.is_idle(),
            "seed {seed}: {:?}",
            load.w.manager.queue().collect::<Vec<_>>()
        );
    }
    assert!(longest > 0, "nobody ever waited");
}
