//! Days as numbers: the proleptic Gregorian calendar and nothing more.

/// Seconds of a day on a wall clock; leap seconds are not shown by clocks of computers.
pub(super) const DAY: i64 = 86_400;

/// First year that a calendar can name; before it the zone database knows little.
pub(super) const FIRST_YEAR: u16 = 1970;

/// Last year that a calendar can name, so that every search ends.
pub(super) const LAST_YEAR: u16 = 2199;

/// Days in a common year before each month.
const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/// A date between [`FIRST_YEAR`] and [`LAST_YEAR`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Date {
    /// Year.
    pub(super) year: u16,
    /// Month, from 1.
    pub(super) month: u8,
    /// Day of the month, from 1.
    pub(super) day: u8,
}

impl Date {
    /// Answers the date of a day counted from 1970-01-01; what lies outside the years becomes the nearest date.
    pub(super) fn of(days: i64) -> Self {
        let (low, high) = (0, first_day(LAST_YEAR + 1) - 1);
        let days = days.clamp(low, high);
        // 366 days a year never guess too late, so the loop runs at most once for every 350 years or so.
        let mut year = FIRST_YEAR + u16::try_from(days / 366).unwrap_or(0);
        while first_day(year + 1) <= days {
            year += 1;
        }
        let in_year = days - first_day(year);
        let mut month = 12;
        while month > 1 && in_year < before(year, month) {
            month -= 1;
        }
        let day = in_year - before(year, month) + 1;
        Self {
            year,
            month,
            day: u8::try_from(day).unwrap_or(1),
        }
    }

    /// Answers how many days lie between 1970-01-01 and this date.
    pub(super) fn days(self) -> i64 {
        first_day(self.year) + before(self.year, self.month) + i64::from(self.day) - 1
    }
}

/// Answers the weekday of a day counted from 1970-01-01, from 0 for Monday.
pub(super) fn weekday(days: i64) -> u32 {
    // 1970-01-01 was a Thursday.
    u32::try_from((days + 3).rem_euclid(7)).unwrap_or(0)
}

/// Answers how many days a month has.
pub(super) fn month_length(year: u16, month: u8) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn is_leap(year: u16) -> bool {
    (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400)
}

fn first_day(year: u16) -> i64 {
    let past = i64::from(year) - 1;
    let leaps = |year: i64| year / 4 - year / 100 + year / 400;
    (i64::from(year) - 1970) * 365 + leaps(past) - leaps(1969)
}

fn before(year: u16, month: u8) -> i64 {
    let leap = i64::from(month > 2 && is_leap(year));
    BEFORE[usize::from(month.clamp(1, 12)) - 1] + leap
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_230_years_is_itself_again() {
        let mut expected = Date {
            year: 1970,
            month: 1,
            day: 1,
        };
        for days in 0..first_day(LAST_YEAR + 1) {
            assert_eq!(Date::of(days), expected);
            assert_eq!(expected.days(), days);
            expected.day += 1;
            if u32::from(expected.day) > month_length(expected.year, expected.month) {
                expected.day = 1;
                expected.month += 1;
            }
            if expected.month > 12 {
                expected.month = 1;
                expected.year += 1;
            }
        }
        assert_eq!(expected.year, LAST_YEAR + 1);
    }

    #[test]
    fn known_days_and_weekdays() {
        for (year, month, day, days, monday_first) in [
            (1970, 1, 1, 0, 3),
            (2000, 2, 29, 11_016, 1),
            (2026, 11, 22, 20_779, 6),
            (2100, 3, 1, 47_541, 0),
        ] {
            let date = Date { year, month, day };
            assert_eq!(date.days(), days, "{date:?}");
            assert_eq!(weekday(days), monday_first, "{date:?}");
        }
    }

    #[test]
    fn days_outside_become_the_nearest() {
        assert_eq!(Date::of(i64::MIN).year, FIRST_YEAR);
        assert_eq!(
            Date::of(i64::MAX),
            Date {
                year: LAST_YEAR,
                month: 12,
                day: 31
            }
        );
    }
}
