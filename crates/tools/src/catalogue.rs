//! All recipes: those that come with the program, and the user's own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

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

/// All recipes.
#[derive(Debug, Default)]
pub struct Catalogue {
    recipes: Vec<Known>,
    broken: Vec<Broken>,
}

/// A recipe and where it is from.
#[derive(Debug)]
pub struct Known {
    /// The recipe.
    pub recipe: Arc<Recipe>,
    /// Its file; absent: it comes with the program.
    pub file: Option<PathBuf>,
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
    /// Reads all recipes; a user's recipe takes the place of a built-in one of the same `id`.
    #[must_use]
    pub fn load(folder: &Path) -> Self {
        let mut all = Self::default();
        for (id, text) in BUILT_IN {
            match read(text) {
                Ok(recipe) => all.recipes.push(Known {
                    recipe: Arc::new(recipe),
                    file: None,
                }),
                Err(text) => all.broken.push(Broken {
                    file: PathBuf::from(format!("{id}.toml")),
                    text,
                }),
            }
        }
        let Ok(entries) = std::fs::read_dir(folder) else {
            return all;
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
        for file in files {
            match read_file(&file) {
                Ok(recipe) => {
                    all.recipes.retain(|known| known.recipe.id != recipe.id);
                    all.recipes.push(Known {
                        recipe: Arc::new(recipe),
                        file: Some(file),
                    });
                }
                Err(text) => all.broken.push(Broken { file, text }),
            }
        }
        all
    }

    /// All that can be used.
    pub fn all(&self) -> impl Iterator<Item = &Known> {
        self.recipes.iter()
    }

    /// Those of the user that cannot be used.
    #[must_use]
    pub fn broken(&self) -> &[Broken] {
        &self.broken
    }

    /// The recipe of a name.
    ///
    /// # Errors
    /// [`Refused`] when there is none; it lists those that there are.
    pub fn get(&self, id: &str) -> Result<&Arc<Recipe>, Refused> {
        if let Some(known) = self.recipes.iter().find(|known| known.recipe.id == id) {
            return Ok(&known.recipe);
        }
        if let Some(broken) = self
            .broken
            .iter()
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
        let known: Vec<&str> = self
            .recipes
            .iter()
            .map(|known| known.recipe.id.as_str())
            .collect();
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
        self.recipes.iter().flat_map(|known| {
            let recipe = &known.recipe;
            recipe
                .program
                .iter()
                .chain(&recipe.also)
                .map(|program| (program.as_str(), recipe.id.as_str()))
        })
    }
}

fn read_file(file: &Path) -> Result<Recipe, String> {
    let length = std::fs::metadata(file)
        .map_err(|error| error.to_string())?
        .len();
    if length > RECIPE_BYTES_MAX {
        return Err(format!("it is longer than {RECIPE_BYTES_MAX} bytes"));
    }
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    read(&text)
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
}
