//! How long to wait before something that failed is tried again.

use std::time::Duration;

/// The wait before the first retry.
pub const FIRST: Duration = Duration::from_secs(1);
/// The longest wait: a machine that never has the thing wakes up six times an hour for it.
pub const LONGEST: Duration = Duration::from_secs(600);
/// What went well for so long is tried again at once when it ends.
pub const STABLE: Duration = Duration::from_secs(60);

/// Waits that double from [`FIRST`] to [`LONGEST`].
#[derive(Debug, Clone, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after one more failure of something that went well for `lasted`.
    pub fn next(&mut self, lasted: Duration) -> Duration {
        if lasted >= STABLE {
            self.failures = 0;
        }
        let wait = FIRST
            .saturating_mul(1 << self.failures.min(16))
            .min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_are_bounded() {
        let mut backoff = Backoff::default();
        let waits: Vec<u64> = (0..12)
            .map(|_| backoff.next(Duration::ZERO).as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]);
        assert_eq!(backoff.next(STABLE), FIRST);
        assert_eq!(backoff.next(Duration::ZERO), FIRST * 2);
        let mut backoff = Backoff { failures: u32::MAX };
        assert_eq!(backoff.next(Duration::ZERO), LONGEST);
    }
}
