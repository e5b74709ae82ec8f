//! `Tail`: how a job stands, kept up to date from what is new in its metrics.

use std::path::Path;

use super::{follow::Follower, spark::Spark};
use crate::job::{Event, EventKind, TrainingClock};

/// How a job stands.
#[derive(Debug, Clone)]
pub(crate) struct Tail {
    follower: Follower,
    /// Of the last event.
    pub(crate) epoch: f64,
    /// Of the last event.
    pub(crate) iteration: u64,
    /// The last one that is finite.
    pub(crate) train_loss: Option<f64>,
    /// The last one that is finite.
    pub(crate) validation_loss: Option<f64>,
    /// Of the last validation, 0 to 1.
    pub(crate) accuracy: Option<f64>,
    /// The highest so far.
    pub(crate) best_accuracy: Option<f64>,
    speed: Speed,
    /// Resident bytes of its process: now, and the most that were seen.
    memory: (Option<u64>, Option<u64>),
    /// Epoch and seconds of training where the last start began.
    begun: (f64, f64),
    train: Spark,
    validation: Spark,
    /// What happened besides training: start, snapshot, end.
    pub(crate) history: Vec<Event>,
}

/// How fast a run goes.
#[derive(Debug, Clone, Copy, Default)]
struct Speed {
    /// Images a second and share of the time that it waits for data, of the last train event.
    last: (Option<f64>, Option<f64>),
    /// Train events, and over them the sums of the times of an image and of their parts that waited: each event is of as
    /// many images.
    events: f64,
    times: f64,
    waits: f64,
}

impl Speed {
    fn take(&mut self, event: &Event) {
        self.last = (event.images_per_second, event.data_wait);
        if let Some(rate) = event.images_per_second.filter(|rate| rate.is_finite() && *rate > 0.0) {
            self.events += 1.0;
            self.times += rate.recip();
            self.waits += event.data_wait.unwrap_or(0.0) / rate;
        }
    }

    /// The mean of the run, when it has trained at all.
    fn of_sum(&self, sum: f64) -> Option<f64> {
        Some(sum / self.times).filter(|value| value.is_finite())
    }
}

/// Lines of history that are kept.
const HISTORY: usize = 200;

impl Tail {
    /// Of the job in `folder`, nothing read yet.
    #[must_use]
    pub(crate) fn of(folder: &Path) -> Tail {
        Tail {
            follower: Follower::of(folder),
            epoch: 0.0,
            iteration: 0,
            train_loss: None,
            validation_loss: None,
            accuracy: None,
            best_accuracy: None,
            speed: Speed::default(),
            memory: (None, None),
            begun: (0.0, 0.0),
            train: Spark::default(),
            validation: Spark::default(),
            history: Vec::new(),
        }
    }

    /// Reads what is new; true when there was something.
    pub(crate) fn read(&mut self) -> bool {
        let mut is_new = false;
        loop {
            let Ok(news) = self.follower.read() else { return is_new };
            if news.rewound {
                *self = Tail { follower: self.follower.clone(), memory: self.memory, ..Tail::of(Path::new("")) };
            }
            is_new |= news.rewound || !news.events.is_empty();
            news.events.iter().for_each(|(event, seconds)| self.take(event, *seconds));
            if !news.more {
                return is_new;
            }
        }
    }

    fn take(&mut self, event: &Event, seconds: f64) {
        (self.epoch, self.iteration) = (event.epoch, event.iteration);
        let loss = event.loss.filter(|loss| loss.is_finite());
        match event.event {
            EventKind::Train => {
                self.train_loss = loss.or(self.train_loss);
                self.speed.take(event);
                loss.into_iter().for_each(|loss| self.train.push(event.epoch, loss));
            }
            EventKind::Validation => {
                self.validation_loss = loss.or(self.validation_loss);
                self.accuracy = event.accuracy.or(self.accuracy);
                self.best_accuracy =
                    event.accuracy.map(|a| self.best_accuracy.map_or(a, |best| best.max(a))).or(self.best_accuracy);
                loss.into_iter().for_each(|loss| self.validation.push(event.epoch, loss));
            }
            EventKind::Start | EventKind::Resume => self.begun = (event.epoch, seconds),
            EventKind::Epoch | EventKind::Snapshot | EventKind::End | EventKind::Error => {}
        }
        if !matches!(event.event, EventKind::Train | EventKind::Epoch | EventKind::Validation) {
            if self.history.len() == HISTORY {
                self.history.remove(1);
            }
            self.history.push(event.clone());
        }
    }

    /// Images a second: of the last train event while it runs, then the mean of the run.
    #[must_use]
    pub(crate) fn images_per_second(&self, runs: bool) -> Option<f64> {
        if runs { self.speed.last.0 } else { self.speed.of_sum(self.speed.events) }
    }

    /// Share of the time that it waits for data: of the last train event while it runs, then of the run.
    #[must_use]
    pub(crate) fn data_wait(&self, runs: bool) -> Option<f64> {
        if runs { self.speed.last.1 } else { self.speed.of_sum(self.speed.waits) }
    }

    /// Notes the resident bytes of its process.
    pub(crate) fn note_memory(&mut self, bytes: Option<u64>) {
        self.memory = (bytes, bytes.max(self.memory.1));
    }

    /// Resident bytes of its process; the most that were seen once it has ended.
    #[must_use]
    pub(crate) fn memory(&self, runs: bool) -> Option<u64> {
        if runs { self.memory.0 } else { self.memory.1 }
    }

    /// The clock at the last event.
    #[must_use]
    pub(crate) fn clock(&self) -> TrainingClock {
        self.follower.clock()
    }

    /// Seconds until all `epochs` are done, by the speed since the last start.
    #[must_use]
    pub(crate) fn eta(&self, epochs: f64, unix: f64) -> Option<f64> {
        let (epoch, seconds) = self.begun;
        let (done, took) = (self.epoch - epoch, self.clock().seconds() - seconds);
        if done <= 0.0 || took <= 0.0 {
            return None;
        }
        let since = self.clock().now(unix) - self.clock().seconds();
        Some(((epochs - self.epoch) * took / done - since).max(0.0))
    }

    /// The points of the curve on the home page, and whether they are validation losses.
    #[must_use]
    pub(crate) fn spark(&self) -> (bool, Vec<[f64; 2]>) {
        let of_validation = !self.validation.is_empty();
        (of_validation, if of_validation { self.validation.shown() } else { self.train.shown() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_keeps_the_mean_of_its_speed() {
        let folder = tempfile::tempdir().unwrap();
        let line = |rate: f64, wait: f64| {
            format!(
                r#"{{"event":"train","epoch":0.5,"iteration":1,"loss":1.0,"images_per_second":{rate},"data_wait":{wait},"time":1.0}}"#
            )
        };
        let text = format!("{}\n{}\n", line(1000.0, 0.0), line(500.0, 0.3));
        std::fs::write(folder.path().join(crate::job::file::METRICS), text).unwrap();
        let mut tail = Tail::of(folder.path());
        assert_eq!((tail.images_per_second(false), tail.data_wait(false)), (None, None));
        assert!(tail.read());
        assert_eq!((tail.images_per_second(true), tail.data_wait(true)), (Some(500.0), Some(0.3)));
        let (rate, wait) = (tail.images_per_second(false).unwrap(), tail.data_wait(false).unwrap());
        assert!((rate - 2000.0 / 3.0).abs() < 1e-9 && (wait - 0.2).abs() < 1e-9, "{rate} {wait}");
        for bytes in [Some(10), Some(30), Some(20), None] {
            tail.note_memory(bytes);
        }
        assert_eq!((tail.memory(true), tail.memory(false)), (None, Some(30)));
    }
}
