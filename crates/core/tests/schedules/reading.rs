//! What is read, and what it is called then.

use proptest::prelude::*;
use syncmgr_core::schedule::{MAX_TEXT, Schedule, Zone, accept, explain, occurrences};

use crate::{schedule, utc, zone};

#[test]
fn every_way_to_write_a_schedule_has_one_normalised_form() {
    for (text, normalised) in [
        // People.
        ("daily at 02:00", "*-*-* 02:00:00"),
        ("Daily AT 2am", "*-*-* 02:00:00"),
        ("every day at 2:00", "*-*-* 02:00:00"),
        ("at 02:00", "*-*-* 02:00:00"),
        ("at 6:30 pm", "*-*-* 18:30:00"),
        ("at noon and midnight", "*-*-* 00,12:00:00"),
        ("daily at 12am", "*-*-* 00:00:00"),
        ("daily at 12:15pm", "*-*-* 12:15:00"),
        ("daily at 7h", "*-*-* 07:00:00"),
        ("daily at 02:00, 14:00 and 20:00", "*-*-* 02,14,20:00:00"),
        ("daily at 02:00 and 02:30", "*-*-* 02:00,30:00"),
        ("daily at 02:00 and 14:30", "*-*-* 02:00:00; *-*-* 14:30:00"),
        (
            "daily at 02:00 Europe/Berlin",
            "*-*-* 02:00:00 Europe/Berlin",
        ),
        (
            "daily at 02:00 in europe/berlin",
            "*-*-* 02:00:00 Europe/Berlin",
        ),
        ("daily at 02:00:30 utc", "*-*-* 02:00:30 UTC"),
        ("every weekday at 18:30", "Mon..Fri *-*-* 18:30:00"),
        ("weekdays at 18:30", "Mon..Fri *-*-* 18:30:00"),
        ("weekends at noon", "Sat,Sun *-*-* 12:00:00"),
        (
            "every Monday, Thursday and Friday at 9:00",
            "Mon,Thu,Fri *-*-* 09:00:00",
        ),
        ("Mondays at 9:00", "Mon *-*-* 09:00:00"),
        ("on Sunday at 9:00", "Sun *-*-* 09:00:00"),
        ("weekly on Friday at 17:00", "Fri *-*-* 17:00:00"),
        ("weekly at 17:00", "Mon *-*-* 17:00:00"),
        ("every week on Tue at 17:00", "Tue *-*-* 17:00:00"),
        ("monthly at 03:00", "*-*-01 03:00:00"),
        ("monthly on the 15th at 03:00", "*-*-15 03:00:00"),
        ("monthly on 1, 10 and 20 at 03:00", "*-*-01,10,20 03:00:00"),
        ("monthly on the last day at 03:00", "*-*~01 03:00:00"),
        (
            "monthly on the 1st and the last day at 03:00",
            "*-*-01 03:00:00; *-*~01 03:00:00",
        ),
        (
            "every first Monday of the month at 08:00",
            "Mon *-*-01..07 08:00:00",
        ),
        (
            "monthly on the 2nd Tuesday at 08:00",
            "Tue *-*-08..14 08:00:00",
        ),
        (
            "monthly on the last Friday at 17:00",
            "Fri *-*~01..07 17:00:00",
        ),
        ("every month on the third day at 08:00", "*-*-03 08:00:00"),
        ("hourly at :15", "*-*-* *:15:00"),
        (
            "every 3 days at 02:00 from 2026-12-01",
            "*-*-* 02:00:00 every 3 days from 2026-12-01",
        ),
        (
            "every other week at 8am in UTC from 2026-12-07",
            "*-*-* 08:00:00 UTC every 14 days from 2026-12-07",
        ),
        (
            "daily at 02:00 from 2026-12-1",
            "*-*-* 02:00:00 from 2026-12-01",
        ),
        (
            "0 2 * * 1-5 every 1 day from 2026-12-01",
            "Mon..Fri *-*-* 02:00:00 from 2026-12-01",
        ),
        (
            "*:0/15 UTC every 2 weeks from 2026-12-01; daily",
            "*-*-* 00:00:00; *-*-* *:00/15:00 UTC every 14 days from 2026-12-01",
        ),
        // Intervals.
        ("every 15m", "every 15m"),
        ("every 90 minutes", "every 1h 30m"),
        ("every 1h30m", "every 1h 30m"),
        ("every 1 hour 30 min", "every 1h 30m"),
        ("every hour", "every 1h"),
        ("every second", "every 1s"),
        ("every 2w", "every 14d"),
        ("every 3653d", "every 3653d"),
        ("@every 15m", "every 15m"),
        // Cron.
        ("0 2 * * *", "*-*-* 02:00:00"),
        ("*/15 * * * *", "*-*-* *:00/15:00"),
        ("5/20 * * * *", "*-*-* *:05/20:00"),
        ("0-59/30 * * * *", "*-*-* *:00,30:00"),
        ("0 9-17/4 * * 1-5", "Mon..Fri *-*-* 09,13,17:00:00"),
        ("0 9 * * mon,WED,Friday", "Mon,Wed,Fri *-*-* 09:00:00"),
        ("0 9 * JAN-MAR,dec *", "*-01..03,12-* 09:00:00"),
        ("0 9 * * 0", "Sun *-*-* 09:00:00"),
        ("0 9 * * 7", "Sun *-*-* 09:00:00"),
        ("0 9 * * 5-7", "Fri..Sun *-*-* 09:00:00"),
        ("0 9 * * SAT-MON", "Mon,Sat,Sun *-*-* 09:00:00"),
        ("0 9 * * */2", "Tue,Thu,Sat,Sun *-*-* 09:00:00"),
        ("0 9 * * 1/2", "Mon,Wed,Fri *-*-* 09:00:00"),
        ("0 9 ? * ?", "*-*-* 09:00:00"),
        ("0 9 L * *", "*-*~01 09:00:00"),
        ("0 9 L-2 * *", "*-*~03 09:00:00"),
        ("0 9 1,L * *", "*-*-01 09:00:00; *-*~01 09:00:00"),
        ("0 9 * * 5L", "Fri *-*~01..07 09:00:00"),
        ("0 9 * * FRIL", "Fri *-*~01..07 09:00:00"),
        ("0 9 * * 1#2", "Mon *-*-08..14 09:00:00"),
        ("0 9 * * MON#5", "Mon *-*-29..31 09:00:00"),
        // Either is enough, unless one of them begins with a star.
        ("0 0 13 * 5", "Fri *-*-* 00:00:00; *-*-13 00:00:00"),
        ("0 0 */2 * 5", "Fri *-*-01/2 00:00:00"),
        ("@hourly", "*-*-* *:00:00"),
        ("@daily", "*-*-* 00:00:00"),
        ("@midnight Europe/Berlin", "*-*-* 00:00:00 Europe/Berlin"),
        ("@weekly", "Sun *-*-* 00:00:00"),
        ("@monthly", "*-*-01 00:00:00"),
        ("@yearly", "*-01-01 00:00:00"),
        ("CRON_TZ=Asia/Tokyo 0 2 * * *", "*-*-* 02:00:00 Asia/Tokyo"),
        ("TZ=UTC @daily", "*-*-* 00:00:00 UTC"),
        (
            "0 2 * * * America/New_York",
            "*-*-* 02:00:00 America/New_York",
        ),
        // systemd; see also the table beside this file.
        (
            "Mon..Fri *-*-* 02:00:00 Europe/Berlin",
            "Mon..Fri *-*-* 02:00:00 Europe/Berlin",
        ),
        ("daily", "*-*-* 00:00:00"),
        ("weekly", "Mon *-*-* 00:00:00"),
        ("daily Europe/Berlin", "*-*-* 00:00:00 Europe/Berlin"),
        ("*:0/15", "*-*-* *:00/15:00"),
        ("*:5,23,41", "*-*-* *:05,23,41:00"),
        ("*:5,24,43", "*-*-* *:05/19:00"),
        ("*:*:*", "*-*-* *:*:*"),
        ("Sat *-*-1..7 18:00", "Sat *-*-01..07 18:00:00"),
        ("Mon", "Mon *-*-* 00:00:00"),
        ("Fri..Mon 08:00", "Mon,Fri..Sun *-*-* 08:00:00"),
        ("Mon-Wed 08:00", "Mon..Wed *-*-* 08:00:00"),
        ("*-02~03", "*-02~03 00:00:00"),
        ("*-*~7/2", "*-*~01,03,05,07 00:00:00"),
        ("2027-*/6-01", "2027-01,07-01 00:00:00"),
        ("2026/2-1-1", "2026/2-01-01 00:00:00"),
        ("1970..2199-1-1", "*-01-01 00:00:00"),
        // Several.
        (
            "Fri 20:00; 0 2 * * *;",
            "Fri *-*-* 20:00:00; *-*-* 02:00:00",
        ),
        ("daily; @daily; *-*-* 0:0", "*-*-* 00:00:00"),
    ] {
        let read = schedule(text);
        assert_eq!(read.to_string(), normalised, "{text:?}");
        assert_eq!(schedule(normalised), read, "{normalised:?}");
    }
}

#[test]
fn what_is_entered_is_answered_with_what_it_means() {
    let berlin = zone("Europe/Berlin");
    let now = utc("2026-11-22 23:30:00");
    let (read, meaning) = accept("every weekday at 18:30", now, &berlin).unwrap();
    assert_eq!(meaning.normalised, "Mon..Fri *-*-* 18:30:00");
    assert_eq!(meaning.next, Some(utc("2026-11-23 17:30:00")));
    assert_eq!(meaning.from_now.unwrap().as_secs(), 18 * 3600);
    assert_eq!(explain(&read, now, &berlin), meaning);
    let (_, meaning) = accept("every 15m", now, &berlin).unwrap();
    assert_eq!(meaning.from_now.unwrap().as_secs(), 900);
    assert_eq!(meaning.next, Some(utc("2026-11-22 23:45:00")));
}

#[test]
fn every_so_many_days_from_a_first_one() {
    let berlin = zone("Europe/Berlin");
    let walls = |text: &str| {
        let found = occurrences(
            &schedule(text),
            utc("2026-11-22"),
            utc("2027-04-01"),
            4,
            &berlin,
        );
        found
            .into_iter()
            .map(|at| berlin.wall_text(at))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        walls("every 3 days at 02:00 from 2026-12-30"),
        [
            "2026-12-30 02:00",
            "2027-01-02 02:00",
            "2027-01-05 02:00",
            "2027-01-08 02:00"
        ]
    );
    // Counted in days of the wall, over the night on which clocks are set.
    assert_eq!(
        walls("every 2 days at 02:30 from 2027-03-26"),
        ["2027-03-26 02:30", "2027-03-28 03:00", "2027-03-30 02:30"]
    );
    assert_eq!(
        walls("weekdays at 12:00 from 2026-12-31"),
        [
            "2026-12-31 12:00",
            "2027-01-01 12:00",
            "2027-01-04 12:00",
            "2027-01-05 12:00"
        ]
    );
    // A first day that is long over counts on from there: 2026-11-22 is day 20779.
    assert_eq!(
        walls("every 1000 days at 0:00 from 1970-01-01"),
        Vec::<String>::new()
    );
    assert_eq!(
        walls("every 2080 days at 0:00 from 1970-01-01"),
        ["2026-12-13 00:00"]
    );
}

#[test]
fn a_day_ahead() {
    let berlin = zone("Europe/Berlin");
    let (from, to) = (utc("2026-11-22 23:00:00"), utc("2026-11-23 23:00:00"));
    let at = |text: &str, most| {
        let found = occurrences(&schedule(text), from, to, most, &berlin);
        found
            .into_iter()
            .map(|at| berlin.wall_text(at))
            .collect::<Vec<_>>()
    };
    // From is included, to is not.
    assert_eq!(at("daily", 9), ["2026-11-23 00:00"]);
    assert_eq!(
        at("0 */12 * * *", 9),
        ["2026-11-23 00:00", "2026-11-23 12:00"]
    );
    assert_eq!(at("every 10h", 9), ["2026-11-23 10:00", "2026-11-23 20:00"]);
    assert_eq!(at("*:*:*", 100_000).len(), 86_400);
    assert_eq!(at("*:*:*", 50).len(), 50);
    assert_eq!(at("2020-01-01", 50).len(), 0);
}

/// Pieces of all the ways to write a schedule, and things that are none.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "daily",
        "every",
        "at",
        "on",
        "and",
        "weekday",
        "monthly",
        "last",
        "day",
        "1st",
        "Mon",
        "Fri..Mon",
        "MON#2",
        "5L",
        "L",
        "*",
        "*/5",
        "1-5",
        "0",
        "2",
        "13",
        "60",
        "31",
        "99999999999",
        "02:00",
        "25:00",
        "23:59:60",
        "*:0/15",
        "*-*-*",
        "*-02-31",
        "2026-11-22",
        "*-*~3",
        "~",
        "..",
        "/",
        ",",
        ";",
        "@daily",
        "@every",
        "15m",
        "h",
        "-1h",
        "CRON_TZ=",
        "TZ=UTC",
        "Europe/Berlin",
        "Mars/Olympus",
        "in",
        "UTC",
        "ä",
        "\u{301}",
        "\0",
        "am",
        "pm",
        "noon",
        ":15",
        "hourly",
        " ",
        "H",
        "15W",
    ]);
    prop::collection::vec(
        (piece, prop::sample::select(vec![" ", "", ",", ";"])),
        0..12,
    )
    .prop_map(|pieces| {
        pieces
            .into_iter()
            .flat_map(|(piece, gap)| [piece, gap])
            .collect()
    })
}

fn read_anything(text: &str) {
    match Schedule::parse(text) {
        Ok(read) => {
            let normalised = read.to_string();
            assert_eq!(
                Schedule::parse(&normalised),
                Ok(read.clone()),
                "{text:?} {normalised:?}"
            );
            let now = utc("2026-11-22 23:30:00");
            if let Some(next) = read.next_after(now, &Zone::utc()) {
                assert!(next > now, "{text:?}");
                assert!(
                    read.last_before(next, &Zone::utc())
                        .is_none_or(|last| last <= now),
                    "{text:?}"
                );
            }
        }
        Err(error) => {
            assert!(
                (1..=MAX_TEXT + 1).contains(&error.column),
                "{text:?} {error:?}"
            );
            assert!(
                error.column <= text.chars().count() + 1,
                "{text:?} {error:?}"
            );
            assert!(!error.to_string().is_empty() && !error.hint().is_empty());
            assert!(error.to_string().chars().count() < 200, "{error}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,300}") {
        read_anything(&text);
    }

    #[test]
    fn any_row_of_pieces_is_read_or_refused(text in pieces()) {
        read_anything(&text);
    }
}
