//! `JobView`: a job directory as its readers see it, whether or not a process writes it at the moment.

use std::{
    path::{Component, Path, PathBuf},
    time::{Duration, Instant},
};

use serde::de::DeserializeOwned;

use super::{
    event::Event,
    file,
    lock::Lock,
    record::{Best, JobRecord, Status, damaged, read_json},
    replace::TEMPORARY,
    sweep::SweepRecord,
};
use crate::{
    error::{Error, Kind, Result, shell_path},
    input::{self, Form},
};

/// A snapshot in a job directory.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotFile {
    /// From its name.
    pub epoch: f64,
    /// `snapshots/snapshot_<epoch>.safetensors`, with the job directory in front.
    pub path: PathBuf,
}

/// Read-only answers about a job directory. Each call reads the files again.
#[derive(Debug, Clone)]
pub struct JobView {
    path: PathBuf,
}

impl JobView {
    /// The job in `path`.
    ///
    /// # Errors
    /// `Kind::Job` when there is no job.
    pub fn open(path: &Path) -> Result<JobView> {
        if !path.join(file::RECORD).is_file() {
            if let Ok(sweep) = SweepRecord::read(path) {
                let jobs = sweep.jobs.iter().map(|job| path.join(&job.folder).display().to_string());
                return Err(Error::new(Kind::Job, format!("{} is a sweep of several jobs", path.display()))
                    .with_fact("its jobs", jobs.collect::<Vec<_>>().join("\n"))
                    .with_help(format!(
                        "name one of them; {} compares them",
                        path.join(file::COMPARISON_MD).display()
                    )));
            }
            if path.is_file() {
                return Err(Error::new(Kind::Job, format!("{} is a file, not a job directory", path.display()))
                    .with_help(format!(
                        "if it is a packed job, unpack it first: digits-rs unpack {}",
                        shell_path(path)
                    )));
            }
            if let Some(network) = begun(path) {
                let again = network.unwrap_or_else(|| PathBuf::from("FILE"));
                return Err(Error::new(Kind::Job, format!("{} holds nothing of a job yet", path.display()))
                    .with_fact("it lacks", file::RECORD)
                    .with_fact("it may be", "of a run that was stopped in its first moments, when nothing was kept yet")
                    .with_help(format!(
                        "start the run again: digits-rs run {} --job {}",
                        shell_path(&again),
                        shell_path(path)
                    )));
            }
            return Err(Error::new(Kind::Job, format!("{} is not a job directory", path.display()))
                .with_fact("it lacks", file::RECORD)
                .with_help("name a folder that digits-rs run has made, such as jobs/20261124-065000-1f3a"));
        }
        Ok(JobView::at(path))
    }

    /// The job in a folder that is known to hold one.
    pub(super) fn at(path: &Path) -> JobView {
        JobView { path: path.to_path_buf() }
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `job.json`. A job that says Running while no process holds it has been killed: it reads as Aborted.
    ///
    /// # Errors
    /// When it cannot be read or is damaged.
    pub fn record(&self) -> Result<JobRecord> {
        let mut record: JobRecord = self.json(file::RECORD)?;
        if record.status == Status::Running && !Lock::is_held(&self.path) {
            record.status = Status::Aborted;
        }
        Ok(record)
    }

    /// The id of the process that writes the job at this moment; none when nobody does.
    #[must_use]
    pub fn process(&self) -> Option<u32> {
        if !Lock::is_held(&self.path) {
            return None;
        }
        input::read_text(&self.path.join(file::LOCK), Form::Record).ok()?.trim().parse().ok()
    }

    /// Whether nobody writes the job, now or before `patience` is over.
    #[must_use]
    pub fn is_free_within(&self, patience: Duration) -> bool {
        let begun = Instant::now();
        while Lock::is_held(&self.path) {
            if begun.elapsed() > patience {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        true
    }

    /// Where the network file is.
    #[must_use]
    pub fn network_path(&self) -> PathBuf {
        file::network(&self.path)
    }

    /// The text of the network file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn network(&self) -> Result<String> {
        input::read_text(&self.network_path(), Form::Network)
    }

    /// The text of the network file, which must be the one that `record` tells of: what was trained.
    ///
    /// # Errors
    /// `Kind::Job` when it was changed, and when it cannot be read.
    pub fn trained_network(&self, record: &JobRecord) -> Result<String> {
        let network = self.network()?;
        let hash = blake3::hash(network.as_bytes()).to_hex();
        if record.network.blake3 == hash.as_str() {
            return Ok(network);
        }
        Err(Error::new(Kind::Job, format!("the network file of {} was changed", self.path.display()))
            .with_fact("changed file", self.network_path().display().to_string())
            .with_fact("it was", record.network.blake3.clone())
            .with_fact("it is", hash.to_string())
            .with_help("put the old text back, or start a new run with the new file"))
    }

    /// Every point of the run so far, in order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn events(&self) -> Result<Vec<Event>> {
        Event::read(&self.path.join(file::METRICS))
    }

    /// The complete snapshots, by epoch.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn snapshots(&self) -> Result<Vec<SnapshotFile>> {
        let folder = self.path.join(file::SNAPSHOTS);
        let unreadable = |source: std::io::Error| Error::io("read", &folder, &source);
        if !folder.exists() {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let epoch = name.strip_prefix("snapshot_").and_then(|rest| rest.strip_suffix(".safetensors"));
            if let Some(epoch) = epoch.and_then(|epoch| epoch.parse().ok()) {
                found.push(SnapshotFile { epoch, path });
            }
        }
        found.sort_by(|a: &SnapshotFile, b| a.epoch.total_cmp(&b.epoch));
        Ok(found)
    }

    /// The snapshot of an epoch.
    ///
    /// # Errors
    /// `Kind::Job` when there is none; the page names those there are.
    pub fn snapshot_of(&self, epoch: f64) -> Result<SnapshotFile> {
        let all = self.snapshots()?;
        let epochs: Vec<String> = all.iter().map(|snapshot| snapshot.epoch.to_string()).collect();
        all.into_iter().find(|snapshot| (snapshot.epoch - epoch).abs() < 1e-6).ok_or_else(|| {
            Error::new(Kind::Job, format!("there is no snapshot of epoch {epoch}"))
                .with_fact("there are", if epochs.is_empty() { "none".into() } else { epochs.join(", ") })
                .with_help("name one of these epochs")
        })
    }

    /// The snapshot with the lowest validation loss; `None` before the first, or without validation records.
    ///
    /// # Errors
    /// When `best.json` is damaged, or names a file elsewhere.
    pub fn best(&self) -> Result<Option<Best>> {
        let path = self.path.join(file::BEST);
        if !path.exists() {
            return Ok(None);
        }
        let best: Best = self.json(file::BEST)?;
        let parts: Vec<Component<'_>> = Path::new(&best.file).components().collect();
        match parts[..] {
            [Component::Normal(folder), Component::Normal(_)] if folder == file::SNAPSHOTS => Ok(Some(best)),
            _ => Err(damaged(&path, format!("it names {:?}, which is no snapshot of the job", best.file))),
        }
    }

    /// The snapshot to look at when the user names none: the best one, else the last.
    ///
    /// # Errors
    /// `Kind::Job` when there is no snapshot yet.
    pub fn default_snapshot(&self) -> Result<PathBuf> {
        let best = self.best()?.map(|best| self.path.join(best.file)).filter(|path| path.exists());
        let last = || self.snapshots().map(|all| all.into_iter().next_back().map(|snapshot| snapshot.path));
        match best {
            Some(best) => Ok(best),
            None => last()?.ok_or_else(|| {
                Error::new(Kind::Job, format!("{} holds no snapshot yet", self.path.display()))
                    .with_help("let it train to the end of its first epoch")
            }),
        }
    }

    fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        read_json(&self.path.join(name))
    }
}

/// Whether a folder holds no more than a run leaves that ends before there is a job: inside, its network file where there is
/// one already.
fn begun(folder: &Path) -> Option<Option<PathBuf>> {
    let names: Vec<String> = std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let network = |name: &str| [file::NETWORK, file::NETWORK_PYTHON].contains(&name);
    let is_begun = |name: &String| {
        [file::LOCK, file::SNAPSHOTS, file::METRICS, file::LOG].contains(&name.as_str())
            || network(name)
            || name.ends_with(TEMPORARY)
    };
    names.iter().all(is_begun).then(|| names.iter().find(|name| network(name)).map(|name| folder.join(name)))
}
