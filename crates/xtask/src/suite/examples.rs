//! Runs the handlers of `examples/` and of the documentation through the host, and the examples through `syncmgr check`.

use std::path::Path;

use anyhow::Result;

use crate::{Words, bench, report, run};

/// A program, and the Debian package that it comes from.
const PROGRAMS: &[(&str, &str, &str)] = &[
    ("python3", "--version", "python3"),
    ("node", "--version", "nodejs"),
    ("dash", "-n", "dash"),
    ("mkfifo", "--version", "coreutils"),
];

/// The examples, as the words that start them; the Rust one is added where it was built.
const EXAMPLES: &[&[&str]] = &[
    &["python3", "examples/python/mirror.py"],
    &["dash", "examples/shell/mirror.sh"],
    &["node", "examples/node/mirror.mjs"],
];

/// Runs the suite.
pub(super) fn run(mut words: Words) -> Result<bool> {
    let install = words.flag("--install");
    words.end()?;
    let missing: Vec<&str> = PROGRAMS
        .iter()
        .filter(|(program, argument, _)| run::version(program, argument).is_none())
        .map(|(_, _, package)| *package)
        .collect();
    run::need_packages(&missing, install)?;
    // Its test looks for it beside itself.
    let mirror = &["-p", "syncmgr-handler", "--example", "mirror"];
    let rust = bench::build(mirror, "mirror", false)?;
    let tests = run::cargo()
        .args(["test", "--locked", "-p", "syncmgr-host"])
        .args(["--test", "examples", "--test", "documented"])
        .args(["--", "--include-ignored"])
        .status()?;
    let mut good = tests.success();
    // What the documented handler asks, from the question to the mail server.
    let asked = run::cargo()
        .args(["test", "--locked", "-p", "syncmgr", "--test", "program"])
        .args(["mail::", "--", "--include-ignored"])
        .status()?;
    good &= asked.success();
    let ours = bench::build(&["-p", "syncmgr"], "syncmgr", false)?;
    let rust = rust.to_string_lossy();
    let rust = [rust.as_ref()];
    for command in EXAMPLES.iter().copied().chain([rust.as_slice()]) {
        good &= conforms(&ours, command)?;
    }
    report::line(format_args!(
        "examples: {}",
        if good { "every one works" } else { "failed" }
    ));
    Ok(good)
}

/// Asks `syncmgr check` about one example with a list of three sources.
fn conforms(ours: &Path, command: &[&str]) -> Result<bool> {
    let place = tempfile::Builder::new()
        .prefix("syncmgr-example-")
        .tempdir()?;
    let path = |name: &str| place.path().join(name);
    std::fs::write(path("one"), "one\n")?;
    // The second source is missing, so that the log, its link and the retry are tried too.
    let at = |name: &str| path(name).display().to_string();
    let list = format!("one {}\ngone {}\ntoo {}\n", at("one"), at("two"), at("one"));
    std::fs::write(path("list"), list)?;
    let status = run::command(ours)
        .current_dir(run::workspace())
        .env("SYNCMGR_HOME", path("home"))
        .args(["check", "--"])
        .args(command)
        .args([path("list"), path("target")])
        .status()?;
    if !status.success() {
        report::line(format_args!(
            "examples: {} does not conform",
            command.join(" ")
        ));
    }
    Ok(status.success())
}
