//! What a name means: an item's, a handler's or a label, compared without case.

use std::collections::BTreeSet;

use syncmgr_control::Refusal;
use syncmgr_core::item::{HandlerRow, ItemRow};
use syncmgr_core::{HandlerId, ItemRef};

use crate::adapt::text;

/// Most candidates that a refusal lists.
const MAX_CANDIDATES: usize = 5;

fn same(a: &str, b: &str) -> bool {
    a == b || a.to_lowercase() == b.to_lowercase()
}

/// The one item of that name.
///
/// # Errors
/// `name::unknown` with the nearest name, `name::ambiguous` with the candidates.
pub(crate) fn item(
    name: &str,
    items: &[&ItemRow],
    handlers: &[&HandlerRow],
) -> Result<ItemRef, Refusal> {
    let found: Vec<&ItemRow> = items
        .iter()
        .copied()
        .filter(|item| is_called(item, name))
        .collect();
    match found.as_slice() {
        [] => Err(unknown(name, items, handlers)),
        [one] => Ok(one.at.clone()),
        several => Err(ambiguous(name, several)),
    }
}

fn is_called(item: &ItemRow, name: &str) -> bool {
    same(&item.name, name) || same(item.at.item.as_str(), name) || same(&item.at.to_string(), name)
}

/// The handler of that id, or the only one of that name.
///
/// # Errors
/// `name::ambiguous` where several are called so.
pub(crate) fn handler(name: &str, handlers: &[&HandlerRow]) -> Result<Option<HandlerId>, Refusal> {
    if let Some(row) = handlers.iter().find(|row| same(row.id.as_str(), name)) {
        return Ok(Some(row.id.clone()));
    }
    let mut called = handlers.iter().filter(|row| same(&row.name, name));
    match (called.next(), called.next()) {
        (None, _) => Ok(None),
        (Some(only), None) => Ok(Some(only.id.clone())),
        (Some(_), Some(_)) => {
            let all = handlers.iter().filter(|row| same(&row.name, name));
            let ids: Vec<&str> = all
                .take(MAX_CANDIDATES)
                .map(|row| row.id.as_str())
                .collect();
            Err(Refusal::new(
                "name::ambiguous",
                format!("several handlers are called `{}`", text::line(name)),
                format!("name one of them by its id: {}", ids.join(", ")),
            ))
        }
    }
}

/// All items that the names mean, each once, in the order of the items; `handler` finds what is no item.
///
/// # Errors
/// As [`item`].
pub(crate) fn items(
    names: &[String],
    all: &[&ItemRow],
    handlers: &[&HandlerRow],
    handler: impl Fn(&str) -> Result<Option<HandlerId>, Refusal>,
) -> Result<Vec<ItemRef>, Refusal> {
    let mut wanted = BTreeSet::new();
    for name in names {
        let direct: Vec<&ItemRow> = all
            .iter()
            .copied()
            .filter(|item| is_called(item, name))
            .collect();
        match direct.as_slice() {
            [one] => {
                wanted.insert(one.at.clone());
                continue;
            }
            [] => {}
            several => return Err(ambiguous(name, several)),
        }
        let handler = handler(name)?;
        let before = wanted.len();
        if let Some(handler) = &handler {
            wanted.extend(
                all.iter()
                    .filter(|item| item.at.handler == *handler)
                    .map(|item| item.at.clone()),
            );
        }
        let labelled = all
            .iter()
            .filter(|item| item.labels.iter().any(|label| same(label, name)));
        wanted.extend(labelled.map(|item| item.at.clone()));
        if handler.is_none() && wanted.len() == before {
            return Err(unknown(name, all, handlers));
        }
    }
    Ok(all
        .iter()
        .filter(|item| wanted.contains(&item.at))
        .map(|item| item.at.clone())
        .collect())
}

fn ambiguous(name: &str, several: &[&ItemRow]) -> Refusal {
    let mut candidates: Vec<String> = several
        .iter()
        .take(MAX_CANDIDATES)
        .map(|item| item.at.to_string())
        .collect();
    if several.len() > MAX_CANDIDATES {
        candidates.push("…".to_owned());
    }
    Refusal::new(
        "name::ambiguous",
        format!("`{name}` names {} items", several.len()),
        format!("name one of them fully: {}", candidates.join(", ")),
    )
}

fn unknown(name: &str, items: &[&ItemRow], handlers: &[&HandlerRow]) -> Refusal {
    let handler = handlers
        .iter()
        .find(|row| same(row.id.as_str(), name) || same(&row.name, name));
    let of_label = |item: &&&ItemRow| item.labels.iter().any(|label| same(label, name));
    if handler.is_some() || items.iter().any(|item| of_label(&item)) {
        let what = if handler.is_some() {
            "handler"
        } else {
            "label"
        };
        let mut some: Vec<&str> = items
            .iter()
            .filter(|item| match handler {
                Some(handler) => item.at.handler == handler.id,
                None => of_label(item),
            })
            .take(MAX_CANDIDATES + 1)
            .map(|item| item.name.as_str())
            .collect();
        if some.len() > MAX_CANDIDATES {
            some.truncate(MAX_CANDIDATES);
            some.push("…");
        }
        return Refusal::new(
            "name::unknown",
            format!("`{name}` is a {what}, and an item is wanted"),
            if some.is_empty() {
                format!("it has no items; `syncmgr sync {name}` asks for them")
            } else {
                format!("name one of its items: {}", some.join(", "))
            },
        );
    }
    let mut known: Vec<&str> = Vec::new();
    for item in items {
        known.push(&item.name);
        known.extend(item.labels.iter().map(String::as_str));
    }
    for handler in handlers {
        known.extend([handler.id.as_str(), handler.name.as_str()]);
    }
    let nearest = known
        .into_iter()
        .map(|candidate| {
            (
                strsim::levenshtein(&candidate.to_lowercase(), &name.to_lowercase()),
                candidate,
            )
        })
        .min()
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(3) / 3);
    let hint = nearest.map_or_else(
        || {
            "`syncmgr list` shows what there is; for two folders, write their paths with a `/`"
                .to_owned()
        },
        |(_, candidate)| format!("did you mean `{candidate}`? `syncmgr list` shows what there is"),
    );
    Refusal::new("name::unknown", format!("nothing is called `{name}`"), hint)
}
