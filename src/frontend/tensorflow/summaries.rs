//! Summaries: what a file wants to be seen while it trains.

use super::state::{Graph, Summary};

impl Graph {
    /// Notes a summary; its number. It counts once it is in a tower's list.
    #[must_use]
    pub fn add_summary(&self, summary: Summary) -> usize {
        self.with_mut(|state| {
            state.summaries.push(summary);
            state.summaries.len() - 1
        })
    }

    /// The summary of this number.
    #[must_use]
    pub fn summary(&self, index: usize) -> Option<Summary> {
        self.with(|state| state.summaries.get(index).cloned())
    }
}
