//! Why the manager will not do what it was asked.

use serde::{Deserialize, Serialize};

use crate::exit::ExitCode;

/// A refusal: typed, with cause and hint; never a fault of the manager itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[error("{message}")]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// Stable name, such as `folder::nested`; documented in docs/errors.md.
    pub code: String,
    /// What, as a lower-case fragment.
    pub message: String,
    /// The causes, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What the command exits with.
    pub exit: ExitCode,
}

impl Refusal {
    /// A refusal that exits with [`ExitCode::CouldNotStart`].
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            causes: Vec::new(),
            hint: Some(hint.into()),
            exit: ExitCode::CouldNotStart,
        }
    }

    /// The same with the chain of causes of an error.
    #[must_use]
    pub fn because(mut self, error: &dyn std::error::Error) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            self.causes.push(error.to_string());
            next = error.source();
        }
        self
    }
}
