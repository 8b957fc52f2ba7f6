//! The queue of what is due.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use crate::time::Timestamp;

/// Most entries of a queue: as many as a handler may have items.
pub const MAX_DUE: usize = 1 << 20;

/// The queue holds [`MAX_DUE`] entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("more than {MAX_DUE} items have a time at which they are due")]
pub struct DueFull;

/// What is due when: each key has at most one time.
///
/// What is due at the same moment comes in the order of the keys.
#[derive(Debug, Clone)]
pub struct Due<K> {
    order: BTreeSet<(Timestamp, K)>,
    times: BTreeMap<K, Timestamp>,
}

impl<K> Default for Due<K> {
    fn default() -> Self {
        Self {
            order: BTreeSet::new(),
            times: BTreeMap::new(),
        }
    }
}

impl<K: Copy + Ord> Due<K> {
    /// Makes an empty queue.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives a key its time, and answers the one that it had.
    ///
    /// # Errors
    /// If the key is new and the queue is full; nothing is changed then.
    pub fn insert(&mut self, key: K, at: Timestamp) -> Result<Option<Timestamp>, DueFull> {
        if self.times.len() >= MAX_DUE && !self.times.contains_key(&key) {
            return Err(DueFull);
        }
        let before = self.times.insert(key, at);
        if before != Some(at) {
            if let Some(before) = before {
                self.order.remove(&(before, key));
            }
            self.order.insert((at, key));
        }
        Ok(before)
    }

    /// Takes a key out, and answers the time that it had.
    pub fn remove(&mut self, key: K) -> Option<Timestamp> {
        let at = self.times.remove(&key)?;
        self.order.remove(&(at, key));
        Some(at)
    }

    /// Answers what is due first.
    #[must_use]
    pub fn next_due(&self) -> Option<(Timestamp, K)> {
        self.order.first().copied()
    }

    /// Takes out what is due first, if its time has come.
    pub fn pop_due(&mut self, now: Timestamp) -> Option<(Timestamp, K)> {
        let first = self.next_due().filter(|(at, _)| *at <= now)?;
        self.order.pop_first();
        self.times.remove(&first.1);
        Some(first)
    }

    /// Answers the time of a key.
    #[must_use]
    pub fn at(&self, key: K) -> Option<Timestamp> {
        self.times.get(&key).copied()
    }

    /// Answers how many keys have a time.
    #[must_use]
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Says whether no key has a time.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_due_first_comes_first_and_only_when_its_time_has_come() {
        let mut due = Due::new();
        for (key, at) in [(3_u32, 30), (1, 10), (2, 10), (4, 40)] {
            assert_eq!(due.insert(key, Timestamp(at)), Ok(None));
        }
        assert_eq!(due.insert(4, Timestamp(5)), Ok(Some(Timestamp(40))));
        assert_eq!(due.remove(9), None);
        assert_eq!(due.pop_due(Timestamp(4)), None);
        let mut order = Vec::new();
        while let Some((at, key)) = due.pop_due(Timestamp(10)) {
            order.push((key, at.0));
        }
        assert_eq!(order, [(4, 5), (1, 10), (2, 10)]);
        assert_eq!(due.next_due(), Some((Timestamp(30), 3)));
        assert_eq!(due.remove(3), Some(Timestamp(30)));
        assert!(due.is_empty() && due.next_due().is_none());
    }

    #[test]
    fn a_full_queue_takes_nothing_new_and_still_changes_what_it_has() {
        let mut due = Due::new();
        for key in 0..u32::try_from(MAX_DUE).unwrap() {
            due.insert(key, Timestamp(1)).unwrap();
        }
        assert_eq!(due.insert(u32::MAX, Timestamp(0)), Err(DueFull));
        assert_eq!(due.insert(7, Timestamp(0)), Ok(Some(Timestamp(1))));
        assert_eq!(
            (due.len(), due.next_due()),
            (MAX_DUE, Some((Timestamp(0), 7)))
        );
    }

    proptest! {
        #[test]
        fn it_does_what_a_plain_list_does(steps in prop::collection::vec((0_u8..4, 0_u8..12, 0_i64..20), 0..200)) {
            let mut due = Due::new();
            let mut list: Vec<(i64, u8)> = Vec::new();
            for (what, key, at) in steps {
                match what {
                    0 | 1 => {
                        list.retain(|entry| entry.1 != key);
                        list.push((at, key));
                        due.insert(key, Timestamp(at)).unwrap();
                    }
                    2 => {
                        list.retain(|entry| entry.1 != key);
                        due.remove(key);
                    }
                    _ => {
                        list.sort_unstable();
                        let expected = list.first().copied().filter(|first| first.0 <= at);
                        list.retain(|entry| Some(*entry) != expected);
                        let found = due.pop_due(Timestamp(at)).map(|(at, key)| (at.0, key));
                        prop_assert_eq!(found, expected);
                    }
                }
                prop_assert_eq!(due.len(), list.len());
                prop_assert_eq!(due.next_due().map(|(at, key)| (at.0, key)), list.iter().min().copied());
            }
        }
    }
}
