//! A folder pair of many small files: ours beside Unison, rclone bisync and what the system itself can do.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use super::peers::{Peer, Place, Step};
use super::summary::{Summary, Target};
use crate::random::Random;
use crate::run::Cost;
use crate::{Words, report, run};

/// Size of each file.
const FILE_BYTES: usize = 1024;

/// How many files change before the last step.
const CHANGED: u64 = 100;

/// How old the files are when they are made.
const AGE: Duration = Duration::from_secs(3600);

/// What the tree is made from.
#[derive(Debug, Clone, Copy)]
struct Shape {
    files: u64,
    directories: u64,
}

impl Shape {
    /// Answers the path of a file below the root of its side.
    fn path(self, file: u64) -> PathBuf {
        let directory = file % self.directories.max(1);
        // Two levels, so that there are directories of directories.
        PathBuf::from(format!(
            "d{:02}/d{directory:04}/f{file:06}.dat",
            directory % 20
        ))
    }

    /// Answers the content of a file: different for every file and every generation, the same on every machine.
    fn content(file: u64, generation: u64) -> [u8; FILE_BYTES] {
        let mut content = [0; FILE_BYTES];
        Random::new(file.wrapping_mul(1_000_003) ^ generation).fill(&mut content);
        content
    }

    /// Answers the files that change before the last step, spread over the tree.
    fn changed(self) -> impl Iterator<Item = u64> {
        let count = CHANGED.min(self.files);
        (0..count).map(move |at| at * (self.files / count.max(1)))
    }

    /// Makes one side, of files that are an hour old: some programs miss a change within the second of the one before.
    fn make(self, root: &Path) -> Result<()> {
        let old = run::wall_clock()
            .checked_sub(AGE)
            .context("the clock stands near its beginning")?;
        for file in 0..self.files {
            let path = root.join(self.path(file));
            if file < self.directories {
                let directory = path.parent().context("a file has a directory")?;
                fs::create_dir_all(directory)?;
            }
            let mut made = fs::File::create(&path)
                .with_context(|| format!("could not make {}", path.display()))?;
            made.write_all(&Self::content(file, 0))?;
            made.set_modified(old)?;
        }
        Ok(())
    }

    /// Gives some files of one side new contents.
    fn change(self, root: &Path) -> Result<()> {
        for file in self.changed() {
            fs::write(root.join(self.path(file)), Self::content(file, 1))?;
        }
        Ok(())
    }

    /// Fails unless a side holds what it must: a fast run that did nothing is not a result.
    fn check(self, root: &Path, generation: u64) -> Result<()> {
        let changed: std::collections::BTreeSet<u64> = self.changed().collect();
        for file in 0..self.files {
            // Every changed file is compared, and of the others one in a hundred; all must be there.
            let path = root.join(self.path(file));
            let wanted = if changed.contains(&file) {
                generation
            } else {
                0
            };
            if changed.contains(&file) || file % 100 == 0 {
                let found =
                    fs::read(&path).with_context(|| format!("{} is not there", path.display()))?;
                if found != Self::content(file, wanted) {
                    bail!("{} has other contents than it should", path.display());
                }
            } else if !path.exists() {
                bail!("{} is not there", path.display());
            }
        }
        Ok(())
    }
}

/// Runs the bench.
pub(super) fn run(mut words: Words) -> Result<bool> {
    let shape = Shape {
        files: words.number("--files", 50_000)?,
        directories: words.number("--dirs", 500)?,
    };
    let runs = words.number("--runs", 5)?.max(1);
    let as_json = words.flag("--json");
    let install = words.flag("--install");
    let keep = words.flag("--keep");
    let given = words.value("--program")?;
    let directory = words
        .value("--dir")?
        .map_or_else(std::env::temp_dir, PathBuf::from);
    words.end()?;
    run::need_packages(&Peer::missing(), install)?;

    // A program that was built elsewhere can be measured too, to compare two versions.
    let ours = match given {
        Some(path) => PathBuf::from(path),
        None => super::build(&["-p", "syncmgr"], "syncmgr", true)?,
    };
    let base = tempfile::Builder::new()
        .prefix("syncmgr-bench-")
        .disable_cleanup(keep)
        .tempdir_in(&directory)?;
    let mut costs: BTreeMap<(Step, Peer), Vec<Cost>> = BTreeMap::new();
    for round in 0..runs {
        for turn in 0..Peer::ALL.len() {
            // Each round begins with another contender, so that none always runs after the same one.
            let start = usize::try_from(round).unwrap_or_default();
            let peer = Peer::ALL[(turn + start) % Peer::ALL.len()];
            let place = Place::below(&base.path().join(format!("{round}-{turn}")));
            for (step, cost) in measure(peer, &ours, shape, &place).with_context(|| peer.name())? {
                report::complain(format_args!(
                    "round {}/{runs}  {:<14} {:<11} {:.2} s",
                    round + 1,
                    peer.name(),
                    step.name(CHANGED),
                    cost.wall_s
                ));
                costs.entry((step, peer)).or_default().push(cost);
            }
            if !keep {
                fs::remove_dir_all(base.path().join(format!("{round}-{turn}")))?;
            }
        }
    }
    show(
        &costs,
        shape,
        runs,
        &ours,
        &file_system(base.path()),
        as_json,
    );
    Ok(true)
}

/// Takes one contender through the three steps on a fresh tree.
fn measure(peer: Peer, ours: &Path, shape: Shape, place: &Place) -> Result<Vec<(Step, Cost)>> {
    for directory in [&place.left, &place.right, &place.home] {
        fs::create_dir_all(directory)?;
    }
    shape.make(&place.left)?;
    let mut all = Vec::new();
    for step in Step::ALL {
        if step == Step::Changed {
            shape.change(&place.left)?;
        }
        // What the preparation left to be written must not be paid for by the contender.
        run::check(run::command("sync").arg("-f").arg(&place.right))?;
        let mut command = peer.command(ours, step, place)?;
        let said = place.home.with_extension("said");
        command.stderr(fs::File::create(&said)?);
        let cost = run::measured(&mut command)?;
        if cost.code != 0 {
            report::complain(fs::read_to_string(&said).unwrap_or_default());
            bail!(
                "{} ended with {} at {}",
                run::shown(&command),
                cost.code,
                step.name(CHANGED)
            );
        }
        let generation = u64::from(step == Step::Changed && peer != Peer::Limit);
        shape
            .check(&place.right, generation)
            .with_context(|| format!("after {}", step.name(CHANGED)))?;
        all.push((step, cost));
    }
    Ok(all)
}

fn show(
    costs: &BTreeMap<(Step, Peer), Vec<Cost>>,
    shape: Shape,
    runs: u64,
    ours: &Path,
    file_system: &str,
    as_json: bool,
) {
    let summaries: BTreeMap<(Step, Peer), Summary> = costs
        .iter()
        .map(|(key, costs)| (*key, Summary::of(costs)))
        .collect();
    let targets = targets(&summaries);
    if as_json {
        let rows: Vec<_> = costs
            .iter()
            .map(|((step, peer), costs)| {
                json!({"step": step.name(CHANGED), "program": peer.name(), "summary": summaries[&(*step, *peer)], "runs": costs})
            })
            .collect();
        let targets: Vec<_> = targets
            .iter()
            .map(|target| json!({"target": target, "reached": target.reached()}))
            .collect();
        let versions: BTreeMap<_, _> = Peer::ALL
            .into_iter()
            .map(|peer| (peer.name(), peer.version(ours)))
            .collect();
        report::line(
            json!({"bench": "folder", "files": shape.files, "directories": shape.directories, "file_bytes": FILE_BYTES, "file_system": file_system,
            "runs": runs, "versions": versions, "rows": rows, "targets": targets}),
        );
        return;
    }
    report::line(format_args!(
        "\n{} files of {FILE_BYTES} bytes in {} directories on {file_system}, {runs} runs each, interleaved; median (min–max)\n",
        shape.files, shape.directories
    ));
    report::line(format_args!(
        "{:<12} {:<15} {:>20} {:>20} {:>22} {:>22} {:>8}",
        "step", "program", "wall s", "cpu s", "largest process MiB", "all processes MiB", "ours/it"
    ));
    for ((step, peer), summary) in &summaries {
        let ratio = summaries
            .get(&(*step, Peer::Ours))
            .map_or(f64::NAN, |ours| ours.wall_s.median / summary.wall_s.median);
        report::line(format_args!(
            "{:<12} {:<15} {:>20} {:>20} {:>22} {:>22} {:>8.2}",
            step.name(CHANGED),
            peer.name(),
            format!("{:.2}", summary.wall_s),
            format!("{:.2}", summary.cpu_s),
            format!("{:.1}", summary.largest_mib),
            format!("{:.1}", summary.sum_mib),
            ratio
        ));
    }
    report::line("");
    for peer in Peer::ALL {
        report::line(format_args!("{:<15} {}", peer.name(), peer.version(ours)));
    }
    report::line("");
    for target in targets {
        report::line(target);
    }
}

/// Compares with the numbers to hold. Memory counts all our processes, since a person's machine does.
fn targets(summaries: &BTreeMap<(Step, Peer), Summary>) -> Vec<Target> {
    let wall = |step, peer| {
        summaries
            .get(&(step, peer))
            .map_or(f64::NAN, |summary| summary.wall_s.median)
    };
    let memory = |step| {
        summaries
            .get(&(step, Peer::Ours))
            .map_or(f64::NAN, |summary| summary.sum_mib.median)
    };
    let ratio = |step, peer, bound| Target {
        what: format!("{} wall, of {}", step_name(step), Peer::name(peer)),
        bound,
        measured: wall(step, Peer::Ours) / wall(step, peer),
        at_most: true,
    };
    let mib = |step, bound| Target {
        what: format!("{} peak of all our processes, MiB", step_name(step)),
        bound,
        measured: memory(step),
        at_most: true,
    };
    vec![
        ratio(Step::First, Peer::Bisync, 0.6),
        mib(Step::First, 64.0),
        ratio(Step::Unchanged, Peer::Unison, 0.5),
        mib(Step::Unchanged, 32.0),
        ratio(Step::Changed, Peer::Unison, 0.7),
    ]
}

/// Answers the kind of file system that a directory is on: figures of two kinds cannot be compared.
fn file_system(directory: &Path) -> String {
    run::output(run::command("stat").args(["-f", "-c", "%T"]).arg(directory)).map_or_else(
        |_| "an unknown file system".to_owned(),
        |text| String::from_utf8_lossy(&text).trim().to_owned(),
    )
}

fn step_name(step: Step) -> String {
    step.name(CHANGED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_checked_against_what_was_made() {
        let place = tempfile::tempdir().unwrap();
        let shape = Shape {
            files: 150,
            directories: 7,
        };
        shape.make(place.path()).unwrap();
        shape.check(place.path(), 0).unwrap();
        assert!(shape.check(place.path(), 1).is_err(), "nothing changed yet");
        shape.change(place.path()).unwrap();
        shape.check(place.path(), 1).unwrap();
        assert_eq!(shape.changed().count(), 100);
        fs::remove_file(place.path().join(shape.path(149))).unwrap();
        assert!(shape.check(place.path(), 1).is_err(), "a file is gone");
    }

    #[test]
    fn targets_that_nobody_measured_are_missed() {
        assert!(
            targets(&BTreeMap::new())
                .iter()
                .all(|target| !target.reached())
        );
    }
}
