//! `UsedPages`: which pages of a file the tree has used, so that none is used twice.

use std::collections::HashMap;

/// A set of page numbers, small where they lie together: 512 bytes for each 4096 pages that hold one.
#[derive(Default)]
pub(super) struct UsedPages {
    blocks: HashMap<u64, Box<[u64; WORDS]>>,
}

const WORDS: usize = 64;
const WORD: u64 = u64::BITS as u64;

impl UsedPages {
    /// Adds `count` pages from `first` on; answers one that was there already.
    pub(super) fn add(&mut self, first: u64, count: u64) -> Option<u64> {
        let (mut at, end) = (first, first + count);
        while at < end {
            let (word, bit) = (at / WORD, at % WORD);
            let here = (WORD - bit).min(end - at);
            let mask = (u64::MAX >> (WORD - here)) << bit;
            let block = self.blocks.entry(word / WORDS as u64).or_insert_with(|| Box::new([0; WORDS]));
            let bits = &mut block[word as usize % WORDS];
            if *bits & mask != 0 {
                return Some(word * WORD + u64::from((*bits & mask).trailing_zeros()));
            }
            *bits |= mask;
            at += here;
        }
        None
    }

    /// Adds all pages of another set; answers one that was there already.
    pub(super) fn add_all(&mut self, other: &UsedPages) -> Option<u64> {
        let mut twice = None;
        for (&at, theirs) in &other.blocks {
            let block = self.blocks.entry(at).or_insert_with(|| Box::new([0; WORDS]));
            for (word, (bits, more)) in block.iter_mut().zip(theirs.iter()).enumerate() {
                if *bits & more != 0 {
                    let page = (at * WORDS as u64 + word as u64) * WORD + u64::from((*bits & more).trailing_zeros());
                    twice = Some(twice.map_or(page, |least: u64| least.min(page)));
                }
                *bits |= more;
            }
        }
        twice
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_used_once() {
        let mut used = UsedPages::default();
        for (first, count) in [(2, 1), (3, 61), (64, 1), (65, 5000), (1 << 50, 64), (6000, 0)] {
            assert_eq!(used.add(first, count), None, "{first}");
        }
        for (first, count, twice) in [(2, 1, 2), (0, 9, 2), (5064, 3, 5064), ((1 << 50) - 7, 8, 1 << 50)] {
            assert_eq!(used.add(first, count), Some(twice));
        }
    }

    #[test]
    fn sets_that_meet_answer_the_first_page_of_both() {
        let set = |ranges: &[(u64, u64)]| {
            let mut set = UsedPages::default();
            ranges.iter().for_each(|&(first, count)| assert_eq!(set.add(first, count), None));
            set
        };
        let mut all = set(&[(2, 10), (9000, 10)]);
        assert_eq!(all.add_all(&set(&[(12, 8988), (9010, 1)])), None);
        assert_eq!(all.add_all(&set(&[(1, 1), (9009, 100)])), Some(9009));
    }
}
