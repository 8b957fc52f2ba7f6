//! Keeping both versions of a path: the one that gives way is copied to a free name beside it, on both sides, before the
//! other one takes its place.

use std::io;

use crate::archive::{Base, Mark, Updates};
use crate::conflict;
use crate::fs::{self, Dir, hash_entry};
use crate::journal::{Deed, Record, Stamp};
use crate::name;
use crate::plan::Action;
use crate::reconcile::{Decision, Group, Item, Verdict};
use crate::stage::{discard, stage};
use crate::tree::{Hash, Meta, Side};
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

/// What already stands under the name beside a path, on each side.
type There = [Option<(Meta, Hash)>; 2];

/// Finds the name for a version: the first one under which on either side nothing stands, or that version, put there by a run
/// that ended before it was done.
fn place_beside(
    bench: &Bench<'_>,
    dirs: &[Dir; 2],
    last: &[u8],
    side: Side,
    meta: &Meta,
) -> Result<(Vec<u8>, There), ChangeFault> {
    let mut buffer = Vec::new();
    let mut wanted = None;
    'names: for number in 0..NAMES_MAX {
        let new_name = conflict::beside(last, side, number);
        let mut there = [None; 2];
        for (at, dir) in dirs.iter().enumerate() {
            let found = match dir.stat(&new_name) {
                Ok(found) => found,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error.into()),
            };
            if found.kind != meta.kind || found.size != meta.size {
                continue 'names;
            }
            let mut hash = |dir: &Dir, name: &[u8], meta: &Meta| {
                hash_entry(dir, name, meta, &mut buffer, bench.cancel)
            };
            let new = match wanted {
                Some(known) => known,
                None => *wanted.insert(hash(&dirs[side.at()], last, meta)?),
            };
            if hash(dir, &new_name, &found)? != new {
                continue 'names;
            }
            there[at] = Some((found, new));
        }
        return Ok((new_name, there));
    }
    Err(io::Error::from(io::ErrorKind::AlreadyExists).into())
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
    let (new_name, there) = place_beside(bench, &dirs, last, side, meta)?;
    let verdict = Verdict::plain(Decision::Nothing);
    let mut buffer = Vec::new();
    let mut staged = Vec::new();
    for to in Side::BOTH {
        if there[to.at()].is_some() {
            continue;
        }
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
    let mut kept = (meta.kind, meta.size, [0; 32]);
    for (mark, (found, hash)) in marks
        .iter_mut()
        .zip(there)
        .filter_map(|(mark, found)| Some((mark, found?)))
    {
        *mark = Mark {
            settled: false,
            ..Mark::of(&found, fs::now())
        };
        kept.2 = hash;
    }
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
