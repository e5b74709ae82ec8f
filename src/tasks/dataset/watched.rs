//! `Watched`: an observer and a wish to stop as the makers of datasets see them, which hold no exclusive borrow.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{data::Progress, tasks::observer::Observer, train::Stop};

/// Hands the progress of a new dataset on to an observer, and the wish to stop on to the makers.
pub(super) struct Watched<'a> {
    observer: Mutex<&'a mut dyn Observer>,
    stop: &'a Stop,
}

impl<'a> Watched<'a> {
    pub(super) fn by(observer: &'a mut dyn Observer, stop: &'a Stop) -> Watched<'a> {
        Watched { observer: Mutex::new(observer), stop }
    }

    fn observer(&self) -> MutexGuard<'_, &'a mut dyn Observer> {
        self.observer.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn is_stopped(&self) -> bool {
        self.stop.is_requested()
    }
}
