//! Calendar expressions of systemd: `Mon..Fri *-*-* 02:00:00 Europe/Berlin`.
//!
//! The grammar is that of systemd.time(7), "Calendar Events". Left out: fractions of a second and years of two digits.
//! More than there: ranges of weekdays may run over Sunday.

use super::date::{FIRST_YEAR, LAST_YEAR};
use super::mistake::{A_SCHEDULE, ScheduleError};
use super::reader::{Part, Reader, Span, Word, bits, weekday_bits};
use super::rule::{ALL_HOURS, ALL_SIXTY, Days, Rule, Years};

const YEAR: Part = Part::new("year", FIRST_YEAR as u32, LAST_YEAR as u32);

/// Reads an expression that was split at its blanks.
pub(super) fn parse(words: &[Word<'_>]) -> Result<Rule, ScheduleError> {
    let mut rest = words;
    let mut next = |fits: &dyn Fn(Word<'_>) -> bool| -> Option<Word<'_>> {
        let (first, after) = rest.split_first()?;
        fits(*first).then(|| {
            rest = after;
            *first
        })
    };
    let mut rule = Rule::midnight();
    let mut said = false;
    if let Some(word) = next(&|word| nickname(word.text).is_some()) {
        rule = nickname(word.text).unwrap_or(rule);
        said = true;
    } else {
        if let Some(word) = next(&starts_with_weekday) {
            rule.weekdays = weekdays(word)?;
            said = true;
        }
        if let Some(word) = next(&|word| is_numeric(word) && word.text.contains(['-', '~'])) {
            date(word, &mut rule)?;
            said = true;
        }
        if let Some(word) = next(&|word| is_numeric(word) && word.text.contains(':')) {
            time(word, &mut rule)?;
            said = true;
        }
    }
    let zone = next(&|word| said && word.text.starts_with(|first: char| first.is_alphabetic()));
    if let Some(word) = zone {
        rule.zone = Some(word.zone()?);
    }
    match rest.first() {
        None if said => Ok(rule),
        None => Err(super::mistake::Mistake::Empty.at(1)),
        Some(word) if rule.zone.is_some() => Err(word.unexpected("nothing after the time zone")),
        Some(word) if said => Err(word.unexpected("a date, a time or a time zone")),
        Some(word) => Err(word.unexpected(A_SCHEDULE)),
    }
}

/// Answers what a single word means there.
fn nickname(word: &str) -> Option<Rule> {
    let midnight = Rule::midnight;
    let monthly = |months| Rule {
        months,
        days: Days::FromStart(1 << 1),
        ..midnight()
    };
    Some(match word.to_ascii_lowercase().as_str() {
        "minutely" => Rule {
            hours: ALL_HOURS,
            minutes: ALL_SIXTY,
            ..midnight()
        },
        "hourly" => Rule {
            hours: ALL_HOURS,
            ..midnight()
        },
        "daily" => midnight(),
        "weekly" => Rule {
            weekdays: 1,
            ..midnight()
        },
        "monthly" => monthly(super::rule::ALL_MONTHS),
        "quarterly" => monthly(1 << 1 | 1 << 4 | 1 << 7 | 1 << 10),
        "semiannually" => monthly(1 << 1 | 1 << 7),
        "yearly" | "annually" => monthly(1 << 1),
        _ => return None,
    })
}

fn starts_with_weekday(word: Word<'_>) -> bool {
    let mut reader = word.reader();
    reader.take_while(char::is_alphabetic).weekday().is_some()
        && (reader.is_at_end() || reader.take(",") || reader.take("..") || reader.take("-"))
}

fn is_numeric(word: Word<'_>) -> bool {
    word.text
        .starts_with(|first: char| first.is_ascii_digit() || matches!(first, '*' | '~'))
}

fn weekdays(word: Word<'_>) -> Result<u8, ScheduleError> {
    let mut reader = word.reader();
    let day = |reader: &mut Reader<'_>| {
        let word = reader.take_while(char::is_alphabetic);
        word.weekday()
            .ok_or_else(|| word.unexpected("the name of a weekday"))
    };
    let mut found = 0;
    loop {
        let from = day(&mut reader)?;
        let to = if reader.take("..") || reader.take("-") {
            day(&mut reader)?
        } else {
            from
        };
        found |= weekday_bits(from, to);
        if !reader.take(",") || reader.is_at_end() {
            break;
        }
    }
    reader.end("a comma, or a blank before the date")?;
    Ok(found)
}

fn date(word: Word<'_>, rule: &mut Rule) -> Result<(), ScheduleError> {
    // The first part is the year only if two more follow.
    let with_year = word
        .text
        .chars()
        .filter(|character| matches!(character, '-' | '~'))
        .count()
        >= 2;
    let mut reader = word.reader();
    if with_year {
        if let Some(spans) = list(&mut reader, YEAR)? {
            rule.years = Years::of(
                spans
                    .into_iter()
                    .flat_map(Span::values)
                    .filter_map(|year| u16::try_from(year).ok()),
            );
        }
        if !reader.take("-") {
            return Err(reader.unexpected("a hyphen after the year"));
        }
    }
    if let Some(spans) = list(&mut reader, Part::MONTH)? {
        rule.months = bits(&spans);
    }
    if reader.take("~") {
        let spans = days_from_end(&mut reader)?;
        rule.days = Days::FromEnd(spans);
    } else if reader.take("-") {
        if let Some(spans) = list(&mut reader, Part::DAY)? {
            rule.days = Days::FromStart(bits(&spans));
        }
    } else {
        return Err(reader.unexpected("a hyphen after the month"));
    }
    reader.end("a comma, a range, or a blank before the time")
}

/// Reads days that count back from the last one; a step leads towards the end of the month.
fn days_from_end(reader: &mut Reader<'_>) -> Result<u64, ScheduleError> {
    let mut found = 0;
    loop {
        let column = reader.column();
        let Some(number) = reader.number() else {
            return Err(reader.unexpected("a day of the month, where 1 is the last one"));
        };
        let from = Part::DAY.check(number)?;
        let mut to = None;
        if reader.take("..") {
            let number = reader
                .number()
                .ok_or_else(|| reader.unexpected("the end of the range"))?;
            to = Some(Part::DAY.check(number)?);
        }
        let step = reader.step(Part::DAY)?;
        let to = to.unwrap_or(if step.is_some() { 1 } else { from });
        let (early, late) = (from.max(to), from.min(to));
        let mut day = Some(early);
        while let Some(now) = day.filter(|now| *now >= late) {
            found |= 1 << now;
            day = now.checked_sub(step.unwrap_or(1));
        }
        if column == reader.column() || !reader.take(",") {
            return Ok(found);
        }
    }
}

fn time(word: Word<'_>, rule: &mut Rule) -> Result<(), ScheduleError> {
    let mut reader = word.reader();
    rule.hours = list(&mut reader, Part::HOUR)?.map_or(ALL_HOURS, |spans| bits(&spans));
    if !reader.take(":") {
        return Err(reader.unexpected("a colon after the hour"));
    }
    rule.minutes = list(&mut reader, Part::MINUTE)?.map_or(ALL_SIXTY, |spans| bits(&spans));
    if reader.take(":") {
        rule.seconds = list(&mut reader, Part::SECOND)?.map_or(ALL_SIXTY, |spans| bits(&spans));
    }
    if reader.peek() == Some('.') {
        return Err(super::mistake::Mistake::Foreign {
            what: "a fraction of a second",
            hint: "Write whole seconds.",
        }
        .at(reader.column()));
    }
    reader.end("a comma, a range, or a blank before the time zone")
}

/// Reads a list of numbers, ranges and steps; absent for a star alone, which is everything.
fn list(reader: &mut Reader<'_>, part: Part) -> Result<Option<Vec<Span>>, ScheduleError> {
    let mut spans = Vec::new();
    let mut all = false;
    loop {
        if reader.take("*") {
            match reader.step(part)? {
                Some(step) => spans.push(Span {
                    from: part.low,
                    to: part.high,
                    step,
                }),
                None => all = true,
            }
        } else {
            spans.push(span(reader, part)?);
        }
        if !reader.take(",") {
            break;
        }
    }
    Ok((!all).then_some(spans))
}

fn span(reader: &mut Reader<'_>, part: Part) -> Result<Span, ScheduleError> {
    let column = reader.column();
    let number = reader
        .number()
        .ok_or_else(|| reader.unexpected("a number or `*`"))?;
    let from = part.check(number)?;
    let mut to = None;
    if reader.take("..") {
        let number = reader
            .number()
            .ok_or_else(|| reader.unexpected("the end of the range"))?;
        let end = part.check(number)?;
        if end < from {
            return Err(part.backwards(from, end, column));
        }
        to = Some(end);
    }
    let step = reader.step(part)?;
    Ok(Span {
        from,
        to: to.unwrap_or(if step.is_some() { part.high } else { from }),
        step: step.unwrap_or(1),
    })
}
