//! `Trainer`: a run, and what its loop (`trainer/epochs.rs`), its validations and its snapshots need of it.
//!
//! Source: DIGITS `tools/torch/main.lua` (spec sections 2.2, 2.6, 2.7). What differs on purpose: a seed gives one run
//! (quirk 9), an interval of 0 is never (quirk 7), any loss that is not finite ends the run (quirk 8), an epoch is over
//! after its last batch (see `cadence.rs`). Kept: the validation loss is the unweighted mean over batches (quirk 13).

mod epochs;
mod kept;
#[cfg(test)]
mod tests;
mod together;
mod validation;

use std::{collections::BTreeMap, rc::Rc};

use super::{
    carried::on_device,
    diagnose::{self, Guard},
    engine::Engine,
    meter::RunningMean,
    plan::Plan,
    position::Position,
    ranks::{BatchPart, Ranks, Wishes},
    record::{self, RunRecord},
    snapshot::Snapshot,
    source::{BatchSource, TrainBatch},
    stop::Stop,
    target::Targets,
};
use crate::{
    error::{Error, Result},
    job::{Event, EventKind, Scalars, file, lua_number},
    nn::{Activity, ScalarsOf, ViewsOf},
    torch::device::carry,
};

/// A run: everything the loop needs, and where it stands.
pub struct Trainer<'a> {
    /// Carries out steps.
    pub engine: Box<dyn Engine>,
    /// Train records.
    pub train: Box<dyn BatchSource>,
    /// Validation records, when there are any.
    pub validation: Option<Box<dyn BatchSource>>,
    /// Makes targets of labels.
    pub targets: Targets,
    /// Name and value of what the network file wants to be logged beside the loss, for a batch's input and labels.
    pub scalars: Option<ScalarsOf>,
    /// What it wants to be seen, likewise.
    pub views: Option<ViewsOf>,
    /// The learning rate: a pure function of (step, steps of the whole run).
    pub rate: Box<dyn Fn(u64, u64) -> f64>,
    /// The numbers of the run.
    pub plan: Plan,
    /// Where the run stands; `Position::start`, or from a snapshot.
    pub position: Position,
    /// Where everything is written, and who watches.
    pub record: RunRecord<'a>,
    /// Set by Ctrl-C.
    pub stop: Stop,
    /// The other processes, where several train together: then the engine is theirs in common, each has a part of the batches,
    /// and what is decided is decided by all.
    pub ranks: Option<Rc<Ranks>>,
}

/// How a run ended well.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Where it ended.
    pub position: Position,
    /// Why it ended before its last epoch, when it did.
    pub stopped_early: Option<String>,
}

impl Trainer<'_> {
    /// What the network file wants to be logged, of this batch, its input on the device, and the answer in a validation; equal
    /// names are averaged, as in DIGITS.
    fn scalars_of(&self, input: &tch::Tensor, batch: &TrainBatch, output: Option<&Activity>) -> Result<Scalars> {
        let Some(of) = self.scalars.as_ref().filter(|_| batch.count > 0) else { return Ok(Scalars::new()) };
        let device = self.engine.network().device;
        let mut means: BTreeMap<String, RunningMean> = BTreeMap::new();
        for (name, value) in of(input, &carry(&batch.target, device)?, output).map_err(|error| self.placed(error))? {
            means.entry(name).or_default().add(value);
        }
        Ok(means.into_iter().filter_map(|(name, mean)| Some((name, mean.value()?))).collect())
    }

    /// Shows what the network file wants to be seen, of this batch, its input on the device.
    fn view(&mut self, input: &tch::Tensor, batch: &TrainBatch) -> Result<()> {
        let is_first = self.ranks.as_ref().is_none_or(|ranks| ranks.group().is_first());
        let Some(of) = self.views.as_ref().filter(|_| is_first && batch.count > 0) else { return Ok(()) };
        let labels = carry(&batch.target, self.engine.network().device)?;
        let views = of(input, &labels).map_err(|error| self.placed(error))?;
        self.record.observer.viewed(self.record.job, &self.position, &views)
    }

    fn on_device(&mut self, batch: &TrainBatch) -> Result<(tch::Tensor, Activity)> {
        let seed = self.plan.step_seed(self.position.iteration);
        on_device(&*self.engine, &mut self.targets, batch, seed)
    }

    /// Path of a snapshot of this moment below the job directory.
    fn snapshot_name(&self) -> String {
        let epoch = lua_number(self.position.shown_epoch(&self.plan));
        format!("{}/snapshot_{epoch}.safetensors", file::SNAPSHOTS)
    }

    fn event(&self, kind: EventKind) -> Event {
        record::event(kind, &self.plan, &self.position)
    }

    /// An error with the place in the run where it happened.
    fn placed(&self, error: Error) -> Error {
        error
            .with_fact("at epoch", lua_number(self.position.shown_epoch(&self.plan)))
            .with_fact("at iteration", self.position.iteration.to_string())
    }

    /// Reads the losses of the steps since the last time, before anything is written that depends on them. One that is
    /// not finite ends the run.
    fn collect_losses(&mut self, guard: &Guard) -> Result<()> {
        let losses = self.engine.take_losses()?;
        let first = self.position.iteration.saturating_sub(losses.len() as u64);
        for (iteration, loss) in (first..).zip(losses) {
            if !loss.is_finite() {
                let found = self.find_cause(guard, iteration)?;
                let epoch = self.position.shown_epoch(&self.plan);
                let page = found
                    .page("the training loss", loss)
                    .with_fact("at epoch", lua_number(epoch))
                    .with_fact("at iteration", iteration.to_string())
                    .with_fact("learning rate", lua_number((self.rate)(iteration, self.plan.total_steps())));
                if let Some(ranks) = &self.ranks {
                    // Whoever has the sample speaks for all.
                    ranks.group().together(if found.is_found() { Err(page.clone()) } else { Ok(()) })?;
                }
                return Err(page);
            }
            self.position.line_loss.add(loss);
            self.position.epoch_loss.add(loss);
        }
        Ok(())
    }

    /// Goes back to the guard's state and repeats the steps up to the one that failed, looking at every value.
    fn find_cause(&mut self, guard: &Guard, iteration: u64) -> Result<diagnose::Diagnosis> {
        let Trainer { engine, train, targets, plan, rate, ranks, .. } = self;
        let mut at = guard.restore(&mut **engine)?;
        loop {
            let (epoch, batch) = plan.place(at);
            train.start(epoch, batch)?;
            while let Some(batch) = train.next()? {
                let seed = plan.step_seed(at);
                let (input, target) = on_device(&**engine, targets, &batch, seed)?;
                let before = Snapshot::capture(&**engine)?;
                if let Some(ranks) = ranks {
                    ranks.prepare(BatchPart { count: batch.count, total: batch.total }, Wishes::default());
                }
                engine.step(&input, &target, rate(at, plan.total_steps()), seed)?;
                let is_bad = engine.take_losses()?.iter().any(|loss| !loss.is_finite());
                let broken = Snapshot::capture(&**engine)?.non_finite()?;
                if is_bad || !broken.is_empty() || at >= iteration {
                    before.restore(&mut **engine)?;
                    if batch.count == 0 {
                        let culprit = diagnose::Culprit::NotFound;
                        return Ok(diagnose::Diagnosis {
                            culprit,
                            iteration: Some(at),
                            largest_parameter: None,
                            is_untrained: false,
                        });
                    }
                    let seed = ranks.as_ref().map_or(seed, |ranks| ranks.seed(seed));
                    return diagnose::training(engine.network(), &input, &target, seed, broken, at);
                }
                at += 1;
                if plan.place(at).0 != epoch {
                    break;
                }
            }
        }
    }
}

/// Numbers of the file's, as a log line has them.
fn named(scalars: &Scalars) -> String {
    scalars.iter().map(|(name, value)| format!(", {name} = {}", lua_number(*value))).collect()
}
