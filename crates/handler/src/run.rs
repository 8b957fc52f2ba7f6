//! One piece of work of a handler: what it is about, how it reports, asks, and learns that it is to end.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::call::Verdict;
use crate::callback::{
    AddItem, Allowed, Callback, Changed, CommitItem, Connected, DeleteLog, EnableModeless,
    EstablishConnection, Failure, LateItems, Level, Log, PlanAction, PlanActions, Progress, Prompt,
    Prompted, ProposeItem, QueryLateItems, Status, WithdrawPrompt,
};
use crate::contract::{MAX_DETAIL_BYTES, MAX_ENTRY_BYTES, MAX_IN_FLIGHT, MAX_PAGE, MAX_TEXT_UNITS};
use crate::frame::{Answered, RpcError};
use crate::item::{Answer, Counts, Item, ItemId};
use crate::link::enter;
use crate::outbox::{Outbox, SendError, clock};

/// Actions of a plan are sent when they take about this many bytes, well below the longest line.
const ACTION_BYTES: usize = 256 << 10;

/// Why a question got no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AskError {
    /// The run, or the item that the question was about, was cancelled meanwhile.
    #[error("the run was cancelled")]
    Cancelled,
    /// The manager refused the question.
    #[error("the manager refused the question")]
    Refused(#[source] RpcError),
    /// The manager is gone.
    #[error("the manager is gone")]
    Gone,
    /// The question or its answer is not of the contract.
    #[error("the question or its answer is not of the contract")]
    Malformed,
}

/// Why work did not end well.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfinished {
    /// It failed as a whole. Failures of single items are told by [`Run::failed`] instead.
    #[error("{reason}")]
    Failed {
        /// Why, as a fragment.
        reason: String,
        /// Whether trying again may help.
        failure: Failure,
        /// Trying again before this has passed is in vain.
        retry_after: Option<Duration>,
    },
    /// It ended because it was asked to.
    #[error("cancelled")]
    Cancelled,
}

impl Unfinished {
    /// A failure that may pass by itself.
    pub fn soft(reason: impl Into<String>) -> Self {
        Self::Failed {
            reason: reason.into(),
            failure: Failure::Soft,
            retry_after: None,
        }
    }

    /// A failure that passes by itself, but not before a while: what a server said of trying again.
    pub fn until(reason: impl Into<String>, retry_after: Duration) -> Self {
        Self::Failed {
            reason: reason.into(),
            failure: Failure::Soft,
            retry_after: Some(retry_after),
        }
    }

    /// A failure that stays until somebody does something.
    pub fn hard(reason: impl Into<String>) -> Self {
        Self::Failed {
            reason: reason.into(),
            failure: Failure::Hard,
            retry_after: None,
        }
    }
}

/// A span as the contract has it, never shorter than it is.
pub(crate) fn whole_seconds(span: Duration) -> u64 {
    span.as_secs()
        .saturating_add(u64::from(span.subsec_nanos() > 0))
}

/// How far a piece of work was cancelled; only ever rises (3.5.6: a level, not an edge).
#[derive(Debug, Default)]
pub(crate) struct Cancellation {
    all: AtomicBool,
    any: AtomicBool,
    items: Mutex<HashSet<ItemId>>,
}

impl Cancellation {
    pub(crate) fn raise(&self, item: Option<&ItemId>, verdict: Verdict) {
        match (verdict, item) {
            (Verdict::Continue, _) => {}
            (Verdict::CancelItem, Some(item)) => {
                enter(&self.items).insert(item.clone());
                self.any.store(true, Ordering::Release);
            }
            (Verdict::CancelItem, None) | (Verdict::CancelAll, _) => {
                self.all.store(true, Ordering::Release);
            }
        }
    }

    fn verdict(&self, item: Option<&ItemId>) -> Verdict {
        if self.all.load(Ordering::Acquire) {
            return Verdict::CancelAll;
        }
        match item {
            Some(item) if self.any.load(Ordering::Acquire) && enter(&self.items).contains(item) => {
                Verdict::CancelItem
            }
            _ => Verdict::Continue,
        }
    }
}

/// What all work of one instance shares: the way to the manager and the questions that wait.
#[derive(Default)]
pub(crate) struct Desk {
    pub(crate) outbox: Outbox,
    waiting: Mutex<Waiting>,
    changed: Condvar,
    next: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    answers: HashMap<u64, Option<Result<String, RpcError>>>,
    gone: bool,
}

impl Desk {
    /// Hands the answer to the thread that asked; one that nobody waits for is dropped.
    pub(crate) fn answered(&self, id: u64, answer: Result<String, RpcError>) {
        if let Some(slot) = enter(&self.waiting).answers.get_mut(&id) {
            *slot = Some(answer);
        }
        self.changed.notify_all();
    }

    /// Wakes whoever waits for an answer, because something was cancelled.
    pub(crate) fn wake(&self) {
        // Entered so that nobody is between looking at the verdict and beginning to wait.
        drop(enter(&self.waiting));
        self.changed.notify_all();
    }

    /// Nobody answers any more.
    pub(crate) fn gone(&self) {
        enter(&self.waiting).gone = true;
        self.changed.notify_all();
    }

    fn ask<P: Answered>(
        &self,
        params: &P,
        cancelled: impl Fn() -> bool,
    ) -> Result<P::Answer, AskError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let waiting = self
            .changed
            .wait_while(enter(&self.waiting), |waiting| {
                !waiting.gone && !cancelled() && waiting.answers.len() >= MAX_IN_FLIGHT
            })
            .unwrap_or_else(PoisonError::into_inner);
        if cancelled() {
            return Err(AskError::Cancelled);
        }
        if waiting.gone {
            return Err(AskError::Gone);
        }
        let mut waiting = waiting;
        waiting.answers.insert(id, None);
        drop(waiting);
        let sent = self.outbox.ask(Some(id), P::METHOD, params);
        let mut waiting = enter(&self.waiting);
        if sent.is_ok() {
            waiting = self
                .changed
                .wait_while(waiting, |waiting| {
                    !waiting.gone && !cancelled() && matches!(waiting.answers.get(&id), Some(None))
                })
                .unwrap_or_else(PoisonError::into_inner);
        }
        let answer = waiting.answers.remove(&id).flatten();
        drop(waiting);
        self.changed.notify_all();
        match (sent, answer) {
            (Err(SendError::Gone), _) => Err(AskError::Gone),
            (Err(SendError::Encode(_)), _) => Err(AskError::Malformed),
            (Ok(()), Some(Ok(text))) => {
                serde_json::from_str(&text).map_err(|_| AskError::Malformed)
            }
            (Ok(()), Some(Err(error))) => Err(AskError::Refused(error)),
            (Ok(()), None) if cancelled() => Err(AskError::Cancelled),
            (Ok(()), None) => Err(AskError::Gone),
        }
    }

    /// Sends a notification. What cannot be sent is lost: the manager is gone, or the author made a line of a megabyte
    /// out of something that is not cut, and then a log entry says so.
    pub(crate) fn tell(&self, callback: &Callback) {
        let told = match callback {
            Callback::Progress(params) => self.outbox.ask(None, callback.method(), params),
            Callback::Log(params) => self.outbox.ask(None, callback.method(), params),
            Callback::DeleteLog(params) => self.outbox.ask(None, callback.method(), params),
            Callback::Violation(params) => self.outbox.ask(None, callback.method(), params),
            Callback::PrepareCompleted(params) | Callback::SynchronizeCompleted(params) => {
                self.outbox.ask(None, callback.method(), params)
            }
            Callback::PropertiesCompleted(params) => {
                self.outbox.ask(None, callback.method(), params)
            }
            Callback::ErrorCompleted(params) => self.outbox.ask(None, callback.method(), params),
            Callback::PlanActions(params) => self.outbox.ask(None, callback.method(), params),
            Callback::ItemsChanged(params) | Callback::ConflictsChanged(params) => {
                self.outbox.ask(None, callback.method(), params)
            }
            Callback::WithdrawPrompt(params) => self.outbox.ask(None, callback.method(), params),
        };
        if let Err(SendError::Encode(cause)) = told {
            let text = format!(
                "a `{}` message could not be sent: {cause}",
                callback.method()
            );
            let entry = entry(Level::Warning, text);
            // A short entry can fail only because nobody reads any more.
            drop(self.outbox.ask(None, "log", &entry));
        }
    }
}

fn entry(level: Level, text: String) -> Log {
    Log {
        level,
        text,
        item: None,
        detail: None,
        error: None,
        jump: false,
    }
}

/// One piece of work: a run from `prepare` to the end of `synchronize`, a plan, an undo, or showing something.
///
/// It can be shared by any number of threads of the author's.
#[derive(Clone)]
pub struct Run {
    pub(crate) desk: Arc<Desk>,
    pub(crate) cancellation: Arc<Cancellation>,
    pub(crate) about: Arc<About>,
}

/// What a run is about.
#[derive(Debug, Default)]
pub(crate) struct About {
    pub(crate) items: Vec<ItemId>,
    pub(crate) run: String,
    pub(crate) answers: Vec<Answer>,
    pub(crate) may_bother_user: bool,
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("about", &self.about)
            .field("cancellation", &self.cancellation)
            .finish_non_exhaustive()
    }
}

impl Run {
    /// The items to work on, each once, in listing order (H-31).
    #[must_use]
    pub fn items(&self) -> &[ItemId] {
        &self.about.items
    }

    /// The run's identifier, as a later `undo` names it; empty where there is none.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.about.run
    }

    /// Decisions on earlier questions, to be used in this run alone.
    #[must_use]
    pub fn answers(&self) -> &[Answer] {
        &self.about.answers
    }

    /// The decision on the question of this key, if one was handed over.
    #[must_use]
    pub fn answer(&self, item: Option<&ItemId>, key: &str) -> Option<&Answer> {
        let mut answers = self.about.answers.iter().rev();
        answers.find(|answer| answer.key == key && answer.item.as_ref() == item)
    }

    /// Whether people may be asked.
    #[must_use]
    pub fn may_bother_user(&self) -> bool {
        self.about.may_bother_user
    }

    /// What to do with the item from now on. Cheap: ask before each step (H-36).
    #[must_use]
    pub fn verdict(&self, item: &ItemId) -> Verdict {
        self.cancellation.verdict(Some(item))
    }

    /// Whether everything is to end.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancellation.verdict(None) == Verdict::CancelAll
    }

    /// Reports progress. More than 20 reports a second of one item that change no status are merged; none of them is
    /// lost for good, and no status is ever dropped. The text is cut at
    /// [`MAX_TEXT_UNITS`].
    pub fn progress(&self, mut report: Progress) {
        if let Some(text) = &mut report.text {
            cut_units(text, MAX_TEXT_UNITS);
        }
        // A report is always short, so it can only fail because nobody reads any more; the verdict says so too.
        drop(self.desk.outbox.progress(clock(), report));
    }

    /// Reports a status alone.
    pub fn status(&self, item: &ItemId, status: Status) {
        self.progress(Progress {
            item: Some(item.clone()),
            status: Some(status),
            ..Progress::default()
        });
    }

    /// Reports that the item ended well.
    pub fn succeeded(&self, item: &ItemId, counts: Counts) {
        self.progress(Progress {
            item: Some(item.clone()),
            status: Some(Status::Succeeded),
            counts: Some(counts),
            ..Progress::default()
        });
    }

    /// Reports that the item failed, and why.
    pub fn failed(&self, item: &ItemId, failure: Failure, why: impl Into<String>) {
        self.progress(Progress {
            item: Some(item.clone()),
            status: Some(Status::Failed),
            text: Some(why.into()),
            failure: Some(failure),
            ..Progress::default()
        });
    }

    /// Reports that the item failed, and that trying again before a while has passed is in vain.
    pub fn failed_until(&self, item: &ItemId, retry_after: Duration, why: impl Into<String>) {
        self.progress(Progress {
            item: Some(item.clone()),
            status: Some(Status::Failed),
            text: Some(why.into()),
            failure: Some(Failure::Soft),
            retry_after: Some(whole_seconds(retry_after)),
            ..Progress::default()
        });
    }

    /// Adds an entry to the results. Text and detail are cut at [`MAX_ENTRY_BYTES`] and [`MAX_DETAIL_BYTES`].
    pub fn log(&self, mut entry: Log) {
        cut_bytes(&mut entry.text, MAX_ENTRY_BYTES);
        if let Some(detail) = &mut entry.detail {
            cut_bytes(detail, MAX_DETAIL_BYTES);
        }
        self.desk.tell(&Callback::Log(entry));
    }

    /// Adds a plain entry to the results.
    pub fn note(&self, level: Level, item: Option<&ItemId>, text: impl Into<String>) {
        let mut entry = entry(level, text.into());
        entry.item = item.cloned();
        self.log(entry);
    }

    /// Removes entries of this instance from the results: those of this name, or all.
    pub fn delete_log(&self, error: Option<String>) {
        self.desk.tell(&Callback::DeleteLog(DeleteLog { error }));
    }

    /// Says that the list of items, or this item, should be read again.
    pub fn items_changed(&self, item: Option<ItemId>) {
        self.desk.tell(&Callback::ItemsChanged(Changed { item }));
    }

    /// Says that the conflicts, or those of this item, should be read again.
    pub fn conflicts_changed(&self, item: Option<ItemId>) {
        let changed = Changed { item };
        self.desk.tell(&Callback::ConflictsChanged(changed));
    }

    /// Withdraws a question that no longer matters.
    pub fn withdraw(&self, item: Option<ItemId>, key: impl Into<String>) {
        let key = key.into();
        let withdrawn = WithdrawPrompt { item, key };
        self.desk.tell(&Callback::WithdrawPrompt(withdrawn));
    }

    /// Asks a person, and waits for the answer or until the run or the item is cancelled.
    ///
    /// # Errors
    /// [`AskError`].
    pub fn ask(&self, mut prompt: Prompt) -> Result<Prompted, AskError> {
        cut_bytes(&mut prompt.text, MAX_ENTRY_BYTES);
        if let Some(detail) = &mut prompt.detail {
            cut_bytes(detail, MAX_DETAIL_BYTES);
        }
        let item = prompt.item.clone();
        self.question(&prompt, item.as_ref())
    }

    /// Asks whether a window of the handler's own may be shown (H-29).
    ///
    /// # Errors
    /// [`AskError`].
    pub fn enable_modeless(&self) -> Result<bool, AskError> {
        let question = EnableModeless { enable: true };
        let Allowed { allowed } = self.question(&question, None)?;
        Ok(allowed)
    }

    /// Says that the window is gone (H-30).
    ///
    /// # Errors
    /// [`AskError`].
    pub fn modeless_gone(&self) -> Result<(), AskError> {
        let question = EnableModeless { enable: false };
        self.question(&question, None).map(|_| ())
    }

    /// Asks for a network connection: the default one, or the named one. Waits until it is up or has failed.
    ///
    /// # Errors
    /// [`AskError`].
    pub fn establish_connection(&self, name: Option<String>) -> Result<Connected, AskError> {
        self.question(&EstablishConnection { name }, None)
    }

    /// Asks which items wait for this handler.
    ///
    /// # Errors
    /// [`AskError`].
    pub fn late_items(&self) -> Result<Vec<ItemId>, AskError> {
        let LateItems { items } = self.question(&QueryLateItems {}, None)?;
        Ok(items)
    }

    /// Takes a late item into this run.
    ///
    /// # Errors
    /// [`AskError`].
    pub fn add_item(&self, item: ItemId) -> Result<(), AskError> {
        self.question(&AddItem { item }, None).map(|_| ())
    }

    /// Makes a new item known to the session, not yet visible.
    ///
    /// # Errors
    /// [`AskError`].
    pub fn propose_item(&self, item: Item) -> Result<(), AskError> {
        self.question(&ProposeItem { item }, None).map(|_| ())
    }

    /// Makes a proposed item part of the handler's set.
    ///
    /// # Errors
    /// [`AskError`].
    pub fn commit_item(&self, item: ItemId) -> Result<(), AskError> {
        self.question(&CommitItem { item }, None).map(|_| ())
    }

    fn question<P: Answered>(
        &self,
        params: &P,
        item: Option<&ItemId>,
    ) -> Result<P::Answer, AskError> {
        let cancelled = || self.cancellation.verdict(item) != Verdict::Continue;
        self.desk.ask(params, cancelled)
    }
}

/// Takes the actions of a plan and sends them in pages.
pub struct ActionSink<'a> {
    run: &'a Run,
    item: Option<ItemId>,
    actions: Vec<PlanAction>,
    bytes: usize,
}

impl<'a> ActionSink<'a> {
    pub(crate) fn new(run: &'a Run) -> Self {
        Self {
            run,
            item: None,
            actions: Vec::new(),
            bytes: 0,
        }
    }

    /// Adds the next action of the item.
    pub fn action(&mut self, item: &ItemId, mut action: PlanAction) {
        cut_bytes(&mut action.name, MAX_ENTRY_BYTES);
        if let Some(reason) = &mut action.reason {
            cut_bytes(reason, MAX_ENTRY_BYTES);
        }
        if self.item.as_ref() != Some(item) {
            self.flush();
            self.item = Some(item.clone());
        }
        self.bytes += encoded_len(&action);
        self.actions.push(action);
        if self.actions.len() >= MAX_PAGE || self.bytes >= ACTION_BYTES {
            self.flush();
        }
    }

    pub(crate) fn flush(&mut self) {
        self.bytes = 0;
        let actions = std::mem::take(&mut self.actions);
        if let (false, Some(item)) = (actions.is_empty(), self.item.clone()) {
            let page = PlanActions { item, actions };
            self.run.desk.tell(&Callback::PlanActions(page));
        }
    }
}

impl fmt::Debug for ActionSink<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActionSink")
            .field("item", &self.item)
            .field("waiting", &self.actions.len())
            .finish_non_exhaustive()
    }
}

/// How long something is on the wire; what cannot be encoded is told when it is sent.
pub(crate) fn encoded_len<T: Serialize>(value: &T) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    drop(serde_json::to_writer(&mut count, value));
    count.0
}

fn cut_units(text: &mut String, most: usize) {
    let mut units = 0;
    let over = text.char_indices().find(|(_, letter)| {
        units += letter.len_utf16();
        units > most
    });
    if let Some((at, _)) = over {
        text.truncate(at);
    }
}

fn cut_bytes(text: &mut String, most: usize) {
    text.truncate(text.floor_char_boundary(most));
}
