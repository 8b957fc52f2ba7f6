//! Kills a synchronization at random moments and shows that the next run heals and nothing is lost.
//!
//! A round edits both sides, starts `syncmgr sync LEFT RIGHT`, kills processes of it at a random moment, sometimes
//! kills the healing run as well, and then lets a plain run end. What must hold:
//! - every content that stood on either side, or was kept, before a run stands on a side or is kept after it, killed
//!   or not;
//! - after the plain run both sides are equal in names, contents, modes, times and link targets;
//! - no temporary file of ours is left, and no process of ours lives on.

mod world;

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};

use crate::random::Random;
use crate::{Words, report, run, sys};
use world::World;

/// How long a process of ours may live on after its manager was killed.
const ORPHAN_GRACE: Duration = Duration::from_secs(10);

/// How long a plain run may take before it counts as hung.
const RUN_LIMIT: Duration = Duration::from_secs(120);

/// How often the end of a process is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// A new pair begins after this many rounds, so that first runs are struck too.
const ROUNDS_A_PAIR: u64 = 10;

/// At most so many rounds are played for each that must be struck.
const PLAYED_MAX: u64 = 4;

/// Which processes a blow hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blow {
    /// The manager and everything that it started, as a power cut would.
    All,
    /// The manager alone; its handler must notice and end.
    Manager,
    /// The handlers alone; the manager must notice, say so and end.
    Handler,
}

/// What the rounds came to: only those count that were struck while the program ran.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) struck: u64,
    missed: u64,
    twice: u64,
}

/// Runs the suite.
pub(super) fn run(mut words: Words) -> Result<bool> {
    let rounds = words.number("--rounds", 200)?;
    let seed = words.number("--seed", fresh_seed())?;
    let release = words.flag("--release");
    let given = words.value("--program")?;
    // Nothing has to be installed; the flag is taken so that every suite can be started alike.
    words.flag("--install");
    words.end()?;
    let program = match given {
        Some(path) => std::path::PathBuf::from(path),
        None => crate::bench::build(&["-p", "syncmgr"], "syncmgr", release)?,
    };
    Ok(rounds_in(&std::env::temp_dir(), &program, rounds, seed)?.is_some())
}

/// Plays rounds below a directory; `None` where one found something wrong, which was told.
pub(super) fn rounds_in(
    place: &Path,
    program: &Path,
    rounds: u64,
    seed: u64,
) -> Result<Option<Tally>> {
    report::line(format_args!(
        "kill: {rounds} rounds to be struck, seed {seed}"
    ));
    let base = tempfile::Builder::new()
        .prefix("syncmgr-kill-")
        .tempdir_in(place)?;
    let mut random = Random::new(seed);
    let mut tally = Tally::default();
    let mut typical = Duration::from_millis(300);
    let mut played = 0;
    while tally.struck < rounds {
        if played >= rounds.saturating_mul(PLAYED_MAX) {
            bail!(
                "only {} of {played} rounds were struck; the moments are picked badly",
                tally.struck
            );
        }
        let mut world = World::new(&base.path().join(format!("pair-{played}")))?;
        for _ in 0..ROUNDS_A_PAIR {
            let ended = play(program, &mut world, &mut random, &mut typical, &mut tally);
            if let Err(error) = ended {
                let kept = base.keep();
                report::line(format_args!("kill: round {played} FAILED: {error:#}"));
                report::line(format_args!(
                    "kill: again with --rounds {rounds} --seed {seed}; the directories are kept in {}",
                    kept.display()
                ));
                return Ok(None);
            }
            played += 1;
            if tally.struck >= rounds {
                break;
            }
        }
        report::line(format_args!("kill: struck {} of {rounds}", tally.struck));
        world.remove()?;
    }
    report::line(format_args!(
        "kill: {played} rounds clean, {} struck while running ({} of them twice), {} ended before the blow, seed {seed}",
        tally.struck, tally.twice, tally.missed
    ));
    Ok(Some(tally))
}

/// Plays one round.
fn play(
    program: &Path,
    world: &mut World,
    random: &mut Random,
    typical: &mut Duration,
    tally: &mut Tally,
) -> Result<()> {
    world.edit(random)?;
    let blows = if random.below(4) == 0 { 2 } else { 1 };
    let mut hits = 0;
    for _ in 0..blows {
        let before = world.contents()?;
        if strike(program, world, random, *typical)? {
            hits += 1;
        }
        world
            .nothing_lost(&before)
            .context("after the killed run")?;
    }
    if hits > 0 {
        tally.struck += 1
    } else {
        tally.missed += 1
    }
    tally.twice += u64::from(hits > 1);

    let before = world.contents()?;
    let started = run::now();
    let code = plain(program, world)?;
    // The healing run is about as long as the next one; a running mean follows machine and load.
    *typical = (*typical * 3 + run::now().duration_since(started)) / 4;
    if code != 0 {
        bail!(
            "the plain run after the kill ended with {code}\n{}",
            world.said()
        );
    }
    world.nothing_lost(&before).context("after the plain run")?;
    world.equal()?;
    world.nothing_stray()?;
    world.settled();
    Ok(())
}

/// Starts a run and kills it at a random moment; `false` when it had ended before.
fn strike(program: &Path, world: &World, random: &mut Random, typical: Duration) -> Result<bool> {
    let micros = u64::try_from(typical.as_micros()).unwrap_or(u64::MAX);
    let moment = Duration::from_micros(random.below(micros));
    let blow = *random
        .pick(&[
            Blow::All,
            Blow::All,
            Blow::All,
            Blow::Manager,
            Blow::Handler,
        ])
        .unwrap_or(&Blow::All);
    let mut child = start(program, world)?;
    run::pause(moment);
    let manager = child.id();
    if child.try_wait()?.is_some() {
        return Ok(false);
    }
    // Frozen first, so that it starts nothing between being counted and being killed.
    sys::freeze(manager);
    let family = sys::family(manager);
    for process in family.iter().skip(1).filter(|_| blow != Blow::Manager) {
        sys::kill(*process);
    }
    if blow == Blow::Handler {
        sys::resume(manager);
    } else {
        sys::kill(manager);
    }
    wait(&mut child, RUN_LIMIT).with_context(|| format!("{blow:?} after {moment:?}"))?;
    let deadline = run::now() + ORPHAN_GRACE;
    for process in family.into_iter().skip(1) {
        while sys::lives(process) {
            if run::now() > deadline {
                bail!(
                    "process {process} lives {ORPHAN_GRACE:?} after its manager was killed ({blow:?} after {moment:?})"
                );
            }
            run::pause(LOOK_EVERY);
        }
    }
    Ok(true)
}

/// Lets a run end by itself and answers its exit code.
fn plain(program: &Path, world: &World) -> Result<i32> {
    let mut child = start(program, world)?;
    wait(&mut child, RUN_LIMIT)
}

fn start(program: &Path, world: &World) -> Result<Child> {
    let mut command = run::command(program);
    command
        .env("SYNCMGR_HOME", &world.home)
        .env("HOME", &world.home)
        .arg("sync")
        .args([&world.left, &world.right]);
    let said = std::fs::File::create(world.said_path())?;
    command
        .stdin(Stdio::null())
        .stdout(said.try_clone()?)
        .stderr(said);
    command
        .spawn()
        .with_context(|| format!("could not start {}", run::shown(&command)))
}

fn wait(child: &mut Child, limit: Duration) -> Result<i32> {
    let deadline = run::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.code().unwrap_or(-1));
        }
        if run::now() > deadline {
            for process in sys::family(child.id()).into_iter().rev() {
                sys::kill(process);
            }
            child.wait()?;
            bail!("the run hung for {limit:?}");
        }
        run::pause(LOOK_EVERY);
    }
}

/// Answers a seed that nobody chose; it is printed.
pub(super) fn fresh_seed() -> u64 {
    run::wall_clock()
        .duration_since(UNIX_EPOCH)
        .map_or(1, |time| u64::from(time.subsec_nanos()) ^ time.as_secs())
}
