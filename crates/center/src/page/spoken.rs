//! A schedule in words: what its normalised form says, where that is short enough for a sentence.

use super::words::{Value, Words};

/// Most times of a day that a sentence names.
const MAX_TIMES: usize = 6;

/// The schedule as a phrase; absent where its normalised form is as short as it gets.
pub(crate) fn spoken(words: Words, normalised: &str) -> Option<String> {
    if let Some(span) = normalised.strip_prefix("every ") {
        return Some(words.with("spoken-interval", &[("span", Value::Text(span))]));
    }
    let rules: Option<Vec<String>> = normalised
        .split("; ")
        .map(|rule| one(words, rule))
        .collect();
    Some(rules?.join("; "))
}

fn one(words: Words, rule: &str) -> Option<String> {
    let mut parts: Vec<&str> = rule.split(' ').collect();
    let weekdays = match parts.first()? {
        first if first.starts_with(|c: char| c.is_ascii_alphabetic()) => Some(parts.remove(0)),
        _ => None,
    };
    let (date, time, zone) = match parts.as_slice() {
        [date, time] => (*date, *time, None),
        [date, time, zone] => (*date, *time, Some(*zone)),
        _ => return None,
    };
    let days = days(words, weekdays, date)?;
    let said = times(words, &days, time)?;
    Some(match zone {
        Some(zone) => format!("{said} ({zone})"),
        None => said,
    })
}

fn days(words: Words, weekdays: Option<&str>, date: &str) -> Option<String> {
    match (weekdays, date) {
        (None, "*-*-*") => Some(words.say("spoken-daily")),
        (Some(weekdays), "*-*-*") => {
            let named: Option<Vec<String>> = weekdays
                .split(',')
                .map(|days| weekday_range(words, days))
                .collect();
            let named = named?.join(", ");
            Some(words.with("spoken-weekdays", &[("days", Value::Text(&named))]))
        }
        (None, "*-*~01" | "*-*~1") => Some(words.say("spoken-last-day")),
        (None, date) => {
            let days = numbers(date.strip_prefix("*-*-")?)?;
            let days: Vec<String> = days.iter().map(ToString::to_string).collect();
            let days = days.join(", ");
            Some(words.with("spoken-month-days", &[("days", Value::Text(&days))]))
        }
        (Some(_), _) => None,
    }
}

fn weekday_range(words: Words, days: &str) -> Option<String> {
    match days.split_once("..") {
        Some((from, to)) => {
            let (from, to) = (weekday(words, from)?, weekday(words, to)?);
            let values = [("from", Value::Text(&from)), ("to", Value::Text(&to))];
            Some(words.with("spoken-range", &values))
        }
        None => weekday(words, days),
    }
}

fn weekday(words: Words, day: &str) -> Option<String> {
    Some(words.say(match day {
        "Mon" => "weekday-mon",
        "Tue" => "weekday-tue",
        "Wed" => "weekday-wed",
        "Thu" => "weekday-thu",
        "Fri" => "weekday-fri",
        "Sat" => "weekday-sat",
        "Sun" => "weekday-sun",
        _ => return None,
    }))
}

fn times(words: Words, days: &str, time: &str) -> Option<String> {
    let (hours, rest) = time.split_once(':')?;
    let (minutes, seconds) = rest.split_once(':')?;
    let days = ("days", Value::Text(days));
    match (hours, minutes, seconds) {
        ("*", "*", "00") => {
            Some(words.with("spoken-minutes", &[days, ("count", Value::Number(1))]))
        }
        ("*", minutes, "00") => match minutes.strip_prefix("00/") {
            Some(step) => {
                let step = step.parse().ok()?;
                Some(words.with("spoken-minutes", &[days, ("count", Value::Number(step))]))
            }
            None => {
                let minute = format!("{:02}", single(minutes)?);
                Some(words.with("spoken-hourly", &[days, ("minute", Value::Text(&minute))]))
            }
        },
        (hours, minutes, seconds) => {
            let (hours, minutes, second) = (numbers(hours)?, numbers(minutes)?, single(seconds)?);
            let end = if second == 0 {
                String::new()
            } else {
                format!(":{second:02}")
            };
            let times: Vec<String> = hours
                .iter()
                .flat_map(|hour| minutes.iter().map(move |minute| (hour, minute)))
                .map(|(hour, minute)| format!("{hour:02}:{minute:02}{end}"))
                .take(MAX_TIMES + 1)
                .collect();
            let said = times.join(", ");
            (times.len() <= MAX_TIMES)
                .then(|| words.with("spoken-at", &[days, ("times", Value::Text(&said))]))
        }
    }
}

/// Numbers one by one; ranges and steps are no sentence.
fn numbers(list: &str) -> Option<Vec<u8>> {
    list.split(',').map(|number| number.parse().ok()).collect()
}

fn single(number: &str) -> Option<u8> {
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::words::Language;

    #[test]
    fn normalised_forms_are_sentences_where_they_are_short() {
        for (form, english, french) in [
            (
                "*-*-* 02:00:00",
                "every day at 02:00",
                "chaque jour à 02:00",
            ),
            (
                "Mon..Fri *-*-* 18:30:00",
                "Monday to Friday at 18:30",
                "de lundi à vendredi à 18:30",
            ),
            (
                "Mon,Thu *-*-* 09,21:00:00 Europe/Berlin",
                "Monday, Thursday at 09:00, 21:00 (Europe/Berlin)",
                "lundi, jeudi à 09:00, 21:00 (Europe/Berlin)",
            ),
            (
                "*-*-* *:00/15:00",
                "every day, every 15 minutes",
                "chaque jour, toutes les 15 minutes",
            ),
            (
                "*-*-* *:15:00",
                "every day, every hour at :15",
                "chaque jour, toutes les heures à :15",
            ),
            (
                "*-*-01 06:00:05",
                "on day 1 of each month at 06:00:05",
                "le 1 de chaque mois à 06:00:05",
            ),
            (
                "*-*~01 06:00:00; Sat *-*-* 07:00:00",
                "on the last day of each month at 06:00; Saturday at 07:00",
                "le dernier jour de chaque mois à 06:00; samedi à 07:00",
            ),
            (
                "every 15min",
                "every 15min, counted from the end of the last run",
                "toutes les 15min, à compter de la fin de la dernière exécution",
            ),
        ] {
            for (language, wanted) in [(Language::English, english), (Language::French, french)] {
                let said = spoken(Words::of(language), form).unwrap();
                assert_eq!(said.replace(['\u{2068}', '\u{2069}'], ""), wanted);
            }
        }
        for form in [
            "",
            "*-*-01..07 02:00:00",
            "2027-*-* 02:00:00",
            "Mon *-*-01 02:00:00",
            "*-*-* 02:00:00 from 2026-12-01",
            "*-*-* 00..23:00:00",
            "*-*-* 00,01,02,03:00,30:00",
            "*-*-* 300:00:00",
            "Xyz *-*-* 02:00:00",
            "*-*-* 02",
        ] {
            assert_eq!(spoken(Words::of(Language::English), form), None, "{form}");
        }
    }
}
