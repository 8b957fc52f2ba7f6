//! Plays a trace: the real manager on a home of its own, a recording handler behind a transport, and a person who does what
//! the trace says as soon as the trace has come that far.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use futures::StreamExt as _;
use syncmgr_control::{Caller, Reply, Request, Service as _, What};
use syncmgr_core::request::Trigger;
use syncmgr_core::{EventKind, EventNumber, HandlerId};
use syncmgr_daemon::clock::SystemClock;
use syncmgr_daemon::open::{Home, Purpose};
use syncmgr_daemon::place::Environment;
use syncmgr_daemon::starter::{Processes, Starter};
use syncmgr_host::{Handle, HostEvent, Instance, Limits, Spec};
use tokio::sync::mpsc;

use crate::recorder;
use crate::trace::{Follower, Next, Trace, notation};

/// Far longer than any trace takes.
const FOR_EVER: Duration = Duration::from_secs(60);

/// How often the trace is read; it is written by another process.
const LOOK: Duration = Duration::from_millis(3);

/// The two classes of the recorder in C++.
const CLASSES: [&str; 2] = [
    "{5EED0001-7ACE-4D0E-8A51-0F5C0DE0C0DE}",
    "{5EED0002-7ACE-4D0E-8A51-0F5C0DE0C0DE}",
];

/// What stands between the manager and the recording handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// The contract over the in-memory link, to a thread.
    Memory,
    /// The contract over standard input and output, to a process.
    Stdio,
    /// COM: the recorder as a library in `comhost`.
    Library,
}

/// A program that this package's tests come with.
fn recorder_program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.parent().and_then(Path::parent).unwrap();
    let program = target
        .join("examples")
        .join(format!("recorder{}", std::env::consts::EXE_SUFFIX));
    assert!(
        program.exists(),
        "{} is built by a plain `cargo test`",
        program.display()
    );
    program
}

/// The library and the program that loads it, as the suites tell.
fn library() -> (PathBuf, PathBuf) {
    let told = |name: &str| {
        let told = std::env::var_os(name);
        PathBuf::from(told.unwrap_or_else(|| panic!("{name} is set by the suites com and windows")))
    };
    let library = told("SYNCMGR_COM_FIXTURES").join(if cfg!(windows) {
        "recorder.dll"
    } else {
        "librecorder.so"
    });
    assert!(library.exists(), "{} is not built", library.display());
    (told("SYNCMGR_COMHOST"), library)
}

/// Starts recorders, each with its scenario and its trace.
#[derive(Debug)]
struct Recorders {
    transport: Transport,
    root: PathBuf,
    scenarios: Vec<String>,
    /// How many instances of each handler were started.
    started: Vec<AtomicUsize>,
}

impl Starter for Recorders {
    fn start(
        &self,
        handler: &HandlerId,
        mut spec: Spec,
        limits: Limits,
        events: mpsc::Sender<HostEvent>,
    ) -> Handle {
        let which = index(handler.as_str());
        let nth = self.started[which].fetch_add(1, Ordering::Relaxed);
        let trace = trace_file(&self.root, which, nth);
        if self.transport == Transport::Memory {
            let scenario = self.scenarios[which].clone();
            return Instance::memory(spec.instance, limits, events, move |connection| {
                recorder::serve(&scenario, &trace, connection);
            });
        }
        let scenario = self.root.join(format!("scenario-{which}.txt"));
        spec.env.push(("SYNCMGR_SCENARIO".into(), scenario.into()));
        spec.env.push(("SYNCMGR_TRACE".into(), trace.into()));
        Processes.start(handler, spec, limits, events)
    }
}

fn index(handler: &str) -> usize {
    let found = CLASSES
        .iter()
        .position(|class| class.eq_ignore_ascii_case(handler));
    found.unwrap_or_else(|| panic!("nobody registered {handler}"))
}

/// What the `nth` instance of a handler writes.
fn trace_file(root: &Path, which: usize, nth: usize) -> PathBuf {
    root.join(format!("trace-{which}-{nth}.txt"))
}

/// What the instances of a handler wrote, one after the other.
fn text(root: &Path, which: usize) -> String {
    let files = (0..).map(|nth| std::fs::read(trace_file(root, which, nth)));
    files
        .map_while(Result::ok)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect()
}

/// Requests that ended, in their order.
type Ended = Arc<Mutex<Vec<String>>>;

/// Who asks.
fn person() -> Caller {
    Caller {
        name: "a test".to_owned(),
    }
}

struct Stage {
    root: PathBuf,
    home: Home,
    handlers: usize,
    request: Option<u64>,
    /// Requests that are answered only when what they began is over.
    later: Vec<tokio::task::JoinHandle<Result<(), String>>>,
}

/// Plays the trace of this number and fails where it differs.
pub(crate) fn play(id: &str, transport: Transport) {
    let trace = Trace::find(id);
    let root = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let played = runtime.block_on(perform(&trace, transport, root.path()));
    runtime.shutdown_timeout(Duration::from_secs(5));
    let written: String = (0..trace.handlers.len())
        .map(|which| {
            let text = text(root.path(), which);
            format!("-- handler {}\n{text}", which + 1)
        })
        .collect();
    if let Err(why) = played {
        panic!("{id} over {transport:?}: {why}\n{written}");
    }
}

fn configure(trace: &Trace, transport: Transport, root: &Path) {
    let config = root.join("home/config");
    std::fs::create_dir_all(&config).unwrap();
    let mut text = String::new();
    for (which, scenario) in trace.handlers.iter().enumerate() {
        std::fs::write(root.join(format!("scenario-{which}.txt")), scenario).unwrap();
        let class = CLASSES[which];
        let runs = match transport {
            Transport::Memory => "command = [\"memory\"]".to_owned(),
            Transport::Stdio => {
                let program = recorder_program().display().to_string();
                format!("command = {}", toml::Value::from(vec![program]))
            }
            Transport::Library => {
                let library = library().1.display().to_string();
                format!(
                    "class = \"{class}\"\nlibrary = {}",
                    toml::Value::from(library)
                )
            }
        };
        text.push_str(&format!(
            "[[handler]]\nid = \"{class}\"\ndescription = \"Recorder\"\n{runs}\n"
        ));
    }
    for item in &trace.defined {
        text.push_str(&format!(
            "[[item]]\nhandler = \"{}\"\nid = \"{}\"\nname = \"{item}\"\n",
            CLASSES[0],
            recorder::guid(item)
        ));
    }
    std::fs::write(config.join("config.toml"), text).unwrap();
}

async fn perform(trace: &Trace, transport: Transport, root: &Path) -> Result<(), String> {
    configure(trace, transport, root);
    let starter = Arc::new(Recorders {
        transport,
        root: root.to_owned(),
        scenarios: trace.handlers.clone(),
        started: trace.handlers.iter().map(|_| AtomicUsize::new(0)).collect(),
    });
    let environment = Environment {
        syncmgr_home: Some(root.join("home").into()),
        current_dir: root.to_owned(),
        program: root.join("no-built-in-handler"),
        comhost: match transport {
            Transport::Memory | Transport::Stdio => None,
            Transport::Library => Some(library().0.into()),
        },
        ..Default::default()
    };
    let home = Home::open_with(
        &environment,
        Purpose::Daemon,
        Arc::clone(&starter) as _,
        Arc::new(SystemClock),
        // What the machine tells of itself is no part of a trace: a network that is found makes retries due.
        Box::new(Vec::new),
    )
    .map_err(|error| format!("{error:?}"))?;
    let ended = Ended::default();
    let mut changes = home.service.changes().await.unwrap();
    let hearing = Arc::clone(&ended);
    let listening = tokio::spawn(async move {
        while let Some(change) = changes.next().await {
            if let What::RequestEnded { outcome, .. } = change.what {
                hearing.lock().unwrap().push(format!("{outcome:?}"));
            }
        }
    });
    let mut stage = Stage {
        root: root.to_owned(),
        home,
        handlers: trace.handlers.len(),
        request: None,
        later: Vec::new(),
    };
    let mut follower = Follower::new(trace, transport == Transport::Library);
    let followed = stage.follow(&mut follower).await;
    let result = match &followed {
        Ok(()) => {
            // Whatever still comes belongs to the trace: nothing may.
            stage.home.service.finish().await;
            let mut rest = follower.follow(&stage.written()).map(drop);
            for asked in stage.later.drain(..) {
                rest = rest.and(asked.await.unwrap());
            }
            rest
        }
        Err(_) => {
            stage.home.service.stop().await;
            stage.home.service.stop().await;
            Ok(())
        }
    };
    let database = stage.home.places().database();
    drop(tokio::time::timeout(FOR_EVER, stage.home.close()).await);
    listening.abort();
    let ended = ended.lock().unwrap().clone();
    followed
        .and(result)
        .map_err(|why| format!("{why}\n{}", told(&database, &ended)))?;
    let first = ended.first().cloned().unwrap_or_default();
    recorded(trace, &database, &first)
}

/// What the manager noted of a trace that failed: it says whether the handler never came, or came and did something else.
fn told(database: &Path, ended: &[String]) -> String {
    let store = syncmgr_store::Reader::open(database).unwrap();
    let events = store.events(EventNumber(0), 10_000).unwrap();
    let lines = events.iter().map(|event| format!("\n   {:?}", event.kind));
    let lines: String = lines.collect();
    let log = store.log(&Default::default(), 100).unwrap();
    format!(
        "-- requests that ended: {ended:?}\n-- the manager's events:{lines}\n-- its log: {log:#?}"
    )
}

/// Holds what was recorded against what the trace says.
fn recorded(trace: &Trace, database: &Path, ended: &str) -> Result<(), String> {
    let store = syncmgr_store::Reader::open(database).unwrap();
    let events = store.events(EventNumber(0), 10_000).unwrap();
    for event in &events {
        if let EventKind::ProtocolViolation { text, .. } = &event.kind
            && !trace
                .may_record
                .iter()
                .any(|obligation| text.starts_with(obligation))
        {
            return Err(format!("a violation was recorded: {text}"));
        }
    }
    let mut runs = store.runs(&Default::default(), 100).unwrap();
    runs.reverse();
    let mut parts = Vec::new();
    let mut warnings = 0;
    for run in &runs {
        let page = store.run(run.id, 100, 100).unwrap().unwrap();
        let items = page.items.iter().map(|item| {
            let name = recorder::name(item.item.item.as_str());
            format!("{name} {:?}", item.status)
        });
        parts.push(items.collect::<Vec<_>>().join(", "));
        let warns = |level| level == syncmgr_core::log::Level::Warning;
        warnings += page.log.iter().filter(|row| warns(row.level)).count();
    }
    let result = match parts.is_empty() {
        true => ended.to_owned(),
        false => format!("{}: {ended}", parts.join("; ")),
    };
    if result != trace.result {
        return Err(format!("the result is `{result}`, not `{}`", trace.result));
    }
    match trace.warnings {
        Some(expected) if expected != warnings => {
            Err(format!("{warnings} warnings instead of {expected}"))
        }
        _ => Ok(()),
    }
}

impl Stage {
    fn written(&self) -> Vec<Vec<String>> {
        let handlers = 0..self.handlers;
        handlers
            .map(|which| notation(&text(&self.root, which)))
            .collect()
    }

    async fn follow(&mut self, follower: &mut Follower) -> Result<(), String> {
        let deadline = Instant::now() + FOR_EVER;
        loop {
            match follower.follow(&self.written()) {
                Ok(Next::Act(act)) => self.act(&act).await?,
                Ok(Next::End) => return Ok(()),
                Ok(Next::Wait) => {
                    if Instant::now() > deadline {
                        return Err(format!("waited in vain for {}", follower.expected()));
                    }
                    tokio::time::sleep(LOOK).await;
                }
                Err(why) => return Err(format!("expected {why}")),
            }
        }
    }

    async fn ask(&self, request: Request) -> Result<Reply, String> {
        let asked = format!("{request:?}");
        let answer = self.home.service.call(person(), request).await;
        answer.map_err(|refusal| format!("{asked} was refused: {refusal}"))
    }

    /// Follows the link of the one entry that has one. A handler that completed is no promise that the manager has heard it,
    /// and before that the entry cannot be activated (3.5.7).
    async fn show_error(&self) -> Result<(), String> {
        let deadline = Instant::now() + FOR_EVER;
        loop {
            let page = Request::Log {
                name: None,
                run: None,
                at_least: None,
                before: None,
                limit: 100,
            };
            let Reply::Log(page) = self.ask(page).await? else {
                return Err("the log was answered with something else".to_owned());
            };
            if let Some(entry) = page.entries.iter().find(|entry| entry.link) {
                return self
                    .ask(Request::OpenLink { entry: entry.id })
                    .await
                    .map(drop);
            }
            if Instant::now() > deadline {
                return Err(format!("no entry has a link: {:?}", page.entries));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn begin(&mut self, request: Request) -> Result<(), String> {
        if let Reply::Accepted { request } = self.ask(request).await? {
            self.request = Some(request);
        }
        Ok(())
    }

    async fn act(&mut self, act: &str) -> Result<(), String> {
        let words: Vec<&str> = act.split(' ').collect();
        match words.as_slice() {
            ["synchronize"] => {
                self.begin(Request::Sync {
                    names: Vec::new(),
                    may_bother_user: true,
                })
                .await
            }
            ["settings"] => {
                let handler = CLASSES[0].to_owned();
                self.begin(Request::Refresh { handler }).await
            }
            ["show", "error", _] => self.show_error().await,
            // Answered only when the window is closed: it is waited for at the end.
            ["properties", item] => {
                let request = Request::Properties {
                    name: (*item).to_owned(),
                    values: None,
                    window: true,
                };
                let service = Arc::clone(&self.home.service);
                self.later.push(tokio::spawn(async move {
                    let answer = service.call(person(), request).await;
                    answer.map(drop).map_err(|refusal| refusal.to_string())
                }));
                Ok(())
            }
            ["invoke", bytes @ ..] => {
                let bytes = bytes
                    .iter()
                    .map(|byte| u8::from_str_radix(byte, 16).unwrap());
                let bytes: Vec<u8> = bytes.collect();
                self.begin(Request::Invoke {
                    handler: CLASSES[0].to_owned(),
                    start: true,
                    minimized: false,
                    cookie: Some(base64::engine::general_purpose::STANDARD.encode(bytes)),
                })
                .await
            }
            ["idle"] => {
                self.home.service.triggered(Trigger::Idle).await;
                Ok(())
            }
            ["skip", item] => {
                let name = (*item).to_owned();
                self.ask(Request::Skip { name }).await.map(drop)
            }
            ["stop"] => {
                let request = self.request;
                self.ask(Request::Stop { request }).await.map(drop)
            }
            ["cue", which, name] => {
                let which: usize = which.parse().unwrap();
                let cue = trace_file(&self.root, which - 1, 0).with_extension(name);
                std::fs::write(cue, "").map_err(|error| error.to_string())
            }
            _ => Err(format!("nobody knows how to do `{act}`")),
        }
    }
}
