//! Hooks: commands of the user's beside runs, from the file to what they are told and what people see of them.

use std::time::{Duration, Instant};

use crate::world::{World, until};

/// Adds a policy to the configuration that is there.
fn policy(world: &World, text: &str) {
    let before = world.read("home/config/config.toml");
    world.configure(&format!("{before}\n[[policy]]\n{text}\n"));
}

/// A command that notes what it is told in a file of this world.
fn notes(world: &World, name: &str, and: &str) -> String {
    let file = world.path(name);
    format!(
        "[\"sh\", \"-c\", '{{ env | grep ^SYNCMGR_ | sort; cat; echo; }} >> \"{}\"; {and}']",
        file.display()
    )
}

#[test]
fn hooks_are_told_what_happens_before_and_after_a_run() {
    let world = World::with_pair(1);
    policy(
        &world,
        &format!(
            "before = {}\nafter = {}\nfailed = {}",
            notes(&world, "before", "echo mounted"),
            notes(&world, "after", "true"),
            notes(&world, "failed", "true"),
        ),
    );
    world.write("left/new", "new\n");
    world.run(["sync"]).exits(0);
    let before = world.read("before");
    assert!(before.contains("SYNCMGR_OCCASION=begins"), "{before}");
    assert!(before.contains("SYNCMGR_ITEM_NAME=left"), "{before}");
    assert!(before.contains("SYNCMGR_RUN=2"), "{before}");
    assert!(before.contains("SYNCMGR_TRIGGER=manual"), "{before}");
    // The command waits for what comes after the run.
    let after = world.read("after");
    assert!(after.contains("SYNCMGR_OUTCOME=succeeded"), "{after}");
    assert!(after.contains("SYNCMGR_SENT=1"), "{after}");
    assert!(
        after.contains(r#""hook":"after","occasion":"done""#),
        "{after}"
    );
    assert!(!world.path("failed").exists());
    world
        .run(["log"])
        .says("the command `before` said: mounted");
    // Of an item, too.
    world
        .run(["log", "left"])
        .says("left: the command `before` said: mounted");
    world
        .run(["show", "left"])
        .says("before a run")
        .says("(by policy policy 1)");
}

#[test]
fn a_refusal_keeps_the_run_from_starting_and_says_why() {
    let world = World::with_pair(1);
    policy(
        &world,
        &format!(
            "before = [\"sh\", \"-c\", \"echo the disk is not there >&2; exit 3\"]\nafter = {}\nfailed = {}",
            notes(&world, "after", "true"),
            notes(&world, "failed", "exit 1"),
        ),
    );
    world.write("left/new", "new\n");
    let why = "the command `before` failed: it ended with exit status 3: the disk is not there";
    world.run(["sync"]).exits(2).says(why);
    assert!(!world.path("right/new").exists());
    // What never began has nothing to tidy up, and that it failed is told; that this fails as well is told, too.
    assert!(!world.path("after").exists());
    assert!(
        world
            .read("failed")
            .contains("SYNCMGR_PROBLEM=the command `before` failed")
    );
    world.run(["show", "left"]).says(why);
    world.run(["status"]).exits(2).says("the disk is not there");
    world
        .run(["log", "left"])
        .says("left: the command `failed` failed: it ended with exit status 1")
        .says(why);
    let both = world.run(["why", "left"]);
    both.says("the disk is not there")
        .says("log: the command `failed` failed: it ended with exit status 1");
}

#[test]
fn one_that_hangs_is_ended_with_its_children_and_a_flood_is_cut() {
    let world = World::with_pair(1);
    let pid = world.path("pid");
    policy(
        &world,
        &format!(
            "after = [\"sh\", \"-c\", 'sleep 600 & echo $! > \"{}\"; yes lots | head -c 3000000; wait']\nhook_limit = \"1s\"",
            pid.display()
        ),
    );
    world.write("left/new", "new\n");
    let began = Instant::now();
    world.run(["sync"]).exits(0);
    assert!(began.elapsed() < Duration::from_secs(30));
    let child = world.read("pid");
    let proc = format!("/proc/{}", child.trim());
    until("its child is gone", || {
        !std::path::Path::new(&proc).exists()
    });
    world
        .run(["log"])
        .says("the command `after` failed: it did not end within 1 s and was ended: lots");
}

#[test]
fn a_daemon_serves_others_while_a_hook_hangs_and_stop_ends_it() {
    let world = World::with_pair(1);
    let hanging = world.path("hanging");
    policy(
        &world,
        &format!(
            "before = [\"sh\", \"-c\", 'touch \"{}\"; sleep 600']",
            hanging.display()
        ),
    );
    let mut daemon = world.start(["daemon"]);
    daemon.wait_for("serves every command");
    let waits = world.start(["sync", "left"]);
    until("the hook runs", || hanging.exists());
    world.run(["status"]).says("left");
    world.run(["stop"]).exits(0);
    waits.end().says("stopped");
    daemon.signal(rustix::process::Signal::INT);
    daemon.end().exits(0);
    world.is_quiet();
}
