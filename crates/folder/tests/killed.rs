//! A run that changes everything in every way, killed at each of its steps in turn, and healed by a plain run.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "a run that cannot be set up ends the test"
)]

mod world;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use syncmgr_folder::{Cancel, Observer, Silent, Step};
use world::{Tree, World, chmod, strays, tree, write};

struct Killed;

/// Dies at a step, in every thread.
struct Killer {
    left: AtomicU32,
    dead: AtomicBool,
}

impl Observer for Killer {
    fn step(&self, _: Step<'_>) {
        if self.dead.load(Ordering::Relaxed) || self.left.fetch_sub(1, Ordering::Relaxed) == 0 {
            self.dead.store(true, Ordering::Relaxed);
            resume_unwind(Box::new(Killed));
        }
    }
}

/// Makes a pair that was in sync, and edits that need every kind of change in both directions.
fn edited() -> World {
    let w = World::new();
    for side in [w.left(""), w.right("")] {
        let name = if side == w.left("") { "l" } else { "r" };
        for what in ["edit", "gone", "to-dir", "to-link", "bits"] {
            write(
                side.join(format!("{name}-{what}")),
                format!("old {name} {what}"),
            );
        }
        fs::create_dir_all(side.join(format!("{name}-dir/sub"))).unwrap();
        write(
            side.join(format!("{name}-dir/sub/f")),
            format!("old {name} sub"),
        );
        fs::create_dir_all(side.join(format!("{name}-to-file/sub"))).unwrap();
        write(
            side.join(format!("{name}-to-file/sub/f")),
            format!("old {name} to file"),
        );
    }
    w.sync();
    for (side, name) in [(w.left(""), "l"), (w.right(""), "r")] {
        let at = |what: &str| side.join(format!("{name}-{what}"));
        write(at("edit"), format!("new {name} edit"));
        fs::remove_file(at("gone")).unwrap();
        fs::remove_file(at("to-dir")).unwrap();
        fs::create_dir(at("to-dir")).unwrap();
        write(at("to-dir").join("f"), format!("new {name} in dir"));
        fs::remove_file(at("to-link")).unwrap();
        symlink(format!("{name} target"), at("to-link")).unwrap();
        chmod(at("bits"), 0o600);
        fs::remove_dir_all(at("dir")).unwrap();
        fs::remove_dir_all(at("to-file")).unwrap();
        write(at("to-file"), format!("new {name} file"));
        fs::create_dir(at("new")).unwrap();
        write(at("new").join("f"), format!("new {name} f"));
        chmod(at("new"), 0o500);
    }
    w
}

fn contents(w: &World) -> BTreeSet<Vec<u8>> {
    let mut all = BTreeSet::new();
    // Not the archive, which is replaced each time.
    let mut pending = vec![w.left(""), w.right(""), w.pair.state_dir.join("versions")];
    while let Some(path) = pending.pop() {
        let Ok(meta) = path.symlink_metadata() else {
            continue;
        };
        if meta.is_dir() {
            pending.extend(fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
        } else if meta.is_file() && path.file_name().unwrap() != "journal" {
            all.insert(fs::read(&path).unwrap());
        }
    }
    all
}

/// Names, kinds, contents and permissions; times of entries differ between worlds.
fn timeless(tree: Tree) -> Vec<String> {
    tree.into_iter()
        .map(|(path, node)| match node {
            world::Node::File { data, mode, .. } => format!("{path:?} {data:?} {mode:o}"),
            other => format!("{path:?} {other:?}"),
        })
        .collect()
}

fn open_up(w: &World) {
    for root in [&w.pair.left, &w.pair.right] {
        for name in ["l-new", "r-new"] {
            if root.join(name).exists() {
                chmod(root.join(name), 0o700);
            }
        }
    }
}

#[test]
fn killed_at_every_step_and_healed() {
    let whole = edited();
    let old = contents(&whole);
    whole.sync();
    whole.assert_in_sync();
    let wanted = timeless(tree(&whole.pair.left));
    assert!(old.is_subset(&contents(&whole)));
    open_up(&whole);
    let mut steps = 0;
    loop {
        let w = edited();
        let old = contents(&w);
        let killer = Killer {
            left: AtomicU32::new(steps),
            dead: AtomicBool::new(false),
        };
        let ran = catch_unwind(AssertUnwindSafe(|| {
            w.pair.sync("killed", &[], &killer, &Cancel::new())
        }));
        let done = ran.is_ok();
        assert!(
            old.is_subset(&contents(&w)),
            "nothing is lost at step {steps}"
        );
        let healed = w.try_sync(&[], &Silent).unwrap();
        assert_eq!(healed.findings, Vec::new(), "step {steps}");
        assert_eq!(healed.counts.conflicts, 0, "step {steps}");
        w.assert_in_sync();
        assert_eq!(timeless(tree(&w.pair.left)), wanted, "step {steps}");
        assert!(
            old.is_subset(&contents(&w)),
            "every old version is kept after step {steps}"
        );
        for root in [&w.pair.left, &w.pair.right] {
            assert_eq!(strays(root), Vec::<PathBuf>::new());
        }
        // Each version is listed where it belongs, once.
        let kept = w.pair.versions().unwrap();
        for path in [
            "l-edit",
            "r-gone",
            "l-to-dir",
            "r-to-link",
            "l-dir/sub/f",
            "r-to-file/sub/f",
        ] {
            assert_eq!(
                kept.iter().filter(|v| *v.path == *path.as_bytes()).count(),
                1,
                "{path} at step {steps}"
            );
        }
        assert_eq!(w.sync().counts, Default::default());
        open_up(&w);
        if done {
            break;
        }
        steps += 1;
    }
    assert!(steps > 40, "only {steps} steps");
}
