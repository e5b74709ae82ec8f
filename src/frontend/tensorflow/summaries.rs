//! Summaries: what a file wants to be seen while it trains.

use super::graph::{Graph, Symbol};

/// What a summary shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SummaryKind {
    /// A number, averaged and logged.
    Scalar,
    /// Images, at most this many.
    Image(i64),
    /// How numbers spread.
    Histogram,
    /// Anything else; never shown.
    Other,
}

/// A summary of a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The name that the file gave.
    pub tag: String,
    /// What it shows.
    pub kind: SummaryKind,
    /// Of what.
    pub value: Symbol,
}

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
