//! The normalised form: what a schedule means, in a form that is read again as the same schedule.

use std::fmt;

use super::date::{Date, FIRST_YEAR, LAST_YEAR};
use super::recurrence::Recurrence;
use super::rule::{
    ALL_DAYS, ALL_HOURS, ALL_MONTHS, ALL_SIXTY, ALL_WEEKDAYS, Days, Rule, Years, at_or_above,
};

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.weekdays != ALL_WEEKDAYS {
            let days: Vec<u32> = values(self.weekdays.into());
            runs(f, &days, |f, day| {
                f.write_str(WEEKDAYS.get(index(day)).copied().unwrap_or("?"))
            })?;
            f.write_str(" ")?;
        }
        match &self.years {
            Years::All => f.write_str("*")?,
            years @ Years::Some(_) => {
                let years: Vec<u32> = (FIRST_YEAR..=LAST_YEAR)
                    .filter(|year| years.has(*year))
                    .map(u32::from)
                    .collect();
                numbers(f, &years, u32::from(LAST_YEAR))?;
            }
        }
        f.write_str("-")?;
        part(f, self.months, ALL_MONTHS)?;
        match self.days {
            Days::FromStart(days) => {
                f.write_str("-")?;
                part(f, days, ALL_DAYS)?;
            }
            Days::FromEnd(days) => {
                f.write_str("~")?;
                runs(f, &values(days & ALL_DAYS), two_digits)?;
            }
        }
        f.write_str(" ")?;
        part(f, self.hours, ALL_HOURS)?;
        f.write_str(":")?;
        part(f, self.minutes, ALL_SIXTY)?;
        f.write_str(":")?;
        part(f, self.seconds, ALL_SIXTY)?;
        if let Some(zone) = &self.zone {
            write!(f, " {zone}")?;
        }
        if let Some(Recurrence { first, days }) = self.recurrence {
            if days != 1 {
                write!(f, " every {days} days")?;
            }
            let Date { year, month, day } = Date::of(first);
            write!(f, " from {year}-{month:02}-{day:02}")?;
        }
        Ok(())
    }
}

fn index(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

fn two_digits(f: &mut fmt::Formatter<'_>, value: u32) -> fmt::Result {
    write!(f, "{value:02}")
}

fn values(bits: u64) -> Vec<u32> {
    (0..64).filter(|bit| bits >> bit & 1 == 1).collect()
}

fn part(f: &mut fmt::Formatter<'_>, bits: u64, all: u64) -> fmt::Result {
    if bits & all == all {
        return f.write_str("*");
    }
    let high = 63 - all.leading_zeros();
    debug_assert!(at_or_above(all, high).is_some(), "the highest bit is set");
    numbers(f, &values(bits & all), high)
}

/// Writes numbers as a step to the end of the range, if they are one, or else as numbers and ranges.
fn numbers(f: &mut fmt::Formatter<'_>, values: &[u32], high: u32) -> fmt::Result {
    if let [first, second, .., last] = values {
        let step = second - first;
        if step > 1 && last + step > high && values.windows(2).all(|pair| pair[1] - pair[0] == step)
        {
            return write!(f, "{first:02}/{step}");
        }
    }
    runs(f, values, two_digits)
}

/// Writes ascending values, three or more neighbours as a range.
fn runs(
    f: &mut fmt::Formatter<'_>,
    values: &[u32],
    write: impl Fn(&mut fmt::Formatter<'_>, u32) -> fmt::Result,
) -> fmt::Result {
    let mut rest = values;
    let mut comma = "";
    while let Some(first) = rest.first() {
        let length = rest
            .iter()
            .zip(*first..)
            .take_while(|(value, expected)| *value == expected)
            .count();
        f.write_str(comma)?;
        write(f, *first)?;
        let taken = if length >= 3 {
            f.write_str("..")?;
            write(f, rest[length - 1])?;
            length
        } else {
            1
        };
        rest = &rest[taken..];
        comma = ",";
    }
    Ok(())
}
