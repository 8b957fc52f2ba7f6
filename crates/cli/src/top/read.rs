//! Texts that are read on the terminal page: what the commands of the same names print.

use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jiff::tz::TimeZone;
use syncmgr_control::{Caller, Request, Service};

use super::step::Reading;
use crate::look::Look;
use crate::report::report;
use crate::screen::Screen;
use crate::talk::Talk;
use crate::target::Target;
use crate::{history, items, preview};

/// Entries of the log that are shown.
const LOG_ROWS: u32 = 200;
/// Actions of a plan that are shown.
const PLAN_ROWS: u32 = 200;

/// What a command needs here.
#[derive(Clone)]
pub(super) struct Reader {
    pub(super) service: Arc<dyn Service>,
    pub(super) caller: Caller,
    pub(super) clock: Arc<dyn Fn() -> i64 + Send + Sync>,
    pub(super) zone: Arc<LazyLock<TimeZone>>,
    pub(super) look: Look,
}

impl Reader {
    /// The lines that the command prints, or the report of why it does not.
    pub(super) async fn read(self, reading: Reading) -> Vec<String> {
        let paper = Paper::default();
        let look = self.look;
        let mut talk = Talk {
            service: self.service,
            caller: self.caller,
            screen: Screen::new(
                look,
                look,
                Box::new(paper.clone()),
                Box::new(paper.clone()),
                false,
                false,
            ),
            keyboard: None,
            browse: None,
            clock: self.clock,
            zone: self.zone,
            interactive: false,
            manages: false,
            redraw: false,
            rows: None,
        };
        let ended = match reading {
            Reading::Why(name) => items::why(&mut talk, name).await,
            Reading::Show(name) => items::show(&mut talk, name).await,
            Reading::Run(run) => history::run(&mut talk, run).await,
            Reading::Plan(name) => {
                preview::plan(&mut talk, Target::Names(vec![name]), PLAN_ROWS).await
            }
            Reading::Log(name) => {
                let request = Request::Log {
                    name: Some(name),
                    run: None,
                    at_least: None,
                    before: None,
                    limit: LOG_ROWS,
                };
                history::log(&mut talk, request).await
            }
        };
        match ended {
            Ok(verdict) if verdict.plain => {}
            Ok(verdict) => talk.screen.line(crate::sync::verdict_line(&verdict, &look)),
            Err(refusal) => {
                let text = report(&refusal, &look);
                talk.screen.line(text);
            }
        }
        paper.lines()
    }
}

/// Where a command prints to.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    fn lines(&self) -> Vec<String> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&bytes);
        text.lines().map(str::to_owned).collect()
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut paper = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        paper.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
