//! Telling whoever started the daemon how it is (sd_notify(3)), and that it is not hung.

use std::ffi::OsString;
use std::time::Duration;

use tokio::time::Instant;

/// What a service manager gave the daemon with its start, as `main` read it. The variables that said so are not passed on to
/// handlers.
#[derive(Debug, Clone, Default)]
pub struct Supervision {
    /// Where it wants to hear (`NOTIFY_SOCKET`).
    pub notify: Option<OsString>,
    /// It starts the daemon anew when nothing was heard for so long (`WATCHDOG_USEC`).
    pub watchdog: Option<Duration>,
    /// It handed over one listening socket (`LISTEN_FDS`).
    pub listens: bool,
}

/// Tells the service manager; nobody, where there is none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Supervisor {
    to: Option<OsString>,
    every: Option<Duration>,
    /// When it must hear something again.
    due: Option<Instant>,
    /// The last sentence, which is not said twice.
    said: String,
}

impl Supervisor {
    pub(crate) fn new(supervision: &Supervision) -> Self {
        let to = supervision.notify.clone();
        Self {
            // Half of it, as sd_watchdog_enabled(3) advises.
            every: supervision
                .watchdog
                .filter(|_| to.is_some())
                .map(|span| span / 2),
            to,
            due: None,
            said: String::new(),
        }
    }

    /// Commands are served.
    pub(crate) fn ready(&self) {
        self.tell("READY=1");
    }

    /// The configuration is read again; [`Self::ready`] follows.
    pub(crate) fn reloading(&self) {
        self.tell(&format!(
            "RELOADING=1\nMONOTONIC_USEC={}",
            crate::sys::monotonic().as_micros()
        ));
    }

    /// The daemon ends.
    pub(crate) fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// What it does now, in one sentence.
    pub(crate) fn status(&mut self, sentence: &str) {
        if self.to.is_some() && self.said != sentence {
            sentence.clone_into(&mut self.said);
            // A line break would be another message.
            self.tell(&format!("STATUS={}", crate::adapt::text::line(sentence)));
        }
    }

    /// The loop goes round. Says so when it is time to.
    pub(crate) fn alive(&mut self) {
        let Some(every) = self.every else {
            return;
        };
        let now = Instant::now();
        if self.due.is_none_or(|due| due <= now) {
            self.tell("WATCHDOG=1");
            self.due = Some(now + every);
        }
    }

    /// Waits until the loop must go round again; for ever when nobody watches it.
    pub(crate) async fn wait(&self) {
        match self.due {
            Some(due) => tokio::time::sleep_until(due).await,
            None => std::future::pending().await,
        }
    }

    fn tell(&self, text: &str) {
        if let Some(to) = &self.to
            && let Err(error) = crate::sys::tell_supervisor(to, text)
        {
            tracing::debug!(%error, "the service manager could not be told");
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    fn heard(socket: &UnixDatagram) -> Option<String> {
        let mut bytes = [0; 200];
        let count = socket.recv(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes[..count]).into_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_started_it_hears_how_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        let mut supervisor = Supervisor::new(&Supervision {
            notify: Some(path.into()),
            watchdog: Some(Duration::from_secs(60)),
            listens: false,
        });
        supervisor.ready();
        supervisor.status("two\nlines");
        supervisor.status("two\nlines");
        supervisor.reloading();
        supervisor.stopping();
        assert_eq!(heard(&socket).unwrap(), "READY=1");
        let status = heard(&socket).unwrap();
        assert!(
            status.starts_with("STATUS=two") && !status.contains('\n'),
            "{status:?}"
        );
        let reloading = heard(&socket).unwrap();
        assert!(
            reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="),
            "{reloading}"
        );
        assert_eq!(heard(&socket).unwrap(), "STOPPING=1");
        // The first round, and then only when half of the time is over.
        let began = Instant::now();
        for _ in 0..3 {
            supervisor.alive();
        }
        assert_eq!(heard(&socket).unwrap(), "WATCHDOG=1");
        assert_eq!(heard(&socket), None);
        supervisor.wait().await;
        assert_eq!(began.elapsed(), Duration::from_secs(30));
        supervisor.alive();
        assert_eq!(heard(&socket).unwrap(), "WATCHDOG=1");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_told_where_nobody_started_it() {
        let mut supervisor = Supervisor::new(&Supervision {
            watchdog: Some(Duration::from_secs(60)),
            ..Supervision::default()
        });
        supervisor.alive();
        assert!(futures::poll!(std::pin::pin!(supervisor.wait())).is_pending());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_abstract_socket_hears_too() {
        use std::os::linux::net::SocketAddrExt as _;
        use std::os::unix::net::SocketAddr;
        let name = format!("syncmgr-test-{}", std::process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap());
        let supervisor = Supervisor::new(&Supervision {
            notify: Some(format!("@{name}").into()),
            ..Supervision::default()
        });
        supervisor.ready();
        assert_eq!(heard(&socket.unwrap()).unwrap(), "READY=1");
    }
}
