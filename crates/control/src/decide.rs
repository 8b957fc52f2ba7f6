//! Deciding many conflicts of an item by one rule: the newest version, the same choice, only what has a name like this.

use serde::{Deserialize, Serialize};

use crate::view::{ConflictView, VersionView};

/// The word for the choice that keeps the version that was modified last, whichever that is.
pub const NEWEST: &str = "newest";

/// Most decisions that are told one by one.
pub const MAX_TOLD: usize = 12;

/// How the conflicts of an item are decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule<'a> {
    /// The choice, or [`NEWEST`].
    pub choice: &'a str,
    /// Only conflicts with such a name: `*` stands for any characters, `?` for one; without a `/` it is the last part of
    /// the name that must be so.
    pub matching: Option<&'a str>,
}

/// Why a rule leaves a conflict as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Stay {
    /// It does not offer the choice.
    NotOffered,
    /// Several versions are the newest.
    EqualTimes,
    /// When a version was modified, or deleted, is not known.
    UnknownTimes,
}

impl Stay {
    /// Why, in a few words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotOffered => "the choice is not offered",
            Self::EqualTimes => "equal times",
            Self::UnknownTimes => "when one was changed or deleted is not known",
        }
    }
}

/// What a rule decides, or would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DecisionView {
    /// The item's name.
    pub item: String,
    /// How many conflicts it decides.
    pub decides: u64,
    /// Of how many that the rule is about.
    pub of: u64,
    /// The first few of what it decides.
    pub first: Vec<DecidedView>,
    /// Why others stay.
    pub stays: Vec<StayView>,
    /// How many more it would decide, but not at once.
    pub later: u64,
    /// The request that carries it out; absent for a preview, and where nothing is decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<u64>,
}

/// One conflict that a rule decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DecidedView {
    /// What is in conflict.
    pub name: String,
    /// The name of the choice.
    pub choice: String,
}

/// How many stay for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StayView {
    /// The reason.
    pub why: Stay,
    /// How many.
    pub count: u64,
}

impl Rule<'_> {
    /// Decides a conflict: the name of one of its choices, or why it stays; nothing where the rule is not about it.
    #[must_use]
    pub fn decide<'c>(&self, conflict: &'c ConflictView) -> Option<Result<&'c str, Stay>> {
        let about = |pattern: &str| {
            let whole = conflict.name.as_str();
            let last = whole.rsplit('/').next().unwrap_or(whole);
            fits(pattern, if pattern.contains('/') { whole } else { last })
        };
        if !self.matching.is_none_or(about) {
            return None;
        }
        Some(match offered(conflict, self.choice) {
            Some(choice) => Ok(choice),
            None if self.choice == NEWEST => newest(&conflict.versions)
                .and_then(|version| offered(conflict, &version.place).ok_or(Stay::NotOffered)),
            None => Err(Stay::NotOffered),
        })
    }
}

fn offered<'c>(conflict: &'c ConflictView, name: &str) -> Option<&'c str> {
    let choice = conflict.choices.iter().find(|choice| choice.name == name);
    choice.map(|choice| choice.name.as_str())
}

/// The version that was modified after all others. When something was deleted is not known, so next to a deletion nothing is
/// the newest.
///
/// # Errors
/// Why none is.
pub fn newest(versions: &[VersionView]) -> Result<&VersionView, Stay> {
    let at = |version: &VersionView| version.modified_ms.filter(|_| !version.deleted);
    let mut found: Option<(i64, &VersionView)> = None;
    let mut equal = false;
    for version in versions {
        let this = at(version).ok_or(Stay::UnknownTimes)?;
        match found {
            Some((best, _)) if this < best => {}
            Some((best, _)) if this == best => equal = true,
            _ => (found, equal) = (Some((this, version)), false),
        }
    }
    match found {
        Some((_, version)) if !equal => Ok(version),
        Some(_) => Err(Stay::EqualTimes),
        None => Err(Stay::UnknownTimes),
    }
}

/// Says whether a name is as a pattern says. Where a `*` took too little, it takes one character more.
fn fits(pattern: &str, name: &str) -> bool {
    let (mut pattern, mut name) = (pattern, name);
    let mut again: Option<(&str, &str)> = None;
    loop {
        let mut rest = name.chars();
        let mut wanted = pattern.chars();
        match (wanted.next(), rest.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                pattern = wanted.as_str();
                again = Some((pattern, name));
                continue;
            }
            (Some('?'), Some(_)) => {
                (pattern, name) = (wanted.as_str(), rest.as_str());
                continue;
            }
            (Some(wants), Some(has)) if wants == has => {
                (pattern, name) = (wanted.as_str(), rest.as_str());
                continue;
            }
            _ => {}
        }
        let Some((after, from)) = again else {
            return false;
        };
        let mut longer = from.chars();
        if longer.next().is_none() {
            return false;
        }
        again = Some((after, longer.as_str()));
        (pattern, name) = (after, longer.as_str());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::ChoiceView;

    fn conflict(name: &str, versions: &[(&str, Option<i64>)]) -> ConflictView {
        let choice = |name: &str| ChoiceView {
            said: None,
            name: name.to_owned(),
            label: String::new(),
        };
        let version = |&(place, modified_ms): &(&str, Option<i64>)| VersionView {
            place: place.to_owned(),
            location: String::new(),
            deleted: modified_ms.is_none(),
            kind: "file".to_owned(),
            size: None,
            modified_ms,
        };
        let choices = versions.iter().map(|(place, _)| choice(place));
        ConflictView {
            id: "c".to_owned(),
            handler: "folder".to_owned(),
            item: "notes".to_owned(),
            item_id: "NOTES".to_owned(),
            name: name.to_owned(),
            summary: String::new(),
            found_ms: 0,
            versions: versions.iter().map(version).collect(),
            choices: choices.chain([choice("both")]).collect(),
            comparable: false,
        }
    }

    #[test]
    fn a_rule_decides_or_says_why_not() {
        let two = |left, right| conflict("a/b.txt", &[("left", left), ("right", right)]);
        let check = |conflict: &ConflictView, choice, matching, wanted| {
            let rule = Rule { choice, matching };
            assert_eq!(rule.decide(conflict), wanted, "{rule:?} {conflict:?}");
        };
        let older = two(Some(1), Some(2));
        check(&older, NEWEST, None, Some(Ok("right")));
        check(&two(Some(3), Some(2)), NEWEST, None, Some(Ok("left")));
        check(
            &two(Some(2), Some(2)),
            NEWEST,
            None,
            Some(Err(Stay::EqualTimes)),
        );
        check(
            &two(None, Some(2)),
            NEWEST,
            None,
            Some(Err(Stay::UnknownTimes)),
        );
        check(&two(None, Some(2)), "left", None, Some(Ok("left")));
        check(&older, "both", None, Some(Ok("both")));
        check(&older, "middle", None, Some(Err(Stay::NotOffered)));
        check(&older, NEWEST, Some("*.txt"), Some(Ok("right")));
        check(&older, NEWEST, Some("*.md"), None);
        check(&older, "left", Some("a/*"), Some(Ok("left")));
        check(&older, "left", Some("c/*"), None);
        let three = |third| {
            conflict(
                "a",
                &[("left", Some(4)), ("right", Some(4)), ("phone", third)],
            )
        };
        check(&three(Some(5)), NEWEST, None, Some(Ok("phone")));
        check(&three(Some(1)), NEWEST, None, Some(Err(Stay::EqualTimes)));
        check(
            &conflict("a", &[]),
            NEWEST,
            None,
            Some(Err(Stay::UnknownTimes)),
        );
        // What a handler calls so is that.
        let own = conflict("a", &[("newest", Some(1)), ("right", Some(2))]);
        check(&own, NEWEST, None, Some(Ok("newest")));
    }

    #[test]
    fn patterns() {
        let check =
            |pattern, name, wanted| assert_eq!(fits(pattern, name), wanted, "{pattern} {name}");
        check("", "", true);
        check("", "a", false);
        check("*", "", true);
        check("*", "äöü", true);
        check("a*c", "abbc", true);
        check("a*c", "abbd", false);
        check("*.t?t", "x.y.txt", true);
        check("?", "ü", true);
        check("?", "", false);
        check("a*b*c", "a-b-b-c", true);
        check("[a]", "a", false);
        // As many steps as characters, squared at most.
        check(&"*a".repeat(50), &"b".repeat(2_000), false);
    }
}
