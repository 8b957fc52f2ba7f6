//! Saves what was typed into the properties: a plain form, which comes back with what is wrong beside its fields.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use syncmgr_control::Refusal;
use syncmgr_control::method::Access;
use syncmgr_control::view::PropertiesEffect;

use super::properties::{Rejected, Said};
use super::show::{self, Look};
use super::{address, load, property};
use crate::api::Center;
use crate::visitor::Visitor;

/// `POST /properties`
pub(crate) async fn save(
    State(center): State<Center>,
    visitor: Visitor,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let saved = match Filled::of(body) {
        Ok(filled) => take(&center, &visitor, &headers, filled).await,
        Err(refusal) => Err(refusal),
    };
    saved.unwrap_or_else(|refusal| show::refused(&headers, &refusal, "/"))
}

/// What a form brought.
#[derive(Debug, Default)]
struct Filled {
    form: String,
    name: String,
    typed: BTreeMap<String, String>,
    shown: BTreeMap<String, String>,
}

impl Filled {
    fn of(body: Result<Bytes, BytesRejection>) -> Result<Self, Refusal> {
        let refused = |cause: &dyn std::error::Error| load::not_understood().because(cause);
        let body = body.map_err(|rejection| refused(&rejection))?;
        let text = std::str::from_utf8(&body).map_err(|cause| refused(&cause))?;
        let mut filled = Self::default();
        let Value::Object(fields) = crate::query::params(text).map_err(|why| {
            let mut refusal = load::not_understood();
            refusal.causes.push(why);
            refusal
        })?
        else {
            return Err(load::not_understood());
        };
        for (name, value) in fields {
            let Value::String(value) = value else {
                continue;
            };
            // As a browser sends the lines of a text area.
            let value = value.replace("\r\n", "\n");
            match name.split_once('.') {
                None if name == "form" => filled.form = value,
                None if name == "name" => filled.name = value,
                Some(("of", name)) => drop(filled.typed.insert(name.to_owned(), value)),
                Some(("was", name)) => drop(filled.shown.insert(name.to_owned(), value)),
                None | Some(_) => {}
            }
        }
        Ok(filled)
    }
}

async fn take(
    center: &Center,
    visitor: &Visitor,
    headers: &HeaderMap,
    filled: Filled,
) -> Result<Response, Refusal> {
    visitor.check_form(&filled.form)?;
    visitor.must(Access::Admin)?;
    let name = filled.name;
    let look = Look::new(center, visitor, headers, address::properties(&name));
    let view = look.read_properties(&name, None).await?;
    let properties = property::of(&view.schema, &view.values);
    let rejected = match property::changed(&properties, &filled.typed, &filled.shown) {
        Ok(values) if values.is_empty() => return Ok(went(&Said::Unchanged.address(&name))),
        Ok(values) => match look.read_properties(&name, Some(values)).await {
            Ok(view) => {
                return Ok(went(&match view.effect {
                    PropertiesEffect::ItemDeleted => "/".to_owned(),
                    PropertiesEffect::ItemsListed => Said::Listed.address(&name),
                    PropertiesEffect::Unchanged => Said::Saved.address(&name),
                }));
            }
            Err(refusal) => Rejected {
                typed: filled.typed,
                refusal: Some(refusal),
                ..Rejected::default()
            },
        },
        Err(faults) => Rejected {
            typed: filled.typed,
            faults,
            ..Rejected::default()
        },
    };
    let looked = look.sheet(&view, Some(&rejected), None).await?;
    Ok(show::whole(StatusCode::UNPROCESSABLE_ENTITY, &looked))
}

fn went(address: &str) -> Response {
    (
        StatusCode::SEE_OTHER,
        [(header::LOCATION, address.to_owned())],
    )
        .into_response()
}
