//! HTTP on TCP, where anybody may knock: every wait has an end, and there are only so many connections.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use socket2::{SockRef, TcpKeepalive};
use syncmgr_center::door::Stranger;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::patient::{Patient, WRITE_LIMIT};
use super::peer;

/// Most connections served at once; further ones wait.
const MAX_CONNECTIONS: usize = 250;
/// How long the head of a request may take to arrive, and how long a connection may be quiet between two requests.
const HEAD_LIMIT: Duration = Duration::from_secs(15);
/// Most lines of a head.
const MAX_HEAD_LINES: usize = 64;
/// Longest head, and what is held of an answer before it is sent.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// A peer that is silent for so long is asked whether it is still there, and so often again, at most so many times: a stream to
/// a machine that vanished would be kept otherwise.
const ALIVE_AFTER: Duration = Duration::from_secs(60);
const ALIVE_EVERY: Duration = Duration::from_secs(15);
const ALIVE_TIMES: u32 = 4;
/// How long to wait after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Sockets that listen at one port.
#[derive(Debug)]
pub(crate) struct Listeners {
    first: TcpListener,
    /// The other loopback address, where there is one: `localhost` may mean either, and nobody else should have it.
    second: Option<TcpListener>,
}

impl Listeners {
    /// Listens at this address; at a free port when it names none. Must be called within a runtime.
    pub(crate) fn bind(address: SocketAddr) -> std::io::Result<Self> {
        let first = listen(address)?;
        let port = first.local_addr()?.port();
        let second = (address.ip() == IpAddr::from([127, 0, 0, 1]))
            .then(|| listen(SocketAddr::new(Ipv6Addr::LOCALHOST.into(), port)).ok())
            .flatten();
        Ok(Self { first, second })
    }

    /// Where the first one listens.
    pub(crate) fn address(&self) -> std::io::Result<SocketAddr> {
        self.first.local_addr()
    }

    async fn accept(&self) -> std::io::Result<(TcpStream, SocketAddr)> {
        match &self.second {
            None => self.first.accept().await,
            Some(second) => tokio::select! {
                came = self.first.accept() => came,
                came = second.accept() => came,
            },
        }
    }
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// What is served, how, and to whom.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) router: Router,
    /// Connections are begun by TLS.
    pub(crate) tls: Option<TlsAcceptor>,
    /// Who may connect besides loopback; everybody when there is none.
    pub(crate) peers: Vec<IpAddr>,
}

impl Served {
    fn is_welcome(&self, peer: SocketAddr) -> bool {
        let ip = peer.ip().to_canonical();
        self.peers.is_empty() || ip.is_loopback() || self.peers.contains(&ip)
    }
}

/// Serves until it is to close, or until nobody was connected for `idle` and `may_end` agrees. What was answered before is
/// still delivered.
pub(crate) async fn serve(
    listeners: Listeners,
    served: Served,
    closing: CancellationToken,
    idle: Option<Duration>,
    may_end: impl Fn() -> bool,
) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let nobody = connections.is_empty();
        let idle = async {
            match idle {
                Some(idle) if nobody => tokio::time::sleep(idle).await,
                Some(_) | None => std::future::pending().await,
            }
        };
        let next = async {
            // The semaphore is never closed.
            let place = Arc::clone(&places).acquire_owned().await.ok();
            (place, listeners.accept().await)
        };
        tokio::select! {
            (place, came) = next => match came {
                Ok((_, peer)) if !served.is_welcome(peer) => {
                    tracing::warn!(%peer, "somebody who is no trusted proxy was refused");
                }
                Ok((stream, peer)) => {
                    connections.spawn(connection(stream, peer, served.clone(), closing.clone(), place));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    // Out of descriptors: give the open connections time to end instead of spinning.
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
            () = idle => if may_end() {
                return;
            },
            () = closing.cancelled() => break,
        }
    }
    drop(listeners);
    while connections.join_next().await.is_some() {}
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    served: Served,
    closing: CancellationToken,
    _place: Option<OwnedSemaphorePermit>,
) {
    // Answers are written whole; nothing is gained by waiting for more.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection stays slow");
    }
    if let Err(error) = ask_whether_alive(&stream) {
        tracing::debug!(%error, "a connection may outlive its peer");
    }
    let Served {
        mut router,
        tls,
        peers,
    } = served;
    // A proxy may be of any user.
    if peers.is_empty()
        && let Ok(local) = stream.local_addr()
        && peer::is_another_user(peer, local).await
    {
        router = router.layer(Extension(Stranger));
    }
    match tls {
        None => http(stream, router, closing).await,
        Some(tls) => match tokio::time::timeout(HEAD_LIMIT, tls.accept(stream)).await {
            Ok(Ok(stream)) => http(stream, router, closing).await,
            Ok(Err(error)) => tracing::debug!(%error, "a connection was not begun by TLS"),
            Err(_) => tracing::debug!("TLS was not begun in time"),
        },
    }
}

fn ask_whether_alive(stream: &TcpStream) -> std::io::Result<()> {
    let alive = TcpKeepalive::new()
        .with_time(ALIVE_AFTER)
        .with_interval(ALIVE_EVERY)
        .with_retries(ALIVE_TIMES);
    SockRef::from(stream).set_tcp_keepalive(&alive)
}

async fn http(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    closing: CancellationToken,
) {
    let stream = TokioIo::new(Patient::new(stream, WRITE_LIMIT));
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .max_headers(MAX_HEAD_LINES)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(stream, TowerToHyperService::new(router));
    let mut serving = std::pin::pin!(serving);
    let outcome = tokio::select! {
        outcome = serving.as_mut() => outcome,
        () = closing.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended");
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Serves a page, and gives its address.
    fn served(idle: Option<Duration>) -> (SocketAddr, CancellationToken, JoinSet<()>) {
        let listeners = Listeners::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = listeners.address().unwrap();
        let router = Router::new().route("/", axum::routing::get(async || "here"));
        let closing = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let served = Served {
            router,
            tls: None,
            peers: Vec::new(),
        };
        tasks.spawn(serve(listeners, served, closing.clone(), idle, || true));
        (address, closing, tasks)
    }

    /// What comes back for these bytes, until the other side ends.
    async fn said(address: SocketAddr, bytes: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        let mut text = String::new();
        drop(stream.read_to_string(&mut text).await);
        text
    }

    // The clock leaps to the next wait that ends as soon as nothing else is to be done.
    #[tokio::test(start_paused = true)]
    async fn who_does_not_come_to_the_point_is_left() {
        let (address, _closing, _tasks) = served(None);
        let began = tokio::time::Instant::now();
        for begun in ["", "GET / HTTP/1.1\r\nhost: x\r\nx-slow:"] {
            assert!(!said(address, begun).await.contains("here"));
        }
        // Nor does a connection stay that has nothing more to ask.
        assert!(
            said(address, "GET / HTTP/1.1\r\nhost: x\r\n\r\n")
                .await
                .ends_with("here")
        );
        assert!(began.elapsed() >= 3 * HEAD_LIMIT);
    }

    #[test]
    fn a_trusted_proxy_is_told_from_others() {
        let welcome = |peers: &[&str], peer: &str| {
            let served = Served {
                router: Router::new(),
                tls: None,
                peers: peers.iter().map(|ip| ip.parse().unwrap()).collect(),
            };
            served.is_welcome(SocketAddr::new(peer.parse().unwrap(), 1))
        };
        assert!(welcome(&[], "192.0.2.1"));
        assert!(welcome(&["192.0.2.1"], "192.0.2.1"));
        assert!(welcome(&["192.0.2.1"], "::ffff:192.0.2.1"));
        assert!(welcome(&["192.0.2.1"], "127.0.0.1"));
        assert!(!welcome(&["192.0.2.1"], "192.0.2.2"));
    }

    /// Tells that it was dropped.
    struct Over(tokio::sync::mpsc::UnboundedSender<()>);

    impl Drop for Over {
        fn drop(&mut self) {
            self.0.send(()).ok();
        }
    }

    // The clock leaps to the next wait that ends as soon as nothing else is to be done.
    #[tokio::test(start_paused = true)]
    async fn a_stream_that_nobody_reads_is_ended() {
        let listeners = Listeners::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = listeners.address().unwrap();
        let (ending, mut ended) = tokio::sync::mpsc::unbounded_channel();
        let endless = move || async move {
            let over = Over(ending);
            let frames = futures::stream::repeat_with(move || {
                let _with_the_answer = &over;
                Ok::<_, std::convert::Infallible>(axum::body::Bytes::from_static(&[b'x'; 4096]))
            });
            axum::body::Body::from_stream(frames)
        };
        let served = Served {
            router: Router::new().route("/", axum::routing::get(endless)),
            tls: None,
            peers: Vec::new(),
        };
        let closing = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listeners, served, closing.clone(), None, || true));
        let began = tokio::time::Instant::now();
        let mut silent = TcpStream::connect(address).await.unwrap();
        silent
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        let left = tokio::time::timeout(3 * WRITE_LIMIT, ended.recv()).await;
        left.unwrap().unwrap();
        assert!(began.elapsed() >= WRITE_LIMIT);
        drop(silent);
    }

    /// A peer that went without a word, its line cut, is found out by the system.
    #[tokio::test]
    async fn the_system_asks_whether_a_silent_peer_is_alive() {
        let listeners = Listeners::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let stream = TcpStream::connect(listeners.address().unwrap())
            .await
            .unwrap();
        assert!(!SockRef::from(&stream).keepalive().unwrap());
        let asked = ask_whether_alive(&stream);
        assert!(SockRef::from(&stream).keepalive().unwrap());
        // Windows does not tell after what time, and Wine knows its own alone.
        if cfg!(unix) {
            asked.unwrap();
        }
        #[cfg(unix)]
        assert_eq!(
            SockRef::from(&stream).tcp_keepalive_time().unwrap(),
            ALIVE_AFTER
        );
    }

    #[tokio::test]
    async fn heads_are_bounded() {
        let (address, _closing, _tasks) = served(None);
        let lines = "x: y\r\n".repeat(MAX_HEAD_LINES + 1);
        let text = said(address, &format!("GET / HTTP/1.1\r\n{lines}\r\n")).await;
        assert!(text.starts_with("HTTP/1.1 431"), "{text}");
        // What is left unread resets the connection, perhaps before the answer is seen.
        let long = "y".repeat(2 * MAX_HEAD_BYTES);
        let text = said(address, &format!("GET / HTTP/1.1\r\nx: {long}\r\n\r\n")).await;
        assert!(
            text.is_empty() || text.starts_with("HTTP/1.1 431"),
            "{text}"
        );
    }

    // The clock leaps over what is never sent.
    #[tokio::test(start_paused = true)]
    async fn what_is_no_request_is_refused_or_left() {
        let (address, _closing, _tasks) = served(None);
        let ends = |head: &str| format!("{head}\r\nhost: x\r\n\r\n");
        // Neither of the old protocol nor of another one, and no text at all.
        for strange in [
            "GET /\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "\0\u{1}\u{2}\r\n\r\n",
            "\r\n\r\n\r\n",
        ] {
            assert!(
                !said(address, strange).await.contains("here"),
                "{strange:?}"
            );
        }
        for (head, status) in [
            ("GET /\0 HTTP/1.1", "400"),
            ("GET /a b HTTP/1.1", "400"),
            ("GET / HTTP/9.9", "400"),
            ("G\u{1}T / HTTP/1.1", "400"),
            ("GET /%2e%2e/etc/passwd HTTP/1.1", "404"),
            ("GET //x HTTP/1.1", "404"),
        ] {
            let text = said(address, &ends(head)).await;
            assert!(
                text.starts_with(&format!("HTTP/1.1 {status}")),
                "{head:?}: {text}"
            );
        }
        // Lengths that contradict each other would hide a second request.
        let both = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab";
        assert!(said(address, both).await.starts_with("HTTP/1.1 400"));
        // A body that never ends, and several requests at once, of which each is answered.
        let endless = "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nffff\r\nx";
        assert!(said(address, endless).await.starts_with("HTTP/1.1 405"));
        let text = said(address, &ends("GET / HTTP/1.1").repeat(3)).await;
        assert_eq!(text.matches("here").count(), 3, "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_when_nobody_comes_and_when_it_is_closed() {
        let idle = Duration::from_secs(60);
        let (_, _closing, mut tasks) = served(Some(idle));
        let began = tokio::time::Instant::now();
        tasks.join_next().await.unwrap().unwrap();
        assert!(began.elapsed() >= idle);
        let (address, closing, mut tasks) = served(None);
        let _open = TcpStream::connect(address).await.unwrap();
        closing.cancel();
        tasks.join_next().await.unwrap().unwrap();
    }
}
