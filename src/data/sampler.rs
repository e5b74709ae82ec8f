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

/// Keeps the order's stream apart from the per-record streams of the same epoch.
const ORDER_STREAM: u64 = u64::MAX;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
