//! Watching runs: silence is asked about and then ended, time limits are kept, and nobody is blamed for time that was not his.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod world;

use std::time::Duration;

use syncmgr_core::Settings;
use syncmgr_core::input::{Completed, Input, InstanceInput, Progress, Prompt};
use syncmgr_core::item::ItemStatus;
use syncmgr_core::need::{Choice, NeedKind, NeedState};
use syncmgr_core::policy::{NO_PROGRESS, Policy};
use syncmgr_core::record::{Record, Remembered};
use syncmgr_core::request::{RequestOutcome, Scope};
use syncmgr_core::rule::Select;
use syncmgr_core::verdict::Shown;
use syncmgr_core::watchdog::{ANSWER_WITHIN, STOP, WAIT};
use world::{World, at, handler, id};

const MINUTE: i64 = 60;

fn policy(items: &[&str], limit: Option<i64>, silent: Option<i64>) -> Policy {
    let minutes = |minutes: i64| Duration::from_secs(u64::try_from(minutes * MINUTE).unwrap());
    Policy {
        name: "p".to_owned(),
        items: items.iter().map(|item| Select::named(item)).collect(),
        time_limit: limit.map(minutes),
        no_progress: silent.map(minutes),
        ..Policy::default()
    }
}

/// A world in which h synchronizes A and B under these policies.
fn running(policies: Vec<Policy>) -> World {
    let mut w = World::defined(&[("h", &["A", "B"])]);
    w.input(Input::Policies(policies));
    w.sync(Scope::Checked);
    w.list(1, &["A", "B"]);
    w.prepared(1);
    w.hear(
        1,
        InstanceInput::SynchronizeReturned(syncmgr_core::input::Began::Yes),
    );
    w.report(1, "A", ItemStatus::Updating);
    w.report(1, "B", ItemStatus::Updating);
    w.lines.clear();
    w
}

/// Lets time pass as it does: whatever is due is due in time.
fn wait(w: &mut World, minutes: i64) {
    let until = w.now.plus(Duration::from_secs(
        u64::try_from(minutes * MINUTE).unwrap(),
    ));
    while let Some(due) = w.manager.next_deadline().filter(|due| *due <= until) {
        w.now = due;
        w.input(Input::Tick);
    }
    w.now = until;
    w.input(Input::Tick);
}

fn logged(w: &World, text: &str) -> bool {
    w.records
        .iter()
        .any(|record| matches!(record, Record::Log(row) if row.text.contains(text)))
}

#[test]
fn a_silent_handler_is_asked_about_and_then_stopped() {
    let mut w = running(Vec::new());
    let patience = i64::try_from(NO_PROGRESS.as_secs()).unwrap() / MINUTE;
    wait(&mut w, patience - 1);
    assert_eq!(w.questions(), []);
    let why = w.manager.why(&at("h", "A"), w.now).unwrap();
    assert!(
        why.reasons
            .iter()
            .any(|reason| reason.now == "it runs; nothing was heard of it for 29 min, and in 1 min it is asked whether to wait on"),
        "{:?}",
        why.reasons
    );
    wait(&mut w, 1);
    let asked = w.questions();
    assert_eq!(
        asked[0].1,
        "h has said nothing for 30 min. Wait on, or stop it?"
    );
    assert!(logged(&w, "nothing was heard of it for 30 min; question"));
    w.expect("");
    // Nobody answers: it is asked to stop, and a handler that stays silent is left.
    wait(
        &mut w,
        i64::try_from(ANSWER_WITHIN.as_secs()).unwrap() / MINUTE,
    );
    w.expect("1 item-status * CancelAll");
    assert_eq!(w.questions(), []);
    wait(&mut w, 1);
    w.exit(1);
    assert_eq!(w.results(), "A Failed, B Failed");
    let row = w.manager.item(&at("h", "A")).unwrap();
    assert_eq!(
        row.last_problem.as_deref(),
        Some("stopped, because nothing was heard of it for 40 min")
    );
    assert!(row.retry.is_some(), "a hang may pass");
    assert_eq!(w.ended[0].1, RequestOutcome::Failed);
}

#[test]
fn a_handler_that_stops_when_told_failed_by_its_silence() {
    let mut w = running(vec![policy(&[], None, Some(5))]);
    wait(&mut w, 5);
    let (need, _) = w.questions()[0].clone();
    w.answer(need, STOP);
    w.expect("1 item-status * CancelAll");
    w.report(1, "A", ItemStatus::Stopped);
    w.report(1, "B", ItemStatus::Skipped);
    w.hear(1, InstanceInput::SynchronizeCompleted(Completed::Cancelled));
    w.exit(1);
    assert_eq!(w.results(), "A Failed, B Failed");
    let row = w.manager.item(&at("h", "B")).unwrap();
    assert_eq!(
        row.last_problem.as_deref(),
        Some("stopped, because nothing was heard of it for 5 min")
    );
    assert_eq!(w.violations(), 0);
}

#[test]
fn waiting_on_asks_again_and_a_word_of_the_handler_withdraws_the_question() {
    let mut w = running(vec![policy(&[], None, Some(5))]);
    wait(&mut w, 5);
    let (need, _) = w.questions()[0].clone();
    w.answer(need, WAIT);
    assert_eq!(w.questions(), []);
    wait(&mut w, 4);
    assert_eq!(w.questions(), []);
    wait(&mut w, 1);
    assert_eq!(w.questions().len(), 1, "asked again");
    assert_eq!(w.manager.shown(&at("h", "A"), w.now), Shown::Syncing);
    w.report(1, "A", ItemStatus::Succeeded);
    assert_eq!(w.questions(), [], "it was heard");
    w.report(1, "B", ItemStatus::Succeeded);
    w.completed(1);
    w.exit(1);
    assert_eq!(w.results(), "A Succeeded, B Succeeded");
    wait(&mut w, 60);
    w.expect("1 release");
}

#[test]
fn whoever_waits_for_somebody_else_is_not_silent() {
    // For an answer of a person:
    let mut w = running(vec![policy(&[], None, Some(5))]);
    let reply = w.next_reply();
    let prompt = Prompt {
        item: Some(id("A")),
        key: "k".to_owned(),
        kind: NeedKind::Prompt,
        text: "which?".to_owned(),
        detail: None,
        choices: vec![Choice {
            name: "this".to_owned(),
            label: String::new(),
        }],
        default: None,
        fields: None,
        deadline: None,
        durable: false,
        context: "{}".to_owned(),
        wrong: false,
    };
    w.hear(1, InstanceInput::Prompt { reply, prompt });
    wait(&mut w, 22);
    let asked = w.questions();
    assert_eq!(asked.len(), 1, "only its own");
    w.answer(asked[0].0, "this");
    wait(&mut w, 4);
    assert_eq!(w.questions(), []);
    wait(&mut w, 1);
    assert_eq!(w.questions().len(), 1);
    // For other handlers to be prepared (M-77):
    let mut w = World::defined(&[("g", &["C"]), ("h", &["A"])]);
    w.input(Input::Policies(vec![policy(&["A"], None, Some(5))]));
    w.sync(Scope::Checked);
    w.list(1, &["C"]);
    w.list(2, &["A"]);
    w.prepared(2);
    wait(&mut w, 20);
    assert_eq!(w.questions(), []);
    w.prepared(1);
    wait(&mut w, 5);
    assert!(
        w.questions()[0]
            .1
            .starts_with("h has said nothing for 5 min while it works on A")
    );
}

#[test]
fn no_progress_of_nothing_watches_nothing() {
    let mut w = running(vec![policy(&["B"], None, Some(0))]);
    wait(&mut w, 24 * 60);
    assert_eq!(w.questions(), []);
    w.expect("");
}

#[test]
fn a_time_limit_stops_a_run_and_is_no_failure() {
    let mut w = running(vec![policy(&[], Some(10), None)]);
    for _ in 0..9 {
        wait(&mut w, 1);
        w.report(1, "A", ItemStatus::Updating);
    }
    w.expect("");
    wait(&mut w, 1);
    w.expect("1 item-status * CancelAll");
    assert!(logged(
        &w,
        "A and 1 more: their time limit is over; they are asked to stop, and ended by force after another 30 s"
    ));
    w.report(1, "A", ItemStatus::Succeeded); // just in time after all
    w.report(1, "B", ItemStatus::Skipped);
    w.hear(1, InstanceInput::SynchronizeCompleted(Completed::Cancelled));
    w.exit(1);
    assert_eq!(w.results(), "A Succeeded, B Stopped");
    let row = w.manager.item(&at("h", "B")).unwrap();
    assert_eq!(
        row.last_problem.as_deref(),
        Some("stopped, because its time limit of 10 min was over")
    );
    assert_eq!(row.retry, None);
    assert_eq!(w.manager.shown(&at("h", "B"), w.now), Shown::Unfinished);
    let closed = w.records.iter().rev().find_map(|record| match record {
        Record::Run(row) => row.problem.clone(),
        _ => None,
    });
    assert_eq!(
        closed.as_deref(),
        Some("stopped, because its time limit of 10 min was over")
    );
}

#[test]
fn an_item_over_its_limit_leaves_the_others_alone_until_only_it_works() {
    let mut w = running(vec![policy(&["A"], Some(10), None)]);
    wait(&mut w, 10);
    w.expect("1 item-status A CancelItem");
    w.report(1, "B", ItemStatus::Updating);
    wait(&mut w, 5);
    w.expect(""); // it does not listen, and B still works
    w.report(1, "B", ItemStatus::Succeeded);
    wait(&mut w, 1);
    w.expect("1 item-status * CancelAll\n1 release\n1 insist");
    w.exit(1);
    assert_eq!(w.results(), "A Stopped, B Succeeded");
}

#[test]
fn time_that_the_machine_slept_is_nobodys() {
    let mut w = running(vec![policy(&[], Some(10), Some(5))]);
    wait(&mut w, 2);
    // A whole night in one step: the timers are hours late.
    w.pass(8 * 3600);
    assert_eq!(w.questions(), []);
    w.expect("");
    wait(&mut w, 4);
    assert_eq!(w.questions(), [], "awake for 4 minutes since");
    wait(&mut w, 1);
    assert_eq!(w.questions().len(), 1);
    // The same when it is told, however short the night.
    let mut w = running(vec![policy(&[], Some(10), None)]);
    wait(&mut w, 2);
    w.now = w.now.plus(Duration::from_secs(5 * 60));
    w.input(Input::ClockJumped);
    wait(&mut w, 7);
    w.expect("");
    wait(&mut w, 1);
    w.expect("1 item-status * CancelAll");
}

#[test]
fn a_clock_that_is_set_changes_no_limit() {
    for jump in [-365_i64 * 24 * 3600, -3600, 365 * 24 * 3600] {
        let mut w = running(vec![policy(&[], Some(10), None)]);
        wait(&mut w, 2);
        w.now = syncmgr_core::Timestamp(w.now.0 + jump * 1000);
        w.input(Input::ClockJumped);
        wait(&mut w, 7);
        w.expect("");
        wait(&mut w, 1);
        w.expect("1 item-status * CancelAll");
    }
}

#[test]
fn a_question_of_a_dead_manager_is_withdrawn() {
    let mut w = running(vec![policy(&[], None, Some(5))]);
    wait(&mut w, 5);
    let need = w
        .records
        .iter()
        .rev()
        .find_map(|record| match record {
            Record::Need(row) => Some(row.clone()),
            _ => None,
        })
        .unwrap();
    assert_eq!(need.state, NeedState::Open);
    assert_eq!(need.handler, handler("h"));
    let remembered = Remembered {
        needs: vec![need],
        ..Remembered::default()
    };
    let w = World::remembering(Settings::default(), remembered);
    assert_eq!(w.questions(), []);
}

#[test]
fn progress_is_what_is_heard_not_what_it_says() {
    let mut w = running(vec![policy(&[], None, Some(5))]);
    for _ in 0..20 {
        wait(&mut w, 4);
        w.hear(
            1,
            InstanceInput::Progress(
                Progress {
                    item: Some(id("A")),
                    value: Some(3),
                    max: Some(120),
                    ..Progress::default()
                },
                None,
            ),
        );
    }
    assert_eq!(w.questions(), []);
}
