//! What somebody's crontab lines and timers would become, from their texts.
//!
//! Nothing here reads a file or starts a program: texts come in, [`Job`]s go out. Whether a schedule can be read is for the
//! manager to say, which reads cron's and systemd's.

pub mod comment;
pub mod cron;
pub mod shell;
pub mod systemd;
mod systemd_text;
pub mod wrapped;

use std::collections::BTreeMap;

pub use self::wrapped::Wrapped;
use crate::recognise::{file_name, innermost};

/// What must be known to understand a text.
#[derive(Debug, Clone, Copy, Default)]
pub struct Around<'a> {
    /// The user's home directory.
    pub home: Option<&'a str>,
    /// The user's name.
    pub user: &'a str,
    /// The user may work with anybody's rights.
    pub root: bool,
    /// The names of all users, by which a crontab with a column for them is known.
    pub users: &'a [String],
    /// Names of programs, each with the recipe that knows it.
    pub programs: &'a [(String, String)],
}

/// Something that starts by itself, and what it would become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Where it stands.
    pub origin: Origin,
    /// What the item would be called.
    pub name: String,
    /// What starts it, in the words of a rule.
    pub on: Vec<String>,
    /// What must hold, in the words of a rule.
    pub when: Vec<String>,
    /// How old a missed time may be to be caught up; absent: as usual.
    pub catch_up: Option<String>,
    /// By how much it starts later at most.
    pub jitter: Option<String>,
    /// What it runs.
    pub wrapped: Wrapped,
    /// Why it cannot be imported, as a fragment; the rest then is as good as it can be.
    pub obstacle: Option<String>,
}

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A line of a crontab.
    Line {
        /// Its number, from 1.
        number: usize,
        /// Its bytes, without its end.
        bytes: Vec<u8>,
    },
    /// A timer of systemd.
    Timer {
        /// Its unit, with `.timer`.
        unit: String,
    },
}

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Lines of cron.
    Crontab,
    /// A timer of systemd.
    Timer,
    /// Another unit of systemd.
    Unit,
}

/// Tells what a text is from what stands in it.
#[must_use]
pub fn kind_of(text: &[u8]) -> Kind {
    let text = String::from_utf8_lossy(text);
    let section = |name: &str| text.lines().any(|line| line.trim() == name);
    if section("[Timer]") {
        Kind::Timer
    } else if section("[Unit]") || section("[Service]") || section("[Install]") {
        Kind::Unit
    } else {
        Kind::Crontab
    }
}

/// Locks that only one job takes are not needed: an item never runs twice at once. Those that several take stay where they
/// were.
pub fn settle_locks(jobs: &mut [Job]) {
    let mut users: BTreeMap<String, usize> = BTreeMap::new();
    for lock in jobs.iter().filter_map(|job| job.wrapped.lock.as_ref()) {
        *users.entry(lock.file.clone()).or_default() += 1;
    }
    for job in jobs {
        let Some(lock) = &job.wrapped.lock else {
            continue;
        };
        if users.get(&lock.file).is_some_and(|users| *users > 1) {
            let inner = std::mem::take(&mut job.wrapped.command);
            job.wrapped.command = lock.words.iter().cloned().chain(inner).collect();
            job.wrapped.lock = None;
        } else {
            let remark = "`flock` is not needed: an item never runs twice at once".to_owned();
            job.wrapped.remarks.push(remark);
        }
    }
}

/// Gives every job a name of its own.
pub fn settle_names(jobs: &mut [Job]) {
    let mut used: Vec<String> = Vec::new();
    // What runs the same is the same item.
    let mut known: Vec<(serde_json::Map<String, serde_json::Value>, String)> = Vec::new();
    for job in jobs {
        let arguments = job.wrapped.arguments();
        if let Some((_, name)) = known.iter().find(|(same, _)| *same == arguments) {
            job.name.clone_from(name);
            continue;
        }
        let mut name = job.name.clone();
        let mut number = 2;
        while used.iter().any(|other| other.eq_ignore_ascii_case(&name)) {
            name = format!("{}-{number}", job.name);
            number += 1;
        }
        used.push(name.clone());
        known.push((arguments, name.clone()));
        job.name = name;
    }
}

/// Most characters of a name that is made up.
const MAX_NAME: usize = 40;
/// Programs of which the first word says what they do.
const WITH_VERBS: &[&str] = &[
    "restic",
    "rclone",
    "borg",
    "git",
    "vdirsyncer",
    "aws",
    "docker",
    "podman",
    "rustic",
    "kopia",
];
/// Programs that run a file that says what they do.
const INTERPRETERS: &[&str] = &[
    "sh", "bash", "dash", "zsh", "python", "python3", "perl", "ruby", "node", "php",
];

/// A name for what a command does: its program, and what it does with what.
fn name_of(wrapped: &Wrapped) -> String {
    let line: Vec<String>;
    let words = if wrapped.shell {
        let text = wrapped.command.last().map_or("", String::as_str);
        // Where it works says little of what it does.
        let text = match text.split_once("&&") {
            Some((first, rest)) if first.trim_start().starts_with("cd ") => rest,
            _ => text,
        };
        line = text
            .split(|c: char| c.is_whitespace() || "|&;<>()`\"'$".contains(c))
            .filter(|word| {
                !word.is_empty()
                    && !["cd", "[", "test", "if", "then", "set", "-x", "-e"].contains(word)
            })
            .map(str::to_owned)
            .collect();
        innermost(&line)
    } else {
        innermost(&wrapped.command)
    };
    let (program, rest) = words
        .split_first()
        .map_or(("command", &[][..]), |(first, rest)| (first.as_str(), rest));
    let mut program = file_name(program);
    let plain = |word: &&String| !word.starts_with('-');
    if INTERPRETERS.contains(&program)
        && let Some(script) = rest.iter().find(plain)
    {
        program = file_name(script);
    }
    let stem = match program.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && ending.len() <= 4 => stem,
        _ => program,
    };
    let mut name = clean(stem);
    if WITH_VERBS.contains(&stem)
        && let Some(verb) = rest
            .iter()
            .find(plain)
            .filter(|verb| verb.bytes().all(|byte| byte.is_ascii_lowercase()))
    {
        name = format!("{name}-{verb}");
    }
    // The first place that it names tells it from others.
    let place = rest
        .iter()
        .filter(plain)
        .filter(|word| word.contains('/') && !word.contains("://"))
        .map(|word| clean(file_name(word)))
        .find(|place| !place.is_empty() && *place != name && *place != clean(program));
    if !wrapped.shell
        && let Some(place) = place
    {
        name = format!("{name}-{place}");
    }
    name.chars().take(MAX_NAME).collect()
}

/// Only letters, digits and hyphens, in lower case.
fn clean(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || c == '_' {
                c
            } else {
                '-'
            }
        })
        .flat_map(char::to_lowercase)
        .collect();
    text.trim_matches('-').to_owned()
}

/// A span in seconds as rules write it: `1h 30m`.
fn span(seconds: u64) -> String {
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (unit, length) in [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)] {
        if rest >= length {
            parts.push(format!("{}{unit}", rest / length));
            rest %= length;
        }
    }
    if parts.is_empty() {
        "0s".to_owned()
    } else {
        parts.join(" ")
    }
}
