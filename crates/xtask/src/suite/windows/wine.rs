//! A Wine of its own: a fresh prefix in a temporary directory, gone with everything that runs in it when dropped.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::run;

/// How long the making of a prefix may take.
const BOOT_SECONDS: u32 = 180;

/// How long one command of the program may take; most take a tenth of a second.
const COMMAND_SECONDS: u32 = 60;

/// How long something that is waited for may take to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long between two looks for it.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A Wine prefix.
pub(super) struct Prefix {
    place: TempDir,
    /// Where more of Wine's own libraries are.
    libraries: Option<PathBuf>,
}

/// What a command ended with.
#[derive(Debug)]
pub(super) struct Ended {
    /// Exit code.
    pub(super) code: i32,
    /// Standard output.
    pub(super) out: String,
    /// Standard error.
    pub(super) err: String,
}

impl Prefix {
    /// Makes one.
    pub(super) fn new() -> Result<Self> {
        Self::with_libraries(None)
    }

    /// Makes one of a Wine with more libraries than are installed.
    pub(super) fn with_libraries(libraries: Option<&Path>) -> Result<Self> {
        let prefix = Self {
            place: tempfile::Builder::new().prefix("syncmgr-wine-").tempdir()?,
            libraries: libraries.map(Path::to_path_buf),
        };
        prefix.keep_server()?;
        let boot = prefix
            .bounded(BOOT_SECONDS, &["wineboot".as_ref(), "-i".as_ref()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        if !boot.success() || !prefix.drive().join("windows").is_dir() {
            bail!("Wine could not make a prefix: {boot}");
        }
        Ok(prefix)
    }

    /// Lets programs have windows although nobody sees them, for those that start from now on. An apartment of COM has one:
    /// where none can be had, Wine now and then waits ten seconds for its desktop, which is as long as a handler may take to
    /// begin.
    pub(super) fn give_windows(&self) -> Result<()> {
        let words = [
            "wine",
            "reg",
            "add",
            r"HKCU\Software\Wine\Drivers",
            "/v",
            "Graphics",
            "/d",
            "null",
            "/f",
        ];
        ended(&mut self.bounded(COMMAND_SECONDS, &words.map(AsRef::as_ref)))?.with(0)?;
        // What runs already keeps a desktop without windows for whoever comes.
        self.end_everything()?;
        self.keep_server()
    }

    /// Starts a server that stays until it is ended. Debian's goes as soon as no program is left, and a program that starts
    /// just then is cut off.
    fn keep_server(&self) -> Result<()> {
        let started = self
            .bounded(COMMAND_SECONDS, &["wineserver".as_ref(), "-p".as_ref()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        if !started.success() {
            bail!("Wine's server does not start: {started}");
        }
        Ok(())
    }

    /// Ends every program of the prefix, and waits for the end.
    fn end_everything(&self) -> std::io::Result<()> {
        for what in ["-k", "-w"] {
            self.bounded(COMMAND_SECONDS, &["wineserver".as_ref(), what.as_ref()])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()?;
        }
        Ok(())
    }

    /// The directory that is drive C:.
    pub(super) fn drive(&self) -> PathBuf {
        self.place.path().join("drive_c")
    }

    /// Makes every variable that leads a program into this prefix and nowhere else.
    pub(super) fn lead(&self, command: &mut Command) {
        command
            .env("WINEPREFIX", self.place.path())
            .env(
                "WINEDEBUG",
                // Whoever looks for a fault of Wine itself says what it is to tell.
                run::variable("WINEDEBUG").unwrap_or_else(|| "-all".into()),
            )
            .env("WINEDLLOVERRIDES", "mscoree=;mshtml=;winemenubuilder.exe=")
            .env("LC_ALL", "C.UTF-8")
            .env("TERM", "xterm")
            .env_remove("DISPLAY")
            .env_remove("SYNCMGR_HOME")
            .env_remove("SYNCMGR_LOG");
        match &self.libraries {
            Some(libraries) => command.env("WINEDLLPATH", libraries),
            None => command.env_remove("WINEDLLPATH"),
        };
    }

    /// Prepares a command that is ended when it takes too long.
    pub(super) fn bounded(&self, seconds: u32, words: &[&std::ffi::OsStr]) -> Command {
        let mut command = run::command("timeout");
        command
            .args(["-k", "5", &seconds.to_string()])
            .args(words)
            .stdin(Stdio::null())
            .current_dir(self.place.path());
        self.lead(&mut command);
        command
    }

    /// Runs a Windows program to its end.
    pub(super) fn run(&self, program: &Path, words: &[&str], home: Option<&str>) -> Result<Ended> {
        let mut command = self.bounded(COMMAND_SECONDS, &["wine".as_ref(), program.as_os_str()]);
        command.args(words).current_dir(self.drive());
        if let Some(home) = home {
            command.env("SYNCMGR_HOME", home);
        }
        ended(&mut command)
    }
}

/// Runs a command to its end. What it says goes into files: the end of a pipe does not come while a program of Wine's own,
/// which is started by the way and stays, holds it too.
pub(super) fn ended(command: &mut Command) -> Result<Ended> {
    let (mut out, mut err) = (tempfile::tempfile()?, tempfile::tempfile()?);
    let status = command
        .stdout(out.try_clone()?)
        .stderr(err.try_clone()?)
        .status()
        .context("could not start Wine")?;
    let read = |file: &mut File| -> Result<String> {
        let mut bytes = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    Ok(Ended {
        code: status.code().unwrap_or(-1),
        out: read(&mut out)?,
        err: read(&mut err)?,
    })
}

impl Drop for Prefix {
    fn drop(&mut self) {
        if self.end_everything().is_err() {
            crate::report::complain("the Wine of a part could not be ended");
        }
    }
}

impl Ended {
    /// Fails unless it ended with this code; answers its standard output.
    pub(super) fn with(self, code: i32) -> Result<String> {
        if self.code == code {
            Ok(self.out)
        } else {
            bail!(
                "ended with {} instead of {code}\n{}{}",
                self.code,
                self.out,
                self.err
            )
        }
    }
}

/// Waits until something is there.
pub(super) fn until(what: &str, mut there: impl FnMut() -> bool) -> Result<()> {
    let begun = run::now();
    while !there() {
        if run::now().duration_since(begun) > PATIENCE {
            bail!("{what} did not come about");
        }
        run::pause(LOOK_AGAIN);
    }
    Ok(())
}
