//! The service over HTTP on a local socket or pipe, for the same user alone. What is at which address is
//! [`syncmgr_center`]'s.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
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
    serve_router(listener, router, closing, OWN_WRITE_LIMIT).await;
}

/// The same of whatever is at the addresses, to whoever leaves nothing unread for longer than the limit.
async fn serve_router(
    listener: Listener,
    router: Router,
    closing: CancellationToken,
    limit: Duration,
) {
    let listener = Places {
        inner: listener,
        limit,
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
    /// How long what is sent may be left unread.
    limit: Duration,
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
                            stream: Patient::new(stream, self.limit),
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
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

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

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use axum::body::{Body, Bytes};
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::UnixStream;
    use tokio::task::JoinSet;
    use tokio::time::Instant;

    use super::*;

    /// More than a socket takes that nobody reads.
    const LONG: usize = 16 << 20;

    /// What a program gets that asks at once and reads so much later.
    async fn read_after(pause: Duration, limit: Duration) -> usize {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("socket");
        let listener = Listener::bind(&path).unwrap();
        let long = async || Body::from(Bytes::from_static(&[b'x'; LONG]));
        let closing = CancellationToken::new();
        let router = Router::new().route("/", get(long));
        let mut serving = JoinSet::new();
        serving.spawn(serve_router(listener, router, closing.clone(), limit));
        let mut program = UnixStream::connect(&path).await.unwrap();
        let asked = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        program.write_all(asked).await.unwrap();
        let began = Instant::now();
        tokio::time::sleep(pause).await;
        let mut read = Vec::new();
        // A connection that was ended may be reset as well.
        drop(program.read_to_end(&mut read).await);
        assert!(began.elapsed() < limit.max(pause) + Duration::from_secs(1));
        closing.cancel();
        serving.join_all().await;
        read.len()
    }

    // The clock leaps to the next wait that ends as soon as nothing else is to be done.
    #[tokio::test(start_paused = true)]
    async fn what_a_program_of_ours_leaves_unread_ends_its_connection_after_the_limit() {
        let moment = Duration::from_secs(1);
        let whole = read_after(OWN_WRITE_LIMIT.saturating_sub(moment), OWN_WRITE_LIMIT).await;
        assert!(whole > LONG, "{whole}");
        let cut = read_after(OWN_WRITE_LIMIT + moment, OWN_WRITE_LIMIT).await;
        assert!(cut < LONG, "{cut}");
        // The limit is what was given.
        assert!(read_after(3 * moment, 2 * moment).await < LONG);
    }
}
