//! Handlers that fail before they list their items, and items that a list leaves out.

#![allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod world;

use std::time::Duration;

use syncmgr_core::input::{Input, InstanceInput, ListedItem, StopScope};
use syncmgr_core::item::HandlerCapability;
use syncmgr_core::log::LogRow;
use syncmgr_core::problem::{FailedStep, HandlerProblem, MAX_PROBLEM_DETAIL};
use syncmgr_core::record::{PauseScope, Record};
use syncmgr_core::request::{RequestOutcome as Out, Scope, Trigger, Work};
use syncmgr_core::verdict::{Exit, Shown};
use syncmgr_core::{ItemId, ItemRef, MAX_ABSENT, Settings, Timestamp};
use world::{World, at, facts, handler, id, listed, request};

fn world(handlers: &[&str]) -> World {
    World::with(Settings::default(), handlers)
}

fn problem(w: &World) -> Option<HandlerProblem> {
    w.manager.handler(&handler("h")).unwrap().problem.clone()
}

fn exited(w: &mut World, instance: u64, how: &str, stderr: &str) {
    let exited = InstanceInput::Exited {
        how: how.to_owned(),
        requested: false,
        stderr: stderr.to_owned(),
    };
    w.hear(instance, exited);
}

fn spawned(w: &mut World, instance: u64) {
    let spawned = InstanceInput::Spawned {
        pid: 7,
        start_time: 1,
    };
    w.hear(instance, spawned);
}

fn logged(w: &World) -> Vec<LogRow> {
    w.records
        .iter()
        .filter_map(|record| match record {
            Record::Log(row) => Some(row.clone()),
            _ => None,
        })
        .collect()
}

/// What the records say of details of log entries.
fn details(w: &World) -> Vec<&str> {
    w.records
        .iter()
        .filter_map(|record| match record {
            Record::LogDetail { detail, .. } => Some(detail.as_str()),
            _ => None,
        })
        .collect()
}

/// The handler lists these items and does all that is asked of it.
fn good_run(w: &mut World, items: &[&str]) {
    w.sync(Scope::Handler(handler("h")));
    let instance = w.last_instance();
    w.list(instance, items);
    if w.manager.sessions().count() > 0 {
        w.prepared(instance);
        w.completed(instance);
    }
    w.exit(instance);
}

fn verdict(w: &World) -> (Shown, Exit) {
    let verdict = w.manager.verdict(w.now);
    (verdict.worst, verdict.worst.exit())
}

#[test]
fn a_handler_that_cannot_start_is_a_problem_of_its_own() {
    let mut w = world(&["h"]);
    let asked = w.sync(Scope::Checked);
    exited(&mut w, 1, "no such program", "");
    assert_eq!(w.outcome(asked), Some(Out::Failed));
    let told = w.ended[0].2.clone().unwrap();
    assert_eq!(told, "h: no such program");
    let problem = problem(&w).unwrap();
    assert_eq!(problem.step, FailedStep::Start);
    assert_eq!(
        (problem.text.as_str(), problem.times),
        ("no such program", 1)
    );
    assert_eq!(verdict(&w), (Shown::Failed, Exit::Failed));
    assert_eq!(w.manager.verdict(w.now).problems, [handler("h")]);
    let kept = w.records.iter().rev().find_map(|record| match record {
        Record::Handler(row) => row.problem.clone(),
        _ => None,
    });
    assert_eq!(kept, Some(problem));
}

#[test]
fn how_far_it_came_and_how_often_is_counted_until_the_next_good_list() {
    let mut w = world(&["h"]);
    w.sync(Scope::Checked);
    spawned(&mut w, 1);
    exited(&mut w, 1, "exit status 3", "Traceback\n");
    let first = problem(&w).unwrap();
    assert_eq!(first.step, FailedStep::Initialize);
    assert_eq!(first.detail, "Traceback\n");
    assert!(first.text.contains("exit status 3"));
    w.pass(60);
    w.sync(Scope::Checked);
    w.hear(2, InstanceInput::Initialized(facts(&[])));
    w.hear(2, InstanceInput::ItemsNotListed("busy".to_owned()));
    exited(&mut w, 2, "exit status 0", "");
    let second = problem(&w).unwrap();
    assert_eq!(second.step, FailedStep::List);
    assert_eq!((second.text.as_str(), second.times), ("busy", 2));
    assert_eq!((second.since, second.last), (first.since, w.now));
    assert_eq!(logged(&w)[1].text, "its items cannot be read: busy");
    good_run(&mut w, &["A"]);
    assert_eq!(problem(&w), None);
    assert_eq!(verdict(&w), (Shown::Fresh, Exit::Good));
    // One that fails again begins to count again.
    w.sync(Scope::Handler(handler("h")));
    let instance = w.last_instance();
    exited(&mut w, instance, "no such program", "");
    assert_eq!(problem(&w).unwrap().times, 1);
    assert_eq!(w.results(), "A Failed");
}

#[test]
fn a_crash_while_it_lists_is_told_with_what_it_wrote() {
    let mut w = world(&["h"]);
    w.sync(Scope::Checked);
    spawned(&mut w, 1);
    w.hear(1, InstanceInput::Initialized(facts(&[])));
    exited(&mut w, 1, "signal 11", "core dumped");
    let problem = problem(&w).unwrap();
    assert_eq!(problem.step, FailedStep::List);
    assert_eq!(problem.detail, "core dumped");
    assert_eq!(logged(&w)[0].detail.as_deref(), Some("core dumped"));
}

// M-40: the one entry gets what the process wrote when that is known.
#[test]
fn what_it_wrote_comes_with_its_end() {
    let mut w = world(&["h"]);
    w.sync(Scope::Checked);
    spawned(&mut w, 1);
    w.hear(1, InstanceInput::NotInitialized("refused".to_owned()));
    assert_eq!(problem(&w).unwrap().detail, "");
    let end = "x".repeat(MAX_PROBLEM_DETAIL);
    exited(&mut w, 1, "exit status 1", &format!("begin{end}"));
    let problem = problem(&w).unwrap();
    assert_eq!((problem.text.as_str(), problem.times), ("refused", 1));
    assert_eq!(problem.detail, end);
    assert_eq!(logged(&w).len(), 1);
    assert_eq!(details(&w), [format!("begin{end}")]);
}

#[test]
fn whoever_stops_it_makes_it_no_problem() {
    let mut w = world(&["h"]);
    w.sync(Scope::Checked);
    w.input(Input::Stop(StopScope::All));
    exited(&mut w, 1, "signal 15", "bye");
    assert_eq!(problem(&w), None);
}

#[test]
fn others_are_not_disturbed_and_the_failure_is_not_hidden_m_30() {
    let mut w = world(&["bad", "h"]);
    let asked = w.sync(Scope::Checked);
    exited(&mut w, 1, "no such program", "");
    w.list(2, &["A"]);
    w.prepared(2);
    w.completed(2);
    w.exit(2);
    assert_eq!(w.outcome(asked), Some(Out::Failed));
    assert_eq!(w.manager.standing(&at("h", "A"), w.now), Shown::Fresh);
    assert_eq!(verdict(&w), (Shown::Failed, Exit::Failed));
    let verdict = w.manager.verdict(w.now);
    assert_eq!((verdict.failed, verdict.which.len()), (0, 0));
}

#[test]
fn what_is_off_or_paused_spoils_nothing() {
    let mut w = world(&["h"]);
    w.sync(Scope::Checked);
    exited(&mut w, 1, "no such program", "");
    w.input(Input::Enable {
        handler: handler("h"),
        item: None,
        enabled: false,
    });
    assert_eq!(verdict(&w).1, Exit::Good);
    w.input(Input::Enable {
        handler: handler("h"),
        item: None,
        enabled: true,
    });
    assert_eq!(verdict(&w).1, Exit::Failed);
    for scope in [PauseScope::All, PauseScope::Handler(handler("h"))] {
        w.input(Input::Pause {
            scope: scope.clone(),
            until: None,
        });
        assert_eq!(verdict(&w).1, Exit::Good);
        w.input(Input::Resume(scope));
    }
    w.input(Input::HandlerUnregistered(handler("h")));
    assert_eq!(verdict(&w).1, Exit::Good);
}

#[test]
fn a_handler_that_nobody_asked_is_not_known_to_be_in_sync() {
    let mut w = world(&["h", "builtin"]);
    w.input(Input::ItemsAreDefined(handler("builtin")));
    assert_eq!(verdict(&w), (Shown::New, Exit::Warnings));
    assert_eq!(w.manager.verdict(w.now).unasked, [handler("h")]);
    good_run(&mut w, &[]);
    assert_eq!(verdict(&w).1, Exit::Good);
    let after = w.manager.verdict(w.now);
    assert_eq!((after.unasked.len(), after.empty), (0, vec![handler("h")]));
}

#[test]
fn declining_is_an_answer_but_no_list_m_39() {
    let mut w = world(&["h"]);
    w.sync(Scope::Checked);
    exited(&mut w, 1, "no such program", "");
    w.sync(Scope::Checked);
    w.hear(2, InstanceInput::Declined);
    w.exit(2);
    assert_eq!(problem(&w), None);
    w.sync(Scope::Checked);
    w.hear(3, InstanceInput::Initialized(facts(&[])));
    w.hear(3, InstanceInput::ItemsNotListed("busy".to_owned()));
    w.exit(3);
    w.sync(Scope::Checked);
    w.hear(4, InstanceInput::Declined);
    w.exit(4);
    assert_eq!(problem(&w).unwrap().step, FailedStep::List);
}

// 3.13, M-56: what was read counts as a list with gaps, and that is told.
#[test]
fn a_list_that_breaks_off_is_told_and_purges_nothing() {
    let mut w = world(&["h"]);
    good_run(&mut w, &["A", "B"]);
    let asked = w.sync(Scope::Handler(handler("h")));
    let instance = w.last_instance();
    w.hear(instance, InstanceInput::Initialized(facts(&[])));
    w.hear(instance, InstanceInput::ItemsPage(vec![listed("A")]));
    w.hear(instance, InstanceInput::ItemsNotListed("gone".to_owned()));
    w.prepared(instance);
    w.completed(instance);
    w.exit(instance);
    assert_eq!(w.outcome(asked), Some(Out::Warnings));
    assert!(w.ended[1].2.as_ref().unwrap().contains("broke off: gone"));
    assert!(w.manager.item(&at("h", "B")).is_some());
    let told: Vec<String> = logged(&w).into_iter().map(|row| row.text).collect();
    assert_eq!(told, ["its list of items broke off: gone"]);
}

fn pause(w: &mut World, item: &ItemRef, until: Option<Timestamp>) {
    w.input(Input::Pause {
        scope: PauseScope::Item(item.clone()),
        until,
    });
}

fn relist(w: &mut World, items: Vec<ListedItem>) {
    let mut wanted = request(Scope::Handler(handler("h")), Trigger::Manual);
    wanted.work = Work::List;
    w.ask(wanted);
    let instance = w.last_instance();
    w.hear(instance, InstanceInput::Initialized(facts(&[])));
    w.hear(
        instance,
        InstanceInput::ItemsListed {
            items,
            incomplete: false,
        },
    );
    w.exit(instance);
}

// M-55
#[test]
fn an_item_that_is_left_out_once_keeps_what_a_person_chose_except_its_tick() {
    let mut w = world(&["h"]);
    good_run(&mut w, &["A", "B", "C"]);
    let (a, b) = (at("h", "A"), at("h", "B"));
    pause(&mut w, &a, None);
    w.input(Input::Enable {
        handler: handler("h"),
        item: Some(id("B")),
        enabled: false,
    });
    w.input(Input::ItemPreferences {
        item: b.clone(),
        labels: vec!["home".to_owned()],
        checked: Some(false),
        expected_freshness: Some(Duration::from_hours(1)),
    });
    relist(&mut w, vec![listed("C")]);
    assert!(w.manager.item(&a).is_none() && w.manager.item(&b).is_none());
    assert_eq!(w.manager.items().count(), 1);
    relist(&mut w, vec![listed("a"), listed("B"), listed("C")]);
    assert_eq!(w.manager.standing(&a, w.now), Shown::Paused);
    let row = w.manager.item(&b).unwrap();
    assert!(!row.enabled && row.labels.contains("home"));
    assert_eq!(row.expected_freshness, Some(Duration::from_hours(1)));
    assert_eq!((row.tick, row.checked), (None, true));
    let gone = |record: &&Record| matches!(record, Record::AbsentGone(_));
    assert_eq!(w.records.iter().filter(gone).count(), 2);
}

#[test]
fn a_pause_ends_in_its_time_while_its_item_is_absent() {
    let mut w = world(&["h"]);
    good_run(&mut w, &["A"]);
    let until = Timestamp(w.now.0 + 60_000);
    pause(&mut w, &at("h", "A"), Some(until));
    relist(&mut w, vec![]);
    assert_eq!(w.manager.next_deadline(), Some(until));
    w.pass(61);
    relist(&mut w, vec![listed("A")]);
    assert_ne!(w.manager.standing(&at("h", "A"), w.now), Shown::Paused);
}

/// What happens to an absent item.
type Change = fn(&mut World);

// M-57, M-25, M-139
#[test]
fn what_is_really_gone_takes_its_pause_along() {
    let a = at("h", "A");
    let temporary = ListedItem {
        temporary: true,
        ..listed("A")
    };
    let ways: [(&str, Change); 3] = [
        ("it is removed", |w| {
            w.input(Input::ItemRemoved(at("h", "A")))
        }),
        ("it is temporary now", |w| {
            let temporary = ListedItem {
                temporary: true,
                ..listed("A")
            };
            relist(w, vec![temporary]);
        }),
        ("its handler is unregistered", |w| {
            w.input(Input::HandlerUnregistered(handler("h")));
        }),
    ];
    for (way, go) in ways {
        let mut w = world(&["h"]);
        good_run(&mut w, &["A"]);
        pause(&mut w, &a, None);
        relist(&mut w, vec![]);
        assert_eq!(w.manager.pauses().count(), 1, "{way}");
        go(&mut w);
        assert_eq!(w.manager.pauses().count(), 0, "{way}");
    }
    // Nothing is kept of one that was temporary when it went.
    let mut w = world(&["h"]);
    relist(&mut w, vec![temporary]);
    pause(&mut w, &a, None);
    relist(&mut w, vec![]);
    assert_eq!(w.manager.pauses().count(), 0);
}

#[test]
fn absent_items_are_bounded() {
    let mut w = world(&["h"]);
    let names: Vec<String> = (0..=MAX_ABSENT)
        .map(|number| format!("i{number}"))
        .collect();
    relist(&mut w, names.iter().map(|name| listed(name)).collect());
    for name in &names {
        pause(&mut w, &at("h", name), None);
    }
    relist(&mut w, vec![listed("i0")]);
    assert_eq!(w.manager.pauses().count(), MAX_ABSENT + 1);
    w.pass(1);
    relist(&mut w, vec![]);
    assert_eq!(w.manager.pauses().count(), MAX_ABSENT);
    // The one that is absent for the shortest time is kept.
    relist(&mut w, vec![listed("i0")]);
    assert_eq!(w.manager.standing(&at("h", "i0"), w.now), Shown::Paused);
}

#[test]
fn who_asks_without_a_terminal_finds_it_in_the_log() {
    let mut w = world(&["h"]);
    w.input(Input::ItemDefined(handler("h"), listed("A")));
    for (trigger, entries) in [(Trigger::Manual, 1), (Trigger::Schedule, 1)] {
        let mut asked = request(Scope::Handler(handler("h")), trigger);
        asked.may_bother_user = false;
        w.ask(asked);
        let instance = w.last_instance();
        exited(&mut w, instance, "no such program", "");
        assert_eq!(logged(&w).len(), entries, "{trigger:?}");
        assert_eq!(problem(&w).unwrap().last, w.now, "{trigger:?}");
        w.pass(1);
    }
}

// M-52, H-16
#[test]
fn what_is_listed_twice_is_dropped_and_told_once_a_page() {
    let mut w = world(&["h"]);
    w.sync(Scope::Checked);
    spawned(&mut w, 1);
    w.list(1, &["A", "B", "a", "A"]);
    assert_eq!(w.violations(), 1);
    let told = logged(&w).iter().any(|row| {
        row.text == "the handler broke the contract: H-16: a is listed twice; 2 of this page are"
    });
    assert!(told, "{:?}", logged(&w));
    assert_eq!(w.manager.items().count(), 2);
}

#[test]
fn conflicts_that_a_run_changes_are_read_once() {
    let settings = || Settings {
        automatic: true,
        ..Settings::default()
    };
    let keeps = || InstanceInput::Initialized(facts(&[HandlerCapability::ConflictStore]));
    let synced = |changed: Option<ItemId>| {
        let mut w = World::with(settings(), &["h"]);
        w.sync(Scope::Checked);
        w.hear(1, keeps());
        w.listed(1, &["A"]);
        w.prepared(1);
        w.hear(1, InstanceInput::ConflictsChanged(changed));
        w
    };
    let read = |w: &mut World| {
        let items = vec![id("A")];
        let conflicts = Vec::new();
        w.hear(1, InstanceInput::ConflictsListed { items, conflicts });
        w.exit(1);
    };
    // Those of its own items are read at its end, on the same instance.
    let mut w = synced(Some(id("A")));
    w.completed(1);
    read(&mut w);
    assert_eq!(w.last_instance(), 1);
    assert!(w.manager.is_quiet());
    // Others are not, nor is anything of a run that dies.
    let mut w = synced(Some(id("B")));
    w.completed(1);
    read(&mut w);
    assert_eq!(w.last_instance(), 2);
    let mut w = synced(Some(id("A")));
    exited(&mut w, 1, "signal 9", "");
    assert_eq!(w.last_instance(), 2);
    // What changes while they are read may be missed, and is read again.
    let mut w = synced(None);
    w.completed(1);
    read(&mut w);
    assert_eq!(w.last_instance(), 2);
    let mut w = synced(Some(id("A")));
    w.completed(1);
    w.hear(1, InstanceInput::ConflictsChanged(Some(id("A"))));
    read(&mut w);
    assert_eq!(w.last_instance(), 2);
}

/// Handler `h` with items A, B and C, all of whose items the user defined.
fn with_defined() -> World {
    let mut w = World::defined(&[("h", &["A", "B", "C"])]);
    w.input(Input::ItemsAreDefined(handler("h")));
    w.lines.clear();
    w
}

fn listed_ids(w: &World) -> String {
    let ids: Vec<&str> = w.manager.items().map(|row| row.at.item.as_str()).collect();
    ids.join(",")
}

#[test]
fn who_has_defined_items_alone_is_started_for_those_that_were_named() {
    let mut w = with_defined();
    let asked = w.sync(Scope::Items(vec![at("h", "C"), at("h", "B")]));
    assert_eq!(w.lines, ["1 start h Manual user only B,C"]);
    w.run_well(1, &["B", "C"]);
    assert_eq!(w.outcome(asked), Some(Out::Succeeded));
    // A was in no list, and is there as before, at its place.
    assert_eq!(listed_ids(&w), "A,B,C");
    let plain = w.sync(Scope::Checked);
    assert_eq!(w.lines.last().unwrap(), "2 start h Manual user");
    w.run_well(2, &["A", "B", "C"]);
    assert_eq!(w.outcome(plain), Some(Out::Succeeded));
}

#[test]
fn what_a_handler_finds_by_itself_is_listed_wholly() {
    let mut w = World::defined(&[("h", &["A", "B"])]);
    w.sync(Scope::Items(vec![at("h", "A")]));
    assert_eq!(w.lines.last().unwrap(), "1 start h Manual user");
    w.list(1, &["A"]);
    assert_eq!(listed_ids(&w), "A");
}

#[test]
fn what_was_named_and_is_not_listed_is_gone() {
    let mut w = with_defined();
    let asked = w.sync(Scope::Items(vec![at("h", "A"), at("h", "B")]));
    w.list(1, &["B"]);
    assert_eq!(listed_ids(&w), "B,C");
    w.prepared(1);
    w.completed(1);
    w.exit(1);
    assert_eq!(w.outcome(asked), Some(Out::Failed));
}

#[test]
fn a_handler_can_still_do_what_it_can_do_with_other_items() {
    let mut w = with_defined();
    let can = |w: &World| {
        let row = w.manager.handler(&handler("h")).unwrap();
        row.capabilities.contains(&HandlerCapability::Undo)
    };
    w.sync(Scope::Checked);
    let first = InstanceInput::Initialized(facts(&[HandlerCapability::Undo]));
    w.hear(1, first);
    w.listed(1, &["A", "B", "C"]);
    w.prepared(1);
    w.completed(1);
    w.exit(1);
    w.sync(Scope::Items(vec![at("h", "A")]));
    w.run_well(2, &["A"]);
    assert!(can(&w), "of B it was said");
    w.sync(Scope::Checked);
    w.run_well(3, &["A", "B", "C"]);
    assert!(!can(&w), "who knows all items says so of all");
}
