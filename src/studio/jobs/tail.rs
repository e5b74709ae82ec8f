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
    /// Of the last train event.
    pub(crate) images_per_second: Option<f64>,
    /// Of the last train event.
    pub(crate) data_wait: Option<f64>,
    /// Epoch and seconds of training where the last start began.
    begun: (f64, f64),
    train: Spark,
    validation: Spark,
    /// What happened besides training: start, snapshot, end.
    pub(crate) history: Vec<Event>,
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
            images_per_second: None,
            data_wait: None,
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
                *self = Tail { follower: self.follower.clone(), ..Tail::of(Path::new("")) };
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
                self.images_per_second = event.images_per_second;
                self.data_wait = event.data_wait;
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
