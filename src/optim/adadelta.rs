//! `adadelta`: g += wd·x; s ← 0.9·s + 0.1·g²; δ = √(a + 1e-6) / √(s + 1e-6) · g; x −= δ; a ← 0.9·a + 0.1·δ².
//!
//! Torch7: `optim/adadelta.lua`; it takes no learning rate.

use super::{
    counter::{self, Counter},
    flat::{self, Real, Rule},
    gradient::Gradient,
    optimizer::{DeviceUpdate, Optimizer},
    spec::OptimizerSpec,
};
use crate::error::Result;

const RHO: f64 = 0.9;
const EPSILON: f64 = 1e-6;

/// Adadelta.
pub(super) struct Adadelta {
    decay: f64,
    counter: Counter,
    variance: Option<tch::Tensor>,
    accumulated: Option<tch::Tensor>,
}

impl Adadelta {
    pub(super) fn new(spec: &OptimizerSpec) -> Adadelta {
        Adadelta { decay: spec.weight_decay, counter: Counter::default(), variance: None, accumulated: None }
    }
}

struct Update {
    decay: f64,
}

impl Rule<2> for Update {
    #[inline(always)]
    fn update<T: Real>(&self, x: T, g: T, [s, a]: [T; 2]) -> (T, [T; 2]) {
        let (rho, rest, epsilon) = (T::of(RHO), T::of(1.0 - RHO), T::of(EPSILON));
        let g = g + T::of(self.decay) * x;
        let s = rho * s + rest * g * g;
        let delta = (a + epsilon).sqrt() / (s + epsilon).sqrt() * g;
        (x - delta, [s, rho * a + rest * delta * delta])
    }
}

fn by_operations(x: &tch::Tensor, g: &Gradient, [s, a]: [&tch::Tensor; 2], decay: f64) -> Result<()> {
    let g = g.flat()?.f_add(&x.f_mul_scalar(decay)?)?;
    let s = s.shallow_clone().f_mul_scalar_(RHO)?.f_add_(&g.f_mul_scalar(1.0 - RHO)?.f_mul_(&g)?)?;
    let std = s.f_add_scalar(EPSILON)?.f_sqrt_()?;
    let delta = a.f_add_scalar(EPSILON)?.f_sqrt_()?.f_div_(&std)?.f_mul_(&g)?;
    let _ = x.shallow_clone().f_sub_(&delta)?;
    let square = delta.f_mul_scalar(1.0 - RHO)?.f_mul_(&delta)?;
    let _ = a.shallow_clone().f_mul_scalar_(RHO)?.f_add_(&square)?;
    Ok(())
}

impl Optimizer for Adadelta {
    fn step(&mut self, x: &tch::Tensor, g: &Gradient, _rate: f64) -> Result<()> {
        let decay = self.decay;
        counter::vector(&mut self.variance, x)?;
        counter::vector(&mut self.accumulated, x)?;
        if let (Some(s), Some(a)) = (&self.variance, &self.accumulated)
            && !flat::sweep(&Update { decay }, x, g, [s, a])
        {
            by_operations(x, g, [s, a], decay)?;
        }
        self.counter.advance();
        Ok(())
    }

    fn coming_rate(&self, rate: f64) -> f64 {
        rate
    }

    fn device_update(&mut self, x: &tch::Tensor) -> Result<DeviceUpdate> {
        let (s, a) = (counter::shared(&mut self.variance, x)?, counter::shared(&mut self.accumulated, x)?);
        let decay = self.decay;
        Ok(Box::new(move |x, g, _| by_operations(x, g, [&s, &a], decay)))
    }

    fn advance(&mut self) {
        self.counter.advance();
    }

    fn state(&self) -> Vec<(String, tch::Tensor)> {
        let mut state = vec![self.counter.save("evalCounter")];
        state.extend(counter::save(&[("paramVariance", &self.variance), ("accDelta", &self.accumulated)]));
        state
    }

    fn load(&mut self, x: &tch::Tensor, state: &[(String, tch::Tensor)]) -> Result<()> {
        self.counter = Counter::load("evalCounter", state)?;
        [self.variance, self.accumulated] = counter::load_all(["paramVariance", "accDelta"], x, state)?;
        Ok(())
    }
}
