//! Properties of items and handlers (mobsync 3.4.5, 3.5.1): a session of its own that never synchronizes, on a fresh
//! instance or on the one that is kept for its links.
//!
//! Such an instance counts against nobody: it only lists, so a run of the same handler may go on beside it (M-86 speaks of
//! preparation to the end of a run). A second one of the same handler is refused while one is open (M-137).

use crate::command::Command;
use crate::connection::Owner;
use crate::id::{HandlerId, InstanceId, ItemId};
use crate::input::{Completed, PropertiesEffect, PropertySheet};
use crate::instance::{Instance, StopLevel};
use crate::item::{HandlerCapability, ItemCapability};
use crate::manager::{Manager, Show};
use crate::paired::Over;
use crate::phase::{Kind, Phase};
use crate::queue::Want;
use crate::request::{PropertyAsk, RequestOutcome, Work};

impl Manager {
    /// Whether properties of a handler are open.
    pub(crate) fn has_properties_open(&self, handler: &HandlerId) -> bool {
        self.instances.values().any(|instance| {
            instance.handler == *handler
                && matches!(instance.work, Work::Properties(_))
                && !instance.over
                && instance.phase() != Phase::Released
        })
    }

    /// The instance that is kept for its links and can be asked for properties (M-63, M-89).
    pub(crate) fn kept_for_links(&self, handler: &HandlerId, want: &Want) -> Option<InstanceId> {
        self.instances
            .values()
            .find(|instance| {
                instance.handler == *handler
                    && instance.phase() == Phase::Done
                    && instance.over
                    && !instance.mute
                    && instance.stop == StopLevel::None
                    && (!instance.knows_some || want.items.is_subset(&instance.want.items))
            })
            .map(|instance| instance.id)
    }

    /// Begins with the properties on an instance in `Listed` or `Done`.
    pub(crate) fn begin_properties(&mut self, instance: &mut Instance) {
        let Work::Properties(ask) = instance.work.clone() else {
            return;
        };
        let item = instance.want.items.first().cloned();
        if !self.has_properties(instance, item.as_ref()) {
            self.note_failure(instance, "it has no properties"); // M-135, M-136
            self.finish(instance);
            return;
        }
        self.wait_for(instance, None);
        if !instance.enter(Kind::Properties) {
            return;
        }
        instance.show_properties.begin();
        instance.effect = PropertiesEffect::Unchanged;
        let id = instance.id;
        self.command(
            instance.mute,
            match ask {
                PropertyAsk::Show => Command::ShowProperties { instance: id, item },
                PropertyAsk::Read => Command::Properties {
                    instance: id,
                    item,
                    values: None,
                },
                PropertyAsk::Write(values) => Command::Properties {
                    instance: id,
                    item,
                    values: Some(values),
                },
            },
        );
    }

    fn has_properties(&self, instance: &Instance, item: Option<&ItemId>) -> bool {
        let Some(handler) = self.handlers.get(&instance.handler) else {
            return false;
        };
        match item {
            None => handler.has(HandlerCapability::Properties),
            Some(item) => handler
                .items
                .get(item)
                .is_some_and(|slot| slot.row.capabilities.contains(&ItemCapability::Properties)),
        }
    }

    /// Properties were read or written as data: that call has no second half.
    pub(crate) fn properties_read(
        &mut self,
        instance: &mut Instance,
        read: Result<PropertySheet, String>,
    ) {
        if matches!(instance.work, Work::Properties(PropertyAsk::Show)) {
            return;
        }
        match read {
            Ok(sheet) => {
                let effect = sheet.effect;
                self.properties_over(instance, Ok((Some(sheet), effect)));
            }
            Err(why) => self.properties_over(instance, Err(why)),
        }
    }

    /// The handler's own window is over.
    pub(crate) fn properties_shown(&mut self, instance: &mut Instance, over: Over) {
        let ended = match over {
            // M-141: any other value means that nothing changed; that it failed is told by the handler.
            Over::Completed(Completed::Done) => Ok((None, instance.effect)),
            Over::Completed(Completed::Cancelled | Completed::Failed { .. }) => {
                Ok((None, PropertiesEffect::Unchanged))
            }
            Over::NotBegun(why) => Err(why), // M-138: nothing is awaited
            Over::NeedsUser => Err("somebody would have to be asked".to_owned()),
        };
        self.properties_over(instance, ended);
    }

    fn properties_over(
        &mut self,
        instance: &mut Instance,
        ended: Result<(Option<PropertySheet>, PropertiesEffect), String>,
    ) {
        instance.show_properties.abandon();
        self.free_token(instance.id); // M-118
        self.cancel_prompts(instance);
        instance.enter(if instance.has_worked() {
            Kind::EndPropertiesAfterRun
        } else {
            Kind::EndProperties
        });
        let (sheet, effect) = match ended {
            Ok(ended) => ended,
            Err(why) => {
                self.note_failure(instance, &why);
                self.finish(instance);
                return;
            }
        };
        let item = instance.want.items.first().cloned();
        let requests = match self.sessions.get_mut(&instance.session) {
            Some(session) => {
                session.fold(RequestOutcome::Succeeded);
                session.requests.clone()
            }
            None => Vec::new(),
        };
        for request in requests {
            self.effects.shows.push(Show::Properties {
                request,
                handler: instance.handler.clone(),
                item: item.clone(),
                sheet: sheet.clone(),
                effect,
            });
        }
        let again = match (effect, item) {
            (PropertiesEffect::Unchanged, _) => false, // M-141
            (PropertiesEffect::ItemDeleted, Some(item)) => {
                self.remove_item(&instance.item(&item)); // M-139
                false
            }
            // 3.5.1: of the handler itself a deletion means to look again.
            (PropertiesEffect::ItemDeleted, None) | (PropertiesEffect::EnumerateItems, _) => true,
        };
        if again && instance.stop == StopLevel::None && instance.enter(Kind::List) {
            instance.relisting = true;
            instance.listing = crate::catalog::Listing::default();
            self.command(instance.mute, Command::ListItems(instance.id)); // M-140
        } else {
            self.finish(instance);
        }
    }

    /// What a properties session was opened for did not come about; who waits for it is told.
    fn note_failure(&mut self, instance: &Instance, why: &str) {
        let name = self.handler_name(&instance.handler);
        if let Some(session) = self.sessions.get_mut(&instance.session) {
            session.fold(RequestOutcome::Failed);
            session.note(format!("{name}: {why}"));
        }
    }

    /// The link of an entry is not wanted any more; an instance that has none left ends (3.7, M-126).
    pub(crate) fn dismiss(&mut self, entry: crate::id::LogId) {
        let Some(id) = self.link(entry).map(|(instance, _)| instance) else {
            return;
        };
        self.with(id, |manager, instance| {
            if let Some(entry) = instance.log.get_mut(&entry) {
                entry.jump = false;
            }
            if instance.over && !instance.has_jump() {
                manager.release(instance);
            }
        });
    }

    /// Takes the token, the connections and the questions from an instance that is over.
    pub(crate) fn let_go(&mut self, instance: &Instance) {
        self.free_token(instance.id);
        self.stop_waiting(instance.id, None);
        self.leave(Owner::Instance(instance.id));
    }
}
