//! What it costs to have another program carried out by us instead of alone, beside pueue and task-spooler where they are
//! installed: wall time, processor time, how many a second, and what hearing all that it prints takes.
//!
//! What is measured of ours is what a person types, `syncmgr sync ITEM`, with a daemon that carries it out; and the run alone, as
//! the daemon's own history tells it. `crates/tools/examples/hear.rs` starts and hears a program as the handler for other
//! people's programs does, and does nothing else.
//!
//! All ways take turns, so that whatever else the machine does is in all of them alike.

mod contender;
mod flood;
mod many;

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::json;

use self::contender::{AT_ONCE, Contender, Cost, Job, Spooler};
use self::flood::Flood;
use self::many::{Field, Many};
use super::home::{Home, NO_PUEUE, Pueue};
use super::idle::{self, Idle};
use super::summary::{Spread, Target};
use crate::{Words, report, run};

/// Wall time of a run of [`Job::Long`], as a multiple of the program alone.
const LONG_MAX: f64 = 1.02;
/// What a run of a trivial program may take longer than the program alone.
const TRIVIAL_MAX_MS: f64 = 5.0;
/// Processor time for 100 MB of output.
const FLOOD_MAX_S: f64 = 1.0;
/// Memory while they are heard.
const FLOOD_MAX_MIB: f64 = 8.0;
/// Trivial runs a second.
const RATE_MIN: f64 = 300.0;
/// Resident memory of an idle daemon.
const IDLE_MAX_MIB: f64 = 12.0;

/// Runs the bench.
pub(super) fn run(mut words: Words) -> Result<bool> {
    let runs = words.number("--runs", 5)?.max(1);
    let trivial = words.number("--trivial", 100)?.max(1);
    let count = words.number("--many", 300)?.clamp(1, 1_000);
    let program = words.value("--program")?;
    let install = words.flag("--install");
    let as_json = words.flag("--json");
    words.end()?;
    Pueue::install(install)?;
    if install && run::version("tsp", "-V").is_none() {
        run::need_packages(&["task-spooler"], true)?;
    }
    let ours = super::ours(program)?;
    let what = ["-p", "syncmgr-tools", "--example", "hear"];
    let hear = super::build(&what, "hear", true)?;
    let base = tempfile::Builder::new()
        .prefix("syncmgr-bench-")
        .tempdir()?;

    let single: String = [Job::Trivial, Job::Long, Job::Flood]
        .into_iter()
        .map(Job::item)
        .collect();
    let home = Home::new(&ours, base.path().join("single"), &single)?;
    let (daemon, _) = home.daemon()?;
    let crowd = Home::new(&ours, base.path().join("crowd"), &many::config(count))?;
    let (crowded, _) = crowd.daemon()?;
    let spooler = Spooler::find(base.path())?;
    let pueue = Pueue::find(base.path().join("pueue"))?;
    let queue = match &pueue {
        Some(pueue) => {
            let (daemon, _) = pueue.daemon()?;
            run::check(pueue.command("pueue").args(["parallel", AT_ONCE]))?;
            Some((pueue, daemon))
        }
        None => None,
    };
    let version = run::version(&ours.to_string_lossy(), "--version");
    let mut contenders = vec![Contender::alone(), Contender::ours(&home, &daemon, version)];
    contenders.extend(spooler.as_ref().map(Contender::spooler));
    contenders.extend(
        queue
            .as_ref()
            .map(|(pueue, daemon)| Contender::pueue(pueue, daemon)),
    );

    let mut rows: Vec<Row> = contenders.iter().map(Row::new).collect();
    for (job, times) in [(Job::Trivial, trivial), (Job::Long, runs)] {
        report::complain(format_args!("{times} runs that are {}", job.name()));
        for _ in 0..times {
            for (contender, row) in contenders.iter().zip(&mut rows) {
                row.of(job).push(contender.once(job)?);
            }
        }
    }
    let mut measured = Measured {
        rows,
        run: own_times(&home, trivial, runs)?,
        heard: heard(&hear, trivial)?,
        many: Vec::new(),
        flood: None,
        idle: None,
    };
    report::complain("100 MB of output");
    if let [alone, ours, ..] = contenders.as_slice() {
        measured.flood = Some(flood::measure(alone, ours, &daemon, &hear, runs)?);
    }
    report::complain(format_args!("{count} trivial runs, {runs} times"));
    // The first synchronization lists all items, and makes what each of them keeps.
    crowd.sync()?;
    measured.many = many::measure(
        &Field {
            home: &crowd,
            program: &ours,
            daemon: &crowded,
            spooler: spooler.as_ref(),
            pueue: queue.as_ref().map(|(pueue, daemon)| (*pueue, daemon)),
            base: base.path(),
        },
        count,
        runs,
    )?;
    report::complain("an idle daemon");
    measured.idle = Some(idle_with_all_handlers(&ours, base.path())?);
    measured.show(as_json);
    Ok(true)
}

/// Trivial and long runs of one way.
struct Row {
    name: &'static str,
    version: Option<String>,
    trivial: Vec<Cost>,
    long: Vec<Cost>,
}

impl Row {
    fn new(contender: &Contender<'_>) -> Self {
        Self {
            name: contender.name,
            version: contender.version.clone(),
            trivial: Vec::new(),
            long: Vec::new(),
        }
    }

    fn of(&mut self, job: Job) -> &mut Vec<Cost> {
        match job {
            Job::Trivial => &mut self.trivial,
            Job::Long | Job::Flood => &mut self.long,
        }
    }

    fn trivial_ms(&self) -> Spread {
        Spread::of(self.trivial.iter().map(|cost| cost.wall_s * 1_000.0))
    }

    fn long_s(&self) -> Spread {
        Spread::of(self.long.iter().map(|cost| cost.wall_s))
    }

    /// Processor time of a run in milliseconds: the mean, as that of a daemon is counted in steps of ten.
    fn cpu_ms(costs: &[Cost]) -> f64 {
        let count = u32::try_from(costs.len()).map_or(f64::NAN, f64::from);
        costs.iter().map(|cost| cost.cpu_s * 1_000.0).sum::<f64>() / count
    }
}

/// How long the runs of both kinds took by the daemon's own history, in milliseconds.
fn own_times(home: &Home<'_>, trivial: u64, long: u64) -> Result<[Spread; 2]> {
    let times = |job: Job, limit: u64| -> Result<Spread> {
        let params = json!({"name": job.name(), "limit": limit.min(1_000)});
        let (_, reply) = home.answer("runs", &params)?;
        let runs = reply["value"].as_array().context("no runs were answered")?;
        Ok(Spread::of(runs.iter().filter_map(|run| {
            Some(run["closedMs"].as_f64()? - run["openedMs"].as_f64()?)
        })))
    };
    Ok([times(Job::Trivial, trivial)?, times(Job::Long, long)?])
}

/// How long a trivial program takes to be started, heard and ended by the code of the handler alone, in milliseconds.
fn heard(hear: &Path, times: u64) -> Result<Spread> {
    let times: Result<Vec<f64>> = (0..times)
        .map(|_| Ok(flood::heard(hear, Job::Trivial)?.lasted_ms))
        .collect();
    Ok(Spread::of(times?))
}

/// A daemon with an item of each handler that comes with it, all synchronized, that has nothing to do.
fn idle_with_all_handlers(ours: &Path, base: &Path) -> Result<Idle> {
    let home = Home::new(ours, base.join("all"), &Job::Trivial.item())?;
    let side = |name: &str| -> Result<String> {
        let path = base.join("all").join(name);
        std::fs::create_dir_all(&path)?;
        std::fs::write(path.join(name), name)?;
        Ok(path.to_string_lossy().into_owned())
    };
    let (left, right) = (side("left")?, side("right")?);
    let (daemon, _) = home.daemon()?;
    run::output(&mut home.command(&["add", "folder", &left, &right]))?;
    run::output(&mut home.command(&["report", "backup", "done", "--create"]))?;
    home.sync()?;
    idle::watch(daemon.0.id(), idle::QUIET)
}

/// Everything that was measured.
struct Measured {
    rows: Vec<Row>,
    /// Trivial and long runs by the daemon's own history.
    run: [Spread; 2],
    heard: Spread,
    many: Vec<Many>,
    flood: Option<Flood>,
    idle: Option<Idle>,
}

impl Measured {
    fn targets(&self) -> Vec<Target> {
        let of = |name: &str| self.rows.iter().find(|row| row.name == name);
        let pair = || of("alone").zip(of("syncmgr sync"));
        let nan = f64::NAN;
        let rate = |at: usize| {
            let many = self.many.get(at);
            many.map_or(nan, |many| Spread::of(many.rates()).median)
        };
        let at_most = |what: &str, bound, measured| Target {
            what: what.to_owned(),
            bound,
            measured,
            at_most: true,
        };
        let at_least = |what: String, measured| Target {
            what,
            bound: RATE_MIN,
            measured,
            at_most: false,
        };
        let alone_ms = of("alone").map_or(nan, |row| row.trivial_ms().median);
        let flood = self.flood.as_ref();
        let rates = self
            .many
            .iter()
            .enumerate()
            .filter(|(_, many)| many.is_ours());
        let mut targets = vec![
            at_most(
                "five seconds, whole command, times the program alone",
                LONG_MAX,
                pair().map_or(nan, |(alone, ours)| {
                    ours.long_s().median / alone.long_s().median
                }),
            ),
            at_most(
                "trivial, the run as the daemon tells it, ms more than the program alone",
                TRIVIAL_MAX_MS,
                self.run[0].median - alone_ms,
            ),
            at_most(
                "trivial, whole command, ms more than the program alone",
                TRIVIAL_MAX_MS,
                pair().map_or(nan, |(_, ours)| ours.trivial_ms().median - alone_ms),
            ),
            at_most(
                "100 MB of output, s of the processor more than the program alone",
                FLOOD_MAX_S,
                flood.map_or(nan, |flood| flood.ours_s.median - flood.alone_s.median),
            ),
            at_most(
                "100 MB of output, MiB of the handler's own memory",
                FLOOD_MAX_MIB,
                flood.map_or(nan, |flood| flood.handler_mib.max),
            ),
        ];
        targets
            .extend(rates.map(|(at, many)| at_least(format!("a second: {}", many.name), rate(at))));
        targets.push(at_most(
            "idle daemon with all handlers that come with it, MiB",
            IDLE_MAX_MIB,
            self.idle.map_or(nan, |idle| idle.rss_mib),
        ));
        targets
    }

    fn show(&self, as_json: bool) {
        let targets = self.targets();
        if as_json {
            return self.show_json(&targets);
        }
        report::line(format_args!(
            "\n{:<44} {:>22} {:>8} {:>22} {:>8}",
            "median (min–max)", "trivial, ms", "CPU ms", "five seconds, s", "CPU ms"
        ));
        for row in &self.rows {
            let name = match &row.version {
                Some(version) => format!("{} ({version:.32})", row.name),
                None => row.name.to_owned(),
            };
            report::line(format_args!(
                "{name:<44} {:>22} {:>8.1} {:>22} {:>8.0}",
                format!("{:.1}", row.trivial_ms()),
                Row::cpu_ms(&row.trivial),
                format!("{:.3}", row.long_s()),
                Row::cpu_ms(&row.long),
            ));
        }
        let [trivial, long] = self.run;
        report::line(format_args!(
            "{:<44} {:>22} {:>8} {:>22}",
            "  of it the run, by syncmgr's own history",
            format!("{trivial:.1}"),
            "",
            format!("{:.3}", long.divided(1_000.0)),
        ));
        report::line(format_args!(
            "{:<44} {:>22}",
            "  of it started, heard and ended",
            format!("{:.1}", self.heard)
        ));
        report::line(format_args!(
            "\n{:<44} {:>22} {:>8}",
            "trivial runs", "a second", "CPU ms"
        ));
        for many in &self.many {
            report::line(format_args!(
                "{:<44} {:>22} {:>8.1}",
                format!("{} {}", many.count(), many.name),
                format!("{:.0}", Spread::of(many.rates())),
                Spread::of(many.cpu_ms()).median
            ));
        }
        if let Some(flood) = &self.flood {
            report::line(format_args!(
                "\n100 MB of output, s of the processor: alone {:.2}, `syncmgr sync` with all {:.2}, heard without rules {:.2}",
                flood.alone_s, flood.ours_s, flood.hear_s
            ));
            report::line(format_args!(
                "memory: the handler's own {:.1} MiB, heard without rules, with its program {:.1} MiB",
                flood.handler_mib, flood.hear_mib
            ));
        }
        if let Some(idle) = self.idle {
            report::line(format_args!(
                "idle daemon with folder, tools and reports: {:.1} MiB resident, of which {:.1} MiB are its own\n",
                idle.rss_mib, idle.own_mib
            ));
        }
        let is_missing = |name: &str| !self.rows.iter().any(|row| row.name == name);
        if is_missing("pueue") {
            report::line(NO_PUEUE);
        }
        if is_missing("task-spooler") {
            report::line("task-spooler is not installed; install with --install");
        }
        for target in targets {
            report::line(target);
        }
    }

    fn show_json(&self, targets: &[Target]) {
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "name": row.name, "version": row.version,
                    "trivialMs": row.trivial_ms(), "trivialCpuMs": Row::cpu_ms(&row.trivial),
                    "longS": row.long_s(), "longCpuMs": Row::cpu_ms(&row.long),
                })
            })
            .collect();
        let many: Vec<_> = self
            .many
            .iter()
            .map(|many| {
                json!({
                    "name": many.name, "count": many.count(),
                    "aSecond": Spread::of(many.rates()), "cpuMs": Spread::of(many.cpu_ms()),
                })
            })
            .collect();
        let targets: Vec<_> = targets
            .iter()
            .map(|target| json!({"target": target, "reached": target.reached()}))
            .collect();
        report::line(json!({
            "bench": "wrap", "rows": rows, "runMs": {"trivial": self.run[0], "long": self.run[1]},
            "heardMs": self.heard, "many": many, "flood": self.flood, "idle": self.idle, "targets": targets,
        }));
    }
}
