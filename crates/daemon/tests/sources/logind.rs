//! Sessions, screens, sleep and idleness.

use std::time::Duration;

use syncmgr_core::Timestamp;
use syncmgr_core::condition::Fact;
use syncmgr_daemon::source::{Happening, Leaving, Subject};
use zbus::wire::{ObjectPath, Variant};

use crate::desk::{Desk, Mock, eventually};

pub(crate) const NAME: &str = "org.freedesktop.login1";
const PATH: &str = "/org/freedesktop/login1";
const MANAGER: &str = "org.freedesktop.login1.Manager";
pub(crate) const SESSION: &str = "org.freedesktop.login1.Session";

pub(crate) async fn add_session(logind: &Mock, id: &str, user: u32) -> String {
    let path = logind
        .script(PATH, "AddSession", &(id, "seat0", user, "somebody", true))
        .await;
    path.body().deserialize().unwrap()
}

pub(crate) async fn tell(logind: &Mock, signal: &str, id: &str, path: &str) {
    let arguments = vec![
        Variant::from(id),
        Variant::from(ObjectPath::try_from(path).unwrap()),
    ];
    logind.emit(PATH, (MANAGER, signal), "so", arguments).await;
}

async fn prepare(logind: &Mock, signal: &str, leaves: bool) {
    logind
        .emit(PATH, (MANAGER, signal), "b", vec![Variant::from(leaves)])
        .await;
}

async fn inhibitors(logind: &Mock) -> Vec<(String, String, String, String, u32, u32)> {
    let answer = logind.call(PATH, MANAGER, "ListInhibitors", &()).await;
    answer.body().deserialize().unwrap()
}

pub(crate) async fn has_inhibitors(logind: &Mock, count: usize) {
    eventually(&format!("{count} inhibitors"), async || {
        inhibitors(logind).await.len() == count
    })
    .await;
}

pub(crate) fn me() -> u32 {
    rustix::process::getuid().as_raw()
}

#[tokio::test]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn sessions_and_screens() {
    let desk = Desk::with_bus();
    let logind = desk.mock("logind", NAME).await;
    let first = add_session(&logind, "c1", me()).await;
    let mut ear = desk.watch();
    ear.watching(Subject::Session, "logind").await;
    ear.watching(Subject::Sleep, "waits for the manager").await;
    let foreign = add_session(&logind, "c8", me() + 1).await;
    tell(&logind, "SessionNew", "c8", &foreign).await;
    let second = add_session(&logind, "c2", me()).await;
    tell(&logind, "SessionNew", "c2", &second).await;
    let started = |happening| matches!(happening, Happening::SessionStarted { .. }).then_some(());
    ear.happening("a session", started).await;
    // Of the other user nothing is told.
    logind.emit(&foreign, (SESSION, "Lock"), "", vec![]).await;
    logind.emit(&first, (SESSION, "Lock"), "", vec![]).await;
    ear.happening("a locked screen", |is| {
        matches!(is, Happening::Locked).then_some(())
    })
    .await;
    // The hint says the same once more, and then the opposite.
    logind
        .set(&first, SESSION, &[("LockedHint", Variant::from(true))])
        .await;
    logind
        .set(
            &first,
            SESSION,
            &[("LockedHint", Variant::from("nonsense"))],
        )
        .await;
    logind
        .set(&first, SESSION, &[("LockedHint", Variant::from(false))])
        .await;
    ear.happening("an unlocked screen", |is| {
        matches!(is, Happening::Unlocked).then_some(())
    })
    .await;
    tell(&logind, "SessionRemoved", "c8", &foreign).await;
    tell(&logind, "SessionRemoved", "c1", &first).await;
    tell(&logind, "SessionRemoved", "c2", &second).await;
    let ended = |happening| match happening {
        Happening::SessionEnded { last } => Some(last),
        _ => None,
    };
    assert!(!ear.happening("an end", ended).await);
    assert!(ear.happening("the last end", ended).await);
    assert_eq!(ear.heard("SessionStarted"), 1);
    assert_eq!(ear.heard("Happened(Locked)"), 1);
}

#[tokio::test]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn idleness() {
    let desk = Desk::with_bus();
    let logind = desk.mock("logind", NAME).await;
    let mut ear = desk.watch();
    ear.fact(Fact::Idle { since: None }).await;
    let since = |micros: u64| {
        [
            ("IdleHint", Variant::from(true)),
            ("IdleSinceHint", Variant::from(micros)),
        ]
    };
    logind
        .set(PATH, MANAGER, &since(1_700_000_000_123_456))
        .await;
    let at = Timestamp(1_700_000_000_123);
    ear.fact(Fact::Idle { since: Some(at) }).await;
    logind
        .set(PATH, MANAGER, &[("IdleHint", Variant::from(false))])
        .await;
    ear.fact(Fact::Idle { since: None }).await;
}

#[tokio::test]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn sleep_waits_for_the_hold_and_not_for_ever() {
    let desk = Desk::with_bus();
    let logind = desk.mock("logind", NAME).await;
    let mut ear = desk.watch();
    ear.watching(Subject::Sleep, "waits for the manager").await;
    has_inhibitors(&logind, 1).await;
    let one = inhibitors(&logind).await.remove(0);
    assert_eq!(
        (&*one.0, &*one.1, &*one.3),
        ("sleep:shutdown", "syncmgr", "delay")
    );
    let leaving = |happening| match happening {
        Happening::Leaving { how, at_most, hold } => Some((how, at_most, hold)),
        _ => None,
    };

    prepare(&logind, "PrepareForSleep", true).await;
    let (how, at_most, hold) = ear.happening("sleep", leaving).await;
    assert_eq!((how, at_most), (Leaving::Sleep, Duration::from_secs(4)));
    // Signals are still heard while it holds.
    logind
        .set(PATH, MANAGER, &[("IdleHint", Variant::from(true))])
        .await;
    ear.until("idleness while leaving", |observation| {
        format!("{observation:?}").contains("Idle {").then_some(())
    })
    .await;
    assert_eq!(inhibitors(&logind).await.len(), 1);
    drop(hold);
    has_inhibitors(&logind, 0).await;

    prepare(&logind, "PrepareForSleep", false).await;
    let back = |happening| matches!(happening, Happening::Back(Leaving::Sleep)).then_some(());
    ear.happening("waking", back).await;
    has_inhibitors(&logind, 1).await;

    // Whoever forgets its hold is not waited for: the patience is 3 s, less a margin.
    let patience = (MANAGER, "InhibitDelayMaxUSec", Variant::from(3_000_000_u64));
    logind.script(PATH, "AddProperty", &patience).await;
    let impatient = desk.watch();
    has_inhibitors(&logind, 2).await;
    drop(impatient);
    // Dropped with whoever watched.
    has_inhibitors(&logind, 1).await;
    drop(ear);
    has_inhibitors(&logind, 0).await;
    let mut ear = desk.watch();
    has_inhibitors(&logind, 1).await;
    prepare(&logind, "PrepareForShutdown", true).await;
    let (how, at_most, forgotten) = ear.happening("shutdown", leaving).await;
    assert_eq!((how, at_most), (Leaving::Shutdown, Duration::from_secs(2)));
    has_inhibitors(&logind, 0).await;
    drop(forgotten);
}

#[tokio::test]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn a_bus_that_comes_late_and_goes() {
    let mut desk = Desk::new();
    let mut ear = desk.watch();
    ear.unavailable(Subject::Session, "no system bus").await;
    desk.start_bus();
    ear.unavailable(Subject::Session, "login1 does not run")
        .await;
    let logind = desk.mock("logind", NAME).await;
    ear.watching(Subject::Session, "logind").await;
    drop(logind);
    ear.unavailable(Subject::Session, "login1 does not run")
        .await;
    let _logind = desk.mock("logind", NAME).await;
    ear.watching(Subject::Session, "logind").await;
    desk.stop_bus();
    ear.unavailable(Subject::Idle, "system bus").await;
    desk.start_bus();
    let _logind = desk.mock("logind", NAME).await;
    ear.watching(Subject::Idle, "logind").await;
}
