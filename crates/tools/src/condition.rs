//! What must hold for a step, a word or a choice.

use serde::{Deserialize, Deserializer};

use crate::template::Values;

/// All of its terms must hold: `name` (there, and neither `0` nor `false`), `!name`, `name=value`, `name!=value`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Condition(Vec<Term>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    Is {
        name: String,
        wanted: bool,
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
            Term::Is { name, .. } | Term::Equals { name, .. } => name.as_str(),
        })
    }
}

fn term(text: &str) -> Term {
    let text = text.trim();
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
