//! Conflicts: a copy of what handlers keep, for show; only the handler removes one (Sync Center 3.9).

use crate::id::ItemRef;
use crate::need::Choice;
use crate::time::Timestamp;

/// Most conflicts remembered for an item; the count beyond is kept, not the rest.
pub const MAX_CONFLICTS_PER_ITEM: usize = 10_000;

/// Most conflicts that one request decides; a person can ask again for the rest.
pub const MAX_DECISIONS: usize = 1_000;

/// What was chosen for a conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The conflict's own identity.
    pub conflict: String,
    /// What is in conflict, for people.
    pub name: String,
    /// The chosen answer.
    pub choice: String,
}

/// Where a version rests that gave way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resting {
    /// Where, for people.
    pub place: String,
    /// Until when, when it is known.
    pub until: Option<Timestamp>,
}

/// Two or more versions of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictRow {
    /// Opaque, compared bytewise.
    pub id: String,
    /// The item.
    pub item: ItemRef,
    /// What is in conflict.
    pub name: String,
    /// Why, as a sentence.
    pub summary: String,
    /// When it was found.
    pub found: Timestamp,
    /// The versions.
    pub versions: Vec<ConflictVersion>,
    /// The answers offered.
    pub choices: Vec<Choice>,
}

/// One version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictVersion {
    /// Where, such as `left`.
    pub place: String,
    /// Full location, for people.
    pub location: String,
    /// Deleted there.
    pub deleted: bool,
    /// What it is.
    pub kind: String,
    /// Size in bytes.
    pub size: Option<u64>,
    /// When it was modified.
    pub modified: Option<Timestamp>,
}
