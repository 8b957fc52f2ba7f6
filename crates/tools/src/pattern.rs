//! Regular expressions of recipes, compiled when the recipe is read.

use regex::Regex;
use serde::{Deserialize, Deserializer};

/// What a compiled expression may take, so that no recipe takes all memory.
const COMPILED_BYTES: usize = 1 << 20;

/// A regular expression. It takes time in proportion to the line, whatever the expression.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl Pattern {
    /// Compiles it.
    ///
    /// # Errors
    /// What is wrong with it, as a fragment of several lines.
    pub fn new(text: &str) -> Result<Self, regex::Error> {
        regex::RegexBuilder::new(text)
            .size_limit(COMPILED_BYTES)
            .build()
            .map(Self)
    }

    /// The expression.
    #[must_use]
    pub fn regex(&self) -> &Regex {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}
