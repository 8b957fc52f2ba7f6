//! What the manager wants done with handler processes. Each is started without waiting; what comes of it is an
//! [`Input`](crate::Input).

use std::time::Duration;

use crate::conflict::Decision;
use crate::id::{HandlerId, InstanceId, ItemId, RunId};
use crate::need::{NeedRow, QuestionRef, Typed};
use crate::request::Trigger;
use crate::time::Timestamp;

/// How far a cancellation reaches; it only ever rises.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Go on.
    #[default]
    Continue,
    /// Abandon this item (`S_SYNCMGR_CANCELITEM`).
    CancelItem,
    /// Abandon every item (`S_SYNCMGR_CANCELALL`).
    CancelAll,
}

/// A number that ties an answer of the manager to a question of a handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReplyId(pub u64);

/// The manager's answer to a question of a handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// To `progress` sent as a request.
    Verdict(Verdict),
    /// To `prompt`: chosen.
    Chosen {
        /// The choice.
        choice: String,
        /// What was typed.
        fields: Typed,
    },
    /// To `prompt`: kept in the inbox.
    Deferred {
        /// For how long; absent: until it is answered.
        within: Option<Duration>,
    },
    /// To `prompt`: nobody may be bothered.
    PromptRefused,
    /// To `modeless/enable`.
    Modeless(bool),
    /// To `connection/establish`: up, or why not.
    Connection(Result<(), String>),
    /// To `items/late`.
    LateItems(Vec<ItemId>),
    /// To `items/add`, `items/propose`, `items/commit`: done.
    Done,
    /// Out of phase, or of something unknown.
    Refused(&'static str),
}

/// A command to the host of handlers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Start an instance and initialize it (M-31).
    Start {
        /// Its number.
        instance: InstanceId,
        /// Of which handler.
        handler: HandlerId,
        /// Why; fixed for the life of the instance (M-41).
        trigger: Trigger,
        /// A person is there (`SYNCMGRFLAG_MAYBOTHERUSER`).
        may_bother_user: bool,
        /// Nothing will be synchronized (`SYNCMGRFLAG_SETTINGS`).
        settings: bool,
        /// The caller's private bytes.
        cookie: Option<Vec<u8>>,
        /// It is started for these items alone, and needs to know and to list no others; none: for all.
        only: Vec<ItemId>,
    },
    /// Read all items.
    ListItems(InstanceId),
    /// `prepare` with these items, in listing order, each once (M-69).
    Prepare {
        /// The instance.
        instance: InstanceId,
        /// The run.
        run: RunId,
        /// The items.
        items: Vec<ItemId>,
        /// Answered needs for this run; used up by it.
        answers: Vec<NeedRow>,
    },
    /// `synchronize` (M-73, M-79).
    Synchronize(InstanceId),
    /// `item/status`: skip one item, or stop all (M-104 to M-109).
    ItemStatus {
        /// The instance.
        instance: InstanceId,
        /// The item; absent: all.
        item: Option<ItemId>,
        /// How far.
        verdict: Verdict,
    },
    /// `undo`.
    Undo {
        /// The instance.
        instance: InstanceId,
        /// The items.
        items: Vec<ItemId>,
        /// The run to undo.
        run: RunId,
        /// The run that this is.
        as_run: RunId,
    },
    /// `conflicts/resolve`, for one after another.
    Resolve {
        /// The instance.
        instance: InstanceId,
        /// The item.
        item: ItemId,
        /// What was chosen for which.
        decisions: Vec<Decision>,
        /// The run that this is.
        as_run: RunId,
    },
    /// Read the conflicts of these items; every page.
    ListConflicts {
        /// The instance.
        instance: InstanceId,
        /// The items.
        items: Vec<ItemId>,
    },
    /// `error/show` (M-125).
    ShowError {
        /// The instance.
        instance: InstanceId,
        /// The handler's name for the error.
        error: String,
    },
    /// `properties`: read them, or write them when `values` is given.
    Properties {
        /// The instance.
        instance: InstanceId,
        /// The item; absent: the handler itself.
        item: Option<ItemId>,
        /// New values, as JSON text of an object.
        values: Option<String>,
    },
    /// `properties/show` (M-135, M-136).
    ShowProperties {
        /// The instance.
        instance: InstanceId,
        /// The item; absent: the handler itself (`GUID_NULL`).
        item: Option<ItemId>,
    },
    /// See that a connection is up, and dial when it is not (M-143).
    Connect {
        /// Which; absent: whatever leads out, as no default is configured (M-142).
        name: Option<String>,
    },
    /// Give up dialling; its end comes as an input all the same.
    CancelConnect {
        /// Which.
        name: Option<String>,
    },
    /// Close a connection that was opened by us (M-145).
    Disconnect {
        /// Which.
        name: Option<String>,
    },
    /// Run a hook; its end comes as an input.
    Hook(Box<crate::hook::Hook>),
    /// End a hook: ask, then kill; its end comes as an input all the same.
    EndHook(crate::hook::HookId),
    /// Send something, sooner or later.
    Deliver(Box<crate::telling::Delivery>),
    /// Tell this address that the manager lives, with the verdict.
    Pulse {
        /// The address.
        url: String,
    },
    /// Show a person something, or take it away.
    Notice(Box<crate::notice::Notice>),
    /// Answer a question of the handler.
    Reply {
        /// The instance.
        instance: InstanceId,
        /// Which question.
        to: ReplyId,
        /// The answer.
        reply: Reply,
    },
    /// Look up what is remembered of an answer; what is found comes as an input.
    Recall {
        /// The instance.
        instance: InstanceId,
        /// The question that waits for it.
        to: ReplyId,
        /// The question.
        row: Box<NeedRow>,
    },
    /// What is remembered of the answer to this question is wrong.
    Forget(QuestionRef),
    /// End the instance: ask, terminate, kill; its end comes as an input.
    Release(InstanceId),
    /// Keep the machine from going to sleep by itself; [`Self::LetSleep`] comes at this moment at the latest.
    KeepAwake {
        /// Until when.
        until: Timestamp,
    },
    /// The machine may go to sleep again.
    LetSleep,
    /// Go one rung up the stop ladder at once.
    Insist(InstanceId),
}
