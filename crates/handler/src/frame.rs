//! JSON-RPC 2.0 envelopes, one object a line.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::contract::{MAX_FIRST_LINE_BYTES, MAX_LINE_BYTES};

/// The first request, whose line may be longer.
const FIRST: &str = "initialize";

/// A request type and the type of its answer.
pub trait Answered: Serialize {
    /// What the other side answers with.
    type Answer: serde::de::DeserializeOwned + Serialize;
    /// The method name on the wire.
    const METHOD: &'static str;
}

/// A message that is not of the contract.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The line is not a JSON-RPC 2.0 object.
    #[error("not a JSON-RPC 2.0 object")]
    Envelope(#[source] serde_json::Error),
    /// Neither a method nor an answer.
    #[error("neither a method nor an answer")]
    Shape,
    /// The method is not of the contract.
    #[error("unknown method `{0}`")]
    UnknownMethod(String),
    /// The parameters are not those of the method.
    #[error("wrong parameters for `{method}`")]
    Params {
        /// The method.
        method: &'static str,
        /// What was wrong.
        #[source]
        cause: serde_json::Error,
    },
}

/// Error answers: the codes of JSON-RPC 2.0, and ours above −32000.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{message}")]
#[serde(rename_all = "camelCase")]
pub struct RpcError {
    /// The number.
    pub code: i64,
    /// One line for people, a fragment that completes "could not …: ".
    #[serde(default)]
    pub message: String,
    /// Our own addition to it; anything else that stands here is ignored.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "known_data"
    )]
    pub data: Option<ErrorData>,
}

/// Other programs put what they like into `data`; that must not spoil the error itself.
fn known_data<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<ErrorData>, D::Error> {
    let any = serde_json::Value::deserialize(from)?;
    Ok(ErrorData::deserialize(any).ok())
}

/// What our error answers carry beyond the standard.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ErrorData {
    /// What to do about it, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The stable name of the refusal, such as `folder::nested`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// With [`RpcError::VERSION`]: the contract versions that would be understood.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub supported: Vec<u32>,
}

impl RpcError {
    /// The line was not JSON.
    pub const PARSE: i64 = -32700;
    /// Not a request.
    pub const INVALID_REQUEST: i64 = -32600;
    /// No such method here.
    pub const METHOD_NOT_FOUND: i64 = -32601;
    /// The parameters are wrong.
    pub const INVALID_PARAMS: i64 = -32602;
    /// The other side is broken.
    pub const INTERNAL: i64 = -32603;
    /// No common contract version.
    pub const VERSION: i64 = -31001;
    /// A refusal: what was asked for will not be done, with reason and hint.
    pub const REFUSED: i64 = -31002;
    /// A message out of its phase (`E_UNEXPECTED`).
    pub const OUT_OF_PHASE: i64 = -31003;

    /// A refusal with a stable name and a hint.
    #[must_use]
    pub fn refused(name: &str, message: impl Into<String>, hint: Option<String>) -> Self {
        Self {
            code: Self::REFUSED,
            message: message.into(),
            data: Some(ErrorData {
                hint,
                name: Some(name.to_owned()),
                supported: Vec::new(),
            }),
        }
    }

    /// An error with a code of the constants above and no further data.
    #[must_use]
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
        }
    }
}

/// One received line, borrowed from it.
#[derive(Debug, Deserialize)]
pub struct Envelope<'a> {
    /// `"2.0"`.
    #[serde(borrow)]
    pub jsonrpc: Cow<'a, str>,
    /// Number of a request or of the request answered; absent on notifications.
    #[serde(default)]
    pub id: Option<u64>,
    /// The method of a request or notification.
    #[serde(default, borrow)]
    pub method: Option<Cow<'a, str>>,
    /// Its parameters.
    #[serde(default, borrow)]
    pub params: Option<&'a RawValue>,
    /// The answer.
    #[serde(default, borrow)]
    pub result: Option<&'a RawValue>,
    /// The error answer.
    #[serde(default)]
    pub error: Option<RpcError>,
}

impl<'a> Envelope<'a> {
    /// Reads one line.
    ///
    /// # Errors
    /// [`DecodeError::Envelope`] when it is not a JSON-RPC 2.0 object.
    pub fn parse(line: &'a str) -> Result<Self, DecodeError> {
        let envelope: Self = serde_json::from_str(line).map_err(DecodeError::Envelope)?;
        if envelope.jsonrpc == "2.0" {
            Ok(envelope)
        } else {
            Err(DecodeError::Shape)
        }
    }
}

/// A message that cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// It has no form in JSON.
    #[error("the message has no form in JSON")]
    Json(#[from] serde_json::Error),
    /// The line would be longer than [`MAX_LINE_BYTES`], or as `initialize` than [`MAX_FIRST_LINE_BYTES`].
    #[error("the message is {0} bytes long, which is more than a line may be")]
    TooLong(usize),
}

#[derive(Serialize)]
struct Asking<'a, P> {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    method: &'a str,
    params: &'a P,
}

#[derive(Serialize)]
struct Answering<'a, A> {
    jsonrpc: &'static str,
    id: u64,
    result: &'a A,
}

#[derive(Serialize)]
struct Refusing<'a> {
    jsonrpc: &'static str,
    id: Option<u64>,
    error: &'a RpcError,
}

/// Appends a request, or a notification when `id` is absent, as one line with its line feed.
///
/// # Errors
/// [`EncodeError`]; `out` is then as it was.
pub fn ask<P: Serialize>(
    out: &mut Vec<u8>,
    id: Option<u64>,
    method: &str,
    params: &P,
) -> Result<(), EncodeError> {
    let limit = if method == FIRST {
        MAX_FIRST_LINE_BYTES
    } else {
        MAX_LINE_BYTES
    };
    let asking = Asking {
        jsonrpc: "2.0",
        id,
        method,
        params,
    };
    line(out, limit, &asking)
}

/// Appends an answer as one line with its line feed.
///
/// # Errors
/// [`EncodeError`]; `out` is then as it was.
pub fn answer<A: Serialize>(out: &mut Vec<u8>, id: u64, result: &A) -> Result<(), EncodeError> {
    let answering = Answering {
        jsonrpc: "2.0",
        id,
        result,
    };
    line(out, MAX_LINE_BYTES, &answering)
}

/// Appends an error answer as one line with its line feed; without `id` it answers a line that could not be read.
///
/// # Errors
/// [`EncodeError`]; `out` is then as it was.
pub fn refuse(out: &mut Vec<u8>, id: Option<u64>, error: &RpcError) -> Result<(), EncodeError> {
    let refusing = Refusing {
        jsonrpc: "2.0",
        id,
        error,
    };
    line(out, MAX_LINE_BYTES, &refusing)
}

fn line<T: Serialize>(out: &mut Vec<u8>, limit: usize, message: &T) -> Result<(), EncodeError> {
    let start = out.len();
    if let Err(cause) = serde_json::to_writer(&mut *out, message) {
        out.truncate(start);
        return Err(cause.into());
    }
    let length = out.len() - start;
    if length > limit {
        out.truncate(start);
        return Err(EncodeError::TooLong(length));
    }
    out.push(b'\n');
    Ok(())
}
