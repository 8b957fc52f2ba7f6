//! What handlers are called, which paths of theirs are stored, and what they list when they are asked again.

use std::path::{Path, PathBuf};

use crate::world::{Done, PROGRAM, Running, World};

const CONTACTS: &str = "{12345678-9ABC-DEF0-1234-56789ABCDEF0}";
const CALENDAR: &str = "{22345678-9ABC-DEF0-1234-56789ABCDEF0}";

fn example(name: &str) -> PathBuf {
    let path = Path::new(PROGRAM).parent().unwrap().join("examples");
    path.join(name)
}

/// A stand-in for `comhost`: names two classes, and is a good handler whichever it is started for.
fn with_classes(world: &World) {
    world.write("lib.so", "no library");
    let list = format!(
        "[{{\"class\":\"{CONTACTS}\",\"name\":\"Contacts\"}},{{\"class\":\"{CALENDAR}\",\"name\":\"Calendar\"}}]"
    );
    let handler = example("hostile-handler");
    world.executable(
        "host",
        &format!(
            "#!/bin/sh\n[ \"$1\" = --list ] && {{ printf '%s' '{list}'; exit 0; }}\nexec '{}' good\n",
            handler.display()
        ),
    );
}

/// Runs with the stand-in.
fn run(world: &World, words: &[&str]) -> Done {
    let mut command = world.command(words);
    command.env("SYNCMGR_COMHOST", world.path("host"));
    Running::start(command).end()
}

#[test]
fn a_class_is_called_by_its_name() {
    let world = World::new();
    with_classes(&world);
    run(&world, &["register", "./lib.so"])
        .exits(0)
        .says("Contacts");
    run(&world, &["handlers"])
        .exits(0)
        .says("Contacts")
        .says(&format!("id            {CONTACTS}"));
    run(&world, &["sync", "contacts"]).exits(0);
    run(&world, &["list"])
        .exits(0)
        .says("hostile")
        .says_not(CONTACTS);
    // Both say now that they are called so: neither is meant by it.
    run(&world, &["sync", CALENDAR]).exits(0);
    run(&world, &["sync", "hostile"])
        .exits(4)
        .says("name::ambiguous")
        .says(CALENDAR);
    run(&world, &["pause", CALENDAR]).exits(0);
    run(&world, &["unregister", CALENDAR]).exits(0);
    run(&world, &["pause", "hostile"]).exits(0);
    run(&world, &["resume", "hostile"]).exits(0);
    run(&world, &["unregister", "hostile"])
        .exits(0)
        .says(CONTACTS);
}

#[test]
fn a_class_of_a_library_may_be_given_a_short_identity() {
    let world = World::new();
    with_classes(&world);
    let register = |more: &[&str]| {
        let words = ["register", "./lib.so", "--class", CONTACTS];
        run(&world, &[&words, more].concat())
    };
    run(&world, &["register", "./lib.so", "--id", "both"])
        .exits(4)
        .says("handler::several-classes");
    register(&["--id", "folder"])
        .exits(4)
        .says("handler::built-in");
    register(&["--id", "people"]).exits(0).says("people");
    run(&world, &["sync", "people"]).exits(0);
    // Its class names it as well, in any spelling; registered again it keeps its identity.
    let lower = CONTACTS.to_lowercase();
    run(&world, &["sync", &lower]).exits(0);
    run(&world, &["invoke", "--ask", CONTACTS]).exits(0);
    register(&[])
        .exits(0)
        .says("people")
        .says("in the place of an earlier registration");
    register(&["--id", "others"])
        .exits(4)
        .says("handler::id-taken");
    let config = world.read("home/config/config.toml");
    assert_eq!(config.matches("[[handler]]").count(), 1, "{config}");
    run(&world, &["unregister", &lower]).exits(0).says("people");
    // Nor is another handler replaced by it.
    let program = example("hostile-handler").display().to_string();
    world
        .run(["register", "--id", "people", "--", &program, "good"])
        .exits(0);
    register(&["--id", "people"])
        .exits(4)
        .says("handler::id-taken");
}

#[test]
fn registering_says_which_paths_it_stores() {
    let world = World::new();
    let handler = example("hostile-handler");
    world.write(
        "sub/mail.sh",
        format!("exec '{}' good\n", handler.display()),
    );
    world.write("settings", "");
    let done = world.run([
        "register",
        "--",
        "sh",
        "./sub/../sub/mail.sh",
        "--with=settings",
        "out/nothing",
    ]);
    let root = world.root().display().to_string();
    done.exits(0)
        .says(&format!("./sub/../sub/mail.sh → {root}/sub/mail.sh"))
        .says(&format!("settings → {root}/settings"))
        .says("out/nothing stays as it is");
    let config = world.read("home/config/config.toml");
    for part in [
        format!("\"{root}/sub/mail.sh\""),
        format!("\"--with={root}/settings\""),
        "\"out/nothing\"".to_owned(),
    ] {
        assert!(config.contains(&part), "{part}: {config}");
    }
    // What is stored already needs no telling.
    let absolute = format!("{root}/sub/mail.sh");
    world
        .run(["register", "--id", "mail", "--", "sh", &absolute])
        .exits(0)
        .says_not("→");
}

#[test]
fn comhost_is_looked_for_in_one_way() {
    let world = World::new();
    world.write("lib.so", "no library");
    for command in ["register", "check"] {
        let mut command = world.command([command, "./lib.so"]);
        command.env("SYNCMGR_COMHOST", "some/where");
        let expected = format!("{}/some/where,", world.root().display());
        Running::start(command).end().exits(4).says(&expected);
    }
}

#[test]
fn a_handler_is_asked_for_its_items_again() {
    // M-166: nothing is synchronized
    let world = World::new();
    let handler = example("talkative-handler").display().to_string();
    world
        .run(["register", "--id", "mail", "--", &handler])
        .exits(0);
    world
        .run(["refresh", "talkative"])
        .exits(4)
        .says("handler::not-registered");
    world
        .run(["refresh", "mail"])
        .exits(0)
        .says("new      inbox")
        .says("mail listed 1 item: 1 new.");
    world.write("home/state/handlers/mail/keep", "30");
    let objects = world.json(["refresh"]);
    let seen: Vec<(&str, &str)> = objects
        .iter()
        .filter_map(|object| Some((object["change"].as_str()?, object["name"].as_str()?)))
        .collect();
    assert_eq!(seen, [("new", "archive")]);
    assert_eq!(objects.last().unwrap()["new"], 1);
    world.write("home/state/handlers/mail/keep", "7");
    // By now it has told what it is called.
    world
        .run(["refresh", "Talkative"])
        .exits(0)
        .says("gone     archive");
    world.run(["refresh", "mail"]).says("nothing changed");
    world.run(["runs"]).exits(0).says("Nothing ran yet");
    std::fs::remove_file(world.path("home/state/handlers/mail/keep")).unwrap();
    world.configure("[[handler]]\nid = \"mail\"\ncommand = [\"/nonexistent/mail\"]\n");
    world
        .run(["refresh", "mail"])
        .exits(2)
        .says("/nonexistent/mail");
}
