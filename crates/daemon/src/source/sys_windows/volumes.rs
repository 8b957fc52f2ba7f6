//! What is mounted. The window hears that volumes came or went; without a window they are looked at now and then.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::watch;

use super::sys_volumes;
use super::window::{LOOK_EVERY, View, watched_by};
use crate::source::places::Places;
use crate::source::{Reporter, Source, Subject, Wanted, volume};

/// Changes within this are looked at once; a volume that was just plugged in is not ready at once either.
const SETTLE: Duration = Duration::from_millis(500);

/// The source.
#[derive(Debug)]
pub(super) struct Volumes {
    view: watch::Receiver<View>,
}

impl Volumes {
    pub(super) fn new(view: watch::Receiver<View>) -> Self {
        Self { view }
    }
}

impl Source for Volumes {
    fn name(&self) -> &'static str {
        "volumes"
    }

    fn subjects(&self) -> &'static [Subject] {
        &[Subject::Mounts]
    }

    fn run(
        self: Box<Self>,
        report: Reporter,
        wanted: watch::Receiver<Wanted>,
    ) -> BoxFuture<'static, ()> {
        Box::pin(run(report, self.view, wanted))
    }
}

async fn run(
    report: Reporter,
    mut view: watch::Receiver<View>,
    mut wanted: watch::Receiver<Wanted>,
) {
    let mut places = Places::default();
    loop {
        let missing = view.borrow_and_update().missing();
        let seen = wanted.borrow_and_update().places.clone();
        let is_wanted = !seen.is_empty();
        let read = if is_wanted {
            // A drive on a network may take its time to answer.
            match tokio::task::spawn_blocking(sys_volumes::volumes).await {
                Ok(read) => read,
                Err(error) => Err(io::Error::other(error)),
            }
        } else {
            Ok(Vec::new())
        };
        match read {
            Ok(volumes) => {
                let by = watched_by(
                    "Windows, which tells of volumes that come and go",
                    missing.as_deref(),
                );
                report.watching(Subject::Mounts, &by).await;
                let find = |place: &str| volume::find(&volumes, place).map(PathBuf::from);
                for observation in places.look(&seen, find) {
                    report.tell(observation).await;
                }
            }
            Err(error) => {
                places.forget();
                let because = format!("Windows does not tell of volumes: {error}");
                report.unavailable(Subject::Mounts, &because).await;
            }
        }
        tokio::select! {
            changed = view.changed() => {
                if changed.is_err() {
                    return std::future::pending().await;
                }
                tokio::time::sleep(SETTLE).await;
            }
            changed = wanted.changed() => if changed.is_err() {
                return std::future::pending().await;
            },
            () = tokio::time::sleep(LOOK_EVERY), if missing.is_some() && is_wanted => {}
        }
    }
}
