//! What the loop decides and does with the other processes of its run; with none, all of it is this process's own.

use std::time::Instant;

use super::Trainer;
use crate::{
    error::{Error, Result},
    job::Scalars,
    nn::Activity,
    train::{BatchPart, TrainBatch, Wishes, diagnose::Guard, tried::Tried},
};

impl Trainer<'_> {
    /// The next batch. One that cannot be read is an error of all ranks.
    pub(super) fn next_batch(&mut self) -> Result<Option<TrainBatch>> {
        match self.train.next() {
            Err(error) if self.ranks.is_some() => Err(self.fail_together(error)),
            result => result,
        }
    }

    /// Says what part of a batch this rank has, and what it wishes of the others.
    pub(super) fn prepare(&self, batch: &TrainBatch, guard: &Guard, snapshot_taken: Instant) {
        let Some(ranks) = &self.ranks else { return };
        let is_first = ranks.group().is_first();
        let wishes = Wishes {
            stop: self.stop.is_requested(),
            snapshot: is_first && self.is_due_by_clock(snapshot_taken),
            guard: is_first && guard.is_old(),
        };
        ranks.prepare(BatchPart { count: batch.count, total: batch.total }, wishes);
    }

    /// Takes part in a step with an error, so that all ranks end with it.
    pub(super) fn fail_together(&mut self, error: Error) -> Error {
        let Some(ranks) = &self.ranks else { return error };
        ranks.fail(error.clone());
        let nothing = tch::Tensor::from_slice::<f32>(&[]);
        let target = Activity::Tensor(nothing.shallow_clone());
        self.engine.step(&nothing, &target, 0.0, 0).err().unwrap_or(error)
    }

    /// What the network file wants to be logged of a train batch: the mean over the parts of it; an error of one rank is an error
    /// of all.
    pub(super) fn line_scalars(&self, input: &tch::Tensor, batch: &TrainBatch) -> Result<Scalars> {
        let own = self.scalars_of(input, batch, None);
        let Some(ranks) = self.ranks.as_ref().filter(|_| self.scalars.is_some()) else { return own };
        let own = own.map(|scalars| {
            let mut tried = Tried::default();
            tried.add(ranks.group().rank() as u64, batch.count, 0.0, scalars);
            tried
        });
        Ok(Tried::of_all(own, ranks)?.scalars())
    }

    /// Whether the run is to end after this step: somebody's wish, of which all ranks know.
    pub(super) fn stops(&self) -> bool {
        self.ranks.as_ref().map_or_else(|| self.stop.is_requested(), |ranks| ranks.agreed().stop)
    }

    /// Takes the state that a bad step is repeated from, when the old one is old; all ranks at once.
    pub(super) fn refresh(&self, guard: &mut Guard) -> Result<()> {
        match &self.ranks {
            None => guard.refresh(&*self.engine, &self.position),
            Some(ranks) if ranks.agreed().guard => guard.renew(&*self.engine, &self.position),
            Some(_) => Ok(()),
        }
    }

    pub(super) fn is_due_by_clock(&self, taken: Instant) -> bool {
        self.plan.snapshot_interval.time().is_some_and(|interval| taken.elapsed() >= interval)
    }
}
