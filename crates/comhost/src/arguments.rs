//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use syncmgr_com::GUID;
use syncmgr_com::guid::parse;

use crate::com_activate::Source;

/// How long a handler may take to end unless the command line says otherwise; less than the host gives us.
const GRACE: Duration = Duration::from_secs(25);

/// Longest grace that can be asked for.
const MAX_GRACE_S: u64 = 3600;

pub(crate) const HELP: &str = "\
Hosts one COM handler in a process of its own and speaks the handler contract for it on standard input and output.
The manager starts it; people need it to look into a library.

Usage: comhost --library PATH CLSID   the class of this library
       comhost CLSID                  the class as Windows has it registered
       comhost --list PATH            the classes that this library names, as JSON

Options:
      --grace SECONDS   how long the handler may take to end when it is released [default: 25]
      --help            this text
      --version         the version

Examples:
  comhost --list ./libnotes.so
  comhost --library ./libnotes.so {6295DF2B-35EE-11D1-8707-00C04FD93327}

Exit codes: 0 ended as asked, 1 the handler could not be used, 2 wrong command line, 3 the handler did not end.
";

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Help,
    Version,
    List(PathBuf),
    Serve {
        source: Source,
        class: GUID,
        grace: Duration,
    },
}

/// Reads the command line; an error is told as it is.
pub(crate) fn read(words: impl IntoIterator<Item = OsString>) -> Result<Wish, String> {
    let mut words = words.into_iter();
    let mut library = None;
    let mut class = None;
    let mut list = None;
    let mut grace = GRACE;
    while let Some(word) = words.next() {
        let mut value = |name: &str| {
            let value = words.next();
            value.ok_or_else(|| format!("{name} needs a value"))
        };
        match word.to_str() {
            Some("--help" | "-h") => return Ok(Wish::Help),
            Some("--version" | "-V") => return Ok(Wish::Version),
            Some("--library") => library = Some(PathBuf::from(value("--library")?)),
            Some("--list") => list = Some(PathBuf::from(value("--list")?)),
            Some("--grace") => grace = seconds(&value("--grace")?)?,
            Some(text) if !text.starts_with('-') && class.is_none() => {
                let told = parse(text);
                class = Some(told.ok_or_else(|| format!("{text:?} is no CLSID"))?);
            }
            _ => return Err(format!("{word:?} was not expected")),
        }
    }
    match (list, class, library) {
        (Some(path), None, None) => Ok(Wish::List(path)),
        (None, Some(class), library) => Ok(Wish::Serve {
            source: library.map_or(Source::Registry, Source::Library),
            class,
            grace,
        }),
        (Some(_), _, _) => Err("--list takes nothing beside its library".to_owned()),
        (None, None, _) => Err("no CLSID is given".to_owned()),
    }
}

fn seconds(text: &OsString) -> Result<Duration, String> {
    let number = text.to_str().and_then(|text| text.parse::<u64>().ok());
    match number {
        Some(number) if number <= MAX_GRACE_S => Ok(Duration::from_secs(number)),
        _ => Err(format!("--grace takes 0 to {MAX_GRACE_S} seconds")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(words: &str) -> Result<Wish, String> {
        read(words.split_whitespace().map(OsString::from))
    }

    #[test]
    fn a_library_and_a_class_or_a_class_alone() {
        let id = "{6295DF2B-35EE-11D1-8707-00C04FD93327}";
        let class = parse(id).unwrap();
        assert_eq!(
            told(&format!("--library a.so {id}")),
            Ok(Wish::Serve {
                source: Source::Library("a.so".into()),
                class,
                grace: GRACE
            })
        );
        assert_eq!(
            told(&format!("{id} --grace 0")),
            Ok(Wish::Serve {
                source: Source::Registry,
                class,
                grace: Duration::ZERO
            })
        );
        assert_eq!(told("--list a.so"), Ok(Wish::List("a.so".into())));
        assert_eq!(told("--help nonsense"), Ok(Wish::Help));
    }

    #[test]
    fn anything_else_is_refused_in_plain_words() {
        let id = "{6295DF2B-35EE-11D1-8707-00C04FD93327}";
        for (words, refusal) in [
            (String::new(), "no CLSID is given"),
            ("--library a.so".into(), "no CLSID is given"),
            ("--library".into(), "--library needs a value"),
            ("{6295}".into(), "\"{6295}\" is no CLSID"),
            (format!("{id} {id}"), "was not expected"),
            (format!("--list a.so {id}"), "--list takes nothing"),
            (format!("{id} --grace -1"), "--grace takes 0 to 3600"),
        ] {
            let error = told(&words).unwrap_err();
            assert!(error.contains(refusal), "{words}: {error}");
        }
    }
}
