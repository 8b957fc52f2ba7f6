//! The events of the classic settings: which items logon, logoff, connections, idleness and schedules start (mobsync 3.11,
//! 3.12, 4.4 to 4.6).

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod world;

use std::time::Duration;

use syncmgr_core::condition::{Condition, Fact};
use syncmgr_core::input::{Dialled, Input, StopScope};
use syncmgr_core::record::Record;
use syncmgr_core::request::{RequestOutcome, Scope};
use syncmgr_core::rule::{Cause, Happening, Moment, Rule, Select};
use syncmgr_core::schedule::Schedule;
use world::{World, at, handler, rule};

const MINUTE: i64 = 60;

/// What a handler's registration asks for, as `connect`, `pending-disconnect` and `idle` are read.
fn registration(id: &str, on: Vec<Cause>) -> Rule {
    Rule {
        of_registration: true,
        items: vec![Select::Handler(handler(id))],
        ..rule("registration", &[], on)
    }
}

fn idle(after: i64, on_battery: bool) -> Cause {
    let minutes = |minutes: i64| Duration::from_secs(u64::try_from(minutes * MINUTE).unwrap());
    Cause::Idle {
        after: minutes(after),
        repeat: Some(minutes(60)),
        stop_on_return: false,
        on_battery,
    }
}

fn moment(moment: Moment) -> Cause {
    Cause::Happening(moment)
}

fn happen(w: &mut World, what: Moment) {
    w.input(Input::Happened(Happening::Moment(what)));
}

fn power(w: &mut World, mains: bool) {
    w.input(Input::Facts(vec![Fact::Power {
        mains,
        battery_percent: Some(80),
    }]));
}

fn nobody_there(w: &mut World) {
    let since = Some(w.now);
    w.input(Input::Facts(vec![Fact::Idle { since }]));
}

fn somebody_came(w: &mut World) {
    w.input(Input::Facts(vec![Fact::Idle { since: None }]));
}

fn join(w: &mut World, wifi: Option<&str>) {
    let network = |usable| Fact::Network {
        usable,
        metered: false,
        wifi: wifi.map(str::to_owned),
        vpn: false,
    };
    w.input(Input::Facts(vec![network(false)]));
    w.input(Input::Facts(vec![network(true)]));
}

/// What was prepared, and what was started, since it was asked last; every run comes to a good end.
fn ran(w: &mut World, listed: &[(&str, &[&str])]) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let lines = std::mem::take(&mut w.lines);
        let starting: Vec<(u64, String)> = lines
            .iter()
            .filter_map(|line| {
                let mut words = line.split(' ');
                let instance = words.next()?.parse().ok()?;
                (words.next()? == "start").then_some(())?;
                Some((instance, words.next()?.to_owned()))
            })
            .collect();
        if starting.is_empty() {
            return all;
        }
        for (instance, started) in starting {
            let (_, items) = listed.iter().find(|(id, _)| **id == *started).unwrap();
            w.list(instance, items);
            let prepared = w.lines.iter().find_map(|line| {
                let (of, items) = line.split_once(" prepare ")?;
                (of == instance.to_string()).then(|| items.to_owned())
            });
            if let Some(items) = prepared {
                all.push(items);
                w.prepared(instance);
                w.completed(instance);
            }
            w.exit(instance);
        }
    }
}

/// Shows M-158, M-160, M-167: without a rule of a person, each event that the registration names starts what the handler
/// itself ticks, whatever was ticked for a plain `sync`.
#[test]
fn a_registration_starts_what_its_handler_ticks_for_its_events_alone() {
    let handlers: &[(&str, &[&str])] = &[("h", &["A", "B", "-C"])];
    let mut w = World::defined(handlers);
    w.input(Input::Rules(vec![registration(
        "h",
        vec![moment(Moment::Logon), Cause::Connect(None)],
    )]));
    // The manual tick is another one.
    w.input(Input::Tick);
    w.input(Input::Check {
        item: at("h", "A"),
        checked: false,
    });
    w.input(Input::Check {
        item: at("h", "C"),
        checked: true,
    });
    happen(&mut w, Moment::Logon);
    assert_eq!(ran(&mut w, handlers), ["A,B"]);
    join(&mut w, None);
    assert_eq!(ran(&mut w, handlers), ["A,B"]);
    happen(&mut w, Moment::Logoff);
    nobody_there(&mut w);
    w.pass(120 * MINUTE);
    assert_eq!(ran(&mut w, handlers), [""; 0]);
}

/// Shows M-159: where a handler ticks nothing, nothing is loaded.
#[test]
fn a_registration_without_ticked_items_creates_no_instance() {
    let mut w = World::defined(&[("h", &["-A"])]);
    w.input(Input::Rules(vec![registration(
        "h",
        vec![moment(Moment::Logon)],
    )]));
    happen(&mut w, Moment::Logon);
    w.expect("");
}

/// Shows M-160: a person's lists are separate for each connection and for idleness, logon and logoff share one, and each
/// event is turned on by itself. A list decides for all items of the handler.
#[test]
fn the_lists_of_a_person_are_kept_apart_by_event_and_connection() {
    let handlers: &[(&str, &[&str])] = &[("h", &["A", "B", "C"])];
    let mut w = World::defined(handlers);
    w.input(Input::Rules(vec![
        registration(
            "h",
            vec![
                moment(Moment::Logon),
                Cause::Connect(None),
                moment(Moment::Logoff),
                idle(15, false),
            ],
        ),
        rule(
            "home",
            &["a"],
            vec![Cause::Connect(Some("home".to_owned()))],
        ),
        rule("idle", &["b"], vec![idle(15, false)]),
    ]));
    join(&mut w, Some("cafe"));
    assert_eq!(ran(&mut w, handlers), ["A,B,C"], "of the registration");
    w.pass(10 * MINUTE);
    join(&mut w, Some("home"));
    assert_eq!(ran(&mut w, handlers), ["A"], "the list for this connection");
    nobody_there(&mut w);
    w.pass(15 * MINUTE);
    assert_eq!(ran(&mut w, handlers), ["B"], "the list for idleness");
    somebody_came(&mut w);
    // One list for logon and logoff, each turned on by itself.
    w.input(Input::Rules(vec![
        registration("h", vec![moment(Moment::Logon), moment(Moment::Logoff)]),
        rule("off", &["c"], vec![moment(Moment::Logoff)]),
    ]));
    happen(&mut w, Moment::Logoff);
    assert_eq!(ran(&mut w, handlers), ["C"]);
    happen(&mut w, Moment::Logon);
    assert_eq!(
        ran(&mut w, handlers),
        [""; 0],
        "it is turned on for logoff alone"
    );
}

/// Shows M-161: with "ask me" nothing starts without a yes.
#[test]
fn a_list_that_asks_first_starts_nothing_unasked() {
    let handlers: &[(&str, &[&str])] = &[("h", &["A"])];
    let mut w = World::defined(handlers);
    let mut asks = rule("logon", &["a"], vec![moment(Moment::Logon)]);
    asks.ask = true;
    w.input(Input::Rules(vec![asks]));
    happen(&mut w, Moment::Logon);
    w.pass(30);
    w.expect("");
    let (need, _) = w.questions().remove(0);
    w.answer(need, "yes");
    assert_eq!(ran(&mut w, handlers), ["A"]);
}

/// Shows M-162: on battery no idle session starts, unless the rule says so; it starts once the charger is plugged in, if
/// nobody came meanwhile.
#[test]
fn idleness_starts_nothing_on_battery_by_default() {
    let handlers: &[(&str, &[&str])] = &[("h", &["A"])];
    for (on_battery, is_back, wanted) in [(false, false, 1), (false, true, 0), (true, false, 0)] {
        let mut w = World::defined(handlers);
        w.input(Input::Rules(vec![rule(
            "idle",
            &["a"],
            vec![idle(15, on_battery)],
        )]));
        power(&mut w, false);
        nobody_there(&mut w);
        w.pass(15 * MINUTE);
        assert_eq!(ran(&mut w, handlers).len(), usize::from(on_battery));
        w.pass(5 * MINUTE);
        if is_back {
            somebody_came(&mut w);
        }
        power(&mut w, true);
        assert_eq!(ran(&mut w, handlers).len(), wanted);
        power(&mut w, false);
        power(&mut w, true);
        assert_eq!(ran(&mut w, handlers), [""; 0], "once");
    }
}

/// Switching to battery does not stop what idleness started (mobsync 4.5).
#[test]
fn a_charger_that_is_pulled_stops_no_idle_run() {
    let mut w = World::defined(&[("h", &["A"])]);
    w.input(Input::Rules(vec![rule(
        "idle",
        &["a"],
        vec![idle(15, false)],
    )]));
    power(&mut w, true);
    nobody_there(&mut w);
    w.pass(15 * MINUTE);
    w.list(1, &["A"]);
    w.lines.clear();
    power(&mut w, false);
    w.expect("");
}

/// Shows M-163: an idle session waits for the next period while any other session goes on.
#[test]
fn idleness_never_overlaps_another_session() {
    let handlers: &[(&str, &[&str])] = &[("h", &["A"]), ("g", &["B"])];
    let mut w = World::defined(handlers);
    w.input(Input::Rules(vec![
        rule("one", &["a"], vec![idle(15, false)]),
        rule("two", &["b"], vec![idle(15, false)]),
    ]));
    w.sync(Scope::Items(vec![at("g", "B")]));
    w.lines.clear();
    nobody_there(&mut w);
    w.pass(15 * MINUTE);
    w.expect("");
    w.run_well(1, &["B"]);
    w.lines.clear();
    w.pass(59 * MINUTE);
    w.expect("");
    w.pass(MINUTE);
    // Those of one moment belong together.
    assert_eq!(ran(&mut w, handlers), ["A", "B"]);
}

/// Shows M-164: exactly the items of the schedule that still exist.
#[test]
fn a_schedule_runs_its_items_that_still_exist() {
    let mut w = World::defined(&[("h", &["A", "B", "C"])]);
    w.input(Input::Rules(vec![rule(
        "nightly",
        &["a", "b"],
        vec![Cause::Schedule(Schedule::parse("every 1h").unwrap())],
    )]));
    w.pass(60 * MINUTE);
    w.list(1, &["B", "C"]); // A is no more
    assert!(w.lines.contains(&"1 prepare B".to_owned()), "{:?}", w.lines);
}

/// A rule over the connection `work`, of which one hour is due.
fn connecting(when: Vec<Condition>) -> World {
    let mut w = World::defined(&[("h", &["A"])]);
    w.input(Input::Connections {
        names: vec!["work".to_owned()],
        default: None,
    });
    let mut over = rule(
        "hourly",
        &["a"],
        vec![Cause::Schedule(Schedule::parse("every 1h").unwrap())],
    );
    over.connect = Some("work".to_owned());
    over.when = when;
    w.input(Input::Rules(vec![over]));
    w.pass(60 * MINUTE);
    w
}

fn dialled(w: &mut World, outcome: Result<Dialled, String>) {
    w.input(Input::Connected {
        name: Some("work".to_owned()),
        outcome,
    });
}

/// Shows M-165: opened before anything is prepared, and closed after the last run; what was dialled counts as the item's
/// network although nobody told of it yet.
#[test]
fn a_schedule_opens_its_connection_and_closes_it_after_the_last_run() {
    for (outcome, last) in [(Dialled::ByUs, "disconnect work"), (Dialled::Before, "")] {
        let mut w = connecting(vec![Condition::AnyNetwork]);
        w.expect("connect work");
        dialled(&mut w, Ok(outcome));
        w.expect("1 start h Schedule");
        w.list(1, &["A"]);
        w.prepared(1);
        w.lines.clear();
        w.completed(1);
        w.exit(1);
        let closing: Vec<&String> = w.lines.iter().filter(|l| l.contains("connect")).collect();
        assert_eq!(closing, last.split_terminator('\n').collect::<Vec<_>>());
        if outcome == Dialled::ByUs {
            w.input(Input::Disconnected {
                name: Some("work".to_owned()),
                problem: None,
            });
        }
        assert!(!w.manager.holds_connections());
    }
}

/// Shows M-165: a connection that cannot be opened is told, and nothing starts; the next time tries again.
#[test]
fn a_schedule_without_its_connection_says_so_and_starts_nothing() {
    let mut w = connecting(Vec::new());
    w.lines.clear();
    dialled(&mut w, Err("the line is busy".to_owned()));
    w.expect("");
    let told = w.records.iter().any(|record| {
        matches!(record, Record::Log(row) if row.text == "hourly: not connected: the line is busy")
    });
    assert!(told);
    assert!(!w.manager.holds_connections());
    w.pass(60 * MINUTE);
    w.expect("connect work");
}

/// Stopping everything gives up dialling, and a second schedule shares the dial of the first.
#[test]
fn what_waits_for_a_connection_can_be_stopped() {
    let mut w = connecting(Vec::new());
    w.lines.clear();
    w.input(Input::Stop(StopScope::All));
    w.expect("cancel connect work");
    dialled(&mut w, Err("it was stopped".to_owned()));
    assert!(!w.manager.holds_connections());
    w.expect("");
    let ended = w.lines.len();
    assert_eq!(ended, 0);
    assert_eq!(
        w.outcome(syncmgr_core::RequestId(1)),
        Some(RequestOutcome::Stopped)
    );
}
