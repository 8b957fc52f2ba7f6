//! Signals on Windows.

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close};

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
