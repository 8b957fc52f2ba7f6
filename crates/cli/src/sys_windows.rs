//! Signals on Windows.

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::signal::windows::{CtrlC, ctrl_c};

/// Ctrl-C. The listener stays from one press to the next, so that none is missed between them.
pub(crate) fn interrupts() -> BoxStream<'static, ()> {
    match ctrl_c() {
        Ok(listener) => stream::unfold(listener, |mut listener: CtrlC| async {
            listener.recv().await.map(|()| ((), listener))
        })
        .boxed(),
        // What cannot be heard ends the command, as everywhere else.
        Err(_) => stream::empty().boxed(),
    }
}
