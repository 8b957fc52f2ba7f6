//! What a face may ask, and what it is answered.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::browse::{Browse, PageView};
use crate::compare::{ComparisonView, PictureView};
use crate::decide::DecisionView;
use crate::refusal::Refusal;
use crate::registration::{NewHandler, Registered};
use crate::report::{AttendReport, Report, ReportedLine, ReportedView};
use crate::rule::{RuleText, RuleView, ScheduleView};
use crate::view::Forecast;
use crate::view::{
    Added, ConflictsView, DoctorView, HandlersView, ItemDetail, ItemView, LogPage, NeedView,
    PlanView, PropertiesView, RequestState, RunDetail, RunView, StatusView, WhyView,
};

/// Most rows of one page.
pub const MAX_PAGE: u32 = 1_000;

/// Longest request, in bytes: one that starts a handler with the largest cookie, in base 64.
pub const MAX_REQUEST_BYTES: usize = 2 << 20;

/// A request. Names are an item's, a handler's or a label; compared without case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(
    tag = "method",
    content = "params",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Request {
    /// The verdict with items and what runs.
    Status,
    /// Items, all or the named ones.
    List {
        /// Only these.
        #[serde(default)]
        names: Vec<String>,
        /// Hidden ones too.
        #[serde(default)]
        hidden: bool,
    },
    /// A page of items, chosen and sorted, with the verdict and what comes next.
    Browse(Browse),
    /// One item with everything known about it.
    Show {
        /// Its name.
        name: String,
    },
    /// Why an item is as it is, and what would change that.
    Why {
        /// Its name.
        name: String,
    },
    /// Runs, newest first.
    Runs {
        /// Only of this item or handler.
        #[serde(default)]
        name: Option<String>,
        /// Only older than this run.
        #[serde(default)]
        before: Option<u64>,
        /// How many, at most [`MAX_PAGE`].
        limit: u32,
    },
    /// One run with its items and log.
    Run {
        /// Its number.
        id: u64,
    },
    /// The results log, newest first.
    Log {
        /// Only of this item or handler.
        #[serde(default)]
        name: Option<String>,
        /// Only of this run.
        #[serde(default)]
        run: Option<u64>,
        /// Only warnings and errors, or only errors.
        #[serde(default)]
        at_least: Option<crate::view::Level>,
        /// Only older than this entry.
        #[serde(default)]
        before: Option<u64>,
        /// How many, at most [`MAX_PAGE`].
        limit: u32,
    },
    /// Open questions.
    Needs,
    /// The list of what can be synchronized, with ticks: of a question of the kind `invoke` or `confirm`, or of everything.
    Offer {
        /// The question; absent: the person asks.
        #[serde(default)]
        need: Option<u64>,
    },
    /// Open conflicts.
    Conflicts {
        /// Only of this item or handler.
        #[serde(default)]
        name: Option<String>,
        /// How many to leave out.
        #[serde(default)]
        offset: u32,
        /// How many, at most [`MAX_PAGE`].
        limit: u32,
    },
    /// Handlers.
    Handlers,
    /// Register a handler, or replace its registration; waits for the handler when it is to be checked.
    Register(NewHandler),
    /// Forget a handler with its preferences and items (M-25); what runs of it goes on.
    Unregister {
        /// Its id, or its class in any spelling.
        id: String,
    },
    /// A program asks for a handler (`UpdateItems`). Answered at once; the end comes as a change.
    Invoke {
        /// The handler's id, or its class in any spelling.
        handler: String,
        /// Start at once with what the handler ticks; else a person is asked first (M-149, M-150).
        #[serde(default)]
        start: bool,
        /// Show the first window small (M-151).
        #[serde(default)]
        minimized: bool,
        /// The program's private bytes for its handler, in base 64.
        #[serde(default)]
        cookie: Option<String>,
    },
    /// A program called the manager as the contract forbids, which whoever carries its calls refused. It is recorded for
    /// people, with the number of the obligation.
    Misused {
        /// The obligation, such as `M-153`.
        obligation: String,
        /// What it did, as a sentence without its subject.
        text: String,
    },
    /// A program asks for everything (`UpdateAll`): a person is asked what to start (M-155).
    InvokeAll,
    /// Checks of the installation, the store and the sources.
    Doctor,
    /// A way into Sync Center for a browser, good once and soon; it is opened for it when it is not open.
    Enter {
        /// The most that who enters may do.
        scope: crate::method::Access,
    },
    /// How a request stands; for a view that saw a gap.
    RequestState {
        /// Its number.
        id: u64,
    },
    /// Synchronize everything checked, or the named ones. Answered at once; the end comes as a change.
    Sync {
        /// What; empty: everything checked.
        #[serde(default)]
        names: Vec<String>,
        /// The caller answers prompts while it runs.
        #[serde(default)]
        may_bother_user: bool,
    },
    /// Have a handler list its items again, without synchronizing anything (a settings session). Answered at once; the end
    /// comes as a change.
    Refresh {
        /// The handler's id.
        handler: String,
    },
    /// Say what `Sync` would do; waits for the end; writes nothing.
    Plan {
        /// What; empty: everything checked.
        #[serde(default)]
        names: Vec<String>,
        /// A pair that need not have been added.
        #[serde(default)]
        pair: Option<Pair>,
        /// Most actions to show for each item; totals count all.
        limit: u32,
    },
    /// Add an item of a handler, after the handler checked it.
    AddItem {
        /// The handler, such as `folder`.
        handler: String,
        /// A name; derived when absent.
        #[serde(default)]
        name: Option<String>,
        /// The handler's own arguments.
        arguments: Map<String, Value>,
        /// An item of the same definition is good enough.
        #[serde(default)]
        or_existing: bool,
    },
    /// Remove an item from the configuration; its data and kept versions stay where they are.
    RemoveItem {
        /// Its name.
        name: String,
    },
    /// Bring back what a run deleted or overwrote. Answered at once; the end comes as a change.
    Undo {
        /// The run.
        run: u64,
    },
    /// Answer a question.
    Answer {
        /// Its number.
        need: u64,
        /// The choice.
        choice: String,
        /// What was typed, by field name; a field that is left out has its default.
        #[serde(default)]
        fields: Typed,
        /// Keep the secrets among it, so that the same question is answered without asking.
        #[serde(default)]
        remember: bool,
    },
    /// Synchronize what was ticked of a list, and nothing else. Where a person or a program asked, the ticks are kept for
    /// the next time. Answered at once; the end comes as a change.
    Choose {
        /// The question whose list it is; absent: the list of everything.
        #[serde(default)]
        need: Option<u64>,
        /// What is ticked, as `Offer` calls it.
        #[serde(default)]
        items: Vec<String>,
        /// What was shown; what of it is not ticked loses its tick. Absent: all that the list shows now.
        #[serde(default)]
        offered: Vec<String>,
    },
    /// Forget the answers that were remembered for an item or a handler.
    Forget {
        /// Its name.
        name: String,
    },
    /// Resolve a conflict. Answered at once; the end comes as a change.
    Resolve {
        /// Its id as `Conflicts` shows it, or an unambiguous beginning of it.
        conflict: String,
        /// The choice.
        choice: String,
    },
    /// Show what the versions of a conflict contain, and how they differ; waits for the handler.
    Compare {
        /// Its id as `Conflicts` shows it, or an unambiguous beginning of it.
        conflict: String,
    },
    /// Show a version of a conflict that is a picture; waits for the handler.
    Picture {
        /// The conflict's id.
        conflict: String,
        /// The place of the version.
        place: String,
    },
    /// Decide the conflicts of an item by one rule, in one run; or only say what it would decide. Answered at once; the end
    /// comes as a change.
    Decide {
        /// The item's name.
        name: String,
        /// A choice, or `newest`: the version that was modified last.
        choice: String,
        /// Only conflicts with a name like this, such as `*.txt`.
        #[serde(default)]
        matching: Option<String>,
        /// Only say what it would decide.
        #[serde(default)]
        preview: bool,
    },
    /// Pause the named ones, or everything.
    Pause {
        /// What; empty: everything.
        #[serde(default)]
        names: Vec<String>,
        /// For how long, in milliseconds; absent: until resumed.
        #[serde(default)]
        for_ms: Option<u64>,
    },
    /// Resume the named ones, or everything.
    Resume {
        /// What; empty: everything.
        #[serde(default)]
        names: Vec<String>,
    },
    /// Enable or disable the named ones.
    Enable {
        /// What.
        names: Vec<String>,
        /// The new state.
        enabled: bool,
    },
    /// Tick items for a plain sync, or take the tick away.
    Check {
        /// What.
        names: Vec<String>,
        /// The new state.
        checked: bool,
    },
    /// Read or change the properties of an item or a handler, or have the handler show them in a window of its own; waits
    /// for the end.
    Properties {
        /// Its name.
        name: String,
        /// New values by property name; absent: only read.
        #[serde(default)]
        values: Option<Map<String, Value>>,
        /// In the handler's own window.
        #[serde(default)]
        window: bool,
    },
    /// Follow the link of a log entry to the action of its handler. Answered at once; the end, also of another try that it
    /// caused, comes as a change.
    OpenLink {
        /// The entry's number.
        entry: u64,
    },
    /// Give the link of a log entry up; the handler ends with its last one.
    DismissLink {
        /// The entry's number.
        entry: u64,
    },
    /// What starts by itself, all of it or only what is about the named ones.
    Rules {
        /// Only about these.
        #[serde(default)]
        names: Vec<String>,
    },
    /// When items start by themselves, and what would hold them back.
    Forecast {
        /// Only these; every item when none is named.
        #[serde(default)]
        names: Vec<String>,
        /// So far ahead, in milliseconds; at most a year.
        span_ms: u64,
    },
    /// Add a rule, or replace the one of its name.
    AddRule(RuleText),
    /// Remove a rule.
    RemoveRule {
        /// Its name.
        name: String,
    },
    /// Say what a schedule means.
    Explain {
        /// The schedule, in any of its forms.
        schedule: String,
        /// How many of its next times.
        count: u32,
        /// An item that it is meant for: what would hold its starts back, and what starts beside them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<String>,
        /// Conditions that would hold for that item besides its own.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        when: Vec<String>,
    },
    /// Stop what was begun for a request, or everything. Asking again insists.
    Stop {
        /// The request; absent: everything.
        #[serde(default)]
        request: Option<u64>,
    },
    /// Stop the runs of the named ones. Asking again insists.
    StopItems {
        /// Names.
        names: Vec<String>,
    },
    /// Skip a running item.
    Skip {
        /// Its name.
        name: String,
    },
    /// A program that synchronizes by itself tells how its item stands.
    Report(Report),
    /// A program that synchronizes by itself adds a line to the log.
    ReportLog(ReportedLine),
    /// A program that synchronizes by itself holds a connection for its run, and hears what a person wants of it.
    ReportAttend(AttendReport),
}

/// What was typed into a question, by field name. It may hold a secret: whoever prints a request does not print it.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Typed(pub Map<String, Value>);

impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Typed({} fields)", self.0.len())
    }
}

impl From<Map<String, Value>> for Typed {
    fn from(fields: Map<String, Value>) -> Self {
        Self(fields)
    }
}

/// Two folders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pair {
    /// Absolute path of the left one.
    pub left: String,
    /// Absolute path of the right one.
    pub right: String,
}

/// The answer to a [`Request`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "reply", content = "value", rename_all = "kebab-case")]
pub enum Reply {
    /// To `Status`.
    Status(Box<StatusView>),
    /// To `List`.
    Items(Vec<ItemView>),
    /// To `Browse`.
    Page(Box<PageView>),
    /// To `Show`.
    Item(Box<ItemDetail>),
    /// To `Why`.
    Why(Box<WhyView>),
    /// To `Runs`.
    Runs(Vec<RunView>),
    /// To `Run`.
    Run(Box<RunDetail>),
    /// To `Log`.
    Log(LogPage),
    /// To `Needs`.
    Needs(Vec<NeedView>),
    /// To `Conflicts`.
    Conflicts(ConflictsView),
    /// To `Handlers`.
    Handlers(HandlersView),
    /// To `Doctor`.
    Doctor(DoctorView),
    /// To `Enter`.
    Entry(crate::entry::EntryView),
    /// To `RequestState`.
    RequestState(RequestState),
    /// To `Plan`.
    Plan(PlanView),
    /// To `Properties`.
    Properties(Box<PropertiesView>),
    /// To `AddItem`.
    Added(Added),
    /// To `Rules`.
    Rules(Vec<RuleView>),
    /// To `Forecast`, oldest first.
    Forecast(Forecast),
    /// To `AddRule`: as it stands now.
    Rule(Box<RuleView>),
    /// To `Explain`.
    Schedule(ScheduleView),
    /// To `Register`.
    Registered(Registered),
    /// To `Invoke` and `InvokeAll` when a person is asked first: the open questions.
    Asked {
        /// Their numbers.
        needs: Vec<u64>,
    },
    /// To `Sync`, `Refresh`, `Undo`, `Resolve`, `Invoke`, `OpenLink`: taken, under this number.
    Accepted {
        /// The request's number.
        request: u64,
    },
    /// To `Offer`.
    Offer(crate::offer::OfferView),
    /// To `Compare`.
    Comparison(Box<ComparisonView>),
    /// To `Picture`.
    Picture(PictureView),
    /// To `Decide`.
    Decided(DecisionView),
    /// To `Answer` and `Choose`: taken; a run was begun with it under this number, when one was.
    Answered {
        /// The request's number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request: Option<u64>,
        /// It was to be remembered and could not be: why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        forgotten: Option<Box<Refusal>>,
    },
    /// To `Report`, `ReportLog` and `ReportAttend`.
    Reported(ReportedView),
    /// To `RemoveItem` and `Unregister`.
    Removed {
        /// What was removed; empty: it was not there.
        names: Vec<String>,
        /// The rules that were about nothing else, and went with it.
        rules: Vec<String>,
    },
    /// To the others: done; the names that it was done to.
    Done {
        /// Names.
        names: Vec<String>,
    },
}
