//! The service over HTTP on a local socket or pipe, for the same user alone. What is at which address is
//! [`syncmgr_center`]'s.

use std::sync::Arc;

use syncmgr_center::Center;
use syncmgr_control::Service;
use tokio_util::sync::CancellationToken;

use super::patient::{OWN_WRITE_LIMIT, Patient};
use super::sys::{Listener, Stream};
use crate::clock::{Clock as _, SystemClock};

/// Most connections served at once; further ones wait. Windows knows no more than 254 instances of a pipe, of which one
/// waits for the next connection.
const MAX_CONNECTIONS: usize = 250;

/// Serves until it is to close: then nobody new is served, and what was answered or told before is still delivered.
/// Every connection is of our own user.
pub(crate) async fn serve(
    listener: Listener,
    service: Arc<dyn Service>,
    closing: CancellationToken,
) {
    // Two lives of the manager never begin in the same millisecond: a lock is between them.
    let life = u64::try_from(SystemClock.now().0).unwrap_or_default();
    let center = Center::new(service, life, "the local socket", closing.clone());
    let router = syncmgr_center::router(center);
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
                            stream: Patient::new(stream, OWN_WRITE_LIMIT),
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
    stream: Patient<Stream>,
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
