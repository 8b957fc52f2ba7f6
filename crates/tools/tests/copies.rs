//! Copies of other programs: found, compared, decided about, and taken back.
#![expect(
    clippy::unwrap_used,
    reason = "tests: what cannot be unwrapped fails the test"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use syncmgr_handler::call::{Conflict, ReadVersion, Resolved, Undo};
use syncmgr_handler::item::ItemId;
use syncmgr_tools::copies::{Bounds, Copies, Cut, Rules, find, listed, read, resolve, undo};

const NOW_MS: i64 = 1_795_348_800_000;
const COPY: &str = "a.sync-conflict-20260102-030405-ABCDEF7.txt";

/// A tree of somebody's, and the directory of an item.
struct World {
    _home: tempfile::TempDir,
    tree: PathBuf,
    state: PathBuf,
}

impl World {
    fn new(files: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let (tree, state) = (home.path().join("tree"), home.path().join("state"));
        fs::create_dir_all(&tree).unwrap();
        for (path, content) in files {
            let path = tree.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        Self {
            _home: home,
            tree,
            state,
        }
    }

    fn look(&self, bounds: &Bounds) -> Copies {
        let below = [self.tree.clone()];
        find(
            &self.state,
            &below,
            &Rules::of_others(),
            bounds,
            NOW_MS,
            &|| false,
        )
        .unwrap()
    }

    fn conflicts(&self) -> Vec<Conflict> {
        let item = ItemId::new("I").unwrap();
        let found = self.look(&Bounds::default()).found;
        found.iter().map(|copy| copy.conflict(&item)).collect()
    }

    fn resolve(&self, id: &str, choice: &str, run: &str) -> Resolved {
        resolve(&self.state, &Rules::of_others(), id, choice, run, NOW_MS).unwrap()
    }

    fn undo(&self, run: &str, as_run: &str) -> (u64, Vec<String>) {
        let what = Undo {
            item: ItemId::new("I").unwrap(),
            run: run.to_owned(),
            as_run: as_run.to_owned(),
        };
        let undone = undo(&self.state, &what).unwrap();
        (undone.restored, undone.kept)
    }

    /// All files of the tree with what they contain.
    fn files(&self) -> BTreeMap<String, String> {
        fn walk(at: &Path, root: &Path, files: &mut BTreeMap<String, String>) {
            for entry in fs::read_dir(at).unwrap() {
                let path = entry.unwrap().path();
                if path.is_symlink() {
                    continue;
                } else if path.is_dir() {
                    walk(&path, root, files);
                } else {
                    let name = path.strip_prefix(root).unwrap();
                    let content = fs::read_to_string(&path).unwrap();
                    files.insert(name.to_str().unwrap().replace('\\', "/"), content);
                }
            }
        }
        let mut files = BTreeMap::new();
        walk(&self.tree, &self.tree, &mut files);
        files
    }
}

fn tree(files: &[(&str, &str)]) -> BTreeMap<String, String> {
    let own = |(name, content): &(&str, &str)| ((*name).to_owned(), (*content).to_owned());
    files.iter().map(own).collect()
}

#[test]
fn a_copy_is_a_conflict_with_two_versions() {
    let world = World::new(&[
        ("b/a.txt", "mine"),
        (&format!("b/{COPY}"), "the other"),
        (".stversions/x.txt", "old"),
        (&format!(".stversions/{COPY}"), "old"),
        ("b/gone (conflicted copy 2026-01-02 030405).odt", "left"),
        ("b/plain.txt", ""),
    ]);
    let all = world.conflicts();
    assert_eq!(all.len(), 2, "{all:?}");
    let one = &all[0];
    assert_eq!((one.name.as_str(), one.found_ms), ("b/a.txt", NOW_MS));
    assert_eq!(one.summary, "Syncthing left another version beside it");
    let sizes: Vec<_> = one
        .versions
        .iter()
        .map(|version| {
            (
                version.place.as_str(),
                version.size,
                version.deleted,
                version.modified_ms.is_some(),
            )
        })
        .collect();
    assert_eq!(
        sizes,
        [
            ("original", Some(4), false, true),
            ("copy", Some(9), false, true)
        ]
    );
    assert!(one.versions[1].location.ends_with(COPY));
    let choices = |conflict: &Conflict| {
        let names = conflict.choices.iter().map(|choice| choice.name.clone());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(choices(one), "original copy both");
    // Where the file itself is gone, there is nothing to keep both of.
    assert_eq!(
        (all[1].name.as_str(), choices(&all[1]).as_str()),
        ("b/gone.odt", "copy original")
    );
    assert!(all[1].versions[0].deleted);
    // The same copy has the same name for ever.
    assert_eq!(world.conflicts(), all);
}

#[test]
fn each_choice_does_what_it_says_and_is_taken_back() {
    let before = tree(&[("a.txt", "mine"), (COPY, "the other")]);
    for (choice, after) in [
        ("original", tree(&[("a.txt", "mine")])),
        ("copy", tree(&[("a.txt", "the other")])),
        ("both", tree(&[("a.txt", "mine"), ("a 2.txt", "the other")])),
    ] {
        let world = World::new(&[("a.txt", "mine"), (COPY, "the other")]);
        let id = world.conflicts()[0].id.clone();
        let Resolved::Continue { kept, until_ms, .. } = world.resolve(&id, choice, "run-7") else {
            panic!("{choice}")
        };
        assert_eq!(world.files(), after, "{choice}");
        assert_eq!(kept.is_some(), choice != "both", "{choice}");
        assert_eq!(
            until_ms,
            kept.is_some().then_some(NOW_MS + 30 * 24 * 60 * 60 * 1000)
        );
        if let Some(kept) = kept {
            let gave_way = if choice == "copy" {
                "mine"
            } else {
                "the other"
            };
            assert_eq!(fs::read_to_string(kept).unwrap(), gave_way);
        }
        assert!(
            listed(&world.state).is_empty() && world.conflicts().is_empty(),
            "{choice}"
        );
        // Taking back is a run, and can be taken back.
        let moves = if choice == "copy" { 2 } else { 1 };
        assert_eq!(world.undo("run-7", "run-8"), (moves, vec![]), "{choice}");
        assert_eq!(world.files(), before, "{choice}");
        assert_eq!(world.conflicts()[0].id, id);
        assert_eq!(world.undo("run-8", "run-9"), (moves, vec![]), "{choice}");
        assert_eq!(world.files(), after, "{choice}");
        // What was taken back once is not taken back twice.
        assert_eq!(world.undo("run-9", "x/../y").0, moves);
        assert_eq!(world.undo("run-7", "run-10"), (0, vec![]), "{choice}");
        assert_eq!(world.files(), before, "{choice}");
    }
}

#[test]
fn both_halves_of_a_renamed_file_find_together() {
    let world = World::new(&[("x/a.txt..path1", "one"), ("x/a.txt..path2", "two")]);
    let all = world.conflicts();
    assert_eq!(all.len(), 2);
    world.resolve(&all[0].id, "copy", "r1");
    assert_eq!(
        world.files(),
        tree(&[("x/a.txt", "one"), ("x/a.txt..path2", "two")])
    );
    let rest = world.conflicts();
    assert_eq!(rest.len(), 1);
    world.resolve(&rest[0].id, "both", "r1");
    assert_eq!(
        world.files(),
        tree(&[("x/a.txt", "one"), ("x/a 2.txt", "two")])
    );
    // One run, one undo.
    assert_eq!(world.undo("r1", "r2"), (2, vec![]));
    assert_eq!(
        world.files(),
        tree(&[("x/a.txt..path1", "one"), ("x/a.txt..path2", "two")])
    );
}

#[test]
fn what_changed_meanwhile_is_shown_again_and_not_decided() {
    let world = World::new(&[("a.txt", "mine"), (COPY, "the other")]);
    let id = world.conflicts()[0].id.clone();
    fs::write(world.tree.join("a.txt"), "mine, and more").unwrap();
    let before = world.files();
    assert_eq!(world.resolve(&id, "copy", "r"), Resolved::Refresh);
    assert_eq!(world.files(), before);
    // Now it is what is there.
    assert!(matches!(
        world.resolve(&id, "copy", "r"),
        Resolved::Continue { .. }
    ));
    let gone = World::new(&[("a.txt", "mine"), (COPY, "the other")]);
    let id = gone.conflicts()[0].id.clone();
    fs::remove_file(gone.tree.join(COPY)).unwrap();
    assert_eq!(gone.resolve(&id, "copy", "r"), Resolved::Refresh);
    let rules = Rules::of_others();
    let refused = resolve(&gone.state, &rules, &id, "copy", "r", NOW_MS).unwrap_err();
    assert_eq!(refused.code, "copies::gone");
    let world = World::new(&[("a.txt", ""), (COPY, "")]);
    let id = world.conflicts()[0].id.clone();
    let refused = resolve(&world.state, &rules, &id, "left", "r", NOW_MS).unwrap_err();
    assert_eq!(refused.code, "copies::choice");
}

/// What stands in the way of an undo stays, and is told.
#[test]
fn an_undo_overwrites_nothing() {
    let world = World::new(&[("a.txt", "mine"), (COPY, "the other")]);
    let id = world.conflicts()[0].id.clone();
    world.resolve(&id, "original", "r");
    fs::write(world.tree.join(COPY), "new").unwrap();
    let (restored, kept) = world.undo("r", "u");
    assert_eq!((restored, kept.len()), (0, 1), "{kept:?}");
    assert!(
        kept[0].ends_with("something else has its place"),
        "{kept:?}"
    );
    assert_eq!(world.files(), tree(&[("a.txt", "mine"), (COPY, "new")]));
    fs::remove_file(world.tree.join(COPY)).unwrap();
    assert_eq!(world.undo("r", "u2"), (1, vec![]));
    assert_eq!(
        world.files(),
        tree(&[("a.txt", "mine"), (COPY, "the other")])
    );
    // What was edited since is not moved away, and what gave way for it stays where it is kept.
    let world = World::new(&[("a.txt", "mine"), (COPY, "the other")]);
    let id = world.conflicts()[0].id.clone();
    world.resolve(&id, "copy", "r");
    fs::write(world.tree.join("a.txt"), "edited since").unwrap();
    let (restored, kept) = world.undo("r", "u");
    assert_eq!((restored, kept.len()), (0, 2), "{kept:?}");
    assert!(kept[0].ends_with("it was changed since"), "{kept:?}");
    assert_eq!(world.files(), tree(&[("a.txt", "edited since")]));
    let what = Undo {
        item: ItemId::new("I").unwrap(),
        run: "never".to_owned(),
        as_run: "x".to_owned(),
    };
    assert_eq!(
        undo(&world.state, &what).unwrap_err().code,
        "copies::run-unknown"
    );
}

#[test]
fn a_look_is_bounded_and_says_where_it_ended() {
    let mut files = vec![("a.txt".to_owned(), "x"), (COPY.to_owned(), "y")];
    files.extend((0..20).map(|number| (format!("d{number}/e/f.txt"), "")));
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, content)| (name.as_str(), *content))
        .collect();
    let world = World::new(&files);
    let all = Bounds::default();
    assert_eq!(world.look(&all).cut, None);
    for (bounds, cut) in [
        (Bounds { entries: 5, ..all }, Cut::Entries),
        (
            Bounds {
                directories: 3,
                ..all
            },
            Cut::Directories,
        ),
        (Bounds { found: 0, ..all }, Cut::Found),
        (Bounds { depth: 1, ..all }, Cut::Depth),
        (
            Bounds {
                time: Duration::ZERO,
                ..all
            },
            Cut::Time,
        ),
    ] {
        let copies = world.look(&bounds);
        assert_eq!(copies.cut, Some(cut));
        // What was found before and is still there is not over, whatever was reached.
        assert_eq!(copies.found.len(), 1, "{cut:?}");
    }
    let below = [world.tree.clone()];
    let stopped = find(
        &world.state,
        &below,
        &Rules::of_others(),
        &all,
        NOW_MS,
        &|| true,
    )
    .unwrap();
    assert_eq!(
        (stopped.cut, stopped.found.len()),
        (Some(Cut::Cancelled), 1)
    );
    fs::remove_file(world.tree.join(COPY)).unwrap();
    assert_eq!(
        world
            .look(&Bounds {
                directories: 0,
                ..all
            })
            .found,
        []
    );
    let nowhere = [world.tree.join("not there")];
    let none = find(
        &world.state,
        &nowhere,
        &Rules::of_others(),
        &all,
        NOW_MS,
        &|| false,
    )
    .unwrap();
    assert_eq!((none.found.len(), none.unreadable.len()), (0, 1));
}

#[test]
fn versions_are_read_in_pieces() {
    let world = World::new(&[("a.txt", "mine"), (COPY, "the other")]);
    let id = world.conflicts()[0].id.clone();
    let wish = |place: &str, offset, max| ReadVersion {
        item: ItemId::new("I").unwrap(),
        conflict: id.clone(),
        place: place.to_owned(),
        offset,
        max,
    };
    let piece = read(&world.state, &wish("copy", 4, 3)).unwrap();
    assert_eq!(
        (
            piece.bytes().unwrap().as_slice(),
            piece.total,
            piece.changed
        ),
        (&b"oth"[..], 9, false)
    );
    fs::write(world.tree.join("a.txt"), "more than that").unwrap();
    let piece = read(&world.state, &wish("original", 0, 100)).unwrap();
    assert_eq!((piece.bytes().unwrap().len(), piece.changed), (14, true));
    assert_eq!(
        read(&world.state, &wish("left", 0, 1)).unwrap_err().code,
        "copies::place"
    );
    fs::remove_file(world.tree.join("a.txt")).unwrap();
    assert_eq!(
        read(&world.state, &wish("original", 0, 1))
            .unwrap_err()
            .code,
        "copies::unreadable"
    );
}

/// What was kept is gone after its time, and not before.
#[test]
fn kept_versions_end() {
    let world = World::new(&[("a.txt", "mine"), (COPY, "the other")]);
    let id = world.conflicts()[0].id.clone();
    world.resolve(&id, "original", "r");
    let journal = world.state.join("kept/r/journal");
    let made = fs::metadata(&journal).unwrap().modified().unwrap();
    let made_ms = made
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_millis();
    let made_ms = i64::try_from(made_ms).unwrap();
    let look = |days: i64| {
        let (below, rules, all) = ([world.tree.clone()], Rules::of_others(), Bounds::default());
        let now_ms = made_ms + days * 24 * 60 * 60 * 1000;
        find(&world.state, &below, &rules, &all, now_ms, &|| false).unwrap();
        journal.exists()
    };
    assert!(look(-5) && look(29) && !look(31));
}

#[cfg(unix)]
mod unix {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    /// No link leads a look or a choice elsewhere.
    #[test]
    fn links_are_not_followed() {
        let world = World::new(&[
            ("real/a.txt", "mine"),
            (&format!("real/{COPY}"), "the other"),
        ]);
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("a.txt"), "precious").unwrap();
        fs::write(outside.path().join(COPY), "precious too").unwrap();
        symlink(outside.path(), world.tree.join("link")).unwrap();
        symlink(outside.path().join("a.txt"), world.tree.join("b.txt")).unwrap();
        fs::write(world.tree.join("b.txt..path1"), "x").unwrap();
        let all = world.conflicts();
        assert_eq!(all.len(), 1, "{all:?}");
        // The directory becomes a link after it was looked at.
        fs::rename(world.tree.join("real"), world.tree.join("moved")).unwrap();
        symlink(outside.path(), world.tree.join("real")).unwrap();
        assert_eq!(world.resolve(&all[0].id, "copy", "r"), Resolved::Refresh);
        assert_eq!(
            fs::read_to_string(outside.path().join("a.txt")).unwrap(),
            "precious"
        );
        assert_eq!(
            fs::read_to_string(outside.path().join(COPY)).unwrap(),
            "precious too"
        );
    }

    #[test]
    fn names_that_are_no_text_are_counted_and_rights_stay() {
        let world = World::new(&[("a.txt", "mine"), (COPY, "the other")]);
        let odd = std::ffi::OsStr::from_bytes(b"odd\xff");
        fs::write(world.tree.join(odd), "").unwrap();
        assert_eq!(world.look(&Bounds::default()).not_text, 1);
        fs::set_permissions(world.tree.join("a.txt"), fs::Permissions::from_mode(0o640)).unwrap();
        let id = world.conflicts()[0].id.clone();
        world.resolve(&id, "copy", "r");
        world.undo("r", "u");
        let mode = fs::metadata(world.tree.join("a.txt"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o640);
    }

    /// Where the item's directory is on another file system, the file is copied whole before it goes.
    #[test]
    fn what_gives_way_crosses_file_systems() {
        let shm = Path::new("/dev/shm");
        let Ok(home) = tempfile::tempdir_in(shm) else {
            return;
        };
        let mut world = World::new(&[("a.txt", "mine"), (COPY, "the other")]);
        world.state = home.path().to_owned();
        let modified = |name| {
            fs::metadata(world.tree.join(name))
                .unwrap()
                .modified()
                .unwrap()
        };
        let before = (world.files(), modified(COPY));
        let id = world.conflicts()[0].id.clone();
        world.resolve(&id, "original", "r");
        assert_eq!(world.files(), tree(&[("a.txt", "mine")]));
        assert_eq!(world.undo("r", "u"), (1, vec![]));
        assert_eq!((world.files(), modified(COPY)), before);
    }
}
