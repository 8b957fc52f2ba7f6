//! What `docs/folder-safety.md` promises, by two means: the algorithm on a simulated file system that stops, loses power and
//! fails by seed, and the program itself, killed at random moments on real file systems.
//!
//! Real file systems are made in files and mounted in a mount namespace of the suite's own.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};

use super::{kill, mounts};
use crate::{Words, report, run};

/// The part that needs no disk.
const SIMULATED: &str = "simulated";
/// The part that looks at every system call of a plan.
const PLAN: &str = "plan";
/// The calls that may name something below a root while nothing is to be written; opening is looked at further.
const LOOKS: &[&str] = &[
    "access",
    "chdir",
    "close",
    "dup",
    "execve",
    "faccessat2",
    "fadvise64",
    "fcntl",
    "fstat",
    "getcwd",
    "getdents64",
    "lseek",
    "mmap",
    "newfstatat",
    "openat",
    "openat2",
    "pread64",
    "read",
    "readlink",
    "readlinkat",
    "statfs",
    "statx",
];
/// The ways to open a file that can write or make it.
const WRITING: &[&str] = &["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_TMPFILE"];
/// How many seeds are played unless something else is said.
const SEEDS: u64 = 10_000;
/// How many killed runs each file system sees unless something else is said: 2,000 on all.
const ROUNDS: u64 = 500;
/// How large the made file systems are, in bytes; XFS wants 300 MiB.
const IMAGE_BYTES: u64 = 512 * 1024 * 1024;

/// A file system that pairs are killed on.
struct FileSystem {
    /// The word after `--only`.
    name: &'static str,
    /// Makes it in a file; none for what needs no file.
    make: &'static [&'static str],
    /// Mounts it; the file and the place follow.
    mount: &'static [&'static str],
    /// The program that makes it and its Debian package.
    needs: &'static [(&'static str, &'static str)],
}

/// Every file system that is looked at: a new one is one more entry here.
const FILE_SYSTEMS: &[FileSystem] = &[
    FileSystem {
        name: "ext4",
        make: &["mkfs.ext4", "-q"],
        mount: &["mount", "-t", "ext4", "-o", "loop"],
        needs: &[("mkfs.ext4", "e2fsprogs")],
    },
    FileSystem {
        name: "tmpfs",
        make: &[],
        mount: &["mount", "-t", "tmpfs"],
        needs: &[],
    },
    FileSystem {
        name: "xfs",
        make: &["mkfs.xfs", "-q"],
        mount: &["mount", "-t", "xfs", "-o", "loop"],
        needs: &[("mkfs.xfs", "xfsprogs")],
    },
    FileSystem {
        name: "btrfs",
        make: &["mkfs.btrfs", "-q"],
        mount: &["mount", "-t", "btrfs", "-o", "loop"],
        needs: &[("mkfs.btrfs", "btrfs-progs")],
    },
];

impl FileSystem {
    /// Makes the file system, and answers what is to be mounted.
    fn prepare(&self, image: &Path) -> Result<PathBuf> {
        let [make, options @ ..] = self.make else {
            return Ok("none".into());
        };
        std::fs::File::create(image)?.set_len(IMAGE_BYTES)?;
        run::check(
            run::command(make)
                .args(options)
                .arg(image)
                .stdout(Stdio::null()),
        )?;
        Ok(image.to_path_buf())
    }

    fn mount(&self, device: &Path, place: &Path) -> Result<()> {
        let (program, options) = self.mount.split_first().context("nothing mounts it")?;
        let mut mount = run::command(program);
        run::check(
            mount
                .args(options)
                .arg(device)
                .arg(place)
                .stdout(Stdio::null()),
        )
    }
}

/// Runs the suite.
pub(super) fn run(mut words: Words) -> Result<bool> {
    let install = words.flag("--install");
    let inside = words.flag("--inside");
    let seeds = words.number("--seeds", SEEDS)?;
    let first = words.number("--first", 0)?;
    let rounds = words.number("--rounds", ROUNDS)?;
    let seed = words.number("--seed", kill::fresh_seed())?;
    let only = words.value("--only")?;
    let given = words.value("--program")?;
    words.end()?;
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    let systems: Vec<&FileSystem> = FILE_SYSTEMS
        .iter()
        .filter(|system| wanted(system.name))
        .collect();
    if let (true, Some(program)) = (inside, &given) {
        return killed(Path::new(program), &systems, rounds, seed);
    }
    if systems.is_empty() && !wanted(SIMULATED) && !wanted(PLAN) {
        let names: Vec<&str> = FILE_SYSTEMS.iter().map(|system| system.name).collect();
        bail!(
            "no such part; there are: {SIMULATED}, {PLAN}, {}",
            names.join(", ")
        );
    }
    let tracer = wanted(PLAN).then_some(("strace", "strace"));
    let missing: Vec<&str> = systems
        .iter()
        .flat_map(|system| system.needs)
        .copied()
        .chain(tracer)
        .filter(|(program, _)| !run::is_installed(program))
        .map(|(_, package)| package)
        .collect();
    run::need_packages(&missing, install)?;
    let mut good = true;
    if wanted(SIMULATED) {
        good &= simulated(first, seeds)?;
    }
    if systems.is_empty() && !wanted(PLAN) {
        return Ok(good);
    }
    let program = match given {
        Some(program) => PathBuf::from(program),
        None => crate::bench::build(&["-p", "syncmgr"], "syncmgr", false)?,
    };
    if wanted(PLAN) {
        good &= plan_writes_nothing(&program)?;
    }
    if systems.is_empty() {
        return Ok(good);
    }
    let mut again = run::command("unshare");
    again
        .args(mounts::namespace()?)
        .arg(std::env::current_exe()?)
        .args(["suite", "folder", "--inside", "--program"])
        .arg(program)
        .arg("--rounds")
        .arg(rounds.to_string())
        .arg("--seed")
        .arg(seed.to_string());
    if let Some(only) = only {
        again.arg("--only").arg(only);
    }
    let ended = again.status().context("could not start unshare")?;
    Ok(good && ended.success())
}

/// Plays seeds on the simulated file system, which is part of the tests of the folder handler.
fn simulated(first: u64, seeds: u64) -> Result<bool> {
    let mut tests = run::cargo();
    tests
        .args(["test", "--locked", "-p", "syncmgr-folder", "--lib"])
        .args(["simulated::campaign", "--", "--nocapture"])
        .env("SYNCMGR_FIRST_SEED", first.to_string())
        .env("SYNCMGR_SEEDS", seeds.to_string());
    let good = tests
        .status()
        .context("could not start the tests of the folder handler")?
        .success();
    report::line(format_args!(
        "folder: simulated: {seeds} seeds from {first}: {}",
        if good { "all good" } else { "FAILED" }
    ));
    Ok(good)
}

/// Looks at every system call of a plan: none may write below a root. A run is looked at the same way, which shows that the
/// look would see it.
fn plan_writes_nothing(program: &Path) -> Result<bool> {
    let base = tempfile::Builder::new().prefix("syncmgr-plan-").tempdir()?;
    let roots = ["left", "right"].map(|side| base.path().join(side));
    for root in &roots {
        std::fs::create_dir(root)?;
        let below = root.join("below");
        std::fs::create_dir(&below)?;
        for number in 0..10 {
            std::fs::write(below.join(format!("same-{number}")), number.to_string())?;
        }
    }
    let [left, right] = &roots;
    std::fs::write(left.join("new"), "new")?;
    let written = traced(program, base.path(), "sync", &roots)?;
    if written.is_empty() {
        bail!("a run that copies a file is not seen to write");
    }
    std::fs::write(left.join("new"), "changed")?;
    std::fs::write(right.join("other"), "other")?;
    std::fs::write(left.join("conflict"), "mine")?;
    std::fs::write(right.join("conflict"), "theirs")?;
    std::fs::remove_file(right.join("below/same-1"))?;
    let written = traced(program, base.path(), "plan", &roots)?;
    for call in &written {
        report::line(format_args!("folder: plan: it wrote: {call}"));
    }
    let verdict = if written.is_empty() {
        "all good"
    } else {
        "FAILED"
    };
    report::line(format_args!(
        "folder: plan: {} system calls below the roots that could write: {verdict}",
        written.len()
    ));
    Ok(written.is_empty())
}

/// Runs the program on two roots and answers the calls that could write below them.
fn traced(program: &Path, base: &Path, word: &str, roots: &[PathBuf; 2]) -> Result<Vec<String>> {
    let trace = base.join(format!("{word}.trace"));
    let mut strace = run::command("strace");
    strace
        .args(["-f", "-y", "-e", "trace=%file,%desc", "-o"])
        .arg(&trace)
        .arg(program)
        .arg(word)
        .args(roots)
        .env("SYNCMGR_HOME", base.join("home"))
        .env("HOME", base.join("home"))
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let ended = strace.status().context("could not start strace")?;
    // Conflicts and changes have codes of their own; only a fault means that nothing was looked at.
    if !matches!(ended.code(), Some(0 | 1 | 3)) {
        bail!("{word} ended with {ended}");
    }
    let text = String::from_utf8_lossy(&std::fs::read(&trace)?).into_owned();
    let names: Vec<String> = roots
        .iter()
        .map(|root| root.to_string_lossy().into_owned())
        .collect();
    let could_write = |line: &&str| {
        let call = line
            .split_once(' ')
            .map_or(*line, |(_, call)| call.trim_start());
        let name = call.split('(').next().unwrap_or_default();
        names.iter().any(|root| call.contains(root.as_str()))
            && (!LOOKS.contains(&name) || WRITING.iter().any(|flag| call.contains(flag)))
            && !call.starts_with("<...")
    };
    Ok(text
        .lines()
        .filter(could_write)
        .map(str::to_owned)
        .collect())
}

/// Kills runs on each file system, and tells what came of it in lines of a table.
fn killed(program: &Path, systems: &[&FileSystem], rounds: u64, seed: u64) -> Result<bool> {
    let base = tempfile::Builder::new()
        .prefix("syncmgr-folder-")
        .tempdir()?;
    let mut lines = Vec::new();
    let mut good = true;
    for system in systems {
        let place = base.path().join(system.name);
        std::fs::create_dir(&place)?;
        let image = base.path().join(format!("{}.img", system.name));
        let device = system.prepare(&image)?;
        system.mount(&device, &place)?;
        let played = kill::rounds_in(&place, program, rounds, seed)?;
        run::check(run::command("umount").arg(&place))?;
        good &= played.is_some();
        lines.push(match played {
            Some(tally) => format!("| {} | {} | 0 | 0 |", system.name, tally.struck),
            None => format!("| {} | FAILED | | |", system.name),
        });
    }
    report::line(
        "| file system | runs that were killed | contents lost | runs that did not heal |",
    );
    report::line("|---|---:|---:|---:|");
    for line in lines {
        report::line(line);
    }
    Ok(good)
}
