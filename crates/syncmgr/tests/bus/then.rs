//! A synchronization before leaving.

use crate::bus::Mock;
use crate::machine::{Desktop, MANAGER, PATH, calls};

async fn answers(logind: &Mock, method: &str, answer: &str) {
    let code = format!("ret = '{answer}'");
    logind
        .script(PATH, "AddMethod", &(MANAGER, method, "", "s", code))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn the_machine_leaves_after_a_good_run_alone() {
    let desktop = Desktop::new("a b", "");
    let logind = desktop.logind().await;
    desktop.run(&["refresh", "player"]).exits(0);
    desktop.run(&["sync", "--then", "suspend"]).exits(0);
    assert_eq!(calls(&logind, "Suspend").await, 1);
    assert_eq!(calls(&logind, "PowerOff").await, 0);
    desktop.plan("b");
    let failed = desktop.run(&["sync", "--then", "poweroff"]);
    assert_ne!(failed.code, Some(0), "{failed}");
    assert_eq!(calls(&logind, "PowerOff").await, 0);
    let failed = desktop.run(&["sync", "--then", "poweroff", "--then-anyway"]);
    assert_ne!(failed.code, Some(0), "{failed}");
    assert_eq!(calls(&logind, "PowerOff").await, 1);
    // The same with a daemon.
    let _daemon = desktop.daemon();
    desktop.plan("");
    desktop.run(&["sync", "--then", "suspend"]).exits(0);
    assert_eq!(calls(&logind, "Suspend").await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs dbus: cargo xtask suite sources"]
async fn a_machine_that_may_not_leave_is_not_synchronized_for_it() {
    let desktop = Desktop::new("a", "");
    let logind = desktop.logind().await;
    desktop.run(&["refresh", "player"]).exits(0);
    for (answer, why) in [
        ("no", "this user may not"),
        ("na", "the machine does not support it"),
        ("challenge", "logind wants a password for it"),
        ("perhaps\u{1b}", "logind answers"),
    ] {
        answers(&logind, "CanSuspend", answer).await;
        let refused = desktop.run(&["sync", "--then", "suspend"]);
        assert_ne!(refused.code, Some(0), "{refused}");
        refused.says("leave::not-allowed").says(why);
        assert!(!refused.err.contains('\u{1b}'), "{refused}");
    }
    assert_eq!(calls(&logind, "Suspend").await, 0);
    desktop.run(&["runs"]).says_not("player");
    drop(logind);
    let alone = desktop.run(&["sync", "--then", "poweroff"]);
    alone.says("leave::not-allowed").says("logind refuses");
}
