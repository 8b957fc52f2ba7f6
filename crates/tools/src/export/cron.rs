//! Tasks as lines of crontab(5).

use super::{Start, Task, interval, one_line, without_commands};
use crate::import::shell::quoted;

/// Most characters of a crontab's line; cron of Debian takes no more.
const MAX_LINE: usize = 998;

/// Fields of cron, and what only the command itself can find out.
struct Fields {
    text: String,
    /// A test that must hold in front of the command.
    test: Option<String>,
    note: Option<String>,
}

/// Writes the lines of a task: comments first, then a line for each time that cron can say.
#[must_use]
pub fn lines(task: &Task) -> Vec<String> {
    let about = if task.about.is_empty() {
        String::new()
    } else {
        format!(": {}", task.about)
    };
    let mut lines = vec![format!("# {}", one_line(&format!("{}{about}", task.name)))];
    let note = |lines: &mut Vec<String>, text: &str| lines.push(format!("# {}", one_line(text)));
    let Some(command) = command(task) else {
        note(
            &mut lines,
            &if task.commands.is_empty() {
                without_commands(task)
            } else {
                "Its command has several lines, which cron does not take: put it into a script."
                    .to_owned()
            },
        );
        return lines;
    };
    for text in &task.notes {
        note(&mut lines, text);
    }
    if let Some(user) = &task.user {
        note(
            &mut lines,
            &format!("It runs as {user}: this belongs into the crontab of {user}."),
        );
    }
    for condition in &task.when {
        note(&mut lines, &format!("cron cannot wait for `{condition}`."));
    }
    if task
        .starts
        .iter()
        .any(|start| start.catches_up && !start.schedules.is_empty())
    {
        note(&mut lines, "cron does not catch up what was missed.");
    }
    let mut said = false;
    for time in task.starts.iter().flat_map(times) {
        let fields = match time {
            Ok(fields) => fields,
            Err(why) => {
                note(&mut lines, &why);
                continue;
            }
        };
        if let Some(text) = &fields.note {
            note(&mut lines, text);
        }
        let test = fields
            .test
            .map_or_else(String::new, |test| format!("{test} && "));
        let line = format!("{} {test}{}", fields.text, command.replace('%', "\\%"));
        if line.chars().count() > MAX_LINE {
            note(
                &mut lines,
                "The line would be longer than cron takes: put the command into a script.",
            );
        } else {
            lines.push(line);
            said = true;
        }
    }
    if !said {
        note(
            &mut lines,
            &format!("Nothing that cron knows starts it: {command}"),
        );
    }
    lines
}

/// When a rule starts it, as far as cron can say that; else what it cannot say.
fn times(start: &Start) -> Vec<Result<Fields, String>> {
    let mut times = Vec::new();
    for schedule in &start.schedules {
        if let Some(seconds) = interval(schedule) {
            times.push(every(seconds).map_or_else(
                || Err(format!("cron cannot say `{schedule}`.")),
                |text| {
                    Ok(Fields {
                        text,
                        test: None,
                        note: Some(format!(
                            "`{schedule}` was counted from the end of the last run."
                        )),
                    })
                },
            ));
            continue;
        }
        for piece in schedule.split("; ") {
            times.push(fields(piece).ok_or_else(|| format!("cron cannot say `{piece}`.")));
        }
    }
    for other in &start.others {
        times.push(if other == "logon" {
            Ok(Fields {
                text: "@reboot".to_owned(),
                test: None,
                note: Some(
                    "It started at logon; cron only knows when the machine starts.".to_owned(),
                ),
            })
        } else {
            Err(format!("cron cannot start it at `{other}`."))
        });
    }
    times
}

/// The command as a line of a shell; absent when it does not fit into one.
fn command(task: &Task) -> Option<String> {
    let mut front = String::new();
    if let Some(directory) = &task.directory {
        front.extend(["cd ", &quoted(directory), " && "]);
    }
    let mut variables = String::new();
    for (name, value) in &task.env {
        variables.extend([name, "=", &quoted(value), " "]);
    }
    let nice = task.nice.map(|nice| format!("nice -n {nice} "));
    let ionice = task.ionice.as_deref().and_then(|setting| {
        let (class, level) = setting
            .split_once(':')
            .map_or((setting, None), |(class, level)| (class, Some(level)));
        let class = match class {
            "idle" => 3,
            "best-effort" => 2,
            "realtime" => 1,
            _ => return None,
        };
        let level = level.map_or_else(String::new, |level| format!(" -n {level}"));
        Some(format!("ionice -c {class}{level} "))
    });
    let limit = task.time_limit.as_deref().and_then(|limit| {
        let compact: String = limit.split_whitespace().collect();
        let number = compact.trim_end_matches(['s', 'm', 'h', 'd']);
        // `timeout` takes one number with one unit.
        let seconds = if number.bytes().all(|byte| byte.is_ascii_digit())
            && compact.len() <= number.len() + 1
        {
            compact.clone()
        } else {
            interval(&format!("every {limit}"))?.to_string()
        };
        Some(format!("timeout {seconds} "))
    });
    let wrappers: String = [nice, ionice, limit].into_iter().flatten().collect();
    let mut parts = Vec::new();
    for words in &task.commands {
        // A line of cron is one of a shell already.
        let line = match words.as_slice() {
            [shell, option, line]
                if option == "-c"
                    && matches!(shell.as_str(), "sh" | "/bin/sh")
                    && wrappers.is_empty()
                    && task.env.is_empty() =>
            {
                line.clone()
            }
            words => format!("{variables}{wrappers}{}", super::systemd::typed(words)),
        };
        parts.push(line);
    }
    let line = format!("{front}{}", parts.join(" && "));
    (!parts.is_empty() && !line.contains(char::is_control)).then_some(line)
}

/// An interval that divides what cron counts.
fn every(seconds: u64) -> Option<String> {
    let minutes = seconds / 60;
    if !seconds.is_multiple_of(60) {
        return None;
    }
    match minutes {
        1 => Some("* * * * *".to_owned()),
        2..60 if 60_u64.is_multiple_of(minutes) => Some(format!("*/{minutes} * * * *")),
        60 => Some("0 * * * *".to_owned()),
        _ if minutes.is_multiple_of(60) && minutes < 1440 && 1440_u64.is_multiple_of(minutes) => {
            Some(format!("0 */{} * * *", minutes / 60))
        }
        1440 => Some("0 0 * * *".to_owned()),
        10_080 => Some("0 0 * * 1".to_owned()),
        _ => None,
    }
}

/// A normalised rule of a calendar: `Mon..Fri *-*-* 02:00:00 Europe/Berlin`.
fn fields(piece: &str) -> Option<Fields> {
    let mut words: Vec<&str> = piece.split_whitespace().collect();
    let weekdays = words
        .first()
        .filter(|word| word.starts_with(|c: char| c.is_ascii_uppercase()))
        .copied();
    if weekdays.is_some() {
        words.remove(0);
    }
    let (date, time, zone) = match words.as_slice() {
        [date, time] => (*date, *time, None),
        [date, time, zone] => (*date, *time, Some(*zone)),
        _ => return None,
    };
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let mut parts = time.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    if year != "*" || second != "00" {
        return None;
    }
    let (minute, hour) = (field(minute, 59)?, field(hour, 23)?);
    let (day, month) = (field(day, 31)?, field(month, 12)?);
    let days_of_week = match weekdays {
        Some(names) => Some(days(names)?),
        None => None,
    };
    // Cron starts it when either fits, where a calendar wants both.
    let (weekday, test) = match days_of_week {
        Some(days) if day != "*" => {
            let tests: Vec<String> = days
                .iter()
                .map(|day| format!("[ \"$(date +\\%u)\" = {day} ]"))
                .collect();
            let test = if let [test] = tests.as_slice() {
                test.clone()
            } else {
                format!("{{ {}; }}", tests.join(" || "))
            };
            ("*".to_owned(), Some(test))
        }
        Some(days) => (
            days.iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(","),
            None,
        ),
        None => ("*".to_owned(), None),
    };
    Some(Fields {
        text: format!("{minute} {hour} {day} {month} {weekday}"),
        test,
        note: zone.map(|zone| format!("The next line means the clock of {zone}; `CRON_TZ={zone}` says so where cron knows it.")),
    })
}

/// Numbers of a calendar as cron writes them.
fn field(text: &str, high: u32) -> Option<String> {
    if text == "*" {
        return Some("*".to_owned());
    }
    let number = |text: &str| text.parse::<u32>().ok().filter(|number| *number <= high);
    let mut parts = Vec::new();
    for part in text.split(',') {
        parts.push(if let Some((from, to)) = part.split_once("..") {
            format!("{}-{}", number(from)?, number(to)?)
        } else if let Some((from, step)) = part.split_once('/') {
            let step = step.parse::<u32>().ok()?;
            match number(from)? {
                0 => format!("*/{step}"),
                from => format!("{from}-{high}/{step}"),
            }
        } else {
            number(part)?.to_string()
        });
    }
    Some(parts.join(","))
}

/// Weekdays by number, Monday the first.
fn days(text: &str) -> Option<Vec<usize>> {
    let day = |name: &str| {
        ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
            .iter()
            .position(|day| *day == name)
            .map(|at| at + 1)
    };
    let mut found = Vec::new();
    for part in text.split(',') {
        match part.split_once("..") {
            Some((from, to)) => found.extend(day(from)?..=day(to)?),
            None => found.push(day(part)?),
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::import::{Around, cron::jobs, shell};

    fn task(schedule: &str, words: &[&str]) -> Task {
        Task {
            name: "notes".to_owned(),
            commands: vec![words.iter().map(|word| (*word).to_owned()).collect()],
            starts: vec![Start {
                schedules: vec![schedule.to_owned()],
                ..Start::default()
            }],
            ..Task::default()
        }
    }

    #[test]
    fn times_are_said_as_cron_does() {
        for (schedule, wanted) in [
            ("*-*-* 02:30:00", Some("30 2 * * *")),
            ("Mon..Fri *-*-* 18:30:00", Some("30 18 * * 1,2,3,4,5")),
            ("Mon,Sun *-*-* 00/6:05:00", Some("5 */6 * * 1,7")),
            ("*-01,04-01..07 *:10/20:00", Some("10-59/20 * 1-7 1,4 *")),
            (
                "Fri *-*-01..07 03:00:00",
                Some("0 3 1-7 * * [ \"$(date +\\%u)\" = 5 ] &&"),
            ),
            (
                "Sat,Sun *-*-01 03:00:00",
                Some("0 3 1 * * { [ \"$(date +\\%u)\" = 6 ] || [ \"$(date +\\%u)\" = 7 ]; } &&"),
            ),
            ("every 15m", Some("*/15 * * * *")),
            ("every 6h", Some("0 */6 * * *")),
            ("every 1d", Some("0 0 * * *")),
            ("every 45m", None),
            ("every 10s", None),
            ("2027-*-* 02:00:00", None),
            ("*-*~01 02:00:00", None),
            ("*-*-* 02:00:30", None),
            ("*-*-* 02:00:00 every 3 days from 2026-12-01", None),
        ] {
            let lines = lines(&task(schedule, &["a"]));
            let found = lines.iter().find(|line| !line.starts_with('#'));
            assert_eq!(
                found.cloned(),
                wanted.map(|text| format!("{text} a")),
                "{schedule}"
            );
            assert!(
                wanted.is_some() || lines.iter().any(|line| line.contains("cannot say")),
                "{lines:?}"
            );
        }
    }

    #[test]
    fn what_cron_cannot_say_is_told() {
        let task = Task {
            about: "Notes".to_owned(),
            directory: Some("/a b".to_owned()),
            env: vec![("A".to_owned(), "5%".to_owned())],
            user: Some("bob".to_owned()),
            nice: Some(10),
            ionice: Some("idle".to_owned()),
            time_limit: Some("1h 30m".to_owned()),
            when: vec!["unmetered".to_owned()],
            starts: vec![Start {
                schedules: vec!["*-*-* 02:00:00 Europe/Berlin".to_owned()],
                others: vec!["logon".to_owned(), "idle 15m".to_owned()],
                catches_up: true,
                jitter_s: 0,
            }],
            ..task("", &["rsync", "a"])
        };
        let command = "cd '/a b' && A=5\\% nice -n 10 ionice -c 3 timeout 5400 rsync a";
        let wanted = [
            "# notes: Notes".to_owned(),
            "# It runs as bob: this belongs into the crontab of bob.".to_owned(),
            "# cron cannot wait for `unmetered`.".to_owned(),
            "# cron does not catch up what was missed.".to_owned(),
            "# The next line means the clock of Europe/Berlin; `CRON_TZ=Europe/Berlin` says so where cron knows it.".to_owned(),
            format!("0 2 * * * {command}"),
            "# It started at logon; cron only knows when the machine starts.".to_owned(),
            format!("@reboot {command}"),
            "# cron cannot start it at `idle 15m`.".to_owned(),
        ];
        assert_eq!(lines(&task), wanted);
        let several = lines(&self::task("*-*-* 02:00:00", &["a", "b\nc"]));
        assert!(several[1].contains("several lines"), "{several:?}");
        assert_eq!(
            lines(&self::task("*-*-* 02:00:00", &["sh", "-c", "a | b"]))[1],
            "0 2 * * * a | b"
        );
    }

    proptest::proptest! {
        /// What is exported is imported as the same again.
        #[test]
        fn import_reads_what_export_wrote(
            mut words in proptest::collection::vec("[^\0-\u{1f}\u{7f}-\u{9f}]{0,12}", 0..5),
            value in "[ -~]{0,12}", nice in proptest::option::of(-20_i8..20), hour in 0..24,
        ) {
            words.insert(0, "program".to_owned());
            let task = Task {
                commands: vec![words.clone()],
                directory: Some("/home/a%b".to_owned()),
                env: vec![("A".to_owned(), value.clone())],
                nice,
                ..task(&format!("*-*-* {hour:02}:00:00"), &[])
            };
            let text = lines(&task).join("\n");
            let jobs = jobs(text.as_bytes(), &Around::default());
            proptest::prop_assert_eq!(jobs.len(), 1, "{}", text);
            let job = &jobs[0];
            proptest::prop_assert_eq!(&job.wrapped.command, &words, "{}", text);
            proptest::prop_assert_eq!(&job.wrapped.env, &vec![("A".to_owned(), value)]);
            proptest::prop_assert_eq!(job.wrapped.directory.as_deref(), Some("/home/a%b"));
            proptest::prop_assert_eq!(job.wrapped.nice, nice);
            proptest::prop_assert_eq!(&job.on, &vec![format!("0 {hour} * * *")]);
        }
    }

    #[test]
    fn typed_words_need_no_variables() {
        let words = ["a", "$HOME", "~", "*"].map(str::to_owned);
        let plain = shell::plain(&shell::typed(&words), &BTreeMap::new());
        assert_eq!(plain.unwrap().words, words);
    }
}
