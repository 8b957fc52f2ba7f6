//! Decisions beyond the golden traces: queue, questions, undo, retries, conditions, the verdict, restarts.

#![allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod world;

use std::time::Duration;

use syncmgr_core::condition::{Condition, Fact};
use syncmgr_core::input::{
    Completed, ExternalInput, Input, InstanceInput, Progress, Prompt, StopScope,
};
use syncmgr_core::item::{
    Counts, Failure, HandlerCapability as HC, ItemPolicy, ItemStatus as S, RunState,
};
use syncmgr_core::need::{Choice, NeedKind, NeedState, Typed};
use syncmgr_core::record::{PauseScope, Record, Remembered};
use syncmgr_core::request::{
    IfRunning, RefusedRequest, RequestOutcome as Out, Scope, Trigger, Work,
};
use syncmgr_core::run::RunOutcome;
use syncmgr_core::verdict::{Exit, Shown};
use syncmgr_core::why::About;
use syncmgr_core::{
    EventKind, InstanceId, NeedId, RequestId, RunId, SessionId, Settings, Timestamp,
};
use world::{World, at, facts, handler, id, listed, request};

fn items(handler: &str, items: &[&str]) -> Scope {
    Scope::Items(items.iter().map(|item| at(handler, item)).collect())
}

fn fail(w: &mut World, instance: u64, item: &str, failure: Failure) {
    w.hear(
        instance,
        InstanceInput::Progress(
            Progress {
                item: Some(id(item)),
                status: Some(S::Failed),
                text: Some("the disk is full".to_owned()),
                failure: Some(failure),
                ..Progress::default()
            },
            None,
        ),
    );
}

fn prompt(key: &str, item: &str, durable: bool) -> Prompt {
    let choice = |name: &str| Choice {
        name: name.to_owned(),
        label: name.to_owned(),
    };
    Prompt {
        item: Some(id(item)),
        key: key.to_owned(),
        kind: NeedKind::Guard,
        text: "delete 500 files?".to_owned(),
        detail: None,
        choices: vec![choice("apply"), choice("restore"), choice("later")],
        default: None,
        fields: None,
        deadline: None,
        durable,
        context: "{}".to_owned(),
        wrong: false,
    }
}

fn ask(w: &mut World, instance: u64, prompt: Prompt) {
    let reply = w.next_reply();
    w.hear(instance, InstanceInput::Prompt { reply, prompt });
}

// The queue.

// Shows M-156.
#[test]
fn requests_for_the_same_items_are_merged_and_end_once_each() {
    let mut w = World::defined(&[("h", &["A", "B"])]);
    let first = w.sync(items("h", &["A"]));
    let second = w.sync(items("h", &["A"])); // A runs: again afterwards
    let third = w.sync(items("h", &["A"])); // joins the second
    assert_eq!(w.manager.queue().count(), 1);
    w.run_well(1, &["A", "B"]);
    assert_eq!(w.outcome(first), Some(Out::Succeeded));
    assert_eq!((w.outcome(second), w.outcome(third)), (None, None));
    w.run_well(2, &["A", "B"]);
    assert_eq!(w.outcome(second), Some(Out::Succeeded));
    assert_eq!(w.outcome(third), Some(Out::Succeeded));
    assert!(w.manager.is_quiet());
}

#[test]
fn ignoring_what_runs_is_decided_at_once_a_20() {
    let mut w = World::defined(&[("h", &["A", "B"])]);
    w.sync(items("h", &["A"]));
    w.list(1, &["A", "B"]);
    let mut ignoring = request(items("h", &["A"]), Trigger::Manual);
    ignoring.if_running = IfRunning::Ignore;
    let only = w.ask(ignoring.clone());
    assert_eq!(w.outcome(only), Some(Out::Nothing));
    ignoring.scope = Scope::Checked;
    let rest = w.ask(ignoring);
    w.prepared(1);
    w.completed(1);
    w.exit(1);
    w.lines.clear();
    w.list(2, &["A", "B"]);
    w.expect("2 list\n2 prepare B");
    assert_eq!(w.outcome(rest), None);
}

// Shows M-86.
#[test]
fn a_handler_takes_one_session_at_a_time_and_others_run_beside_it() {
    let mut w = World::defined(&[("a", &["A"]), ("b", &["B"])]);
    w.sync(items("a", &["A"]));
    w.ask(request(Scope::Handler(handler("a")), Trigger::Schedule));
    w.sync(items("b", &["B"]));
    w.expect("1 start a Manual user\n2 start b Manual user");
    w.run_well(1, &["A"]);
    w.lines.retain(|line| line.contains("start"));
    w.expect("3 start a Schedule");
}

#[test]
fn handlers_in_parallel_are_bounded_and_persons_go_first() {
    let mut w = World::defined(&[("a", &["A"]), ("b", &["B"]), ("c", &["C"])]);
    let settings = Settings {
        parallel_handlers: 1,
        ..Settings::default()
    };
    let mut one = World::with(settings, &["a", "b", "c"]);
    for (h, item) in [("a", "A"), ("b", "B"), ("c", "C")] {
        one.input(Input::ItemDefined(handler(h), listed(item)));
    }
    for w in [&mut w, &mut one] {
        w.sync(items("a", &["A"]));
        w.ask(request(items("b", &["B"]), Trigger::Schedule));
        w.sync(items("c", &["C"]));
    }
    w.expect("1 start a Manual user\n2 start b Schedule\n3 start c Manual user");
    one.expect("1 start a Manual user");
    one.run_well(1, &["A"]);
    one.lines.retain(|line| line.contains("start"));
    one.expect("2 start c Manual user");
}

#[test]
fn a_waiting_request_can_be_stopped_without_hurting_those_that_joined() {
    let mut w = World::defined(&[("h", &["A"])]);
    w.sync(items("h", &["A"]));
    let second = w.sync(items("h", &["A"]));
    let third = w.sync(items("h", &["A"]));
    w.input(Input::Stop(StopScope::Request(second)));
    assert_eq!(w.outcome(second), Some(Out::Stopped));
    w.run_well(1, &["A"]);
    w.run_well(2, &["A"]);
    assert_eq!(w.outcome(third), Some(Out::Succeeded));
}

// Shows M-106.
#[test]
fn skipping_what_waits_takes_it_out() {
    let mut w = World::defined(&[("h", &["A", "B"])]);
    w.sync(items("h", &["A"]));
    w.list(1, &["A", "B"]);
    w.prepared(1);
    let waiting = w.sync(items("h", &["B"]));
    w.input(Input::Skip(at("h", "B")));
    assert_eq!(w.outcome(waiting), Some(Out::Skipped));
    w.completed(1);
    w.exit(1);
    assert!(w.manager.is_idle());
}

#[test]
fn what_was_finished_before_the_stop_was_noticed_is_no_stop() {
    let mut w = World::defined(&[("h", &["A"])]);
    let id = w.sync(Scope::Checked);
    w.list(1, &["A"]);
    w.prepared(1);
    w.input(Input::Stop(StopScope::Request(id)));
    w.report(1, "A", S::Succeeded);
    w.completed(1);
    w.exit(1);
    assert_eq!(w.outcome(id), Some(Out::Succeeded));
    let id = w.sync(Scope::Checked);
    w.input(Input::Stop(StopScope::Request(id)));
    w.exit(2);
    assert_eq!(w.outcome(id), Some(Out::Stopped));
}

#[test]
fn requests_are_refused_for_a_reason_and_end_all_the_same() {
    let mut w = World::defined(&[("h", &["A"])]);
    let check = |w: &World, scope, work: Work| {
        let mut request = request(scope, Trigger::Manual);
        request.work = work;
        w.manager.check_request(&request)
    };
    assert_eq!(
        check(&w, items("h", &["X"]), Work::Synchronize),
        Err(RefusedRequest::Unknown)
    );
    assert_eq!(
        check(&w, Scope::Handler(handler("x")), Work::List),
        Err(RefusedRequest::Unknown)
    );
    assert_eq!(check(&w, items("h", &["a"]), Work::Synchronize), Ok(()));
    let unknown = w.sync(items("h", &["X"]));
    assert_eq!(w.outcome(unknown), Some(Out::Failed));
    let mut forbidden = listed("A");
    forbidden.policies = vec![ItemPolicy::PreventStartSync];
    w.input(Input::ItemDefined(handler("h"), forbidden));
    assert_eq!(
        check(&w, items("h", &["A"]), Work::Synchronize),
        Err(RefusedRequest::Forbidden)
    );
    w.input(Input::Activate {
        handler: handler("h"),
        active: false,
    });
    assert_eq!(
        check(&w, items("h", &["A"]), Work::Synchronize),
        Err(RefusedRequest::Inactive)
    );
    w.expect("");
}

#[test]
fn the_list_purges_what_is_gone_and_only_then_m_55_m_56() {
    let mut w = World::defined(&[("h", &["A", "B"])]);
    w.sync(items("h", &["A", "B"]));
    w.hear(1, InstanceInput::Initialized(facts(&[])));
    w.input(Input::ItemDefined(handler("h"), listed("new"))); // after the instance began
    w.hear(
        1,
        InstanceInput::ItemsListed {
            items: vec![listed("A")],
            incomplete: true,
        },
    );
    assert_eq!(w.manager.items().count(), 3);
    w.prepared(1);
    w.completed(1);
    w.exit(1);
    let again = w.sync(items("h", &["A", "B"]));
    w.run_well(2, &["A", "A", "new"]);
    let left: Vec<String> = w.manager.items().map(|row| row.at.to_string()).collect();
    assert_eq!(left, ["h/A", "h/new"]);
    assert_eq!(
        w.outcome(again),
        Some(Out::Failed),
        "B was named and is gone"
    );
}

#[test]
fn a_definition_that_is_silent_changes_nothing_that_was_listed() {
    let mut w = World::with(Settings::default(), &["h"]);
    let mut item = listed("A");
    item.comment = "left and right".to_owned();
    item.capabilities = vec![syncmgr_core::item::ItemCapability::Browse];
    w.input(Input::ItemDefined(handler("h"), item));
    let before = w.manager.item(&at("h", "A")).unwrap().clone();
    w.records.clear();
    w.input(Input::ItemDefined(handler("h"), listed("A")));
    assert_eq!(w.manager.item(&at("h", "A")), Some(&before));
    assert!(w.records.is_empty());
}

#[test]
fn a_temporary_item_is_not_stored_m_57() {
    let mut w = World::with(Settings::default(), &["h"]);
    let mut item = listed("T");
    item.temporary = true;
    w.input(Input::ItemDefined(handler("h"), item));
    assert!(w.manager.item(&at("h", "T")).is_some());
    assert!(
        !w.records
            .iter()
            .any(|record| matches!(record, Record::Item(_)))
    );
}

// Pauses and conditions.

#[test]
fn a_named_item_runs_although_paused_and_a_plain_sync_says_what_it_left_out() {
    let mut w = World::defined(&[("h", &["A"])]);
    w.input(Input::Pause {
        scope: PauseScope::Item(at("h", "A")),
        until: None,
    });
    let plain = w.sync(Scope::Checked);
    assert_eq!(w.outcome(plain), Some(Out::Nothing));
    let (_, _, note) = w.ended.last().unwrap().clone();
    assert_eq!(note.as_deref(), Some("A: it is paused"));
    let named = w.sync(items("h", &["A"]));
    w.run_well(1, &["A"]);
    assert_eq!(w.outcome(named), Some(Out::Succeeded));
}

#[test]
fn what_a_pause_held_back_is_caught_up_once() {
    let mut w = World::defined(&[("h", &["A"])]);
    let until = Timestamp(w.now.0 + 60_000);
    w.input(Input::Pause {
        scope: PauseScope::All,
        until: Some(until),
    });
    for _ in 0..5 {
        w.ask(request(Scope::Checked, Trigger::Schedule));
    }
    w.expect("");
    assert_eq!(w.manager.next_deadline(), Some(until));
    assert_eq!(w.manager.shown(&at("h", "A"), w.now), Shown::Paused);
    w.pass(60);
    w.expect("1 start h Schedule");
    assert!(w.manager.pauses().next().is_none());
    w.run_well(1, &["A"]);
    assert!(w.manager.is_idle());
}

#[test]
fn conditions_hold_back_what_runs_by_itself_and_say_so() {
    let mut w = World::defined(&[("h", &["A"])]);
    let item = at("h", "A");
    w.input(Input::Conditions(
        item.clone(),
        vec![Condition::UnmeteredNetwork],
    ));
    w.ask(request(Scope::Checked, Trigger::Schedule));
    w.ask(request(Scope::Checked, Trigger::Schedule));
    w.expect("");
    let why = w.manager.why(&item, w.now).unwrap();
    let condition = why
        .reasons
        .iter()
        .find(|r| r.about == About::Condition)
        .unwrap();
    assert!(condition.blocks);
    assert_eq!(condition.now, "nobody here can tell");
    assert_eq!(
        why.waits.map(|(trigger, _)| trigger),
        Some(Trigger::Schedule)
    );
    let held = |record: &&Record| matches!(record, Record::Held(row) if row.item == item);
    assert_eq!(w.records.iter().filter(held).count(), 1, "told once");
    let network = |metered| {
        Input::Facts(vec![Fact::Network {
            usable: true,
            metered,
            wifi: None,
            vpn: false,
        }])
    };
    w.input(network(true));
    w.expect("");
    w.input(network(false));
    w.expect("1 start h Schedule"); // once
    w.run_well(1, &["A"]);
    w.input(network(true));
    w.lines.clear();
    w.sync(Scope::Checked); // a person decides
    w.expect("2 start h Manual user");
}

#[test]
fn an_idle_condition_has_a_deadline() {
    let mut w = World::defined(&[("h", &["A"])]);
    let rest = Condition::IdleFor(Duration::from_secs(60));
    w.input(Input::Conditions(at("h", "A"), vec![rest]));
    w.input(Input::Facts(vec![Fact::Idle { since: Some(w.now) }]));
    w.ask(request(Scope::Checked, Trigger::Schedule));
    w.expect("");
    assert_eq!(w.manager.next_deadline(), Some(Timestamp(w.now.0 + 60_000)));
    w.pass(60);
    w.expect("1 start h Schedule");
}

// Retries.

#[test]
fn a_soft_failure_is_tried_again_and_a_hard_one_is_not() {
    let mut w = World::defined(&[("h", &["A", "B"])]);
    w.sync(Scope::Checked);
    w.list(1, &["A", "B"]);
    w.prepared(1);
    fail(&mut w, 1, "A", Failure::Soft);
    fail(&mut w, 1, "B", Failure::Hard);
    w.completed(1);
    w.exit(1);
    let retry = w.manager.item(&at("h", "A")).unwrap().retry.unwrap();
    assert_eq!(w.manager.item(&at("h", "B")).unwrap().retry, None);
    assert_eq!(w.manager.next_deadline(), Some(retry.due));
    w.lines.clear();
    w.pass(40);
    w.list(2, &["A", "B"]);
    w.expect("2 start h Retry\n2 list\n2 prepare A");
    w.prepared(2);
    fail(&mut w, 2, "A", Failure::Soft);
    w.completed(2);
    w.exit(2);
    let second = w.manager.item(&at("h", "A")).unwrap().retry.unwrap();
    assert_eq!(second.attempt, 1);
    w.lines.clear();
    // A new network makes it due at once.
    w.input(Input::Facts(vec![Fact::Network {
        usable: true,
        metered: false,
        wifi: None,
        vpn: false,
    }]));
    w.run_well(3, &["A", "B"]);
    w.lines.retain(|line| line.contains("start"));
    w.expect("3 start h Retry");
    assert_eq!(w.manager.item(&at("h", "A")).unwrap().retry, None);
    assert_eq!(w.manager.next_deadline(), None);
}

#[test]
fn an_automatic_event_with_nothing_ticked_starts_nothing_m_159() {
    let mut w = World::with(Settings::default(), &["never-listed", "unticked"]);
    w.input(Input::ItemDefined(handler("unticked"), listed("-A")));
    let idle = w.ask(request(Scope::Checked, Trigger::Idle));
    w.expect("");
    assert_eq!(w.outcome(idle), Some(Out::Nothing));
    w.sync(Scope::Checked); // a person's list is read anew
    w.expect("1 start never-listed Manual user\n2 start unticked Manual user");
}

#[test]
fn a_good_run_of_any_trigger_clears_the_retry() {
    let mut w = World::defined(&[("h", &["A"])]);
    w.sync(Scope::Checked);
    w.list(1, &["A"]);
    w.prepared(1);
    fail(&mut w, 1, "A", Failure::Soft);
    w.completed(1);
    w.exit(1);
    w.ask(request(Scope::Checked, Trigger::Schedule));
    w.run_well(2, &["A"]);
    w.lines.clear();
    assert_eq!(w.manager.next_deadline(), None);
    w.pass(3600);
    w.expect("");
}

#[test]
fn an_item_that_comes_back_while_it_runs_is_still_in_that_run() {
    let mut w = World::defined(&[("h", &["A", "B"])]);
    w.sync(items("h", &["A"]));
    w.hear(
        1,
        InstanceInput::Initialized(facts(&[HC::ConcurrentSessions])),
    );
    w.listed(1, &["A", "B"]);
    w.prepared(1);
    w.input(Input::ItemRemoved(at("h", "A")));
    assert_eq!(w.manager.run_state(&at("h", "A")), RunState::Idle);
    w.input(Input::ItemDefined(handler("h"), listed("A")));
    assert_eq!(w.manager.run_state(&at("h", "A")), RunState::Syncing);
    w.sync(items("h", &["B"])); // beside it
    w.hear(
        2,
        InstanceInput::Initialized(facts(&[HC::ConcurrentSessions])),
    );
    w.listed(2, &["A", "B"]);
    w.prepared(2);
    assert_eq!(w.manager.sessions().count(), 2);
    w.sync(items("h", &["A"])); // waits
    assert_eq!(w.manager.queue().count(), 1);
}

#[test]
fn a_persons_request_begins_the_retries_anew_and_embedded_use_has_none() {
    let mut w = World::defined(&[("h", &["A"])]);
    let mut embedded = World::with(Settings::embedded(), &["h"]);
    embedded.input(Input::ItemDefined(handler("h"), listed("A")));
    for w in [&mut w, &mut embedded] {
        w.sync(Scope::Checked);
        w.list(1, &["A"]);
        w.prepared(1);
        fail(w, 1, "A", Failure::Soft);
        w.completed(1);
        w.exit(1);
    }
    assert_eq!(embedded.manager.next_deadline(), None);
    assert!(w.manager.next_deadline().is_some());
    w.sync(items("h", &["A"]));
    assert_eq!(w.manager.item(&at("h", "A")).unwrap().retry, None);
}

// Questions.

/// A guard holds A; B is fine.
fn held() -> World {
    let mut w = World::defined(&[("h", &["A", "B"])]);
    let id = w.sync(Scope::Checked);
    w.hear(1, InstanceInput::Initialized(facts(&[])));
    w.listed(1, &["A", "B"]);
    w.prepared(1);
    ask(&mut w, 1, prompt("guard", "A", true));
    fail(&mut w, 1, "A", Failure::Hard);
    w.completed(1);
    w.exit(1);
    assert_eq!(w.outcome(id), Some(Out::NeedsYou));
    assert_eq!(w.results(), "A Held, B Succeeded");
    w
}

#[test]
fn a_durable_question_holds_the_item_and_its_answer_goes_with_the_next_run() {
    let mut w = held();
    assert_eq!(w.manager.shown(&at("h", "A"), w.now), Shown::NeedsYou);
    assert_eq!(w.manager.verdict(w.now).worst.exit(), Exit::NeedsYou);
    assert!(
        w.manager
            .check_answer(NeedId(1), "nonsense", &Typed::default())
            .is_err()
    );
    w.answer(NeedId(1), "nonsense");
    w.answer(NeedId(1), "later"); // a snooze
    assert_eq!(w.manager.needs().next().unwrap().state, NeedState::Open);
    w.lines.clear();
    w.answer(NeedId(1), "apply");
    w.list(2, &["A", "B"]);
    w.expect("2 start h Answered\n2 list\n2 prepare A answer guard");
    assert!(w.manager.needs().next().is_none());
    let used = w.records.iter().any(|record| {
        matches!(record, Record::Need(row)
            if row.state == NeedState::Used { choice: "apply".to_owned(), run: RunId(2) })
    });
    assert!(used);
    w.prepared(2);
    ask(&mut w, 2, prompt("guard", "A", true)); // asked again: a new need
    w.completed(2);
    w.exit(2);
    assert_eq!(w.manager.needs().next().unwrap().id, NeedId(2));
    assert_eq!(w.results(), "A Held, B Succeeded");
}

#[test]
fn asking_again_keeps_the_number_and_a_good_run_withdraws_a_guard() {
    let mut w = held();
    w.sync(items("h", &["A"]));
    w.list(2, &["A", "B"]);
    w.prepared(2);
    let mut again = prompt("guard", "A", true);
    again.text = "delete 501 files?".to_owned();
    ask(&mut w, 2, again);
    w.completed(2);
    w.exit(2);
    let needs: Vec<_> = w.manager.needs().map(|n| (n.id, n.text.clone())).collect();
    assert_eq!(needs, [(NeedId(1), "delete 501 files?".to_owned())]);
    w.sync(items("h", &["A"]));
    w.run_well(3, &["A", "B"]);
    assert_eq!(w.manager.needs().count(), 0);
    assert_eq!(w.manager.verdict(w.now).worst, Shown::Fresh);
}

#[test]
fn a_passing_question_waits_only_where_a_person_is() {
    let mut w = World::defined(&[("h", &["A"])]);
    w.ask(request(Scope::Checked, Trigger::Schedule));
    w.list(1, &["A"]);
    w.prepared(1);
    w.lines.clear();
    ask(&mut w, 1, prompt("q", "A", false));
    w.expect("1 = prompt refused");
    let mut defaulted = prompt("q", "A", false);
    defaulted.default = Some("restore".to_owned());
    ask(&mut w, 1, defaulted.clone());
    w.expect("1 = chosen restore");
    w.completed(1);
    w.exit(1);
    w.sync(Scope::Checked);
    w.list(2, &["A"]);
    w.prepared(2);
    w.lines.clear();
    ask(&mut w, 2, prompt("q", "A", false));
    w.expect("");
    w.answer(NeedId(1), "apply");
    w.expect("2 = chosen apply");
    defaulted.deadline = Some(Duration::from_secs(5));
    ask(&mut w, 2, defaulted);
    w.pass(5);
    w.expect("2 = chosen restore");
    ask(&mut w, 2, prompt("q", "A", false));
    w.input(Input::Stop(StopScope::All));
    w.lines.retain(|line| line.contains("prompt"));
    w.expect("2 = prompt refused");
    assert_eq!(w.manager.needs().count(), 0);
}

#[test]
fn an_expired_question_takes_its_default_or_goes() {
    for (default, lines) in [
        (None, ""),
        (Some("restore".to_owned()), "2 start h Answered"),
    ] {
        let mut w = World::defined(&[("h", &["A"])]);
        w.sync(Scope::Checked);
        w.list(1, &["A"]);
        w.prepared(1);
        let mut question = prompt("q", "A", true);
        question.deadline = Some(Duration::from_secs(3600));
        question.default = default;
        ask(&mut w, 1, question);
        w.completed(1);
        w.exit(1);
        w.lines.clear();
        w.pass(3600);
        w.expect(lines);
    }
}

#[test]
fn secrets_are_not_recorded() {
    let mut w = World::defined(&[("h", &["A"])]);
    w.sync(Scope::Checked);
    w.list(1, &["A"]);
    w.prepared(1);
    let mut login = prompt("login", "A", true);
    login.kind = NeedKind::Login;
    ask(&mut w, 1, login);
    w.input(Input::Answer {
        need: NeedId(1),
        choice: "apply".to_owned(),
        fields: Typed::new("{\"password\":\"hunter2\"}"),
        by: "me".to_owned(),
    });
    let typed = |state: &NeedState| match state {
        NeedState::Answered { fields, .. } => Some(fields.reveal().to_owned()),
        _ => None,
    };
    let stored: Vec<String> = w
        .records
        .iter()
        .filter_map(|record| match record {
            Record::Need(need) => typed(&need.state),
            _ => None,
        })
        .collect();
    assert_eq!(stored, ["{}"]);
    let kept = w.manager.needs().find_map(|need| typed(&need.state));
    assert!(kept.is_some_and(|kept| kept.contains("hunter2")));
    let shown = format!("{:?} {:?}", w.records, w.manager);
    assert!(!shown.contains("hunter2"));
}

// Undo and resolve.

#[test]
fn undo_opens_a_run_of_its_own_and_reads_the_conflicts_afterwards() {
    let mut w = World::defined(&[("h", &["A"])]);
    let mut undo = request(items("h", &["A"]), Trigger::Manual);
    undo.work = Work::Undo { run: RunId(7) };
    let id = w.ask(undo);
    let sync = w.sync(items("h", &["A"])); // waits: never both on one item
    w.hear(
        1,
        InstanceInput::Initialized(facts(&[HC::Undo, HC::ConflictStore])),
    );
    assert_eq!(w.manager.run_state(&at("h", "A")), RunState::Syncing);
    let counts = Counts {
        received: 3,
        ..Counts::default()
    };
    w.hear(1, InstanceInput::Undone(Ok(counts)));
    w.hear(
        1,
        InstanceInput::ConflictsListed {
            items: vec![world::id("A")],
            conflicts: Vec::new(),
        },
    );
    w.expect(
        "1 start h Manual user
         1 undo A of 7
         1 conflicts A
         1 release",
    );
    w.exit(1);
    assert_eq!(w.outcome(id), Some(Out::Succeeded));
    assert_eq!(w.manager.item(&at("h", "A")).unwrap().last_good, None);
    w.expect("2 start h Manual user");
    assert_eq!(w.outcome(sync), None);
}

// Late items and sessions from outside.

#[test]
fn late_items_join_and_settle_their_request() {
    let mut w = World::defined(&[("h", &["A", "B"])]);
    w.sync(items("h", &["A"]));
    w.list(1, &["A", "B"]);
    w.prepared(1);
    let late = w.sync(items("h", &["B"]));
    w.lines.clear();
    let reply = w.next_reply();
    w.hear(1, InstanceInput::QueryLateItems(reply));
    w.hear(1, InstanceInput::AddItem(reply, id("B")));
    w.hear(1, InstanceInput::AddItem(reply, id("B")));
    w.hear(1, InstanceInput::AddItem(reply, id("X")));
    w.hear(1, InstanceInput::ProposeItem(reply, listed("N")));
    w.hear(1, InstanceInput::CommitItem(reply, id("N")));
    w.expect(
        "1 = late B
         1 = done
         1 = refused: it is in a session already
         1 = refused: no such item
         1 = done
         1 = done",
    );
    w.completed(1);
    w.exit(1);
    assert_eq!(w.outcome(late), Some(Out::Succeeded));
    assert_eq!(w.results(), "A Succeeded, B Succeeded, N Succeeded");
    assert!(w.manager.is_idle());
}

#[test]
fn somebody_outside_may_open_a_session() {
    let mut w = World::defined(&[("h", &["A", "B"])]);
    let session = w.manager.next_session();
    w.input(Input::External(ExternalInput::Open {
        session,
        handler: handler("h"),
        items: vec![id("A"), id("B")],
        within: None,
    }));
    w.input(Input::External(ExternalInput::Open {
        session: SessionId(99),
        handler: handler("h"),
        items: vec![id("A")],
        within: None,
    })); // busy
    assert_eq!(w.manager.sessions().count(), 1);
    let report = Progress {
        item: Some(id("A")),
        status: Some(S::Succeeded),
        ..Progress::default()
    };
    w.input(Input::External(ExternalInput::Progress(session, report)));
    assert_eq!(w.manager.run_state(&at("h", "A")), RunState::Syncing);
    w.input(Input::External(ExternalInput::Close(session)));
    assert_eq!(w.results(), "A Succeeded, B Failed"); // no report is a failure
    w.expect("");
    assert!(w.manager.is_quiet() && w.manager.is_idle());
}

// Restart, verdict, why.

#[test]
fn runs_found_open_were_interrupted() {
    let mut w = World::defined(&[("h", &["A"])]);
    w.sync(Scope::Checked);
    w.list(1, &["A"]);
    w.prepared(1);
    let mut remembered = Remembered::default();
    for record in &w.records {
        match record {
            Record::Run(row) => remembered.open_runs = vec![(row.clone(), Vec::new())],
            Record::RunItem(row) => remembered.open_runs[0].1 = vec![row.clone()],
            Record::Session(row) => remembered.open_sessions = vec![row.clone()],
            _ => {}
        }
    }
    remembered.handlers = w.manager.handlers().cloned().collect();
    remembered.items = w.manager.items().cloned().collect();
    let w = World::remembering(Settings::default(), remembered);
    let run = w.records.iter().find_map(|record| match record {
        Record::Run(row) => Some(row.clone()),
        _ => None,
    });
    assert_eq!(run.unwrap().outcome, RunOutcome::Interrupted);
    assert_eq!(w.results(), "A Failed");
    assert!(
        w.events()
            .any(|event| matches!(event, EventKind::RunInterrupted(_)))
    );
    assert!(w.manager.next_deadline().is_some(), "it is tried again");
    assert!(w.manager.is_idle());
}

#[test]
fn the_verdict_is_the_worst_of_all() {
    let mut w = World::defined(&[("h", &["A", "B"])]);
    assert_eq!(w.manager.verdict(w.now).worst, Shown::New);
    assert_eq!(w.manager.verdict(w.now).worst.exit(), Exit::Warnings);
    w.sync(Scope::Checked);
    w.run_well(1, &["A", "B"]);
    let verdict = w.manager.verdict(w.now);
    assert_eq!((verdict.worst, verdict.fresh), (Shown::Fresh, 2));
    assert_eq!(verdict.worst.exit(), Exit::Good);
    w.input(Input::ItemPreferences {
        item: at("h", "A"),
        labels: Vec::new(),
        checked: None,
        expected_freshness: Some(Duration::from_secs(60)),
    });
    w.pass(61);
    assert_eq!(w.manager.verdict(w.now).worst, Shown::Late);
    w.pass(60);
    assert_eq!(w.manager.verdict(w.now).worst, Shown::Overdue);
    w.sync(items("h", &["B"]));
    w.list(2, &["A", "B"]);
    w.prepared(2);
    fail(&mut w, 2, "B", Failure::Hard);
    w.completed(2);
    w.exit(2);
    let verdict = w.manager.verdict(w.now);
    assert_eq!(
        (verdict.worst, verdict.which),
        (Shown::Failed, vec![at("h", "B")])
    );
    assert_eq!(verdict.worst.exit(), Exit::Failed);
    let why = w.manager.why(&at("h", "B"), w.now).unwrap();
    assert_eq!(why.shown, Shown::Failed);
    assert_eq!(why.reasons[0].about, About::LastRun);
    assert_eq!(why.reasons[0].now, "the disk is full");
}

#[test]
fn what_was_stopped_or_undone_is_not_in_sync() {
    let mut w = World::defined(&[("h", &["A"])]);
    w.sync(Scope::Checked);
    w.hear(1, InstanceInput::Initialized(facts(&[HC::Undo])));
    w.listed(1, &["A"]);
    w.prepared(1);
    w.completed(1);
    w.exit(1);
    assert_eq!(w.manager.verdict(w.now).worst, Shown::Fresh);
    let mut undo = request(items("h", &["A"]), Trigger::Manual);
    undo.work = Work::Undo { run: RunId(1) };
    w.ask(undo);
    w.hear(2, InstanceInput::Initialized(facts(&[HC::Undo])));
    w.hear(2, InstanceInput::Undone(Ok(Counts::default())));
    w.exit(2);
    let verdict = w.manager.verdict(w.now);
    assert_eq!((verdict.worst, verdict.unfinished), (Shown::Unfinished, 1));
    assert_eq!(verdict.worst.exit(), Exit::Warnings);
    let why = w.manager.why(&at("h", "A"), w.now).unwrap();
    assert_eq!(
        why.reasons[0].now,
        "run 1 was undone; the next sync carries that on"
    );
    w.sync(Scope::Checked);
    w.run_well(3, &["A"]);
    assert_eq!(w.manager.verdict(w.now).worst, Shown::Fresh);
    for status in [S::Stopped, S::Skipped] {
        w.sync(Scope::Checked);
        let instance = if status == S::Stopped { 4 } else { 5 };
        w.list(instance, &["A"]);
        w.prepared(instance);
        w.report(instance, "A", status);
        w.completed(instance);
        w.exit(instance);
        assert_eq!(w.manager.verdict(w.now).worst, Shown::Unfinished);
        let why = w.manager.why(&at("h", "A"), w.now).unwrap();
        assert_eq!(
            (why.reasons[0].about, why.reasons[0].blocks),
            (About::LastRun, true)
        );
    }
}

#[test]
fn who_names_an_item_is_told_that_it_was_left_out() {
    let mut w = World::defined(&[("h", &["A", "B"])]);
    w.input(Input::Enable {
        handler: handler("h"),
        item: Some(world::id("A")),
        enabled: false,
    });
    let named = w.sync(items("h", &["A", "B"]));
    w.run_well(1, &["A", "B"]);
    assert_eq!(w.outcome(named), Some(Out::Warnings));
    let all = w.sync(Scope::Checked);
    w.run_well(2, &["A", "B"]);
    assert_eq!(w.outcome(all), Some(Out::Succeeded));
}

#[test]
fn why_tells_what_it_waits_behind() {
    let mut w = World::defined(&[("h", &["A"])]);
    w.sync(items("h", &["A"]));
    let mut invoke = request(items("h", &["A"]), Trigger::Invoke);
    invoke.cookie = Some(vec![1]);
    let first = w.ask(invoke.clone());
    w.ask(invoke);
    w.list(1, &["A"]);
    w.prepared(1);
    w.completed(1);
    w.pass(0);
    let why = w.manager.why(&at("h", "A"), w.now).unwrap();
    assert_eq!((why.shown, why.behind.len()), (Shown::Pending, 0));
    assert!(w.manager.is_alive(first));
}

#[test]
fn strangers_are_not_heard() {
    let mut w = World::defined(&[("h", &["A"])]);
    w.report(99, "A", S::Succeeded);
    w.exit(99);
    w.input(Input::Skip(at("x", "y")));
    w.input(Input::Stop(StopScope::Request(RequestId(99))));
    w.input(Input::Stop(StopScope::Session(SessionId(99))));
    w.input(Input::ShowError {
        instance: InstanceId(99),
        error: "e".to_owned(),
        request: None,
    });
    w.input(Input::Resume(PauseScope::All));
    w.input(Input::ItemRemoved(at("x", "y")));
    w.input(Input::HandlerUnregistered(handler("x")));
    w.answer(NeedId(99), "apply");
    w.expect("");
    assert!(w.records.is_empty());
}

#[test]
fn an_unregistered_handler_finishes_what_it_runs() {
    let mut w = World::defined(&[("h", &["A"])]);
    let running = w.sync(Scope::Checked);
    let waiting = w.sync(Scope::Checked);
    w.list(1, &["A"]);
    w.prepared(1);
    w.input(Input::HandlerUnregistered(handler("h")));
    w.hear(1, InstanceInput::SynchronizeCompleted(Completed::Done));
    w.exit(1);
    assert_eq!(w.outcome(running), Some(Out::Failed)); // it never returned from the call
    assert_eq!(w.outcome(waiting), Some(Out::Nothing));
    assert_eq!(w.results(), "A Failed");
}
