//! Directories by descriptor on Unix: every operation is one name relative to an open directory and follows no link.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, CWD, FileType, Mode, OFlags, RenameFlags, Timespec, Timestamps};

use crate::tree::{Kind, Meta, Time};

/// An open directory.
#[derive(Debug)]
pub(crate) struct Dir {
    fd: OwnedFd,
}

/// Longest relative path handed to the kernel at once; PATH_MAX is 4,096 with the final NUL.
#[cfg(any(target_os = "linux", target_os = "android"))]
const PATH_CHUNK_MAX: usize = 4000;
/// Room for the names of one read of a directory.
#[cfg(any(target_os = "linux", target_os = "android"))]
const LIST_BUFFER: usize = 32 * 1024;

const OPEN_DIR: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

/// Whether one call makes everything written to a file system durable; otherwise each file is made durable by itself.
pub(crate) const SYNCS_WHOLE: bool = cfg!(any(target_os = "linux", target_os = "android"));

impl Dir {
    /// Opens a directory by an ordinary path, following links: the person named it.
    pub(crate) fn open_path(path: &Path) -> io::Result<Self> {
        Ok(Self {
            fd: fs::openat(CWD, path, OPEN_DIR, Mode::empty())?,
        })
    }

    /// Opens the parent of this directory; of the topmost directory this is the same directory.
    pub(crate) fn open_parent(&self) -> io::Result<Self> {
        Ok(Self {
            fd: fs::openat(&self.fd, "..", OPEN_DIR, Mode::empty())?,
        })
    }

    /// Opens a directory below this one, by no link and within the same mount.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(crate) fn open_dir(&self, rel: &[u8]) -> io::Result<Self> {
        let mut rest = rel;
        let mut at: Option<Self> = None;
        loop {
            let (chunk, after) = if rest.len() <= PATH_CHUNK_MAX {
                (rest, &b""[..])
            } else {
                // A single name is at most a few hundred bytes, so a separator is found; if not, the kernel refuses it.
                match rest[..PATH_CHUNK_MAX].iter().rposition(|b| *b == b'/') {
                    Some(cut) => (&rest[..cut], &rest[cut + 1..]),
                    None => (rest, &b""[..]),
                }
            };
            let next = at.as_ref().unwrap_or(self).open_chunk(chunk)?;
            if after.is_empty() {
                return Ok(next);
            }
            at = Some(next);
            rest = after;
        }
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn open_chunk(&self, chunk: &[u8]) -> io::Result<Self> {
        use rustix::fs::ResolveFlags;
        use rustix::io::Errno;
        if chunk.is_empty() {
            return Ok(Self {
                fd: fs::openat(&self.fd, ".", OPEN_DIR, Mode::empty())?,
            });
        }
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
        match fs::openat2(
            &self.fd,
            chunk,
            OPEN_DIR | OFlags::NOFOLLOW,
            Mode::empty(),
            resolve,
        ) {
            Ok(fd) => Ok(Self { fd }),
            // Kernels before 5.6 and some sandboxes do not have the call.
            Err(Errno::NOSYS | Errno::PERM) => self.open_steps(chunk),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens a directory below this one, by no link and within the same file system.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(crate) fn open_dir(&self, rel: &[u8]) -> io::Result<Self> {
        if rel.is_empty() {
            return Ok(Self {
                fd: fs::openat(&self.fd, ".", OPEN_DIR, Mode::empty())?,
            });
        }
        self.open_steps(rel)
    }

    fn open_steps(&self, rel: &[u8]) -> io::Result<Self> {
        let dev = self.stat_self()?.dev;
        let mut at: Option<Self> = None;
        for name in rel.split(|b| *b == b'/') {
            let from = at.as_ref().unwrap_or(self);
            let next = Self {
                fd: fs::openat(&from.fd, name, OPEN_DIR | OFlags::NOFOLLOW, Mode::empty())?,
            };
            if next.stat_self()?.dev != dev {
                return Err(io::ErrorKind::CrossesDevices.into());
            }
            at = Some(next);
        }
        at.ok_or_else(|| io::ErrorKind::InvalidInput.into())
    }

    /// Calls `sink` with every name in this directory, in the file system's order.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(crate) fn list(&self, buffer: &mut Vec<u8>, sink: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        buffer.clear();
        buffer.reserve(LIST_BUFFER);
        let mut raw = fs::RawDir::new(&self.fd, buffer.spare_capacity_mut());
        while let Some(entry) = raw.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                sink(name);
            }
        }
        Ok(())
    }

    /// Calls `sink` with every name in this directory, in the file system's order.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(crate) fn list(
        &self,
        _buffer: &mut Vec<u8>,
        sink: &mut dyn FnMut(&[u8]),
    ) -> io::Result<()> {
        for entry in fs::Dir::read_from(&self.fd)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                sink(name);
            }
        }
        Ok(())
    }

    /// Reads the metadata of a name.
    pub(crate) fn stat(&self, name: &[u8]) -> io::Result<Meta> {
        stat_at(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Reads the metadata of this directory.
    pub(crate) fn stat_self(&self) -> io::Result<Meta> {
        stat_at(&self.fd, b"", AtFlags::EMPTY_PATH)
    }

    /// Opens a file for reading; a fifo put in its place does not block.
    pub(crate) fn open_file(&self, name: &[u8]) -> io::Result<File> {
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        Ok(File::from(fs::openat(
            &self.fd,
            name,
            flags,
            Mode::empty(),
        )?))
    }

    /// Creates a file that did not exist, for writing.
    pub(crate) fn create_new(&self, name: &[u8], bits: u32) -> io::Result<File> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(fs::openat(
            &self.fd,
            name,
            flags,
            mode_of(bits),
        )?))
    }

    /// Opens a file of ours for appending, creating it where it is missing.
    pub(crate) fn open_append(&self, name: &[u8]) -> io::Result<File> {
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(fs::openat(
            &self.fd,
            name,
            flags,
            mode_of(0o600),
        )?))
    }

    /// Reads the target of a link.
    pub(crate) fn read_link(&self, name: &[u8]) -> io::Result<Vec<u8>> {
        Ok(fs::readlinkat(&self.fd, name, Vec::new())?.into_bytes())
    }

    /// Creates a link that did not exist.
    pub(crate) fn make_link(&self, name: &[u8], target: &[u8]) -> io::Result<()> {
        Ok(fs::symlinkat(target, &self.fd, name)?)
    }

    /// Creates a directory that did not exist.
    pub(crate) fn make_dir(&self, name: &[u8], bits: u32) -> io::Result<()> {
        Ok(fs::mkdirat(&self.fd, name, mode_of(bits))?)
    }

    /// Removes a file or link.
    pub(crate) fn remove_file(&self, name: &[u8]) -> io::Result<()> {
        Ok(fs::unlinkat(&self.fd, name, AtFlags::empty())?)
    }

    /// Removes an empty directory.
    pub(crate) fn remove_dir(&self, name: &[u8]) -> io::Result<()> {
        Ok(fs::unlinkat(&self.fd, name, AtFlags::REMOVEDIR)?)
    }

    /// Renames to a name that must not exist.
    pub(crate) fn rename_new(&self, from: &[u8], to_dir: &Self, to: &[u8]) -> io::Result<()> {
        use rustix::io::Errno;
        #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
        match fs::renameat_with(&self.fd, from, &to_dir.fd, to, RenameFlags::NOREPLACE) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
            other => return Ok(other?),
        }
        // The window between look and rename cannot be closed where the system has no such call.
        match to_dir.stat(to) {
            Ok(_) => Err(Errno::EXIST.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(fs::renameat(&self.fd, from, &to_dir.fd, to)?)
            }
            Err(error) => Err(error),
        }
    }

    /// Renames over whatever has that name; only for files of our own.
    pub(crate) fn rename_over(&self, from: &[u8], to: &[u8]) -> io::Result<()> {
        Ok(fs::renameat(&self.fd, from, &self.fd, to)?)
    }

    /// Exchanges two names of this directory at once; false where the file system cannot.
    pub(crate) fn exchange(&self, a: &[u8], b: &[u8]) -> io::Result<bool> {
        #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
        {
            use rustix::io::Errno;
            match fs::renameat_with(&self.fd, a, &self.fd, b, RenameFlags::EXCHANGE) {
                Ok(()) => Ok(true),
                Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(false),
                Err(error) => Err(error.into()),
            }
        }
        #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
        {
            let _ = (a, b);
            Ok(false)
        }
    }

    /// Sets the synchronized permission bits of a file or directory that must still be the expected one.
    pub(crate) fn set_bits(&self, name: &[u8], expected: &Meta, bits: u32) -> io::Result<()> {
        // Not by name: the name could have become a link to something outside.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = fs::openat(&self.fd, name, flags, Mode::empty())?;
        let now = stat_at(&fd, b"", AtFlags::EMPTY_PATH)?;
        if now.kind != expected.kind || now.ino != expected.ino || now.dev != expected.dev {
            return Err(io::ErrorKind::NotFound.into());
        }
        let mode = Mode::from_raw_mode(raw((now.mode & !crate::tree::MODE_MASK) | bits));
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            use std::os::fd::AsRawFd as _;
            let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
            Ok(fs::chmodat(CWD, path, mode, AtFlags::empty())?)
        }
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        {
            Ok(fs::fchmod(&fd, mode)?)
        }
    }

    /// Sets the modification time of a name.
    pub(crate) fn set_mtime(&self, name: &[u8], mtime: Time) -> io::Result<()> {
        Ok(fs::utimensat(
            &self.fd,
            name,
            &times(mtime),
            AtFlags::SYMLINK_NOFOLLOW,
        )?)
    }

    /// Makes the names in this directory durable, and on Linux everything else on its file system too.
    pub(crate) fn sync(&self) -> io::Result<()> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            Ok(fs::syncfs(&self.fd)?)
        }
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        {
            Ok(fs::fsync(&self.fd)?)
        }
    }

    /// Makes the names in this directory durable, where the file system does that for a directory at all.
    pub(crate) fn sync_names(&self) -> io::Result<()> {
        match fs::fsync(&self.fd) {
            Err(rustix::io::Errno::INVAL) => Ok(()),
            other => Ok(other?),
        }
    }
}

/// Reads the metadata of an open file.
pub(crate) fn file_meta(file: &File) -> io::Result<Meta> {
    stat_at(file, b"", AtFlags::EMPTY_PATH)
}

/// Sets the permission bits of a file of ours.
pub(crate) fn set_file_bits(file: &File, bits: u32) -> io::Result<()> {
    Ok(fs::fchmod(file, mode_of(bits))?)
}

/// Sets the modification time of a file of ours.
pub(crate) fn set_file_mtime(file: &File, mtime: Time) -> io::Result<()> {
    Ok(fs::futimens(file, &times(mtime))?)
}

/// Says whether a link stood where a directory was expected.
pub(crate) fn is_link_error(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

/// What stands between the names of a path when it is shown.
pub(crate) const SHOWN_SEPARATOR: char = '/';

/// The path without links, as it is kept and shown.
pub(crate) fn real_path(path: &Path) -> io::Result<PathBuf> {
    std::fs::canonicalize(path)
}

/// Returns the bytes of a path as this system gave them.
pub(crate) fn path_bytes(path: &Path) -> &[u8] {
    use std::os::unix::ffi::OsStrExt as _;
    path.as_os_str().as_bytes()
}

/// Makes a path of bytes that this system gave; any bytes are one.
#[expect(
    clippy::unnecessary_wraps,
    reason = "on other systems not all bytes are a path"
)]
pub(crate) fn path_from_bytes(bytes: Vec<u8>) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt as _;
    Some(std::ffi::OsString::from_vec(bytes).into())
}

fn mode_of(bits: u32) -> Mode {
    Mode::from_raw_mode(raw(bits & crate::tree::MODE_MASK))
}

const fn raw(mode: u32) -> fs::RawMode {
    // Twelve bits fit into the narrowest type that a system has for them.
    (mode & 0o7777) as fs::RawMode
}

fn times(mtime: Time) -> Timestamps {
    // UTIME_OMIT leaves the access time alone.
    Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: fs::UTIME_OMIT,
        },
        last_modification: Timespec {
            tv_sec: mtime.sec,
            tv_nsec: i64::from(mtime.nsec),
        },
    }
}

const fn kind_of(file_type: FileType) -> Kind {
    match file_type {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Dir,
        FileType::Symlink => Kind::Link,
        _ => Kind::Special,
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn stat_at(fd: impl AsFd, name: &[u8], flags: AtFlags) -> io::Result<Meta> {
    use rustix::fs::StatxFlags;
    let wanted = StatxFlags::TYPE
        | StatxFlags::MODE
        | StatxFlags::INO
        | StatxFlags::SIZE
        | StatxFlags::MTIME
        | StatxFlags::CTIME;
    let s = fs::statx(fd, name, flags | AtFlags::NO_AUTOMOUNT, wanted)?;
    Ok(Meta {
        kind: kind_of(FileType::from_raw_mode(s.stx_mode.into())),
        mode: u32::from(s.stx_mode) & 0o7777,
        size: s.stx_size,
        mtime: Time {
            sec: s.stx_mtime.tv_sec,
            nsec: s.stx_mtime.tv_nsec,
        },
        ctime: Time {
            sec: s.stx_ctime.tv_sec,
            nsec: s.stx_ctime.tv_nsec,
        },
        ino: s.stx_ino,
        dev: (u64::from(s.stx_dev_major) << 32) | u64::from(s.stx_dev_minor),
    })
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::unnecessary_cast,
    reason = "the fields have other widths on each system"
)]
fn stat_at(fd: impl AsFd, name: &[u8], flags: AtFlags) -> io::Result<Meta> {
    let s = if flags.contains(AtFlags::EMPTY_PATH) {
        fs::fstat(fd)?
    } else {
        fs::statat(fd, name, flags)?
    };
    Ok(Meta {
        kind: kind_of(FileType::from_raw_mode(s.st_mode)),
        mode: s.st_mode as u32 & 0o7777,
        size: s.st_size as u64,
        mtime: Time {
            sec: s.st_mtime as i64,
            nsec: s.st_mtime_nsec as u32,
        },
        ctime: Time {
            sec: s.st_ctime as i64,
            nsec: s.st_ctime_nsec as u32,
        },
        ino: s.st_ino as u64,
        dev: s.st_dev as u64,
    })
}
