//! What is in a dataset, in numbers and as a picture.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{
    data::{
        Dataset,
        info::{self, Info},
    },
    error::{Error, Kind, Result},
    tasks::panic,
};

/// The dataset that is described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InfoRequest {
    /// A dataset folder, ours or a DIGITS job's.
    pub dataset: PathBuf,
}

/// Counts, shape, classes, mean, disk size.
///
/// # Errors
/// When there is no dataset, or a record cannot be read.
pub fn info(request: &InfoRequest) -> Result<Info> {
    panic::guarded(|| Info::of(&Dataset::open(&request.dataset)?))
}

/// The records that are drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExploreRequest {
    /// A dataset folder, ours or a DIGITS job's.
    pub dataset: PathBuf,
    /// The first so many train records, at least one; of a dataset without any, the first to validate on.
    pub records: u64,
    /// The picture to write.
    pub png: PathBuf,
}

/// The picture that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExploreReport {
    /// Its file.
    pub png: PathBuf,
    /// How many records it shows.
    pub records: u64,
}

/// Draws the first records on one picture.
///
/// # Errors
/// When there is no dataset, a record cannot be read or is no image, or the picture cannot be written.
pub fn explore(request: &ExploreRequest) -> Result<ExploreReport> {
    panic::guarded(|| {
        if request.records == 0 {
            return Err(Error::new(Kind::Usage, "no records to draw").with_help("ask for one record or more"));
        }
        let dataset = Dataset::open(&request.dataset)?;
        let records = dataset
            .train()
            .or_else(|| dataset.val())
            .ok_or_else(|| Error::new(Kind::Data, format!("{} has no records to draw", request.dataset.display())))?;
        info::explore(&records, request.records)?.save_png(&request.png)?;
        Ok(ExploreReport { png: request.png.clone(), records: request.records.min(records.len()) })
    })
}
