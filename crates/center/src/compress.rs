//! Makes long answers short for who can read them so (gzip).
//!
//! Only what is whole is compressed: a stream of changes is to be read as it comes. That an answer holds the token of forms
//! beside text of others is no way to guess it by lengths (BREACH): a browser asks with its cookie only for pages of our own
//! (`SameSite=Strict`), so nobody else can have their guesses repeated. The token stays the same for a visit, so that the script
//! sees which parts did not change.

use std::io::Write as _;

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use flate2::Compression;
use flate2::write::GzEncoder;

/// What is shorter is sent as it is: it fits into one packet.
const LEAST_BYTES: u64 = 1_024;
/// What is longer is sent as it is: no screen and no page of a list is as long.
const MOST_BYTES: u64 = 32 * 1024 * 1024;
/// How hard it is tried, of 9: twice as hard makes a page by a tenth shorter.
const EFFORT: u32 = 3;

/// Compresses what comes back.
pub(crate) async fn answers(request: Request, next: Next) -> Response {
    let reads_it = accepts(request.headers());
    let response = next.run(request).await;
    if !is_worth_it(&response) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    parts
        .headers
        .append(header::VARY, HeaderValue::from_static("accept-encoding"));
    if !reads_it {
        return Response::from_parts(parts, body);
    }
    // It is whole already.
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let compressed = tokio::task::spawn_blocking(move || gzip(&bytes)).await;
    let Ok(Ok(compressed)) = compressed else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let gzip = HeaderValue::from_static("gzip");
    parts.headers.insert(header::CONTENT_ENCODING, gzip);
    parts.headers.remove(header::CONTENT_LENGTH);
    // Those are of other bytes.
    parts.headers.remove(header::ETAG);
    Response::from_parts(parts, Body::from(compressed))
}

fn is_worth_it(response: &Response) -> bool {
    let length = response.body().size_hint().exact();
    length.is_some_and(|length| (LEAST_BYTES..=MOST_BYTES).contains(&length))
        && !response.headers().contains_key(header::CONTENT_ENCODING)
        && is_text(response.headers())
}

fn is_text(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok());
    media_type.is_some_and(|media_type| {
        media_type.starts_with("text/")
            || [
                "application/json",
                "application/openmetrics-text",
                "image/svg+xml",
            ]
            .iter()
            .any(|text| media_type.starts_with(text))
    })
}

/// Whether gzip is among what is accepted, and not ruled out.
fn accepts(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter();
    let mut words = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    words.any(|word| {
        let (name, weight) = word.split_once(';').unwrap_or((word, ""));
        let weight = weight.trim().strip_prefix("q=");
        let is_out =
            weight.is_some_and(|weight| weight.parse().is_ok_and(|weight: f32| weight <= 0.0));
        name.trim().eq_ignore_ascii_case("gzip") && !is_out
    })
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(EFFORT));
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_accepted_is_read_as_it_is_written() {
        let accepts = |line: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, line.parse().unwrap());
            accepts(&headers)
        };
        for line in ["gzip", "br, GZIP", "deflate, gzip;q=0.5", "gzip;q=1"] {
            assert!(accepts(line), "{line}");
        }
        for line in ["", "br", "gzip;q=0", "gzip; q=0.0", "x-gzip2", "identity"] {
            assert!(!accepts(line), "{line}");
        }
    }
}
