//! Signals on Unix.

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
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
