//! Files that only their owner may read, on Windows: what the profile directory they lie in passes on.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;

/// Creates an empty file; `false` when there is one already.
pub(crate) fn create_private(path: &Path) -> io::Result<bool> {
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether others than the owner may read or write the file; not looked at here.
pub(crate) fn open_to_others(_path: &Path) -> io::Result<bool> {
    Ok(false)
}
