//! Runs foreign COM handlers, good ones and hostile ones, under `comhost`, also with every access to memory watched.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::com_header;
use crate::{Words, report, run};

/// Where the handlers for the tests are, from the root of the workspace; one library a source.
const FIXTURES: &str = "crates/comhost/tests/fixtures";

/// Where the header is, from the root of the workspace.
const INCLUDE: &str = "crates/com/include";

/// Tests that need the libraries: the package, its test target, and what only names some of them.
const TESTS: &[(&str, &str, &str)] = &[
    ("syncmgr-comhost", "hostile", ""),
    ("syncmgr-daemon", "golden", ""),
    ("syncmgr", "program", ""),
];

/// What valgrind must find nothing wrong with: every access to memory of `com` and `comhost` is made in these.
const WATCHED: &str = "watched_";

/// One system to build the libraries for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    compiler: &'static str,
    options: &'static [&'static str],
    links: &'static [&'static str],
    library: (&'static str, &'static str),
}

impl Target {
    /// The compiler of C++.
    pub(crate) fn compiler(self) -> &'static str {
        self.compiler
    }
}

/// This machine.
pub(crate) const HOST: Target = Target {
    compiler: "g++",
    options: &["-fPIC", "-pthread", "-fvisibility=hidden"],
    links: &[],
    library: ("lib", ".so"),
};

/// 64-bit Windows, by the compiler whose threads are those of C++.
pub(crate) const WINDOWS: Target = Target {
    compiler: "x86_64-w64-mingw32-g++-posix",
    options: &["-static"],
    links: &["-lole32", "-luuid", "-lgdi32"],
    library: ("", ".dll"),
};

/// 32-bit Windows; the entry points are exported by their plain names.
pub(crate) const WINDOWS_32: Target = Target {
    compiler: "i686-w64-mingw32-g++-posix",
    options: &["-static", "-Wl,--kill-at"],
    ..WINDOWS
};

/// Runs the suite.
pub(super) fn run(mut words: Words) -> Result<bool> {
    let install = words.flag("--install");
    words.end()?;
    let missing: Vec<&str> = [("g++", "g++"), ("valgrind", "valgrind")]
        .into_iter()
        .filter(|(program, _)| run::version(program, "--version").is_none())
        .map(|(_, package)| package)
        .collect();
    run::need_packages(&missing, install)?;
    let fixtures = target_directory().join("com-fixtures");
    build_fixtures(HOST, &fixtures)?;
    com_header::build_host_examples(&fixtures)?;
    run::check(run::cargo().args(["build", "--quiet", "--package", "syncmgr-comhost"]))?;
    let mut good = true;
    for (package, target, filter) in TESTS {
        let mut tests = tests(package, target, &fixtures);
        tests.arg(filter);
        good &= passed(&mut tests)?;
    }
    let watcher = watcher(&fixtures)?;
    let mut watched = tests("syncmgr-comhost", "hostile", &fixtures);
    watched
        .env("SYNCMGR_COMHOST", watcher)
        .args([WATCHED, "--test-threads", "2"]);
    good &= passed(&mut watched)?;
    report::line(format_args!(
        "com: {}",
        if good {
            "good handlers work, hostile ones hurt nobody, and valgrind found nothing"
        } else {
            "failed"
        }
    ));
    Ok(good)
}

/// Builds every library of the fixtures into a directory, as `libNAME.so` or `NAME.dll`.
pub(crate) fn build_fixtures(target: Target, into: &Path) -> Result<()> {
    std::fs::create_dir_all(into)?;
    let directory = run::workspace().join(FIXTURES);
    let sources = std::fs::read_dir(&directory)
        .with_context(|| format!("could not list {}", directory.display()))?;
    for source in sources {
        let source = source?.path();
        if source.extension().is_none_or(|end| end != "cpp") {
            continue;
        }
        let Some(name) = source.file_stem().and_then(|name| name.to_str()) else {
            bail!("{} has no name", source.display());
        };
        let (before, after) = target.library;
        let library = into.join(format!("{before}{name}{after}"));
        run::check(
            run::command(target.compiler)
                .args(["-std=c++17", "-g", "-O1", "-Wall", "-Wextra", "-Werror"])
                .args(target.options)
                .arg("-shared")
                .arg("-I")
                .arg(run::workspace().join(INCLUDE))
                .arg(&source)
                .arg("-o")
                .arg(&library)
                .args(target.links),
        )?;
    }
    Ok(())
}

/// The tests of a target that wait for the libraries.
fn tests(package: &str, target: &str, fixtures: &Path) -> Command {
    let mut cargo = run::cargo();
    cargo
        .env("SYNCMGR_COM_FIXTURES", fixtures)
        .env("SYNCMGR_COMHOST", comhost())
        .args(["test", "--quiet", "--package", package, "--test", target])
        .args(["--", "--ignored"]);
    cargo
}

fn passed(tests: &mut Command) -> Result<bool> {
    let status = tests.status().context("could not start the tests")?;
    Ok(status.success())
}

/// Writes a program that runs `comhost` under valgrind and ends with 99 when an access to memory was wrong.
fn watcher(fixtures: &Path) -> Result<PathBuf> {
    let path = fixtures.join("watched-comhost");
    let text = format!(
        "#!/bin/sh\nexec valgrind --quiet --error-exitcode=99 --leak-check=no --fair-sched=yes '{}' \"$@\"\n",
        comhost().display()
    );
    std::fs::write(&path, text)?;
    run::check(run::command("chmod").arg("755").arg(&path))?;
    Ok(path)
}

fn comhost() -> PathBuf {
    let name = format!("comhost{}", std::env::consts::EXE_SUFFIX);
    target_directory().join("debug").join(name)
}

fn target_directory() -> PathBuf {
    run::variable("CARGO_TARGET_DIR").map_or_else(|| run::workspace().join("target"), PathBuf::from)
}
