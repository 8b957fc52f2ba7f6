//! The settings of hooks as people write them, and how they are shown.

use std::time::Duration;

use serde::Deserialize;
use syncmgr_core::Schedule;
use syncmgr_core::account::Occasion;
use syncmgr_core::hook::MAX_HOOK_LIMIT;
use syncmgr_core::notice::Notices;
use syncmgr_core::telling::{MIN_PING, Secret, Telling, Webhook};

use super::address;

use crate::config::parse_duration;

/// Shortest limit of a hook.
const SHORTEST: Duration = Duration::from_secs(1);
/// Most words of a command.
const MAX_WORDS: usize = 256;
/// Most bytes of a command.
const MAX_COMMAND_BYTES: usize = 64 << 10;

/// Reads a command: a list of words, without a shell; an empty list is no command.
pub(crate) fn command<'de, D: serde::Deserializer<'de>>(
    from: D,
) -> Result<Option<Vec<String>>, D::Error> {
    use serde::de::Error as _;
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Words(Vec<String>),
        Line(String),
    }
    let words = match Option::<Written>::deserialize(from).map_err(|_| {
        D::Error::custom("a command is a list of words, such as [\"umount\", \"/mnt/backup\"]")
    })? {
        None => return Ok(None),
        Some(Written::Words(words)) => words,
        Some(Written::Line(line)) => {
            return Err(D::Error::custom(format!(
                "`{line}` is not a list of words, such as [\"umount\", \"/mnt/backup\"]; no shell reads it"
            )));
        }
    };
    if words
        .first()
        .is_some_and(|program| program.trim().is_empty())
    {
        return Err(D::Error::custom(
            "the first word names the program, and is empty",
        ));
    }
    if words.iter().any(|word| word.contains('\0')) {
        return Err(D::Error::custom("no word can contain a NUL character"));
    }
    let bytes: usize = words.iter().map(String::len).sum();
    if words.len() > MAX_WORDS || bytes > MAX_COMMAND_BYTES {
        return Err(D::Error::custom(format!(
            "a command has at most {MAX_WORDS} words and {MAX_COMMAND_BYTES} bytes"
        )));
    }
    Ok(Some(words))
}

/// Reads how long a hook may take.
pub(crate) fn limit<'de, D: serde::Deserializer<'de>>(
    from: D,
) -> Result<Option<Duration>, D::Error> {
    use serde::de::Error as _;
    let Some(text) = Option::<String>::deserialize(from)? else {
        return Ok(None);
    };
    let span = parse_duration(&text).map_err(D::Error::custom)?;
    if (SHORTEST..=MAX_HOOK_LIMIT).contains(&span) {
        return Ok(Some(span));
    }
    Err(D::Error::custom(format!(
        "`{text}` is not from {} to {}",
        syncmgr_core::time::spell(SHORTEST),
        syncmgr_core::time::spell(MAX_HOOK_LIMIT)
    )))
}

/// How a command is told: its words, those with blanks in quotes.
#[must_use]
pub(crate) fn spell_command(words: &[String]) -> String {
    if words.is_empty() {
        return "nothing".to_owned();
    }
    let quoted: Vec<String> = words
        .iter()
        .map(|word| {
            if word.is_empty() || word.contains([' ', '\t', '\n', '"']) {
                format!("{word:?}")
            } else {
                word.clone()
            }
        })
        .collect();
    crate::adapt::text::line(&quoted.join(" "))
}

/// A webhook as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookConfig {
    url: String,
    #[serde(default)]
    on: Option<Vec<String>>,
    #[serde(default)]
    headers: std::collections::BTreeMap<String, String>,
}

/// Most headers of a webhook.
const MAX_HEADERS: usize = 32;

/// Reads a webhook; an empty address takes away what an earlier policy says.
pub(crate) fn webhook<'de, D: serde::Deserializer<'de>>(
    from: D,
) -> Result<Option<Webhook>, D::Error> {
    use serde::de::Error as _;
    let Some(written) = Option::<WebhookConfig>::deserialize(from)? else {
        return Ok(None);
    };
    read_webhook(written).map(Some).map_err(D::Error::custom)
}

fn read_webhook(written: WebhookConfig) -> Result<Webhook, String> {
    if !written.url.is_empty() {
        address::read(&written.url).map_err(|why| format!("the address of the webhook: {why}"))?;
    }
    let names: Vec<&str> = Occasion::ALL
        .iter()
        .map(|occasion| occasion.name())
        .collect();
    let on = match &written.on {
        None => vec![Occasion::Failed, Occasion::NeedsYou],
        Some(on) if on.is_empty() => {
            return Err("`on` is empty, so nothing would be told".to_owned());
        }
        Some(on) => on
            .iter()
            .map(|name| {
                let known = Occasion::ALL
                    .iter()
                    .find(|occasion| occasion.name() == name);
                known
                    .copied()
                    .ok_or_else(|| format!("`{name}` is none of {}", names.join(", ")))
            })
            .collect::<Result<Vec<_>, _>>()?,
    };
    if written.headers.len() > MAX_HEADERS {
        return Err(format!("a webhook has at most {MAX_HEADERS} headers"));
    }
    let headers = written
        .headers
        .into_iter()
        .map(|(name, value)| Ok((header(&name)?, secret(&name, &value)?)))
        .collect::<Result<_, String>>()?;
    Ok(Webhook {
        url: written.url,
        on,
        headers,
    })
}

fn header(name: &str) -> Result<String, String> {
    let ours = [
        "host",
        "content-length",
        "content-type",
        "transfer-encoding",
        "connection",
    ];
    match hyper::header::HeaderName::try_from(name) {
        Ok(known) if ours.contains(&known.as_str()) => {
            Err(format!("the header `{name}` is syncmgr's own"))
        }
        Ok(_) => Ok(name.to_owned()),
        Err(_) => Err(format!("`{name}` is no name of a header")),
    }
}

/// Where a secret is read. What is written is not repeated in a refusal: it may be the secret itself.
fn secret(of: &str, text: &str) -> Result<Secret, String> {
    match text.split_once(':') {
        Some(("env", name)) if !name.is_empty() && !name.contains(['=', '\0']) => {
            Ok(Secret::Env(name.to_owned()))
        }
        Some(("file", path)) if std::path::Path::new(path).is_absolute() => {
            Ok(Secret::File(path.to_owned()))
        }
        _ => Err(format!(
            "the value of the header `{of}` does not stand in the configuration: \
             say where it is read, \"env:NAME\" or \"file:/absolute/path\""
        )),
    }
}

/// Reads the address of a dead man's switch; an empty one takes away what an earlier policy says.
pub(crate) fn ping<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    use serde::de::Error as _;
    let Some(url) = Option::<String>::deserialize(from)? else {
        return Ok(None);
    };
    if !url.is_empty() {
        address::read(&url)
            .map_err(|why| D::Error::custom(format!("the address of the ping: {why}")))?;
    }
    Ok(Some(url))
}

/// The ping of the manager itself, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PulseConfig {
    /// Its address.
    #[serde(deserialize_with = "pulse_url")]
    pub(crate) url: String,
    /// How often.
    #[serde(default = "usual_pulse", deserialize_with = "pulse_every")]
    pub(crate) every: Duration,
}

/// How often the manager says that it lives, unless told otherwise.
fn usual_pulse() -> Duration {
    Duration::from_secs(5 * 60)
}

fn pulse_url<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let url = ping(from)?.unwrap_or_default();
    if url.is_empty() {
        return Err(serde::de::Error::custom("the address of the ping is empty"));
    }
    Ok(url)
}

fn pulse_every<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    use serde::de::Error as _;
    let text = String::deserialize(from)?;
    let span = parse_duration(&text).map_err(D::Error::custom)?;
    if (MIN_PING..=MAX_HOOK_LIMIT).contains(&span) {
        return Ok(span);
    }
    Err(D::Error::custom(format!(
        "`{text}` is not from {} to {}",
        syncmgr_core::time::spell(MIN_PING),
        syncmgr_core::time::spell(MAX_HOOK_LIMIT)
    )))
}

/// How a webhook is told.
#[must_use]
pub(crate) fn spell_webhook(webhook: &Webhook) -> String {
    if webhook.url.is_empty() {
        return "none".to_owned();
    }
    let on: Vec<&str> = webhook.on.iter().map(|on| on.name()).collect();
    format!("{} on {}", address::spell(&webhook.url), on.join(", "))
}

/// The words for what a person is told.
const NOTICES: [(&str, Notices); 3] = [
    ("none", Notices::None),
    ("failures", Notices::Failures),
    ("all", Notices::All),
];

/// Reads what a person is told.
pub(crate) fn notices<'de, D: serde::Deserializer<'de>>(
    from: D,
) -> Result<Option<Notices>, D::Error> {
    let Some(text) = Option::<String>::deserialize(from)? else {
        return Ok(None);
    };
    match NOTICES.iter().find(|(name, _)| *name == text) {
        Some((_, notices)) => Ok(Some(*notices)),
        None => Err(serde::de::Error::custom(format!(
            "`{text}` is none of none, failures, all"
        ))),
    }
}

/// Reads when notices come together.
pub(crate) fn digest<'de, D: serde::Deserializer<'de>>(
    from: D,
) -> Result<Option<Schedule>, D::Error> {
    use serde::de::Error as _;
    let Some(text) = Option::<String>::deserialize(from)? else {
        return Ok(None);
    };
    match Schedule::parse(&text) {
        Ok(Schedule::Every(_)) => Err(D::Error::custom(
            "a digest comes at times of the clock, such as `18:00`",
        )),
        Ok(schedule) => Ok(Some(schedule)),
        Err(why) => Err(D::Error::custom(format!("`{text}`: {why}. {}", why.hint()))),
    }
}

/// How it is told what a person is told.
#[must_use]
pub(crate) fn spell_notices(notices: Notices) -> String {
    let found = NOTICES.iter().find(|(_, known)| *known == notices);
    found.map_or("none", |(name, _)| name).to_owned()
}

/// How the address of a ping is told.
#[must_use]
pub(crate) fn spell_ping(url: &str) -> String {
    if url.is_empty() {
        "none".to_owned()
    } else {
        address::spell(url)
    }
}

/// What the manager tells of itself and everything.
#[must_use]
pub(crate) fn telling(manager: &crate::config::ManagerConfig) -> Telling {
    Telling {
        notices: manager.notices.unwrap_or(Notices::Failures),
        digest: manager.digest.clone(),
        ping: manager
            .ping
            .as_ref()
            .map(|ping| (ping.url.clone(), ping.every)),
    }
}
