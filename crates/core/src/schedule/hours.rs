//! Hours: spans of the wall clock in which something may be, or may not.
//!
//! An hour is what the clock on the wall shows: what is skipped when clocks are set never comes, and what is shown twice
//! comes twice. A span that ends before it begins goes over midnight and belongs to the day on which it begins.

use std::fmt;

use super::date::{DAY, weekday};
use super::reader;
use super::zone::Zone;
use crate::time::Timestamp;

/// Most spans of one set of hours.
pub const MAX_SPANS: usize = 16;

/// So many days ahead a change is looked for; spans repeat every week.
const LOOK_AHEAD: i64 = 9;
/// Every day of the week, Monday lowest.
const EVERY_DAY: u8 = 0x7f;

/// Spans of the wall clock, on some days of the week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// Sorted; never empty.
    spans: Box<[Span]>,
    /// Where the clock hangs; absent: where the machine is.
    zone: Option<Zone>,
}

/// One span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Span {
    /// The days on which it begins, Monday lowest.
    days: u8,
    /// The minute of the day with which it begins.
    from: u16,
    /// The first minute after it, counted from the same midnight; above a day when it goes over midnight.
    to: u16,
}

impl Hours {
    /// Reads hours, such as `22:00-06:00`, `mon-fri 09:00-12:00 13:00-17:00, sat 10:00-12:00` or
    /// `22:00-06:00 Europe/Berlin`.
    ///
    /// # Errors
    /// What is wrong, as a fragment.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut spans = Vec::new();
        let mut days: Option<u8> = None;
        // Days that are named begin anew after a span.
        let mut collecting = false;
        let mut zone = None;
        for word in text.split([',', ' ', '\t']).filter(|word| !word.is_empty()) {
            if zone.is_some() {
                return Err(format!("`{word}` stands behind the zone, which comes last"));
            }
            if let Some(named) = days_of(word) {
                days = Some(named | if collecting { days.unwrap_or(0) } else { 0 });
                collecting = true;
            } else if word.starts_with(|c: char| c.is_ascii_digit()) {
                let (from, to) = span(word)?;
                spans.push(Span {
                    days: days.unwrap_or(EVERY_DAY),
                    from,
                    to,
                });
                collecting = false;
            } else if let Some(known) = Zone::named(word) {
                zone = Some(known);
            } else {
                return Err(format!(
                    "`{word}` is neither a day, a span such as `22:00-06:00`, nor a time zone"
                ));
            }
        }
        if spans.is_empty() || collecting {
            return Err("a span is wanted, such as `22:00-06:00`".to_owned());
        }
        if spans.len() > MAX_SPANS {
            return Err(format!("at most {MAX_SPANS} spans are taken"));
        }
        spans.sort_unstable();
        spans.dedup();
        Ok(Self {
            spans: spans.into_boxed_slice(),
            zone,
        })
    }

    /// Whether it is one of these hours at a moment. `local` is the zone of hours that name none.
    #[must_use]
    pub fn contain(&self, at: Timestamp, local: &Zone) -> bool {
        self.contain_second(at.0.div_euclid(1000), self.zone.as_ref().unwrap_or(local))
    }

    /// When that changes next by time alone; absent: never.
    #[must_use]
    pub fn change_after(&self, after: Timestamp, local: &Zone) -> Option<Timestamp> {
        let zone = self.zone.as_ref().unwrap_or(local);
        let second = after.0.div_euclid(1000);
        let now = self.contain_second(second, zone);
        let first_day = zone.wall(second).div_euclid(DAY) - 1;
        let last_day = first_day + LOOK_AHEAD;
        let stretches = zone.index(first_day.saturating_mul(DAY) - DAY)
            ..=zone.index(last_day.saturating_mul(DAY) + DAY);
        let mut times = Vec::new();
        for index in stretches {
            // Clocks that are set may leave a span, or enter one.
            times.push(zone.start(index));
            for day in first_day..=last_day {
                for span in &self.spans {
                    for minute in [span.from, span.to] {
                        let wall = day * DAY + i64::from(minute) * 60;
                        let at = wall.saturating_sub(zone.offset(index));
                        let shown =
                            at >= zone.start(index) && zone.end(index).is_none_or(|end| at < end);
                        if shown {
                            times.push(at);
                        }
                    }
                }
            }
        }
        times.retain(|at| *at > second);
        times.sort_unstable();
        let found = times
            .into_iter()
            .find(|at| self.contain_second(*at, zone) != now)?;
        Some(Timestamp(found.saturating_mul(1000)))
    }

    /// Whether they are all hours of the week.
    #[must_use]
    pub fn are_always(&self) -> bool {
        (0..7).all(|day| (0..24 * 60).all(|minute| self.contain_wall(day, minute)))
    }

    fn contain_second(&self, second: i64, zone: &Zone) -> bool {
        let wall = zone.wall(second);
        let minute = wall.rem_euclid(DAY) / 60;
        self.contain_wall(weekday(wall.div_euclid(DAY)), minute)
    }

    fn contain_wall(&self, day: u32, minute: i64) -> bool {
        let before = (day + 6) % 7;
        let yesterdays = minute + 24 * 60;
        self.spans.iter().any(|span| {
            let within =
                |minute: i64| i64::from(span.from) <= minute && minute < i64::from(span.to);
            span.days & (1 << day) != 0 && within(minute)
                || span.days & (1 << before) != 0 && within(yesterdays)
        })
    }
}

/// The days that a word names, Monday lowest: `sat`, `mon-fri`, `mon..fri`, `weekdays`, `weekends`, `daily`.
fn days_of(word: &str) -> Option<u8> {
    match word.to_lowercase().as_str() {
        "daily" | "everyday" => return Some(EVERY_DAY),
        "weekday" | "weekdays" | "workdays" => return Some(0x1f),
        "weekend" | "weekends" => return Some(0x60),
        _ => {}
    }
    let one = |name: &str| {
        reader::words(name, 1)
            .first()
            .and_then(reader::Word::weekday)
    };
    if let Some(day) = one(word) {
        return Some(1 << day);
    }
    let (from, to) = word.split_once("..").or_else(|| word.split_once('-'))?;
    let (from, to) = (one(from)?, one(to)?);
    Some(reader::weekday_bits(from, to))
}

/// A span of minutes, `22:00-06:00`.
fn span(word: &str) -> Result<(u16, u16), String> {
    let wrong = || format!("`{word}` is no span of hours such as `22:00-06:00`");
    let (from, to) = word
        .split_once('-')
        .or_else(|| word.split_once('–'))
        .ok_or_else(wrong)?;
    let from = minute_of(from)
        .filter(|from| *from < 24 * 60)
        .ok_or_else(wrong)?;
    let to = minute_of(to).ok_or_else(wrong)?;
    if from == to {
        return Err(format!(
            "`{word}` ends when it begins; the whole day is `00:00-24:00`"
        ));
    }
    Ok((from, if to < from { to + 24 * 60 } else { to }))
}

/// The minute of the day, `06:00` or `6`; midnight at the end of a day is `24:00`.
fn minute_of(text: &str) -> Option<u16> {
    let number = |digits: &str, most: usize| {
        let plain = !digits.is_empty()
            && digits.len() <= most
            && digits.bytes().all(|digit| digit.is_ascii_digit());
        plain.then(|| digits.parse::<u16>().ok()).flatten()
    };
    let (hour, minute) = match text.split_once(':') {
        Some((hour, minute)) if minute.len() == 2 => (number(hour, 2)?, number(minute, 2)?),
        Some(_) => return None,
        None => (number(text, 2)?, 0),
    };
    let whole = hour.checked_mul(60)?.checked_add(minute)?;
    (minute < 60 && whole <= 24 * 60).then_some(whole)
}

impl fmt::Display for Hours {
    /// Writes what is read as the same hours again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let mut between = "";
        for span in &self.spans {
            f.write_str(between)?;
            between = ", ";
            if span.days != EVERY_DAY {
                let mut day = 0_usize;
                while day < 7 {
                    let run = (day..7)
                        .take_while(|day| span.days & (1 << day) != 0)
                        .count();
                    match run {
                        0 => day += 1,
                        1 | 2 => {
                            write!(f, "{} ", NAMES.get(day).copied().unwrap_or_default())?;
                            day += 1;
                        }
                        _ => {
                            let (from, to) = (NAMES.get(day), NAMES.get(day + run - 1));
                            write!(
                                f,
                                "{}-{} ",
                                from.copied().unwrap_or_default(),
                                to.copied().unwrap_or_default()
                            )?;
                            day += run;
                        }
                    }
                }
            } else if self.spans.iter().any(|span| span.days != EVERY_DAY) {
                // Behind spans of some days it must be said.
                f.write_str("daily ")?;
            }
            let to = if span.to > 24 * 60 {
                span.to - 24 * 60
            } else {
                span.to
            };
            write!(
                f,
                "{:02}:{:02}-{:02}:{:02}",
                span.from / 60,
                span.from % 60,
                to / 60,
                to % 60
            )?;
        }
        if let Some(zone) = &self.zone {
            write!(f, " {}", zone.name())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(text: &str) -> Hours {
        Hours::parse(text).unwrap()
    }

    /// A second of UTC.
    fn utc(year: u16, month: u8, day: u8, hour: i64, minute: i64) -> Timestamp {
        let days = super::super::date::Date { year, month, day }.days();
        Timestamp((days * DAY + hour * 3600 + minute * 60) * 1000)
    }

    #[test]
    fn hours_are_written_as_they_are_read() {
        for (text, normal) in [
            ("22:00-06:00", "22:00-06:00"),
            ("9-17", "09:00-17:00"),
            ("00:00-24:00", "00:00-24:00"),
            (
                "Mon-Fri 09:00-12:00 13:00-17:00",
                "mon-fri 09:00-12:00, mon-fri 13:00-17:00",
            ),
            ("sat,sun 10:00-12:00", "sat sun 10:00-12:00"),
            (
                "weekends 10:00-12:00, 22:00-02:00",
                "sat sun 10:00-12:00, sat sun 22:00-02:00",
            ),
            (
                "weekends 10:00-12:00, daily 22:00-02:00",
                "sat sun 10:00-12:00, daily 22:00-02:00",
            ),
            ("fri..mon 20:00-21:30", "mon fri-sun 20:00-21:30"),
            ("22:00-06:00 europe/berlin", "22:00-06:00 Europe/Berlin"),
        ] {
            let read = hours(text);
            assert_eq!(read.to_string(), normal, "{text}");
            assert_eq!(hours(normal), read, "{text}");
        }
        for (text, part) in [
            ("", "wanted"),
            ("mon", "wanted"),
            ("22:00-22:00", "00:00-24:00"),
            ("24:00-01:00", "no span"),
            ("23:61-24:00", "no span"),
            ("22:00", "no span"),
            ("noon-13:00", "neither a day"),
            ("22:00-06:00 Atlantis", "neither a day"),
            ("22:00-06:00 UTC mon", "comes last"),
        ] {
            let error = Hours::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
        let many: Vec<String> = (0..17).map(|hour| format!("{hour}-{}", hour + 1)).collect();
        assert!(Hours::parse(&many.join(" ")).unwrap_err().contains("16"));
    }

    #[test]
    fn a_span_over_midnight_belongs_to_the_day_on_which_it_begins() {
        let nights = hours("mon-fri 22:00-06:00");
        let zone = Zone::utc();
        // 2026-11-20 is a Friday.
        for (day, hour, within) in [
            (20, 21, false),
            (20, 22, true),
            (21, 5, true),
            (21, 6, false),
            (21, 23, false),
            (22, 23, false),
            (23, 5, false),
            (23, 22, true),
        ] {
            assert_eq!(
                nights.contain(utc(2026, 11, day, hour, 0), &zone),
                within,
                "{day} {hour}"
            );
        }
        let friday = utc(2026, 11, 21, 6, 0);
        assert_eq!(
            nights.change_after(friday, &zone),
            Some(utc(2026, 11, 23, 22, 0))
        );
        assert!(hours("00:00-24:00").are_always() && !nights.are_always());
        assert_eq!(hours("0-12, 12-24").change_after(friday, &zone), None);
    }

    #[test]
    fn what_the_clock_shows_counts_when_clocks_are_set() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        // Forward at 02:00 on 2026-03-29, which is 01:00 UTC: the span is half an hour shorter, or never comes.
        let gap = hours("02:30-03:30");
        let before = utc(2026, 3, 29, 0, 0);
        assert_eq!(
            gap.change_after(before, &berlin),
            Some(utc(2026, 3, 29, 1, 0))
        );
        assert!(gap.contain(utc(2026, 3, 29, 1, 0), &berlin));
        assert_eq!(
            gap.change_after(utc(2026, 3, 29, 1, 0), &berlin),
            Some(utc(2026, 3, 29, 1, 30))
        );
        let skipped = hours("02:10-02:50");
        assert_eq!(
            skipped.change_after(before, &berlin),
            Some(utc(2026, 3, 30, 0, 10))
        );
        // Back at 03:00 on 2026-10-25, which is 01:00 UTC: what is shown twice comes twice.
        let twice = hours("02:10-02:50");
        let mut at = utc(2026, 10, 24, 12, 0);
        for (hour, minute) in [(0, 10), (0, 50), (1, 10), (1, 50)] {
            at = twice.change_after(at, &berlin).unwrap();
            assert_eq!(at, utc(2026, 10, 25, hour, minute));
        }
        // A span that begins in the repeated hour is left, and entered again.
        let half = hours("02:30-04:00");
        let mut at = utc(2026, 10, 24, 12, 0);
        for (hour, minute) in [(0, 30), (1, 0), (1, 30), (3, 0)] {
            at = half.change_after(at, &berlin).unwrap();
            assert_eq!(at, utc(2026, 10, 25, hour, minute));
        }
        // A zone of its own, wherever the machine is.
        let own = hours("22:00-06:00 Europe/Berlin");
        assert!(own.contain(utc(2026, 11, 22, 21, 0), &Zone::utc()));
        assert!(!own.contain(utc(2026, 11, 22, 5, 0), &Zone::utc()));
    }

    /// The next change is where the answer differs, and nowhere before, minute by minute through a year of several zones.
    #[test]
    fn changes_are_exact() {
        for (name, text) in [
            (
                "Europe/Berlin",
                "mon-fri 09:00-12:30 22:00-06:00, sun 02:15-02:45",
            ),
            ("Australia/Lord_Howe", "01:45-02:15, sat 00:00-24:00"),
            ("America/Sao_Paulo", "23:30-00:30"),
            ("Pacific/Apia", "mon 00:00-24:00"),
        ] {
            let (zone, hours) = (Zone::named(name).unwrap(), hours(text));
            let mut at = utc(2026, 1, 1, 0, 0);
            let end = utc(2027, 1, 2, 0, 0);
            let mut next = hours.change_after(at, &zone);
            let mut within = hours.contain(at, &zone);
            while at < end {
                at = Timestamp(at.0 + 60_000);
                let now = hours.contain(at, &zone);
                assert_eq!(
                    now != within,
                    next == Some(at),
                    "{name} {}",
                    zone.wall_text(at)
                );
                if now != within {
                    within = now;
                    next = hours.change_after(at, &zone);
                }
            }
        }
    }
}
