//! Following the manager: a snapshot, then another whenever something changed, and patience while there is none.

use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use syncmgr_control::{Caller, Refusal, Reply, Request, Service};
use tokio::sync::watch::Sender;

use crate::Reach;
use crate::face::Face;

/// Shortest time between two looks: what flickers more often is read by nobody.
pub(crate) const PACE: Duration = Duration::from_secs(1);

/// How long after the end of a manager it is looked for again; twice as long each time.
const AGAIN_FIRST: Duration = Duration::from_secs(1);

/// The longest of these times.
const AGAIN_LAST: Duration = Duration::from_secs(60);

/// Shows what becomes of everything, for as long as somebody looks.
pub(crate) async fn follow(reach: &Reach, caller: &Caller, show: &Sender<Face>) {
    let mut again = AGAIN_FIRST;
    loop {
        if let Ok(service) = reach().await {
            match look(&*service, caller, show).await {
                Ok(()) => again = AGAIN_FIRST,
                Err(refusal) => tracing::debug!(%refusal, "the manager answers nothing"),
            }
        }
        put(show, Face::away());
        if show.is_closed() {
            return;
        }
        tokio::time::sleep(again).await;
        again = (again * 2).min(AGAIN_LAST);
    }
}

/// Follows one manager to its end.
async fn look(service: &dyn Service, caller: &Caller, show: &Sender<Face>) -> Result<(), Refusal> {
    let mut changes = service.changes().await?;
    loop {
        if let Reply::Status(status) = service.call(caller.clone(), Request::Status).await? {
            put(show, Face::of(&status));
        }
        tokio::time::sleep(PACE).await;
        if changes.next().await.is_none() {
            return Ok(());
        }
        // One snapshot answers for all that came meanwhile.
        while let Some(change) = changes.next().now_or_never() {
            if change.is_none() {
                return Ok(());
            }
        }
    }
}

/// Shows it, unless it is shown already.
fn put(show: &Sender<Face>, face: Face) {
    show.send_if_modified(|shown| {
        let new = *shown != face;
        *shown = face;
        new
    });
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, Mutex};

    use futures::future::BoxFuture;
    use syncmgr_control::{Change, Changes, What};
    use tokio::sync::{mpsc, watch};

    use super::*;
    use crate::face::State;

    /// A manager whose `status` counts how often it is asked, and whose changes the test sends.
    #[derive(Default)]
    struct Counting {
        asked: AtomicU64,
        follower: Mutex<Option<mpsc::UnboundedSender<Change>>>,
    }

    impl Service for Counting {
        fn call(&self, _: Caller, _: Request) -> BoxFuture<'_, Result<Reply, Refusal>> {
            let asked = self.asked.fetch_add(1, Ordering::SeqCst);
            let status = serde_json::from_value(serde_json::json!({
                "verdict": {"sentence": format!("Look {asked}."), "exit": "good"},
                "items": [], "total": 0, "needs": 0, "conflicts": 0, "running": [], "daemon": true,
            }));
            futures::future::ready(Ok(Reply::Status(status.unwrap()))).boxed()
        }

        fn changes(&self) -> BoxFuture<'_, Result<Changes, Refusal>> {
            let (sender, receiver) = mpsc::unbounded_channel();
            *self.follower.lock().unwrap() = Some(sender);
            let changes = futures::stream::unfold(receiver, async |mut receiver| {
                Some((receiver.recv().await?, receiver))
            });
            futures::future::ready(Ok(changes.boxed())).boxed()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn looks_at_most_once_a_second_and_finds_the_next_manager() {
        let service = Arc::new(Counting::default());
        let there: Arc<dyn Service> = Arc::clone(&service) as _;
        let reach: Reach = Arc::new(move || {
            let there = Arc::clone(&there);
            async move { Ok(there) }.boxed()
        });
        let (show, mut faces) = watch::channel(Face::away());
        let caller = Caller {
            name: "test".to_owned(),
        };
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(async move { follow(&reach, &caller, &show).await });
        faces.changed().await.unwrap();
        assert_eq!(faces.borrow_and_update().state, State::Well);
        let change = |number| Change {
            number,
            at_ms: 0,
            what: What::Gap,
        };
        let began = tokio::time::Instant::now();
        for number in 0..300 {
            let follower = service.follower.lock().unwrap().clone().unwrap();
            follower.send(change(number)).unwrap();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let seconds = began.elapsed().as_secs();
        let asked = service.asked.load(Ordering::SeqCst);
        assert!((2..=seconds + 1).contains(&asked), "{asked} in {seconds} s");
        // Where nothing changes nobody looks.
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert_eq!(service.asked.load(Ordering::SeqCst), asked + 1);
        faces.borrow_and_update();
        // The manager ends, and the next one is found.
        service.follower.lock().unwrap().take();
        faces.changed().await.unwrap();
        assert_eq!(*faces.borrow_and_update(), Face::away());
        faces.changed().await.unwrap();
        assert_eq!(faces.borrow_and_update().state, State::Well);
    }
}
