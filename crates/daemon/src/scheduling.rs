//! Rules through the loop: looked at, added to the configuration, removed from it.

use std::time::Duration;

use syncmgr_control::rule::{AlsoView, RuleText, RuleView, ScheduleView};
use syncmgr_control::view::{ForecastView, NextView};
use syncmgr_control::{Refusal, Reply};
use syncmgr_core::condition::Condition;
use syncmgr_core::hindrance::Hindrance;
use syncmgr_core::input::Input;
use syncmgr_core::rule::{Cause, Rule, Select};
use syncmgr_core::saying::Saying;
use syncmgr_core::schedule;
use syncmgr_core::{ItemRef, Timestamp};

use crate::adapt::text;
use crate::adapt::to_said::said;
use crate::config::{RuleConfig, parse_duration};
use crate::reasons::coming_view;
use crate::run::Loop;
use crate::wording::Standing;

/// So many names of a rule's items are told.
const NAMES: usize = 5;
/// Most coming times of one answer.
const MAX_TIMES: usize = 1_000;
/// Longest schedule that is read, in bytes.
const MAX_SCHEDULE_BYTES: usize = 1_024;
/// Starts so near to one another are told of: most runs take less.
const BESIDE: Duration = Duration::from_secs(10 * 60);
/// How far ahead starts beside one another are looked for.
const BESIDE_AHEAD: Duration = Duration::from_secs(31 * 24 * 3600);
/// Most starts beside a schedule that are told.
const MAX_BESIDE: usize = 20;

impl Loop {
    /// Tells the core what the configuration says.
    pub(crate) fn follow_rules(&mut self) {
        let rules = crate::rules::of(&self.config.config);
        self.apply(Input::Rules(rules));
    }

    /// The rules, all of them or those that are about one of the named items.
    pub(crate) fn look_at_rules(&self, names: &[String]) -> Result<Reply, Refusal> {
        let wanted = if names.is_empty() {
            None
        } else {
            Some(self.named(names)?)
        };
        let views = self
            .manager
            .rules()
            .filter(|(rule, _)| {
                wanted.as_ref().is_none_or(|wanted| {
                    self.manager
                        .rule_items(rule)
                        .iter()
                        .any(|item| wanted.contains(item))
                })
            })
            .map(|(rule, next)| self.rule_view(rule, next))
            .collect();
        Ok(Reply::Rules(views))
    }

    /// Adds a rule, or replaces the one of its name, once every word of it is understood.
    pub(crate) fn add_rule(&mut self, new: RuleText) -> Result<Reply, Refusal> {
        if !new.items.is_empty() {
            self.named(&new.items)?;
        }
        let name = if new.name.trim().is_empty() {
            self.free_rule_name(&new)
        } else {
            new.name.trim().to_owned()
        };
        let span = |text: &Option<String>| {
            text.as_deref()
                .map(parse_duration)
                .transpose()
                .map_err(|why| wrong(&why))
        };
        let config = RuleConfig {
            fresh_within: span(&new.fresh_within)?,
            catch_up: span(&new.catch_up)?,
            jitter: span(&new.jitter)?,
            if_running: new.if_running,
            connect: new.connect,
            name,
            items: new.items,
            on: crate::rules::rejoined(new.on),
            when: new.when,
            stop_when_lost: new.stop_when_lost,
            stop_on_wake: new.stop_on_wake,
            ask: new.ask,
        };
        if let Some(same) = self.same_rule(&config) {
            return Err(Refusal::new(
                "rule::exists",
                format!("rule `{same}` says exactly this already"),
                "`syncmgr schedule` shows the rules; nothing was added",
            ));
        }
        let read = crate::rules::read(&config).map_err(|why| {
            // It is no rule yet.
            let named = format!("rule `{}`: ", config.name);
            wrong(why.strip_prefix(&named).unwrap_or(&why))
        })?;
        if let Some(circle) = self.manager.circle_of(&read) {
            return Err(wrong(&format!(
                "it would start itself again and again: {}",
                circle_text(&circle)
            )));
        }
        self.refuse_waiting_for_itself(&read)?;
        if let Some(connection) = &config.connect
            && !self.config.has_connection(connection)
        {
            return Err(wrong(&format!(
                "no connection `{connection}` is configured"
            )));
        }
        for written in &config.on {
            // A file may hold a rule whose dates are over, or that follows what is gone; nobody means to write one.
            match crate::rules::cause(written) {
                Ok(Cause::Schedule(_)) => {
                    schedule::accept(written, self.now(), self.manager.zone())
                        .map_err(|why| wrong(&format!("{why}. {}", why.hint())))?;
                }
                Ok(Cause::After {
                    item: Select::Named(name),
                    ..
                }) => drop(self.named(&[name])?),
                Ok(_) | Err(_) => {}
            }
        }
        let name = config.name.clone();
        self.config
            .set_rule(config, new.fresh_within, new.catch_up, new.jitter)?;
        self.follow_rules();
        let found = self.manager.rules().find(|(rule, _)| rule.name == name);
        match found {
            Some((rule, next)) => {
                let mut view = self.rule_view(rule, next);
                view.warnings.extend(missing_paths(rule));
                Ok(Reply::Rule(Box::new(view)))
            }
            None => Err(wrong("too many rules are written already")),
        }
    }

    /// The name of another rule that says the same.
    fn same_rule(&self, new: &RuleConfig) -> Option<&str> {
        let mut rules = self.config.config.rule.iter();
        let same = rules.find(|rule| {
            let called = RuleConfig {
                name: new.name.clone(),
                ..(*rule).clone()
            };
            !rule.name.eq_ignore_ascii_case(&new.name) && called == *new
        })?;
        Some(&same.name)
    }

    /// An item never runs beside itself: whoever waits for that means another one.
    fn refuse_waiting_for_itself(&self, rule: &Rule) -> Result<(), Refusal> {
        let items = self.manager.rule_items(rule);
        for condition in &rule.when {
            let Condition::NotRunning(Select::Named(name)) = condition else {
                continue;
            };
            if let (Ok(meant), [item]) = (self.named(std::slice::from_ref(name)), items.as_slice())
                && meant.iter().all(|other| other == item)
            {
                return Err(wrong(&format!(
                    "`{condition}` names {} itself, which never runs twice at once",
                    self.name(item)
                )));
            }
        }
        Ok(())
    }

    pub(crate) fn remove_rule(&mut self, name: &str) -> Result<Reply, Refusal> {
        let written = self
            .config
            .config
            .rule
            .iter()
            .find(|rule| rule.name.eq_ignore_ascii_case(name))
            .map(|rule| rule.name.clone());
        let Some(written) = written else {
            return Err(Refusal::new(
                "rule::unknown",
                format!("no rule is called `{}`", text::line(name)),
                "`syncmgr schedule` shows the rules; what a registration asks for ends with \
                 `syncmgr register --events` or `unregister`",
            ));
        };
        self.config.remove_rule(&written)?;
        self.follow_rules();
        Ok(Reply::Done {
            names: vec![written],
        })
    }

    /// What a schedule means.
    pub(crate) fn explain(
        &self,
        written: &str,
        count: u32,
        item: Option<&str>,
        when: &[String],
    ) -> Result<Reply, Refusal> {
        if written.len() > MAX_SCHEDULE_BYTES {
            return Err(wrong("it is longer than any schedule"));
        }
        let (schedule, _) = schedule::accept(written, self.now(), self.manager.zone())
            .map_err(|why| wrong(&format!("{why}. {}", why.hint())))?;
        let mut next_ms = Vec::new();
        let mut at = self.now();
        for _ in 0..usize::try_from(count).unwrap_or(MAX_TIMES).min(MAX_TIMES) {
            let Some(next) = schedule.next_after(at, self.manager.zone()) else {
                break;
            };
            next_ms.push(next.0);
            at = next;
        }
        let mut view = ScheduleView {
            written: written.to_owned(),
            normalised: schedule.to_string(),
            next_ms,
            zones: schedule.zones(),
            starts: Vec::new(),
            beside: Vec::new(),
        };
        if let Some(item) = item {
            let item = self.one(item)?;
            let when = crate::rules::all_conditions(when).map_err(|why| wrong(&why))?;
            let at = |ms: &i64| self.manager.start_if(&item, Timestamp(*ms), &when);
            let starts = view.next_ms.iter().filter_map(at);
            view.starts = starts.map(|coming| coming_view(&coming)).collect();
            view.beside = self.beside(&item, &view.next_ms);
        }
        Ok(Reply::Schedule(view))
    }

    /// Starts of other items that are near to one of these times.
    fn beside(&self, item: &ItemRef, times: &[i64]) -> Vec<ForecastView> {
        let near = i64::try_from(BESIDE.as_millis()).unwrap_or(i64::MAX);
        let now = self.now();
        let last = times.last().map_or(now.0, |last| last.saturating_add(near));
        let until = Timestamp(last.min(now.plus(BESIDE_AHEAD).0));
        let others = self.manager.items().map(|row| row.at.clone());
        let others = others.filter(|other| other != item).collect();
        let forecast = self.manager.forecast(&others, now, until);
        forecast
            .starts
            .iter()
            .filter(|(_, coming)| {
                times
                    .iter()
                    .any(|at| at.abs_diff(coming.at.0) <= near.unsigned_abs())
            })
            .take(MAX_BESIDE)
            .map(|(other, coming)| self.forecast_view(other, coming))
            .collect()
    }

    /// A name that no rule has: that of its first item, or `all`, with a number behind it when it is taken.
    fn free_rule_name(&self, new: &RuleText) -> String {
        let base = new.items.first().map_or("all", String::as_str);
        let base: String = base.chars().take(50).collect();
        let taken = |name: &str| {
            self.config
                .config
                .rule
                .iter()
                .any(|rule| rule.name.eq_ignore_ascii_case(name))
        };
        let numbered = (2_u64..).map(|number| format!("{base}-{number}"));
        std::iter::once(base.clone())
            .chain(numbered)
            .find(|name| !taken(name))
            .unwrap_or(base)
    }

    /// What starts by itself next; without a daemon nothing does.
    pub(crate) fn next_view(&self) -> Option<NextView> {
        if !self.daemon {
            return None;
        }
        self.upcoming(1).pop()
    }

    /// The rules that start something by themselves next, soonest first.
    pub(crate) fn upcoming(&self, most: usize) -> Vec<NextView> {
        let mut due: Vec<(Timestamp, &Rule)> = self
            .manager
            .rules()
            .filter_map(|(rule, next)| Some((next?, rule)))
            .collect();
        due.sort_by_key(|(at, _)| *at);
        due.into_iter()
            .filter_map(|(at, rule)| {
                let items = self.manager.rule_items(rule);
                (!items.is_empty()).then(|| self.next_of(at, rule, &items))
            })
            .take(most)
            .collect()
    }

    fn next_of(&self, at: Timestamp, rule: &Rule, items: &[ItemRef]) -> NextView {
        NextView {
            at_ms: at.0,
            rule: rule.name.clone(),
            names: items
                .iter()
                .take(NAMES)
                .map(|item| self.name(item))
                .collect(),
            count: items.len() as u64,
            held_said: self.held(rule).as_ref().map(said),
            held_by: self.held(rule).map(String::from),
        }
    }

    fn held(&self, rule: &Rule) -> Option<Saying> {
        if let Some(circle) = self.manager.circle_of(rule) {
            let rules = circle_text(&circle);
            return Some(Standing::Circle { rules }.into());
        }
        let held = self.manager.rule_held(rule)?;
        // Without a daemon nobody looks whether they hold, and nothing starts by itself anyway.
        if !self.daemon && matches!(held, Hindrance::Condition(..)) {
            return None;
        }
        Some(held.saying())
    }

    fn rule_view(&self, rule: &Rule, next: Option<Timestamp>) -> RuleView {
        let items = self.manager.rule_items(rule);
        let written = self
            .config
            .config
            .rule
            .iter()
            .find(|written| written.name == rule.name);
        let on = match written {
            Some(written) => written.on.clone(),
            None => rule.on.iter().filter_map(crate::rules::word).collect(),
        };
        RuleView {
            rule: RuleText {
                name: rule.name.clone(),
                items: written.map_or_else(Vec::new, |written| written.items.clone()),
                on,
                when: written.map_or_else(Vec::new, |written| written.when.clone()),
                ask: rule.ask,
                stop_when_lost: written.is_some_and(|written| written.stop_when_lost),
                stop_on_wake: rule.stop_on_wake,
                fresh_within: written
                    .and_then(|written| written.fresh_within)
                    .map(|span| format!("{}s", span.as_secs())),
                catch_up: written
                    .and_then(|written| written.catch_up)
                    .map(|span| format!("{}s", span.as_secs())),
                if_running: written.and_then(|written| written.if_running.clone()),
                connect: rule.connect.clone(),
                jitter: (!rule.jitter.is_zero()).then(|| brief(rule.jitter)),
            },
            written: written.is_some(),
            count: items.len() as u64,
            names: items
                .iter()
                .take(NAMES)
                .map(|item| self.name(item))
                .collect(),
            next_ms: next.map(|at| at.0),
            held_said: self.held(rule).as_ref().map(said),
            held_by: self.held(rule).map(String::from),
            also: self
                .manager
                .conditions_beside(rule)
                .into_iter()
                .map(|(rule, condition)| AlsoView {
                    condition: condition.to_string(),
                    rule,
                })
                .collect(),
            warnings: self.rule_warnings(rule),
            holds: self.manager.rules_held_by(rule),
            zones: rule
                .schedules()
                .flat_map(schedule::Schedule::zones)
                .collect(),
        }
    }
}

/// The rules of a circle, as `a → b → a`.
pub(crate) fn circle_text(circle: &[String]) -> String {
    let names = circle.iter().chain(circle.first());
    names.map(String::as_str).collect::<Vec<_>>().join(" → ")
}

/// The paths of a rule that are not there. Looked at once, by who just wrote them: a file system that does not answer would
/// hold up more than that.
fn missing_paths(rule: &Rule) -> impl Iterator<Item = String> {
    rule.on.iter().filter_map(|cause| match cause {
        Cause::Changed(path) if std::fs::symlink_metadata(path).is_err() => Some(format!(
            "`change {path}`: there is nothing at that path now; it is looked for until there is"
        )),
        _ => None,
    })
}

/// A span in the largest unit that says it exactly, as the configuration reads it.
fn brief(span: Duration) -> String {
    let seconds = span.as_secs();
    match () {
        () if span.subsec_millis() > 0 => format!("{}ms", span.as_millis()),
        () if seconds.is_multiple_of(3600) => format!("{}h", seconds / 3600),
        () if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        () => format!("{seconds}s"),
    }
}

fn wrong(why: &str) -> Refusal {
    Refusal::new(
        "rule::invalid",
        text::line(why),
        "`syncmgr schedule --help` shows what a rule may say; docs/configuration.md has all causes and conditions, \
         docs/schedules.md all ways to write a time",
    )
}
