//! What is asked to be registered is looked at, and started once, beside the loop.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use syncmgr_control::Refusal;
use syncmgr_control::registration::{NewHandler, Runs, class};
use syncmgr_core::HandlerId;
use syncmgr_host::{ExitStatus, InquireError, Limits, Spec, inquire};

use crate::adapt::text;
use crate::argument::{Arguments, normal};
use crate::config::{ConfigFile, HandlerConfig};
use crate::identity::{self, Sighting};
use crate::launch::{self, Programs};
use crate::nature::{self, Nature};
use crate::place::Places;
use crate::{property, sys};

/// Longest name that a registration gives, in characters (as everywhere, Sync Center A-30).
const MAX_NAME_CHARS: usize = 127;

/// Longest identity that is derived from a file's name.
const MAX_DERIVED_CHARS: usize = 63;

/// Most bytes in which a library may name its classes.
const MAX_CLASSES_BYTES: usize = 1 << 20;

/// Most classes of one library.
const MAX_CLASSES: usize = 64;

/// How long a library may take to name its classes.
const LIST_DEADLINE: Duration = Duration::from_secs(30);

/// One handler that is to be registered.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) entry: HandlerConfig,
    /// Nobody chose its identity: another handler of that name is not meant.
    pub(super) derived: bool,
    /// The events were said; otherwise those of an earlier registration stay.
    pub(super) events_said: bool,
    pub(super) sighting: Option<Sighting>,
    /// What it offered when it was started once.
    pub(super) offers: Vec<String>,
    /// What became of its arguments, for people.
    pub(super) arguments: Arguments,
}

/// What must be known to look at a handler beside the loop.
pub(super) struct Desk {
    pub(super) config: ConfigFile,
    pub(super) places: Places,
    pub(super) programs: Programs,
    pub(super) limits: Limits,
}

impl Desk {
    pub(super) async fn look_at(&self, new: NewHandler) -> Result<Vec<Candidate>, Refusal> {
        let check = new.check;
        let mut candidates = self.candidates(new).await?;
        for candidate in &mut candidates {
            let entry = candidate.entry.clone();
            if check {
                candidate.offers = self.try_out(&entry).await?;
            }
            let sighting = tokio::task::spawn_blocking(move || identity::sight(&entry, None))
                .await
                .unwrap_or_else(|error| Err(std::io::Error::other(error)));
            candidate.sighting = match sighting {
                Ok(sighting) => sighting,
                Err(error) if check => {
                    return Err(does_not_work(&candidate.entry.id, vec![error.to_string()]));
                }
                Err(_) => None,
            };
            let identity = candidate
                .sighting
                .as_ref()
                .map(|seen| seen.identity.clone());
            candidate.entry.identity = identity;
        }
        Ok(candidates)
    }

    /// Starts it once as a settings instance; answers what it offers.
    async fn try_out(&self, entry: &HandlerConfig) -> Result<Vec<String>, Refusal> {
        let Some(launch) = launch::of(entry, &self.config, &self.places, &self.programs) else {
            return Err(does_not_work(
                &entry.id,
                vec!["nobody registered that class with the system".to_owned()],
            ));
        };
        launch
            .check()
            .map_err(|why| does_not_work(&entry.id, vec![why]))?;
        match property::greet(&launch, &self.limits).await {
            Ok(offers) => Ok(offers),
            Err(refusal) => {
                let mut causes = vec![refusal.message];
                causes.extend(refusal.causes);
                Err(does_not_work(&entry.id, causes))
            }
        }
    }

    async fn candidates(&self, new: NewHandler) -> Result<Vec<Candidate>, Refusal> {
        let NewHandler {
            runs,
            id,
            name,
            events,
            ..
        } = new;
        let description = name.map(|name| name_of(&name)).transpose()?;
        let events_said = events.is_some();
        let entry = HandlerConfig {
            description: description.clone().unwrap_or_default(),
            events: events.unwrap_or_default(),
            ..HandlerConfig::default()
        };
        let candidate = |entry, derived| Candidate {
            entry,
            derived,
            events_said,
            sighting: None,
            offers: Vec::new(),
            arguments: Arguments::default(),
        };
        match runs {
            Runs::Command { words, directory } => {
                let mut arguments = self.command(words, Path::new(&directory))?;
                let command = std::mem::take(&mut arguments.words);
                let derived = id.is_none();
                let id = match id {
                    Some(id) => id,
                    None => derived_id(&command)?,
                };
                check_id(&id)?;
                let entry = HandlerConfig {
                    id,
                    command,
                    ..entry
                };
                Ok(vec![Candidate {
                    arguments,
                    ..candidate(entry, derived)
                }])
            }
            Runs::Library { path, classes } => {
                let path = library(&path)?;
                if classes.is_empty() && is_program(&path).await? {
                    let runs = Runs::Command {
                        words: vec![path],
                        directory: String::new(),
                    };
                    let new = NewHandler {
                        runs,
                        id,
                        name: description,
                        events: events_said.then_some(entry.events),
                        check: new.check,
                    };
                    return Box::pin(self.candidates(new)).await;
                }
                id.as_deref().map(check_id).transpose()?;
                let mut named: Vec<(String, String)> = Vec::new();
                for text in &classes {
                    named.push((class(text).ok_or_else(|| bad_class(text))?, String::new()));
                }
                if named.is_empty() {
                    named = self.classes_of(&path).await?;
                }
                if named.len() > 1 && (description.is_some() || id.is_some()) {
                    return Err(Refusal::new(
                        "handler::several-classes",
                        "one name cannot be given to several classes",
                        format!("name one of them with --class: {}", list(&named)),
                    ));
                }
                let of_class = |(class, name): (String, String)| HandlerConfig {
                    // Registered again without one, it keeps the identity that it was given.
                    id: id
                        .clone()
                        .unwrap_or_else(|| self.config.id_of_class(&class)),
                    description: if entry.description.is_empty() {
                        name
                    } else {
                        entry.description.clone()
                    },
                    class: Some(class),
                    library: Some(path.clone()),
                    ..entry.clone()
                };
                let all = named.into_iter().map(of_class);
                Ok(all.map(|entry| candidate(entry, false)).collect())
            }
            Runs::Class { class: text } => {
                no_id(id.as_deref())?;
                let class = class(&text).ok_or_else(|| bad_class(&text))?;
                if new.check && !sys::registry::KNOWS_CLASSES {
                    return Err(Refusal::new(
                        "handler::class-without-library",
                        "this system keeps no list of classes",
                        format!("name the library too: syncmgr register LIBRARY --class {class}"),
                    ));
                }
                let entry = HandlerConfig {
                    id: self.config.id_of_class(&class),
                    class: Some(class),
                    ..entry
                };
                Ok(vec![candidate(entry, false)])
            }
        }
    }

    /// The program by its full path, and the files among its arguments by theirs.
    fn command(&self, words: Vec<String>, directory: &Path) -> Result<Arguments, Refusal> {
        let mut words = words.into_iter();
        let name = words.next().unwrap_or_default();
        if name.is_empty() {
            return Err(not_found("", "a program must be named"));
        }
        let path = if name.contains(std::path::is_separator) {
            directory.join(&name)
        } else {
            self.programs.search(&name).ok_or_else(|| {
                not_found(&name, "no directory of PATH has a program of that name")
            })?
        };
        let kind = std::fs::metadata(&path).map_err(|cause| missing(&path, &cause))?;
        if !kind.is_file() {
            return Err(not_a_file(&path));
        }
        if !sys::is_executable(&path) {
            return Err(Refusal::new(
                "handler::not-executable",
                format!("{} cannot be run", shown(&path)),
                "make it executable with chmod +x, or name what runs it: syncmgr register -- python3 handler.py",
            ));
        }
        let mut arguments = Arguments::default();
        arguments.program(&name, &path)?;
        for word in words {
            arguments.add(word, directory)?;
        }
        Ok(arguments)
    }

    /// Asks `comhost` which classes a library has: it alone loads foreign libraries.
    async fn classes_of(&self, library: &str) -> Result<Vec<(String, String)>, Refusal> {
        #[derive(Deserialize)]
        struct Named {
            class: String,
            #[serde(default)]
            name: String,
        }
        let refused = |causes: Vec<String>| {
            let mut refusal = Refusal::new(
                "handler::not-a-library",
                format!(
                    "{} cannot be asked for its classes",
                    shown(Path::new(library))
                ),
                "a handler library is made for this system and exports DllGetClassObject",
            );
            refusal.causes = causes;
            refusal
        };
        if !self.programs.comhost.exists() {
            return Err(no_comhost(&self.programs.comhost));
        }
        let spec = Spec {
            instance: 0,
            program: self.programs.comhost.clone(),
            args: vec!["--list".into(), library.into()],
            env: Vec::new(),
            cwd: None,
        };
        let said = inquire(spec, MAX_CLASSES_BYTES, LIST_DEADLINE)
            .await
            .map_err(|error| match error {
                InquireError::Start(_) => no_comhost(&self.programs.comhost).because(&error),
                other => refused(vec![other.to_string()]),
            })?;
        if !matches!(said.status, ExitStatus::Code(0)) {
            let stderr = String::from_utf8_lossy(&said.stderr);
            let last = stderr.lines().rfind(|line| !line.trim().is_empty());
            let how = match said.status {
                ExitStatus::Signal(signal) => format!("loading it ended by signal {signal}"),
                _ => "it cannot be loaded".to_owned(),
            };
            let why = last.map_or(how, |line| text::line(line.trim()));
            let mut refusal = refused(vec![why]);
            refusal.hint = Some(
                "a handler library is made for this system and exports DllGetClassObject; one that does not name its \
                 classes is registered with --class CLSID"
                    .to_owned(),
            );
            return Err(refusal);
        }
        let named: Vec<Named> = serde_json::from_slice(&said.output)
            .map_err(|error| refused(vec![error.to_string()]))?;
        let mut classes = Vec::new();
        for one in named.into_iter().take(MAX_CLASSES) {
            let class = class(&one.class).ok_or_else(|| bad_class(&one.class))?;
            classes.push((class, cut(&text::line(&one.name))));
        }
        if classes.is_empty() {
            return Err(Refusal::new(
                "handler::names-no-class",
                format!("{} does not tell its classes", shown(Path::new(library))),
                "name the class as its maker documents it: syncmgr register LIBRARY --class CLSID",
            ));
        }
        Ok(classes)
    }
}

/// A library by its path; whether it can be loaded is found out by `comhost`.
fn library(path: &str) -> Result<String, Refusal> {
    let path = normal(Path::new(path));
    let kind = std::fs::metadata(&path).map_err(|cause| missing(&path, &cause))?;
    if !kind.is_file() {
        return Err(not_a_file(&path));
    }
    path_text(path)
}

/// Whether a file is a program, which a path alone names just as well as a library.
async fn is_program(path: &str) -> Result<bool, Refusal> {
    let file = PathBuf::from(path);
    let nature = tokio::task::spawn_blocking(move || nature::of(&file))
        .await
        .unwrap_or_else(|error| Err(std::io::Error::other(error)));
    match nature {
        Ok(nature) => Ok(nature == Nature::Program),
        Err(cause) => Err(missing(Path::new(path), &cause)),
    }
}

/// The identity of a command that was given none: the script that runs, else the program.
fn derived_id(command: &[String]) -> Result<String, Refusal> {
    let program = identity::script(command).or_else(|| command.first().map(PathBuf::from));
    let stem = program
        .as_deref()
        .and_then(Path::file_stem)
        .unwrap_or_default()
        .to_string_lossy();
    let id: String = stem
        .chars()
        .map(|c| match c {
            c if c.is_alphanumeric() => c,
            '-' | '_' | '.' => c,
            _ => '-',
        })
        .take(MAX_DERIVED_CHARS)
        .collect();
    let id = id.trim_matches(['-', '.']).to_lowercase();
    if HandlerId::new(&id).is_err() {
        return Err(Refusal::new(
            "handler::bad-id",
            "the program's name makes no identity",
            "give one with --id NAME",
        ));
    }
    Ok(id)
}

fn check_id(id: &str) -> Result<(), Refusal> {
    HandlerId::new(id).map_err(|cause| bad_id(id, &cause))?;
    if launch::is_built_in(id) {
        return Err(built_in(id));
    }
    // What begins like a path is one on the command line.
    let path = id.starts_with(['.', '~']) || id.contains(['/', '\\']);
    if class(id).is_some() || id.trim() != id || path {
        return Err(Refusal::new(
            "handler::bad-id",
            format!("`{}` cannot be the identity of a handler", text::line(id)),
            "use a word such as mail; what looks like a class or a path names something else",
        ));
    }
    Ok(())
}

fn no_id(id: Option<&str>) -> Result<(), Refusal> {
    match id {
        None => Ok(()),
        Some(id) => Err(Refusal::new(
            "handler::bad-id",
            format!(
                "`{}` cannot be given: a class that the system lists is its own identity",
                text::line(id)
            ),
            "--id is for programs and libraries; --name says what a class is called",
        )),
    }
}

/// What the user calls it, made harmless; too long is refused, never cut.
fn name_of(name: &str) -> Result<String, Refusal> {
    let name = text::line(name.trim());
    if name.chars().count() > MAX_NAME_CHARS {
        return Err(Refusal::new(
            "handler::bad-name",
            format!("the name is longer than {MAX_NAME_CHARS} characters"),
            "give a shorter one with --name",
        ));
    }
    Ok(name)
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_NAME_CHARS).collect()
}

fn list(classes: &[(String, String)]) -> String {
    let words: Vec<String> = classes
        .iter()
        .map(|(class, name)| match name.as_str() {
            "" => class.clone(),
            name => format!("{class} ({name})"),
        })
        .collect();
    words.join(", ")
}

fn shown(path: &Path) -> String {
    text::line(&path.display().to_string())
}

pub(crate) fn path_text(path: PathBuf) -> Result<String, Refusal> {
    path.into_os_string().into_string().map_err(|path| {
        Refusal::new(
            "handler::path-not-text",
            format!("{} is not valid text", text::line(&path.to_string_lossy())),
            "the configuration is text: give the file another name, or a link with one",
        )
    })
}

pub(super) fn bad_id(id: &str, cause: &dyn std::error::Error) -> Refusal {
    Refusal::new(
        "handler::bad-id",
        format!("`{}` cannot be the identity of a handler", text::line(id)),
        "give another one with --id NAME",
    )
    .because(cause)
}

fn bad_class(text: &str) -> Refusal {
    Refusal::new(
        "handler::bad-class",
        format!("`{}` is not the identifier of a class", text::line(text)),
        "write it like {12345678-9ABC-DEF0-1234-56789ABCDEF0}",
    )
}

pub(super) fn built_in(id: &str) -> Refusal {
    Refusal::new(
        "handler::built-in",
        format!("`{}` is part of syncmgr", text::line(id)),
        "it can be turned off with syncmgr disable; to register a handler, give it another id",
    )
}

fn not_found(name: &str, why: &str) -> Refusal {
    Refusal::new(
        "handler::program-not-found",
        format!("there is no program `{}`: {why}", text::line(name)),
        "write its path, such as ./handler",
    )
}

fn missing(path: &Path, cause: &std::io::Error) -> Refusal {
    Refusal::new(
        "handler::no-file",
        format!("{} cannot be looked at", shown(path)),
        "check the path",
    )
    .because(cause)
}

fn not_a_file(path: &Path) -> Refusal {
    Refusal::new(
        "handler::not-a-file",
        format!("{} is not a file", shown(path)),
        "a handler is a shared library, a registered class, or a program after `--`",
    )
}

fn no_comhost(path: &Path) -> Refusal {
    Refusal::new(
        "handler::no-comhost",
        format!(
            "{}, the program that runs COM classes, cannot be started",
            shown(path)
        ),
        "install it beside syncmgr",
    )
}

fn does_not_work(id: &str, causes: Vec<String>) -> Refusal {
    let mut refusal = Refusal::new(
        "handler::does-not-work",
        format!(
            "`{}` was not registered: it was started once and did not work",
            text::line(id)
        ),
        "`syncmgr check` tells more about it; `syncmgr register --unchecked` registers it all the same",
    );
    refusal.causes = causes;
    refusal
}
