//! Whether a program is there, and new enough.

use std::time::Duration;

use crate::item::{ItemValues, ToolItem};
use crate::output::Tail;
use crate::process::{Heard, Limits, Program, Reply, StartFault, perform, search, text_of};
use crate::recipe::{Recipe, Version};
use crate::refused::Refused;
use crate::template::Values as _;

/// How long a program may take to tell its version.
const TELLS: Duration = Duration::from_secs(20);

/// The program of an item, or of its recipe.
fn program_of(item: &ToolItem) -> Option<String> {
    if let Some(program) = &item.recipe.program {
        return Some(program.clone());
    }
    ItemValues(item)
        .list(crate::arguments::COMMAND)
        .into_iter()
        .next()
}

/// Looks whether the program of an item is there, and new enough for its recipe.
///
/// # Errors
/// [`Refused`] with how to get it.
pub(crate) fn check(item: &ToolItem) -> Result<(), Refused> {
    let Some(program) = program_of(item) else {
        return Ok(());
    };
    let directory = item.definition.settings.directory.as_deref();
    let path = item.definition.settings.env.get("PATH").map(String::as_str);
    if search(&program, directory, path).is_none() {
        let hint = item.recipe.version.as_ref().map_or_else(
            || "install it, or give its whole path".to_owned(),
            |version| version.install.clone(),
        );
        return Err(Refused::new(
            "tools::missing",
            format!("there is no program `{program}`"),
            hint,
        ));
    }
    let Some(version) = item.recipe.version.as_ref() else {
        return Ok(());
    };
    let Some(least) = &version.least else {
        return Ok(());
    };
    let environment = item
        .definition
        .settings
        .env
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()));
    let told = ask(&program, version, environment.collect()).map_err(|fault| {
        Refused::new("tools::missing", fault.to_string(), version.install.clone())
    })?;
    match told {
        Some(found) if older(&found, least) => Err(Refused::new(
            "tools::too-old",
            format!("{program} is of version {found}, and {least} is the least that works"),
            version.install.clone(),
        )),
        Some(_) => Ok(()),
        None => Err(Refused::new(
            "tools::version",
            format!(
                "{program} does not tell its version as {} does",
                item.recipe.name
            ),
            version.install.clone(),
        )),
    }
}

/// The version of the program of a recipe that is installed; `None` where it tells none.
///
/// # Errors
/// It cannot be started.
pub fn installed(recipe: &Recipe) -> Result<Option<String>, StartFault> {
    match (&recipe.program, &recipe.version) {
        (Some(program), Some(version)) => ask(program, version, Vec::new()),
        _ => Ok(None),
    }
}

fn ask(
    program: &str,
    version: &Version,
    environment: Vec<(String, String)>,
) -> Result<Option<String>, StartFault> {
    let mut argv = vec![program.to_owned()];
    argv.extend(version.args.iter().cloned());
    let mut found = None;
    let program = Program {
        argv,
        directory: None,
        environment,
        input: None,
        terminal: false,
        user: None,
        nice: None,
        ionice: None,
    };
    let limits = Limits {
        time: Some(TELLS),
        output: None,
        stop: Duration::from_secs(1),
    };
    perform(&program, &limits, &mut Tail::default(), &mut |heard| {
        if let Heard::Line { text, .. } = heard
            && found.is_none()
        {
            let line = text_of(text);
            let groups = version.pattern.regex().captures(&line);
            found = groups
                .and_then(|groups| groups.get(1))
                .map(|group| group.as_str().to_owned());
        }
        Reply::Go
    })?;
    Ok(found)
}

/// Whether a version is older than another: number by number, what is no number last.
fn older(found: &str, least: &str) -> bool {
    let numbers = |text: &str| -> Vec<u64> {
        text.split(|letter: char| !letter.is_ascii_digit())
            .filter_map(|part| part.parse().ok())
            .collect()
    };
    let (found, least) = (numbers(found), numbers(least));
    let at = |numbers: &[u64], place: usize| numbers.get(place).copied().unwrap_or(0);
    (0..found.len().max(least.len()))
        .map(|place| at(&found, place).cmp(&at(&least, place)))
        .find(|order| order.is_ne())
        .is_some_and(std::cmp::Ordering::is_lt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_number_by_number() {
        for (found, least, is_older) in [
            ("1.60.1", "1.58", false),
            ("1.9", "1.10", true),
            ("v1.75.2", "1.75.2", false),
            ("0.14.0-dev", "0.14", false),
            ("2.52.1", "3", true),
            ("", "1", true),
        ] {
            assert_eq!(older(found, least), is_older, "{found} {least}");
        }
    }
}
