//! `Kinds`: what the networks of jobs give and what their losses measure, asked of the process that checks network files.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::Deserialize;
use serde_json::Value;

use super::create::{CHECK, form_of};
use crate::{
    frontend::Source,
    inspect::output_kind::OutputKind,
    studio::{app::App, blocking::in_place, child::question::Question},
    tasks::check::CheckRequest,
};

/// A database may take so long to say what it holds.
const LOOK: Duration = Duration::from_secs(10);
/// A job's page waits so long: the next one has the answer then.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is known of a network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Known {
    /// What its output is; none when the file could not be followed that far.
    pub(crate) output: Option<OutputKind>,
    /// Its criterion as it prints.
    pub(crate) criterion: Option<String>,
}

/// What is known of the networks of the jobs that were looked at.
#[derive(Default)]
pub(crate) struct Kinds(Mutex<BTreeMap<String, Known>>);

impl Kinds {
    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets a job.
    pub(crate) fn forget(&self, id: &str) {
        self.known().remove(id);
    }

    /// What the job's network is; a job's file never changes, so that it is asked once.
    pub(crate) async fn of(&self, app: &Arc<App>, id: &str) -> Known {
        if let Some(known) = self.known().get(id) {
            return known.clone();
        }
        let (app, id) = (Arc::clone(app), id.to_string());
        let looking = tokio::spawn(async move {
            let known = look(&app, &id).await.unwrap_or_default();
            if known.output.is_some() && app.jobs.summary(&id).is_some() {
                app.kinds.known().insert(id, known.clone());
            }
            known
        });
        tokio::time::timeout(PATIENCE, looking).await.ok().and_then(Result::ok).unwrap_or_default()
    }
}

async fn look(app: &Arc<App>, id: &str) -> Option<Known> {
    let form = in_place(|| form_of(app, id)).ok()?;
    let request = match (form.dataset.as_deref(), form.options.train_db.clone()) {
        (None, Some(train_db)) => {
            let found: Value = app.looker.ask(&Question::Database(train_db), LOOK).await.ok()?;
            let shape: Vec<i64> = serde_json::from_value(found["shape"].clone()).ok()?;
            let shape = shape.iter().map(i64::to_string).collect::<Vec<_>>().join("x");
            CheckRequest { input_shape: shape.parse().ok(), ..CheckRequest::default() }
        }
        (dataset, _) => in_place(|| app.check_request(dataset)),
    };
    let source = Source::pasted(&form.file, &form.text);
    let question = Question::Check { source, request, crop: form.options.crop };
    app.checker.ask(&question, CHECK).await.ok()
}

/// What a loss measures, in words.
#[must_use]
pub(crate) fn loss_unit(criterion: Option<&str>, output: OutputKind) -> &'static str {
    let of = [
        ("MSECriterion", "mean squared error"),
        ("AbsCriterion", "mean absolute error"),
        ("SmoothL1Criterion", "smooth absolute error"),
        ("ClassNLLCriterion", "negative log likelihood"),
        ("CrossEntropyCriterion", "cross entropy"),
        ("BCECriterion", "binary cross entropy"),
    ];
    match of.into_iter().find(|(name, _)| criterion.is_some_and(|criterion| criterion.contains(name))) {
        Some(("MSECriterion", _)) if output == OutputKind::Reconstruction => "mean squared error, grey levels²",
        Some((_, words)) => words,
        None => "loss",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_named_by_its_criterion() {
        assert_eq!(loss_unit(Some("nn.MSECriterion"), OutputKind::Reconstruction), "mean squared error, grey levels²");
        assert_eq!(loss_unit(Some("nn.MSECriterion"), OutputKind::Numbers), "mean squared error");
        assert_eq!(loss_unit(Some("nn.SpatialClassNLLCriterion"), OutputKind::LabelImage), "negative log likelihood");
        assert_eq!((loss_unit(None, OutputKind::Classes)), "loss");
    }
}
