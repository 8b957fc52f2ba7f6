//! How long: the one way in which people write a time span, in commands and in the configuration.

use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

/// How spans are written, for hints.
pub const FORMS: &str = "90s, 15m, 1h 30m, 2 days or 1 week";

/// Why a text is no time span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpanError {
    /// It has no unit.
    #[error("`{0}` has no unit")]
    NoUnit(String),
    /// Months and years are of no fixed length.
    #[error("`{0}` has no fixed length, as days and weeks have")]
    Indefinite(String),
    /// It is less than nothing.
    #[error("`{0}` is negative")]
    Negative(String),
    /// It is longer than anything.
    #[error("`{0}` is too long")]
    TooLong(String),
    /// It is something else.
    #[error("`{0}` is not a duration")]
    NotUnderstood(String),
}

/// Reads a time span: numbers with units, with or without blanks between them, such as `90s`, `1h 30m`, `3 days`. A day has
/// 24 hours.
///
/// # Errors
/// [`SpanError`] says what is wrong with it, and how it is written.
pub fn read(text: &str) -> Result<Duration, SpanError> {
    let told = || text.trim().to_owned();
    let plain = text.trim().to_ascii_lowercase();
    if !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(SpanError::NoUnit(told()));
    }
    let span: Span = plain.parse().map_err(|_| {
        if small(&plain).parse::<Span>().is_ok() {
            SpanError::TooLong(told())
        } else {
            SpanError::NotUnderstood(told())
        }
    })?;
    let exact = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| SpanError::Indefinite(told()))?;
    Duration::try_from(exact).map_err(|_| SpanError::Negative(told()))
}

/// The same with small numbers: whether only the numbers were too large.
fn small(text: &str) -> String {
    let mut small = String::new();
    for letter in text.chars() {
        if !letter.is_ascii_digit() {
            small.push(letter);
        } else if !small.ends_with('1') {
            small.push('1');
        }
    }
    small
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_as_people_write_them() {
        for (text, seconds) in [
            ("90s", 90),
            ("15m", 900),
            ("5min", 300),
            ("1h30m", 5_400),
            ("1h 30m", 5_400),
            ("1 h", 3_600),
            (" 2D ", 172_800),
            ("3 days", 259_200),
            ("1 week", 604_800),
            ("1w", 604_800),
            ("1 hour, 30 minutes", 5_400),
            ("0s", 0),
        ] {
            assert_eq!(read(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn what_is_none_says_why() {
        for (text, says) in [
            ("10", "`10` has no unit"),
            ("3 moons", "`3 moons` is not a duration"),
            ("", "`` is not a duration"),
            ("h", "`h` is not a duration"),
            ("-5m", "`-5m` is negative"),
            ("2 months", "`2 months` has no fixed length"),
            ("99999999999999999999d", "is too long"),
        ] {
            let why = read(text).unwrap_err().to_string();
            assert!(why.contains(says), "{text}: {why}");
        }
    }
}
