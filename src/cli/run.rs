//! `digits-rs run`: trains a network file, or goes on with a job.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
};

use super::{
    assemble::{self, Run, Start},
    options::{RunOptions, not_negative},
    preview,
    progress::{Painter, Progress},
    report,
    sweep::{self, Variants},
    weights,
};
use crate::{
    error::{Error, Kind, Result},
    frontend::Source,
    inspect::{
        chart::LossChart,
        curves::{Curves, Point},
        lines::{Line, LineChart},
        raster,
    },
    job::{DatasetRef, JobDir, JobRecord, JobView, Level, NetworkRef, Status, SweepRecord, file},
    torch::device,
    train::{Position, Snapshot, SnapshotNote, Stop},
};

/// Trains a network file, or goes on with a job.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// Network file in DIGITS' Torch form; - reads standard input
    #[arg(value_name = "FILE", required_unless_present_any = ["resume", "plot_lr", "preview_augmentation"])]
    file: Option<PathBuf>,
    /// Folder for the job [default: a new one below jobs/]
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    job: Option<PathBuf>,
    /// Go on with this job (or sweep) from its last snapshot
    #[arg(long, value_name = "JOB", conflicts_with = "file")]
    resume: Option<PathBuf>,
    /// Go on from the snapshot of this epoch instead; later ones are put aside into snapshots/left/
    #[arg(long, value_name = "EPOCH", requires = "resume", value_parser = not_negative)]
    from_snapshot: Option<f64>,
    /// Draw the learning rate over the whole run into lr.svg and lr.png, and stop
    #[arg(long, help_heading = "Look before the run", conflicts_with_all = ["resume", "job", "preview_augmentation"])]
    plot_lr: bool,
    /// Draw N train images beside what six epochs make of them into augmentation.png, and stop
    #[arg(long, value_name = "N", help_heading = "Look before the run", conflicts_with_all = ["resume", "job"],
          value_parser = clap::value_parser!(u64).range(1..=200))]
    preview_augmentation: Option<u64>,
    /// Folder for these pictures [default: the working directory]
    #[arg(long, value_name = "DIR", help_heading = "Look before the run")]
    out: Option<PathBuf>,
    /// Base learning rate; several make a sweep: 0.1,0.01 [default: 0.01]
    #[arg(long, value_name = "RATE,…", help_heading = "Solver", value_delimiter = ',', value_parser = not_negative)]
    lr: Vec<f64>,
    /// Images a step, in training and validation; several make a sweep [default: the network file's, else 16]
    #[arg(short, long, value_name = "N,…", help_heading = "Training", value_delimiter = ',',
          value_parser = clap::value_parser!(u64).range(1..))]
    batch_size: Vec<u64>,
    #[command(flatten)]
    options: RunOptions,
}

impl RunArgs {
    /// The options, when the command will train right away and wants its data soon.
    pub(super) fn data_ahead(self) -> Option<RunOptions> {
        let trains = self.file.is_some() && !self.plot_lr && self.preview_augmentation.is_none();
        self.options.with_absolute_paths().ok().filter(|_| trains)
    }
}

/// Runs the command.
///
/// # Errors
/// Everything that can keep a network from being trained; the page says what.
pub fn run(args: RunArgs) -> Result<()> {
    let mut options = args.options.with_absolute_paths()?;
    let variants = Variants::of(&args.lr, &args.batch_size)?;
    if !variants.is_sweep() {
        (options.lr, options.batch_size) = (args.lr.first().copied(), args.batch_size.first().copied());
    }
    let out = args.out.unwrap_or_else(|| ".".into());
    if args.plot_lr {
        return preview::learning_rate(args.file.as_deref(), options, &variants, &out);
    }
    if let Some(count) = args.preview_augmentation {
        return preview::augmentation(args.file.as_deref(), options, count, &out);
    }
    let stop = stop_on_signals()?;
    match (&args.resume, &args.file) {
        (Some(folder), _) if SweepRecord::is_at(folder) => sweep::go_on(folder, &options, &stop),
        (Some(job), _) => go_on(job, &options, args.from_snapshot, stop),
        (None, Some(file)) if variants.is_sweep() => {
            sweep::begin(Source::read(file)?, args.job.as_deref(), &options, &variants, &stop)
        }
        (None, Some(file)) => begin(Source::read(file)?, args.job.as_deref(), options, stop),
        (None, None) => Err(Error::new(Kind::Usage, "no network file is named").with_help("digits-rs run FILE")),
    }
}

/// Trains a network file in `job`, or in a new folder below `jobs/`. A job of the same file is gone on with.
pub(super) fn begin(source: Source, job: Option<&Path>, options: RunOptions, stop: Stop) -> Result<()> {
    let (name, text) = (source.name.clone(), source.text.clone());
    if let Some(job) = job.filter(|job| is_job_of(job, &text)) {
        return again(job, &options, stop);
    }
    let run = assemble::assemble(source, options.with_defaults(), Start::Fresh)?;
    let path = job.map_or_else(|| JobDir::fresh_path(Path::new("jobs")), Path::to_path_buf);
    let network = NetworkRef { blake3: blake3::hash(text.as_bytes()).to_string(), name };
    let dataset = DatasetRef { path: run.dataset_path.clone(), fingerprint: run.fingerprint.clone() };
    let settings = serde_json::to_value(&run.options).expect("options are plain values");
    let libtorch = device::libtorch_version().unwrap_or_else(|| "unknown".into());
    let record = JobRecord::new(network, dataset, run.plan.seed, settings, libtorch);
    let mut job = JobDir::create(&path, &text, record)?;
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
    go_on(path, given, None, stop)
}

/// Goes on with a job from its last snapshot, or from the one of epoch `from`.
fn go_on(path: &Path, given: &RunOptions, from: Option<f64>, stop: Stop) -> Result<()> {
    let mut job = JobDir::resume(path)?;
    let options = RunOptions::resumed(&job.record().settings, given)?;
    let name = job.record().network.name.clone();
    let text = job.view().network()?;
    // `require` still finds the neighbours of the file that was pasted, when they are there.
    let folder = Path::new(&name).parent().filter(|folder| folder.is_dir()).map(Path::to_path_buf);
    let source = Source { name, text, folder };
    if let Some(epoch) = from {
        job.put_later_snapshots_aside(epoch)?;
    }
    let found = last_snapshot(&mut job)?;
    let start = if found.is_some() { Start::FromSnapshot } else { Start::Fresh };
    let mut run = assemble::assemble(source, options, start)?;
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
    if let (Some(path), Some(transfer)) = (&run.options.weights, &run.transfer) {
        let text = weights::report(path, transfer);
        job.log(Level::Info, &text)?;
    }
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
        let title = record.network.name.clone();
        let subtitle = format!("{}, seed {}, job {}", from_here(&record.dataset.path), record.seed, record.id);
        let curves = Curves::from_metrics(&lines);
        let epochs = record.settings["epochs"].as_f64().unwrap_or(0.0);
        if let Some(chart) = accuracy(&curves, &title, &subtitle, epochs) {
            let svg = chart.svg();
            job.replace(file::ACCURACY_SVG, svg.as_bytes())?;
            job.replace(file::ACCURACY_PNG, &raster::png(&svg, 1.0)?)?;
        }
        let svg = crate::inspect::chart::loss(&LossChart { title, subtitle, curves, epochs, log: false });
        job.replace(file::LOSS_SVG, svg.as_bytes())?;
        job.replace(file::LOSS_PNG, &raster::png(&svg, 1.0)?)
    })
}

/// The accuracy in percent by epoch, of a classifier.
fn accuracy(curves: &Curves, title: &str, subtitle: &str, epochs: f64) -> Option<LineChart> {
    let line = |name: &str, points: &[Point]| {
        let percent: Vec<Point> = points.iter().map(|p| Point { epoch: p.epoch, value: 100.0 * p.value }).collect();
        let best = percent.iter().map(|p| p.value).fold(0.0, f64::max);
        percent.last().map(|last| Line {
            name: name.into(),
            note: format!("last {:.2} %, best {best:.2} %", last.value),
            points: percent.clone(),
        })
    };
    let lines: Vec<Line> =
        [line("accuracy", &curves.accuracy), line("top 5", &curves.accuracy_top5)].into_iter().flatten().collect();
    let (title, subtitle, measure) = (title.into(), subtitle.into(), "right answers in validation, %".into());
    (!lines.is_empty()).then_some(LineChart { title, subtitle, measure, lines, epochs, log: false })
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
