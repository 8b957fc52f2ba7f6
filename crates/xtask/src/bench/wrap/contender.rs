//! Who carries programs out, how each is asked to, and what that costs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::bench::home::{Home, Pueue, Started, until};
use crate::bench::process::children_busy_ms;
use crate::{report, run, sys};

/// So many programs run at once where somebody has a queue; as many as ours does.
pub(super) const AT_ONCE: &str = "4";

/// A program that is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Job {
    /// One that ends at once.
    Trivial,
    /// Five seconds of one that tells how far it is.
    Long,
    /// 100 MB in lines of fifty bytes.
    Flood,
}

impl Job {
    /// Its words.
    pub(super) fn words(self) -> &'static [&'static str] {
        match self {
            Self::Trivial => &["true"],
            Self::Long => &[
                "sh",
                "-c",
                "i=0; while [ $i -lt 100 ]; do echo \"$i%\"; sleep 0.05; i=$((i+1)); done",
            ],
            Self::Flood => &[
                "sh",
                "-c",
                "yes 'a line of fifty bytes that is like those of tools' | head -c 100000000",
            ],
        }
    }

    /// The name of its item.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Trivial => "trivial",
            Self::Long => "long",
            Self::Flood => "flood",
        }
    }

    /// Its item in a configuration.
    pub(super) fn item(self) -> String {
        item(self.name(), self.words())
    }
}

/// An item that carries these words out, as `syncmgr wrap` writes it.
pub(super) fn item(name: &str, words: &[&str]) -> String {
    let words = serde_json::Value::from(words.to_vec());
    format!(
        "[[item]]\nhandler = \"tools\"\nid = \"command-{name}\"\nname = \"{name}\"\n\
         definition = {{ recipe = \"command\", directory = \"/\", command = {words} }}\n\n"
    )
}

/// What one run of something cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    pub(super) wall_s: f64,
    /// User and system time of the command and all that it waited for, and of the daemon with all that this waited for.
    pub(super) cpu_s: f64,
}

/// Runs a command to its end; `server` is who works for it beside.
pub(super) fn cost(command: &mut Command, server: Option<u32>) -> Result<Cost> {
    let busy = || server.map_or(Ok(0.0), children_busy_ms);
    let before_ms = busy()?;
    let began = run::now();
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("could not start {}", run::shown(command)))?;
    let usage = sys::wait_with_usage(child)?;
    let wall_s = run::now().duration_since(began).as_secs_f64();
    if usage.code != 0 {
        bail!("{} ended with {}", run::shown(command), usage.code);
    }
    Ok(Cost {
        wall_s,
        cpu_s: usage.cpu.as_secs_f64() + (busy()? - before_ms) / 1_000.0,
    })
}

/// One way to have a program carried out, and to wait for its end.
pub(super) struct Contender<'c> {
    pub(super) name: &'static str,
    pub(super) version: Option<String>,
    /// Who works for the commands.
    pub(super) server: Option<u32>,
    command: Box<dyn Fn(Job) -> Command + 'c>,
}

impl<'c> Contender<'c> {
    /// The program alone.
    pub(super) fn alone() -> Self {
        Self {
            name: "alone",
            version: None,
            server: None,
            command: Box::new(|job| {
                let words = job.words();
                let mut command = run::command(words.first().unwrap_or(&"true"));
                command.args(words.iter().skip(1));
                command
            }),
        }
    }

    /// A whole command of ours; the daemon carries the program out.
    pub(super) fn ours(home: &'c Home<'_>, daemon: &Started, version: Option<String>) -> Self {
        Self {
            name: "syncmgr sync",
            version,
            server: Some(daemon.0.id()),
            command: Box::new(|job| home.command(&["sync", job.name()])),
        }
    }

    /// task-spooler's queue, whose command carries the program out itself once it may.
    pub(super) fn spooler(spooler: &'c Spooler) -> Self {
        Self {
            name: "task-spooler",
            version: Some(spooler.version.clone()),
            server: spooler.server,
            command: Box::new(|job| spooler.command(&[&["-n", "-f"], job.words()].concat())),
        }
    }

    /// pueue's queue, added to and waited for.
    pub(super) fn pueue(pueue: &'c Pueue, daemon: &Started) -> Self {
        let script = "id=$(pueue add --print-task-id -- \"$@\") && pueue wait --quiet \"$id\"";
        Self {
            name: "pueue",
            version: Some(pueue.version.clone()),
            server: Some(daemon.0.id()),
            command: Box::new(move |job| {
                let mut command = pueue.command("sh");
                // What it takes is a line for a shell, whose words are put together by blanks.
                let words = job.words().iter().map(|word| quoted(word));
                command.args(["-c", script, "sh"]).args(words);
                command
            }),
        }
    }

    /// Carries one out.
    pub(super) fn once(&self, job: Job) -> Result<Cost> {
        cost(&mut (self.command)(job), self.server)
    }
}

/// One word for a shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// task-spooler, when it is installed: a queue of commands for one user.
pub(super) struct Spooler {
    pub(super) version: String,
    socket: PathBuf,
    server: Option<u32>,
}

impl Spooler {
    /// Finds it, and begins a queue of its own.
    pub(super) fn find(base: &Path) -> Result<Option<Self>> {
        let Some(version) = run::version("tsp", "-V") else {
            return Ok(None);
        };
        let mut spooler = Self {
            version,
            socket: base.join("spooler"),
            server: None,
        };
        // Whoever asks first starts its server.
        run::check(&mut spooler.command(&["-S", AT_ONCE]))?;
        let variable = format!("TS_SOCKET={}", spooler.socket.display());
        until("the server of task-spooler", || {
            spooler.server = with_variable(&variable);
            spooler.server.is_some()
        })?;
        Ok(Some(spooler))
    }

    /// Its server.
    pub(super) fn server(&self) -> Option<u32> {
        self.server
    }

    /// A command of its queue.
    pub(super) fn command(&self, words: &[&str]) -> Command {
        let mut command = run::command("tsp");
        command
            .env("TS_SOCKET", &self.socket)
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }
}

impl Drop for Spooler {
    fn drop(&mut self) {
        if run::check(&mut self.command(&["-K"])).is_err() {
            report::complain("the server of task-spooler could not be ended");
        }
    }
}

/// The process in whose environment a variable is so.
fn with_variable(variable: &str) -> Option<u32> {
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    let mut numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    numbers.find(|number| {
        let environment = std::fs::read(format!("/proc/{number}/environ")).unwrap_or_default();
        let mut variables = environment.split(|byte| *byte == 0);
        variables.any(|found| found == variable.as_bytes())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_hold_the_words_as_they_are() {
        let text = Job::Flood.item();
        assert!(
            text.contains(r#"command = ["sh","-c","yes 'a line "#),
            "{text}"
        );
        assert!(Job::Long.item().contains(r#"echo \"$i%\";"#));
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
