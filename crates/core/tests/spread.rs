//! Jitter: scheduled starts are moved later, the same every day, never past the next time, and none is lost.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod world;

use std::time::Duration;

use syncmgr_core::input::Input;
use syncmgr_core::record::{Record, Remembered};
use syncmgr_core::rule::{Cause, Rule};
use syncmgr_core::schedule::Schedule;
use syncmgr_core::spread::MAX_JITTER;
use syncmgr_core::{Settings, Timestamp};
use world::{World, handler, listed};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

fn rule(on: &[&str], jitter: i64) -> Rule {
    let schedule = |text: &&str| Cause::Schedule(Schedule::parse(text).unwrap());
    Rule {
        jitter: Duration::from_secs(u64::try_from(jitter).unwrap()),
        ..world::rule("spread", &["A"], on.iter().map(schedule).collect())
    }
}

/// So many seconds after 2026-11-22T00:00:00Z.
fn moment(seconds: i64) -> Timestamp {
    Timestamp((1_795_305_600 + seconds) * 1000)
}

fn settings(seed: u64) -> Settings {
    Settings {
        seed,
        ..Settings::default()
    }
}

/// A manager that begins now, and that looked at the rule before, if at all, up to a time of that day.
fn world(seed: u64, considered: Option<i64>, now: i64) -> World {
    let rules = considered.map(|seconds| ("spread".to_owned(), moment(seconds)));
    let mut w = World::remembering(
        settings(seed),
        Remembered {
            rules: rules.into_iter().collect(),
            ..Remembered::default()
        },
    );
    w.now = moment(now);
    w.input(Input::HandlerRegistered {
        id: handler("h"),
        description: "h".to_owned(),
    });
    w.input(Input::ItemDefined(handler("h"), listed("A")));
    w.lines.clear();
    w
}

fn next(w: &World) -> Option<Timestamp> {
    w.manager.rules().next().unwrap().1
}

fn go_to(w: &mut World, at: Timestamp) {
    w.now = at;
    w.input(Input::Tick);
}

fn starts(w: &mut World) -> Vec<String> {
    let lines = std::mem::take(&mut w.lines);
    let is_start = |line: &String| line.contains(" start ");
    lines.into_iter().filter(is_start).collect()
}

#[test]
fn a_start_is_moved_by_the_same_part_every_day_and_differs_between_machines() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..20 {
        let mut w = world(seed, None, HOUR);
        w.input(Input::Rules(vec![rule(&["daily at 02:00"], 10 * MINUTE)]));
        let start = next(&w).unwrap();
        assert!(moment(2 * HOUR) <= start && start <= moment(2 * HOUR + 10 * MINUTE));
        seen.insert(start.0);
        // At the time itself nothing starts, and neither does it when the configuration is read again then.
        go_to(&mut w, moment(2 * HOUR));
        w.input(Input::Rules(vec![rule(&["daily at 02:00"], 10 * MINUTE)]));
        assert_eq!(next(&w), Some(start));
        assert_eq!(starts(&mut w), [""; 0]);
        go_to(&mut w, start);
        assert_eq!(starts(&mut w), ["1 start h Schedule"]);
        let day = 24 * HOUR * 1000;
        assert_eq!(next(&w), Some(Timestamp(start.0 + day)));
        let item = world::at("h", "A");
        let coming = w.manager.coming(&item, start, Timestamp(start.0 + 2 * day));
        let coming: Vec<i64> = coming.iter().map(|start| start.at.0).collect();
        assert_eq!(coming, [start.0 + day, start.0 + 2 * day]);
    }
    assert!(seen.len() >= 15, "{seen:?}");
}

#[test]
fn no_start_reaches_the_next_time_and_none_is_lost() {
    for (on, times) in [
        (&["*:0/5"][..], 12),
        (&["hourly", "*:0/20"][..], 3),
        (&["*:10", "*:12"][..], 2),
    ] {
        for seed in 0..10 {
            let mut w = world(seed, None, HOUR + 1);
            w.input(Input::Rules(vec![rule(on, 24 * HOUR)]));
            let mut begun = Vec::new();
            for run in 1..=times {
                let start = next(&w).unwrap();
                go_to(&mut w, start);
                assert!(starts(&mut w)[0].ends_with("start h Schedule"), "{on:?}");
                w.run_well(run, &["A"]);
                starts(&mut w);
                begun.push(start);
            }
            begun.dedup();
            assert_eq!(begun.len() as u64, times, "{on:?}");
            assert!(
                *begun.last().unwrap() < moment(3 * HOUR),
                "{on:?} {begun:?}"
            );
        }
    }
}

#[test]
fn an_interval_is_moved_by_less_than_itself() {
    let mut w = world(7, None, HOUR);
    w.input(Input::Rules(vec![rule(&["every 1h"], 24 * HOUR)]));
    let start = next(&w).unwrap();
    assert!(moment(2 * HOUR) <= start && start < moment(3 * HOUR));
    go_to(&mut w, start);
    w.run_well(1, &["A"]);
    let again = next(&w).unwrap();
    assert_eq!(again.0 - start.0, start.0 - moment(HOUR).0); // as long from the end of the run
}

#[test]
fn what_was_missed_is_caught_up_a_part_later_once() {
    let nightly = || rule(&["daily at 02:00", "daily at 03:00"], 30 * MINUTE);
    let mut w = world(3, Some(HOUR), 8 * HOUR);
    w.input(Input::Rules(vec![nightly()]));
    assert_eq!(starts(&mut w), [""; 0]);
    let start = next(&w).unwrap();
    assert!(moment(8 * HOUR) < start && start <= moment(8 * HOUR + 30 * MINUTE));
    // Another zone is looked up in between; it does not wait anew.
    go_to(&mut w, Timestamp(start.0 - 1));
    w.input(Input::Zone(
        syncmgr_core::schedule::Zone::named("Iceland").unwrap(),
    ));
    assert_eq!(next(&w), Some(start));
    assert_eq!(starts(&mut w), [""; 0]);
    // Asleep when it was due: then at once.
    go_to(&mut w, Timestamp(start.0 + 3_600_000));
    assert_eq!(starts(&mut w), ["1 start h CatchUp"]);
    let told = |record: &Record| {
        matches!(record, Record::Log(row) if row.text == "spread: caught up for 2026-11-22 02:00"
            || row.text == "spread: caught up for 2026-11-22 03:00")
    };
    assert_eq!(w.records.iter().filter(|record| told(record)).count(), 1);
    w.run_well(1, &["A"]);
    starts(&mut w);
    go_to(&mut w, moment(24 * HOUR));
    assert_eq!(starts(&mut w), [""; 0]);
}

#[test]
fn a_daemon_that_begins_between_a_time_and_its_start_keeps_it() {
    for catch_up in [0, 86_400] {
        let mut nightly = rule(&["daily at 02:00"], 10 * MINUTE);
        nightly.catch_up = Duration::from_secs(catch_up);
        let mut before = world(5, None, HOUR);
        before.input(Input::Rules(vec![nightly.clone()]));
        let start = next(&before).unwrap();
        assert!(start > moment(2 * HOUR + 1));
        let mut w = world(5, Some(HOUR), 2 * HOUR + 1);
        w.input(Input::Rules(vec![nightly]));
        assert_eq!(next(&w), Some(start), "{catch_up}");
        go_to(&mut w, start);
        assert_eq!(starts(&mut w), ["1 start h Schedule"], "{catch_up}");
    }
}

#[test]
fn more_than_a_day_is_taken_as_a_day() {
    let mut w = world(1, None, HOUR);
    let mut yearly = rule(&["yearly"], 0);
    yearly.jitter = Duration::MAX;
    w.input(Input::Rules(vec![yearly]));
    let (rule, start) = w.manager.rules().next().unwrap();
    assert_eq!(rule.jitter, MAX_JITTER);
    let year = rule.schedules().next().unwrap();
    let year = year
        .next_after(moment(HOUR), &syncmgr_core::schedule::Zone::utc())
        .unwrap();
    assert!(start.unwrap().since(year) <= MAX_JITTER);
}
