//! Registering handlers: what is asked for is looked at and started once beside the loop, and only then stored.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use syncmgr_control::registration::{
    HandlerKind, NewHandler, Registered, RegisteredHandler, RegistrationView, Runs, class,
};
use syncmgr_control::{Refusal, Reply};
use syncmgr_core::HandlerId;
use syncmgr_core::input::Input;
use syncmgr_core::log::Level;
use syncmgr_host::{ExitStatus, InquireError, Limits, Spec, inquire};
use syncmgr_store::LogFilter;

use crate::adapt::text;
use crate::argument::{Arguments, normal};
use crate::config::{ConfigFile, HandlerConfig};
use crate::identity::{self, Sighting, Verdict};
use crate::launch::{self, Programs};
use crate::nature::{self, Nature};
use crate::overview::quoted;
use crate::place::Places;
use crate::registration::{SystemClass, same};
use crate::run::{Answerer, Loop, Message};
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

/// What a look at the files of a handler brought, for the loop.
#[derive(Debug)]
pub(crate) struct Sighted {
    id: String,
    registered: String,
    sighting: std::io::Result<Option<Sighting>>,
}

/// Handlers that were looked at and may be stored.
#[derive(Debug)]
pub(crate) struct Registering {
    outcome: Result<Vec<Candidate>, Refusal>,
    reply: Answerer,
}

/// One handler that is to be registered.
#[derive(Debug)]
struct Candidate {
    entry: HandlerConfig,
    /// Nobody chose its identity: another handler of that name is not meant.
    derived: bool,
    /// The events were said; otherwise those of an earlier registration stay.
    events_said: bool,
    sighting: Option<Sighting>,
    /// What became of its arguments, for people.
    arguments: Arguments,
}

/// What must be known to look at a handler beside the loop.
struct Desk {
    config: ConfigFile,
    places: Places,
    programs: Programs,
    limits: Limits,
}

impl Loop {
    /// Registers a handler, beside the loop.
    pub(crate) fn register(&mut self, new: NewHandler, reply: Answerer) {
        let Some(messages) = self.messages.upgrade() else {
            return;
        };
        let desk = Desk {
            config: self.config.clone(),
            places: self.places.clone(),
            programs: self.program.clone(),
            limits: self.limits.clone(),
        };
        self.property.spawn(async move {
            let outcome = desk.look_at(new).await;
            let registering = Registering { outcome, reply };
            if messages
                .send(Message::Registering(Box::new(registering)))
                .await
                .is_err()
            {
                tracing::debug!("the loop ended before a handler was registered");
            }
        });
    }

    /// Stores what was looked at. The manager knows it from now on, without a new start.
    pub(crate) fn registering(&mut self, registering: Registering) {
        let Registering { outcome, reply } = registering;
        let answer = outcome.and_then(|candidates| {
            for candidate in &candidates {
                self.may_replace(candidate)?;
            }
            let mut done = Registered {
                handlers: Vec::new(),
                absolute: Vec::new(),
                relative: Vec::new(),
            };
            for mut candidate in candidates {
                let told = std::mem::take(&mut candidate.arguments);
                done.absolute.extend(told.absolute);
                done.relative.extend(told.relative);
                done.handlers.push(self.store_handler(candidate)?);
            }
            Ok(Reply::Registered(done))
        });
        self.reply(reply, answer);
    }

    /// An identity that was only derived does not replace a handler that runs something else.
    fn may_replace(&self, candidate: &Candidate) -> Result<(), Refusal> {
        let entry = &candidate.entry;
        match self.config.handler(&entry.id) {
            Some(before) if candidate.derived && before.command != entry.command => {
                Err(Refusal::new(
                    "handler::id-taken",
                    format!("another handler is registered as `{}`", entry.id),
                    format!(
                        "give this one a name of its own with `--id NAME`, or replace that one with `--id {}`",
                        entry.id
                    ),
                ))
            }
            _ => self.may_rename(entry),
        }
    }

    /// A class has one identity: its items, runs and conflicts are remembered under it.
    fn may_rename(&self, entry: &HandlerConfig) -> Result<(), Refusal> {
        let Some(before) = entry
            .class
            .as_deref()
            .and_then(|class| self.config.of_class(class))
            .filter(|before| !same(&before.id, &entry.id))
        else {
            return match self.config.handler(&entry.id) {
                // Whoever gave an identity to a program meant that program.
                Some(other) if entry.class.is_some() && !is_class(other, entry) => {
                    Err(Refusal::new(
                        "handler::id-taken",
                        format!("another handler is registered as `{}`", entry.id),
                        format!(
                            "give this one a name of its own with `--id NAME`, or `syncmgr unregister {}` first",
                            quoted(&entry.id)
                        ),
                    ))
                }
                _ => Ok(()),
            };
        };
        Err(Refusal::new(
            "handler::id-taken",
            format!("this class is registered as `{}` already", before.id),
            format!(
                "leave --id away to register it again, or `syncmgr unregister {}` first, which forgets its items",
                quoted(&before.id)
            ),
        ))
    }

    fn store_handler(&mut self, candidate: Candidate) -> Result<RegisteredHandler, Refusal> {
        let mut entry = candidate.entry;
        let at = jiff::Timestamp::from_millisecond(self.now().0).ok();
        entry.registered = at.map(|at| at.to_string());
        let before = self.config.handler(&entry.id).cloned();
        if let Some(before) = &before {
            entry.id.clone_from(&before.id);
            if !candidate.events_said {
                entry.events.clone_from(&before.events);
            }
            if entry.library.is_none() && entry.class.is_some() && !sys::registry::KNOWS_CLASSES {
                // A program registers its class by its identifier alone: where it lies is known from before.
                entry.library.clone_from(&before.library);
                entry.identity.clone_from(&before.identity);
            }
        }
        let id = HandlerId::new(&entry.id).map_err(|cause| bad_id(&entry.id, &cause))?;
        let name = if entry.description.is_empty() {
            entry.id.clone()
        } else {
            entry.description.clone()
        };
        let mut replaced = before.is_some();
        if sys::registry::KNOWS_CLASSES
            && entry.library.is_none()
            && let Some(class) = &entry.class
        {
            if let Some(listed) = sys::registry::class_named(class) {
                replaced = true;
                if !candidate.events_said {
                    entry.events = listed.events;
                }
            }
            // where the system keeps such a list, it is the list.
            let listed = SystemClass {
                class: class.clone(),
                description: entry.description.clone(),
                events: entry.events.clone(),
            };
            sys::registry::put(&listed).map_err(|cause| unwritable_registry(&cause))?;
        } else {
            let sighting = candidate.sighting;
            self.config.put_handler(entry)?;
            if sighting.is_some() {
                self.sightings.put(id.as_str(), sighting);
            }
        }
        self.apply(Input::HandlerRegistered {
            id: id.clone(),
            description: text::line(&name),
        });
        self.follow_rules();
        Ok(RegisteredHandler {
            id: id.to_string(),
            name,
            replaced,
        })
    }

    /// Forgets a handler with its preferences and items (M-23, M-25); nothing when it was not registered (M-24).
    pub(crate) fn unregister(&mut self, name: &str) -> Result<Reply, Refusal> {
        let id = match self.handler_named(name)? {
            Some(id) => id.to_string(),
            None => class(name).unwrap_or_else(|| name.to_owned()),
        };
        if launch::is_built_in(&id) {
            return Err(built_in(&id));
        }
        let listed = sys::registry::class_named(&id).is_some();
        let mut removed = self.config.remove_handler(&id)?;
        if listed {
            removed |= sys::registry::remove(&id).map_err(|cause| unwritable_registry(&cause))?;
        }
        if !removed {
            return Ok(Reply::Done { names: Vec::new() });
        }
        self.sightings.put(&id, None);
        if let Ok(id) = HandlerId::new(&id) {
            self.apply(Input::HandlerUnregistered(id));
        }
        self.follow_rules();
        Ok(Reply::Done { names: vec![id] })
    }

    /// Takes over what the system lists at this moment (M-29): asked for afresh, never remembered.
    pub(crate) fn read_system(&mut self) {
        if !sys::registry::KNOWS_CLASSES {
            return;
        }
        let listed = sys::registry::classes();
        let known: Vec<HandlerId> = self
            .manager
            .handlers()
            .map(|row| row.id.clone())
            .filter(|id| class(id.as_str()).is_some())
            .collect();
        for input in differences(&listed, &known, &self.config) {
            self.apply(input);
        }
    }

    /// Looks whether what runs for a handler is what was registered, beside the loop and the start.
    pub(crate) fn look_for_change(&mut self, handler: &HandlerId) {
        let Some(entry) = self.config.handler(handler.as_str()).cloned() else {
            return;
        };
        let (Some(registered), Some(messages)) = (entry.identity.clone(), self.messages.upgrade())
        else {
            return;
        };
        let before = self.sightings.of(&entry.id).cloned();
        self.looking += 1;
        self.property.spawn(async move {
            let id = entry.id.clone();
            let sighting =
                tokio::task::spawn_blocking(move || identity::sight(&entry, before.as_ref()))
                    .await
                    .unwrap_or_else(|error| Err(std::io::Error::other(error)));
            let sighted = Sighted {
                id,
                registered,
                sighting,
            };
            if messages
                .send(Message::Sighted(Box::new(sighted)))
                .await
                .is_err()
            {
                tracing::debug!("the loop ended before a handler was looked at");
            }
        });
    }

    /// Answers with the handlers, once their files were looked at.
    pub(crate) fn look_at_handlers(&mut self, reply: Answerer) {
        self.read_system();
        let Some(messages) = self.messages.upgrade() else {
            return;
        };
        let looks: Vec<(HandlerConfig, String, Option<Sighting>)> = self
            .config
            .config
            .handler
            .iter()
            .filter_map(|entry| {
                let before = self.sightings.of(&entry.id).cloned();
                Some((entry.clone(), entry.identity.clone()?, before))
            })
            .collect();
        if looks.is_empty() {
            return self.list_handlers(Vec::new(), reply);
        }
        self.property.spawn(async move {
            let look = move || {
                looks
                    .into_iter()
                    .map(|(entry, registered, before)| Sighted {
                        sighting: identity::sight(&entry, before.as_ref()),
                        id: entry.id,
                        registered,
                    })
                    .collect()
            };
            let all = tokio::task::spawn_blocking(look).await.unwrap_or_default();
            if messages
                .send(Message::AllSighted(all, reply))
                .await
                .is_err()
            {
                tracing::debug!("the loop ended before the handlers were looked at");
            }
        });
    }

    /// Lists the handlers, with what the look at their files brought.
    pub(crate) fn list_handlers(&mut self, all: Vec<Sighted>, reply: Answerer) {
        for sighted in all {
            self.sighted(sighted);
        }
        let view = self.handlers();
        self.reply(reply, Ok(Reply::Handlers(view)));
    }

    /// Takes what the look brought; a change is told once, in the log.
    pub(crate) fn sighted(&mut self, sighted: Sighted) {
        let Sighted {
            id,
            registered,
            sighting,
        } = sighted;
        let Some(entry) = self.config.handler(&id) else {
            return;
        };
        if entry.identity.as_deref() != Some(registered.as_str()) {
            return; // registered again meanwhile
        }
        let now = match sighting {
            Ok(Some(now)) => now,
            Ok(None) => return,
            // What cannot be read cannot be started either, which says so itself.
            Err(error) => {
                tracing::debug!(%error, handler = %id, "its files could not be looked at");
                return;
            }
        };
        let what = launch::in_words(entry);
        let since = entry.registered.clone();
        match identity::compare(&registered, self.sightings.of(&id), now, self.now().0) {
            Verdict::Known => {}
            Verdict::Quiet(now) => self.sightings.put(&id, Some(now)),
            Verdict::Changed(now) => {
                self.sightings.put(&id, Some(now));
                if let Ok(handler) = HandlerId::new(&id) {
                    let since = since.map_or_else(String::new, |at| format!(" on {at}"));
                    let text = text::line(&format!(
                        "what runs for it is no longer what was registered{since}: {what}; if that is right, register it again"
                    ));
                    self.apply(Input::HandlerChanged { handler, text });
                }
            }
        }
    }

    /// What is known of the registration of a handler.
    pub(crate) fn registration(&self, id: &HandlerId) -> RegistrationView {
        let mut view = RegistrationView::default();
        if launch::is_built_in(id.as_str()) {
            view.kind = HandlerKind::BuiltIn;
        } else {
            let listed;
            let entry = match self.config.handler(id.as_str()) {
                Some(entry) => Some(entry),
                None => {
                    listed = sys::registry::class_named(id.as_str()).map(|class| class.entry());
                    listed.as_ref()
                }
            };
            if let Some(entry) = entry {
                view.kind = entry.kind();
                view.class.clone_from(&entry.class);
                view.runs = text::line(&launch::in_words(entry));
                view.events.clone_from(&entry.events);
                let at = entry.registered.as_deref().and_then(|at| at.parse().ok());
                view.registered_ms = at.map(|at: jiff::Timestamp| at.as_millisecond());
                view.problem = self.cannot_start(entry).map(|why| text::line(&why));
                view.changed_ms = self.changed(entry);
            }
        }
        let filter = LogFilter {
            handler: Some(id.clone()),
            at_least: Some(Level::Warning),
            ..LogFilter::default()
        };
        view.last_problem = self
            .read(|reader| reader.log(&filter, 1))
            .ok()
            .and_then(|rows| rows.first().map(|row| text::line(&row.text)));
        view
    }

    /// Whether somebody registered the handler.
    pub(crate) fn is_registered(&self, id: &HandlerId) -> bool {
        self.config.handler(id.as_str()).is_some()
            || sys::registry::class_named(id.as_str()).is_some()
    }

    fn cannot_start(&self, entry: &HandlerConfig) -> Option<String> {
        match launch::of(entry, &self.config, &self.places, &self.program) {
            None if sys::registry::KNOWS_CLASSES => Some("its class is not registered".to_owned()),
            None => Some(format!(
                "nobody said in which library it is: syncmgr register LIBRARY --class {}",
                entry.class.as_deref().unwrap_or_default()
            )),
            Some(launch) => {
                let missing = entry
                    .library
                    .as_ref()
                    .filter(|path| !Path::new(path).exists());
                missing
                    .map(|path| format!("{path} does not exist any more"))
                    .or_else(|| launch.check().err())
            }
        }
    }

    /// When it was first seen that an entry runs something else than was registered. Looks at sizes and times only: the
    /// content is read when an instance starts.
    fn changed(&self, entry: &HandlerConfig) -> Option<i64> {
        entry.identity.as_ref()?;
        self.sightings.of(&entry.id)?.changed_ms
    }
}

/// Whether an entry is about the class of another one.
fn is_class(entry: &HandlerConfig, of: &HandlerConfig) -> bool {
    match (&entry.class, &of.class) {
        (Some(one), Some(other)) => same(one, other),
        _ => false,
    }
}

/// What the list of the system makes of what is known.
fn differences(listed: &[SystemClass], known: &[HandlerId], config: &ConfigFile) -> Vec<Input> {
    let mut inputs = Vec::new();
    for class in listed {
        let Ok(id) = HandlerId::new(&class.class) else {
            continue;
        };
        if config.of_class(&class.class).is_some() {
            continue; // what the user said goes first
        }
        let description = if class.description.is_empty() {
            &class.class
        } else {
            &class.description
        };
        inputs.push(Input::HandlerRegistered {
            id,
            description: text::line(description),
        });
    }
    let gone = known.iter().filter(|id| {
        config.handler(id.as_str()).is_none()
            && (config.of_class(id.as_str()).is_some()
                || !listed.iter().any(|class| same(&class.class, id.as_str())))
    });
    inputs.extend(gone.cloned().map(Input::HandlerUnregistered));
    inputs
}

impl Desk {
    async fn look_at(&self, new: NewHandler) -> Result<Vec<Candidate>, Refusal> {
        let check = new.check;
        let mut candidates = self.candidates(new).await?;
        for candidate in &mut candidates {
            let entry = candidate.entry.clone();
            if check {
                self.try_out(&entry).await?;
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

    /// Starts it once as a settings instance.
    async fn try_out(&self, entry: &HandlerConfig) -> Result<(), Refusal> {
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
            Ok(_) => Ok(()),
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

fn bad_id(id: &str, cause: &dyn std::error::Error) -> Refusal {
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

fn built_in(id: &str) -> Refusal {
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
        "`syncmgr check` tells more about it; --unchecked registers it all the same",
    );
    refusal.causes = causes;
    refusal
}

fn unwritable_registry(cause: &std::io::Error) -> Refusal {
    Refusal::new(
        "handler::registry",
        "the system's list of handlers cannot be changed",
        "a handler of the whole machine is changed by its administrator",
    )
    .because(cause)
}
