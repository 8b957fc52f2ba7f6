//! What an open page costs the daemon. It is asked for what the script of the page asks for, when that would.

use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::stream::{Follower, Form, Places, Way};
use crate::bench::home::Home;
use crate::bench::process::busy_ms;
use crate::run;

/// The script asks again at most so often, and waits so many times as long as its last answer took.
const LEAST_PAUSE: Duration = Duration::from_millis(400);
const LOAD_FACTOR: u32 = 5;
/// How often it is looked whether something changed.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How long a daemon may take to come to rest after it was asked.
const SETTLE: Duration = Duration::from_secs(2);

/// What was measured, in percent of one processor.
#[derive(Debug, serde::Serialize)]
pub(super) struct Measured {
    pub(super) idle_percent: f64,
    /// While the items change all the time, with the page and without.
    pub(super) changing_percent: f64,
    pub(super) alone_percent: f64,
}

/// Opens a page and lets it be.
pub(super) fn measure(home: &Home<'_>, daemon: u32, span: Duration) -> Result<Measured> {
    let places = Arc::new(Places::of(home)?);
    let alone_percent = changing(home, &places, daemon, span)?;
    let page = Page::open(&places)?;
    run::pause(SETTLE);
    let idle_percent = percent(daemon, span, || {
        run::pause(span);
        Ok(())
    })?;
    let changing_percent = changing(home, &places, daemon, span)?;
    page.close().context("the page was not answered")?;
    Ok(Measured {
        idle_percent,
        changing_percent,
        alone_percent,
    })
}

/// Every item is synchronized again and again.
fn changing(home: &Home<'_>, places: &Places, daemon: u32, span: Duration) -> Result<f64> {
    let began = run::now();
    percent(daemon, span, || {
        while run::now().duration_since(began) < span {
            super::session(home, places, daemon, super::CHANGING)?;
        }
        Ok(())
    })
}

fn percent(daemon: u32, span: Duration, during: impl FnOnce() -> Result<()>) -> Result<f64> {
    let before = busy_ms(daemon)?;
    during()?;
    Ok((busy_ms(daemon)? - before) / (span.as_secs_f64() * 10.0))
}

/// An open page: it follows, and reads its parts anew.
struct Page {
    closing: Arc<AtomicBool>,
    loading: std::thread::JoinHandle<Result<()>>,
}

impl Page {
    fn open(places: &Arc<Places>) -> Result<Self> {
        let closing = Arc::new(AtomicBool::new(false));
        let follower = Follower::begin(places, Way::Door, Form::Events)?;
        let (places, over) = (Arc::clone(places), Arc::clone(&closing));
        let loading = std::thread::spawn(move || {
            let seen = AtomicU64::new(0);
            let mut pause = LEAST_PAUSE;
            while !over.load(Ordering::Relaxed) {
                let told = follower.bytes();
                // A heartbeat is no change.
                if told.saturating_sub(seen.swap(told, Ordering::Relaxed)) <= HEARTBEAT_BYTES {
                    run::pause(LOOK_EVERY);
                    continue;
                }
                run::pause(pause);
                let began = run::now();
                let more = "accept: text/html\r\nconnection: close\r\n";
                let mut answer = Vec::new();
                places
                    .get(Way::Door, "/fragment/first", more)?
                    .read_to_end(&mut answer)?;
                if !answer.starts_with(b"HTTP/1.1 200") {
                    anyhow::bail!("{}", String::from_utf8_lossy(&answer));
                }
                pause = LEAST_PAUSE.max(LOAD_FACTOR * run::now().duration_since(began));
            }
            Ok(())
        });
        Ok(Self { closing, loading })
    }

    fn close(self) -> Result<()> {
        self.closing.store(true, Ordering::Relaxed);
        let ended = self.loading.join();
        ended.unwrap_or_else(|_| Err(anyhow::anyhow!("the page broke")))
    }
}

/// Longest sign of life of a stream on which nothing is told.
const HEARTBEAT_BYTES: u64 = 16;
