//! `digits-rs run`: trains a network file, or goes on with a job.

use std::{
    path::{Path, PathBuf},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    aside::{Aside, Printed},
    exit::{end, end_now},
    fenced::{self, FenceFlags, Outlet},
    processes::{self, ProcessFlags, Rendezvous},
    progress::Progress,
    report,
    run_flags::{RunFlags, not_negative},
    signals::{self, Early},
    stop,
};
use crate::{
    data::HeadStart,
    distributed::Group,
    error::{Error, Kind, Result, shell_path},
    fence::Reach,
    frontend::Source,
    inspect::{lines::LineChart, numbers::significant, sparkline::sparkline},
    job::{self, JobDir, JobView, SweepRecord},
    tasks::{
        self, Observer, RunOptions, RunRequest, bounds,
        preview::{self, Augmentation, LearningRate},
        reach,
        sweep::{self, Variants},
    },
    torch::{device::DeviceChoice, start_up},
    train::Stop,
};

/// Trains a network file, or goes on with a job.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// Network file in DIGITS' Torch form (Lua) or TensorFlow form (Python); - reads standard input
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
          value_parser = clap::value_parser!(u64).range(1..=preview::MOST_IMAGES))]
    preview_augmentation: Option<u64>,
    /// Folder for these pictures [default: the working directory]
    #[arg(long, value_name = "DIR", help_heading = "Look before the run")]
    out: Option<PathBuf>,
    /// Base learning rate; several make a sweep: 0.1,0.01 [default: 0.01]
    #[arg(long, value_name = "RATE,…", help_heading = "Solver", value_delimiter = ',', value_parser = not_negative)]
    lr: Vec<f64>,
    /// Images a step, in training and validation; several make a sweep [default: the network file's, else 16]
    #[arg(short, long, value_name = "N,…", help_heading = "Training", value_delimiter = ',',
          value_parser = clap::value_parser!(u64).range(1..=bounds::BATCH))]
    batch_size: Vec<u64>,
    /// Print nothing but warnings and how it ended
    #[arg(short, long, conflicts_with = "json")]
    quiet: bool,
    /// Print the run's events as lines of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) fence: FenceFlags,
    #[command(flatten)]
    processes: ProcessFlags,
    #[command(flatten)]
    flags: RunFlags,
}

impl RunArgs {
    /// The options, when the command will train right away and wants its data soon.
    pub(super) fn data_ahead(self) -> Option<RunOptions> {
        let looks_only = self.plot_lr || self.preview_augmentation.is_some();
        let trains = self.file.is_some() && !looks_only && !self.processes.starts_others();
        trains.then(|| self.flags.into_options())
    }
}

/// Runs the command. `head_start` may have opened its dataset already.
///
/// # Errors
/// Everything that can keep a network from being trained; the page says what.
pub fn run(args: RunArgs, head_start: Option<HeadStart>) -> Result<()> {
    let RunArgs {
        file,
        job,
        resume,
        from_snapshot,
        plot_lr,
        preview_augmentation,
        out,
        lr,
        batch_size,
        quiet,
        json,
        fence,
        processes,
        flags,
    } = args;
    let variants = Variants { lr, batch_size };
    let options = RunOptions { shares: processes.shares(), ..flags.into_options() };
    let looks_only = plot_lr || preview_augmentation.is_some();
    let others = processes.rendezvous()?;
    if others.is_none() && processes.starts_others() && !looks_only {
        is_no_job(file.as_deref()).and_then(|()| variants.check())?;
        let named = job.is_some() || resume.is_some();
        let job = resume.or(job).unwrap_or_else(|| fresh(false));
        return processes::start(processes, file.as_deref(), named, job);
    }
    let is_watched = others.as_ref().is_some_and(Rendezvous::is_watched);
    let follows = others.as_ref().is_some_and(Rendezvous::follows);
    let speaks = others.as_ref().is_none_or(Rendezvous::speaks);
    let follower = others.as_ref().filter(|others| others.follows() && speaks).map(Rendezvous::name);
    let job = job.or_else(|| (resume.is_none() && !looks_only && !follows).then(|| fresh(variants.is_sweep())));
    let out = Some(out.unwrap_or_else(|| ".".into()));
    let folder = resume.as_deref().or(job.as_deref()).or(out.as_deref()).unwrap_or(Path::new("."));
    let checked = is_no_job(file.as_deref()).and_then(|()| variants.check());
    let checked = checked.and_then(|()| others.as_ref().map_or(Ok(()), |others| others.check(processes, looks_only)));
    let ready = checked.and_then(|()| ready(file.as_deref(), resume.as_deref(), folder, &options, others.as_ref()));
    let (outlet, reach) = match ready {
        Ok(ready) => ready,
        Err(page) => match others {
            Some(others) => others.refuse(page),
            None => return Err(page),
        },
    };
    let made = outlet.as_ref().map(Outlet::made).unwrap_or_default();
    let connected = enter(fence, &reach, &made, reach::device(&options, resume.as_deref()), others)?;
    let (group, early) = connected.unzip();
    let network = || file.as_deref().map(Source::read).transpose();
    if plot_lr {
        let options = variants.single(options);
        return learning_rate(LearningRate { network: network()?, options, rates: variants.lr, out });
    }
    if let Some(count) = preview_augmentation {
        let options = variants.single(options);
        return augmentation(Augmentation { network: network()?, options, count, out });
    }
    start_up::give_back_pages();
    let is_sweep = variants.is_sweep() || resume.as_deref().is_some_and(SweepRecord::is_at);
    let begin = |observer: &mut dyn Observer, stop: &Stop| {
        let request = RunRequest { network: network()?, job, resume, from_snapshot, variants, options };
        tasks::run(request, head_start, observer, stop, group).map(drop)
    };
    if quiet || json || follows {
        let mut aside = Aside::new(match (follows, json) {
            (true, _) => Printed::Nothing,
            (false, true) => Printed::Json,
            (false, false) => Printed::Summary,
        });
        let stop = stop_on_signals(aside.has_begun(), made, speaks, is_watched)?;
        drop(early);
        let ended = begin(&mut aside, &stop);
        // Rank 0 says so for all.
        let is_stop = ended.as_ref().is_err_and(|page| follows && page.kind() == Kind::Interrupted);
        if let Some(name) = follower.filter(|_| ended.is_ok() || is_stop) {
            report::aside(&format!("{name} has ended with the run; what came of it is with rank 0"));
        }
        return if is_stop { end(Kind::Interrupted.exit_status()) } else { ended };
    }
    let mut progress = Progress::new(is_sweep);
    let stop = stop_on_signals(progress.has_begun(), made, speaks, is_watched)?;
    drop(early);
    begin(&mut progress, &stop)
}

/// A job's folder in the place of a network file: the page says how to go on with it.
fn is_no_job(file: Option<&Path>) -> Result<()> {
    let Some(folder) = file.filter(|file| file.is_dir()) else { return Ok(()) };
    let what = if SweepRecord::is_at(folder) {
        "a sweep"
    } else if JobView::open(folder).is_ok() {
        "a job"
    } else {
        return Ok(());
    };
    let network = job::file::network(folder);
    Err(Error::new(Kind::Usage, format!("{} is {what}, not a network file", folder.display())).with_help(format!(
        "go on with it: digits-rs run --resume {}\nor train its network anew: digits-rs run {}",
        shell_path(folder),
        shell_path(&network)
    )))
}

/// `--plot-lr`: a line for each base rate, and the files.
fn learning_rate(task: LearningRate) -> Result<()> {
    let summary = preview::learning_rate(task)?;
    for course in &summary.courses {
        let shape = sparkline(&course.rates, 60, LineChart::spans_decades(course.rates.iter().copied()));
        report::line(&format!("lr {:<8} {shape}  {}", significant(course.base, 4), course.ends_text()));
    }
    report::line(&summary.run);
    made(&summary.made);
    Ok(())
}

/// `--preview-augmentation`: the settings in words, and the file.
fn augmentation(task: Augmentation) -> Result<()> {
    let summary = preview::augmentation(task)?;
    report::line(&summary.settings);
    made(&summary.made);
    Ok(())
}

fn made(files: &[PathBuf]) {
    let names: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
    report::line(&format!("made {}", names.join(", ")));
}

/// A new folder below `jobs/`.
fn fresh(is_sweep: bool) -> PathBuf {
    let jobs = Path::new("jobs");
    if is_sweep { sweep::fresh(jobs) } else { JobDir::fresh_path(jobs) }
}

/// The other processes, and what ends this one at a signal until its run does that itself.
type Connected = (Rc<Group>, Early);

/// Makes what a fenced process may not make, and says what it will reach: the network file, its neighbours, dataset, weights and
/// the job, and for writing `folder`. Nothing is made for a network file that is not there. Of several processes only the first
/// writes, and each learns here of what would keep it from the run: the `others` are still to be told.
fn ready(
    file: Option<&Path>,
    resume: Option<&Path>,
    folder: &Path,
    options: &RunOptions,
    others: Option<&Rendezvous>,
) -> Result<(Option<Outlet>, Reach)> {
    let has_file = file.is_none_or(|file| file == Path::new("-") || file.exists());
    if let (Some(file), Some(_)) = (file.filter(|file| *file != Path::new("-")), others) {
        Source::read(file)?;
    }
    let follows = others.is_some_and(Rendezvous::follows);
    let (outlet, reach) = match resume {
        Some(job) if follows => {
            knows_dataset(job, options)?;
            (None, reach::job(job))
        }
        None if follows => {
            // Each for itself: whoever comes second waits, and what is not there now is out of reach later.
            reach::prepare_sample(options)?;
            (None, Reach::default())
        }
        Some(job) => {
            if others.is_some() && !SweepRecord::is_at(job) {
                JobView::open(job)?;
            }
            (None, fenced::job(job)?.writing(job))
        }
        None if has_file => {
            reach::prepare_sample(options)?;
            let outlet = Outlet::make("make the job folder", folder)?;
            let reach = outlet.reach();
            (Some(outlet), reach)
        }
        None => (None, Reach::default()),
    };
    let reach = file.map(reach::network).into_iter().fold(reach.and(reach::options(options)), Reach::and);
    Ok((outlet, reach))
}

/// Refuses a process that goes on with a job of another machine, and was not told where the dataset is.
fn knows_dataset(job: &Path, options: &RunOptions) -> Result<()> {
    if reach::options_of_job(job).is_some() || options.dataset.is_some() || options.train_db.is_some() {
        return Ok(());
    }
    Err(Error::new(Kind::Usage, format!("{} is no job on this machine, and no dataset is named", job.display()))
        .with_fact("it is needed", "to know where the dataset is: only rank 0 writes it")
        .with_help("name this machine's dataset: --dataset DIR\nor let both machines reach the job's folder"))
}

/// Fences this process in. One of several meets the `others` before it gives up the network; until its run handles signals
/// itself, one ends it, and the folders `made` go.
fn enter(
    fence: FenceFlags,
    reach: &Reach,
    made: &[PathBuf],
    device: DeviceChoice,
    others: Option<Rendezvous>,
) -> Result<Option<Connected>> {
    let Some(others) = others else {
        fence.enter(reach);
        return Ok(None);
    };
    let page = if others.speaks() { stop::before_first_step().to_string() } else { String::new() };
    let early = Early::new(&page, Kind::Interrupted.exit_status(), made)?;
    Ok(Some((fence.enter_connected(reach, || others.meet(device))?, early)))
}

/// The first Ctrl-C (or another signal of [`signals::STOP`]) asks for a stop after the step, the second ends the process; one that
/// is watched leaves that to who started it, for a signal may come to both. Before the first step there is nothing to save, and
/// the first one ends it, also when an input does not let itself be read; of several processes one says so.
fn stop_on_signals(has_begun: Arc<AtomicBool>, made: Vec<PathBuf>, speaks: bool, is_watched: bool) -> Result<Stop> {
    let stop = Stop::default();
    let flag = stop.clone();
    signals::on(signals::STOP, move |_| {
        if !has_begun.load(Ordering::SeqCst) {
            if speaks {
                report::page(&stop::before_first_step());
            }
        } else if !flag.request() || is_watched {
            return;
        }
        fenced::tidy(&made);
        end_now(Kind::Interrupted.exit_status());
    })?;
    Ok(stop)
}
