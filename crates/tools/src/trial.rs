//! A recipe tried out: looked through, and what was recorded of its program replayed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::catalogue::Catalogue;
use crate::inspect::{self, inspect};
use crate::output::Tail;
use crate::process::{ExitOf, Heard, Limits, Program, Reply, perform, text_of};
use crate::read::{Reading, Told};
use crate::recipe::{Class, LevelOf, OperationKind, Recipe, Stream};
use crate::recorded::{BYTES_MAX, Recording, operation_word};
use crate::refused::Refused;
use crate::replay::{Replay, replay};
use crate::script::Outcome;

/// Most recordings of a recipe that are replayed.
const RECORDINGS_MAX: usize = 200;
/// Most lines of a recording that is made.
const LINES_MAX: usize = 20_000;
/// How long a program may take that is recorded.
const TIME: Duration = Duration::from_secs(30 * 60);
/// What a recording is called that nobody named.
const NAME: &str = "run";

/// What is tried.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// The recipe.
    pub id: &'a str,
    /// Keep what comes out as what is expected from now on.
    pub accept: bool,
    /// Run the program with these words, and keep what it prints.
    pub record: Option<&'a [String]>,
    /// Where it is run.
    pub directory: &'a Path,
    /// Options that arguments cannot be called by.
    pub reserved: &'a [&'a str],
}

/// How good something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grade {
    /// As it should be.
    Good,
    /// Worth a look.
    Warning,
    /// Wrong.
    Wrong,
}

/// Something that was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How good it is.
    pub grade: Grade,
    /// What it is.
    pub text: String,
    /// More about it, line by line.
    pub lines: Vec<String>,
}

impl Finding {
    pub(crate) fn new(grade: Grade, text: impl Into<String>) -> Self {
        Self {
            grade,
            text: text.into(),
            lines: Vec::new(),
        }
    }
}

/// What came out of a recording, as it is kept beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Expected {
    /// For each line that meant something: the line, and what it meant.
    lines: Vec<(String, Vec<String>)>,
    /// How it ends.
    end: Vec<String>,
}

/// Tries a recipe of this folder, or a built-in one.
///
/// # Errors
/// [`Refused`] when there is no such recipe, or what was wanted cannot be written.
pub fn trial(folder: &Path, wish: &Wish<'_>) -> Result<Vec<Finding>, Refused> {
    let catalogue = Catalogue::load(folder);
    let file = folder.join(format!("{}.toml", wish.id));
    if let Some(broken) = catalogue.broken().find(|broken| broken.file == file) {
        let mut finding = Finding::new(
            Grade::Wrong,
            format!("{} cannot be read", broken.file.display()),
        );
        finding.lines = broken.text.lines().map(str::to_owned).collect();
        return Ok(vec![finding]);
    }
    let recipe = catalogue.get(wish.id)?;
    let mut findings = vec![Finding::new(Grade::Good, "it can be read")];
    findings.extend(inspect(recipe, wish.reserved).into_iter().map(|remark| {
        let grade = match remark.grade {
            inspect::Grade::Warning => Grade::Warning,
            inspect::Grade::Wrong => Grade::Wrong,
        };
        Finding::new(grade, remark.text)
    }));
    findings.extend(program(recipe));
    let recordings = folder.join(format!("{}.recorded", wish.id));
    if let Some(words) = wish.record {
        findings.push(record(recipe, words, wish.directory, &recordings)?);
    }
    let files = files(&recordings);
    if files.is_empty() && recipe.program.is_some() {
        let mut nothing = Finding::new(Grade::Good, "nothing was recorded of its program yet");
        nothing.lines = vec![format!(
            "syncmgr recipe test {} --record -- …   runs it and keeps what it prints",
            wish.id
        )];
        findings.push(nothing);
    }
    for file in files {
        findings.push(replayed(recipe, &file, wish.accept)?);
    }
    Ok(findings)
}

fn program(recipe: &Recipe) -> Option<Finding> {
    let program = recipe.program.as_ref()?;
    let there = crate::start::find(program, None, &crate::start::search_path(&[]));
    Some(match (there, crate::version::installed(recipe)) {
        (Err(fault), _) | (Ok(_), Err(fault)) => {
            let mut missing = Finding::new(Grade::Warning, fault.to_string());
            missing.lines = vec![match &recipe.version {
                Some(version) => version.install.clone(),
                None => fault.hint(),
            }];
            missing
        }
        (Ok(_), Ok(Some(version))) => {
            Finding::new(Grade::Good, format!("{program} {version} is installed"))
        }
        (Ok(_), Ok(None)) if recipe.version.is_some() => Finding::new(
            Grade::Wrong,
            format!("{program} does not tell its version as `[version]` says"),
        ),
        (Ok(_), Ok(None)) => Finding::new(Grade::Good, format!("{program} is installed")),
    })
}

/// The recordings, by their names.
fn files(recordings: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(recordings) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    files.truncate(RECORDINGS_MAX);
    files
}

fn unwritable(path: &Path, error: &io::Error) -> Refused {
    Refused::new(
        "tools::not-written",
        format!("{} cannot be written: {error}", path.display()),
        "look at the permissions of the directory of your recipes: `syncmgr recipe path`",
    )
}

/// Runs the program and keeps what it prints.
fn record(
    recipe: &Recipe,
    words: &[String],
    directory: &Path,
    recordings: &Path,
) -> Result<Finding, Refused> {
    let Some(program) = &recipe.program else {
        return Err(Refused::new(
            "tools::no-program",
            format!("{} has no program of its own to run", recipe.name),
            "name one in its recipe: program = \"…\"",
        ));
    };
    let argv: Vec<String> = std::iter::once(program).chain(words).cloned().collect();
    let started = Program {
        argv: argv.clone(),
        directory: Some(directory.to_owned()),
        ..Program::default()
    };
    let limits = Limits {
        time: Some(TIME),
        output: Some(BYTES_MAX),
        ..Limits::default()
    };
    let (mut lines, mut cut) = (Vec::new(), false);
    let ended = perform(&started, &limits, &mut Tail::default(), &mut |heard| {
        if let Heard::Line { from, text, .. } = heard {
            if lines.len() < LINES_MAX {
                lines.push((from, text_of(text).into_owned()));
            } else {
                cut = true;
            }
        }
        Reply::Go
    })
    .map_err(|fault| Refused::new("tools::failed", fault.to_string(), fault.hint()))?;
    let exit = match ended.exit {
        ExitOf::Code(code) => code,
        // As shells tell it.
        ExitOf::Signal(signal) => 128_i32.saturating_add(signal),
    };
    let count = lines.len();
    let recording = Recording {
        operation: OperationKind::Run,
        step: recipe
            .run
            .first()
            .map(|step| step.name.clone())
            .unwrap_or_default(),
        exit,
        values: Default::default(),
        lines,
    };
    let text = format!(
        "# This was printed by: {}\n{}",
        crate::item::shown_words(&argv),
        recording.text()
    );
    let file = keep_new(recordings, &text)?;
    let mut finding = Finding::new(
        Grade::Good,
        match count {
            1 => format!("one line and exit code {exit} were recorded"),
            _ => format!("{count} lines and exit code {exit} were recorded"),
        },
    );
    finding.lines = vec![
        file.display().to_string(),
        "Look through it before you pass it on: it is what the program printed, names and all."
            .to_owned(),
    ];
    if cut || ended.why.is_some() {
        finding.grade = Grade::Warning;
        let why = format!("it printed or took more than is kept: {LINES_MAX} lines, half an hour");
        finding.lines.push(why);
    }
    Ok(finding)
}

fn keep_new(recordings: &Path, text: &str) -> Result<PathBuf, Refused> {
    fs::create_dir_all(recordings).map_err(|error| unwritable(recordings, &error))?;
    for number in 1_u32.. {
        let path = recordings.join(format!("{NAME}-{number}.txt"));
        let made = fs::File::options().write(true).create_new(true).open(&path);
        match made {
            Ok(mut file) => {
                io::Write::write_all(&mut file, text.as_bytes())
                    .map_err(|error| unwritable(&path, &error))?;
                return Ok(path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(unwritable(&path, &error)),
        }
    }
    Err(unwritable(
        recordings,
        &io::Error::other("all names are taken"),
    ))
}

/// Replays one recording and compares what comes out.
fn replayed(recipe: &Recipe, file: &Path, accept: bool) -> Result<Finding, Refused> {
    let name = file
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let wrong = |text: String| Finding::new(Grade::Wrong, format!("{name}: {text}"));
    let recording = match read(file) {
        Ok(recording) => recording,
        Err(text) => return Ok(wrong(text)),
    };
    let replay = replay(
        recipe,
        recording.operation,
        &recording.step,
        recording.exit,
        &recording.lines,
        &recording.values,
    );
    let replay = match replay {
        Ok(replay) => replay,
        Err(refused) => return Ok(wrong(refused.text)),
    };
    let now = came_out(&recording, &replay);
    let kept = file.with_extension("expect.json");
    let expected: Option<Expected> = fs::read(&kept)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let mut lines = shown(recipe, &recording, &replay);
    lines.extend(now.end.iter().map(|line| format!("= {line}")));
    if accept && expected.as_ref() != Some(&now) {
        let mut bytes = serde_json::to_vec_pretty(&now).unwrap_or_default();
        bytes.push(b'\n');
        fs::write(&kept, bytes).map_err(|error| unwritable(&kept, &error))?;
        let mut finding = Finding::new(Grade::Good, format!("{name}: accepted"));
        finding.lines = lines;
        return Ok(finding);
    }
    let mut finding = match expected {
        Some(expected) if expected == now => {
            Finding::new(Grade::Good, format!("{name}: as expected"))
        }
        Some(expected) => {
            let mut finding = wrong("something else comes out than was accepted".to_owned());
            finding.lines = differences(&expected, &now);
            finding.lines.push(String::new());
            finding
        }
        None => Finding::new(
            Grade::Warning,
            format!("{name}: nobody said yet what is to come out; --accept takes this"),
        ),
    };
    finding.lines.append(&mut lines);
    Ok(finding)
}

fn read(file: &Path) -> Result<Recording, String> {
    let length = fs::metadata(file).map_err(|error| error.to_string())?.len();
    if length > BYTES_MAX {
        return Err(format!("it is longer than {BYTES_MAX} bytes"));
    }
    let text = fs::read_to_string(file).map_err(|error| error.to_string())?;
    Recording::read(&text).map_err(|error| error.to_string())
}

/// Every line, with the rules that fit it and what came out of them.
fn shown(recipe: &Recipe, recording: &Recording, replay: &Replay) -> Vec<String> {
    // A rule alone fits what it fits, whatever others say before it.
    let alone: Vec<Recipe> = recipe
        .rules
        .iter()
        .map(|rule| Recipe {
            rules: vec![rule.clone()],
            ..recipe.clone()
        })
        .collect();
    let step = step_name(recipe, recording);
    let readings: Vec<Reading<'_>> = alone
        .iter()
        .map(|recipe| Reading::new(recipe, recording.operation, &step))
        .collect();
    let mut lines = Vec::new();
    for ((from, line), told) in recording.lines.iter().zip(&replay.lines) {
        let word = match from {
            Stream::Stdout => "out",
            Stream::Stderr => "err",
        };
        lines.push(format!("{word}: {line}"));
        let fitting: Vec<String> = readings
            .iter()
            .enumerate()
            .filter(|(_, reading)| {
                let others = &recording.values;
                !reading.line(*from, line, true, others).is_empty()
            })
            .map(|(at, _)| (at + 1).to_string())
            .collect();
        if !fitting.is_empty() {
            let noun = if fitting.len() == 1 { "rule" } else { "rules" };
            let meant: Vec<String> = told.iter().map(in_words).collect();
            let meant = if meant.is_empty() {
                "an earlier rule was the last".to_owned()
            } else {
                meant.join("; ")
            };
            lines.push(format!("     {noun} {}: {meant}", fitting.join(", ")));
        }
    }
    lines
}

fn step_name(recipe: &Recipe, recording: &Recording) -> String {
    if recording.step.is_empty() && recording.operation == OperationKind::Run {
        return recipe
            .run
            .first()
            .map(|step| step.name.clone())
            .unwrap_or_default();
    }
    recording.step.clone()
}

fn came_out(recording: &Recording, replay: &Replay) -> Expected {
    let lines = recording.lines.iter().zip(&replay.lines);
    Expected {
        lines: lines
            .filter(|(_, told)| !told.is_empty())
            .map(|((_, line), told)| (line.clone(), told.iter().map(in_words).collect()))
            .collect(),
        end: end(recording.operation, &replay.outcome),
    }
}

fn class_word(class: Class) -> &'static str {
    match class {
        Class::Good => "good",
        Class::Warning => "with warnings",
        Class::Soft => "failed, and is tried again",
        Class::Hard => "failed",
    }
}

/// How an operation ended, in words.
pub(crate) fn end(operation: OperationKind, outcome: &Outcome) -> Vec<String> {
    let mut lines = vec![format!(
        "{} ends: {}{}",
        operation_word(operation),
        class_word(outcome.class),
        outcome
            .say
            .as_ref()
            .map_or_else(String::new, |say| format!(", {say}"))
    )];
    lines.extend(outcome.hint.as_ref().map(|hint| format!("hint: {hint}")));
    lines.extend(
        outcome
            .result
            .as_ref()
            .map(|result| format!("result: {result}")),
    );
    if let Ok(serde_json::Value::Object(counts)) = serde_json::to_value(outcome.counts) {
        let counts: Vec<String> = counts
            .iter()
            .filter(|(_, number)| number.as_u64().is_some_and(|number| number > 0))
            .map(|(name, number)| format!("{name} {number}"))
            .collect();
        if !counts.is_empty() {
            lines.push(format!("counts: {}", counts.join(", ")));
        }
    }
    for (count, noun) in [
        (outcome.conflicts.len(), "in conflict"),
        (outcome.found.len(), "found"),
    ] {
        if count > 0 {
            lines.push(format!("{count} {noun}"));
        }
    }
    lines
}

/// What a line meant, in words.
pub(crate) fn in_words(told: &Told) -> String {
    let named = |(name, value): (&String, &String)| format!("{name}={value}");
    match told {
        Told::Progress { value, max } => format!("progress {value} of {max}"),
        Told::Say(text) => format!("says `{text}`"),
        Told::Counts(amounts, add) => {
            let mut counts = syncmgr_handler::item::Counts::default();
            amounts.onto(&mut counts, false);
            let verb = if *add { "counts more" } else { "counts" };
            let counts = serde_json::to_value(counts).unwrap_or_default();
            let numbers = counts.as_object().into_iter().flatten();
            let numbers: Vec<String> = numbers
                .filter(|(_, number)| number.as_u64().is_some_and(|number| number > 0))
                .map(|(name, number)| format!("{name} {number}"))
                .collect();
            format!("{verb} {}", numbers.join(", "))
        }
        Told::Log(level, text) => {
            let level = match level {
                LevelOf::Information => "logs",
                LevelOf::Warning => "warns",
                LevelOf::Error => "logs an error",
            };
            format!("{level} `{text}`")
        }
        Told::Set(name, value) => format!("sets {name} to `{value}`"),
        Told::Action(action) => {
            let to = action
                .to
                .as_ref()
                .map_or_else(String::new, |to| format!(" to {to}"));
            format!("action {} `{}`{to}", action.verb, action.name)
        }
        Told::Conflict(conflict) => format!("conflict `{}`: {}", conflict.name, conflict.summary),
        Told::Item(arguments) => {
            let arguments: Vec<String> = arguments.iter().map(named).collect();
            format!("found {}", arguments.join(", "))
        }
        Told::Result(text) => format!("result `{text}`"),
        Told::Proof => "proof that something was done".to_owned(),
        Told::Fail(failing) => format!("fails ({}): {}", class_word(failing.class), failing.say),
        Told::Lock(lock) => {
            let parts = [&lock.pid, &lock.host, &lock.owner, &lock.since, &lock.file];
            let parts: Vec<&str> = parts
                .map(String::as_str)
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect();
            format!("a lock: {}", parts.join(", "))
        }
        Told::Question(asked) => format!("asks `{}`", asked.text),
        Told::Again => "is repeated".to_owned(),
    }
}

/// What was accepted and does not come out any more, and the other way round.
fn differences(expected: &Expected, now: &Expected) -> Vec<String> {
    let flat = |all: &Expected| -> Vec<String> {
        let lines = all
            .lines
            .iter()
            .map(|(line, told)| format!("{line}: {}", told.join("; ")));
        lines.chain(all.end.iter().cloned()).collect()
    };
    let (expected, now) = (flat(expected), flat(now));
    let missing = expected
        .iter()
        .filter(|line| !now.contains(line))
        .map(|line| format!("- {line}"));
    let new = now
        .iter()
        .filter(|line| !expected.contains(line))
        .map(|line| format!("+ {line}"));
    missing.chain(new).collect()
}
