//! Bad input through the whole program: a clear message with cause and hint, the right exit code, the rest still
//! synchronized, and nothing lost.
//!
//! What needs a superuser (full disks, mounts, read-only file systems) is in `cargo xtask suite mounts`.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::world::{Done, World};

/// Requires a refusal with a code, and a hint.
#[track_caller]
fn refused(done: &Done, code: &str) {
    done.exits(4).says(code).says("help: ");
}

#[test]
fn folders_that_cannot_be_a_pair_are_refused_and_nothing_is_remembered() {
    let world = World::with_folders();
    world.write("left/a", "a");
    world.write("file", "a file");
    symlink("left", world.path("link")).unwrap();
    fs::create_dir(world.path("left/inside")).unwrap();
    for (left, right, code, says) in [
        ("./left", "./missing", "folder::root-missing", "missing"),
        ("./missing", "./left", "folder::root-missing", "missing"),
        ("./left", "./file", "folder::root-not-directory", "file"),
        ("./left", "./left", "folder::same-directory", "same"),
        ("./left", "./link", "folder::same-directory", "same"),
        ("./link", "./right/../left", "folder::same-directory", ""),
        ("./left", "./left/inside", "folder::nested", "inside"),
        ("./link/inside", "./left", "folder::nested", "inside"),
        ("./right", ".", "folder::nested", ""),
    ] {
        let before = (world.tree("left"), world.tree("right"));
        let done = world.run(["sync", left, right]);
        refused(&done, code);
        done.says(says);
        assert_eq!(before, (world.tree("left"), world.tree("right")), "{done}");
    }
    assert!(!world.has("missing"), "a folder is not made by a mistake");
    assert_eq!(world.json(["list"]).len(), 1, "only the verdict");
}

fn permit(world: &World, path: &str, mode: u32) {
    fs::set_permissions(world.path(path), fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn an_unreadable_folder_is_refused() {
    let Some(world) = World::with_folders().of_an_ordinary_user() else {
        return;
    };
    permit(&world, "left", 0o000);
    let done = world.run(["sync", "./left", "./right"]);
    permit(&world, "left", 0o700);
    refused(&done, "folder::root-unreadable");
    done.says("left");
}

#[test]
fn what_cannot_be_read_or_written_stops_nothing_else() {
    let world = World::with_folders();
    for name in ["a", "m", "z", "closed/inside"] {
        world.write(format!("left/{name}"), name);
    }
    world.write("right/fixed/b", "b");
    world.write("left/fixed/a", "a");
    let Some(world) = world.of_an_ordinary_user() else {
        return;
    };
    permit(&world, "left/m", 0o000);
    permit(&world, "left/closed", 0o000);
    permit(&world, "right/fixed", 0o555);
    let done = world.run(["sync", "./left", "./right"]);
    done.exits(2).says("could not be synchronized");
    assert!(world.has("right/a") && world.has("right/z"), "{done}");
    assert!(!world.has("right/m") && !world.has("right/fixed/a"));
    let run = world.run(["run", "1"]);
    run.exits(0).says("m (").says("closed").says("fixed/a");
    // Nothing of it is taken for deleted.
    world.run(["sync", "left"]).exits(2);
    for (path, mode) in [
        ("left/m", 0o600),
        ("left/closed", 0o700),
        ("right/fixed", 0o755),
    ] {
        permit(&world, path, mode);
    }
    // The first run gives the copy of the directory its new permissions, so that the second can read it.
    world.run(["sync", "left"]).exits(2).says("closed");
    let done = world.run(["sync", "left"]);
    done.exits(0);
    assert_eq!(world.content("left"), world.content("right"), "{done}");
    assert_eq!(world.read("right/closed/inside"), "closed/inside");
}

#[test]
fn the_home_of_somebody_else_is_refused() {
    let Some(world) = World::with_pair(1).of_an_ordinary_user() else {
        return;
    };
    permit(&world, "home/state", 0o000);
    let done = world.run(["status"]);
    permit(&world, "home/state", 0o700);
    done.says("help: ");
    assert!(matches!(done.code, Some(2 | 4)), "{done}");
}

#[test]
fn names_that_are_unknown_or_not_clear_are_refused_with_a_way_out() {
    let world = World::with_pair(1);
    for side in ["one/docs", "two/docs", "a", "b"] {
        fs::create_dir_all(world.path(side)).unwrap();
    }
    world
        .run(["add", "folder", "a", "one/docs", "--name", "photos"])
        .exits(0);
    let done = world.run(["sync", "photo"]);
    refused(&done, "name::unknown");
    done.says("photos");
    refused(&world.run(["show", "nobody"]), "name::unknown");
    // The user may call two items the same in the file.
    let config = world
        .read("home/config/config.toml")
        .replace("\"photos\"", "\"left\"");
    world.configure(&config);
    let done = world.run(["show", "left"]);
    refused(&done, "name::ambiguous");
    done.says("folder/");
    refused(&world.run(["run", "77"]), "run::unknown");
    refused(&world.run(["answer", "77", "apply"]), "need::unknown");
    refused(&world.run(["resolve", "77", "left"]), "conflict::unknown");
}

#[test]
fn words_that_are_not_understood_exit_with_4() {
    let world = World::new();
    for words in [
        &["synk"][..],
        &["sync", "--sideways"],
        &["sync", "./left"],
        &["sync", "./a", "./b", "./c"],
        &["sync", "./left", "name"],
        &["run", "x"],
        &["run"],
        &["runs", "-n", "0"],
        &["pause", "--for", "soon"],
        &["add", "folder", "./left"],
        &["log", "--errors", "--warnings"],
        &["sync", ""],
    ] {
        let done = world.run(words);
        done.exits(4);
        assert!(
            done.out.is_empty(),
            "a mistake goes to standard error\n{done}"
        );
        assert!(done.err.len() > 20, "{done}");
    }
    world.run(["synk"]).exits(4).says("sync");
    world.run([OsStr::from_bytes(b"\xff\xfe")]).exits(4);
    world
        .run([OsStr::from_bytes(b"sync"), OsStr::from_bytes(b"\xff")])
        .exits(4);
}

#[test]
fn four_thousand_files_in_one_directory() {
    let world = World::with_folders();
    for number in 0..4_000 {
        let side = if number % 2 == 0 { "left" } else { "right" };
        fs::write(world.path(format!("{side}/{number}")), number.to_string()).unwrap();
    }
    let done = world.run(["sync", "./left", "./right"]);
    done.exits(0).says("↑2000 ↓2000 ✗0");
    assert_eq!(world.content("left"), world.content("right"));
    assert_eq!(world.content("left").len(), 4_000);
}

#[test]
fn a_path_of_four_thousand_bytes() {
    let world = World::with_folders();
    // As long as the system takes at once from here; the folder's own path comes on top of it.
    let mut path = "left".to_owned();
    while path.len() + 210 < 3_900 {
        path = format!("{path}/{}", "d".repeat(200));
    }
    let mut directory = world.root().to_owned();
    // Step by step, because the whole path may be longer than a single call takes.
    for name in path.split('/') {
        directory.push(name);
        match fs::create_dir(&directory) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => panic!("{error}"),
        }
    }
    world.write(format!("{path}/file"), "at the end");
    world.write("left/other", "other");
    world.run(["sync", "./left", "./right"]).exits(0);
    assert_eq!(world.content("left"), world.content("right"));
    let mirrored = path.replacen("left", "right", 1);
    assert_eq!(world.read(format!("{mirrored}/file")), "at the end");
    world.run(["sync"]).exits(0).says("↑0 ↓0 ✗0");
}

#[test]
fn a_damaged_archive_is_kept_aside_and_nothing_is_deleted() {
    let world = World::with_pair(5);
    fs::remove_file(world.path("left/file-001")).unwrap();
    world.write("left/new", "new");
    let archive = world
        .tree("home/state")
        .into_keys()
        .find(|path| path.ends_with("archive"))
        .unwrap();
    let archive = world.path("home/state").join(archive);
    let mut bytes = fs::read(&archive).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    fs::write(&archive, bytes).unwrap();
    world.run(["plan"]).says("new");
    let done = world.run(["sync"]);
    done.exits(1).says("archive was damaged");
    assert!(world.has("right/new"), "the other files are synchronized");
    assert!(
        world.has("left/file-001"),
        "what is not known to be deleted comes back"
    );
    assert_eq!(world.content("left"), world.content("right"));
    let kept = fs::read_dir(archive.parent().unwrap()).unwrap();
    assert!(kept.flatten().any(|entry| {
        entry
            .file_name()
            .to_string_lossy()
            .starts_with("archive.damaged")
    }));
    world.run(["sync"]).exits(0).says("↑0 ↓0 ✗0");
}

#[test]
fn an_archive_of_a_newer_version_is_left_alone() {
    let world = World::with_pair(2);
    let archive = world
        .tree("home/state")
        .into_keys()
        .find(|path| path.ends_with("archive"))
        .unwrap();
    let archive = world.path("home/state").join(archive);
    let bytes = fs::read(&archive).unwrap();
    assert!(!bytes.is_empty());
    fs::write(&archive, "").unwrap();
    world.write("left/new", "new");
    let done = world.run(["sync"]);
    assert!(matches!(done.code, Some(1 | 2)), "{done}");
    assert!(world.has("left/file-000") && world.has("right/file-000"));
}

#[test]
fn a_damaged_database_is_told_and_the_folders_are_untouched() {
    let world = World::with_pair(3);
    let before = (world.tree("left"), world.tree("right"));
    let database = world.home().join("state/syncmgr.db");
    let whole = fs::read(&database).unwrap();
    fs::write(&database, vec![b'x'; 20_000]).unwrap();
    for words in [&["status"][..], &["sync"], &["list"]] {
        let done = world.run(words);
        assert!(matches!(done.code, Some(2 | 4)), "{done}");
        done.says("store::").says("help: ");
    }
    let doctor = world.run(["doctor"]);
    doctor.exits(2).says("database");
    assert_eq!(before, (world.tree("left"), world.tree("right")));
    // Nothing was overwritten by looking.
    assert_eq!(fs::read(&database).unwrap(), vec![b'x'; 20_000]);
    fs::write(&database, whole).unwrap();
    world.run(["status"]).exits(0);
}

#[test]
fn a_database_of_a_newer_version_is_refused() {
    let world = World::with_pair(1);
    let database = world.home().join("state/syncmgr.db");
    let mut bytes = fs::read(&database).unwrap();
    // `user_version` in the header of an SQLite file: four bytes at 60.
    bytes[60..64].copy_from_slice(&9_999_u32.to_be_bytes());
    fs::write(&database, &bytes).unwrap();
    let done = world.run(["sync"]);
    refused(&done, "store::unusable");
    done.says("newer");
    assert_eq!(fs::read(&database).unwrap(), bytes);
}

#[test]
fn a_configuration_that_is_not_understood_names_the_place() {
    let world = World::with_pair(1);
    let whole = world.read("home/config/config.toml");
    for (text, says) in [
        ("[manager\n", "line 1"),
        ("\n\nparallel = 3\n", "line 3"),
        ("[manager]\nparallel = \"many\"\n", "line 2"),
        ("{\"json\": true}", "line 1"),
    ] {
        world.configure(text);
        let done = world.run(["sync"]);
        refused(&done, "config::invalid");
        done.says(says).says("config.toml");
        assert_eq!(world.read("home/config/config.toml"), text);
    }
    world.write("home/config/config.toml", b"# \xff\xfe\n");
    let done = world.run(["status"]);
    refused(&done, "config::unreadable");
    done.says("UTF-8");
    world.run(["doctor"]).exits(2).says("UTF-8");
    world.configure(&whole);
    world.run(["sync"]).exits(0);
}

#[test]
fn a_definition_with_a_mistake_fails_its_own_item_alone() {
    let world = World::with_pair(1);
    fs::create_dir(world.path("third")).unwrap();
    world.run(["add", "folder", "left", "third"]).exits(0);
    let config = world.read("home/config/config.toml");
    let third = format!("\"{}\"", world.path("third").display());
    world.configure(&config.replace(&format!("right = {third}"), "right = \"third\""));
    world.write("left/new", "new");
    let done = world.run(["sync"]);
    done.exits(2);
    assert!(world.has("right/new"), "{done}");
    world.run(["runs"]).exits(0).says("failed");
    world.run(["status"]).exits(2);
}

#[test]
fn nasty_names_are_synchronized_and_shown_harmlessly() {
    let world = World::with_folders();
    let names: [&[u8]; 7] = [
        b"new\nline",
        b"tab\tand\rreturn",
        b"\x1b[31mred\x07",
        b"\xff\xfe not text",
        "\u{202e}gnp.exe".as_bytes(),
        b"-rf",
        b" ' \" $(touch x) `y`",
    ];
    for name in names {
        world.write(OsStr::from_bytes(&[b"left/", name].concat()), "left");
    }
    let plan = world.run(["plan", "./left", "./right"]);
    let sync = world.run(["sync", "./left", "./right"]);
    plan.exits(0).says("new\\nline").says("\\x1b[31mred\\x07");
    sync.exits(0).says("↑7");
    assert_eq!(world.content("left"), world.content("right"));
    assert_eq!(world.content("right").len(), 7);
    for name in names {
        world.write(OsStr::from_bytes(&[b"left/", name].concat()), "left again");
        world.write(
            OsStr::from_bytes(&[b"right/", name].concat()),
            "right again",
        );
    }
    let plan = [
        plan,
        world.run(["plan"]),
        world.run(["sync"]),
        world.run(["conflicts"]),
        world.run(["run", "2"]),
    ];
    for done in plan {
        let bad = |c: char| (c.is_control() && c != '\n') || ('\u{200b}'..='\u{202e}').contains(&c);
        assert!(!done.out.contains(bad), "{done}");
        assert!(!done.out.contains("\u{fffd}"), "{done}");
    }
    world.json(["conflicts"]);
    // A folder whose own path is like that.
    let odd = world.path(OsStr::from_bytes(b"odd \xff\n"));
    fs::create_dir(&odd).unwrap();
    fs::write(odd.join("a"), "a").unwrap();
    fs::create_dir(world.path("third")).unwrap();
    world
        .run([OsStr::new("sync"), odd.as_os_str(), OsStr::new("./third")])
        .exits(0);
    assert_eq!(world.read("third/a"), "a");
}
