//! What a recorded output would mean. Pure: this is how recipes are tested without their programs.

use std::collections::BTreeMap;

use crate::read::{Reading, Told};
use crate::recipe::{OperationKind, Recipe, Step, Stream};
use crate::refused::Refused;
use crate::script::{Ending, Outcome, Script};
use crate::settings::Settings;
use crate::template::Either;

/// What a recorded output would mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// For each line, what it meant.
    pub lines: Vec<Vec<Told>>,
    /// What it comes to.
    pub outcome: Outcome,
}

/// Hears lines as if the step of an operation had printed them and ended with `exit`; all other steps are left out.
///
/// # Errors
/// [`Refused`] when the recipe has no such step.
pub fn replay(
    recipe: &Recipe,
    operation: OperationKind,
    step: &str,
    exit: i32,
    lines: &[(Stream, String)],
    values: &BTreeMap<String, String>,
) -> Result<Replay, Refused> {
    let choice_steps: Vec<Step>;
    let steps = match operation {
        OperationKind::Find => &recipe.find,
        OperationKind::Check => &recipe.check,
        OperationKind::Plan => &recipe.plan,
        OperationKind::Run => &recipe.run,
        OperationKind::Conflicts => &recipe.conflicts,
        OperationKind::Unlock => &recipe.unlock,
        OperationKind::Restore => &recipe.restore,
        OperationKind::Resolve => {
            choice_steps = recipe
                .choices
                .iter()
                .flat_map(|choice| choice.steps.clone())
                .collect();
            &choice_steps
        }
    };
    let only: Vec<Step> = steps
        .iter()
        .filter(|one| step.is_empty() || one.name == step)
        .take(1)
        .map(|one| Step {
            condition: crate::condition::Condition::default(),
            repeats: 0,
            ..one.clone()
        })
        .collect();
    if only.is_empty() {
        return Err(Refused::new(
            "tools::recording",
            format!("{} has no such step", recipe.name),
            "name an operation and a step of the recipe",
        ));
    }
    let settings = Settings::default();
    let mut script = Script::new(recipe, operation, &only, &settings, BTreeMap::new());
    let mut told_lines = Vec::new();
    let mut words = String::new();
    if script.next(values).is_some() {
        let name = only
            .first()
            .map(|step| step.name.clone())
            .unwrap_or_default();
        let reading = Reading::new(recipe, operation, &name);
        for (from, line) in lines {
            let told = reading.line(*from, line, true, &Either(script.facts(), values));
            told.iter().for_each(|told| script.heard(told));
            told_lines.push(told);
            words.push_str(line);
            words.push('\n');
        }
        let words = reading
            .readable(&words, &Either(script.facts(), values))
            .into_owned();
        script.ended(Ending::Code(exit), &words, values);
    }
    Ok(Replay {
        lines: told_lines,
        outcome: script.outcome(),
    })
}
