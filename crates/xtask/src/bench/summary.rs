//! Turns repeated measurements into the figures that are shown.

use std::fmt;

use serde::Serialize;

use crate::run::Cost;

/// Median, smallest and largest of several measurements.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Spread {
    /// The middle one; of an even number the mean of the two in the middle.
    pub(crate) median: f64,
    /// The smallest.
    pub(crate) min: f64,
    /// The largest.
    pub(crate) max: f64,
}

impl Spread {
    /// Sums up measurements; without any, everything is not a number.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (Some(min), Some(max)) = (values.first().copied(), values.last().copied()) else {
            return Self {
                median: f64::NAN,
                min: f64::NAN,
                max: f64::NAN,
            };
        };
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Self { median, min, max }
    }
}

impl Spread {
    /// The same in a larger unit.
    #[cfg(unix)]
    pub(crate) fn divided(self, by: f64) -> Self {
        Self {
            median: self.median / by,
            min: self.min / by,
            max: self.max / by,
        }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = f.precision().unwrap_or(2);
        write!(
            f,
            "{:.places$} ({:.places$}–{:.places$})",
            self.median, self.min, self.max
        )
    }
}

/// How bad the worst of many measurements are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Tail {
    /// How many there are.
    pub(crate) samples: usize,
    /// The middle one.
    pub(crate) median: f64,
    /// 99 of 100 are at most this; of fewer than a hundred it is the largest.
    pub(crate) p99: f64,
    /// The largest.
    pub(crate) max: f64,
}

impl Tail {
    /// Sums up measurements; without any, everything is not a number.
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let samples = values.len();
        let spread = Spread::of(values.iter().copied());
        let at = (samples * 99).div_ceil(100).saturating_sub(1);
        Self {
            samples,
            median: spread.median,
            p99: values.get(at).copied().unwrap_or(f64::NAN),
            max: spread.max,
        }
    }
}

/// What several runs of one step cost.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Summary {
    /// Wall time in seconds.
    pub(crate) wall_s: Spread,
    /// User and system time in seconds.
    pub(crate) cpu_s: Spread,
    /// Largest process in MiB.
    pub(crate) largest_mib: Spread,
    /// All processes together in MiB.
    pub(crate) sum_mib: Spread,
}

impl Summary {
    /// Sums up runs.
    pub(crate) fn of(costs: &[Cost]) -> Self {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a peak in KiB is far below what a double holds exactly"
        )]
        let mib = |kib: u64| kib as f64 / 1024.0;
        Self {
            wall_s: Spread::of(costs.iter().map(|cost| cost.wall_s)),
            cpu_s: Spread::of(costs.iter().map(|cost| cost.cpu_s)),
            largest_mib: Spread::of(costs.iter().map(|cost| mib(cost.largest_kib))),
            sum_mib: Spread::of(costs.iter().map(|cost| mib(cost.sum_kib))),
        }
    }
}

/// A number to hold, and what was measured.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Target {
    /// What is measured.
    pub(crate) what: String,
    /// The bound.
    pub(crate) bound: f64,
    /// What came out.
    pub(crate) measured: f64,
    /// Whether smaller is better.
    pub(crate) at_most: bool,
}

impl Target {
    /// Says whether the bound is held; what could not be measured is missed.
    pub(crate) fn reached(&self) -> bool {
        if self.at_most {
            self.measured <= self.bound
        } else {
            self.measured >= self.bound
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.reached() { "reached" } else { "MISSED " };
        let sign = if self.at_most { '≤' } else { '≥' };
        write!(
            f,
            "{verdict}  {}: {:.2} ({sign} {})",
            self.what, self.measured, self.bound
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(
            Spread::of([3.0, 1.0, 2.0]),
            Spread {
                median: 2.0,
                min: 1.0,
                max: 3.0
            }
        );
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]).median, 2.5);
        assert!(Spread::of([]).median.is_nan());
        assert_eq!(
            format!("{:.1}", Spread::of([1.0, 2.0, 3.0])),
            "2.0 (1.0–3.0)"
        );
    }

    #[test]
    fn the_tail_is_what_one_of_a_hundred_exceeds() {
        let tail = |count: u32| Tail::of((1..=count).rev().map(f64::from).collect());
        assert_eq!((tail(100).p99, tail(100).max), (99.0, 100.0));
        assert_eq!(tail(200).p99, 198.0);
        assert_eq!(tail(3).p99, 3.0);
        assert!(tail(0).p99.is_nan());
    }

    #[test]
    fn what_was_not_measured_is_missed() {
        let target = |measured, at_most| Target {
            what: "x".into(),
            bound: 2.0,
            measured,
            at_most,
        };
        assert!(target(2.0, true).reached() && target(2.0, false).reached());
        assert!(!target(2.1, true).reached() && !target(1.9, false).reached());
        assert!(!target(f64::NAN, true).reached() && !target(f64::NAN, false).reached());
    }
}
