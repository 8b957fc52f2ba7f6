//! Tasks as units (systemd.timer(5), systemd.service(5)).

use super::{Task, interval, one_line, without_commands};
use crate::import::shell;

/// The texts of a task's units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Units {
    /// The service; absent: the task cannot run without syncmgr, and `notes` say what comes nearest.
    pub service: Option<String>,
    /// The timer; absent: nothing of what starts it can be said in one.
    pub timer: Option<String>,
    /// What is different without us, as sentences.
    pub notes: Vec<String>,
}

/// Writes the units of a task. `unit` is what they are called, without an ending.
#[must_use]
pub fn units(task: &Task, unit: &str) -> Units {
    let mut notes = task.notes.clone();
    if task.commands.is_empty() {
        notes.push(without_commands(task));
        return Units {
            service: None,
            timer: None,
            notes,
        };
    }
    let mut conditions = String::new();
    for condition in &task.when {
        match condition.split_once(' ') {
            None if condition == "mains" => conditions += "ConditionACPower=true\n",
            Some(("mounted", path)) if path.starts_with('/') => {
                conditions.extend(["ConditionPathIsMountPoint=", &path.replace('%', "%%"), "\n"]);
            }
            _ => notes.push(format!("systemd cannot wait for `{condition}`.")),
        }
    }
    let (timer, at_logon) = timer(task, &mut notes);
    let mut service = format!("[Unit]\nDescription={}\n{conditions}", description(task));
    service += "\n[Service]\nType=oneshot\n";
    for words in &task.commands {
        service.extend(["ExecStart=", &exec(words), "\n"]);
    }
    if let Some(directory) = &task.directory {
        service.extend(["WorkingDirectory=", &directory.replace('%', "%%"), "\n"]);
    }
    for (name, value) in &task.env {
        // Variables are not put in here, unlike in commands.
        let setting = quoted(&format!("{name}={value}"), false);
        service.extend(["Environment=", &setting, "\n"]);
    }
    if let Some(user) = &task.user {
        service.extend(["User=", user, "\n"]);
        notes.push("User= works in units of the whole machine alone.".to_owned());
    }
    if let Some(nice) = task.nice {
        service.extend(["Nice=", &nice.to_string(), "\n"]);
    }
    if let Some(class) = &task.ionice {
        let (class, level) = class
            .split_once(':')
            .map_or((class.as_str(), None), |(class, level)| {
                (class, Some(level))
            });
        service.extend(["IOSchedulingClass=", class, "\n"]);
        if let Some(level) = level {
            service.extend(["IOSchedulingPriority=", level, "\n"]);
        }
    }
    match &task.time_limit {
        Some(limit) => service.extend(["TimeoutStartSec=", limit, "\n"]),
        None => service += "TimeoutStartSec=infinity\n",
    }
    if at_logon {
        service += "\n[Install]\nWantedBy=default.target\n";
    }
    let comments: String = notes
        .iter()
        .map(|note| format!("# {}\n", one_line(note)))
        .collect();
    let timer = timer.map(|timer| {
        format!(
            "[Unit]\nDescription=Starts {unit}.service\n\n[Timer]\n{timer}\n[Install]\nWantedBy=timers.target\n"
        )
    });
    Units {
        service: Some(format!("{comments}{service}")),
        timer,
        notes,
    }
}

/// The settings of its timer, and whether it starts at logon as well.
fn timer(task: &Task, notes: &mut Vec<String>) -> (Option<String>, bool) {
    let mut text = String::new();
    let mut at_logon = false;
    let (mut persistent, mut jitter) = (false, 0);
    for start in &task.starts {
        for schedule in &start.schedules {
            if let Some(seconds) = interval(schedule) {
                let span = seconds.to_string();
                text.extend(["OnActiveSec=", &span, "\nOnUnitInactiveSec=", &span, "\n"]);
                continue;
            }
            for piece in schedule.split("; ") {
                if piece.contains(" from ") {
                    notes.push(format!("systemd cannot say `{piece}`."));
                    continue;
                }
                text.extend(["OnCalendar=", piece, "\n"]);
                persistent |= start.catches_up;
                jitter = jitter.max(start.jitter_s);
            }
        }
        for other in &start.others {
            if other == "logon" {
                at_logon = true;
            } else {
                notes.push(format!("A timer cannot start it at `{other}`."));
            }
        }
    }
    if task.starts.is_empty() {
        notes.push("Nothing starts it by itself.".to_owned());
    }
    if text.is_empty() {
        return (None, at_logon);
    }
    if persistent {
        text += "Persistent=true\n";
    }
    if jitter > 0 {
        text.extend([
            "RandomizedDelaySec=",
            &jitter.to_string(),
            "\nFixedRandomDelay=true\n",
        ]);
    }
    (Some(text), at_logon)
}

fn description(task: &Task) -> String {
    let about = if task.about.is_empty() {
        &task.name
    } else {
        &task.about
    };
    one_line(about).replace('%', "%%")
}

/// A command line.
fn exec(words: &[String]) -> String {
    let Some((program, rest)) = words.split_first() else {
        return String::new();
    };
    let plain = |c: char| c.is_alphanumeric() || "-_./+,=".contains(c);
    let mut line = if program.chars().all(plain)
        && !program.starts_with(['-', '+', '='])
        && !program.is_empty()
    {
        program.clone()
    } else {
        // systemd takes no quotes in the name of a program.
        format!(
            "/bin/sh -c {} {}",
            quoted("exec \"$0\" \"$@\"", true),
            quoted(program, true)
        )
    };
    for word in rest {
        line.push(' ');
        line += &quoted(word, true);
    }
    line
}

/// A word in quotes where it needs them. `variables`: a `$` would be one.
fn quoted(word: &str, variables: bool) -> String {
    let mut out = String::new();
    let mut plain = !word.is_empty() && word != ";";
    for letter in word.chars() {
        match letter {
            '%' => out += "%%",
            '$' if variables => out += "$$",
            '"' | '\\' => {
                plain = false;
                out.push('\\');
                out.push(letter);
            }
            '\n' => {
                plain = false;
                out += "\\n";
            }
            '\t' => {
                plain = false;
                out += "\\t";
            }
            '\r' => {
                plain = false;
                out += "\\r";
            }
            letter => {
                plain &= !letter.is_whitespace() && letter != '\'';
                out.push(letter);
            }
        }
    }
    if plain { out } else { format!("\"{out}\"") }
}

/// The command of a task as a person types it.
#[must_use]
pub(super) fn typed(words: &[String]) -> String {
    shell::typed(words)
}

#[cfg(test)]
mod tests {
    use super::super::Start;
    use super::*;
    use crate::import::systemd::{TimerText, job};
    use crate::import::{Around, Origin};

    fn task(words: &[&str]) -> Task {
        Task {
            name: "notes".to_owned(),
            commands: vec![words.iter().map(|word| (*word).to_owned()).collect()],
            ..Task::default()
        }
    }

    #[test]
    fn a_task_with_everything() {
        let task = Task {
            about: "Notes, 100%".to_owned(),
            directory: Some("/home/ada".to_owned()),
            env: vec![("A".to_owned(), "b $c \"d\" 5%".to_owned())],
            nice: Some(10),
            ionice: Some("best-effort:7".to_owned()),
            time_limit: Some("1h".to_owned()),
            starts: vec![Start {
                schedules: vec![
                    "*-*-* 02:00:00; Mon *-*-* 12:00:00".to_owned(),
                    "every 1h 30m".to_owned(),
                ],
                others: vec!["logon".to_owned(), "idle 15m".to_owned()],
                catches_up: true,
                jitter_s: 600,
            }],
            when: ["mains", "mounted /mnt/a", "unmetered"]
                .map(str::to_owned)
                .to_vec(),
            ..task(&["rsync", "-a", "a b", "$x", "5%"])
        };
        let units = units(&task, "notes");
        assert_eq!(
            units.service.unwrap(),
            "# systemd cannot wait for `unmetered`.\n# A timer cannot start it at `idle 15m`.\n\
             [Unit]\nDescription=Notes, 100%%\nConditionACPower=true\nConditionPathIsMountPoint=/mnt/a\n\n\
             [Service]\nType=oneshot\nExecStart=rsync -a \"a b\" $$x 5%%\nWorkingDirectory=/home/ada\n\
             Environment=\"A=b $c \\\"d\\\" 5%%\"\nNice=10\nIOSchedulingClass=best-effort\nIOSchedulingPriority=7\n\
             TimeoutStartSec=1h\n\n[Install]\nWantedBy=default.target\n"
        );
        assert_eq!(
            units.timer.unwrap(),
            "[Unit]\nDescription=Starts notes.service\n\n[Timer]\nOnCalendar=*-*-* 02:00:00\nOnCalendar=Mon *-*-* 12:00:00\n\
             OnActiveSec=5400\nOnUnitInactiveSec=5400\nPersistent=true\nRandomizedDelaySec=600\nFixedRandomDelay=true\n\n\
             [Install]\nWantedBy=timers.target\n"
        );
    }

    #[test]
    fn what_needs_us_is_told() {
        let pair = serde_json::json!({"left": "/a b", "right": "/c"});
        let pair = Task::folders("notes", pair.as_object().unwrap());
        let units = units(&pair, "notes");
        assert_eq!((units.service, units.timer), (None, None));
        assert!(
            units.notes[0].ends_with("unison '/a b' /c -batch -auto"),
            "{:?}",
            units.notes
        );
        let git = serde_json::json!({"recipe": "git", "tree": "/x"});
        let catalogue = crate::Catalogue::load(std::path::Path::new("/nowhere"));
        let git = Task::of_tools("x", git.as_object().unwrap(), &catalogue, None);
        assert!(super::units(&git, "x").notes[0].contains("knows no `tree`"));
        let odd = Task {
            starts: vec![Start {
                schedules: vec!["*-*-* 02:00:00 every 3 days from 2026-12-01".to_owned()],
                ..Start::default()
            }],
            ..task(&["/odd name", "x"])
        };
        let units = super::units(&odd, "notes");
        assert_eq!(units.timer, None);
        assert!(units.notes[0].contains("every 3 days"));
        assert!(
            units.service.unwrap().contains(
                "ExecStart=/bin/sh -c \"exec \\\"$$0\\\" \\\"$$@\\\"\" \"/odd name\" x\n"
            )
        );
    }

    proptest::proptest! {
        /// What is exported is imported as the same again.
        #[test]
        fn import_reads_what_export_wrote(
            mut words in proptest::collection::vec("[^\0\u{1}-\u{8}\u{b}\u{c}\u{e}-\u{1f}\u{7f}-\u{9f}\u{2028}\u{2029}]{0,12}", 0..5),
            value in "[ -~]{0,12}", nice in proptest::option::of(-20_i8..20), hour in 0..24,
        ) {
            words.insert(0, "program".to_owned());
            let task = Task {
                commands: vec![words.clone()],
                directory: Some("/home/a%b".to_owned()),
                env: vec![("A".to_owned(), value.clone())],
                nice,
                starts: vec![Start {
                    schedules: vec![format!("*-*-* {hour:02}:00:00")],
                    catches_up: true,
                    jitter_s: 90,
                    ..Start::default()
                }],
                when: vec!["mains".to_owned()],
                ..Task::default()
            };
            let units = units(&task, "x");
            let (timer, service) = (units.timer.unwrap(), units.service.unwrap());
            let text = TimerText { unit: "x.timer", timer: &timer, service: Some(&service), system: false };
            let job = job(text, &Around::default());
            proptest::prop_assert_eq!(job.obstacle, None, "{}", service);
            proptest::prop_assert_eq!(job.origin, Origin::Timer { unit: "x.timer".to_owned() });
            proptest::prop_assert_eq!(job.wrapped.command, words);
            proptest::prop_assert_eq!(job.wrapped.env, vec![("A".to_owned(), value)]);
            proptest::prop_assert_eq!(job.wrapped.directory.as_deref(), Some("/home/a%b"));
            proptest::prop_assert_eq!(job.wrapped.nice, nice);
            proptest::prop_assert_eq!(job.on, vec![format!("*-*-* {hour:02}:00:00")]);
            proptest::prop_assert_eq!(job.when, vec!["mains".to_owned()]);
            proptest::prop_assert_eq!((job.catch_up, job.jitter.as_deref()), (None, Some("1m 30s")));
        }
    }
}
