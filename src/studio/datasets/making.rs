//! `Making`: a dataset that a process makes at the moment, or failed to.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use serde::{Deserialize, Serialize};

use super::summary::{DatasetStatus, DatasetSummary, MakingProgress};
use crate::studio::error_page::ErrorPage;

/// How the making stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum State {
    /// A process is at it.
    Making,
    /// The folder is there.
    Done,
    /// Stopped by the user.
    Aborted,
    /// Ended by an error.
    Failed(Box<ErrorPage>),
}

struct Inner {
    state: State,
    progress: Option<(MakingProgress, Instant)>,
}

/// A dataset in the making. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Making {
    begun: DatasetSummary,
    inner: Arc<Mutex<Inner>>,
    stop: Arc<tokio::sync::Notify>,
}

impl Making {
    /// Begun just now; `begun` is what is known of it.
    #[must_use]
    pub(crate) fn new(begun: DatasetSummary) -> Making {
        let inner = Inner { state: State::Making, progress: None };
        Making { begun, inner: Arc::new(Mutex::new(inner)), stop: Arc::default() }
    }

    /// One that ended before this server began.
    #[must_use]
    pub(crate) fn ended(begun: DatasetSummary, state: State) -> Making {
        let making = Making::new(begun);
        making.end(state);
        making
    }

    fn inner<T>(&self, see: impl FnOnce(&mut Inner) -> T) -> T {
        see(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How it stands.
    #[must_use]
    pub(crate) fn state(&self) -> State {
        self.inner(|inner| inner.state.clone())
    }

    /// Notes how it ended.
    pub(crate) fn end(&self, state: State) {
        self.inner(|inner| inner.state = state);
    }

    /// Notes how far it is.
    pub(crate) fn progress(&self, stage: &str, done: u64, total: u64) {
        self.inner(|inner| {
            let since = inner.progress.as_ref().filter(|(known, _)| known.stage == stage).map(|(_, since)| *since);
            let since = since.unwrap_or_else(Instant::now);
            let rest = total.saturating_sub(done) as f64;
            let eta = (done > 0 && total > 0).then(|| since.elapsed().as_secs_f64() * rest / done as f64);
            inner.progress = Some((MakingProgress { stage: stage.into(), done, total, eta_seconds: eta }, since));
        });
    }

    /// Asks the process to end.
    pub(crate) fn stop(&self) {
        self.stop.notify_one();
    }

    /// Comes back when somebody has asked.
    pub(crate) async fn stopped(&self) {
        self.stop.notified().await;
    }

    /// As a row.
    #[must_use]
    pub(crate) fn summary(&self) -> DatasetSummary {
        self.inner(|inner| {
            let mut summary = self.begun.clone();
            summary.progress = inner.progress.as_ref().map(|(progress, _)| progress.clone());
            match &inner.state {
                State::Making | State::Done => summary.status = DatasetStatus::Making,
                State::Aborted => summary.status = DatasetStatus::Aborted,
                State::Failed(page) => {
                    summary.status = DatasetStatus::Error;
                    summary.error = Some(page.message.clone());
                }
            }
            summary
        })
    }
}
