//! A clock that stands still until it is told to go on, and then goes on to the moment for which the daemon waits.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use syncmgr_core::Timestamp;
use syncmgr_core::schedule::Zone;
use syncmgr_daemon::clock::Clock;
use tokio::sync::watch;

/// Real time within which the daemon waits for its next moment.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy)]
struct Face {
    now: Timestamp,
    /// How far it was set so far, in milliseconds.
    set: i64,
    /// How often.
    sets: u32,
    /// For which moment the daemon waits.
    awaited: Option<Timestamp>,
}

/// The clock.
#[derive(Debug)]
pub(crate) struct LeapingClock(watch::Sender<Face>);

impl LeapingClock {
    /// One that shows this moment.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self(watch::Sender::new(Face {
            now,
            set: 0,
            sets: 0,
            awaited: None,
        }))
    }

    /// Somebody sets it; whoever waits for a moment hears so, as from the kernel.
    pub(crate) fn set(&self, by_ms: i64) {
        self.0.send_modify(|face| {
            face.now = Timestamp(face.now.0 + by_ms);
            face.set += by_ms;
            face.sets += 1;
            // What was awaited was a moment of the other time.
            face.awaited = None;
        });
    }

    /// Goes on to the moment for which the daemon waits, and answers it.
    pub(crate) async fn next(&self) -> Result<Timestamp, String> {
        let mut faces = self.0.subscribe();
        let waits = faces.wait_for(|face| face.awaited.is_some_and(|moment| moment > face.now));
        let face = tokio::time::timeout(PATIENCE, waits).await;
        let awaited = face.ok().and_then(|face| face.ok()?.awaited);
        let moment = awaited.ok_or("the daemon waits for nothing")?;
        self.0.send_modify(|face| face.now = moment);
        Ok(moment)
    }
}

/// Takes back that the daemon waits, when it does something else meanwhile.
struct Waiting<'c>(&'c watch::Sender<Face>);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|face| face.awaited = None);
    }
}

impl Clock for LeapingClock {
    fn now(&self) -> Timestamp {
        self.0.borrow().now
    }

    fn steady(&self) -> Option<Duration> {
        let face = *self.0.borrow();
        let shown = u64::try_from(face.now.0 - face.set).ok();
        shown.map(Duration::from_millis)
    }

    fn reached(&self, moment: Timestamp) -> BoxFuture<'_, ()> {
        async move {
            let mut faces = self.0.subscribe();
            self.0.send_modify(|face| face.awaited = Some(moment));
            let _waiting = Waiting(&self.0);
            // The sender lives as long as the clock.
            let sets = faces.borrow().sets;
            drop(
                faces
                    .wait_for(|face| face.now >= moment || face.sets != sets)
                    .await,
            );
        }
        .boxed()
    }

    fn zone(&self) -> Zone {
        Zone::named("Europe/Berlin").unwrap()
    }
}
