//! Finds the tests of the tree and the obligations that each names.

use std::collections::BTreeSet;

/// One obligation or trace: its letter and its number.
pub(super) type Number = (char, usize);

/// A test that names obligations.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shown {
    /// Its file, from the root of the workspace.
    pub(super) path: String,
    /// Its function.
    pub(super) name: String,
    /// On what it runs.
    pub(super) on: On,
    /// What it names.
    pub(super) numbers: BTreeSet<Number>,
}

/// Between whom a test lets the contract run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum On {
    /// The core alone.
    Decisions,
    /// Messages through memory.
    Memory,
    /// Messages of another process.
    Stdio,
    /// A C++ library in `comhost`.
    Library,
    /// COM under Wine.
    Wine,
    /// The binary interface in one process.
    Abi,
    /// The compiler.
    Compiler,
    /// Any other part alone.
    Part,
}

impl On {
    /// Says it as the table does.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Decisions => "decisions",
            Self::Memory => "memory",
            Self::Stdio => "stdio",
            Self::Library => "C++ library",
            Self::Wine => "COM in Wine",
            Self::Abi => "C ABI",
            Self::Compiler => "compiler",
            Self::Part => "part",
        }
    }

    fn of(path: &str, name: &str, head: &str) -> Self {
        let by_name = [
            ("_memory", Self::Memory),
            ("_stdio", Self::Stdio),
            ("_library", Self::Library),
            ("_wine", Self::Wine),
        ];
        if let Some((_, on)) = by_name.iter().find(|(end, _)| name.ends_with(end)) {
            return *on;
        }
        let by_suite = [
            ("suite com", Self::Library),
            ("suite windows", Self::Wine),
            ("suite examples", Self::Stdio),
        ];
        if let Some((_, on)) = by_suite.iter().find(|(suite, _)| head.contains(suite)) {
            return *on;
        }
        if path.ends_with("/com_server.rs") {
            return Self::Abi;
        }
        let mut parts = path.split('/').skip(1);
        let (name, place) = (parts.next(), parts.next());
        match (name, place) {
            (Some("core"), _) => Self::Decisions,
            (Some("handler"), _) => Self::Memory,
            (Some("host"), Some("tests")) if !path.ends_with("/memory.rs") => Self::Stdio,
            (Some("host"), _) => Self::Memory,
            (Some("conformance" | "daemon" | "syncmgr"), Some("tests")) => Self::Stdio,
            (Some("comhost"), Some("tests")) => Self::Library,
            (Some("com" | "comhost" | "comserver"), _) => Self::Abi,
            _ => Self::Part,
        }
    }
}

/// Answers the tests of one file of the tree that name an obligation.
pub(super) fn tests(path: &str, text: &str) -> Vec<Shown> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at].trim();
        if is_test(line) {
            let (start, end) = (start_of(&lines, at), end_of(&lines, at));
            let name = lines[at..=end].iter().find_map(|line| function(line));
            if let Some(name) = name {
                let head = lines[start..=at + 2.min(end - at)].join("\n");
                let mut numbers = cited(&lines[start..=end].join("\n"));
                numbers.extend(named(name));
                found.push((name.to_owned(), head, numbers));
            }
            at = end;
        } else if line == "golden! {" {
            let end = end_of(&lines, at);
            found.extend(golden(&lines[at + 1..end]));
            at = end;
        } else if line.starts_with("const _: () =") {
            let start = start_of(&lines, at);
            // Such assertions stand for the whole file, and its head says for what.
            let head = lines.iter().take_while(|line| line.starts_with("//!"));
            let mut numbers = cited(&head.copied().collect::<Vec<_>>().join("\n"));
            numbers.extend(cited(&lines[start..at].join("\n")));
            found.push((COMPILED.to_owned(), String::new(), numbers));
        }
        at += 1;
    }
    let shown = |(name, head, numbers): (String, String, BTreeSet<Number>)| {
        let on = if name == COMPILED {
            On::Compiler
        } else {
            On::of(path, &name, &head)
        };
        Shown {
            path: path.to_owned(),
            name,
            on,
            numbers,
        }
    };
    let mut found: Vec<Shown> = found.into_iter().map(shown).collect();
    found.retain(|shown| !shown.numbers.is_empty());
    found
}

/// The name under which assertions of the compiler are shown.
const COMPILED: &str = "const _: ()";

/// The golden traces are a table: comments, then `"G-01": one name for each transport;`.
fn golden(lines: &[&str]) -> Vec<(String, String, BTreeSet<Number>)> {
    let (mut found, mut comment) = (Vec::new(), String::new());
    for line in lines.iter().map(|line| line.trim()) {
        if let Some(text) = line.strip_prefix("//") {
            comment.push_str(text);
        } else if let Some((trace, names)) = line.split_once(':') {
            let mut numbers = cited(trace);
            numbers.extend(cited(&comment));
            for name in names.trim_end_matches(';').split_whitespace() {
                found.push((name.to_owned(), String::new(), numbers.clone()));
            }
            comment.clear();
        }
    }
    found
}

fn is_test(line: &str) -> bool {
    line == "#[test]" || line.starts_with("#[tokio::test")
}

fn function(line: &str) -> Option<&str> {
    let line = line.trim();
    let rest = line
        .strip_prefix("fn ")
        .or_else(|| line.strip_prefix("async fn "))?;
    rest.split(['(', '<']).next()
}

/// Goes up over the comments and attributes of what stands here.
fn start_of(lines: &[&str], at: usize) -> usize {
    let above = lines[..at].iter().rev().take_while(|line| {
        let line = line.trim();
        line.starts_with("//") && !line.starts_with("//!") || line.starts_with("#[")
    });
    at - above.count()
}

/// Goes down to the closing brace of what stands here; the tree is formatted, so that its indentation tells it.
fn end_of(lines: &[&str], at: usize) -> usize {
    let indent = lines[at].len() - lines[at].trim_start().len();
    let closing = |line: &&str| {
        line.len() - line.trim_start().len() == indent && line.trim_start().starts_with('}')
    };
    lines[at..]
        .iter()
        .position(closing)
        .map_or(lines.len() - 1, |down| at + down)
}

/// Answers what a text names: `M-04`, and `M-04 to M-09` or `M-104..M-109` for all between.
fn cited(text: &str) -> BTreeSet<Number> {
    let (mut all, mut last) = (BTreeSet::new(), None);
    let mut rest = text;
    while let Some((before, number, after)) = next_number(rest) {
        if let Some((letter, from)) = last
            && ["to", "..", "..=", "–"].contains(&before.trim().trim_matches('`'))
            && letter == number.0
        {
            all.extend((from..number.1).map(|between| (letter, between)));
        }
        all.insert(number);
        last = Some(number);
        rest = after;
    }
    all
}

/// Finds the first `M-04` with what stands before and after it.
fn next_number(text: &str) -> Option<(&str, Number, &str)> {
    let mut from = 0;
    loop {
        let at = from + text[from..].find(['M', 'H', 'G'])?;
        let after = &text[at + 1..];
        let letter = text[at..].chars().next()?;
        let alone = !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '-' || c == '_');
        if let Some(digits) = after.strip_prefix('-') {
            let length = digits.bytes().take_while(u8::is_ascii_digit).count();
            if alone
                && (2..=3).contains(&length)
                && let Ok(number) = digits[..length].parse()
            {
                return Some((&text[..at], (letter, number), &digits[length..]));
            }
        }
        from = at + 1;
    }
}

/// Answers what the name of a function names: `g_01_manual`, `a_skip_is_told_once_m_107`.
fn named(name: &str) -> BTreeSet<Number> {
    let parts: Vec<&str> = name.split('_').collect();
    let number = |pair: &[&str]| {
        let letter = match pair[0] {
            "m" => 'M',
            "h" => 'H',
            "g" => 'G',
            _ => return None,
        };
        let digits = pair[1];
        (2..=3)
            .contains(&digits.len())
            .then(|| digits.parse().ok())
            .flatten()
            .map(|number| (letter, number))
    };
    parts.windows(2).filter_map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str, expected: &[(&str, On, &[Number])]) {
        let found = super::tests(path, text);
        let found: Vec<_> = found
            .iter()
            .map(|shown| {
                let numbers: Vec<_> = shown.numbers.iter().copied().collect();
                (shown.name.as_str(), shown.on, numbers)
            })
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(name, on, numbers)| (*name, *on, numbers.to_vec()))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn a_test_shows_what_its_comment_its_body_and_its_name_say() {
        let text = "\
fn other() {
    // M-01
}

/// Tells it once (M-04).
#[test]
fn a_skip_m_107() {
    let brace = \"}\";
    one(); // H-16, not XM-17, M-1 or M-1234
}

#[tokio::test(flavor = \"multi_thread\")]
async fn says_nothing() {}
";
        let expected: &[(&str, On, &[Number])] = &[(
            "a_skip_m_107",
            On::Decisions,
            &[('H', 16), ('M', 4), ('M', 107)],
        )];
        check("crates/core/src/x.rs", text, expected);
    }

    #[test]
    fn ranges_are_all_between() {
        let all = |text: &str| {
            let numbers = cited(text).into_iter().map(|(_, number)| number);
            numbers.collect::<Vec<_>>()
        };
        assert_eq!(all("M-04 to M-06 and M-09"), [4, 5, 6, 9]);
        assert_eq!(all("M-104..M-106, M-110"), [104, 105, 106, 110]);
        assert_eq!(all("M-06 to H-09"), [9, 6]);
    }

    #[test]
    fn where_a_test_runs_is_seen() {
        let test = |name: &str| format!("#[test]\nfn {name}() {{\n    // M-02\n}}\n");
        let two: &[Number] = &[('M', 2)];
        for (path, name, on) in [
            ("crates/host/tests/memory.rs", "a", On::Memory),
            ("crates/host/tests/hostile.rs", "a", On::Stdio),
            ("crates/comhost/tests/x.rs", "a", On::Library),
            ("crates/daemon/tests/golden/main.rs", "a_wine", On::Wine),
            ("crates/com/src/com_text.rs", "a", On::Abi),
            ("crates/store/src/write.rs", "a", On::Part),
        ] {
            check(path, &test(name), &[(name, on, two)]);
        }
        let ignored =
            "#[test]\n#[ignore = \"needs g++: cargo xtask suite com\"]\nfn a() {\n    // M-02\n}\n";
        check(
            "crates/daemon/tests/x.rs",
            ignored,
            &[("a", On::Library, two)],
        );
    }

    #[test]
    fn tables_and_assertions_count() {
        let traces = "golden! {\n    // M-31, M-47\n    \"G-01\": one_memory one_stdio;\n    \"G-02\": two_memory;\n}\n";
        check(
            "crates/daemon/tests/golden/main.rs",
            traces,
            &[
                ("one_memory", On::Memory, &[('G', 1), ('M', 31), ('M', 47)]),
                ("one_stdio", On::Stdio, &[('G', 1), ('M', 31), ('M', 47)]),
                ("two_memory", On::Memory, &[('G', 2)]),
            ],
        );
        let layout = "//! Structures (M-06).\n\nconst _: () = {\n    assert!(true);\n};\n";
        check(
            "crates/com/src/structure.rs",
            layout,
            &[(COMPILED, On::Compiler, &[('M', 6)])],
        );
    }
}
