//! The addresses: a method each, changes, measures, and whether anybody is there.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State};
use axum::http::{HeaderMap, Method as Verb, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use axum::{Extension, Router, middleware};
use serde_json::{Map, Value};
use syncmgr_control::client::{CALLER_HEADER, CHANGES_PATH, MAX_CALLER_BYTES};
use syncmgr_control::method::{self, Access, Method};
use syncmgr_control::request::MAX_REQUEST_BYTES;
use syncmgr_control::{Caller, Refusal, Reply, Request, Service};
use tokio_util::sync::CancellationToken;

use crate::changes::{Followed, Form};
use crate::door::{Door, guarded};
use crate::visitor::Visitor;
use crate::{compress, metrics, page, query, refused};

/// How long the manager may take to say that it is there.
const HEALTH_LIMIT: Duration = Duration::from_secs(5);

/// The document that describes the API; `cargo xtask schema` writes it.
const OPENAPI: &str = include_str!("../../../docs/openapi.json");

/// What is served.
#[derive(Clone)]
pub struct Center {
    pub(crate) service: Arc<dyn Service>,
    changes: Followed,
    /// What whoever does not say who it is is called.
    caller: &'static str,
}

impl std::fmt::Debug for Center {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Center")
            .field("changes", &self.changes)
            .field("caller", &self.caller)
            .finish_non_exhaustive()
    }
}

impl Center {
    /// Serves a manager. `life` tells this life of the manager from others, `caller` is what those are called who do not say
    /// who they are; streams end when `closing` is cancelled, once everything was told.
    #[must_use]
    pub fn new(
        service: Arc<dyn Service>,
        life: u64,
        caller: &'static str,
        closing: CancellationToken,
    ) -> Self {
        Self {
            service,
            changes: Followed::new(life, closing),
            caller,
        }
    }
}

/// Every address, for whoever the system lets in: they may do everything.
pub fn router(center: Center) -> Router {
    let owner = Visitor::owner(center.caller);
    api(center).layer(Extension(owner))
}

/// Every address, for whom a door lets in.
pub fn router_behind(door: Arc<Door>, center: Center) -> Router {
    guarded(api(center), door)
}

fn api(center: Center) -> Router {
    Router::new()
        .merge(page::routes())
        .route(CHANGES_PATH, get(changes))
        .route("/v1/{method}", any(asked))
        .route("/metrics", get(measures))
        .route("/healthz", get(health))
        .route("/openapi.json", get(openapi))
        .fallback(nowhere)
        .method_not_allowed_fallback(not_so)
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
        .layer(middleware::from_fn(compress::answers))
        .with_state(center)
}

/// What is at the address of a method.
async fn asked(
    State(center): State<Center>,
    Path(name): Path<String>,
    verb: Verb,
    RawQuery(text): RawQuery,
    visitor: Visitor,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let Some(method) = method::find(&name) else {
        return refuse(&unknown(&name));
    };
    let only_looks = method.access == Access::Read;
    if verb == Verb::POST {
        call(&center, method, &visitor, &headers, body).await
    } else if only_looks && (verb == Verb::GET || verb == Verb::HEAD) {
        look(&center, method, &visitor, &headers, text.as_deref()).await
    } else {
        let ways = if only_looks { "GET,HEAD,POST" } else { "POST" };
        ([(header::ALLOW, ways)], refuse(&not_so_refusal())).into_response()
    }
}

/// `POST /v1/METHOD` with its parameters as a JSON object; no body is none.
async fn call(
    center: &Center,
    method: &Method,
    visitor: &Visitor,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    if let Err(refusal) = visitor.must(method.access) {
        return refuse(&refusal);
    }
    let body = match body {
        Ok(body) => body,
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return refuse(&too_large());
        }
        Err(cause) => return refuse(&invalid(method).because(&cause)),
    };
    let params: Result<Map<String, Value>, _> = if body.is_empty() {
        Ok(Map::new())
    } else {
        serde_json::from_slice(&body)
    };
    let request = params.and_then(|params| method::request(method, Value::Object(params)));
    match request {
        Ok(request) => answer(center, visitor, headers, request).await,
        Err(cause) => refuse(&invalid(method).because(&cause)),
    }
}

/// `GET /v1/METHOD?name=…` for what only looks.
async fn look(
    center: &Center,
    method: &Method,
    visitor: &Visitor,
    headers: &HeaderMap,
    text: Option<&str>,
) -> Response {
    let params = match query::params(text.unwrap_or_default()) {
        Ok(params) => params,
        Err(why) => {
            let mut refusal = invalid(method);
            refusal.causes.push(why);
            return refuse(&refusal);
        }
    };
    match method::request(method, params) {
        Ok(request) => answer(center, visitor, headers, request).await,
        Err(cause) => refuse(&invalid(method).because(&cause)),
    }
}

async fn answer(
    center: &Center,
    visitor: &Visitor,
    headers: &HeaderMap,
    request: Request,
) -> Response {
    match center.service.call(caller(visitor, headers), request).await {
        Ok(reply) => json(StatusCode::OK, &reply),
        Err(refusal) => refuse(&refusal),
    }
}

/// Who asks, as it says itself.
pub(crate) fn caller(visitor: &Visitor, headers: &HeaderMap) -> Caller {
    Caller {
        name: headers.get(CALLER_HEADER).map_or_else(
            || visitor.name.as_ref().to_owned(),
            |value| name_of(value.as_bytes()),
        ),
    }
}

/// A caller's name as it may stand in records: one line of bounded length, without what a terminal would obey.
fn name_of(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars()
        .map(query::harmless)
        .take(MAX_CALLER_BYTES)
        .collect()
}

/// `GET /v1/changes`: server-sent events for who accepts them, else a JSON object a line.
async fn changes(State(center): State<Center>, visitor: Visitor, headers: HeaderMap) -> Response {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let form = match text(header::ACCEPT.as_str()) {
        Some(accept) if accept.contains("text/event-stream") => Form::Events,
        Some(_) | None => Form::Lines,
    };
    let last = text("last-event-id");
    let stream = center.changes;
    match stream
        .respond(&center.service, form, last, visitor.over())
        .await
    {
        Ok(response) => response,
        Err(refusal) => refuse(&refusal),
    }
}

async fn measures(State(center): State<Center>) -> Response {
    match status(&center).await {
        Ok(Reply::Status(status)) => (
            [(header::CONTENT_TYPE, metrics::MEDIA_TYPE)],
            metrics::text(&status),
        )
            .into_response(),
        Ok(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Err(refusal) => refuse(&refusal),
    }
}

/// Whether the manager answers; how its items are is not asked here.
async fn health(State(center): State<Center>) -> Response {
    let text = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    match tokio::time::timeout(HEALTH_LIMIT, status(&center)).await {
        Ok(Ok(_)) => (text, "ok\n").into_response(),
        Ok(Err(refusal)) => {
            let why = format!("{refusal}\n");
            (StatusCode::SERVICE_UNAVAILABLE, text, why).into_response()
        }
        Err(_) => {
            let why = format!("no answer within {} s\n", HEALTH_LIMIT.as_secs());
            (StatusCode::SERVICE_UNAVAILABLE, text, why).into_response()
        }
    }
}

async fn status(center: &Center) -> Result<Reply, Refusal> {
    let caller = Caller {
        name: center.caller.to_owned(),
    };
    center.service.call(caller, Request::Status).await
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

async fn nowhere(request: axum::extract::Request) -> Response {
    let refusal = Refusal::new(
        "control::unknown-address",
        "nothing is at this address",
        "the addresses are in /openapi.json",
    );
    refused::to(refused::wants_page(&request.into_parts().0), &refusal)
}

async fn not_so() -> Response {
    refuse(&not_so_refusal())
}

pub(crate) fn not_so_refusal() -> Refusal {
    Refusal::new(
        "control::not-so",
        "this address is not asked in this way",
        "what only looks takes GET and POST, everything else POST",
    )
}

pub(crate) fn too_large() -> Refusal {
    Refusal::new(
        "control::too-large",
        format!("the request is longer than {} MiB", MAX_REQUEST_BYTES >> 20),
        "nothing that the manager takes is as long",
    )
}

pub(crate) fn unknown(name: &str) -> Refusal {
    Refusal::new(
        "control::unknown-method",
        format!("there is no method `{}`", query::shown(name)),
        "the methods are in /openapi.json; the two programs may be of different versions",
    )
}

pub(crate) fn invalid(method: &Method) -> Refusal {
    Refusal::new(
        "control::invalid-request",
        format!("the parameters of `{}` are not understood", method.name),
        "they are described in /openapi.json; the two programs may be of different versions",
    )
}

fn refuse(refusal: &Refusal) -> Response {
    refused::json(refusal)
}

fn json<T: serde::Serialize>(status: StatusCode, value: &T) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => (status, [(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
