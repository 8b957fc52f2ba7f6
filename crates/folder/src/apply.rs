//! Carrying out a plan: directories, copies in durable batches, deletions, replaced directories, permission bits.
//!
//! A batch is staged completely and made durable, then written into the journal, then renamed into place; what happened is
//! confirmed one batch later, when the clock of the file system has moved on and everything is durable. The archive
//! advances only by what was confirmed. Whatever fails is one path's finding and the rest goes on.

use std::collections::{BTreeMap, HashSet};
use std::io;

use crate::archive::{Base, Mark, Updates};
use crate::journal::{Deed, Record, Stamp};
use crate::name;
use crate::observe::Step;
use crate::plan::Action;
use crate::reconcile::{Decision, Group, Item};
use crate::stage::{Staged, discard};
use crate::tree::{Kind, Meta, Side, Time};
use crate::unit::{confirm_unit, delete_unit, make_dir, place_unit, remove_dir, stage_unit};
use crate::workbench::{Bench, ChangeFault, in_parallel, lock};

/// How many files a batch holds at most.
const BATCH_FILES: usize = 4096;
/// How many bytes a batch copies at most, its last file excepted.
const BATCH_BYTES: u64 = 256 * 1024 * 1024;
/// How many files of one directory a worker takes at once; two workers in one directory wait for each other.
const UNIT_FILES: usize = 256;
/// From how many results on the archive is saved within a run; it is doubled each time, so that saving stays linear.
const CHECKPOINT_RESULTS: usize = 16 * 1024;

/// One item by its place in the groups.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Job {
    pub(crate) group: usize,
    pub(crate) item: usize,
    pub(crate) side: Side,
}

/// Jobs of one directory and one side.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    pub(crate) group: usize,
    pub(crate) side: Side,
    pub(crate) items: Vec<usize>,
}

/// A batch that is in place and waits to be confirmed.
#[derive(Default)]
pub(crate) struct Placed(Vec<(Job, Staged)>);

/// Saves the archive with what is confirmed so far.
pub(crate) type Checkpoint<'a> = &'a mut dyn FnMut(&Updates) -> io::Result<()>;

pub(crate) struct Run<'a, 'b> {
    pub(crate) bench: &'a Bench<'a>,
    pub(crate) groups: &'a [Group],
    pub(crate) updates: &'b mut Updates,
    pub(crate) checkpoint: Checkpoint<'b>,
    pub(crate) saved: usize,
    pub(crate) save_at: usize,
    /// Directories that could not be made or removed; nothing is tried below them.
    pub(crate) blocked: HashSet<(Side, Vec<u8>)>,
    pub(crate) placed: Placed,
    /// What is in place and waits for its source to get other permission bits.
    pub(crate) unfinished: BTreeMap<Box<[u8]>, Base>,
    pub(crate) retries: Vec<Job>,
    pub(crate) touched: [bool; 2],
    pub(crate) made: Vec<Job>,
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
        unfinished: BTreeMap::new(),
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

pub(crate) fn jobs<'a>(
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

/// Directories that are deleted on a side.
fn removes_dir(item: &Item) -> Option<Side> {
    match item.verdict.decision {
        Decision::Delete { on } if kind_on(item, on) == Some(Kind::Dir) => Some(on),
        _ => None,
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
    pub(crate) fn item(&self, job: Job) -> (&Group, &Item) {
        let group = &self.groups[job.group];
        (group, &group.items[job.item])
    }

    pub(crate) fn path(&self, job: Job) -> Vec<u8> {
        let (group, item) = self.item(job);
        name::join(&group.path, &item.name)
    }

    /// Takes over what needs no change on disk. It may be the work of a run that ended before it was durable, so it is made
    /// durable first: the archive never knows more than what a cut of the power leaves.
    fn remember(&mut self, now: Time) {
        let mut learned = Vec::new();
        for (group, item) in self
            .groups
            .iter()
            .flat_map(|g| g.items.iter().map(move |i| (g, i)))
        {
            let path = || name::join(&group.path, &item.name).into_boxed_slice();
            match (item.verdict.decision, &item.sides) {
                (Decision::Forget | Decision::Ignore, _) => learned.push((path(), None)),
                (Decision::Record, [Some(left), Some(right)]) => {
                    let marks = [Mark::of(left, now), Mark::of(right, now)];
                    let base = base_of(left, item.hash.as_deref(), marks);
                    learned.push((path(), Some(base)));
                }
                _ => {}
            }
        }
        if !learned.is_empty() && self.make_durable([true; 2]) {
            self.updates.extend(learned);
        }
    }

    /// Makes what was written durable, and says whether it is; where that fails it is told.
    fn make_durable(&self, sides: [bool; 2]) -> bool {
        let mut durable = true;
        for (side, result) in Side::BOTH.into_iter().zip(self.bench.sync_sides(sides)) {
            if let Err(error) = result {
                let what = "what was written could not be made durable";
                self.bench.find(b"", side, what, Some(error.to_string()));
                durable = false;
            }
        }
        durable
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
        self.make_durable(self.touched);
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
            let to = job.side;
            // What was no directory there gives way.
            let action = made_on(item, to);
            if self.blocked.contains(&(to, group.path.to_vec())) {
                self.bench.failed(&path, to, &ChangeFault::SideClosed);
                self.blocked.insert((to, path));
                continue;
            }
            let made = if self.bench.is_closed(to) {
                Err(ChangeFault::SideClosed)
            } else {
                make_dir(self.bench, group, item, to, &path)?
            };
            match made {
                Ok(()) => {
                    self.touched[to.at()] = true;
                    self.made.push(job);
                    lock(&self.bench.counts).add_made(to, action);
                    self.bench.changed(to, action, &path);
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
            let path: Box<[u8]> = self.path(*job).into();
            let side = job.side;
            if let Some(old) = item.side(side).filter(|old| old.kind == Kind::Dir) {
                let deed = Deed::RemoveDir {
                    bits: old.bits(),
                    mtime: old.mtime,
                };
                self.bench.record(&Record {
                    side,
                    path: path.clone(),
                    deed,
                    base,
                })?;
            }
            self.bench.record(&Record {
                side,
                path,
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
                    let action = made_on(self.item(job).1, job.side);
                    lock(&bench.counts).add_made(job.side, action);
                    bench.changed(job.side, action, &self.path(job));
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
    pub(crate) fn confirm(&mut self) {
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
            let (_, item) = self.item(*job);
            // The source is yet to get bits that changed on this side; until then the next run must see that they differ.
            let awaits = |bits| {
                item.side(job.side.other())
                    .is_some_and(|source| source.bits() != bits)
            };
            if item.verdict.bits.is_some_and(awaits) {
                self.unfinished.insert(path.into(), base);
            } else {
                self.updates.insert(path.into(), Some(base));
            }
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
                lock(&self.bench.counts).add_deleted(job.side);
                self.bench.changed(job.side, Action::Delete, &path);
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
        // What was moved out of a directory must be durable where it is now before the directory is not there any more.
        let sides = Side::BOTH.map(|side| all.iter().any(|job| job.side == side));
        if !self.make_durable(sides) {
            return Ok(());
        }
        for job in all {
            if self.bench.cancel.is_cancelled() {
                return Ok(());
            }
            let (group, item) = self.item(job);
            let path = self.path(job);
            self.bench.observer.step(Step::Delete(job.side, &path));
            let result = remove_dir(self.bench, group, item, job.side);
            self.deleted(job, result);
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
            unfinished: BTreeMap::new(),
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
}

/// Makes the archive's entry of a path from one side's look and both marks.
pub(crate) fn base_of(meta: &Meta, hash: Option<&crate::tree::Hash>, marks: [Mark; 2]) -> Base {
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

/// What it is to put the other side's entry there.
fn made_on(item: &Item, side: Side) -> Action {
    match item.side(side) {
        Some(_) => Action::Replace,
        None => Action::Create,
    }
}
