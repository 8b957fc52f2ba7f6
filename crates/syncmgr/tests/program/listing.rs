//! Handlers that fail before they list their items, and lists with items that cannot be used.

use serde_json::{Value, json};

use crate::world::{Done, World};

/// A handler `mail` that lists what the file `list` says.
fn mail(world: &World) {
    let program = World::hostile();
    let file = world.path("list");
    world.configure(&format!(
        "[[handler]]\nid = \"mail\"\ncommand = [\"{program}\", \"lists\", \"{}\"]\n",
        file.display()
    ));
}

fn lists(world: &World, items: &Value) {
    world.write("list", json!({ "items": items }).to_string());
}

fn listed(world: &World) -> Value {
    let all = world.json(["handlers"]);
    let found = all.into_iter().find(|handler| handler["id"] == "mail");
    found.unwrap()
}

fn status(world: &World) -> Done {
    world.run(["status"])
}

#[test]
fn a_handler_that_fails_before_it_lists_is_never_silent() {
    let world = World::new();
    status(&world).exits(0).says("Nothing is set up yet");
    mail(&world);
    status(&world)
        .exits(1)
        .says("never asked")
        .says("syncmgr sync mail")
        .says_not("Nothing is set up");

    // It dies while it is initialized.
    world
        .run(["sync"])
        .exits(2)
        .says("mail")
        .says("exit status 3");
    status(&world)
        .exits(2)
        .says("mail cannot be initialized")
        .says("exit status 3")
        .says("syncmgr handlers");
    world
        .run(["handlers"])
        .exits(0)
        .says("✗ failed")
        .says("nothing says what to list");
    world.run(["log", "mail"]).says("nothing says what to list");
    world
        .run(["show", "mail"])
        .exits(0)
        .says("nothing says what to list");

    // It refuses to list; another command, another life of the manager.
    world.write("list", "the server is away\n");
    world
        .run(["sync", "mail"])
        .exits(2)
        .says("the server is away");
    world
        .run(["log", "--errors"])
        .says("its items cannot be read")
        .says("the server is away");
    world
        .run(["log", "--errors", "--run", "999999"])
        .says_not("The log is empty");
    let problem = listed(&world)["problem"].clone();
    assert_eq!(problem["step"], "list");
    assert_eq!(problem["times"], 2);
    assert_eq!(problem["detail"], "the server is away\n");
    let verdict = world.json(["status"]).pop().unwrap();
    assert_eq!(
        (&verdict["exit"], &verdict["problems"][0]),
        (&json!(2), &problem)
    );
    world
        .run(["doctor"])
        .exits(2)
        .says("could not list its items")
        .says("server is away");

    // A good list, even an empty one, is the end of it.
    lists(&world, &json!([]));
    world.run(["sync", "mail"]).exits(0);
    status(&world).exits(0).says("mail").says("lists no items");
    assert_eq!(listed(&world)["problem"], Value::Null);
    world.run(["doctor"]).exits(0);
}

#[test]
fn a_handler_that_cannot_be_started_fails_the_verdict_beside_items_that_are_well() {
    let world = World::with_pair(1);
    let pair = world.read("home/config/config.toml");
    world.configure(&format!(
        "{pair}\n[[handler]]\nid = \"gone\"\ncommand = [\"/no/such/program\"]\n"
    ));
    status(&world).exits(1).says("gone");
    world.run(["sync"]).exits(2).says("/no/such/program");
    status(&world)
        .exits(2)
        .says("gone cannot be started")
        .says("in sync");
    world.run(["unregister", "gone"]).exits(0);
    status(&world).exits(0);
}

// M-52, H-16, H-17
#[test]
fn one_item_that_cannot_be_used_is_left_out_and_the_others_are_listed() {
    let world = World::new();
    mail(&world);
    let long = "x".repeat(64);
    lists(
        &world,
        &json!([
            {"id": "inbox", "name": "Inbox"},
            {"id": long, "name": "Long"},
            {"id": "sent", "name": 7},
            {"id": "drafts", "name": "Drafts"},
            {"id": "INBOX", "name": "Inbox again"},
        ]),
    );
    world.run(["sync", "mail"]).says("Drafts");
    world
        .run(["list"])
        .exits(0)
        .says("Inbox")
        .says("Drafts")
        .says_not("Long");
    let log = world.run(["log", "mail"]);
    log.says("H-16: INBOX is listed twice");
    log.says("H-17").says("xxxxxxxx…").says("`sent`");
    log.says_not(&long);
}

// M-55, M-56
#[test]
fn a_pause_survives_a_list_without_its_item() {
    let world = World::new();
    mail(&world);
    let both = json!([{"id": "inbox", "name": "Inbox"}, {"id": "sent", "name": "Sent"}]);
    lists(&world, &both);
    world.run(["sync", "mail"]).exits(0);
    world.run(["pause", "Inbox"]).exits(0);
    world.run(["disable", "Sent"]).exits(0);
    lists(&world, &json!([{"id": "other", "name": "Other"}]));
    world.run(["sync", "mail"]).exits(0).says("Other");
    world.run(["list"]).says("Other").says_not("Inbox");
    lists(&world, &both);
    world.run(["sync", "mail"]).says("Inbox");
    let items = world.json(["list"]);
    let state = |id: &str| {
        let found = items.iter().find(|item| item["id"] == id);
        found.unwrap()["shown"].clone()
    };
    assert_eq!(
        (state("inbox"), state("sent")),
        (json!("paused"), json!("disabled"))
    );
}
