//! Drives the hostile handlers through a whole session: each ends, with the right diagnosis, in bounded time and memory.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use syncmgr_handler::Callback;
use syncmgr_handler::call::{Event, Initialize, ListItems, Prepare, Synchronize};
use syncmgr_handler::callback::Status;
use syncmgr_handler::item::ItemId;
use syncmgr_host::{
    Exit, ExitStatus, Handle, HostEvent, Instance, Limits, Rung, Spec, StopReason, Violation, What,
    process,
};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Far longer than anything here takes; only a hang of the host itself reaches it.
const FOR_EVER: Duration = Duration::from_secs(60);

fn hostile() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let target = test
        .parent()
        .and_then(std::path::Path::parent)
        .expect("a target directory");
    let name = format!("hostile{}", std::env::consts::EXE_SUFFIX);
    let program = target.join("examples").join(name);
    assert!(
        program.exists(),
        "{} is built by a plain `cargo test`",
        program.display()
    );
    program
}

fn spec(mode: &str) -> Spec {
    Spec {
        instance: 7,
        program: hostile(),
        args: vec![mode.into()],
        env: Vec::new(),
        cwd: None,
    }
}

/// Waits that only a hang reaches, and a quick ladder.
fn limits() -> Limits {
    Limits {
        handshake: FOR_EVER,
        ask: FOR_EVER,
        terminate: FOR_EVER,
        reap: FOR_EVER,
        drain: Duration::from_millis(300),
        write: FOR_EVER,
    }
}

/// For handlers that hang: they are asked only for a moment.
fn hasty() -> Limits {
    Limits {
        ask: Duration::from_millis(100),
        ..limits()
    }
}

/// What came of a session.
#[derive(Debug)]
struct Session {
    /// Why the manager gave up, if it did.
    error: Option<String>,
    exit: Exit,
    methods: BTreeMap<&'static str, usize>,
    statuses: Vec<(String, Status)>,
    violations: Vec<Violation>,
    logs: Vec<String>,
    /// The state of the process when the end was told.
    alive_at_end: bool,
}

/// The manager's side of one session, taking events as they come.
struct Manager {
    handle: Handle,
    events: mpsc::Receiver<HostEvent>,
    session: Session,
    ended: bool,
}

impl Manager {
    fn start(mode: &str, limits: Limits) -> Self {
        Self::with(limits, 64, |limits, sender| {
            Instance::start(spec(mode), limits, sender)
        })
    }

    fn with(
        limits: Limits,
        room: usize,
        start: impl FnOnce(Limits, mpsc::Sender<HostEvent>) -> Handle,
    ) -> Self {
        let (sender, events) = mpsc::channel(room);
        Self {
            handle: start(limits, sender),
            events,
            session: Session {
                error: None,
                exit: Exit {
                    status: ExitStatus::Abandoned,
                    requested: None,
                    rung: None,
                    stderr_tail: String::new(),
                    violation: None,
                },
                methods: BTreeMap::new(),
                statuses: Vec::new(),
                violations: Vec::new(),
                logs: Vec::new(),
                alive_at_end: true,
            },
            ended: false,
        }
    }

    /// Takes one event; gives the method of a callback.
    fn take(&mut self, event: HostEvent) -> Option<&'static str> {
        assert!(!self.ended, "an event after the last one: {event:?}");
        match event.what {
            What::Started { .. } => None,
            What::Callback(callback) => {
                let method = callback.method();
                *self.session.methods.entry(method).or_default() += 1;
                match callback {
                    Callback::Progress(progress) => {
                        if let (Some(item), Some(status)) = (progress.item, progress.status) {
                            let last = self.session.statuses.last();
                            let next = (item.to_string(), status);
                            if last != Some(&next) {
                                self.session.statuses.push(next);
                            }
                        }
                    }
                    Callback::Log(log) if self.session.logs.len() < 100 => {
                        self.session.logs.push(log.text);
                    }
                    _ => {}
                }
                Some(method)
            }
            What::Question { question, reply } => {
                *self.session.methods.entry(question.method()).or_default() += 1;
                drop(reply);
                None
            }
            What::Violation(violation) => {
                self.session.violations.push(violation);
                None
            }
            What::Exited(exit) => {
                self.session.exit = exit;
                self.session.alive_at_end = self
                    .handle
                    .pid()
                    .is_some_and(|pid| process::is_alive(pid, self.handle.start_time()));
                self.ended = true;
                None
            }
        }
    }

    /// Waits for a future while events are taken; the end of the instance ends this too.
    async fn beside<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Some(done),
                event = self.events.recv(), if !self.ended => match event {
                    Some(event) => { self.take(event); }
                    None => self.ended = true,
                },
            }
        }
    }

    /// Waits for a callback of this method; false when the instance ended or nothing came for a while.
    async fn until(&mut self, method: &str, wait: Duration) -> bool {
        let deadline = tokio::time::Instant::now() + wait;
        while !self.ended {
            match tokio::time::timeout_at(deadline, self.events.recv()).await {
                Ok(Some(event)) => {
                    if self.take(event) == Some(method) {
                        return true;
                    }
                }
                Ok(None) | Err(_) => return false,
            }
        }
        false
    }

    async fn greet(&mut self) -> Result<(), String> {
        let first = Initialize {
            contract: vec![1],
            features: Vec::new(),
            manager: "test".into(),
            event: Event::Manual,
            may_bother_user: false,
            settings: false,
            cookie: None,
            state_dir: String::new(),
            definitions: serde_json::Map::new(),
            more_definitions: false,
        };
        let handle = self.handle.clone();
        let answer = self.beside(handle.handshake(first)).await;
        let answer = answer.unwrap_or_else(|| unreachable!("a handshake always ends"));
        answer.map(|_| ()).map_err(|error| error.to_string())
    }

    /// The calls of a whole session, each with this deadline.
    async fn drive(&mut self, deadline: Duration) -> Result<(), String> {
        self.greet().await?;
        let handle = self.handle.clone();
        let told = |error: &dyn std::error::Error| error.to_string();
        let gone = || "ended".to_owned();
        let page = self
            .beside(handle.call(&ListItems::default(), Some(deadline)))
            .await;
        let page = page.ok_or_else(gone)?.map_err(|e| told(&e))?;
        let prepare = Prepare {
            items: page
                .items
                .into_iter()
                .map(|item| item.id)
                .collect::<Vec<ItemId>>(),
            run: "run-1".into(),
            ..Prepare::default()
        };
        let started = self.beside(handle.call(&prepare, Some(deadline))).await;
        started.ok_or_else(gone)?.map_err(|e| told(&e))?;
        if self.session.methods.contains_key("prepare/completed")
            || self.until("prepare/completed", deadline).await
        {
            let started = self
                .beside(handle.call(&Synchronize {}, Some(deadline)))
                .await;
            started.ok_or_else(gone)?.map_err(|e| told(&e))?;
        } else {
            return Err("prepare did not complete".to_owned());
        }
        if self.session.methods.contains_key("synchronize/completed")
            || self.until("synchronize/completed", deadline).await
        {
            Ok(())
        } else {
            Err("synchronize did not complete".to_owned())
        }
    }

    async fn end(mut self) -> Session {
        while !self.ended {
            match self.events.recv().await {
                Some(event) => {
                    self.take(event);
                }
                None => panic!("the events ended without an exit"),
            }
        }
        assert!(
            self.events.recv().await.is_none(),
            "the exit is the last event"
        );
        self.session
    }

    /// A whole session, stopped at its end or at the first error.
    async fn session(mut self, deadline: Duration) -> Session {
        let whole = async {
            self.session.error = self.drive(deadline).await.err();
            let reason = match &self.session.error {
                None => StopReason::Finished,
                Some(_) => StopReason::Stopped,
            };
            self.handle.stop(reason);
            self.end().await
        };
        let session = timeout(FOR_EVER, whole)
            .await
            .expect("the host does not hang");
        assert!(
            !session.alive_at_end,
            "the process is gone when its end is told"
        );
        session
    }
}

async fn patient(mode: &str) -> Session {
    Manager::start(mode, limits()).session(FOR_EVER).await
}

/// For handlers that hang before they complete: one short wait for it.
/// How long a handler is given to come to where it hangs: a process of Wine needs a second until it begins, on a machine
/// that has more to do.
const TO_ITS_HANG: Duration = Duration::from_millis(if cfg!(windows) { 5000 } else { 300 });

async fn quick(mode: &str) -> Session {
    let limits = Limits {
        handshake: TO_ITS_HANG,
        ..hasty()
    };
    let session = Manager::start(mode, limits).session(TO_ITS_HANG);
    session.await
}

fn code(session: &Session) -> Option<i32> {
    match session.exit.status {
        ExitStatus::Code(code) => Some(code),
        _ => None,
    }
}

/// The most memory that this process ever used, in KiB, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[tokio::test]
async fn a_good_handler_ends_as_asked() {
    let session = patient("well").await;
    assert_eq!(session.error, None);
    assert_eq!(session.methods["synchronize/completed"], 1);
    assert!(
        session
            .statuses
            .contains(&("item-3".into(), Status::Succeeded))
    );
    assert!(session.exit.is_clean());
    assert_eq!(session.exit.requested, Some(StopReason::Finished));
    assert_eq!(session.exit.rung, Some(Rung::Asked));
}

#[tokio::test]
async fn a_crash_in_any_phase_is_told_as_what_it_is() {
    for phase in [
        "start",
        "initialize",
        "list",
        "prepare",
        "synchronize",
        "after",
    ] {
        let session = patient(&format!("crash-{phase}")).await;
        if cfg!(unix) {
            // SIGABRT has this number everywhere.
            assert!(
                matches!(session.exit.status, ExitStatus::Signal(6)),
                "{phase}: {session:?}"
            );
        }
        assert_eq!(session.exit.violation, None, "{phase}");
        assert_eq!(
            session.error.is_none(),
            phase == "after",
            "{phase}: {:?}",
            session.error
        );
    }
}

// Shows M-15 for one process: nothing waits for it.
#[tokio::test]
async fn a_hang_in_any_phase_is_ended() {
    for phase in ["start", "initialize", "list", "prepare", "synchronize"] {
        let session = quick(&format!("hang-{phase}")).await;
        assert_eq!(session.exit.rung, Some(Rung::Terminated), "{phase}");
        assert!(session.error.is_some(), "{phase}");
    }
    for phase in ["after", "release"] {
        let manager = Manager::start(&format!("hang-{phase}"), hasty());
        let session = manager.session(FOR_EVER).await;
        assert_eq!(session.exit.rung, Some(Rung::Terminated), "{phase}");
        assert_eq!(session.error, None, "{phase}");
    }
}

/// M-111: a handler that ignores a stop for the grace period is given up, and here also killed.
#[tokio::test]
async fn the_ladder_reaches_a_handler_that_never_exits() {
    let session = Manager::start(
        "never-exits",
        Limits {
            ask: Duration::from_millis(200),
            terminate: Duration::from_millis(200),
            ..limits()
        },
    );
    let session = session.session(FOR_EVER).await;
    assert_eq!(session.error, None);
    if cfg!(unix) {
        assert_eq!(session.exit.rung, Some(Rung::Killed));
        assert!(
            matches!(session.exit.status, ExitStatus::Signal(9)),
            "{session:?}"
        );
    }
}

#[tokio::test]
async fn insisting_climbs_without_waiting() {
    // Every limit is longer than the test may take: only insisting can get there.
    let mut manager = Manager::start("never-exits", limits());
    manager.drive(FOR_EVER).await.unwrap();
    manager.handle.stop(StopReason::Stopped);
    manager.handle.insist();
    manager.handle.insist();
    let session = timeout(FOR_EVER, manager.end()).await.unwrap();
    assert_eq!(session.exit.requested, Some(StopReason::Stopped));
    assert_eq!(session.exit.rung, Some(Rung::Killed));
}

#[tokio::test]
async fn killing_needs_no_patience() {
    let mut manager = Manager::start("never-exits", limits());
    manager.drive(FOR_EVER).await.unwrap();
    manager.handle.kill();
    let session = timeout(FOR_EVER, manager.end()).await.unwrap();
    assert_eq!(session.exit.rung, Some(Rung::Killed));
}

#[tokio::test]
async fn dropping_the_handle_ends_the_instance() {
    let Manager {
        handle, mut events, ..
    } = Manager::start("well", limits());
    drop(handle);
    let mut last = None;
    while let Some(event) = timeout(FOR_EVER, events.recv()).await.unwrap() {
        last = Some(event.what);
    }
    let Some(What::Exited(exit)) = last else {
        panic!("{last:?}")
    };
    assert_eq!(exit.requested, Some(StopReason::Unwanted));
    assert!(exit.is_clean(), "{exit:?}");
}

#[tokio::test]
async fn unreadable_output_ends_the_instance_with_its_diagnosis() {
    let cases = [
        ("not-utf8", Violation::Encoding),
        ("giant-line", Violation::LineTooLong),
        ("flood-breaches", Violation::TooMany),
        (
            "junk",
            Violation::NotAMessage {
                excerpt: "debug: \\u{1b}[31mhere I am".into(),
            },
        ),
    ];
    for (mode, violation) in cases {
        let session = patient(mode).await;
        assert_eq!(session.exit.violation, Some(violation), "{mode}");
        // On Windows the end of a process that was cut off is seen before its last words are.
        assert!(
            cfg!(windows) || session.exit.requested >= Some(StopReason::Broken),
            "{mode}"
        );
        assert!(session.error.is_some(), "{mode}");
    }
    // The giant line alone is 1 GiB.
    assert!(
        peak_memory().is_none_or(|peak| peak < 256 << 10),
        "{:?} KiB",
        peak_memory()
    );
}

#[tokio::test]
async fn half_a_line_is_told() {
    let half = Some(Violation::HalfALine {
        excerpt: "{\"jsonrpc\": \"2.0\", \"meth".into(),
    });
    let session = patient("half-exit").await;
    assert_eq!(session.exit.violation, half);
    assert_eq!(code(&session), Some(0));
    let session = quick("half-hang").await;
    assert_eq!(session.exit.rung, Some(Rung::Terminated));
}

#[tokio::test]
async fn versions_must_meet() {
    let session = patient("wrong-version").await;
    let error = session.error.unwrap();
    assert_eq!(
        error,
        "the handler speaks contract versions [999], the manager [1]"
    );
    let session = patient("other-version").await;
    let error = session.error.unwrap();
    assert_eq!(
        error,
        "the handler speaks contract versions [999], the manager [1]"
    );
}

#[tokio::test]
async fn a_flood_of_progress_stays_small_and_can_be_stopped() {
    let mut manager = Manager::start("flood-progress", limits());
    // Far fewer events than reports: while nobody takes events they are merged.
    assert!(manager.drive(Duration::from_secs(1)).await.is_err());
    manager.handle.stop(StopReason::Stopped);
    manager.handle.insist();
    let session = timeout(FOR_EVER, manager.end()).await.unwrap();
    assert_eq!(session.exit.violation, None);
    assert!(session.methods["progress"] > 100);
}

#[tokio::test]
async fn the_ladder_works_while_nobody_takes_events() {
    for mode in ["flood-progress", "flood-log"] {
        let mut manager = Manager::start(mode, limits());
        assert!(manager.drive(Duration::from_millis(100)).await.is_err());
        // Nothing is taken any more; killing must still work, and the end must still come.
        manager.handle.kill();
        let pid = manager.handle.pid().unwrap();
        let start = manager.handle.start_time();
        while process::is_alive(pid, start) {
            tokio::task::yield_now().await;
        }
        let session = timeout(FOR_EVER, manager.end()).await.unwrap();
        assert_eq!(session.exit.rung, Some(Rung::Killed), "{mode}");
    }
}

#[tokio::test]
async fn standard_error_is_kept_to_its_end() {
    let session = patient("flood-stderr").await;
    assert_eq!(session.error, None);
    let tail = session.exit.stderr_tail;
    assert!(tail.ends_with("éé\nthe last words"), "{}", tail.len());
    assert!(tail.len() <= 64 << 10 && tail.len() > 63 << 10);
}

#[tokio::test]
async fn too_many_questions_are_refused_and_told() {
    let session = patient("flood-questions").await;
    assert_eq!(session.error, None);
    let asked = session.methods.get("prompt").copied().unwrap_or_default();
    let refused = session
        .violations
        .iter()
        .filter(|one| **one == Violation::TooManyQuestions);
    let broken = session.exit.violation == Some(Violation::TooMany);
    assert!(broken || asked + refused.count() == 1000);
}

#[tokio::test]
async fn well_formed_lies_are_passed_on() {
    let session = patient("completes-twice").await;
    assert_eq!(session.error, None);
    assert_eq!(session.methods["prepare/completed"], 2);
    assert_eq!(session.methods["synchronize/completed"], 2);
    let session = patient("unknown-items").await;
    assert_eq!(session.error, None);
    assert!(
        session
            .statuses
            .contains(&("nobody".into(), Status::Failed))
    );
    let session = patient("unknown-answers").await;
    assert_eq!(session.error, None);
    let told = [
        Violation::UnknownAnswer(12345),
        Violation::UnknownAnswer(12346),
    ];
    assert_eq!(session.violations, told);
    let session = patient("speaks-after").await;
    assert_eq!(session.error, None);
    assert_eq!(session.logs, ["after the end", "after the end"]);
    assert!(session.exit.is_clean());
}

#[tokio::test]
async fn an_early_or_bad_end_is_told() {
    let session = patient("exits-early").await;
    assert_eq!(
        session.error.as_deref(),
        Some("synchronize did not complete")
    );
    assert_eq!(code(&session), Some(0));
    let session = patient("exits-badly").await;
    assert_eq!(session.error, None);
    assert_eq!(code(&session), Some(3));
}

#[tokio::test]
async fn a_program_that_does_not_exist_is_told() {
    let mut missing = spec("well");
    missing.program = "no/such/handler".into();
    let manager = Manager::with(limits(), 8, |limits, sender| {
        Instance::start(missing, limits, sender)
    });
    let session = timeout(FOR_EVER, manager.end()).await.unwrap();
    let ExitStatus::NotStarted(error) = &session.exit.status else {
        panic!("{session:?}")
    };
    assert!(error.to_string().ends_with("no/such/handler"), "{error}");
}

#[tokio::test]
async fn a_deaf_handler_is_found_out() {
    let limits = Limits {
        write: Duration::from_millis(200),
        ..limits()
    };
    let mut manager = Manager::start("deaf", limits);
    manager.greet().await.unwrap();
    // The pipe takes the first messages; the rest waits, and one wait is too long.
    let handle = manager.handle.clone();
    let notice = syncmgr_handler::Notice::Definitions(syncmgr_handler::call::Definitions {
        definitions: [("x".to_owned(), "y".repeat(100_000).into())]
            .into_iter()
            .collect(),
        more: true,
    });
    for _ in 0..10 {
        handle.notify(&notice).unwrap();
    }
    let session = timeout(FOR_EVER, manager.end()).await.unwrap();
    assert_eq!(session.exit.violation, Some(Violation::DoesNotRead));
}

#[tokio::test]
async fn a_grandchild_cannot_keep_us_waiting() {
    for mode in ["grandchild", "escaped-grandchild"] {
        let session = patient(mode).await;
        assert_eq!(session.error, None, "{mode}");
        assert!(session.exit.is_clean(), "{mode}: {:?}", session.exit);
        let pid = session.logs[0]
            .strip_prefix("grandchild ")
            .unwrap()
            .parse()
            .unwrap();
        if mode == "grandchild" {
            // It was killed with its group; the system may take a moment to clear it away. By itself it lives for a minute.
            let gone = async {
                while process::is_alive(pid, None) {
                    tokio::task::yield_now().await;
                }
            };
            timeout(FOR_EVER / 3, gone).await.expect("it was killed");
        }
    }
}

#[tokio::test]
async fn closed_output_is_the_end() {
    if cfg!(unix) {
        let limits = Limits {
            terminate: Duration::from_millis(200),
            ..limits()
        };
        let session = Manager::start("closes-output", limits)
            .session(FOR_EVER)
            .await;
        assert_eq!(session.exit.violation, Some(Violation::ClosedOutput));
    }
}

#[tokio::test]
async fn completions_before_their_time_are_passed_on() {
    let session = patient("completes-early").await;
    assert_eq!(
        session.methods["synchronize/completed"],
        1 + usize::from(session.error.is_none())
    );
}
