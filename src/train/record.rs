//! `RunRecord`: what the loop writes and says, its own numbers aside: the first and the last lines of a run, and its errors.

use super::{observer::TrainObserver, plan::Plan, position::Position};
use crate::{
    error::{Error, Result},
    job::{Event, EventKind, JobDir, Level, Status, file, lua_number},
};

/// Where everything goes that comes of a run: the job directory, and who watches.
pub struct RunRecord<'a> {
    /// Where everything is written.
    pub job: &'a mut JobDir,
    /// Who watches.
    pub observer: &'a mut dyn TrainObserver,
}

impl RunRecord<'_> {
    /// The lines that DIGITS writes before it starts.
    pub(super) fn begin(&mut self, plan: &Plan) -> Result<()> {
        self.job.set_status(Status::Running)?;
        self.log(&format!("found {} images in train db", plan.records))?;
        self.log(&format!("Train batch size is {}", plan.batch_size))?;
        self.log(&format!("During training. details will be logged after every {} images", plan.images_per_line()))?;
        let validation = lua_number(plan.validation_interval);
        self.log(&format!("Training epochs to be completed for each validation : {validation}"))?;
        self.log(&format!("Training epochs to be completed before taking a snapshot : {}", plan.snapshot_interval))?;
        self.log(&format!("While logging, epoch value will be rounded to {} significant digits", plan.epoch_digits()))?;
        self.log("started training the model")
    }

    /// The start or resume event, which describes the engine.
    pub(super) fn started(&mut self, plan: &Plan, position: &Position, engine: String) -> Result<()> {
        let kind = if position.iteration == 0 { EventKind::Start } else { EventKind::Resume };
        let mut event = event(kind, plan, position);
        event.message = Some(engine);
        self.write(event)?;
        self.observer.begin(plan, position);
        Ok(())
    }

    /// The last line of a run that ended in good order, with the event that says so.
    pub(super) fn end(&mut self, mut event: Event, level: Level, why: &str, status: Status) -> Result<()> {
        event.message = Some(why.to_string());
        self.write(event)?;
        self.job.log(level, why)?;
        self.job.remove(file::ERROR)?;
        self.job.set_status(status)
    }

    /// Notes the error that ended the run, as far as the disk lets it.
    pub(super) fn failed(&mut self, mut event: Event, error: &Error) -> Result<()> {
        event.message = Some(error.message().to_string());
        let written = self.write(event);
        self.job.set_failed(error).and(written)
    }

    pub(super) fn write(&mut self, event: Event) -> Result<()> {
        self.job.append(&event)?;
        self.observer.event(&event)
    }

    pub(super) fn log(&mut self, text: &str) -> Result<()> {
        self.job.log(Level::Info, text)
    }
}

/// An event of now, at the epoch that is shown.
pub(super) fn event(kind: EventKind, plan: &Plan, position: &Position) -> Event {
    Event::new(kind, position.shown_epoch(plan), position.iteration)
}
