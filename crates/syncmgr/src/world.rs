//! What the program reads of the world: its environment and its terminal. Nothing else in the program reads them.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use syncmgr_cli::{RealKeyboard, Terminal, World};
use syncmgr_control::Refusal;
use syncmgr_daemon::place::Environment;

/// What the command line must know.
pub(crate) fn world(directory: PathBuf) -> World {
    let input = std::io::stdin();
    let output = std::io::stdout();
    let errors = std::io::stderr();
    let (columns, rows) = match terminal_size::terminal_size() {
        Some((columns, rows)) => (Some(columns.0), Some(rows.0)),
        None => (None, None),
    };
    let capable = variable("TERM").is_none_or(|name| name != "dumb");
    World {
        directory,
        home: std::env::home_dir().filter(|home| !home.as_os_str().is_empty()),
        user: ["USER", "LOGNAME", "USERNAME"]
            .into_iter()
            .find_map(variable)
            .map(|user| user.to_string_lossy().into_owned()),
        zone: TimeZone::system(),
        clock: Arc::new(|| Timestamp::now().as_millisecond()),
        terminal: Terminal {
            input: input.is_terminal(),
            output: output.is_terminal(),
            redraw: errors.is_terminal() && capable,
            columns,
            rows,
            unicode: unicode(),
            color: capable && variable("NO_COLOR").is_none(),
        },
        output: Box::new(output),
        errors: Box::new(errors),
        keyboard: Box::new(RealKeyboard::default()),
    }
}

/// What the manager must know.
pub(crate) fn environment() -> Result<Environment, Refusal> {
    let current_dir = std::env::current_dir().map_err(|error| {
        Refusal::new(
            "home::no-directory",
            "the current directory cannot be told",
            "change to a directory that exists and that you may read",
        )
        .because(&error)
    })?;
    let program = std::env::current_exe().map_err(|error| {
        Refusal::new(
            "home::no-program",
            "the program's own file cannot be told",
            "start it by its full path",
        )
        .because(&error)
    })?;
    Ok(Environment {
        syncmgr_home: variable("SYNCMGR_HOME"),
        current_dir,
        program,
        comhost: variable("SYNCMGR_COMHOST"),
        search_path: variable("PATH"),
    })
}

/// The encoding of text is UTF-8: always on Windows, elsewhere when the locale says so.
fn unicode() -> bool {
    if cfg!(windows) {
        return true;
    }
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(variable);
    locale.is_some_and(|locale| {
        let locale = locale.to_string_lossy().to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// Has the program's own faults written to standard error: errors, or what `SYNCMGR_LOG` names (`warn`, `info`, `debug`,
/// `trace`). What concerns items and handlers is in the results log instead.
pub(crate) fn follow_faults() {
    let level = variable("SYNCMGR_LOG")
        .and_then(|level| level.to_str()?.parse().ok())
        .unwrap_or(tracing::Level::ERROR);
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
}

/// A variable of the environment that is set to something.
#[expect(
    clippy::disallowed_methods,
    reason = "the program's main reads the environment, here and nowhere else"
)]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
