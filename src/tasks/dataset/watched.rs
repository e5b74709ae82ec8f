//! `Watched`: an observer as the makers of datasets call it, which hold no exclusive borrow.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{data::Progress, tasks::observer::Observer};

/// Hands the progress of a new dataset on to an observer.
pub(super) struct Watched<'a>(Mutex<&'a mut dyn Observer>);

impl<'a> Watched<'a> {
    pub(super) fn by(observer: &'a mut dyn Observer) -> Watched<'a> {
        Watched(Mutex::new(observer))
    }

    fn observer(&self) -> MutexGuard<'_, &'a mut dyn Observer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Watched<'_> {
    fn stage(&self, name: &str, total: u64) {
        self.observer().stage(name, total);
    }

    fn done(&self, done: u64) {
        self.observer().done(done);
    }

    fn skipped(&self, input: &str, reason: &str) {
        self.observer().skipped(input, reason);
    }
}
