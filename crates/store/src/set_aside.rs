//! Moves a damaged database out of the way, when a person asks for it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::open::beside;

/// Most databases set aside beside each other.
pub const MAX_SET_ASIDE: u32 = 1000;

/// The files that SQLite keeps for one database. The database goes first: killed after that, what remains is a log
/// without a database, which [`Store::open`](crate::Store::open) refuses, and this goes on with.
const PARTS: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// Where the damaged database is kept from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// The database; its log lies beside it.
    pub to: PathBuf,
}

/// The damaged database could not be set aside.
#[derive(Debug, thiserror::Error)]
pub enum SetAsideError {
    /// There is nothing to set aside.
    #[error("there is no database at {}", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// Every name is taken.
    #[error("there are {MAX_SET_ASIDE} damaged databases beside {} already", path.display())]
    TooMany {
        /// The database.
        path: PathBuf,
    },
    /// A file cannot be renamed.
    #[error("cannot rename {}", path.display())]
    Rename {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Renames the database and its log to the first free name of the form `NAME.damaged-N`; the next
/// [`Store::open`](crate::Store::open) begins a new one. Never called unless a person asked for it, and only while
/// nobody has the database open.
///
/// # Errors
/// [`SetAsideError`]; called again, it goes on where it stopped.
pub fn set_aside_damaged(path: &Path) -> Result<SetAside, SetAsideError> {
    let exists = |path: &Path| fs::symlink_metadata(path).is_ok();
    if !PARTS.iter().any(|part| exists(&beside(path, part))) {
        return Err(SetAsideError::Missing {
            path: path.to_owned(),
        });
    }
    let candidates = (1..=MAX_SET_ASIDE).map(|number| beside(path, &format!(".damaged-{number}")));
    let free = |to: &PathBuf| PARTS.iter().all(|part| !exists(&beside(to, part)));
    let to = if exists(path) {
        candidates.clone().find(free)
    } else {
        // Left over from a time before: belongs to the last one that was set aside, when that has no log yet.
        candidates
            .clone()
            .take_while(|to| exists(to))
            .last()
            .filter(|to| PARTS[1..].iter().all(|part| !exists(&beside(to, part))))
            .or_else(|| candidates.clone().find(free))
    };
    let to = to.ok_or_else(|| SetAsideError::TooMany {
        path: path.to_owned(),
    })?;
    for part in PARTS {
        let from = beside(path, part);
        if exists(&from) {
            fs::rename(&from, beside(&to, part)).map_err(|source| SetAsideError::Rename {
                path: from.clone(),
                source,
            })?;
        }
    }
    Ok(SetAside { to })
}
