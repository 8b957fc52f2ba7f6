//! What a daemon costs that has nothing to do, beside pueued where that is installed.
//!
//! Memory and wake-ups are read from `/proc`: the resident set, what of it is nobody else's, and how often all threads gave
//! the processor up by themselves while nobody asked for anything.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;

use super::home::{Home, NO_PUEUE, Pueue};
use super::summary::Target;
use crate::{Words, report, run};

/// Resident memory of an idle daemon with few items.
const IDLE_MAX_MIB: f64 = 12.0;

/// Items of the daemon.
const ITEMS: u64 = 100;

/// How long a daemon settles before it counts as idle.
const SETTLE: Duration = Duration::from_secs(2);

/// How long it is watched where nothing but its memory is of interest: the daemon gives the pages of its code back meanwhile.
#[cfg(unix)]
pub(super) const QUIET: Duration = Duration::from_secs(8);

/// An idle program.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(super) struct Idle {
    /// Resident memory.
    pub(super) rss_mib: f64,
    /// What of it is no file: memory that nobody else could use.
    pub(super) own_mib: f64,
    /// Threads.
    threads: u64,
    /// How often they woke up in the time.
    wakeups: u64,
}

/// Runs the bench.
pub(super) fn run(mut words: Words) -> Result<bool> {
    let seconds = words.number("--seconds", 20)?.max(1);
    let items = words.number("--items", ITEMS)?.max(1);
    let program = words.value("--program")?;
    let install = words.flag("--install");
    let as_json = words.flag("--json");
    words.end()?;
    Pueue::install(install)?;
    let ours = super::ours(program)?;
    let trivial = super::trivial()?;
    let base = tempfile::Builder::new()
        .prefix("syncmgr-bench-")
        .tempdir()?;
    let span = Duration::from_secs(seconds);

    let config = super::sessions::handler("trivial", &trivial, items);
    let home = Home::new(&ours, base.path().join("idle"), &config)?;
    home.sync()?;
    let (daemon, _) = home.daemon()?;
    let idle = watch(daemon.0.id(), span)?;
    drop(daemon);

    let beside = match Pueue::find(base.path().join("pueue"))? {
        Some(pueue) => {
            let (daemon, _) = pueue.daemon()?;
            Some((pueue.version, watch(daemon.0.id(), span)?))
        }
        None => None,
    };
    show(idle, beside, seconds, items, as_json);
    Ok(true)
}

/// Lets a program settle, then reads what it costs while nobody wants anything of it.
pub(super) fn watch(process: u32, span: Duration) -> Result<Idle> {
    run::pause(SETTLE);
    let before = wakeups(process)?;
    run::pause(span);
    let after = wakeups(process)?;
    let status = status(process)?;
    Ok(Idle {
        rss_mib: mib(&status, "VmRSS:")?,
        own_mib: mib(&status, "RssAnon:")?,
        threads: field(&status, "Threads:").unwrap_or_default(),
        wakeups: after.saturating_sub(before),
    })
}

/// Answers how much memory of a process is no file.
pub(super) fn own_mib(process: u32) -> Result<f64> {
    mib(&status(process)?, "RssAnon:")
}

fn status(process: u32) -> Result<String> {
    fs::read_to_string(format!("/proc/{process}/status"))
        .context("the memory of programs is measured on Linux only")
}

fn mib(status: &str, name: &str) -> Result<f64> {
    let kib = field(status, name).with_context(|| format!("no {name} in /proc"))?;
    #[expect(
        clippy::cast_precision_loss,
        reason = "memory in KiB is far below what a double holds exactly"
    )]
    let mib = kib as f64 / 1024.0;
    Ok(mib)
}

/// How often all threads of a process gave the processor up by themselves so far.
fn wakeups(process: u32) -> Result<u64> {
    let tasks = fs::read_dir(format!("/proc/{process}/task"))
        .context("benches of idle programs are measured on Linux only")?;
    let mut sum = 0;
    for task in tasks.flatten() {
        let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
        sum += field(&status, "voluntary_ctxt_switches:").unwrap_or_default();
    }
    Ok(sum)
}

/// The number after a name that a line begins with.
fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn show(idle: Idle, beside: Option<(String, Idle)>, seconds: u64, items: u64, as_json: bool) {
    let target = Target {
        what: format!("idle daemon with {items} items, MiB"),
        bound: IDLE_MAX_MIB,
        measured: idle.rss_mib,
        at_most: true,
    };
    if as_json {
        let reached = target.reached();
        let beside = beside.map(|(version, idle)| json!({"version": version, "idle": idle}));
        report::line(json!({
            "bench": "idle", "seconds": seconds, "items": items, "syncmgr": idle, "pueued": beside,
            "targets": [{"target": target, "reached": reached}],
        }));
        return;
    }
    report::line(format_args!("\nidle for {seconds} s\n"));
    report::line(format_args!(
        "{:<28} {:>12} {:>10} {:>8} {:>9}",
        "what", "resident MiB", "own MiB", "threads", "wake-ups"
    ));
    let row = |name: &str, idle: Idle| {
        report::line(format_args!(
            "{name:<28} {:>12.1} {:>10.1} {:>8} {:>9}",
            idle.rss_mib, idle.own_mib, idle.threads, idle.wakeups
        ));
    };
    row(&format!("syncmgr daemon, {items} items"), idle);
    match beside {
        Some((version, idle)) => row(&format!("{version}, empty"), idle),
        None => report::line(NO_PUEUE),
    }
    report::line("cron keeps no state and serves nobody, so it is no peer here\n");
    report::line(target);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_by_their_name() {
        let status = "Name:\tx\nVmRSS:\t    9220 kB\nvoluntary_ctxt_switches:\t15\nnonvoluntary_ctxt_switches:\t3\n";
        assert_eq!(field(status, "VmRSS:"), Some(9_220));
        assert_eq!(field(status, "voluntary_ctxt_switches:"), Some(15));
        assert_eq!(field(status, "VmPeak:"), None);
    }
}
