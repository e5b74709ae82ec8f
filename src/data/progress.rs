//! `Progress`: who hears how a long piece of work goes on.

/// Who hears how a long piece of work goes on. Calls come from the thread that started the work.
pub trait Progress: Sync {
    /// A stage of `total` steps begins, such as `("train_db", 45002)`.
    fn stage(&self, name: &str, total: u64);
    /// `done` steps of the current stage are finished.
    fn done(&self, done: u64);
    /// An input was left out, and why (one line).
    fn skipped(&self, input: &str, reason: &str);
}

/// Tells nobody.
pub struct Silent;

impl Progress for Silent {
    fn stage(&self, _: &str, _: u64) {}
    fn done(&self, _: u64) {}
    fn skipped(&self, _: &str, _: &str) {}
}
