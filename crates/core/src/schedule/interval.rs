//! Intervals: `every 15m`, counted from the end of the last run.

use std::fmt;
use std::time::Duration;

use super::mistake::{Mistake, ScheduleError};
use super::reader::Word;

/// The shortest interval.
pub const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// The longest interval: ten years.
pub const MAX_INTERVAL: Duration = Duration::from_secs(3653 * 86_400);

/// A pause between the end of a run and the next one, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval(u64);

impl Interval {
    /// Makes an interval; absent if it is too short, too long, or not of whole seconds.
    #[must_use]
    pub fn new(span: Duration) -> Option<Self> {
        ((MIN_INTERVAL..=MAX_INTERVAL).contains(&span) && span.subsec_nanos() == 0)
            .then_some(Self(span.as_secs()))
    }

    /// Answers how long it is.
    #[must_use]
    pub fn span(self) -> Duration {
        Duration::from_secs(self.0)
    }

    /// Answers how long it is in milliseconds.
    pub(super) fn millis(self) -> i64 {
        i64::try_from(self.0.saturating_mul(1000)).unwrap_or(i64::MAX)
    }
}

/// Writes a span in whole seconds as people read it: `1h 30m`.
pub(super) fn write_span(f: &mut impl fmt::Write, seconds: u64) -> fmt::Result {
    let mut rest = seconds;
    let mut blank = "";
    for (unit, length) in [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)] {
        if rest >= length {
            write!(f, "{blank}{}{unit}", rest / length)?;
            rest %= length;
            blank = " ";
        }
    }
    if seconds == 0 {
        f.write_str("0s")
    } else {
        Ok(())
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("every ")?;
        write_span(f, self.0)
    }
}

/// Says whether the words behind `every` begin like an interval.
pub(super) fn is_interval(words: &[Word<'_>]) -> bool {
    match words {
        // `every 15m`, `every -1h`, `every .5h`, but not `every 1st of the month`.
        [first, ..] => {
            let unit = first
                .text
                .trim_start_matches(|character: char| character.is_ascii_digit());
            first.text.starts_with(|character: char| {
                character.is_ascii_digit() || "+-.".contains(character)
            }) && !["st", "nd", "rd", "th"]
                .iter()
                .any(|ending| unit.eq_ignore_ascii_case(ending))
                || matches!(unit_length(first.text), Some(1 | 60 | 3600))
        }
        [] => false,
    }
}

/// Reads the words behind `every`.
pub(super) fn parse(words: &[Word<'_>]) -> Result<Interval, ScheduleError> {
    let column = words.first().map_or(1, |word| word.column);
    if let [unit] = words
        && let Some(length) = unit_length(unit.text)
    {
        return Ok(Interval(length));
    }
    let mut total: u64 = 0;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut reader = word.reader();
        while !reader.is_at_end() {
            let number = reader.number().ok_or_else(|| {
                reader.unexpected("a whole number and a unit, such as `15m` or `2 hours`")
            })?;
            let mut unit = reader.take_while(char::is_alphabetic);
            if unit.text.is_empty() && reader.is_at_end() {
                unit = words.next().copied().unwrap_or(unit);
            }
            let Some(length) = unit_length(unit.text) else {
                return Err(not_a_unit(unit));
            };
            let number: u64 = number
                .text
                .parse()
                .map_err(|_| Mistake::Lengthy.at(column))?;
            total = total.saturating_add(number.saturating_mul(length));
        }
    }
    let span = Duration::from_secs(total);
    if span > MAX_INTERVAL {
        return Err(Mistake::Lengthy.at(column));
    }
    Interval::new(span).ok_or_else(|| Mistake::Short.at(column))
}

fn not_a_unit(word: Word<'_>) -> ScheduleError {
    if word.is_one_of(&["month", "months", "mo", "year", "years", "y", "yr"]) {
        return Mistake::Foreign {
            what: "a unit without a fixed length",
            hint: "Write days, such as `every 30d`, or a date, such as `monthly on the 1st at 02:00`.",
        }
        .at(word.column);
    }
    if word.is_one_of(&["ms", "us", "ns", "msec", "millisecond", "milliseconds"]) {
        return Mistake::Short.at(word.column);
    }
    word.unexpected("a unit: s, m, h, d or w")
}

/// Answers the length of a unit in seconds.
fn unit_length(unit: &str) -> Option<u64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" => 60,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600,
        "d" | "day" | "days" => 86_400,
        "w" | "week" | "weeks" => 7 * 86_400,
        _ => return None,
    })
}
