//! Rules on sleep and on the end of the session, within the time that logind grants.

use std::time::{Duration, Instant};

use zbus::wire::Variant;

use crate::bus::Mock;
use crate::machine::{Desktop, MANAGER, PATH, has_inhibitors, prepare};
use crate::world::Running;

const RULES: &str = "[manager]\nstop_grace = \"2s\"\n[[rule]]\nname = \"away\"\nitems = [\"player\"]\non = [\"suspend\", \"logoff\"]\n";

/// With a daemon that logind waits for, for three seconds.
async fn watched() -> (Desktop, Mock, Running) {
    let desktop = Desktop::new("a", RULES);
    let logind = desktop.logind().await;
    let patience = (MANAGER, "InhibitDelayMaxUSec", Variant::from(3_000_000_u64));
    logind.script(PATH, "AddProperty", &patience).await;
    let daemon = desktop.daemon();
    has_inhibitors(&logind, "delay", &["sleep:shutdown"]).await;
    (desktop, logind, daemon)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn a_handler_that_needs_longer_than_the_delay_is_asked_to_stop_and_caught_up_after_the_sleep()
{
    let (desktop, logind, _daemon) = watched().await;
    desktop.plan("slow");
    let began = Instant::now();
    prepare(&logind, "PrepareForSleep", true).await;
    // It is held for the run, and let go as soon as that has stopped.
    has_inhibitors(&logind, "delay", &[]).await;
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(900), "{took:?}");
    desktop.says(
        &["log", "player"],
        "a: not finished, because the machine is about to sleep",
    );
    desktop.says(&["runs"], "stopped");
    desktop.says(&["why", "a"], "the machine is about to sleep");
    desktop.plan("");
    prepare(&logind, "PrepareForSleep", false).await;
    has_inhibitors(&logind, "delay", &["sleep:shutdown"]).await;
    desktop.says(&["log", "player"], "a: caught up for the sleep at ");
    desktop.says(&["runs", "--json"], r#""trigger":"catch-up""#);
    desktop.says(&["status", "--json"], r#""exit":0"#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn a_handler_that_hangs_keeps_the_machine_no_longer_than_it_waits() {
    let (desktop, logind, daemon) = watched().await;
    desktop.plan("hang");
    let began = Instant::now();
    prepare(&logind, "PrepareForShutdown", true).await;
    has_inhibitors(&logind, "delay", &[]).await;
    let took = began.elapsed();
    // A second is left of the three, and some for a busy machine.
    assert!(took >= Duration::from_millis(1_500), "{took:?}");
    desktop.says(
        &["log", "player"],
        "a: not finished, because the session is about to end",
    );
    // The machine goes off; the next daemon makes up for it.
    daemon.signal(rustix::process::Signal::KILL);
    drop(daemon.end());
    desktop.plan("");
    let _daemon = desktop.daemon();
    desktop.says(&["log", "player"], "a: caught up for the logoff at ");
    desktop.says(&["status", "--json"], r#""exit":0"#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn a_run_that_ends_in_time_lets_the_machine_go_at_once() {
    let (desktop, logind, _daemon) = watched().await;
    prepare(&logind, "PrepareForSleep", true).await;
    has_inhibitors(&logind, "delay", &[]).await;
    desktop.says(&["status", "--json"], r#""exit":0"#);
    desktop.run(&["log", "player"]).says_not("not finished");
}
