//! What follows from failures: retries that handlers ask for, and items that come no further.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod world;

use std::time::Duration;

use syncmgr_core::Settings;
use syncmgr_core::condition::Fact;
use syncmgr_core::input::{Completed, Input, InstanceInput, Progress};
use syncmgr_core::item::{Failure, ItemStatus, Retry};
use syncmgr_core::policy::Policy;
use syncmgr_core::record::{PauseScope, Record};
use syncmgr_core::request::Scope;
use syncmgr_core::stuck::{AGAIN, MAX_QUESTIONS, PAUSE};
use syncmgr_core::verdict::Shown;
use world::{World, at, handler, id};

fn failed(item: &str, value: u64, retry_after: Option<u64>) -> InstanceInput {
    InstanceInput::Progress(
        Progress {
            item: Some(id(item)),
            status: Some(ItemStatus::Failed),
            text: Some("the server is full".to_owned()),
            value: Some(value),
            max: Some(120),
            failure: Some(Failure::Soft),
            retry_after: retry_after.map(Duration::from_secs),
            ..Progress::default()
        },
        None,
    )
}

/// One run of A, started by whatever is asked for or due, that ends so.
fn run(w: &mut World, said: InstanceInput) {
    let instance = w.last_instance();
    w.list(instance, &["A"]);
    w.prepared(instance);
    w.hear(instance, said);
    w.completed(instance);
    w.exit(instance);
}

fn sync(w: &mut World, said: InstanceInput) {
    w.sync(Scope::Checked);
    run(w, said);
    w.lines.clear();
}

fn retry(w: &World) -> Option<Retry> {
    w.manager.item(&at("h", "A")).unwrap().retry
}

fn pause_of(w: &World) -> u64 {
    retry(w).unwrap().due.since(w.now).as_secs()
}

fn network(usable: bool) -> Input {
    Input::Facts(vec![Fact::Network {
        usable,
        metered: false,
        wifi: None,
        vpn: false,
    }])
}

#[test]
fn a_handler_says_when_to_try_again_within_bounds() {
    for (said, wanted) in [
        (0, 1),
        (90, 90),
        (86_400, 86_400),
        (86_401, 86_400),
        (u64::MAX / 1000, 86_400),
    ] {
        let mut w = World::defined(&[("h", &["A"])]);
        sync(&mut w, failed("A", 0, Some(said)));
        assert_eq!(pause_of(&w), wanted, "{said}");
    }
    // It says so of all items at once, too, and then it is worth a try whatever it calls the failure.
    let mut w = World::defined(&[("h", &["A"])]);
    w.sync(Scope::Checked);
    w.list(1, &["A"]);
    w.prepared(1);
    let completed = Completed::Failed {
        reason: "too many requests".to_owned(),
        failure: Failure::Hard,
        retry_after: Some(Duration::from_secs(300)),
    };
    w.hear(
        1,
        InstanceInput::SynchronizeReturned(syncmgr_core::input::Began::Yes),
    );
    w.hear(1, InstanceInput::SynchronizeCompleted(completed));
    w.exit(1);
    assert_eq!(pause_of(&w), 300);
    // An item that ended well has nothing to try again.
    let mut w = World::defined(&[("h", &["A"])]);
    let well = InstanceInput::Progress(
        Progress {
            item: Some(id("A")),
            status: Some(ItemStatus::Succeeded),
            retry_after: Some(Duration::from_secs(300)),
            ..Progress::default()
        },
        None,
    );
    sync(&mut w, well);
    assert_eq!(retry(&w), None);
}

#[test]
fn a_network_hastens_what_was_spaced_and_nothing_that_a_handler_spaced() {
    for (said, hastened) in [(None, true), (Some(3600), false)] {
        let mut w = World::defined(&[("h", &["A"])]);
        w.input(network(false));
        sync(&mut w, failed("A", 0, said));
        w.pass(5);
        w.expect("");
        w.input(network(true));
        w.pass(1);
        let started = w.lines.iter().any(|line| line.contains("start h Retry"));
        assert_eq!(started, hastened, "{said:?}");
    }
}

#[test]
fn a_person_is_not_kept_waiting_by_a_retry() {
    let mut w = World::defined(&[("h", &["A"])]);
    sync(&mut w, failed("A", 0, Some(3600)));
    w.sync(Scope::Checked);
    w.expect("2 start h Manual user");
    assert_eq!(retry(&w), None, "the row begins anew");
    run(&mut w, failed("A", 0, None));
    assert_eq!(retry(&w).unwrap().attempt, 0);
}

#[test]
fn a_handler_is_not_tried_again_for_ever_whatever_it_says() {
    let mut w = World::defined(&[("h", &["A"])]);
    w.sync(Scope::Checked);
    let mut runs = 0;
    loop {
        run(&mut w, failed("A", 0, Some(60)));
        runs += 1;
        let Some(retry) = retry(&w) else {
            break;
        };
        w.now = retry.due;
        w.input(Input::Tick);
    }
    assert_eq!(runs, 1 + Settings::default().retry.attempts);
}

#[test]
fn an_item_that_comes_no_further_is_stuck_and_told_once() {
    let mut w = World::defined(&[("h", &["A"])]);
    for _ in 0..2 {
        sync(&mut w, failed("A", 3, None));
    }
    assert_eq!(w.manager.stuck(&at("h", "A")), None);
    sync(&mut w, failed("A", 3, None));
    let stall = w.manager.stuck(&at("h", "A")).unwrap();
    assert_eq!(stall.fragment(), "the same 3 of 120 in 3 runs");
    assert_eq!(
        w.questions()[0].1,
        "A is stuck: the same 3 of 120 in 3 runs"
    );
    // It failed, and that is how it stands; the question only offers help.
    assert_eq!(w.manager.shown(&at("h", "A"), w.now), Shown::Failed);
    sync(&mut w, failed("A", 3, None));
    assert_eq!(w.questions().len(), 1);
    let told = |w: &World| {
        let told = |record: &&Record| matches!(record, Record::Log(row) if row.item == Some(at("h", "A")) && row.text.starts_with("it is stuck"));
        w.records.iter().filter(told).count()
    };
    assert_eq!(told(&w), 1);
    let why = w.manager.why(&at("h", "A"), w.now).unwrap();
    assert!(
        why.reasons
            .iter()
            .any(|reason| reason.now == "the same 3 of 120 in 4 runs"),
        "{:?}",
        why.reasons
    );
    // Progress clears it, although the run failed.
    sync(&mut w, failed("A", 4, None));
    assert_eq!(w.manager.stuck(&at("h", "A")), None);
    assert_eq!(w.questions(), []);
    // From there, the next one is told again.
    for _ in 0..2 {
        sync(&mut w, failed("A", 4, None));
    }
    assert_eq!(told(&w), 2);
    w.sync(Scope::Checked);
    let instance = w.last_instance();
    w.run_well(instance, &["A"]);
    assert_eq!(w.manager.item(&at("h", "A")).unwrap().stall, None);
    assert_eq!(w.questions(), []);
}

#[test]
fn one_that_gets_nowhere_is_asked_about_like_any_other() {
    let mut w = World::defined(&[("h", &["A"])]);
    for _ in 0..3 {
        sync(&mut w, failed("A", 0, None));
    }
    let stall = w.manager.stuck(&at("h", "A")).unwrap();
    assert_eq!(stall.fragment(), "nothing done in 3 runs");
    let asked = w.questions();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].1, "A is stuck: nothing done in 3 runs");
    w.answer(asked[0].0, PAUSE);
    assert!(w.manager.pause_of(&at("h", "A")).is_some());
}

#[test]
fn where_everything_of_a_handler_is_stuck_few_questions_say_so() {
    let names: Vec<String> = (0..2 * MAX_QUESTIONS).map(|n| format!("I{n:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut w = World::defined(&[("h", &names)]);
    for _ in 0..3 {
        w.sync(Scope::Checked);
        let instance = w.last_instance();
        w.list(instance, &names);
        w.prepared(instance);
        for name in &names {
            w.hear(instance, failed(name, 0, None));
        }
        w.completed(instance);
        w.exit(instance);
    }
    let stuck = |name: &&&str| w.manager.stuck(&at("h", name)).is_some();
    assert_eq!(names.iter().filter(stuck).count(), names.len());
    assert_eq!(w.questions().len(), MAX_QUESTIONS);
}

#[test]
fn a_handler_that_does_not_even_begin_is_its_own_problem_and_nothing_of_it_is_stuck() {
    let mut w = World::defined(&[("h", &["A"])]);
    for _ in 0..5 {
        w.sync(Scope::Checked);
        let instance = w.last_instance();
        w.exit(instance);
    }
    assert!(w.manager.handler(&handler("h")).unwrap().problem.is_some());
    assert_eq!(w.manager.stuck(&at("h", "A")), None);
    assert_eq!(w.questions(), []);
}

#[test]
fn the_answer_to_being_stuck_tries_again_or_pauses() {
    for (choice, starts) in [(AGAIN, true), (PAUSE, false)] {
        let mut w = World::defined(&[("h", &["A"])]);
        for _ in 0..3 {
            sync(&mut w, failed("A", 3, None));
        }
        let (need, _) = w.questions()[0].clone();
        w.answer(need, choice);
        assert_eq!(w.questions(), []);
        let started = w.lines.iter().any(|line| line.contains("start h Answered"));
        assert_eq!(started, starts, "{choice}");
        let paused = w.manager.pause_of(&at("h", "A"));
        assert_eq!(
            paused.map(|pause| &pause.scope),
            (!starts).then_some(&PauseScope::Item(at("h", "A")))
        );
    }
}

#[test]
fn a_policy_says_after_how_many_runs_or_never() {
    for (after, runs, stuck) in [(2, 2, true), (4, 3, false), (0, 9, false)] {
        let mut w = World::defined(&[("h", &["A"])]);
        w.input(Input::Policies(vec![Policy {
            name: "p".to_owned(),
            stuck_after: Some(after),
            ..Policy::default()
        }]));
        for _ in 0..runs {
            sync(&mut w, failed("A", 3, None));
        }
        assert_eq!(w.manager.stuck(&at("h", "A")).is_some(), stuck, "{after}");
        assert_eq!(w.questions().is_empty(), !stuck, "{after}");
    }
}

#[test]
fn what_a_person_ended_or_could_not_be_reached_is_not_stuck() {
    for status in [
        ItemStatus::Skipped,
        ItemStatus::Stopped,
        ItemStatus::Disconnected,
    ] {
        let mut w = World::defined(&[("h", &["A"])]);
        for _ in 0..5 {
            let said = InstanceInput::Progress(
                Progress {
                    item: Some(id("A")),
                    status: Some(status),
                    value: Some(3),
                    max: Some(120),
                    ..Progress::default()
                },
                None,
            );
            sync(&mut w, said);
        }
        assert_eq!(w.manager.stuck(&at("h", "A")), None, "{status:?}");
        assert_eq!(w.questions(), []);
    }
}

#[test]
fn what_is_late_says_why() {
    let mut w = World::defined(&[("h", &["A"])]);
    let lateness = |w: &World| w.manager.lateness(&at("h", "A"), w.now);
    w.input(Input::Policies(vec![Policy {
        name: "p".to_owned(),
        fresh_within: Some(Duration::from_secs(86_400)),
        ..Policy::default()
    }]));
    assert_eq!(lateness(&w), None);
    w.sync(Scope::Checked);
    w.run_well(1, &["A"]);
    assert_eq!(lateness(&w), None);
    w.pass(3 * 86_400);
    assert_eq!(
        lateness(&w).unwrap(),
        "last good run 3 days ago, promised every 1 day; not tried since"
    );
    sync(&mut w, failed("A", 0, None));
    w.pass(2 * 3600);
    assert_eq!(
        lateness(&w).unwrap(),
        "last good run 3 days 2 h ago, promised every 1 day; last attempt 2 h ago failed: the server is full"
    );
    let why = w.manager.why(&at("h", "A"), w.now).unwrap();
    assert!(
        why.reasons.iter().any(|reason| reason
            .now
            .as_str()
            .starts_with("overdue: last good run 3 days")),
        "{:?}",
        why.reasons
    );
    // Of one that waits, it says for what.
    let mut w = World::defined(&[("h", &["A"])]);
    w.input(Input::ItemPreferences {
        item: at("h", "A"),
        labels: Vec::new(),
        checked: None,
        expected_freshness: Some(Duration::from_secs(3600)),
    });
    w.input(Input::Conditions(
        at("h", "A"),
        vec![syncmgr_core::condition::Condition::Vpn],
    ));
    w.pass(5400);
    let late = lateness(&w).unwrap();
    assert!(
        late.as_str()
            .starts_with("no good run in 1 h 30 min, promised every 1 h; not tried since: "),
        "{late}"
    );
    assert!(late.as_str().contains("VPN"), "{late}");
}

#[test]
fn a_retry_does_to_a_running_item_what_its_rule_says() {
    use syncmgr_core::request::IfRunning;
    use syncmgr_core::rule::{Cause, Moment};
    for (said, again) in [
        (None, true),
        (Some(IfRunning::Again), true),
        (Some(IfRunning::Ignore), false),
    ] {
        let mut w = World::defined(&[("h", &["A"])]);
        let mut rule = world::rule("r", &["A"], vec![Cause::Happening(Moment::Logon)]);
        rule.if_running = said;
        w.input(Input::Rules(vec![rule]));
        sync(&mut w, failed("A", 0, Some(60)));
        // It runs for another reason when its retry is due.
        w.ask(world::request(
            Scope::Items(vec![at("h", "A")]),
            syncmgr_core::request::Trigger::FileChange,
        ));
        let instance = w.last_instance();
        w.list(instance, &["A"]);
        w.prepared(instance);
        w.pass(61);
        w.lines.clear();
        w.hear(instance, failed("A", 1, Some(3600)));
        w.completed(instance);
        w.exit(instance);
        let started = w.lines.iter().any(|line| line.contains("start h Retry"));
        assert_eq!(started, again, "{said:?}");
    }
}

#[test]
fn what_was_held_back_does_to_a_running_item_what_its_rule_says() {
    use syncmgr_core::condition::Condition;
    use syncmgr_core::request::IfRunning;
    use syncmgr_core::rule::{Cause, Happening, Moment};
    for (said, again) in [
        (None, true),
        (Some(IfRunning::Again), true),
        (Some(IfRunning::Ignore), false),
    ] {
        let mut w = World::defined(&[("h", &["A"])]);
        w.input(network(false));
        let mut rule = world::rule("r", &["A"], vec![Cause::Happening(Moment::Logon)]);
        rule.when = vec![Condition::AnyNetwork];
        rule.if_running = said;
        w.input(Input::Rules(vec![rule]));
        w.input(Input::Happened(Happening::Moment(Moment::Logon)));
        w.sync(Scope::Checked);
        let instance = w.last_instance();
        w.list(instance, &["A"]);
        let held = w.manager.item(&at("h", "A")).unwrap().held;
        w.prepared(instance);
        w.lines.clear();
        w.input(network(true));
        w.completed(instance);
        w.exit(instance);
        let started = w.lines.iter().any(|line| line.contains("start h Logon"));
        // What runs for a person is what was missed, unless it is held until that is over.
        assert_eq!(started, again && held.is_some(), "{said:?}");
    }
}
