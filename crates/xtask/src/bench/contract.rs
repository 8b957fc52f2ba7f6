//! What the contract with handlers costs: callbacks and items a second through memory, standard input and output, and
//! COM, and the start of a session, beside the bare pipe and the bare process.
//!
//! The measuring program is `crates/host/examples/contract.rs`, the COM class `flood.cpp` beside this file. Reports are
//! counted as the handler makes them; how many come out after the merging of what nobody had time to look at stands
//! beside it.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::summary::{Spread, Target};
use crate::{Words, report, run};

/// Callbacks a second that a handler must be able to make over standard input and output.
const CALLBACKS_MIN: f64 = 200_000.0;

/// Items a second that must be listed on every way.
const ITEMS_MIN: f64 = 50_000.0;

/// Milliseconds in which 99 of 100 sessions of `comhost` must have started.
const START_MAX_MS: f64 = 50.0;

/// Most items that `comhost` takes from an enumerator, by the specification (3.13).
const COM_ITEMS_MAX: u64 = 65_536;

/// The class of `flood.cpp`.
const CLASS: &str = "{0D3F7F4E-52B4-4C0E-A761-1E3D9B0F7A11}";

/// How often each thing is done in one run.
struct Load {
    reports: u64,
    items: u64,
    starts: u64,
}

/// One way to a handler.
struct Way {
    name: &'static str,
    /// The words that the measuring program starts.
    words: Vec<String>,
    /// Callbacks, items and starts that are not measured on this way.
    measures: &'static [&'static str],
    most_items: u64,
}

/// What was measured on one way.
#[derive(Default)]
struct Figures {
    callbacks: Vec<f64>,
    events: Vec<f64>,
    items: Vec<f64>,
    starts: Vec<f64>,
    plain: Vec<f64>,
}

/// Runs the bench.
pub(super) fn run(mut words: Words) -> Result<bool> {
    let load = Load {
        reports: words.number("--callbacks", 1_000_000)?.max(1),
        items: words.number("--items", 100_000)?.max(1),
        starts: words.number("--starts", 100)?.max(1),
    };
    let runs = words.number("--runs", 5)?.max(1);
    let as_json = words.flag("--json");
    let install = words.flag("--install");
    words.end()?;
    if run::version("c++", "--version").is_none() {
        run::need_packages(&["g++"], install)?;
    }
    let measuring = super::build(
        &["-p", "syncmgr-host", "--example", "contract"],
        "contract",
        true,
    )?;
    let comhost = super::build(&["-p", "syncmgr-comhost"], "comhost", true)?;
    let place = tempfile::Builder::new()
        .prefix("syncmgr-bench-")
        .tempdir()?;
    let library = place.path().join("libflood.so");
    let root = run::workspace();
    run::check(
        run::command("c++")
            .args(["-std=c++17", "-O2", "-shared", "-fPIC", "-pthread", "-I"])
            .arg(root.join("crates/com/include"))
            .arg(root.join("crates/xtask/src/bench/flood.cpp"))
            .arg("-o")
            .arg(&library),
    )?;
    let ways = ways(&measuring, &comhost, &library, &load);
    let mut figures: Vec<Figures> = ways.iter().map(|_| Figures::default()).collect();
    let (mut pipe, mut manager) = (Vec::new(), Vec::new());
    let ours = super::build(&["-p", "syncmgr"], "syncmgr", true)?;
    for round in 0..runs {
        for (way, figures) in ways.iter().zip(&mut figures) {
            measure(&measuring, way, &load, figures)?;
        }
        pipe.push(bare_pipe(&measuring, load.reports)?);
        let home = place.path().join(format!("home-{round}"));
        manager.push(through_manager(&ours, &measuring, &home, load.reports)?);
        report::complain(format_args!("round {}/{runs}", round + 1));
    }
    Ok(show(&ways, &figures, &pipe, &manager, &load, as_json))
}

fn ways(measuring: &Path, comhost: &Path, library: &Path, load: &Load) -> Vec<Way> {
    let own = |mode: &str| {
        let words = [
            measuring.to_string_lossy().into_owned(),
            mode.to_owned(),
            load.items.to_string(),
            load.reports.to_string(),
        ];
        words.to_vec()
    };
    let com = [
        comhost.to_string_lossy(),
        "--library".into(),
        library.to_string_lossy(),
        CLASS.into(),
    ];
    let all = &["callbacks", "items", "starts"][..];
    let way = |name, words, measures, most_items| Way {
        name,
        words,
        measures,
        most_items,
    };
    vec![
        way(
            "memory, lines",
            vec!["memory-raw".into()],
            &all[..2],
            u64::MAX,
        ),
        way(
            "memory, kit",
            vec!["memory-kit".into()],
            &all[..2],
            u64::MAX,
        ),
        way("stdio, lines", own("serve"), all, u64::MAX),
        way("stdio, kit", own("kit"), all, u64::MAX),
        way(
            "COM library",
            com.map(String::from).to_vec(),
            all,
            COM_ITEMS_MAX,
        ),
    ]
}

fn measure(measuring: &Path, way: &Way, load: &Load, figures: &mut Figures) -> Result<()> {
    for what in way.measures {
        let count = match *what {
            "callbacks" => load.reports,
            "items" => load.items.min(way.most_items),
            _ => load.starts,
        };
        // As many items as are looked at: all of them when they are counted.
        let items = if *what == "items" { count } else { 100 };
        let mut command = run::command(measuring);
        command
            .env("FLOOD_ITEMS", items.to_string())
            .env("FLOOD_REPORTS", load.reports.to_string())
            .args(["measure", what, &count.to_string(), "--"])
            .args(&way.words);
        let text = run::output(&mut command)?;
        let said: Value = serde_json::from_slice(&text).context("it measured nothing")?;
        let number = |name: &str| said[name].as_f64().with_context(|| format!("no {name}"));
        let list = |name: &str| -> Vec<f64> {
            let list = said[name].as_array();
            list.map(|list| list.iter().filter_map(Value::as_f64).collect())
                .unwrap_or_default()
        };
        match *what {
            "callbacks" => {
                figures
                    .callbacks
                    .push(number("count")? / number("seconds")?);
                figures.events.push(number("events")? / number("count")?);
            }
            "items" => figures.items.push(number("count")? / number("seconds")?),
            _ => {
                figures.starts.extend(list("ours_ms"));
                figures.plain.extend(list("true_ms"));
            }
        }
    }
    Ok(())
}

/// Sends the same lines through a pipe into `cat`, which looks at nothing; answers lines a second.
fn bare_pipe(measuring: &Path, reports: u64) -> Result<f64> {
    let begun = run::now();
    let mut writer = run::command(measuring)
        .args(["bytes", "100", &reports.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let Some(pipe) = writer.stdout.take() else {
        bail!("the pipe is missing");
    };
    run::check(run::command("cat").stdin(pipe).stdout(Stdio::null()))?;
    if !writer.wait()?.success() {
        bail!("the lines were not written");
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts are far below what a double holds exactly"
    )]
    Ok(reports as f64 / begun.elapsed().as_secs_f64())
}

/// Lets `syncmgr sync` run the handler that floods, and answers callbacks a second, and how many KiB it kept:
/// nothing of progress reaches the store, so that is what any run leaves.
fn through_manager(ours: &Path, measuring: &Path, home: &Path, reports: u64) -> Result<(f64, f64)> {
    std::fs::create_dir_all(home.join("config"))?;
    let program = json!(measuring.to_string_lossy());
    let config = format!(
        "[[handler]]\nid = \"flood\"\ncommand = [{program}, \"serve\", \"100\", \"{reports}\"]\n"
    );
    std::fs::write(home.join("config/config.toml"), config)?;
    let mut command = run::command(ours);
    command
        .env("SYNCMGR_HOME", home)
        .arg("sync")
        .stdout(Stdio::null());
    let cost = run::measured(&mut command)?;
    if cost.code != 0 {
        bail!("{} ended with {}", run::shown(&command), cost.code);
    }
    let mut bytes = 0;
    for file in std::fs::read_dir(home.join("state"))? {
        bytes += file?.metadata()?.len();
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts are far below what a double holds exactly"
    )]
    Ok((reports as f64 / cost.wall_s, bytes as f64 / 1024.0))
}

/// Answers the value below which this share of the sorted values lies.
fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a position in a short list"
    )]
    let at = (sorted.len() as f64 * share).ceil() as usize;
    sorted
        .get(at.saturating_sub(1))
        .copied()
        .unwrap_or(f64::NAN)
}

fn show(
    ways: &[Way],
    figures: &[Figures],
    pipe: &[f64],
    manager: &[(f64, f64)],
    load: &Load,
    as_json: bool,
) -> bool {
    let mut targets = Vec::new();
    let mut target = |what: String, bound, measured, at_most| {
        targets.push(Target {
            what,
            bound,
            measured,
            at_most,
        });
    };
    let spread = |values: &[f64]| Spread::of(values.iter().copied());
    for (way, figures) in ways.iter().zip(figures) {
        let callbacks = spread(&figures.callbacks).median;
        if way.name.starts_with("stdio") {
            target(
                format!("callbacks a second, {}", way.name),
                CALLBACKS_MIN,
                callbacks,
                false,
            );
        }
        let items = spread(&figures.items).median;
        target(
            format!("items a second, {}", way.name),
            ITEMS_MIN,
            items,
            false,
        );
        if way.name.starts_with("COM") {
            let p99 = percentile(&figures.starts, 0.99);
            target(
                "start of a comhost session, ms, p99".to_owned(),
                START_MAX_MS,
                p99,
                true,
            );
        }
    }
    let kept = spread(&manager.iter().map(|(_, kept)| *kept).collect::<Vec<_>>());
    let manager = spread(&manager.iter().map(|(rate, _)| *rate).collect::<Vec<_>>());
    targets.push(Target {
        what: "callbacks a second, whole manager".to_owned(),
        bound: CALLBACKS_MIN,
        measured: manager.median,
        at_most: false,
    });
    let reached = targets.iter().all(Target::reached);
    let pipe = spread(pipe);
    let versions: Vec<String> = [("cat", "--version"), ("c++", "--version"), ("uname", "-sr")]
        .iter()
        .filter_map(|(program, argument)| run::version(program, argument))
        .collect();
    if as_json {
        let row = |(way, figures): (&Way, &Figures)| {
            json!({
                "way": way.name, "callbacksASecond": spread(&figures.callbacks), "eventsOfCallbacks": spread(&figures.events),
                "itemsASecond": spread(&figures.items), "startMs": figures.starts, "trueMs": figures.plain,
            })
        };
        let rows: Vec<Value> = ways.iter().zip(figures).map(row).collect();
        let targets: Vec<Value> = targets
            .iter()
            .map(|target| json!({"target": target, "reached": target.reached()}))
            .collect();
        report::line(
            json!({"bench": "contract", "rows": rows, "pipeLinesASecond": pipe, "managerASecond": manager, "managerKeptKib": kept, "versions": versions, "targets": targets}),
        );
        return reached;
    }
    let (reports, items) = (load.reports, load.items);
    report::line(format_args!(
        "\n{reports} callbacks, {items} items (COM: at most {COM_ITEMS_MAX}, the bound of the specification); median (min–max)\n"
    ));
    report::line(format_args!(
        "{:<14} {:>32} {:>9} {:>9} {:>28} {:>10} {:>10} {:>8}",
        "way", "callbacks/s", "÷ pipe", "came out", "items/s", "start p50", "p99 ms", "÷ true"
    ));
    for (way, figures) in ways.iter().zip(figures) {
        let callbacks = spread(&figures.callbacks);
        let [p50, p99, plain] = [
            percentile(&figures.starts, 0.5),
            percentile(&figures.starts, 0.99),
            percentile(&figures.plain, 0.5),
        ];
        // A thread in memory is no process and starts at once.
        let milliseconds = |value: f64| {
            if value.is_nan() {
                "–".to_owned()
            } else {
                format!("{value:.2}")
            }
        };
        report::line(format_args!(
            "{:<14} {:>32} {:>9.2} {:>8.1}% {:>28} {:>10} {:>10} {:>8}",
            way.name,
            format!("{callbacks:.0}"),
            callbacks.median / pipe.median,
            spread(&figures.events).median * 100.0,
            format!("{:.0}", spread(&figures.items)),
            milliseconds(p50),
            milliseconds(p99),
            milliseconds(p50 / plain)
        ));
    }
    report::line(format_args!(
        "{:<14} {:>32} {:>9.2} {kept:.0} KiB kept on disk",
        "whole manager",
        format!("{manager:.0}"),
        manager.median / pipe.median
    ));
    report::line(format_args!(
        "{:<14} {:>32}\n",
        "pipe into cat",
        format!("{pipe:.0}")
    ));
    for target in targets {
        report::line(target);
    }
    report::line(format_args!("\n{}", versions.join("; ")));
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_was_measured() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(percentile(&values, 0.5), 50.0);
        assert_eq!(percentile(&values, 0.99), 99.0);
        assert_eq!(percentile(&[3.0], 0.99), 3.0);
        assert!(percentile(&[], 0.5).is_nan());
    }

    #[test]
    fn com_lists_no_more_than_its_bound() {
        let load = Load {
            reports: 1,
            items: 100_000,
            starts: 1,
        };
        let path = Path::new("x");
        let ways = ways(path, path, path, &load);
        let com = ways.iter().find(|way| way.name.starts_with("COM"));
        assert_eq!(com.map(|way| load.items.min(way.most_items)), Some(65_536));
        assert!(ways.iter().all(|way| way.measures.contains(&"callbacks")));
    }
}
