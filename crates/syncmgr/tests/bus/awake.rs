//! Keeping the machine awake during a run.

use zbus::wire::Variant;

use crate::machine::{Desktop, has_inhibitors, lock};

const RULE: &str = "[[rule]]\nname = \"locked\"\nitems = [\"player\"]\non = [\"lock\"]\n";
const BOTH: &[&str] = &["sleep:idle"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn a_run_keeps_the_machine_awake_until_it_ends() {
    let desktop = Desktop::new("a", &format!("[manager]\nkeep_awake = \"always\"\n{RULE}"));
    let logind = desktop.logind().await;
    let _daemon = desktop.daemon();
    has_inhibitors(&logind, "block", &[]).await;
    desktop.plan("slow");
    has_inhibitors(&logind, "delay", &["sleep:shutdown"]).await;
    lock(&logind).await;
    has_inhibitors(&logind, "block", BOTH).await;
    desktop.run(&["status"]).says("awake");
    desktop.run(&["stop"]).exits(0);
    has_inhibitors(&logind, "block", &[]).await;
    // It ends with the daemon too, whatever becomes of that.
    lock(&logind).await;
    has_inhibitors(&logind, "block", BOTH).await;
    _daemon.signal(rustix::process::Signal::KILL);
    has_inhibitors(&logind, "block", &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn no_longer_than_it_is_allowed() {
    let settings = "[manager]\nkeep_awake = \"always\"\nkeep_awake_for = \"2s\"\n";
    let desktop = Desktop::new("a", &format!("{settings}{RULE}"));
    let logind = desktop.logind().await;
    let _daemon = desktop.daemon();
    desktop.plan("slow");
    has_inhibitors(&logind, "delay", &["sleep:shutdown"]).await;
    lock(&logind).await;
    has_inhibitors(&logind, "block", BOTH).await;
    has_inhibitors(&logind, "block", &[]).await;
    // The run goes on.
    desktop.says(&["runs", "--json"], r#""trigger":"lock""#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn on_mains_only_where_that_is_wanted() {
    const NAME: &str = "org.freedesktop.UPower";
    const UPOWER: &str = "/org/freedesktop/UPower";
    let desktop = Desktop::new("a", &format!("[manager]\nkeep_awake = \"mains\"\n{RULE}"));
    let logind = desktop.logind().await;
    let upower = desktop.bus.mock("upower", NAME).await;
    let battery = (
        2_i32, 2_i32, 71.5_f64, 50.0_f64, 70.0_f64, 9.0_f64, 3_600_i64, 0_i64, true, "", 1_i32,
    );
    upower.script(UPOWER, "SetupDisplayDevice", &battery).await;
    let on_battery = |on: bool| [("OnBattery", Variant::from(on))];
    upower.set(UPOWER, NAME, &on_battery(true)).await;
    let _daemon = desktop.daemon();
    desktop.says(&["doctor"], "watched by UPower");
    has_inhibitors(&logind, "delay", &["sleep:shutdown"]).await;
    desktop.plan("slow");
    lock(&logind).await;
    desktop.says(&["runs", "--json"], r#""trigger":"lock""#);
    has_inhibitors(&logind, "block", &[]).await;
    upower.set(UPOWER, NAME, &on_battery(false)).await;
    has_inhibitors(&logind, "block", BOTH).await;
    upower.set(UPOWER, NAME, &on_battery(true)).await;
    has_inhibitors(&logind, "block", &[]).await;
}
