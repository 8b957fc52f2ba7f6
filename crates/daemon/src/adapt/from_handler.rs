//! What a handler says, in the words of the core.

use std::time::Duration;

use syncmgr_core::command::ReplyId;
use syncmgr_core::conflict::{ConflictRow, ConflictVersion, Resting};
use syncmgr_core::input::{
    Began, Completed, HandlerFacts, InstanceInput, ListedItem, Progress, Prompt, PropertiesEffect,
    PropertySheet, ResolveFeedback,
};
use syncmgr_core::item::{
    Connected, Counts, Failure, HandlerCapability, HandlerPolicy, ItemCapability, ItemPolicy,
    ItemStatus,
};
use syncmgr_core::log::Level;
use syncmgr_core::need::{Choice, NeedKind};
use syncmgr_core::{HandlerId, ItemId, ItemRef, Timestamp};
use syncmgr_handler::call::{Initialized, Started};
use syncmgr_handler::callback::{self, Callback, Completion, PromptKind, Question, Status};
use syncmgr_handler::contract::{MAX_NAME_UNITS, feature};

use super::text;
use crate::field;

/// An id that crossed the wire; both vocabularies have the same bounds, so a mismatch is an id of nothing.
fn item_id(id: &syncmgr_handler::item::ItemId) -> Option<ItemId> {
    ItemId::new(id.as_str()).ok()
}

/// A display name: harmless, and at most 127 UTF-16 units (M-45).
fn name(given: &str) -> String {
    let clean = text::line(given);
    let mut units = 0;
    clean
        .chars()
        .take_while(|c| {
            units += c.len_utf16();
            units <= MAX_NAME_UNITS
        })
        .collect()
}

/// The answer to `initialize`.
#[must_use]
pub fn initialized(answer: &Initialized) -> InstanceInput {
    if !answer.takes_part {
        return InstanceInput::Declined;
    }
    let info = &answer.handler;
    let mut capabilities: Vec<HandlerCapability> = info
        .capabilities
        .iter()
        .filter_map(|word| handler_capability(word))
        .collect();
    for feature in &answer.features {
        match feature.as_str() {
            feature::PLAN => capabilities.push(HandlerCapability::Plan),
            feature::UNDO => capabilities.push(HandlerCapability::Undo),
            feature::CONFLICTS => capabilities.push(HandlerCapability::ConflictStore),
            // M-136: those of items are said by each of them.
            feature::PROPERTIES if info.own_properties != Some(false) => {
                capabilities.push(HandlerCapability::Properties);
            }
            feature::DEFINE => capabilities.push(HandlerCapability::DefineItems),
            feature::READ_CONFLICTS => capabilities.push(HandlerCapability::ReadConflicts),
            feature::CONNECTION => capabilities.push(HandlerCapability::Connection),
            _ => {}
        }
    }
    InstanceInput::Initialized(HandlerFacts {
        name: name(&info.name),
        comment: text::line(&info.comment),
        version: text::line(&info.version),
        always_list: info.always_list,
        hidden: info.hidden,
        capabilities,
        policies: info
            .policies
            .iter()
            .filter_map(|word| handler_policy(word))
            .collect(),
    })
}

/// Unknown words are ignored (M-54).
fn handler_capability(word: &str) -> Option<HandlerCapability> {
    Some(match word {
        "conflict-store" => HandlerCapability::ConflictStore,
        "event-store" => HandlerCapability::EventStore,
        "concurrent-sessions" => HandlerCapability::ConcurrentSessions,
        "browse" => HandlerCapability::Browse,
        "schedule" => HandlerCapability::Schedule,
        "query-before-activate" => HandlerCapability::QueryBeforeActivate,
        "query-before-deactivate" => HandlerCapability::QueryBeforeDeactivate,
        "query-before-enable" => HandlerCapability::QueryBeforeEnable,
        "query-before-disable" => HandlerCapability::QueryBeforeDisable,
        _ => return None,
    })
}

fn handler_policy(word: &str) -> Option<HandlerPolicy> {
    Some(match word {
        "prevent-activate" => HandlerPolicy::PreventActivate,
        "prevent-deactivate" => HandlerPolicy::PreventDeactivate,
        "prevent-enable" => HandlerPolicy::PreventEnable,
        "prevent-disable" => HandlerPolicy::PreventDisable,
        "prevent-start-sync" => HandlerPolicy::PreventStartSync,
        "prevent-stop-sync" => HandlerPolicy::PreventStopSync,
        "disable-enable" => HandlerPolicy::DisableEnable,
        "disable-disable" => HandlerPolicy::DisableDisable,
        "disable-start-sync" => HandlerPolicy::DisableStartSync,
        "disable-stop-sync" => HandlerPolicy::DisableStopSync,
        "disable-browse" => HandlerPolicy::DisableBrowse,
        "disable-schedule" => HandlerPolicy::DisableSchedule,
        "hidden-by-default" => HandlerPolicy::HiddenByDefault,
        _ => return None,
    })
}

fn item_capability(word: &str) -> Option<ItemCapability> {
    Some(match word {
        "conflict-store" => ItemCapability::ConflictStore,
        "event-store" => ItemCapability::EventStore,
        "delete" => ItemCapability::Delete,
        "browse" => ItemCapability::Browse,
        "query-before-enable" => ItemCapability::QueryBeforeEnable,
        "query-before-disable" => ItemCapability::QueryBeforeDisable,
        "query-before-delete" => ItemCapability::QueryBeforeDelete,
        _ => return None,
    })
}

fn item_policy(word: &str) -> Option<ItemPolicy> {
    Some(match word {
        "prevent-enable" => ItemPolicy::PreventEnable,
        "prevent-disable" => ItemPolicy::PreventDisable,
        "prevent-start-sync" => ItemPolicy::PreventStartSync,
        "prevent-stop-sync" => ItemPolicy::PreventStopSync,
        "disable-enable" => ItemPolicy::DisableEnable,
        "disable-disable" => ItemPolicy::DisableDisable,
        "disable-start-sync" => ItemPolicy::DisableStartSync,
        "disable-stop-sync" => ItemPolicy::DisableStopSync,
        "disable-browse" => ItemPolicy::DisableBrowse,
        "disable-delete" => ItemPolicy::DisableDelete,
        "hidden-by-default" => ItemPolicy::HiddenByDefault,
        _ => return None,
    })
}

/// A listed item.
#[must_use]
pub fn listed(item: &syncmgr_handler::item::Item) -> Option<ListedItem> {
    let mut capabilities: Vec<ItemCapability> = item
        .capabilities
        .iter()
        .filter_map(|word| item_capability(word))
        .collect();
    if item.has_properties {
        capabilities.push(ItemCapability::Properties);
    }
    let shown = name(&item.name);
    Some(ListedItem {
        id: item_id(&item.id)?,
        name: if shown.is_empty() {
            item.id.to_string()
        } else {
            shown
        },
        comment: text::line(&item.comment),
        checked: item.checked,
        last_update: item.last_update_ms.map(Timestamp),
        connected: match item.connected {
            Some(true) => Connected::Yes,
            Some(false) => Connected::No,
            None => Connected::Unknown,
        },
        temporary: item.temporary,
        hidden: item.hidden,
        capabilities,
        policies: item
            .policies
            .iter()
            .filter_map(|word| item_policy(word))
            .collect(),
        lanes: syncmgr_core::lane::read(item.lanes.iter().map(String::as_str)),
    })
}

/// How paired work began.
#[must_use]
pub fn began(started: Started) -> Began {
    match started {
        Started::Yes => Began::Yes,
        Started::NeedsUser => Began::NeedsUser,
        Started::No { reason } => Began::No(text::line(&reason)),
    }
}

fn completed(completion: Completion) -> Completed {
    match completion {
        Completion::Done => Completed::Done,
        Completion::Failed {
            reason,
            failure,
            retry_after,
        } => Completed::Failed {
            reason: text::line(&reason),
            failure: self::failure(failure),
            retry_after: retry_after.map(Duration::from_secs),
        },
        Completion::Cancelled => Completed::Cancelled,
    }
}

fn failure(failure: callback::Failure) -> Failure {
    match failure {
        callback::Failure::Soft => Failure::Soft,
        callback::Failure::Hard => Failure::Hard,
    }
}

fn status(status: Status) -> ItemStatus {
    match status {
        Status::Stopped => ItemStatus::Stopped,
        Status::Skipped => ItemStatus::Skipped,
        Status::Pending => ItemStatus::Pending,
        Status::Updating => ItemStatus::Updating,
        Status::UpdatingIndeterminate => ItemStatus::UpdatingIndeterminate,
        Status::Paused => ItemStatus::Paused,
        Status::Resuming => ItemStatus::Resuming,
        Status::Succeeded => ItemStatus::Succeeded,
        Status::Failed => ItemStatus::Failed,
        Status::Disconnected => ItemStatus::Disconnected,
        Status::Deleted => ItemStatus::Deleted,
    }
}

/// What was moved.
#[must_use]
pub fn counts(counts: syncmgr_handler::item::Counts) -> Counts {
    Counts {
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

fn progress(progress: callback::Progress) -> Progress {
    Progress {
        item: progress.item.as_ref().and_then(item_id),
        status: progress.status.map(status),
        text: progress.text.as_deref().map(text::line),
        value: progress.value,
        max: progress.max,
        counts: progress.counts.map(counts),
        failure: progress.failure.map(failure),
        retry_after: progress.retry_after.map(Duration::from_secs),
    }
}

fn choices(given: Vec<syncmgr_handler::call::Choice>) -> Vec<Choice> {
    given
        .into_iter()
        .map(|choice| Choice {
            name: text::line(&choice.name),
            label: text::line(&choice.label),
        })
        .collect()
}

/// A notification; `None` for what is data for a view and no input (`plan/actions`).
#[must_use]
pub fn callback(callback: Callback) -> Option<InstanceInput> {
    Some(match callback {
        Callback::Progress(said) => InstanceInput::Progress(progress(said), None),
        Callback::Log(entry) => InstanceInput::Log {
            level: match entry.level {
                callback::Level::Information => Level::Information,
                callback::Level::Warning => Level::Warning,
                callback::Level::Error => Level::Error,
            },
            text: text::line(&entry.text),
            item: entry.item.as_ref().and_then(item_id),
            detail: entry.detail.as_deref().map(text::detail),
            error: entry.error,
            jump: entry.jump,
        },
        Callback::Violation(breach) => InstanceInput::Violation(text::line(&format!(
            "{}: {}",
            breach.obligation, breach.text
        ))),
        Callback::DeleteLog(which) => InstanceInput::DeleteLog(which.error),
        Callback::PrepareCompleted(end) => InstanceInput::PrepareCompleted(completed(end)),
        Callback::SynchronizeCompleted(end) => InstanceInput::SynchronizeCompleted(completed(end)),
        Callback::PropertiesCompleted(end) => {
            InstanceInput::ShowPropertiesCompleted(properties_effect(end.effect))
        }
        Callback::ItemsChanged(_) => InstanceInput::ItemsChanged,
        Callback::ErrorCompleted(end) => {
            InstanceInput::ShowErrorCompleted(end.retry.iter().filter_map(item_id).collect())
        }
        Callback::PlanActions(_) => return None,
        Callback::ConflictsChanged(which) => {
            InstanceInput::ConflictsChanged(which.item.as_ref().and_then(item_id))
        }
        Callback::WithdrawPrompt(which) => InstanceInput::WithdrawPrompt {
            item: which.item.as_ref().and_then(item_id),
            key: which.key,
        },
    })
}

/// A request of the handler.
#[must_use]
pub fn question(question: Question, reply: ReplyId) -> InstanceInput {
    match question {
        Question::Progress(said) => InstanceInput::Progress(progress(said), Some(reply)),
        Question::Prompt(asked) => InstanceInput::Prompt {
            reply,
            prompt: Prompt {
                item: asked.item.as_ref().and_then(item_id),
                key: asked.key,
                kind: match asked.kind {
                    PromptKind::Question => NeedKind::Prompt,
                    PromptKind::Login => NeedKind::Login,
                    PromptKind::Guard => NeedKind::Guard,
                    PromptKind::StaleLock => NeedKind::StaleLock,
                },
                text: text::line(&asked.text),
                detail: asked.detail.as_deref().map(text::detail),
                choices: choices(asked.choices),
                default: asked.default,
                fields: asked.fields.as_ref().map(field::asked),
                deadline: asked.deadline_ms.map(std::time::Duration::from_millis),
                durable: asked.durable,
                context: asked.context.to_string(),
                wrong: asked.wrong,
            },
        },
        Question::EnableModeless(asked) => InstanceInput::EnableModeless {
            reply,
            enable: asked.enable,
        },
        Question::EstablishConnection(asked) => InstanceInput::EstablishConnection {
            reply,
            name: asked.name.as_deref().map(text::line),
        },
        Question::QueryLateItems(_) => InstanceInput::QueryLateItems(reply),
        Question::AddItem(asked) => match item_id(&asked.item) {
            Some(id) => InstanceInput::AddItem(reply, id),
            None => InstanceInput::Violation("`items/add` names no item".into()),
        },
        Question::ProposeItem(asked) => match listed(&asked.item) {
            Some(item) => InstanceInput::ProposeItem(reply, item),
            None => InstanceInput::Violation("`items/propose` names no item".into()),
        },
        Question::CommitItem(asked) => match item_id(&asked.item) {
            Some(id) => InstanceInput::CommitItem(reply, id),
            None => InstanceInput::Violation("`items/commit` names no item".into()),
        },
    }
}

fn properties_effect(effect: syncmgr_handler::call::PropertiesEffect) -> PropertiesEffect {
    match effect {
        syncmgr_handler::call::PropertiesEffect::Unchanged => PropertiesEffect::Unchanged,
        syncmgr_handler::call::PropertiesEffect::ItemDeleted => PropertiesEffect::ItemDeleted,
        syncmgr_handler::call::PropertiesEffect::EnumerateItems => PropertiesEffect::EnumerateItems,
    }
}

/// Properties as data.
#[must_use]
pub fn property_sheet(sheet: syncmgr_handler::call::PropertySheet) -> PropertySheet {
    PropertySheet {
        schema: sheet.schema.to_string(),
        values: serde_json::Value::Object(sheet.values).to_string(),
        definition: sheet.definition.map(|definition| definition.to_string()),
        effect: properties_effect(sheet.effect),
    }
}

/// A conflict of a handler's store.
#[must_use]
pub fn conflict(
    handler: &HandlerId,
    given: syncmgr_handler::call::Conflict,
) -> Option<ConflictRow> {
    Some(ConflictRow {
        id: text::line(&given.id),
        item: ItemRef {
            handler: handler.clone(),
            item: item_id(&given.item)?,
        },
        name: text::line(&given.name),
        summary: text::line(&given.summary),
        found: Timestamp(given.found_ms),
        versions: given
            .versions
            .into_iter()
            .map(|version| ConflictVersion {
                place: text::line(&version.place),
                location: text::line(&version.location),
                deleted: version.deleted,
                kind: text::line(&version.kind),
                size: version.size,
                modified: version.modified_ms.map(Timestamp),
            })
            .collect(),
        choices: choices(given.choices),
    })
}

/// What came of a decision.
#[must_use]
pub fn resolved(answer: syncmgr_handler::call::Resolved) -> ResolveFeedback {
    use syncmgr_handler::call::Resolved;
    match answer {
        Resolved::Continue {
            kept,
            until_ms,
            counts: moved,
        } => ResolveFeedback::Continue {
            resting: kept.map(|place| Resting {
                place: text::line(&place),
                until: until_ms.map(Timestamp),
            }),
            counts: moved.map(counts).unwrap_or_default(),
        },
        Resolved::Refresh => ResolveFeedback::Refresh,
    }
}

#[cfg(test)]
mod tests {
    use syncmgr_handler::item::HandlerInfo;

    use super::*;

    #[test]
    fn properties_of_the_handler_itself_are_what_it_says_m_136() {
        for (announced, own, expected) in [
            (true, None, true),
            (true, Some(true), true),
            (true, Some(false), false),
            (false, Some(true), false),
        ] {
            let answer = Initialized {
                contract: 1,
                features: announced
                    .then(|| feature::PROPERTIES.to_owned())
                    .into_iter()
                    .collect(),
                takes_part: true,
                handler: HandlerInfo {
                    own_properties: own,
                    ..HandlerInfo::default()
                },
            };
            let InstanceInput::Initialized(facts) = initialized(&answer) else {
                panic!("it takes part");
            };
            let offered = facts.capabilities.contains(&HandlerCapability::Properties);
            assert_eq!(offered, expected, "{announced} {own:?}");
        }
    }
}
