//! What the loop writes beside its numbers: the first and the last lines of a run, and its errors.

use super::Trainer;
use crate::{
    error::{Error, Kind, Result},
    job::{Event, EventKind, Level, Status, file, lua_number},
    train::diagnose::Guard,
};

impl Trainer<'_> {
    /// The lines that DIGITS writes before it starts, and the start or resume event.
    pub(super) fn begin(&mut self) -> Result<()> {
        self.job.set_status(Status::Running)?;
        let plan = self.plan.clone();
        self.log(&format!("found {} images in train db", plan.records))?;
        self.log(&format!("Train batch size is {}", plan.batch_size))?;
        self.log(&format!("During training. details will be logged after every {} images", plan.images_per_line()))?;
        let validation = lua_number(plan.validation_interval);
        self.log(&format!("Training epochs to be completed for each validation : {validation}"))?;
        self.log(&format!("Training epochs to be completed before taking a snapshot : {}", plan.snapshot_interval))?;
        self.log(&format!("While logging, epoch value will be rounded to {} significant digits", plan.epoch_digits()))?;
        self.log("started training the model")?;
        if self.position.iteration > 0 {
            // The lines behind the snapshot were cut off, its own among them.
            let name = self.snapshot_name();
            if self.job.path().join(&name).exists() {
                self.snapshot_saved(name)?;
            }
        }
        let kind = if self.position.iteration == 0 { EventKind::Start } else { EventKind::Resume };
        let mut event = self.event(kind);
        event.message = Some(self.engine.describe());
        self.write(event)?;
        self.observer.begin(&self.plan, &self.position);
        Ok(())
    }

    /// The last line of a run that ended in good order.
    pub(super) fn end(&mut self, kind: EventKind, level: Level, why: &str, status: Status) -> Result<()> {
        let mut event = self.event(kind);
        event.message = Some(why.to_string());
        self.write(event)?;
        self.job.log(level, why)?;
        self.job.remove(file::ERROR)?;
        self.job.set_status(status)
    }

    /// Notes the error that ended the run, as far as the disk lets it.
    pub(super) fn failed(&mut self, error: &Error) -> Result<()> {
        let mut event = self.event(EventKind::Error);
        event.message = Some(error.message().to_string());
        let results = [
            self.job.replace(file::ERROR, format!("{error}\n").as_bytes()),
            self.job.log(Level::Error, &error.to_string()),
            self.write(event),
            self.job.update(|record| record.error = Some(error.message().to_string())),
            self.job.set_status(Status::Error),
        ];
        results.into_iter().collect()
    }

    /// Saves the state for a stop that the user asked for, and gives the page that ends the run.
    pub(super) fn interrupted(&mut self, guard: &Guard) -> Result<Error> {
        self.snapshot(guard)?;
        let epoch = lua_number(self.position.shown_epoch(&self.plan));
        Ok(Error::new(Kind::Interrupted, format!("training was stopped at epoch {epoch}; the state is saved"))
            .with_fact("job", self.job.path().display().to_string())
            .with_help(format!("go on with it: digits-rs run --resume {}", self.job.path().display())))
    }

    /// Path of a snapshot of this moment below the job directory.
    pub(super) fn snapshot_name(&self) -> String {
        let epoch = lua_number(self.position.shown_epoch(&self.plan));
        format!("{}/snapshot_{epoch}.safetensors", file::SNAPSHOTS)
    }

    /// An error with the place in the run where it happened.
    pub(super) fn placed(&self, error: Error) -> Error {
        error
            .with_fact("at epoch", lua_number(self.position.shown_epoch(&self.plan)))
            .with_fact("at iteration", self.position.iteration.to_string())
    }

    /// As [`Trainer::placed`], during a validation.
    pub(super) fn in_validation(&self, error: Error) -> Error {
        self.placed(error.with_fact("while", "the validation records were tried"))
    }

    /// An event of now, at the epoch that is shown.
    pub(super) fn event(&self, kind: EventKind) -> Event {
        Event::new(kind, self.position.shown_epoch(&self.plan), self.position.iteration)
    }

    pub(super) fn write(&mut self, event: Event) -> Result<()> {
        self.job.append(&event)?;
        self.observer.event(&event);
        Ok(())
    }

    pub(super) fn log(&mut self, text: &str) -> Result<()> {
        self.job.log(Level::Info, text)
    }
}
