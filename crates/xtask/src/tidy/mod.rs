//! Checks the rules of the tree that the compiler does not: the crate map, dependencies, names and text.
//!
//! Every rule is a plain function from a value (the text of the tree, the dependency graph) to the breaches that it
//! sees, so its test shows it a made-up tree that breaks it.

mod code;
mod graph;
mod layout;
mod licences;
mod links;
mod map;
mod text;

use std::fmt;

use anyhow::Result;

use crate::tree::Tree;
use crate::{report, run, schema};

/// One broken rule at one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Breach {
    /// The file that breaks the rule, from the root of the workspace.
    file: String,
    /// Line, counted from one, where there is one.
    line: Option<usize>,
    /// Name of the rule.
    rule: &'static str,
    /// What is wrong and why it matters.
    why: String,
}

impl Breach {
    fn new(file: impl Into<String>, rule: &'static str, why: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: None,
            rule,
            why: why.into(),
        }
    }

    fn at(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}: {}", self.rule, self.why)
    }
}

/// Checks everything; `false` means that there are breaches, which were printed.
pub(crate) fn run() -> Result<bool> {
    let root = run::workspace();
    let tree = Tree::read(&root)?;
    let graph = graph::Graph::read()?;
    let mut breaches = Vec::new();
    breaches.extend(map::breaches(&tree, &graph));
    breaches.extend(layout::breaches(&tree));
    breaches.extend(text::breaches(&tree));
    breaches.extend(links::breaches(&tree));
    breaches.extend(licences::breaches(&tree, &graph));
    for path in schema::stale()? {
        breaches.push(Breach::new(
            path,
            "generated",
            "out of date; run `cargo xtask schema`",
        ));
    }
    breaches.sort();
    for breach in &breaches {
        report::line(breach);
    }
    if breaches.is_empty() {
        report::line(format_args!(
            "tidy: {} files, {} crates, no breach",
            tree.paths.len(),
            graph.crates.len()
        ));
    } else {
        report::line(format_args!("tidy: breaches: {}", breaches.len()));
    }
    Ok(breaches.is_empty())
}
