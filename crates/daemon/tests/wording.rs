//! Every sentence that the manager says as data has its French on the page, made of the same parts.
#![allow(clippy::unwrap_used, reason = "a test may fail so")]

use std::collections::{BTreeMap, BTreeSet};

/// The sentences of the page that stand for the manager's: what each fills in.
fn french() -> BTreeMap<String, BTreeSet<String>> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../center/locales/said.fr.ftl");
    let mut sentences: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in std::fs::read_to_string(file).unwrap().lines() {
        if let Some(begins) = line.strip_prefix("said-") {
            let (code, _) = begins.split_once(" =").unwrap();
            code.clone_into(&mut current);
            let before = sentences.insert(current.clone(), BTreeSet::new());
            assert_eq!(before, None, "{code} stands twice");
        }
        for filled in line.split('$').skip(1) {
            let name = filled.split(|c: char| !c.is_ascii_alphanumeric()).next();
            let name = name.unwrap().to_owned();
            sentences.get_mut(&current).unwrap().insert(name);
        }
    }
    sentences
}

/// The parts of an English sentence, between braces.
fn parts(words: &str) -> BTreeSet<String> {
    words
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name.to_owned())
        .collect()
}

#[test]
fn every_sentence_of_the_manager_has_its_french() {
    let mut french = french();
    let all = syncmgr_core::saying::ALL.iter();
    for (code, words) in all.chain(syncmgr_daemon::wording::ALL).copied().flatten() {
        let Some(filled) = french.remove(*code) else {
            panic!("{code} (\"{words}\") has no French, or stands twice");
        };
        assert_eq!(filled, parts(words), "{code} (\"{words}\")");
    }
    assert!(french.is_empty(), "nobody says {:?}", french.keys());
}
