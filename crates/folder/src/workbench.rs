//! The workbench of a run: what every changing step shares, and the two ways in which an entry may disappear from its place.
//!
//! An entry is displaced only by moving it to the versions, and only after a look that it is still the one the scan saw;
//! what was displaced is looked at again, and put back if it was another one.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::fs::{self, Dir, ReadFault};
use crate::journal::{Journal, Record};
use crate::leftover;
use crate::observe::{Cancel, Finding, Observer, Progress, Step};
use crate::plan::Action;
use crate::tree::{Kind, Meta, Side, Time};
use crate::versions::Store;

/// Why one change was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeFault {
    #[error("it changed meanwhile")]
    Changed,
    #[error("cancelled")]
    Cancelled,
    #[error("nothing more is written on this side")]
    SideClosed,
    #[error("its old version could not be kept")]
    Keep(#[source] io::Error),
    #[error(transparent)]
    System(#[from] io::Error),
}

impl From<ReadFault> for ChangeFault {
    fn from(fault: ReadFault) -> Self {
        match fault {
            ReadFault::Changed => Self::Changed,
            ReadFault::Cancelled => Self::Cancelled,
            ReadFault::System(error) => Self::System(error),
        }
    }
}

/// What happened, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Entries created or changed on the right.
    pub to_right: u64,
    /// Entries created or changed on the left.
    pub to_left: u64,
    /// Entries deleted on either side.
    pub deleted: u64,
    /// Conflicts that are open.
    pub conflicts: u64,
    /// Entries that should have been changed and were not.
    pub failed: u64,
    /// Bytes copied.
    pub bytes: u64,
    /// Of what was changed, what was created, by side.
    pub created: [u64; 2],
    /// Of what was deleted, what was deleted where.
    pub deleted_on: [u64; 2],
}

impl Counts {
    pub(crate) const fn add_changed(&mut self, side: Side) {
        match side {
            Side::Left => self.to_left += 1,
            Side::Right => self.to_right += 1,
        }
    }

    pub(crate) fn add_made(&mut self, side: Side, action: Action) {
        self.add_changed(side);
        self.created[side.at()] += u64::from(action == Action::Create);
    }

    pub(crate) const fn add_deleted(&mut self, side: Side) {
        self.deleted += 1;
        self.deleted_on[side.at()] += 1;
    }
}

/// What every changing step of a run shares.
pub(crate) struct Bench<'a> {
    pub(crate) roots: [&'a Dir; 2],
    pub(crate) store: &'a Store<'a>,
    pub(crate) temp_prefix: &'a [u8],
    pub(crate) observer: &'a dyn Observer,
    pub(crate) cancel: &'a Cancel,
    pub(crate) workers: usize,
    journal: Mutex<Option<Journal>>,
    now: Time,
    next: AtomicU64,
    closed: [AtomicBool; 2],
    findings: Mutex<Vec<Finding>>,
    pub(crate) counts: Mutex<Counts>,
    pub(crate) done: AtomicU64,
    pub(crate) total: u64,
    pub(crate) bytes: AtomicU64,
    pub(crate) bytes_total: u64,
}

/// What a workbench is made of.
#[derive(Clone, Copy)]
pub(crate) struct BenchInput<'a> {
    pub(crate) roots: [&'a Dir; 2],
    pub(crate) store: &'a Store<'a>,
    pub(crate) temp_prefix: &'a [u8],
    pub(crate) observer: &'a dyn Observer,
    pub(crate) cancel: &'a Cancel,
    pub(crate) workers: usize,
    pub(crate) now: Time,
    pub(crate) total: u64,
    pub(crate) bytes_total: u64,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Bench<'a> {
    pub(crate) fn new(input: BenchInput<'a>) -> io::Result<Self> {
        // Numbers go on where an earlier part of the same run stopped, so that every kept version has its own.
        let next = input
            .store
            .read_journal()?
            .map_or(0, |read| read.next_number());
        Ok(Self {
            roots: input.roots,
            store: input.store,
            temp_prefix: input.temp_prefix,
            observer: input.observer,
            cancel: input.cancel,
            workers: input.workers,
            journal: Mutex::new(None),
            now: input.now,
            next: AtomicU64::new(next),
            closed: [AtomicBool::new(false), AtomicBool::new(false)],
            findings: Mutex::default(),
            counts: Mutex::default(),
            done: AtomicU64::new(0),
            total: input.total,
            bytes: AtomicU64::new(0),
            bytes_total: input.bytes_total,
        })
    }

    pub(crate) fn dir(&self, side: Side, path: &[u8]) -> io::Result<Dir> {
        self.roots[side.at()].open_dir(path)
    }

    /// Returns a number that nothing else in this run has.
    pub(crate) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Makes the name of a temporary file; it says for the next run, should this one be killed, whether an old version
    /// may hide behind it, and where that belongs.
    pub(crate) fn temp_name(&self, number: u64, replaces: bool) -> Vec<u8> {
        leftover::temp_name(self.temp_prefix, self.store.run(), number, replaces)
    }

    pub(crate) fn findings(&self) -> Vec<Finding> {
        std::mem::take(&mut *lock(&self.findings))
    }

    pub(crate) fn is_closed(&self, side: Side) -> bool {
        self.closed[side.at()].load(Ordering::Relaxed)
    }

    pub(crate) fn tick(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        self.observer.progress(Progress {
            done,
            total: self.total,
            bytes: self.bytes.load(Ordering::Relaxed),
            bytes_total: self.bytes_total,
        });
    }

    /// Tells a change that was made.
    pub(crate) fn changed(&self, side: Side, action: Action, path: &[u8]) {
        self.observer.changed(side, action, path);
        self.tick();
    }

    pub(crate) fn record(&self, record: &Record) -> io::Result<()> {
        let mut journal = lock(&self.journal);
        if journal.is_none() {
            *journal = Some(self.store.journal(self.now)?);
        }
        match &mut *journal {
            Some(journal) => journal.append(record),
            None => Ok(()),
        }
    }

    /// Makes the journal durable; nothing that it holds may be done before.
    pub(crate) fn sync_journal(&self) -> io::Result<()> {
        let mut journal = lock(&self.journal);
        if let Some(journal) = &mut *journal {
            self.observer.step(Step::Journal);
            journal.sync()?;
        }
        Ok(())
    }

    pub(crate) fn find(&self, path: &[u8], side: Side, what: &'static str, cause: Option<String>) {
        let finding = Finding {
            path: path.into(),
            side: Some(side),
            what,
            cause,
            failed: true,
        };
        self.observer.finding(&finding);
        lock(&self.findings).push(finding);
    }

    /// Counts and tells a change that was not made. A full or read-only side is told once and closed.
    pub(crate) fn failed(&self, path: &[u8], side: Side, fault: &ChangeFault) {
        if matches!(fault, ChangeFault::Cancelled) {
            return;
        }
        lock(&self.counts).failed += 1;
        self.tick();
        let error = match fault {
            ChangeFault::System(error) | ChangeFault::Keep(error) => Some(error),
            _ => None,
        };
        let closing = error.and_then(|error| match error.kind() {
            io::ErrorKind::StorageFull => {
                Some("the disk is full; nothing more is written on this side")
            }
            io::ErrorKind::QuotaExceeded => {
                Some("the disk quota is used up; nothing more is written on this side")
            }
            io::ErrorKind::ReadOnlyFilesystem => {
                Some("the file system is read-only; nothing is written on this side")
            }
            _ => None,
        });
        if let Some(what) = closing {
            if !self.closed[side.at()].swap(true, Ordering::Relaxed) {
                self.find(path, side, what, error.map(ToString::to_string));
            }
            return;
        }
        match fault {
            ChangeFault::SideClosed | ChangeFault::Cancelled => {}
            ChangeFault::Changed => {
                self.find(
                    path,
                    side,
                    "it changed meanwhile; it will be synchronized next time",
                    None,
                );
            }
            ChangeFault::Keep(error) => {
                self.find(
                    path,
                    side,
                    "its old version could not be kept; it was left alone",
                    Some(error.to_string()),
                );
            }
            ChangeFault::System(error) => {
                self.find(
                    path,
                    side,
                    "it could not be synchronized",
                    Some(error.to_string()),
                );
            }
        }
    }

    /// Moves an entry that must still be the expected one to the versions.
    pub(crate) fn displace(
        &self,
        side: Side,
        dir: &Dir,
        name: &[u8],
        expected: &Meta,
        number: u64,
    ) -> Result<(), ChangeFault> {
        match dir.stat(name) {
            Ok(meta) if meta.is_still(expected) => {}
            Ok(_) => return Err(ChangeFault::Changed),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ChangeFault::Changed);
            }
            Err(error) => return Err(error.into()),
        }
        self.store
            .keep(side, dir, name, number)
            .map_err(ChangeFault::Keep)?;
        // Between the look and the move another program may have put something else there.
        let fault = match self.store.kept(side, number) {
            Ok(Some(meta)) if meta.is_moved(expected) => return Ok(()),
            Ok(_) => ChangeFault::Changed,
            Err(error) => error.into(),
        };
        // If the name has been taken again, both the newcomer and the kept one are safe where they are.
        drop(self.store.give_back(side, number, dir, name));
        Err(fault)
    }

    /// Gives a finished temporary file its name. With something expected there, that is displaced to the versions.
    pub(crate) fn put(
        &self,
        side: Side,
        dir: &Dir,
        temp: &[u8],
        name: &[u8],
        path: &[u8],
        expected: Option<(&Meta, u64)>,
    ) -> Result<(), ChangeFault> {
        self.observer.step(Step::Commit(side, path));
        let Some((expected, number)) = expected else {
            return dir
                .rename_new(temp, dir, name)
                .map_err(|error| match error.kind() {
                    io::ErrorKind::AlreadyExists => ChangeFault::Changed,
                    _ => error.into(),
                });
        };
        match dir.stat(name) {
            Ok(meta) if meta.is_still(expected) => {}
            Ok(_) => return Err(ChangeFault::Changed),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ChangeFault::Changed);
            }
            Err(error) => return Err(error.into()),
        }
        if dir.exchange(temp, name)? {
            let displaced = dir.stat(temp);
            let fault = match displaced {
                Ok(meta) if meta.is_moved(expected) => {
                    self.observer.step(Step::Keep(side, path));
                    match self.store.keep(side, dir, temp, number) {
                        Ok(()) => return Ok(()),
                        Err(error) => ChangeFault::Keep(error),
                    }
                }
                Ok(_) => ChangeFault::Changed,
                Err(error) => error.into(),
            };
            // Undo the exchange: what was displaced goes back to its place, our copy becomes the temporary file again.
            dir.exchange(temp, name)?;
            return Err(fault);
        }
        self.displace(side, dir, name, expected, number)?;
        match dir.rename_new(temp, dir, name) {
            Ok(()) => Ok(()),
            Err(error) => {
                drop(self.store.give_back(side, number, dir, name));
                Err(if error.kind() == io::ErrorKind::AlreadyExists {
                    ChangeFault::Changed
                } else {
                    error.into()
                })
            }
        }
    }

    /// Gives a finished temporary file the name of a directory that must be empty by now.
    pub(crate) fn put_over_dir(
        &self,
        side: Side,
        dir: &Dir,
        temp: &[u8],
        name: &[u8],
        path: &[u8],
        expected: &Meta,
    ) -> Result<(), ChangeFault> {
        self.observer.step(Step::Commit(side, path));
        let is_it = |meta: &Meta| meta.kind == Kind::Dir && meta.ino == expected.ino;
        let not_empty = |error: io::Error| match error.kind() {
            // Something appeared in it, or is left in it because it could not be deleted.
            io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotADirectory => ChangeFault::Changed,
            _ => error.into(),
        };
        if !is_it(&dir.stat(name)?) {
            return Err(ChangeFault::Changed);
        }
        if dir.exchange(temp, name)? {
            self.observer.step(Step::Keep(side, path));
            let removed = dir.remove_dir(temp);
            if removed.is_err() {
                dir.exchange(temp, name)?;
            }
            return removed.map_err(not_empty);
        }
        dir.remove_dir(name).map_err(not_empty)?;
        dir.rename_new(temp, dir, name)
            .map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => ChangeFault::Changed,
                _ => error.into(),
            })
    }

    /// Makes everything written on these sides durable, once for each file system.
    pub(crate) fn sync_sides(&self, sides: [bool; 2]) -> [Result<(), io::Error>; 2] {
        let devs = [self.roots[0].stat_self(), self.roots[1].stat_self()]
            .map(|meta| meta.ok().map(|meta| meta.dev));
        if fs::SYNCS_WHOLE && sides == [true; 2] && devs[0].is_some() && devs[0] == devs[1] {
            return match self.roots[0].sync() {
                Ok(()) => [Ok(()), Ok(())],
                Err(error) => {
                    let again = io::Error::from(error.kind());
                    [Err(error), Err(again)]
                }
            };
        }
        Side::BOTH.map(|side| {
            if sides[side.at()] {
                self.roots[side.at()].sync()
            } else {
                Ok(())
            }
        })
    }
}

/// Does the same to many things with a bounded number of threads; the results are in the order of the things.
pub(crate) fn in_parallel<T: Sync, R: Send>(
    workers: usize,
    things: &[T],
    work: &(dyn Fn(&T, &mut Vec<u8>) -> R + Sync),
) -> Vec<R> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let run = || {
        let mut buffer = Vec::new();
        let mut results = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(thing) = things.get(at) else {
                return results;
            };
            results.push((at, work(thing, &mut buffer)));
        }
    };
    let mut results = if things.len() <= 1 || workers <= 1 {
        run()
    } else {
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..workers.min(things.len()))
                .map(|_| scope.spawn(run))
                .collect();
            let mut all = run();
            for other in others {
                match other.join() {
                    Ok(part) => all.extend(part),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            all
        })
    };
    results.sort_unstable_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Says whether a path is certainly not there.
pub(crate) fn is_absent(root: &Dir, dir: &[u8], name: &[u8]) -> io::Result<bool> {
    let absent = |error: &io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
        )
    };
    let parent = match root.open_dir(dir) {
        Ok(parent) => parent,
        Err(error) if absent(&error) || fs::is_link_error(&error) => return Ok(true),
        Err(error) => return Err(error),
    };
    match parent.stat(name) {
        Ok(_) => Ok(false),
        Err(error) if absent(&error) => Ok(true),
        Err(error) => Err(error),
    }
}
