//! Connections that handlers ask for (mobsync 3.8). Who dials is somebody outside; here is decided who shares what, what
//! is ours to close, and when.
//!
//! A connection that was up before is never closed (M-146). One that was dialled for us is closed after the last handler
//! of the last session that asked for it (M-145), however many others were opened meanwhile (M-144).

use std::collections::{BTreeMap, BTreeSet};

use crate::command::{Command, Reply, ReplyId};
use crate::cut;
use crate::id::{HandlerId, InstanceId, ItemRef, RequestId, SessionId};
use crate::input::Dialled;
use crate::instance::{Instance, StopLevel};
use crate::item::HandlerCapability;
use crate::log::Level;
use crate::manager::Manager;
use crate::request::{Request, RequestOutcome, Scope};

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
    /// What a rule started, until it is over.
    Request(RequestId),
}

/// What a rule starts once its connection is up (mobsync 4.6).
#[derive(Debug)]
struct Deferred {
    id: RequestId,
    rule: String,
    request: Request,
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
    deferred: Vec<Deferred>,
    way: Option<Way>,
}

impl Connection {
    fn is_awaited(&self) -> bool {
        !self.waiting.is_empty() || !self.deferred.is_empty()
    }
}

/// The connections that are configured, and those that somebody asked for.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    known: BTreeSet<String>,
    default: Option<String>,
    live: BTreeMap<Option<String>, Connection>,
    /// For which items a connection was opened, while the request goes on that wanted it.
    serves: BTreeMap<RequestId, Vec<ItemRef>>,
}

impl Connections {
    pub(crate) fn configure(&mut self, names: Vec<String>, default: Option<String>) {
        self.known = names.into_iter().take(MAX_CONNECTIONS).collect();
        self.default = default.filter(|name| self.known.contains(name));
    }

    /// Whether a connection was opened for an item: then it has a network, whatever is known of the machine's so far.
    pub(crate) fn serve(&self, item: &ItemRef) -> bool {
        self.serves.values().any(|items| items.contains(item))
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

    /// Starts items of a rule once its connection is up; dials it when it is not (M-165).
    pub(crate) fn start_connected(&mut self, connection: String, rule: String, request: Request) {
        let id = self.next_request();
        let deferred = Deferred { id, rule, request };
        if !self.connections.known.contains(&connection) {
            let why = format!("no connection `{connection}` is configured");
            return self.not_connected(deferred, &why);
        }
        let name = Some(connection);
        let live = self.connections.live.entry(name.clone()).or_default();
        if live.deferred.len() >= MAX_WAITING {
            return self.not_connected(deferred, "too many wait for it already");
        }
        live.deferred.push(deferred);
        if live.way.is_none() {
            live.way = Some(Way::Opening);
            self.effects.commands.push(Command::Connect { name });
        }
    }

    /// A rule does not start, because its connection is not there.
    fn not_connected(&mut self, deferred: Deferred, why: &str) {
        let Deferred { id, rule, request } = deferred;
        let text = cut::bytes(format!("{rule}: not connected: {why}"), cut::MAX_LINE);
        let handlers: BTreeSet<HandlerId> = match request.scope {
            Scope::Items(items) => items.into_iter().map(|item| item.handler).collect(),
            Scope::Handler(_) | Scope::Checked => BTreeSet::new(),
        };
        for handler in handlers {
            self.warn(Some(handler), None, Level::Warning, text.clone());
        }
        self.end_request(id, RequestOutcome::Failed, Some(text));
    }

    /// Gives up what waits for a connection: one request, or all of them.
    pub(crate) fn stop_deferred(&mut self, request: Option<RequestId>) {
        let mut stopped = Vec::new();
        let mut cancelled = Vec::new();
        for (name, connection) in &mut self.connections.live {
            let before = stopped.len();
            connection.deferred.retain(|deferred| {
                let stop = request.is_none_or(|request| request == deferred.id);
                if stop {
                    stopped.push(deferred.id);
                }
                !stop
            });
            let some = stopped.len() > before;
            if some && !connection.is_awaited() && connection.way == Some(Way::Opening) {
                cancelled.push(name.clone());
            }
        }
        for name in cancelled {
            self.effects.commands.push(Command::CancelConnect { name });
        }
        for id in stopped {
            self.end_request(id, RequestOutcome::Stopped, None);
        }
    }

    /// What a rule started is over, and needs its connection no more (M-165).
    pub(crate) fn disconnect_after(&mut self, request: RequestId) {
        if self.connections.serves.remove(&request).is_some() {
            self.leave(Owner::Request(request));
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
        let deferred = std::mem::take(&mut connection.deferred);
        connection.ours |= outcome == Ok(Dialled::ByUs);
        if outcome.is_ok() && connection.ours {
            connection
                .owners
                .extend(waiting.iter().map(|(.., owner)| *owner));
            let requests = deferred.iter().map(|deferred| Owner::Request(deferred.id));
            connection.owners.extend(requests);
        }
        let answer = match outcome {
            Ok(_) => Ok(()),
            Err(why) => Err(cut::bytes(why, cut::MAX_LINE)),
        };
        for (instance, to, _) in waiting {
            self.reply(instance, to, Reply::Connection(answer.clone()));
        }
        for deferred in deferred {
            match &answer {
                Ok(()) => {
                    if let Scope::Items(items) = &deferred.request.scope {
                        let items = items.clone();
                        self.connections.serves.insert(deferred.id, items);
                    }
                    self.enqueue(deferred.id, deferred.request);
                }
                Err(why) => self.not_connected(deferred, why),
            }
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
        if connection.is_awaited() {
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
            if before > 0 && !connection.is_awaited() && connection.way == Some(Way::Opening) {
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
                && !connection.is_awaited();
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
