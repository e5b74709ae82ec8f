//! Sweeps: `--lr 0.1,0.01 --batch-size 32,64` trains a job for each combination below one folder and compares them.

use std::path::{Path, PathBuf};

use super::{options::RunOptions, report, run};
use crate::{
    error::{Error, Kind, Result},
    frontend::Source,
    inspect::{raster, sweep::Comparison},
    job::{self, JobDir, JobView, Status, SweepJob, SweepRecord, file},
    train::Stop,
};

/// The values that the command line gives for one run or several.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Variants {
    lr: Vec<f64>,
    batch_size: Vec<u64>,
}

impl Variants {
    /// # Errors
    /// When a value is given twice.
    pub(super) fn of(lr: &[f64], batch_size: &[u64]) -> Result<Variants> {
        let twice = |name: &str, value: String| {
            Err(Error::new(Kind::Usage, format!("{name} {value} is given twice")).with_help("name each value once"))
        };
        if let Some(at) = (1..lr.len()).find(|&i| lr[..i].contains(&lr[i])) {
            return twice("learning rate", lr[at].to_string());
        }
        if let Some(at) = (1..batch_size.len()).find(|&i| batch_size[..i].contains(&batch_size[i])) {
            return twice("batch size", batch_size[at].to_string());
        }
        Ok(Variants { lr: lr.to_vec(), batch_size: batch_size.to_vec() })
    }

    /// Whether there is more than one run.
    pub(super) fn is_sweep(&self) -> bool {
        self.lr.len() > 1 || self.batch_size.len() > 1
    }

    /// The learning rates; one `None` when the default is meant.
    pub(super) fn rates(&self) -> Vec<Option<f64>> {
        or_default(&self.lr)
    }

    /// Every combination, learning rates outermost, with a folder name of its own.
    fn jobs(&self) -> Vec<SweepJob> {
        let mut jobs = Vec::new();
        for lr in self.rates() {
            for batch_size in or_default(&self.batch_size) {
                let parts = [lr.map(|lr| format!("lr{lr}")), batch_size.map(|size| format!("batch{size}"))];
                let folder = parts.into_iter().flatten().collect::<Vec<_>>().join("-");
                jobs.push(SweepJob { folder, lr, batch_size });
            }
        }
        jobs
    }
}

fn or_default<T: Copy>(values: &[T]) -> Vec<Option<T>> {
    if values.is_empty() { vec![None] } else { values.iter().copied().map(Some).collect() }
}

/// Plans the jobs and trains them one after the other. The same command given twice goes on.
pub(super) fn begin(
    source: Source,
    folder: Option<&Path>,
    options: &RunOptions,
    variants: &Variants,
    stop: &Stop,
) -> Result<()> {
    let settings = serde_json::to_value(options.clone().with_defaults()).expect("options are plain values");
    // The base rate is each job's own.
    let folder: PathBuf = folder.map_or_else(|| fresh(Path::new("jobs")), Path::to_path_buf);
    let record = SweepRecord::new(source.name.clone(), settings, variants.jobs());
    match SweepRecord::read(&folder) {
        Ok(known) if known.jobs == record.jobs && known.settings == record.settings => {}
        _ => record.create(&folder, &source.text)?,
    }
    train(&folder, &record, &RunOptions::default(), stop)
}

/// Goes on with the jobs that are not done.
pub(super) fn go_on(folder: &Path, given: &RunOptions, stop: &Stop) -> Result<()> {
    train(folder, &SweepRecord::read(folder)?, given, stop)
}

fn train(folder: &Path, record: &SweepRecord, given: &RunOptions, stop: &Stop) -> Result<()> {
    let options = RunOptions::resumed(&record.settings, given)?;
    let path = folder.join(file::NETWORK);
    let text = std::fs::read_to_string(&path).map_err(|source| Error::io("read", &path, &source))?;
    let count = record.jobs.len();
    for (i, job) in record.jobs.iter().enumerate() {
        let path = folder.join(&job.folder);
        report::line(&format!(
            "{} job {} of {count}: {}",
            if i == 0 { "sweep," } else { "\nsweep," },
            i + 1,
            job.folder
        ));
        let mut own = options.clone();
        own.lr = job.lr.or(own.lr);
        own.batch_size = job.batch_size.or(own.batch_size);
        let failed_before =
            JobView::open(&path).and_then(|view| view.record()).is_ok_and(|r| r.status == Status::Error);
        if failed_before {
            report::line(&format!("{} ended with an error; it is not tried again", path.display()));
            continue;
        }
        let name = record.network.clone();
        let near = Path::new(&name).parent().filter(|near| near.is_dir()).map(Path::to_path_buf);
        let source = Source { name, text: text.clone(), folder: near };
        let result = run::begin(source, Some(&path), own, stop.clone());
        compare(folder)?;
        match result {
            Ok(()) => {}
            // A rate that is too high, a batch that is too large: a finding, not the end of the sweep.
            Err(page) if matches!(page.kind(), Kind::Numeric | Kind::Torch) => report::line(&page.to_string()),
            Err(page) if page.kind() == Kind::Interrupted => {
                return Err(Error::new(
                    Kind::Interrupted,
                    format!("the sweep was stopped at job {} of {count}", i + 1),
                )
                .with_cause(page.message())
                .with_help(format!("go on with it: digits-rs run --resume {}", folder.display())));
            }
            Err(page) => return Err(page),
        }
    }
    let comparison = compare(folder)?;
    let (table, folder) = (comparison.text(), folder.display());
    report::line(&format!(
        "\n{table}\n\nmade {folder}/: {}, {}, {}, {}",
        file::COMPARISON_MD,
        file::COMPARISON_CSV,
        file::LOSS_SVG,
        file::LOSS_PNG
    ));
    match comparison.best() {
        Some(_) => Ok(()),
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

/// `jobs/20261124-065000-1f3a-sweep`
fn fresh(folder: &Path) -> PathBuf {
    let mut path = JobDir::fresh_path(folder).into_os_string();
    path.push("-sweep");
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_has_its_folder() {
        let variants = Variants::of(&[0.1, 0.01], &[32, 64]).unwrap();
        let folders: Vec<String> = variants.jobs().into_iter().map(|job| job.folder).collect();
        assert_eq!(folders, ["lr0.1-batch32", "lr0.1-batch64", "lr0.01-batch32", "lr0.01-batch64"]);
        assert!(!Variants::of(&[0.1], &[32]).unwrap().is_sweep());
        assert!(Variants::of(&[], &[32, 64]).unwrap().is_sweep());
        assert!(Variants::of(&[0.1, 0.1], &[]).unwrap_err().to_string().contains("given twice"));
    }
}
