//! What it costs the sessions that many follow them, and what a page costs that is open.
//!
//! The sessions work hard on one processor and report about a thousand changes a second; the rounds with and without whoever
//! follows alternate, so that what else the machine does is seen as noise. Whoever follows reads on the same machine, and
//! what that costs is counted against us.

mod open_page;
mod stream;

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use self::stream::{Connection, Follower, Form, Places, Way};
use super::home::Home;
use super::process::{as_f64, busy_ms, resident_kib};
use super::summary::{Spread, Target};
use crate::{Words, report, run};

/// By how much sessions may become slower, in percent.
const SLOWER_MAX_PERCENT: f64 = 5.0;
/// What the sessions must at least report for that to count, in changes a second.
const CHANGES_MIN: f64 = 1_000.0;
/// Processor time of the daemon while a page is open and nothing happens, in percent of one.
const OPEN_MAX_PERCENT: f64 = 1.0;
/// Those who follow and never read.
const SLOW: usize = 4;
/// How long a stream may take to say something or to end.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long those who follow may take to be told the rest.
const REST: Duration = Duration::from_secs(5);
/// Items that change while a page is open.
const CHANGING: u64 = 100;

/// One session, as its manager and whoever followed saw it.
#[derive(Debug, Clone, Copy, serde::Serialize)]
struct Round {
    items_a_second: f64,
    changes_a_second: f64,
    /// Processor time of the daemon, in percent of one.
    daemon_percent: f64,
}

/// What became of those who never read.
#[derive(Debug, Default, serde::Serialize)]
struct Slow {
    /// Their connection was ended.
    dropped: usize,
    /// They were told that something is missing.
    told: usize,
    /// Everything waited for them in the system's own buffers.
    nothing_missed: usize,
}

/// What was measured.
#[derive(Debug, serde::Serialize)]
struct Measured {
    subscribers: usize,
    alone: Vec<Round>,
    followed: Vec<Round>,
    /// Memory that one more who follows costs the daemon, before anything happens and after the last round, in KiB.
    quiet_kib: f64,
    busy_kib: f64,
    /// Of 100 bytes that the first one was told, what the least was told that another of the same form was.
    least_percent: f64,
    slow: Slow,
}

/// Runs the bench.
pub(super) fn run(mut words: Words) -> Result<bool> {
    let subscribers = words.number("--subscribers", 200)?.max(4);
    let rounds = words.number("--rounds", 7)?.max(1);
    let items = words.number("--items", 4_000)?.max(1);
    let work = words.number("--work", 1_000)?;
    let seconds = words.number("--seconds", 15)?.max(1);
    let program = words.value("--program")?;
    let as_json = words.flag("--json");
    words.end()?;
    let ours = super::ours(program)?;
    let trivial = super::trivial()?;
    let base = tempfile::Builder::new()
        .prefix("syncmgr-bench-")
        .tempdir()?;
    let work = work.to_string();
    let home = |name: &str, items: u64| -> Result<Home<'_>> {
        Home::new(
            &ours,
            base.path().join(name),
            &working(&trivial, items, &work),
        )
    };

    let many = home("many", items)?;
    many.sync()?;
    let (daemon, _) = many.daemon()?;
    let measured = measure(&many, daemon.0.id(), items, subscribers, rounds)?;
    drop(daemon);

    let few = home("few", CHANGING)?;
    few.sync()?;
    let (daemon, _) = few.daemon()?;
    let page = open_page::measure(&few, daemon.0.id(), Duration::from_secs(seconds))?;
    drop(daemon);
    show(&measured, &page, as_json);
    Ok(true)
}

/// The configuration of a handler that works on each item.
fn working(trivial: &Path, items: u64, work: &str) -> String {
    let program = Value::String(trivial.to_string_lossy().into_owned());
    format!(
        "[center]\nlisten = \"127.0.0.1:0\"\n\n\
         [[handler]]\nid = \"trivial\"\ncommand = [{program}, \"{items}\", \"\", \"{work}\"]\n"
    )
}

fn measure(
    home: &Home<'_>,
    daemon: u32,
    items: u64,
    subscribers: u64,
    rounds: u64,
) -> Result<Measured> {
    let places = Places::of(home)?;
    session(home, &places, daemon, items)?;
    let (mut alone, mut followed) = (Vec::new(), Vec::new());
    let (mut quiet_kib, mut busy_kib, mut least_percent) = (0.0, 0.0, 100.0_f64);
    let slow: Vec<Connection> = (0..SLOW)
        .map(|at| places.follow(way(at), form(at)))
        .collect::<Result<_>>()?;
    for round in 0..rounds {
        alone.push(session(home, &places, daemon, items)?);
        let before = resident_kib(daemon)?;
        let all: Vec<Follower> = (0..usize::try_from(subscribers)?)
            .map(|at| Follower::begin(&places, way(at), form(at)))
            .collect::<Result<_>>()?;
        let quiet = resident_kib(daemon)?;
        followed.push(session(home, &places, daemon, items)?);
        least_percent = least_percent.min(least(&all)?);
        if round == 0 {
            quiet_kib = (quiet - before) / as_f64(subscribers);
        }
        busy_kib = (resident_kib(daemon)? - before) / as_f64(subscribers);
        report::complain(format_args!(
            "round {}/{rounds}  alone {:.0} items/s, followed {:.0} items/s",
            round + 1,
            alone[alone.len() - 1].items_a_second,
            followed[followed.len() - 1].items_a_second
        ));
    }
    Ok(Measured {
        subscribers: usize::try_from(subscribers)?,
        alone,
        followed,
        quiet_kib,
        busy_kib,
        least_percent,
        slow: what_became(slow)?,
    })
}

/// Each of the four kinds is as often as the others.
fn way(at: usize) -> Way {
    if at.is_multiple_of(2) {
        Way::Socket
    } else {
        Way::Door
    }
}

fn form(at: usize) -> Form {
    if at % 4 < 2 {
        Form::Events
    } else {
        Form::Lines
    }
}

/// One session of so many items, from its request to its end, by the times that the manager gives its changes.
fn session(home: &Home<'_>, places: &Places, daemon: u32, items: u64) -> Result<Round> {
    let mut stream = BufReader::new(places.follow(Way::Socket, Form::Lines)?);
    stream.get_ref().limit(PATIENCE)?;
    let mut line = String::new();
    let mut next = || -> Result<Option<Value>> {
        loop {
            line.clear();
            if stream.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            // The others are of the head and of the transfer.
            if line.starts_with('{') {
                return Ok(Some(serde_json::from_str(&line)?));
            }
        }
    };
    next()?.context("the stream did not begin")?;
    home.ask("sync", &json!({}))?;
    let before = busy_ms(daemon)?;
    let (mut opened, mut closed, mut changes) = (0, 0, 0_u64);
    loop {
        let change = next()?.context("the stream ended within a session")?;
        changes += 1;
        let at = change["atMs"].as_u64().unwrap_or_default();
        match change["change"].as_str() {
            Some("run-opened") => opened = at,
            Some("run-closed") => closed = at,
            Some("request-ended") => break,
            Some("gap") => bail!("changes were lost to a reader that does nothing else"),
            _ => {}
        }
    }
    let busy = busy_ms(daemon)? - before;
    if opened == 0 || closed <= opened {
        bail!("the session had no run that was seen");
    }
    let span = as_f64(closed - opened) / 1_000.0;
    Ok(Round {
        items_a_second: as_f64(items) / span,
        changes_a_second: as_f64(changes) / span,
        daemon_percent: busy / (span * 10.0),
    })
}

/// The least that any was told, of what the first of the same kind was, in percent, once all had time to be told the rest.
fn least(all: &[Follower]) -> Result<f64> {
    if all.iter().any(Follower::is_over) {
        bail!("somebody who reads was dropped");
    }
    let began = run::now();
    loop {
        let least = all
            .iter()
            .zip(all.iter().cycle().skip(4))
            .map(|(one, other)| as_f64(one.bytes()) * 100.0 / as_f64(other.bytes().max(1)))
            .fold(100.0, f64::min);
        if least >= 99.0 || run::now().duration_since(began) > REST {
            return Ok(least);
        }
        run::pause(Duration::from_millis(10));
    }
}

/// Those who never read read now, so that it is seen what they were told.
fn what_became(slow: Vec<Connection>) -> Result<Slow> {
    let mut became = Slow::default();
    for mut connection in slow {
        connection.limit(Duration::from_secs(1))?;
        let mut text = Vec::new();
        let ended = connection.read_to_end(&mut text).is_ok();
        let gaps = String::from_utf8_lossy(&text)
            .matches(r#""change":"gap""#)
            .count();
        if ended {
            became.dropped += 1;
        } else if gaps > 1 {
            became.told += 1;
        } else {
            became.nothing_missed += 1;
        }
    }
    Ok(became)
}

fn show(measured: &Measured, page: &open_page::Measured, as_json: bool) {
    let spread = |rounds: &[Round], of: fn(&Round) -> f64| Spread::of(rounds.iter().map(of));
    let alone = spread(&measured.alone, |round| round.items_a_second);
    let followed = spread(&measured.followed, |round| round.items_a_second);
    let changes = spread(&measured.followed, |round| round.changes_a_second);
    let slower = (1.0 - followed.median / alone.median) * 100.0;
    let target = |what: String, bound, measured, at_most| Target {
        what,
        bound,
        measured,
        at_most,
    };
    let targets = [
        target(
            format!(
                "sessions slower with {} who follow, %",
                measured.subscribers
            ),
            SLOWER_MAX_PERCENT,
            slower,
            true,
        ),
        target(
            "changes a second meanwhile".to_owned(),
            CHANGES_MIN,
            changes.median,
            false,
        ),
        target(
            "processor with a page open and nothing happening, %".to_owned(),
            OPEN_MAX_PERCENT,
            page.idle_percent,
            true,
        ),
    ];
    if as_json {
        let targets: Vec<_> = targets
            .iter()
            .map(|target| json!({ "target": target, "reached": target.reached() }))
            .collect();
        report::line(
            json!({ "bench": "load", "measured": measured, "page": page, "targets": targets }),
        );
        return;
    }
    report::line(format_args!(
        "\n{} rounds of each kind, in turns; median (min–max)\n\n{:<24} {:>24} {:>24} {:>22}",
        measured.alone.len(),
        "sessions",
        "items a second",
        "changes a second",
        "daemon, % of one cpu"
    ));
    for (name, rounds) in [
        ("one follows".to_owned(), &measured.alone),
        (
            format!("{} more follow", measured.subscribers),
            &measured.followed,
        ),
    ] {
        report::line(format_args!(
            "{name:<24} {:>24} {:>24} {:>22}",
            format!("{:.0}", spread(rounds, |round| round.items_a_second)),
            format!("{:.0}", spread(rounds, |round| round.changes_a_second)),
            format!("{:.1}", spread(rounds, |round| round.daemon_percent)),
        ));
    }
    let slow = &measured.slow;
    report::line(format_args!(
        "\nfollowed / alone: {:.3}\nmemory for each who follows: {:.1} KiB quiet, {:.1} KiB after the last round\n\
         the least that one was told of what another was: {:.1} %\n\
         {SLOW} who never read: {} dropped, {} told of the gap, {} missed nothing\n\
         a page open: {:.2} % of a processor while nothing happens; {CHANGING} changing items: {:.1} % with it, {:.1} % without\n",
        followed.median / alone.median,
        measured.quiet_kib,
        measured.busy_kib,
        measured.least_percent,
        slow.dropped,
        slow.told,
        slow.nothing_missed,
        page.idle_percent,
        page.changing_percent,
        page.alone_percent
    ));
    for target in targets {
        report::line(target);
    }
}
