//! Interrupted at work: what was done is kept, it is told honestly, and a plain run goes on from there.

use std::fs;

use rustix::process::Signal;

use crate::world::{Running, World, until};

/// Enough that copying it takes far longer than being interrupted.
const FILES: usize = 3_000;
const FILE_BYTES: usize = 16 * 1024;

/// A world whose left folder takes a while to copy.
fn large() -> World {
    let world = World::with_folders();
    for number in 0..FILES {
        let directory = world.path(format!("left/{}", number / 100));
        if number % 100 == 0 {
            fs::create_dir(&directory).unwrap();
        }
        let mut content = format!("file {number}\n").into_bytes();
        content.resize(FILE_BYTES, b'.');
        fs::write(directory.join(number.to_string()), content).unwrap();
    }
    world
}

/// Begins to synchronize and waits until files arrive.
fn at_work(world: &World) -> Running {
    let sync = world.start(["sync", "./left", "./right"]);
    until("files arrive", || {
        fs::read_dir(world.path("right"))
            .unwrap()
            .flatten()
            .any(|entry| fs::read_dir(entry.path()).is_ok_and(|mut files| files.next().is_some()))
    });
    sync
}

/// Whatever has a real name is whole, and after a plain run both sides are equal with nothing of ours left between them.
#[track_caller]
fn heals(world: &World) {
    let left = world.content("left");
    for (path, entry) in world.content("right") {
        let original = &left[&path];
        assert_eq!(entry.kind, original.kind);
        assert_eq!(
            entry.content,
            original.content,
            "{} is half",
            path.display()
        );
    }
    world.run(["sync", "left"]).exits(0);
    assert_eq!(world.content("left"), world.content("right"));
    assert_eq!(
        world.content("left"),
        left,
        "nothing of the original was touched"
    );
    for side in ["left", "right"] {
        let strays: Vec<_> = world
            .tree(side)
            .into_keys()
            .filter(|path| path.to_string_lossy().contains(".syncmgr-tmp"))
            .collect();
        assert!(strays.is_empty(), "{strays:?}");
    }
    world.run(["sync"]).exits(0).says("↑0 ↓0 ✗0");
    world.run(["status"]).exits(0);
    world.run(["conflicts"]).exits(0);
}

#[test]
fn an_interrupted_run_is_stopped_and_a_plain_run_completes_it() {
    let world = large();
    let sync = at_work(&world);
    sync.signal(Signal::INT);
    let done = sync.end();
    done.exits(2)
        .says("Stopped")
        .says("Next: syncmgr sync left");
    let some = world.content("right").len();
    assert!(some > 0 && some < FILES, "{some}");
    world.run(["runs"]).exits(0).says("stopped");
    world.run(["run", "1"]).exits(0).says("stopped");
    world.run(["status"]).exits(1);
    world.is_quiet();
    heals(&world);
}

#[test]
fn a_terminated_run_is_stopped_too() {
    let world = large();
    let sync = at_work(&world);
    sync.signal(Signal::TERM);
    sync.end().exits(2).says("Stopped");
    world.is_quiet();
    heals(&world);
}

#[test]
fn a_killed_run_is_interrupted_and_a_plain_run_heals_it() {
    let world = large();
    let sync = at_work(&world);
    sync.signal(Signal::KILL);
    assert_eq!(sync.end().code, None);
    let runs = world.run(["runs"]);
    runs.exits(0).says("interrupted");
    world.run(["run", "1"]).exits(0).says("interrupted");
    world.is_quiet();
    heals(&world);
}
