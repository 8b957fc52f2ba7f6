//! Obligations of the manager (mobsync 5.1) that the golden traces do not show, one after the other.

#![allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod world;

use syncmgr_core::input::{
    Began, Completed, Input, InstanceInput, Progress, PropertiesEffect, PropertySheet, StopScope,
};
use syncmgr_core::item::{Failure, HandlerCapability, ItemCapability, ItemStatus as S};
use syncmgr_core::log::{Level, LogRow};
use syncmgr_core::record::Record;
use syncmgr_core::request::{
    PropertyAsk, RefusedRequest, RequestOutcome as Out, Scope, Trigger, Work,
};
use syncmgr_core::{InstanceId, LogId, RequestId, Settings, Show, Timestamp};
use world::{World, at, facts, handler, id, listed, request};

fn world(handlers: &[&str]) -> World {
    World::with(Settings::default(), handlers)
}

/// A and B listed, prepared, synchronizing.
fn syncing() -> (World, RequestId) {
    let mut w = world(&["h"]);
    let request = w.sync(Scope::Checked);
    w.list(1, &["A", "B"]);
    w.prepared(1);
    w.lines.clear();
    (w, request)
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

fn entry(error: Option<&str>, jump: bool) -> InstanceInput {
    InstanceInput::Log {
        level: Level::Error,
        text: "broken".to_owned(),
        item: Some(id("A")),
        detail: None,
        error: error.map(str::to_owned),
        jump,
    }
}

fn modeless(w: &mut World, instance: u64, enable: bool) {
    let reply = w.next_reply();
    w.hear(instance, InstanceInput::EnableModeless { reply, enable });
}

#[test]
fn the_event_and_whether_somebody_is_there_follow_the_trigger() {
    // M-34, M-35, M-37
    for (trigger, bothers) in [
        (Trigger::Manual, true),
        (Trigger::Logon, true),
        (Trigger::Logoff, true),
        (Trigger::Connect, true),
        (Trigger::PendingDisconnect, true),
        (Trigger::Invoke, true),
        (Trigger::Idle, false),
        (Trigger::Schedule, false),
        (Trigger::Retry, false),
    ] {
        let mut w = world(&["h"]);
        w.input(Input::ItemDefined(handler("h"), listed("A")));
        let mut wanted = request(Scope::Handler(handler("h")), trigger);
        // A cookie belongs to programs alone.
        wanted.cookie = Some(vec![7]);
        w.ask(wanted);
        let user = if bothers { " user" } else { "" };
        let cookie = if trigger == Trigger::Invoke {
            " cookie [7]"
        } else {
            ""
        };
        w.expect(&format!("1 start h {trigger:?}{user}{cookie}"));
    }
}

#[test]
fn settings_are_for_sessions_that_only_look() {
    // M-36, M-166
    let mut w = world(&["h"]);
    for work in [Work::Synchronize, Work::List] {
        let mut wanted = request(Scope::Handler(handler("h")), Trigger::Manual);
        wanted.work = work;
        w.ask(wanted);
        let instance = w.last_instance();
        w.list(instance, &["A"]);
        if instance == 1 {
            w.prepared(1);
            w.completed(1);
        }
        w.exit(instance);
    }
    w.expect(
        "1 start h Manual user
         1 list
         1 prepare A
         1 synchronize
         1 release
         2 start h Manual user settings
         2 list
         2 release",
    ); // M-41: and another trigger is another instance
}

#[test]
fn a_failing_initialize_leaves_one_warning_where_somebody_looks() {
    // M-40; one that could not even be started, or cannot say what it has, is an error.
    for (trigger, warnings, spawned) in [
        (Trigger::Manual, 1, true),
        (Trigger::Idle, 0, true),
        (Trigger::Manual, 1, false),
    ] {
        let mut w = world(&["h"]);
        w.input(Input::ItemDefined(handler("h"), listed("A")));
        w.ask(request(Scope::Handler(handler("h")), trigger));
        if spawned {
            w.hear(
                1,
                InstanceInput::Spawned {
                    pid: 7,
                    start_time: 7,
                },
            );
        }
        w.hear(1, InstanceInput::NotInitialized("no library".to_owned()));
        let rows = logged(&w);
        assert_eq!(rows.len(), warnings, "{trigger:?}: {rows:?}");
        let level = if spawned {
            Level::Warning
        } else {
            Level::Error
        };
        assert!(rows.iter().all(|row| row.level == level));
        assert!(w.lines.ends_with(&["1 release".to_owned()]));
    }
}

#[test]
fn a_handler_without_a_name_keeps_its_description() {
    // M-44
    let mut w = world(&["h"]);
    w.sync(Scope::Checked);
    let mut nameless = facts(&[]);
    nameless.name = String::new();
    w.hear(1, InstanceInput::Initialized(nameless));
    assert_eq!(w.manager.handler(&handler("h")).unwrap().name, "h");
}

#[test]
fn the_handlers_own_time_counts_until_a_run_of_ours() {
    // M-53
    let mut w = world(&["h"]);
    let good = |w: &World| w.manager.item(&at("h", "A")).unwrap().last_good;
    let list = |w: &mut World, time: Option<i64>| {
        let mut wanted = request(Scope::Handler(handler("h")), Trigger::Manual);
        wanted.work = Work::List;
        w.ask(wanted);
        let instance = w.last_instance();
        w.hear(instance, InstanceInput::Initialized(facts(&[])));
        let mut item = listed("A");
        item.last_update = time.map(Timestamp);
        w.hear(
            instance,
            InstanceInput::ItemsListed {
                items: vec![item],
                incomplete: false,
            },
        );
        w.exit(instance);
    };
    list(&mut w, None);
    assert_eq!(good(&w), None);
    list(&mut w, Some(500));
    assert_eq!(good(&w), Some(Timestamp(500)));
    list(&mut w, Some(700));
    assert_eq!(good(&w), Some(Timestamp(700)));
    w.sync(Scope::Checked);
    let instance = w.last_instance();
    w.list(instance, &["A"]);
    w.prepared(instance);
    w.completed(instance);
    w.exit(instance);
    list(&mut w, Some(800));
    assert_eq!(good(&w), Some(w.now));
}

#[test]
fn the_tick_is_the_users_where_there_is_one_and_else_the_handlers() {
    // M-58, M-168
    let mut w = world(&["h"]);
    w.sync(Scope::Checked);
    w.list(1, &["A", "-B"]);
    w.expect("1 start h Manual user\n1 list\n1 prepare A");
    w.prepared(1);
    w.completed(1);
    w.exit(1);
    w.lines.clear();
    let check = |item: &str, checked| Input::Check {
        item: at("h", item),
        checked,
    };
    w.input(check("A", false));
    w.input(check("B", true));
    let row = w.manager.item(&at("h", "B")).unwrap().clone();
    assert!(matches!(w.records.last(), Some(Record::Item(last)) if *last == row));
    w.sync(Scope::Checked);
    w.list(2, &["A", "-B"]);
    w.expect("2 start h Manual user\n2 list\n2 prepare B");
}

#[test]
fn a_temporary_item_keeps_no_tick() {
    // M-57
    let mut w = world(&["h"]);
    w.sync(Scope::Checked);
    w.hear(1, InstanceInput::Initialized(facts(&[])));
    let mut temporary = listed("T");
    temporary.temporary = true;
    w.hear(
        1,
        InstanceInput::ItemsListed {
            items: vec![temporary],
            incomplete: false,
        },
    );
    let before = w.records.len();
    w.input(Input::Check {
        item: at("h", "T"),
        checked: false,
    });
    assert_eq!(w.records.len(), before);
    assert!(w.manager.item(&at("h", "T")).unwrap().checked);
}

#[test]
fn a_failed_list_purges_nothing() {
    // M-56
    let mut w = world(&["h"]);
    w.input(Input::ItemDefined(handler("h"), listed("old")));
    let mut wanted = request(Scope::Handler(handler("h")), Trigger::Manual);
    wanted.work = Work::List;
    w.ask(wanted);
    w.hear(1, InstanceInput::Initialized(facts(&[])));
    w.hear(1, InstanceInput::ItemsNotListed("no".to_owned()));
    assert!(w.manager.item(&at("h", "old")).is_some());
}

#[test]
fn an_invoked_session_takes_the_handlers_ticks_and_leaves_the_users() {
    // M-148, M-149, M-157
    let mut w = world(&["h", "other"]);
    w.sync(Scope::Handler(handler("h")));
    w.list(1, &["A", "-B", "C"]);
    w.prepared(1);
    w.completed(1);
    w.exit(1);
    for (item, checked) in [("A", false), ("B", true)] {
        w.input(Input::Check {
            item: at("h", item),
            checked,
        });
    }
    w.lines.clear();
    w.ask(request(Scope::Handler(handler("h")), Trigger::Invoke));
    w.list(2, &["A", "-B", "-C"]);
    w.expect("2 start h Invoke user\n2 list\n2 prepare A");
    let tick = |item: &str| w.manager.item(&at("h", item)).unwrap().tick;
    assert_eq!((tick("A"), tick("B")), (Some(false), Some(true)));
}

#[test]
fn identical_requests_merge_and_those_with_a_cookie_never() {
    // M-156
    let (mut w, first) = syncing();
    let mut cookie = request(Scope::Handler(handler("h")), Trigger::Invoke);
    cookie.cookie = Some(vec![1]);
    let asked = [
        w.sync(Scope::Checked),
        w.sync(Scope::Checked),
        w.ask(cookie.clone()),
        w.ask(cookie),
    ];
    w.completed(1);
    w.exit(1);
    assert!(w.outcome(first).is_some());
    for instance in 2..=4 {
        w.list(instance, &["A", "B"]);
        w.prepared(instance);
        w.completed(instance);
        w.exit(instance);
    }
    for request in asked {
        assert_eq!(w.outcome(request), Some(Out::Succeeded));
    }
    assert!(w.manager.is_idle());
}

#[test]
fn two_instances_of_a_handler_never_run_at_once() {
    // M-86
    let (mut w, _) = syncing();
    w.sync(Scope::Items(vec![at("h", "A")]));
    w.expect("");
    w.completed(1);
    w.expect("1 release"); // and not before its process is gone
    w.exit(1);
    w.expect("2 start h Manual user");
}

#[test]
fn an_item_is_judged_by_its_own_last_status() {
    // M-87
    let mut w = world(&["h"]);
    let request = w.sync(Scope::Checked);
    w.list(1, &["A", "B"]);
    w.prepared(1);
    w.report(1, "A", S::Succeeded);
    w.hear(1, InstanceInput::SynchronizeReturned(Began::Yes));
    w.hear(
        1,
        InstanceInput::SynchronizeCompleted(Completed::Failed {
            reason: "no".to_owned(),
            failure: Failure::Hard,
            retry_after: None,
        }),
    );
    w.exit(1);
    assert_eq!(w.results(), "A Succeeded, B Failed");
    assert_eq!(w.outcome(request), Some(Out::Failed));
}

#[test]
fn progress_answers_only_what_it_may() {
    // M-90, M-91, M-92, M-93, M-101
    let (mut w, _) = syncing();
    w.hear(1, InstanceInput::SynchronizeReturned(Began::Yes));
    w.report_asking(1, "A", S::Updating);
    w.expect("1 = ok");
    w.report_asking(1, "stranger", S::Updating);
    w.expect("1 = CancelItem");
    let reply = w.next_reply();
    let of_the_handler = Progress {
        text: Some("working".to_owned()),
        ..Progress::default()
    };
    w.hear(1, InstanceInput::Progress(of_the_handler, Some(reply)));
    w.expect("1 = ok");
    w.input(Input::Skip(at("h", "A")));
    w.report_asking(1, "A", S::Updating);
    w.report_asking(1, "A", S::Updating);
    w.report_asking(1, "B", S::Updating);
    w.expect("1 item-status A CancelItem\n1 = CancelItem\n1 = CancelItem\n1 = ok");
    w.input(Input::Stop(StopScope::All));
    w.report_asking(1, "A", S::Updating);
    w.report_asking(1, "B", S::Updating);
    w.expect("1 item-status * CancelAll\n1 = CancelAll\n1 = CancelAll");
}

#[test]
fn a_value_is_clamped_and_success_fills_the_bar() {
    // M-99, M-102
    let mut w = world(&["h"]);
    w.input(Input::ItemDefined(handler("h"), listed("A")));
    w.ask(request(Scope::Handler(handler("h")), Trigger::Idle));
    w.list(1, &["A"]);
    w.prepared(1);
    let report = |value: Option<u64>, max: Option<u64>, status: Option<S>| {
        let progress = Progress {
            item: Some(id("A")),
            value,
            max,
            status,
            ..Progress::default()
        };
        InstanceInput::Progress(progress, None)
    };
    let shown = |w: &World| {
        let (_, live) = w.manager.live(&at("h", "A")).unwrap();
        (live.value, live.max)
    };
    w.hear(1, report(Some(7), None, None));
    assert_eq!(shown(&w), (0, 0));
    w.hear(1, report(None, Some(10), None));
    w.hear(1, report(Some(700), None, None));
    assert_eq!(shown(&w), (10, 10));
    w.hear(1, report(Some(3), None, None));
    assert_eq!(shown(&w), (3, 10)); // max may come once
    w.hear(1, report(None, None, Some(S::Succeeded)));
    assert_eq!(shown(&w), (10, 10));
}

#[test]
fn no_window_while_a_stop_is_under_way_and_again_for_a_link_afterwards() {
    // M-116
    let (mut w, _) = syncing();
    w.hear(1, entry(Some("E1"), true));
    w.hear(1, InstanceInput::SynchronizeReturned(Began::Yes));
    w.input(Input::Stop(StopScope::All));
    w.lines.clear();
    modeless(&mut w, 1, true);
    w.expect("1 = modeless false");
    w.hear(1, InstanceInput::SynchronizeCompleted(Completed::Done));
    let show = Input::ShowError {
        instance: InstanceId(1),
        error: "E1".to_owned(),
        request: None,
    };
    w.input(show);
    modeless(&mut w, 1, true);
    w.expect("1 show-error E1\n1 = modeless true");
}

#[test]
fn windows_nest_and_are_given_up_with_the_operation() {
    // M-112, M-114, M-117, M-118
    let mut w = world(&["a", "b"]);
    w.sync(Scope::Checked);
    w.list(1, &["A"]);
    w.list(2, &["B"]);
    w.lines.clear();
    modeless(&mut w, 1, false);
    modeless(&mut w, 1, true);
    modeless(&mut w, 1, true);
    modeless(&mut w, 1, false);
    w.expect("1 = modeless true\n1 = modeless true\n1 = modeless true\n1 = modeless true");
    w.prepared(1); // the preparation ends with one grant still held
    w.lines.clear();
    modeless(&mut w, 2, true);
    w.expect("2 = modeless true");
    modeless(&mut w, 1, true); // out of phase besides
    w.expect("1 = modeless false");
    w.exit(2);
    w.lines.clear();
    modeless(&mut w, 1, true); // the holder is gone
    w.expect("1 = modeless true");
}

#[test]
fn entries_of_the_log_come_one_by_one_and_belong_to_their_instance() {
    // M-120, M-121, M-127, M-128
    let mut w = world(&["a", "b"]);
    w.sync(Scope::Checked);
    w.hear(1, InstanceInput::Initialized(facts(&[])));
    w.hear(2, InstanceInput::Initialized(facts(&[])));
    for instance in [1, 1, 2] {
        w.hear(instance, entry(Some("E1"), false));
    }
    w.hear(1, entry(Some("E2"), false));
    w.hear(1, entry(None, false));
    let rows = logged(&w);
    assert_eq!(rows.len(), 5);
    assert!(rows.iter().all(|row| row.level == Level::Error));
    assert_eq!(rows[0].handler, Some(handler("a")));
    let deleted = |w: &World| match w.records.last() {
        Some(Record::LogDeleted(gone)) => gone.clone(),
        other => panic!("{other:?}"),
    };
    w.hear(1, InstanceInput::DeleteLog(Some("E1".to_owned())));
    assert_eq!(deleted(&w), [rows[0].id, rows[1].id]);
    w.hear(1, InstanceInput::DeleteLog(None));
    assert_eq!(deleted(&w), [rows[3].id, rows[4].id]);
}

#[test]
fn an_entry_is_a_link_when_it_has_a_name_and_the_work_is_done() {
    // M-124, M-126
    let (mut w, _) = syncing();
    for said in [
        entry(None, true),
        entry(Some("E1"), false),
        entry(Some("E2"), true),
    ] {
        w.hear(1, said);
    }
    let entries: Vec<LogId> = logged(&w).iter().map(|row| row.id).collect();
    let links = |w: &World| -> Vec<bool> {
        let link = |id: &LogId| w.manager.link(*id).is_some();
        entries.iter().map(link).collect()
    };
    assert_eq!(links(&w), [false, false, false]); // it still runs
    w.completed(1);
    assert_eq!(links(&w), [false, false, true]);
    w.expect("");
    w.input(Input::Dismiss(entries[2]));
    w.expect("1 release"); // its last link was given up
    assert_eq!(links(&w), [false, false, false]);
}

#[test]
fn a_newer_session_takes_the_links_of_the_one_before() {
    // M-126
    let (mut w, _) = syncing();
    w.hear(1, entry(Some("E1"), true));
    w.completed(1);
    w.expect("");
    w.sync(Scope::Checked);
    w.expect("1 release\n2 start h Manual user");
}

#[test]
fn a_show_error_that_fails_is_over_and_its_entry_stays() {
    // M-129, M-133, M-132
    let (mut w, _) = syncing();
    w.hear(1, entry(Some("E1"), true));
    w.completed(1);
    let show = Input::ShowError {
        instance: InstanceId(1),
        error: "E1".to_owned(),
        request: None,
    };
    w.input(show.clone());
    w.hear(1, InstanceInput::ShowErrorCompleted(vec![id("A")]));
    let no = Began::No("not implemented".to_owned());
    w.hear(1, InstanceInput::ShowErrorReturned(no));
    w.expect("1 show-error E1"); // the return wins, and nothing is tried again
    w.input(show.clone());
    w.expect("1 show-error E1"); // it is a link still
    w.hear(1, InstanceInput::ShowErrorReturned(Began::Yes));
    w.hear(1, InstanceInput::ShowErrorCompleted(Vec::new()));
    w.expect(""); // M-133
    // M-131, M-83: the first completion counts, whatever the second names.
    w.input(show);
    w.hear(1, InstanceInput::ShowErrorCompleted(Vec::new()));
    w.hear(1, InstanceInput::ShowErrorCompleted(vec![id("A")]));
    w.hear(1, InstanceInput::ShowErrorReturned(Began::Yes));
    w.expect("1 show-error E1");
}

// Properties.

fn with_properties(name: &str) -> syncmgr_core::input::ListedItem {
    let mut item = listed(name);
    item.capabilities = vec![ItemCapability::Properties];
    item
}

fn ask_properties(w: &mut World, scope: Scope, ask: PropertyAsk) -> RequestId {
    let mut wanted = request(scope, Trigger::Manual);
    wanted.work = Work::Properties(ask);
    w.ask(wanted)
}

fn list_with_properties(w: &mut World, instance: u64, names: &[&str]) {
    w.hear(
        instance,
        InstanceInput::ItemsListed {
            items: names.iter().map(|name| with_properties(name)).collect(),
            incomplete: false,
        },
    );
}

/// A handler that lists A and B, with properties, and was seen before.
fn known() -> World {
    let mut w = world(&["h"]);
    let mut wanted = request(Scope::Handler(handler("h")), Trigger::Manual);
    wanted.work = Work::List;
    w.ask(wanted);
    let capable = facts(&[HandlerCapability::Properties]);
    w.hear(1, InstanceInput::Initialized(capable));
    list_with_properties(&mut w, 1, &["A", "B"]);
    w.exit(1);
    w.lines.clear();
    w
}

fn open_properties(w: &mut World, scope: Scope, ask: PropertyAsk) -> (RequestId, u64) {
    let request = ask_properties(w, scope, ask);
    let instance = w.last_instance();
    let capable = facts(&[HandlerCapability::Properties]);
    w.hear(instance, InstanceInput::Initialized(capable));
    list_with_properties(w, instance, &["A", "B"]);
    (request, instance)
}

fn item(name: &str) -> Scope {
    Scope::Items(vec![at("h", name)])
}

#[test]
fn g_13_properties_change_the_items() {
    // G-13, M-137, M-140
    let mut w = known();
    w.input(Input::Check {
        item: at("h", "A"),
        checked: false,
    });
    let (request, _) = open_properties(&mut w, item("A"), PropertyAsk::Show);
    w.hear(2, InstanceInput::ShowPropertiesReturned(Began::Yes));
    w.expect("2 start h Manual user settings\n2 list\n2 show-properties A");
    let second = Work::Properties(PropertyAsk::Read);
    let mut again = world::request(item("B"), Trigger::Manual);
    again.work = second;
    assert_eq!(
        w.manager.check_request(&again),
        Err(RefusedRequest::PropertiesOpen)
    ); // M-137
    w.hear(
        2,
        InstanceInput::ShowPropertiesCompleted(PropertiesEffect::EnumerateItems),
    );
    w.expect("2 list");
    list_with_properties(&mut w, 2, &["A", "C"]);
    w.expect("2 release");
    w.exit(2);
    assert_eq!(w.outcome(request), Some(Out::Succeeded));
    let row = |name: &str| w.manager.item(&at("h", name));
    assert_eq!(row("A").unwrap().tick, Some(false));
    assert!(row("B").is_none() && row("C").is_some());
    assert_eq!(w.violations(), 0);
}

#[test]
fn properties_are_offered_only_where_there_are_some() {
    // M-135, M-136
    let mut w = world(&["h"]);
    let mut wanted = request(Scope::Handler(handler("h")), Trigger::Manual);
    wanted.work = Work::List;
    w.ask(wanted);
    w.list(1, &["A"]);
    w.exit(1);
    for scope in [item("A"), Scope::Handler(handler("h"))] {
        let mut wanted = request(scope.clone(), Trigger::Manual);
        wanted.work = Work::Properties(PropertyAsk::Show);
        assert_eq!(
            w.manager.check_request(&wanted),
            Err(RefusedRequest::NotOffered),
            "{scope:?}"
        );
    }
    // What was said of itself before no longer holds: nothing is called.
    let mut w = known();
    let request = ask_properties(&mut w, item("A"), PropertyAsk::Show);
    w.list(2, &["A"]);
    w.expect("2 start h Manual user settings\n2 list\n2 release");
    w.exit(2);
    assert_eq!(w.outcome(request), Some(Out::Failed));
}

#[test]
fn properties_may_complete_before_their_return_and_fail_by_it() {
    // M-138
    let mut w = known();
    let (request, _) = open_properties(&mut w, item("A"), PropertyAsk::Show);
    w.lines.clear();
    let done = InstanceInput::ShowPropertiesCompleted(PropertiesEffect::Unchanged);
    w.hear(2, done.clone());
    w.expect("");
    w.hear(2, InstanceInput::ShowPropertiesReturned(Began::Yes));
    w.expect("2 release");
    w.exit(2);
    assert_eq!(w.outcome(request), Some(Out::Succeeded));
    let (request, _) = open_properties(&mut w, item("A"), PropertyAsk::Show);
    w.lines.clear();
    w.hear(
        3,
        InstanceInput::ShowPropertiesCompleted(PropertiesEffect::ItemDeleted),
    );
    let no = Began::No("no window".to_owned());
    w.hear(3, InstanceInput::ShowPropertiesReturned(no));
    w.expect("3 release"); // the return wins (3.3)
    w.hear(3, done);
    w.exit(3);
    assert_eq!(w.outcome(request), Some(Out::Failed));
    assert!(w.manager.item(&at("h", "A")).is_some());
    assert_eq!(w.violations(), 0);
}

#[test]
fn a_deleted_item_goes_with_its_preferences_and_of_the_handler_it_means_to_look_again() {
    // M-139, M-141
    let mut w = known();
    let (_, instance) = open_properties(&mut w, item("A"), PropertyAsk::Show);
    w.lines.clear();
    w.hear(instance, InstanceInput::ShowPropertiesReturned(Began::Yes));
    w.hear(
        instance,
        InstanceInput::ShowPropertiesCompleted(PropertiesEffect::ItemDeleted),
    );
    w.expect("2 release");
    w.exit(instance);
    assert!(w.manager.item(&at("h", "A")).is_none());
    assert!(
        w.records
            .iter()
            .any(|record| matches!(record, Record::ItemGone(gone) if *gone == at("h", "A")))
    );
    let scope = Scope::Handler(handler("h"));
    let (_, instance) = open_properties(&mut w, scope, PropertyAsk::Show);
    w.lines.clear();
    w.hear(instance, InstanceInput::ShowPropertiesReturned(Began::Yes));
    w.hear(
        instance,
        InstanceInput::ShowPropertiesCompleted(PropertiesEffect::ItemDeleted),
    );
    w.expect("3 list");
    let before = w.manager.items().count();
    list_with_properties(&mut w, 3, &["A", "B"]);
    w.exit(3);
    // M-141: any other value leaves the list as it is.
    let (_, instance) = open_properties(&mut w, item("A"), PropertyAsk::Show);
    w.lines.clear();
    w.hear(instance, InstanceInput::ShowPropertiesReturned(Began::Yes));
    w.hear(
        instance,
        InstanceInput::ShowPropertiesCompleted(PropertiesEffect::Unchanged),
    );
    w.expect("4 release");
    assert_eq!(w.manager.items().count(), before);
}

#[test]
fn properties_as_data_come_to_who_asked() {
    let mut w = known();
    let ask = PropertyAsk::Write("{\"keep\":3}".to_owned());
    let (request, _) = open_properties(&mut w, item("B"), ask);
    w.expect("2 start h Manual user settings\n2 list\n2 properties B {\"keep\":3}");
    let sheet = PropertySheet {
        schema: "{}".to_owned(),
        values: "{\"keep\":3}".to_owned(),
        definition: None,
        effect: PropertiesEffect::Unchanged,
    };
    w.hear(2, InstanceInput::PropertiesRead(Ok(sheet.clone())));
    w.expect("2 release");
    w.exit(2);
    assert_eq!(w.outcome(request), Some(Out::Succeeded));
    let shown = matches!(
        &w.properties[..],
        [Show::Properties { request: of, sheet: Some(got), .. }] if *of == request && *got == sheet
    );
    assert!(shown, "{:?}", w.properties);
    let (request, _) = open_properties(&mut w, item("B"), PropertyAsk::Read);
    w.hear(3, InstanceInput::PropertiesRead(Err("no".to_owned())));
    w.exit(3);
    assert_eq!(w.outcome(request), Some(Out::Failed));
}

#[test]
fn properties_wait_for_no_run_and_hold_up_none() {
    // M-63, M-89: on an instance of their own while a run is on, on the kept one afterwards
    let mut w = known();
    w.sync(Scope::Checked);
    w.hear(
        2,
        InstanceInput::Initialized(facts(&[HandlerCapability::Properties])),
    );
    list_with_properties(&mut w, 2, &["A", "B"]);
    w.prepared(2);
    w.hear(2, entry(Some("E1"), true));
    let (request, _) = open_properties(&mut w, item("A"), PropertyAsk::Show);
    w.lines.clear();
    w.completed(2);
    w.hear(3, InstanceInput::ShowPropertiesReturned(Began::Yes));
    modeless(&mut w, 3, true); // also without a run
    w.hear(
        3,
        InstanceInput::ShowPropertiesCompleted(PropertiesEffect::Unchanged),
    );
    w.expect("3 = modeless true\n3 release");
    w.exit(3);
    assert_eq!(w.outcome(request), Some(Out::Succeeded));
    // Kept for its link, it is asked itself, and goes on being kept.
    let request = ask_properties(&mut w, item("A"), PropertyAsk::Show);
    w.expect("2 show-properties A");
    w.hear(2, InstanceInput::ShowPropertiesReturned(Began::Yes));
    w.hear(
        2,
        InstanceInput::ShowPropertiesCompleted(PropertiesEffect::EnumerateItems),
    );
    w.expect("2 list");
    list_with_properties(&mut w, 2, &["A"]);
    w.expect("");
    assert_eq!(w.outcome(request), Some(Out::Succeeded));
    let link = logged(&w).iter().find(|row| row.jump).unwrap().id;
    assert!(w.manager.link(link).is_some());
    w.pass(300);
    w.expect("2 release");
}

#[test]
fn properties_may_show_windows_although_nobody_is_asked_otherwise() {
    // M-115's sibling in 3.5.5: also in a session that is not interactive; M-83: the first completion counts
    let mut w = known();
    let mut wanted = request(item("A"), Trigger::Manual);
    wanted.work = Work::Properties(PropertyAsk::Show);
    wanted.may_bother_user = false;
    w.ask(wanted);
    w.hear(2, InstanceInput::Initialized(facts(&[])));
    list_with_properties(&mut w, 2, &["A"]);
    w.expect("2 start h Manual settings\n2 list\n2 show-properties A");
    modeless(&mut w, 2, true);
    w.expect("2 = modeless true");
    for effect in [PropertiesEffect::Unchanged, PropertiesEffect::ItemDeleted] {
        w.hear(2, InstanceInput::ShowPropertiesCompleted(effect));
    }
    w.hear(2, InstanceInput::ShowPropertiesReturned(Began::Yes));
    w.expect("2 release");
    assert!(w.manager.item(&at("h", "A")).is_some());
}

#[test]
fn death_and_stop_end_properties() {
    let mut w = known();
    let (request, _) = open_properties(&mut w, item("A"), PropertyAsk::Show);
    w.exit(2);
    assert_eq!(w.outcome(request), Some(Out::Failed));
    let (request, _) = open_properties(&mut w, item("A"), PropertyAsk::Show);
    w.lines.clear();
    w.input(Input::Stop(StopScope::All));
    w.pass(30); // M-111
    w.expect("3 release\n3 insist");
    assert!(w.outcome(request).is_some());
    w.exit(3);
    assert!(w.manager.is_idle() && w.manager.is_quiet());
}

// Connections.

#[test]
fn a_breach_is_recorded_with_its_number() {
    // M-84
    let (mut w, _) = syncing();
    w.hear(1, InstanceInput::ShowErrorCompleted(Vec::new()));
    w.hear(1, InstanceInput::Initialized(facts(&[])));
    w.report(1, "stranger", S::Updating);
    w.report(1, "A", S::Failed);
    w.report(1, "A", S::Succeeded);
    w.hear(
        1,
        InstanceInput::ItemsListed {
            items: Vec::new(),
            incomplete: false,
        },
    );
    let texts: Vec<String> = logged(&w).into_iter().map(|row| row.text).collect();
    for (text, number) in texts.iter().zip(["M-84", "M-31", "H-31", "H-39", "M-47"]) {
        assert!(
            text.starts_with(&format!("the handler broke the contract: {number}: ")),
            "{number}: {text}"
        );
    }
    assert_eq!(texts.len(), 5);
}

#[test]
fn an_instance_that_is_asked_again_is_in_one_session_m_63() {
    let mut w = world(&["h", "other"]);
    w.sync(Scope::Checked);
    w.list(1, &["A"]);
    w.list(2, &["B"]);
    w.hear(1, entry(Some("E"), true));
    w.prepared(1);
    w.prepared(2);
    w.completed(1);
    // Its session goes on: the other handler works.
    let mut properties = request(Scope::Handler(handler("h")), Trigger::Manual);
    properties.work = Work::Properties(PropertyAsk::Read);
    w.ask(properties);
    let of_h = w
        .manager
        .sessions()
        .flat_map(|session| session.instances)
        .filter(|instance| *instance.handler == handler("h"));
    assert_eq!(of_h.count(), 1);
}
