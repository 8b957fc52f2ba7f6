//! Time as a value; nobody here reads a clock.

use std::time::Duration;

/// A moment, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The moment that lies `span` later; saturates.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// How much later this is than `earlier`; zero when it is not (the wall clock may jump back).
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// A length of time as people write it, in its two largest units.
#[must_use]
pub fn spell(span: Duration) -> String {
    let seconds = span.as_secs();
    let (days, hours, minutes, rest) = (
        seconds / 86_400,
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60,
    );
    let day = |number: u64| format!("{number} day{}", if number == 1 { "" } else { "s" });
    match (days, hours, minutes, rest) {
        (0, 0, 0, 0) => format!("{} ms", span.as_millis()),
        (0, 0, 0, rest) => format!("{rest} s"),
        (0, 0, minutes, 0) => format!("{minutes} min"),
        (0, 0, minutes, rest) => format!("{minutes} min {rest} s"),
        (0, hours, 0, _) => format!("{hours} h"),
        (0, hours, minutes, _) => format!("{hours} h {minutes} min"),
        (days, 0, ..) => day(days),
        (days, hours, ..) => format!("{} {hours} h", day(days)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_spelled_in_two_units() {
        for (seconds, told) in [
            (1, "1 s"),
            (60, "1 min"),
            (90, "1 min 30 s"),
            (1800, "30 min"),
            (5400, "1 h 30 min"),
            (86_400, "1 day"),
            (273_600, "3 days 4 h"),
        ] {
            assert_eq!(spell(Duration::from_secs(seconds)), told);
        }
        assert_eq!(spell(Duration::from_millis(5)), "5 ms");
    }
}
