//! Regular expressions of recipes. Compiling one takes longer than most runs do, so those of the program's own recipes are
//! compiled when a line is held against them for the first time; all others when they are read, so that a mistake is told.

use std::cell::Cell;
use std::sync::OnceLock;

use regex::{Captures, Regex};
use serde::{Deserialize, Deserializer};

/// What a compiled expression may take, so that no recipe takes all memory.
const COMPILED_BYTES: usize = 1 << 20;

thread_local! {
    /// What is read on this thread is known to be right.
    static KNOWN_GOOD: Cell<bool> = const { Cell::new(false) };
}

/// A regular expression. It takes time in proportion to the line, whatever the expression.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: Box<str>,
    /// `None` in it: it cannot be compiled, so that it fits nothing. Only one of [`known_good`] can be so.
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// Compiles it.
    ///
    /// # Errors
    /// What is wrong with it, as a fragment of several lines.
    pub fn new(text: &str) -> Result<Self, regex::Error> {
        let compiled = compile(text)?;
        Ok(Self {
            text: text.into(),
            compiled: OnceLock::from(Some(compiled)),
        })
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a line fits.
    #[must_use]
    pub fn is_match(&self, line: &str) -> bool {
        self.regex().is_some_and(|regex| regex.is_match(line))
    }

    /// The groups of a line that fits.
    #[must_use]
    pub fn captures<'l>(&self, line: &'l str) -> Option<Captures<'l>> {
        self.regex()?.captures(line)
    }

    /// How many groups it has; the whole is one.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.regex().map_or(0, Regex::captures_len)
    }

    /// The names of its groups.
    pub fn group_names(&self) -> impl Iterator<Item = &str> {
        self.regex()
            .into_iter()
            .flat_map(Regex::capture_names)
            .flatten()
    }

    fn regex(&self) -> Option<&Regex> {
        let compiled = self.compiled.get_or_init(|| compile(&self.text).ok());
        compiled.as_ref()
    }
}

fn compile(text: &str) -> Result<Regex, regex::Error> {
    regex::RegexBuilder::new(text)
        .size_limit(COMPILED_BYTES)
        .build()
}

/// Reads what comes with the program and is tested there: its expressions are compiled when they are needed.
pub(crate) fn known_good<T>(read: impl FnOnce() -> T) -> T {
    /// However the reading ends, what is read later is compiled again.
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            KNOWN_GOOD.set(self.0);
        }
    }
    let _before = Before(KNOWN_GOOD.replace(true));
    read()
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        if KNOWN_GOOD.get() {
            return Ok(Self {
                text: text.into(),
                compiled: OnceLock::new(),
            });
        }
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Pattern, serde_json::Error> {
        serde_json::from_value(serde_json::Value::String(text.to_owned()))
    }

    #[test]
    fn a_mistake_is_told_at_once_but_in_what_is_known_to_be_right() {
        assert!(read("(").is_err());
        let unread = known_good(|| read("(")).unwrap();
        assert!(!unread.is_match("("));
        // Only while it was read.
        assert!(read("(").is_err());
        let good = known_good(|| read(r"^(\d+) of")).unwrap();
        assert!(good.compiled.get().is_none());
        assert_eq!(&good.captures("3 of 4").unwrap()[1], "3");
        assert!(good.compiled.get().is_some());
    }
}
