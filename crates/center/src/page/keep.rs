//! "Keep open": whether what was started stays on the screen when it is over. It is the browser's, as a cookie, so that it is
//! remembered for whoever looks through it (M-175).

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use super::{address, show};
use crate::query;
use crate::visitor::Visitor;

/// Its name.
const COOKIE: &str = "syncmgr-keep-open";
/// A year, in seconds.
const LASTS_S: u32 = 31_536_000;

/// Whether the browser remembers that it stays.
pub(crate) fn is_kept_open(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .any(|(name, value)| name == COOKIE && value == "true")
}

/// `POST /keep-open` with `keep` and where to go then.
pub(crate) async fn keep_open(
    visitor: Visitor,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = body.unwrap_or_default();
    let text = std::str::from_utf8(&body).unwrap_or_default();
    let fields = query::params(text).unwrap_or_default();
    let field = |name: &str| fields.get(name).and_then(Value::as_str);
    let back = address::back(field("back"));
    if let Err(refusal) = visitor.check_form(field("form").unwrap_or_default()) {
        return show::refused(&headers, &refusal, back);
    }
    let keep = field("keep") == Some("true");
    let cookie = format!("{COOKIE}={keep}; Path=/; Max-Age={LASTS_S}; HttpOnly; SameSite=Strict");
    let headers = [
        (header::SET_COOKIE, cookie),
        (header::LOCATION, back.to_owned()),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}
