//! From what starts an item to the process of its handler, in the real daemon, beside pueued and cron where they do the same.
//!
//! The handler is the trivial one: the first thing that it does is to write down when that is. A daemon with a schedule for
//! every second runs beside the others, and has a crowd of further items on a schedule.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use serde_json::json;

use super::home::{self, Home, NO_PUEUE, Pueue, Started};
use super::summary::{Tail, Target};
use crate::{Words, report, run};

/// From the trigger to the process.
const PROCESS_MAX_MS: f64 = 50.0;

/// From the due moment to the run.
const LATENESS_MAX_MS: f64 = 20.0;

/// How long files must be quiet until a change of them starts something; it is waited for on purpose and not counted.
const QUIET_MS: f64 = 2_000.0;

/// After the trial, the last run ends and nothing is left to do.
const SETTLE: Duration = Duration::from_millis(1_500);

/// What cron's table may be, and where it is put, in a namespace of its own.
const CRON: &str = "mount -t tmpfs none /var/spool/cron && mkdir -p /var/spool/cron/crontabs && \
    mount -t tmpfs none /run && mount -t tmpfs none /etc/cron.d && printf '* * * * * %s 1 %s\\n' \"$1\" \"$2\" > \
    /var/spool/cron/crontabs/root && chmod 600 /var/spool/cron/crontabs/root && exec cron -f";

/// One row: what, and how late in milliseconds.
type Row = (String, Tail, Option<f64>);

/// Runs the bench.
pub(super) fn run(mut words: Words) -> Result<bool> {
    let samples = words.number("--samples", 100)?.max(1);
    let changes = words.number("--changes", 15)?.max(1);
    let minutes = words.number("--cron-minutes", 3)?;
    let items = words.number("--items", 100_000)?.max(1);
    let program = words.value("--program")?;
    let install = words.flag("--install");
    let as_json = words.flag("--json");
    words.end()?;
    Pueue::install(install)?;
    if install && run::version("cron", "-h").is_none() {
        run::need_packages(&["cron"], true)?;
    }
    let ours = super::ours(program)?;
    let trivial = super::trivial()?;
    let base = tempfile::Builder::new()
        .prefix("syncmgr-bench-")
        .tempdir()?;
    let probe = Probe {
        program: &trivial,
        base: base.path(),
    };
    let mut rows = Vec::new();
    asked(&ours, &probe, samples, &mut rows)?;
    changed(&ours, &probe, changes, &mut rows)?;
    scheduled(&ours, &probe, samples, items, &mut rows)?;
    let pueue = Pueue::find(base.path().join("pueue"))?;
    if let Some(pueue) = &pueue {
        queued(pueue, &probe, samples, &mut rows)?;
    }
    let has_cron = minutes > 0 && run::version("cron", "-h").is_some();
    if has_cron {
        minutely(&probe, minutes, &mut rows)?;
    }
    show(&rows, items, as_json);
    if !as_json && pueue.is_none() {
        report::line(NO_PUEUE);
    }
    if !as_json && !has_cron && minutes > 0 {
        report::line("cron is not installed; install with --install");
    }
    Ok(true)
}

/// Handlers that write down when they were started, each into a file of its own.
struct Probe<'p> {
    program: &'p Path,
    base: &'p Path,
}

impl Probe<'_> {
    fn file(&self, name: &str) -> PathBuf {
        self.base.join(name)
    }

    /// The handler of this name in the configuration.
    fn handler(&self, name: &str) -> String {
        let text = |path: &Path| serde_json::Value::String(path.to_string_lossy().into_owned());
        format!(
            "[[handler]]\nid = \"{name}\"\ncommand = [{}, \"1\", {}]\n\n",
            text(self.program),
            text(&self.file(name))
        )
    }

    /// When the handler of this name was started, in milliseconds since 1970.
    fn starts(&self, name: &str) -> Vec<f64> {
        let text = fs::read_to_string(self.file(name)).unwrap_or_default();
        let whole = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        whole
            .filter_map(|line| line.trim().parse::<f64>().ok())
            .map(|nanoseconds| nanoseconds / 1e6)
            .collect()
    }

    /// Waits until it was started so often, and answers when that was for the last time.
    fn started(&self, name: &str, times: usize) -> Result<f64> {
        home::until(name, || self.starts(name).len() >= times)?;
        let starts = self.starts(name);
        starts.last().copied().context("it was started")
    }
}

/// Now, in milliseconds since 1970.
fn now_ms() -> f64 {
    let since = run::wall_clock().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64() * 1_000.0
}

/// By a request on the socket, and by a whole command.
fn asked(ours: &Path, probe: &Probe<'_>, samples: u64, rows: &mut Vec<Row>) -> Result<()> {
    let home = Home::new(ours, probe.base.join("asked-home"), &probe.handler("asked"))?;
    home.sync()?;
    let (_daemon, _) = home.daemon()?;
    let (mut socket, mut command) = (Vec::new(), Vec::new());
    for _ in 0..samples {
        let times = probe.starts("asked").len() + 1;
        let began = now_ms();
        home.ask("sync", &json!({"names": ["Item 0"]}))?;
        socket.push(probe.started("asked", times)? - began);
        // A command returns when its run is over; it would join one that is not.
        home.sync()?;
        let times = probe.starts("asked").len() + 1;
        let began = now_ms();
        home.sync()?;
        command.push(probe.started("asked", times)? - began);
    }
    rows.push((
        "request on the socket → handler process".to_owned(),
        Tail::of(socket),
        Some(PROCESS_MAX_MS),
    ));
    rows.push((
        "`syncmgr sync` → handler process".to_owned(),
        Tail::of(command),
        Some(PROCESS_MAX_MS),
    ));
    Ok(())
}

/// By a change of a file.
fn changed(ours: &Path, probe: &Probe<'_>, changes: u64, rows: &mut Vec<Row>) -> Result<()> {
    let watched = probe.base.join("watched");
    fs::create_dir_all(&watched)?;
    let rule = format!(
        "[[rule]]\nname = \"changes\"\nitems = [\"changed\"]\non = [\"change {}\"]\n",
        watched.display()
    );
    let config = probe.handler("changed") + &rule;
    let home = Home::new(ours, probe.base.join("changed-home"), &config)?;
    home.sync()?;
    let (_daemon, _) = home.daemon()?;
    run::pause(SETTLE); // until it watches
    let mut late = Vec::new();
    for round in 0..changes {
        let times = probe.starts("changed").len() + 1;
        let began = now_ms();
        fs::write(watched.join(format!("file-{round}")), "changed")?;
        late.push(probe.started("changed", times)? - began - QUIET_MS);
        run::pause(SETTLE);
    }
    rows.push((
        "changed file, after 2 s of quiet → handler process".to_owned(),
        Tail::of(late),
        Some(PROCESS_MAX_MS),
    ));
    Ok(())
}

/// By a schedule.
fn scheduled(
    ours: &Path,
    probe: &Probe<'_>,
    samples: u64,
    items: u64,
    rows: &mut Vec<Row>,
) -> Result<()> {
    let config = probe.handler("timed")
        + &super::sessions::handler("crowd", probe.program, items)
        + "[[rule]]\nname = \"seconds\"\nitems = [\"timed\"]\non = [\"*:*:*\"]\n\n"
        + "[[rule]]\nname = \"nightly\"\nitems = [\"crowd\"]\non = [\"daily at 02:00\"]\n";
    let home = Home::new(ours, probe.base.join("timed-home"), &config)?;
    home.sync()?;
    let (daemon, _) = home.daemon()?;
    run::pause(SETTLE);
    let before = probe.starts("timed").len();
    run::pause(Duration::from_secs(samples));
    let starts = probe.starts("timed");
    let processes = starts.iter().skip(before).map(|start| start % 1_000.0);
    let processes = Tail::of(processes.collect());
    drop(daemon);
    let limit = samples.to_string();
    let listed = run::output(&mut home.command(&["runs", "--json", "--limit", &limit]))?;
    let runs = String::from_utf8_lossy(&listed)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|run| run["trigger"] == "schedule")
        .filter_map(|run| run["openedMs"].as_f64())
        .map(|opened| opened % 1_000.0)
        .collect();
    rows.push((
        format!("due → run, {} further items scheduled", items),
        Tail::of(runs),
        Some(LATENESS_MAX_MS),
    ));
    rows.push((
        "due → handler process".to_owned(),
        processes,
        Some(PROCESS_MAX_MS),
    ));
    Ok(())
}

/// By `pueue add`.
fn queued(pueue: &Pueue, probe: &Probe<'_>, samples: u64, rows: &mut Vec<Row>) -> Result<()> {
    let (_daemon, _) = pueue.daemon()?;
    let mut late = Vec::new();
    for times in 1..=samples {
        let began = now_ms();
        let mut add = pueue.command("pueue");
        // Its shell reads this. What it gives tasks to read never ends, and our handler waits for that.
        let (program, file) = (probe.program.display(), probe.file("queued"));
        let task = format!("exec '{program}' 1 '{}' </dev/null", file.display());
        run::check(add.args(["add", "--"]).arg(task))?;
        late.push(probe.started("queued", usize::try_from(times)?)? - began);
    }
    rows.push((
        format!("`pueue add` → process ({})", pueue.version),
        Tail::of(late),
        None,
    ));
    Ok(())
}

/// By cron, which knows no seconds.
fn minutely(probe: &Probe<'_>, minutes: u64, rows: &mut Vec<Row>) -> Result<()> {
    let mut command = run::command("unshare");
    command
        .args([
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-ec",
            CRON,
            "sh",
        ])
        .arg(probe.program)
        .arg(probe.file("cron"))
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let _cron = Started(command.spawn().context("could not start unshare")?);
    run::pause(Duration::from_secs(60 * minutes + 5));
    let late = probe
        .starts("cron")
        .into_iter()
        .map(|start| start % 60_000.0);
    rows.push((
        "minute → process of cron".to_owned(),
        Tail::of(late.collect()),
        None,
    ));
    Ok(())
}

fn show(rows: &[Row], items: u64, as_json: bool) {
    let targets = rows.iter().filter_map(|(what, tail, bound)| {
        Some(Target {
            what: format!("{what}, 99 of 100, ms"),
            bound: (*bound)?,
            measured: tail.p99,
            at_most: true,
        })
    });
    if as_json {
        let rows: Vec<_> = rows
            .iter()
            .map(|(what, tail, _)| json!({"what": what, "ms": tail}))
            .collect();
        let targets: Vec<_> = targets
            .map(|target| json!({"target": target, "reached": target.reached()}))
            .collect();
        report::line(json!({"bench": "trigger", "items": items, "rows": rows, "targets": targets}));
        return;
    }
    report::line(format_args!(
        "\n{:<56} {:>8} {:>8} {:>8} {:>8}",
        "milliseconds", "samples", "median", "99 %", "most"
    ));
    for (what, tail, _) in rows {
        report::line(format_args!(
            "{what:<56} {:>8} {:>8.1} {:>8.1} {:>8.1}",
            tail.samples, tail.median, tail.p99, tail.max
        ));
    }
    report::line("");
    for target in targets {
        report::line(target);
    }
}
