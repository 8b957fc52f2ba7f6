//! The marker at a root: which pairs it belongs to, and as which side.
//!
//! An unmounted disk leaves an empty directory, another disk a full one; neither carries our line.

use std::io;

use crate::fs::{self, Dir};
use crate::name::MARKER_NAME;
use crate::tree::Side;

const HEAD: &str = "syncmgr-root 1";
/// How many pairs one root may belong to before the oldest lines are dropped.
const LINES_MAX: usize = 256;

fn line(tag: &str, side: Side) -> String {
    format!("{tag} {side}")
}

/// Says whether a root carries the marker of this pair and side.
pub(crate) fn is_marked(root: &Dir, tag: &str, side: Side) -> io::Result<bool> {
    let wanted = line(tag, side);
    let bytes = fs::read_own(root, MARKER_NAME)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.lines().next() == Some(HEAD) && text.lines().skip(1).any(|found| found == wanted))
}

/// Leaves the marker of this pair and side at a root, beside those of other pairs.
pub(crate) fn mark(root: &Dir, tag: &str, side: Side) -> io::Result<()> {
    let bytes = fs::read_own(root, MARKER_NAME)?.unwrap_or_default();
    let old = String::from_utf8_lossy(&bytes);
    let others: Vec<&str> = match old.lines().next() {
        Some(HEAD) => old
            .lines()
            .skip(1)
            .filter(|found| !found.starts_with(tag))
            .collect(),
        _ => Vec::new(),
    };
    let mut text = format!("{HEAD}\n");
    for other in others.iter().rev().take(LINES_MAX - 1).rev() {
        text.push_str(other);
        text.push('\n');
    }
    text.push_str(&line(tag, side));
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
        assert!(!is_marked(&root, "aa", Side::Left).unwrap());
        mark(&root, "aa", Side::Left).unwrap();
        mark(&root, "bb", Side::Right).unwrap();
        mark(&root, "aa", Side::Left).unwrap();
        assert!(is_marked(&root, "aa", Side::Left).unwrap());
        assert!(is_marked(&root, "bb", Side::Right).unwrap());
        assert!(
            !is_marked(&root, "aa", Side::Right).unwrap(),
            "swapped roots are noticed"
        );
        assert!(!is_marked(&root, "cc", Side::Left).unwrap());
    }
}
