//! What a daemon costs that has nothing to do, and how fast it begins with a long history; beside pueued where that is
//! installed.
//!
//! Memory and wake-ups are read from `/proc`: the resident set, and how often all threads gave the processor up by
//! themselves while nobody asked for anything.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use super::summary::{Spread, Target};
use crate::{Words, report, run, sys};

/// Resident memory of an idle daemon with few items.
const IDLE_MAX_MIB: f64 = 12.0;

/// Time from the start of the daemon to the first command that it serves, with a long history.
const START_MAX_MS: f64 = 150.0;

/// Items of the daemon whose memory is measured.
const FEW: u64 = 100;

/// Items of the daemon whose start is measured.
const MANY: u64 = 1_000;

/// How long a program may take to be ready or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a daemon settles before it counts as idle.
const SETTLE: Duration = Duration::from_secs(2);

/// How often it is looked whether a program is ready.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// An idle program.
#[derive(Debug, Clone, Copy, serde::Serialize)]
struct Idle {
    /// Resident memory.
    rss_mib: f64,
    /// How often its threads woke up in the time.
    wakeups: u64,
}

/// Runs the bench.
pub(super) fn run(mut words: Words) -> Result<bool> {
    let seconds = words.number("--seconds", 20)?.max(1);
    let events = words.number("--events", 100_000)?;
    let runs = words.number("--runs", 5)?.max(1);
    let as_json = words.flag("--json");
    words.end()?;
    let ours = super::build(&["-p", "syncmgr"], "syncmgr", true)?;
    let trivial = super::build(
        &["-p", "syncmgr-handler", "--example", "trivial"],
        "trivial",
        true,
    )?;
    let base = tempfile::Builder::new()
        .prefix("syncmgr-bench-")
        .tempdir()?;
    let span = Duration::from_secs(seconds);

    let home = Home::new(&ours, base.path().join("idle"), &trivial, FEW)?;
    home.sync()?;
    let (daemon, _) = home.daemon()?;
    let idle = watch(daemon.0.id(), span)?;
    drop(daemon);

    let home = Home::new(&ours, base.path().join("history"), &trivial, MANY)?;
    // Each run tells of every item, and of its own beginning and end.
    for _ in 0..events.div_ceil(MANY) {
        home.sync()?;
    }
    let mut starts = Vec::new();
    for _ in 0..runs {
        let (daemon, start) = home.daemon()?;
        starts.push(start.as_secs_f64() * 1_000.0);
        drop(daemon);
    }
    let starts = Spread::of(starts);
    let beside = pueued(&base.path().join("pueue"), span)?;
    show(idle, starts, beside, seconds, events, as_json);
    Ok(true)
}

/// A home with one trivial handler.
struct Home<'p> {
    program: &'p Path,
    at: PathBuf,
}

impl<'p> Home<'p> {
    fn new(program: &'p Path, at: PathBuf, trivial: &Path, items: u64) -> Result<Self> {
        fs::create_dir_all(at.join("config"))?;
        fs::write(
            at.join("config/config.toml"),
            super::sessions::handler("trivial", trivial, items),
        )?;
        Ok(Self { program, at })
    }

    fn command(&self, word: &str) -> Command {
        let mut command = run::command(self.program);
        command
            .env("SYNCMGR_HOME", &self.at)
            .env("HOME", &self.at)
            .arg(word)
            .stdin(Stdio::null());
        command
    }

    fn sync(&self) -> Result<()> {
        run::output(&mut self.command("sync")).map(drop)
    }

    /// Starts the daemon, and says how long it took until it served commands.
    fn daemon(&self) -> Result<(Started, Duration)> {
        let mut command = self.command("daemon");
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let began = run::now();
        let mut daemon = Started(command.spawn().context("could not start the daemon")?);
        let said = daemon
            .0
            .stderr
            .take()
            .context("the daemon has no standard error")?;
        let mut line = String::new();
        BufReader::new(said).read_line(&mut line)?;
        let took = run::now().duration_since(began);
        if !line.contains("serves every command") {
            bail!("the daemon did not begin: {}", line.trim());
        }
        Ok((daemon, took))
    }
}

/// A program that ends with the bench, whatever becomes of it.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        if self.0.kill().and_then(|()| self.0.wait()).is_err() {
            report::complain("a measured program could not be ended");
        }
    }
}

/// Lets a program settle, then reads what it costs while nobody wants anything of it.
fn watch(process: u32, span: Duration) -> Result<Idle> {
    run::pause(SETTLE);
    let before = wakeups(process)?;
    run::pause(span);
    let after = wakeups(process)?;
    let status = fs::read_to_string(format!("/proc/{process}/status"))
        .context("benches of idle programs are measured on Linux only")?;
    #[expect(
        clippy::cast_precision_loss,
        reason = "memory in KiB is far below what a double holds exactly"
    )]
    let rss_mib = field(&status, "VmRSS:").context("no resident set in /proc")? as f64 / 1024.0;
    Ok(Idle {
        rss_mib,
        wakeups: after.saturating_sub(before),
    })
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

/// The same of pueued, when it is installed: a daemon that keeps a queue of tasks for one user.
fn pueued(home: &Path, span: Duration) -> Result<Option<(String, Idle, f64)>> {
    let Some(version) = run::version("pueued", "--version") else {
        return Ok(None);
    };
    fs::create_dir_all(home)?;
    let mut command = run::command("pueued");
    command
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_RUNTIME_DIR", home)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let began = run::now();
    let daemon = Started(command.spawn().context("could not start pueued")?);
    let ready = || {
        fs::read_dir(home).is_ok_and(|entries| {
            entries.flatten().any(|entry| {
                let name = entry.file_name();
                Path::new(&name).extension() == Some("socket".as_ref())
            })
        })
    };
    while !ready() {
        if run::now().duration_since(began) > PATIENCE || !sys::lives(daemon.0.id()) {
            bail!("pueued did not begin");
        }
        run::pause(LOOK_EVERY);
    }
    let took_ms = run::now().duration_since(began).as_secs_f64() * 1_000.0;
    Ok(Some((version, watch(daemon.0.id(), span)?, took_ms)))
}

fn show(
    idle: Idle,
    starts: Spread,
    beside: Option<(String, Idle, f64)>,
    seconds: u64,
    events: u64,
    as_json: bool,
) {
    let target = |what: &str, bound, measured| Target {
        what: what.to_owned(),
        bound,
        measured,
        at_most: true,
    };
    let targets = [
        target("idle daemon, MiB", IDLE_MAX_MIB, idle.rss_mib),
        target("start with a long history, ms", START_MAX_MS, starts.median),
    ];
    if as_json {
        let targets: Vec<_> = targets
            .iter()
            .map(|target| json!({"target": target, "reached": target.reached()}))
            .collect();
        let beside = beside.map(|(version, idle, start_ms)| json!({"version": version, "idle": idle, "startMs": start_ms}));
        report::line(json!({
            "bench": "idle", "seconds": seconds, "events": events, "items": FEW, "itemsAtStart": MANY,
            "syncmgr": {"idle": idle, "startMs": starts}, "pueued": beside, "targets": targets,
        }));
        return;
    }
    report::line(format_args!(
        "\nidle for {seconds} s with {FEW} items; start with {MANY} items and {events} events\n"
    ));
    report::line(format_args!(
        "{:<24} {:>12} {:>10} {:>24}",
        "what", "resident MiB", "wake-ups", "start ms"
    ));
    let row = |name: &str, idle: Idle, start: String| {
        report::line(format_args!(
            "{name:<24} {:>12.1} {:>10} {start:>24}",
            idle.rss_mib, idle.wakeups
        ));
    };
    row("syncmgr daemon", idle, format!("{starts:.0}"));
    match beside {
        Some((version, idle, start_ms)) => row(
            &format!("{version} (empty)"),
            idle,
            format!("{start_ms:.0}"),
        ),
        None => report::line("pueued is not installed; install with `cargo install pueue`"),
    }
    report::line("");
    for target in targets {
        report::line(target);
    }
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
