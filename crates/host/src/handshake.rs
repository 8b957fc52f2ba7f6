//! The first exchange: version, features, and the definitions of the items.

use syncmgr_handler::Notice;
use syncmgr_handler::call::{Definitions, Initialize, Initialized};
use syncmgr_handler::contract::MAX_LINE_BYTES;
use syncmgr_handler::frame::{EncodeError, RpcError};

use crate::handle::{CallError, Handle, SendError};
use crate::spec::StopReason;

/// Definitions of about this many bytes go into one line; the rest of the line is for everything else.
const PAGE_BYTES: usize = MAX_LINE_BYTES / 2;

/// A cookie of more bytes than this has the first line for itself.
const LONG_COOKIE: usize = PAGE_BYTES / 4;

/// A handshake that failed. The instance is stopped then.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// No common contract version.
    #[error("the handler speaks contract versions {theirs:?}, the manager {ours:?}")]
    Version {
        /// What the handler speaks, as far as it said.
        theirs: Vec<u32>,
        /// What the manager offered.
        ours: Vec<u32>,
    },
    /// No good answer in time.
    #[error("the handshake failed")]
    Call(#[from] CallError),
    /// The definitions of the items could not be handed over.
    #[error("could not hand the items' definitions to the handler")]
    Definitions(#[from] SendError),
    /// The definition of one item fits into no line.
    #[error("the definition of item `{item}` is too long")]
    DefinitionTooLong {
        /// The item.
        item: String,
    },
}

impl Handle {
    /// Begins the instance: sends `initialize`, hands over the definitions in as many pages as they need, and waits for
    /// the answer within [`Limits::handshake`](crate::Limits::handshake). Must be the first call.
    ///
    /// # Errors
    /// [`HandshakeError`]; the instance is then stopped.
    pub async fn handshake(&self, first: Initialize) -> Result<Initialized, HandshakeError> {
        let deadline = self.shared.limits.handshake;
        let result = tokio::time::timeout(deadline, self.greet(first)).await;
        let result = result.unwrap_or_else(|_| {
            let method = "initialize";
            Err(CallError::Deadline { method, deadline }.into())
        });
        if result.is_err() {
            self.stop(StopReason::Broken);
        }
        result
    }

    async fn greet(&self, mut first: Initialize) -> Result<Initialized, HandshakeError> {
        let mut pages = pages(std::mem::take(&mut first.definitions))?.into_iter();
        // A long cookie leaves no room for definitions in its line.
        if first
            .cookie
            .as_ref()
            .is_none_or(|cookie| cookie.len() <= LONG_COOKIE)
        {
            first.definitions = pages.next().unwrap_or_default();
        }
        first.more_definitions = pages.len() > 0;
        let awaited = self.begin(&first).await?;
        while let Some(definitions) = pages.next() {
            let more = pages.len() > 0;
            let page = Definitions { definitions, more };
            self.notify_in_turn(&Notice::Definitions(page)).await?;
        }
        let version = |theirs| {
            let ours = first.contract.clone();
            HandshakeError::Version { theirs, ours }
        };
        match awaited.answer().await {
            Ok(answer) if first.contract.contains(&answer.contract) => Ok(answer),
            Ok(answer) => Err(version(vec![answer.contract])),
            Err(CallError::Refused { error, .. }) if error.code == RpcError::VERSION => Err(
                version(error.data.map(|data| data.supported).unwrap_or_default()),
            ),
            Err(error) => Err(error.into()),
        }
    }
}

type Page = serde_json::Map<String, serde_json::Value>;

fn pages(definitions: Page) -> Result<Vec<Page>, HandshakeError> {
    let mut pages = Vec::new();
    let mut page = Page::new();
    let mut bytes = 0;
    for (item, definition) in definitions {
        let length = serde_json::to_string(&definition)
            .map_err(|cause| SendError::Encode(EncodeError::Json(cause)))?
            .len()
            // A quoted name may take six bytes for one.
            + 6 * item.len();
        if length > PAGE_BYTES {
            return Err(HandshakeError::DefinitionTooLong { item });
        }
        if bytes + length > PAGE_BYTES {
            pages.push(std::mem::take(&mut page));
            bytes = 0;
        }
        bytes += length;
        page.insert(item, definition);
    }
    pages.push(page);
    Ok(pages)
}
