//! `sgd`: g += wd·x; v ← g at the first step, then v ← momentum·v + (1 − dampening)·g; x −= rate·v.
//!
//! Torch7: `optim/sgd.lua`. Dampening defaults to the momentum there, unlike in every later library.

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
    torch::fused::{self, Rate, SgdNumbers},
};

/// Momentum and its velocity (`dfdx`).
pub struct Sgd {
    spec: OptimizerSpec,
    counter: Counter,
    velocity: Option<tch::Tensor>,
    /// Whether `velocity` holds anything yet.
    moving: bool,
}

/// The numbers of one step: v ← `keep`·v + `take`·(g + `decay`·x); x ← x − `rate`·v.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SgdStep {
    /// Weight decay.
    pub decay: f64,
    /// Momentum; 0 at the first step.
    pub keep: f64,
    /// 1 − dampening; 1 at the first step and without momentum.
    pub take: f64,
    /// Learning rate after `learning_rate_decay`.
    pub rate: f64,
}

impl Sgd {
    /// At rest.
    #[must_use]
    pub fn new(spec: &OptimizerSpec) -> Sgd {
        Sgd { spec: spec.clone(), counter: Counter::default(), velocity: None, moving: false }
    }

    /// What the coming step will do with learning rate `rate`. For engines that fuse it into their own backward:
    /// they update [`Sgd::velocity`] themselves and then call [`Sgd::advance`].
    #[must_use]
    pub fn coming(&self, rate: f64) -> SgdStep {
        let rate = self.counter.decayed(rate, self.spec.learning_rate_decay);
        let (keep, take) = if self.moving { (self.spec.momentum, 1.0 - self.spec.dampening()) } else { (0.0, 1.0) };
        SgdStep { decay: self.spec.weight_decay, keep, take, rate }
    }

    /// The velocity, `None` without momentum. Its numbers have no meaning before the first step.
    ///
    /// # Errors
    /// When its memory cannot be had.
    pub fn velocity(&mut self, x: &tch::Tensor) -> Result<Option<&tch::Tensor>> {
        if self.spec.momentum == 0.0 {
            return Ok(None);
        }
        Ok(Some(counter::vector(&mut self.velocity, x)?))
    }
}

struct Momentum(SgdStep);

impl Rule<1> for Momentum {
    #[inline(always)]
    fn update<T: Real>(&self, x: T, g: T, [v]: [T; 1]) -> (T, [T; 1]) {
        let g = g + T::of(self.0.decay) * x;
        let v = T::of(self.0.keep) * v + T::of(self.0.take) * g;
        (x - T::of(self.0.rate) * v, [v])
    }
}

struct Plain(SgdStep);

impl Rule<0> for Plain {
    #[inline(always)]
    fn update<T: Real>(&self, x: T, g: T, _: [T; 0]) -> (T, [T; 0]) {
        let g = g + T::of(self.0.decay) * x;
        (x - T::of(self.0.rate) * g, [])
    }
}

impl Optimizer for Sgd {
    fn step(&mut self, x: &tch::Tensor, g: &Gradient, rate: f64) -> Result<()> {
        let step = self.coming(rate);
        let swept = match self.velocity(x)? {
            Some(v) => flat::sweep(&Momentum(step), x, g, [v]),
            None => flat::sweep(&Plain(step), x, g, []),
        };
        if !swept {
            self.device_update(x)?(x, g, &Rate::Number(step.rate))?;
        }
        self.advance();
        Ok(())
    }

    fn coming_rate(&self, rate: f64) -> f64 {
        self.coming(rate).rate
    }

    fn device_update(&mut self, x: &tch::Tensor) -> Result<DeviceUpdate> {
        let (momentum, dampening) = (self.spec.momentum, self.spec.dampening());
        let numbers = SgdNumbers { decay: self.spec.weight_decay, momentum, dampening, is_first: !self.moving };
        let (velocity, in_pieces) = (self.velocity(x)?.map(tch::Tensor::shallow_clone), Pieces::new());
        Ok(match velocity {
            Some(v) => Box::new(move |x, g, rate| {
                in_pieces.each(g, [x, &v], &mut |g, [x, v]| fused::sgd(x, g, Some(v), numbers, rate))
            }),
            None => {
                Box::new(move |x, g, rate| in_pieces.each(g, [x], &mut |g, [x]| fused::sgd(x, g, None, numbers, rate)))
            }
        })
    }

    /// The first step sets the velocity.
    fn is_settled(&self) -> bool {
        self.moving || self.spec.momentum == 0.0
    }

    /// Notes that a step was taken.
    fn advance(&mut self) {
        self.counter.advance();
        self.moving = self.spec.momentum != 0.0;
    }

    fn state(&self) -> Vec<(String, tch::Tensor)> {
        let mut state = vec![self.counter.save("evalCounter")];
        if self.moving {
            state.extend(counter::save(&[("dfdx", &self.velocity)]));
        }
        state
    }

    fn load(&mut self, x: &tch::Tensor, state: &[(String, tch::Tensor)]) -> Result<()> {
        let (counter, velocity) = (Counter::load("evalCounter", state)?, counter::load("dfdx", x, state)?);
        self.moving = velocity.is_some() && self.spec.momentum != 0.0;
        (self.counter, self.velocity) = (counter, velocity);
        Ok(())
    }
}
