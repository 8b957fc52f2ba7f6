//! Pausing, resuming and stopping by name, and what is told while something waits for its turn.

use std::net::TcpListener;

use crate::world::{World, until};

/// A world whose handler hangs, with a daemon that gives it some seconds to stop.
fn hanging() -> World {
    let world = World::new();
    world.configure(&format!(
        "[manager]\nstop_grace = \"7s\"\n{}",
        World::handler("bad", "hang-synchronize")
    ));
    world
}

#[test]
fn the_run_of_one_item_is_stopped_by_its_name_and_who_waits_is_told_for_what() {
    let world = hanging();
    let mut daemon = world.start(["daemon"]);
    daemon.wait_for("serves every command");
    world.run(["refresh", "bad"]).exits(0);
    let first = world.start(["sync", "Item 1"]);
    until("it runs", || {
        let why = world.json(["why", "Item 1"]);
        why.iter().any(|reason| reason["about"] == "run")
    });
    world
        .run(["stop", "Item 2"])
        .exits(4)
        .says("item::not-running");
    world.run(["stop", "Item 1"]).exits(0).says("Item 1");
    let second = world.start(["sync", "Item 2"]);
    until("it waits", || {
        let why = world.json(["why", "Item 2"]);
        let stopping = |reason: &serde_json::Value| {
            let now = reason["now"].as_str().unwrap_or_default();
            reason["about"] == "queue"
                && now.contains("(Item 1) goes before it, and is being stopped")
        };
        why.iter().any(stopping)
    });
    first.end().says("stopped");
    until("the other one runs", || {
        let why = world.json(["why", "Item 2"]);
        why.iter().any(|reason| reason["about"] == "run")
    });
    world.run(["stop", "Item 2"]).exits(0);
    // It was silent for longer than somebody waits without a word.
    second
        .end()
        .says("still waiting: run")
        .says("(Item 1) goes before it, and is being stopped; it is ended by force in");
    // What runs together is stopped together.
    let both = world.start(["sync", "Item 1", "Item 2"]);
    until("both run", || {
        let why = world.json(["why", "Item 2"]);
        why.iter().any(|reason| reason["about"] == "run")
    });
    world
        .run(["stop", "Item 1"])
        .exits(4)
        .says("item::runs-with-others")
        .says("syncmgr skip 'Item 1'");
    world.run(["stop", "Item 1", "Item 2"]).exits(0);
    world.run(["stop", "bad"]).exits(0);
    both.end().says("stopped");
    daemon.signal(rustix::process::Signal::TERM);
    daemon.end().exits(0);
    world.is_quiet();
}

#[test]
fn a_pause_says_until_when_and_its_end_what_comes_next() {
    let world = World::with_pair(1);
    world
        .run(["pause", "left", "--for", "3 days"])
        .exits(0)
        .says("Paused until 20")
        .says("Next: syncmgr resume left");
    // The shell took it apart.
    world
        .run(["pause", "left", "--for", "1", "h"])
        .exits(0)
        .says("Paused until 20");
    world
        .run(["pause", "--for", "10"])
        .exits(4)
        .says("`10` has no unit")
        .says("`3 days`");
    world
        .run(["resume", "left"])
        .exits(0)
        .says("Nothing of it starts by itself in the next 24 hours");
    world
        .run(["schedule", "left", "every 2h", "--when", "mains"])
        .exits(0);
    world.run(["pause"]).exits(0).says("until you resume it");
    world
        .run(["resume"])
        .exits(0)
        .says("left starts in")
        .says("No daemon runs that would start it");
}

#[test]
fn why_looks_itself_where_no_daemon_does() {
    let world = World::with_pair(1);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let open = listener.local_addr().unwrap().port();
    let shut = {
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        other.local_addr().unwrap().port()
    };
    let reachable = |port| format!("reachable 127.0.0.1:{port}");
    let free = format!("free {} 1", world.path("left").display());
    let words = |more: &[&str]| -> Vec<String> {
        let mut words: Vec<String> = ["schedule", "left", "every 2h"].map(str::to_owned).into();
        for condition in more {
            words.extend(["--when".to_owned(), (*condition).to_owned()]);
        }
        words
    };
    let conditions = [free.as_str(), &reachable(open), &reachable(shut), "mains"];
    world.run(words(&conditions)).exits(0);
    world
        .run(["why", "left"])
        .exits(0)
        .says("daemon runs, and without one nothing starts by itself.")
        .says("Next: syncmgr daemon");
    let rows = world.json(["why", "left"]);
    let stands = |condition: &str| {
        let row = rows.iter().find(|row| row["condition"] == condition);
        row.map(|row| row["stands"].as_str().unwrap().to_owned())
    };
    let is = |word: &str| Some(word.to_owned());
    assert_eq!(stands(&reachable(open)), is("met"), "{rows:?}");
    assert_eq!(stands(&reachable(shut)), is("unmet"), "{rows:?}");
    assert_eq!(stands("mains"), is("unknown"), "{rows:?}");
    let room = rows.iter().find(|row| {
        let condition = row["condition"].as_str().unwrap_or_default();
        condition.starts_with("free ")
    });
    assert_eq!(room.unwrap()["stands"], "met", "{rows:?}");
}

#[test]
fn a_condition_that_is_none_is_refused_without_a_rule_that_is_none_yet() {
    let world = World::with_pair(1);
    world
        .run(["schedule", "left", "every 2h", "--when", "moon"])
        .exits(4)
        .says("`moon` is none of the conditions")
        .says("configuration.md")
        .says_not("rule `left`");
}
