//! The wall clock: the one place of the manager that reads it.

use syncmgr_core::Timestamp;
use syncmgr_core::schedule::Zone;

/// Reads the time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

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

    fn zone(&self) -> Zone {
        let zone = jiff::tz::TimeZone::system();
        zone.iana_name()
            .and_then(Zone::named)
            .unwrap_or_else(Zone::utc)
    }
}
