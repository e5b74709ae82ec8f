//! `Progress`: who hears how a long piece of work goes on.

use std::path::Path;

use crate::error::{Error, Kind, Result};

/// Who hears how a long piece of work goes on. Calls, but for `is_stopped`, come from the thread that started the work.
pub trait Progress: Sync {
    /// A stage of `total` steps begins, such as `("train_db", 45002)`.
    fn stage(&self, name: &str, total: u64);
    /// `done` steps of the current stage are finished.
    fn done(&self, done: u64);
    /// An input was left out, and why (one line).
    fn skipped(&self, input: &str, reason: &str);
    /// Whether somebody wants the work to end: asked at every record, from any thread.
    fn is_stopped(&self) -> bool {
        false
    }
}

/// Ends the making of the dataset `out` when that is wanted.
///
/// # Errors
/// `Kind::Interrupted` then.
pub(super) fn go_on(progress: &dyn Progress, out: &Path) -> Result<()> {
    if progress.is_stopped() {
        let message = format!("{} was not made: it was stopped, and nothing of it is left", out.display());
        return Err(Error::new(Kind::Interrupted, message));
    }
    Ok(())
}

/// Tells nobody.
pub struct Silent;

impl Progress for Silent {
    fn stage(&self, _: &str, _: u64) {}
    fn done(&self, _: u64) {}
    fn skipped(&self, _: &str, _: &str) {}
}
