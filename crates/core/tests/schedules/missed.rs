//! Missed runs, clocks that jump, zones that change, and jitter.

use std::time::Duration;

use proptest::prelude::*;
use syncmgr_core::Timestamp;
use syncmgr_core::schedule::{CatchUp, MAX_MISSED, MAX_SET_BACK, Zone, catch_up, jitter, resume};

use crate::{schedule, utc, zone};

const ANY_AGE: Duration = Duration::MAX;
const HOUR: Duration = Duration::from_secs(3600);
const TEN_YEARS: Duration = Duration::from_secs(3653 * 86_400);

#[test]
fn what_was_missed_is_made_up_for_once_and_for_the_last_time_only() {
    let berlin = zone("Europe/Berlin");
    for (text, last, now, age, expected) in [
        // Slept over one night, over three, over none.
        (
            "daily at 02:00",
            "2026-11-22 20:00",
            "2026-11-23 07:00",
            ANY_AGE,
            Some(("2026-11-23 01:00", 1)),
        ),
        (
            "daily at 02:00",
            "2026-11-19 20:00",
            "2026-11-22 07:00",
            ANY_AGE,
            Some(("2026-11-22 01:00", 3)),
        ),
        (
            "daily at 02:00",
            "2026-11-22 07:00",
            "2026-11-22 20:00",
            ANY_AGE,
            None,
        ),
        // Considered at that very moment; due at this very moment.
        (
            "daily at 02:00",
            "2026-11-22 01:00",
            "2026-11-22 20:00",
            ANY_AGE,
            None,
        ),
        (
            "daily at 02:00",
            "2026-11-22 00:59",
            "2026-11-22 01:00",
            ANY_AGE,
            Some(("2026-11-22 01:00", 1)),
        ),
        // Too long ago.
        (
            "daily at 02:00",
            "2026-11-21 20:00",
            "2026-11-22 02:00",
            HOUR,
            Some(("2026-11-22 01:00", 1)),
        ),
        (
            "daily at 02:00",
            "2026-11-21 20:00",
            "2026-11-22 02:01",
            HOUR,
            None,
        ),
        // The clock was set back.
        (
            "daily at 02:00",
            "2026-11-22 20:00",
            "2026-11-22 00:00",
            ANY_AGE,
            None,
        ),
        (
            "daily at 02:00",
            "2026-11-22 20:00",
            "2016-11-22 20:00",
            ANY_AGE,
            None,
        ),
        // Intervals count from the end of the last run.
        (
            "every 4h",
            "2026-11-22 00:30",
            "2026-11-22 09:00",
            ANY_AGE,
            Some(("2026-11-22 08:30", 2)),
        ),
        (
            "every 4h",
            "2026-11-22 00:30",
            "2026-11-22 04:29",
            ANY_AGE,
            None,
        ),
        (
            "every 4h",
            "2026-11-22 00:30",
            "2026-11-22 04:30",
            ANY_AGE,
            Some(("2026-11-22 04:30", 1)),
        ),
    ] {
        let found = catch_up(&schedule(text), utc(last), utc(now), age, &berlin);
        let expected = expected.map(|(due, missed)| CatchUp {
            for_due: utc(due),
            missed,
        });
        assert_eq!(found, expected, "{text} {last} {now}");
    }
    let found = catch_up(
        &schedule("daily at 02:00"),
        utc("2026-11-22 20:00"),
        utc("2026-11-23 07:00"),
        ANY_AGE,
        &berlin,
    );
    assert_eq!(berlin.wall_text(found.unwrap().for_due), "2026-11-23 02:00");
}

#[test]
fn counting_what_was_missed_ends() {
    let (from, to) = (utc("2026-11-22 00:00"), utc("2036-11-22 00:00"));
    for text in ["*:*:*", "*:*:* Europe/Berlin", "every 1s", "2:*:*; 3:*:*"] {
        let found = catch_up(&schedule(text), from, to, ANY_AGE, &Zone::utc()).unwrap();
        assert_eq!(found.missed, MAX_MISSED, "{text}");
    }
    let found = catch_up(&schedule("*-02-29"), from, to, ANY_AGE, &Zone::utc()).unwrap();
    assert_eq!(
        found,
        CatchUp {
            for_due: utc("2036-02-29"),
            missed: 3
        }
    );
}

#[test]
fn a_clock_that_is_corrected_makes_nothing_due_twice() {
    let utc_zone = Zone::utc();
    let daily = schedule("daily at 02:00");
    let considered = utc("2026-11-22 02:00:01");
    // Set back over 02:00, by two minutes and by a day: the next one is tomorrow's.
    for now in ["2026-11-22 01:59", "2026-11-21 02:00:01"] {
        let found = resume(&daily, considered, utc(now), ANY_AGE, &utc_zone);
        assert_eq!(
            (found.catch_up, found.next),
            (None, Some(utc("2026-11-23 02:00"))),
            "{now}"
        );
    }
    // It was ten years ahead, and is right again: nobody waits for ten years.
    let now = Timestamp(considered.0).0 - i64::try_from(TEN_YEARS.as_millis()).unwrap();
    let found = resume(&daily, considered, Timestamp(now), ANY_AGE, &utc_zone);
    assert!(
        found.catch_up.is_none() && found.next.unwrap().since(Timestamp(now)) <= MAX_SET_BACK,
        "{found:?}"
    );
    // It jumps ten years ahead: one run is made up for, and the next is within a day.
    let now = considered.plus(TEN_YEARS);
    let found = resume(&daily, considered, now, ANY_AGE, &utc_zone);
    assert_eq!(found.catch_up.unwrap().missed, MAX_MISSED);
    assert!(found.next.unwrap().since(now) <= MAX_SET_BACK);
    // An interval never waits longer than it is.
    let every = schedule("every 4h");
    for now in [
        "2016-01-01",
        "2026-11-21 00:00",
        "2026-11-22 02:00",
        "2026-11-22 03:00",
        "2036-01-01",
    ] {
        let found = resume(&every, considered, utc(now), ANY_AGE, &utc_zone);
        let next = found.next.unwrap();
        assert!(
            next > utc(now) && next.since(utc(now)) <= 4 * HOUR,
            "{now} {found:?}"
        );
    }
    let found = resume(
        &every,
        considered,
        utc("2026-11-22 05:00"),
        ANY_AGE,
        &utc_zone,
    );
    assert_eq!(found.next, Some(utc("2026-11-22 06:00:01")));
}

#[test]
fn another_local_zone_moves_what_is_local_and_nothing_else() {
    let (berlin, tokyo) = (zone("Europe/Berlin"), zone("Asia/Tokyo"));
    let now = utc("2026-11-22 12:00");
    let local = schedule("daily at 02:00");
    let fixed = schedule("daily at 02:00 Europe/Berlin");
    assert_eq!(
        local.next_after(now, &berlin),
        Some(utc("2026-11-23 01:00"))
    );
    assert_eq!(local.next_after(now, &tokyo), Some(utc("2026-11-22 17:00")));
    assert_eq!(fixed.next_after(now, &tokyo), Some(utc("2026-11-23 01:00")));
    // Flying east over 02:00: made up for at once, for the 02:00 of where we are now.
    let slept = utc("2026-11-22 16:59");
    let found = catch_up(&local, slept, utc("2026-11-22 17:01"), ANY_AGE, &tokyo).unwrap();
    assert_eq!(tokyo.wall_text(found.for_due), "2026-11-23 02:00");
}

#[test]
fn jitter_is_the_same_for_the_same_seed_and_spread_over_the_span() {
    assert_eq!(jitter("folder/notes", HOUR), jitter("folder/notes", HOUR));
    assert_eq!(jitter("folder/notes", Duration::ZERO), Duration::ZERO);
    assert!(jitter("x", Duration::MAX) <= Duration::MAX);
    let mut quarters = [0; 4];
    for item in 0..4000 {
        let late = jitter(&format!("folder/{item}"), HOUR);
        assert!(late <= HOUR);
        quarters[usize::try_from(late.as_secs() / 900).unwrap().min(3)] += 1;
    }
    assert!(
        quarters.iter().all(|count| (850..1150).contains(count)),
        "{quarters:?}"
    );
}

proptest! {
    #[test]
    fn no_moment_is_too_early_or_too_late(
        last in any::<i64>(),
        now in any::<i64>(),
        age in any::<u64>(),
        text in prop::sample::select(vec!["*:*:*", "daily at 02:00 Europe/Berlin", "*-02-29", "every 3653d", "2:30 Pacific/Apia"]),
    ) {
        let read = schedule(text);
        let (last, now) = (Timestamp(last), Timestamp(now));
        let found = resume(&read, last, now, Duration::from_millis(age), &Zone::utc());
        prop_assert!(found.next.is_none_or(|next| next > now));
        if let Some(caught) = found.catch_up {
            prop_assert!(caught.for_due > last && caught.for_due <= now && caught.missed >= 1);
        }
    }
}
