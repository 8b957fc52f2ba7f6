//! Keeping both versions of a path: the one that gives way is copied to a free name beside it, on both sides, before the
//! other one takes its place.

use std::io;

use crate::archive::{Base, Mark, Updates};
use crate::conflict;
use crate::fs;
use crate::journal::{Deed, Record, Stamp};
use crate::name;
use crate::plan::Action;
use crate::reconcile::{Decision, Group, Item, Verdict};
use crate::stage::{discard, stage};
use crate::tree::{Meta, Side};
use crate::workbench::{Bench, ChangeFault, lock};

/// How many names are tried for a version that stays beside another.
const NAMES_MAX: u32 = 1000;

/// Puts every version that is to stay beside the one that replaces it under its other name. Where that fails, the path is
/// left as it is, and told.
pub(crate) fn keep_beside(bench: &Bench<'_>, groups: &mut [Group], updates: &mut Updates) {
    for group in groups {
        for item in &mut group.items {
            let (Decision::Copy { to }, true) = (item.verdict.decision, item.verdict.aside) else {
                continue;
            };
            let Some(meta) = item.side(to) else {
                continue;
            };
            match beside_both(bench, &group.path, &item.name, to, meta) {
                Ok((new_name, base)) => {
                    let path = name::join(&group.path, &new_name);
                    for side in Side::BOTH {
                        lock(&bench.counts).add_made(side, Action::Create);
                        bench.changed(side, Action::Create, &path);
                    }
                    updates.insert(path.into(), Some(base));
                }
                Err(fault) => {
                    bench.failed(&name::join(&group.path, &item.name), to, &fault);
                    item.verdict = Verdict::plain(Decision::Hold);
                }
            }
        }
    }
}

/// Copies a version to a free name beside its path, on both sides; returns the name and what is in sync under it.
fn beside_both(
    bench: &Bench<'_>,
    dir_path: &[u8],
    last: &[u8],
    side: Side,
    meta: &Meta,
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
    let verdict = Verdict::plain(Decision::Nothing);
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
