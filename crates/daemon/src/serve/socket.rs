//! The service over HTTP on a local socket or pipe, for the same user alone.
//!
//! `POST /v1/call` takes a [`Request`] and answers a [`Reply`](syncmgr_control::Reply) or, with status 4xx, a
//! [`Refusal`]. `GET /v1/changes` streams [`Change`](syncmgr_control::Change)s, one JSON object a line.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use futures::StreamExt as _;
use syncmgr_control::client::{CALL_PATH, CALLER_HEADER, CHANGES_PATH};
use syncmgr_control::{Caller, ExitCode, Refusal, Request, Service};
use tokio_util::sync::CancellationToken;

use super::sys::{Listener, Stream};
use crate::adapt::text;

/// Largest request body.
const MAX_BODY_BYTES: usize = syncmgr_control::request::MAX_REQUEST_BYTES;

/// Most connections served at once; further ones wait. Windows knows no more than 254 instances of a pipe, of which one
/// waits for the next connection.
const MAX_CONNECTIONS: usize = 250;

/// What the socket serves, and when that ends.
#[derive(Clone)]
struct Served {
    service: Arc<dyn Service>,
    closing: CancellationToken,
}

/// Serves until it is to close: then nobody new is served, and what was answered or told before is still delivered.
/// Every connection is of our own user.
pub(crate) async fn serve(
    listener: Listener,
    service: Arc<dyn Service>,
    closing: CancellationToken,
) {
    let router = Router::new()
        .route(CALL_PATH, post(call))
        .route(CHANGES_PATH, get(changes))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(Served {
            service,
            closing: closing.clone(),
        });
    let listener = Places {
        inner: listener,
        places: Arc::new(tokio::sync::Semaphore::new(MAX_CONNECTIONS)),
    };
    let served = axum::serve(listener, router)
        .with_graceful_shutdown(async move { closing.cancelled().await });
    if let Err(error) = served.await {
        tracing::error!(%error, "the control socket is no longer served");
    }
}

/// Accepts the connections of our own user, as many at once as there are places.
struct Places {
    inner: Listener,
    places: Arc<tokio::sync::Semaphore>,
}

impl axum::serve::Listener for Places {
    type Io = Counted;
    type Addr = ();

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
                return std::future::pending().await;
            };
            match self.inner.accept().await {
                Ok(Some(stream)) => {
                    return (
                        Counted {
                            stream,
                            _place: place,
                        },
                        (),
                    );
                }
                Ok(None) => tracing::warn!("another user was refused on the control socket"),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    // Out of descriptors: give the open connections time to end instead of spinning.
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        Ok(())
    }
}

/// How long to wait after a failed accept.
const ACCEPT_PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

/// A connection that gives its place back when it ends.
struct Counted {
    stream: Stream,
    _place: tokio::sync::OwnedSemaphorePermit,
}

impl tokio::io::AsyncRead for Counted {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl tokio::io::AsyncWrite for Counted {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        std::pin::Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

async fn call(
    State(Served { service, .. }): State<Served>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let caller = Caller {
        name: headers.get(CALLER_HEADER).map_or_else(
            || "the local socket".to_owned(),
            |value| text::line(&String::from_utf8_lossy(value.as_bytes())),
        ),
    };
    let request: Request = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(cause) => {
            let refusal = Refusal::new(
                "control::invalid-request",
                "the request was not understood",
                "the two programs may be of different versions: run the same syncmgr for both",
            )
            .because(&cause);
            return json(StatusCode::BAD_REQUEST, &refusal);
        }
    };
    match service.call(caller, request).await {
        Ok(reply) => json(StatusCode::OK, &reply),
        Err(refusal) => json(
            if refusal.exit == ExitCode::Failed {
                StatusCode::INTERNAL_SERVER_ERROR
            } else {
                StatusCode::CONFLICT
            },
            &refusal,
        ),
    }
}

fn json<T: serde::Serialize>(status: StatusCode, value: &T) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => (status, [(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn changes(State(Served { service, closing }): State<Served>) -> Response {
    match service.changes().await {
        Ok(stream) => {
            let stream =
                futures::stream::unfold((stream, closing), |(mut stream, closing)| async {
                    tokio::select! {
                        biased;
                        change = stream.next() => Some((change?, (stream, closing))),
                        // Only when everything was told.
                        () = closing.cancelled() => None,
                    }
                });
            let lines = stream.filter_map(|change| async move {
                let mut line = serde_json::to_vec(&change).ok()?;
                line.push(b'\n');
                Some(Ok::<_, std::convert::Infallible>(line))
            });
            (
                [(header::CONTENT_TYPE, "application/x-ndjson")],
                Body::from_stream(lines),
            )
                .into_response()
        }
        Err(refusal) => json(StatusCode::CONFLICT, &refusal),
    }
}
