//! What a manager stores of a pair: the two paths and what can be set.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::fs::path_bytes;
use crate::guard::GuardLimits;
use crate::name::shown;
use crate::pair::{KEEP_VERSIONS, Settings};
use crate::policy::{Mode, Policy, Resolution};
use crate::rules::{PatternError, Rules};
use crate::tree::Side;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest time for which versions can be kept, about a thousand years.
const KEEP_DAYS_MAX: u64 = 365_000;
/// What a definition may hold beside the paths.
const SETTINGS: [&str; 9] = [
    "mode",
    "to",
    "conflicts",
    "only_newer",
    "ignore",
    "max_size",
    "keep_days",
    "hold_percent",
    "hold_count",
];
const MODES: [&str; 3] = ["two-way", "mirror", "backup"];
const SIDES: [&str; 2] = ["left", "right"];
const CONFLICTS: [&str; 5] = ["ask", "newer", "left", "right", "both"];
/// How many patterns a pair may have; more belong into the file of patterns.
const PATTERNS_MAX: usize = 1000;

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
    /// A setting is not one of its words.
    #[error("`{0}` is one of {words}", words = .1.join(", "))]
    Word(&'static str, &'static [&'static str]),
    /// A setting is neither true nor false.
    #[error("`{0}` is true or false")]
    Switch(&'static str),
    /// A setting is no size.
    #[error("`{0}` is a number of bytes, such as 500 MB, 10MiB or 1GiB")]
    Size(&'static str),
    /// A setting is no list of patterns.
    #[error("`ignore` is a list of at most {PATTERNS_MAX} patterns")]
    Patterns,
    /// A pattern means nothing.
    #[error(transparent)]
    Pattern(#[from] PatternError),
}

impl DefinitionError {
    /// Says what can be done.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoPath(_) => "name two folders".to_owned(),
            Self::Relative(_) => "name the folder from the root of the file system on".to_owned(),
            Self::Unknown(_)
            | Self::Number(..)
            | Self::Word(..)
            | Self::Switch(_)
            | Self::Size(_)
            | Self::Patterns => {
                format!("the settings are {}", SETTINGS.join(", "))
            }
            Self::Pattern(_) => "write it as in a .gitignore, such as *.tmp or /build/".to_owned(),
        }
    }
}

/// Two paths with what was set for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Definition {
    pub(crate) left: PathBuf,
    pub(crate) right: PathBuf,
    pub(crate) settings: Settings,
    /// The settings as they were given; nothing else is stored.
    set: Map<String, Value>,
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
                policy: policy(from)?,
                ignore: patterns(from)?,
                max_size: size(from)?,
                limits,
                keep,
                workers: None,
            },
            set: SETTINGS
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), from.get(*name)?.clone())))
                .collect(),
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
        let way = match self.settings.policy.mode {
            Mode::TwoWay => "↔",
            Mode::Mirror { to: Side::Right } => "⇒",
            Mode::Mirror { to: Side::Left } => "⇐",
            Mode::Backup { to: Side::Right } => "→",
            Mode::Backup { to: Side::Left } => "←",
        };
        format!(
            "{} {way} {}",
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

    /// Exchanges the two folders, and with them what is said of them.
    pub(crate) fn turn(&mut self) -> Result<(), DefinitionError> {
        std::mem::swap(&mut self.left, &mut self.right);
        if !self.set.contains_key("to") && self.settings.policy.mode != Mode::TwoWay {
            self.set.insert("to".to_owned(), "right".into());
        }
        for name in ["to", "conflicts"] {
            match self.set.get_mut(name) {
                Some(word) if word == "left" => *word = "right".into(),
                Some(word) if word == "right" => *word = "left".into(),
                _ => {}
            }
        }
        self.settings.policy = policy(&self.set)?;
        Ok(())
    }

    /// Takes over the settings of the same pair that this definition says nothing of.
    pub(crate) fn keep_settings(&mut self, of: &Self) -> Result<(), DefinitionError> {
        let mut all = of.set.clone();
        all.append(&mut self.set);
        self.change(&all)
    }

    /// Changes settings; null and an empty text are the usual value again.
    pub(crate) fn change(&mut self, values: &Map<String, Value>) -> Result<(), DefinitionError> {
        if let Some(unknown) = values
            .keys()
            .find(|name| !SETTINGS.contains(&name.as_str()))
        {
            return Err(DefinitionError::Unknown(shown(unknown.as_bytes())));
        }
        let Value::Object(mut all) = self.stored() else {
            return Ok(());
        };
        for (name, value) in values {
            if value.is_null() || value == "" {
                all.remove(name);
            } else {
                all.insert(name.clone(), value.clone());
            }
        }
        *self = Self {
            name: self.name.take(),
            ..Self::read(&all)?
        };
        Ok(())
    }

    /// The settings in force, and what each of them may be.
    pub(crate) fn sheet(&self) -> (Value, Map<String, Value>) {
        let usual = GuardLimits::default();
        let schema = json!({"type": "object", "properties": {
            "mode": {
                "title": "Mode", "enum": MODES, "default": MODES[0],
                "description": "two-way: changes go both ways; mirror: one side is made as the other; backup: one side gets everything and nothing is deleted there",
            },
            "to": {
                "title": "The side that is changed", "enum": SIDES, "default": SIDES[1],
                "description": "in mirror and backup",
            },
            "conflicts": {
                "title": "Conflicts", "enum": CONFLICTS, "default": CONFLICTS[0],
                "description": "who wins in two-way: what gives way is kept",
            },
            "only_newer": {
                "title": "Only newer files", "type": "boolean", "default": false,
                "description": "a file is replaced only by one that was modified later",
            },
            "ignore": {
                "title": "Ignore", "type": "array", "items": {"type": "string"}, "default": [],
                "description": "patterns as in a .gitignore, one a line",
            },
            "max_size": {
                "title": "Largest file", "type": "string",
                "description": "larger files are left alone, such as 1GiB",
            },
            "keep_days": {
                "title": "Days that versions are kept", "type": "integer", "minimum": 0, "maximum": KEEP_DAYS_MAX,
                "default": KEEP_VERSIONS.as_secs() / DAY.as_secs(),
            },
            "hold_percent": {
                "title": "Ask when more of a side is gone (per cent)", "type": "integer", "minimum": 0, "maximum": 100,
                "default": usual.share_percent,
            },
            "hold_count": {
                "title": "Ask when more entries are gone", "type": "integer", "minimum": 0, "default": usual.count,
            },
        }});
        let mut values = self.set.clone();
        for name in SETTINGS {
            let default = schema.pointer(&format!("/properties/{name}/default"));
            if let (false, Some(default)) = (values.contains_key(name), default) {
                values.insert(name.to_owned(), default.clone());
            }
        }
        (schema, values)
    }

    /// Returns what the manager is to store: the paths as given here, and the settings.
    pub(crate) fn stored(&self) -> Value {
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
        stored.extend(self.set.clone());
        stored.into()
    }
}

/// Reads one of the words of a setting, as its place among them.
fn word(
    from: &Map<String, Value>,
    name: &'static str,
    words: &'static [&'static str],
) -> Result<Option<usize>, DefinitionError> {
    match from.get(name) {
        None => Ok(None),
        Some(value) => words
            .iter()
            .position(|word| value == word)
            .map(Some)
            .ok_or(DefinitionError::Word(name, words)),
    }
}

fn policy(from: &Map<String, Value>) -> Result<Policy, DefinitionError> {
    let to = match word(from, "to", &SIDES)? {
        Some(0) => Side::Left,
        _ => Side::Right,
    };
    let mode = match word(from, "mode", &MODES)? {
        Some(1) => Mode::Mirror { to },
        Some(2) => Mode::Backup { to },
        _ => Mode::TwoWay,
    };
    let conflicts = match word(from, "conflicts", &CONFLICTS)? {
        Some(1) => Resolution::Newer,
        Some(2) => Resolution::Side(Side::Left),
        Some(3) => Resolution::Side(Side::Right),
        Some(4) => Resolution::Both,
        _ => Resolution::Ask,
    };
    let only_newer = match from.get("only_newer") {
        None => false,
        Some(Value::Bool(on)) => *on,
        Some(_) => return Err(DefinitionError::Switch("only_newer")),
    };
    Ok(Policy {
        mode,
        conflicts,
        only_newer,
    })
}

/// Reads the patterns: a list, or one that stands alone.
fn patterns(from: &Map<String, Value>) -> Result<Vec<String>, DefinitionError> {
    let patterns = match from.get("ignore") {
        None => return Ok(Vec::new()),
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(list)) if list.len() <= PATTERNS_MAX => list
            .iter()
            .map(|pattern| pattern.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or(DefinitionError::Patterns)?,
        Some(_) => return Err(DefinitionError::Patterns),
    };
    Rules::new(&patterns, None)?;
    Ok(patterns)
}

fn size(from: &Map<String, Value>) -> Result<Option<u64>, DefinitionError> {
    let wrong = DefinitionError::Size("max_size");
    match from.get("max_size") {
        None => Ok(None),
        Some(Value::String(text)) => parse_size::parse_size(text).map(Some).map_err(|_| wrong),
        Some(value) => value.as_u64().map(Some).ok_or(wrong),
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
        let paths = ["left", "right", "leftBytes", "rightBytes", "name"];
        let mut set = map(&from);
        set.retain(|name, _| !paths.contains(&name.as_str()));
        let wanted = wanted.map(|(left, right, settings)| Definition {
            left: left.into(),
            right: right.into(),
            settings,
            set,
            name: None,
        });
        assert_eq!(read, wanted);
        if let Ok(read) = read {
            let stored = read.stored();
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
            Ok(("/a", "/b", usual.clone())),
        );
        let set = Settings {
            policy: Policy::default(),
            ignore: Vec::new(),
            max_size: None,
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
    fn reads_modes_policies_and_rules() {
        let pair = |more: Value| {
            let mut from = map(&json!({"left": "/a", "right": "/b"}));
            from.extend(map(&more));
            Definition::read(&from)
        };
        let policy = |more| pair(more).map(|read| read.settings.policy);
        let usual = Policy::default();
        let mode = |mode| Ok(Policy { mode, ..usual });
        let (left, right) = (Side::Left, Side::Right);
        assert_eq!(policy(json!({})), Ok(usual));
        assert_eq!(
            policy(json!({"mode": "mirror"})),
            mode(Mode::Mirror { to: right })
        );
        assert_eq!(
            policy(json!({"mode": "backup", "to": "left"})),
            mode(Mode::Backup { to: left })
        );
        let conflicts = Resolution::Side(left);
        assert_eq!(
            policy(json!({"conflicts": "left"})),
            Ok(Policy { conflicts, ..usual })
        );
        assert_eq!(
            policy(json!({"only_newer": true})),
            Ok(Policy {
                only_newer: true,
                ..usual
            })
        );
        assert_eq!(
            policy(json!({"mode": "one-way"})),
            Err(DefinitionError::Word("mode", &MODES))
        );
        assert_eq!(
            policy(json!({"only_newer": "yes"})),
            Err(DefinitionError::Switch("only_newer"))
        );
        let size = |more| pair(more).map(|read| read.settings.max_size);
        assert_eq!(size(json!({"max_size": "1.5 MiB"})), Ok(Some(1_572_864)));
        assert_eq!(size(json!({"max_size": 7})), Ok(Some(7)));
        assert_eq!(
            size(json!({"max_size": "much"})),
            Err(DefinitionError::Size("max_size"))
        );
        let ignore = |more| pair(more).map(|read| read.settings.ignore);
        assert_eq!(ignore(json!({"ignore": "*.o"})), Ok(vec!["*.o".to_owned()]));
        assert_eq!(
            ignore(json!({"ignore": ["a", "b"]})),
            Ok(vec!["a".to_owned(), "b".to_owned()])
        );
        assert_eq!(
            ignore(json!({"ignore": [1]})),
            Err(DefinitionError::Patterns)
        );
        assert!(matches!(
            ignore(json!({"ignore": "a{"})),
            Err(DefinitionError::Pattern(_))
        ));
    }

    #[test]
    fn a_turned_pair_still_changes_the_same_folder() {
        let turned = |more: Value| {
            let mut from = map(&json!({"left": "/a", "right": "/b"}));
            from.extend(map(&more));
            let mut read = Definition::read(&from).unwrap();
            read.turn().unwrap();
            assert_eq!(Definition::read(&map(&read.stored())), Ok(read.clone()));
            (read.left.clone(), read.settings.policy)
        };
        let (left, policy) = turned(json!({"mode": "mirror"}));
        assert_eq!(
            (left, policy.mode),
            ("/b".into(), Mode::Mirror { to: Side::Left })
        );
        let (_, policy) = turned(json!({"mode": "backup", "to": "left"}));
        assert_eq!(policy.mode, Mode::Backup { to: Side::Right });
        let (_, policy) = turned(json!({"conflicts": "right"}));
        assert_eq!(policy.conflicts, Resolution::Side(Side::Left));
        assert_eq!(turned(json!({})).1, Policy::default());
    }

    #[test]
    fn settings_change_and_are_the_usual_ones_again() {
        let from = json!({"left": "/a", "right": "/b", "keep_days": 1, "mode": "mirror"});
        let mut read = Definition::read(&map(&from)).unwrap();
        let values = json!({"mode": null, "max_size": "", "ignore": ["*.o"]});
        read.change(&map(&values)).unwrap();
        assert_eq!(
            read.stored(),
            json!({"left": "/a", "right": "/b", "keep_days": 1, "ignore": ["*.o"]})
        );
        let before = read.clone();
        assert!(read.change(&map(&json!({"mode": "wrong"}))).is_err());
        assert!(read.change(&map(&json!({"left": "/c"}))).is_err());
        assert_eq!(read, before, "a change that is refused changes nothing");
        let (schema, values) = read.sheet();
        assert_eq!(values["keep_days"], 1);
        assert_eq!(values["mode"], "two-way");
        assert!(!values.contains_key("max_size"));
        assert_eq!(
            schema["properties"].as_object().map(Map::len),
            Some(SETTINGS.len())
        );
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
        assert_eq!(read.stored(), from);
        assert_eq!(read.comment(), "/a ↔ /a/\\xff");
    }
}
