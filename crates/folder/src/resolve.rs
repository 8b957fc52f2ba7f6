//! Ending a conflict the way somebody chose; the version that gives way is kept like any other.

use std::io;

use thiserror::Error;

use crate::archive::{Base, Mark, Updates};
use crate::conflict::{self, Choice};
use crate::fs::{self, Dir};
use crate::guard::GuardHold;
use crate::journal::{Deed, Record, Stamp};
use crate::name;
use crate::observe::{Cancel, Finding, Observer};
use crate::pair::{Ask, Outcome, Pair, Preparation, Prepared, SyncFault, Writes};
use crate::reconcile::{Decision, Group, Item, Verdict};
use crate::stage::{discard, stage};
use crate::tree::{Kind, Side};
use crate::versions::{self, Store};
use crate::workbench::{Bench, BenchInput, ChangeFault};

/// How many names are tried for a version that stays beside another.
const NAMES_MAX: u32 = 1000;

/// Why a conflict was not resolved.
#[derive(Debug, Error)]
pub enum ResolveFault {
    /// There is no such conflict, or the two sides have become equal meanwhile.
    #[error("there is no conflict {id} any more")]
    NotFound {
        /// The conflict that was named.
        id: String,
    },
    /// A guard holds the pair.
    #[error("the pair is held: {0}")]
    Held(GuardHold),
    /// It was stopped before anything was changed.
    #[error("cancelled")]
    Cancelled,
    /// The version that should stay beside the other could not be copied.
    #[error("failed to keep both versions: {0}")]
    KeepBoth(Finding),
    /// The pair could not be used.
    #[error(transparent)]
    Sync(#[from] SyncFault),
}

impl Pair {
    /// Resolves one conflict. `run` names the change in the versions and for `undo`.
    ///
    /// # Errors
    /// Where the conflict is gone, the pair is held or cannot be used.
    pub fn resolve(
        &self,
        run: &str,
        id: &str,
        choice: Choice,
        observer: &dyn Observer,
        cancel: &Cancel,
    ) -> Result<Outcome, ResolveFault> {
        if !versions::is_run_name(run) {
            return Err(SyncFault::RunName.into());
        }
        let (state, _held) = self.hold()?;
        let whole = Ask {
            answers: &[],
            observer,
            cancel,
            writes: Writes::Nothing,
            settle: false,
        };
        let mut prepared = match self.prepare(Some(&state), whole)? {
            Preparation::Ready(prepared) => *prepared,
            Preparation::Held(hold, _) => return Err(ResolveFault::Held(*hold)),
            Preparation::Cancelled(_) => return Err(ResolveFault::Cancelled),
        };
        let mut settled = prepared.groups.clone();
        crate::reconcile::settle(&mut settled);
        let list = conflict::conflicts(&settled, prepared.now);
        drop(settled);
        let Some(chosen) = list.iter().find(|conflict| conflict.id == id) else {
            return Err(ResolveFault::NotFound { id: id.to_owned() });
        };
        let path = chosen.path.clone();
        prepared.findings.clear();
        prepared.leftovers.clear();
        retain_below(&mut prepared.groups, &path);
        let there = chosen.sides.map(|side| side.map(|side| side.kind));
        let to = match (choice, there) {
            (Choice::KeepLeft, _) | (Choice::KeepBoth, [Some(_), None]) => Side::Right,
            (Choice::KeepRight, _) | (Choice::KeepBoth, [None, _]) => Side::Left,
            (Choice::KeepBoth, [Some(_), Some(_)]) => chosen.moves_aside(),
        };
        let both = choice == Choice::KeepBoth && there.iter().all(Option::is_some);
        if both {
            self.copy_beside(run, &state, &mut prepared, &path, to, observer, cancel)?;
        }
        for item in prepared
            .groups
            .iter_mut()
            .flat_map(|group| &mut group.items)
        {
            force(item, to);
        }
        let mut outcome = self.carry_out(run, &state, prepared, observer, cancel, false)?;
        let done = outcome.counts.failed == 0 && !outcome.cancelled;
        let rest: Vec<_> = list
            .iter()
            .filter(|conflict| !done || conflict.id != id)
            .cloned()
            .collect();
        conflict::save(&state, &rest).map_err(SyncFault::Record)?;
        outcome.counts.conflicts = rest.len() as u64;
        Ok(outcome)
    }

    /// Copies the version of `side` to a free name beside its path, on both sides.
    #[expect(clippy::too_many_arguments, reason = "the pieces of one prepared run")]
    fn copy_beside(
        &self,
        run: &str,
        state: &Dir,
        prepared: &mut Prepared,
        path: &[u8],
        side: Side,
        observer: &dyn Observer,
        cancel: &Cancel,
    ) -> Result<(), ResolveFault> {
        let tag = self.tag();
        let roots = [&prepared.checked.roots[0], &prepared.checked.roots[1]];
        let store = Store::new(state, roots, &tag, run).map_err(SyncFault::State)?;
        let prefix = self.temp_prefix();
        let bench = Bench::new(BenchInput {
            roots,
            store: &store,
            temp_prefix: &prefix,
            observer,
            cancel,
            workers: 1,
            now: prepared.now,
            total: 0,
            bytes_total: 0,
        })
        .map_err(SyncFault::State)?;
        let (dir_path, last) = name::split(path);
        let item = prepared
            .groups
            .iter()
            .flat_map(|group| &group.items)
            .find(|item| *item.name == *last);
        let Some(meta) = item.and_then(|item| item.side(side)).copied() else {
            return Err(ResolveFault::NotFound {
                id: conflict::id_of(path),
            });
        };
        let fault = |fault: ChangeFault| {
            let cause = match fault {
                ChangeFault::System(error) => Some(error.to_string()),
                other => Some(other.to_string()),
            };
            let what = "it could not be copied beside the other version";
            ResolveFault::KeepBoth(Finding {
                path: path.into(),
                side: Some(side),
                what,
                cause,
                failed: true,
            })
        };
        let beside = beside_both(&bench, dir_path, last, side, &meta).map_err(fault)?;
        let (new_name, base) = beside;
        let mut updates = Updates::new();
        updates.insert(name::join(dir_path, &new_name).into(), Some(base));
        prepared.archive = prepared.archive.advance(&updates, prepared.archive.marked);
        prepared.renew = true;
        Ok(())
    }
}

fn beside_both(
    bench: &Bench<'_>,
    dir_path: &[u8],
    last: &[u8],
    side: Side,
    meta: &crate::tree::Meta,
) -> Result<(Vec<u8>, Base), ChangeFault> {
    let dirs = [
        bench.dir(Side::Left, dir_path)?,
        bench.dir(Side::Right, dir_path)?,
    ];
    let new_name = (0..NAMES_MAX)
        .map(|number| conflict::beside(last, side, number))
        .find(|name| {
            dirs.iter()
                .all(|dir| matches!(dir.stat(name), Err(e) if e.kind() == io::ErrorKind::NotFound))
        })
        .ok_or_else(|| io::Error::from(io::ErrorKind::AlreadyExists))?;
    let verdict = Verdict {
        decision: Decision::Nothing,
        bits: None,
        mtime: None,
    };
    let mut buffer = Vec::new();
    let mut staged = Vec::new();
    for to in Side::BOTH {
        // The source is the same for both copies, so both sides of this item are it, and nothing is replaced.
        let mut sides = [None; 2];
        sides[to.other().at()] = Some(*meta);
        let item = Item {
            name: last.into(),
            verdict,
            sides,
            base: None,
            hash: None,
        };
        let mut places = [&dirs[side.at()]; 2];
        places[to.at()] = &dirs[to.at()];
        match stage(bench, to, places, dir_path, &item, &mut buffer) {
            Ok(copy) => staged.push((to, copy)),
            Err(fault) => {
                for (to, copy) in &staged {
                    discard(&dirs[to.at()], &copy.temp);
                }
                return Err(fault);
            }
        }
    }
    let path = name::join(dir_path, &new_name);
    for result in bench.sync_sides([true; 2]) {
        result?;
    }
    for (to, copy) in &staged {
        let deed = Deed::Create {
            new: Stamp::of(&copy.copy),
        };
        bench.record(&Record {
            side: *to,
            path: path.clone().into(),
            deed,
            base: None,
        })?;
    }
    bench.sync_journal()?;
    let mut marks = [Mark::default(); 2];
    let mut kept = (meta.kind, 0, [0; 32]);
    for (to, copy) in &staged {
        if let Err(fault) = bench.put(*to, &dirs[to.at()], &copy.temp, &new_name, &path, None) {
            discard(&dirs[to.at()], &copy.temp);
            return Err(fault);
        }
        marks[to.at()] = Mark {
            settled: false,
            ..Mark::of(&copy.copy, fs::now())
        };
        kept = (copy.copy.kind, copy.copy.size, copy.hash);
    }
    let (kind, size, hash) = kept;
    Ok((
        new_name,
        Base {
            kind,
            size,
            hash,
            marks,
        },
    ))
}

fn retain_below(groups: &mut Vec<Group>, path: &[u8]) {
    let (dir_path, last) = name::split(path);
    groups.retain_mut(|group| {
        if *group.path == *dir_path {
            group.items.retain(|item| *item.name == *last);
            return !group.items.is_empty();
        }
        *group.path == *path || name::is_below(&group.path, path)
    });
}

/// Makes one side follow the other.
fn force(item: &mut Item, to: Side) {
    let kinds = [
        item.side(to.other()).map(|meta| meta.kind),
        item.side(to).map(|meta| meta.kind),
    ];
    let decision = match (item.verdict.decision, kinds) {
        (Decision::Hold, _) => Decision::Hold,
        (decision, [Some(Kind::Dir), Some(Kind::Dir)]) => decision,
        (_, [Some(_), _]) => Decision::Copy { to },
        (_, [None, Some(_)]) => Decision::Delete { on: to },
        (_, [None, None]) => Decision::Forget,
    };
    item.verdict = match decision {
        Decision::Meta => item.verdict,
        decision => Verdict {
            decision,
            bits: None,
            mtime: None,
        },
    };
}
