//! What happens when clocks are set: tables, and properties over every transition of real zones.

use proptest::prelude::*;
use syncmgr_core::Timestamp;
use syncmgr_core::schedule::{Schedule, Zone, occurrences};

use crate::{schedule, utc, zone};

/// Berlin and New York: an hour at night. Lord Howe: half an hour. Casablanca: twice more a year, around Ramadan. Kolkata:
/// never. Apia: a day that there was not. Santiago: at midnight. Nuuk: in the last hour of a day.
const ZONES: [&str; 8] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Kolkata",
    "Pacific/Apia",
    "America/Santiago",
    "America/Nuuk",
];

/// The first year and the year after the last one: more than a decade, with Samoa's missing day in it.
const YEARS: (&str, &str) = ("2011-01-01 00:00:00", "2037-01-01 00:00:00");

fn walls(text: &str, zone: &Zone, from: &str, to: &str) -> Vec<String> {
    occurrences(&schedule(text), utc(from), utc(to), 500, zone)
        .into_iter()
        .map(|at| zone.wall_text(at))
        .collect()
}

#[test]
fn the_nights_on_which_clocks_are_set() {
    let berlin = zone("Europe/Berlin");
    let spring = |text| walls(text, &berlin, "2026-03-28 12:00:00", "2026-03-29 12:00:00");
    let autumn = |text: &str| {
        occurrences(
            &schedule(text),
            utc("2026-10-24 20:00:00"),
            utc("2026-10-25 03:00:00"),
            500,
            &berlin,
        )
    };
    // Skipped: the first moment after the gap, and what falls together is one.
    assert_eq!(spring("daily at 02:30"), ["2026-03-29 03:00"]);
    assert_eq!(
        spring("daily at 02:00, 02:30 and 03:00"),
        ["2026-03-29 03:00"]
    );
    assert_eq!(
        spring("0 */4 * * *"),
        [
            "2026-03-28 16:00",
            "2026-03-28 20:00",
            "2026-03-29 00:00",
            "2026-03-29 04:00",
            "2026-03-29 08:00",
            "2026-03-29 12:00"
        ]
    );
    // Repeated: the first pass only.
    assert_eq!(autumn("daily at 02:30"), [utc("2026-10-25 00:30:00")]);
    assert_eq!(
        autumn("daily at 02:00 and 02:59"),
        [utc("2026-10-25 00:00:00"), utc("2026-10-25 00:59:00")]
    );
    // Every hour: real time, through both passes and past the gap.
    assert_eq!(
        walls(
            "*:0/30",
            &berlin,
            "2026-03-29 00:00:00",
            "2026-03-29 02:00:00"
        ),
        [
            "2026-03-29 01:00",
            "2026-03-29 01:30",
            "2026-03-29 03:00",
            "2026-03-29 03:30"
        ]
    );
    assert_eq!(
        walls(
            "*:0/30",
            &berlin,
            "2026-10-25 00:00:00",
            "2026-10-25 02:30:00"
        ),
        [
            "2026-10-25 02:00",
            "2026-10-25 02:30",
            "2026-10-25 02:00",
            "2026-10-25 02:30",
            "2026-10-25 03:00"
        ]
    );
    // An interval knows no clock on the wall.
    assert_eq!(
        schedule("every 1h").next_after(utc("2026-10-25 00:30:00"), &berlin),
        Some(utc("2026-10-25 01:30:00"))
    );
    // Samoa went from the 29th to the 31st.
    let apia = zone("Pacific/Apia");
    assert_eq!(
        walls(
            "daily at 02:00",
            &apia,
            "2011-12-29 11:00:00",
            "2012-01-01 00:00:00"
        ),
        ["2011-12-29 02:00", "2011-12-31 02:00", "2012-01-01 02:00"]
    );
    assert_eq!(
        walls(
            "Fri 02:00",
            &apia,
            "2011-12-20 00:00:00",
            "2012-01-10 00:00:00"
        ),
        ["2011-12-23 02:00", "2012-01-06 02:00"]
    );
    // Chile has days that begin at one.
    let santiago = zone("America/Santiago");
    assert_eq!(
        walls(
            "daily",
            &santiago,
            "2026-09-05 00:00:00",
            "2026-09-08 00:00:00"
        ),
        ["2026-09-05 00:00", "2026-09-06 01:00", "2026-09-07 00:00"]
    );
    // Lord Howe skips half an hour.
    let lord_howe = zone("Australia/Lord_Howe");
    assert_eq!(
        walls(
            "daily at 02:15",
            &lord_howe,
            "2026-10-02 12:00:00",
            "2026-10-05 00:00:00"
        ),
        ["2026-10-03 02:15", "2026-10-04 02:30", "2026-10-05 02:15"]
    );
    // Greenland's Saturday ends an hour early: its 23:30 fires at the first moment of Sunday.
    let nuuk = zone("America/Nuuk");
    assert_eq!(
        walls(
            "daily at 23:30",
            &nuuk,
            "2026-03-28 00:00:00",
            "2026-03-30 12:00:00"
        ),
        ["2026-03-27 23:30", "2026-03-29 00:00", "2026-03-29 23:30"]
    );
}

/// The moments at which the clocks of a zone are set, found by looking at the wall: every day, and then to the quarter of
/// an hour.
fn transitions(zone: &Zone) -> Vec<i64> {
    const QUARTER: i64 = 900_000;
    const DAY: i64 = 96 * QUARTER;
    let offset = |at: i64| utc(&zone.wall_text(Timestamp(at))).0 - at;
    (utc(YEARS.0).0..utc(YEARS.1).0)
        .step_by(usize::try_from(DAY).unwrap())
        .filter(|at| offset(*at) != offset(at + DAY))
        .map(|at| {
            let (mut before, mut after) = (at, at + DAY);
            while after - before > QUARTER {
                let middle = before + (after - before) / QUARTER / 2 * QUARTER;
                if offset(middle) == offset(at) {
                    before = middle;
                } else {
                    after = middle;
                }
            }
            after
        })
        .collect()
}

#[test]
fn the_zones_have_the_transitions_that_this_is_about() {
    let counts: Vec<usize> = ZONES
        .iter()
        .map(|name| transitions(&zone(name)).len())
        .collect();
    assert!(
        counts[0] == 52 && counts[1] == 52 && counts[2] == 52,
        "{counts:?}"
    );
    assert!(
        counts[3] > 40 && counts[4] == 0 && counts[5] > 15 && counts[6] > 45 && counts[7] > 40,
        "{counts:?}"
    );
}

/// Days of the wall calendar, as many as there were.
fn dates_that_there_were(zone: &Zone) -> usize {
    let mut dates: Vec<String> = Vec::new();
    let (from, to) = (utc(YEARS.0).0, utc(YEARS.1).0);
    for at in (from..to).step_by(21_600_000) {
        let text = zone.wall_text(Timestamp(at));
        if dates.last().is_none_or(|last| *last != text[..10]) {
            dates.push(text[..10].to_owned());
        }
    }
    dates.dedup();
    dates.len()
}

#[test]
fn a_daily_job_runs_once_on_every_day_that_there_was() {
    for name in ZONES {
        let zone = zone(name);
        let days = dates_that_there_were(&zone);
        for time in [
            "00:00", "00:30", "02:00", "02:15", "02:30", "12:00", "23:30",
        ] {
            let daily = schedule(&format!("daily at {time}"));
            let found = occurrences(&daily, utc(YEARS.0), utc(YEARS.1), 20_000, &zone);
            // The first and the last day are cut where UTC has new year.
            assert!(
                found.len().abs_diff(days) <= 1,
                "{name} {time}: {} of {days}",
                found.len()
            );
            let mut nominal: Vec<String> = Vec::new();
            for (index, at) in found.iter().enumerate() {
                let wall = zone.wall_text(*at);
                // What fires at midnight for the end of yesterday belongs to yesterday.
                let date = if &wall[11..] < "01:01" && &time[..2] == "23" {
                    zone.wall_text(Timestamp(at.0 - 7_200_000))[..10].to_owned()
                } else {
                    wall[..10].to_owned()
                };
                assert!(
                    nominal.last().is_none_or(|last| *last < date),
                    "{name} {time}: twice on {date}"
                );
                nominal.push(date);
                if let Some(next) = found.get(index + 1) {
                    // From 22 to 26 hours, but where Samoa lost a day.
                    let hours = (next.0 - at.0) / 3_600_000;
                    assert!(
                        (22..=26).contains(&hours),
                        "{name} {time}: {hours} h after {wall}"
                    );
                }
            }
        }
    }
}

#[test]
fn what_goes_on_in_every_hour_follows_real_time_through_every_transition() {
    for name in ZONES {
        let zone = zone(name);
        let quarters = schedule("*:0/15");
        for transition in transitions(&zone) {
            let (from, to) = (
                Timestamp(transition - 10_800_000),
                Timestamp(transition + 10_800_000),
            );
            let found = occurrences(&quarters, from, to, 100, &zone);
            let expected: Vec<_> = (from.0..to.0).step_by(900_000).map(Timestamp).collect();
            assert_eq!(found, expected, "{name} {transition}");
        }
    }
}

#[test]
fn forward_and_back_are_inverse_at_every_transition() {
    let texts = [
        "daily at 02:30",
        "daily",
        "*:0/10",
        "*:*:*",
        "2:*:*",
        "0,2,3:15,45",
        "Sun 02:00",
        "*-*-* 23:59:59",
        "*-*~01 23:30",
        "0 0-23/2 * * *",
        "1..3:0/20:0/30; *:07",
    ];
    for name in ZONES {
        let zone = zone(name);
        for transition in transitions(&zone) {
            for text in texts {
                let read = schedule(text);
                for offset in [
                    -7_200_000, -3_600_001, -1_800_000, -1000, -1, 0, 1, 999, 1000, 1_799_999,
                    3_600_000, 3_601_000, 7_200_000,
                ] {
                    inverse(&read, Timestamp(transition + offset), &zone);
                }
            }
        }
    }
}

/// From a moment to the next time and the last time and back again, without anything in between.
fn inverse(read: &Schedule, at: Timestamp, zone: &Zone) {
    let about = || format!("{read} {zone} {at:?}");
    if let Some(next) = read.next_after(at, zone) {
        assert!(next > at, "{}", about());
        let last = read.last_before(next, zone);
        assert!(
            last.is_none_or(|last| last <= at),
            "{} {next:?} {last:?}",
            about()
        );
        assert_eq!(
            last.and_then(|last| read.next_after(last, zone))
                .unwrap_or(next),
            next,
            "{}",
            about()
        );
    }
    if let Some(last) = read.last_before(at, zone) {
        assert!(last < at, "{}", about());
        let next = read.next_after(last, zone);
        assert!(
            next.is_none_or(|next| next >= at),
            "{} {last:?} {next:?}",
            about()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn forward_and_back_are_inverse_anywhere(
        name in prop::sample::select(ZONES.to_vec()),
        at in utc("2009-01-01").0..utc("2090-01-01").0,
        hour in prop_oneof![Just("*".to_owned()), (0..24_u8).prop_map(|hour| hour.to_string())],
        minute in 0..60_u8,
        days in prop::sample::select(vec!["", "Sun ", "*-*-1 ", "*-*~1 ", "*-02-29 ", "Sat,Sun *-3,10-* "]),
    ) {
        inverse(&schedule(&format!("{days}{hour}:{minute}")), Timestamp(at), &zone(name));
    }
}
