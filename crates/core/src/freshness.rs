//! How fresh an item is: from its last good run and what is expected of it, also when nothing ran at all.

use std::time::Duration;

use crate::item::ItemRow;
use crate::time::Timestamp;

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
