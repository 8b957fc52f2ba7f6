//! Lanes: named things that one session works with at a time, whichever handlers are in it: a disk, a repository, a mail
//! server, a folder.
//!
//! A session takes the lanes of all its items at once when it opens, or none and waits; it never holds one while it waits
//! for another. Folders that lie within one another are in each other's way.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::cut;

/// Most lanes of an item; further ones are dropped.
pub const MAX_LANES: usize = 16;
/// Longest name of a lane, in bytes; a longer one is cut, and then shared by all that begin alike.
pub const MAX_LANE: usize = 1_024;

/// A lane. Names are equal without case; absolute paths are places, spelled one way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane(Arc<str>);

impl Lane {
    /// Reads a name; absent when it is empty or has control characters.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() || text.chars().any(char::is_control) {
            return None;
        }
        let name = cut::bytes(path(text).unwrap_or_else(|| text.to_lowercase()), MAX_LANE);
        Some(Self(name.into()))
    }

    /// Takes one as [`Self::as_str`] spelled it.
    #[must_use]
    pub fn spelled(text: &str) -> Self {
        Self(text.into())
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn is_path(&self) -> bool {
        self.0.starts_with('/') || self.0.get(1..3) == Some(":/")
    }

    /// What every place below it begins with; absent for a name.
    fn below(&self) -> Option<Self> {
        if !self.is_path() {
            return None;
        }
        let mut text = self.0.to_string();
        if !text.ends_with('/') {
            text.push('/');
        }
        Some(Self(text.into()))
    }

    /// The places above it, nearest first.
    fn above(&self) -> impl Iterator<Item = Self> + '_ {
        let path = if self.is_path() { &self.0[..] } else { "" };
        path.char_indices().rev().filter_map(move |(at, letter)| {
            if letter != '/' {
                return None;
            }
            // Of a root its slash stays.
            let root = at == 0 || path.get(..at).is_some_and(|drive| drive.ends_with(':'));
            let above = path.get(..if root { at + 1 } else { at })?;
            (above != path).then(|| Self(above.into()))
        })
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An absolute path in one spelling: `/` between its parts, none at its end; those of Windows without case.
fn path(text: &str) -> Option<String> {
    let windows = text.starts_with("\\\\")
        || text
            .get(1..3)
            .is_some_and(|drive| drive == ":\\" || drive == ":/")
            && text.starts_with(|letter: char| letter.is_ascii_alphabetic());
    let text = if windows {
        let plain = text.strip_prefix("\\\\?\\").unwrap_or(text);
        plain.replace('\\', "/").to_lowercase()
    } else {
        text.to_owned()
    };
    if !(windows || text.starts_with('/')) {
        return None;
    }
    let parts: Vec<&str> = text
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    let lead = match (windows, text.starts_with('/')) {
        (true, true) => "//",
        (true, false) => "",
        (false, _) => "/",
    };
    let mut path = format!("{lead}{}", parts.join("/"));
    if path.ends_with(':') {
        path.push('/');
    }
    Some(path)
}

/// Reads the lanes of an item: at most [`MAX_LANES`], each once.
#[must_use]
pub fn read<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<Lane> {
    names
        .into_iter()
        .filter_map(Lane::new)
        .take(MAX_LANES)
        .collect()
}

/// Lanes that are taken, and by whom.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taken<T> {
    lanes: BTreeMap<Lane, T>,
}

impl<T: Copy> Taken<T> {
    pub(crate) fn new() -> Self {
        Self {
            lanes: BTreeMap::new(),
        }
    }

    /// Takes lanes; whoever has one already keeps it.
    pub(crate) fn take<'a>(&mut self, lanes: impl IntoIterator<Item = &'a Lane>, by: T) {
        for lane in lanes {
            self.lanes.entry(lane.clone()).or_insert(by);
        }
    }

    /// The first of some lanes that is taken, or a place within which or below which one is.
    pub(crate) fn clash<'a>(&self, lanes: impl IntoIterator<Item = &'a Lane>) -> Option<(Lane, T)> {
        if self.lanes.is_empty() {
            return None;
        }
        lanes.into_iter().find_map(|lane| self.clash_of(lane))
    }

    fn clash_of(&self, lane: &Lane) -> Option<(Lane, T)> {
        let at = |lane: &Lane| self.lanes.get_key_value(lane);
        let found = at(lane)
            .or_else(|| lane.above().find_map(|above| at(&above)))
            .or_else(|| {
                let below = lane.below()?;
                let (first, by) = self.lanes.range(below.clone()..).next()?;
                first.0.starts_with(&*below.0).then_some((first, by))
            });
        found.map(|(lane, by)| (lane.clone(), *by))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(text: &str) -> Lane {
        Lane::new(text).unwrap()
    }

    #[test]
    fn one_place_has_one_spelling() {
        for (text, expected) in [
            ("Disk-X", "disk-x"),
            (" mail.example.org ", "mail.example.org"),
            ("/home/Ada//notes/", "/home/Ada/notes"),
            ("/home/./ada", "/home/ada"),
            ("/", "/"),
            ("C:\\Users\\Ada\\", "c:/users/ada"),
            ("c:/Users", "c:/users"),
            ("C:\\", "c:/"),
            ("\\\\?\\C:\\Data", "c:/data"),
            ("\\\\Nas\\Share", "//nas/share"),
        ] {
            assert_eq!(lane(text).as_str(), expected, "{text}");
        }
        assert_eq!(Lane::new(" "), None);
        assert_eq!(Lane::new("a\nb"), None);
        assert!(lane(&"x".repeat(5_000)).as_str().len() <= MAX_LANE);
    }

    #[test]
    fn what_is_in_whose_way() {
        for (one, other, clashes) in [
            ("disk", "DISK", true),
            ("disk", "disk2", false),
            ("disk/a", "disk", false), // names are no places
            ("/a", "/a", true),
            ("/a", "/a/b/c", true),
            ("/a/b", "/a/c", false),
            ("/a", "/ab", false),
            ("/a-b", "/a/b", false),
            ("/", "/home", true),
            ("/home", "/HOME", false),
            ("C:\\Data", "c:\\data\\x", true),
            ("C:\\", "c:\\data\\x", true),
            ("C:\\Data", "d:\\data", false),
            ("\\\\nas\\share", "\\\\NAS\\share\\x", true),
        ] {
            for (one, other) in [(one, other), (other, one)] {
                let mut taken = Taken::new();
                taken.take(&[lane("/zz"), lane(one), lane("aa")], 1);
                let found = taken.clash(&[lane(other)]);
                assert_eq!(found.is_some(), clashes, "{one} {other}");
                if let Some((which, _)) = found {
                    assert_eq!(which, lane(one), "{one} {other}");
                }
            }
        }
    }

    #[test]
    fn whoever_has_a_lane_keeps_it() {
        let mut taken = Taken::new();
        taken.take(&[lane("a")], 1);
        taken.take(&[lane("a"), lane("b")], 2);
        assert_eq!(taken.clash(&[lane("a")]), Some((lane("a"), 1)));
        assert_eq!(taken.clash(&[lane("c"), lane("b")]), Some((lane("b"), 2)));
        assert_eq!(taken.clash(&[]), None);
    }
}
