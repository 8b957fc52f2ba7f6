//! What a manager stores of a pair: the two paths and what can be set.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::fs::path_bytes;
use crate::guard::GuardLimits;
use crate::name::shown;
use crate::pair::{KEEP_VERSIONS, Settings};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest time for which versions can be kept, about a thousand years.
const KEEP_DAYS_MAX: u64 = 365_000;
/// What a definition may hold beside the paths.
const SETTINGS: [&str; 3] = ["keep_days", "hold_percent", "hold_count"];

/// Why a definition is not one of a folder pair.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum DefinitionError {
    /// One of the paths is missing or no text.
    #[error("the {0} folder is not named")]
    NoPath(&'static str),
    /// A path does not begin at the root of the file system.
    #[error("the path of the {0} folder is not absolute")]
    Relative(&'static str),
    /// A setting is unknown.
    #[error("`{0}` is no setting of a folder pair")]
    Unknown(String),
    /// A setting has a value that it cannot have.
    #[error("`{0}` is a whole number of at most {1}")]
    Number(&'static str, u64),
}

impl DefinitionError {
    /// Says what can be done.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoPath(_) => "name two folders".to_owned(),
            Self::Relative(_) => "name the folder from the root of the file system on".to_owned(),
            Self::Unknown(_) | Self::Number(..) => {
                format!("the settings are {}", SETTINGS.join(", "))
            }
        }
    }
}

/// Two paths with what was set for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Definition {
    pub(crate) left: PathBuf,
    pub(crate) right: PathBuf,
    pub(crate) settings: Settings,
    /// What the user calls the pair; the manager hands it over with what it stored.
    name: Option<String>,
}

impl Definition {
    pub(crate) fn read(from: &Map<String, Value>) -> Result<Self, DefinitionError> {
        let known = |name: &String| {
            SETTINGS.contains(&name.as_str())
                || ["left", "leftBytes", "right", "rightBytes", "name"].contains(&name.as_str())
        };
        if let Some(unknown) = from.keys().find(|name| !known(name)) {
            return Err(DefinitionError::Unknown(shown(unknown.as_bytes())));
        }
        let number = |name: &'static str, most: u64| match from.get(name) {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(number) if number <= most => Ok(Some(number)),
                _ => Err(DefinitionError::Number(name, most)),
            },
        };
        let usual = GuardLimits::default();
        let share = number("hold_percent", 100)?.and_then(|share| u8::try_from(share).ok());
        let limits = GuardLimits {
            share_percent: share.unwrap_or(usual.share_percent),
            count: number("hold_count", u64::MAX)?.unwrap_or(usual.count),
        };
        let keep = number("keep_days", KEEP_DAYS_MAX)?;
        let keep = keep
            .and_then(|days| u32::try_from(days).ok())
            .map_or(KEEP_VERSIONS, |days| DAY * days);
        Ok(Self {
            left: path(from, "left", "leftBytes")?,
            right: path(from, "right", "rightBytes")?,
            settings: Settings {
                limits,
                keep,
                workers: None,
            },
            name: from
                .get("name")
                .and_then(Value::as_str)
                .filter(|name| !name.is_empty())
                .map(str::to_owned),
        })
    }

    /// Names the pair by its paths, so that the same two folders are always the same pair.
    pub(crate) fn id(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for path in [&self.left, &self.right] {
            let bytes = path_bytes(path);
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        }
        hasher
            .finalize()
            .to_hex()
            .as_str()
            .get(..16)
            .unwrap_or_default()
            .to_owned()
    }

    /// Describes the pair in one line.
    pub(crate) fn comment(&self) -> String {
        format!(
            "{} ↔ {}",
            shown(path_bytes(&self.left)),
            shown(path_bytes(&self.right))
        )
    }

    /// Names the pair for people.
    pub(crate) fn name(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let last = self
            .left
            .file_name()
            .map(|name| shown(name.as_encoded_bytes()));
        last.unwrap_or_else(|| shown(path_bytes(&self.left)))
    }

    /// Returns what the manager is to store: the paths as given here, and the settings of `from`.
    pub(crate) fn stored(&self, from: &Map<String, Value>) -> Value {
        let mut stored = Map::new();
        for (name, bytes_name, path) in [
            ("left", "leftBytes", &self.left),
            ("right", "rightBytes", &self.right),
        ] {
            match path.to_str() {
                Some(text) => stored.insert(name.to_owned(), text.into()),
                None => stored.insert(
                    bytes_name.to_owned(),
                    STANDARD.encode(path_bytes(path)).into(),
                ),
            };
        }
        for name in SETTINGS {
            if let Some(value) = from.get(name) {
                stored.insert(name.to_owned(), value.clone());
            }
        }
        stored.into()
    }
}

fn path(
    from: &Map<String, Value>,
    name: &'static str,
    bytes_name: &str,
) -> Result<PathBuf, DefinitionError> {
    let path = match (from.get(name), from.get(bytes_name)) {
        (Some(Value::String(text)), None) if !text.is_empty() => PathBuf::from(text),
        (None, Some(Value::String(text))) => {
            let bytes = STANDARD
                .decode(text)
                .map_err(|_| DefinitionError::NoPath(name))?;
            crate::fs::path_from_bytes(bytes).ok_or(DefinitionError::NoPath(name))?
        }
        _ => return Err(DefinitionError::NoPath(name)),
    };
    if !Path::is_absolute(&path) {
        return Err(DefinitionError::Relative(name));
    }
    Ok(path)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[track_caller]
    fn check(from: Value, wanted: Result<(&str, &str, Settings), DefinitionError>) {
        let read = Definition::read(&map(&from));
        let wanted = wanted.map(|(left, right, settings)| Definition {
            left: left.into(),
            right: right.into(),
            settings,
            name: None,
        });
        assert_eq!(read, wanted);
        if let Ok(read) = read {
            let stored = read.stored(&map(&from));
            assert_eq!(
                Definition::read(&map(&stored)),
                Ok(read),
                "what is stored reads back"
            );
        }
    }

    #[test]
    fn reads_paths_and_settings() {
        let usual = Settings::default();
        check(
            json!({"left": "/a", "right": "/b"}),
            Ok(("/a", "/b", usual)),
        );
        let set = Settings {
            limits: GuardLimits {
                share_percent: 50,
                count: 3,
            },
            keep: DAY,
            workers: None,
        };
        let all = json!({"left": "/a", "right": "/b", "keep_days": 1, "hold_percent": 50, "hold_count": 3});
        check(all, Ok(("/a", "/b", set)));
        check(json!({"left": "/a"}), Err(DefinitionError::NoPath("right")));
        check(
            json!({"left": 1, "right": "/b"}),
            Err(DefinitionError::NoPath("left")),
        );
        check(
            json!({"left": "a", "right": "/b"}),
            Err(DefinitionError::Relative("left")),
        );
        check(
            json!({"left": "/a", "rightBytes": "?"}),
            Err(DefinitionError::NoPath("right")),
        );
        check(
            json!({"left": "/a", "right": "/b", "speed": 1}),
            Err(DefinitionError::Unknown("speed".into())),
        );
        let share = json!({"left": "/a", "right": "/b", "hold_percent": 101});
        check(share, Err(DefinitionError::Number("hold_percent", 100)));
    }

    #[test]
    fn the_name_that_the_user_gave_is_kept() {
        let named = |name: &str| {
            let from = json!({"left": "/a/notes", "right": "/b", "name": name});
            Definition::read(&map(&from)).unwrap().name()
        };
        assert_eq!(named("my notes"), "my notes");
        assert_eq!(named(""), "notes");
    }

    #[test]
    fn a_path_that_is_no_text_comes_as_bytes() {
        let from = json!({"left": "/a", "rightBytes": "L2Ev/w=="});
        let read = Definition::read(&map(&from)).unwrap();
        assert_eq!(path_bytes(&read.right), b"/a/\xff");
        assert_eq!(read.stored(&Map::new()), from);
        assert_eq!(read.comment(), "/a ↔ /a/\\xff");
    }
}
