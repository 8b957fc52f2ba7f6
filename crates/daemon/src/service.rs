//! The service inside the manager's own process.

use std::sync::{Arc, Weak};

use futures::StreamExt as _;
use futures::future::BoxFuture;
use syncmgr_control::client::ENDING;
use syncmgr_control::{Caller, Change, Changes, ExitCode, Refusal, Reply, Request, Service, What};
use syncmgr_core::request::Trigger;
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::run::Message;
use crate::serve::doorkeeper::{Doorkeeper, Post};

/// Asks the loop, for faces of this process and for the socket.
#[derive(Debug)]
pub struct LocalService {
    messages: mpsc::Sender<Message>,
    /// Weak, so that whoever follows hears that the loop is gone.
    views: broadcast::WeakSender<Arc<Change>>,
    doorkeeper: Arc<Doorkeeper>,
}

impl LocalService {
    /// Reaches the loop through these, and has a doorkeeper at its post.
    #[must_use]
    pub(crate) fn new(
        messages: mpsc::Sender<Message>,
        views: broadcast::WeakSender<Arc<Change>>,
        post: Post,
    ) -> Arc<Self> {
        Arc::new_cyclic(|this: &Weak<Self>| Self {
            messages,
            views,
            doorkeeper: Arc::new(Doorkeeper::new(this.clone() as _, post)),
        })
    }

    /// Who opens and closes Sync Center.
    pub(crate) fn doorkeeper(&self) -> &Arc<Doorkeeper> {
        &self.doorkeeper
    }

    async fn ask(&self, caller: Caller, request: Request) -> Result<Reply, Refusal> {
        if let Request::Enter { scope } = request {
            return self.doorkeeper.entry(scope).map(Reply::Entry);
        }
        let (reply, answer) = oneshot::channel();
        self.messages
            .send(Message::Ask {
                caller,
                request,
                reply,
            })
            .await
            .map_err(|_| ending())?;
        let mut reply = answer.await.map_err(|_| gone())??;
        // The loop knows no doors.
        if let Reply::Doctor(view) = &mut reply {
            view.checks.push(self.doorkeeper.check());
            view.exit = crate::doctor::worst(&view.checks);
        }
        Ok(reply)
    }

    /// Tells that something happened on the machine for which what is checked is synchronized. For sources of triggers:
    /// faces ask by [`Request::Sync`].
    pub async fn triggered(&self, trigger: Trigger) {
        if self
            .messages
            .send(Message::Triggered(trigger))
            .await
            .is_err()
        {
            tracing::debug!("the loop ended by itself");
        }
    }

    /// Ends the manager once nothing works any more.
    pub async fn finish(&self) {
        let (finished, end) = oneshot::channel();
        // Either error says that the loop is gone already.
        if self.messages.send(Message::Finish(finished)).await.is_ok() && end.await.is_err() {
            tracing::debug!("the loop ended by itself");
        }
    }

    /// Has the configuration read again.
    pub async fn reload(&self) {
        if self.messages.send(Message::Reload).await.is_err() {
            tracing::debug!("the loop ended by itself");
        }
    }

    /// Stops whatever works and ends the manager; again insists.
    pub async fn stop(&self) {
        if self.messages.send(Message::Stop).await.is_err() {
            tracing::debug!("the loop ended by itself");
        }
    }
}

/// The refusal of whatever comes when the loop takes nothing in any more: nothing of it was begun.
pub(crate) fn ending() -> Refusal {
    let mut refusal = Refusal::new(
        ENDING,
        "the manager is just ending",
        "run the command again: it is served by the next one",
    );
    refusal.exit = ExitCode::Failed;
    refusal
}

fn gone() -> Refusal {
    let mut refusal = Refusal::new(
        "control::gone",
        "the manager ended before it answered",
        "run the command again; `syncmgr doctor` tells what is wrong",
    );
    refusal.exit = ExitCode::Failed;
    refusal
}

impl Service for LocalService {
    fn call(&self, caller: Caller, request: Request) -> BoxFuture<'_, Result<Reply, Refusal>> {
        Box::pin(self.ask(caller, request))
    }

    fn changes(&self) -> BoxFuture<'_, Result<Changes, Refusal>> {
        let receiver = self.views.upgrade().map(|views| views.subscribe());
        Box::pin(async move { receiver.map(follow).ok_or_else(ending) })
    }
}

/// Turns what was lost into a gap that the reader sees.
fn follow(receiver: broadcast::Receiver<Arc<Change>>) -> Changes {
    let gap = |number| Change {
        number,
        at_ms: 0,
        what: What::Gap,
    };
    let rest = futures::stream::unfold(receiver, move |mut receiver| async move {
        match receiver.recv().await {
            Ok(change) => Some((Change::clone(&change), receiver)),
            Err(broadcast::error::RecvError::Lagged(_)) => Some((gap(0), receiver)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    });
    futures::stream::once(async move { gap(0) })
        .chain(rest)
        .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post() -> Post {
        Post {
            config: crate::serve::setting::CenterConfig::default(),
            token_file: std::path::PathBuf::new(),
            daemon: false,
            clock: Arc::new(crate::clock::SystemClock),
        }
    }

    fn asked(messages: mpsc::Sender<Message>) -> impl Future<Output = Result<Reply, Refusal>> {
        let (views, _) = broadcast::channel(4);
        let service = LocalService::new(messages, views.downgrade(), post());
        let caller = Caller {
            name: "a test".to_owned(),
        };
        async move { service.call(caller, Request::Status).await }
    }

    #[tokio::test]
    async fn whoever_asks_a_loop_that_ended_is_told_that_nothing_was_begun() {
        let (messages, queue) = mpsc::channel(4);
        drop(queue);
        assert_eq!(asked(messages).await.unwrap_err().code, ENDING);
    }

    #[tokio::test]
    async fn what_waits_for_a_loop_that_ends_is_refused() {
        let (messages, queue) = mpsc::channel(4);
        let answer = asked(messages);
        let refuse = async {
            while queue.is_empty() {
                tokio::task::yield_now().await;
            }
            crate::run::refuse_the_rest(queue).await;
        };
        let (answer, ()) = tokio::join!(answer, refuse);
        assert_eq!(answer.unwrap_err().code, ENDING);
    }

    #[tokio::test]
    async fn changes_end_with_the_loop() {
        let (messages, _queue) = mpsc::channel(4);
        let (views, _) = broadcast::channel(4);
        let service = LocalService::new(messages, views.downgrade(), post());
        let mut changes = service.changes().await.unwrap();
        let last = Change {
            number: 1,
            at_ms: 0,
            what: What::ItemsChanged,
        };
        assert!(views.send(Arc::new(last.clone())).is_ok());
        drop(views);
        let told: Vec<Change> = changes.by_ref().collect().await;
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(told.last(), Some(&last));
        assert_eq!(service.changes().await.err().unwrap().code, ENDING);
    }
}
