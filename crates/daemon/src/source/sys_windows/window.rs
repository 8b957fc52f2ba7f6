//! Sessions, locked screens, sleep, the end of the session and a clock that is set, by a window that nobody sees.

use std::sync::mpsc::SyncSender;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, watch};

use super::{sys_logon, sys_window};
use crate::source::backoff::Backoff;
use crate::source::broadcast::{Told, patience};
use crate::source::observation::hold;
use crate::source::{Happening, Reporter, Source, Subject, Wanted};

/// Messages that may wait while earlier ones are worked on; further ones are lost, which the log tells.
pub(super) const MAX_MESSAGES: usize = 256;

/// What the other sources see of the window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct View {
    /// How often the power may have changed.
    pub(super) supply: u64,
    /// How often volumes may have come or gone.
    pub(super) volumes: u64,
    /// Whether there is a window at all.
    pub(super) state: State,
}

/// How often a source looks by itself where no window hears of it.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(60);

impl View {
    /// Why there is no window; absent where there is one, or may be soon.
    pub(super) fn missing(&self) -> Option<String> {
        match &self.state {
            State::Missing { because } => Some(because.clone()),
            State::Beginning | State::There => None,
        }
    }
}

/// By what a source watches that hears of changes through the window, or looks now and then without one.
pub(super) fn watched_by(heard: &str, missing: Option<&str>) -> String {
    match missing {
        None => heard.to_owned(),
        Some(because) => format!(
            "looking every {} s while a condition needs it: {because}",
            LOOK_EVERY.as_secs()
        ),
    }
}

/// Whether there is a window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum State {
    /// It is just being made.
    #[default]
    Beginning,
    /// It hears.
    There,
    /// There is none.
    Missing {
        /// Why not, as a fragment.
        because: String,
    },
}

/// What the window heard.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) told: Told,
    /// The window gives its answer once this is dropped.
    pub(super) waits: Option<SyncSender<()>>,
}

/// The source.
#[derive(Debug)]
pub(super) struct Window {
    view: watch::Sender<View>,
}

impl Window {
    pub(super) fn new() -> (Self, watch::Receiver<View>) {
        let (view, seen) = watch::channel(View::default());
        (Self { view }, seen)
    }
}

impl Source for Window {
    fn name(&self) -> &'static str {
        "window"
    }

    fn subjects(&self) -> &'static [Subject] {
        &[Subject::Session, Subject::Sleep, Subject::Clock]
    }

    fn run(
        self: Box<Self>,
        report: Reporter,
        _: watch::Receiver<Wanted>,
    ) -> BoxFuture<'static, ()> {
        Box::pin(run(report, self.view))
    }
}

async fn run(report: Reporter, view: watch::Sender<View>) {
    let mut backoff = Backoff::default();
    loop {
        let opened = open(&report, &view).await;
        let because = match &opened {
            Ok(()) => "the window that hears them is gone".to_owned(),
            Err(error) => format!("the window that hears them could not be made: {error}"),
        };
        for subject in [Subject::Session, Subject::Sleep, Subject::Clock] {
            report.unavailable(subject, &because).await;
        }
        view.send_modify(|view| view.state = State::Missing { because });
        if opened.is_ok() {
            return std::future::pending().await;
        }
        // A session that just begins has no desktop for it yet.
        tokio::time::sleep(backoff.next(Duration::ZERO)).await;
    }
}

/// Hears what the window hears, until it is gone.
async fn open(report: &Reporter, view: &watch::Sender<View>) -> std::io::Result<()> {
    let (sender, mut heard) = mpsc::channel(MAX_MESSAGES);
    let window = sys_window::open(sender).await?;
    view.send_modify(|view| view.state = State::There);
    match &window.sessions {
        Ok(()) => {
            report
                .watching(Subject::Session, "messages of the session")
                .await
        }
        Err(error) => {
            let because = format!("Windows does not tell of them: {error}");
            report.unavailable(Subject::Session, &because).await;
        }
    }
    report
        .watching(
            Subject::Sleep,
            "messages of the session, which waits a moment for the manager",
        )
        .await;
    report
        .watching(Subject::Clock, "messages of the session")
        .await;
    if let Some(began) = sys_logon::began() {
        report.happened(Happening::SessionFound { began }).await;
    }
    let mut letting_go: Option<BoxFuture<'static, ()>> = None;
    loop {
        let let_go = async {
            match &mut letting_go {
                Some(held) => held.await,
                None => std::future::pending().await,
            }
        };
        let heard = tokio::select! {
            heard = heard.recv() => heard,
            () = let_go => {
                letting_go = None;
                continue;
            }
        };
        let Some(Heard { told, waits }) = heard else {
            return Ok(());
        };
        let happening = match told {
            Told::Leaving(how) => {
                let at_most = patience(how);
                let (hold, held) = hold();
                letting_go = Some(
                    tokio::time::timeout(at_most, held.ended())
                        .map(move |_| drop(waits))
                        .boxed(),
                );
                Happening::Leaving { how, at_most, hold }
            }
            Told::Ends => {
                let (hold, held) = hold();
                let at_most = patience(crate::source::Leaving::Shutdown);
                letting_go = Some(
                    tokio::time::timeout(at_most, held.ended())
                        .map(move |_| drop(waits))
                        .boxed(),
                );
                Happening::Ending { hold }
            }
            Told::Back(how) => {
                letting_go = None;
                Happening::Back(how)
            }
            Told::Began => Happening::SessionStarted {
                began: sys_logon::began(),
            },
            // The daemon lives in this session and hears of no other.
            Told::Ended => Happening::SessionEnded { last: true },
            Told::Locked(true) => Happening::Locked,
            Told::Locked(false) => Happening::Unlocked,
            Told::Clock => Happening::ClockSet,
            Told::Supply => {
                view.send_modify(|view| view.supply += 1);
                continue;
            }
            Told::Volumes => {
                view.send_modify(|view| view.volumes += 1);
                continue;
            }
        };
        report.happened(happening).await;
    }
}
