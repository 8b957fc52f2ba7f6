//! Kept versions: what a run overwrote or deleted, by run, with the journal that says where it belonged.
//!
//! A version is moved, never copied, so it must stay on the file system of its side: in the pair's own directory where
//! that is the same, otherwise in `.syncmgr` at the root, which is never synchronized.

use std::io::{self, Read as _};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::fs::{self, Dir};
use crate::journal::{self, Deed, JOURNAL_NAME, Journal, ReadJournal, Record};
use crate::name::{self, STORE_NAME};
use crate::tree::{Kind, Meta, Side, Time};

const VERSIONS_NAME: &[u8] = b"versions";
/// Longest name of a run.
const RUN_MAX: usize = 64;
/// How many runs' versions one listing shows at most.
pub const VERSIONS_RUNS_MAX: usize = 10_000;

/// A version that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptVersion {
    /// The run that kept it.
    pub run: String,
    /// The side where it was.
    pub side: Side,
    /// Its path below the root.
    pub path: Box<[u8]>,
    /// What it is.
    pub kind: Kind,
    /// Its size in bytes.
    pub size: u64,
    /// When the run began that kept it.
    pub when: Time,
    /// Why it was kept.
    pub why: &'static str,
    /// The file that holds it, for people.
    pub file: std::path::PathBuf,
}

/// Says whether a text can name a run.
#[must_use]
pub fn is_run_name(run: &str) -> bool {
    !run.is_empty()
        && run.len() <= RUN_MAX
        && !run.starts_with('.')
        && run
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Returns the name under which a version is kept.
pub(crate) fn kept_name(side: Side, number: u64) -> Vec<u8> {
    let letter = match side {
        Side::Left => 'l',
        Side::Right => 'r',
    };
    format!("{letter}{number:x}").into_bytes()
}

/// Opens a directory below another, making it where it is missing. Its name is durable: what is moved into it must not be
/// lost with it. An earlier run may have made it and ended before, so that is not asked.
fn open_or_make(dir: &Dir, name: &[u8]) -> io::Result<Dir> {
    match dir.make_dir(name, 0o700) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    dir.sync_names()?;
    dir.open_dir(name)
}

fn open_existing(dir: &Dir, path: &[u8]) -> io::Result<Option<Dir>> {
    match dir.open_dir(path) {
        Ok(dir) => Ok(Some(dir)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The directories of one run's versions, made when the first one is kept.
#[derive(Debug)]
pub(crate) struct Store<'a> {
    state: &'a Dir,
    roots: [&'a Dir; 2],
    tag: &'a str,
    run: &'a str,
    /// Whether a side is on the file system of the pair's own directory.
    near: [bool; 2],
    own: Mutex<Option<std::sync::Arc<Dir>>>,
    far: [Mutex<Option<std::sync::Arc<Dir>>>; 2],
}

impl<'a> Store<'a> {
    pub(crate) fn new(
        state: &'a Dir,
        roots: [&'a Dir; 2],
        tag: &'a str,
        run: &'a str,
    ) -> io::Result<Self> {
        let dev = state.stat_self()?.dev;
        let near = [
            roots[0].stat_self()?.dev == dev,
            roots[1].stat_self()?.dev == dev,
        ];
        Ok(Self {
            state,
            roots,
            tag,
            run,
            near,
            own: Mutex::default(),
            far: [Mutex::default(), Mutex::default()],
        })
    }

    pub(crate) const fn run(&self) -> &str {
        self.run
    }

    /// Returns the same store for another run.
    pub(crate) fn of_run<'b>(&'b self, run: &'b str) -> Store<'b> {
        Store {
            state: self.state,
            roots: self.roots,
            tag: self.tag,
            run,
            near: self.near,
            own: Mutex::default(),
            far: [Mutex::default(), Mutex::default()],
        }
    }

    fn own(&self) -> io::Result<std::sync::Arc<Dir>> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(dir) = &*own {
            return Ok(dir.clone());
        }
        let versions = open_or_make(self.state, VERSIONS_NAME)?;
        let dir = std::sync::Arc::new(open_or_make(&versions, self.run.as_bytes())?);
        *own = Some(dir.clone());
        Ok(dir)
    }

    fn far(&self, side: Side) -> io::Result<std::sync::Arc<Dir>> {
        let mut far = self.far[side.at()]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(dir) = &*far {
            return Ok(dir.clone());
        }
        let store = open_or_make(self.roots[side.at()], STORE_NAME)?;
        let pair = open_or_make(&store, self.tag.as_bytes())?;
        let dir = std::sync::Arc::new(open_or_make(&pair, self.run.as_bytes())?);
        *far = Some(dir.clone());
        Ok(dir)
    }

    /// Begins or continues the journal of this run.
    pub(crate) fn journal(&self, now: Time) -> io::Result<Journal> {
        Journal::open(&*self.own()?, now)
    }

    /// Reads the journal of this run, if it has one.
    pub(crate) fn read_journal(&self) -> io::Result<Option<ReadJournal>> {
        let path = name::join(VERSIONS_NAME, self.run.as_bytes());
        let Some(dir) = open_existing(self.state, &path)? else {
            return Ok(None);
        };
        Ok(fs::read_own(&dir, JOURNAL_NAME)?
            .as_deref()
            .and_then(journal::parse))
    }

    /// Reads only when this run began, if it has a journal.
    fn began(&self) -> io::Result<Option<Time>> {
        let path = name::join(VERSIONS_NAME, self.run.as_bytes());
        let Some(dir) = open_existing(self.state, &path)? else {
            return Ok(None);
        };
        let file = match dir.open_file(JOURNAL_NAME) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut head = Vec::with_capacity(journal::HEAD_BYTES);
        file.take(journal::HEAD_BYTES as u64)
            .read_to_end(&mut head)?;
        Ok(journal::parse(&head).map(|read| read.began))
    }

    /// Moves an entry of a side into the store.
    pub(crate) fn keep(&self, side: Side, dir: &Dir, name: &[u8], number: u64) -> io::Result<()> {
        let kept = kept_name(side, number);
        if self.near[side.at()] {
            match dir.rename_new(name, &*self.own()?, &kept) {
                // The same file system mounted twice.
                Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {}
                other => return other,
            }
        }
        dir.rename_new(name, &*self.far(side)?, &kept)
    }

    /// Finds where a version is kept; `None` where it is not (any more).
    pub(crate) fn find(&self, side: Side, number: u64) -> io::Result<Option<std::sync::Arc<Dir>>> {
        let kept = kept_name(side, number);
        let far = [STORE_NAME, self.tag.as_bytes(), self.run.as_bytes()].join(&b'/');
        let near = name::join(VERSIONS_NAME, self.run.as_bytes());
        for (root, path) in [(self.state, near), (self.roots[side.at()], far)] {
            if let Some(dir) = open_existing(root, &path)?
                && dir.stat(&kept).is_ok()
            {
                return Ok(Some(std::sync::Arc::new(dir)));
            }
        }
        Ok(None)
    }

    /// Reads the metadata of a version; `None` where it is not kept (any more).
    pub(crate) fn kept(&self, side: Side, number: u64) -> io::Result<Option<Meta>> {
        match self.find(side, number)? {
            Some(dir) => Ok(Some(dir.stat(&kept_name(side, number))?)),
            None => Ok(None),
        }
    }

    /// Moves a version back out of the store to a name that must be free.
    pub(crate) fn give_back(
        &self,
        side: Side,
        number: u64,
        dir: &Dir,
        name: &[u8],
    ) -> io::Result<()> {
        let from = self.find(side, number)?.ok_or(io::ErrorKind::NotFound)?;
        from.rename_new(&kept_name(side, number), dir, name)
    }
}

/// Returns the names of the runs that have a journal.
pub(crate) fn runs(state: &Dir) -> io::Result<Vec<String>> {
    let mut runs = Vec::new();
    if let Some(dir) = open_existing(state, VERSIONS_NAME)? {
        dir.list(&mut Vec::new(), &mut |name| {
            if let Ok(name) = std::str::from_utf8(name)
                && is_run_name(name)
                && runs.len() < VERSIONS_RUNS_MAX
            {
                runs.push(name.to_owned());
            }
        })?;
    }
    runs.sort();
    Ok(runs)
}

/// Lists the versions of one run that are still there.
pub(crate) fn list(
    store: &Store<'_>,
    state_path: &std::path::Path,
    root_paths: [&std::path::Path; 2],
) -> io::Result<Vec<KeptVersion>> {
    let Some(read) = store.read_journal()? else {
        return Ok(Vec::new());
    };
    let mut versions = Vec::new();
    for Record {
        side, path, deed, ..
    } in read.records
    {
        let (old, number, why) = match deed {
            Deed::Replace { old, kept, .. } => (old, kept, "replaced by the other side's version"),
            Deed::Delete { old, kept } => (old, kept, "deleted because the other side deleted it"),
            Deed::Create { .. } | Deed::MakeDir | Deed::RemoveDir { .. } | Deed::SetMeta { .. } => {
                continue;
            }
        };
        let kept = String::from_utf8_lossy(&kept_name(side, number)).into_owned();
        let near = state_path.join("versions").join(store.run).join(&kept);
        let far = root_paths[side.at()]
            .join(".syncmgr")
            .join(store.tag)
            .join(store.run)
            .join(&kept);
        let file = match store.find(side, number)? {
            None => continue,
            Some(dir) if dir.stat(JOURNAL_NAME).is_ok() => near,
            Some(_) => far,
        };
        let run = store.run.to_owned();
        versions.push(KeptVersion {
            run,
            side,
            path,
            kind: old.kind,
            size: old.size,
            when: read.began,
            why,
            file,
        });
    }
    Ok(versions)
}

/// Removes a run's versions and journal if the run began longer than `keep` before `now`; says whether it did.
pub(crate) fn prune(store: &Store<'_>, now: Time, keep: Duration) -> io::Result<bool> {
    let Some(began) = store.began()? else {
        return Ok(false);
    };
    let age = u128::try_from(now.nanos_since(began)).unwrap_or(0);
    if age <= keep.as_nanos() {
        return Ok(false);
    }
    for side in Side::BOTH {
        let pair = name::join(STORE_NAME, store.tag.as_bytes());
        if let Some(pair) = open_existing(store.roots[side.at()], &pair)? {
            remove_run(&pair, store.run)?;
        }
    }
    if let Some(versions) = open_existing(store.state, VERSIONS_NAME)? {
        remove_run(&versions, store.run)?;
    }
    Ok(true)
}

/// Removes a run's directory, which holds files and links only; the journal goes last, so that an interrupted removal is
/// found again.
fn remove_run(parent: &Dir, run: &str) -> io::Result<()> {
    let Some(dir) = open_existing(parent, run.as_bytes())? else {
        return Ok(());
    };
    let mut names: Vec<Vec<u8>> = Vec::new();
    dir.list(&mut Vec::new(), &mut |name| names.push(name.to_vec()))?;
    names.sort_by_key(|name| name == JOURNAL_NAME);
    for name in names {
        dir.remove_file(&name)?;
    }
    parent.remove_dir(run.as_bytes())
}
