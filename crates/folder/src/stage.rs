//! Staging: copies are made under temporary names beside their places, complete and durable, before any name changes.

use std::io::{self, Write as _};

use crate::fs::{self, Dir};
use crate::name;
use crate::observe::Step;
use crate::reconcile::Item;
use crate::tree::{Hash, Kind, Meta, Side, Time};
use crate::workbench::{Bench, ChangeFault};
use std::sync::atomic::Ordering;

/// A copy that waits under a temporary name.
#[derive(Debug, Clone)]
pub(crate) struct Staged {
    pub(crate) temp: Vec<u8>,
    pub(crate) number: u64,
    /// The source as it was before and after it was read.
    pub(crate) source: Meta,
    /// When the source was last looked at.
    pub(crate) looked: Time,
    /// The copy.
    pub(crate) copy: Meta,
    pub(crate) hash: Hash,
}

/// Copies one file or link to a temporary name in the target's directory.
pub(crate) fn stage(
    bench: &Bench<'_>,
    to: Side,
    dirs: [&Dir; 2],
    dir_path: &[u8],
    item: &Item,
    buffer: &mut Vec<u8>,
) -> Result<Staged, ChangeFault> {
    if bench.is_closed(to) {
        return Err(ChangeFault::SideClosed);
    }
    if bench.cancel.is_cancelled() {
        return Err(ChangeFault::Cancelled);
    }
    let source = item.side(to.other()).ok_or(ChangeFault::Changed)?;
    let (from_dir, to_dir) = (dirs[to.other().at()], dirs[to.at()]);
    let number = bench.number();
    let replaces = item.side(to).is_some_and(|old| old.kind != Kind::Dir);
    let temp = bench.temp_name(number, replaces);
    bench
        .observer
        .step(Step::Stage(to, &name::join(dir_path, &item.name)));
    let bits = item.verdict.bits.unwrap_or_else(|| source.bits());
    let made = match source.kind {
        Kind::Link => copy_link(from_dir, to_dir, &item.name, &temp, source),
        Kind::File => copy_file(
            bench, from_dir, to_dir, &item.name, &temp, source, bits, buffer,
        ),
        Kind::Dir | Kind::Special => return Err(ChangeFault::Changed),
    };
    match made {
        Ok((copy, hash)) => Ok(Staged {
            temp,
            number,
            source: *source,
            looked: fs::now(),
            copy,
            hash,
        }),
        Err(fault) => {
            discard(to_dir, &temp);
            Err(fault)
        }
    }
}

/// Removes a temporary file; if that fails too, the next run finds it.
pub(crate) fn discard(dir: &Dir, temp: &[u8]) {
    drop(dir.remove_file(temp));
}

fn copy_link(
    from: &Dir,
    to: &Dir,
    name: &[u8],
    temp: &[u8],
    source: &Meta,
) -> Result<(Meta, Hash), ChangeFault> {
    let target = from.read_link(name)?;
    if !from.stat(name)?.is_still(source) {
        return Err(ChangeFault::Changed);
    }
    to.make_link(temp, &target)?;
    // The time of a link is a nicety that some file systems do not keep; it is never compared.
    drop(to.set_mtime(temp, source.mtime));
    Ok((to.stat(temp)?, fs::hash_bytes(&target)))
}

#[expect(
    clippy::too_many_arguments,
    reason = "two places, two names and what the copy must look like"
)]
fn copy_file(
    bench: &Bench<'_>,
    from: &Dir,
    to: &Dir,
    name: &[u8],
    temp: &[u8],
    source: &Meta,
    bits: u32,
    buffer: &mut Vec<u8>,
) -> Result<(Meta, Hash), ChangeFault> {
    let mut read = from.open_file(name).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ChangeFault::Changed,
        _ => error.into(),
    })?;
    if !fs::file_meta(&read)?.is_still(source) {
        return Err(ChangeFault::Changed);
    }
    let mut write = to.create_new(temp, bits)?;
    let mut write_error = None;
    let pumped = fs::pump(&mut read, source.size, buffer, bench.cancel, &mut |block| {
        bench.bytes.fetch_add(block.len() as u64, Ordering::Relaxed);
        write.write_all(block).map_err(|error| {
            let kind = error.kind();
            write_error = Some(error);
            kind.into()
        })
    });
    let (hash, size) = match (pumped, write_error) {
        (_, Some(error)) => return Err(error.into()),
        (Err(fault), None) => return Err(fault.into()),
        (Ok(done), None) => done,
    };
    if size != source.size || !fs::file_meta(&read)?.is_still(source) {
        return Err(ChangeFault::Changed);
    }
    fs::set_file_mtime(&write, source.mtime)?;
    let mut copy = fs::file_meta(&write)?;
    if copy.bits() != bits {
        // File systems without permission bits refuse; what they keep instead is remembered.
        drop(fs::set_file_bits(&write, bits));
        copy = fs::file_meta(&write)?;
    }
    if !fs::SYNCS_WHOLE {
        write.sync_all()?;
    }
    Ok((copy, hash))
}
