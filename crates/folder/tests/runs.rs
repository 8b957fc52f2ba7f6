//! Single runs of a pair, case by case.
#![cfg(unix)]
mod world;

use std::os::unix::fs::symlink;
use syncmgr_folder::{
    Action, Cancel, Choice, ConflictKind, GuardAnswer, GuardChoice, GuardKind, GuardLimits, Side,
    Silent,
};
use world::{Node, World, chmod, tree, write};

#[test]
fn a_first_run_unions_and_a_second_does_nothing() {
    let w = World::new();
    std::fs::create_dir_all(w.left("a/b/empty")).unwrap();
    write(w.left("a/x"), "left only");
    write(w.left("same"), "equal");
    chmod(w.left("a/x"), 0o600);
    std::fs::create_dir(w.right("r")).unwrap();
    write(w.right("r/y"), "right only");
    write(w.right("same"), "equal");
    for path in [w.left("same"), w.right("same")] {
        let file = std::fs::File::options().write(true).open(path).unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
    }
    symlink("nowhere/at all", w.right("link")).unwrap();
    write(w.right("new\nline \x1b[31m"), "nasty");
    let plan = w.plan();
    let outcome = w.sync();
    assert_eq!(
        (outcome.counts.to_right, outcome.counts.to_left),
        (4, 4),
        "{outcome:?}"
    );
    assert_eq!(plan.counts, outcome.counts);
    w.assert_in_sync();
    assert_eq!(tree(&w.pair.left).len(), 9);
    let second = w.sync();
    assert_eq!(second.counts, Default::default());
    assert_eq!(w.plan().changes, Vec::new());
}

#[test]
fn edits_deletions_and_kinds_follow() {
    let w = World::new();
    for name in ["edit", "gone", "kind", "bits", "time"] {
        write(w.left(name), name);
    }
    std::fs::create_dir_all(w.left("dir/sub")).unwrap();
    write(w.left("dir/sub/f"), "f");
    std::fs::create_dir_all(w.left("tree")).unwrap();
    write(w.left("tree/t"), "t");
    w.sync();
    write(w.right("edit"), "edited on the right");
    std::fs::remove_file(w.left("gone")).unwrap();
    std::fs::remove_file(w.right("kind")).unwrap();
    std::fs::create_dir(w.right("kind")).unwrap();
    write(w.right("kind/inside"), "inside");
    chmod(w.left("bits"), 0o640);
    let file = std::fs::File::options()
        .write(true)
        .open(w.right("time"))
        .unwrap();
    file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::new(1_000_000_000, 123_456_789))
        .unwrap();
    std::fs::remove_dir_all(w.left("dir")).unwrap();
    std::fs::remove_dir_all(w.right("tree")).unwrap();
    write(w.right("tree"), "now a file");
    let plan = w.plan();
    let outcome = w.sync();
    assert_eq!(plan.counts, outcome.counts);
    w.assert_in_sync();
    let left = tree(&w.pair.left);
    assert_eq!(
        left.get(&b"edit"[..])
            .map(|n| matches!(n, Node::File { data, .. } if data == b"edited on the right")),
        Some(true)
    );
    assert!(!left.contains_key(&b"gone"[..]) && !left.contains_key(&b"dir"[..]));
    assert!(
        matches!(&left[&b"time"[..]], Node::File { mtime: (1_000_000_000, 123_456_789), data, .. } if data == b"time")
    );
    assert!(matches!(
        &left[&b"bits"[..]],
        Node::File { mode: 0o640, .. }
    ));
    assert!(matches!(&left[&b"tree"[..]], Node::File { .. }));
    assert_eq!(w.sync().counts, Default::default());
    let kept: Vec<String> = w
        .pair
        .versions()
        .unwrap()
        .iter()
        .map(|v| syncmgr_folder::shown(&v.path))
        .collect();
    for path in ["edit", "gone", "kind", "dir/sub/f", "tree/t"] {
        assert!(kept.iter().any(|kept| kept == path), "{path} in {kept:?}");
    }
    for version in w.pair.versions().unwrap() {
        assert!(version.file.symlink_metadata().is_ok());
    }
}

#[test]
fn conflicts_keep_both_until_somebody_chooses() {
    for choice in [Choice::KeepLeft, Choice::KeepRight, Choice::KeepBoth] {
        let w = World::new();
        write(w.left("both.txt"), "base");
        write(w.left("deleted"), "base");
        write(w.left("kinds"), "base");
        w.sync();
        write(w.left("both.txt"), "left version");
        write(w.right("both.txt"), "right");
        std::fs::remove_file(w.left("deleted")).unwrap();
        write(w.right("deleted"), "changed");
        write(w.left("kinds"), "changed too");
        std::fs::remove_file(w.right("kinds")).unwrap();
        std::fs::create_dir_all(w.right("kinds/sub")).unwrap();
        write(w.right("kinds/sub/f"), "f");
        let before = [tree(&w.pair.left), tree(&w.pair.right)];
        let outcome = w.sync();
        assert_eq!(outcome.counts.conflicts, 3);
        assert_eq!(
            [tree(&w.pair.left), tree(&w.pair.right)],
            before,
            "a conflict changes nothing"
        );
        let list = w.pair.conflicts().unwrap();
        let kinds: Vec<ConflictKind> = list.iter().map(|c| c.kind).collect();
        assert_eq!(
            kinds,
            [
                ConflictKind::BothChanged,
                ConflictKind::DeletedLeft,
                ConflictKind::Kinds
            ]
        );
        assert_eq!(w.sync().counts.conflicts, 3, "found again");
        for (n, conflict) in list.iter().enumerate() {
            let outcome = w
                .pair
                .resolve(&w.next_run(), &conflict.id, choice, &Silent, &Cancel::new())
                .unwrap();
            assert_eq!(outcome.findings, Vec::new());
            assert_eq!(outcome.counts.conflicts, 2 - n as u64);
        }
        assert_eq!(w.sync().counts.conflicts, 0);
        w.assert_in_sync();
        let names: Vec<String> = tree(&w.pair.left)
            .keys()
            .map(|k| syncmgr_folder::shown(k))
            .collect();
        let wanted: &[&str] = match choice {
            Choice::KeepLeft => &["both.txt", "kinds"],
            Choice::KeepRight => &["both.txt", "deleted", "kinds", "kinds/sub", "kinds/sub/f"],
            Choice::KeepBoth => &[
                "both (conflict right).txt",
                "both.txt",
                "deleted",
                "kinds",
                "kinds (conflict left)",
                "kinds/sub",
                "kinds/sub/f",
            ],
        };
        assert_eq!(names, wanted);
        assert_eq!(w.sync().counts, Default::default());
        let kept = w.pair.versions().unwrap();
        assert!(
            kept.iter().any(|v| *v.path == *b"both.txt"),
            "the loser is kept"
        );
        // A second answer finds nothing any more.
        assert!(
            w.pair
                .resolve("again", &list[0].id, choice, &Silent, &Cancel::new())
                .is_err()
        );
    }
}

#[test]
fn a_conflict_disappears_when_the_sides_become_equal() {
    let w = World::new();
    write(w.left("f"), "one");
    write(w.right("f"), "two");
    assert_eq!(w.sync().counts.conflicts, 1);
    write(w.right("f"), "one");
    assert_eq!(w.sync().counts.conflicts, 0);
    assert!(w.pair.conflicts().unwrap().is_empty());
    w.assert_in_sync();
}

#[test]
fn undo_makes_both_sides_look_as_before_and_can_be_undone() {
    let w = World::new();
    for name in ["edit", "gone", "kind", "bits"] {
        write(w.left(name), name);
    }
    std::fs::create_dir_all(w.left("dir/sub")).unwrap();
    write(w.left("dir/sub/f"), "f");
    w.sync();
    write(w.left("edit"), "edited");
    write(w.left("created"), "created");
    std::fs::create_dir(w.left("made")).unwrap();
    write(w.left("made/x"), "x");
    std::fs::remove_file(w.left("gone")).unwrap();
    chmod(w.left("bits"), 0o600);
    std::fs::remove_file(w.left("kind")).unwrap();
    std::fs::create_dir(w.left("kind")).unwrap();
    std::fs::remove_dir_all(w.left("dir")).unwrap();
    write(w.left("dir"), "now a file");
    let before = [tree(&w.pair.left), tree(&w.pair.right)];
    let run = w.next_run();
    w.pair.sync(&run, &[], &Silent, &Cancel::new()).unwrap();
    w.assert_in_sync();
    let after = [tree(&w.pair.left), tree(&w.pair.right)];
    let undone = w
        .pair
        .undo(&run, "undo-1", &Silent, &Cancel::new())
        .unwrap();
    assert_eq!(undone.findings, Vec::new());
    assert_eq!([tree(&w.pair.left), tree(&w.pair.right)], before);
    assert_eq!(
        w.plan().to_string(),
        "← set      bits\n\
         → create   created\n\
         ≠ conflict dir  (different kinds of entries on the two sides)\n\
         ≠ conflict edit  (created on both sides with different content)\n\
         ← create   gone\n\
         ≠ conflict kind  (different kinds of entries on the two sides)\n\
         → create   made/\n\
         → create   made/x\n"
    );
    let redone = w
        .pair
        .undo("undo-1", "undo-2", &Silent, &Cancel::new())
        .unwrap();
    assert_eq!(redone.findings, Vec::new());
    assert_eq!([tree(&w.pair.left), tree(&w.pair.right)], after);
    assert_eq!(w.sync().counts, Default::default());
    assert!(
        w.pair
            .undo("never", "undo-3", &Silent, &Cancel::new())
            .is_err()
    );
}

#[test]
fn what_undo_brought_back_stays() {
    let w = World::new();
    for name in ["edit", "gone", "dir/sub"] {
        std::fs::create_dir_all(w.left("dir")).unwrap();
        write(w.left(name), name);
    }
    w.sync();
    write(w.left("edit"), "edited");
    std::fs::remove_file(w.left("gone")).unwrap();
    std::fs::remove_dir_all(w.left("dir")).unwrap();
    let run = w.next_run();
    w.pair.sync(&run, &[], &Silent, &Cancel::new()).unwrap();
    let undone = w.pair.undo(&run, "undo", &Silent, &Cancel::new()).unwrap();
    assert_eq!((undone.restored, undone.left_alone), (4, 0));
    let outcome = w.sync();
    assert_eq!(
        (outcome.counts.conflicts, outcome.counts.deleted),
        (1, 0),
        "nothing is done again"
    );
    for (path, data) in [("gone", "gone"), ("dir/sub", "dir/sub")] {
        assert_eq!(std::fs::read(w.left(path)).unwrap(), data.as_bytes());
        assert_eq!(std::fs::read(w.right(path)).unwrap(), data.as_bytes());
    }
    assert_eq!(std::fs::read(w.left("edit")).unwrap(), b"edited");
    assert_eq!(std::fs::read(w.right("edit")).unwrap(), b"edit");
}

#[test]
fn a_conflict_whose_resolution_was_undone_is_a_conflict_again() {
    for choice in [Choice::KeepLeft, Choice::KeepRight, Choice::KeepBoth] {
        let w = World::new();
        for name in ["both", "gone left", "gone right"] {
            write(w.left(name), "base");
        }
        w.sync();
        write(w.left("both"), "left version");
        write(w.right("both"), "right");
        std::fs::remove_file(w.left("gone left")).unwrap();
        write(w.right("gone left"), "changed on the right");
        write(w.left("gone right"), "changed on the left");
        std::fs::remove_file(w.right("gone right")).unwrap();
        assert_eq!(w.sync().counts.conflicts, 3);
        let before = [tree(&w.pair.left), tree(&w.pair.right)];
        for conflict in w.pair.conflicts().unwrap() {
            let (run, undo) = (w.next_run(), w.next_run());
            w.pair
                .resolve(&run, &conflict.id, choice, &Silent, &Cancel::new())
                .unwrap();
            let undone = w.pair.undo(&run, &undo, &Silent, &Cancel::new()).unwrap();
            assert_eq!(undone.findings, Vec::new());
            assert_eq!([tree(&w.pair.left), tree(&w.pair.right)], before);
            let again = w.sync().counts;
            assert_eq!(
                (
                    again.conflicts,
                    again.to_left,
                    again.to_right,
                    again.deleted
                ),
                (3, 0, 0, 0),
                "{} with {choice:?}",
                conflict.kind.words()
            );
            assert_eq!([tree(&w.pair.left), tree(&w.pair.right)], before);
        }
    }
}

#[test]
fn undo_leaves_alone_what_changed_since() {
    let w = World::new();
    write(w.left("a"), "one");
    w.sync();
    write(w.left("a"), "two");
    write(w.left("b"), "new");
    let run = w.next_run();
    w.pair.sync(&run, &[], &Silent, &Cancel::new()).unwrap();
    write(w.right("a"), "later");
    write(w.right("b"), "later too");
    let undone = w.pair.undo(&run, "undo", &Silent, &Cancel::new()).unwrap();
    assert_eq!(undone.left_alone, 2);
    assert_eq!(std::fs::read(w.right("a")).unwrap(), b"later");
    // And that is an ordinary edit for the next run, no conflict.
    assert_eq!(w.sync().counts.conflicts, 0);
    assert_eq!(std::fs::read(w.left("a")).unwrap(), b"later");
    w.assert_in_sync();
}

#[test]
fn versions_are_pruned_by_age() {
    let w = World::new();
    write(w.left("a"), "one");
    w.sync();
    write(w.left("a"), "two");
    w.sync();
    let kept = w.pair.versions().unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(std::fs::read(&kept[0].file).unwrap(), b"one");
    let day = std::time::Duration::from_secs(86_400);
    let later = |days: i64| syncmgr_folder::Time {
        sec: kept[0].when.sec + days * 86_400,
        nsec: 0,
    };
    assert_eq!(w.pair.prune(later(29), 30 * day).unwrap(), 0);
    assert_eq!(w.pair.prune(later(31), 30 * day).unwrap(), 2);
    assert!(w.pair.versions().unwrap().is_empty());
    assert!(!kept[0].file.exists());
}

fn answer(kind: GuardKind, side: Side, lost: u64, choice: GuardChoice) -> GuardAnswer {
    GuardAnswer {
        kind,
        side,
        lost,
        choice,
    }
}

#[test]
fn a_mass_deletion_is_held_until_it_is_answered() {
    for choice in [
        GuardChoice::Apply,
        GuardChoice::BringBack,
        GuardChoice::Later,
    ] {
        let mut w = World::new();
        w.pair.settings.limits = GuardLimits::default();
        for n in 0..40 {
            write(w.left(&format!("f{n}")), format!("{n}"));
        }
        w.sync();
        for n in 0..12 {
            std::fs::remove_file(w.right(&format!("f{n}"))).unwrap();
        }
        write(w.left("new"), "new");
        let before = [tree(&w.pair.left), tree(&w.pair.right)];
        let held = w.try_sync(&[], &Silent).unwrap().held.unwrap();
        assert_eq!(
            (held.kind, held.side, held.lost, held.of),
            (GuardKind::MassDeletion, Side::Right, 12, 40)
        );
        assert_eq!(held.sample.len(), 10);
        assert_eq!(
            held.to_string(),
            "the right folder lost 12 of 40 files and directories"
        );
        assert_eq!(w.plan().held.as_ref(), Some(&held));
        assert_eq!(
            [tree(&w.pair.left), tree(&w.pair.right)],
            before,
            "nothing is applied meanwhile"
        );
        let answers = [answer(held.kind, held.side, held.lost, choice)];
        let outcome = w.try_sync(&answers, &Silent).unwrap();
        match choice {
            GuardChoice::Apply => {
                assert_eq!(outcome.counts.deleted, 12);
                assert_eq!(tree(&w.pair.left).len(), 29);
                w.assert_in_sync();
            }
            GuardChoice::BringBack => {
                assert_eq!(outcome.counts.to_right, 13);
                assert_eq!(tree(&w.pair.right).len(), 41);
                w.assert_in_sync();
            }
            GuardChoice::Later => assert_eq!(outcome.held, Some(held)),
        }
    }
}

#[test]
fn an_answer_does_not_approve_a_larger_loss() {
    let mut w = World::new();
    w.pair.settings.limits = GuardLimits::default();
    for n in 0..40 {
        write(w.left(&format!("f{n}")), format!("{n}"));
    }
    w.sync();
    for n in 0..20 {
        std::fs::remove_file(w.right(&format!("f{n}"))).unwrap();
    }
    let small = [answer(
        GuardKind::MassDeletion,
        Side::Right,
        12,
        GuardChoice::Apply,
    )];
    assert_eq!(w.try_sync(&small, &Silent).unwrap().held.unwrap().lost, 20);
}

#[test]
fn a_mass_deletion_says_how_much_is_new_on_the_same_side() {
    let mut w = World::new();
    w.pair.settings.limits = GuardLimits::default();
    for n in 0..20 {
        write(w.left(&format!("f{n}")), format!("{n}"));
    }
    w.sync();
    for n in 0..20 {
        std::fs::rename(w.right(&format!("f{n}")), w.right(&format!("g{n}"))).unwrap();
    }
    write(w.left("other"), "new on the other side");
    let held = w.try_sync(&[], &Silent).unwrap().held.unwrap();
    assert_eq!(
        (held.kind, held.lost, held.added),
        (GuardKind::MassDeletion, 20, 20)
    );
    assert!(held.to_string().ends_with(", and 20 are new there"));
}

#[test]
fn a_missing_root_whose_parent_is_missing_stays_a_question() {
    let mut w = World::new();
    let disk = w.home.path().join("disk");
    std::fs::create_dir_all(disk.join("right")).unwrap();
    w.pair.right = disk.join("right");
    write(w.left("a"), "a");
    w.sync();
    std::fs::rename(&disk, w.home.path().join("disk.off")).unwrap();
    let held = w.try_sync(&[], &Silent).unwrap().held.unwrap();
    let back = [answer(
        held.kind,
        held.side,
        held.lost,
        GuardChoice::BringBack,
    )];
    assert_eq!(w.try_sync(&back, &Silent).unwrap().held, Some(held));
    std::fs::create_dir(&disk).unwrap();
    assert_eq!(w.try_sync(&back, &Silent).unwrap().held, None);
    w.assert_in_sync();
}

#[test]
fn an_emptied_replaced_or_missing_root_is_held_and_can_be_brought_back() {
    for (kind, choice) in [
        (GuardKind::RootEmptied, GuardChoice::BringBack),
        (GuardKind::RootEmptied, GuardChoice::Apply),
        (GuardKind::RootReplaced, GuardChoice::BringBack),
        (GuardKind::RootMissing, GuardChoice::BringBack),
    ] {
        let w = World::new();
        write(w.left("a"), "a");
        std::fs::create_dir(w.left("d")).unwrap();
        write(w.left("d/b"), "b");
        w.sync();
        let whole = tree(&w.pair.left);
        match kind {
            GuardKind::RootEmptied => {
                std::fs::remove_file(w.right("a")).unwrap();
                std::fs::remove_dir_all(w.right("d")).unwrap();
            }
            GuardKind::RootReplaced => {
                std::fs::remove_dir_all(&w.pair.right).unwrap();
                std::fs::create_dir(&w.pair.right).unwrap();
                write(w.right("other"), "another disk");
            }
            _ => std::fs::remove_dir_all(&w.pair.right).unwrap(),
        }
        let held = w.try_sync(&[], &Silent).unwrap().held.unwrap();
        assert_eq!((held.kind, held.side), (kind, Side::Right));
        assert_eq!(tree(&w.pair.left), whole);
        let outcome = w
            .try_sync(&[answer(kind, Side::Right, held.lost, choice)], &Silent)
            .unwrap();
        assert_eq!(outcome.held, None);
        w.assert_in_sync();
        let left = tree(&w.pair.left);
        match (kind, choice) {
            (_, GuardChoice::Apply) => assert!(left.is_empty()),
            (GuardKind::RootReplaced, _) => assert_eq!(left.len(), 4),
            _ => assert_eq!(left, whole),
        }
        assert_eq!(w.sync().counts, Default::default());
    }
}

/// A root that was brought back, or taken in place of another, is not exchanged unnoticed for the one that it stood in for.
#[test]
fn the_disk_that_was_away_is_not_taken_for_the_root_that_was_made_in_its_place() {
    for (kind, choice) in [
        (GuardKind::RootMissing, GuardChoice::BringBack),
        (GuardKind::RootReplaced, GuardChoice::BringBack),
        (GuardKind::RootReplaced, GuardChoice::Apply),
        (GuardKind::RootEmptied, GuardChoice::BringBack),
    ] {
        let w = World::new();
        write(w.left("a"), "old");
        write(w.left("b"), "b");
        w.sync();
        let (usb, off) = (w.pair.right.clone(), w.home.path().join("usb.off"));
        if kind == GuardKind::RootEmptied {
            // A copy of the whole disk, as a backup would put it back.
            std::fs::create_dir(&off).unwrap();
            for name in ["a", "b", ".syncmgr-root"] {
                std::fs::copy(usb.join(name), off.join(name)).unwrap();
            }
            std::fs::remove_file(usb.join("a")).unwrap();
            std::fs::remove_file(usb.join("b")).unwrap();
        } else {
            std::fs::rename(&usb, &off).unwrap();
        }
        if kind == GuardKind::RootReplaced {
            std::fs::create_dir(&usb).unwrap();
            if choice == GuardChoice::Apply {
                write(w.right("a"), "old");
                write(w.right("b"), "b");
            }
        }
        let held = w.try_sync(&[], &Silent).unwrap().held.unwrap();
        assert_eq!((held.kind, held.side), (kind, Side::Right));
        let back = answer(kind, Side::Right, held.lost, choice);
        assert_eq!(w.try_sync(&[back], &Silent).unwrap().held, None);
        write(w.left("a"), "newer");
        write(w.left("c"), "added");
        w.sync();
        w.assert_in_sync();
        let markers = [&w.pair.left, &w.pair.right]
            .map(|root| std::fs::read(root.join(".syncmgr-root")).unwrap());
        assert_eq!(markers[0], markers[1], "`diff -r` finds nothing");

        std::fs::rename(&usb, w.home.path().join("usb.new")).unwrap();
        std::fs::rename(&off, &usb).unwrap();
        let before = [tree(&w.pair.left), tree(&w.pair.right)];
        let held = w.try_sync(&[], &Silent).unwrap().held.unwrap();
        assert_eq!(
            (held.kind, held.side),
            (GuardKind::RootReplaced, Side::Right),
            "after {kind:?}"
        );
        assert_eq!([tree(&w.pair.left), tree(&w.pair.right)], before);
        let back = answer(held.kind, held.side, held.lost, GuardChoice::BringBack);
        let outcome = w.try_sync(&[back], &Silent).unwrap();
        assert_eq!(
            outcome.counts.conflicts, 1,
            "the older version is asked about"
        );
        assert_eq!(std::fs::read(w.right("c")).unwrap(), b"added");
        assert_eq!(std::fs::read(w.left("c")).unwrap(), b"added");
        assert_eq!(std::fs::read(w.left("a")).unwrap(), b"newer");
        assert_eq!(w.sync().held, None);
    }
}

#[test]
fn a_damaged_archive_is_kept_aside_and_the_run_only_unions() {
    let w = World::new();
    for name in ["stays", "edited", "deleted"] {
        write(w.left(name), name);
    }
    w.sync();
    write(w.left("edited"), "edited since");
    std::fs::remove_file(w.right("deleted")).unwrap();
    let archive = w.pair.state_dir.join("archive");
    let mut bytes = std::fs::read(&archive).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    write(&archive, &bytes);
    let plan = w.plan();
    assert_eq!(plan.findings.len(), 1);
    assert!(archive.exists(), "a plan moves nothing");
    let outcome = w.try_sync(&[], &Silent).unwrap();
    assert_eq!(outcome.findings.len(), 1);
    assert_eq!(
        (
            outcome.counts.deleted,
            outcome.counts.conflicts,
            outcome.counts.to_right
        ),
        (0, 1, 1)
    );
    assert!(
        tree(&w.pair.right).contains_key(&b"deleted"[..]),
        "nothing is deleted without a base"
    );
    let aside = std::fs::read_dir(&w.pair.state_dir).unwrap();
    assert!(aside.into_iter().any(|e| {
        e.unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with("archive.damaged-")
    }));
    assert_eq!(w.try_sync(&[], &Silent).unwrap().findings, Vec::new());
}

#[test]
fn an_archive_of_a_newer_program_is_refused() {
    let w = World::new();
    write(w.left("a"), "a");
    w.sync();
    let archive = w.pair.state_dir.join("archive");
    let mut bytes = std::fs::read(&archive).unwrap();
    bytes[8] = 3;
    write(&archive, &bytes);
    let fault = w.try_sync(&[], &Silent).unwrap_err();
    assert_eq!(fault.code(), "folder::archive-newer");
    assert_eq!(std::fs::read(&archive).unwrap(), bytes, "and left as it is");
}

#[test]
fn a_second_run_of_the_same_pair_is_refused_with_the_owner() {
    struct Nested(syncmgr_folder::Pair);
    impl syncmgr_folder::Observer for Nested {
        fn phase(&self, phase: syncmgr_folder::Phase) {
            if phase == syncmgr_folder::Phase::Apply {
                let fault = self
                    .0
                    .sync("inner", &[], &Silent, &Cancel::new())
                    .unwrap_err();
                assert_eq!(fault.code(), "folder::busy");
                assert!(
                    fault.to_string().contains(&std::process::id().to_string()),
                    "{fault}"
                );
            }
        }
    }
    let w = World::new();
    write(w.left("a"), "a");
    w.try_sync(&[], &Nested(w.pair.clone())).unwrap();
}

#[test]
fn a_plan_lists_what_is_done_in_path_order() {
    let w = World::new();
    write(w.left("b"), "b");
    write(w.right("a"), "a");
    write(w.left("c"), "left");
    write(w.right("c"), "right");
    let plan = w.plan();
    let lines: Vec<(String, Option<Side>, Action)> = plan
        .changes
        .iter()
        .map(|c| (syncmgr_folder::shown(&c.path), c.side, c.action))
        .collect();
    assert_eq!(
        lines,
        [
            ("a".to_owned(), Some(Side::Left), Action::Create),
            ("b".to_owned(), Some(Side::Right), Action::Create),
            (
                "c".to_owned(),
                None,
                Action::Conflict(ConflictKind::BothCreated)
            ),
        ]
    );
    assert_eq!(
        plan.to_string(),
        "← create   a\n→ create   b\n≠ conflict c  (created on both sides with different content)\n"
    );
    assert!(!w.pair.state_dir.exists(), "a plan writes nothing at all");
}
