//! Notices on systems where nothing shows them.

use syncmgr_core::notice::Notice;
use tokio::sync::mpsc;

use super::Trouble;

const BECAUSE: &str = "notices are shown on Linux alone";

/// Who shows notices, or why nobody does.
pub(crate) async fn probe() -> Result<String, String> {
    std::future::ready(Err(BECAUSE.to_owned())).await
}

/// Takes notices, and says why they are not shown.
pub(super) async fn serve(mut queue: mpsc::Receiver<Notice>, trouble: Trouble) {
    while queue.recv().await.is_some() {
        trouble.set(Some(BECAUSE.to_owned()));
    }
}
