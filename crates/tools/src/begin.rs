//! A recipe to begin with.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::catalogue::{self, Catalogue};
use crate::refused::Refused;

/// Writes a recipe for a program, which works as it is. An existing file is left alone.
///
/// # Errors
/// [`Refused`] for a name that is taken or is none, and when the file cannot be written.
pub fn begin(folder: &Path, id: &str, program: Option<&str>) -> Result<PathBuf, Refused> {
    let program = program.unwrap_or(id);
    let text = text(id, program);
    catalogue::read(&text).map_err(|why| {
        Refused::new(
            "tools::recipe-name",
            format!("`{id}` cannot be a recipe: {why}"),
            "a name such as `photos` will do",
        )
    })?;
    let file = folder.join(format!("{id}.toml"));
    let taken = |at: &str| {
        Refused::new(
            "tools::recipe-exists",
            format!("there is a recipe `{id}` already, {at}"),
            "take another name, or change that one",
        )
    };
    let known = Catalogue::load(folder);
    if let Some(known) = known.all().find(|known| known.recipe.id == id) {
        return Err(match &known.file {
            Some(file) => taken(&format!("in {}", file.display())),
            None => taken("which is built in"),
        });
    }
    let write = || -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut made = fs::File::options()
            .write(true)
            .create_new(true)
            .open(&file)?;
        made.write_all(text.as_bytes())
    };
    match write() {
        Ok(()) => Ok(file),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(taken(&format!("in {}", file.display())))
        }
        Err(error) => Err(Refused::new(
            "tools::not-written",
            format!("{} cannot be written: {error}", file.display()),
            "look at the permissions of the directory of your recipes: `syncmgr recipe path`",
        )),
    }
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn text(id: &str, program: &str) -> String {
    let (id, program) = (quoted(id), quoted(program));
    format!(
        r#"# A recipe: what syncmgr knows of a program. It works as it is; docs/recipes.md says what else can be told.
recipe = 1
id = {id}
name = {id}
about = "what it does, in one line"
program = {program}

# How its version is found out, and how one gets it.
# [version]
# args = ["--version"]
# pattern = '(\d+\.\d+(?:\.\d+)*)'
# install = "apt install …"

# What `syncmgr add` takes: its words, and options such as `--target PATH`. These words are passed on as they are: give whole
# paths, or say with `--directory DIR` where they begin. A word of the kind "path" is made whole by itself.
[[argument]]
name = "words"
kind = "list"
about = "the words that it is started with"
positional = true

# [[argument]]
# name = "target"
# kind = "path"
# about = "where to"
# required = true

# How an item is called unless somebody names it; nothing else works in its lanes meanwhile.
[item]
name = {id}
comment = "{{words}}"
# lanes = ["{{target}}"]

# Synchronizes. With `[[plan]]` beside it, which writes nothing, `syncmgr plan` tells what would be done.
[[run]]
name = "run"
command = [{program}, "{{words}}"]

# What exit codes mean: good, warning, soft (tried again by itself) or hard.
[exit]
0 = "good"
75 = "soft"

# What lines mean. All that fit apply, in this order. Groups are {{1}}, {{2}} or by name, the whole line is {{line}}.
[[read]]
text = '(\d+)\s?%'
progress = {{ percent = "{{1}}" }}

[[read]]
text = '(?i)^(?:error|fatal)\b[: ]*(.+)'
fail = {{ class = "hard", say = "{{1}}" }}

# [[read]]
# text = '^(\d+) files copied'
# counts = {{ sent = "{{1}}" }}
# result = "{{1}} files were copied"
# proof = true    a run that never says this did not do its work
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::inspect;

    #[test]
    fn it_works_as_it_is_and_nothing_is_overwritten() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("recipes");
        let file = begin(&folder, "photos", Some("back up \"photos\"\\n")).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        let recipe = catalogue::read(&text).unwrap();
        assert_eq!(recipe.program.as_deref(), Some("back up \"photos\"\\n"));
        assert_eq!(inspect(&recipe, &[]), []);
        let code = |id: &str| begin(&folder, id, None).unwrap_err().code;
        assert_eq!(code("photos"), "tools::recipe-exists");
        assert_eq!(code("rsync"), "tools::recipe-exists");
        assert_eq!(code("../photos"), "tools::recipe-name");
        assert_eq!(code(""), "tools::recipe-name");
        fs::write(folder.join("other.toml"), "mine").unwrap();
        assert_eq!(code("other"), "tools::recipe-exists");
        assert_eq!(
            fs::read_to_string(folder.join("other.toml")).unwrap(),
            "mine"
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }

    /// What stands in comments would be understood too.
    #[test]
    fn what_is_commented_out_is_right() {
        let all: String = text("photos", "photos")
            .lines()
            .map(|line| {
                let code = line.strip_prefix("# ").filter(|rest| {
                    let rest = rest.trim_start();
                    rest.starts_with('[')
                        || rest
                            .split_once(" = ")
                            .is_some_and(|(key, _)| !key.contains(' '))
                });
                // A remark behind a value.
                let code = code.map(|code| code.split("    ").next().unwrap_or(code));
                format!("{}\n", code.unwrap_or(line))
            })
            .collect();
        let recipe = catalogue::read(&all).unwrap_or_else(|why| panic!("{why}\n{all}"));
        assert_eq!(recipe.arguments.len(), 2);
        assert!(recipe.version.is_some() && recipe.rules.iter().any(|rule| rule.proof));
        assert_eq!(inspect(&recipe, &[]), []);
    }
}
