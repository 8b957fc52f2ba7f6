//! Hands messages to a handler, in order, without ever waiting for ever.

use std::pin::pin;
use std::sync::atomic::Ordering;

use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::event::Violation;
use crate::handle::Shared;

/// Writes each message until the queue is closed; at `close` what is queued is still written, then the pipe is closed.
pub(crate) async fn write(
    mut into: impl AsyncWrite + Unpin,
    mut lines: mpsc::Receiver<Vec<u8>>,
    close: CancellationToken,
    shared: &Shared,
) -> Option<Violation> {
    loop {
        let line = tokio::select! {
            biased;
            line = lines.recv() => line,
            () = close.cancelled(), if !lines.is_closed() => {
                lines.close();
                continue;
            }
        };
        let line = line?;
        let mut written = pin!(async {
            into.write_all(&line).await?;
            into.flush().await
        });
        loop {
            match tokio::time::timeout(shared.limits.write, &mut written).await {
                Ok(Ok(())) => break,
                // It closed its input. That is its right; calls that it never answers have their deadlines.
                Ok(Err(_)) => return None,
                // A handler that waits for us to read cannot be blamed for not reading.
                Err(_) if shared.stalled.load(Ordering::Relaxed) => {}
                Err(_) => return Some(Violation::DoesNotRead),
            }
        }
    }
}
