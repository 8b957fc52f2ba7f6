//! Rules as people write them: the causes of a `[[rule]]` in words, and what they mean; its conditions are read in
//! [`crate::conditions`].

use std::time::Duration;

use syncmgr_control::registration::RegisterEvent;
use syncmgr_core::HandlerId;
use syncmgr_core::condition::{Condition, MAX_CONDITIONS};
use syncmgr_core::request::IfRunning;
use syncmgr_core::rule::{Cause, Lost, MAX_CAUSES, MAX_SELECTED, Moment, Rule, Select};
use syncmgr_core::schedule::{Mistake, Schedule};
use syncmgr_core::spread::MAX_JITTER;

use crate::conditions::condition;
use crate::config::{Config, HandlerConfig, RuleConfig, parse_duration};

/// What an idle rule waits for unless told otherwise (mobsync 4.5).
const IDLE_AFTER: Duration = Duration::from_secs(15 * 60);
/// After this an idle rule that registered flags ask for repeats (mobsync 4.5).
const IDLE_REPEAT: Duration = Duration::from_secs(60 * 60);
/// A missed time is caught up for so long unless told otherwise.
const CATCH_UP: Duration = Duration::from_secs(7 * 24 * 3600);
/// Longest name of a rule, in characters.
const MAX_RULE_NAME: usize = 63;

/// The causes that are one word.
const MOMENTS: [(&str, Moment); 7] = [
    ("logon", Moment::Logon),
    ("logoff", Moment::Logoff),
    ("lock", Moment::Lock),
    ("unlock", Moment::Unlock),
    ("suspend", Moment::Suspend),
    ("resume", Moment::Resume),
    ("disconnect", Moment::PendingDisconnect),
];

/// Every rule: those that are written, and those that the flags of registered handlers ask for (mobsync 2.9).
#[must_use]
pub(crate) fn of(config: &Config) -> Vec<Rule> {
    let written = config.rule.iter().filter_map(|rule| read(rule).ok());
    written
        .chain(config.handler.iter().filter_map(of_flags))
        .collect()
}

/// The rule that a handler's flags ask for. The contract has no event for logon: the one for connections stands for both
/// (mobsync 3.12).
fn of_flags(handler: &HandlerConfig) -> Option<Rule> {
    let id = HandlerId::new(&handler.id).ok()?;
    let on: Vec<Cause> = handler
        .events
        .iter()
        .flat_map(|event| match event {
            RegisterEvent::Connect => {
                vec![Cause::Happening(Moment::Logon), Cause::Connect(None)]
            }
            RegisterEvent::PendingDisconnect => vec![
                Cause::Happening(Moment::Logoff),
                Cause::Happening(Moment::PendingDisconnect),
            ],
            RegisterEvent::Idle => vec![Cause::Idle {
                after: IDLE_AFTER,
                repeat: Some(IDLE_REPEAT),
                stop_on_return: false,
                on_battery: false,
            }],
        })
        .collect();
    (!on.is_empty()).then(|| Rule {
        name: format!("registration of {id}"),
        items: vec![Select::Handler(id)],
        on,
        when: Vec::new(),
        lost: Lost::Finish,
        stop_on_wake: false,
        ask: false,
        fresh_within: None,
        catch_up: Duration::ZERO,
        jitter: Duration::ZERO,
        if_running: None,
        connect: None,
        of_registration: true,
    })
}

/// The causes as they are meant: a shell takes `every 15m` without quotes apart, and what is no cause in its parts but one as
/// a whole is one again.
pub(crate) fn rejoined(on: Vec<String>) -> Vec<String> {
    if on.iter().all(|part| cause(part).is_ok()) {
        return on;
    }
    let whole = on.join(" ");
    // Nothing begins with these: where they stand alone, a shell took a schedule apart, and its mistake is told of the whole.
    let is_apart = |part: &String| matches!(part.as_str(), "at" | "every") || part.contains(':');
    if cause(&whole).is_ok() || on.iter().all(|part| !part.contains(' ')) && on.iter().any(is_apart)
    {
        vec![whole]
    } else {
        on
    }
}

/// Reads conditions that hold together.
///
/// # Errors
/// What is wrong with the first wrong one.
pub(crate) fn all_conditions(texts: &[String]) -> Result<Vec<Condition>, String> {
    if texts.len() > MAX_CONDITIONS {
        return Err(format!("there are more than {MAX_CONDITIONS} conditions"));
    }
    texts.iter().map(|text| condition(text)).collect()
}

/// Reads a rule.
///
/// # Errors
/// What is wrong with it, as a sentence without its end.
pub(crate) fn read(rule: &RuleConfig) -> Result<Rule, String> {
    if rule.name.trim().is_empty() || rule.name.chars().count() > MAX_RULE_NAME {
        return Err(format!(
            "each rule has a name of at most {MAX_RULE_NAME} characters, and `{}` is none",
            rule.name
        ));
    }
    let wrong = |why: String| format!("rule `{}`: {why}", rule.name);
    if rule.items.len() > MAX_SELECTED || rule.on.len() > MAX_CAUSES {
        return Err(wrong(format!(
            "at most {MAX_SELECTED} names and {MAX_CAUSES} causes are taken"
        )));
    }
    if rule.on.is_empty() && rule.when.is_empty() && rule.fresh_within.is_none() {
        return Err(wrong(
            "it says neither `on` what its items start nor `when` they may".to_owned(),
        ));
    }
    let on: Vec<Cause> = rule
        .on
        .iter()
        .map(|text| cause(text).map_err(wrong))
        .collect::<Result<_, _>>()?;
    let jitter = rule.jitter.unwrap_or_default();
    if jitter > MAX_JITTER {
        return Err(wrong("`jitter` is at most 24h".to_owned()));
    }
    if !jitter.is_zero() && !on.iter().any(|cause| matches!(cause, Cause::Schedule(_))) {
        return Err(wrong(
            "`jitter` moves the times of schedules, and `on` names none".to_owned(),
        ));
    }
    if let Some(connection) = &rule.connect {
        if !on.iter().any(|cause| matches!(cause, Cause::Schedule(_))) {
            return Err(wrong(
                "`connect` opens a connection for schedules, and `on` names none".to_owned(),
            ));
        }
        if connection.trim().is_empty() {
            return Err(wrong("`connect` names no connection".to_owned()));
        }
    }
    let if_running = match rule.if_running.as_deref() {
        None => None,
        Some("ignore") => Some(IfRunning::Ignore),
        Some("again") => Some(IfRunning::Again),
        Some(other) => {
            return Err(wrong(format!(
                "`if_running` is `ignore` or `again`, not `{other}`"
            )));
        }
    };
    Ok(Rule {
        name: rule.name.clone(),
        items: if rule.items.is_empty() {
            vec![Select::Checked]
        } else {
            rule.items.iter().map(|name| Select::named(name)).collect()
        },
        on,
        when: rule
            .when
            .iter()
            .map(|text| condition(text).map_err(wrong))
            .collect::<Result<_, _>>()?,
        lost: if rule.stop_when_lost {
            Lost::Stop
        } else {
            Lost::Finish
        },
        stop_on_wake: rule.stop_on_wake,
        ask: rule.ask,
        fresh_within: rule.fresh_within,
        catch_up: rule.catch_up.unwrap_or(CATCH_UP),
        jitter,
        if_running,
        connect: rule.connect.clone(),
        of_registration: false,
    })
}

/// Reads a cause: a word, a word with what it is about, or else a schedule.
pub(crate) fn cause(text: &str) -> Result<Cause, String> {
    let text = text.trim();
    let (word, rest) = split(text);
    let lower = word.to_lowercase();
    if rest.is_empty()
        && let Some((_, moment)) = MOMENTS.iter().find(|(name, _)| *name == lower)
    {
        return Ok(Cause::Happening(*moment));
    }
    match lower.as_str() {
        "network" if rest.is_empty() => Ok(Cause::Connect(None)),
        "wifi" if !rest.is_empty() => Ok(Cause::Connect(Some(rest.to_owned()))),
        "wifi" => Err("`wifi` wants the name of one: `wifi home`".to_owned()),
        "volume" if !rest.is_empty() => Ok(Cause::Volume(rest.to_owned())),
        "volume" => Err("`volume` wants a label or UUID: `volume BACKUP`".to_owned()),
        "change" if std::path::Path::new(rest).is_absolute() => {
            Ok(Cause::Changed(rest.to_owned()))
        }
        "change" => Err("`change` wants an absolute path: `change /home/ada/notes`".to_owned()),
        "after" => after(rest),
        "idle" => idle(rest),
        _ => Schedule::parse(text)
            .map(Cause::Schedule)
            .map_err(|why| match &why.mistake {
                // Not even the beginning of one: it may have been meant as another cause.
                Mistake::Empty | Mistake::Unexpected { .. } if why.column <= 1 => format!(
                    "`{text}` is neither a schedule nor one of logon, logoff, lock, unlock, suspend, resume, network, \
                     disconnect, idle, wifi NAME, volume LABEL, change PATH, after NAME. {}",
                    why.hint()
                ),
                _ => format!("`{text}`: {why}. {}", why.hint()),
            }),
    }
}

/// `after NAME`, or `after change of NAME`.
fn after(rest: &str) -> Result<Cause, String> {
    let (name, changed) = match rest.strip_prefix("change of ") {
        Some(name) => (name.trim(), true),
        None => (rest, false),
    };
    if name.is_empty() {
        return Err("`after` wants a name: `after mail`, or `after change of mail`".to_owned());
    }
    Ok(Cause::After {
        item: Select::named(name),
        changed,
    })
}

/// `idle`, `idle 20m`, `idle 20m every 1h`, each with `stop` or `on battery` behind it, or with both.
fn idle(rest: &str) -> Result<Cause, String> {
    const HINT: &str =
        "an idle rule is `idle 15m`, `idle 15m every 1h`, `idle 15m stop` or `idle 15m on battery`";
    let mut after = IDLE_AFTER;
    let mut repeat = None;
    let mut stop_on_return = false;
    let mut on_battery = false;
    let mut words = rest.split_whitespace().peekable();
    if let Some(word) = words.next_if(|word| word.starts_with(|c: char| c.is_ascii_digit())) {
        after = idle_span(word, &mut words)?;
    }
    while let Some(word) = words.next() {
        match word {
            "every" => {
                let word = words.next().ok_or_else(|| HINT.to_owned())?;
                repeat = Some(idle_span(word, &mut words)?);
            }
            "stop" => stop_on_return = true,
            "on" if words.next_if_eq(&"battery").is_some() => on_battery = true,
            _ => return Err(format!("{HINT}, and `{word}` is not part of it")),
        }
    }
    // mobsync 4.5 takes minutes from 1 to 999 for both.
    let bounds = Duration::from_secs(60)..=Duration::from_secs(999 * 60);
    if !bounds.contains(&after) || repeat.is_some_and(|repeat| !bounds.contains(&repeat)) {
        return Err(format!("{HINT}, from 1 to 999 minutes"));
    }
    Ok(Cause::Idle {
        after,
        repeat,
        stop_on_return,
        on_battery,
    })
}

/// A span of an idle rule: `10m`, or `10` with its unit as the next word.
fn idle_span<'t>(
    word: &str,
    words: &mut std::iter::Peekable<impl Iterator<Item = &'t str>>,
) -> Result<Duration, String> {
    let bare = word.bytes().all(|byte| byte.is_ascii_digit());
    let unit = words.next_if(|next| bare && !matches!(*next, "every" | "stop" | "on"));
    let written = unit.map_or_else(|| word.to_owned(), |unit| format!("{word} {unit}"));
    parse_duration(&written).map_err(|_| match (bare, unit) {
        (true, None) => format!("`{word}` says no unit: write `idle {word} min`"),
        _ => format!("`{written}` is no span of time: write `idle 10 min`"),
    })
}

/// A cause that a registration asks for, in words.
pub(crate) fn word(cause: &Cause) -> Option<String> {
    match cause {
        Cause::Happening(moment) => MOMENTS
            .iter()
            .find(|(_, other)| other == moment)
            .map(|(word, _)| (*word).to_owned()),
        Cause::Connect(None) => Some("network".to_owned()),
        Cause::Idle { after, .. } => Some(format!("idle {}m", after.as_secs() / 60)),
        Cause::Schedule(_)
        | Cause::Connect(Some(_))
        | Cause::Changed(_)
        | Cause::Volume(_)
        | Cause::After { .. } => None,
    }
}

/// The first word, and what follows it.
pub(crate) fn split(text: &str) -> (&str, &str) {
    match text.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim()),
        None => (text, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_took_apart_is_one_cause_again() {
        let rejoined = |words: &[&str]| rejoined(words.iter().map(|&word| word.into()).collect());
        for (words, expected) in [
            (&["daily", "at", "02:00"][..], &["daily at 02:00"][..]),
            (&["every", "15m"], &["every 15m"]),
            (&["idle", "20m"], &["idle 20m"]),
            (&["logon", "unlock"], &["logon", "unlock"]),
            (&["logon", "every 15m"], &["logon", "every 15m"]),
            (&["every 15m"], &["every 15m"]),
            (&["daily", "at", "25:00"], &["daily at 25:00"]),
            // What is neither is refused as it was written.
            (&["logon", "sometimes"], &["logon", "sometimes"]),
            (&[], &[]),
        ] {
            assert_eq!(rejoined(words), expected, "{words:?}");
        }
    }

    #[test]
    fn causes_in_words() {
        let moment = |moment| Ok(Cause::Happening(moment));
        let idle = |after: u64, repeat: Option<u64>, stop_on_return| {
            Ok(Cause::Idle {
                after: Duration::from_secs(after * 60),
                repeat: repeat.map(|minutes| Duration::from_secs(minutes * 60)),
                stop_on_return,
                on_battery: false,
            })
        };
        for (text, wanted) in [
            ("logon", moment(Moment::Logon)),
            (" Unlock ", moment(Moment::Unlock)),
            ("disconnect", moment(Moment::PendingDisconnect)),
            ("network", Ok(Cause::Connect(None))),
            ("wifi my home", Ok(Cause::Connect(Some("my home".into())))),
            ("volume BACKUP", Ok(Cause::Volume("BACKUP".into()))),
            ("idle", idle(15, None, false)),
            ("idle 20m every 1h", idle(20, Some(60), false)),
            ("idle 5m stop", idle(5, None, true)),
            (
                "idle 5m on battery stop",
                Ok(Cause::Idle {
                    after: Duration::from_secs(300),
                    repeat: None,
                    stop_on_return: true,
                    on_battery: true,
                }),
            ),
            ("idle 10 min", idle(10, None, false)),
            ("idle 10 minutes every 1 hour", idle(10, Some(60), false)),
            ("idle 10", Err("`10` says no unit: write `idle 10 min`")),
            (
                "idle 10 stop",
                Err("`10` says no unit: write `idle 10 min`"),
            ),
            ("idle 10 parsecs", Err("`10 parsecs` is no span of time")),
            ("idle 10m every 5", Err("`5` says no unit")),
            ("idle 10m every often", Err("`often` is no span of time")),
            ("idle 5m on", Err("`on` is not part of it")),
            ("idle 1s", Err("999 minutes")),
            ("idle 20m often", Err("`often`")),
            ("idle 20m every", Err("idle 15m every 1h")),
            ("change notes", Err("absolute")),
            ("volume", Err("label or UUID")),
            ("wifi", Err("wifi home")),
            ("after", Err("after mail")),
            ("logon now", Err("neither a schedule")),
            ("", Err("neither a schedule")),
            (
                "after Change",
                Ok(Cause::After {
                    item: Select::Named("change".into()),
                    changed: false,
                }),
            ),
            (
                "after change of My Mail",
                Ok(Cause::After {
                    item: Select::Named("my mail".into()),
                    changed: true,
                }),
            ),
        ] {
            match (cause(text), wanted) {
                (Ok(got), Ok(wanted)) => assert_eq!(got, wanted, "{text}"),
                (Err(got), Err(part)) => assert!(got.contains(part), "{text}: {got}"),
                (got, wanted) => panic!("{text}: {got:?}, wanted {wanted:?}"),
            }
        }
        assert!(matches!(cause("daily at 02:00"), Ok(Cause::Schedule(_))));
    }

    #[test]
    fn flags_of_a_registration_are_a_rule() {
        let handler = HandlerConfig {
            id: "mail".into(),
            events: vec![RegisterEvent::Connect, RegisterEvent::Idle],
            ..HandlerConfig::default()
        };
        let rule = of_flags(&handler).unwrap();
        assert_eq!(rule.on.len(), 3);
        assert_eq!(
            rule.items,
            [Select::Handler(HandlerId::new("mail").unwrap())]
        );
        assert!(of_flags(&HandlerConfig::default()).is_none());
    }
}
