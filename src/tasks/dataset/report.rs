//! `DatasetReport`: what became of the images.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use serde::Serialize;

use crate::data::create::Report;

/// A dataset that was made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DatasetReport {
    /// Its folder.
    pub out: PathBuf,
    /// Its splits that have records: `train`, `val`, `test`.
    pub splits: Vec<SplitReport>,
    /// Images that cannot be read; `skipped.txt` in the folder has the same.
    pub left_out: Vec<LeftOut>,
    /// Sentences about what the user should know of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// How long it took.
    pub seconds: f64,
}

/// A split of a new dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SplitReport {
    /// `train`, `val` or `test`.
    pub name: String,
    /// How many there are.
    pub records: u64,
}

/// An image that is not in the dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// As the list names it.
    pub image: String,
    /// Why, in a line.
    pub reason: String,
}

impl DatasetReport {
    pub(super) fn of(out: &Path, made: Report, started: Instant) -> DatasetReport {
        let records = |name: &str| Some(made.manifest.splits.get(name)?.entries);
        let splits = ["train", "val", "test"]
            .into_iter()
            .filter_map(|name| Some(SplitReport { name: name.into(), records: records(name)? }))
            .collect();
        let left_out = made.skipped.into_iter().map(|(image, reason)| LeftOut { image, reason }).collect();
        let notes = (made.reduced > 0).then(|| {
            format!(
                "{} images have 16 bits a pixel and were reduced to 8: records of one channel in PNG or raw bytes keep them (--channels 1, --encoding png or none)",
                made.reduced
            )
        });
        let seconds = started.elapsed().as_secs_f64();
        DatasetReport {
            out: out.to_path_buf(),
            splits,
            left_out,
            notes: notes.into_iter().chain(made.notes).collect(),
            seconds,
        }
    }
}
