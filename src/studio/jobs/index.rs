//! `JobIndex`: all jobs below a folder, rebuilt from the folders and kept fresh.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Instant, SystemTime},
};

use super::{
    about::{self, About},
    folder::{CONSOLE, ERROR_PAGE, JobRequest, REQUEST, STARTED},
    summary::{BestSnapshot, JobDataset, JobSummary, SparkLine, Status},
    tail::Tail,
};
use crate::{
    frontend,
    input::{self, Form},
    job::{self, JobRecord, JobView, Stamp, file},
    studio::machine,
    tasks::{RunOptions, RunSettings},
};

/// Which state of a folder was read last.
type Marks = [Option<(u64, u128)>; 5];

struct Entry {
    folder: PathBuf,
    marks: Marks,
    tail: Tail,
    summary: JobSummary,
    /// When its bytes were counted last.
    counted: Option<Instant>,
}

/// What a look at the folders found.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// New jobs, and those that are not as they were.
    pub(crate) changed: Vec<JobSummary>,
    /// Ids that are gone.
    pub(crate) removed: Vec<String>,
}

/// All jobs below a folder.
pub(crate) struct JobIndex {
    /// `DIR/jobs`
    jobs: PathBuf,
    /// `DIR/datasets`
    datasets: PathBuf,
    entries: Mutex<BTreeMap<String, Entry>>,
    /// What people call the datasets, by id.
    names: Mutex<BTreeMap<String, String>>,
}

impl JobIndex {
    /// The jobs below `root/jobs`; nothing is read yet.
    #[must_use]
    pub(crate) fn new(root: &Path) -> JobIndex {
        JobIndex {
            jobs: root.join("jobs"),
            datasets: root.join("datasets"),
            entries: Mutex::default(),
            names: Mutex::default(),
        }
    }

    fn names(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder of all jobs.
    #[must_use]
    pub(crate) fn place(&self) -> &Path {
        &self.jobs
    }

    /// The folder of a job that is known.
    #[must_use]
    pub(crate) fn folder(&self, id: &str) -> Option<PathBuf> {
        self.entries().get(id).map(|entry| entry.folder.clone())
    }

    /// One job.
    #[must_use]
    pub(crate) fn summary(&self, id: &str) -> Option<JobSummary> {
        self.entries().get(id).map(|entry| entry.summary.clone())
    }

    /// How a job stands.
    #[must_use]
    pub(crate) fn tail(&self, id: &str) -> Option<Tail> {
        self.entries().get(id).map(|entry| entry.tail.clone())
    }

    /// How many jobs use a dataset.
    #[must_use]
    pub(crate) fn on(&self, dataset: &str) -> usize {
        self.entries().values().filter(|entry| entry.summary.dataset.id.as_deref() == Some(dataset)).count()
    }

    /// All jobs, the newest first.
    #[must_use]
    pub(crate) fn all(&self) -> Vec<JobSummary> {
        let mut all: Vec<JobSummary> = self.entries().values().map(|entry| entry.summary.clone()).collect();
        all.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| b.id.cmp(&a.id)));
        all
    }

    /// Looks at every folder; only what differs from last time is read. When not `thorough`, jobs that neither run nor wait
    /// are passed over: they seldom change.
    pub(crate) fn look(&self, thorough: bool) -> Changes {
        let mut changes = Changes::default();
        let mut entries = self.entries();
        let found = folders(&self.jobs, &|id| entries.contains_key(id));
        let gone: Vec<String> = entries.keys().filter(|id| !found.contains_key(*id)).cloned().collect();
        for id in gone {
            entries.remove(&id);
            changes.removed.push(id);
        }
        for (id, folder) in found {
            let rests = |entry: &Entry| {
                !matches!(entry.summary.status, Status::Running | Status::Waiting | Status::Initialized)
            };
            if !thorough && entries.get(&id).is_some_and(rests) {
                continue;
            }
            let marks = marks(&folder);
            let known = entries.remove(&id);
            let is_settled =
                known.as_ref().is_some_and(|entry| entry.marks == marks && entry.summary.status != Status::Running);
            let before = known.as_ref().map(|entry| entry.summary.clone());
            let entry = match known {
                Some(entry) if is_settled => Some(entry),
                known => self.read(&id, folder, marks, known),
            };
            let Some(entry) = entry else {
                changes.removed.extend(before.map(|gone| gone.id));
                continue;
            };
            if before.as_ref() != Some(&entry.summary) {
                changes.changed.push(entry.summary.clone());
            }
            entries.insert(id, entry);
        }
        changes
    }

    /// Sets what only the queue knows: places, and whether a job waits at all.
    pub(crate) fn place_in_queue(&self, places: &BTreeMap<String, super::summary::QueuePlace>) -> Vec<JobSummary> {
        let mut changed = Vec::new();
        for (id, entry) in self.entries().iter_mut() {
            let place = places.get(id).filter(|_| entry.summary.status == Status::Waiting).cloned();
            if entry.summary.queue != place {
                entry.summary.queue = place;
                changed.push(entry.summary.clone());
            }
        }
        changed
    }

    /// Takes what people call the datasets; gives the jobs whose data is called otherwise now.
    pub(crate) fn name_datasets(&self, names: BTreeMap<String, String>) -> Vec<JobSummary> {
        let mut changed = Vec::new();
        let mut entries = self.entries();
        let before = std::mem::replace(&mut *self.names(), names);
        if before == *self.names() {
            return changed;
        }
        for entry in entries.values_mut() {
            let now = self.dataset(&entry.summary.dataset.path);
            if entry.summary.dataset != now {
                entry.summary.dataset = now;
                changed.push(entry.summary.clone());
            }
        }
        changed
    }

    fn read(&self, id: &str, folder: PathBuf, marks: Marks, known: Option<Entry>) -> Option<Entry> {
        let (mut tail, counted, disk_bytes, queue) = match known {
            Some(entry) => (entry.tail, entry.counted, entry.summary.disk_bytes, entry.summary.queue),
            None => (Tail::of(&folder), None, 0, None),
        };
        tail.read();
        let about = About::read(&folder);
        let waits = folder.join(REQUEST).is_file();
        let view = JobView::open(&folder);
        let record = view.as_ref().map_err(Clone::clone).and_then(JobView::record);
        if record.as_ref().is_ok_and(|record| record.status == job::Status::Running) {
            tail.note_memory(view.ok().and_then(|view| view.process()).and_then(machine::resident));
        }
        let mut summary = match &record {
            Ok(record) => self.of_record(id, record, &folder, &tail),
            Err(_) => self.of_request(id, &folder)?,
        };
        if waits {
            summary.status = Status::Waiting;
            (summary.killed, summary.error) = (false, None);
        }
        // A sweep of the command line is a group too.
        let of_sweep = || id.split_once('/').map(|(sweep, _)| sweep.to_string());
        (summary.group, summary.queue) = (about.group.or_else(of_sweep), queue.filter(|_| waits));
        if let Some(name) = about.name {
            summary.name = name;
        }
        let counts = counted.is_none_or(|at| summary.status != Status::Running || at.elapsed().as_secs() >= 5);
        (summary.disk_bytes, summary.snapshots) = match counts {
            true => size(&folder),
            false => (disk_bytes, size(&folder.join(file::SNAPSHOTS)).1),
        };
        let counted = if counts { Some(Instant::now()) } else { counted };
        Some(Entry { folder, marks, tail, summary, counted })
    }

    fn of_record(&self, id: &str, record: &JobRecord, folder: &Path, tail: &Tail) -> JobSummary {
        let settings = &record.settings;
        let number = |name: &str| settings[name].as_f64();
        let status = match record.status {
            job::Status::Initialized => Status::Initialized,
            job::Status::Running => Status::Running,
            job::Status::Done => Status::Done,
            job::Status::Aborted => Status::Aborted,
            job::Status::Error => Status::Error,
        };
        let runs = status == Status::Running;
        let now = Stamp::now().unix();
        let epochs = number("epochs").unwrap_or(0.0);
        let best = JobView::open(folder).and_then(|view| view.best()).ok().flatten();
        let (of_validation, points) = tail.spark();
        JobSummary {
            id: id.to_string(),
            name: stem(&record.network.name),
            group: None,
            status,
            // A run that ends by itself says when.
            killed: status == Status::Aborted && record.finished.is_none(),
            created: record.created.clone(),
            started: record.started.clone(),
            finished: record.finished.clone(),
            elapsed_seconds: if runs { tail.clock().now(now) } else { tail.clock().seconds() },
            network: record.network.name.clone(),
            language: language(&record.network.name),
            dataset: self.dataset(&record.dataset.path),
            epoch: tail.epoch,
            epochs,
            iteration: tail.iteration,
            eta_seconds: tail.eta(epochs, now).filter(|_| runs),
            images_per_second: tail.images_per_second(runs),
            train_loss: tail.train_loss,
            validation_loss: tail.validation_loss,
            best: best.map(|best| BestSnapshot {
                epoch: best.epoch,
                iteration: best.iteration,
                loss: best.loss,
                file: best.file,
            }),
            accuracy: tail.accuracy,
            best_accuracy: tail.best_accuracy,
            spark: SparkLine { of: if of_validation { "validation" } else { "train" }.into(), points },
            device: settings["device"].as_str().unwrap_or("auto").to_string(),
            queue: None,
            error: record.error.clone().filter(|_| status == Status::Error),
            lr: number("lr").unwrap_or(0.01),
            batch_size: settings["batch_size"].as_u64(),
            solver: settings["solver"].as_str().unwrap_or("sgd").to_string(),
            seed: record.seed,
            snapshots: 0,
            disk_bytes: 0,
        }
    }

    /// A job that has no `job.json`: it waits, or its process ended before it began to train.
    fn of_request(&self, id: &str, folder: &Path) -> Option<JobSummary> {
        let request = [REQUEST, STARTED].into_iter().find_map(|name| JobRequest::read(folder, name))?;
        let JobRequest::Begin(train) = request else { return None };
        let settings = RunSettings::of(&train.options, &frontend::Settings::before(&train.network));
        let RunOptions { dataset, train_db, .. } = &train.options;
        let path = dataset.as_ref().or(train_db.as_ref()).map(|path| path.display().to_string());
        let stopped = failure(folder);
        let status = match &stopped {
            Some(_) => Status::Error,
            None if job_starts(folder) => Status::Initialized,
            None => Status::Aborted,
        };
        Some(JobSummary {
            id: id.to_string(),
            name: stem(&train.network.name),
            group: None,
            status,
            killed: false,
            created: created(folder),
            started: None,
            finished: None,
            elapsed_seconds: 0.0,
            language: language(&train.network.name),
            network: train.network.name,
            dataset: self.dataset(path.as_deref().unwrap_or("datasets/mnist-sample")),
            epoch: 0.0,
            epochs: settings.epochs as f64,
            iteration: 0,
            eta_seconds: None,
            images_per_second: None,
            train_loss: None,
            validation_loss: None,
            best: None,
            accuracy: None,
            best_accuracy: None,
            spark: SparkLine { of: "train".into(), points: Vec::new() },
            device: settings.device,
            queue: None,
            error: stopped,
            lr: settings.lr,
            batch_size: train.options.batch_size,
            solver: settings.solver,
            seed: settings.seed,
            snapshots: 0,
            disk_bytes: 0,
        })
    }

    fn dataset(&self, path: &str) -> JobDataset {
        let below = Path::new(path);
        let id = below.strip_prefix(&self.datasets).ok().or_else(|| below.strip_prefix("datasets").ok());
        let id = id.and_then(Path::to_str).filter(|id| !id.is_empty()).map(String::from);
        let given = id.as_ref().and_then(|id| self.names().get(id).cloned());
        let last = || below.file_name().map_or_else(|| path.to_string(), |name| name.to_string_lossy().into_owned());
        let name = given.unwrap_or_else(last);
        JobDataset { id, path: path.to_string(), name }
    }
}

/// The message of the error that ended the process before it trained.
fn failure(folder: &Path) -> Option<String> {
    let page: serde_json::Value =
        serde_json::from_slice(&input::read(&folder.join(ERROR_PAGE), Form::Record).ok()?).ok()?;
    page["message"].as_str().map(String::from)
}

/// Whether a process has taken the job a moment ago and may still be opening its dataset.
fn job_starts(folder: &Path) -> bool {
    std::fs::metadata(folder.join(CONSOLE))
        .and_then(|meta| meta.modified())
        .is_ok_and(|at| at.elapsed().is_ok_and(|ago| ago.as_secs() < 120))
        && folder.join(STARTED).is_file()
}

/// Job folders by id: those below `jobs`, and below the folders of sweeps there.
fn folders(jobs: &Path, is_known: &dyn Fn(&str) -> bool) -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    for (name, path) in children(jobs) {
        if is_known(&name) || is_job(&path) {
            found.insert(name, path);
        } else if path.join(file::SWEEP).is_file() {
            for (job, path) in children(&path) {
                let id = format!("{name}/{job}");
                if is_known(&id) || is_job(&path) {
                    found.insert(id, path);
                }
            }
        }
    }
    found
}

fn children(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let named = entries.filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())));
    // What begins with a dot is in the making.
    named.filter(|(name, _)| !name.starts_with('.')).collect()
}

fn is_job(folder: &Path) -> bool {
    [file::RECORD, REQUEST, STARTED].into_iter().any(|name| folder.join(name).is_file())
}

fn marks(folder: &Path) -> Marks {
    [file::RECORD, file::METRICS, REQUEST, about::FILE, ERROR_PAGE].map(|name| {
        let meta = std::fs::metadata(folder.join(name)).ok()?;
        let at = meta.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some((meta.len(), at.as_nanos()))
    })
}

/// Bytes of the files in the folder and in its snapshots, and the number of snapshots.
fn size(folder: &Path) -> (u64, usize) {
    let (mut bytes, mut snapshots) = (0, 0);
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(meta) = entry.metadata() else { continue };
        let name = entry.file_name();
        if meta.is_dir() && name == file::SNAPSHOTS {
            let (more, count) = size(&entry.path());
            bytes += more;
            snapshots += count;
        } else if meta.is_file() {
            bytes += meta.len();
            let name = name.to_string_lossy();
            snapshots += usize::from(name.starts_with("snapshot_") && name.ends_with(".safetensors"));
        }
    }
    (bytes, snapshots)
}

/// RFC 3339 of a folder that has no record yet.
fn created(folder: &Path) -> String {
    let asked = std::fs::metadata(folder.join(STARTED)).or_else(|_| std::fs::metadata(folder.join(REQUEST)));
    let at = asked.and_then(|meta| meta.modified()).ok();
    let unix = at.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok()).map_or(0.0, |at| at.as_secs_f64());
    Stamp::at(unix).rfc3339()
}

/// `autoencoder` of `networks/autoencoder.lua`.
fn stem(network: &str) -> String {
    Path::new(network).file_stem().map_or_else(|| network.to_string(), |stem| stem.to_string_lossy().into_owned())
}

fn language(network: &str) -> String {
    if network.ends_with(".py") { "python" } else { "lua" }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_of_a_job_is_called_as_people_call_it() {
        let index = JobIndex::new(Path::new("/root"));
        let names = [("mine".to_string(), "My set".to_string())];
        assert!(index.name_datasets(BTreeMap::from(names)).is_empty());
        let called = |path: &str| index.dataset(path).name;
        assert_eq!(["datasets/mine", "/root/datasets/mine"].map(called), ["My set", "My set"]);
        assert_eq!(["datasets/other", "/data/train_db"].map(called), ["other", "train_db"]);
    }
}
