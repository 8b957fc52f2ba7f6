//! Copies the database while it is in use.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use crate::fault::{BUSY_HINT, DatabaseError};
use crate::open::{Store, beside};
use crate::sys;

/// The copy was not made; there is nothing under its name.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is a file of that name, or of the name that is used until the copy is whole.
    #[error("{} exists already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be made.
    #[error("cannot write {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Somebody else holds one of the two longer than we wait.
    #[error("the database is held by somebody else")]
    Busy,
    /// SQLite failed.
    #[error("the database cannot be copied")]
    Database(#[from] DatabaseError),
}

impl From<rusqlite::Error> for BackupError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.into())
    }
}

impl BackupError {
    /// What to do about it, when something can be done.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Exists { .. } => Some("choose another name, or move that file away"),
            Self::Busy => Some(BUSY_HINT),
            Self::File { .. } | Self::Database(_) => None,
        }
    }
}

impl Store {
    /// Copies the database as it is now to a new file that only its owner may read. Until the copy is whole and on the
    /// disk, it bears the name `to` with `.part` at its end.
    ///
    /// # Errors
    /// [`BackupError`]; nothing is ever overwritten.
    pub fn backup(&self, to: &Path) -> Result<(), BackupError> {
        let exists = |path: &Path| BackupError::Exists {
            path: path.to_owned(),
        };
        if fs::symlink_metadata(to).is_ok() {
            return Err(exists(to));
        }
        let part = beside(to, ".part");
        let file = |source| BackupError::File {
            path: part.clone(),
            source,
        };
        if !sys::create_private(&part).map_err(file)? {
            return Err(exists(&part));
        }
        let copied = self.copy_to(&part).and_then(|()| {
            let whole = fs::OpenOptions::new().write(true).open(&part);
            whole.and_then(|whole| whole.sync_all()).map_err(file)?;
            fs::rename(&part, to).map_err(|source| BackupError::File {
                path: to.to_owned(),
                source,
            })
        });
        if copied.is_err() {
            // Should that fail too: what is left says by its name that it is no backup, and the first error tells more.
            drop(fs::remove_file(&part));
        }
        copied
    }

    fn copy_to(&self, part: &Path) -> Result<(), BackupError> {
        let mut copy = Connection::open_with_flags(
            part,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        copy.busy_timeout(self.busy)?;
        // All pages in one step: a step that others could write between would have to begin again.
        match Backup::new(&self.connection, &mut copy)?.step(-1)? {
            StepResult::Done => Ok(()),
            _ => Err(BackupError::Busy),
        }
    }
}
