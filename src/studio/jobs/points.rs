//! `Points`: every point of a job's curves in columns, and the few of them that are kept in memory for several jobs.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::follow::Follower;
use crate::job::{Event, EventKind};

/// Points of all jobs together that are kept between requests.
const KEPT: usize = 1_500_000;
/// Points that nobody asked for in so long are read again when somebody does.
pub(crate) const REST: Duration = Duration::from_secs(60);

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

/// A job's points, and when somebody last asked for them.
struct Known {
    id: String,
    points: Arc<Mutex<Points>>,
    asked: Instant,
}

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
            let at = known.iter().position(|known| known.id == id);
            let points = match at.map(|at| known.remove(at)) {
                Some(entry) => entry.points,
                None => Arc::new(Mutex::new(Points::of(folder))),
            };
            known.push(Known { id: id.to_string(), points: Arc::clone(&points), asked: Instant::now() });
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|known| known.id != id);
    }

    /// Forgets the jobs that nobody has looked at for a while: a million points are 40 MiB.
    pub(crate) fn rest(&self, after: Duration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|known| known.asked.elapsed() < after);
    }

    /// Forgets the jobs that were looked at longest ago, until what is left is small enough.
    fn let_go(&self) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let size = |entry: &Known| entry.points.try_lock().map_or(0, |points| points.train.loss.len());
        let mut all: usize = known.iter().map(size).sum();
        while all > KEPT && known.len() > 1 {
            all -= size(&known[0]);
            known.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::file;

    #[test]
    fn points_that_nobody_asks_for_are_let_go_and_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let event = Event { loss: Some(1.0), ..Event::new(EventKind::Train, 0.5, 7) };
        std::fs::write(dir.path().join(file::METRICS), serde_json::to_string(&event).unwrap() + "\n").unwrap();
        let cache = PointsCache::default();
        let seen = || cache.with("a", dir.path(), |points| points.train.iteration.clone()).unwrap();
        assert_eq!(seen(), [7]);
        cache.rest(REST);
        assert_eq!(cache.0.lock().unwrap().len(), 1);
        cache.rest(Duration::ZERO);
        assert!(cache.0.lock().unwrap().is_empty());
        assert_eq!(seen(), [7]);
    }
}
