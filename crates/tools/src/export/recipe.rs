//! Items of recipes as tasks: the commands that do the same without us.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Task;
use crate::arguments::Definition;
use crate::recipe::{ArgumentKind, Recipe, Step};
use crate::refused::Refused;
use crate::template::{Template, Values};
use syncmgr_handler::mask::is_secret_name;

/// What templates see beside the arguments: only what is also known without us.
struct Alone<'a> {
    definition: &'a Definition,
    home: Option<&'a str>,
}

impl Values for Alone<'_> {
    fn text(&self, name: &str) -> Option<String> {
        match name {
            "home" => self.home.map(str::to_owned),
            name => self.definition.text(name),
        }
    }

    fn list(&self, name: &str) -> Vec<String> {
        self.definition.list(name)
    }
}

/// An item of a recipe as a task: what it is defined with, and what the recipe says runs without us. `[[export]]` says it; without
/// it, those commands of `[[run]]` that need nothing which a rule reads from what was printed.
///
/// # Errors
/// [`Refused`] when the definition does not fit the recipe.
pub(super) fn task(
    name: &str,
    recipe: &Recipe,
    stored: &Map<String, Value>,
    home: Option<&str>,
) -> Result<Task, Refused> {
    let definition = Definition::read(recipe, stored)?;
    let values = Alone {
        definition: &definition,
        home,
    };
    let known = known(recipe);
    let mut notes = Vec::new();
    let mut task = Task {
        name: name.to_owned(),
        recipe: Some(recipe.id.clone()),
        directory: definition
            .settings
            .directory
            .as_ref()
            .map(|path| path.to_string_lossy().into_owned()),
        user: definition.settings.user.clone(),
        nice: definition.settings.nice,
        ionice: definition.settings.ionice.clone(),
        time_limit: definition.settings.time_limit.clone(),
        ..Task::default()
    };
    let mut directories = BTreeSet::new();
    if recipe.export.is_empty() {
        for step in &recipe.run {
            if !is_known(step, &known) {
                let what = if step.name.is_empty() {
                    "a command".to_owned()
                } else {
                    format!("the command `{}`", step.name)
                };
                notes.push(format!(
                    "Of the recipe, {what} is left out: it needs what another one printed."
                ));
            } else if step.condition.holds(&values) {
                let directory = step.directory.as_ref().map(|path| path.fill(&values));
                directories.insert(directory.filter(|path| !path.is_empty()));
                task.commands.push(step.command.fill(&values));
            }
        }
    } else {
        for alone in &recipe.export {
            if alone.condition.holds(&values) {
                let directory = alone.directory.as_ref().map(|path| path.fill(&values));
                directories.insert(directory.filter(|path| !path.is_empty()));
                task.commands.push(alone.command.fill(&values));
                notes.extend(alone.say.as_ref().map(|say| say.fill(&values)));
            }
        }
    }
    if directories.len() > 1 {
        task.commands.clear();
        task.why =
            Some("Its commands work in several directories: put them into a script.".to_owned());
    }
    if let Some(Some(directory)) = directories.into_iter().next() {
        task.directory = Some(directory);
    }
    for (name, value) in &recipe.environment {
        let value = value.fill(&values);
        if !value.is_empty() {
            task.env.push((name.clone(), value));
        }
    }
    let own = &definition.settings.env;
    task.env.retain(|(name, _)| !own.contains_key(name));
    for (name, value) in own {
        task.env.push((name.clone(), value.clone()));
    }
    notes.extend(definition.asked_secrets(recipe).map(|argument| {
        let by = place_of(recipe, &argument.name);
        format!(
            "syncmgr asked for `{}`: {}. Supply it{by}.",
            argument.name, argument.about
        )
    }));
    if recipe
        .guard
        .as_ref()
        .is_some_and(|guard| guard.condition.holds(&values))
    {
        notes.push(
            "Nothing looks first whether much would be deleted, or whether its source vanished: syncmgr did."
                .to_owned(),
        );
    }
    task.notes = notes;
    Ok(task)
}

/// How a program is told where a secret is, as far as the recipe says that by a variable.
fn place_of(recipe: &Recipe, secret: &str) -> String {
    let file = format!("{secret}.file");
    let reader = format!("{secret}.reader");
    let variable = |place: &str| {
        recipe
            .environment
            .iter()
            .find(|(_, value)| value.places().any(|name| name == place))
            .map(|(name, _)| name)
    };
    match (variable(&file), variable(&reader)) {
        (Some(name), _) => format!(", such as by {name}=PATH"),
        (None, Some(name)) => format!(", such as by {name}='cat PATH'"),
        (None, None) => String::new(),
    }
}

/// The places that are filled without us.
fn known(recipe: &Recipe) -> BTreeSet<String> {
    let mut known: BTreeSet<String> = ["home", "extra", "each"].map(str::to_owned).into();
    for argument in &recipe.arguments {
        known.insert(argument.name.clone());
        if argument.kind == ArgumentKind::Secret {
            let parts = ["file", "command", "reader"];
            known.extend(parts.map(|part| format!("{}.{part}", argument.name)));
        }
    }
    known
}

fn is_known(step: &Step, known: &BTreeSet<String>) -> bool {
    step.input.is_none()
        && step
            .command
            .places()
            .chain(step.condition.places())
            .chain(step.directory.iter().flat_map(Template::places))
            .all(|name| known.contains(name))
}

/// Takes secrets out of a task: variables are left out and said; a command in which one stands is none.
pub(super) fn without_secrets(task: &mut Task) {
    let Task { env, notes, .. } = task;
    env.retain(|(name, value)| {
        let secret = is_secret_name(name)
            && !value.is_empty()
            // Whether to ask, and no password.
            && !matches!(value.as_str(), "true" | "false");
        if secret {
            notes.push(format!(
                "`{name}` holds a secret and is not written out: supply it, such as by a file that only you can read."
            ));
        }
        !secret
    });
    let line: Vec<String> = task
        .commands
        .iter()
        .map(|words| crate::import::shell::typed(words))
        .collect();
    let (shown, found) = syncmgr_handler::mask::masked(&line.join(" && "));
    if found || shown.contains(syncmgr_handler::mask::HIDDEN) {
        task.commands.clear();
        task.why = Some(format!(
            "A secret stands in its command and is not written out; what it is without: {shown}"
        ));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::super::{Start, lines};
    use super::*;
    use crate::Catalogue;

    fn exported(definition: Value) -> String {
        let catalogue = Catalogue::load(Path::new("/nowhere"));
        let definition = definition.as_object().unwrap();
        let task = Task {
            starts: vec![Start {
                schedules: vec!["*-*-* 03:00:00".to_owned()],
                ..Start::default()
            }],
            ..Task::of_tools("x", definition, &catalogue, Some("/home/ada"))
        };
        lines(&task).join("\n")
    }

    #[test]
    fn items_of_recipes_become_lines_that_stand_alone() {
        let rsync = exported(json!({
            "recipe": "rsync", "source": "/a b/", "target": "h:/c", "delete": true, "extra": ["-z"],
        }));
        assert!(rsync.contains("# Nothing looks first"), "{rsync}");
        assert!(
            rsync.ends_with(
                "\n0 3 * * * rsync -a --partial-dir=.rsync-partial --timeout=300 --delete -z -- '/a b/' h:/c/"
            ),
            "{rsync}"
        );
        let git = exported(json!({"recipe": "git", "path": "/g", "mode": "rebase"}));
        assert!(git.contains("0 3 * * * cd /g && GIT_"), "{git}");
        assert!(git.contains("git pull --quiet --rebase && GIT_"), "{git}");
        assert!(git.ends_with("git push --quiet"), "{git}");
        let mbsync = exported(json!({"recipe": "mbsync", "channel": "work"}));
        assert!(mbsync.ends_with("\n0 3 * * * mbsync work"), "{mbsync}");
    }

    #[test]
    fn secrets_are_said_and_never_written() {
        let file = exported(json!({
            "recipe": "restic", "repository": "/r", "path": ["/a"], "password": "file:/p",
        }));
        assert!(file.contains("RESTIC_PASSWORD_FILE=/p "), "{file}");
        let asked = exported(json!({"recipe": "restic", "repository": "/r", "path": ["/a"]}));
        assert!(
            asked.contains("Supply it, such as by RESTIC_PASSWORD_FILE=PATH."),
            "{asked}"
        );
        for definition in [
            json!({"recipe": "rclone", "source": "/a", "target": "b:", "env": {"AWS_SECRET_ACCESS_KEY": "hunter2"}}),
            json!({"recipe": "command", "command": ["a"], "env": {"RESTIC_PASSWORD": "hunter2"}}),
            json!({"recipe": "command", "command": ["a", "--password", "hunter2"]}),
        ] {
            let said = exported(definition);
            assert!(!said.contains("hunter2"), "{said}");
            assert!(said.contains("secret"), "{said}");
        }
    }
}
