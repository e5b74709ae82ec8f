//! `DatasetIndex`: all datasets below a folder, rebuilt from the folders and kept fresh.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use super::{
    making::{Making, State},
    summary::{DatasetStatus, DatasetSummary},
    unmade,
};
use crate::{
    data::{self, Manifest},
    input::{self, Form},
    job::Stamp,
    studio::jobs::about::About,
};

/// The sample's folder.
pub(crate) const SAMPLE: &str = "mnist-sample";

struct Entry {
    mark: Option<SystemTime>,
    about: Option<SystemTime>,
    summary: DatasetSummary,
}

/// All datasets below a folder.
pub(crate) struct DatasetIndex {
    datasets: PathBuf,
    entries: Mutex<BTreeMap<String, Entry>>,
    making: Mutex<BTreeMap<String, Making>>,
}

impl DatasetIndex {
    /// The datasets below `root/datasets`; nothing is read yet but what an earlier server could not make.
    #[must_use]
    pub(crate) fn new(root: &Path) -> DatasetIndex {
        let datasets = root.join("datasets");
        let making = unmade::all(&datasets).into_iter().collect();
        DatasetIndex { datasets, entries: Mutex::default(), making: Mutex::new(making) }
    }

    /// The folder of all datasets.
    #[must_use]
    pub(crate) fn place(&self) -> &Path {
        &self.datasets
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is being made, by id.
    pub(crate) fn making(&self) -> MutexGuard<'_, BTreeMap<String, Making>> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder of a dataset that is there.
    #[must_use]
    pub(crate) fn folder(&self, id: &str) -> Option<PathBuf> {
        self.entries().contains_key(id).then(|| self.datasets.join(id)).filter(|folder| folder.is_dir())
    }

    /// The folder of what is kept of a dataset that is not there.
    #[must_use]
    pub(crate) fn unmade(&self, id: &str) -> Option<PathBuf> {
        self.making().contains_key(id).then(|| unmade::folder(&self.datasets, id)).filter(|folder| folder.is_dir())
    }

    /// One dataset.
    #[must_use]
    pub(crate) fn summary(&self, id: &str) -> Option<DatasetSummary> {
        self.entries().get(id).map(|entry| entry.summary.clone())
    }

    /// All datasets, the newest first.
    #[must_use]
    pub(crate) fn all(&self) -> Vec<DatasetSummary> {
        let mut all: Vec<DatasetSummary> = self.entries().values().map(|entry| entry.summary.clone()).collect();
        all.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.id.cmp(&b.id)));
        all
    }

    /// Looks at the folders; gives the ids of those that changed or are gone.
    pub(crate) fn look(&self) -> Vec<String> {
        let making: BTreeMap<String, DatasetSummary> =
            self.making().iter().map(|(id, making)| (id.clone(), making.summary())).collect();
        let mut changed = Vec::new();
        let mut found: BTreeSet<String> = making.keys().cloned().collect();
        found.insert(SAMPLE.into());
        for entry in std::fs::read_dir(&self.datasets).into_iter().flatten().flatten() {
            let path = entry.path();
            let whole = !data::is_in_the_making(&path) && !unmade::is(&path);
            if whole && (path.join("dataset.json").is_file() || path.join("train_db").is_dir()) {
                found.extend(entry.file_name().into_string());
            }
        }
        let mut entries = self.entries();
        let gone: Vec<String> = entries.keys().filter(|id| !found.contains(*id)).cloned().collect();
        for id in gone {
            entries.remove(&id);
            changed.push(id);
        }
        for id in found {
            let folder = self.datasets.join(&id);
            let modified = |name: &str| std::fs::metadata(folder.join(name)).and_then(|meta| meta.modified()).ok();
            let (mark, about) = (modified("dataset.json").or_else(|| modified("train_db")), modified("about.json"));
            let summary = match (making.get(&id), entries.get(&id)) {
                (Some(summary), _) => summary.clone(),
                (None, Some(known))
                    if known.mark == mark && known.about == about && known.summary.status == DatasetStatus::Done =>
                {
                    continue;
                }
                _ => read(&id, &folder, mark),
            };
            if entries.get(&id).map(|entry| &entry.summary) != Some(&summary) {
                changed.push(id.clone());
            }
            entries.insert(id, Entry { mark, about, summary });
        }
        // What is made is found by its folder from now on.
        self.making().retain(|_, making| making.state() != State::Done);
        changed
    }
}

fn read(id: &str, folder: &Path, mark: Option<SystemTime>) -> DatasetSummary {
    let about = About::read(folder);
    let built_in = id == SAMPLE;
    let unix = mark.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok()).map_or(0.0, |at| at.as_secs_f64());
    let name = about.name.unwrap_or_else(|| if built_in { "MNIST sample".into() } else { id.to_string() });
    let mut summary = DatasetSummary {
        id: id.to_string(),
        name,
        status: if built_in && !folder.is_dir() { DatasetStatus::Absent } else { DatasetStatus::Done },
        kind: if built_in { "classification" } else { "generic" }.into(),
        built_in,
        shape: built_in.then_some([1, 28, 28]),
        classes: if built_in { 10 } else { 0 },
        train: 0,
        val: 0,
        test: 0,
        skipped: 0,
        disk_bytes: size(folder),
        created: Stamp::at(unix).rfc3339(),
        source: if built_in { "built into the program".into() } else { about.notes },
        models: 0,
        thumbs: Vec::new(),
        progress: None,
        error: None,
    };
    let Ok(text) = input::read(&folder.join("dataset.json"), Form::Record) else { return summary };
    match serde_json::from_slice::<Manifest>(&text) {
        Ok(manifest) => {
            let count = |name: &str| manifest.splits.get(name).map_or(0, |split| split.entries);
            (summary.train, summary.val, summary.test) = (count("train"), count("val"), count("test"));
            (summary.kind, summary.classes) = (manifest.kind.clone(), manifest.labels);
            (summary.shape, summary.skipped) = (Some(manifest.shape), manifest.skipped);
            let split = if summary.train > 0 { "train" } else { "val" };
            summary.thumbs = (0..count(split).min(6))
                .map(|index| format!("/api/records/{index}/picture?dataset={id}&split={split}&v={}", unix as u64))
                .collect();
            if summary.source.is_empty() {
                let elsewhere = manifest.splits.values().any(|split| split.images.is_absolute());
                summary.source = if elsewhere { "databases where they lie" } else { "images" }.into();
            }
        }
        Err(cause) => {
            summary.status = DatasetStatus::Error;
            summary.error = Some(format!("dataset.json is damaged: {cause}"));
        }
    }
    summary
}

/// The image database of a split, found without opening it: as `dataset.json` says, else by DIGITS' names.
pub(crate) fn split_folder(dataset: &Path, split: &str) -> Option<PathBuf> {
    let manifest = input::read(&dataset.join("dataset.json"), Form::Record).ok();
    let manifest = manifest.and_then(|text| serde_json::from_slice::<Manifest>(&text).ok());
    if let Some(manifest) = manifest {
        return manifest.splits.get(split).map(|split| dataset.join(&split.images));
    }
    let named = |name: String| Some(dataset.join(name)).filter(|folder| folder.join("data.mdb").is_file());
    named(format!("{split}_db/features")).or_else(|| named(format!("{split}_db")))
}

/// Bytes of all files, two folders deep.
fn size(folder: &Path) -> u64 {
    let entries = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut bytes = 0;
    for entry in entries(folder) {
        let Ok(meta) = entry.metadata() else { continue };
        bytes += if meta.is_dir() {
            entries(&entry.path())
                .filter_map(|file| file.metadata().ok())
                .filter(|meta| meta.is_file())
                .map(|meta| meta.len())
                .sum()
        } else {
            meta.len()
        };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        error::{Error, Kind},
        studio::error_page::ErrorPage,
    };

    #[test]
    fn what_failed_is_known_to_the_next_server_until_it_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let fresh = || {
            let index = DatasetIndex::new(dir.path());
            index.look();
            index
        };
        let sample = fresh().summary(SAMPLE).unwrap();
        let row = DatasetSummary { id: "mine".into(), name: "My set".into(), built_in: false, ..sample };
        let failed = State::Failed(Box::new(ErrorPage::of(&Error::new(Kind::Data, "no image can be read"))));
        unmade::keep(&dir.path().join("datasets"), &Making::ended(row, failed.clone())).unwrap();
        let next = fresh();
        let found = next.summary("mine").unwrap();
        assert_eq!((found.status, found.name.as_str()), (DatasetStatus::Error, "My set"));
        assert_eq!(next.making()["mine"].state(), failed);
        assert!(next.summary("mine.unmade").is_none());
        std::fs::create_dir_all(dir.path().join("datasets/mine/train_db")).unwrap();
        assert_eq!(fresh().summary("mine").unwrap().status, DatasetStatus::Done, "it was made since");
        std::fs::remove_dir_all(dir.path().join("datasets/mine")).unwrap();
        unmade::forget(&dir.path().join("datasets"), "mine");
        assert!(fresh().summary("mine").is_none());
    }
}
