//! A recipe tried on its program: what only looks is carried out with real arguments, and how it was read is told.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::arguments::{Definition, parse};
use crate::catalogue::Catalogue;
use crate::find::seeker;
use crate::item::{ItemValues, Surroundings, ToolItem};
use crate::operation::{Far, Listener, Unheard, carry_out};
use crate::read::{Action, Asked, Told};
use crate::recipe::{Class, LevelOf, OperationKind, QuestionOf, Step};
use crate::recorded::operation_word;
use crate::refused::Refused;
use crate::trial::{Finding, Grade, end, in_words};

/// Most lines of a program, and most actions, that are shown of an operation.
const SHOWN_MAX: usize = 20;

/// So many names of a directory of our own are tried.
const SCRATCHES_MAX: u32 = 100;

/// What an operation told beside its lines.
#[derive(Default)]
struct Noted(RefCell<Vec<String>>);

impl Listener for Noted {
    fn is_cancelled(&self) -> bool {
        false
    }
    fn progress(&self, _: Far<'_>) {}
    fn log(&self, level: LevelOf, text: &str) {
        let told = in_words(&Told::Log(level, text.to_owned()));
        self.0.borrow_mut().push(told);
    }
    fn action(&self, action: &Action) {
        let told = in_words(&Told::Action(action.clone()));
        self.0.borrow_mut().push(told);
    }
    fn answer(&self, asked: &Asked, how: &QuestionOf) -> Option<String> {
        Unheard.answer(asked, how)
    }
    fn answer_unknown(&self, text: &str) -> Option<String> {
        Unheard.answer_unknown(text)
    }
}

/// A directory that is taken away when it is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn make() -> Result<Self, Refused> {
        let parent = std::env::temp_dir();
        let mut made = Ok(());
        // One that is there already may be somebody else's.
        for number in 0..SCRATCHES_MAX {
            let path = parent.join(format!("syncmgr-test-{}-{number}", std::process::id()));
            made = fs::create_dir(&path);
            if made.is_ok() {
                return Ok(Self(path));
            }
        }
        let why = made
            .err()
            .map_or_else(String::new, |error| error.to_string());
        Err(Refused::new(
            "tools::not-written",
            format!("nothing can be made in {}: {why}", parent.display()),
            "look at the directory for temporary files",
        ))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left in the directory for temporary files goes with it.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Carries out what a recipe says for finding, checking and planning, with the program that is installed; nothing is
/// synchronized. `words` are those of `add`. Blocks as long as the program takes.
///
/// # Errors
/// [`Refused`] for a recipe that there is not, a wrong word, and a program that is missing or too old.
pub fn real(
    catalogue: &Catalogue,
    id: &str,
    words: &[String],
    directory: &Path,
    surroundings: &Surroundings,
) -> Result<Vec<Finding>, Refused> {
    let recipe = catalogue.get(id)?;
    let given = parse(recipe, words, directory, surroundings.home.as_deref())?;
    let scratch = Scratch::make()?;
    let mut item = seeker(recipe, &given, surroundings)?;
    item.state = scratch.0.join("items/item");
    fs::create_dir_all(&item.state).map_err(|error| {
        Refused::new(
            "tools::not-written",
            format!("{} cannot be made: {error}", item.state.display()),
            "look at the directory for temporary files",
        )
    })?;
    crate::version::check(&item)?;
    let mut findings = Vec::new();
    if !recipe.find.is_empty() {
        findings.push(carried_out(&item, OperationKind::Find, &recipe.find));
    }
    match Definition::read(recipe, &given) {
        Ok(definition) => item.definition = definition,
        Err(refused) => {
            let mut left = Finding::new(
                Grade::Warning,
                format!("check and plan were not tried: {}", refused.text),
            );
            left.lines = vec![format!("syncmgr recipe test {id} --real --set NAME=VALUE")];
            findings.push(left);
            return Ok(findings);
        }
    }
    for (operation, steps) in [
        (OperationKind::Check, &recipe.check),
        (OperationKind::Plan, &recipe.plan),
    ] {
        if !steps.is_empty() {
            findings.push(carried_out(&item, operation, steps));
        }
    }
    if findings.is_empty() {
        findings.push(Finding::new(
            Grade::Warning,
            "there is nothing to try: it has no [[find]], [[check]] or [[plan]], and a run is not tried",
        ));
    }
    Ok(findings)
}

fn carried_out(item: &ToolItem, operation: OperationKind, steps: &[Step]) -> Finding {
    let secrets = BTreeMap::new();
    let noted = Noted::default();
    let finished = carry_out(
        &item.work(&secrets),
        operation,
        steps,
        BTreeMap::new(),
        &ItemValues(item),
        &noted,
    );
    let outcome = finished.outcome;
    let word = operation_word(operation);
    if outcome.started == 0 && outcome.class == Class::Good {
        let text = format!("{word}: none of its steps applies to what was given");
        return Finding::new(Grade::Warning, text);
    }
    let grade = match outcome.class {
        Class::Good => Grade::Good,
        Class::Warning => Grade::Warning,
        Class::Soft | Class::Hard => Grade::Wrong,
    };
    let said = finished.tail.lines().map(|line| format!("said: {line}"));
    let read = noted.0.into_inner();
    let read = read.into_iter().map(|told| format!("     {told}"));
    let found = outcome.found.iter();
    let found = found.map(|found| format!("     {}", in_words(&Told::Item(found.clone()))));
    let mut lines = few(said);
    lines.extend(few(read.chain(found)));
    let ends = end(operation, &outcome);
    lines.extend(ends.into_iter().map(|line| format!("= {line}")));
    Finding {
        grade,
        text: format!("{word} with the real program"),
        lines,
    }
}

/// The first lines, and how many more there are.
fn few(lines: impl Iterator<Item = String>) -> Vec<String> {
    let all: Vec<String> = lines.collect();
    let more = all.len().saturating_sub(SHOWN_MAX);
    let mut few: Vec<String> = all.into_iter().take(SHOWN_MAX).collect();
    if more > 0 {
        few.push(format!("     … and {more} more"));
    }
    few
}
