//! `Plan`: the numbers of a run that the training loop needs.

use serde::Serialize;

use super::cadence::{Interval, epoch_digits, images_per_line};

/// What to do, apart from the network and the optimiser.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// Epochs in all, those before a resume included.
    pub epochs: u64,
    /// Train records; an epoch sees this many.
    pub records: u64,
    /// Records a step; the last step of an epoch may see fewer.
    pub batch_size: u64,
    /// Noise of step t is drawn from a seed made of this and t.
    pub seed: u64,
    /// Epochs between validations, may be a fraction; 0 is never.
    pub validation_interval: f64,
    /// Between snapshots; one is always written at the end.
    pub snapshot_interval: Interval,
    /// Snapshots to keep beside the best one; `None` keeps all.
    pub keep: Option<usize>,
    /// Stop after this many validations in a row without a new lowest loss.
    pub patience: Option<u64>,
    /// Number of classes, for a classifier: validation then reports the accuracy.
    pub classes: Option<i64>,
}

impl Plan {
    /// Steps of one epoch.
    #[must_use]
    pub fn steps_per_epoch(&self) -> u64 {
        self.records.div_ceil(self.batch_size.max(1))
    }

    /// Steps of the whole run: the `T` of learning rate policies.
    #[must_use]
    pub fn total_steps(&self) -> u64 {
        self.steps_per_epoch() * self.epochs
    }

    /// Images between two train lines.
    #[must_use]
    pub fn images_per_line(&self) -> u64 {
        images_per_line(self.records)
    }

    /// Digits after the point in epoch values.
    #[must_use]
    pub fn epoch_digits(&self) -> i32 {
        epoch_digits(self.records, self.batch_size)
    }

    /// The seed of step `iteration` (0-based): SplitMix64 of both, so that neighbouring steps share nothing.
    #[must_use]
    pub fn step_seed(&self, iteration: u64) -> u64 {
        let mut z = self.seed.wrapping_add(iteration.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
