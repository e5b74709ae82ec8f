//! `DatasetSummary`: a dataset in one row.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a dataset stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) enum DatasetStatus {
    /// The built-in sample before its folder is made.
    Absent,
    /// A process makes it.
    Making,
    /// It can be used.
    Done,
    /// Stopped while it was made.
    Aborted,
    /// An error ended its making, or it cannot be read.
    Error,
}

/// How far the making is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct MakingProgress {
    /// What is being done.
    pub(crate) stage: String,
    /// Steps finished.
    pub(crate) done: u64,
    /// Steps in all; 0 when not known.
    pub(crate) total: u64,
    /// Of this stage.
    pub(crate) eta_seconds: Option<f64>,
}

/// A dataset in one row; also the body of `dataset` events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct DatasetSummary {
    /// The folder below `DIR/datasets`.
    pub(crate) id: String,
    /// For people.
    pub(crate) name: String,
    /// Where it stands.
    pub(crate) status: DatasetStatus,
    /// `classification`, `generic` or `pairs`.
    pub(crate) kind: String,
    /// The sample that ships in the program.
    pub(crate) built_in: bool,
    /// `[c, h, w]`
    pub(crate) shape: Option<[i64; 3]>,
    /// How many there are.
    pub(crate) classes: usize,
    /// Records to train on.
    pub(crate) train: u64,
    /// Records to validate on.
    pub(crate) val: u64,
    /// Records to test on.
    pub(crate) test: u64,
    /// Images left out.
    pub(crate) skipped: u64,
    /// Bytes of the folder.
    pub(crate) disk_bytes: u64,
    /// RFC 3339.
    pub(crate) created: String,
    /// Where the images came from, in words.
    pub(crate) source: String,
    /// How many jobs use it.
    pub(crate) models: usize,
    /// Pictures of the first train records, at most 6.
    pub(crate) thumbs: Vec<String>,
    /// While it is made.
    pub(crate) progress: Option<MakingProgress>,
    /// One line about what is wrong.
    pub(crate) error: Option<String>,
}
