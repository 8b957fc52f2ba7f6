//! What the rest of the crate knows of a file system: open directories, whole reads, hashes, and the wall clock.

use std::io::{self, Read as _};
use std::path::Path;

#[cfg(all(test, target_os = "linux"))]
pub(crate) use crate::simulated::{Dir, File, file_meta, set_file_bits, set_file_mtime};
#[cfg(unix)]
use crate::sys_unix as sys;
#[cfg(windows)]
use crate::sys_windows as sys;
#[cfg(not(all(test, target_os = "linux")))]
pub(crate) use std::fs::File;
#[cfg(not(all(test, target_os = "linux")))]
pub(crate) use sys::{Dir, file_meta, set_file_bits, set_file_mtime};
pub(crate) use sys::{
    SHOWN_SEPARATOR, SYNCS_WHOLE, is_link_error, path_bytes, path_from_bytes, real_path,
};

use crate::observe::Cancel;
use crate::tree::{Hash, Kind, Meta, Time};

/// The block in which large files are read; the cancel flag is looked at between blocks.
pub(crate) const BLOCK_BYTES: usize = 1024 * 1024;
/// Files up to this size are read in one call.
pub(crate) const SMALL_BYTES: usize = 64 * 1024;
/// Largest file of our own (archive, journal, marker, conflicts) that is read into memory.
const OWN_FILE_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// Reads the wall clock.
#[expect(
    clippy::disallowed_methods,
    reason = "the folder edge compares file times with now and stamps its journal"
)]
pub(crate) fn now() -> Time {
    #[cfg(all(test, target_os = "linux"))]
    if let Some(time) = crate::simulated::now() {
        return time;
    }
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Time {
        sec: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        nsec: since.subsec_nanos(),
    }
}

/// Makes a directory, whose parent must be there.
pub(crate) fn make_dir(path: &Path) -> io::Result<()> {
    #[cfg(all(test, target_os = "linux"))]
    return crate::simulated::make_dirs(path, false);
    #[cfg(not(all(test, target_os = "linux")))]
    std::fs::create_dir(path)
}

/// Makes a directory and those that it is in; one that is there already is no error.
pub(crate) fn make_dirs(path: &Path) -> io::Result<()> {
    #[cfg(all(test, target_os = "linux"))]
    return crate::simulated::make_dirs(path, true);
    #[cfg(not(all(test, target_os = "linux")))]
    std::fs::create_dir_all(path)
}

/// Why the content of an entry could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadFault {
    #[error("it changed while it was read")]
    Changed,
    #[error("cancelled")]
    Cancelled,
    #[error(transparent)]
    System(#[from] io::Error),
}

/// Hashes the content of an entry that must be, and stay, the one whose metadata was read.
pub(crate) fn hash_entry(
    dir: &Dir,
    name: &[u8],
    expected: &Meta,
    buffer: &mut Vec<u8>,
    cancel: &Cancel,
) -> Result<Hash, ReadFault> {
    if expected.kind == Kind::Link {
        let target = dir.read_link(name)?;
        return if dir.stat(name)?.is_still(expected) {
            Ok(hash_bytes(&target))
        } else {
            Err(ReadFault::Changed)
        };
    }
    let mut file = dir.open_file(name)?;
    if !file_meta(&file)?.is_still(expected) {
        return Err(ReadFault::Changed);
    }
    let (hash, size) = pump(&mut file, expected.size, buffer, cancel, &mut |_| Ok(()))?;
    if size != expected.size || !file_meta(&file)?.is_still(expected) {
        return Err(ReadFault::Changed);
    }
    Ok(hash)
}

/// Reads a file to its end in blocks, hands each block on, and returns the hash and the size of what was read.
pub(crate) fn pump(
    file: &mut File,
    size: u64,
    buffer: &mut Vec<u8>,
    cancel: &Cancel,
    sink: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> Result<(Hash, u64), ReadFault> {
    // One byte more than expected, so that the end of a small file that did not grow is seen by the same call.
    let room = usize::try_from(size).map_or(BLOCK_BYTES, |s| {
        if s < SMALL_BYTES { s + 1 } else { BLOCK_BYTES }
    });
    if buffer.len() < room {
        buffer.resize(room, 0);
    }
    let mut hasher = blake3::Hasher::new();
    let mut done = 0u64;
    loop {
        if cancel.is_cancelled() {
            return Err(ReadFault::Cancelled);
        }
        let n = match file.read(&mut buffer[..room]) {
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        if n == 0 {
            break;
        }
        hasher.update(&buffer[..n]);
        sink(&buffer[..n])?;
        done += n as u64;
        if done == size && n < room {
            // Nothing more was there although there was room; the caller's look at the metadata proves the rest.
            break;
        }
        if done > size {
            return Err(ReadFault::Changed);
        }
    }
    Ok((*hasher.finalize().as_bytes(), done))
}

/// Hashes bytes in memory.
pub(crate) fn hash_bytes(bytes: &[u8]) -> Hash {
    *blake3::hash(bytes).as_bytes()
}

/// Reads a file of our own completely; `None` where it does not exist.
pub(crate) fn read_own(dir: &Dir, name: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut file = match dir.open_file(name) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let meta = file_meta(&file)?;
    if meta.kind != Kind::File {
        return Err(io::ErrorKind::InvalidData.into());
    }
    if meta.size > OWN_FILE_MAX {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(meta.size).unwrap_or(0) + 1);
    file.read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Replaces a file of our own at once and durably: temporary file, sync, rename, sync of the names.
pub(crate) fn write_own(dir: &Dir, name: &[u8], parts: &[&[u8]]) -> io::Result<()> {
    use std::io::Write as _;
    let mut temp = name.to_vec();
    temp.extend_from_slice(b".new");
    match dir.remove_file(&temp) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut file = dir.create_new(&temp, 0o600)?;
    let written = parts
        .iter()
        .try_for_each(|part| file.write_all(part))
        .and_then(|()| file.sync_all());
    if let Err(error) = written {
        drop(file);
        // The first error is the one to tell.
        drop(dir.remove_file(&temp));
        return Err(error);
    }
    drop(file);
    dir.rename_over(&temp, name)?;
    dir.sync_names()
}
