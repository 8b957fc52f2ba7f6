//! What the command line is told about the world, which it never reads by itself.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use jiff::tz::TimeZone;
use syncmgr_control::{ExitCode, Refusal, Service};

use crate::check::{CheckReport, CheckStep, CheckWish};
use crate::departure::Departure;
use crate::export::{ExportForm, ExportItem, Exported};
use crate::import::{BroughtBack, FoundJobs, ImportSource, Imported, Turned};
use crate::recipe::Recipes;
use crate::service::{ServiceReport, ServiceWish};
use crate::uninstall::{Leftover, Uninstalled};

/// A bridge that is to be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgeWish {
    /// Syncthing, or else rclone's remote control.
    pub syncthing: bool,
    /// Where it listens on this machine; absent: where it does usually.
    pub address: Option<String>,
    /// The file with its key; absent: where Syncthing has its own.
    pub key: Option<PathBuf>,
    /// What its item is called, or what stands before the names of its folders.
    pub name: Option<String>,
}

/// The terminal, or what stands in its place.
#[derive(Debug, Clone, Copy, Default)]
pub struct Terminal {
    /// Standard input is a terminal: questions can be answered.
    pub input: bool,
    /// Standard output is a terminal: lines are cut to its width, colours may be used.
    pub output: bool,
    /// Standard error is a terminal that can be redrawn: progress is shown there.
    pub redraw: bool,
    /// Columns of the terminal, when known.
    pub columns: Option<u16>,
    /// Rows of the terminal, when known.
    pub rows: Option<u16>,
    /// The locale's encoding is UTF-8.
    pub unicode: bool,
    /// The user does not object to colours.
    pub color: bool,
}

/// Everything that `main` reads and hands over.
pub struct World {
    /// The current directory.
    pub directory: PathBuf,
    /// The user's home directory.
    pub home: Option<PathBuf>,
    /// The user's name, for the record of answers.
    pub user: Option<String>,
    /// The local time zone: to find it, the names of all zones are read, which takes longer than most commands that tell no time.
    pub zone: Arc<LazyLock<TimeZone>>,
    /// The time in milliseconds since 1970-01-01T00:00:00Z.
    pub clock: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// The terminal.
    pub terminal: Terminal,
    /// Where results go.
    pub output: Box<dyn Write + Send>,
    /// Where remarks and errors go.
    pub errors: Box<dyn Write + Send>,
    /// Where answers to questions come from.
    pub keyboard: Box<dyn Keyboard>,
    /// Starts the person's browser; absent where there is no desktop.
    pub browse: Option<Browse>,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("directory", &self.directory)
            .field("home", &self.home)
            .field("user", &self.user)
            .field("terminal", &self.terminal)
            .finish_non_exhaustive()
    }
}

/// Starts a browser at an address; answers whether that could be begun.
pub type Browse = fn(&str) -> bool;

/// The person at the terminal.
pub trait Keyboard: Send {
    /// One line without its end, or nothing when no more will come. Dropping the future loses no line that was not
    /// yet finished.
    fn line(&mut self) -> BoxFuture<'_, std::io::Result<Option<String>>>;

    /// The same, not shown while it is typed.
    fn secret(&mut self) -> BoxFuture<'_, std::io::Result<Option<String>>>;

    /// Each time that the person presses Ctrl-C from now on; the command does not end by itself any more.
    fn interrupts(&self) -> BoxStream<'static, ()>;
}

/// What a command wants of the manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// To look at what is known; nothing is begun.
    Look,
    /// To change or begin something.
    Work,
    /// To stay and look on; a manager that ends is waited for, and its place not taken.
    Stay,
    /// To check the installation; also when nothing else works.
    Check,
}

/// What the program does for the command line, which knows neither sockets nor the manager.
pub trait Program {
    /// Reaches the manager that runs, or becomes it for as long as the command lasts. Called at most once.
    fn open(&self, need: Need) -> BoxFuture<'_, Result<Arc<dyn Service>, Refusal>>;

    /// This process is the manager: what runs ends with it.
    fn manages(&self) -> bool {
        false
    }

    /// Ends what `open` began, when the command is done; waits until nothing of it runs any more.
    fn close(&self) -> BoxFuture<'_, ()>;

    /// Runs the manager in the foreground until it is told to end.
    ///
    /// # Errors
    /// A refusal when it cannot begin.
    fn daemon(&self, ready: &mut (dyn FnMut(&str) + Send)) -> Result<ExitCode, Refusal>;

    /// Follows a program that synchronizes by itself, and reports what it does, until it is told to end.
    ///
    /// # Errors
    /// A refusal when the program or the manager cannot be reached as it was said.
    fn bridge(
        &self,
        wish: BridgeWish,
        told: &mut (dyn FnMut(&str) + Send),
    ) -> Result<ExitCode, Refusal>;

    /// Shows a mark in the notification area until a person takes it away.
    ///
    /// # Errors
    /// A refusal when nothing can be shown there, or this program was built without it.
    fn tray(&self) -> Result<ExitCode, Refusal>;

    /// Serves a built-in handler on standard input and output until its manager is done with it.
    ///
    /// # Errors
    /// A refusal when there is no such handler.
    fn handler(&self, kind: &str) -> Result<ExitCode, Refusal>;

    /// Checks whether a handler keeps the contract; tells each scenario before it is played.
    ///
    /// # Errors
    /// A refusal when nothing could be checked; whatever the handler does wrong is in the report.
    fn check(
        &self,
        wish: CheckWish,
        told: &mut (dyn FnMut(CheckStep) + Send),
    ) -> Result<CheckReport, Refusal>;

    /// Installs, removes or looks at the service that starts the daemon.
    ///
    /// # Errors
    /// A refusal when it cannot be done; what is left to the person is in the report.
    fn service(&self, wish: ServiceWish) -> Result<ServiceReport, Refusal>;

    /// The recipes for other people's programs.
    ///
    /// # Errors
    /// A refusal when it is not known where the user's are.
    fn recipes(&self) -> Result<Box<dyn Recipes + '_>, Refusal>;

    /// Keeps a password for Sync Center, as its hash, in a file.
    ///
    /// # Errors
    /// A refusal for one that is too short, and when the file cannot be written.
    fn set_password(&self, file: &Path, password: &str) -> Result<(), Refusal>;

    /// Asks whether the machine lets itself be sent away.
    fn may_leave(&self, departure: Departure) -> BoxFuture<'_, Result<(), Refusal>>;

    /// Sends the machine away.
    fn leave(&self, departure: Departure) -> BoxFuture<'_, Result<(), Refusal>>;

    /// Finds what starts by itself at a source, and what it would become. Changes nothing.
    ///
    /// # Errors
    /// A refusal when the source cannot be read.
    fn find_jobs(&self, source: &ImportSource) -> Result<FoundJobs, Refusal>;

    /// Remembers what was imported, then turns its originals off where `turn` says so.
    ///
    /// # Errors
    /// A refusal when it cannot be remembered; nothing is turned off then.
    fn turn_off(
        &self,
        source: &ImportSource,
        imported: &[Imported],
        turn: bool,
    ) -> Result<Vec<Turned>, Refusal>;

    /// Brings originals back: of these items, or all.
    ///
    /// # Errors
    /// A refusal when what was imported cannot be read; whatever cannot be brought back is in the answer.
    fn bring_back(&self, items: &[String]) -> Result<BroughtBack, Refusal>;

    /// Forgets that these were imported.
    ///
    /// # Errors
    /// A refusal when that cannot be written.
    fn forget_imports(&self, imported: &[Imported]) -> Result<(), Refusal>;

    /// Writes items as units or lines that run without the manager.
    ///
    /// # Errors
    /// A refusal when one cannot be understood.
    fn export(&self, items: &[ExportItem], form: ExportForm) -> Result<Vec<Exported>, Refusal>;

    /// Finds all that would be removed with the program's traces. Changes nothing.
    ///
    /// # Errors
    /// A refusal when it cannot be told.
    fn leftovers(&self) -> Result<Vec<Leftover>, Refusal>;

    /// Ends what runs and removes the traces; with `keep_data` not those that hold data.
    ///
    /// # Errors
    /// A refusal when something still runs; nothing was removed then.
    fn uninstall(&self, keep_data: bool) -> Result<Uninstalled, Refusal>;
}
