//! Undoing a run: what it overwrote or deleted comes back, what it created goes, unless somebody changed it since.
//!
//! Afterwards both folders look as they did before the run for every path that could be undone. What led to the run is
//! still there, though: the edit or deletion that somebody made on one side. No later run repeats it silently: the archive
//! forgets what was undone, so that what came back is carried to the other side where that has nothing, and is a conflict
//! where that has something else. An undo is a run itself: it keeps what it displaces, and it can be undone.

use std::collections::HashSet;
use std::io;

use thiserror::Error;

use crate::archive::{Archive, Base, Mark, Updates};
use crate::check;
use crate::fs::{self, Dir};
use crate::journal::{Deed, Record, Stamp};
use crate::name;
use crate::observe::{Cancel, Finding, Observer, Phase, Step};
use crate::pair::{Pair, SyncFault};
use crate::plan::Action;
use crate::tree::{Kind, Meta, Side};
use crate::versions::{self, Store, kept_name};
use crate::workbench::{Bench, BenchInput, ChangeFault};

/// Why a run was not undone.
#[derive(Debug, Error)]
pub enum UndoFault {
    /// The run changed nothing, or its versions are no longer kept.
    #[error("nothing is kept of run {run}")]
    NotFound {
        /// The run that was named.
        run: String,
    },
    /// The pair could not be used.
    #[error(transparent)]
    Sync(#[from] SyncFault),
}

/// What an undo did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UndoOutcome {
    /// Entries that look again as before the run.
    pub restored: u64,
    /// Those of them on the left.
    pub restored_left: u64,
    /// Entries that the run had made and that were taken away again.
    pub removed: u64,
    /// Entries that were left alone, each with a finding.
    pub left_alone: u64,
    /// What was left alone, and why.
    pub findings: Vec<Finding>,
    /// Whether it was stopped; what it had done by then is remembered.
    pub cancelled: bool,
}

/// What became of one record.
enum Undone {
    Restored,
    /// The run never did it, or it is undone already.
    Nothing,
    LeftAlone(&'static str),
}

impl Pair {
    /// Undoes one run. `as_run` names the undo itself in the versions, so that it can be undone too.
    ///
    /// # Errors
    /// Where nothing is kept of the run, or the pair cannot be used.
    pub fn undo(
        &self,
        run: &str,
        as_run: &str,
        observer: &dyn Observer,
        cancel: &Cancel,
    ) -> Result<UndoOutcome, UndoFault> {
        if !versions::is_run_name(as_run) || as_run == run {
            return Err(SyncFault::RunName.into());
        }
        let gone = || UndoFault::NotFound {
            run: run.to_owned(),
        };
        if !versions::is_run_name(run) {
            return Err(gone());
        }
        let (state, _held) = self.hold()?;
        let checked = check::check(&self.left, &self.right).map_err(SyncFault::Refused)?;
        let archive = Archive::load(&state).map_err(SyncFault::Archive)?;
        let roots = [&checked.roots[0], &checked.roots[1]];
        let tag = self.tag();
        let old_store = Store::new(&state, roots, &tag, run).map_err(SyncFault::State)?;
        let records = old_store
            .read_journal()
            .map_err(SyncFault::State)?
            .ok_or_else(gone)?
            .records;
        let new_store = old_store.of_run(as_run);
        let prefix = self.temp_prefix();
        let bench = Bench::new(BenchInput {
            roots,
            store: &new_store,
            temp_prefix: &prefix,
            observer,
            cancel,
            workers: 1,
            now: fs::now(),
            total: records.len() as u64,
            bytes_total: 0,
        })
        .map_err(SyncFault::State)?;
        observer.phase(Phase::Apply);
        // First the archive forgets: if this stops half-way, a plain run finds equal sides and remembers them again, and
        // repeats nothing that was undone already.
        let mut updates = Updates::new();
        for record in records.iter().rev() {
            if let Some(base) = base_after(record) {
                updates.insert(record.path.clone(), base);
            }
        }
        observer.step(Step::Archive);
        archive
            .advance(&updates, archive.marked)
            .save(&state)
            .map_err(SyncFault::Record)?;
        let mut outcome = UndoOutcome::default();
        let mut left: HashSet<&[u8]> = HashSet::new();
        let mut done: HashSet<&[u8]> = HashSet::new();
        let mut dirs = Vec::new();
        for record in records.iter().rev() {
            if cancel.is_cancelled() {
                outcome.cancelled = true;
                left.insert(&record.path);
                continue;
            }
            let current_base = archive.get(&record.path);
            let what = match undo_one(&bench, &old_store, record, current_base) {
                Ok(Undone::Restored) => {
                    done.insert(&record.path);
                    observer.changed(record.side, back(&record.deed), &record.path);
                    match record.deed {
                        Deed::Create { .. } | Deed::MakeDir => outcome.removed += 1,
                        _ => {
                            outcome.restored += 1;
                            outcome.restored_left += u64::from(record.side == Side::Left);
                        }
                    }
                    if let Deed::RemoveDir { .. } = record.deed {
                        dirs.push(record);
                    }
                    None
                }
                Ok(Undone::Nothing) => None,
                Ok(Undone::LeftAlone(what)) => Some((what, None)),
                Err(ChangeFault::Changed) => {
                    Some(("it changed since the run; it was left alone", None))
                }
                Err(fault) => Some(("it could not be restored", Some(cause_of(fault)))),
            };
            if let Some((what, cause)) = what {
                let path = record.path.clone();
                let finding = Finding {
                    path,
                    side: Some(record.side),
                    what,
                    cause,
                    failed: true,
                };
                observer.finding(&finding);
                outcome.findings.push(finding);
                outcome.left_alone += 1;
                left.insert(&record.path);
            }
            bench.tick();
        }
        for record in dirs.iter().rev() {
            finish_dir(&bench, record);
        }
        observer.phase(Phase::Finish);
        for result in bench.sync_sides([true; 2]) {
            result.map_err(SyncFault::Record)?;
        }
        // What was left alone, or needed nothing, stays remembered as it was.
        updates.retain(|path, _| done.contains(&**path) && !left.contains(&**path));
        observer.step(Step::Archive);
        archive
            .advance(&updates, archive.marked)
            .save(&state)
            .map_err(SyncFault::Record)?;
        outcome.findings.extend(bench.findings());
        Ok(outcome)
    }
}

/// Says what the archive holds of a path once this record of it is undone; `None` leaves it as the run left it.
fn base_after(record: &Record) -> Option<Option<Base>> {
    // Nothing is equal to it, so whatever is there counts as changed since.
    let changed = |base: Base| Base {
        size: u64::MAX,
        hash: [0; 32],
        marks: [Mark::default(); 2],
        ..base
    };
    let forgotten = match (record.deed, record.base) {
        // The old permissions and times that come back are an edit of this side.
        (Deed::SetMeta { .. }, _) => return None,
        // It was in sync and missing on this side: brought back by an answer or a choice. It is to be asked about again.
        (Deed::Create { .. }, Some(base)) if base.kind != Kind::Dir => Some(changed(base)),
        // It had changed since it was in sync, so somebody chose the deletion, and is to be asked again.
        (Deed::Delete { old, .. }, Some(base))
            if old.kind != base.kind
                || old.size != base.size
                || old.kind == Kind::File && old.mtime != base.mark(record.side).mtime =>
        {
            Some(changed(base))
        }
        _ => None,
    };
    Some(forgotten)
}

/// Says what undoing a deed does.
const fn back(deed: &Deed) -> Action {
    match deed {
        Deed::Create { .. } | Deed::MakeDir => Action::Delete,
        Deed::Replace { .. } => Action::Replace,
        Deed::Delete { .. } | Deed::RemoveDir { .. } => Action::Create,
        Deed::SetMeta { .. } => Action::SetMeta,
    }
}

fn cause_of(fault: ChangeFault) -> String {
    match fault {
        ChangeFault::System(error) | ChangeFault::Keep(error) => error.to_string(),
        other => other.to_string(),
    }
}

fn look(dir: &Dir, name: &[u8]) -> io::Result<Option<Meta>> {
    match dir.stat(name) {
        Ok(meta) => Ok(Some(meta)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn undo_one(
    bench: &Bench<'_>,
    old_store: &Store<'_>,
    record: &Record,
    base: Option<crate::archive::Base>,
) -> Result<Undone, ChangeFault> {
    let (dir_path, last) = name::split(&record.path);
    let side = record.side;
    let write = |deed| -> Result<(), ChangeFault> {
        bench.record(&Record {
            side,
            path: record.path.clone(),
            deed,
            base,
        })?;
        bench.sync_journal()?;
        bench.observer.step(Step::Commit(side, &record.path));
        Ok(())
    };
    let dir = match bench.dir(side, dir_path) {
        Ok(dir) => dir,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(match record.deed {
                Deed::Create { .. } | Deed::MakeDir => Undone::Nothing,
                _ => Undone::LeftAlone("its directory is gone"),
            });
        }
        Err(error) => return Err(error.into()),
    };
    let current = look(&dir, last)?;
    match record.deed {
        Deed::Create { new } => match current {
            None => Ok(Undone::Nothing),
            Some(meta) if new.is(&meta) => {
                let kept = bench.number();
                write(Deed::Delete {
                    old: Stamp::of(&meta),
                    kept,
                })?;
                bench.displace(side, &dir, last, &meta, kept)?;
                Ok(Undone::Restored)
            }
            Some(_) => Ok(Undone::LeftAlone(
                "it changed since the run; it was left alone",
            )),
        },
        Deed::Replace { old, kept, .. } | Deed::Delete { old, kept } => {
            let Some(from) = old_store.find(side, kept)? else {
                // Never done, or undone already; if the version is gone otherwise, it cannot be told apart from that.
                return Ok(Undone::Nothing);
            };
            let kept_meta = from.stat(&kept_name(side, kept))?;
            if !old.is(&kept_meta) {
                return Ok(Undone::LeftAlone(
                    "its kept version is not what the run kept",
                ));
            }
            match (current, record.deed) {
                (None, _) => {
                    write(Deed::Create {
                        new: Stamp::of(&kept_meta),
                    })?;
                    from.rename_new(&kept_name(side, kept), &dir, last)?;
                    Ok(Undone::Restored)
                }
                (Some(meta), Deed::Replace { new, .. }) if new.is(&meta) => {
                    let number = bench.number();
                    write(Deed::Replace {
                        new: Stamp::of(&kept_meta),
                        old: Stamp::of(&meta),
                        kept: number,
                    })?;
                    let temp = bench.temp_name(number, true);
                    from.rename_new(&kept_name(side, kept), &dir, &temp)?;
                    let put =
                        bench.put(side, &dir, &temp, last, &record.path, Some((&meta, number)));
                    if put.is_err()
                        && dir
                            .rename_new(&temp, &from, &kept_name(side, kept))
                            .is_err()
                    {
                        // It stays under the temporary name, where the next run finds and keeps it.
                        bench.find(
                            &record.path,
                            side,
                            "its kept version could not be put back into the versions",
                            None,
                        );
                    }
                    put.map(|()| Undone::Restored)
                }
                (Some(_), Deed::Replace { .. }) => Ok(Undone::LeftAlone(
                    "it changed since the run; it was left alone",
                )),
                (Some(_), _) => Ok(Undone::LeftAlone(
                    "something else has its name now; it was left alone",
                )),
            }
        }
        Deed::MakeDir => match current {
            Some(meta) if meta.kind == Kind::Dir => {
                write(Deed::RemoveDir {
                    bits: meta.bits(),
                    mtime: meta.mtime,
                })?;
                match dir.remove_dir(last) {
                    Ok(()) => Ok(Undone::Restored),
                    Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(
                        Undone::LeftAlone("the directory holds something new; it was left alone"),
                    ),
                    Err(error) => Err(error.into()),
                }
            }
            _ => Ok(Undone::Nothing),
        },
        Deed::RemoveDir { bits, .. } => match current {
            None => {
                write(Deed::MakeDir)?;
                dir.make_dir(last, bits | 0o700)?;
                Ok(Undone::Restored)
            }
            Some(meta) if meta.kind == Kind::Dir => Ok(Undone::Nothing),
            Some(_) => Ok(Undone::LeftAlone(
                "something else has its name now; it was left alone",
            )),
        },
        Deed::SetMeta { kind, old, new } => match current {
            Some(meta) if meta.kind == kind => {
                let is = |(bits, mtime)| {
                    meta.bits() == bits && (kind != Kind::File || meta.mtime == mtime)
                };
                if is(old) {
                    return Ok(Undone::Nothing);
                }
                if !is(new) {
                    return Ok(Undone::LeftAlone(
                        "it changed since the run; it was left alone",
                    ));
                }
                write(Deed::SetMeta {
                    kind,
                    old: new,
                    new: old,
                })?;
                if kind == Kind::File {
                    dir.set_mtime(last, old.1)?;
                }
                dir.set_bits(last, &meta, old.0)?;
                Ok(Undone::Restored)
            }
            _ => Ok(Undone::Nothing),
        },
    }
}

/// Gives a directory that came back its permission bits and time, after what is in it.
fn finish_dir(bench: &Bench<'_>, record: &Record) {
    let Deed::RemoveDir { bits, mtime } = record.deed else {
        return;
    };
    let (dir_path, last) = name::split(&record.path);
    let done = bench.dir(record.side, dir_path).and_then(|dir| {
        let meta = dir.stat(last)?;
        dir.set_mtime(last, mtime)?;
        if meta.bits() == bits {
            Ok(())
        } else {
            dir.set_bits(last, &meta, bits)
        }
    });
    if let Err(error) = done {
        let what = "its permissions or time could not be restored";
        bench.find(&record.path, record.side, what, Some(error.to_string()));
    }
}
