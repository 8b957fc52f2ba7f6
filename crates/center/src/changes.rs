//! Changes to whoever follows: each is written once, however many follow, and the last ones are kept for those who come back.
//!
//! What comes in quick succession goes out together: the more follow, the longer it is gathered, so that telling never takes
//! more than a part of one processor. Whoever follows alone is told at once.
//!
//! Two forms of the same: a JSON object a line, and server-sent events. An event's id is `LIFE.NUMBER`; who comes back with the
//! last id that it saw (`Last-Event-ID`) is told what it missed, or of a gap when that is too long ago or from an earlier
//! life of the manager: then it reads its snapshot again.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use futures::stream::{self, BoxStream, Fuse};
use futures::{FutureExt as _, Stream, StreamExt as _};
use syncmgr_control::{Change, Changes, Refusal, Service, What};
use tokio::sync::broadcast;
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;

/// Changes that are kept for those who come back.
pub(crate) const KEPT: usize = 1_024;
/// Batches that may wait for a slow reader; beyond them it is told of a gap.
const WAITING: usize = 512;
/// Longest batch: what is longer, or further than that, is the next one.
const MAX_BATCH_BYTES: usize = 32 * 1024;
/// For how long changes are gathered, for each who follows but the first. Writing to one takes about a twentieth of it.
const GATHER_EACH: Duration = Duration::from_micros(250);
/// Longest time for which changes are gathered: what a person takes for at once.
const GATHER_MOST: Duration = Duration::from_millis(50);
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

/// Changes that go out together, in each form.
#[derive(Debug)]
struct Batch {
    /// The last one; absent for a gap.
    newest: Option<u64>,
    lines: Bytes,
    events: Bytes,
}

impl Batch {
    fn of(&self, form: Form) -> &Bytes {
        match form {
            Form::Lines => &self.lines,
            Form::Events => &self.events,
        }
    }
}

/// Changes on their way into a batch.
#[derive(Debug, Default)]
struct Gathered {
    lines: Vec<u8>,
    events: Vec<u8>,
    /// The number of each, where its line is, and where its event.
    places: Vec<(u64, Range<usize>, Range<usize>)>,
}

impl Gathered {
    /// Writes one more down, unless it is a gap: what comes after one does not belong together with what was before.
    fn add(&mut self, life: u64, change: &Change) {
        let Ok(json) = serde_json::to_vec(change) else {
            return;
        };
        let (line, event) = (self.lines.len(), self.events.len());
        self.lines.extend_from_slice(&json);
        self.lines.push(b'\n');
        let id = format!("id: {life}.{}\n", change.number);
        for part in [id.as_bytes(), b"data: ", &json, b"\n\n"] {
            self.events.extend_from_slice(part);
        }
        let places = (line..self.lines.len(), event..self.events.len());
        self.places.push((change.number, places.0, places.1));
    }

    fn is_full(&self) -> bool {
        self.events.len() >= MAX_BATCH_BYTES
    }
}

/// A change that is kept, as a part of the batch that it went out with.
#[derive(Debug)]
struct Kept {
    number: u64,
    line: Bytes,
    event: Bytes,
}

/// What goes to all who follow.
#[derive(Debug, Default)]
struct Feed {
    /// The last ones, oldest first.
    kept: VecDeque<Kept>,
    /// Whoever follows now; absent while nobody does, and nothing is kept then.
    sender: Option<broadcast::Sender<Arc<Batch>>>,
}

impl Feed {
    /// Keeps changes and tells them. Under one lock, so that nobody who comes now has them twice or never.
    fn tell(&mut self, gathered: Gathered) {
        let Gathered {
            lines,
            events,
            places,
        } = gathered;
        let batch = Batch {
            newest: places.last().map(|(number, _, _)| *number),
            lines: lines.into(),
            events: events.into(),
        };
        for (number, line, event) in places {
            if self.kept.len() >= KEPT {
                self.kept.pop_front();
            }
            self.kept.push_back(Kept {
                number,
                line: batch.lines.slice(line),
                event: batch.events.slice(event),
            });
        }
        self.send(batch);
    }

    /// Tells that something is missing; whoever comes back later must read again.
    fn tell_gap(&mut self) {
        self.kept.clear();
        self.send(gap());
    }

    fn followers(&self) -> usize {
        let sender = self.sender.as_ref();
        sender.map_or(0, broadcast::Sender::receiver_count)
    }

    fn send(&self, batch: Batch) {
        if let Some(sender) = &self.sender {
            // Without anybody there it is only kept.
            drop(sender.send(Arc::new(batch)));
        }
    }
}

/// Says that something is missing, or that the stream begins: the snapshot is to be read.
fn gap() -> Batch {
    let gap = Change {
        number: 0,
        at_ms: 0,
        what: What::Gap,
    };
    let json = serde_json::to_vec(&gap).unwrap_or_default();
    Batch {
        newest: None,
        lines: [&json, &b"\n"[..]].concat().into(),
        events: [b"data: ", &json[..], b"\n\n"].concat().into(),
    }
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

    /// Streams changes in a form, from where a reader was before, until whoever follows is no longer let in.
    pub(crate) async fn respond(
        &self,
        service: &Arc<dyn Service>,
        form: Form,
        last: Option<&str>,
        over: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Response, Refusal> {
        let frames = self.follow(service, form, last).await?.take_until(over);
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
        form: Form,
        last: Option<&str>,
    ) -> Result<BoxStream<'static, Bytes>, Refusal> {
        let receiver = self.receiver(service).await?;
        // Subscribed first: what comes between is in both, and told once.
        let (missed, seen) = self.missed(form, last);
        let rest = stream::unfold((receiver, seen), move |(mut receiver, seen)| async move {
            loop {
                let batch = match receiver.recv().await {
                    Ok(batch) if batch.newest.is_some_and(|newest| newest <= seen) => continue,
                    Ok(batch) => batch,
                    Err(broadcast::error::RecvError::Lagged(_)) => Arc::new(gap()),
                    Err(broadcast::error::RecvError::Closed) => return None,
                };
                let seen = batch.newest.unwrap_or(seen);
                return Some((batch.of(form).clone(), (receiver, seen)));
            }
        });
        Ok(stream::iter(missed).chain(rest).boxed())
    }

    /// What a reader missed that saw this id last, and the number after which it goes on.
    fn missed(&self, form: Form, last: Option<&str>) -> (Vec<Bytes>, u64) {
        let feed = self.locked();
        let newest = feed.kept.back().map_or(0, |kept| kept.number);
        let known = last.and_then(|id| {
            let (life, number) = id.split_once('.')?;
            let number: u64 = number.parse().ok()?;
            let oldest = feed.kept.front()?.number;
            // The one after the last that was seen must still be there.
            let is_kept = number.saturating_add(1) >= oldest && number <= newest;
            (life.parse() == Ok(self.life) && is_kept).then_some(number)
        });
        let missed = match known {
            Some(last) => {
                let missed = feed.kept.iter().filter(|kept| kept.number > last);
                let frames = missed.map(|kept| match form {
                    Form::Lines => kept.line.clone(),
                    Form::Events => kept.event.clone(),
                });
                frames.collect()
            }
            None => vec![gap().of(form).clone()],
        };
        (missed, newest)
    }

    async fn receiver(
        &self,
        service: &Arc<dyn Service>,
    ) -> Result<broadcast::Receiver<Arc<Batch>>, Refusal> {
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
        feed.sender = Some(sender);
        feed.kept.clear();
        drop(feed);
        spawn(write(self.clone(), changes));
        Ok(receiver)
    }

    /// The next change; none once nobody followed for a while, or once the manager ended and everything was told. Then nothing
    /// is kept, and who comes next begins anew.
    async fn next(
        &self,
        changes: &mut Fuse<Changes>,
        alone: &mut Pin<Box<Sleep>>,
    ) -> Option<Change> {
        loop {
            let change = tokio::select! {
                biased;
                change = changes.next() => change,
                () = &mut *alone => {
                    let mut feed = self.locked();
                    if feed.followers() == 0 {
                        *feed = Feed::default();
                        return None;
                    }
                    drop(feed);
                    *alone = Box::pin(tokio::time::sleep(LINGER));
                    continue;
                }
                () = self.closing.cancelled() => None,
            };
            if change.is_none() {
                *self.locked() = Feed::default();
            }
            return change;
        }
    }

    /// Tells what was gathered, and whether something is missing after it; answers how many follow.
    fn tell(&self, gathered: Gathered, lost: bool) -> usize {
        let mut feed = self.locked();
        if !gathered.places.is_empty() {
            feed.tell(gathered);
        }
        if lost {
            feed.tell_gap();
        }
        feed.followers()
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

/// Writes each change once and keeps the last ones.
async fn write(followed: Followed, changes: Changes) {
    let mut changes = changes.fuse();
    let mut alone = Box::pin(tokio::time::sleep(LINGER));
    let mut begins = true;
    while let Some(change) = followed.next(&mut changes, &mut alone).await {
        let mut gathered = Gathered::default();
        let mut next = Some(change);
        let mut lost = false;
        // What is there already goes out together, up to where something is missing.
        while let Some(change) = next.take() {
            lost = matches!(change.what, What::Gap);
            if !lost {
                gathered.add(followed.life, &change);
                if !gathered.is_full() {
                    next = changes.next().now_or_never().flatten();
                }
            }
        }
        let is_full = gathered.is_full();
        // Every reader was told already that its stream begins.
        let is_beginning = std::mem::take(&mut begins) && gathered.places.is_empty();
        let followers = followed.tell(gathered, lost && !is_beginning);
        if !is_full {
            tokio::select! {
                () = tokio::time::sleep(gather_for(followers)) => {}
                () = followed.closing.cancelled() => {}
            }
        }
    }
}

/// For how long changes are gathered when so many follow.
fn gather_for(followers: usize) -> Duration {
    let others = u32::try_from(followers.saturating_sub(1)).unwrap_or(u32::MAX);
    GATHER_EACH.saturating_mul(others).min(GATHER_MOST)
}

fn with_heartbeat(frames: impl Stream<Item = Bytes> + Send + 'static) -> BoxStream<'static, Bytes> {
    stream::unfold(Box::pin(frames), |mut frames| async move {
        let frame = tokio::time::timeout(HEARTBEAT, frames.next()).await;
        match frame {
            Ok(Some(frame)) => Some((frame, frames)),
            Ok(None) => None,
            Err(_) => Some((
                Bytes::from_static(
                    b":

",
                ),
                frames,
            )),
        }
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(number: u64) -> Change {
        let what = What::NeedClosed { id: number };
        Change {
            number,
            at_ms: 0,
            what,
        }
    }

    #[test]
    fn what_is_kept_is_a_part_of_what_went_out() {
        let mut feed = Feed::default();
        for from in (1..=2 * KEPT as u64).step_by(4) {
            let mut gathered = Gathered::default();
            (from..from + 4).for_each(|number| gathered.add(7, &change(number)));
            feed.tell(gathered);
        }
        assert_eq!(feed.kept.len(), KEPT);
        let last = feed.kept.back().unwrap();
        let number = 2 * KEPT as u64;
        let json = serde_json::to_string(&change(number)).unwrap();
        assert_eq!(last.number, number);
        assert_eq!(
            last.line,
            format!(
                "{json}
"
            )
        );
        assert_eq!(
            last.event,
            format!(
                "id: 7.{number}
data: {json}

"
            )
        );
        feed.tell_gap();
        assert!(feed.kept.is_empty());
    }

    #[test]
    fn who_follows_alone_waits_for_nothing_and_nobody_waits_long() {
        assert_eq!(gather_for(0), Duration::ZERO);
        assert_eq!(gather_for(1), Duration::ZERO);
        assert!(gather_for(20) < Duration::from_millis(5));
        assert_eq!(gather_for(250), GATHER_MOST);
        assert_eq!(gather_for(usize::MAX), GATHER_MOST);
    }
}
