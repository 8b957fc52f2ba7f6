//! Permission bits and times: those that changed alone, and those of directories that a run made.

use std::io;

use crate::apply::{Job, Run, base_of, jobs};
use crate::archive::Mark;
use crate::journal::{Deed, Record};
use crate::observe::Step;
use crate::plan::Action;
use crate::reconcile::{Decision, Group, Item};
use crate::tree::{Kind, Side, Time};
use crate::workbench::{Bench, ChangeFault, lock};

/// Permission bits and time that a side is to have.
type MetaChange = (Side, u32, Time);

impl Run<'_, '_> {
    /// Sets permission bits and times, the deepest first, so that a directory closes after what is in it.
    pub(crate) fn set_metas(&mut self) -> io::Result<()> {
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
        let copied = self.unfinished.remove(path.as_slice());
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
                    self.bench.changed(*side, Action::SetMeta, &path);
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
        }
    }

    /// Gives the directories that were made their final permission bits and times, the deepest first.
    pub(crate) fn finish_dirs(&mut self) {
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
