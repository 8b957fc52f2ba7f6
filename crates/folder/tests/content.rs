//! Reading what the versions of a conflict contain: only that, whatever is put in their place meanwhile.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "a pair that cannot be made ends the test"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use syncmgr_folder::{Cancel, ContentFault, Pair, Settings, Silent};
use syncmgr_handler::call::{ReadVersion, VersionPiece};
use syncmgr_handler::contract::MAX_PIECE_BYTES;
use syncmgr_handler::item::ItemId;

struct Folders {
    home: tempfile::TempDir,
    pair: Pair,
}

impl Folders {
    /// Two folders whose files of the same name differ, after a run that found it.
    fn differing(files: &[(&str, &[u8], &[u8])]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let at = |side: &str| home.path().join(side);
        for side in ["left", "right", "elsewhere"] {
            fs::create_dir(at(side)).unwrap();
        }
        for (name, left, right) in files {
            for (side, content) in [("left", left), ("right", right)] {
                let path = at(side).join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, content).unwrap();
            }
        }
        let pair = Pair {
            left: at("left"),
            right: at("right"),
            state_dir: at("state"),
            settings: Settings::default(),
            id: "P".to_owned(),
        };
        pair.sync("1", &[], &Silent, &Cancel::new()).unwrap();
        assert_eq!(pair.conflicts().unwrap().len(), files.len());
        Self { home, pair }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.home.path().join(path)
    }

    fn wish(&self, place: &str) -> ReadVersion {
        ReadVersion {
            item: ItemId::new("P").unwrap(),
            conflict: self.pair.conflicts().unwrap()[0].id.clone(),
            place: place.to_owned(),
            offset: 0,
            max: u32::MAX,
        }
    }

    fn read(&self, place: &str) -> Result<VersionPiece, ContentFault> {
        self.pair.read_version(&self.wish(place))
    }
}

#[test]
fn a_version_is_read_in_pieces() {
    let long: Vec<u8> = (0..MAX_PIECE_BYTES + 10)
        .map(|at| u8::try_from(at % 251).unwrap())
        .collect();
    let folders = Folders::differing(&[("sub/a.bin", b"left", &long)]);
    let left = folders.read("left").unwrap();
    assert_eq!((left.bytes().unwrap(), left.total), (b"left".to_vec(), 4));
    assert!(!left.changed && left.modified_ms.is_some());
    let first = folders.read("right").unwrap();
    let rest = folders
        .pair
        .read_version(&ReadVersion {
            offset: MAX_PIECE_BYTES as u64,
            ..folders.wish("right")
        })
        .unwrap();
    assert_eq!(first.total, long.len() as u64);
    let whole = [first.bytes().unwrap(), rest.bytes().unwrap()].concat();
    assert_eq!(whole, long);
    let beyond = ReadVersion {
        offset: 1 << 40,
        ..folders.wish("right")
    };
    let beyond = folders.pair.read_version(&beyond).unwrap();
    assert_eq!(beyond.bytes().unwrap(), b"");
}

#[test]
fn a_version_that_changed_meanwhile_is_told_as_such() {
    let folders = Folders::differing(&[("a", b"left", b"right")]);
    fs::write(folders.at("left/a"), "another one").unwrap();
    let left = folders.read("left").unwrap();
    assert!(left.changed);
    assert_eq!(left.bytes().unwrap(), b"another one");
    assert!(!folders.read("right").unwrap().changed);
}

#[test]
fn nothing_that_is_put_in_its_place_is_read() {
    let secret = "outside of both folders";
    let check = |name: &str, put: &dyn Fn(&Folders)| {
        let folders = Folders::differing(&[("sub/a", b"left", b"right")]);
        fs::write(folders.at("elsewhere/a"), secret).unwrap();
        put(&folders);
        let fault = folders.read("left").expect_err(name);
        assert_eq!(fault.code(), "folder::replaced", "{name}: {fault}");
    };
    check("a link to a file", &|folders| {
        fs::remove_file(folders.at("left/sub/a")).unwrap();
        symlink(folders.at("elsewhere/a"), folders.at("left/sub/a")).unwrap();
    });
    check("a link above it", &|folders| {
        fs::remove_dir_all(folders.at("left/sub")).unwrap();
        symlink(folders.at("elsewhere"), folders.at("left/sub")).unwrap();
    });
    check("nothing", &|folders| {
        fs::remove_file(folders.at("left/sub/a")).unwrap();
    });
    check("a directory", &|folders| {
        fs::remove_file(folders.at("left/sub/a")).unwrap();
        fs::create_dir(folders.at("left/sub/a")).unwrap();
    });
    check("a fifo", &|folders| {
        fs::remove_file(folders.at("left/sub/a")).unwrap();
        let at = folders.at("left/sub/a");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &at,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
    });
}

#[test]
fn only_versions_of_open_conflicts_are_read() {
    let folders = Folders::differing(&[("a", b"left", b"right")]);
    let code = |wish: &ReadVersion| folders.pair.read_version(wish).unwrap_err().code();
    for conflict in ["", "../a", "a", "000000000000"] {
        let wish = ReadVersion {
            conflict: conflict.to_owned(),
            ..folders.wish("left")
        };
        assert_eq!(code(&wish), "folder::no-conflict", "{conflict}");
    }
    for place in ["", "middle", "../left", "Left"] {
        assert_eq!(code(&folders.wish(place)), "folder::choice", "{place}");
    }
}

#[test]
fn a_deletion_and_a_directory_have_no_content() {
    let folders = Folders::differing(&[]);
    fs::write(folders.at("left/a"), "one").unwrap();
    fs::write(folders.at("left/stays"), "so that the folder is not empty").unwrap();
    let sync = |run| {
        folders
            .pair
            .sync(run, &[], &Silent, &Cancel::new())
            .unwrap()
    };
    sync("2");
    fs::remove_file(folders.at("left/a")).unwrap();
    fs::write(folders.at("right/a"), "changed").unwrap();
    sync("3");
    assert_eq!(
        folders.read("left").unwrap_err().code(),
        "folder::no-content"
    );
    assert_eq!(folders.read("right").unwrap().bytes().unwrap(), b"changed");
}

#[test]
fn the_content_of_a_link_is_where_it_leads() {
    let folders = Folders::differing(&[]);
    symlink("/etc/hostname", folders.at("left/a")).unwrap();
    fs::write(folders.at("right/a"), "a file").unwrap();
    folders
        .pair
        .sync("2", &[], &Silent, &Cancel::new())
        .unwrap();
    let left = folders.read("left").unwrap();
    assert_eq!(left.bytes().unwrap(), b"/etc/hostname");
}
