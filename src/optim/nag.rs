//! `nag`: x += momentum·v before the forward pass (from the second step on), gradient there, g += wd·x;
//! v ← momentum·v − rate·g; x −= rate·g.
//!
//! Torch7: `optim/nag.lua`.

use super::{
    counter::{self, Counter},
    flat::{self, Real, Rule},
    gradient::Gradient,
    optimizer::{DeviceUpdate, LookAhead, Optimizer},
    spec::OptimizerSpec,
};
use crate::{error::Result, torch::fused::Rate};

/// Nesterov's accelerated gradient.
pub(super) struct Nag {
    spec: OptimizerSpec,
    counter: Counter,
    velocity: Option<tch::Tensor>,
    /// The parameters before the look-ahead.
    origin: Option<tch::Tensor>,
    ahead: bool,
}

impl Nag {
    pub(super) fn new(spec: &OptimizerSpec) -> Nag {
        Nag { spec: spec.clone(), counter: Counter::default(), velocity: None, origin: None, ahead: false }
    }
}

struct Update {
    momentum: f64,
    decay: f64,
    rate: f64,
}

impl Rule<1> for Update {
    #[inline(always)]
    fn update<T: Real>(&self, x: T, g: T, [v]: [T; 1]) -> (T, [T; 1]) {
        let g = g + T::of(self.decay) * x;
        let down = T::of(self.rate) * g;
        (x - down, [T::of(self.momentum) * v - down])
    }
}

fn by_operations(
    x: &tch::Tensor,
    g: &Gradient,
    v: &tch::Tensor,
    [momentum, decay]: [f64; 2],
    rate: &Rate,
) -> Result<()> {
    let down = rate.times(&g.flat()?.f_add(&x.f_mul_scalar(decay)?)?)?;
    let _ = v.shallow_clone().f_mul_scalar_(momentum)?.f_sub_(&down)?;
    let _ = x.shallow_clone().f_sub_(&down)?;
    Ok(())
}

impl Optimizer for Nag {
    fn before_forward(&mut self, x: &tch::Tensor) -> Result<()> {
        if let Some(velocity) = &self.velocity {
            let ahead = velocity.f_mul_scalar(self.spec.momentum)?;
            counter::vector(&mut self.origin, x)?.shallow_clone().f_copy_(x)?;
            let _ = x.shallow_clone().f_add_(&ahead)?;
            self.ahead = true;
        }
        Ok(())
    }

    fn abandon(&mut self, x: &tch::Tensor) -> Result<()> {
        if let (true, Some(origin)) = (self.ahead, &self.origin) {
            x.shallow_clone().f_copy_(origin)?;
        }
        self.ahead = false;
        Ok(())
    }

    fn step(&mut self, x: &tch::Tensor, g: &Gradient, rate: f64) -> Result<()> {
        let rate = self.coming_rate(rate);
        let (momentum, decay) = (self.spec.momentum, self.spec.weight_decay);
        let v = counter::vector(&mut self.velocity, x)?;
        if !flat::sweep(&Update { momentum, decay, rate }, x, g, [v]) {
            by_operations(x, g, v, [momentum, decay], &Rate::Number(rate))?;
        }
        self.advance();
        Ok(())
    }

    fn coming_rate(&self, rate: f64) -> f64 {
        self.counter.decayed(rate, self.spec.learning_rate_decay)
    }

    fn device_update(&mut self, x: &tch::Tensor) -> Result<DeviceUpdate> {
        let (v, settings) = (counter::shared(&mut self.velocity, x)?, [self.spec.momentum, self.spec.weight_decay]);
        Ok(Box::new(move |x, g, rate| by_operations(x, g, &v, settings, rate)))
    }

    fn device_look_ahead(&self) -> Option<LookAhead> {
        let (velocity, momentum) = (self.velocity.as_ref()?.shallow_clone(), self.spec.momentum);
        Some(Box::new(move |x| {
            let _ = x.shallow_clone().f_add_(&velocity.f_mul_scalar(momentum)?)?;
            Ok(())
        }))
    }

    /// The first step has no velocity to look ahead with.
    fn is_settled(&self) -> bool {
        self.velocity.is_some()
    }

    fn advance(&mut self) {
        self.counter.advance();
        self.ahead = false;
    }

    fn state(&self) -> Vec<(String, tch::Tensor)> {
        let mut state = vec![self.counter.save("evalCounter")];
        state.extend(counter::save(&[("dfdx", &self.velocity)]));
        state
    }

    fn load(&mut self, x: &tch::Tensor, state: &[(String, tch::Tensor)]) -> Result<()> {
        (self.counter, self.velocity) = (Counter::load("evalCounter", state)?, counter::load("dfdx", x, state)?);
        self.ahead = false;
        Ok(())
    }
}
