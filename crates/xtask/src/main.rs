//! Checks, measurements and suites of this workspace, run as `cargo xtask …`.
//!
//! Nothing that ships depends on this crate. It is the only one that may start other programs freely, and it does so
//! in one module, [`run`].

mod bench;
mod conformance;
mod random;
mod report;
mod run;
mod schema;
mod suite;
mod tidy;
mod tree;

#[cfg(unix)]
#[path = "sys_unix.rs"]
mod sys;
#[cfg(windows)]
#[path = "sys_windows.rs"]
mod sys;

use std::process::ExitCode;

use anyhow::{Result, bail};

/// What the program answers when it is asked for nothing it knows.
const USAGE: &str = "\
usage: cargo xtask COMMAND

  tidy                         check the crate map, the dependency rules and the text of the tree
  schema [--check]             write the generated documents, or say which are out of date
  conformance [--check]        write docs/conformance.md, or say whether it is out of date
  bench folder [OPTIONS]       a folder pair beside unison, rclone bisync, cp and find
      --files N  --runs N  --dirs N  --json  --install  --keep
      --program PATH  --dir PATH (where the trees are made; the temporary directory otherwise)
  bench schedule [OPTIONS]     the queue of what is due and next times, beside systemd-analyze
      --entries N  --steps N  --runs N  --json
  bench sessions [OPTIONS]     sessions a second beside xargs, and the session of many items
      --sessions N  --items N  --runs N  --json  --program PATH
  bench idle [OPTIONS]         memory and wake-ups of a daemon that has nothing to do, beside pueued
      --seconds N  --items N  --json  --install  --program PATH
  bench load [OPTIONS]         sessions with and without many who follow them, and a page that is open
      --subscribers N  --rounds N  --items N  --work MICROSECONDS  --seconds N  --json  --program PATH
  bench start [OPTIONS]        start of a daemon with a long past, and `why`, beside pueued
      --items N  --events N  --runs N  --json  --install  --program PATH
  bench top [OPTIONS]          the terminal page: from a key to the screen, and while nothing changes
      --items N  --keys N  --seconds N  --json  --program PATH
  bench trigger [OPTIONS]      from a request, a changed file and a due time to the handler, beside pueue and cron
      --samples N  --changes N  --cron-minutes N  --items N  --json  --install  --program PATH
  bench wrap [OPTIONS]         another program carried out by us and alone, beside pueue and task-spooler
      --runs N  --trivial N  --many N  --json  --install  --program PATH
  bench contract [OPTIONS]     callbacks, items and starts through memory, stdio and COM, beside the bare pipe
      --callbacks N  --items N  --starts N  --runs N  --json  --install
  suite list                   what suites exist and what each needs
  suite NAME [--install] …     run one suite; a missing tool is an error that says what to install";

fn main() -> ExitCode {
    match dispatch(std::env::args().skip(1).collect()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            report::complain(format_args!("xtask: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Runs the command that the words name; `false` means that it ran and found something wrong.
fn dispatch(words: Vec<String>) -> Result<bool> {
    let mut words = Words(words);
    let Some(command) = words.next_word() else {
        bail!("no command\n{USAGE}");
    };
    match command.as_str() {
        "tidy" => {
            words.end()?;
            tidy::run()
        }
        "schema" => {
            let check = words.flag("--check");
            words.end()?;
            schema::run(check)
        }
        "conformance" => {
            let check = words.flag("--check");
            words.end()?;
            conformance::run(check)
        }
        "bench" => bench::run(words),
        "suite" => suite::run(words),
        "help" | "--help" | "-h" => {
            report::line(USAGE);
            Ok(true)
        }
        other => bail!("unknown command {other:?}\n{USAGE}"),
    }
}

/// The words of the command line that nobody has taken yet.
pub(crate) struct Words(Vec<String>);

impl Words {
    /// Takes the first word that is not an option.
    pub(crate) fn next_word(&mut self) -> Option<String> {
        let at = self.0.iter().position(|word| !word.starts_with("--"))?;
        Some(self.0.remove(at))
    }

    /// Takes a flag and says whether it was there.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|word| word != name);
        self.0.len() != before
    }

    /// Takes `name VALUE` or `name=VALUE`.
    pub(crate) fn value(&mut self, name: &str) -> Result<Option<String>> {
        let Some(at) = self.0.iter().position(|word| {
            word == name
                || word
                    .strip_prefix(name)
                    .is_some_and(|rest| rest.starts_with('='))
        }) else {
            return Ok(None);
        };
        let word = self.0.remove(at);
        match word.split_once('=') {
            Some((_, value)) => Ok(Some(value.to_owned())),
            None if at < self.0.len() => Ok(Some(self.0.remove(at))),
            None => bail!("{name} needs a value"),
        }
    }

    /// Takes a number as [`Self::value`] does, or answers the default.
    pub(crate) fn number(&mut self, name: &str, default: u64) -> Result<u64> {
        let Some(value) = self.value(name)? else {
            return Ok(default);
        };
        match value.replace('_', "").parse() {
            Ok(number) => Ok(number),
            Err(_) => bail!("{name} needs a number, not {value:?}"),
        }
    }

    /// Refuses words that nobody took, so that a misspelt option is never ignored.
    pub(crate) fn end(&self) -> Result<()> {
        match self.0.first() {
            None => Ok(()),
            Some(word) => bail!("unknown argument {word:?}\n{USAGE}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Words {
        Words(text.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn numbers_come_in_both_spellings_and_leave_nothing() {
        let mut line = words("folder --files 5_000 --runs=3 --json");
        assert_eq!(line.number("--files", 1).unwrap(), 5000);
        assert_eq!(line.number("--runs", 1).unwrap(), 3);
        assert_eq!(line.number("--dirs", 7).unwrap(), 7);
        assert!(line.flag("--json"));
        assert_eq!(line.next_word().as_deref(), Some("folder"));
        line.end().unwrap();
    }

    #[test]
    fn a_misspelt_option_is_refused() {
        assert!(dispatch(vec!["tidy".into(), "--chekc".into()]).is_err());
        assert!(words("--files x").number("--files", 1).is_err());
        assert!(words("--files").number("--files", 1).is_err());
    }
}
