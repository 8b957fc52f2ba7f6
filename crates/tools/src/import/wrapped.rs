//! What a command becomes: its words, and as settings what stood around it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Around;
use super::shell::{self, assignment};
use crate::recognise::{deletes, file_name, recognise};

/// A command that an item wraps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wrapped {
    /// Its words; of a line that needs a shell that shell's.
    pub command: Vec<String>,
    /// It is a line for a shell, which cannot be looked into.
    pub shell: bool,
    /// The recipe that knows what the program prints.
    pub like: Option<String>,
    /// Its working directory.
    pub directory: Option<String>,
    /// Its variables, beside those of the manager.
    pub env: Vec<(String, String)>,
    /// Whose rights it has; absent: one's own.
    pub user: Option<String>,
    /// How nice it is.
    pub nice: Option<i8>,
    /// Its class of input and output, such as `idle` or `best-effort:7`.
    pub ionice: Option<String>,
    /// How long it may take, such as `1h`.
    pub time_limit: Option<String>,
    /// What makes it delete on its target.
    pub deletes: Option<String>,
    /// The file by which `flock` kept it from running twice; see [`super::settle_locks`].
    pub lock: Option<Lock>,
    /// What a person should know of what was changed.
    pub remarks: Vec<String>,
}

/// A lock that was taken off a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// The file.
    pub file: String,
    /// The words that were taken off.
    pub words: Vec<String>,
}

impl Wrapped {
    /// What an item of the handler is defined with.
    #[must_use]
    pub fn arguments(&self) -> Map<String, Value> {
        let mut arguments = Map::new();
        let mut put = |name: &str, value: Value| arguments.insert(name.to_owned(), value);
        put("recipe", json!("command"));
        put("command", json!(self.command));
        let texts = [
            ("like", &self.like),
            ("directory", &self.directory),
            ("user", &self.user),
            ("ionice", &self.ionice),
            ("time_limit", &self.time_limit),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                put(name, json!(text));
            }
        }
        if let Some(nice) = self.nice {
            put("nice", json!(nice));
        }
        if !self.env.is_empty() {
            let env: Map<String, Value> = self
                .env
                .iter()
                .map(|(name, value)| (name.clone(), json!(value)))
                .collect();
            put("env", Value::Object(env));
        }
        arguments
    }

    /// The command as a person would type it.
    #[must_use]
    pub fn typed(&self) -> String {
        match self.command.as_slice() {
            [_, option, line] if self.shell && option == "-c" => line.clone(),
            words => shell::typed(words),
        }
    }

    pub(super) fn set(&mut self, name: String, value: String) {
        match self.env.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.env.push((name, value)),
        }
    }
}

/// Wraps a line of a shell.
pub(super) fn line(
    line: &str,
    shell: &str,
    variables: &BTreeMap<String, String>,
    around: &Around<'_>,
) -> Wrapped {
    let mut wrapped = Wrapped::default();
    match shell::plain(line, variables) {
        Some(plain) => {
            wrapped.directory = plain.directory;
            for (name, value) in plain.assignments {
                wrapped.set(name, value);
            }
            if plain.output.is_some() {
                wrapped
                    .remarks
                    .push("its output is kept by syncmgr".to_owned());
            }
            words(&mut wrapped, plain.words, around);
        }
        None => {
            wrapped.shell = true;
            wrapped.command = vec![shell.to_owned(), "-c".to_owned(), line.to_owned()];
            let pipe = line.contains('|') && !line.contains("pipefail");
            if pipe {
                wrapped.remarks.push(
                    "a shell runs it, and of a pipeline only the last exit code counts".to_owned(),
                );
            }
        }
    }
    wrapped
}

/// Wraps words, and makes settings of what stands in front of the program.
pub(super) fn words(wrapped: &mut Wrapped, words: Vec<String>, around: &Around<'_>) {
    let mut rest = words;
    while let Some(inner) = peel(wrapped, &rest) {
        rest = inner;
    }
    wrapped.like = recognise(&rest, around.programs).map(str::to_owned);
    wrapped.deletes = deletes(&rest);
    wrapped.command = rest;
}

/// Takes one wrapper off; absent when there is none that has a setting in its place.
fn peel(wrapped: &mut Wrapped, words: &[String]) -> Option<Vec<String>> {
    let (program, rest) = words.split_first()?;
    let after = match file_name(program) {
        "nice" => nice(wrapped, rest)?,
        "ionice" => ionice(wrapped, rest)?,
        "timeout" => timeout(wrapped, rest)?,
        "flock" => flock(wrapped, words)?,
        "env" => {
            let number = rest
                .iter()
                .take_while(|word| assignment(word).is_some())
                .count();
            let (variables, after) = rest.split_at(number);
            if variables.is_empty() || after.first()?.starts_with('-') {
                return None;
            }
            for (name, value) in variables.iter().filter_map(|word| assignment(word)) {
                wrapped.set(name, value);
            }
            after
        }
        name @ ("chronic" | "cronic" | "nohup" | "exec") => {
            if matches!(name, "chronic" | "cronic") {
                wrapped.remarks.push(format!(
                    "`{name}` is not needed: output is kept by syncmgr, and shown when it fails"
                ));
            }
            rest
        }
        _ => return None,
    };
    let first = after.first()?;
    (!first.starts_with('-')).then(|| after.to_vec())
}

fn nice<'a>(wrapped: &mut Wrapped, words: &'a [String]) -> Option<&'a [String]> {
    let (first, rest) = words.split_first()?;
    let (number, after) = match first.as_str() {
        "-n" | "--adjustment" => (rest.first()?.as_str(), rest.get(1..)?),
        option if option.starts_with("--adjustment=") => {
            (option.trim_start_matches("--adjustment="), rest)
        }
        option if option.starts_with("-n") => (option.get(2..)?, rest),
        option if option.starts_with('-') => (option.get(1..)?, rest),
        _ => ("10", words),
    };
    let number: i8 = number.parse().ok()?;
    if after.is_empty() {
        return None;
    }
    wrapped.nice = Some(number.clamp(-20, 19));
    Some(after)
}

fn ionice<'a>(wrapped: &mut Wrapped, words: &'a [String]) -> Option<&'a [String]> {
    let (mut class, mut level, mut rest) = (None, None, words);
    while let Some((option, after)) = rest
        .split_first()
        .filter(|(first, _)| first.starts_with('-'))
    {
        let (value, after) = match option.as_str() {
            "-t" | "--ignore" => {
                rest = after;
                continue;
            }
            "-c" | "-n" | "--class" | "--classdata" => (after.first()?.as_str(), after.get(1..)?),
            long if long.starts_with("--") => (long.split_once('=')?.1, after),
            short => (short.get(2..)?, after),
        };
        if option.starts_with("-c") || option.starts_with("--class=") || option == "--class" {
            class = Some(value);
        } else if option.starts_with("-n") || option.starts_with("--classdata") {
            level = Some(value.parse::<u8>().ok().filter(|level| *level < 8)?);
        } else {
            return None;
        }
        rest = after;
    }
    let name = io_class(class.unwrap_or("2"))?;
    if rest.is_empty() {
        return None;
    }
    wrapped.ionice = Some(io_setting(name, level));
    Some(rest)
}

/// The name of a class of input and output, by its name or number.
pub(super) fn io_class(class: &str) -> Option<&'static str> {
    Some(match class.to_ascii_lowercase().as_str() {
        "1" | "realtime" => "realtime",
        "2" | "best-effort" => "best-effort",
        "3" | "idle" => "idle",
        _ => return None,
    })
}

pub(super) fn io_setting(class: &str, level: Option<u8>) -> String {
    match level {
        Some(level) if class != "idle" => format!("{class}:{level}"),
        _ => class.to_owned(),
    }
}

fn timeout<'a>(wrapped: &mut Wrapped, words: &'a [String]) -> Option<&'a [String]> {
    let mut rest = words;
    while let Some((option, after)) = rest
        .split_first()
        .filter(|(first, _)| first.starts_with('-'))
    {
        rest = match option.as_str() {
            "-k" | "-s" | "--kill-after" | "--signal" => after.get(1..)?,
            "-v" | "--verbose" | "--foreground" | "--preserve-status" => after,
            long if long.starts_with("--kill-after=") || long.starts_with("--signal=") => after,
            short if short.starts_with("-k") || short.starts_with("-s") => after,
            _ => return None,
        };
    }
    let (limit, after) = rest.split_first()?;
    let (number, unit) = match limit.chars().last()? {
        's' | 'm' | 'h' | 'd' => limit.split_at(limit.len() - 1),
        _ => (limit.as_str(), "s"),
    };
    let number: u64 = number.parse().ok()?;
    if after.is_empty() {
        return None;
    }
    // `timeout 0` is no limit.
    if number > 0 {
        wrapped.time_limit = Some(format!("{number}{unit}"));
    }
    Some(after)
}

fn flock<'a>(wrapped: &mut Wrapped, words: &'a [String]) -> Option<&'a [String]> {
    let mut at = 1;
    while let Some(option) = words.get(at).filter(|word| word.starts_with('-')) {
        at += match option.as_str() {
            "-w" | "-E" | "--timeout" | "--wait" | "--conflict-exit-code" => 2,
            "-n" | "-x" | "-e" | "-o" | "-F" | "--nonblock" | "--nb" | "--exclusive"
            | "--close" | "--no-fork" | "--verbose" => 1,
            _ => return None,
        };
    }
    let file = words.get(at)?;
    let after = words.get(at + 1..).filter(|after| !after.is_empty())?;
    // `flock FILE -c 'LINE'` needs its shell.
    if after.first()?.starts_with('-')
        || file.bytes().all(|byte| byte.is_ascii_digit())
        || wrapped.lock.is_some()
    {
        return None;
    }
    wrapped.lock = Some(Lock {
        file: file.clone(),
        words: words.get(..=at)?.to_vec(),
    });
    Some(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrap(text: &str) -> Wrapped {
        let programs = [("rsync".to_owned(), "rsync".to_owned())];
        let around = Around {
            programs: &programs,
            ..Around::default()
        };
        line(text, "/bin/sh", &BTreeMap::new(), &around)
    }

    #[test]
    fn what_stands_around_a_command_becomes_a_setting() {
        for text in [
            "nice -n 10 ionice -c3 timeout 1h flock -n /x rsync a b >> b.log 2>&1",
            "flock -n /x timeout --kill-after=5 1h nice ionice -c idle rsync a b",
            "ionice -c 3 -t nice -10 flock -w 5 /x timeout -s KILL 1h rsync a b",
        ] {
            let wrapped = wrap(text);
            assert_eq!(wrapped.command, ["rsync", "a", "b"], "{text}");
            assert_eq!(wrapped.nice, Some(10), "{text}");
            assert_eq!(wrapped.ionice.as_deref(), Some("idle"), "{text}");
            assert_eq!(wrapped.time_limit.as_deref(), Some("1h"), "{text}");
            assert_eq!(wrapped.lock.as_ref().unwrap().file, "/x", "{text}");
            assert_eq!(wrapped.like.as_deref(), Some("rsync"), "{text}");
        }
        let wrapped = wrap("env A=b C=d ionice -c2 -n7 a");
        assert_eq!(wrapped.ionice.as_deref(), Some("best-effort:7"));
        assert_eq!(wrapped.env.len(), 2);
        assert_eq!(wrap("chronic nohup a b").command, ["a", "b"]);
    }

    #[test]
    fn what_has_no_setting_stays() {
        for text in [
            "sudo nice a",
            "env -i A=b a",
            "nice",
            "nice -n x a",
            "ionice -p 5",
            "timeout 1.5h a",
            "timeout 5",
            "flock -u 9 a",
            "flock -s /x a",
            "nice -n 5 --x",
            "ionice -c 9 a",
            "timeout",
            "flock /x",
            "env a",
        ] {
            let wrapped = wrap(text);
            assert_eq!(shell::typed(&wrapped.command), text);
        }
        // What runs behind it is known all the same.
        assert_eq!(
            wrap("sudo nice rsync --delete a b").like.as_deref(),
            Some("rsync")
        );
        assert!(wrap("sudo nice rsync --delete a b").deletes.is_some());
    }

    #[test]
    fn a_line_for_a_shell_stays_one() {
        let wrapped = wrap("a | b");
        assert_eq!(wrapped.command, ["/bin/sh", "-c", "a | b"]);
        assert_eq!(wrapped.typed(), "a | b");
        assert!(wrapped.shell && wrapped.like.is_none());
        let arguments = Value::Object(wrap("nice A a").arguments());
        assert_eq!(
            arguments,
            json!({"recipe": "command", "command": ["A", "a"], "nice": 10})
        );
    }
}
