//! What could be items, as a program tells it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};
use syncmgr_handler::item::ItemId;

use crate::arguments::{Definition, RECIPE, parse};
use crate::catalogue::Catalogue;
use crate::item::{ItemValues, Surroundings, ToolItem};
use crate::operation::{Unheard, carry_out};
use crate::recipe::{Class, OperationKind, Recipe};
use crate::refused::Refused;

/// Something that could be an item.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// What it would be called.
    pub name: String,
    /// One line about it.
    pub comment: String,
    /// What it would be defined with.
    pub arguments: Map<String, Value>,
}

/// Asks the program of a recipe what could be items. What is required and not given is left to what is found. Blocks.
///
/// # Errors
/// [`Refused`] when the recipe finds nothing by itself, a word is wrong, or the program fails.
pub fn find(
    catalogue: &Catalogue,
    recipe: &str,
    words: &[String],
    cwd: &Path,
    surroundings: &Surroundings,
) -> Result<Vec<Found>, Refused> {
    let recipe = catalogue.get(recipe)?;
    if recipe.find.is_empty() {
        return Err(Refused::new(
            "tools::finds-nothing",
            format!("{} finds no items by itself", recipe.name),
            format!("name one: {}", crate::usage::usage(recipe).line),
        ));
    }
    let given = parse(recipe, words, cwd, surroundings.home.as_deref())?;
    let seeker = seeker(recipe, &given, surroundings)?;
    crate::version::check(&seeker)?;
    let secrets = BTreeMap::new();
    let finished = carry_out(
        &seeker.work(&secrets),
        OperationKind::Find,
        &recipe.find,
        BTreeMap::new(),
        &ItemValues(&seeker),
        &Unheard,
    );
    let outcome = finished.outcome;
    if outcome.class >= Class::Soft {
        return Err(Refused::new(
            "tools::failed",
            outcome
                .say
                .unwrap_or_else(|| "the program failed".to_owned()),
            outcome
                .hint
                .unwrap_or_else(|| "start it by hand and look at what it says".to_owned()),
        ));
    }
    outcome
        .found
        .into_iter()
        .map(|arguments| found(recipe, &given, arguments, &seeker))
        .collect()
}

/// An item of which only what was given is known, and that has no directory of its own.
pub(crate) fn seeker(
    recipe: &std::sync::Arc<Recipe>,
    given: &Map<String, Value>,
    surroundings: &Surroundings,
) -> Result<ToolItem, Refused> {
    let lenient = Recipe {
        arguments: recipe
            .arguments
            .iter()
            .map(|argument| crate::recipe::Argument {
                required: false,
                ..argument.clone()
            })
            .collect(),
        ..Recipe::clone(recipe)
    };
    let id = ItemId::new(recipe.id.clone()).map_err(|error| {
        Refused::new(
            "tools::recipe-broken",
            error.to_string(),
            "give the recipe another `id`",
        )
    })?;
    Ok(ToolItem {
        id,
        definition: Definition::read(&lenient, given)?,
        recipe: recipe.clone(),
        like: None,
        state: Default::default(),
        home: surroundings.home.clone(),
        version: std::sync::OnceLock::new(),
    })
}

fn found(
    recipe: &std::sync::Arc<Recipe>,
    given: &Map<String, Value>,
    arguments: BTreeMap<String, String>,
    seeker: &ToolItem,
) -> Result<Found, Refused> {
    let mut all = given.clone();
    all.insert(RECIPE.to_owned(), Value::String(recipe.id.clone()));
    all.extend(
        arguments
            .into_iter()
            .map(|(name, value)| (name, Value::String(value))),
    );
    let item = ToolItem {
        definition: Definition::read(recipe, &all)?,
        ..seeker.clone()
    };
    let listed = item.listed(None);
    Ok(Found {
        name: listed.name,
        comment: listed.comment,
        arguments: all,
    })
}
