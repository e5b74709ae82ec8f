//! `run`: what `digits-rs run` and a server ask for alike: a training, a sweep, or one of both that goes on.

use std::{path::PathBuf, rc::Rc};

use serde::{Deserialize, Serialize};

use super::{
    observer::Observer,
    options::RunOptions,
    panic::guarded,
    sweep::{self, ResumeSweep, Sweep, SweepSummary, Variants},
    together::Conductor,
    train::{self, Resume, Train, TrainSummary},
};
use crate::{
    data::HeadStart,
    distributed::Group,
    error::{Error, Kind, Result, shell_path},
    frontend::Source,
    job::SweepRecord,
    train::Stop,
};

/// A network file to train, or a job or sweep to go on with.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunRequest {
    /// The network file, unless a job goes on: that has its own.
    pub network: Option<Source>,
    /// The folder of a new job or sweep; a new one below `jobs/` when none is named.
    pub job: Option<PathBuf>,
    /// The folder of the job or sweep to go on with.
    pub resume: Option<PathBuf>,
    /// The epoch of the snapshot that this job goes on from, later ones being put aside; the last one when none is named.
    pub from_snapshot: Option<f64>,
    /// Learning rates and batch sizes; several of one of them make a sweep.
    pub variants: Variants,
    /// Everything else, or what is to change.
    pub options: RunOptions,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunSummary {
    /// Of one training.
    Train(TrainSummary),
    /// Of a sweep.
    Sweep(SweepSummary),
}

/// Carries out what the request comes to. `head_start` may have opened the dataset already; `group` are the processes that
/// train together, where there are several.
///
/// # Errors
/// `Kind::Usage` when parts of the request exclude each other; those of [`train`] and [`sweep`].
pub fn run(
    request: RunRequest,
    head_start: Option<HeadStart>,
    observer: &mut dyn Observer,
    stop: &Stop,
    group: Option<Rc<Group>>,
) -> Result<RunSummary> {
    guarded(|| {
        if let Err(page) = fits_together(&request, group.as_deref()) {
            return Conductor::of(group).refuse(page);
        }
        let RunRequest { network, job, resume, from_snapshot, variants, options } = request;
        let is_sweep = variants.is_sweep();
        let options = variants.single(options);
        match (network, resume) {
            (_, Some(folder)) if SweepRecord::is_at(&folder) => {
                sweep::go_on(ResumeSweep { folder, options }, observer, stop).map(RunSummary::Sweep)
            }
            (_, Some(job)) => {
                let task = Resume { job, from_snapshot, options };
                train::go_on(task, head_start, observer, stop, group).map(RunSummary::Train)
            }
            (Some(network), None) if is_sweep => {
                let task = Sweep { network, folder: job, variants, options };
                sweep::begin(task, head_start, observer, stop).map(RunSummary::Sweep)
            }
            (Some(network), None) => {
                train::begin(Train { network, job, options }, head_start, observer, stop, group).map(RunSummary::Train)
            }
            (None, None) => Err(Error::new(Kind::Usage, "no network file is named").with_help("digits-rs run FILE")),
        }
    })
}

/// Refuses a request whose parts exclude each other.
fn fits_together(request: &RunRequest, group: Option<&Group>) -> Result<()> {
    let RunRequest { network, job, resume, from_snapshot, variants, .. } = request;
    variants.check()?;
    let goes_on_sweep = resume.as_deref().is_some_and(SweepRecord::is_at);
    if let Some(group) = group.filter(|_| variants.is_sweep() || goes_on_sweep) {
        return Err(Error::new(Kind::Usage, format!("a sweep is not shared out among {} processes", group.size()))
            .with_help("give one learning rate and one batch size, or start the sweep as one process"));
    }
    let Some(folder) = resume else {
        if from_snapshot.is_some() {
            return Err(Error::new(Kind::Usage, "--from-snapshot is given without a job to go on with")
                .with_help("name the job: --resume JOB"));
        }
        return Ok(());
    };
    if network.is_some() || job.is_some() {
        return Err(Error::new(Kind::Usage, "a run that goes on has its network file and its folder already")
            .with_help(format!("give nothing but what is to change: --resume {}", shell_path(folder))));
    }
    if variants.is_sweep() {
        return Err(Error::new(Kind::Usage, "a run that goes on cannot become a sweep")
            .with_help("give one learning rate and one batch size, or none, or start a new sweep"));
    }
    if goes_on_sweep && from_snapshot.is_some() {
        let message = format!("{} is a sweep, which has no snapshots of its own", folder.display());
        return Err(Error::new(Kind::Usage, message)
            .with_help("leave --from-snapshot out, or go on with one of the sweep's jobs"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::observer::Unobserved;

    fn page(request: serde_json::Value) -> Error {
        let request = serde_json::from_value(request).unwrap();
        run(request, None, &mut Unobserved, &Stop::default(), None).unwrap_err()
    }

    #[test]
    fn what_excludes_each_other_is_refused_and_not_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let sweep = folder.path().join("sweep");
        let record = SweepRecord::new("net.lua".into(), None, serde_json::json!({}), Vec::new());
        record.create(&sweep, "network.lua", "return 1").unwrap();
        let network = serde_json::json!({"name": "net.lua", "text": "return 1"});
        for (request, words) in [
            (serde_json::json!({}), "no network file is named"),
            (serde_json::json!({"network": network, "from_snapshot": 1.0}), "--from-snapshot is given without a job"),
            (serde_json::json!({"network": network, "resume": "j"}), "has its network file and its folder already"),
            (serde_json::json!({"resume": "j", "variants": {"lr": [0.1, 0.2]}}), "cannot become a sweep"),
            (serde_json::json!({"resume": sweep, "variants": {"batch_size": [1, 2]}}), "cannot become a sweep"),
            (serde_json::json!({"resume": sweep, "from_snapshot": 1.0}), "is a sweep, which has no snapshots"),
            (serde_json::json!({"resume": "j", "from_snapshot": -1.0}), "from_snapshot is -1"),
            (serde_json::json!({"network": network, "options": {"val_db": "v"}}), "val_db is given without train_db"),
            (serde_json::json!({"network": network, "variants": {"lr": [0.1, 0.1]}}), "given twice"),
        ] {
            let page = page(request);
            assert_eq!((page.kind(), page.message().contains(words)), (Kind::Usage, true), "{page}");
        }
        assert!(serde_json::from_str::<RunRequest>("{\"netwrok\": null}").is_err());
    }
}
