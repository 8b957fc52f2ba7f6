//! The list of conflicts that a pair has, as the last run left it.

use std::collections::HashMap;
use std::io;

use serde::{Deserialize, Serialize};

use crate::fs::{self, Dir};
use crate::name;
use crate::reconcile::{ConflictKind, Decision, Group};
use crate::tree::{Kind, Meta, Side, Time};

const CONFLICTS_NAME: &[u8] = b"conflicts";
const VERSION: u32 = 1;

/// What one side has at a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConflictSide {
    /// What it is.
    pub kind: Kind,
    /// Its size in bytes.
    pub size: u64,
    /// When its content was changed last.
    pub mtime: Time,
}

/// A path whose two versions both stay until somebody chooses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Names the conflict; the same path always has the same one.
    pub id: String,
    /// The path below the roots.
    pub path: Box<[u8]>,
    /// Why both versions stay.
    pub kind: ConflictKind,
    /// What each side has, left first; `None` where it was deleted.
    pub sides: [Option<ConflictSide>; 2],
    /// When a run found it first.
    pub found: Time,
}

impl Conflict {
    /// Returns the side whose version gets another name where both versions are kept: a directory stays where it is, and
    /// what is easily copied goes beside it.
    pub(crate) fn moves_aside(&self) -> Side {
        match self.sides {
            [_, Some(right)] if right.kind == Kind::Dir => Side::Left,
            _ => Side::Right,
        }
    }

    /// Returns the name that this version gets, unless it is taken.
    pub(crate) fn beside_name(&self) -> Vec<u8> {
        beside(name::split(&self.path).1, self.moves_aside(), 0)
    }
}

/// What becomes of a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Choice {
    /// The left version goes to the right; the right one is kept in the versions.
    KeepLeft,
    /// The right version goes to the left; the left one is kept in the versions.
    KeepRight,
    /// Both stay, one of them under another name, on both sides.
    KeepBoth,
}

/// Returns the name of the conflict at a path.
pub(crate) fn id_of(path: &[u8]) -> String {
    blake3::hash(path)
        .to_hex()
        .as_str()
        .get(..12)
        .unwrap_or_default()
        .to_owned()
}

fn side_of(meta: &Meta) -> ConflictSide {
    ConflictSide {
        kind: meta.kind,
        size: meta.size,
        mtime: meta.mtime,
    }
}

/// Lists the conflicts among settled groups, as found at `now`.
pub(crate) fn conflicts(groups: &[Group], now: Time) -> Vec<Conflict> {
    let mut list = Vec::new();
    for (group, item) in groups
        .iter()
        .flat_map(|group| group.items.iter().map(move |item| (group, item)))
    {
        if let Decision::Conflict(kind) = item.verdict.decision {
            let path = name::join(&group.path, &item.name);
            let sides = Side::BOTH.map(|side| item.side(side).map(side_of));
            list.push(Conflict {
                id: id_of(&path),
                path: path.into(),
                kind,
                sides,
                found: now,
            });
        }
    }
    list
}

#[derive(Serialize, Deserialize)]
struct KeptList {
    version: u32,
    conflicts: Vec<Kept>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    path: String,
    kind: String,
    left: Option<KeptSide>,
    right: Option<KeptSide>,
    found: i64,
}

#[derive(Serialize, Deserialize)]
struct KeptSide {
    kind: u8,
    size: u64,
    sec: i64,
    nsec: u32,
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks(2).map(byte).collect()
}

/// Writes the list durably in place of the old one, of which it takes over when a conflict was found first; an unchanged
/// list is left alone.
pub(crate) fn save(state: &Dir, list: &[Conflict]) -> io::Result<()> {
    let side = |side: &ConflictSide| KeptSide {
        kind: crate::compact::kind_code(side.kind),
        size: side.size,
        sec: side.mtime.sec,
        nsec: side.mtime.nsec,
    };
    let known: HashMap<String, Time> = load(state)?
        .into_iter()
        .map(|old| (old.id, old.found))
        .collect();
    let kept = |conflict: &Conflict| Kept {
        found: known.get(&conflict.id).unwrap_or(&conflict.found).sec,
        path: to_hex(&conflict.path),
        kind: conflict.kind.code().to_owned(),
        left: conflict.sides[0].as_ref().map(side),
        right: conflict.sides[1].as_ref().map(side),
    };
    let old = fs::read_own(state, CONFLICTS_NAME)?;
    if old.is_none() && list.is_empty() {
        return Ok(());
    }
    let bytes = serde_json::to_vec(&KeptList {
        version: VERSION,
        conflicts: list.iter().map(kept).collect(),
    })?;
    if old.as_deref() == Some(&bytes) {
        return Ok(());
    }
    fs::write_own(state, CONFLICTS_NAME, &[&bytes])
}

/// Reads the list; a list that cannot be read is empty, because the next run finds every conflict again.
pub(crate) fn load(state: &Dir) -> io::Result<Vec<Conflict>> {
    let Some(bytes) = fs::read_own(state, CONFLICTS_NAME)? else {
        return Ok(Vec::new());
    };
    let Ok(list) = serde_json::from_slice::<KeptList>(&bytes) else {
        return Ok(Vec::new());
    };
    let side = |side: &KeptSide| ConflictSide {
        kind: crate::compact::kind_from(side.kind),
        size: side.size,
        mtime: Time {
            sec: side.sec,
            nsec: side.nsec,
        },
    };
    let read = |kept: &Kept| {
        let path = from_hex(&kept.path).filter(|path| name::is_relative(path))?;
        let kind = ConflictKind::from_code(&kept.kind)?;
        let sides = [kept.left.as_ref().map(side), kept.right.as_ref().map(side)];
        Some(Conflict {
            id: id_of(&path),
            path: path.into(),
            kind,
            sides,
            found: Time {
                sec: kept.found,
                nsec: 0,
            },
        })
    };
    Ok(list.conflicts.iter().filter_map(read).collect())
}

/// Makes the name under which a version stays beside another one, before the last extension.
pub(crate) fn beside(name: &[u8], side: Side, number: u32) -> Vec<u8> {
    let cut = name
        .iter()
        .rposition(|b| *b == b'.')
        .filter(|at| *at > 0)
        .unwrap_or(name.len());
    let (stem, extension) = name.split_at(cut);
    let label = if number == 0 {
        format!(" (conflict {side})")
    } else {
        format!(" (conflict {side} {number})")
    };
    // Names are at most 255 bytes almost everywhere.
    let room = 255usize.saturating_sub(label.len() + extension.len());
    [&stem[..stem.len().min(room)], label.as_bytes(), extension].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_list_with_nasty_names() {
        let home = tempfile::tempdir().unwrap();
        let state = Dir::open_path(home.path()).unwrap();
        let side = ConflictSide {
            kind: Kind::Link,
            size: 3,
            mtime: Time { sec: -1, nsec: 5 },
        };
        let path: Box<[u8]> = b"a/\xff\n"[..].into();
        let one = Conflict {
            id: id_of(&path),
            path,
            kind: ConflictKind::DeletedRight,
            sides: [Some(side), None],
            found: Time { sec: 9, nsec: 0 },
        };
        save(&state, &[]).unwrap();
        assert!(load(&state).unwrap().is_empty());
        save(&state, std::slice::from_ref(&one)).unwrap();
        assert_eq!(load(&state).unwrap(), vec![one]);
        save(&state, &[]).unwrap();
        assert!(load(&state).unwrap().is_empty());
        std::fs::write(home.path().join("conflicts"), b"{broken").unwrap();
        assert!(load(&state).unwrap().is_empty());
    }

    #[test]
    fn names_a_version_beside_another() {
        assert_eq!(beside(b"a.txt", Side::Right, 0), b"a (conflict right).txt");
        assert_eq!(beside(b".rc", Side::Left, 2), b".rc (conflict left 2)");
        assert_eq!(beside(&[b'x'; 255], Side::Right, 0).len(), 255);
    }
}
