//! Looks at what nobody tells of itself: free room, the load, whether somebody answers. Only what something waits for is
//! looked at, at once and then again and again, further apart the longer nothing comes of it.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use syncmgr_core::condition::{Endpoint, Fact, Found, LOOK_HOLDS, Look};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::{AbortHandle, JoinSet};

use super::{Reporter, Source, Subject, Wanted, sys};

/// A look that takes longer found nothing.
const AT_MOST: Duration = Duration::from_secs(5);
/// The same where a person waits for it.
const ONCE: Duration = Duration::from_secs(2);
/// So many looks are taken at the same time.
const AT_ONCE: usize = 8;
/// The first wait before somebody is asked again whether he answers.
const FIRST_WAIT: Duration = Duration::from_secs(15);
/// The longest wait between two looks.
const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60);
/// Most bytes of the file that tells the load.
const MAX_LOAD_TEXT: u64 = 256;

/// The source.
#[derive(Debug)]
pub struct Looks {
    loadavg: PathBuf,
}

impl Looks {
    /// Makes one that reads the load from a file such as `/proc/loadavg`.
    #[must_use]
    pub fn new(loadavg: PathBuf) -> Self {
        Self { loadavg }
    }
}

impl Source for Looks {
    fn name(&self) -> &'static str {
        "looks"
    }

    fn subjects(&self) -> &'static [Subject] {
        &[Subject::Looks]
    }

    fn run(
        self: Box<Self>,
        report: Reporter,
        mut wanted: watch::Receiver<Wanted>,
    ) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            report
                .watching(
                    Subject::Looks,
                    "looking, only while something waits for it, every 15 s to 5 min",
                )
                .await;
            let eyes = Arc::new(Eyes {
                loadavg: self.loadavg,
                at_once: Semaphore::new(AT_ONCE),
                stuck: Mutex::default(),
            });
            let mut tasks = JoinSet::new();
            let mut looking: HashMap<Look, AbortHandle> = HashMap::new();
            loop {
                let looks = wanted.borrow_and_update().looks.clone();
                looking.retain(|look, task| {
                    let keep = looks.contains(look);
                    if !keep {
                        task.abort();
                    }
                    keep
                });
                for look in looks {
                    if let Entry::Vacant(new) = looking.entry(look) {
                        let (eyes, report) = (Arc::clone(&eyes), report.clone());
                        let task = tasks.spawn(eyes.keep_looking(new.key().clone(), report));
                        new.insert(task);
                    }
                }
                tokio::select! {
                    changed = wanted.changed() => if changed.is_err() {
                        return std::future::pending().await;
                    },
                    // What ended was told to.
                    Some(_) = tasks.join_next() => {}
                }
            }
        })
    }
}

struct Eyes {
    loadavg: PathBuf,
    at_once: Semaphore,
    /// Paths whose file system does not answer; nobody asks it again before it does.
    stuck: Mutex<BTreeSet<PathBuf>>,
}

impl Eyes {
    async fn keep_looking(self: Arc<Self>, look: Look, report: Reporter) {
        let mut wait = match &look {
            Look::Room(_) | Look::Load => LOOK_HOLDS,
            Look::Reachable(_) => FIRST_WAIT,
        };
        loop {
            let found = {
                let Ok(_turn) = self.at_once.acquire().await else {
                    return;
                };
                self.look(&look).await
            };
            tracing::debug!(?look, ?found, "looked");
            let look = look.clone();
            report.fact(Fact::Looked { look, found }).await;
            tokio::time::sleep(wait).await;
            wait = wait.saturating_mul(2).min(LONGEST_WAIT);
        }
    }

    async fn look(self: &Arc<Self>, look: &Look) -> Found {
        let found = match look {
            Look::Room(path) => self.room(PathBuf::from(path)).await,
            Look::Load => load(&self.loadavg).map_err(|error| {
                format!("{} does not tell the load: {error}", self.loadavg.display())
            }),
            Look::Reachable(endpoint) => answers(endpoint).await.map(|()| Found::Reachable),
        };
        found.unwrap_or_else(Found::Not)
    }

    /// A file system of a network that went does not answer for a long time: the thread that asks it is left to itself.
    async fn room(self: &Arc<Self>, path: PathBuf) -> Result<Found, String> {
        let silent = || format!("{} does not answer", path.display());
        let is_new = self
            .stuck
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(path.clone());
        if !is_new {
            return Err(silent());
        }
        let (eyes, asked) = (Arc::clone(self), path.clone());
        let task = tokio::task::spawn_blocking(move || {
            let room = sys::room(&asked);
            eyes.stuck
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&asked);
            room
        });
        match tokio::time::timeout(AT_MOST, task).await {
            Ok(Ok(Ok((free, total)))) => Ok(Found::Room { free, total }),
            Ok(Ok(Err(error))) => Err(format!("{}: {}", path.display(), reason(&error))),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(silent()),
        }
    }
}

/// Looks once, at everything at the same time and for a bounded time: for somebody who asks while nobody watches.
pub(crate) async fn look_once(loadavg: PathBuf, looks: BTreeSet<Look>) -> Vec<Fact> {
    let eyes = Arc::new(Eyes {
        loadavg,
        at_once: Semaphore::new(AT_ONCE),
        stuck: Mutex::default(),
    });
    let looking = looks.into_iter().map(|look| {
        let eyes = Arc::clone(&eyes);
        async move {
            let found = tokio::time::timeout(ONCE, eyes.look(&look)).await;
            let found = found
                .unwrap_or_else(|_| Found::Not(format!("no answer within {} s", ONCE.as_secs())));
            Fact::Looked { look, found }
        }
    });
    futures::future::join_all(looking).await
}

/// An error of the system in the words of people.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it is not there".to_owned(),
        io::ErrorKind::PermissionDenied => "it may not be looked at".to_owned(),
        io::ErrorKind::ConnectionRefused => "it refuses".to_owned(),
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            "no way leads there".to_owned()
        }
        _ => error.to_string(),
    }
}

/// Whether somebody takes a connection; it is closed at once.
pub(crate) async fn answers(endpoint: &Endpoint) -> Result<(), String> {
    let connect = async {
        let mut addresses = tokio::net::lookup_host((endpoint.host.as_str(), endpoint.port))
            .await
            .map_err(|_| format!("the name {} is not known", endpoint.host))?
            .peekable();
        if addresses.peek().is_none() {
            return Err(format!("the name {} has no address", endpoint.host));
        }
        let mut last = String::new();
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(_) => return Ok(()),
                Err(error) => last = reason(&error),
            }
        }
        Err(last)
    };
    match tokio::time::timeout(AT_MOST, connect).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("nobody answers within {} s", AT_MOST.as_secs())),
    }
}

/// Reads the average of the last minute (proc_loadavg(5)).
fn load(loadavg: &Path) -> io::Result<Found> {
    let mut text = String::new();
    std::fs::File::open(loadavg)?
        .take(MAX_LOAD_TEXT)
        .read_to_string(&mut text)?;
    let hundredths = hundredths(&text).ok_or_else(|| io::Error::other("it makes no sense"))?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Ok(Found::Load {
        hundredths,
        cores: u32::try_from(cores).unwrap_or(u32::MAX),
    })
}

fn hundredths(text: &str) -> Option<u32> {
    let (whole, part) = text.split_ascii_whitespace().next()?.split_once('.')?;
    let whole: u32 = whole.parse().ok()?;
    let part: u32 = part.get(..2)?.parse().ok()?;
    whole.checked_mul(100)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::source::Observation;

    struct Watched {
        wanted: watch::Sender<Wanted>,
        heard: mpsc::Receiver<Observation>,
        _task: JoinSet<()>,
    }

    fn watch_with(loadavg: &Path) -> Watched {
        let (wanted, wants) = watch::channel(Wanted::default());
        let (sender, heard) = mpsc::channel(16);
        let mut task = JoinSet::new();
        task.spawn(Box::new(Looks::new(loadavg.to_path_buf())).run(Reporter::new(sender), wants));
        Watched {
            wanted,
            heard,
            _task: task,
        }
    }

    impl Watched {
        fn want(&self, looks: impl IntoIterator<Item = Look>) {
            let looks = looks.into_iter().collect();
            self.wanted.send_modify(|wanted| wanted.looks = looks);
        }

        async fn found(&mut self) -> Found {
            loop {
                match self.heard.recv().await.unwrap() {
                    Observation::Fact(Fact::Looked { found, .. }) => return found,
                    Observation::Watching(..) => {}
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    #[tokio::test]
    async fn room_and_load_are_looked_at_once_they_are_wanted() {
        let directory = tempfile::tempdir().unwrap();
        let loadavg = directory.path().join("loadavg");
        std::fs::write(&loadavg, "2.75 1.00 0.50 1/200 12345\n").unwrap();
        let mut watched = watch_with(&loadavg);
        watched.want([Look::Room(directory.path().display().to_string())]);
        let found = watched.found().await;
        assert!(
            matches!(found, Found::Room { free, total } if free <= total && total > 0),
            "{found:?}"
        );
        watched.want([Look::Load]);
        let found = watched.found().await;
        assert!(
            matches!(
                found,
                Found::Load {
                    hundredths: 275,
                    cores: 1..
                }
            ),
            "{found:?}"
        );
        let gone = directory.path().join("gone").display().to_string();
        watched.want([Look::Room(gone.clone())]);
        assert_eq!(
            watched.found().await,
            Found::Not(format!("{gone}: it is not there"))
        );
    }

    #[tokio::test]
    async fn who_answers_is_reachable() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut watched = watch_with(Path::new("/nowhere"));
        let look = |port| {
            Look::Reachable(Endpoint {
                host: "127.0.0.1".into(),
                port,
            })
        };
        watched.want([look(port)]);
        assert_eq!(watched.found().await, Found::Reachable);
        drop(listener);
        watched.want([]);
        watched.want([look(port)]);
        // It was forgotten meanwhile or not: what was found now is told next.
        assert!(
            answers(&Endpoint {
                host: "127.0.0.1".into(),
                port
            })
            .await
            .is_err()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn looks_come_further_and_further_apart_and_end_when_nobody_waits() {
        let mut watched = watch_with(Path::new("/nowhere/loadavg"));
        watched.want([Look::Load]);
        let begun = tokio::time::Instant::now();
        let mut at = Vec::new();
        for _ in 0..7 {
            assert!(matches!(watched.found().await, Found::Not(_)));
            at.push(begun.elapsed().as_secs());
        }
        assert_eq!(at, [0, 30, 90, 210, 450, 750, 1050]);
        watched.want([]);
        let waited = tokio::time::timeout(LONGEST_WAIT * 100, watched.heard.recv()).await;
        assert!(waited.is_err(), "nobody looks any more: {waited:?}");
    }

    #[test]
    fn texts_of_the_load() {
        assert_eq!(hundredths("0.00 0.01 0.05 1/100 1\n"), Some(0));
        assert_eq!(hundredths("123.45 0.01 0.05 1/100 1\n"), Some(12_345));
        for text in ["", "x", "1", "1.", "1.2", "-1.00", "99999999999.00", "1.xx"] {
            assert_eq!(hundredths(text), None, "{text}");
        }
    }
}
