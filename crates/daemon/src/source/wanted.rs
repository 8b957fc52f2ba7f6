//! What somebody wants to know, so that nothing is watched or polled for nobody.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use syncmgr_core::condition::{Condition, Look, MAX_MOUNT_FACTS};
use syncmgr_core::rule::Cause;

/// Most paths below which changes are watched; further ones are not.
pub const MAX_PATHS: usize = 1_000;

/// How a volume is named by its label.
pub const LABEL: &str = "LABEL=";

/// How a volume is named by its number.
pub const UUID: &str = "UUID=";

/// What somebody wants to know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Whether there is a usable network.
    pub network: bool,
    /// Where the power comes from.
    pub power: bool,
    /// How long nobody used the machine: the shortest span that somebody waits for; absent: nobody does.
    pub idle: Option<Duration>,
    /// Whether these are mounted: paths of mount points, `LABEL=…` or `UUID=…`.
    pub places: BTreeSet<String>,
    /// Changes below these paths.
    pub paths: BTreeSet<PathBuf>,
    /// Those of the paths that may have changed before anybody watched them: told as changed once they are watched.
    pub unseen: BTreeSet<PathBuf>,
    /// What has to be looked at, because something waits for nothing else.
    pub looks: BTreeSet<Look>,
}

impl Wanted {
    /// What conditions and the causes of rules need.
    #[must_use]
    pub fn by<'a>(
        conditions: impl Iterator<Item = &'a Condition>,
        causes: impl Iterator<Item = &'a Cause>,
    ) -> Self {
        let mut wanted = Self::default();
        for cause in causes {
            match cause {
                Cause::Changed(path) if wanted.paths.len() < MAX_PATHS => {
                    wanted.paths.insert(path.into());
                }
                Cause::Volume(name) if wanted.places.len() < MAX_MOUNT_FACTS => {
                    wanted.places.insert(format!("{LABEL}{name}"));
                    wanted.places.insert(format!("{UUID}{name}"));
                }
                Cause::Idle {
                    after, on_battery, ..
                } => {
                    wanted.wait_for(*after);
                    wanted.power |= !on_battery;
                }
                Cause::Connect(_) => wanted.network = true,
                Cause::Schedule(_)
                | Cause::Happening(_)
                | Cause::Changed(_)
                | Cause::Volume(_)
                | Cause::After { .. } => {}
            }
        }
        for condition in conditions {
            match condition {
                Condition::Power { .. } => wanted.power = true,
                Condition::IdleFor(span) => wanted.wait_for(*span),
                Condition::Mounted(place) if wanted.places.len() < MAX_MOUNT_FACTS => {
                    wanted.places.insert(place.clone());
                }
                Condition::AnyNetwork
                | Condition::UnmeteredNetwork
                | Condition::Wifi(_)
                | Condition::Vpn => wanted.network = true,
                Condition::Mounted(_)
                | Condition::NotRunning(_)
                | Condition::Hours(_)
                | Condition::NotHours(_)
                // These are wanted only while something waits for them.
                | Condition::Free { .. }
                | Condition::Load { .. }
                | Condition::Reachable(_) => {}
            }
        }
        wanted
    }

    fn wait_for(&mut self, idle: Duration) {
        self.idle = Some(self.idle.map_or(idle, |shortest| shortest.min(idle)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_silence_is_waited_for() {
        let span = Duration::from_secs;
        let idle = |after| Cause::Idle {
            after,
            repeat: None,
            stop_on_return: false,
            on_battery: false,
        };
        let wanted = |conditions: &[Condition], causes: &[Cause]| {
            Wanted::by(conditions.iter(), causes.iter()).idle
        };
        assert_eq!(wanted(&[], &[]), None);
        assert_eq!(wanted(&[Condition::IdleFor(span(60))], &[]), Some(span(60)));
        let causes = [idle(span(30)), idle(span(90))];
        assert_eq!(
            wanted(&[Condition::IdleFor(span(60))], &causes),
            Some(span(30))
        );
    }
}
