//! A running daemon takes in what somebody edits in the configuration, and keeps what it has when that is broken.

use rustix::process::Signal;

use crate::world::{Running, World, until};

fn daemon(world: &World) -> Running {
    let mut daemon = world.start(["daemon"]);
    daemon.wait_for("serves every command");
    daemon
}

/// Says that it wants its configuration read again, and waits until the log tells so.
fn reload(world: &World, daemon: &Running, told: &str) {
    daemon.signal(Signal::HUP);
    until("it was read again", || {
        world.run(["log"]).out.contains(told)
    });
}

#[test]
fn an_edit_is_taken_in_by_itself_and_by_a_signal() {
    let world = World::with_pair(1);
    let before = world.read("home/config/config.toml");
    let daemon = daemon(&world);
    world.configure(&format!(
        "{before}\n[[rule]]\nname = \"nightly\"\nitems = [\"left\"]\non = [\"daily at 02:00\"]\n"
    ));
    until("the edit was noticed", || {
        world.run(["schedule"]).out.contains("nightly")
    });
    world.run(["log"]).says("1 rule added");
    // Another item, another name, another tick: all live.
    let pair = |name: &str, checked: bool| {
        format!(
            "[[item]]\nhandler = \"folder\"\nid = \"x\"\nname = \"{name}\"\nchecked = {checked}\n\
             definition = {{ left = \"{0}/left\", right = \"{0}/other\" }}\n",
            world.root().display()
        )
    };
    world.configure(&format!("{before}\n{}", pair("more", false)));
    reload(&world, &daemon, "1 item added");
    world.run(["schedule"]).says_not("nightly");
    let ticked = || {
        let row = world.json(["list", "more"]).swap_remove(0);
        row["checked"].as_bool().unwrap()
    };
    assert!(!ticked());
    world.configure(&format!("{before}\n{}", pair("more", true)));
    reload(&world, &daemon, "1 item changed");
    assert!(ticked());
    // The same again is no news.
    let news = world.run(["log"]).out.lines().count();
    daemon.signal(Signal::HUP);
    world.run(["remove", "more"]).exits(0);
    assert!(!world.read("home/config/config.toml").contains("more"));
    world.run(["status"]).exits(0);
    assert_eq!(world.run(["log"]).out.lines().count(), news);
    daemon.signal(Signal::TERM);
    daemon.end().exits(0);
}

#[test]
fn a_broken_edit_changes_nothing_and_says_where_it_is() {
    let world = World::with_pair(1);
    let good = world.read("home/config/config.toml");
    std::fs::create_dir(world.path("right2")).unwrap();
    let daemon = daemon(&world);
    for (broken, place) in [
        ("[manager]\n  parallel = \"many\"\n", "line 2, column 14"),
        (
            "[[rule]]\nname = \"r\"\non = [\"never ever\"]\n",
            "line 1, column 1",
        ),
        ("", "gone or empty"),
    ] {
        let text = if broken.is_empty() {
            String::new()
        } else {
            format!("{broken}\n{good}")
        };
        world.configure(&text);
        reload(&world, &daemon, place);
        world
            .run(["status"])
            .exits(1)
            .says(place)
            .says("not in force");
        let mut doctor = world.json(["doctor"]).into_iter();
        let found = doctor.find(|check| check["name"] == "configuration");
        assert!(found.unwrap()["text"].as_str().unwrap().contains(place));
        // What was in force still is, and no command writes over what somebody is just editing.
        world.run(["sync", "left"]).exits(0);
        if !broken.is_empty() {
            let add = world.run(["add", "folder", "./left", "./right2", "--name", "two"]);
            add.exits(4).says("config::invalid").says(place);
            assert_eq!(world.read("home/config/config.toml"), text);
        }
    }
    std::fs::remove_file(world.path("home/config/config.toml")).unwrap();
    daemon.signal(Signal::HUP);
    world.run(["sync", "left"]).exits(0);
    world.configure(&good);
    reload(&world, &daemon, "the configuration is good again");
    world.run(["status"]).exits(0);
    daemon.signal(Signal::TERM);
    daemon.end().exits(0);
}

#[test]
fn a_broken_edit_is_told_beside_what_failed() {
    let world = World::new();
    let good = World::handler("bad", "crash-synchronize");
    world.configure(&good);
    let daemon = daemon(&world);
    world.run(["refresh", "bad"]).exits(0);
    world.run(["sync", "bad"]).exits(2);
    world.run(["status"]).exits(2).says_not("not in force");
    world.configure(&format!("[manager]\nparallel = \"many\"\n{good}"));
    reload(&world, &daemon, "line 2");
    world
        .run(["status"])
        .exits(2)
        .says("Besides, the configuration as it was edited is not in force.")
        .says("line 2");
    daemon.signal(Signal::TERM);
    daemon.end().exits(0);
}
