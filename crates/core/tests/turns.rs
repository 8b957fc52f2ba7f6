//! What a request waits for, as people are told it.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod world;

use std::time::Duration;

use syncmgr_core::hook::{HookEnded, HookId};
use syncmgr_core::input::{Input, StopScope};
use syncmgr_core::item::ItemStatus;
use syncmgr_core::policy::Policy;
use syncmgr_core::request::Scope;
use syncmgr_core::stopping::StopOf;
use syncmgr_core::turn::Turn;
use syncmgr_core::{RequestId, RunId, SessionId, Settings};
use world::{World, at, handler};

fn told(w: &World, request: RequestId) -> String {
    let turn = w.manager.turn_of(request);
    turn.map_or_else(String::new, |turn| {
        w.manager.turn_text(&turn, w.now).to_string()
    })
}

/// A of h runs, as run 1.
fn running() -> World {
    let mut w = World::defined(&[("h", &["A", "B"]), ("other", &["C"])]);
    w.sync(Scope::Items(vec![at("h", "A")]));
    w.list(1, &["A", "B"]);
    w.prepared(1);
    w
}

#[test]
fn what_runs_of_the_same_handler_goes_first() {
    let mut w = running();
    let asked = w.sync(Scope::Items(vec![at("h", "B")]));
    assert_eq!(told(&w, asked), "run 1 (A) goes before it");
    w.input(Input::Stop(StopScope::Request(RequestId(1))));
    w.now = w.now.plus(Duration::from_secs(10));
    assert_eq!(
        told(&w, asked),
        "run 1 (A) goes before it, and is being stopped; it is ended by force in 20 s unless it ends before"
    );
    // `why` of the item that waits says the same, and of the one that stops until when.
    let why = |item: &str| {
        let why = w.manager.why(&at("h", item), w.now).unwrap();
        let now: Vec<String> = why
            .reasons
            .into_iter()
            .map(|reason| reason.now.into())
            .collect();
        now.join("\n")
    };
    assert!(why("B").contains(&told(&w, asked)), "{}", why("B"));
    assert!(
        why("A").contains("it was asked to stop and has not yet; it is ended by force in 20 s"),
        "{}",
        why("A")
    );
    w.completed(1);
    w.exit(1);
    assert_eq!(told(&w, asked), "h is starting");
    w.input(Input::Tick);
    w.list(2, &["A", "B"]);
    assert_eq!(told(&w, asked), "", "its run is open");
}

#[test]
fn a_command_after_an_earlier_run_goes_first() {
    let mut w = running();
    w.input(Input::Policies(vec![Policy {
        name: "p".to_owned(),
        after: Some(vec!["umount".to_owned()]),
        ..Policy::default()
    }]));
    w.completed(1);
    w.exit(1);
    let asked = w.sync(Scope::Items(vec![at("h", "B")]));
    assert_eq!(w.manager.turn_of(asked), Some(Turn::Hook(handler("h"))));
    assert_eq!(
        told(&w, asked),
        "a command that comes after an earlier run of h has not ended"
    );
    let ended = HookEnded {
        how: Ok(()),
        output: String::new(),
    };
    w.input(Input::HookEnded(HookId(1), ended));
    assert_eq!(w.manager.turn_of(asked), Some(Turn::Starting(handler("h"))));
}

#[test]
fn where_no_more_may_work_at_once_it_is_said() {
    let settings = Settings {
        parallel_handlers: 1,
        ..Settings::default()
    };
    let mut w = World::with(settings, &["h", "other", "third"]);
    w.sync(Scope::Handler(handler("h")));
    let first = w.sync(Scope::Handler(handler("other")));
    let second = w.sync(Scope::Handler(handler("third")));
    assert_eq!(
        told(&w, first),
        "another handler is at work, and no more may be at once"
    );
    assert_eq!(told(&w, second), "one request waits before it");
    assert_eq!(told(&w, RequestId(1)), "h is starting");
    assert_eq!(told(&w, RequestId(99)), "", "nobody asked for it");
}

#[test]
fn the_run_of_an_item_is_stopped_only_when_nothing_else_is() {
    let stop_of = |w: &World, items: &[&str]| {
        let items = items.iter().map(|item| at("h", item)).collect();
        w.manager.stop_of(&items)
    };
    let scopes = |scopes: &[StopScope]| StopOf::Scopes(scopes.to_vec());
    let mut w = running();
    assert_eq!(stop_of(&w, &["B"]), scopes(&[]), "nothing of it runs");
    assert_eq!(
        stop_of(&w, &["A"]),
        scopes(&[StopScope::Session(SessionId(1))])
    );
    // What waits is taken from the queue, with all that joined it.
    let second = w.sync(Scope::Items(vec![at("h", "B")]));
    let third = w.sync(Scope::Items(vec![at("h", "B")]));
    let of_requests = scopes(&[StopScope::Request(third), StopScope::Request(second)]);
    assert_eq!(stop_of(&w, &["B"]), of_requests);
    let StopOf::Scopes(both) = stop_of(&w, &["A", "B"]) else {
        panic!("both may be stopped");
    };
    for scope in both {
        w.input(Input::Stop(scope));
    }
    w.completed(1);
    w.exit(1);
    assert!(w.manager.is_idle());
    assert!(w.outcome(second).is_some() && w.outcome(third).is_some());
    // A run of two is one run.
    w.sync(Scope::Handler(handler("h")));
    let of_both = |run| StopOf::Shared {
        item: at("h", "A"),
        run,
        with: at("h", "B"),
    };
    assert_eq!(stop_of(&w, &["A"]), of_both(None), "before it is open");
    w.list(2, &["A", "B"]);
    assert_eq!(stop_of(&w, &["A"]), of_both(Some(RunId(2))));
    assert_eq!(
        stop_of(&w, &["A", "B"]),
        scopes(&[StopScope::Session(SessionId(2))])
    );
    w.prepared(2);
    w.report(2, "B", ItemStatus::Succeeded);
    assert_eq!(
        stop_of(&w, &["A"]),
        scopes(&[StopScope::Session(SessionId(2))]),
        "what is done is done"
    );
}
