//! Policies: what the configuration says of runs, from the file to what people see.

use crate::world::{World, until};

/// Adds to the configuration that is there.
fn add(world: &World, text: &str) {
    let before = world.read("home/config/config.toml");
    world.configure(&format!("{before}\n{text}"));
}

#[test]
fn what_holds_for_an_item_is_shown_with_the_policy_that_says_so() {
    let world = World::with_pair(1);
    add(
        &world,
        "[[policy]]\ntime_limit = \"1h\"\nno_progress = \"5m\"\n\n[[policy]]\nname = \"big ones\"\n\
         items = [\"left\"]\ntime_limit = \"2h\"\n\n[[policy]]\nname = \"lost\"\nitems = [\"lefft\"]\nstuck_after = 2\n",
    );
    world
        .run(["show", "left"])
        .exits(0)
        .says("2 h (by policy big ones)")
        .says("5 min (by policy policy 1)")
        .says("3 runs (unless a policy says otherwise)");
    let shown = &world.json(["show", "left"])[0]["policies"];
    assert_eq!(shown[0]["setting"], "time_limit", "{shown}");
    assert_eq!(shown[0]["policy"], "big ones", "{shown}");
    // One that is about nothing is told.
    world
        .run(["doctor"])
        .exits(1)
        .says("policy lost")
        .says("selects no item");
}

#[test]
fn mistakes_in_policies_are_refused_with_their_place_and_nothing_runs() {
    let world = World::with_pair(1);
    let whole = world.read("home/config/config.toml");
    let line = whole.lines().count() + 3;
    for (setting, says) in [
        ("time_limt = \"1h\"", "did you mean `time_limit`?"),
        ("time_limit = \"-5m\"", "`-5m` is negative"),
        ("time_limit = \"100 days\"", "1 s to 30 days"),
        ("no_progress = \"now\"", "is not a duration"),
        ("stuck_after = 1", "from 2 to 1000"),
    ] {
        world.configure(&format!("{whole}\n[[policy]]\n{setting}\n"));
        world
            .run(["sync"])
            .exits(4)
            .says("config::invalid")
            .says(&format!("line {line}"))
            .says(says);
    }
    world.configure(&format!("{whole}\n[[policy]]\nitems = [\"left\"]\n"));
    world
        .run(["status"])
        .exits(4)
        .says("config::invalid")
        .says("says nothing about its items");
    world.configure(&whole);
    world.run(["status"]).exits(0);
}

/// A world with a handler that hangs, under a policy.
fn hanging(setting: &str) -> World {
    let world = World::new();
    world.configure(&format!(
        "[manager]\nstop_grace = \"1s\"\n{}\n[[policy]]\nitems = [\"bad\"]\n{setting}\n",
        World::handler("bad", "hang-synchronize")
    ));
    world
}

#[test]
fn a_handler_that_says_nothing_is_asked_about_and_then_stopped() {
    let world = hanging("no_progress = \"1s\"");
    let sync = world.run(["sync"]);
    sync.exits(2)
        .says("because nothing was heard of it for 2 s");
    world
        .run(["log", "--errors"])
        .exits(0)
        .says("nothing was heard of it for 2 s");
    world
        .run(["log"])
        .says("nothing was heard of it for 1 s; question");
    world
        .run(["status"])
        .exits(2)
        .says("because nothing was heard of it");
    world.run(["needs"]).says_not("has said nothing");
    world.is_quiet();
}

#[test]
fn who_answers_the_question_about_a_silent_handler_is_obeyed() {
    let world = hanging("no_progress = \"2s\"");
    let sync = world.start(["sync"]);
    let mut question = 0;
    until("it is asked", || {
        let needs = world.json(["needs"]);
        let open = needs.iter().find(|need| {
            let text = need["text"].as_str().unwrap_or_default();
            text.contains("has said nothing for 2 s")
        });
        question = open.map_or(0, |need| need["id"].as_u64().unwrap());
        question > 0
    });
    world
        .run(["answer", &question.to_string(), "stop"])
        .exits(0);
    sync.end().exits(2).says("nothing was heard of it for");
    world.is_quiet();
}

#[test]
fn a_run_that_takes_too_long_is_stopped_and_says_so() {
    let world = hanging("time_limit = \"1s\"");
    world
        .run(["sync"])
        .exits(2)
        .says("because its time limit of 1 s was over");
    world
        .run(["status"])
        .exits(1)
        .says("because its time limit of 1 s was over");
    world
        .run(["why", "Item 1"])
        .says("because its time limit of 1 s was over");
    let run = world.json(["runs", "bad"])[0].clone();
    assert_eq!(run["outcome"], "stopped", "{run}");
    world.is_quiet();
}

#[test]
fn a_handler_says_when_to_try_again_and_what_comes_no_further_is_stuck() {
    let world = World::new();
    world.configure(&World::handler("bad", "busy"));
    let mut daemon = world.start(["daemon"]);
    daemon.wait_for("serves every command");
    world
        .run(["sync", "bad"])
        .exits(2)
        .says("the server is full");
    let why = world.run(["why", "Item 1"]);
    why.says("try 1 waits for its time, as its handler asked");
    // Nobody who asks is kept waiting; the third time is once too often.
    world.run(["sync", "bad"]).exits(2);
    world.run(["status"]).says_not("stuck");
    world.run(["sync", "bad"]).exits(2);
    world
        .run(["status"])
        .exits(2)
        .says("stuck")
        .says("the same 3 of 120 in 3 runs");
    world
        .run(["log", "--warnings"])
        .says("Item 1: it is stuck: the same 3 of 120 in 3 runs");
    let needs = world.json(["needs"]);
    let open = needs.iter().filter(|need| need["kind"] == "prompt");
    assert_eq!(open.count(), 3, "one an item: {needs:?}");
    let need = needs[0]["id"].as_u64().unwrap().to_string();
    world.run(["answer", &need, "pause"]).exits(0);
    world.run(["status"]).says("paused");
    daemon.signal(rustix::process::Signal::TERM);
    daemon.end().exits(0);
    // It is remembered, also by another manager.
    world
        .run(["show", "Item 3"])
        .says("the same 3 of 120 in 3 runs");
}
