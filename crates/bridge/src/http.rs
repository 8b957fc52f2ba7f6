//! One question to a program on this machine, over HTTP.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// Largest answer that is read.
pub(crate) const MAX_ANSWER_BYTES: usize = 8 << 20;
/// How long an answer may take beyond what the other one was asked to wait.
const PATIENCE: Duration = Duration::from_secs(15);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// Nobody is there.
    #[error("it cannot be reached: {0}")]
    Unreachable(std::io::Error),
    /// It did not answer in time.
    #[error("it did not answer in time")]
    Slow,
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(hyper::Error),
    /// The answer is too long, or broke off.
    #[error("its answer broke off, or is longer than {} MiB", MAX_ANSWER_BYTES >> 20)]
    Cut,
    /// It refused.
    #[error("it answered {0}")]
    Refused(StatusCode),
    /// It does not let us in.
    #[error("it answered {0}: the key is wrong, or missing")]
    KeptOut(StatusCode),
    /// The answer is not what it should be.
    #[error("its answer is not understood: {0}")]
    NotJson(serde_json::Error),
    /// The question cannot be put.
    #[error("the address is not understood")]
    Address,
}

/// Who is asked.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) authority: String,
    /// A header that lets us in.
    pub(crate) key: Option<(&'static str, HeaderValue)>,
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Peer({})", self.authority)
    }
}

impl Peer {
    /// Asks for what is at a path.
    pub(crate) async fn get(&self, path: &str, wait: Duration) -> Result<Value, AskError> {
        self.ask(Method::GET, path, Bytes::new(), wait).await
    }

    /// Calls a function that only reads.
    pub(crate) async fn call(&self, path: &str, parameters: &Value) -> Result<Value, AskError> {
        let body = Bytes::from(parameters.to_string());
        self.ask(Method::POST, path, body, Duration::ZERO).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        wait: Duration,
    ) -> Result<Value, AskError> {
        tokio::time::timeout(wait + PATIENCE, self.exchange(method, path, body))
            .await
            .unwrap_or(Err(AskError::Slow))
    }

    async fn exchange(&self, method: Method, path: &str, body: Bytes) -> Result<Value, AskError> {
        let stream = TcpStream::connect(&self.authority)
            .await
            .map_err(AskError::Unreachable)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(AskError::Broken)?;
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.authority)
            .header(USER_AGENT, concat!("syncmgr/", env!("CARGO_PKG_VERSION")));
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some((name, key)) = &self.key {
            request = request.header(*name, key);
        }
        let request = request
            .body(Full::new(body))
            .map_err(|_| AskError::Address)?;
        let answer = async {
            let response = sender
                .send_request(request)
                .await
                .map_err(AskError::Broken)?;
            let status = response.status();
            if matches!(status, StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED) {
                return Err(AskError::KeptOut(status));
            }
            if !status.is_success() {
                return Err(AskError::Refused(status));
            }
            let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES);
            let bytes = body.collect().await.map_err(|_| AskError::Cut)?.to_bytes();
            serde_json::from_slice(&bytes).map_err(AskError::NotJson)
        };
        // Driven here, so that it ends with the question.
        tokio::pin!(answer, connection);
        let mut open = true;
        loop {
            tokio::select! {
                biased;
                answer = &mut answer => return answer,
                _ = &mut connection, if open => open = false,
            }
        }
    }
}

/// A word as a part of an address.
pub(crate) fn encoded(word: &str) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for byte in word.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else if write!(text, "%{byte:02X}").is_err() {
            break; // a string takes everything
        }
    }
    text
}
