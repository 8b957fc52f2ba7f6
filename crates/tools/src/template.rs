//! Texts of recipes with places to fill in: `{name}`, `{name|filter}`.
//!
//! A place that nobody knows is empty. `{{` and `}}` are braces.

use std::fmt;

use serde::{Deserialize, Deserializer};

use crate::condition::Condition;

/// Where the values of places come from.
pub trait Values {
    /// The text of a place; `None` where there is none.
    fn text(&self, name: &str) -> Option<String>;

    /// The texts of a list; of anything else its one text.
    fn list(&self, name: &str) -> Vec<String> {
        self.text(name)
            .filter(|text| !text.is_empty())
            .into_iter()
            .collect()
    }
}

/// Looks in the first, then in the second.
#[derive(Debug, Clone, Copy)]
pub struct Either<A, B>(pub A, pub B);

impl<A: Values, B: Values> Values for Either<A, B> {
    fn text(&self, name: &str) -> Option<String> {
        self.0.text(name).or_else(|| self.1.text(name))
    }

    fn list(&self, name: &str) -> Vec<String> {
        match self.0.text(name) {
            Some(_) => self.0.list(name),
            None => self.1.list(name),
        }
    }
}

impl<T: Values + ?Sized> Values for &T {
    fn text(&self, name: &str) -> Option<String> {
        (**self).text(name)
    }

    fn list(&self, name: &str) -> Vec<String> {
        (**self).list(name)
    }
}

impl Values for std::collections::BTreeMap<String, String> {
    fn text(&self, name: &str) -> Option<String> {
        self.get(name).cloned()
    }
}

/// A text with places.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Place { name: String, filters: Vec<Filter> },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Filter {
    /// The last component of a path, or of what comes after a colon.
    Base,
    /// All but the last component.
    Parent,
    /// A number of bytes of `1.5 MiB`, `12k`, `1,234`.
    Bytes,
    /// With one separator at its end.
    Dir,
    /// Only the first line.
    First,
    /// The machine of `HOST:PATH`, `HOST::PATH` or `USER@HOST:PATH`; nothing where that is a path of this machine.
    Host,
    /// In lowercase.
    Lower,
    /// Another text when it is empty.
    Or(String),
    /// Sixteen letters that stand for it.
    Hash,
    /// One word for a shell.
    Quote,
}

/// A text that is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace without its other one.
    #[error("`{0}` has a brace without its other one; a brace itself is written twice")]
    Brace(String),
    /// A place that cannot be one, such as the braces of a shell.
    #[error(
        "`{{{0}}}` is no place: a name has letters, digits, `_`, `-` and `.`; a brace itself is written twice"
    )]
    Place(String),
    /// A filter that does not exist.
    #[error(
        "there is no filter `{0}`; there are: base, parent, dir, bytes, first, host, lower, or:TEXT, hash, quote"
    )]
    Filter(String),
}

impl Template {
    /// Reads it.
    ///
    /// # Errors
    /// [`TemplateError`].
    pub fn new(text: &str) -> Result<Self, TemplateError> {
        let brace = || TemplateError::Brace(text.to_owned());
        let (mut parts, mut plain) = (Vec::new(), String::new());
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            plain.push_str(before);
            if let Some(after) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
                plain.push_str(&from[..1]);
                rest = after;
                continue;
            }
            let inner = from.strip_prefix('{').ok_or_else(brace)?;
            let (place, after) = inner.split_once('}').ok_or_else(brace)?;
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            let mut words = place.split('|');
            let name = words.next().unwrap_or_default().to_owned();
            let is_part = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
            if name.is_empty() || !name.chars().all(is_part) {
                return Err(TemplateError::Place(name));
            }
            let filters = words.map(Filter::new).collect::<Result<_, _>>()?;
            parts.push(Part::Place { name, filters });
            rest = after;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self(parts))
    }

    /// Fills it in.
    #[must_use]
    pub fn fill(&self, values: &dyn Values) -> String {
        let mut filled = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Place { name, filters } => {
                    let value = values.text(name).unwrap_or_default();
                    filled.push_str(&filters.iter().fold(value, |value, filter| filter.of(value)));
                }
            }
        }
        filled
    }

    /// The name of the list that it stands for, when it is a place and nothing else.
    fn only_place(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Part::Place { name, filters }] if filters.is_empty() => Some(name),
            _ => None,
        }
    }

    /// The names of its places.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Place { name, .. } => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }
}

impl Filter {
    fn new(word: &str) -> Result<Self, TemplateError> {
        Ok(match word {
            "base" => Self::Base,
            "parent" => Self::Parent,
            "bytes" => Self::Bytes,
            "dir" => Self::Dir,
            "first" => Self::First,
            "host" => Self::Host,
            "lower" => Self::Lower,
            "hash" => Self::Hash,
            "quote" => Self::Quote,
            _ => match word.strip_prefix("or:") {
                Some(other) => Self::Or(other.to_owned()),
                None => return Err(TemplateError::Filter(word.to_owned())),
            },
        })
    }

    fn of(&self, value: String) -> String {
        match self {
            Self::Base => {
                let path = value.trim_end_matches(['/', '\\']);
                let base = path.rsplit(['/', '\\', ':']).next().unwrap_or(path);
                if base.is_empty() {
                    path.trim_end_matches(':').to_owned()
                } else {
                    base.to_owned()
                }
            }
            Self::Parent => {
                let path = value.trim_end_matches('/');
                path.rsplit_once('/')
                    .map_or_else(String::new, |(parent, _)| parent.to_owned())
            }
            Self::Dir if value.is_empty() => value,
            Self::Dir => format!("{}/", value.trim_end_matches('/')),
            Self::Bytes => bytes_of(&value).map_or_else(String::new, |bytes| bytes.to_string()),
            Self::First => value.lines().next().unwrap_or_default().to_owned(),
            Self::Host => host_of(&value).to_owned(),
            Self::Lower => value.to_lowercase(),
            Self::Or(other) if value.is_empty() => other.clone(),
            Self::Or(_) => value,
            Self::Hash => short_hash(&value),
            Self::Quote => shlex::try_quote(&value)
                .map(std::borrow::Cow::into_owned)
                .unwrap_or_default(),
        }
    }
}

/// The machine of a place: what stands before the first colon, unless that is a path or the letter of a drive.
fn host_of(place: &str) -> &str {
    let Some((before, _)) = place.split_once(':') else {
        return "";
    };
    let host = before.rsplit('@').next().unwrap_or(before);
    if before.len() < 2 || before.contains(['/', '\\']) {
        return "";
    }
    host
}

/// Sixteen letters that stand for a text, the same for ever.
#[must_use]
pub fn short_hash(text: &str) -> String {
    let whole = blake3::hash(text.as_bytes()).to_hex();
    whole.as_str().get(..16).unwrap_or_default().to_owned()
}

/// The number of bytes that `1.5 MiB`, `12k`, `1,234` or `3.4 MB` stands for: with an `i` or with the letter alone by 1,024,
/// with `B` after it by 1,000.
#[must_use]
pub fn bytes_of(text: &str) -> Option<u64> {
    let text = text.trim().replace(',', "");
    let end = text
        .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .unwrap_or(text.len());
    let number: f64 = text.get(..end)?.parse().ok()?;
    let unit = text.get(end..)?.trim().to_ascii_lowercase();
    let unit = unit.trim_end_matches("/s");
    let power = match unit.chars().next() {
        None | Some('b') => 0,
        Some('k') => 1,
        Some('m') => 2,
        Some('g') => 3,
        Some('t') => 4,
        Some('p') => 5,
        Some(_) => return None,
    };
    let known = match power {
        0 => matches!(unit, "" | "b" | "byte" | "bytes"),
        _ => matches!(unit.get(1..), Some("" | "b" | "i" | "ib")),
    };
    if !known {
        return None;
    }
    let base: f64 = if power > 0 && unit.get(1..) == Some("b") {
        1000.0
    } else {
        1024.0
    };
    let bytes = number * base.powi(power);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is bounded on both sides"
    )]
    (0.0..9.0e18).contains(&bytes).then_some(bytes as u64)
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.0 {
            match part {
                Part::Text(text) => f.write_str(text)?,
                Part::Place { name, .. } => write!(f, "{{{name}}}")?,
            }
        }
        Ok(())
    }
}

/// The words of a command.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Words(Vec<Word>);

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Word {
    One(Template),
    If(SomeWords),
    Each(EachWord),
}

/// Words for each text of a list, which is `{each}` in them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct EachWord {
    each: String,
    words: Vec<Template>,
}

/// One text of a list, before all else.
struct EachOf<'a>(&'a str, &'a dyn Values);

impl Values for EachOf<'_> {
    fn text(&self, name: &str) -> Option<String> {
        if name == "each" {
            Some(self.0.to_owned())
        } else {
            self.1.text(name)
        }
    }

    fn list(&self, name: &str) -> Vec<String> {
        if name == "each" {
            vec![self.0.to_owned()]
        } else {
            self.1.list(name)
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SomeWords {
    #[serde(rename = "if")]
    condition: Condition,
    words: Vec<Template>,
}

impl Words {
    /// Fills them in: a word that is a place alone becomes all words of its list, and none when there is none.
    #[must_use]
    pub fn fill(&self, values: &dyn Values) -> Vec<String> {
        let mut filled = Vec::new();
        let mut add = |word: &Template, values: &dyn Values| match word.only_place() {
            Some(name) => filled.extend(values.list(name)),
            None => filled.push(word.fill(values)),
        };
        for word in &self.0 {
            match word {
                Word::One(word) => add(word, values),
                Word::If(some) if some.condition.holds(values) => {
                    some.words.iter().for_each(|word| add(word, values));
                }
                Word::If(_) => {}
                Word::Each(each) => {
                    for one in values.list(&each.each) {
                        let values = EachOf(&one, values);
                        each.words.iter().for_each(|word| add(word, &values));
                    }
                }
            }
        }
        filled
    }

    /// The names of all places, and of what conditions and lists ask for.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        let asked = self.0.iter().flat_map(|word| {
            let (condition, list) = match word {
                Word::One(_) => (None, None),
                Word::If(some) => (Some(some.condition.places()), None),
                Word::Each(each) => (None, Some(each.each.as_str())),
            };
            condition.into_iter().flatten().chain(list)
        });
        self.0
            .iter()
            .flat_map(|word| match word {
                Word::One(word) => std::slice::from_ref(word),
                Word::If(some) => some.words.as_slice(),
                Word::Each(each) => each.words.as_slice(),
            })
            .flat_map(Template::places)
            .chain(asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn values() -> BTreeMap<String, String> {
        [
            ("path", "/a/b c/"),
            ("place", "host:dir/x"),
            ("remote", "drive:"),
            ("size", "1.5 MiB"),
            ("none", ""),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    #[test]
    fn the_machine_of_a_place_is_not_a_drive_nor_a_path() {
        for (place, host) in [
            ("host::/srv", "host"),
            ("root@host.example:/srv", "host.example"),
            ("host:", "host"),
            ("/srv/a:b", ""),
            ("./a:b", ""),
            ("C:\\a", ""),
            ("C:/a", ""),
            ("plain", ""),
            ("", ""),
        ] {
            assert_eq!(host_of(place), host, "{place}");
        }
    }

    #[test]
    fn places_are_filled_and_filtered() {
        for (text, filled) in [
            ("{path}", "/a/b c/"),
            ("a{unknown}b", "ab"),
            ("{{x}} {path|base}", "{x} b c"),
            ("{path|parent}", "/a"),
            ("{path|dir}{none|dir}", "/a/b c/"),
            ("{place|base}", "x"),
            ("{remote|host}", "drive"),
            ("[{path|host}]", "[]"),
            ("{remote|base}", "drive"),
            ("{size|bytes}", "1572864"),
            ("{none|or:else}", "else"),
            ("{path|quote}", "'/a/b c/'"),
        ] {
            assert_eq!(
                Template::new(text).unwrap().fill(&values()),
                filled,
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_template_says_why() {
        for (text, says) in [
            ("{path", "without its other one"),
            ("path}", "without its other one"),
            ("{path|upside}", "no filter `upside`"),
            ("test || { exit 1; }", "written twice"),
            ("{}", "written twice"),
        ] {
            let why = Template::new(text).unwrap_err().to_string();
            assert!(why.contains(says), "{text}: {why}");
        }
    }

    #[test]
    fn amounts_are_read_as_programs_write_them() {
        for (text, bytes) in [
            ("1,234", Some(1234)),
            ("1.5 MiB", Some(1_572_864)),
            ("12k", Some(12_288)),
            ("3.4 MB", Some(3_400_000)),
            ("2GiB/s", Some(2 << 30)),
            ("0", Some(0)),
            ("many", None),
            ("12 parsecs", None),
            ("", None),
        ] {
            assert_eq!(bytes_of(text), bytes, "{text}");
        }
    }

    #[test]
    fn lists_conditions_and_each_make_words() {
        let words: Words = toml::from_str::<BTreeMap<String, Words>>(
            r#"words = ["a", "{none}", { if = "path", words = ["b={size}"] }, { if = "!path", words = ["c"] }, { each = "path", words = ["-x", "{each}"] }]"#,
        )
        .unwrap()
        .remove("words")
        .unwrap();
        assert_eq!(words.fill(&values()), ["a", "b=1.5 MiB", "-x", "/a/b c/"]);
        let places: Vec<&str> = words.places().collect();
        assert_eq!(places, ["none", "size", "each", "path", "path", "path"]);
    }
}
