//! Runs the handlers of `examples/` and of the documentation through the host.

use anyhow::Result;

use crate::{Words, bench, report, run};

/// A program, and the Debian package that it comes from.
const PROGRAMS: &[(&str, &str, &str)] = &[
    ("python3", "--version", "python3"),
    ("node", "--version", "nodejs"),
    ("dash", "-n", "dash"),
    ("mkfifo", "--version", "coreutils"),
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
    bench::build(mirror, "mirror", false)?;
    let tests = run::cargo()
        .args(["test", "--locked", "-p", "syncmgr-host"])
        .args(["--test", "examples", "--test", "documented"])
        .args(["--", "--include-ignored"])
        .status()?;
    let good = tests.success();
    report::line(format_args!(
        "examples: {}",
        if good { "every one works" } else { "failed" }
    ));
    Ok(good)
}
