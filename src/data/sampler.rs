//! The order in which an epoch visits the records: a pure function of (order, count, seed, epoch).
//!
//! Source: `digits/tools/torch/data.lua`. With shuffling DIGITS draws each record independently, so an epoch misses
//! about 37 % of the set; the default here is a true permutation (quirk 2).

use serde::{Deserialize, Serialize};

use super::random::Random;

/// How records are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// The database's own order.
    Sequential,
    /// Every record once, in random order.
    #[default]
    Permutation,
    /// Each draw independent of the others, as in DIGITS.
    WithReplacement,
}

/// Record numbers (from 0) in the order of epoch `epoch`; always `count` of them.
#[must_use]
pub fn order(order: Order, count: u32, seed: u64, epoch: u64) -> Vec<u32> {
    let mut random = Random::new(&[seed, epoch, ORDER_STREAM]);
    match order {
        Order::Sequential => (0..count).collect(),
        Order::Permutation => {
            let mut indices: Vec<u32> = (0..count).collect();
            random.shuffle(&mut indices);
            indices
        }
        Order::WithReplacement => (0..count).map(|_| random.below(u64::from(count)) as u32).collect(),
    }
}

/// What happens to batches where an epoch ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Borders {
    /// The last batch of an epoch has what is left, so that each epoch sees its records and no others.
    #[default]
    Kept,
    /// Batches run on into the next epoch, up to the last of so many: the training queue of DIGITS' TensorFlow tool. An
    /// epoch has the batches whose first record is its own.
    Crossed {
        /// Epochs of the whole run.
        epochs: u64,
    },
    /// Full batches without end: a pass has as many as hold all records, and begins where the last one stopped, like the
    /// validation queue of that tool. Passes are counted as epochs are.
    Endless,
}

impl Borders {
    /// The most records that a batch of this size has, where an epoch has `records`.
    #[must_use]
    pub fn largest_batch(self, size: u64, records: u64) -> u64 {
        match self {
            Borders::Kept => size.min(records),
            Borders::Crossed { epochs } => size.min(records.saturating_mul(epochs.max(1))),
            Borders::Endless => size,
        }
    }
}

/// Record numbers (from 0) of the batches of epoch or pass `epoch` (from 1), which hold `batch` records each.
#[must_use]
pub(super) fn of_epoch(drawn: Order, count: u32, seed: u64, epoch: u64, borders: Borders, batch: u64) -> Vec<u32> {
    let (records, before) = (u64::from(count).max(1), epoch.saturating_sub(1));
    let whole = |records: u64| records.div_ceil(batch) * batch;
    // A range in the epochs' orders, one after the other.
    let range = match borders {
        Borders::Kept => return order(drawn, count, seed, epoch),
        Borders::Crossed { epochs } => whole(before * records)..whole(epoch * records).min(epochs.max(epoch) * records),
        Borders::Endless => before * whole(records)..epoch * whole(records),
    };
    let mut indices = Vec::with_capacity(range.end.saturating_sub(range.start) as usize);
    let mut at = range.start;
    while at < range.end && count > 0 {
        let (turn, first) = (at / records, at % records);
        let here = (range.end - at).min(records - first);
        let all = order(drawn, count, seed, turn + 1);
        indices.extend_from_slice(&all[first as usize..(first + here) as usize]);
        at += here;
    }
    indices
}

/// Keeps the order's stream apart from the per-record streams of the same epoch.
const ORDER_STREAM: u64 = u64::MAX;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_batch_has_no_more_than_there_is() {
        assert_eq!(Borders::Kept.largest_batch(1 << 40, 750), 750);
        assert_eq!(Borders::Kept.largest_batch(64, 750), 64);
        assert_eq!(Borders::Crossed { epochs: 2 }.largest_batch(10_000, 750), 1500);
        assert_eq!(Borders::Endless.largest_batch(10_000, 750), 10_000);
    }

    proptest! {
        #[test]
        fn a_permutation_has_every_record_once(count in 0u32..2000, seed: u64, epoch in 0u64..100) {
            let mut indices = order(Order::Permutation, count, seed, epoch);
            prop_assert_eq!(&indices, &order(Order::Permutation, count, seed, epoch));
            indices.sort_unstable();
            prop_assert!(indices.iter().copied().eq(0..count));
        }

        #[test]
        fn replacement_stays_in_range(count in 1u32..2000, seed: u64) {
            let indices = order(Order::WithReplacement, count, seed, 3);
            prop_assert_eq!(indices.len(), count as usize);
            prop_assert!(indices.iter().all(|&i| i < count));
        }
    }

    proptest! {
        #[test]
        fn crossed_borders_lose_and_repeat_no_record(count in 1u32..60, batch in 1u64..90, epochs in 1u64..7) {
            let wanted: Vec<u32> = (1..=epochs).flat_map(|e| order(Order::Permutation, count, 3, e)).collect();
            let crossed = Borders::Crossed { epochs };
            let found: Vec<Vec<u32>> =
                (1..=epochs).map(|e| of_epoch(Order::Permutation, count, 3, e, crossed, batch)).collect();
            let is_short = |records: &Vec<u32>| !(records.len() as u64).is_multiple_of(batch);
            // Only the batch that ends the run may be short.
            let short = found.iter().rposition(|records| !records.is_empty()).unwrap();
            prop_assert!(found.iter().enumerate().all(|(i, records)| i == short || !is_short(records)));
            prop_assert_eq!(found.concat(), wanted);
        }
    }

    #[test]
    fn an_endless_pass_goes_on_where_the_last_one_stopped() {
        let pass = |pass| of_epoch(Order::Sequential, 5, 0, pass, Borders::Endless, 2);
        assert_eq!((pass(1), pass(2)), (vec![0, 1, 2, 3, 4, 0], vec![1, 2, 3, 4, 0, 1]));
        assert_eq!(of_epoch(Order::Sequential, 3, 0, 2, Borders::Endless, 4), [1, 2, 0, 1]);
        assert_eq!(of_epoch(Order::Sequential, 3, 0, 2, Borders::Kept, 4), [0, 1, 2]);
    }

    #[test]
    fn epochs_and_seeds_differ() {
        let one = order(Order::Permutation, 100, 1, 1);
        assert_ne!(one, order(Order::Permutation, 100, 1, 2));
        assert_ne!(one, order(Order::Permutation, 100, 2, 1));
        assert_eq!(order(Order::Sequential, 3, 9, 9), [0, 1, 2]);
    }

    #[test]
    fn replacement_misses_a_third_as_in_digits() {
        let mut seen = order(Order::WithReplacement, 10_000, 5, 1);
        seen.sort_unstable();
        seen.dedup();
        let missed = 1.0 - seen.len() as f64 / 10_000.0;
        assert!((missed - 0.368).abs() < 0.02, "{missed}");
    }
}
