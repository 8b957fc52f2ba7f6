//! What comes of decisions on conflicts.
#![allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod world;

use syncmgr_core::Timestamp;
use syncmgr_core::conflict::{Decision, Resting};
use syncmgr_core::input::{InstanceInput, ResolveFeedback};
use syncmgr_core::request::{RequestOutcome as Out, Scope, Trigger, Work};
use world::{World, at, facts, request};

fn items(handler: &str, items: &[&str]) -> Scope {
    Scope::Items(items.iter().map(|item| at(handler, item)).collect())
}

#[test]
fn resolving_what_changed_meanwhile_needs_a_person_again() {
    for (feedback, outcome) in [
        (Ok(ResolveFeedback::Continue(None)), Out::Succeeded),
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
            Ok(ResolveFeedback::Continue(Some(kept))),
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
                "c.txt: `left` was chosen".to_owned(),
                Some("the other version rests at /kept/l0 until 1970-01-02 00:00".to_owned())
            ),
            line("d.txt: the conflict changed meanwhile; look at it again"),
            line("e.txt: no such conflict"),
        ]
    );
}
