//! Whether what runs for a handler is still what was registered.
//!
//! A registration remembers a hash of the library, or of the program and of
//! the script that it runs. It is looked at
//! each time that an instance starts, beside the loop and without holding it up: size and time of the files first, their
//! content only when these are others than the last time. A change is told once.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::config::HandlerConfig;

/// Most bytes of the file of sightings that are read.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// How identities begin, for the day when there is another way to hash.
const PREFIX: &str = "blake3:";

/// What was last seen of every registered handler; kept in a file, which may be lost without harm.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sightings {
    #[serde(skip)]
    path: PathBuf,
    #[serde(default)]
    handlers: BTreeMap<String, Sighting>,
}

/// What was last seen of one handler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sighting {
    /// The hash.
    pub(crate) identity: String,
    /// Size and time of the files that it was taken of.
    stamps: Vec<Stamp>,
    /// When it was first seen that this is not what was registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) changed_ms: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    bytes: u64,
    /// Nanoseconds since 1970, as far as the file system tells.
    modified: Option<u64>,
}

/// What a look at a handler's files found out.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Nothing new.
    Known,
    /// It is what was registered, or was told already; only how to tell quickly changed.
    Quiet(Sighting),
    /// It is not what was registered, which nobody was told yet.
    Changed(Sighting),
}

/// The files that are what runs: the library, or the program and its script.
pub(crate) fn files(entry: &HandlerConfig) -> Vec<PathBuf> {
    match (&entry.class, &entry.library) {
        (Some(_), library) => library.iter().map(PathBuf::from).collect(),
        (None, _) => {
            let program = entry.command.first().map(PathBuf::from);
            program.into_iter().chain(script(&entry.command)).collect()
        }
    }
}

/// The script that a program runs: its first argument that is no option, when that is a file. Other files among the
/// arguments are data, which may change.
pub(crate) fn script(command: &[String]) -> Option<PathBuf> {
    let word = command.iter().skip(1).find(|word| !word.starts_with('-'))?;
    let path = PathBuf::from(word);
    (path.is_absolute() && path.is_file()).then_some(path)
}

/// Looks at the files of an entry, at their content only when size or time are not as in `before`. Blocks. `None` when
/// there is nothing to look at.
///
/// # Errors
/// A file that cannot be read.
pub(crate) fn sight(
    entry: &HandlerConfig,
    before: Option<&Sighting>,
) -> std::io::Result<Option<Sighting>> {
    let files = files(entry);
    if files.is_empty() {
        return Ok(None);
    }
    let stamps = files
        .iter()
        .map(|path| stamp(path))
        .collect::<std::io::Result<Vec<_>>>()?;
    if let Some(before) = before
        && before.stamps == stamps
    {
        return Ok(Some(before.clone()));
    }
    Ok(Some(Sighting {
        identity: hash(&files)?,
        stamps,
        changed_ms: None,
    }))
}

/// Compares what is there with what was registered and with what was seen before.
pub(crate) fn compare(
    registered: &str,
    before: Option<&Sighting>,
    mut now: Sighting,
    now_ms: i64,
) -> Verdict {
    if now.identity == registered {
        now.changed_ms = None;
    } else {
        let told = before.filter(|before| before.identity == now.identity);
        match told.and_then(|before| before.changed_ms) {
            Some(since) => now.changed_ms = Some(since),
            None => {
                now.changed_ms = before.and_then(|before| before.changed_ms).or(Some(now_ms));
                return Verdict::Changed(now);
            }
        }
    }
    if before == Some(&now) {
        Verdict::Known
    } else {
        Verdict::Quiet(now)
    }
}

fn stamp(path: &Path) -> std::io::Result<Stamp> {
    let meta = std::fs::metadata(path)?;
    let modified = meta.modified().ok().and_then(|at| {
        let since = at.duration_since(UNIX_EPOCH).ok()?;
        u64::try_from(since.as_nanos()).ok()
    });
    Ok(Stamp {
        bytes: meta.len(),
        modified,
    })
}

fn hash(files: &[PathBuf]) -> std::io::Result<String> {
    let of_file = |path: &PathBuf| -> std::io::Result<blake3::Hash> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(File::open(path)?)?;
        Ok(hasher.finalize())
    };
    let hash = match files {
        [one] => of_file(one)?,
        several => {
            let mut all = blake3::Hasher::new();
            for file in several {
                all.update(of_file(file)?.as_bytes());
            }
            all.finalize()
        }
    };
    Ok(format!("{PREFIX}{}", hash.to_hex()))
}

impl Sightings {
    /// Reads what was seen; a file that is lost or spoiled says nothing.
    pub(crate) fn load(path: &Path) -> Self {
        use std::io::Read as _;
        let mut text = String::new();
        let read =
            File::open(path).and_then(|file| file.take(MAX_FILE_BYTES).read_to_string(&mut text));
        let mut this: Self = match read {
            Ok(_) => serde_json::from_str(&text).unwrap_or_default(),
            Err(_) => Self::default(),
        };
        this.path = path.to_owned();
        this
    }

    /// What was last seen of a handler.
    pub(crate) fn of(&self, id: &str) -> Option<&Sighting> {
        self.handlers.get(&key(id))
    }

    /// Remembers what was seen of a handler, or forgets it.
    pub(crate) fn put(&mut self, id: &str, sighting: Option<Sighting>) {
        match sighting {
            Some(sighting) => self.handlers.insert(key(id), sighting),
            None => self.handlers.remove(&key(id)),
        };
        let written = serde_json::to_vec_pretty(self)
            .map_err(std::io::Error::other)
            .and_then(|bytes| crate::config::write_whole(&self.path, &bytes));
        if let Err(error) = written {
            tracing::warn!(%error, "what was seen of handlers could not be stored: a change may be told again");
        }
    }
}

/// Identities are compared without case.
fn key(id: &str) -> String {
    id.to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_once() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("program");
        let script = dir.path().join("script");
        std::fs::write(&program, "one").unwrap();
        std::fs::write(&script, "two").unwrap();
        let entry = HandlerConfig {
            command: vec![
                program.display().to_string(),
                "--quiet".into(),
                script.display().to_string(),
            ],
            ..HandlerConfig::default()
        };
        let first = sight(&entry, None).unwrap().unwrap();
        let registered = first.identity.clone();
        assert!(registered.starts_with(PREFIX));
        let seen = |before: &Sighting| sight(&entry, Some(before)).unwrap().unwrap();
        assert!(matches!(
            compare(&registered, Some(&first), seen(&first), 1),
            Verdict::Known
        ));
        std::fs::write(&script, "three").unwrap();
        let Verdict::Changed(changed) = compare(&registered, Some(&first), seen(&first), 2) else {
            panic!("it changed");
        };
        assert_eq!(changed.changed_ms, Some(2));
        assert!(matches!(
            compare(&registered, Some(&changed), seen(&changed), 3),
            Verdict::Known
        ));
        // Another change is told too, and it began with the first.
        std::fs::write(&program, "fourteen").unwrap();
        let Verdict::Changed(again) = compare(&registered, Some(&changed), seen(&changed), 4)
        else {
            panic!("it changed again");
        };
        assert_eq!(again.changed_ms, Some(2));
        // What is as it was registered is told no more.
        std::fs::write(&program, "one").unwrap();
        std::fs::write(&script, "two").unwrap();
        let Verdict::Quiet(back) = compare(&registered, Some(&again), seen(&again), 5) else {
            panic!("it is as it was");
        };
        assert_eq!(back.changed_ms, None);
        std::fs::remove_file(&script).unwrap();
        std::fs::remove_file(&program).unwrap();
        assert!(sight(&entry, Some(&back)).is_err());
    }

    #[test]
    fn what_was_seen_is_remembered_and_may_be_lost() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("identities.json");
        let sighting = Sighting {
            identity: "blake3:00".into(),
            stamps: Vec::new(),
            changed_ms: Some(7),
        };
        let mut sightings = Sightings::load(&path);
        sightings.put("Mail", Some(sighting.clone()));
        assert_eq!(Sightings::load(&path).of("mail"), Some(&sighting));
        Sightings::load(&path).put("MAIL", None);
        assert_eq!(Sightings::load(&path).of("mail"), None);
        std::fs::write(&path, "{spoiled").unwrap();
        assert_eq!(Sightings::load(&path).of("mail"), None);
    }
}
