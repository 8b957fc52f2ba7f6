//! All recipes: those that come with the program, and the user's own.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use serde::Deserialize;

use crate::pattern::known_good;
use crate::recipe::{FORMAT, Recipe};
use crate::refused::Refused;

/// The longest recipe that is read, in bytes.
const RECIPE_BYTES_MAX: u64 = 1 << 20;
/// Most recipes of a user.
const RECIPES_MAX: usize = 1000;

/// The recipes that come with the program.
const BUILT_IN: &[(&str, &str)] = &[
    ("borg", include_str!("../recipes/borg.toml")),
    ("command", include_str!("../recipes/command.toml")),
    ("copies", include_str!("../recipes/copies.toml")),
    ("git", include_str!("../recipes/git.toml")),
    ("mbsync", include_str!("../recipes/mbsync.toml")),
    ("rclone", include_str!("../recipes/rclone.toml")),
    ("rdiff-backup", include_str!("../recipes/rdiff-backup.toml")),
    ("restic", include_str!("../recipes/restic.toml")),
    ("rsync", include_str!("../recipes/rsync.toml")),
    ("unison", include_str!("../recipes/unison.toml")),
    ("vdirsyncer", include_str!("../recipes/vdirsyncer.toml")),
];

/// A recipe of the user's that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Its file.
    pub file: PathBuf,
    /// What is wrong, with the line.
    pub text: String,
}

/// All recipes. Each is read when somebody asks for it: a run of one item needs one or two of them.
#[derive(Debug, Default)]
pub struct Catalogue {
    /// The built-in ones first; what comes later is taken before what it is called like.
    shelf: Vec<Shelved>,
}

/// A recipe that may not be read yet.
#[derive(Debug)]
struct Shelved {
    /// The `id` that it names, unless not even that can be read.
    id: String,
    text: Cow<'static, str>,
    /// Absent: it comes with the program.
    file: Option<PathBuf>,
    known: OnceLock<Result<Known, Broken>>,
}

/// A recipe and where it is from.
#[derive(Debug)]
pub struct Known {
    /// The recipe.
    pub recipe: Arc<Recipe>,
    /// Its file; absent: it comes with the program.
    pub file: Option<PathBuf>,
}

impl Shelved {
    fn built_in(id: &str, text: &'static str) -> Self {
        Self {
            id: id.to_owned(),
            text: Cow::Borrowed(text),
            file: None,
            known: OnceLock::new(),
        }
    }

    /// One of the user's: of it only its `id` is read now.
    fn of_user(file: PathBuf) -> Self {
        #[derive(Deserialize)]
        struct Head {
            id: String,
        }
        let (id, text, known) = match text_of(&file) {
            Ok(text) => {
                let head = toml::from_str::<Head>(&text);
                (head.map(|head| head.id).ok(), text, OnceLock::new())
            }
            Err(why) => {
                let broken = Broken {
                    file: file.clone(),
                    text: why,
                };
                (None, String::new(), OnceLock::from(Err(broken)))
            }
        };
        Self {
            id: id.unwrap_or_default(),
            text: Cow::Owned(text),
            file: Some(file),
            known,
        }
    }

    fn known(&self) -> Result<&Known, &Broken> {
        let known = self.known.get_or_init(|| {
            let recipe = match &self.file {
                None => known_good(|| read(&self.text)),
                Some(_) => read(&self.text),
            };
            match recipe {
                Ok(recipe) => Ok(Known {
                    recipe: Arc::new(recipe),
                    file: self.file.clone(),
                }),
                Err(text) => Err(Broken {
                    file: self
                        .file
                        .clone()
                        .unwrap_or_else(|| PathBuf::from(format!("{}.toml", self.id))),
                    text,
                }),
            }
        });
        known.as_ref()
    }
}

/// Reads a recipe.
///
/// # Errors
/// What is wrong with it, with its line.
pub(crate) fn read(text: &str) -> Result<Recipe, String> {
    let recipe: Recipe =
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
    if recipe.recipe != FORMAT {
        return Err(format!(
            "it is of format {}, and only {FORMAT} is understood",
            recipe.recipe
        ));
    }
    let good = |id: &str| {
        !id.is_empty()
            && id.len() <= 32
            && id
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    if !good(&recipe.id) {
        return Err("its `id` has 1 to 32 lowercase letters, digits or `-`".to_owned());
    }
    if recipe.run.is_empty() {
        return Err("it has no `[[run]]`".to_owned());
    }
    Ok(recipe)
}

impl Catalogue {
    /// Finds all recipes; a user's recipe takes the place of a built-in one of the same `id`.
    #[must_use]
    pub fn load(folder: &Path) -> Self {
        let mut shelf: Vec<Shelved> = BUILT_IN
            .iter()
            .map(|(id, text)| Shelved::built_in(id, text))
            .collect();
        let Ok(entries) = std::fs::read_dir(folder) else {
            return Self { shelf };
        };
        let mut files: Vec<PathBuf> = entries
            .take(RECIPES_MAX)
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "toml")
            })
            .collect();
        files.sort();
        shelf.extend(files.into_iter().map(Shelved::of_user));
        Self { shelf }
    }

    /// All that can be used. Reads all of them.
    pub fn all(&self) -> impl Iterator<Item = &Known> {
        self.shelf.iter().enumerate().filter_map(|(at, shelved)| {
            let known = shelved.known().ok()?;
            let later = self.shelf.get(at + 1..).unwrap_or_default();
            let is_replaced = |later: &Shelved| later.id == shelved.id && later.known().is_ok();
            (!later.iter().any(is_replaced)).then_some(known)
        })
    }

    /// Those of the user that cannot be used. Reads all of them.
    pub fn broken(&self) -> impl Iterator<Item = &Broken> {
        self.shelf
            .iter()
            .filter_map(|shelved| shelved.known().err())
    }

    /// The recipe of a name.
    ///
    /// # Errors
    /// [`Refused`] when there is none; it lists those that there are.
    pub fn get(&self, id: &str) -> Result<&Arc<Recipe>, Refused> {
        let called = self.shelf.iter().rev().filter(|shelved| shelved.id == id);
        if let Some(known) = called.filter_map(|shelved| shelved.known().ok()).next() {
            return Ok(&known.recipe);
        }
        if let Some(broken) = self
            .broken()
            .find(|broken| broken.file.file_stem().is_some_and(|stem| stem == id))
        {
            return Err(Refused::new(
                "tools::recipe-broken",
                format!(
                    "the recipe {} cannot be used: {}",
                    broken.file.display(),
                    broken.text
                ),
                format!("`syncmgr recipe test {id}` shows what is wrong"),
            ));
        }
        let known: Vec<&str> = self.all().map(|known| known.recipe.id.as_str()).collect();
        Err(Refused::new(
            "tools::recipe-unknown",
            format!("there is no recipe `{id}`"),
            format!(
                "there are: {}; `syncmgr recipe new {id}` begins one",
                known.join(", ")
            ),
        ))
    }

    /// Programs and the recipes that know them.
    pub fn programs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.all().flat_map(|known| {
            let recipe = &known.recipe;
            recipe
                .program
                .iter()
                .chain(&recipe.also)
                .map(|program| (program.as_str(), recipe.id.as_str()))
        })
    }
}

fn text_of(file: &Path) -> Result<String, String> {
    let length = std::fs::metadata(file)
        .map_err(|error| error.to_string())?
        .len();
    if length > RECIPE_BYTES_MAX {
        return Err(format!("it is longer than {RECIPE_BYTES_MAX} bytes"));
    }
    std::fs::read_to_string(file).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_of_the_program_can_be_read() {
        for (id, text) in BUILT_IN {
            match read(text) {
                Ok(recipe) => assert_eq!(recipe.id, *id),
                Err(why) => panic!("{id}: {why}"),
            }
        }
    }

    #[test]
    fn one_recipe_is_read_for_one_item() {
        let folder = tempfile::tempdir().unwrap();
        let mine = |name: &str, id: &str, text: &str| {
            let whole = format!(
                "recipe = 1\nid = \"{id}\"\nname = \"{name}\"\nabout = \"x\"\n[item]\nname = \"x\"\n\
                 [[run]]\nname = \"run\"\ncommand = [\"true\"]\n{text}"
            );
            std::fs::write(folder.path().join(format!("{name}.toml")), whole).unwrap();
        };
        mine("mine", "mine", "");
        mine("other", "rsync", "");
        mine("spoiled", "git", "[[read]]\ntext = '('\nsay = 'x'\n");
        mine("stray", "stray", "[[read]]\ntext = '('\nsay = 'x'\n");
        let catalogue = Catalogue::load(folder.path());
        let read = |catalogue: &Catalogue| {
            let known = catalogue.shelf.iter();
            let known = known.filter(|shelved| shelved.known.get().is_some());
            known.map(|shelved| shelved.id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(catalogue.get("command").unwrap().id, "command");
        assert_eq!(catalogue.get("mine").unwrap().name, "mine");
        assert_eq!(read(&catalogue), ["command", "mine"]);
        // The user's own comes first, and one that cannot be used takes nobody's place.
        assert_eq!(catalogue.get("rsync").unwrap().name, "other");
        assert_eq!(catalogue.get("git").unwrap().name, "Git");
        let names: Vec<&str> = catalogue.all().map(|known| &*known.recipe.name).collect();
        assert_eq!(names.iter().filter(|name| **name == "other").count(), 1);
        assert_eq!(names.len(), BUILT_IN.len() + 1, "{names:?}");
        let broken: Vec<_> = catalogue
            .broken()
            .map(|broken| broken.file.file_stem().unwrap().to_owned())
            .collect();
        assert_eq!(broken, ["spoiled", "stray"]);
        let refused = |id| catalogue.get(id).unwrap_err();
        assert_eq!(refused("stray").code, "tools::recipe-broken");
        assert!(
            refused("none").hint.contains("rsync, ") || refused("none").hint.contains("rsync;")
        );
    }
}
