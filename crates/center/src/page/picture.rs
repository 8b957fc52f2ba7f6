//! A version of a conflict that is a picture, at an address of its own. It is a stranger's file: nothing may come of it but a
//! picture.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use syncmgr_control::compare::{MAX_PICTURE_BYTES, PictureView, picture as media_type_of};
use syncmgr_control::method::Access;
use syncmgr_control::{Refusal, Reply, Request};

use super::load;
use crate::api::{Center, caller};
use crate::refused;
use crate::visitor::Visitor;

/// Opened by itself, it may do nothing; another site may not even embed it.
const KEPT_TO: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "sandbox; default-src 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// `GET /picture?conflict=…&place=…`
pub(crate) async fn picture(
    State(center): State<Center>,
    RawQuery(query): RawQuery,
    visitor: Visitor,
    headers: HeaderMap,
) -> Response {
    match look(&center, &visitor, &headers, query.as_deref()).await {
        Ok((media_type, bytes)) => {
            (KEPT_TO, [(header::CONTENT_TYPE, media_type)], bytes).into_response()
        }
        Err(refusal) => refused::json(&refusal),
    }
}

async fn look(
    center: &Center,
    visitor: &Visitor,
    headers: &HeaderMap,
    query: Option<&str>,
) -> Result<(&'static str, Vec<u8>), Refusal> {
    visitor.must(Access::Run)?;
    let params = load::params(query.unwrap_or_default())?;
    let text = |name: &str| {
        let value = params.get(name).and_then(serde_json::Value::as_str);
        value.map(str::to_owned).ok_or_else(load::not_understood)
    };
    let request = Request::Picture {
        conflict: text("conflict")?,
        place: text("place")?,
    };
    let caller = caller(visitor, headers);
    match center.service.call(caller, request).await? {
        Reply::Picture(PictureView { content, .. }) => {
            let bytes = STANDARD
                .decode(content)
                .map_err(|_| load::not_understood())?;
            // Looked at once more where it is sent: a browser must never get anything else from here.
            let media_type = media_type_of(&bytes)
                .filter(|_| u64::try_from(bytes.len()).is_ok_and(|len| len <= MAX_PICTURE_BYTES))
                .ok_or_else(load::not_understood)?;
            Ok((media_type, bytes))
        }
        _ => Err(load::unexpected()),
    }
}
