//! Why an item is as it is, and what would change that: as data, for every face to put into words.

use std::time::Duration;

use crate::catalog::ItemSlot;
use crate::condition::{Condition, Holds, State};
use crate::forecast::Coming;
use crate::freshness::{Freshness, freshness, next_change, told};
use crate::hindrance::Hindrance;
use crate::holding::handler_hindrance;
use crate::id::{ItemRef, RequestId};
use crate::item::{Connected, ItemPolicy, RunState};
use crate::manager::Manager;
use crate::record::PauseScope;
use crate::request::Trigger;
use crate::rule::Rule;
use crate::saying::{Because, Lacking, Remedy, Saying, Span};
use crate::time::Timestamp;
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
    pub wanted: Saying,
    /// What is, as a fragment.
    pub now: Saying,
    /// Since when.
    pub since: Option<Timestamp>,
    /// When time alone changes it.
    pub until: Option<Timestamp>,
    /// What would change it, as a fragment.
    pub unblocked_by: Option<Saying>,
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
    pub wishes: Vec<Saying>,
}

/// What wanted an item to start, for people.
fn who(trigger: Trigger) -> Saying {
    match trigger {
        Trigger::Manual => Because::Somebody,
        Trigger::Answered => Because::Answer,
        Trigger::Invoke | Trigger::External => Because::Program,
        Trigger::Schedule => Because::Schedule,
        Trigger::CatchUp => Because::Missed,
        Trigger::Logon => Because::Logon,
        Trigger::Logoff => Because::Logoff,
        Trigger::Lock => Because::Lock,
        Trigger::Unlock => Because::Unlock,
        Trigger::Suspend => Because::Suspend,
        Trigger::Resume => Because::Resume,
        Trigger::Connect => Because::Connect,
        Trigger::PendingDisconnect => Because::Disconnect,
        Trigger::FileChange => Because::Change,
        Trigger::Device => Because::Volume,
        Trigger::After => Because::After,
        Trigger::Idle => Because::Idle,
        Trigger::Retry => Because::Another,
    }
    .into()
}

impl Manager {
    /// That it runs, for how long nothing was heard of it, and when its time is over.
    fn runs_since(&self, item: &ItemRef, now: Timestamp) -> Saying {
        let Some((heard, asked_at, until)) = self.watched(item) else {
            return Because::Runs.into();
        };
        let silent = now.since(heard);
        let what = if silent < TOLD_SILENCE {
            Because::Runs
        } else {
            let silent = Span(silent);
            match asked_at {
                Some(asked_at) => Because::SilentAsked {
                    silent,
                    left: Span(asked_at.since(now)),
                },
                None => Because::Silent { silent },
            }
        };
        match until {
            Some(until) => Because::Limited {
                what: what.into(),
                left: Span(until.since(now)),
                grace: Span(self.settings.stop_grace),
            }
            .into(),
            None => what.into(),
        }
    }

    /// That it was asked to stop, and when that ends.
    fn stops_until(&self, item: &ItemRef, now: Timestamp) -> Saying {
        match self.ended_by_force(item) {
            Some(until) => Because::StoppingUntil {
                left: Span(until.since(now)),
            },
            None => Because::Stopping,
        }
        .into()
    }

    /// Why an item is as it is; absent when there is no such item.
    #[must_use]
    pub fn why(&self, item: &ItemRef, now: Timestamp) -> Option<Why> {
        let handler = self.handlers.get(&item.handler)?;
        let slot = handler.items.get(&item.item)?;
        let row = &slot.row;
        let mut reasons = Vec::new();
        let mut behind = Vec::new();
        let tell = |about, blocks, wanted: Lacking, is: Saying| Reason {
            about,
            blocks,
            wanted: wanted.into(),
            now: is,
            since: None,
            until: None,
            unblocked_by: None,
        };

        match handler_hindrance(&handler.row) {
            Some(Hindrance::Inactive) => reasons.push(Reason {
                unblocked_by: Some(Remedy::SetUp.into()),
                ..tell(About::SetUp, true, Lacking::SetUp, Because::ItIsNot.into())
            }),
            Some(Hindrance::HandlerDisabled) => reasons.push(Reason {
                unblocked_by: Some(Remedy::HandlerOn.into()),
                ..tell(
                    About::Enabled,
                    true,
                    Lacking::HandlerOn,
                    Because::Off.into(),
                )
            }),
            Some(Hindrance::HandlerDisconnected) => reasons.push(Reason {
                unblocked_by: Some(Remedy::Back.into()),
                ..tell(
                    About::Connected,
                    true,
                    Lacking::HandlerNear,
                    Because::Cannot.into(),
                )
            }),
            Some(Hindrance::Policy) => reasons.push(tell(
                About::Policy,
                true,
                Lacking::HandlerAllowed,
                Because::Policy.into(),
            )),
            Some(Hindrance::OwnProgram) => reasons.push(Reason {
                unblocked_by: Some(Remedy::OwnProgram.into()),
                ..tell(
                    About::Policy,
                    false, // it is no trouble
                    Lacking::OwnProgram,
                    Because::OwnProgram.into(),
                )
            }),
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
                unblocked_by: Some(Remedy::On.into()),
                ..tell(About::Enabled, true, Lacking::On, Because::Off.into())
            });
        }
        if row.connected == Connected::No {
            reasons.push(Reason {
                unblocked_by: Some(Remedy::Back.into()),
                ..tell(
                    About::Connected,
                    true,
                    Lacking::Near,
                    Because::Cannot.into(),
                )
            });
        }
        if row.policies.contains(&ItemPolicy::PreventStartSync)
            || row.policies.contains(&ItemPolicy::DisableStartSync)
        {
            reasons.push(tell(
                About::Policy,
                true,
                Lacking::Allowed,
                Because::Policy.into(),
            ));
        }
        if let Some(pause) = self.pause_of(item) {
            let what = match &pause.scope {
                PauseScope::All => Because::AllPaused,
                PauseScope::Handler(handler) => Because::HandlerPaused {
                    name: self.called(handler),
                },
                PauseScope::Item(_) => Because::Paused,
            };
            reasons.push(Reason {
                since: Some(pause.since),
                until: pause.until,
                unblocked_by: Some(Remedy::Resume.into()),
                ..tell(About::Pause, true, Lacking::NoPause, what.into())
            });
        }
        for need in self.open_needs_of(item) {
            reasons.push(Reason {
                since: Some(need.opened),
                until: need.deadline,
                unblocked_by: Some(Remedy::Answer { need: need.id.0 }.into()),
                ..tell(About::Need, true, Lacking::NoQuestion, told(&need.text))
            });
        }
        let half_done = unfinished(row);
        if let Some(problem) = row
            .last_problem
            .as_deref()
            .map(told)
            .or_else(|| half_done.clone())
        {
            reasons.push(Reason {
                since: row.last_attempt,
                unblocked_by: half_done.as_ref().map(|_| Remedy::NextSync.into()),
                ..tell(About::LastRun, true, Lacking::GoodRun, problem)
            });
        }
        if let Some(stall) = self.stuck(item) {
            reasons.push(Reason {
                since: row.last_good,
                unblocked_by: Some(Remedy::Further.into()),
                ..tell(About::Stuck, true, Lacking::Progress, stall.saying())
            });
        }
        if let Some(retry) = row.retry {
            let attempt = u64::from(retry.attempt).saturating_add(1);
            reasons.push(Reason {
                until: Some(retry.due),
                unblocked_by: Some(if retry.told {
                    Remedy::Time.into()
                } else {
                    Remedy::TimeOrNetwork.into()
                }),
                ..tell(
                    About::Retry,
                    false,
                    Lacking::Try,
                    if retry.told {
                        Because::RetryAsked { attempt }.into()
                    } else {
                        Because::Retry { attempt }.into()
                    },
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
                    Lacking::Run,
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
                        unblocked_by: Some(
                            Remedy::EndOf {
                                name: self.holder(&lane),
                            }
                            .into(),
                        ),
                        ..tell(
                            About::Lane,
                            true,
                            Lacking::Lane {
                                lane: lane.lane.to_string(),
                            },
                            Because::Lane {
                                lane: lane.lane.to_string(),
                                holder: self.holder(&lane),
                            }
                            .into(),
                        )
                    });
                }
                reasons.push(Reason {
                    since,
                    unblocked_by: Some(Remedy::Turn.into()),
                    ..tell(
                        About::Queue,
                        false,
                        Lacking::Turn,
                        match own.and_then(|at| self.waiting.get(at)) {
                            Some(waiting) => self.turn_text(&self.turn_in_queue(waiting), now),
                            None => Because::Starting.into(),
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
                unblocked_by: Some(Remedy::Resolving.into()),
                ..tell(
                    About::Conflicts,
                    true,
                    Lacking::NoConflict,
                    Because::Conflicts {
                        count: slot.conflicts,
                    }
                    .into(),
                )
            });
        }
        if !row.checked {
            reasons.push(Reason {
                unblocked_by: Some(Remedy::Tick.into()),
                ..tell(
                    About::Checked,
                    false,
                    Lacking::Plain,
                    Because::Unticked.into(),
                )
            });
        }
        let fresh = freshness(row, now);
        reasons.push(Reason {
            since: row.last_good,
            until: next_change(row, now),
            unblocked_by: (fresh != Freshness::Fresh).then(|| Remedy::GoodRun.into()),
            ..tell(
                About::Freshness,
                matches!(fresh, Freshness::Late | Freshness::Overdue),
                row.expected_freshness
                    .map_or(Lacking::AnyFreshness, |expected| Lacking::Freshness {
                        span: Span(expected),
                    }),
                match (fresh, self.lateness(item, now)) {
                    (Freshness::Fresh, _) => Because::Fresh,
                    (Freshness::New, _) => Because::Never,
                    (Freshness::Late, None) => Because::Late,
                    (Freshness::Late, Some(why)) => Because::LateSince { why },
                    (Freshness::Overdue, None) => Because::Overdue,
                    (Freshness::Overdue, Some(why)) => Because::OverdueSince { why },
                }
                .into(),
            )
        });
        if let Some(held) = row.held {
            reasons.push(Reason {
                since: Some(held.since),
                ..tell(
                    About::History,
                    false,
                    Lacking::Start,
                    Because::Held {
                        who: who(held.trigger),
                    }
                    .into(),
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
