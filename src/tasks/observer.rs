//! `Observer`: who watches a task from outside: the terminal's progress line, a server's event stream, nobody.

use super::train_summary::TrainSummary;
use crate::{
    job::Event,
    train::{EpochSummary, Plan, Position, engine::Surroundings},
};

/// Watches a task. Every method may be left out; all are called on the thread that runs the task or, one at a time, on
/// one that works for it.
pub trait Observer: Send {
    /// A sentence for the person who waits.
    fn line(&mut self, _line: &str) {}

    /// A sentence about something that the user may want to change.
    fn warning(&mut self, sentence: &str) {
        self.line(&format!("warning: {sentence}"));
    }

    /// A line that the network file printed.
    fn printed(&mut self, line: &str) {
        self.line(line);
    }

    /// A stage of `total` steps begins (0: not known), such as `("train_db", 45002)`.
    fn stage(&mut self, _name: &str, _total: u64) {}

    /// `done` steps of the current stage are finished.
    fn done(&mut self, _done: u64) {}

    /// An input was left out, and why (one line).
    fn skipped(&mut self, _input: &str, _reason: &str) {}

    /// The engine is chosen, and wants this of the process. Whoever owns the process may grant it, now and on this thread
    /// ([`Surroundings::grant`]), until the next engine is chosen or the task is over; the engine works without, only
    /// slower.
    fn surroundings(&mut self, _wanted: &Surroundings) {}

    /// Training begins or goes on at `position`.
    fn begin(&mut self, _plan: &Plan, _position: &Position) {}

    /// A training step is done. Called very often: must cost next to nothing.
    fn step(&mut self, _position: &Position) {}

    /// A line of `metrics.jsonl` was written.
    fn event(&mut self, _event: &Event) {}

    /// A validation begins.
    fn validation(&mut self) {}

    /// A training epoch is over, with its validation and snapshot (when due) and the pictures of its curve.
    fn epoch(&mut self, _summary: &EpochSummary) {}

    /// A training is over and went well.
    fn finished(&mut self, summary: &TrainSummary) {
        self.line(&summary.text());
    }
}

/// Watches nothing.
pub struct Unobserved;

impl Observer for Unobserved {}
