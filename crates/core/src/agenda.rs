//! What comes when.

use std::collections::BTreeSet;

use crate::time::Timestamp;

/// Keys at moments, in the order of the moments; what comes at the same moment comes in the order of the keys. A key may come
/// at several moments.
#[derive(Debug, Clone)]
pub struct Agenda<K> {
    entries: BTreeSet<(Timestamp, K)>,
}

impl<K> Default for Agenda<K> {
    fn default() -> Self {
        Self {
            entries: BTreeSet::new(),
        }
    }
}

impl<K: Ord> Agenda<K> {
    /// Has a key come at a moment.
    pub fn insert(&mut self, at: Timestamp, key: K) {
        self.entries.insert((at, key));
    }

    /// Takes a key of a moment out; says whether it was there.
    pub fn remove(&mut self, at: Timestamp, key: K) -> bool {
        self.entries.remove(&(at, key))
    }

    /// When the first one comes.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.entries.first().map(|(at, _)| *at)
    }

    /// Takes out what comes first, if its time has come.
    pub fn pop_due(&mut self, now: Timestamp) -> Option<(Timestamp, K)> {
        self.next_due().filter(|at| *at <= now)?;
        self.entries.pop_first()
    }

    /// Keeps only what is wanted.
    pub fn retain(&mut self, mut wanted: impl FnMut(&K) -> bool) {
        self.entries.retain(|(_, key)| wanted(key));
    }

    /// All of it, in order.
    pub fn iter(&self) -> impl Iterator<Item = &(Timestamp, K)> {
        self.entries.iter()
    }
}

impl<K> IntoIterator for Agenda<K> {
    type Item = (Timestamp, K);
    type IntoIter = std::collections::btree_set::IntoIter<(Timestamp, K)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_comes_in_order_and_not_before_its_time() {
        let mut agenda = Agenda::default();
        for (at, key) in [(3, 'c'), (1, 'b'), (1, 'a'), (2, 'x'), (9, 'z')] {
            agenda.insert(Timestamp(at), key);
        }
        assert!(agenda.remove(Timestamp(2), 'x'));
        assert!(
            !agenda.remove(Timestamp(3), 'z'),
            "it comes at another moment"
        );
        assert_eq!(agenda.next_due(), Some(Timestamp(1)));
        let mut due = Vec::new();
        while let Some((_, key)) = agenda.pop_due(Timestamp(3)) {
            due.push(key);
        }
        assert_eq!(due, ['a', 'b', 'c']);
        agenda.retain(|key| *key != 'z');
        assert_eq!(agenda.next_due(), None);
    }
}
