//! Modes, conflict policies and rules: pairs that do not simply keep both sides the same.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "a world that cannot be made ends the test"
)]

mod world;

use std::fs;
use std::os::unix::fs::symlink;

use proptest::prelude::*;
use syncmgr_folder::{
    Action, GuardAnswer, GuardChoice, GuardKind, GuardLimits, IGNORE, Mode, Policy, Resolution,
    Side, Silent, SyncFault,
};
use world::{Node, Tree, World, chmod, tree, write};

fn with(policy: Policy) -> World {
    let mut w = World::new();
    w.pair.settings.policy = policy;
    w
}

fn mode(mode: Mode) -> World {
    with(Policy {
        mode,
        ..Policy::default()
    })
}

fn conflicts(conflicts: Resolution) -> World {
    with(Policy {
        conflicts,
        ..Policy::default()
    })
}

const MIRROR: Mode = Mode::Mirror { to: Side::Right };
const BACKUP: Mode = Mode::Backup { to: Side::Right };

#[track_caller]
fn read(path: impl AsRef<std::path::Path>) -> String {
    fs::read_to_string(path).unwrap()
}

/// Makes two sides that differ in every way.
fn differing(w: &World) {
    for (root, side) in [(w.left(""), "left"), (w.right(""), "right")] {
        write(root.join("both"), format!("both {side}"));
        write(root.join(format!("only-{side}")), side);
        fs::create_dir_all(root.join(format!("dir-{side}/deep"))).unwrap();
        write(root.join(format!("dir-{side}/deep/f")), side);
        symlink(side, root.join("link")).unwrap();
    }
    write(w.left("kinds"), "a file");
    fs::create_dir_all(w.right("kinds/deep")).unwrap();
    write(w.right("kinds/deep/f"), "below");
    write(w.left("bits"), "same");
    write(w.right("bits"), "same");
    chmod(w.right("bits"), 0o600);
}

#[test]
fn a_mirror_makes_one_side_as_the_other_and_never_changes_the_other() {
    let w = mode(MIRROR);
    differing(&w);
    let left = tree(&w.pair.left);
    w.sync();
    assert_eq!(tree(&w.pair.left), left);
    assert_eq!(tree(&w.pair.right), left);
    // Whatever is done to the mirror is taken back.
    write(w.right("both"), "edited in the mirror");
    fs::remove_file(w.right("only-left")).unwrap();
    write(w.right("new"), "new in the mirror");
    chmod(w.right("bits"), 0o600);
    fs::remove_dir_all(w.right("dir-left")).unwrap();
    w.sync();
    assert_eq!(tree(&w.pair.left), left);
    assert_eq!(tree(&w.pair.right), left);
    assert!(w.plan().changes.is_empty());
}

#[test]
fn what_a_mirror_deletes_and_replaces_is_kept_and_comes_back() {
    let w = mode(MIRROR);
    differing(&w);
    let right = tree(&w.pair.right);
    w.sync();
    w.pair
        .undo("run-1", "back", &Silent, &syncmgr_folder::Cancel::new())
        .unwrap();
    assert_eq!(tree(&w.pair.right), right);
}

#[test]
fn a_backup_gets_everything_and_loses_nothing() {
    let w = mode(BACKUP);
    write(w.left("a"), "1");
    write(w.right("other"), "was here before");
    fs::create_dir(w.left("d")).unwrap();
    write(w.left("d/f"), "f");
    w.sync();
    fs::remove_file(w.left("a")).unwrap();
    fs::remove_dir_all(w.left("d")).unwrap();
    write(w.right("other"), "edited in the backup");
    let before = tree(&w.pair.right);
    w.sync();
    assert_eq!(tree(&w.pair.right), before);
    assert!(tree(&w.pair.left).is_empty());
    // What comes back on the one side replaces what the backup had.
    write(w.left("a"), "22");
    w.sync();
    assert_eq!(read(w.right("a")), "22");
    assert!(w.plan().changes.is_empty());
}

#[test]
fn a_mirror_asks_before_it_deletes_much_that_was_never_in_sync() {
    let mut w = mode(MIRROR);
    w.pair.settings.limits = GuardLimits::default();
    write(w.left("a"), "a");
    for n in 0..20 {
        write(w.right(&format!("x{n}")), "precious");
    }
    let right = tree(&w.pair.right);
    let held = w.try_sync(&[], &Silent).unwrap().held.unwrap();
    assert_eq!(
        (held.kind, held.side, held.lost),
        (GuardKind::Extra, Side::Right, 20)
    );
    assert_eq!(tree(&w.pair.right), right);
    let answer = |choice| GuardAnswer {
        kind: held.kind,
        side: held.side,
        lost: held.lost,
        choice,
    };
    // Brought back, they are on both sides: also a mirror's person may want that.
    let outcome = w
        .try_sync(&[answer(GuardChoice::BringBack)], &Silent)
        .unwrap();
    assert_eq!(outcome.held, None);
    assert_eq!(tree(&w.pair.left).len(), 21);
    for n in 0..20 {
        write(w.right(&format!("y{n}")), "too");
    }
    let outcome = w.try_sync(&[answer(GuardChoice::Apply)], &Silent).unwrap();
    assert_eq!(outcome.counts.deleted, 20);
    w.assert_in_sync();
}

#[test]
fn a_mirror_of_an_empty_folder_deletes_nothing_without_an_answer() {
    let w = mode(MIRROR);
    write(w.right("a"), "a");
    let held = w.try_sync(&[], &Silent).unwrap().held.unwrap();
    assert_eq!((held.kind, held.lost), (GuardKind::Extra, 1));
    assert_eq!(read(w.right("a")), "a");
}

/// Every content that was there is there still; what is known of permissions may follow.
#[track_caller]
fn assert_only_added(before: &Tree, after: &Tree) {
    let content = |node: Option<&Node>| match node {
        Some(Node::File { data, .. }) => Some(data.clone()),
        Some(Node::Link { target }) => Some(target.clone()),
        Some(Node::Dir { .. } | Node::Special) => Some(Vec::new()),
        None => None,
    };
    for (path, node) in before {
        let path_shown = String::from_utf8_lossy(path);
        assert_eq!(
            content(after.get(path)),
            content(Some(node)),
            "{path_shown}"
        );
    }
}

#[test]
fn after_a_damaged_archive_a_one_way_pair_only_adds_and_the_next_run_follows() {
    for mode_ in [MIRROR, BACKUP] {
        let w = mode(mode_);
        write(w.left("a"), "1");
        w.sync();
        fs::write(w.pair.state_dir.join("archive"), "nonsense").unwrap();
        differing(&w);
        let (left, right) = (tree(&w.pair.left), tree(&w.pair.right));
        let outcome = w.try_sync(&[], &Silent).unwrap();
        assert_eq!(tree(&w.pair.left), left);
        assert_only_added(&right, &tree(&w.pair.right));
        assert_eq!(read(w.right("dir-left/deep/f")), "left");
        assert_eq!((outcome.counts.deleted, outcome.counts.conflicts), (0, 0));
        let told: Vec<&str> = outcome.findings.iter().map(|found| found.what).collect();
        assert!(
            told.iter().any(|what| what.contains("the next run")),
            "{told:?}"
        );
        w.sync();
        assert_eq!(tree(&w.pair.left), left);
        assert_eq!(read(w.right("both")), "both left");
        if mode_ == MIRROR {
            assert_eq!(tree(&w.pair.right), left);
        }
    }
}

#[test]
fn folders_that_are_put_together_by_an_answer_lose_nothing_whatever_the_mode() {
    for mode_ in [MIRROR, BACKUP, Mode::Mirror { to: Side::Left }] {
        let w = mode(mode_);
        for side in [w.left("a"), w.right("a")] {
            write(side, "1");
        }
        w.sync();
        // Another disk stands where the left folder was.
        fs::rename(&w.pair.left, w.pair.left.with_extension("away")).unwrap();
        fs::create_dir(&w.pair.left).unwrap();
        differing(&w);
        let held = w.try_sync(&[], &Silent).unwrap().held.unwrap();
        assert_eq!(held.kind, GuardKind::RootReplaced);
        let (left, right) = (tree(&w.pair.left), tree(&w.pair.right));
        let answer = GuardAnswer {
            kind: held.kind,
            side: held.side,
            lost: held.lost,
            choice: GuardChoice::BringBack,
        };
        let outcome = w.try_sync(&[answer], &Silent).unwrap();
        assert_eq!(outcome.held, None);
        assert_only_added(&left, &tree(&w.pair.left));
        assert_only_added(&right, &tree(&w.pair.right));
        assert!(outcome.counts.conflicts > 0);
        assert_eq!(read(w.left("only-right")), "right");
    }
}

#[test]
fn a_folder_that_is_brought_back_is_filled_whatever_the_mode() {
    for mode_ in [MIRROR, BACKUP, Mode::Mirror { to: Side::Left }] {
        let w = mode(mode_);
        write(w.left("a"), "1");
        write(w.right("a"), "1");
        w.sync();
        fs::remove_dir_all(&w.pair.left).unwrap();
        let held = w.try_sync(&[], &Silent).unwrap().held.unwrap();
        assert_eq!(held.kind, GuardKind::RootMissing);
        let answer = GuardAnswer {
            kind: held.kind,
            side: held.side,
            lost: held.lost,
            choice: GuardChoice::BringBack,
        };
        let outcome = w.try_sync(&[answer], &Silent).unwrap();
        assert_eq!(outcome.held, None);
        assert_eq!(read(w.left("a")), "1");
        assert_eq!(read(w.right("a")), "1");
    }
}

#[test]
fn both_versions_of_a_conflict_stay_where_that_is_set() {
    let w = conflicts(Resolution::Both);
    write(w.left("a.txt"), "left");
    write(w.right("a.txt"), "right");
    let planned: Vec<(Vec<u8>, Action)> = w
        .plan()
        .changes
        .iter()
        .map(|change| (change.path.to_vec(), change.action))
        .collect();
    let outcome = w.sync();
    assert_eq!(outcome.counts.conflicts, 0);
    let beside = "a (conflict right).txt";
    assert_eq!(
        planned,
        [
            (beside.as_bytes().to_vec(), Action::Create),
            (beside.as_bytes().to_vec(), Action::Create),
            (b"a.txt".to_vec(), Action::Replace),
        ]
    );
    for root in [w.left(""), w.right("")] {
        assert_eq!(read(root.join("a.txt")), "left");
        assert_eq!(read(root.join(beside)), "right");
    }
    assert!(w.plan().changes.is_empty());
}

#[test]
fn the_newer_version_wins_where_that_is_set_and_the_older_one_is_kept() {
    let w = conflicts(Resolution::Newer);
    write(w.left("a"), "older");
    write(w.right("a"), "newer");
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    let file = fs::File::options().write(true).open(w.left("a")).unwrap();
    file.set_modified(old).unwrap();
    let outcome = w.sync();
    assert_eq!(outcome.counts.conflicts, 0);
    assert_eq!(read(w.left("a")), "newer");
    let kept = w.pair.versions().unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(read(&kept[0].file), "older");
}

#[test]
fn what_is_ignored_is_neither_copied_nor_deleted() {
    let mut w = World::new();
    w.pair.settings.ignore = vec!["*.o".to_owned(), "/build/".to_owned()];
    for side in ["left", "right"] {
        let root = w.home.path().join(side);
        fs::create_dir_all(root.join("build/deep")).unwrap();
        write(root.join("build/deep/x"), side);
        write(root.join("a.o"), side);
    }
    write(w.left("a.c"), "c");
    let outcome = w.sync();
    assert_eq!((outcome.counts.to_left, outcome.counts.to_right), (0, 1));
    assert_eq!(read(w.left("a.o")), "left");
    assert_eq!(read(w.right("build/deep/x")), "right");
    assert!(w.plan().changes.is_empty());
}

#[test]
fn what_becomes_ignored_is_forgotten_and_deleted_nowhere() {
    let mut w = World::new();
    fs::create_dir_all(w.left("cache/deep")).unwrap();
    write(w.left("cache/deep/f"), "f");
    w.sync();
    w.pair.settings.ignore = vec!["cache".to_owned()];
    fs::remove_dir_all(w.left("cache")).unwrap();
    w.sync();
    assert_eq!(read(w.right("cache/deep/f")), "f");
    // No part of the pair for a while, it is new when it becomes one again, and goes where it is missing.
    w.pair.settings.ignore.clear();
    w.sync();
    assert_eq!(read(w.left("cache/deep/f")), "f");
}

#[test]
fn a_directory_stays_while_something_ignored_is_in_it() {
    let mut w = World::new();
    w.pair.settings.ignore = vec!["*.o".to_owned()];
    fs::create_dir(w.left("d")).unwrap();
    write(w.left("d/a.c"), "c");
    write(w.left("other"), "other");
    w.sync();
    write(w.right("d/a.o"), "o");
    fs::remove_dir_all(w.left("d")).unwrap();
    w.sync();
    assert_eq!(read(w.right("d/a.o")), "o");
    assert!(!w.right("d/a.c").exists());
    assert!(!w.left("d").exists());
}

#[test]
fn the_file_of_patterns_holds_for_both_sides_and_is_synchronized_itself() {
    let w = World::new();
    write(w.left(IGNORE), "*.tmp\n# a comment\n\n/private/\n");
    write(w.right("x.tmp"), "x");
    fs::create_dir(w.right("private")).unwrap();
    write(w.right("private/p"), "p");
    write(w.left("a"), "a");
    w.sync();
    assert_eq!(read(w.right("a")), "a");
    assert_eq!(read(w.right(IGNORE)), read(w.left(IGNORE)));
    assert!(!w.left("x.tmp").exists());
    assert!(!w.left("private").exists());
}

#[test]
fn patterns_that_nobody_can_read_stop_the_run_and_wrong_ones_are_told() {
    let w = World::new();
    write(w.left(IGNORE), "a{\n*.o\n");
    write(w.left("a.o"), "o");
    let outcome = w.try_sync(&[], &Silent).unwrap();
    assert_eq!(outcome.findings.len(), 1);
    assert!(!outcome.findings[0].failed);
    assert!(!w.right("a.o").exists());
    fs::remove_file(w.left(IGNORE)).unwrap();
    symlink("/etc/passwd", w.left(IGNORE)).unwrap();
    let fault = w.try_sync(&[], &Silent).unwrap_err();
    assert!(matches!(
        fault,
        SyncFault::Rules {
            side: Side::Left,
            ..
        }
    ));
    fs::remove_file(w.left(IGNORE)).unwrap();
    write(w.left(IGNORE), [0xff, 0xfe, b'\n']);
    assert_eq!(
        w.try_sync(&[], &Silent).unwrap_err().code(),
        "folder::rules"
    );
}

#[test]
fn a_file_that_is_too_large_is_left_alone_until_it_is_not() {
    let mut w = World::new();
    w.pair.settings.max_size = Some(4);
    write(w.left("a"), "12345");
    write(w.left("b"), "1234");
    w.sync();
    assert!(!w.right("a").exists());
    assert_eq!(read(w.right("b")), "1234");
    w.pair.settings.max_size = None;
    w.sync();
    w.assert_in_sync();
}

#[derive(Debug, Clone)]
enum Edit {
    Write(usize),
    Remove(usize),
    Dir(usize),
}

const PATHS: [&str; 6] = ["a", "b", "a/x", "b/x", "a/x/y", "c"];

fn edit() -> impl Strategy<Value = (bool, Edit)> {
    let path = || 0..PATHS.len();
    let edit = prop_oneof![
        3 => path().prop_map(Edit::Write),
        2 => path().prop_map(Edit::Remove),
        1 => path().prop_map(Edit::Dir),
    ];
    (any::<bool>(), edit)
}

fn carry_out(w: &World, (left, edit): &(bool, Edit), content: &str) {
    let root = if *left { w.left("") } else { w.right("") };
    match edit {
        Edit::Write(path) => {
            let path = root.join(PATHS[*path]);
            drop(fs::create_dir_all(path.parent().unwrap()));
            drop(fs::write(path, content));
        }
        Edit::Remove(path) => {
            let path = root.join(PATHS[*path]);
            if path.is_dir() {
                fs::remove_dir_all(path).unwrap();
            } else {
                drop(fs::remove_file(path));
            }
        }
        Edit::Dir(path) => drop(fs::create_dir_all(root.join(PATHS[*path]))),
    }
}

fn contents(tree: &Tree) -> Vec<Vec<u8>> {
    tree.values()
        .filter_map(|node| match node {
            Node::File { data, .. } => Some(data.clone()),
            _ => None,
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever was done to both sides: the one that is followed never changes, a mirror ends as it is, a backup has all
    /// of it and still all that it had, no content is lost without a kept copy, and a second run has nothing to do.
    #[test]
    fn one_way_pairs_hold_what_they_promise(
        rounds in prop::collection::vec(prop::collection::vec(edit(), 0..8), 1..4),
        mirror in any::<bool>(),
    ) {
        let w = mode(if mirror { MIRROR } else { BACKUP });
        let mut number = 0;
        for edits in &rounds {
            for edit in edits {
                number += 1;
                carry_out(&w, edit, &format!("content {number}"));
            }
            let (left, right) = (tree(&w.pair.left), tree(&w.pair.right));
            let outcome = w.try_sync(&[], &Silent).unwrap();
            if let Some(held) = outcome.held {
                // Only an emptied source holds a run here; the others are below the limits.
                prop_assert!(left.is_empty(), "{held}");
                continue;
            }
            prop_assert_eq!(outcome.findings, Vec::new());
            let (left_after, right_after) = (tree(&w.pair.left), tree(&w.pair.right));
            prop_assert_eq!(&left_after, &left);
            let kept: Vec<Vec<u8>> = w
                .pair
                .versions()
                .unwrap()
                .iter()
                .filter_map(|version| fs::read(&version.file).ok())
                .chain(contents(&right_after))
                .collect();
            for content in contents(&right) {
                prop_assert!(kept.contains(&content), "lost {:?}", content);
            }
            if mirror {
                prop_assert_eq!(&right_after, &left);
            } else {
                for (path, node) in &left {
                    let there = right_after.get(path);
                    let conflict = outcome.counts.conflicts > 0;
                    prop_assert!(there == Some(node) || conflict, "{:?}: {:?}", path, there);
                }
            }
            let plan = w.plan();
            let changes = plan.changes.iter().filter(|c| !matches!(c.action, Action::Conflict(_)));
            prop_assert_eq!(changes.count(), 0);
        }
    }
}
