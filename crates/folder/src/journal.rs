//! The journal of a run: what it is about to do to each path, written before it does it.
//!
//! It is what `undo` reads and what says where kept versions came from. Records are appended with their own check, so an
//! end torn by a crash is recognised and ignored; a record whose deed was never done is recognised by what is on disk.

use std::io::{self, Write as _};

use crate::archive::Base;
use crate::compact::{self, Reader};
use crate::fs::{self, Dir, File};
use crate::name;
use crate::tree::{Kind, MODE_MASK, Meta, Side, Time};

const MAGIC: &[u8; 8] = b"SMGRJRNL";
const VERSION: u8 = 1;
/// How many bytes the head of a journal has.
pub(crate) const HEAD_BYTES: usize = 8 + 1 + 8;
/// The name of a journal in the directory of its run.
pub(crate) const JOURNAL_NAME: &[u8] = b"journal";
/// Records are handed to the system in pieces of about this size.
const BUFFER_BYTES: usize = 64 * 1024;

/// What an entry was when the record was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) kind: Kind,
    pub(crate) size: u64,
    pub(crate) mtime: Time,
    pub(crate) ino: u64,
    pub(crate) bits: u32,
}

impl Stamp {
    pub(crate) fn of(meta: &Meta) -> Self {
        Self {
            kind: meta.kind,
            size: meta.size,
            mtime: meta.mtime,
            ino: meta.ino,
            bits: meta.bits(),
        }
    }

    /// Says whether an entry is the one that was stamped, with the content that it had.
    pub(crate) fn is(&self, meta: &Meta) -> bool {
        self.kind == meta.kind
            && self.ino == meta.ino
            && self.size == meta.size
            && self.mtime == meta.mtime
    }
}

/// What is done to one path on one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// A file or link appears where nothing was.
    Create { new: Stamp },
    /// A file or link replaces another, whose old version is kept under this number.
    Replace { new: Stamp, old: Stamp, kept: u64 },
    /// A file or link is deleted and kept under this number.
    Delete { old: Stamp, kept: u64 },
    /// A directory appears.
    MakeDir,
    /// An empty directory is removed.
    RemoveDir { bits: u32, mtime: Time },
    /// Permission bits and time are set.
    SetMeta {
        kind: Kind,
        old: (u32, Time),
        new: (u32, Time),
    },
}

/// One deed with the archive's entry before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) side: Side,
    pub(crate) path: Box<[u8]>,
    pub(crate) deed: Deed,
    pub(crate) base: Option<Base>,
}

fn put_stamp(out: &mut Vec<u8>, stamp: &Stamp) {
    out.push(compact::kind_code(stamp.kind));
    compact::put_number(out, stamp.size);
    compact::put_time(out, stamp.mtime);
    compact::put_number(out, stamp.ino);
    compact::put_number(out, stamp.bits.into());
}

fn take_stamp(from: &mut Reader<'_>) -> Option<Stamp> {
    let kind = compact::kind_from(from.byte()?);
    let size = from.number()?;
    let mtime = from.time()?;
    let ino = from.number()?;
    Some(Stamp {
        kind,
        size,
        mtime,
        ino,
        bits: from.small()? & MODE_MASK,
    })
}

impl Record {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(match self.side {
            Side::Left => 0,
            Side::Right => 1,
        });
        compact::put_bytes(out, &self.path);
        match &self.deed {
            Deed::Create { new } => {
                out.push(0);
                put_stamp(out, new);
            }
            Deed::Replace { new, old, kept } => {
                out.push(1);
                put_stamp(out, new);
                put_stamp(out, old);
                compact::put_number(out, *kept);
            }
            Deed::Delete { old, kept } => {
                out.push(2);
                put_stamp(out, old);
                compact::put_number(out, *kept);
            }
            Deed::MakeDir => out.push(3),
            Deed::RemoveDir { bits, mtime } => {
                out.push(4);
                compact::put_number(out, (*bits).into());
                compact::put_time(out, *mtime);
            }
            Deed::SetMeta { kind, old, new } => {
                out.push(5);
                out.push(compact::kind_code(*kind));
                for (bits, mtime) in [old, new] {
                    compact::put_number(out, (*bits).into());
                    compact::put_time(out, *mtime);
                }
            }
        }
        if let Some(base) = &self.base {
            base.put(out);
        }
    }

    fn take(bytes: &[u8]) -> Option<Self> {
        let mut from = Reader(bytes);
        let side = if from.byte()? == 0 {
            Side::Left
        } else {
            Side::Right
        };
        let path = from.bytes()?;
        if path.is_empty() || !name::is_relative(path) {
            return None;
        }
        let deed = match from.byte()? {
            0 => Deed::Create {
                new: take_stamp(&mut from)?,
            },
            1 => {
                let new = take_stamp(&mut from)?;
                let old = take_stamp(&mut from)?;
                Deed::Replace {
                    new,
                    old,
                    kept: from.number()?,
                }
            }
            2 => Deed::Delete {
                old: take_stamp(&mut from)?,
                kept: from.number()?,
            },
            3 => Deed::MakeDir,
            4 => Deed::RemoveDir {
                bits: from.small()? & MODE_MASK,
                mtime: from.time()?,
            },
            5 => {
                let kind = compact::kind_from(from.byte()?);
                let old = (from.small()? & MODE_MASK, from.time()?);
                Deed::SetMeta {
                    kind,
                    old,
                    new: (from.small()? & MODE_MASK, from.time()?),
                }
            }
            _ => return None,
        };
        let base = if from.is_empty() {
            None
        } else {
            Some(Base::take(&mut from)?)
        };
        Some(Self {
            side,
            path: path.into(),
            deed,
            base,
        })
    }
}

/// A journal that is being written.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    buffer: Vec<u8>,
    dirty: bool,
}

impl Journal {
    /// Begins the journal of a run, or goes on with it behind its last whole record.
    pub(crate) fn open(dir: &Dir, now: Time) -> io::Result<Self> {
        let file = dir.open_append(JOURNAL_NAME)?;
        // A journal without a name tells nobody what a temporary file was.
        dir.sync_names()?;
        let mut buffer = Vec::new();
        match fs::read_own(dir, JOURNAL_NAME)?.as_deref().and_then(parse) {
            Some(read) => file.set_len(read.whole as u64)?,
            None => {
                file.set_len(0)?;
                buffer.extend_from_slice(MAGIC);
                buffer.push(VERSION);
                buffer.extend_from_slice(&now.sec.to_le_bytes());
            }
        }
        Ok(Self {
            file,
            buffer,
            dirty: true,
        })
    }

    /// Appends a record; it is safe only after [`Journal::sync`].
    pub(crate) fn append(&mut self, record: &Record) -> io::Result<()> {
        let at = self.buffer.len();
        self.buffer.extend_from_slice(&[0; 8]);
        record.put(&mut self.buffer);
        let payload = &self.buffer[at + 8..];
        let length = u32::try_from(payload.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let check = fs::hash_bytes(payload);
        self.buffer[at..at + 4].copy_from_slice(&length.to_le_bytes());
        self.buffer[at + 4..at + 8].copy_from_slice(&check[..4]);
        self.dirty = true;
        if self.buffer.len() >= BUFFER_BYTES {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// Makes every appended record durable.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if self.dirty {
            self.flush()?;
            self.file.sync_data()?;
            self.dirty = false;
        }
        Ok(())
    }
}

/// A journal that was read.
#[derive(Debug)]
pub(crate) struct ReadJournal {
    /// When the run began.
    pub(crate) began: Time,
    pub(crate) records: Vec<Record>,
    /// How many bytes form whole records.
    whole: usize,
}

impl ReadJournal {
    /// Returns a number above that of every version the run has kept.
    pub(crate) fn next_number(&self) -> u64 {
        let kept = self.records.iter().filter_map(|record| match record.deed {
            Deed::Replace { kept, .. } | Deed::Delete { kept, .. } => Some(kept),
            Deed::Create { .. } | Deed::MakeDir | Deed::RemoveDir { .. } | Deed::SetMeta { .. } => {
                None
            }
        });
        kept.max().map_or(0, |max| max.saturating_add(1))
    }
}

/// Reads a journal up to its last whole record; `None` where it is none.
pub(crate) fn parse(bytes: &[u8]) -> Option<ReadJournal> {
    let mut from = Reader(bytes);
    if from.take(8)? != MAGIC || from.byte()? != VERSION {
        return None;
    }
    let sec = i64::from_le_bytes(from.take(8)?.try_into().ok()?);
    let mut read = ReadJournal {
        began: Time { sec, nsec: 0 },
        records: Vec::new(),
        whole: HEAD_BYTES,
    };
    while let Some(record) = take_record(&mut from) {
        read.records.push(record);
        read.whole = bytes.len() - from.0.len();
    }
    Some(read)
}

fn take_record(from: &mut Reader<'_>) -> Option<Record> {
    let length = u32::from_le_bytes(from.take(4)?.try_into().ok()?);
    let check = from.take(4)?;
    let payload = from.take(usize::try_from(length).ok()?)?;
    if fs::hash_bytes(payload).get(..4) != Some(check) {
        return None;
    }
    Record::take(payload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(n: u8) -> Record {
        let stamp = Stamp {
            kind: Kind::File,
            size: 7,
            mtime: Time { sec: -5, nsec: 9 },
            ino: 3,
            bits: 0o640,
        };
        let link = Stamp {
            kind: Kind::Link,
            ..stamp
        };
        let deed = match n % 6 {
            0 => Deed::Create { new: stamp },
            1 => Deed::Replace {
                new: stamp,
                old: link,
                kept: 9,
            },
            2 => Deed::Delete {
                old: link,
                kept: 300,
            },
            3 => Deed::MakeDir,
            4 => Deed::RemoveDir {
                bits: 0o755,
                mtime: stamp.mtime,
            },
            _ => Deed::SetMeta {
                kind: Kind::Dir,
                old: (0o700, stamp.mtime),
                new: (0o755, stamp.mtime),
            },
        };
        let base = n.is_multiple_of(2).then(|| Base {
            kind: Kind::File,
            size: 1,
            hash: [n; 32],
            marks: Default::default(),
        });
        Record {
            side: if n.is_multiple_of(3) {
                Side::Left
            } else {
                Side::Right
            },
            path: vec![b'a', b'/', n | 1].into(),
            deed,
            base,
        }
    }

    proptest! {
        #[test]
        fn reads_back_whole_records_and_stops_at_a_torn_end(n in 1u8..40, cut in any::<usize>()) {
            let home = tempfile::tempdir().unwrap();
            let dir = Dir::open_path(home.path()).unwrap();
            let records: Vec<Record> = (0..n).map(|i| record(i | 64)).collect();
            let mut journal = Journal::open(&dir, Time { sec: 77, nsec: 0 }).unwrap();
            for record in &records {
                journal.append(record).unwrap();
            }
            journal.sync().unwrap();
            drop(journal);
            let bytes = fs::read_own(&dir, JOURNAL_NAME).unwrap().unwrap();
            let read = parse(&bytes).unwrap();
            prop_assert_eq!(read.began.sec, 77);
            prop_assert_eq!(&read.records, &records);
            let cut = HEAD_BYTES + cut % (bytes.len() - HEAD_BYTES);
            let torn = parse(&bytes[..cut]).unwrap();
            prop_assert!(torn.records.len() < records.len());
            prop_assert_eq!(&torn.records[..], &records[..torn.records.len()]);
            // A torn journal goes on behind its last whole record.
            std::fs::File::options().write(true).open(home.path().join("journal")).unwrap().set_len(cut as u64).unwrap();
            let mut journal = Journal::open(&dir, Time { sec: 78, nsec: 0 }).unwrap();
            journal.append(&records[0]).unwrap();
            journal.sync().unwrap();
            let read = parse(&fs::read_own(&dir, JOURNAL_NAME).unwrap().unwrap()).unwrap();
            prop_assert_eq!(read.records.len(), torn.records.len() + 1);
        }

        #[test]
        fn survives_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            drop(Record::take(&bytes));
            let mut whole = [&MAGIC[..], &[VERSION], &[0; 8]].concat();
            whole.extend_from_slice(&bytes);
            prop_assert!(parse(&whole).unwrap().records.len() < 12);
        }
    }
}
