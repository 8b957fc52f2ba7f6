//! How many trivial programs are carried out in a second: items of one synchronization, a whole command each, a request each.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use super::contender::{AT_ONCE, Cost, Spooler, cost, item};
use crate::bench::home::{Home, Pueue, Started, until};
use crate::bench::process::{as_f64, children_busy_ms};
use crate::run;

/// How often it is looked whether all requests were carried out.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// pueue's tasks take so long that fewer show it as well.
const OF_PUEUE: u64 = 60;

/// How many of them one way carried out, and what that cost.
#[derive(Debug)]
pub(super) struct Many {
    pub(super) name: String,
    count: u64,
    costs: Vec<Cost>,
}

impl Many {
    fn new(name: impl Into<String>, count: u64) -> Self {
        Self {
            name: name.into(),
            count,
            costs: Vec::new(),
        }
    }

    /// How many a second, of each round.
    pub(super) fn rates(&self) -> impl Iterator<Item = f64> {
        let count = as_f64(self.count);
        self.costs.iter().map(move |cost| count / cost.wall_s)
    }

    /// Processor time of each, in milliseconds.
    pub(super) fn cpu_ms(&self) -> impl Iterator<Item = f64> {
        let count = as_f64(self.count);
        self.costs
            .iter()
            .map(move |cost| cost.cpu_s * 1_000.0 / count)
    }

    /// Whether it is one of ours.
    pub(super) fn is_ours(&self) -> bool {
        self.name.starts_with("syncmgr")
    }

    /// How many there were.
    pub(super) fn count(&self) -> u64 {
        self.count
    }
}

/// The items in a configuration.
pub(super) fn config(count: u64) -> String {
    (0..count).map(|at| item(&name(at), &["true"])).collect()
}

fn name(at: u64) -> String {
    format!("many-{at}")
}

/// Who carries many out.
pub(super) struct Field<'f> {
    pub(super) home: &'f Home<'f>,
    pub(super) program: &'f Path,
    pub(super) daemon: &'f Started,
    pub(super) spooler: Option<&'f Spooler>,
    pub(super) pueue: Option<(&'f Pueue, &'f Started)>,
    pub(super) base: &'f Path,
}

/// Measures all ways, in turns.
pub(super) fn measure(field: &Field<'_>, count: u64, runs: u64) -> Result<Vec<Many>> {
    let numbers = field.numbers("numbers", (0..count).map(|at| at.to_string()))?;
    let names = field.numbers("names", (0..count).map(name))?;
    let few = field.numbers("few", (0..OF_PUEUE).map(|at| at.to_string()))?;
    let daemon = Some(field.daemon.0.id());
    let at_once = |what: &str| format!("{what}, {AT_ONCE} at a time");
    let mut alone = Many::new(at_once("true"), count);
    let mut items = Many::new("syncmgr sync: items of one", count);
    let mut requests = Many::new("syncmgr: a request each", count);
    let mut commands = Many::new(at_once("syncmgr sync ITEM"), count);
    let mut spooled = Many::new(at_once("tsp -nf true"), count);
    let mut queued = Many::new(at_once("pueue add -- true"), OF_PUEUE);
    for _ in 0..runs {
        alone.costs.push(cost(xargs(&numbers).arg("true"), None)?);
        items
            .costs
            .push(cost(&mut field.home.command(&["sync"]), daemon)?);
        requests.costs.push(field.requests(count)?);
        let mut command = xargs(&names);
        surround(&mut command, &field.home.command(&[]));
        command.arg(field.program).arg("sync");
        commands.costs.push(cost(&mut command, daemon)?);
        if let Some(spooler) = field.spooler {
            let mut command = xargs(&numbers);
            surround(&mut command, &spooler.command(&[]));
            command.args(["tsp", "-n", "-f", "true"]);
            spooled.costs.push(cost(&mut command, spooler.server())?);
        }
        if let Some((pueue, daemon)) = field.pueue {
            let script =
                format!("xargs -a \"$0\" -P{AT_ONCE} -n1 pueue add -- true && pueue wait --quiet");
            let mut command = pueue.command("sh");
            command.arg("-c").arg(script).arg(&few);
            queued.costs.push(cost(&mut command, Some(daemon.0.id()))?);
        }
    }
    let all = [alone, items, requests, commands, spooled, queued];
    Ok(all
        .into_iter()
        .filter(|many| !many.costs.is_empty())
        .collect())
}

/// Gives a command the variables of another one.
fn surround(command: &mut Command, like: &Command) {
    for (name, value) in like.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
}

/// What starts a program for each line of a file.
fn xargs(lines: &Path) -> Command {
    let mut command = run::command("xargs");
    command
        .arg("-a")
        .arg(lines)
        .arg(format!("-P{AT_ONCE}"))
        .arg("-n1");
    command
}

impl Field<'_> {
    fn numbers(&self, name: &str, lines: impl Iterator<Item = String>) -> Result<PathBuf> {
        let path = self.base.join(name);
        fs::write(&path, lines.collect::<Vec<_>>().join("\n"))?;
        Ok(path)
    }

    /// A request for each item, as soon as the one before it was taken; waits until all were carried out.
    fn requests(&self, count: u64) -> Result<Cost> {
        let server = self.daemon.0.id();
        let newest = self.runs(1)?;
        let newest = newest.first().map_or(0, |run| run.id);
        let before_ms = children_busy_ms(server)?;
        let began_ms = run::wall_clock()
            .duration_since(UNIX_EPOCH)
            .context("the clock is before 1970")?
            .as_secs_f64()
            * 1_000.0;
        for at in 0..count {
            self.home.ask("sync", &json!({"names": [name(at)]}))?;
        }
        let mut ended_ms = f64::NAN;
        let mut items = 0;
        until("the end of all runs", || {
            // When they ended is told by the history. Each look reads all of them, which costs the daemon as much as several
            // runs, so there are few.
            run::pause(LOOK_EVERY);
            let Ok(runs) = self.runs(count) else {
                return false;
            };
            let ours = || runs.iter().filter(|run| run.id > newest);
            items = ours().map(|run| run.items).sum();
            ended_ms = ours().filter_map(|run| run.closed_ms).fold(0.0, f64::max);
            items >= count && ours().all(|run| run.closed_ms.is_some())
        })?;
        if items != count {
            bail!("{items} items were carried out, and {count} were asked for");
        }
        Ok(Cost {
            wall_s: (ended_ms - began_ms) / 1_000.0,
            cpu_s: (children_busy_ms(server)? - before_ms) / 1_000.0,
        })
    }

    fn runs(&self, limit: u64) -> Result<Vec<OneRun>> {
        let (_, reply) = self.home.answer("runs", &json!({"limit": limit}))?;
        let runs = reply["value"].as_array();
        let runs = runs.context("no runs were answered")?.iter();
        Ok(runs
            .map(|run| OneRun {
                id: run["id"].as_u64().unwrap_or_default(),
                items: run["itemCount"].as_u64().unwrap_or_default(),
                closed_ms: run["closedMs"].as_f64(),
            })
            .collect())
    }
}

/// What is read of a run.
struct OneRun {
    id: u64,
    items: u64,
    closed_ms: Option<f64>,
}
