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
    /// Records a step; the last step of an epoch (where batches cross its border, of the run) may see fewer.
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
    /// Whether batches run across the borders of epochs and validations go on where the last one stopped, as in DIGITS'
    /// TensorFlow tool. An epoch has the steps whose first record is its own.
    pub crosses_epochs: bool,
    /// Number of classes, for a classifier: validation then reports the accuracy.
    pub classes: Option<i64>,
}

impl Plan {
    /// Steps before epoch `epoch`, counted from 0.
    fn steps_before(&self, epoch: u64) -> u64 {
        let batch = self.batch_size.max(1);
        if self.crosses_epochs { (epoch * self.records).div_ceil(batch) } else { epoch * self.records.div_ceil(batch) }
    }

    /// Steps of epoch `epoch`, counted from 0.
    #[must_use]
    pub fn steps_of(&self, epoch: u64) -> u64 {
        self.steps_before(epoch + 1) - self.steps_before(epoch)
    }

    /// The epoch that step `iteration` belongs to, and the steps of that epoch before it; all counted from 0.
    #[must_use]
    pub fn place(&self, iteration: u64) -> (u64, u64) {
        let epoch = if self.crosses_epochs {
            iteration * self.batch_size / self.records.max(1)
        } else {
            iteration / self.steps_of(0).max(1)
        };
        (epoch, iteration - self.steps_before(epoch))
    }

    /// Records that the run has seen when epoch `epoch`, counted from 0, is over.
    #[must_use]
    pub fn records_after(&self, epoch: u64) -> u64 {
        let own = (epoch + 1) * self.records;
        if !self.crosses_epochs {
            return own;
        }
        (self.steps_before(epoch + 1) * self.batch_size).min(self.epochs.max(epoch + 1) * self.records)
    }

    /// Steps of the whole run: the `T` of learning rate policies.
    #[must_use]
    pub fn total_steps(&self) -> u64 {
        self.steps_before(self.epochs)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(records: u64, batch_size: u64, crosses_epochs: bool) -> Plan {
        Plan {
            epochs: 3,
            records,
            batch_size,
            seed: 1,
            validation_interval: 1.0,
            snapshot_interval: Interval::Epochs(1.0),
            keep: None,
            patience: None,
            crosses_epochs,
            classes: None,
        }
    }

    #[test]
    fn steps_of_epochs_that_batches_cross() {
        // 30 records in batches of 4: 0-3 4-7 8-11 | 12-15 16-19 | 20-23 24-27 28-29
        let crossed = plan(10, 4, true);
        assert_eq!([0, 1, 2].map(|epoch| crossed.steps_of(epoch)), [3, 2, 3]);
        assert_eq!([0, 1, 2].map(|epoch| crossed.records_after(epoch)), [12, 20, 30]);
        assert_eq!(crossed.total_steps(), 8);
        let places: Vec<_> = (0..8).map(|iteration| crossed.place(iteration)).collect();
        assert_eq!(places, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2)]);
        let kept = plan(10, 4, false);
        assert_eq!((kept.steps_of(1), kept.total_steps(), kept.records_after(1)), (3, 9, 20));
        assert_eq!((kept.place(2), kept.place(3)), ((0, 2), (1, 0)));
        // A batch that is larger than an epoch ends several.
        let large = plan(10, 14, true);
        assert_eq!([0, 1, 2].map(|epoch| large.steps_of(epoch)), [1, 1, 1]);
        let huge = plan(10, 25, true);
        assert_eq!([0, 1, 2].map(|epoch| huge.steps_of(epoch)), [1, 0, 1]);
        assert_eq!([0, 1, 2].map(|epoch| huge.records_after(epoch)), [25, 25, 30]);
    }
}
