//! A home with one handler, its commands, and daemons that end with the bench.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::{report, run, sys};

/// How long a program may take to be ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked whether a program is ready.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// A home of its own below the bench's directory.
pub(crate) struct Home<'p> {
    program: &'p Path,
    at: PathBuf,
}

impl<'p> Home<'p> {
    /// Makes it with this configuration.
    pub(crate) fn new(program: &'p Path, at: PathBuf, config: &str) -> Result<Self> {
        fs::create_dir_all(at.join("config"))?;
        fs::write(at.join("config/config.toml"), config)?;
        Ok(Self { program, at })
    }

    /// A command of it.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = run::command(self.program);
        command
            .env("SYNCMGR_HOME", &self.at)
            .env("HOME", &self.at)
            .args(words)
            .stdin(Stdio::null());
        command
    }

    /// Synchronizes everything, and waits for it.
    pub(crate) fn sync(&self) -> Result<()> {
        run::output(&mut self.command(&["sync"])).map(drop)
    }

    /// The database.
    pub(crate) fn database(&self) -> PathBuf {
        self.at.join("state/syncmgr.db")
    }

    /// Where its daemon is reached.
    pub(crate) fn socket(&self) -> PathBuf {
        self.at.join("run/control.sock")
    }

    /// Starts the daemon, and says how long it took until it served commands.
    pub(crate) fn daemon(&self) -> Result<(Started, Duration)> {
        let mut command = self.command(&["daemon"]);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let began = run::now();
        let mut daemon = Started(command.spawn().context("could not start the daemon")?);
        let said = daemon
            .0
            .stderr
            .take()
            .context("the daemon has no standard error")?;
        let mut said = BufReader::new(said);
        let mut line = String::new();
        said.read_line(&mut line)?;
        let took = run::now().duration_since(began);
        if !line.contains("serves every command") {
            bail!("the daemon did not begin: {}", line.trim());
        }
        // Whatever else it says must not stop it.
        std::thread::spawn(move || said.read_to_end(&mut Vec::new()));
        Ok((daemon, took))
    }

    /// Looks at an address of the daemon through its socket; answers how long that took and what is there.
    pub(crate) fn get(&self, address: &str) -> Result<(Duration, Vec<u8>)> {
        let head = format!("GET {address} HTTP/1.1\r\nhost: syncmgr\r\nconnection: close\r\n\r\n");
        let began = run::now();
        let answer = sys::exchange(&self.socket(), head.as_bytes())?;
        let took = run::now().duration_since(began);
        Ok((took, body(address, &answer)?.1.to_vec()))
    }

    /// An address by which one browser enters Sync Center on TCP: the host, and the path with the token.
    pub(crate) fn entry(&self) -> Result<(String, String)> {
        let said = run::output(&mut self.command(&["center", "--print"]))?;
        let said = String::from_utf8(said)?;
        let entry = said.trim().strip_prefix("http://");
        let entry = entry.and_then(|entry| entry.split_once('/'));
        let (host, path) = entry.context("there is no address")?;
        Ok((host.to_owned(), format!("/{path}")))
    }
}

/// Asks for an address on TCP, as a browser with this head does; answers head and body as they came.
pub(crate) fn fetch(host: &str, address: &str, head: &str) -> Result<(String, Vec<u8>)> {
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET {address} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{head}\r\n"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let end = end.with_context(|| format!("{address} was not answered"))?;
    let body = answer.split_off(end + 4);
    Ok((String::from_utf8_lossy(&answer).into_owned(), body))
}

/// The head and the body of a good answer.
fn body<'a>(address: &str, answer: &'a [u8]) -> Result<(&'a [u8], &'a [u8])> {
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let end = end.with_context(|| format!("{address} was not answered"))?;
    let (head, body) = answer.split_at(end + 4);
    if !head.starts_with(b"HTTP/1.1 200") {
        bail!("{address}: {}", String::from_utf8_lossy(head));
    }
    Ok((head, body))
}

impl Home<'_> {
    /// Asks the daemon for something through its socket; answers how long that took.
    pub(crate) fn ask(&self, method: &str, params: &serde_json::Value) -> Result<Duration> {
        Ok(self.answer(method, params)?.0)
    }

    /// Asks the daemon for something through its socket; answers how long that took, and the reply.
    pub(crate) fn answer(
        &self,
        method: &str,
        params: &serde_json::Value,
    ) -> Result<(Duration, serde_json::Value)> {
        let asked = params.to_string();
        let text = format!(
            "POST /v1/{method} HTTP/1.1\r\nhost: syncmgr\r\ncontent-type: application/json\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n{asked}",
            asked.len()
        );
        let began = run::now();
        let answer = sys::exchange(&self.socket(), text.as_bytes())?;
        let took = run::now().duration_since(began);
        let (_, reply) = body(method, &answer).with_context(|| {
            let answer = String::from_utf8_lossy(&answer);
            format!("{method} {params} was answered with {answer}")
        })?;
        let reply = serde_json::from_slice(reply)
            .with_context(|| format!("{method} was answered with no JSON"))?;
        Ok((took, reply))
    }
}

/// A program that ends with the bench, whatever becomes of it.
pub(crate) struct Started(pub(crate) Child);

impl Drop for Started {
    fn drop(&mut self) {
        if self.0.kill().and_then(|()| self.0.wait()).is_err() {
            report::complain("a measured program could not be ended");
        }
    }
}

/// pueued, when it is installed: a daemon that keeps a queue of tasks for one user. It is the peer of everything that a daemon
/// of ours does without handlers.
pub(super) struct Pueue {
    /// What it says of itself.
    pub(super) version: String,
    home: PathBuf,
}

impl Pueue {
    /// Finds it.
    pub(super) fn find(home: PathBuf) -> Result<Option<Self>> {
        let Some(version) = run::version("pueued", "--version") else {
            return Ok(None);
        };
        fs::create_dir_all(&home)?;
        Ok(Some(Self { version, home }))
    }

    /// Installs it with Cargo when it is missing and that is wanted.
    pub(super) fn install(wanted: bool) -> Result<()> {
        if wanted && run::version("pueued", "--version").is_none() {
            let version = format!("pueue@{PUEUE}");
            run::check(run::cargo().args(["install", "--locked", &version]))?;
        }
        Ok(())
    }

    /// A program of it, with a home of its own.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = run::command(program);
        command
            .env("HOME", &self.home)
            .env("XDG_CONFIG_HOME", self.home.join("config"))
            .env("XDG_DATA_HOME", self.home.join("data"))
            .env("XDG_RUNTIME_DIR", &self.home)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Starts its daemon, and says how long it took until it served commands.
    pub(super) fn daemon(&self) -> Result<(Started, Duration)> {
        let began = run::now();
        let daemon = Started(
            self.command("pueued")
                .spawn()
                .context("could not start pueued")?,
        );
        while !self.is_ready() {
            if run::now().duration_since(began) > PATIENCE || !sys::lives(daemon.0.id()) {
                bail!("pueued did not begin");
            }
            run::pause(LOOK_EVERY);
        }
        Ok((daemon, run::now().duration_since(began)))
    }

    fn is_ready(&self) -> bool {
        fs::read_dir(&self.home).is_ok_and(|entries| {
            entries.flatten().any(|entry| {
                let name = entry.file_name();
                Path::new(&name).extension() == Some("socket".as_ref())
            })
        })
    }
}

/// The version of pueue that is installed on request.
const PUEUE: &str = "4.0.4";

/// What to do where it is missing.
pub(super) const NO_PUEUE: &str = "pueued is not installed; install with --install";

/// How long a file may stay away.
pub(super) fn until(what: &str, mut there: impl FnMut() -> bool) -> Result<()> {
    let began = run::now();
    while !there() {
        if run::now().duration_since(began) > PATIENCE {
            bail!("{what} did not come");
        }
        run::pause(LOOK_EVERY);
    }
    Ok(())
}
