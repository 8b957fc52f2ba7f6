//! The daemon as a service: its files as the parsers of others read them, and what it tells those who started it.

use anyhow::Result;

use crate::{Words, report, run};

/// What must be there, and the Debian package that it comes from.
const NEEDED: &[(&str, &str)] = &[
    ("/usr/bin/systemd-analyze", "systemd"),
    ("/usr/bin/python3", "python3"),
];

/// What is run: the files that are written elsewhere, and everything about the service that the program is asked from outside.
const TESTS: &[&[&str]] = &[&["--bin", "syncmgr"], &["--test", "program"]];

/// Runs the suite.
pub(super) fn run(mut words: Words) -> Result<bool> {
    let install = words.flag("--install");
    words.end()?;
    let missing: Vec<&str> = NEEDED
        .iter()
        .filter(|(path, _)| !std::path::Path::new(path).exists())
        .map(|(_, package)| *package)
        .collect();
    run::need_packages(&missing, install)?;
    let mut good = true;
    for target in TESTS {
        let mut cargo = run::cargo();
        cargo
            .args(["test", "--quiet", "--locked", "--package", "syncmgr"])
            .args(*target)
            .args(["--", "--include-ignored", "service::"]);
        good &= cargo.status()?.success();
    }
    let verdict = if good {
        "systemd finds nothing wrong, others read what was meant, and who started the daemon hears how it is"
    } else {
        "failed"
    };
    report::line(format_args!("service: {verdict}"));
    Ok(good)
}
