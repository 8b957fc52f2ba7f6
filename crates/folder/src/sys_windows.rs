//! Directories by handle on Windows, through `cap-std`: nothing below a directory leaves it.
//!
//! Permission bits do not exist here and are zero. Two names cannot be exchanged at once, and a rename cannot be told not
//! to replace, so those windows are narrowed by looking first.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cap_std::ambient_authority;
use cap_std::fs::{Dir as CapDir, Metadata, MetadataExt as _, OpenOptions};
use cap_std::time::SystemTime as CapTime;

use crate::tree::{Kind, Meta, Time};

/// An open directory.
#[derive(Debug)]
pub(crate) struct Dir {
    dir: CapDir,
    path: PathBuf,
}

/// Whether one call makes everything written to a file system durable; otherwise each file is made durable by itself.
pub(crate) const SYNCS_WHOLE: bool = false;

impl Dir {
    /// Opens a directory by an ordinary path, following links: the person named it.
    pub(crate) fn open_path(path: &Path) -> io::Result<Self> {
        let path = std::fs::canonicalize(path)?;
        Ok(Self {
            dir: CapDir::open_ambient_dir(&path, ambient_authority())?,
            path,
        })
    }

    /// Opens the parent of this directory; of the topmost directory this is the same directory.
    pub(crate) fn open_parent(&self) -> io::Result<Self> {
        Self::open_path(self.path.parent().unwrap_or(&self.path))
    }

    /// Opens a directory below this one, by no link.
    pub(crate) fn open_dir(&self, rel: &[u8]) -> io::Result<Self> {
        let mut at = Self {
            dir: self.dir.try_clone()?,
            path: self.path.clone(),
        };
        for name in rel.split(|b| *b == b'/').filter(|name| !name.is_empty()) {
            let name = native(name)?;
            if at.dir.symlink_metadata(&name)?.is_symlink() {
                return Err(io::ErrorKind::NotADirectory.into());
            }
            at = Self {
                dir: at.dir.open_dir(&name)?,
                path: at.path.join(&name),
            };
        }
        Ok(at)
    }

    /// Calls `sink` with every name in this directory, in the file system's order.
    pub(crate) fn list(
        &self,
        _buffer: &mut Vec<u8>,
        sink: &mut dyn FnMut(&[u8]),
    ) -> io::Result<()> {
        for entry in self.dir.entries()? {
            sink(entry?.file_name().as_encoded_bytes());
        }
        Ok(())
    }

    /// Reads the metadata of a name.
    pub(crate) fn stat(&self, name: &[u8]) -> io::Result<Meta> {
        Ok(meta_of(&self.dir.symlink_metadata(native(name)?)?))
    }

    /// Reads the metadata of this directory.
    pub(crate) fn stat_self(&self) -> io::Result<Meta> {
        let mut meta = meta_of(&self.dir.dir_metadata()?);
        // Two handles of the same directory have the same canonical path; its hash stands in for a file number.
        let hash = blake3::hash(self.path.as_os_str().as_encoded_bytes());
        let mut number = [0; 8];
        number.copy_from_slice(&hash.as_bytes()[..8]);
        meta.ino = u64::from_le_bytes(number);
        Ok(meta)
    }

    /// Opens a file for reading.
    pub(crate) fn open_file(&self, name: &[u8]) -> io::Result<File> {
        let name = native(name)?;
        if self.dir.symlink_metadata(&name)?.is_symlink() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(self.dir.open(name)?.into_std())
    }

    /// Creates a file that did not exist, for writing.
    pub(crate) fn create_new(&self, name: &[u8], _bits: u32) -> io::Result<File> {
        Ok(self
            .dir
            .open_with(
                native(name)?,
                OpenOptions::new().write(true).create_new(true),
            )?
            .into_std())
    }

    /// Opens a file of ours for appending, creating it where it is missing.
    pub(crate) fn open_append(&self, name: &[u8]) -> io::Result<File> {
        Ok(self
            .dir
            .open_with(
                native(name)?,
                OpenOptions::new().read(true).append(true).create(true),
            )?
            .into_std())
    }

    /// Reads the target of a link.
    pub(crate) fn read_link(&self, name: &[u8]) -> io::Result<Vec<u8>> {
        Ok(self
            .dir
            .read_link_contents(native(name)?)?
            .into_os_string()
            .into_encoded_bytes())
    }

    /// Creates a link that did not exist.
    pub(crate) fn make_link(&self, name: &[u8], target: &[u8]) -> io::Result<()> {
        self.dir.symlink_file(native(target)?, native(name)?)
    }

    /// Creates a directory that did not exist.
    pub(crate) fn make_dir(&self, name: &[u8], _bits: u32) -> io::Result<()> {
        self.dir.create_dir(native(name)?)
    }

    /// Removes a file or link.
    pub(crate) fn remove_file(&self, name: &[u8]) -> io::Result<()> {
        self.dir.remove_file(native(name)?)
    }

    /// Removes an empty directory.
    pub(crate) fn remove_dir(&self, name: &[u8]) -> io::Result<()> {
        self.dir.remove_dir(native(name)?)
    }

    /// Renames to a name that must not exist.
    pub(crate) fn rename_new(&self, from: &[u8], to_dir: &Self, to: &[u8]) -> io::Result<()> {
        let to = native(to)?;
        match to_dir.dir.symlink_metadata(&to) {
            Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.dir.rename(native(from)?, &to_dir.dir, to)
            }
            Err(error) => Err(error),
        }
    }

    /// Renames over whatever has that name; only for files of our own.
    pub(crate) fn rename_over(&self, from: &[u8], to: &[u8]) -> io::Result<()> {
        self.dir.rename(native(from)?, &self.dir, native(to)?)
    }

    /// Exchanges two names of this directory at once; this system cannot.
    #[expect(
        clippy::unused_self,
        reason = "the same signature as on systems that can"
    )]
    pub(crate) fn exchange(&self, _a: &[u8], _b: &[u8]) -> io::Result<bool> {
        Ok(false)
    }

    /// Sets the synchronized permission bits; there are none here.
    #[expect(
        clippy::unused_self,
        reason = "the same signature as on systems that have them"
    )]
    pub(crate) fn set_bits(&self, _name: &[u8], _expected: &Meta, _bits: u32) -> io::Result<()> {
        Ok(())
    }

    /// Sets the modification time of a name.
    pub(crate) fn set_mtime(&self, name: &[u8], mtime: Time) -> io::Result<()> {
        let name = native(name)?;
        if self.dir.symlink_metadata(&name)?.is_symlink()
            || self.dir.symlink_metadata(&name)?.is_dir()
        {
            return Ok(());
        }
        let file = self
            .dir
            .open_with(name, OpenOptions::new().write(true))?
            .into_std();
        set_file_mtime(&file, mtime)
    }

    /// Makes the names in this directory durable; the system does so by itself.
    #[expect(
        clippy::unused_self,
        reason = "the same signature as on systems that must be asked"
    )]
    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    /// Makes the names in this directory durable; the system does so by itself.
    #[expect(
        clippy::unused_self,
        reason = "the same signature as on systems that must be asked"
    )]
    pub(crate) fn sync_names(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads the metadata of an open file.
pub(crate) fn file_meta(file: &File) -> io::Result<Meta> {
    Ok(meta_of(&Metadata::from_file(file)?))
}

/// Sets the permission bits of a file of ours; there are none here.
pub(crate) fn set_file_bits(_file: &File, _bits: u32) -> io::Result<()> {
    Ok(())
}

/// Sets the modification time of a file of ours.
pub(crate) fn set_file_mtime(file: &File, mtime: Time) -> io::Result<()> {
    let time = if let Ok(sec) = u64::try_from(mtime.sec) {
        UNIX_EPOCH.checked_add(Duration::new(sec, mtime.nsec))
    } else {
        UNIX_EPOCH
            .checked_sub(Duration::from_secs(mtime.sec.unsigned_abs()))
            .and_then(|t| t.checked_add(Duration::from_nanos(mtime.nsec.into())))
    };
    file.set_modified(time.ok_or(io::ErrorKind::InvalidInput)?)
}

/// Says whether a link stood where a directory was expected; here such an error is "not a directory".
pub(crate) const fn is_link_error(_error: &io::Error) -> bool {
    false
}

/// What stands between the names of a path when it is shown.
pub(crate) const SHOWN_SEPARATOR: char = '\\';

/// Longest path that every program takes without the prefix that [`real_path`] takes away; directories must leave room
/// for a short name.
const MAX_PLAIN_UNITS: usize = 247;

/// The path without links, as it is kept and shown: like people write it, unless it is too long for that.
pub(crate) fn real_path(path: &Path) -> io::Result<PathBuf> {
    let real = std::fs::canonicalize(path)?;
    Ok(plain(&real).unwrap_or(real))
}

/// The same path as people write it: `C:\x` for `\\?\C:\x`, `\\server\share` for `\\?\UNC\server\share`.
fn plain(path: &Path) -> Option<PathBuf> {
    use std::path::{Component, Prefix};
    let mut components = path.components();
    let Some(Component::Prefix(prefix)) = components.next() else {
        return None;
    };
    let start = match prefix.kind() {
        Prefix::VerbatimDisk(disk) => format!("{}:", char::from(disk)),
        Prefix::VerbatimUNC(server, share) => {
            format!(r"\\{}\{}", server.to_str()?, share.to_str()?)
        }
        _ => return None,
    };
    let rest = components.as_path().to_str()?;
    // These would mean something else without the prefix.
    let harmless = rest
        .split('\\')
        .all(|name| !name.ends_with(['.', ' ']) && !is_device(name));
    let whole = start + rest;
    (harmless && whole.encode_utf16().count() <= MAX_PLAIN_UNITS).then(|| whole.into())
}

/// Whether a name is one that Windows takes for a device, with whatever ending.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let upper = stem.to_ascii_uppercase();
    matches!(
        &*upper,
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$"
    ) || ["COM", "LPT"].iter().any(|kind| {
        upper
            .strip_prefix(kind)
            .is_some_and(|number| number.chars().count() == 1)
    })
}

/// Returns the bytes of a path as this system gave them.
pub(crate) fn path_bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

/// Makes a path of bytes that this system gave; bytes that are no Unicode are none here.
pub(crate) fn path_from_bytes(bytes: Vec<u8>) -> Option<PathBuf> {
    String::from_utf8(bytes).ok().map(PathBuf::from)
}

/// Makes a native name of bytes that once came from this system; anything else is refused.
fn native(name: &[u8]) -> io::Result<PathBuf> {
    // Names that are no Unicode cannot be made again from bytes without unsafe code; they are refused one by one.
    std::str::from_utf8(name)
        .map(PathBuf::from)
        .map_err(|_| io::ErrorKind::InvalidFilename.into())
}

fn meta_of(meta: &Metadata) -> Meta {
    let kind = if meta.is_symlink() {
        Kind::Link
    } else if meta.is_dir() {
        Kind::Dir
    } else if meta.is_file() {
        Kind::File
    } else {
        Kind::Special
    };
    let mtime = meta
        .modified()
        .map(CapTime::into_std)
        .map_or_else(|_| Time::default(), time_of);
    Meta {
        kind,
        mode: 0,
        size: meta.file_size(),
        mtime,
        ctime: Time::default(),
        ino: 0,
        dev: 0,
    }
}

fn time_of(time: SystemTime) -> Time {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => Time {
            sec: i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
            nsec: after.subsec_nanos(),
        },
        Err(before) => {
            let before = before.duration();
            let sec = -i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
            match before.subsec_nanos() {
                0 => Time { sec, nsec: 0 },
                nanos => Time {
                    sec: sec - 1,
                    nsec: 1_000_000_000 - nanos,
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_kept_as_people_write_them() {
        let check = |from: &str, to: Option<&str>| {
            assert_eq!(plain(Path::new(from)), to.map(PathBuf::from), "{from}");
        };
        check(r"\\?\C:\pairs\Größe a", Some(r"C:\pairs\Größe a"));
        check(r"\\?\C:\", Some(r"C:\"));
        check(r"\\?\UNC\nas\home\x", Some(r"\\nas\home\x"));
        check(r"C:\pairs", None);
        check(r"\\?\C:\pairs\nul.txt", None);
        check(r"\\?\C:\pairs\com1\x", None);
        check(r"\\?\C:\pairs\trailing ", None);
        check(r"\\?\C:\pairs\trailing.", None);
        check(&format!(r"\\?\C:\{}", "x".repeat(250)), None);
        check(r"\\?\C:\pairs\common", Some(r"C:\pairs\common"));
    }
}
