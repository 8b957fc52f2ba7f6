//! How fast a daemon with a long past begins, and how fast it says why an item is as it is and how all of them are; beside
//! pueued where that is installed.
//!
//! The past is made by `crates/store/examples/history`, through the store itself.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::json;

use super::home::{Home, NO_PUEUE, Pueue};
use super::summary::{Spread, Target};
use crate::{Words, report, run};

/// Time from the start of the daemon to the first command that it serves.
const START_MAX_MS: f64 = 150.0;

/// Time of a whole `syncmgr why`, and of the answer alone.
const WHY_MAX_MS: f64 = 20.0;

/// Time of a whole `syncmgr status`.
const STATUS_MAX_MS: f64 = 30.0;

/// Events of ten thousand runs.
const EVENTS: u64 = 160_000;

/// Commands for each start of the daemon.
const ASKED: usize = 10;

/// Runs the bench.
pub(super) fn run(mut words: Words) -> Result<bool> {
    let items = words.number("--items", 1_000)?.max(1);
    let events = words.number("--events", EVENTS)?;
    let runs = words.number("--runs", 10)?.max(1);
    let program = words.value("--program")?;
    let install = words.flag("--install");
    let as_json = words.flag("--json");
    words.end()?;
    Pueue::install(install)?;
    let ours = super::ours(program)?;
    let trivial = super::trivial()?;
    let history = super::build(
        &["-p", "syncmgr-store", "--example", "history"],
        "history",
        true,
    )?;
    let base = tempfile::Builder::new()
        .prefix("syncmgr-bench-")
        .tempdir()?;
    let rule = "[[rule]]\nname = \"nightly\"\non = [\"daily at 02:00\"]\nwhen = [\"network\"]\n";
    let config = super::sessions::handler("trivial", &trivial, items) + rule;
    let home = Home::new(&ours, base.path().join("history"), &config)?;
    home.sync()?;
    run::output(
        run::command(history)
            .arg(home.database())
            .arg(events.to_string()),
    )?;

    let ms = |span: std::time::Duration| span.as_secs_f64() * 1_000.0;
    let (mut starts, mut answers, mut commands) = (Vec::new(), Vec::new(), Vec::new());
    let mut statuses = Vec::new();
    for _ in 0..runs {
        let (_daemon, start) = home.daemon()?;
        starts.push(ms(start));
        for at in 0..ASKED {
            let name = format!("Item {}", at % usize::try_from(items)?);
            answers.push(ms(home.ask("why", &json!({"name": name}))?));
            commands.push(run::measured(&mut quiet(&home, &["why", &name]))?.wall_s * 1_000.0);
            statuses.push(run::measured(&mut quiet(&home, &["status"]))?.wall_s * 1_000.0);
        }
    }
    let beside = pueued(base.path().join("pueue"), runs)?;
    let figures = [
        ("daemon serves commands", Spread::of(starts), START_MAX_MS),
        ("`why`, whole command", Spread::of(commands), WHY_MAX_MS),
        (
            "`status`, whole command",
            Spread::of(statuses),
            STATUS_MAX_MS,
        ),
        (
            "`why`, answer of the daemon",
            Spread::of(answers),
            WHY_MAX_MS,
        ),
    ];
    show(&figures, beside, items, events, as_json);
    Ok(true)
}

/// A command whose output nobody wants.
fn quiet(home: &Home<'_>, words: &[&str]) -> std::process::Command {
    let mut command = home.command(words);
    command.stdout(std::process::Stdio::null());
    command
}

/// The start of pueued, and a whole `pueue status`.
fn pueued(home: PathBuf, runs: u64) -> Result<Option<(String, Spread, Spread)>> {
    let (mut starts, mut commands) = (Vec::new(), Vec::new());
    let mut version = None;
    for round in 0..runs {
        let Some(pueue) = Pueue::find(home.join(round.to_string()))? else {
            return Ok(None);
        };
        let (_daemon, took) = pueue.daemon()?;
        starts.push(took.as_secs_f64() * 1_000.0);
        for _ in 0..ASKED {
            let cost = run::measured(pueue.command("pueue").arg("status"))?;
            commands.push(cost.wall_s * 1_000.0);
        }
        version = Some(pueue.version);
    }
    Ok(version.map(|version| (version, Spread::of(starts), Spread::of(commands))))
}

fn show(
    figures: &[(&str, Spread, f64)],
    beside: Option<(String, Spread, Spread)>,
    items: u64,
    events: u64,
    as_json: bool,
) {
    let targets = figures.iter().map(|(what, figure, bound)| Target {
        what: format!("{what}, ms"),
        bound: *bound,
        measured: figure.median,
        at_most: true,
    });
    if as_json {
        let rows: Vec<_> = figures
            .iter()
            .map(|(what, figure, _)| json!({"what": what, "ms": figure}))
            .collect();
        let targets: Vec<_> = targets
            .map(|target| json!({"target": target, "reached": target.reached()}))
            .collect();
        let beside = beside.map(|(version, start, status)| json!({"version": version, "startMs": start, "statusMs": status}));
        report::line(json!({
            "bench": "start", "items": items, "events": events, "rows": rows, "pueued": beside, "targets": targets,
        }));
        return;
    }
    report::line(format_args!(
        "\n{items} items and {events} events of the past; ms, median (min–max)\n"
    ));
    let row = |what: &str, figure: Spread| {
        report::line(format_args!("{what:<40} {:>28}", format!("{figure:.1}")));
    };
    for (what, figure, _) in figures {
        row(what, *figure);
    }
    match beside {
        Some((version, start, status)) => {
            row(&format!("{version} serves commands, empty"), start);
            row("`pueue status`, whole command, empty", status);
        }
        None => report::line(NO_PUEUE),
    }
    report::line("");
    for target in targets {
        report::line(target);
    }
}
