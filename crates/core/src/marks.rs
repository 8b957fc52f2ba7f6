//! A set of the values of a small enum, kept as bits: items have several, and there may be a million items.

use std::fmt;
use std::marker::PhantomData;

/// A value that has a bit of its own.
pub trait Mark: Copy + 'static {
    /// All of them, in their order: the place here is the bit.
    const ALL: &'static [Self];

    /// Which of them it is.
    fn place(self) -> u32;
}

/// A set of marks.
pub struct Marks<T> {
    bits: u16,
    of: PhantomData<T>,
}

/// Implements [`Mark`] for an enum without fields; names each variant once, in their order.
macro_rules! marks {
    ($($of:ident { $($mark:ident),+ $(,)? })+) => {$(
        impl $crate::marks::Mark for $of {
            const ALL: &'static [Self] = &[$(Self::$mark),+];

            fn place(self) -> u32 {
                self as u32
            }
        }
        const _: () = {
            let all = <$of as $crate::marks::Mark>::ALL;
            assert!(all.len() <= 16, "a set of them has sixteen bits");
            let mut at = 0;
            while at < all.len() {
                assert!(all[at] as usize == at, "every variant stands at its own place");
                at += 1;
            }
            // One that is missing above is refused here.
            const fn every(mark: $of) {
                match mark {
                    $($of::$mark => {})+
                }
            }
            every(all[0]);
        };
    )+};
}
pub(crate) use marks;

impl<T: Mark> Marks<T> {
    /// Makes an empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bits: 0,
            of: PhantomData,
        }
    }

    /// Says whether it is in the set.
    #[must_use]
    pub fn contains(&self, mark: &T) -> bool {
        self.bits & bit(*mark) != 0
    }

    /// Says whether nothing is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bits == 0
    }

    /// Adds one.
    pub fn insert(&mut self, mark: T) {
        self.bits |= bit(mark);
    }

    /// Tells what is in the set, in the order of the variants.
    pub fn iter(&self) -> impl Iterator<Item = &'static T> + use<T> {
        let bits = self.bits;
        T::ALL.iter().filter(move |mark| bits & bit(**mark) != 0)
    }
}

fn bit<T: Mark>(mark: T) -> u16 {
    1_u16.checked_shl(mark.place()).unwrap_or(0)
}

// Derived, these would ask the same of `T`.
impl<T> Clone for Marks<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Marks<T> {}
impl<T> PartialEq for Marks<T> {
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits
    }
}
impl<T> Eq for Marks<T> {}
impl<T: Mark> Default for Marks<T> {
    fn default() -> Self {
        Self::new()
    }
}
impl<T: Mark + fmt::Debug> fmt::Debug for Marks<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
impl<T: Mark> FromIterator<T> for Marks<T> {
    fn from_iter<I: IntoIterator<Item = T>>(marks: I) -> Self {
        let mut set = Self::new();
        for mark in marks {
            set.insert(mark);
        }
        set
    }
}
impl<T: Mark, const N: usize> From<[T; N]> for Marks<T> {
    fn from(marks: [T; N]) -> Self {
        marks.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::{HandlerCapability, HandlerPolicy, ItemCapability, ItemPolicy};

    fn check<T: Mark + PartialEq + fmt::Debug>() {
        let mut set = Marks::new();
        assert!(set.is_empty());
        for mark in T::ALL {
            assert!(!set.contains(mark), "{mark:?}");
            set.insert(*mark);
            assert!(set.contains(mark), "{mark:?}");
        }
        assert!(set.iter().eq(T::ALL));
        assert_eq!(T::ALL.iter().rev().copied().collect::<Marks<T>>(), set);
    }

    #[test]
    fn each_mark_has_its_own_bit() {
        check::<HandlerCapability>();
        check::<HandlerPolicy>();
        check::<ItemCapability>();
        check::<ItemPolicy>();
    }
}
