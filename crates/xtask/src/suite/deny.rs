//! Asks cargo-deny about licences, bans and sources; advisories need a network and are a step of their own.

use anyhow::{Result, bail};

use crate::{Words, run};

/// The version that is installed, so that every machine asks the same questions.
const VERSION: &str = "0.20.2";

/// Runs the suite.
pub(super) fn run(mut words: Words) -> Result<bool> {
    let install = words.flag("--install");
    words.end()?;
    if run::output(run::cargo().args(["deny", "--version"])).is_err() {
        if !install {
            bail!(
                "cargo-deny is not installed; install with `cargo install --locked cargo-deny`, or give --install"
            );
        }
        let package = format!("cargo-deny@{VERSION}");
        run::check(run::cargo().args(["install", "--locked", "--quiet", &package]))?;
    }
    let status = run::cargo()
        .args([
            "deny",
            "--all-features",
            "check",
            "licenses",
            "bans",
            "sources",
        ])
        .status()?;
    Ok(status.success())
}
