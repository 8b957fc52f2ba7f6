//! What is refused, where the mistake is, and what to write.

use syncmgr_core::schedule::{MAX_TEXT, Mistake, Schedule, ScheduleError, accept};

use crate::{utc, zone};

fn refused(text: &str) -> ScheduleError {
    match Schedule::parse(text) {
        Ok(read) => panic!("{text:?} was read as {read}"),
        Err(error) => error,
    }
}

#[test]
fn mistakes_are_told_with_their_place() {
    for (text, column, message) in [
        ("", 1, "there is no schedule"),
        (" ; ", 1, "there is no schedule"),
        ("soon", 1, "expected a schedule, found \"soon\""),
        ("daily at", 9, "expected a time"),
        ("daily at 2", 10, "expected a time"),
        ("daily at 25:00", 10, "hour 25 is not between 0 and 23"),
        ("daily at 13pm", 10, "hour 13 is not between 1 and 12"),
        ("daily at 02:61", 13, "minute 61 is not between 0 and 59"),
        (
            "daily at 02:00 Europe/Berlinn",
            16,
            "there is no time zone \"Europe/Berlinn\"",
        ),
        (
            "daily at 02:00 tomorrow",
            16,
            "expected `and`, a time zone, or nothing more",
        ),
        ("every weekday", 14, "expected `at` and a time"),
        ("every day", 10, "expected `at` and a time"),
        ("every", 6, "expected a span"),
        (
            "every Mon and at 9:00",
            15,
            "expected the name of a weekday",
        ),
        ("every 15", 9, "expected a unit"),
        ("every 15 parsecs", 10, "expected a unit"),
        ("every 2 months", 9, "a unit without a fixed length"),
        (
            "every 2 days at 02:00",
            7,
            "a number of days without a first one",
        ),
        (
            "every other day at 02:00",
            7,
            "a number of days without a first one",
        ),
        (
            "every 2 days from 2026-12-01",
            13,
            "expected `at` and a time",
        ),
        (
            "every 0 days at 02:00 from 2026-12-01",
            7,
            "number of days 0 is not between 1 and 3650",
        ),
        ("every 2 days at 02:00 from tomorrow", 28, "expected a date"),
        ("every 2 days at 02:00 from", 27, "expected a date"),
        (
            "every 2 days at 02:00 from 2026-02-30",
            28,
            "it would never fire",
        ),
        (
            "Mon 02:00 every 7 days from 2026-12-01",
            1,
            "it would never fire",
        ),
        (
            "Mon 02:00 every 7 moons from 2026-12-07",
            19,
            "expected `days` or `weeks`",
        ),
        ("every 0s", 7, "an interval is at least one second"),
        ("every 500ms", 10, "an interval is at least one second"),
        ("every 3654d", 7, "an interval is at most 3653 days"),
        (
            "every 99999999999999999999d",
            7,
            "an interval is at most 3653 days",
        ),
        (
            "every 9999999999999999999w",
            7,
            "an interval is at most 3653 days",
        ),
        ("every -1h", 7, "expected a whole number and a unit"),
        ("every 1.5h", 8, "expected a unit"),
        (
            "every 15m; daily",
            1,
            "an interval together with other schedules",
        ),
        (
            "monthly on the 31st and 32nd at 02:00",
            25,
            "day 32 is not between 1 and 31",
        ),
        (
            "monthly on the 6th Monday at 02:00",
            20,
            "expected no weekday",
        ),
        (
            "monthly on Friday at 02:00",
            12,
            "expected a day of the month",
        ),
        ("monthly on the 1st of May at 02:00", 23, "expected `month`"),
        ("hourly at 15", 11, "expected a colon and the minute"),
        // Cron.
        ("0 2 * *", 8, "expected five fields"),
        ("0 0 2 * * *", 11, "a sixth field"),
        ("60 2 * * *", 1, "minute 60 is not between 0 and 59"),
        ("0 2 * * 8", 9, "weekday 8 is not between 0 and 7"),
        ("0 2 0 * *", 5, "day 0 is not between 1 and 31"),
        ("0 2 * FOO *", 7, "expected a number, a name or `*`"),
        (
            "0 5-2 * * *",
            3,
            "the range of hours from 5 to 2 runs backwards",
        ),
        (
            "*/0 * * * *",
            3,
            "a step of 0 does not fit into the minutes",
        ),
        (
            "*/60 * * * *",
            3,
            "a step of 60 does not fit into the minutes",
        ),
        ("0 2 15W * *", 7, "`W`, the nearest weekday,"),
        ("H 2 * * *", 1, "expected a schedule"),
        ("0 H * * *", 1, "expected a schedule"),
        (
            "0 2 * * 1#6",
            11,
            "number of the weekday in the month 6 is not between 1 and 5",
        ),
        ("0 2 31 2 *", 1, "it would never fire"),
        ("0 2 31 4,6,9,11 *", 1, "it would never fire"),
        ("@reboot", 1, "`@reboot` cannot be used here"),
        ("@fortnightly", 1, "expected `@hourly`"),
        ("@daily 2", 8, "there is no time zone \"2\""),
        (
            "CRON_TZ=Mars 0 2 * * *",
            9,
            "there is no time zone \"Mars\"",
        ),
        ("CRON_TZ=UTC", 1, "there is no schedule"),
        ("0 2 * * * Berlin/Europe", 11, "there is no time zone"),
        // systemd.
        ("*-02-31", 1, "February never has a day 31"),
        (
            "31 February",
            1,
            "it would never fire, because February never has a day 31",
        ),
        ("February 30 at 02:00", 10, "February never has a day 30"),
        (
            "on the 31st of April at noon",
            8,
            "April never has a day 31",
        ),
        ("31st of April at noon", 1, "April never has a day 31"),
        ("29 February", 12, "expected `at` and a time"),
        ("32 May at 02:00", 1, "day 32 is not between 1 and 31"),
        ("*-02-30 12:00", 1, "it would never fire"),
        ("2026-02-29", 1, "it would never fire"),
        ("Mon 2026-11-22", 1, "it would never fire"),
        ("daily; *-04-31", 8, "it would never fire"),
        ("*-04~31", 1, "it would never fire"),
        ("*-13-01", 3, "month 13 is not between 1 and 12"),
        ("12-10-15", 1, "year 12 is not between 1970 and 2199"),
        ("2200-01-01", 1, "year 2200 is not between 1970 and 2199"),
        ("*-*-* 24:00", 7, "hour 24 is not between 0 and 23"),
        (
            "*-*-* 23:59:60",
            13,
            "the second 60 is shown only in a leap second",
        ),
        (
            "daily at 23:59:60",
            16,
            "the second 60 is shown only in a leap second",
        ),
        ("*-*-* 02:00:00.5", 15, "a fraction of a second"),
        ("Mon..Fry 02:00", 6, "expected the name of a weekday"),
        (
            "Mon 02:00 Europe/Berlin now",
            25,
            "expected nothing after the time zone",
        ),
        ("02:00 *-*-*", 7, "expected a date, a time or a time zone"),
        (
            "22..4:00",
            1,
            "the range of hours from 22 to 4 runs backwards",
        ),
        ("*-*-* 2:", 9, "expected a number or `*`"),
        ("02:00 berlin", 7, "there is no time zone \"berlin\""),
    ] {
        let error = refused(text);
        assert!(
            error.mistake.to_string().contains(message),
            "{text:?}: {error}"
        );
        assert_eq!(error.column, column, "{text:?}: {error}");
        assert!(
            error
                .to_string()
                .ends_with(&format!(", at column {column}"))
        );
        assert!(error.hint().ends_with('.'), "{text:?}: {}", error.hint());
    }
}

#[test]
fn hints_say_what_to_write() {
    assert_eq!(
        refused("02:00 berlin").hint(),
        "Perhaps Europe/Berlin is meant."
    );
    assert!(
        refused("02:00 Atlantis")
            .hint()
            .contains("Europe/Berlin or UTC")
    );
    assert!(
        refused("*-02-31")
            .hint()
            .contains("February has at most 29 days")
    );
    assert!(refused("23:59:60").hint().contains("the second 59"));
    assert!(refused("0 0 2 * * *").hint().contains("five fields"));
    assert!(refused("whenever").hint().contains("`daily at 02:00`"));
}

#[test]
fn long_texts_are_refused_unread() {
    let error = refused(&"0,".repeat(5000));
    assert_eq!((error.mistake, error.column), (Mistake::Long, MAX_TEXT + 1));
    let many: String = (0..17).map(|hour| format!("{hour}:{hour};")).collect();
    assert_eq!(refused(&many).mistake, Mistake::Many);
    // What is short to write and long to say would not be read again.
    let times: Vec<String> = (0..16).map(|hour| format!("{hour}:{}", hour + 1)).collect();
    let wordy = format!(
        "daily at {} America/Argentina/ComodRivadavia every 14 days from 2026-12-07",
        times.join(", ")
    );
    assert_eq!(refused(&wordy).mistake, Mistake::Long);
    // What is repeated of the text is short, and without control characters.
    let error = refused(&format!("daily at \u{1b}[31m{}", "x".repeat(200)));
    assert!(
        error.to_string().len() < 160 && !error.to_string().contains('\u{1b}'),
        "{error}"
    );
}

#[test]
fn dates_that_are_all_over_are_refused_where_somebody_enters_them() {
    let berlin = zone("Europe/Berlin");
    let now = utc("2026-11-22 23:30:00");
    for over in [
        "2020-01-01 02:00",
        "2026-11-23 00:30 Europe/Berlin",
        "2025-*-1..5",
    ] {
        let late = Schedule::parse(over).unwrap();
        let error = accept(over, now, &berlin).unwrap_err();
        assert_eq!(error.mistake, Mistake::Over, "{over} {late}");
    }
    // Samoa had no such day.
    let error = accept("2011-12-30 02:00 Pacific/Apia", utc("2011-01-01"), &berlin).unwrap_err();
    assert_eq!(error.mistake, Mistake::Over);
    assert!(accept("2026-11-23 00:31 Europe/Berlin", now, &berlin).is_ok());
}
