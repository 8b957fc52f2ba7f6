//! The text of the tree as a value, so that rules over it are plain functions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::run;

/// A file larger than this is not text that a person keeps here.
const TEXT_MAX_BYTES: u64 = 4 * 1024 * 1024;

/// Every tracked text file with its text, and every tracked path.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    /// Text by path from the root, with `/` between the parts.
    pub(crate) texts: BTreeMap<String, String>,
    /// Every file, text or not, and every directory that holds one.
    pub(crate) paths: BTreeSet<String>,
}

impl Tree {
    /// Reads the tree of the workspace: what Git tracks or would, else every file outside `target`.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        for path in listed(root)? {
            let full = root.join(&path);
            // A file that is tracked but was removed from the checkout is no longer part of the tree.
            let Ok(about) = full.symlink_metadata() else {
                continue;
            };
            let text = if about.is_file() && about.len() <= TEXT_MAX_BYTES {
                let bytes =
                    std::fs::read(&full).with_context(|| format!("could not read {path}"))?;
                String::from_utf8(bytes).ok()
            } else {
                None
            };
            tree.add(&path, text);
        }
        Ok(tree)
    }

    /// Adds one file; tests make their trees with it.
    pub(crate) fn add(&mut self, path: &str, text: Option<String>) {
        let mut end = path.len();
        while let Some(slash) = path[..end].rfind('/') {
            self.paths.insert(path[..slash].to_owned());
            end = slash;
        }
        self.paths.insert(path.to_owned());
        if let Some(text) = text {
            self.texts.insert(path.to_owned(), text);
        }
    }

    /// Answers the Rust files with their text.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts
            .iter()
            .filter(|(path, _)| path.ends_with(".rs"))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Answers the names of the directories directly below `crates/`.
    pub(crate) fn crates(&self) -> BTreeSet<&str> {
        self.paths
            .iter()
            .filter_map(|path| path.strip_prefix("crates/")?.split_once('/'))
            .map(|(name, _)| name)
            .collect()
    }
}

fn listed(root: &Path) -> Result<Vec<String>> {
    if root.join(".git").exists() {
        let mut git = run::command("git");
        git.current_dir(root).args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]);
        if let Ok(bytes) = run::output(&mut git) {
            return Ok(String::from_utf8_lossy(&bytes)
                .split('\0')
                .filter(|path| !path.is_empty())
                .map(str::to_owned)
                .collect());
        }
    }
    // A source archive without Git is checked as well.
    let mut files = Vec::new();
    let mut open = vec![String::new()];
    while let Some(directory) = open.pop() {
        for entry in root
            .join(&directory)
            .read_dir()
            .with_context(|| format!("could not list {directory:?}"))?
        {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if directory.is_empty() {
                name.clone()
            } else {
                format!("{directory}/{name}")
            };
            if entry.file_type()?.is_dir() {
                if name != ".git" && name != "target" {
                    open.push(path);
                }
            } else {
                files.push(path);
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_of_files_are_paths_too() {
        let mut tree = Tree::default();
        tree.add("crates/one/src/lib.rs", Some(String::new()));
        tree.add("crates/readme", None);
        assert!(tree.paths.contains("crates/one/src"));
        assert!(tree.paths.contains("crates"));
        assert_eq!(tree.crates().into_iter().collect::<Vec<_>>(), ["one"]);
        assert_eq!(tree.rust().count(), 1);
    }
}
