//! `Table`: a hash table that keeps the order of insertion, as Python's `dict` does; the caller compares keys.
//!
//! Comparing two Python keys may run the user's code, which may change the very table that is searched. So a search is
//! a walk over positions (`first`, `next`) with no borrow held between two of them.

use std::{collections::HashMap, mem};

const END: u32 = u32::MAX;

/// Entries in insertion order; those of one hash are chained.
#[derive(Debug, Clone)]
pub(super) struct Table<K, V> {
    entries: Vec<Option<Entry<K, V>>>,
    first: HashMap<u64, u32>,
    live: usize,
}

/// One key and its value.
#[derive(Debug, Clone)]
pub(super) struct Entry<K, V> {
    hash: u64,
    next: u32,
    /// The key.
    pub(super) key: K,
    /// The value.
    pub(super) value: V,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Table { entries: Vec::new(), first: HashMap::new(), live: 0 }
    }
}

impl<K, V> Table<K, V> {
    /// Number of keys.
    #[must_use]
    pub(super) fn len(&self) -> usize {
        self.live
    }

    /// True without a key.
    #[must_use]
    pub(super) fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Bytes that the table takes, near enough for a limit.
    #[must_use]
    pub(super) fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Option<Entry<K, V>>>() + self.first.capacity() * 16
    }

    /// The latest position whose key has this hash.
    #[must_use]
    pub(super) fn first(&self, hash: u64) -> Option<usize> {
        self.first.get(&hash).map(|at| *at as usize)
    }

    /// The next position after `at` with the same hash.
    #[must_use]
    pub(super) fn next(&self, at: usize) -> Option<usize> {
        self.entry(at).map(|entry| entry.next).filter(|next| *next != END).map(|next| next as usize)
    }

    /// What stands at a position; `None` when it was removed or never there.
    #[must_use]
    pub(super) fn entry(&self, at: usize) -> Option<&Entry<K, V>> {
        self.entries.get(at)?.as_ref()
    }

    /// As [`Table::entry`], to be changed.
    pub(super) fn entry_mut(&mut self, at: usize) -> Option<&mut Entry<K, V>> {
        self.entries.get_mut(at)?.as_mut()
    }

    /// The first live position at or after `at`: how a loop walks a table that may change under it.
    #[must_use]
    pub(super) fn live_from(&self, at: usize) -> Option<usize> {
        (at..self.entries.len()).find(|at| self.entries[*at].is_some())
    }

    /// The last live position.
    #[must_use]
    pub(super) fn last(&self) -> Option<usize> {
        (0..self.entries.len()).rev().find(|at| self.entries[*at].is_some())
    }

    /// Appends a key that the caller has found absent.
    pub(super) fn append(&mut self, hash: u64, key: K, value: V) {
        let at = u32::try_from(self.entries.len()).expect("four thousand million entries exceed every memory limit");
        let next = self.first.insert(hash, at).unwrap_or(END);
        self.entries.push(Some(Entry { hash, next, key, value }));
        self.live += 1;
    }

    /// Takes an entry out; the order of the others stays.
    pub(super) fn remove(&mut self, at: usize) -> Option<(K, V)> {
        let entry = self.entries.get_mut(at)?.take()?;
        self.live -= 1;
        let place = u32::try_from(at).expect("append gave this position as u32");
        if self.first.get(&entry.hash) == Some(&place) {
            if entry.next == END {
                self.first.remove(&entry.hash);
            } else {
                self.first.insert(entry.hash, entry.next);
            }
        } else {
            let mut before = self.first(entry.hash);
            while let Some(near) = before {
                before = self.next(near);
                if let Some(found) = self.entry_mut(near).filter(|found| found.next == place) {
                    found.next = entry.next;
                    break;
                }
            }
        }
        if self.live * 2 + 8 < self.entries.len() {
            self.compact();
        }
        Some((entry.key, entry.value))
    }

    /// Drops the holes that removals left.
    fn compact(&mut self) {
        let old = mem::take(self);
        for entry in old.entries.into_iter().flatten() {
            self.append(entry.hash, entry.key, entry.value);
        }
    }

    /// Entries in the order of insertion.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry<K, V>> {
        self.entries.iter().flatten()
    }

    /// Entries with their hashes, to build another table of.
    pub(super) fn hashed(&self) -> impl Iterator<Item = (u64, &Entry<K, V>)> {
        self.entries.iter().flatten().map(|entry| (entry.hash, entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(table: &Table<u32, char>, hash: u64, key: u32) -> Option<char> {
        let mut at = table.first(hash);
        while let Some(here) = at {
            let entry = table.entry(here).unwrap();
            if entry.key == key {
                return Some(entry.value);
            }
            at = table.next(here);
        }
        None
    }

    #[test]
    fn keys_of_one_hash_are_found_and_removed_one_by_one() {
        let mut table = Table::default();
        for (key, value) in [(1, 'a'), (2, 'b'), (3, 'c')] {
            table.append(7, key, value);
        }
        table.append(8, 4, 'd');
        assert_eq!([1, 2, 3].map(|key| find(&table, 7, key)), [Some('a'), Some('b'), Some('c')]);
        assert_eq!(table.remove(1), Some((2, 'b')));
        assert_eq!([1, 2, 3].map(|key| find(&table, 7, key)), [Some('a'), None, Some('c')]);
        assert_eq!(table.remove(2), Some((3, 'c')));
        assert_eq!(table.remove(0), Some((1, 'a')));
        assert_eq!((table.first(7), find(&table, 8, 4), table.len()), (None, Some('d'), 1));
    }

    #[test]
    fn the_order_of_insertion_outlives_removals() {
        let mut table = Table::default();
        for key in 0..100u32 {
            table.append(u64::from(key % 5), key, 'x');
        }
        for key in 0..90u32 {
            let at = (0..).find(|at| table.entry(*at).is_some_and(|entry| entry.key == key)).unwrap();
            table.remove(at);
        }
        assert_eq!(table.iter().map(|entry| entry.key).collect::<Vec<_>>(), (90..100).collect::<Vec<_>>());
        assert!((90..100).all(|key| find(&table, u64::from(key % 5), key).is_some()));
    }
}
