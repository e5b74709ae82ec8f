//! `App`: what all routes share.

use std::{path::PathBuf, sync::Arc};

use super::{
    access::Access,
    bus::Bus,
    datasets::index::DatasetIndex,
    jobs::{index::JobIndex, points::PointsCache, queue::Queue},
    machine::Machine,
    roots::Roots,
    tests::kept::KeptTests,
    uploads::Uploads,
    workers::Worker,
};

/// What all routes share.
pub(crate) struct App {
    /// The folder of `--root`, absolute.
    pub(crate) root: PathBuf,
    /// This program.
    pub(crate) binary: PathBuf,
    /// Who may ask.
    pub(crate) access: Access,
    /// What clients may name.
    pub(crate) roots: Roots,
    /// The jobs.
    pub(crate) jobs: JobIndex,
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
}

impl App {
    /// Looks at all folders, starts what may start, says what has changed.
    pub(crate) fn refresh(&self) {
        self.look(true);
    }

    /// As [`App::refresh`]; when not `thorough`, jobs that rest are passed over.
    pub(crate) fn look(&self, thorough: bool) {
        let changes = self.jobs.look(thorough);
        for id in &changes.removed {
            self.points.forget(id);
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
        for id in self.datasets.look() {
            match self.datasets.summary(&id) {
                Some(dataset) => self.bus.say("dataset", &id, &self.with_models(dataset)),
                None => self.bus.say("dataset_removed", &id, &serde_json::json!({"id": id})),
            }
        }
    }

    /// Where the built-in sample lies while the datasets do not have it.
    #[must_use]
    pub(crate) fn sample_preview(&self) -> PathBuf {
        self.uploads.folder().join("sample")
    }

    /// A dataset with the number of jobs that use it.
    #[must_use]
    pub(crate) fn with_models(
        &self,
        mut dataset: super::datasets::summary::DatasetSummary,
    ) -> super::datasets::summary::DatasetSummary {
        dataset.models = self.jobs.all().iter().filter(|job| job.dataset.id.as_deref() == Some(&dataset.id)).count();
        dataset
    }
}
