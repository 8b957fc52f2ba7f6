//! Secrets that stand in a command or a definition: they are told of and never shown.
//!
//! A handler masks what it makes of them itself, such as comments; the manager masks the definitions that it shows. What is
//! run is never masked. All of this is a guess by names: a secret that is given without one is shown.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// What is shown in the place of a secret.
pub const HIDDEN: &str = "****";

/// A value: quoted, or up to the next blank.
const VALUE: &str = r#"(?:'[^']*'|"[^"]*"|[^\s'"]+)"#;

static PATTERNS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    // Some words are one only as a whole: `--bypass` is none.
    let word = r"(?:[a-z0-9-]*(?:password|passwd|passwort|passphrase|secret|token|api[-_]?key|access[-_]?key|secret[-_]?key|auth[-_]?key)|(?:[a-z0-9-]*-)?pass)";
    [
        // `--password x`, `--api-key=x`, `-password x`; not `--password-file x`.
        format!(r"(?i)(?P<keep>(?:^|[\s'])--?{word}(?:'?\s+|=))(?P<hide>{VALUE})"),
        // `RESTIC_PASSWORD=x`, `AWS_SECRET_ACCESS_KEY=x`; not `RESTIC_PASSWORD_FILE=x`.
        format!(r"(?i)(?P<keep>\b[a-z0-9_]*(?:password|passwd|passwort|passphrase|secret|secret_?key|token|api_?key|access_?key|mysql_pwd|pgpass|sshpass|_pass|\bpass)=)(?P<hide>{VALUE})"),
        // `https://user:secret@host`
        r"(?P<keep>://[^\s:/@']*:)(?P<hide>[^\s@/']+)(?P<after>@)".to_owned(),
        // `curl -u user:secret`
        r"(?P<keep>(?:^|\s)(?:-u|--user|--proxy-user)[\s=]'?[^\s:=']+:)(?P<hide>[^\s']+)".to_owned(),
        // `Authorization: Bearer secret`
        r#"(?i)(?P<keep>\bauthorization:\s*(?:(?:basic|bearer|token)\s+)?)(?P<hide>[^\s'"]+)"#.to_owned(),
        format!(r"(?P<keep>\bsshpass\s+-p\s*)(?P<hide>{VALUE})"),
        r"(?P<keep>\bmysql(?:dump)?\b[^|;]*\s-p)(?P<hide>[^\s]+)".to_owned(),
    ]
    .iter()
    .filter_map(|pattern| Regex::new(pattern).ok())
    .collect()
});

/// One of these is in whatever the patterns find, in any case.
const SIGNS: [&str; 10] = [
    "pass",
    "pwd",
    "secret",
    "token",
    "key",
    "://",
    "-u",
    "-user",
    "authorization",
    "mysql",
];

/// Whether there can be a secret at all. To make the patterns ready takes longer than most runs, and most commands have none.
fn may_hold_one(text: &str) -> bool {
    // What is not ASCII may be a letter of a pattern in another case.
    let lower = text.to_ascii_lowercase();
    !text.is_ascii() || SIGNS.iter().any(|sign| lower.contains(sign))
}

/// Whether a variable or an option of this name holds a secret itself, and not where one is.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    masked(&format!("{name}=x")).1 || masked(&format!("{name} x")).1
}

/// A command as it may be shown, and whether a secret was taken out of it.
#[must_use]
pub fn masked(text: &str) -> (String, bool) {
    let mut shown = text.to_owned();
    let mut found = false;
    if !may_hold_one(text) {
        return (shown, found);
    }
    for pattern in PATTERNS.iter() {
        let replaced = pattern.replace_all(&shown, |parts: &regex::Captures<'_>| {
            let hide = parts.name("hide").map_or("", |part| part.as_str());
            let keep = parts.name("keep").map_or("", |part| part.as_str());
            let after = parts.name("after").map_or("", |part| part.as_str());
            // What a variable or a command gives stands elsewhere.
            if hide.trim_matches('"').starts_with(['$', '`'])
                || follows(keep, hide)
                || hide.trim_matches(['"', '\'']).is_empty()
                || hide == HIDDEN
                // `RCLONE_ASK_PASSWORD=false` says whether to ask.
                || matches!(hide, "true" | "false")
            {
                return format!("{keep}{hide}{after}");
            }
            found = true;
            format!("{keep}{HIDDEN}{after}")
        });
        shown = replaced.into_owned();
    }
    (shown, found)
}

/// Whether what stands behind an option is another one. That of `sshpass` has no other meaning.
fn follows(keep: &str, hide: &str) -> bool {
    hide.starts_with('-') && keep.ends_with(char::is_whitespace)
}

/// The words of a command as they may be shown, each one for itself, and whether a secret was taken out of them.
#[must_use]
pub fn masked_words(words: &[String]) -> (Vec<String>, bool) {
    // Quotes and blanks inside of a word would end what is looked for.
    let plain = |word: &String| -> String {
        let letter = |letter: char| match letter {
            '\'' | '"' => 'x',
            blank if blank.is_whitespace() => 'x',
            other => other,
        };
        word.chars().map(letter).collect()
    };
    let joined: Vec<String> = words.iter().map(plain).collect();
    let (joined, beside) = masked(&joined.join(" "));
    let mut pieces = joined.split(' ');
    let mut found = false;
    let mut is_line = false;
    let shown = words.iter().map(|word| {
        let piece = pieces.next().unwrap_or_default();
        // By what stands before it, such as `--password`; all words of a line for a shell are one word here.
        let outside = beside && !is_line && plain(word) != piece;
        let (shown, inside) = match outside {
            true => masked(&between(word, piece)),
            false => masked(word),
        };
        found |= inside || outside;
        is_line = is_line_option(word);
        shown
    });
    let shown = shown.collect();
    (shown, found)
}

/// Whether a line for a shell may stand behind it: `-c`, `-ec`, `/C`.
fn is_line_option(word: &str) -> bool {
    let short = word.strip_prefix('-').or_else(|| word.strip_prefix('/'));
    short.is_some_and(|letters| {
        letters.ends_with(['c', 'C']) && letters.len() <= 4 && !letters.starts_with('-')
    })
}

/// A word whose middle is hidden as in `piece`, which has one letter for each of the word outside of that.
fn between(word: &str, piece: &str) -> String {
    let (Some((before, _)), Some((_, after))) =
        (piece.split_once(HIDDEN), piece.rsplit_once(HIDDEN))
    else {
        return HIDDEN.to_owned();
    };
    let (before, after) = (before.chars().count(), after.chars().count());
    let all = word.chars().count();
    let before = word.chars().take(before);
    let after = word.chars().skip(all.saturating_sub(after));
    before.chain(HIDDEN.chars()).chain(after).collect()
}

/// A definition as it may be shown: values whose names say that they are secrets are hidden, and secrets in commands and
/// addresses. Where a secret is (`file:PATH`, `command:COMMAND`, `ask`) is shown.
#[must_use]
pub fn masked_value(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(masked(text).0),
        Value::Array(values) => {
            let texts: Option<Vec<String>> = values
                .iter()
                .map(|value| value.as_str().map(str::to_owned))
                .collect();
            Value::Array(match texts {
                Some(words) => masked_words(&words)
                    .0
                    .into_iter()
                    .map(Value::String)
                    .collect(),
                None => values.iter().map(masked_value).collect(),
            })
        }
        Value::Object(values) => {
            let masked = values.iter().map(|(name, value)| {
                let value = match value {
                    Value::String(text) if is_secret_name(name) => Value::String(referred(text)),
                    Value::Number(_) if is_secret_name(name) => HIDDEN.into(),
                    other => masked_value(other),
                };
                (name.clone(), value)
            });
            Value::Object(masked.collect())
        }
        other => other.clone(),
    }
}

/// A value that is a secret, unless it says where one is.
fn referred(text: &str) -> String {
    let elsewhere = text == "ask"
        || text.is_empty()
        || text.starts_with(['$', '`'])
        || text.starts_with("file:")
        || text.starts_with("command:");
    if elsewhere {
        masked(text).0
    } else {
        HIDDEN.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_hidden() {
        assert_eq!(PATTERNS.len(), 7, "every pattern is one");
        for line in [
            "restic --password hunter2 backup /x",
            "a --api-key=hunter2 b",
            "a '--password=hunter2 x'",
            "RESTIC_PASSWORD=hunter2 restic backup /x",
            "sh -c 'RESTIC_PASSWORD=\"hunter2 x\" restic'",
            "AWS_SECRET_ACCESS_KEY=hunter2 a",
            "rclone sync /x https://ada:hunter2@example.org/y",
            "curl -u ada:hunter2 https://example.org",
            "sshpass -p hunter2 ssh x",
            "sshpass -phunter2 ssh x",
            "mysqldump -u root -phunter2 db | gzip",
            "borg create --passphrase 'hunter2 x' y",
            "A --API-KEY=hunter2 b",
            "MYSQL_PWD=hunter2 a",
            "curl -H 'Authorization: Bearer hunter2' https://example.org",
            "a --s3-secret-access-key hunter2",
            "a --db-pass hunter2",
            "a --passwort=hunter2",
            "a --pa\u{17f}\u{17f}word=hunter2 b",
        ] {
            let (shown, found) = masked(line);
            assert!(found && !shown.contains("hunter2"), "{line}: {shown}");
            assert_eq!(masked(&shown), (shown.clone(), false), "{line}");
        }
    }

    #[test]
    fn most_commands_are_not_even_looked_at() {
        for line in [
            "true",
            "rsync -a src/ dst/",
            "sh -c 'for i in 1 2; do echo $i%; done'",
        ] {
            assert!(!may_hold_one(line), "{line}");
        }
    }

    #[test]
    fn names_of_secrets_are_known() {
        for name in ["RESTIC_PASSWORD", "BORG_PASSPHRASE", "--api-key", "SSHPASS"] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "RESTIC_PASSWORD_FILE",
            "PATH",
            "BORG_PASSCOMMAND",
            "--password-file",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn what_is_no_secret_is_shown() {
        for line in [
            "restic --password-file /etc/x backup",
            "RESTIC_PASSWORD_FILE=/x restic",
            "RESTIC_PASSWORD=\"$(pass show x)\" restic",
            "a --password $P b",
            "rsync -a ada@nas:/x ssh://nas:22/x",
            "curl -u ada https://example.org:8080/x@y",
            "mkdir -p x",
            "a --compass north https://nas/a:b@c",
            "a --token --next",
            "RCLONE_ASK_PASSWORD=false rclone",
            "a --password-command='pass show x'",
            "mysql -p < x",
        ] {
            assert_eq!(masked(line), (line.to_owned(), false));
        }
    }

    #[test]
    fn words_are_hidden_each_for_itself() {
        let words =
            |words: &[&str]| -> Vec<String> { words.iter().map(|&word| word.to_owned()).collect() };
        for (given, shown) in [
            (
                words(&["a", "--password", "hunter2 x", "b c"]),
                words(&["a", "--password", HIDDEN, "b c"]),
            ),
            (
                words(&["a", "--password=hunter2 'x'"]),
                words(&["a", "--password=****"]),
            ),
            (
                words(&["env", "A_PASSWORD=hunter2 hunter2", "a"]),
                words(&["env", "A_PASSWORD=****", "a"]),
            ),
            (
                words(&["curl", "-u", "ada:hunter2"]),
                words(&["curl", "-u", "ada:****"]),
            ),
            (
                words(&["mysqldump", "-u", "ada", "-phunter2"]),
                words(&["mysqldump", "-u", "ada", "-p****"]),
            ),
            (
                words(&["sshpass", "-p", "hunter2", "ssh", "x"]),
                words(&["sshpass", "-p", HIDDEN, "ssh", "x"]),
            ),
            (
                words(&["curl", "-H", "Authorization: Bearer hunter2"]),
                words(&["curl", "-H", "Authorization:****"]),
            ),
            (
                words(&["sh", "-c", "A_TOKEN='hunter2' x && y https://ada:hunter2@z"]),
                words(&["sh", "-c", "A_TOKEN=**** x && y https://ada:****@z"]),
            ),
            (
                words(&["a", "é ü", "https://ada:hunter2@z/é"]),
                words(&["a", "é ü", "https://ada:****@z/é"]),
            ),
        ] {
            assert_eq!(masked_words(&given), (shown.clone(), true), "{given:?}");
            assert_eq!(masked_words(&shown), (shown.clone(), false));
        }
        for plain in [
            words(&["a", "--password", "$P"]),
            words(&["a", "--password-file", "/x y"]),
            words(&[]),
        ] {
            assert_eq!(masked_words(&plain), (plain.clone(), false));
        }
    }

    #[test]
    fn definitions_are_shown_without_secrets() {
        let shown = masked_value(&json!({
            "command": ["a", "--password", "hunter2"],
            "env": { "RESTIC_PASSWORD": "hunter2", "PIN_TOKEN": 4711, "LANG": "C" },
            "password": "file:/etc/x",
            "passphrase": "ask",
            "source": "https://ada:hunter2@example.org/x",
            "nested": [{ "token": "hunter2" }, 1, true],
        }));
        let expected = json!({
            "command": ["a", "--password", HIDDEN],
            "env": { "RESTIC_PASSWORD": HIDDEN, "PIN_TOKEN": HIDDEN, "LANG": "C" },
            "password": "file:/etc/x",
            "passphrase": "ask",
            "source": "https://ada:****@example.org/x",
            "nested": [{ "token": HIDDEN }, 1, true],
        });
        assert_eq!(shown, expected);
        assert_eq!(masked_value(&shown), shown);
    }
}
