//! The one trait between the manager and its faces.

use futures::future::BoxFuture;
use futures::stream::BoxStream;

use crate::change::Change;
use crate::refusal::Refusal;
use crate::request::{Reply, Request};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// For the record of answers, such as `ada on the command line`.
    pub name: String,
}

/// A stream of changes; it begins with [`What::Gap`](crate::What::Gap) and never ends by itself.
pub type Changes = BoxStream<'static, Change>;

/// Everything that a face may ask of the manager.
pub trait Service: Send + Sync {
    /// Answers one request. Only what needs one, such as `Plan` and `Compare`, waits for a handler; everything else is answered at once and what they
    /// began is told by changes.
    fn call(&self, caller: Caller, request: Request) -> BoxFuture<'_, Result<Reply, Refusal>>;

    /// Follows what happens from now on. Subscribing first and asking then misses nothing. A slow reader is told of
    /// what it lost by a [`What::Gap`](crate::What::Gap).
    ///
    /// # Errors
    /// A refusal when the manager cannot be reached.
    fn changes(&self) -> BoxFuture<'_, Result<Changes, Refusal>>;
}
