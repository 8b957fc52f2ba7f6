//! How long nobody used the machine: logind, screen savers and compositors.

use std::time::Duration;

use syncmgr_core::Timestamp;
use syncmgr_core::condition::Fact;
use syncmgr_daemon::source::{Observation, Subject, Wanted};
use zbus::wire::Variant;

use crate::desk::{Desk, Ear, Mock, eventually};

const MONITOR: &str = "org.gnome.Mutter.IdleMonitor";
const MONITOR_PATH: &str = "/org/gnome/Mutter/IdleMonitor/Core";
const SAVER: &str = "org.freedesktop.ScreenSaver";
const SAVER_PATH: &str = "/org/freedesktop/ScreenSaver";
const LOGIND: &str = "org.freedesktop.login1";

/// A compositor that counts; its watches have numbers from 1, and are told apart by what was asked for.
const COMPOSITOR: &str = r#"
BUS_NAME = 'org.gnome.Mutter.IdleMonitor'
MAIN_OBJ = '/org/gnome/Mutter/IdleMonitor/Core'
MAIN_IFACE = 'org.gnome.Mutter.IdleMonitor'
SYSTEM_BUS = False

def load(mock, parameters):
    mock.idle = 0
    mock.watches = []
    mock.AddMethods(MAIN_IFACE, [
        ('GetIdletime', '', 't', 'ret = self.idle'),
        ('AddIdleWatch', 't', 'u', 'self.watches.append(int(args[0])); ret = len(self.watches)'),
        ('AddUserActiveWatch', '', 'u', 'self.watches.append(0); ret = len(self.watches)'),
        ('RemoveWatch', 'u', '', 'self.watches[args[0] - 1] = -1'),
        ('SetIdle', 't', '', 'self.idle = args[0]'),
        ('Watches', '', 'ax', 'ret = dbus.Array(self.watches, signature="x")'),
    ])
"#;

/// A screen saver.
const SCREEN_SAVER: &str = r#"
BUS_NAME = 'org.freedesktop.ScreenSaver'
MAIN_OBJ = '/org/freedesktop/ScreenSaver'
MAIN_IFACE = 'org.freedesktop.ScreenSaver'
SYSTEM_BUS = False

def load(mock, parameters):
    mock.active = False
    mock.AddMethods(MAIN_IFACE, [
        ('GetActive', '', 'b', 'ret = self.active'),
        ('GetActiveTime', '', 'u', 'ret = 120 if self.active else 0'),
        ('SetActive', 'b', '', 'self.active = bool(args[0])'),
    ])
"#;

async fn scripted(desk: &Desk, name: &str, template: &str) -> Mock {
    let file = desk.directory.path().join(format!("{name}.py"));
    std::fs::write(&file, template).unwrap();
    desk.mock(file.to_str().unwrap(), name).await
}

fn wanting(desk: &Desk, minutes: u64) -> Ear {
    let mut ear = desk.watch();
    want(&mut ear, minutes);
    ear
}

fn want(ear: &mut Ear, minutes: u64) {
    ear.want(Wanted {
        idle: Some(Duration::from_secs(minutes * 60)),
        ..Wanted::default()
    });
}

/// Waits until nobody is there since about so many seconds.
async fn nobody_for(ear: &mut Ear, seconds: i64) {
    let since = ear
        .until("nobody there", |observation| match observation {
            Observation::Fact(Fact::Idle { since }) => since,
            _ => None,
        })
        .await;
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let late = i64::try_from(now.as_millis()).unwrap() - since.0 - seconds * 1_000;
    assert!((0..60_000).contains(&late), "{late} ms");
}

async fn watches(compositor: &Mock) -> Vec<i64> {
    let answer = compositor.call(MONITOR_PATH, MONITOR, "Watches", &()).await;
    answer.body().deserialize().unwrap()
}

async fn watches_are(compositor: &Mock, expected: &[i64]) {
    eventually(&format!("watches {expected:?}"), async || {
        watches(compositor).await == expected
    })
    .await;
}

async fn fire(compositor: &Mock, watch: u32) {
    compositor
        .emit(
            MONITOR_PATH,
            (MONITOR, "WatchFired"),
            "u",
            vec![Variant::from(watch)],
        )
        .await;
}

async fn idle_for(compositor: &Mock, millis: u64) {
    compositor
        .call(MONITOR_PATH, MONITOR, "SetIdle", &millis)
        .await;
}

#[tokio::test]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn a_compositor_that_counts_is_believed_and_asked_for_nothing_else() {
    let desk = Desk::with_bus();
    let compositor = scripted(&desk, MONITOR, COMPOSITOR).await;
    let mut ear = wanting(&desk, 15);
    ear.watching(Subject::Idle, "compositor").await;
    watches_are(&compositor, &[900_000]).await;
    idle_for(&compositor, 900_000).await;
    fire(&compositor, 1).await;
    nobody_for(&mut ear, 900).await;
    watches_are(&compositor, &[900_000, 0]).await;
    // Somebody comes; watches of other programs are theirs.
    fire(&compositor, 77).await;
    idle_for(&compositor, 0).await;
    fire(&compositor, 2).await;
    ear.fact(Fact::Idle { since: None }).await;
    // Somebody else waits for less.
    want(&mut ear, 5);
    watches_are(&compositor, &[-1, 0, 300_000]).await;
    // It goes, and logind is there.
    let logind = desk.mock("logind", LOGIND).await;
    drop(compositor);
    ear.watching(Subject::Idle, "logind").await;
    drop(logind);
    ear.unavailable(Subject::Idle, "login1 does not run").await;
}

#[tokio::test]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn a_compositor_in_front_of_which_nobody_is_already_says_so() {
    let desk = Desk::with_bus();
    let compositor = scripted(&desk, MONITOR, COMPOSITOR).await;
    idle_for(&compositor, 1_200_000).await;
    let mut ear = wanting(&desk, 15);
    nobody_for(&mut ear, 1_200).await;
    watches_are(&compositor, &[900_000, 0]).await;
}

#[tokio::test]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn a_screen_saver_that_is_active_says_that_nobody_is_there() {
    let desk = Desk::with_bus();
    let saver = scripted(&desk, SAVER, SCREEN_SAVER).await;
    let mut ear = wanting(&desk, 15);
    ear.watching(Subject::Idle, "the screen saver").await;
    for active in [true, false] {
        saver.call(SAVER_PATH, SAVER, "SetActive", &active).await;
        saver
            .emit(
                SAVER_PATH,
                (SAVER, "ActiveChanged"),
                "b",
                vec![Variant::from(active)],
            )
            .await;
        if active {
            nobody_for(&mut ear, 120).await;
        } else {
            ear.fact(Fact::Idle { since: None }).await;
        }
    }
}

#[tokio::test]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn logind_alone_is_asked_while_nobody_waits_for_idleness() {
    let desk = Desk::with_bus();
    let compositor = scripted(&desk, MONITOR, COMPOSITOR).await;
    let logind = desk.mock("logind", LOGIND).await;
    let mut ear = desk.watch();
    ear.watching(Subject::Idle, "logind").await;
    let at = Timestamp(1_700_000_000_123);
    logind
        .set(
            "/org/freedesktop/login1",
            "org.freedesktop.login1.Manager",
            &[
                ("IdleHint", Variant::from(true)),
                ("IdleSinceHint", Variant::from(1_700_000_000_123_456_u64)),
            ],
        )
        .await;
    ear.fact(Fact::Idle { since: Some(at) }).await;
    assert_eq!(watches(&compositor).await, [0_i64; 0]);
}
