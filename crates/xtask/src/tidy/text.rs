//! Rules about what stands in the files.

use super::Breach;
use super::code::{code_only, words};
use crate::tree::Tree;

/// A longer file is several concepts in one.
const RUST_MAX_LINES: usize = 1000;

/// Macros that stand for work not done.
const UNFINISHED: &[&str] = &["todo", "unimplemented"];

/// Places of one machine that mean nothing on another. Split, so that this file does not name them itself.
const MACHINE_PATHS: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/work", "space/"),
    concat!("/tmp/", "target-"),
    concat!("/tmp/", "brief"),
    concat!("/tmp/", "bash_jobs"),
];

/// Hosts of package registries; a build must not depend on which one a machine uses.
const REGISTRY_HOSTS: &[&str] = &[
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("https://", "crates.io"),
    concat!("registry.", "npmjs.org"),
    concat!("files.", "pythonhosted.org"),
    concat!("https://", "pypi.org"),
    concat!("proxy.", "golang.org"),
    concat!("deb.", "debian.org"),
];

/// Answers every breach of the rules about text.
pub(crate) fn breaches(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    for (path, text) in tree.rust() {
        let code = code_only(text);
        found.extend(unsafe_places(path, &code));
        found.extend(unfinished(path, &code));
        found.extend(too_long(path, text));
    }
    for (path, text) in &tree.texts {
        found.extend(foreign_places(path, text));
    }
    found
}

/// Says whether a file is one of those that may hold `unsafe`: `sys`, `com`, `sys_…`, `com_…`, or below `sys/` or `com/`.
fn may_be_unsafe(path: &str) -> bool {
    let source = path
        .split_once("/src/")
        .or_else(|| path.split_once("/tests/"))
        .map_or(path, |(_, source)| source);
    source.split('/').any(|part| {
        let stem = part.strip_suffix(".rs").unwrap_or(part);
        ["sys", "com"].iter().any(|name| {
            stem.strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        })
    })
}

fn unsafe_places(path: &str, code: &str) -> Vec<Breach> {
    if may_be_unsafe(path) {
        return Vec::new();
    }
    words(code)
        .filter(|(_, word)| *word == "unsafe")
        .map(|(line, _)| {
            Breach::new(
                path,
                "unsafe",
                "`unsafe` belongs in a file named `sys…` or `com…`, where it is looked for",
            )
            .at(line)
        })
        .collect()
}

fn unfinished(path: &str, code: &str) -> Vec<Breach> {
    let mut found = Vec::new();
    for (line, text) in code.lines().enumerate() {
        for name in UNFINISHED {
            let call = text.match_indices(name).any(|(at, _)| {
                let before = text[..at].chars().next_back();
                macro_call(&text[at + name.len()..])
                    && !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
            });
            if call {
                found.push(
                    Breach::new(
                        path,
                        "unfinished",
                        format!("`{name}!` is a stub; what is there must work"),
                    )
                    .at(line + 1),
                );
            }
        }
    }
    found
}

/// Says whether what follows a name makes it the call of a macro; `name != other` does not.
fn macro_call(after: &str) -> bool {
    after
        .trim_start()
        .strip_prefix('!')
        .is_some_and(|rest| rest.trim_start().starts_with(['(', '[', '{']))
}

fn too_long(path: &str, text: &str) -> Option<Breach> {
    let lines = text.lines().count();
    (lines > RUST_MAX_LINES).then(|| {
        Breach::new(
            path,
            "length",
            format!("{lines} lines, more than {RUST_MAX_LINES}; one concept a file"),
        )
    })
}

fn foreign_places(path: &str, text: &str) -> Vec<Breach> {
    let mut found = Vec::new();
    // The lock file names the public index as the source of every package; Cargo writes it.
    let lock = path == "Cargo.lock" || path.ends_with("/Cargo.lock");
    for (line, text) in text.lines().enumerate() {
        for place in MACHINE_PATHS {
            let whole = text.match_indices(place).any(|(at, _)| {
                !text[..at].ends_with(|c: char| {
                    c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '}' | ')')
                })
            });
            if whole {
                found.push(
                    Breach::new(
                        path,
                        "machine path",
                        format!("`{place}` exists on one machine only"),
                    )
                    .at(line + 1),
                );
            }
        }
        for host in REGISTRY_HOSTS {
            if !lock && text.contains(host) {
                found.push(
                    Breach::new(
                        path,
                        "registry host",
                        format!("`{host}` ties the tree to one registry"),
                    )
                    .at(line + 1),
                );
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<&'static str> {
        let mut tree = Tree::default();
        tree.add(path, Some(text.to_owned()));
        breaches(&tree)
            .into_iter()
            .map(|breach| breach.rule)
            .collect()
    }

    #[test]
    fn unsafe_is_seen_outside_its_files_only() {
        let text = "fn f() { unsafe { g() } }";
        assert_eq!(rules("crates/a/src/lib.rs", text), ["unsafe"]);
        assert_eq!(rules("crates/a/src/command.rs", text), ["unsafe"]);
        assert_eq!(rules("crates/com/src/lib.rs", text), ["unsafe"]);
        assert_eq!(rules("crates/a/src/sys_unix.rs", text), [""; 0]);
        assert_eq!(rules("crates/a/src/sys/unix.rs", text), [""; 0]);
        assert_eq!(rules("crates/a/src/com_vtable.rs", text), [""; 0]);
        assert_eq!(
            rules(
                "crates/a/src/lib.rs",
                "// unsafe\n#[deny(unsafe_code)] const A: &str = \"unsafe\";"
            ),
            [""; 0]
        );
    }

    #[test]
    fn stubs_are_seen() {
        assert_eq!(
            rules("crates/a/src/lib.rs", "fn f() { todo!() }"),
            ["unfinished"]
        );
        assert_eq!(
            rules("crates/a/src/lib.rs", "fn f() { unimplemented ! (\"x\") }"),
            ["unfinished"]
        );
        assert_eq!(
            rules(
                "crates/a/src/lib.rs",
                "fn todo() -> bool { todo != my_todo!() }"
            ),
            [""; 0]
        );
    }

    #[test]
    fn long_files_are_seen() {
        assert_eq!(
            rules("crates/a/src/lib.rs", &"\n".repeat(RUST_MAX_LINES)),
            [""; 0]
        );
        assert_eq!(
            rules("crates/a/src/lib.rs", &"\n".repeat(RUST_MAX_LINES + 1)),
            ["length"]
        );
        assert_eq!(
            rules("docs/long.md", &"\n".repeat(RUST_MAX_LINES + 1)),
            [""; 0]
        );
    }

    #[test]
    fn places_of_one_machine_are_seen() {
        for place in MACHINE_PATHS {
            assert_eq!(
                rules("README.md", &format!("run `{place}x`")),
                ["machine path"],
                "{place}"
            );
        }
        assert_eq!(
            rules(
                "README.md",
                concat!("see docs/wo", "rk/one.md and ~/wo", "rk/two")
            ),
            ["machine path"]
        );
        assert_eq!(
            rules("README.md", concat!("see docs/wo", "rk/one.md")),
            [""; 0]
        );
    }

    #[test]
    fn registry_hosts_are_seen_outside_the_lock_file() {
        for host in REGISTRY_HOSTS {
            assert_eq!(
                rules("CONTRIBUTING.md", &format!("from {host}/x")),
                ["registry host"],
                "{host}"
            );
            assert_eq!(
                rules("Cargo.lock", &format!("source = \"{host}/x\"")),
                [""; 0]
            );
        }
    }
}
