//! Builds everything for Windows with Debian's own Rust packages and std built from source, and runs it in Wine: the tests
//! of the crates, the program with a folder pair, the daemon and its named pipe.
//!
//! The target is `x86_64-win7-windows-gnu`: what is built for it also runs in the Wine of Debian 12, which lacks the
//! newer system libraries that the ordinary target imports.

mod built;
mod foreign;
mod narrow;
mod program;
mod wine;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use self::built::Built;
use self::wine::Prefix;
use crate::{Words, report, run};

/// What is built for.
const TARGET: &str = "x86_64-win7-windows-gnu";

/// Where Debian keeps its own toolchain, apart from one that rustup manages.
const RUSTC: &str = "/usr/bin/rustc";
const CARGO: &str = "/usr/bin/cargo";

/// A file that shows that the package is there, and the package.
const PACKAGES: &[(&str, &str)] = &[
    (RUSTC, "rustc-web"),
    (CARGO, "cargo-web"),
    (
        "/usr/lib/rustlib/src/rust/library/std/Cargo.toml",
        "rust-web-src",
    ),
    ("/usr/bin/x86_64-w64-mingw32-gcc", "gcc-mingw-w64-x86-64"),
    (
        "/usr/bin/x86_64-w64-mingw32-g++-posix",
        "g++-mingw-w64-x86-64",
    ),
    ("/usr/bin/i686-w64-mingw32-gcc", "gcc-mingw-w64-i686"),
    ("/usr/bin/i686-w64-mingw32-g++-posix", "g++-mingw-w64-i686"),
    ("/usr/bin/wine", "wine"),
    ("/usr/lib/wine/wine64", "wine64"),
    // A terminal for the daemon, so that somebody can press Ctrl-C.
    ("/usr/bin/script", "bsdutils"),
];

/// One part of the suite: what it shows, and how it is found out.
type Part = (&'static str, fn(&Built, &Prefix) -> Result<String>);

/// Every part, in the order in which they run; each has a Wine prefix to itself.
const PARTS: &[Part] = &[
    ("command line", program::command_line),
    ("folder pair", program::folder_pair),
    ("directories", program::directories),
    ("daemon", program::daemon),
    ("sources", program::sources),
    ("COM handler", foreign::handler),
    ("COM traces", foreign::traces),
    ("COM classes", foreign::classes),
    ("32 bits", narrow::comhost),
    ("tests", built::tests),
];

/// Runs the suite.
pub(super) fn run(mut words: Words) -> Result<bool> {
    let install = words.flag("--install");
    let only = words.value("--only")?;
    words.end()?;
    run::need_packages(&missing(|path| path.exists()), install)?;
    let begun = run::now();
    let Some(built) = Built::build(install)? else {
        report::line("windows: the build failed");
        return Ok(false);
    };
    let took = |since: std::time::Instant| run::now().duration_since(since).as_secs();
    report::line(format_args!(
        "windows: every crate builds for {TARGET} ({} s)",
        took(begun)
    ));
    let mut good = true;
    for (name, part) in PARTS {
        if only.as_deref().is_some_and(|only| only != *name) {
            continue;
        }
        let since = run::now();
        let outcome = Prefix::new().and_then(|prefix| part(&built, &prefix));
        match outcome {
            Ok(said) => report::line(format_args!("windows: {name}: {said} ({} s)", took(since))),
            Err(error) => {
                good = false;
                report::line(format_args!("windows: {name}: FAILED: {error:#}"));
            }
        }
    }
    report::line(format_args!(
        "windows: {} ({} s)",
        if good { "everything holds" } else { "failed" },
        took(begun)
    ));
    Ok(good)
}

/// Prepares a command of Debian's Cargo for Windows.
fn cargo(subcommand: &str) -> std::process::Command {
    cargo_for(TARGET, "x86_64-w64-mingw32", subcommand)
}

/// The same for any target, with the tools of this machine.
fn cargo_for(target: &str, tools: &str, subcommand: &str) -> std::process::Command {
    let mut cargo = run::command(CARGO);
    // The variables of the Cargo that started this task would lead Debian's to the wrong compiler.
    for name in [
        "CARGO",
        "RUSTUP_TOOLCHAIN",
        "RUSTUP_HOME",
        "RUSTC_WRAPPER",
        "RUSTDOC",
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
    ] {
        cargo.env_remove(name);
    }
    cargo
        .current_dir(run::workspace())
        .env("RUSTC", RUSTC)
        // std is built from source, which Debian's stable compiler does for whoever says so.
        .env("RUSTC_BOOTSTRAP", "1")
        // Without these three the C parts are silently compiled for the host.
        .env("TARGET_CC", format!("{tools}-gcc"))
        .env("TARGET_CXX", format!("{tools}-g++"))
        .env("TARGET_AR", format!("{tools}-ar"))
        .env("CARGO_TARGET_DIR", target_directory())
        .args([
            subcommand,
            "--locked",
            "-Zbuild-std=std,panic_abort,panic_unwind,test",
            "--target",
            target,
        ]);
    cargo
}

/// Answers the packages whose files are not there.
fn missing(exists: impl Fn(&Path) -> bool) -> Vec<&'static str> {
    PACKAGES
        .iter()
        .filter(|(file, _)| !exists(Path::new(file)))
        .map(|(_, package)| *package)
        .collect()
}

/// Keeps what another compiler makes apart from what this one does.
fn target_directory() -> PathBuf {
    let target = run::variable("CARGO_TARGET_DIR")
        .map_or_else(|| run::workspace().join("target"), PathBuf::from);
    target.join("windows")
}

/// Fails with what was wrong when something does not hold.
fn expect(holds: bool, what: impl FnOnce() -> String) -> Result<()> {
    holds.then_some(()).with_context(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_absent_is_asked_for() {
        assert_eq!(missing(|_| true), [""; 0]);
        assert_eq!(
            missing(|path| path.starts_with("/usr/bin/")),
            ["rust-web-src", "wine64"]
        );
    }
}
