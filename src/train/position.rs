//! `Position`: where a run stands; with the weights and the optimiser's state it is all that a resume needs.

use serde::{Deserialize, Serialize};

use super::{cadence, meter::RunningMean, plan::Plan};
use crate::job::Best;

/// Where a run stands after a step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Steps done.
    pub iteration: u64,
    /// Whole epochs done.
    pub epoch: u64,
    /// Steps done in the epoch that is under way.
    pub batch: u64,
    /// Images of the epoch that is under way seen so far, those that the last batch of the epoch before took among them.
    pub images: u64,
    /// Images since the last train line.
    pub line_images: u64,
    /// Losses since the last train line.
    pub line_loss: RunningMean,
    /// Losses of the epoch under way.
    pub epoch_loss: RunningMean,
    /// Epoch at which the next validation is due.
    pub next_validation: f64,
    /// Epoch at which the next snapshot is due.
    pub next_snapshot: f64,
    /// Validations done.
    #[serde(default)]
    pub validations: u64,
    /// Step of the last validation.
    pub validated: Option<u64>,
    /// Loss of that validation.
    pub validation_loss: Option<f64>,
    /// Accuracy of that validation, for a classifier.
    pub accuracy: Option<f64>,
    /// The same for the five likeliest classes.
    #[serde(default)]
    pub accuracy_top5: Option<f64>,
    /// Lowest validation loss so far.
    pub lowest_loss: Option<f64>,
    /// Validations in a row since then.
    pub validations_without_gain: u64,
    /// The best snapshot so far.
    pub best: Option<Best>,
}

impl Position {
    /// Before the first step.
    #[must_use]
    pub fn start(plan: &Plan) -> Position {
        let mut position = Position::default();
        position.set_next_validation(plan);
        position.set_next_snapshot(plan);
        position
    }

    /// The position of a snapshot in a run that goes on, perhaps with other intervals than before.
    #[must_use]
    pub fn resumed(mut self, plan: &Plan) -> Position {
        let here = self.exact_epoch(plan);
        if !cadence::is_due_point(self.next_validation, plan.validation_interval, here) {
            self.set_next_validation(plan);
        }
        if !cadence::is_due_point(self.next_snapshot, plan.snapshot_interval.epochs(), here) {
            self.set_next_snapshot(plan);
        }
        self
    }

    /// Counts a step over `count` images. The epoch's end is the caller's to notice: [`Position::end_epoch`].
    pub(super) fn advance(&mut self, count: u64) {
        self.iteration += 1;
        self.batch += 1;
        self.images += count;
        self.line_images += count;
    }

    /// Turns to the next epoch, which has seen already what the last batch took from it.
    pub(super) fn end_epoch(&mut self, plan: &Plan) {
        self.epoch += 1;
        self.batch = 0;
        self.images = self.images.saturating_sub(plan.records);
        self.epoch_loss = RunningMean::default();
    }

    /// Epochs done, exactly.
    #[must_use]
    pub fn exact_epoch(&self, plan: &Plan) -> f64 {
        self.epoch as f64 + self.images as f64 / plan.records.max(1) as f64
    }

    /// Epochs done, rounded as DIGITS shows it: the value in log lines, metrics and snapshot names.
    #[must_use]
    pub fn shown_epoch(&self, plan: &Plan) -> f64 {
        // The end of an epoch is a whole number, also where its last batch has begun the next one.
        let images = if self.batch == 0 { 0 } else { self.images.min(plan.records) };
        let part = images as f64 / plan.records.max(1) as f64;
        // Not 1.0 + 0.1 but the nearest number to 1.1: the names of files are made of it.
        let digits = plan.epoch_digits();
        cadence::round_to(self.epoch as f64 + cadence::round_to(part, digits), digits)
    }

    pub(super) fn set_next_validation(&mut self, plan: &Plan) {
        self.next_validation = cadence::next_due(self.exact_epoch(plan), plan.validation_interval);
    }

    pub(super) fn set_next_snapshot(&mut self, plan: &Plan) {
        self.next_snapshot = cadence::next_due(self.exact_epoch(plan), plan.snapshot_interval.epochs());
    }

    /// Whether the epoch value has come to `due`; images are whole, so half an image is the tolerance.
    pub(super) fn reached(&self, due: f64, plan: &Plan) -> bool {
        self.exact_epoch(plan) + 0.5 / plan.records.max(1) as f64 >= due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Interval;

    fn plan() -> Plan {
        Plan {
            epochs: 3,
            records: 45_002,
            batch_size: 64,
            seed: 1,
            validation_interval: 1.0,
            snapshot_interval: Interval::Epochs(0.5),
            keep: None,
            patience: None,
            crosses_epochs: false,
            classes: None,
        }
    }

    #[test]
    fn an_epoch_is_over_after_its_last_batch_not_before() {
        let plan = plan();
        let mut at = Position::start(&plan);
        for _ in 0..703 {
            at.advance(64);
        }
        assert!(!at.reached(at.next_validation, &plan)); // DIGITS, which compares rounded values, says yes here
        at.advance(10);
        assert!(at.reached(at.next_validation, &plan));
        assert_eq!(at.shown_epoch(&plan), 1.0);
        at.end_epoch(&plan);
        assert_eq!(at.shown_epoch(&plan), 1.0);
        at.set_next_validation(&plan);
        at.set_next_snapshot(&plan);
        assert_eq!((at.next_validation, at.next_snapshot), (2.0, 1.5));
    }

    #[test]
    fn shown_epochs_have_clean_digits() {
        let plan = plan();
        let mut at = Position { epoch: 2, ..Position::start(&plan) };
        at.advance(64);
        assert_eq!(at.shown_epoch(&plan).to_string(), "2.001");
    }

    #[test]
    fn another_interval_holds_from_the_resume_on_and_the_same_one_goes_on() {
        let plan = Plan { snapshot_interval: Interval::Epochs(1.0), ..plan() };
        let at = |next_snapshot: f64| Position { epoch: 1, images: 27_000, next_snapshot, ..Position::start(&plan) };
        assert_eq!(at(2.0).resumed(&plan).next_snapshot, 2.0);
        // Of an interval of ten epochs, of a third, of none.
        for stored in [10.0, 4.0 / 3.0, f64::MAX] {
            assert_eq!(at(stored).resumed(&plan).next_snapshot, 3.0);
        }
        let never = Plan { snapshot_interval: Interval::Epochs(0.0), ..plan.clone() };
        assert_eq!(at(2.0).resumed(&never).next_snapshot, f64::MAX);
    }
}
