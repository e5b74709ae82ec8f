//! `Stop`: the user's wish to end a run after the current step.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::error::{Error, Kind, Result};

/// A flag that a signal handler sets and the training loop reads. Clones are the same flag.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks for the stop; true when it had been asked for before.
    pub fn request(&self) -> bool {
        self.0.swap(true, Ordering::SeqCst)
    }

    /// Ends `what` when the stop was asked for.
    ///
    /// # Errors
    /// `Kind::Interrupted` then.
    pub fn check(&self, what: &str) -> Result<()> {
        if self.is_requested() { Err(Error::new(Kind::Interrupted, format!("{what} was stopped"))) } else { Ok(()) }
    }

    /// Whether somebody asked.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
