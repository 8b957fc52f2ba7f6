//! A week of the real daemon under a clock that leaps: memory, handles, threads and the database stay what they are.

use anyhow::Result;

use crate::{Words, report, run};

/// Runs the suite.
pub(super) fn run(mut words: Words) -> Result<bool> {
    // Nothing has to be installed; the flag is taken so that every suite can be started alike.
    words.flag("--install");
    words.end()?;
    let handler = crate::bench::build(
        &["-p", "syncmgr-handler", "--example", "trivial"],
        "trivial",
        false,
    )?;
    let mut cargo = run::cargo();
    cargo
        .args(["test", "--quiet", "--locked", "-p", "syncmgr-daemon"])
        .args([
            "--test",
            "week",
            "--",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env("SYNCMGR_TRIVIAL", handler);
    let good = cargo.status()?.success();
    let verdict = if good { "nothing grows" } else { "failed" };
    report::line(format_args!("week: {verdict}"));
    Ok(good)
}
