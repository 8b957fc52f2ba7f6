//! What history may go: by age and by number, never what is pinned. The store carries it out.

use std::time::Duration;

use crate::time::Timestamp;

/// How much of one kind of history is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// How old it may become.
    pub age: Duration,
    /// How many are kept.
    pub count: usize,
}

/// How much history is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Runs, with their items and log.
    pub runs: Keep,
    /// Log entries of no run.
    pub log: Keep,
    /// Events.
    pub events: Keep,
    /// Closed questions.
    pub needs: Keep,
}

const DAY: Duration = Duration::from_secs(24 * 3600);

impl Default for Retention {
    fn default() -> Self {
        Self {
            runs: Keep {
                age: DAY.saturating_mul(365),
                count: 10_000,
            },
            log: Keep {
                age: DAY.saturating_mul(90),
                count: 100_000,
            },
            events: Keep {
                age: DAY.saturating_mul(90),
                count: 1_000_000,
            },
            needs: Keep {
                age: DAY.saturating_mul(365),
                count: 10_000,
            },
        }
    }
}

/// One row of history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Its number.
    pub id: u64,
    /// When it ended; absent: it is still open and stays.
    pub ended: Option<Timestamp>,
    /// It stays whatever its age: the last good run of an item, the last run of an item, an open question.
    pub pinned: bool,
}

/// The rows that may go. `rows` come newest first.
pub fn expendable(keep: Keep, now: Timestamp, rows: impl IntoIterator<Item = Kept>) -> Vec<u64> {
    rows.into_iter()
        .enumerate()
        .filter_map(|(at, row)| {
            let ended = row.ended?;
            let old = now.since(ended) > keep.age;
            (!row.pinned && (old || at >= keep.count)).then_some(row.id)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn age_number_and_pins() {
        let keep = Keep {
            age: Duration::from_secs(10),
            count: 3,
        };
        let row = |id, ended: Option<i64>, pinned| Kept {
            id,
            ended: ended.map(Timestamp),
            pinned,
        };
        let now = Timestamp(20_000);
        let rows = [
            row(9, None, false), // open
            row(8, Some(19_000), false),
            row(7, Some(9_000), false),  // too old
            row(6, Some(19_000), false), // one too many
            row(5, Some(1_000), true),   // the last good one
            row(4, None, false),         // open, however old
            row(3, Some(1_000), false),
        ];
        assert_eq!(expendable(keep, now, rows), [7, 6, 3]);
        assert!(expendable(keep, Timestamp(0), rows[..3].iter().copied()).is_empty());
    }
}
