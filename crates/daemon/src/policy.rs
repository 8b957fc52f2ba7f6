//! Policies as people write them: the settings of a `[[policy]]`, what they mean, and how they are shown.

use std::collections::HashSet;
use std::time::Duration;

use serde::Deserialize;
use syncmgr_control::view::PolicyView;
use syncmgr_core::ItemRef;
use syncmgr_core::lane::{self, Lane, MAX_LANE, MAX_LANES};
use syncmgr_core::notice::Notices;
use syncmgr_core::policy::{HIGHEST, LOWEST, MAX_POLICIES, NO_PROGRESS, Policy, STUCK_AFTER};
use syncmgr_core::rule::{MAX_SELECTED, Select};
use syncmgr_core::telling::Webhook;
use syncmgr_core::time::spell;

use crate::adapt::text::line;
use crate::awake::KeepAwakeWord;
use crate::config::{Config, parse_duration};
use crate::hook::setting::{
    command as hook_command, limit as hook_limit, notices as read_notices, ping as read_ping,
    spell_command, spell_notices, spell_ping, spell_webhook, webhook as read_webhook,
};
use crate::run::Loop;

/// Shortest limit of a run: a shorter one would stop every run.
const SHORTEST: Duration = Duration::from_secs(1);
/// Longest limit of a run.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);
/// Longest time that a good run may be promised to last.
const LONGEST_FRESH: Duration = Duration::from_secs(3660 * 24 * 3600);
/// Most runs in a row that `stuck_after` may wait for.
const MAX_STUCK_AFTER: u32 = 1_000;
/// Most sessions of one handler at once.
const MAX_PARALLEL: u32 = 64;
/// Longest name of a policy, in characters.
const MAX_NAME: usize = 63;

/// What holds during and after runs; docs/configuration.md has all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyConfig {
    /// What it is called; its place in the file when nothing is said.
    pub name: Option<String>,
    /// Items, handlers or labels; everything when absent.
    pub items: Option<Vec<String>>,
    /// A run that lasts longer is stopped.
    #[serde(deserialize_with = "limit")]
    pub time_limit: Option<Duration>,
    /// A run of which nothing is heard for so long is asked about, then stopped.
    #[serde(deserialize_with = "limit_or_off")]
    pub no_progress: Option<Duration>,
    /// So many runs in a row that come no further are told.
    #[serde(deserialize_with = "runs_in_a_row")]
    pub stuck_after: Option<u32>,
    /// How old the last good run may be.
    #[serde(deserialize_with = "freshness")]
    pub fresh_within: Option<Duration>,
    /// When its runs keep the machine awake.
    pub keep_awake: Option<KeepAwakeWord>,
    /// What runs before a run.
    #[serde(deserialize_with = "hook_command")]
    pub before: Option<Vec<String>>,
    /// What runs after a run.
    #[serde(deserialize_with = "hook_command")]
    pub after: Option<Vec<String>>,
    /// What runs after a run that failed.
    #[serde(deserialize_with = "hook_command")]
    pub failed: Option<Vec<String>>,
    /// How long each of them may take.
    #[serde(deserialize_with = "hook_limit")]
    pub hook_limit: Option<Duration>,
    /// An address that is told.
    #[serde(deserialize_with = "read_webhook")]
    pub webhook: Option<Webhook>,
    /// A dead man's switch.
    #[serde(deserialize_with = "read_ping")]
    pub ping: Option<String>,
    /// What nobody else works with meanwhile; empty: nothing.
    #[serde(deserialize_with = "lane_names")]
    pub lanes: Option<Vec<String>>,
    /// How many sessions of its handler work at once.
    #[serde(deserialize_with = "sessions")]
    pub parallel: Option<u32>,
    /// Which of what waits goes first.
    #[serde(deserialize_with = "priority")]
    pub priority: Option<i8>,
    /// What a person is told.
    #[serde(deserialize_with = "read_notices")]
    pub notices: Option<Notices>,
}

/// Reads a span within bounds; a mistake is told with the place of the setting.
fn span<'de, D: serde::Deserializer<'de>>(
    from: D,
    shortest: Duration,
    longest: Duration,
    off: bool,
) -> Result<Option<Duration>, D::Error> {
    let Some(text) = Option::<String>::deserialize(from)? else {
        return Ok(None);
    };
    let span = parse_duration(&text).map_err(serde::de::Error::custom)?;
    if (off && span.is_zero()) || (shortest..=longest).contains(&span) {
        return Ok(Some(span));
    }
    Err(serde::de::Error::custom(format!(
        "`{text}` is not from {} to {}{}",
        spell(shortest),
        spell(longest),
        if off { ", nor `0s` for never" } else { "" }
    )))
}

fn limit<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    span(from, SHORTEST, LONGEST, false)
}

fn limit_or_off<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    span(from, SHORTEST, LONGEST, true)
}

fn freshness<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    span(from, SHORTEST, LONGEST_FRESH, false)
}

fn runs_in_a_row<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    let Some(number) = Option::<i64>::deserialize(from)? else {
        return Ok(None);
    };
    match u32::try_from(number) {
        Ok(number) if number == 0 || (2..=MAX_STUCK_AFTER).contains(&number) => Ok(Some(number)),
        _ => Err(serde::de::Error::custom(format!(
            "`{number}` is not from 2 to {MAX_STUCK_AFTER} runs, nor 0 for never"
        ))),
    }
}

fn lane_names<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    let Some(names) = Option::<Vec<String>>::deserialize(from)? else {
        return Ok(None);
    };
    let wrong = |why: String| Err(serde::de::Error::custom(why));
    if names.len() > MAX_LANES {
        return wrong(format!("at most {MAX_LANES} lanes are taken"));
    }
    match names
        .iter()
        .find(|name| name.len() > MAX_LANE || Lane::new(name).is_none())
    {
        Some(name) => wrong(format!(
            "`{}` is no name of a lane, which has 1 to {MAX_LANE} bytes and no control characters",
            line(name)
        )),
        None => Ok(Some(names)),
    }
}

/// Reads a whole number within bounds.
fn number<'de, D, T>(from: D, lowest: T, highest: T, of: &str) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: TryFrom<i64> + PartialOrd + std::fmt::Display,
{
    let Some(number) = Option::<i64>::deserialize(from)? else {
        return Ok(None);
    };
    match T::try_from(number) {
        Ok(taken) if taken >= lowest && taken <= highest => Ok(Some(taken)),
        _ => Err(serde::de::Error::custom(format!(
            "`{number}` is not from {lowest} to {highest}{of}"
        ))),
    }
}

fn sessions<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    number(from, 1, MAX_PARALLEL, " sessions")
}

fn priority<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<i8>, D::Error> {
    number(from, LOWEST, HIGHEST, "")
}

/// What the settings cannot say one by one.
///
/// # Errors
/// What is wrong, as a sentence without its end.
pub(crate) fn check(policies: &[PolicyConfig]) -> Result<(), String> {
    if policies.len() > MAX_POLICIES {
        return Err(format!("there are more than {MAX_POLICIES} policies"));
    }
    let mut names = HashSet::new();
    for (at, policy) in policies.iter().enumerate() {
        let called = name(at, policy);
        let wrong = |why: &str| format!("policy `{called}`: {why}");
        if called.trim().is_empty() || called.chars().count() > MAX_NAME {
            return Err(format!(
                "the name of a policy has 1 to {MAX_NAME} characters, and `{called}` has not"
            ));
        }
        if !names.insert(called.to_lowercase()) {
            return Err(format!("the policy `{called}` stands twice"));
        }
        match &policy.items {
            Some(items) if items.is_empty() => {
                return Err(wrong(
                    "`items` is empty, so it is about nothing; without `items` it is about everything",
                ));
            }
            Some(items) if items.len() > MAX_SELECTED => {
                return Err(wrong(&format!("at most {MAX_SELECTED} names are taken")));
            }
            Some(items) if items.iter().any(|item| item.trim().is_empty()) => {
                return Err(wrong("one of its `items` has no name"));
            }
            _ => {}
        }
        if said(&read(at, policy)).is_empty() {
            return Err(wrong("it says nothing about its items"));
        }
    }
    Ok(())
}

/// Every policy, in the order of the file.
#[must_use]
pub(crate) fn of(config: &Config) -> Vec<Policy> {
    let numbered = config.policy.iter().enumerate();
    numbered.map(|(at, policy)| read(at, policy)).collect()
}

fn name(at: usize, policy: &PolicyConfig) -> String {
    match &policy.name {
        Some(name) => name.clone(),
        None => format!("policy {}", at + 1),
    }
}

fn read(at: usize, policy: &PolicyConfig) -> Policy {
    let items = policy.items.iter().flatten();
    Policy {
        name: name(at, policy),
        items: items.map(|name| Select::named(name)).collect(),
        time_limit: policy.time_limit,
        no_progress: policy.no_progress,
        stuck_after: policy.stuck_after,
        fresh_within: policy.fresh_within,
        keep_awake: policy.keep_awake.map(Into::into),
        before: policy.before.clone(),
        after: policy.after.clone(),
        failed: policy.failed.clone(),
        hook_limit: policy.hook_limit,
        webhook: policy.webhook.clone(),
        ping: policy.ping.clone(),
        lanes: policy
            .lanes
            .as_ref()
            .map(|names| lane::read(names.iter().map(String::as_str))),
        parallel: policy.parallel.and_then(|most| usize::try_from(most).ok()),
        priority: policy.priority,
        notices: policy.notices,
    }
}

/// A setting, how its value is told, and what holds where no policy says anything.
struct Setting {
    key: &'static str,
    value: fn(&Policy) -> Option<String>,
    otherwise: Option<fn() -> String>,
}

/// Every setting, in the order in which it is shown. A new one belongs here as well.
const SETTINGS: &[Setting] = &[
    Setting {
        key: "time_limit",
        value: |policy| policy.time_limit.map(spell),
        otherwise: None,
    },
    Setting {
        key: "no_progress",
        value: |policy| policy.no_progress.map(spell_or_never),
        otherwise: Some(|| spell(NO_PROGRESS)),
    },
    Setting {
        key: "stuck_after",
        value: |policy| policy.stuck_after.map(runs_or_never),
        otherwise: Some(|| runs_or_never(STUCK_AFTER)),
    },
    Setting {
        key: "keep_awake",
        value: |policy| policy.keep_awake.map(crate::awake::spell),
        otherwise: None,
    },
    Setting {
        key: "fresh_within",
        value: |policy| policy.fresh_within.map(spell),
        otherwise: None,
    },
    Setting {
        key: "before",
        value: |policy| policy.before.as_deref().map(spell_command),
        otherwise: None,
    },
    Setting {
        key: "after",
        value: |policy| policy.after.as_deref().map(spell_command),
        otherwise: None,
    },
    Setting {
        key: "failed",
        value: |policy| policy.failed.as_deref().map(spell_command),
        otherwise: None,
    },
    Setting {
        key: "hook_limit",
        value: |policy| policy.hook_limit.map(spell),
        otherwise: None,
    },
    Setting {
        key: "webhook",
        value: |policy| policy.webhook.as_ref().map(spell_webhook),
        otherwise: None,
    },
    Setting {
        key: "ping",
        value: |policy| policy.ping.as_deref().map(spell_ping),
        otherwise: None,
    },
    Setting {
        key: LANES,
        value: |policy| policy.lanes.as_ref().map(lanes),
        otherwise: None,
    },
    Setting {
        key: "parallel",
        value: |policy| policy.parallel.map(|most| most.to_string()),
        otherwise: None,
    },
    Setting {
        key: "priority",
        value: |policy| policy.priority.map(|priority| priority.to_string()),
        otherwise: None,
    },
    Setting {
        key: "notices",
        value: |policy| policy.notices.map(spell_notices),
        otherwise: None,
    },
];

/// The setting that a handler says something about as well.
const LANES: &str = "lanes";

fn lanes<'a>(lanes: impl IntoIterator<Item = &'a Lane>) -> String {
    let names: Vec<&str> = lanes.into_iter().map(Lane::as_str).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

fn spell_or_never(span: Duration) -> String {
    if span.is_zero() {
        "never".to_owned()
    } else {
        spell(span)
    }
}

fn runs_or_never(number: u32) -> String {
    match number {
        0 => "never".to_owned(),
        number => format!("{number} runs"),
    }
}

/// The settings that one policy says something about, with their values.
fn said(policy: &Policy) -> Vec<(&'static str, String)> {
    SETTINGS
        .iter()
        .filter_map(|setting| Some((setting.key, (setting.value)(policy)?)))
        .collect()
}

impl Loop {
    /// What holds for an item, setting by setting, and which policy says so.
    pub(crate) fn policy_views(&self, item: &ItemRef) -> Vec<PolicyView> {
        let of_item = self.manager.policies_of(item);
        SETTINGS
            .iter()
            .filter_map(|setting| {
                let (value, policy) = match of_item.said(setting.value) {
                    Some((value, policy)) => (value, Some(policy.name.clone())),
                    None if setting.key == LANES => {
                        let mut of_handler = self.manager.lanes(item).peekable();
                        of_handler.peek()?;
                        (lanes(of_handler), None)
                    }
                    // Nobody starts it here, and so nobody watches it by what holds for others.
                    None if self.manager.reports_only(&item.handler) => return None,
                    None => (setting.otherwise?(), None),
                };
                Some(PolicyView {
                    setting: setting.key.to_owned(),
                    value,
                    policy,
                })
            })
            .collect()
    }

    /// Policies that select nothing, and the first name of theirs that nothing is called.
    pub(crate) fn idle_policies(&self) -> Vec<String> {
        let selects_nothing = |policy: &&Policy| self.manager.selected_by(policy) == 0;
        self.manager
            .policies()
            .iter()
            .filter(|policy| !policy.items.is_empty())
            .filter(selects_nothing)
            .map(|policy| policy.name.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<Policy>, String> {
        let config: Config = toml::from_str(text).map_err(|error| error.to_string())?;
        check(&config.policy)?;
        Ok(of(&config))
    }

    #[test]
    fn settings_are_read() {
        let all = parse(
            "[[policy]]\ntime_limit = \"2h\"\nno_progress = \"0s\"\n[[policy]]\nname = \"big\"\nitems = [\"Photos\"]\n\
             stuck_after = 5\nfresh_within = \"3 days\"\nlanes = [\"Disk-X\", \"/srv/mail/\"]\nparallel = 2\npriority = -3\n\
             [[policy]]\nlanes = []\n",
        )
        .unwrap();
        assert_eq!(all[0].name, "policy 1");
        assert!(all[0].items.is_empty());
        assert_eq!(all[0].time_limit, Some(Duration::from_secs(7200)));
        assert_eq!(all[0].no_progress, Some(Duration::ZERO));
        assert_eq!(all[1].items, [Select::named("photos")]);
        assert_eq!(
            said(&all[1]),
            [
                ("stuck_after", "5 runs".to_owned()),
                ("fresh_within", "3 days".to_owned()),
                ("lanes", "/srv/mail, disk-x".to_owned()),
                ("parallel", "2".to_owned()),
                ("priority", "-3".to_owned()),
            ]
        );
        assert_eq!(said(&all[2]), [("lanes", "none".to_owned())]);
    }

    #[test]
    fn mistakes_are_refused_in_words() {
        for (setting, part) in [
            ("time_limit = \"0s\"", "1 s to 30 days"),
            ("time_limit = \"-1h\"", "negative"),
            ("time_limit = \"31 days\"", "1 s to 30 days"),
            ("time_limit = \"99999999999999 days\"", "is too long"),
            ("time_limit = 3", "invalid type"),
            ("time_limit = \"soon\"", "not a duration"),
            ("no_progress = \"1ms\"", "`0s` for never"),
            ("stuck_after = 1", "from 2 to"),
            ("stuck_after = -3", "from 2 to"),
            ("stuck_after = \"often\"", "invalid type"),
            ("fresh_within = \"0s\"", "not from"),
            ("keep_awake = \"sometimes\"", "`never`, `mains`, `always`"),
            ("before = \"mount x\"", "no shell"),
            ("after = 3", "a list of words"),
            ("failed = [\"\"]", "names the program"),
            ("before = [\"a\\u0000b\"]", "NUL"),
            ("hook_limit = \"0s\"", "1 s to 1 day"),
            ("notices = \"loud\"", "none of none, failures, all"),
            ("ping = \"hc.example.org/x\"", "no address such as https"),
            (
                "ping = \"https://a:b@example.org/x\"",
                "no name and password",
            ),
            ("webhook = \"https://example.org\"", "invalid type"),
            (
                "webhook = { url = \"gopher://example.org\" }",
                "begins with https",
            ),
            (
                "webhook = { url = \"https://example.org\", on = [\"sometimes\"] }",
                "none of begins, done, failed, needs-you, stopped, late, overdue",
            ),
            (
                "webhook = { url = \"https://example.org\", on = [] }",
                "nothing would be told",
            ),
            (
                "webhook = { url = \"https://example.org\", headers = { Authorization = \"Bearer x\" } }",
                "say where it is read",
            ),
            (
                "webhook = { url = \"https://example.org\", headers = { Host = \"env:X\" } }",
                "syncmgr's own",
            ),
            ("time_limt = \"1h\"", "unknown field"),
            ("time_limit = \"1h\"\nitems = []", "about nothing"),
            ("time_limit = \"1h\"\nitems = [\" \"]", "no name"),
            ("items = [\"photos\"]", "says nothing"),
            ("lanes = [\"\"]", "no name of a lane"),
            ("lanes = \"disk\"", "invalid type"),
            ("lanes = [\"a\\nb\"]", "no name of a lane"),
            ("parallel = 0", "from 1 to 64 sessions"),
            ("priority = 11", "from -10 to 10"),
            ("priority = \"high\"", "invalid type"),
            ("time_limit = \"1h\"\nname = \"\"", "characters"),
            (
                "name = \"a\"\ntime_limit = \"1h\"\n[[policy]]\nname = \"A\"\ntime_limit = \"1h\"",
                "twice",
            ),
        ] {
            let why = parse(&format!("[[policy]]\n{setting}\n")).unwrap_err();
            assert!(why.contains(part), "{setting}: {why}");
        }
    }
}
