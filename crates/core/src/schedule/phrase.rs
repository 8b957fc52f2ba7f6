//! Schedules as people say them: `daily at 02:00`, `every weekday at 18:30`, `monthly on the last Friday at 17:00`.

use std::collections::BTreeMap;

use super::cron::{LAST_WEEK, nth_week};
use super::mistake::ScheduleError;
use super::reader::{Part, Word, month, split};
use super::recurrence::{Distance, distance};
use super::rule::{ALL_HOURS, ALL_MONTHS, ALL_WEEKDAYS, Days, Rule};
use super::zone::Zone;

/// Monday to Friday.
const WORKING_DAYS: u8 = 0b001_1111;
/// Saturday and Sunday.
const WEEKEND: u8 = 0b110_0000;

/// Words for the first five.
const ORDINALS: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];

/// Says whether words look like a phrase.
pub(super) fn is_phrase(words: &[Word<'_>]) -> bool {
    let Some((first, rest)) = words.split_first() else {
        return false;
    };
    first.is_one_of(&["every", "each", "at", "on", "weekdays", "weekends"])
        || is_date(words)
        || rest.iter().any(|word| word.is("at"))
        || rest.first().is_some_and(|word| word.is("on"))
}

/// Says whether words begin with a date of each year, such as `31 December`, `1st of May` or `December 31`.
fn is_date(words: &[Word<'_>]) -> bool {
    let day = |word: &Word<'_>| ordinal(word).is_some();
    let is_month = |word: &Word<'_>| month(word.text).is_some();
    match words {
        [one, of, other, ..] if of.is("of") => day(one) && is_month(other),
        [one, other, ..] => day(one) && is_month(other) || is_month(one) && day(other),
        _ => false,
    }
}

/// Reads a phrase that was split at its blanks, and how many days lie between its dates if it says that.
pub(super) fn parse(words: &[Word<'_>]) -> Result<(Vec<Rule>, Option<Distance>), ScheduleError> {
    let mut phrase = Phrase::new(words);
    let mut choices = phrase.days()?;
    let mut rules = Vec::new();
    if choices.is_empty() {
        // `hourly at :15`
        let mut rule = Rule::midnight();
        rule.hours = ALL_HOURS;
        if phrase.take("at") {
            rule.minutes = phrase.minute()?;
        }
        rules.push(rule);
    } else {
        let times = if phrase.take("at") {
            phrase.times()?
        } else if phrase.needs_time {
            return Err(phrase.unexpected("`at` and a time, such as `at 02:00`"));
        } else {
            vec![(1, 1, 1)]
        };
        choices.dedup();
        for choice in choices {
            for (hours, minutes, seconds) in &times {
                rules.push(Rule {
                    weekdays: choice.0,
                    days: choice.1,
                    hours: *hours,
                    minutes: *minutes,
                    seconds: *seconds,
                    months: phrase.months,
                    ..Rule::midnight()
                });
            }
        }
    }
    let zone = phrase.zone()?;
    for rule in &mut rules {
        rule.zone.clone_from(&zone);
    }
    Ok((rules, phrase.distance))
}

/// Weekdays and days of the month that both must hold.
type Choice = (u8, Days);

/// Hours, minutes and seconds that make a grid.
type Grid = (u64, u64, u64);

struct Phrase<'a> {
    words: Vec<Word<'a>>,
    at: usize,
    end: usize,
    /// Whether the phrase makes no sense without a time.
    needs_time: bool,
    /// What `every 3 days` says.
    distance: Option<Distance>,
    /// The months that it is about, as bits.
    months: u64,
}

impl<'a> Phrase<'a> {
    fn new(words: &[Word<'a>]) -> Self {
        let end = words
            .last()
            .map_or(1, |word| word.column + word.text.chars().count());
        // Commas part words like `and`, and are no words of their own.
        let words = words
            .iter()
            .flat_map(|word| split(word.text, word.column, |character| character == ','))
            .collect();
        Self {
            words,
            at: 0,
            end,
            needs_time: false,
            distance: None,
            months: ALL_MONTHS,
        }
    }

    fn peek(&self) -> Option<Word<'a>> {
        self.words.get(self.at).copied()
    }

    /// Answers the next word, or an empty one at the end.
    fn here(&self) -> Word<'a> {
        self.peek().unwrap_or(Word {
            text: "",
            column: self.end,
        })
    }

    fn take(&mut self, word: &str) -> bool {
        self.take_one_of(&[word])
    }

    fn take_one_of(&mut self, words: &[&str]) -> bool {
        let found = self.peek().is_some_and(|next| next.is_one_of(words));
        self.at += usize::from(found);
        found
    }

    fn unexpected(&self, expected: &'static str) -> ScheduleError {
        self.here().unexpected(expected)
    }

    /// Reads everything before `at`; nothing is found for `hourly`.
    fn days(&mut self) -> Result<Vec<Choice>, ScheduleError> {
        let every_day = (ALL_WEEKDAYS, Days::ALL);
        if self.take("hourly") {
            return Ok(Vec::new());
        }
        if self.take("daily") || self.peek().is_some_and(|word| word.is("at")) {
            return Ok(vec![every_day]);
        }
        if self.take("weekly") {
            return self.week();
        }
        if self.take("monthly") {
            return self.month();
        }
        self.needs_time = true;
        let every = self.take_one_of(&["every", "each", "on"]);
        if self.take_one_of(&["weekday", "weekdays", "workday", "workdays"]) {
            return Ok(vec![(WORKING_DAYS, Days::ALL)]);
        }
        if self.take_one_of(&["weekend", "weekends"]) {
            return Ok(vec![(WEEKEND, Days::ALL)]);
        }
        if every && self.take("day") {
            return Ok(vec![every_day]);
        }
        if every && self.take_distance()? {
            return Ok(vec![every_day]);
        }
        if every && self.take("week") {
            return self.week();
        }
        if every && self.take("month") {
            return self.month();
        }
        let article = usize::from(self.peek().is_some_and(|word| word.is("the")));
        if is_date(self.words.get(self.at + article..).unwrap_or_default()) {
            self.at += article;
            return self.date();
        }
        let starts_month_day = self.month_day_follows();
        if every && starts_month_day {
            return self.month_days();
        }
        if self.peek().is_some_and(|word| word.weekday().is_some()) {
            return Ok(vec![(self.weekdays()?, Days::ALL)]);
        }
        Err(self.unexpected(if every {
            "a span such as `15m`, `day`, `weekday`, the name of a weekday, or a day of the month"
        } else {
            super::mistake::A_SCHEDULE
        }))
    }

    /// Reads `31 December`, `1st of May` or `December 31`: once a year.
    fn date(&mut self) -> Result<Vec<Choice>, ScheduleError> {
        let first = self.here();
        self.at += 1;
        self.take("of");
        let second = self.here();
        self.at += 1;
        let (day, of) = match month(first.text) {
            Some(of) => (second, of),
            None => (first, month(second.text).unwrap_or(1)),
        };
        let digits = ordinal(&day).ok_or_else(|| day.unexpected("a day of the month"))?;
        let number = Part::DAY.check(digits)?;
        self.months = 1 << of;
        let rule = Rule {
            months: self.months,
            days: Days::FromStart(1 << number),
            ..Rule::midnight()
        };
        // Said at once, also before it is said that a time is missing.
        match rule.impossible_day() {
            Some(mistake) => Err(mistake.at(day.column)),
            None => Ok(vec![(ALL_WEEKDAYS, rule.days)]),
        }
    }

    /// Takes `3 days`, `2 weeks` or `other day`.
    fn take_distance(&mut self) -> Result<bool, ScheduleError> {
        let [number, unit, ..] = self.words[self.at..] else {
            return Ok(false);
        };
        self.distance = if number.is("other") && unit.is_one_of(&["day", "week"]) {
            let (days, column) = (if unit.is("day") { 2 } else { 14 }, number.column);
            Some(Distance { days, column })
        } else if number.text.bytes().all(|byte| byte.is_ascii_digit()) {
            distance(number, unit)?
        } else {
            None
        };
        self.at += if self.distance.is_some() { 2 } else { 0 };
        Ok(self.distance.is_some())
    }

    fn week(&mut self) -> Result<Vec<Choice>, ScheduleError> {
        let days = if self.take("on") { self.weekdays()? } else { 1 };
        Ok(vec![(days, Days::ALL)])
    }

    fn month(&mut self) -> Result<Vec<Choice>, ScheduleError> {
        if self.take("on") {
            self.month_days()
        } else {
            Ok(vec![(ALL_WEEKDAYS, Days::FromStart(1 << 1))])
        }
    }

    fn weekdays(&mut self) -> Result<u8, ScheduleError> {
        let mut days = 0;
        loop {
            let day = self.here().weekday();
            match day {
                Some(day) => days |= 1 << day,
                None if days != 0 => return Ok(days),
                None => return Err(self.unexpected("the name of a weekday")),
            }
            self.at += 1;
            if self.take_one_of(&["and", "or"]) && self.here().weekday().is_none() {
                return Err(self.unexpected("the name of a weekday"));
            }
        }
    }

    /// Says whether a day of the month comes next, such as `1st`, `the last day` or `first Monday`.
    fn month_day_follows(&self) -> bool {
        self.peek().is_some_and(|word| {
            word.is_one_of(&["the", "last"])
                || word.is_one_of(&ORDINALS)
                || ordinal(&word).is_some()
        })
    }

    fn month_days(&mut self) -> Result<Vec<Choice>, ScheduleError> {
        let (mut start, mut end) = (0, 0);
        let mut choices = Vec::new();
        loop {
            while self.take("the") {}
            if self.take("last") {
                match self.here().weekday() {
                    Some(day) => {
                        self.at += 1;
                        choices.push((1 << day, LAST_WEEK));
                    }
                    None => {
                        self.take("day");
                        end |= 1 << 1;
                    }
                }
            } else {
                let word = self.here();
                let by_word = ORDINALS.iter().zip(1..).find(|(name, _)| word.is(name));
                let number = match (by_word, ordinal(&word)) {
                    (Some((_, number)), _) => number,
                    (None, Some(digits)) => Part::DAY.check(digits)?,
                    (None, None) => {
                        return Err(word.unexpected(
                            "a day of the month, such as `1st`, `last day` or `first Monday`",
                        ));
                    }
                };
                self.at += 1;
                match self.here().weekday() {
                    Some(day) if number <= 5 => {
                        self.at += 1;
                        choices.push((1 << day, nth_week(number)));
                    }
                    Some(_) => {
                        return Err(
                            self.unexpected("no weekday, because a month has at most five of it")
                        );
                    }
                    None => {
                        self.take("day");
                        start |= 1 << number;
                    }
                }
            }
            let more = self.take_one_of(&["and", "or"]);
            if !more && !self.month_day_follows() {
                break;
            }
        }
        if self.take("of") {
            self.take_one_of(&["the", "every", "each"]);
            if !self.take("month") {
                return Err(self.unexpected("`month`"));
            }
        }
        if end != 0 {
            choices.insert(0, (ALL_WEEKDAYS, Days::FromEnd(end)));
        }
        if start != 0 {
            choices.insert(0, (ALL_WEEKDAYS, Days::FromStart(start)));
        }
        Ok(choices)
    }

    /// Reads `:15` behind `hourly at`.
    fn minute(&mut self) -> Result<u64, ScheduleError> {
        let word = self.here();
        let mut reader = word.reader();
        if !reader.take(":") {
            return Err(word.unexpected("a colon and the minute, such as `:15`"));
        }
        let number = reader
            .number()
            .ok_or_else(|| reader.unexpected("the minute"))?;
        let minute = Part::MINUTE.check(number)?;
        reader.end("nothing after the minute")?;
        self.at += 1;
        Ok(1 << minute)
    }

    /// Reads times of the day; those that make a grid are one.
    fn times(&mut self) -> Result<Vec<Grid>, ScheduleError> {
        let mut hours: BTreeMap<(u32, u32), u64> = BTreeMap::new();
        loop {
            let (hour, minute, second) = self.time()?;
            *hours.entry((minute, second)).or_default() |= 1 << hour;
            let more = self.take_one_of(&["and", "or"]);
            let digit = self
                .here()
                .text
                .starts_with(|first: char| first.is_ascii_digit());
            if !more && !digit && !self.here().is_one_of(&["noon", "midnight"]) {
                break;
            }
        }
        let mut minutes: BTreeMap<(u64, u32), u64> = BTreeMap::new();
        for ((minute, second), hours) in hours {
            *minutes.entry((hours, second)).or_default() |= 1 << minute;
        }
        Ok(minutes
            .into_iter()
            .map(|((hours, second), minutes)| (hours, minutes, 1 << second))
            .collect())
    }

    fn time(&mut self) -> Result<(u32, u32, u32), ScheduleError> {
        const A_TIME: &str = "a time, such as `02:00`, `6:30pm`, `noon` or `midnight`";
        let word = self.here();
        if self.take("noon") {
            return Ok((12, 0, 0));
        }
        if self.take("midnight") {
            return Ok((0, 0, 0));
        }
        let mut reader = word.reader();
        let first = reader.number().ok_or_else(|| word.unexpected(A_TIME))?;
        let (mut minute, mut second) = (None, 0);
        if reader.take(":") {
            let number = reader
                .number()
                .ok_or_else(|| reader.unexpected("the minute"))?;
            minute = Some(Part::MINUTE.check(number)?);
            if reader.take(":") {
                let number = reader
                    .number()
                    .ok_or_else(|| reader.unexpected("the second"))?;
                second = Part::SECOND.check(number)?;
            }
        }
        self.at += 1;
        let mut half = reader.take_while(char::is_alphabetic);
        reader.end(A_TIME)?;
        if half.text.is_empty() && self.here().is_one_of(&["am", "pm"]) {
            half = self.here();
            self.at += 1;
        }
        let hour = match half.text.to_ascii_lowercase().as_str() {
            "" if minute.is_some() => Part::HOUR.check(first)?,
            "" => return Err(word.unexpected(A_TIME)),
            "am" => Part::new("hour", 1, 12).check(first)? % 12,
            "pm" => Part::new("hour", 1, 12).check(first)? % 12 + 12,
            "h" if minute.is_none() => Part::HOUR.check(first)?,
            _ => return Err(half.unexpected("`am` or `pm`")),
        };
        Ok((hour, minute.unwrap_or(0), second))
    }

    /// Reads what is left: a zone, or nothing.
    fn zone(&mut self) -> Result<Option<Zone>, ScheduleError> {
        let said = self.take("in");
        let Some(word) = self.peek() else {
            return if said {
                Err(self.unexpected("a time zone"))
            } else {
                Ok(None)
            };
        };
        let looks = word.text.contains('/') || Zone::named(word.text).is_some();
        if !said && !looks {
            return Err(word.unexpected(if self.needs_time || self.at > 1 {
                "`and`, a time zone, or nothing more"
            } else {
                "`at`, `on`, a time zone, or nothing more"
            }));
        }
        self.at += 1;
        let zone = word.zone()?;
        match self.peek() {
            None => Ok(Some(zone)),
            Some(more) => Err(more.unexpected("nothing after the time zone")),
        }
    }
}

/// Answers the digits of `1st`, `2nd`, `15th` or `15`.
fn ordinal<'a>(word: &Word<'a>) -> Option<Word<'a>> {
    let mut reader = word.reader();
    let number = reader.number()?;
    let ending = reader.take_while(char::is_alphabetic);
    (reader.is_at_end() && (ending.text.is_empty() || ending.is_one_of(&["st", "nd", "rd", "th"])))
        .then_some(number)
}
