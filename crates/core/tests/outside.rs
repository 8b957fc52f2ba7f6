//! Sessions that somebody outside opens and reports into: how they end, what a person may want of them, and how they
//! outlive the manager (Sync Center 3.6, C-61 to C-70, C-79 to C-83).

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod world;

use std::time::Duration;

use syncmgr_core::command::Verdict;
use syncmgr_core::input::{ExternalInput, Input, Progress, StopScope};
use syncmgr_core::item::{Connected, Failure, ItemStatus as S, RunState};
use syncmgr_core::log::Level;
use syncmgr_core::record::{OutsideRow, Record, Remembered};
use syncmgr_core::request::{RefusedRequest, RequestOutcome, Scope, Trigger, Work};
use syncmgr_core::run::RunOutcome;
use syncmgr_core::task::{Greyed, HandlerTask, ItemTask, Offer, handler_task, item_task};
use syncmgr_core::{COME_BACK, MAX_WITHIN, RefusedSession, SessionId, Settings};
use world::{World, at, handler, id, request};

const HOUR: i64 = 3600;

/// A world with the items of a handler that only has reports, beside another one.
fn world(items: &[&str]) -> World {
    let mut w = World::defined(&[("r", items), ("h", &["X"])]);
    w.input(Input::OnlyReports(handler("r")));
    w
}

fn open(w: &mut World, item: &str, within: i64) -> SessionId {
    let session = w.manager.next_session();
    w.input(Input::External(ExternalInput::Open {
        session,
        handler: handler("r"),
        items: vec![id(item)],
        within: Some(Duration::from_secs(within.unsigned_abs())),
    }));
    session
}

fn tell(w: &mut World, session: SessionId, item: &str, status: S, text: &str) {
    w.input(Input::External(ExternalInput::Progress(
        session,
        Progress {
            item: Some(id(item)),
            status: Some(status),
            text: Some(text.to_owned()),
            failure: (status == S::Failed).then_some(Failure::Soft),
            ..Progress::default()
        },
    )));
}

fn close(w: &mut World, session: SessionId) {
    w.input(Input::External(ExternalInput::Close(session)));
}

/// What the store would hand over to the next manager.
fn remembered(w: &World) -> Remembered {
    let mut remembered = Remembered {
        handlers: w.manager.handlers().cloned().collect(),
        items: w.manager.items().cloned().collect(),
        ..Remembered::default()
    };
    for record in &w.records {
        match record {
            Record::Session(row) => {
                remembered.open_sessions.retain(|known| known.id != row.id);
                remembered
                    .outside
                    .retain(|known| known.session != row.id || row.closed.is_none());
                if row.closed.is_none() {
                    remembered.open_sessions.push(row.clone());
                }
                remembered.last.session = remembered.last.session.max(row.id.0);
            }
            Record::Run(row) => {
                let before = remembered
                    .open_runs
                    .iter()
                    .position(|(run, _)| run.id == row.id);
                let items = before.map(|at| remembered.open_runs.remove(at).1);
                if row.outcome == RunOutcome::Open {
                    remembered
                        .open_runs
                        .push((row.clone(), items.unwrap_or_default()));
                }
                remembered.last.run = remembered.last.run.max(row.id.0);
            }
            Record::RunItem(row) => {
                for (run, items) in &mut remembered.open_runs {
                    if run.id == row.run {
                        items.retain(|item| item.item != row.item);
                        items.push(row.clone());
                    }
                }
            }
            Record::Outside(row) => {
                remembered
                    .outside
                    .retain(|known| known.session != row.session);
                remembered.outside.push(row.clone());
            }
            _ => {}
        }
    }
    remembered
}

/// The next manager, so many seconds later.
fn reborn(w: &World, settings: Settings, later: i64) -> World {
    let mut next = World::reborn(settings, remembered(w), w.now);
    next.pass(later);
    next
}

fn kept(w: &World) -> Option<OutsideRow> {
    w.records.iter().rev().find_map(|record| match record {
        Record::Outside(row) => Some(row.clone()),
        _ => None,
    })
}

fn problem(w: &World, item: &str) -> Option<String> {
    w.manager.item(&at("r", item)).unwrap().last_problem.clone()
}

#[test]
fn what_only_reports_is_shown_and_never_started_c_61_c_63() {
    let mut w = world(&["A", "B"]);
    let row = w
        .manager
        .handlers()
        .find(|row| row.id == handler("r"))
        .unwrap()
        .clone();
    let greyed = Offer::Greyed(Greyed::OwnProgram);
    assert_eq!(
        handler_task(&row, RunState::Idle, HandlerTask::StartSync),
        greyed
    );
    let item = w.manager.item(&at("r", "A")).unwrap().clone();
    assert_eq!(
        item_task(&row, &item, RunState::Idle, ItemTask::StartSync),
        greyed
    );
    let check = |scope: Scope, work: Work, expected: Result<(), RefusedRequest>| {
        let mut asked = request(scope, Trigger::Manual);
        asked.work = work;
        assert_eq!(w.manager.check_request(&asked), expected);
    };
    let own = || Err(RefusedRequest::OwnProgram);
    check(Scope::Items(vec![at("r", "A")]), Work::Synchronize, own());
    check(
        Scope::Items(vec![at("r", "A"), at("r", "B")]),
        Work::Synchronize,
        own(),
    );
    check(Scope::Handler(handler("r")), Work::Synchronize, own());
    check(Scope::Handler(handler("r")), Work::List, own());
    check(
        Scope::Items(vec![at("r", "A")]),
        Work::Undo {
            run: syncmgr_core::RunId(1),
        },
        own(),
    );
    check(
        Scope::Items(vec![at("r", "A"), at("h", "X")]),
        Work::Synchronize,
        Ok(()),
    );

    // A plain sync is about everything else, and says nothing of it.
    let all = w.sync(Scope::Checked);
    w.run_well(1, &["X"]);
    assert_eq!(w.outcome(all), Some(RequestOutcome::Succeeded));
    let told = w
        .ended
        .iter()
        .find(|(request, ..)| *request == all)
        .unwrap();
    assert_eq!(told.2, None);

    // Two at a time, whatever else works.
    let (one, other) = (open(&mut w, "A", HOUR), open(&mut w, "B", HOUR));
    assert_eq!(w.manager.run_state(&at("r", "A")), RunState::Syncing);
    assert_eq!(
        w.manager.check_outside(&handler("r"), &[id("A")]),
        Err(RefusedSession::Busy)
    );
    tell(&mut w, one, "A", S::Succeeded, "");
    close(&mut w, one);
    assert_eq!(w.manager.run_state(&at("r", "A")), RunState::Idle);
    assert!(w.manager.item(&at("r", "A")).unwrap().last_good.is_some());
    // Nobody but its own program tries again.
    tell(&mut w, other, "B", S::Failed, "no room");
    close(&mut w, other);
    let row = w.manager.item(&at("r", "B")).unwrap();
    assert_eq!((row.last_status, row.retry), (Some(S::Failed), None));
    assert!(w.manager.is_quiet() && w.manager.is_idle());
}

#[test]
fn one_of_which_nothing_is_heard_is_given_up_c_69_c_70() {
    let mut w = world(&["A"]);
    let session = open(&mut w, "A", HOUR);
    w.pass(HOUR - 1);
    tell(&mut w, session, "A", S::Updating, "slowly");
    w.pass(HOUR - 1);
    w.input(Input::External(ExternalInput::Log {
        session,
        item: Some(id("A")),
        level: Level::Warning,
        text: "one file is open".to_owned(),
        detail: None,
    }));
    w.pass(HOUR - 1);
    assert_eq!(w.manager.run_state(&at("r", "A")), RunState::Syncing);
    w.pass(1);
    assert_eq!(w.manager.run_state(&at("r", "A")), RunState::Idle);
    assert_eq!(
        problem(&w, "A").as_deref(),
        Some("it was never heard of again")
    );
    assert_eq!(w.results(), "A Failed");
    // Whoever reports all the same is told to stop, and changes nothing.
    assert_eq!(
        w.manager.outside_verdict(session, Some(&id("A"))),
        Verdict::CancelAll
    );
    tell(&mut w, session, "A", S::Succeeded, "");
    assert_eq!(w.results(), "A Failed");
    assert!(w.manager.is_quiet() && w.manager.is_idle());

    // Nobody waits longer than that.
    let session = open(&mut w, "A", i64::MAX / 4000);
    w.pass(i64::try_from(MAX_WITHIN.as_secs()).unwrap());
    assert_eq!(w.manager.outside_of(&at("r", "A")), None, "{session}");
}

#[test]
fn whoever_holds_a_connection_is_given_up_soon_after_it_is_lost_c_70() {
    let mut w = world(&["A"]);
    let come_back = i64::try_from(COME_BACK.as_secs()).unwrap();
    let session = open(&mut w, "A", HOUR);
    let attended = |session, yes| Input::External(ExternalInput::Attended(session, yes));
    w.input(attended(session, true));
    w.pass(HOUR - 1);
    w.input(attended(session, false));
    w.pass(come_back - 1);
    w.input(attended(session, true)); // just in time
    assert!(w.manager.outside_of(&at("r", "A")).unwrap().2);
    w.pass(come_back + 1);
    assert!(w.manager.outside_of(&at("r", "A")).is_some());
    w.input(attended(session, false));
    w.pass(come_back);
    assert_eq!(
        problem(&w, "A").as_deref(),
        Some("it was never heard of again")
    );
}

#[test]
fn one_that_begins_anew_ends_the_one_before() {
    let mut w = world(&["A"]);
    let session = open(&mut w, "A", HOUR);
    w.input(Input::External(ExternalInput::Superseded(session)));
    assert_eq!(
        problem(&w, "A").as_deref(),
        Some("its program began anew without ending it")
    );
    assert_eq!(w.manager.check_outside(&handler("r"), &[id("A")]), Ok(()));
    let session = open(&mut w, "A", HOUR);
    tell(&mut w, session, "A", S::Succeeded, "");
    close(&mut w, session);
    assert_eq!(w.results(), "A Succeeded");
}

#[test]
fn a_stop_is_told_with_the_next_report_and_interrupts_nobody_c_79_to_c_83() {
    let mut w = world(&["A", "B"]);
    let (one, other) = (open(&mut w, "A", HOUR), open(&mut w, "B", HOUR));
    w.input(Input::Skip(at("r", "A")));
    let verdict = |w: &World, session, item| w.manager.outside_verdict(session, Some(&id(item)));
    assert_eq!(verdict(&w, one, "A"), Verdict::CancelItem);
    assert_eq!(verdict(&w, other, "B"), Verdict::Continue);
    w.input(Input::Stop(StopScope::All));
    assert_eq!(verdict(&w, other, "B"), Verdict::CancelAll);
    // It takes its time, and is shown as stopping all the while (C-80).
    w.pass(HOUR / 2);
    assert_eq!(w.manager.run_state(&at("r", "B")), RunState::Stopping);
    tell(&mut w, one, "A", S::Skipped, "");
    close(&mut w, one);
    tell(&mut w, other, "B", S::Stopped, "");
    close(&mut w, other);
    assert_eq!(w.results(), "A Skipped, B Stopped");
    // Asking again insists: it is not waited for any more.
    let session = open(&mut w, "A", HOUR);
    w.input(Input::Stop(StopScope::All));
    w.input(Input::Stop(StopScope::All));
    assert_eq!(w.manager.run_state(&at("r", "A")), RunState::Idle);
    assert_eq!(verdict(&w, session, "A"), Verdict::CancelAll);
    w.expect("");
    assert!(w.manager.is_quiet() && w.manager.is_idle());
}

#[test]
fn the_next_manager_goes_on_with_it() {
    let mut w = world(&["A"]);
    let session = open(&mut w, "A", HOUR);
    w.input(Input::External(ExternalInput::Log {
        session,
        item: Some(id("A")),
        level: Level::Warning,
        text: "one file is open".to_owned(),
        detail: None,
    }));
    assert!(
        w.manager.is_idle(),
        "a command that ends does not wait for it"
    );
    w.input(Input::Ends);
    w.input(Input::Stop(StopScope::All));
    assert_eq!(w.manager.outside_verdict(session, None), Verdict::Continue);

    let mut next = reborn(&w, Settings::default(), 10);
    let (found, run, attended) = next.manager.outside_of(&at("r", "A")).unwrap();
    assert_eq!((found, run.0, attended), (session, 1, false));
    assert_eq!(next.manager.run_state(&at("r", "A")), RunState::Syncing);
    tell(&mut next, session, "A", S::Succeeded, "");
    close(&mut next, session);
    assert_eq!(next.results(), "A Succeeded");
    let closed = next.records.iter().rev().find_map(|record| match record {
        Record::Run(row) => Some(row.outcome),
        _ => None,
    });
    assert_eq!(
        closed,
        Some(RunOutcome::Warnings),
        "its log was not forgotten"
    );
    // And numbers go on.
    assert!(open(&mut next, "A", HOUR).0 > session.0);
}

#[test]
fn what_a_person_wanted_outlives_a_manager_too() {
    let commands = Settings::embedded();
    let mut w = world(&["A", "B"]);
    w.input(Input::Settings(commands));
    let (one, other) = (open(&mut w, "A", HOUR), open(&mut w, "B", HOUR));
    tell(&mut w, one, "A", S::UpdatingIndeterminate, "photos");
    let mut next = reborn(&w, commands, 1);
    let live = next.manager.live(&at("r", "A")).unwrap().1.text.to_owned();
    assert_eq!(
        live, "photos",
        "each command sees what the one before was told"
    );
    next.input(Input::Skip(at("r", "A")));
    next.records.splice(0..0, w.records.clone());
    let mut last = reborn(&next, commands, 1);
    assert_eq!(
        last.manager.outside_verdict(one, Some(&id("A"))),
        Verdict::CancelItem
    );
    assert_eq!(
        last.manager.outside_verdict(other, Some(&id("B"))),
        Verdict::Continue
    );
    last.input(Input::Stop(StopScope::All));
    last.records.splice(0..0, next.records.clone());
    let last = reborn(&last, commands, 1);
    assert_eq!(
        last.manager.outside_verdict(other, Some(&id("B"))),
        Verdict::CancelAll
    );
    assert_eq!(last.manager.run_state(&at("r", "B")), RunState::Stopping);
}

#[test]
fn silence_is_counted_from_manager_to_manager() {
    let commands = Settings::embedded();
    let come_back = i64::try_from(COME_BACK.as_secs()).unwrap();
    let mut w = world(&["A"]);
    w.input(Input::Settings(commands));
    let session = open(&mut w, "A", HOUR);
    let mut next = reborn(&w, commands, HOUR - 1);
    assert!(next.manager.outside_of(&at("r", "A")).is_some());
    next.pass(1);
    assert_eq!(
        problem(&next, "A").as_deref(),
        Some("it was never heard of again")
    );

    // Nobody could report to a daemon that was not there: it is given a little time.
    let mut next = reborn(&w, Settings::default(), 0);
    next.pass(2 * HOUR);
    assert!(next.manager.outside_of(&at("r", "A")).is_none());
    let late = World::reborn(
        Settings::default(),
        remembered(&w),
        w.now.plus(Duration::from_secs(7200)),
    );
    assert!(late.manager.outside_of(&at("r", "A")).is_some());

    // Who held a connection lost it with its manager.
    w.input(Input::External(ExternalInput::Attended(session, true)));
    let mut next = reborn(&w, commands, come_back - 1);
    assert!(next.manager.outside_of(&at("r", "A")).unwrap().2);
    next.pass(1);
    assert!(next.manager.outside_of(&at("r", "A")).is_none());
}

#[test]
fn what_is_stored_of_it_is_seldom_and_near_enough() {
    let mut w = world(&["A"]);
    let session = open(&mut w, "A", HOUR);
    let before = w.records.len();
    for _ in 0..59 {
        w.pass(1);
        tell(&mut w, session, "A", S::Updating, "on");
    }
    let told = w.records[before..].iter();
    assert_eq!(
        told.filter(|record| matches!(record, Record::Outside(_)))
            .count(),
        0
    );
    w.pass(3);
    tell(&mut w, session, "A", S::Updating, "on");
    let until = kept(&w).unwrap().until;
    assert_eq!(until, w.now.plus(Duration::from_secs(3600)));
}

#[test]
fn a_session_without_a_span_ends_with_its_manager() {
    let mut w = world(&["A"]);
    let session = w.manager.next_session();
    w.input(Input::External(ExternalInput::Open {
        session,
        handler: handler("r"),
        items: vec![id("A")],
        within: None,
    }));
    assert!(!w.manager.is_idle());
    let next = reborn(&w, Settings::default(), 1);
    assert_eq!(next.results(), "A Failed");
    assert!(next.manager.is_idle());
}

#[test]
fn whether_the_other_end_is_there_is_told_without_a_run() {
    let mut w = world(&["A"]);
    let connected = |w: &World| w.manager.item(&at("r", "A")).unwrap().connected;
    for state in [Connected::No, Connected::Yes] {
        w.input(Input::External(ExternalInput::Connected(
            at("r", "A"),
            state,
        )));
        assert_eq!(connected(&w), state);
    }
    w.input(Input::External(ExternalInput::Connected(
        at("r", "Z"),
        Connected::No,
    )));
    assert_eq!(w.results(), "");
}
