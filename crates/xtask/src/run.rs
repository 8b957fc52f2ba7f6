//! Starts other programs for the tasks; nothing else in this crate does.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, bail};

/// How often memory of a measured program is read while it runs.
const SAMPLE_EVERY: Duration = Duration::from_millis(5);

/// Prepares a command; every other function here starts from it.
#[expect(
    clippy::disallowed_methods,
    reason = "xtask starts programs, and does so here alone"
)]
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}

/// Prepares a command of the Cargo that runs this task, in the workspace.
pub(crate) fn cargo() -> Command {
    let mut command = command(variable("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace());
    command
}

/// Whether a program stands in the search path, or at its place.
pub(crate) fn is_installed(program: &str) -> bool {
    let path = variable("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([std::path::PathBuf::from("/usr/sbin")])
        .any(|directory| directory.join(program).exists())
}

/// Reads one variable of the environment.
#[expect(
    clippy::disallowed_methods,
    reason = "Cargo hands its own path and target directory over in the environment"
)]
pub(crate) fn variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name)
}

/// Reads the monotonic clock.
#[expect(
    clippy::disallowed_methods,
    reason = "measuring time is what the benches and suites are for"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Reads the wall clock.
#[expect(
    clippy::disallowed_methods,
    reason = "seeds and the ages of made files come from the clock"
)]
pub(crate) fn wall_clock() -> SystemTime {
    SystemTime::now()
}

/// Waits a while: to pick a random moment, to leave a measured program alone, and between two looks at what cannot be
/// waited for otherwise.
#[expect(
    clippy::disallowed_methods,
    reason = "the kill suite strikes at random moments; an idle program is measured by time"
)]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Answers the root of the workspace.
pub(crate) fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// Runs a command with its output passed through and fails unless it succeeds.
pub(crate) fn check(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("could not start {}", shown(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", shown(command));
    }
    Ok(())
}

/// Runs a command and answers its standard output; fails with its standard error unless it succeeds.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("could not start {}", shown(command)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{} ended with {}: {}",
            shown(command),
            output.status,
            said.trim()
        );
    }
    Ok(output.stdout)
}

/// Answers the first line of what `program ARGUMENT` prints, or `None` when there is no such program.
pub(crate) fn version(program: &str, argument: &str) -> Option<String> {
    let output = command(program)
        .arg(argument)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = if output.stdout.is_empty() {
        output.stderr
    } else {
        output.stdout
    };
    Some(
        String::from_utf8_lossy(&text)
            .lines()
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned(),
    )
}

/// Says a command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}

/// Installs Debian packages, or says which command would.
///
/// A suite never skips: without `install` a missing tool is an error.
pub(crate) fn need_packages(missing: &[&str], install: bool) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    let line = format!(
        "apt-get install --no-install-recommends {}",
        missing.join(" ")
    );
    if !install {
        bail!(
            "not installed: {}; install with `{line}`, or give --install",
            missing.join(" ")
        );
    }
    let apt = || {
        let mut apt = command("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").arg("-qq");
        apt
    };
    check(apt().arg("update"))?;
    check(
        apt()
            .args(["install", "-y", "--no-install-recommends"])
            .args(missing)
            .stdout(Stdio::null()),
    )
    .with_context(|| format!("`{line}` failed; it may need root"))
}

/// What one run of a program cost.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(crate) struct Cost {
    /// Wall time.
    pub(crate) wall_s: f64,
    /// User and system time of the program and everything that it started and waited for.
    pub(crate) cpu_s: f64,
    /// Resident peak of the largest process of the tree.
    pub(crate) largest_kib: u64,
    /// Most that the processes which lived at one moment had needed until then, added up.
    pub(crate) sum_kib: u64,
    /// Exit code; 128 + signal when it was killed.
    pub(crate) code: i32,
}

/// Runs a command to its end and measures it.
///
/// CPU comes from the kernel's account of the ended tree. Memory is each process's own peak, read from the running
/// tree every few milliseconds.
pub(crate) fn measured(command: &mut Command) -> Result<Cost> {
    command.stdin(Stdio::null());
    let started = now();
    let child = command
        .spawn()
        .with_context(|| format!("could not start {}", shown(command)))?;
    let root = child.id();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let sampler = std::thread::spawn(move || {
        let (mut most, mut largest) = (0_u64, 0_u64);
        loop {
            let living = crate::sys::family(root);
            let peaks: Vec<u64> = living
                .into_iter()
                .filter_map(crate::sys::peak_kib)
                .collect();
            most = most.max(peaks.iter().sum());
            largest = largest.max(peaks.into_iter().max().unwrap_or_default());
            match stopped.recv_timeout(SAMPLE_EVERY) {
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
                _ => return (most, largest),
            }
        }
    });
    let ended = crate::sys::wait_with_usage(child);
    let wall = now().duration_since(started);
    drop(stop);
    let (sum_kib, seen_kib) = sampler.join().unwrap_or_default();
    let usage = ended.with_context(|| format!("could not wait for {}", shown(command)))?;
    // The kernel counts what this program held when it started the other one as that one's peak too, so what was seen
    // of the running tree is believed, unless it ended before anything was seen.
    let largest_kib = if seen_kib > 0 {
        seen_kib
    } else {
        usage.largest_kib
    };
    Ok(Cost {
        wall_s: wall.as_secs_f64(),
        cpu_s: usage.cpu.as_secs_f64(),
        largest_kib,
        sum_kib: sum_kib.max(largest_kib),
        code: usage.code,
    })
}
