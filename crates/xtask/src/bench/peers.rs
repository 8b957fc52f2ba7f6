//! How each contender of the folder bench is asked to synchronize, and how its version is found.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Result;

use crate::run;

/// A program that the folder bench measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Peer {
    /// Ours, started as a user would.
    Ours,
    /// Unison.
    Unison,
    /// rclone bisync.
    Bisync,
    /// The limit: `cp -a` and `sync` for the first run, `find` over both sides for the others.
    Limit,
}

/// What is measured of each contender, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// Everything is new on the left, the right side is empty.
    First,
    /// Nothing changed since.
    Unchanged,
    /// Some files got new contents on the left.
    Changed,
}

impl Step {
    /// All steps, in the order in which they are measured.
    pub(crate) const ALL: [Self; 3] = [Self::First, Self::Unchanged, Self::Changed];

    /// Answers the step's name.
    pub(crate) fn name(self, changed: u64) -> String {
        match self {
            Self::First => "first sync".to_owned(),
            Self::Unchanged => "unchanged".to_owned(),
            Self::Changed => format!("{changed} changed"),
        }
    }
}

/// Where one contender works: nothing of the user's own configuration is read or written.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The side that is filled.
    pub(crate) left: PathBuf,
    /// The side that starts empty.
    pub(crate) right: PathBuf,
    /// Configuration and state.
    pub(crate) home: PathBuf,
}

impl Place {
    /// Names the directories below a base.
    pub(crate) fn below(base: &Path) -> Self {
        Self {
            left: base.join("left"),
            right: base.join("right"),
            home: base.join("home"),
        }
    }
}

impl Peer {
    /// All contenders.
    pub(crate) const ALL: [Self; 4] = [Self::Ours, Self::Unison, Self::Bisync, Self::Limit];

    /// Answers the contender's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "syncmgr",
            Self::Unison => "unison",
            Self::Bisync => "rclone bisync",
            Self::Limit => "cp+sync / find",
        }
    }

    /// Answers the Debian packages of the contenders that are not installed.
    pub(crate) fn missing() -> Vec<&'static str> {
        [("unison", "-version"), ("rclone", "version")]
            .into_iter()
            .filter(|(program, argument)| run::version(program, argument).is_none())
            .map(|(program, _)| program)
            .collect()
    }

    /// Answers the contender's version as it says it itself.
    pub(crate) fn version(self, ours: &Path) -> String {
        let said = match self {
            Self::Ours => run::version(&ours.to_string_lossy(), "--version"),
            Self::Unison => run::version("unison", "-version"),
            Self::Bisync => run::version("rclone", "version"),
            Self::Limit => run::version("cp", "--version"),
        };
        said.unwrap_or_else(|| "not found".to_owned())
    }

    /// Prepares the command for one step; its output is dropped, so that no terminal is measured.
    pub(crate) fn command(self, ours: &Path, step: Step, place: &Place) -> Result<Command> {
        let Place { left, right, home } = place;
        let mut command = match self {
            Self::Ours => {
                let mut command = run::command(ours);
                command
                    .env("SYNCMGR_HOME", home)
                    .arg("sync")
                    .args([left, right]);
                command
            }
            Self::Unison => {
                let mut command = run::command("unison");
                // `-times`, since the others keep modification times as well.
                command
                    .env("UNISON", home)
                    .args([left, right])
                    .args(["-batch", "-auto", "-silent", "-times", "-ui", "text"]);
                command
            }
            Self::Bisync => {
                std::fs::create_dir_all(home)?;
                std::fs::write(home.join("rclone.conf"), "")?;
                let mut command = run::command("rclone");
                command
                    .arg("bisync")
                    .args([left, right])
                    .arg("--config")
                    .arg(home.join("rclone.conf"));
                command.arg("--workdir").arg(home.join("work"));
                if step == Step::First {
                    command.arg("--resync");
                }
                command
            }
            Self::Limit => {
                let mut command = run::command("sh");
                let script = match step {
                    Step::First => "cp -a \"$1/.\" \"$2\" && sync -f \"$2\"",
                    // `-printf` of size and time makes it ask for each file, as every synchronizer must.
                    _ => "find \"$1\" -printf '%s %T@\\n' && find \"$2\" -printf '%s %T@\\n'",
                };
                command.args(["-c", script, "sh"]).args([left, right]);
                command
            }
        };
        command.env("HOME", home).stdout(Stdio::null());
        Ok(command)
    }
}
