//! Registers a handler, and leads to what came of it.

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value};
use syncmgr_control::{Refusal, Reply};

use super::register::{Enrolled, Rejected};
use super::show::{self, Look};
use super::{act, address};
use crate::api::Center;
use crate::visitor::Visitor;

/// `POST /register`: the fields of a registration, and the word of whoever knows what it starts.
pub(crate) async fn enrol(
    State(center): State<Center>,
    visitor: Visitor,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let done = match act::form("register", body) {
        Ok((_, params, _)) => take(&center, &visitor, &headers, params).await,
        Err(refusal) => Err(refusal),
    };
    done.unwrap_or_else(|refusal| show::refused(&headers, &refusal, "/handlers"))
}

async fn take(
    center: &Center,
    visitor: &Visitor,
    headers: &HeaderMap,
    mut params: Map<String, Value>,
) -> Result<Response, Refusal> {
    let form = params
        .get("form")
        .and_then(Value::as_str)
        .unwrap_or_default();
    visitor.check_form(form)?;
    let consent = params.remove("consent").is_some();
    let runs = match params.get("runs") {
        Some(Value::Object(runs)) => runs.clone(),
        Some(_) | None => Map::new(),
    };
    let refusal = if consent {
        match act::ask(center, visitor, headers, "register", params).await {
            Ok(Reply::Registered(done)) => return Ok(went(&done)),
            Ok(_) => return Ok(went(&())),
            Err(refusal) => Some(refusal),
        }
    } else {
        None
    };
    let look = Look::new(center, visitor, headers, "/handlers".to_owned());
    let enrolled = Enrolled::Refused(Rejected { runs, refusal });
    let looked = look.handlers(Some(enrolled)).await?;
    Ok(show::whole(StatusCode::UNPROCESSABLE_ENTITY, &looked))
}

/// Where it leads, with the report; without it where that is longer than an address may be.
fn went(done: &impl serde::Serialize) -> Response {
    let report = serde_json::to_string(done).unwrap_or_default();
    let to = format!("/handlers?registered={}", address::encoded(&report));
    let to = if to.len() > address::MAX_BACK {
        "/handlers".to_owned()
    } else {
        to
    };
    (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response()
}
