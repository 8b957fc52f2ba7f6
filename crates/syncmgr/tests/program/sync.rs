//! The main job: two folders in sync, and everything that a person does about it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use serde_json::Value;

use crate::world::{Running, World};

#[test]
fn the_first_sync_adds_the_pair_and_the_second_finds_it() {
    let world = World::with_folders();
    world.write("left/sub/deep/a", "a");
    world.write("right/b", "b");
    fs::create_dir(world.path("left/empty")).unwrap();
    symlink("../nowhere", world.path("left/link")).unwrap();
    fs::set_permissions(world.path("right/b"), fs::Permissions::from_mode(0o640)).unwrap();
    let done = world.run(["sync", "./left", "./right"]);
    done.exits(0).says("added left").says("left is in sync");
    assert_eq!(world.content("left"), world.content("right"));
    assert!(world.has("right/empty") && world.has("right/link") && world.has("left/b"));

    // By another way, from elsewhere, with links on the way: the same pair.
    symlink(world.root(), world.path("around")).unwrap();
    let mut command = world.command(["sync", "../left/", "../around/right/."]);
    command.current_dir(world.path("left/sub/.."));
    Running::start(command).end().exits(0).says_not("added");
    assert_eq!(world.json(["list"]).len(), 2, "one item and the verdict");
    world.run(["add", "folder", "left", "right"]).exits(4);

    // And by its name.
    world.write("left/c", "c");
    world.run(["sync", "left"]).exits(0).says("↑1 ↓0 ✗0");
    assert_eq!(world.content("left"), world.content("right"));
}

#[test]
fn edits_and_deletions_go_both_ways() {
    let world = World::with_pair(30);
    world.write("left/file-000", "edited left");
    world.write("right/file-001", "edited right");
    fs::remove_file(world.path("left/file-002")).unwrap();
    fs::remove_file(world.path("right/file-003")).unwrap();
    fs::remove_file(world.path("left/file-004")).unwrap();
    symlink("file-005", world.path("left/file-004")).unwrap();
    fs::rename(
        world.path("right/file-006"),
        world.path("right/file-6-renamed"),
    )
    .unwrap();
    let done = world.run(["sync"]);
    done.exits(0);
    assert_eq!(world.content("left"), world.content("right"), "{done}");
    assert_eq!(world.read("right/file-000"), "edited left");
    assert_eq!(world.read("left/file-001"), "edited right");
    assert!(!world.has("right/file-002") && !world.has("left/file-003"));
    assert_eq!(
        fs::read_link(world.path("right/file-004"))
            .unwrap()
            .to_str(),
        Some("file-005")
    );
    let before = (world.tree("left"), world.tree("right"));
    world.run(["sync"]).exits(0).says("↑0 ↓0 ✗0");
    assert_eq!(before, (world.tree("left"), world.tree("right")));
}

#[test]
fn every_line_for_programs_is_an_object_and_the_last_is_the_verdict() {
    let world = World::with_folders();
    world.write("left/a", "a");
    let objects = world.json(["sync", "./left", "./right"]);
    let last = objects.last().unwrap();
    assert_eq!(last["exit"], 0);
    assert!(
        objects
            .iter()
            .any(|o| o["change"] == "item-finished" && o["counts"]["sent"] == 1),
        "{objects:?}"
    );
    let finished = objects
        .iter()
        .find(|o| o["change"] == "item-finished")
        .unwrap();
    assert_eq!(finished["text"], "", "what succeeded has nothing to add");
    assert_eq!(finished.get("failure"), None, "nothing failed");
    for words in [
        &["status"][..],
        &["list"],
        &["show", "left"],
        &["why", "left"],
        &["runs"],
        &["run", "1"],
        &["log"],
        &["needs"],
        &["conflicts"],
        &["handlers"],
        &["plan"],
        &["doctor"],
        &["pause"],
        &["resume"],
    ] {
        let objects = world.json(words);
        assert_eq!(objects.last().unwrap()["exit"], 0, "{words:?}: {objects:?}");
    }
    let objects = world.json(["sync", "nothing-like-it"]);
    let last = objects.last().unwrap();
    assert_eq!(last["exit"], 4);
    assert_eq!(last["error"]["code"], "name::unknown");
}

// Shows M-179: results outlive whoever looked at them.
#[test]
fn runs_say_in_english_why_they_began() {
    let world = World::with_pair(1);
    let done = world.run(["run", "1"]);
    done.exits(0)
        .says("by hand")
        .says_not("manual")
        .says_not("finishing");
}

/// A world with one conflict, on `note`, and its id.
fn conflict(world: &World) -> String {
    world.write("left/note", "left version");
    world.write("right/note", "the right version");
    let done = world.run(["sync"]);
    done.exits(3)
        .says("left has conflicts")
        .says("Next: syncmgr conflicts");
    assert_eq!(world.read("left/note"), "left version");
    assert_eq!(world.read("right/note"), "the right version");
    let objects = world.json(["conflicts"]);
    assert_eq!(objects.last().unwrap()["exit"], 3);
    assert_eq!(objects[0]["name"], "note", "{objects:?}");
    objects[0]["id"].as_str().unwrap().to_owned()
}

/// What the versions contain is read when somebody asks, by whatever beginning of the id, and nothing is decided by it.
#[test]
fn the_versions_of_a_conflict_are_compared() {
    let world = World::with_pair(1);
    let id = conflict(&world);
    let shown = world.run(["conflicts", &id[..4], "--diff"]);
    shown
        .exits(3)
        .says("-left version")
        .says("+the right version");
    let objects = world.json(["conflicts", &id, "--diff"]);
    assert_eq!(objects[0]["conflict"]["comparable"], true, "{objects:?}");
    let difference = &objects[0]["differences"][0];
    assert_eq!(
        (&difference["added"], &difference["removed"]),
        (&1.into(), &1.into())
    );
    // What changes meanwhile is shown as it is, and told.
    world.write("left/note", "left\u{1b}[31m, changed since");
    std::fs::write(world.path("right/note"), [0_u8; 5_000]).unwrap();
    let shown = world.run(["conflicts", &id, "--diff"]);
    shown
        .exits(3)
        .says("left: changed since the conflict was found")
        .says("right: neither a text nor a picture, 5")
        .says("left␛[31m, changed since");
    std::fs::remove_file(world.path("left/note")).unwrap();
    let shown = world.run(["conflicts", &id, "--diff"]);
    shown
        .exits(3)
        .says("left: this version is not there any more; synchronize the pair");
    let unknown = world.run(["conflicts", "zzzz", "--diff"]);
    unknown.exits(4).says("there is no open conflict `zzzz`");
    world.run(["conflicts", "--diff"]).exits(4);
}

#[test]
fn an_open_conflict_needs_you_whoever_is_asked() {
    let world = World::with_pair(3);
    let id = conflict(&world);
    world.run(["status"]).exits(3).says("left has conflicts");
    let named = world.run(["sync", "left"]);
    named.exits(3).says("1 open conflict");
    world.run(["conflicts"]).exits(3).says(&id[..4]);
    let needs = world.run(["needs"]);
    needs
        .exits(3)
        .says("1 open conflict")
        .says("syncmgr conflicts left");
    let objects = world.json(["needs"]);
    assert_eq!(objects[0]["conflicts"], 1, "{objects:?}");
    assert_eq!(objects.last().unwrap()["exit"], 3);
    world.run(["runs"]).exits(0).says("needs you");
    // Again: still the same conflict, with the same id.
    world.run(["sync"]).exits(3);
    assert_eq!(world.json(["conflicts"])[0]["id"], id.as_str());
}

#[test]
fn conflicts_are_resolved_each_way() {
    for (choice, left, right) in [
        ("left", "left version", "left version"),
        ("right", "the right version", "the right version"),
        ("both", "left version", "left version"),
    ] {
        let world = World::with_pair(3);
        let id = conflict(&world);
        let done = world.run(["resolve", &id[..5], choice]);
        done.exits(0).says("The conflict is resolved");
        let run = &world.json(["runs", "--limit", "1"])[0];
        let moved = |of: &str| run["counts"][of].as_u64().unwrap();
        assert!(moved("sent") + moved("received") > 0, "{choice}: {run}");
        assert_eq!(moved("conflicts"), 0, "{choice}: {run}");
        assert_eq!(world.read("left/note"), left, "{choice}");
        assert_eq!(world.read("right/note"), right, "{choice}");
        assert_eq!(world.content("left"), world.content("right"), "{choice}");
        let other = "note (conflict right)";
        assert_eq!(world.has(format!("left/{other}")), choice == "both");
        world.run(["conflicts"]).exits(0).says("No conflicts");
        world.run(["needs"]).exits(0).says("Nothing waits for you");
        world.run(["status"]).exits(0);
        world.run(["sync"]).exits(0).says("↑0 ↓0 ✗0");
        world
            .run(["resolve", &id, "left"])
            .exits(4)
            .says("syncmgr conflicts");
    }
}

#[test]
fn all_conflicts_are_resolved_at_once() {
    let world = World::with_pair(3);
    for name in ["x", "y", "z"] {
        world.write(format!("left/{name}"), "from the left");
        world.write(format!("right/{name}"), "something from the right");
    }
    world
        .run(["sync", "left"])
        .exits(3)
        .says("3 open conflicts");
    // One of three: what was asked for is done, whatever else is open.
    let objects = world.json(["conflicts"]);
    let id = objects[0]["id"].as_str().unwrap();
    world.run(["resolve", id, "left"]).exits(0);
    let before = world.content("left");
    world
        .run(["resolve", "--all", "right", "--preview"])
        .exits(0)
        .says("decides 2 of 2");
    assert_eq!(world.content("left"), before, "a preview decides nothing");
    let done = world.run(["resolve", "--all", "right"]);
    done.exits(0).says("2 conflicts resolved");
    assert_eq!(world.content("left"), world.content("right"));
    world.run(["status"]).exits(0);
    // All of it was one run, which comes back as one.
    let runs = world.json(["runs", "-n", "1"]);
    let run = runs[0]["id"].to_string();
    done.says(&format!("take it back: syncmgr undo {run}"));
    world.run(["undo", &run]).exits(0);
    assert_eq!(world.content("left"), before);
}

#[test]
fn an_undo_can_be_undone() {
    let world = World::with_pair(5);
    world.write("left/file-000", "edited");
    fs::remove_file(world.path("right/file-001")).unwrap();
    world.write("left/new", "new");
    world.run(["sync"]).exits(0);
    let after = world.content("right");
    world.run(["undo", "2"]).exits(0).says("syncmgr undo 3");
    // Both folders look as before the run: with what somebody had done on one side.
    assert_eq!(world.read("right/file-000"), "content of 0\n");
    assert_eq!(world.read("left/file-000"), "edited");
    assert_eq!(world.read("left/file-001"), "content of 1\n");
    assert!(!world.has("right/file-001"));
    assert!(!world.has("right/new") && world.has("left/new"));
    world.run(["undo", "3"]).exits(0);
    assert_eq!(world.content("right"), after);
    assert_eq!(world.content("left"), after);
    world.run(["undo", "99"]).exits(4).says("syncmgr runs");
}

/// What a plan says would be done.
fn planned(objects: &[Value]) -> BTreeSet<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    objects[0]["actions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| (text(&a["action"]), text(&a["to"]), text(&a["name"])))
        .collect()
}

#[test]
fn a_plan_writes_nothing_and_is_what_is_done() {
    let world = World::with_pair(20);
    world.write("left/file-000", "edited left");
    world.write("right/new/inside", "new");
    fs::remove_file(world.path("right/file-002")).unwrap();
    fs::set_permissions(
        world.path("left/file-003"),
        fs::Permissions::from_mode(0o600),
    )
    .unwrap();
    world.write("left/both", "one");
    world.write("right/both", "other");
    let looked_at = ["left", "right", "home/state/handlers", "home/config"];
    let before = looked_at.map(|path| world.tree(path));
    let plan = world.json(["plan"]);
    world.json(["plan", "./left", "./right"]);
    assert_eq!(before, looked_at.map(|path| world.tree(path)));
    assert_eq!(world.json(["runs"]).len(), 2, "a plan is no run");
    let expected: BTreeSet<_> = [
        ("update", "right", "file-000"),
        ("add", "left", "new/"),
        ("add", "left", "new/inside"),
        ("delete", "left", "file-002"),
        ("metadata", "right", "file-003"),
        ("conflict", "", "both"),
    ]
    .map(|(action, to, name)| (action.to_owned(), to.to_owned(), name.to_owned()))
    .into();
    assert_eq!(planned(&plan), expected);

    let sync = world.json(["sync"]);
    let done = sync
        .iter()
        .find(|object| object["change"] == "item-finished")
        .unwrap();
    for count in [
        "sent",
        "received",
        "deleted",
        "conflicts",
        "failed",
        "bytes",
    ] {
        assert_eq!(
            done["counts"][count], plan[0]["counts"][count],
            "{count}: {done} {}",
            plan[0]
        );
    }
    assert_eq!(world.read("right/file-000"), "edited left");
    assert_eq!(world.read("left/new/inside"), "new");
    assert!(!world.has("left/file-002"));
    // What is left to plan is the conflict.
    assert_eq!(planned(&world.json(["plan"])).len(), 1);
}

#[test]
fn a_plan_of_two_new_folders_remembers_nothing() {
    let world = World::with_folders();
    world.write("left/a", "a");
    let plan = world.json(["plan", "./left", "./right"]);
    assert_eq!(planned(&plan).len(), 1);
    assert!(world.tree("right").is_empty());
    assert_eq!(world.tree("left").len(), 1);
    assert_eq!(world.json(["list"]).len(), 1, "only the verdict");
}

#[test]
fn the_exit_code_of_status_is_the_verdict() {
    let world = World::new();
    world.run(["status"]).exits(0).says("syncmgr sync");
    world.run(["sync"]).exits(0).says("Nothing is set up yet");
    assert!(
        !world.has("home/state/handlers/folder"),
        "without a pair nobody asks the handler of pairs"
    );
    fs::create_dir(world.path("left")).unwrap();
    fs::create_dir(world.path("right")).unwrap();
    world.run(["add", "folder", "left", "right"]).exits(0);
    world.run(["status"]).exits(1).says("never synchronized");
    world.run(["sync"]).exits(0);
    let status = world.run(["status"]);
    status.exits(0).says("Everything is in sync");
    status.says("As of the last run, just now.");
    world.run(["pause", "left", "--for", "30m"]).exits(0);
    world.run(["status"]).says("paused for another 30 min");
    world
        .run(["why", "left"])
        .says("left: paused for another 30 min (what");
    world.run(["pause", "left"]).exits(0);
    world
        .run(["status"])
        .exits(0)
        .says("paused")
        .says("syncmgr resume left");
    world.write("left/a", "a");
    let done = world.run(["sync"]);
    done.exits(1).says("everything is paused");
    done.says("syncmgr resume");
    assert!(!world.has("right/a"), "paused");
    world.run(["pause"]).exits(0);
    let resumed = world.run(["resume", "left"]);
    resumed
        .exits(1)
        .says("everything is paused, not this alone");
    world.run(["resume"]).exits(0).says("Everything goes on");
    world.run(["disable", "left"]).exits(0);
    let done = world.run(["sync", "left"]);
    done.exits(1).says("`left` is turned off");
    done.says("syncmgr enable left");
    assert!(!world.has("right/a"), "turned off");
    world.run(["enable", "left"]).exits(0);
    world.run(["sync"]).exits(0);
    assert!(world.has("right/a"));
    fs::remove_dir_all(world.path("right")).unwrap();
    world.run(["sync"]).exits(3);
    world.run(["status"]).exits(3);
    world.run(["remove", "left"]).exits(0);
    world.run(["status"]).exits(0).says("Nothing is set up yet");
    world.run(["needs"]).exits(0);
}

#[test]
fn a_run_of_a_removed_pair_is_undone_once_it_is_added_again() {
    let world = World::new();
    world.write("left/a", "a");
    fs::create_dir(world.path("right")).unwrap();
    world.run(["sync", "./left", "./right"]).exits(0);
    world.write("left/a", "longer");
    world.run(["sync", "left"]).exits(0);
    let run = world.json(["runs"])[0]["id"].to_string();
    world.run(["remove", "left"]).exits(0);
    let refused = world.run(["undo", run.as_str()]);
    refused
        .exits(4)
        .says("removed since")
        .says("syncmgr add folder");
    world.run(["add", "folder", "left", "right"]).exits(0);
    world.run(["undo", run.as_str()]).exits(0);
    assert_eq!(fs::read(world.path("right/a")).unwrap(), b"a");
    let status = world.run(["status"]);
    status
        .exits(1)
        .says("was undone; the next sync carries that on");
}

/// The number of the one open question.
fn question(world: &World) -> String {
    let objects = world.json(["needs"]);
    assert_eq!(
        objects.len(),
        2,
        "one question and the verdict: {objects:?}"
    );
    objects[0]["id"].to_string()
}

fn lose_many(world: &World) {
    for number in 0..20 {
        fs::remove_file(world.path(format!("left/file-{number:03}"))).unwrap();
    }
}

#[test]
fn many_deletions_are_a_question_with_three_answers() {
    let world = World::with_pair(40);
    lose_many(&world);
    let right = world.tree("right");
    world
        .run(["sync"])
        .exits(3)
        .says("20 of 40")
        .says("syncmgr needs");
    world.run(["status"]).exits(3);
    world.run(["plan"]).exits(3).says("would be held");
    let id = question(&world);
    world
        .run(["needs"])
        .exits(3)
        .says(&format!("syncmgr answer {id} bring-back"));
    // Later: nothing happens, and it stays open.
    world.run(["answer", &id, "later"]).exits(0);
    assert_eq!(question(&world), id);
    assert_eq!(world.tree("right"), right, "nothing was changed meanwhile");
    world
        .run(["answer", &id, "nonsense"])
        .exits(4)
        .says("bring-back");
    // Not meant.
    world.run(["answer", &id, "bring-back"]).exits(0);
    assert_eq!(world.content("left"), world.content("right"));
    assert_eq!(world.read("left/file-007"), "content of 7\n");
    world.run(["needs"]).exits(0);
    world.run(["status"]).exits(0);
    // Meant.
    lose_many(&world);
    world.run(["sync"]).exits(3);
    world
        .run(["answer", &question(&world), "apply"])
        .exits(0)
        .says("20 deleted");
    assert_eq!(world.content("left"), world.content("right"));
    assert!(!world.has("right/file-007"));
    // And kept all the same.
    let runs = world.json(["runs"]);
    world.run(["undo", &runs[0]["id"].to_string()]).exits(0);
    assert_eq!(world.read("right/file-007"), "content of 7\n");
}

#[test]
fn an_emptied_a_vanished_and_a_replaced_folder_are_questions() {
    let world = World::with_pair(5);
    let whole = world.content("right");
    // Emptied, with the marker.
    for (path, _) in world.tree("left") {
        if !path.starts_with(".syncmgr-root") {
            fs::remove_file(world.path("left").join(path)).unwrap();
        }
    }
    world
        .run(["sync"])
        .exits(3)
        .says("the left folder is empty");
    assert_eq!(world.content("right"), whole);
    world
        .run(["answer", &question(&world), "bring-back"])
        .exits(0);
    assert_eq!(world.content("left"), whole);
    // Vanished.
    fs::remove_dir_all(world.path("left")).unwrap();
    world
        .run(["sync"])
        .exits(3)
        .says("the left folder is missing");
    assert!(!world.has("left"));
    let needs = world.run(["needs"]);
    needs.exits(3).says("bring-back").says_not("apply");
    world
        .run(["answer", &question(&world), "bring-back"])
        .exits(0);
    assert_eq!(world.content("left"), whole);
    // Replaced by another directory, as by an unmounted disk.
    fs::rename(world.path("left"), world.path("away")).unwrap();
    fs::create_dir(world.path("left")).unwrap();
    world.write("left/stranger", "?");
    world
        .run(["sync"])
        .exits(3)
        .says("not the one that was synchronized");
    assert_eq!(world.content("right"), whole);
    // The right one comes back: the question is void.
    fs::remove_dir_all(world.path("left")).unwrap();
    fs::rename(world.path("away"), world.path("left")).unwrap();
    world.run(["sync"]).exits(0);
    world.run(["needs"]).exits(0).says("Nothing waits for you");
    assert_eq!(world.content("left"), whole);
}

/// What nobody ticked is left out, and never in silence.
#[test]
fn what_is_left_out_is_told_beside_the_verdict() {
    let world = World::new();
    for pair in ["notes", "photos"] {
        fs::create_dir(world.path(pair)).unwrap();
        fs::create_dir(world.path(format!("{pair}-far"))).unwrap();
        world
            .run(["sync", &format!("./{pair}"), &format!("./{pair}-far")])
            .exits(0);
    }
    world.run(["untick", "notes"]).exits(0);
    let told = "Everything is in sync, but 1 item is only synchronized by name: notes.";
    world.run(["sync"]).exits(0).says(told);
    world
        .run(["status"])
        .exits(0)
        .says(told)
        .says("syncmgr tick notes");
    let status = world.json(["status"]);
    let verdict = status.last().unwrap();
    assert_eq!(verdict["remarks"][0]["about"], "ticks", "{verdict}");
    world.run(["tick", "notes"]).exits(0);
    world
        .run(["status"])
        .exits(0)
        .says("Everything is in sync.");
}

/// A run that a question held back changed nothing: undoing it is refused, and the item stays as it was.
#[test]
fn a_held_run_cannot_be_undone() {
    let world = World::with_folders();
    for n in 0..40 {
        world.write(format!("left/file-{n:03}"), "x");
    }
    world.run(["sync", "./left", "./right"]).exits(0);
    for n in 0..40 {
        fs::remove_file(world.path(format!("left/file-{n:03}"))).unwrap();
    }
    world.run(["sync"]).exits(3);
    let before = world.run(["status"]);
    let runs = world.json(["runs"]);
    let held = runs[0]["id"].to_string();
    world
        .run(["undo", &held])
        .exits(4)
        .says("held back by a question");
    // Without a number it is said what can be answered, and resolved.
    world.run(["answer"]).exits(3).says("syncmgr answer");
    world.run(["resolve"]).exits(0).says("No conflicts");
    assert_eq!(world.run(["status"]).words, before.words);
}

#[test]
fn programs_are_told_whether_trying_again_may_help() {
    let world = World::new();
    for (code, wanted) in [("75", "soft"), ("1", "hard")] {
        let name = format!("ends-{code}");
        let line = format!("exit {code}");
        world
            .run(["wrap", "--name", &name, "--", "sh", "-c", &line])
            .exits(0);
        let objects = world.json(["sync", &name]);
        let finished = objects
            .iter()
            .find(|object| object["change"] == "item-finished")
            .unwrap();
        assert_eq!(finished["failure"], wanted, "{finished}");
        let run = world.json(["run", &finished["run"].to_string()]);
        assert_eq!(run[0]["items"][0]["failure"], wanted, "{run:?}");
    }
}
