//! What one session would start together although a condition keeps it apart.

use std::collections::BTreeSet;

use crate::condition::{Circumstances, Condition};
use crate::hindrance::Hindrance;
use crate::id::{ItemId, ItemRef};
use crate::instance::Instance;
use crate::manager::Manager;
use crate::phase::Phase;
use crate::queue::is_automatic;
use crate::request::Work;
use crate::rule::Select;
use crate::time::Timestamp;

/// What is meant by a condition: what of it is to run beside whoever has the condition.
struct Meant<'a> {
    select: &'a Select,
    /// Of the same handler's part of the session.
    beside: BTreeSet<&'a ItemId>,
    /// Of another handler's part, by its name.
    elsewhere: Option<String>,
}

impl Manager {
    /// Takes out of what an instance is to synchronize whatever is not to run while something else of its session does: that
    /// runs first. Where two keep off each other, the one that is listed later waits.
    pub(crate) fn keep_apart(&self, instance: &mut Instance) -> Vec<(ItemRef, Hindrance)> {
        let mut waits = Vec::new();
        let Some(handler) = self.handlers.get(&instance.handler) else {
            return waits;
        };
        if !is_automatic(instance.trigger) {
            return waits; // who asks for it decides himself
        }
        let mut all: Vec<Meant<'_>> = Vec::new();
        let slots: Vec<_> = instance
            .selected
            .iter()
            .filter_map(|id| handler.items.get(id))
            .collect();
        for slot in slots.iter().rev() {
            let own = &slot.row.at.item;
            for condition in slot.conditions() {
                let Condition::NotRunning(select) = condition else {
                    continue;
                };
                let at = all.iter().position(|meant| meant.select == select);
                let at = at.unwrap_or_else(|| {
                    let left_out =
                        |item: &ItemId| waits.iter().any(|(at, _): &(ItemRef, _)| at.item == *item);
                    let meant = slots
                        .iter()
                        .filter(|slot| select.matches(&handler.row, &slot.row))
                        .map(|slot| &slot.row.at.item)
                        .filter(|item| !left_out(item));
                    all.push(Meant {
                        select,
                        beside: meant.collect(),
                        elsewhere: self.elsewhere(instance, select),
                    });
                    all.len() - 1
                });
                let Some(meant) = all.get(at) else { continue };
                let beside = meant.beside.iter().find(|other| **other != own);
                let beside = beside.and_then(|other| handler.items.get(*other));
                let name = beside.map(|other| other.row.name.clone());
                let Some(name) = name.or_else(|| meant.elsewhere.clone()) else {
                    continue;
                };
                let now = self.now;
                let running =
                    |_: &Select| -> Option<(String, Timestamp)> { Some((name.clone(), now)) };
                let evaluation = self.facts.evaluate(
                    condition,
                    Circumstances {
                        now,
                        zone: &self.zone,
                        running: &running,
                    },
                );
                waits.push((
                    slot.row.at.clone(),
                    Hindrance::Condition(condition.clone(), evaluation),
                ));
                for meant in &mut all {
                    meant.beside.remove(own);
                }
                break;
            }
        }
        instance
            .selected
            .retain(|id| !waits.iter().any(|(at, _)| at.item == *id));
        waits
    }

    /// What is meant and wanted of other handlers of the session whose lists have not come; what was chosen from a list counts
    /// as running.
    fn elsewhere(&self, instance: &Instance, select: &Select) -> Option<String> {
        let session = self.sessions.get(&instance.session)?;
        let others = session.instances.iter().filter(|id| **id != instance.id);
        others
            .filter_map(|id| self.instances.get(id))
            .filter(|other| {
                other.work == Work::Synchronize
                    && matches!(other.phase(), Phase::New | Phase::Initialized)
            })
            .find_map(|other| {
                let handler = self.handlers.get(&other.handler)?;
                let mut wanted = handler.items.values().filter(|slot| {
                    let named = other.want.names(&slot.row.at.item);
                    Self::wanted(slot, &other.want)
                        && select.matches(&handler.row, &slot.row)
                        && self
                            .hindrance(handler, slot, other.trigger, named, false)
                            .is_none()
                });
                wanted.next().map(|slot| slot.row.name.clone())
            })
    }
}
