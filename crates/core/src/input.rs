//! Everything that can happen.

use std::collections::BTreeSet;

use crate::command::ReplyId;
use crate::conflict::{ConflictRow, Resting};
use crate::id::{HandlerId, InstanceId, ItemId, ItemRef, LogId, NeedId, RequestId, SessionId};
use crate::invocation::Invocation;
use crate::item::{
    Connected, Counts, Failure, HandlerCapability, HandlerPolicy, ItemCapability, ItemPolicy,
    ItemStatus,
};
use crate::lane::Lane;
use crate::log::Level;
use crate::need::{Choice, NeedKind, Typed};
use crate::offer::Chosen;
use crate::recall::KnownAnswer;
use crate::record::PauseScope;
use crate::request::Request;
use crate::settings::Settings;
use crate::time::Timestamp;

/// One thing that happened, wherever it came from. Exhaustive on purpose.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Time passed: a deadline of `Manager::next_deadline` may be due.
    Tick,
    /// The machine slept, or nobody knows how far the clock was set; deadlines are looked at again.
    ClockJumped,
    /// The wall clock was set. The first input at the new time: whatever lasts keeps its length.
    ClockSet {
        /// How much further it is now than it would be, in milliseconds; negative: it was set back.
        by_ms: i64,
    },
    /// A handler is there (built in, or registered by the user).
    HandlerRegistered {
        /// Its identity.
        id: HandlerId,
        /// What the registration calls it.
        description: String,
    },
    /// What runs for a handler is no longer what was registered; told once a change.
    HandlerChanged {
        /// Its identity.
        handler: HandlerId,
        /// What, for people.
        text: String,
    },
    /// A program called the manager as the contract forbids. It is recorded and changes nothing.
    Misused(String),
    /// The owner of the manager has something to tell in the log.
    Note {
        /// How grave.
        level: Level,
        /// What.
        text: String,
        /// What to do.
        detail: Option<String>,
    },
    /// Other settings, from the configuration.
    Settings(Settings),
    /// A program asks for a handler, and a person is to say whether it starts (M-150, M-155).
    AskToStart(Invocation),
    /// A person chose from a list (M-171). Check what was chosen against the list first; what is not in it does not start.
    Choose(Chosen),
    /// All items of the handler are defined by the user: where none is defined there is nothing to ask it for.
    ItemsAreDefined(HandlerId),
    /// The items of the handler are started by their own programs alone, which report what they do: there is nothing to
    /// start and nothing to ask.
    OnlyReports(HandlerId),
    /// A handler was unregistered.
    HandlerUnregistered(HandlerId),
    /// An item was defined by the user and belongs to the handler's set from now on.
    ItemDefined(HandlerId, ListedItem),
    /// An item was removed by the user.
    ItemRemoved(ItemRef),
    /// The user's settings of an item changed.
    ItemPreferences {
        /// The item.
        item: ItemRef,
        /// Labels.
        labels: Vec<String>,
        /// Ticked for a plain `sync`; absent: as the handler says.
        checked: Option<bool>,
        /// How old a good run may become.
        expected_freshness: Option<std::time::Duration>,
    },
    /// The conditions of an item's own are these from now on; they come from the configuration and are stored nowhere else.
    Conditions(ItemRef, Vec<crate::condition::Condition>),
    /// The rules are these from now on; they come from the configuration, and only up to when their schedules were looked at
    /// is stored.
    Rules(Vec<crate::rule::Rule>),
    /// The policies are these from now on; they come from the configuration and are stored nowhere else.
    Policies(Vec<crate::policy::Policy>),
    /// What the manager tells others is this from now on; it comes from the configuration and is stored nowhere else.
    Telling(crate::telling::Telling),
    /// A hook ended.
    HookEnded(crate::hook::HookId, crate::hook::HookEnded),
    /// Something could not be delivered and was given up; why, as a sentence without its end.
    Undelivered {
        /// About which handler.
        handler: Option<HandlerId>,
        /// What and why.
        text: String,
    },
    /// The zone of the machine, for schedules that name none.
    Zone(crate::schedule::Zone),
    /// Something happened on the machine that rules may wait for.
    Happened(crate::rule::Happening),
    /// The machine is about to sleep or to shut down; what happens then was told before.
    Leaves(crate::leaving::Departure),
    /// This manager ends; whatever works is about to be stopped.
    Ends,
    /// It is back, or did not leave.
    Back,
    /// Somebody wants something; the number was taken from `Manager::next_request`.
    Request(RequestId, Request),
    /// Stop a session, everything, or one request; asking again insists.
    Stop(StopScope),
    /// Skip an item.
    Skip(ItemRef),
    /// Enable or disable an item or, without one, the handler.
    Enable {
        /// The handler.
        handler: HandlerId,
        /// The item.
        item: Option<ItemId>,
        /// The new state.
        enabled: bool,
    },
    /// Activate or deactivate a handler.
    Activate {
        /// The handler.
        handler: HandlerId,
        /// The new state.
        active: bool,
    },
    /// Pause; `until` absent means until resumed.
    Pause {
        /// What.
        scope: PauseScope,
        /// Until when.
        until: Option<Timestamp>,
    },
    /// End a pause.
    Resume(PauseScope),
    /// A person answered a need.
    Answer {
        /// Which.
        need: NeedId,
        /// The choice.
        choice: String,
        /// What was typed.
        fields: Typed,
        /// Who, for people.
        by: String,
    },
    /// A person follows the link of a log entry.
    ShowError {
        /// The instance that logged it.
        instance: InstanceId,
        /// The handler's name for the error.
        error: String,
        /// Who waits for what comes of it: ends when the link was shown, or with the run that it caused.
        request: Option<RequestId>,
    },
    /// The link of a log entry is not wanted any more; its instance ends with its last one (3.7).
    Dismiss(LogId),
    /// The user ticks an item, or takes the tick away (M-168).
    Check {
        /// The item.
        item: ItemRef,
        /// Takes part in a plain `sync`.
        checked: bool,
    },
    /// The connections that the user configured, and which of them is the default one.
    Connections {
        /// Their names.
        names: Vec<String>,
        /// One of them.
        default: Option<String>,
    },
    /// A connection is up, and whether it was dialled for us; or why it is not.
    Connected {
        /// Which; absent: whatever leads out.
        name: Option<String>,
        /// How it ended.
        outcome: Result<Dialled, String>,
    },
    /// A connection was closed, or could not be; nothing is known of it any more.
    Disconnected {
        /// Which.
        name: Option<String>,
        /// Why not.
        problem: Option<String>,
    },
    /// Facts about the world changed (network, power, idle …); what they are is data of the conditions.
    Facts(Vec<crate::condition::Fact>),
    /// A lock of a dead manager was taken over.
    LockTakenOver {
        /// Its process number.
        pid: u32,
    },
    /// Something about an instance.
    Instance(InstanceId, InstanceInput),
    /// Somebody outside opens a session and reports into it (Sync Center `CreateSession`).
    External(ExternalInput),
}

/// What to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopScope {
    /// Everything.
    All,
    /// One session.
    Session(SessionId),
    /// Whatever was begun for a request; removes it while it waits.
    Request(RequestId),
}

/// An item as a handler lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedItem {
    /// Its identity.
    pub id: ItemId,
    /// Its name.
    pub name: String,
    /// One line about it.
    pub comment: String,
    /// Whether it takes part unless the user says otherwise.
    pub checked: bool,
    /// Last update as the handler knows it (M-53).
    pub last_update: Option<Timestamp>,
    /// Whether it can be reached.
    pub connected: Connected,
    /// No preference is kept.
    pub temporary: bool,
    /// Not displayed.
    pub hidden: bool,
    /// What it can do.
    pub capabilities: Vec<ItemCapability>,
    /// What is not allowed now.
    pub policies: Vec<ItemPolicy>,
    /// What nobody else works with while it runs.
    pub lanes: BTreeSet<Lane>,
}

/// What a handler says of itself after `initialize`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandlerFacts {
    /// Its name; empty keeps the description (M-44).
    pub name: String,
    /// One line about it.
    pub comment: String,
    /// Its version.
    pub version: String,
    /// Stays in lists without items.
    pub always_list: bool,
    /// Not displayed.
    pub hidden: bool,
    /// What it can do.
    pub capabilities: Vec<HandlerCapability>,
    /// What is not allowed now.
    pub policies: Vec<HandlerPolicy>,
}

/// How an asynchronous call began (mobsync 3.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Began {
    /// It began.
    Yes,
    /// It cannot without asking somebody, and may not.
    NeedsUser,
    /// It did not; why, as a fragment.
    No(String),
}

/// How an asynchronous call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completed {
    /// Well.
    Done,
    /// It failed.
    Failed {
        /// Why.
        reason: String,
        /// Whether trying again may help.
        failure: Failure,
        /// Trying again before this has passed is in vain.
        retry_after: Option<std::time::Duration>,
    },
    /// It was cancelled.
    Cancelled,
}

/// What comes from or about an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstanceInput {
    /// The process runs.
    Spawned {
        /// Its number.
        pid: u32,
        /// Its start time, as the system counts it.
        start_time: u64,
    },
    /// `initialize` was answered: takes part.
    Initialized(HandlerFacts),
    /// `initialize` was answered: not for me (M-39).
    Declined,
    /// It could not be started or initialized; why (M-40).
    NotInitialized(String),
    /// A page of the items was read, and more follow.
    ItemsPage(Vec<ListedItem>),
    /// The last page of the items was read.
    ItemsListed {
        /// The items of that page.
        items: Vec<ListedItem>,
        /// Some are missing (`S_SYNCMGR_MISSINGITEMS`).
        incomplete: bool,
    },
    /// The items could not be read.
    ItemsNotListed(String),
    /// `prepare` returned.
    PrepareReturned(Began),
    /// `prepare/completed` came.
    PrepareCompleted(Completed),
    /// `synchronize` returned.
    SynchronizeReturned(Began),
    /// `synchronize/completed` came.
    SynchronizeCompleted(Completed),
    /// `progress` came; with a reply when it was a request.
    Progress(Progress, Option<ReplyId>),
    /// `log` came.
    Log {
        /// How grave.
        level: Level,
        /// What.
        text: String,
        /// About which item.
        item: Option<ItemId>,
        /// The cause and what to do.
        detail: Option<String>,
        /// The handler's name for it.
        error: Option<String>,
        /// Offer it as a link.
        jump: bool,
    },
    /// `log/delete` came; absent: all of this instance (M-128).
    DeleteLog(Option<String>),
    /// `prompt` came.
    Prompt {
        /// The question to answer.
        reply: ReplyId,
        /// The question.
        prompt: Prompt,
    },
    /// What was remembered of an answer was looked up: it, nothing, or why it cannot be told.
    Recalled {
        /// The question to answer.
        reply: ReplyId,
        /// What was found.
        found: Result<Option<KnownAnswer>, String>,
    },
    /// `prompt/withdraw` came.
    WithdrawPrompt {
        /// The item.
        item: Option<ItemId>,
        /// The key.
        key: String,
    },
    /// `modeless/enable` came.
    EnableModeless {
        /// The question to answer.
        reply: ReplyId,
        /// May I (true), or: it is gone (false).
        enable: bool,
    },
    /// `connection/establish` came.
    EstablishConnection {
        /// The question to answer.
        reply: ReplyId,
        /// Which; absent: the default one.
        name: Option<String>,
    },
    /// `items/late` came.
    QueryLateItems(ReplyId),
    /// `items/add` came.
    AddItem(ReplyId, ItemId),
    /// `items/propose` came.
    ProposeItem(ReplyId, ListedItem),
    /// `items/commit` came.
    CommitItem(ReplyId, ItemId),
    /// `items/changed` came.
    ItemsChanged,
    /// `conflicts/changed` came.
    ConflictsChanged(Option<ItemId>),
    /// All pages of the conflicts of these items were read.
    ConflictsListed {
        /// The items asked about.
        items: Vec<ItemId>,
        /// Their conflicts.
        conflicts: Vec<ConflictRow>,
    },
    /// The conflicts could not be read.
    ConflictsNotListed(String),
    /// `undo` was answered for every item.
    Undone(Result<Counts, String>),
    /// `conflicts/resolve` was answered for each decision, in their order: done, or it changed meanwhile, or why not.
    Resolved(Vec<Result<ResolveFeedback, String>>),
    /// `error/show` returned.
    ShowErrorReturned(Began),
    /// `error/completed` came, with the items to run again.
    ShowErrorCompleted(Vec<ItemId>),
    /// `properties` was answered, or refused; why.
    PropertiesRead(Result<PropertySheet, String>),
    /// `properties/show` returned.
    ShowPropertiesReturned(Began),
    /// `properties/completed` came.
    ShowPropertiesCompleted(PropertiesEffect),
    /// The handler broke the contract; the instance goes on unless the host ended it.
    Violation(String),
    /// The process is gone; always the last.
    Exited {
        /// How, for people, such as `exit status 3` or `killed by signal 9`.
        how: String,
        /// It ended because we asked it to.
        requested: bool,
        /// The end of what it wrote on standard error.
        stderr: String,
    },
}

/// Whether a connection that is up was dialled by us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialled {
    /// We dialled it, and it is ours to close.
    ByUs,
    /// It was up before, and is never closed (M-146).
    Before,
}

/// What became of the list of items while properties were shown or written (`ShowPropertiesCompleted`, 3.5.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum PropertiesEffect {
    /// Nothing (M-141).
    #[default]
    Unchanged,
    /// The item is gone (M-139).
    ItemDeleted,
    /// The items are to be listed again (M-140).
    EnumerateItems,
}

/// Properties as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropertySheet {
    /// What values there are, JSON text of a schema.
    pub schema: String,
    /// The values in force, JSON text of an object.
    pub values: String,
    /// What is to be stored of the item from now on, JSON text; absent: as before.
    pub definition: Option<String>,
    /// What became of the list.
    pub effect: PropertiesEffect,
}

/// Feedback of a resolution (`SYNCMGR_RESOLUTION_FEEDBACK`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResolveFeedback {
    /// Done.
    Continue {
        /// Where the version rests that gave way, when one did.
        resting: Option<Resting>,
        /// What was moved for it.
        counts: Counts,
    },
    /// It changed meanwhile.
    Refresh,
}

/// What `progress` says; absent fields leave what was said before (M-94).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// The item; absent: the handler.
    pub item: Option<ItemId>,
    /// The status.
    pub status: Option<ItemStatus>,
    /// What it is doing now.
    pub text: Option<String>,
    /// How far.
    pub value: Option<u64>,
    /// How far it goes.
    pub max: Option<u64>,
    /// What was moved so far.
    pub counts: Option<Counts>,
    /// With `Failed`: whether trying again may help.
    pub failure: Option<Failure>,
    /// With a failure: trying again before this has passed is in vain.
    pub retry_after: Option<std::time::Duration>,
}

/// A question of a handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The item.
    pub item: Option<ItemId>,
    /// Its name for the question.
    pub key: String,
    /// Its kind.
    pub kind: NeedKind,
    /// The question.
    pub text: String,
    /// What one must know to answer.
    pub detail: Option<String>,
    /// The answers offered.
    pub choices: Vec<Choice>,
    /// Taken at the deadline.
    pub default: Option<String>,
    /// Fields to fill in, JSON text.
    pub fields: Option<String>,
    /// How long to wait.
    pub deadline: Option<std::time::Duration>,
    /// Keep it beyond this run.
    pub durable: bool,
    /// Private context, JSON text.
    pub context: String,
    /// The answer that was given before is wrong.
    pub wrong: bool,
}

/// What a session from outside reports (Sync Center 3.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExternalInput {
    /// `CreateSession`; the numbers were taken from the manager.
    Open {
        /// The session.
        session: SessionId,
        /// The handler.
        handler: HandlerId,
        /// Its items.
        items: Vec<ItemId>,
        /// How long nothing may be heard of it before it is given up; it then outlives this manager. Absent: it ends with
        /// this manager, and is never given up.
        within: Option<std::time::Duration>,
    },
    /// `ReportProgress`.
    Progress(SessionId, Progress),
    /// `ReportEvent`.
    Log {
        /// The session.
        session: SessionId,
        /// The item.
        item: Option<ItemId>,
        /// How grave.
        level: Level,
        /// What.
        text: String,
        /// The cause and what to do.
        detail: Option<String>,
    },
    /// Its owner holds a connection for it from now on, or lost it: then it has [`crate::outside::COME_BACK`] to come back.
    Attended(SessionId, bool),
    /// Its owner began anew without ending it.
    Superseded(SessionId),
    /// Whether an item can be reached, as whoever works on it says.
    Connected(ItemRef, crate::item::Connected),
    /// The last reference went, or the owner died: unfinished items failed.
    Close(SessionId),
}
