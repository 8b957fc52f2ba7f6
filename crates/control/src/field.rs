//! Fields: what is filled in on a question.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::view::ChoiceView;

/// What is filled in on a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FieldView {
    /// What to answer it under.
    pub name: String,
    /// What it is called.
    pub label: String,
    /// What one must know to fill it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What it holds.
    pub kind: FieldKind,
    /// Of a choice: the values to choose from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<ChoiceView>,
    /// What it holds when nothing is filled in; never that of a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// It cannot be left empty.
    #[serde(default)]
    pub required: bool,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum FieldKind {
    /// A line of text.
    Text,
    /// A line that is not shown while it is typed, and is written down nowhere.
    Secret,
    /// One of the values offered.
    Choice,
    /// Yes or no.
    Boolean,
}
