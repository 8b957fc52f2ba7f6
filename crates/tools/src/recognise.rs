//! Which recipe knows a program, told from a command line.

use crate::import::shell::assignment;

/// Programs that run another one and are looked through, with those of their options that take a word of their own.
const WRAPPERS: &[(&str, &[&str], usize)] = &[
    (
        "sudo",
        &[
            "-u", "-g", "-h", "-p", "-C", "-T", "-U", "-D", "-R", "--user", "--group", "--chdir",
        ],
        0,
    ),
    ("doas", &["-u", "-C"], 0),
    ("nice", &["-n", "--adjustment"], 0),
    ("ionice", &["-c", "-n", "--class", "--classdata"], 0),
    ("chrt", &[], 1),
    ("timeout", &["-k", "-s", "--kill-after", "--signal"], 1),
    (
        "flock",
        &["-w", "-E", "--timeout", "--wait", "--conflict-exit-code"],
        1,
    ),
    ("env", &["-u", "-C", "--unset", "--chdir"], 0),
    ("time", &["-f", "-o"], 0),
    ("nohup", &[], 0),
    ("setsid", &[], 0),
    ("stdbuf", &["-i", "-o", "-e"], 0),
    ("chronic", &[], 0),
    ("cronic", &[], 0),
    ("exec", &[], 0),
    ("command", &[], 0),
    ("systemd-inhibit", &[], 0),
    ("sshpass", &["-p", "-f", "-d", "-P"], 0),
];

/// Most programs around a program.
const DEPTH: usize = 16;

/// The words of the program itself, without those that only run it. Empty when nothing is left.
#[must_use]
pub fn innermost(words: &[String]) -> &[String] {
    let mut rest = words;
    for _ in 0..DEPTH {
        while let Some((first, after)) = rest.split_first()
            && assignment(first).is_some()
        {
            rest = after;
        }
        let Some((program, after)) = rest.split_first() else {
            return rest;
        };
        let Some((_, with_value, own)) = WRAPPERS
            .iter()
            .find(|(name, ..)| *name == file_name(program))
        else {
            return rest;
        };
        rest = after;
        while let Some((option, after)) = rest.split_first()
            && option.starts_with('-')
            && option != "-"
        {
            rest = after;
            if option == "--" {
                break;
            }
            if with_value.contains(&option.as_str()) {
                rest = rest.get(1..).unwrap_or_default();
            }
        }
        while let Some((first, after)) = rest.split_first()
            && assignment(first).is_some()
        {
            rest = after;
        }
        rest = rest.get(*own..).unwrap_or_default();
    }
    rest
}

/// The recipe that knows the program of a command line, out of pairs of a program's name and a recipe's.
#[must_use]
pub fn recognise<'a>(words: &[String], programs: &'a [(String, String)]) -> Option<&'a str> {
    let program = file_name(innermost(words).first()?);
    let program = program.strip_suffix(".exe").unwrap_or(program);
    programs
        .iter()
        .find(|(name, _)| name == program)
        .map(|(_, recipe)| recipe.as_str())
}

/// The last part of a path.
#[must_use]
pub fn file_name(path: &str) -> &str {
    path.trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or(path)
}

/// What a command that deletes on its target says to make it do so; absent when it is not known to.
#[must_use]
pub fn deletes(words: &[String]) -> Option<String> {
    let inner = innermost(words);
    let (program, rest) = inner.split_first()?;
    let program = file_name(program);
    let has = |fits: &dyn Fn(&str) -> bool| rest.iter().find(|word| fits(word)).cloned();
    let word = |wanted: &str| rest.iter().any(|word| word == wanted);
    match program {
        "rsync" => has(&|word| {
            word.starts_with("--delete") || word == "--del" || word == "--remove-source-files"
        }),
        "rclone" => has(&|word| matches!(word, "sync" | "bisync" | "move" | "delete" | "purge")),
        "restic" => has(&|word| matches!(word, "forget" | "prune")),
        "borg" | "borgmatic" | "duplicity" => {
            has(&|word| matches!(word, "prune" | "delete") || word.starts_with("remove-"))
        }
        "lftp" | "mc" | "s3cmd" | "s5cmd" | "aws" | "gsutil" | "gcloud" => has(&|word| {
            word.contains("--delete")
                || word == "--remove"
                || word == "-d"
                || word.contains("mirror -")
        }),
        "unison" if word("-batch") => Some("-batch".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_program_is_found_behind_those_that_run_it() {
        for (line, wanted) in [
            ("rsync -a x y", "rsync"),
            ("/usr/bin/rsync x", "rsync"),
            ("sudo -n -u root /usr/bin/restic backup", "restic"),
            ("nice -n 19 ionice -c3 rsync x", "rsync"),
            ("nice -19 ionice -c 2 -n 7 rsync x", "rsync"),
            ("timeout -k 5 1h rclone sync a b", "rclone"),
            ("flock -n /tmp/lock rsync x", "rsync"),
            ("env -u X A=b C=d rsync x", "rsync"),
            ("A=b rsync x", "rsync"),
            ("sudo -- rsync x", "rsync"),
            ("chronic exec rsync", "rsync"),
            ("sshpass -p x rsync a b", "rsync"),
        ] {
            let programs = [(wanted.to_owned(), format!("recipe of {wanted}"))];
            let found = recognise(&words(line), &programs).map(str::to_owned);
            assert_eq!(found, Some(format!("recipe of {wanted}")), "{line}");
        }
        let programs = [("rsync".to_owned(), "rsync".to_owned())];
        for line in [
            "rsnapshot rsync",
            "sh -c rsync",
            "flock rsync",
            "sudo",
            "sudo -u rsync",
            "A=b",
        ] {
            assert_eq!(recognise(&words(line), &programs), None, "{line}");
        }
        assert!(
            innermost(&vec!["nice".to_owned(); 100]).len() > 1,
            "bounded"
        );
        assert_eq!(recognise(&[], &programs), None);
    }

    #[test]
    fn what_deletes_is_known() {
        for line in [
            "rsync -a --delete x y",
            "nice rsync -a --delete-after x y",
            "rclone sync x y",
            "restic forget --prune",
            "unison -batch x",
            "aws s3 sync --delete x y",
        ] {
            assert!(deletes(&words(line)).is_some(), "{line}");
        }
        for line in [
            "rsync -a x y",
            "rclone copy x y",
            "restic backup",
            "unison x",
            "delete",
        ] {
            assert_eq!(deletes(&words(line)), None, "{line}");
        }
    }
}
