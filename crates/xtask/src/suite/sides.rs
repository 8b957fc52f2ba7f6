//! Reads what stands on a side, to compare it with the other one.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// Names of ours that may stay at a root: the identity marker and the store of kept versions.
pub(super) const OURS_KEPT: &[&str] = &[".syncmgr-root", ".syncmgr"];

/// How every name of ours begins.
pub(super) const OURS: &str = ".syncmgr";

/// How the names of our temporary files begin.
pub(super) const OURS_TEMPORARY: &str = ".syncmgr-tmp";

/// Most of what a program said that is shown with a failure.
const SAID_MAX_BYTES: usize = 4096;

/// Answers the end of what a program said into a file.
pub(super) fn said(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(SAID_MAX_BYTES)..]).into_owned()
}

/// Fails unless both sides hold the same names, contents, modes, times and link targets.
pub(super) fn same(left: &Path, right: &Path) -> Result<BTreeMap<String, String>> {
    let (left, right) = (listing(left)?, listing(right)?);
    for (path, one) in &left {
        match right.get(path) {
            None => bail!("{path:?} is on the left only"),
            Some(other) if other != one => bail!("{path:?} differs: {one} / {other}"),
            Some(_) => {}
        }
    }
    if let Some(path) = right.keys().find(|path| !left.contains_key(*path)) {
        bail!("{path:?} is on the right only");
    }
    Ok(left)
}

/// Fails when a file of ours is left where only the user's should be.
pub(super) fn nothing_stray(root: &Path) -> Result<()> {
    for path in walk(root)? {
        let below = path.strip_prefix(root)?;
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let kept = below
            .components()
            .next()
            .is_some_and(|first| OURS_KEPT.contains(&&*first.as_os_str().to_string_lossy()));
        if name.starts_with(OURS_TEMPORARY) || (name.starts_with(OURS) && !kept) {
            bail!("a file of ours is left behind: {}", path.display());
        }
    }
    Ok(())
}

/// Answers every entry below a directory, that itself left out; what vanishes meanwhile is left out as well.
pub(super) fn walk(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory)
            .with_context(|| format!("could not list {}", directory.display()))?
        {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            }
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// How every content that a suite writes and later looks for begins; number and length of the rest follow.
pub(super) const CONTENT: &str = "content";

/// Answers length and hash; the lowest bit of the hash says whether it is a whole content that a suite wrote.
pub(super) fn fingerprint(path: &Path) -> Result<(u64, u64)> {
    let content = fs::read(path).with_context(|| format!("could not read {}", path.display()))?;
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    Ok((
        content.len() as u64,
        hasher.finish() & !1 | u64::from(is_whole(&content)),
    ))
}

/// Says whether a content begins with our first line and is as long as that line says.
fn is_whole(content: &[u8]) -> bool {
    let Some(end) = content.iter().position(|byte| *byte == b'\n') else {
        return false;
    };
    let Ok(line) = std::str::from_utf8(&content[..end]) else {
        return false;
    };
    let mut words = line.split(' ');
    words.next() == Some(CONTENT)
        && words.next().is_some()
        && words.next().and_then(|word| word.parse::<usize>().ok()) == Some(content.len() - end - 1)
}

/// Answers what stands below a root, without what is ours.
pub(super) fn listing(root: &Path) -> Result<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    for path in walk(root)? {
        let below = path.strip_prefix(root)?.to_string_lossy().into_owned();
        let first = below.split('/').next().unwrap_or_default();
        if OURS_KEPT.contains(&first) {
            continue;
        }
        let about = path.symlink_metadata()?;
        let what = if about.is_symlink() {
            format!("link to {}", fs::read_link(&path)?.display())
        } else if about.is_dir() {
            format!("directory {}", mode(&about))
        } else {
            let time = about.modified()?.duration_since(std::time::UNIX_EPOCH)?;
            format!(
                "file {:?} {} {}.{:09}",
                fingerprint(&path)?,
                mode(&about),
                time.as_secs(),
                time.subsec_nanos()
            )
        };
        all.insert(below, what);
    }
    Ok(all)
}

#[cfg(unix)]
fn mode(about: &fs::Metadata) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    format!("{:o}", about.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn mode(about: &fs::Metadata) -> String {
    format!("{}", about.permissions().readonly())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_copy_is_not_a_content() {
        assert!(is_whole(b"content 00000001 00000003\nabc"));
        assert!(!is_whole(b"content 00000001 00000003\nab"));
        assert!(!is_whole(b"content 00000001 00000003\nabcd"));
        assert!(!is_whole(b"content 00000001"));
        assert!(!is_whole(b"SQLite format 3"));
        assert!(!is_whole(b""));
    }
}
