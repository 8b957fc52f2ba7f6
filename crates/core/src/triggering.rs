//! What starts by itself: the rules, their schedules, and what happens on the machine (mobsync 3.12, 4.4 to 4.6).

use std::time::Duration;

use crate::choosing::Chosen;
use crate::cut;
use crate::freshness::promised;
use crate::id::{HandlerId, ItemRef};
use crate::instance::LiveRun;
use crate::item::ItemStatus;
use crate::log::Level;
use crate::manager::{Manager, Timer};
use crate::queue::{MAX_QUEUE, may_bother};
use crate::record::Record;
use crate::request::{IfRunning, Request, Scope, Trigger, Work};
use crate::rule::{Cause, Happening, MAX_RULES, Moment, Rule, Select};
use crate::run::RunKind;
use crate::schedule::{self, Schedule, Zone};
use crate::spread::Due;
use crate::time::Timestamp;

/// A connection that comes and goes starts a rule at most so often (mobsync 4.4).
pub const CONNECT_AT_MOST_EVERY: Duration = Duration::from_secs(5 * 60);
/// A scheduled time that comes later than this is told as caught up.
pub const LATE: Duration = Duration::from_secs(60);

/// A rule with what was seen of it.
#[derive(Debug)]
pub(crate) struct RuleState {
    pub(crate) rule: Rule,
    /// Up to when its schedules were looked at; what was missed since then is caught up.
    pub(crate) considered: Timestamp,
    /// When each of its causes is due, where time alone decides.
    pub(crate) due: Vec<Option<Due>>,
    /// When a connection started it last.
    pub(crate) connected: Option<Timestamp>,
    /// It was told that it would start itself.
    told: bool,
    /// How old its schedules let a good run become.
    promised: Option<Duration>,
    /// It would have started on idleness, but for the battery.
    waits_for_power: bool,
    /// Its items, as the catalog was when it was asked last; absent: there were too many to keep.
    pub(crate) chosen: Option<Chosen>,
}

impl Manager {
    /// The rules, from the configuration. What is remembered of a rule stays with its name.
    pub(crate) fn set_rules(&mut self, rules: Vec<Rule>) {
        let before = std::mem::take(&mut self.rules);
        self.timers
            .retain(|timer| !matches!(timer, Timer::Rule { .. }));
        for state in before {
            // Other times are new ones: nothing of them was missed.
            let same = rules
                .iter()
                .find(|rule| rule.name == state.rule.name)
                .is_none_or(|rule| rule.schedules().eq(state.rule.schedules()));
            let considered = if same { state.considered } else { self.now };
            self.considered.insert(state.rule.name, considered);
        }
        let mut known = std::mem::take(&mut self.considered);
        for rule in rules.into_iter().take(MAX_RULES) {
            let rule = rule.bounded();
            if self.rules.iter().any(|other| other.rule.name == rule.name) {
                continue;
            }
            let considered = known.remove(&rule.name);
            if considered.is_none() && rule.schedules().next().is_some() {
                self.record(Record::RuleSeen {
                    rule: rule.name.clone(),
                    considered: self.now,
                });
            }
            self.rules.push(RuleState {
                considered: considered.unwrap_or(self.now),
                due: vec![None; rule.on.len()],
                connected: None,
                told: false,
                chosen: None,
                promised: promised(rule.schedules(), self.now, &self.zone),
                waits_for_power: false,
                rule,
            });
        }
        for name in known.into_keys() {
            self.record(Record::RuleGone(name));
        }
        let items: Vec<ItemRef> = self.items().map(|row| row.at.clone()).collect();
        for item in &items {
            self.follow_rules(item);
        }
        self.reconsider();
        for at in 0..self.rules.len() {
            self.plan(at);
            // Told with the rules, and not only when it is about to begin.
            let follows = |state: &RuleState| {
                let mut on = state.rule.on.iter();
                on.any(|on| matches!(on, Cause::After { .. }))
            };
            if self.rules.get(at).is_some_and(follows) && self.starts_itself(at) {
                self.tell_cycle(at);
            }
        }
        self.idle_changed();
    }

    /// The zone of the machine, for schedules that name none.
    pub(crate) fn set_zone(&mut self, zone: Zone) {
        if self.zone != zone {
            self.zone = zone;
            for at in 0..self.rules.len() {
                self.plan(at);
            }
            // Other hours are here now.
            self.reconsider();
        }
    }

    /// What the rules say of an item: its conditions, what becomes of its run without them, how fresh it is to be.
    pub(crate) fn follow_rules(&mut self, item: &ItemRef) {
        let Some((handler, slot)) = self
            .handlers
            .get(&item.handler)
            .and_then(|handler| Some((handler, handler.items.get(&item.item)?)))
        else {
            return;
        };
        if self.rules.is_empty()
            && self.policies.is_empty()
            && slot.holding().is_none()
            && slot.row.expected_freshness.is_none()
        {
            return; // nothing is said of it, and nothing was
        }
        let lanes = self.policies_of(item).value(|policy| policy.lanes.clone());
        let mut conditions = slot
            .holding()
            .map_or_else(Vec::new, |holding| holding.own_conditions.clone());
        let mut stop_when_lost = false;
        let mut fresh: Option<Duration> = None;
        for state in &self.rules {
            let rule = &state.rule;
            if !rule.selects(&handler.row, &slot.row) {
                continue;
            }
            for condition in &rule.when {
                if !conditions.contains(condition) {
                    conditions.push(condition.clone());
                }
            }
            stop_when_lost |= rule.lost == crate::rule::Lost::Stop;
            // The strictest of several.
            let of_rule = rule.fresh_within.or(state.promised);
            fresh = match (fresh, of_rule) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
        }
        conditions.truncate(crate::condition::MAX_CONDITIONS);
        // A policy says it of the item itself, a rule only of what it starts.
        let of_policy = self.policies_of(item).value(|policy| policy.fresh_within);
        let fresh = of_policy.or(fresh);
        self.set_lanes(item, lanes);
        let Some(slot) = self.slot_mut(item) else {
            return;
        };
        if !conditions.is_empty() || slot.holding().is_some() {
            let holding = slot.holding_mut();
            holding.conditions = conditions;
            holding.stop_when_lost = stop_when_lost;
        }
        let own = slot.holding().and_then(|holding| holding.own_freshness);
        let expected = own.or(fresh);
        if slot.row.expected_freshness != expected {
            slot.row.expected_freshness = expected;
            self.record_item(item);
            self.expect(item);
        }
    }

    /// Sets the timers of a rule's schedules, and catches up once what was missed.
    pub(crate) fn plan(&mut self, at: usize) {
        if !self.settings.automatic {
            return;
        }
        for cause in 0..self.rules.get(at).map_or(0, |state| state.due.len()) {
            self.plan_cause(at, cause);
        }
    }

    fn plan_cause(&mut self, at: usize, cause: usize) {
        let now = self.now;
        let Some(state) = self.rules.get(at) else {
            return;
        };
        let Some(Cause::Schedule(schedule)) = state.rule.on.get(cause) else {
            return;
        };
        let (rule, seed) = (&state.rule, self.settings.seed);
        let resumed = schedule::resume(
            schedule,
            state.considered,
            now,
            // A time whose start is still to come was not missed, however little is caught up.
            rule.catch_up.max(rule.jitter),
            &self.zone,
        );
        let next = resumed.next.map(|next| rule.due(next, seed, &self.zone));
        let mut missed = None;
        if let Some(found) = resumed.catch_up {
            let due = rule.due(found.for_due, seed, &self.zone);
            if due.at > now {
                self.set_due(at, cause, Some(due));
                return;
            }
            if now.since(found.for_due) <= rule.catch_up {
                // It waits once: not anew each time that somebody looks.
                let begun = state.due.get(cause).copied().flatten();
                let begun = begun.filter(|due| due.missed && due.time == found.for_due);
                let from = begun.map_or_else(|| rule.spread(now, seed, &self.zone), |due| due.at);
                if from > now {
                    let due = Due {
                        at: from,
                        time: found.for_due,
                        missed: true,
                    };
                    self.set_due(at, cause, Some(due));
                    return;
                }
                missed = Some(found);
            }
        }
        self.set_due(at, cause, next);
        if let Some(missed) = missed {
            let text = format!(
                "{}: caught up for {}{}",
                self.rule_name(at),
                self.zone.wall_text(missed.for_due),
                if missed.missed > 1 {
                    format!(", the last of {} that were missed", missed.missed)
                } else {
                    String::new()
                }
            );
            self.warn(None, None, Level::Information, text);
            self.seen(at, now);
            self.fire(at, Trigger::CatchUp);
        }
    }

    fn rule_name(&self, at: usize) -> String {
        self.rules
            .get(at)
            .map(|state| state.rule.name.clone())
            .unwrap_or_default()
    }

    pub(crate) fn set_due(&mut self, at: usize, cause: usize, due: Option<Due>) {
        let Some(slot) = self
            .rules
            .get_mut(at)
            .and_then(|state| state.due.get_mut(cause))
        else {
            return;
        };
        let before = std::mem::replace(slot, due);
        let timer = Timer::Rule { rule: at, cause };
        if let Some(before) = before {
            self.clear_timer(before.at, timer.clone());
        }
        if let Some(due) = due {
            self.set_timer(due.at, timer);
        }
    }

    /// Remembers up to when a rule's schedules were looked at.
    pub(crate) fn seen(&mut self, at: usize, until: Timestamp) {
        let Some(state) = self.rules.get_mut(at) else {
            return;
        };
        state.considered = until;
        let record = Record::RuleSeen {
            rule: state.rule.name.clone(),
            considered: until,
        };
        self.record(record);
    }

    /// A cause is due by time alone.
    pub(crate) fn rule_due(&mut self, at: usize, cause: usize) {
        let now = self.now;
        let Some(state) = self.rules.get(at) else {
            return;
        };
        let Some(due) = state.due.get(cause).copied().flatten() else {
            return;
        };
        match state.rule.on.get(cause) {
            // A time that passed while the machine slept is caught up, or is too old for it.
            Some(Cause::Schedule(_)) if due.missed || now.since(due.at) > LATE => {
                self.plan_cause(at, cause);
            }
            Some(Cause::Schedule(schedule)) => {
                let (rule, seed, zone) = (&state.rule, self.settings.seed, &self.zone);
                let after = |time| Some(rule.due(schedule.next_after(time, zone)?, seed, zone));
                let next = match schedule {
                    Schedule::Every(_) => after(now.max(due.time)),
                    // A time that is over already may have its start still to come.
                    Schedule::Calendar(_) => after(due.time)
                        .filter(|next| next.at > now)
                        .or_else(|| after(now.max(due.time))),
                };
                self.set_due(at, cause, next);
                self.seen(at, due.time);
                self.fire(at, Trigger::Schedule);
            }
            Some(Cause::Idle {
                after,
                repeat,
                on_battery,
                ..
            }) => {
                let next = now.plus(repeat.unwrap_or(*after));
                let waits_for_power = !on_battery && self.facts.on_battery();
                // It never overlaps another session: the next period, then (mobsync 4.5). What idleness started at this very
                // moment belongs together.
                let overlaps = self
                    .sessions
                    .values()
                    .any(|session| session.row.opened < now);
                let next = (overlaps && !waits_for_power).then(|| Due::at(next));
                self.set_due(at, cause, next);
                if let Some(state) = self.rules.get_mut(at) {
                    state.waits_for_power = waits_for_power;
                }
                if next.is_none() && !waits_for_power {
                    self.fire(at, Trigger::Idle);
                }
            }
            Some(
                Cause::Happening(_)
                | Cause::Connect(_)
                | Cause::Changed(_)
                | Cause::Volume(_)
                | Cause::After { .. },
            )
            | None => {}
        }
    }

    /// Something happened on the machine.
    pub(crate) fn happened(&mut self, happening: &Happening) {
        if !self.settings.automatic {
            return;
        }
        let starts = |cause: &Cause| match (cause, happening) {
            (Cause::Happening(moment), Happening::Moment(happened)) => {
                (moment == happened).then(|| of_moment(*moment))
            }
            (Cause::Changed(path), Happening::Changed(changed)) => {
                (path == changed).then_some(Trigger::FileChange)
            }
            (Cause::Volume(name), Happening::Volume { label, uuid }) => [label, uuid]
                .into_iter()
                .flatten()
                .any(|called| called.eq_ignore_ascii_case(name))
                .then_some(Trigger::Device),
            (
                Cause::Schedule(_)
                | Cause::Happening(_)
                | Cause::Idle { .. }
                | Cause::Connect(_)
                | Cause::Changed(_)
                | Cause::Volume(_)
                | Cause::After { .. },
                Happening::Moment(_) | Happening::Changed(_) | Happening::Volume { .. },
            ) => None,
        };
        let due: Vec<(usize, Trigger)> = self
            .rules
            .iter()
            .enumerate()
            .filter_map(|(at, state)| Some((at, state.rule.on.iter().find_map(starts)?)))
            .collect();
        for (at, trigger) in due {
            self.fire(at, trigger);
        }
    }

    /// A usable network came up.
    pub(crate) fn network_came(&mut self) {
        if !self.settings.automatic {
            return;
        }
        let now = self.now;
        let wifi = self.facts.wifi().map(str::to_owned);
        let mut due = Vec::new();
        for (at, state) in self.rules.iter_mut().enumerate() {
            let named = state.rule.on.iter().any(|cause| {
                matches!(cause, Cause::Connect(name)
                    if name.is_none() || *name == wifi)
            });
            let recently = state
                .connected
                .is_some_and(|last| last <= now && now.since(last) < CONNECT_AT_MOST_EVERY);
            if named && !recently {
                state.connected = Some(now);
                due.push(at);
            }
        }
        for at in due {
            self.fire(at, Trigger::Connect);
        }
    }

    /// Somebody came, or went: idle rules are set anew (mobsync 4.5).
    pub(crate) fn idle_changed(&mut self) {
        if !self.settings.automatic {
            return;
        }
        let since = self.facts.idle_since();
        let mut set = Vec::new();
        let mut stop = false;
        for (at, state) in self.rules.iter().enumerate() {
            for (cause, what) in state.rule.on.iter().enumerate() {
                if let Cause::Idle {
                    after,
                    stop_on_return,
                    ..
                } = what
                {
                    set.push((at, cause, since.map(|since| Due::at(since.plus(*after)))));
                    stop |= *stop_on_return && since.is_none();
                }
            }
        }
        for (at, cause, due) in set {
            self.set_due(at, cause, due);
            if let Some(state) = self.rules.get_mut(at) {
                state.waits_for_power = false;
            }
        }
        if stop {
            self.stop_idle();
        }
    }

    /// The charger may be plugged in: what idleness would have started, but for the battery, starts (M-162).
    pub(crate) fn power_changed(&mut self) {
        if self.facts.on_battery() || self.facts.idle_since().is_none() {
            return;
        }
        let now = Due::at(self.now);
        let mut set = Vec::new();
        for (at, state) in self.rules.iter_mut().enumerate() {
            if !std::mem::take(&mut state.waits_for_power) {
                continue;
            }
            let waits = |cause: &Cause| {
                matches!(
                    cause,
                    Cause::Idle {
                        on_battery: false,
                        ..
                    }
                )
            };
            let causes = state.rule.on.iter().enumerate();
            set.extend(
                causes
                    .filter(|(_, cause)| waits(cause))
                    .map(|(cause, _)| (at, cause)),
            );
        }
        for (at, cause) in set {
            self.set_due(at, cause, Some(now));
        }
    }

    /// Somebody came back: what idleness started is skipped where its rule says so.
    fn stop_idle(&mut self) {
        let on_return = |cause: &Cause| {
            matches!(
                cause,
                Cause::Idle {
                    stop_on_return: true,
                    ..
                }
            )
        };
        self.stop_where(
            |instance| instance.trigger == Trigger::Idle,
            |rule| rule.on.iter().any(on_return),
        );
    }

    /// The machine woke: what slept with it since then is skipped where its rule says so (synccenter C-115).
    pub(crate) fn stop_on_wake(&mut self, since: Timestamp) {
        self.stop_where(
            |instance| {
                let began = instance.run.as_ref().map(|run| run.row.opened);
                crate::queue::is_automatic(instance.trigger)
                    && began.is_some_and(|began| began <= since)
            },
            |rule| rule.stop_on_wake,
        );
    }

    /// Skips the items that such an instance works on and such a rule is about.
    fn stop_where(
        &mut self,
        works: impl Fn(&crate::instance::Instance) -> bool,
        says: impl Fn(&crate::rule::Rule) -> bool,
    ) {
        let works = |live: Option<crate::id::InstanceId>| {
            live.and_then(|id| self.instances.get(&id))
                .is_some_and(|instance| works(instance))
        };
        let stopped: Vec<ItemRef> = self
            .handlers
            .values()
            .flat_map(|handler| {
                handler
                    .items
                    .values()
                    .filter(|slot| {
                        works(slot.live)
                            && self.rules.iter().any(|state| {
                                says(&state.rule) && state.rule.selects(&handler.row, &slot.row)
                            })
                    })
                    .map(|slot| slot.row.at.clone())
            })
            .collect();
        for item in stopped {
            self.skip(&item);
        }
    }

    /// A condition may be lost: what runs by itself and may not go on without it is skipped, to be caught up.
    pub(crate) fn stop_unmet(&mut self) {
        let mut lost = Vec::new();
        for instance in self.instances.values() {
            let Some(run) = &instance.run else { continue };
            if !crate::queue::is_automatic(instance.trigger) || run.row.kind != RunKind::Synchronize
            {
                continue;
            }
            let Some(handler) = self.handlers.get(&instance.handler) else {
                continue;
            };
            for item in run.items.iter().filter(|item| !item.status.is_terminal()) {
                if item.skip {
                    continue;
                }
                let Some(slot) = handler
                    .items
                    .get(&item.id)
                    .filter(|slot| slot.holding().is_some_and(|holding| holding.stop_when_lost))
                else {
                    continue;
                };
                if let Some(hindrance) = self.lost(slot) {
                    lost.push((slot.row.at.clone(), instance.trigger, hindrance));
                }
            }
        }
        for (item, trigger, hindrance) in lost {
            self.hold_back(&item, trigger, hindrance);
            self.skip(&item);
        }
    }

    /// A run ended: intervals count from here, idle rules repeat, and what waits for its items follows.
    pub(crate) fn run_ended(&mut self, run: &LiveRun, trigger: Trigger) {
        if !self.settings.automatic || self.rules.is_empty() || run.row.kind != RunKind::Synchronize
        {
            return;
        }
        let handler = run.row.handler.clone();
        let mut again = Vec::new();
        let mut follow: Vec<usize> = Vec::new();
        for (at, state) in self.rules.iter().enumerate() {
            for (cause, what) in state.rule.on.iter().enumerate() {
                match what {
                    Cause::Schedule(schedule) => {
                        if matches!(schedule, Schedule::Every(_))
                            && self.ended_any(&handler, run, |row, slot, _| {
                                state.rule.selects(row, slot)
                            })
                        {
                            again.push((at, cause, None));
                        }
                    }
                    Cause::Idle {
                        repeat: Some(repeat),
                        ..
                    } if trigger == Trigger::Idle => {
                        if self.facts.idle_since().is_some()
                            && self.ended_any(&handler, run, |row, slot, _| {
                                state.rule.selects(row, slot)
                            })
                        {
                            again.push((at, cause, Some(Due::at(self.now.plus(*repeat)))));
                        }
                    }
                    Cause::After { item, changed } => {
                        if self.ended_any(&handler, run, |row, slot, live| {
                            live.status == ItemStatus::Succeeded
                                && (!changed || moved(&live.counts))
                                && item.matches(row, slot)
                        }) {
                            follow.push(at);
                        }
                    }
                    Cause::Idle { .. }
                    | Cause::Happening(_)
                    | Cause::Connect(_)
                    | Cause::Changed(_)
                    | Cause::Volume(_) => {}
                }
            }
        }
        for (at, cause, due) in again {
            if due.is_some() {
                self.set_due(at, cause, due);
            } else {
                self.seen(at, self.now);
                self.plan_cause(at, cause);
            }
        }
        if !follow.is_empty() {
            for at in 0..self.rules.len() {
                self.choose(at);
            }
        }
        for at in follow {
            if self.starts_itself(at) {
                self.tell_cycle(at);
            } else {
                self.fire(at, Trigger::After);
            }
        }
    }

    fn ended_any(
        &self,
        handler: &HandlerId,
        run: &LiveRun,
        mut wanted: impl FnMut(
            &crate::item::HandlerRow,
            &crate::item::ItemRow,
            &crate::instance::LiveItem,
        ) -> bool,
    ) -> bool {
        let Some(handler) = self.handlers.get(handler) else {
            return false;
        };
        run.items.iter().any(|live| {
            handler
                .items
                .get(&live.id)
                .is_some_and(|slot| wanted(&handler.row, &slot.row, live))
        })
    }

    /// Whether the items of a rule would, through "after", start the rule again.
    pub(crate) fn starts_itself(&self, at: usize) -> bool {
        let mut reached = vec![false; self.rules.len()];
        let mut ahead = vec![at];
        while let Some(rule) = ahead.pop() {
            for (next, state) in self.rules.iter().enumerate() {
                let follows = state.rule.on.iter().any(|cause| match cause {
                    Cause::After { item, .. } => self.touches(rule, item),
                    Cause::Schedule(_)
                    | Cause::Happening(_)
                    | Cause::Idle { .. }
                    | Cause::Connect(_)
                    | Cause::Changed(_)
                    | Cause::Volume(_) => false,
                });
                if !follows {
                    continue;
                }
                if next == at {
                    return true;
                }
                if let Some(seen) = reached.get_mut(next)
                    && !std::mem::replace(seen, true)
                {
                    ahead.push(next);
                }
            }
        }
        false
    }

    /// Whether a rule starts an item that is meant.
    fn touches(&self, rule: usize, meant: &Select) -> bool {
        let Some(state) = self.rules.get(rule) else {
            return false;
        };
        if let Some(chosen) = self.chosen(state) {
            return chosen.iter().any(|item| {
                let handler = self.handlers.get(&item.handler);
                handler
                    .and_then(|handler| Some((handler, handler.items.get(&item.item)?)))
                    .is_some_and(|(handler, slot)| meant.matches(&handler.row, &slot.row))
            });
        }
        self.handlers.values().any(|handler| {
            handler.items.values().any(|slot| {
                meant.matches(&handler.row, &slot.row)
                    && state.rule.selects(&handler.row, &slot.row)
            })
        })
    }

    fn tell_cycle(&mut self, at: usize) {
        let Some(state) = self.rules.get_mut(at) else {
            return;
        };
        if std::mem::replace(&mut state.told, true) {
            return;
        }
        let rule = state.rule.clone();
        let circle = self.circle_of(&rule).unwrap_or_default();
        // One circle is told once, whichever of its rules it is seen from.
        for state in &mut self.rules {
            state.told |= circle.contains(&state.rule.name);
        }
        let names = circle.iter().chain(circle.first());
        let names: Vec<&str> = names.map(String::as_str).collect();
        let text = format!(
            "{}: it does not start after another item, because it would start itself again and again: {}",
            rule.name,
            names.join(" → ")
        );
        let text = crate::cut::bytes(text, crate::cut::MAX_LINE);
        self.warn(None, None, Level::Warning, text);
    }

    /// Leaves out what a registration asks for where its handler or a person decided otherwise: the handler itself does not
    /// tick it, or a rule that a person wrote for this event lists items of the handler (M-160, M-167).
    fn yield_to_rules(&self, items: &mut Vec<ItemRef>, trigger: Trigger) {
        let wifi = self.facts.wifi();
        let written: Vec<&Rule> = self
            .rules
            .iter()
            .map(|state| &state.rule)
            .filter(|rule| {
                !rule.of_registration && rule.on.iter().any(|cause| decides(cause, trigger, wifi))
            })
            .collect();
        // A registration is about one handler.
        let mut decided: Option<(&HandlerId, bool)> = None;
        items.retain(|item| {
            let Some(handler) = self.handlers.get(&item.handler) else {
                return false;
            };
            let is_listed = match decided {
                Some((known, is_listed)) if *known == item.handler => is_listed,
                Some(_) | None => handler.items.values().any(|slot| {
                    written
                        .iter()
                        .any(|rule| rule.selects(&handler.row, &slot.row))
                }),
            };
            decided = Some((&handler.row.id, is_listed));
            let slot = handler.items.get(&item.item);
            !is_listed && slot.is_some_and(|slot| slot.offered)
        });
    }

    /// Starts the items of a rule, or asks whether it may.
    pub(crate) fn fire(&mut self, at: usize, trigger: Trigger) {
        let mut items = self.choose(at);
        let Some(rule) = self.rules.get(at).map(|state| state.rule.clone()) else {
            return;
        };
        if rule.of_registration {
            self.yield_to_rules(&mut items, trigger);
        }
        if rule.ask && !items.is_empty() {
            self.ask_before(&rule.name, trigger, &items);
        } else {
            self.start_rule(&rule, items, trigger);
        }
    }

    /// Starts what a rule is about. Without items nothing is loaded (mobsync 4.4).
    pub(crate) fn start_rule(&mut self, rule: &Rule, items: Vec<ItemRef>, trigger: Trigger) {
        if items.is_empty() {
            return;
        }
        match &rule.connect {
            Some(connection) if matches!(trigger, Trigger::Schedule | Trigger::CatchUp) => {
                let request = by_itself(items, trigger, rule.if_running);
                self.start_connected(connection.clone(), rule.name.clone(), request);
            }
            Some(_) | None => self.start_by_itself(items, trigger, rule.if_running),
        }
    }

    /// Asks for items on behalf of the machine: one session for all of them.
    pub(crate) fn start_by_itself(
        &mut self,
        items: Vec<ItemRef>,
        trigger: Trigger,
        if_running: Option<IfRunning>,
    ) {
        if self.alive.len() >= MAX_QUEUE {
            let text = format!(
                "{} items could not be started: too many requests wait already",
                items.len()
            );
            self.warn(None, None, Level::Warning, cut::bytes(text, cut::MAX_LINE));
            return;
        }
        let id = self.next_request();
        self.enqueue(id, by_itself(items, trigger, if_running));
    }
}

/// What the machine asks for.
fn by_itself(items: Vec<ItemRef>, trigger: Trigger, if_running: Option<IfRunning>) -> Request {
    Request {
        scope: Scope::Items(items),
        work: Work::Synchronize,
        trigger,
        may_bother_user: may_bother(trigger),
        cookie: None,
        if_running: if_running.unwrap_or(match trigger {
            // What changed meanwhile is not in the run that goes on.
            Trigger::FileChange | Trigger::After => IfRunning::Again,
            Trigger::Manual
            | Trigger::Schedule
            | Trigger::CatchUp
            | Trigger::Logon
            | Trigger::Logoff
            | Trigger::Lock
            | Trigger::Unlock
            | Trigger::Suspend
            | Trigger::Resume
            | Trigger::Idle
            | Trigger::Connect
            | Trigger::PendingDisconnect
            | Trigger::Invoke
            | Trigger::Device
            | Trigger::External
            | Trigger::Retry
            | Trigger::Answered => IfRunning::Ignore,
        }),
    }
}

/// Whether a cause is of the event that a registration asks for: logon and logoff, with connections that come and go, are one
/// list for each connection, and idleness is another (mobsync 3.11).
fn decides(cause: &Cause, trigger: Trigger, wifi: Option<&str>) -> bool {
    match (trigger, cause) {
        (Trigger::Idle, Cause::Idle { .. }) => true,
        (
            Trigger::Logon | Trigger::Logoff | Trigger::Connect | Trigger::PendingDisconnect,
            Cause::Happening(Moment::Logon | Moment::Logoff | Moment::PendingDisconnect)
            | Cause::Connect(None),
        ) => true,
        (
            Trigger::Logon | Trigger::Logoff | Trigger::Connect | Trigger::PendingDisconnect,
            Cause::Connect(Some(name)),
        ) => wifi == Some(name.as_str()),
        (_, _) => false,
    }
}

pub(crate) fn of_moment(moment: Moment) -> Trigger {
    match moment {
        Moment::Logon => Trigger::Logon,
        Moment::Logoff => Trigger::Logoff,
        Moment::Lock => Trigger::Lock,
        Moment::Unlock => Trigger::Unlock,
        Moment::Suspend => Trigger::Suspend,
        Moment::Resume => Trigger::Resume,
        Moment::PendingDisconnect => Trigger::PendingDisconnect,
    }
}

fn moved(counts: &crate::item::Counts) -> bool {
    counts.sent > 0 || counts.received > 0 || counts.deleted > 0
}
