//! Our answers beside those of systemd.

use syncmgr_core::schedule::{Schedule, Zone};

use crate::{schedule, utc};

/// Where we answer otherwise: base time and expression. Its time is skipped on 28 March 2027 and 26 March 2028; systemd
/// then leaves the run out, and we run at the first moment after the gap.
const OTHERWISE: &[(&str, &str)] = &[
    ("2027-02-27 12:34:56", "Sun *-*-25..31 01:30 Europe/London"),
    ("2028-01-31 23:59:59", "Sun *-*-25..31 01:30 Europe/London"),
];

#[test]
fn calendar_expressions_mean_what_they_mean_to_systemd() {
    let mut seen = 0;
    for line in include_str!("systemd.txt").lines() {
        if line.starts_with('#') {
            continue;
        }
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let [base, text, normalised, elapses] = columns[..] else {
            panic!("{line}");
        };
        let read = schedule(text);
        assert_eq!(schedule(normalised), read, "{text}");
        let mut expected: Vec<_> = elapses
            .split(", ")
            .filter(|elapse| !elapse.is_empty())
            .map(utc)
            .collect();
        let after = std::iter::successors(Some(utc(base)), |at| read.next_after(*at, &Zone::utc()));
        let found: Vec<_> = after.skip(1).take(4).collect();
        if OTHERWISE.contains(&(base, text)) {
            assert_ne!(found, expected, "{line}");
            continue;
        }
        assert_eq!(found, expected, "{line}\n{found:?}");
        seen += 1;
        // And backwards.
        expected.pop();
        let back: Vec<_> = found
            .windows(2)
            .rev()
            .map(|pair| read.last_before(pair[1], &Zone::utc()).unwrap())
            .collect();
        assert_eq!(
            back.into_iter().rev().collect::<Vec<_>>(),
            expected,
            "{line}"
        );
    }
    assert!(seen > 150, "{seen}");
}

#[test]
fn years_of_two_digits_are_refused_and_not_guessed() {
    for text in ["12-10-15", "Mon,Sun 12-*-* 2,1:23"] {
        assert!(Schedule::parse(text).is_err(), "{text}");
    }
}
