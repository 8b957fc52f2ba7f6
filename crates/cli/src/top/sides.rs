//! The selection language of conflicts, after Unison: an arrow says which way a version goes, brackets say by age.

use syncmgr_control::view::{ConflictView, VersionView};

/// A way to choose that fits many conflicts at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// `>`: the first version goes to the other place.
    First,
    /// `<`: the last version goes to the first place.
    Last,
    /// `]`
    Newer,
    /// `[`
    Older,
    /// `b`: every version is kept.
    Both,
}

/// The name of the choice that this comes to; nothing where the conflict does not offer it, or nobody can tell.
pub(crate) fn choice(conflict: &ConflictView, side: Side) -> Option<&str> {
    let version = match side {
        Side::First => conflict.versions.first(),
        Side::Last => conflict
            .versions
            .last()
            .filter(|_| conflict.versions.len() > 1),
        Side::Newer => by_age(&conflict.versions, true),
        Side::Older => by_age(&conflict.versions, false),
        Side::Both => return offered(conflict, "both").or_else(|| offered(conflict, "all")),
    };
    offered(conflict, &version?.place)
}

fn offered<'a>(conflict: &'a ConflictView, name: &str) -> Option<&'a str> {
    let choice = conflict.choices.iter().find(|choice| choice.name == name);
    choice.map(|choice| choice.name.as_str())
}

/// The one that is newer or older than every other. When something was deleted is not known, so next to a deletion nothing is.
fn by_age(versions: &[VersionView], newer: bool) -> Option<&VersionView> {
    let at = |version: &VersionView| version.modified_ms.filter(|_| !version.deleted);
    let times: Option<Vec<i64>> = versions.iter().map(at).collect();
    let times = times?;
    let wanted = if newer {
        times.iter().max()
    } else {
        times.iter().min()
    }?;
    let mut fitting = versions
        .iter()
        .filter(|version| at(version) == Some(*wanted));
    let only = fitting.next()?;
    fitting.next().is_none().then_some(only)
}

/// The choice after this one, in the order in which they are offered; the first one when none is chosen, none after the last.
pub(crate) fn next<'a>(conflict: &'a ConflictView, chosen: Option<&str>) -> Option<&'a str> {
    let at = match chosen {
        None => 0,
        Some(name) => {
            let found = conflict
                .choices
                .iter()
                .position(|choice| choice.name == name);
            found.map_or(0, |at| at + 1)
        }
    };
    conflict.choices.get(at).map(|choice| choice.name.as_str())
}

/// How a choice is written in a list: an arrow for a side, else its name.
pub(crate) fn sign(conflict: &ConflictView, choice: &str, unicode: bool) -> String {
    let place = |version: Option<&VersionView>| version.is_some_and(|it| it.place == choice);
    let [right, left] = if unicode {
        ["→", "←"]
    } else {
        ["->", "<-"]
    };
    if place(conflict.versions.first()) {
        right.to_owned()
    } else if place(conflict.versions.last()) {
        left.to_owned()
    } else if unicode && matches!(choice, "both" | "all") {
        "↔".to_owned()
    } else {
        crate::text::harmless(choice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::top::tests::samples::conflict;

    #[test]
    fn arrows_and_ages_choose_what_is_offered() {
        let mut both = conflict("c1", "a.txt");
        both.versions[0].modified_ms = Some(2_000);
        both.versions[1].modified_ms = Some(1_000);
        for (side, chosen) in [
            (Side::First, Some("left")),
            (Side::Last, Some("right")),
            (Side::Newer, Some("left")),
            (Side::Older, Some("right")),
            (Side::Both, Some("both")),
        ] {
            assert_eq!(choice(&both, side), chosen, "{side:?}");
        }
        // Nobody can tell which is newer.
        both.versions[1].modified_ms = Some(2_000);
        assert_eq!(choice(&both, Side::Newer), None);
        both.versions[1].deleted = true;
        both.versions[1].modified_ms = None;
        assert_eq!(choice(&both, Side::Newer), None);
        assert_eq!(choice(&both, Side::Older), None);
        // What the handler does not offer is not chosen.
        both.choices.retain(|choice| choice.name != "left");
        assert_eq!(choice(&both, Side::First), None);
        both.versions.truncate(1);
        assert_eq!(choice(&both, Side::Last), None);
    }

    #[test]
    fn choices_follow_one_another() {
        let both = conflict("c1", "a.txt");
        let mut chosen = None;
        let mut seen = Vec::new();
        while let Some(name) = next(&both, chosen) {
            seen.push(sign(&both, name, true));
            chosen = Some(name);
        }
        assert_eq!(seen, ["→", "←", "↔"]);
    }
}
