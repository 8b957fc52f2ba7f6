//! What the words after `sync` and `plan` mean: names, or two paths.

use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

use base64::Engine as _;
use serde_json::{Map, Value};
use syncmgr_control::Refusal;

/// What is to be synchronized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// Items, handlers or labels; everything checked when empty.
    Names(Vec<String>),
    /// Two absolute paths.
    Pair(PathBuf, PathBuf),
}

/// Where relative paths and `~` begin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) directory: &'a Path,
    pub(crate) home: Option<&'a Path>,
}

/// Why words make no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TargetError {
    #[error("a name and a path were given together")]
    Mixed,
    #[error("{0} is one path; two make a pair")]
    OnePath(String),
    #[error("{0} paths were given; two make a pair")]
    TooManyPaths(usize),
    #[error("the name {0} is not valid text")]
    NameNotText(String),
    #[error("an empty word is neither a name nor a path")]
    Empty,
    #[error("your home directory, which ~ stands for, is not known")]
    NoHome,
    #[error("{0} is another user's home directory, which is not looked up")]
    OtherHome(String),
}

impl TargetError {
    fn hint(&self, command: &str) -> String {
        match self {
            Self::Mixed | Self::TooManyPaths(_) => format!(
                "give names only, or exactly two paths: syncmgr {command} LEFT RIGHT; a path has a separator or begins \
                 with . or ~"
            ),
            Self::OnePath(_) => format!(
                "give the other folder too: syncmgr {command} LEFT RIGHT; to name an item, leave out the separator"
            ),
            Self::NameNotText(_) | Self::Empty => {
                "the names are listed by: syncmgr list".to_owned()
            }
            Self::NoHome | Self::OtherHome(_) => "write the whole path".to_owned(),
        }
    }

    /// The refusal of a command that was given such words.
    pub(crate) fn refusal(&self, command: &str) -> Refusal {
        Refusal::new("cli::target", self.to_string(), self.hint(command))
    }
}

/// Tells whether a word is a path: it contains a separator, or begins with `.` or `~`.
pub(crate) fn is_path(word: &OsStr) -> bool {
    let bytes = word.as_encoded_bytes();
    matches!(bytes.first(), Some(b'.' | b'~'))
        || bytes
            .iter()
            .any(|&byte| std::path::is_separator(char::from(byte)))
        || Path::new(word).is_absolute()
}

/// Tells whether a word is an item's name behind that of its handler, `mail/inbox`, as far as it can be told from a path.
fn is_full_name(word: &str) -> bool {
    word.split_once('/').is_some_and(|(handler, item)| {
        !handler.is_empty()
            && !handler.starts_with(['.', '~'])
            && !item.is_empty()
            && !item.contains('/')
    })
}

/// Decides what the words mean.
pub(crate) fn target(words: &[OsString], origin: Origin<'_>) -> Result<Target, TargetError> {
    if words.iter().any(|word| word.is_empty()) {
        return Err(TargetError::Empty);
    }
    let paths = words.iter().filter(|word| is_path(word)).count();
    match (words, paths) {
        (_, 0) => words
            .iter()
            .map(|word| {
                word.to_str()
                    .map(str::to_owned)
                    .ok_or_else(|| TargetError::NameNotText(word.to_string_lossy().into_owned()))
            })
            .collect::<Result<_, _>>()
            .map(Target::Names),
        ([left, right], 2) => Ok(Target::Pair(
            absolute(left, origin)?,
            absolute(right, origin)?,
        )),
        ([one], 1) => match one.to_str() {
            // One path alone is nothing, so this is an item that is named with its handler.
            Some(name) if is_full_name(name) => Ok(Target::Names(vec![name.to_owned()])),
            Some(_) | None => Err(TargetError::OnePath(one.to_string_lossy().into_owned())),
        },
        (_, count) if count == words.len() => Err(TargetError::TooManyPaths(count)),
        _ => Err(TargetError::Mixed),
    }
}

/// The absolute path that a word names. Nothing is looked up: `..` stays, because what it means depends on links.
pub(crate) fn absolute(word: &OsStr, origin: Origin<'_>) -> Result<PathBuf, TargetError> {
    if word.is_empty() {
        return Err(TargetError::Empty);
    }
    let path = Path::new(word);
    let mut components = path.components();
    let first = match components.next() {
        Some(Component::Normal(first)) if first.as_encoded_bytes().starts_with(b"~") => first,
        _ => return Ok(tidy(&origin.directory.join(path))),
    };
    if first == OsStr::new("~") {
        let home = origin.home.ok_or(TargetError::NoHome)?;
        return Ok(tidy(
            &origin.directory.join(home).join(components.as_path()),
        ));
    }
    // A file may well be called `~draft`: only the shell's way to name a home directory at the very start is refused.
    Err(TargetError::OtherHome(first.to_string_lossy().into_owned()))
}

/// The path without `.` and doubled or trailing separators.
fn tidy(path: &Path) -> PathBuf {
    path.components().collect()
}

/// The arguments of the folder handler for these two paths. A path that is not valid text goes as `leftBytes` or
/// `rightBytes`, its bytes in base64, so that no path is out of reach.
pub(crate) fn folder_arguments(left: &Path, right: &Path) -> Map<String, Value> {
    let mut arguments = Map::new();
    for (name, path) in [("left", left), ("right", right)] {
        match path.to_str() {
            Some(text) => arguments.insert(name.to_owned(), Value::from(text)),
            None => arguments.insert(
                format!("{name}Bytes"),
                Value::from(
                    base64::engine::general_purpose::STANDARD
                        .encode(path.as_os_str().as_encoded_bytes()),
                ),
            ),
        };
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &[&str], expected: Result<Target, TargetError>) {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let origin = Origin {
            directory: Path::new("/work here"),
            home: Some(Path::new("/home/ada")),
        };
        assert_eq!(target(&words, origin), expected, "{words:?}");
    }

    fn names(names: &[&str]) -> Result<Target, TargetError> {
        Ok(Target::Names(
            names.iter().map(|&name| name.to_owned()).collect(),
        ))
    }

    fn pair(left: &str, right: &str) -> Result<Target, TargetError> {
        Ok(Target::Pair(left.into(), right.into()))
    }

    #[test]
    fn words_are_names_or_a_pair() {
        check(&[], names(&[]));
        check(&["notes"], names(&["notes"]));
        check(&["a", "b", "c"], names(&["a", "b", "c"]));
        check(&["notes.old", "x~"], names(&["notes.old", "x~"]));
        check(&["./a", "b/"], pair("/work here/./a", "/work here/b"));
        check(&[".", ".."], pair("/work here", "/work here/.."));
        check(&["/a//b/./c/", "~"], pair("/a/b/c", "/home/ada"));
        check(&["~/a/../b", "/x"], pair("/home/ada/a/../b", "/x"));
        check(
            &["./~draft", "./ "],
            pair("/work here/~draft", "/work here/ "),
        );
        check(&["./a"], Err(TargetError::OnePath("./a".into())));
        check(&["./a", "b"], Err(TargetError::Mixed));
        check(&["a", "b", "./c"], Err(TargetError::Mixed));
        check(&["./a", "./b", "./c"], Err(TargetError::TooManyPaths(3)));
        check(
            &["~bob/x", "./a"],
            Err(TargetError::OtherHome("~bob".into())),
        );
        check(&[""], Err(TargetError::Empty));
        check(&["", "./a"], Err(TargetError::Empty));
    }

    #[test]
    fn a_home_that_is_not_known_is_told() {
        let origin = Origin {
            directory: Path::new("/"),
            home: None,
        };
        assert_eq!(
            absolute(OsStr::new("~/x"), origin),
            Err(TargetError::NoHome)
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_not_text_travels_as_bytes() {
        use std::os::unix::ffi::OsStrExt as _;
        let odd = Path::new(OsStr::from_bytes(b"/a/\xff"));
        let arguments = folder_arguments(Path::new("/ü"), odd);
        assert_eq!(
            Value::Object(arguments),
            serde_json::json!({"left": "/ü", "rightBytes": "L2Ev/w=="})
        );
        let words = [OsString::from("./a"), odd.as_os_str().to_owned()];
        let origin = Origin {
            directory: Path::new("/"),
            home: None,
        };
        assert_eq!(
            target(&words, origin),
            Ok(Target::Pair("/a".into(), odd.into()))
        );
        let name = [OsStr::from_bytes(b"\xff").to_owned()];
        assert!(matches!(
            target(&name, origin),
            Err(TargetError::NameNotText(_))
        ));
    }
}
