//! What one session starts together although a condition keeps it apart: one of it runs after the other.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod world;

use syncmgr_core::command::Command;
use syncmgr_core::condition::Condition;
use syncmgr_core::input::{Began, Completed, Input, InstanceInput};
use syncmgr_core::request::{Scope, Trigger};
use syncmgr_core::rule::{Cause, Happening, Moment, Select};
use world::{World, at};

/// Handlers with their items.
type Known = &'static [(&'static str, &'static [&'static str])];

const ONE: Known = &[("h", &["A", "B", "C"])];
const TWO: Known = &[("g", &["A"]), ("h", &["B", "C"])];

/// A world in which these keep off those, and one rule starts everything.
fn world(known: Known, apart: &[(&str, &str)]) -> World {
    let mut w = World::defined(known);
    let mut rules: Vec<_> = apart
        .iter()
        .enumerate()
        .map(|(number, (item, from))| syncmgr_core::rule::Rule {
            when: vec![Condition::NotRunning(Select::named(from))],
            ..world::rule(&format!("apart {number}"), &[item], Vec::new())
        })
        .collect();
    let unlocked = Cause::Happening(Moment::Unlock);
    rules.push(world::rule("all", &["A", "B", "C"], vec![unlocked]));
    w.input(Input::Rules(rules));
    w
}

/// Has the handlers do what they are told, those that work ending one after the other. Gives what was prepared together, in
/// the order in which it was.
fn play(w: &mut World, known: Known) -> Vec<String> {
    let mut prepared: Vec<String> = Vec::new();
    let mut working: Vec<u64> = Vec::new();
    loop {
        let mut now: Vec<String> = Vec::new();
        while let Some(command) = w.commands.pop_front() {
            match command {
                Command::Start { instance, .. } => {
                    let said = InstanceInput::Initialized(world::facts(&[]));
                    w.hear(instance.0, said);
                }
                Command::ListItems(instance) => {
                    let handler = w.manager.instance(instance).unwrap().handler.clone();
                    let of = known.iter().find(|(name, _)| handler.as_str() == *name);
                    w.listed(instance.0, of.unwrap().1);
                }
                Command::Prepare {
                    instance, items, ..
                } => {
                    now.extend(items.iter().map(ToString::to_string));
                    w.prepared(instance.0);
                }
                Command::Synchronize(instance) => {
                    w.hear(instance.0, InstanceInput::SynchronizeReturned(Began::Yes));
                    working.push(instance.0);
                }
                Command::Release(instance) => w.exit(instance.0),
                _ => {}
            }
        }
        if !now.is_empty() {
            now.sort();
            prepared.push(now.concat());
        }
        if working.is_empty() {
            return prepared;
        }
        let first = working.remove(0);
        w.hear(first, InstanceInput::SynchronizeCompleted(Completed::Done));
    }
}

#[test]
fn what_keeps_off_something_of_its_session_runs_after_it() {
    for (known, apart, expected) in [
        (ONE, &[][..], &["ABC"][..]),
        (TWO, &[], &["ABC"]),
        // Who has the condition waits, wherever it stands in the list.
        (ONE, &[("A", "B")], &["BC", "A"]),
        (ONE, &[("B", "A")], &["AC", "B"]),
        (TWO, &[("A", "B")], &["BC", "A"]),
        (TWO, &[("B", "A")], &["AC", "B"]),
        // Of two that keep off each other the later one waits.
        (ONE, &[("A", "B"), ("B", "A")], &["AC", "B"]),
        // Each on its own, and nobody for ever.
        (ONE, &[("A", "h"), ("B", "h"), ("C", "h")], &["A", "B", "C"]),
        (ONE, &[("A", "B"), ("B", "C"), ("C", "A")], &["B", "A", "C"]),
        // What is left out itself keeps nobody waiting.
        (ONE, &[("B", "C"), ("C", "A")], &["AB", "C"]),
    ] {
        let mut w = world(known, apart);
        w.input(Input::Happened(Happening::Moment(Moment::Unlock)));
        let got = play(&mut w, known);
        assert_eq!(got, expected, "{apart:?} of {known:?}");
        for (handler, items) in known {
            for item in *items {
                let row = w.manager.item(&at(handler, item)).unwrap();
                assert!(row.held.is_none() && row.last_good.is_some(), "{item}");
            }
        }
    }
}

#[test]
fn who_is_asked_for_by_a_person_waits_for_nobody() {
    let mut w = world(ONE, &[("A", "B")]);
    w.sync(Scope::Checked);
    assert_eq!(play(&mut w, ONE), ["ABC"]);
    w.ask(world::request(Scope::Checked, Trigger::Schedule));
    assert_eq!(play(&mut w, ONE), ["BC", "A"]);
}
