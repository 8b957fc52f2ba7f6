//! A set that is mostly empty: it takes the room of a pointer until something is in it, since there may be a million items.

use std::collections::BTreeSet;
use std::ops::Deref;

/// A set that is mostly empty.
#[expect(
    clippy::box_collection,
    reason = "a set takes three words also when it is empty, as it mostly is"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seldom<T>(Option<Box<BTreeSet<T>>>);

impl<T: 'static> Seldom<T> {
    const EMPTY: &'static BTreeSet<T> = &BTreeSet::new();

    /// Makes an empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self(None)
    }
}

impl<T: 'static> Default for Seldom<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: 'static> Deref for Seldom<T> {
    type Target = BTreeSet<T>;

    fn deref(&self) -> &BTreeSet<T> {
        self.0.as_deref().unwrap_or(Self::EMPTY)
    }
}

impl<T> From<BTreeSet<T>> for Seldom<T> {
    fn from(set: BTreeSet<T>) -> Self {
        // An empty one is kept as none, or two empty ones would differ.
        Self((!set.is_empty()).then(|| Box::new(set)))
    }
}

impl<T: Ord, const N: usize> From<[T; N]> for Seldom<T> {
    fn from(values: [T; N]) -> Self {
        BTreeSet::from(values).into()
    }
}

impl<T: Ord> FromIterator<T> for Seldom<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        values.into_iter().collect::<BTreeSet<T>>().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_set_is_one_whatever_it_was_made_of() {
        let made: Seldom<String> = std::iter::empty().collect();
        assert_eq!(made, Seldom::new());
        assert_eq!(Seldom::from(BTreeSet::<String>::new()), Seldom::new());
        assert!(made.is_empty());
        let filled = Seldom::from(["b", "a"]);
        assert_eq!(filled.iter().copied().collect::<Vec<_>>(), ["a", "b"]);
        assert_ne!(filled, Seldom::new());
    }
}
