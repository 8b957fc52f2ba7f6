//! Bad input and bad luck: what must be refused, found or survived, with everything else still synchronized.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "a hazard that cannot be set up ends the test"
)]

mod world;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use syncmgr_folder::{Observer, Outcome, Phase, Side, Step, check};
use world::{World, chmod, strays, tree, write};

/// Does something at the first step that a test picks.
struct At<P, D> {
    pick: P,
    act: D,
    always: bool,
    done: AtomicBool,
}

impl<P: Fn(&Step<'_>) -> bool + Sync, D: Fn() + Sync> Observer for At<P, D> {
    fn step(&self, step: Step<'_>) {
        if (self.pick)(&step) && (self.always || !self.done.swap(true, Ordering::Relaxed)) {
            (self.act)();
        }
    }
}

fn at<P: Fn(&Step<'_>) -> bool + Sync, D: Fn() + Sync>(pick: P, act: D) -> At<P, D> {
    At {
        pick,
        act,
        always: false,
        done: AtomicBool::new(false),
    }
}

#[track_caller]
fn run(w: &World, observer: &dyn Observer) -> Outcome {
    let outcome = w.try_sync(&[], observer).unwrap();
    assert_eq!(outcome.held, None);
    for root in [&w.pair.left, &w.pair.right] {
        assert_eq!(strays(root), Vec::<PathBuf>::new());
    }
    outcome
}

#[test]
fn paths_that_cannot_be_a_pair_are_refused_by_name() {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name);
    fs::create_dir_all(path("a/inside/deep")).unwrap();
    fs::create_dir(path("b")).unwrap();
    fs::write(path("file"), "x").unwrap();
    symlink(path("a"), path("link")).unwrap();
    symlink(path("a/inside"), path("inner")).unwrap();
    let refused = |left: &str, right: &str, code: &str| {
        let refusal = check(&path(left), &path(right)).unwrap_err();
        assert_eq!(refusal.code(), code, "{left} {right}: {refusal}");
        assert!(!refusal.hint().is_empty());
    };
    refused("none", "b", "folder::root-missing");
    refused("b", "file", "folder::root-not-directory");
    refused("a", "a", "folder::same-directory");
    refused("a", "link", "folder::same-directory");
    refused("a", "a/inside/deep", "folder::nested");
    refused("inner", "a", "folder::nested");
    refused("inner", "link", "folder::nested");
    assert!(
        check(&path("link"), &path("b")).is_ok(),
        "a link to a folder is that folder"
    );
    chmod(path("b"), 0o000);
    // The superuser reads everything, so there it is no hazard.
    if fs::read_dir(path("b")).is_err() {
        refused("a", "b", "folder::root-unreadable");
    }
    chmod(path("b"), 0o700);
}

#[test]
fn links_never_lead_out_of_a_root() {
    let w = World::new();
    let outside = w.home.path().join("outside");
    fs::create_dir(&outside).unwrap();
    write(outside.join("f"), "outside");
    fs::create_dir(w.left("d")).unwrap();
    write(w.left("d/f"), "inside");
    write(w.left("g"), "inside");
    symlink(&outside, w.left("to outside")).unwrap();
    w.sync();
    w.assert_in_sync();
    assert!(w.right("to outside").is_symlink());
    // A directory becomes a link to the outside on one side, an edit comes from the other.
    fs::remove_dir_all(w.right("d")).unwrap();
    symlink(&outside, w.right("d")).unwrap();
    write(w.left("d/f"), "edited");
    write(w.left("d/new"), "new");
    fs::remove_file(w.right("g")).unwrap();
    symlink(outside.join("f"), w.right("g")).unwrap();
    write(w.left("g"), "edited too");
    run(&w, &syncmgr_folder::Silent);
    run(&w, &syncmgr_folder::Silent);
    assert_eq!(fs::read(outside.join("f")).unwrap(), b"outside");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    assert_eq!(fs::read(w.left("d/f")).unwrap(), b"edited");
}

#[test]
fn a_directory_that_becomes_a_link_during_the_run_is_not_followed() {
    struct Swap(PathBuf, PathBuf);
    impl Observer for Swap {
        fn phase(&self, phase: Phase) {
            if phase == Phase::Apply {
                fs::rename(&self.0, self.0.with_extension("moved")).unwrap();
                symlink(&self.1, &self.0).unwrap();
            }
        }
    }
    let w = World::new();
    let outside = w.home.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::create_dir(w.left("d")).unwrap();
    write(w.left("d/old"), "old");
    write(w.left("d/gone"), "gone");
    w.sync();
    write(outside.join("gone"), "gone");
    write(w.left("d/old"), "edited");
    write(w.left("d/new"), "new");
    fs::remove_file(w.left("d/gone")).unwrap();
    write(w.left("other"), "other");
    let outcome = run(&w, &Swap(w.right("d"), outside.clone()));
    assert!(outcome.counts.failed >= 3, "{outcome:?}");
    assert_eq!(tree(&outside).len(), 1, "nothing came and nothing went");
    assert_eq!(fs::read(w.right("other")).unwrap(), b"other");
}

#[test]
fn a_file_that_changes_while_it_is_copied_is_copied_again() {
    let w = World::new();
    write(w.left("f"), "first");
    write(w.left("g"), "g");
    let (f, first) = (w.left("f"), b"f".as_slice());
    let change = at(
        |s| matches!(s, Step::Stage(Side::Right, p) if *p == first),
        || write(&f, "second version"),
    );
    let outcome = run(&w, &change);
    assert_eq!(outcome.findings, Vec::new());
    w.assert_in_sync();
    assert_eq!(fs::read(w.right("f")).unwrap(), b"second version");
}

#[test]
fn a_file_that_never_stands_still_is_left_for_the_next_run() {
    let w = World::new();
    write(w.left("f"), "first");
    write(w.left("g"), "g");
    let n = std::sync::atomic::AtomicU32::new(0);
    let f = w.left("f");
    let act = || {
        write(
            &f,
            "x".repeat(n.fetch_add(1, Ordering::Relaxed) as usize + 10),
        )
    };
    let pick = |s: &Step<'_>| matches!(s, Step::Stage(Side::Right, p) if *p == b"f".as_slice());
    let outcome = run(
        &w,
        &At {
            pick,
            act,
            always: true,
            done: AtomicBool::new(false),
        },
    );
    assert_eq!(outcome.counts.failed, 1);
    assert_eq!(outcome.findings.len(), 1);
    assert_eq!(
        outcome.findings[0].to_string(),
        "f (right): it changed meanwhile; it will be synchronized next time"
    );
    assert_eq!(
        fs::read(w.right("g")).unwrap(),
        b"g",
        "the other file is synchronized"
    );
    assert!(!w.right("f").exists());
    w.sync();
    w.assert_in_sync();
}

#[test]
fn a_file_that_vanishes_during_the_run_stops_nothing_else() {
    let w = World::new();
    write(w.left("f"), "f");
    write(w.left("g"), "g");
    let f = w.left("f");
    let vanish = at(
        |s| matches!(s, Step::Stage(..)),
        || drop(fs::remove_file(&f)),
    );
    let outcome = run(&w, &vanish);
    assert!(outcome.counts.failed <= 1);
    assert_eq!(fs::read(w.right("g")).unwrap(), b"g");
    w.sync();
    w.assert_in_sync();
}

#[test]
fn what_appears_or_changes_in_the_target_meanwhile_is_not_overwritten() {
    let w = World::new();
    write(w.left("edited"), "base");
    w.sync();
    write(w.left("edited"), "left version");
    write(w.left("new"), "left new");
    let (edited, new) = (w.right("edited"), w.right("new"));
    let appear = at(
        |s| matches!(s, Step::Journal),
        || {
            write(&edited, "meanwhile!");
            write(&new, "meanwhile too");
        },
    );
    let outcome = run(&w, &appear);
    assert_eq!(outcome.counts.failed, 2, "{outcome:?}");
    assert_eq!(fs::read(w.right("edited")).unwrap(), b"meanwhile!");
    assert_eq!(fs::read(w.right("new")).unwrap(), b"meanwhile too");
    let next = w.try_sync(&[], &syncmgr_folder::Silent).unwrap();
    assert_eq!(next.counts.conflicts, 2, "and becomes an ordinary conflict");
    assert_eq!(fs::read(w.left("edited")).unwrap(), b"left version");
}

#[test]
fn what_changes_before_it_is_deleted_stays() {
    let w = World::new();
    write(w.left("f"), "base");
    write(w.left("back"), "base");
    write(w.left("stays"), "stays");
    w.sync();
    fs::remove_file(w.left("f")).unwrap();
    fs::remove_file(w.left("back")).unwrap();
    let (f, back) = (w.right("f"), w.left("back"));
    let meanwhile = at(
        |s| matches!(s, Step::Journal),
        || {
            write(&f, "edited at the last moment");
            write(&back, "base");
        },
    );
    let outcome = run(&w, &meanwhile);
    assert_eq!(outcome.counts.deleted, 0, "{outcome:?}");
    assert_eq!(
        fs::read(w.right("f")).unwrap(),
        b"edited at the last moment"
    );
    assert!(w.right("back").exists());
}

#[test]
fn four_thousand_files_in_one_directory() {
    let w = World::new();
    for n in 0..4000 {
        write(w.left(&format!("file-{n}")), n.to_string());
    }
    assert_eq!(w.sync().counts.to_right, 4000);
    w.assert_in_sync();
    assert_eq!(w.sync().counts, Default::default());
}

/// Makes a chain of directories with long names, deeper than a path can say, by putting chains into chains.
fn deepen(root: &Path, spare: &Path) -> PathBuf {
    let chain = |root: &Path| {
        let mut path = root.to_path_buf();
        while path.as_os_str().len() < 3700 {
            path.push("d".repeat(200));
        }
        fs::create_dir_all(&path).unwrap();
        path
    };
    let inner = spare.join("inner");
    write(chain(&inner).join("deepest"), "deep");
    let outer = chain(root);
    fs::rename(&inner, outer.join("inner")).unwrap();
    outer.join("inner")
}

#[test]
fn a_path_deeper_than_any_path_can_say() {
    let w = World::new();
    let spare = w.home.path().join("spare");
    fs::create_dir(&spare).unwrap();
    let deep = deepen(&w.pair.left, &spare);
    let outcome = w.sync();
    assert!(outcome.counts.to_right > 30, "{outcome:?}");
    assert_eq!(w.sync().counts, Default::default());
    let on_right = w.pair.right.join(deep.strip_prefix(&w.pair.left).unwrap());
    // Taken out again, both halves are short enough to be read.
    for (n, deep) in [&deep, &on_right].into_iter().enumerate() {
        fs::rename(deep, spare.join(n.to_string())).unwrap();
    }
    let halves = [tree(&spare.join("0")), tree(&spare.join("1"))];
    assert!(halves[0].len() > 15);
    assert_eq!(halves[0], halves[1]);
}

#[test]
fn special_files_are_found_and_skipped() {
    let w = World::new();
    let _socket = std::os::unix::net::UnixListener::bind(w.left("socket")).unwrap();
    write(w.left("f"), "f");
    for _ in 0..2 {
        let outcome = w.try_sync(&[], &syncmgr_folder::Silent).unwrap();
        assert_eq!(outcome.findings.len(), 1);
        assert_eq!(
            outcome.findings[0].to_string(),
            "socket (left): a special file; skipped"
        );
        assert_eq!(outcome.counts.failed, 0);
    }
    assert!(w.right("f").exists() && !w.right("socket").exists());
    // A file that was in sync and gives way to one is not deleted on the other side.
    fs::remove_file(w.left("f")).unwrap();
    let _other = std::os::unix::net::UnixListener::bind(w.left("f")).unwrap();
    assert_eq!(
        w.try_sync(&[], &syncmgr_folder::Silent)
            .unwrap()
            .counts
            .deleted,
        0
    );
    assert_eq!(fs::read(w.right("f")).unwrap(), b"f");
}

#[test]
fn what_cannot_be_read_is_found_and_never_deleted() {
    let w = World::new();
    fs::create_dir(w.left("closed")).unwrap();
    write(w.left("closed/f"), "f");
    write(w.left("secret"), "secret");
    w.sync();
    write(w.left("secret"), "changed");
    chmod(w.left("secret"), 0o000);
    chmod(w.left("closed"), 0o000);
    write(w.left("open"), "open");
    // The superuser reads everything, so there it is no hazard.
    if fs::read(w.left("secret")).is_err() {
        let outcome = w.try_sync(&[], &syncmgr_folder::Silent).unwrap();
        assert_eq!(outcome.counts.failed, 2, "{outcome:?}");
        assert_eq!(outcome.counts.deleted, 0);
        assert_eq!(fs::read(w.right("closed/f")).unwrap(), b"f");
        assert_eq!(fs::read(w.right("secret")).unwrap(), b"secret");
        assert_eq!(fs::read(w.right("open")).unwrap(), b"open");
    }
    chmod(w.left("closed"), 0o700);
    chmod(w.left("secret"), 0o600);
    w.sync();
    w.assert_in_sync();
}

#[test]
fn a_target_that_cannot_be_written_stops_nothing_else() {
    let w = World::new();
    fs::create_dir(w.right("closed")).unwrap();
    fs::create_dir(w.left("closed")).unwrap();
    w.sync();
    chmod(w.right("closed"), 0o500);
    chmod(w.left("closed"), 0o500);
    w.sync();
    chmod(w.left("closed"), 0o700);
    write(w.left("closed/f"), "f");
    chmod(w.left("closed"), 0o500);
    write(w.left("open"), "open");
    let outcome = w.try_sync(&[], &syncmgr_folder::Silent).unwrap();
    assert_eq!(fs::read(w.right("open")).unwrap(), b"open");
    // The superuser writes everywhere, so there it is no hazard.
    if outcome.counts.failed > 0 {
        assert_eq!(outcome.findings.len(), 1, "{outcome:?}");
        assert!(
            outcome.findings[0]
                .to_string()
                .starts_with("closed/f (right): it could not be synchronized: ")
        );
    }
    for root in [&w.pair.left, &w.pair.right] {
        chmod(root.join("closed"), 0o700);
    }
}

#[test]
fn the_pairs_own_directory_may_lie_in_a_root() {
    let mut w = World::new();
    w.pair.state_dir = w.left("deep/state");
    fs::create_dir(w.left("deep")).unwrap();
    write(w.left("deep/f"), "f");
    for _ in 0..2 {
        w.sync();
        assert!(w.right("deep/f").exists());
        assert!(!w.right("deep/state").exists());
    }
    write(w.left("deep/f"), "changed");
    w.sync();
    assert_eq!(w.sync().counts, Default::default());
}

#[test]
fn permission_bits_are_copied_and_special_bits_are_not() {
    let w = World::new();
    write(w.left("tool"), "tool");
    chmod(w.left("tool"), 0o4755);
    w.sync();
    let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(w.right("tool")).unwrap());
    assert_eq!(mode & 0o7777, 0o755);
    assert_eq!(w.sync().counts, Default::default());
}
