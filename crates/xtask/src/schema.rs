//! Documents that are generated from code, and the check that they are current.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{report, run};

/// One generated document.
struct Document {
    /// Where it is kept, from the root of the workspace.
    path: &'static str,
    /// Makes its text.
    make: fn() -> Result<String>,
}

/// Every generated document: a new one is one more entry here.
const DOCUMENTS: &[Document] = &[
    Document {
        path: "docs/handler-schema.json",
        make: || pretty(&syncmgr_handler::schema()),
    },
    Document {
        path: "docs/openapi.json",
        make: openapi,
    },
];

/// The document of the API is made by a program of its own: the tasks themselves take nothing asynchronous.
fn openapi() -> Result<String> {
    let words = "run --quiet --package syncmgr-center --features schema --example openapi";
    let output = run::cargo()
        .args(words.split(' '))
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("could not start cargo")?;
    if !output.status.success() {
        bail!("the program that makes it failed");
    }
    pretty(&serde_json::from_slice(&output.stdout)?)
}

/// Writes a value so that the same value gives the same text in every build: keys in alphabetical order, whatever
/// order the JSON library was built to keep.
fn pretty(value: &Value) -> Result<String> {
    let mut text = serde_json::to_string_pretty(&sorted(value))?;
    text.push('\n');
    Ok(text)
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let by_key: BTreeMap<&String, &Value> = map.iter().collect();
            Value::Object(
                by_key
                    .into_iter()
                    .map(|(key, value)| (key.clone(), sorted(value)))
                    .collect(),
            )
        }
        Value::Array(list) => Value::Array(list.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

/// Writes the documents, or with `check` says which are not current.
pub(crate) fn run(check: bool) -> Result<bool> {
    if check {
        let stale = stale()?;
        for path in &stale {
            report::line(format_args!(
                "{path}: out of date; run `cargo xtask schema`"
            ));
        }
        return Ok(stale.is_empty());
    }
    for document in DOCUMENTS {
        let path = run::workspace().join(document.path);
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        std::fs::write(&path, (document.make)()?)
            .with_context(|| format!("could not write {}", document.path))?;
        report::line(document.path);
    }
    Ok(true)
}

/// Answers the documents whose kept text differs from what the code makes.
pub(crate) fn stale() -> Result<Vec<&'static str>> {
    let mut stale = Vec::new();
    for document in DOCUMENTS {
        let made =
            (document.make)().with_context(|| format!("could not make {}", document.path))?;
        let kept =
            std::fs::read_to_string(run::workspace().join(document.path)).unwrap_or_default();
        if !same(&made, &kept) {
            stale.push(document.path);
        }
    }
    Ok(stale)
}

/// Compares two texts without regard to how lines end, since a checkout may change that.
fn same(made: &str, kept: &str) -> bool {
    made.lines().eq(kept.lines())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_order_at_every_depth() {
        let value = serde_json::from_str(r#"{"b":[{"d":1,"c":2}],"a":0}"#).unwrap();
        let flat: String = pretty(&value).unwrap().split_whitespace().collect();
        assert_eq!(flat, r#"{"a":0,"b":[{"c":2,"d":1}]}"#);
    }

    #[test]
    fn a_changed_line_is_drift_and_line_ends_are_not() {
        assert!(same("a\nb\n", "a\r\nb\r\n"));
        assert!(!same("a\nb\n", "a\n"));
        assert!(!same("a\n", ""));
    }
}
