//! Times, durations and sizes as people read them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// How long ago: `just now`, `12 min ago`, `3 h ago`, `2 d ago`.
pub(crate) fn ago(then_ms: i64, now_ms: i64) -> String {
    let elapsed = u64::try_from(now_ms.saturating_sub(then_ms)).unwrap_or(0);
    match elapsed {
        ..MINUTE => "just now".to_owned(),
        MINUTE..HOUR => format!("{} min ago", elapsed / MINUTE),
        HOUR..DAY => format!("{} h ago", elapsed / HOUR),
        _ => format!("{} d ago", elapsed / DAY),
    }
}

/// How long until then: `now`, `in 12 min`, `in 3 h`, `in 2 d`.
pub(crate) fn ahead(then_ms: i64, now_ms: i64) -> String {
    let left = u64::try_from(then_ms.saturating_sub(now_ms)).unwrap_or(0);
    match left {
        ..SECOND => "now".to_owned(),
        SECOND..MINUTE => format!("in {} s", left / SECOND),
        MINUTE..HOUR => format!("in {} min", left / MINUTE),
        HOUR..DAY => format!("in {} h {} min", left / HOUR, left % HOUR / MINUTE),
        _ => format!("in {} d {} h", left / DAY, left % DAY / HOUR),
    }
}

/// The local date and time to the second.
pub(crate) fn moment(at_ms: i64, zone: &TimeZone) -> String {
    Timestamp::from_millisecond(at_ms).map_or_else(
        |_| "at an unknown time".to_owned(),
        |at| {
            at.to_zoned(zone.clone())
                .strftime("%Y-%m-%d %H:%M:%S")
                .to_string()
        },
    )
}

/// The local time of day: `14:30`.
pub(crate) fn clock(at_ms: i64, zone: &TimeZone) -> String {
    Timestamp::from_millisecond(at_ms).map_or_else(
        |_| "at an unknown time".to_owned(),
        |at| at.to_zoned(zone.clone()).strftime("%H:%M").to_string(),
    )
}

/// How long: `0.2 s`, `1.4 s`, `42 s`, `2 min 5 s`, `1 h 3 min`, `2 d 4 h`.
pub(crate) fn length(ms: u64) -> String {
    match ms {
        ..10_000 => format!("{}.{} s", ms / SECOND, ms % SECOND / 100),
        10_000..MINUTE => format!("{} s", ms / SECOND),
        MINUTE..HOUR => format!("{} min {} s", ms / MINUTE, ms % MINUTE / SECOND),
        HOUR..DAY => format!("{} h {} min", ms / HOUR, ms % HOUR / MINUTE),
        _ => format!("{} d {} h", ms / DAY, ms % DAY / HOUR),
    }
}

/// How many bytes: `512 B`, `1.2 kB`, `34 MB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let mut unit_bytes: u64 = 1_000;
    let mut units = UNITS.iter();
    let mut unit = units.next().copied().unwrap_or("kB");
    for next in units {
        if bytes / unit_bytes < 1_000 {
            break;
        }
        unit_bytes *= 1_000;
        unit = next;
    }
    let whole = bytes / unit_bytes;
    if whole < 10 {
        format!("{whole}.{} {unit}", bytes % unit_bytes / (unit_bytes / 10))
    } else {
        format!("{whole} {unit}")
    }
}

/// A number with its noun: `1 item`, `2 items`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    if number == 1 {
        format!("{number} {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_like_speech() {
        let now = 10 * 24 * 3_600_000;
        for (before, shown) in [
            (-5_000, "just now"),
            (59_999, "just now"),
            (60_000, "1 min ago"),
            (3_599_999, "59 min ago"),
            (3 * 3_600_000, "3 h ago"),
            (49 * 3_600_000, "2 d ago"),
        ] {
            assert_eq!(ago(now - before, now), shown);
        }
        assert_eq!(ago(i64::MIN, i64::MAX), "106751991167 d ago");
        for (ms, shown) in [
            (0, "0.0 s"),
            (1_449, "1.4 s"),
            (42_000, "42 s"),
            (125_000, "2 min 5 s"),
            (3_780_000, "1 h 3 min"),
            (187_200_000, "2 d 4 h"),
        ] {
            assert_eq!(length(ms), shown);
        }
    }

    #[test]
    fn sizes_have_two_digits_at_least() {
        for (bytes, shown) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (1_250, "1.2 kB"),
            (34_999_999, "34 MB"),
            (u64::MAX, "18 EB"),
        ] {
            assert_eq!(size(bytes), shown);
        }
    }
}
