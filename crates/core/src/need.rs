//! Needs: durable questions to a person.

use std::fmt;

use crate::id::{HandlerId, ItemId, NeedId, RunId};
use crate::time::Timestamp;

/// What kind of question it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NeedKind {
    /// A plain question of a handler.
    Prompt,
    /// A login or another secret.
    Login,
    /// A guard holds a suspicious plan.
    Guard,
    /// A lock that nobody may hold any more.
    StaleLock,
    /// Versions that cannot be reconciled.
    Conflict,
}

/// One answer offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What to answer with.
    pub name: String,
    /// What it does.
    pub label: String,
}

/// What was typed into a question, as the JSON text of an object; opaque here. It may hold a secret, so that nothing
/// shows it but [`Typed::reveal`].
#[derive(Clone, PartialEq, Eq)]
pub struct Typed(String);

impl Typed {
    /// Takes the JSON text of an object.
    #[must_use]
    pub fn new(json: impl Into<String>) -> Self {
        Self(json.into())
    }

    /// The JSON text, for whoever the answer is meant for.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Default for Typed {
    fn default() -> Self {
        Self("{}".to_owned())
    }
}

impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Typed(…)")
    }
}

/// How a need stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NeedState {
    /// Open.
    Open,
    /// Answered; handed to the next run, then used up.
    Answered {
        /// The choice.
        choice: String,
        /// What was typed.
        fields: Typed,
        /// Who answered, for people.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// The answer was used in a run.
    Used {
        /// The choice.
        choice: String,
        /// The run that used it.
        run: RunId,
    },
    /// It no longer matters.
    Withdrawn,
    /// Nobody answered in time.
    Expired,
}

/// A durable question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeedRow {
    /// The number that people type.
    pub id: NeedId,
    /// Its handler.
    pub handler: HandlerId,
    /// Its item.
    pub item: Option<ItemId>,
    /// The handler's name for it; one open need for (handler, item, key).
    pub key: String,
    /// Its kind.
    pub kind: NeedKind,
    /// It outlives the run that asked; one that does not is withdrawn with its instance.
    pub durable: bool,
    /// The question.
    pub text: String,
    /// What one must know to answer.
    pub detail: Option<String>,
    /// The answers offered.
    pub choices: Vec<Choice>,
    /// The answer taken at the deadline.
    pub default: Option<String>,
    /// When the default is taken, or the need expires.
    pub deadline: Option<Timestamp>,
    /// Fields to fill in, as JSON text; opaque here but for [`NeedRow::wants_secret`].
    pub fields: Option<String>,
    /// Private to the handler, as JSON text; opaque here.
    pub context: String,
    /// Since when.
    pub opened: Timestamp,
    /// The run that asked.
    pub run: Option<RunId>,
    /// How it stands.
    pub state: NeedState,
}

/// Which question it is: what is remembered of an answer is remembered under this.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QuestionRef {
    /// Whose.
    pub handler: HandlerId,
    /// About which item.
    pub item: Option<ItemId>,
    /// The handler's name for it.
    pub key: String,
}

impl QuestionRef {
    /// That of a need.
    #[must_use]
    pub fn of(row: &NeedRow) -> Self {
        Self {
            handler: row.handler.clone(),
            item: row.item.clone(),
            key: row.key.clone(),
        }
    }
}

impl NeedRow {
    /// Whether it takes this answer. A question of fields alone offers no choices, and takes any name for "here they are".
    #[must_use]
    pub fn offers(&self, choice: &str) -> bool {
        self.choices.iter().any(|offered| offered.name == choice)
            || self.choices.is_empty()
                && self.fields.is_some()
                && choice.len() <= crate::asking::MAX_KEY
    }

    /// Whether what is typed may be a secret, which is written down nowhere. When in doubt it is.
    #[must_use]
    pub fn wants_secret(&self) -> bool {
        let marks = ["\"secret\"", "\"password\"", "\"writeOnly\""];
        self.kind == NeedKind::Login
            || self
                .fields
                .as_ref()
                .is_some_and(|fields| marks.iter().any(|mark| fields.contains(mark)))
    }
}
