//! What the first screen of the page costs: the server's time for it and for the snapshot that it is made of, and its size as
//! a browser gets it: let in through the door on TCP, and compressed by the server.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use super::home::{Home, fetch};
use super::idle::own_mib;
use super::summary::{Spread, Target};
use crate::{Words, report, run};

/// A snapshot of a thousand items, in milliseconds.
const SNAPSHOT_MAX_MS: f64 = 5.0;
/// The first screen, compressed, in kilobytes.
const PAGE_MAX_KB: f64 = 60.0;
/// The server's part of the first paint at the most items, in milliseconds.
const PAINT_MAX_MS: f64 = 200.0;
/// What is asked before anything is measured.
const WARM: u64 = 3;
/// How what is compressed begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What was measured with so many items.
#[derive(Debug, serde::Serialize)]
struct Measured {
    items: u64,
    /// The verdict with the first 1,000 items as JSON, in milliseconds.
    snapshot_ms: Spread,
    /// The first screen as a browser gets it, through the door and compressed, in milliseconds.
    page_ms: Spread,
    /// The text of it.
    page_kb: f64,
    /// What is sent of it, with its head.
    served_kb: f64,
    /// Memory of the daemon's own after as many first screens as are measured, and after as many again, in MiB.
    own_mib: [f64; 2],
}

/// Runs the bench.
pub(super) fn run(mut words: Words) -> Result<bool> {
    let most = words.number("--items", 100_000)?.max(1);
    let runs = words.number("--runs", 21)?.max(1);
    let program = words.value("--program")?;
    let as_json = words.flag("--json");
    words.end()?;
    let ours = super::ours(program)?;
    let trivial = super::trivial()?;
    let base = tempfile::Builder::new()
        .prefix("syncmgr-bench-")
        .tempdir()?;
    let mut measured = Vec::new();
    for items in [1_000, most] {
        let config = super::sessions::handler("trivial", &trivial, items);
        let home = Home::new(&ours, base.path().join(format!("page-{items}")), &config)?;
        home.sync()?;
        let (daemon, _) = home.daemon()?;
        measured.push(measure(&home, daemon.0.id(), items, runs)?);
        drop(daemon);
    }
    show(&measured, as_json);
    Ok(true)
}

fn measure(home: &Home<'_>, daemon: u32, items: u64, runs: u64) -> Result<Measured> {
    let mut page = Vec::new();
    let mut times = |address: &str| -> Result<Spread> {
        for _ in 0..WARM {
            home.get(address)?;
        }
        let mut times = Vec::new();
        for _ in 0..runs {
            let (took, body) = home.get(address)?;
            times.push(millis(took));
            page = body;
        }
        Ok(Spread::of(times))
    };
    let snapshot_ms = times("/v1/status")?;
    times("/")?;
    if !page.starts_with(b"<!DOCTYPE html>") {
        bail!("that is no page");
    }
    let (page_ms, bytes) = served(home, runs)?;
    let once = own_mib(daemon)?;
    served(home, runs)?;
    let twice = own_mib(daemon)?;
    Ok(Measured {
        items,
        snapshot_ms,
        page_ms,
        page_kb: kilobytes(page.len()),
        served_kb: kilobytes(bytes),
        own_mib: [once, twice],
    })
}

/// Lets a browser in, and has it fetch the first screen; answers how long each took, and how much came of it.
fn served(home: &Home<'_>, runs: u64) -> Result<(Spread, usize)> {
    let (host, entry) = home.entry()?;
    let (entered, _) = fetch(&host, &entry, "")?;
    let cookie = entered.lines().find_map(|line| {
        let (name, rest) = line.split_once(": ")?;
        let set = name.eq_ignore_ascii_case("set-cookie");
        set.then(|| rest.split(';').next().unwrap_or_default())
    });
    let cookie = cookie.context("the browser was not let in")?;
    let head = format!("cookie: {cookie}\r\naccept-encoding: gzip\r\n");
    let mut times = Vec::new();
    let mut bytes = 0;
    for run in 0..runs + WARM {
        let began = run::now();
        let (head, body) = fetch(&host, "/", &head)?;
        let took = run::now().duration_since(began);
        if !head.starts_with("HTTP/1.1 200") || !body.starts_with(&GZIP) {
            bail!("the first screen does not come compressed: {head}");
        }
        if run >= WARM {
            times.push(millis(took));
        }
        bytes = head.len() + body.len();
    }
    Ok((Spread::of(times), bytes))
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

#[expect(clippy::cast_precision_loss, reason = "no page is that long")]
fn kilobytes(bytes: usize) -> f64 {
    bytes as f64 / 1_000.0
}

fn show(measured: &[Measured], as_json: bool) {
    let (Some(few), Some(many)) = (measured.first(), measured.last()) else {
        return;
    };
    let at_most = |what: String, bound, measured| Target {
        what,
        bound,
        measured,
        at_most: true,
    };
    let targets = [
        at_most(
            format!("snapshot of {} items, ms", few.items),
            SNAPSHOT_MAX_MS,
            few.snapshot_ms.median,
        ),
        at_most(
            "first screen as it is served, kB".to_owned(),
            PAGE_MAX_KB,
            many.served_kb,
        ),
        at_most(
            format!(
                "server's time for the first screen at {} items, ms",
                many.items
            ),
            PAINT_MAX_MS,
            many.page_ms.median,
        ),
    ];
    if as_json {
        let targets: Vec<_> = targets
            .iter()
            .map(|target| json!({ "target": target, "reached": target.reached() }))
            .collect();
        report::line(json!({ "bench": "page", "measured": measured, "targets": targets }));
        return;
    }
    report::line(format_args!(
        "\n{:>8} {:>24} {:>24} {:>9} {:>14} {:>24}",
        "items",
        "snapshot as JSON, ms",
        "first screen, ms",
        "kB",
        "served kB",
        "own MiB, after as many"
    ));
    for one in measured {
        report::line(format_args!(
            "{:>8} {:>24} {:>24} {:>9.1} {:>14.1} {:>24}",
            one.items,
            format!("{:.1}", one.snapshot_ms),
            format!("{:.1}", one.page_ms),
            one.page_kb,
            one.served_kb,
            format!("{:.1}, {:.1}", one.own_mib[0], one.own_mib[1])
        ));
    }
    report::line("");
    for target in targets {
        report::line(target);
    }
}
