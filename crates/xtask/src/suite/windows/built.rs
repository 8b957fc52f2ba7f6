//! What the build made, and the tests among it.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::wine::{Prefix, ended};
use super::{TARGET, cargo, target_directory};
use crate::report;

/// How long one test program may take in Wine.
const TEST_SECONDS: u32 = 300;

/// The crates whose tests run in Wine.
const TESTED: &[&str] = &[
    "core", "com", "handler", "host", "folder", "store", "control", "daemon",
];

/// Most of what a test program said that is shown when it failed.
const SAID_MAX_LINES: usize = 60;

/// The programs of one build.
pub(super) struct Built {
    /// What is missing may be fetched.
    pub(super) install: bool,
    directory: PathBuf,
    tests: Vec<Test>,
}

/// A program of tests.
struct Test {
    package: String,
    name: String,
    program: PathBuf,
    directory: PathBuf,
}

/// A line of what Cargo tells about a build.
#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact {
        manifest_path: PathBuf,
        target: Target,
        profile: Profile,
        executable: Option<PathBuf>,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

impl Built {
    /// Builds everything: libraries, programs, tests and examples. `None` when something does not compile.
    pub(super) fn build(install: bool) -> Result<Option<Self>> {
        let mut child = cargo("build")
            .args([
                "--workspace",
                "--all-targets",
                "--message-format=json-render-diagnostics",
            ])
            .stdout(Stdio::piped())
            .spawn()
            .context("could not start Debian's Cargo")?;
        let lines = child.stdout.take().context("Cargo has no output")?;
        let mut tests = Vec::new();
        for line in BufReader::new(lines).lines() {
            if let Ok(Message::CompilerArtifact {
                manifest_path,
                target,
                profile: Profile { test: true },
                executable: Some(program),
            }) = serde_json::from_str(&line?)
            {
                let directory = manifest_path.parent().unwrap_or(Path::new("/"));
                tests.push(Test {
                    package: directory
                        .file_name()
                        .map(|name| name.to_string_lossy().into_owned())
                        .unwrap_or_default(),
                    name: if target.kind.iter().any(|kind| kind == "test") {
                        target.name
                    } else {
                        "unit tests".to_owned()
                    },
                    program,
                    directory: directory.to_path_buf(),
                });
            }
        }
        if !child.wait()?.success() {
            return Ok(None);
        }
        tests.sort_by(|a, b| (&a.package, &a.name).cmp(&(&b.package, &b.name)));
        Ok(Some(Self {
            install,
            directory: target_directory().join(TARGET).join("debug"),
            tests,
        }))
    }

    /// A program of the build.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// Runs the tests of the crates in Wine.
pub(super) fn tests(built: &Built, prefix: &Prefix) -> Result<String> {
    let missing = TESTED
        .iter()
        .find(|package| !built.tests.iter().any(|test| test.package == **package));
    if let Some(package) = missing {
        bail!("{package} has no tests");
    }
    prefix.give_windows()?;
    let wanted = |package: &str, _: &str| TESTED.contains(&package);
    run_tests(built, prefix, wanted, |_| {})
}

/// Runs the programs of tests that are wanted by package and name, each prepared by `prepare`.
pub(super) fn run_tests(
    built: &Built,
    prefix: &Prefix,
    wanted: impl Fn(&str, &str) -> bool,
    prepare: impl Fn(&mut std::process::Command),
) -> Result<String> {
    let (mut passed, mut programs, mut failed) = (0_u64, 0, Vec::new());
    for test in &built.tests {
        if !wanted(&test.package, &test.name) {
            continue;
        }
        let mut command =
            prefix.bounded(TEST_SECONDS, &["wine".as_ref(), test.program.as_os_str()]);
        prepare(&mut command);
        // They look for what lies beside them.
        let done = ended(command.current_dir(&test.directory))?;
        let count = counted(&done.out);
        programs += 1;
        passed += count.unwrap_or_default();
        if done.code != 0 || count.is_none() {
            failed.push(format!("{} ({})", test.package, test.name));
            report::line(format_args!(
                "windows: tests of {} ({}) ended with {}",
                test.package, test.name, done.code
            ));
            for said in [&done.out, &done.err] {
                let lines: Vec<&str> = said
                    .lines()
                    .filter(|line| !line.ends_with("... ok"))
                    .collect();
                let from = lines.len().saturating_sub(SAID_MAX_LINES);
                for line in &lines[from..] {
                    report::line(line);
                }
            }
        }
    }
    if failed.is_empty() && passed > 0 {
        Ok(format!(
            "{passed} tests in {programs} programs pass in Wine"
        ))
    } else {
        bail!("{passed} passed; failed: {}", failed.join(", "))
    }
}

/// How many tests passed, as their program says; `None` when it did not come so far.
fn counted(out: &str) -> Option<u64> {
    out.lines().find_map(|line| {
        let rest = line.strip_prefix("test result: ")?;
        let (_, rest) = rest.split_once(". ")?;
        rest.split(' ').next()?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passed_is_read_from_the_last_line() {
        let said = "running 2 tests\n\ntest result: ok. 12 passed; 0 failed; 1 ignored; 0 measured";
        assert_eq!(counted(said), Some(12));
        assert_eq!(counted("running 2 tests\n"), None);
    }

    #[test]
    fn tests_are_told_from_other_artifacts() {
        let line = r#"{"reason":"compiler-artifact","package_id":"x","manifest_path":"/w/crates/core/Cargo.toml",
            "target":{"kind":["test"],"name":"golden"},"profile":{"test":true},"executable":"/t/golden.exe"}"#;
        assert!(matches!(
            serde_json::from_str(line),
            Ok(Message::CompilerArtifact {
                profile: Profile { test: true },
                executable: Some(_),
                ..
            })
        ));
        assert!(matches!(
            serde_json::from_str(r#"{"reason":"build-script-executed","package_id":"x"}"#),
            Ok(Message::Other)
        ));
    }
}
