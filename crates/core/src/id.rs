//! Identities.

use std::fmt;
use std::hash::{Hash, Hasher};

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
        pub struct $name(Box<str>);

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
                self.0 == other.0 || self.folded().eq(other.folded())
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
                self.folded().cmp(other.folded())
            }
        }
        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                for c in self.folded() {
                    c.hash(state);
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
