//! Temporary files that a killed run left behind.
//!
//! A temporary file that was to become a new entry is a copy of ours and is removed. One that was to replace an entry may
//! hide the old version, if the run was killed between the exchange and the move to the versions; the journal, written
//! before the exchange, says how to tell. What cannot be told apart is kept.

use std::collections::HashMap;
use std::io;

use crate::fs::Dir;
use crate::journal::{Deed, Record, Stamp};
use crate::name;
use crate::observe::Step;
use crate::tree::{Kind, Side};
use crate::versions::{Store, is_run_name};
use crate::workbench::Bench;

/// How deep directories that wait for their place are looked into; deeper ones are left and told.
const WAITING_DEPTH_MAX: u32 = 64;

/// Makes the name of a temporary file.
pub(crate) fn temp_name(prefix: &[u8], run: &str, number: u64, replaces: bool) -> Vec<u8> {
    let mut name = prefix.to_vec();
    let letter = if replaces { 'r' } else { 'n' };
    name.extend_from_slice(format!("{letter}{number:x}-{run}").as_bytes());
    name
}

/// Reads a temporary name that may hide an old version: the run and the number.
fn parse(prefix: &[u8], name: &[u8]) -> Option<(String, u64)> {
    let rest = std::str::from_utf8(name.strip_prefix(prefix)?)
        .ok()?
        .strip_prefix('r')?;
    let (number, run) = rest.split_once('-')?;
    let number = u64::from_str_radix(number, 16).ok()?;
    is_run_name(run).then(|| (run.to_owned(), number))
}

enum Fate {
    Remove,
    /// It is the old version that the run meant to keep.
    Finish,
    /// It is something that belongs to this path and nobody else has.
    Keep(Box<[u8]>),
}

/// Removes what interrupted runs left, and brings to safety what must not be removed. `trusted` says that the pair's own
/// directory is the one those runs used.
pub(crate) fn sweep(
    bench: &Bench<'_>,
    leftovers: &[(Side, Box<[u8]>)],
    trusted: bool,
) -> io::Result<()> {
    let mut journals: HashMap<String, HashMap<(Side, u64), Record>> = HashMap::new();
    for (side, path) in leftovers {
        let (dir_path, last) = name::split(path);
        let Ok(dir) = bench.dir(*side, dir_path) else {
            continue;
        };
        let Ok(meta) = dir.stat(last) else { continue };
        if meta.kind == Kind::Dir {
            // One that holds more than what waited in it for its place is left, and the finding says so.
            bench.observer.step(Step::Delete(*side, path));
            if let Err(error) = remove_waiting(bench.temp_prefix, &dir, last, WAITING_DEPTH_MAX) {
                let what = "a temporary directory of an interrupted run could not be removed";
                bench.find(path, *side, what, Some(error.to_string()));
            }
            continue;
        }
        let fate = match parse(bench.temp_prefix, last) {
            None => Fate::Remove,
            Some((run, number)) => {
                if !journals.contains_key(&run) {
                    let store = bench.store.of_run(&run);
                    let mut open = replacements(&store)?;
                    open.retain(|(side, number), _| !is_kept(&store, *side, *number));
                    journals.insert(run.clone(), open);
                }
                match journals
                    .get(&run)
                    .and_then(|records| records.get(&(*side, number)))
                {
                    None if trusted => Fate::Remove,
                    None => Fate::Keep(path.clone()),
                    Some(Record { path, deed, .. }) => match deed {
                        Deed::Replace { old, .. } | Deed::Delete { old, .. } if old.is(&meta) => {
                            Fate::Finish
                        }
                        Deed::Replace { new, .. } if new.is(&meta) => Fate::Remove,
                        _ => Fate::Keep(path.clone()),
                    },
                }
            }
        };
        bench.observer.step(Step::Delete(*side, path));
        let done = match (fate, parse(bench.temp_prefix, last)) {
            (Fate::Finish, Some((run, number))) => {
                bench.store.of_run(&run).keep(*side, &dir, last, number)
            }
            (Fate::Keep(path), _) => {
                let kept = bench.number();
                let deed = Deed::Delete {
                    old: Stamp::of(&meta),
                    kept,
                };
                bench.record(&Record {
                    side: *side,
                    path,
                    deed,
                    base: None,
                })?;
                bench.sync_journal()?;
                bench.store.keep(*side, &dir, last, kept)
            }
            _ => dir.remove_file(last),
        };
        if let Err(error) = done {
            let what = "a temporary file of an interrupted run could not be removed";
            bench.find(path, *side, what, Some(error.to_string()));
        }
    }
    Ok(())
}

/// Removes a directory that never got its place, with the copies and the directories that waited in it.
fn remove_waiting(prefix: &[u8], parent: &Dir, name: &[u8], depth: u32) -> io::Result<()> {
    let below = depth
        .checked_sub(1)
        .ok_or(io::ErrorKind::DirectoryNotEmpty)?;
    let dir = parent.open_dir(name)?;
    let mut names: Vec<Vec<u8>> = Vec::new();
    dir.list(&mut Vec::new(), &mut |last| names.push(last.to_vec()))?;
    for last in names {
        match dir.stat(&last)?.kind {
            Kind::Dir => remove_waiting(prefix, &dir, &last, below)?,
            _ if last.starts_with(prefix) && parse(prefix, &last).is_none() => {
                dir.remove_file(&last)?;
            }
            _ => {}
        }
    }
    parent.remove_dir(name)
}

/// Puts old versions back where a run ended between their move to the versions and the rename of the new one, which are two
/// steps where names cannot be exchanged. Says whether it did, so that the trees are read again: to them nothing but the old
/// version was ever there.
pub(crate) fn put_back(
    state: &Dir,
    roots: [&Dir; 2],
    tag: &str,
    prefix: &[u8],
    leftovers: &[(Side, Box<[u8]>)],
) -> io::Result<bool> {
    let mut journals: HashMap<String, HashMap<(Side, u64), Record>> = HashMap::new();
    let mut any = false;
    for (side, path) in leftovers {
        let (dir_path, last) = name::split(path);
        let Some((run, number)) = parse(prefix, last) else {
            continue;
        };
        let store = Store::new(state, roots, tag, &run)?;
        if !journals.contains_key(&run) {
            journals.insert(run.clone(), replacements(&store)?);
        }
        let record = journals
            .get(&run)
            .and_then(|records| records.get(&(*side, number)));
        let Some(Record { path, deed, .. }) = record else {
            continue;
        };
        let (Deed::Replace { old, .. }, Ok(dir)) = (deed, roots[side.at()].open_dir(dir_path))
        else {
            continue;
        };
        let (gap_dir, gap) = name::split(path);
        if gap_dir != dir_path {
            // Somebody moved the temporary file.
            continue;
        }
        let is_gap = matches!(dir.stat(gap), Err(error) if error.kind() == io::ErrorKind::NotFound);
        if is_gap && store.kept(*side, number)?.is_some_and(|kept| old.is(&kept)) {
            store.give_back(*side, number, &dir, gap)?;
            any = true;
        }
    }
    Ok(any)
}

fn replacements(store: &Store<'_>) -> io::Result<HashMap<(Side, u64), Record>> {
    let Some(read) = store.read_journal()? else {
        return Ok(HashMap::new());
    };
    let numbered = read
        .records
        .into_iter()
        .filter_map(|record| match record.deed {
            Deed::Replace { kept, .. } | Deed::Delete { kept, .. } => {
                Some(((record.side, kept), record))
            }
            _ => None,
        });
    Ok(numbered.collect())
}

fn is_kept(store: &Store<'_>, side: Side, number: u64) -> bool {
    matches!(store.kept(side, number), Ok(Some(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_name_says_where_an_old_version_belongs() {
        let prefix = b".syncmgr-tmp-abc-";
        let replacing = temp_name(prefix, "run-7", 255, true);
        assert_eq!(replacing, b".syncmgr-tmp-abc-rff-run-7");
        assert_eq!(parse(prefix, &replacing), Some(("run-7".to_owned(), 255)));
        assert_eq!(parse(prefix, &temp_name(prefix, "run-7", 255, false)), None);
        assert_eq!(parse(prefix, b".syncmgr-tmp-abc-rzz-run"), None);
        assert_eq!(parse(prefix, b".syncmgr-tmp-abc-r1-../x"), None);
    }
}
