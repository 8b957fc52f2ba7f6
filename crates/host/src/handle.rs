//! The caller's end of an instance: calls, notices, and the wish that it ends.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde::Serialize;
use syncmgr_handler::Notice;
use syncmgr_handler::contract::MAX_IN_FLIGHT;
use syncmgr_handler::frame::{self, Answered, EncodeError, RpcError};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

use crate::spec::{Limits, StopReason};
use crate::stderr::Tail;

/// Most messages that wait for a handler to read them. A further call waits; a further notice is refused.
pub(crate) const MAX_OUTGOING: usize = 1024;

/// A call that brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The handler refused.
    #[error("the handler refused `{method}`")]
    Refused {
        /// The method.
        method: &'static str,
        /// Its words.
        #[source]
        error: RpcError,
    },
    /// The instance has ended, or ended before it answered.
    #[error("the handler ended before it answered `{method}`")]
    Gone {
        /// The method.
        method: &'static str,
    },
    /// The deadline passed; a later answer is dropped.
    #[error("the handler did not answer `{method}` within {} s", deadline.as_secs_f32())]
    Deadline {
        /// The method.
        method: &'static str,
        /// The deadline.
        deadline: Duration,
    },
    /// The answer is not of the contract.
    #[error("the handler answered `{method}` with something else")]
    Decode {
        /// The method.
        method: &'static str,
        /// What was wrong.
        #[source]
        cause: serde_json::Error,
    },
    /// The call fits into no line.
    #[error("`{method}` could not be sent")]
    Encode {
        /// The method.
        method: &'static str,
        /// Why.
        #[source]
        cause: EncodeError,
    },
}

/// A notice or an answer that was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The instance has ended or was asked to.
    #[error("the handler takes no further messages")]
    Gone,
    /// The handler does not read; the host ends it if that goes on.
    #[error("too many messages wait for the handler to read them")]
    Full,
    /// It fits into no line.
    #[error("the message could not be encoded")]
    Encode(#[from] EncodeError),
}

impl From<TrySendError<Vec<u8>>> for SendError {
    fn from(error: TrySendError<Vec<u8>>) -> Self {
        match error {
            TrySendError::Full(_) => Self::Full,
            TrySendError::Closed(_) => Self::Gone,
        }
    }
}

/// How an instance is wished to end; each part only ever grows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Wish {
    pub(crate) stop: Option<StopReason>,
    pub(crate) insisted: u32,
    pub(crate) kill: bool,
}

/// The number and the start of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) pid: u32,
    pub(crate) start_time: Option<u64>,
}

/// What the tasks of one instance and its handles share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) outgoing: mpsc::Sender<Vec<u8>>,
    pub(crate) questions: Arc<Semaphore>,
    pub(crate) identity: OnceLock<Identity>,
    /// The reader waits for room in the channel of events; silence is then ours.
    pub(crate) stalled: AtomicBool,
    calls: Arc<Semaphore>,
    pending: Mutex<Pending>,
    heard: AtomicU64,
    stderr: Mutex<Tail>,
}

type Answer = Result<String, RpcError>;

#[derive(Debug, Default)]
struct Pending {
    next: u64,
    waiting: HashMap<u64, oneshot::Sender<Answer>>,
    closed: bool,
}

impl Shared {
    pub(crate) fn new(limits: Limits) -> (Arc<Self>, mpsc::Receiver<Vec<u8>>) {
        let (outgoing, lines) = mpsc::channel(MAX_OUTGOING);
        let shared = Self {
            limits,
            outgoing,
            questions: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
            identity: OnceLock::new(),
            stalled: AtomicBool::new(false),
            calls: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
            pending: Mutex::default(),
            heard: AtomicU64::new(0),
            stderr: Mutex::default(),
        };
        (Arc::new(shared), lines)
    }

    /// Counts bytes that came from the handler.
    pub(crate) fn heard(&self, bytes: usize) {
        self.heard.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// How many bytes came from the handler.
    pub(crate) fn heard_bytes(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    pub(crate) fn stderr(&self) -> MutexGuard<'_, Tail> {
        enter(&self.stderr)
    }

    /// Hands an answer to whoever waits for it; false when no such request was ever made.
    pub(crate) fn answered(&self, id: u64, answer: Answer) -> bool {
        let mut pending = enter(&self.pending);
        let waiting = pending.waiting.remove(&id);
        let known = id < pending.next;
        drop(pending);
        if let Some(waiting) = waiting {
            // Whoever asked may have given up in this very moment.
            drop(waiting.send(answer));
        }
        known
    }

    /// Tells everybody who waits that no answer comes any more.
    pub(crate) fn close(&self) {
        let mut pending = enter(&self.pending);
        pending.closed = true;
        let waiting = std::mem::take(&mut pending.waiting);
        drop(pending);
        drop(waiting);
    }

    /// Encodes and numbers a request whose answer nobody waits for.
    pub(crate) fn unanswered<P: Answered>(&self, params: &P) -> Option<Vec<u8>> {
        let mut line = Vec::new();
        let mut pending = enter(&self.pending);
        let id = pending.next;
        pending.next += 1;
        drop(pending);
        frame::ask(&mut line, Some(id), P::METHOD, params).ok()?;
        Some(line)
    }
}

fn enter<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Talks to one instance; clones talk to the same one. When the last clone is dropped, the instance is stopped.
///
/// Never wait for a call in the same task that takes the events out of their channel: an answer may come behind events
/// that find no room.
#[derive(Debug, Clone)]
pub struct Handle {
    pub(crate) instance: u64,
    pub(crate) shared: Arc<Shared>,
    pub(crate) wish: Arc<watch::Sender<Wish>>,
}

impl Handle {
    /// The number that the instance was started with.
    #[must_use]
    pub fn instance(&self) -> u64 {
        self.instance
    }

    /// The number of the process; absent before it runs and for an instance in memory.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.shared.identity.get().map(|identity| identity.pid)
    }

    /// When the process was started, as [`crate::process::process_start_time`] gives it.
    #[must_use]
    pub fn start_time(&self) -> Option<u64> {
        self.shared.identity.get()?.start_time
    }

    /// Sends a request and waits for its answer, at most until the deadline. At most
    /// [`MAX_IN_FLIGHT`] calls are under way at once; a further one waits.
    /// Dropping the future gives up waiting; the handler still does what it was asked.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn call<P: Answered>(
        &self,
        params: &P,
        deadline: Option<Duration>,
    ) -> Result<P::Answer, CallError> {
        let answer = async { self.begin(params).await?.answer().await };
        let Some(deadline) = deadline else {
            return answer.await;
        };
        let method = P::METHOD;
        match tokio::time::timeout(deadline, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(CallError::Deadline { method, deadline }),
        }
    }

    /// Queues a request; its answer can be waited for later.
    pub(crate) async fn begin<P: Answered>(&self, params: &P) -> Result<Awaited<P>, CallError> {
        let method = P::METHOD;
        let gone = || CallError::Gone { method };
        let calls = Arc::clone(&self.shared.calls);
        let permit = calls.acquire_owned().await.map_err(|_| gone())?;
        let (sender, answer) = oneshot::channel();
        let id = {
            let mut pending = enter(&self.shared.pending);
            if pending.closed {
                return Err(gone());
            }
            let id = pending.next;
            pending.next += 1;
            pending.waiting.insert(id, sender);
            id
        };
        let awaited = Awaited {
            id,
            answer,
            shared: Arc::clone(&self.shared),
            _permit: permit,
            of: PhantomData,
        };
        let mut line = Vec::new();
        frame::ask(&mut line, Some(id), method, params)
            .map_err(|cause| CallError::Encode { method, cause })?;
        self.shared.outgoing.send(line).await.map_err(|_| gone())?;
        Ok(awaited)
    }

    /// Sends a notice without waiting.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn notify(&self, notice: &Notice) -> Result<(), SendError> {
        let mut line = Vec::new();
        notice.encode(&mut line, None)?;
        Ok(self.shared.outgoing.try_send(line)?)
    }

    /// Sends a notice, and waits while the handler does not read.
    pub(crate) async fn notify_in_turn(&self, notice: &Notice) -> Result<(), SendError> {
        let mut line = Vec::new();
        notice.encode(&mut line, None)?;
        let sent = self.shared.outgoing.send(line).await;
        sent.map_err(|_| SendError::Gone)
    }

    /// Asks the instance to end: `release`, then the end of its standard input; after the limits it is terminated, then
    /// killed. Returns at once; a stronger reason replaces a weaker one.
    pub fn stop(&self, reason: StopReason) {
        self.wish
            .send_modify(|wish| wish.stop = wish.stop.max(Some(reason)));
    }

    /// Climbs one rung of the ladder now, instead of waiting for its limit.
    pub fn insist(&self) {
        self.wish.send_modify(|wish| {
            wish.stop = wish.stop.max(Some(StopReason::Stopped));
            wish.insisted = wish.insisted.saturating_add(1);
        });
    }

    /// Kills the instance and everything that it started, now.
    pub fn kill(&self) {
        self.wish.send_modify(|wish| {
            wish.stop = wish.stop.max(Some(StopReason::Stopped));
            wish.kill = true;
        });
    }

    /// The last 64 KiB of its standard error so far, with anything that is not UTF-8 replaced.
    #[must_use]
    pub fn stderr_tail(&self) -> String {
        self.shared.stderr().text()
    }
}

/// A request on its way; dropping it gives up the answer.
pub(crate) struct Awaited<P> {
    id: u64,
    answer: oneshot::Receiver<Answer>,
    shared: Arc<Shared>,
    _permit: OwnedSemaphorePermit,
    of: PhantomData<fn() -> P>,
}

impl<P: Answered> Awaited<P> {
    pub(crate) async fn answer(mut self) -> Result<P::Answer, CallError> {
        let method = P::METHOD;
        match (&mut self.answer).await {
            Ok(Ok(text)) => {
                serde_json::from_str(&text).map_err(|cause| CallError::Decode { method, cause })
            }
            Ok(Err(error)) => Err(CallError::Refused { method, error }),
            Err(_) => Err(CallError::Gone { method }),
        }
    }
}

impl<P> Drop for Awaited<P> {
    fn drop(&mut self) {
        let waiting = enter(&self.shared.pending).waiting.remove(&self.id);
        drop(waiting);
    }
}

/// Where the answer to a question goes; dropping it answers with an error, so that no handler waits for ever.
#[derive(Debug)]
pub struct Reply {
    id: u64,
    outgoing: mpsc::Sender<Vec<u8>>,
    given: bool,
    _permit: OwnedSemaphorePermit,
}

impl Reply {
    pub(crate) fn new(
        id: u64,
        outgoing: mpsc::Sender<Vec<u8>>,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            id,
            outgoing,
            given: false,
            _permit: permit,
        }
    }

    /// Answers with the type that belongs to the question, such as
    /// [`Prompted`](syncmgr_handler::callback::Prompted) to `prompt`.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn answer<A: Serialize>(mut self, answer: &A) -> Result<(), SendError> {
        let mut line = Vec::new();
        frame::answer(&mut line, self.id, answer)?;
        self.given = true;
        Ok(self.outgoing.try_send(line)?)
    }

    /// Answers with an error.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn refuse(mut self, error: &RpcError) -> Result<(), SendError> {
        self.given = true;
        self.send_refusal(error)
    }

    fn send_refusal(&self, error: &RpcError) -> Result<(), SendError> {
        let mut line = Vec::new();
        frame::refuse(&mut line, Some(self.id), error)?;
        Ok(self.outgoing.try_send(line)?)
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if !self.given {
            let error = RpcError::new(RpcError::INTERNAL, "nobody answered");
            // A handler that does not read is ended anyway.
            drop(self.send_refusal(&error));
        }
    }
}
