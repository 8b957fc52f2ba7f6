//! Parameters of a method from the query of an address, so that what only looks can be asked for with a plain `GET`.

use serde_json::{Map, Value};

/// Parameters that are numbers, whatever method they are of.
const NUMBERS: &[&str] = &[
    "id", "before", "limit", "offset", "run", "spanMs", "count", "need", "entry", "request",
    "forMs",
];
/// Parameters that are yes or no.
const FLAGS: &[&str] = &[
    "hidden",
    "enabled",
    "checked",
    "ask",
    "check",
    "mayBotherUser",
    "remember",
    "stopWhenLost",
    "stopOnWake",
    "preview",
];
/// Parameters that may be given several times.
const LISTS: &[&str] = &["names", "items", "on", "when", "offered"];

/// Reads a query, such as `name=notes&limit=10`.
///
/// # Errors
/// What is wrong with it, as a fragment.
pub(crate) fn params(query: &str) -> Result<Value, String> {
    let mut params = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        // A flag that is named without a value is set.
        let bare = if FLAGS.contains(&pair) { "true" } else { "" };
        let (key, value) = pair.split_once('=').unwrap_or((pair, bare));
        let (key, value) = (decoded(key)?, decoded(value)?);
        if LISTS.contains(&key.as_str()) {
            let list = params
                .entry(key)
                .or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(list) = list {
                list.push(Value::String(value));
            }
            continue;
        }
        // A form sends what was left empty too.
        let read = if value.is_empty() && !FLAGS.contains(&key.as_str()) {
            Value::String(value)
        } else if NUMBERS.contains(&key.as_str()) {
            let number = value.parse::<u64>();
            number
                .map(Value::from)
                .map_err(|_| format!("`{key}` is a number, not `{}`", shown(&value)))?
        } else if FLAGS.contains(&key.as_str()) {
            match value.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                _ => {
                    return Err(format!(
                        "`{key}` is `true` or `false`, not `{}`",
                        shown(&value)
                    ));
                }
            }
        } else {
            Value::String(value)
        };
        if params.insert(key.clone(), read).is_some() {
            return Err(format!("`{}` stands twice", shown(&key)));
        }
    }
    Ok(Value::Object(params))
}

/// The first value of this name in a query that says what it likes.
pub(crate) fn value(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| *key == name)?;
    decoded(value).ok()
}

/// Most characters that are shown of what was brought.
const MAX_SHOWN: usize = 60;

/// What was brought, as it may stand in a sentence: without what a terminal would obey or what turns its words around.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().map(harmless).take(MAX_SHOWN).collect();
    if text.chars().nth(MAX_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// A character that a terminal does not obey and that turns nothing around.
pub(crate) fn harmless(c: char) -> char {
    let turns =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if c.is_control() || turns { ' ' } else { c }
}

/// Undoes the percent encoding of a form (`application/x-www-form-urlencoded`).
fn decoded(text: &str) -> Result<String, String> {
    let broken = || format!("`{}` is not encoded as an address is", shown(text));
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let mut digit = || {
                    let digit = char::from(rest.next()?).to_digit(16)?;
                    u8::try_from(digit).ok()
                };
                let (high, low) = (digit(), digit());
                match (high, low) {
                    (Some(high), Some(low)) => bytes.push(high * 16 + low),
                    _ => return Err(broken()),
                }
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| broken())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn queries_are_parameters() {
        for (query, wanted) in [
            ("", Ok(json!({}))),
            ("name=12&limit=5", Ok(json!({ "name": "12", "limit": 5 }))),
            ("names=a&names=b+c", Ok(json!({ "names": ["a", "b c"] }))),
            ("name=caf%C3%A9%26", Ok(json!({ "name": "café&" }))),
            ("hidden", Ok(json!({ "hidden": true }))),
            ("limit=many", Err("a number")),
            ("hidden=perhaps", Err("`true` or `false`")),
            ("hidden=", Err("`true` or `false`")),
            ("name=%4", Err("not encoded")),
            ("name=%zz", Err("not encoded")),
            ("name=%ff", Err("not encoded")),
            ("name=a&name=b", Err("stands twice")),
        ] {
            match (params(query), wanted) {
                (Ok(read), Ok(wanted)) => assert_eq!(read, wanted, "{query}"),
                (Err(why), Err(part)) => assert!(why.contains(part), "{query}: {why}"),
                (read, wanted) => panic!("{query}: {read:?}, not {wanted:?}"),
            }
        }
    }
}
