//! When nobody uses the machine, where that has to be looked at; decides purely.

use std::time::Duration;

use syncmgr_core::Timestamp;
use syncmgr_core::condition::Fact;

/// How often it is looked whether somebody came back.
const RETURN: Duration = Duration::from_secs(5);
/// The shortest wait between two looks.
const SHORTEST: Duration = Duration::from_secs(1);
/// Two clocks never agree: a beginning that moved by less is the same.
const SLACK_MS: i64 = 2_000;

/// What a look tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The fact.
    pub fact: Fact,
    /// When to look again.
    pub again: Duration,
}

/// Judges one look: it has been quiet for so long now, and quiet for `shortest` is what somebody waits for.
///
/// While somebody works the next look comes when it could be quiet for long enough at the earliest.
#[must_use]
pub fn look(before: Option<&Fact>, quiet: Duration, shortest: Duration, now: Timestamp) -> Look {
    let Some(missing) = shortest
        .checked_sub(quiet)
        .filter(|missing| !missing.is_zero())
    else {
        let began = Timestamp(
            now.0
                .saturating_sub(i64::try_from(quiet.as_millis()).unwrap_or(i64::MAX)),
        );
        let since = match before {
            Some(Fact::Idle { since: Some(since) })
                if since.0.abs_diff(began.0) < SLACK_MS.unsigned_abs() =>
            {
                *since
            }
            _ => began,
        };
        return Look {
            fact: Fact::Idle { since: Some(since) },
            again: RETURN,
        };
    };
    Look {
        fact: Fact::Idle { since: None },
        again: missing.max(SHORTEST),
    }
}

/// How long it has been quiet, by two counters of milliseconds that begin anew after 49 days.
#[must_use]
pub fn quiet(now_ms: u32, last_ms: u32) -> Duration {
    let span = now_ms.wrapping_sub(last_ms);
    // Somebody came between the two readings.
    let span = if span > u32::MAX / 2 { 0 } else { span };
    Duration::from_millis(span.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn looks() {
        let check = |quiet, shortest, since: Option<i64>, again| {
            let expected = Look {
                fact: Fact::Idle {
                    since: since.map(Timestamp),
                },
                again,
            };
            assert_eq!(look(None, quiet, shortest, NOW), expected);
        };
        check(s(0), s(300), None, s(300));
        check(s(250), s(300), None, s(50));
        check(Duration::from_millis(299_999), s(300), None, s(1));
        check(s(300), s(300), Some(700_000), s(5));
        check(s(400), s(300), Some(600_000), s(5));
        check(s(0), s(0), Some(1_000_000), s(5));
        check(
            Duration::MAX,
            s(1),
            Some(1_000_000_i64.saturating_sub(i64::MAX)),
            s(5),
        );
    }

    #[test]
    fn a_beginning_does_not_tremble() {
        let told = |since| Fact::Idle {
            since: Some(Timestamp(since)),
        };
        let check = |before: Fact, expected: Fact| {
            assert_eq!(look(Some(&before), s(300), s(60), NOW).fact, expected);
        };
        check(told(700_500), told(700_500));
        check(told(698_001), told(698_001));
        // Somebody was there in between.
        check(told(690_000), told(700_000));
        check(Fact::Idle { since: None }, told(700_000));
    }

    #[test]
    fn counters_begin_anew() {
        assert_eq!(quiet(5_000, 2_000), s(3));
        assert_eq!(quiet(1_000, u32::MAX - 999), s(2));
        assert_eq!(quiet(2_000, 2_001), s(0));
    }
}
