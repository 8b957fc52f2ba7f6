//! Lines of crontab(5).

use std::collections::BTreeMap;

use super::comment::split_end;
use super::{Around, Job, Origin, Wrapped, name_of, settle_locks, settle_names, shell, wrapped};

/// Most lines of a crontab that are looked at.
pub const MAX_LINES: usize = 10_000;
/// Ends what a command reads; cut off what it reads, which then is not the same.
const END_OF_INPUT: &str = "END-OF-INPUT";
/// Programs that cron starts its lines with unless told otherwise.
const SHELL: &str = "/bin/sh";

/// A line as cron reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    Nothing,
    Set(String, String),
    Entry { schedule: String, rest: String },
    Odd(&'static str),
}

/// What a crontab would become.
#[must_use]
pub fn jobs(text: &[u8], around: &Around<'_>) -> Vec<Job> {
    let lines: Vec<&[u8]> = text
        .split_inclusive(|byte| *byte == b'\n')
        .take(MAX_LINES)
        .map(|whole| split_end(whole).0)
        .collect();
    let read: Vec<Line> = lines.iter().map(|line| read(line)).collect();
    let named_users = has_users(&read, around.users);
    let mut environment: Vec<(String, String)> = Vec::new();
    let mut jobs = Vec::new();
    for (number, (line, bytes)) in read.into_iter().zip(&lines).enumerate() {
        let origin = Origin::Line {
            number: number + 1,
            bytes: bytes.to_vec(),
        };
        match line {
            Line::Nothing => {}
            Line::Set(name, value) => {
                environment.retain(|(known, _)| *known != name);
                environment.push((name, value));
            }
            Line::Odd(why) => jobs.push(Job {
                origin,
                name: String::new(),
                on: Vec::new(),
                when: Vec::new(),
                catch_up: None,
                jitter: None,
                wrapped: Wrapped {
                    command: vec![String::from_utf8_lossy(bytes).into_owned()],
                    ..Wrapped::default()
                },
                obstacle: Some(why.to_owned()),
            }),
            Line::Entry { schedule, rest } => {
                jobs.push(entry(
                    origin,
                    &schedule,
                    &rest,
                    named_users,
                    &environment,
                    around,
                ));
            }
        }
    }
    settle_locks(&mut jobs);
    settle_names(&mut jobs);
    jobs
}

fn read(line: &[u8]) -> Line {
    let Ok(text) = std::str::from_utf8(line) else {
        // A comment in another encoding is nobody's loss.
        return if line.trim_ascii_start().starts_with(b"#") {
            Line::Nothing
        } else {
            Line::Odd("it is not written in UTF-8")
        };
    };
    let text = text.trim_matches([' ', '\t']);
    if text.is_empty() || text.starts_with('#') {
        return Line::Nothing;
    }
    if text.contains(char::is_control) && text.chars().any(|c| c.is_control() && c != '\t') {
        return Line::Odd("it has control characters");
    }
    if let Some((name, value)) = variable(text) {
        return Line::Set(name, value);
    }
    let fields = if text.starts_with('@') { 1 } else { 5 };
    let mut rest = text;
    let mut schedule: Vec<&str> = Vec::new();
    for _ in 0..fields {
        let end = rest.find([' ', '\t']).unwrap_or(rest.len());
        let (field, after) = rest.split_at(end);
        schedule.push(field);
        rest = after.trim_start_matches([' ', '\t']);
    }
    if rest.is_empty() {
        return Line::Odd("it has no command");
    }
    Line::Entry {
        schedule: schedule.join(" "),
        rest: rest.to_owned(),
    }
}

/// `NAME = "value"`, with blanks around the sign and quotes as people like.
fn variable(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=')?;
    let unquoted = |text: &str| -> String {
        let text = text.trim_matches([' ', '\t']);
        for quote in ['"', '\''] {
            let inner = text
                .strip_prefix(quote)
                .and_then(|text| text.strip_suffix(quote));
            if let Some(inner) = inner {
                return inner.to_owned();
            }
        }
        text.to_owned()
    };
    let name = unquoted(name);
    shell::is_variable(&name).then(|| (name, unquoted(value)))
}

/// Whether the word behind the schedule is a user in every line, as in `/etc/crontab`.
fn has_users(lines: &[Line], users: &[String]) -> bool {
    let mut entries = lines
        .iter()
        .filter_map(|line| match line {
            Line::Entry { rest, .. } => Some(rest),
            _ => None,
        })
        .peekable();
    let is_user = |rest: &String| {
        rest.split_once([' ', '\t'])
            .is_some_and(|(user, _)| user == "root" || users.iter().any(|known| known == user))
    };
    entries.peek().is_some() && entries.all(is_user)
}

fn entry(
    origin: Origin,
    schedule: &str,
    rest: &str,
    named_users: bool,
    environment: &[(String, String)],
    around: &Around<'_>,
) -> Job {
    let mut obstacle = None;
    let mut owner = None;
    let mut rest = rest;
    if named_users && let Some((user, command)) = rest.split_once([' ', '\t']) {
        rest = command.trim_start_matches([' ', '\t']);
        if user != around.user {
            owner = Some(user.to_owned());
            if !around.root {
                obstacle = Some(format!(
                    "it runs as {user}, and you are {}: import it as root (`sudo syncmgr import …`)",
                    around.user
                ));
            }
        }
    }
    let setting = |name: &str| {
        environment
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    };
    // Somebody else's home is not known here; the lines that name it are left to their shell.
    let home = setting("HOME").or(around.home.filter(|_| owner.is_none()));
    let mut variables: BTreeMap<String, String> = environment.iter().cloned().collect();
    variables.remove("HOME");
    if let Some(home) = home {
        variables.insert("HOME".to_owned(), home.to_owned());
    }
    let (command, input) = percent(rest);
    let shell = setting("SHELL").unwrap_or(SHELL);
    let mut wrapped = match &input {
        None => wrapped::line(&command, shell, &variables, around),
        Some(input) => {
            let mut end = END_OF_INPUT.to_owned();
            while input.lines().any(|line| line == end) {
                end.push('-');
            }
            let newline = if input.ends_with('\n') { "" } else { "\n" };
            let line = format!("{{ {command}\n}} <<'{end}'\n{input}{newline}{end}\n");
            Wrapped {
                command: vec![shell.to_owned(), "-c".to_owned(), line],
                shell: true,
                remarks: vec!["a shell runs it, for what it reads behind `%`".to_owned()],
                ..Wrapped::default()
            }
        }
    };
    let name = match &input {
        None => name_of(&wrapped),
        Some(_) => name_of(&wrapped::line(&command, shell, &variables, around)),
    };
    let base = home.map(str::to_owned);
    wrapped.directory = match (wrapped.directory.take(), base) {
        (Some(directory), Some(base)) if !directory.starts_with('/') => {
            Some(format!("{base}/{directory}"))
        }
        (Some(directory), _) => Some(directory),
        (None, base) => base,
    };
    wrapped.user = owner;
    let mut zone = None;
    let mut jitter = None;
    let mut inherited: Vec<(String, String)> = Vec::new();
    for (name, value) in environment {
        match name.as_str() {
            "SHELL" | "LOGNAME" | "USER" | "MAILFROM" | "CRONDIR" | "CONTENT_TYPE" | "CONTENT_TRANSFER_ENCODING" => {}
            "HOME" if Some(value.as_str()) == around.home => {}
            "MAILTO" if value.is_empty() => {}
            "MAILTO" => wrapped.remarks.push(format!(
                "nothing is mailed to {value}: syncmgr keeps the output, and tells of failures (docs/hooks.md)"
            )),
            "CRON_TZ" => zone = Some(value.clone()),
            // cronie: so many minutes at most.
            "RANDOM_DELAY" => jitter = value.parse::<u64>().ok().filter(|n| *n > 0).map(|n| format!("{n}m")),
            _ => inherited.push((name.clone(), value.clone())),
        }
    }
    for (name, value) in inherited {
        if !wrapped.env.iter().any(|(known, _)| *known == name) {
            wrapped.env.push((name, value));
        }
    }
    let mut on = schedule.to_owned();
    if schedule.eq_ignore_ascii_case("@reboot") {
        "logon".clone_into(&mut on);
        wrapped
            .remarks
            .push("it starts when you log on, and not already when the machine does".to_owned());
    } else if schedule.contains(['~', 'H']) && !schedule.starts_with('@') && schedule.contains('~')
    {
        obstacle = obstacle.or_else(|| {
            Some(
                "its time is drawn by lot (`~`): write a time, and give the rule `--jitter`"
                    .to_owned(),
            )
        });
    } else if let Some(zone) = zone {
        on = format!("CRON_TZ={zone} {on}");
    }
    Job {
        origin,
        name,
        on: vec![on],
        when: Vec::new(),
        catch_up: None,
        jitter,
        wrapped,
        obstacle,
    }
}

/// The command, and what it reads: an unescaped `%` ends a line, the first one the command.
fn percent(text: &str) -> (String, Option<String>) {
    let mut command = String::new();
    let mut input: Option<String> = None;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let into = input.as_mut().unwrap_or(&mut command);
        match letter {
            '\\' if letters.peek() == Some(&'%') => {
                into.push('%');
                letters.next();
            }
            '%' => match &mut input {
                Some(input) => input.push('\n'),
                None => input = Some(String::new()),
            },
            letter => into.push(letter),
        }
    }
    (command, input)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_as(text: &str, user: &str, root: bool) -> Vec<Job> {
        let users = ["root", "ada", "backup"].map(str::to_owned);
        let programs = [("rsync".to_owned(), "rsync".to_owned())];
        let around = Around {
            home: Some("/home/ada"),
            user,
            root,
            users: &users,
            programs: &programs,
        };
        jobs(text.as_bytes(), &around)
    }

    fn one(text: &str) -> Job {
        let mut jobs = read_as(text, "ada", false);
        assert_eq!(jobs.len(), 1, "{text}: {jobs:?}");
        jobs.remove(0)
    }

    #[test]
    fn a_line_is_a_schedule_and_a_command() {
        let job = one(
            "# my notes\n\n 30 2\t* * 1-5  rsync -a --delete $HOME/notes nas:/backup >> /tmp/notes.log 2>&1\n",
        );
        assert_eq!(job.on, ["30 2 * * 1-5"]);
        assert_eq!(
            job.wrapped.command,
            ["rsync", "-a", "--delete", "/home/ada/notes", "nas:/backup"]
        );
        assert_eq!(job.name, "rsync-notes");
        assert_eq!(job.wrapped.like.as_deref(), Some("rsync"));
        assert_eq!(job.wrapped.deletes.as_deref(), Some("--delete"));
        assert_eq!(job.wrapped.directory.as_deref(), Some("/home/ada"));
        assert_eq!(job.wrapped.remarks, ["its output is kept by syncmgr"]);
        assert_eq!(job.obstacle, None);
        let Origin::Line { number, bytes } = job.origin else {
            panic!("a line");
        };
        assert_eq!((number, bytes.first()), (3, Some(&b' ')));
    }

    #[test]
    fn settings_count_from_where_they_stand() {
        let text = "0 1 * * * a\nPATH = /opt/bin:/bin\nMAILTO=\"ada@example.org\"\nSHELL=/bin/bash\nCRON_TZ=Europe/Berlin\n\
                    RANDOM_DELAY=45\nA='b c'\n0 2 * * * B=c b | c\nA=d\nMAILTO=\"\"\n0 3 * * * cd x && c";
        let jobs = read_as(text, "ada", false);
        assert!(jobs[0].wrapped.env.is_empty() && jobs[0].on == ["0 1 * * *"]);
        let second = &jobs[1];
        assert_eq!(second.on, ["CRON_TZ=Europe/Berlin 0 2 * * *"]);
        assert_eq!(second.jitter.as_deref(), Some("45m"));
        assert_eq!(second.wrapped.command, ["/bin/bash", "-c", "B=c b | c"]);
        assert_eq!(
            second.wrapped.env,
            [("PATH", "/opt/bin:/bin"), ("A", "b c")].map(|(a, b)| (a.to_owned(), b.to_owned()))
        );
        assert!(
            second
                .wrapped
                .remarks
                .iter()
                .any(|remark| remark.contains("ada@example.org"))
        );
        assert_eq!(jobs[2].wrapped.directory.as_deref(), Some("/home/ada/x"));
        assert!(
            jobs[2]
                .wrapped
                .env
                .contains(&("A".to_owned(), "d".to_owned()))
        );
        assert!(jobs[2].wrapped.remarks.is_empty());
    }

    #[test]
    fn a_percent_sign_is_what_cron_makes_of_it() {
        let job = one("@daily date +\\%F");
        assert_eq!(job.wrapped.command, ["date", "+%F"]);
        let job = one("@daily mail -s x ada%Dear Ada,%%100\\% done%");
        assert_eq!(
            job.wrapped.command,
            [
                "/bin/sh",
                "-c",
                "{ mail -s x ada\n} <<'END-OF-INPUT'\nDear Ada,\n\n100% done\nEND-OF-INPUT\n"
            ]
        );
        assert_eq!(job.name, "mail");
    }

    #[test]
    fn a_column_of_users_is_known_by_its_users() {
        let text = "17 * * * * root cd / && run-parts /etc/cron.hourly\n0 1 * * * ada a\n";
        let jobs = read_as(text, "ada", false);
        assert!(
            jobs[0]
                .obstacle
                .as_ref()
                .unwrap()
                .contains("it runs as root")
        );
        assert_eq!(jobs[0].wrapped.command, ["run-parts", "/etc/cron.hourly"]);
        assert_eq!(jobs[1].wrapped.command, ["a"]);
        assert_eq!(jobs[1].obstacle, None);
        let jobs = read_as(text, "root", true);
        assert_eq!(jobs[1].wrapped.user.as_deref(), Some("ada"));
        assert_eq!(jobs[1].obstacle, None);
        // One line that names nobody: then it is a command in all.
        let jobs = read_as("0 1 * * * backup now\n0 2 * * * other x\n", "ada", false);
        assert_eq!(jobs[0].wrapped.command, ["backup", "now"]);
    }

    #[test]
    fn what_cannot_be_imported_says_why() {
        for text in [
            "0 3 * * *",
            "@daily",
            "x",
            "0~30 3 * * * a",
            "0 3 * * * a\u{1b}[m",
        ] {
            assert!(one(text).obstacle.is_some(), "{text}");
        }
        assert!(jobs(b"# caf\xe9\n", &Around::default()).is_empty());
        assert!(
            jobs(b"0 3 * * * caf\xe9\n", &Around::default())[0]
                .obstacle
                .is_some()
        );
        let job = one("@reboot a");
        assert_eq!(job.on, ["logon"]);
        assert_eq!(job.wrapped.remarks.len(), 1);
    }

    #[test]
    fn names_say_what_a_command_does() {
        for (line, name) in [
            ("cd /srv/app && tick | cat", "tick"),
            ("restic -r /srv/repo backup /home/ada", "restic-repo"),
            ("restic backup /home/ada", "restic-backup-ada"),
            ("/usr/local/bin/backup-home.sh --fast", "backup-home"),
            ("python3 /opt/Sync_Mail.py", "sync_mail"),
            ("/bin/true", "true"),
            ("a; b", "a"),
        ] {
            assert_eq!(one(&format!("@daily {line}")).name, name, "{line}");
        }
    }

    #[test]
    fn names_and_locks_are_settled_among_all() {
        let text = "0 1 * * * flock -n /x rsync a/n b\n0 2 * * * flock -n /x rsync a/n c\n0 3 * * * flock -n /y d\n0 4 * * * d\n";
        let jobs = read_as(text, "ada", false);
        let names: Vec<&str> = jobs.iter().map(|job| job.name.as_str()).collect();
        assert_eq!(
            names,
            ["rsync-n", "rsync-n-2", "d", "d"],
            "the same command is the same item"
        );
        assert_eq!(jobs[0].wrapped.command[..3], ["flock", "-n", "/x"]);
        assert_eq!(jobs[2].wrapped.command, ["d"]);
        assert_eq!(jobs[2].wrapped.remarks.len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd(text in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let _jobs = jobs(&text, &Around::default());
        }
    }
}
