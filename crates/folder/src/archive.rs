//! The archive: what was last in sync, with the fingerprint that each side had then.
//!
//! One file, replaced at once. It is a list of blocks, one for each directory that holds something, in path order; a block
//! holds its entries in name order, so that a scan merges it with two sorted listings and an unchanged block is copied
//! without being read. It knows nothing of how decisions are made.
//!
//! ```text
//! magic 8 · version u32 · marked u8 · generation u64 · entries u64 · body length u64 · body · BLAKE3 of all that
//! ```

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;

use thiserror::Error;

use crate::compact::{self, Reader};
use crate::fs::{self, Dir};
use crate::name;
use crate::tree::{Hash, Kind, MODE_MASK, Meta, Side, Time, is_settled};

const MAGIC: &[u8; 8] = b"SMGRARCH";
/// The only version written; a newer one is refused.
const VERSION: u32 = 2;
/// The version without a generation, which is then 0; it is still read.
const VERSION_PLAIN: u32 = 1;
const HEAD_BYTES: usize = 8 + 4 + 1 + 8 + 8 + 8;
const HEAD_PLAIN_BYTES: usize = 8 + 4 + 1 + 8 + 8;
const CHECK_BYTES: usize = 32;
/// The name of the archive in the pair's own directory.
pub(crate) const ARCHIVE_NAME: &[u8] = b"archive";

/// Why an archive cannot be used.
#[derive(Debug, Error)]
pub enum LoadArchiveError {
    /// Its bytes are not what was written.
    #[error("the archive is damaged")]
    Damaged,
    /// A newer program wrote it.
    #[error("the archive has version {found}, this program knows version {VERSION}")]
    Newer {
        /// The version that was found.
        found: u32,
    },
    /// It could not be read.
    #[error("failed to read the archive")]
    Read(#[source] io::Error),
}

/// What one side looked like when an entry was last in sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mark {
    pub(crate) bits: u32,
    pub(crate) mtime: Time,
    pub(crate) ctime: Time,
    pub(crate) ino: u64,
    /// Whether an unchanged ctime proves unchanged content.
    pub(crate) settled: bool,
}

impl Mark {
    /// Makes the mark of an entry whose metadata was read at `now`.
    pub(crate) fn of(meta: &Meta, now: Time) -> Self {
        Self {
            bits: meta.bits(),
            mtime: meta.mtime,
            ctime: meta.ctime,
            ino: meta.ino,
            settled: is_settled(meta.ctime, now),
        }
    }
}

/// One entry that was in sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Base {
    pub(crate) kind: Kind,
    pub(crate) size: u64,
    /// Hash of the content or link target; zero for a directory.
    pub(crate) hash: Hash,
    pub(crate) marks: [Mark; 2],
}

impl Base {
    /// Returns the mark of one side.
    pub(crate) const fn mark(&self, side: Side) -> &Mark {
        &self.marks[side.at()]
    }

    /// Appends this entry; a directory needs its permission bits only.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let [left, right] = &self.marks;
        let mut flags = compact::kind_code(self.kind);
        for (on, bit) in [
            (left.settled, 4),
            (right.settled, 8),
            (left.bits == right.bits, 16),
            (left.mtime == right.mtime, 32),
        ] {
            if on {
                flags |= bit;
            }
        }
        out.push(flags);
        compact::put_number(out, left.bits.into());
        if left.bits != right.bits {
            compact::put_number(out, right.bits.into());
        }
        if self.kind == Kind::Dir {
            return;
        }
        compact::put_number(out, self.size);
        out.extend_from_slice(&self.hash);
        compact::put_time(out, left.mtime);
        if left.mtime != right.mtime {
            compact::put_time(out, right.mtime);
        }
        for mark in &self.marks {
            compact::put_number(out, mark.ino);
            compact::put_time(out, mark.ctime);
        }
    }

    /// Reads what [`Base::put`] wrote.
    pub(crate) fn take(from: &mut Reader<'_>) -> Option<Self> {
        let flags = from.byte()?;
        let kind = compact::kind_from(flags);
        let mut left = Mark {
            settled: flags & 4 != 0,
            bits: from.small()? & MODE_MASK,
            ..Mark::default()
        };
        let mut right = Mark {
            settled: flags & 8 != 0,
            ..Mark::default()
        };
        right.bits = if flags & 16 != 0 {
            left.bits
        } else {
            from.small()? & MODE_MASK
        };
        if kind == Kind::Dir {
            return Some(Self {
                kind,
                size: 0,
                hash: [0; 32],
                marks: [left, right],
            });
        }
        let size = from.number()?;
        let hash = from.hash()?;
        left.mtime = from.time()?;
        right.mtime = if flags & 32 != 0 {
            left.mtime
        } else {
            from.time()?
        };
        for mark in [&mut left, &mut right] {
            mark.ino = from.number()?;
            mark.ctime = from.time()?;
        }
        Some(Self {
            kind,
            size,
            hash,
            marks: [left, right],
        })
    }
}

#[derive(Debug, Clone)]
struct Block {
    path: Range<usize>,
    entries: Range<usize>,
    count: u64,
}

/// What was last in sync, in memory as it is on disk.
#[derive(Debug, Clone, Default)]
pub(crate) struct Archive {
    bytes: Vec<u8>,
    blocks: Vec<Block>,
    entries: u64,
    /// Which roots carried our marker when the archive was written.
    pub(crate) marked: [bool; 2],
    /// Which generation of our marker the roots must carry.
    pub(crate) generation: u64,
}

/// Results of a run by path; `None` forgets the path.
pub(crate) type Updates = BTreeMap<Box<[u8]>, Option<Base>>;

impl Archive {
    /// Reads the archive of a pair; without one, an empty archive.
    pub(crate) fn load(dir: &Dir) -> Result<Self, LoadArchiveError> {
        match fs::read_own(dir, ARCHIVE_NAME).map_err(LoadArchiveError::Read)? {
            Some(bytes) => Self::parse(bytes),
            None => Ok(Self::default()),
        }
    }

    /// Checks and indexes the bytes of an archive.
    pub(crate) fn parse(bytes: Vec<u8>) -> Result<Self, LoadArchiveError> {
        let mut head = Reader(&bytes);
        if head.take(8) != Some(MAGIC) {
            return Err(LoadArchiveError::Damaged);
        }
        let version = head
            .take(4)
            .and_then(|b| b.try_into().ok())
            .map(u32::from_le_bytes);
        match version {
            None | Some(0) => return Err(LoadArchiveError::Damaged),
            Some(VERSION | VERSION_PLAIN) => {}
            Some(found) => return Err(LoadArchiveError::Newer { found }),
        }
        Self::index(bytes, version == Some(VERSION_PLAIN)).ok_or(LoadArchiveError::Damaged)
    }

    fn index(bytes: Vec<u8>, plain: bool) -> Option<Self> {
        let head_bytes = if plain { HEAD_PLAIN_BYTES } else { HEAD_BYTES };
        let body_end = bytes.len().checked_sub(CHECK_BYTES)?;
        let mut head = Reader(bytes.get(12..head_bytes)?);
        let marked = head.byte()?;
        let generation = if plain {
            0
        } else {
            u64::from_le_bytes(head.take(8)?.try_into().ok()?)
        };
        let entries = u64::from_le_bytes(head.take(8)?.try_into().ok()?);
        let body = u64::from_le_bytes(head.take(8)?.try_into().ok()?);
        if body != body_end.checked_sub(head_bytes)? as u64 {
            return None;
        }
        if blake3::hash(&bytes[..body_end]).as_bytes() != &bytes[body_end..] {
            return None;
        }
        let mut blocks: Vec<Block> = Vec::new();
        let mut counted = 0u64;
        let mut reader = Reader(bytes.get(head_bytes..body_end)?);
        while !reader.is_empty() {
            let path = reader.bytes()?;
            let path_end = body_end - reader.0.len();
            let count = reader.number()?;
            let held = reader.bytes()?;
            let end = body_end - reader.0.len();
            let block = Block {
                path: path_end - path.len()..path_end,
                entries: end - held.len()..end,
                count,
            };
            let in_order = blocks
                .last()
                .is_none_or(|last| name::order(&bytes[last.path.clone()], path).is_lt());
            if !in_order || !name::is_relative(path) || !is_sound(held, count) {
                return None;
            }
            counted = counted.checked_add(count)?;
            blocks.push(block);
        }
        (counted == entries).then_some(())?;
        Some(Self {
            bytes,
            blocks,
            entries,
            marked: [marked & 1 != 0, marked & 2 != 0],
            generation,
        })
    }

    /// Returns how many entries were in sync.
    pub(crate) const fn entries(&self) -> u64 {
        self.entries
    }

    /// Returns the entries of one directory in name order.
    pub(crate) fn dir(&self, path: &[u8]) -> Entries<'_> {
        let found = self
            .blocks
            .binary_search_by(|block| name::order(&self.bytes[block.path.clone()], path));
        let held = found.map_or(&b""[..], |at| &self.bytes[self.blocks[at].entries.clone()]);
        Entries(Reader(held))
    }

    /// Returns one entry.
    pub(crate) fn get(&self, path: &[u8]) -> Option<Base> {
        let (dir, last) = name::split(path);
        self.dir(dir)
            .find(|entry| entry.name == last)
            .map(|entry| entry.base)
    }

    /// Makes the archive that follows from this one and what happened.
    pub(crate) fn advance(&self, updates: &Updates, marked: [bool; 2]) -> Self {
        let mut by_dir: Vec<(&[u8], &[u8], Option<&Base>)> = updates
            .iter()
            .map(|(path, base)| {
                let (dir, last) = name::split(path);
                (dir, last, base.as_ref())
            })
            .collect();
        by_dir.sort_by(|a, b| name::order(a.0, b.0).then_with(|| a.1.cmp(b.1)));
        let mut out =
            Vec::with_capacity(self.bytes.len() + by_dir.len() * 96 + HEAD_BYTES + CHECK_BYTES);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.push(u8::from(marked[0]) | (u8::from(marked[1]) << 1));
        out.extend_from_slice(&self.generation.to_le_bytes());
        out.extend_from_slice(&[0; 16]);
        let mut next = Self {
            marked,
            generation: self.generation,
            ..Self::default()
        };
        let mut scratch = Vec::new();
        let mut old = self.blocks.iter().peekable();
        let mut groups = by_dir.chunk_by(|a, b| a.0 == b.0).peekable();
        loop {
            let which = match (old.peek(), groups.peek()) {
                (None, None) => break,
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some(block), Some(group)) => {
                    name::order(&self.bytes[block.path.clone()], group[0].0)
                }
            };
            let block = if which.is_le() { old.next() } else { None };
            let group = if which.is_ge() { groups.next() } else { None };
            match (block, group) {
                (Some(block), None) => {
                    let held = &self.bytes[block.entries.clone()];
                    next.push_block(&mut out, &self.bytes[block.path.clone()], held, block.count);
                }
                (block, Some(group)) => {
                    scratch.clear();
                    let held = block.map_or(&b""[..], |block| &self.bytes[block.entries.clone()]);
                    let count = merge(held, group, &mut scratch);
                    if count > 0 {
                        next.push_block(&mut out, group[0].0, &scratch, count);
                    }
                }
                (None, None) => {}
            }
        }
        let body = (out.len() - HEAD_BYTES) as u64;
        out[21..29].copy_from_slice(&next.entries.to_le_bytes());
        out[29..37].copy_from_slice(&body.to_le_bytes());
        let check = blake3::hash(&out);
        out.extend_from_slice(check.as_bytes());
        next.bytes = out;
        next
    }

    fn push_block(&mut self, out: &mut Vec<u8>, path: &[u8], held: &[u8], count: u64) {
        compact::put_bytes(out, path);
        let path_end = out.len();
        compact::put_number(out, count);
        compact::put_bytes(out, held);
        let block = Block {
            path: path_end - path.len()..path_end,
            entries: out.len() - held.len()..out.len(),
            count,
        };
        self.blocks.push(block);
        self.entries += count;
    }

    /// Writes the archive durably in place of the old one.
    pub(crate) fn save(&self, dir: &Dir) -> io::Result<()> {
        fs::write_own(dir, ARCHIVE_NAME, &[&self.bytes])
    }
}

fn merge(held: &[u8], group: &[(&[u8], &[u8], Option<&Base>)], out: &mut Vec<u8>) -> u64 {
    let mut count = 0;
    let mut old = Entries(Reader(held)).peekable();
    let mut new = group.iter().peekable();
    loop {
        let take_old = match (old.peek(), new.peek()) {
            (None, None) => return count,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (Some(entry), Some((_, name, _))) => match entry.name.cmp(name) {
                std::cmp::Ordering::Less => true,
                std::cmp::Ordering::Equal => {
                    old.next();
                    false
                }
                std::cmp::Ordering::Greater => false,
            },
        };
        if take_old {
            if let Some(entry) = old.next() {
                out.extend_from_slice(entry.raw);
                count += 1;
            }
        } else if let Some((_, name, Some(base))) = new.next() {
            compact::put_bytes(out, name);
            base.put(out);
            count += 1;
        }
    }
}

/// Checks that a block decodes completely, in order, and holds what it says.
fn is_sound(held: &[u8], count: u64) -> bool {
    let mut entries = Entries(Reader(held));
    let mut last: Option<&[u8]> = None;
    let mut n = 0u64;
    for entry in entries.by_ref() {
        if !name::is_component(entry.name) || last.is_some_and(|last| last >= entry.name) {
            return false;
        }
        last = Some(entry.name);
        n += 1;
    }
    entries.0.is_empty() && n == count
}

/// One entry of a block, with its own bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) base: Base,
    raw: &'a [u8],
}

/// The entries of one directory in name order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entries<'a>(Reader<'a>);

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let all = self.0.0;
        let mut reader = self.0;
        let name = reader.bytes()?;
        let base = Base::take(&mut reader)?;
        self.0 = reader;
        Some(Entry {
            name,
            base,
            raw: &all[..all.len() - reader.0.len()],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mark() -> impl Strategy<Value = Mark> {
        (
            0u32..0o1000,
            any::<i64>(),
            0u32..1_000_000_000,
            any::<u64>(),
            any::<bool>(),
        )
            .prop_map(|(bits, sec, nsec, ino, settled)| Mark {
                bits,
                mtime: Time { sec, nsec },
                ctime: Time { sec: sec / 2, nsec },
                ino,
                settled,
            })
    }

    fn base() -> impl Strategy<Value = Base> {
        (0u8..3, any::<u64>(), any::<[u8; 32]>(), mark(), mark()).prop_map(
            |(code, size, hash, left, right)| {
                let kind = compact::kind_from(code);
                if kind == Kind::Dir {
                    let plain = |m: Mark| Mark {
                        bits: m.bits,
                        settled: m.settled,
                        ..Mark::default()
                    };
                    return Base {
                        kind,
                        size: 0,
                        hash: [0; 32],
                        marks: [plain(left), plain(right)],
                    };
                }
                Base {
                    kind,
                    size,
                    hash,
                    marks: [left, right],
                }
            },
        )
    }

    fn path() -> impl Strategy<Value = Box<[u8]>> {
        prop::collection::vec("[ab.\\x01\u{e9}]{1,3}", 1..4).prop_map(|parts| {
            let parts: Vec<String> = parts.into_iter().map(|p| p.replace('.', "x")).collect();
            parts.join("/").into_bytes().into_boxed_slice()
        })
    }

    fn updates() -> impl Strategy<Value = Updates> {
        prop::collection::btree_map(path(), prop::option::weighted(0.8, base()), 0..30)
    }

    proptest! {
        #[test]
        fn advances_like_a_map_and_reads_back(steps in prop::collection::vec(updates(), 1..5)) {
            let mut model: BTreeMap<Box<[u8]>, Base> = BTreeMap::new();
            let mut archive = Archive::default();
            for step in &steps {
                for (path, base) in step {
                    match base {
                        Some(base) => { model.insert(path.clone(), *base); }
                        None => { model.remove(path); }
                    }
                }
                archive = archive.advance(step, [true, false]);
            }
            let read = Archive::parse(archive.bytes.clone()).unwrap();
            prop_assert_eq!(read.entries(), model.len() as u64);
            prop_assert_eq!(read.marked, [true, false]);
            for archive in [&archive, &read] {
                for (path, base) in &model {
                    prop_assert_eq!(archive.get(path), Some(*base));
                }
            }
        }

        #[test]
        fn notices_every_flipped_byte_and_every_missing_end(step in updates(), at in any::<usize>(), flip in 1u8..) {
            let bytes = Archive::default().advance(&step, [true, true]).bytes;
            let at = at % bytes.len();
            let mut broken = bytes.clone();
            broken[at] ^= flip;
            prop_assert!(Archive::parse(broken).is_err());
            prop_assert!(Archive::parse(bytes[..at].to_vec()).is_err());
        }

        #[test]
        fn survives_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut whole = Archive::default().advance(&Updates::new(), [false; 2]).bytes[..12].to_vec();
            whole.extend_from_slice(&bytes);
            prop_assert!(Archive::parse(whole).is_err());
            let mut reader = Reader(&bytes);
            while Base::take(&mut reader).is_some() {}
            prop_assert!(Entries(Reader(&bytes)).count() <= bytes.len());
        }
    }

    #[test]
    fn an_archive_without_a_generation_has_generation_0() {
        let mut archive = Archive {
            generation: 5,
            ..Archive::default()
        };
        archive = archive.advance(&Updates::new(), [true; 2]);
        assert_eq!(Archive::parse(archive.bytes).unwrap().generation, 5);
        let mut plain = [&MAGIC[..], &1u32.to_le_bytes(), &[3], &[0; 16]].concat();
        let check = blake3::hash(&plain);
        plain.extend_from_slice(check.as_bytes());
        let read = Archive::parse(plain).unwrap();
        assert_eq!((read.generation, read.marked), (0, [true; 2]));
    }

    #[test]
    fn refuses_a_newer_version_by_name() {
        let mut bytes = Archive::default()
            .advance(&Updates::new(), [false; 2])
            .bytes;
        bytes[8] = 9;
        assert!(matches!(
            Archive::parse(bytes),
            Err(LoadArchiveError::Newer { found: 9 })
        ));
    }
}
