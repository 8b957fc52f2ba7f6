//! Ending a conflict the way somebody chose; the version that gives way is kept like any other.

use thiserror::Error;

use crate::conflict::{self, Choice};
use crate::guard::GuardHold;
use crate::name;
use crate::observe::{Cancel, Observer};
use crate::pair::{Ask, Outcome, Pair, Preparation, SyncFault, Writes};
use crate::policy;
use crate::reconcile::Group;
use crate::tree::Side;
use crate::versions;

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
        let dir_path = name::split(&path).0;
        for group in &mut prepared.groups {
            for item in &mut group.items {
                item.verdict = policy::followed(item, to);
                item.verdict.aside = both && *group.path == *dir_path;
            }
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
