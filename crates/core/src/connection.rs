//! Connections that handlers ask for (mobsync 3.8). Who dials is somebody outside; here is decided who shares what, what
//! is ours to close, and when.
//!
//! A connection that was up before is never closed (M-146). One that was dialled for us is closed after the last handler
//! of the last session that asked for it (M-145), however many others were opened meanwhile (M-144).

use std::collections::{BTreeMap, BTreeSet};

use crate::command::{Command, Reply, ReplyId};
use crate::cut;
use crate::id::{InstanceId, SessionId};
use crate::input::Dialled;
use crate::instance::{Instance, StopLevel};
use crate::item::HandlerCapability;
use crate::log::Level;
use crate::manager::Manager;

/// Most connections that are known by name; further ones are not.
pub const MAX_CONNECTIONS: usize = 64;
/// Most questions that wait for one connection; a further one is refused.
pub const MAX_WAITING: usize = 64;

/// For whom a connection is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    /// A session, until its last handler has finished.
    Session(SessionId),
    /// An instance that outlived its session, until what it shows is over.
    Instance(InstanceId),
}

/// What is under way with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Opening,
    Closing,
}

#[derive(Debug, Default)]
struct Connection {
    /// Dialled for us: ours to close.
    ours: bool,
    owners: BTreeSet<Owner>,
    waiting: Vec<(InstanceId, ReplyId, Owner)>,
    way: Option<Way>,
}

/// The connections that are configured, and those that somebody asked for.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    known: BTreeSet<String>,
    default: Option<String>,
    live: BTreeMap<Option<String>, Connection>,
}

impl Connections {
    pub(crate) fn configure(&mut self, names: Vec<String>, default: Option<String>) {
        self.known = names.into_iter().take(MAX_CONNECTIONS).collect();
        self.default = default.filter(|name| self.known.contains(name));
    }
}

impl Manager {
    /// A handler wants a connection. Answered at once only where nothing has to be found out.
    pub(crate) fn establish(&mut self, instance: &mut Instance, to: ReplyId, name: Option<String>) {
        let refuse = |manager: &mut Self, why: String| {
            manager.reply(instance.id, to, Reply::Connection(Err(why)));
        };
        if name.as_deref() == Some("") {
            return refuse(self, "the name of the connection is empty".to_owned());
        }
        if instance.stop > StopLevel::None {
            return refuse(self, "it is being stopped".to_owned());
        }
        let name = match name {
            None => self.connections.default.clone(), // M-142
            Some(name) if self.connections.known.contains(&name) => Some(name),
            Some(name) => {
                let name = cut::chars(name, cut::MAX_NAME);
                return refuse(self, format!("no connection `{name}` is configured"));
            }
        };
        let owner = if self.sessions.contains_key(&instance.session) {
            Owner::Session(instance.session)
        } else {
            Owner::Instance(instance.id)
        };
        let connection = self.connections.live.entry(name.clone()).or_default();
        if connection.waiting.len() >= MAX_WAITING {
            return refuse(self, "too many wait for this connection already".to_owned());
        }
        connection.waiting.push((instance.id, to, owner));
        if connection.way.is_none() {
            connection.way = Some(Way::Opening);
            self.effects.commands.push(Command::Connect { name });
        }
        let announced = self
            .handlers
            .get(&instance.handler)
            .is_some_and(|slot| slot.has(HandlerCapability::Connection));
        if !announced && !instance.told_of_connection {
            instance.told_of_connection = true;
            let run = instance.run.as_ref().map(|run| run.row.id);
            let text = "H-48: it asks for a connection without having said that it may".to_owned();
            self.warn(
                Some(instance.handler.clone()),
                run,
                Level::Information,
                text,
            );
        }
    }

    /// Dialling ended; everybody who waits shares the outcome (M-143).
    pub(crate) fn connected(&mut self, name: Option<String>, outcome: Result<Dialled, String>) {
        let Some(connection) = self.connections.live.get_mut(&name) else {
            return;
        };
        if connection.way != Some(Way::Opening) {
            return;
        }
        connection.way = None;
        let waiting = std::mem::take(&mut connection.waiting);
        connection.ours |= outcome == Ok(Dialled::ByUs);
        if outcome.is_ok() && connection.ours {
            connection
                .owners
                .extend(waiting.iter().map(|(.., owner)| *owner));
        }
        let answer = match outcome {
            Ok(_) => Ok(()),
            Err(why) => Err(cut::bytes(why, cut::MAX_LINE)),
        };
        for (instance, to, _) in waiting {
            self.reply(instance, to, Reply::Connection(answer.clone()));
        }
        self.close_unused();
    }

    /// A connection of ours is closed; whoever asked for it meanwhile has it dialled again.
    pub(crate) fn disconnected(&mut self, name: Option<String>, problem: Option<String>) {
        let Some(connection) = self.connections.live.get_mut(&name) else {
            return;
        };
        if connection.way != Some(Way::Closing) {
            return;
        }
        connection.way = None;
        connection.ours = false;
        connection.owners.clear();
        if !connection.waiting.is_empty() {
            connection.way = Some(Way::Opening);
            self.effects
                .commands
                .push(Command::Connect { name: name.clone() });
        }
        if let Some(problem) = problem {
            let which = name.as_deref().unwrap_or("default").to_owned();
            let text = format!("the connection `{which}` could not be closed: {problem}");
            self.warn(None, None, Level::Warning, text);
        }
        self.close_unused();
    }

    /// Somebody needs nothing any more (M-145).
    pub(crate) fn leave(&mut self, owner: Owner) {
        if self.connections.live.is_empty() {
            return;
        }
        for connection in self.connections.live.values_mut() {
            connection.owners.remove(&owner);
            // Who still waits outlives the session, and is to be the owner of what comes.
            for (instance, _, waiting) in &mut connection.waiting {
                if *waiting == owner {
                    *waiting = Owner::Instance(*instance);
                }
            }
        }
        self.close_unused();
    }

    /// An instance waits for no connection any more; a dial that nobody waits for is cancelled (3.8: stop).
    pub(crate) fn stop_waiting(&mut self, instance: InstanceId, why: Option<&str>) {
        let mut told = Vec::new();
        let mut cancelled = Vec::new();
        for (name, connection) in &mut self.connections.live {
            let before = connection.waiting.len();
            connection.waiting.retain(|(waiting, to, _)| {
                if *waiting == instance {
                    told.push(*to);
                }
                *waiting != instance
            });
            if before > 0 && connection.waiting.is_empty() && connection.way == Some(Way::Opening) {
                cancelled.push(name.clone());
            }
        }
        for name in cancelled {
            self.effects.commands.push(Command::CancelConnect { name });
        }
        if let Some(why) = why {
            for to in told {
                self.reply(instance, to, Reply::Connection(Err(why.to_owned())));
            }
        }
    }

    /// Closes what is ours and needed by nobody, and forgets what is neither ours nor asked for.
    fn close_unused(&mut self) {
        let mut close = Vec::new();
        self.connections.live.retain(|name, connection| {
            let unused = connection.way.is_none()
                && connection.owners.is_empty()
                && connection.waiting.is_empty();
            if unused && connection.ours {
                connection.way = Some(Way::Closing);
                close.push(name.clone());
            }
            !unused || connection.ours
        });
        for name in close {
            self.effects.commands.push(Command::Disconnect { name });
        }
    }

    /// Whether a connection is being opened or closed, or is ours.
    #[must_use]
    pub fn holds_connections(&self) -> bool {
        !self.connections.live.is_empty()
    }
}
