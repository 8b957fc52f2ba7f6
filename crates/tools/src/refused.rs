//! What the handler will not do, with what to do about it.

use syncmgr_handler::frame::RpcError;

/// A refusal: a name for good, why as a fragment, and a hint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Refused {
    /// Its name for good, such as `tools::argument`.
    pub code: &'static str,
    /// Why, as a fragment.
    pub text: String,
    /// What to do about it.
    pub hint: String,
}

impl Refused {
    pub(crate) fn new(
        code: &'static str,
        text: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            code,
            text: text.into(),
            hint: hint.into(),
        }
    }
}

impl From<Refused> for RpcError {
    fn from(refused: Refused) -> Self {
        Self::refused(refused.code, refused.text, Some(refused.hint))
    }
}
