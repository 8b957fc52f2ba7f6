//! What must hold for a step, a word or a choice.

use serde::{Deserialize, Deserializer};

use crate::template::Values;

/// All of its terms must hold: `name` (there, and neither `0` nor `false`), `!name`, `name=value`, `name!=value`, and
/// `name>=1.66` or `name<1.66` of versions and numbers. What is not there is neither.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Condition(Vec<Term>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    Is {
        name: String,
        wanted: bool,
    },
    AtLeast {
        name: String,
        least: String,
    },
    Below {
        name: String,
        limit: String,
    },
    Equals {
        name: String,
        value: String,
        wanted: bool,
    },
}

impl Condition {
    /// Whether it holds. One without terms holds.
    #[must_use]
    pub fn holds(&self, values: &dyn Values) -> bool {
        self.0.iter().all(|term| match term {
            Term::Is { name, wanted } => {
                let value = values.text(name).unwrap_or_default();
                (!matches!(value.as_str(), "" | "0" | "false")) == *wanted
            }
            Term::AtLeast { name, least } => values
                .text(name)
                .is_some_and(|value| !value.is_empty() && !older(&value, least)),
            Term::Below { name, limit } => values
                .text(name)
                .is_some_and(|value| !value.is_empty() && older(&value, limit)),
            Term::Equals {
                name,
                value,
                wanted,
            } => (values.text(name).unwrap_or_default() == *value) == *wanted,
        })
    }

    /// Whether it has no terms.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names that it asks for.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|term| match term {
            Term::Is { name, .. }
            | Term::Equals { name, .. }
            | Term::AtLeast { name, .. }
            | Term::Below { name, .. } => name.as_str(),
        })
    }
}

fn term(text: &str) -> Term {
    let text = text.trim();
    if let Some((name, least)) = text.split_once(">=") {
        let (name, least) = (name.trim().to_owned(), least.trim().to_owned());
        return Term::AtLeast { name, least };
    }
    if let Some((name, limit)) = text.split_once('<') {
        let (name, limit) = (name.trim().to_owned(), limit.trim().to_owned());
        return Term::Below { name, limit };
    }
    if let Some((name, value)) = text.split_once("!=") {
        return Term::Equals {
            name: name.trim().to_owned(),
            value: value.trim().to_owned(),
            wanted: false,
        };
    }
    if let Some((name, value)) = text.split_once('=') {
        return Term::Equals {
            name: name.trim().to_owned(),
            value: value.trim().to_owned(),
            wanted: true,
        };
    }
    match text.strip_prefix('!') {
        Some(name) => Term::Is {
            name: name.to_owned(),
            wanted: false,
        },
        None => Term::Is {
            name: text.to_owned(),
            wanted: true,
        },
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Terms {
            One(String),
            All(Vec<String>),
        }
        Ok(Self(match Terms::deserialize(from)? {
            Terms::One(text) => vec![term(&text)],
            Terms::All(texts) => texts.iter().map(|text| term(text)).collect(),
        }))
    }
}

/// Whether a version is older than another: number by number, what is no number last.
pub(crate) fn older(found: &str, least: &str) -> bool {
    let numbers = |text: &str| -> Vec<u64> {
        text.split(|letter: char| !letter.is_ascii_digit())
            .filter_map(|part| part.parse().ok())
            .collect()
    };
    let (found, least) = (numbers(found), numbers(least));
    let at = |numbers: &[u64], place: usize| numbers.get(place).copied().unwrap_or(0);
    (0..found.len().max(least.len()))
        .map(|place| at(&found, place).cmp(&at(&least, place)))
        .find(|order| order.is_ne())
        .is_some_and(std::cmp::Ordering::is_lt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_at_least_another_or_below_it_or_unknown() {
        let known = |version: &str| {
            std::collections::BTreeMap::from([("version".to_owned(), version.to_owned())])
        };
        for (version, terms) in [
            ("2.0.5", [false, true]),
            ("2.1", [true, false]),
            ("", [false, false]),
        ] {
            for (text, holds) in ["version>=2.1", "version < 2.1"].into_iter().zip(terms) {
                let condition = Condition(vec![term(text)]);
                assert_eq!(condition.holds(&known(version)), holds, "{version} {text}");
                assert_eq!(condition.places().collect::<Vec<_>>(), ["version"]);
            }
        }
    }

    #[test]
    fn versions_are_compared_number_by_number() {
        for (found, least, is_older) in [
            ("1.60.1", "1.58", false),
            ("1.9", "1.10", true),
            ("v1.75.2", "1.75.2", false),
            ("0.14.0-dev", "0.14", false),
            ("2.52.1", "3", true),
            ("", "1", true),
        ] {
            assert_eq!(older(found, least), is_older, "{found} {least}");
        }
    }
}
