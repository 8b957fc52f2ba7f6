//! What sources tell, in the words of the core.

use std::time::Duration;

use syncmgr_core::condition::{Fact, FactKind};
use syncmgr_core::leaving::Departure;
use syncmgr_core::rule::{self, Moment};

use crate::source::wanted::{LABEL, UUID};
use crate::source::{Availability, Happening, Leaving, Subject};

/// What is no longer known when a subject is not watched, or can be asked for now that it is.
#[must_use]
pub fn unknown(subject: Subject, availability: &Availability) -> Option<Fact> {
    match availability {
        // What has to be looked at is not told before somebody waits for it.
        Availability::Watching { .. } if subject == Subject::Looks => {
            subject.fact().map(Fact::Askable)
        }
        Availability::Watching { .. } => None,
        Availability::Unavailable { because } => Some(Fact::Unknown {
            kind: subject.fact()?,
            because: because.clone(),
        }),
    }
}

/// Whether a fact says that there is a network; what nobody knows counts as one. Absent: it is about something else.
#[must_use]
pub fn network(fact: &Fact) -> Option<bool> {
    match fact {
        Fact::Network { usable, .. } | Fact::Route { usable, .. } => Some(*usable),
        Fact::Unknown {
            kind: FactKind::Network,
            ..
        } => Some(true),
        _ => None,
    }
}

/// That the machine leaves. Whoever sleeps goes on afterwards, and nobody outlives the end of everything.
#[must_use]
pub fn departure(how: Leaving, within: Duration) -> Departure {
    Departure {
        moment: match how {
            Leaving::Sleep => Moment::Suspend,
            Leaving::Shutdown => Moment::Logoff,
        },
        within,
        everything: how == Leaving::Shutdown,
    }
}

/// What rules may wait for; absent for what is told as a fact, or means nothing to them.
#[must_use]
pub fn happening(happening: &Happening) -> Option<rule::Happening> {
    let moment = |moment| Some(rule::Happening::Moment(moment));
    match happening {
        Happening::SessionStarted { .. } => moment(Moment::Logon),
        // Shutting down ends every session: there is nothing to synchronize with afterwards (mobsync 3.12).
        Happening::SessionEnded { last: true }
        | Happening::Leaving {
            how: Leaving::Shutdown,
            ..
        } => moment(Moment::Logoff),
        Happening::Locked => moment(Moment::Lock),
        Happening::Unlocked => moment(Moment::Unlock),
        Happening::Leaving {
            how: Leaving::Sleep,
            ..
        } => moment(Moment::Suspend),
        Happening::Back(Leaving::Sleep) => moment(Moment::Resume),
        Happening::NetworkLeaving { .. } => moment(Moment::PendingDisconnect),
        Happening::VolumeAppeared { place, .. } => {
            let label = place.strip_prefix(LABEL).map(str::to_owned);
            let uuid = place.strip_prefix(UUID).map(str::to_owned);
            (label.is_some() || uuid.is_some()).then_some(rule::Happening::Volume { label, uuid })
        }
        Happening::PathChanged { below, .. } => Some(rule::Happening::Changed(
            below.to_string_lossy().into_owned(),
        )),
        // A network that came up is a fact, and its own cause.
        Happening::SessionFound { .. }
        | Happening::SessionEnded { last: false }
        | Happening::Back(Leaving::Shutdown)
        | Happening::Ending { .. }
        | Happening::ClockSet
        | Happening::NetworkConnected { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::observation::hold;

    #[test]
    fn what_happens_is_what_rules_wait_for() {
        let leaving = |how| Happening::Leaving {
            how,
            at_most: Duration::from_secs(1),
            hold: hold().0,
        };
        let appeared = |place: &str| Happening::VolumeAppeared {
            place: place.to_owned(),
            at: "/mnt".into(),
        };
        let volume = |label: Option<&str>, uuid: Option<&str>| rule::Happening::Volume {
            label: label.map(str::to_owned),
            uuid: uuid.map(str::to_owned),
        };
        let moment = rule::Happening::Moment;
        for (told, wanted) in [
            (
                Happening::SessionStarted { began: None },
                Some(moment(Moment::Logon)),
            ),
            (Happening::SessionEnded { last: false }, None),
            (
                Happening::SessionEnded { last: true },
                Some(moment(Moment::Logoff)),
            ),
            (leaving(Leaving::Shutdown), Some(moment(Moment::Logoff))),
            (leaving(Leaving::Sleep), Some(moment(Moment::Suspend))),
            (
                Happening::Back(Leaving::Sleep),
                Some(moment(Moment::Resume)),
            ),
            (Happening::Back(Leaving::Shutdown), None),
            (Happening::Ending { hold: hold().0 }, None),
            (Happening::ClockSet, None),
            (
                Happening::NetworkLeaving { name: None },
                Some(moment(Moment::PendingDisconnect)),
            ),
            (appeared("LABEL=a"), Some(volume(Some("a"), None))),
            (appeared("UUID=1-2"), Some(volume(None, Some("1-2")))),
            (appeared("/mnt/a"), None),
            (
                Happening::PathChanged {
                    below: "/notes".into(),
                    paths: Vec::new(),
                },
                Some(rule::Happening::Changed("/notes".into())),
            ),
        ] {
            assert_eq!(happening(&told), wanted, "{told:?}");
        }
    }

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
        let watching = Availability::Watching { by };
        assert_eq!(unknown(Subject::Network, &watching), None);
        assert_eq!(
            unknown(Subject::Looks, &watching),
            Some(Fact::Askable(FactKind::Looked))
        );
    }
}
