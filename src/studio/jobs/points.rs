//! `Points`: every point of a job's curves in columns, and the few of them that are kept in memory for several jobs.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use super::follow::Follower;
use crate::job::{Event, EventKind};

/// Points of all jobs together that are kept between requests.
const KEPT: usize = 1_500_000;

/// The train points.
#[derive(Debug, Clone, Default)]
pub(crate) struct TrainPoints {
    /// Epochs done.
    pub(crate) epoch: Vec<f64>,
    /// Steps done.
    pub(crate) iteration: Vec<u32>,
    /// Seconds of training.
    pub(crate) seconds: Vec<f32>,
    /// NaN is a loss that is not finite.
    pub(crate) loss: Vec<f64>,
    /// NaN where it was not noted.
    pub(crate) lr: Vec<f32>,
    /// NaN where it was not noted.
    pub(crate) images_per_second: Vec<f32>,
    /// NaN where it was not noted.
    pub(crate) data_wait: Vec<f32>,
}

/// The validation points.
#[derive(Debug, Clone, Default)]
pub(crate) struct ValidationPoints {
    /// Epochs done.
    pub(crate) epoch: Vec<f64>,
    /// Steps done.
    pub(crate) iteration: Vec<u32>,
    /// Seconds of training.
    pub(crate) seconds: Vec<f32>,
    /// NaN is a loss that is not finite.
    pub(crate) loss: Vec<f64>,
    /// NaN without.
    pub(crate) accuracy: Vec<f64>,
    /// NaN without.
    pub accuracy_top5: Vec<f64>,
}

/// Every point of a job.
#[derive(Debug)]
pub(crate) struct Points {
    follower: Follower,
    /// Of training.
    pub(crate) train: TrainPoints,
    /// Of validation.
    pub(crate) validation: ValidationPoints,
}

impl Points {
    fn of(folder: &Path) -> Points {
        Points {
            follower: Follower::of(folder),
            train: TrainPoints::default(),
            validation: ValidationPoints::default(),
        }
    }

    /// Where the next read begins, in a word.
    #[must_use]
    pub(crate) fn place(&self) -> String {
        self.follower.place()
    }

    /// Reads what is new.
    ///
    /// # Errors
    /// When the file cannot be read.
    fn read(&mut self) -> std::io::Result<()> {
        loop {
            let news = self.follower.read()?;
            if news.rewound {
                (self.train, self.validation) = Default::default();
            }
            news.events.iter().for_each(|(event, seconds)| self.take(event, *seconds as f32));
            if !news.more {
                return Ok(());
            }
        }
    }

    fn take(&mut self, event: &Event, seconds: f32) {
        let iteration = u32::try_from(event.iteration).unwrap_or(u32::MAX);
        let loss = event.loss.unwrap_or(f64::NAN);
        let small = |value: Option<f64>| value.map_or(f32::NAN, |value| value as f32);
        match event.event {
            EventKind::Train => {
                let to = &mut self.train;
                to.epoch.push(event.epoch);
                to.iteration.push(iteration);
                to.seconds.push(seconds);
                to.loss.push(loss);
                to.lr.push(small(event.lr));
                to.images_per_second.push(small(event.images_per_second));
                to.data_wait.push(small(event.data_wait));
            }
            EventKind::Validation => {
                let to = &mut self.validation;
                to.epoch.push(event.epoch);
                to.iteration.push(iteration);
                to.seconds.push(seconds);
                to.loss.push(loss);
                to.accuracy.push(event.accuracy.unwrap_or(f64::NAN));
                to.accuracy_top5.push(event.accuracy_top5.unwrap_or(f64::NAN));
            }
            _ => {}
        }
    }
}

type Known = (String, Arc<Mutex<Points>>);

/// The points of the jobs that were looked at last.
#[derive(Default)]
pub(crate) struct PointsCache(Mutex<Vec<Known>>);

impl PointsCache {
    /// Gives the points of a job as they stand to `see`.
    ///
    /// # Errors
    /// When the metrics cannot be read.
    pub(crate) fn with<T>(&self, id: &str, folder: &Path, see: impl FnOnce(&Points) -> T) -> std::io::Result<T> {
        let points = {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let at = known.iter().position(|(name, _)| name == id);
            let entry = at.map(|at| known.remove(at));
            let entry = entry.unwrap_or_else(|| (id.to_string(), Arc::new(Mutex::new(Points::of(folder)))));
            let points = Arc::clone(&entry.1);
            known.push(entry);
            points
        };
        let seen = {
            let mut points = points.lock().unwrap_or_else(PoisonError::into_inner);
            points.read()?;
            see(&points)
        };
        self.let_go();
        Ok(seen)
    }

    /// Forgets a job.
    pub(crate) fn forget(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(name, _)| name != id);
    }

    /// Forgets the jobs that were looked at longest ago, until what is left is small enough.
    fn let_go(&self) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let size = |entry: &Known| entry.1.try_lock().map_or(0, |points| points.train.loss.len());
        let mut all: usize = known.iter().map(size).sum();
        while all > KEPT && known.len() > 1 {
            all -= size(&known[0]);
            known.remove(0);
        }
    }
}
