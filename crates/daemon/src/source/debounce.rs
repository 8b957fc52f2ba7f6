//! Turns a stream of changes of files into few notices; decides purely, with the time as an argument.
//!
//! A notice is due once it has been quiet for a while, or when the first change has waited for long. What was created and
//! deleted in between never happened. However many changes come, no more than [`MAX_PENDING`] are remembered: with more
//! it is only known that something changed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Most paths that are remembered between two notices.
pub const MAX_PENDING: usize = 1_024;

/// What happened to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was made, or renamed to this.
    Created,
    /// Its content or its attributes changed.
    Modified,
    /// It was deleted, or renamed to something else.
    Removed,
}

/// The notice: something changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What, sorted; empty when there was too much, or nobody knows.
    pub paths: Vec<PathBuf>,
}

/// Changes that wait for their notice. Moments are spans since any fixed one.
#[derive(Debug, Clone)]
pub struct Debounce {
    quiet: Duration,
    longest: Duration,
    pending: BTreeMap<PathBuf, Change>,
    /// It is not known what changed.
    anything: bool,
    first: Duration,
    last: Duration,
}

impl Debounce {
    /// A notice comes after `quiet` without a change, at the latest `longest` after the first one.
    #[must_use]
    pub fn new(quiet: Duration, longest: Duration) -> Self {
        Self {
            quiet,
            longest,
            pending: BTreeMap::new(),
            anything: false,
            first: Duration::ZERO,
            last: Duration::ZERO,
        }
    }

    /// Takes a change in.
    pub fn take(&mut self, path: PathBuf, change: Change, now: Duration) {
        self.touch(now);
        if self.anything {
            return;
        }
        let merged = match (self.pending.get(&path), change) {
            (Some(Change::Created), Change::Removed) => {
                self.pending.remove(&path);
                return;
            }
            (Some(Change::Created), _) => Change::Created,
            (Some(Change::Removed), Change::Created) => Change::Modified,
            (_, change) => change,
        };
        if self.pending.len() >= MAX_PENDING && !self.pending.contains_key(&path) {
            self.take_anything(now);
        } else {
            self.pending.insert(path, merged);
        }
    }

    /// Takes in that something changed, but not what.
    pub fn take_anything(&mut self, now: Duration) {
        self.touch(now);
        self.anything = true;
        self.pending.clear();
    }

    fn touch(&mut self, now: Duration) {
        if !self.is_pending() {
            self.first = now;
        }
        self.last = self.last.max(now);
    }

    fn is_pending(&self) -> bool {
        self.anything || !self.pending.is_empty()
    }

    /// When the next notice is due; absent: nothing waits.
    #[must_use]
    pub fn due(&self) -> Option<Duration> {
        let quiet = self.last.saturating_add(self.quiet);
        self.is_pending()
            .then(|| quiet.min(self.first.saturating_add(self.longest)))
    }

    /// The notice that is due.
    pub fn notice(&mut self, now: Duration) -> Option<Notice> {
        if self.due()? > now {
            return None;
        }
        self.anything = false;
        let paths = std::mem::take(&mut self.pending).into_keys().collect();
        Some(Notice { paths })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const QUIET: Duration = Duration::from_secs(2);
    const LONGEST: Duration = Duration::from_secs(10);

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn play(changes: &[(u64, &str, Change)]) -> Debounce {
        let mut debounce = Debounce::new(QUIET, LONGEST);
        for (at, path, change) in changes {
            debounce.take(path.into(), *change, s(*at));
        }
        debounce
    }

    #[test]
    fn quiet_and_longest() {
        use Change::Modified as M;
        assert_eq!(play(&[]).due(), None);
        assert_eq!(play(&[(1, "a", M)]).due(), Some(s(3)));
        assert_eq!(
            play(&[(1, "a", M), (2, "a", M), (4, "b", M)]).due(),
            Some(s(6))
        );
        let restless: Vec<_> = (1..30).map(|at| (at, "a", M)).collect();
        assert_eq!(play(&restless).due(), Some(s(11)));
        let mut debounce = play(&[(1, "b", M), (2, "a", M)]);
        assert_eq!(debounce.notice(s(3)), None);
        let paths = vec!["a".into(), "b".into()];
        assert_eq!(debounce.notice(s(4)), Some(Notice { paths }));
        assert_eq!(debounce.notice(s(40)), None);
        assert_eq!(debounce.due(), None);
    }

    #[test]
    fn pairs_cancel() {
        use Change::{Created as C, Modified as M, Removed as R};
        let check = |changes: &[Change], expected: Option<Change>| {
            let changes: Vec<_> = changes.iter().map(|change| (1, "a", *change)).collect();
            let debounce = play(&changes);
            assert_eq!(
                debounce.pending.values().next().copied(),
                expected,
                "{changes:?}"
            );
            assert_eq!(debounce.due().is_some(), expected.is_some());
        };
        check(&[C, R], None);
        check(&[C, M, M, R], None);
        check(&[R, C], Some(M));
        check(&[R, C, R], Some(R));
        check(&[M, R], Some(R));
        check(&[C, M], Some(C));
        check(&[C, R, C], Some(C));
        // A cancelled pair does not age what comes after it.
        let debounce = play(&[(1, "a", C), (2, "a", R), (30, "b", C)]);
        assert_eq!(debounce.due(), Some(s(32)));
    }

    #[test]
    fn a_flood_is_bounded_and_seen() {
        let mut debounce = Debounce::new(QUIET, LONGEST);
        for number in 0..100_000_u64 {
            let at = Duration::from_micros(100 * number);
            debounce.take(format!("file-{number}").into(), Change::Created, at);
            assert!(debounce.pending.len() <= MAX_PENDING);
        }
        assert_eq!(debounce.due(), Some(LONGEST));
        let nobody_knows = Notice { paths: Vec::new() };
        assert_eq!(debounce.notice(LONGEST), Some(nobody_knows));
        assert_eq!(debounce.due(), None);
    }

    proptest! {
        /// Every change that is not undone is in exactly one notice, no later than promised.
        #[test]
        fn nothing_is_lost_or_late(changes in proptest::collection::vec((0_u64..5_000, 0_u8..4, 0_u8..3), 1..200)) {
            let mut debounce = Debounce::new(QUIET, LONGEST);
            let mut now = Duration::ZERO;
            let mut waiting: BTreeMap<PathBuf, (Change, Duration)> = BTreeMap::new();
            for (pause, path, change) in changes {
                let next = now + Duration::from_millis(pause);
                while let Some(due) = debounce.due().filter(|due| *due <= next) {
                    prop_assert!(due >= now);
                    let notice = debounce.notice(due).unwrap();
                    let expected: Vec<PathBuf> = std::mem::take(&mut waiting).into_keys().collect();
                    prop_assert_eq!(notice.paths, expected);
                }
                now = next;
                let path = PathBuf::from(path.to_string());
                let change = [Change::Created, Change::Modified, Change::Removed][usize::from(change)];
                debounce.take(path.clone(), change, now);
                match (waiting.get(&path).map(|(change, _)| *change), change) {
                    (Some(Change::Created), Change::Removed) => {
                        waiting.remove(&path);
                    }
                    (Some(Change::Created), _) => {}
                    (Some(Change::Removed), Change::Created) => {
                        waiting.insert(path, (Change::Modified, now));
                    }
                    _ => {
                        waiting.entry(path).or_insert((change, now)).0 = change;
                    }
                }
                let oldest = waiting.values().map(|(_, since)| *since).min();
                prop_assert_eq!(debounce.due().is_some(), oldest.is_some());
                if let (Some(due), Some(oldest)) = (debounce.due(), oldest) {
                    prop_assert!(due <= oldest + LONGEST);
                }
            }
        }
    }
}
