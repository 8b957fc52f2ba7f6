//! Whether a program is there, and new enough.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::condition::older;
use crate::item::{ItemValues, ToolItem};
use crate::keep;
use crate::output::Tail;
use crate::process::{Heard, Limits, Program, Reply, StartFault, perform, text_of};
use crate::recipe::{Recipe, Version};
use crate::refused::Refused;
use crate::start;
use crate::template::Values as _;

/// How long a program may take to tell its version.
const TELLS: Duration = Duration::from_secs(20);

/// The file in which versions of programs are kept.
const FILE: &str = "programs.json";

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

/// Looks whether the program of an item is there, and new enough for its recipe; templates know its version then. It is asked
/// once for each version that is installed.
///
/// # Errors
/// [`Refused`] with how to get it.
pub(crate) fn check(item: &ToolItem) -> Result<(), Refused> {
    let Some(program) = program_of(item) else {
        return Ok(());
    };
    let directory = item.definition.settings.directory.as_deref();
    let environment: Vec<(String, String)> = item
        .definition
        .settings
        .env
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let file =
        start::find(&program, directory, &start::search_path(&environment)).map_err(|fault| {
            let hint = match (&fault, &item.recipe.version) {
                (StartFault::Missing { .. }, Some(version)) => version.install.clone(),
                _ => fault.hint(),
            };
            Refused::new("tools::missing", fault.to_string(), hint)
        })?;
    let Some(version) = item.recipe.version.as_ref() else {
        return Ok(());
    };
    let found = match known(item, &file) {
        Some(found) => found,
        None => {
            let found = ask(&program, version, environment)
                .map_err(|fault| {
                    Refused::new("tools::missing", fault.to_string(), version.install.clone())
                })?
                .ok_or_else(|| {
                    Refused::new(
                        "tools::version",
                        format!(
                            "{program} does not tell its version as {} does",
                            item.recipe.name
                        ),
                        version.install.clone(),
                    )
                })?;
            remember(item, &file, &found);
            found
        }
    };
    if let Some(least) = version.least.as_ref().filter(|least| older(&found, least)) {
        return Err(Refused::new(
            "tools::too-old",
            format!("{program} is of version {found}, and {least} is the least that works"),
            version.install.clone(),
        ));
    }
    // Another thread can only have set the same.
    drop(item.version.set(found));
    Ok(())
}

/// What a program is known by: another one in its place has another length or time.
fn key(file: &Path) -> Option<String> {
    let there = std::fs::metadata(file).ok()?;
    let modified = there
        .modified()
        .ok()?
        .duration_since(std::time::UNIX_EPOCH)
        .ok()?;
    Some(format!(
        "{}|{}|{}",
        file.display(),
        modified.as_nanos(),
        there.len()
    ))
}

fn known(item: &ToolItem, file: &Path) -> Option<String> {
    let known: BTreeMap<String, String> = keep::read(item.state.parent()?, FILE);
    known.get(&key(file)?).cloned()
}

/// What cannot be kept is asked again.
fn remember(item: &ToolItem, file: &Path, version: &str) {
    let (Some(directory), Some(key)) = (item.state.parent(), key(file)) else {
        return;
    };
    let mut known: BTreeMap<String, String> = keep::read(directory, FILE);
    let of_file = format!("{}|", file.display());
    known.retain(|key, _| !key.starts_with(&of_file));
    known.insert(key, version.to_owned());
    drop(keep::write(directory, FILE, &known));
}

/// Whether a program can be found by its name.
#[must_use]
pub fn is_there(program: &str) -> bool {
    start::find(program, None, &start::search_path(&[])).is_ok()
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

/// Why the program of a recipe that is installed does not do for it, as a fragment; `None` where it does, and where the
/// recipe does not ask for its version. Blocks for at most 20 seconds.
#[must_use]
pub fn unfit(recipe: &Recipe) -> Option<String> {
    let (program, version) = (recipe.program.as_ref()?, recipe.version.as_ref()?);
    let found = match ask(program, version, Vec::new()) {
        Ok(Some(found)) => found,
        Ok(None) => {
            return Some(format!(
                "{program} does not tell its version as {} does",
                recipe.name
            ));
        }
        Err(fault) => return Some(fault.to_string()),
    };
    let least = version.least.as_ref()?;
    older(&found, least).then(|| {
        format!("{program} is of version {found}, and {least} is the least that works for that")
    })
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
        interrupt: false,
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
            let groups = version.pattern.captures(&line);
            found = groups
                .and_then(|groups| groups.get(1))
                .map(|group| group.as_str().to_owned());
        }
        Reply::Go
    })?;
    Ok(found)
}
