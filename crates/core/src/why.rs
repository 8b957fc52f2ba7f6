//! Why an item is as it is, and what would change that: as data, for every face to put into words.

use std::time::Duration;

use crate::catalog::ItemSlot;
use crate::condition::{Condition, Holds, State};
use crate::forecast::Coming;
use crate::freshness::{Freshness, freshness, next_change};
use crate::hindrance::Hindrance;
use crate::holding::handler_hindrance;
use crate::id::{ItemRef, RequestId};
use crate::item::{Connected, ItemPolicy, RunState};
use crate::manager::Manager;
use crate::record::PauseScope;
use crate::request::Trigger;
use crate::rule::Rule;
use crate::time::{Timestamp, spell};
use crate::verdict::{Shown, unfinished};

/// How far ahead a forecast looks.
pub const FORECAST: Duration = Duration::from_secs(24 * 3600);

/// A shorter silence of a handler is nothing to tell.
const TOLD_SILENCE: Duration = Duration::from_secs(60);

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum About {
    /// Whether its handler is set up.
    SetUp,
    /// Whether it is turned on.
    Enabled,
    /// Whether a plain `sync` takes it.
    Checked,
    /// Whether it can be reached.
    Connected,
    /// Pauses.
    Pause,
    /// Policies.
    Policy,
    /// What it is doing now.
    Run,
    /// The queue.
    Queue,
    /// A lane that somebody else has.
    Lane,
    /// Open questions.
    Need,
    /// Open conflicts.
    Conflicts,
    /// The last run.
    LastRun,
    /// That it comes no further.
    Stuck,
    /// The coming retry.
    Retry,
    /// A condition.
    Condition,
    /// How fresh it is.
    Freshness,
    /// What held it back earlier.
    History,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// What.
    pub about: About,
    /// It stands in the way of a run, or spoils the verdict.
    pub blocks: bool,
    /// What is wanted, as a fragment.
    pub wanted: String,
    /// What is, as a fragment.
    pub now: String,
    /// Since when.
    pub since: Option<Timestamp>,
    /// When time alone changes it.
    pub until: Option<Timestamp>,
    /// What would change it, as a fragment.
    pub unblocked_by: Option<String>,
}

/// A condition of an item, met or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The condition.
    pub condition: Condition,
    /// The rules that say it, in their order; none: it is the item's own.
    pub rules: Vec<String>,
    /// How it stands.
    pub state: State,
}

/// The whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// What a person sees of it.
    pub shown: Shown,
    /// The requests that wait before its own, oldest first.
    pub behind: Vec<RequestId>,
    /// Everything that was looked at and is worth telling; what blocks comes first.
    pub reasons: Vec<Reason>,
    /// When it starts by itself in the next [`FORECAST`], and what would hold it back as things stand.
    pub coming: Vec<Coming>,
    /// All its conditions.
    pub conditions: Vec<Wanted>,
    /// It waits to start by itself: what wanted it, and since when.
    pub waits: Option<(Trigger, Timestamp)>,
    /// What its conditions lack now, as ends of "if …".
    pub wishes: Vec<String>,
}

/// What wanted an item to start, for people.
fn who(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Manual => "somebody",
        Trigger::Answered => "an answer",
        Trigger::Invoke | Trigger::External => "a program",
        Trigger::Schedule => "its schedule",
        Trigger::CatchUp => "a time that was missed",
        Trigger::Logon => "the logon",
        Trigger::Logoff => "the logoff",
        Trigger::Lock => "the lock of the screen",
        Trigger::Unlock => "the unlocked screen",
        Trigger::Suspend => "the coming sleep",
        Trigger::Resume => "the end of a sleep",
        Trigger::Connect => "a new network",
        Trigger::PendingDisconnect => "a network that was about to go",
        Trigger::FileChange => "a changed file",
        Trigger::Device => "a volume that appeared",
        Trigger::After => "another item that ended",
        Trigger::Idle => "an idle machine",
        Trigger::Retry => "another try",
    }
}

fn told(word: &str, why: Option<String>) -> String {
    why.map_or_else(|| word.to_owned(), |why| format!("{word}: {why}"))
}

impl Manager {
    /// That it runs, for how long nothing was heard of it, and when its time is over.
    fn runs_since(&self, item: &ItemRef, now: Timestamp) -> String {
        let mut text = "it runs".to_owned();
        let Some((heard, asked_at, until)) = self.watched(item) else {
            return text;
        };
        let silent = now.since(heard);
        if silent >= TOLD_SILENCE {
            text = format!("{text}; nothing was heard of it for {}", spell(silent));
            if let Some(asked_at) = asked_at {
                let left = spell(asked_at.since(now));
                text = format!("{text}, and in {left} it is asked whether to wait on");
            }
        }
        match until {
            Some(until) => format!(
                "{text}; its time limit ends in {}: it is asked to stop then, and ended by force after another {}",
                spell(until.since(now)),
                spell(self.settings.stop_grace)
            ),
            None => text,
        }
    }

    /// That it was asked to stop, and when that ends.
    fn stops_until(&self, item: &ItemRef, now: Timestamp) -> String {
        let text = "it was asked to stop and has not yet";
        match self.ended_by_force(item) {
            Some(until) => format!(
                "{text}; it is ended by force in {}",
                spell(until.since(now))
            ),
            None => text.to_owned(),
        }
    }

    /// Why an item is as it is; absent when there is no such item.
    #[must_use]
    pub fn why(&self, item: &ItemRef, now: Timestamp) -> Option<Why> {
        let handler = self.handlers.get(&item.handler)?;
        let slot = handler.items.get(&item.item)?;
        let row = &slot.row;
        let mut reasons = Vec::new();
        let mut behind = Vec::new();
        let tell = |about, blocks, wanted: &str, is: String| Reason {
            about,
            blocks,
            wanted: wanted.to_owned(),
            now: is,
            since: None,
            until: None,
            unblocked_by: None,
        };

        match handler_hindrance(&handler.row) {
            Some(Hindrance::Inactive) => reasons.push(Reason {
                unblocked_by: Some("setting the handler up".to_owned()),
                ..tell(
                    About::SetUp,
                    true,
                    "a handler that is set up",
                    "it is not".to_owned(),
                )
            }),
            Some(Hindrance::HandlerDisabled) => reasons.push(Reason {
                unblocked_by: Some("turning the handler on".to_owned()),
                ..tell(
                    About::Enabled,
                    true,
                    "a handler that is on",
                    "it is off".to_owned(),
                )
            }),
            Some(Hindrance::HandlerDisconnected) => reasons.push(Reason {
                unblocked_by: Some("the other end comes back".to_owned()),
                ..tell(
                    About::Connected,
                    true,
                    "a handler that can be reached",
                    "it cannot".to_owned(),
                )
            }),
            Some(Hindrance::Policy) => reasons.push(tell(
                About::Policy,
                true,
                "a handler that may be started",
                "its policy forbids it".to_owned(),
            )),
            Some(
                Hindrance::Disabled
                | Hindrance::Disconnected
                | Hindrance::Paused(_)
                | Hindrance::Leaving(_)
                | Hindrance::Condition(..),
            )
            | None => {}
        }
        if !row.enabled {
            reasons.push(Reason {
                unblocked_by: Some("turning it on".to_owned()),
                ..tell(About::Enabled, true, "it is on", "it is off".to_owned())
            });
        }
        if row.connected == Connected::No {
            reasons.push(Reason {
                unblocked_by: Some("the other end comes back".to_owned()),
                ..tell(
                    About::Connected,
                    true,
                    "it can be reached",
                    "it cannot".to_owned(),
                )
            });
        }
        if row.policies.contains(&ItemPolicy::PreventStartSync)
            || row.policies.contains(&ItemPolicy::DisableStartSync)
        {
            reasons.push(tell(
                About::Policy,
                true,
                "it may be started",
                "its policy forbids it".to_owned(),
            ));
        }
        if let Some(pause) = self.pause_of(item) {
            let what = match &pause.scope {
                PauseScope::All => "everything is paused".to_owned(),
                PauseScope::Handler(handler) => format!("{} is paused", self.called(handler)),
                PauseScope::Item(_) => "it is paused".to_owned(),
            };
            reasons.push(Reason {
                since: Some(pause.since),
                until: pause.until,
                unblocked_by: Some("resuming, or a sync that names it".to_owned()),
                ..tell(About::Pause, true, "no pause", what)
            });
        }
        for need in self.open_needs_of(item) {
            reasons.push(Reason {
                since: Some(need.opened),
                until: need.deadline,
                unblocked_by: Some(format!("an answer to question {}", need.id)),
                ..tell(About::Need, true, "no open question", need.text.clone())
            });
        }
        let half_done = unfinished(row);
        if let Some(problem) = row.last_problem.as_deref().or(half_done) {
            reasons.push(Reason {
                since: row.last_attempt,
                unblocked_by: half_done.map(|_| "the next sync".to_owned()),
                ..tell(About::LastRun, true, "a good run", problem.to_owned())
            });
        }
        if let Some(stall) = self.stuck(item) {
            reasons.push(Reason {
                since: row.last_good,
                unblocked_by: Some("a run that comes further".to_owned()),
                ..tell(About::Stuck, true, "progress", stall.fragment())
            });
        }
        if let Some(retry) = row.retry {
            reasons.push(Reason {
                until: Some(retry.due),
                unblocked_by: Some(
                    if retry.told {
                        "time, or a sync by hand"
                    } else {
                        "time, a new network, or a sync by hand"
                    }
                    .to_owned(),
                ),
                ..tell(
                    About::Retry,
                    false,
                    "another try",
                    format!(
                        "try {} waits for its time{}",
                        retry.attempt.saturating_add(1),
                        if retry.told {
                            ", as its handler asked"
                        } else {
                            ""
                        }
                    ),
                )
            });
        }
        let state = self.run_state(item);
        match state {
            RunState::Syncing | RunState::Stopping => reasons.push(Reason {
                since: self.running_since(item),
                ..tell(
                    About::Run,
                    false,
                    "it runs",
                    if state == RunState::Syncing {
                        self.runs_since(item, now)
                    } else {
                        self.stops_until(item, now)
                    },
                )
            }),
            RunState::Pending => {
                let own = self.waiting.iter().position(|waiting| {
                    waiting
                        .wants
                        .get(&item.handler)
                        .is_some_and(|want| Self::wanted(slot, want))
                });
                let since = own
                    .and_then(|at| self.waiting.get(at))
                    .map(|waiting| waiting.since);
                behind = self
                    .waiting
                    .iter()
                    .take(own.unwrap_or(0))
                    .map(|waiting| waiting.id)
                    .collect();
                let lane = own
                    .and_then(|at| self.waiting.get(at))
                    .and_then(|waiting| self.lane_in_the_way(waiting));
                if let Some(lane) = lane {
                    reasons.push(Reason {
                        since: Some(lane.since),
                        unblocked_by: Some(format!("the end of {}", self.holder(&lane))),
                        ..tell(
                            About::Lane,
                            true,
                            &format!("the lane {} for itself", lane.lane),
                            format!(
                                "it waits for the lane {}, held by {}",
                                lane.lane,
                                self.holder(&lane)
                            ),
                        )
                    });
                }
                reasons.push(Reason {
                    since,
                    unblocked_by: Some("its turn comes".to_owned()),
                    ..tell(
                        About::Queue,
                        false,
                        "its turn",
                        match own.and_then(|at| self.waiting.get(at)) {
                            Some(waiting) => self.turn_text(&self.turn_in_queue(waiting), now),
                            None => "its handler is starting".to_owned(),
                        },
                    )
                });
            }
            RunState::Idle => {}
        }
        for condition in slot.conditions() {
            let state = self.condition_state(slot, condition, now);
            if state.holds == Holds::Yes {
                continue;
            }
            reasons.push(Reason {
                about: About::Condition,
                blocks: state.holds != Holds::Unlooked,
                wanted: state.wanted,
                now: state.now,
                since: state.since,
                until: state.due,
                unblocked_by: Some(state.unblocked_by),
            });
        }
        if slot.conflicts > 0 {
            reasons.push(Reason {
                unblocked_by: Some("resolving them".to_owned()),
                ..tell(
                    About::Conflicts,
                    true,
                    "no open conflict",
                    format!("{} open", slot.conflicts),
                )
            });
        }
        if !row.checked {
            reasons.push(Reason {
                unblocked_by: Some("ticking it, or a sync that names it".to_owned()),
                ..tell(
                    About::Checked,
                    false,
                    "part of a plain sync",
                    "it is not ticked".to_owned(),
                )
            });
        }
        let fresh = freshness(row, now);
        reasons.push(Reason {
            since: row.last_good,
            until: next_change(row, now),
            unblocked_by: (fresh != Freshness::Fresh).then(|| "a good run".to_owned()),
            ..tell(
                About::Freshness,
                matches!(fresh, Freshness::Late | Freshness::Overdue),
                &row.expected_freshness.map_or_else(
                    || "no particular freshness".to_owned(),
                    |expected| format!("a good run every {}", spell(expected)),
                ),
                match (fresh, self.lateness(item, now)) {
                    (Freshness::Fresh, _) => "fresh".to_owned(),
                    (Freshness::New, _) => "it never had a good run".to_owned(),
                    (Freshness::Late, why) => told("late", why),
                    (Freshness::Overdue, why) => told("overdue", why),
                },
            )
        });
        if let Some(held) = row.held {
            reasons.push(Reason {
                since: Some(held.since),
                ..tell(
                    About::History,
                    false,
                    "to start",
                    format!(
                        "held back when {} wanted it; caught up once",
                        who(held.trigger)
                    ),
                )
            });
        }
        reasons.sort_by_key(|reason| !reason.blocks);
        Some(Why {
            shown: self.shown(item, now),
            behind,
            reasons,
            coming: self.coming(item, now, now.plus(FORECAST)),
            conditions: self.wanted_of(slot, now),
            waits: row.held.map(|held| (held.trigger, held.since)),
            wishes: self.wishes(slot, now),
        })
    }

    fn wanted_of(&self, slot: &ItemSlot, now: Timestamp) -> Vec<Wanted> {
        if slot.conditions().is_empty() {
            return Vec::new();
        }
        let handler = self.handlers.get(&slot.row.at.handler);
        let about: Vec<&Rule> = self
            .rules
            .iter()
            .map(|state| &state.rule)
            .filter(|rule| {
                !rule.when.is_empty()
                    && handler.is_some_and(|handler| rule.selects(&handler.row, &slot.row))
            })
            .collect();
        slot.conditions()
            .iter()
            .map(|condition| Wanted {
                condition: condition.clone(),
                rules: about
                    .iter()
                    .filter(|rule| rule.when.contains(condition))
                    .map(|rule| rule.name.clone())
                    .collect(),
                state: self.condition_state(slot, condition, now),
            })
            .collect()
    }
}
