//! An item: its definition and the recipe that it is synchronized by.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value};
use syncmgr_handler::item::{Item, ItemId};
use syncmgr_handler::mask::{HIDDEN, masked_words};

use crate::arguments::{COMMAND, Definition, RECIPE};
use crate::catalogue::Catalogue;
use crate::operation::Work;
use crate::recipe::Recipe;
use crate::refused::Refused;
use crate::template::{Values, short_hash};

/// Where things are, apart from the items.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The user's recipes.
    pub recipes: PathBuf,
    /// The user's home, for `~`.
    pub home: Option<PathBuf>,
    /// The name of this machine, by which locks are recognised as ours; absent: unknown.
    pub host: Option<String>,
}

impl Surroundings {
    /// Those of this machine.
    #[must_use]
    pub fn here(recipes: PathBuf, home: Option<PathBuf>) -> Self {
        Self {
            recipes,
            home,
            host: host(),
        }
    }
}

#[cfg(unix)]
fn host() -> Option<String> {
    let name = rustix::system::uname().nodename().to_str().ok()?.to_owned();
    Some(name).filter(|name| !name.is_empty())
}

#[cfg(not(unix))]
fn host() -> Option<String> {
    let name = crate::start::inherited("COMPUTERNAME")?
        .into_string()
        .ok()?;
    Some(name).filter(|name| !name.is_empty())
}

/// An item with all that it takes to work on it.
#[derive(Debug, Clone)]
pub(crate) struct ToolItem {
    pub(crate) id: ItemId,
    pub(crate) recipe: Arc<Recipe>,
    pub(crate) like: Option<Arc<Recipe>>,
    pub(crate) definition: Definition,
    pub(crate) state: PathBuf,
    pub(crate) home: Option<PathBuf>,
    /// The version of its program, once that was looked at.
    pub(crate) version: OnceLock<String>,
}

/// The file that is there once a run ended well.
pub(crate) const GOOD: &str = "good";

/// What templates see beside the arguments.
pub(crate) struct ItemValues<'a>(pub(crate) &'a ToolItem);

impl Values for ItemValues<'_> {
    fn text(&self, name: &str) -> Option<String> {
        if let Some(text) = self.0.definition.text(name) {
            return Some(text);
        }
        match name {
            "version" => self.0.version.get().cloned(),
            "first" => Some(u8::from(!self.0.state.join(GOOD).exists()).to_string()),
            "item" => Some(self.0.id.as_str().to_owned()),
            "state" => Some(self.0.state.to_string_lossy().into_owned()),
            "home" => self
                .0
                .home
                .as_ref()
                .map(|home| home.to_string_lossy().into_owned()),
            "command_line" => {
                let words = self.0.definition.list(COMMAND);
                Some(shown_words(&masked_words(&words).0)).filter(|line| !line.is_empty())
            }
            "command_name" => Some(command_name(&self.0.definition.list(COMMAND))),
            _ => None,
        }
    }

    fn list(&self, name: &str) -> Vec<String> {
        let list = self.0.definition.list(name);
        if list.is_empty() {
            self.text(name)
                .into_iter()
                .filter(|text| !text.is_empty())
                .collect()
        } else {
            list
        }
    }
}

/// The words of a command as a person would type them.
pub(crate) fn shown_words(words: &[String]) -> String {
    let quoted = words.iter().map(|word| {
        // A mask needs no quotes.
        let bare = word.replace(HIDDEN, "x");
        match shlex::try_quote(&bare) {
            Ok(quoted) if quoted == bare => word.clone(),
            _ => shlex::try_quote(word).unwrap_or_default().into_owned(),
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

/// What a wrapped command is called: its program, or what a shell is told to start first.
fn command_name(words: &[String]) -> String {
    let base = |word: &str| word.rsplit(['/', '\\']).next().unwrap_or(word).to_owned();
    match words {
        [shell, option, line, ..] if option == "-c" && is_shell(&base(shell)) => line
            .split_whitespace()
            .next()
            .map_or_else(|| base(shell), base),
        [shell, script, ..] if is_shell(&base(shell)) && !script.starts_with('-') => {
            let name = base(script);
            name.split('.')
                .next()
                .filter(|stem| !stem.is_empty())
                .map_or(name.clone(), str::to_owned)
        }
        [program, ..] => base(program),
        [] => String::new(),
    }
}

/// Whether a program is a shell.
pub(crate) fn is_shell(name: &str) -> bool {
    matches!(
        name,
        "sh" | "bash" | "dash" | "zsh" | "ash" | "ksh" | "fish"
    )
}

impl ToolItem {
    /// Reads an item as it was stored.
    pub(crate) fn read(
        id: ItemId,
        stored: &Value,
        catalogue: &Catalogue,
        state_dir: &Path,
        surroundings: &Surroundings,
    ) -> Result<Self, Refused> {
        let empty = Map::new();
        let stored = stored.as_object().unwrap_or(&empty);
        let recipe = catalogue.get(recipe_of(stored)?)?.clone();
        let definition = Definition::read(&recipe, stored)?;
        let like = match &definition.settings.like {
            Some(id) => Some(catalogue.get(id)?.clone()),
            None => None,
        };
        let state = state_dir.join("items").join(short_hash(id.as_str()));
        Ok(Self {
            id,
            recipe,
            like,
            definition,
            state,
            home: surroundings.home.clone(),
            version: OnceLock::new(),
        })
    }

    pub(crate) fn work<'a>(&'a self, secrets: &'a BTreeMap<String, String>) -> Work<'a> {
        Work {
            recipe: &self.recipe,
            like: self.like.as_deref(),
            settings: &self.definition.settings,
            home: self.home.clone(),
            secrets,
        }
    }

    /// The item as it is listed.
    pub(crate) fn listed(&self, name: Option<String>) -> Item {
        let values = ItemValues(self);
        let shape = &self.recipe.item;
        let name = name
            .or_else(|| self.definition.name.clone())
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| shape.name.fill(&values))
            .trim()
            .to_owned();
        let name = if name.is_empty() {
            self.recipe.id.clone()
        } else {
            name
        };
        let mut lanes: Vec<String> = shape
            .lanes
            .iter()
            .map(|lane| lane.fill(&values).trim_end_matches('/').to_owned())
            .filter(|lane| !lane.is_empty())
            .collect();
        lanes.dedup();
        Item {
            comment: shape.comment.fill(&values),
            lanes,
            ..Item::new(self.id.clone(), name)
        }
    }
}

/// The recipe that a definition names.
pub(crate) fn recipe_of(stored: &Map<String, Value>) -> Result<&str, Refused> {
    stored.get(RECIPE).and_then(Value::as_str).ok_or_else(|| {
        Refused::new(
            "tools::definition",
            "it names no recipe",
            "write `recipe = \"…\"` in its definition; `syncmgr recipe list` shows them",
        )
    })
}

/// A shared item, or why it cannot be worked on.
pub(crate) type Held = Result<Arc<ToolItem>, Refused>;
