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

#[cfg(test)]
mod tests {
    use syncmgr_core::condition::FactKind;

    use super::*;

    #[test]
    fn what_is_not_watched_is_not_known() {
        let because = "it went".to_owned();
        let gone = Availability::Unavailable {
            because: because.clone(),
        };
        let kind = FactKind::Network;
        assert_eq!(
            unknown(Subject::Network, &gone),
            Some(Fact::Unknown { kind, because })
        );
        assert_eq!(unknown(Subject::Session, &gone), None);
        let by = "something".to_owned();
        assert_eq!(
            unknown(Subject::Network, &Availability::Watching { by }),
            None
        );
    }
}
