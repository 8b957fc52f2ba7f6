//! Files that only their owner may read, on Unix.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// Creates an empty file that only its owner may read; `false` when there is one already.
pub(crate) fn create_private(path: &Path) -> io::Result<bool> {
    match OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether others than the owner may read or write the file.
pub(crate) fn open_to_others(path: &Path) -> io::Result<bool> {
    Ok(fs::metadata(path)?.permissions().mode() & 0o077 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Finding, OpenOptions, Store};

    #[test]
    fn every_file_of_a_new_database_is_for_its_owner_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("state.db");
        let store = Store::open(&path, &OpenOptions::default()).unwrap();
        let files: Vec<_> = fs::read_dir(home.path()).unwrap().collect();
        assert_eq!(
            files.len(),
            3,
            "the database, its log, and the index of that"
        );
        for file in files {
            let mode = file.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let findings = store.integrity().unwrap();
        assert!(
            findings.contains(&Finding::OpenToOthers(path)),
            "{findings:?}"
        );
    }
}
