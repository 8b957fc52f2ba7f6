//! Secrets in commands and definitions: they are used, and no surface shows them.

use crate::api::ask;
use crate::world::World;

const SECRET: &str = "hunter2";

#[test]
fn no_surface_shows_the_secret_that_a_run_is_given() {
    let world = World::new();
    let out = world.path("out");
    world.executable(
        "job",
        &format!(
            "#!/bin/sh\nprintf '%s %s' \"$*\" \"$A_TOKEN\" > '{}'\necho done\n",
            out.display()
        ),
    );
    let job = world.path("job");
    let words = [
        "wrap",
        "--name",
        "job",
        "--env",
        "A_TOKEN=hunter2",
        "--",
        job.to_str().unwrap(),
        "--password",
        SECRET,
        "https://ada:hunter2@example.org/x",
    ];
    let wrapped = world.run(words);
    wrapped
        .exits(0)
        .says("job runs")
        .says("--password **** ")
        .says("there seems to be a secret");
    wrapped.says_not(SECRET);
    // It runs with the real ones.
    world.run(["sync", "job"]).exits(0).says_not(SECRET);
    assert_eq!(
        world.read("out"),
        "--password hunter2 https://ada:hunter2@example.org/x hunter2"
    );
    let shown = world.run(["show", "job"]);
    shown
        .exits(0)
        .says("--password ****")
        .says("https://ada:****@example.org/x")
        .says("\"A_TOKEN\":\"****\"");
    for words in [
        vec!["show", "job"],
        vec!["list"],
        vec!["list", "--all"],
        vec!["runs"],
        vec!["run", "1"],
        vec!["log"],
        vec!["status"],
        vec!["why", "job"],
        vec!["doctor"],
        vec!["export", "job"],
        vec!["export", "job", "--cron"],
        vec!["plan", "job"],
        vec!["properties", "job"],
    ] {
        for json in [false, true] {
            let words = words.iter().copied().chain(json.then_some("--json"));
            world.run(words).says_not(SECRET);
        }
    }
    // What the next run is given is still the real one.
    assert!(world.read("home/config/config.toml").contains(SECRET));
    let mut daemon = world.start(["daemon"]);
    daemon.wait_for("serves every command");
    for line in [
        "GET /v1/show?name=job",
        "GET /v1/list",
        "GET /v1/runs?limit=5",
        "GET /v1/run?id=1",
        "GET /v1/log?limit=50",
        "GET /v1/why?name=job",
        "GET /v1/doctor",
        "GET /",
        "GET /item?name=job",
        "GET /run?id=1",
        "GET /log",
    ] {
        let (status, body) = ask(&world, line, "");
        assert_eq!(status, 200, "{line}: {body}");
        assert!(!body.contains(SECRET), "{line}: {body}");
    }
    daemon.signal(rustix::process::Signal::TERM);
    daemon.end().exits(0);
}
