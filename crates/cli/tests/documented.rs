//! The documents about the command line say what the program does.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read the tree should fail"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// All text literals of the form `area::reason` in a source, tests left out.
fn codes(source: &str) -> BTreeSet<String> {
    let shipped = source.split("#[cfg(test)]").next().unwrap();
    let plain = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    };
    shipped
        .split('"')
        .filter(|text| {
            text.split_once("::")
                .is_some_and(|(area, reason)| plain(area) && plain(reason))
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_code_of_a_refusal_is_documented() {
    let document = std::fs::read_to_string(root().join("docs/errors.md")).unwrap();
    let documented: BTreeSet<&str> = document
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(code, _)| code)
        .collect();
    let mut used = BTreeSet::new();
    for name in [
        "center", "cli", "comhost", "control", "daemon", "folder", "handler", "host", "syncmgr",
        "tools", "tray",
    ] {
        let mut files = Vec::new();
        sources(&root().join("crates").join(name).join("src"), &mut files);
        for file in files {
            used.extend(codes(&std::fs::read_to_string(file).unwrap()));
        }
    }
    assert!(used.contains("cli::target") && used.contains("control::gone"));
    let missing: Vec<_> = used
        .iter()
        .filter(|code| !documented.contains(code.as_str()))
        .collect();
    assert!(missing.is_empty(), "not in docs/errors.md: {missing:?}");
    let stale: Vec<_> = documented
        .iter()
        .filter(|code| !used.contains(**code))
        .collect();
    assert!(
        stale.is_empty(),
        "in docs/errors.md, but nowhere used: {stale:?}"
    );
}

#[test]
fn codes_are_found_in_a_source() {
    let source =
        r#"Refusal::new("a::b", "what::") ; x("folder::not-there") } #[cfg(test)] y("c::d")"#;
    assert_eq!(
        codes(source).into_iter().collect::<Vec<_>>(),
        ["a::b", "folder::not-there"]
    );
}
