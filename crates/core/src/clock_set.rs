//! A clock that is set, by seconds or by years: what was to last so long still lasts so long, and what happened so long ago
//! still did. What is due at times that a calendar shows follows the new time.

use std::time::Duration;

use crate::id::{InstanceId, ItemRef};
use crate::instance::Instance;
use crate::log::Level;
use crate::manager::{Manager, Timer};
use crate::need::NeedRow;
use crate::record::{PauseRow, Record, Remembered};
use crate::rule::Cause;
use crate::schedule::{MAX_SET_BACK, Schedule};
use crate::time::{Timestamp, spell};

/// A clock that is set by less than this goes on as if it were late or early: no timer is worth moving for it.
pub const CLOCK_SET: Duration = Duration::from_secs(10);

/// A clock that was set by at least this much makes everything that was dated before doubtful.
pub const DOUBTFUL: Duration = MAX_SET_BACK;

/// How far moments move, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shift {
    /// By how many milliseconds.
    by: i64,
    /// What happened later than this moves. When nobody measured how far the clock was set, only what would lie in the future
    /// is known to be wrong.
    after: Timestamp,
}

impl Shift {
    /// Everything moves: it was measured.
    fn measured(by: i64) -> Self {
        Self {
            by,
            after: Timestamp(i64::MIN),
        }
    }

    /// The clock went back at least from `seen`, the last that it showed, to `now`.
    fn back(seen: Timestamp, now: Timestamp) -> Option<Self> {
        (seen.since(now) >= CLOCK_SET).then(|| Self {
            by: now.0.saturating_sub(seen.0),
            after: now,
        })
    }

    /// When something that is still to come comes.
    pub(crate) fn coming(self, at: Timestamp) -> Timestamp {
        Timestamp(at.0.saturating_add(self.by))
    }

    /// When something happened.
    pub(crate) fn past(self, at: Timestamp) -> Timestamp {
        if at > self.after { self.coming(at) } else { at }
    }

    fn span(self) -> Duration {
        Duration::from_millis(self.by.unsigned_abs())
    }

    fn is_back(self) -> bool {
        self.by < 0
    }
}

/// The latest moment at which something that is remembered happened.
fn last_seen(remembered: &Remembered) -> Option<Timestamp> {
    let items = remembered.items.iter().flat_map(|row| {
        let held = row.held.map(|held| held.since);
        [Some(row.since), row.last_attempt, row.last_good, held]
    });
    let pauses = remembered.pauses.iter().map(|row| Some(row.since));
    let needs = remembered.needs.iter().map(|row| Some(row.opened));
    let rules = remembered.rules.iter().map(|(_, seen)| Some(*seen));
    let runs = remembered.open_runs.iter().map(|(row, _)| Some(row.opened));
    items
        .chain(pauses)
        .chain(needs)
        .chain(rules)
        .chain(runs)
        .flatten()
        .max()
}

/// What nobody was there to see: the clock shows less than it did in an earlier life.
pub(crate) fn set_back_meanwhile(remembered: &Remembered, now: Timestamp) -> Option<Shift> {
    Shift::back(last_seen(remembered)?, now)
}

impl Manager {
    /// The clock was set by `by` milliseconds, which somebody measured. Comes before anything else that is applied at the
    /// new time.
    pub(crate) fn clock_was_set(&mut self, by: i64) {
        if by.unsigned_abs() >= u64::try_from(CLOCK_SET.as_millis()).unwrap_or(u64::MAX) {
            self.shift(Shift::measured(by));
        }
    }

    /// Time went on, or back without anybody telling.
    pub(crate) fn time_passed(&mut self, before: Timestamp) {
        match Shift::back(before, self.now) {
            Some(shift) => self.shift(shift),
            None if self.now < before => self.move_watches(before),
            None => {}
        }
    }

    /// When the clock was last set in this life, and by how many milliseconds.
    #[must_use]
    pub fn clock_set(&self) -> Option<(Timestamp, i64)> {
        self.clock_set
    }

    /// Moves everything that is remembered of time.
    pub(crate) fn shift(&mut self, shift: Shift) {
        self.clock_set = Some((self.now, shift.by));
        let text = format!(
            "the clock was set {} by {}; pauses, retries and deadlines keep their length, and calendars follow the new time",
            if shift.is_back() { "back" } else { "forward" },
            spell(shift.span())
        );
        self.warn(None, None, Level::Warning, text);
        self.shift_timers(shift);
        self.shift_items(shift);
        self.shift_pauses(shift);
        self.shift_needs(shift);
        self.shift_instances(shift);
        self.keep_reporters();
        self.facts.shift(shift);
        self.budget.shift(shift);
        for waiting in &mut self.waiting {
            waiting.since = shift.past(waiting.since);
        }
        for session in self.sessions.values_mut() {
            session.row.opened = shift.past(session.row.opened);
        }
        self.pulse_at = self.pulse_at.map(|at| shift.coming(at));
        if let Some(away) = &mut self.away {
            away.shift(shift);
        }
        self.shift_rules(shift);
        self.look_awake_again();
        self.plan_digest_again();
        self.expect_all();
        // Hours, and spans of idleness, begin and end at other times than was reckoned.
        self.reconsider();
        self.stop_unmet();
        self.watch_time_again();
    }

    /// Timers of spans move; those of calendars, conditions and freshness are set anew by whoever owns them.
    fn shift_timers(&mut self, shift: Shift) {
        for (at, timer) in std::mem::take(&mut self.timers) {
            match timer {
                Timer::Condition(_) | Timer::Stale(_) | Timer::Digest => {}
                Timer::Rule { .. } => self.timers.insert(at, timer),
                Timer::Pause(_)
                | Timer::Need(_)
                | Timer::Awake
                | Timer::Instance(_)
                | Timer::Leaving
                | Timer::Watch(_)
                | Timer::Retry(_)
                | Timer::Summary
                | Timer::Pulse => self.timers.insert(shift.coming(at), timer),
            }
        }
    }

    fn shift_items(&mut self, shift: Shift) {
        for handler in self.handlers.values_mut() {
            for slot in handler.items.values_mut() {
                slot.awaited = None; // its timer is gone, and is set anew
                let row = &mut slot.row;
                row.since = shift.past(row.since);
                row.last_attempt = row.last_attempt.map(|at| shift.past(at));
                row.last_good = row.last_good.map(|at| shift.past(at));
                if let Some(retry) = &mut row.retry {
                    retry.due = shift.coming(retry.due);
                }
                if let Some(held) = &mut row.held {
                    held.since = shift.past(held.since);
                }
            }
        }
        // One record for all: they may be very many.
        self.record(Record::ClockSet {
            by_ms: shift.by,
            after: shift.after,
        });
    }

    fn shift_pauses(&mut self, shift: Shift) {
        let moved: Vec<PauseRow> = self
            .pauses
            .values_mut()
            .map(|row| {
                row.since = shift.past(row.since);
                row.until = row.until.map(|until| shift.coming(until));
                row.clone()
            })
            .collect();
        for row in moved {
            self.record(Record::Pause(row));
        }
    }

    fn shift_needs(&mut self, shift: Shift) {
        let moved: Vec<NeedRow> = self
            .needs
            .values_mut()
            .map(|row| {
                row.opened = shift.past(row.opened);
                row.deadline = row.deadline.map(|at| shift.coming(at));
                row.clone()
            })
            .collect();
        for row in moved {
            self.record(Record::Need(row));
        }
    }

    fn shift_instances(&mut self, shift: Shift) {
        for instance in self.instances.values_mut() {
            if let Some((at, _)) = &mut instance.wait {
                *at = shift.coming(*at);
            }
            if let Some(run) = &mut instance.run {
                run.row.opened = shift.past(run.row.opened);
                run.watch.shift(shift);
            }
        }
    }

    fn shift_rules(&mut self, shift: Shift) {
        let doubtful = shift.is_back() && shift.span() > MAX_SET_BACK;
        for at in 0..self.rules.len() {
            let Some(state) = self.rules.get_mut(at) else {
                continue;
            };
            state.connected = state.connected.map(|last| shift.past(last));
            let spans_alone = state
                .rule
                .schedules()
                .all(|schedule| matches!(schedule, Schedule::Every(_)));
            let any = state.rule.schedules().next().is_some();
            let considered = state.considered;
            let spans: Vec<_> = state
                .due
                .iter()
                .zip(&state.rule.on)
                .enumerate()
                .filter_map(|(cause, (due, what))| {
                    let mut due = (*due)?;
                    let moves = match what {
                        Cause::Schedule(Schedule::Every(_)) | Cause::Idle { .. } => true,
                        // What is made up for waits a while, wherever the clock stands.
                        Cause::Schedule(Schedule::Calendar(_)) => due.missed && !doubtful,
                        Cause::Happening(_)
                        | Cause::Connect(_)
                        | Cause::Changed(_)
                        | Cause::Volume(_)
                        | Cause::After { .. } => false,
                    };
                    due.at = shift.coming(due.at);
                    due.time = shift.coming(due.time);
                    moves.then_some((cause, due))
                })
                .collect();
            if any && spans_alone {
                self.seen(at, shift.past(considered));
            } else if any && doubtful {
                // What the clock said before was wrong, or what it says now is: schedules go on from that.
                self.seen(at, self.now);
                self.plan(at);
            }
            for (cause, due) in spans {
                self.set_due(at, cause, Some(due));
            }
        }
    }

    /// Time alone may take a condition away from what runs by itself; when, is reckoned anew.
    fn watch_time_again(&mut self) {
        let running: Vec<(InstanceId, Vec<ItemRef>)> = self
            .instances
            .values()
            .filter(|instance| crate::queue::is_automatic(instance.trigger))
            .filter_map(|instance| Some((instance.id, items_at_work(instance)?)))
            .collect();
        for (_, items) in running {
            self.watch_time(&items);
        }
    }
}

fn items_at_work(instance: &Instance) -> Option<Vec<ItemRef>> {
    let run = instance.run.as_ref()?;
    let items = run.items.iter().filter(|item| !item.status.is_terminal());
    Some(items.map(|item| instance.item(&item.id)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_moved_when_nobody_measured() {
        let at = |seconds: i64| Timestamp(seconds * 1000);
        assert_eq!(Shift::back(at(100), at(95)), None, "less than matters");
        assert_eq!(Shift::back(at(95), at(100)), None, "forward");
        let back = Shift::back(at(100), at(40)).unwrap();
        assert_eq!(back.past(at(90)), at(30), "it would lie in the future");
        assert_eq!(back.past(at(39)), at(39), "it may be so");
        assert_eq!(back.coming(at(130)), at(70));
        let measured = Shift::measured(-60_000);
        assert_eq!(measured.past(at(39)), at(-21));
        assert_eq!(
            Shift::measured(i64::MAX).coming(at(1)),
            Timestamp(i64::MAX),
            "nothing overflows"
        );
    }
}
