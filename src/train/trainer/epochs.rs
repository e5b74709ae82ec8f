//! The training loop: epochs of batches, with what is due between them, and how a run ends.

use std::time::Instant;

use super::{Outcome, Trainer, named};
use crate::{
    error::{Error, Kind, Result, shell_path},
    job::{EventKind, Level, Scalars, Status, lua_number},
    torch::profile,
    train::{EpochSummary, TrainBatch, diagnose::Guard, fitting, meter::Meter},
};

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
            while let Some(batch) = self.next_batch()? {
                let iteration = self.position.iteration;
                rate = (self.rate)(iteration, self.plan.total_steps());
                self.prepare(&batch, &guard, snapshot_taken);
                let input = self.step(&batch, rate)?;
                self.position.advance(batch.total);
                meter.add(batch.total, batch.wait);
                let writes_line = iteration == 0 || self.position.line_images >= self.plan.images_per_line();
                let scalars = if writes_line { self.line_scalars(&input, &batch)? } else { Scalars::new() };
                if self.validation.is_none() && self.position.batch == 1 {
                    self.view(&input, &batch)?;
                }
                drop(batch);
                self.record.observer.step(&self.position);

                if writes_line {
                    self.train_line(&guard, rate, &meter, scalars)?;
                    self.refresh(&mut guard)?;
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
                if self.stops() && !epoch_over {
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
            if self.stops() && !last {
                return Err(self.interrupted(&guard)?);
            }
        }
        Ok(Outcome { position: self.position.clone(), stopped_early: None })
    }

    /// One step: the batch to the device, the hook, forward, backward, update. Gives the input on the device.
    fn step(&mut self, batch: &TrainBatch, rate: f64) -> Result<tch::Tensor> {
        let _mark = profile::mark(c"step");
        let seed = self.plan.step_seed(self.position.iteration);
        let taken = match self.on_device(batch) {
            Err(error) if self.ranks.is_some() => {
                let error = self.fail_together(error);
                return Err(self.placed(error));
            }
            Err(error) => Err(error),
            Ok((input, target)) => self.engine.step(&input, &target, rate, seed).map(|()| input),
        };
        taken.map_err(|error| {
            let error = fitting::advised(error, &mut *self.engine, &mut self.targets, batch);
            self.placed(error)
        })
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
        let by_clock = match &self.ranks {
            None => self.is_due_by_clock(taken),
            Some(ranks) => ranks.agreed().snapshot,
        };
        by_clock || self.position.reached(self.position.next_snapshot, &self.plan)
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

    /// The mean loss of the epoch's steps so far.
    fn epoch_loss(&mut self, guard: &Guard) -> Result<Option<f64>> {
        self.collect_losses(guard)?;
        Ok(self.position.epoch_loss.value())
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
