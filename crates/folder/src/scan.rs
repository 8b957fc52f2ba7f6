//! The scan: both trees and the archive are read directory by directory, in parallel, and only what differs is kept.
//!
//! A task is one directory on both sides. A worker lists and sorts it, merges the two listings with the archive's block of
//! that directory, and hands on its subdirectories; names and metadata of what has not changed are forgotten at once, so
//! memory follows what differs and not the size of the trees. A task is opened by its path from the root, beneath the
//! root and through no link, so no descriptor is held while it waits.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use crate::archive::{Archive, Base};
use crate::fs::{self, Dir, ReadFault};
use crate::name;
use crate::observe::{Cancel, Finding, Observer, Progress};
use crate::reconcile::{Change, Decision, Group, Item, Verdict, View, reconcile};
use crate::rules::Rules;
use crate::tree::{Hash, Kind, Meta, Side};

/// What a scan needs to know.
#[derive(Clone, Copy)]
pub(crate) struct ScanInput<'a> {
    pub(crate) roots: [&'a Dir; 2],
    /// The file systems of the roots; anything else below them is skipped.
    pub(crate) devs: [u64; 2],
    pub(crate) archive: &'a Archive,
    /// How temporary files of this pair begin.
    pub(crate) temp_prefix: &'a [u8],
    /// The pair's own directory and both roots, in case one of them appears below a root.
    pub(crate) own_dirs: [Option<Meta>; 3],
    /// What is no part of the pair.
    pub(crate) rules: &'a Rules,
    pub(crate) workers: usize,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) cancel: &'a Cancel,
}

/// What differs, in path order, and what else was seen.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) groups: Vec<Group>,
    pub(crate) findings: Vec<Finding>,
    /// Temporary files of this pair that an interrupted run left.
    pub(crate) leftovers: Vec<(Side, Box<[u8]>)>,
    /// Entries seen on each side.
    pub(crate) seen: [u64; 2],
}

struct Task {
    path: Box<[u8]>,
    sides: [bool; 2],
}

#[derive(Default)]
struct Queue {
    tasks: Vec<Task>,
    /// Tasks taken and not finished; they may still hand on more.
    active: usize,
}

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    seen: AtomicU64,
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Task> {
        let mut queue = self.lock();
        loop {
            if let Some(task) = queue.tasks.pop() {
                queue.active += 1;
                return Some(task);
            }
            if queue.active == 0 {
                return None;
            }
            queue = self
                .changed
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Ends a task even if its worker unwinds, so that no other worker waits for ever.
struct Taken<'a> {
    shared: &'a Shared,
    more: Vec<Task>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.active -= 1;
        queue.tasks.append(&mut self.more);
        drop(queue);
        self.shared.changed.notify_all();
    }
}

/// Reads both trees and decides about every path that differs; stops early when it is cancelled.
pub(crate) fn scan(input: ScanInput<'_>) -> Scan {
    let first = Task {
        path: Box::default(),
        sides: [true, true],
    };
    let shared = Shared {
        queue: Mutex::new(Queue {
            tasks: vec![first],
            active: 0,
        }),
        changed: Condvar::new(),
        seen: AtomicU64::new(0),
    };
    let mut all = std::thread::scope(|scope| {
        let workers: Vec<_> = (1..input.workers)
            .map(|_| scope.spawn(|| Worker::new(input).run(&shared)))
            .collect();
        let mut all = Worker::new(input).run(&shared);
        for worker in workers {
            match worker.join() {
                Ok(part) => {
                    all.groups.extend(part.groups);
                    all.findings.extend(part.findings);
                    all.leftovers.extend(part.leftovers);
                    for side in Side::BOTH {
                        all.seen[side.at()] += part.seen[side.at()];
                    }
                }
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.groups
        .sort_unstable_by(|a, b| name::order(&a.path, &b.path));
    all.findings
        .sort_by(|a, b| name::order(&a.path, &b.path).then(a.side.cmp(&b.side)));
    all.leftovers
        .sort_by(|a, b| a.0.cmp(&b.0).then_with(|| name::order(&a.1, &b.1)));
    all
}

/// One name of a listing.
#[derive(Clone, Copy)]
struct Found {
    start: u32,
    len: u32,
    /// `None` where the metadata could not be read.
    meta: Option<Meta>,
}

#[derive(Default)]
struct Listing {
    names: Vec<u8>,
    found: Vec<Found>,
}

impl Listing {
    fn name(&self, at: usize) -> Option<&[u8]> {
        let found = self.found.get(at)?;
        self.names
            .get(found.start as usize..(found.start + found.len) as usize)
    }
}

struct Worker<'a> {
    input: ScanInput<'a>,
    result: Scan,
    listings: [Listing; 2],
    list_buffer: Vec<u8>,
    hash_buffer: Vec<u8>,
}

/// What a side has under a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Absent,
    There(Meta),
    Unknown,
}

impl<'a> Worker<'a> {
    fn new(input: ScanInput<'a>) -> Self {
        Self {
            input,
            result: Scan::default(),
            listings: [Listing::default(), Listing::default()],
            list_buffer: Vec::new(),
            hash_buffer: Vec::new(),
        }
    }

    fn run(mut self, shared: &Shared) -> Scan {
        while let Some(task) = shared.take() {
            let mut taken = Taken {
                shared,
                more: Vec::new(),
            };
            if self.input.cancel.is_cancelled() {
                continue;
            }
            let before = self.result.seen[0] + self.result.seen[1];
            self.directory(&task, &mut taken.more);
            let added = self.result.seen[0] + self.result.seen[1] - before;
            let done = shared.seen.fetch_add(added, Ordering::Relaxed) + added;
            let total = self.input.archive.entries() * 2;
            self.input.observer.progress(Progress {
                done,
                total: total.max(done),
                ..Progress::default()
            });
        }
        self.result
    }

    fn find(
        &mut self,
        path: Vec<u8>,
        side: Side,
        what: &'static str,
        cause: Option<String>,
        failed: bool,
    ) {
        let finding = Finding {
            path: path.into(),
            side: Some(side),
            what,
            cause,
            failed,
        };
        self.input.observer.finding(&finding);
        self.result.findings.push(finding);
    }

    fn directory(&mut self, task: &Task, more: &mut Vec<Task>) {
        let mut dirs: [Option<Dir>; 2] = [None, None];
        let mut barred = false;
        for side in Side::BOTH {
            self.listings[side.at()].names.clear();
            self.listings[side.at()].found.clear();
            if !task.sides[side.at()] {
                continue;
            }
            match self.list(&task.path, side) {
                Ok(dir) => dirs[side.at()] = Some(dir),
                Err(error) => {
                    barred = true;
                    let what = match error.kind() {
                        io::ErrorKind::CrossesDevices => {
                            "another file system below the root; skipped"
                        }
                        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                            "the directory vanished meanwhile"
                        }
                        _ => "the directory cannot be read; nothing below it is synchronized",
                    };
                    let failed = error.kind() != io::ErrorKind::CrossesDevices;
                    self.find(
                        task.path.to_vec(),
                        side,
                        what,
                        Some(error.to_string()),
                        failed,
                    );
                }
            }
        }
        let mut group = Group {
            path: task.path.clone(),
            items: Vec::new(),
            barred,
        };
        if !barred {
            let listings = std::mem::take(&mut self.listings);
            self.merge(&listings, &dirs, &mut group, more);
            self.listings = listings;
        }
        if group.barred || !group.items.is_empty() {
            group.items.shrink_to_fit();
            self.result.groups.push(group);
        }
    }

    fn list(&mut self, path: &[u8], side: Side) -> io::Result<Dir> {
        let input = self.input;
        let dir = input.roots[side.at()].open_dir(path)?;
        let listing = &mut self.listings[side.at()];
        let leftovers = &mut self.result.leftovers;
        dir.list(&mut self.list_buffer, &mut |entry| {
            if name::is_ours(entry) {
                if entry.starts_with(input.temp_prefix) {
                    leftovers.push((side, name::join(path, entry).into()));
                }
                return;
            }
            // A directory's names never reach 4 GiB on a file system that we know; beyond that they are not seen twice.
            let (Ok(start), Ok(len)) = (
                u32::try_from(listing.names.len()),
                u32::try_from(entry.len()),
            ) else {
                return;
            };
            listing.names.extend_from_slice(entry);
            listing.found.push(Found {
                start,
                len,
                meta: None,
            });
        })?;
        let mut gone = false;
        for found in &mut listing.found {
            let name = &listing.names[found.start as usize..(found.start + found.len) as usize];
            match dir.stat(name) {
                Ok(meta) => found.meta = Some(meta),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    found.len = 0;
                    gone = true;
                }
                Err(error) => {
                    let finding = Finding {
                        path: name::join(path, name).into(),
                        side: Some(side),
                        what: "its metadata cannot be read",
                        cause: Some(error.to_string()),
                        failed: true,
                    };
                    input.observer.finding(&finding);
                    self.result.findings.push(finding);
                }
            }
        }
        if gone {
            listing.found.retain(|found| found.len > 0);
        }
        let names = &listing.names;
        listing.found.sort_unstable_by_key(|found| {
            &names[found.start as usize..(found.start + found.len) as usize]
        });
        self.result.seen[side.at()] += listing.found.len() as u64;
        Ok(dir)
    }

    fn merge(
        &mut self,
        listings: &[Listing; 2],
        dirs: &[Option<Dir>; 2],
        group: &mut Group,
        more: &mut Vec<Task>,
    ) {
        let archive = self.input.archive;
        let mut at = [0usize; 2];
        let mut bases = archive.dir(&group.path).peekable();
        loop {
            if self.input.cancel.is_cancelled() {
                return;
            }
            let names = Side::BOTH.map(|side| listings[side.at()].name(at[side.at()]));
            let base_name = bases.peek().map(|entry| entry.name);
            let Some(name) = [names[0], names[1], base_name].into_iter().flatten().min() else {
                return;
            };
            let base = bases
                .next_if(|entry| entry.name == name)
                .map(|entry| entry.base);
            let presences = Side::BOTH.map(|side| {
                if names[side.at()] != Some(name) {
                    return Presence::Absent;
                }
                let found = listings[side.at()].found[at[side.at()]];
                at[side.at()] += 1;
                found.meta.map_or(Presence::Unknown, Presence::There)
            });
            if self.ignored(name, base.as_ref(), presences, dirs, group, more) {
                continue;
            }
            self.entry(name, base, presences, dirs, group, more);
        }
    }

    /// Leaves alone what the rules take out of the pair, and has it forgotten where it was in sync before.
    fn ignored(
        &self,
        name: &[u8],
        base: Option<&Base>,
        presences: [Presence; 2],
        dirs: &[Option<Dir>; 2],
        group: &mut Group,
        more: &mut Vec<Task>,
    ) -> bool {
        let sides = presences.map(|presence| match presence {
            Presence::There(meta) => Some(meta),
            Presence::Absent | Presence::Unknown => None,
        });
        let is_dir = |kind| kind == Kind::Dir;
        let dir_somewhere = sides.iter().flatten().any(|meta| is_dir(meta.kind))
            || base.is_some_and(|base| is_dir(base.kind));
        let path = name::join(&group.path, name);
        if !self.input.rules.ignores(&path, dir_somewhere) {
            return false;
        }
        if base.is_some_and(|base| is_dir(base.kind)) {
            // Everything that was in sync below it is forgotten with it.
            more.push(Task {
                path: path.into(),
                sides: [false; 2],
            });
        }
        // A directory that both sides have is never deleted, so nothing has to be kept for what is ignored in it.
        if base.is_some() || dirs.iter().any(Option::is_none) {
            push_plain(group, name, Decision::Ignore, sides);
        }
        true
    }

    fn entry(
        &mut self,
        name: &[u8],
        base: Option<Base>,
        presences: [Presence; 2],
        dirs: &[Option<Dir>; 2],
        group: &mut Group,
        more: &mut Vec<Task>,
    ) {
        let mut hold = false;
        let sides = Side::BOTH.map(|side| match presences[side.at()] {
            Presence::Absent => None,
            Presence::Unknown => {
                hold = true;
                None
            }
            Presence::There(meta) => {
                if let Some(what) = self.own_dir(&meta) {
                    hold = true;
                    // The pair's own directory is nobody's concern; a root below the other one is.
                    if !what.is_empty() {
                        self.find(name::join(&group.path, name), side, what, None, false);
                    }
                } else if meta.kind == Kind::Special {
                    hold = true;
                    self.find(
                        name::join(&group.path, name),
                        side,
                        "a special file; skipped",
                        None,
                        false,
                    );
                } else if meta.dev != self.input.devs[side.at()] {
                    hold = true;
                    let what = "another file system below the root; skipped";
                    self.find(name::join(&group.path, name), side, what, None, false);
                }
                Some(meta)
            }
        });
        if hold || self.input.rules.is_too_large(&sides) {
            push_hold(group, name, sides);
            return;
        }
        if let (Some(base), [Some(left), Some(right)]) = (&base, &sides)
            && is_untouched(base, Side::Left, left)
            && is_untouched(base, Side::Right, right)
        {
            if base.kind == Kind::Dir {
                more.push(Task {
                    path: name::join(&group.path, name).into(),
                    sides: [true, true],
                });
            }
            return;
        }
        match self.judge(name, base.as_ref(), sides, dirs) {
            Ok((verdict, hash)) => {
                let is_dir = Side::BOTH
                    .map(|side| sides[side.at()].is_some_and(|meta| meta.kind == Kind::Dir));
                if is_dir[0] || is_dir[1] || base.is_some_and(|base| base.kind == Kind::Dir) {
                    more.push(Task {
                        path: name::join(&group.path, name).into(),
                        sides: is_dir,
                    });
                }
                if verdict.decision != Decision::Nothing {
                    let (base, hash) = (base.map(Box::new), hash.map(Box::new));
                    group.items.push(Item {
                        name: name.into(),
                        verdict,
                        sides,
                        base,
                        hash,
                    });
                }
            }
            Err((side, fault)) => {
                if !matches!(fault, ReadFault::Cancelled) {
                    let what = match fault {
                        ReadFault::Changed => {
                            "it changed while it was read; it will be synchronized next time"
                        }
                        _ => "it cannot be read",
                    };
                    let cause = match &fault {
                        ReadFault::System(error) => Some(error.to_string()),
                        ReadFault::Changed | ReadFault::Cancelled => None,
                    };
                    self.find(name::join(&group.path, name), side, what, cause, true);
                }
                push_hold(group, name, sides);
            }
        }
    }

    /// Says whether an entry is one of the directories that this run itself works with, and what to tell about it.
    fn own_dir(&self, meta: &Meta) -> Option<&'static str> {
        let [state, left, right] = &self.input.own_dirs;
        let is = |own: &Option<Meta>| own.as_ref().is_some_and(|own| is_same_dir(meta, own));
        if is(left) || is(right) {
            return Some("a folder of this pair appears again below; skipped");
        }
        is(state).then_some("")
    }

    /// Finds out how each side stands against the base, reading content only where metadata does not answer.
    fn judge(
        &mut self,
        name: &[u8],
        base: Option<&Base>,
        sides: [Option<Meta>; 2],
        dirs: &[Option<Dir>; 2],
    ) -> Result<(Verdict, Option<Hash>), (Side, ReadFault)> {
        let mut hashes: [Option<Hash>; 2] = [None, None];
        let mut changes = [Change::Gone; 2];
        for side in Side::BOTH {
            let Some(meta) = sides[side.at()] else {
                continue;
            };
            changes[side.at()] = match base {
                Some(base) if base.kind == meta.kind => {
                    if meta.kind == Kind::Dir
                        || meta.size == base.size && is_proof(base, side, &meta)
                    {
                        hashes[side.at()] = Some(base.hash);
                        change_of_meta(base, side, &meta)
                    } else if meta.size == base.size {
                        let hash = self.hash(dirs, side, name, &meta)?;
                        hashes[side.at()] = Some(hash);
                        if hash == base.hash {
                            change_of_meta(base, side, &meta)
                        } else {
                            Change::Content
                        }
                    } else {
                        Change::Content
                    }
                }
                _ => Change::Content,
            };
        }
        let mut equal = false;
        if let [Some(left), Some(right)] = sides
            && left.kind == right.kind
        {
            equal = left.kind == Kind::Dir || {
                let could = left.size == right.size;
                // When only one side changed, it is copied whatever the other side holds.
                let must_know = base.is_none() || changes == [Change::Content; 2];
                if could && must_know {
                    for (side, meta) in [(Side::Left, left), (Side::Right, right)] {
                        if hashes[side.at()].is_none() {
                            hashes[side.at()] = Some(self.hash(dirs, side, name, &meta)?);
                        }
                    }
                }
                could && hashes[0].is_some() && hashes[0] == hashes[1]
            };
        }
        let verdict = reconcile(View {
            base,
            sides: [sides[0].as_ref(), sides[1].as_ref()],
            changes,
            equal,
        });
        let hash = if equal { hashes[0] } else { None };
        Ok((verdict, hash))
    }

    fn hash(
        &mut self,
        dirs: &[Option<Dir>; 2],
        side: Side,
        name: &[u8],
        meta: &Meta,
    ) -> Result<Hash, (Side, ReadFault)> {
        let dir = dirs[side.at()].as_ref().ok_or((side, ReadFault::Changed))?;
        fs::hash_entry(dir, name, meta, &mut self.hash_buffer, self.input.cancel)
            .map_err(|fault| (side, fault))
    }
}

fn push_hold(group: &mut Group, name: &[u8], sides: [Option<Meta>; 2]) {
    push_plain(group, name, Decision::Hold, sides);
}

fn push_plain(group: &mut Group, name: &[u8], decision: Decision, sides: [Option<Meta>; 2]) {
    group.items.push(Item {
        name: name.into(),
        verdict: Verdict::plain(decision),
        sides,
        base: None,
        hash: None,
    });
}

fn is_same_dir(meta: &Meta, own: &Meta) -> bool {
    meta.kind == Kind::Dir && own.ino != 0 && meta.ino == own.ino && meta.dev == own.dev
}

/// Says whether the fingerprint proves that the content is what was in sync.
fn is_proof(base: &Base, side: Side, meta: &Meta) -> bool {
    let mark = base.mark(side);
    mark.settled && mark.mtime == meta.mtime && mark.ctime == meta.ctime && mark.ino == meta.ino
}

/// Says whether an entry is exactly as it was, without reading it.
fn is_untouched(base: &Base, side: Side, meta: &Meta) -> bool {
    base.kind == meta.kind
        && base.mark(side).bits == meta.bits()
        && (meta.kind == Kind::Dir || base.size == meta.size && is_proof(base, side, meta))
}

fn change_of_meta(base: &Base, side: Side, meta: &Meta) -> Change {
    let mark = base.mark(side);
    let same = match meta.kind {
        Kind::Link => true,
        Kind::Dir => mark.bits == meta.bits(),
        Kind::File | Kind::Special => mark.bits == meta.bits() && mark.mtime == meta.mtime,
    };
    if same { Change::Same } else { Change::Meta }
}
