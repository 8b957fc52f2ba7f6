//! What it costs to have another program carried out by us instead of alone, beside pueue and task-spooler where they are
//! installed: its wall time, and processor and memory for hearing all that it prints.
//!
//! `crates/tools/examples/hear.rs` hears a program as the handler for other people's programs does, and does nothing else; so
//! this is the cost of starting, hearing and ending, without a manager.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use serde_json::json;

use super::home::{NO_PUEUE, Pueue};
use super::summary::{Spread, Target};
use crate::{Words, report, run};

/// Wall time of a run of [`LONG`], as a multiple of the program alone.
const LONG_MAX: f64 = 1.02;
/// What a run of a trivial program may take longer than the program alone.
const TRIVIAL_MAX_MS: f64 = 5.0;
/// Processor time for 100 MB of output.
const FLOOD_MAX_S: f64 = 1.0;
/// Memory while they are heard.
const FLOOD_MAX_MIB: f64 = 8.0;

/// Five seconds of a program that tells how far it is.
const LONG: &str = "i=0; while [ $i -lt 100 ]; do echo \"$i%\"; sleep 0.05; i=$((i+1)); done";
/// 100 MB in lines of fifty bytes.
const FLOOD: &str = "yes 'a line of fifty bytes that is like those of tools' | head -c 100000000";

/// Runs the bench.
pub(super) fn run(mut words: Words) -> Result<bool> {
    let runs = words.number("--runs", 5)?.max(1);
    let trivial = words.number("--trivial", 200)?.max(1);
    let install = words.flag("--install");
    let as_json = words.flag("--json");
    words.end()?;
    Pueue::install(install)?;
    if install && run::version("tsp", "-V").is_none() {
        run::need_packages(&["task-spooler"], true)?;
    }
    let what = ["-p", "syncmgr-tools", "--example", "hear"];
    let hear = super::build(&what, "hear", true)?;
    let base = tempfile::Builder::new()
        .prefix("syncmgr-bench-")
        .tempdir()?;

    let mut rows = vec![Row::of("alone", None, trivial, runs, |words| {
        let (program, rest) = words.split_first().unwrap_or((&"true", &[]));
        let mut command = run::command(program);
        command.args(rest).stdout(Stdio::null());
        command
    })?];
    let heard = Row::heard(&hear, trivial, runs)?;
    let (flood, memory) = flood(&hear, runs)?;
    rows.push(heard);
    let spooler = Spooler::find(base.path());
    if let Some(spooler) = &spooler {
        rows.push(Row::of(
            "task-spooler",
            Some(spooler.version.clone()),
            trivial,
            runs,
            |words| spooler.command(&[&["-n", "-f"], words].concat()),
        )?);
    }
    if let Some(pueue) = Pueue::find(base.path().join("pueue"))? {
        let (_daemon, _) = pueue.daemon()?;
        let script = "id=$(pueue add --print-task-id -- \"$@\") && pueue wait --quiet \"$id\"";
        rows.push(Row::of(
            "pueue",
            Some(pueue.version.clone()),
            trivial,
            runs,
            |words| {
                let mut command = pueue.command("sh");
                command.args(["-c", script, "sh"]).args(words);
                command
            },
        )?);
    }
    show(&rows, flood, memory, as_json);
    Ok(true)
}

/// How long one way to carry programs out takes.
struct Row {
    name: &'static str,
    version: Option<String>,
    trivial_ms: Spread,
    long_s: Spread,
}

impl Row {
    /// Measures whole commands: `command` makes the one that carries these words out.
    fn of(
        name: &'static str,
        version: Option<String>,
        trivial: u64,
        runs: u64,
        command: impl Fn(&[&str]) -> Command,
    ) -> Result<Self> {
        let wall = |words: &[&str]| -> Result<f64> {
            let began = run::now();
            run::check(command(words).stdin(Stdio::null()))?;
            Ok(run::now().duration_since(began).as_secs_f64())
        };
        let short = (0..trivial)
            .map(|_| wall(&["true"]))
            .collect::<Result<Vec<_>>>()?;
        let long = (0..runs)
            .map(|_| wall(&["sh", "-c", LONG]))
            .collect::<Result<Vec<_>>>()?;
        Ok(Self {
            name,
            version,
            trivial_ms: Spread::of(short.into_iter().map(|wall_s| wall_s * 1_000.0)),
            long_s: Spread::of(long),
        })
    }

    /// Measures runs within one process, as a handler carries them out.
    fn heard(hear: &Path, trivial: u64, runs: u64) -> Result<Self> {
        let mut short = Vec::new();
        for _ in 0..trivial {
            short.push(heard(hear, &["true"])?.lasted_ms);
        }
        let mut long = Vec::new();
        for _ in 0..runs {
            long.push(heard(hear, &["sh", "-c", LONG])?.lasted_ms / 1_000.0);
        }
        Ok(Self {
            name: "heard by us",
            version: None,
            trivial_ms: Spread::of(short),
            long_s: Spread::of(long),
        })
    }
}

/// What `hear` tells of one run.
struct Heard {
    bytes: f64,
    lasted_ms: f64,
    peak_kib: f64,
}

fn heard(hear: &Path, words: &[&str]) -> Result<Heard> {
    let said = run::output(run::command(hear).arg("1").args(words))?;
    let said = String::from_utf8(said)?;
    let mut numbers = said.split_whitespace().skip(1).map(str::parse);
    let mut next = || -> Result<f64> { Ok(numbers.next().context("hear told too little")??) };
    Ok(Heard {
        bytes: next()?,
        lasted_ms: next()?,
        peak_kib: next()?,
    })
}

/// Processor time of hearing a flood, in seconds, and the memory of the process that hears it, in MiB. The time is that of the
/// whole tree, so that of the program that prints is in it.
fn flood(hear: &Path, runs: u64) -> Result<(Spread, Spread)> {
    let (mut busy, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let mut command = run::command(hear);
        command.args(["1", "sh", "-c", FLOOD]).stdout(Stdio::null());
        busy.push(run::measured(&mut command)?.cpu_s);
        let heard = heard(hear, &["sh", "-c", FLOOD])?;
        if heard.bytes < 100_000_000.0 {
            anyhow::bail!("of 100 MB only {} bytes were heard", heard.bytes);
        }
        memory.push(heard.peak_kib / 1_024.0);
    }
    Ok((Spread::of(busy), Spread::of(memory)))
}

/// task-spooler, when it is installed: a queue of commands for one user.
struct Spooler {
    version: String,
    socket: PathBuf,
}

impl Spooler {
    fn find(base: &Path) -> Option<Self> {
        Some(Self {
            version: run::version("tsp", "-V")?,
            socket: base.join("spooler"),
        })
    }

    /// A command of it with a queue of its own. Whoever asks first starts its server.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = run::command("tsp");
        command
            .env("TS_SOCKET", &self.socket)
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }
}

impl Drop for Spooler {
    fn drop(&mut self) {
        if run::check(&mut self.command(&["-K"])).is_err() {
            report::complain("the server of task-spooler could not be ended");
        }
    }
}

fn show(rows: &[Row], flood: Spread, memory: Spread, as_json: bool) {
    let of = |name: &str| rows.iter().find(|row| row.name == name);
    let (alone, ours) = (of("alone"), of("heard by us"));
    let beyond = |figure: fn(&Row) -> f64, how: fn(f64, f64) -> f64| {
        alone
            .zip(ours)
            .map_or(f64::NAN, |(alone, ours)| how(figure(ours), figure(alone)))
    };
    let target = |what: &str, bound, measured| Target {
        what: what.to_owned(),
        bound,
        measured,
        at_most: true,
    };
    let targets = [
        target(
            "a run of five seconds, times the program alone",
            LONG_MAX,
            beyond(|row| row.long_s.median, |a, b| a / b),
        ),
        target(
            "a trivial run, ms more than the program alone",
            TRIVIAL_MAX_MS,
            beyond(|row| row.trivial_ms.median, |a, b| a - b),
        ),
        target(
            "100 MB of output, s of the processor",
            FLOOD_MAX_S,
            flood.median,
        ),
        target("100 MB of output, MiB of memory", FLOOD_MAX_MIB, memory.max),
    ];
    if as_json {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| json!({"name": row.name, "version": row.version, "trivialMs": row.trivial_ms, "longS": row.long_s}))
            .collect();
        let targets: Vec<_> = targets
            .iter()
            .map(|target| json!({"target": target, "reached": target.reached()}))
            .collect();
        report::line(
            json!({"bench": "wrap", "rows": rows, "floodCpuS": flood, "floodMib": memory, "targets": targets}),
        );
        return;
    }
    report::line(format_args!(
        "\n{:<16} {:>24} {:>24}",
        "median (min–max)", "trivial, ms", "five seconds, s"
    ));
    for row in rows {
        let (trivial, long) = (
            format!("{:.2}", row.trivial_ms),
            format!("{:.3}", row.long_s),
        );
        report::line(format_args!("{:<16} {trivial:>24} {long:>24}", row.name));
    }
    report::line(format_args!(
        "\nhearing 100 MB: {flood:.2} s of the processor, {memory:.1} MiB\n"
    ));
    for row in rows {
        if let Some(version) = &row.version {
            report::line(format_args!("{}: {version}", row.name));
        }
    }
    for (peer, advice) in [
        ("pueue", NO_PUEUE),
        (
            "task-spooler",
            "task-spooler is not installed; install with --install",
        ),
    ] {
        if of(peer).is_none() {
            report::line(advice);
        }
    }
    for target in targets {
        report::line(target);
    }
}
