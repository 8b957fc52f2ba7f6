//! The crate map and the dependency rules, as data.
//!
//! The tables below are the rules of ARCHITECTURE.md; a new crate is one more row in [`CRATES`] and in the map there.

use std::collections::{BTreeMap, BTreeSet};

use super::Breach;
use super::graph::Graph;
use crate::tree::Tree;

/// Where the map for people stands.
const ARCHITECTURE: &str = "ARCHITECTURE.md";

/// One crate and what it may know of ours.
struct Crate {
    /// Directory below `crates/`; the package is `syncmgr-` and this, but for the two that people type.
    name: &'static str,
    /// Our crates that it may depend on directly.
    ours: &'static [&'static str],
    /// Packages that may appear nowhere below it.
    never: &'static [&'static str],
    /// Why those are forbidden.
    why: &'static str,
}

/// What nothing synchronous, pure or without a wire may pull in.
const ASYNC: &str = "tokio";

/// Every crate that may exist, with its rules.
const CRATES: &[Crate] = &[
    Crate {
        name: "core",
        ours: &[],
        never: &[
            ASYNC,
            "futures",
            "futures-core",
            "async-trait",
            "serde",
            "serde_core",
            "serde_json",
            "rusqlite",
            "libsqlite3-sys",
            "tracing",
            "tracing-core",
            "log",
            "rustix",
            "libc",
            "nix",
            "windows-sys",
            "jiff",
            "chrono",
        ],
        why: "decisions are pure: no async, clock, file, process, SQL, wire format or log",
    },
    Crate {
        name: "com",
        ours: &[],
        never: &[ASYNC, "serde", "rusqlite"],
        why: "the COM contract stands alone",
    },
    Crate {
        name: "handler",
        // Behind the feature `com`, for authors who ship a handler as a COM class.
        ours: &["com"],
        never: &[ASYNC, "rusqlite", "libloading", "clap", "axum"],
        why: "a handler author must not be made to take a runtime, a store or a command line",
    },
    Crate {
        name: "host",
        ours: &["handler"],
        never: &["rusqlite", "libloading", "clap"],
        why: "reaching a handler needs no SQL and loads no library",
    },
    Crate {
        name: "comhost",
        ours: &["com", "handler"],
        never: &["rusqlite", ASYNC],
        why: "it loads one foreign library and speaks on stdio, nothing more",
    },
    Crate {
        name: "conformance",
        ours: &["handler", "host"],
        never: &["rusqlite", "libloading", "clap", "console"],
        why: "handler authors judge a handler without a manager, a store or a terminal",
    },
    Crate {
        name: "folder",
        ours: &["handler"],
        never: &[ASYNC, "rusqlite", "clap"],
        why: "it is an ordinary handler without a back door",
    },
    Crate {
        name: "tools",
        ours: &["handler"],
        never: &["rusqlite"],
        why: "it is an ordinary handler without a back door",
    },
    Crate {
        name: "control",
        ours: &[],
        never: &["rusqlite", "libloading", "clap", "console"],
        why: "views reach the manager without its parts",
    },
    Crate {
        name: "store",
        ours: &["core"],
        never: &[ASYNC, "futures", "serde_json", "libloading"],
        why: "the store is synchronous and knows no wire format",
    },
    Crate {
        name: "daemon",
        ours: &[
            "bridge", "center", "core", "store", "host", "handler", "control",
        ],
        never: &["libloading", "clap", "console", "miette"],
        why: "the manager loads no library and draws on no terminal",
    },
    Crate {
        name: "center",
        ours: &["control"],
        never: &["rusqlite", "clap", "libloading"],
        why: "a page knows the manager only through the contract with faces",
    },
    Crate {
        name: "bridge",
        ours: &["control"],
        never: &["rusqlite", "clap", "libloading", "console"],
        why: "it reports like any program, and knows the manager only through the contract with faces",
    },
    Crate {
        name: "cli",
        ours: &["control"],
        never: &["rusqlite", "libloading"],
        why: "the command line is a view: it sends requests and formats snapshots",
    },
    Crate {
        name: "tray",
        ours: &["control"],
        never: &["rusqlite", "clap", "libloading"],
        why: "the mark is a view: it knows the manager only through the contract with faces",
    },
    Crate {
        name: "comserver",
        ours: &["com", "control"],
        never: &["rusqlite"],
        why: "it lives in other people's processes and must stay small",
    },
    Crate {
        name: "fleet",
        ours: &["control"],
        never: &["rusqlite"],
        why: "it relays what views may say, and nothing else",
    },
    Crate {
        name: "syncmgr",
        // `control` is the vocabulary in which it hands the daemon's service to the command line.
        ours: &[
            "bridge",
            "cli",
            "conformance",
            "control",
            "daemon",
            "folder",
            "tools",
            "tray",
        ],
        never: &["libloading"],
        why: "foreign libraries are loaded by `comhost`, out of this process",
    },
    Crate {
        name: "sim",
        ours: &[
            "core", "com", "handler", "host", "folder", "tools", "control", "store", "daemon",
            "cli", "fleet",
        ],
        never: &[],
        why: "",
    },
    Crate {
        name: "xtask",
        ours: &["handler", "control"],
        never: &["rusqlite", ASYNC],
        why: "the tasks build fast; from ours they take only what documents are generated from",
    },
];

/// Packages that only the named crates may depend on directly.
const ONLY: &[(&str, &[&str], &str)] = &[
    ("rusqlite", &["store"], "SQL has one home"),
    ("rusqlite_migration", &["store"], "SQL has one home"),
    (
        "libloading",
        &["comhost"],
        "foreign code is loaded in a process of its own",
    ),
    (
        "clap",
        &["cli"],
        "words of the command line are read in one place",
    ),
    (
        "clap_complete",
        &["cli"],
        "words of the command line are read in one place",
    ),
    (
        "clap_mangen",
        &["cli"],
        "words of the command line are read in one place",
    ),
    (
        "console",
        &["cli"],
        "only the command line draws on the terminal",
    ),
    (
        "miette",
        &["cli"],
        "errors are dressed for people at the edge",
    ),
    ("anyhow", &["xtask"], "libraries raise typed errors"),
];

/// Crates that nothing which ships may depend on.
const DEV_ONLY: &[&str] = &["sim", "xtask"];

/// Answers every breach of the crate map and the dependency rules.
pub(crate) fn breaches(tree: &Tree, graph: &Graph) -> Vec<Breach> {
    let mut found = listed(tree);
    for (package, directory) in &graph.crates {
        found.extend(dependencies(graph, package, directory));
    }
    found
}

fn manifest(directory: &str) -> String {
    format!("crates/{directory}/Cargo.toml")
}

fn package(directory: &str) -> String {
    match directory {
        "syncmgr" | "xtask" => directory.to_owned(),
        other => format!("syncmgr-{other}"),
    }
}

fn dependencies(graph: &Graph, name: &str, directory: &str) -> Vec<Breach> {
    let file = manifest(directory);
    let Some(rule) = CRATES.iter().find(|rule| rule.name == directory) else {
        let why = format!(
            "`{directory}` is not in the crate map; a new crate must buy a quarantine, an audience, a binary or a \"must never know\""
        );
        return vec![Breach::new(file, "crate map", why)];
    };
    let mut found = Vec::new();
    if name != package(directory) {
        found.push(Breach::new(
            &*file,
            "crate map",
            format!(
                "the package of crates/{directory} is named `{}`, not `{name}`",
                package(directory)
            ),
        ));
    }
    for need in graph.needs.get(name).into_iter().flatten() {
        if let Some(other) = graph.crates.get(need) {
            if !rule.ours.contains(&other.as_str()) {
                let may = if rule.ours.is_empty() {
                    "none of ours".to_owned()
                } else {
                    rule.ours.join(", ")
                };
                found.push(Breach::new(
                    &*file,
                    "dependency",
                    format!("`{directory}` may depend on {may}, not on `{other}`"),
                ));
            }
            if DEV_ONLY.contains(&other.as_str()) && !DEV_ONLY.contains(&directory) {
                found.push(Breach::new(
                    &*file,
                    "dependency",
                    format!("nothing that ships depends on `{other}`"),
                ));
            }
        }
        if let Some((_, homes, why)) = ONLY.iter().find(|(package, _, _)| package == need)
            && !homes.contains(&directory)
        {
            found.push(Breach::new(
                &*file,
                "dependency",
                format!("`{need}` is for {} alone: {why}", homes.join(", ")),
            ));
        }
    }
    for never in rule.never {
        if let Some(way) = graph.way(name, never) {
            found.push(Breach::new(
                &*file,
                "dependency",
                format!(
                    "`{never}` below `{directory}` ({}): {}",
                    way.join(" → "),
                    rule.why
                ),
            ));
        }
    }
    found
}

/// Compares the map for people with the directories.
fn listed(tree: &Tree) -> Vec<Breach> {
    let directories = tree.crates();
    let Some(text) = tree.texts.get(ARCHITECTURE) else {
        return vec![Breach::new(
            ARCHITECTURE,
            "crate map",
            "there is no such file; it holds the crate map: a table with each crate's name in backticks in the first column",
        )];
    };
    let rows = map_rows(text);
    if rows.is_empty() {
        return vec![Breach::new(
            ARCHITECTURE,
            "crate map",
            "no table whose heading starts with `Crate` and whose first column holds names in backticks",
        )];
    }
    let mut found = Vec::new();
    for (name, line) in &rows {
        if !directories.contains(name.as_str()) {
            found.push(
                Breach::new(
                    ARCHITECTURE,
                    "crate map",
                    format!("`{name}` is listed, but crates/{name} does not exist"),
                )
                .at(*line),
            );
        }
    }
    let names: BTreeSet<&str> = rows.keys().map(String::as_str).collect();
    for missing in directories.difference(&names) {
        found.push(Breach::new(
            ARCHITECTURE,
            "crate map",
            format!("crates/{missing} exists, but is not listed"),
        ));
    }
    found
}

/// Answers the names in the tables whose first heading is `Crate`, with their lines.
fn map_rows(text: &str) -> BTreeMap<String, usize> {
    let mut rows = BTreeMap::new();
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        let Some(first) = line
            .trim()
            .strip_prefix('|')
            .and_then(|rest| rest.split('|').next())
        else {
            inside = false;
            continue;
        };
        let first = first.trim();
        if first.eq_ignore_ascii_case("crate") {
            inside = true;
        } else if inside && let Some(name) = first.split('`').nth(1) {
            rows.insert(name.trim_start_matches("syncmgr-").to_owned(), number + 1);
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &[&str])]) -> Graph {
        let mut graph = Graph::default();
        for (name, needs) in edges {
            if let Some(directory) = name
                .strip_prefix("syncmgr-")
                .or(["syncmgr", "xtask"].into_iter().find(|own| own == name))
            {
                graph
                    .crates
                    .insert((*name).to_owned(), directory.to_owned());
            }
            graph.needs.insert(
                (*name).to_owned(),
                needs.iter().map(|need| (*need).to_owned()).collect(),
            );
        }
        graph
    }

    fn check(edges: &[(&str, &[&str])], expected: &[&str]) {
        let graph = graph(edges);
        let found: Vec<_> = graph
            .crates
            .iter()
            .flat_map(|(name, directory)| dependencies(&graph, name, directory))
            .collect();
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (breach, part) in found.iter().zip(expected) {
            assert!(
                breach.to_string().contains(part),
                "{breach} does not contain {part}"
            );
        }
    }

    #[test]
    fn the_planned_shape_passes() {
        check(
            &[
                ("syncmgr-core", &[]),
                ("syncmgr-handler", &["serde"]),
                ("syncmgr-store", &["syncmgr-core", "rusqlite"]),
                (
                    "syncmgr-daemon",
                    &["syncmgr-store", "syncmgr-handler", "tokio"],
                ),
                ("syncmgr", &["syncmgr-daemon"]),
                ("xtask", &["anyhow", "syncmgr-handler"]),
            ],
            &[],
        );
    }

    #[test]
    fn each_dependency_rule_is_seen_broken() {
        check(
            &[
                ("syncmgr-handler", &["syncmgr-core"]),
                ("syncmgr-core", &[]),
            ],
            &["may depend on com, not on `core`"],
        );
        check(
            &[
                ("syncmgr-control", &["syncmgr-core"]),
                ("syncmgr-core", &[]),
            ],
            &["not on `core`"],
        );
        check(
            &[("syncmgr-core", &["x"]), ("x", &["tokio"])],
            &["syncmgr-core → x → tokio"],
        );
        check(&[("syncmgr-core", &["serde"])], &["`serde` below `core`"]);
        check(
            &[("syncmgr-daemon", &["rusqlite"])],
            &["`rusqlite` is for store alone"],
        );
        check(
            &[("syncmgr-host", &["x"]), ("x", &["libloading"])],
            &["`libloading` below `host`"],
        );
        check(
            &[("syncmgr-cli", &["libloading"])],
            &["for comhost alone", "below `cli`"],
        );
        check(&[("syncmgr", &["clap"])], &["`clap` is for cli alone"]);
        check(
            &[("syncmgr-daemon", &["miette"])],
            &["for cli alone", "below `daemon`"],
        );
        check(
            &[("syncmgr-host", &["anyhow"])],
            &["`anyhow` is for xtask alone"],
        );
        check(
            &[("syncmgr", &["syncmgr-sim"]), ("syncmgr-sim", &[])],
            &["may depend on", "nothing that ships"],
        );
        check(&[("syncmgr-drawer", &[])], &["not in the crate map"]);
    }

    #[test]
    fn a_package_named_otherwise_is_seen() {
        let mut odd = graph(&[]);
        odd.crates.insert("core-of-ours".into(), "core".into());
        assert_eq!(dependencies(&odd, "core-of-ours", "core").len(), 1);
    }

    fn map(text: Option<&str>, directories: &[&str]) -> Vec<Breach> {
        let mut tree = Tree::default();
        for directory in directories {
            tree.add(&manifest(directory), None);
        }
        if let Some(text) = text {
            tree.add(ARCHITECTURE, Some(text.to_owned()));
        }
        listed(&tree)
    }

    #[test]
    fn the_map_lists_exactly_the_directories() {
        let text = "| Term | x |\n|---|---|\n| `item` | y |\n\n| Crate | x |\n|---|---|\n| `core` | y |\n| `cli` (bin) | z |\n";
        assert_eq!(map(Some(text), &["core", "cli"]), []);
        assert!(
            map(Some(text), &["core"])[0]
                .to_string()
                .starts_with("ARCHITECTURE.md:8: crate map: `cli` is listed")
        );
        assert!(
            map(Some(text), &["core", "cli", "host"])[0]
                .why
                .contains("crates/host exists")
        );
        assert!(map(Some("no table"), &["core"])[0].why.contains("no table"));
        assert!(map(None, &["core"])[0].why.contains("no such file"));
    }
}
