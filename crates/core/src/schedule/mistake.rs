//! What is wrong with the text of a schedule, and where.

use thiserror::Error;

use super::date::{FIRST_YEAR, LAST_YEAR};
use super::{MAX_INTERVAL, MAX_RULES, MAX_TEXT};

/// Why a text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{mistake}, at column {column}")]
pub struct ScheduleError {
    /// Where, in characters from 1.
    pub column: usize,
    /// What.
    pub mistake: Mistake,
}

/// What can be wrong with the text of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Mistake {
    /// There is nothing.
    #[error("there is no schedule")]
    Empty,
    /// It, or its normalised form, is longer than any sensible schedule.
    #[error("the schedule or its normalised form is longer than {MAX_TEXT} characters")]
    Long,
    /// Something else should stand there.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What should stand there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A number is too small or too large.
    #[error("{what} {value} is not between {low} and {high}")]
    Range {
        /// What the number is.
        what: &'static str,
        /// The number, as it was written.
        value: String,
        /// The smallest that may be.
        low: u32,
        /// The largest that may be.
        high: u32,
    },
    /// A range ends before it begins.
    #[error("the range of {what}s from {from} to {to} runs backwards")]
    Backwards {
        /// What it is a range of.
        what: &'static str,
        /// Its beginning.
        from: u32,
        /// Its end.
        to: u32,
    },
    /// A step never gets to a second value, or is zero.
    #[error("a step of {step} does not fit into the {what}s")]
    Step {
        /// What is stepped through.
        what: &'static str,
        /// The step, as it was written.
        step: String,
    },
    /// The second 60 of a leap second.
    #[error("the second 60 is shown only in a leap second, and never by the clock of a computer")]
    LeapSecond,
    /// There is no such time zone.
    #[error("there is no time zone {name:?}")]
    Zone {
        /// What was written.
        name: String,
        /// What was perhaps meant.
        like: Option<&'static str>,
    },
    /// A month never has such a day.
    #[error("it would never fire, because {month} never has a day {day}")]
    NoSuchDay {
        /// The month.
        month: &'static str,
        /// The day.
        day: u32,
        /// The most days that it has.
        most: u32,
    },
    /// No date fits, whatever the year.
    #[error("it would never fire, because there is no such date")]
    Never,
    /// Every date that fits is over.
    #[error("it would never fire again, because every date that it names is over")]
    Over,
    /// An interval is too short.
    #[error("an interval is at least one second")]
    Short,
    /// An interval is too long.
    #[error("an interval is at most {} days", MAX_INTERVAL.as_secs() / 86_400)]
    Lengthy,
    /// It takes too many rules to say.
    #[error("it takes more than {MAX_RULES} rules to say this")]
    Many,
    /// Other programs read this, and we do not.
    #[error("{what} cannot be used here")]
    Foreign {
        /// What was written.
        what: &'static str,
        /// What to write in its place.
        hint: &'static str,
    },
}

impl Mistake {
    /// Says where this mistake was made.
    pub(super) fn at(self, column: usize) -> ScheduleError {
        ScheduleError {
            column,
            mistake: self,
        }
    }
}

impl ScheduleError {
    /// Says what to write, as a whole sentence.
    #[must_use]
    pub fn hint(&self) -> String {
        match &self.mistake {
            Mistake::Empty | Mistake::Long => EXAMPLES.to_owned(),
            Mistake::Unexpected { expected, .. } if *expected == A_SCHEDULE => EXAMPLES.to_owned(),
            Mistake::Unexpected { expected, .. } => {
                format!("Write {expected} there. {EXAMPLES}")
            }
            Mistake::Range { what, low, high, .. } if *what == "year" => format!(
                "Years have four digits, from {FIRST_YEAR} to {LAST_YEAR}; here from {low} to {high}."
            ),
            Mistake::Range {
                what, low, high, ..
            } => {
                let a = if *what == "hour" { "an" } else { "a" };
                format!("Write {a} {what} from {low} to {high}.")
            }
            Mistake::Backwards { what, from, to } => {
                format!("Write two ranges of {what}s: one from {from} on, one up to {to}.")
            }
            Mistake::Step { .. } => {
                "A step is at least 1 and smaller than what it steps through.".to_owned()
            }
            Mistake::LeapSecond => "Write the second 59, or the next minute.".to_owned(),
            Mistake::Zone {
                like: Some(like), ..
            } => format!("Perhaps {like} is meant."),
            Mistake::Zone { like: None, .. } => {
                "Zones have the names of the IANA database, such as Europe/Berlin or UTC.".to_owned()
            }
            Mistake::NoSuchDay { month, most, .. } => {
                format!("{month} has at most {most} days.")
            }
            Mistake::Never => {
                "Look at day, month, weekday and year together: February has at most 29 days, and a date with a year has \
                 one weekday."
                    .to_owned()
            }
            Mistake::Over => "Give a date that is still to come, or leave out the year.".to_owned(),
            Mistake::Short => "Write at least `every 1s`.".to_owned(),
            Mistake::Lengthy => {
                "Name a date instead, such as `*-01-01 02:00` for every new year.".to_owned()
            }
            Mistake::Many => "Make several schedules of it.".to_owned(),
            Mistake::Foreign { hint, .. } => (*hint).to_owned(),
        }
    }
}

/// What is expected where nothing is recognised at all.
pub(super) const A_SCHEDULE: &str = "a schedule";

const EXAMPLES: &str = "Examples: `daily at 02:00`, `every weekday at 18:30`, `every 15m`, `Mon..Fri *-*-* 02:00 Europe/Berlin`, \
                        `0 2 * * *`.";
