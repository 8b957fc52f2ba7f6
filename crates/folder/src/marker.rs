//! The marker at a root: which pairs it belongs to.
//!
//! An unmounted disk leaves an empty directory, another disk a full one; neither carries our line. It does not say which
//! side the root is, so that `diff -r LEFT RIGHT` finds nothing after a run: exchanged roots are no hazard, since what was
//! last in sync was the same on both.

use std::io;

use crate::fs::{self, Dir};
use crate::name::MARKER_NAME;

const HEAD: &str = "syncmgr-root 1";
/// How many pairs one root may belong to before the oldest lines are dropped.
const LINES_MAX: usize = 256;

/// Says whether a root carries the marker of this pair.
pub(crate) fn is_marked(root: &Dir, tag: &str) -> io::Result<bool> {
    let bytes = fs::read_own(root, MARKER_NAME)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.lines().next() == Some(HEAD) && text.lines().skip(1).any(|found| found == tag))
}

/// Leaves the marker of this pair at a root, beside those of other pairs.
pub(crate) fn mark(root: &Dir, tag: &str) -> io::Result<()> {
    let bytes = fs::read_own(root, MARKER_NAME)?.unwrap_or_default();
    let old = String::from_utf8_lossy(&bytes);
    let others: Vec<&str> = match old.lines().next() {
        Some(HEAD) => old.lines().skip(1).filter(|found| *found != tag).collect(),
        _ => Vec::new(),
    };
    let mut text = format!("{HEAD}\n");
    for other in others.iter().rev().take(LINES_MAX - 1).rev() {
        text.push_str(other);
        text.push('\n');
    }
    text.push_str(tag);
    text.push('\n');
    fs::write_own(root, MARKER_NAME, &[text.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_root_can_belong_to_several_pairs() {
        let home = tempfile::tempdir().unwrap();
        let root = Dir::open_path(home.path()).unwrap();
        assert!(!is_marked(&root, "aa").unwrap());
        mark(&root, "aa").unwrap();
        mark(&root, "bb").unwrap();
        mark(&root, "aa").unwrap();
        assert!(is_marked(&root, "aa").unwrap());
        assert!(is_marked(&root, "bb").unwrap());
        assert!(!is_marked(&root, "cc").unwrap());
        assert!(!is_marked(&root, "a").unwrap());
    }

    #[test]
    fn both_sides_of_a_pair_carry_the_same_marker() {
        let texts = [(), ()].map(|()| {
            let home = tempfile::tempdir().unwrap();
            mark(&Dir::open_path(home.path()).unwrap(), "aa").unwrap();
            std::fs::read(home.path().join(".syncmgr-root")).unwrap()
        });
        assert_eq!(texts[0], texts[1]);
    }
}
