//! The settings of hooks as people write them, and how they are shown.

use std::time::Duration;

use serde::Deserialize;
use syncmgr_core::hook::MAX_HOOK_LIMIT;

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
