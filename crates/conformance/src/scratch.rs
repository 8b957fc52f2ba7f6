//! The scratch home: what the handler may write to, seeded folders, and a memory of how they looked.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

/// Stands for the scratch directory in the arguments of `item/define`.
const PLACE: &str = "{scratch}";
/// Most entries of which a picture is taken; enough for any folder that somebody would use for a check.
const MAX_ENTRIES: usize = 100_000;
/// How long the removal of the scratch directory may take, and between two attempts at it.
const CLEAR_LIMIT: Duration = Duration::from_secs(5);
const CLEAR_PAUSE: Duration = Duration::from_millis(20);
/// Variables that name places of the user, and where they lead to in the scratch home.
const PLACES: [(&str, &str); 9] = [
    ("HOME", "home"),
    ("XDG_CONFIG_HOME", "home/.config"),
    ("XDG_DATA_HOME", "home/.local/share"),
    ("XDG_STATE_HOME", "home/.local/state"),
    ("XDG_CACHE_HOME", "home/.cache"),
    ("USERPROFILE", "home"),
    ("APPDATA", "home/AppData/Roaming"),
    ("LOCALAPPDATA", "home/AppData/Local"),
    ("SYNCMGR_HOME", "syncmgr"),
];

/// A directory that belongs to one check.
#[derive(Debug)]
pub(crate) struct Scratch {
    directory: Option<tempfile::TempDir>,
    root: PathBuf,
    /// Folders that the definitions name and the kit made.
    seeded: Vec<PathBuf>,
    /// Everything that the definitions name.
    named: Vec<PathBuf>,
    changes: u32,
}

impl Scratch {
    pub(crate) fn new(keep: bool) -> io::Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("syncmgr-check-")
            .tempdir()?;
        let root = directory.path().to_owned();
        // A kept directory is no longer the value's to remove.
        let directory = if keep {
            drop(directory.keep());
            None
        } else {
            Some(directory)
        };
        std::fs::create_dir(root.join("state"))?;
        for (_, place) in PLACES {
            std::fs::create_dir_all(root.join(place))?;
        }
        Ok(Self {
            directory,
            root,
            seeded: Vec::new(),
            named: Vec::new(),
            changes: 0,
        })
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.root.join("state")
    }

    /// The environment in which the handler finds the scratch home where it would look for the user's.
    pub(crate) fn environment(&self) -> Vec<(OsString, OsString)> {
        PLACES
            .iter()
            .map(|(name, place)| (OsString::from(name), self.root.join(place).into_os_string()))
            .collect()
    }

    /// Puts the scratch directory in place of its name, makes the folders so named, and fills them.
    pub(crate) fn fill(
        &mut self,
        arguments: &Map<String, Value>,
    ) -> io::Result<Map<String, Value>> {
        let mut filled = arguments.clone();
        for value in filled.values_mut() {
            let Value::String(text) = value else { continue };
            let ours = text.contains(PLACE);
            if ours {
                *text = text.replace(PLACE, &self.root.to_string_lossy());
            }
            let path = PathBuf::from(text.as_str());
            if ours {
                std::fs::create_dir_all(path.join("below"))?;
                std::fs::write(path.join("first.txt"), "made by the check\n")?;
                std::fs::write(path.join("below/second.txt"), text.as_bytes())?;
                self.seeded.push(path.clone());
            }
            if path.is_absolute() {
                self.named.push(path);
            }
        }
        Ok(filled)
    }

    /// Gives the handler something new to do in the seeded folders.
    pub(crate) fn change(&mut self) -> io::Result<()> {
        self.changes += 1;
        for (number, folder) in self.seeded.iter().enumerate() {
            let name = format!("change-{}-{number}.txt", self.changes);
            std::fs::write(folder.join(name), format!("change {}\n", self.changes))?;
        }
        Ok(())
    }

    /// How everything looks that a plan must leave alone.
    pub(crate) fn picture(&self) -> Picture {
        let mut picture = Picture::default();
        picture.take(&self.state());
        for path in &self.named {
            picture.take(path);
        }
        picture
    }

    /// Removes the directory, unless it is kept; answers it when that could not be done in time. What was killed may
    /// still be writing at first.
    pub(crate) async fn clear(mut self) -> Option<PathBuf> {
        let directory = self.directory.take()?.keep();
        let cleared = async {
            loop {
                let path = directory.clone();
                let gone = move || match std::fs::remove_dir_all(path) {
                    Ok(()) => true,
                    Err(error) => error.kind() == io::ErrorKind::NotFound,
                };
                let removed = tokio::task::spawn_blocking(gone);
                if removed.await.unwrap_or(false) {
                    return;
                }
                tokio::time::sleep(CLEAR_PAUSE).await;
            }
        };
        let late = tokio::time::timeout(CLEAR_LIMIT, cleared).await.is_err();
        late.then_some(directory)
    }

    /// Gives up the directory, when it is kept.
    pub(crate) fn kept(&self) -> Option<PathBuf> {
        self.directory.is_none().then(|| self.root.clone())
    }
}

/// What a path was.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Look {
    kind: &'static str,
    length: u64,
    modified: Option<SystemTime>,
    content: u64,
}

/// How trees looked at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Picture {
    paths: BTreeMap<PathBuf, Look>,
}

impl Picture {
    fn take(&mut self, path: &Path) {
        if self.paths.len() >= MAX_ENTRIES {
            return;
        }
        let Ok(about) = std::fs::symlink_metadata(path) else {
            return;
        };
        let mut hasher = DefaultHasher::new();
        let kind = if about.is_dir() {
            "directory"
        } else if about.is_file() {
            if let Ok(bytes) = std::fs::read(path) {
                bytes.hash(&mut hasher);
            }
            "file"
        } else {
            if let Ok(target) = std::fs::read_link(path) {
                target.hash(&mut hasher);
            }
            "link"
        };
        let look = Look {
            kind,
            // The length of a directory is the file system's own business.
            length: if about.is_dir() { 0 } else { about.len() },
            modified: about.modified().ok(),
            content: hasher.finish(),
        };
        self.paths.insert(path.to_owned(), look);
        if about.is_dir()
            && let Ok(entries) = std::fs::read_dir(path)
        {
            for entry in entries.flatten() {
                self.take(&entry.path());
            }
        }
    }

    /// The first difference to a later picture, in words.
    pub(crate) fn difference(&self, later: &Self) -> Option<String> {
        for (path, look) in &self.paths {
            match later.paths.get(path) {
                None => return Some(format!("{} is gone", path.display())),
                Some(now) if now != look => return Some(format!("{} changed", path.display())),
                Some(_) => {}
            }
        }
        later
            .paths
            .keys()
            .find(|path| !self.paths.contains_key(*path))
            .map(|path| format!("{} is new", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_see_new_changed_and_gone() {
        let mut scratch = Scratch::new(false).unwrap();
        let Value::Object(arguments) = serde_json::json!({"path": "{scratch}/tree", "n": 1}) else {
            unreachable!()
        };
        let filled = scratch.fill(&arguments).unwrap();
        let tree = PathBuf::from(filled["path"].as_str().unwrap());
        let before = scratch.picture();
        assert_eq!(before.difference(&scratch.picture()), None);
        scratch.change().unwrap();
        let after = scratch.picture();
        // The folder itself has another time as well.
        assert!(before.difference(&after).is_some());
        assert!(after.difference(&before).is_some());
        std::fs::write(tree.join("first.txt"), "other").unwrap();
        assert!(
            after
                .difference(&scratch.picture())
                .unwrap()
                .contains("first.txt")
        );
        let root = scratch.root.clone();
        drop(scratch);
        assert!(!root.exists());
    }

    #[test]
    fn a_kept_scratch_stays() {
        let scratch = Scratch::new(true).unwrap();
        let kept = scratch.kept().unwrap();
        drop(scratch);
        assert!(kept.exists());
        std::fs::remove_dir_all(kept).unwrap();
    }
}
