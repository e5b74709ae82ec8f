//! Training a job: [`begin`] starts one, and finds that the same command given twice means the same job; [`go_on`]
//! resumes one from a snapshot.

use std::{
    path::{Path, PathBuf},
    rc::Rc,
};

use serde::{Deserialize, Serialize};

pub use super::train_summary::TrainSummary;
use super::{
    assemble::{self, Run, Start},
    follow::follow,
    heard::Heard,
    kept::{self, Kept},
    observer::Observer,
    options::RunOptions,
    panic, prepare,
    together::{Conductor, Orders},
    train_summary::BestAccuracy,
    training::train,
};
use crate::{
    data::HeadStart,
    distributed::Group,
    error::{Error, Kind, Result, shell_path},
    frontend::Source,
    job::{DatasetRef, JobDir, JobRecord, JobView, Level, NetworkRef, Status, counted, lua_number},
    torch::device,
    train::{Plan, Position, Snapshot, SnapshotNote, Stop},
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

/// Trains a network file in its job's folder. A job there of the same file is gone on with. `head_start` may have opened
/// the dataset already. `group` are the processes that train together, where there are several: rank 0 has the job.
///
/// # Errors
/// Everything that can keep a network from being trained; `Kind::Interrupted` when `stop` was asked for, the state saved;
/// `Kind::Lost` when another process was.
pub fn begin(
    task: Train,
    head_start: Option<HeadStart>,
    observer: &mut dyn Observer,
    stop: &Stop,
    group: Option<Rc<Group>>,
) -> Result<TrainSummary> {
    let conductor = Conductor::of(group);
    let conductor = &conductor;
    conductor.close(panic::guarded(|| {
        let Train { network: source, job, options } = task;
        let options = options.with_absolute_paths()?;
        if conductor.follows() {
            return follow(Some(source), &options, head_start, observer, stop, conductor);
        }
        whole_batch(&options, conductor, observer);
        let given = options.clone();
        let (name, text, folder) = (source.name.clone(), source.text.clone(), source.absolute_folder());
        let file_name = source.language().file_name();
        if let Some(job) = job.as_deref().filter(|job| came_to_nothing(job)) {
            observer.line(&format!("{} ended before its first snapshot: it begins anew", job.display()));
            JobDir::forget(job)?;
        }
        if let Some(job) = job.as_deref().filter(|job| is_job_of(job, &text)) {
            return again(job, options, head_start, observer, stop, conductor);
        }
        let path = job.unwrap_or_else(|| JobDir::fresh_path(Path::new(JOBS)));
        let processes = conductor.ranks().map(|_| conductor.processes());
        let options = RunOptions { shares: options.shares.or(processes), ..options };
        conductor.order(|| Orders {
            name: name.clone(),
            text: text.clone(),
            folder: folder.clone(),
            given,
            options: options.clone(),
            is_fresh: true,
            job: path.clone(),
        })?;
        let heard = Heard::new();
        let run = assemble::assemble(source, &options, (Start::Fresh, conductor.ranks()), head_start, &heard, observer);
        heard.tell_all(observer);
        let run = conductor.assembled(run)?;
        let network = NetworkRef { blake3: blake3::hash(text.as_bytes()).to_string(), name, folder };
        let dataset_path = std::path::absolute(&run.dataset_path).map(|path| path.display().to_string());
        let dataset_path = dataset_path.unwrap_or_else(|_| run.dataset_path.clone());
        let dataset = DatasetRef { path: dataset_path, fingerprint: run.fingerprint.word().to_string() };
        let libtorch = device::libtorch_version().unwrap_or_else(|| "unknown".into());
        let record = JobRecord::new(network, dataset, run.plan.seed, run.settings.to_json()?, libtorch);
        let record = JobRecord { criterion: Some(run.criterion.clone()), ..record };
        let mut job = JobDir::create(&path, file_name, &text, record)?;
        run.kept.write(job.path())?;
        let position = Position::start(&run.plan);
        conductor.share_state(&run, &position)?;
        train(run, &mut job, position, &heard, observer, stop)
    }))
}

/// Says what `--global-batch` means where there are no other processes.
fn whole_batch(options: &RunOptions, conductor: &Conductor, observer: &mut dyn Observer) {
    if options.shares == Some(1) && conductor.ranks().is_none() {
        observer.line("--global-batch: this run is one process, which has the whole batch");
    }
}

/// Whether the folder holds a job that ended by an error, or by a stop, and left nothing to go on from.
fn came_to_nothing(job: &Path) -> bool {
    let Ok(view) = JobView::open(job) else { return false };
    let ended = view.record().is_ok_and(|record| matches!(record.status, Status::Error | Status::Aborted));
    ended && view.process().is_none() && view.snapshots().is_ok_and(|all| all.is_empty())
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
    conductor: &Conductor,
) -> Result<TrainSummary> {
    let view = JobView::open(path)?;
    let record = view.record()?;
    let resumed = RunOptions::resumed_by(conductor.processes(), &record.settings, &options)?;
    let has_all_epochs = resumed.epochs.is_none_or(|epochs| record.settings["epochs"].as_u64() >= Some(epochs));
    if record.status == Status::Done && has_all_epochs {
        if let Some(other) = options
            .dataset
            .as_ref()
            .or(options.train_db.as_ref())
            .filter(|other| is_elsewhere(other, &record.dataset.path))
        {
            return Err(Error::new(
                Kind::Usage,
                format!("{} is done, and learned from another dataset", path.display()),
            )
            .with_fact("it learned from", record.dataset.path)
            .with_fact("asked for", other.display().to_string())
            .with_help("name another folder with --job"));
        }
        let summary = done_before(&view)?;
        observer.finished(&summary);
        return Ok(summary);
    }
    continued(Resume { job: path.to_path_buf(), from_snapshot: None, options }, head_start, observer, stop, conductor)
}

/// Whether two paths lead to two places; a dataset that was moved away is in none.
fn is_elsewhere(path: &Path, other: &str) -> bool {
    matches!((path.canonicalize(), Path::new(other).canonicalize()), (Ok(here), Ok(there)) if here != there)
}

/// What a job came to that has nothing to do.
fn done_before(view: &JobView) -> Result<TrainSummary> {
    let events = view.events()?;
    let last = events.last();
    Ok(TrainSummary {
        job: view.path().to_path_buf(),
        was_done: true,
        epochs: last.map_or(0, |event| event.epoch as u64),
        iterations: last.map_or(0, |event| event.iteration),
        seconds: 0.0,
        best: view.best()?,
        best_accuracy: BestAccuracy::among(&events),
        stopped_early: None,
        hint: None,
    })
}

/// Goes on with a job from its last snapshot, or from a chosen one; with `group` as in [`begin`].
///
/// # Errors
/// As [`begin`]; also when the job is in use or damaged, its dataset or network file has changed, or the options would
/// change the numbers of its steps.
pub fn go_on(
    task: Resume,
    head_start: Option<HeadStart>,
    observer: &mut dyn Observer,
    stop: &Stop,
    group: Option<Rc<Group>>,
) -> Result<TrainSummary> {
    let conductor = Conductor::of(group);
    conductor.close(panic::guarded(|| {
        whole_batch(&task.options, &conductor, observer);
        continued(task, head_start, observer, stop, &conductor)
    }))
}

fn continued(
    task: Resume,
    head_start: Option<HeadStart>,
    observer: &mut dyn Observer,
    stop: &Stop,
    conductor: &Conductor,
) -> Result<TrainSummary> {
    let given = task.options.with_absolute_paths()?;
    if conductor.follows() {
        return follow(None, &given, head_start, observer, stop, conductor);
    }
    if let Some(epoch) = task.from_snapshot.filter(|epoch| !epoch.is_finite() || *epoch < 0.0) {
        return Err(Error::new(Kind::Usage, format!("from_snapshot is {epoch}"))
            .with_fact("it must be", "a finite number of at least 0"));
    }
    let mut job = JobDir::resume(&task.job)?;
    let options = RunOptions::resumed_by(conductor.processes(), &job.record().settings, &given)?;
    let source = kept::source(&job.view(), job.record())?;
    let epochs_before = job.record().settings["epochs"].as_u64();
    let summary = done_before(&job.view())?;
    let has_all = options.epochs.is_some_and(|epochs| summary.epochs >= epochs);
    if job.record().status == Status::Done && has_all && task.from_snapshot.is_none() {
        observer.finished(&summary);
        return Ok(summary);
    }
    if let Some(epoch) = task.from_snapshot {
        job.put_later_snapshots_aside(epoch)?;
    }
    let found = last_snapshot(&mut job)?;
    let start = if found.is_some() { Start::FromSnapshot } else { Start::Fresh };
    is_there(&task.job, &options)?;
    conductor.order(|| Orders {
        name: source.name.clone(),
        text: source.text.clone(),
        folder: source.absolute_folder(),
        given,
        options: options.clone(),
        is_fresh: found.is_none(),
        job: task.job.clone(),
    })?;
    let heard = Heard::new();
    let run = assemble::assemble(source, &options, (start, conductor.ranks()), head_start, &heard, observer);
    heard.tell_all(observer);
    let mut run = conductor.assembled(run)?;
    let stored = &job.record().dataset;
    if !run.fingerprint.is(&stored.fingerprint) {
        return Err(Error::new(Kind::Job, "the dataset has changed since the run began")
            .with_fact("dataset", run.dataset_path)
            .with_fact("it was", stored.fingerprint.clone())
            .with_fact("it is", run.fingerprint.word())
            .with_help("put the old dataset back, or start a new run"));
    }
    if !Kept::is_in(job.path()) {
        run.kept.write(job.path())?; // a job of before
    }
    let settings = run.settings.to_json()?;
    let dataset_path =
        std::path::absolute(&run.dataset_path).map_or(run.dataset_path.clone(), |path| path.display().to_string());
    job.update(|record| {
        record.settings = settings;
        record.dataset.path = dataset_path;
    })?;
    let position = match found {
        Some((snapshot, note)) => {
            can_go_on(&note.position, &run.plan)?;
            observer.line(&format!("goes on from epoch {}", note.position.shown_epoch(&run.plan)));
            let rates = epochs_before.map(|before| raised_rate(&run, note.position.iteration, before)).transpose()?;
            rates.flatten().into_iter().for_each(|sentence| observer.warning(&sentence));
            snapshot.restore(&mut *run.engine)?;
            job.rewind_metrics(note.metrics_len)?;
            note.position.resumed(&run.plan)
        }
        None => {
            job.rewind_metrics(0)?;
            Position::start(&run.plan)
        }
    };
    conductor.share_state(&run, &position)?;
    train(run, &mut job, position, &heard, observer, stop)
}

/// What to say where another number of epochs stretches the schedule, so that the learning rate rises again.
fn raised_rate(run: &Run, iteration: u64, epochs_before: u64) -> Result<Option<String>> {
    let schedule = run.settings.schedule()?;
    let total = |epochs: u64| Plan { epochs, ..run.plan.clone() }.total_steps();
    let last = schedule.rate(iteration.saturating_sub(1), total(epochs_before));
    let next = schedule.rate(iteration, total(run.plan.epochs));
    Ok((next > last * (1.0 + 1e-9) && run.plan.epochs != epochs_before).then(|| {
        format!(
            "the learning rate's schedule now spans {} instead of {epochs_before}: here it rises from {} to {}",
            counted(run.plan.epochs, "epoch"),
            lua_number(last),
            lua_number(next)
        )
    }))
}

/// Refuses more epochs where the last batch of the run was a short one, which no longer would be the last.
fn can_go_on(position: &Position, plan: &Plan) -> Result<()> {
    let seen = position.epoch * plan.records + position.images;
    let is_whole = seen == position.iteration * plan.batch_size;
    if !plan.crosses_epochs || is_whole || position.epoch >= plan.epochs {
        return Ok(());
    }
    Err(Error::new(Kind::Usage, "this run cannot go on to more epochs")
        .with_fact("because", "its batches run across the borders of epochs, and its last batch was a short one")
        .with_help("go on from an earlier snapshot with --from-snapshot EPOCH, or start a new run with more --epochs"))
}

/// Refuses to go on where the dataset is gone; the page says what may be done.
fn is_there(job: &Path, options: &RunOptions) -> Result<()> {
    let places = [&options.dataset, &options.train_db, &options.val_db, &options.mean, &options.labels];
    let gone = places.into_iter().flatten().find(|path| !path.exists() && !prepare::is_sample(path));
    let Some(path) = gone else { return Ok(()) };
    let (name, job) = (job.display(), shell_path(job));
    Err(Error::new(Kind::Job, format!("the dataset of {name} is not where it was"))
        .with_fact("missing", path.display().to_string())
        .with_help(format!(
            "name its new place: digits-rs run --resume {job} --dataset DIR\ntest and export need no dataset"
        )))
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
