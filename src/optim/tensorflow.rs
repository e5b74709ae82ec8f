//! TensorFlow's own forms of four rules, which differ from Torch's in starting values and in where epsilon stands:
//!
//! - `adagrad`: a ← a + g², from 0.1; x −= rate·g/√a
//! - `adadelta`: a ← 0.95·a + 0.05·g²; u = √(d + 1e-8)/√(a + 1e-8)·g; d ← 0.95·d + 0.05·u²; x −= rate·u
//! - `ftrl`: a' = a + g², from 0.1; l ← l + g − (√a' − √a)/rate·x; x ← −l·rate/√a'
//! - `rmsprop`: s ← 0.9·s + 0.1·g², from 1; m ← momentum·m + rate·g/√(s + 1e-10); x −= m
//!
//! Sources: Duchi et al. (2011), Zeiler (2012), McMahan et al. (2013), Hinton's lecture 6; TensorFlow 1.x's documentation
//! for the starting values. Its gradient descent, momentum and Adam are Torch's rules with other settings.

use super::{
    counter,
    flat::{self, Real, Rule},
    gradient::Gradient,
    optimizer::{DeviceUpdate, Optimizer},
    pieces::Pieces,
    spec::{OptimizerKind, OptimizerSpec},
};
use crate::{
    error::Result,
    torch::fused::{self, Rate},
};

const FIRST_ACCUMULATOR: f64 = 0.1;
const RHO: f64 = 0.95;
const ADADELTA_EPSILON: f64 = 1e-8;
const RMS_DECAY: f64 = 0.9;
const RMS_EPSILON: f64 = 1e-10;

/// One of the four rules.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    Adagrad,
    Adadelta,
    Ftrl,
    Rmsprop { momentum: f64 },
}

/// A rule with up to two numbers of state for each parameter.
pub(super) struct Slots {
    form: Form,
    first: Option<tch::Tensor>,
    second: Option<tch::Tensor>,
}

impl Slots {
    /// The rule of `spec`, which is one of the four.
    pub(super) fn new(spec: &OptimizerSpec) -> Slots {
        let form = match spec.kind {
            OptimizerKind::TensorflowAdadelta => Form::Adadelta,
            OptimizerKind::TensorflowFtrl => Form::Ftrl,
            OptimizerKind::TensorflowRmsprop => Form::Rmsprop { momentum: spec.momentum },
            _ => Form::Adagrad,
        };
        Slots { form, first: None, second: None }
    }

    /// Names of the state, TensorFlow's, and what it starts from.
    fn names(&self) -> &'static [(&'static str, f64)] {
        match self.form {
            Form::Adagrad => &[("accumulator", FIRST_ACCUMULATOR)],
            Form::Adadelta => &[("accum", 0.0), ("accum_update", 0.0)],
            Form::Ftrl => &[("accum", FIRST_ACCUMULATOR), ("linear", 0.0)],
            Form::Rmsprop { .. } => &[("rms", 1.0), ("momentum", 0.0)],
        }
    }

    /// The state, made at the first step.
    fn start(&mut self, x: &tch::Tensor) -> Result<()> {
        let names = self.names();
        for ((_, value), slot) in names.iter().zip([&mut self.first, &mut self.second]) {
            if slot.is_none() {
                *slot = Some(x.f_detach()?.f_full_like(*value)?);
            }
        }
        Ok(())
    }
}

struct Single {
    rate: f64,
}

impl Rule<1> for Single {
    #[inline(always)]
    fn update<T: Real>(&self, x: T, g: T, [a]: [T; 1]) -> (T, [T; 1]) {
        let a = a + g * g;
        (x - T::of(self.rate) * g / a.sqrt(), [a])
    }
}

struct Pair {
    form: Form,
    rate: f64,
}

impl Rule<2> for Pair {
    #[inline(always)]
    fn update<T: Real>(&self, x: T, g: T, [a, b]: [T; 2]) -> (T, [T; 2]) {
        let rate = T::of(self.rate);
        match self.form {
            Form::Adadelta => {
                let epsilon = T::of(ADADELTA_EPSILON);
                let a = T::of(RHO) * a + T::of(1.0 - RHO) * g * g;
                let u = (b + epsilon).sqrt() / (a + epsilon).sqrt() * g;
                (x - rate * u, [a, T::of(RHO) * b + T::of(1.0 - RHO) * u * u])
            }
            Form::Ftrl => {
                let new = a + g * g;
                let l = b + g - (new.sqrt() - a.sqrt()) / rate * x;
                (T::of(0.0) - l * rate / new.sqrt(), [new, l])
            }
            Form::Rmsprop { momentum } => {
                let s = T::of(RMS_DECAY) * a + T::of(1.0 - RMS_DECAY) * g * g;
                let m = T::of(momentum) * b + rate * g / (s + T::of(RMS_EPSILON)).sqrt();
                (x - m, [s, m])
            }
            // One number of state: `Single`.
            Form::Adagrad => (x, [a, b]),
        }
    }
}

fn by_operations(
    form: Form,
    x: &tch::Tensor,
    g: &Gradient,
    [first, second]: [&Option<tch::Tensor>; 2],
    rate: &Rate,
) -> Result<()> {
    let g = g.flat()?;
    let Some(mut a) = first.as_ref().map(tch::Tensor::shallow_clone) else { return Ok(()) };
    let mut x = x.shallow_clone();
    match (form, second.as_ref().map(tch::Tensor::shallow_clone)) {
        (Form::Adadelta, Some(mut b)) => {
            let _ = a.f_mul_scalar_(RHO)?.f_add_(&g.f_square()?.f_mul_scalar_(1.0 - RHO)?)?;
            let root = |t: &tch::Tensor| t.f_add_scalar(ADADELTA_EPSILON)?.f_sqrt();
            let u = root(&b)?.f_div_(&root(&a)?)?.f_mul_(&g)?;
            let _ = x.f_sub_(&rate.times(&u)?)?;
            let _ = b.f_mul_scalar_(RHO)?.f_add_(&u.f_square()?.f_mul_scalar_(1.0 - RHO)?)?;
        }
        (Form::Ftrl, Some(mut b)) => {
            let new = a.f_add(&g.f_square()?)?;
            let pull = rate.divides(new.f_sqrt()?.f_sub_(&a.f_sqrt()?)?)?.f_mul_(&x)?;
            let _ = b.f_add_(&g)?.f_sub_(&pull)?;
            x.f_copy_(&rate.times(&b)?.f_neg_()?.f_div_(&new.f_sqrt()?)?)?;
            a.f_copy_(&new)?;
        }
        (Form::Rmsprop { momentum }, Some(mut b)) => {
            let _ = a.f_mul_scalar_(RMS_DECAY)?.f_add_(&g.f_square()?.f_mul_scalar_(1.0 - RMS_DECAY)?)?;
            let push = rate.times(&g)?.f_div_(&a.f_add_scalar(RMS_EPSILON)?.f_sqrt_()?)?;
            let m = b.f_mul_scalar_(momentum)?.f_add_(&push)?;
            let _ = x.f_sub_(&m)?;
        }
        _ => {
            let _ = a.f_add_(&g.f_square()?)?;
            let _ = x.f_sub_(&rate.times(&g)?.f_div_(&a.f_sqrt()?)?)?;
        }
    }
    Ok(())
}

impl Optimizer for Slots {
    fn step(&mut self, x: &tch::Tensor, g: &Gradient, rate: f64) -> Result<()> {
        self.start(x)?;
        let form = self.form;
        let swept = match (&self.first, &self.second) {
            (Some(a), None) => flat::sweep(&Single { rate }, x, g, [a]),
            (Some(a), Some(b)) => flat::sweep(&Pair { form, rate }, x, g, [a, b]),
            _ => true,
        };
        if swept {
            return Ok(());
        }
        by_operations(form, x, g, [&self.first, &self.second], &Rate::Number(rate))
    }

    fn coming_rate(&self, rate: f64) -> f64 {
        rate
    }

    fn device_update(&mut self, x: &tch::Tensor) -> Result<DeviceUpdate> {
        self.start(x)?;
        let form = self.form;
        let [first, second] = [&self.first, &self.second].map(|slot| slot.as_ref().map(tch::Tensor::shallow_clone));
        if let (Form::Adagrad, Some(a)) = (form, &first) {
            let (a, many, in_pieces) = (a.shallow_clone(), fused::many_steps(x.device())?, Pieces::new());
            return Ok(Box::new(move |x, g, rate| {
                in_pieces.each(g, [x, &a], &mut |g, [x, a]| fused::adagrad(x, g, a, &many, [0.0, 0.0], rate))
            }));
        }
        Ok(Box::new(move |x, g, rate| by_operations(form, x, g, [&first, &second], rate)))
    }

    fn advance(&mut self) {}

    fn state(&self) -> Vec<(String, tch::Tensor)> {
        let slots = [&self.first, &self.second];
        let named: Vec<_> = self.names().iter().zip(slots).map(|((name, _), slot)| (*name, slot)).collect();
        counter::save(&named)
    }

    fn load(&mut self, x: &tch::Tensor, state: &[(String, tch::Tensor)]) -> Result<()> {
        match *self.names() {
            [(one, _)] => self.first = counter::load(one, x, state)?,
            [(one, _), (two, _)] => [self.first, self.second] = counter::load_all([one, two], x, state)?,
            _ => {}
        }
        Ok(())
    }
}
