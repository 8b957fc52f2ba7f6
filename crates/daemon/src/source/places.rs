//! What is told of places that are mounted or not, from one look to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use syncmgr_core::condition::Fact;

use super::{Happening, Observation};

/// Where the places were when they were last looked at; absent: nowhere.
#[derive(Debug, Default)]
pub struct Places {
    before: BTreeMap<String, Option<PathBuf>>,
}

impl Places {
    /// Looks at the places that somebody wants to know of; answers what is new. A place that is looked at for the first
    /// time is a fact, but did not appear.
    pub fn look(
        &mut self,
        wanted: &BTreeSet<String>,
        find: impl Fn(&str) -> Option<PathBuf>,
    ) -> Vec<Observation> {
        let mut new = Vec::new();
        self.before.retain(|place, _| wanted.contains(place));
        for place in wanted {
            let at = find(place);
            let known = self.before.insert(place.clone(), at.clone());
            if known.as_ref().map(Option::is_some) != Some(at.is_some()) {
                new.push(Observation::Fact(Fact::Mounted {
                    path: place.clone(),
                    mounted: at.is_some(),
                }));
            }
            if let (Some(None), Some(at)) = (known, at) {
                let place = place.clone();
                new.push(Observation::Happened(Happening::VolumeAppeared {
                    place,
                    at,
                }));
            }
        }
        new
    }

    /// Nothing is known any more.
    pub fn forget(&mut self) {
        self.before.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new() {
        let mut places = Places::default();
        let both: BTreeSet<String> = ["a".to_owned(), "b".to_owned()].into();
        let mut check = |wanted: &BTreeSet<String>, mounted: &str, expected: &[&str]| {
            let find = |place: &str| (place == mounted).then(|| PathBuf::from("/m"));
            let new: Vec<String> = places
                .look(wanted, find)
                .iter()
                .map(|observation| match observation {
                    Observation::Fact(Fact::Mounted { path, mounted }) => {
                        format!("{path} {mounted}")
                    }
                    Observation::Happened(Happening::VolumeAppeared { place, .. }) => {
                        format!("{place} appeared")
                    }
                    other => format!("{other:?}"),
                })
                .collect();
            assert_eq!(new, expected);
        };
        check(&both, "a", &["a true", "b false"]);
        check(&both, "a", &[]);
        check(&both, "b", &["a false", "b true", "b appeared"]);
        check(&BTreeSet::new(), "b", &[]);
        check(&both, "b", &["a false", "b true"]);
    }
}
