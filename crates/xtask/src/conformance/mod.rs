//! The table of `docs/conformance.md`: each obligation, the tests that show it, and on what they run.

mod obligation;
mod scan;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};

use self::obligation::{BINARY, HANDLER, MANAGER, REMARKS, TRACE};
use self::scan::{Number, On, Shown};
use crate::tree::Tree;
use crate::{report, run};

/// Where the table is kept.
const PATH: &str = "docs/conformance.md";

/// Most tests that one row names; the rest is counted.
const NAMED: usize = 4;

/// Writes the table, or with `check` says whether it is out of date.
pub(crate) fn run(check: bool) -> Result<bool> {
    let root = run::workspace();
    let tree = Tree::read(&root)?;
    let made = document(&shown(&tree));
    let path = root.join(PATH);
    if check {
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        let current = made.lines().eq(kept.lines());
        if !current {
            report::line(format_args!(
                "{PATH}: out of date; run `cargo xtask conformance`"
            ));
        }
        return Ok(current);
    }
    std::fs::write(&path, made).with_context(|| format!("could not write {PATH}"))?;
    report::line(PATH);
    Ok(true)
}

/// Answers every test of the tree that names an obligation. This program's own tests name them as samples only.
fn shown(tree: &Tree) -> Vec<Shown> {
    let files = tree
        .rust()
        .filter(|(path, _)| path.starts_with("crates/") && !path.starts_with("crates/xtask/"));
    let mut found: Vec<Shown> = files
        .flat_map(|(path, text)| scan::tests(path, text))
        .collect();
    found.sort();
    found
}

/// How an obligation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Shown,
    Reason,
    Open,
}

fn document(tests: &[Shown]) -> String {
    let mut by_number: BTreeMap<Number, Vec<&Shown>> = BTreeMap::new();
    for test in tests {
        for number in test
            .numbers
            .iter()
            .filter(|number| counts(test.on, **number))
        {
            by_number.entry(*number).or_default().push(test);
        }
    }
    let parts = [
        ('M', "Obligations of the manager", MANAGER),
        ('H', "Obligations of a handler", HANDLER),
        ('G', "Golden traces", TRACE),
    ];
    let (mut sums, mut tables) = (String::new(), String::new());
    for (letter, title, words) in parts {
        let mut counts: BTreeMap<Standing, usize> = BTreeMap::new();
        tables.extend([
            "\n## ",
            title,
            "\n\n| | In short | Shown by | On |\n|---|---|---|---|\n",
        ]);
        for (at, words) in words.iter().enumerate() {
            let number = (letter, at + 1);
            let tests = by_number.get(&number).map_or(&[][..], Vec::as_slice);
            let (standing, row) = row(number, words, tests);
            *counts.entry(standing).or_default() += 1;
            tables.push_str(&row);
        }
        let count = |standing| counts.get(&standing).copied().unwrap_or_default();
        let sum = format!(
            "| {title} | {} | {} | {} | {} |\n",
            words.len(),
            count(Standing::Shown),
            count(Standing::Reason),
            count(Standing::Open)
        );
        sums.push_str(&sum);
    }
    format!("{INTRODUCTION}{sums}{tables}")
}

/// Says whether a test on this can show that obligation at all.
fn counts(on: On, (letter, at): Number) -> bool {
    let binary = BINARY
        .iter()
        .any(|(kind, from, to)| *kind == letter && (*from..=*to).contains(&at));
    !binary || matches!(on, On::Library | On::Wine | On::Abi | On::Compiler)
}

/// What stands above the tables.
const INTRODUCTION: &str = "\
# Conformance

Made by `cargo xtask conformance`; do not edit. Each row is one obligation of the contract with Microsoft's SyncMgr
(`mobsync.h`), in a few words, the tests that name it, and on what those run:

- **decisions**: the manager's core alone, without any process.
- **memory**, **stdio**: a handler that speaks messages, in the same process and in one of its own.
- **C++ library**: a class in a shared library, in `comhost` (`cargo xtask suite com`).
- **COM in Wine**: a registered class on Windows, in Wine (`cargo xtask suite windows`).
- **C ABI**: the binary interface within one process. **compiler**: asserted when it is compiled. **part**: another part alone.

A row without a test says why there is none, or is *open*: we do not know.

| | All | Shown by a test | Not shown, with the reason | Open |
|---|---|---|---|---|
";

fn row(number: Number, words: &str, tests: &[&Shown]) -> (Standing, String) {
    let (letter, at) = number;
    let remark = REMARKS
        .iter()
        .find(|(kind, from, to, _)| *kind == letter && (*from..=*to).contains(&at))
        .map(|(_, _, _, why)| *why);
    let on: BTreeSet<On> = tests.iter().map(|test| test.on).collect();
    let mut shown: Vec<String> = Vec::new();
    for test in chosen(tests) {
        shown.push(format!("[`{}`](../{})", test.name, test.path));
    }
    let more = tests.len().saturating_sub(NAMED);
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    let standing = match (tests.is_empty(), remark) {
        (false, _) => Standing::Shown,
        (true, Some(_)) => Standing::Reason,
        (true, None) => Standing::Open,
    };
    let mut shown = shown.join(", ");
    if let Some(remark) = remark {
        let joint = if shown.is_empty() { "" } else { "; " };
        shown.extend([joint, remark]);
    }
    if standing == Standing::Open {
        shown.push_str("*open*");
    }
    let on: Vec<&str> = on.into_iter().map(On::name).collect();
    let row = format!(
        "| {letter}-{at:02} | {words} | {shown} | {} |\n",
        on.join(", ")
    );
    (standing, row)
}

/// Picks the tests that are named: first one of each kind, then in order.
fn chosen<'a>(tests: &[&'a Shown]) -> Vec<&'a Shown> {
    let mut kinds = BTreeSet::new();
    let (first, later): (Vec<&Shown>, Vec<&Shown>) = tests
        .iter()
        .copied()
        .partition(|test| kinds.insert(test.on));
    let mut picked: Vec<&Shown> = first.into_iter().chain(later).take(NAMED).collect();
    picked.sort();
    picked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(name: &str, on: On, number: Number) -> Shown {
        Shown {
            path: "crates/core/tests/golden.rs".to_owned(),
            name: name.to_owned(),
            on,
            numbers: BTreeSet::from([number]),
        }
    }

    #[test]
    fn every_obligation_has_its_row() {
        assert_eq!((MANAGER.len(), HANDLER.len(), TRACE.len()), (180, 50, 18));
        for (letter, from, to, _) in REMARKS {
            let last = match letter {
                'M' => MANAGER.len(),
                'H' => HANDLER.len(),
                _ => TRACE.len(),
            };
            assert!(1 <= *from && from <= to && *to <= last, "{letter}-{from}");
        }
    }

    #[test]
    fn a_row_tells_tests_reasons_and_what_is_open() {
        let one = test("one", On::Decisions, ('M', 7));
        let two = test("two", On::Wine, ('M', 7));
        let link = "](../crates/core/tests/golden.rs)";
        assert_eq!(
            row(('M', 7), "values", &[&one, &two]),
            (
                Standing::Shown,
                format!(
                    "| M-07 | values | [`one`{link}, [`two`{link} | decisions, COM in Wine |\n"
                )
            )
        );
        let (standing, text) = row(('M', 176), "settings", &[]);
        assert!(
            standing == Standing::Reason && text.contains("a view, not a window"),
            "{text}"
        );
        let (standing, text) = row(('M', 7), "values", &[]);
        assert!(
            standing == Standing::Open && text.contains("*open*"),
            "{text}"
        );
    }

    #[test]
    fn each_kind_is_named_before_a_second_of_one() {
        let many: Vec<Shown> = ["a", "b", "c", "d", "e"]
            .iter()
            .map(|name| test(name, On::Decisions, ('M', 1)))
            .chain([test("z", On::Wine, ('M', 1))])
            .collect();
        let many: Vec<&Shown> = many.iter().collect();
        let names: Vec<&str> = chosen(&many)
            .iter()
            .map(|test| test.name.as_str())
            .collect();
        assert_eq!(names, ["a", "b", "c", "z"]);
        assert!(row(('M', 1), "x", &many).1.contains("2 more"));
    }

    #[test]
    fn messages_show_nothing_of_the_binary_interface() {
        let wire = document(&[test("one", On::Stdio, ('M', 51))]);
        assert!(
            wire.contains("| M-51 | the enumerator is released | *open* |"),
            "{wire}"
        );
        let library = document(&[test("one", On::Library, ('M', 51))]);
        assert!(!library.contains("| M-51 | the enumerator is released | *open* |"));
    }

    #[test]
    fn a_new_test_makes_the_kept_table_stale() {
        let before = document(&[]);
        let after = document(&[test("one", On::Decisions, ('M', 83))]);
        assert!(before != after, "the row of M-83 says nothing new");
        assert!(
            before.contains("| Golden traces | 18 | 0 | 0 | 18 |"),
            "{before}"
        );
    }
}
