//! Directories by descriptor: every operation is one name relative to an open directory and follows no link.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{self, AtFlags, CWD, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::Seen;

/// What a name in a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    /// A link, a device, or what else is neither.
    Other,
}

/// What is known of a name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stat {
    kind: Kind,
    seen: Seen,
    device: u64,
}

impl Stat {
    /// What is known of a file; nothing of anything else.
    pub(super) fn seen(&self) -> Option<Seen> {
        (self.kind == Kind::File).then_some(self.seen)
    }
}

/// An open directory.
#[derive(Debug)]
pub(super) struct Dir {
    fd: OwnedFd,
}

const OPEN_DIR: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

fn kind_of(file_type: FileType) -> Kind {
    match file_type {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        _ => Kind::Other,
    }
}

#[allow(
    clippy::allow_attributes,
    clippy::useless_conversion,
    clippy::unnecessary_cast,
    clippy::cast_sign_loss,
    reason = "the fields have other types on other systems; a size is never negative, and a device is a bit pattern"
)]
fn stat(stat: &fs::Stat) -> Stat {
    let nanos = i64::try_from(stat.st_mtime_nsec).unwrap_or(0);
    let modified_ms = i64::from(stat.st_mtime)
        .saturating_mul(1000)
        .saturating_add(nanos / 1_000_000);
    Stat {
        kind: kind_of(FileType::from_raw_mode(stat.st_mode)),
        seen: Seen {
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified_ms,
        },
        device: stat.st_dev as u64,
    }
}

/// What is known of an open file.
pub(super) fn stat_of(file: &File) -> io::Result<Stat> {
    Ok(stat(&fs::fstat(file)?))
}

/// Whether something was not opened because it is a link.
pub(super) fn is_link(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::LOOP.raw_os_error())
}

impl Dir {
    /// Opens a directory that a person named, following links.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let fd = fs::openat(CWD, path, OPEN_DIR, Mode::empty())?;
        Ok(Self { fd })
    }

    /// Opens a directory below this one, by no link and within the same file system.
    pub(super) fn below(&self, relative: &str) -> io::Result<Self> {
        let device = stat(&fs::fstat(&self.fd)?).device;
        let mut at = Self {
            fd: fs::openat(&self.fd, ".", OPEN_DIR, Mode::empty())?,
        };
        for name in relative.split('/').filter(|name| !name.is_empty()) {
            if name == ".." {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            let fd = fs::openat(&at.fd, name, OPEN_DIR | OFlags::NOFOLLOW, Mode::empty())?;
            if stat(&fs::fstat(&fd)?).device != device {
                return Err(io::ErrorKind::CrossesDevices.into());
            }
            at = Self { fd };
        }
        Ok(at)
    }

    /// Calls `sink` with every name, until it wants no more.
    pub(super) fn list(&self, sink: &mut dyn FnMut(&OsStr, Kind) -> bool) -> io::Result<()> {
        for entry in fs::Dir::read_from(&self.fd)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            let kind = match entry.file_type() {
                FileType::Unknown => {
                    match fs::statat(&self.fd, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
                        Ok(found) => stat(&found).kind,
                        Err(_) => continue,
                    }
                }
                known => kind_of(known),
            };
            if !sink(OsStr::from_bytes(name), kind) {
                break;
            }
        }
        Ok(())
    }

    /// What is known of a name; nothing when nothing has it.
    pub(super) fn stat(&self, name: &str) -> io::Result<Option<Stat>> {
        match fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => Ok(Some(stat(&found))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens a file for reading; a fifo put in its place does not block.
    pub(super) fn open_file(&self, name: &str) -> io::Result<File> {
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        Ok(File::from(fs::openat(
            &self.fd,
            name,
            flags,
            Mode::empty(),
        )?))
    }

    /// Creates a file that did not exist, for writing by this user alone.
    pub(super) fn create_new(&self, name: &str) -> io::Result<File> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        Ok(File::from(fs::openat(&self.fd, name, flags, mode)?))
    }

    /// Gives a file another name that nothing has.
    pub(super) fn rename_new(&self, from: &str, target: &Self, to: &str) -> io::Result<()> {
        #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
        match fs::renameat_with(&self.fd, from, &target.fd, to, RenameFlags::NOREPLACE) {
            // Some file systems do not know the flag.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            moved => return Ok(moved?),
        }
        match fs::linkat(&self.fd, from, &target.fd, to, AtFlags::empty()) {
            Ok(()) => return Ok(fs::unlinkat(&self.fd, from, AtFlags::empty())?),
            Err(Errno::PERM | Errno::NOTSUP | Errno::MLINK | Errno::NOSYS) => {}
            Err(error) => return Err(error.into()),
        }
        // Neither is there: what is seen just before must do.
        if target.stat(to)?.is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        Ok(fs::renameat(&self.fd, from, &target.fd, to)?)
    }

    /// Removes a file.
    pub(super) fn remove_file(&self, name: &str) -> io::Result<()> {
        Ok(fs::unlinkat(&self.fd, name, AtFlags::empty())?)
    }

    /// Makes the names in this directory durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        match fs::fsync(&self.fd) {
            // Some file systems cannot; then they do it by themselves.
            Ok(()) | Err(Errno::INVAL | Errno::NOTSUP) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
