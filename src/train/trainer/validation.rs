//! Validation: the loss over records that the network does not learn from.

use super::{Trainer, named};
use crate::{
    error::{Error, Result},
    job::{EventKind, lua_number},
    nn::Phase,
    train::{
        BatchSource, Evaluated,
        diagnose::{self, Guard},
        meter::{Accuracy, Meter},
        tried::Tried,
    },
};

impl Trainer<'_> {
    /// The mean loss over the validation records, in evaluation mode.
    pub(super) fn validate(&mut self, guard: &Guard) -> Result<()> {
        self.collect_losses(guard)?;
        let Some(mut source) = self.validation.take() else { return Ok(()) };
        self.targets.enter(Phase::Validation);
        let result = self.validate_on(&mut *source);
        self.targets.enter(Phase::Train);
        self.validation = Some(source);
        result
    }

    pub(super) fn validate_on(&mut self, source: &mut dyn BatchSource) -> Result<()> {
        let mut meter = Meter::start();
        self.record.observer.validation();
        let own = self.try_batches(source, &mut meter);
        let tried = match &self.ranks {
            None => own?,
            Some(ranks) => {
                let records = own.as_ref().map_or(0, Tried::records);
                let tried = Tried::of_all(own, ranks)?;
                meter.add(tried.records() - records, std::time::Duration::ZERO);
                tried
            }
        };
        let Some(loss) = tried.loss() else { return Ok(()) };
        let reason = tried.accuracy.as_ref().and_then(Accuracy::reason).filter(|_| self.position.validations == 0);
        reason.into_iter().for_each(|reason| self.record.observer.without_accuracy(reason));
        let scalars = tried.scalars();
        let top_five = tried.accuracy.as_ref().and_then(Accuracy::top_five);
        let accuracy = tried.accuracy.and_then(|accuracy| accuracy.value());
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
        event.scalars = scalars;
        let right = accuracy.map_or(String::new(), |share| format!(", accuracy = {}", lua_number(share)));
        let more = named(&event.scalars);
        let (epoch, loss) = (lua_number(event.epoch), lua_number(loss));
        self.record.log(&format!("Validation (epoch {epoch}): loss = {loss}{right}{more}"))?;
        self.record.write(event)
    }

    /// Tries the validation records, of several processes those of this one.
    pub(super) fn try_batches(&mut self, source: &mut dyn BatchSource, meter: &mut Meter) -> Result<Tried> {
        let ignored = self.engine.network().criterion.ignored();
        let reported = self.engine.reported().map_err(|error| self.in_validation(error))?;
        let mut tried = Tried::default();
        let mut accuracy = self.plan.classes.map(|classes| Accuracy::new(classes, ignored));
        source.start(if self.plan.crosses_epochs { self.position.validations } else { 0 }, 0)?;
        while let Some(batch) = source.next()? {
            let (input, target) = self.on_device(&batch).map_err(|error| self.in_validation(error))?;
            let evaluated = self.engine.evaluate(&input, &target);
            let (loss, output) = evaluated.map_err(|error| self.in_validation(error))?;
            let value = loss + reported;
            if !value.is_finite() {
                let found = diagnose::evaluation(self.engine.network(), &input, &target, self.position.iteration)?;
                return Err(self.placed(found.page("the validation loss", value)));
            }
            if tried.is_empty() {
                let first = Evaluated { input: &input, target: &target, output: &output };
                self.record.observer.evaluated(&self.position, &first)?;
                self.view(&input, &batch)?;
            }
            tried.add(batch.number, batch.count, value, self.scalars_of(&input, &batch, Some(&output))?);
            if let Some(accuracy) = &mut accuracy {
                accuracy.add(&output, &target)?;
            }
            meter.add(batch.count, batch.wait);
        }
        tried.accuracy = accuracy;
        Ok(tried)
    }

    /// As [`Trainer::placed`], during a validation.
    fn in_validation(&self, error: Error) -> Error {
        self.placed(error.with_fact("while", "the validation records were tried"))
    }
}
