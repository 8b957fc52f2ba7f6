//! A live handler instance and the run it works on.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::command::ReplyId;
use crate::hook::{HookId, PlannedHook};
use crate::id::{HandlerId, InstanceId, ItemId, ItemRef, LogId, NeedId, RequestId, SessionId};
use crate::input::ListedItem;
use crate::item::{Counts, Failure, ItemStatus};
use crate::lane::Lane;
use crate::need::{NeedRow, QuestionRef};
use crate::paired::Paired;
use crate::phase::Phase;
use crate::queue::Want;
use crate::request::{RequestOutcome, Trigger, Work};
use crate::run::{RunItemRow, RunRow, SessionRow};
use crate::time::Timestamp;

/// Most log entries kept of a run; then one entry says that more were dropped.
pub const MAX_RUN_LOG: u32 = 10_000;
/// Most violations recorded of an instance; further ones are only ignored.
pub const MAX_VIOLATIONS: u32 = 20;
/// Most items proposed by an instance and not committed.
pub const MAX_PROPOSED: usize = 1_000;
/// Runs of more items record no row for items not yet begun and no event for each finished item; the rows of finished
/// items and the end of the run say the same.
pub const LARGE_RUN: usize = 1_000;

/// What a live instance is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// To finish after a stop (3.14).
    Stop,
    /// To exit after its release.
    Exit,
    /// For somebody to follow its links.
    Linger,
    /// For a report from outside.
    Report,
}

/// A live handler instance.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) id: InstanceId,
    pub(crate) handler: HandlerId,
    pub(crate) session: SessionId,
    pub(crate) work: Work,
    pub(crate) trigger: Trigger,
    /// `SYNCMGRFLAG_MAYBOTHERUSER`, fixed for its life (M-41).
    pub(crate) interactive: bool,
    /// Nothing can be sent to it: it is somebody outside, or gone.
    pub(crate) mute: bool,
    /// A complete list of it removes the items that it does not name; not so in a session with a cookie (M-56).
    pub(crate) purge: bool,
    /// It knows the items that it was started for, and lists no others.
    pub(crate) knows_some: bool,
    /// The turn in which it was started.
    pub(crate) born: u64,
    pub(crate) want: Want,
    /// What nobody else works with while it is busy.
    pub(crate) lanes: BTreeSet<Lane>,
    /// What it listed so far.
    pub(crate) listing: crate::catalog::Listing,
    phase: Phase,
    pub(crate) process: Option<(u32, u64)>,
    /// Chosen from the list, in its order (M-69).
    pub(crate) selected: Vec<ItemId>,
    pub(crate) prepare: Paired,
    pub(crate) synchronize: Paired,
    pub(crate) show_error: Paired,
    pub(crate) show_properties: Paired,
    /// What the completion of the properties said.
    pub(crate) effect: crate::input::PropertiesEffect,
    /// Its items are being read once more.
    pub(crate) relisting: bool,
    /// It was recorded that it asks for connections unannounced.
    pub(crate) told_of_connection: bool,
    /// Who waits for what comes of the link that is shown.
    pub(crate) follower: Option<RequestId>,
    /// Items that `ShowErrorCompleted` named (M-131).
    pub(crate) retry: Vec<ItemId>,
    pub(crate) run: Option<Box<LiveRun>>,
    /// The last closed run, for what the process said last on standard error.
    pub(crate) closed_run: Option<RunRow>,
    pub(crate) log: BTreeMap<LogId, Entry>,
    pub(crate) logged: u32,
    pub(crate) violations: u32,
    pub(crate) last_violation: Option<String>,
    pub(crate) prompts: Vec<NeedId>,
    /// Questions for secrets that were asked once.
    pub(crate) answered: BTreeSet<QuestionRef>,
    /// Questions whose answer is looked up.
    pub(crate) recalls: Vec<(ReplyId, NeedRow)>,
    pub(crate) proposed: HashMap<ItemId, ListedItem>,
    pub(crate) stop: StopLevel,
    pub(crate) wait: Option<(Timestamp, Wait)>,
    /// The session no longer waits for it.
    pub(crate) over: bool,
    /// Who reports from outside, when it outlives the manager.
    pub(crate) reporter: Option<Box<crate::outside::Reporter>>,
    /// It came to nothing before its items were known, and what its process wrote last is still to come.
    pub(crate) failed: bool,
    /// The log entry of that.
    pub(crate) failure_entry: Option<LogId>,
    /// The hook before its run that runs now.
    pub(crate) hook: Option<HookId>,
    /// Those that follow it, the next one last.
    pub(crate) before: Vec<PlannedHook>,
}

/// How insistently an instance was asked to stop; it only rises.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StopLevel {
    #[default]
    None,
    Asked,
    Insisted,
}

/// A log entry that its instance can still delete or be led to.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) error: Option<String>,
    pub(crate) jump: bool,
}

impl Instance {
    #[expect(
        clippy::too_many_arguments,
        reason = "everything that is fixed for the life of an instance (M-41), named at its one call"
    )]
    pub(crate) fn new(
        id: InstanceId,
        handler: HandlerId,
        session: SessionId,
        work: Work,
        trigger: Trigger,
        interactive: bool,
        born: u64,
        want: Want,
    ) -> Self {
        Self {
            id,
            handler,
            session,
            work,
            trigger,
            interactive,
            mute: false,
            purge: true,
            knows_some: false,
            born,
            want,
            lanes: BTreeSet::new(),
            listing: crate::catalog::Listing::default(),
            phase: Phase::New,
            process: None,
            selected: Vec::new(),
            prepare: Paired::default(),
            synchronize: Paired::default(),
            show_error: Paired::default(),
            show_properties: Paired::default(),
            effect: crate::input::PropertiesEffect::Unchanged,
            relisting: false,
            told_of_connection: false,
            follower: None,
            retry: Vec::new(),
            run: None,
            closed_run: None,
            log: BTreeMap::new(),
            logged: 0,
            violations: 0,
            last_violation: None,
            prompts: Vec::new(),
            answered: BTreeSet::new(),
            recalls: Vec::new(),
            proposed: HashMap::new(),
            stop: StopLevel::None,
            wait: None,
            over: false,
            reporter: None,
            failed: false,
            failure_entry: None,
            hook: None,
            before: Vec::new(),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// The one door: moves as the table says. False when the table forbids it.
    pub(crate) fn enter(&mut self, kind: crate::phase::Kind) -> bool {
        match crate::phase::step(self.phase, kind) {
            crate::phase::Step::To(phase) => {
                self.phase = phase;
                true
            }
            crate::phase::Step::Stay => true,
            crate::phase::Step::Late | crate::phase::Step::Repeat | crate::phase::Step::Illegal => {
                false
            }
        }
    }

    pub(crate) fn item(&self, item: &ItemId) -> ItemRef {
        ItemRef {
            handler: self.handler.clone(),
            item: item.clone(),
        }
    }

    /// Whether `item/status` may be sent now (M-105). Work of our own that has no two halves is one window.
    pub(crate) fn is_window(&self) -> bool {
        match self.phase {
            Phase::Preparing => self.prepare.is_window(),
            Phase::Syncing => self.synchronize.is_window(),
            Phase::Undoing | Phase::Resolving => true,
            Phase::New
            | Phase::Initialized
            | Phase::Listed
            | Phase::Prepared
            | Phase::Reviewing
            | Phase::Done
            | Phase::Properties
            | Phase::ErrorUi
            | Phase::Released => false,
        }
    }

    /// Whether it was given work, so that the end of its properties leads back to `Done`.
    pub(crate) fn has_worked(&self) -> bool {
        self.prepare.was_begun()
    }

    /// Whether it counts against the handler: between its start and the end of its work (M-86).
    pub(crate) fn is_busy(&self) -> bool {
        if matches!(self.work, Work::Properties(_)) {
            return self.run.is_some(); // it only lists
        }
        match self.phase {
            Phase::Done | Phase::Released => self.run.is_some() || !self.over,
            Phase::New
            | Phase::Initialized
            | Phase::Listed
            | Phase::Preparing
            | Phase::Prepared
            | Phase::Syncing
            | Phase::Undoing
            | Phase::Resolving
            | Phase::Reviewing
            | Phase::Properties
            | Phase::ErrorUi => true,
        }
    }

    pub(crate) fn has_jump(&self) -> bool {
        self.log.values().any(|entry| entry.jump)
    }
}

/// A run that is open.
#[derive(Debug)]
pub(crate) struct LiveRun {
    pub(crate) row: RunRow,
    pub(crate) items: Vec<LiveItem>,
    pub(crate) index: HashMap<ItemId, usize>,
    /// Its log has a warning or an error.
    pub(crate) warned: bool,
    /// Some item is to be skipped.
    pub(crate) marked: bool,
    /// It ended and its statuses are final; its conflicts are being read.
    pub(crate) settled: bool,
    /// Conflicts of its items changed, which are read at its end.
    pub(crate) conflicts_changed: bool,
    /// The run as a whole failed, whatever its items say.
    pub(crate) failed: bool,
    /// Its handler was told to prepare.
    pub(crate) began: bool,
    /// Its handler refused what it was to undo, before it told of any work on it.
    pub(crate) untouched: bool,
    /// The last error of its log that names no item.
    pub(crate) last_error: Option<String>,
    /// What is watched of it.
    pub(crate) watch: Box<crate::watchdog::Watch>,
}

/// What went wrong with an item in an open run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mishap {
    /// What its handler said of trying again.
    pub(crate) retry_after: Option<std::time::Duration>,
    /// It is ended before its handler ended it.
    pub(crate) cut: Option<crate::watchdog::Cut>,
    /// The last error that its log has, without which a failure that says nothing has no reason.
    pub(crate) last_error: Option<String>,
}

/// An item in an open run.
#[derive(Debug, Clone)]
pub(crate) struct LiveItem {
    pub(crate) id: ItemId,
    pub(crate) status: ItemStatus,
    pub(crate) failure: Option<Failure>,
    pub(crate) text: String,
    pub(crate) value: u64,
    pub(crate) max: u64,
    pub(crate) counts: Counts,
    pub(crate) skip: bool,
    /// A hook before the run keeps it out of it.
    pub(crate) refused: bool,
    /// The mark was told to the handler (M-107).
    pub(crate) told: bool,
    /// A durable question about it was opened in this run.
    pub(crate) asked: bool,
    /// What went wrong with it; mostly nothing.
    mishap: Option<Box<Mishap>>,
    /// Differs from what is recorded.
    pub(crate) dirty: bool,
}

impl LiveItem {
    pub(crate) fn new(id: ItemId) -> Self {
        Self {
            id,
            status: ItemStatus::Pending,
            failure: None,
            text: String::new(),
            value: 0,
            max: 0,
            counts: Counts::default(),
            skip: false,
            refused: false,
            told: false,
            asked: false,
            mishap: None,
            dirty: true,
        }
    }

    pub(crate) fn mishap(&self) -> Option<&Mishap> {
        self.mishap.as_deref()
    }

    pub(crate) fn mishap_mut(&mut self) -> &mut Mishap {
        self.mishap.get_or_insert_default()
    }

    pub(crate) fn cut(&self) -> Option<crate::watchdog::Cut> {
        self.mishap()?.cut
    }

    pub(crate) fn retry_after(&self) -> Option<std::time::Duration> {
        self.mishap()?.retry_after
    }

    pub(crate) fn set_retry_after(&mut self, after: Option<std::time::Duration>) {
        if after.is_some() || self.mishap.is_some() {
            self.mishap_mut().retry_after = after;
        }
    }
}

impl LiveItem {
    /// Nothing was told of any work on it.
    pub(crate) fn is_untouched(&self) -> bool {
        self.status == ItemStatus::Pending && self.value == 0 && self.counts == Counts::default()
    }
}

impl LiveRun {
    pub(crate) fn new(row: RunRow, items: Vec<ItemId>) -> Self {
        let index = items
            .iter()
            .enumerate()
            .map(|(at, id)| (id.clone(), at))
            .collect();
        Self {
            row,
            items: items.into_iter().map(LiveItem::new).collect(),
            index,
            warned: false,
            marked: false,
            settled: false,
            conflicts_changed: false,
            failed: false,
            began: false,
            untouched: false,
            last_error: None,
            watch: Box::default(),
        }
    }

    /// Gives an item that failed the reason that the log has: in place of what it was doing when it failed (`over`), or
    /// only where nothing was said. False where nothing changed.
    pub(crate) fn explain(&mut self, at: usize, over: bool) -> bool {
        let of_run = self.last_error.as_ref();
        let Some(item) = self.items.get_mut(at) else {
            return false;
        };
        if !matches!(item.status, ItemStatus::Failed | ItemStatus::Disconnected)
            || (!over && !item.text.is_empty())
        {
            return false;
        }
        match item
            .mishap()
            .and_then(|it| it.last_error.as_ref())
            .or(of_run)
        {
            Some(error) if item.text != *error => {
                item.text = error.clone();
                true
            }
            Some(_) | None => false,
        }
    }

    pub(crate) fn item_mut(&mut self, id: &ItemId) -> Option<&mut LiveItem> {
        let at = *self.index.get(id)?;
        self.items.get_mut(at)
    }

    pub(crate) fn item(&self, id: &ItemId) -> Option<&LiveItem> {
        self.items.get(*self.index.get(id)?)
    }

    pub(crate) fn add(&mut self, id: ItemId) {
        if !self.index.contains_key(&id) {
            self.index.insert(id.clone(), self.items.len());
            self.items.push(LiveItem::new(id));
        }
    }

    pub(crate) fn item_row(&self, item: &LiveItem) -> RunItemRow {
        RunItemRow {
            run: self.row.id,
            item: ItemRef {
                handler: self.row.handler.clone(),
                item: item.id.clone(),
            },
            status: item.status,
            failure: item.failure,
            text: item.text.clone(),
            counts: item.counts,
        }
    }
}

/// A live session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) row: SessionRow,
    /// Every request that ends with it.
    pub(crate) requests: Vec<RequestId>,
    /// In listing order.
    pub(crate) instances: Vec<InstanceId>,
    pub(crate) interactive: bool,
    pub(crate) stopped: bool,
    /// Worst of its runs so far.
    pub(crate) worst: RequestOutcome,
    /// What a person should know besides.
    pub(crate) notes: Vec<String>,
}

/// Most notes kept for the end of a request.
pub(crate) const MAX_NOTES: usize = 20;

impl Session {
    pub(crate) fn fold(&mut self, outcome: RequestOutcome) {
        self.worst = self.worst.max(outcome);
    }

    pub(crate) fn note(&mut self, note: String) {
        if self.notes.len() < MAX_NOTES && !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}
