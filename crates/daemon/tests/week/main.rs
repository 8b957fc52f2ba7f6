//! A week of the real daemon in less than a minute: its loop, its store, its processes, and a clock that goes on to the next
//! moment at which something is due as soon as nothing works any more. Nothing may grow beyond what retention keeps.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test fails by panicking, and waits for what other processes do"
)]

mod leap;
mod set;
mod weight;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use leap::LeapingClock;
use syncmgr_control::view::{Outcome, StatusView};
use syncmgr_control::{Caller, Reply, Request, Service as _, What};
use syncmgr_core::Timestamp;
use syncmgr_daemon::open::{Home, Purpose};
use syncmgr_daemon::place::Environment;
use syncmgr_daemon::source::Machine;
use syncmgr_daemon::starter::Processes;
use weight::{Weight, children};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A Monday, and the week before the clocks of Berlin are set forward.
const BEGINNING: Timestamp = Timestamp(1_774_220_400_000); // 2026-03-23T00:00:00+01:00

/// Items of all handlers below.
const ITEMS: u64 = 20 + 5 + 5 + 50;

/// Real time that one step of the week may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked whether the processes of a step are gone.
const LOOK: Duration = Duration::from_millis(1);

/// What a week may add to the memory of its first days: allocations fall into other places each time.
const GROWTH_KIB: u64 = 512;

/// The runs that the rules below promise: every quarter of an hour, every hour, every night. Those that follow the end of
/// the last run come on top.
const PROMISED: u64 = 7 * 24 * 4 + 7 * 24 + 7;

fn configuration(handler: &Path) -> String {
    let handler = serde_json::Value::String(handler.display().to_string());
    format!(
        r#"
[manager]
keep_history = "1 day"

[[handler]]
id = "often"
command = [{handler}, "20"]

[[handler]]
id = "hourly"
command = [{handler}, "5"]

[[handler]]
id = "again"
command = [{handler}, "5"]

[[handler]]
id = "nightly"
command = [{handler}, "50"]

[[rule]]
name = "quarters"
items = ["often"]
on = ["*:0/15"]

[[rule]]
name = "hours"
items = ["hourly"]
on = ["0 * * * *"]

[[rule]]
name = "nights"
items = ["nightly"]
on = ["daily at 02:30"]

[[rule]]
name = "again"
items = ["again"]
on = ["every 100 minutes"]
"#
    )
}

/// The program that plays the handler, as the suite tells.
fn handler() -> PathBuf {
    let told = std::env::var_os("SYNCMGR_TRIVIAL");
    PathBuf::from(told.unwrap_or_else(|| panic!("SYNCMGR_TRIVIAL is set by the suite week")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs an example of another crate: cargo xtask suite week"]
async fn a_week_leaves_nothing_behind_but_what_is_kept() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("home/config")).unwrap();
    let text = configuration(&handler());
    std::fs::write(root.path().join("home/config/config.toml"), text).unwrap();
    let environment = Environment {
        syncmgr_home: Some(root.path().join("home").into()),
        current_dir: root.path().to_owned(),
        program: root.path().join("no-built-in-handler"),
        ..Default::default()
    };
    let clock = Arc::new(LeapingClock::new(BEGINNING));
    let home = Home::open_with(
        &environment,
        Purpose::Daemon,
        Arc::new(Processes),
        Arc::clone(&clock) as _,
        Box::new(|| Machine::default().sources()),
    )
    .unwrap();
    let (good, bad) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut changes = home.service.changes().await.unwrap();
    let counted = (Arc::clone(&good), Arc::clone(&bad));
    let listening = tokio::spawn(async move {
        while let Some(change) = changes.next().await {
            if let What::RunClosed { outcome, .. } = change.what {
                let counter = match outcome {
                    Outcome::Succeeded => &counted.0,
                    _ => &counted.1,
                };
                counter.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    // Items are known once their handlers were asked for the first time.
    for handler in ["often", "hourly", "again", "nightly"].map(str::to_owned) {
        home.service
            .call(me(), Request::Refresh { handler })
            .await
            .unwrap();
    }

    let began = Instant::now();
    let weighed = live(&home, &clock).await;
    // First the end: a test that fails while the loop works would wait for ever.
    home.service.stop().await;
    home.close().await.unwrap();
    listening.abort();
    let (early, late) = weighed.unwrap();
    let (good, bad) = (good.load(Ordering::Relaxed), bad.load(Ordering::Relaxed));
    let took = began.elapsed().as_secs_f64();
    eprintln!("{good} runs in {took:.1} s; day 3: {early}; day 7: {late}");
    assert_eq!(bad, 0, "runs that were not good");
    assert!(good >= PROMISED, "{good} runs of {PROMISED}");
    assert!(late.own_kib <= early.own_kib + GROWTH_KIB, "memory grows");
    assert!(late.handles <= early.handles, "handles are left open");
    assert!(late.threads <= early.threads, "threads are left behind");
    assert!(
        late.database <= early.database + early.database / 10,
        "the database grows beyond what is kept"
    );
    assert!(
        late.ahead <= early.ahead + early.ahead / 10,
        "what is not yet in the database grows"
    );
}

/// Lets the week pass, and weighs the third and the seventh day: before the third, what is kept for a day was not complete and
/// had never been trimmed.
async fn live(home: &Home, clock: &LeapingClock) -> Result<(Weight, Weight), String> {
    let (mut early, mut late) = (None, None);
    let mut next_look = BEGINNING.0 + 2 * DAY_MS;
    let mut now = BEGINNING;
    loop {
        settle(home).await?;
        if now.0 >= next_look {
            next_look += HOUR_MS;
            let day = (now.0 - BEGINNING.0) / DAY_MS + 1;
            let weight = Weight::of(&home.places().state_dir);
            if day == 3 {
                early = Some(weight.and(early));
            } else if day == 7 {
                late = Some(weight.and(late));
            }
        }
        now = clock.next().await?;
        if now.0 >= BEGINNING.0 + 7 * DAY_MS {
            break;
        }
    }
    let status = settle(home).await?;
    let items = status.total;
    match early.zip(late) {
        Some(weights) if items == ITEMS => Ok(weights),
        _ => Err(format!("{items} items, and {early:?}, {late:?}")),
    }
}

fn me() -> Caller {
    Caller {
        name: "a test".to_owned(),
    }
}

/// Waits until no run is open and no process lives; then only time can begin something.
async fn settle(home: &Home) -> Result<StatusView, String> {
    let began = Instant::now();
    loop {
        let answer = home.service.call(me(), Request::Status).await;
        let Ok(Reply::Status(status)) = answer else {
            return Err(format!("no status: {answer:?}"));
        };
        if status.running.is_empty() && children() == 0 {
            return Ok(*status);
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("runs {:?} do not end", status.running));
        }
        tokio::time::sleep(LOOK).await;
    }
}
