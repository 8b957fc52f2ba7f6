//! The page: screens as pure functions of what the manager shows, in the words of whoever looks.
//!
//! A screen is asked for as a whole document, or, by the script, as the parts of it that change (`/fragment/…`); the same
//! functions make both. Acts are plain forms (`act`).

mod act;
mod address;
mod asset;
mod choose;
mod compare;
mod conflict;
mod decision;
mod enrol;
mod feed;
mod first;
mod frame;
mod handlers;
mod heard;
mod inbox;
mod item;
mod keep;
mod load;
mod log;
mod mark;
mod moment;
mod need;
mod picture;
mod plan;
mod progress;
mod properties;
mod property;
pub(crate) mod refusal;
mod register;
mod reschedule;
mod run;
mod said;
mod save;
mod schedule;
mod settings;
mod setup;
pub(crate) mod show;
mod sides;
mod spoken;
mod steer;
mod timetable;
mod trend;
mod undo;
mod wish;
pub(crate) mod words;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};

use crate::api::Center;
use crate::visitor::Visitor;

/// Every screen: its name among the fragments, and its address.
const SCREENS: &[(&str, &str)] = &[
    ("first", "/"),
    ("item", "/item"),
    ("plan", "/plan"),
    ("properties", "/properties"),
    ("run", "/run"),
    ("inbox", "/inbox"),
    ("compare", "/compare"),
    ("choose", "/choose"),
    ("progress", "/progress"),
    ("log", "/log"),
    ("timetable", "/timetable"),
    ("handlers", "/handlers"),
    ("settings", "/settings"),
];

/// The addresses of the page.
pub(crate) fn routes() -> Router<Center> {
    let mut router = Router::new()
        .route("/act/{method}", post(act::act))
        .route("/decide", post(act::decide))
        .route("/keep-open", post(keep::keep_open))
        .route("/properties", post(save::save))
        .route("/register", post(enrol::enrol))
        .route("/schedule", post(reschedule::reschedule))
        .route("/picture", get(picture::picture))
        .route("/assets/{name}", get(assets))
        .route("/fragment/{screen}", get(fragment));
    for (screen, address) in SCREENS {
        router = router.route(
            address,
            get(
                move |State(center): State<Center>,
                      RawQuery(query): RawQuery,
                      visitor: Visitor,
                      headers: HeaderMap| async move {
                    show::document(&center, &visitor, &headers, screen, query.as_deref()).await
                },
            ),
        );
    }
    router
}

async fn fragment(
    State(center): State<Center>,
    Path(screen): Path<String>,
    RawQuery(query): RawQuery,
    visitor: Visitor,
    headers: HeaderMap,
) -> Response {
    show::fragment(&center, &visitor, &headers, &screen, query.as_deref()).await
}

async fn assets(Path(name): Path<String>, _visitor: Visitor, headers: HeaderMap) -> Response {
    asset::respond(&name, &headers)
        .unwrap_or_else(|| show::plain(StatusCode::NOT_FOUND, "there is no such file\n"))
}
