//! A file system for tests, under the same algorithm as the real one: every call can fail, stop the process or cut the
//! power, and what survives is chosen by a seed.
//!
//! In tests [`Dir`] and [`File`] are either the system's or simulated; a path below `/simulated/N` names disk `N`. The
//! shipped program does not contain this module.

mod campaign;
mod disk;

use std::cell::Cell;
use std::collections::HashMap;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Component, Path};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::sys_unix as sys;
use crate::tree::{Kind, Meta, Time};
use disk::{Call, Disk};

/// The first name of every simulated path.
const PREFIX: &str = "simulated";

static DISKS: Mutex<Option<HashMap<u64, Arc<Disk>>>> = Mutex::new(None);
static NEXT: AtomicU64 = AtomicU64::new(1);

thread_local! {
    /// What the clock says to the thread that plays a simulated disk.
    static NOW: Cell<Option<Time>> = const { Cell::new(None) };
}

/// The simulated time of this thread, if it plays.
pub(crate) fn now() -> Option<Time> {
    NOW.get()
}

fn set_now(time: Option<Time>) {
    NOW.set(time);
}

/// A disk that is mounted below `/simulated` as long as this lives.
struct Mounted {
    id: u64,
    disk: Arc<Disk>,
}

impl Mounted {
    fn new(disk: Disk) -> Self {
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let disk = Arc::new(disk);
        let mut disks = DISKS.lock().unwrap_or_else(PoisonError::into_inner);
        disks
            .get_or_insert_with(HashMap::new)
            .insert(id, disk.clone());
        Self { id, disk }
    }

    fn path(&self, rel: &str) -> std::path::PathBuf {
        format!("/{PREFIX}/{}/{rel}", self.id).into()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let mut disks = DISKS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(disks) = &mut *disks {
            disks.remove(&self.id);
        }
        set_now(None);
    }
}

/// The simulated place that a path names: its disk, and the names below that.
fn place_of(path: &Path) -> Option<(Arc<Disk>, Vec<Vec<u8>>)> {
    use std::os::unix::ffi::OsStrExt as _;
    let mut names = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.as_bytes().to_vec()),
        _ => None,
    });
    if names.next()? != PREFIX.as_bytes() {
        return None;
    }
    let id: u64 = String::from_utf8(names.next()?).ok()?.parse().ok()?;
    let disks = DISKS.lock().unwrap_or_else(PoisonError::into_inner);
    let disk = disks.as_ref()?.get(&id)?.clone();
    Some((disk, names.collect()))
}

/// Makes the directory of a path; its parents too where that is wanted.
pub(crate) fn make_dirs(path: &Path, parents: bool) -> io::Result<()> {
    let Some((disk, names)) = place_of(path) else {
        return if parents {
            std::fs::create_dir_all(path)
        } else {
            std::fs::create_dir(path)
        };
    };
    let mut at = disk.root();
    let last = names.len().saturating_sub(1);
    for (n, name) in names.iter().enumerate() {
        match disk.call(at.dev(), Call::Name, |state| {
            state.make_dir(at.ino, name, 0o700)
        }) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && (parents || n < last) => {
            }
            other => other?,
        }
        at = at.child(name)?;
    }
    Ok(())
}

/// A directory or a file of a simulated disk, as an open handle of one life of the process.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    disk: Arc<Disk>,
    ino: u64,
    life: u64,
}

impl Place {
    fn dev(&self) -> u64 {
        self.disk.dev_of(self.ino)
    }

    fn call<T>(
        &self,
        call: Call,
        work: impl FnOnce(&mut disk::State) -> io::Result<T>,
    ) -> io::Result<T> {
        if self.life != self.disk.life() {
            return Err(disk::broken());
        }
        self.disk.call(self.dev(), call, work)
    }

    fn child(&self, name: &[u8]) -> io::Result<Self> {
        let ino = self.call(Call::Look, |state| state.open_dir(self.ino, name))?;
        Ok(Self {
            ino,
            ..self.clone()
        })
    }
}

/// An open directory.
#[derive(Debug)]
pub(crate) enum Dir {
    System(sys::Dir),
    Simulated(Place),
}

/// An open file.
#[derive(Debug)]
pub(crate) enum File {
    System(std::fs::File),
    Simulated { place: Place, at: u64, append: bool },
}

/// Does the same with whatever a handle is.
macro_rules! either {
    ($handle:expr, $system:ident => $real:expr, $place:ident => $simulated:expr) => {
        match $handle {
            Self::System($system) => $real,
            Self::Simulated($place) => $simulated,
        }
    };
}

impl Dir {
    pub(crate) fn open_path(path: &Path) -> io::Result<Self> {
        let Some((disk, names)) = place_of(path) else {
            return Ok(Self::System(sys::Dir::open_path(path)?));
        };
        let mut at = disk.root();
        for name in &names {
            at = at.child(name)?;
        }
        Ok(Self::Simulated(at))
    }

    pub(crate) fn open_parent(&self) -> io::Result<Self> {
        either!(self,
        dir => Ok(Self::System(dir.open_parent()?)),
        place => {
            let ino = place.call(Call::Look, |state| state.parent(place.ino))?;
            Ok(Self::Simulated(Place { ino, ..place.clone() }))
        })
    }

    pub(crate) fn open_dir(&self, rel: &[u8]) -> io::Result<Self> {
        either!(self,
        dir => Ok(Self::System(dir.open_dir(rel)?)),
        place => {
            let mut at = place.clone();
            for name in rel.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
                at = at.child(name)?;
            }
            Ok(Self::Simulated(at))
        })
    }

    pub(crate) fn list(&self, buffer: &mut Vec<u8>, sink: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        either!(self,
        dir => dir.list(buffer, sink),
        place => {
            for name in place.call(Call::Look, |state| state.list(place.ino))? {
                sink(&name);
            }
            Ok(())
        })
    }

    pub(crate) fn stat(&self, name: &[u8]) -> io::Result<Meta> {
        either!(self,
            dir => dir.stat(name),
            place => place.call(Call::Look, |state| state.stat(place.ino, name)))
    }

    pub(crate) fn stat_self(&self) -> io::Result<Meta> {
        either!(self,
            dir => dir.stat_self(),
            place => place.call(Call::Look, |state| state.meta(place.ino)))
    }

    pub(crate) fn open_file(&self, name: &[u8]) -> io::Result<File> {
        either!(self,
        dir => Ok(File::System(dir.open_file(name)?)),
        place => {
            let ino = place.call(Call::Look, |state| state.open_file(place.ino, name))?;
            Ok(File::opened(place, ino, false))
        })
    }

    pub(crate) fn create_new(&self, name: &[u8], bits: u32) -> io::Result<File> {
        either!(self,
        dir => Ok(File::System(dir.create_new(name, bits)?)),
        place => {
            let ino = place.call(Call::Name, |state| state.create(place.ino, name, bits))?;
            Ok(File::opened(place, ino, false))
        })
    }

    pub(crate) fn open_append(&self, name: &[u8]) -> io::Result<File> {
        either!(self,
        dir => Ok(File::System(dir.open_append(name)?)),
        place => {
            let ino = place.call(Call::Name, |state| {
                match state.open_file(place.ino, name) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        state.create(place.ino, name, 0o600)
                    }
                    other => other,
                }
            })?;
            Ok(File::opened(place, ino, true))
        })
    }

    pub(crate) fn read_link(&self, name: &[u8]) -> io::Result<Vec<u8>> {
        either!(self,
            dir => dir.read_link(name),
            place => place.call(Call::Look, |state| state.read_link(place.ino, name)))
    }

    pub(crate) fn make_link(&self, name: &[u8], target: &[u8]) -> io::Result<()> {
        either!(self,
            dir => dir.make_link(name, target),
            place => place.call(Call::Name, |state| state.make_link(place.ino, name, target)))
    }

    pub(crate) fn make_dir(&self, name: &[u8], bits: u32) -> io::Result<()> {
        either!(self,
            dir => dir.make_dir(name, bits),
            place => place.call(Call::Name, |state| state.make_dir(place.ino, name, bits)))
    }

    pub(crate) fn remove_file(&self, name: &[u8]) -> io::Result<()> {
        either!(self,
            dir => dir.remove_file(name),
            place => place.call(Call::Change, |state| state.remove(place.ino, name, Kind::File)))
    }

    pub(crate) fn remove_dir(&self, name: &[u8]) -> io::Result<()> {
        either!(self,
            dir => dir.remove_dir(name),
            place => place.call(Call::Change, |state| state.remove(place.ino, name, Kind::Dir)))
    }

    pub(crate) fn rename_new(&self, from: &[u8], to_dir: &Self, to: &[u8]) -> io::Result<()> {
        match (self, to_dir) {
            (Self::System(dir), Self::System(to_dir)) => dir.rename_new(from, to_dir, to),
            (Self::Simulated(place), Self::Simulated(target)) => place
                .call(Call::Change, |state| {
                    state.rename(place.ino, from, target.ino, to, false)
                }),
            _ => Err(io::ErrorKind::CrossesDevices.into()),
        }
    }

    pub(crate) fn rename_over(&self, from: &[u8], to: &[u8]) -> io::Result<()> {
        either!(self,
        dir => dir.rename_over(from, to),
        place => place.call(Call::Change, |state| {
            state.rename(place.ino, from, place.ino, to, true)
        }))
    }

    pub(crate) fn exchange(&self, a: &[u8], b: &[u8]) -> io::Result<bool> {
        either!(self,
            dir => dir.exchange(a, b),
            place => place.call(Call::Change, |state| state.exchange(place.ino, a, b)))
    }

    pub(crate) fn set_bits(&self, name: &[u8], expected: &Meta, bits: u32) -> io::Result<()> {
        either!(self,
        dir => dir.set_bits(name, expected, bits),
        place => place.call(Call::Change, |state| {
            let now = state.stat(place.ino, name)?;
            if now.kind != expected.kind || now.ino != expected.ino || now.dev != expected.dev {
                return Err(io::ErrorKind::NotFound.into());
            }
            state.set(now.ino, |node| node.mode = bits)
        }))
    }

    pub(crate) fn set_mtime(&self, name: &[u8], mtime: Time) -> io::Result<()> {
        either!(self,
        dir => dir.set_mtime(name, mtime),
        place => place.call(Call::Change, |state| {
            let ino = state.stat(place.ino, name)?.ino;
            state.set_mtime(ino, mtime)
        }))
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        either!(self,
        dir => dir.sync(),
        place => {
            let dev = place.dev();
            place.call(Call::Sync, |state| { state.sync_all(dev); Ok(()) })
        })
    }

    pub(crate) fn sync_names(&self) -> io::Result<()> {
        either!(self,
            dir => dir.sync_names(),
            place => place.call(Call::Sync, |state| { state.sync_names(place.ino); Ok(()) }))
    }
}

impl File {
    fn opened(dir: &Place, ino: u64, append: bool) -> Self {
        let place = Place { ino, ..dir.clone() };
        Self::Simulated {
            place,
            at: 0,
            append,
        }
    }

    pub(crate) fn sync_all(&self) -> io::Result<()> {
        match self {
            Self::System(file) => file.sync_all(),
            Self::Simulated { place, .. } => place.call(Call::Sync, |state| {
                state.sync_content(place.ino);
                Ok(())
            }),
        }
    }

    pub(crate) fn sync_data(&self) -> io::Result<()> {
        match self {
            Self::System(file) => file.sync_data(),
            Self::Simulated { .. } => self.sync_all(),
        }
    }

    pub(crate) fn set_len(&self, length: u64) -> io::Result<()> {
        match self {
            Self::System(file) => file.set_len(length),
            Self::Simulated { place, .. } => place.call(Call::Change, |state| {
                state.set_len(place.ino, usize::try_from(length).unwrap_or(usize::MAX))
            }),
        }
    }

    /// A simulated disk is played by one process at a time.
    pub(crate) fn try_lock(&self) -> Result<(), std::fs::TryLockError> {
        match self {
            Self::System(file) => file.try_lock(),
            Self::Simulated { .. } => Ok(()),
        }
    }
}

impl Read for File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::System(file) => file.read(buffer),
            Self::Simulated { place, at, .. } => {
                let n = place.call(Call::Read, |state| state.read(place.ino, *at, buffer))?;
                *at += n as u64;
                Ok(n)
            }
        }
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::System(file) => file.write(bytes),
            Self::Simulated { place, at, append } => {
                let n = place.call(Call::Write, |state| {
                    if *append {
                        *at = state.meta(place.ino)?.size;
                    }
                    state.write(place.ino, *at, bytes)
                })?;
                *at += n as u64;
                Ok(n)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::System(file) => file.flush(),
            Self::Simulated { .. } => Ok(()),
        }
    }
}

impl Seek for File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match (self, to) {
            (Self::System(file), to) => file.seek(to),
            (Self::Simulated { at, .. }, SeekFrom::Start(to)) => {
                *at = to;
                Ok(to)
            }
            (Self::Simulated { .. }, _) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

/// Reads the metadata of an open file.
pub(crate) fn file_meta(file: &File) -> io::Result<Meta> {
    match file {
        File::System(file) => sys::file_meta(file),
        File::Simulated { place, .. } => place.call(Call::Look, |state| state.meta(place.ino)),
    }
}

/// Sets the permission bits of a file of ours.
pub(crate) fn set_file_bits(file: &File, bits: u32) -> io::Result<()> {
    match file {
        File::System(file) => sys::set_file_bits(file, bits),
        File::Simulated { place, .. } => place.call(Call::Change, |state| {
            state.set(place.ino, |node| node.mode = bits)
        }),
    }
}

/// Sets the modification time of a file of ours.
pub(crate) fn set_file_mtime(file: &File, mtime: Time) -> io::Result<()> {
    match file {
        File::System(file) => sys::set_file_mtime(file, mtime),
        File::Simulated { place, .. } => {
            place.call(Call::Change, |state| state.set_mtime(place.ino, mtime))
        }
    }
}
