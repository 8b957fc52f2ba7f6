//! What the manager says, as data: each sentence has a code and typed parts beside its English words, so that a face can say
//! it in another language. The words of one family stand together, in an enumeration that `sayings!` makes: nothing can be
//! said that is not in its list, and faces are tested against the lists.

mod circumstance;
mod condition;
mod ending;
mod need;
mod obstacle;
mod reason;
mod turn;

use std::fmt;
use std::time::Duration;

pub(crate) use self::circumstance::Circumstance;
pub(crate) use self::condition::{Change, Want, Wish};
pub(crate) use self::ending::Ending;
pub(crate) use self::need::Question;
pub(crate) use self::obstacle::Obstacle;
pub(crate) use self::reason::{Because, Lacking, Lateness, Remedy};
pub(crate) use self::turn::TurnText;

use crate::amount::{hundredths, size_text};
use crate::schedule::Zone;
use crate::time::{Timestamp, spell};

/// Every sentence of the core: its code, and its words with the names of its parts in braces.
pub const ALL: &[&[(&str, &str)]] = &[
    Change::ALL,
    Want::ALL,
    Wish::ALL,
    Circumstance::ALL,
    Ending::ALL,
    Obstacle::ALL,
    Because::ALL,
    Lacking::ALL,
    Lateness::ALL,
    Remedy::ALL,
    Question::ALL,
    TurnText::ALL,
];

/// A sentence, or a fragment of one: in English words, and as what it is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saying(Box<Inside>);

/// Behind a pointer: a saying stands in much that is usually nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Inside {
    text: String,
    code: &'static str,
    parts: Vec<(&'static str, Part)>,
}

/// What is filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A number of things.
    Number(u64),
    /// A number with two decimals, in hundredths.
    Hundredths(u32),
    /// A name, a path, or what others say: the same in every language.
    Text(String),
    /// A length of time.
    Span(Duration),
    /// A moment.
    Moment(Timestamp),
    /// So many bytes.
    Size(u64),
    /// Hours of the week, as rules write them.
    Hours(String),
    /// Other sentences; more than one are joined by "and".
    Sayings(Vec<Saying>),
}

impl Saying {
    /// A sentence from its parts; `sayings!` calls it.
    #[must_use]
    pub fn new(code: &'static str, text: String, parts: Vec<(&'static str, Part)>) -> Self {
        Self(Box::new(Inside { text, code, parts }))
    }

    /// Its English words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Its code; the same code is always the same sentence.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// What is filled in, by name.
    #[must_use]
    pub fn parts(&self) -> &[(&'static str, Part)] {
        &self.0.parts
    }
}

/// A stored text as a sentence again: one that needs no parts, and that is stored where items and runs come to no good end.
#[must_use]
pub fn known(text: &str) -> Option<Saying> {
    let families = [Ending::ALL, Obstacle::ALL];
    let found = families
        .into_iter()
        .flatten()
        .find(|(_, words)| *words == text);
    let (code, words) = found.filter(|(_, words)| !words.contains('{'))?;
    Some(Saying::new(code, (*words).to_owned(), Vec::new()))
}

impl fmt::Display for Saying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl From<Saying> for String {
    fn from(saying: Saying) -> Self {
        saying.0.text
    }
}

impl PartialEq<str> for Saying {
    fn eq(&self, other: &str) -> bool {
        self.0.text == other
    }
}

impl PartialEq<&str> for Saying {
    fn eq(&self, other: &&str) -> bool {
        self.0.text == *other
    }
}

/// A length of time as a part.
#[derive(Debug, Clone, Copy)]
pub struct Span(pub Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&spell(self.0))
    }
}

/// A number of bytes as a part.
#[derive(Debug, Clone, Copy)]
pub struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&size_text(self.0))
    }
}

/// A number with two decimals as a part.
#[derive(Debug, Clone, Copy)]
pub struct Hundredths(pub u32);

impl fmt::Display for Hundredths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hundredths(self.0))
    }
}

/// A moment as a part, with what the clock on the wall shows then.
#[derive(Debug, Clone)]
pub struct Moment {
    at: Timestamp,
    wall: String,
}

impl Moment {
    /// A moment in a zone.
    #[must_use]
    pub fn new(at: Timestamp, zone: &Zone) -> Self {
        Self {
            at,
            wall: zone.wall_text(at),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.wall)
    }
}

impl Moment {
    /// A moment with words of its own, such as the time alone where the day is today.
    #[must_use]
    pub fn told(at: Timestamp, wall: String) -> Self {
        Self { at, wall }
    }
}

/// Hours of the week as a part.
#[derive(Debug, Clone)]
pub struct HoursText(pub String);

impl fmt::Display for HoursText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Several sentences as one part.
#[derive(Debug, Clone)]
pub struct Joined(pub Vec<Saying>);

impl fmt::Display for Joined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, saying) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(" and ")?;
            }
            saying.fmt(f)?;
        }
        Ok(())
    }
}

impl From<u64> for Part {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<String> for Part {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Saying> for Part {
    fn from(saying: Saying) -> Self {
        Self::Sayings(vec![saying])
    }
}

impl From<Joined> for Part {
    fn from(joined: Joined) -> Self {
        Self::Sayings(joined.0)
    }
}

impl From<Span> for Part {
    fn from(span: Span) -> Self {
        Self::Span(span.0)
    }
}

impl From<Size> for Part {
    fn from(size: Size) -> Self {
        Self::Size(size.0)
    }
}

impl From<Hundredths> for Part {
    fn from(number: Hundredths) -> Self {
        Self::Hundredths(number.0)
    }
}

impl From<Moment> for Part {
    fn from(moment: Moment) -> Self {
        Self::Moment(moment.at)
    }
}

impl From<HoursText> for Part {
    fn from(hours: HoursText) -> Self {
        Self::Hours(hours.0)
    }
}

/// Makes a family of sentences: an enumeration whose variants become [`Saying`]s, each with its code and its English words,
/// in which the names of its parts stand in braces.
#[macro_export]
macro_rules! sayings {
    (
        $(#[$about:meta])*
        $vis:vis enum $family:ident {
            $( $code:literal $name:ident $({ $($part:ident: $type:ty),+ })? = $english:literal; )+
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone)]
        $vis enum $family {
            $( $name $({ $($part: $type),+ })?, )+
        }

        impl $family {
            /// Each code with its words.
            $vis const ALL: &'static [(&'static str, &'static str)] = &[$( ($code, $english), )+];
        }

        impl From<$family> for $crate::saying::Saying {
            fn from(said: $family) -> Self {
                match said {
                    $( $family::$name $({ $($part),+ })? => {
                        let text = format!($english);
                        let parts = vec![$( $( (stringify!($part), $crate::saying::Part::from($part)), )+ )?];
                        Self::new($code, text, parts)
                    } )+
                }
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    sayings! {
        /// What this test says.
        enum Tried {
            "tried-none" None = "nothing";
            "tried-all" All { what: Saying, count: u64, span: Span } = "{count} times {what} in {span}";
        }
    }

    #[test]
    fn a_saying_is_its_words_and_what_they_are_made_of() {
        let saying = Saying::from(Tried::All {
            what: Tried::None.into(),
            count: 3,
            span: Span(Duration::from_secs(90)),
        });
        assert_eq!(saying, "3 times nothing in 1 min 30 s");
        assert_eq!(saying.code(), "tried-all");
        let names: Vec<_> = saying.parts().iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["what", "count", "span"]);
        assert_eq!(Tried::ALL.len(), 2);
    }

    #[test]
    fn several_are_joined() {
        let joined = Joined(vec![Tried::None.into(), Tried::None.into()]);
        assert_eq!(joined.to_string(), "nothing and nothing");
    }

    #[test]
    fn no_two_sentences_share_a_code() {
        let mut codes = BTreeSet::new();
        for (code, _) in ALL.iter().copied().flatten() {
            assert!(codes.insert(code), "{code} stands twice");
        }
    }
}
