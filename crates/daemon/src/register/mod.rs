//! Registering handlers: what is asked for is looked at and started once beside the loop, and only then stored.

mod desk;

use std::path::Path;

use syncmgr_control::registration::{
    HandlerKind, NewHandler, Registered, RegisteredHandler, RegistrationView, class,
};
use syncmgr_control::{Refusal, Reply};
use syncmgr_core::HandlerId;
use syncmgr_core::input::Input;
use syncmgr_core::log::Level;
use syncmgr_store::LogFilter;

use crate::adapt::text;
use crate::config::{ConfigFile, HandlerConfig};
use crate::identity::{self, Sighting, Verdict};
use crate::launch::{self};
use crate::overview::quoted;
use crate::registration::{SystemClass, same};
use crate::run::{Answerer, Loop, Message};
use crate::secret::Which;

pub(crate) use self::desk::path_text;
use self::desk::{Candidate, Desk, bad_id, built_in};
use crate::sys;

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
            offers: candidate.offers,
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
        let before = self.meant_by_rules();
        let mut removed = self.config.remove_handler(&id)?;
        if listed {
            removed |= sys::registry::remove(&id).map_err(|cause| unwritable_registry(&cause))?;
        }
        if !removed {
            return Ok(Reply::Removed {
                names: Vec::new(),
                rules: Vec::new(),
            });
        }
        self.sightings.put(&id, None);
        if let Ok(id) = HandlerId::new(&id) {
            self.forget_answers(Which::Handler(id.clone()));
            self.apply(Input::HandlerUnregistered(id));
        }
        self.follow_rules();
        Ok(Reply::Removed {
            names: vec![id],
            rules: self.forget_in_rules(before)?,
        })
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
        let newest = self
            .read(|reader| reader.log(&filter, 1))
            .ok()
            .and_then(|rows| rows.into_iter().next());
        view.last_problem_ms = newest.as_ref().map(|row| row.at.0);
        view.last_problem = newest.map(|row| text::line(&row.text));
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

fn unwritable_registry(cause: &std::io::Error) -> Refusal {
    Refusal::new(
        "handler::registry",
        "the system's list of handlers cannot be changed",
        "a handler of the whole machine is changed by its administrator",
    )
    .because(cause)
}
