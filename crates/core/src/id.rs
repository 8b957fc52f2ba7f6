//! Identities.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Longest handler or item identifier, in UTF-16 units (`MAX_SYNCMGR_ID` less the terminator).
pub const MAX_ID_UNITS: usize = 63;

/// An identifier that is not 1 to 63 UTF-16 units without control characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an identifier has 1 to {MAX_ID_UNITS} UTF-16 units and no control characters")]
pub struct InvalidId;

macro_rules! text_id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Accepts 1 to 63 UTF-16 units without control characters.
            ///
            /// # Errors
            /// [`InvalidId`] for anything else; an identifier is refused, never cut (Sync Center A-30).
            pub fn new(text: &str) -> Result<Self, InvalidId> {
                let units = text.encode_utf16().count();
                if units == 0 || units > MAX_ID_UNITS || text.chars().any(char::is_control) {
                    return Err(InvalidId);
                }
                Ok(Self(text.into()))
            }

            /// The spelling first seen.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            fn folded(&self) -> impl Iterator<Item = char> + '_ {
                self.0.chars().flat_map(char::to_uppercase)
            }
        }

        /// Ordinal without case (Sync Center A-29).
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                Arc::ptr_eq(&self.0, &other.0)
                    || self.0 == other.0
                    || if self.0.is_ascii() && other.0.is_ascii() {
                        self.0.eq_ignore_ascii_case(&other.0)
                    } else {
                        self.folded().eq(other.folded())
                    }
            }
        }
        impl Eq for $name {}
        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }
        impl Ord for $name {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                if self.0.is_ascii() && other.0.is_ascii() {
                    let upper = |b: u8| b.to_ascii_uppercase();
                    self.0.bytes().map(upper).cmp(other.0.bytes().map(upper))
                } else {
                    self.folded().cmp(other.folded())
                }
            }
        }
        /// Hashes the folded text in one write: a run looks every report up by it.
        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                let bytes = self.0.as_bytes();
                let mut folded = [0_u8; MAX_ID_UNITS];
                match folded.get_mut(..bytes.len()) {
                    Some(folded) if bytes.is_ascii() => {
                        folded.copy_from_slice(bytes);
                        folded.make_ascii_uppercase();
                        state.write(folded);
                    }
                    Some(_) | None => {
                        state.write(self.folded().collect::<String>().as_bytes());
                    }
                }
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// Identity of a handler.
    HandlerId
}
text_id! {
    /// Identity of an item within its handler, stable for ever.
    ItemId
}

/// An item, wherever it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemRef {
    /// Its handler.
    pub handler: HandlerId,
    /// Its identity there.
    pub item: ItemId,
}

impl fmt::Display for ItemRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.handler, self.item)
    }
}

macro_rules! number_id {
    ($($(#[$meta:meta])* $name:ident;)*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

number_id! {
    /// A request in the queue.
    RequestId;
    /// A session: everything done for one trigger.
    SessionId;
    /// A run: one handler's part of a session; the number that people type.
    RunId;
    /// A handler instance: one process, one event.
    InstanceId;
    /// An open or answered question.
    NeedId;
    /// A line of the results log.
    LogId;
    /// A numbered event.
    EventNumber;
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn case_does_not_distinguish_a_29() {
        for (a, b, same) in [
            ("Notes", "nOTES", true),
            ("straße", "STRASSE", true),
            ("\u{17f}", "s", true), // the long s folds into ASCII
            ("notes", "note", false),
            ("ä", "Ä", true),
            ("a", "ä", false),
        ] {
            let (a, b) = (ItemId::new(a).unwrap(), ItemId::new(b).unwrap());
            let set: HashSet<ItemId> = [a.clone()].into();
            assert_eq!(a == b, same, "{a} {b}");
            assert_eq!(a.cmp(&b).is_eq(), same, "{a} {b}");
            assert_eq!(set.contains(&b), same, "{a} {b}");
        }
        let kept = ItemId::new("NoTes").unwrap();
        assert_eq!(kept.as_str(), "NoTes");
    }

    #[test]
    fn bounds_are_refused_never_cut_a_30() {
        assert!(ItemId::new("").is_err());
        assert!(ItemId::new("a\nb").is_err());
        assert!(ItemId::new(&"x".repeat(63)).is_ok());
        assert!(ItemId::new(&"x".repeat(64)).is_err());
        assert!(ItemId::new(&"\u{1f600}".repeat(31)).is_ok());
        assert!(ItemId::new(&"\u{1f600}".repeat(32)).is_err());
    }
}
