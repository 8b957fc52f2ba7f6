//! Carrying out a plan: directories, copies in durable batches, deletions, replaced directories, permission bits.
//!
//! A batch is staged completely and made durable, then written into the journal, then renamed into place; what happened is
//! confirmed one batch later, when the clock of the file system has moved on and everything is durable. The archive
//! advances only by what was confirmed. Whatever fails is one path's finding and the rest goes on.

use std::collections::HashSet;
use std::io;

use crate::archive::{Base, Mark, Updates};
use crate::bench::{Bench, ChangeFault, in_parallel, is_absent, lock};
use crate::fs::{self, Dir};
use crate::journal::{Deed, Record, Stamp};
use crate::name;
use crate::observe::Step;
use crate::reconcile::{Decision, Group, Item};
use crate::stage::{Staged, discard, stage};
use crate::tree::{Kind, Meta, Side, Time};

/// How many files a batch holds at most.
const BATCH_FILES: usize = 4096;
/// How many bytes a batch copies at most, its last file excepted.
const BATCH_BYTES: u64 = 256 * 1024 * 1024;
/// How many files of one directory a worker takes at once.
const UNIT_FILES: usize = 64;
/// From how many results on the archive is saved within a run; it is doubled each time, so that saving stays linear.
const CHECKPOINT_RESULTS: usize = 16 * 1024;

/// One item by its place in the groups.
#[derive(Debug, Clone, Copy)]
struct Job {
    group: usize,
    item: usize,
    side: Side,
}

/// Jobs of one directory and one side.
#[derive(Debug, Clone)]
struct Unit {
    group: usize,
    side: Side,
    items: Vec<usize>,
}

/// Permission bits and time that a side is to have.
type MetaChange = (Side, u32, Time);

/// A batch that is in place and waits to be confirmed.
#[derive(Default)]
struct Placed(Vec<(Job, Staged)>);

/// Saves the archive with what is confirmed so far.
pub(crate) type Checkpoint<'a> = &'a mut dyn FnMut(&Updates) -> io::Result<()>;

struct Run<'a, 'b> {
    bench: &'a Bench<'a>,
    groups: &'a [Group],
    updates: &'b mut Updates,
    checkpoint: Checkpoint<'b>,
    saved: usize,
    save_at: usize,
    /// Directories that could not be made or removed; nothing is tried below them.
    blocked: HashSet<(Side, Vec<u8>)>,
    placed: Placed,
    retries: Vec<Job>,
    touched: [bool; 2],
    made: Vec<Job>,
}

/// Carries out the decisions of settled groups and collects what happened.
///
/// # Errors
/// Only where going on could lose something: the journal or the archive cannot be written.
pub(crate) fn apply(
    bench: &Bench<'_>,
    groups: &[Group],
    now: Time,
    updates: &mut Updates,
    checkpoint: Checkpoint<'_>,
) -> io::Result<()> {
    let mut run = Run {
        bench,
        groups,
        updates,
        checkpoint,
        saved: 0,
        save_at: CHECKPOINT_RESULTS,
        blocked: HashSet::new(),
        placed: Placed::default(),
        retries: Vec::new(),
        touched: [false; 2],
        made: Vec::new(),
    };
    run.remember(now);
    let result = run.steps();
    // Also after a fault or a cancel: what is in place is made durable and remembered.
    let finished = run.finish();
    result.and(finished)
}

fn jobs<'a>(
    groups: &'a [Group],
    pick: impl Fn(&Item) -> Option<Side> + 'a,
) -> impl DoubleEndedIterator<Item = Job> + 'a {
    let pick = std::rc::Rc::new(pick);
    groups.iter().enumerate().flat_map(move |(group, g)| {
        let pick = pick.clone();
        g.items
            .iter()
            .enumerate()
            .filter_map(move |(item, i)| pick(i).map(|side| Job { group, item, side }))
    })
}

fn kind_on(item: &Item, side: Side) -> Option<Kind> {
    item.side(side).map(|meta| meta.kind)
}

/// Copies of a file or link to a side.
fn copies(item: &Item, over_dir: bool) -> Option<Side> {
    match item.verdict.decision {
        Decision::Copy { to } => {
            let is_dir = kind_on(item, to.other()) == Some(Kind::Dir);
            (!is_dir && (kind_on(item, to) == Some(Kind::Dir)) == over_dir).then_some(to)
        }
        _ => None,
    }
}

/// Directories that are made on a side.
fn makes_dir(item: &Item) -> Option<Side> {
    match item.verdict.decision {
        Decision::Copy { to } if kind_on(item, to.other()) == Some(Kind::Dir) => Some(to),
        _ => None,
    }
}

/// Files and links that are deleted on a side.
fn deletes_file(item: &Item) -> Option<Side> {
    match item.verdict.decision {
        Decision::Delete { on } if kind_on(item, on) != Some(Kind::Dir) => Some(on),
        _ => None,
    }
}

/// Directories that disappear on a side, deleted or replaced.
fn removes_dir(item: &Item) -> Option<Side> {
    match item.verdict.decision {
        Decision::Delete { on } if kind_on(item, on) == Some(Kind::Dir) => Some(on),
        _ => copies(item, true),
    }
}

fn units(jobs: &[Job]) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    for job in jobs {
        match units.last_mut() {
            Some(unit)
                if unit.group == job.group
                    && unit.side == job.side
                    && unit.items.len() < UNIT_FILES =>
            {
                unit.items.push(job.item);
            }
            _ => units.push(Unit {
                group: job.group,
                side: job.side,
                items: vec![job.item],
            }),
        }
    }
    units
}

impl Run<'_, '_> {
    fn item(&self, job: Job) -> (&Group, &Item) {
        let group = &self.groups[job.group];
        (group, &group.items[job.item])
    }

    fn path(&self, job: Job) -> Vec<u8> {
        let (group, item) = self.item(job);
        name::join(&group.path, &item.name)
    }

    /// Takes over what needs no change on disk.
    fn remember(&mut self, now: Time) {
        for (group, item) in self
            .groups
            .iter()
            .flat_map(|g| g.items.iter().map(move |i| (g, i)))
        {
            let path = || name::join(&group.path, &item.name).into_boxed_slice();
            match (item.verdict.decision, &item.sides) {
                (Decision::Forget, _) => {
                    self.updates.insert(path(), None);
                }
                (Decision::Record, [Some(left), Some(right)]) => {
                    let marks = [Mark::of(left, now), Mark::of(right, now)];
                    self.updates
                        .insert(path(), Some(base_of(left, item.hash.as_deref(), marks)));
                }
                _ => {}
            }
        }
    }

    fn steps(&mut self) -> io::Result<()> {
        self.make_dirs()?;
        let first: Vec<Job> = jobs(self.groups, |item| copies(item, false)).collect();
        self.copy(&first, true)?;
        self.delete_files()?;
        self.remove_dirs()?;
        let over: Vec<Job> = jobs(self.groups, |item| copies(item, true)).collect();
        self.copy(&over, true)?;
        self.retry()?;
        self.confirm();
        self.set_metas()
    }

    fn finish(&mut self) -> io::Result<()> {
        self.finish_dirs();
        for (side, result) in Side::BOTH
            .into_iter()
            .zip(self.bench.sync_sides(self.touched))
        {
            if let Err(error) = result {
                let what = "what was written could not be made durable";
                self.bench.find(b"", side, what, Some(error.to_string()));
            }
        }
        self.confirm();
        Ok(())
    }

    fn make_dirs(&mut self) -> io::Result<()> {
        for job in jobs(self.groups, makes_dir) {
            if self.bench.cancel.is_cancelled() {
                return Ok(());
            }
            let path = self.path(job);
            let (group, item) = self.item(job);
            let (to, base) = (job.side, item.base.as_deref().copied());
            if self.blocked.contains(&(to, group.path.to_vec())) {
                self.bench.failed(&path, to, &ChangeFault::SideClosed);
                self.blocked.insert((to, path));
                continue;
            }
            if let Some(old) = item.side(to) {
                let number = self.bench.number();
                let deed = Deed::Delete {
                    old: Stamp::of(old),
                    kept: number,
                };
                self.bench.record(&Record {
                    side: to,
                    path: path.clone().into(),
                    deed,
                    base,
                })?;
                self.bench.sync_journal()?;
                self.bench.observer.step(Step::Keep(to, &path));
                let done = self.bench.dir(to, &group.path).map_err(ChangeFault::from);
                let done =
                    done.and_then(|dir| self.bench.displace(to, &dir, &item.name, old, number));
                if let Err(fault) = done {
                    self.bench.failed(&path, to, &fault);
                    self.blocked.insert((to, path));
                    continue;
                }
            }
            self.bench.record(&Record {
                side: to,
                path: path.clone().into(),
                deed: Deed::MakeDir,
                base,
            })?;
            self.bench.observer.step(Step::Commit(to, &path));
            let bits = item.side(to.other()).map_or(0o700, Meta::bits) | 0o700;
            let made = if self.bench.is_closed(to) {
                Err(ChangeFault::SideClosed)
            } else {
                let done = self
                    .bench
                    .dir(to, &group.path)
                    .and_then(|dir| dir.make_dir(&item.name, bits));
                done.map_err(|error| match error.kind() {
                    io::ErrorKind::AlreadyExists => ChangeFault::Changed,
                    _ => error.into(),
                })
            };
            match made {
                Ok(()) => {
                    self.touched[to.at()] = true;
                    self.made.push(job);
                    lock(&self.bench.counts).add_changed(to);
                    self.bench.tick();
                }
                Err(fault) => {
                    self.bench.failed(&path, to, &fault);
                    self.blocked.insert((to, path));
                }
            }
        }
        Ok(())
    }

    fn copy(&mut self, all: &[Job], may_retry: bool) -> io::Result<()> {
        let mut rest = all;
        while !rest.is_empty() {
            if self.bench.cancel.is_cancelled() {
                return Ok(());
            }
            let mut bytes = 0u64;
            let mut count = 0;
            while count < rest.len() && count < BATCH_FILES && bytes < BATCH_BYTES {
                let job = rest[count];
                bytes = bytes.saturating_add(
                    self.item(job)
                        .1
                        .side(job.side.other())
                        .map_or(0, |meta| meta.size),
                );
                count += 1;
            }
            let (batch, after) = rest.split_at(count);
            rest = after;
            self.batch(batch, may_retry)?;
        }
        Ok(())
    }

    fn batch(&mut self, batch: &[Job], may_retry: bool) -> io::Result<()> {
        let (bench, groups, blocked) = (self.bench, self.groups, &self.blocked);
        let staged = in_parallel(bench.workers, &units(batch), &|unit, buffer| {
            stage_unit(bench, groups, blocked, unit, buffer)
        });
        let mut ready: Vec<(Job, Staged)> = Vec::new();
        for (job, result) in staged.into_iter().flatten() {
            match result {
                Ok(staged) => ready.push((job, staged)),
                Err(ChangeFault::Changed) if may_retry => self.retries.push(job),
                Err(fault) => bench.failed(&self.path(job), job.side, &fault),
            }
        }
        if ready.is_empty() {
            return Ok(());
        }
        if bench.cancel.is_cancelled() {
            self.discard_all(&ready);
            return Ok(());
        }
        let sides = Side::BOTH.map(|side| ready.iter().any(|(job, _)| job.side == side));
        for (side, result) in Side::BOTH.into_iter().zip(bench.sync_sides(sides)) {
            if let Err(error) = result {
                let (lost, kept) = ready.into_iter().partition(|(job, _)| job.side == side);
                ready = kept;
                self.discard_all(&lost);
                for (job, _) in &lost {
                    let again = io::Error::from(error.kind());
                    bench.failed(&self.path(*job), side, &again.into());
                }
            }
        }
        // Everything older is durable now, so it can be confirmed, and the archive may say so.
        self.confirm();
        self.save_if_due()?;
        if let Err(error) = self.journal(&ready) {
            self.discard_all(&ready);
            return Err(error);
        }
        for side in Side::BOTH {
            self.touched[side.at()] |= sides[side.at()];
        }
        self.place(ready);
        Ok(())
    }

    fn discard_all(&self, staged: &[(Job, Staged)]) {
        for (job, staged) in staged {
            if let Ok(dir) = self.bench.dir(job.side, &self.item(*job).0.path) {
                discard(&dir, &staged.temp);
            }
        }
    }

    fn journal(&self, ready: &[(Job, Staged)]) -> io::Result<()> {
        for (job, staged) in ready {
            let item = self.item(*job).1;
            let new = Stamp::of(&staged.copy);
            let deed = match item.side(job.side) {
                Some(old) if old.kind != Kind::Dir => Deed::Replace {
                    new,
                    old: Stamp::of(old),
                    kept: staged.number,
                },
                _ => Deed::Create { new },
            };
            let base = item.base.as_deref().copied();
            self.bench.record(&Record {
                side: job.side,
                path: self.path(*job).into(),
                deed,
                base,
            })?;
        }
        self.bench.sync_journal()
    }

    fn place(&mut self, ready: Vec<(Job, Staged)>) {
        let runs: Vec<&[(Job, Staged)]> = ready
            .chunk_by(|(a, _), (b, _)| a.group == b.group && a.side == b.side)
            .flat_map(|chunk| chunk.chunks(UNIT_FILES))
            .collect();
        let (bench, groups) = (self.bench, self.groups);
        let results = in_parallel(bench.workers, &runs, &|run, _| {
            place_unit(bench, groups, run)
        });
        drop(runs);
        let mut results = results.into_iter().flatten();
        let placed: Vec<(Job, Staged)> = ready
            .into_iter()
            .filter_map(|(job, staged)| match results.next() {
                Some(Ok(())) => {
                    lock(&bench.counts).add_changed(job.side);
                    bench.tick();
                    Some((job, staged))
                }
                Some(Err(fault)) => {
                    bench.failed(&self.path(job), job.side, &fault);
                    None
                }
                None => None,
            })
            .collect();
        self.placed.0.extend(placed);
    }

    /// Looks at what was placed once more and takes it over into the results.
    fn confirm(&mut self) {
        let placed = std::mem::take(&mut self.placed.0);
        let runs: Vec<&[(Job, Staged)]> = placed
            .chunk_by(|(a, _), (b, _)| a.group == b.group && a.side == b.side)
            .flat_map(|chunk| chunk.chunks(UNIT_FILES))
            .collect();
        let (bench, groups) = (self.bench, self.groups);
        let bases = in_parallel(bench.workers, &runs, &|run, _| {
            confirm_unit(bench, groups, run)
        });
        for ((job, _), base) in placed.iter().zip(bases.into_iter().flatten()) {
            let path = self.path(*job);
            self.updates.insert(path.into(), Some(base));
        }
    }

    fn save_if_due(&mut self) -> io::Result<()> {
        if self.updates.len() - self.saved < self.save_at {
            return Ok(());
        }
        self.bench.observer.step(Step::Archive);
        (self.checkpoint)(self.updates)?;
        self.saved = self.updates.len();
        self.save_at *= 2;
        Ok(())
    }

    fn delete_files(&mut self) -> io::Result<()> {
        let all: Vec<Job> = jobs(self.groups, deletes_file).collect();
        for batch in all.chunks(BATCH_FILES) {
            if self.bench.cancel.is_cancelled() {
                return Ok(());
            }
            let mut numbered: Vec<(Job, u64)> = Vec::with_capacity(batch.len());
            for job in batch {
                let item = self.item(*job).1;
                let Some(old) = item.side(job.side) else {
                    continue;
                };
                let kept = self.bench.number();
                let deed = Deed::Delete {
                    old: Stamp::of(old),
                    kept,
                };
                let base = item.base.as_deref().copied();
                self.bench.record(&Record {
                    side: job.side,
                    path: self.path(*job).into(),
                    deed,
                    base,
                })?;
                numbered.push((*job, kept));
            }
            self.bench.sync_journal()?;
            let runs: Vec<&[(Job, u64)]> = numbered
                .chunk_by(|(a, _), (b, _)| a.group == b.group && a.side == b.side)
                .flat_map(|chunk| chunk.chunks(UNIT_FILES))
                .collect();
            let (bench, groups) = (self.bench, self.groups);
            let results = in_parallel(bench.workers, &runs, &|run, _| {
                delete_unit(bench, groups, run)
            });
            for ((job, _), result) in numbered.iter().zip(results.into_iter().flatten()) {
                self.deleted(*job, result);
            }
        }
        Ok(())
    }

    fn deleted(&mut self, job: Job, result: Result<(), ChangeFault>) {
        let path = self.path(job);
        match result {
            Ok(()) => {
                self.touched[job.side.at()] = true;
                lock(&self.bench.counts).deleted += 1;
                self.bench.tick();
                self.updates.insert(path.into(), None);
            }
            Err(fault) => {
                self.bench.failed(&path, job.side, &fault);
                self.blocked.insert((job.side, path));
            }
        }
    }

    fn remove_dirs(&mut self) -> io::Result<()> {
        let all: Vec<Job> = jobs(self.groups, removes_dir).rev().collect();
        for job in &all {
            let item = self.item(*job).1;
            let Some(old) = item.side(job.side) else {
                continue;
            };
            let deed = Deed::RemoveDir {
                bits: old.bits(),
                mtime: old.mtime,
            };
            let base = item.base.as_deref().copied();
            self.bench.record(&Record {
                side: job.side,
                path: self.path(*job).into(),
                deed,
                base,
            })?;
        }
        self.bench.sync_journal()?;
        for job in all {
            if self.bench.cancel.is_cancelled() {
                return Ok(());
            }
            let (group, item) = self.item(job);
            let replaced = matches!(item.verdict.decision, Decision::Copy { .. });
            let path = self.path(job);
            self.bench.observer.step(Step::Delete(job.side, &path));
            let result = remove_dir(self.bench, group, item, job.side, replaced);
            if replaced {
                match result {
                    Ok(()) => self.touched[job.side.at()] = true,
                    Err(fault) => {
                        self.bench.failed(&path, job.side, &fault);
                        self.blocked.insert((job.side, path));
                    }
                }
            } else {
                self.deleted(job, result);
            }
        }
        Ok(())
    }

    /// Tries once more what changed while it was read, with what it is now.
    fn retry(&mut self) -> io::Result<()> {
        let retries = std::mem::take(&mut self.retries);
        if retries.is_empty() || self.bench.cancel.is_cancelled() {
            return Ok(());
        }
        let mut again: Vec<Group> = Vec::new();
        for job in retries {
            let (group, item) = self.item(job);
            let from = job.side.other();
            let now = self
                .bench
                .dir(from, &group.path)
                .and_then(|dir| dir.stat(&item.name));
            let same_kind = now
                .as_ref()
                .is_ok_and(|now| Some(now.kind) == kind_on(item, from));
            let (Ok(now), true) = (now, same_kind) else {
                self.bench
                    .failed(&self.path(job), job.side, &ChangeFault::Changed);
                continue;
            };
            let mut item = item.clone();
            item.sides[from.at()] = Some(now);
            match again.last_mut() {
                Some(last) if last.path == group.path => last.items.push(item),
                _ => again.push(Group {
                    path: group.path.clone(),
                    items: vec![item],
                    barred: false,
                }),
            }
        }
        self.confirm();
        let mut second = Run {
            bench: self.bench,
            groups: &again,
            updates: self.updates,
            checkpoint: self.checkpoint,
            saved: self.saved,
            save_at: self.save_at,
            blocked: std::mem::take(&mut self.blocked),
            placed: Placed::default(),
            retries: Vec::new(),
            touched: self.touched,
            made: Vec::new(),
        };
        let jobs: Vec<Job> = jobs(&again, |item| match item.verdict.decision {
            Decision::Copy { to } => Some(to),
            _ => None,
        })
        .collect();
        let result = second.copy(&jobs, false);
        second.confirm();
        self.touched = second.touched;
        result
    }

    /// Sets permission bits and times, the deepest first, so that a directory closes after what is in it.
    fn set_metas(&mut self) -> io::Result<()> {
        let all: Vec<Job> = jobs(self.groups, |item| match item.verdict.decision {
            Decision::Meta => Some(Side::Left),
            // A copied file whose source must take over bits that changed on the other side.
            Decision::Copy { to } if item.verdict.bits.is_some() => Some(to.other()),
            _ => None,
        })
        .collect();
        if all.is_empty() {
            return Ok(());
        }
        let mut wanted: Vec<(Job, Vec<MetaChange>)> = Vec::new();
        for job in all.into_iter().rev() {
            let item = self.item(job).1;
            let is_copy = matches!(item.verdict.decision, Decision::Copy { .. });
            let sides: &[Side] = if is_copy { &[job.side] } else { &Side::BOTH };
            let mut changes = Vec::new();
            for side in sides {
                let Some(old) = item.side(*side) else {
                    continue;
                };
                let bits = item.verdict.bits.unwrap_or_else(|| old.bits());
                let mtime = item.verdict.mtime.unwrap_or(old.mtime);
                if bits == old.bits() && (mtime == old.mtime || old.kind != Kind::File) {
                    continue;
                }
                let deed = Deed::SetMeta {
                    kind: old.kind,
                    old: (old.bits(), old.mtime),
                    new: (bits, mtime),
                };
                let base = item.base.as_deref().copied();
                self.bench.record(&Record {
                    side: *side,
                    path: self.path(job).into(),
                    deed,
                    base,
                })?;
                changes.push((*side, bits, mtime));
            }
            if !changes.is_empty() {
                wanted.push((job, changes));
            }
        }
        self.bench.sync_journal()?;
        for (job, changes) in wanted {
            self.set_meta_of(job, &changes);
        }
        Ok(())
    }

    /// Sets what one path needs on its sides and takes it over only if all of it was done; otherwise the archive stays
    /// as it was and the next run finishes what is missing.
    fn set_meta_of(&mut self, job: Job, changes: &[MetaChange]) {
        let path = self.path(job);
        let group = &self.groups[job.group];
        let item = &group.items[job.item];
        let is_copy = matches!(item.verdict.decision, Decision::Copy { .. });
        let copied = self.updates.get(path.as_slice()).copied().flatten();
        let mut base = match (is_copy, copied, &item.sides) {
            (true, Some(copied), _) => copied,
            (false, _, [Some(left), Some(right)]) => {
                let marks = [left, right].map(|meta| Mark {
                    settled: false,
                    ..Mark::of(meta, Time::default())
                });
                base_of(left, item.hash.as_deref(), marks)
            }
            // The copy was not made, so nothing is to be set.
            _ => return,
        };
        let mut done = true;
        for (side, bits, mtime) in changes {
            if self.bench.cancel.is_cancelled() {
                done = false;
                break;
            }
            self.bench.observer.step(Step::Meta(*side, &path));
            match set_meta(self.bench, group, item, *side, *bits, *mtime) {
                Ok(mark) => {
                    base.marks[side.at()] = mark;
                    self.touched[side.at()] = true;
                    lock(&self.bench.counts).add_changed(*side);
                    self.bench.tick();
                }
                Err(fault) => {
                    self.bench.failed(&path, *side, &fault);
                    done = false;
                }
            }
        }
        if done {
            if base.kind == Kind::Dir {
                base.marks = base.marks.map(|mark| Mark {
                    bits: mark.bits,
                    ..Mark::default()
                });
            }
            self.updates.insert(path.into(), Some(base));
        } else if is_copy {
            self.updates.remove(path.as_slice());
        }
    }

    /// Gives the directories that were made their final permission bits and times, the deepest first.
    fn finish_dirs(&mut self) {
        for job in std::mem::take(&mut self.made).into_iter().rev() {
            let path = self.path(job);
            let (group, item) = self.item(job);
            let Some(source) = item.side(job.side.other()) else {
                continue;
            };
            let done = self.bench.dir(job.side, &group.path).and_then(|dir| {
                let mut made = dir.stat(&item.name)?;
                dir.set_mtime(&item.name, source.mtime)?;
                if made.bits() != source.bits() {
                    // File systems without permission bits refuse; what they keep instead is remembered.
                    drop(dir.set_bits(&item.name, &made, source.bits()));
                    made = dir.stat(&item.name)?;
                }
                Ok(made)
            });
            match done {
                Ok(made) if made.kind == Kind::Dir => {
                    let now = Time::default();
                    let mut marks = [Mark::of(source, now), Mark::of(source, now)];
                    marks[job.side.at()] = Mark::of(&made, now);
                    self.updates
                        .insert(path.into(), Some(base_of(source, None, marks)));
                }
                Ok(_) => self.bench.failed(&path, job.side, &ChangeFault::Changed),
                Err(error) => self.bench.failed(&path, job.side, &error.into()),
            }
        }
    }
}

fn base_of(meta: &Meta, hash: Option<&crate::tree::Hash>, marks: [Mark; 2]) -> Base {
    let is_dir = meta.kind == Kind::Dir;
    let size = if is_dir { 0 } else { meta.size };
    let hash = if is_dir {
        [0; 32]
    } else {
        hash.copied().unwrap_or([0; 32])
    };
    let marks = if is_dir {
        marks.map(|mark| Mark {
            bits: mark.bits,
            ..Mark::default()
        })
    } else {
        marks
    };
    Base {
        kind: meta.kind,
        size,
        hash,
        marks,
    }
}

fn open_both(bench: &Bench<'_>, path: &[u8]) -> io::Result<[Dir; 2]> {
    Ok([bench.dir(Side::Left, path)?, bench.dir(Side::Right, path)?])
}

fn stage_unit(
    bench: &Bench<'_>,
    groups: &[Group],
    blocked: &HashSet<(Side, Vec<u8>)>,
    unit: &Unit,
    buffer: &mut Vec<u8>,
) -> Vec<(Job, Result<Staged, ChangeFault>)> {
    let group = &groups[unit.group];
    let job = |item: &usize| Job {
        group: unit.group,
        item: *item,
        side: unit.side,
    };
    if blocked.contains(&(unit.side, group.path.to_vec())) {
        return unit
            .items
            .iter()
            .map(|item| (job(item), Err(ChangeFault::SideClosed)))
            .collect();
    }
    let dirs = match open_both(bench, &group.path) {
        Ok(dirs) => dirs,
        Err(error) => {
            let fault = || ChangeFault::System(io::Error::new(error.kind(), error.to_string()));
            return unit
                .items
                .iter()
                .map(|item| (job(item), Err(fault())))
                .collect();
        }
    };
    let stage_one = |at: &usize| {
        let item = &group.items[*at];
        if !blocked.is_empty()
            && blocked.contains(&(unit.side, name::join(&group.path, &item.name)))
        {
            return (job(at), Err(ChangeFault::SideClosed));
        }
        let result = stage(
            bench,
            unit.side,
            [&dirs[0], &dirs[1]],
            &group.path,
            item,
            buffer,
        );
        (job(at), result)
    };
    unit.items.iter().map(stage_one).collect()
}

fn place_unit(
    bench: &Bench<'_>,
    groups: &[Group],
    run: &[(Job, Staged)],
) -> Vec<Result<(), ChangeFault>> {
    let Some((first, _)) = run.first() else {
        return Vec::new();
    };
    let group = &groups[first.group];
    let dir = match bench.dir(first.side, &group.path) {
        Ok(dir) => dir,
        Err(error) => {
            let fault = || io::Error::new(error.kind(), error.to_string()).into();
            return run.iter().map(|_| Err(fault())).collect();
        }
    };
    let results = run.iter().map(|(job, staged)| {
        let item = &group.items[job.item];
        let path = name::join(&group.path, &item.name);
        let expected = item
            .side(job.side)
            .filter(|old| old.kind != Kind::Dir)
            .map(|old| (old, staged.number));
        let result = bench.put(job.side, &dir, &staged.temp, &item.name, &path, expected);
        if result.is_err() {
            discard(&dir, &staged.temp);
        }
        result
    });
    let results = results.collect();
    if !fs::SYNCS_WHOLE
        && let Err(error) = dir.sync_names()
    {
        bench.find(
            &group.path,
            first.side,
            "what was written could not be made durable",
            Some(error.to_string()),
        );
    }
    results
}

fn confirm_unit(bench: &Bench<'_>, groups: &[Group], run: &[(Job, Staged)]) -> Vec<Base> {
    let Some((first, _)) = run.first() else {
        return Vec::new();
    };
    let group = &groups[first.group];
    let dir = bench.dir(first.side, &group.path).ok();
    let confirm = |(job, staged): &(Job, Staged)| {
        let item = &group.items[job.item];
        let now = fs::now();
        // Unless it is proven that the place still holds our copy, the next run must look at its content.
        let placed = dir
            .as_ref()
            .and_then(|dir| dir.stat(&item.name).ok())
            .filter(|meta| meta.is_moved(&staged.copy));
        let target = match placed {
            Some(meta) => Mark::of(&meta, now),
            None => Mark {
                settled: false,
                ..Mark::of(&staged.copy, now)
            },
        };
        let source = Mark::of(&staged.source, staged.looked);
        let mut marks = [source; 2];
        marks[job.side.at()] = target;
        base_of(&staged.copy, Some(&staged.hash), marks)
    };
    run.iter().map(confirm).collect()
}

fn delete_unit(
    bench: &Bench<'_>,
    groups: &[Group],
    run: &[(Job, u64)],
) -> Vec<Result<(), ChangeFault>> {
    let Some((first, _)) = run.first() else {
        return Vec::new();
    };
    let group = &groups[first.group];
    let dir = bench.dir(first.side, &group.path);
    let delete = |(job, number): &(Job, u64)| {
        if bench.cancel.is_cancelled() {
            return Err(ChangeFault::Cancelled);
        }
        let dir = dir
            .as_ref()
            .map_err(|error| io::Error::new(error.kind(), error.to_string()))?;
        let item = &group.items[job.item];
        let old = item.side(job.side).ok_or(ChangeFault::Changed)?;
        // A listing may miss a name that is renamed while it is read; a deletion needs certainty.
        if !is_absent(bench.roots[job.side.other().at()], &group.path, &item.name)? {
            return Err(ChangeFault::Changed);
        }
        bench
            .observer
            .step(Step::Delete(job.side, &name::join(&group.path, &item.name)));
        bench.displace(job.side, dir, &item.name, old, *number)
    };
    run.iter().map(delete).collect()
}

fn remove_dir(
    bench: &Bench<'_>,
    group: &Group,
    item: &Item,
    side: Side,
    replaced: bool,
) -> Result<(), ChangeFault> {
    if !replaced && !is_absent(bench.roots[side.other().at()], &group.path, &item.name)? {
        return Err(ChangeFault::Changed);
    }
    match bench.dir(side, &group.path)?.remove_dir(&item.name) {
        Ok(()) => Ok(()),
        // Something appeared in it, or is left in it because it could not be deleted.
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Err(ChangeFault::Changed),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(ChangeFault::Changed),
        Err(error) => Err(error.into()),
    }
}

fn set_meta(
    bench: &Bench<'_>,
    group: &Group,
    item: &Item,
    side: Side,
    bits: u32,
    mtime: Time,
) -> Result<Mark, ChangeFault> {
    let old = item.side(side).ok_or(ChangeFault::Changed)?;
    let dir = bench.dir(side, &group.path)?;
    if !dir.stat(&item.name)?.is_still(old) {
        return Err(ChangeFault::Changed);
    }
    if mtime != old.mtime && old.kind == Kind::File {
        dir.set_mtime(&item.name, mtime)?;
    }
    if bits != old.bits() {
        dir.set_bits(&item.name, old, bits)?;
    }
    let now = dir.stat(&item.name)?;
    // Our own change hides an edit at the same moment from the metadata, so the next run looks at the content.
    Ok(Mark {
        settled: false,
        ino: old.ino,
        ..Mark::of(&now, Time::default())
    })
}
