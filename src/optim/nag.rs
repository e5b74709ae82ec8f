//! `nag`: x += momentum·v before the forward pass (from the second step on), gradient there, g += wd·x;
//! v ← momentum·v − rate·g; x −= rate·g.
//!
//! Torch7: `optim/nag.lua`.

use super::{
    counter::{self, Counter},
    flat::{self, Real, Rule},
    gradient::Gradient,
    optimizer::Optimizer,
    spec::OptimizerSpec,
};
use crate::error::Result;

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
        let rate = self.counter.decayed(rate, self.spec.learning_rate_decay);
        let (momentum, decay) = (self.spec.momentum, self.spec.weight_decay);
        let v = counter::vector(&mut self.velocity, x)?;
        if !flat::sweep(&Update { momentum, decay, rate }, x, g, [v]) {
            let down = g.flat()?.f_add(&x.f_mul_scalar(decay)?)?.f_mul_scalar_(rate)?;
            let _ = v.shallow_clone().f_mul_scalar_(momentum)?.f_sub_(&down)?;
            let _ = x.shallow_clone().f_sub_(&down)?;
        }
        self.counter.advance();
        self.ahead = false;
        Ok(())
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
