//! Sessions a second through the manager beside `xargs -P2`, and one session of very many items.
//!
//! Both use the trivial handler of `crates/handler/examples`, whose items take no time: what is left is what a session
//! costs. The manager is started as a user starts it, so its own start, its store and its answer are counted too.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use super::summary::{Spread, Summary, Target};
use crate::run::Cost;
use crate::{Words, report, run};

/// Sessions a second that must be reached on two cores.
const SESSIONS_MIN: f64 = 300.0;

/// Items a second that must be reached in one session.
const ITEMS_MIN: f64 = 50_000.0;

/// Memory of the largest process that the session of many items may need.
const ITEMS_MAX_MIB: f64 = 100.0;

/// The words that start the handler, quoted for the configuration.
pub(crate) fn handler(id: &str, program: &Path, items: u64) -> String {
    let program = serde_json::Value::String(program.to_string_lossy().into_owned());
    format!("[[handler]]\nid = \"{id}\"\ncommand = [{program}, \"{items}\"]\n\n")
}

/// Runs the bench.
pub(super) fn run(mut words: Words) -> Result<bool> {
    let sessions = words.number("--sessions", 300)?.max(1);
    let items = words.number("--items", 100_000)?.max(1);
    let runs = words.number("--runs", 5)?.max(1);
    let program = words.value("--program")?;
    let as_json = words.flag("--json");
    words.end()?;
    if run::version("xargs", "--version").is_none() {
        bail!("xargs is not installed; install with `apt-get install findutils`");
    }
    let ours = super::ours(program)?;
    let trivial = super::trivial()?;
    let base = tempfile::Builder::new()
        .prefix("syncmgr-bench-")
        .tempdir()?;

    let (mut many, mut limit, mut large) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..runs {
        let home = base.path().join(format!("many-{round}"));
        let config: String = (0..sessions)
            .map(|number| handler(&format!("trivial-{number}"), &trivial, 1))
            .collect();
        many.push(synchronize(&ours, &home, &config, sessions)?);
        limit.push(xargs(&trivial, sessions, base.path())?);
        let home = base.path().join(format!("large-{round}"));
        large.push(synchronize(
            &ours,
            &home,
            &handler("trivial", &trivial, items),
            items,
        )?);
        report::complain(format_args!(
            "round {}/{runs}  {sessions} sessions {:.2} s, xargs {:.2} s, {items} items {:.2} s",
            round + 1,
            many[many.len() - 1].wall_s,
            limit[limit.len() - 1].wall_s,
            large[large.len() - 1].wall_s
        ));
    }
    show(&many, &limit, &large, sessions, items, as_json);
    Ok(true)
}

/// Runs `syncmgr sync` in a fresh home and makes sure that every item really was synchronized.
fn synchronize(ours: &Path, home: &Path, config: &str, items: u64) -> Result<Cost> {
    fs::create_dir_all(home.join("config"))?;
    fs::write(home.join("config/config.toml"), config)?;
    let said = home.join("said");
    let mut command = syncmgr(ours, home);
    command
        .arg("sync")
        .stdout(fs::File::create(&said)?)
        .stderr(fs::File::create(home.join("complaints"))?);
    let cost = run::measured(&mut command)?;
    if cost.code != 0 {
        report::complain(fs::read_to_string(home.join("complaints")).unwrap_or_default());
        report::complain(
            fs::read_to_string(&said)
                .unwrap_or_default()
                .lines()
                .rev()
                .take(20)
                .collect::<Vec<_>>()
                .join("\n"),
        );
        bail!("{} ended with {}", run::shown(&command), cost.code);
    }
    // A run that synchronized nothing would be the fastest of all.
    let listed = run::output(syncmgr(ours, home).args(["list", "--json"]))
        .context("could not list the items")?;
    let good = listed
        .split(|byte| *byte == b'\n')
        .filter(|line| synchronized(line))
        .count() as u64;
    if good != items {
        bail!("{good} of {items} items were synchronized");
    }
    Ok(cost)
}

/// Says whether a line of `list --json` is about an item whose last run was good.
fn synchronized(line: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(line)
        .is_ok_and(|item| !item["lastGoodMs"].is_null())
}

fn syncmgr(ours: &Path, home: &Path) -> Command {
    let mut command = run::command(ours);
    command.env("SYNCMGR_HOME", home).env("HOME", home);
    command
}

/// Starts the same program as often, two at a time, without any manager; it ends at once, since nobody speaks to it.
fn xargs(trivial: &Path, count: u64, base: &Path) -> Result<Cost> {
    let list = base.join("numbers");
    let numbers: Vec<String> = (0..count).map(|number| number.to_string()).collect();
    fs::write(&list, numbers.join("\n"))?;
    let mut command = run::command("xargs");
    command
        .arg("-a")
        .arg(&list)
        .args(["-P2", "-n1"])
        .arg(trivial)
        .stdout(Stdio::null());
    let cost = run::measured(&mut command)?;
    if cost.code != 0 {
        bail!("{} ended with {}", run::shown(&command), cost.code);
    }
    Ok(cost)
}

fn show(many: &[Cost], limit: &[Cost], large: &[Cost], sessions: u64, items: u64, as_json: bool) {
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts are far below what a double holds exactly"
    )]
    let rate = |count: u64, costs: &[Cost]| {
        Spread::of(costs.iter().map(|cost| count as f64 / cost.wall_s))
    };
    let rates = [
        rate(sessions, many),
        rate(sessions, limit),
        rate(items, large),
    ];
    let target = |what: &str, bound, measured, at_most| Target {
        what: what.to_owned(),
        bound,
        measured,
        at_most,
    };
    let targets = [
        target("sessions a second", SESSIONS_MIN, rates[0].median, false),
        target(
            "items a second in one session",
            ITEMS_MIN,
            rates[2].median,
            false,
        ),
        target(
            "largest process with all items, MiB",
            ITEMS_MAX_MIB,
            Summary::of(large).largest_mib.median,
            true,
        ),
    ];
    if as_json {
        let row = |name: &str, rate: Spread, costs: &[Cost]| json!({"what": name, "a_second": rate, "summary": Summary::of(costs), "runs": costs});
        let rows = [
            row("sessions", rates[0], many),
            row("xargs -P2", rates[1], limit),
            row("items in one session", rates[2], large),
        ];
        let targets: Vec<_> = targets
            .iter()
            .map(|target| json!({"target": target, "reached": target.reached()}))
            .collect();
        report::line(
            json!({"bench": "sessions", "sessions": sessions, "items": items, "rows": rows, "targets": targets}),
        );
        return;
    }
    report::line(format_args!(
        "\n{} runs each; median (min–max)\n",
        many.len()
    ));
    report::line(format_args!(
        "{:<26} {:>28} {:>18} {:>18} {:>20} {:>20}",
        "what", "a second", "wall s", "cpu s", "largest process MiB", "all processes MiB"
    ));
    for (name, rate, costs) in [
        (format!("{sessions} sessions"), rates[0], many),
        (format!("{sessions} by xargs -P2"), rates[1], limit),
        (format!("1 session, {items} items"), rates[2], large),
    ] {
        let summary = Summary::of(costs);
        report::line(format_args!(
            "{name:<26} {:>28} {:>18} {:>18} {:>20} {:>20}",
            format!("{rate:.0}"),
            format!("{:.2}", summary.wall_s),
            format!("{:.2}", summary.cpu_s),
            format!("{:.1}", summary.largest_mib),
            format!("{:.1}", summary.sum_mib)
        ));
    }
    report::line(format_args!(
        "\nours / xargs: {:.2}\n",
        rates[0].median / rates[1].median
    ));
    for target in targets {
        report::line(target);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_with_odd_names_are_quoted() {
        let text = handler("trivial", Path::new("/a \"b\"/c"), 3);
        assert!(text.contains(r#"command = ["/a \"b\"/c", "3"]"#), "{text}");
    }

    #[test]
    fn an_item_without_a_good_run_does_not_count() {
        assert!(synchronized(br#"{"name":"x","lastGoodMs":1}"#));
        assert!(!synchronized(br#"{"name":"x","lastGoodMs":null}"#));
        assert!(!synchronized(br#"{"name":"x"}"#));
        assert!(!synchronized(b""));
    }
}
