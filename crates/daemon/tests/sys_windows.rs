//! The sources of Windows against the system that this runs in, which may be Wine; messages come from the test itself.
//!
//! It wants a system that has windows: without a display Wine has them with its driver `null`, which
//! `cargo xtask suite windows` asks for.

#![cfg(windows)]
#![allow(
    unsafe_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test fails by panicking, waits for threads, and tells the window what only Windows would"
)]

use std::ptr::{null, null_mut};
use std::sync::mpsc;
use std::time::Duration;

use syncmgr_core::condition::{Fact, FactKind};
use syncmgr_daemon::source::hub::Hub;
use syncmgr_daemon::source::{
    Availability, Happening, Hold, Leaving, Machine, Observation, Subject, Wanted,
};
use windows_sys::Win32::Foundation::HWND;
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, TH32CS_SNAPTHREAD, THREADENTRY32, Thread32First, Thread32Next,
};
use windows_sys::Win32::System::Threading::GetCurrentProcessId;
use windows_sys::Win32::UI::WindowsAndMessaging::{
    FindWindowExW, GetWindowThreadProcessId, IsWindow, PostMessageW, SendMessageW, WM_CLOSE,
    WM_DEVICECHANGE, WM_ENDSESSION, WM_POWERBROADCAST, WM_QUERYENDSESSION, WM_TIMECHANGE,
    WM_WTSSESSION_CHANGE,
};
use windows_sys::core::w;

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is heard of the sources.
struct Ear(Hub);

impl Ear {
    fn new(wanted: Wanted) -> Self {
        let mut hub = Hub::start(Box::new(|| Machine::default().sources()), "no source");
        hub.want(wanted);
        Self(hub)
    }

    /// Waits for the first observation that is it; others are passed over.
    async fn hear<T>(
        &mut self,
        what: &str,
        it: impl Fn(Observation) -> Result<T, Observation>,
    ) -> T {
        let mut others = Vec::new();
        let heard = tokio::time::timeout(PATIENCE, async {
            loop {
                match it(self.0.next().await) {
                    Ok(it) => break it,
                    Err(other) => others.push(format!("{other:?}")),
                }
            }
        });
        match heard.await {
            Ok(it) => it,
            Err(_) => panic!("{what} was not heard, but {others:?}"),
        }
    }

    async fn happens(&mut self, what: &str, it: impl Fn(&Happening) -> bool) {
        let heard = self.hear(what, |observation| match observation {
            Observation::Happened(happening) if it(&happening) => Ok(()),
            other => Err(other),
        });
        heard.await;
    }

    /// Waits until a subject is watched, or is not for a reason; answers in which words.
    async fn availability(&mut self, subject: Subject) -> Availability {
        self.hear(subject.name(), |observation| match observation {
            Observation::Watching(about, availability) if about == subject => Ok(availability),
            other => Err(other),
        })
        .await
    }

    async fn leaves(&mut self) -> (Leaving, Duration, Hold) {
        self.hear("that it leaves", |observation| match observation {
            Observation::Happened(Happening::Leaving { how, at_most, hold }) => {
                Ok((how, at_most, hold))
            }
            other => Err(other),
        })
        .await
    }
}

/// The windows of this process that hear sessions, as numbers.
fn windows() -> Vec<usize> {
    let mut found = Vec::new();
    let mut window: HWND = null_mut();
    loop {
        // SAFETY: the name lives for ever; the windows are only numbers here.
        unsafe {
            window = FindWindowExW(null_mut(), window, w!("syncmgr session"), null());
            if window.is_null() {
                return found;
            }
            let mut process = 0;
            GetWindowThreadProcessId(window, &raw mut process);
            if process == GetCurrentProcessId() {
                found.push(window as usize);
            }
        }
    }
}

fn post(window: usize, message: u32, parameter: usize) {
    // SAFETY: the parameters are those that the message has; none is an address.
    let posted = unsafe { PostMessageW(window as HWND, message, parameter, 0) };
    assert_ne!(posted, 0);
}

/// Sends a message from a thread of its own, as the system does, which waits for the answer.
fn send(window: usize, message: u32, parameter: usize) -> mpsc::Receiver<isize> {
    let (answer, answered) = mpsc::channel();
    std::thread::spawn(move || {
        // SAFETY: the parameters are those that the message has; none is an address.
        let said = unsafe { SendMessageW(window as HWND, message, parameter, 0) };
        answer.send(said).unwrap();
    });
    answered
}

fn threads() -> usize {
    let mut entry = THREADENTRY32 {
        dwSize: u32::try_from(size_of::<THREADENTRY32>()).unwrap(),
        ..THREADENTRY32::default()
    };
    let mut count = 0;
    // SAFETY: the snapshot is open for as long as it is walked through; each entry has the size that it says.
    unsafe {
        let snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
        let mut more = Thread32First(snapshot, &raw mut entry);
        while more != 0 {
            count += usize::from(entry.th32OwnerProcessID == GetCurrentProcessId());
            more = Thread32Next(snapshot, &raw mut entry);
        }
        windows_sys::Win32::Foundation::CloseHandle(snapshot);
    }
    count
}

fn everything() -> Wanted {
    Wanted {
        power: true,
        idle: Some(Duration::from_millis(1)),
        places: [
            "C:".to_owned(),
            "Q:".to_owned(),
            "LABEL=nobody has this".to_owned(),
        ]
        .into(),
        ..Wanted::default()
    }
}

fn alone<F: Future<Output = ()>>(test: F) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(test);
}

// All in one test: the threads of a process are counted, and another test would add its own.
#[test]
fn the_machine_is_heard_until_nobody_listens() {
    // Libraries begin threads of their own when they are first used.
    alone(async { drop(hear_everything().await) });
    let before = threads();
    alone(async { drop(hear_everything().await) });
    let began = std::time::Instant::now();
    while threads() > before {
        assert!(
            began.elapsed() < PATIENCE,
            "{} threads became {}",
            before,
            threads()
        );
        std::thread::yield_now();
    }
    assert_eq!(windows(), [0_usize; 0]);
    alone(messages());
    alone(the_machine_waits());
    assert_eq!(windows(), [0_usize; 0]);
}

/// What is told at the beginning, in any order.
async fn hear_everything() -> Ear {
    let mut ear = Ear::new(everything());
    let mut missing = vec![
        "sessions",
        "sleep",
        "power",
        "network",
        "idle",
        "C: true",
        "Q: false",
        "label false",
    ];
    while !missing.is_empty() {
        let heard = ear
            .hear(&format!("{missing:?}"), |observation| match &observation {
                Observation::Watching(Subject::Session, Availability::Watching { .. }) => {
                    Ok("sessions")
                }
                Observation::Watching(Subject::Sleep, Availability::Watching { .. }) => Ok("sleep"),
                Observation::Fact(Fact::Network { .. } | Fact::Route { .. }) => Ok("network"),
                Observation::Fact(Fact::Power { .. }) => Ok("power"),
                Observation::Fact(Fact::Idle { since: Some(_) }) => Ok("idle"),
                Observation::Fact(Fact::Mounted { path, mounted }) => {
                    match (path.as_str(), mounted) {
                        ("C:", true) => Ok("C: true"),
                        ("Q:", false) => Ok("Q: false"),
                        ("LABEL=nobody has this", false) => Ok("label false"),
                        _ => Err(observation),
                    }
                }
                _ => Err(observation),
            })
            .await;
        missing.retain(|what| *what != heard);
    }
    assert_eq!(windows().len(), 1);
    ear
}

async fn messages() {
    let mut ear = hear_everything().await;
    let window = windows()[0];
    post(window, WM_WTSSESSION_CHANGE, 0x7);
    ear.happens("a lock", |it| matches!(it, Happening::Locked))
        .await;
    post(window, WM_WTSSESSION_CHANGE, 0x8);
    ear.happens("an unlock", |it| matches!(it, Happening::Unlocked))
        .await;
    post(window, WM_WTSSESSION_CHANGE, 0x5);
    ear.happens("a logon", |it| {
        matches!(it, Happening::SessionStarted { .. })
    })
    .await;
    post(window, WM_TIMECHANGE, 0);
    ear.happens("a clock", |it| matches!(it, Happening::ClockSet))
        .await;
    // Nothing changed, so nothing is told; the sources look and go on.
    post(window, WM_POWERBROADCAST, 0xa);
    // Of devices is told by messages that are sent, never posted.
    send(window, WM_DEVICECHANGE, 0x8000)
        .recv_timeout(PATIENCE)
        .unwrap();
    post(window, WM_POWERBROADCAST, 0x4);
    let (how, _, hold) = ear.leaves().await;
    assert_eq!(how, Leaving::Sleep);
    drop(hold);
    post(window, WM_POWERBROADCAST, 0x12);
    ear.happens("that it woke", |it| {
        matches!(it, Happening::Back(Leaving::Sleep))
    })
    .await;
    // Nobody waits for silence any more: what was known of it is not known now.
    ear.0.want(Wanted::default());
    ear.hear("that nobody knows", |observation| match observation {
        Observation::Fact(Fact::Unknown {
            kind: FactKind::Idle,
            ..
        }) => Ok(()),
        other => Err(other),
    })
    .await;
    // As `taskkill` does.
    post(window, WM_CLOSE, 0);
    ear.happens("that it ends", |it| matches!(it, Happening::Ending { .. }))
        .await;
    // SAFETY: the handle is only compared with those of living windows.
    assert_ne!(unsafe { IsWindow(window as HWND) }, 0);
}

async fn the_machine_waits() {
    let mut ear = Ear::new(Wanted::default());
    assert!(matches!(
        ear.availability(Subject::Sleep).await,
        Availability::Watching { .. }
    ));
    let window = windows()[0];
    // It waits for as long as it is held, and then lets the session end.
    let answered = send(window, WM_QUERYENDSESSION, 0);
    let (how, at_most, hold) = ear.leaves().await;
    assert_eq!(how, Leaving::Shutdown);
    assert!(answered.try_recv().is_err());
    drop(hold);
    let both = async {
        let wait = tokio::task::spawn_blocking(move || answered.recv_timeout(PATIENCE).unwrap());
        tokio::select! {
            said = wait => said.unwrap(),
            () = async { loop { ear.0.next().await; } } => unreachable!(),
        }
    };
    assert_eq!(both.await, 1);
    // Somebody else kept it.
    post(window, WM_ENDSESSION, 0);
    ear.happens("that it stays", |it| {
        matches!(it, Happening::Back(Leaving::Shutdown))
    })
    .await;
    // Nobody lets go: it waits no longer than it says.
    let began = std::time::Instant::now();
    let answered = send(window, WM_QUERYENDSESSION, 0);
    let (_, _, hold) = ear.leaves().await;
    let wait = tokio::task::spawn_blocking(move || answered.recv_timeout(PATIENCE).unwrap());
    let said = tokio::select! {
        said = wait => said.unwrap(),
        () = async { loop { ear.0.next().await; } } => unreachable!(),
    };
    assert_eq!(said, 1);
    assert!(began.elapsed() >= at_most && began.elapsed() < at_most + PATIENCE / 2);
    drop(hold);
    // The end itself waits until the manager has ended.
    let answered = send(window, WM_ENDSESSION, 1);
    let ending = ear
        .hear("the end", |observation| match observation {
            Observation::Happened(Happening::Ending { hold }) => Ok(hold),
            other => Err(other),
        })
        .await;
    assert!(answered.try_recv().is_err());
    // All that it held is let go with the sources.
    drop(ear);
    let wait = tokio::task::spawn_blocking(move || answered.recv_timeout(PATIENCE));
    assert_eq!(wait.await.unwrap(), Ok(0));
    drop(ending);
}
