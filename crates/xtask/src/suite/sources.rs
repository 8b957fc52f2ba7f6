//! The daemon's sources against a real `dbus-daemon` with scripted services, real links and real mounts.
//!
//! Everything happens in a user, network and mount namespace of the suite's own, so the machine sees none of it.

use anyhow::{Context as _, Result, bail};

use crate::{Words, report, run};

/// What must be there, and the Debian package that it comes from.
const NEEDED: &[(&str, &str)] = &[
    ("/usr/bin/dbus-daemon", "dbus-daemon"),
    (
        "/usr/lib/python3/dist-packages/dbusmock",
        "python3-dbusmock",
    ),
    ("/usr/lib/python3/dist-packages/gi", "python3-gi"),
    ("/sbin/ip", "iproute2"),
];

/// What is run: the sources by themselves, and the whole program beside the services of a desktop.
const TESTS: &[(&str, &str)] = &[("syncmgr-daemon", "sources"), ("syncmgr", "bus")];

/// The namespaces.
const OWN: &[&str] = &["--user", "--map-root-user", "--net", "--mount"];

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
    let works = run::command("unshare").args(OWN).arg("true").status();
    if !works.is_ok_and(|status| status.success()) {
        bail!("namespaces are not permitted here; run where user namespaces are enabled");
    }
    let mut good = true;
    for (package, test) in TESTS {
        let target = ["test", "--quiet", "--package", package, "--test", test];
        run::check(run::cargo().args(target).arg("--no-run"))?;
        let status = run::command("unshare")
            .args(OWN)
            .arg(run::cargo().get_program())
            .args(target)
            // There is no network inside.
            .arg("--offline")
            .args(["--", "--ignored", "--test-threads=4"])
            .current_dir(run::workspace())
            .status()
            .context("could not start unshare")?;
        good &= status.success();
    }
    let verdict = if good {
        "every source tells what happens, nonsense is refused, and the machine gets what it is asked for"
    } else {
        "failed"
    };
    report::line(format_args!("sources: {verdict}"));
    Ok(good)
}
