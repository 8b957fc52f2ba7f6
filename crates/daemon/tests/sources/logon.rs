//! A daemon that begins after the user's session did: a rule on `logon` starts once in each session, however often the daemon
//! is started and ended.

use std::sync::Arc;

use futures::future::BoxFuture;
use syncmgr_core::Timestamp;
use syncmgr_core::schedule::Zone;
use syncmgr_daemon::clock::Clock;
use syncmgr_daemon::open::{Home, Purpose};
use syncmgr_daemon::place::Environment;
use syncmgr_daemon::starter::Processes;
use zbus::wire::Variant;

use crate::desk::{Desk, Mock, eventually};
use crate::logind::{NAME, SESSION, add_session, has_inhibitors, me, tell};

/// One that stands still, so that nothing is tried again.
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        Timestamp(1_795_305_600_000)
    }

    fn reached(&self, _: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    fn zone(&self) -> Zone {
        Zone::utc()
    }
}

/// Two handlers that write a line for each of their starts, and are none otherwise.
const CONFIG: &str = r#"
[[handler]]
id = "greets"
command = ["/bin/sh", "-c", "echo started >> HERE/greeted"]

[[handler]]
id = "guards"
command = ["/bin/sh", "-c", "echo started >> HERE/guarded"]

[[item]]
handler = "greets"
id = "one"
name = "one"

[[item]]
handler = "guards"
id = "two"
name = "two"

[[rule]]
name = "at logon"
items = ["one"]
on = ["logon"]

[[rule]]
name = "at lock"
items = ["two"]
on = ["lock"]
"#;

fn starts(desk: &Desk, of: &str) -> usize {
    let lines = std::fs::read_to_string(desk.directory.path().join(of)).unwrap_or_default();
    lines.lines().count()
}

/// Lets a daemon live until it has heard what logind says and then of a locked screen; how often it started what waits for a
/// logon.
async fn live(desk: &Desk, logind: &Mock, session: &str, boot: &str) -> usize {
    let root = desk.directory.path().join("root");
    let boot_id = desk.directory.path().join("boot_id");
    std::fs::create_dir_all(root.join("config")).unwrap();
    let config = CONFIG.replace("HERE", &desk.directory.path().display().to_string());
    std::fs::write(root.join("config/config.toml"), config).unwrap();
    std::fs::write(&boot_id, format!("{boot}\n")).unwrap();
    let environment = Environment {
        syncmgr_home: Some(root.clone().into()),
        current_dir: root,
        program: desk.directory.path().join("no-built-in-handler"),
        ..Default::default()
    };
    let mut machine = desk.machine();
    machine.boot_id = boot_id;
    let (before, locked) = (starts(desk, "greeted"), starts(desk, "guarded"));
    let home = Home::open_with(
        &environment,
        Purpose::Daemon,
        Arc::new(Processes),
        Arc::new(Stopped),
        Box::new(move || machine.sources()),
    )
    .unwrap();
    // Once it makes the machine wait, it has told of the sessions that it found.
    has_inhibitors(logind, 1).await;
    logind.emit(session, (SESSION, "Lock"), "", vec![]).await;
    eventually("what waits for the lock", async || {
        starts(desk, "guarded") > locked
    })
    .await;
    home.service.stop().await;
    home.close().await.unwrap();
    has_inhibitors(logind, 0).await;
    starts(desk, "greeted") - before
}

async fn began(logind: &Mock, session: &str, at_us: u64) {
    logind
        .set(
            session,
            SESSION,
            &[("TimestampMonotonic", Variant::from(at_us))],
        )
        .await;
}

#[tokio::test]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn a_session_that_began_before_the_daemon_is_a_logon_once() {
    let desk = Desk::with_bus();
    let logind = desk.mock("logind", NAME).await;
    let first = add_session(&logind, "c1", me()).await;
    began(&logind, &first, 5_000_000).await;
    // Somebody else's says nothing.
    let foreign = add_session(&logind, "c7", me() + 1).await;
    began(&logind, &foreign, 900_000_000).await;
    assert_eq!(live(&desk, &logind, &first, "one").await, 1);
    assert_eq!(live(&desk, &logind, &first, "one").await, 0, "restarted");
    // What serves the user's services is no logon.
    let service = add_session(&logind, "c8", me()).await;
    began(&logind, &service, 800_000_000).await;
    logind
        .set(&service, SESSION, &[("Class", Variant::from("manager"))])
        .await;
    assert_eq!(live(&desk, &logind, &first, "one").await, 0, "a service");
    // Another one, of which the first outlives it.
    let second = add_session(&logind, "c2", me()).await;
    began(&logind, &second, 700_000_000).await;
    assert_eq!(live(&desk, &logind, &first, "one").await, 1, "unwatched");
    tell(&logind, "SessionRemoved", "c2", &second).await;
    began(&logind, &second, 1).await;
    assert_eq!(live(&desk, &logind, &first, "one").await, 0, "outlived");
    // The machine starts anew, and with it the time of sessions.
    began(&logind, &first, 4_000_000).await;
    assert_eq!(live(&desk, &logind, &first, "two").await, 1, "a new start");
    assert_eq!(live(&desk, &logind, &first, "two").await, 0);
}
