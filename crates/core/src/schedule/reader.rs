//! Reading the text of a schedule: words, numbers and lists of numbers, each knowing its column.

use super::mistake::{Mistake, ScheduleError};
use super::rule::ALL_WEEKDAYS;
use super::zone::Zone;

/// Most characters of the text that an error repeats.
const MAX_FOUND: usize = 24;

/// Names of the weekdays, from Monday.
const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// Names of the months.
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// A piece of the text without blanks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word<'a> {
    /// The text.
    pub(super) text: &'a str,
    /// Column of its first character, from 1.
    pub(super) column: usize,
}

impl<'a> Word<'a> {
    /// Says whether it is this word, in whatever case.
    pub(super) fn is(&self, text: &str) -> bool {
        self.text.eq_ignore_ascii_case(text)
    }

    /// Says whether it is one of these words, in whatever case.
    pub(super) fn is_one_of(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }

    /// Complains that something else should stand here.
    pub(super) fn unexpected(&self, expected: &'static str) -> ScheduleError {
        unexpected(expected, self.text).at(self.column)
    }

    /// Reads it from its first character on.
    pub(super) fn reader(self) -> Reader<'a> {
        Reader {
            rest: self.text,
            column: self.column,
        }
    }

    /// Answers the zone that it names.
    pub(super) fn zone(&self) -> Result<Zone, ScheduleError> {
        Zone::named(self.text).ok_or_else(|| {
            Mistake::Zone {
                name: shortened(self.text),
                like: Zone::like(self.text),
            }
            .at(self.column)
        })
    }

    /// Answers the weekday that it names, from 0 for Monday; also in the plural.
    pub(super) fn weekday(&self) -> Option<u32> {
        let text = self.text.strip_suffix(['s', 'S']).unwrap_or(self.text);
        // "Thurs" has an s of its own.
        named(&WEEKDAYS, self.text).or_else(|| named(&WEEKDAYS, text))
    }
}

/// Splits a text at blanks.
pub(super) fn words(text: &str, column: usize) -> Vec<Word<'_>> {
    split(text, column, char::is_whitespace)
}

/// Splits a text at certain characters, which are dropped; empty pieces too.
pub(super) fn split(text: &str, column: usize, at: impl Fn(char) -> bool) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut start: Option<(usize, usize)> = None;
    for (column, (index, character)) in (column..).zip(text.char_indices()) {
        if !at(character) {
            start.get_or_insert((index, column));
        } else if let Some((from, column)) = start.take() {
            let text = &text[from..index];
            words.push(Word { text, column });
        }
    }
    if let Some((from, column)) = start {
        let text = &text[from..];
        words.push(Word { text, column });
    }
    words
}

/// Values that a part of a schedule can have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    /// What it is, in the singular.
    pub(super) what: &'static str,
    /// The smallest value.
    pub(super) low: u32,
    /// The largest value.
    pub(super) high: u32,
}

impl Part {
    /// Months.
    pub(super) const MONTH: Self = Self::new("month", 1, 12);
    /// Days of a month.
    pub(super) const DAY: Self = Self::new("day", 1, 31);
    /// Hours.
    pub(super) const HOUR: Self = Self::new("hour", 0, 23);
    /// Minutes.
    pub(super) const MINUTE: Self = Self::new("minute", 0, 59);
    /// Seconds.
    pub(super) const SECOND: Self = Self::new("second", 0, 59);

    /// Names a part and its bounds.
    pub(super) const fn new(what: &'static str, low: u32, high: u32) -> Self {
        Self { what, low, high }
    }

    /// Holds a number against the bounds.
    pub(super) fn check(self, number: Word<'_>) -> Result<u32, ScheduleError> {
        let value = number.text.parse().unwrap_or(u32::MAX);
        if (self.low..=self.high).contains(&value) {
            return Ok(value);
        }
        if self.what == "second" && value == 60 {
            return Err(Mistake::LeapSecond.at(number.column));
        }
        Err(Mistake::Range {
            what: self.what,
            value: shortened(number.text),
            low: self.low,
            high: self.high,
        }
        .at(number.column))
    }

    /// Complains that a range runs backwards.
    pub(super) fn backwards(self, from: u32, to: u32, column: usize) -> ScheduleError {
        let what = self.what;
        Mistake::Backwards { what, from, to }.at(column)
    }
}

/// Values from one to another, each so much larger than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// The first.
    pub(super) from: u32,
    /// The last that may be.
    pub(super) to: u32,
    /// The distance; at least 1.
    pub(super) step: u32,
}

impl Span {
    /// Answers its values.
    pub(super) fn values(self) -> impl Iterator<Item = u32> {
        (self.from..=self.to).step_by(usize::try_from(self.step.max(1)).unwrap_or(1))
    }
}

/// Answers the bits of the values of some spans; all are below 64.
pub(super) fn bits(spans: &[Span]) -> u64 {
    spans
        .iter()
        .flat_map(|span| span.values())
        .filter_map(|value| 1_u64.checked_shl(value))
        .fold(0, |bits, bit| bits | bit)
}

/// What is left to read, character by character.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a str,
    column: usize,
}

impl<'a> Reader<'a> {
    /// Answers the column of the next character.
    pub(super) fn column(&self) -> usize {
        self.column
    }

    /// Says whether nothing is left.
    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Answers the next character and leaves it there.
    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// Takes this text, if it comes next.
    pub(super) fn take(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                self.column += text.chars().count();
                true
            }
            None => false,
        }
    }

    /// Takes as many characters as are of a kind.
    pub(super) fn take_while(&mut self, kind: impl Fn(char) -> bool) -> Word<'a> {
        let length = self
            .rest
            .find(|character| !kind(character))
            .unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(length);
        let column = self.column;
        self.rest = rest;
        self.column += text.chars().count();
        Word { text, column }
    }

    /// Takes a number, if one comes next.
    pub(super) fn number(&mut self) -> Option<Word<'a>> {
        Some(self.take_while(|character| character.is_ascii_digit()))
            .filter(|word| !word.text.is_empty())
    }

    /// Complains that something else should come next.
    pub(super) fn unexpected(&self, expected: &'static str) -> ScheduleError {
        unexpected(expected, self.rest).at(self.column)
    }

    /// Makes sure that nothing is left.
    pub(super) fn end(&self, expected: &'static str) -> Result<(), ScheduleError> {
        if self.is_at_end() {
            Ok(())
        } else {
            Err(self.unexpected(expected))
        }
    }

    /// Takes a step behind a slash, if there is one.
    pub(super) fn step(&mut self, part: Part) -> Result<Option<u32>, ScheduleError> {
        if !self.take("/") {
            return Ok(None);
        }
        let word = self
            .number()
            .ok_or_else(|| self.unexpected("a number after the slash"))?;
        let step = word.text.parse().unwrap_or(u32::MAX);
        if step == 0 || step > part.high - part.low {
            return Err(Mistake::Step {
                what: part.what,
                step: shortened(word.text),
            }
            .at(word.column));
        }
        Ok(Some(step))
    }
}

fn unexpected(expected: &'static str, found: &str) -> Mistake {
    let found = if found.is_empty() {
        "the end".to_owned()
    } else {
        format!("{:?}", shortened(found))
    };
    Mistake::Unexpected { expected, found }
}

/// Repeats the beginning of a text.
fn shortened(text: &str) -> String {
    if text.chars().count() <= MAX_FOUND {
        return text.to_owned();
    }
    let mut text: String = text.chars().take(MAX_FOUND).collect();
    text.push('…');
    text
}

/// Finds a name by at least its first three letters.
fn named(names: &[&str], text: &str) -> Option<u32> {
    if text.len() < 3 || !text.is_ascii() {
        return None;
    }
    let text = text.to_ascii_lowercase();
    let index = names.iter().position(|name| name.starts_with(&text))?;
    u32::try_from(index).ok()
}

/// Answers the number of a month by its name.
pub(super) fn month(text: &str) -> Option<u32> {
    named(&MONTHS, text).map(|index| index + 1)
}

/// The name of a month, as it is written.
pub(super) fn month_name(month: u32) -> &'static str {
    const NAMES: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let index = usize::try_from(month.saturating_sub(1)).unwrap_or(0);
    NAMES.get(index).copied().unwrap_or("that month")
}

/// Answers the bits of the weekdays from one to another, over Sunday if need be.
pub(super) fn weekday_bits(from: u32, to: u32) -> u8 {
    let mut bits = 0;
    let mut day = from % 7;
    for _ in 0..7 {
        bits |= 1 << day;
        if day == to % 7 {
            break;
        }
        day = (day + 1) % 7;
    }
    bits & ALL_WEEKDAYS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_know_their_columns_in_characters() {
        let words = words(" ä  bc\td ", 1);
        let found: Vec<_> = words.iter().map(|word| (word.text, word.column)).collect();
        assert_eq!(found, [("ä", 2), ("bc", 5), ("d", 8)]);
    }

    #[test]
    fn names_of_weekdays() {
        for (text, day) in [
            ("Mon", Some(0)),
            ("thurs", Some(3)),
            ("Thursdays", Some(3)),
            ("Weds", Some(2)),
            ("Wedn3sday", None),
            ("WEDNESDAY", Some(2)),
            ("Tues", Some(1)),
            ("Su", None),
            ("Sun", Some(6)),
            ("Sonntag", None),
            ("", None),
        ] {
            assert_eq!(Word { text, column: 1 }.weekday(), day, "{text}");
        }
        assert_eq!(month("FEB"), Some(2));
        assert_eq!(month("ju"), None);
        assert_eq!(weekday_bits(4, 0), 0b111_0001);
        assert_eq!(weekday_bits(6, 6), 0b100_0000);
    }
}
