//! Connections that handlers ask for (mobsync 3.8): who shares them, and when they are closed.

#![allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod world;

use syncmgr_core::input::{Began, Completed, Dialled, Input, InstanceInput, StopScope};
use syncmgr_core::log::{Level, LogRow};
use syncmgr_core::record::Record;
use syncmgr_core::request::Scope;
use syncmgr_core::{InstanceId, Settings};
use world::{World, id};

fn world(handlers: &[&str]) -> World {
    World::with(Settings::default(), handlers)
}

/// A and B listed, prepared, synchronizing.
fn syncing() -> World {
    let mut w = world(&["h"]);
    w.sync(Scope::Checked);
    w.list(1, &["A", "B"]);
    w.prepared(1);
    w.lines.clear();
    w
}

fn logged(w: &World) -> Vec<LogRow> {
    w.records
        .iter()
        .filter_map(|record| match record {
            Record::Log(row) => Some(row.clone()),
            _ => None,
        })
        .collect()
}

fn entry(error: Option<&str>, jump: bool) -> InstanceInput {
    InstanceInput::Log {
        level: Level::Error,
        text: "broken".to_owned(),
        item: Some(id("A")),
        detail: None,
        error: error.map(str::to_owned),
        jump,
    }
}

fn connect(w: &mut World, instance: u64, name: Option<&str>) {
    let reply = w.next_reply();
    w.hear(
        instance,
        InstanceInput::EstablishConnection {
            reply,
            name: name.map(str::to_owned),
        },
    );
}

fn connected(w: &mut World, name: Option<&str>, outcome: Result<Dialled, String>) {
    w.input(Input::Connected {
        name: name.map(str::to_owned),
        outcome,
    });
}

fn with_connections(w: &mut World) {
    w.input(Input::Connections {
        names: vec!["work".to_owned(), "home".to_owned()],
        default: Some("home".to_owned()),
    });
}

#[test]
fn no_name_is_the_default_connection_and_a_named_one_is_dialled() {
    // M-142, M-143
    let mut w = syncing();
    with_connections(&mut w);
    connect(&mut w, 1, None);
    connect(&mut w, 1, Some("home")); // shared: one dial
    connect(&mut w, 1, Some("work"));
    w.expect("connect home\nconnect work");
    connected(&mut w, Some("home"), Ok(Dialled::ByUs));
    w.expect("1 = connected\n1 = connected");
    connected(&mut w, Some("work"), Ok(Dialled::Before));
    w.expect("1 = connected");
    // Without any configured, the way out of the machine.
    let mut w = syncing();
    connect(&mut w, 1, None);
    w.expect("connect -");
}

#[test]
fn ours_are_closed_after_the_last_handler_and_others_never() {
    // M-144, M-145, M-146
    let mut w = world(&["a", "b"]);
    with_connections(&mut w);
    w.sync(Scope::Checked);
    w.list(1, &["A"]);
    w.list(2, &["B"]);
    w.prepared(1);
    w.prepared(2);
    w.lines.clear();
    connect(&mut w, 1, Some("work"));
    connected(&mut w, Some("work"), Ok(Dialled::ByUs));
    connect(&mut w, 1, Some("home"));
    connected(&mut w, Some("home"), Ok(Dialled::Before));
    w.expect("connect work\n1 = connected\nconnect home\n1 = connected"); // M-144
    w.completed(1);
    w.exit(1);
    w.expect("1 release"); // the other handler still works
    w.completed(2);
    w.expect("2 release");
    w.exit(2);
    w.expect("disconnect work");
    assert!(w.manager.holds_connections());
    w.input(Input::Disconnected {
        name: Some("work".to_owned()),
        problem: None,
    });
    assert!(!w.manager.holds_connections());
}

#[test]
fn a_failed_connection_says_why_and_a_stop_cancels_the_dial() {
    // M-147
    let mut w = syncing();
    with_connections(&mut w);
    connect(&mut w, 1, Some(""));
    connect(&mut w, 1, Some("nowhere"));
    w.expect("1 = not connected\n1 = not connected");
    connect(&mut w, 1, Some("work"));
    connected(&mut w, Some("work"), Err("busy".to_owned()));
    w.expect("connect work\n1 = not connected");
    connect(&mut w, 1, Some("work"));
    w.hear(1, InstanceInput::SynchronizeReturned(Began::Yes));
    w.input(Input::Stop(StopScope::All));
    w.expect("connect work\ncancel connect work\n1 = not connected\n1 item-status * CancelAll");
    // It came up all the same: nobody needs it.
    connected(&mut w, Some("work"), Ok(Dialled::ByUs));
    w.expect("disconnect work");
    // Out of phase nothing is dialled.
    w.hear(1, InstanceInput::SynchronizeCompleted(Completed::Done));
    connect(&mut w, 1, Some("work"));
    assert!(w.lines.iter().all(|line| !line.starts_with("connect")));
}

#[test]
fn a_connection_is_dialled_again_when_it_is_wanted_while_it_closes() {
    let mut w = syncing();
    with_connections(&mut w);
    connect(&mut w, 1, Some("work"));
    connected(&mut w, Some("work"), Ok(Dialled::ByUs));
    w.completed(1);
    w.exit(1);
    w.sync(Scope::Checked);
    w.list(2, &["A", "B"]);
    w.prepared(2);
    w.lines.clear();
    connect(&mut w, 2, Some("work"));
    w.expect("");
    w.input(Input::Disconnected {
        name: Some("work".to_owned()),
        problem: None,
    });
    w.expect("connect work");
    connected(&mut w, Some("work"), Ok(Dialled::ByUs));
    w.expect("2 = connected");
}

#[test]
fn a_link_may_connect_although_its_session_is_over() {
    // M-145: until what it shows is over
    let mut w = syncing();
    with_connections(&mut w);
    w.hear(1, entry(Some("E1"), true));
    w.completed(1);
    w.input(Input::ShowError {
        instance: InstanceId(1),
        error: "E1".to_owned(),
        request: None,
    });
    connect(&mut w, 1, Some("work"));
    connected(&mut w, Some("work"), Ok(Dialled::ByUs));
    w.hear(1, InstanceInput::ShowErrorReturned(Began::Yes));
    w.expect("1 show-error E1\nconnect work\n1 = connected");
    w.hear(1, InstanceInput::ShowErrorCompleted(Vec::new()));
    w.expect("disconnect work");
}

#[test]
fn who_waits_for_a_connection_when_its_session_ends_owns_it_alone() {
    // M-145
    let mut w = world(&["a", "b"]);
    with_connections(&mut w);
    w.sync(Scope::Checked);
    w.list(1, &["A"]);
    w.list(2, &["B"]);
    w.prepared(1);
    w.prepared(2);
    w.hear(1, entry(Some("E1"), true));
    w.completed(1);
    w.input(Input::ShowError {
        instance: InstanceId(1),
        error: "E1".to_owned(),
        request: None,
    });
    w.hear(1, InstanceInput::ShowErrorReturned(Began::Yes));
    connect(&mut w, 1, Some("work"));
    w.completed(2);
    w.exit(2);
    w.lines.clear();
    connected(&mut w, Some("work"), Ok(Dialled::ByUs));
    w.expect("1 = connected");
    w.hear(1, InstanceInput::ShowErrorCompleted(Vec::new()));
    w.expect("disconnect work");
}

#[test]
fn who_asks_for_a_connection_unannounced_is_served_and_it_is_noted_once() {
    // H-48
    let mut w = syncing();
    with_connections(&mut w);
    connect(&mut w, 1, Some("work"));
    connect(&mut w, 1, Some("home"));
    w.expect("connect work\nconnect home");
    let noted = logged(&w);
    assert_eq!(noted.len(), 1);
    assert!(noted[0].text.starts_with("H-48"));
    assert_eq!(noted[0].level, Level::Information);
}
