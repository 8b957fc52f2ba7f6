//! What handlers may want besides synchronizing, through the whole program: properties, links of the log, connections,
//! ticks.

use std::path::Path;

use crate::world::{Done, Running, World, until};

/// A world with the talkative handler and a connection that is a file.
fn world() -> World {
    let world = World::with_folders();
    let handler = Path::new(env!("CARGO_BIN_EXE_syncmgr"))
        .parent()
        .unwrap()
        .join("examples/talkative-handler");
    assert!(handler.exists(), "{} is not built", handler.display());
    let flag = world.path("connected");
    let flag = flag.display();
    world.configure(&format!(
        "[[connection]]\nname = \"work\"\ncheck = [\"test\", \"-e\", \"{flag}\"]\nup = [\"touch\", \"{flag}\"]\ndown = [\"mv\", \"{flag}\", \"{flag}-before\"]\n\n[[handler]]\nid = \"mail\"\ncommand = [\"{}\"]\n",
        handler.display()
    ));
    world
}

fn daemon(world: &World) -> Running {
    let mut daemon = world.start(["daemon"]);
    daemon.wait_for("serves every command");
    daemon
}

fn end(daemon: Running) -> Done {
    daemon.signal(rustix::process::Signal::INT);
    daemon.end()
}

#[test]
fn properties_are_shown_and_changed_with_and_without_a_daemon() {
    // M-135, M-136, M-140
    let world = world();
    world
        .run(["sync", "mail"])
        .exits(2)
        .says("the lock is stale");
    for with_daemon in [false, true] {
        let daemon = with_daemon.then(|| daemon(&world));
        world
            .run(["properties", "inbox"])
            .exits(0)
            .says("keep  7  days that mail is kept");
        world
            .run(["properties", "inbox", "--set", "keep=30"])
            .exits(0)
            .says("listed again");
        world.run(["list"]).exits(0).says("archive");
        let objects = world.json(["properties", "inbox"]);
        assert_eq!(objects[0]["values"]["keep"], 30);
        world
            .run(["properties", "archive"])
            .exits(4)
            .says("handler::not-offered");
        world
            .run(["properties", "inbox", "--set", "keep=many"])
            .exits(2)
            .says("keep is a number of days");
        world.run(["properties", "mail", "--show"]).exits(0);
        let shown = world.path("home/state/handlers/mail/shown");
        assert_eq!(std::fs::read_to_string(shown).unwrap(), "itself true");
        world
            .run(["properties", "inbox", "--set", "keep=7"])
            .exits(0);
        world.run(["list"]).exits(0).says_not("archive");
        if let Some(daemon) = daemon {
            end(daemon).exits(0);
        }
    }
    world.is_quiet();
}

#[test]
fn a_link_of_the_log_is_followed_and_what_it_mends_is_tried_again() {
    // M-124, M-125, M-126, M-130, M-145
    let world = world();
    let daemon = daemon(&world);
    world.run(["sync", "mail"]).exits(2);
    // Who asked does not wait for the connection to be closed.
    until("the connection is closed", || !world.has("connected"));
    assert!(world.has("connected-before"));
    let log = world.json(["log"]);
    let entry = log.iter().find(|entry| entry["link"] == true).unwrap();
    let number = entry["id"].to_string();
    world
        .run(["log"])
        .exits(0)
        .says(&format!("more: syncmgr open {number}"));
    // The outcome of the other try is that of the command.
    world
        .run(["open", &number])
        .exits(0)
        .says("inbox is in sync");
    world.run(["status"]).exits(0);
    world.run(["log"]).exits(0).says_not("more: syncmgr open");
    world.run(["open", &number]).exits(4).says("log::no-link");
    until("the connection is closed", || !world.has("connected"));
    end(daemon).exits(0);
}

#[test]
fn a_connection_that_was_up_is_never_closed() {
    // M-143, M-146
    let world = world();
    world.write("connected", "");
    world
        .run(["sync", "mail"])
        .exits(2)
        .says("the lock is stale");
    assert!(world.has("connected") && !world.has("connected-before"));
}

#[test]
fn a_connection_that_cannot_be_dialled_fails_the_run_and_says_why() {
    // M-147
    let world = world();
    let config = world.read("home/config/config.toml");
    world.configure(&config.replace("up = [\"touch\"", "up = [\"rmdir\""));
    world
        .run(["sync", "mail"])
        .exits(2)
        .says("could not be dialled");
}

#[test]
fn a_tick_decides_what_a_plain_sync_does() {
    // M-168
    let world = world();
    world.run(["sync", "mail"]).exits(2);
    world.run(["untick", "inbox"]).exits(0).says("inbox");
    world.run(["list"]).exits(0).says("by name only");
    let done = world.run(["sync"]);
    done.says_not("the lock is stale");
    world.run(["tick", "inbox"]).exits(0).says("inbox");
    world.run(["sync"]).exits(2).says("the lock is stale");
    // Of an item that the user defined it stands in the configuration.
    world.write("left/a", "a");
    world
        .run(["add", "folder", "left", "right", "--name", "pair"])
        .exits(0);
    world.run(["untick", "pair"]).exits(0);
    assert!(
        world
            .read("home/config/config.toml")
            .contains("checked = false")
    );
    world.run(["sync"]).says_not("pair");
    assert!(!world.has("right/a"));
    world.run(["sync", "pair"]).exits(0);
    assert!(world.has("right/a"));
}

/// The directory of the handler, with a file that tells it how to behave.
fn behave(world: &World, how: &str) {
    world.write(format!("home/state/handlers/mail/{how}"), "");
}

#[test]
fn who_follows_a_link_is_told_that_the_other_try_failed_too() {
    // M-130
    let world = world();
    behave(&world, "stubborn");
    let daemon = daemon(&world);
    world.run(["sync", "mail"]).exits(2);
    let log = world.json(["log"]);
    let entry = log.iter().find(|entry| entry["link"] == true).unwrap();
    world
        .run(["open", &entry["id"].to_string()])
        .exits(2)
        .says("inbox was not synchronized: the lock is stale")
        .says_not("Followed");
    end(daemon).exits(0);
}

#[test]
fn a_silent_failure_has_the_reason_of_its_log_and_no_empty_log_is_suggested() {
    let world = world();
    behave(&world, "silent");
    world
        .run(["sync", "mail"])
        .exits(2)
        .says("mail was not synchronized: the lock is stale");
    world
        .run(["status"])
        .exits(2)
        .says("the lock is stale")
        .says("Next: syncmgr log inbox");
    let world = self::world();
    behave(&world, "mute");
    world.run(["sync", "mail"]).exits(2);
    world
        .run(["status"])
        .exits(2)
        .says("it failed without saying why")
        .says("Next: syncmgr run 1")
        .says_not("syncmgr log");
    world.run(["why", "inbox"]).says("Next: syncmgr run 1");
}

#[test]
fn a_plain_sync_of_nothing_says_so_and_hides_no_failure() {
    let world = world();
    world.run(["sync", "mail"]).exits(2);
    world.run(["untick", "inbox"]).exits(0);
    world
        .run(["sync"])
        .exits(2)
        .says("Nothing was synchronized: no item is ticked for it. inbox is not in sync.");
    // What fails is not hidden by a pause of something else either.
    world.write("left/a", "a");
    world
        .run(["add", "folder", "left", "right", "--name", "pair"])
        .exits(0);
    world.run(["pause", "pair"]).exits(0);
    world
        .run(["sync"])
        .exits(2)
        .says("pause::everything")
        .says("inbox is not in sync");
    // Where all is well it is still not what was asked for.
    behave(&world, "mended");
    world.run(["sync", "inbox"]).exits(0);
    world.run(["remove", "pair"]).exits(0);
    world
        .run(["sync"])
        .exits(1)
        .says("Nothing was synchronized: no item is ticked for it. Next: syncmgr list");
}

#[test]
fn a_schedule_opens_its_connection_for_its_run_alone() {
    // M-165
    let world = world();
    world.run(["sync", "mail"]).exits(2);
    world.run(["unregister", "mail"]).exits(0);
    world.run(["add", "folder", "left", "right"]).exits(0);
    let add = |connection: &str, when: &str| {
        world.run([
            "schedule",
            "left",
            when,
            "--connect",
            connection,
            "--rule",
            "over",
        ])
    };
    add("home", "every 1s")
        .exits(4)
        .says("no connection `home` is configured");
    add("work", "logon")
        .exits(4)
        .says("`connect` opens a connection for schedules");
    add("work", "every 1s").exits(0).says("every 1s, over work");
    assert_eq!(world.json(["schedule"])[0]["connect"], "work");
    assert!(!world.path("connected").exists());
    let daemon = daemon(&world);
    until(
        "a run over the connection, which is closed after it",
        || {
            let runs = world.json(["runs"]);
            runs.iter()
                .any(|run| run["trigger"] == "schedule" && run["outcome"] != "open")
                && world.path("connected-before").exists()
        },
    );
    world.run(["schedule", "--remove", "over"]).exits(0);
    until("it is closed", || !world.path("connected").exists());
    end(daemon).exits(0);
    let config = world.read("home/config/config.toml");
    world.configure(&format!(
        "{config}\n[[rule]]\nname = \"lost\"\non = [\"daily\"]\nconnect = \"gone\"\n"
    ));
    world
        .run(["schedule"])
        .exits(4)
        .says("rule `lost`: no connection `gone` is configured");
}
