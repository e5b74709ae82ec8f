//! `adam`: g += wd·x; m ← 0.9·m + 0.1·g; v ← 0.999·v + 0.001·g²;
//! x −= rate·√(1 − 0.999ᵗ)/(1 − 0.9ᵗ) · m / (√v + 1e-8), with t counted from 1.
//!
//! Torch7: `optim/adam.lua`. Epsilon is added before the bias correction, unlike in libtorch.

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
    torch::fused::{self, AdamNumbers, Rate},
};

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// Adam.
pub(super) struct Adam {
    spec: OptimizerSpec,
    counter: Counter,
    /// Which of how many losses' turns a step is.
    turn: (u64, u64),
    mean: Option<tch::Tensor>,
    variance: Option<tch::Tensor>,
}

impl Adam {
    pub(super) fn new(spec: &OptimizerSpec) -> Adam {
        Adam { spec: spec.clone(), counter: Counter::default(), turn: (0, 1), mean: None, variance: None }
    }
}

struct Update {
    decay: f64,
    rate: f64,
}

impl Rule<2> for Update {
    #[inline(always)]
    fn update<T: Real>(&self, x: T, g: T, [m, v]: [T; 2]) -> (T, [T; 2]) {
        let g = g + T::of(self.decay) * x;
        let m = T::of(BETA1) * m + T::of(1.0 - BETA1) * g;
        let v = T::of(BETA2) * v + T::of(1.0 - BETA2) * g * g;
        (x - T::of(self.rate) * m / (v.sqrt() + T::of(EPSILON)), [m, v])
    }
}

impl Optimizer for Adam {
    fn take_turns(&mut self, turn: u64, of: u64) {
        self.turn = (turn, of);
    }

    fn step(&mut self, x: &tch::Tensor, g: &Gradient, rate: f64) -> Result<()> {
        let (rate, decay) = (self.coming_rate(rate), self.spec.weight_decay);
        let (m, v) = (counter::shared(&mut self.mean, x)?, counter::shared(&mut self.variance, x)?);
        if !flat::sweep(&Update { decay, rate }, x, g, [&m, &v]) {
            self.device_update(x)?(x, g, &Rate::Number(rate))?;
        }
        self.counter.advance();
        Ok(())
    }

    fn coming_rate(&self, rate: f64) -> f64 {
        let rate = self.counter.decayed(rate, self.spec.learning_rate_decay);
        let (turn, of) = self.turn;
        let t = self.counter.count() * of as f64 + turn as f64 + 1.0;
        rate * (1.0 - BETA2.powf(t)).sqrt() / (1.0 - BETA1.powf(t))
    }

    fn device_update(&mut self, x: &tch::Tensor) -> Result<DeviceUpdate> {
        let (m, v) = (counter::shared(&mut self.mean, x)?, counter::shared(&mut self.variance, x)?);
        let numbers = AdamNumbers { beta1: BETA1, beta2: BETA2, decay: self.spec.weight_decay, epsilon: EPSILON };
        let (many, in_pieces) = (fused::many_steps(x.device())?, Pieces::new());
        Ok(Box::new(move |x, g, rate| {
            in_pieces.each(g, [x, &m, &v], &mut |g, [x, m, v]| fused::adam(x, g, [m, v], &many, numbers, rate))
        }))
    }

    fn advance(&mut self) {
        self.counter.advance();
    }

    fn state(&self) -> Vec<(String, tch::Tensor)> {
        let mut state = vec![self.counter.save("t")];
        state.extend(counter::save(&[("m", &self.mean), ("v", &self.variance)]));
        state
    }

    fn load(&mut self, x: &tch::Tensor, state: &[(String, tch::Tensor)]) -> Result<()> {
        self.counter = Counter::load("t", state)?;
        [self.mean, self.variance] = counter::load_all(["m", "v"], x, state)?;
        Ok(())
    }
}
