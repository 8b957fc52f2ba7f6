//! Completions and manual pages, generated from the words themselves.

use std::io;
use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::Shell;
use syncmgr_control::Refusal;

use crate::args::CommandLine;

/// The program's name in scripts and pages.
const NAME: &str = "syncmgr";
/// Shells that packages carry completions for.
const SHELLS: [Shell; 5] = [
    Shell::Bash,
    Shell::Elvish,
    Shell::Fish,
    Shell::PowerShell,
    Shell::Zsh,
];

/// The completion script of a shell.
pub(crate) fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut CommandLine::command(), NAME, &mut script);
    if shell == Shell::Bash {
        script = without_bare_options(&String::from_utf8_lossy(&script)).into_bytes();
    }
    script
}

/// The bash script, with options offered only once a `-` was typed: where there is nothing else to offer, bash would
/// write the `-` that all of them begin with.
fn without_bare_options(script: &str) -> String {
    let mut out = String::with_capacity(script.len());
    for line in script.lines() {
        out += line;
        out.push('\n');
        let words = line
            .trim_start()
            .strip_prefix("opts=\"")
            .and_then(|words| words.strip_suffix('"'));
        let other = |word: &str| !word.starts_with(['-', '<', '[']);
        if words.is_some_and(|words| !words.split(' ').any(other)) {
            out += "            [[ -z ${cur} ]] && opts=\"\"\n";
        }
    }
    out
}

/// The manual page of the program.
pub(crate) fn manual() -> Result<Vec<u8>, Refusal> {
    let mut page = Vec::new();
    clap_mangen::Man::new(CommandLine::command())
        .render(&mut page)
        .map_err(|error| not_written(Path::new("-"), &error))?;
    Ok(page)
}

/// Writes the manual pages of all commands into a directory.
pub(crate) fn manuals(directory: &Path) -> Result<(), Refusal> {
    let written = std::fs::create_dir_all(directory).and_then(|()| {
        let command = CommandLine::command().disable_help_subcommand(true);
        clap_mangen::generate_to(command, directory)
    });
    written.map_err(|error| not_written(directory, &error))
}

/// Writes completions and manual pages into two directories below this one.
pub(crate) fn everything(directory: &Path) -> Result<(), Refusal> {
    manuals(&directory.join("man"))?;
    let completions = directory.join("completions");
    let written = std::fs::create_dir_all(&completions).and_then(|()| {
        SHELLS.into_iter().try_for_each(|shell| {
            clap_complete::generate_to(shell, &mut CommandLine::command(), NAME, &completions)
                .and_then(|path| std::fs::write(path, self::completions(shell)))
        })
    });
    written.map_err(|error| not_written(&completions, &error))
}

fn not_written(directory: &Path, error: &io::Error) -> Refusal {
    Refusal::new(
        "cli::not-written",
        format!("the pages cannot be written to {}", directory.display()),
        "give a directory that you may write to",
    )
    .because(error)
}
