//! Changes of files below paths, by what the system notices; where it can notice no more, by looking now and then.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
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

/// What watches one path.
enum Eye {
    /// The system tells.
    Noticed { _watcher: RecommendedWatcher },
    /// It is looked at now and then.
    Looked {
        _watcher: PollWatcher,
        because: String,
    },
    /// It is not there.
    Missing { because: String },
}

/// One watched path. What changed waits here, bounded, and is written by the threads of `notify`.
struct Tree {
    eye: Eye,
    changes: Arc<Mutex<Debounce>>,
}

/// Wakes the source: something waits that did not before.
type Bell = Arc<Notify>;

async fn run(report: Reporter, mut wanted: watch::Receiver<Wanted>) {
    let began = Instant::now();
    let bell = Bell::default();
    let mut trees: BTreeMap<PathBuf, Tree> = BTreeMap::new();
    loop {
        let paths = wanted.borrow_and_update().paths.clone();
        trees = attend(trees, paths, began, &bell).await;
        say(&report, &trees).await;
        let look = trees
            .values()
            .any(|tree| matches!(tree.eye, Eye::Missing { .. }));
        let look_again = tokio::time::sleep(LOOK_EVERY);
        tokio::pin!(look_again);
        loop {
            let due = trees
                .values()
                .filter_map(|tree| locked(&tree.changes).due())
                .min();
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
                () = deadline => {
                    if tell(&report, &mut trees, began).await {
                        break;
                    }
                }
                () = &mut look_again, if look => break,
            }
        }
    }
}

/// Tells what is due. Answers whether a path that is watched is gone.
async fn tell(report: &Reporter, trees: &mut BTreeMap<PathBuf, Tree>, began: Instant) -> bool {
    let mut gone = false;
    for (below, tree) in trees {
        let notice = locked(&tree.changes).notice(began.elapsed());
        if let Some(notice) = notice {
            let unwatched = notice.paths.contains(below) || notice.paths.is_empty();
            // The system watches what was there, not what is there now under the same name.
            if unwatched && !below.exists() {
                let because = "it is not there".to_owned();
                tree.eye = Eye::Missing { because };
                gone = true;
            }
            report
                .happened(Happening::PathChanged {
                    below: below.clone(),
                    paths: notice.paths,
                })
                .await;
        }
    }
    gone
}

/// Begins to watch what is wanted and not yet watched, and ends the rest. Walks through trees, on a thread of its own.
async fn attend(
    mut trees: BTreeMap<PathBuf, Tree>,
    paths: BTreeSet<PathBuf>,
    began: Instant,
    bell: &Bell,
) -> BTreeMap<PathBuf, Tree> {
    trees.retain(|path, _| paths.contains(path));
    let is_watched = |path| {
        trees
            .get(path)
            .is_some_and(|tree| !matches!(tree.eye, Eye::Missing { .. }))
    };
    if paths.iter().all(is_watched) {
        return trees;
    }
    let bell = Arc::clone(bell);
    let attended = tokio::task::spawn_blocking(move || {
        for path in paths {
            match trees.get_mut(&path) {
                None => {
                    let changes = Arc::new(Mutex::new(Debounce::new(QUIET, LONGEST)));
                    let eye = open(&path, began, &changes, &bell);
                    trees.insert(path, Tree { eye, changes });
                }
                Some(tree) if matches!(tree.eye, Eye::Missing { .. }) => {
                    tree.eye = open(&path, began, &tree.changes, &bell);
                    if !matches!(tree.eye, Eye::Missing { .. }) {
                        // It came back, with who knows what in it.
                        locked(&tree.changes).take_anything(began.elapsed());
                    }
                }
                Some(_) => {}
            }
        }
        trees
    });
    attended.await.unwrap_or_default()
}

/// Begins to watch one path: by notices of the system, else by looking.
fn open(path: &Path, began: Instant, changes: &Arc<Mutex<Debounce>>, bell: &Bell) -> Eye {
    let hear = || {
        let (changes, bell) = (Arc::clone(changes), Arc::clone(bell));
        move |event: notify::Result<Event>| {
            let mut changes = locked(&changes);
            let before = changes.due();
            take(&mut changes, event, began.elapsed());
            // Later moments are found out when the earlier one comes.
            if before.is_none() && changes.due().is_some() {
                bell.notify_one();
            }
        }
    };
    if let Err(error) = std::fs::symlink_metadata(path) {
        let because = match error.kind() {
            std::io::ErrorKind::NotFound => "it is not there".to_owned(),
            _ => error.to_string(),
        };
        return Eye::Missing { because };
    }
    let noticed = notify::recommended_watcher(hear()).and_then(|mut watcher| {
        watcher.watch(path, RecursiveMode::Recursive)?;
        Ok(watcher)
    });
    let because = match noticed {
        Ok(watcher) => return Eye::Noticed { _watcher: watcher },
        Err(error) => reason(&error),
    };
    tracing::warn!(path = %path.display(), because, "changes are looked for now and then");
    let config = Config::default().with_poll_interval(LOOK_EVERY);
    let looked = PollWatcher::new(hear(), config).and_then(|mut watcher| {
        watcher.watch(path, RecursiveMode::Recursive)?;
        Ok(watcher)
    });
    match looked {
        Ok(watcher) => Eye::Looked {
            _watcher: watcher,
            because,
        },
        Err(error) => Eye::Missing {
            because: reason(&error),
        },
    }
}

fn take(changes: &mut Debounce, event: notify::Result<Event>, now: Duration) {
    // An error means that notices were lost, and so does the system's own word for it.
    let Ok(event) = event else {
        changes.take_anything(now);
        return;
    };
    if event.need_rescan() {
        changes.take_anything(now);
        return;
    }
    let change = match event.kind {
        EventKind::Access(_) => return,
        EventKind::Create(_) => Change::Created,
        EventKind::Remove(_) => Change::Removed,
        EventKind::Modify(ModifyKind::Name(RenameMode::From)) => Change::Removed,
        EventKind::Modify(ModifyKind::Name(RenameMode::To)) => Change::Created,
        // Both names at once: the two single notices of it came before.
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => return,
        EventKind::Any | EventKind::Modify(_) | EventKind::Other => Change::Modified,
    };
    for path in event.paths {
        changes.take(path, change, now);
    }
}

async fn say(report: &Reporter, trees: &BTreeMap<PathBuf, Tree>) {
    let every = LOOK_EVERY.as_secs();
    let mut problems: Vec<String> = trees
        .iter()
        .filter_map(|(path, tree)| {
            let path = path.display();
            match &tree.eye {
                Eye::Noticed { .. } => None,
                Eye::Looked { because, .. } => {
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
    report.watching(Subject::Files, &problems.join("; ")).await;
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

fn locked(changes: &Mutex<Debounce>) -> std::sync::MutexGuard<'_, Debounce> {
    changes.lock().unwrap_or_else(PoisonError::into_inner)
}
