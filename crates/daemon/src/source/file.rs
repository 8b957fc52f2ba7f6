//! Changes of files below paths, by what the system notices; where it can notice no more, by looking now and then.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use notify::event::{EventKind, ModifyKind, RenameMode};
use notify::{Config, Event, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::debounce::{Change, Debounce};
use super::{Happening, Reporter, Source, Subject, Wanted};

/// A change is told when it has been quiet for so long.
const QUIET: Duration = Duration::from_secs(2);
/// A change is told at the latest after so long.
const LONGEST: Duration = Duration::from_secs(60);
/// How often a tree is looked through where the system notices no more, and how often a path that is not there is looked
/// for.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Most paths that are named when they cannot be watched.
const MAX_NAMED: usize = 3;

/// The source.
#[derive(Debug)]
pub(super) struct Files;

impl Source for Files {
    fn name(&self) -> &'static str {
        "files"
    }

    fn subjects(&self) -> &'static [Subject] {
        &[Subject::Files]
    }

    fn run(
        self: Box<Self>,
        report: Reporter,
        wanted: watch::Receiver<Wanted>,
    ) -> BoxFuture<'static, ()> {
        Box::pin(run(report, wanted))
    }
}

/// What watches a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Eye {
    /// The system tells.
    Noticed,
    /// It is looked at now and then.
    Looked { because: String },
    /// It is not there.
    Missing { because: String },
}

/// What changed below each path, until it is told. Written by the threads of `notify`, and bounded.
type Changes = Arc<Mutex<BTreeMap<PathBuf, Debounce>>>;

/// Everything that is watched. One watcher serves all trees, as each costs a thread.
struct Watching {
    began: Instant,
    changes: Changes,
    /// Wakes the source: something waits that did not before.
    bell: Arc<Notify>,
    /// The outermost paths, which the others lie below.
    roots: BTreeMap<PathBuf, Eye>,
    noticing: Option<RecommendedWatcher>,
    looking: Option<PollWatcher>,
}

async fn run(report: Reporter, mut wanted: watch::Receiver<Wanted>) {
    let mut watching = Watching {
        began: Instant::now(),
        changes: Changes::default(),
        bell: Arc::default(),
        roots: BTreeMap::new(),
        noticing: None,
        looking: None,
    };
    let (began, bell) = (watching.began, Arc::clone(&watching.bell));
    let changes = Arc::clone(&watching.changes);
    let mut doubtful = Doubtful::default();
    loop {
        let (paths, unseen) = {
            let wanted = wanted.borrow_and_update();
            (wanted.paths.clone(), wanted.unseen.clone())
        };
        // It walks through trees, so it has a thread of its own.
        let doubts = std::mem::take(&mut doubtful);
        let attended = tokio::task::spawn_blocking(move || {
            watching.attend(&paths, &unseen, &doubts);
            watching
        });
        watching = match attended.await {
            Ok(watching) => watching,
            Err(error) => {
                report.unavailable(Subject::Files, &error.to_string()).await;
                return std::future::pending().await;
            }
        };
        report.watching(Subject::Files, &watching.says()).await;
        let look = watching.misses();
        let look_again = tokio::time::sleep(LOOK_EVERY);
        tokio::pin!(look_again);
        while doubtful.is_none() {
            let due = locked(&changes).values().filter_map(Debounce::due).min();
            let deadline = async {
                match due {
                    Some(due) => tokio::time::sleep_until(began + due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = wanted.changed() => match changed {
                    Ok(()) => break,
                    Err(_) => return,
                },
                () = bell.notified() => {}
                () = deadline => doubtful = tell(&report, &changes, began.elapsed()).await,
                () = &mut look_again, if look => break,
            }
        }
    }
}

/// What may not be watched any more.
#[derive(Debug, Default)]
struct Doubtful {
    /// Paths that changed themselves: what the system watches may be another thing than what is there now.
    paths: BTreeSet<PathBuf>,
    /// Too much changed to know.
    anything: bool,
}

impl Doubtful {
    fn is_none(&self) -> bool {
        !self.anything && self.paths.is_empty()
    }
}

/// Tells what is due.
async fn tell(report: &Reporter, changes: &Changes, now: Duration) -> Doubtful {
    let mut notices = Vec::new();
    for (below, changes) in &mut *locked(changes) {
        notices.extend(
            changes
                .notice(now)
                .map(|notice| (below.clone(), notice.paths)),
        );
    }
    let mut doubtful = Doubtful::default();
    for (below, paths) in notices {
        doubtful.anything |= paths.is_empty();
        if paths.contains(&below) {
            doubtful.paths.insert(below.clone());
        }
        report
            .happened(Happening::PathChanged { below, paths })
            .await;
    }
    doubtful
}

/// The paths that no other path lies above.
fn outermost(paths: &BTreeSet<PathBuf>) -> Vec<&PathBuf> {
    let mut outermost: Vec<&PathBuf> = Vec::new();
    for path in paths {
        // Paths are ordered by their parts: whatever lies below one follows it.
        if !outermost
            .last()
            .is_some_and(|above| path.starts_with(above))
        {
            outermost.push(path);
        }
    }
    outermost
}

impl Watching {
    /// Begins to watch what is wanted and not watched yet, and ends the rest. Blocks.
    fn attend(
        &mut self,
        paths: &BTreeSet<PathBuf>,
        unseen: &BTreeSet<PathBuf>,
        doubtful: &Doubtful,
    ) {
        let roots = outermost(paths);
        let ended: Vec<PathBuf> = self
            .roots
            .iter()
            .filter(|(root, eye)| {
                let is_there = || std::fs::symlink_metadata(root).is_ok();
                !roots.contains(root)
                    || (doubtful.paths.contains(*root) && **eye == Eye::Noticed)
                    || (!doubtful.is_none() && !is_there())
            })
            .map(|(root, _)| root.clone())
            .collect();
        for root in &ended {
            self.close(root);
        }
        // Watched before, or wanted with what happened before.
        let mut old: BTreeSet<&PathBuf> = unseen.iter().collect();
        {
            let mut changes = locked(&self.changes);
            changes.retain(|path, _| paths.contains(path));
            for path in paths {
                match changes.entry(path.clone()) {
                    Entry::Occupied(_) => drop(old.insert(path)),
                    Entry::Vacant(new) => drop(new.insert(Debounce::new(QUIET, LONGEST))),
                }
            }
        }
        for root in roots {
            if matches!(
                self.roots.get(root),
                Some(Eye::Noticed | Eye::Looked { .. })
            ) {
                continue;
            }
            let eye = self.open(root);
            if !matches!(eye, Eye::Missing { .. }) {
                // Nobody knows what happened there while it was not watched.
                let now = self.began.elapsed();
                for (path, changes) in &mut *locked(&self.changes) {
                    if path.starts_with(root) && old.contains(path) {
                        changes.take_anything(now);
                    }
                }
            }
            self.roots.insert(root.clone(), eye);
        }
    }

    fn close(&mut self, root: &Path) {
        let closed = match self.roots.remove(root) {
            Some(Eye::Noticed) => self.noticing.as_mut().map(|watcher| watcher.unwatch(root)),
            Some(Eye::Looked { .. }) => self.looking.as_mut().map(|watcher| watcher.unwatch(root)),
            Some(Eye::Missing { .. }) | None => None,
        };
        if let Some(Err(error)) = closed {
            tracing::debug!(%error, "it was not watched any more");
        }
    }

    /// Begins to watch one tree: by notices of the system, else by looking.
    fn open(&mut self, root: &Path) -> Eye {
        if let Err(error) = std::fs::symlink_metadata(root) {
            let because = match error.kind() {
                std::io::ErrorKind::NotFound => "it is not there".to_owned(),
                _ => error.to_string(),
            };
            return Eye::Missing { because };
        }
        let because = match self.notice(root) {
            Ok(()) => return Eye::Noticed,
            Err(error) => reason(&error),
        };
        tracing::warn!(path = %root.display(), because, "changes are looked for now and then");
        match self.look(root) {
            Ok(()) => Eye::Looked { because },
            Err(error) => Eye::Missing {
                because: reason(&error),
            },
        }
    }

    fn notice(&mut self, root: &Path) -> notify::Result<()> {
        let watcher = match &mut self.noticing {
            Some(watcher) => watcher,
            None => self.noticing.insert(notify::recommended_watcher(hear(
                &self.changes,
                &self.bell,
                self.began,
            ))?),
        };
        let watched = watcher.watch(root, RecursiveMode::Recursive);
        if watched.is_err()
            && let Err(error) = watcher.unwatch(root)
        {
            tracing::debug!(%error, "none of it was watched");
        }
        watched
    }

    fn look(&mut self, root: &Path) -> notify::Result<()> {
        let config = Config::default().with_poll_interval(LOOK_EVERY);
        let watcher = match &mut self.looking {
            Some(watcher) => watcher,
            None => self.looking.insert(PollWatcher::new(
                hear(&self.changes, &self.bell, self.began),
                config,
            )?),
        };
        watcher.watch(root, RecursiveMode::Recursive)
    }

    fn misses(&self) -> bool {
        self.roots
            .values()
            .any(|eye| matches!(eye, Eye::Missing { .. }))
    }

    /// How it watches, for people.
    fn says(&self) -> String {
        let every = LOOK_EVERY.as_secs();
        let mut problems: Vec<String> = self
            .roots
            .iter()
            .filter_map(|(path, eye)| {
                let path = path.display();
                match eye {
                    Eye::Noticed => None,
                    Eye::Looked { because } => {
                        Some(format!("{path} is looked at every {every} s: {because}"))
                    }
                    Eye::Missing { because } => {
                        Some(format!("{path} is looked for every {every} s: {because}"))
                    }
                }
            })
            .collect();
        let more = problems.len().saturating_sub(MAX_NAMED);
        problems.truncate(MAX_NAMED);
        if more > 0 {
            problems.push(format!("and {more} more"));
        }
        problems.insert(0, "what the system notices".to_owned());
        problems.join("; ")
    }
}

/// What hears a watcher.
fn hear(
    changes: &Changes,
    bell: &Arc<Notify>,
    began: Instant,
) -> impl FnMut(notify::Result<Event>) + Send + 'static {
    let (changes, bell) = (Arc::clone(changes), Arc::clone(bell));
    move |event| {
        let mut changes = locked(&changes);
        // Later moments are found out when the earlier one comes.
        if take(&mut changes, event, began.elapsed()) {
            bell.notify_one();
        }
    }
}

/// Takes an event in; answers whether something waits for which nothing waited before.
fn take(
    trees: &mut BTreeMap<PathBuf, Debounce>,
    event: notify::Result<Event>,
    now: Duration,
) -> bool {
    // An error means that notices were lost, and so does the system's own word for it.
    let (paths, change) = match event {
        Ok(event) if !event.need_rescan() => match change(event.kind) {
            Some(change) => (event.paths, Some(change)),
            None => return false,
        },
        Ok(event) => (event.paths, None),
        Err(error) => (error.paths, None),
    };
    let mut news = false;
    let mut tell = |tree: &mut Debounce, path: Option<&Path>| {
        let before = tree.due();
        match (path, change) {
            (Some(path), Some(change)) => tree.take(path.to_path_buf(), change, now),
            _ => tree.take_anything(now),
        }
        news |= before.is_none() && tree.due().is_some();
    };
    if paths.is_empty() {
        for tree in trees.values_mut() {
            tell(tree, None);
        }
    }
    for path in &paths {
        for above in path.ancestors() {
            if let Some(tree) = trees.get_mut(above) {
                tell(tree, Some(path));
            }
        }
    }
    news
}

/// What an event says; nothing when it says nothing of a change.
fn change(kind: EventKind) -> Option<Change> {
    match kind {
        EventKind::Access(_) => None,
        EventKind::Create(_) | EventKind::Modify(ModifyKind::Name(RenameMode::To)) => {
            Some(Change::Created)
        }
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From)) => {
            Some(Change::Removed)
        }
        // Both names at once: the two single notices of it came before.
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => None,
        EventKind::Any | EventKind::Modify(_) | EventKind::Other => Some(Change::Modified),
    }
}

fn reason(error: &notify::Error) -> String {
    use std::io::ErrorKind;
    match &error.kind {
        notify::ErrorKind::MaxFilesWatch => limit(),
        notify::ErrorKind::Io(cause)
            if matches!(
                cause.kind(),
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded
            ) =>
        {
            limit()
        }
        _ => error.to_string(),
    }
}

fn limit() -> String {
    "the system's limit of watches is reached (fs.inotify.max_user_watches)".to_owned()
}

fn locked(changes: &Changes) -> MutexGuard<'_, BTreeMap<PathBuf, Debounce>> {
    changes.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, Flag};

    use super::*;

    fn paths(paths: &[&str]) -> BTreeSet<PathBuf> {
        paths.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn the_outermost_paths_are_watched() {
        let check = |given: &[&str], expected: &[&str]| {
            let given = paths(given);
            assert_eq!(
                outermost(&given),
                expected.iter().map(Path::new).collect::<Vec<_>>()
            );
        };
        check(&[], &[]);
        check(
            &["/a", "/a/b", "/a-b", "/a/b/c", "/ab", "/b/c"],
            &["/a", "/a-b", "/ab", "/b/c"],
        );
        check(&["/", "/a"], &["/"]);
    }

    #[test]
    fn events_go_to_every_tree_above_them() {
        let mut trees: BTreeMap<PathBuf, Debounce> = ["/a", "/a/b", "/c"]
            .map(|path| (path.into(), Debounce::new(QUIET, LONGEST)))
            .into();
        let kind = EventKind::Create(CreateKind::File);
        let event = || Event::new(kind).add_path("/a/b/x".into());
        assert!(take(&mut trees, Ok(event()), Duration::ZERO));
        assert!(!take(&mut trees, Ok(event()), Duration::ZERO));
        let due: Vec<bool> = trees.values().map(|tree| tree.due().is_some()).collect();
        assert_eq!(due, [true, true, false]);
        // What was lost may have been anywhere.
        let lost = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert!(take(&mut trees, Ok(lost), Duration::ZERO));
        for tree in trees.values_mut() {
            assert_eq!(
                tree.notice(LONGEST).unwrap().paths,
                [""; 0].map(PathBuf::from)
            );
        }
        let error = notify::Error::generic("lost");
        assert!(take(&mut trees, Err(error), LONGEST));
        assert!(trees.values().all(|tree| tree.due().is_some()));
    }
}
