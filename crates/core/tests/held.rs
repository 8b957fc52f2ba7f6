//! What is held back is kept over a restart, until its run opens.

#![allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod world;

use syncmgr_core::condition::{Condition, Fact};
use syncmgr_core::input::Input;
use syncmgr_core::item::{Held, ItemRow};
use syncmgr_core::record::{PauseScope, Remembered};
use syncmgr_core::request::{Scope, Trigger};
use syncmgr_core::{Record, Settings};
use world::{World, at, handler, request};

/// The row of an item as it was recorded last.
fn row(w: &World) -> ItemRow {
    let rows = w.records.iter().rev().find_map(|record| match record {
        Record::Item(row) => Some(row.clone()),
        _ => None,
    });
    rows.unwrap()
}

/// Another life that remembers that item.
fn reborn(w: &World) -> World {
    let handlers = w.manager.handlers().cloned().collect();
    let remembered = Remembered {
        handlers,
        items: vec![row(w)].into_iter().collect(),
        pauses: w.manager.pauses().cloned().collect(),
        last: Default::default(),
        ..Remembered::default()
    };
    World::remembering(Settings::default(), remembered)
}

fn network(usable: bool) -> Input {
    Input::Facts(vec![Fact::Network {
        usable,
        metered: false,
        wifi: None,
        vpn: false,
    }])
}

fn schedule(w: &mut World) {
    w.ask(request(Scope::Items(vec![at("h", "A")]), Trigger::Schedule));
}

#[test]
fn what_a_condition_held_back_runs_in_the_next_life() {
    let mut w = World::defined(&[("h", &["A"])]);
    let condition = || Input::Conditions(at("h", "A"), vec![Condition::AnyNetwork]);
    w.input(condition());
    w.input(network(false));
    schedule(&mut w);
    w.expect("");
    let held = Some(Held {
        trigger: Trigger::Schedule,
        since: w.now,
    });
    assert_eq!(row(&w).held, held);

    let mut w = reborn(&w);
    w.input(condition());
    w.input(network(false));
    w.expect("");
    let why = w.manager.why(&at("h", "A"), w.now).unwrap();
    assert_eq!(why.waits, held.map(|held| (held.trigger, held.since)));
    w.input(network(true));
    w.expect("1 start h Schedule");
    // It was not run yet: a manager that ends now starts it in the life after.
    assert!(w.manager.item(&at("h", "A")).unwrap().held.is_some());
    w.run_well(1, &["A"]);
    assert_eq!(w.manager.item(&at("h", "A")).unwrap().held, None);
    assert!(w.records.iter().any(|record| {
        matches!(record, Record::Item(row) if row.held.is_none() && row.at == at("h", "A"))
    }));
}

#[test]
fn what_a_pause_held_back_runs_in_the_next_life() {
    let mut w = World::defined(&[("h", &["A"])]);
    w.input(Input::Pause {
        scope: PauseScope::Handler(handler("h")),
        until: None,
    });
    schedule(&mut w);
    w.expect("");
    let mut w = reborn(&w);
    w.expect("");
    w.input(Input::Resume(PauseScope::Handler(handler("h"))));
    w.expect("1 start h Schedule");
}
