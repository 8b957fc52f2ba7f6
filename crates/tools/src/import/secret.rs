//! Secrets that stand in a command: they are told of and never shown.

use std::sync::LazyLock;

use regex::Regex;

/// What is shown in the place of a secret.
pub const HIDDEN: &str = "****";

/// A value: quoted, or up to the next blank.
const VALUE: &str = r#"(?:'[^']*'|"[^"]*"|[^\s'"]+)"#;

static PATTERNS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let word =
        r"(?:password|passwd|passphrase|secret|token|api[-_]?key|access[-_]?key|auth[-_]?key)";
    [
        // `--password x`, `--api-key=x`, `-password x`; not `--password-file x`.
        format!(r"(?i)(?P<keep>(?:^|[\s'])--?[a-z0-9-]*{word}(?:'?\s+|=))(?P<hide>{VALUE})"),
        // `RESTIC_PASSWORD=x`, `AWS_SECRET_ACCESS_KEY=x`; not `RESTIC_PASSWORD_FILE=x`.
        format!(r"(?i)(?P<keep>\b[a-z0-9_]*(?:password|passwd|passphrase|secret|token|api_?key|access_?key|mysql_pwd|pgpass|sshpass|pass)=)(?P<hide>{VALUE})"),
        // `https://user:secret@host`
        r"(?P<keep>://[^\s:/@']*:)(?P<hide>[^\s@/']+)(?P<after>@)".to_owned(),
        // `curl -u user:secret`
        r"(?P<keep>(?:^|\s)(?:-u|--user|--proxy-user)[\s=]'?[^\s:=']+:)(?P<hide>[^\s']+)".to_owned(),
        format!(r"(?P<keep>\bsshpass\s+-p\s*)(?P<hide>{VALUE})"),
        r"(?P<keep>\bmysql(?:dump)?\b[^|;]*\s-p)(?P<hide>[^\s]+)".to_owned(),
    ]
    .iter()
    .filter_map(|pattern| Regex::new(pattern).ok())
    .collect()
});

/// One of these is in whatever the patterns find, in any case.
const SIGNS: [&str; 8] = [
    "pass", "pwd", "secret", "token", "key", "://", "-u", "mysql",
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
            if hide.trim_matches('"').starts_with('$')
                || hide.trim_matches(['"', '\'']).is_empty()
                || hide == HIDDEN
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden() {
        assert_eq!(PATTERNS.len(), 6, "every pattern is one");
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
            "mysql -p < x",
        ] {
            assert_eq!(masked(line), (line.to_owned(), false));
        }
    }
}
