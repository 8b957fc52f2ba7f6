//! Many runs with faults, by seed: what must hold at every instant, and after the next run.
//!
//! Each seed makes two folders that were in sync, lets a person work on both, and takes a run with all its faults apart:
//! the process ends at some call, the power is cut, a device fails, a disk is full, somebody works there at the same time.
//! The same folders are also synchronized without any fault; what the faulty run and the next one leave must be that.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::Mounted;
use super::disk::{Body, Disk, Fault, Manners, ROOT, State};
use crate::name;
use crate::observe::{Cancel, Silent};
use crate::pair::{Outcome, Pair, Settings};
use crate::plan::Plan;
use crate::policy::{Mode, Policy, Resolution};
use crate::tree::{Kind, Side};
use crate::{GuardLimits, KEEP_VERSIONS};

/// How many seeds every test run plays; the suite plays more.
const SEEDS: u64 = 300;
/// The variables that name the first seed and how many are played.
const FIRST_VARIABLE: &str = "SYNCMGR_FIRST_SEED";
const SEEDS_VARIABLE: &str = "SYNCMGR_SEEDS";
/// How long the largest content is, in bytes: several blocks that can be torn.
const CONTENT_MAX: usize = 3000;
/// How many things a person does at most between two runs.
const EDITS_MAX: usize = 12;
/// The longest time between two runs.
const PAUSE_NANOS: u64 = 4_000_000_000;
/// How many runs with faults follow one another at most.
const LIVES_MAX: usize = 3;

/// A content that says of itself whether it is whole, and that nobody else writes.
fn content(random: &mut fastrand::Rng) -> Vec<u8> {
    let (id, length) = (random.u64(..), random.usize(..CONTENT_MAX));
    content_of(id, length)
}

fn content_of(id: u64, length: usize) -> Vec<u8> {
    let mut bytes = format!("{id}:{length}:").into_bytes();
    let mut filler = fastrand::Rng::with_seed(id);
    bytes.extend(std::iter::repeat_with(|| filler.u8(b'a'..=b'z')).take(length));
    bytes
}

fn is_whole(bytes: &[u8]) -> bool {
    let mut parts = bytes.splitn(3, |byte| *byte == b':');
    let mut number = || std::str::from_utf8(parts.next()?).ok()?.parse::<u64>().ok();
    let (Some(id), Some(length)) = (number(), number()) else {
        return false;
    };
    usize::try_from(length)
        .is_ok_and(|length| length <= CONTENT_MAX && content_of(id, length) == bytes)
}

/// What stands at a path, as far as it is a person's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    File(Vec<u8>, u32),
    Link(Vec<u8>),
    Dir,
}

impl std::fmt::Display for Thing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(bytes, mode) => {
                let head =
                    String::from_utf8_lossy(bytes.split(|b| *b == b':').next().unwrap_or_default());
                write!(f, "file {head:.6}… {mode:o}")
            }
            Self::Link(target) => write!(f, "link {}", String::from_utf8_lossy(target)),
            Self::Dir => f.write_str("dir"),
        }
    }
}

type Tree = BTreeMap<Vec<u8>, Thing>;

/// Collects what is a person's below a directory; `kept` gets the contents that stand in places of ours.
fn walk(state: &State, dir: u64, path: &[u8], tree: &mut Tree, kept: &mut BTreeSet<Vec<u8>>) {
    for (last, ino, node) in state.each(dir) {
        let path = name::join(path, &last);
        let ours = name::is_ours(&last);
        match &node.body {
            Body::Dir { .. } if ours => everything(state, ino, kept),
            Body::File(bytes) if ours => {
                kept.insert(bytes.to_vec());
            }
            Body::Link(target) if ours => {
                kept.insert(target.clone());
            }
            Body::Dir { .. } => {
                tree.insert(path.clone(), Thing::Dir);
                walk(state, ino, &path, tree, kept);
            }
            Body::File(bytes) => {
                tree.insert(path, Thing::File(bytes.to_vec(), node.mode));
            }
            Body::Link(target) => {
                tree.insert(path, Thing::Link(target.clone()));
            }
        }
    }
}

fn everything(state: &State, dir: u64, kept: &mut BTreeSet<Vec<u8>>) {
    for (_, ino, node) in state.each(dir) {
        match &node.body {
            Body::Dir { .. } => everything(state, ino, kept),
            Body::File(bytes) => drop(kept.insert(bytes.to_vec())),
            Body::Link(target) => drop(kept.insert(target.clone())),
        }
    }
}

/// Both sides, and every content that stands anywhere else.
struct Sight {
    sides: [Tree; 2],
    kept: BTreeSet<Vec<u8>>,
}

fn look(state: &State) -> Sight {
    let mut kept = BTreeSet::new();
    let sides = ["left", "right"].map(|side| {
        let mut tree = Tree::new();
        walk(state, state.top(side), b"", &mut tree, &mut kept);
        tree
    });
    everything(state, state.top("state"), &mut kept);
    Sight { sides, kept }
}

impl Sight {
    fn contents(&self) -> BTreeSet<Vec<u8>> {
        let all = self.sides.iter().flat_map(BTreeMap::values);
        all.filter_map(|thing| match thing {
            Thing::File(bytes, _) => Some(bytes.clone()),
            Thing::Link(target) => Some(target.clone()),
            Thing::Dir => None,
        })
        .collect()
    }

    /// Every path is wholly old or wholly new.
    fn assert_whole(&self, when: &str) -> Result<(), String> {
        for (side, tree) in Side::BOTH.iter().zip(&self.sides) {
            for (path, thing) in tree {
                if let Thing::File(bytes, _) = thing
                    && !is_whole(bytes)
                {
                    let path = String::from_utf8_lossy(path);
                    return Err(format!(
                        "{when}: {side} {path} is neither old nor new ({} bytes)",
                        bytes.len()
                    ));
                }
            }
        }
        Ok(())
    }

    /// No content is gone.
    fn assert_has(&self, precious: &BTreeSet<Vec<u8>>, when: &str) -> Result<(), String> {
        let there = self.contents();
        match precious
            .iter()
            .find(|bytes| !there.contains(*bytes) && !self.kept.contains(*bytes))
        {
            Some(lost) => {
                let lost = String::from_utf8_lossy(lost.get(..20).unwrap_or(lost)).into_owned();
                Err(format!("{when}: the content {lost}… is lost"))
            }
            None => Ok(()),
        }
    }
}

fn told(sides: &[Tree; 2]) -> String {
    let mut text = String::new();
    let paths: BTreeSet<&Vec<u8>> = sides.iter().flat_map(BTreeMap::keys).collect();
    for path in paths {
        let [left, right] = [0, 1].map(|at| {
            sides[at]
                .get(path)
                .map_or_else(|| "-".to_owned(), Thing::to_string)
        });
        let path = String::from_utf8_lossy(path);
        text.extend(["\n    ", &path, ": ", &left, " | ", &right]);
    }
    text
}

/// What a person does to one side, once.
fn edit(state: &mut State, random: &mut fastrand::Rng, side: &str) -> io::Result<()> {
    let mut dir = state.top(side);
    // A few levels down, by chance.
    while random.u8(..3) > 0 {
        let below: Vec<u64> = state
            .each(dir)
            .iter()
            .filter(|(last, _, node)| matches!(node.body, Body::Dir { .. }) && !name::is_ours(last))
            .map(|(_, ino, _)| *ino)
            .collect();
        match random.choice(below) {
            Some(below) => dir = below,
            None => break,
        }
    }
    let names: [&[u8]; 6] = [b"a", b"b", b"c", b"d", b"e", b"f"];
    let name = names[random.usize(..names.len())];
    let what = random.u8(..10);
    let there = state.stat(dir, name).ok();
    match (what, there.map(|meta| (meta.kind, meta.ino))) {
        (0..=1, Some((Kind::Dir, ino))) => remove_all(state, dir, name, ino),
        (0..=1, Some(_)) => {
            give_up(state, dir, name);
            state.remove(dir, name, Kind::File)
        }
        (2, None) => state.make_link(dir, name, format!("to-{}", random.u32(..)).as_bytes()),
        (2..=3, None) => state.make_dir(dir, name, 0o755),
        (4, Some((Kind::File, ino))) => state.set(ino, |node| node.mode ^= 0o044),
        (5, Some(_)) => {
            let other = names[random.usize(..names.len())];
            match state.rename(dir, name, dir, other, false) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                other => other,
            }
        }
        (_, Some((Kind::Dir, _))) => Ok(()),
        // As editors save: beside it, then over it.
        (6..=7, _) => {
            give_up(state, dir, name);
            let temp: &[u8] = b"g~";
            let ino = state.create(dir, temp, 0o644)?;
            fill(state, random, ino)?;
            state.rename(dir, temp, dir, name, true)
        }
        (_, None) => {
            let ino = state.create(dir, name, 0o644)?;
            fill(state, random, ino)
        }
        (_, Some((Kind::File, ino))) => {
            give_up(state, dir, name);
            fill(state, random, ino)
        }
        (_, Some(_)) => Ok(()),
    }
}

fn fill(state: &mut State, random: &mut fastrand::Rng, ino: u64) -> io::Result<()> {
    let bytes = content(random);
    state.set_len(ino, 0)?;
    let mut at = 0;
    while at < bytes.len() {
        at += state.write(ino, at as u64, &bytes[at..])?;
    }
    state.sync_content(ino);
    Ok(())
}

/// Remembers that a person wants a content no more.
fn give_up(state: &mut State, dir: u64, name: &[u8]) {
    let content = match state.each(dir).into_iter().find(|(last, ..)| last == name) {
        Some((_, _, node)) => match &node.body {
            Body::File(bytes) => bytes.to_vec(),
            Body::Link(target) => target.clone(),
            Body::Dir { .. } => return,
        },
        None => return,
    };
    state.given_up.push(content);
}

fn remove_all(state: &mut State, dir: u64, name: &[u8], ino: u64) -> io::Result<()> {
    let below: Vec<(Vec<u8>, u64, bool)> = state
        .each(ino)
        .into_iter()
        .map(|(last, child, node)| (last, child, matches!(node.body, Body::Dir { .. })))
        .collect();
    for (last, child, is_dir) in below {
        if is_dir {
            remove_all(state, ino, &last, child)?;
        } else {
            give_up(state, ino, &last);
            state.remove(ino, &last, Kind::File)?;
        }
    }
    state.remove(dir, name, Kind::Dir)
}

/// Somebody who works in one of the folders while a run goes on, and saves what they do.
fn person(state: &mut State, random: &mut fastrand::Rng) {
    for _ in 0..random.usize(1..4) {
        let side = if random.bool() { "left" } else { "right" };
        // What cannot be done is not done.
        drop(edit(state, random, side));
    }
    state.sync_everything();
}

fn one_of<T: Copy>(random: &mut fastrand::Rng, choices: &[T]) -> T {
    choices[random.usize(..choices.len())]
}

/// One seed: how the disk behaves, what the pair wants, and the numbers that everything else is taken from.
struct Play {
    random: fastrand::Rng,
    manners: Manners,
    policy: Policy,
}

/// What a run without faults makes of the same folders.
struct Wanted {
    before: Sight,
    end: Sight,
    calls: u64,
    plan: Plan,
}

/// What the seeds were, for whoever counts.
#[derive(Debug, Default)]
struct Tally {
    held: u64,
    stopped: u64,
    cut: u64,
    failed: u64,
    person: u64,
}

impl Play {
    fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let manners = Manners {
            ordered: random.bool(),
            exchanges: random.u8(..4) > 0,
            granularity: one_of(&mut random, &[1, 1, 1_000_000_000, 2_000_000_000]),
            separate: random.bool(),
        };
        let two_way = Mode::TwoWay;
        let one_way = [
            Mode::Mirror { to: Side::Right },
            Mode::Backup { to: Side::Left },
        ];
        let ask = Resolution::Ask;
        let policy = Policy {
            mode: one_of(
                &mut random,
                &[two_way, two_way, two_way, one_way[0], one_way[1]],
            ),
            conflicts: one_of(
                &mut random,
                &[ask, ask, Resolution::Newer, Resolution::Side(Side::Left)],
            ),
            only_newer: false,
        };
        Self {
            random,
            manners,
            policy,
        }
    }

    fn pair(&self, mounted: &Mounted) -> Pair {
        Pair {
            id: "simulated".to_owned(),
            left: mounted.path("left"),
            right: mounted.path("right"),
            state_dir: mounted.path("state"),
            settings: Settings {
                policy: self.policy,
                limits: GuardLimits {
                    share_percent: 100,
                    count: 1_000_000,
                },
                keep: KEEP_VERSIONS,
                workers: Some(1),
                ..Settings::default()
            },
        }
    }

    fn run(&self, mounted: &Mounted, run: &str) -> Result<Outcome, String> {
        self.pair(mounted)
            .sync(run, &[], &Silent, &Cancel::new())
            .map_err(|error| format!("{run}: {error}"))
    }

    fn edits(&mut self, state: &mut State, sides: &[&str]) {
        for _ in 0..self.random.usize(1..=EDITS_MAX) {
            let side = one_of(&mut self.random, sides);
            let mut random = self.random.fork();
            // What cannot be done is not done.
            drop(edit(state, &mut random, side));
        }
        state.sync_everything();
        state.given_up.clear();
        state.wait(self.random.u64(..PAUSE_NANOS));
    }

    /// Two folders that were in sync, and what a person did to them since; `None` where a guard holds the run.
    fn start(&mut self, seed: u64) -> Result<Option<State>, String> {
        let base = Mounted::new(Disk::new(self.manners, seed));
        self.edits(&mut base.disk.state(), &["left", "left", "right"]);
        if self.run(&base, "run-1")?.held.is_some() {
            return Ok(None);
        }
        self.edits(&mut base.disk.state(), &["left", "right"]);
        let start = base.disk.state().clone();
        Ok(Some(start))
    }

    /// How it should be.
    fn without_faults(&self, start: State) -> Result<Option<Wanted>, String> {
        let before = look(&start);
        let good = Mounted::new(Disk::of(start));
        let writes = good.disk.state().writes;
        let plan = self
            .pair(&good)
            .plan(&[], &Silent, &Cancel::new())
            .map_err(|error| format!("the plan: {error}"))?;
        if good.disk.state().writes != writes {
            return Err("the plan wrote something".to_owned());
        }
        let began = good.disk.state().calls;
        if self.run(&good, "run-2")?.held.is_some() {
            return Ok(None);
        }
        let calls = good.disk.state().calls - began;
        let end = look(&good.disk.state());
        end.assert_whole("without faults")?;
        end.assert_has(&before.contents(), "without faults")?;
        self.rests(&good, &end)?;
        Ok(Some(Wanted {
            before,
            end,
            calls,
            plan,
        }))
    }

    /// A run more changes nothing.
    fn rests(&self, mounted: &Mounted, end: &Sight) -> Result<(), String> {
        let outcome = self.run(mounted, "run-9")?;
        let last = look(&mounted.disk.state());
        if last.sides == end.sides {
            return Ok(());
        }
        let (end, last) = (told(&end.sides), told(&last.sides));
        let counts = outcome.counts;
        Err(format!(
            "it does not come to rest: {counts:?}{end}\n  then:{last}"
        ))
    }

    /// Runs with faults, one after the other, and the run that heals.
    fn with_faults(
        &mut self,
        bad: &Mounted,
        wanted: &Wanted,
        tally: &mut Tally,
    ) -> Result<(), String> {
        let mut precious = wanted.before.contents();
        let mut met_person = false;
        for life in 0..self.random.usize(1..=LIVES_MAX) {
            let at = self.random.u64(1..=wanted.calls);
            let length = self.random.u64(1..=wanted.calls);
            let stop = Fault::Stop { power: false };
            let cut = Fault::Stop { power: true };
            let fault = one_of(
                &mut self.random,
                &[
                    stop,
                    stop,
                    cut,
                    cut,
                    Fault::Device,
                    Fault::Denied,
                    Fault::Full(length),
                    Fault::ReadOnly(length),
                    Fault::Person,
                ],
            );
            bad.disk.state().plan(at, fault, person);
            // It may end in every way; what it leaves is what counts.
            drop(self.run(bad, &format!("run-{}", life + 2)));
            let count = match fault {
                Fault::Stop { power: true } => &mut tally.cut,
                Fault::Stop { power: false } => &mut tally.stopped,
                Fault::Person => &mut tally.person,
                _ => &mut tally.failed,
            };
            *count += 1;
            met_person |= fault == Fault::Person;
            for content in bad.disk.state().given_up.drain(..) {
                precious.remove(&content);
            }
            let when = format!("{fault:?} at call {at} of {} in life {life}", wanted.calls);
            for after in ["", ", after it"] {
                let seen = look(&bad.disk.state());
                seen.assert_whole(&format!("{when}{after}"))?;
                seen.assert_has(&precious, &format!("{when}{after}"))?;
                if after.is_empty() {
                    bad.disk.next_life(fault == cut);
                }
            }
            bad.disk.state().wait(self.random.u64(..PAUSE_NANOS));
        }
        let healed = self.run(bad, "run-8")?;
        if let Some(held) = &healed.held
            && !met_person
        {
            return Err(format!("the run that heals is held: {held}"));
        }
        let end = look(&bad.disk.state());
        end.assert_whole("healed")?;
        end.assert_has(&precious, "healed")?;
        let is_temp = |last: &[u8]| last.starts_with(name::TEMP_PREFIX);
        let temps = bad.disk.state().paths(ROOT, &is_temp);
        if !temps.is_empty() && healed.held.is_none() {
            return Err(format!("temporary files stayed: {}", temps.join(", ")));
        }
        // What somebody did meanwhile is in no other run.
        if !met_person && end.sides != wanted.end.sides {
            return Err(format!(
                "healed, it is not what a run without faults makes\n  wanted:{}\n  is:{}\n  before:{}\n  planned: {:?}\n  found: {:?}",
                told(&wanted.end.sides),
                told(&end.sides),
                told(&wanted.before.sides),
                wanted.plan.changes,
                healed.findings,
            ));
        }
        self.rests(bad, &end)
    }
}

fn play(seed: u64, tally: &mut Tally) -> Result<(), String> {
    let mut play = Play::new(seed);
    let Some(start) = play.start(seed)? else {
        tally.held += 1;
        return Ok(());
    };
    let Some(wanted) = play.without_faults(start.clone())? else {
        tally.held += 1;
        return Ok(());
    };
    let bad = Mounted::new(Disk::of(start));
    bad.disk.state().trace.clear();
    play.with_faults(&bad, &wanted, tally).map_err(|what| {
        let trace = bad.disk.state().trace.join("\n  ");
        format!(
            "{what}\n  {:?}\n  {:?}\n  {trace}",
            play.manners, play.policy
        )
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "whoever plays more seeds, or one again, says so from outside"
)]
fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
#[expect(clippy::print_stderr, reason = "the suite shows what was played")]
fn whatever_fails_nothing_is_lost_and_the_next_run_heals() {
    let first = number(FIRST_VARIABLE).unwrap_or(0);
    let seeds = number(SEEDS_VARIABLE).unwrap_or(SEEDS);
    let mut tally = Tally::default();
    let mut wrong = Vec::new();
    for seed in first..first + seeds {
        if let Err(what) = play(seed, &mut tally) {
            wrong.push(format!("seed {seed}: {what}"));
        }
    }
    eprintln!("{seeds} seeds from {first}: {tally:?}");
    assert!(
        wrong.is_empty(),
        "{} of {seeds} seeds are wrong; the first:\n{}",
        wrong.len(),
        wrong.iter().take(3).cloned().collect::<Vec<_>>().join("\n")
    );
}
