//! Keeping the machine awake: during which runs, on which power, and how long at most.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod world;

use std::time::Duration;

use syncmgr_core::awake::KeepAwake;
use syncmgr_core::condition::Fact;
use syncmgr_core::policy::Policy;
use syncmgr_core::request::Scope;
use syncmgr_core::rule::Select;
use syncmgr_core::{Input, Settings};
use world::{World, listed};

const HOUR: Duration = Duration::from_secs(3600);

/// A world with the items A and B of one handler.
fn world(keep_awake: KeepAwake, policies: Vec<Policy>) -> World {
    let mut w = World::with(
        Settings {
            keep_awake,
            keep_awake_for: HOUR,
            ..Settings::default()
        },
        &["h"],
    );
    for item in ["A", "B"] {
        w.input(Input::ItemDefined(world::handler("h"), listed(item)));
    }
    w.input(Input::Policies(policies));
    w
}

/// Begins a run of both.
fn begin(w: &mut World) {
    w.sync(Scope::Checked);
    w.list(1, &["A", "B"]);
}

/// What was said about it since it was asked last.
fn said(w: &mut World) -> Vec<String> {
    let lines = std::mem::take(&mut w.lines);
    lines
        .into_iter()
        .filter(|line| line.contains("awake") || line.contains("sleep"))
        .collect()
}

fn power(w: &mut World, mains: bool) {
    w.input(Input::Facts(vec![Fact::Power {
        mains,
        battery_percent: Some(50),
    }]));
}

fn policy(item: &str, keep_awake: KeepAwake) -> Policy {
    Policy {
        name: item.to_owned(),
        items: vec![Select::named(item)],
        keep_awake: Some(keep_awake),
        ..Policy::default()
    }
}

#[test]
fn a_run_keeps_the_machine_awake_until_it_ends_however_it_ends() {
    let mut w = world(KeepAwake::Always, Vec::new());
    assert_eq!(w.manager.awake_until(), None);
    begin(&mut w);
    let until = w.now.plus(HOUR);
    assert_eq!(said(&mut w), [format!("awake until {}", until.0)]);
    assert_eq!(w.manager.awake_until(), Some(until));
    // Its handler dies.
    w.hear(
        1,
        syncmgr_core::input::InstanceInput::Exited {
            how: "killed by signal 9".into(),
            requested: false,
            stderr: String::new(),
        },
    );
    assert_eq!(said(&mut w), ["let sleep"]);
    assert_eq!(w.manager.awake_until(), None);
}

#[test]
fn nothing_keeps_it_awake_for_longer_than_was_allowed() {
    let mut w = world(KeepAwake::Always, Vec::new());
    begin(&mut w);
    said(&mut w);
    w.now = w.manager.awake_until().unwrap();
    w.input(Input::Tick);
    assert_eq!(said(&mut w), ["let sleep"]);
    // The run goes on, and does not begin again.
    w.input(Input::Tick);
    power(&mut w, true);
    assert!(said(&mut w).is_empty());
}

#[test]
fn on_mains_only_while_there_is_mains() {
    let mut w = world(KeepAwake::Mains, Vec::new());
    assert!(w.manager.awake_by_power());
    begin(&mut w);
    // Nobody knows: it is left to the machine.
    assert!(said(&mut w).is_empty());
    power(&mut w, true);
    assert_eq!(said(&mut w).len(), 1);
    power(&mut w, false);
    assert_eq!(said(&mut w), ["let sleep"]);
}

#[test]
fn a_policy_says_otherwise_and_settings_change_in_mid_run() {
    let mut w = world(KeepAwake::Never, vec![policy("B", KeepAwake::Always)]);
    assert!(!w.manager.awake_by_power());
    begin(&mut w);
    assert_eq!(said(&mut w).len(), 1);
    w.input(Input::Policies(vec![policy("b", KeepAwake::Never)]));
    assert_eq!(said(&mut w), ["let sleep"]);
    w.input(Input::Settings(Settings {
        keep_awake: KeepAwake::Always,
        ..Settings::default()
    }));
    // A says nothing, so what holds for all holds for it.
    assert_eq!(said(&mut w).len(), 1);
}
