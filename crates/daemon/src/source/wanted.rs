//! What somebody wants to know, so that nothing is watched or polled for nobody.

use std::collections::BTreeSet;
use std::path::PathBuf;

use syncmgr_core::condition::{Condition, MAX_MOUNT_FACTS};

/// Most paths below which changes are watched; further ones are not.
pub const MAX_PATHS: usize = 1_000;

/// What somebody wants to know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Where the power comes from.
    pub power: bool,
    /// Whether these are mounted: paths of mount points, `LABEL=…` or `UUID=…`.
    pub places: BTreeSet<String>,
    /// Changes below these paths.
    pub paths: BTreeSet<PathBuf>,
}

impl Wanted {
    /// What conditions need, and the paths that triggers need.
    #[must_use]
    pub fn by<'a>(
        conditions: impl Iterator<Item = &'a Condition>,
        paths: impl Iterator<Item = PathBuf>,
    ) -> Self {
        let mut wanted = Self {
            paths: paths.take(MAX_PATHS).collect(),
            ..Self::default()
        };
        for condition in conditions {
            match condition {
                Condition::Power { .. } => wanted.power = true,
                Condition::Mounted(place) if wanted.places.len() < MAX_MOUNT_FACTS => {
                    wanted.places.insert(place.clone());
                }
                _ => {}
            }
        }
        wanted
    }
}
