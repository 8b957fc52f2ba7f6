//! Type-checks every crate for Windows with Debian's own Rust packages and std built from source.
//!
//! The target is `x86_64-win7-windows-gnu`: what is built for it also runs in the Wine of Debian 12, which lacks the
//! newer system libraries that the ordinary target imports.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::{Words, report, run};

/// What is checked for.
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
];

/// Runs the suite.
pub(super) fn run(mut words: Words) -> Result<bool> {
    let install = words.flag("--install");
    words.end()?;
    run::need_packages(&missing(|path| path.exists()), install)?;
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
        .env("TARGET_CC", "x86_64-w64-mingw32-gcc")
        .env("TARGET_CXX", "x86_64-w64-mingw32-g++")
        .env("TARGET_AR", "x86_64-w64-mingw32-ar")
        .env("CARGO_TARGET_DIR", target_directory())
        .args([
            "check",
            "--locked",
            "--workspace",
            "-Zbuild-std=std,panic_abort,panic_unwind,test",
            "--target",
            TARGET,
        ]);
    let status = cargo.status()?;
    report::line(format_args!(
        "windows-check: {} for {TARGET}",
        if status.success() {
            "every crate checks"
        } else {
            "failed"
        }
    ));
    Ok(status.success())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_absent_is_asked_for() {
        assert_eq!(missing(|_| true), [""; 0]);
        assert_eq!(
            missing(|path| path.starts_with("/usr/bin/")),
            ["rust-web-src"]
        );
    }
}
