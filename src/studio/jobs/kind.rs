//! `Kinds`: what the networks of jobs give and what their losses measure, as far as somebody has asked.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::Deserialize;

use crate::inspect::output_kind::OutputKind;

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

    /// What is known of a job's network.
    #[must_use]
    pub(crate) fn get(&self, id: &str) -> Option<Known> {
        self.known().get(id).cloned()
    }

    /// Keeps what was found: a job's file never changes.
    pub(crate) fn keep(&self, id: &str, known: Known) {
        self.known().insert(id.to_string(), known);
    }

    /// Forgets a job.
    pub(crate) fn forget(&self, id: &str) {
        self.known().remove(id);
    }
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
