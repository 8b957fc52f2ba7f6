//! How far the wall clock was set, found out by a clock that nobody sets.

use std::time::Duration;

use syncmgr_core::Timestamp;
use syncmgr_core::clock_set::CLOCK_SET;

use crate::clock::Clock;

/// What both clocks showed last.
#[derive(Debug, Default)]
pub(crate) struct Anchor(Option<(Timestamp, Duration)>);

impl Anchor {
    /// Looks at both clocks; answers how many milliseconds further the wall clock is than it would be if nobody had set it.
    /// Less than what matters is nothing: it may be a clock that is slowly corrected.
    pub(crate) fn look(&mut self, clock: &dyn Clock) -> (Timestamp, Option<i64>) {
        let now = clock.now();
        let steady = clock.steady();
        let before = match steady {
            Some(steady) => self.0.replace((now, steady)),
            None => self.0.take(),
        };
        let set = before.zip(steady).and_then(|((shown, was), steady)| {
            let passed = i64::try_from(steady.saturating_sub(was).as_millis()).ok()?;
            let by = now.0.saturating_sub(shown.0.saturating_add(passed));
            (u128::from(by.unsigned_abs()) >= CLOCK_SET.as_millis()).then_some(by)
        });
        (now, set)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::future::BoxFuture;
    use syncmgr_core::schedule::Zone;

    use super::*;

    struct Shown(Mutex<(i64, Option<u64>)>);

    impl Clock for Shown {
        fn now(&self) -> Timestamp {
            Timestamp(self.0.lock().unwrap().0)
        }

        fn steady(&self) -> Option<Duration> {
            self.0.lock().unwrap().1.map(Duration::from_millis)
        }

        fn reached(&self, _: Timestamp) -> BoxFuture<'_, ()> {
            Box::pin(std::future::pending())
        }

        fn zone(&self) -> Zone {
            Zone::utc()
        }
    }

    #[test]
    fn only_what_is_set_counts() {
        let shown = Shown(Mutex::new((1_000_000, Some(50_000))));
        let mut anchor = Anchor::default();
        let mut look = |wall: i64, steady: Option<u64>| {
            *shown.0.lock().unwrap() = (wall, steady);
            anchor.look(&shown).1
        };
        assert_eq!(look(1_000_000, Some(50_000)), None, "the first look");
        assert_eq!(look(5_000_000, Some(4_050_000)), None, "a long sleep");
        assert_eq!(look(5_009_000, Some(4_050_000)), None, "a little");
        assert_eq!(look(15_009_000, Some(4_050_000)), Some(10_000_000));
        assert_eq!(look(15_010_000, Some(4_051_000)), None, "told once");
        assert_eq!(look(5_020_000, Some(4_061_000)), Some(-10_000_000));
        assert_eq!(look(9_000_000, None), None, "nobody knows");
        assert_eq!(look(99_000_000, Some(1)), None, "known again");
    }
}
