//! Rules about how files, modules and manifests are laid out.

use super::Breach;
use super::code::code_only;
use crate::tree::Tree;

/// Names that say nothing of what is inside, so anything ends up there.
const DRAWERS: &[&str] = &[
    "util", "utils", "common", "helper", "helpers", "misc", "types", "errors",
];

/// Answers every breach of the rules about layout.
pub(crate) fn breaches(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    for path in tree.paths.iter().filter(|path| path.starts_with("crates/")) {
        found.extend(drawer_path(path));
    }
    for (path, text) in tree.rust() {
        found.extend(drawer_modules(path, text));
    }
    for name in tree.crates() {
        let path = format!("crates/{name}/Cargo.toml");
        match tree.texts.get(&path) {
            Some(text) => {
                found.extend(lints(&path, text));
                found.extend(own_versions(&path, text));
            }
            None => found.push(Breach::new(
                path,
                "manifest",
                "a directory in crates/ is a crate and has a manifest",
            )),
        }
    }
    found
}

fn drawer_path(path: &str) -> Option<Breach> {
    let name = path.rsplit('/').next()?;
    let stem = name.strip_suffix(".rs").unwrap_or(name);
    DRAWERS.contains(&stem).then(|| {
        Breach::new(
            path,
            "drawer name",
            format!("`{stem}` names no concept; name what it holds"),
        )
    })
}

fn drawer_modules(path: &str, text: &str) -> Vec<Breach> {
    let code = code_only(text);
    let mut found = Vec::new();
    for (line, text) in code.lines().enumerate() {
        let mut before = "";
        for word in text
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .filter(|word| !word.is_empty())
        {
            if before == "mod" && DRAWERS.contains(&word) {
                found.push(
                    Breach::new(
                        path,
                        "drawer name",
                        format!("module `{word}` names no concept; name what it holds"),
                    )
                    .at(line + 1),
                );
            }
            before = word;
        }
    }
    found
}

/// Answers the lines of a manifest with the section that each stands in.
fn sections(text: &str) -> impl Iterator<Item = (usize, &str, &str)> {
    let mut section = "";
    text.lines().enumerate().filter_map(move |(number, line)| {
        let line = line.trim();
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.split(']').next())
        {
            section = name;
            return None;
        }
        (!line.is_empty() && !line.starts_with('#')).then_some((number + 1, section, line))
    })
}

fn lints(path: &str, text: &str) -> Option<Breach> {
    let inherits = sections(text)
        .any(|(_, section, line)| section == "lints" && line.replace(' ', "") == "workspace=true");
    (!inherits).then(|| {
        Breach::new(
            path,
            "lints",
            "every crate has `[lints]` with `workspace = true`, so that one table rules all",
        )
    })
}

fn own_versions(path: &str, text: &str) -> Vec<Breach> {
    sections(text)
        .filter(|(_, section, _)| section.ends_with("dependencies"))
        .filter(|(_, _, line)| {
            let line = line.replace(' ', "");
            !line.contains(".workspace=true") && !line.contains("workspace=true")
        })
        .map(|(number, _, line)| {
            let name = line.split(['=', '.', ' ']).next().unwrap_or(line);
            Breach::new(path, "version", format!("`{name}` takes its version from [workspace.dependencies], so that the tree has one")).at(number)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "[package]\nname = \"a\"\n[lints]\nworkspace = true\n[dependencies]\nserde.workspace = true\nx = { workspace = true, features = [\"y\"] }\n";

    fn check(files: &[(&str, &str)], expected: &[&str]) {
        let mut tree = Tree::default();
        for (path, text) in files {
            tree.add(path, Some((*text).to_owned()));
        }
        let rules: Vec<_> = breaches(&tree)
            .into_iter()
            .map(|breach| breach.rule)
            .collect();
        assert_eq!(rules, expected, "{files:?}");
    }

    #[test]
    fn a_sound_crate_passes() {
        check(
            &[
                ("crates/a/Cargo.toml", MANIFEST),
                ("crates/a/src/lib.rs", "mod scan;"),
            ],
            &[],
        );
    }

    #[test]
    fn drawers_are_seen_as_files_directories_and_modules() {
        let sound = ("crates/a/Cargo.toml", MANIFEST);
        check(&[sound, ("crates/a/src/util.rs", "")], &["drawer name"]);
        check(
            &[sound, ("crates/a/src/helpers/one.rs", "")],
            &["drawer name"],
        );
        check(
            &[sound, ("crates/a/src/lib.rs", "pub(crate) mod errors { }")],
            &["drawer name"],
        );
        check(
            &[
                sound,
                ("crates/a/src/lib.rs", "// mod errors\nstruct Types;"),
            ],
            &[],
        );
    }

    #[test]
    fn manifests_that_go_their_own_way_are_seen() {
        check(&[("crates/a/src/lib.rs", "")], &["manifest"]);
        check(
            &[(
                "crates/a/Cargo.toml",
                "[package]\n[lints.rust]\nunsafe_code = \"allow\"\n",
            )],
            &["lints"],
        );
        check(
            &[(
                "crates/a/Cargo.toml",
                "[lints]\nworkspace = true\n[dependencies]\nserde = \"1\"\n",
            )],
            &["version"],
        );
        check(
            &[(
                "crates/a/Cargo.toml",
                "[lints]\nworkspace = true\n[target.\"cfg(unix)\".dependencies]\nlibc = { version = \"0.2\" }\n",
            )],
            &["version"],
        );
    }
}
