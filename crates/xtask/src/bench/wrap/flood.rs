//! What it costs to hear 100 MB of output, with the rules of a recipe and without.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::contender::{Contender, Job, cost};
use crate::bench::home::Started;
use crate::bench::idle::own_mib;
use crate::bench::summary::Spread;
use crate::{run, sys};

/// How often the memory of the process that hears is read.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What hearing cost, by all ways.
#[derive(Debug, serde::Serialize)]
pub(super) struct Flood {
    /// Processor time of the program alone, in seconds.
    pub(super) alone_s: Spread,
    /// Processor time of a whole `syncmgr sync` of it with the daemon, its handler and the program, in seconds.
    pub(super) ours_s: Spread,
    /// Processor time of hearing it without rules, with the program, in seconds.
    pub(super) hear_s: Spread,
    /// Most memory of its own of the handler's process while it heard, in MiB.
    pub(super) handler_mib: Spread,
    /// Most resident memory of the process that hears without rules, in MiB.
    pub(super) hear_mib: Spread,
}

/// Measures all of them, in turns.
pub(super) fn measure(
    alone: &Contender<'_>,
    ours: &Contender<'_>,
    daemon: &Started,
    hear: &Path,
    runs: u64,
) -> Result<Flood> {
    let (mut alone_s, mut ours_s, mut hear_s) = (Vec::new(), Vec::new(), Vec::new());
    let (mut handler_mib, mut hear_mib) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        alone_s.push(alone.once(Job::Flood)?.cpu_s);
        let (mib, cost_of_ours) = watched(daemon.0.id(), || ours.once(Job::Flood))?;
        ours_s.push(cost_of_ours.cpu_s);
        handler_mib.push(mib);
        let mut command = run::command(hear);
        command
            .arg("1")
            .args(Job::Flood.words())
            .stdout(Stdio::null());
        hear_s.push(cost(&mut command, None)?.cpu_s);
        let heard = heard(hear, Job::Flood)?;
        if heard.bytes < 100_000_000.0 {
            anyhow::bail!("of 100 MB only {} bytes were heard", heard.bytes);
        }
        hear_mib.push(heard.peak_kib / 1_024.0);
    }
    Ok(Flood {
        alone_s: Spread::of(alone_s),
        ours_s: Spread::of(ours_s),
        hear_s: Spread::of(hear_s),
        handler_mib: Spread::of(handler_mib),
        hear_mib: Spread::of(hear_mib),
    })
}

/// Does something and answers the most memory of its own that the daemon's handler had meanwhile, in MiB.
fn watched<T>(daemon: u32, what: impl FnOnce() -> Result<T>) -> Result<(f64, T)> {
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let watcher = std::thread::spawn(move || {
        let mut most = 0.0_f64;
        loop {
            // The first of the family is the daemon itself; what the handler starts needs less than that.
            for process in sys::family(daemon).into_iter().skip(1) {
                most = own_mib(process).map_or(most, |mib| most.max(mib));
            }
            match stopped.recv_timeout(LOOK_EVERY) {
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
                _ => return most,
            }
        }
    });
    let done = what();
    drop(stop);
    let most = watcher.join().unwrap_or(f64::NAN);
    Ok((most, done?))
}

/// What `hear` tells of one run.
pub(super) struct Heard {
    pub(super) bytes: f64,
    pub(super) lasted_ms: f64,
    pub(super) peak_kib: f64,
}

/// Has a program heard by the code that handlers hear with, and nothing else.
pub(super) fn heard(hear: &Path, job: Job) -> Result<Heard> {
    let said = run::output(run::command(hear).arg("1").args(job.words()))?;
    let said = String::from_utf8(said)?;
    let mut numbers = said.split_whitespace().skip(1).map(str::parse);
    let mut next = || -> Result<f64> { Ok(numbers.next().context("hear told too little")??) };
    Ok(Heard {
        bytes: next()?,
        lasted_ms: next()?,
        peak_kib: next()?,
    })
}
