//! How long: what `--for` understands.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use syncmgr_control::Refusal;
use syncmgr_control::span::{self, SpanError};

/// Longest pause that can be asked for; beyond it, a pause until `resume` is meant.
const MAX_MS: u64 = 366 * 24 * 60 * 60 * 1000;

/// Longest time that something may be allowed to take.
const MAX_TIMEOUT_MS: u64 = 24 * 60 * 60 * 1000;

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DurationError {
    #[error(transparent)]
    NotUnderstood(#[from] SpanError),
    #[error("a duration of nothing has no effect")]
    Zero,
    #[error("{0:?} is longer than a year")]
    TooLong(String),
}

impl From<DurationError> for Refusal {
    fn from(error: DurationError) -> Self {
        let hint = match error {
            DurationError::TooLong(_) => "leave out --for to wait until: syncmgr resume",
            _ => "write it as 30m, `1h 30m`, `3 days` or tomorrow",
        };
        Self::new("cli::duration", error.to_string(), hint)
    }
}

/// The duration in milliseconds, written as everywhere, or `tomorrow`, which lasts until midnight.
pub(crate) fn parse(text: &str, now_ms: i64, zone: &TimeZone) -> Result<u64, DurationError> {
    if text.trim().eq_ignore_ascii_case("tomorrow") {
        return until_tomorrow(now_ms, zone)
            .ok_or_else(|| SpanError::NotUnderstood(text.to_owned()).into());
    }
    let span = match span::read(text) {
        Err(SpanError::TooLong(_)) => return Err(DurationError::TooLong(text.to_owned())),
        read => read?,
    };
    match u64::try_from(span.as_millis()) {
        Ok(0) => Err(DurationError::Zero),
        Ok(ms) if ms <= MAX_MS => Ok(ms),
        _ => Err(DurationError::TooLong(text.to_owned())),
    }
}

/// Words that stand apart, as in `--for 3 days` without quotes: a number takes the last name as its unit when that makes it
/// a duration.
pub(crate) fn joined(number: String, names: &mut Vec<String>) -> String {
    if !number.trim().bytes().all(|byte| byte.is_ascii_digit()) {
        return number;
    }
    let whole = names.last().map(|unit| format!("{number} {unit}"));
    match whole.filter(|whole| span::read(whole).is_ok()) {
        Some(whole) => {
            names.pop();
            whole
        }
        None => number,
    }
}

/// How long something may take at most, in milliseconds: as for `--for`, but neither days nor `tomorrow`.
///
/// # Errors
/// What is none, nothing, or more than a day.
pub(crate) fn timeout(text: &str, now_ms: i64, zone: &TimeZone) -> Result<u64, Refusal> {
    let refused = |why: String| {
        let hint = "write it as 90s, 5m or 1h30m; at most a day";
        Refusal::new("cli::duration", why, hint)
    };
    if text.trim().eq_ignore_ascii_case("tomorrow") {
        return Err(refused(format!("{text:?} does not say how long")));
    }
    match parse(text, now_ms, zone) {
        Ok(limit_ms) if limit_ms <= MAX_TIMEOUT_MS => Ok(limit_ms),
        Ok(_) | Err(DurationError::TooLong(_)) => {
            Err(refused(format!("{text:?} is longer than a day")))
        }
        Err(DurationError::Zero) => Err(refused("nothing can be done in no time".to_owned())),
        Err(error) => Err(refused(error.to_string())),
    }
}

fn until_tomorrow(now_ms: i64, zone: &TimeZone) -> Option<u64> {
    let now = Timestamp::from_millisecond(now_ms)
        .ok()?
        .to_zoned(zone.clone());
    let midnight = now
        .checked_add(1.day())
        .and_then(|tomorrow| tomorrow.start_of_day())
        .ok()?;
    u64::try_from(midnight.timestamp().as_millisecond().checked_sub(now_ms)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON_IN_NOVEMBER: i64 = 1_795_348_800_000; // 2026-11-22T12:00:00Z

    fn check(text: &str, expected: Result<u64, DurationError>) {
        assert_eq!(
            parse(text, NOON_IN_NOVEMBER, &TimeZone::UTC),
            expected,
            "{text}"
        );
    }

    #[test]
    fn durations_are_numbers_with_units() {
        check("30m", Ok(1_800_000));
        check("1h", Ok(3_600_000));
        check("1h30m", Ok(5_400_000));
        check(" 2D ", Ok(172_800_000));
        check("1w", Ok(604_800_000));
        check("90s", Ok(90_000));
        check("5min", Ok(300_000));
        check("tomorrow", Ok(12 * 3_600_000));
        check("1h 30m", Ok(5_400_000));
        check("3 days", Ok(259_200_000));
        check("1 h", Ok(3_600_000));
        for text in [
            "", "h", "1", "1x", "-1h", "über", "1h30", "3 moons", "1 month",
        ] {
            let got = parse(text, NOON_IN_NOVEMBER, &TimeZone::UTC);
            assert!(
                matches!(got, Err(DurationError::NotUnderstood(_))),
                "{text}: {got:?}"
            );
        }
        check("0m", Err(DurationError::Zero));
        for text in ["400d", "99999999999999999999h", "18446744073709551615w"] {
            check(text, Err(DurationError::TooLong(text.to_owned())));
        }
    }

    #[test]
    fn a_unit_may_stand_apart() {
        for (number, names, whole, rest) in [
            ("3", vec!["notes", "days"], "3 days", vec!["notes"]),
            ("1", vec!["h"], "1 h", vec![]),
            ("3", vec!["moons"], "3", vec!["moons"]),
            ("3d", vec!["days"], "3d", vec!["days"]),
            ("tomorrow", vec!["h"], "tomorrow", vec!["h"]),
        ] {
            let mut names: Vec<String> = names.into_iter().map(str::to_owned).collect();
            assert_eq!(joined(number.to_owned(), &mut names), whole);
            assert_eq!(names, rest);
        }
    }

    #[test]
    fn tomorrow_begins_where_the_clock_says_so() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        assert_eq!(
            parse("tomorrow", NOON_IN_NOVEMBER, &berlin),
            Ok(11 * 3_600_000)
        );
        // The night in which the clock is put back has an hour more: 2026-10-25, asked at 00:30 local time.
        let before_the_change = 1_792_881_000_000;
        assert_eq!(
            parse("tomorrow", before_the_change, &berlin),
            Ok(24 * 3_600_000 + 1_800_000)
        );
    }

    #[test]
    fn a_timeout_is_a_length_of_time() {
        let timeout = |text: &str| timeout(text, NOON_IN_NOVEMBER, &TimeZone::UTC);
        assert_eq!(timeout("90s").unwrap(), 90_000);
        assert_eq!(timeout("24h").unwrap(), MAX_TIMEOUT_MS);
        for (text, why) in [
            ("tomorrow", "\"tomorrow\" does not say how long"),
            (" Tomorrow ", "does not say how long"),
            ("0s", "nothing can be done in no time"),
            ("25h", "\"25h\" is longer than a day"),
            ("2w", "longer than a day"),
            ("99999999999999999999s", "longer than a day"),
            ("soon", "`soon` is not a duration"),
            ("-5s", "is negative"),
            ("5", "has no unit"),
            ("", "is not a duration"),
        ] {
            let refusal = timeout(text).unwrap_err();
            assert_eq!(refusal.code, "cli::duration", "{text}");
            assert!(refusal.message.contains(why), "{text}: {}", refusal.message);
            assert!(refusal.hint.unwrap().contains("90s"), "{text}");
        }
    }
}
