//! `uninstall`: all traces of the program are removed, and nothing of anybody's own.

use std::path::PathBuf;

use serde_json::json;
use syncmgr_control::{ExitCode, Refusal};

use crate::look::Mark;
use crate::screen::Screen;
use crate::talk::Verdict;
use crate::text::harmless;
use crate::when;
use crate::world::{Keyboard, Program};

/// What a trace of the program is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftoverKind {
    /// A crontab line or a timer that was turned off when it was imported.
    Original,
    /// The daemon, or the service that starts it.
    Service,
    /// Configuration, history, state: what a later installation would go on with.
    Data,
    /// What runs put aside for undo; a person may still want it.
    Kept,
    /// A file that was made for us somewhere else, such as completions or the mark at a folder's root.
    File,
}

impl LeftoverKind {
    fn word(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Service => "service",
            Self::Data => "data",
            Self::Kept => "kept",
            Self::File => "file",
        }
    }
}

/// A trace of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// What it is.
    pub kind: LeftoverKind,
    /// Where it is, or what, for people.
    pub what: String,
    /// How many files it has, where that says something.
    pub files: u64,
    /// How large it is, in bytes.
    pub bytes: u64,
}

/// What was removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uninstalled {
    /// What was done, as fragments, in its order.
    pub done: Vec<String>,
    /// What is left, and why.
    pub left: Vec<(PathBuf, String)>,
}

/// Shows what would be removed, asks, and has it removed.
pub(crate) fn uninstall(
    program: &dyn Program,
    keep_data: bool,
    yes: bool,
    keyboard: Option<Box<dyn Keyboard>>,
    screen: &mut Screen,
) -> Result<Verdict, Refusal> {
    let mut found = program.leftovers()?;
    found.retain(|leftover| {
        !(keep_data && matches!(leftover.kind, LeftoverKind::Data | LeftoverKind::Kept))
    });
    if found.is_empty() {
        return Ok(Verdict::said(
            "Nothing of syncmgr is left on this machine.",
            ExitCode::Good,
        ));
    }
    for leftover in &found {
        screen.object(&json!({
            "kind": leftover.kind.word(),
            "what": leftover.what,
            "files": leftover.files,
            "bytes": leftover.bytes,
        }));
        let size = if leftover.files > 0 {
            format!(
                " ({}, {})",
                when::count(leftover.files, "file"),
                when::size(leftover.bytes)
            )
        } else {
            String::new()
        };
        let (mark, text) = match leftover.kind {
            LeftoverKind::Original => (
                Mark::Good,
                format!("would be brought back: {}", leftover.what),
            ),
            LeftoverKind::Service => (
                Mark::Waiting,
                format!("would be ended and removed: {}", leftover.what),
            ),
            LeftoverKind::Data | LeftoverKind::File => (
                Mark::Waiting,
                format!("would be removed: {}{size}", leftover.what),
            ),
            LeftoverKind::Kept => (
                Mark::Warning,
                format!(
                    "would be lost, with every undo: versions kept in {}{size}",
                    leftover.what
                ),
            ),
        };
        if !yes {
            screen.marked(mark, "", &harmless(&text));
        }
    }
    if !yes {
        confirmed(&found, keyboard, screen)?;
    }
    let done = program.uninstall(keep_data)?;
    for text in &done.done {
        screen.object(&json!({"done": text}));
        if !screen.quiet() {
            screen.marked(Mark::Good, "", &harmless(text));
        }
    }
    for (path, why) in &done.left {
        screen.object(&json!({"left": path.display().to_string(), "why": why}));
        let text = format!("{}: left: {why}", path.display());
        screen.marked(Mark::Warning, "", &harmless(&text));
    }
    Ok(if done.left.is_empty() {
        let sentence = if keep_data {
            "syncmgr is removed; its data is where it was, and the program itself is left to be deleted."
        } else {
            "Nothing of syncmgr is left but the program itself, which is yours to delete."
        };
        Verdict::said(sentence, ExitCode::Good)
    } else {
        Verdict::said("Not everything could be removed.", ExitCode::Warnings)
    })
}

/// Asks the person; without one it is refused.
fn confirmed(
    found: &[Leftover],
    keyboard: Option<Box<dyn Keyboard>>,
    screen: &mut Screen,
) -> Result<(), Refusal> {
    let kept = found
        .iter()
        .find(|leftover| leftover.kind == LeftoverKind::Kept);
    let Some(mut keyboard) = keyboard.filter(|_| !screen.json()) else {
        return Err(match kept {
            Some(kept) => Refusal::new(
                "uninstall::kept",
                format!(
                    "{} kept for undo would be lost, in {}",
                    when::count(kept.files, "file"),
                    kept.what
                ),
                "save what you want of them, then: syncmgr uninstall --yes; or leave them there: syncmgr uninstall --keep-data",
            ),
            None => Refusal::new(
                "uninstall::unconfirmed",
                "nobody is there to be asked; nothing was removed",
                "to remove all that is shown: syncmgr uninstall --yes",
            ),
        });
    };
    // What is lost for good is typed, not nodded to.
    let (question, wanted): (&str, &[&str]) = match kept {
        Some(_) => (
            "Versions that were kept for undo would be lost. Type `remove` to go on: ",
            &["remove"],
        ),
        None => ("Remove all of it? [y/N] ", &["y", "yes"]),
    };
    screen.prompt(question);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let line = runtime.ok().and_then(|runtime| {
        let line = runtime.block_on(keyboard.line());
        // A line that nobody will type any more must not be waited for.
        runtime.shutdown_background();
        line.ok().flatten()
    });
    let line = line.unwrap_or_default();
    if wanted.contains(&line.trim().to_lowercase().as_str()) {
        Ok(())
    } else {
        Err(Refusal::new(
            "uninstall::unconfirmed",
            "it was not confirmed; nothing was removed",
            "to remove all that is shown: syncmgr uninstall --yes",
        ))
    }
}
