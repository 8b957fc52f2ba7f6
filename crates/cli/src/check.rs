//! `check`: whether a handler keeps the contract, obligation by obligation.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use serde_json::{Map, Value, json};
use syncmgr_control::{ExitCode, Refusal, registration};

use crate::look::Mark;
use crate::register::bad_class;
use crate::screen::Screen;
use crate::table::{Cell, Table};
use crate::talk::Verdict;
use crate::target::{Origin, absolute};
use crate::text::harmless;
use crate::world::Program;

/// Columns that what was seen is indented by.
const INDENT: usize = 7;

/// What is to be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckSubject {
    /// A program and its arguments.
    Command(Vec<OsString>),
    /// A program, or a shared library with perhaps one of its classes.
    Path(PathBuf, Option<String>),
    /// A class, registered or known to the system, as it is spelled everywhere.
    Class(String),
    /// A registered handler, else the file of that name here.
    Word(String, PathBuf),
}

/// A check that somebody wants.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckWish {
    /// What is to be checked.
    pub subject: CheckSubject,
    /// Only these numbers; all when empty.
    pub only: Vec<String>,
    /// Keep the scratch directory.
    pub keep: bool,
    /// How long work may take, in milliseconds; absent for the usual limit.
    pub timeout_ms: Option<u64>,
    /// Arguments of items to be made before, one object an item.
    pub define: Vec<Map<String, Value>>,
    /// The time in milliseconds since 1970-01-01T00:00:00Z.
    pub now_ms: i64,
}

/// Which scenario of a check is played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckStep {
    /// In words.
    pub scenario: String,
    /// Its number, from 1 on.
    pub number: usize,
    /// How many there are at most.
    pub of: usize,
}

/// What became of one obligation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckOutcome {
    /// It is kept as far as could be seen.
    Passed,
    /// It should be kept, and is not.
    Warned,
    /// It must be kept, and is not.
    Failed,
    /// Nothing of it could be seen.
    NotApplicable,
}

/// One obligation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckRow {
    /// Its number.
    pub id: String,
    /// What is required.
    pub requirement: String,
    /// What became of it.
    pub outcome: CheckOutcome,
    /// What was seen, or why nothing was.
    pub seen: String,
}

/// What a check found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    /// What the handler calls itself.
    pub name: Option<String>,
    /// The obligations in the order of their numbers.
    pub rows: Vec<CheckRow>,
    /// How many instances were started.
    pub instances: usize,
    /// The scratch directory, when it was kept.
    pub kept: Option<PathBuf>,
}

impl CheckOutcome {
    fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Warned => "warning",
            Self::Failed => "failed",
            Self::NotApplicable => "not-applicable",
        }
    }

    fn mark(self) -> Mark {
        match self {
            Self::Passed => Mark::Good,
            Self::Warned => Mark::Warning,
            Self::Failed => Mark::Failed,
            Self::NotApplicable => Mark::Off,
        }
    }
}

/// Finds out what the words name.
pub(crate) fn subject(
    what: Option<OsString>,
    class: Option<String>,
    command: Vec<OsString>,
    origin: Origin<'_>,
) -> Result<CheckSubject, Refusal> {
    let Some(what) = what else {
        return Ok(CheckSubject::Command(command));
    };
    let text = what.to_str();
    if let Some(id) = text.and_then(registration::class) {
        return match class {
            None => Ok(CheckSubject::Class(id)),
            Some(_) => Err(Refusal::new(
                "cli::usage",
                "a class has no classes",
                "write: syncmgr check LIBRARY --class CLSID",
            )),
        };
    }
    if let Some(text) = text.filter(|text| text.starts_with('{')) {
        return Err(bad_class(text));
    }
    let class = class
        .map(|text| registration::class(&text).ok_or_else(|| bad_class(&text)))
        .transpose()?;
    let path = absolute(OsStr::new(&what), origin).map_err(|error| error.refusal("check"))?;
    // No identity looks like a path.
    let word = text.filter(|text| !text.starts_with(['.', '~']) && !text.contains(['/', '\\']));
    Ok(match word {
        Some(word) if class.is_none() => CheckSubject::Word(word.to_owned(), path),
        _ => CheckSubject::Path(path, class),
    })
}

/// Reads the arguments of items.
pub(crate) fn definitions(texts: Vec<String>) -> Result<Vec<Map<String, Value>>, Refusal> {
    texts
        .into_iter()
        .map(|text| {
            serde_json::from_str(&text).map_err(|error| {
                Refusal::new(
                    "cli::usage",
                    "--define takes a JSON object",
                    r#"such as: --define '{"left": "{scratch}/left", "right": "{scratch}/right"}'"#,
                )
                .because(&error)
            })
        })
        .collect()
}

/// Has the program check, and prints what it found.
pub(crate) fn check(
    program: &dyn Program,
    wish: CheckWish,
    screen: &mut Screen,
    redraw: bool,
) -> Result<Verdict, Refusal> {
    if redraw {
        screen.begin_live();
    }
    let report = program.check(wish, &mut |step: CheckStep| {
        let CheckStep {
            scenario,
            number,
            of,
        } = step;
        screen.show(&[format!("{number}/{of} {}", harmless(&scenario))]);
    });
    screen.end_live();
    Ok(print(&report?, screen))
}

fn print(report: &CheckReport, screen: &mut Screen) -> Verdict {
    let look = screen.look;
    let mut table = Table::new(&["", "NUMBER", "REQUIRED", "SEEN"]);
    let bad = |row: &&CheckRow| matches!(row.outcome, CheckOutcome::Warned | CheckOutcome::Failed);
    for row in &report.rows {
        screen.object(&json!({
            "id": row.id,
            "requirement": row.requirement,
            "outcome": row.outcome.word(),
            "seen": row.seen,
        }));
        let mark = row.outcome.mark();
        table.row(vec![
            Cell::new(look.glyph(mark)).marked(mark),
            Cell::new(&row.id),
            Cell::new(&row.requirement),
            Cell::new(&row.seen),
        ]);
    }
    if !screen.quiet() && !report.rows.is_empty() {
        screen.lines(table.lines(&look));
        screen.line("");
    }
    // A table may be cut at the edge of the terminal; what is broken is told in full.
    for row in report.rows.iter().filter(bad) {
        let mark = look.mark(row.outcome.mark());
        screen.line(format!("{mark} {} {}", row.id, harmless(&row.requirement)));
        screen.wrapped(INDENT, &harmless(&row.seen));
    }
    if let Some(kept) = &report.kept {
        screen.line(format!(
            "The scratch directory is kept: {}",
            harmless(&kept.display().to_string())
        ));
    }
    verdict(report)
}

fn verdict(report: &CheckReport) -> Verdict {
    let count = |outcome| {
        let rows = report.rows.iter().filter(|row| row.outcome == outcome);
        rows.count()
    };
    let failed = count(CheckOutcome::Failed);
    let warned = count(CheckOutcome::Warned);
    let passed = count(CheckOutcome::Passed);
    let open = count(CheckOutcome::NotApplicable);
    let name = report.name.as_deref().map(harmless);
    let name = name.filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| "The handler".to_owned());
    let (what, exit) = match (failed, warned) {
        (1.., _) => ("breaks the contract", ExitCode::Failed),
        (0, 1..) => ("keeps the contract, with warnings", ExitCode::Warnings),
        (0, 0) => ("keeps the contract", ExitCode::Good),
    };
    let mut numbers = Vec::new();
    for (number, word) in [
        (failed, "failed"),
        (warned, "warned about"),
        (passed, "passed"),
        (open, "not applicable"),
    ] {
        if number > 0 {
            numbers.push(format!("{number} {word}"));
        }
    }
    let sentence = format!("{name} {what}: {}.", numbers.join(", "));
    Verdict::said(sentence, exit)
        .with("handler", report.name.clone())
        .with("failed", failed)
        .with("warnings", warned)
        .with("passed", passed)
        .with("notApplicable", open)
        .with("instances", report.instances)
        .with(
            "kept",
            report.kept.as_ref().map(|kept| kept.display().to_string()),
        )
}
