//! `JobSummary`: a job in one row.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a job stands, in DIGITS' words; `Waiting` is the queue's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) enum Status {
    /// The folder is there, training has not begun.
    Initialized,
    /// In the queue.
    Waiting,
    /// A process trains.
    Running,
    /// All epochs are done.
    Done,
    /// Stopped by the user, or its process was killed.
    Aborted,
    /// An error ended it.
    Error,
}

/// The data of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct JobDataset {
    /// A dataset's id; null when the data lies elsewhere.
    pub(crate) id: Option<String>,
    /// The folder, or the train database.
    pub(crate) path: String,
    /// What people call it; of data that lies elsewhere the last part of the path.
    pub(crate) name: String,
}

/// The snapshot with the lowest validation loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct BestSnapshot {
    /// Of the snapshot.
    pub(crate) epoch: f64,
    /// Steps done then.
    pub(crate) iteration: u64,
    /// Its validation loss.
    pub(crate) loss: f64,
    /// Below the job's folder.
    pub(crate) file: String,
}

/// A small curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct SparkLine {
    /// `validation`, or `train` without one.
    pub(crate) of: String,
    /// At most 48 points: epoch, loss.
    pub(crate) points: Vec<[f64; 2]>,
}

/// A job's place in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct QueuePlace {
    /// From 1.
    pub(crate) place: usize,
    /// What it waits for, in words.
    pub(crate) why: String,
}

/// A job in one row; also the body of `job` events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct JobSummary {
    /// The folder below `DIR/jobs`; holds `/` for a sweep's jobs.
    pub(crate) id: String,
    /// For people.
    pub(crate) name: String,
    /// Jobs of one group stand together.
    pub(crate) group: Option<String>,
    /// Where it stands.
    pub(crate) status: Status,
    /// Aborted without a word: its process was killed, or the machine went down.
    pub(crate) killed: bool,
    /// RFC 3339.
    pub(crate) created: String,
    /// RFC 3339.
    pub(crate) started: Option<String>,
    /// RFC 3339.
    pub(crate) finished: Option<String>,
    /// Seconds of training, all starts together.
    pub(crate) elapsed_seconds: f64,
    /// The network file's name.
    pub(crate) network: String,
    /// `lua` or `python`.
    pub(crate) language: String,
    /// Its data.
    pub(crate) dataset: JobDataset,
    /// Epochs done.
    pub(crate) epoch: f64,
    /// Epochs asked for.
    pub(crate) epochs: f64,
    /// Steps done.
    pub(crate) iteration: u64,
    /// Null before it can be told, and when nothing runs.
    pub(crate) eta_seconds: Option<f64>,
    /// Of the last train event while it runs, then the mean of the run.
    pub(crate) images_per_second: Option<f64>,
    /// The last one.
    pub(crate) train_loss: Option<f64>,
    /// The last one.
    pub(crate) validation_loss: Option<f64>,
    /// The best snapshot.
    pub(crate) best: Option<BestSnapshot>,
    /// Of the last validation, 0 to 1.
    pub(crate) accuracy: Option<f64>,
    /// The highest so far.
    pub(crate) best_accuracy: Option<f64>,
    /// The curve.
    pub(crate) spark: SparkLine,
    /// As asked for.
    pub(crate) device: String,
    /// While it waits.
    pub(crate) queue: Option<QueuePlace>,
    /// One line about the error that ended it.
    pub(crate) error: Option<String>,
    /// Base learning rate.
    pub(crate) lr: f64,
    /// Images a step.
    pub(crate) batch_size: Option<u64>,
    /// The optimiser.
    pub(crate) solver: String,
    /// Every random number follows from it.
    pub(crate) seed: u64,
    /// Snapshots there are.
    pub(crate) snapshots: usize,
    /// Bytes of the folder.
    pub(crate) disk_bytes: u64,
}
