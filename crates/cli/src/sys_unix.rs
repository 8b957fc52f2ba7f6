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
