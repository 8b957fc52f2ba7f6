//! All traces of the program: found, and removed. Nothing of anybody's own is touched.

use std::path::{Path, PathBuf};
use std::time::Duration;

use syncmgr_cli::{
    Leftover, LeftoverKind, ServiceAction, ServiceFileState, ServiceWish, Uninstalled,
};
use syncmgr_control::Refusal;
use syncmgr_daemon::config::ConfigFile;
use syncmgr_daemon::launch::FOLDER;
use syncmgr_daemon::lock::{self, HomeLock, Owner, TakeLockError};
use syncmgr_daemon::place::Places;
use syncmgr_folder::{MARKER, STORE};

use crate::import::Importer;
use crate::service::{Surroundings, service};

/// How long a daemon may take to end: it asks its handlers first.
const ENDING: Duration = Duration::from_secs(90);
/// How long between two looks at one that ends.
const LOOK: Duration = Duration::from_millis(50);
/// Most files that are counted below one directory.
const MAX_COUNTED: u64 = 1_000_000;
/// How deep a directory is looked into.
const MAX_DEPTH: usize = 64;
/// The file beside kept versions that says where they were.
const JOURNAL: &str = "journal";
/// Most bytes of a completion script that are read to see whose it is.
const MAX_SCRIPT: u64 = 1 << 20;

/// Where completions are put by hand, below the home directory, as `syncmgr completions --help` and the documents say.
const COMPLETIONS: &[&str] = &[
    ".local/share/bash-completion/completions/syncmgr",
    ".config/fish/completions/syncmgr.fish",
    ".local/share/fish/vendor_completions.d/syncmgr.fish",
    ".zfunc/_syncmgr",
    ".zsh/completions/_syncmgr",
    ".local/share/zsh/site-functions/_syncmgr",
    ".config/elvish/lib/syncmgr.elv",
];

/// What must be known to remove everything.
pub(crate) struct Traces {
    pub(crate) places: Places,
    pub(crate) around: Surroundings,
    pub(crate) importer: Importer,
}

impl Traces {
    /// Finds all of it.
    pub(crate) fn find(&self) -> Result<Vec<Leftover>, Refusal> {
        let mut found = Vec::new();
        let mut add = |kind, what: String, (files, bytes): (u64, u64)| {
            found.push(Leftover {
                kind,
                what,
                files,
                bytes,
            });
        };
        for what in self.importer.turned_off()? {
            add(LeftoverKind::Original, what, (0, 0));
        }
        let status = service(wish(ServiceAction::Status), &self.around)?;
        for file in status
            .files
            .iter()
            .filter(|file| file.state != ServiceFileState::Missing)
        {
            add(
                LeftoverKind::Service,
                file.path.display().to_string(),
                (0, 0),
            );
        }
        if status.other_daemon {
            add(
                LeftoverKind::Service,
                "the daemon that runs".to_owned(),
                (0, 0),
            );
        }
        let mut kept: Vec<PathBuf> = Vec::new();
        kept_below(&self.places.state_dir, 0, &mut kept);
        for root in self.roots() {
            let marker = root.join(MARKER);
            if marker.is_file() {
                add(LeftoverKind::File, marker.display().to_string(), (0, 0));
            }
            let store = root.join(STORE);
            if store.is_dir() {
                kept.push(store);
            }
        }
        for path in kept {
            let size = size_of(&path, true);
            if size.0 > 0 {
                add(LeftoverKind::Kept, path.display().to_string(), size);
            }
        }
        for path in self.completions() {
            add(LeftoverKind::File, path.display().to_string(), (0, 0));
        }
        for path in self.directories().into_iter().filter(|path| path.exists()) {
            add(
                LeftoverKind::Data,
                path.display().to_string(),
                size_of(&path, false),
            );
        }
        Ok(found)
    }

    /// Removes all of it, or what holds no data.
    pub(crate) fn remove(&self, keep_data: bool) -> Result<Uninstalled, Refusal> {
        let mut removed = Uninstalled::default();
        // First what starts in our place again.
        let back = self.importer.bring_back(&[])?;
        for turned in back.turned {
            match turned.done {
                Ok(done) => removed.done.push(format!("{}: {done}", turned.at)),
                Err(why) => {
                    return Err(Refusal::new(
                        "uninstall::original",
                        format!(
                            "{}, which became {}, cannot be brought back: {why}",
                            turned.at, turned.item
                        ),
                        "bring it back by hand, or see: syncmgr import --undo; nothing was removed",
                    ));
                }
            }
        }
        // What is remembered stays with the data: `import --undo` then still knows which items were made.
        let status = service(wish(ServiceAction::Status), &self.around)?;
        if status
            .files
            .iter()
            .any(|file| file.state != ServiceFileState::Missing)
        {
            let report = service(wish(ServiceAction::Uninstall), &self.around)?;
            for file in report.files.iter().filter(|file| file.changed) {
                removed
                    .done
                    .push(format!("{} is removed", file.path.display()));
            }
            for command in report.to_type {
                removed.left.push((
                    PathBuf::from(&report.name),
                    format!("to be typed: {command}"),
                ));
            }
        }
        let lock = self.alone(&mut removed)?;
        let mut paths = self.completions();
        if keep_data {
            paths.push(self.places.runtime_dir.clone());
        } else {
            for root in self.roots() {
                paths.push(root.join(STORE));
                paths.extend(self.own_marker(&root, &mut removed));
            }
            paths.extend(self.directories());
        }
        // Windows removes no file that is open.
        drop(lock);
        for path in paths {
            let gone = match path.symlink_metadata() {
                Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => continue,
                Err(cause) => Err(cause),
                // What a link leads to is not ours.
                Ok(known) if known.is_dir() => std::fs::remove_dir_all(&path),
                Ok(_) => std::fs::remove_file(&path),
            };
            match gone {
                Ok(()) => removed.done.push(format!("{} is removed", path.display())),
                Err(cause) => removed.left.push((path, cause.to_string())),
            }
        }
        if let Some(home) = self.around.syncmgr_home.as_ref().filter(|_| !keep_data)
            // Only when nothing of anybody else is in it.
            && std::fs::remove_dir(home).is_ok()
        {
            removed.done.push(format!("{home} is removed"));
        }
        Ok(removed)
    }

    /// Waits until nobody manages the home, and keeps others from it.
    fn alone(&self, removed: &mut Uninstalled) -> Result<Option<HomeLock>, Refusal> {
        let file = self.places.lock_file();
        if !file.exists() {
            return Ok(None);
        }
        let me = Owner {
            pid: std::process::id(),
            start_time: None,
            kind: "command".to_owned(),
        };
        let mut asked = false;
        let mut waited = Duration::ZERO;
        loop {
            let owner = match lock::take(&file, &me) {
                Ok(lock) => {
                    if asked {
                        removed.done.push("the daemon is ended".to_owned());
                    }
                    return Ok(Some(lock));
                }
                Err(TakeLockError::Held { owner }) => owner,
                Err(TakeLockError::Io { path, cause }) => {
                    return Err(busy(&format!("{} cannot be used: {cause}", path.display())));
                }
            };
            if waited >= ENDING {
                return Err(busy("the manager that runs did not end"));
            }
            if !asked {
                let Some(owner) = owner else {
                    return Err(busy("somebody manages this home, and nobody knows who"));
                };
                if !crate::sys::ask_to_end(owner.pid) {
                    return Err(busy(&format!(
                        "process {} manages this home and cannot be asked to end",
                        owner.pid
                    )));
                }
                asked = true;
            }
            std::thread::park_timeout(LOOK);
            waited += LOOK;
        }
    }

    /// The roots of pairs.
    fn roots(&self) -> Vec<PathBuf> {
        let Ok(file) = ConfigFile::load(&self.places.config_file()) else {
            return Vec::new();
        };
        let mut roots = Vec::new();
        for item in file
            .config
            .item
            .iter()
            .filter(|item| item.handler == FOLDER)
        {
            for side in ["left", "right"] {
                let path = item
                    .definition
                    .get(side)
                    .and_then(|path| path.as_str())
                    .map(PathBuf::from);
                roots.extend(path.filter(|path| path.is_absolute() && !roots.contains(path)));
            }
        }
        roots
    }

    /// The mark at a root, when no pair of another home is marked there.
    fn own_marker(&self, root: &Path, removed: &mut Uninstalled) -> Option<PathBuf> {
        let marker = root.join(MARKER);
        let text = std::fs::read_to_string(&marker).ok()?;
        let file = ConfigFile::load(&self.places.config_file()).ok()?;
        let is_here = |side: Option<&serde_json::Value>| {
            side.and_then(|path| path.as_str())
                .is_some_and(|path| Path::new(path) == root)
        };
        let ours = file
            .config
            .item
            .iter()
            .filter(|item| {
                is_here(item.definition.get("left")) || is_here(item.definition.get("right"))
            })
            .count();
        // The first line says what it is; each other one is a pair.
        if text.lines().count().saturating_sub(1) <= ours {
            return Some(marker);
        }
        removed.left.push((
            marker,
            "pairs of another home, or that were removed, are marked there too".to_owned(),
        ));
        None
    }

    fn directories(&self) -> Vec<PathBuf> {
        let Places {
            config_dir,
            state_dir,
            runtime_dir,
        } = &self.places;
        let mut directories = vec![config_dir.clone(), state_dir.clone()];
        if !runtime_dir.starts_with(state_dir) {
            directories.push(runtime_dir.clone());
        }
        directories
    }

    fn completions(&self) -> Vec<PathBuf> {
        use std::io::Read as _;
        let is_ours = |path: &PathBuf| {
            let mut text = String::new();
            let read = std::fs::File::open(path)
                .and_then(|file| file.take(MAX_SCRIPT).read_to_string(&mut text));
            read.is_ok() && text.contains("syncmgr") && text.contains("completions")
        };
        COMPLETIONS
            .iter()
            .map(|path| self.around.home.join(path))
            .filter(is_ours)
            .collect()
    }
}

fn wish(action: ServiceAction) -> ServiceWish {
    ServiceWish {
        action,
        print: false,
        force: false,
        linger: false,
    }
}

fn busy(why: &str) -> Refusal {
    Refusal::new(
        "uninstall::busy",
        format!("{why}; its files were not removed"),
        "end it, then: syncmgr uninstall",
    )
}

/// The directories in which handlers of ours keep versions for undo.
fn kept_below(directory: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    if depth > MAX_DEPTH {
        return;
    }
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        if ["versions", "kept"]
            .iter()
            .any(|name| entry.file_name() == *name)
        {
            found.push(entry.path());
        } else {
            kept_below(&entry.path(), depth + 1, found);
        }
    }
}

/// How many files are below a directory, and how large they are; of kept versions without what only says where they were.
fn size_of(directory: &Path, versions: bool) -> (u64, u64) {
    let (mut files, mut bytes) = (0, 0);
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop().filter(|_| files < MAX_COUNTED) {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            if versions && entry.file_name() == JOURNAL {
                continue;
            }
            match entry.metadata() {
                Ok(known) if known.is_dir() => open.push(entry.path()),
                Ok(known) => {
                    files += 1;
                    bytes += known.len();
                }
                Err(_) => files += 1,
            }
        }
    }
    (files, bytes)
}
