//! A bus that begins anew while something works, and a NetworkManager that claims more than there is.

use std::time::Duration;

use zbus::wire::Variant;

use crate::machine::{Desktop, has_inhibitors, lock, prepare};

const NAME: &str = "org.freedesktop.NetworkManager";
const PATH: &str = "/org/freedesktop/NetworkManager";
const RULE: &str =
    "[[rule]]\nname = \"locked\"\nitems = [\"player\"]\non = [\"lock\", \"suspend\"]\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn a_bus_that_begins_anew_in_the_middle_is_used_again() {
    let mut desktop = Desktop::new("a", &format!("[manager]\nkeep_awake = \"always\"\n{RULE}"));
    let logind = desktop.logind().await;
    let _daemon = desktop.daemon();
    has_inhibitors(&logind, "delay", &["sleep:shutdown"]).await;
    desktop.plan("slow");
    prepare(&logind, "PrepareForSleep", true).await;
    // The signal is heard, and what it starts is at work, before the bus goes.
    desktop.says(&["runs", "--json"], r#""trigger":"suspend""#);
    drop(logind);
    desktop.bus.stop_bus();
    desktop.says(&["doctor"], "system bus");
    // It stops as it was about to, though nobody tells any more whether the machine leaves; nothing is lost.
    desktop.says(&["log", "player"], "it is caught up afterwards");
    desktop.plan("");
    desktop.bus.start_bus();
    let logind = desktop.logind().await;
    has_inhibitors(&logind, "delay", &["sleep:shutdown"]).await;
    desktop.says(
        &["doctor"],
        "watched by logind, which waits for the manager",
    );
    // The end of the departure was told to nobody.
    desktop.says(&["log", "player"], "a: caught up for the sleep at ");
    desktop.says(&["status", "--json"], r#""exit":0"#);
    lock(&logind).await;
    desktop.says(&["runs", "--json"], r#""trigger":"lock""#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn a_network_that_is_only_claimed_is_told_and_never_spun_for() {
    let rule = format!("{RULE}when = [\"network\"]\n");
    let desktop = Desktop::new("a", &rule);
    let logind = desktop.logind().await;
    let manager = desktop.bus.mock("networkmanager", NAME).await;
    let claims = |state: u32, connectivity: u32| {
        [
            ("State", Variant::from(state)),
            ("Connectivity", Variant::from(connectivity)),
        ]
    };
    // In this namespace there is not even a link.
    manager.set(PATH, NAME, &claims(70, 4)).await;
    let daemon = desktop.daemon();
    has_inhibitors(&logind, "delay", &["sleep:shutdown"]).await;
    lock(&logind).await;
    desktop.says(&["why", "a"], "names are not resolved yet");
    // Of itself it says now this, now that.
    let before = spent(daemon.id());
    for (state, connectivity) in [(70, 1), (20, 4), (70, 4), (4_000_000, 4), (70, 4)] {
        manager.set(PATH, NAME, &claims(state, connectivity)).await;
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    manager.set(PATH, NAME, &claims(4_000_000, 9)).await;
    desktop.says(&["doctor"], "State cannot be 4000000");
    desktop.says(&["why", "a"], "no usable network");
    tokio::time::sleep(Duration::from_secs(3)).await;
    let spent = spent(daemon.id()).saturating_sub(before);
    assert!(spent < Duration::from_secs(2), "{spent:?}");
    desktop
        .run(&["runs", "--json"])
        .says_not(r#""trigger":"lock""#);
}

/// The processor time that a process took.
fn spent(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split(' ').collect();
    let ticks: u64 = [12, 13]
        .iter()
        .map(|at| fields[*at].parse::<u64>().unwrap())
        .sum();
    Duration::from_millis(ticks * 10)
}
