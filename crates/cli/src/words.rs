//! What the words of a command mean, and what is said of those that mean nothing.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _};
use syncmgr_control::{ExitCode, Refusal};

use crate::args::{ColorWhen, Command, CommandLine, Global};
use crate::look::Look;
use crate::run::refused;
use crate::screen::Screen;
use crate::world::World;

/// Understands the words of a command.
pub(crate) fn parse(words: &[OsString], columns: usize) -> Result<CommandLine, clap::Error> {
    let matches = CommandLine::command()
        .term_width(columns)
        .try_get_matches_from(words)?;
    CommandLine::from_arg_matches(&matches)
}

/// Understands the words of what is started all day: `daemon`, `handler KIND`, and `sync` with names and nothing else.
///
/// The grammar of all commands is as large as the manager itself. What a daemon has touched stays in its memory all day, a
/// handler is started at every run, and to build the grammar takes a command longer than to ask for its run.
pub(crate) fn plain(words: &[OsString]) -> Option<CommandLine> {
    let command = match words.get(1..)? {
        [word] if word == "daemon" => Command::Daemon,
        [word, kind] if word == "handler" => Command::Handler {
            kind: kind
                .to_str()
                .filter(|kind| !kind.starts_with('-'))?
                .to_owned(),
        },
        [word, names @ ..] if word == "sync" && names.iter().all(is_name) => Command::Sync {
            what: names.to_vec(),
            ask: false,
            then: None,
            then_anyway: false,
        },
        _ => return None,
    };
    Some(CommandLine {
        global: Global::default(),
        command,
    })
}

/// Whether a word can be nothing but a name or a path.
fn is_name(word: &OsString) -> bool {
    let bytes = word.as_encoded_bytes();
    !bytes.is_empty() && !bytes.starts_with(b"-")
}

/// What is known about the output before the words are understood.
pub(crate) fn guess(words: &[OsString]) -> Global {
    let options = || words.iter().take_while(|word| *word != "--");
    let never = || {
        options().any(|word| word == "--color=never")
            || options()
                .zip(options().skip(1))
                .any(|(word, next)| word == "--color" && next == "never")
    };
    let always = || {
        options().any(|word| word == "--color=always")
            || options()
                .zip(options().skip(1))
                .any(|(word, next)| word == "--color" && next == "always")
    };
    Global {
        json: options().any(|word| word == "--json"),
        color: if never() {
            ColorWhen::Never
        } else if always() {
            ColorWhen::Always
        } else {
            ColorWhen::Auto
        },
        ..Global::default()
    }
}

/// How standard output and standard error look.
pub(crate) fn looks(global: &Global, world: &World) -> (Look, Look) {
    let terminal = &world.terminal;
    let look = |shown: bool| Look {
        columns: shown
            .then_some(terminal.columns)
            .flatten()
            .map(usize::from)
            .filter(|&columns| columns > 0),
        unicode: terminal.unicode,
        color: match global.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => shown && terminal.color,
        },
    };
    (look(terminal.output), look(terminal.redraw))
}

/// Help and versions are what was asked for; everything else is a mistake in the words.
pub(crate) fn not_understood(
    error: &clap::Error,
    guessed: &Global,
    (look, aside): (Look, Look),
    world: World,
    alone: bool,
) -> ExitCode {
    let mut screen = Screen::new(look, aside, world.output, world.errors, guessed.json, false);
    let rendered = error.render();
    // The bare name is a question too, and no mistake.
    let help = alone
        || matches!(
            error.kind(),
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
        );
    let color = if help { look.color } else { aside.color };
    let text = if color {
        rendered.ansi().to_string()
    } else {
        rendered.to_string()
    };
    if help {
        screen.raw(text.as_bytes());
        return ExitCode::Good;
    }
    let refusal = Refusal::new(
        "cli::usage",
        "the command line is not understood",
        "see: syncmgr --help",
    );
    if guessed.json {
        let plain = rendered.to_string();
        let reason = plain.lines().next().unwrap_or_default();
        return refused(
            &Refusal {
                causes: vec![reason.trim_start_matches("error: ").to_owned()],
                ..refusal
            },
            &mut screen,
        );
    }
    screen.remark(text.trim_end());
    refusal.exit
}
