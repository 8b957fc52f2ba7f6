//! Sessions that somebody outside opens and reports into (Sync Center 3.6, `CreateSession`).

use crate::command::Verdict;
use crate::ending::End;
use crate::event::EventKind;
use crate::id::{HandlerId, InstanceId, ItemId, SessionId};
use crate::input::ExternalInput;
use crate::instance::{Instance, Session};
use crate::item::{Activation, Failure, HandlerCapability};
use crate::log::Level;
use crate::manager::Manager;
use crate::phase::Kind;
use crate::queue::Want;
use crate::record::Record;
use crate::request::{RequestOutcome, Trigger, Work};
use crate::run::{RunKind, SessionRow};

/// Most items of one session from outside.
pub const MAX_OUTSIDE_ITEMS: usize = 10_000;

/// Why a session from outside is not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefusedSession {
    /// No such handler or item, or no item at all (`E_INVALIDARG`).
    #[error("nothing of that name is registered")]
    Unknown,
    /// The handler is not set up (A-47, `E_ACCESSDENIED`).
    #[error("the handler is not set up")]
    Inactive,
    /// The handler is at work and takes one session at a time (A-15, `ERROR_BUSY`).
    #[error("the handler is at work already")]
    Busy,
    /// Too many items.
    #[error("a session from outside has at most {MAX_OUTSIDE_ITEMS} items")]
    TooManyItems,
}

impl Manager {
    /// Whether a session from outside would be opened. Ask before applying it; one that is applied all the same is not
    /// opened, and its reports are not heard.
    ///
    /// # Errors
    /// [`RefusedSession`] says why it would not.
    pub fn check_outside(
        &self,
        handler: &HandlerId,
        items: &[ItemId],
    ) -> Result<(), RefusedSession> {
        let slot = self.handlers.get(handler).ok_or(RefusedSession::Unknown)?;
        if slot.row.activation == Activation::Inactive {
            return Err(RefusedSession::Inactive);
        }
        if items.is_empty() {
            return Err(RefusedSession::Unknown);
        }
        if items.len() > MAX_OUTSIDE_ITEMS {
            return Err(RefusedSession::TooManyItems);
        }
        let busy = self
            .instances
            .values()
            .any(|instance| instance.handler == *handler && instance.is_busy());
        if busy && !slot.has(HandlerCapability::ConcurrentSessions) {
            return Err(RefusedSession::Busy);
        }
        for item in items {
            let item = slot.items.get(item).ok_or(RefusedSession::Unknown)?;
            if item.live.is_some() {
                return Err(RefusedSession::Busy);
            }
        }
        Ok(())
    }

    pub(crate) fn hear_outside(&mut self, said: ExternalInput) {
        match said {
            ExternalInput::Open {
                session,
                handler,
                items,
            } => self.open_outside(session, handler, items),
            ExternalInput::Progress(session, progress) => {
                if let Some(id) = self.outside(session)
                    && let Some(mut instance) = self.instances.remove(&id)
                {
                    self.progress(&mut instance, progress, None);
                    self.instances.insert(id, instance);
                }
            }
            ExternalInput::Close(session) => {
                if let Some(id) = self.outside(session) {
                    self.with(id, |manager, instance| {
                        // Whatever nothing was reported on failed (3.6).
                        manager.settle(
                            instance,
                            End::Failed {
                                reason: "nothing was reported of it".to_owned(),
                                failure: Failure::Soft,
                                retry_after: None,
                            },
                        );
                        instance.over = true;
                    });
                    self.advance_session(session);
                    self.instances.remove(&id);
                    self.pump = true;
                }
            }
        }
    }

    /// What a session from outside is to do with an item, or with all (`CanContinue`).
    #[must_use]
    pub fn outside_verdict(&self, session: SessionId, item: Option<&ItemId>) -> Verdict {
        match self.outside(session).and_then(|id| self.instances.get(&id)) {
            Some(instance) => crate::progress::verdict(instance, item),
            None => Verdict::CancelAll,
        }
    }

    fn outside(&self, session: SessionId) -> Option<InstanceId> {
        let session = self.sessions.get(&session)?;
        let id = *session.instances.first()?;
        (session.row.trigger == Trigger::External && session.row.request.is_none()).then_some(id)
    }

    fn open_outside(&mut self, session: SessionId, handler: HandlerId, mut items: Vec<ItemId>) {
        items.sort();
        items.dedup();
        if let Err(refused) = self.check_outside(&handler, &items) {
            let handler = self.handlers.contains_key(&handler).then_some(handler);
            self.warn(
                handler,
                None,
                Level::Warning,
                format!("a session from outside was not opened: {refused}"),
            );
            return;
        }
        if self.sessions.contains_key(&session) {
            return;
        }
        self.last.session = self.last.session.max(session.0);
        let row = SessionRow {
            id: session,
            request: None,
            trigger: Trigger::External,
            opened: self.now,
            closed: None,
            outcome: None,
        };
        self.record(Record::Session(row.clone()));
        self.event(EventKind::SessionOpened(session));
        self.end_lingering(&handler);
        let id = self.next_instance();
        let mut instance = Box::new(Instance::new(
            id,
            handler,
            session,
            Work::Synchronize,
            Trigger::External,
            false,
            self.turn,
            Want::default(),
        ));
        instance.mute = true;
        // Whoever opens a session is at work already: the phases before were its own affair.
        for kind in [
            Kind::Initialized,
            Kind::Listed,
            Kind::Prepare,
            Kind::FinishPrepare,
            Kind::Synchronize,
        ] {
            instance.enter(kind);
        }
        self.sessions.insert(
            session,
            Session {
                row,
                requests: Vec::new(),
                instances: vec![id],
                interactive: false,
                stopped: false,
                worst: RequestOutcome::Nothing,
                notes: Vec::new(),
            },
        );
        for item in &items {
            // It cannot be made to wait, but others wait for it.
            let lanes = self.slot(&instance.item(item)).map(|slot| slot.lanes());
            instance.lanes.extend(lanes.into_iter().flatten().cloned());
        }
        self.open_run(&mut instance, RunKind::Synchronize, items);
        self.instances.insert(id, instance);
    }
}
