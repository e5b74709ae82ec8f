//! `SweepRecord`: `sweep.json`, the plan of a group of jobs below one folder.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{clock::Stamp, file, other_work::refuse_other_work, record::read_json, replace::replace_json};
use crate::error::{Error, Kind, Result};

/// `sweep.json`. Which job is done, and how it went, stands in the jobs' own folders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweepRecord {
    /// When the folder was made, RFC 3339.
    pub created: String,
    /// The network file as the user named it; its text is in `network.lua` or `network.py`.
    pub network: String,
    /// The absolute folder that the file was read from; none for pasted text, and in sweeps of before it was kept.
    #[serde(default)]
    pub network_folder: Option<PathBuf>,
    /// The options that all jobs share.
    pub settings: serde_json::Value,
    /// The jobs in order.
    pub jobs: Vec<SweepJob>,
}

/// One job of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweepJob {
    /// Its folder below the sweep's.
    pub folder: String,
    /// Its base learning rate, when that is varied.
    pub lr: Option<f64>,
    /// Its batch size, when that is varied.
    pub batch_size: Option<u64>,
}

impl SweepRecord {
    /// The record of a new sweep, made now.
    #[must_use]
    pub fn new(
        network: String,
        network_folder: Option<PathBuf>,
        settings: serde_json::Value,
        jobs: Vec<SweepJob>,
    ) -> SweepRecord {
        SweepRecord { created: Stamp::now().rfc3339(), network, network_folder, settings, jobs }
    }

    /// Whether `folder` holds a sweep.
    #[must_use]
    pub fn is_at(folder: &Path) -> bool {
        folder.join(file::SWEEP).is_file()
    }

    /// Reads `sweep.json` in `folder`.
    ///
    /// # Errors
    /// When it cannot be read or is damaged.
    pub fn read(folder: &Path) -> Result<SweepRecord> {
        read_json(&folder.join(file::SWEEP))
    }

    /// Writes `sweep.json` and the network file, `network.lua` or `network.py` by `file_name`, into `folder`, which is made when it is not there.
    ///
    /// # Errors
    /// `Kind::Job` when the folder holds a job or another sweep, `Kind::Io` when the disk refuses.
    pub fn create(&self, folder: &Path, file_name: &str, network: &str) -> Result<()> {
        refuse_other_work(folder)?;
        std::fs::create_dir_all(folder).map_err(|source| Error::io("make the folder", folder, &source))?;
        for (name, what) in [(file::RECORD, "a job"), (file::SWEEP, "another sweep")] {
            if folder.join(name).exists() {
                return Err(Error::new(Kind::Job, format!("{} holds {what} already", folder.display()))
                    .with_help("give the sweep another folder with --job DIR"));
            }
        }
        super::replace(&folder.join(file_name), network.as_bytes())?;
        replace_json(&folder.join(file::SWEEP), self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_reads_back_and_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let jobs = vec![SweepJob { folder: "lr0.1".into(), lr: Some(0.1), batch_size: None }];
        let record = SweepRecord::new("net.lua".into(), Some("/nets".into()), serde_json::json!({"epochs": 3}), jobs);
        let path = folder.path().join("sweep");
        assert!(!SweepRecord::is_at(&path));
        record.create(&path, file::NETWORK, "return 1").unwrap();
        assert_eq!(SweepRecord::read(&path).unwrap(), record);
        assert_eq!(record.create(&path, file::NETWORK, "return 1").unwrap_err().kind(), Kind::Job);
        // As versions before this one wrote it.
        let mut older = serde_json::to_value(&record).unwrap();
        older.as_object_mut().unwrap().remove("network_folder");
        assert_eq!(serde_json::from_value::<SweepRecord>(older).unwrap().network_folder, None);
    }
}
