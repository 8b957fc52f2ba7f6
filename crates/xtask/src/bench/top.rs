//! What the terminal page costs: from a key to the screen with many items, and while nothing changes.
//!
//! The real program draws on a terminal without a window. A redraw is the time from a key to the first byte that answers it,
//! as whoever sits there has it; processor time is read from `/proc`.

use std::io::{Read as _, Write as _};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use super::home::{Home, Started};
use super::process::{as_f64, busy_ms};
use super::summary::{Tail, Target};
use super::sys_terminal::Seat;
use crate::{Words, report, run};

/// A redraw at 10,000 items.
const REDRAW_MAX_MS: f64 = 16.0;
/// Of one processor, while nothing changes.
const IDLE_MAX_PERCENT: f64 = 1.0;
/// Items of the page.
const ITEMS: u64 = 10_000;
/// Keys that are pressed.
const KEYS: u64 = 300;
/// Size of the window.
const COLUMNS: u16 = 120;
const ROWS: u16 = 40;
/// How long the page may take to show what there is, or to answer a key.
const PATIENCE: Duration = Duration::from_secs(60);
/// Silence of the page that counts as having settled.
const SILENCE: Duration = Duration::from_secs(2);

/// When the page wrote, and what.
type Written = Receiver<(Instant, Vec<u8>)>;

/// Runs the bench.
pub(super) fn run(mut words: Words) -> Result<bool> {
    let items = words.number("--items", ITEMS)?.max(10);
    let keys = words.number("--keys", KEYS)?.max(1);
    let seconds = words.number("--seconds", 30)?.max(1);
    let program = words.value("--program")?;
    let as_json = words.flag("--json");
    words.end()?;
    let ours = super::ours(program)?;
    let trivial = super::trivial()?;
    let base = tempfile::Builder::new()
        .prefix("syncmgr-bench-")
        .tempdir()?;
    let config = super::sessions::handler("trivial", &trivial, items);
    let home = Home::new(&ours, base.path().join("home"), &config)?;
    home.sync()?;
    let (daemon, _) = home.daemon()?;

    let mut command = home.command(&["top"]);
    command
        .env("TERM", "xterm-256color")
        .env("LC_ALL", "C.UTF-8");
    let seat = Seat::of(&mut command, COLUMNS, ROWS)?;
    let began = run::now();
    let page = Started(command.spawn().context("could not start the page")?);
    drop(command);
    let written = listen(&seat)?;
    let first = until_said(&written, &items.to_string())?.duration_since(began);
    settle(&written)?;

    let before = busy_ms(page.0.id())?;
    let mut redraws = Vec::new();
    for key in 0..keys {
        // Down, and from the end up again.
        let press = if key % (2 * items) < items {
            b"j"
        } else {
            b"k"
        };
        redraws.push(answered(&seat, &written, press)?.as_secs_f64() * 1_000.0);
    }
    let each_ms = (busy_ms(page.0.id())? - before) / as_f64(keys);
    settle(&written)?;

    let before = busy_ms(page.0.id())?;
    run::pause(Duration::from_secs(seconds));
    let idle_ms = busy_ms(page.0.id())? - before;
    let bytes: usize = written.try_iter().map(|(_, bytes)| bytes.len()).sum();
    let percent = idle_ms / (as_f64(seconds) * 10.0);

    let plain = ended(&seat, page)?;
    drop(daemon);
    let tail = Tail::of(redraws);
    let targets = [
        Target {
            what: format!("key to screen with {items} items, 99 of 100, ms"),
            bound: REDRAW_MAX_MS,
            measured: tail.p99,
            at_most: true,
        },
        Target {
            what: "processor while nothing changes, %".to_owned(),
            bound: IDLE_MAX_PERCENT,
            measured: percent,
            at_most: true,
        },
    ];
    if as_json {
        report::line(json!({
            "bench": "top", "items": items, "keys": tail, "processorMsAKey": each_ms, "firstScreenMs": first.as_millis(),
            "seconds": seconds, "idlePercent": percent, "idleBytes": bytes,
            "targets": targets.iter().map(|t| json!({"target": t, "reached": t.reached()})).collect::<Vec<_>>(),
        }));
        return Ok(plain);
    }
    report::line(format_args!(
        "\n{items} items, {COLUMNS} columns, {ROWS} rows\n"
    ));
    report::line(format_args!(
        "first screen        {:>8.0} ms",
        first.as_secs_f64() * 1_000.0
    ));
    report::line(format_args!(
        "key to screen       {:>8.1} ms (median; 99 of 100: {:.1}, largest: {:.1}, {} keys)",
        tail.median, tail.p99, tail.max, tail.samples
    ));
    report::line(format_args!("processor, each key {each_ms:>8.2} ms"));
    report::line(format_args!(
        "nothing changes     {percent:>8.2} % of a processor and {bytes} bytes in {seconds} s\n"
    ));
    for target in targets {
        report::line(target);
    }
    Ok(plain)
}

/// Everything that the page writes, with when it came.
fn listen(seat: &Seat) -> Result<Written> {
    let mut from = seat.handle()?;
    let (to, written) = channel();
    std::thread::spawn(move || {
        let mut chunk = [0; 1 << 16];
        while let Ok(length @ 1..) = from.read(&mut chunk) {
            if to.send((run::now(), chunk[..length].to_vec())).is_err() {
                return;
            }
        }
    });
    Ok(written)
}

/// Waits until something was written, and says when.
fn until_said(written: &Written, part: &str) -> Result<Instant> {
    let mut all = Vec::new();
    loop {
        let (at, bytes) = written
            .recv_timeout(PATIENCE)
            .with_context(|| format!("the page never said {part}"))?;
        all.extend_from_slice(&bytes);
        if String::from_utf8_lossy(&all).contains(part) {
            return Ok(at);
        }
    }
}

/// Waits until the page is silent.
fn settle(written: &Written) -> Result<()> {
    let began = run::now();
    while written.recv_timeout(SILENCE).is_ok() {
        if run::now().duration_since(began) > PATIENCE {
            bail!("the page is never silent");
        }
    }
    Ok(())
}

/// How long a key takes until something of its answer is there.
fn answered(seat: &Seat, written: &Written, key: &[u8]) -> Result<Duration> {
    written.try_iter().for_each(drop);
    let began = run::now();
    seat.handle()?.write_all(key)?;
    let (at, _) = written
        .recv_timeout(PATIENCE)
        .context("the page did not answer a key")?;
    Ok(at.duration_since(began))
}

/// Leaves the page; it gives the terminal back.
fn ended(seat: &Seat, mut page: Started) -> Result<bool> {
    seat.handle()?.write_all(b"q")?;
    let began = run::now();
    while page.0.try_wait()?.is_none() {
        if run::now().duration_since(began) > PATIENCE {
            bail!("the page does not end");
        }
        run::pause(Duration::from_millis(1));
    }
    Ok(seat.is_plain()?)
}
