//! A world whose every answer is scripted: a manager that answers by a function, a person who types, a fixed clock.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _};
use jiff::tz::TimeZone;
use syncmgr_cli::{
    BroughtBack, CheckOutcome, CheckReport, CheckRow, CheckStep, CheckWish, Departure, ExportForm,
    ExportItem, Exported, FoundJobs, ImportSource, Imported, Keyboard, Leftover, Need, Program,
    Recipes, ServiceAction, ServiceFile, ServiceFileState, ServiceReport, ServiceWish, Terminal,
    Turned, Uninstalled, World,
};
use syncmgr_control::{Caller, Change, Changes, ExitCode, Refusal, Reply, Request, Service, What};

/// 2026-11-22T12:00:00Z
pub(crate) const NOW_MS: i64 = 1_795_348_800_000;

/// How long a command may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

type Script = Box<dyn FnMut(&Request, &Stage) -> Result<Reply, Refusal> + Send>;

/// What a scripted manager can make happen.
pub(crate) struct Stage {
    /// To whoever subscribed last.
    changes: Mutex<Option<UnboundedSender<Change>>>,
    presses: UnboundedSender<()>,
    number: Mutex<u64>,
}

impl Stage {
    /// Something changes.
    pub(crate) fn happens(&self, what: What) {
        let mut number = self.number.lock().unwrap();
        let change = Change {
            number: *number,
            at_ms: NOW_MS + i64::try_from(*number).unwrap() * 40,
            what,
        };
        *number += 1;
        // Nobody listens any more: the command has ended.
        if let Some(changes) = &*self.changes.lock().unwrap() {
            drop(changes.unbounded_send(change));
        }
    }

    /// The person presses Ctrl-C.
    pub(crate) fn press(&self) {
        drop(self.presses.unbounded_send(()));
    }

    /// The stream of changes ends.
    pub(crate) fn hang_up(&self) {
        *self.changes.lock().unwrap() = None;
    }

    fn subscribe(&self) -> UnboundedReceiver<Change> {
        let (changes, stream) = unbounded();
        *self.changes.lock().unwrap() = Some(changes);
        self.happens(What::Gap);
        stream
    }
}

/// A manager that answers by a function.
pub(crate) struct Manager {
    script: Mutex<Script>,
    stage: Stage,
    asked: Mutex<Vec<(Caller, Request)>>,
}

impl Service for Manager {
    fn call(&self, caller: Caller, request: Request) -> BoxFuture<'_, Result<Reply, Refusal>> {
        self.asked.lock().unwrap().push((caller, request.clone()));
        let answer = (self.script.lock().unwrap())(&request, &self.stage);
        async { answer }.boxed()
    }

    fn changes(&self) -> BoxFuture<'_, Result<Changes, Refusal>> {
        let stream = self.stage.subscribe();
        async { Ok(stream.boxed()) }.boxed()
    }
}

/// The program around the command line.
struct Fake {
    manager: Result<Arc<Manager>, Refusal>,
    opened: Mutex<Option<Need>>,
    left: std::sync::atomic::AtomicBool,
    password: Mutex<Option<String>>,
}

impl Program for Fake {
    fn open(&self, need: Need) -> BoxFuture<'_, Result<Arc<dyn Service>, Refusal>> {
        *self.opened.lock().unwrap() = Some(need);
        let opened = self.manager.clone().map(|manager| manager as _);
        async { opened }.boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async {}.boxed()
    }

    fn daemon(&self, ready: &mut (dyn FnMut(&str) + Send)) -> Result<ExitCode, Refusal> {
        ready("the daemon manages a home");
        Ok(ExitCode::Warnings)
    }

    fn bridge(
        &self,
        _: syncmgr_cli::BridgeWish,
        told: &mut (dyn FnMut(&str) + Send),
    ) -> Result<ExitCode, Refusal> {
        told("it is followed");
        Ok(ExitCode::Good)
    }

    fn tray(&self) -> Result<ExitCode, Refusal> {
        Ok(ExitCode::Good)
    }

    fn handler(&self, kind: &str) -> Result<ExitCode, Refusal> {
        match kind {
            "folder" => Ok(ExitCode::NeedsYou),
            _ => Err(Refusal::new("handler::unknown", "no such handler", "none")),
        }
    }

    fn check(
        &self,
        wish: CheckWish,
        told: &mut (dyn FnMut(CheckStep) + Send),
    ) -> Result<CheckReport, Refusal> {
        told(CheckStep {
            scenario: "plain run".to_owned(),
            number: 1,
            of: 40,
        });
        self.manager.as_ref().map_err(Clone::clone)?;
        let row = |id: &str, outcome, seen: &str| CheckRow {
            id: id.to_owned(),
            requirement: format!("does what {id} says"),
            outcome,
            seen: seen.to_owned(),
        };
        let mut rows = vec![row("H-01", CheckOutcome::NotApplicable, "concerns others")];
        if wish.keep {
            rows.push(row(
                "H-02",
                CheckOutcome::Failed,
                &format!("{:?}", wish.subject),
            ));
            rows.push(row(
                "H-11",
                CheckOutcome::Warned,
                &format!("{:?}", wish.only),
            ));
        }
        let limit = format!("{:?} {:?}", wish.timeout_ms, wish.define);
        rows.push(row("J-01", CheckOutcome::Passed, &limit));
        Ok(CheckReport {
            name: Some("Mail\u{1b}[31m".to_owned()),
            rows,
            instances: 1,
            kept: wish.keep.then(|| "/tmp/scratch".into()),
        })
    }

    fn find_jobs(&self, source: &ImportSource) -> Result<FoundJobs, Refusal> {
        self.manager.as_ref().map_err(Clone::clone)?;
        Ok(crate::importing::found(source))
    }

    fn turn_off(
        &self,
        _: &ImportSource,
        imported: &[Imported],
        turn: bool,
    ) -> Result<Vec<Turned>, Refusal> {
        Ok(crate::importing::turned(imported, turn))
    }

    fn bring_back(&self, items: &[String]) -> Result<BroughtBack, Refusal> {
        Ok(crate::importing::back(items))
    }

    fn forget_imports(&self, _: &[Imported]) -> Result<(), Refusal> {
        Ok(())
    }

    fn export(&self, items: &[ExportItem], form: ExportForm) -> Result<Vec<Exported>, Refusal> {
        Ok(crate::importing::exported(items, form))
    }

    fn leftovers(&self) -> Result<Vec<Leftover>, Refusal> {
        self.manager.as_ref().map_err(Clone::clone)?;
        Ok(crate::importing::leftovers())
    }

    fn uninstall(&self, keep_data: bool) -> Result<Uninstalled, Refusal> {
        Ok(crate::importing::uninstalled(keep_data))
    }

    fn may_leave(&self, departure: Departure) -> BoxFuture<'_, Result<(), Refusal>> {
        let may = match departure {
            Departure::Suspend => Ok(()),
            Departure::Poweroff => Err(Refusal::new("leave::not-allowed", "it may not", "stay")),
        };
        async { may }.boxed()
    }

    fn leave(&self, departure: Departure) -> BoxFuture<'_, Result<(), Refusal>> {
        assert_eq!(departure, Departure::Suspend);
        self.left.store(true, std::sync::atomic::Ordering::SeqCst);
        async { Ok(()) }.boxed()
    }

    fn recipes(&self) -> Result<Box<dyn Recipes + '_>, Refusal> {
        Ok(Box::new(crate::recipes::Cookbook))
    }

    fn set_password(&self, file: &std::path::Path, password: &str) -> Result<(), Refusal> {
        assert_eq!(file, std::path::Path::new("/work here/password"));
        *self.password.lock().unwrap() = Some(password.to_owned());
        Ok(())
    }

    fn service(&self, wish: ServiceWish) -> Result<ServiceReport, Refusal> {
        self.manager.as_ref().map_err(Clone::clone)?;
        let is_there = wish.force || wish.action == ServiceAction::Install;
        Ok(ServiceReport {
            name: "syncmgr.service".to_owned(),
            system: "systemd",
            files: vec![ServiceFile {
                path: "/home/ada/a\u{1b}b.service".into(),
                text: "[Unit]\n".to_owned(),
                state: if is_there && !wish.print {
                    ServiceFileState::Current
                } else {
                    ServiceFileState::Missing
                },
                changed: wish.force,
            }],
            enabled: wish.force.then_some(true),
            running: wish.force.then_some(true),
            other_daemon: false,
            linger: wish.linger.then_some(true),
            unreachable: (!wish.force).then(|| "no bus".to_owned()),
            to_type: if wish.force || !is_there {
                Vec::new()
            } else {
                vec!["systemctl --user daemon-reload".to_owned()]
            },
            notes: vec!["A note.".to_owned()],
        })
    }
}

/// A person who types these lines.
struct Typist {
    lines: VecDeque<String>,
    presses: Arc<Mutex<UnboundedReceiver<()>>>,
}

impl Keyboard for Typist {
    fn line(&mut self) -> BoxFuture<'_, std::io::Result<Option<String>>> {
        let line = self.lines.pop_front();
        async { Ok(line) }.boxed()
    }

    fn secret(&mut self) -> BoxFuture<'_, std::io::Result<Option<String>>> {
        self.line()
    }

    fn interrupts(&self) -> BoxStream<'static, ()> {
        let presses = Arc::clone(&self.presses);
        futures::stream::poll_fn(move |cx| presses.lock().unwrap().poll_next_unpin(cx)).boxed()
    }
}

/// What was printed.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// An output that nobody reads.
struct Closed(std::io::ErrorKind);

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// One command in a scripted world.
pub(crate) struct Run {
    words: Vec<OsString>,
    pub(crate) terminal: Terminal,
    script: Option<Script>,
    refusal: Option<Refusal>,
    lines: Vec<String>,
    closed: Option<std::io::ErrorKind>,
}

/// What came of it.
pub(crate) struct Ended {
    pub(crate) exit: ExitCode,
    pub(crate) output: String,
    pub(crate) errors: String,
    pub(crate) asked: Vec<(Caller, Request)>,
    pub(crate) opened: Option<Need>,
    /// The machine was sent away.
    pub(crate) left: bool,
    /// The password that was set.
    pub(crate) password: Option<String>,
}

impl Run {
    /// These words after `syncmgr`, separated by blanks.
    pub(crate) fn new(words: &str) -> Self {
        Self::words(words.split_whitespace().map(OsString::from))
    }

    pub(crate) fn words(words: impl IntoIterator<Item = OsString>) -> Self {
        Self {
            words: std::iter::once("syncmgr".into()).chain(words).collect(),
            terminal: Terminal {
                unicode: true,
                ..Terminal::default()
            },
            script: None,
            refusal: None,
            lines: Vec::new(),
            closed: None,
        }
    }

    /// On a terminal of so many columns.
    pub(crate) fn columns(mut self, columns: u16) -> Self {
        self.terminal = Terminal {
            output: true,
            columns: Some(columns),
            rows: Some(24),
            ..self.terminal
        };
        self
    }

    /// With a person who types these lines.
    pub(crate) fn types(mut self, lines: &[&str]) -> Self {
        self.terminal.input = true;
        self.terminal.redraw = true;
        self.lines = lines.iter().map(|&line| line.to_owned()).collect();
        self
    }

    /// With a manager that answers by this function.
    pub(crate) fn manager(
        mut self,
        script: impl FnMut(&Request, &Stage) -> Result<Reply, Refusal> + Send + 'static,
    ) -> Self {
        self.script = Some(Box::new(script));
        self
    }

    /// With a manager that gives this answer to everything.
    pub(crate) fn answers(self, reply: Reply) -> Self {
        self.manager(move |_, _| Ok(reply.clone()))
    }

    /// With a manager that cannot be reached.
    pub(crate) fn unreachable(mut self, refusal: Refusal) -> Self {
        self.refusal = Some(refusal);
        self
    }

    /// With an output that fails like this.
    pub(crate) fn closed(mut self, kind: std::io::ErrorKind) -> Self {
        self.closed = Some(kind);
        self
    }

    /// Runs it, for a bounded time: a command that waits for what never comes fails its test.
    pub(crate) fn go(self) -> Ended {
        let (ended, wait) = std::sync::mpsc::channel();
        let command = format!("{:?}", self.words);
        std::thread::spawn(move || ended.send(self.run()));
        wait.recv_timeout(PATIENCE)
            .unwrap_or_else(|error| panic!("{command} failed or hangs: {error}"))
    }

    fn run(self) -> Ended {
        let (presses, pressed) = unbounded();
        let stage = Stage {
            changes: Mutex::default(),
            presses,
            number: Mutex::new(0),
        };
        let manager = Arc::new(Manager {
            script: Mutex::new(self.script.unwrap_or_else(|| {
                Box::new(|_, _| Err(Refusal::new("test::refused", "refused", "nothing")))
            })),
            stage,
            asked: Mutex::default(),
        });
        let program = Fake {
            manager: match self.refusal {
                Some(refusal) => Err(refusal),
                None => Ok(Arc::clone(&manager)),
            },
            opened: Mutex::default(),
            left: std::sync::atomic::AtomicBool::default(),
            password: Mutex::default(),
        };
        let (output, errors) = (Paper::default(), Paper::default());
        let world = World {
            directory: PathBuf::from("/work here"),
            home: Some(PathBuf::from("/home/ada")),
            user: Some("ada".to_owned()),
            zone: Arc::new(std::sync::LazyLock::new(|| TimeZone::UTC)),
            clock: Arc::new(|| NOW_MS),
            terminal: self.terminal,
            output: match self.closed {
                Some(kind) => Box::new(Closed(kind)),
                None => Box::new(output.clone()),
            },
            errors: Box::new(errors.clone()),
            keyboard: Box::new(Typist {
                lines: self.lines.into(),
                presses: Arc::new(Mutex::new(pressed)),
            }),
            browse: None,
        };
        let exit = match syncmgr_cli::run(self.words, world, &program) {
            0 => ExitCode::Good,
            1 => ExitCode::Warnings,
            2 => ExitCode::Failed,
            3 => ExitCode::NeedsYou,
            4 => ExitCode::CouldNotStart,
            other => panic!("no exit code of ours: {other}"),
        };
        let asked = manager.asked.lock().unwrap().clone();
        Ended {
            exit,
            output: output.text(),
            errors: errors.text(),
            asked,
            opened: *program.opened.lock().unwrap(),
            left: program.left.into_inner(),
            password: program.password.into_inner().unwrap(),
        }
    }
}

impl Ended {
    /// Everything that a person sees of it.
    pub(crate) fn seen(&self) -> String {
        let mut seen = self.output.clone();
        if !self.errors.is_empty() {
            seen += "--- standard error\n";
            seen += &self.errors;
        }
        format!("{seen}--- exit {}", self.exit as u8)
    }

    /// The lines as JSON; panics when one is not.
    pub(crate) fn json(&self) -> Vec<serde_json::Value> {
        self.output
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}
