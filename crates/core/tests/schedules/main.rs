//! Schedules as a user of the crate sees them.

#![allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    missing_docs,
    unreachable_pub,
    reason = "a test fails by panicking"
)]

mod clocks;
mod missed;
mod mistakes;
mod reading;
mod systemd;

use syncmgr_core::Timestamp;
use syncmgr_core::schedule::{Schedule, Zone};

/// The moment that a text like `2026-11-22 23:30:00` names in UTC, by plain counting.
fn utc(text: &str) -> Timestamp {
    let numbers: Vec<i64> = text
        .split(['-', ' ', ':'])
        .map(|part| part.parse().unwrap())
        .collect();
    let [year, month, day, ref time @ ..] = numbers[..] else {
        panic!("{text} is no date");
    };
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut days = day - 1;
    for year in 1970..year {
        days += if leap(year) { 366 } else { 365 };
    }
    let lengths = [
        31,
        if leap(year) { 29 } else { 28 },
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
    ];
    days += lengths[..usize::try_from(month - 1).unwrap()]
        .iter()
        .sum::<i64>();
    let seconds = time
        .iter()
        .zip([3600, 60, 1])
        .map(|(part, length)| part * length);
    Timestamp((days * 86_400 + seconds.sum::<i64>()) * 1000)
}

fn schedule(text: &str) -> Schedule {
    Schedule::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn zone(name: &str) -> Zone {
    Zone::named(name).unwrap()
}
