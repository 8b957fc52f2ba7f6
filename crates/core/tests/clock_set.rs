//! A clock that is set, ten years either way: nothing waits for ten years, nothing starts again and again, and nothing is told
//! to be old that is not.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod world;

use std::time::Duration;

use syncmgr_core::clock_set::CLOCK_SET;
use syncmgr_core::condition::{Condition, Fact};
use syncmgr_core::freshness::{Freshness, freshness};
use syncmgr_core::input::{Began, Input, InstanceInput, Progress, Prompt};
use syncmgr_core::item::{Failure, ItemStatus};
use syncmgr_core::need::{Choice, NeedKind};
use syncmgr_core::policy::Policy;
use syncmgr_core::record::{PauseScope, Record, Remembered};
use syncmgr_core::rule::{Cause, Rule};
use syncmgr_core::schedule::Schedule;
use syncmgr_core::telling::Telling;
use syncmgr_core::{Settings, Timestamp};
use world::{World, at, handler, id};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const TEN_YEARS: i64 = 3653 * DAY;
/// 2026-11-22, 00:00:00 UTC.
const BEGINNING: Timestamp = Timestamp(1_795_305_600_000);

/// Every way in which a clock is set: far, a little, and just enough to matter.
const SETS: [i64; 8] = [
    -TEN_YEARS,
    -2 * DAY,
    -HOUR,
    -10 * SECOND,
    10 * SECOND,
    HOUR,
    2 * DAY,
    TEN_YEARS,
];

fn span(millis: i64) -> Duration {
    Duration::from_millis(millis.unsigned_abs())
}

fn rule(item: &str, on: Cause) -> Rule {
    Rule {
        catch_up: span(DAY),
        ..world::rule(&format!("rule of {item}"), &[item], vec![on])
    }
}

fn schedule(text: &str) -> Cause {
    Cause::Schedule(Schedule::parse(text).unwrap())
}

/// A machine that is left alone: D runs again and again, and something overlaps with that now and then.
fn idle() -> World {
    let mut w = World::defined(&[("h", &["A"]), ("d", &["D"])]);
    w.now = BEGINNING;
    w.input(Input::ClockSet { by_ms: 0 });
    let idle = Cause::Idle {
        after: span(20 * MINUTE),
        repeat: Some(span(3 * HOUR)),
        stop_on_return: false,
        on_battery: true,
    };
    w.input(Input::Rules(vec![
        rule("A", schedule("every 45 minutes")),
        rule("D", idle),
    ]));
    w.input(Input::Facts(vec![Fact::Idle { since: Some(w.now) }]));
    w
}

/// Something of everything else that lasts: A is due again and again, B fails and is tried again, C is paused, E asks a
/// question with a deadline, F is silent, G takes too long.
fn busy() -> World {
    let mut w = World::defined(&[("h", &["A"]), ("b", &["B"]), ("c", &["C"])]);
    for (of, item) in [("e", "E"), ("f", "F"), ("g", "G")] {
        w.input(Input::HandlerRegistered {
            id: handler(of),
            description: of.to_owned(),
        });
        w.input(Input::ItemDefined(handler(of), world::listed(item)));
    }
    w.now = BEGINNING;
    w.input(Input::ClockSet { by_ms: 0 });
    let mut held = rule("C", schedule("every 40 minutes"));
    held.when = vec![Condition::IdleFor(span(10 * MINUTE))];
    w.input(Input::Rules(vec![
        rule("A", schedule("every 50 minutes")),
        held,
    ]));
    w.input(Input::Policies(vec![Policy {
        name: "limits".to_owned(),
        time_limit: Some(span(2 * HOUR)),
        ..Policy::default()
    }]));
    w.input(Input::Telling(Telling {
        ping: Some(("https://m".to_owned(), span(25 * MINUTE))),
        ..Telling::default()
    }));
    w.input(Input::Pause {
        scope: PauseScope::Item(at("c", "C")),
        until: Some(w.now.plus(span(90 * MINUTE))),
    });
    w.input(Input::Facts(vec![Fact::Idle { since: Some(w.now) }]));
    for (of, item) in [("b", "B"), ("e", "E"), ("f", "F"), ("g", "G")] {
        w.sync(syncmgr_core::request::Scope::Items(vec![at(of, item)]));
    }
    w
}

/// Whatever was started does what its handler does.
fn play(w: &mut World, seen: &mut usize) {
    while *seen < w.lines.len() {
        let line = w.lines[*seen].clone();
        *seen += 1;
        let mut words = line.split(' ');
        let (Some(Ok(instance)), Some("start"), Some(of)) =
            (words.next().map(str::parse), words.next(), words.next())
        else {
            continue;
        };
        let item = if of == "h" {
            "A".to_owned()
        } else {
            of.to_uppercase()
        };
        w.list(instance, &[&item]);
        w.prepared(instance);
        match of {
            "b" => w.hear(instance, failed(&item)),
            "e" => w.hear(instance, question(&item)),
            "f" | "g" => {
                w.hear(instance, InstanceInput::SynchronizeReturned(Began::Yes));
                w.report(instance, &item, ItemStatus::Updating);
                continue;
            }
            _ => {}
        }
        w.completed(instance);
        w.exit(instance);
    }
}

fn failed(item: &str) -> InstanceInput {
    InstanceInput::Progress(
        Progress {
            item: Some(id(item)),
            status: Some(ItemStatus::Failed),
            text: Some("the server is full".to_owned()),
            failure: Some(Failure::Soft),
            ..Progress::default()
        },
        None,
    )
}

fn question(item: &str) -> InstanceInput {
    let choice = |name: &str| Choice {
        name: name.to_owned(),
        label: name.to_owned(),
    };
    InstanceInput::Prompt {
        reply: syncmgr_core::command::ReplyId(1),
        prompt: Prompt {
            item: Some(id(item)),
            key: "which".to_owned(),
            kind: NeedKind::Prompt,
            text: "which of both".to_owned(),
            detail: None,
            choices: vec![choice("one"), choice("other")],
            default: Some("one".to_owned()),
            fields: None,
            deadline: Some(span(100 * MINUTE)),
            durable: true,
            context: String::new(),
            wrong: false,
        },
    }
}

/// Lives through twelve hours in which the clock is set at these moments by so much; every line with the real time at which
/// it came. `measured`: somebody tells by how much.
fn live(make: fn() -> World, sets: &[(i64, i64)], measured: bool) -> (Vec<(i64, String)>, World) {
    let mut w = make();
    let (mut elapsed, mut offset, mut seen, mut told) = (0_i64, 0_i64, 0, 0);
    let mut lines = Vec::new();
    let mut sets = sets.iter().copied().peekable();
    let mut steps = 0;
    loop {
        play(&mut w, &mut seen);
        lines.extend(w.lines[told..].iter().map(|line| (elapsed, line.clone())));
        told = w.lines.len();
        steps += 1;
        assert!(steps < 2_000, "it spins: {:?}", &lines[lines.len() - 20..]);
        let due = w.manager.next_deadline();
        let due = due.map_or(i64::MAX, |due| due.0 - offset - BEGINNING.0);
        if let Some((at, by)) = sets.next_if(|(at, _)| *at <= due) {
            // Until then nothing was due.
            elapsed = at;
            w.now = Timestamp(BEGINNING.0 + elapsed + offset);
            w.input(Input::Tick);
            offset += by;
            w.now = Timestamp(w.now.0 + by);
            w.input(if measured {
                Input::ClockSet { by_ms: by }
            } else {
                Input::Tick
            });
            continue;
        }
        if due > 12 * HOUR {
            return (lines, w);
        }
        elapsed = elapsed.max(due);
        w.now = Timestamp(BEGINNING.0 + elapsed + offset);
        w.input(Input::Tick);
    }
}

#[track_caller]
fn same(got: &[(i64, String)], expected: &[(i64, String)], when: &str) {
    let first = got.iter().zip(expected).find(|(one, other)| one != other);
    assert_eq!(first, None, "{when}");
    assert_eq!(got.len(), expected.len(), "{when}");
}

fn lasts_through_sets(make: fn() -> World, wants: &[&str]) {
    let (expected, _) = live(make, &[], true);
    for wanted in wants {
        let count = expected
            .iter()
            .filter(|(_, line)| line.contains(*wanted))
            .count();
        assert!(count > 0, "{wanted}: {expected:#?}");
    }
    for by in SETS {
        for moment in [0, 5, 31, 89, 95, 101, 119, 200, 431] {
            let moment = moment * MINUTE + 1;
            let (got, w) = live(make, &[(moment, by)], true);
            same(&got, &expected, &format!("set by {by} after {moment}"));
            let told = w.records.iter().filter(
                |record| matches!(record, Record::Log(row) if row.text.contains("the clock was set")),
            );
            assert_eq!(told.count(), 1);
            let (got, _) = live(make, &[(moment, by), (moment + 7 * MINUTE, -by)], true);
            same(
                &got,
                &expected,
                &format!("set by {by} after {moment} and back"),
            );
            // Nobody measured it: what goes back is seen all the same.
            if by < 0 {
                let (got, _) = live(make, &[(moment, by)], false);
                same(
                    &got,
                    &expected,
                    &format!("went back by {by} after {moment}"),
                );
            }
        }
    }
}

#[test]
fn a_clock_that_is_set_changes_nothing_of_what_lasts() {
    lasts_through_sets(
        busy,
        &[
            "h Schedule",
            "b Retry",
            "c Schedule",
            "pulse",
            "item-status",
        ],
    );
}

#[test]
fn a_clock_that_is_set_changes_nothing_of_idleness() {
    lasts_through_sets(idle, &["h Schedule", "d Idle"]);
}

#[test]
fn an_item_is_as_fresh_as_before() {
    for by in SETS {
        let mut w = World::defined(&[("h", &["A", "B"])]);
        w.now = BEGINNING;
        w.input(Input::ClockSet { by_ms: 0 });
        for item in ["A", "B"] {
            w.input(Input::ItemPreferences {
                item: at("h", item),
                labels: Vec::new(),
                checked: None,
                expected_freshness: Some(span(3 * HOUR)),
            });
        }
        w.sync(syncmgr_core::request::Scope::Items(vec![at("h", "A")]));
        w.run_well(1, &["A", "B"]);
        w.pass(HOUR / SECOND);
        w.records.clear();
        w.now = Timestamp(w.now.0 + by);
        w.input(Input::ClockSet { by_ms: by });
        let of = |w: &World| freshness(w.manager.item(&at("h", "A")).unwrap(), w.now);
        assert_eq!(of(&w), Freshness::Fresh, "{by}");
        let good = w.manager.item(&at("h", "A")).unwrap().last_good.unwrap();
        assert_eq!(w.now.since(good), span(HOUR), "{by}");
        // One record, however many items there are.
        let moved = w
            .records
            .iter()
            .filter(|record| matches!(record, Record::ClockSet { .. }));
        assert_eq!(moved.count(), 1);
        assert!(
            !w.records
                .iter()
                .any(|record| matches!(record, Record::Item(_)))
        );
        w.pass(2 * HOUR / SECOND + 1);
        assert_eq!(of(&w), Freshness::Late, "{by}");
    }
}

#[test]
fn calendars_follow_the_new_time_once() {
    for by in SETS {
        let mut w = World::defined(&[("h", &["A"])]);
        w.now = BEGINNING;
        w.input(Input::ClockSet { by_ms: 0 });
        w.input(Input::Rules(vec![rule("A", schedule("daily at 06:00"))]));
        w.now = Timestamp(w.now.0 + 12 * HOUR);
        w.lines.clear();
        w.input(Input::Tick); // six hours late
        w.run_well(1, &["A"]);
        w.lines.clear();
        w.now = Timestamp(w.now.0 + by);
        w.input(Input::ClockSet { by_ms: by });
        let starts = |w: &World| w.lines.iter().filter(|line| line.contains("start")).count();
        // What was due meanwhile is made up for at most once.
        let missed = usize::from(by >= DAY);
        assert_eq!(starts(&w), missed, "{by}: {:?}", w.lines);
        if missed > 0 {
            w.run_well(2, &["A"]);
        }
        w.lines.clear();
        // And within a day of the new time it is due again, but for what was just run.
        let next = w.manager.next_deadline().unwrap();
        let most = if (-DAY..0).contains(&by) {
            DAY - by
        } else {
            DAY
        };
        assert!(
            next.since(w.now) <= span(most),
            "{by}: {next:?} at {:?}",
            w.now
        );
        w.now = next;
        w.input(Input::Tick);
        assert_eq!(starts(&w), 1, "{by}");
    }
}

#[test]
fn a_manager_that_begins_in_its_own_past_waits_for_nothing() {
    // Everything is remembered of a life ten years ahead; the world begins in 1970.
    let (_, before) = live(busy, &[], true);
    let mut remembered = Remembered::default();
    for record in &before.records {
        match record {
            Record::Need(row) => {
                remembered.needs.retain(|need| need.id != row.id);
                remembered.needs.push(row.clone());
            }
            Record::Handler(row) => remembered.handlers.push(row.clone()),
            Record::Pause(row) => remembered.pauses.push(row.clone()),
            Record::RuleSeen { rule, considered } => {
                remembered.rules.retain(|(name, _)| name != rule);
                remembered.rules.push((rule.clone(), *considered));
            }
            _ => {}
        }
    }
    remembered.pauses.truncate(1);
    for item in before.manager.items() {
        remembered
            .handlers
            .push(before.manager.handler(&item.at.handler).unwrap().clone());
        remembered.items.push(item.clone());
    }
    let mut w = World::remembering(Settings::default(), remembered);
    let pause = w.manager.pauses().next().unwrap().clone();
    assert!(pause.since <= w.now && pause.until.unwrap().since(w.now) <= span(90 * MINUTE));
    for item in w.manager.items() {
        assert!(item.since <= w.now && item.last_good.is_none_or(|good| good <= w.now));
    }
    let retry = w.manager.item(&at("b", "B")).unwrap().retry;
    assert!(retry.is_none_or(|retry| retry.due.since(w.now) <= span(2 * HOUR)));
    w.input(Input::Rules(vec![
        rule("A", schedule("every 50 minutes")),
        rule("D", schedule("daily at 06:00")),
    ]));
    let next = w.manager.next_deadline().unwrap();
    assert!(next.since(w.now) <= span(DAY), "{next:?}");
}

#[test]
fn a_second_that_is_shown_twice_changes_nothing_twice() {
    // A leap second, as most machines show it: the clock goes back by a second, or is smeared.
    assert!(CLOCK_SET > Duration::from_secs(1));
    let mut w = World::defined(&[("h", &["A"])]);
    w.now = BEGINNING;
    w.input(Input::ClockSet { by_ms: 0 });
    w.input(Input::Rules(vec![
        rule("A", schedule("daily at 00:00")),
        rule("A", schedule("every 1 h")),
    ]));
    w.lines.clear();
    w.records.clear();
    let midnight = Timestamp(BEGINNING.0 + DAY);
    let mut starts = 0;
    for (step, shown) in [-2000, -1000, 0, 500, -500, 0, 400, 1000]
        .into_iter()
        .enumerate()
    {
        w.now = Timestamp(midnight.0 + shown);
        w.input(if step % 2 == 0 {
            Input::Tick
        } else {
            Input::ClockJumped
        });
        starts += w
            .lines
            .drain(..)
            .filter(|line| line.contains("start"))
            .count();
    }
    assert_eq!(starts, 1);
    assert!(!w.records.iter().any(
        |record| matches!(record, Record::Log(row) if row.text.contains("the clock was set"))
    ));
}
