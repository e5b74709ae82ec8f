//! `Tried`: what a validation comes to, batch by batch: of several processes each tries some batches, and all know all.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    meter::{Accuracy, RunningMean},
    ranks::Ranks,
};
use crate::{
    error::{Error, Kind, Result},
    job::Scalars,
};

/// One batch. Numbers as their bits, so that they reach other processes as they are.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct TriedBatch {
    number: u64,
    records: u64,
    loss: u64,
    scalars: Vec<(String, u64)>,
}

/// The batches of a validation.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Tried {
    batches: Vec<TriedBatch>,
    /// Of a classifier.
    pub(super) accuracy: Option<Accuracy>,
}

impl Tried {
    /// Takes a batch in.
    pub(super) fn add(&mut self, number: u64, records: u64, loss: f64, scalars: Scalars) {
        let scalars = scalars.into_iter().map(|(name, value)| (name, value.to_bits())).collect();
        self.batches.push(TriedBatch { number, records, loss: loss.to_bits(), scalars });
    }

    /// Whether nothing was tried yet.
    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// Records in all batches.
    pub(super) fn records(&self) -> u64 {
        self.batches.iter().map(|batch| batch.records).sum()
    }

    /// The batches of all processes, in their order; an error of one is an error of all.
    ///
    /// # Errors
    /// Those of `own`, and of the others.
    pub(super) fn of_all(own: Result<Tried>, ranks: &Ranks) -> Result<Tried> {
        let mut own = ranks.group().together(own)?;
        let all = ranks.group().gather(&serde_json::to_vec(&own).unwrap_or_default())?;
        let mut batches = Vec::new();
        for (rank, bytes) in all.iter().enumerate() {
            let theirs: Tried = serde_json::from_slice(bytes).map_err(|cause| {
                Error::new(Kind::Lost, format!("rank {rank} sent no validation")).with_cause(cause.to_string())
            })?;
            if rank != ranks.group().rank()
                && let (Some(accuracy), Some(theirs)) = (&mut own.accuracy, &theirs.accuracy)
            {
                accuracy.join(theirs);
            }
            batches.extend(theirs.batches);
        }
        batches.sort_by_key(|batch| batch.number);
        Ok(Tried { batches, accuracy: own.accuracy })
    }

    /// The mean of the batches' losses.
    pub(super) fn loss(&self) -> Option<f64> {
        let mut mean = RunningMean::default();
        self.batches.iter().for_each(|batch| mean.add(f64::from_bits(batch.loss)));
        mean.value()
    }

    /// The means of what the network file wants to be logged.
    pub(super) fn scalars(&self) -> Scalars {
        let mut means: BTreeMap<&str, RunningMean> = BTreeMap::new();
        for (name, value) in self.batches.iter().flat_map(|batch| &batch.scalars) {
            means.entry(name).or_default().add(f64::from_bits(*value));
        }
        means.into_iter().filter_map(|(name, mean)| Some((name.to_string(), mean.value()?))).collect()
    }
}
