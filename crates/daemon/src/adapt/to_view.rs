//! What the core and the store know, in the words of the contract with views.

use syncmgr_control::report::FailureClass;
use syncmgr_control::view;
use syncmgr_core::conflict::ConflictRow;
use syncmgr_core::item::{Counts, Failure, HandlerCapability, HandlerRow, ItemStatus, RunState};
use syncmgr_core::log::{Level, LogRow};
use syncmgr_core::need::{Choice, NeedKind, NeedRow};
use syncmgr_core::problem::FailedStep;
use syncmgr_core::request::{RequestOutcome, Trigger};
use syncmgr_core::run::{RunItemRow, RunKind, RunOutcome, RunRow};

use crate::field;

/// What was moved.
#[must_use]
pub fn counts(counts: Counts) -> view::Counts {
    view::Counts {
        sent: counts.sent,
        received: counts.received,
        deleted: counts.deleted,
        conflicts: counts.conflicts,
        failed: counts.failed,
        bytes: counts.bytes,
        created_near: counts.created_near,
        created_far: counts.created_far,
        deleted_near: counts.deleted_near,
        deleted_far: counts.deleted_far,
    }
}

/// Status of an item in a run.
#[must_use]
pub fn status(status: ItemStatus) -> view::ItemStatus {
    match status {
        ItemStatus::Pending => view::ItemStatus::Pending,
        ItemStatus::Updating => view::ItemStatus::Updating,
        ItemStatus::UpdatingIndeterminate => view::ItemStatus::UpdatingIndeterminate,
        ItemStatus::Paused => view::ItemStatus::Paused,
        ItemStatus::Resuming => view::ItemStatus::Resuming,
        ItemStatus::Succeeded => view::ItemStatus::Succeeded,
        ItemStatus::Failed => view::ItemStatus::Failed,
        ItemStatus::Skipped => view::ItemStatus::Skipped,
        ItemStatus::Stopped => view::ItemStatus::Stopped,
        ItemStatus::Disconnected => view::ItemStatus::Disconnected,
        ItemStatus::Deleted => view::ItemStatus::Deleted,
        ItemStatus::Held => view::ItemStatus::Held,
    }
}

/// What an item is doing.
#[must_use]
pub fn run_state(state: RunState) -> view::RunState {
    match state {
        RunState::Idle => view::RunState::Idle,
        RunState::Pending => view::RunState::Pending,
        RunState::Syncing => view::RunState::Syncing,
        RunState::Stopping => view::RunState::Stopping,
    }
}

/// How a run stands.
#[must_use]
pub fn run_outcome(outcome: RunOutcome) -> view::Outcome {
    match outcome {
        RunOutcome::Open => view::Outcome::Open,
        RunOutcome::Succeeded => view::Outcome::Succeeded,
        RunOutcome::Warnings => view::Outcome::Warnings,
        RunOutcome::Skipped => view::Outcome::Skipped,
        RunOutcome::Stopped => view::Outcome::Stopped,
        RunOutcome::NeedsYou => view::Outcome::NeedsYou,
        RunOutcome::Failed => view::Outcome::Failed,
        RunOutcome::Interrupted => view::Outcome::Interrupted,
    }
}

/// How a request ended.
#[must_use]
pub fn request_outcome(outcome: RequestOutcome) -> view::Outcome {
    match outcome {
        RequestOutcome::Nothing => view::Outcome::Nothing,
        RequestOutcome::Succeeded => view::Outcome::Succeeded,
        RequestOutcome::Skipped => view::Outcome::Skipped,
        RequestOutcome::Warnings => view::Outcome::Warnings,
        RequestOutcome::Stopped => view::Outcome::Stopped,
        RequestOutcome::NeedsYou => view::Outcome::NeedsYou,
        RequestOutcome::Failed => view::Outcome::Failed,
    }
}

/// Why something began, in one word.
#[must_use]
pub fn trigger(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Manual => "manual",
        Trigger::Schedule => "schedule",
        Trigger::CatchUp => "catch-up",
        Trigger::Logon => "logon",
        Trigger::Logoff => "logoff",
        Trigger::Lock => "lock",
        Trigger::Unlock => "unlock",
        Trigger::Suspend => "suspend",
        Trigger::Resume => "resume",
        Trigger::Idle => "idle",
        Trigger::Connect => "connect",
        Trigger::PendingDisconnect => "pending-disconnect",
        Trigger::Invoke => "invoke",
        Trigger::FileChange => "file-change",
        Trigger::Device => "device",
        Trigger::After => "after",
        Trigger::External => "external",
        Trigger::Retry => "retry",
        Trigger::Answered => "answered",
    }
}

/// A run in a list, with the names of its first items.
#[must_use]
pub fn run(row: &RunRow, names: Vec<String>, item_count: u64) -> view::RunView {
    view::RunView {
        id: row.id.0,
        handler: row.handler.to_string(),
        kind: match row.kind {
            RunKind::Synchronize => "synchronize",
            RunKind::Undo(_) => "undo",
            RunKind::Resolve => "resolve",
        }
        .to_owned(),
        trigger: trigger(row.trigger).to_owned(),
        opened_ms: row.opened.0,
        closed_ms: row.closed.map(|at| at.0),
        outcome: run_outcome(row.outcome),
        counts: counts(row.counts),
        part: None,
        items: names,
        item_count,
        problem: row.problem.clone(),
    }
}

/// One item's part of a run.
#[must_use]
pub fn run_item(row: &RunItemRow, name: String) -> view::RunItemView {
    view::RunItemView {
        item: row.item.item.to_string(),
        name,
        status: status(row.status),
        text: row.text.clone(),
        failure: failure(row),
        counts: counts(row.counts),
        progress: None,
    }
}

/// Whether trying again may help with what an item ended with; nothing unless it failed.
#[must_use]
pub fn failure(row: &RunItemRow) -> Option<FailureClass> {
    if !matches!(row.status, ItemStatus::Failed | ItemStatus::Disconnected) {
        return None;
    }
    row.failure.map(|failure| match failure {
        Failure::Soft => FailureClass::Soft,
        Failure::Hard => FailureClass::Hard,
    })
}

/// Severity.
#[must_use]
pub fn level(level: Level) -> view::Level {
    match level {
        Level::Information => view::Level::Information,
        Level::Warning => view::Level::Warning,
        Level::Error => view::Level::Error,
    }
}

/// Severity, back.
#[must_use]
pub fn level_of(level: view::Level) -> Level {
    match level {
        view::Level::Information => Level::Information,
        view::Level::Warning => Level::Warning,
        view::Level::Error => Level::Error,
    }
}

/// A log entry.
#[must_use]
pub fn log(row: &LogRow, item: Option<String>, handler_name: String) -> view::LogView {
    view::LogView {
        id: row.id.0,
        at_ms: row.at.0,
        level: level(row.level),
        handler: row.handler.as_ref().map(ToString::to_string),
        handler_name,
        item,
        item_id: row.item.as_ref().map(|item| item.item.to_string()),
        run: row.run.map(|run| run.0),
        text: row.text.clone(),
        detail: row.detail.clone(),
        link: false,
    }
}

fn choices(given: &[Choice]) -> Vec<view::ChoiceView> {
    given
        .iter()
        .map(|c| view::ChoiceView {
            name: c.name.clone(),
            label: c.label.clone(),
            said: None,
        })
        .collect()
}

/// An open question.
#[must_use]
pub fn need(row: &NeedRow, item: Option<String>, handler_name: String) -> view::NeedView {
    view::NeedView {
        id: row.id.0,
        handler: row.handler.to_string(),
        handler_name,
        item,
        item_id: row.item.as_ref().map(ToString::to_string),
        kind: match row.kind {
            _ if row.key.starts_with(syncmgr_core::invocation::MARK) => "invoke",
            _ if row.key.starts_with(syncmgr_core::confirm::MARK) => "confirm",
            NeedKind::Prompt => "prompt",
            NeedKind::Login => "login",
            NeedKind::Guard => "guard",
            NeedKind::StaleLock => "stale-lock",
            NeedKind::Conflict => "conflict",
        }
        .to_owned(),
        text: row.text.clone(),
        said: None,
        detail: row.detail.clone(),
        choices: choices(&row.choices),
        default: row.default.clone(),
        deadline_ms: row.deadline.map(|at| at.0),
        opened_ms: row.opened.0,
        run: row.run.map(|run| run.0),
        waits: !row.durable,
        fields: row.fields.as_deref().map(field::kept).unwrap_or_default(),
    }
}

/// A conflict; `readable` where its handler shows what versions contain.
#[must_use]
pub fn conflict(row: &ConflictRow, item: String, readable: bool) -> view::ConflictView {
    view::ConflictView {
        id: row.id.clone(),
        handler: row.item.handler.to_string(),
        item,
        item_id: row.item.item.to_string(),
        name: row.name.clone(),
        summary: row.summary.clone(),
        found_ms: row.found.0,
        versions: row
            .versions
            .iter()
            .map(|version| view::VersionView {
                place: version.place.clone(),
                location: version.location.clone(),
                deleted: version.deleted,
                kind: version.kind.clone(),
                size: version.size,
                modified_ms: version.modified.map(|at| at.0),
            })
            .collect(),
        choices: choices(&row.choices),
        comparable: readable
            && row
                .versions
                .iter()
                .any(|version| !version.deleted && version.kind != "directory"),
    }
}

/// A handler.
#[must_use]
pub fn handler(row: &HandlerRow, built_in: bool, items: u64) -> view::HandlerView {
    view::HandlerView {
        id: row.id.to_string(),
        name: row.name.clone(),
        comment: row.comment.clone(),
        version: row.version.clone(),
        built_in,
        active: row.activation == syncmgr_core::item::Activation::Active,
        enabled: row.enabled,
        items,
        capabilities: row
            .capabilities
            .iter()
            .map(|c| capability(*c).to_owned())
            .collect(),
        always_list: row.always_list,
        hidden: row.hidden,
        registration: syncmgr_control::registration::RegistrationView::default(),
        asked: row.asked,
        problem: problem(row),
    }
}

/// What is wrong with a handler itself.
#[must_use]
pub fn problem(row: &HandlerRow) -> Option<view::HandlerProblemView> {
    let problem = row.problem.as_ref()?;
    Some(view::HandlerProblemView {
        handler: row.id.to_string(),
        name: row.name.clone(),
        step: match problem.step {
            FailedStep::Start => view::FailedStep::Start,
            FailedStep::Initialize => view::FailedStep::Initialize,
            FailedStep::List => view::FailedStep::List,
        },
        text: problem.text.clone(),
        detail: problem.detail.clone(),
        since_ms: problem.since.0,
        last_ms: problem.last.0,
        times: problem.times,
    })
}

fn capability(capability: HandlerCapability) -> &'static str {
    match capability {
        HandlerCapability::ConflictStore => "conflicts",
        HandlerCapability::EventStore => "event-store",
        HandlerCapability::ConcurrentSessions => "concurrent-sessions",
        HandlerCapability::Browse => "browse",
        HandlerCapability::Schedule => "schedule",
        HandlerCapability::QueryBeforeActivate => "query-before-activate",
        HandlerCapability::QueryBeforeDeactivate => "query-before-deactivate",
        HandlerCapability::QueryBeforeEnable => "query-before-enable",
        HandlerCapability::QueryBeforeDisable => "query-before-disable",
        HandlerCapability::Properties => "properties",
        HandlerCapability::Plan => "plan",
        HandlerCapability::Undo => "undo",
        HandlerCapability::DefineItems => "define-items",
        HandlerCapability::Connection => "connection",
        HandlerCapability::ReadConflicts => "read-conflicts",
    }
}
