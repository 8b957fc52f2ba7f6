//! The queue of what is due and the search for the next time, beside `systemd-analyze calendar`.
//!
//! Ours is `crates/core/examples/schedule_costs`, without a manager around it. systemd answers with text, so it is held
//! against our search with its text; starting it is not counted: one answer is subtracted from many.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use super::summary::{Spread, Target};
use crate::{Words, report, run};

/// Operations a second on the queue that must be reached.
const QUEUE_MIN: f64 = 1_000_000.0;

/// Bytes that an entry of the queue may need beyond its key and its time.
const ENTRY_MAX_BYTES: f64 = 100.0;

/// What of the queue must reach [`QUEUE_MIN`].
const QUEUE: [&str; 5] = [
    "insert",
    "replace",
    "next due",
    "pop and insert again",
    "remove",
];

/// How much memory an entry needs, as the program calls it.
const BEYOND: &str = "bytes an entry beyond its data";

/// Answers that systemd is asked for at once: of the rarest schedule below as many as there are until 2199, nearly.
const ANSWERS: u32 = 2000;

/// The schedules of the program that systemd reads too, and that go on for so many times.
const PEER_SCHEDULES: [&str; 6] = [
    "*-*-* 02:00:00",
    "Mon..Fri *-*-* 02:00:00 Europe/Berlin",
    "Sat *-*-1..7 18:00",
    "*-*~1 23:00",
    "*:0/15",
    "*:*:*",
];

/// Figures by name, one of each run.
type Figures = BTreeMap<String, Vec<f64>>;

/// Runs the bench.
pub(super) fn run(mut words: Words) -> Result<bool> {
    let entries = words.number("--entries", 100_000)?.max(1);
    let steps = words.number("--steps", 100_000)?.max(1);
    let runs = words.number("--runs", 5)?.max(1);
    let as_json = words.flag("--json");
    words.end()?;
    let ours = super::build(
        &["-p", "syncmgr-core", "--example", "schedule_costs"],
        "schedule_costs",
        true,
    )?;
    let peer = run::version("systemd-analyze", "--version");
    let mut names = Vec::new();
    let (mut figures, mut theirs) = (Figures::new(), Figures::new());
    for _ in 0..runs {
        measure(&ours, entries, steps, &mut names, &mut figures)?;
        for text in PEER_SCHEDULES.into_iter().filter(|_| peer.is_some()) {
            let rate = systemd(text)?;
            theirs.entry(text.to_owned()).or_default().push(rate);
        }
    }
    let spread = |figures: &Figures, name: &str| {
        Spread::of(figures.get(name).into_iter().flatten().copied())
    };
    let mut targets: Vec<Target> = QUEUE
        .into_iter()
        .map(|name| Target {
            what: format!("{name}, operations a second with {entries} entries"),
            bound: QUEUE_MIN,
            measured: spread(&figures, name).median,
            at_most: false,
        })
        .collect();
    targets.push(Target {
        what: BEYOND.to_owned(),
        bound: ENTRY_MAX_BYTES,
        measured: spread(&figures, BEYOND).median,
        at_most: true,
    });
    if as_json {
        let rows: Vec<_> = names
            .iter()
            .map(|name| json!({"what": name, "figure": spread(&figures, name), "runs": figures.get(name)}))
            .collect();
        let peers: Vec<_> = theirs
            .iter()
            .map(|(name, runs)| json!({"what": name, "a_second": Spread::of(runs.iter().copied()), "runs": runs}))
            .collect();
        let targets: Vec<_> = targets
            .iter()
            .map(|target| json!({"target": target, "reached": target.reached()}))
            .collect();
        report::line(json!({
            "bench": "schedule", "entries": entries, "steps": steps, "rows": rows, "systemd": peer, "peers": peers,
            "targets": targets,
        }));
        return Ok(true);
    }
    report::line(format_args!(
        "{runs} runs; median (min–max), a second unless bytes\n"
    ));
    for name in &names {
        report::line(format_args!("{name:<62} {:>36.0}", spread(&figures, name)));
    }
    match peer {
        Some(version) => {
            report::line(format_args!(
                "\nnext time and its text, a second, ours and {version}\n"
            ));
            for text in PEER_SCHEDULES {
                let ours = spread(&figures, &format!("next and text {text}"));
                let theirs = spread(&theirs, text);
                report::line(format_args!(
                    "{text:<42} {:>30} {:>26} ours / theirs: {:.1}",
                    format!("{ours:.0}"),
                    format!("{theirs:.0}"),
                    ours.median / theirs.median
                ));
            }
        }
        None => report::line(
            "\nno systemd-analyze to compare with; install with `apt-get install systemd`",
        ),
    }
    report::line(
        "cron has no command that answers with a next time: it looks at every line each minute\n",
    );
    for target in targets {
        report::line(target);
    }
    Ok(true)
}

/// Runs our program once and adds what it says.
fn measure(
    ours: &Path,
    entries: u64,
    steps: u64,
    names: &mut Vec<String>,
    figures: &mut Figures,
) -> Result<()> {
    let said =
        run::output(run::command(ours).args([entries, steps].map(|number| number.to_string())))?;
    for line in String::from_utf8_lossy(&said).lines() {
        let (name, figure) = line
            .split_once('\t')
            .with_context(|| format!("{line:?} is no figure"))?;
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
        figures
            .entry(name.to_owned())
            .or_default()
            .push(figure.parse()?);
    }
    Ok(())
}

/// Answers how many times systemd finds in a second.
fn systemd(text: &str) -> Result<f64> {
    let wall = |answers: u32| -> Result<f64> {
        let mut command = run::command("systemd-analyze");
        command
            .arg("calendar")
            .arg(format!("--iterations={answers}"))
            .arg("--base-time=2026-11-22 00:00:00 UTC")
            .arg(text)
            .env("TZ", "Europe/Berlin")
            .stdout(Stdio::null());
        let cost = run::measured(&mut command)?;
        if cost.code != 0 {
            bail!("{} ended with {}", run::shown(&command), cost.code);
        }
        Ok(cost.wall_s)
    };
    let one = wall(1)?;
    let many = wall(ANSWERS)?;
    Ok(f64::from(ANSWERS - 1) / (many - one).max(1e-6))
}
