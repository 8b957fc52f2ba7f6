//! Several folder pairs: which of them are synchronized at one time.

use std::fs;
use std::process::Command;

use crate::world::{World, until};

/// A world with pairs by these names, of these folders, none of them synchronized yet. Before the first one begins, somebody
/// has to write into the pipe `gate`; that it waits for that is told by the file `waits`.
fn gated(pairs: &[(&str, &str, &str)]) -> World {
    let world = World::new();
    for (name, left, right) in pairs {
        for folder in [left, right] {
            fs::create_dir_all(world.path(folder)).unwrap();
        }
        world.write(format!("{left}/of-{left}"), "new");
        let folders = [format!("./{left}"), format!("./{right}")];
        let add = ["add", "folder", &folders[0], &folders[1], "--name", name];
        world.run(add).exits(0);
    }
    let made = Command::new("mkfifo").arg(world.path("gate")).status();
    assert!(made.unwrap().success());
    let config = world.read("home/config/config.toml");
    world.configure(&format!(
        "{config}\n[[policy]]\nitems = [\"{}\"]\nbefore = [\"sh\", \"-c\", 'cd \"{}\" && touch waits && read line < gate']\n",
        pairs[0].0,
        world.root().display()
    ));
    world
}

#[test]
fn pairs_with_folders_of_their_own_are_synchronized_at_once_and_those_that_share_one_never() {
    let world = gated(&[
        ("first", "a", "b"),
        ("shared", "a", "c"),
        ("below", "d", "b/within"),
        ("apart", "e", "f"),
    ]);
    let first = world.start(["sync", "first"]);
    until("the first is at work", || world.has("waits"));
    let others = ["shared", "below"].map(|name| {
        let sync = world.start(["sync", name]);
        until("it waits for a folder", || {
            world.run(["why", name]).out.contains("first")
        });
        sync
    });
    // Beside it, and to its end.
    world.run(["sync", "apart"]).exits(0);
    assert!(world.has("f/of-e"));
    for nothing in ["b/of-a", "c/of-a", "b/within/of-d"] {
        assert!(!world.has(nothing), "{nothing}");
    }
    world.run(["status"]).says("first");
    fs::write(world.path("gate"), "go\n").unwrap();
    first.end().exits(0);
    for other in others {
        other.end().exits(0);
    }
    for there in ["b/of-a", "c/of-a", "b/within/of-d"] {
        assert!(world.has(there), "{there}");
    }
    world.is_quiet();
}

#[test]
fn one_pair_at_a_time_where_a_policy_says_so() {
    let world = gated(&[("first", "a", "b"), ("apart", "e", "f")]);
    let config = world.read("home/config/config.toml");
    world.configure(&format!(
        "{config}\n[[policy]]\nitems = [\"folder\"]\nparallel = 1\n"
    ));
    let first = world.start(["sync", "first"]);
    until("the first is at work", || world.has("waits"));
    let apart = world.start(["sync", "apart"]);
    until("it waits", || world.run(["status"]).out.contains("apart"));
    assert!(!world.has("f/of-e"));
    fs::write(world.path("gate"), "go\n").unwrap();
    first.end().exits(0);
    apart.end().exits(0);
    assert!(world.has("f/of-e"));
}
