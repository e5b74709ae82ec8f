//! From a rule's settings to the rule: the one place that knows them all.

use super::{
    adadelta::Adadelta,
    adagrad::Adagrad,
    adam::Adam,
    nag::Nag,
    on_device::OnDevice,
    optimizer::Optimizer,
    rmsprop::Rmsprop,
    sgd::Sgd,
    spec::{OptimizerKind, OptimizerSpec},
    tensorflow::Slots,
};
use crate::error::{Error, Kind, Result};

impl OptimizerSpec {
    /// A fresh optimiser, its state empty.
    ///
    /// # Errors
    /// When a setting is outside its range.
    pub fn build(&self) -> Result<Box<dyn Optimizer>> {
        let wrong = |what: &str, value: f64, wanted: &str| {
            Err(Error::new(Kind::Usage, format!("{what} of {} is {value}, but must be {wanted}", self.kind)))
        };
        if !(0.0..1.0).contains(&self.momentum) {
            return wrong("momentum", self.momentum, "at least 0 and below 1");
        }
        if self.kind == OptimizerKind::Nag && self.momentum == 0.0 {
            return wrong("momentum", self.momentum, "above 0");
        }
        if !self.weight_decay.is_finite() {
            return wrong("weight decay", self.weight_decay, "a finite number");
        }
        Ok(match self.kind {
            OptimizerKind::Sgd => Box::new(Sgd::new(self)),
            OptimizerKind::Nag => Box::new(Nag::new(self)),
            OptimizerKind::Adagrad => Box::new(Adagrad::new(self)),
            OptimizerKind::Rmsprop => Box::new(Rmsprop::new(self)),
            OptimizerKind::Adadelta => Box::new(Adadelta::new(self)),
            OptimizerKind::Adam => Box::new(Adam::new(self)),
            OptimizerKind::TensorflowAdagrad
            | OptimizerKind::TensorflowAdadelta
            | OptimizerKind::TensorflowFtrl
            | OptimizerKind::TensorflowRmsprop => Box::new(Slots::new(self)),
        })
    }

    /// [`OptimizerSpec::build`] for parameters on `device`.
    ///
    /// # Errors
    /// As there.
    pub fn build_for(&self, device: tch::Device) -> Result<Box<dyn Optimizer>> {
        let rule = self.build()?;
        Ok(if device.is_cuda() { Box::new(OnDevice::new(rule)) } else { rule })
    }
}
