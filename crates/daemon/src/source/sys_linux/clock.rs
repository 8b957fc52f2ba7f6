//! A clock that is set, which the kernel tells whoever has a timer that is to hear of it (timerfd_create(2)), and a zone that
//! is changed, which is a link that is replaced (localtime(5)).

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use futures::future::BoxFuture;
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::watch;

use super::replaced::Replaced;
use super::sys_ready::awaitable;
use crate::source::{Happening, Machine, Reporter, Source, Subject, Wanted};

/// A moment that does not come (in the year 2200): the timer is only there to be cancelled.
const NEVER_S: i64 = 7_258_118_400;

/// The source.
#[derive(Debug)]
pub(super) struct ClockSource {
    localtime: PathBuf,
}

impl ClockSource {
    pub(super) fn new(machine: &Machine) -> Self {
        Self {
            localtime: machine.localtime.clone(),
        }
    }

    async fn watch(&self, report: &Reporter) -> io::Result<()> {
        let sets = Sets::new()?;
        let zone = Replaced::watch(&self.localtime);
        let by = match &zone {
            Ok(_) => "the kernel, and the link to the zone".to_owned(),
            Err(error) => format!(
                "the kernel; a change of the zone is seen when the daemon starts: {} is not watched: {error}",
                self.localtime.display()
            ),
        };
        report.watching(Subject::Clock, &by).await;
        loop {
            let zone_changed = async {
                match &zone {
                    Ok(zone) => zone.changed().await,
                    Err(_) => std::future::pending().await,
                }
            };
            tokio::select! {
                set = sets.next() => set?,
                changed = zone_changed => changed?,
            }
            report.happened(Happening::ClockSet).await;
        }
    }
}

impl Source for ClockSource {
    fn name(&self) -> &'static str {
        "clock"
    }

    fn subjects(&self) -> &'static [Subject] {
        &[Subject::Clock]
    }

    fn run(
        self: Box<Self>,
        report: Reporter,
        _: watch::Receiver<Wanted>,
    ) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            if let Err(error) = self.watch(&report).await {
                let because = format!("the kernel does not tell of it: {error}");
                report.unavailable(Subject::Clock, &because).await;
            }
            std::future::pending().await
        })
    }
}

/// Hears when the clock is set.
#[derive(Debug)]
struct Sets(AsyncFd<OwnedFd>);

impl Sets {
    fn new() -> io::Result<Self> {
        let timer = timerfd_create(
            TimerfdClockId::Realtime,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )?;
        let this = Self(awaitable(timer, Interest::READABLE)?);
        this.arm()?;
        Ok(this)
    }

    fn arm(&self) -> io::Result<()> {
        let time = |tv_sec| Timespec { tv_sec, tv_nsec: 0 };
        let never = Itimerspec {
            it_interval: time(0),
            it_value: time(NEVER_S),
        };
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        match timerfd_settime(&self.0, flags, &never) {
            // It was set meanwhile, and the timer runs all the same.
            Ok(_) | Err(Errno::CANCELED) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns once the clock was set.
    async fn next(&self) -> io::Result<()> {
        loop {
            let mut ready = self.0.readable().await?;
            let told = rustix::io::read(self.0.get_ref(), &mut [0; 8][..]);
            ready.clear_ready();
            match told {
                Err(Errno::CANCELED) => {
                    self.arm()?;
                    return Ok(());
                }
                Err(Errno::AGAIN | Errno::INTR) => {}
                // Beyond the year 2200 the timer is over, and a clock set back from there is not told of.
                Ok(_) => return std::future::pending().await,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::time::Duration;

    use super::*;
    use crate::source::hub::Hub;
    use crate::source::{Availability, Observation};

    const PATIENCE: Duration = Duration::from_secs(30);

    async fn next(hub: &mut Hub) -> Observation {
        tokio::time::timeout(PATIENCE, hub.next()).await.unwrap()
    }

    #[tokio::test]
    async fn a_zone_that_is_changed_is_told_at_once() {
        let etc = tempfile::tempdir().unwrap();
        let localtime = etc.path().join("localtime");
        symlink("../usr/share/zoneinfo/Europe/Berlin", &localtime).unwrap();
        let machine = Machine {
            localtime: localtime.clone(),
            ..Machine::default()
        };
        let make = move || -> Vec<Box<dyn Source>> { vec![Box::new(ClockSource::new(&machine))] };
        let mut hub = Hub::start(Box::new(make), "nothing");
        let watching = next(&mut hub).await;
        assert!(
            matches!(&watching, Observation::Watching(Subject::Clock, Availability::Watching { by })
                if by == "the kernel, and the link to the zone"),
            "{watching:?}"
        );
        // As `timedatectl` does it; and other files there mean nothing.
        std::fs::write(etc.path().join("hostname"), "one").unwrap();
        let new = etc.path().join("localtime.new");
        symlink("../usr/share/zoneinfo/Asia/Tokyo", &new).unwrap();
        std::fs::rename(&new, &localtime).unwrap();
        let told = next(&mut hub).await;
        assert!(
            matches!(told, Observation::Happened(Happening::ClockSet)),
            "{told:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_nobody_sets_wakes_nobody() {
        let sets = Sets::new().unwrap();
        let waited = tokio::time::timeout(Duration::from_secs(3600), sets.next()).await;
        assert!(waited.is_err());
    }
}
