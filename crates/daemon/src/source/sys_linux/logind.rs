//! Sessions, locked screens, sleep and shutdown, by logind (org.freedesktop.login1(5)).

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, watch};
use zbus::wire::{OwnedObjectPath, OwnedVariant};
use zbus::{Connection, Message};

use super::bus::{FollowError, LOGIND, Service, View, follow};
use super::property::{PROPERTIES, Properties};
use super::signals::{From, Signals};
use crate::source::observation::hold;
use crate::source::{Began, Happening, Leaving, Machine, Reporter, Source, Subject, Wanted};

pub(super) const MANAGER_PATH: &str = "/org/freedesktop/login1";
const SESSIONS_PATH: &str = "/org/freedesktop/login1/session";
pub(super) const MANAGER: &str = "org.freedesktop.login1.Manager";
const SESSION: &str = "org.freedesktop.login1.Session";

/// Most sessions of the user that are followed.
const MAX_SESSIONS: usize = 256;
/// Most bytes of what names this start of the machine.
const MAX_BOOT_ID: u64 = 128;
/// Signals that may wait while earlier ones are worked on.
const MAX_SIGNALS: usize = 256;
/// The machine waits no longer than this, however patient it says that it is.
const LONGEST_HOLD: Duration = Duration::from_secs(60);
/// The machine waits for so long when it does not say how patient it is (`InhibitDelayMaxSec=5` is what logind ships with).
const USUAL_HOLD: Duration = Duration::from_secs(4);
/// So much of its patience is never used, so that it does not give up on us.
const MARGIN: Duration = Duration::from_secs(1);

/// The source.
#[derive(Debug)]
pub(super) struct Logind {
    view: watch::Receiver<View>,
    boot_id: PathBuf,
}

impl Logind {
    pub(super) fn new(view: watch::Receiver<View>, machine: &Machine) -> Self {
        Self {
            view,
            boot_id: machine.boot_id.clone(),
        }
    }
}

impl Source for Logind {
    fn name(&self) -> &'static str {
        "logind"
    }

    fn subjects(&self) -> &'static [Subject] {
        &[Subject::Session, Subject::Sleep]
    }

    fn run(
        self: Box<Self>,
        report: Reporter,
        _: watch::Receiver<Wanted>,
    ) -> BoxFuture<'static, ()> {
        let watch = Watch {
            report,
            life: life(&self.boot_id),
        };
        Box::pin(follow(watch, self.view))
    }
}

struct Watch {
    report: Reporter,
    /// This life of the machine; absent where the kernel does not name it.
    life: Option<String>,
}

/// What logind said.
#[derive(Debug)]
enum Heard {
    Began(String),
    Ended(String),
    Leaving(Leaving),
    Back(Leaving),
    Locked { session: String, locked: bool },
}

/// What is known of it.
#[derive(Debug, Default)]
struct State {
    sessions: BTreeSet<String>,
    locked: bool,
    /// Keeps the machine from leaving at once; dropping it lets go.
    inhibitor: Option<OwnedFd>,
}

impl Service for Watch {
    const NAME: &'static str = LOGIND;

    async fn watch(&mut self, connection: &Connection, owner: &str) -> String {
        match self.attend(connection, owner).await {
            Ok(never) => match never {},
            Err(error) => format!("logind: {error}"),
        }
    }

    async fn without(&mut self, because: &str) {
        for subject in [Subject::Session, Subject::Sleep] {
            self.report.unavailable(subject, because).await;
        }
        std::future::pending().await
    }
}

impl Watch {
    async fn attend(
        &self,
        connection: &Connection,
        owner: &str,
    ) -> Result<Infallible, FollowError> {
        let from = [
            From::Interface(MANAGER),
            From::Interface(SESSION),
            From::PropertiesBelow(SESSION, SESSIONS_PATH),
        ];
        let mut signals = Signals::of(connection, owner, &from).await?;
        let (sender, heard) = mpsc::channel(MAX_SIGNALS);
        let listen = async {
            loop {
                let message = signals.next().await?;
                if let Some(heard) = understand(&message)? {
                    sender.try_send(heard).map_err(|_| FollowError::Flood)?;
                }
            }
        };
        tokio::select! {
            outcome = listen => outcome,
            outcome = self.work(connection, owner, heard) => outcome,
        }
    }

    async fn work(
        &self,
        connection: &Connection,
        owner: &str,
        mut heard: mpsc::Receiver<Heard>,
    ) -> Result<Infallible, FollowError> {
        let mut state = State {
            sessions: own_sessions(connection, owner).await?,
            ..State::default()
        };
        let mut began: Option<Began> = None;
        for session in &state.sessions {
            let properties = Properties::of(connection, owner, session, SESSION).await?;
            state.locked |= properties.flag("LockedHint")?.unwrap_or(false);
            if is_logon(&properties)? {
                let last = began.as_ref().map_or(0, |began| began.at_us);
                began = self
                    .began(&properties)?
                    .filter(|is| is.at_us >= last)
                    .or(began);
            }
        }
        let patience = patience(connection, owner).await?;
        self.report.watching(Subject::Session, "logind").await;
        if let Some(began) = began {
            self.report
                .happened(Happening::SessionFound { began })
                .await;
        }
        self.inhibit(connection, owner, &mut state).await;
        let mut letting_go: Option<BoxFuture<'static, ()>> = None;
        loop {
            let let_go = async {
                match &mut letting_go {
                    Some(held) => held.await,
                    None => std::future::pending().await,
                }
            };
            let heard = tokio::select! {
                heard = heard.recv() => heard.ok_or(FollowError::Flood)?,
                () = let_go => {
                    letting_go = None;
                    state.inhibitor = None;
                    continue;
                }
            };
            match heard {
                Heard::Leaving(how) => {
                    let (hold, held) = hold();
                    let happening = Happening::Leaving {
                        how,
                        at_most: patience,
                        hold,
                    };
                    letting_go = Some(
                        tokio::time::timeout(patience, held.ended())
                            .map(|_| ())
                            .boxed(),
                    );
                    // The machine waits for the answer, so nothing may keep it: a full queue counts as an end of the hold.
                    if tokio::time::timeout(patience, self.report.happened(happening))
                        .await
                        .is_err()
                    {
                        tracing::warn!("the machine leaves, and nobody had time to hear it");
                    }
                }
                Heard::Back(how) => {
                    letting_go = None;
                    // Before it is told that somebody watches, which ends every departure.
                    self.report.happened(Happening::Back(how)).await;
                    self.inhibit(connection, owner, &mut state).await;
                }
                Heard::Began(session) => {
                    if state.sessions.len() < MAX_SESSIONS
                        && is_own(connection, owner, &session).await?
                        && state.sessions.insert(session.clone())
                        // One that is gone again already was a logon all the same.
                        && let properties = Properties::of(connection, owner, &session, SESSION)
                            .await
                            .unwrap_or_else(|_| HashMap::new().into())
                        && is_logon(&properties)?
                    {
                        let began = self.began(&properties)?;
                        self.report
                            .happened(Happening::SessionStarted { began })
                            .await;
                    }
                }
                Heard::Ended(session) => {
                    if state.sessions.remove(&session) {
                        let last = state.sessions.is_empty();
                        self.report.happened(Happening::SessionEnded { last }).await;
                    }
                }
                Heard::Locked { session, locked } => {
                    if state.sessions.contains(&session) && state.locked != locked {
                        state.locked = locked;
                        let happening = if locked {
                            Happening::Locked
                        } else {
                            Happening::Unlocked
                        };
                        self.report.happened(happening).await;
                    }
                }
            }
        }
    }

    /// When a session began, by the clock that nobody sets.
    fn began(&self, session: &Properties) -> Result<Option<Began>, FollowError> {
        let at_us = session.number("TimestampMonotonic")?;
        Ok(self
            .life
            .clone()
            .zip(at_us)
            .map(|(life, at_us)| Began { life, at_us }))
    }

    /// Makes the machine wait for us, should it leave. Without that it can still be seen to leave.
    async fn inhibit(&self, connection: &Connection, owner: &str, state: &mut State) {
        if state.inhibitor.is_some() {
            return;
        }
        let arguments = (
            "sleep:shutdown",
            "syncmgr",
            "synchronizations notice that the machine leaves",
            "delay",
        );
        let answer = connection
            .call_method(
                Some(owner),
                MANAGER_PATH,
                Some(MANAGER),
                "Inhibit",
                &arguments,
            )
            .await;
        let fd = answer.and_then(|answer| answer.body().deserialize::<zbus::OwnedFd>());
        match fd {
            Ok(fd) => {
                state.inhibitor = Some(fd.into());
                self.report
                    .watching(Subject::Sleep, "logind, which waits for the manager")
                    .await;
            }
            Err(error) => {
                let by = format!("logind, which does not wait for the manager: {error}");
                self.report.watching(Subject::Sleep, &by).await;
            }
        }
    }
}

/// What names this start of the machine.
fn life(boot_id: &Path) -> Option<String> {
    let mut text = String::new();
    let file = std::fs::File::open(boot_id).ok()?;
    file.take(MAX_BOOT_ID).read_to_string(&mut text).ok()?;
    let life = text.trim();
    (!life.is_empty()).then(|| life.to_owned())
}

/// Whether a session is one of a person: what only serves the user's services, or a job, is none.
fn is_logon(session: &Properties) -> Result<bool, FollowError> {
    let class = session.text("Class")?;
    Ok(class.is_none_or(|class| class.starts_with("user")))
}

/// How long the machine waits for those who delay it.
async fn patience(connection: &Connection, owner: &str) -> Result<Duration, FollowError> {
    let properties = Properties::of(connection, owner, MANAGER_PATH, MANAGER).await?;
    let patience = properties.number("InhibitDelayMaxUSec")?;
    Ok(patience.map_or(USUAL_HOLD, |micros| {
        Duration::from_micros(micros)
            .saturating_sub(MARGIN)
            .clamp(MARGIN, LONGEST_HOLD)
    }))
}

async fn own_sessions(
    connection: &Connection,
    owner: &str,
) -> Result<BTreeSet<String>, FollowError> {
    let answer = connection
        .call_method(
            Some(owner),
            MANAGER_PATH,
            Some(MANAGER),
            "ListSessions",
            &(),
        )
        .await
        .map_err(|cause| FollowError::Refused {
            what: "its list of sessions",
            cause,
        })?;
    let sessions: Vec<(String, u32, String, String, OwnedObjectPath)> =
        answer.body().deserialize()?;
    let me = rustix::process::getuid().as_raw();
    Ok(sessions
        .into_iter()
        .filter(|(_, user, ..)| *user == me)
        .map(|(.., path)| path.as_str().to_owned())
        .take(MAX_SESSIONS)
        .collect())
}

/// Whether the session belongs to the user of this process; one that is gone already does not.
async fn is_own(connection: &Connection, owner: &str, session: &str) -> Result<bool, FollowError> {
    let session = zbus::ObjectPath::try_from(session)?;
    let answer = connection
        .call_method(
            Some(owner),
            session,
            Some(PROPERTIES),
            "Get",
            &(SESSION, "User"),
        )
        .await;
    let Ok(answer) = answer else {
        return Ok(false);
    };
    let user: OwnedVariant = answer.body().deserialize()?;
    let (user, _): (u32, OwnedObjectPath) = user.try_into()?;
    Ok(user == rustix::process::getuid().as_raw())
}

fn understand(message: &Message) -> zbus::Result<Option<Heard>> {
    let header = message.header();
    let (Some(member), Some(path)) = (header.member(), header.path()) else {
        return Ok(None);
    };
    let session = || path.as_str().to_owned();
    let of_session = |locked| Heard::Locked {
        session: session(),
        locked,
    };
    let body = message.body();
    let heard = match member.as_str() {
        "SessionNew" => Heard::Began(
            body.deserialize::<(String, OwnedObjectPath)>()?
                .1
                .as_str()
                .to_owned(),
        ),
        "SessionRemoved" => Heard::Ended(
            body.deserialize::<(String, OwnedObjectPath)>()?
                .1
                .as_str()
                .to_owned(),
        ),
        "PrepareForSleep" => leaving(Leaving::Sleep, body.deserialize()?),
        "PrepareForShutdown" => leaving(Leaving::Shutdown, body.deserialize()?),
        "Lock" => of_session(true),
        "Unlock" => of_session(false),
        "PropertiesChanged" => {
            let (_, changed, _): (
                String,
                std::collections::HashMap<String, OwnedVariant>,
                Vec<String>,
            ) = body.deserialize()?;
            let locked = Properties::from(changed).flag("LockedHint");
            // Nonsense about a screen is not worth losing sight of sleep for.
            return Ok(locked.unwrap_or_default().map(of_session));
        }
        _ => return Ok(None),
    };
    Ok(Some(heard))
}

fn leaving(how: Leaving, leaves: bool) -> Heard {
    if leaves {
        Heard::Leaving(how)
    } else {
        Heard::Back(how)
    }
}
