//! Registering handlers, and asking for one on behalf of a program (mobsync 3.9 and 3.10).

use serde::{Deserialize, Serialize};

/// Most bytes of a cookie as a program hands it over; what is larger is refused.
pub const MAX_COOKIE_BYTES: usize = 1024 * 1024;

/// An automatic event that a handler wants to take part in (`SYNCMGRREGISTERFLAGS`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RegisterEvent {
    /// The network came up, or the user logged on.
    Connect,
    /// The network is about to go, or the user logs off.
    PendingDisconnect,
    /// The machine is idle.
    Idle,
}

impl RegisterEvent {
    /// All of them, in the order of their bits.
    pub const ALL: [Self; 3] = [Self::Connect, Self::PendingDisconnect, Self::Idle];

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::PendingDisconnect => "pending-disconnect",
            Self::Idle => "idle",
        }
    }

    /// Its bit in the flags of the contract.
    #[must_use]
    pub fn flag(self) -> u32 {
        match self {
            Self::Connect => 1,
            Self::PendingDisconnect => 2,
            Self::Idle => 4,
        }
    }

    /// The events of some flags; bits without an event are left out.
    #[must_use]
    pub fn of_flags(flags: u32) -> Vec<Self> {
        let mut events = Self::ALL.to_vec();
        events.retain(|event| flags & event.flag() != 0);
        events
    }

    /// The flags of some events.
    #[must_use]
    pub fn to_flags(events: &[Self]) -> u32 {
        events.iter().fold(0, |flags, event| flags | event.flag())
    }
}

/// What is to be registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct NewHandler {
    /// What runs.
    pub runs: Runs,
    /// Its identity; derived when absent. A class of a library is its own identity unless it is given one; a class that
    /// the system lists always is.
    #[serde(default)]
    pub id: Option<String>,
    /// What it is called until it says so itself.
    #[serde(default)]
    pub name: Option<String>,
    /// The automatic events that it wants; absent: those of an earlier registration, else none.
    #[serde(default)]
    pub events: Option<Vec<RegisterEvent>>,
    /// Start it once, and refuse it when it does not answer. Without it nothing is started (M-21).
    #[serde(default)]
    pub check: bool,
}

/// What a registered handler is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum Runs {
    /// A program that speaks the contract on standard input and output.
    Command {
        /// The program and its arguments.
        words: Vec<String>,
        /// Where relative paths among them begin.
        directory: String,
    },
    /// Classes of a shared library.
    Library {
        /// Its absolute path.
        path: String,
        /// Which of its classes; empty: all that it names.
        #[serde(default)]
        classes: Vec<String>,
    },
    /// A class that the system knows.
    Class {
        /// Its identifier.
        class: String,
    },
}

/// Answer to `register`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Registered {
    /// What was registered.
    pub handlers: Vec<RegisteredHandler>,
    /// Arguments that were made absolute paths, because the handler runs elsewhere.
    #[serde(default)]
    pub absolute: Vec<AbsolutePath>,
    /// Arguments that may have been meant as paths and stay as they were written.
    #[serde(default)]
    pub relative: Vec<String>,
}

/// A path that was written otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AbsolutePath {
    /// As it was given.
    pub given: String,
    /// As it is stored.
    pub path: String,
}

/// One handler that was registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RegisteredHandler {
    /// Its identity.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// It was registered before; that registration was replaced (M-20).
    pub replaced: bool,
    /// What it offered when it was started once; nothing where it was not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offers: Vec<String>,
}

/// What a handler is, in a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum HandlerKind {
    /// Part of the program.
    BuiltIn,
    /// A program of its own.
    #[default]
    Command,
    /// A class of a shared library.
    Library,
    /// A class that the system knows.
    Class,
}

/// What is known of a registration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct RegistrationView {
    /// What the handler is.
    pub kind: HandlerKind,
    /// Its class, in braces, when it is one.
    pub class: Option<String>,
    /// What runs, for people.
    pub runs: String,
    /// When it was registered.
    pub registered_ms: Option<i64>,
    /// The automatic events that it wants.
    pub events: Vec<RegisterEvent>,
    /// When it was first seen that what runs is no longer what was registered.
    pub changed_ms: Option<i64>,
    /// Why it cannot be started at all.
    pub problem: Option<String>,
    /// The newest warning or error about it.
    pub last_problem: Option<String>,
    /// When that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_problem_ms: Option<i64>,
}

/// Reads a class identifier with or without braces; answers it in braces and upper case.
#[must_use]
pub fn class(text: &str) -> Option<String> {
    let bare = match text.strip_prefix('{') {
        Some(rest) => rest.strip_suffix('}')?,
        None => text,
    };
    let lengths: Vec<usize> = bare.split('-').map(str::len).collect();
    let hexadecimal = bare.chars().all(|c| c == '-' || c.is_ascii_hexdigit());
    (hexadecimal && lengths == [8, 4, 4, 4, 12]).then(|| format!("{{{}}}", bare.to_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_read_in_both_spellings() {
        let braced = "{6295DF27-35EE-11D1-8707-00C04FD93327}";
        for text in [braced, "6295df27-35ee-11d1-8707-00c04fd93327"] {
            assert_eq!(class(text).as_deref(), Some(braced));
        }
        for text in [
            "",
            "{}",
            "{6295DF27-35EE-11D1-8707-00C04FD93327",
            "6295DF27-35EE-11D1-8707-00C04FD93327}",
            "6295DF2-735EE-11D1-8707-00C04FD93327",
            "6295DG27-35EE-11D1-8707-00C04FD93327",
            "6295DF27-35EE-11D1-8707-00C04FD93327-",
        ] {
            assert_eq!(class(text), None, "{text}");
        }
    }

    #[test]
    fn events_and_flags_are_the_same() {
        for flags in 0..8 {
            assert_eq!(
                RegisterEvent::to_flags(&RegisterEvent::of_flags(flags)),
                flags
            );
        }
        assert_eq!(RegisterEvent::of_flags(8), []);
    }
}
