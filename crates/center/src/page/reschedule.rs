//! Saves and removes what starts an item, and leads back to its page, which says what was done and offers the way back.

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value};
use syncmgr_control::rule::RuleText;
use syncmgr_control::{Refusal, Reply};

use super::schedule::Did;
use super::{act, address, show};
use crate::api::Center;
use crate::visitor::Visitor;

/// `POST /schedule`: the fields of a rule, or the name of one to `remove`; `was` is how it was before.
pub(crate) async fn reschedule(
    State(center): State<Center>,
    visitor: Visitor,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let (outcome, back) = match act::form("add-rule", body) {
        Ok((_, params, back)) => (take(&center, &visitor, &headers, params).await, back),
        Err(refusal) => (Err(refusal), None),
    };
    let back = address::back(back.as_deref());
    match outcome {
        Ok(did) => (
            StatusCode::SEE_OTHER,
            [(header::LOCATION, with(back, did.as_ref()))],
        )
            .into_response(),
        Err(refusal) => show::refused(&headers, &refusal, back),
    }
}

async fn take(
    center: &Center,
    visitor: &Visitor,
    headers: &HeaderMap,
    mut params: Map<String, Value>,
) -> Result<Option<Did>, Refusal> {
    let was = params.remove("was");
    let was = was.as_ref().and_then(Value::as_str);
    let was: Option<RuleText> = was.and_then(|was| serde_json::from_str(was).ok());
    let undone = params.remove("undo").map(|_| Did::Undone);
    if let Some(name) = params.remove("remove") {
        let mut gone = Map::from_iter([("name".to_owned(), name)]);
        gone.extend(params.remove_entry("form"));
        act::ask(center, visitor, headers, "remove-rule", gone).await?;
        return Ok(undone.or(was.map(Did::Removed)));
    }
    let reply = act::ask(center, visitor, headers, "add-rule", params).await?;
    Ok(match (was, reply) {
        _ if undone.is_some() => undone,
        (Some(was), _) => Some(Did::Changed(was)),
        (None, Reply::Rule(rule)) => Some(Did::Added(rule.rule.name)),
        (None, _) => None,
    })
}

/// Where it leads, with what was done; without it where that is longer than an address may be.
fn with(back: &str, did: Option<&Did>) -> String {
    let said = match did {
        None => return back.to_owned(),
        Some(Did::Added(name)) => format!("did=added&which={}", address::encoded(name)),
        Some(Did::Changed(was)) => format!("did=changed&which={}", json(was)),
        Some(Did::Removed(was)) => format!("did=removed&which={}", json(was)),
        Some(Did::Undone) => "did=undone".to_owned(),
    };
    let address = format!("{back}{}{said}", if back.contains('?') { '&' } else { '?' });
    if address.len() > address::MAX_BACK {
        back.to_owned()
    } else {
        address
    }
}

fn json(was: &RuleText) -> String {
    address::encoded(&serde_json::to_string(was).unwrap_or_default())
}
