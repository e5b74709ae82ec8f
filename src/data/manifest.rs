//! `Manifest`: the contents of `dataset.json`, which says what a dataset folder holds and where.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{codec::Encoding, fit::Resize};
use crate::{
    error::{Error, Kind, Result},
    input::{self, Form},
};

/// The contents of `dataset.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this format: 1.
    pub format: u32,
    /// `classification`, `generic` or `pairs`.
    pub kind: String,
    /// `[c, h, w]`
    pub shape: [i64; 3],
    /// How many classes; 0 without.
    pub labels: usize,
    /// How pixels are kept; none for databases that were made elsewhere.
    pub encoding: Option<Encoding>,
    /// How images were fitted.
    pub resize: Option<Resize>,
    /// The seed of division and order.
    pub seed: Option<u64>,
    /// `train`, `val`, `test`.
    pub splits: BTreeMap<String, SplitEntry>,
    /// The mean file; relative to the dataset folder.
    pub mean: Option<PathBuf>,
    /// How many images could not be read.
    pub skipped: u64,
    /// Whether the records are texts: the number of a character at each place (`data::characters`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub texts: bool,
}

/// One split in `dataset.json`; relative paths start at the dataset folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitEntry {
    /// The image database.
    pub images: PathBuf,
    /// The label database.
    pub labels: Option<PathBuf>,
    /// How many records.
    pub entries: u64,
    /// Records of each class.
    pub classes: Option<Vec<u64>>,
}

/// Its file in a dataset folder.
pub(super) const FILE: &str = "dataset.json";

impl Manifest {
    /// Reads one.
    ///
    /// # Errors
    /// When the file cannot be read, is damaged, or of a later format.
    pub(super) fn read(path: &Path) -> Result<Manifest> {
        let text = input::read(path, Form::Record)?;
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|e| {
            Error::new(Kind::Data, format!("{} is damaged", path.display()))
                .with_cause(e.to_string())
                .with_help("make the dataset again")
        })?;
        if manifest.format != 1 {
            return Err(Error::new(Kind::Data, format!("{} has format {}", path.display(), manifest.format))
                .with_fact("it wants", "format 1")
                .with_help("use a newer digits-rs, or make the dataset again"));
        }
        Ok(manifest)
    }

    /// Writes it into a dataset folder.
    ///
    /// # Errors
    /// When the file cannot be written, or a path in it is not UTF-8.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(FILE);
        let text = serde_json::to_string_pretty(self).map_err(|e| {
            Error::new(Kind::Usage, "a path of the dataset cannot be written down")
                .with_cause(e.to_string())
                .with_help("rename the folder so that its whole path is UTF-8")
        })?;
        fs::write(&path, text + "\n").map_err(|e| Error::io("write", &path, &e))
    }
}
