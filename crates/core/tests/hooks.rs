//! Hooks: which command of the user's runs when, and what a refusal does.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod world;

use syncmgr_core::hook::{HookEnded, HookFailure, HookId};
use syncmgr_core::input::{Began, Completed, InstanceInput, StopScope};
use syncmgr_core::item::ItemStatus;
use syncmgr_core::policy::Policy;
use syncmgr_core::record::Record;
use syncmgr_core::request::{RequestOutcome, Scope, Trigger};
use syncmgr_core::rule::Select;
use syncmgr_core::{Input, ItemRef};
use world::{World, at, handler, request};

fn argv(text: &str) -> Option<Vec<String>> {
    Some(text.split_whitespace().map(str::to_owned).collect())
}

fn policy(items: &[&str]) -> Policy {
    Policy {
        items: items.iter().map(|item| Select::named(item)).collect(),
        ..Policy::default()
    }
}

fn ended(w: &mut World, hook: u64, how: Result<(), (&str, bool)>, output: &str) {
    w.input(Input::HookEnded(
        HookId(hook),
        HookEnded {
            how: how.map_err(|(text, later)| HookFailure {
                text: text.to_owned(),
                later,
            }),
            output: output.to_owned(),
        },
    ));
}

/// Two items of one handler with these policies, listed and about to be prepared.
fn begun(policies: Vec<Policy>) -> (World, syncmgr_core::RequestId) {
    let mut w = World::defined(&[("h", &["A", "B"])]);
    w.input(Input::Policies(policies));
    let asked = w.sync(Scope::Handler(handler("h")));
    w.list(1, &["A", "B"]);
    (w, asked)
}

fn problem(w: &World, item: &ItemRef) -> Option<String> {
    w.manager.item(item).unwrap().last_problem.clone()
}

fn log(w: &World) -> Vec<String> {
    w.records
        .iter()
        .filter_map(|record| match record {
            Record::Log(row) => Some(row.text.clone()),
            _ => None,
        })
        .collect()
}

#[test]
fn a_hook_runs_once_a_run_and_the_handler_waits_for_it() {
    let (mut w, asked) = begun(vec![Policy {
        before: argv("mount disk"),
        after: argv("umount disk"),
        failed: argv("cry"),
        ..policy(&[])
    }]);
    // The run is recorded before anything of it is done.
    assert!(
        w.records
            .iter()
            .any(|record| matches!(record, Record::Run(_)))
    );
    w.expect("1 start h Manual user\n1 list\nhook 1 before mount disk for A,B begins");
    ended(&mut w, 1, Ok(()), "");
    w.expect("1 prepare A,B");
    w.prepared(1);
    w.completed(1);
    w.expect("1 synchronize\nhook 2 after umount disk for A,B done\n1 release");
    w.exit(1);
    assert_eq!(w.outcome(asked), Some(RequestOutcome::Succeeded));
    // The next run of this handler waits for what tidies up, and nobody else does.
    assert!(!w.manager.is_idle());
    w.input(Input::HandlerRegistered {
        id: handler("other"),
        description: "other".to_owned(),
    });
    w.sync(Scope::Handler(handler("h")));
    w.sync(Scope::Handler(handler("other")));
    w.expect("2 start other Manual user");
    ended(&mut w, 2, Ok(()), "unmounted");
    w.expect("3 start h Manual user");
    assert!(log(&w).contains(&"A, B: the command `after` said: unmounted".to_owned()));
}

#[test]
fn items_of_several_policies_are_told_of_with_their_own_command() {
    let (mut w, _) = begun(vec![
        Policy {
            before: argv("all"),
            after: argv("tidy"),
            ..policy(&[])
        },
        Policy {
            before: argv("only b"),
            ..policy(&["B"])
        },
    ]);
    w.expect("1 start h Manual user\n1 list\nhook 1 before all for A begins");
    ended(&mut w, 1, Ok(()), "");
    w.expect("hook 2 before only b for B begins");
    ended(&mut w, 2, Ok(()), "");
    w.expect("1 prepare A,B");
    w.prepared(1);
    w.report(1, "A", ItemStatus::Failed);
    w.completed(1);
    w.expect("1 synchronize\nhook 3 after tidy for A,B failed\n1 release");
}

#[test]
fn an_empty_command_takes_away_what_an_earlier_policy_says() {
    let (mut w, _) = begun(vec![
        Policy {
            before: argv("all"),
            ..policy(&[])
        },
        Policy {
            before: argv(""),
            ..policy(&["A"])
        },
    ]);
    w.expect("1 start h Manual user\n1 list\nhook 1 before all for B begins");
}

#[test]
fn what_is_refused_fails_with_the_reason_and_the_rest_goes_on() {
    let (mut w, asked) = begun(vec![Policy {
        before: argv("check"),
        after: argv("tidy"),
        failed: argv("cry"),
        ..policy(&["A"])
    }]);
    w.lines.clear();
    let why = ("it ended with exit status 3", false);
    ended(&mut w, 1, Err(why), "looking\nno disk\n");
    w.expect("1 prepare B");
    w.prepared(1);
    w.completed(1);
    // What never began has nothing to tidy up.
    w.expect("1 synchronize\nhook 2 failed cry for A failed\n1 release");
    w.exit(1);
    ended(&mut w, 2, Ok(()), "");
    assert_eq!(w.outcome(asked), Some(RequestOutcome::Failed));
    assert_eq!(w.results(), "A Failed, B Succeeded");
    let text = "the command `before` failed: it ended with exit status 3: no disk";
    assert_eq!(problem(&w, &at("h", "A")).as_deref(), Some(text));
    assert_eq!(w.manager.item(&at("h", "A")).unwrap().retry, None);
    assert_eq!(problem(&w, &at("h", "B")), None);
}

#[test]
fn one_that_holds_back_is_tried_again_later() {
    let (mut w, asked) = begun(vec![Policy {
        before: argv("check"),
        ..policy(&[])
    }]);
    w.lines.clear();
    let later = ("it ended with exit status 75", true);
    ended(&mut w, 1, Err(later), "the disk is busy");
    w.expect("1 release");
    w.exit(1);
    assert_eq!(w.outcome(asked), Some(RequestOutcome::Failed));
    let item = w.manager.item(&at("h", "A")).unwrap();
    assert!(item.retry.is_some());
    let text = "the command `before` holds it back for now: the disk is busy";
    assert_eq!(item.last_problem.as_deref(), Some(text));
    w.pass(60);
    w.expect("2 start h Retry");
}

#[test]
fn a_hanging_hook_holds_up_nobody_but_the_barrier_of_its_own_session() {
    let mut w = World::defined(&[("h", &["A"]), ("i", &["C"]), ("j", &["D"])]);
    w.input(Input::Policies(vec![Policy {
        before: argv("hang"),
        ..policy(&["A"])
    }]));
    w.ask(request(
        Scope::Items(vec![at("h", "A"), at("i", "C")]),
        Trigger::Schedule,
    ));
    w.ask(request(Scope::Items(vec![at("j", "D")]), Trigger::Schedule));
    w.list(1, &["A"]);
    w.list(2, &["C"]);
    w.prepared(2);
    w.list(3, &["D"]);
    w.prepared(3);
    // M-77: whoever is prepared in the same session waits, for as long as the command may take.
    w.expect(
        "1 start h Schedule\n2 start i Schedule\n3 start j Schedule\n1 list\nhook 1 before hang for A begins\n2 list\n\
         2 prepare C\n3 list\n3 prepare D\n3 synchronize",
    );
    ended(
        &mut w,
        1,
        Err(("it did not end within 60 s and was ended", false)),
        "",
    );
    w.expect("1 release\n2 synchronize");
}

#[test]
fn the_time_of_a_run_begins_after_its_hook() {
    let minutes = |minutes: u64| std::time::Duration::from_secs(minutes * 60);
    let (mut w, _) = begun(vec![Policy {
        before: argv("slow"),
        time_limit: Some(minutes(5)),
        no_progress: Some(minutes(5)),
        ..policy(&[])
    }]);
    w.lines.clear();
    w.pass(600);
    w.expect("");
    ended(&mut w, 1, Ok(()), "");
    w.hear(1, InstanceInput::PrepareReturned(Began::Yes));
    w.pass(240);
    w.expect("1 prepare A,B");
    w.pass(120);
    assert!(!w.lines.is_empty(), "its time is over");
}

#[test]
fn a_run_that_is_stopped_before_it_began_ends_its_hook_and_stays_stopped() {
    let (mut w, asked) = begun(vec![Policy {
        before: argv("slow"),
        after: argv("tidy"),
        ..policy(&[])
    }]);
    w.lines.clear();
    w.input(Input::Stop(StopScope::All));
    let lines = std::mem::take(&mut w.lines);
    assert!(lines.contains(&"end hook 1".to_owned()), "{lines:?}");
    ended(&mut w, 1, Err(("it was stopped", false)), "");
    w.exit(1);
    assert_eq!(w.outcome(asked), Some(RequestOutcome::Stopped));
    assert_eq!(w.results(), "A Stopped, B Stopped");
    assert!(w.lines.iter().all(|line| !line.contains("tidy")));
    assert!(w.manager.is_idle());
}

#[test]
fn a_handler_that_dies_meanwhile_ends_the_hook() {
    let (mut w, asked) = begun(vec![Policy {
        before: argv("slow"),
        failed: argv("cry"),
        ..policy(&[])
    }]);
    w.lines.clear();
    w.hear(
        1,
        InstanceInput::Exited {
            how: "it ended with exit status 1".to_owned(),
            requested: false,
            stderr: String::new(),
        },
    );
    w.expect("end hook 1\nhook 2 failed cry for A,B failed");
    assert_eq!(w.outcome(asked), Some(RequestOutcome::Failed));
    // Its late end changes nothing.
    ended(&mut w, 1, Ok(()), "");
    w.expect("");
    ended(&mut w, 2, Ok(()), "");
    assert!(w.manager.is_idle());
}

#[test]
fn what_tidies_up_is_let_finish_once_and_ended_the_second_time() {
    let (mut w, _) = begun(vec![Policy {
        after: argv("tidy"),
        ..policy(&[])
    }]);
    w.prepared(1);
    w.completed(1);
    w.exit(1);
    w.lines.clear();
    w.input(Input::Stop(StopScope::All));
    w.expect("");
    w.input(Input::Stop(StopScope::All));
    w.expect("end hook 1");
    let late = ("it did not end within 60 s and was ended", false);
    ended(&mut w, 1, Err(late), "half");
    let text = "A, B: the command `after` failed: it did not end within 60 s and was ended: half";
    assert!(log(&w).contains(&text.to_owned()), "{:?}", log(&w));
    assert!(w.manager.is_idle());
}

#[test]
fn undoing_runs_no_hooks_and_a_failed_preparation_is_a_failure() {
    let (mut w, _) = begun(vec![Policy {
        failed: argv("cry"),
        after: argv("tidy"),
        ..policy(&[])
    }]);
    w.hear(1, InstanceInput::PrepareReturned(Began::Yes));
    w.lines.clear();
    let failed = Completed::Failed {
        reason: "no".to_owned(),
        failure: syncmgr_core::item::Failure::Hard,
        retry_after: None,
    };
    w.hear(1, InstanceInput::PrepareCompleted(failed));
    w.expect("hook 1 after tidy for A,B failed\nhook 2 failed cry for A,B failed\n1 release");
}

#[test]
fn an_account_names_the_failed_first_and_counts_the_rest() {
    use syncmgr_core::account::MAX_TOLD;
    use syncmgr_core::command::Command;
    let names: Vec<String> = (0..MAX_TOLD + 50).map(|at| format!("i{at}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut w = World::defined(&[("h", &names)]);
    w.input(Input::Policies(vec![Policy {
        after: argv("tidy"),
        ..policy(&[])
    }]));
    w.sync(Scope::Handler(handler("h")));
    w.list(1, &names);
    w.prepared(1);
    w.report(1, "i140", ItemStatus::Failed);
    w.completed(1);
    let account = w
        .commands
        .iter()
        .find_map(|command| match command {
            Command::Hook(hook) => Some(hook.account.clone()),
            _ => None,
        })
        .unwrap();
    assert_eq!((account.items.len(), account.more), (MAX_TOLD, 50));
    assert!(account.items.iter().any(|item| item.name == "i140"));
}

#[test]
fn what_a_hook_did_is_told_under_the_items_that_it_is_about() {
    let (mut w, _) = begun(vec![
        Policy {
            before: argv("all"),
            after: argv("tidy"),
            ..policy(&[])
        },
        Policy {
            before: argv("only b"),
            ..policy(&["B"])
        },
    ]);
    ended(&mut w, 1, Ok(()), "");
    ended(
        &mut w,
        2,
        Err(("it ended with exit status 3", false)),
        "no disk",
    );
    let rows = |w: &World| -> Vec<(Option<ItemRef>, String)> {
        w.records
            .iter()
            .filter_map(|record| match record {
                Record::Log(row) => Some((row.item.clone(), row.text.clone())),
                _ => None,
            })
            .collect()
    };
    let failed = "the command `before` failed: it ended with exit status 3: no disk";
    assert_eq!(rows(&w), [(Some(at("h", "B")), failed.to_owned())]);
    w.prepared(1);
    w.completed(1);
    w.exit(1);
    // What B has nothing to do with is told under A alone.
    ended(&mut w, 3, Err(("it ended with exit status 1", false)), "");
    let failed = "the command `after` failed: it ended with exit status 1";
    assert_eq!(rows(&w)[1], (Some(at("h", "A")), failed.to_owned()));
    // Of both, both are named.
    let (mut w, _) = begun(vec![Policy {
        before: argv("all"),
        ..policy(&[])
    }]);
    ended(&mut w, 1, Ok(()), "mounted");
    let said = "A, B: the command `before` said: mounted";
    assert_eq!(rows(&w), [(None, said.to_owned())]);
}

#[test]
fn what_a_hook_refuses_again_and_again_is_not_stuck() {
    for later in [false, true] {
        let mut w = World::defined(&[("h", &["A"])]);
        w.input(Input::Policies(vec![Policy {
            before: argv("mount"),
            ..policy(&[])
        }]));
        for run in 1..=5 {
            w.sync(Scope::Handler(handler("h")));
            let instance = w.last_instance();
            w.list(instance, &["A"]);
            ended(
                &mut w,
                run,
                Err(("it ended with exit status 75", later)),
                "",
            );
            w.exit(instance);
        }
        assert!(problem(&w, &at("h", "A")).unwrap().contains("`before`"));
        assert_eq!(w.manager.stuck(&at("h", "A")), None, "{later}");
        assert_eq!(w.questions(), [], "{later}");
    }
}
