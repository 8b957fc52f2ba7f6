//! The machine leaves: what works for that moment is asked to stop in time, and is caught up when the machine is back.

#![allow(
    clippy::unwrap_used,
    clippy::unchecked_time_subtraction,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod world;

use std::time::Duration;

use syncmgr_core::input::{Began, Completed, Input, InstanceInput, StopScope};
use syncmgr_core::item::{Held, ItemStatus};
use syncmgr_core::leaving::{BACK_AFTER, Departure, asked_after};
use syncmgr_core::log::Level;
use syncmgr_core::record::{Record, Remembered};
use syncmgr_core::request::{RequestOutcome, Scope, Trigger};
use syncmgr_core::rule::{Cause, Happening, Moment, Rule};
use syncmgr_core::{EventKind, Settings, Timestamp};
use world::{World, at, handler, request};

/// What logind grants, less the margin of its source.
const PATIENCE: Duration = Duration::from_secs(4);

fn rule(moment: Moment, items: &[&str]) -> Rule {
    Rule {
        catch_up: Duration::ZERO,
        ..world::rule(
            &format!("{moment:?}"),
            items,
            vec![Cause::Happening(moment)],
        )
    }
}

/// A world in which `items` of the handler `h` start when the machine sleeps and when the session ends.
fn world(items: &[&str]) -> World {
    let mut w = World::defined(&[("h", items), ("other", &["X"])]);
    w.now = Timestamp(1_795_305_600_000 + 17 * 3_600_000 + 120_000); // 2026-11-22 17:02 UTC
    w.input(Input::Rules(vec![
        rule(Moment::Suspend, items),
        rule(Moment::Logoff, items),
    ]));
    w.records.clear();
    w
}

fn leave(w: &mut World, moment: Moment) {
    w.input(Input::Happened(Happening::Moment(moment)));
    w.input(Input::Leaves(Departure {
        moment,
        within: PATIENCE,
        everything: moment == Moment::Logoff,
    }));
}

fn wait(w: &mut World, span: Duration) {
    w.now = w.now.plus(span);
    w.input(Input::Tick);
}

/// Of item A, what the log says with this level.
fn log(w: &World, wanted: Level) -> Vec<String> {
    w.records
        .iter()
        .filter_map(|record| match record {
            Record::Log(row) if row.level == wanted && row.item.is_some() => Some(row.text.clone()),
            _ => None,
        })
        .collect()
}

fn held(w: &World, item: &str) -> Option<Held> {
    w.manager.item(&at("h", item)).unwrap().held
}

fn starts(w: &mut World) -> Vec<String> {
    let lines = std::mem::take(&mut w.lines);
    let starts = lines.into_iter().filter(|line| line.contains(" start "));
    starts.collect()
}

#[test]
fn who_works_is_asked_to_stop_before_the_time_is_over_and_caught_up_when_the_machine_is_back() {
    let mut w = world(&["A"]);
    let began = w.now;
    leave(&mut w, Moment::Suspend);
    w.list(1, &["A"]);
    w.prepared(1);
    w.hear(1, InstanceInput::SynchronizeReturned(Began::Yes));
    w.lines.clear();
    let until = asked_after(PATIENCE);
    assert_eq!(w.manager.next_deadline(), Some(began.plus(until)));
    wait(&mut w, until - Duration::from_millis(1));
    w.expect("");
    assert!(!w.manager.lets_leave());
    wait(&mut w, Duration::from_millis(1));
    w.expect("1 item-status * CancelAll");
    // It is not finished yet, but nobody may be there to write that down later.
    let since = began;
    let trigger = Trigger::Suspend;
    assert_eq!(held(&w, "A"), Some(Held { trigger, since }));
    assert_eq!(
        log(&w, Level::Warning),
        ["A: not finished, because the machine is about to sleep; it is caught up afterwards"]
    );
    assert!(!w.manager.lets_leave());
    w.hear(1, InstanceInput::SynchronizeCompleted(Completed::Cancelled));
    assert!(w.manager.lets_leave());
    assert_eq!(w.results(), "A Stopped");
    let finished = |event: &&EventKind| matches!(event, EventKind::ItemFinished { status, .. } if *status == ItemStatus::Stopped);
    assert_eq!(w.events().filter(finished).count(), 1);
    w.exit(1);
    w.lines.clear();
    let why = w.manager.why(&at("h", "A"), w.now).unwrap();
    assert_eq!(why.waits, Some((Trigger::Suspend, since)));

    // It slept for a night.
    w.now = w.now.plus(Duration::from_secs(8 * 3600));
    w.input(Input::ClockJumped);
    w.input(Input::Back);
    assert_eq!(starts(&mut w), ["2 start h CatchUp"]);
    assert_eq!(
        log(&w, Level::Information),
        ["A: caught up for the sleep at 2026-11-22 17:02"]
    );
    w.run_well(2, &["A"]);
    assert_eq!(held(&w, "A"), None);
    w.input(Input::Back);
    assert!(starts(&mut w).is_empty());
}

/// Shows M-178: a logoff waits for its session, and goes on when a person stops it.
#[test]
fn a_logoff_waits_for_its_session_and_stop_lets_it_go_on() {
    let mut w = world(&["A"]);
    leave(&mut w, Moment::Logoff);
    w.list(1, &["A"]);
    w.prepared(1);
    w.hear(1, InstanceInput::SynchronizeReturned(Began::Yes));
    assert!(!w.manager.is_idle() && !w.manager.lets_leave(), "it waits");
    w.input(Input::Stop(StopScope::All));
    w.hear(1, InstanceInput::SynchronizeCompleted(Completed::Cancelled));
    w.exit(1);
    assert!(w.manager.is_idle(), "nobody is waited for any more");
}

#[test]
fn a_handler_that_hangs_keeps_nothing() {
    let mut w = world(&["A"]);
    leave(&mut w, Moment::Suspend);
    w.list(1, &["A"]);
    w.prepared(1);
    wait(&mut w, asked_after(PATIENCE));
    assert!(held(&w, "A").is_some());
    // It says nothing for all the time that it may; meanwhile the machine slept, and it goes up its ladder.
    w.input(Input::Back);
    w.lines.clear();
    wait(&mut w, Settings::default().stop_grace);
    w.exit(1);
    assert_eq!(starts(&mut w), ["2 start h CatchUp"]);
}

#[test]
fn who_ends_in_time_is_not_caught_up() {
    let mut w = world(&["A"]);
    leave(&mut w, Moment::Suspend);
    w.run_well(1, &["A"]);
    wait(&mut w, PATIENCE);
    assert!(w.manager.lets_leave());
    w.input(Input::Back);
    assert_eq!(held(&w, "A"), None);
    // Asked to stop, and done nevertheless.
    leave(&mut w, Moment::Suspend);
    let second = w.last_instance();
    w.list(second, &["A"]);
    w.prepared(second);
    wait(&mut w, asked_after(PATIENCE));
    assert!(held(&w, "A").is_some());
    w.report(second, "A", ItemStatus::Succeeded);
    w.completed(second);
    w.exit(second);
    assert_eq!(held(&w, "A"), None);
    starts(&mut w);
    w.input(Input::Back);
    assert!(starts(&mut w).is_empty());
}

#[test]
fn what_sleep_does_not_concern_sleeps_and_goes_on_and_the_end_of_a_session_concerns_everything() {
    for (moment, stopped) in [(Moment::Suspend, false), (Moment::Logoff, true)] {
        let mut w = world(&["A"]);
        let person = w.sync(Scope::Handler(handler("other")));
        w.list(1, &["X"]);
        w.prepared(1);
        w.hear(1, InstanceInput::SynchronizeReturned(Began::Yes));
        leave(&mut w, moment);
        w.lines.clear();
        wait(&mut w, asked_after(PATIENCE));
        let told = w.lines.iter().any(|line| line.starts_with("1 item-status"));
        assert_eq!(told, stopped, "{moment:?}");
        w.hear(1, InstanceInput::SynchronizeCompleted(Completed::Done));
        w.exit(1);
        let outcome = w.outcome(person).unwrap();
        assert_eq!(outcome == RequestOutcome::Stopped, stopped, "{outcome:?}");
    }
}

#[test]
fn what_waits_for_its_turn_and_what_only_listed_is_caught_up_too() {
    let mut w = world(&["A", "B"]);
    // The handler is busy with something else.
    w.sync(Scope::Items(vec![at("h", "B")]));
    w.list(1, &["A", "B"]);
    w.prepared(1);
    w.ask(request(Scope::Items(vec![at("h", "A")]), Trigger::Suspend));
    leave(&mut w, Moment::Suspend);
    starts(&mut w);
    wait(&mut w, asked_after(PATIENCE));
    assert!(held(&w, "A").is_some());
    w.completed(1);
    w.exit(1);
    assert!(starts(&mut w).is_empty());
    // Nothing starts by itself while the machine leaves.
    w.ask(request(
        Scope::Items(vec![at("other", "X")]),
        Trigger::Schedule,
    ));
    assert!(starts(&mut w).is_empty());
    w.input(Input::Back);
    let mut started = starts(&mut w);
    started.sort();
    assert_eq!(started, ["2 start other Schedule", "3 start h CatchUp"]);

    let mut w = world(&["A"]);
    leave(&mut w, Moment::Suspend);
    w.hear(1, InstanceInput::Initialized(world::facts(&[])));
    wait(&mut w, asked_after(PATIENCE));
    assert!(w.manager.lets_leave());
    assert!(held(&w, "A").is_some());
}

#[test]
fn what_a_shutdown_cut_off_is_caught_up_in_the_next_life() {
    let mut w = world(&["A"]);
    leave(&mut w, Moment::Logoff);
    w.list(1, &["A"]);
    w.prepared(1);
    wait(&mut w, asked_after(PATIENCE));
    // The machine is off before the handler ends.
    let row = w.records.iter().rev().find_map(|record| match record {
        Record::Item(row) if row.at == at("h", "A") => Some(row.clone()),
        _ => None,
    });
    let remembered = Remembered {
        handlers: w.manager.handlers().cloned().collect(),
        items: row.into_iter().collect(),
        last: Default::default(),
        ..Remembered::default()
    };
    let mut w = World::reborn(Settings::default(), remembered, w.now);
    w.input(Input::Rules(vec![rule(Moment::Logoff, &["A"])]));
    assert_eq!(starts(&mut w), ["1 start h CatchUp"]);
    assert_eq!(
        log(&w, Level::Information),
        ["A: caught up for the logoff at 2026-11-22 17:02"]
    );
}

#[test]
fn a_machine_that_never_left_is_back_after_a_while() {
    let mut w = world(&["A"]);
    leave(&mut w, Moment::Suspend);
    w.list(1, &["A"]);
    w.prepared(1);
    wait(&mut w, asked_after(PATIENCE));
    w.hear(1, InstanceInput::SynchronizeCompleted(Completed::Cancelled));
    w.exit(1);
    starts(&mut w);
    wait(&mut w, BACK_AFTER - Duration::from_secs(1));
    assert!(starts(&mut w).is_empty());
    wait(&mut w, Duration::from_secs(1));
    assert_eq!(starts(&mut w), ["2 start h CatchUp"]);
}

#[test]
fn a_machine_that_left_without_waiting_stops_nobody_when_it_is_back() {
    let mut w = world(&["A"]);
    leave(&mut w, Moment::Suspend);
    w.list(1, &["A"]);
    w.prepared(1);
    w.lines.clear();
    wait(&mut w, Duration::from_secs(3600));
    w.expect("");
    assert_eq!(held(&w, "A"), None);
    w.completed(1);
    assert_eq!(w.results(), "A Succeeded");
}

#[test]
fn a_manager_that_is_told_to_end_leaves_what_a_logoff_started_to_the_next() {
    let mut w = world(&["A"]);
    let since = w.now;
    w.input(Input::Happened(Happening::Moment(Moment::Logoff)));
    w.list(1, &["A"]);
    w.prepared(1);
    w.hear(1, InstanceInput::SynchronizeReturned(Began::Yes));
    w.lines.clear();
    w.input(Input::Ends);
    w.input(Input::Stop(StopScope::All));
    // It is asked, once, and not more than that.
    w.expect("1 item-status * CancelAll");
    let trigger = Trigger::Logoff;
    assert_eq!(held(&w, "A"), Some(Held { trigger, since }));
    w.hear(1, InstanceInput::SynchronizeCompleted(Completed::Cancelled));
    w.exit(1);
    assert!(w.manager.is_idle());
    assert!(starts(&mut w).is_empty());
    assert!(held(&w, "A").is_some());
}

/// Shows C-115: what slept in the middle of its work stops when the machine wakes, where its rule says so; what wakes with
/// the machine, what a person started and what starts because of the sleep goes on.
#[test]
fn what_slept_in_its_middle_stops_at_the_end_of_the_sleep_where_its_rule_says_so() {
    for (stops, by_person, expected) in [
        (true, false, true),
        (false, false, false),
        (true, true, false),
    ] {
        let mut w = world(&["A"]);
        let mut nightly = rule(Moment::Unlock, &["A"]);
        nightly.stop_on_wake = stops;
        w.input(Input::Rules(vec![nightly]));
        if by_person {
            w.sync(Scope::Checked);
        } else {
            w.input(Input::Happened(Happening::Moment(Moment::Unlock)));
        }
        w.list(1, &["A"]);
        w.prepared(1);
        w.hear(1, InstanceInput::SynchronizeReturned(Began::Yes));
        w.pass(60);
        leave(&mut w, Moment::Suspend);
        w.lines.clear();
        w.now = w.now.plus(Duration::from_secs(8 * 3600));
        w.input(Input::ClockJumped);
        w.input(Input::Back);
        assert_eq!(
            w.lines.iter().any(|line| line.contains("item-status")),
            expected,
            "{stops} {by_person}: {:?}",
            w.lines
        );
    }
}
