//! `Trainer`: the training loop.
//!
//! Source: DIGITS `tools/torch/main.lua` (spec sections 2.2, 2.6, 2.7). What differs on purpose: a seed gives one run
//! (quirk 9), an interval of 0 is never (quirk 7), any loss that is not finite ends the run (quirk 8), an epoch is over
//! after its last batch (see `cadence.rs`). Kept: the validation loss is the unweighted mean over batches (quirk 13).

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Instant};

use super::{
    carried::on_device,
    diagnose::{self, Guard},
    engine::Engine,
    fitting,
    meter::{Accuracy, Meter, RunningMean},
    observer::{EpochSummary, Evaluated},
    plan::Plan,
    position::Position,
    record::{self, RunRecord},
    snapshot::{Snapshot, SnapshotNote},
    source::{BatchSource, TrainBatch},
    stop::Stop,
    target::Targets,
};
use crate::{
    error::{Error, Kind, Result, shell_path},
    job::{Best, Event, EventKind, Level, Scalars, Status, file, lua_number},
    nn::{Activity, Phase, ScalarsOf, ViewsOf},
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
    /// Trains to the end and notes in the job directory how that went.
    ///
    /// # Errors
    /// `Kind::Interrupted` when the user stopped it (the state is saved), `Kind::Numeric` when a loss is not finite,
    /// those of the network, the data and the disk. Earlier snapshots stay intact in every case.
    pub fn run(mut self) -> Result<Outcome> {
        let result = self.begin().and_then(|()| self.epochs());
        match &result {
            Ok(outcome) => {
                let why = outcome.stopped_early.as_deref().unwrap_or("all epochs are done");
                let event = self.event(EventKind::End);
                self.record.end(event, Level::Info, why, Status::Done)?;
            }
            Err(error) if error.kind() == Kind::Interrupted => {
                let event = self.event(EventKind::End);
                self.record.end(event, Level::Warning, error.message(), Status::Aborted)?;
            }
            // The disk may be what failed: say what can be said, and keep the first error.
            Err(error) => {
                let event = self.event(EventKind::Error);
                drop(self.record.failed(event, error));
            }
        }
        result
    }

    fn begin(&mut self) -> Result<()> {
        self.record.begin(&self.plan)?;
        self.record.started(&self.plan, &self.position, self.engine.describe())?;
        if self.position.iteration > 0 {
            // The lines behind the snapshot were cut off, its own among them.
            let name = self.snapshot_name();
            if self.record.job.path().join(&name).exists() {
                self.snapshot_saved(name)?;
            }
        }
        Ok(())
    }

    fn epochs(&mut self) -> Result<Outcome> {
        let mut meter = Meter::start();
        let mut guard = Guard::new(&*self.engine, &self.position)?;
        let mut snapshot_taken = Instant::now();
        let mut rate = 0.0;
        let mut first_rate;
        if self.position.iteration == 0 && self.plan.validation_interval > 0.0 {
            self.validate(&guard)?;
        }
        while self.position.epoch < self.plan.epochs {
            let epoch_began = Instant::now();
            first_rate = (self.rate)(self.position.iteration, self.plan.total_steps());
            self.train.start(self.position.epoch, self.position.batch)?;
            while let Some(batch) = self.train.next()? {
                let iteration = self.position.iteration;
                rate = (self.rate)(iteration, self.plan.total_steps());
                let input = self.step(&batch, rate)?;
                self.position.advance(batch.count);
                meter.add(batch.count, batch.wait);
                let writes_line = iteration == 0 || self.position.line_images >= self.plan.images_per_line();
                let scalars = if writes_line { self.scalars_of(&input, &batch)? } else { Scalars::new() };
                if self.validation.is_none() && self.position.batch == 1 {
                    self.view(&input, &batch)?;
                }
                drop(batch);
                self.record.observer.step(&self.position);
                if writes_line {
                    self.train_line(&guard, rate, &meter, scalars)?;
                    guard.refresh(&*self.engine, &self.position)?;
                    meter = Meter::start();
                }
                let epoch_over = self.position.batch == self.plan.steps_of(self.position.epoch);
                if !epoch_over {
                    let pause = Instant::now();
                    if self.position.reached(self.position.next_validation, &self.plan) {
                        self.validate(&guard)?;
                    }
                    if self.snapshot_due(snapshot_taken) {
                        self.snapshot(&guard)?;
                        snapshot_taken = Instant::now();
                    }
                    meter.leave_out(pause);
                }
                if self.stop.is_requested() && !epoch_over {
                    return Err(self.interrupted(&guard)?);
                }
                if epoch_over {
                    break;
                }
            }

            let pause = Instant::now();
            let train_loss = self.epoch_loss(&guard)?;
            self.end_of_data()?;
            self.position.end_epoch(&self.plan);
            let mut event = self.event(EventKind::Epoch);
            (event.loss, event.lr) = (train_loss, Some(rate));
            self.record.write(event)?;
            let last = self.position.epoch == self.plan.epochs;
            let early = self.end_epoch(&guard, last, &mut snapshot_taken)?;
            let summary = self.summary(train_loss, [first_rate, rate], epoch_began);
            self.record.observer.epoch(self.record.job, &summary)?;
            meter.leave_out(pause);
            if let Some(why) = early {
                return Ok(Outcome { position: self.position.clone(), stopped_early: Some(why) });
            }
            if self.stop.is_requested() && !last {
                return Err(self.interrupted(&guard)?);
            }
        }
        Ok(Outcome { position: self.position.clone(), stopped_early: None })
    }

    /// One step: the batch to the device, the hook, forward, backward, update. Gives the input on the device.
    fn step(&mut self, batch: &TrainBatch, rate: f64) -> Result<tch::Tensor> {
        let seed = self.plan.step_seed(self.position.iteration);
        let taken = self.on_device(batch).and_then(|(input, target)| {
            self.engine.step(&input, &target, rate, seed)?;
            Ok(input)
        });
        taken.map_err(|error| {
            let error = fitting::advised(error, &mut *self.engine, &mut self.targets, batch);
            self.placed(error)
        })
    }

    /// What the network file wants to be logged, of this batch, its input on the device; equal names are averaged, as in DIGITS.
    fn scalars_of(&self, input: &tch::Tensor, batch: &TrainBatch) -> Result<Scalars> {
        let Some(of) = &self.scalars else { return Ok(Scalars::new()) };
        let device = self.engine.network().device;
        let mut means: BTreeMap<String, RunningMean> = BTreeMap::new();
        for (name, value) in of(input, &carry(&batch.target, device)?).map_err(|error| self.placed(error))? {
            means.entry(name).or_default().add(value);
        }
        Ok(means.into_iter().filter_map(|(name, mean)| Some((name, mean.value()?))).collect())
    }

    /// Shows what the network file wants to be seen, of this batch, its input on the device.
    fn view(&mut self, input: &tch::Tensor, batch: &TrainBatch) -> Result<()> {
        let Some(of) = &self.views else { return Ok(()) };
        let labels = carry(&batch.target, self.engine.network().device)?;
        let views = of(input, &labels).map_err(|error| self.placed(error))?;
        self.record.observer.viewed(self.record.job, &self.position, &views)
    }

    fn on_device(&mut self, batch: &TrainBatch) -> Result<(tch::Tensor, Activity)> {
        on_device(&*self.engine, &mut self.targets, batch)
    }

    /// Validation and snapshot of an epoch's end; the reason when training is to end here.
    fn end_epoch(&mut self, guard: &Guard, last: bool, snapshot_taken: &mut Instant) -> Result<Option<String>> {
        let validates = self.plan.validation_interval > 0.0;
        if validates && (last || self.position.reached(self.position.next_validation, &self.plan)) {
            self.validate(guard)?;
        }
        let stale = self.position.validations_without_gain;
        let early = self.plan.patience.filter(|&patience| !last && stale >= patience);
        if self.snapshot_due(*snapshot_taken) || last || early.is_some() {
            self.snapshot(guard)?;
            *snapshot_taken = Instant::now();
        }
        Ok(early.map(|_| format!("{stale} validations in a row without a lower loss")))
    }

    /// Whether a snapshot is to be taken, the last one having been `taken` then.
    fn snapshot_due(&self, taken: Instant) -> bool {
        let by_clock = self.plan.snapshot_interval.time().is_some_and(|interval| taken.elapsed() >= interval);
        by_clock || self.position.reached(self.position.next_snapshot, &self.plan)
    }

    /// The mean loss over the validation records, in evaluation mode.
    fn validate(&mut self, guard: &Guard) -> Result<()> {
        self.collect_losses(guard)?;
        let Some(mut source) = self.validation.take() else { return Ok(()) };
        self.targets.enter(Phase::Validation);
        let result = self.validate_on(&mut *source);
        self.targets.enter(Phase::Train);
        self.validation = Some(source);
        result
    }

    fn validate_on(&mut self, source: &mut dyn BatchSource) -> Result<()> {
        let mut meter = Meter::start();
        let mut loss = RunningMean::default();
        let ignored = self.engine.network().criterion.ignored();
        let mut accuracy = self.plan.classes.map(|classes| Accuracy::new(classes, ignored));
        let mut scalars: BTreeMap<String, RunningMean> = BTreeMap::new();
        self.record.observer.validation();
        source.start(if self.plan.crosses_epochs { self.position.validations } else { 0 }, 0)?;
        while let Some(batch) = source.next()? {
            let (input, target) = self.on_device(&batch).map_err(|error| self.in_validation(error))?;
            let (value, output) = self.engine.evaluate(&input, &target).map_err(|error| self.in_validation(error))?;
            if !value.is_finite() {
                let found = diagnose::evaluation(self.engine.network(), &input, &target)?;
                return Err(self.placed(found.page("the validation loss", value)));
            }
            if loss.value().is_none() {
                let first = Evaluated { input: &input, target: &target, output: &output };
                self.record.observer.evaluated(&self.position, &first)?;
                self.view(&input, &batch)?;
            }
            loss.add(value);
            for (name, value) in self.scalars_of(&input, &batch)? {
                scalars.entry(name).or_default().add(value);
            }
            if let Some(accuracy) = &mut accuracy {
                accuracy.add(&output, &target)?;
            }
            meter.add(batch.count, batch.wait);
        }
        let Some(loss) = loss.value() else { return Ok(()) };
        let reason = accuracy.as_ref().and_then(Accuracy::reason).filter(|_| self.position.validations == 0);
        reason.into_iter().for_each(|reason| self.record.observer.without_accuracy(reason));
        let top_five = accuracy.as_ref().and_then(Accuracy::top_five);
        let accuracy = accuracy.and_then(|accuracy| accuracy.value());
        let (speed, wait) = meter.rates();
        let position = &mut self.position;
        position.validated = Some(position.iteration);
        position.validations += 1;
        position.validation_loss = Some(loss);
        (position.accuracy, position.accuracy_top5) = (accuracy, top_five);
        position.set_next_validation(&self.plan);
        if position.lowest_loss.is_none_or(|lowest| loss < lowest) {
            position.lowest_loss = Some(loss);
            position.validations_without_gain = 0;
        } else {
            position.validations_without_gain += 1;
        }
        let mut event = self.event(EventKind::Validation);
        (event.loss, event.accuracy, event.accuracy_top5) = (Some(loss), accuracy, top_five);
        (event.images_per_second, event.data_wait) = (Some(speed), Some(wait));
        event.scalars = scalars.into_iter().filter_map(|(name, mean)| Some((name, mean.value()?))).collect();
        let right = accuracy.map_or(String::new(), |share| format!(", accuracy = {}", lua_number(share)));
        let more = named(&event.scalars);
        let (epoch, loss) = (lua_number(event.epoch), lua_number(loss));
        self.record.log(&format!("Validation (epoch {epoch}): loss = {loss}{right}{more}"))?;
        self.record.write(event)
    }

    /// Saves the state, marks it when it is the best, and removes what is no longer to be kept.
    fn snapshot(&mut self, guard: &Guard) -> Result<()> {
        self.collect_losses(guard)?;
        let state = Snapshot::capture(&*self.engine)?;
        if let Some(name) = state.non_finite()?.first() {
            let page = Error::new(Kind::Numeric, format!("{name} is no longer finite")).with_help(diagnose::ADVICE);
            return Err(self.placed(page));
        }
        let epoch = self.position.shown_epoch(&self.plan);
        let name = self.snapshot_name();
        // One that was asked for in between, by a stop or by the clock, leaves the schedule as it is.
        if self.position.reached(self.position.next_snapshot, &self.plan) {
            self.position.set_next_snapshot(&self.plan);
        }
        let loss = self.position.validation_loss.filter(|_| self.position.validated == Some(self.position.iteration));
        let gain = loss.filter(|loss| self.position.best.as_ref().is_none_or(|best| *loss < best.loss));
        if let Some(loss) = gain {
            let iteration = self.position.iteration;
            self.position.best = Some(Best { epoch, iteration, loss, file: name.clone() });
        }
        self.record.observer.snapshot(&self.position, &state)?;
        self.record.log(&format!("Snapshotting to {name}"))?;
        let job = self.record.job.record();
        let note = SnapshotNote {
            position: self.position.clone(),
            seed: self.plan.seed,
            metrics_len: self.record.job.synced_metrics_len()?,
            dataset: job.dataset.fingerprint.clone(),
            network: job.network.blake3.clone(),
            program: format!("{}, libtorch {}", job.program, job.libtorch),
        };
        self.record.job.replace(&name, &state.to_bytes(&note)?).map_err(|error| self.placed(error))?;
        self.record.log(&format!("Snapshot saved - {name}"))?;
        self.snapshot_saved(name)
    }

    /// What follows a snapshot; done again by a resume, since a kill may have come before it.
    fn snapshot_saved(&mut self, name: String) -> Result<()> {
        let mut event = self.event(EventKind::Snapshot);
        event.file = Some(name.clone());
        self.record.write(event)?;
        if let Some(best) = &self.position.best {
            self.record.job.set_best(best)?;
        }
        let Some(keep) = self.plan.keep else { return Ok(()) };
        let best = self.position.best.as_ref().map(|best| self.record.job.path().join(&best.file));
        let all = self.record.job.view().snapshots()?;
        for old in all.iter().rev().skip(keep.max(1)).filter(|old| Some(&old.path) != best.as_ref()) {
            let name = old.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            self.record.job.remove(&format!("{}/{name}", file::SNAPSHOTS))?;
        }
        Ok(())
    }

    /// Saves the state for a stop that the user asked for, and gives the page that ends the run.
    fn interrupted(&mut self, guard: &Guard) -> Result<Error> {
        self.snapshot(guard)?;
        let job = self.record.job.path();
        let epoch = lua_number(self.position.shown_epoch(&self.plan));
        Ok(Error::new(Kind::Interrupted, format!("training was stopped at epoch {epoch}; the state is saved"))
            .with_fact("job", job.display().to_string())
            .with_help(format!("go on with it: digits-rs run --resume {}", shell_path(job))))
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

    /// As [`Trainer::placed`], during a validation.
    fn in_validation(&self, error: Error) -> Error {
        self.placed(error.with_fact("while", "the validation records were tried"))
    }

    /// The mean loss of the epoch's steps so far.
    fn epoch_loss(&mut self, guard: &Guard) -> Result<Option<f64>> {
        self.collect_losses(guard)?;
        Ok(self.position.epoch_loss.value())
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
                return Err(found
                    .page("the training loss", loss)
                    .with_fact("at epoch", lua_number(epoch))
                    .with_fact("at iteration", iteration.to_string())
                    .with_fact("learning rate", lua_number((self.rate)(iteration, self.plan.total_steps()))));
            }
            self.position.line_loss.add(loss);
            self.position.epoch_loss.add(loss);
        }
        Ok(())
    }

    /// Goes back to the guard's state and repeats the steps up to the one that failed, looking at every value.
    fn find_cause(&mut self, guard: &Guard, iteration: u64) -> Result<diagnose::Diagnosis> {
        let Trainer { engine, train, targets, plan, rate, .. } = self;
        let mut at = guard.restore(&mut **engine)?;
        loop {
            let (epoch, batch) = plan.place(at);
            train.start(epoch, batch)?;
            while let Some(batch) = train.next()? {
                let (input, target) = on_device(&**engine, targets, &batch)?;
                let seed = plan.step_seed(at);
                let before = Snapshot::capture(&**engine)?;
                engine.step(&input, &target, rate(at, plan.total_steps()), seed)?;
                let is_bad = engine.take_losses()?.iter().any(|loss| !loss.is_finite());
                let broken = Snapshot::capture(&**engine)?.non_finite()?;
                if is_bad || !broken.is_empty() || at >= iteration {
                    before.restore(&mut **engine)?;
                    return diagnose::training(engine.network(), &input, &target, seed, broken, at);
                }
                at += 1;
                if plan.place(at).0 != epoch {
                    break;
                }
            }
        }
    }

    fn train_line(&mut self, guard: &Guard, rate: f64, meter: &Meter, scalars: Scalars) -> Result<()> {
        self.collect_losses(guard)?;
        self.engine.take_notice().map_or(Ok(()), |notice| self.record.log(&notice))?;
        let loss = std::mem::take(&mut self.position.line_loss).value();
        self.position.line_images = 0;
        let mut event = self.event(EventKind::Train);
        let (speed, wait) = meter.rates();
        (event.loss, event.lr, event.scalars) = (loss, Some(rate), scalars);
        (event.images_per_second, event.data_wait) = (Some(speed), Some(wait));
        self.record.log(&format!(
            "Training (epoch {}): loss = {}, lr = {}{}",
            lua_number(event.epoch),
            lua_number(loss.unwrap_or(f64::NAN)),
            lua_number(rate),
            named(&event.scalars),
        ))?;
        self.record.write(event)
    }

    /// The source must end its epoch where the plan does, or positions would mean different batches.
    fn end_of_data(&self) -> Result<()> {
        let before = self.position.epoch * self.plan.records;
        let wanted = self.plan.records_after(self.position.epoch) - before;
        if self.position.images == wanted {
            return Ok(());
        }
        let page = Error::new(Kind::Data, "the number of train records changed while training")
            .with_fact("an epoch had", self.position.images.to_string())
            .with_fact("it should have", wanted.to_string());
        Err(self.placed(page))
    }

    fn summary(&self, train_loss: Option<f64>, learning_rates: [f64; 2], began: Instant) -> EpochSummary {
        let here = self.position.validated == Some(self.position.iteration);
        EpochSummary {
            epoch: self.position.epoch,
            train_loss,
            validation_loss: self.position.validation_loss.filter(|_| here),
            accuracy: self.position.accuracy.filter(|_| here),
            accuracy_top5: self.position.accuracy_top5.filter(|_| here),
            learning_rates,
            seconds: began.elapsed().as_secs_f64(),
            is_best: here && self.position.validations_without_gain == 0,
        }
    }
}

/// Numbers of the file's, as a log line has them.
fn named(scalars: &Scalars) -> String {
    scalars.iter().map(|(name, value)| format!(", {name} = {}", lua_number(*value))).collect()
}
