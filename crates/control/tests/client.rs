//! The client against a server of the same two addresses, and against servers that misbehave.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set up its server should fail"
)]

use std::path::PathBuf;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use futures::StreamExt as _;
use syncmgr_control::client::{CALLER_HEADER, CHANGES_PATH, MAX_CHANGE_LINE_BYTES, NO_MANAGER};
use syncmgr_control::{
    Caller, Change, Client, ExitCode, Refusal, Reply, Request, Service as _, What,
};
use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio::task::JoinSet;

/// A server on a socket of its own; gone when dropped.
struct Server {
    _tasks: JoinSet<()>,
    _home: TempDir,
    socket: PathBuf,
}

impl Server {
    fn start(router: Router) -> Self {
        let home = tempfile::tempdir().unwrap();
        let socket = home.path().join("socket");
        let listener = UnixListener::bind(&socket).unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            _tasks: tasks,
            _home: home,
            socket,
        }
    }
}

fn caller() -> Caller {
    Caller {
        name: "Zoë on the command line".to_owned(),
    }
}

fn change(number: u64, what: What) -> String {
    let change = Change {
        number,
        at_ms: 5,
        what,
    };
    serde_json::to_string(&change).unwrap() + "\n"
}

fn stream_of(pieces: Vec<Bytes>) -> Router {
    Router::new().route(
        CHANGES_PATH,
        get(move || async move {
            Body::from_stream(futures::stream::iter(
                pieces.into_iter().map(Ok::<_, std::io::Error>),
            ))
        }),
    )
}

#[tokio::test]
async fn a_call_carries_the_request_and_who_asks() {
    let server = Server::start(Router::new().route(
        "/v1/stop",
        post(async |headers: HeaderMap, body: Bytes| {
            assert_eq!(body, "{\"request\":7}");
            let name = String::from_utf8_lossy(headers[CALLER_HEADER].as_bytes()).into_owned();
            serde_json::to_string(&Reply::Done { names: vec![name] }).unwrap()
        }),
    ));
    let client = Client::connect(&server.socket).await.unwrap();
    let reply = client
        .call(caller(), Request::Stop { request: Some(7) })
        .await;
    assert_eq!(
        reply,
        Ok(Reply::Done {
            names: vec![caller().name]
        })
    );
}

#[tokio::test]
async fn a_refusal_comes_back_as_it_was_meant() {
    let meant = Refusal {
        exit: ExitCode::NeedsYou,
        causes: vec!["the cause".to_owned()],
        ..Refusal::new("folder::nested", "left lies inside right", "choose another")
    };
    let told = serde_json::to_string(&meant).unwrap();
    let server = Server::start(Router::new().route(
        "/v1/status",
        post(async move || (StatusCode::UNPROCESSABLE_ENTITY, told).into_response()),
    ));
    let client = Client::connect(&server.socket).await.unwrap();
    let error = client.call(caller(), Request::Status).await.unwrap_err();
    assert_eq!(error, meant);
}

#[tokio::test]
async fn what_is_not_understood_is_said_to_be_so() {
    for (status, body) in [
        (StatusCode::OK, "not json"),
        (StatusCode::NOT_FOUND, ""),
        (StatusCode::OK, r#"{"reply":"from-the-future"}"#),
    ] {
        let server = Server::start(Router::new().route(
            "/v1/status",
            post(async move || (status, body).into_response()),
        ));
        let client = Client::connect(&server.socket).await.unwrap();
        let error = client.call(caller(), Request::Status).await.unwrap_err();
        assert_eq!(error.code, "control::not-understood");
        assert_eq!(error.exit, ExitCode::Failed);
        assert!(!error.causes.is_empty());
    }
}

#[tokio::test]
async fn nobody_there_is_told_apart_from_somebody_unreachable() {
    let home = tempfile::tempdir().unwrap();
    let socket = home.path().join("socket");
    let nobody = Client::connect(&socket).await.unwrap_err();
    assert_eq!(nobody.code, NO_MANAGER);

    drop(UnixListener::bind(&socket).unwrap());
    let left_behind = Client::connect(&socket).await.unwrap_err();
    assert_eq!(left_behind.code, NO_MANAGER);

    let too_long = home.path().join("x".repeat(200));
    let unreachable = Client::connect(&too_long).await.unwrap_err();
    assert_eq!(unreachable.code, "control::unreachable");
}

#[tokio::test]
async fn a_manager_that_hangs_up_is_gone() {
    let home = tempfile::tempdir().unwrap();
    let socket = home.path().join("socket");
    let listener = UnixListener::bind(&socket).unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    let client = Client::connect(&socket).await.unwrap();
    let error = client.call(caller(), Request::Status).await.unwrap_err();
    assert_eq!(error.code, "control::gone");
    let error = client.changes().await.err().unwrap();
    assert_eq!(error.code, "control::gone");
}

#[tokio::test]
async fn changes_come_one_by_one_however_they_are_cut() {
    let notice = What::Notice {
        text: "a stale lock was taken over".to_owned(),
    };
    let all =
        change(0, What::Gap) + &change(1, notice.clone()) + "\n" + &change(2, What::ItemsChanged);
    let pieces = all
        .as_bytes()
        .chunks(7)
        .map(Bytes::copy_from_slice)
        .collect();
    let server = Server::start(stream_of(pieces));
    let client = Client::connect(&server.socket).await.unwrap();
    let seen: Vec<_> = client.changes().await.unwrap().collect().await;
    let seen: Vec<_> = seen
        .into_iter()
        .map(|seen| (seen.number, seen.what))
        .collect();
    assert_eq!(seen, [(0, What::Gap), (1, notice), (2, What::ItemsChanged)]);
}

#[tokio::test]
async fn a_line_too_long_or_unreadable_is_a_gap_and_the_next_is_read() {
    let blank = Bytes::from(vec![b' '; MAX_CHANGE_LINE_BYTES / 2]);
    let pieces = vec![
        Bytes::from(change(4, What::ItemsChanged)),
        blank.clone(),
        blank.clone(),
        blank,
        Bytes::from("\n".to_owned() + &change(6, What::ItemsChanged)),
        Bytes::from_static(b"{\"number\":7,\"atMs\":0,\"change\":\"of-a-later-version\"}\n"),
        Bytes::from_static(b"\xff\xfe\n"),
    ];
    let server = Server::start(stream_of(pieces));
    let client = Client::connect(&server.socket).await.unwrap();
    let seen: Vec<_> = client.changes().await.unwrap().collect().await;
    let seen: Vec<_> = seen
        .into_iter()
        .map(|seen| (seen.number, seen.what))
        .collect();
    assert_eq!(
        seen,
        [
            (4, What::ItemsChanged),
            (5, What::Gap),
            (6, What::ItemsChanged),
            (7, What::Gap),
            (8, What::Gap)
        ]
    );
}

#[tokio::test]
async fn the_stream_ends_when_the_manager_goes() {
    let (gone, wait) = tokio::sync::oneshot::channel::<()>();
    let wait = futures::FutureExt::shared(wait);
    let server = Server::start(Router::new().route(
        CHANGES_PATH,
        get(move || async move {
            let first =
                futures::stream::once(async { Ok::<_, std::io::Error>(change(0, What::Gap)) });
            let then = futures::stream::once(async move {
                drop(wait.await);
                Err(std::io::Error::other("killed"))
            });
            Body::from_stream(first.chain(then))
        }),
    ));
    let client = Client::connect(&server.socket).await.unwrap();
    let mut changes = client.changes().await.unwrap();
    assert_eq!(changes.next().await.unwrap().what, What::Gap);
    drop(gone);
    assert_eq!(changes.next().await, None);
}

#[tokio::test]
async fn changes_may_be_refused() {
    let told = serde_json::to_string(&Refusal::new(
        "control::busy",
        "too many views",
        "close one",
    ))
    .unwrap();
    let server = Server::start(Router::new().route(
        CHANGES_PATH,
        get(async move || (StatusCode::SERVICE_UNAVAILABLE, told).into_response()),
    ));
    let client = Client::connect(&server.socket).await.unwrap();
    assert_eq!(client.changes().await.err().unwrap().code, "control::busy");
}
