//! The wall clock: the one place of the manager that reads it.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use syncmgr_core::Timestamp;
use syncmgr_core::schedule::Zone;

/// Reads the time, and waits for it: the only time that the loop knows, so that weeks can be had in seconds.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Time since some moment, as a clock shows it that nobody sets and that goes on while the machine sleeps; absent: there
    /// is none here.
    fn steady(&self) -> Option<Duration> {
        None
    }

    /// Waits until the moment came; dropping it ends the wait.
    fn reached(&self, moment: Timestamp) -> BoxFuture<'_, ()>;

    /// The zone of the machine.
    fn zone(&self) -> Zone;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the blessed home of the wall clock"
    )]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn steady(&self) -> Option<Duration> {
        crate::sys::steady()
    }

    fn reached(&self, moment: Timestamp) -> BoxFuture<'_, ()> {
        tokio::time::sleep(moment.since(self.now())).boxed()
    }

    fn zone(&self) -> Zone {
        // Whoever asks wants to know what it is now.
        jiff::tz::reset_system_time_zone_cache();
        let zone = jiff::tz::TimeZone::system();
        zone.iana_name()
            .and_then(Zone::named)
            .unwrap_or_else(Zone::utc)
    }
}
