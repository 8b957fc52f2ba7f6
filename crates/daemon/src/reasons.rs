//! Why items are as they are, when they start by themselves, and what keeps rules from doing what they say.

use std::collections::BTreeSet;
use std::time::Duration;

use syncmgr_control::view::{
    ComingView, ConditionView, Forecast, ForecastView, HeldView, ReasonView, Standing, WhyView,
};
use syncmgr_control::{Refusal, Reply};
use syncmgr_core::condition::{Condition, Holds};
use syncmgr_core::forecast::Coming;
use syncmgr_core::hindrance::Hindrance;
use syncmgr_core::item::RunState;
use syncmgr_core::log::Level;
use syncmgr_core::rule::{Cause, Moment as Happening, Rule, Select};
use syncmgr_core::saying::{Joined, Moment, Saying, Span};
use syncmgr_core::why::{About, Reason, Wanted, Why};
use syncmgr_core::{ItemRef, Timestamp};
use syncmgr_store::LogFilter;

use crate::adapt::to_said::{known, said};
use crate::adapt::to_view;
use crate::overview::{is_about, says_more};
use crate::run::{Answerer, Loop, Message};
use crate::source::hub::BEGINNING;
use crate::source::look::look_once;
use crate::source::{Availability, Machine, Subject};
use crate::wording::{State, Whole};

/// So many warnings of the log about the last run are told with the reasons.
const LOGGED: usize = 3;

/// So long it is told that the clock was set.
const TOLD_OF_CLOCK: Duration = Duration::from_secs(24 * 3600);

/// No forecast looks further ahead.
const LONGEST_FORECAST: Duration = Duration::from_secs(366 * 24 * 3600);

impl Loop {
    /// Answers why an item is as it is. Where no daemon watches, what nobody tells of itself is looked at first.
    pub(crate) fn tell_why(&mut self, name: &str, reply: Answerer) {
        let item = match self.one(name) {
            Ok(item) => item,
            Err(refusal) => return self.reply(reply, Err(refusal)),
        };
        let looks = if self.daemon {
            BTreeSet::new()
        } else {
            self.manager.looks_of(&item)
        };
        let messages = self.messages.upgrade().filter(|_| !looks.is_empty());
        let Some(messages) = messages else {
            let answer = Reply::Why(Box::new(self.why(&item)));
            return self.reply(reply, Ok(answer));
        };
        let loadavg = Machine::default().loadavg;
        self.property.spawn(async move {
            let facts = look_once(loadavg, looks).await;
            let looked = Message::Looked(item, facts, reply);
            if messages.send(looked).await.is_err() {
                tracing::debug!("the loop ended before somebody had looked");
            }
        });
    }

    /// Why an item is as it is.
    pub(crate) fn why(&self, item: &ItemRef) -> WhyView {
        let name = self.name(item);
        let found = self.manager.why(item, self.now());
        let Some(found) = found else {
            let gone = Saying::from(Whole::Gone { name: name.clone() });
            return WhyView {
                sentence: gone.to_string(),
                said: vec![said(&gone)],
                name,
                reasons: Vec::new(),
                coming: Vec::new(),
                conditions: Vec::new(),
                history: Vec::new(),
                suggestion: None,
            };
        };
        let (shown, reasons) = (found.shown, &found.reasons);
        let state = self
            .manager
            .item(item)
            .map_or_else(|| State::New.into(), |row| self.state(item, shown, row));
        let blocking = || reasons.iter().filter(|reason| reason.blocks);
        let first = blocking()
            .find(|reason| is_about(shown, reason.about))
            .or_else(|| blocking().next())
            .or_else(|| reasons.iter().find(|reason| reason.about == About::Queue));
        let what = Saying::from(Whole::State {
            name: name.clone(),
            state: state.clone(),
        });
        let whole = match first {
            Some(reason) => {
                let what = if reason.about == About::Condition {
                    Whole::Waits {
                        what,
                        wanted: reason.wanted.clone(),
                        now: reason.now.clone(),
                    }
                    .into()
                } else if says_more(shown, &state, reason) {
                    let why = reason.now.clone();
                    Whole::Because { what, why }.into()
                } else {
                    what
                };
                match reason.unblocked_by.clone() {
                    Some(by) => Whole::Change { what, by },
                    None => Whole::End { what },
                }
            }
            None => Whole::Free { what },
        };
        // What is said of starts is what would be.
        let by_itself = !found.coming.is_empty() || found.waits.is_some();
        let idle = !self.daemon && (by_itself || !found.conditions.is_empty());
        let sentences: Vec<Saying> = [
            Some(whole),
            self.when_it_starts(item, &found),
            self.set_clock(),
            idle.then_some(Whole::NoDaemon),
        ]
        .into_iter()
        .flatten()
        .map(Saying::from)
        .collect();
        let words: Vec<&str> = sentences.iter().map(Saying::as_str).collect();
        let sentence = words.join(" ");
        let mut reasons: Vec<ReasonView> = reasons.iter().map(reason_view).collect();
        reasons.extend(self.told_by_log(item, &reasons));
        let suggestion = self
            .best_command(shown, Some(item), &name)
            .or_else(|| idle.then(|| "syncmgr daemon".to_owned()));
        WhyView {
            suggestion,
            sentence,
            said: sentences.iter().map(said).collect(),
            name,
            reasons,
            coming: found.coming.iter().map(coming_view).collect(),
            conditions: found.conditions.iter().map(condition_view).collect(),
            history: self.held_before(item),
        }
    }

    /// That the clock was set a short while ago: times that were expected are others now.
    fn set_clock(&self) -> Option<Whole> {
        let (at, by_ms) = self.manager.clock_set()?;
        if self.now().since(at) > TOLD_OF_CLOCK {
            return None;
        }
        let span = Span(Duration::from_millis(by_ms.unsigned_abs()));
        Some(if by_ms < 0 {
            Whole::ClockBack { span }
        } else {
            Whole::ClockForward { span }
        })
    }

    /// What the log says of the last run beyond what is told anyway: that a command beside it failed, for instance.
    fn told_by_log(&self, item: &ItemRef, told: &[ReasonView]) -> Vec<ReasonView> {
        let Some(run) = self.manager.item(item).and_then(|row| row.last_run) else {
            return Vec::new();
        };
        let filter = LogFilter {
            item: Some(item.clone()),
            run: Some(run),
            at_least: Some(Level::Warning),
            ..LogFilter::default()
        };
        // What cannot be read is told by `log` and `doctor`.
        let entries = self
            .read(|reader| reader.log(&filter, LOGGED))
            .unwrap_or_default();
        entries
            .into_iter()
            .filter(|entry| !told.iter().any(|reason| reason.now.contains(&entry.text)))
            .map(|entry| ReasonView {
                about: "log".to_owned(),
                blocks: false,
                wanted: String::new(),
                now_said: known(&entry.text),
                now: entry.text,
                since_ms: Some(entry.at.0),
                unblocked_by: None,
                unblocked_said: None,
            })
            .collect()
    }

    /// What held an item back the last times. What cannot be read is left out, and the log of the program says so.
    fn held_before(&self, item: &ItemRef) -> Vec<HeldView> {
        let held = self.store.held(item).unwrap_or_else(|error| {
            tracing::warn!(%error, "what held an item back cannot be read");
            Vec::new()
        });
        held.into_iter()
            .map(|row| HeldView {
                since_ms: row.since.0,
                until_ms: row.until.map(|at| at.0),
                wanted_by: to_view::trigger(row.wanted_by).to_owned(),
                said: known(&row.text),
                text: row.text,
            })
            .collect()
    }

    /// When an item starts by itself next, in a sentence.
    fn when_it_starts(&self, item: &ItemRef, why: &Why) -> Option<Whole> {
        // What spoils the verdict does not hold it back.
        let held = |reason: &Reason| {
            reason.blocks
                && matches!(
                    reason.about,
                    About::SetUp
                        | About::Enabled
                        | About::Connected
                        | About::Pause
                        | About::Policy
                        | About::Need
                )
        };
        if why.waits.is_some()
            && !why.wishes.is_empty()
            && self.manager.run_state(item) == RunState::Idle
        {
            let wishes = Joined(why.wishes.clone());
            return Some(if why.reasons.iter().any(held) {
                Whole::WaitsToo { wishes }
            } else {
                Whole::WouldNow { wishes }
            });
        }
        let next = why.coming.first()?;
        let at = self.moment(next.at);
        let then = next.then.map(|then| self.moment(then));
        let wishes = Joined(next.wishes.clone());
        Some(match (&next.held_by, then) {
            (None, _) => Whole::Starts { at },
            (Some(Hindrance::Condition(..)), None) => Whole::WouldIf { at, wishes },
            (Some(Hindrance::Condition(..)), Some(then)) => Whole::WouldIfThen { at, wishes, then },
            (Some(held), None) => Whole::WouldBut {
                at,
                held: held.saying(),
            },
            (Some(held), Some(then)) => Whole::WouldButThen {
                at,
                held: held.saying(),
                then,
            },
        })
    }

    /// A moment as the clock on the wall shows it; without the date when that is today's.
    fn moment(&self, at: Timestamp) -> Moment {
        let zone = self.manager.zone();
        let (text, now) = (zone.wall_text(at), zone.wall_text(self.now()));
        let told = match (text.split_once(' '), now.split_once(' ')) {
            (Some((day, time)), Some((today, _))) if day == today => time.to_owned(),
            _ => text,
        };
        Moment::told(at, told)
    }

    /// When items start by themselves, and what would hold them back.
    pub(crate) fn forecast(&self, names: &[String], span_ms: u64) -> Result<Reply, Refusal> {
        let items: BTreeSet<ItemRef> = if names.is_empty() {
            self.manager.items().map(|row| row.at.clone()).collect()
        } else {
            self.named(names)?.into_iter().collect()
        };
        let now = self.now();
        let until = now.plus(Duration::from_millis(span_ms).min(LONGEST_FORECAST));
        let forecast = self.manager.forecast(&items, now, until);
        Ok(Reply::Forecast(Forecast {
            cut_ms: forecast.cut.map(|cut| cut.0),
            starts: forecast
                .starts
                .iter()
                .map(|(item, coming)| self.forecast_view(item, coming))
                .collect(),
        }))
    }

    pub(crate) fn forecast_view(&self, item: &ItemRef, coming: &Coming) -> ForecastView {
        ForecastView {
            handler: item.handler.to_string(),
            item: item.item.to_string(),
            name: self.name(item),
            coming: coming_view(coming),
        }
    }

    /// What keeps a rule from doing what it says. Without a daemon nothing is watched, which is said elsewhere.
    pub(crate) fn rule_warnings(&self, rule: &Rule) -> Vec<String> {
        let mut warnings = self.dead_ends(rule);
        if self.daemon {
            warnings.extend(self.blind_spots(rule));
        }
        warnings
    }

    /// What in a rule means nothing: names that nothing has.
    fn dead_ends(&self, rule: &Rule) -> Vec<String> {
        let mut warnings = Vec::new();
        let nothing = |select: &Select| match select {
            Select::Named(name) => self.named(std::slice::from_ref(name)).err(),
            Select::Checked | Select::Handler(_) | Select::Item(_) => None,
        };
        for select in &rule.items {
            warnings.extend(nothing(select).map(|refusal| refusal.message));
        }
        for cause in &rule.on {
            match cause {
                Cause::After { item, .. } => warnings.extend(
                    nothing(item)
                        .map(|refusal| format!("it never starts after that: {}", refusal.message)),
                ),
                Cause::Schedule(_)
                | Cause::Happening(_)
                | Cause::Idle { .. }
                | Cause::Connect(_)
                | Cause::Changed(_)
                | Cause::Volume(_) => {}
            }
        }
        warnings
    }

    /// What this machine does not tell, although a rule depends on it.
    fn blind_spots(&self, rule: &Rule) -> Vec<String> {
        let blind = |subject: Subject| {
            self.sources
                .availability()
                .find_map(|(other, is)| match is {
                    Availability::Unavailable { because }
                        if other == subject && because != BEGINNING =>
                    {
                        Some(because.clone())
                    }
                    Availability::Unavailable { .. } | Availability::Watching { .. } => None,
                })
        };
        let mut warnings: Vec<String> = Vec::new();
        let mut told = BTreeSet::new();
        // One broken service is one reason, however much of the rule it concerns.
        let mut reasons: BTreeSet<String> = BTreeSet::new();
        let mut once = |because: String| {
            if reasons.contains(&because) {
                String::new()
            } else {
                let text = format!(" ({because})");
                reasons.insert(because);
                text
            }
        };
        for cause in &rule.on {
            let Some(subject) = watched_for(cause) else {
                continue;
            };
            if let Some(because) = blind(subject)
                && told.insert(subject)
            {
                warnings.push(format!(
                    "part of what starts it is never heard of: {} not watched here{}",
                    are(subject),
                    once(because)
                ));
            }
        }
        for condition in &rule.when {
            if let Some(because) = self.manager.untellable(condition)
                && because != BEGINNING
            {
                warnings.push(format!(
                    "`{condition}` holds it back until somebody can tell{}",
                    once(because)
                ));
            }
            if let Condition::NotRunning(Select::Named(name)) = condition
                && let Err(refusal) = self.named(std::slice::from_ref(name))
            {
                warnings.push(format!("`{condition}` always holds: {}", refusal.message));
            }
        }
        warnings
    }
}

/// What has to be watched for a cause.
fn watched_for(cause: &Cause) -> Option<Subject> {
    match cause {
        Cause::Schedule(_) | Cause::After { .. } => None,
        Cause::Happening(
            Happening::Logon | Happening::Logoff | Happening::Lock | Happening::Unlock,
        ) => Some(Subject::Session),
        Cause::Happening(Happening::Suspend | Happening::Resume) => Some(Subject::Sleep),
        Cause::Happening(Happening::PendingDisconnect) | Cause::Connect(_) => {
            Some(Subject::Network)
        }
        Cause::Idle { .. } => Some(Subject::Idle),
        Cause::Changed(_) => Some(Subject::Files),
        Cause::Volume(_) => Some(Subject::Mounts),
    }
}

/// A subject with its verb.
fn are(subject: Subject) -> String {
    match subject {
        Subject::Session | Subject::Mounts | Subject::Files => format!("{} are", subject.name()),
        Subject::Sleep
        | Subject::Idle
        | Subject::Network
        | Subject::Power
        | Subject::Looks
        | Subject::Clock => {
            format!("{} is", subject.name())
        }
    }
}

/// A condition with how it stands.
fn condition_view(wanted: &Wanted) -> ConditionView {
    let state = &wanted.state;
    ConditionView {
        condition: wanted.condition.to_string(),
        rules: wanted.rules.clone(),
        stands: match state.holds {
            Holds::Yes => Standing::Met,
            Holds::No => Standing::Unmet,
            Holds::Unlooked => Standing::NotLookedAt,
            Holds::Unknown => Standing::Unknown,
        },
        wanted: state.wanted.to_string(),
        now: state.now.to_string(),
        now_said: Some(said(&state.now)),
        because: state.because.clone(),
        since_ms: state.since.map(|at| at.0),
        until_ms: state.due.map(|at| at.0),
        unblocked_by: (state.holds != Holds::Yes).then(|| state.unblocked_by.to_string()),
    }
}

pub(crate) fn coming_view(coming: &Coming) -> ComingView {
    ComingView {
        at_ms: coming.at.0,
        rule: coming.rule.clone(),
        held_by: coming.held_by.as_ref().map(Hindrance::fragment),
        held_said: coming.held_by.as_ref().map(|held| said(&held.saying())),
        then_ms: coming.then.map(|at| at.0),
    }
}

fn reason_view(reason: &Reason) -> ReasonView {
    ReasonView {
        about: match reason.about {
            About::SetUp => "set-up",
            About::Enabled => "enabled",
            About::Checked => "checked",
            About::Connected => "connection",
            About::Pause => "pause",
            About::Policy => "policy",
            About::Run => "run",
            About::Queue => "queue",
            About::Lane => "lane",
            About::Need => "question",
            About::Conflicts => "conflicts",
            About::LastRun => "last run",
            About::Stuck => "stuck",
            About::Retry => "retry",
            About::Condition => "condition",
            About::Freshness => "freshness",
            About::History => "history",
        }
        .to_owned(),
        blocks: reason.blocks,
        wanted: reason.wanted.to_string(),
        now: reason.now.to_string(),
        now_said: Some(said(&reason.now)),
        since_ms: reason.since.map(|at| at.0),
        unblocked_by: reason.unblocked_by.as_ref().map(ToString::to_string),
        unblocked_said: reason.unblocked_by.as_ref().map(said),
    }
}
