//! Names of the files in a job directory.

use std::path::{Path, PathBuf};

/// The network file as it was pasted.
pub const NETWORK: &str = "network.lua";
/// The same, of a file in Python.
pub const NETWORK_PYTHON: &str = "network.py";
/// Status, settings, versions: see [`super::JobRecord`].
pub const RECORD: &str = "job.json";
/// One [`super::Event`] a line.
pub const METRICS: &str = "metrics.jsonl";
/// DIGITS' log lines.
pub const LOG: &str = "log.txt";
/// The snapshot with the lowest validation loss: see [`super::Best`].
pub const BEST: &str = "best.json";
/// The page of the error that ended the run, when one did.
pub const ERROR: &str = "error.txt";
/// Held by the writing process; holds its process id.
pub const LOCK: &str = "lock";
/// The folder of snapshots.
pub const SNAPSHOTS: &str = "snapshots";
/// The loss curve as a vector picture.
pub const LOSS_SVG: &str = "loss.svg";
/// The loss curve as a pixel picture.
pub const LOSS_PNG: &str = "loss.png";
/// A classifier's accuracy by epoch as a vector picture.
pub const ACCURACY_SVG: &str = "accuracy.svg";
/// The same as a pixel picture.
pub const ACCURACY_PNG: &str = "accuracy.png";
/// What inference needs to know of the dataset: shape, labels, resizing; `tasks::kept::Kept`.
pub const PREPROCESSING: &str = "preprocessing.json";
/// The dataset's mean image, copied.
pub const MEAN: &str = "mean.binaryproto";
/// The folder of files that the network file required from beside it, copied.
pub const BESIDE: &str = "beside";
/// The folder of the pictures that a network file asks for, the newest of each.
pub const SUMMARIES: &str = "summaries";
/// The folder of TensorBoard's event files.
pub const TENSORBOARD: &str = "tensorboard";
/// The folder of what `run --profile` found.
pub const PROFILE: &str = "profile";
/// What the studio was asked to run, once its process has taken it.
pub const STARTED: &str = "request.started.json";
/// The plan of a group of jobs: see [`super::SweepRecord`].
pub const SWEEP: &str = "sweep.json";
/// A sweep's jobs side by side, as a Markdown table.
pub const COMPARISON_MD: &str = "comparison.md";
/// The same for a spreadsheet.
pub const COMPARISON_CSV: &str = "comparison.csv";

/// The network file of a job or a sweep, which has the ending of its language.
#[must_use]
pub fn network(folder: &Path) -> PathBuf {
    let python = folder.join(NETWORK_PYTHON);
    if python.is_file() { python } else { folder.join(NETWORK) }
}
