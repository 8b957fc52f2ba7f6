//! Measurements side by side with other programs, in one run on one machine; never a timed test.

mod contract;
mod folder;
pub(crate) mod home;
mod idle;
#[cfg(unix)]
mod load;
mod page;
mod peers;
#[cfg(unix)]
mod process;
mod schedule;
mod sessions;
mod start;
mod summary;
// The same terminal that the tests of the program sit at.
#[cfg(unix)]
#[path = "../../../syncmgr/tests/program/sys_terminal.rs"]
mod sys_terminal;
#[cfg(unix)]
mod top;
mod trigger;
#[cfg(unix)]
mod wrap;

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

pub(crate) use self::sessions::handler;
use crate::{Words, run};

/// The benches that there are, in a sentence.
const KNOWN: &str =
    "contract, folder, idle, load, page, schedule, sessions, start, top, trigger and wrap";

/// Runs the bench that the words name.
pub(crate) fn run(mut words: Words) -> Result<bool> {
    match words.next_word().as_deref() {
        Some("contract") => contract::run(words),
        Some("folder") => folder::run(words),
        Some("idle") => idle::run(words),
        #[cfg(unix)]
        Some("load") => load::run(words),
        Some("page") => page::run(words),
        Some("schedule") => schedule::run(words),
        Some("sessions") => sessions::run(words),
        Some("start") => start::run(words),
        #[cfg(unix)]
        Some("top") => top::run(words),
        Some("trigger") => trigger::run(words),
        #[cfg(unix)]
        Some("wrap") => wrap::run(words),
        Some(other) => bail!("no bench {other:?}; there are {KNOWN}"),
        None => bail!("no bench named; there are {KNOWN}"),
    }
}

/// The program that is measured: the one that was named, or ours, built now.
pub(crate) fn ours(program: Option<String>) -> Result<PathBuf> {
    match program {
        Some(program) => Ok(std::fs::canonicalize(program)?),
        None => build(&["-p", "syncmgr"], "syncmgr", true),
    }
}

/// The handler whose items take no time.
pub(crate) fn trivial() -> Result<PathBuf> {
    build(
        &["-p", "syncmgr-handler", "--example", "trivial"],
        "trivial",
        true,
    )
}

/// Builds a target of the workspace and answers where the program is.
///
/// `what` are Cargo's words that choose it, such as `-p syncmgr`.
pub(crate) fn build(what: &[&str], name: &str, release: bool) -> Result<PathBuf> {
    #[derive(Deserialize)]
    struct Message {
        executable: Option<PathBuf>,
        target: Option<Target>,
    }
    #[derive(Deserialize)]
    struct Target {
        name: String,
    }
    let mut cargo = run::cargo();
    cargo
        .args([
            "build",
            "--locked",
            "--message-format",
            "json-render-diagnostics",
        ])
        .args(what)
        .stderr(Stdio::inherit());
    if release {
        cargo.arg("--release");
    }
    let text = run::output(&mut cargo)?;
    text.split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Message>(line).ok())
        .filter(|message| {
            message
                .target
                .as_ref()
                .is_some_and(|target| target.name == name)
        })
        .filter_map(|message| message.executable)
        .next_back()
        .with_context(|| format!("cargo built no program named {name}"))
}
