//! How fresh an item is: from its last good run and what is expected of it, also when nothing ran at all.

use std::time::Duration;

use crate::hindrance::Hindrance;
use crate::id::ItemRef;
use crate::item::{ItemRow, ItemStatus};
use crate::manager::Manager;
use crate::saying::{self, Because, Lateness, Saying, Span};
use crate::schedule::{Schedule, Zone};
use crate::time::Timestamp;

/// So many coming times of a schedule are looked at: a week of a daily one, with its gap over the weekend.
const LOOKED_AT: usize = 8;

/// Freshness of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Freshness {
    /// As fresh as expected, or nothing is expected.
    Fresh,
    /// Never had a good run.
    New,
    /// Older than expected.
    Late,
    /// At least twice as old as expected.
    Overdue,
}

/// The freshness of an item now.
#[must_use]
pub fn freshness(item: &ItemRow, now: Timestamp) -> Freshness {
    of(item.last_good, item.since, item.expected_freshness, now)
}

/// When an item becomes late or overdue next, if nothing runs; absent: never.
#[must_use]
pub fn next_change(item: &ItemRow, now: Timestamp) -> Option<Timestamp> {
    let expected = item.expected_freshness?;
    let from = item.last_good.unwrap_or(item.since);
    [from.plus(expected), from.plus(expected.saturating_mul(2))]
        .into_iter()
        .find(|at| *at > now)
}

/// How old schedules let a good run become: a quarter longer than the longest gap between two of their times, so that a
/// run that takes its time is not late. Of several schedules the strictest counts.
pub(crate) fn promised<'a>(
    schedules: impl Iterator<Item = &'a Schedule>,
    now: Timestamp,
    zone: &Zone,
) -> Option<Duration> {
    schedules
        .filter_map(|schedule| longest_gap(schedule, now, zone))
        .min()
        .map(|gap| gap.saturating_add(gap / 4))
}

impl Manager {
    /// Why an item is late or overdue, as a fragment; absent when it is neither.
    #[must_use]
    pub fn lateness(&self, item: &ItemRef, now: Timestamp) -> Option<Saying> {
        let slot = self.slot(item)?;
        let row = &slot.row;
        if !matches!(freshness(row, now), Freshness::Late | Freshness::Overdue) {
            return None;
        }
        let every = row.expected_freshness.map(Span);
        let good = match (row.last_good, every) {
            (Some(good), None) => Lateness::Good {
                ago: Span(now.since(good)),
            },
            (Some(good), Some(every)) => Lateness::GoodPromised {
                ago: Span(now.since(good)),
                every,
            },
            (None, None) => Lateness::None {
                span: Span(now.since(row.since)),
            },
            (None, Some(every)) => Lateness::NonePromised {
                span: Span(now.since(row.since)),
                every,
            },
        };
        let good = Saying::from(good);
        let lateness = match (row.last_attempt, row.last_status) {
            (Some(at), Some(status)) if row.last_good.is_none_or(|good| at > good) => {
                let (ago, became) = (Span(now.since(at)), became(status));
                match &row.last_problem {
                    None => Lateness::Tried { good, ago, became },
                    Some(problem) => Lateness::TriedBecause {
                        good,
                        ago,
                        became,
                        problem: told(problem),
                    },
                }
            }
            _ => {
                let held = self.pause_of(item).map_or_else(
                    || self.unmet(slot),
                    |pause| Some(Hindrance::Paused(pause.clone())),
                );
                match held {
                    Some(held) => Lateness::UntriedBecause {
                        good,
                        held: held.saying(),
                    },
                    None => Lateness::Untried { good },
                }
            }
        };
        Some(lateness.into())
    }
}

/// What was told of an item by others, or long ago: nobody says it in other words.
#[must_use]
pub fn told(words: &str) -> Saying {
    saying::known(words).unwrap_or_else(|| {
        Because::Told {
            words: words.to_owned(),
        }
        .into()
    })
}

fn became(status: ItemStatus) -> Saying {
    match status {
        ItemStatus::Failed => Lateness::Failed,
        ItemStatus::Disconnected => Lateness::Away,
        ItemStatus::Skipped => Lateness::Skipped,
        ItemStatus::Held => Lateness::Held,
        ItemStatus::Succeeded | ItemStatus::Deleted => Lateness::Well,
        ItemStatus::Stopped
        | ItemStatus::Pending
        | ItemStatus::Updating
        | ItemStatus::UpdatingIndeterminate
        | ItemStatus::Paused
        | ItemStatus::Resuming => Lateness::Unfinished,
    }
    .into()
}

fn longest_gap(schedule: &Schedule, now: Timestamp, zone: &Zone) -> Option<Duration> {
    if let Schedule::Every(interval) = schedule {
        return Some(interval.span());
    }
    let mut last = schedule.next_after(now, zone)?;
    let mut longest = Duration::ZERO;
    for _ in 1..LOOKED_AT {
        let Some(next) = schedule.next_after(last, zone) else {
            break;
        };
        longest = longest.max(next.since(last));
        last = next;
    }
    (longest > Duration::ZERO).then_some(longest)
}

fn of(
    last_good: Option<Timestamp>,
    since: Timestamp,
    expected: Option<Duration>,
    now: Timestamp,
) -> Freshness {
    // A new item is late too once it is older than what is expected of it.
    let age = now.since(last_good.unwrap_or(since));
    match expected {
        Some(expected) if age >= expected.saturating_mul(2) && age > Duration::ZERO => {
            Freshness::Overdue
        }
        Some(expected) if age > expected => Freshness::Late,
        Some(_) | None => match last_good {
            Some(_) => Freshness::Fresh,
            None => Freshness::New,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freshness_by_age() {
        use Freshness::{Fresh, Late, New, Overdue};
        let hour = Some(Duration::from_secs(3600));
        let minutes = |minutes: i64| Timestamp(minutes * 60_000);
        for (last_good, expected, now, wanted) in [
            (None, None, 0, New),
            (None, hour, 60, New),
            (None, hour, 61, Late),
            (None, hour, 120, Overdue),
            (Some(0), None, 1_000_000, Fresh),
            (Some(0), hour, 60, Fresh),
            (Some(0), hour, 61, Late),
            (Some(0), hour, 119, Late),
            (Some(0), hour, 120, Overdue),
            (Some(100), hour, 50, Fresh), // the clock jumped back
        ] {
            let got = of(last_good.map(minutes), minutes(0), expected, minutes(now));
            assert_eq!(got, wanted, "{last_good:?} {expected:?} {now}");
        }
    }
}
