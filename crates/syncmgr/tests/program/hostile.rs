//! Handlers that misbehave, through the whole program: each hurts its own run alone, in bounded time, and leaves no process
//! behind.

use rustix::process::Signal;

use crate::world::{Running, World, until};

/// Short graces, so that a handler which must be waited out is waited out soon.
const GRACES: &str = "[manager]\nhandshake = \"2s\"\nstop_grace = \"1s\"\n";

/// A world with one pair that has something to synchronize, and a handler that misbehaves.
fn beside_a_pair(mode: &str) -> World {
    let world = World::with_pair(1);
    let pair = world.read("home/config/config.toml");
    world.configure(&(GRACES.to_owned() + &pair + &World::handler("bad", mode)));
    world.write("left/new", mode);
    world
}

/// Synchronizes everything: the exit code is this one, the pair is synchronized all the same.
#[track_caller]
fn check(mode: &str, code: i32, says: &str) -> World {
    let world = beside_a_pair(mode);
    let done = world.run(["sync"]);
    assert_eq!(done.code, Some(code), "{mode}: {done}");
    done.says(says);
    assert!(world.has("right/new"), "{mode}: {done}");
    assert_eq!(world.content("left"), world.content("right"));
    world.is_quiet();
    world
}

#[test]
fn a_handler_that_behaves_is_synchronized() {
    let world = check("well", 0, "Item 2");
    world.run(["list"]).exits(0).says("Item 1").says("bad");
    world.run(["sync", "bad"]).exits(0);
    world
        .run(["sync", "item 3"])
        .exits(0)
        .says("Item 3")
        .says_not("Item 1");
}

#[test]
fn a_handler_that_ends_too_early_fails_its_own_run_alone() {
    for (mode, says) in [
        ("crash-start", "bad"),
        ("crash-initialize", "bad"),
        ("crash-list", "bad"),
        ("crash-prepare", "Item 1"),
        ("crash-synchronize", "Item 1"),
        ("exits-early", "Item 1"),
        ("half-exit", "middle of a line"),
    ] {
        check(mode, 2, says);
    }
}

#[test]
fn a_handler_that_breaks_the_contract_fails_its_own_run_alone() {
    for (mode, says) in [
        ("wrong-version", "999"),
        ("other-version", "999"),
        ("giant-line", "bytes"),
        ("not-utf8", "not UTF-8"),
        ("junk", "not a message"),
        ("flood-questions", "broke the contract"),
        ("flood-breaches", "broke the contract"),
    ] {
        let world = check(mode, 2, says);
        if mode == "junk" {
            let done = world.run(["status"]);
            done.exits(2);
            assert!(!done.out.contains('\x1b'), "{done}");
        }
    }
}

// Shows M-15.
#[test]
fn a_handler_that_does_not_begin_is_given_up() {
    for mode in ["hang-start", "hang-initialize"] {
        check(mode, 2, "did not answer `initialize` within 2 s");
    }
}

#[test]
fn what_is_done_well_counts_whatever_is_wrong_beside_it() {
    for (mode, code) in [
        ("crash-after", 0),
        ("exits-badly", 0),
        ("completes-early", 0),
        ("completes-twice", 0),
        ("speaks-after", 0),
        ("unknown-answers", 0),
        ("unknown-items", 1),
        ("hang-release", 0),
        ("never-exits", 0),
        ("grandchild", 0),
    ] {
        check(mode, code, "Item 3");
    }
}

#[test]
fn what_a_handler_wrote_to_standard_error_is_shown_with_its_run() {
    let world = check("flood-stderr", 0, "Item 1");
    let runs = world.json(["runs", "bad"]);
    let id = runs[0]["id"].to_string();
    let done = world.run(["run", &id]);
    done.exits(0).says("STANDARD ERROR").says("the last words");
    assert!(done.out.len() < 200_000, "only the end is kept");
}

/// Begins a `sync` of a handler that hangs, and waits until it does.
fn hanging(mode: &str) -> (World, Running) {
    let world = beside_a_pair(mode);
    let mut sync = world.start(["sync", "--json"]);
    sync.wait_for("\"item\":\"item-3\"")
        .wait_for("\"name\":\"left\",\"status\":\"succeeded\"");
    (world, sync)
}

#[test]
fn the_first_interrupt_asks_and_the_second_insists() {
    for mode in [
        "hang-synchronize",
        "flood-progress",
        "half-hang",
        "closes-output",
    ] {
        let world = beside_a_pair(mode);
        // It does not stop when asked; without a second press it is given 30 seconds.
        world.configure(
            &world
                .read("home/config/config.toml")
                .replace("stop_grace = \"1s\"", ""),
        );
        let mut sync = world.start(["sync"]);
        sync.wait_for("left");
        until("it is at work", || {
            let items = world.json(["list", "bad"]);
            items[0]["runState"] == "syncing"
        });
        sync.signal(Signal::INT);
        sync.wait_for("press Ctrl-C again to insist");
        sync.signal(Signal::INT);
        let done = sync.end();
        // Whoever broke the contract is being ended already, and may be gone before the second press.
        if ["hang-synchronize", "flood-progress"].contains(&mode) {
            done.says("insisting");
        }
        done.exits(2).says("Stopped").says("Next: syncmgr sync");
        assert!(world.has("right/new"));
        world.run(["runs", "bad"]).exits(0).says("stopped");
        world.is_quiet();
    }
}

#[test]
fn a_handler_that_does_not_stop_is_ended_after_its_grace() {
    let (world, sync) = hanging("never-completes");
    sync.signal(Signal::INT);
    sync.end().exits(2);
    world.is_quiet();
}

#[test]
fn a_third_interrupt_leaves() {
    let (world, sync) = hanging("hang-synchronize");
    world.run(["status"]).says("Item 1");
    for _ in 0..3 {
        sync.signal(Signal::INT);
    }
    sync.end().exits(2);
    world.is_quiet();
}

// Shows M-30.
#[test]
fn a_handler_that_cannot_be_started_is_told() {
    let world = beside_a_pair("well");
    let config = world.read("home/config/config.toml");
    world.configure(&config.replace("hostile-handler", "no-such-program"));
    let done = world.run(["sync"]);
    done.exits(2).says("no-such-program");
    assert!(world.has("right/new"));
    world.run(["doctor"]).exits(2).says("no-such-program");
}

// Shows M-180.
#[test]
fn one_item_can_be_skipped_while_the_others_go_on() {
    let (world, sync) = hanging("never-completes");
    world.run(["skip", "Item 2"]).exits(0);
    world
        .run(["skip", "left"])
        .exits(4)
        .says("item::not-running");
    world.run(["stop"]).exits(0);
    sync.end().exits(2);
    let runs = world.json(["runs", "bad"]);
    let id = runs[0]["id"].to_string();
    world.run(["run", &id]).exits(0).says("stopped");
}
