//! Copies that other programs leave beside a file when two sides changed it: found by their names, shown as conflicts.
//!
//! Nothing is compared and nothing changed by looking. Which file a copy belongs to, only its name says; a rule whose name
//! says too little is no rule here: what `OneDrive` writes, `NAME-HOST.EXT`, is what people call files too.

mod names;
mod settle;
#[cfg_attr(unix, path = "copies/sys_unix.rs")]
#[cfg_attr(not(unix), path = "copies/sys_windows.rs")]
mod sys;

use std::collections::{BTreeMap, HashSet};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use syncmgr_handler::call::{Choice, Conflict, ConflictVersion, ReadVersion, VersionPiece};
use syncmgr_handler::item::ItemId;

use crate::keep;
use crate::refused::Refused;
use crate::template::short_hash;

pub use names::Rules;
pub use settle::{KEPT_DAYS, resolve, undo};
use sys::{Dir, Kind};

/// The list of what was found, in the item's directory.
const LIST: &str = "copies.json";
/// Letters of a conflict's name.
const ID_LETTERS: usize = 12;
/// Place of the file that a copy belongs to.
pub(crate) const ORIGINAL: &str = "original";
/// Place of the copy, and the choice to keep it.
pub(crate) const COPY: &str = "copy";
/// The choice to keep both.
pub(crate) const BOTH: &str = "both";

/// How far is looked. What is beyond is told as cut, never silently left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Most names that are looked at.
    pub entries: u64,
    /// Most directories that are looked into.
    pub directories: u64,
    /// Most copies that are told.
    pub found: usize,
    /// How many directories deep.
    pub depth: usize,
    /// For how long.
    pub time: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            entries: 5_000_000,
            directories: 500_000,
            found: 10_000,
            depth: 128,
            time: Duration::from_secs(300),
        }
    }
}

/// What ended a look before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Cut {
    /// [`Bounds::entries`]
    #[error("there are more names than are looked at")]
    Entries,
    /// [`Bounds::directories`]
    #[error("there are more directories than are looked into")]
    Directories,
    /// [`Bounds::found`]
    #[error("there are more copies than are listed")]
    Found,
    /// [`Bounds::depth`]
    #[error("directories are nested deeper than is looked")]
    Depth,
    /// [`Bounds::time`]
    #[error("it took too long")]
    Time,
    /// Somebody wanted it to end.
    #[error("it was stopped")]
    Cancelled,
}

/// What is known of a file: by these it is told whether it changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Its size in bytes.
    pub size: u64,
    /// When it was modified, in milliseconds since 1970-01-01T00:00:00Z.
    pub modified_ms: i64,
}

/// Where a file is: below a directory that a person named, by no link.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Spot {
    pub(crate) root: PathBuf,
    /// Names joined by `/`; empty for the root itself.
    pub(crate) directory: String,
    pub(crate) name: String,
}

impl Spot {
    pub(crate) fn path(&self) -> PathBuf {
        self.root.join(&self.directory).join(&self.name)
    }

    /// Another name in the same directory.
    pub(crate) fn beside(&self, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..self.clone()
        }
    }

    /// Below its root, for people.
    fn shown(&self) -> String {
        let separator = if self.directory.is_empty() { "" } else { "/" };
        shown(&[self.directory.as_str(), separator, &self.name].concat())
    }
}

/// A copy and the file that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copy {
    /// Names the conflict; the same copy always has the same one.
    pub id: String,
    at: Spot,
    original: String,
    /// Whose names look so.
    by: String,
    copy: Seen,
    /// Absent when there is no file of the original name.
    beside: Option<Seen>,
    found_ms: i64,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copies {
    /// The copies, in the order of their paths.
    pub found: Vec<Copy>,
    /// What ended the look early; all that was found before and is still there is among the copies nevertheless.
    pub cut: Option<Cut>,
    /// Directories that could not be read, with the reason; at most some.
    pub unreadable: Vec<(PathBuf, String)>,
    /// Names that are no text, and so were not looked at.
    pub not_text: u64,
}

/// Directories that could not be read are told one by one up to this many.
const UNREADABLE_MAX: usize = 20;

/// Looks for copies below these directories, and keeps the list in the item's own directory. Follows no links, and stays
/// within the file system of each directory. Blocks, at most as long as `bounds` says and `cancelled` allows.
///
/// # Errors
/// [`Refused`] when the list cannot be kept; what cannot be read is part of the answer.
pub fn find(
    state: &Path,
    below: &[PathBuf],
    rules: &Rules,
    bounds: &Bounds,
    now_ms: i64,
    cancelled: &dyn Fn() -> bool,
) -> Result<Copies, Refused> {
    let before: BTreeMap<String, Copy> = listed(state)
        .into_iter()
        .map(|copy| (copy.id.clone(), copy))
        .collect();
    let mut look = Look::new(rules, bounds, now_ms, cancelled);
    let mut seen_roots = HashSet::new();
    for root in below {
        if seen_roots.insert(root) && look.copies.cut.is_none() {
            look.below(root);
        }
    }
    let mut copies = look.copies;
    let mut ids: HashSet<String> = copies.found.iter().map(|copy| copy.id.clone()).collect();
    if copies.cut.is_some() {
        // What was not reached this time is not over.
        for old in before.values() {
            if ids.contains(&old.id) || !below.contains(&old.at.root) {
                continue;
            }
            if let Some(copy) = look_again(old) {
                ids.insert(copy.id.clone());
                copies.found.push(copy);
            }
        }
    }
    for copy in &mut copies.found {
        if let Some(old) = before.get(&copy.id) {
            copy.found_ms = old.found_ms;
        }
    }
    copies.found.sort_by(|one, other| one.at.cmp(&other.at));
    save(state, &copies.found)?;
    settle::forget_old(state, now_ms);
    Ok(copies)
}

/// The copies that were found last.
#[must_use]
pub fn listed(state: &Path) -> Vec<Copy> {
    keep::read(state, LIST)
}

/// Those of the copies that were found last that are still there, as they are now. Files are looked at, directories are not.
///
/// # Errors
/// [`Refused`] when the list cannot be kept.
pub fn still_there(state: &Path) -> Result<Vec<Copy>, Refused> {
    let before = listed(state);
    let now: Vec<Copy> = before.iter().filter_map(look_again).collect();
    if now != before {
        save(state, &now)?;
    }
    Ok(now)
}

pub(crate) fn save(state: &Path, copies: &[Copy]) -> Result<(), Refused> {
    keep::write(state, LIST, &copies).map_err(|error| {
        Refused::new(
            "copies::state",
            format!("the list of copies cannot be kept: {error}"),
            "make room, or look at the permissions of the state directory",
        )
    })
}

/// A copy as it is now; `None` when it is gone, or no file any more.
pub(crate) fn look_again(old: &Copy) -> Option<Copy> {
    let directory = Dir::open(&old.at.root).and_then(|root| root.below(&old.at.directory));
    let directory = directory.ok()?;
    let copy = directory.stat(&old.at.name).ok().flatten()?.seen()?;
    let beside = directory.stat(&old.original).ok().flatten();
    Some(Copy {
        copy,
        beside: beside.and_then(|stat| stat.seen()),
        ..old.clone()
    })
}

/// One look.
struct Look<'a> {
    rules: &'a Rules,
    bounds: &'a Bounds,
    now_ms: i64,
    cancelled: &'a dyn Fn() -> bool,
    began: Instant,
    entries: u64,
    directories: u64,
    copies: Copies,
}

impl<'a> Look<'a> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a look ends in time by itself; nothing else depends on the clock"
    )]
    fn new(
        rules: &'a Rules,
        bounds: &'a Bounds,
        now_ms: i64,
        cancelled: &'a dyn Fn() -> bool,
    ) -> Self {
        Self {
            rules,
            bounds,
            now_ms,
            cancelled,
            began: Instant::now(),
            entries: 0,
            directories: 0,
            copies: Copies::default(),
        }
    }

    fn below(&mut self, root: &Path) {
        let opened = match Dir::open(root) {
            Ok(opened) => opened,
            Err(error) => return self.unreadable(root, "", &error),
        };
        let mut waiting = vec![(String::new(), 0_usize)];
        while let Some((directory, depth)) = waiting.pop() {
            self.copies.cut = self.over();
            if self.copies.cut.is_some() {
                return;
            }
            self.directories += 1;
            match opened.below(&directory) {
                Ok(dir) => {
                    let more = self.one(root, &directory, &dir);
                    if more.is_empty() {
                        continue;
                    }
                    if depth >= self.bounds.depth {
                        self.copies.cut = Some(Cut::Depth);
                        return;
                    }
                    let separator = if directory.is_empty() { "" } else { "/" };
                    let deeper = more
                        .iter()
                        .map(|name| ([directory.as_str(), separator, name].concat(), depth + 1));
                    waiting.extend(deeper);
                }
                // It went away, was replaced by a link, or is of another file system: not ours to look at.
                Err(error) if is_elsewhere(&error) => {}
                Err(error) => self.unreadable(root, &directory, &error),
            }
        }
    }

    fn over(&self) -> Option<Cut> {
        if (self.cancelled)() {
            return Some(Cut::Cancelled);
        }
        if self.entries >= self.bounds.entries {
            return Some(Cut::Entries);
        }
        if self.directories >= self.bounds.directories {
            return Some(Cut::Directories);
        }
        (self.began.elapsed() >= self.bounds.time).then_some(Cut::Time)
    }

    fn unreadable(&mut self, root: &Path, directory: &str, error: &std::io::Error) {
        if self.copies.unreadable.len() < UNREADABLE_MAX {
            let told = (root.join(directory), error.to_string());
            self.copies.unreadable.push(told);
        }
    }

    /// Looks at one directory and returns the names of those within.
    fn one(&mut self, root: &Path, directory: &str, dir: &Dir) -> Vec<String> {
        let (mut deeper, mut copies) = (Vec::new(), Vec::new());
        let (rules, most) = (self.rules, self.bounds.entries);
        let (mut entries, mut not_text) = (self.entries, 0);
        let listed = dir.list(&mut |name, kind| {
            entries += 1;
            match (name.to_str(), kind) {
                (None, Kind::Other) => {}
                (None, _) => not_text += 1,
                (Some(name), Kind::Directory) if !rules.leaves_out(name) => {
                    deeper.push(name.to_owned());
                }
                (Some(name), Kind::File) => {
                    if let Some((original, by)) = rules.original(name) {
                        copies.push((name.to_owned(), original, by));
                    }
                }
                _ => {}
            }
            entries < most
        });
        self.entries = entries;
        self.copies.not_text += not_text;
        if let Err(error) = listed {
            self.unreadable(root, directory, &error);
        }
        for (name, original, by) in copies {
            let Some(copy) = dir.stat(&name).ok().flatten().and_then(|stat| stat.seen()) else {
                continue;
            };
            let beside = match dir.stat(&original) {
                Ok(Some(stat)) => match stat.seen() {
                    Some(seen) => Some(seen),
                    // A directory or a link of that name: whatever this is, it is no version of it.
                    None => continue,
                },
                Ok(None) => None,
                Err(_) => continue,
            };
            if self.copies.found.len() >= self.bounds.found {
                self.copies.cut = Some(Cut::Found);
                return Vec::new();
            }
            let at = Spot {
                root: root.to_owned(),
                directory: directory.to_owned(),
                name,
            };
            self.copies.found.push(Copy {
                id: id_of(&at),
                at,
                original,
                by: by.to_owned(),
                copy,
                beside,
                found_ms: self.now_ms,
            });
        }
        deeper
    }
}

fn is_elsewhere(error: &std::io::Error) -> bool {
    use std::io::ErrorKind as Kind;
    let kind = error.kind();
    matches!(
        kind,
        Kind::NotFound | Kind::CrossesDevices | Kind::NotADirectory
    ) || sys::is_link(error)
}

fn id_of(at: &Spot) -> String {
    let mut id = short_hash(&at.path().to_string_lossy());
    id.truncate(ID_LETTERS);
    id
}

/// A text with control characters shown as what they are.
fn shown(text: &str) -> String {
    text.chars()
        .flat_map(|letter| {
            let escaped = letter.is_control();
            let plain = (!escaped).then_some(letter);
            plain.into_iter().chain(
                escaped
                    .then(|| letter.escape_default())
                    .into_iter()
                    .flatten(),
            )
        })
        .collect()
}

impl Copy {
    /// The conflict of an item as it is told.
    #[must_use]
    pub fn conflict(&self, item: &ItemId) -> Conflict {
        let version = |place: &str, at: &Spot, seen: Option<Seen>| ConflictVersion {
            place: place.to_owned(),
            location: shown(&at.path().to_string_lossy()),
            deleted: seen.is_none(),
            kind: "file".to_owned(),
            size: seen.map(|seen| seen.size),
            modified_ms: seen.map(|seen| seen.modified_ms),
        };
        let original = self.at.beside(&self.original);
        let choice = |name: &str, label: &str| Choice {
            name: name.to_owned(),
            label: label.to_owned(),
        };
        let choices = match self.beside {
            Some(_) => vec![
                choice(
                    ORIGINAL,
                    "keep the file as it is; the copy goes to the kept versions",
                ),
                choice(
                    COPY,
                    "put the copy in the file's place; the file goes to the kept versions",
                ),
                choice(BOTH, "keep both; the copy gets a plain name of its own"),
            ],
            None => vec![
                choice(COPY, "give the copy the file's name, which nothing has"),
                choice(
                    ORIGINAL,
                    "leave the file away; the copy goes to the kept versions",
                ),
            ],
        };
        Conflict {
            id: self.id.clone(),
            item: item.clone(),
            name: original.shown(),
            summary: match self.beside {
                Some(_) => format!("{} left another version beside it", self.by),
                None => format!("{} left a copy of it, and the file itself is gone", self.by),
            },
            found_ms: self.found_ms,
            versions: vec![
                version(ORIGINAL, &original, self.beside),
                version(COPY, &self.at, Some(self.copy)),
            ],
            choices,
        }
    }
}

/// The copy that a conflict is about.
pub(crate) fn named(copies: &[Copy], id: &str) -> Result<Copy, Refused> {
    copies
        .iter()
        .find(|copy| copy.id == id)
        .cloned()
        .ok_or_else(|| {
            Refused::new(
                "copies::gone",
                "there is no such copy any more",
                "`syncmgr conflicts` shows what is there now",
            )
        })
}

/// Reads a piece of what one version contains.
///
/// # Errors
/// [`Refused`] when the conflict is over, the file is gone, or cannot be read.
pub fn read(state: &Path, what: &ReadVersion) -> Result<VersionPiece, Refused> {
    let copy = named(&listed(state), &what.conflict)?;
    let (spot, seen) = match what.place.as_str() {
        ORIGINAL => (copy.at.beside(&copy.original), copy.beside),
        COPY => (copy.at.clone(), Some(copy.copy)),
        _ => {
            return Err(Refused::new(
                "copies::place",
                "there is no such version",
                "there are `original` and `copy`",
            ));
        }
    };
    let unreadable = |error: &std::io::Error| {
        Refused::new(
            "copies::unreadable",
            format!("{} cannot be read: {error}", spot.shown()),
            "look at its permissions, or at the disk",
        )
    };
    let piece = || -> std::io::Result<Option<VersionPiece>> {
        let directory = Dir::open(&spot.root)?.below(&spot.directory)?;
        let mut file = directory.open_file(&spot.name)?;
        let Some(now) = sys::stat_of(&file)?.seen() else {
            return Ok(None);
        };
        file.seek(SeekFrom::Start(what.offset.min(now.size)))?;
        let mut bytes = Vec::new();
        let most = u64::try_from(what.most()).unwrap_or(u64::MAX);
        file.take(most).read_to_end(&mut bytes)?;
        Ok(Some(VersionPiece {
            modified_ms: Some(now.modified_ms),
            changed: seen != Some(now),
            ..VersionPiece::new(&bytes, now.size)
        }))
    };
    match piece() {
        Ok(Some(piece)) => Ok(piece),
        Ok(None) => Err(unreadable(&std::io::Error::other("it is no file"))),
        Err(error) => Err(unreadable(&error)),
    }
}
