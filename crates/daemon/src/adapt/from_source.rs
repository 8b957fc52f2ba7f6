//! What sources tell, in the words of the core.

use syncmgr_core::condition::Fact;

use crate::source::{Availability, Subject};

/// What is no longer known when a subject is not watched.
#[must_use]
pub fn unknown(subject: Subject, availability: &Availability) -> Option<Fact> {
    match availability {
        Availability::Watching { .. } => None,
        Availability::Unavailable { because } => Some(Fact::Unknown {
            kind: subject.fact()?,
            because: because.clone(),
        }),
    }
}
