//! The style sheet, the script and the icon: files whose addresses change with what they say, so that browsers keep them.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};

/// A file.
#[derive(Debug)]
pub(crate) struct Asset {
    name: &'static str,
    ending: &'static str,
    media_type: &'static str,
    text: &'static str,
}

/// How everything looks.
pub(crate) const STYLE: Asset = Asset {
    name: "style",
    ending: "css",
    media_type: "text/css; charset=utf-8",
    text: include_str!("../../assets/style.css"),
};

/// What keeps a page current.
pub(crate) const SCRIPT: Asset = Asset {
    name: "script",
    ending: "js",
    media_type: "text/javascript; charset=utf-8",
    text: include_str!("../../assets/script.js"),
};

/// What a tab of a browser shows.
pub(crate) const ICON: Asset = Asset {
    name: "icon",
    ending: "svg",
    media_type: "image/svg+xml",
    text: include_str!("../../assets/icon.svg"),
};

const ALL: [&Asset; 3] = [&STYLE, &SCRIPT, &ICON];

impl Asset {
    /// Where it is.
    pub(crate) fn address(&self) -> String {
        format!("/assets/{}", self.file_name())
    }

    fn file_name(&self) -> String {
        format!("{}-{:016x}.{}", self.name, hash(self.text), self.ending)
    }
}

/// Enough to tell one release of a file from another (FNV-1a).
const fn hash(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}

/// The file of that name; absent: there is none. One of an earlier release is gone, and the page that wants it is read anew.
pub(crate) fn respond(name: &str, headers: &HeaderMap) -> Option<Response> {
    let asset = ALL.into_iter().find(|asset| asset.file_name() == name)?;
    let etag = format!("\"{:016x}\"", hash(asset.text));
    let known = headers.get(header::IF_NONE_MATCH);
    if known.is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return Some(StatusCode::NOT_MODIFIED.into_response());
    }
    let headers = [
        (header::CONTENT_TYPE, asset.media_type.to_owned()),
        (
            header::CACHE_CONTROL,
            "public, max-age=31536000, immutable".to_owned(),
        ),
        (header::ETAG, etag),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    Some((headers, asset.text).into_response())
}

/// The sign of the program: two halves of a circle that follow each other.
pub(crate) fn logo() -> Markup {
    html! {
        svg.logo viewBox="0 0 24 24" aria-hidden="true" {
            path d="M4 12a8 8 0 0 1 13.7-5.6M20 12a8 8 0 0 1-13.7 5.6M18 2.5v4.2h-4.2M6 21.5v-4.2h4.2" {}
        }
    }
}
