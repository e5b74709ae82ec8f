//! `adagrad`: g += wd·x; s += g²; x −= rate·g / (√s + 1e-10).
//!
//! Torch7: `optim/adagrad.lua`.

use super::{
    counter::{self, Counter},
    flat::{self, Real, Rule},
    gradient::Gradient,
    optimizer::{DeviceUpdate, Optimizer},
    pieces::Pieces,
    spec::OptimizerSpec,
};
use crate::{
    error::Result,
    torch::fused::{self, Rate},
};

const EPSILON: f64 = 1e-10;

/// Adagrad.
pub(super) struct Adagrad {
    spec: OptimizerSpec,
    counter: Counter,
    variance: Option<tch::Tensor>,
}

impl Adagrad {
    pub(super) fn new(spec: &OptimizerSpec) -> Adagrad {
        Adagrad { spec: spec.clone(), counter: Counter::default(), variance: None }
    }
}

struct Update {
    decay: f64,
    rate: f64,
}

impl Rule<1> for Update {
    #[inline(always)]
    fn update<T: Real>(&self, x: T, g: T, [s]: [T; 1]) -> (T, [T; 1]) {
        let g = g + T::of(self.decay) * x;
        let s = s + g * g;
        (x - T::of(self.rate) * g / (s.sqrt() + T::of(EPSILON)), [s])
    }
}

impl Optimizer for Adagrad {
    fn step(&mut self, x: &tch::Tensor, g: &Gradient, rate: f64) -> Result<()> {
        let (rate, decay) = (self.coming_rate(rate), self.spec.weight_decay);
        let s = counter::vector(&mut self.variance, x)?;
        if !flat::sweep(&Update { decay, rate }, x, g, [s]) {
            self.device_update(x)?(x, g, &Rate::Number(rate))?;
        }
        self.counter.advance();
        Ok(())
    }

    fn coming_rate(&self, rate: f64) -> f64 {
        self.counter.decayed(rate, self.spec.learning_rate_decay)
    }

    fn device_update(&mut self, x: &tch::Tensor) -> Result<DeviceUpdate> {
        let (s, many) = (counter::shared(&mut self.variance, x)?, fused::many_steps(x.device())?);
        let (decay, in_pieces) = (self.spec.weight_decay, Pieces::new());
        Ok(Box::new(move |x, g, rate| {
            in_pieces.each(g, [x, &s], &mut |g, [x, s]| fused::adagrad(x, g, s, &many, [decay, EPSILON], rate))
        }))
    }

    fn advance(&mut self) {
        self.counter.advance();
    }

    fn state(&self) -> Vec<(String, tch::Tensor)> {
        let mut state = vec![self.counter.save("evalCounter")];
        state.extend(counter::save(&[("paramVariance", &self.variance)]));
        state
    }

    fn load(&mut self, x: &tch::Tensor, state: &[(String, tch::Tensor)]) -> Result<()> {
        (self.counter, self.variance) =
            (Counter::load("evalCounter", state)?, counter::load("paramVariance", x, state)?);
        Ok(())
    }
}
