//! One calendar rule: which seconds on a wall clock it names, without any zone.

use super::date::{self, DAY, Date, FIRST_YEAR, LAST_YEAR, month_length};
use super::mistake::Mistake;
use super::reader::month_name;
use super::recurrence::Recurrence;
use super::zone::Zone;

/// All weekdays.
pub(super) const ALL_WEEKDAYS: u8 = 0x7f;
/// All months; bit 0 is unused.
pub(super) const ALL_MONTHS: u64 = 0x1ffe;
/// All days of a month; bit 0 is unused.
pub(super) const ALL_DAYS: u64 = 0xffff_fffe;
/// All hours.
pub(super) const ALL_HOURS: u64 = (1 << 24) - 1;
/// All minutes of an hour, and all seconds of a minute.
pub(super) const ALL_SIXTY: u64 = (1 << 60) - 1;

/// Words that hold one bit for each year from [`FIRST_YEAR`] to [`LAST_YEAR`].
const YEAR_WORDS: usize = 4;

/// Most steps of a search for a day that two rules name: one for each day of all years, because each goes ahead.
const MAX_STEPS: u32 = (LAST_YEAR - FIRST_YEAR + 1) as u32 * 366;

/// The years of a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Years {
    /// Every year.
    All,
    /// The years whose bits are set, from [`FIRST_YEAR`].
    Some(Box<[u64; YEAR_WORDS]>),
}

impl Years {
    /// Collects years; those outside of what a calendar knows are left out.
    pub(super) fn of(years: impl IntoIterator<Item = u16>) -> Self {
        let mut words = Box::new([0; YEAR_WORDS]);
        for year in years {
            if (FIRST_YEAR..=LAST_YEAR).contains(&year) {
                let bit = usize::from(year - FIRST_YEAR);
                words[bit / 64] |= 1 << (bit % 64);
            }
        }
        let years = Self::Some(words);
        if (FIRST_YEAR..=LAST_YEAR).all(|year| years.has(year)) {
            return Self::All;
        }
        years
    }

    /// Says whether a year is among them.
    pub(super) fn has(&self, year: u16) -> bool {
        match self {
            Self::All => (FIRST_YEAR..=LAST_YEAR).contains(&year),
            Self::Some(words) => {
                let bit = usize::from(year.saturating_sub(FIRST_YEAR));
                year >= FIRST_YEAR
                    && words
                        .get(bit / 64)
                        .is_some_and(|word| word >> (bit % 64) & 1 == 1)
            }
        }
    }
}

/// The days of a month, as bits from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Days {
    /// Counted from the first day.
    FromStart(u64),
    /// Counted back from the last day, which is 1.
    FromEnd(u64),
}

impl Days {
    /// Every day.
    pub(super) const ALL: Self = Self::FromStart(ALL_DAYS);

    /// Answers the bits of the days in a month of that length.
    fn in_month(self, length: u32) -> u64 {
        let within = (1 << (length + 1)) - 2;
        match self {
            Self::FromStart(days) => days & within,
            Self::FromEnd(days) => (days.reverse_bits() >> (62 - length)) & within,
        }
    }
}

/// One rule: the seconds on a wall clock whose every part is in its set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Rule {
    /// The zone that it names; absent: the local one.
    pub(super) zone: Option<Zone>,
    /// Bits from 0 for Monday.
    pub(super) weekdays: u8,
    /// Years.
    pub(super) years: Years,
    /// Bits from 1.
    pub(super) months: u64,
    /// Days of the month.
    pub(super) days: Days,
    /// Bits from 0.
    pub(super) hours: u64,
    /// Bits from 0.
    pub(super) minutes: u64,
    /// Bits from 0.
    pub(super) seconds: u64,
    /// The days to which it is restricted.
    pub(super) recurrence: Option<Recurrence>,
}

impl Rule {
    /// Every day at midnight: what the parts of a rule are when they are not said.
    pub(super) fn midnight() -> Self {
        Self {
            zone: None,
            weekdays: ALL_WEEKDAYS,
            years: Years::All,
            months: ALL_MONTHS,
            days: Days::ALL,
            hours: 1,
            minutes: 1,
            seconds: 1,
            recurrence: None,
        }
    }

    /// Says whether the rule goes on in every hour, and thus follows real time when clocks are set.
    pub(super) fn is_hourly(&self) -> bool {
        self.hours == ALL_HOURS
    }

    /// Says whether there is any date at all that it names.
    pub(super) fn can_fire(&self) -> bool {
        self.hours & ALL_HOURS != 0
            && self.minutes & ALL_SIXTY != 0
            && self.seconds & ALL_SIXTY != 0
            && self.date_at_or_after(0).is_some()
    }

    /// Answers the first wall time that it names, at or after another one.
    pub(super) fn at_or_after(&self, wall: i64) -> Option<i64> {
        let wall = wall.max(0);
        let (day, second) = (wall.div_euclid(DAY), wall.rem_euclid(DAY));
        let date = self.date_at_or_after(day)?;
        if date > day {
            return Some(date * DAY + self.time_at_or_after(0)?);
        }
        match self.time_at_or_after(second) {
            Some(time) => Some(date * DAY + time),
            None => Some(self.date_at_or_after(day + 1)? * DAY + self.time_at_or_after(0)?),
        }
    }

    /// Answers the last wall time that it names, at or before another one.
    pub(super) fn at_or_before(&self, wall: i64) -> Option<i64> {
        let (day, second) = (wall.div_euclid(DAY), wall.rem_euclid(DAY));
        let date = self.date_at_or_before(day)?;
        if date < day {
            return Some(date * DAY + self.time_at_or_before(DAY - 1)?);
        }
        match self.time_at_or_before(second) {
            Some(time) => Some(date * DAY + time),
            None => Some(self.date_at_or_before(day - 1)? * DAY + self.time_at_or_before(DAY - 1)?),
        }
    }

    fn date_at_or_after(&self, day: i64) -> Option<i64> {
        let Some(recurrence) = self.recurrence else {
            return self.any_date_at_or_after(day);
        };
        // From a day that one of them names to the next that the other does, until they agree or the years end.
        let mut day = day;
        for _ in 0..MAX_STEPS {
            let recurring = recurrence.at_or_after(day);
            day = self.any_date_at_or_after(recurring)?;
            if day == recurring {
                return Some(day);
            }
        }
        None
    }

    fn date_at_or_before(&self, day: i64) -> Option<i64> {
        let Some(recurrence) = self.recurrence else {
            return self.any_date_at_or_before(day);
        };
        let mut day = day;
        for _ in 0..MAX_STEPS {
            let recurring = recurrence.at_or_before(day)?;
            day = self.any_date_at_or_before(recurring)?;
            if day == recurring {
                return Some(day);
            }
        }
        None
    }

    /// The day that its month never has, if that is why it cannot fire.
    pub(super) fn impossible_day(&self) -> Option<Mistake> {
        /// Every month is as long as it gets in it.
        const LEAP_YEAR: u16 = 2000;
        let months = self.months & ALL_MONTHS;
        let Days::FromStart(days) = self.days else {
            return None;
        };
        if months.count_ones() != 1 {
            return None;
        }
        let month = months.trailing_zeros();
        let most = month_length(LEAP_YEAR, narrow(month));
        (self.days.in_month(most) == 0).then(|| Mistake::NoSuchDay {
            month: month_name(month),
            day: days.trailing_zeros(),
            most,
        })
    }

    fn any_date_at_or_after(&self, day: i64) -> Option<i64> {
        let last = Date {
            year: LAST_YEAR,
            month: 12,
            day: 31,
        }
        .days();
        if day > last {
            return None;
        }
        let from = Date::of(day);
        for year in from.year..=LAST_YEAR {
            if !self.years.has(year) {
                continue;
            }
            let mut month = if year == from.year {
                u32::from(from.month)
            } else {
                1
            };
            while let Some(found) = at_or_above(self.months & ALL_MONTHS, month) {
                let found = narrow(found);
                let least = if (year, found) == (from.year, from.month) {
                    u32::from(from.day)
                } else {
                    1
                };
                if let Some(day) = at_or_above(self.days_of(year, found), least) {
                    let (month, day) = (found, narrow(day));
                    return Some(Date { year, month, day }.days());
                }
                month = u32::from(found) + 1;
            }
        }
        None
    }

    fn any_date_at_or_before(&self, day: i64) -> Option<i64> {
        if day < 0 {
            return None;
        }
        let from = Date::of(day);
        for year in (FIRST_YEAR..=from.year).rev() {
            if !self.years.has(year) {
                continue;
            }
            let mut month = if year == from.year {
                u32::from(from.month)
            } else {
                12
            };
            while let Some(found) = at_or_below(self.months & ALL_MONTHS, month) {
                let found = narrow(found);
                let most = if (year, found) == (from.year, from.month) {
                    u32::from(from.day)
                } else {
                    31
                };
                if let Some(day) = at_or_below(self.days_of(year, found), most) {
                    let (month, day) = (found, narrow(day));
                    return Some(Date { year, month, day }.days());
                }
                month = u32::from(found) - 1;
            }
        }
        None
    }

    /// Answers the bits of the days of a month that it names.
    fn days_of(&self, year: u16, month: u8) -> u64 {
        let days = self.days.in_month(date::month_length(year, month));
        if self.weekdays == ALL_WEEKDAYS {
            return days;
        }
        let first = date::weekday(
            Date {
                year,
                month,
                day: 1,
            }
            .days(),
        );
        // Bit n of `week` is the weekday of the n-th day after the first; five weeks hold every month.
        let both = u64::from(self.weekdays) << 7 | u64::from(self.weekdays);
        let week = both >> first & u64::from(ALL_WEEKDAYS);
        let month = week | week << 7 | week << 14 | week << 21 | week << 28;
        days & month << 1
    }

    fn time_at_or_after(&self, second: i64) -> Option<i64> {
        let (hour, minute, second) = parts(second);
        let (minutes, seconds) = (self.minutes & ALL_SIXTY, self.seconds & ALL_SIXTY);
        let (first_minute, first_second) = (at_or_above(minutes, 0)?, at_or_above(seconds, 0)?);
        let found = at_or_above(self.hours & ALL_HOURS, hour)?;
        if found > hour {
            return Some(whole(found, first_minute, first_second));
        }
        if let Some(in_hour) = at_or_above(minutes, minute) {
            if in_hour > minute {
                return Some(whole(hour, in_hour, first_second));
            }
            if let Some(second) = at_or_above(seconds, second) {
                return Some(whole(hour, minute, second));
            }
            if let Some(next) = at_or_above(minutes, minute + 1) {
                return Some(whole(hour, next, first_second));
            }
        }
        let next = at_or_above(self.hours & ALL_HOURS, hour + 1)?;
        Some(whole(next, first_minute, first_second))
    }

    fn time_at_or_before(&self, second: i64) -> Option<i64> {
        let (hour, minute, second) = parts(second);
        let (minutes, seconds) = (self.minutes & ALL_SIXTY, self.seconds & ALL_SIXTY);
        let (last_minute, last_second) = (at_or_below(minutes, 59)?, at_or_below(seconds, 59)?);
        let found = at_or_below(self.hours & ALL_HOURS, hour)?;
        if found < hour {
            return Some(whole(found, last_minute, last_second));
        }
        if let Some(in_hour) = at_or_below(minutes, minute) {
            if in_hour < minute {
                return Some(whole(hour, in_hour, last_second));
            }
            if let Some(second) = at_or_below(seconds, second) {
                return Some(whole(hour, minute, second));
            }
            if let Some(before) = minute.checked_sub(1)
                && let Some(before) = at_or_below(minutes, before)
            {
                return Some(whole(hour, before, last_second));
            }
        }
        let before = at_or_below(self.hours & ALL_HOURS, hour.checked_sub(1)?)?;
        Some(whole(before, last_minute, last_second))
    }
}

/// Answers the smallest bit that is set, at or above one.
pub(super) fn at_or_above(bits: u64, least: u32) -> Option<u32> {
    let rest = bits.checked_shr(least)? << least;
    (rest != 0).then(|| rest.trailing_zeros())
}

/// Answers the largest bit that is set, at or below one.
fn at_or_below(bits: u64, most: u32) -> Option<u32> {
    let drop = 63 - most.min(63);
    let rest = bits << drop >> drop;
    (rest != 0).then(|| 63 - rest.leading_zeros())
}

fn parts(second: i64) -> (u32, u32, u32) {
    let second = u32::try_from(second).unwrap_or(0);
    (second / 3600, second / 60 % 60, second % 60)
}

fn whole(hour: u32, minute: u32, second: u32) -> i64 {
    i64::from(hour * 3600 + minute * 60 + second)
}

/// A bit of a month or a day, which always fits.
fn narrow(bit: u32) -> u8 {
    u8::try_from(bit).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::{MAX_TEXT, Schedule};
    use super::*;
    use proptest::prelude::*;

    /// Says in the plainest way whether a rule names a wall time.
    fn names(rule: &Rule, wall: i64) -> bool {
        let day = wall.div_euclid(DAY);
        let date = Date::of(day);
        let (hour, minute, second) = parts(wall.rem_euclid(DAY));
        let has = |bits: u64, bit: u32| bits >> bit & 1 == 1;
        let length = date::month_length(date.year, date.month);
        let day_named = match rule.days {
            Days::FromStart(days) => has(days, u32::from(date.day)),
            Days::FromEnd(days) => has(days, length + 1 - u32::from(date.day)),
        };
        let recurs = rule.recurrence.is_none_or(|recurrence| {
            day >= recurrence.first && (day - recurrence.first) % i64::from(recurrence.days) == 0
        });
        recurs
            && rule.years.has(date.year)
            && has(rule.months, u32::from(date.month))
            && day_named
            && has(u64::from(rule.weekdays), date::weekday(day))
            && has(rule.hours, hour)
            && has(rule.minutes, minute)
            && has(rule.seconds, second)
    }

    prop_compose! {
        fn rules()(
            weekdays in prop_oneof![Just(ALL_WEEKDAYS), 1_u8..128],
            years in prop_oneof![
                Just(Years::All),
                prop::collection::vec(1970_u16..2200, 1..4).prop_map(Years::of),
            ],
            months in prop_oneof![Just(ALL_MONTHS), (1_u64..4096).prop_map(|bits| bits << 1)],
            days in prop_oneof![
                Just(Days::ALL),
                (1_u64..1 << 31).prop_map(|bits| Days::FromStart(bits << 1)),
                (1_u32..32).prop_map(|day| Days::FromStart(1 << day)),
                (1_u32..32).prop_map(|day| Days::FromEnd(1 << day)),
                (1_u64..1 << 31).prop_map(|bits| Days::FromEnd(bits << 1)),
            ],
            hours in prop_oneof![Just(ALL_HOURS), 1_u64..=ALL_HOURS, (0_u32..24).prop_map(|bit| 1 << bit)],
            minutes in prop_oneof![Just(1_u64), 1_u64..=ALL_SIXTY, (0_u32..60).prop_map(|bit| 1 << bit)],
            seconds in prop_oneof![Just(1_u64), 1_u64..=ALL_SIXTY],
            recurrence in prop_oneof![
                Just(None),
                (0_i64..80_000, 1_u32..40).prop_map(|(first, days)| Some(Recurrence { first, days })),
            ],
        ) -> Rule {
            Rule { zone: None, weekdays, years, months, days, hours, minutes, seconds, recurrence }
        }
    }

    proptest! {
        #[test]
        fn what_is_found_is_named_and_nothing_between(rule in rules(), wall in 0_i64..7_258_118_400) {
            if let Some(next) = rule.at_or_after(wall) {
                prop_assert!(next >= wall && names(&rule, next), "{next}");
                prop_assert_eq!(rule.at_or_after(next), Some(next));
                prop_assert_eq!(rule.at_or_before(next), Some(next));
                // Nothing between: looking back from just before it lands before where we started.
                let before = rule.at_or_before(next - 1);
                prop_assert!(before.is_none_or(|before| before < wall), "{before:?}");
            }
            if let Some(last) = rule.at_or_before(wall) {
                prop_assert!(last <= wall && names(&rule, last), "{last}");
                let after = rule.at_or_after(last + 1);
                prop_assert!(after.is_none_or(|after| after > wall), "{after:?}");
            }
        }

        #[test]
        fn the_normalised_form_is_read_as_the_same_rule(rule in rules()) {
            let read = Schedule::parse(&rule.to_string());
            // A form that takes too much room to write is the only one that is refused.
            let long = rule.to_string().len() > MAX_TEXT;
            if rule.can_fire() && !long {
                prop_assert_eq!(read.map(|read| read.to_string()), Ok(rule.to_string()));
            } else {
                prop_assert!(read.is_err());
            }
        }

        #[test]
        fn the_next_second_of_a_day_is_what_counting_finds(rule in rules(), wall in 0_i64..7_258_000_000) {
            let counted = (wall..wall + 7200).find(|wall| names(&rule, *wall));
            let found = rule.at_or_after(wall).filter(|next| *next < wall + 7200);
            prop_assert_eq!(found, counted);
        }
    }

    #[test]
    fn dates_that_there_are_and_are_not() {
        let rule = |months: u64, days| Rule {
            months,
            days,
            ..Rule::midnight()
        };
        assert!(!rule(1 << 2, Days::FromStart(1 << 31)).can_fire());
        assert!(!rule(1 << 2, Days::FromStart(1 << 30)).can_fire());
        assert!(rule(1 << 2, Days::FromStart(1 << 29)).can_fire());
        assert!(!rule(1 << 4, Days::FromEnd(1 << 31)).can_fire());
        let mut odd = rule(1 << 2, Days::FromStart(1 << 29));
        odd.years = Years::of([2025, 2026, 2027]);
        assert!(!odd.can_fire());
        odd.years = Years::of([2025, 2028]);
        assert!(odd.can_fire());
    }
}
