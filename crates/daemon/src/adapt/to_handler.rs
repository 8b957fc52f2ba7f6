//! What the core wants, in the words of the handler contract.

use serde_json::{Map, Value};
use syncmgr_core::command::{Reply, Verdict};
use syncmgr_core::need::{NeedRow, NeedState};
use syncmgr_core::request::Trigger;
use syncmgr_handler::call::{self, Done, Event};
use syncmgr_handler::callback::{Allowed, Connected, LateItems, ProgressVerdict, Prompted};
use syncmgr_handler::frame::RpcError;
use syncmgr_handler::item::{Answer, ItemId};

/// The event that a trigger is to a handler (mobsync 3.12): the six classic ones.
#[must_use]
pub fn event(trigger: Trigger) -> Event {
    match trigger {
        Trigger::Manual | Trigger::Answered => Event::Manual,
        Trigger::Schedule
        | Trigger::CatchUp
        | Trigger::FileChange
        | Trigger::After
        | Trigger::Retry => Event::Scheduled,
        Trigger::Logon | Trigger::Unlock | Trigger::Resume | Trigger::Connect | Trigger::Device => {
            Event::Connect
        }
        Trigger::Logoff | Trigger::Lock | Trigger::Suspend | Trigger::PendingDisconnect => {
            Event::PendingDisconnect
        }
        Trigger::Idle => Event::Idle,
        Trigger::Invoke | Trigger::External => Event::Invoke,
    }
}

/// An id of the core on the wire; both vocabularies have the same bounds.
#[must_use]
pub fn item(id: &syncmgr_core::ItemId) -> Option<ItemId> {
    ItemId::new(id.as_str()).ok()
}

/// Several ids.
#[must_use]
pub fn items(ids: &[syncmgr_core::ItemId]) -> Vec<ItemId> {
    ids.iter().filter_map(item).collect()
}

/// How far a cancellation reaches.
#[must_use]
pub fn verdict(verdict: Verdict) -> call::Verdict {
    match verdict {
        Verdict::Continue => call::Verdict::Continue,
        Verdict::CancelItem => call::Verdict::CancelItem,
        Verdict::CancelAll => call::Verdict::CancelAll,
    }
}

/// Answered needs; others say nothing.
#[must_use]
pub fn answers(needs: &[NeedRow]) -> Vec<Answer> {
    needs
        .iter()
        .filter_map(|need| match &need.state {
            NeedState::Answered { choice, fields, .. } => Some(Answer {
                item: need.item.as_ref().and_then(item),
                key: need.key.clone(),
                choice: choice.clone(),
                fields: object(fields.reveal()),
                context: serde_json::from_str(&need.context).unwrap_or(Value::Null),
            }),
            NeedState::Open
            | NeedState::Used { .. }
            | NeedState::Withdrawn
            | NeedState::Expired => None,
        })
        .collect()
}

fn object(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}

/// An answer to a question of the handler, as it travels.
///
/// # Errors
/// The error answer, when the core refused.
pub fn reply(reply: Reply) -> Result<Value, RpcError> {
    let value = match reply {
        Reply::Verdict(v) => serde_json::to_value(ProgressVerdict {
            verdict: verdict(v),
        }),
        Reply::Chosen { choice, fields } => serde_json::to_value(Prompted::Chosen {
            choice,
            fields: object(fields.reveal()),
        }),
        Reply::Deferred { within } => serde_json::to_value(Prompted::Deferred {
            deadline_ms: within.map(|span| u64::try_from(span.as_millis()).unwrap_or(u64::MAX)),
        }),
        Reply::PromptRefused => serde_json::to_value(Prompted::Refused),
        Reply::Modeless(allowed) => serde_json::to_value(Allowed { allowed }),
        Reply::Connection(outcome) => serde_json::to_value(Connected {
            connected: outcome.is_ok(),
            reason: outcome.err(),
        }),
        Reply::LateItems(ids) => serde_json::to_value(LateItems { items: items(&ids) }),
        Reply::Done => serde_json::to_value(Done {}),
        Reply::Refused(why) => return Err(RpcError::new(RpcError::OUT_OF_PHASE, why)),
    };
    value.map_err(|_| RpcError::new(RpcError::INTERNAL, "the answer could not be written"))
}
