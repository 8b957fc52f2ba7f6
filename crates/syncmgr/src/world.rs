//! What the program reads of the world: its environment and its terminal. Nothing else in the program reads them.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use syncmgr_cli::{RealKeyboard, Terminal, World};
use syncmgr_control::Refusal;
use syncmgr_daemon::place::Environment;
use syncmgr_daemon::supervisor::Supervision;

use crate::journal::JournalLine;

/// The user's home.
pub(crate) fn home() -> Option<PathBuf> {
    std::env::home_dir().filter(|home| !home.as_os_str().is_empty())
}

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
        home: home(),
        user: ["USER", "LOGNAME", "USERNAME"]
            .into_iter()
            .find_map(variable)
            .map(|user| user.to_string_lossy().into_owned()),
        zone: Arc::new(LazyLock::new(TimeZone::system)),
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
        browse: browser(),
    }
}

/// What starts the person's browser, where there is a desktop.
pub(crate) fn browser() -> Option<syncmgr_cli::Browse> {
    crate::browser::starter(variable)
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
        supervision: supervision(),
    })
}

/// What a service manager gave this process with its start (sd_notify(3), sd_listen_fds(3), sd_watchdog_enabled(3)). It is
/// taken out of the environment: it is meant for this process and not for handlers.
fn supervision() -> Supervision {
    let text = |name| variable(name).map(|value| value.to_string_lossy().into_owned());
    let number = |name| text(name).and_then(|text| text.parse::<u64>().ok());
    let is_me = |pid: Option<u64>| pid == Some(u64::from(std::process::id()));
    let watched = number("WATCHDOG_PID").is_none_or(|pid| is_me(Some(pid)));
    let supervision = Supervision {
        notify: variable("NOTIFY_SOCKET"),
        watchdog: number("WATCHDOG_USEC")
            .filter(|micros| watched && *micros > 0)
            .map(Duration::from_micros),
        listens: number("LISTEN_FDS") == Some(1) && is_me(number("LISTEN_PID")),
    };
    crate::sys::forget_variables(&[
        "NOTIFY_SOCKET",
        "WATCHDOG_USEC",
        "WATCHDOG_PID",
        "LISTEN_FDS",
        "LISTEN_PID",
        "LISTEN_FDNAMES",
    ]);
    supervision
}

/// Whose account it is, as far as a service must know.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    /// The home directory.
    pub(crate) home: Option<PathBuf>,
    /// Where configuration is kept (`XDG_CONFIG_HOME`), when that is set and absolute.
    pub(crate) config_dir: Option<PathBuf>,
    /// The user, on Windows with the domain.
    pub(crate) user: String,
    /// The user's number, where there are numbers.
    pub(crate) user_id: u32,
}

/// Whose account it is.
pub(crate) fn account() -> Account {
    let text = |name| variable(name).map(|value| value.to_string_lossy().into_owned());
    let user = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(text);
    let user = user.unwrap_or_default();
    Account {
        home: home(),
        config_dir: variable("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute()),
        user: match text("USERDOMAIN").filter(|_| cfg!(windows)) {
            Some(domain) => format!("{domain}\\{user}"),
            None => user,
        },
        user_id: crate::sys::user_id(),
    }
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
    let journal = is_journal();
    let level = variable("SYNCMGR_LOG")
        .and_then(|level| level.to_str()?.parse().ok())
        .unwrap_or(if journal {
            // The journal is where people look, and it keeps what concerns nobody apart by its priority.
            tracing::Level::WARN
        } else {
            tracing::Level::ERROR
        });
    let lines = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(false);
    if journal {
        lines.event_format(JournalLine).init();
    } else {
        lines.init();
    }
}

/// Whether standard error is the journal, which says so with what it connected to it (systemd.exec(5)).
fn is_journal() -> bool {
    let stream = variable("JOURNAL_STREAM");
    stream.is_some_and(|stream| {
        let stream = stream.to_string_lossy();
        let (device, inode) = stream.split_once(':').unwrap_or_default();
        let named = device.parse().ok().zip(inode.parse().ok());
        named.is_some() && named == crate::sys::errors_identity()
    })
}

/// A variable of the environment that is set to something.
#[expect(
    clippy::disallowed_methods,
    reason = "the program's main reads the environment, here and nowhere else"
)]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
