//! A simulated year of a laptop: it sleeps, travels, runs flat and loses its network; people ask for things, one by one and in
//! a rush; handlers fail, hang, take too long and come no further. Whatever happens, nothing runs twice at once, nobody works
//! in the lane of another, no more works at once than may, persons go first and nothing starves, what was missed is caught up
//! once, and every item is fresh whenever its conditions allowed it. Seeded; a failure names its seed.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod laptop;
mod promises;
#[path = "../world/mod.rs"]
mod world;

use std::collections::BTreeSet;
use std::time::Duration;

use syncmgr_core::condition::Condition;
use syncmgr_core::policy::Policy;
use syncmgr_core::queue::MAX_OVERTAKEN;
use syncmgr_core::rule::{Cause, Lost, Rule, Select};
use syncmgr_core::schedule::Schedule;

use laptop::Laptop;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// 2026-01-01T00:00:00Z, and a year of it: both changes of the clocks lie within.
const BEGIN: i64 = 1_767_225_600_000;
const ZONE: &str = "Europe/Berlin";

/// An item: its handler, its name, its lanes.
const ITEMS: [(&str, &str, &[&str]); 7] = [
    ("mail", "inbox", &["server"]),
    ("mail", "sent", &["server"]),
    ("folder", "notes", &["/home/notes", "/disk/notes"]),
    ("folder", "photos", &["/home/photos", "/disk/photos"]),
    ("folder", "music", &["/home/music", "/disk"]),
    ("backup", "home", &["/home"]),
    ("index", "files", &["server"]),
];
const HANDLERS: [&str; 4] = ["mail", "folder", "backup", "index"];
/// It works on several sessions at once, as many as this.
const SEVERAL: (&str, usize) = ("folder", 2);
/// So many handlers work at once.
const PARALLEL: usize = 3;
/// The longest that photos may take.
const LIMIT: Duration = Duration::from_secs(2 * 3600);
/// After so many runs in a row that came to the same place, the index is stuck.
const STUCK: u32 = 3;

/// What comes by the clock, and what must hold for it.
const DUE: [(&str, &str, &str); 3] = [
    ("folder", "notes", "every weekday at 18:30"),
    ("folder", "music", "every sunday at 12:00"),
    ("backup", "home", "daily at 02:00"),
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
        repeat: Some(Duration::from_secs(4 * 60 * 60)),
        stop_on_return: false,
        on_battery: false,
    };
    let after = Cause::After {
        item: Select::named("inbox"),
        changed: false,
    };
    let mut rules = vec![
        rule(
            "often",
            "inbox",
            schedule("every 4h"),
            vec![Condition::AnyNetwork],
        ),
        rule("then", "sent", after, Vec::new()),
        rule("came", "notes", Cause::Connect(None), Vec::new()),
        rule("rest", "photos", idle, Vec::new()),
        rule(
            "index",
            "files",
            schedule("every 5h"),
            vec![Condition::NotRunning(Select::named("home"))],
        ),
    ];
    for (_, item, due) in DUE {
        let when = match item {
            "home" => vec![Condition::UnmeteredNetwork, mains.clone()],
            _ => Vec::new(),
        };
        rules.push(Rule {
            lost: if item == "home" {
                Lost::Stop
            } else {
                Lost::Finish
            },
            ..rule(item, item, schedule(due), when)
        });
    }
    rules
}

fn policies() -> Vec<Policy> {
    let policy = |item: &str| Policy {
        items: vec![Select::named(item)],
        ..Policy::default()
    };
    vec![
        Policy {
            parallel: Some(SEVERAL.1),
            ..policy(SEVERAL.0)
        },
        Policy {
            time_limit: Some(LIMIT),
            ..policy("photos")
        },
        Policy {
            stuck_after: Some(STUCK),
            priority: Some(-5),
            ..policy("files")
        },
        Policy {
            priority: Some(5),
            ..policy("home")
        },
    ]
}

#[test]
fn a_laptop_lives_through_a_year() {
    let mut longest = 0;
    for seed in 1..=3 {
        let mut laptop = Laptop::new(seed);
        laptop.year();
        let kinds: BTreeSet<&str> = laptop.runs.keys().map(String::as_str).collect();
        for kind in [
            "mail Schedule",
            "mail After",
            "mail Retry",
            "mail Manual",
            "folder Schedule",
            "folder CatchUp",
            "folder Connect",
            "folder Idle",
            "folder Manual",
            "backup Schedule",
            "backup CatchUp",
            "index Schedule",
            "index Retry",
        ] {
            let runs = &laptop.runs;
            assert!(kinds.contains(kind), "seed {seed}: no {kind}: {runs:?}");
        }
        // Everything that the promises are about did happen.
        let Laptop {
            ended,
            cut,
            was_stuck,
            beside,
            promises,
            ..
        } = &laptop;
        assert!(*ended > 5, "seed {seed}: {ended} hung");
        assert!(*cut > 3, "seed {seed}: {cut} took too long");
        assert!(*was_stuck > 3, "seed {seed}: {was_stuck} times stuck");
        assert!(
            *beside > 10,
            "seed {seed}: {beside} sessions of one handler beside another"
        );
        longest = longest.max(promises.longest);
        let of_home = ["backup Schedule", "backup CatchUp"];
        let backups: usize = of_home
            .iter()
            .filter_map(|kind| laptop.runs.get(*kind))
            .sum();
        assert!(backups <= 2 * 365, "seed {seed}: {:?}", laptop.runs);
    }
    assert!(
        longest >= MAX_OVERTAKEN,
        "nothing was ever overtaken often: {longest}"
    );
}
