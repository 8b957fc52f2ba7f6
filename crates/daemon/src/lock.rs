//! One manager a home: a lock that the system drops when its owner dies, with a note of who owns it.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Most bytes of the note that are read.
const MAX_NOTE_BYTES: u64 = 4096;

/// Who owns a home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Process number.
    pub pid: u32,
    /// When the process started, as the system counts it; tells a reused number from the old owner.
    pub start_time: Option<u64>,
    /// `daemon` or `command`.
    pub kind: String,
}

impl Owner {
    /// It stays, while a command goes when its work is done.
    #[must_use]
    pub fn is_daemon(&self) -> bool {
        self.kind == DAEMON
    }
}

/// The kind of an owner that is a daemon.
pub(crate) const DAEMON: &str = "daemon";

/// The held lock. Dropping it wipes the note and frees the lock; a dead owner leaves the note behind, which is how the
/// next one knows.
#[derive(Debug)]
pub struct HomeLock {
    file: File,
    /// The dead owner whose note was found, when there was one.
    pub taken_over_from: Option<Owner>,
}

/// Why the lock was not got.
#[derive(Debug, thiserror::Error)]
pub enum TakeLockError {
    /// Somebody alive holds it.
    #[error("another syncmgr manages this home")]
    Held {
        /// Who, as far as the note says.
        owner: Option<Owner>,
    },
    /// The file cannot be used.
    #[error("the lock file {} cannot be used", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
}

/// Tries to take the lock; does not wait.
///
/// # Errors
/// [`TakeLockError`].
pub fn take(path: &Path, me: &Owner) -> Result<HomeLock, TakeLockError> {
    let io = |cause| TakeLockError::Io {
        path: path.to_owned(),
        cause,
    };
    let mut file = crate::sys::private_file_options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(io)?;
    match crate::sys::try_lock(&file) {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => {
            return Err(TakeLockError::Held {
                owner: read_note(&mut file),
            });
        }
        Err(std::fs::TryLockError::Error(cause)) => return Err(io(cause)),
    }
    let taken_over_from = read_note(&mut file);
    write_note(&mut file, Some(me)).map_err(io)?;
    Ok(HomeLock {
        file,
        taken_over_from,
    })
}

fn read_note(file: &mut File) -> Option<Owner> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.take(MAX_NOTE_BYTES).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn write_note(file: &mut File, owner: Option<&Owner>) -> std::io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    if let Some(owner) = owner {
        file.write_all(serde_json::to_string(owner)?.as_bytes())?;
    }
    file.flush()
}

impl Drop for HomeLock {
    fn drop(&mut self) {
        // A note that could not be wiped only makes the next owner report a takeover.
        if write_note(&mut self.file, None).is_err() {
            tracing::debug!("the note in the lock file could not be wiped");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(pid: u32) -> Owner {
        Owner {
            pid,
            start_time: Some(7),
            kind: "command".into(),
        }
    }

    #[test]
    fn a_second_owner_is_told_who_the_first_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = take(&path, &owner(1)).unwrap();
        assert_eq!(held.taken_over_from, None);
        match take(&path, &owner(2)) {
            Err(TakeLockError::Held { owner: found }) => assert_eq!(found, Some(owner(1))),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_clean_end_leaves_no_note_and_a_dead_owner_does() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        drop(take(&path, &owner(1)).unwrap());
        assert_eq!(take(&path, &owner(2)).unwrap().taken_over_from, None);
        std::fs::write(&path, serde_json::to_string(&owner(3)).unwrap()).unwrap();
        assert_eq!(
            take(&path, &owner(4)).unwrap().taken_over_from,
            Some(owner(3))
        );
    }

    #[test]
    fn a_garbled_note_is_no_owner() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        std::fs::write(&path, [0xff; 9000]).unwrap();
        assert_eq!(take(&path, &owner(2)).unwrap().taken_over_from, None);
    }
}
