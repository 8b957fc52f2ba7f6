//! The queue of what is due.

use std::collections::HashMap;
use std::collections::hash_map::Entry as MapEntry;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use thiserror::Error;

use crate::time::Timestamp;

/// Most entries of a queue: as many as a handler may have items.
pub const MAX_DUE: usize = 1 << 20;

/// Children of a node of the heap. Four lie in a cache line or two, and the heap is half as deep as with two.
const CHILDREN: usize = 4;

/// The queue holds [`MAX_DUE`] entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("more than {MAX_DUE} items have a time at which they are due")]
pub struct DueFull;

/// What is due when: each key has at most one time.
///
/// What is due at the same moment comes in the order of the keys. Keys are small numbers of our own; their hash is fast
/// and not made to withstand keys that somebody chose.
#[derive(Debug, Clone)]
pub struct Due<K> {
    /// A heap: no entry comes before its parent.
    heap: Vec<Entry<K>>,
    /// Where in the heap the entry of each slot is; an entry that moves writes here, and not into the map.
    places: Vec<u32>,
    /// Slots that no entry has.
    free: Vec<u32>,
    /// The slot of each key.
    slots: HashMap<K, u32, BuildHasherDefault<KeyHasher>>,
}

#[derive(Debug, Clone, Copy)]
struct Entry<K> {
    at: Timestamp,
    key: K,
    slot: u32,
}

impl<K: Copy + Ord> Entry<K> {
    fn comes_before(&self, other: &Self) -> bool {
        (self.at, self.key) < (other.at, other.key)
    }
}

impl<K> Default for Due<K> {
    fn default() -> Self {
        Self {
            heap: Vec::new(),
            places: Vec::new(),
            free: Vec::new(),
            slots: HashMap::default(),
        }
    }
}

impl<K: Copy + Ord + Hash> Due<K> {
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
        let full = self.heap.len() >= MAX_DUE;
        match self.slots.entry(key) {
            MapEntry::Occupied(slot) => {
                let index = place(&self.places, *slot.get());
                let before = self.heap[index].at;
                self.heap[index].at = at;
                self.settle(index);
                Ok(Some(before))
            }
            MapEntry::Vacant(_) if full => Err(DueFull),
            MapEntry::Vacant(new) => {
                let index = self.heap.len();
                let slot = self.free.pop().unwrap_or_else(|| {
                    self.places.push(0);
                    narrow(self.places.len() - 1)
                });
                new.insert(slot);
                self.heap.push(Entry { at, key, slot });
                self.rise(index);
                Ok(None)
            }
        }
    }

    /// Takes a key out, and answers the time that it had.
    pub fn remove(&mut self, key: K) -> Option<Timestamp> {
        let slot = self.slots.remove(&key)?;
        Some(self.take(place(&self.places, slot)).0)
    }

    /// Answers what is due first.
    #[must_use]
    pub fn next_due(&self) -> Option<(Timestamp, K)> {
        self.heap.first().map(|first| (first.at, first.key))
    }

    /// Takes out what is due first, if its time has come.
    pub fn pop_due(&mut self, now: Timestamp) -> Option<(Timestamp, K)> {
        let (_, key) = self.next_due().filter(|(at, _)| *at <= now)?;
        self.slots.remove(&key);
        Some(self.take(0))
    }

    /// Answers the time of a key.
    #[must_use]
    pub fn at(&self, key: K) -> Option<Timestamp> {
        let slot = self.slots.get(&key)?;
        Some(self.heap[place(&self.places, *slot)].at)
    }

    /// Answers how many keys have a time.
    #[must_use]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Says whether no key has a time.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// Takes an entry out of the heap; its key is out of the map already.
    fn take(&mut self, index: usize) -> (Timestamp, K) {
        let gone = self.heap.swap_remove(index);
        self.free.push(gone.slot);
        if index < self.heap.len() {
            self.settle(index);
        }
        (gone.at, gone.key)
    }

    /// Moves an entry to where it belongs, up or down, and writes where that is.
    fn settle(&mut self, index: usize) {
        let index = self.rise(index);
        self.sink(index);
    }

    /// Moves an entry up as long as it comes before its parent.
    fn rise(&mut self, index: usize) -> usize {
        let entry = self.heap[index];
        let mut index = index;
        while index > 0 {
            let parent = (index - 1) / CHILDREN;
            if !entry.comes_before(&self.heap[parent]) {
                break;
            }
            self.put(index, self.heap[parent]);
            index = parent;
        }
        self.put(index, entry);
        index
    }

    /// Moves an entry down as long as one of its children comes before it.
    fn sink(&mut self, index: usize) {
        let entry = self.heap[index];
        let mut index = index;
        loop {
            let first = index * CHILDREN + 1;
            let last = (first + CHILDREN).min(self.heap.len());
            let Some(least) = (first..last).reduce(|least, child| {
                if self.heap[child].comes_before(&self.heap[least]) {
                    child
                } else {
                    least
                }
            }) else {
                break;
            };
            if !self.heap[least].comes_before(&entry) {
                break;
            }
            self.put(index, self.heap[least]);
            index = least;
        }
        self.put(index, entry);
    }

    fn put(&mut self, index: usize, entry: Entry<K>) {
        self.heap[index] = entry;
        self.places[widen(entry.slot)] = narrow(index);
    }
}

fn place(places: &[u32], slot: u32) -> usize {
    widen(places[widen(slot)])
}

fn widen(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// An index below [`MAX_DUE`], which always fits.
fn narrow(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// Mixes numbers by multiplication; the map takes its bits from both ends.
#[derive(Debug, Clone, Copy, Default)]
struct KeyHasher(u64);

impl KeyHasher {
    fn mix(&mut self, number: u64) {
        // The golden ratio in 64 bits: odd, and without a pattern.
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.mix(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.mix(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.mix(number);
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
