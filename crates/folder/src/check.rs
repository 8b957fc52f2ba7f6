//! Whether two paths can be a pair at all.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::fs::Dir;
use crate::name::shown;
use crate::tree::{Meta, Side};

/// How many parents are looked at on the way up; far more than a path can have.
const PARENTS_MAX: usize = 100_000;

/// Why two paths cannot be a pair.
#[derive(Debug, Error)]
pub enum PairRefusal {
    /// A root is not there.
    #[error(
        "the {side} folder {} does not exist",
        shown(crate::fs::path_bytes(path))
    )]
    Missing {
        /// The side.
        side: Side,
        /// The path as it was given.
        path: PathBuf,
    },
    /// A root is not a directory.
    #[error(
        "the {side} folder {} is not a directory",
        shown(crate::fs::path_bytes(path))
    )]
    NotDirectory {
        /// The side.
        side: Side,
        /// The path as it was given.
        path: PathBuf,
    },
    /// A root cannot be read.
    #[error(
        "the {side} folder {} cannot be read",
        shown(crate::fs::path_bytes(path))
    )]
    Unreadable {
        /// The side.
        side: Side,
        /// The path as it was given.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Both are one directory.
    #[error("both folders are the same directory")]
    Same,
    /// One lies inside the other.
    #[error("the {inner} folder lies inside the {} folder", inner.other())]
    Nested {
        /// The side that lies inside.
        inner: Side,
    },
}

impl PairRefusal {
    /// Returns the stable name of this refusal.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "folder::root-missing",
            Self::NotDirectory { .. } => "folder::root-not-directory",
            Self::Unreadable { .. } => "folder::root-unreadable",
            Self::Same => "folder::same-directory",
            Self::Nested { .. } => "folder::nested",
        }
    }

    /// Says what can be done.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "create the folder, or mount the disk it is on",
            Self::NotDirectory { .. } => {
                "name a folder; single files are not synchronized by themselves"
            }
            Self::Unreadable { .. } => "give this user permission to read and enter the folder",
            Self::Same => {
                "name two different folders; links and bind mounts to one folder are one folder"
            }
            Self::Nested { .. } => "name two folders of which neither contains the other",
        }
    }

    /// Returns the side that is wrong, if it is one.
    #[must_use]
    pub const fn side(&self) -> Option<Side> {
        match self {
            Self::Missing { side, .. }
            | Self::NotDirectory { side, .. }
            | Self::Unreadable { side, .. } => Some(*side),
            Self::Nested { inner } => Some(*inner),
            Self::Same => None,
        }
    }
}

/// Two directories that can be a pair.
#[derive(Debug)]
pub struct Checked {
    pub(crate) roots: [Dir; 2],
    pub(crate) metas: [Meta; 2],
}

/// Checks that two paths can be a pair, and opens them.
///
/// # Errors
/// A refusal that names what is wrong.
pub fn check(left: &Path, right: &Path) -> Result<Checked, PairRefusal> {
    let left = open(Side::Left, left)?;
    let right = open(Side::Right, right)?;
    pair_up(left, right)
}

pub(crate) fn pair_up(left: (Dir, Meta), right: (Dir, Meta)) -> Result<Checked, PairRefusal> {
    if is_same(&left.1, &right.1) {
        return Err(PairRefusal::Same);
    }
    for (inner, dir, outer) in [
        (Side::Left, &left.0, &right.1),
        (Side::Right, &right.0, &left.1),
    ] {
        // A parent that cannot be opened ends the walk; what is above it is then not reached by this path.
        if is_inside(dir, outer).unwrap_or(false) {
            return Err(PairRefusal::Nested { inner });
        }
    }
    Ok(Checked {
        roots: [left.0, right.0],
        metas: [left.1, right.1],
    })
}

pub(crate) fn open(side: Side, path: &Path) -> Result<(Dir, Meta), PairRefusal> {
    let refuse = |error: io::Error| {
        let path = path.to_path_buf();
        match error.kind() {
            io::ErrorKind::NotFound => PairRefusal::Missing { side, path },
            io::ErrorKind::NotADirectory => PairRefusal::NotDirectory { side, path },
            _ => PairRefusal::Unreadable {
                side,
                path,
                source: error,
            },
        }
    };
    let dir = Dir::open_path(path).map_err(refuse)?;
    let meta = dir.stat_self().map_err(refuse)?;
    // A directory may be opened and still not be listed or entered.
    dir.list(&mut Vec::new(), &mut |_| {}).map_err(refuse)?;
    dir.open_dir(b"").map_err(refuse)?;
    Ok((dir, meta))
}

/// Says whether a folder that is missing could be made: the directory that it was in is there.
pub(crate) fn has_parent(path: &Path) -> bool {
    path.parent().is_some_and(Path::is_dir)
}

fn is_same(a: &Meta, b: &Meta) -> bool {
    a.ino == b.ino && a.dev == b.dev
}

fn is_inside(dir: &Dir, outer: &Meta) -> io::Result<bool> {
    let mut at = dir.open_parent()?;
    let mut meta = at.stat_self()?;
    for _ in 0..PARENTS_MAX {
        if is_same(&meta, outer) {
            return Ok(true);
        }
        let parent = at.open_parent()?;
        let above = parent.stat_self()?;
        if is_same(&above, &meta) {
            return Ok(false);
        }
        at = parent;
        meta = above;
    }
    Ok(false)
}
