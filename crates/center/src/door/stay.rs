//! How long somebody stays let in.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// What is left of a visit.
#[derive(Debug, Clone)]
pub(crate) struct Stay {
    left: Duration,
    ended: CancellationToken,
}

impl Stay {
    /// So long, unless it is ended before.
    pub(crate) fn new(left: Duration, ended: &CancellationToken) -> Self {
        Self {
            left,
            ended: ended.clone(),
        }
    }

    /// Waits for the end.
    pub(crate) async fn over(self) {
        tokio::select! {
            () = tokio::time::sleep(self.left) => {}
            () = self.ended.cancelled() => {}
        }
    }
}
