//! What starts by itself: schedules that are caught up once, moments, idleness, connections, and what follows another item.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod world;

use std::time::Duration;

use syncmgr_core::condition::{Condition, Fact};
use syncmgr_core::confirm::{NO, YES};
use syncmgr_core::input::{Began, Completed, Input, InstanceInput, Progress};
use syncmgr_core::item::{Counts, ItemStatus};
use syncmgr_core::record::{PauseScope, Record, Remembered};
use syncmgr_core::request::{IfRunning, Trigger};
use syncmgr_core::rule::{Cause, Happening, Lost, Moment, Select};
use syncmgr_core::schedule::{Schedule, Zone};
use syncmgr_core::{Settings, Timestamp};
use world::{World, at, handler, id, listed, rule};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn schedule(text: &str) -> Cause {
    Cause::Schedule(Schedule::parse(text).unwrap())
}

/// A world on 2026-11-22 at this time of the day in UTC.
fn world_at(hour: i64, handlers: &[(&str, &[&str])]) -> World {
    let mut w = World::defined(handlers);
    w.now = moment(22, hour);
    w.input(Input::Tick);
    w
}

fn moment(day: i64, hour: i64) -> Timestamp {
    const MIDNIGHT: i64 = 1_795_305_600; // 2026-11-22T00:00:00Z
    Timestamp((MIDNIGHT + (day - 22) * DAY + hour * HOUR) * 1000)
}

fn go_to(w: &mut World, day: i64, hour: i64) {
    w.now = moment(day, hour);
    w.input(Input::Tick);
}

fn network(usable: bool, wifi: Option<&str>) -> Input {
    Input::Facts(vec![Fact::Network {
        usable,
        metered: false,
        wifi: wifi.map(str::to_owned),
        vpn: false,
    }])
}

fn idle(since: Option<Timestamp>) -> Input {
    Input::Facts(vec![Fact::Idle { since }])
}

fn starts(w: &mut World) -> Vec<String> {
    let lines = std::mem::take(&mut w.lines);
    lines
        .into_iter()
        .filter(|line| line.contains(" start "))
        .collect()
}

#[test]
fn a_schedule_fires_at_its_time_once_m_158() {
    let mut w = world_at(1, &[("h", &["A", "B"])]);
    w.input(Input::Rules(vec![rule(
        "nightly",
        &["A"],
        vec![schedule("daily at 02:00")],
    )]));
    assert_eq!(w.manager.next_deadline(), Some(moment(22, 2)));
    w.expect("");
    go_to(&mut w, 22, 2);
    w.expect("1 start h Schedule");
    w.list(1, &["A", "B"]);
    w.expect("1 list\n1 prepare A"); // exactly the items of the schedule
    w.prepared(1);
    w.completed(1);
    w.exit(1);
    w.lines.clear();
    assert_eq!(w.manager.next_deadline(), Some(moment(23, 2)));
    go_to(&mut w, 22, 3);
    w.expect("");
}

#[test]
fn what_was_missed_is_caught_up_once() {
    let mut w = world_at(1, &[("h", &["A"])]);
    w.input(Input::Rules(vec![rule(
        "nightly",
        &["A"],
        vec![schedule("daily at 02:00")],
    )]));
    // The machine slept for three days.
    go_to(&mut w, 25, 8);
    assert_eq!(starts(&mut w), ["1 start h CatchUp"]);
    w.run_well(1, &["A"]);
    w.lines.clear();
    let told = w.records.iter().any(|record| {
        matches!(record, Record::Log(row)
            if row.text == "nightly: caught up for 2026-11-25 02:00, the last of 4 that were missed")
    });
    assert!(told, "{:?}", w.records);
    go_to(&mut w, 25, 9);
    assert_eq!(starts(&mut w), [""; 0]);
    assert_eq!(w.manager.next_deadline(), Some(moment(26, 2)));
}

#[test]
fn what_was_missed_while_no_manager_ran_is_caught_up_once_and_an_old_one_never() {
    for (catch_up, wanted) in [(7, 1), (0, 0)] {
        let mut w = world_at(1, &[("h", &["A"])]);
        let mut nightly = rule("nightly", &["A"], vec![schedule("daily at 02:00")]);
        nightly.catch_up = Duration::from_secs(catch_up * 86_400);
        w.input(Input::Rules(vec![nightly.clone()]));
        let seen = w.records.iter().find_map(|record| match record {
            Record::RuleSeen { rule, considered } => Some((rule.clone(), *considered)),
            _ => None,
        });
        assert_eq!(seen, Some(("nightly".to_owned(), moment(22, 1))));
        let mut w = World::remembering(
            Settings::default(),
            Remembered {
                rules: seen.into_iter().collect(),
                ..Remembered::default()
            },
        );
        w.now = moment(24, 12);
        w.input(Input::HandlerRegistered {
            id: handler("h"),
            description: "h".to_owned(),
        });
        w.input(Input::ItemDefined(handler("h"), listed("A")));
        w.input(Input::Rules(vec![nightly.clone()]));
        assert_eq!(starts(&mut w).len(), wanted, "{catch_up}");
        // Reading the configuration again catches nothing up a second time.
        w.input(Input::Rules(vec![nightly]));
        assert_eq!(starts(&mut w).len(), 0);
    }
}

#[test]
fn a_rule_that_is_new_catches_nothing_up() {
    let mut w = world_at(12, &[("h", &["A"])]);
    w.input(Input::Rules(vec![rule(
        "nightly",
        &["A"],
        vec![schedule("daily at 02:00")],
    )]));
    w.expect("");
    w.input(Input::Rules(Vec::new()));
    let gone = |record: &Record| matches!(record, Record::RuleGone(name) if name == "nightly");
    assert!(w.records.iter().any(gone));
    assert_eq!(w.manager.next_deadline(), None);
}

#[test]
fn other_times_of_a_rule_were_never_missed() {
    let mut w = world_at(1, &[("h", &["A"])]);
    w.input(Input::Rules(vec![rule(
        "one",
        &["A"],
        vec![schedule("daily at 02:00")],
    )]));
    w.pass(600);
    w.input(Input::Rules(vec![rule(
        "one",
        &["A"],
        vec![schedule("every 10s")],
    )]));
    w.expect("");
    assert_eq!(
        w.manager.next_deadline(),
        Some(w.now.plus(Duration::from_secs(10)))
    );
}

#[test]
fn what_holds_back_all_items_of_a_rule_is_told() {
    let mut w = world_at(1, &[("h", &["A", "B"])]);
    let both = rule("both", &["A", "B"], vec![schedule("daily at 02:00")]);
    w.input(Input::Rules(vec![both.clone()]));
    for (item, held) in [("A", false), ("B", true)] {
        w.input(Input::Pause {
            scope: PauseScope::Item(at("h", item)),
            until: None,
        });
        assert_eq!(w.manager.rule_held(&both).is_some(), held, "{item}");
    }
}

#[test]
fn a_clock_that_jumps_ten_years_fires_once_and_goes_on() {
    let mut w = world_at(1, &[("h", &["A"])]);
    w.input(Input::Rules(vec![rule(
        "nightly",
        &["A"],
        vec![schedule("daily at 02:00")],
    )]));
    let ten_years = 3653 * DAY * 1000;
    w.now = Timestamp(w.now.0 + ten_years);
    w.input(Input::ClockJumped);
    assert_eq!(starts(&mut w), ["1 start h CatchUp"]);
    w.run_well(1, &["A"]);
    w.lines.clear();
    // And back again: nothing twice, and tomorrow is tomorrow.
    w.now = moment(22, 3);
    w.input(Input::ClockJumped);
    assert_eq!(starts(&mut w), [""; 0]);
    assert_eq!(w.manager.next_deadline(), Some(moment(23, 2)));
    go_to(&mut w, 23, 2);
    assert_eq!(starts(&mut w), ["2 start h Schedule"]);
    w.run_well(2, &["A"]);
    w.lines.clear();
    // A little back is no second time.
    go_to(&mut w, 23, 1);
    go_to(&mut w, 23, 2);
    go_to(&mut w, 23, 3);
    assert_eq!(starts(&mut w), [""; 0]);
}

#[test]
fn an_interval_counts_from_the_last_finish() {
    let mut w = world_at(0, &[("h", &["A"])]);
    w.input(Input::Rules(vec![rule(
        "often",
        &["A"],
        vec![schedule("every 1h")],
    )]));
    assert_eq!(w.manager.next_deadline(), Some(moment(22, 1)));
    go_to(&mut w, 22, 1);
    assert_eq!(starts(&mut w), ["1 start h Schedule"]);
    w.list(1, &["A"]);
    w.prepared(1);
    go_to(&mut w, 22, 5); // it takes long, and is not started again meanwhile
    assert_eq!(starts(&mut w), [""; 0]);
    w.completed(1);
    w.exit(1);
    assert_eq!(w.manager.next_deadline(), Some(moment(22, 6)));
}

#[test]
fn a_zone_of_the_machine_moves_schedules_that_name_none() {
    let mut w = world_at(0, &[("h", &["A"])]);
    w.input(Input::Rules(vec![rule(
        "local",
        &["A"],
        vec![schedule("daily at 02:00")],
    )]));
    assert_eq!(w.manager.next_deadline(), Some(moment(22, 2)));
    w.input(Input::Zone(Zone::named("Europe/Berlin").unwrap()));
    assert_eq!(w.manager.next_deadline(), Some(moment(22, 1)));
}

#[test]
fn moments_start_their_rules() {
    for (happened, trigger) in [
        (Moment::Logon, "Logon user"),
        (Moment::Logoff, "Logoff user"),
        (Moment::Lock, "Lock"),
        (Moment::Unlock, "Unlock user"),
        (Moment::Suspend, "Suspend"),
        (Moment::Resume, "Resume"),
        (Moment::PendingDisconnect, "PendingDisconnect user"),
    ] {
        let mut w = world_at(0, &[("h", &["A"]), ("g", &["B"])]);
        w.input(Input::Rules(vec![rule(
            "one",
            &["A"],
            vec![Cause::Happening(happened)],
        )]));
        for other in [Moment::Logon, Moment::Logoff, Moment::Lock, Moment::Unlock] {
            if other != happened {
                w.input(Input::Happened(Happening::Moment(other)));
            }
        }
        w.expect("");
        w.input(Input::Happened(Happening::Moment(happened)));
        w.expect(&format!("1 start h {trigger}"));
    }
}

#[test]
fn nothing_is_loaded_for_a_rule_without_items() {
    let mut w = world_at(0, &[("h", &["A"])]);
    w.input(Input::Rules(vec![rule(
        "one",
        &["nobody"],
        vec![Cause::Happening(Moment::Logon)],
    )]));
    w.input(Input::Happened(Happening::Moment(Moment::Logon)));
    w.expect("");
}

#[test]
fn temporary_items_never_start_by_themselves() {
    let mut w = world_at(0, &[("h", &[])]);
    let mut passing = listed("A");
    passing.temporary = true;
    w.sync(syncmgr_core::request::Scope::Handler(handler("h")));
    w.hear(1, InstanceInput::Initialized(world::facts(&[])));
    w.hear(
        1,
        InstanceInput::ItemsListed {
            items: vec![passing],
            incomplete: false,
        },
    );
    w.prepared(1);
    w.completed(1);
    w.exit(1);
    w.lines.clear();
    w.input(Input::Rules(vec![rule(
        "one",
        &["A"],
        vec![Cause::Happening(Moment::Logon)],
    )]));
    w.input(Input::Happened(Happening::Moment(Moment::Logon)));
    w.expect("");
}

#[test]
fn idleness_starts_repeats_and_is_reset_m_163() {
    let mut w = world_at(0, &[("h", &["A"])]);
    let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
    w.input(Input::Rules(vec![rule(
        "idle",
        &["A"],
        vec![Cause::Idle {
            after: minutes(15),
            repeat: Some(minutes(60)),
            stop_on_return: false,
            on_battery: false,
        }],
    )]));
    w.input(idle(Some(w.now)));
    w.pass(14 * 60);
    w.expect("");
    w.pass(60);
    w.expect("1 start h Idle");
    w.run_well(1, &["A"]);
    w.lines.clear();
    w.pass(59 * 60);
    w.expect("");
    w.pass(60);
    w.expect("2 start h Idle");
    w.run_well(2, &["A"]);
    w.lines.clear();
    w.input(idle(None)); // somebody came
    w.pass(4 * HOUR);
    w.expect("");
    w.input(idle(Some(w.now)));
    w.pass(15 * 60);
    w.expect("3 start h Idle");
}

#[test]
fn who_comes_back_stops_an_idle_run_only_where_its_rule_says_so() {
    for stops in [false, true] {
        let mut w = world_at(0, &[("h", &["A"])]);
        w.input(Input::Rules(vec![rule(
            "idle",
            &["A"],
            vec![Cause::Idle {
                after: Duration::from_secs(60),
                repeat: None,
                stop_on_return: stops,
                on_battery: false,
            }],
        )]));
        w.input(idle(Some(w.now)));
        w.pass(60);
        w.list(1, &["A"]);
        w.prepared(1);
        w.hear(1, InstanceInput::SynchronizeReturned(Began::Yes));
        w.lines.clear();
        w.input(idle(None));
        assert_eq!(!w.lines.is_empty(), stops, "{:?}", w.lines);
    }
}

#[test]
fn a_connection_starts_its_rules_at_most_every_five_minutes() {
    let mut w = world_at(0, &[("h", &["A"]), ("g", &["B"])]);
    w.input(Input::Rules(vec![
        rule("any", &["A"], vec![Cause::Connect(None)]),
        rule("home", &["B"], vec![Cause::Connect(Some("home".into()))]),
    ]));
    // It was there before anybody looked, and did not come up.
    w.input(network(true, Some("cafe")));
    w.input(network(false, None));
    w.expect("");
    w.input(network(true, Some("cafe")));
    assert_eq!(starts(&mut w), ["1 start h Connect user"]);
    w.run_well(1, &["A"]);
    w.lines.clear();
    w.input(network(false, None));
    w.pass(60);
    w.input(network(true, Some("home")));
    assert_eq!(starts(&mut w), ["2 start g Connect user"]);
    w.run_well(2, &["B"]);
    w.lines.clear();
    w.input(network(false, None));
    w.pass(300);
    w.input(network(true, None));
    assert_eq!(starts(&mut w), ["3 start h Connect user"]);
}

#[test]
fn files_and_volumes_start_what_waits_for_them() {
    let mut w = world_at(0, &[("h", &["A"]), ("g", &["B"])]);
    w.input(Input::Rules(vec![
        rule(
            "files",
            &["A"],
            vec![Cause::Changed("/home/ada/notes".into())],
        ),
        rule("disk", &["B"], vec![Cause::Volume("Backup".into())]),
    ]));
    w.input(Input::Happened(Happening::Changed("/home/ada".into())));
    w.input(Input::Happened(Happening::Volume {
        label: Some("other".into()),
        uuid: None,
    }));
    w.expect("");
    w.input(Input::Happened(Happening::Changed(
        "/home/ada/notes".into(),
    )));
    w.expect("1 start h FileChange");
    w.input(Input::Happened(Happening::Volume {
        label: Some("BACKUP".into()),
        uuid: Some("12-34".into()),
    }));
    w.expect("2 start g Device");
}

#[test]
fn what_changes_during_a_run_is_synchronized_after_it() {
    let mut w = world_at(0, &[("h", &["A"])]);
    w.input(Input::Rules(vec![rule(
        "files",
        &["A"],
        vec![Cause::Changed("/notes".into())],
    )]));
    w.input(Input::Happened(Happening::Changed("/notes".into())));
    w.list(1, &["A"]);
    w.prepared(1);
    w.input(Input::Happened(Happening::Changed("/notes".into())));
    w.input(Input::Happened(Happening::Changed("/notes".into())));
    w.lines.clear();
    w.completed(1);
    w.exit(1);
    assert_eq!(starts(&mut w), ["2 start h FileChange"]);
}

fn moved(w: &mut World, instance: u64, item: &str) {
    w.hear(
        instance,
        InstanceInput::Progress(
            Progress {
                item: Some(id(item)),
                status: Some(ItemStatus::Succeeded),
                counts: Some(Counts {
                    sent: 1,
                    ..Counts::default()
                }),
                ..Progress::default()
            },
            None,
        ),
    );
}

#[test]
fn an_item_follows_another_that_ended_well() {
    for (only_changed, moves, follows) in [
        (false, false, true),
        (true, false, false),
        (true, true, true),
    ] {
        let mut w = world_at(0, &[("h", &["A"]), ("g", &["B"])]);
        w.input(Input::Rules(vec![rule(
            "then",
            &["B"],
            vec![Cause::After {
                item: Select::named("a"),
                changed: only_changed,
            }],
        )]));
        w.sync(syncmgr_core::request::Scope::Items(vec![at("h", "A")]));
        w.list(1, &["A"]);
        w.prepared(1);
        if moves {
            moved(&mut w, 1, "A");
        }
        w.lines.clear();
        w.completed(1);
        w.exit(1);
        let wanted: &[&str] = if follows { &["2 start g After"] } else { &[] };
        assert_eq!(starts(&mut w), wanted, "{only_changed} {moves}");
    }
}

#[test]
fn a_circle_of_after_is_told_and_does_not_turn() {
    let mut w = world_at(0, &[("h", &["A"]), ("g", &["B"])]);
    let after = |item: &str| {
        vec![Cause::After {
            item: Select::named(item),
            changed: false,
        }]
    };
    w.input(Input::Rules(vec![
        rule("one", &["B"], after("a")),
        rule("two", &["A"], after("b")),
    ]));
    assert!(w.manager.is_circular("one"));
    w.sync(syncmgr_core::request::Scope::Items(vec![at("h", "A")]));
    w.run_well(1, &["A"]);
    w.sync(syncmgr_core::request::Scope::Items(vec![at("h", "A")]));
    w.run_well(2, &["A"]);
    assert_eq!(starts(&mut w).len(), 2);
    let told = w
        .records
        .iter()
        .filter(|record| matches!(record, Record::Log(row) if row.text.contains("again and again")))
        .count();
    assert_eq!(told, 1);
}

#[test]
fn a_rule_may_ask_first_and_silence_is_no() {
    for (answer, wanted) in [(Some(YES), 1), (Some(NO), 0), (None, 0)] {
        let mut w = world_at(0, &[("h", &["A"]), ("g", &["B"])]);
        let mut ask = rule("work", &["A", "B"], vec![Cause::Happening(Moment::Logoff)]);
        ask.ask = true;
        w.input(Input::Rules(vec![ask]));
        w.input(Input::Happened(Happening::Moment(Moment::Logoff)));
        w.input(Input::Happened(Happening::Moment(Moment::Logoff)));
        w.expect("");
        let needs: Vec<_> = w.manager.needs().cloned().collect();
        assert_eq!(needs.len(), 1, "one question for all items");
        assert_eq!(needs[0].text, "work: synchronize B, A now?");
        match answer {
            Some(choice) => w.answer(needs[0].id, choice),
            None => w.pass(60),
        }
        assert_eq!(w.manager.needs().count(), 0);
        let lines = starts(&mut w);
        assert_eq!(lines.len(), wanted * 2, "{lines:?}");
        assert!(lines.iter().all(|line| line.ends_with("Logoff user")));
    }
}

#[test]
fn conditions_of_rules_belong_to_their_items() {
    let mut w = world_at(1, &[("h", &["A"])]);
    let mut nightly = rule("nightly", &["A"], vec![schedule("daily at 02:00")]);
    nightly.when = vec![Condition::UnmeteredNetwork];
    w.input(Input::Rules(vec![nightly]));
    w.input(network(false, None));
    let coming = w.manager.coming(&at("h", "A"), w.now, moment(24, 0));
    assert_eq!(coming.len(), 2);
    assert!(coming.iter().all(|coming| coming.held_by.is_some()));
    go_to(&mut w, 22, 2);
    w.expect("");
    w.input(network(true, None));
    assert_eq!(starts(&mut w), ["1 start h Schedule"]); // caught up, once
}

#[test]
fn a_condition_that_is_lost_in_mid_run_stops_it_only_where_its_rule_says_so() {
    for lost in [Lost::Finish, Lost::Stop] {
        let mut w = world_at(1, &[("h", &["A"])]);
        let mut nightly = rule("nightly", &["A"], vec![schedule("daily at 02:00")]);
        nightly.when = vec![Condition::AnyNetwork];
        nightly.lost = lost;
        w.input(Input::Rules(vec![nightly]));
        w.input(network(true, None));
        go_to(&mut w, 22, 2);
        w.list(1, &["A"]);
        w.prepared(1);
        w.hear(1, InstanceInput::SynchronizeReturned(Began::Yes));
        w.lines.clear();
        w.input(network(false, None));
        let told = std::mem::take(&mut w.lines);
        assert_eq!(!told.is_empty(), lost == Lost::Stop, "{told:?}");
        if lost == Lost::Stop {
            w.report(1, "A", ItemStatus::Skipped);
        }
        w.hear(1, InstanceInput::SynchronizeCompleted(Completed::Done));
        w.exit(1);
        w.lines.clear();
        w.input(network(true, None));
        let again = starts(&mut w);
        assert_eq!(again.len(), usize::from(lost == Lost::Stop), "{again:?}");
    }
}

#[test]
fn a_pause_holds_rules_back_and_its_end_catches_up_once() {
    let mut w = world_at(1, &[("h", &["A"])]);
    w.input(Input::Rules(vec![rule(
        "often",
        &["A"],
        vec![schedule("daily at 02:00")],
    )]));
    w.input(Input::Pause {
        scope: PauseScope::All,
        until: None,
    });
    for day in 22..25 {
        go_to(&mut w, day, 2);
    }
    w.expect("");
    w.input(Input::Resume(PauseScope::All));
    assert_eq!(starts(&mut w), ["1 start h CatchUp"]);
    let told = w.records.iter().any(|record| {
        matches!(record, Record::Log(row) if row.text == "A: caught up for 2026-11-22 02:00")
    });
    assert!(told, "it is said for which time");
}

#[test]
fn the_schedule_promises_the_freshness() {
    let mut w = world_at(1, &[("h", &["A", "B"])]);
    let mut strict = rule("strict", &["B"], vec![schedule("daily at 02:00")]);
    strict.fresh_within = Some(Duration::from_secs(3600));
    w.input(Input::Rules(vec![
        rule("nightly", &["A"], vec![schedule("daily at 02:00")]),
        strict,
    ]));
    let expected = |w: &World, item: &str| {
        w.manager
            .item(&at("h", item))
            .unwrap()
            .expected_freshness
            .map(|span| span.as_secs())
    };
    assert_eq!(expected(&w, "A"), Some(30 * 3600)); // a day and a quarter
    assert_eq!(expected(&w, "B"), Some(3600));
    w.input(Input::ItemPreferences {
        item: at("h", "A"),
        labels: Vec::new(),
        checked: None,
        expected_freshness: Some(Duration::from_secs(60)),
    });
    assert_eq!(expected(&w, "A"), Some(60));
    w.input(Input::Rules(Vec::new()));
    assert_eq!(expected(&w, "A"), Some(60));
    assert_eq!(expected(&w, "B"), None);
}

#[test]
fn a_command_of_its_own_starts_nothing_by_itself() {
    let mut w = World::with(Settings::embedded(), &["h"]);
    w.input(Input::ItemDefined(handler("h"), listed("A")));
    w.now = moment(22, 1);
    w.input(Input::Rules(vec![rule(
        "nightly",
        &["A"],
        vec![schedule("daily at 02:00")],
    )]));
    go_to(&mut w, 23, 3);
    w.input(Input::Happened(Happening::Moment(Moment::Logon)));
    w.input(network(true, None));
    w.expect("");
    assert_eq!(w.manager.next_deadline(), None);
    let (_, next) = w.manager.rules().next().unwrap();
    assert_eq!(next, Some(moment(24, 2)));
}

#[test]
fn one_trigger_is_one_session_for_all_its_handlers() {
    let mut w = world_at(0, &[("h", &["A"]), ("g", &["B"])]);
    w.input(Input::Rules(vec![rule(
        "on",
        &["A", "B"],
        vec![Cause::Happening(Moment::Logon)],
    )]));
    w.input(Input::Happened(Happening::Moment(Moment::Logon)));
    assert_eq!(w.manager.sessions().count(), 1);
    let session = w.manager.sessions().next().unwrap();
    assert_eq!(session.trigger, Trigger::Logon);
    assert_eq!(session.instances.len(), 2);
}

#[test]
fn a_rule_may_say_what_becomes_of_items_that_run_already() {
    for (if_running, again) in [
        (None, 0),
        (Some(IfRunning::Ignore), 0),
        (Some(IfRunning::Again), 1),
    ] {
        let mut w = world_at(1, &[("h", &["A"])]);
        let mut nightly = rule("nightly", &["A"], vec![schedule("daily at 02:00")]);
        nightly.if_running = if_running;
        w.input(Input::Rules(vec![nightly]));
        w.sync(syncmgr_core::request::Scope::Items(vec![at("h", "A")]));
        w.list(1, &["A"]);
        w.prepared(1);
        assert_eq!(starts(&mut w).len(), 1);
        go_to(&mut w, 22, 2);
        w.completed(1);
        w.exit(1);
        assert_eq!(starts(&mut w).len(), again, "{if_running:?}");
    }
}

#[test]
fn a_rule_may_leave_out_what_follows_a_change_during_a_run() {
    for (if_running, again) in [(None, 1), (Some(IfRunning::Ignore), 0)] {
        let mut w = world_at(1, &[("h", &["A"])]);
        let mut changed = rule("changed", &["A"], vec![Cause::Changed("/a".to_owned())]);
        changed.if_running = if_running;
        w.input(Input::Rules(vec![changed]));
        w.sync(syncmgr_core::request::Scope::Items(vec![at("h", "A")]));
        w.list(1, &["A"]);
        w.prepared(1);
        assert_eq!(starts(&mut w).len(), 1);
        w.input(Input::Happened(Happening::Changed("/a".to_owned())));
        w.completed(1);
        w.exit(1);
        assert_eq!(starts(&mut w).len(), again, "{if_running:?}");
    }
}

#[test]
fn a_rule_finds_its_items_anew_once_they_changed() {
    let mut w = world_at(1, &[("h", &["A", "B", "C"])]);
    w.input(Input::Rules(vec![rule(
        "nightly",
        &["photos"],
        vec![schedule("daily at 02:00")],
    )]));
    let label = |w: &mut World, item: &str, labels: &[&str]| {
        w.input(Input::ItemPreferences {
            item: at("h", item),
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            checked: None,
            expected_freshness: None,
        });
    };
    let night = |w: &mut World, day: i64, items: &[&str]| {
        w.lines.clear();
        go_to(w, day, 2);
        let started = w.lines.iter().any(|line| line.contains(" start "));
        if !started {
            return String::new();
        }
        let instance = w.last_instance();
        w.list(instance, items);
        let prepared = w.lines.iter().find_map(|line| line.split_once("prepare "));
        let prepared = prepared.map(|(_, items)| items.to_owned());
        w.prepared(instance);
        w.completed(instance);
        w.exit(instance);
        prepared.unwrap_or_default()
    };
    let all = ["A", "B", "C"];
    assert_eq!(night(&mut w, 22, &all), "");
    label(&mut w, "B", &["photos"]);
    assert_eq!(night(&mut w, 23, &all), "B");
    assert_eq!(night(&mut w, 24, &all), "B");
    label(&mut w, "A", &["photos"]);
    // Another order of the list is another order of the items.
    assert_eq!(night(&mut w, 25, &["C", "B", "A"]), "B,A");
    assert_eq!(night(&mut w, 26, &["C", "B", "A"]), "B,A");
    w.input(Input::ItemRemoved(at("h", "B")));
    assert_eq!(night(&mut w, 27, &["C", "A"]), "A");
    label(&mut w, "A", &[]);
    assert_eq!(night(&mut w, 28, &["C", "A"]), "");
    let mut named = listed("D");
    named.name = "Photos".to_owned();
    w.input(Input::ItemDefined(handler("h"), named));
    assert_eq!(night(&mut w, 29, &["C", "A", "D"]), "D");
    // Its handler calls it otherwise since then.
    assert_eq!(night(&mut w, 30, &["C", "A", "D"]), "");
}
