//! What a recipe takes and gives, for people.

use crate::recipe::{ArgumentKind, Recipe};

/// What `add ID` takes, as plain data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// What is typed.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it does.
    pub about: String,
    /// `syncmgr add ID SOURCE TARGET [--option …]`.
    pub line: String,
    /// Each word: how it is written, and what it is.
    pub arguments: Vec<(String, String)>,
    /// What can be done with its items, besides synchronizing them.
    pub abilities: Vec<&'static str>,
}

/// Makes it of a recipe.
#[must_use]
pub fn usage(recipe: &Recipe) -> Usage {
    let mut line = format!("syncmgr add {}", recipe.id);
    let mut arguments = Vec::new();
    for argument in &recipe.arguments {
        let upper = argument.name.to_uppercase().replace('_', "-");
        let written = match (argument.positional, argument.kind) {
            (true, kind) if kind.is_many() => format!("{upper}…"),
            (true, _) => upper,
            (false, ArgumentKind::Flag) => format!("--{}", argument.name),
            (false, _) => format!(
                "--{} {}",
                argument.name,
                value(argument.kind, &argument.choices)
            ),
        };
        if argument.positional || argument.required {
            line.push(' ');
            let (open, close) = if argument.required {
                ("", "")
            } else {
                ("[", "]")
            };
            [open, &written, close]
                .iter()
                .for_each(|part| line.push_str(part));
        }
        let mut about = argument.about.clone();
        if let Some(default) = argument
            .default
            .as_ref()
            .filter(|default| !default.is_empty() && argument.kind != ArgumentKind::Flag)
        {
            about.push_str(" (unless given: ");
            about.push_str(default);
            about.push(')');
        }
        arguments.push((written, about));
    }
    if recipe
        .arguments
        .iter()
        .any(|argument| !argument.positional && !argument.required)
    {
        line.push_str(" [OPTIONS]");
    }
    let has = [
        (!recipe.plan.is_empty(), "plan"),
        (recipe.guard.is_some(), "guard"),
        (
            !recipe.choices.is_empty() || recipe.copies.is_some(),
            "conflicts",
        ),
        (!recipe.unlock.is_empty(), "stale locks"),
        (!recipe.find.is_empty(), "finds items by itself (--found)"),
    ];
    Usage {
        id: recipe.id.clone(),
        name: recipe.name.clone(),
        about: recipe.about.clone(),
        line,
        arguments,
        abilities: has
            .into_iter()
            .filter(|(there, _)| *there)
            .map(|(_, what)| what)
            .collect(),
    }
}

fn value(kind: ArgumentKind, choices: &[String]) -> String {
    match kind {
        ArgumentKind::Choice => choices.join("|"),
        ArgumentKind::Path | ArgumentKind::Paths => "PATH".to_owned(),
        ArgumentKind::Place => "PLACE".to_owned(),
        ArgumentKind::Number => "N".to_owned(),
        ArgumentKind::Secret => "file:PATH|command:COMMAND|ask".to_owned(),
        ArgumentKind::Text | ArgumentKind::List | ArgumentKind::Flag => "TEXT".to_owned(),
    }
}
