//! One command's conversation with the manager.

use std::sync::{Arc, LazyLock};

use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use syncmgr_control::{Caller, ExitCode, Refusal, Reply, Request, Service};

use crate::screen::Screen;
use crate::world::{Browse, Keyboard};

/// What a command has at hand.
pub(crate) struct Talk {
    pub(crate) service: Arc<dyn Service>,
    pub(crate) caller: Caller,
    pub(crate) screen: Screen,
    /// Away while a line is awaited.
    pub(crate) keyboard: Option<Box<dyn Keyboard>>,
    pub(crate) clock: Arc<dyn Fn() -> i64 + Send + Sync>,
    pub(crate) zone: Arc<LazyLock<TimeZone>>,
    /// Somebody can answer questions here.
    pub(crate) interactive: bool,
    /// This process is the manager: what runs ends with it.
    pub(crate) manages: bool,
    /// Progress is redrawn.
    pub(crate) redraw: bool,
    /// Starts the person's browser, where there is a desktop.
    pub(crate) browse: Option<Browse>,
    /// Rows of the terminal, when known.
    pub(crate) rows: Option<u16>,
}

impl Talk {
    /// Asks the manager.
    pub(crate) async fn ask(&self, request: Request) -> Result<Reply, Refusal> {
        self.service.call(self.caller.clone(), request).await
    }

    /// The time in milliseconds.
    pub(crate) fn now(&self) -> i64 {
        (self.clock)()
    }
}

/// How a command ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) sentence: String,
    pub(crate) suggestion: Option<String>,
    pub(crate) exit: ExitCode,
    /// The sentence was printed already, or says no more than the lines above it.
    pub(crate) plain: bool,
    /// What is exited with in its place: that of a command that was run. Then nothing is printed.
    pub(crate) passed_on: Option<u8>,
    /// What else programs are told.
    pub(crate) more: Map<String, Value>,
}

impl Verdict {
    /// A verdict that closes a list, and is told to programs only.
    pub(crate) fn of_list(sentence: impl Into<String>, exit: ExitCode) -> Self {
        Self {
            sentence: sentence.into(),
            suggestion: None,
            exit,
            plain: true,
            passed_on: None,
            more: Map::new(),
        }
    }

    /// A verdict that people read.
    pub(crate) fn said(sentence: impl Into<String>, exit: ExitCode) -> Self {
        Self {
            plain: false,
            ..Self::of_list(sentence, exit)
        }
    }

    /// The same with something else that programs are told.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// The same with a command that would help.
    pub(crate) fn suggest(self, command: impl Into<String>) -> Self {
        Self {
            suggestion: Some(command.into()),
            ..self
        }
    }
}

/// The refusal for an answer of another kind than was asked for.
pub(crate) fn unexpected() -> Refusal {
    Refusal {
        exit: ExitCode::Failed,
        ..Refusal::new(
            "cli::unexpected-answer",
            "the manager answered something else than was asked",
            "the manager may be of another version than this command; restart it",
        )
    }
}

/// Asks, and takes the one kind of answer that fits.
macro_rules! ask {
    ($talk:expr, $request:expr, $pattern:pat => $value:expr) => {
        match $talk.ask($request).await? {
            $pattern => $value,
            _ => return Err($crate::talk::unexpected()),
        }
    };
}
pub(crate) use ask;
