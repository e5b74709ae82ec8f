//! `App`: what all routes share.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::OnceCell;

use super::{
    access::Access,
    bus::Bus,
    child::{
        Wall,
        question::{MakeDataset, Question},
    },
    datasets::{
        index::{DatasetIndex, SAMPLE},
        summary::DatasetStatus,
    },
    jobs::{
        index::JobIndex,
        kind::Kinds,
        points::{PointsCache, REST},
        queue::Queue,
        start::Program,
    },
    machine::Machine,
    refusal::Answer,
    roots::Roots,
    tests::kept::KeptTests,
    uploads::Uploads,
    workers::{Folders, Worker},
};
use crate::tasks::check::CheckRequest;

/// What all routes share.
pub(crate) struct App {
    /// The folder of `--root`, absolute.
    pub(crate) root: PathBuf,
    /// This program.
    pub(crate) program: Program,
    /// What clients may name, for the processes that look at it.
    pub(crate) readable: Vec<PathBuf>,
    /// Who may ask.
    pub(crate) access: Access,
    /// What clients may name.
    pub(crate) roots: Roots,
    /// The jobs.
    pub(crate) jobs: JobIndex,
    /// What their networks give.
    pub(crate) kinds: Kinds,
    /// Their curves.
    pub(crate) points: PointsCache,
    /// What waits.
    pub(crate) queue: Queue,
    /// The datasets.
    pub(crate) datasets: Arc<DatasetIndex>,
    /// What has changed.
    pub(crate) bus: Arc<Bus>,
    /// Answers about pasted text.
    pub(crate) checker: Worker,
    /// Answers about data.
    pub(crate) looker: Worker,
    /// Runs tests.
    pub(crate) tester: Worker,
    /// Tests that were asked for.
    pub(crate) tests: KeptTests,
    /// What clients sent.
    pub(crate) uploads: Uploads,
    /// Figures.
    pub(crate) machine: Machine,
    /// Done once the built-in sample can be looked at.
    pub(crate) sample: OnceCell<()>,
    /// Held by whoever looks at the folders: what was seen first is said first.
    pub(crate) looking: Mutex<()>,
}

impl App {
    /// Looks at all folders, starts what may start, says what has changed.
    pub(crate) fn refresh(&self) {
        self.look(true);
    }

    /// As [`App::refresh`]; when not `thorough`, jobs that rest are passed over.
    pub(crate) fn look(&self, thorough: bool) {
        let _alone = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        self.points.rest(REST);
        let changes = self.jobs.look(thorough);
        for id in &changes.removed {
            self.points.forget(id);
            self.kinds.forget(id);
            self.bus.say("job_removed", id, &serde_json::json!({"id": id}));
        }
        let mut changed = changes.changed;
        let (places, failed) = self.queue.pump(&self.jobs);
        for (id, why) in failed {
            let notice = serde_json::json!({"level": "bad", "text": why, "job": id});
            self.bus.say("notice", &id, &notice);
        }
        changed.extend(self.jobs.place_in_queue(&places));
        for job in changed {
            self.bus.say("job", &job.id, &job);
        }
        let datasets = self.datasets.look();
        let is_making = |id: &String| self.datasets.summary(id).is_some_and(|set| set.status == DatasetStatus::Making);
        if !datasets.iter().all(is_making) {
            [&self.checker, &self.looker, &self.tester].into_iter().for_each(Worker::renew);
        }
        let names = self.datasets.all().into_iter().map(|dataset| (dataset.id, dataset.name)).collect();
        for job in self.jobs.name_datasets(names) {
            self.bus.say("job", &job.id, &job);
        }
        for id in datasets {
            match self.datasets.summary(&id) {
                Some(dataset) => self.bus.say("dataset", &id, &self.with_models(dataset)),
                None => self.bus.say("dataset_removed", &id, &serde_json::json!({"id": id})),
            }
        }
    }

    /// A process for one long piece of work.
    #[must_use]
    pub(crate) fn worker(&self, wall: Wall) -> Worker {
        let folders = folders(wall, &self.root, &self.readable, self.uploads.folder());
        Worker::new(self.program.clone(), wall, folders, self.uploads.names())
    }

    /// Where the built-in sample lies while the datasets do not have it.
    #[must_use]
    pub(crate) fn sample_preview(&self) -> PathBuf {
        self.uploads.folder().join("sample")
    }

    /// Comes back when the built-in sample can be looked at, its folder made or not.
    pub(crate) async fn unpack_sample(&self) {
        let unpack = async {
            if self.datasets.folder(SAMPLE).is_none() {
                let question = Question::Make(MakeDataset::Sample(self.sample_preview()));
                let _ = self.looker.ask_raw(&question, Duration::from_secs(60), |_| ()).await; // its pictures are missing then
            }
        };
        self.sample.get_or_init(|| unpack).await;
    }

    /// What a check of a network file knows of a dataset: of the built-in sample without its folder too.
    #[must_use]
    pub(crate) fn check_request(&self, dataset: Option<&str>) -> CheckRequest {
        let id = dataset.filter(|id| !id.is_empty());
        match id.and_then(|id| self.datasets.folder(id)) {
            Some(folder) => CheckRequest { dataset: Some(folder), ..CheckRequest::default() },
            None if id == Some(SAMPLE) => {
                CheckRequest { input_shape: "1x28x28".parse().ok(), nclasses: Some(10), ..CheckRequest::default() }
            }
            None => CheckRequest::default(),
        }
    }

    /// A file that a client names: `upload:<id>`, or a path below the allowed folders.
    ///
    /// # Errors
    /// 403 for a path outside, 400 for one that is not there, 404 for an upload that is not.
    pub(crate) fn named(&self, named: &str) -> Answer<PathBuf> {
        match named.strip_prefix("upload:") {
            Some(id) => self.uploads.file(id).map(|sent| sent.path),
            None => self.roots.resolve(named),
        }
    }

    /// A file as the client called it that names it so: the name of an upload, or the path itself.
    pub(crate) fn given(&self, named: &str) -> String {
        let sent = named.strip_prefix("upload:").and_then(|id| self.uploads.file(id).ok());
        sent.map_or_else(|| named.to_string(), |sent| sent.name)
    }

    /// Begins to read the points of a job whose page is being opened: they are there, or nearly, when the page has loaded and
    /// asks for them.
    pub(crate) fn read_ahead(self: &Arc<Self>, job: &str) {
        let Some(folder) = self.jobs.folder(job) else { return };
        let (app, job) = (Arc::clone(self), job.to_string());
        // Whoever asks for the points is told what is wrong with them.
        tokio::task::spawn_blocking(move || app.points.with(&job, &folder, |_| ()).ok());
    }

    /// A dataset with the number of jobs that use it.
    #[must_use]
    pub(crate) fn with_models(
        &self,
        mut dataset: super::datasets::summary::DatasetSummary,
    ) -> super::datasets::summary::DatasetSummary {
        dataset.models = self.jobs.on(&dataset.id);
        dataset
    }
}

/// What processes behind a wall may open, whatever they are asked: those that run pasted text or networks of jobs get the
/// datasets (which they find themselves) and nothing else of the root.
#[must_use]
pub(crate) fn folders(wall: Wall, root: &Path, readable: &[PathBuf], uploads: &Path) -> Folders {
    let allowed = || readable.iter().filter(|folder| *folder != root).cloned();
    let uploads = uploads.to_path_buf();
    match wall {
        Wall::Pasted => Folders { reads: allowed().collect(), writes: Vec::new() },
        Wall::Look => {
            Folders { reads: readable.iter().cloned().chain([uploads.clone()]).collect(), writes: vec![uploads] }
        }
        Wall::Make => Folders {
            reads: readable.iter().cloned().chain([uploads.clone()]).collect(),
            writes: vec![root.join("datasets"), uploads],
        },
        Wall::Test => {
            Folders { reads: allowed().chain([root.join("datasets"), uploads]).collect(), writes: Vec::new() }
        }
    }
}
