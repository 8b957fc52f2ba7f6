//! Programs that synchronize by themselves: what a script reports, with and without a daemon, over commands and the socket.

use rustix::process::Signal;

use crate::world::{World, until};

/// The latest run: how it ended, and what its item says.
fn latest(world: &World) -> (String, String) {
    let runs = world.json(["runs", "backup"]);
    let run = runs[0]["id"].as_u64().unwrap_or_else(|| panic!("{runs:?}"));
    let objects = world.json(["run", &run.to_string()]);
    let found = |key: &str| {
        let mut texts = objects
            .iter()
            .filter_map(|object| object["items"][0][key].as_str());
        texts.next_back().unwrap_or_default().to_owned()
    };
    (
        runs[0]["outcome"].as_str().unwrap().to_owned(),
        found("text"),
    )
}

#[test]
fn a_script_reports_without_a_daemon_from_process_to_process() {
    let world = World::new();
    let unknown = world.run(["report", "backup", "start"]);
    unknown.exits(4).says("report backup start --create");
    world
        .run([
            "report",
            "backup",
            "start",
            "--create",
            "--fresh-within",
            "90m",
        ])
        .exits(0);
    assert!(
        world
            .read("home/config/config.toml")
            .contains("fresh_within = \"90m\"")
    );
    world
        .run(["report", "backup", "progress", "3/10", "--text", "photos"])
        .exits(0);
    world.run(["status"]).says("photos");
    world
        .run(["report", "backup", "log", "warning", "a file vanished"])
        .exits(0);
    world.run(["stop"]).exits(0);
    // The answer to the next report: a person wants it stopped.
    world
        .run(["report", "backup", "progress", "45%"])
        .exits(1)
        .says("wants backup stopped");
    world
        .run(["report", "backup", "done", "--sent", "5"])
        .exits(0);
    let run = world.run(["run", "1"]);
    run.says("warnings").says("↑5").says("a file vanished");
    world
        .run(["report", "backup", "progress", "1/2"])
        .exits(2)
        .says("report::not-open");

    world
        .run(["sync", "backup"])
        .exits(4)
        .says("its own program decides when");
    world.run(["sync"]).exits(0);
    world.run(["refresh", "reports"]).exits(4);
    world.run(["doctor"]).exits(0);
    // One line is a whole run.
    world
        .run(["report", "backup", "failed", "no room", "--soft"])
        .exits(0);
    assert_eq!(latest(&world), ("failed".to_owned(), "no room".to_owned()));
    world.run(["report", "backup", "start"]).exits(0);
    world.run(["report", "backup", "start"]).exits(0);
    world.run(["run", "3"]).says("began anew without ending it");
    world
        .run(["report", "backup", "done", "--run", "3"])
        .exits(2)
        .says("report::other-run");
    world
        .run(["report", "backup", "done", "--run", "4"])
        .exits(0);
    world.run(["status"]).exits(0);
}

#[test]
fn a_command_is_run_with_its_own_output_and_exit_code() {
    let world = World::new();
    let words = |script: &'static str| ["report", "backup", "--create", "--", "sh", "-c", script];
    let done = world.run(words("echo out; echo err >&2; exit 7"));
    done.exits(7);
    assert_eq!((done.out.as_str(), done.err.as_str()), ("out\n", "err\n"));
    assert_eq!(
        latest(&world),
        ("failed".to_owned(), "exit code 7".to_owned())
    );
    world.run(words("exit 0")).exits(0);
    assert_eq!(latest(&world).0, "succeeded");
    world.run(words("kill -9 $$")).exits(137);
    assert_eq!(latest(&world).1, "killed by signal 9");
    world
        .run(["report", "backup", "--", "./is-not-there"])
        .exits(127);
    world
        .run(["report", "backups", "--", "touch", "ran"])
        .exits(4);
    assert!(
        !world.has("ran"),
        "a name that nobody knows is a mistake first"
    );
    // A home that cannot be used keeps nobody from a backup.
    world.configure("nonsense");
    world
        .run(["report", "backup", "--", "sh", "-c", "touch ran; exit 5"])
        .exits(5);
    assert!(world.has("ran"));
}

#[test]
fn a_command_hears_of_a_stop_and_signals_are_passed_on() {
    let world = World::new();
    let mut daemon = world.start(["daemon"]);
    daemon.wait_for("serves every command");
    let script = "trap 'touch ended; exit 3' TERM; touch began; while :; do sleep 0.05; done";
    let backup = world.start(["report", "backup", "--create", "--", "sh", "-c", script]);
    until("it began", || world.has("began"));
    world
        .run(["report", "backup", "start"])
        .exits(2)
        .says("report::running");
    world.run(["stop", "backup"]).exits(0);
    backup.end().exits(3);
    assert!(world.has("ended"));
    assert_eq!(latest(&world).0, "stopped");

    std::fs::remove_file(world.path("began")).unwrap();
    let backup = world.start(["report", "backup", "--", "sh", "-c", script]);
    until("it began again", || world.has("began"));
    // The daemon ends and another one comes: the run goes on.
    daemon.signal(Signal::TERM);
    daemon.end().exits(0);
    world.run(["status"]).says("synchronizing");
    backup.signal(Signal::TERM);
    backup.end().exits(3);
    assert_eq!(
        latest(&world),
        ("failed".to_owned(), "exit code 3".to_owned())
    );
}
