//! Datasets that were asked for and are not there: why, and the form that asked, kept beside the others for the next server.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{
    making::{Making, State},
    summary::DatasetSummary,
};
use crate::{
    error::{Error, Result},
    input::{self, Form},
    job,
};

/// How the folder of such a dataset ends.
const ENDING: &str = ".unmade";
/// What is known of it.
const FILE: &str = "unmade.json";

#[derive(Serialize, Deserialize)]
struct Unmade {
    begun: DatasetSummary,
    state: State,
}

/// The folder of what is kept of a dataset that is not there.
#[must_use]
pub(super) fn folder(datasets: &Path, id: &str) -> PathBuf {
    datasets.join(format!("{id}{ENDING}"))
}

/// Keeps how the making ended.
///
/// # Errors
/// When the disk refuses.
pub(super) fn keep(datasets: &Path, making: &Making) -> Result<()> {
    let (begun, state) = (making.summary(), making.state());
    let text = serde_json::to_vec_pretty(&Unmade { begun: begun.clone(), state }).unwrap_or_default();
    let folder = folder(datasets, &begun.id);
    std::fs::create_dir_all(&folder).map_err(|source| Error::io("make the folder", &folder, &source))?;
    job::replace(&folder.join(FILE), &text)
}

/// Whether a folder holds what is kept of one that is not there.
#[must_use]
pub(super) fn is(folder: &Path) -> bool {
    folder.as_os_str().as_encoded_bytes().ends_with(ENDING.as_bytes())
}

/// All that are kept, by id.
#[must_use]
pub(super) fn all(datasets: &Path) -> Vec<(String, Making)> {
    let entries = std::fs::read_dir(datasets).into_iter().flatten().flatten().map(|entry| entry.path());
    let read = |folder: PathBuf| {
        let Unmade { begun, state } =
            serde_json::from_slice(&input::read(&folder.join(FILE), Form::Record).ok()?).ok()?;
        let is_there = datasets.join(&begun.id).is_dir();
        let is_own = folder == self::folder(datasets, &begun.id) && !matches!(state, State::Making | State::Done);
        (is_own && !is_there).then(|| (begun.id.clone(), Making::ended(begun, state)))
    };
    entries.filter(|path| is(path)).filter_map(read).collect()
}

/// Forgets one, if it is kept.
pub(super) fn forget(datasets: &Path, id: &str) {
    let _ = std::fs::remove_dir_all(folder(datasets, id)); // most often there is none
}
