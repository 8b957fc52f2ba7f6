//! Cron expressions: five fields, or a word behind an at sign.
//!
//! Days follow crontab(5): if neither the day of the month nor the day of the week begins with a star, either is enough.
//! Each way becomes a rule of its own. Also read: names, `?`, `L` (last day), `L-2` (two days before it), `5L` (last
//! Friday), `5#2` (second Friday), and a zone, in front as `CRON_TZ=…` or behind the fields.

use super::mistake::{Mistake, ScheduleError};
use super::reader::{Part, Reader, Span, Word, bits, month, weekday_bits};
use super::rule::{ALL_DAYS, ALL_HOURS, ALL_WEEKDAYS, Days, Rule};
use super::zone::Zone;

const WEEKDAY: Part = Part::new("weekday", 0, 7);
const NTH: Part = Part::new("number of the weekday in the month", 1, 5);
const BEFORE_LAST: Part = Part::new("number of days before the last one", 0, 30);

/// Some days of a month, if they are also some days of a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Choice {
    weekdays: u8,
    days: Days,
}

/// Says whether words look like fields of cron and not like anything else.
pub(super) fn is_cron(words: &[Word<'_>]) -> bool {
    let plain = |word: &Word<'_>| {
        word.text
            .chars()
            .all(|character| character.is_ascii_digit() || "*,/-?".contains(character))
    };
    let Some(first) = words.first() else {
        return false;
    };
    first.text.starts_with('@')
        || prefix(first).is_some()
        || words.len() >= 2
            && words[..2].iter().all(plain)
            && !words.iter().any(|word| word.text.contains([':', '~']))
}

/// Reads an expression that was split at its blanks.
pub(super) fn parse(words: &[Word<'_>]) -> Result<Vec<Rule>, ScheduleError> {
    let mut words = words;
    let mut zone = None;
    if let Some((first, rest)) = words.split_first()
        && let Some(name) = prefix(first)
    {
        zone = Some(name.zone()?);
        words = rest;
    }
    let Some(first) = words.first() else {
        return Err(Mistake::Empty.at(1));
    };
    if first.text.starts_with('@') {
        return nickname(words, zone);
    }
    if let [.., last] = words
        && words.len() == 6
        && last.text.starts_with(|first: char| first.is_alphabetic())
        && last.text.parse::<u32>().is_err()
        && (last.text.contains('/') || Zone::named(last.text).is_some())
    {
        zone = Some(last.zone()?);
        words = &words[..5];
    }
    let [minutes, hours, days, months, weekdays] = words else {
        return Err(wrong_count(words));
    };
    let mut rule = Rule::midnight();
    rule.zone = zone;
    rule.minutes = bits(&list(*minutes, Part::MINUTE, &|_| None)?);
    rule.hours = bits(&list(*hours, Part::HOUR, &|_| None)?);
    rule.months = bits(&list(*months, Part::MONTH, &month)?);
    let choices = choices(*days, *weekdays)?;
    Ok(choices
        .into_iter()
        .map(|choice| Rule {
            weekdays: choice.weekdays,
            days: choice.days,
            ..rule.clone()
        })
        .collect())
}

fn prefix<'a>(word: &Word<'a>) -> Option<Word<'a>> {
    let (key, text) = word.text.split_once('=')?;
    (key.eq_ignore_ascii_case("CRON_TZ") || key.eq_ignore_ascii_case("TZ")).then(|| Word {
        text,
        column: word.column + key.chars().count() + 1,
    })
}

fn wrong_count(words: &[Word<'_>]) -> ScheduleError {
    match words {
        [.., _, last] if words.len() < 5 => {
            let column = last.column + last.text.chars().count();
            Word { text: "", column }
                .unexpected("five fields: minute, hour, day, month and weekday")
        }
        [_, _, _, _, _, sixth, ..] if words.len() <= 7 => Mistake::Foreign {
            what: "a sixth field",
            hint: "Write five fields: minute, hour, day, month and weekday. For seconds or years write a calendar \
                   expression such as `*-*-* 02:00:30`.",
        }
        .at(sixth.column),
        [first, ..] => first.unexpected("five fields: minute, hour, day, month and weekday"),
        [] => Mistake::Empty.at(1),
    }
}

fn nickname(words: &[Word<'_>], zone: Option<Zone>) -> Result<Vec<Rule>, ScheduleError> {
    let Some((first, rest)) = words.split_first() else {
        return Err(Mistake::Empty.at(1));
    };
    let mut rule = Rule::midnight();
    rule.zone = zone;
    match first.text.to_ascii_lowercase().as_str() {
        "@hourly" => rule.hours = ALL_HOURS,
        "@daily" | "@midnight" => {}
        // Cron's week begins with Sunday, that of systemd with Monday.
        "@weekly" => rule.weekdays = 1 << 6,
        "@monthly" => rule.days = Days::FromStart(1 << 1),
        "@yearly" | "@annually" => {
            rule.months = 1 << 1;
            rule.days = Days::FromStart(1 << 1);
        }
        "@reboot" => {
            return Err(Mistake::Foreign {
                what: "`@reboot`",
                hint: "A schedule is about the clock; the start of the machine is another trigger.",
            }
            .at(first.column));
        }
        _ => {
            return Err(first.unexpected(
                "`@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly` or `@every` and a time",
            ));
        }
    }
    match rest {
        [] => {}
        [name] if rule.zone.is_none() => rule.zone = Some(name.zone()?),
        [word, ..] => return Err(word.unexpected("nothing more")),
    }
    Ok(vec![rule])
}

/// Reads one field of numbers, names, ranges and steps.
fn list(
    word: Word<'_>,
    part: Part,
    name: &dyn Fn(&str) -> Option<u32>,
) -> Result<Vec<Span>, ScheduleError> {
    let mut reader = word.reader();
    let mut spans = Vec::new();
    loop {
        spans.push(span(&mut reader, part, name)?);
        if !reader.take(",") {
            break;
        }
    }
    reader.end("a comma, a range, a step, or a blank before the next field")?;
    Ok(spans)
}

fn span(
    reader: &mut Reader<'_>,
    part: Part,
    name: &dyn Fn(&str) -> Option<u32>,
) -> Result<Span, ScheduleError> {
    let column = reader.column();
    if reader.take("*") {
        let step = reader.step(part)?.unwrap_or(1);
        let (from, to) = (part.low, part.high);
        return Ok(Span { from, to, step });
    }
    let from = value(reader, part, name)?;
    let mut to = None;
    if reader.take("-") {
        let end = value(reader, part, name)?;
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

fn value(
    reader: &mut Reader<'_>,
    part: Part,
    name: &dyn Fn(&str) -> Option<u32>,
) -> Result<u32, ScheduleError> {
    if let Some(number) = reader.number() {
        return part.check(number);
    }
    if reader.peek() == Some('H') {
        return Err(Mistake::Foreign {
            what: "`H`",
            hint: "Name the minute and the hour; the manager spreads schedules by itself where it is told to.",
        }
        .at(reader.column()));
    }
    let before = *reader;
    let word = reader.take_while(char::is_alphabetic);
    name(word.text).ok_or_else(|| before.unexpected("a number, a name or `*`"))
}

/// Reads both fields of days and joins them as cron does.
fn choices(days: Word<'_>, weekdays: Word<'_>) -> Result<Vec<Choice>, ScheduleError> {
    let free = |word: Word<'_>| word.text.starts_with(['*', '?']);
    let of_month = month_days(days)?;
    let of_week = week_days(weekdays)?;
    if !free(days) && !free(weekdays) {
        return Ok(of_month.into_iter().chain(of_week).collect());
    }
    // One of them is a star, perhaps with a step: both must hold.
    let mut both = Vec::new();
    for month in of_month {
        for week in &of_week {
            let days = match (month.days, week.days) {
                (Days::ALL, days) | (days, Days::ALL) => days,
                (Days::FromStart(one), Days::FromStart(other)) => Days::FromStart(one & other),
                (Days::FromEnd(one), Days::FromEnd(other)) => Days::FromEnd(one & other),
                (Days::FromStart(_), Days::FromEnd(_)) | (Days::FromEnd(_), Days::FromStart(_)) => {
                    return Err(Mistake::Foreign {
                        what: "a step of days together with the last weekday of the month",
                        hint: "Write `*` for the day of the month.",
                    }
                    .at(days.column));
                }
            };
            both.push(Choice {
                weekdays: week.weekdays & month.weekdays,
                days,
            });
        }
    }
    Ok(both)
}

fn month_days(word: Word<'_>) -> Result<Vec<Choice>, ScheduleError> {
    if word.text == "?" {
        return Ok(vec![every_day()]);
    }
    let (mut start, mut end) = (0, 0);
    let mut reader = word.reader();
    loop {
        if reader.take("L") || reader.take("l") {
            let mut back = 1;
            if reader.take("-") {
                let number = reader
                    .number()
                    .ok_or_else(|| reader.unexpected("a number of days before the last one"))?;
                back += BEFORE_LAST.check(number)?;
            }
            end |= 1 << back;
        } else {
            start |= bits(&[span(&mut reader, Part::DAY, &|_| None)?]);
        }
        if matches!(reader.peek(), Some('W' | 'w')) {
            return Err(Mistake::Foreign {
                what: "`W`, the nearest weekday,",
                hint: "Name the day, or several days and the weekdays `Mon..Fri` in a calendar expression.",
            }
            .at(reader.column()));
        }
        if !reader.take(",") {
            break;
        }
    }
    reader.end("a comma, a range, a step, or a blank before the month")?;
    Ok([
        (start != 0).then_some(Days::FromStart(start)),
        (end != 0).then_some(Days::FromEnd(end)),
    ]
    .into_iter()
    .flatten()
    .map(|days| Choice {
        weekdays: ALL_WEEKDAYS,
        days,
    })
    .collect())
}

fn week_days(word: Word<'_>) -> Result<Vec<Choice>, ScheduleError> {
    if word.text == "?" {
        return Ok(vec![every_day()]);
    }
    let mut plain = 0;
    let mut found = Vec::new();
    let mut reader = word.reader();
    loop {
        let before = reader;
        if reader.take("*") {
            reader = before;
            let span = span(&mut reader, Part::new("weekday", 0, 6), &|_| None)?;
            for day in span.values() {
                plain |= weekday_bits(monday_first(day), monday_first(day));
            }
        } else {
            let from = week_day(&mut reader)?;
            if reader.take("#") {
                let number = reader
                    .number()
                    .ok_or_else(|| reader.unexpected("a number from 1 to 5"))?;
                let nth = NTH.check(number)?;
                found.push(Choice {
                    weekdays: 1 << from,
                    days: nth_week(nth),
                });
            } else if reader.take("L") || reader.take("l") {
                found.push(Choice {
                    weekdays: 1 << from,
                    days: LAST_WEEK,
                });
            } else if reader.take("-") {
                let to = week_day(&mut reader)?;
                let step = reader.step(WEEKDAY)?.unwrap_or(1);
                let length = (to + 7 - from) % 7;
                for ahead in (0..=length).step_by(usize::try_from(step).unwrap_or(1)) {
                    plain |= 1 << ((from + ahead) % 7);
                }
            } else if let Some(step) = reader.step(WEEKDAY)? {
                // To the end of cron's week, which is Saturday.
                let mut day = (from + 1) % 7;
                while day <= 6 {
                    plain |= 1 << monday_first(day);
                    day += step;
                }
            } else {
                plain |= 1 << from;
            }
        }
        if !reader.take(",") {
            break;
        }
    }
    reader.end("a comma, a range, a step, `L` or `#` and a number")?;
    if plain != 0 {
        found.insert(
            0,
            Choice {
                weekdays: plain,
                days: Days::ALL,
            },
        );
    }
    Ok(found)
}

/// Reads a weekday by number or name, from 0 for Monday.
fn week_day(reader: &mut Reader<'_>) -> Result<u32, ScheduleError> {
    if let Some(number) = reader.number() {
        return Ok(monday_first(WEEKDAY.check(number)?));
    }
    let before = *reader;
    let mut word = reader.take_while(char::is_alphabetic);
    if word.weekday().is_none() && word.text.ends_with(['L', 'l']) {
        // `FRIL`: the last letter is for the caller.
        let name = &word.text[..word.text.len() - 1];
        *reader = before;
        reader.take(name);
        word.text = name;
    }
    word.weekday()
        .ok_or_else(|| before.unexpected("a weekday from 0 to 7, the name of one, or `*`"))
}

/// Turns a day counted from Sunday, which is 0 and 7, into one counted from Monday.
fn monday_first(day: u32) -> u32 {
    (day + 6) % 7
}

fn every_day() -> Choice {
    Choice {
        weekdays: ALL_WEEKDAYS,
        days: Days::ALL,
    }
}

/// The days on which a weekday is the n-th of its month.
pub(super) fn nth_week(nth: u32) -> Days {
    let first = (nth.clamp(1, 5) - 1) * 7 + 1;
    Days::FromStart(0x7f << first & ALL_DAYS)
}

/// The days on which a weekday is the last of its month.
pub(super) const LAST_WEEK: Days = Days::FromEnd(0xfe);
