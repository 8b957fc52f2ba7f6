//! What starts by itself: rules, from the command line to a run.

use crate::world::{World, until};

fn now_ms() -> i64 {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    i64::try_from(now.as_millis()).unwrap()
}

fn scheduled(world: &World) -> usize {
    world
        .json(["runs"])
        .iter()
        .filter(|run| run["trigger"] == "schedule")
        .count()
}

#[test]
fn a_daemon_follows_its_rules() {
    let world = World::with_pair(1);
    // Without a daemon it is written down, and said that nobody follows it.
    world
        .run(["schedule", "left", "every 1s", "--rule", "often"])
        .exits(0)
        .says("often: left starts every 1s")
        .says("No daemon runs");
    world.write("left/new", "new");
    let mut daemon = world.start(["daemon"]);
    daemon.wait_for("serves every command");
    until("it ran by itself twice", || scheduled(&world) >= 2);
    assert!(world.has("right/new"));
    // While a run goes on, nobody knows when an interval from its end is due.
    world
        .run(["schedule", "left", "every 1h", "--rule", "often"])
        .exits(0);
    until("the last run ended", || {
        world
            .json(["why", "left"])
            .iter()
            .any(|line| line["atMs"].is_number())
    });
    world.run(["status"]).says("often starts");
    world
        .run(["why", "left"])
        .exits(0)
        .says("It starts by itself at")
        .says("by often");
    // A pause holds it back, and `why` says when it would have started.
    world.run(["pause", "left"]).exits(0);
    world
        .run(["why", "left"])
        .says("would start by itself")
        .says("it is paused");
    world.run(["resume", "left"]).exits(0);
    world.run(["schedule", "--remove", "OFTEN"]).exits(0);
    world
        .run(["schedule"])
        .exits(0)
        .says("Nothing starts by itself");
    daemon.signal(rustix::process::Signal::TERM);
    daemon.end().exits(0);
}

#[test]
fn what_has_to_be_looked_at_is_looked_at_once_a_start_waits_for_it() {
    let world = World::with_pair(1);
    world
        .run(["schedule", "left", "every 1s", "--when", "free ./left 1KiB"])
        .exits(0)
        .says("only with free");
    let mut daemon = world.start(["daemon"]);
    daemon.wait_for("serves every command");
    until("it ran by itself", || scheduled(&world) >= 1);
    // Nobody answers there, which is seen once it is about to start.
    world
        .run([
            "schedule",
            "left",
            "every 1s",
            "--when",
            "reachable 127.0.0.1:1",
            "--rule",
            "left",
        ])
        .exits(0);
    let why = || world.json(["why", "left"]);
    until("somebody looked", || {
        why()
            .iter()
            .any(|line| line["condition"] == "reachable 127.0.0.1:1" && line["stands"] == "unmet")
    });
    let held = why()
        .iter()
        .any(|line| line["wantedBy"] == "schedule" && line["untilMs"].is_null());
    assert!(held, "{:?}", why());
    world
        .run(["why", "left"])
        .says("It would start by itself now, if 127.0.0.1:1 could be");
    world
        .run([
            "schedule",
            "left",
            "daily at 02:00",
            "--when",
            "not hours 01:00-03:00",
            "--rule",
            "left",
        ])
        .exits(0);
    world
        .run(["schedule", "--next", "2d"])
        .exits(0)
        .says("it waits for other hours than 01:00-03:00")
        .says("03:00:00");
    world
        .run([
            "schedule",
            "left",
            "daily",
            "--when",
            "not hours 00:00-24:00",
        ])
        .exits(4)
        .says("can never hold");
    daemon.signal(rustix::process::Signal::TERM);
    daemon.end().exits(0);
}

#[test]
fn a_time_that_was_missed_is_caught_up_by_the_next_daemon() {
    let world = World::with_pair(1);
    world
        .run(["schedule", "left", "every 1s", "--rule", "often"])
        .exits(0);
    let catch_ups = || {
        world
            .json(["runs"])
            .iter()
            .filter(|run| run["trigger"] == "catch-up")
            .count()
    };
    let mut first = world.start(["daemon"]);
    first.wait_for("serves every command");
    until("it ran by itself", || scheduled(&world) >= 1);
    first.signal(rustix::process::Signal::TERM);
    first.end().exits(0);
    let before = catch_ups();
    let seen = world.json(["runs"]).len();
    // The second time is over while nobody is there: a command of its own starts nothing by itself.
    until("its time is over", || {
        let last = world.json(["runs"])[0]["closedMs"].as_i64().unwrap();
        now_ms() > last + 1_500
    });
    let mut second = world.start(["daemon"]);
    second.wait_for("serves every command");
    until("it was caught up", || catch_ups() > before);
    world.run(["log"]).says("often: caught up for");
    assert!(world.json(["runs"]).len() > seen);
    second.signal(rustix::process::Signal::TERM);
    second.end().exits(0);
}

#[test]
fn a_rule_that_cannot_be_is_refused_at_entry() {
    let world = World::with_pair(1);
    for (when, part) in [
        ("sometimes", "neither a schedule"),
        ("daily at 02:00 Europe/Atlantis", "Europe/Atlantis"),
        ("*-2-31", "February never has a day 31"),
        (
            "31 February",
            "February never has a day 31, at column 1. February has at most 29 days.",
        ),
        ("idle 10", "`10` says no unit: write `idle 10 min`"),
        ("every 0s", "at least one second"),
        ("every 9000d", "at most"),
        ("daily at 25:00", "25"),
        ("2020-01-01 02:00", "over"),
        ("change", "absolute"),
    ] {
        world
            .run(["schedule", "left", when])
            .exits(4)
            .says("rule::invalid")
            .says(part);
    }
    world
        .run(["schedule", "left", "logon", "--when", "moon"])
        .exits(4)
        .says("none of the conditions");
    world
        .run(["schedule", "nobody", "logon"])
        .exits(4)
        .says("name::unknown");
    world
        .run(["schedule", "left", "after nobody"])
        .exits(4)
        .says("name::unknown");
    world
        .run(["schedule", "left", "after left", "--rule", "circle"])
        .exits(4)
        .says("rule::invalid")
        .says("again and again: circle → circle");
    world
        .run(["schedule", "left", "logon", "--when", "not running left"])
        .exits(4)
        .says("names left itself, which never runs twice at once");
    world
        .run(["schedule", "--remove", "nobody"])
        .exits(4)
        .says("rule::unknown");
    world
        .run(["schedule", "--explain", "31 February"])
        .exits(4)
        .says("rule::invalid");
    assert!(!world.read("home/config/config.toml").contains("[[rule]]"));
    // What was spoiled by hand is told with its line, and nothing is lost.
    let before = world.read("home/config/config.toml");
    world.configure(&(before + "\n[[rule]]\nname = \"x\"\non = [\"never ever\"]\n"));
    world
        .run(["status"])
        .exits(4)
        .says("config::invalid")
        .says("rule `x`");
}

#[test]
fn what_a_schedule_means_is_said() {
    let world = World::new();
    world
        .run(["schedule", "--explain", "Mon..Fri 18:30 Europe/Berlin"])
        .exits(0)
        .says("Mon..Fri *-*-* 18:30:00 Europe/Berlin");
    let lines = world.json(["schedule", "--explain", "@daily"]);
    assert_eq!(lines[0]["normalised"], "*-*-* 00:00:00");
    assert_eq!(lines[0]["nextMs"].as_array().unwrap().len(), 5);
}

#[test]
fn a_rule_goes_with_the_last_item_that_it_was_about() {
    let world = World::with_pair(1);
    std::fs::create_dir(world.path("spare")).unwrap();
    world
        .run(["add", "folder", "left", "spare", "--name", "other"])
        .exits(0);
    world.run(["schedule", "other", "logon"]).exits(0);
    world
        .run(["schedule", "other", "change ./left", "--rule", "seen"])
        .exits(0)
        .says(&format!(
            "other starts when {} changes",
            world.path("left").display()
        ));
    world.run(["schedule", "left", "logon"]).exits(0);
    // A rule about both keeps the other.
    let config = world.read("home/config/config.toml");
    world.configure(
        &(config
            + "\n[[rule]]\nname = \"both\"\nitems = [\"left\", \"other\"]\non = [\"logon\"]\n"),
    );
    world
        .run(["remove", "other"])
        .exits(0)
        .says("Removed: other, and with it the rules other, seen.");
    let config = world.read("home/config/config.toml");
    assert!(config.contains("items = [\"left\"]"), "{config}");
    // What still follows it is told wherever rules are looked at.
    world.configure(
        &(config.clone()
            + "\n[[rule]]\nname = \"late\"\nitems = [\"left\"]\non = [\"after other\"]\n"),
    );
    world.run(["schedule"]).says("nothing is called `other`");
    world
        .run(["doctor"])
        .exits(1)
        .says("late: it never starts after that: nothing is called `other`");
    assert_eq!(config.matches("[[rule]]").count(), 2, "{config}");
}

#[test]
fn what_comes_is_told_without_a_daemon_and_never_cut_in_silence() {
    let world = World::with_pair(1);
    world
        .run(["schedule", "left", "* * * * *", "--rule", "minutely"])
        .exits(0);
    world
        .run(["schedule", "--next", "1h"])
        .exits(0)
        .says("… and 50 more of left by minutely")
        .says("No daemon runs");
    assert_eq!(world.json(["schedule", "--next", "1h"]).len(), 61);
    // More than can be told: all of them up to a moment that is told.
    world
        .run(["schedule", "--next", "24h"])
        .exits(0)
        .says("1000 starts. More come after");
}

#[test]
fn jitter_moves_what_is_shown_and_is_refused_where_it_means_nothing() {
    let world = World::with_pair(1);
    let add = |on: &str, jitter: &str| {
        world.run([
            "schedule", "left", on, "--rule", "spread", "--jitter", jitter,
        ])
    };
    add("daily at 02:00", "25h").exits(4).says("at most 24h");
    add("logon", "10m").exits(4).says("names none");
    add("daily at 02:00", "soon").exits(4).says("soon");
    world.run(["schedule"]).says("Nothing starts by itself");
    add("daily at 02:00 UTC", "10h")
        .exits(0)
        .says("daily at 02:00 UTC, up to 10h later");
    let rules = world.json(["schedule"]);
    let rule = rules.iter().find(|rule| rule["name"] == "spread").unwrap();
    assert_eq!(rule["jitter"], "10h");
    let late = rule["nextMs"].as_i64().unwrap() % 86_400_000 - 2 * 3_600_000;
    assert!((1..=36_000_000).contains(&late), "{late}");
    assert!(
        world
            .read("home/config/config.toml")
            .contains("jitter = \"10h\"")
    );
}

#[test]
fn a_circle_of_rules_is_refused_with_its_names_and_told_where_it_stands() {
    let world = World::with_pair(1);
    std::fs::create_dir(world.path("spare")).unwrap();
    world
        .run(["add", "folder", "left", "spare", "--name", "other"])
        .exits(0);
    world
        .run(["schedule", "other", "after left", "--rule", "one"])
        .exits(0)
        .says("one: other starts after left");
    world
        .run(["schedule", "left", "after change of other", "--rule", "two"])
        .exits(4)
        .says("rule::invalid")
        .says("it would start itself again and again: two → one → two");
    // Written by hand it stands there until it is opened, and says why it does not start.
    let config = world.read("home/config/config.toml");
    assert_eq!(config.matches("[[rule]]").count(), 1, "{config}");
    world.configure(
        &(config + "\n[[rule]]\nname = \"two\"\nitems = [\"left\"]\non = [\"after other\"]\n"),
    );
    world
        .run(["doctor"])
        .exits(1)
        .says("through `after` it would start itself again and again: one → two → one");
    world
        .run(["schedule"])
        .says("again and again: one → two → one");
}

#[test]
fn what_a_new_rule_means_for_others_is_said_when_it_is_made() {
    let world = World::with_pair(1);
    world
        .run(["schedule", "left", "daily at 02:00", "--rule", "nightly"])
        .exits(0);
    world
        .run([
            "schedule", "left", "logon", "--when", "mains", "--rule", "first",
        ])
        .exits(0)
        .says("first: left starts at logon, only with mains")
        .says("Conditions belong to items: it also holds back what nightly starts.");
    let missing = world.path("not there");
    world
        .run(["schedule", "left", "change ./not there", "--rule", "seen"])
        .exits(0)
        .says(&format!("left starts when {} changes", missing.display()))
        .says("there is nothing at that path now");
    // Times are those of this machine, which is said where the schedule is about another zone.
    world
        .run(["schedule", "--explain", "daily at 02:00 Asia/Tokyo"])
        .exits(0)
        .says("(UTC)");
    world
        .run(["schedule", "--explain", "daily at 02:00"])
        .exits(0)
        .says_not("(UTC)");
    world
        .run(["schedule", "left", "29 February at 10:00", "--rule", "leap"])
        .exits(0);
    world
        .run(["schedule", "--explain", "29 February at 10:00"])
        .says("*-02-29 10:00:00");
}

#[test]
fn what_becomes_of_a_running_item_is_kept_and_refused_in_words() {
    let world = World::with_pair(1);
    world
        .run(["schedule", "left", "hourly", "--if-running", "again"])
        .exits(0)
        .says("hourly, again if it runs");
    assert_eq!(world.json(["schedule"])[0]["ifRunning"], "again");
    let config = world.read("home/config/config.toml");
    assert!(config.contains("if_running = \"again\""), "{config}");
    world.configure(&config.replace("\"again\"", "\"never\""));
    world
        .run(["schedule"])
        .exits(4)
        .says("`if_running` is `ignore` or `again`, not `never`");
}

/// The same said twice would start the same twice; and of a schedule that a shell took apart the mistake is told, not a word of it.
#[test]
fn the_same_rule_is_written_once_and_a_wrong_hour_is_told() {
    let world = World::with_pair(1);
    let daily = ["schedule", "left", "daily", "at", "02:00"];
    world.run(daily).exits(0);
    world.run(daily).exits(4).says("says exactly this already");
    assert_eq!(
        world.json(["schedule"]).len(),
        2,
        "the rule and the verdict"
    );
    world
        .run(["schedule", "left", "daily", "at", "25:00"])
        .exits(4)
        .says("25")
        .says("an hour from 0 to 23");
}
