//! The machine leaves: it sleeps or shuts down. It waits a little, and before that time is over what works is asked to stop;
//! what did not finish is caught up once when the machine is back.

use std::time::Duration;

use crate::cut;
use crate::hindrance::Hindrance;
use crate::hindrance::because;
use crate::id::{InstanceId, ItemId, ItemRef};
use crate::instance::{Instance, StopLevel};
use crate::log::Level;
use crate::manager::{Manager, Timer};
use crate::phase::Phase;
use crate::queue::Waiting;
use crate::request::{RequestOutcome, Trigger, Work};
use crate::rule::Moment;
use crate::time::Timestamp;
use crate::triggering::{LATE, of_moment};
use crate::watchdog::Cut;

/// What works is asked to stop so long before the machine leaves, or after half of its time where that is less.
pub const ASK_BEFORE: Duration = Duration::from_millis(1_500);
/// A machine that was about to leave and told nothing more for so long did not leave.
pub const BACK_AFTER: Duration = Duration::from_secs(5 * 60);
/// Most items of which the log has an entry each; the others are a number.
const MAX_TOLD: usize = 50;

/// The machine is about to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departure {
    /// [`Moment::Suspend`] or [`Moment::Logoff`].
    pub moment: Moment,
    /// How long it waits.
    pub within: Duration,
    /// Nothing lives on: whatever works is meant, not only what was started for the moment.
    pub everything: bool,
}

/// When those who work are to be asked to stop.
#[must_use]
pub fn asked_after(within: Duration) -> Duration {
    within.saturating_sub(ASK_BEFORE.min(within / 2))
}

/// A departure that was told and is not over.
#[derive(Debug)]
pub(crate) struct Away {
    departure: Departure,
    /// When it was told.
    since: Timestamp,
    /// When something is to be done about it next.
    due: Timestamp,
    /// What worked was asked to stop, and nothing starts by itself any more.
    pub(crate) asked: bool,
}

impl Away {
    /// The clock was set: the machine is as patient as before.
    pub(crate) fn shift(&mut self, shift: crate::clock_set::Shift) {
        self.since = shift.past(self.since);
        self.due = shift.coming(self.due);
    }
}

impl Departure {
    fn concerns(&self, trigger: Trigger, work: &Work) -> bool {
        *work == Work::Synchronize && (self.everything || trigger == of_moment(self.moment))
    }
}

/// The moment as what a run is caught up for.
pub(crate) fn named(trigger: Trigger) -> Option<&'static str> {
    match trigger {
        Trigger::Logoff => Some("logoff"),
        Trigger::Suspend => Some("sleep"),
        Trigger::Manual
        | Trigger::Schedule
        | Trigger::CatchUp
        | Trigger::Logon
        | Trigger::Lock
        | Trigger::Unlock
        | Trigger::Resume
        | Trigger::Idle
        | Trigger::Connect
        | Trigger::PendingDisconnect
        | Trigger::Invoke
        | Trigger::FileChange
        | Trigger::Device
        | Trigger::After
        | Trigger::External
        | Trigger::Retry
        | Trigger::Answered => None,
    }
}

impl Manager {
    /// The machine is about to leave. What starts for that was started before.
    pub(crate) fn depart(&mut self, departure: Departure) {
        self.forget_departure();
        let due = self.now.plus(asked_after(departure.within));
        self.set_timer(due, Timer::Leaving);
        self.away = Some(Away {
            departure,
            since: self.now,
            due,
            asked: false,
        });
    }

    /// It is back, or did not leave: what waited for that starts.
    pub(crate) fn back(&mut self) {
        let slept = |away: &&Away| away.departure.moment == Moment::Suspend;
        if let Some(since) = self.away.as_ref().filter(slept).map(|away| away.since) {
            self.stop_on_wake(since);
        }
        if self.forget_departure() {
            self.reconsider();
            self.pump = true;
        }
    }

    fn forget_departure(&mut self) -> bool {
        let Some(away) = self.away.take() else {
            return false;
        };
        self.clear_timer(away.due, Timer::Leaving);
        away.asked
    }

    /// What keeps everything from starting by itself while the machine leaves.
    pub(crate) fn leaves(&self) -> Option<Hindrance> {
        let away = self.away.as_ref().filter(|away| away.asked)?;
        Some(Hindrance::Leaving(away.departure.moment))
    }

    /// Whether the machine may leave although something works: whoever was asked to stop has.
    #[must_use]
    pub fn lets_leave(&self) -> bool {
        self.away.as_ref().is_some_and(|away| {
            away.asked
                && !self
                    .instances
                    .values()
                    .any(|instance| works_for(instance, &away.departure))
        })
    }

    /// The time of a departure is nearly over, or it never came.
    pub(crate) fn leaving_due(&mut self) {
        let now = self.now;
        let Some(away) = self.away.as_mut() else {
            return;
        };
        // Timers are late by that much only when the machine left without waiting, and is back.
        if away.asked || now.since(away.due) > LATE {
            self.back();
            return;
        }
        let departure = away.departure;
        for id in self.give_up_unfinished(&departure) {
            self.with(id, |manager, instance| {
                if instance.stop == StopLevel::None {
                    manager.stop_instance(instance);
                }
            });
        }
    }

    /// This manager ends, perhaps because the session does, and whatever works is about to be stopped: what was started
    /// for the end of the session is caught up in the next life.
    pub(crate) fn end(&mut self) {
        let departure = Departure {
            moment: Moment::Logoff,
            within: Duration::ZERO,
            everything: false,
        };
        if self.away.is_none() {
            self.depart(departure);
        }
        if self.away.as_ref().is_some_and(|away| !away.asked) {
            self.give_up_unfinished(&departure);
        }
    }

    /// From now on nothing starts by itself, and what a departure keeps from its end is remembered. Answers who works on
    /// that.
    fn give_up_unfinished(&mut self, departure: &Departure) -> Vec<InstanceId> {
        let due = self.now.plus(BACK_AFTER);
        let Some(away) = self.away.as_mut() else {
            return Vec::new();
        };
        let before = std::mem::replace(&mut away.due, due);
        away.asked = true;
        let since = away.since;
        self.clear_timer(before, Timer::Leaving);
        self.set_timer(due, Timer::Leaving);
        let mut unfinished = self.take_waiting(departure);
        let ids: Vec<InstanceId> = self
            .instances
            .values()
            .filter(|instance| works_for(instance, departure))
            .map(|instance| instance.id)
            .collect();
        for id in &ids {
            self.with(*id, |manager, instance| {
                unfinished.extend(manager.cut_for(instance, departure.moment));
            });
        }
        // Remembered before anybody is asked: the machine may not wait for the end of it.
        self.catch_up_later(&unfinished, departure.moment, since);
        ids
    }

    /// Takes out of the queue what was to run before the machine leaves, and names its items.
    fn take_waiting(&mut self, departure: &Departure) -> Vec<ItemRef> {
        let (over, rest): (Vec<Waiting>, Vec<Waiting>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|w| departure.concerns(w.request.trigger, &w.request.work));
        self.waiting = rest;
        let mut items = Vec::new();
        for waiting in over {
            for (id, want) in &waiting.wants {
                if let Some(handler) = self.handlers.get(id) {
                    let wanted = handler.items.values().filter(|i| Self::wanted(i, want));
                    items.extend(wanted.map(|slot| slot.row.at.clone()));
                }
            }
            let why = String::from(because(departure.moment));
            self.end_waiting(waiting, RequestOutcome::Stopped, Some(why));
        }
        items
    }

    /// Marks what an instance did not finish, and names it.
    fn cut_for(&self, instance: &mut Instance, moment: Moment) -> Vec<ItemRef> {
        let mut unfinished: Vec<ItemId> = Vec::new();
        if let Some(run) = instance.run.as_mut() {
            for item in &mut run.items {
                if !item.status.is_terminal() {
                    item.mishap_mut().cut.get_or_insert(Cut::Leaving(moment));
                    unfinished.push(item.id.clone());
                }
            }
        } else if !instance.selected.is_empty() {
            unfinished.clone_from(&instance.selected);
        } else if let Some(handler) = self.handlers.get(&instance.handler) {
            let wanted = handler
                .items
                .values()
                .filter(|slot| Self::wanted(slot, &instance.want));
            unfinished.extend(wanted.map(|slot| slot.row.at.item.clone()));
        }
        unfinished.iter().map(|id| instance.item(id)).collect()
    }

    /// Items are due again once the machine is back, and the log tells of each.
    fn catch_up_later(&mut self, items: &[ItemRef], moment: Moment, since: Timestamp) {
        let trigger = of_moment(moment);
        for (number, item) in items.iter().enumerate() {
            self.hold_back(item, trigger, Hindrance::Leaving(moment));
            let Some(slot) = self.slot_mut(item) else {
                continue;
            };
            if let Some(held) = &mut slot.row.held
                && held.trigger == trigger
            {
                held.since = since;
            }
            let run = slot.live;
            let name = slot.row.name.clone();
            self.record_item(item);
            if number < MAX_TOLD {
                let run = run.and_then(|id| Some(self.instances.get(&id)?.run.as_ref()?.row.id));
                let text = format!(
                    "{name}: not finished, because {}; it is caught up afterwards",
                    because(moment)
                );
                self.warn_of(item, run, Level::Warning, text);
            }
        }
        let rest = items.len().saturating_sub(MAX_TOLD);
        if rest > 0 {
            let text = format!("{rest} more items were not finished and are caught up afterwards");
            self.warn(None, None, Level::Warning, text);
        }
    }

    /// Tells that items start now because a departure kept them from their end.
    pub(crate) fn tell_caught_up(&mut self, items: &[(ItemRef, Trigger, Timestamp)]) {
        for (item, trigger, since) in items.iter().take(MAX_TOLD) {
            let name = self.slot(item).map(|slot| slot.row.name.clone());
            let name = name.unwrap_or_default();
            let since = self.zone.wall_text(*since);
            let text = match named(*trigger) {
                Some(moment) => format!("{name}: caught up for the {moment} at {since}"),
                None => format!("{name}: caught up for {since}"),
            };
            self.warn_of(
                item,
                None,
                Level::Information,
                cut::bytes(text, cut::MAX_LINE),
            );
        }
    }
}

/// Whether an instance works for a departure and did not end.
fn works_for(instance: &Instance, departure: &Departure) -> bool {
    !instance.mute
        && departure.concerns(instance.trigger, &instance.work)
        && !matches!(
            instance.phase(),
            Phase::Done | Phase::Released | Phase::Properties | Phase::ErrorUi
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_works_is_asked_with_time_to_stop() {
        for (within, after) in [
            (4_000, 2_500),
            (60_000, 58_500),
            (2_000, 1_000),
            (1, 0),
            (0, 0),
        ] {
            let (within, after) = (Duration::from_millis(within), Duration::from_millis(after));
            let asked = asked_after(within);
            assert!(asked <= within);
            assert_eq!(asked.as_millis(), after.as_millis(), "{within:?}");
        }
        assert!(asked_after(Duration::MAX) < Duration::MAX);
    }
}
