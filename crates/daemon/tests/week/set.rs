//! The same daemon while its clock is set, ten years forward and ten years back: what is due starts, and nothing spins.

use std::sync::Arc;

use syncmgr_control::{Reply, Request, Service as _};
use syncmgr_core::Timestamp;
use syncmgr_daemon::open::{Home, Purpose};
use syncmgr_daemon::place::Environment;
use syncmgr_daemon::source::Machine;
use syncmgr_daemon::starter::Processes;

use crate::leap::LeapingClock;
use crate::{BEGINNING, DAY_MS, HOUR_MS, MINUTE_MS, configuration, handler, me, settle};

const TEN_YEARS_MS: i64 = 3653 * DAY_MS;

/// The runs of a day: every quarter of an hour, every hour, every night, and every 100 minutes after the last one.
const A_DAY: usize = 24 * 4 + 24 + 1 + 14;

/// Runs that a set clock may add or take away in a day: each of three calendars is caught up once, and each of four rules may
/// be due at both ends of the day, or at none.
const SLACK: usize = 3 + 4;

/// How often more than on any other day the daemon may wake on one on which the clock is set.
const WAKES: usize = 20;

async fn runs(home: &Home) -> usize {
    let mut seen = 0;
    let mut before = None;
    loop {
        let page = Request::Runs {
            name: None,
            before,
            limit: 1_000,
        };
        let answer = home.service.call(me(), page).await;
        let Ok(Reply::Runs(page)) = answer else {
            panic!("{answer:?}");
        };
        let Some(last) = page.last() else {
            return seen;
        };
        (seen, before) = (seen + page.len(), Some(last.id));
    }
}

async fn log(home: &Home) -> String {
    let page = Request::Log {
        name: None,
        run: None,
        at_least: None,
        before: None,
        limit: 1_000,
    };
    format!("{:?}", home.service.call(me(), page).await)
}

/// Lets a day pass; how often the daemon was awake for something.
async fn day(home: &Home, clock: &LeapingClock, from: Timestamp) -> Result<usize, String> {
    for wakes in 0..10_000 {
        settle(home).await?;
        if clock.next().await?.0 >= from.0 + DAY_MS {
            return Ok(wakes);
        }
    }
    Err("it spins".to_owned())
}

async fn live(home: &Home, clock: &LeapingClock) -> Result<(), String> {
    let usual = day(home, clock, BEGINNING).await?;
    settle(home).await?;
    let mut now = BEGINNING.0 + DAY_MS;
    for (by, told) in [
        (TEN_YEARS_MS, "the clock was set forward by 3653 days"),
        (-TEN_YEARS_MS, "the clock was set back by 3653 days"),
        (-TEN_YEARS_MS, "the clock was set back by 3653 days"),
        (TEN_YEARS_MS, "the clock was set forward by 3653 days"),
        (
            -3 * HOUR_MS - MINUTE_MS,
            "the clock was set back by 3 h 1 min",
        ),
    ] {
        let before = runs(home).await;
        clock.set(by);
        now += by;
        let wakes = day(home, clock, Timestamp(now)).await?;
        settle(home).await?;
        now += DAY_MS;
        let started = runs(home).await - before;
        // Three hours that come again are not run twice, which is for calendars.
        let least = if by.abs() < DAY_MS { A_DAY - 17 } else { A_DAY };
        eprintln!("set by {by} ms: {started} runs in a day, {wakes} wakes");
        if !(least - SLACK..=A_DAY + SLACK).contains(&started) {
            return Err(format!("{started} runs after the clock was set by {by}"));
        }
        if wakes > usual + WAKES {
            return Err(format!("awake {wakes} times, usually {usual} times"));
        }
        if !log(home).await.contains(told) {
            return Err(format!("the log does not say: {told}"));
        }
        let name = "often".to_owned();
        let list = home
            .service
            .call(
                me(),
                Request::List {
                    names: vec![name],
                    hidden: true,
                },
            )
            .await;
        if format!("{list:?}").contains("Overdue") {
            return Err(format!("a lie: {list:?}"));
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs an example of another crate: cargo xtask suite week"]
async fn a_clock_that_is_set_by_ten_years_starts_what_is_due_and_nothing_spins() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("home/config")).unwrap();
    let text = configuration(&handler()).replace("1 day", "9000 days");
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
    for handler in ["often", "hourly", "again", "nightly"].map(str::to_owned) {
        home.service
            .call(me(), Request::Refresh { handler })
            .await
            .unwrap();
    }
    let lived = live(&home, &clock).await;
    home.service.stop().await;
    home.close().await.unwrap();
    lived.unwrap();
}
