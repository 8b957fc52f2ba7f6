//! Every so many days from a first one: `every 3 days at 02:00 from 2026-12-01`.

use super::date::{Date, FIRST_YEAR, LAST_YEAR, month_length};
use super::mistake::{Mistake, ScheduleError};
use super::reader::{Part, Word};

/// What may stand before `days`.
const DAYS: Part = Part::new("number of days", 1, 3650);

/// What may stand before `weeks`.
const WEEKS: Part = Part::new("number of weeks", 1, 520);

/// The days from a first one on, or every so manieth of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Recurrence {
    /// The first day, counted from 1970-01-01.
    pub(super) first: i64,
    /// The distance in days; 1 is every day.
    pub(super) days: u32,
}

impl Recurrence {
    /// Answers the first of its days at or after another one.
    pub(super) fn at_or_after(self, day: i64) -> i64 {
        let days = i64::from(self.days.max(1));
        let ahead = (day - self.first).max(0);
        self.first + (ahead + days - 1) / days * days
    }

    /// Answers the last of its days at or before another one.
    pub(super) fn at_or_before(self, day: i64) -> Option<i64> {
        let days = i64::from(self.days.max(1));
        (day >= self.first).then(|| self.first + (day - self.first) / days * days)
    }
}

/// A distance in days, as it was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Distance {
    /// How many days.
    pub(super) days: u32,
    /// Where that is said.
    pub(super) column: usize,
}

/// What was said of a recurrence at the end of a schedule.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Said {
    distance: Option<Distance>,
    first: Option<i64>,
}

impl Said {
    /// Takes `every N days` and `from DATE` off the end of the words.
    pub(super) fn split<'a, 'b>(
        words: &'b [Word<'a>],
    ) -> Result<(&'b [Word<'a>], Self), ScheduleError> {
        let (mut rest, mut said) = (words, Self::default());
        match words {
            [before @ .., from, date] if from.is("from") && !before.is_empty() => {
                said.first = Some(day(*date)?);
                rest = before;
            }
            [.., from] if from.is("from") => {
                let column = from.column + from.text.len();
                return Err(Word { text: "", column }.unexpected(A_DATE));
            }
            _ => {}
        }
        if let [before @ .., every, number, unit] = rest
            && every.is("every")
            && !before.is_empty()
        {
            said.distance = distance(*number, *unit)?;
            if said.distance.is_none() {
                return Err(unit.unexpected("`days` or `weeks`"));
            }
            rest = before;
        }
        Ok((rest, said))
    }

    /// Joins it with a distance that was said before.
    pub(super) fn recurrence(
        self,
        before: Option<Distance>,
    ) -> Result<Option<Recurrence>, ScheduleError> {
        match (before.or(self.distance), self.first) {
            (None, None) => Ok(None),
            (Some(distance), None) => Err(Mistake::Foreign {
                what: "a number of days without a first one",
                hint: "Say from when, such as `every 3 days at 02:00 from 2026-12-01`; or write an interval, such as \
                       `every 3d`.",
            }
            .at(distance.column)),
            (distance, Some(first)) => Ok(Some(Recurrence {
                first,
                days: distance.map_or(1, |distance| distance.days),
            })),
        }
    }
}

const A_DATE: &str = "a date, such as `2026-12-01`";

/// Reads `3 days`; absent if the unit is another one.
pub(super) fn distance(
    number: Word<'_>,
    unit: Word<'_>,
) -> Result<Option<Distance>, ScheduleError> {
    let column = number.column;
    let (part, factor) = if unit.is_one_of(&["day", "days"]) {
        (DAYS, 1)
    } else if unit.is_one_of(&["week", "weeks"]) {
        (WEEKS, 7)
    } else {
        return Ok(None);
    };
    let days = part.check(number)? * factor;
    Ok(Some(Distance { days, column }))
}

fn day(word: Word<'_>) -> Result<i64, ScheduleError> {
    let mut reader = word.reader();
    let mut number = |part: Part, hyphen: bool| {
        if hyphen && !reader.take("-") {
            return Err(word.unexpected(A_DATE));
        }
        let number = reader.number().ok_or_else(|| word.unexpected(A_DATE))?;
        part.check(number)
    };
    let year = number(
        Part::new("year", FIRST_YEAR.into(), LAST_YEAR.into()),
        false,
    )?;
    let month = number(Part::MONTH, true)?;
    let day = number(Part::DAY, true)?;
    reader.end(A_DATE)?;
    let date = Date {
        year: u16::try_from(year).unwrap_or(FIRST_YEAR),
        month: u8::try_from(month).unwrap_or(1),
        day: u8::try_from(day).unwrap_or(1),
    };
    if day > month_length(date.year, date.month) {
        return Err(Mistake::Never.at(word.column));
    }
    Ok(date.days())
}
