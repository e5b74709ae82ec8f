//! Training a job: [`begin`] starts one, and finds that the same command given twice means the same job; [`go_on`]
//! resumes one from a snapshot.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    assemble::{self, Run, Start},
    curves,
    observer::Observer,
    options::RunOptions,
    panic,
};
use crate::{
    data::HeadStart,
    error::{Error, Kind, Result},
    frontend::Source,
    job::{Best, DatasetRef, Event, JobDir, JobRecord, JobView, Level, NetworkRef, Status, file},
    torch::device,
    train::{EpochSummary, Plan, Position, Snapshot, SnapshotNote, Stop, TrainObserver},
};

/// Where new jobs and sweeps go that have no folder named, below the working directory.
pub(super) const JOBS: &str = "jobs";

/// A network file to train.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Train {
    /// The network file.
    pub network: Source,
    /// The job's folder; a new one below `jobs/` when none is named.
    #[serde(default)]
    pub job: Option<PathBuf>,
    /// How.
    #[serde(default)]
    pub options: RunOptions,
}

/// A job to go on with.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resume {
    /// The job's folder.
    pub job: PathBuf,
    /// The epoch of the snapshot to go on from, later ones being put aside; the last one when none is named.
    #[serde(default)]
    pub from_snapshot: Option<f64>,
    /// What is to change.
    #[serde(default)]
    pub options: RunOptions,
}

/// What a training came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrainSummary {
    /// The job's folder.
    pub job: PathBuf,
    /// Whether the job was done before, so that nothing was to do.
    pub was_done: bool,
    /// Epochs done, those before a resume included.
    pub epochs: u64,
    /// Steps done, likewise.
    pub iterations: u64,
    /// The snapshot with the lowest validation loss.
    pub best: Option<Best>,
    /// Why it ended before its last epoch, when it did.
    pub stopped_early: Option<String>,
}

/// Trains a network file in its job's folder. A job there of the same file is gone on with. `head_start` may have opened
/// the dataset already.
///
/// # Errors
/// Everything that can keep a network from being trained; `Kind::Interrupted` when `stop` was asked for, the state saved.
pub fn begin(
    task: Train,
    head_start: Option<HeadStart>,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<TrainSummary> {
    panic::guarded(|| {
        let Train { network: source, job, options } = task;
        let options = options.with_absolute_paths()?;
        let (name, text, folder) = (source.name.clone(), source.text.clone(), source.absolute_folder());
        let file_name = source.language().file_name();
        if let Some(job) = job.as_deref().filter(|job| is_job_of(job, &text)) {
            return again(job, options, head_start, observer, stop);
        }
        let run = assemble::assemble(source, &options, Start::Fresh, head_start, observer)?;
        let path = job.unwrap_or_else(|| JobDir::fresh_path(Path::new(JOBS)));
        let network = NetworkRef { blake3: blake3::hash(text.as_bytes()).to_string(), name, folder };
        let dataset_path = std::path::absolute(&run.dataset_path).map(|path| path.display().to_string());
        let dataset_path = dataset_path.unwrap_or_else(|_| run.dataset_path.clone());
        let dataset = DatasetRef { path: dataset_path, fingerprint: run.fingerprint.clone() };
        let libtorch = device::libtorch_version().unwrap_or_else(|| "unknown".into());
        let record = JobRecord::new(network, dataset, run.plan.seed, run.settings.to_json()?, libtorch);
        let mut job = JobDir::create(&path, file_name, &text, record)?;
        let position = Position::start(&run.plan);
        train(run, &mut job, position, observer, stop)
    })
}

/// Whether the folder holds a job that trains exactly this network file.
fn is_job_of(job: &Path, text: &str) -> bool {
    let view = JobView::open(job);
    view.and_then(|view| view.network()).is_ok_and(|network| network == text)
}

/// The same command given twice: a finished job is left as it is, an interrupted one goes on.
fn again(
    path: &Path,
    options: RunOptions,
    head_start: Option<HeadStart>,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<TrainSummary> {
    let view = JobView::open(path)?;
    let record = view.record()?;
    let resumed = RunOptions::resumed(&record.settings, &options)?;
    let has_all_epochs = resumed.epochs.is_none_or(|epochs| record.settings["epochs"].as_u64() >= Some(epochs));
    if record.status == Status::Done && has_all_epochs {
        observer.line(&format!("{} is done already: nothing to do", path.display()));
        let last = view.events()?.into_iter().next_back();
        return Ok(TrainSummary {
            job: path.to_path_buf(),
            was_done: true,
            epochs: last.as_ref().map_or(0, |event| event.epoch as u64),
            iterations: last.map_or(0, |event| event.iteration),
            best: view.best()?,
            stopped_early: None,
        });
    }
    go_on(Resume { job: path.to_path_buf(), from_snapshot: None, options }, head_start, observer, stop)
}

/// Goes on with a job from its last snapshot, or from a chosen one.
///
/// # Errors
/// As [`begin`]; also when the job is in use or damaged, its dataset or network file has changed, or the options would
/// change the numbers of its steps.
pub fn go_on(
    task: Resume,
    head_start: Option<HeadStart>,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<TrainSummary> {
    panic::guarded(|| {
        let given = task.options.with_absolute_paths()?;
        if let Some(epoch) = task.from_snapshot.filter(|epoch| !epoch.is_finite() || *epoch < 0.0) {
            return Err(Error::new(Kind::Usage, format!("from_snapshot is {epoch}"))
                .with_fact("it must be", "a finite number of at least 0"));
        }
        let mut job = JobDir::resume(&task.job)?;
        let options = RunOptions::resumed(&job.record().settings, &given)?;
        let network = &job.record().network;
        let source = Source::of_job(&network.name, job.view().network()?, network.folder.as_deref());
        if let Some(epoch) = task.from_snapshot {
            job.put_later_snapshots_aside(epoch)?;
        }
        let found = last_snapshot(&mut job)?;
        let start = if found.is_some() { Start::FromSnapshot } else { Start::Fresh };
        let mut run = assemble::assemble(source, &options, start, head_start, observer)?;
        let stored = &job.record().dataset;
        if stored.fingerprint != run.fingerprint {
            return Err(Error::new(Kind::Job, "the dataset has changed since the run began")
                .with_fact("dataset", run.dataset_path)
                .with_fact("it was", stored.fingerprint.clone())
                .with_fact("it is", run.fingerprint)
                .with_help("put the old dataset back, or start a new run"));
        }
        let settings = run.settings.to_json()?;
        job.update(|record| record.settings = settings)?;
        let position = match found {
            Some((snapshot, note)) => {
                snapshot.restore(&mut *run.engine)?;
                job.rewind_metrics(note.metrics_len)?;
                note.position.resumed(&run.plan)
            }
            None => {
                job.rewind_metrics(0)?;
                Position::start(&run.plan)
            }
        };
        train(run, &mut job, position, observer, stop)
    })
}

/// The newest snapshot that reads; a damaged one is named in the log and passed over.
fn last_snapshot(job: &mut JobDir) -> Result<Option<(Snapshot, SnapshotNote)>> {
    let mut first_error = None;
    for file in job.view().snapshots()?.into_iter().rev() {
        match Snapshot::read(&file.path) {
            Ok(found) => return Ok(Some(found)),
            Err(error) => {
                job.log(Level::Warning, error.message())?;
                first_error.get_or_insert(error);
            }
        }
    }
    first_error.map_or(Ok(None), Err)
}

fn train(
    run: Run,
    job: &mut JobDir,
    position: Position,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<TrainSummary> {
    observer.line(&format!("{} on {}, job {}", run.title, run.dataset_path, job.path().display()));
    if let (Some(path), Some(transfer)) = (&run.settings.weights, &run.transfer) {
        let text = format!("weights of {}\n{transfer}", path.display());
        observer.line(&text);
        job.log(Level::Info, &text)?;
    }
    job.log(Level::Info, &format!("Network definition:\n{}\nNetwork definition ends", run.printed))?;
    let mut painter = Painter(observer);
    let trained = catch_unwind(AssertUnwindSafe(|| run.trainer(job, position, &mut painter, stop.clone()).run()));
    // Whatever happened, the curve up to here is worth a look.
    let _ = curves::paint(job);
    let outcome = match trained {
        Ok(outcome) => outcome?,
        Err(payload) => {
            let page = panic::page(&*payload);
            let _ = job.replace(file::ERROR, format!("{page}\n").as_bytes());
            let _ = job.update(|record| record.error = Some(format!("{}: {}", page.kind().title(), page.message())));
            let _ = job.set_status(Status::Error);
            return Err(page);
        }
    };
    if let Some(why) = &outcome.stopped_early {
        observer.line(&format!("stopped early: {why}"));
    }
    if let Some(best) = &outcome.position.best {
        observer.line(&format!("best epoch {} with validation loss {:.5}: {}", best.epoch, best.loss, best.file));
    }
    let folder = job.path();
    let made = format!("{}, {}, {}/", file::LOSS_PNG, file::METRICS, file::SNAPSHOTS);
    observer.line(&format!("made {}/: {made}", folder.display()));
    Ok(TrainSummary {
        job: folder.to_path_buf(),
        was_done: false,
        epochs: outcome.position.epoch,
        iterations: outcome.position.iteration,
        best: outcome.position.best,
        stopped_early: outcome.stopped_early,
    })
}

/// Hands on what the trainer says, and paints the curves at each epoch's end.
struct Painter<'a>(&'a mut dyn Observer);

impl TrainObserver for Painter<'_> {
    fn begin(&mut self, plan: &Plan, position: &Position) {
        self.0.begin(plan, position);
    }

    fn step(&mut self, position: &Position) {
        self.0.step(position);
    }

    fn event(&mut self, event: &Event) {
        self.0.event(event);
    }

    fn epoch(&mut self, job: &JobDir, summary: &EpochSummary) -> Result<()> {
        let painted = curves::paint(job);
        self.0.epoch(summary);
        painted
    }
}
