//! A client of a running manager: the same [`Service`] over HTTP/1.1 on its socket.
//!
//! One connection for each call: a local connection costs microseconds, and a call that hangs holds up no other. What
//! comes over the wire is believed in nothing: answers, lines and waits are bounded.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream;
use futures::{FutureExt as _, StreamExt as _};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::change::{Change, What};
use crate::exit::ExitCode;
use crate::method;
use crate::refusal::Refusal;
use crate::request::{Reply, Request};
use crate::service::{Caller, Changes, Service};
use crate::sys;

/// Where changes are followed.
pub const CHANGES_PATH: &str = "/v1/changes";
/// The header that names the caller; UTF-8, at most [`MAX_CALLER_BYTES`].
pub const CALLER_HEADER: &str = "x-syncmgr-caller";
/// Longest name of a caller that is sent.
pub const MAX_CALLER_BYTES: usize = 256;
/// Longest line of the stream of changes; a longer one is dropped and told as a gap.
pub const MAX_CHANGE_LINE_BYTES: usize = 1024 * 1024;
/// Longest answer: a page of [`MAX_PAGE`](crate::request::MAX_PAGE) rows with all their texts fits easily.
pub const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// How long the socket may take to accept a connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a call that the manager answers by itself may take.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a call may take that waits for a handler, which may have millions of files to look at.
pub const HANDLER_ANSWER_TIMEOUT: Duration = Duration::from_secs(6 * 60 * 60);

/// Code of the refusal that says that no manager listens on the socket; the caller may then manage by itself.
pub const NO_MANAGER: &str = "control::no-manager";

/// Code of the refusal that says that the manager is ending and did nothing of what it was asked; whoever asks again a little
/// later meets the next one.
pub const ENDING: &str = "control::ending";

/// A client of the manager behind a socket.
#[derive(Debug, Clone)]
pub struct Client {
    path: PathBuf,
}

impl Client {
    /// Makes sure that somebody accepts connections at this path.
    ///
    /// # Errors
    /// A refusal with the code [`NO_MANAGER`] when nobody listens there; another when the socket cannot be reached.
    pub async fn connect(path: impl Into<PathBuf>) -> Result<Self, Refusal> {
        let path = path.into();
        drop(reach(&path).await?);
        Ok(Self { path })
    }

    async fn post(&self, caller: Caller, request: Request) -> Result<Reply, Refusal> {
        let patience = if matches!(
            request,
            Request::Plan { .. }
                | Request::Compare { .. }
                | Request::Picture { .. }
                | Request::AddItem { .. }
                | Request::Properties { .. }
                | Request::Register(_)
                | Request::ReportAttend(_)
        ) {
            HANDLER_ANSWER_TIMEOUT
        } else {
            ANSWER_TIMEOUT
        };
        let wrong = |error: serde_json::Error| not_understood().because(&error);
        let (method, params) = method::parts(&request).map_err(wrong)?;
        let body = serde_json::to_vec(&params).map_err(wrong)?;
        let target = format!("{}{method}", method::ROOT);
        let exchange = async {
            let (mut tasks, response) =
                send(&self.path, Method::POST, &target, &caller.name, body).await?;
            let answer = answer(response).await;
            tasks.abort_all();
            answer
        };
        timeout(patience, exchange).await.unwrap_or_else(|_| {
            Err(Refusal {
                exit: ExitCode::Failed,
                ..Refusal::new(
                    "control::timeout",
                    format!(
                        "the manager did not answer within {} seconds",
                        patience.as_secs()
                    ),
                    "see whether it still runs: syncmgr doctor",
                )
            })
        })
    }

    async fn follow(&self) -> Result<Changes, Refusal> {
        let begin = send(&self.path, Method::GET, CHANGES_PATH, "a view", Vec::new());
        let (tasks, response) = timeout(ANSWER_TIMEOUT, begin)
            .await
            .unwrap_or_else(|_| Err(gone()))?;
        if response.status() != StatusCode::OK {
            return Err(match answer(response).await {
                Err(refusal) => refusal,
                Ok(_) => not_understood(),
            });
        }
        let reader = Reader {
            _tasks: tasks,
            body: response.into_body(),
            lines: Lines::default(),
            last: 0,
        };
        Ok(stream::unfold(reader, Reader::next).boxed())
    }
}

impl Service for Client {
    fn call(&self, caller: Caller, request: Request) -> BoxFuture<'_, Result<Reply, Refusal>> {
        self.post(caller, request).boxed()
    }

    fn changes(&self) -> BoxFuture<'_, Result<Changes, Refusal>> {
        self.follow().boxed()
    }
}

async fn reach(path: &Path) -> Result<sys::Stream, Refusal> {
    let connected = timeout(CONNECT_TIMEOUT, sys::connect(path)).await;
    let error = match connected {
        Ok(Ok(stream)) => return Ok(stream),
        Ok(Err(error)) => error,
        Err(_) => io::Error::from(io::ErrorKind::TimedOut),
    };
    let refusal = match error.kind() {
        // One that ends resets whoever waited to be accepted: nothing was asked of it yet.
        io::ErrorKind::NotFound
        | io::ErrorKind::ConnectionRefused
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => Refusal::new(
            "control::no-manager",
            format!("no manager listens on {}", path.display()),
            "start one with: syncmgr daemon",
        ),
        io::ErrorKind::PermissionDenied => Refusal::new(
            "control::not-yours",
            format!(
                "the manager's socket {} belongs to somebody else",
                path.display()
            ),
            "run the command as the user whose manager it is, or set SYNCMGR_HOME to a directory of your own",
        ),
        _ => Refusal::new(
            "control::unreachable",
            format!("the manager cannot be reached through {}", path.display()),
            "see what listens there: syncmgr doctor",
        ),
    };
    Err(refusal.because(&error))
}

/// Sends one request. The connection lives as long as the returned tasks.
async fn send(
    path: &Path,
    method: Method,
    target: &str,
    caller: &str,
    body: Vec<u8>,
) -> Result<(JoinSet<()>, Response<Incoming>), Refusal> {
    let stream = reach(path).await?;
    let (mut sender, connection) = http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream))
        .await
        .map_err(|error| gone().because(&error))?;
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        // What breaks the connection is told to whoever waits for the answer on it.
        drop(connection.await);
    });
    let request = hyper::Request::builder()
        .method(method)
        .uri(target)
        .header(HOST, "syncmgr")
        .header(CONTENT_TYPE, "application/json")
        .header(CALLER_HEADER, caller_header(caller))
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| not_understood().because(&error))?;
    let response = sender
        .send_request(request)
        .await
        .map_err(|error| gone().because(&error))?;
    Ok((tasks, response))
}

async fn answer(response: Response<Incoming>) -> Result<Reply, Refusal> {
    let status = response.status();
    let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES)
        .collect()
        .await
        .map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                not_understood().because(&*error)
            } else {
                gone().because(&*error)
            }
        })?
        .to_bytes();
    if status == StatusCode::OK {
        return serde_json::from_slice(&body).map_err(|error| not_understood().because(&error));
    }
    match serde_json::from_slice::<Refusal>(&body) {
        Ok(refusal) => Err(refusal),
        Err(error) => Err(Refusal {
            message: format!("the manager answered {status} in a way that is not understood"),
            ..not_understood()
        }
        .because(&error)),
    }
}

fn gone() -> Refusal {
    Refusal {
        exit: ExitCode::Failed,
        ..Refusal::new(
            "control::gone",
            "the manager went away",
            "what it had begun is told by: syncmgr status",
        )
    }
}

fn not_understood() -> Refusal {
    Refusal {
        exit: ExitCode::Failed,
        ..Refusal::new(
            "control::not-understood",
            "the manager's answer is not understood",
            "the manager may be of another version than this command; restart it",
        )
    }
}

/// The caller's name as a header: control characters, which a header cannot hold, become blanks.
fn caller_header(name: &str) -> HeaderValue {
    let mut text = String::new();
    for character in name.chars() {
        if text.len() + character.len_utf8() > MAX_CALLER_BYTES {
            break;
        }
        text.push(if character.is_control() {
            ' '
        } else {
            character
        });
    }
    HeaderValue::from_bytes(text.as_bytes()).unwrap_or(HeaderValue::from_static("unknown"))
}

/// Reads changes from the body of an answer that does not end.
struct Reader {
    _tasks: JoinSet<()>,
    body: Incoming,
    lines: Lines,
    last: u64,
}

impl Reader {
    async fn next(mut self) -> Option<(Change, Self)> {
        loop {
            while let Some(line) = self.lines.pop() {
                let change = match line {
                    Line::Whole(line) if line.is_empty() => continue,
                    Line::Whole(line) => serde_json::from_slice::<Change>(&line).ok(),
                    Line::TooLong => None,
                };
                // A change that cannot be read, perhaps of a later version, is a change that was lost.
                let change = change.unwrap_or(Change {
                    number: self.last.saturating_add(1),
                    at_ms: 0,
                    what: What::Gap,
                });
                self.last = change.number;
                return Some((change, self));
            }
            let frame = self.body.frame().await?.ok()?;
            if let Ok(data) = frame.into_data() {
                self.lines.push(&data);
            }
        }
    }
}

/// One line, or that one was too long.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Whole(Vec<u8>),
    TooLong,
}

/// Cuts bytes into lines of a bounded length. It holds one unfinished line and the lines of the last piece.
#[derive(Debug, Default)]
struct Lines {
    ready: VecDeque<Line>,
    partial: Vec<u8>,
    dropping: bool,
}

impl Lines {
    fn push(&mut self, mut data: &[u8]) {
        while !data.is_empty() {
            let end = data.iter().position(|&byte| byte == b'\n');
            let (piece, rest) = match end {
                Some(end) => (&data[..end], &data[end + 1..]),
                None => (data, &data[data.len()..]),
            };
            if !self.dropping {
                if self.partial.len() + piece.len() > MAX_CHANGE_LINE_BYTES {
                    self.partial = Vec::new();
                    self.dropping = true;
                } else {
                    self.partial.extend_from_slice(piece);
                }
            }
            if end.is_some() {
                let partial = std::mem::take(&mut self.partial);
                self.ready.push_back(if self.dropping {
                    Line::TooLong
                } else {
                    Line::Whole(partial)
                });
                self.dropping = false;
            }
            data = rest;
        }
    }

    fn pop(&mut self) -> Option<Line> {
        self.ready.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(pieces: &[&[u8]]) -> Vec<Line> {
        let mut lines = Lines::default();
        for piece in pieces {
            lines.push(piece);
        }
        std::iter::from_fn(|| lines.pop()).collect()
    }

    #[test]
    fn lines_are_cut_wherever_the_pieces_end() {
        let whole = |text: &str| Line::Whole(text.as_bytes().to_vec());
        assert_eq!(
            cut(&[b"a\nb", b"c\n", b"\nd"]),
            [whole("a"), whole("bc"), whole("")]
        );
        let long = vec![b'x'; MAX_CHANGE_LINE_BYTES];
        assert_eq!(cut(&[&long, b"\n"]).len(), 1);
        assert_eq!(
            cut(&[&long, b"x", b"more", b"\nnext\n"]),
            [Line::TooLong, whole("next")]
        );
    }

    #[test]
    fn a_callers_name_fits_into_a_header() {
        assert_eq!(caller_header("ada\r\nx: y").as_bytes(), b"ada  x: y");
        assert_eq!(caller_header("Zoë").as_bytes(), "Zoë".as_bytes());
        assert!(caller_header(&"é".repeat(1000)).len() <= MAX_CALLER_BYTES);
    }
}
