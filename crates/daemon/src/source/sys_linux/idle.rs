//! How long nobody used the machine. A compositor that counts it tells it exactly; else a screen saver that is active says that
//! nobody is there, and logind says it where the desktop tells logind.
//!
//! The session bus is only connected to while somebody wants to know.

use std::convert::Infallible;
use std::time::Duration;

use futures::future::BoxFuture;
use syncmgr_core::Timestamp;
use syncmgr_core::condition::Fact;
use tokio::sync::{mpsc, watch};
use zbus::{Connection, Message};

use super::bus::{FollowError, LOGIND, MUTTER, SCREEN_SAVER, Service, View, follow};
use super::logind::{MANAGER, MANAGER_PATH};
use super::property::{Properties, needed};
use super::signals::{From, Signals};
use crate::clock::{Clock as _, SystemClock};
use crate::source::{Reporter, Source, Subject, Wanted};

/// Where compositors of GNOME's kind count idleness, for all seats together.
const MONITOR_PATH: &str = "/org/gnome/Mutter/IdleMonitor/Core";
/// Its interface.
const MONITOR: &str = "org.gnome.Mutter.IdleMonitor";
/// Where screen savers are (freedesktop's idle inhibition specification).
const SAVER_PATH: &str = "/org/freedesktop/ScreenSaver";

/// Signals that may wait while earlier ones are worked on.
const MAX_SIGNALS: usize = 64;
/// Nobody waits for less (mobsync 4.5: from 1 minute).
const SHORTEST: Duration = Duration::from_secs(60);

/// What one of them says.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    /// Nothing, because of this.
    Silent(String),
    /// Since when nobody is there; absent: somebody is.
    Since(Option<Timestamp>),
}

impl Said {
    fn unasked() -> Self {
        Self::Silent("it was not asked yet".to_owned())
    }
}

/// The source.
#[derive(Debug)]
pub(super) struct Idle {
    system: watch::Receiver<View>,
    session: watch::Receiver<View>,
}

impl Idle {
    /// Listens on both buses.
    pub(super) fn new(system: watch::Receiver<View>, session: watch::Receiver<View>) -> Self {
        Self { system, session }
    }
}

impl Source for Idle {
    fn name(&self) -> &'static str {
        "idleness"
    }

    fn subjects(&self) -> &'static [Subject] {
        &[Subject::Idle]
    }

    fn run(
        self: Box<Self>,
        report: Reporter,
        wanted: watch::Receiver<Wanted>,
    ) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let (to_hint, hint) = watch::channel(Said::unasked());
            let (to_saver, saver) = watch::channel(Said::unasked());
            let (to_monitor, monitor) = watch::channel(Said::unasked());
            tokio::join!(
                follow(Hint { say: to_hint }, self.system),
                follow(Saver { say: to_saver }, self.session.clone()),
                follow(
                    Monitor {
                        say: to_monitor,
                        wanted,
                    },
                    self.session,
                ),
                tell(report, hint, saver, monitor),
            );
        })
    }
}

/// Tells what follows from what each of them says, when that changes.
async fn tell(
    report: Reporter,
    mut hint: watch::Receiver<Said>,
    mut saver: watch::Receiver<Said>,
    mut monitor: watch::Receiver<Said>,
) {
    let mut before = None;
    loop {
        let verdict = verdict(
            &hint.borrow_and_update(),
            &saver.borrow_and_update(),
            &monitor.borrow_and_update(),
        );
        match verdict {
            Ok((by, since)) => {
                report.watching(Subject::Idle, by).await;
                let fact = Fact::Idle { since };
                if before.as_ref() != Some(&fact) {
                    report.fact(fact.clone()).await;
                    before = Some(fact);
                }
            }
            Err(because) => {
                before = None;
                report.unavailable(Subject::Idle, &because).await;
            }
        }
        let changed = tokio::select! {
            changed = hint.changed() => changed,
            changed = saver.changed() => changed,
            changed = monitor.changed() => changed,
        };
        if changed.is_err() {
            return;
        }
    }
}

/// Who is believed, and since when nobody is there; or why nobody knows.
fn verdict(
    hint: &Said,
    saver: &Said,
    monitor: &Said,
) -> Result<(&'static str, Option<Timestamp>), String> {
    match (monitor, saver, hint) {
        (Said::Since(since), _, _) => Ok(("the compositor, which counts it", *since)),
        (_, Said::Since(saver), Said::Since(hint)) => {
            let since = [*saver, *hint].into_iter().flatten().min();
            Ok(("logind and the screen saver", since))
        }
        (_, Said::Since(saver), Said::Silent(_)) => Ok(("the screen saver", *saver)),
        (_, Said::Silent(_), Said::Since(hint)) => Ok(("logind", *hint)),
        (_, Said::Silent(_), Said::Silent(because)) => Err(because.clone()),
    }
}

/// A moment so long ago; now for what cannot be.
fn ago(span: Duration) -> Timestamp {
    let now = SystemClock.now();
    let millis = i64::try_from(span.as_millis()).unwrap_or(0);
    Timestamp(now.0.saturating_sub(millis).max(0))
}

/// logind's hint, which desktops set.
struct Hint {
    say: watch::Sender<Said>,
}

impl Service for Hint {
    const NAME: &'static str = LOGIND;

    async fn watch(&mut self, connection: &Connection, owner: &str) -> String {
        match self.attend(connection, owner).await {
            Ok(never) => match never {},
            Err(error) => format!("logind: {error}"),
        }
    }

    async fn without(&mut self, because: &str) {
        self.say.send_replace(Said::Silent(because.to_owned()));
        std::future::pending().await
    }
}

impl Hint {
    async fn attend(
        &self,
        connection: &Connection,
        owner: &str,
    ) -> Result<Infallible, FollowError> {
        let from = [From::Properties(MANAGER, MANAGER_PATH)];
        let mut signals = Signals::of(connection, owner, &from).await?;
        loop {
            let properties = Properties::of(connection, owner, MANAGER_PATH, MANAGER).await?;
            let is_idle = needed("IdleHint", properties.flag("IdleHint")?)?;
            let since_us = properties.number("IdleSinceHint")?.unwrap_or(0);
            let since = is_idle.then(|| idle_since(since_us, SystemClock.now()));
            self.say.send_replace(Said::Since(since));
            signals.next().await?;
        }
    }
}

/// The moment since when the machine is idle, from what logind says: never later than now, and now when it does not say.
fn idle_since(since_us: u64, now: Timestamp) -> Timestamp {
    match i64::try_from(since_us / 1_000) {
        Ok(since) if since > 0 => Timestamp(since.min(now.0)),
        _ => now,
    }
}

/// A screen saver: while it is active nobody is there.
struct Saver {
    say: watch::Sender<Said>,
}

impl Service for Saver {
    const NAME: &'static str = SCREEN_SAVER;

    async fn watch(&mut self, connection: &Connection, owner: &str) -> String {
        match self.attend(connection, owner).await {
            Ok(never) => match never {},
            Err(error) => format!("the screen saver: {error}"),
        }
    }

    async fn without(&mut self, because: &str) {
        self.say.send_replace(Said::Silent(because.to_owned()));
        std::future::pending().await
    }
}

impl Saver {
    async fn attend(
        &self,
        connection: &Connection,
        owner: &str,
    ) -> Result<Infallible, FollowError> {
        let mut signals = Signals::of(connection, owner, &[From::Interface(SCREEN_SAVER)]).await?;
        let ask = async |method| {
            connection
                .call_method(Some(owner), SAVER_PATH, Some(SCREEN_SAVER), method, &())
                .await
                .map_err(|cause| FollowError::Refused {
                    what: "what it is asked",
                    cause,
                })
        };
        loop {
            let is_active: bool = ask("GetActive").await?.body().deserialize()?;
            let since = if is_active {
                // In seconds. One that does not count them became active now, as far as anybody knows.
                let active = ask("GetActiveTime").await;
                let seconds = active.and_then(|answer| Ok(answer.body().deserialize::<u32>()?));
                let seconds = seconds.unwrap_or(0);
                Some(ago(Duration::from_secs(u64::from(seconds))))
            } else {
                None
            };
            self.say.send_replace(Said::Since(since));
            signals.next().await?;
        }
    }
}

/// A compositor that counts idleness, and tells when it reaches a span and when it ends.
struct Monitor {
    say: watch::Sender<Said>,
    wanted: watch::Receiver<Wanted>,
}

impl Service for Monitor {
    const NAME: &'static str = MUTTER;

    async fn watch(&mut self, connection: &Connection, owner: &str) -> String {
        match self.attend(connection, owner).await {
            Ok(never) => match never {},
            Err(error) => format!("the compositor: {error}"),
        }
    }

    async fn without(&mut self, because: &str) {
        self.say.send_replace(Said::Silent(because.to_owned()));
        std::future::pending().await
    }
}

impl Monitor {
    async fn attend(
        &mut self,
        connection: &Connection,
        owner: &str,
    ) -> Result<Infallible, FollowError> {
        let mut signals = Signals::of(connection, owner, &[From::Interface(MONITOR)]).await?;
        let (sender, mut fired) = mpsc::channel(MAX_SIGNALS);
        let listen = async {
            loop {
                let message = signals.next().await?;
                if let Some(watch) = fired_by(&message)? {
                    sender.try_send(watch).map_err(|_| FollowError::Flood)?;
                }
            }
        };
        let counted = Counted {
            connection,
            owner,
            say: &self.say,
        };
        tokio::select! {
            outcome = listen => outcome,
            outcome = counted.follow(&mut self.wanted, &mut fired) => outcome,
        }
    }
}

fn fired_by(message: &Message) -> zbus::Result<Option<u32>> {
    let header = message.header();
    let is_fired = header
        .member()
        .is_some_and(|member| member.as_str() == "WatchFired");
    is_fired.then(|| message.body().deserialize()).transpose()
}

/// What a compositor counts.
struct Counted<'a> {
    connection: &'a Connection,
    owner: &'a str,
    say: &'a watch::Sender<Said>,
}

impl Counted<'_> {
    async fn ask<B>(&self, method: &'static str, body: &B) -> Result<Message, FollowError>
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        self.connection
            .call_method(Some(self.owner), MONITOR_PATH, Some(MONITOR), method, body)
            .await
            .map_err(|cause| FollowError::Refused {
                what: method,
                cause,
            })
    }

    /// Reads since when nobody is there, if that is as long as somebody waits for.
    async fn read(&self, span: Duration) -> Result<bool, FollowError> {
        let millis: u64 = self.ask("GetIdletime", &()).await?.body().deserialize()?;
        let idle = Duration::from_millis(millis);
        let since = (idle >= span).then(|| ago(idle));
        self.say.send_replace(Said::Since(since));
        Ok(since.is_some())
    }

    async fn follow(
        &self,
        wanted: &mut watch::Receiver<Wanted>,
        fired: &mut mpsc::Receiver<u32>,
    ) -> Result<Infallible, FollowError> {
        loop {
            let span = shortest(&wanted.borrow_and_update());
            let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
            let away: u32 = self
                .ask("AddIdleWatch", &millis)
                .await?
                .body()
                .deserialize()?;
            let mut back: Option<u32> = None;
            if self.read(span).await? {
                back = Some(self.await_somebody().await?);
            }
            loop {
                let watch = tokio::select! {
                    watch = fired.recv() => watch.ok_or(FollowError::Flood)?,
                    _ = changed(wanted, span) => break,
                };
                if watch == away {
                    if self.read(span).await? && back.is_none() {
                        back = Some(self.await_somebody().await?);
                    }
                } else if Some(watch) == back {
                    back = None; // such a watch fires once
                    self.say.send_replace(Said::Since(None));
                }
            }
            for watch in [Some(away), back].into_iter().flatten() {
                self.ask("RemoveWatch", &watch).await?;
            }
        }
    }

    async fn await_somebody(&self) -> Result<u32, FollowError> {
        let watch = self.ask("AddUserActiveWatch", &()).await?;
        Ok(watch.body().deserialize()?)
    }
}

/// The shortest span that somebody waits for.
fn shortest(wanted: &Wanted) -> Duration {
    wanted.idle.unwrap_or(SHORTEST).max(SHORTEST)
}

/// Waits until another span is waited for.
async fn changed(wanted: &mut watch::Receiver<Wanted>, span: Duration) {
    let is_over = wanted
        .wait_for(|wanted| shortest(wanted) != span)
        .await
        .is_err();
    if is_over {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_idleness() {
        let now = Timestamp(1_000_000);
        assert_eq!(idle_since(900_000_000, now), Timestamp(900_000));
        assert_eq!(idle_since(0, now), now);
        assert_eq!(idle_since(u64::MAX, now), now);
        assert_eq!(idle_since(1_000_000_001, now), now);
    }

    #[test]
    fn who_counts_is_believed_and_else_whoever_knows() {
        let silent = || Said::Silent("it does not run".to_owned());
        let since = |at: Option<i64>| Said::Since(at.map(Timestamp));
        for (hint, saver, monitor, wanted) in [
            (since(Some(5)), since(Some(5)), since(None), Ok(None)),
            (since(None), silent(), since(Some(7)), Ok(Some(7))),
            (since(None), since(Some(9)), silent(), Ok(Some(9))),
            (since(Some(4)), since(Some(9)), silent(), Ok(Some(4))),
            (since(Some(4)), since(None), silent(), Ok(Some(4))),
            (since(None), silent(), silent(), Ok(None)),
            (silent(), since(None), silent(), Ok(None)),
            (
                silent(),
                silent(),
                silent(),
                Err("it does not run".to_owned()),
            ),
        ] {
            let verdict = verdict(&hint, &saver, &monitor);
            let verdict = verdict.map(|(_, since)| since.map(|at| at.0));
            assert_eq!(verdict, wanted, "{hint:?} {saver:?} {monitor:?}");
        }
    }
}
