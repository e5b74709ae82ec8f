//! `rmsprop`: g += wd·x; m ← 0.99·m + 0.01·g²; x −= rate·g / (√m + 1e-8). Momentum is ignored.
//!
//! Torch7: `optim/rmsprop.lua`, which takes no learning rate decay; DIGITS leaves alpha at 0.99.

use super::{
    counter,
    flat::{self, Real, Rule},
    gradient::Gradient,
    optimizer::{DeviceUpdate, Optimizer},
    pieces::Pieces,
    spec::OptimizerSpec,
};
use crate::{
    error::Result,
    torch::fused::{self, AdamNumbers, Rate},
};

const ALPHA: f64 = 0.99;
const EPSILON: f64 = 1e-8;

/// RMSProp.
pub(super) struct Rmsprop {
    decay: f64,
    mean_square: Option<tch::Tensor>,
}

impl Rmsprop {
    pub(super) fn new(spec: &OptimizerSpec) -> Rmsprop {
        Rmsprop { decay: spec.weight_decay, mean_square: None }
    }
}

struct Update {
    decay: f64,
    rate: f64,
}

impl Rule<1> for Update {
    #[inline(always)]
    fn update<T: Real>(&self, x: T, g: T, [m]: [T; 1]) -> (T, [T; 1]) {
        let g = g + T::of(self.decay) * x;
        let m = T::of(ALPHA) * m + T::of(1.0 - ALPHA) * g * g;
        (x - T::of(self.rate) * g / (m.sqrt() + T::of(EPSILON)), [m])
    }
}

impl Optimizer for Rmsprop {
    fn step(&mut self, x: &tch::Tensor, g: &Gradient, rate: f64) -> Result<()> {
        let decay = self.decay;
        let m = counter::vector(&mut self.mean_square, x)?;
        if !flat::sweep(&Update { decay, rate }, x, g, [m]) {
            self.device_update(x)?(x, g, &Rate::Number(rate))?;
        }
        Ok(())
    }

    fn coming_rate(&self, rate: f64) -> f64 {
        rate
    }

    /// Adam's launch without a mean: with β₁ = 0 its mean is the gradient.
    fn device_update(&mut self, x: &tch::Tensor) -> Result<DeviceUpdate> {
        let (m, scratch) = (counter::shared(&mut self.mean_square, x)?, x.f_detach()?.f_zeros_like()?);
        let numbers = AdamNumbers { beta1: 0.0, beta2: ALPHA, decay: self.decay, epsilon: EPSILON };
        let (many, in_pieces) = (fused::many_steps(x.device())?, Pieces::new());
        Ok(Box::new(move |x, g, rate| {
            in_pieces
                .each(g, [x, &scratch, &m], &mut |g, [x, mean, m]| fused::adam(x, g, [mean, m], &many, numbers, rate))
        }))
    }

    fn advance(&mut self) {}

    fn state(&self) -> Vec<(String, tch::Tensor)> {
        counter::save(&[("m", &self.mean_square)])
    }

    fn load(&mut self, x: &tch::Tensor, state: &[(String, tch::Tensor)]) -> Result<()> {
        self.mean_square = counter::load("m", x, state)?;
        Ok(())
    }
}
