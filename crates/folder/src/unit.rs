//! What a worker does at once: several files of one directory, with the directory opened once.

use std::collections::HashSet;
use std::io;

use crate::apply::{Job, Unit, base_of};
use crate::archive::{Base, Mark};
use crate::fs::{self, Dir};
use crate::journal::{Deed, Record, Stamp};
use crate::name;
use crate::observe::Step;
use crate::reconcile::{Group, Item};
use crate::stage::{Staged, discard, stage};
use crate::tree::{Kind, Meta, Side};
use crate::workbench::{Bench, ChangeFault, is_absent};

fn open_both(bench: &Bench<'_>, path: &[u8]) -> io::Result<[Dir; 2]> {
    Ok([bench.dir(Side::Left, path)?, bench.dir(Side::Right, path)?])
}

pub(crate) fn stage_unit(
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

pub(crate) fn place_unit(
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
        let (temp, number) = (&staged.temp, staged.number);
        let result = match item.side(job.side) {
            Some(old) if old.kind == Kind::Dir => {
                bench.put_over_dir(job.side, &dir, temp, &item.name, &path, old)
            }
            expected => bench.put(
                job.side,
                &dir,
                temp,
                &item.name,
                &path,
                expected.map(|old| (old, number)),
            ),
        };
        if result.is_err() {
            // The old version may have the temporary name if the exchange could not be undone, and may be among the versions if
            // it could not be brought back; the next run then finds the temporary name and knows what to do.
            let is_ours = dir.stat(temp).is_ok_and(|meta| meta.is_moved(&staged.copy));
            if is_ours && matches!(bench.store.kept(job.side, number), Ok(None)) {
                discard(&dir, temp);
            }
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

pub(crate) fn confirm_unit(
    bench: &Bench<'_>,
    groups: &[Group],
    run: &[(Job, Staged)],
) -> Vec<Base> {
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

pub(crate) fn delete_unit(
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

/// Makes a directory, in place of a file or link if there is one. The outer error is one of the journal.
pub(crate) fn make_dir(
    bench: &Bench<'_>,
    group: &Group,
    item: &Item,
    to: Side,
    path: &[u8],
) -> io::Result<Result<(), ChangeFault>> {
    let base = item.base.as_deref().copied();
    let bits = item.side(to.other()).map_or(0o700, Meta::bits) | 0o700;
    let old = item.side(to).map(|old| (old, bench.number()));
    if let Some((old, kept)) = old {
        let deed = Deed::Delete {
            old: Stamp::of(old),
            kept,
        };
        bench.record(&Record {
            side: to,
            path: path.into(),
            deed,
            base,
        })?;
    }
    bench.record(&Record {
        side: to,
        path: path.into(),
        deed: Deed::MakeDir,
        base,
    })?;
    if old.is_some() {
        bench.sync_journal()?;
    }
    Ok(make_dir_now(bench, group, item, to, path, bits, old))
}

fn make_dir_now(
    bench: &Bench<'_>,
    group: &Group,
    item: &Item,
    to: Side,
    path: &[u8],
    bits: u32,
    old: Option<(&Meta, u64)>,
) -> Result<(), ChangeFault> {
    let dir = bench.dir(to, &group.path)?;
    let Some((old, number)) = old else {
        bench.observer.step(Step::Commit(to, path));
        return dir
            .make_dir(&item.name, bits)
            .map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => ChangeFault::Changed,
                _ => error.into(),
            });
    };
    // Staged and exchanged like a file, so that there is no moment at which nothing has the name.
    let temp = bench.temp_name(number, true);
    bench.observer.step(Step::Stage(to, path));
    dir.make_dir(&temp, bits)?;
    let put = bench.put(to, &dir, &temp, &item.name, path, Some((old, number)));
    if put.is_err() {
        // If that fails too, the next run finds it.
        drop(dir.remove_dir(&temp));
    }
    put
}

pub(crate) fn remove_dir(
    bench: &Bench<'_>,
    group: &Group,
    item: &Item,
    side: Side,
) -> Result<(), ChangeFault> {
    if !is_absent(bench.roots[side.other().at()], &group.path, &item.name)? {
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
