//! Sweeps: several learning rates and batch sizes, a job for each combination below one folder, and their comparison.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{
    bounds,
    observer::Observer,
    options::{self, RunOptions},
    panic, prepare,
    settings::RunSettings,
    train::{self, Train},
};
use crate::{
    data::HeadStart,
    error::{Error, Kind, Result, shell_path},
    frontend::{Settings, Source},
    input::{self, Form},
    inspect::{raster, sweep::Comparison},
    job::{self, JobDir, JobView, Status, SweepJob, SweepRecord, file},
    train::Stop,
};

/// The values that are given for one run or several.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Variants {
    /// Base learning rates; none is the default.
    pub lr: Vec<f64>,
    /// Images a step; none is the network file's number.
    pub batch_size: Vec<u64>,
}

/// A network file to train with every combination of the variants.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// The network file.
    pub network: Source,
    /// The sweep's folder; a new one below `jobs/` when none is named.
    #[serde(default)]
    pub folder: Option<PathBuf>,
    /// What differs.
    pub variants: Variants,
    /// What all jobs share.
    #[serde(default)]
    pub options: RunOptions,
}

/// A sweep to go on with.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResumeSweep {
    /// The sweep's folder.
    pub folder: PathBuf,
    /// What is to change.
    #[serde(default)]
    pub options: RunOptions,
}

/// What a sweep came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SweepSummary {
    /// The sweep's folder.
    pub folder: PathBuf,
    /// The folders of its jobs below that, in order.
    pub jobs: Vec<String>,
    /// The one with the lowest validation loss.
    pub best: String,
}

impl Variants {
    /// Refuses a value that is given twice, and more runs than a sweep may have.
    ///
    /// # Errors
    /// `Kind::Usage` then.
    pub fn check(&self) -> Result<()> {
        let (lr, batch_size) = (&self.lr, &self.batch_size);
        let runs = lr.len().max(1).saturating_mul(batch_size.len().max(1));
        if runs > bounds::VARIANTS {
            return Err(Error::new(Kind::Usage, format!("a sweep of {runs} runs"))
                .with_fact("learning rates", lr.len().to_string())
                .with_fact("batch sizes", batch_size.len().to_string())
                .with_fact("runs at most", bounds::VARIANTS.to_string())
                .with_help("name fewer values, or make several sweeps"));
        }
        let twice = |name: &str, value: String| {
            Err(Error::new(Kind::Usage, format!("{name} {value} is given twice")).with_help("name each value once"))
        };
        if let Some(at) = (1..lr.len()).find(|&i| lr[..i].contains(&lr[i])) {
            return twice("learning rate", lr[at].to_string());
        }
        if let Some(at) = (1..batch_size.len()).find(|&i| batch_size[..i].contains(&batch_size[i])) {
            return twice("batch size", batch_size[at].to_string());
        }
        Ok(())
    }

    /// Refuses a value that no run can have, together with what all runs share.
    ///
    /// # Errors
    /// As [`RunSettings::check`].
    pub fn check_with(&self, shared: &RunOptions, before: &Settings) -> Result<()> {
        self.jobs().into_iter().try_for_each(|SweepJob { lr, batch_size, .. }| {
            let options =
                RunOptions { lr: lr.or(shared.lr), batch_size: batch_size.or(shared.batch_size), ..shared.clone() };
            RunSettings::of(&options, before).check()
        })
    }

    /// Whether there is more than one run.
    #[must_use]
    pub fn is_sweep(&self) -> bool {
        self.lr.len() > 1 || self.batch_size.len() > 1
    }

    /// The options with the one learning rate and the one batch size that are given; as they are when it is a sweep.
    #[must_use]
    pub fn single(&self, options: RunOptions) -> RunOptions {
        if self.is_sweep() {
            return options;
        }
        let (lr, batch_size) = (self.lr.first().copied(), self.batch_size.first().copied());
        RunOptions { lr: lr.or(options.lr), batch_size: batch_size.or(options.batch_size), ..options }
    }

    /// Every combination, learning rates outermost, with a folder name of its own.
    fn jobs(&self) -> Vec<SweepJob> {
        let mut jobs = Vec::new();
        for lr in or_default(&self.lr) {
            for batch_size in or_default(&self.batch_size) {
                let parts = [lr.map(|lr| format!("lr{lr}")), batch_size.map(|size| format!("batch{size}"))];
                let folder = parts.into_iter().flatten().collect::<Vec<_>>().join("-");
                jobs.push(SweepJob { folder, lr, batch_size });
            }
        }
        jobs
    }
}

/// One `None` when the default is meant.
fn or_default<T: Copy>(values: &[T]) -> Vec<Option<T>> {
    if values.is_empty() { vec![None] } else { values.iter().copied().map(Some).collect() }
}

/// Writes the sweep's folder and gives each of its jobs, in order, with its folder: for a door that runs them itself.
///
/// # Errors
/// When a value is given twice, or the folder holds something already or cannot be written.
pub fn plan(task: Sweep) -> Result<Vec<Train>> {
    task.variants.check()?;
    let folder = task.folder.unwrap_or_else(|| fresh(Path::new("jobs")));
    let shared = shared(&task.options, &Settings::before(&task.network))?;
    let record = SweepRecord::new(
        task.network.name.clone(),
        task.network.absolute_folder(),
        options::to_json(&shared)?,
        task.variants.jobs(),
    );
    record.create(&folder, task.network.language().file_name(), &task.network.text)?;
    let of = |job: &SweepJob| Train {
        network: task.network.clone(),
        job: Some(folder.join(&job.folder)),
        options: RunOptions {
            lr: job.lr.or(shared.lr),
            batch_size: job.batch_size.or(shared.batch_size),
            ..shared.clone()
        },
    };
    Ok(record.jobs.iter().map(of).collect())
}

/// Plans the jobs and trains them one after the other. The same command given twice goes on. `head_start` may have opened
/// the dataset already.
///
/// # Errors
/// As [`train::begin`], but for a job whose numbers overflow: that is a finding, unless no job comes to a loss.
pub fn begin(
    task: Sweep,
    head_start: Option<HeadStart>,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<SweepSummary> {
    panic::guarded(|| {
        task.variants.check()?;
        let folder = task.folder.unwrap_or_else(|| fresh(Path::new(train::JOBS)));
        let given = task.options.with_absolute_paths()?;
        let names_data = given.dataset.is_some() || given.train_db.is_some();
        let before = Settings::before(&task.network);
        let shared = shared(&prepare::with_sample(given), &before)?;
        task.variants.check_with(&shared, &before)?;
        let record = SweepRecord::new(
            task.network.name.clone(),
            task.network.absolute_folder(),
            options::to_json(&shared)?,
            task.variants.jobs(),
        );
        let is_same = |known: &SweepRecord| {
            known.jobs == record.jobs
                && options_of(known, &before).is_ok_and(|mut options| {
                    // The built-in sample is the same one in every working directory.
                    if !names_data && options.dataset.as_deref().is_none_or(prepare::is_sample) {
                        options.dataset.clone_from(&shared.dataset);
                    }
                    options == shared
                })
        };
        let record = match SweepRecord::read(&folder).ok().filter(is_same) {
            Some(known) => known,
            None => {
                record.create(&folder, task.network.language().file_name(), &task.network.text)?;
                record
            }
        };
        run(&folder, &record, &RunOptions::default(), head_start, observer, stop)
    })
}

/// Goes on with the jobs of a sweep that are not done.
///
/// # Errors
/// As [`begin`].
pub fn go_on(task: ResumeSweep, observer: &mut dyn Observer, stop: &Stop) -> Result<SweepSummary> {
    panic::guarded(|| {
        let given = task.options.with_absolute_paths()?;
        run(&task.folder, &SweepRecord::read(&task.folder)?, &given, None, observer, stop)
    })
}

/// What all jobs share: the defaults filled in, but for the batch sizes, which the network file may name.
fn shared(options: &RunOptions, before: &Settings) -> Result<RunOptions> {
    Ok(RunOptions {
        batch_size: options.batch_size,
        validation_batch_size: options.validation_batch_size,
        ..RunSettings::of(options, before).to_options()?
    })
}

/// What the jobs of a stored sweep share, also of one that an older version wrote.
fn options_of(record: &SweepRecord, before: &Settings) -> Result<RunOptions> {
    RunOptions::resumed(&record.settings, &RunOptions::default()).and_then(|options| shared(&options, before))
}

fn run(
    folder: &Path,
    record: &SweepRecord,
    given: &RunOptions,
    mut head_start: Option<HeadStart>,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<SweepSummary> {
    let options = RunOptions::resumed(&record.settings, given)?;
    let text = input::read_text(&file::network(folder), Form::Network)?;
    let count = record.jobs.len();
    for (i, job) in record.jobs.iter().enumerate() {
        let path = folder.join(&job.folder);
        let above = if i == 0 { "" } else { "\n" };
        observer.line(&format!("{above}sweep, job {} of {count}: {}", i + 1, job.folder));
        let failed_before =
            JobView::open(&path).and_then(|view| view.record()).is_ok_and(|r| r.status == Status::Error);
        if failed_before {
            observer.line(&format!("{} ended with an error; it is not tried again", path.display()));
            continue;
        }
        let task = Train {
            network: Source::of_job(&record.network, text.clone(), record.network_folder.as_deref()),
            job: Some(path),
            options: RunOptions {
                lr: job.lr.or(options.lr),
                batch_size: job.batch_size.or(options.batch_size),
                ..options.clone()
            },
        };
        let result = train::begin(task, head_start.take(), observer, stop, None);
        compare(folder)?;
        match result {
            Ok(_) => {}
            // A rate that is too high, a batch that is too large: a finding, not the end of the sweep.
            Err(page) if matches!(page.kind(), Kind::Numeric | Kind::Torch) => observer.line(&page.to_string()),
            Err(page) if page.kind() == Kind::Interrupted => {
                return Err(Error::new(
                    Kind::Interrupted,
                    format!("the sweep was stopped at job {} of {count}", i + 1),
                )
                .with_cause(page.message())
                .with_help(format!("go on with it: digits-rs run --resume {}", shell_path(folder))));
            }
            Err(page) => return Err(page),
        }
    }
    let comparison = compare(folder)?;
    observer.line(&format!(
        "\n{}\n\nmade {}/: {}, {}, {}, {}",
        comparison.text(),
        folder.display(),
        file::COMPARISON_MD,
        file::COMPARISON_CSV,
        file::LOSS_SVG,
        file::LOSS_PNG
    ));
    match comparison.best() {
        Some(best) => Ok(SweepSummary {
            folder: folder.to_path_buf(),
            jobs: record.jobs.iter().map(|job| job.folder.clone()).collect(),
            best: best.folder.clone(),
        }),
        None => Err(Error::new(Kind::Numeric, "no job of the sweep came to a loss")
            .with_help("read the error.txt in the jobs' folders; lower learning rates may help")),
    }
}

/// Writes table and chart as they stand.
fn compare(folder: &Path) -> Result<Comparison> {
    let comparison = Comparison::read(folder)?;
    let svg = comparison.chart().svg();
    job::replace(&folder.join(file::COMPARISON_MD), comparison.markdown().as_bytes())?;
    job::replace(&folder.join(file::COMPARISON_CSV), comparison.csv().as_bytes())?;
    job::replace(&folder.join(file::LOSS_SVG), svg.as_bytes())?;
    job::replace(&folder.join(file::LOSS_PNG), &raster::png(&svg, 1.0)?)?;
    Ok(comparison)
}

/// The path of a new sweep's folder, not taken yet: `jobs/20261124-065000-1f3a-sweep`.
#[must_use]
pub fn fresh(folder: &Path) -> PathBuf {
    let mut path = JobDir::fresh_path(folder).into_os_string();
    path.push("-sweep");
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::observer::Unobserved;

    #[test]
    fn every_combination_has_its_folder() {
        let variants = |lr: &[f64], batch_size: &[u64]| Variants { lr: lr.to_vec(), batch_size: batch_size.to_vec() };
        let folders: Vec<String> = variants(&[0.1, 0.01], &[32, 64]).jobs().into_iter().map(|job| job.folder).collect();
        assert_eq!(folders, ["lr0.1-batch32", "lr0.1-batch64", "lr0.01-batch32", "lr0.01-batch64"]);
        assert!(!variants(&[0.1], &[32]).is_sweep());
        assert!(variants(&[], &[32, 64]).is_sweep());
        assert!(variants(&[0.1, 0.1], &[]).check().unwrap_err().to_string().contains("given twice"));
        let (rates, sizes): (Vec<f64>, Vec<u64>) = ((1..=10).map(f64::from).collect(), (1..=11).collect());
        variants(&rates, &sizes[..10]).check().unwrap();
        assert_eq!(variants(&rates, &sizes).check().unwrap_err().message(), "a sweep of 110 runs");
    }

    #[test]
    fn a_variant_that_no_run_can_have_is_a_page_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        for (variants, words) in
            [(r#"{"lr": [0.1, -1.0]}"#, "lr is -1"), (r#"{"batch_size": [8, 0]}"#, "batch_size is 0")]
        {
            let network = Source::pasted("net.lua", "return 1");
            let variants = serde_json::from_str(variants).unwrap();
            let folder = folder.path().join("sweep");
            let task = Sweep { network, folder: Some(folder.clone()), variants, options: RunOptions::default() };
            let page = begin(task, None, &mut Unobserved, &Stop::default()).unwrap_err();
            assert_eq!(page.message(), words);
            assert!(!folder.exists());
        }
    }

    #[test]
    fn what_jobs_share_leaves_the_batch_size_to_the_file_and_reads_back() {
        let options = RunOptions { epochs: Some(2), ..RunOptions::default() };
        let shared = shared(&options, &Settings::default()).unwrap();
        assert_eq!((shared.batch_size, shared.validation_batch_size, shared.lr), (None, None, Some(0.01)));
        let settings = serde_json::to_value(&shared).unwrap();
        let record = SweepRecord::new("net.lua".into(), None, settings, Vec::new());
        assert_eq!(options_of(&record, &Settings::default()).unwrap(), shared);
    }
}
