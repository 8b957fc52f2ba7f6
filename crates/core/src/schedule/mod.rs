//! When an item is due by the clock: calendars in time zones, and intervals.
//!
//! A [`Schedule`] is read from text, whichever of the known ways it is written in, and printed in one normalised form.
//! Everything else is a function of it, a moment and the local zone; nobody here knows what time it is. What is read
//! and what happens when clocks are set is in `docs/schedules.md`.
//!
//! ```
//! use syncmgr_core::Timestamp;
//! use syncmgr_core::schedule::{Zone, accept, resume};
//! # use std::time::Duration;
//!
//! let berlin = Zone::named("Europe/Berlin").expect("a zone of the IANA database");
//! let now = Timestamp(1_795_390_200_000);
//!
//! // Somebody enters it, and is told what it means.
//! let (schedule, meaning) = accept("every weekday at 18:30", now, &berlin)?;
//! assert_eq!(meaning.normalised, "Mon..Fri *-*-* 18:30:00");
//! assert_eq!(berlin.wall_text(meaning.next.expect("it goes on")), "2026-11-23 18:30");
//!
//! // Two days later the machine wakes up.
//! let later = now.plus(Duration::from_secs(2 * 86_400));
//! let found = resume(&schedule, now, later, Duration::from_secs(86_400), &berlin);
//! assert_eq!(found.catch_up.map(|run| run.missed), Some(2));
//!
//! // And waits for the next time.
//! assert!(found.next.is_some_and(|next| next > later));
//! # Ok::<(), syncmgr_core::schedule::ScheduleError>(())
//! ```

mod cron;
mod date;
mod explain;
mod firing;
mod hours;
mod interval;
mod missed;
mod mistake;
mod normal;
mod phrase;
mod reader;
mod recurrence;
mod rule;
mod systemd;
mod zone;

use std::fmt;
use std::str::FromStr;

pub use explain::{Explanation, accept, explain, occurrences};
pub use hours::{Hours, MAX_SPANS};
pub use interval::{Interval, MAX_INTERVAL, MIN_INTERVAL};
pub use missed::{CatchUp, MAX_MISSED, MAX_SET_BACK, Resumption, catch_up, jitter, resume};
pub use mistake::{Mistake, ScheduleError};
pub use zone::Zone;

use crate::time::Timestamp;
use reader::Word;
use recurrence::Said;
use rule::Rule;

/// Most characters of a schedule's text, and of its normalised form: whoever keeps either can read it again.
pub const MAX_TEXT: usize = 1024;

/// Most rules of one calendar.
pub const MAX_RULES: usize = 16;

/// When something is to be done.
///
/// Two schedules are equal when they have the same parts, however they were written: `@daily` is `*-*-* 00:00`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Schedule {
    /// At times that a calendar and a clock show.
    Calendar(Calendar),
    /// So long after the last run ended.
    Every(Interval),
}

/// Times that a calendar and a clock show: those of any of its rules.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Calendar {
    /// Sorted, without two that are equal; never empty.
    rules: Box<[Rule]>,
}

impl Schedule {
    /// Reads a schedule, whichever way it is written.
    ///
    /// Several are joined by semicolons; an interval stands alone.
    ///
    /// # Errors
    /// Says what is wrong and at which column; [`ScheduleError::hint`] says what to write. A schedule that names no date
    /// that there is, whatever the year, is refused; one whose dates are all over is not (see [`accept`]).
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        if text.chars().count() > MAX_TEXT {
            return Err(Mistake::Long.at(MAX_TEXT + 1));
        }
        let pieces: Vec<Vec<Word<'_>>> = reader::split(text, 1, |character| character == ';')
            .iter()
            .map(|piece| reader::words(piece.text, piece.column))
            .filter(|words| !words.is_empty())
            .collect();
        if let [words] = pieces.as_slice()
            && let Some(words) = words_of_interval(words)
        {
            return interval::parse(words).map(Self::Every);
        }
        let mut rules = Vec::new();
        for words in &pieces {
            let column = words.first().map_or(1, |word| word.column);
            if words_of_interval(words).is_some() {
                return Err(Mistake::Foreign {
                    what: "an interval together with other schedules",
                    hint: "Write the interval alone.",
                }
                .at(column));
            }
            let found = rules_of(words)?;
            if let Some(rule) = found.iter().find(|rule| !rule.can_fire()) {
                return Err(rule.impossible_day().unwrap_or(Mistake::Never).at(column));
            }
            rules.extend(found);
            rules.sort();
            rules.dedup();
            if rules.len() > MAX_RULES {
                return Err(Mistake::Many.at(column));
            }
        }
        if rules.is_empty() {
            return Err(Mistake::Empty.at(1));
        }
        let rules = rules.into_boxed_slice();
        let read = Self::Calendar(Calendar { rules });
        if read.to_string().chars().count() > MAX_TEXT {
            return Err(Mistake::Long.at(1));
        }
        Ok(read)
    }

    /// The zones that it names, each once.
    #[must_use]
    pub fn zones(&self) -> Vec<String> {
        let Self::Calendar(calendar) = self else {
            return Vec::new();
        };
        let mut zones: Vec<String> = Vec::new();
        for zone in calendar.rules.iter().filter_map(|rule| rule.zone.as_ref()) {
            let name = zone.to_string();
            if !zones.contains(&name) {
                zones.push(name);
            }
        }
        zones
    }

    /// Answers the first time after a moment at which it is due.
    ///
    /// For an interval the moment is the end of the last run. `local` is the zone of rules that name none. Absent when
    /// every date is over, or after the year 2199.
    #[must_use]
    pub fn next_after(&self, after: Timestamp, local: &Zone) -> Option<Timestamp> {
        match self {
            Self::Every(interval) => after.0.checked_add(interval.millis()).map(Timestamp),
            Self::Calendar(calendar) => {
                let second = after.0.div_euclid(1000) + 1;
                let times = calendar.rules.iter().filter_map(|rule| {
                    firing::at_or_after(rule, rule.zone.as_ref().unwrap_or(local), second)
                });
                times.min().map(moment)
            }
        }
    }

    /// Answers the last time before a moment at which it was due; the inverse of [`Self::next_after`].
    ///
    /// For an interval this is the end of a run that would make the moment the next time.
    #[must_use]
    pub fn last_before(&self, before: Timestamp, local: &Zone) -> Option<Timestamp> {
        match self {
            Self::Every(interval) => before.0.checked_sub(interval.millis()).map(Timestamp),
            Self::Calendar(calendar) => {
                let second = before.0.saturating_sub(1).div_euclid(1000);
                let times = calendar.rules.iter().filter_map(|rule| {
                    firing::at_or_before(rule, rule.zone.as_ref().unwrap_or(local), second)
                });
                times.max().map(moment)
            }
        }
    }
}

fn moment(second: i64) -> Timestamp {
    Timestamp(second.saturating_mul(1000))
}

/// Answers what stands behind `every` or `@every`, if it is an interval.
fn words_of_interval<'a, 'b>(words: &'b [Word<'a>]) -> Option<&'b [Word<'a>]> {
    let (first, rest) = words.split_first()?;
    // `every 3 days at 02:00 from 2026-12-01` is a calendar.
    let dated = rest.iter().any(|word| word.is_one_of(&["at", "from"]));
    let every = first.is_one_of(&["every", "each"]) && interval::is_interval(rest) && !dated;
    (every || first.is("@every")).then_some(rest)
}

fn rules_of(words: &[Word<'_>]) -> Result<Vec<Rule>, ScheduleError> {
    let (words, said) = Said::split(words)?;
    let (mut rules, distance) = if cron::is_cron(words) {
        (cron::parse(words)?, None)
    } else if phrase::is_phrase(words) {
        phrase::parse(words)?
    } else {
        (vec![systemd::parse(words)?], None)
    };
    let recurrence = said.recurrence(distance)?;
    for rule in &mut rules {
        rule.recurrence = recurrence;
    }
    Ok(rules)
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for Schedule {
    /// Writes the normalised form, which is read as the same schedule again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(interval) => interval.fmt(f),
            Self::Calendar(calendar) => {
                let mut between = "";
                for rule in &calendar.rules {
                    write!(f, "{between}{rule}")?;
                    between = "; ";
                }
                Ok(())
            }
        }
    }
}
