//! `JobRecord`: `job.json`, what a run is: status, network, dataset, settings, versions; and `Best`: `best.json`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::clock::Stamp;
use crate::{
    error::{Error, Kind, Result},
    input::{self, Form},
};

/// A record of a job: one of its files of JSON.
///
/// # Errors
/// When it cannot be read, or is not what the program writes.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = input::read(path, Form::Record)?;
    serde_json::from_slice(&bytes).map_err(|source| damaged(path, source.to_string()))
}

/// The page for a record that is not what the program writes.
pub(crate) fn damaged(path: &Path, why: String) -> Error {
    Error::new(Kind::Job, format!("{} is damaged", path.display()))
        .with_cause(why)
        .with_help("take it from a copy of the job")
}

/// Where a job stands, in DIGITS' words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// The folder is there, training has not begun.
    Initialized,
    /// A process trains.
    Running,
    /// All epochs are done, or an early stop ended them.
    Done,
    /// Stopped by the user, or its process ended without a word.
    Aborted,
    /// An error ended it; see `error.txt`.
    Error,
}

/// The network file of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkRef {
    /// The file as the user named it, `-` for standard input.
    pub name: String,
    /// Hash of the text in `network.lua`.
    pub blake3: String,
    /// The absolute folder that the file was read from; none for pasted text, and in jobs of before it was kept.
    #[serde(default)]
    pub folder: Option<PathBuf>,
}

/// The dataset of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetRef {
    /// The folder, or the train database.
    pub path: String,
    /// Changes when the records or the mean do.
    pub fingerprint: String,
}

/// `job.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobRecord {
    /// `YYYYMMDD-HHMMSS-xxxx`, or the name of the folder that `--job` gave.
    pub id: String,
    /// Where the job stands.
    pub status: Status,
    /// When the folder was made, RFC 3339.
    pub created: String,
    /// When training began, or went on after a resume.
    pub started: Option<String>,
    /// When training ended, in whichever way.
    pub finished: Option<String>,
    /// The network file.
    pub network: NetworkRef,
    /// The criterion as it prints; none in jobs of before it was kept.
    #[serde(default)]
    pub criterion: Option<String>,
    /// The dataset.
    pub dataset: DatasetRef,
    /// Every number of the run follows from it.
    pub seed: u64,
    /// All options of the run with their defaults filled in; `digits-rs run --help` names them.
    pub settings: serde_json::Value,
    /// `digits-rs 0.1.0`.
    pub program: String,
    /// As the library says it: `2.11.0+cpu`.
    pub libtorch: String,
    /// One line about the error that ended the run.
    pub error: Option<String>,
}

impl JobRecord {
    /// The record of a new job: Initialized, created now.
    #[must_use]
    pub fn new(
        network: NetworkRef,
        dataset: DatasetRef,
        seed: u64,
        settings: serde_json::Value,
        libtorch: String,
    ) -> JobRecord {
        JobRecord {
            id: String::new(),
            status: Status::Initialized,
            created: Stamp::now().rfc3339(),
            started: None,
            finished: None,
            network,
            criterion: None,
            dataset,
            seed,
            settings,
            program: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_string(),
            libtorch,
            error: None,
        }
    }
}

/// The snapshot with the lowest validation loss so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Epoch of the snapshot, as in its name.
    pub epoch: f64,
    /// Steps done then.
    pub iteration: u64,
    /// Its validation loss.
    pub loss: f64,
    /// Path below the job directory: `snapshots/snapshot_8.safetensors`.
    pub file: String,
}
