//! What copies are called, and by whom.

use std::collections::BTreeSet;

use crate::pattern::Pattern;

/// The programs whose copies are known, and what they call them. `stem` and `ext` make the name of the file.
const KNOWN: &[(&str, &str)] = &[
    // NAME.sync-conflict-20260102-030405-ABCDEFG.EXT; the letters of the device are missing in old ones.
    (
        "Syncthing",
        r"^(?<stem>.+)\.sync-conflict-\d{8}-\d{6}(?:-[A-Z2-7]{7})?(?<ext>\.[^.]*)?$",
    ),
    // NAME (Ada's conflicted copy 2026-01-02).EXT, and with a number from the second one of a day on.
    (
        "Dropbox",
        r"^(?<stem>.+) \([^()/]*['’]s? conflicted copy \d{4}-\d{2}-\d{2}(?: \d{1,4}| \(\d{1,4}\))?\)(?: \(\d{1,4}\))?(?<ext>\.[^.]*)?$",
    ),
    // NAME (conflicted copy 2026-01-02 030405).EXT, with the user's name where there are several.
    (
        "Nextcloud",
        r"^(?<stem>.+) \(conflicted copy (?:[^()/]{1,100} )?\d{4}-\d{2}-\d{2}(?: \d{6})?\)(?<ext>\.[^.]*)?$",
    ),
    // What its clients and those of ownCloud wrote before: NAME_conflict-20260102-030405.EXT.
    (
        "Nextcloud",
        r"^(?<stem>.+)_conflict-(?:[^/.]{1,100}_)?\d{8}-\d{6}(?<ext>\.[^.]*)?$",
    ),
    // NAME.EXT.conflict1, or NAME.conflict1.EXT where it is told to keep the end.
    ("rclone", r"^(?<stem>.+)\.conflict\d{1,4}(?<ext>\.[^.]*)?$"),
    // NAME.EXT..path1, of old ones.
    ("rclone", r"^(?<stem>.+)\.\.path[12]$"),
];

/// Directories that programs keep their own things in.
const WITHOUT: &[&str] = &[
    ".git",
    ".hg",
    ".svn",
    ".stversions",
    ".stfolder",
    ".dropbox.cache",
    ".syncmgr",
    ".Trash",
    ".Trashes",
    "$RECYCLE.BIN",
    "node_modules",
];

/// By which names copies are known, and where is not looked.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    names: Vec<(String, Pattern)>,
    without: BTreeSet<String>,
}

impl Rules {
    /// The copies of programs that are known by their names alone.
    #[must_use]
    pub fn of_others() -> Self {
        let names = KNOWN
            .iter()
            .filter_map(|(by, pattern)| Some(((*by).to_owned(), Pattern::new(pattern).ok()?)));
        Self::new(names, [])
    }

    /// The copies of one program that are called so: the groups `stem` and, where there is one, `ext` make the name of the
    /// file. Directories of these names are not looked into, beside those that programs keep their own things in.
    pub fn new(
        names: impl IntoIterator<Item = (String, Pattern)>,
        without: impl IntoIterator<Item = String>,
    ) -> Self {
        Self {
            names: names.into_iter().collect(),
            without: WITHOUT
                .iter()
                .map(|name| (*name).to_owned())
                .chain(without)
                .collect(),
        }
    }

    /// Whether directories of this name are not looked into.
    pub(crate) fn leaves_out(&self, name: &str) -> bool {
        self.without.contains(name)
    }

    /// The name of the file that a copy of this name belongs to, and who calls copies so.
    #[must_use]
    pub fn original(&self, name: &str) -> Option<(String, &str)> {
        self.names.iter().find_map(|(by, pattern)| {
            let groups = pattern.captures(name)?;
            let part = |group| groups.name(group).map_or("", |part| part.as_str());
            let original = [part("stem"), part("ext")].concat();
            // A rule of a person's may say anything; a name is what does not lead elsewhere.
            let is_name = !original.is_empty()
                && original != name
                && !original.contains(['/', '\\', '\0'])
                && original != "."
                && original != "..";
            is_name.then_some((original, by.as_str()))
        })
    }

    /// A name that nothing has, made of that of the file: `a 2.txt`. `None` where all are taken.
    pub(crate) fn free_name(
        &self,
        original: &str,
        is_taken: &mut dyn FnMut(&str) -> bool,
    ) -> Option<String> {
        let at = original.rfind('.').filter(|at| *at > 0);
        let (stem, end) = original.split_at(at.unwrap_or(original.len()));
        (2..10_000)
            .map(|number| format!("{stem} {number}{end}"))
            .find(|name| self.original(name).is_none() && !is_taken(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_known_by_their_names() {
        let rules = Rules::of_others();
        assert_eq!(rules.names.len(), KNOWN.len());
        for (name, original, by) in [
            (
                "a.sync-conflict-20260102-030405-ABCDEF7.txt",
                "a.txt",
                "Syncthing",
            ),
            ("a.sync-conflict-20260102-030405.txt", "a.txt", "Syncthing"),
            (
                "Makefile.sync-conflict-20260102-030405-ABCDEF7",
                "Makefile",
                "Syncthing",
            ),
            (
                ".rc.sync-conflict-20260102-030405-ABCDEF7",
                ".rc",
                "Syncthing",
            ),
            (
                "a.tar.sync-conflict-20260102-030405-ABCDEF7.gz",
                "a.tar.gz",
                "Syncthing",
            ),
            (
                "a (Ada's conflicted copy 2026-01-02).txt",
                "a.txt",
                "Dropbox",
            ),
            (
                "a (Ada’s conflicted copy 2026-01-02 (1)).txt",
                "a.txt",
                "Dropbox",
            ),
            (
                "a (James' conflicted copy 2026-01-02) (2).txt",
                "a.txt",
                "Dropbox",
            ),
            (
                "a b (conflicted copy 2026-01-02 030405).odt",
                "a b.odt",
                "Nextcloud",
            ),
            (
                "a (conflicted copy ada 2026-01-02 030405).odt",
                "a.odt",
                "Nextcloud",
            ),
            ("a_conflict-20260102-030405.odt", "a.odt", "Nextcloud"),
            ("a_conflict-ada_20260102-030405.odt", "a.odt", "Nextcloud"),
            ("a.txt.conflict1", "a.txt", "rclone"),
            ("a.conflict12.txt", "a.txt", "rclone"),
            ("a.txt..path2", "a.txt", "rclone"),
        ] {
            assert_eq!(
                rules.original(name),
                Some((original.to_owned(), by)),
                "{name}"
            );
        }
    }

    #[test]
    fn what_people_call_files_is_no_copy() {
        let rules = Rules::of_others();
        for name in [
            "a.txt",
            "a (copy).txt",
            "a-laptop.txt",
            "a.conflict",
            "a.sync-conflict.txt",
            ".sync-conflict-20260102-030405-ABCDEF7",
            "conflicted copy 2026-01-02.txt",
            "a (conflicted copy).txt",
            "path1",
            "..path1",
        ] {
            assert_eq!(rules.original(name), None, "{name}");
        }
        // A rule of a person's leads nowhere else, and is not about itself.
        let all = Pattern::new("^x(?<stem>.*)$").unwrap();
        let rules = Rules::new([("mine".to_owned(), all)], ["skipped".to_owned()]);
        for name in ["x..", "x.", "x", "x/../y"] {
            assert_eq!(rules.original(name), None, "{name}");
        }
        assert!(
            rules.leaves_out("skipped") && rules.leaves_out(".git") && !rules.leaves_out("git")
        );
    }

    #[test]
    fn a_free_name_is_plain() {
        let rules = Rules::of_others();
        let free = |name| rules.free_name(name, &mut |name| name.contains(" 2"));
        assert_eq!(free("a.txt").as_deref(), Some("a 3.txt"));
        assert_eq!(free(".rc").as_deref(), Some(".rc 3"));
        assert_eq!(free("Makefile").as_deref(), Some("Makefile 3"));
        assert_eq!(rules.free_name("a", &mut |_| true), None);
    }
}
