//! What was due while nobody could run it: made up for once, and never replayed.

use std::time::Duration;

use super::{Schedule, Zone};
use crate::time::Timestamp;

/// Most missed times that are counted; what is more counts as so many.
pub const MAX_MISSED: u64 = 1000;

/// How far a clock may be set back and still count as corrected: what was due in between is not due again. Set back
/// further, the clock was wrong before, and what it said is forgotten.
pub const MAX_SET_BACK: Duration = Duration::from_secs(24 * 3600);

/// A run that makes up for missed ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatchUp {
    /// The last time at which it was due.
    pub for_due: Timestamp,
    /// How often it was due; [`MAX_MISSED`] stands for as often or oftener.
    pub missed: u64,
}

/// What to do with a schedule after a start, a wake-up, a pause, or when the clock or the zone was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resumption {
    /// What to make up for, now.
    pub catch_up: Option<CatchUp>,
    /// When it is due next.
    pub next: Option<Timestamp>,
}

/// Answers what to make up for: the last time at which it was due after `last_considered`, up to and including `now`.
///
/// Nothing, if that is longer ago than `max_age`, or if the clock was set back. For an interval `last_considered` is the
/// end of the last run.
#[must_use]
pub fn catch_up(
    schedule: &Schedule,
    last_considered: Timestamp,
    now: Timestamp,
    max_age: Duration,
    local: &Zone,
) -> Option<CatchUp> {
    if now <= last_considered {
        return None;
    }
    let found = match schedule {
        Schedule::Every(interval) => {
            let missed = now.0.saturating_sub(last_considered.0) / interval.millis();
            let ahead = missed.saturating_mul(interval.millis());
            CatchUp {
                for_due: Timestamp(last_considered.0.saturating_add(ahead)),
                missed: u64::try_from(missed).unwrap_or(0).min(MAX_MISSED),
            }
        }
        Schedule::Calendar(_) => {
            let for_due = schedule.last_before(Timestamp(now.0.saturating_add(1)), local)?;
            let most = usize::try_from(MAX_MISSED).unwrap_or(usize::MAX);
            let missed =
                std::iter::successors(Some(for_due), |due| schedule.last_before(*due, local))
                    .take_while(|due| *due > last_considered)
                    .take(most)
                    .count();
            CatchUp {
                for_due,
                missed: u64::try_from(missed).unwrap_or(MAX_MISSED),
            }
        }
    };
    (found.missed > 0 && now.since(found.for_due) <= max_age).then_some(found)
}

/// Answers what to make up for, and when it is due next.
///
/// A clock that is set back by at most [`MAX_SET_BACK`] makes nothing due twice; set back further, it is believed. A
/// clock that is set forward looks like a sleep.
#[must_use]
pub fn resume(
    schedule: &Schedule,
    last_considered: Timestamp,
    now: Timestamp,
    max_age: Duration,
    local: &Zone,
) -> Resumption {
    let catch_up = catch_up(schedule, last_considered, now, max_age, local);
    let ahead = last_considered.since(now);
    let from = match schedule {
        // Not overdue: what is left of the pause. Never longer than the whole, wherever the clock was set.
        Schedule::Every(_) if catch_up.is_none() => last_considered.min(now),
        Schedule::Calendar(_) if ahead <= MAX_SET_BACK => last_considered.max(now),
        Schedule::Every(_) | Schedule::Calendar(_) => now,
    };
    let mut next = schedule.next_after(from, local);
    if next.is_some_and(|next| next <= now) {
        // An interval that is overdue, and longer than what is made up for.
        next = schedule.next_after(now, local);
    }
    Resumption { catch_up, next }
}

/// Answers how long after its time an item starts: the same for the same seed, spread evenly up to and including `span`.
///
/// So that items with the same schedule do not all start at once, and tests need no dice.
#[must_use]
pub fn jitter(seed: &str, span: Duration) -> Duration {
    // FNV-1a, and then the mixing of SplitMix64, so that seeds that differ in one letter are far apart.
    let mut hash = seed.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash = (hash ^ hash >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ hash >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^= hash >> 31;
    let most = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let part = (u128::from(hash) * (u128::from(most) + 1)) >> 64;
    Duration::from_millis(u64::try_from(part).unwrap_or(most))
}
