//! The words of `add`, and what becomes of them: a definition, which is kept in the configuration.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use crate::recipe::{Argument, ArgumentKind, Recipe};
use crate::refused::Refused;
use crate::settings::{NAMES, Settings};
use crate::template::{Values, short_hash};

/// Most words of a command line that is taken.
const WORDS_MAX: usize = 4096;
/// The key of a definition that names the recipe.
pub(crate) const RECIPE: &str = "recipe";
/// The key under which the manager hands over what the user calls it.
const NAME: &str = "name";
/// The list of the recipe `command` that is what a person wrapped.
pub(crate) const COMMAND: &str = "command";

/// An item as it was defined, checked against its recipe.
#[derive(Debug, Clone)]
pub(crate) struct Definition {
    /// What the user calls it.
    pub(crate) name: Option<String>,
    values: BTreeMap<String, Given>,
    /// What holds for items of any recipe.
    pub settings: Settings,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Given {
    One(String),
    Many(Vec<String>),
}

impl Values for Definition {
    fn text(&self, name: &str) -> Option<String> {
        if let Some(given) = self.values.get(name) {
            return Some(match given {
                Given::One(text) => text.clone(),
                Given::Many(texts) => texts.join(" "),
            });
        }
        // `{password.file}` of `file:/path`; `{password.reader}` is a command that prints it, of both.
        let (secret, part) = name.rsplit_once('.')?;
        let Given::One(reference) = self.values.get(secret)? else {
            return None;
        };
        let (kind, rest) = reference.split_once(':').unwrap_or((reference, ""));
        if part == "reader" {
            return match kind {
                "file" => Some(format!("cat -- {}", shlex::try_quote(rest).ok()?)),
                "command" => Some(rest.to_owned()),
                _ => None,
            };
        }
        (kind == part).then(|| {
            if rest.is_empty() {
                "1".to_owned()
            } else {
                rest.to_owned()
            }
        })
    }

    fn list(&self, name: &str) -> Vec<String> {
        match self.values.get(name) {
            Some(Given::Many(texts)) => texts.clone(),
            _ if name == "extra" => self.settings.extra.clone(),
            _ => self
                .text(name)
                .filter(|text| !text.is_empty())
                .into_iter()
                .collect(),
        }
    }
}

impl Definition {
    /// Reads what was stored.
    ///
    /// # Errors
    /// [`Refused`] says which key does not make sense.
    pub(crate) fn read(recipe: &Recipe, stored: &Map<String, Value>) -> Result<Self, Refused> {
        let mut settings = Map::new();
        let mut values = BTreeMap::new();
        let mut name = None;
        for (key, value) in stored {
            if key == RECIPE {
                continue;
            }
            if key == NAME {
                name = value.as_str().map(str::to_owned);
                continue;
            }
            match recipe
                .arguments
                .iter()
                .find(|argument| argument.name == *key)
            {
                Some(argument) => {
                    values.insert(key.clone(), given(argument, value)?);
                }
                None if NAMES.contains(&key.as_str()) => {
                    settings.insert(key.clone(), value.clone());
                }
                None => return Err(unknown(recipe, key)),
            }
        }
        for argument in &recipe.arguments {
            match (&argument.default, values.contains_key(&argument.name)) {
                (_, true) => {}
                (Some(default), false) => {
                    values.insert(
                        argument.name.clone(),
                        given(argument, &Value::String(default.clone()))?,
                    );
                }
                (None, false) if argument.required => return Err(missing(recipe, argument)),
                (None, false) => {}
            }
        }
        let settings: Settings =
            serde_json::from_value(Value::Object(settings)).map_err(|error| {
                Refused::new(
                    "tools::setting",
                    format!("a setting is not understood: {error}"),
                    format!("settings are: {}", NAMES.join(", ")),
                )
            })?;
        settings.check()?;
        Ok(Self {
            name,
            values,
            settings,
        })
    }

    /// The secrets that a person is asked for, by argument.
    pub(crate) fn asked_secrets<'r>(
        &self,
        recipe: &'r Recipe,
    ) -> impl Iterator<Item = &'r Argument> {
        recipe.arguments.iter().filter(|argument| {
            argument.kind == ArgumentKind::Secret
                && self.values.get(&argument.name) == Some(&Given::One("ask".to_owned()))
        })
    }

    /// What tells this item from others: the same words give the same for ever.
    pub(crate) fn identity(&self, recipe: &Recipe) -> String {
        let mut telling = String::new();
        for argument in recipe.arguments.iter().filter(|argument| !argument.setting) {
            for text in self.list(&argument.name) {
                telling.push_str(&argument.name);
                telling.push('\0');
                telling.push_str(&text);
                telling.push('\0');
            }
        }
        if let Some(directory) = &self.settings.directory {
            telling.push_str(&directory.to_string_lossy());
        }
        format!("{}-{}", recipe.id, short_hash(&telling))
    }
}

fn given(argument: &Argument, value: &Value) -> Result<Given, Refused> {
    let name = &argument.name;
    let wrong = |hint: String| {
        Refused::new(
            "tools::argument",
            format!("`{name}` is not understood"),
            hint,
        )
    };
    let text = match value {
        Value::Array(texts) if argument.kind.is_many() => {
            let texts: Option<Vec<String>> = texts
                .iter()
                .map(|text| text.as_str().map(str::to_owned))
                .collect();
            return texts
                .map(Given::Many)
                .ok_or_else(|| wrong("it is a list of texts".to_owned()));
        }
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(yes) => u8::from(*yes).to_string(),
        _ => return Err(wrong("it is a text".to_owned())),
    };
    if text.contains('\0') {
        return Err(wrong("it contains a NUL".to_owned()));
    }
    match argument.kind {
        ArgumentKind::List | ArgumentKind::Paths => return Ok(Given::Many(vec![text])),
        ArgumentKind::Choice if !argument.choices.contains(&text) => {
            return Err(wrong(format!(
                "it is one of {}",
                argument.choices.join(", ")
            )));
        }
        ArgumentKind::Number if text.parse::<u64>().is_err() => {
            return Err(wrong("it is a whole number".to_owned()));
        }
        ArgumentKind::Flag if !matches!(text.as_str(), "0" | "1" | "true" | "false") => {
            return Err(wrong("it is true or false".to_owned()));
        }
        ArgumentKind::Secret => {
            let known = text == "ask"
                || ["file:", "command:"]
                    .iter()
                    .any(|kind| text.strip_prefix(kind).is_some_and(|rest| !rest.is_empty()));
            if !known {
                // What was given may be the secret itself, so it is not repeated.
                return Err(Refused::new(
                    "tools::secret",
                    format!("`{name}` is not where a secret is, but something else"),
                    "secrets are never kept here: write file:PATH, command:COMMAND, or ask",
                ));
            }
        }
        _ => {}
    }
    Ok(Given::One(
        if text == "true" && argument.kind == ArgumentKind::Flag {
            "1".to_owned()
        } else {
            text
        },
    ))
}

fn unknown(recipe: &Recipe, key: &str) -> Refused {
    let known: Vec<&str> = recipe
        .arguments
        .iter()
        .map(|argument| argument.name.as_str())
        .chain(NAMES.iter().copied())
        .collect();
    Refused::new(
        "tools::argument",
        format!("{} knows no `{key}`", recipe.name),
        format!("it knows: {}", known.join(", ")),
    )
}

fn missing(recipe: &Recipe, argument: &Argument) -> Refused {
    Refused::new(
        "tools::argument",
        format!(
            "{} needs `{}`: {}",
            recipe.name, argument.name, argument.about
        ),
        format!("`syncmgr recipe show {}` shows what it takes", recipe.id),
    )
}

/// Makes a definition of the words after `add KIND`.
///
/// # Errors
/// [`Refused`] for a word that the recipe does not know, or one that is missing.
pub(crate) fn parse(
    recipe: &Recipe,
    words: &[String],
    cwd: &Path,
    home: Option<&Path>,
) -> Result<Map<String, Value>, Refused> {
    let shown = || format!("`syncmgr recipe show {}` shows what it takes", recipe.id);
    if words.len() > WORDS_MAX {
        return Err(Refused::new(
            "tools::argument",
            format!("there are more than {WORDS_MAX} words"),
            shown(),
        ));
    }
    let mut map = Map::new();
    map.insert(RECIPE.to_owned(), Value::String(recipe.id.clone()));
    let mut positional = recipe
        .arguments
        .iter()
        .filter(|argument| argument.positional);
    let mut list: Option<&Argument> = None;
    let mut words = words.iter();
    let mut only_positional = false;
    while let Some(word) = words.next() {
        if word == "--" && !only_positional {
            only_positional = true;
            continue;
        }
        let Some(option) = word.strip_prefix("--").filter(|_| !only_positional) else {
            let argument = match list {
                Some(argument) => argument,
                None => positional.next().ok_or_else(|| {
                    Refused::new(
                        "tools::argument",
                        format!("`{word}` is one word too many"),
                        shown(),
                    )
                })?,
            };
            let text = Value::String(local(argument.kind, word, cwd, home));
            if argument.kind.is_many() {
                list = Some(argument);
                push(&mut map, &argument.name, text);
            } else {
                map.insert(argument.name.clone(), text);
            }
            continue;
        };
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (option, None),
        };
        let (plain, yes) = match name.strip_prefix("no-") {
            Some(plain)
                if recipe
                    .arguments
                    .iter()
                    .any(|argument| argument.name == plain) =>
            {
                (plain, false)
            }
            _ => (name, true),
        };
        let key = plain.replace('-', "_");
        let argument = recipe
            .arguments
            .iter()
            .find(|argument| argument.name == plain || argument.name == key);
        let is_flag = argument.is_some_and(|argument| argument.kind == ArgumentKind::Flag)
            || key == "terminal";
        if argument.is_none() && !NAMES.contains(&key.as_str()) {
            return Err(unknown(recipe, plain));
        }
        let name = argument.map_or(key.as_str(), |argument| argument.name.as_str());
        if is_flag {
            let yes = value.map_or(yes, |value| !matches!(value.as_str(), "false" | "0" | "no"));
            map.insert(name.to_owned(), Value::Bool(yes));
            continue;
        }
        let value = match value {
            Some(value) => value,
            None => words.next().cloned().ok_or_else(|| {
                Refused::new(
                    "tools::argument",
                    format!("`--{plain}` needs a value"),
                    shown(),
                )
            })?,
        };
        match argument {
            Some(argument) if argument.kind.is_many() => {
                push(
                    &mut map,
                    name,
                    Value::String(local(argument.kind, &value, cwd, home)),
                );
            }
            Some(argument) => {
                map.insert(
                    name.to_owned(),
                    Value::String(local(argument.kind, &value, cwd, home)),
                );
            }
            None => setting(&mut map, name, &value, cwd, home)?,
        }
    }
    Ok(map)
}

fn push(map: &mut Map<String, Value>, name: &str, text: Value) {
    match map
        .entry(name.to_owned())
        .or_insert_with(|| Value::Array(Vec::new()))
    {
        Value::Array(texts) => texts.push(text),
        other => *other = Value::Array(vec![text]),
    }
}

/// A setting from a word: maps are given as `A=B`, lists word by word.
fn setting(
    map: &mut Map<String, Value>,
    name: &str,
    value: &str,
    cwd: &Path,
    home: Option<&Path>,
) -> Result<(), Refused> {
    let made = match name {
        "env" | "exit" => {
            let (key, value) = value.split_once('=').ok_or_else(|| {
                Refused::new(
                    "tools::setting",
                    format!("`--{name} {value}` has no `=`"),
                    "write it as NAME=VALUE",
                )
            })?;
            let Value::Object(pairs) = map
                .entry(name.to_owned())
                .or_insert_with(|| Value::Object(Map::new()))
            else {
                return Ok(());
            };
            for key in key.split(',') {
                pairs.insert(key.to_owned(), Value::String(value.to_owned()));
            }
            return Ok(());
        }
        "extra" => {
            push(map, name, Value::String(value.to_owned()));
            return Ok(());
        }
        "nice" | "hold_count" | "hold_percent" => {
            value.parse::<i64>().map(Value::from).map_err(|_| {
                Refused::new(
                    "tools::setting",
                    format!("`--{name} {value}` is no number"),
                    "write a whole number",
                )
            })?
        }
        "directory" => Value::String(local(ArgumentKind::Path, value, cwd, home)),
        _ => Value::String(value.to_owned()),
    };
    map.insert(name.to_owned(), made);
    Ok(())
}

/// Makes paths of this machine absolute, without touching them.
fn local(kind: ArgumentKind, text: &str, cwd: &Path, home: Option<&Path>) -> String {
    let elsewhere = |text: &str| {
        // `host:path` and `scheme://`; a colon after a separator belongs to a local name.
        text.split_once(':').is_some_and(|(before, _)| {
            before.len() > usize::from(cfg!(windows)) && !before.contains('/')
        })
    };
    match kind {
        ArgumentKind::Path | ArgumentKind::Paths => {}
        ArgumentKind::Place if !elsewhere(text) => {}
        ArgumentKind::Secret => {
            return match text.strip_prefix("file:") {
                Some(path) => format!("file:{}", local(ArgumentKind::Path, path, cwd, home)),
                None => text.to_owned(),
            };
        }
        _ => return text.to_owned(),
    }
    let expanded = match (text.strip_prefix('~'), home) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
            format!("{}{rest}", home.display())
        }
        _ => text.to_owned(),
    };
    let mut whole = std::path::PathBuf::new();
    for part in cwd.join(&expanded).components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                whole.pop();
            }
            part => whole.push(part),
        }
    }
    let mut made = whole.to_string_lossy().into_owned();
    // rsync and others tell `dir` and `dir/` apart.
    if expanded.len() > 1 && expanded.ends_with('/') {
        made.push('/');
    }
    made
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;

    #[test]
    fn every_path_of_a_list_is_made_absolute_and_places_elsewhere_stay() {
        let catalogue = Catalogue::load(Path::new("/nowhere"));
        let of = |recipe: &str, words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            let (cwd, home) = (Path::new("/some/where"), Path::new("/home/ada"));
            let recipe = catalogue.get(recipe).unwrap();
            parse(recipe, &words, cwd, Some(home)).unwrap()
        };
        for recipe in ["borg", "restic"] {
            let map = of(recipe, &["sftp:box:/backup", "src", "~/photos", "/etc"]);
            assert_eq!(map["repository"], "sftp:box:/backup", "{recipe}");
            let paths = serde_json::json!(["/some/where/src", "/home/ada/photos", "/etc"]);
            assert_eq!(map["path"], paths, "{recipe}");
        }
    }
}
