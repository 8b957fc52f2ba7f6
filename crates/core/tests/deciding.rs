//! What comes of decisions on conflicts.
#![allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod world;

use syncmgr_core::conflict::{Decision, Resting};
use syncmgr_core::input::{InstanceInput, ResolveFeedback};
use syncmgr_core::item::{Counts, HandlerCapability};
use syncmgr_core::record::Record;
use syncmgr_core::request::{RequestOutcome as Out, Scope, Trigger, Work};
use syncmgr_core::verdict::Shown;
use syncmgr_core::{RunId, Timestamp};
use world::{World, at, facts, request};

fn items(handler: &str, items: &[&str]) -> Scope {
    Scope::Items(items.iter().map(|item| at(handler, item)).collect())
}

#[test]
fn resolving_what_changed_meanwhile_needs_a_person_again() {
    for (feedback, outcome) in [
        (Ok(done(None)), Out::Succeeded),
        (Ok(ResolveFeedback::Refresh), Out::NeedsYou),
        (Err("no such conflict".to_owned()), Out::Failed),
    ] {
        let mut w = World::defined(&[("h", &["A"])]);
        let mut resolve = request(items("h", &["A"]), Trigger::Manual);
        resolve.work = Work::Resolve {
            decisions: vec![decision("c")],
        };
        let id = w.ask(resolve);
        w.hear(1, InstanceInput::Initialized(facts(&[])));
        w.hear(1, InstanceInput::Resolved(vec![feedback]));
        w.expect("1 start h Manual user\n1 resolve A c left\n1 release");
        w.exit(1);
        assert_eq!(w.outcome(id), Some(outcome));
    }
}

fn done(resting: Option<Resting>) -> ResolveFeedback {
    ResolveFeedback::Continue {
        resting,
        counts: Counts {
            sent: 1,
            ..Counts::default()
        },
    }
}

fn decision(conflict: &str) -> Decision {
    Decision {
        conflict: conflict.to_owned(),
        name: format!("{conflict}.txt"),
        choice: "left".to_owned(),
    }
}

#[test]
fn each_of_many_decisions_is_told_with_where_the_other_version_rests() {
    let mut w = World::defined(&[("h", &["A"])]);
    let mut resolve = request(items("h", &["A"]), Trigger::Manual);
    resolve.work = Work::Resolve {
        decisions: ["c", "d", "e"].map(decision).into(),
    };
    let id = w.ask(resolve);
    w.hear(1, InstanceInput::Initialized(facts(&[])));
    let kept = Resting {
        place: "/kept/l0".to_owned(),
        until: Some(Timestamp(86_400_000)),
    };
    w.hear(
        1,
        InstanceInput::Resolved(vec![
            Ok(done(Some(kept))),
            Ok(ResolveFeedback::Refresh),
            Err("no such conflict".to_owned()),
        ]),
    );
    w.expect("1 start h Manual user\n1 resolve A c left d left e left\n1 release");
    w.exit(1);
    assert_eq!(w.outcome(id), Some(Out::Failed));
    let told: Vec<(String, Option<String>)> = w
        .log()
        .into_iter()
        .map(|row| (row.text, row.detail))
        .collect();
    let line = |text: &str| (text.to_owned(), None);
    assert_eq!(
        told[..3],
        [
            (
                "c.txt: left was chosen".to_owned(),
                Some("the other version rests at /kept/l0 until 1970-01-02 00:00".to_owned())
            ),
            line("d.txt: the conflict changed meanwhile; look at it again"),
            line("e.txt: no such conflict"),
        ]
    );
}

const CAN: [HandlerCapability; 2] = [HandlerCapability::Undo, HandlerCapability::ConflictStore];

fn reviewed(w: &mut World, instance: u64) {
    let nothing = InstanceInput::ConflictsListed {
        items: vec![world::id("A")],
        conflicts: Vec::new(),
    };
    w.hear(instance, nothing);
}

/// A good run of all.
fn synchronized(w: &mut World) {
    w.sync(Scope::Checked);
    w.hear(1, InstanceInput::Initialized(facts(&CAN)));
    w.listed(1, &["A"]);
    w.prepared(1);
    w.completed(1);
    reviewed(w, 1);
    w.exit(1);
}

/// A decision is a run like any other: it counts what it moved, and with the last conflict gone the item is in sync as of now.
#[test]
fn what_was_decided_is_counted_and_good() {
    let mut w = World::defined(&[("h", &["A"])]);
    synchronized(&mut w);
    let good = |w: &World| w.manager.item(&at("h", "A")).unwrap().last_good;
    let before = good(&w).unwrap();
    w.pass(60);
    let mut resolve = request(items("h", &["A"]), Trigger::Manual);
    resolve.work = Work::Resolve {
        decisions: ["c", "d"].map(decision).into(),
    };
    w.ask(resolve);
    w.hear(2, InstanceInput::Initialized(facts(&CAN)));
    w.hear(
        2,
        InstanceInput::Resolved(vec![Ok(done(None)), Ok(done(None))]),
    );
    reviewed(&mut w, 2);
    w.exit(2);
    let run = w.records.iter().rev().find_map(|record| match record {
        Record::Run(row) => Some(row.clone()),
        _ => None,
    });
    assert_eq!(run.unwrap().counts.sent, 2);
    assert!(good(&w).unwrap() > before);
}

/// Whoever refuses to undo before he began changed nothing: the item is as in sync as before.
#[test]
fn a_refused_undo_leaves_the_item_as_it_was() {
    let mut w = World::defined(&[("h", &["A"])]);
    synchronized(&mut w);
    let mut undo = request(items("h", &["A"]), Trigger::Manual);
    undo.work = Work::Undo { run: RunId(1) };
    let id = w.ask(undo);
    w.hear(2, InstanceInput::Initialized(facts(&CAN)));
    w.hear(
        2,
        InstanceInput::Undone(Err("nothing is kept of run 1".to_owned())),
    );
    reviewed(&mut w, 2);
    w.exit(2);
    assert_eq!(w.outcome(id), Some(Out::Failed));
    assert_eq!(w.manager.verdict(w.now).worst, Shown::Fresh);
}
