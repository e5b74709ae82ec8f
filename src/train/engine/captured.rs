//! `Captured`: on a CUDA device a step is recorded once and repeated: one launch in place of some hundred.
//!
//! The first steps of a size run one by one (the device's libraries choose and allocate then), the next one is recorded and
//! from then on repeated: batch and target are copied into the recording's own tensors, the learning rate is written where
//! the recorded update reads it, the seed is set, and the loss is collected on the device. What a network's steps must be
//! like for this is in `capturable`; every other step is the general engine's, on the same state.

use std::any::Any;

use super::{
    autograd::{Autograd, differentiate},
    contract::Engine,
    loss_ring::LossRing,
    surroundings::Surroundings,
};
use crate::{
    cuda::{Recorder, Recording},
    error::{Error, Kind, Result},
    nn::{Activity, Network},
    optim::{OnDevice, Optimizer},
};

/// Steps of a size that run one by one before it is recorded.
const WARM_UP: u32 = 3;
/// Sizes that are recorded: whole batches, and the short one at the end of an epoch. Each keeps memory of its own.
const RECORDINGS: usize = 2;

/// What a recorded step is fixed to.
#[derive(Debug, Clone, PartialEq)]
struct Batch {
    input: (Vec<i64>, tch::Kind),
    target: (Vec<i64>, tch::Kind),
    /// Whether the target is the input.
    is_own_target: bool,
}

impl Batch {
    fn of(input: &tch::Tensor, target: &tch::Tensor) -> Batch {
        let shape = |tensor: &tch::Tensor| (tensor.size(), tensor.kind());
        let (input_shape, target_shape) = (shape(input), shape(target));
        let is_own_target = input.data_ptr() == target.data_ptr() && input_shape == target_shape;
        Batch { input: input_shape, target: target_shape, is_own_target }
    }
}

/// A step that is repeated, and the tensors that it reads.
struct Step {
    batch: Batch,
    input: tch::Tensor,
    target: tch::Tensor,
    work: Box<dyn Recording>,
}

/// The general engine, whose steps are recorded.
pub(super) struct Captured {
    general: Autograd,
    recorder: Box<dyn Recorder>,
    steps: Vec<Step>,
    /// Sizes seen so far, and how often, while there is still something to record.
    seen: Vec<(Batch, u32)>,
    /// Where the parameters lay when the first step was recorded.
    address: usize,
    losses: LossRing,
    /// Why nothing more is recorded.
    given_up: Option<String>,
    notice: Option<String>,
}

impl Captured {
    /// On top of the general engine, whose rule is an [`OnDevice`].
    ///
    /// # Errors
    /// When the memory of the losses cannot be had.
    pub(super) fn new(general: Autograd, recorder: Box<dyn Recorder>) -> Result<Captured> {
        let losses = LossRing::new(general.network().device)?;
        let (steps, seen) = (Vec::new(), Vec::new());
        Ok(Captured { general, recorder, steps, seen, address: 0, losses, given_up: None, notice: None })
    }

    /// Where the parameters lie now.
    fn parameters(&self) -> usize {
        self.general.network().parameters.flat.view().data_ptr() as usize
    }

    /// Forgets what was recorded: it was fixed to memory that is no longer the parameters' or the rule's.
    fn forget(&mut self) {
        self.steps.clear();
        self.seen.clear();
    }

    /// Whether a step of this size is to be recorded now; counts it if not.
    fn is_due(&mut self, batch: &Batch) -> bool {
        if self.given_up.is_some() || self.steps.len() == RECORDINGS {
            return false;
        }
        let at = self.seen.iter().position(|(seen, _)| seen == batch).unwrap_or_else(|| {
            self.seen.push((batch.clone(), 0));
            self.seen.len() - 1
        });
        let times = &mut self.seen[at].1;
        let is_due = *times >= WARM_UP;
        *times += u32::from(!is_due);
        is_due
    }

    /// Records the step for batches like this one.
    fn record(&mut self, batch: Batch, input: &tch::Tensor, target: &tch::Tensor) -> Result<Step> {
        let (network, format) = (self.general.shared(), self.general.format);
        let x = network.parameters.flat.view();
        let own = input.f_detach()?.f_empty_like()?;
        let own_target = if batch.is_own_target { own.shallow_clone() } else { target.f_detach()?.f_empty_like()? };
        let rule = on_device(&mut self.general)?.repeatable(&x)?.ok_or_else(|| {
            Error::new(Kind::Torch, "the rule's steps are not alike yet").with_help("this is a mistake in digits-rs")
        })?;
        self.address = x.data_ptr() as usize;
        let (losses, seen) = (self.losses.share(), own.shallow_clone());
        let wanted = Activity::Tensor(own_target.shallow_clone());
        let work = self.recorder.record(Box::new(move || {
            rule.look_ahead(&x)?;
            let (loss, gradient) = differentiate(&network, format, &seen, &wanted)?;
            rule.update(&x, &gradient)?;
            losses.push(&loss)
        }))?;
        Ok(Step { batch, input: own, target: own_target, work })
    }

    /// Takes a recorded step for a batch.
    fn repeat(&mut self, at: usize, input: &tch::Tensor, target: &tch::Tensor, rate: f64, seed: u64) -> Result<()> {
        let step = &mut self.steps[at];
        step.input.f_copy_(input)?;
        if !step.batch.is_own_target {
            step.target.f_copy_(target)?;
        }
        let rule = on_device(&mut self.general)?;
        rule.set_rate(rate, input.device())?;
        tch::manual_seed(seed.cast_signed());
        step.work.repeat()?;
        rule.advance();
        if let Some(full) = self.losses.count()? {
            self.general.note(full);
        }
        Ok(())
    }

    /// Hands the ring's losses to the general engine, which keeps all of them in order.
    fn settle(&mut self) -> Result<()> {
        if let Some(losses) = self.losses.drain()? {
            self.general.note(losses);
        }
        Ok(())
    }

    /// The general engine's step.
    fn one_by_one(&mut self, input: &tch::Tensor, target: &Activity, rate: f64, seed: u64) -> Result<()> {
        self.settle()?;
        self.general.step(input, target, rate, seed)
    }
}

fn on_device(general: &mut Autograd) -> Result<&mut OnDevice> {
    let rule: &mut dyn Any = general.optimizer_mut();
    rule.downcast_mut().ok_or_else(|| Error::new(Kind::Torch, "the rule has no form for a device"))
}

impl Engine for Captured {
    fn step(&mut self, input: &tch::Tensor, target: &Activity, rate: f64, seed: u64) -> Result<()> {
        let Activity::Tensor(wanted) = target else {
            return self.one_by_one(input, target, rate, seed);
        };
        if !self.steps.is_empty() && self.address != self.parameters() {
            self.forget();
        }
        let batch = Batch::of(input, wanted);
        if let Some(at) = self.steps.iter().position(|step| step.batch == batch) {
            return self.repeat(at, input, wanted, rate, seed);
        }
        if !self.is_due(&batch) {
            return self.one_by_one(input, target, rate, seed);
        }
        // Noise of the recording itself is drawn from no seed: it is not executed.
        match self.record(batch, input, wanted) {
            Ok(step) => {
                self.steps.push(step);
                self.repeat(self.steps.len() - 1, input, wanted, rate, seed)
            }
            Err(error) => {
                // A capture that failed leaves the generator in another state than the one that earlier graphs draw from.
                self.steps.clear();
                let why = error.message().to_string();
                self.notice = Some(format!("steps go on one by one: the step was not captured ({why})"));
                self.given_up = Some(why);
                self.one_by_one(input, target, rate, seed)
            }
        }
    }

    fn take_losses(&mut self) -> Result<Vec<f64>> {
        self.settle()?;
        self.general.take_losses()
    }

    fn evaluate(&mut self, input: &tch::Tensor, target: &Activity) -> Result<(f64, Activity)> {
        self.general.evaluate(input, target)
    }

    fn network(&self) -> &Network {
        self.general.network()
    }

    fn optimizer(&self) -> &dyn Optimizer {
        self.general.optimizer()
    }

    /// What was recorded is fixed to the rule as it was.
    fn optimizer_mut(&mut self) -> &mut dyn Optimizer {
        self.forget();
        self.general.optimizer_mut()
    }

    fn load_optimizer_state(&mut self, state: &[(String, tch::Tensor)]) -> Result<()> {
        self.forget();
        self.general.load_optimizer_state(state)
    }

    fn surroundings(&self) -> Surroundings {
        self.general.surroundings()
    }

    fn fits(&mut self, input: &tch::Tensor, target: &Activity) -> Option<bool> {
        self.forget();
        self.general.fits(input, target)
    }

    fn take_notice(&mut self) -> Option<String> {
        self.notice.take()
    }

    fn describe(&self) -> String {
        match &self.given_up {
            None => "captured steps".to_string(),
            Some(why) => format!("autograd, steps are not captured ({why})"),
        }
    }
}
