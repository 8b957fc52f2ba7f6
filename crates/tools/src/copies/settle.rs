//! A choice about a copy carried out, and taken back.
//!
//! Every change is a move, written down before it is made: to a plain name, or into `kept/RUN` of the item's directory. To take a
//! run back is to move everything back, in a run of its own. Nothing is ever overwritten or deleted.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use syncmgr_handler::call::{Resolved, Undo, Undone};
use syncmgr_handler::contract::MAX_PAGE;

use super::sys::{self, Dir};
use super::{BOTH, COPY, Copy, ORIGINAL, Rules, Seen, Spot, listed, look_again, named, save};
use crate::refused::Refused;
use crate::template::short_hash;

/// How long what gave way is kept.
pub const KEPT_DAYS: u64 = 30;
/// What gave way, by runs.
const KEPT: &str = "kept";
/// What a run moved, a line each.
const JOURNAL: &str = "journal";
/// Most bytes of a journal.
const JOURNAL_BYTES_MAX: u64 = 16 << 20;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Where a file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Place {
    /// Where people see it.
    Seen(Spot),
    /// With the kept versions of a run, by a number.
    Kept { run: String, number: u64 },
}

/// A file that was moved, or was about to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Move {
    from: Place,
    to: Place,
    /// What was moved.
    seen: Seen,
}

/// The directory of a run among the kept versions; runs are named by the manager.
fn run_name(run: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !run.is_empty() && run.len() <= 64 && run.bytes().all(plain) {
        run.to_owned()
    } else {
        short_hash(run)
    }
}

fn kept_dir(state: &Path, run: &str) -> PathBuf {
    state.join(KEPT).join(run)
}

/// One run: what it moves is written down first.
struct Mover<'a> {
    state: &'a Path,
    run: String,
    number: u64,
}

/// Why a file was not moved.
#[derive(Debug, thiserror::Error)]
enum MoveFault {
    #[error("something else has its place")]
    Taken,
    #[error("it is not there any more")]
    Gone,
    #[error("it is no file any more")]
    NoFile,
    #[error("it was changed since")]
    Edited,
    #[error("it changed while it was moved")]
    Changed,
    #[error(transparent)]
    System(io::Error),
}

impl From<io::Error> for MoveFault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AlreadyExists => Self::Taken,
            io::ErrorKind::NotFound => Self::Gone,
            _ => Self::System(error),
        }
    }
}

impl<'a> Mover<'a> {
    fn new(state: &'a Path, run: &str) -> Self {
        let run = run_name(run);
        let moves = journal(state, &run);
        let number = moves.iter().filter_map(|one| match &one.to {
            Place::Kept { number, .. } => Some(*number),
            Place::Seen(_) => None,
        });
        Self {
            state,
            number: number.max().unwrap_or(0),
            run,
        }
    }

    /// The next place among the kept versions of this run.
    fn keep(&mut self) -> Place {
        self.number += 1;
        Place::Kept {
            run: self.run.clone(),
            number: self.number,
        }
    }

    fn open(&self, place: &Place) -> io::Result<(Dir, String)> {
        match place {
            Place::Seen(spot) => Ok((
                Dir::open(&spot.root)?.below(&spot.directory)?,
                spot.name.clone(),
            )),
            Place::Kept { run, number } => {
                let directory = kept_dir(self.state, run);
                fs::create_dir_all(&directory)?;
                Ok((Dir::open(&directory)?, number.to_string()))
            }
        }
    }

    /// Moves a file to a place that nothing has, durably. A file that stands in the way stays.
    fn go(&self, from: Place, to: Place) -> Result<(), MoveFault> {
        let (source, from_name) = self.open(&from)?;
        let stat = source.stat(&from_name)?.ok_or(MoveFault::Gone)?;
        let seen = stat.seen().ok_or(MoveFault::NoFile)?;
        let (target, to_name) = self.open(&to)?;
        if target.stat(&to_name)?.is_some() {
            return Err(MoveFault::Taken);
        }
        self.note(&Move { from, to, seen })?;
        match source.rename_new(&from_name, &target, &to_name) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                carry(&source, &from_name, &target, &to_name)?;
            }
            moved => moved?,
        }
        target.sync()?;
        source.sync()?;
        Ok(())
    }

    /// What is at a place, if it is a file.
    fn seen(&self, place: &Place) -> Option<Seen> {
        let (directory, name) = self.open(place).ok()?;
        directory.stat(&name).ok().flatten()?.seen()
    }

    /// Writes a move down before it is made.
    fn note(&self, one: &Move) -> io::Result<()> {
        let directory = kept_dir(self.state, &self.run);
        fs::create_dir_all(&directory)?;
        let mut line = serde_json::to_vec(one)?;
        line.push(b'\n');
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(directory.join(JOURNAL))?;
        file.write_all(&line)?;
        file.sync_all()
    }
}

/// Moves a file to another file system: the whole copy is there before the file goes.
fn carry(source: &Dir, from: &str, target: &Dir, to: &str) -> Result<(), MoveFault> {
    let mut file = source.open_file(from)?;
    let before = sys::stat_of(&file)?.seen().ok_or(MoveFault::NoFile)?;
    let mut made = target.create_new(to)?;
    let copied = || -> Result<(), MoveFault> {
        io::copy(&mut file, &mut made)?;
        let modified = file.metadata()?;
        made.set_permissions(modified.permissions())?;
        made.set_modified(modified.modified()?)?;
        made.sync_all()?;
        let still = source.stat(from)?.and_then(|stat| stat.seen());
        if still == Some(before) {
            Ok(())
        } else {
            Err(MoveFault::Changed)
        }
    };
    if let Err(fault) = { copied }() {
        // The first fault is the one to tell.
        drop(target.remove_file(to));
        return Err(fault);
    }
    target.sync()?;
    source.remove_file(from)?;
    Ok(())
}

fn journal(state: &Path, run: &str) -> Vec<Move> {
    let path = kept_dir(state, run).join(JOURNAL);
    let short = fs::metadata(&path).is_ok_and(|there| there.len() <= JOURNAL_BYTES_MAX);
    if !short {
        return Vec::new();
    }
    let text = fs::read_to_string(path).unwrap_or_default();
    // A last line that was cut off by a crash is a move that was not made.
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

fn refused(spot: &Spot, fault: &MoveFault) -> Refused {
    Refused::new(
        "copies::not-moved",
        format!("{} stays where it is: {fault}", spot.shown()),
        "look at the permissions of its directory and at the room on the disk, then choose again",
    )
}

/// Carries out a choice about a copy, in a run of this name, which [`undo`] takes back.
///
/// # Errors
/// [`Refused`] when the copy is gone, the choice is none, or something cannot be moved; then everything is as it was.
pub fn resolve(
    state: &Path,
    rules: &Rules,
    id: &str,
    choice: &str,
    run: &str,
    now_ms: i64,
) -> Result<Resolved, Refused> {
    let mut copies = listed(state);
    let told = named(&copies, id)?;
    let now = look_again(&told);
    let replace = |copies: &mut Vec<Copy>, now: Option<Copy>| {
        copies.retain(|copy| copy.id != id);
        copies.extend(now);
        copies.sort_by(|one, other| one.at.cmp(&other.at));
        save(state, copies)
    };
    // What was decided about is no longer what is there.
    if now.as_ref() != Some(&told) {
        replace(&mut copies, now)?;
        return Ok(Resolved::Refresh);
    }
    let original = told.at.beside(&told.original);
    let mut mover = Mover::new(state, run);
    let seen = |spot: &Spot| Place::Seen(spot.clone());
    let mut kept = None;
    match (choice, told.beside) {
        (ORIGINAL, _) => {
            let place = mover.keep();
            kept = Some(place.clone());
            mover
                .go(seen(&told.at), place)
                .map_err(|fault| refused(&told.at, &fault))?;
        }
        (COPY, beside) => {
            let place = mover.keep();
            if beside.is_some() {
                mover
                    .go(seen(&original), place.clone())
                    .map_err(|fault| refused(&original, &fault))?;
                kept = Some(place.clone());
            }
            if let Err(fault) = mover.go(seen(&told.at), seen(&original)) {
                // The file must not be missing meanwhile; when even this fails, `undo` of the run brings it back.
                if kept.is_some() {
                    drop(mover.go(place, seen(&original)));
                }
                return Err(refused(&told.at, &fault));
            }
        }
        (BOTH, Some(_)) => {
            let free = Dir::open(&told.at.root)
                .and_then(|root| root.below(&told.at.directory))
                .map(|directory| {
                    rules.free_name(&told.original, &mut |name| {
                        !matches!(directory.stat(name), Ok(None))
                    })
                });
            let free = free
                .map_err(|error| refused(&told.at, &error.into()))?
                .ok_or_else(|| refused(&told.at, &MoveFault::Taken))?;
            mover
                .go(seen(&told.at), Place::Seen(told.at.beside(&free)))
                .map_err(|fault| refused(&told.at, &fault))?;
        }
        _ => {
            return Err(Refused::new(
                "copies::choice",
                format!("`{choice}` is no choice here"),
                "`syncmgr conflicts` shows them",
            ));
        }
    }
    replace(&mut copies, None)?;
    let days = i64::try_from(KEPT_DAYS).unwrap_or(i64::MAX);
    Ok(Resolved::Continue {
        until_ms: kept
            .is_some()
            .then(|| now_ms.saturating_add(days.saturating_mul(DAY_MS))),
        kept: kept.and_then(|place| match place {
            Place::Kept { run, number } => {
                let path = kept_dir(state, &run).join(number.to_string());
                Some(path.to_string_lossy().into_owned())
            }
            Place::Seen(_) => None,
        }),
        counts: None,
    })
}

/// Takes back what a run decided: everything is moved back to where it was, as a run of its own, which can be taken back too.
/// What cannot be moved back stays, and is told.
///
/// # Errors
/// [`Refused`] when nothing is known of that run any more.
pub fn undo(state: &Path, what: &Undo) -> Result<Undone, Refused> {
    let run = run_name(&what.run);
    let moves = journal(state, &run);
    if moves.is_empty() {
        return Err(Refused::new(
            "copies::run-unknown",
            "nothing that it decided is kept",
            format!("decisions can be taken back for {KEPT_DAYS} days"),
        ));
    }
    let mover = Mover::new(state, &what.as_run);
    let mut undone = Undone {
        restored: 0,
        removed: 0,
        kept: Vec::new(),
        counts: None,
    };
    for Move { from, to, seen } in moves.into_iter().rev() {
        // A move that was written down and then not made, or was taken back already.
        if mover.seen(&from) == Some(seen) {
            continue;
        }
        let moved = match mover.seen(&to) {
            None => Err(MoveFault::Gone),
            Some(now) if now != seen => Err(MoveFault::Edited),
            Some(_) => mover.go(to.clone(), from.clone()),
        };
        match moved {
            Ok(()) => undone.restored += 1,
            Err(fault) if undone.kept.len() < MAX_PAGE => {
                undone.kept.push(sentence(state, &to, &from, &fault));
            }
            Err(_) => {}
        }
    }
    Ok(undone)
}

fn sentence(state: &Path, at: &Place, wanted: &Place, fault: &MoveFault) -> String {
    let path = |place: &Place| match place {
        Place::Seen(spot) => spot.path(),
        Place::Kept { run, number } => kept_dir(state, run).join(number.to_string()),
    };
    let text = |place: &Place| super::shown(&path(place).to_string_lossy());
    format!(
        "{} was not moved back to {}: {fault}",
        text(at),
        text(wanted)
    )
}

/// Deletes what was kept for longer than [`KEPT_DAYS`].
pub(crate) fn forget_old(state: &Path, now_ms: i64) {
    let Ok(runs) = fs::read_dir(state.join(KEPT)) else {
        return;
    };
    let now = u64::try_from(now_ms).unwrap_or(0);
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(now);
    let most = Duration::from_secs(KEPT_DAYS * 24 * 60 * 60);
    for run in runs.flatten() {
        let modified = run
            .path()
            .join(JOURNAL)
            .metadata()
            .and_then(|there| there.modified());
        // A clock that went back makes nothing old.
        let old = modified
            .ok()
            .and_then(|at| now.duration_since(at).ok())
            .is_some_and(|age| age > most);
        if old {
            // It is looked at again next time; a link in its place is removed, not followed.
            drop(fs::remove_dir_all(run.path()));
        }
    }
}
