//! `TrainObserver`: who watches a run from outside: the progress display, the painter of the loss curve.

use serde::Serialize;

use super::{plan::Plan, position::Position, snapshot::Snapshot};
use crate::{
    error::Result,
    job::{Event, JobDir},
    nn::{Activity, View},
};

/// What an epoch came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EpochSummary {
    /// Epochs done.
    pub epoch: u64,
    /// Mean of the batch losses of this epoch.
    pub train_loss: Option<f64>,
    /// Validation loss at the end of this epoch, when one was due.
    pub validation_loss: Option<f64>,
    /// Accuracy of that validation, 0 to 1, for a classifier.
    pub accuracy: Option<f64>,
    /// The same for the five likeliest classes.
    pub accuracy_top5: Option<f64>,
    /// Rates of its first and its last step.
    pub learning_rates: [f64; 2],
    /// Its training time in seconds, validation and snapshots included.
    pub seconds: f64,
    /// Whether its validation loss is the lowest so far.
    pub is_best: bool,
}

/// A batch of a validation.
#[derive(Debug)]
pub struct Evaluated<'a> {
    /// `[n, c, h, w]`, after preprocessing.
    pub input: &'a tch::Tensor,
    /// What the loss compares with.
    pub target: &'a Activity,
    /// What the network makes of the input.
    pub output: &'a Activity,
}

/// Watches; its errors end the run. Every method may be left out.
pub trait TrainObserver {
    /// Training begins or goes on at `position`.
    fn begin(&mut self, _plan: &Plan, _position: &Position) {}

    /// A validation begins.
    fn validation(&mut self) {}

    /// The first validation of a classification counts no right answers, for this reason.
    fn without_accuracy(&mut self, _reason: &str) {}

    /// A step is done. Called very often: must cost next to nothing.
    fn step(&mut self, _position: &Position) {}

    /// A line of `metrics.jsonl` was written.
    ///
    /// # Errors
    /// When what follows from it cannot be written.
    fn event(&mut self, _event: &Event) -> Result<()> {
        Ok(())
    }

    /// A validation has evaluated its first batch; the next one may use the output's memory again.
    ///
    /// # Errors
    /// When what follows from it cannot be written.
    fn evaluated(&mut self, _position: &Position, _batch: &Evaluated<'_>) -> Result<()> {
        Ok(())
    }

    /// What the network file wants to be seen, of the first batch of a validation; without validation records, of the
    /// first batch of an epoch.
    ///
    /// # Errors
    /// When it cannot be written.
    fn viewed(&mut self, _job: &JobDir, _position: &Position, _views: &[View]) -> Result<()> {
        Ok(())
    }

    /// A snapshot is about to be written.
    ///
    /// # Errors
    /// When what follows from it cannot be written.
    fn snapshot(&mut self, _position: &Position, _state: &Snapshot) -> Result<()> {
        Ok(())
    }

    /// An epoch is over, its validation and snapshot (when due) included: the moment to paint curves.
    ///
    /// # Errors
    /// When the picture cannot be written.
    fn epoch(&mut self, _job: &JobDir, _summary: &EpochSummary) -> Result<()> {
        Ok(())
    }
}

/// Watches nothing.
pub struct Silent;

impl TrainObserver for Silent {}
