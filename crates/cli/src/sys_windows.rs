//! Signals and the console on Windows.
#![expect(
    unsafe_code,
    reason = "how the console shows what is typed is set by its C interface"
)]

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close};
use windows_sys::Win32::Foundation::{HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::System::Console::{
    ENABLE_ECHO_INPUT, GetConsoleMode, GetStdHandle, STD_INPUT_HANDLE, SetConsoleMode,
};

/// Ctrl-C, Ctrl-Break and the closed window. The listeners stay from one press to the next, so that none is missed between
/// them.
pub(crate) fn interrupts() -> BoxStream<'static, ()> {
    match (ctrl_c(), ctrl_break(), ctrl_close()) {
        (Ok(interrupt), Ok(broken), Ok(closed)) => stream::unfold(
            (interrupt, broken, closed),
            |(mut interrupt, mut broken, mut closed)| async {
                let heard = tokio::select! {
                    heard = interrupt.recv() => heard,
                    heard = broken.recv() => heard,
                    heard = closed.recv() => heard,
                };
                heard.map(|()| ((), (interrupt, broken, closed)))
            },
        )
        .boxed(),
        // What cannot be heard ends the command, as everywhere else.
        _ => stream::empty().boxed(),
    }
}

/// Programs are not suspended here.
pub(crate) fn suspend() {}

/// While it lives, what is typed is not shown.
#[derive(Debug)]
pub(crate) struct Hidden {
    /// How the console was before; nothing where standard input is none.
    before: Option<u32>,
}

fn input() -> HANDLE {
    // SAFETY: takes a constant and returns a handle that the process keeps.
    unsafe { GetStdHandle(STD_INPUT_HANDLE) }
}

fn set(mode: u32) -> bool {
    // SAFETY: a handle that is none, or of no console, is refused.
    unsafe { SetConsoleMode(input(), mode) != 0 }
}

impl Hidden {
    /// Hides what is typed from now on.
    pub(crate) fn begin() -> std::io::Result<Self> {
        let mut mode = 0;
        // SAFETY: the mode outlives the call; a handle that is none, or of no console, is refused.
        let console = input() != INVALID_HANDLE_VALUE
            && unsafe { GetConsoleMode(input(), &raw mut mode) } != 0;
        if !console {
            return Ok(Self { before: None });
        }
        if !set(mode & !ENABLE_ECHO_INPUT) {
            return Err(std::io::Error::last_os_error());
        }
        Ok(Self { before: Some(mode) })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(before) = self.before {
            // A console that is gone shows nothing anyway.
            set(before);
        }
    }
}

/// Nothing is passed on here: what is pressed at a console reaches every program of it.
pub(crate) type PassedOn = ();

/// Keeps this process from ending at Ctrl-C before the command that it runs does.
pub(crate) fn passed_on() -> futures::stream::BoxStream<'static, PassedOn> {
    use futures::StreamExt as _;
    interrupts().filter(|()| std::future::ready(false)).boxed()
}

/// There is nothing to pass on.
pub(crate) fn pass_on(_: &mut tokio::process::Child, (): PassedOn) {}

/// Ends a command: a program without a window cannot be asked.
pub(crate) fn ask_to_end(child: &mut tokio::process::Child) {
    insist(child);
}

/// Ends a command.
pub(crate) fn insist(child: &mut tokio::process::Child) {
    // One that ended just now needs it no more.
    drop(child.start_kill());
}

/// No signals end commands here.
pub(crate) fn signal_of(_: std::process::ExitStatus) -> Option<i32> {
    None
}
