//! `Part`: which records of an epoch one of several processes reads: together they read what one process would.

use std::ops::Range;

/// A process's part of the batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Part {
    /// All of every batch.
    #[default]
    Whole,
    /// Of every batch the part of number `rank` of `of`, as even as whole records allow; without a record where a batch has
    /// fewer than there are parts.
    Slice {
        /// From 0.
        rank: u64,
        /// Processes.
        of: u64,
    },
    /// Every `of`-th batch as a whole, from batch `rank` on.
    Deal {
        /// From 0.
        rank: u64,
        /// Processes.
        of: u64,
    },
}

impl Part {
    /// The records of a batch, of which the epoch has places `batch`, that are this part's.
    #[must_use]
    pub fn of_batch(self, batch: Range<usize>) -> Range<usize> {
        match self {
            Part::Whole | Part::Deal { .. } => batch,
            Part::Slice { rank, of } => {
                let length = batch.len() as u64;
                let at = |rank: u64| batch.start + (length * rank / of) as usize;
                at(rank)..at(rank + 1)
            }
        }
    }

    /// Of `total` batches those that are this part's at all.
    #[must_use]
    pub fn batches(self, total: u64) -> u64 {
        match self {
            Part::Whole | Part::Slice { .. } => total,
            Part::Deal { rank, of } => total.saturating_sub(rank).div_ceil(of),
        }
    }

    /// The number, in the epoch, of this part's batch number `own`.
    #[must_use]
    pub fn number(self, own: u64) -> u64 {
        match self {
            Part::Whole | Part::Slice { .. } => own,
            Part::Deal { rank, of } => own * of + rank,
        }
    }

    /// The most records that this part has of a batch of `size`.
    #[must_use]
    pub fn most(self, size: usize) -> usize {
        match self {
            Part::Whole | Part::Deal { .. } => size,
            Part::Slice { of, .. } => size.div_ceil(of as usize),
        }
    }

    /// The records of this part among an epoch's, in batches of `size`, and how many of them lie before batch `first`.
    pub(super) fn own(self, indices: &[u32], size: usize, first: u64) -> (Vec<u32>, usize) {
        let (mut own, mut before) = (Vec::new(), 0);
        let total = indices.len().div_ceil(size) as u64;
        for at in 0..self.batches(total) {
            let number = self.number(at);
            let start = number as usize * size;
            if at == first {
                before = own.len();
            }
            own.extend_from_slice(&indices[self.of_batch(start..indices.len().min(start + size))]);
        }
        let before = if first >= self.batches(total) { own.len() } else { before };
        (own, before)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_parts_are_the_whole_in_order(count in 0usize..200, size in 1usize..40, of in 1u64..6) {
            let indices: Vec<u32> = (0..count as u32).rev().collect();
            let total = count.div_ceil(size) as u64;
            let mut sliced = Vec::new();
            for number in 0..total as usize {
                let batch = number * size..count.min((number + 1) * size);
                for rank in 0..of {
                    let part = Part::Slice { rank, of };
                    let own = part.of_batch(batch.clone());
                    prop_assert!(own.len() <= part.most(size));
                    sliced.extend_from_slice(&indices[own]);
                }
            }
            prop_assert_eq!(&sliced, &indices);
            let mut dealt: Vec<u64> = (0..of)
                .flat_map(|rank| {
                    let part = Part::Deal { rank, of };
                    (0..part.batches(total)).map(move |own| part.number(own))
                })
                .collect();
            dealt.sort_unstable();
            prop_assert!(dealt.into_iter().eq(0..total));
            for first in 0..=total {
                let part = Part::Slice { rank: of - 1, of };
                let (own, before) = part.own(&indices, size, first);
                let rest: usize = (first as usize..total as usize)
                    .map(|number| part.of_batch(number * size..count.min((number + 1) * size)).len())
                    .sum();
                prop_assert_eq!(own.len() - before, rest);
            }
        }
    }

    #[test]
    fn the_whole_is_one_part() {
        assert_eq!(Part::Whole.own(&[3, 1, 2], 2, 1), (vec![3, 1, 2], 2));
        assert_eq!(Part::Slice { rank: 0, of: 3 }.of_batch(4..6), 4..4);
        assert_eq!(Part::Slice { rank: 2, of: 3 }.of_batch(4..6), 5..6);
    }
}
