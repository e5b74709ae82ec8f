//! Other ways to follow a training than by eye: events as lines of JSON, and nothing but the end.

use serde::Serialize;

use super::report;
use crate::{
    job::Event,
    tasks::{Observer, train::TrainSummary},
    train::{
        Plan, Position,
        engine::{Granted, Surroundings},
    },
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// What is printed of a training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Printed {
    /// Each event of `metrics.jsonl`, what the network file prints, sentences and the summary, as one object of JSON a line.
    Json,
    /// The summary.
    Summary,
    /// Nothing: another process of the run tells of it.
    Nothing,
}

/// A training that nobody looks at.
pub(super) struct Aside {
    printed: Printed,
    granted: Option<Granted>,
    has_begun: Arc<AtomicBool>,
}

impl Aside {
    pub(super) fn new(printed: Printed) -> Aside {
        Aside { printed, granted: None, has_begun: Arc::default() }
    }

    /// Becomes true when a training begins.
    pub(super) fn has_begun(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.has_begun)
    }

    fn object(&self, value: &impl Serialize) {
        if self.printed == Printed::Json
            && let Ok(text) = serde_json::to_string(value)
        {
            report::json_line(&text);
        }
    }

    fn sentence(&self, event: &str, text: &str) {
        self.object(&serde_json::json!({"event": event, "text": text}));
    }
}

impl Observer for Aside {
    fn line(&mut self, line: &str) {
        self.sentence("line", line);
    }

    fn warning(&mut self, sentence: &str) {
        match self.printed {
            Printed::Json => self.sentence("warning", sentence),
            Printed::Summary => report::warning(sentence),
            Printed::Nothing => {}
        }
    }

    fn printed(&mut self, line: &str) {
        self.sentence("print", line);
    }

    fn surroundings(&mut self, wanted: &Surroundings) {
        self.granted = None;
        self.granted = Some(wanted.grant());
    }

    fn begin(&mut self, _plan: &Plan, _position: &Position) {
        self.has_begun.store(true, Ordering::SeqCst);
    }

    fn event(&mut self, event: &Event) {
        self.object(event);
    }

    fn finished(&mut self, summary: &TrainSummary) {
        match self.printed {
            Printed::Json => self.object(&serde_json::json!({"event": "summary", "summary": summary})),
            Printed::Summary => report::line(&format!("{}: {}", summary.job.display(), summary.text())),
            Printed::Nothing => {}
        }
    }
}
