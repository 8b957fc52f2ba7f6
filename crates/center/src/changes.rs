//! Changes to whoever follows: each is written once, however many follow, and the last ones are kept for those who come back.
//!
//! Two forms of the same: a JSON object a line, and server-sent events. An event's id is `LIFE.NUMBER`; who comes back with the
//! last id that it saw (`Last-Event-ID`) is told what it missed, or of a gap when that is too long ago or from an earlier
//! life of the manager: then it reads its snapshot again.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt as _};
use syncmgr_control::{Change, Changes, Refusal, Service, What};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

/// Changes that are kept for those who come back.
pub(crate) const KEPT: usize = 1_024;
/// Changes that may wait for a slow reader; beyond them it is told of a gap.
const WAITING: usize = 8_192;
/// A silent stream says so often that it is still there, so that a dead one is noticed.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The form of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A JSON object a line.
    Lines,
    /// Server-sent events.
    Events,
}

/// A change as it is sent.
#[derive(Debug)]
struct Written {
    /// Absent for a gap.
    number: Option<u64>,
    json: Bytes,
}

/// What goes to all who follow.
#[derive(Debug, Default)]
struct Feed {
    /// The last ones, oldest first.
    kept: VecDeque<(u64, Arc<Written>)>,
    /// Whoever follows now; absent while nobody does, and nothing is kept then.
    sender: Option<broadcast::Sender<Arc<Written>>>,
}

/// Where changes are followed.
#[derive(Debug, Clone)]
pub(crate) struct Followed {
    feed: Arc<Mutex<Feed>>,
    /// Tells this life of the manager from others.
    life: u64,
    closing: CancellationToken,
}

impl Followed {
    pub(crate) fn new(life: u64, closing: CancellationToken) -> Self {
        Self {
            feed: Arc::default(),
            life,
            closing,
        }
    }

    /// Streams changes in a form, from where a reader was before.
    pub(crate) async fn respond(
        &self,
        service: &Arc<dyn Service>,
        form: Form,
        last: Option<&str>,
    ) -> Result<Response, Refusal> {
        let changes = self.follow(service, last).await?;
        let life = self.life;
        let frames = changes.map(move |change| frame(form, life, change));
        let media_type = match form {
            Form::Lines => "application/x-ndjson",
            Form::Events => "text/event-stream",
        };
        let body = match form {
            Form::Lines => Body::from_stream(frames.map(Ok::<_, Infallible>)),
            Form::Events => Body::from_stream(with_heartbeat(frames).map(Ok::<_, Infallible>)),
        };
        let headers = [
            (header::CONTENT_TYPE, media_type),
            (header::CACHE_CONTROL, "no-store"),
        ];
        Ok((headers, body).into_response())
    }

    /// What happens from now on, after what was missed.
    async fn follow(
        &self,
        service: &Arc<dyn Service>,
        last: Option<&str>,
    ) -> Result<BoxStream<'static, Told>, Refusal> {
        let receiver = self.receiver(service).await?;
        // Subscribed first: what comes between is in both, and told once.
        let (missed, seen) = self.missed(last);
        let rest = stream::unfold((receiver, seen), |(mut receiver, mut seen)| async move {
            loop {
                match receiver.recv().await {
                    Ok(change) if change.number.is_some_and(|number| number <= seen) => {}
                    Ok(change) => {
                        seen = change.number.unwrap_or(seen);
                        return Some((Told::Change(change), (receiver, seen)));
                    }
                    Err(broadcast::error::RecvError::Lagged(_)) => {
                        return Some((Told::Gap, (receiver, seen)));
                    }
                    Err(broadcast::error::RecvError::Closed) => return None,
                }
            }
        });
        Ok(stream::iter(missed).chain(rest).boxed())
    }

    /// What a reader missed that saw this id last, and the number after which it goes on.
    fn missed(&self, last: Option<&str>) -> (Vec<Told>, u64) {
        let feed = self.locked();
        let newest = feed.kept.back().map_or(0, |(number, _)| *number);
        let known = last.and_then(|id| {
            let (life, number) = id.split_once('.')?;
            let number: u64 = number.parse().ok()?;
            let (oldest, _) = feed.kept.front()?;
            // The one after the last that was seen must still be there.
            let is_kept = number.saturating_add(1) >= *oldest && number <= newest;
            (life.parse() == Ok(self.life) && is_kept).then_some(number)
        });
        let missed = match known {
            Some(last) => {
                let missed = feed.kept.iter().filter(|(number, _)| *number > last);
                missed
                    .map(|(_, change)| Told::Change(Arc::clone(change)))
                    .collect()
            }
            None => vec![Told::Gap],
        };
        (missed, newest)
    }

    async fn receiver(
        &self,
        service: &Arc<dyn Service>,
    ) -> Result<broadcast::Receiver<Arc<Written>>, Refusal> {
        if let Some(sender) = &self.locked().sender {
            return Ok(sender.subscribe());
        }
        let changes = service.changes().await?;
        let mut feed = self.locked();
        // Somebody else may have been faster.
        if let Some(sender) = &feed.sender {
            return Ok(sender.subscribe());
        }
        let (sender, receiver) = broadcast::channel(WAITING);
        feed.sender = Some(sender.clone());
        feed.kept.clear();
        drop(feed);
        let closing = self.closing.clone();
        spawn(write(Arc::clone(&self.feed), changes, sender, closing));
        Ok(receiver)
    }

    fn locked(&self) -> MutexGuard<'_, Feed> {
        self.feed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs until nobody follows any more.
#[expect(
    clippy::disallowed_methods,
    reason = "one task an address, which ends by itself when nobody follows"
)]
fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(task));
}

/// How long changes are kept when nobody follows: a page that is loaded anew comes back within it.
const LINGER: Duration = Duration::from_secs(60);

/// Writes each change once, keeps the last ones, and ends when nobody followed for a while, or with the manager once everything
/// was told.
async fn write(
    feed: Arc<Mutex<Feed>>,
    mut changes: Changes,
    sender: broadcast::Sender<Arc<Written>>,
    closing: CancellationToken,
) {
    let locked = || feed.lock().unwrap_or_else(PoisonError::into_inner);
    let mut alone = Box::pin(tokio::time::sleep(LINGER));
    let mut begins = true;
    loop {
        let change = tokio::select! {
            biased;
            change = changes.next() => change,
            () = &mut alone => {
                let mut feed = locked();
                if sender.receiver_count() == 0 {
                    *feed = Feed::default();
                    return;
                }
                drop(feed);
                alone = Box::pin(tokio::time::sleep(LINGER));
                continue;
            }
            () = closing.cancelled() => None,
        };
        let Some(change) = change else {
            *locked() = Feed::default();
            return;
        };
        let is_gap = matches!(change.what, What::Gap);
        // Every reader was told already that its stream begins.
        if std::mem::take(&mut begins) && is_gap {
            continue;
        }
        let Ok(json) = serde_json::to_vec(&change) else {
            continue;
        };
        let written = Arc::new(Written {
            number: (!is_gap).then_some(change.number),
            json: json.into(),
        });
        let mut feed = locked();
        if is_gap {
            // Of what was kept something is missing: who comes back must read again.
            feed.kept.clear();
        } else {
            if feed.kept.len() >= KEPT {
                feed.kept.pop_front();
            }
            feed.kept.push_back((change.number, Arc::clone(&written)));
        }
        // Under the lock, so that nobody who comes now has it twice or never. Without anybody there it is only kept.
        drop(sender.send(written));
        drop(feed);
    }
}

/// What is told to one reader.
#[derive(Debug)]
enum Told {
    Change(Arc<Written>),
    /// Something is missing, or the stream begins: the snapshot is to be read.
    Gap,
}

fn frame(form: Form, life: u64, told: Told) -> Bytes {
    let (number, json) = match told {
        Told::Change(change) => (change.number, change.json.clone()),
        Told::Gap => {
            let gap = Change {
                number: 0,
                at_ms: 0,
                what: What::Gap,
            };
            (None, serde_json::to_vec(&gap).unwrap_or_default().into())
        }
    };
    match form {
        Form::Lines => [json.as_ref(), b"\n"].concat().into(),
        Form::Events => {
            let id = number.map_or_else(String::new, |number| format!("id: {life}.{number}\n"));
            [id.as_bytes(), b"data: ", json.as_ref(), b"\n\n"]
                .concat()
                .into()
        }
    }
}

fn with_heartbeat(frames: impl Stream<Item = Bytes> + Send + 'static) -> BoxStream<'static, Bytes> {
    stream::unfold(Box::pin(frames), |mut frames| async move {
        let frame = tokio::time::timeout(HEARTBEAT, frames.next()).await;
        match frame {
            Ok(Some(frame)) => Some((frame, frames)),
            Ok(None) => None,
            Err(_) => Some((Bytes::from_static(b":\n\n"), frames)),
        }
    })
    .boxed()
}
