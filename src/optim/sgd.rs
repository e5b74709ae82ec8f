//! `sgd`: g += wd·x; v ← g at the first step, then v ← momentum·v + (1 − dampening)·g; x −= rate·v.
//!
//! Torch7: `optim/sgd.lua`. Dampening defaults to the momentum there, unlike in every later library.

use super::{
    counter::{self, Counter},
    flat::{self, Real, Rule},
    gradient::Gradient,
    optimizer::Optimizer,
    spec::OptimizerSpec,
};
use crate::{
    error::Result,
    torch::fused::{self, SgdNumbers},
};

/// Momentum and its velocity (`dfdx`).
pub struct Sgd {
    spec: OptimizerSpec,
    counter: Counter,
    velocity: Option<tch::Tensor>,
    /// Whether `velocity` holds anything yet.
    moving: bool,
    /// Parameters and velocity in the gradient's pieces, for steps on a device.
    views: Option<Views>,
}

/// Views of two vectors in pieces of these lengths.
struct Views {
    address: *mut std::ffi::c_void,
    lengths: Vec<usize>,
    x: Vec<tch::Tensor>,
    v: Vec<tch::Tensor>,
}

impl Views {
    fn new(x: &tch::Tensor, v: Option<&tch::Tensor>, lengths: Vec<usize>) -> Result<Views> {
        let cut = |whole: &tch::Tensor| -> Result<Vec<tch::Tensor>> {
            let mut first = 0;
            let mut views = Vec::new();
            for &length in &lengths {
                views.push(whole.f_narrow(0, first, length as i64)?);
                first += length as i64;
            }
            Ok(views)
        };
        let (address, x, v) = (x.data_ptr(), cut(x)?, v.map(cut).transpose()?.unwrap_or_default());
        Ok(Views { address, lengths, x, v })
    }
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
        Sgd { spec: spec.clone(), counter: Counter::default(), velocity: None, moving: false, views: None }
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

    /// The step by libtorch's fused kernel: `x` is contiguous, on any device.
    pub(super) fn fused(&mut self, x: &tch::Tensor, g: &Gradient, step: SgdStep) -> Result<()> {
        let pieces = g.pieces().iter().filter(|piece| piece.numel() > 0);
        let pieces = pieces.map(|piece| Ok(piece.f_reshape([-1])?)).collect::<Result<Vec<_>>>()?;
        let lengths: Vec<usize> = pieces.iter().map(tch::Tensor::numel).collect();
        let views = self.views.take().filter(|views| views.address == x.data_ptr() && views.lengths == lengths);
        let views = match views {
            Some(views) => views,
            None => Views::new(x, self.velocity(x)?, lengths)?,
        };
        let momentum = self.spec.momentum;
        let (velocity, is_first) = ((momentum != 0.0).then_some(&views.v[..]), !self.moving);
        let (decay, rate, dampening) = (step.decay, step.rate, self.spec.dampening());
        fused::sgd(&views.x, &pieces, velocity, SgdNumbers { decay, momentum, dampening, rate, is_first })?;
        self.views = Some(views);
        Ok(())
    }

    /// Notes that a step was taken.
    pub fn advance(&mut self) {
        self.counter.advance();
        self.moving = self.spec.momentum != 0.0;
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
        if x.is_contiguous() && x.device().is_cuda() {
            self.fused(x, g, step)?;
        } else if let Some(v) = self.velocity(x)? {
            if !flat::sweep(&Momentum(step), x, g, [v]) {
                let g = g.flat()?.f_add(&x.f_mul_scalar(step.decay)?)?;
                let v = v.shallow_clone().f_mul_scalar_(step.keep)?.f_add_(&g.f_mul_scalar(step.take)?)?;
                let _ = x.shallow_clone().f_sub_(&v.f_mul_scalar(step.rate)?)?;
            }
        } else if !flat::sweep(&Plain(step), x, g, []) {
            let g = g.flat()?.f_add(&x.f_mul_scalar(step.decay)?)?;
            let _ = x.shallow_clone().f_sub_(&g.f_mul_scalar(step.rate)?)?;
        }
        self.advance();
        Ok(())
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
        (self.counter, self.velocity, self.views) = (counter, velocity, None);
        Ok(())
    }
}
