//! Suites that need tools beyond Cargo; each says what it needs, installs it on request, and never skips.

mod api;
mod bridges;
pub(crate) mod com;
mod com_header;
mod deny;
mod examples;
mod folder;
mod kill;
mod mounts;
mod service;
mod sides;
mod sources;
mod tools;
mod web;
mod week;
mod windows;

use anyhow::{Result, bail};

use crate::{Words, report};

/// One suite.
struct Suite {
    /// The word that starts it.
    name: &'static str,
    /// What it shows, in one line.
    shows: &'static str,
    /// What must be installed, in one line.
    needs: &'static str,
    /// Runs it; `false` means that it found something wrong.
    run: fn(Words) -> Result<bool>,
}

/// Every suite: a new one is one more entry here.
const SUITES: &[Suite] = &[
    Suite {
        name: "windows",
        shows: "everything builds for Windows and runs in Wine: tests, command line, folder pair, daemon  [--only PART]",
        needs: "Debian packages rustc-web cargo-web rust-web-src g++-mingw-w64-x86-64 wine wine64",
        run: windows::run,
    },
    Suite {
        name: "com-header",
        shows: "the header and the example handlers compile as C and C++, for 32 and 64 bits and for Windows; the COM crate in 32 bits",
        needs: "Debian packages g++ g++-multilib g++-mingw-w64-x86-64, and rustup's i686-unknown-linux-gnu",
        run: com_header::run,
    },
    Suite {
        name: "com",
        shows: "COM handlers work under comhost, hostile ones hurt nobody, and every access to memory is right",
        needs: "Debian packages g++ valgrind",
        run: com::run,
    },
    Suite {
        name: "folder",
        shows: "folder pairs lose nothing, on a simulated file system by seed and killed on real ones  [--seeds N --first SEED --rounds N --seed N --only PART]",
        needs: "root for mounting; Debian packages e2fsprogs xfsprogs btrfs-progs strace",
        run: folder::run,
    },
    Suite {
        name: "kill",
        shows: "killing a synchronization at any moment loses nothing and the next run heals  [--rounds N --seed N --release --program PATH]",
        needs: "nothing",
        run: kill::run,
    },
    Suite {
        name: "mounts",
        shows: "a full disk, a read-only one, one that is gone, and one directory under two names",
        needs: "Linux, and root or user namespaces",
        run: mounts::run,
    },
    Suite {
        name: "sources",
        shows: "the daemon's sources tell what happens: D-Bus services, routes, mounts and files, also when they lie or go",
        needs: "Linux with user namespaces, Debian packages dbus-daemon python3-dbusmock iproute2",
        run: sources::run,
    },
    Suite {
        name: "tools",
        shows: "the recipes with the real programs, also when network, disk or program go away  [--list --only PART --case NAME --program PATH]",
        needs: "Linux, root, and the programs that the recipes are for",
        run: tools::run,
    },
    Suite {
        name: "service",
        shows: "the daemon as a service: units that systemd verifies, files for launchd and Windows, notifications, sockets, signals",
        needs: "Linux, Debian packages systemd python3",
        run: service::run,
    },
    Suite {
        name: "web",
        shows: "the page in a real browser: every screen in both languages, live, by keyboard, without scripts, and nobody kept out  [--pictures DIR --docs]",
        needs: "Debian packages chromium chromium-driver npm, and the package axe-core of npm",
        run: web::run,
    },
    Suite {
        name: "api",
        shows: "whatever is asked of the API is answered as its document says, and nothing breaks  [--seed N --seconds N --program PATH]",
        needs: "Debian package python3-venv, and schemathesis of PyPI",
        run: api::run,
    },
    Suite {
        name: "bridges",
        shows: "what two Syncthings and rclone do is reported as runs, and nothing there is changed  [--install]",
        needs: "Debian packages syncthing rclone curl",
        run: bridges::run,
    },
    Suite {
        name: "week",
        shows: "a week of the daemon under a clock that leaps: memory, handles, threads and the database do not grow",
        needs: "Linux, and nothing else",
        run: week::run,
    },
    Suite {
        name: "examples",
        shows: "the example handlers in Python, shell, Node and Rust work",
        needs: "Debian packages python3 nodejs dash",
        run: examples::run,
    },
    Suite {
        name: "deny",
        shows: "licences, bans and sources of every dependency",
        needs: "cargo-deny",
        run: deny::run,
    },
];

/// Runs the suite that the words name, or lists them all.
pub(crate) fn run(mut words: Words) -> Result<bool> {
    let name = words.next_word().unwrap_or_else(|| "list".to_owned());
    if name == "list" {
        words.end()?;
        for suite in SUITES {
            report::line(format_args!(
                "{:<14} {}\n{:<14} needs {}",
                suite.name, suite.shows, "", suite.needs
            ));
        }
        return Ok(true);
    }
    match SUITES.iter().find(|suite| suite.name == name) {
        Some(suite) => (suite.run)(words),
        None => bail!("no suite {name:?}; `cargo xtask suite list` names them"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_have_names_of_their_own() {
        for (at, suite) in SUITES.iter().enumerate() {
            assert!(
                !SUITES[..at].iter().any(|other| other.name == suite.name),
                "{}",
                suite.name
            );
        }
    }
}
