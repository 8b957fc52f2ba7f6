//! What a text of the manager is made of, for faces that say it in another language than English.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A sentence of the manager, or a fragment of one, as data. The English words stand beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Said {
    /// Which sentence it is, such as `held-paused`; the same code is always the same sentence.
    pub code: String,
    /// What is filled in, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, SaidPart>,
}

/// What is filled into a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "is", content = "value", rename_all = "kebab-case")]
pub enum SaidPart {
    /// A number of things.
    Number(u64),
    /// A number with two decimals, in hundredths.
    Hundredths(u32),
    /// A name, a path, or what others say: the same in every language.
    Text(String),
    /// A length of time in milliseconds.
    Span(u64),
    /// A moment.
    Moment(i64),
    /// So many bytes.
    Size(u64),
    /// Hours of the week, as rules write them.
    Hours(String),
    /// Other sentences; more than one are joined by "and".
    Sayings(Vec<Said>),
}
