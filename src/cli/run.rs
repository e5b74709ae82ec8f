//! `digits-rs run`: trains a network file, or goes on with a job.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
};

use super::{
    assemble::{self, Run},
    options::RunOptions,
    progress::{Painter, Progress},
    report,
};
use crate::{
    error::{Error, Kind, Result},
    frontend::Source,
    inspect::{chart::LossChart, curves::Curves},
    job::{DatasetRef, JobDir, JobRecord, JobView, Level, NetworkRef, Status, file},
    train::{Position, Snapshot, SnapshotNote, Stop},
};

/// Trains a network file, or goes on with a job.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// Network file in DIGITS' Torch form; - reads standard input
    #[arg(value_name = "FILE", required_unless_present = "resume")]
    file: Option<PathBuf>,
    /// Folder for the job [default: a new one below jobs/]
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    job: Option<PathBuf>,
    /// Go on with this job from its last snapshot
    #[arg(long, value_name = "JOB", conflicts_with = "file")]
    resume: Option<PathBuf>,
    #[command(flatten)]
    options: RunOptions,
}

/// Runs the command.
///
/// # Errors
/// Everything that can keep a network from being trained; the page says what.
pub fn run(args: RunArgs) -> Result<()> {
    let stop = stop_on_signals()?;
    let options = args.options.with_absolute_paths()?;
    match (&args.resume, &args.file) {
        (Some(job), _) => go_on(job, &options, stop),
        (None, Some(file)) => begin(file, args.job.as_deref(), options, stop),
        (None, None) => Err(Error::new(Kind::Usage, "no network file is named").with_help("digits-rs run FILE")),
    }
}

fn begin(network: &Path, job: Option<&Path>, options: RunOptions, stop: Stop) -> Result<()> {
    let source = Source::read(network)?;
    let (name, text) = (source.name.clone(), source.text.clone());
    if let Some(job) = job.filter(|job| is_job_of(job, &text)) {
        return again(job, &options, stop);
    }
    let run = assemble::assemble(source, options.with_defaults())?;
    let path = job.map_or_else(|| JobDir::fresh_path(Path::new("jobs")), Path::to_path_buf);
    let network = NetworkRef { blake3: blake3::hash(text.as_bytes()).to_string(), name };
    let dataset = DatasetRef { path: run.dataset_path.clone(), fingerprint: run.fingerprint.clone() };
    let settings = serde_json::to_value(&run.options).expect("options are plain values");
    let mut job = JobDir::create(&path, &text, JobRecord::new(network, dataset, run.plan.seed, settings))?;
    let position = Position::start(&run.plan);
    train(run, &mut job, position, stop)
}

/// Whether the folder holds a job that trains exactly this network file.
fn is_job_of(job: &Path, text: &str) -> bool {
    let view = JobView::open(job);
    view.and_then(|view| view.network()).is_ok_and(|network| network == text)
}

/// The same command given twice: a finished job is left as it is, an interrupted one goes on.
fn again(path: &Path, given: &RunOptions, stop: Stop) -> Result<()> {
    let record = JobView::open(path)?.record()?;
    let options = RunOptions::resumed(&record.settings, given)?;
    let has_all_epochs = options.epochs.is_none_or(|epochs| record.settings["epochs"].as_u64() >= Some(epochs));
    if record.status == Status::Done && has_all_epochs {
        report::line(&format!("{} is done already: nothing to do", path.display()));
        return Ok(());
    }
    go_on(path, given, stop)
}

fn go_on(path: &Path, given: &RunOptions, stop: Stop) -> Result<()> {
    let mut job = JobDir::resume(path)?;
    let options = RunOptions::resumed(&job.record().settings, given)?;
    let name = job.record().network.name.clone();
    let text = job.view().network()?;
    // `require` still finds the neighbours of the file that was pasted, when they are there.
    let folder = Path::new(&name).parent().filter(|folder| folder.is_dir()).map(Path::to_path_buf);
    let source = Source { name, text, folder };
    let mut run = assemble::assemble(source, options)?;
    let stored = &job.record().dataset;
    if stored.fingerprint != run.fingerprint {
        return Err(Error::new(Kind::Job, "the dataset has changed since the run began")
            .with_fact("dataset", run.dataset_path)
            .with_fact("it was", stored.fingerprint.clone())
            .with_fact("it is", run.fingerprint)
            .with_help("put the old dataset back, or start a new run"));
    }
    let settings = serde_json::to_value(&run.options).expect("options are plain values");
    job.update(|record| record.settings = settings)?;
    let position = match last_snapshot(&mut job)? {
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
    train(run, &mut job, position, stop)
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

fn train(run: Run, job: &mut JobDir, position: Position, stop: Stop) -> Result<()> {
    let mut out = Progress::new(Some(painter()));
    out.say(&format!("{} on {}, job {}", run.title, run.dataset_path, job.path().display()));
    job.log(Level::Info, &format!("Network definition:\n{}\nNetwork definition ends", run.printed))?;
    let trained = catch_unwind(AssertUnwindSafe(|| run.trainer(job, position, &mut out, stop).run()));
    // Whatever happened, the curve up to here is worth a look.
    let _ = painter()(job, &job.view());
    let outcome = match trained {
        Ok(outcome) => outcome?,
        Err(panic) => {
            let page = report::as_error();
            let _ = job.replace(file::ERROR, format!("{page}\n").as_bytes());
            let _ = job.update(|record| record.error = Some(page.message().to_string()));
            let _ = job.set_status(Status::Error);
            resume_unwind(panic);
        }
    };
    if let Some(why) = outcome.stopped_early {
        out.say(&format!("stopped early: {why}"));
    }
    if let Some(best) = &outcome.position.best {
        out.say(&format!("best epoch {} with validation loss {:.5}: {}", best.epoch, best.loss, best.file));
    }
    let folder = job.path().display();
    out.say(&format!("made {folder}/: {}, {}, {}/", file::LOSS_PNG, file::METRICS, file::SNAPSHOTS));
    Ok(())
}

/// Paints the loss curve into the job directory.
fn painter() -> Painter {
    Box::new(|job: &JobDir, view: &JobView| {
        let metrics = view.path().join(file::METRICS);
        let lines = std::fs::read_to_string(&metrics).map_err(|source| Error::io("read", &metrics, &source))?;
        let record = job.record();
        let svg = crate::inspect::chart::loss(&LossChart {
            title: record.network.name.clone(),
            subtitle: format!("{}, seed {}, job {}", from_here(&record.dataset.path), record.seed, record.id),
            curves: Curves::from_metrics(&lines),
            epochs: record.settings["epochs"].as_f64().unwrap_or(0.0),
            log: false,
        });
        job.replace(file::LOSS_SVG, svg.as_bytes())?;
        job.replace(file::LOSS_PNG, &crate::inspect::raster::png(&svg, 1.0)?)
    })
}

/// The path as it is typed from the working directory, when it lies below.
fn from_here(path: &str) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    Path::new(path).strip_prefix(here).map_or_else(|_| path.to_string(), |below| below.display().to_string())
}

/// The first Ctrl-C (or SIGTERM) asks for a stop after the step; the second ends the process.
fn stop_on_signals() -> Result<Stop> {
    let stop = Stop::default();
    let flag = stop.clone();
    ctrlc::set_handler(move || {
        if flag.request() {
            std::process::exit(i32::from(Kind::Interrupted.exit_status()));
        }
    })
    .map_err(|source| Error::new(Kind::Io, "cannot watch for Ctrl-C").with_cause(source.to_string()))?;
    Ok(stop)
}
