//! The marker at a root: which pairs it belongs to.
//!
//! Each pair has a line: its tag, and the generation of its roots unless that is 0. A root that is adopted anew (made again,
//! filled again, taken in place of another) starts a new generation on both sides, so that the disk that it stood in for is
//! not taken for the same root when it comes back with its old state.
//!
//! An unmounted disk leaves an empty directory, another disk a full one; neither carries our line. It does not say which
//! side the root is, so that `diff -r LEFT RIGHT` finds nothing after a run: exchanged roots are no hazard, since what was
//! last in sync was the same on both.

use std::io;

use crate::fs::{self, Dir};
use crate::name::MARKER_NAME;
use crate::tree::Time;

const HEAD: &str = "syncmgr-root 1";
/// How many pairs one root may belong to before the oldest lines are dropped.
const LINES_MAX: usize = 256;

/// Reads the generation of a line, if it is one of this pair; what cannot be read is a generation that nothing expects.
fn generation_in(line: &str, tag: &str) -> Option<u64> {
    let rest = line.strip_prefix(tag)?;
    if rest.is_empty() {
        return Some(0);
    }
    let number = u64::from_str_radix(rest.strip_prefix(' ')?, 16);
    Some(number.unwrap_or(u64::MAX))
}

/// Returns the generation in the marker of this pair at a root; `None` where the root does not carry it.
pub(crate) fn generation(root: &Dir, tag: &str) -> io::Result<Option<u64>> {
    let bytes = fs::read_own(root, MARKER_NAME)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    if text.lines().next() != Some(HEAD) {
        return Ok(None);
    }
    Ok(text
        .lines()
        .skip(1)
        .find_map(|line| generation_in(line, tag)))
}

/// Makes a generation that the roots of this pair never had.
pub(crate) fn fresh_generation(tag: &str, now: Time, last: u64) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(tag.as_bytes());
    hasher.update(&now.sec.to_le_bytes());
    hasher.update(&now.nsec.to_le_bytes());
    hasher.update(&std::process::id().to_le_bytes());
    hasher.update(&last.to_le_bytes());
    let mut reader = hasher.finalize_xof();
    loop {
        let mut bytes = [0; 8];
        reader.fill(&mut bytes);
        let number = u64::from_le_bytes(bytes);
        if ![0, u64::MAX, last].contains(&number) {
            return number;
        }
    }
}

/// Leaves the marker of this pair at a root, beside those of other pairs.
pub(crate) fn mark(root: &Dir, tag: &str, generation: u64) -> io::Result<()> {
    let bytes = fs::read_own(root, MARKER_NAME)?.unwrap_or_default();
    let old = String::from_utf8_lossy(&bytes);
    let others: Vec<&str> = match old.lines().next() {
        Some(HEAD) => old
            .lines()
            .skip(1)
            .filter(|line| generation_in(line, tag).is_none())
            .collect(),
        _ => Vec::new(),
    };
    let mut text = format!("{HEAD}\n");
    for other in others.iter().rev().take(LINES_MAX - 1).rev() {
        text.push_str(other);
        text.push('\n');
    }
    text.push_str(tag);
    if generation != 0 {
        text.extend([" ", &format!("{generation:016x}")]);
    }
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
        assert_eq!(generation(&root, "aa").unwrap(), None);
        mark(&root, "aa", 0).unwrap();
        mark(&root, "bb", 7).unwrap();
        mark(&root, "aa", 0).unwrap();
        assert_eq!(generation(&root, "aa").unwrap(), Some(0));
        assert_eq!(generation(&root, "bb").unwrap(), Some(7));
        assert_eq!(generation(&root, "cc").unwrap(), None);
        assert_eq!(generation(&root, "a").unwrap(), None);
        mark(&root, "aa", 9).unwrap();
        let text = std::fs::read_to_string(home.path().join(".syncmgr-root")).unwrap();
        assert_eq!(
            text,
            "syncmgr-root 1\nbb 0000000000000007\naa 0000000000000009\n"
        );
    }

    #[test]
    fn a_line_that_cannot_be_read_is_no_known_generation() {
        let home = tempfile::tempdir().unwrap();
        let root = Dir::open_path(home.path()).unwrap();
        std::fs::write(
            home.path().join(".syncmgr-root"),
            "syncmgr-root 1\naa xyz\n",
        )
        .unwrap();
        assert_eq!(generation(&root, "aa").unwrap(), Some(u64::MAX));
        let now = Time { sec: 1, nsec: 2 };
        let first = fresh_generation("aa", now, 0);
        assert!(![0, u64::MAX, fresh_generation("aa", now, first)].contains(&first));
    }

    #[test]
    fn both_sides_of_a_pair_carry_the_same_marker() {
        let texts = [(), ()].map(|()| {
            let home = tempfile::tempdir().unwrap();
            mark(&Dir::open_path(home.path()).unwrap(), "aa", 3).unwrap();
            std::fs::read(home.path().join(".syncmgr-root")).unwrap()
        });
        assert_eq!(texts[0], texts[1]);
    }
}
