//! The golden traces of `mobsync` appendix A as scripted conversations, as far as they concern decisions. Each line of
//! an expectation is one command to the host, with the number of its instance.

#![allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod world;

use syncmgr_core::input::{Began, Completed, Input, InstanceInput, StopScope};
use syncmgr_core::item::{Failure, HandlerCapability, ItemStatus as S};
use syncmgr_core::log::Level;
use syncmgr_core::record::Record;
use syncmgr_core::request::{RequestOutcome as Out, Scope, Trigger, Work};
use syncmgr_core::run::RunOutcome;
use syncmgr_core::{EventKind, InstanceId, Settings};
use world::{World, at, facts, handler, request};

fn settings() -> Settings {
    Settings::default()
}

/// One handler, A and B listed, prepared, synchronizing.
fn syncing() -> (World, syncmgr_core::RequestId) {
    let mut w = World::with(settings(), &["h"]);
    let request = w.sync(Scope::Checked);
    w.list(1, &["A", "B"]);
    w.prepared(1);
    w.expect(
        "1 start h Manual user
         1 list
         1 prepare A,B
         1 synchronize",
    );
    (w, request)
}

fn no(reason: &str) -> Began {
    Began::No(reason.to_owned())
}

#[test]
fn g_01_manual_asynchronous_two_items() {
    let (mut w, request) = syncing();
    w.hear(1, InstanceInput::SynchronizeReturned(Began::Yes));
    w.report(1, "A", S::Updating);
    w.report(1, "A", S::Succeeded);
    w.report(1, "B", S::Succeeded);
    w.expect("");
    w.hear(1, InstanceInput::SynchronizeCompleted(Completed::Done));
    w.expect("1 release");
    assert_eq!(w.outcome(request), None, "the process still lives");
    w.exit(1);
    w.expect("");
    assert_eq!(w.outcome(request), Some(Out::Succeeded));
    assert_eq!(w.results(), "A Succeeded, B Succeeded");
    assert!(w.manager.is_idle() && w.manager.is_quiet());
    let good = w.manager.item(&at("h", "A")).unwrap().last_good;
    assert_eq!(good, Some(w.now));
}

#[test]
fn g_02_everything_inside_the_methods() {
    let mut w = World::with(settings(), &["h"]);
    let request = w.sync(Scope::Checked);
    w.list(1, &["A"]);
    w.hear(1, InstanceInput::PrepareCompleted(Completed::Done));
    w.expect("1 start h Manual user\n1 list\n1 prepare A"); // M-73: not before the return
    w.hear(1, InstanceInput::PrepareReturned(Began::Yes));
    w.expect("1 synchronize");
    w.hear(1, InstanceInput::SynchronizeCompleted(Completed::Done));
    w.expect("");
    w.hear(1, InstanceInput::SynchronizeReturned(Began::Yes));
    w.expect("1 release");
    w.exit(1);
    assert_eq!(w.outcome(request), Some(Out::Succeeded)); // 3.4.8: the rest takes the outcome
    assert_eq!(w.violations(), 0);
}

#[test]
fn g_03_not_for_me() {
    let mut w = World::with(settings(), &["h"]);
    let request = w.sync(Scope::Checked);
    w.hear(1, InstanceInput::Declined);
    w.expect("1 start h Manual user\n1 release"); // M-39
    w.exit(1);
    assert_eq!(w.outcome(request), Some(Out::Nothing));
    assert!(
        !w.records
            .iter()
            .any(|r| matches!(r, Record::Log(_) | Record::Run(_)))
    );
}

#[test]
fn g_04_nothing_ticked() {
    let mut w = World::with(settings(), &["h"]);
    let request = w.sync(Scope::Checked);
    w.list(1, &["-A", "-B"]);
    w.expect("1 start h Manual user\n1 list\n1 release"); // M-68
    w.exit(1);
    assert_eq!(w.outcome(request), Some(Out::Nothing));
}

#[test]
fn g_05_preparation_fails_twice() {
    let mut w = World::with(settings(), &["h"]);
    let request = w.sync(Scope::Checked);
    w.list(1, &["A"]);
    w.hear(
        1,
        InstanceInput::PrepareCompleted(Completed::Failed {
            reason: "out of memory".to_owned(),
            failure: Failure::Soft,
            retry_after: None,
        }),
    );
    w.hear(1, InstanceInput::PrepareReturned(no("out of memory")));
    w.expect("1 start h Manual user\n1 list\n1 prepare A\n1 release"); // M-71, M-72, M-75
    w.exit(1);
    assert_eq!(w.outcome(request), Some(Out::Failed));
    assert_eq!(w.results(), "A Failed");
    let closed = w
        .events()
        .filter(|event| matches!(event, EventKind::RunClosed { .. }))
        .count();
    assert_eq!(closed, 1);
}

#[test]
fn g_06_failure_without_completion() {
    let (mut w, request) = syncing();
    w.report(1, "A", S::Failed);
    w.hear(1, InstanceInput::SynchronizeReturned(no("it broke")));
    w.expect("1 release"); // M-82
    w.exit(1);
    assert_eq!(w.outcome(request), Some(Out::Failed));
    assert_eq!(w.results(), "A Failed, B Failed");
}

#[test]
fn g_07_skip_one_of_two() {
    let (mut w, request) = syncing();
    w.hear(1, InstanceInput::SynchronizeReturned(Began::Yes));
    w.input(Input::Skip(at("h", "A")));
    w.expect("1 item-status A CancelItem");
    w.input(Input::Skip(at("h", "A")));
    w.expect(""); // M-107: once
    w.report_asking(1, "A", S::Updating);
    w.report_asking(1, "A", S::Skipped);
    w.report_asking(1, "B", S::Updating);
    w.report_asking(1, "B", S::Succeeded);
    w.expect("1 = CancelItem\n1 = CancelItem\n1 = ok\n1 = ok"); // M-92
    w.hear(1, InstanceInput::SynchronizeCompleted(Completed::Done));
    w.exit(1);
    w.expect("1 release");
    assert_eq!(w.results(), "A Skipped, B Succeeded");
    assert_eq!(w.outcome(request), Some(Out::Succeeded));
}

#[test]
fn g_08_skip_while_the_handler_is_inside_synchronize() {
    let (mut w, _) = syncing();
    w.input(Input::Skip(at("h", "A")));
    w.expect(""); // M-105: no window yet
    w.report_asking(1, "A", S::Updating);
    w.expect("1 = CancelItem");
    w.hear(1, InstanceInput::SynchronizeReturned(Began::Yes));
    w.expect("1 item-status A CancelItem"); // M-106
    w.hear(1, InstanceInput::SynchronizeCompleted(Completed::Done));
    assert_eq!(w.results(), "A Skipped, B Succeeded"); // 3.4.8: A said nothing more
}

#[test]
fn a_skip_is_told_once_in_whatever_window_m_107() {
    let mut w = World::with(settings(), &["h"]);
    w.sync(Scope::Checked);
    w.list(1, &["A", "B"]);
    w.hear(1, InstanceInput::PrepareReturned(Began::Yes));
    w.input(Input::Skip(at("h", "A")));
    w.hear(1, InstanceInput::PrepareCompleted(Completed::Done));
    w.hear(1, InstanceInput::SynchronizeReturned(Began::Yes));
    w.lines.drain(..3);
    w.expect("1 item-status A CancelItem\n1 synchronize");
}

#[test]
fn everything_skipped_before_synchronize_3_4_8() {
    let mut w = World::with(settings(), &["a", "b"]);
    let request = w.sync(Scope::Checked);
    w.list(1, &["A"]);
    w.list(2, &["B"]);
    w.prepared(1);
    w.input(Input::Skip(at("a", "A")));
    w.prepared(2);
    w.lines.drain(..w.lines.len() - 2);
    w.expect("1 release\n2 synchronize");
    w.completed(2);
    w.exit(1);
    w.exit(2);
    assert_eq!(w.results(), "A Skipped, B Succeeded");
    assert_eq!(w.outcome(request), Some(Out::Skipped)); // the worst of its handlers (3.6)
}

#[test]
fn what_the_host_ended_says_why() {
    let (mut w, _) = syncing();
    w.hear(
        1,
        InstanceInput::Violation("a line of more than 4 MiB".to_owned()),
    );
    w.exit(1);
    let problem = w.records.iter().rev().find_map(|record| match record {
        Record::Run(row) => row.problem.clone(),
        _ => None,
    });
    assert!(problem.unwrap().contains("a line of more than 4 MiB"));
    assert_eq!(w.results(), "A Failed, B Failed");
}

#[test]
fn g_09_stop() {
    let (mut w, request) = syncing();
    w.hear(1, InstanceInput::SynchronizeReturned(Began::Yes));
    w.input(Input::Stop(StopScope::Request(request)));
    w.expect("1 item-status * CancelAll"); // M-109
    w.report_asking(1, "A", S::Stopped);
    w.report_asking(1, "B", S::Updating);
    w.expect("1 = CancelAll\n1 = CancelAll"); // M-93
    w.hear(1, InstanceInput::SynchronizeCompleted(Completed::Done));
    w.exit(1);
    w.expect("1 release");
    assert_eq!(w.results(), "A Stopped, B Stopped");
    assert_eq!(w.outcome(request), Some(Out::Stopped));
}

#[test]
fn stop_of_a_prepared_instance_releases_it_m_110() {
    let mut w = World::with(settings(), &["a", "b"]);
    let request = w.sync(Scope::Checked);
    w.list(1, &["A"]);
    w.list(2, &["B"]);
    w.prepared(1);
    w.lines.clear();
    w.input(Input::Stop(StopScope::All));
    w.hear(2, InstanceInput::PrepareReturned(Began::Yes));
    w.expect("1 release\n2 item-status * CancelAll");
    w.hear(2, InstanceInput::PrepareCompleted(Completed::Done));
    w.expect("2 release"); // no synchronize
    w.exit(1);
    w.exit(2);
    assert_eq!(w.outcome(request), Some(Out::Stopped));
}

#[test]
fn an_instance_that_ignores_stop_is_abandoned_m_111() {
    let (mut w, request) = syncing();
    w.hear(1, InstanceInput::SynchronizeReturned(Began::Yes));
    w.input(Input::Stop(StopScope::All));
    w.lines.clear();
    w.pass(29);
    w.expect("");
    w.pass(1);
    w.expect("1 release\n1 insist");
    assert_eq!(w.outcome(request), Some(Out::Stopped));
    assert_eq!(w.results(), "A Stopped, B Stopped");
    w.report(1, "A", S::Succeeded); // nobody listens
    w.exit(1);
    assert_eq!(w.results(), "A Stopped, B Stopped");
    assert!(w.manager.is_quiet());
}

#[test]
fn a_second_stop_insists() {
    let (mut w, request) = syncing();
    w.hear(1, InstanceInput::SynchronizeReturned(Began::Yes));
    w.input(Input::Stop(StopScope::All));
    w.lines.clear();
    w.input(Input::Stop(StopScope::All));
    w.expect("1 release\n1 insist");
    w.input(Input::Stop(StopScope::All));
    w.expect("1 insist");
    w.exit(1);
    assert_eq!(w.outcome(request), Some(Out::Stopped));
}

#[test]
fn g_10_two_handlers_want_a_window() {
    let mut w = World::with(settings(), &["a", "b"]);
    w.sync(Scope::Checked);
    w.list(1, &["A"]);
    w.list(2, &["B"]);
    w.prepared(1);
    w.prepared(2);
    w.lines.clear();
    let ask = |w: &mut World, instance, enable| {
        let reply = w.next_reply();
        w.hear(instance, InstanceInput::EnableModeless { reply, enable });
    };
    // M-119: which run only stops meanwhile.
    let windows = |w: &World| {
        [1, 2].map(|id| {
            let run = w.manager.instance(InstanceId(id)).unwrap().run().unwrap();
            w.manager.has_window(run.id)
        })
    };
    assert_eq!((windows(&w), w.windows), ([false, false], 0));
    ask(&mut w, 1, true);
    ask(&mut w, 2, true);
    assert_eq!((windows(&w), w.windows), ([true, false], 1));
    ask(&mut w, 1, false);
    assert_eq!((windows(&w), w.windows), ([false, false], 2));
    ask(&mut w, 2, true);
    assert_eq!((windows(&w), w.windows), ([false, true], 3));
    w.expect(
        "1 = modeless true
         2 = modeless false
         1 = modeless true
         2 = modeless true",
    ); // M-112, M-114, M-117
    w.completed(2);
    ask(&mut w, 1, true);
    w.expect("2 release\n1 = modeless true"); // M-118
}

#[test]
fn g_11_idle_window_refused() {
    let mut w = World::with(settings(), &["h"]);
    w.input(Input::ItemDefined(handler("h"), world::listed("A")));
    let id = w.ask(request(Scope::Checked, Trigger::Idle));
    w.list(1, &["A"]);
    let reply = w.next_reply();
    w.hear(
        1,
        InstanceInput::EnableModeless {
            reply,
            enable: true,
        },
    );
    w.hear(1, InstanceInput::PrepareReturned(Began::NeedsUser));
    w.expect(
        "1 start h Idle
         1 list
         1 prepare A
         1 = modeless false
         1 release",
    ); // M-35, M-113, M-76
    w.exit(1);
    assert_eq!(w.results(), "A Failed");
    assert_eq!(w.outcome(id), Some(Out::Failed));
    let warnings = w
        .records
        .iter()
        .filter(|r| matches!(r, Record::Log(row) if row.level == Level::Warning))
        .count();
    assert_eq!(warnings, 1);
}

#[test]
fn g_12_error_jump_retry() {
    let (mut w, id) = syncing();
    w.hear(
        1,
        InstanceInput::Log {
            level: Level::Error,
            text: "broken".to_owned(),
            item: Some(world::id("A")),
            detail: None,
            error: Some("E1".to_owned()),
            jump: true,
        },
    );
    let show = Input::ShowError {
        instance: InstanceId(1),
        error: "E1".to_owned(),
        request: None,
    };
    w.input(show.clone());
    w.expect(""); // not before the run is over
    w.report(1, "A", S::Failed);
    w.report(1, "B", S::Succeeded);
    w.completed(1);
    w.expect(""); // M-126: kept
    assert_eq!(w.outcome(id), Some(Out::Failed)); // M-88
    w.input(show);
    w.expect("1 show-error E1"); // M-125
    let reply = w.next_reply();
    w.hear(
        1,
        InstanceInput::EnableModeless {
            reply,
            enable: true,
        },
    );
    w.expect("1 = modeless true"); // M-115
    w.hear(1, InstanceInput::ShowErrorReturned(Began::Yes));
    w.hear(1, InstanceInput::DeleteLog(Some("E1".to_owned())));
    w.hear(1, InstanceInput::ShowErrorCompleted(vec![world::id("A")]));
    w.expect("1 prepare A"); // M-130
    w.prepared(1);
    w.expect("1 synchronize");
    w.report(1, "A", S::Succeeded);
    w.completed(1);
    w.expect("1 release");
    w.exit(1);
    assert_eq!(w.results(), "A Succeeded, B Succeeded"); // M-134
    assert_eq!(w.violations(), 0);
    assert!(w.manager.is_idle() && w.manager.is_quiet());
}

#[test]
fn death_while_a_link_is_shown_fails_nothing() {
    let (mut w, _) = syncing();
    w.hear(
        1,
        InstanceInput::Log {
            level: Level::Warning,
            text: "odd".to_owned(),
            item: None,
            detail: None,
            error: Some("E1".to_owned()),
            jump: true,
        },
    );
    w.completed(1);
    w.input(Input::ShowError {
        instance: InstanceId(1),
        error: "E1".to_owned(),
        request: None,
    });
    w.expect("1 show-error E1");
    w.exit(1);
    assert_eq!(w.results(), "A Succeeded, B Succeeded");
    let runs = w
        .events()
        .filter(|event| matches!(event, EventKind::RunOpened { .. }))
        .count();
    assert_eq!(runs, 1);
    assert!(w.manager.is_quiet());
}

#[test]
fn links_do_not_keep_an_instance_for_ever() {
    let (mut w, _) = syncing();
    w.hear(
        1,
        InstanceInput::Log {
            level: Level::Error,
            text: "broken".to_owned(),
            item: None,
            detail: None,
            error: Some("E1".to_owned()),
            jump: true,
        },
    );
    w.completed(1);
    w.expect("");
    assert_eq!(
        w.manager.next_deadline().map(|at| at.0),
        Some(w.now.0 + 300_000)
    );
    w.pass(300);
    w.expect("1 release");
    w.exit(1);
    assert_eq!(w.manager.next_deadline(), None);
}

#[test]
fn g_14_invoke_with_cookie() {
    let mut w = World::with(settings(), &["h"]);
    let mut invoke = request(Scope::Handler(handler("h")), Trigger::Invoke);
    invoke.cookie = Some(vec![1, 2, 3]);
    w.input(Input::ItemDefined(handler("h"), world::listed("old")));
    let id = w.ask(invoke);
    w.list(1, &["A", "B"]);
    w.expect(
        "1 start h Invoke user cookie [1, 2, 3]
         1 list
         1 prepare A,B",
    ); // M-38
    assert!(
        w.manager.item(&at("h", "old")).is_some(),
        "M-56: purges nothing"
    );
    w.prepared(1);
    w.completed(1);
    w.exit(1);
    assert_eq!(w.outcome(id), Some(Out::Succeeded));
}

#[test]
fn g_15_settings() {
    let mut w = World::with(settings(), &["h"]);
    let mut list = request(Scope::Handler(handler("h")), Trigger::Manual);
    list.work = Work::List;
    let id = w.ask(list);
    w.list(1, &["A"]);
    w.expect("1 start h Manual user settings\n1 list\n1 release"); // M-166
    w.exit(1);
    assert_eq!(w.outcome(id), Some(Out::Succeeded));
}

#[test]
fn g_17_two_threads_complete() {
    let (mut w, id) = syncing();
    w.completed(1);
    w.hear(1, InstanceInput::SynchronizeCompleted(Completed::Done));
    w.expect("1 release"); // M-83
    w.exit(1);
    assert_eq!(w.outcome(id), Some(Out::Succeeded));
    assert_eq!(w.violations(), 0);
}

#[test]
fn a_completion_never_started_is_a_violation_m_84() {
    let mut w = World::with(settings(), &["h"]);
    w.sync(Scope::Checked);
    w.hear(1, InstanceInput::SynchronizeCompleted(Completed::Done));
    w.hear(1, InstanceInput::PrepareReturned(Began::Yes));
    w.expect("1 start h Manual user");
    assert_eq!(w.violations(), 2);
}

#[test]
fn the_barrier_m_77_m_78_m_85() {
    let mut w = World::with(settings(), &["a", "b", "c"]);
    let id = w.sync(Scope::Checked);
    w.list(2, &["B"]);
    w.expect(
        "1 start a Manual user
         2 start b Manual user
         3 start c Manual user
         2 list",
    ); // 3.2: one after another, in order
    w.list(1, &["A"]);
    w.list(3, &["C"]);
    w.expect("1 list\n1 prepare A\n3 list");
    w.hear(1, InstanceInput::PrepareReturned(no("it cannot")));
    w.expect("1 release\n2 prepare B"); // M-78
    w.prepared(2);
    w.expect("3 prepare C");
    w.prepared(3);
    w.expect("2 synchronize\n3 synchronize");
    w.completed(2);
    w.completed(3);
    w.expect("2 release\n3 release");
    for instance in 1..=3 {
        w.exit(instance);
    }
    assert_eq!(w.outcome(id), Some(Out::Failed));
    assert_eq!(w.results(), "A Failed, B Succeeded, C Succeeded");
}

#[test]
fn death_at_every_phase_ends_the_run_and_the_request() {
    for phase in 0..5 {
        let mut w = World::with(settings(), &["h"]);
        w.input(Input::ItemDefined(handler("h"), world::listed("A")));
        let id = w.sync(Scope::Checked);
        if phase > 0 {
            w.hear(1, InstanceInput::Initialized(facts(&[])));
        }
        if phase > 1 {
            w.listed(1, &["A"]);
        }
        if phase > 2 {
            w.prepared(1);
        }
        if phase > 3 {
            w.report(1, "A", S::Updating);
        }
        w.lines.clear();
        w.hear(
            1,
            InstanceInput::Exited {
                how: "killed by signal 9".to_owned(),
                requested: false,
                stderr: "oh no".to_owned(),
            },
        );
        w.expect("");
        assert_eq!(w.outcome(id), Some(Out::Failed), "phase {phase}");
        assert_eq!(w.results(), "A Failed", "phase {phase}");
        let run = w.records.iter().rev().find_map(|record| match record {
            Record::Run(row) => Some(row.clone()),
            _ => None,
        });
        let run = run.unwrap();
        assert_eq!(run.outcome, RunOutcome::Failed);
        assert_eq!(run.stderr, "oh no");
        assert!(run.problem.unwrap().contains("killed by signal 9"));
        let item = w.manager.item(&at("h", "A")).unwrap();
        assert_eq!(item.retry.map(|retry| retry.attempt), Some(0)); // soft
        assert!(w.manager.is_quiet() && w.manager.is_idle());
    }
}

#[test]
fn conflicts_are_read_before_the_run_is_closed() {
    let mut w = World::with(settings(), &["h"]);
    let id = w.sync(Scope::Checked);
    w.hear(
        1,
        InstanceInput::Initialized(facts(&[HandlerCapability::ConflictStore])),
    );
    w.listed(1, &["A"]);
    w.prepared(1);
    w.completed(1);
    w.lines.remove(0);
    w.expect("1 list\n1 prepare A\n1 synchronize\n1 conflicts A");
    let conflict = syncmgr_core::conflict::ConflictRow {
        id: "c".to_owned(),
        item: at("h", "A"),
        name: "x".to_owned(),
        summary: "both changed".to_owned(),
        found: w.now,
        versions: Vec::new(),
        choices: Vec::new(),
    };
    w.hear(
        1,
        InstanceInput::ConflictsListed {
            items: vec![world::id("A")],
            conflicts: vec![conflict],
        },
    );
    w.expect("1 release");
    w.exit(1);
    assert_eq!(w.outcome(id), Some(Out::NeedsYou));
    assert_eq!(w.manager.conflict_count(&at("h", "A")), 1);
}
