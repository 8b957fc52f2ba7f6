//! How often somebody may fail to enter.

use std::collections::VecDeque;
use std::time::Duration;

/// So many failures are borne within [`WINDOW`].
pub const MAX_FAILURES: usize = 10;
/// How long a failure counts.
pub const WINDOW: Duration = Duration::from_secs(60);

/// The last failures, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Throttle(VecDeque<Duration>);

impl Throttle {
    /// Whether it is too much already.
    pub(crate) fn is_closed(&mut self, now: Duration) -> bool {
        while self
            .0
            .front()
            .is_some_and(|at| now.saturating_sub(*at) >= WINDOW)
        {
            self.0.pop_front();
        }
        self.0.len() >= MAX_FAILURES
    }

    /// One more.
    pub(crate) fn failed(&mut self, now: Duration) {
        if !self.is_closed(now) {
            self.0.push_back(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_forgotten_after_a_while() {
        let mut throttle = Throttle::default();
        let at = Duration::from_secs;
        for second in 0..MAX_FAILURES as u64 {
            assert!(!throttle.is_closed(at(second)));
            throttle.failed(at(second));
        }
        assert!(throttle.is_closed(at(30)));
        throttle.failed(at(59)); // Changes nothing: who is refused does not lengthen it.
        assert!(!throttle.is_closed(at(60)));
        assert!(!throttle.is_closed(at(200)));
    }
}
