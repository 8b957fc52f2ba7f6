//! Two folders with a pair, and trees as values that can be compared.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "each test crate uses its part, and a world that cannot be made ends the test"
)]

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use syncmgr_folder::{
    Cancel, GuardAnswer, GuardLimits, Observer, Outcome, Pair, Plan, Settings, Silent, SyncFault,
};

/// One entry of a tree, with everything that is synchronized.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Node {
    File {
        data: Vec<u8>,
        mode: u32,
        mtime: (i64, i64),
    },
    Dir {
        mode: u32,
    },
    Link {
        target: Vec<u8>,
    },
    Special,
}

pub(crate) type Tree = BTreeMap<Vec<u8>, Node>;

pub(crate) struct World {
    pub(crate) home: tempfile::TempDir,
    pub(crate) pair: Pair,
    runs: std::cell::Cell<u32>,
}

impl World {
    pub(crate) fn new() -> Self {
        // In memory where that is possible: nothing here is about what a disk does.
        let memory = Path::new("/dev/shm");
        let home = tempfile::tempdir_in(memory)
            .or_else(|_| tempfile::tempdir())
            .unwrap();
        let at = |name: &str| home.path().join(name);
        std::fs::create_dir(at("left")).unwrap();
        std::fs::create_dir(at("right")).unwrap();
        let settings = Settings {
            limits: GuardLimits {
                share_percent: 100,
                count: 1_000_000,
            },
            ..Settings::default()
        };
        let pair = Pair {
            id: "test".to_owned(),
            left: at("left"),
            right: at("right"),
            state_dir: at("state"),
            settings,
        };
        Self {
            home,
            pair,
            runs: std::cell::Cell::new(0),
        }
    }

    pub(crate) fn left(&self, path: &str) -> PathBuf {
        self.pair.left.join(path)
    }

    pub(crate) fn right(&self, path: &str) -> PathBuf {
        self.pair.right.join(path)
    }

    pub(crate) fn next_run(&self) -> String {
        self.runs.set(self.runs.get() + 1);
        format!("run-{}", self.runs.get())
    }

    pub(crate) fn try_sync(
        &self,
        answers: &[GuardAnswer],
        observer: &dyn Observer,
    ) -> Result<Outcome, SyncFault> {
        self.pair
            .sync(&self.next_run(), answers, observer, &Cancel::new())
    }

    /// Synchronizes and expects that nothing is wrong.
    #[track_caller]
    pub(crate) fn sync(&self) -> Outcome {
        let outcome = self.try_sync(&[], &Silent).unwrap();
        assert_eq!(outcome.findings, Vec::new());
        assert_eq!(outcome.held, None);
        outcome
    }

    #[track_caller]
    pub(crate) fn plan(&self) -> Plan {
        self.pair.plan(&[], &Silent, &Cancel::new()).unwrap()
    }

    #[track_caller]
    pub(crate) fn assert_in_sync(&self) {
        let (left, right) = (tree(&self.pair.left), tree(&self.pair.right));
        assert_eq!(left, right);
        assert_eq!(strays(&self.pair.left), Vec::<PathBuf>::new());
        assert_eq!(strays(&self.pair.right), Vec::<PathBuf>::new());
    }
}

pub(crate) fn write(path: impl AsRef<Path>, data: impl AsRef<[u8]>) {
    std::fs::write(path, data).unwrap();
}

pub(crate) fn chmod(path: impl AsRef<Path>, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Reads a tree without what belongs to the program.
pub(crate) fn tree(root: &Path) -> Tree {
    let mut nodes = Tree::new();
    walk(root, &mut |path, meta| {
        let rel = path
            .strip_prefix(root)
            .unwrap()
            .as_os_str()
            .as_bytes()
            .to_vec();
        let mode = meta.mode() & 0o777;
        let node = if meta.is_dir() {
            Node::Dir { mode }
        } else if meta.is_symlink() {
            Node::Link {
                target: std::fs::read_link(path)
                    .unwrap()
                    .as_os_str()
                    .as_bytes()
                    .to_vec(),
            }
        } else if meta.is_file() {
            Node::File {
                data: std::fs::read(path).unwrap(),
                mode,
                mtime: (meta.mtime(), meta.mtime_nsec()),
            }
        } else {
            Node::Special
        };
        nodes.insert(rel, node);
    });
    nodes
}

/// Everything below a directory with all of its metadata, the program's own files included.
pub(crate) fn exact(root: &Path) -> BTreeMap<PathBuf, [i128; 7]> {
    let mut all = BTreeMap::new();
    let mut pending = vec![root.to_path_buf()];
    while let Some(path) = pending.pop() {
        let Ok(m) = std::fs::symlink_metadata(&path) else {
            continue;
        };
        if m.is_dir() {
            pending.extend(std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
        }
        let times = [m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec()].map(i128::from);
        let [a, b, c, d] = times;
        all.insert(
            path,
            [m.ino().into(), m.mode().into(), m.size().into(), a, b, c, d],
        );
    }
    all
}

/// Temporary files that were left somewhere.
pub(crate) fn strays(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![root.to_path_buf()];
    while let Some(dir) = pending.pop() {
        for entry in std::fs::read_dir(&dir).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name().as_bytes().starts_with(b".syncmgr-tmp-") {
                found.push(entry.path());
            }
            if entry.file_type().unwrap().is_dir() {
                pending.push(entry.path());
            }
        }
    }
    found
}

fn walk(root: &Path, visit: &mut dyn FnMut(&Path, &std::fs::Metadata)) {
    let mut pending = vec![root.to_path_buf()];
    while let Some(dir) = pending.pop() {
        for entry in std::fs::read_dir(&dir).unwrap() {
            let entry = entry.unwrap();
            if syncmgr_folder::is_ours(entry.file_name().as_bytes()) {
                continue;
            }
            let meta = std::fs::symlink_metadata(entry.path()).unwrap();
            visit(&entry.path(), &meta);
            if meta.is_dir() {
                pending.push(entry.path());
            }
        }
    }
}
