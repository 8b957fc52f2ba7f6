//! Signals and the terminal on Unix.

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Ctrl-C, and being told to end, which asks for the same. The listeners stay from one press to the next, so that none is
/// missed between them.
pub(crate) fn interrupts() -> BoxStream<'static, ()> {
    // What cannot be heard ends the command, as everywhere else.
    let heard = [SignalKind::interrupt(), SignalKind::terminate()]
        .into_iter()
        .filter_map(|kind| signal(kind).ok())
        .map(|listener| {
            stream::unfold(listener, |mut listener: Signal| async {
                listener.recv().await.map(|()| ((), listener))
            })
            .boxed()
        });
    stream::select_all(heard).boxed()
}

/// A signal that is passed on to a command.
pub(crate) type PassedOn = rustix::process::Signal;

/// The signals by which this process is told to end, for a command that it runs in the foreground. Ctrl-C reaches both by
/// itself where both share a terminal, and is not passed on once more.
pub(crate) fn passed_on() -> BoxStream<'static, PassedOn> {
    use rustix::process::Signal as Sent;
    let at_terminal = rustix::termios::tcgetpgrp(std::io::stdin())
        .is_ok_and(|group| group == rustix::process::getpgrp());
    let heard = [
        (SignalKind::terminate(), Sent::TERM, true),
        (SignalKind::hangup(), Sent::HUP, true),
        (SignalKind::interrupt(), Sent::INT, !at_terminal),
        (SignalKind::quit(), Sent::QUIT, !at_terminal),
    ]
    .into_iter()
    .filter_map(|(kind, sent, pass)| Some((signal(kind).ok()?, sent, pass)))
    .map(|(listener, sent, pass)| {
        stream::unfold(listener, move |mut listener: Signal| async move {
            loop {
                listener.recv().await?;
                if pass {
                    return Some((sent, listener));
                }
            }
        })
        .boxed()
    });
    stream::select_all(heard).boxed()
}

/// Passes a signal on.
pub(crate) fn pass_on(child: &mut tokio::process::Child, signal: PassedOn) {
    // Only until it was waited for is its number known, and its own.
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    if let Some(pid) = id.and_then(rustix::process::Pid::from_raw) {
        // One that ended just now needs none any more.
        rustix::process::kill_process(pid, signal).ok();
    }
}

/// Asks a command to end.
pub(crate) fn ask_to_end(child: &mut tokio::process::Child) {
    pass_on(child, rustix::process::Signal::TERM);
}

/// Ends a command.
pub(crate) fn insist(child: &mut tokio::process::Child) {
    pass_on(child, rustix::process::Signal::KILL);
}

/// The signal that ended a command.
pub(crate) fn signal_of(status: std::process::ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

/// Stops this process until the shell has it go on (`fg`). Where no shell would do so, nothing is stopped.
pub(crate) fn suspend() {
    #[expect(
        unsafe_code,
        reason = "no safe interface has a signal delivered before it returns"
    )]
    // SAFETY: a call that touches no memory of this process; the signal has no handler here.
    unsafe {
        libc::raise(libc::SIGTSTP)
    };
}

/// While it lives, what is typed is not shown.
#[derive(Debug)]
pub(crate) struct Hidden {
    /// How the terminal was before; nothing where standard input is none.
    before: Option<Termios>,
}

impl Hidden {
    /// Hides what is typed from now on.
    pub(crate) fn begin() -> std::io::Result<Self> {
        let input = std::io::stdin();
        let Ok(before) = tcgetattr(&input) else {
            return Ok(Self { before: None });
        };
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        hidden.local_modes.insert(LocalModes::ECHONL);
        // What was typed before the question is no answer to it.
        tcsetattr(&input, OptionalActions::Flush, &hidden)?;
        Ok(Self {
            before: Some(before),
        })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // A terminal that is gone shows nothing anyway.
            let (Ok(()) | Err(_)) = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
        }
    }
}
