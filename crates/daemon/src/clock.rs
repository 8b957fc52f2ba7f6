//! The wall clock: the one place of the manager that reads it.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use syncmgr_core::Timestamp;
use syncmgr_core::schedule::Zone;

use crate::source::Machine;

/// More than any description of a zone has; those of the IANA database are below 4 KiB.
const MAX_ZONE_BYTES: u64 = 64 << 10;

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
            .or_else(|| nameless(&Machine::default().localtime))
            .unwrap_or_else(Zone::utc)
    }
}

/// The zone of a machine whose `/etc/localtime` is a file of its own instead of a link, which keeps the rule and no name.
fn nameless(localtime: &Path) -> Option<Zone> {
    let mut data = Vec::new();
    let file = std::fs::File::open(localtime).ok()?;
    file.take(MAX_ZONE_BYTES).read_to_end(&mut data).ok()?;
    // RFC 9636, section 3.3: the rule for all time to come is the last line, between two line ends.
    let rule = data.strip_suffix(b"\n")?;
    let begin = rule.iter().rposition(|byte| *byte == b'\n')?;
    Zone::posix(std::str::from_utf8(&rule[begin + 1..]).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_without_a_name_keeps_its_rule() {
        let named = |content: &[u8]| {
            let directory = tempfile::tempdir().unwrap();
            let localtime = directory.path().join("localtime");
            std::fs::write(&localtime, content).unwrap();
            nameless(&localtime).map(|zone| zone.name().to_owned())
        };
        let of_berlin = b"TZif2\0\0CET\0TZif2\0\0CET\0\nCET-1CEST,M3.5.0,M10.5.0/3\n";
        assert_eq!(
            named(of_berlin).as_deref(),
            Some("CET-1CEST,M3.5.0,M10.5.0/3")
        );
        for nonsense in [
            &b""[..],
            b"\n",
            b"\n\n",
            b"TZif",
            b"\nno rule\n",
            b"\n\xff\n",
        ] {
            assert_eq!(named(nonsense), None, "{nonsense:?}");
        }
        assert!(nameless(Path::new("/does/not/exist")).is_none());
    }
}
