//! Directories by path, where nothing is opened relative to another: each part of a path is looked at for links before it is
//! used. Whoever can change the directories meanwhile can change the files too.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

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
}

impl Stat {
    /// What is known of a file; nothing of anything else.
    pub(super) fn seen(&self) -> Option<Seen> {
        (self.kind == Kind::File).then_some(self.seen)
    }
}

/// A directory that was there.
#[derive(Debug)]
pub(super) struct Dir {
    path: PathBuf,
}

fn kind_of(file_type: fs::FileType) -> Kind {
    if file_type.is_symlink() {
        Kind::Other
    } else if file_type.is_dir() {
        Kind::Directory
    } else if file_type.is_file() {
        Kind::File
    } else {
        Kind::Other
    }
}

fn stat(found: &Metadata) -> Stat {
    let since = found
        .modified()
        .ok()
        .and_then(|at| at.duration_since(UNIX_EPOCH).ok())
        .unwrap_or_default();
    Stat {
        kind: kind_of(found.file_type()),
        seen: Seen {
            size: found.len(),
            modified_ms: i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        },
    }
}

/// What is known of an open file.
pub(super) fn stat_of(file: &File) -> io::Result<Stat> {
    Ok(stat(&file.metadata()?))
}

/// Whether something was not opened because it is a link.
pub(super) fn is_link(_: &io::Error) -> bool {
    false
}

impl Dir {
    /// Opens a directory that a person named, following links.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if fs::metadata(path)?.is_dir() {
            Ok(Self {
                path: path.to_owned(),
            })
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    }

    /// Opens a directory below this one, by no link.
    pub(super) fn below(&self, relative: &str) -> io::Result<Self> {
        let mut path = self.path.clone();
        for name in relative.split('/').filter(|name| !name.is_empty()) {
            if name == ".." {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            path.push(name);
            if kind_of(fs::symlink_metadata(&path)?.file_type()) != Kind::Directory {
                return Err(io::ErrorKind::NotADirectory.into());
            }
        }
        Ok(Self { path })
    }

    /// Calls `sink` with every name, until it wants no more.
    pub(super) fn list(&self, sink: &mut dyn FnMut(&OsStr, Kind) -> bool) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let Ok(file_type) = entry.file_type() else {
                continue;
            };
            if !sink(&entry.file_name(), kind_of(file_type)) {
                break;
            }
        }
        Ok(())
    }

    /// What is known of a name; nothing when nothing has it.
    pub(super) fn stat(&self, name: &str) -> io::Result<Option<Stat>> {
        match fs::symlink_metadata(self.path.join(name)) {
            Ok(found) => Ok(Some(stat(&found))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Opens a file for reading.
    pub(super) fn open_file(&self, name: &str) -> io::Result<File> {
        match self.stat(name)? {
            Some(found) if found.kind == Kind::File => File::open(self.path.join(name)),
            Some(_) => Err(io::Error::other("it is no file")),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Creates a file that did not exist, for writing.
    pub(super) fn create_new(&self, name: &str) -> io::Result<File> {
        File::options()
            .write(true)
            .create_new(true)
            .open(self.path.join(name))
    }

    /// Gives a file another name that nothing has.
    pub(super) fn rename_new(&self, from: &str, target: &Self, to: &str) -> io::Result<()> {
        if target.stat(to)?.is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        fs::rename(self.path.join(from), target.path.join(to))
    }

    /// Removes a file.
    pub(super) fn remove_file(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    /// Makes the names in this directory durable: the system does it by itself.
    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "elsewhere it can fail"
    )]
    pub(super) fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}
