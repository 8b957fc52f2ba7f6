//! What a schedule means, for people: its normalised form, when it is due next, and how long that is from now.

use std::time::Duration;

use super::{Mistake, Schedule, ScheduleError, Zone};
use crate::time::Timestamp;

/// What a schedule means now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The schedule in its normalised form.
    pub normalised: String,
    /// When it is due next; for an interval, if a run ended now. Absent when every date is over.
    pub next: Option<Timestamp>,
    /// How long that is from now.
    pub from_now: Option<Duration>,
}

/// Answers what a schedule means now.
#[must_use]
pub fn explain(schedule: &Schedule, now: Timestamp, local: &Zone) -> Explanation {
    let next = schedule.next_after(now, local);
    Explanation {
        normalised: schedule.to_string(),
        next,
        from_now: next.map(|next| next.since(now)),
    }
}

/// Reads a schedule that somebody enters now, and explains it.
///
/// # Errors
/// As [`Schedule::parse`], and refuses one that will not fire again.
pub fn accept(
    text: &str,
    now: Timestamp,
    local: &Zone,
) -> Result<(Schedule, Explanation), ScheduleError> {
    let schedule = Schedule::parse(text)?;
    let explanation = explain(&schedule, now, local);
    if explanation.next.is_none() {
        return Err(Mistake::Over.at(1));
    }
    Ok((schedule, explanation))
}

/// Answers when a schedule is due from one moment to before another, at most so many times.
///
/// For an interval `from` is the end of a run, and all further ones take no time.
#[must_use]
pub fn occurrences(
    schedule: &Schedule,
    from: Timestamp,
    to: Timestamp,
    most: usize,
    local: &Zone,
) -> Vec<Timestamp> {
    let first = match schedule {
        Schedule::Calendar(_) => Timestamp(from.0.saturating_sub(1)),
        Schedule::Every(_) => from,
    };
    std::iter::successors(schedule.next_after(first, local), |due| {
        schedule.next_after(*due, local)
    })
    .take_while(|due| *due < to)
    .take(most)
    .collect()
}
