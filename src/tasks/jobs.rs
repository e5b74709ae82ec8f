//! The jobs below a folder: a list with state, best numbers and size; removing some; comparing some.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{panic, train_summary::BestAccuracy};
use crate::{
    error::{Error, Kind, Result},
    inspect::{raster, sweep::Comparison},
    job::{self, JobView, Status, SweepRecord, file},
};

/// Folders within folders that are looked into: `jobs/sweep/lr0.1`.
const DEPTH: usize = 3;

/// A job in numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListedJob {
    /// Its folder.
    pub job: PathBuf,
    /// Where it stands.
    pub status: Status,
    /// The network file as it was named.
    pub network: String,
    /// Epochs done.
    pub epochs: f64,
    /// Epochs in all.
    pub of_epochs: Option<u64>,
    /// The lowest validation loss.
    pub best_loss: Option<f64>,
    /// The highest accuracy, 0 to 1.
    pub best_accuracy: Option<f64>,
    /// Bytes of all files.
    pub bytes: u64,
    /// When it was made, RFC 3339.
    pub created: String,
}

/// The jobs below a folder, the oldest first. A folder that looks like a job and cannot be read is passed over.
///
/// # Errors
/// When the folder cannot be read.
pub fn list(folder: &Path) -> Result<Vec<ListedJob>> {
    panic::guarded(|| {
        let mut found = Vec::new();
        gather(folder, DEPTH, &mut found)?;
        found.sort_by(|a, b| a.created.cmp(&b.created).then(a.job.cmp(&b.job)));
        Ok(found)
    })
}

fn gather(folder: &Path, depth: usize, found: &mut Vec<ListedJob>) -> Result<()> {
    let entries = std::fs::read_dir(folder).map_err(|source| Error::io("read the folder", folder, &source))?;
    for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()) {
        match JobView::open(&path) {
            Ok(view) => found.extend(listed(&view).ok()),
            Err(_) if depth > 1 => gather(&path, depth - 1, found)?,
            Err(_) => {}
        }
    }
    Ok(())
}

fn listed(view: &JobView) -> Result<ListedJob> {
    let record = view.record()?;
    let events = view.events().unwrap_or_default();
    let losses = events.iter().filter(|event| event.iteration > 0 && event.event == job::EventKind::Validation);
    Ok(ListedJob {
        job: view.path().to_path_buf(),
        status: record.status,
        network: record.network.name,
        epochs: events.last().map_or(0.0, |event| event.epoch),
        of_epochs: record.settings["epochs"].as_u64(),
        best_loss: losses.filter_map(|event| event.loss).filter(|loss| loss.is_finite()).reduce(f64::min),
        best_accuracy: BestAccuracy::among(&events).map(|best| best.accuracy),
        bytes: size(view.path()),
        created: record.created,
    })
}

fn size(folder: &Path) -> u64 {
    let files = walkdir::WalkDir::new(folder).into_iter().flatten();
    files.filter_map(|entry| entry.metadata().ok()).filter(std::fs::Metadata::is_file).map(|data| data.len()).sum()
}

/// Removes the folder of a job, or of a sweep with its jobs.
///
/// # Errors
/// `Kind::Job` when it is neither, or a process writes it; `Kind::Io` when the disk refuses.
pub fn remove(folder: &Path) -> Result<()> {
    removable(folder)?;
    panic::guarded(|| std::fs::remove_dir_all(folder).map_err(|source| Error::io("remove", folder, &source)))
}

/// Whether a job, or a sweep with its jobs, can be removed.
///
/// # Errors
/// When it is none, or one of its jobs runs.
pub fn removable(folder: &Path) -> Result<()> {
    panic::guarded(|| {
        let jobs = match SweepRecord::read(folder) {
            Ok(sweep) => sweep.jobs.iter().map(|job| folder.join(&job.folder)).collect(),
            Err(_) => vec![JobView::open(folder)?.path().to_path_buf()],
        };
        for job in jobs {
            if let Some(process) = JobView::open(&job).ok().and_then(|view| view.process()) {
                return Err(Error::new(Kind::Job, format!("{} is running", job.display()))
                    .with_fact("its process", process.to_string())
                    .with_help("stop it first"));
            }
        }
        Ok(())
    })
}

/// Jobs beside each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// Settings that differ: their name, and the value in each job.
    pub settings: Vec<(String, Vec<String>)>,
    /// Losses, accuracies, times.
    pub comparison: Comparison,
    /// The files that were written.
    pub made: Vec<PathBuf>,
}

/// Compares jobs: the settings that differ, a table, and their validation losses in one chart, `comparison.svg` and
/// `comparison.png` in `out`.
///
/// # Errors
/// When one of them is no job, or `out` cannot be written.
pub fn compare(jobs: &[PathBuf], out: &Path) -> Result<Compared> {
    panic::guarded(|| {
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (at, job) in jobs.iter().enumerate() {
            let record = JobView::open(job)?.record()?;
            let mut all =
                vec![("network".to_string(), format!("{} ({})", record.network.name, &record.network.blake3[..8]))];
            all.push(("dataset".into(), record.dataset.path));
            for (name, value) in
                record.settings.as_object().into_iter().flatten().filter(|(name, _)| *name != "dataset")
            {
                let value = value.as_str().map_or_else(|| value.to_string(), ToString::to_string);
                all.push((name.clone(), if value == "null" { "-".into() } else { value }));
            }
            for (name, value) in all {
                let of = values.entry(name).or_default();
                of.resize(at, "-".into());
                of.push(value);
            }
        }
        values.values_mut().for_each(|of| of.resize(jobs.len(), "-".into()));
        let differing = values.into_iter().filter(|(_, of)| of.iter().any(|value| *value != of[0]));
        let comparison = Comparison::of_jobs(jobs)?;
        let svg = comparison.chart().svg();
        std::fs::create_dir_all(out).map_err(|source| Error::io("make the folder", out, &source))?;
        let made = [out.join("comparison.svg"), out.join("comparison.png")];
        job::replace(&made[0], svg.as_bytes())?;
        job::replace(&made[1], &raster::png(&svg, 2.0)?)?;
        Ok(Compared { settings: differing.collect(), comparison, made: made.to_vec() })
    })
}

/// The page of a folder that holds no job.
#[must_use]
pub fn none_in(folder: &Path) -> Error {
    Error::new(Kind::Job, format!("{} holds no job", folder.display()))
        .with_fact("a job has", file::RECORD)
        .with_help("train one: digits-rs run networks/lenet.lua")
}
