//! The recipes for the command line: what `tools` knows in the words that `cli` takes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use syncmgr_cli::{
    FoundItem, KnownTool, RESERVED, RecipeFinding, RecipeGrade, RecipeRow, RecipeTestWish,
    RecipeUsage, RecipeWord, Recipes,
};
use syncmgr_control::Refusal;
use syncmgr_daemon::launch::Programs;
use syncmgr_tools::trial::{Grade, Wish, trial};
use syncmgr_tools::{Catalogue, Known, Refused, Surroundings};

/// Names that are too far apart are not meant.
const NEAR: f64 = 0.7;

/// The recipes of a home.
#[derive(Debug)]
pub(crate) struct Cookbook {
    surroundings: Surroundings,
    catalogue: Catalogue,
    programs: Programs,
}

impl Cookbook {
    pub(crate) fn new(surroundings: Surroundings, programs: Programs) -> Self {
        Self {
            catalogue: Catalogue::load(&surroundings.recipes),
            surroundings,
            programs,
        }
    }

    fn known(&self, id: &str) -> Result<&Known, Refusal> {
        let known = self.catalogue.all().find(|known| known.recipe.id == id);
        known.ok_or_else(|| match self.catalogue.get(id) {
            Err(refused) if refused.code == "tools::recipe-unknown" => self.unknown(id),
            Err(refused) => refusal(refused),
            Ok(_) => self.unknown(id),
        })
    }

    /// There is no such kind: which there are, and which was perhaps meant.
    fn unknown(&self, id: &str) -> Refusal {
        let kinds = || {
            let recipes = self.catalogue.all().map(|known| known.recipe.id.as_str());
            std::iter::once("folder").chain(recipes)
        };
        let near = kinds()
            .map(|kind| (strsim::jaro_winkler(kind, id), kind))
            .filter(|(near, _)| *near >= NEAR)
            .max_by(|(one, _), (other, _)| one.total_cmp(other));
        let all: Vec<&str> = kinds().collect();
        let all = all.join(", ");
        let hint = match near {
            Some((_, kind)) => format!("did you mean {kind}? There are: {all}"),
            None => format!("there are: {all}; any other command: syncmgr wrap -- COMMAND"),
        };
        Refusal::new(
            "tools::recipe-unknown",
            format!("there is no recipe `{id}`"),
            hint,
        )
    }
}

fn refusal(refused: Refused) -> Refusal {
    Refusal::new(refused.code, refused.text, refused.hint)
}

/// What is wrong with a file, and where, in one line.
fn brief(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    match (first.strip_prefix("TOML parse error at "), last) {
        (Some(place), Some(why)) if why != first => format!("{place}: {why}"),
        _ => first.to_owned(),
    }
}

fn row(known: &Known) -> RecipeRow {
    let recipe = &known.recipe;
    let install = recipe
        .version
        .as_ref()
        .map(|version| version.install.clone());
    let installed = match (&recipe.program, syncmgr_tools::installed(recipe)) {
        (None, _) | (_, Err(_)) => None,
        (Some(_), Ok(Some(version))) => Some(version),
        (Some(program), Ok(None)) => {
            syncmgr_tools::is_there(program).then(|| "installed".to_owned())
        }
    };
    RecipeRow {
        id: recipe.id.clone(),
        about: recipe.about.clone(),
        program: recipe.program.clone(),
        installed,
        install,
        file: known.file.clone(),
        broken: None,
    }
}

impl Recipes for Cookbook {
    fn list(&self) -> Vec<RecipeRow> {
        // Each program is asked for its version, all of them at once.
        let mut rows: Vec<RecipeRow> = std::thread::scope(|scope| {
            let asked: Vec<_> = self
                .catalogue
                .all()
                .map(|known| scope.spawn(move || row(known)))
                .collect();
            asked
                .into_iter()
                .filter_map(|asked| asked.join().ok())
                .collect()
        });
        rows.extend(self.catalogue.broken().map(|broken| {
            RecipeRow {
                id: broken
                    .file
                    .file_stem()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
                about: String::new(),
                program: None,
                installed: None,
                install: None,
                file: Some(broken.file.clone()),
                broken: Some(format!(
                    "{}, {}",
                    broken.file.display(),
                    brief(&broken.text)
                )),
            }
        }));
        rows
    }

    fn usage(&self, id: &str) -> Result<RecipeUsage, Refusal> {
        let known = self.known(id)?;
        let usage = syncmgr_tools::usage(&known.recipe);
        let command = format!("syncmgr add {id}");
        let synopsis = usage.line.strip_prefix(&command).unwrap_or(&usage.line);
        let words = usage.arguments.into_iter();
        let words = words.map(|(word, about)| RecipeWord { word, about });
        let (options, positional) =
            words.partition(|word: &RecipeWord| word.word.starts_with("--"));
        let mut notes = Vec::new();
        let abilities: Vec<&str> = usage
            .abilities
            .into_iter()
            .filter(|ability| !ability.contains("--found"))
            .collect();
        if !abilities.is_empty() {
            notes.push(format!("It has: {}.", abilities.join(", ")));
        }
        notes.push(format!(
            "Settings of every item are options too, such as --time-limit 1h: {}.",
            syncmgr_tools::setting_names().join(", ").replace('_', "-")
        ));
        if let (Some(program), Some(version)) = (&known.recipe.program, &known.recipe.version)
            && !syncmgr_tools::is_there(program)
        {
            notes.push(format!("{program} is not installed: {}.", version.install));
        }
        Ok(RecipeUsage {
            id: usage.id,
            name: usage.name,
            about: usage.about,
            synopsis: synopsis.trim().to_owned(),
            positional,
            options,
            finds: !known.recipe.find.is_empty(),
            notes,
        })
    }

    fn find(
        &self,
        id: &str,
        words: &[String],
        directory: &Path,
    ) -> Result<Vec<FoundItem>, Refusal> {
        let found = syncmgr_tools::find(&self.catalogue, id, words, directory, &self.surroundings)
            .map_err(refusal)?;
        let found = found.into_iter();
        Ok(found
            .map(|found| FoundItem {
                name: found.name,
                arguments: found.arguments,
            })
            .collect())
    }

    fn recognise(&self, command: &[String]) -> Option<KnownTool> {
        let programs: Vec<(String, String)> = self
            .catalogue
            .programs()
            .map(|(program, recipe)| (program.to_owned(), recipe.to_owned()))
            .collect();
        let id = syncmgr_tools::recognise::recognise(command, &programs)?;
        let known = self.known(id).ok()?;
        Some(KnownTool {
            id: id.to_owned(),
            name: known.recipe.name.clone(),
        })
    }

    fn find_program(&self, name: &str, directory: &Path) -> Option<PathBuf> {
        let name = PathBuf::from(name);
        if name.components().count() == 1 && name.file_name() == Some(name.as_os_str()) {
            return self.programs.search(name.to_str()?);
        }
        let path = directory.join(name);
        let mut suffixed: OsString = path.clone().into_os_string();
        suffixed.push(std::env::consts::EXE_SUFFIX);
        [path, suffixed.into()]
            .into_iter()
            .find(|path| path.is_file())
    }

    fn without_secrets(&self, words: &[String]) -> Option<Vec<String>> {
        let (shown, found) = syncmgr_tools::masked_words(words);
        found.then_some(shown)
    }

    fn directory(&self) -> PathBuf {
        self.surroundings.recipes.clone()
    }

    fn create(&self, id: &str, program: Option<&str>) -> Result<PathBuf, Refusal> {
        syncmgr_tools::begin(&self.surroundings.recipes, id, program).map_err(refusal)
    }

    fn test(&self, wish: &RecipeTestWish) -> Result<Vec<RecipeFinding>, Refusal> {
        let mut reserved = RESERVED.to_vec();
        reserved.extend(syncmgr_tools::setting_names());
        let real = wish.real.clone();
        let wish = Wish {
            id: &wish.name,
            accept: wish.accept,
            record: wish.record.as_deref(),
            directory: &wish.directory,
            reserved: &reserved,
        };
        let findings = trial(&self.surroundings.recipes, &wish).map_err(|refused| {
            if refused.code == "tools::recipe-unknown" {
                return self.unknown(wish.id);
            }
            refusal(refused)
        })?;
        let real = match (&real, findings.iter().any(|one| one.grade == Grade::Wrong)) {
            (Some(words), false) => syncmgr_tools::real(
                &self.catalogue,
                wish.id,
                words,
                wish.directory,
                &self.surroundings,
            )
            .map_err(refusal)?,
            _ => Vec::new(),
        };
        let findings = findings.into_iter().chain(real);
        Ok(findings
            .map(|finding| RecipeFinding {
                grade: match finding.grade {
                    Grade::Good => RecipeGrade::Good,
                    Grade::Warning => RecipeGrade::Warning,
                    Grade::Wrong => RecipeGrade::Failed,
                },
                text: finding.text,
                lines: finding.lines,
            })
            .collect())
    }
}
