//! `OnDevice`: a rule whose steps are work on a device: few launches, no wait, and of f32 the one number that changes from
//! step to step in the device's memory, so that recorded work finds the number of its time.

use super::{
    gradient::Gradient,
    optimizer::{DeviceUpdate, LookAhead, Optimizer},
};
use crate::{error::Result, torch::fused::Rate};

/// A rule and its work on a device.
pub struct OnDevice {
    rule: Box<dyn Optimizer>,
    /// One f32 on the device.
    rate: Option<tch::Tensor>,
    /// The update for parameters at this address, once all are alike.
    kept: Option<(usize, DeviceUpdate)>,
}

/// A step's work on the parameters, to be recorded once and repeated. Before each time [`OnDevice::set_rate`] says the rate,
/// afterwards [`Optimizer::advance`] counts.
pub struct Repeatable {
    look_ahead: Option<LookAhead>,
    update: DeviceUpdate,
    rate: Rate,
}

impl Repeatable {
    /// What comes before the forward pass.
    ///
    /// # Errors
    /// When libtorch refuses.
    pub fn look_ahead(&self, x: &tch::Tensor) -> Result<()> {
        self.look_ahead.as_ref().map_or(Ok(()), |ahead| ahead(x))
    }

    /// What comes after the backward pass.
    ///
    /// # Errors
    /// When libtorch refuses.
    pub fn update(&self, x: &tch::Tensor, g: &Gradient) -> Result<()> {
        (self.update)(x, g, &self.rate)
    }
}

impl OnDevice {
    /// The rule for parameters on any device.
    #[must_use]
    pub fn new(rule: Box<dyn Optimizer>) -> OnDevice {
        OnDevice { rule, rate: None, kept: None }
    }

    /// Puts the coming step's rate where the work reads it; does not wait for the device.
    ///
    /// # Errors
    /// When libtorch refuses.
    pub fn set_rate(&mut self, rate: f64, device: tch::Device) -> Result<()> {
        let coming = self.rule.coming_rate(rate);
        match &mut self.rate {
            Some(stored) => drop(stored.f_fill_(coming)?),
            None => self.rate = Some(tch::Tensor::f_full([1i64; 0], coming, (tch::Kind::Float, device))?),
        }
        Ok(())
    }

    /// The coming steps' work; `None` while they differ, and of numbers that are not f32, whose rate a launch holds itself.
    ///
    /// # Errors
    /// When the memory cannot be had.
    pub fn repeatable(&mut self, x: &tch::Tensor) -> Result<Option<Repeatable>> {
        let Some(rate) = self.rate.as_ref().filter(|_| x.kind() == tch::Kind::Float && self.rule.is_settled()) else {
            return Ok(None);
        };
        let (rate, look_ahead) = (Rate::Stored(rate.shallow_clone()), self.rule.device_look_ahead());
        Ok(Some(Repeatable { look_ahead, update: self.rule.device_update(x)?, rate }))
    }
}

impl Optimizer for OnDevice {
    fn before_forward(&mut self, x: &tch::Tensor) -> Result<()> {
        self.rule.before_forward(x)
    }

    fn abandon(&mut self, x: &tch::Tensor) -> Result<()> {
        self.rule.abandon(x)
    }

    fn take_turns(&mut self, turn: u64, of: u64) {
        self.rule.take_turns(turn, of);
    }

    fn step(&mut self, x: &tch::Tensor, g: &Gradient, rate: f64) -> Result<()> {
        let rate = if x.kind() == tch::Kind::Float {
            self.set_rate(rate, x.device())?;
            Rate::Stored(self.rate.as_ref().expect("set just above").shallow_clone())
        } else {
            Rate::Number(self.rule.coming_rate(rate))
        };
        let (address, is_settled) = (x.data_ptr() as usize, self.rule.is_settled());
        let update = match self.kept.take() {
            Some((of, update)) if of == address => update,
            _ => self.rule.device_update(x)?,
        };
        update(x, g, &rate)?;
        self.kept = is_settled.then_some((address, update));
        self.rule.advance();
        Ok(())
    }

    fn coming_rate(&self, rate: f64) -> f64 {
        self.rule.coming_rate(rate)
    }

    fn device_update(&mut self, x: &tch::Tensor) -> Result<DeviceUpdate> {
        self.rule.device_update(x)
    }

    fn device_look_ahead(&self) -> Option<LookAhead> {
        self.rule.device_look_ahead()
    }

    fn is_settled(&self) -> bool {
        self.rule.is_settled()
    }

    fn advance(&mut self) {
        self.rule.advance();
    }

    fn state(&self) -> Vec<(String, tch::Tensor)> {
        self.rule.state()
    }

    fn load(&mut self, x: &tch::Tensor, state: &[(String, tch::Tensor)]) -> Result<()> {
        self.kept = None;
        self.rule.load(x, state)
    }
}
