//! When a soft failure is tried again.

use std::time::Duration;

use crate::id::ItemRef;
use crate::item::Retry;
use crate::time::Timestamp;

/// Backoff after soft failures. Numbers: our decision; the longest row of tries covers about four hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Pause before the first retry.
    pub base: Duration,
    /// Longest pause.
    pub cap: Duration,
    /// Most retries in a row; then the failure counts as hard.
    pub attempts: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(30),
            cap: Duration::from_secs(3600),
            attempts: 8,
        }
    }
}

/// The retry that follows a soft failure; absent when there were enough. `before` is the retry that just failed.
#[must_use]
pub fn next_retry(
    policy: RetryPolicy,
    item: &ItemRef,
    before: Option<Retry>,
    now: Timestamp,
) -> Option<Retry> {
    let attempt = before.map_or(0, |retry| retry.attempt.saturating_add(1));
    if attempt >= policy.attempts {
        return None;
    }
    let pause = policy
        .base
        .saturating_mul(2_u32.saturating_pow(attempt))
        .min(policy.cap);
    Some(Retry {
        attempt,
        due: now.plus(pause.saturating_add(jitter(item, attempt, pause))),
        told: false,
    })
}

/// Soonest that a handler may ask to be tried again.
pub const SOONEST: Duration = Duration::from_secs(1);
/// Latest that a handler may ask to be tried again.
pub const LATEST: Duration = Duration::from_secs(24 * 3600);

/// The retry that a handler asked for, within bounds; absent when there were enough in a row. It is neither spread nor
/// hastened: whoever said it knows.
#[must_use]
pub fn told_retry(
    policy: RetryPolicy,
    after: Duration,
    before: Option<Retry>,
    now: Timestamp,
) -> Option<Retry> {
    let attempt = before.map_or(0, |retry| retry.attempt.saturating_add(1));
    (attempt < policy.attempts).then(|| Retry {
        attempt,
        due: now.plus(after.clamp(SOONEST, LATEST)),
        told: true,
    })
}

/// Up to a fifth of the pause, the same for the same item and attempt, so that items that failed together do not come
/// back together and tests need no dice.
fn jitter(item: &ItemRef, attempt: u32, pause: Duration) -> Duration {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325 ^ u64::from(attempt);
    let text = [item.handler.as_str(), "/", item.item.as_str()];
    for byte in text.iter().flat_map(|part| part.bytes()) {
        hash = (hash ^ u64::from(byte.to_ascii_uppercase())).wrapping_mul(0x0100_0000_01b3);
    }
    let permille = u32::try_from((hash >> 33) % 200).unwrap_or(0);
    pause.saturating_mul(permille) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{HandlerId, ItemId};

    #[test]
    fn backoff_grows_is_capped_and_ends() {
        let item = ItemRef {
            handler: HandlerId::new("h").unwrap(),
            item: ItemId::new("i").unwrap(),
        };
        let now = Timestamp(1_000_000);
        let mut retry = None;
        let mut pauses = Vec::new();
        while let Some(next) = next_retry(RetryPolicy::default(), &item, retry, now) {
            pauses.push(next.due.since(now).as_secs());
            retry = Some(next);
        }
        assert_eq!(pauses.len(), 8);
        for (attempt, (pause, base)) in pauses
            .iter()
            .zip([30, 60, 120, 240, 480, 960, 1920, 3600])
            .enumerate()
        {
            assert!(
                (base..base + base / 5 + 1).contains(pause),
                "{attempt}: {pause}"
            );
        }
        let again = next_retry(RetryPolicy::default(), &item, None, now);
        assert_eq!(again, next_retry(RetryPolicy::default(), &item, None, now));
    }
}
