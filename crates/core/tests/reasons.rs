//! What people are told: why an item failed, what came of a link, what a program asks for.

#![allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod world;

use syncmgr_core::input::{Began, Completed, Input, InstanceInput, Progress};
use syncmgr_core::invocation::Invocation;
use syncmgr_core::item::ItemStatus as S;
use syncmgr_core::log::Level;
use syncmgr_core::record::Record;
use syncmgr_core::request::{RequestOutcome as Out, Scope};
use syncmgr_core::{InstanceId, Settings};
use world::{World, at, handler, id, listed};

/// A manager whose handler works on `A` and `B`.
fn working() -> World {
    let mut w = World::with(Settings::default(), &["h"]);
    for item in ["A", "B"] {
        w.input(Input::ItemDefined(handler("h"), listed(item)));
    }
    w.sync(Scope::Checked);
    w.list(1, &["A", "B"]);
    w.prepared(1);
    w
}

fn say(w: &mut World, level: Level, item: Option<&str>, text: &str) {
    let entry = InstanceInput::Log {
        level,
        text: text.to_owned(),
        item: item.map(id),
        detail: None,
        error: None,
        jump: false,
    };
    w.hear(1, entry);
}

fn report(w: &mut World, item: &str, status: S, text: Option<&str>) {
    let report = Progress {
        item: Some(id(item)),
        status: Some(status),
        text: text.map(str::to_owned),
        ..Progress::default()
    };
    w.hear(1, InstanceInput::Progress(report, None));
}

fn problem(w: &World, item: &str) -> Option<String> {
    w.manager.item(&at("h", item)).unwrap().last_problem.clone()
}

/// The last text that was stored for an item of the run.
fn stored(w: &World, item: &str) -> String {
    w.records
        .iter()
        .rev()
        .find_map(|record| match record {
            Record::RunItem(row) if row.item == at("h", item) => Some(row.text.clone()),
            _ => None,
        })
        .unwrap()
}

#[test]
fn an_error_of_the_log_is_the_reason_of_a_silent_failure() {
    let mut w = working();
    say(&mut w, Level::Error, Some("A"), "the disk is full");
    say(&mut w, Level::Warning, Some("A"), "it was slow too");
    report(&mut w, "A", S::Updating, Some("copying 12 of 80"));
    report(&mut w, "A", S::Failed, None);
    report(&mut w, "B", S::Failed, Some("")); // says why only afterwards
    say(&mut w, Level::Error, Some("B"), "nobody may write there");
    assert_eq!(stored(&w, "A"), "the disk is full");
    assert_eq!(stored(&w, "B"), "nobody may write there");
    w.completed(1);
    w.exit(1);
    assert_eq!(problem(&w, "A").as_deref(), Some("the disk is full"));
    assert_eq!(problem(&w, "B").as_deref(), Some("nobody may write there"));
}

#[test]
fn an_error_that_names_no_item_is_the_reason_of_those_that_have_none() {
    let mut w = working();
    report(&mut w, "A", S::Failed, Some("a reason of its own"));
    report(&mut w, "B", S::Failed, None);
    say(&mut w, Level::Error, None, "the server is down");
    w.completed(1);
    w.exit(1);
    assert_eq!(problem(&w, "A").as_deref(), Some("a reason of its own"));
    assert_eq!(problem(&w, "B").as_deref(), Some("the server is down"));
    assert_eq!(stored(&w, "B"), "the server is down");
}

/// The handler lets a link be followed, and somebody waits for what comes of it.
fn followed(retry: &[&str]) -> (World, syncmgr_core::RequestId) {
    let mut w = working();
    let entry = InstanceInput::Log {
        level: Level::Error,
        text: "broken".to_owned(),
        item: Some(id("A")),
        detail: None,
        error: Some("E1".to_owned()),
        jump: true,
    };
    w.hear(1, entry);
    w.completed(1);
    let request = w.manager.next_request();
    w.input(Input::ShowError {
        instance: InstanceId(1),
        error: "E1".to_owned(),
        request: Some(request),
    });
    assert!(w.manager.is_alive(request));
    w.hear(1, InstanceInput::ShowErrorReturned(Began::Yes));
    assert_eq!(w.outcome(request), None);
    let retry = retry.iter().map(|item| id(item)).collect();
    w.hear(1, InstanceInput::ShowErrorCompleted(retry));
    (w, request)
}

// Shows M-130 to whoever followed the link.
#[test]
fn who_follows_a_link_is_told_how_what_it_caused_ended() {
    let (mut w, request) = followed(&["A"]);
    assert_eq!(w.outcome(request), None);
    w.prepared(1);
    report(&mut w, "A", S::Failed, Some("again"));
    w.completed(1);
    w.exit(1);
    assert_eq!(w.outcome(request), Some(Out::Failed));
    assert!(!w.manager.is_alive(request));
    // A link that only shows something is over when that is.
    let (w, request) = followed(&[]);
    assert_eq!(w.outcome(request), Some(Out::Nothing));
}

#[test]
fn who_follows_a_link_is_told_of_its_death_and_of_a_link_that_is_none() {
    let (mut w, request) = followed(&["A"]);
    w.exit(1);
    assert_eq!(w.outcome(request), Some(Out::Failed));
    let nobody = w.manager.next_request();
    w.input(Input::ShowError {
        instance: InstanceId(99),
        error: "E1".to_owned(),
        request: Some(nobody),
    });
    assert_eq!(w.outcome(nobody), Some(Out::Failed));
}

#[test]
fn where_nothing_says_why_that_is_what_is_told() {
    let mut w = working();
    say(&mut w, Level::Warning, Some("A"), "it was slow");
    report(&mut w, "A", S::Failed, None);
    w.hear(1, InstanceInput::SynchronizeReturned(Began::Yes));
    w.hear(1, InstanceInput::SynchronizeCompleted(Completed::Done));
    w.exit(1);
    assert_eq!(
        problem(&w, "A").as_deref(),
        Some("it failed without saying why")
    );
}

// Shows M-155.
#[test]
fn no_two_questions_of_programs_read_the_same() {
    let mut w = working();
    let mut ask = |with_all: bool, cookie: Option<&[u8]>| {
        let wish = Invocation {
            handler: handler("h"),
            with_all,
            cookie: cookie.map(<[u8]>::to_vec),
        };
        w.input(Input::AskToStart(wish.clone()));
        w.manager.invocation(&wish).unwrap()
    };
    let plain = ask(false, None);
    let all = ask(true, None);
    assert_ne!(all, plain);
    assert_eq!(ask(true, None), all);
    let one = ask(false, Some(b"a"));
    assert_eq!(ask(false, Some(b"a")), one);
    assert_ne!(ask(false, Some(b"b")), one); // another wish
    let texts: Vec<String> = w.manager.needs().map(|need| need.text.clone()).collect();
    assert_eq!(
        texts,
        [
            "a program asks to synchronize test",
            "a program asks to synchronize everything",
            "a program asks to synchronize test, with 1 byte of its own",
            "a program asks to synchronize test, with 1 byte of its own (request 2)",
        ]
    );
}
