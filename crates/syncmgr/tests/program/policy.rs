//! Policies: what the configuration says of runs, from the file to what people see.

use crate::world::World;

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
